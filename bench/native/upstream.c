/* A provider for measurements: Chat Completions by a script, on one thread.

   It prints its port. GET /script?rate=R&chunks=N&hold=H sets how the next streams go:
   R chunks a second (0: as fast as the sockets take them), N chunks, then the end, or
   silence if H is 1. GET /stats tells what it saw. Any POST is answered: as a stream if
   its JSON says "stream": true, else whole. */

#include "common.h"
#include "due.h"

#include <arpa/inet.h>
#include <sys/timerfd.h>

#define BATCH_BYTES (64 * 1024)

static const char STREAM_HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n";
#define NAMES                                                                            \
    "data: {\"id\":\"chatcmpl-123456789012345678901234\",\"object\":"                    \
    "\"chat.completion.chunk\",\"created\":1700000000,"                                  \
    "\"model\":\"measured-model-2026-11-25-0\",\"choices\":["
#define OPENING NAMES "{\"index\":0,\"delta\":{"
#define CLOSING "},\"logprobs\":null,\"finish_reason\":"
static const char ROLE[] =
    OPENING "\"role\":\"assistant\",\"content\":\"\"" CLOSING "null}]}\n\n";
static const char TEXT[] =
    OPENING "\"content\":\"[000000:000000000000000]\"" CLOSING "null}]}\n\n";
static const char STOP[] = OPENING CLOSING "\"stop\"}]}\n\n";
static const char USAGE[] =
    NAMES "],\"usage\":{\"prompt_tokens\":19000,\"completion_tokens\":100,"
          "\"total_tokens\":19100}}\n\n";
static const char DONE[] = "data: [DONE]\n\n";
static const char WHOLE[] =
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1700000000,"
    "\"model\":\"measured-model-2026-11-25-0\",\"choices\":[{\"index\":0,\"message\":{"
    "\"role\":\"assistant\",\"content\":\"[000000:%015llu] A short answer of some words, as an "
    "agent gets them between two calls of its tools.\"},\"logprobs\":null,"
    "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":19000,"
    "\"completion_tokens\":64,\"total_tokens\":19064}}";
static const char MODELS[] =
    "{\"object\":\"list\",\"data\":[{\"id\":\"measured\",\"object\":\"model\","
    "\"created\":1700000000,\"owned_by\":\"measured\"}]}";

enum { MAX_UNREAD = 4 << 20 };

struct script {
    unsigned rate, chunks, hold;
};

struct peer {
    int fd;
    struct buffer in, out;
    struct script script; /* of the stream under way */
    unsigned number;      /* of the next chunk */
    bool streams, watches_write;
    struct due due;       /* its next chunk, in a stream with a rate */
    struct peer *next_gone;
};

static int epoll, timer;
static struct script script = {200, 5, 0};
static unsigned long long requests, bad;
static unsigned long long cut, cut_at; /* streams that their reader left, and when */
static struct peer *gone; /* closed in this turn, freed at its end */
static char text_frame[sizeof TEXT + 16];
static size_t frame_size, piece_at;

/* Bytes out */

static void watch(struct peer *peer, bool write)
{
    if (peer->watches_write == write)
        return;
    struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0u),
                                .data.ptr = peer};
    peer->watches_write = write;
    epoll_ctl(epoll, EPOLL_CTL_MOD, peer->fd, &event);
}

static void close_peer(struct peer *peer)
{
    if (peer->fd < 0)
        return;
    close(peer->fd);
    peer->fd = -1;
    due_remove(&peer->due);
    if (peer->streams) {
        cut++;
        cut_at = now_us();
    }
    peer->next_gone = gone;
    gone = peer;
}

static bool has_more(const struct peer *peer)
{
    return peer->streams && peer->number < peer->script.chunks;
}

static void flush(struct peer *peer)
{
    struct buffer *out = &peer->out;
    while (peer->fd >= 0 && out->sent < out->size) {
        ssize_t sent =
            send(peer->fd, out->bytes + out->sent, out->size - out->sent, MSG_NOSIGNAL);
        if (sent >= 0)
            out->sent += (size_t)sent;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            close_peer(peer);
    }
    if (peer->fd >= 0)
        watch(peer, out->sent < out->size || (has_more(peer) && peer->script.rate == 0));
}

