/* A client for measurements: many connections on one thread, each with a request.

     client PORT REQUEST CONNECTIONS RAMP PATIENCE SECONDS PIECES

   The file REQUEST is sent as it is on every connection, spread over RAMP seconds, and
   again after each answer. Once every connection has had a piece, or after PATIENCE
   seconds, it prints "begin", counts for SECONDS, prints "end" and what it saw, as JSON.
   An answer is good when its framing, its PIECES pieces (0: any) and its end agree. */

#include "common.h"

#include "answer.h"
#include "histogram.h"

#define PAUSE_US 50000 /* after a failure, before the next try */

struct link {
    struct answer answer; /* the first member: a piece's answer is its link */
    int fd;
    bool is_sending, has_begun;
    size_t sent;
    uint64_t asked, opens; /* when its request began; when to connect */
};

static int epoll, port;
static char *request;
static size_t request_size;
static struct link *links;
static unsigned count, begun;
static uint64_t wanted;
static bool counting;
static uint64_t answers, pieces, bytes, lost, failed;
static char reason[256];
static struct histogram late, first, whole;

static void watch(struct link *link, int how, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = link};
    if (epoll_ctl(epoll, how, link->fd, &event) < 0)
        die("epoll_ctl");
}

static void hang_up(struct link *link, uint64_t pause)
{
    close(link->fd);
    link->fd = -1;
    link->opens = now_us() + pause;
}

static void fail(struct link *link, const char *problem)
{
    struct answer *answer = &link->answer;
    failed++;
    if (reason[0] == '\0') {
        snprintf(reason, sizeof reason, "%s %.*s", problem, (int)answer->tail_size,
                 answer->tail);
        for (char *at = reason; *at; at++) /* it goes into a JSON string */
            if (*at == '"')
                *at = '\'';
            else if (*at < ' ' || *at > '~' || *at == '\\')
                *at = ' ';
    }
    hang_up(link, PAUSE_US);
}

static void ask(struct link *link)
{
    answer_begin(&link->answer);
    link->asked = now_us();
    link->sent = 0;
    link->is_sending = true;
    watch(link, EPOLL_CTL_MOD, EPOLLOUT);
}

static void open_link(struct link *link)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    link->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (link->fd < 0)
        die("socket");
    make_ready(link->fd);
    if (connect(link->fd, (struct sockaddr *)&address, sizeof address) < 0 &&
        errno != EINPROGRESS) {
        fail(link, "cannot connect");
        return;
    }
    watch(link, EPOLL_CTL_ADD, EPOLLOUT);
    ask(link);
}

static void send_request(struct link *link)
{
    ssize_t size = send(link->fd, request + link->sent, request_size - link->sent,
                        MSG_NOSIGNAL);
    if (size < 0) {
        if (errno != EAGAIN && errno != EINTR)
            fail(link, strerror(errno));
        return;
    }
    link->sent += (size_t)size;
    if (link->sent == request_size) {
        link->is_sending = false;
        watch(link, EPOLL_CTL_MOD, EPOLLIN);
    }
}

static void on_piece(struct answer *answer)
{
    struct link *link = (struct link *)answer;
    uint64_t now = now_us();
    begun += !link->has_begun;
    link->has_begun = true;
    if (!counting)
        return;
    pieces++;
    histogram_add(&late, now > answer->moment ? now - answer->moment : 0);
    if (answer->pieces == 0)
        histogram_add(&first, now - link->asked);
}

static void end_answer(struct link *link)
{
    struct answer *answer = &link->answer;
    char problem[64];
    lost += answer->lost;
    if (answer->state == BROKEN)
        fail(link, answer->problem);
    else if (answer->status != 200) {
        snprintf(problem, sizeof problem, "%d:", answer->status);
        fail(link, problem);
    } else if (!is_complete(answer, wanted)) {
        snprintf(problem, sizeof problem, "ended after %llu of %llu pieces:",
                 (unsigned long long)answer->pieces, (unsigned long long)wanted);
        fail(link, problem);
    } else {
        if (counting) {
            answers++;
            histogram_add(&whole, now_us() - link->asked);
        }
        if (answer->closes)
            hang_up(link, 0);
        else
            ask(link);
    }
}

