/* http.h - an HTTP/1.1 server: routes are data, handlers decode, call and encode.
 *
 * Limits are enforced before a handler
 * runs; a handler sees a complete body within its route's limit. Requests that are for another
 * host, or that another site's page sends, reach no handler (http/origin.h). */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_request {
    const char *method; /* "GET", "POST"; HEAD is served by GET routes and arrives as "GET" */
    const char *path;   /* decoded, without the query */
    const char *param;  /* decoded value of the route's {name} segment, or NULL */
    const char *param2; /* of its second one, or NULL */
    const char *body;   /* body_bytes bytes, NUL-terminated beyond them; never NULL */
    size_t body_bytes;
    bool streamed;    /* the body has not been read yet: http_request_stream() takes it */
    void *connection; /* the adapter's */
};

/* First header of the name (case-insensitive) or query parameter (decoded); NULL if absent.
 * Valid during the handler. */
const char *http_request_header(const struct http_request *request, const char *name);
const char *http_request_query(const struct http_request *request, const char *name);
/* How often the query has the parameter. */
size_t http_request_query_count(const struct http_request *request, const char *name);
/* The first parameter of the query that is none of the names; NULL if there is none such. */
const char *http_request_query_unknown(const struct http_request *request, const char *const *names,
                                       size_t count);

/* Whether the other end of the connection has a loopback address. */
bool http_request_is_local(const struct http_request *request);
/* Whether the request has shown a token with the route's role; false where there are no tokens. */
bool http_request_is_authorized(const struct http_request *request);

#define HTTP_MAX_EXTRA_HEADERS 8
/* With its NUL; the longest that is sent is a Content-Security-Policy. */
#define HTTP_HEADER_VALUE_BYTES 256

/* A handler fills it through the functions below. If it returns without an answer, the client gets
 * 500. */
struct http_response {
    unsigned status;
    const char *content_type; /* static storage */
    char *body;               /* malloc'd */
    size_t body_bytes;
    struct {
        const char *name; /* static storage */
        char value[HTTP_HEADER_VALUE_BYTES];
    } headers[HTTP_MAX_EXTRA_HEADERS];
    size_t header_count;
    bool compressible; /* gzip when the client accepts it; adds Vary: Accept-Encoding */
};

/* What a status is called in RFC 9110, as "Not Found"; "Unknown" for another. */
const char *http_status_phrase(unsigned status);

/* body: malloc'd, ownership passes; may be NULL when body_bytes is 0. A 503 says Retry-After. */
void http_respond(struct http_response *response, unsigned status, const char *content_type,
                  char *body, size_t body_bytes);
/* value is copied. Asserted, since both come from our own tables: it fits the field, and there are
 * at most HTTP_MAX_EXTRA_HEADERS. */
void http_response_header(struct http_response *response, const char *name, const char *value);

typedef void (*http_handler)(void *context, const struct http_request *request,
                             struct http_response *response);

/* Takes a body piece by piece instead of collected, however long it is. All run on the worker that
 * serves the connection, so that a client is read no faster than data() returns. After the calls
 * of data() comes exactly one of end() and abort(). */
struct http_stream {
    void (*data)(void *state, const char *bytes, size_t count);
    void (*end)(void *state, struct http_response *response); /* complete: answers */
    void (*abort)(
        void *state); /* the client left, its request was malformed, or the server stops */
};

/* Called by the handler of a request that is `streamed`, once; the request is valid until the
 * handler returns. A handler that answers instead refuses the body, and the connection ends with
 * its answer. stream: static storage. */
void http_request_stream(const struct http_request *request, const struct http_stream *stream,
                         void *state);

enum http_body_rule {
    HTTP_BODY_NONE,            /* a body of more than 0 bytes is refused with 413 */
    HTTP_BODY_OPTIONAL,        /* may be absent; else JSON by its Content-Type (415) */
    HTTP_BODY_JSON,            /* must be announced (411) and JSON by its Content-Type (415) */
    HTTP_BODY_JSON_OR_UNTYPED, /* the same, but without a Content-Type it is taken as JSON */
    HTTP_BODY_ANY,             /* must be announced (411); any Content-Type */
    HTTP_BODY_STREAM, /* as HTTP_BODY_JSON, but NDJSON (application/x-ndjson, application/ndjson,
                       * application/jsonl) is streamed, without a limit */
};

