/* observe_quick.c - a scanner for observations of the usual shape; see the header. */
#include "row/text_value.h"
#include "text/hash.h"
#include "text/timestamp.h"
#include "json/observe_reader.h"
#include "json/scanner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NO_FEATURE UINT32_MAX

/* --- features --- */

static bool build_table(struct observation_reader *reader)
{
    const size_t features = reader->schema->features;
    size_t size = 8;
    while (size < 2 * features)
        size *= 2;
    reader->table = calloc(size, sizeof(*reader->table));
    if (!reader->table)
        return false;
    reader->table_size = size;
    for (size_t f = 0; f < features; f++) {
        size_t slot = text_hash(reader->names[f].text, reader->names[f].bytes) & (size - 1);
        while (reader->table[slot])
            slot = (slot + 1) & (size - 1);
        reader->table[slot] = (uint32_t)f + 1;
    }
    return true;
}

static uint32_t look_up(struct observation_reader *reader, struct scanned_text text)
{
    if (!reader->table && !build_table(reader))
        return NO_FEATURE;
    size_t slot = text_hash(text.start, text.bytes) & (reader->table_size - 1);
    for (; reader->table[slot]; slot = (slot + 1) & (reader->table_size - 1)) {
        const struct observed_name *name = &reader->names[reader->table[slot] - 1];
        if (name->bytes == text.bytes && memcmp(name->text, text.start, text.bytes) == 0)
            return name->plain ? reader->table[slot] - 1 : NO_FEATURE;
    }
    return NO_FEATURE;
}

/* Past the opening quote. Names nearly always come in the order of the line before. */
static inline uint32_t scan_name(struct scanner *scanner, struct observation_reader *reader,
                                 uint32_t previous)
{
    const uint32_t guess = reader->names[previous].next;
    const struct observed_name *name = &reader->names[guess];
    struct scanned_text text;
    if (name->plain && (size_t)(scanner->end - scanner->at) > name->bytes &&
        scanner->at[name->bytes] == '"' && memcmp(scanner->at, name->text, name->bytes) == 0) {
        scanner->at += name->bytes + 1;
        return guess;
    }
    if (!scanner_string(scanner, &text))
        return NO_FEATURE;
    const uint32_t feature = look_up(reader, text);
    if (feature != NO_FEATURE)
        reader->names[previous].next = feature;
    return feature;
}

static bool scan_special_number(struct scanner *scanner, double *ret_number)
{
    struct scanned_text text;
    if (!scanner_string(scanner, &text))
        return false;
    if (text.bytes == 3 && memcmp(text.start, "NaN", 3) == 0)
        *ret_number = NAN;
    else if (text.bytes == 8 && memcmp(text.start, "Infinity", 8) == 0)
        *ret_number = INFINITY;
    else if (text.bytes == 9 && memcmp(text.start, "-Infinity", 9) == 0)
        *ret_number = -INFINITY;
    else
        return false;
    return true;
}

static inline bool scan_feature(struct scanner *scanner, bool categorical, struct value *value)
{
    struct scanned_text text;
    bool truth;
    const char c = scanner_peek(scanner);
    *value = value_missing();
    if (scanner_is_number(c))
        return scanner_number(scanner, &value->number);
    if (c == 'n')
        return scanner_null(scanner);
    if (c == '"') {
        scanner->at++;
        if (!categorical)
            return scan_special_number(scanner, &value->number);
        if (!scanner_string(scanner, &text))
            return false;
        if (!text_value_is_missing(text.start, text.bytes))
            *value = value_of_text(text.start, text.bytes);
        return true;
    }
    if (!categorical || !scanner_boolean(scanner, &truth))
        return false;
    *value = value_of_boolean(truth);
    return true;
}

static void miss_unseen(struct observation_reader *reader)
{
    for (size_t f = 0; f < reader->schema->features; f++)
        if (reader->names[f].seen != reader->observations)
            reader->observation.value[f] = value_missing();
}

/* Past the opening brace. */
static bool scan_named(struct scanner *scanner, struct observation_reader *reader)
{
    const struct schema *schema = reader->schema;
    uint32_t previous = (uint32_t)schema->features; /* the beginning */
    size_t count = 0;
    if (!scanner_skip_char(scanner, '}'))
        do {
            if (!scanner_skip_char(scanner, '"'))
                return false;
            const uint32_t feature = scan_name(scanner, reader, previous);
            if (feature == NO_FEATURE || reader->names[feature].seen == reader->observations ||
                !scanner_skip_char(scanner, ':') ||
                !scan_feature(scanner, schema->categorical[feature],
                              &reader->observation.value[feature]))
                return false;
            reader->names[feature].seen = reader->observations;
            previous = feature;
            count++;
        } while (scanner_skip_char(scanner, ','));
    if (count > 0 && !scanner_skip_char(scanner, '}'))
        return false;
    if (count < schema->features)
        miss_unseen(reader);
    return true;
}

