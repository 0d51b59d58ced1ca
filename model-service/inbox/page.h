/* page.h - the inbox's page: web/inbox.html with the messages put in. */
#ifndef INBOX_PAGE_H
#define INBOX_PAGE_H

#include "encode/buffer.h"
#include "inbox/message.h"

/* Nothing from elsewhere is loaded, no inline script or style runs. */
#define SLACK_PAGE_POLICY                                                                          \
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src "        \
    "'self'; "                                                                                     \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* The page with the snapshot's messages, newest first. host: the request's Host header or NULL, for
 * the example of how to send a message. */
void slack_page_render(struct buffer *out, const struct slack_snapshot *snapshot, const char *host);

/* {"generation": "...", "last": ID, "kept": N, "html": "..."}: the snapshot's messages as the page
 * shows them, newest first. */
void slack_page_render_news(struct buffer *out, const struct slack_snapshot *snapshot);

/* Appends the file the page loads from path and returns its media type, or NULL for no such path.
 */
const char *slack_page_asset(struct buffer *out, const char *path);

#endif
