/* v2.h - the inference request of the Open Inference Protocol (V2) as typed rows. */
#ifndef JSON_V2_H
#define JSON_V2_H

#include "text/nodiscard.h"
#include "json/input.h"

enum v2_output { V2_PREDICTION, V2_PREDICTION_CLASS, V2_OUTPUT_COUNT };
extern const char *const v2_output_names[V2_OUTPUT_COUNT];

/* A decoded request. Not to be moved or copied. */
struct v2_request {
    struct row *rows; /* ids NULL */
    size_t count;
    const char *id; /* of the request; NULL when the client gave none */
    size_t id_bytes;
    enum v2_output outputs[V2_OUTPUT_COUNT]; /* in the order asked for */
    size_t output_count;                     /* 1 or more */
    void *document;                          /* the JSON library's */
};

/* {"id", "parameters", "inputs": [{"name", "shape", "datatype", "parameters", "data"}], "outputs":
 * [{"name", "parameters"}]}. Inputs: one tensor [n, features] of any name, columns in schema order,
 * or a tensor [n] or [n, 1] for every feature, with the feature's name. BYTES for a categorical
 * feature, a number type for a numeric one, BOOL for either; optional members may be null; data
 * flat or nested, in rows; a null is a missing value where the schema takes one. Numbers are taken
 * as written, whatever their type's precision. has_class: whether the output prediction_class
 * exists. 0; -EINVAL with error (400; 413 more than max_rows rows); -ENOMEM. To be finished on 0
 * only. */
NODISCARD int v2_request_decode(const char *body, size_t bytes, const struct schema *schema,
                                bool has_class, size_t max_rows, struct v2_request *ret_request,
                                struct input_error *ret_error);
void v2_request_finish(struct v2_request *request);

#endif
