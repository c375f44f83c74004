/* How long things took: counts in steps of three percent, in microseconds. */

#include <stdint.h>
#include <stdio.h>

#define STEPS 32 /* to each power of two */

struct histogram {
    uint64_t counts[64 * STEPS];
    uint64_t total;
};

static size_t step_of(uint64_t value)
{
    if (value < STEPS)
        return (size_t)value;
    int power = 63 - __builtin_clzll(value);
    return (size_t)(power - 4) * STEPS + ((value >> (power - 5)) & (STEPS - 1));
}

/* The middle of a step. */
static double value_of(size_t step)
{
    if (step < STEPS)
        return (double)step;
    double unit = (double)(1ull << (step / STEPS - 1));
    return ((double)(STEPS + step % STEPS) + 0.5) * unit;
}

static void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->counts[step_of(value)]++;
    histogram->total++;
}

static double quantile(const struct histogram *histogram, double part)
{
    uint64_t wanted = (uint64_t)((double)(histogram->total - 1) * part), seen = 0;
    for (size_t step = 0; step < 64 * STEPS; step++)
        if ((seen += histogram->counts[step]) > wanted)
            return value_of(step);
    return 0;
}

/* Median and 99th percentile in milliseconds, as a member of a JSON object. */
static void histogram_print(const struct histogram *histogram, const char *name)
{
    if (histogram->total)
        printf(", \"%s\": [%.3f, %.3f]", name, quantile(histogram, 0.5) / 1000,
               quantile(histogram, 0.99) / 1000);
    else
        printf(", \"%s\": null", name);
}
