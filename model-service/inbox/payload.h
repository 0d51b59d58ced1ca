/* payload.h - the body of a Slack incoming webhook as plain structs. The JSON library stays
 * behind this header.
 *
 * What is accepted and how the rest is refused follows Slack's documentation of incoming webhooks,
 * message attachments and Block Kit; a refusal is one of Slack's own error words. */
#ifndef INBOX_PAYLOAD_H
#define INBOX_PAYLOAD_H

#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Slack's limits: a message's text in characters, attachments, blocks. */
#define SLACK_MAX_TEXT_CHARACTERS 40000u
#define SLACK_MAX_ATTACHMENTS     100u
#define SLACK_MAX_BLOCKS          50u

enum slack_refusal {
    SLACK_INVALID_PAYLOAD,       /* not JSON, or not the JSON of a message */
    SLACK_NO_TEXT,               /* nothing to show */
    SLACK_MSG_TOO_LONG,          /* above SLACK_MAX_TEXT_CHARACTERS */
    SLACK_INVALID_ATTACHMENTS,   /* wrong shape inside attachments */
    SLACK_TOO_MANY_ATTACHMENTS,  /* above SLACK_MAX_ATTACHMENTS */
    SLACK_INVALID_BLOCKS,        /* a block Slack would refuse */
    SLACK_INVALID_BLOCKS_FORMAT, /* blocks is not an array of objects */
    SLACK_REFUSALS,
};
/* "invalid_payload", ... */
const char *slack_refusal_word(enum slack_refusal refusal);

/* Strings are UTF-8 without NUL, never NULL ("" when absent), and live as long as the payload. */
struct slack_text {
    const char *text;
    bool mrkdwn;
};

struct slack_field {
    struct slack_text title, value;
    bool narrow; /* "short": two side by side */
};

/* A button; url "" when a click would go to an app instead. */
struct slack_action {
    const char *text, *url;
    const char *style; /* "primary", "danger" or "" */
};

enum slack_block_kind {
    SLACK_BLOCK_SECTION, /* text, fields, accessory button in actions */
    SLACK_BLOCK_HEADER,  /* text */
    SLACK_BLOCK_DIVIDER,
    SLACK_BLOCK_CONTEXT, /* fields: the elements */
    SLACK_BLOCK_ACTIONS, /* actions */
    SLACK_BLOCK_IMAGE,   /* text: title or alternative text; image_url */
    SLACK_BLOCK_OTHER,   /* known to Slack, not shown: type says which */
};

struct slack_block {
    enum slack_block_kind kind;
    const char *type, *image_url;
    struct slack_text text;
    struct slack_text *fields;
    size_t field_count;
    struct slack_action *actions;
    size_t action_count;
};

struct slack_attachment {
    const char *fallback, *color, *author_name, *author_link, *title, *title_link, *footer;
    const char *image_url, *thumb_url;
    struct slack_text pretext, text;
    int64_t ts; /* seconds since 1970; 0 when absent */
    struct slack_field *fields;
    size_t field_count;
    struct slack_action *actions;
    size_t action_count;
    struct slack_block *blocks;
    size_t block_count;
};

struct slack_payload {
    const char *channel, *username, *icon_emoji, *icon_url;
    struct slack_text text;
    struct slack_attachment *attachments;
    size_t attachment_count;
    struct slack_block *blocks;
    size_t block_count;
    const char *json; /* the message's JSON text as sent; borrowed from the body unless a form */
    size_t json_bytes;
    void *document, *arena; /* the decoder's */
};

/* content_type: NULL or the header's value. A form (application/x-www-form-urlencoded) carries the
 * JSON in its parameter `payload`; any other body is the JSON itself. body: borrowed for the
 * payload's life.
 * 0; -EINVAL with *ret_refusal; -ENOMEM. *ret_payload is written only on 0. */
NODISCARD int slack_payload_decode(const char *content_type, const char *body, size_t bytes,
                                   struct slack_payload *ret_payload,
                                   enum slack_refusal *ret_refusal);
void slack_payload_finish(struct slack_payload *payload);

#endif
