/* document_internal.h - the two encodings behind document.h. */
#ifndef SCORE_FOREST_DOCUMENT_INTERNAL_H
#define SCORE_FOREST_DOCUMENT_INTERNAL_H

#include "score/forest/document.h"

/* Opens a frame. -EINVAL if the nesting is too deep. */
NODISCARD int document_push(struct document *document, const struct document_frame *frame);

/* As the functions of document.h, of one encoding each. digits: the text of a number, NULL if there
 * is none. */
struct document_encoding {
    enum document_kind (*peek)(struct document *document);
    int (*enter)(struct document *document, enum document_kind container);
    int (*more)(struct document *document, bool *ret_more);
    int (*key)(struct document *document, const char **ret_text, size_t *ret_bytes);
    int (*text)(struct document *document, const char **ret_text, size_t *ret_bytes);
    int (*number)(struct document *document, double *ret_number, const char **ret_digits);
    int (*skip)(struct document *document);
};

extern const struct document_encoding document_json, document_ubjson;

#endif
