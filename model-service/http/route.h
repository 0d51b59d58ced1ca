/* route.h - which route a path as sent leads to; percent-decoding. */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "http/http.h"

/* Paths up to this length are found without walking all routes. */
#define HTTP_ROUTE_FAST_BYTES 128

struct http_route_entry {
    const struct http_route *route;
    size_t path_bytes;
    size_t prefix_bytes; /* before "{", or all of the path */
    const char *suffix;  /* after "}"; NULL without a {name} segment */
    size_t suffix_bytes; /* before the second "{", or all of it */
    const char *tail;    /* after the second "}"; NULL without a second {name} segment */
    uint16_t next;       /* of the same length, 1-based; 0 ends */
};

struct http_routes {
    struct http_route_entry *entries;
    size_t count;
    uint16_t first_of_length[HTTP_ROUTE_FAST_BYTES + 1]; /* without {name}, 1-based; 0: none */
};

struct http_route_match {
    const struct http_route *route; /* NULL: none */
    const char *param;              /* as sent, not decoded; NULL without a {name} segment */
    size_t param_bytes;
    const char *param2; /* the second {name} segment */
    size_t param2_bytes;
};

/* 0, -ENOMEM, or -EINVAL: more than 65534 routes, or a path that is not as http.h says. */
NODISCARD int http_routes_init(struct http_routes *routes, const struct http_route *list,
                               size_t count);
void http_routes_finish(struct http_routes *routes);

/* path: as sent, `bytes` bytes, escapes well-formed. An encoded slash is not a separator. */
struct http_route_match http_routes_find(const struct http_routes *routes, const char *method,
                                         const char *path, size_t bytes);
/* The methods that the path has, as the value of an Allow header; false when it has none. */
bool http_routes_allow(const struct http_routes *routes, const char *path, size_t bytes,
                       char *allow, size_t room);

/* Decodes %XX from text to out (which may be text), adds a NUL and returns the length.
 * -EINVAL: an escape that is cut off, not hexadecimal, or %00. */
NODISCARD int http_percent_decode(const char *text, size_t bytes, char *out, size_t *ret_bytes);

#endif
