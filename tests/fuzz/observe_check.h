/* observe_check.h - a line or a body of /observe, whatever its bytes: the scanner and the JSON
 * library read the same from it. For the fuzzer and for the test that replays its corpus. */
#ifndef OBSERVE_CHECK_H
#define OBSERVE_CHECK_H

#include "csv/csv.h"
#include "row/text_value.h"
#include "service/ndjson.h"
#include "text/utf8.h"
#include "json/observe_reader.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBSERVE_FEATURES 4
#define OBSERVE_TEXT     (1u << 16)
#define OBSERVE_MAX      (1u << 13)

static const char *const observe_names[] = {"age", "sex", "a\"b", "größe"};
static const bool observe_kinds[] = {false, true, false, true};
static const struct schema observe_schema = {OBSERVE_FEATURES, observe_names, observe_kinds, false,
                                             NULL};

/* What was read, as text. */
struct observe_seen {
    unsigned calls;
    bool refused;
    size_t bytes;
    char text[OBSERVE_TEXT];
};

static void observe_show(struct observe_seen *seen, const char *text, size_t bytes)
{
    if (bytes > OBSERVE_TEXT - seen->bytes)
        abort();
    memcpy(seen->text + seen->bytes, text, bytes);
    seen->bytes += bytes;
}

static void observe_show_value(struct observe_seen *seen, const struct value *value)
{
    char number[64];
    if (value->text) {
        if (!isnan(value->number) && value->number != 0)
            abort();
        observe_show(seen, "'", 1);
        observe_show(seen, value->text, value->text_bytes);
        observe_show(seen, "';", 2);
        return;
    }
    observe_show(seen, number,
                 (size_t)snprintf(number, sizeof(number), isnan(value->number) ? "-;" : "%a;",
                                  value->number));
}

static void observe_check_features(const struct value *value)
{
    for (size_t f = 0; f < OBSERVE_FEATURES; f++)
        if (value[f].text &&
            (!observe_kinds[f] || text_value_is_missing(value[f].text, value[f].text_bytes)))
            abort();
}

static void observe_take(void *context, uint64_t number, const struct observation *observation,
                         const struct input_error *error)
{
    struct observe_seen *seen = context;
    char text[100];
    (void)number;
    seen->calls++;
    seen->refused = !observation;
    if (!observation) {
        if (error->detail[0] == '\0' || !utf8_is_valid(error->detail, strlen(error->detail)) ||
            (error->status != 400 && error->status != 413 && error->status != 422))
            abort();
        return;
    }
    observe_check_features(observation->value);
    for (size_t f = 0; f < OBSERVE_FEATURES; f++)
        observe_show_value(seen, &observation->value[f]);
    observe_show_value(seen, &observation->prediction);
    observe_show_value(seen, &observation->label);
    if (isinf(observation->score) || observation->id_bytes > OBSERVATION_ID_MAX_BYTES ||
        observation->prediction.text_bytes > OBSERVATION_CLASS_MAX_BYTES)
        abort();
    if (observation->id)
        observe_show(seen, observation->id, observation->id_bytes);
    observe_show(seen, text,
                 (size_t)snprintf(text, sizeof(text), ";%a;%lld",
                                  isnan(observation->score) ? 7777.0 : observation->score,
                                  (long long)observation->timestamp_ms));
}

static void observe_check_line(struct observation_reader *reader, const char *text, size_t bytes)
{
    static struct observe_seen quick, slow;
    quick.calls = slow.calls = 0;
    quick.bytes = slow.bytes = 0;
    observation_read_line(reader, 1, text, bytes, observe_take, &quick);
    observation_read_slowly(reader, 1, text, bytes, observe_take, &slow);
    if (quick.calls != 1 || slow.calls != 1 || quick.refused != slow.refused ||
        quick.bytes != slow.bytes || memcmp(quick.text, slow.text, quick.bytes) != 0) {
        fprintf(stderr, "quick %.*s\nslow  %.*s\n", (int)quick.bytes, quick.text, (int)slow.bytes,
                slow.text);
        abort();
    }
}

static void observe_take_nothing(void *context, uint64_t number,
                                 const struct observation *observation,
                                 const struct input_error *error)
{
    (void)number;
    if (!observation == !error)
        abort();
    ++*(size_t *)context;
}

static void observe_check_body(struct observation_reader *reader, const char *body, size_t bytes)
{
    struct input_error error = {0};
    size_t taken = 0;
    const int r =
        observation_read_body(reader, body, bytes, 8, observe_take_nothing, &taken, &error);
    if (r == 0 ? taken == 0 || taken > 8 : r != -EINVAL || taken || !error.detail[0])
        abort();
}

/* Every line that is complete; their numbers rise. */
static void observe_check_lines(struct observation_reader *reader, struct ndjson *lines,
                                uint64_t *number)
{
    struct ndjson_line line;
    while (ndjson_next(lines, &line)) {
        if (line.number <= *number || !line.text == !line.error)
            abort();
        *number = line.number;
        if (line.text)
            observe_check_line(reader, line.text, line.bytes);
    }
}

/* The bytes as one body, and as lines in pieces. */
static void observe_check(const char *bytes, size_t count)
{
    struct ndjson_memory memory = {.limit = 1u << 20};
    struct observation_reader *reader;
    struct ndjson lines;
    uint64_t number = 0;
    if (count > OBSERVE_MAX)
        return;
    if (observation_reader_create(&observe_schema, &reader) < 0)
        abort();
    observe_check_body(reader, bytes, count);
    ndjson_init(&lines, &memory);
    for (size_t at = 0, piece = 1; at < count; at += piece, piece = piece % 97 + 31) {
        if (piece > count - at)
            piece = count - at;
        ndjson_feed(&lines, bytes + at, piece);
        observe_check_lines(reader, &lines, &number);
    }
    ndjson_end(&lines);
    observe_check_lines(reader, &lines, &number);
    ndjson_finish(&lines);
    if (atomic_load(&memory.used))
        abort();
    observation_reader_destroy(reader);
}

#endif
