/* observe_quick.c - a scanner for observations of the usual shape; see the header. */
#include "row/text_value.h"
#include "text/decimal.h"
#include "text/hash.h"
#include "text/timestamp.h"
#include "text/utf8.h"
#include "json/observe_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NO_FEATURE UINT32_MAX

struct scanner {
    const char *at, *end;
};

struct text {
    const char *start;
    size_t bytes;
};

static inline void skip_space(struct scanner *scanner)
{
    while (scanner->at < scanner->end && (*scanner->at == ' ' || *scanner->at == '\t' ||
                                          *scanner->at == '\r' || *scanner->at == '\n'))
        scanner->at++;
}

static inline bool skip_char(struct scanner *scanner, char c)
{
    skip_space(scanner);
    if (scanner->at == scanner->end || *scanner->at != c)
        return false;
    scanner->at++;
    return true;
}

static inline char peek(struct scanner *scanner)
{
    skip_space(scanner);
    return scanner->at < scanner->end ? *scanner->at : '\0';
}

/* Past the opening quote: what is left of a string without escapes. */
static inline bool scan_string(struct scanner *scanner, struct text *ret_text)
{
    const char *p = scanner->at;
    unsigned char all = 0;
    for (; p < scanner->end && (unsigned char)*p >= ' ' && *p != '"' && *p != '\\'; p++)
        all |= (unsigned char)*p;
    if (p == scanner->end || *p != '"' ||
        (all >= 0x80 && !utf8_is_valid(scanner->at, (size_t)(p - scanner->at))))
        return false;
    *ret_text = (struct text){scanner->at, (size_t)(p - scanner->at)};
    scanner->at = p + 1;
    return true;
}

static inline const char *skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* RFC 8259: -? (0 | [1-9] digits) (. digits)? ([eE] [+-]? digits)? */
static inline bool scan_number(struct scanner *scanner, double *ret_number)
{
    const char *start = scanner->at, *end = scanner->end, *p = start, *from;
    p += p < end && *p == '-';
    from = p;
    p = skip_digits(p, end);
    if (p == from || (*from == '0' && p > from + 1))
        return false;
    if (p < end && *p == '.') {
        from = ++p;
        p = skip_digits(p, end);
        if (p == from)
            return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        from = p;
        p = skip_digits(p, end);
        if (p == from)
            return false;
    }
    scanner->at = p;
    return decimal_number(start, (size_t)(p - start), ret_number) == 0;
}

static bool skip_word(struct scanner *scanner, const char *word, size_t bytes)
{
    if ((size_t)(scanner->end - scanner->at) < bytes || memcmp(scanner->at, word, bytes) != 0)
        return false;
    scanner->at += bytes;
    return true;
}

static bool scan_null(struct scanner *scanner)
{
    return skip_word(scanner, "null", 4);
}

static bool scan_boolean(struct scanner *scanner, struct text *ret_text)
{
    const char *start = scanner->at;
    if (!skip_word(scanner, "true", 4) && !skip_word(scanner, "false", 5))
        return false;
    *ret_text = (struct text){start, (size_t)(scanner->at - start)};
    return true;
}

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

static uint32_t look_up(struct observation_reader *reader, struct text text)
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
    struct text text;
    if (name->plain && (size_t)(scanner->end - scanner->at) > name->bytes &&
        scanner->at[name->bytes] == '"' && memcmp(scanner->at, name->text, name->bytes) == 0) {
        scanner->at += name->bytes + 1;
        return guess;
    }
    if (!scan_string(scanner, &text))
        return NO_FEATURE;
    const uint32_t feature = look_up(reader, text);
    if (feature != NO_FEATURE)
        reader->names[previous].next = feature;
    return feature;
}

static bool scan_special_number(struct scanner *scanner, double *ret_number)
{
    struct text text;
    if (!scan_string(scanner, &text))
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
    struct text text = {NULL, 0};
    const char c = peek(scanner);
    *value = (struct value){.number = NAN};
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(scanner, &value->number);
    if (c == '"') {
        scanner->at++;
        if (!categorical)
            return scan_special_number(scanner, &value->number);
        if (!scan_string(scanner, &text))
            return false;
        if (text_value_is_missing(text.start, text.bytes))
            return true;
    } else if (c == 'n') {
        return scan_null(scanner);
    } else if (!categorical || !scan_boolean(scanner, &text)) {
        return false;
    }
    value->text = text.start;
    value->text_bytes = text.bytes;
    return true;
}

