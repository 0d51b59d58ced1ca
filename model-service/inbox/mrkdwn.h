/* mrkdwn.h - Slack's message markup as HTML.
 * Rules: Slack, "Formatting text for app surfaces". Time is linear in the text. */
#ifndef INBOX_MRKDWN_H
#define INBOX_MRKDWN_H

#include "encode/buffer.h"

#include <stdbool.h>
#include <stddef.h>

enum mrkdwn_style {
    MRKDWN_PLAIN, /* entities only: plain_text objects */
    MRKDWN_LINKS, /* and <links>, <!mentions>, bare URLs: parts not listed in mrkdwn_in */
    MRKDWN_FULL,  /* and *bold* _italic_ ~strike~ `code` ```blocks``` > quotes */
};

/* Appends HTML whose only tags are b, i, s, code, pre, blockquote, span and a. Everything of the
 * text is escaped; a href begins with http://, https:// or mailto:. Newlines stay newlines. */
void mrkdwn_render(struct buffer *out, const char *text, enum mrkdwn_style style);

/* The bytes with & < > " ' escaped: fit for content and for quoted attributes. */
void html_escape(struct buffer *out, const char *text, size_t bytes);
void html_escape_text(struct buffer *out, const char *text);

/* Whether it is an http or https URL without spaces and control characters. */
bool html_is_web_url(const char *url, size_t bytes);

#endif
