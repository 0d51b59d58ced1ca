/* observe.h - observations: features with the prediction that somebody else made of them. */
#ifndef JSON_OBSERVE_H
#define JSON_OBSERVE_H

#include "text/nodiscard.h"
#include "json/input.h"

/* observation NULL: refused, for *error. number: of the line, or of the instance from 0. */
typedef void (*observation_fn)(void *context, uint64_t number,
                               const struct observation *observation,
                               const struct input_error *error);

/* Reads the observations of one request, one after the other, without allocating for those of the
 * usual shape. schema: borrowed; its allow_missing does not matter, values may be missing. */
struct observation_reader;
/* 0, -ENOMEM. */
NODISCARD int observation_reader_create(const struct schema *schema,
                                        struct observation_reader **ret_reader);
void observation_reader_destroy(struct observation_reader *reader);

/* One object: {"features": {name: value} | [values], "prediction": string | number | boolean,
 * "score": number, "id": string, "timestamp": RFC 3339, "label": as prediction}, all but features
 * optional or null. Any other member is refused: a "lable" that is ignored would be a label lost.
 * Features that are absent or null are missing; unknown ones, or an array of another length, are
 * refused. A numeric feature is a JSON number, or one of the strings "NaN" (missing), "Infinity",
 * "-Infinity"; a number beyond a double is refused. A categorical feature is a string, a number or
 * a boolean; a string that stands for a missing field in a CSV file (text_value_is_missing()) is
 * missing. Calls take once. */
void observation_read_line(struct observation_reader *reader, uint64_t number, const char *text,
                           size_t bytes, observation_fn take, void *context);

/* A collected body: one observation, or {"instances": [...]} with one in each, for each of which
 * take is called in order. 0; -EINVAL with *ret_error when nothing was taken: not JSON, no object,
 * a single one that is refused, no instances, or more than max_instances; -ENOMEM. */
NODISCARD int observation_read_body(struct observation_reader *reader, const char *body,
                                    size_t bytes, size_t max_instances, observation_fn take,
                                    void *context, struct input_error *ret_error);

#endif
