/* json_input.h - request bodies as typed rows. The JSON library stays behind this header. */
#ifndef ADAPT_JSON_INPUT_H
#define ADAPT_JSON_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One value: text is NULL for a number; number is NaN and text NULL for a missing value.
 * text is valid until the request is finished. */
struct input_value {
    double number;
    const char *text;
    size_t text_bytes;
};

/* What the rows must look like; borrowed. */
struct input_schema {
    size_t features;
    const char *const *name;  /* [features] */
    const bool *categorical;  /* [features] text expected instead of a number */
    bool allow_missing;       /* null or an absent named feature is missing instead of an error */
};

/* Where and why a body was refused: the HTTP status and one sentence for the client. */
#define INPUT_ERROR_BYTES 400
struct input_error {
    unsigned status; /* 400 malformed, 413 too many instances, 422 wrong content */
    char detail[INPUT_ERROR_BYTES];
};

struct input_row {
    struct input_value *value; /* [features], schema order */
    const char *id;            /* NULL when the client gave none */
};

/* A decoded body: one row, or a batch. */
struct input_request {
    struct input_row *rows;
    size_t count;
    bool batch;     /* {"instances": [...]} */
    void *document; /* the JSON library's */
};

/* Longest id a client may give, in bytes; it is echoed and stored. */
#define INPUT_ID_MAX_BYTES 128

/* {"features": [...]} | {"features": {name: value}} | {"instances": [ <either form, or a bare
 * array or object of features> ]}, optional "id" beside features. Unknown names, wrong counts,
 * wrong types and non-finite numbers (1e999 too) are 422 and name the feature (and the instance's
 * index in a batch); syntax errors, duplicate keys, invalid UTF-8 and wrong top-level shapes are
 * 400 with line and column; both forms at once or neither is 422; no instances is 422.
 * max_instances: of a batch. 0, or -EINVAL with *ret_error, or -ENOMEM. */
int input_predict_decode(const char *body, size_t bytes, const struct input_schema *schema,
                         size_t max_instances, struct input_request *ret_request,
                         struct input_error *ret_error);
void input_request_finish(struct input_request *request);

/* The body of /simulate/drift: an object with any of severity, n_requests, features, kind; each
 * absent one leaves the caller's default. Empty body: all defaults. */
struct input_simulation {
    double severity;
    uint64_t n_requests;
    char kind[32];
    const char **features; /* NULL: default; else [feature_count] names */
    size_t feature_count;
    void *document;
};
int input_simulation_decode(const char *body, size_t bytes, struct input_simulation *simulation,
                            struct input_error *ret_error);
void input_simulation_finish(struct input_simulation *simulation);

#endif