static void add_frame(struct peer *peer, const char *event)
{
    char line[16];
    int size = snprintf(line, sizeof line, "%zx\r\n", strlen(event));
    buffer_add(&peer->out, line, (size_t)size);
    buffer_add(&peer->out, event, strlen(event));
    buffer_add(&peer->out, "\r\n", 2);
}

static void put_digits(char *to, int digits, uint64_t value)
{
    for (; digits; value /= 10)
        to[--digits] = (char)('0' + value % 10);
}

/* One chunk more; after the last the end. */
static void add_chunk(struct peer *peer, uint64_t moment)
{
    char *piece = text_frame + piece_at + 1;
    put_digits(piece, NUMBER_DIGITS, peer->number);
    put_digits(piece + NUMBER_DIGITS + 1, MOMENT_DIGITS, moment);
    buffer_add(&peer->out, text_frame, frame_size);
    if (++peer->number < peer->script.chunks || peer->script.hold)
        return;
    add_frame(peer, STOP);
    add_frame(peer, USAGE);
    add_frame(peer, DONE);
    buffer_add(&peer->out, "0\r\n\r\n", 5);
    peer->streams = false;
}

/* What a stream without a rate sends in one turn. */
static void add_batch(struct peer *peer)
{
    uint64_t moment = now_us();
    while (has_more(peer) && peer->out.size - peer->out.sent < BATCH_BYTES)
        add_chunk(peer, moment);
}

static void set_timer(void)
{
    struct itimerspec next = {0};
    struct due *first = due_first();
    if (first) {
        next.it_value.tv_sec = (time_t)(first->moment / 1000000);
        next.it_value.tv_nsec = (long)(first->moment % 1000000) * 1000;
    }
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &next, NULL);
}

/* Requests */

static void send_json(struct peer *peer, const char *body)
{
    char head[128];
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        strlen(body));
    buffer_add(&peer->out, head, (size_t)size);
    buffer_add(&peer->out, body, strlen(body));
}

static void answer_get(struct peer *peer, const char *head)
{
    char body[256];
    struct script wanted = {0};
    if (sscanf(head, "GET /script?rate=%u&chunks=%u&hold=%u", &wanted.rate,
               &wanted.chunks, &wanted.hold) == 3)
        script = wanted;
    else if (strncmp(head, "GET /stats", 10) != 0) {
        send_json(peer, MODELS);
        return;
    }
    snprintf(body, sizeof body,
             "{\"requests\":%llu,\"cut\":%llu,\"cut_at\":%llu,\"bad\":%llu,"
             "\"rate\":%u,\"chunks\":%u,\"hold\":%u,\"now\":%llu}",
             requests, cut, cut_at, bad, script.rate, script.chunks, script.hold,
             (unsigned long long)now_us());
    send_json(peer, body);
}

static bool wants_stream(const char *body, size_t size)
{
    static const char name[] = "\"stream\"";
    const char *end = body + size, *found = body;
    while ((found = memmem(found, (size_t)(end - found), name, sizeof name - 1))) {
        found += sizeof name - 1;
        while (found < end && (*found == ' ' || *found == ':'))
            found++;
        if (end - found >= 4 && memcmp(found, "true", 4) == 0)
            return true;
    }
    return false;
}

static void answer_post(struct peer *peer, const char *body, size_t size)
{
    requests++;
    if (!wants_stream(body, size)) {
        char whole[sizeof WHOLE + 32];
        snprintf(whole, sizeof whole, WHOLE, (unsigned long long)now_us());
        send_json(peer, whole);
        return;
    }
    buffer_add(&peer->out, STREAM_HEAD, sizeof STREAM_HEAD - 1);
    add_frame(peer, ROLE);
    peer->script = script;
    peer->number = 0;
    peer->streams = true;
    if (script.rate == 0)
        add_batch(peer);
    else {
        peer->due.moment = now_us();
        peer->due.peer = peer;
        due_add(&peer->due);
    }
}

/* The size of the first whole request that has come, or 0; *body is where its body
   begins. Of a chunked one the end is enough: nobody here pipelines. */
