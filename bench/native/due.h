/* Who is due next: a binary heap of moments. */

#include <stddef.h>
#include <stdint.h>

struct due {
    uint64_t moment; /* in microseconds */
    size_t place;    /* in the heap, from 1; 0: not in it */
    void *peer;
};

static struct due **heap; /* heap[1] is the first */
static size_t heap_size, heap_room;

static void heap_put(size_t place, struct due *due)
{
    heap[place] = due;
    due->place = place;
}

/* Its moment may be any: up or down to where it belongs. */
static void due_changed(struct due *due)
{
    size_t place = due->place;
    for (; place > 1 && heap[place / 2]->moment > due->moment; place /= 2)
        heap_put(place, heap[place / 2]);
    for (size_t child; (child = place * 2) <= heap_size; place = child) {
        if (child < heap_size && heap[child + 1]->moment < heap[child]->moment)
            child++;
        if (heap[child]->moment >= due->moment)
            break;
        heap_put(place, heap[child]);
    }
    heap_put(place, due);
}

static struct due *due_first(void)
{
    return heap_size ? heap[1] : NULL;
}

static void due_add(struct due *due)
{
    if (heap_size + 2 > heap_room) {
        heap_room = (heap_size + 2) * 2;
        heap = keep(realloc(heap, heap_room * sizeof *heap));
    }
    heap_put(++heap_size, due);
    due_changed(due);
}

static void due_remove(struct due *due)
{
    size_t place = due->place;
    if (place == 0)
        return;
    due->place = 0;
    struct due *last = heap[heap_size--];
    if (last != due) {
        heap_put(place, last);
        due_changed(last);
    }
}