static void miss_unseen(struct observation_reader *reader)
{
    for (size_t f = 0; f < reader->schema->features; f++)
        if (reader->names[f].seen != reader->observations)
            reader->observation.value[f] = (struct value){.number = NAN};
}

/* Past the opening brace. */
static bool scan_named(struct scanner *scanner, struct observation_reader *reader)
{
    const struct schema *schema = reader->schema;
    uint32_t previous = (uint32_t)schema->features; /* the beginning */
    size_t count = 0;
    if (!skip_char(scanner, '}'))
        do {
            if (!skip_char(scanner, '"'))
                return false;
            const uint32_t feature = scan_name(scanner, reader, previous);
            if (feature == NO_FEATURE || reader->names[feature].seen == reader->observations ||
                !skip_char(scanner, ':') ||
                !scan_feature(scanner, schema->categorical[feature],
                              &reader->observation.value[feature]))
                return false;
            reader->names[feature].seen = reader->observations;
            previous = feature;
            count++;
        } while (skip_char(scanner, ','));
    if (count > 0 && !skip_char(scanner, '}'))
        return false;
    if (count < schema->features)
        miss_unseen(reader);
    return true;
}

/* Past the opening bracket. */
static bool scan_ordered(struct scanner *scanner, struct observation_reader *reader)
{
    for (size_t f = 0; f < reader->schema->features; f++)
        if ((f > 0 && !skip_char(scanner, ',')) ||
            !scan_feature(scanner, reader->schema->categorical[f], &reader->observation.value[f]))
            return false;
    return skip_char(scanner, ']');
}

/* --- members --- */

static bool scan_features(struct scanner *scanner, struct observation_reader *reader)
{
    if (skip_char(scanner, '{'))
        return scan_named(scanner, reader);
    return skip_char(scanner, '[') && scan_ordered(scanner, reader);
}

static bool scan_class(struct scanner *scanner, struct value *value)
{
    struct text text;
    const char c = peek(scanner);
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(scanner, &value->number);
    if (c == 'n')
        return scan_null(scanner);
    if (c == '"')
        scanner->at++;
    if (!(c == '"' ? scan_string(scanner, &text) : scan_boolean(scanner, &text)) ||
        text.bytes == 0 || text.bytes > OBSERVATION_CLASS_MAX_BYTES)
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
    return peek(scanner) == 'n' ? scan_null(scanner)
                                : scan_number(scanner, &reader->observation.score);
}

static bool scan_id(struct scanner *scanner, struct observation_reader *reader)
{
    struct text text;
    if (peek(scanner) == 'n')
        return scan_null(scanner);
    if (!skip_char(scanner, '"') || !scan_string(scanner, &text) || text.bytes == 0 ||
        text.bytes > OBSERVATION_ID_MAX_BYTES)
        return false;
    reader->observation.id = text.start;
    reader->observation.id_bytes = text.bytes;
    return true;
}

static bool scan_timestamp(struct scanner *scanner, struct observation_reader *reader)
{
    struct text text;
    if (peek(scanner) == 'n')
        return scan_null(scanner);
    return skip_char(scanner, '"') && scan_string(scanner, &text) &&
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
    if (!skip_char(scanner, '"'))
        return false;
    for (size_t m = 0; m < MEMBERS; m++)
        if (skip_word(scanner, members[m].name, members[m].bytes)) {
            if (*found & 1u << m)
                return false;
            *found |= 1u << m;
            return skip_char(scanner, ':') && members[m].scan(scanner, reader);
        }
    return false;
}

bool observation_quick(struct observation_reader *reader, const char *text, size_t bytes)
{
    struct scanner scanner = {.at = text, .end = text + bytes};
    unsigned found = 0;
    reader->observations++;
    observation_clear(&reader->observation);
    if (!skip_char(&scanner, '{'))
        return false;
    do {
        if (!scan_member(&scanner, reader, &found))
            return false;
    } while (skip_char(&scanner, ','));
    if (!skip_char(&scanner, '}') || !(found & 1u))
        return false;
    skip_space(&scanner);
    return scanner.at == scanner.end;
}
