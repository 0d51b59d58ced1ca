/* labels.h - bodies with labels. The JSON library stays behind this header. */
#ifndef JSON_LABELS_H
#define JSON_LABELS_H

#include "text/nodiscard.h"
#include "json/input.h"

/* A label and the id of its prediction; valid until the body is finished. */
struct input_label {
    const char *id; /* 1 to OBSERVATION_ID_MAX_BYTES bytes */
    size_t id_bytes;
    struct value label; /* a text or a finite number */
};

/* A decoded body: one label or a batch, whose elements are looked at one by one. */
struct input_labels {
    size_t count;
    bool batch;                /* {"labels": [...]} or {"instances": [...]} */
    void *document, *elements; /* the JSON library's */
};

/* {"id": "a17", "label": "1"} | {"labels": [...]} | {"instances": [...]} of such objects.
 * 0; -EINVAL with *ret_error (400 malformed, 413 too many labels, 422 both forms at once, neither,
 * or an empty batch); -ENOMEM. *ret_labels is to be finished on 0 only. */
NODISCARD int input_labels_decode(const char *body, size_t bytes, size_t max_labels,
                                  struct input_labels *ret_labels, struct input_error *ret_error);
/* The label at an index below count. 0; -EINVAL with *ret_error (422): not an object, an id that is
 * absent, not a string, empty or too long, a label that is absent or not a string, a number or a
 * boolean.
 * Other members are ignored. */
NODISCARD int input_labels_get(const struct input_labels *labels, size_t index,
                               struct input_label *ret_label, struct input_error *ret_error);
void input_labels_finish(struct input_labels *labels);

#endif
