/* decoder.h - what the two halves of the payload decoder share: inbox/payload.c (message and
 * attachments) and inbox/blocks.c. Nothing else includes it. */
#ifndef INBOX_DECODER_H
#define INBOX_DECODER_H

#include "inbox/payload.h"

#include <jansson.h>

struct slack_decoder {
    struct slack_payload *payload;
    enum slack_refusal refusal; /* set with -EINVAL */
    enum slack_refusal shape;   /* what a member of the wrong type is, here */
    bool format_fields;         /* of the attachment being read */
};

/* A list of objects: the shared form of attachments, fields, actions and blocks. */
struct slack_list {
    const char *key;
    size_t element_bytes, max;
    enum slack_refusal wrong_shape, too_many;
    int (*decode)(struct slack_decoder *decoder, const json_t *object, void *out);
};

/* Zeroed; freed with the payload. NULL when out of memory. */
NODISCARD void *slack_decoder_allocate(struct slack_decoder *decoder, size_t count, size_t size);
/* -EINVAL */
NODISCARD int slack_decoder_refuse(struct slack_decoder *decoder, enum slack_refusal refusal);
/* "" when absent or null. */
NODISCARD int slack_decoder_string(struct slack_decoder *decoder, const json_t *object,
                                   const char *key, const char **ret_text);
NODISCARD int slack_decoder_list(struct slack_decoder *decoder, const json_t *object,
                                 const struct slack_list *list, void **ret_elements,
                                 size_t *ret_count);
/* The object's member "blocks". */
NODISCARD int slack_blocks_decode(struct slack_decoder *decoder, const json_t *object,
                                  struct slack_block **ret_blocks, size_t *ret_count);
/* Unicode characters of well-formed UTF-8. */
size_t slack_characters(const char *text);

#endif
