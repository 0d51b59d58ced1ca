/* target.c - the route that a request's target leads to; its path, parameters and query, decoded.
 */
#include "http/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALLOW_BYTES 256

static const struct http_refusal bad_escape = {400,
                                               "the request target has a malformed percent-escape"};

/* The path of a target, not decoded: of "http://host/path" the part after the host. */
static const char *target_path(const char *target)
{
    const char *authority = target[0] == '/' ? NULL : strstr(target, "://");
    if (!authority)
        return target;
    const char *path = strchr(authority + 3, '/');
    return path ? path : "/";
}

/* Decodes `bytes` bytes to *room and moves *room behind them; NULL if they are malformed. */
static char *decode(const char *text, size_t bytes, char **room)
{
    char *decoded = *room;
    size_t length;
    if (http_percent_decode(text, bytes, decoded, &length) < 0)
        return NULL;
    *room += length + 1;
    return decoded;
}

/* The same for a part of a query, in which "+" stands for a space. */
static bool decode_part(const char *text, size_t bytes, char **room)
{
    char *decoded = *room;
    memcpy(decoded, text, bytes);
    for (size_t i = 0; i < bytes; i++)
        if (decoded[i] == '+')
            decoded[i] = ' ';
    return decode(decoded, bytes, room);
}

/* Writes each parameter as two texts, its name and its value. */
static bool decode_query(struct connection *connection, const char *query, char **room)
{
    connection->query = *room;
    while (*query) {
        const size_t bytes = strcspn(query, "&");
        const char *equals = memchr(query, '=', bytes);
        const size_t name = equals ? (size_t)(equals - query) : bytes;
        const size_t value = equals ? bytes - name - 1 : 0;
        if (bytes && (!decode_part(query, name, room) ||
                      !decode_part(query + name + (equals ? 1 : 0), value, room)))
            return false;
        query += bytes + (query[bytes] == '&');
    }
    connection->query_bytes = (size_t)(*room - connection->query);
    return true;
}

/* Room for `bytes` bytes until the request is finished; NULL if allocation fails. */
static char *text_room(struct connection *connection, size_t bytes)
{
    if (bytes <= HTTP_TEXT_ROOM)
        return connection->text_room;
    connection->text = malloc(bytes);
    return connection->text;
}

/* 0, -EINVAL, -ENOMEM. */
static int decode_target(struct connection *connection, const char *path, size_t path_bytes,
                         const char *query, const struct http_route_match *match)
{
    /* A parameter of the query takes a byte more than its text, or two without "=". */
    const size_t needed = path_bytes + match->param_bytes + match->param2_bytes + 3 +
                          2 * (query ? strlen(query) : 0) + 2;
    char *room = text_room(connection, needed);
    if (!room)
        return -ENOMEM;
    connection->path = decode(path, path_bytes, &room);
    if (match->param)
        connection->param = decode(match->param, match->param_bytes, &room);
    if (match->param2)
        connection->param2 = decode(match->param2, match->param2_bytes, &room);
    const bool sound = connection->path && (!match->param || connection->param) &&
                       (!match->param2 || connection->param2) &&
                       (!query || decode_query(connection, query, &room));
    return sound ? 0 : -EINVAL;
}

/* Ends the path where the query begins. */
static const char *split_query(const struct http_head *head)
{
    char *mark = memchr(head->target, '?', head->target_bytes);
    if (!mark)
        return NULL;
    *mark = '\0';
    return mark + 1;
}

struct http_refusal http_find_target(struct connection *connection)
{
    const struct http_routes *routes = &connection->server->routes;
    const char *query = split_query(&connection->head);
    const char *path = target_path(connection->head.target);
    const size_t bytes = strlen(path);
    const struct http_route_match match =
        http_routes_find(routes, connection->head.method, path, bytes);
    char allow[ALLOW_BYTES];
    int rc = 0;
    connection->path = path;
    if (query || match.param || memchr(path, '%', bytes))
        rc = decode_target(connection, path, bytes, query, &match);
    if (rc == 0 && match.route) {
        connection->route = match.route;
        return (struct http_refusal){0};
    }
    connection->path = path;
    if (rc == -ENOMEM)
        return (struct http_refusal){503, "not enough memory for this request"};
    if (rc < 0)
        return bad_escape;
    if (http_routes_allow(routes, path, bytes, allow, sizeof(allow)))
        return (struct http_refusal){405, "this path does not have the request's method"};
    return (struct http_refusal){404, "there is nothing at this path"};
}
