/* What both programs of the measurements need: a clock, and bytes that wait. */

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A piece of text that tells where it belongs and when it was due:
   [nnnnnn:mmmmmmmmmmmmmmm], its number in the answer and a moment in microseconds.
   No JSON encoder escapes any of it, and no gateway may tear, drop or turn it. */
#define PIECE_BYTES 24
#define NUMBER_DIGITS 6
#define MOMENT_DIGITS 15
#define MAX_EVENTS 512

static inline void die(const char *what)
{
    perror(what);
    exit(1);
}

static inline uint64_t now_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static inline void *keep(void *memory)
{
    if (memory == NULL)
        die("memory");
    return memory;
}

struct buffer {
    char *bytes;
    size_t size, room, sent;
};

/* Room for so many bytes more, behind those that are there. */
static inline char *buffer_room(struct buffer *buffer, size_t more)
{
    if (buffer->sent == buffer->size)
        buffer->sent = buffer->size = 0;
    if (buffer->size + more > buffer->room && buffer->sent) {
        buffer->size -= buffer->sent;
        memmove(buffer->bytes, buffer->bytes + buffer->sent, buffer->size);
        buffer->sent = 0;
    }
    if (buffer->size + more > buffer->room) {
        buffer->room = (buffer->size + more) * 2;
        buffer->bytes = keep(realloc(buffer->bytes, buffer->room));
    }
    return buffer->bytes + buffer->size;
}

static inline void buffer_add(struct buffer *buffer, const char *bytes, size_t size)
{
    memcpy(buffer_room(buffer, size), bytes, size);
    buffer->size += size;
}

/* Forget the first so many bytes. */
static inline void buffer_drop(struct buffer *buffer, size_t size)
{
    buffer->size -= size;
    memmove(buffer->bytes, buffer->bytes + size, buffer->size);
}

/* The value of a header field in a head that ends with a NUL, or NULL. */
static inline const char *field(const char *head, const char *name)
{
    const char *found = strcasestr(head, name);
    if (found == NULL)
        return NULL;
    found += strlen(name);
    return found + strspn(found, " ");
}

static inline void make_ready(int fd)
{
    int on = 1;
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        die("fcntl");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Thousands of sockets: as many files as the system allows. */
static inline void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}