static size_t whole_request(struct peer *peer, size_t *body)
{
    struct buffer *in = &peer->in;
    char *end = memmem(in->bytes, in->size, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    end[2] = '\0'; /* the head is a string from here on; nothing reads this byte */
    *body = (size_t)(end - in->bytes) + 4;
    const char *length = field(in->bytes, "\ncontent-length:");
    if (field(in->bytes, "\ntransfer-encoding:")) {
        bool whole = in->size >= *body + 5 &&
                     memcmp(in->bytes + in->size - 5, "0\r\n\r\n", 5) == 0;
        end[2] = '\r';
        return whole ? in->size : 0;
    }
    size_t size = *body + (length ? strtoul(length, NULL, 10) : 0);
    end[2] = '\r';
    return in->size >= size ? size : 0;
}

static void answer_all(struct peer *peer)
{
    size_t size, body;
    while (peer->fd >= 0 && !peer->streams && (size = whole_request(peer, &body))) {
        char *bytes = peer->in.bytes;
        bytes[body - 1] = '\0';
        if (strncmp(bytes, "GET ", 4) == 0)
            answer_get(peer, bytes);
        else if (strncmp(bytes, "POST ", 5) == 0)
            answer_post(peer, bytes + body, size - body);
        else {
            bad++;
            close_peer(peer);
            return;
        }
        buffer_drop(&peer->in, size);
    }
    flush(peer);
}

static void read_peer(struct peer *peer)
{
    char *room = buffer_room(&peer->in, 128 * 1024);
    ssize_t size = recv(peer->fd, room, 128 * 1024, 0);
    if (size > 0) {
        peer->in.size += (size_t)size;
        answer_all(peer);
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR))
        close_peer(peer);
}

/* The writing side of a turn: a stream without a rate goes on. */
static void write_peer(struct peer *peer)
{
    if (peer->streams && peer->script.rate == 0)
        add_batch(peer);
    flush(peer);
    if (peer->fd >= 0 && !peer->streams && peer->in.size)
        answer_all(peer);
}

static void send_due(void)
{
    uint64_t now = now_us();
    struct due *due;
    while ((due = due_first()) && due->moment <= now) {
        struct peer *peer = due->peer;
        add_chunk(peer, due->moment);
        if (has_more(peer)) {
            due->moment += 1000000 / peer->script.rate;
            due_changed(due);
        } else
            due_remove(due);
        flush(peer);
        /* Some gateways leave a stream unread for ever. */
        if (peer->out.size - peer->out.sent > MAX_UNREAD)
            close_peer(peer);
        if (peer->fd >= 0 && !peer->streams && peer->in.size)
            answer_all(peer);
    }
}

static void accept_all(int listener)
{
    int fd;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        make_ready(fd);
        struct peer *peer = keep(calloc(1, sizeof *peer));
        peer->fd = fd;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

static int listen_anywhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
        listen(listener, 4096) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) < 0)
        die("listen");
    make_ready(listener);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void free_gone(void)
{
    while (gone) {
        struct peer *peer = gone;
        gone = peer->next_gone;
        free(peer->in.bytes);
        free(peer->out.bytes);
        free(peer);
    }
}

int main(void)
{
    struct epoll_event events[MAX_EVENTS];
    frame_size = (size_t)sprintf(text_frame, "%zx\r\n%s\r\n", strlen(TEXT), TEXT);
    piece_at = (size_t)(strstr(text_frame, "\"[000000:") - text_frame) + 1;
    raise_file_limit();
    epoll = epoll_create1(0);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    int listener = listen_anywhere();
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    event.data.ptr = &timer;
    epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
    for (;;) {
        set_timer();
        int count = epoll_wait(epoll, events, MAX_EVENTS, -1);
        for (int at = 0; at < count; at++) {
            struct peer *peer = events[at].data.ptr;
            if (events[at].data.ptr == &timer)
                continue; /* set anew before each wait */
            if (peer == NULL) {
                accept_all(listener);
                continue;
            }
            if (peer->fd >= 0 && events[at].events & EPOLLOUT)
                write_peer(peer);
            if (peer->fd >= 0 && events[at].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                read_peer(peer);
        }
        send_due();
        free_gone();
    }
}
