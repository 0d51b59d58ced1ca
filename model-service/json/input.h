/* input.h - request bodies as typed rows. The JSON library stays behind this header. */
#ifndef JSON_INPUT_H
#define JSON_INPUT_H

#include "row/observation.h"
#include "row/row.h"
#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where and why a body was refused: the HTTP status and one sentence for the client. */
#define INPUT_ERROR_BYTES 400
struct input_error {
    unsigned status; /* 400 malformed, 413 too many instances, 422 wrong content */
    char detail[INPUT_ERROR_BYTES];
};

/* One row of up to so many features needs no allocation of its own. */
#define INPUT_INLINE_FEATURES 64

/* A decoded body: one row, or a batch. Not to be moved or copied: rows may point into it. */
struct input_request {
    struct row *rows;
    size_t count;
    bool batch;     /* {"instances": [...]} */
    void *document; /* the JSON library's */
    struct row inline_row;
    struct value inline_values[INPUT_INLINE_FEATURES];
};

/* {"features": [...]} | {"features": {name: value}} | {"instances": [ <either form, or a bare
 * array or object of features> ]}, optional "id" (a string, or null for none) beside features.
 * Unknown names, wrong counts, wrong types and non-finite numbers (1e999 too) are 422 and name the
 * feature (and the instance's index, from 0, in a batch); syntax errors, duplicate keys and invalid
 * UTF-8 are 400 with line and column; a body that is empty or not an object is 400; both forms at
 * once or neither is 422; no instances is 422. Members beside "features" and "id" are ignored.
 * An instance that is an object whose "features" is an array or an object is the wrapped form,
 * unless the schema itself has a feature of that name: then instances are always bare.
 * max_instances: of a batch. 0, or -EINVAL with *ret_error, or -ENOMEM; *ret_request is to be
 * finished on 0 only. */
NODISCARD int input_predict_decode(const char *body, size_t bytes, const struct schema *schema,
                                   size_t max_instances, struct input_request *ret_request,
                                   struct input_error *ret_error);
void input_request_finish(struct input_request *request);

/* The body of /simulate/drift: an object with any of severity, n_requests, features, kind; each
 * absent (or null) one leaves the caller's default. Empty body: all defaults. Whether the names and
 * the kind exist and how many requests are too many is the caller's to check. */
struct input_simulation {
    double severity;     /* in [0, 1] */
    uint64_t n_requests; /* 1 to 2^53 */
    char kind[32];
    const char **features; /* NULL: default; else [feature_count] names, at least one */
    size_t feature_count;
    void *document; /* the JSON library's */
};
/* 0; -EINVAL with *ret_error (400 malformed, 422 an unknown member, a wrong type or value);
 * -ENOMEM. Untouched on failure; to be finished on 0 only. */
NODISCARD int input_simulation_decode(const char *body, size_t bytes,
                                      struct input_simulation *simulation,
                                      struct input_error *ret_error);
void input_simulation_finish(struct input_simulation *simulation);

#endif