static void read_answer(struct link *link)
{
    static char data[256 * 1024];
    struct answer *answer = &link->answer;
    ssize_t size = recv(link->fd, data, sizeof data, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0) {
        answer->closes = true;
        answer_close(answer);
    } else {
        if (counting)
            bytes += (uint64_t)size;
        if (answer_take(answer, data, (size_t)size) < (size_t)size &&
            answer->state != BROKEN)
            answer_break(answer, "bytes behind the answer");
    }
    if (answer->state >= ENDED)
        end_answer(link);
}

/* The run */

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Serve the connections until then, or until all have begun. */
static void run(uint64_t until, bool until_begun)
{
    struct epoll_event events[MAX_EVENTS];
    uint64_t now;
    while ((now = now_us()) < until && !(until_begun && begun == count)) {
        uint64_t next = until;
        for (unsigned at = 0; at < count; at++) {
            if (links[at].fd < 0 && links[at].opens <= now)
                open_link(&links[at]);
            if (links[at].fd < 0 && links[at].opens < next)
                next = links[at].opens;
        }
        now = now_us();
        int wait = next > now ? (int)((next - now + 999) / 1000) : 0;
        int ready = epoll_wait(epoll, events, MAX_EVENTS, wait);
        for (int at = 0; at < ready; at++) {
            struct link *link = events[at].data.ptr;
            if (link->fd < 0)
                continue;
            if (link->is_sending)
                send_request(link);
            else
                read_answer(link);
        }
    }
}

static void read_request(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        die(path);
    request = keep(malloc(64 << 20));
    request_size = fread(request, 1, 64 << 20, file);
    fclose(file);
}

int main(int argc, char **argv)
{
    if (argc != 8) {
        fputs("client PORT REQUEST CONNECTIONS RAMP PATIENCE SECONDS PIECES\n", stderr);
        return 2;
    }
    port = atoi(argv[1]);
    read_request(argv[2]);
    count = (unsigned)atoi(argv[3]);
    double ramp = atof(argv[4]), patience = atof(argv[5]), seconds = atof(argv[6]);
    wanted = strtoull(argv[7], NULL, 10);
    raise_file_limit();
    epoll = epoll_create1(0);
    links = keep(calloc(count, sizeof *links));
    uint64_t start = now_us();
    for (unsigned at = 0; at < count; at++) {
        links[at].fd = -1;
        links[at].opens = start + (uint64_t)(ramp * 1e6 * at / count);
    }
    run(start + (uint64_t)(patience * 1e6), true);
    puts("begin");
    fflush(stdout);
    double cpu = cpu_seconds();
    uint64_t began = now_us();
    counting = true;
    run(began + (uint64_t)(seconds * 1e6), false);
    counting = false;
    for (unsigned at = 0; at < count; at++) /* of the answers still under way */
        lost += links[at].fd >= 0 ? links[at].answer.lost : 0;
    double took = (double)(now_us() - began) / 1e6;
    puts("end");
    fflush(stdout);
    printf("{\"connections\": %u, \"begun\": %u, \"answers\": %llu, \"pieces\": %llu, "
           "\"bytes\": %llu, \"lost\": %llu, \"failed\": %llu, "
           "\"seconds\": %.3f, \"client_cpu\": %.3f, \"reason\": \"%s\"",
           count, begun, (unsigned long long)answers, (unsigned long long)pieces,
           (unsigned long long)bytes, (unsigned long long)lost,
           (unsigned long long)failed, took, cpu_seconds() - cpu, reason);
    histogram_print(&first, "first_ms");
    histogram_print(&whole, "whole_ms");
    histogram_print(&late, "late_ms");
    puts("}");
    return 0;
}
