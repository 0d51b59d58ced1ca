/* payload.h - the body of a Slack incoming webhook as plain structs. The JSON library stays
 * behind this header.
 *
 * It takes what Alertmanager and Grafana send: a text and attachments. Members that neither of
 * them sends are ignored, except for blocks (Slack's newer layout), which are refused: their
 * content would be missing from the page. A refusal is one of Slack's own error words. */
#ifndef INBOX_PAYLOAD_H
#define INBOX_PAYLOAD_H

#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Slack's limits: the characters of a message's text, and its attachments. */
#define SLACK_MAX_TEXT_CHARACTERS 40000u
#define SLACK_MAX_ATTACHMENTS     100u

enum slack_refusal {
    SLACK_INVALID_PAYLOAD,      /* not JSON, or not the JSON of a message */
    SLACK_NO_TEXT,              /* nothing to show */
    SLACK_MSG_TOO_LONG,         /* above SLACK_MAX_TEXT_CHARACTERS */
    SLACK_INVALID_ATTACHMENTS,  /* an attachment has a member of the wrong type */
    SLACK_TOO_MANY_ATTACHMENTS, /* above SLACK_MAX_ATTACHMENTS */
    SLACK_INVALID_BLOCKS,       /* the message or an attachment has blocks */
    SLACK_REFUSALS,
};
/* "invalid_payload", ...: what Slack answers. */
const char *slack_refusal_word(enum slack_refusal refusal);
/* The same as half a sentence for the log: "the message has no text and no attachment". */
const char *slack_refusal_reason(enum slack_refusal refusal);

/* Strings are UTF-8 without NUL, never NULL ("" when absent), and live as long as the payload. */
struct slack_text {
    const char *text;
    bool mrkdwn; /* whether the attachment's "mrkdwn_in" names this part */
};

struct slack_field {
    const char *title;
    struct slack_text value;
    bool narrow; /* "short": two side by side */
};

/* A button. */
struct slack_action {
    const char *text, *url;
    const char *style; /* "primary", "danger" or "" */
};

struct slack_attachment {
    const char *fallback, *color, *title, *title_link, *footer, *image_url, *thumb_url;
    struct slack_text pretext, text;
    int64_t ts; /* seconds since 1970; 0 when absent */
    struct slack_field *fields;
    size_t field_count;
    struct slack_action *actions;
    size_t action_count;
};

struct slack_payload {
    const char *channel, *username, *text;
    struct slack_attachment *attachments;
    size_t attachment_count;
    const char *json; /* the message as sent: borrowed from the caller's body */
    size_t json_bytes;
    void *document, *arena; /* the decoder's */
};

/* body: borrowed for the payload's life.
 * 0; -EINVAL with *ret_refusal; -ENOMEM. *ret_payload is written only on 0. */
NODISCARD int slack_payload_decode(const char *body, size_t bytes,
                                   struct slack_payload *ret_payload,
                                   enum slack_refusal *ret_refusal);
void slack_payload_finish(struct slack_payload *payload);

#endif
