/* render.h - a Slack message as the inbox shows it: HTML for people, JSON for programs. */
#ifndef INBOX_RENDER_H
#define INBOX_RENDER_H

#include "encode/buffer.h"
#include "inbox/payload.h"

#include <stdint.h>

/* Slack folds a text beyond about this many characters or lines behind "Show more". */
#define SLACK_FOLD_CHARACTERS 700u
#define SLACK_FOLD_LINES      5u

/* "2026-11-24T09:30:00Z" or, for people, "24 Nov 2026, 09:30:00 UTC"; NUL-terminated. seconds:
 * since 1970, years 1970 to 9999. */
#define SLACK_TIME_BYTES 40
void slack_time_iso(int64_t seconds, char out[SLACK_TIME_BYTES]);
void slack_time_text(int64_t seconds, char out[SLACK_TIME_BYTES]);

/* The inside of the message's <article>. serial: unique among the messages of this run; it makes
 * the element ids. Nothing of the payload is left unescaped and no image is loaded. */
void slack_render_html(struct buffer *out, const struct slack_payload *payload,
                       int64_t received_seconds, uint64_t serial);

/* An object of "received_at", "channel", "username", "text", "attachments" and "payload" (the
 * message as sent). */
void slack_render_json(struct buffer *out, const struct slack_payload *payload,
                       int64_t received_seconds);

#endif
