/* rules.h - what a request's headers announce about its body, and whether a route takes it. */
#ifndef HTTP_RULES_H
#define HTTP_RULES_H

#include "http/http.h"

struct http_announced {
    bool old;         /* HTTP/1.0 */
    uint64_t length;  /* of Content-Length; 0 without one */
    unsigned lengths; /* Content-Length headers */
    bool bad_length;  /* one of them is not a number from 0 to 2^64 - 1 */
    unsigned codings; /* Transfer-Encoding headers */
    bool chunked;     /* the last of them is exactly "chunked" */
    bool expects_continue, expects_other;
    bool says_close, says_keep_alive; /* in Connection headers */
    unsigned hosts;                   /* Host headers */
    const char *host;                 /* each text: NULL if absent */
    const char *origin, *fetch_site, *authorization;
    const char *content_type;
    const char *content_encoding; /* NULL if absent or identity */
};

/* status 0: nothing to refuse. detail: one sentence, static storage. */
struct http_refusal {
    unsigned status;
    const char *detail;
};

/* Reads one header; value must outlive *announced. */
void http_announced_read(struct http_announced *announced, const char *name, size_t name_bytes,
                         const char *value);
/* Whether the connection may serve another request after this one. */
bool http_announced_keeps_alive(const struct http_announced *announced);
/* Whether a body may follow the headers. */
bool http_announced_body(const struct http_announced *announced);
/* 400 or 501 where two readers could disagree where the body ends, and 417 where it cannot be told
 * whether one comes; the connection must close. */
struct http_refusal http_check_framing(const struct http_announced *announced);
/* 411, 413 or 415, as enum http_body_rule says. */
struct http_refusal http_check_body(const struct http_route *route,
                                    const struct http_announced *announced);
size_t http_body_limit(const struct http_route *route);
/* Whether the handler gets the body as it arrives; for a body that http_check_body() accepts. */
bool http_body_is_streamed(const struct http_route *route, const struct http_announced *announced);

#endif
