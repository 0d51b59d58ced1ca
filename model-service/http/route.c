/* route.c - which route a path as sent leads to; percent-decoding. */
#include "http/route.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that "%XX" stands for; -EINVAL. */
static int escaped_byte(const char *text, size_t left)
{
    if (left < 3)
        return -EINVAL;
    const int high = hex_digit(text[1]), low = hex_digit(text[2]);
    return high < 0 || low < 0 || high + low == 0 ? -EINVAL : high * 16 + low;
}

int http_percent_decode(const char *text, size_t bytes, char *out, size_t *ret_bytes)
{
    size_t length = 0;
    for (size_t i = 0; i < bytes; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            c = escaped_byte(text + i, bytes - i);
            i += 2;
        }
        if (c <= 0)
            return -EINVAL;
        out[length++] = (char)c;
    }
    out[length] = '\0';
    *ret_bytes = length;
    return 0;
}

/* The text after a whole "{name}" segment; NULL if there is no such segment at `text`. */
static const char *segment_end(const char *open)
{
    const char *close = strchr(open, '}');
    return close && open[-1] == '/' && (!close[1] || close[1] == '/') ? close + 1 : NULL;
}

static int entry_init(struct http_route_entry *entry, const struct http_route *route)
{
    const char *open = strchr(route->path, '{');
    *entry = (struct http_route_entry){.route = route, .path_bytes = strlen(route->path)};
    entry->prefix_bytes = entry->path_bytes;
    if (route->path[0] != '/')
        return -EINVAL;
    if (!open)
        return 0;
    entry->prefix_bytes = (size_t)(open - route->path);
    entry->suffix = segment_end(open);
    if (!entry->suffix)
        return -EINVAL;
    entry->suffix_bytes = strcspn(entry->suffix, "{");
    open = entry->suffix + entry->suffix_bytes;
    if (!*open)
        return 0;
    entry->tail = segment_end(open);
    return entry->tail && !strchr(entry->tail, '{') ? 0 : -EINVAL;
}

int http_routes_init(struct http_routes *routes, const struct http_route *list, size_t count)
{
    *routes = (struct http_routes){.count = count};
    if (count >= UINT16_MAX)
        return -EINVAL;
    routes->entries = calloc(count ? count : 1, sizeof(*routes->entries));
    if (!routes->entries)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct http_route_entry *entry = &routes->entries[i];
        if (entry_init(entry, &list[i]) < 0) {
            http_routes_finish(routes);
            return -EINVAL;
        }
        if (entry->suffix || entry->path_bytes > HTTP_ROUTE_FAST_BYTES)
            continue;
        entry->next = routes->first_of_length[entry->path_bytes];
        routes->first_of_length[entry->path_bytes] = (uint16_t)(i + 1);
    }
    return 0;
}

void http_routes_finish(struct http_routes *routes)
{
    free(routes->entries);
    routes->entries = NULL;
}

/* Compares a path with a literal part of a route; the end of the match, or NULL. */
static const char *match_literal(const char *sent, const char *end, const char *literal,
                                 size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (sent == end)
            return NULL;
        int c = (unsigned char)*sent;
        size_t step = 1;
        if (c == '%') {
            c = escaped_byte(sent, (size_t)(end - sent));
            step = 3;
            if (c == '/')
                return NULL;
        }
        if (c != (unsigned char)literal[i])
            return NULL;
        sent += step;
    }
    return sent;
}

/* The end of the segment, or NULL if it is empty. */
static const char *match_segment(const char *at, const char *end, const char **ret_segment,
                                 size_t *ret_bytes)
{
    const char *slash = memchr(at, '/', (size_t)(end - at));
    *ret_segment = at;
    *ret_bytes = (size_t)((slash ? slash : end) - at);
    return *ret_bytes ? at + *ret_bytes : NULL;
}

static bool entry_matches(const struct http_route_entry *entry, const char *path, size_t bytes,
                          struct http_route_match *match)
{
    const char *end = path + bytes;
    const char *at = match_literal(path, end, entry->route->path, entry->prefix_bytes);
    if (!at || !entry->suffix)
        return at == end;
    at = match_segment(at, end, &match->param, &match->param_bytes);
    if (at)
        at = match_literal(at, end, entry->suffix, entry->suffix_bytes);
    if (!at || !entry->tail)
        return at == end;
    at = match_segment(at, end, &match->param2, &match->param2_bytes);
    return at && match_literal(at, end, entry->tail, strlen(entry->tail)) == end;
}

static bool serves(const struct http_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static const struct http_route *find_exact(const struct http_routes *routes, const char *method,
                                           const char *path, size_t bytes)
{
    if (bytes > HTTP_ROUTE_FAST_BYTES)
        return NULL;
    for (uint16_t i = routes->first_of_length[bytes]; i; i = routes->entries[i - 1].next) {
        const struct http_route *route = routes->entries[i - 1].route;
        if (memcmp(route->path, path, bytes) == 0 && serves(route, method))
            return route;
    }
    return NULL;
}

struct http_route_match http_routes_find(const struct http_routes *routes, const char *method,
                                         const char *path, size_t bytes)
{
    struct http_route_match match = {.route = find_exact(routes, method, path, bytes)};
    for (size_t i = 0; i < routes->count && !match.route; i++) {
        struct http_route_match candidate = {.route = routes->entries[i].route};
        if (serves(candidate.route, method) &&
            entry_matches(&routes->entries[i], path, bytes, &candidate))
            match = candidate;
    }
    return match;
}

bool http_routes_allow(const struct http_routes *routes, const char *path, size_t bytes,
                       char *allow, size_t room)
{
    size_t length = 0;
    struct http_route_match unused;
    allow[0] = '\0';
    for (size_t i = 0; i < routes->count; i++) {
        const char *method = routes->entries[i].route->method;
        if (!entry_matches(&routes->entries[i], path, bytes, &unused) || strstr(allow, method))
            continue;
        const int n = snprintf(allow + length, room - length, "%s%s%s", length ? ", " : "", method,
                               strcmp(method, "GET") == 0 ? ", HEAD" : "");
        if (n < 0 || (size_t)n >= room - length)
            break;
        length += (size_t)n;
    }
    return length > 0;
}