/* What a route is for; a token's role includes those behind it. */
enum http_role {
    HTTP_ROLE_ADMIN, /* changes what the service is: also of a route that names no role */
    HTTP_ROLE_WRITE, /* adds observations and labels */
    HTTP_ROLE_READ,  /* status, metrics, pages */
    HTTP_ROLE_NONE,  /* no token is needed */
};
struct http_tokens; /* http/access.h */

/* When a route's handler runs. Requests of a worker take turns in the order in which they are
 * complete; one that has waited for half a second is refused with 503. */
enum http_lane {
    HTTP_LANE_USUAL,
    HTTP_LANE_PROBE,  /* at once, before all others: asks whether the server is well, costs nothing
                       */
    HTTP_LANE_SCRAPE, /* takes its turn, but is not refused: watches the server when it is busy */
    HTTP_LANE_SLOW,   /* on a thread beside the workers: may take seconds */
};

struct http_route {
    const char *method; /* "GET" (serves HEAD too) or "POST" */
    const char *path;   /* exact, or with one or two whole segments "{name}" */
    enum http_body_rule body;
    size_t max_body_bytes; /* beyond: 413, before the body is read when its length is announced */
    http_handler handler;
    enum http_role role;
    enum http_lane lane;
};

struct http_limits {
    size_t connections; /* at the limit a new one replaces one that waits for its client */
    /* Of one address (IPv6: of one /64); a further one is closed. 0: no such limit. */
    size_t connections_per_address;
    bool count_loopback;   /* that limit holds for loopback addresses, too */
    size_t header_bytes;   /* request line and headers; beyond: 414 or 431 */
    unsigned idle_seconds; /* without traffic or a request, then closed */
    size_t threads;        /* 1 to 64 workers */
};

struct http_server_config {
    const char *listen;              /* "127.0.0.1:8000", "[::1]:8000", port 0: any free one */
    const struct http_route *routes; /* borrowed for the server's life */
    size_t route_count;
    void *context; /* for handlers and callbacks */
    /* Names beside addresses and "localhost" that Host may have, separated by line feeds; NULL:
     * none. Borrowed. */
    const char *allowed_hosts;
    const struct http_tokens *tokens; /* borrowed; NULL: everybody may do everything */
    /* Until http_server_open(), requests are refused with 503 but for routes that need no role. */
    bool starts_closed;
    struct http_limits limits;
    /* Renders the body of an error the adapter itself answers (400, 401, 403, 404, 405, 408, 411,
     * 413, 414, 415, 417, 431, 500, 501, 503, 505) by calling http_respond; detail is one
     * sentence. */
    void (*render_error)(void *context, unsigned status, const char *detail,
                         struct http_response *response);
    /* After each answered request, on the worker's thread; route NULL when none matched.
     * May be NULL. method: "other" where it is not known. seconds: from the complete request to
     * the queued answer. */
    void (*observe)(void *context, const struct http_route *route, const char *method,
                    unsigned status, double seconds);
};

struct http_server;

/* 0; -EINVAL (listen does not parse), -EADDRINUSE, -EACCES, -EADDRNOTAVAIL, -ENOMEM, -EMFILE
 * (connections beyond the process's file limit). Port is readable at once. */
NODISCARD int http_server_start(const struct http_server_config *config,
                                struct http_server **ret_server);
void http_server_open(struct http_server *server);
/* Requests refused because they would have waited for too long. */
uint64_t http_server_shed(const struct http_server *server);
/* "127.0.0.1:8000" as bound, also when port 0 was asked. */
const char *http_server_address(const struct http_server *server);
size_t http_server_connections(const struct http_server *server);
/* Stop accepting, let requests in flight finish (at most grace_ms), close, free. NULL is fine. */
void http_server_stop(struct http_server *server, unsigned grace_ms);

/* Client side, for health checks: GET http://address/path and its status code; 0 on success with
 * *ret_status, or -ECONNREFUSED, -ETIMEDOUT, -EPROTO, -EINVAL. */
NODISCARD int http_get_status(const char *address, const char *path, unsigned timeout_ms,
                              unsigned *ret_status);

#endif
