/* body.c - a request body as a JSON object, and the refusal of one. */
#include "json/body.h"

#include "text/excerpt.h"
#include "text/utf8.h"
#include "json/limit.h"
#include "json/place.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int json_refuse(const struct json_decoder *decoder, unsigned status, const char *format, ...)
{
    struct input_error *error = decoder->error;
    int used = 0;
    va_list arguments;

    if (decoder->instance != JSON_NO_INSTANCE)
        used = snprintf(error->detail, sizeof(error->detail), "instance %zu: ", decoder->instance);
    va_start(arguments, format);
    vsnprintf(error->detail + used, sizeof(error->detail) - (size_t)used, format, arguments);
    va_end(arguments);
    excerpt_clean(error->detail);
    error->status = status;
    return -EINVAL;
}

const char *json_type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        break;
    }
    return "null";
}

int json_refuse_value(const struct json_decoder *decoder, size_t feature, const char *found)
{
    const bool categorical = decoder->schema->categorical[feature];

    return json_refuse(decoder, 422, "feature \"%s\" must be %s, got %s",
                       excerpt(decoder->schema->name[feature]).text,
                       !categorical         ? "a finite number"
                       : decoder->observing ? "a string, a number or a boolean"
                                            : "a string or a boolean",
                       found);
}

static int refuse_shape(const struct json_decoder *decoder, const char *found)
{
    return json_refuse(decoder, 400, "the body must be a JSON object, got %s", found);
}

#define NO_FEATURE   SIZE_MAX
#define OUT_OF_RANGE "the number %s is outside the range of a 64-bit float"

/* Level of the object of a tensor in {"inputs": [{"name": "age", "data": [value]}]}. */
#define TENSOR_LEVEL 2

/* The tensor whose value is at the place; an empty text if that is elsewhere, or has no name. */
static struct excerpt open_tensor(const struct json_decoder *decoder,
                                  const struct json_place *place)
{
    const struct json_level *tensor = &place->level[TENSOR_LEVEL];
    const bool inside = decoder->tensors && place->depth > TENSOR_LEVEL + 1 &&
                        json_place_has_key(place, 0, "inputs") &&
                        json_place_has_key(place, TENSOR_LEVEL, "data");

    return excerpt_bytes(tensor->name, inside && tensor->name ? tensor->name_bytes : 0);
}

/* Index of the feature whose value is at the place, or NO_FEATURE; notes the instance. */
static size_t open_feature(struct json_decoder *decoder, const struct json_place *place)
{
    const struct schema *schema = decoder->schema;
    size_t level = 0; /* of the array or object of features */

    if (!schema || decoder->tensors)
        return NO_FEATURE;
    if (json_place_has_key(place, 0, "instances") && place->depth > 1 && place->level[1].array) {
        decoder->instance = place->level[1].index;
        level = place->depth == 4 && json_place_has_key(place, 2, "features") ? 3 : 2;
    } else if (json_place_has_key(place, 0, "features")) {
        level = 1;
    }
    if (level == 0 || place->depth != level + 1)
        return NO_FEATURE;
    for (size_t i = 0; i < schema->features; i++)
        if (place->level[level].array ? i == place->level[level].index
                                      : json_place_has_key(place, level, schema->name[i]))
            return i;
    return NO_FEATURE;
}

/* Turns a number that no double holds into the sentence a reader of the value would have written;
 * the JSON library stops at it and knows only the offset. */
static int refuse_overflow(struct json_decoder *decoder, const char *body, size_t offset)
{
    struct json_place place;
    const struct json_level *last;
    size_t feature;

    json_place_find(body, offset, &place);
    struct excerpt token = excerpt_bytes(place.token, place.token_bytes);

    if (place.depth == 0 || place.level[0].array)
        return refuse_shape(decoder, place.depth == 0 ? "a number" : "an array");
    if (open_tensor(decoder, &place).text[0])
        return json_refuse(decoder, 400, "input \"%s\": " OUT_OF_RANGE,
                           open_tensor(decoder, &place).text, token.text);
    feature = open_feature(decoder, &place);
    if (feature != NO_FEATURE)
        return json_refuse_value(decoder, feature, token.text);
    last = &place.level[(place.depth < JSON_PLACE_LEVELS ? place.depth : JSON_PLACE_LEVELS) - 1];
    if (last->array)
        return json_refuse(decoder, 422, OUT_OF_RANGE " (element %zu)", token.text, last->index);
    return json_refuse(decoder, 422, OUT_OF_RANGE " (\"%s\")", token.text,
                       excerpt_bytes(last->key, last->key_bytes).text);
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '+' || c == '-';
}

/* What the JSON library stopped in, where programs write what JSON does not have. */
enum foreign_word { FOREIGN_NONE, FOREIGN_MISSING, FOREIGN_INFINITE, FOREIGN_PYTHON };

