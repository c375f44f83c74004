/* An answer as it comes: head, framing, and the pieces in its body. No sockets here. */

#define TAIL_BYTES 512
#define HEAD_BYTES 16384

enum state {
    HEAD,
    SIZE,     /* of a chunk */
    DATA,     /* of a chunk */
    DATA_END, /* the line end behind it */
    TRAILER,
    LENGTH,   /* a body of known length */
    TO_CLOSE, /* a body that the connection's end ends */
    ENDED,
    BROKEN, /* `problem` says why */
};

struct answer {
    enum state state;
    char head[HEAD_BYTES];
    size_t head_size;
    int status;
    bool is_stream, closes;
    uint64_t left;           /* of the body or chunk */
    unsigned line_size;      /* of a chunk's size, or of a trailer */
    unsigned at;             /* how much of a piece has been read */
    uint64_t number, moment; /* of that piece */
    uint64_t pieces, lost;
    char tail[TAIL_BYTES]; /* the last of the body */
    size_t tail_size;
    const char *problem;
};

/* The client's: what to do with the piece that has just come. */
static void on_piece(struct answer *answer);

static void answer_begin(struct answer *answer)
{
    answer->state = HEAD;
    answer->head_size = answer->tail_size = 0;
    answer->at = 0;
    answer->pieces = answer->lost = 0;
    answer->problem = NULL;
}

static void answer_break(struct answer *answer, const char *problem)
{
    answer->state = BROKEN;
    answer->problem = problem;
}

/* Look for pieces, wherever the network cut them. */
static void scan(struct answer *answer, const char *data, size_t size)
{
    static const char shape[] = "[dddddd:ddddddddddddddd]";
    const char *end = data + size;
    while (data < end) {
        if (answer->at == 0) {
            data = memchr(data, '[', (size_t)(end - data));
            if (data == NULL)
                return;
            answer->number = answer->moment = 0;
        }
        char is = *data, wants = shape[answer->at];
        if (wants == 'd' ? is < '0' || is > '9' : is != wants) {
            answer->at = 0; /* this byte may begin a piece itself */
            continue;
        }
        if (wants == 'd') {
            uint64_t *value =
                answer->at <= NUMBER_DIGITS ? &answer->number : &answer->moment;
            *value = *value * 10 + (uint64_t)(is - '0');
        }
        data++;
        if (++answer->at == PIECE_BYTES) {
            answer->at = 0;
            answer->lost += answer->number != answer->pieces;
            on_piece(answer);
            answer->pieces = answer->number + 1;
        }
    }
}

static void take_body(struct answer *answer, const char *data, size_t size)
{
    scan(answer, data, size);
    if (size > TAIL_BYTES) {
        data += size - TAIL_BYTES;
        size = TAIL_BYTES;
    }
    size_t kept = answer->tail_size;
    if (kept + size > TAIL_BYTES)
        kept = TAIL_BYTES - size;
    memmove(answer->tail, answer->tail + answer->tail_size - kept, kept);
    memcpy(answer->tail + kept, data, size);
    answer->tail_size = kept + size;
}

static bool tail_has(const struct answer *answer, const char *text)
{
    return memmem(answer->tail, answer->tail_size, text, strlen(text)) != NULL;
}

/* Whether a body whose framing has ended is all that was to be said. */
static bool is_complete(const struct answer *answer, uint64_t wanted)
{
    if (answer->pieces == 0 || (wanted && answer->pieces != wanted))
        return false;
    if (answer->is_stream)
        return tail_has(answer, "message_stop") || tail_has(answer, "[DONE]");
    size_t size = answer->tail_size;
    while (size && strchr(" \r\n", answer->tail[size - 1]))
        size--;
    return size && answer->tail[size - 1] == '}';
}

static void read_head(struct answer *answer)
{
    const char *head = answer->head;
    const char *length = field(head, "\ncontent-length:");
    const char *connection = field(head, "\nconnection:");
    const char *type = field(head, "\ncontent-type:");
    answer->status = answer->head_size > 12 ? atoi(head + 9) : 0;
    answer->closes = connection && strncasecmp(connection, "close", 5) == 0;
    answer->is_stream = type && strncasecmp(type, "text/event-stream", 17) == 0;
    answer->head_size = answer->line_size = 0;
    answer->left = 0;
    if (answer->status / 100 == 1)
        answer->state = HEAD;
    else if (field(head, "\ntransfer-encoding:"))
        answer->state = SIZE;
    else if (length) {
        answer->left = strtoull(length, NULL, 10);
        answer->state = answer->left ? LENGTH : ENDED;
    } else
        answer->state = TO_CLOSE;
}

static size_t take_head(struct answer *answer, const char *data, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        if (answer->head_size == HEAD_BYTES - 1) {
            answer_break(answer, "a head without an end");
            return size;
        }
        answer->head[answer->head_size++] = data[at];
        if (data[at] == '\n' && answer->head_size >= 4 &&
            memcmp(answer->head + answer->head_size - 4, "\r\n\r\n", 4) == 0) {
            answer->head[answer->head_size] = '\0';
            read_head(answer);
            return at + 1;
        }
    }
    return size;
}

static int hex(char byte)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = byte ? strchr(digits, byte | 32) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* One byte of what stands between the chunks' data. */
static void take_framing(struct answer *answer, char byte)
{
    if (answer->state == SIZE && hex(byte) >= 0) {
        answer->left = answer->left * 16 + (uint64_t)hex(byte);
        answer->line_size++;
    } else if (answer->state == SIZE && byte == '\n' && answer->line_size) {
        answer->state = answer->left ? DATA : TRAILER;
        answer->line_size = 0;
    } else if (answer->state == DATA_END && byte == '\n')
        answer->state = SIZE;
    else if (answer->state == TRAILER && byte == '\n') { /* until an empty line */
        if (answer->line_size == 0)
            answer->state = ENDED;
        answer->line_size = 0;
    } else if (answer->state == TRAILER)
        answer->line_size += byte != '\r';
    else if (byte != '\r')
        answer_break(answer, "bad framing");
}

/* Take what was read; how much of it was used. Stops where the answer ends. */
static size_t answer_take(struct answer *answer, const char *data, size_t size)
{
    size_t used = 0;
    while (used < size && answer->state < ENDED) {
        size_t some = size - used;
        if (answer->state == HEAD)
            used += take_head(answer, data + used, some);
        else if (answer->state == TO_CLOSE) {
            take_body(answer, data + used, some);
            used = size;
        } else if (answer->state != DATA && answer->state != LENGTH)
            take_framing(answer, data[used++]);
        else {
            if (some > answer->left)
                some = (size_t)answer->left;
            take_body(answer, data + used, some);
            used += some;
            answer->left -= some;
            if (answer->left == 0)
                answer->state = answer->state == DATA ? DATA_END : ENDED;
        }
    }
    return used;
}

/* The connection has ended. */
static void answer_close(struct answer *answer)
{
    if (answer->state == TO_CLOSE)
        answer->state = ENDED;
    else if (answer->state == HEAD && answer->head_size == 0)
        answer_break(answer, "closed without an answer");
    else
        answer_break(answer, "cut short");
}
