/* fuzz_request.c - the reader of requests and of chunked bodies, on any bytes: it gives the same
 * result however the bytes are cut into pieces, and the texts that it gives are what it promises.
 * The first byte says where the cuts are. Run by scripts/fuzz.sh request. */
#include "http/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define demand(condition)                                                                          \
    do                                                                                             \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "not so: %s\n", #condition);                                           \
            abort();                                                                               \
        }                                                                                          \
    while (0)

static void demand_text(const char *text, size_t bytes)
{
    demand(strlen(text) == bytes);
    for (size_t i = 0; i < bytes; i++)
        demand((unsigned char)text[i] >= 0x20 || text[i] == '\t');
}

static void demand_sound(const struct http_head *head)
{
    demand(head->method[0] && head->target[0]);
    demand_text(head->method, strlen(head->method));
    demand_text(head->target, head->target_bytes);
    demand(!strpbrk(head->target, " \t"));
    demand(head->bytes <= LIMIT && head->field_count <= HTTP_MAX_FIELDS);
    for (size_t i = 0; i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];
        demand(field->name_bytes && strlen(field->name) == field->name_bytes);
        for (size_t c = 0; c < field->name_bytes; c++)
            demand(http_is_token_byte(field->name[c]));
        demand_text(field->value, field->value_bytes);
    }
}

static enum http_reading read_head(struct http_head *head, char *bytes, size_t size, size_t step)
{
    enum http_reading reading = HTTP_READING_MORE;
    http_head_init(head);
    for (size_t count = 0; reading == HTTP_READING_MORE && count < size;) {
        count = count + step < size ? count + step : size;
        reading = http_head_read(head, bytes, count, LIMIT);
    }
    return reading;
}

struct body {
    enum http_reading reading;
    size_t used, bytes;
    uint64_t hash;
};

static struct body read_body(const char *text, size_t size, size_t step)
{
    struct http_chunks chunks = HTTP_CHUNKS_INIT;
    struct body body = {.reading = HTTP_READING_MORE};
    while (body.used < size) {
        const size_t left = size - body.used;
        const char *piece;
        size_t used, bytes;
        body.reading = http_chunks_read(&chunks, text + body.used, left < step ? left : step, &used,
                                        &piece, &bytes);
        demand(used > 0 && used <= left);
        body.used += used;
        if (body.reading == HTTP_READING_DONE || body.reading == HTTP_READING_WRONG)
            break;
        for (size_t i = 0; body.reading == HTTP_READING_PIECE && i < bytes; i++)
            body.hash = body.hash * 31 + (unsigned char)piece[i];
        body.bytes += body.reading == HTTP_READING_PIECE ? bytes : 0;
    }
    return body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_head whole, cut;
    if (size < 1)
        return 0;
    const size_t step = data[0] % 32 + 1, bytes = size - 1;
    char *one = malloc(bytes + 1), *two = malloc(bytes + 1);
    demand(one && two);
    memcpy(one, data + 1, bytes);
    memcpy(two, data + 1, bytes);
    const enum http_reading reading = read_head(&whole, one, bytes, bytes + 1);
    demand(read_head(&cut, two, bytes, step) == reading);
    if (reading == HTTP_READING_DONE) {
        demand_sound(&whole);
        demand(whole.bytes == cut.bytes && whole.field_count == cut.field_count);
        demand(memcmp(one, two, bytes) == 0);
    } else if (reading == HTTP_READING_WRONG) {
        demand(whole.refusal.status == cut.refusal.status);
    }
    const size_t behind = reading == HTTP_READING_DONE ? whole.bytes : 0;
    const struct body a = read_body((char *)data + 1 + behind, bytes - behind, bytes + 1);
    const struct body b = read_body((char *)data + 1 + behind, bytes - behind, step);
    demand(a.bytes == b.bytes && a.hash == b.hash && a.used == b.used);
    demand(a.reading == b.reading ||
           (a.reading != HTTP_READING_WRONG && a.reading != HTTP_READING_DONE));
    free(one);
    free(two);
    return 0;
}