/* NaN, -Infinity, nan, Inf and the like, and the constants of Python. */
static enum foreign_word foreign_word(const char *body, size_t bytes, size_t position)
{
    static const struct {
        const char *word;
        enum foreign_word kind;
    } words[] = {{"nan", FOREIGN_MISSING},       {"inf", FOREIGN_INFINITE},
                 {"infinity", FOREIGN_INFINITE}, {"none", FOREIGN_PYTHON},
                 {"true", FOREIGN_PYTHON},       {"false", FOREIGN_PYTHON}};
    size_t begin = position < bytes ? position : bytes, end = begin;

    while (begin > 0 && is_word(body[begin - 1]))
        begin--;
    while (end < bytes && is_word(body[end]))
        end++;
    begin += begin < end && (body[begin] == '+' || body[begin] == '-');
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (end - begin == strlen(words[i].word) &&
            strncasecmp(body + begin, words[i].word, end - begin) == 0)
            return words[i].kind;
    return FOREIGN_NONE;
}

/* Whether null may stand where the JSON library stopped. */
static bool may_be_null(const struct json_decoder *decoder, const char *body, size_t position)
{
    struct json_decoder copy = *decoder; /* since open_feature() notes the instance */
    struct json_place place;

    if (decoder->observing)
        return true;
    json_place_find(body, position, &place);
    if (!decoder->schema || place.depth == 0)
        return false;
    const struct excerpt tensor = open_tensor(decoder, &place);
    const size_t feature =
        decoder->tensors ? schema_find(decoder->schema, tensor.text) : open_feature(&copy, &place);
    return feature < decoder->schema->features && schema_may_be_null(decoder->schema, feature);
}

static const char *remedy_of(const struct json_decoder *decoder, const char *body, size_t bytes,
                             size_t position)
{
    const enum foreign_word word = foreign_word(body, bytes, position);

    if (word == FOREIGN_NONE)
        return "";
    if (word == FOREIGN_PYTHON)
        return "; JSON has null, true and false, in lower case";
    if (!may_be_null(decoder, body, position < bytes ? position : bytes))
        return "; JSON has no NaN or Infinity, and a finite number is needed here";
    if (word == FOREIGN_INFINITE && decoder->observing)
        return "; JSON has no NaN or Infinity: use the string \"Infinity\" or \"-Infinity\" for an "
               "infinite number, null for a missing value";
    return "; JSON has no NaN or Infinity: use null for a missing value";
}

static int refuse_malformed(const struct json_decoder *decoder, const char *body, size_t bytes,
                            const json_error_t *error)
{
    const size_t position = (size_t)error->position;
    const char *text = error->text, *remedy = remedy_of(decoder, body, bytes, position);

    if (json_error_code(error) == json_error_null_character)
        text = "a string must not contain \\u0000";
    if (decoder->one_line)
        return json_refuse(decoder, 400, "malformed JSON at column %d: %s%s", error->column, text,
                           remedy);
    return json_refuse(decoder, 400, "malformed JSON at line %d, column %d: %s%s", error->line,
                       error->column, text, remedy);
}

/* The JSON library passes over a NUL byte that follows a number. */
static int refuse_nul(const struct json_decoder *decoder, const char *body, const char *nul)
{
    int line = 1, column = 0;

    for (const char *p = body; p <= nul; p++) {
        column += !utf8_is_continuation(*p); /* characters, not bytes */
        if (*p == '\n') {
            line++;
            column = 0;
        }
    }
    if (decoder->one_line)
        return json_refuse(decoder, 400, "malformed JSON at column %d: a NUL byte", column);
    return json_refuse(decoder, 400, "malformed JSON at line %d, column %d: a NUL byte", line,
                       column);
}

bool json_is_blank(const char *body, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (!memchr(" \t\r\n", body[i], 4))
            return false;
    return true;
}

/* The body as an object, or 400; 413 when it has more values than one request should. */
int json_load_object(struct json_decoder *decoder, const char *body, size_t bytes,
                     json_t **ret_root)
{
    const char *nul;
    json_error_t error;
    bool too_large;
    json_t *root = json_limit_load(
        body, bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL | JSON_DECODE_ANY, &error,
        &too_large);

    if (too_large)
        return json_refuse(decoder, 413, "the body has too many values for one request");
    if (!root) {
        if (json_error_code(&error) == json_error_out_of_memory || error.text[0] == '\0')
            return -ENOMEM;
        if (json_is_blank(body, bytes))
            return json_refuse(decoder, 400, "the body is empty; a JSON object is expected");
        if (json_error_code(&error) == json_error_numeric_overflow)
            return refuse_overflow(decoder, body, (size_t)error.position);
        return refuse_malformed(decoder, body, bytes, &error);
    }
    nul = memchr(body, '\0', bytes);
    if (nul || !json_is_object(root)) {
        if (nul)
            refuse_nul(decoder, body, nul);
        else
            refuse_shape(decoder, json_type_name(root));
        json_limit_release(root);
        return -EINVAL;
    }
    *ret_root = root;
    return 0;
}