/* Past the opening bracket. */
static bool scan_ordered(struct scanner *scanner, struct observation_reader *reader)
{
    for (size_t f = 0; f < reader->schema->features; f++)
        if ((f > 0 && !scanner_skip_char(scanner, ',')) ||
            !scan_feature(scanner, reader->schema->categorical[f], &reader->observation.value[f]))
            return false;
    return scanner_skip_char(scanner, ']');
}

/* --- members --- */

static bool scan_features(struct scanner *scanner, struct observation_reader *reader)
{
    if (scanner_skip_char(scanner, '{'))
        return scan_named(scanner, reader);
    return scanner_skip_char(scanner, '[') && scan_ordered(scanner, reader);
}

static bool scan_class(struct scanner *scanner, struct value *value)
{
    struct scanned_text text;
    bool truth;
    const char c = scanner_peek(scanner);
    if (scanner_is_number(c))
        return scanner_number(scanner, &value->number);
    if (c == 'n')
        return scanner_null(scanner);
    if (c != '"') {
        if (!scanner_boolean(scanner, &truth))
            return false;
        *value = value_of_boolean(truth);
        return true;
    }
    scanner->at++;
    if (!scanner_string(scanner, &text) || text.bytes == 0 ||
        text.bytes > OBSERVATION_CLASS_MAX_BYTES)
        return false;
    value->text = text.start;
    value->text_bytes = text.bytes;
    return true;
}

static bool scan_prediction(struct scanner *scanner, struct observation_reader *reader)
{
    return scan_class(scanner, &reader->observation.prediction);
}

static bool scan_label(struct scanner *scanner, struct observation_reader *reader)
{
    return scan_class(scanner, &reader->observation.label);
}

static bool scan_score(struct scanner *scanner, struct observation_reader *reader)
{
    return scanner_peek(scanner) == 'n' ? scanner_null(scanner)
                                        : scanner_number(scanner, &reader->observation.score);
}

static bool scan_id(struct scanner *scanner, struct observation_reader *reader)
{
    struct scanned_text text;
    if (scanner_peek(scanner) == 'n')
        return scanner_null(scanner);
    if (!scanner_skip_char(scanner, '"') || !scanner_string(scanner, &text) || text.bytes == 0 ||
        text.bytes > OBSERVATION_ID_MAX_BYTES)
        return false;
    reader->observation.id = text.start;
    reader->observation.id_bytes = text.bytes;
    return true;
}

static bool scan_timestamp(struct scanner *scanner, struct observation_reader *reader)
{
    struct scanned_text text;
    if (scanner_peek(scanner) == 'n')
        return scanner_null(scanner);
    return scanner_skip_char(scanner, '"') && scanner_string(scanner, &text) &&
           timestamp_parse(text.start, text.bytes, &reader->observation.timestamp_ms);
}

static const struct member {
    const char *name; /* with its closing quote */
    size_t bytes;
    bool (*scan)(struct scanner *scanner, struct observation_reader *reader);
} members[] = {
    {"features\"", 9, scan_features},    {"prediction\"", 11, scan_prediction},
    {"score\"", 6, scan_score},          {"id\"", 3, scan_id},
    {"timestamp\"", 10, scan_timestamp}, {"label\"", 6, scan_label},
};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

/* One member, each at most once. */
static bool scan_member(struct scanner *scanner, struct observation_reader *reader, unsigned *found)
{
    if (!scanner_skip_char(scanner, '"'))
        return false;
    for (size_t m = 0; m < MEMBERS; m++)
        if (scanner_skip_word(scanner, members[m].name, members[m].bytes)) {
            if (*found & 1u << m)
                return false;
            *found |= 1u << m;
            return scanner_skip_char(scanner, ':') && members[m].scan(scanner, reader);
        }
    return false;
}

bool observation_quick(struct observation_reader *reader, const char *text, size_t bytes)
{
    struct scanner scanner = {.at = text, .end = text + bytes};
    unsigned found = 0;
    reader->observations++;
    observation_clear(&reader->observation);
    if (!scanner_skip_char(&scanner, '{'))
        return false;
    do {
        if (!scan_member(&scanner, reader, &found))
            return false;
    } while (scanner_skip_char(&scanner, ','));
    if (!scanner_skip_char(&scanner, '}') || !(found & 1u))
        return false;
    return scanner_at_end(&scanner);
}
