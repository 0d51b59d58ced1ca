/* body.h - a request body as a JSON object, and the refusal of one; for json_*.c alone. */
#ifndef JSON_BODY_H
#define JSON_BODY_H

#include "text/nodiscard.h"
#include "json/input.h"

#include <jansson.h>

#define JSON_NO_INSTANCE SIZE_MAX

struct json_decoder {
    const struct schema *schema; /* NULL: a body without features */
    size_t instance;             /* index in a batch, or JSON_NO_INSTANCE */
    bool observing;              /* rules of /observe: missing values, numbers as categories */
    bool tensors;                /* V2: the features are those of the tensors in "inputs" */
    bool one_line;               /* the text is a line: its place needs no line number */
    struct input_error *error;
};

/* 0 and a document for the caller to release with json_limit_release(); -EINVAL with the error
 * (400; 413 for too many values; 422 for a number that no double holds); -ENOMEM. */
NODISCARD int json_load_object(struct json_decoder *decoder, const char *body, size_t bytes,
                               json_t **ret_root);

/* Writes the error, with the instance's index in front; returns -EINVAL. */
int json_refuse(const struct json_decoder *decoder, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The value of "features" in schema order, text borrowed from it. 0, -EINVAL. */
NODISCARD int json_decode_features(const struct json_decoder *decoder, json_t *json,
                                   struct value *values);
/* An "id" of 1 to OBSERVATION_ID_MAX_BYTES bytes; NULL or null for none, which leaves the results.
 * status: of the refusal. 0, -EINVAL. */
NODISCARD int json_decode_id(const struct json_decoder *decoder, unsigned status,
                             const json_t *json, const char **ret_id, size_t *ret_bytes);

/* "feature ... must be ..., got <found>" */
int json_refuse_value(const struct json_decoder *decoder, size_t feature, const char *found);

/* "a string", "null", ... */
const char *json_type_name(const json_t *value);
bool json_is_blank(const char *body, size_t bytes);

#endif
