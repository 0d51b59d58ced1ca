/* quick.c - the usual body of /predict, read by the scanner; see the header. */
#include "json/quick.h"

#include "json/scanner.h"

#include <stdint.h>

_Static_assert(INPUT_INLINE_FEATURES <= 64, "a bit for each feature");

/* A value that is not a number. Apart from those, which are most, so that they need no registers
 * for it. */
__attribute__((noinline)) static bool scan_other(struct scanner *scanner,
                                                 const struct schema *schema, size_t feature,
                                                 struct value *value)
{
    const bool categorical = schema->categorical[feature];
    struct scanned_text text;
    bool truth;

    switch (*scanner->at) {
    case '"':
        scanner->at++;
        if (!categorical || !scanner_string(scanner, &text))
            return false;
        *value = value_of_text(text.start, text.bytes);
        return true;
    case 'n':
        *value = value_missing();
        return schema_may_be_null(schema, feature) && scanner_null(scanner);
    default:
        if (!categorical || !scanner_boolean(scanner, &truth))
            return false;
        *value = value_of_boolean(truth);
        return true;
    }
}

static inline bool scan_value(struct scanner *scanner, const struct schema *schema, size_t feature,
                              struct value *value)
{
    const char c = scanner_peek(scanner);

    if (!scanner_is_number(c))
        return c != '\0' && scan_other(scanner, schema, feature, value);
    *value = (struct value){.number = 0};
    return !schema->categorical[feature] && scanner_number(scanner, &value->number);
}

/* Past the opening bracket. */
static bool scan_ordered(struct scanner *scanner, const struct schema *schema, struct value *values)
{
    for (size_t f = 0; f < schema->features; f++)
        if ((f > 0 && !scanner_skip_char(scanner, ',')) ||
            !scan_value(scanner, schema, f, &values[f]))
            return false;
    return scanner_skip_char(scanner, ']');
}

/* The feature of this name, looked for from `guess` on: names nearly always come in order. */
static size_t find_feature(const struct schema *schema, struct scanned_text name, size_t guess)
{
    for (size_t i = 0; i < schema->features; i++) {
        const size_t f = (guess + i) % schema->features;

        if (strncmp(schema->name[f], name.start, name.bytes) == 0 &&
            schema->name[f][name.bytes] == '\0')
            return f;
    }
    return schema->features;
}

/* Past the opening brace. */
static bool scan_named(struct scanner *scanner, const struct schema *schema, struct value *values)
{
    uint64_t seen = 0;

    for (size_t count = 0; count < schema->features; count++) {
        struct scanned_text name;

        if ((count > 0 && !scanner_skip_char(scanner, ',')) || !scanner_skip_char(scanner, '"') ||
            !scanner_string(scanner, &name))
            return false;
        const size_t f = find_feature(schema, name, count);
        if (f == schema->features || seen & UINT64_C(1) << f || !scanner_skip_char(scanner, ':') ||
            !scan_value(scanner, schema, f, &values[f]))
            return false;
        seen |= UINT64_C(1) << f;
    }
    return scanner_skip_char(scanner, '}');
}

static bool scan_features(struct scanner *scanner, const struct schema *schema,
                          struct value *values)
{
    if (scanner_skip_char(scanner, '{'))
        return scan_named(scanner, schema, values);
    return scanner_skip_char(scanner, '[') && scan_ordered(scanner, schema, values);
}

static bool scan_id(struct scanner *scanner, struct row *row)
{
    struct scanned_text text;

    if (!scanner_skip_char(scanner, '"') || !scanner_string(scanner, &text) || text.bytes == 0 ||
        text.bytes > OBSERVATION_ID_MAX_BYTES)
        return false;
    row->id = text.start;
    row->id_bytes = text.bytes;
    return true;
}

/* Past white space and this key with its quotes and its colon, if it is the next one. */
static bool skip_key(struct scanner *scanner, const char *quoted, size_t bytes)
{
    scanner_skip_space(scanner);
    return scanner_skip_word(scanner, quoted, bytes) && scanner_skip_char(scanner, ':');
}

bool json_quick_row(const char *body, size_t bytes, const struct schema *schema, struct row *row)
{
    static const char features_key[] = "\"features\"", id_key[] = "\"id\"";
    struct scanner scanner = {.at = body, .end = body + bytes};
    bool features = false;

    row->id = NULL;
    if (schema->features > INPUT_INLINE_FEATURES || !scanner_skip_char(&scanner, '{'))
        return false;
    do {
        if (!features && skip_key(&scanner, features_key, sizeof(features_key) - 1))
            features = scan_features(&scanner, schema, row->value);
        else if (row->id || !skip_key(&scanner, id_key, sizeof(id_key) - 1) ||
                 !scan_id(&scanner, row))
            return false;
    } while (scanner_skip_char(&scanner, ','));
    return features && scanner_skip_char(&scanner, '}') && scanner_at_end(&scanner);
}
