/* receive.c - takes a request in: its target, what it announces, its body, piece by piece. */
#include "http/access.h"
#include "http/connection.h"
#include "http/origin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A refused body up to this size is read and dropped, so that the connection can be kept. */
#define DROP_BYTES (64u << 10)
/* Limit on all bodies together that do not fit into their connection's own room. With a limit on
 * connections alone, clients that announce much and send little would hold gigabytes. */
#define BODY_MEMORY_BYTES (32u << 20)
/* What the library needs of its memory for one field, query parameter or cookie, and what is kept
 * for the header of the answer: eight of the longest extra ones, and its own. */
#define FIELD_BYTES  64
#define ANSWER_BYTES 2560
#define ALLOW_BYTES  256

static const struct http_refusal no_memory = {503, "not enough memory for this request"};
static const struct http_refusal header_too_long = {431,
                                                    "the request line and headers are too long"};

static enum MHD_Result read_announced(void *cls, enum MHD_ValueKind kind, const char *name,
                                      size_t name_bytes, const char *value, size_t value_bytes)
{
    (void)kind;
    (void)value_bytes;
    if (value)
        http_announced_read(cls, name, name_bytes, value);
    return MHD_YES;
}

/* The path of a request's target, not decoded: of "http://host/path" the part after the host. */
static const char *target_path(const char *target)
{
    const char *authority = strstr(target, "://");
    if (target[0] == '/' || !authority)
        return target;
    const char *path = strchr(authority + 3, '/');
    return path ? path : "/";
}

/* Decodes a parameter into `room`; NULL if it is malformed. */
static char *decode_param(const char *text, size_t bytes, char *room)
{
    size_t length;
    return http_percent_decode(text, bytes, room, &length) < 0 ? NULL : room;
}

/* Decodes the path, and the route's parameters behind it. 0, -EINVAL, -ENOMEM. */
static int decode_path(struct connection *connection, const char *path, size_t bytes,
                       const struct http_route_match *match)
{
    char *room = connection->text_inline;
    size_t length;
    const size_t needed = bytes + match->param_bytes + match->param2_bytes + 3;
    if (needed > INLINE_TEXT_BYTES) {
        connection->text = room = malloc(needed);
        if (!room)
            return -ENOMEM;
    }
    char *param = room + bytes + 1, *param2 = param + match->param_bytes + 1;
    if (match->param) {
        connection->param = decode_param(match->param, match->param_bytes, param);
        if (!connection->param)
            return -EINVAL;
    }
    if (match->param2) {
        connection->param2 = decode_param(match->param2, match->param2_bytes, param2);
        if (!connection->param2)
            return -EINVAL;
    }
    if (http_percent_decode(path, bytes, room, &length) < 0)
        return -EINVAL;
    connection->path = room;
    return 0;
}

static struct http_refusal find_route(struct connection *connection, const char *path,
                                      const char *method)
{
    const struct http_routes *routes = &connection->server->routes;
    const size_t bytes = strlen(path);
    const bool escaped = memchr(path, '%', bytes);
    const struct http_route_match match = http_routes_find(routes, method, path, bytes);
    char allow[ALLOW_BYTES];
    connection->path = path;
    connection->route = match.route;
    const int rc = escaped || match.param ? decode_path(connection, path, bytes, &match) : 0;
    if (rc < 0)
        connection->route = NULL;
    if (rc == -ENOMEM)
        return no_memory;
    if (rc < 0 || connection->bad_escape)
        return (struct http_refusal){400, "the request target has a malformed percent-escape"};
    if (match.route)
        return (struct http_refusal){0};
    connection->path = path;
    if (http_routes_allow(routes, path, bytes, allow, sizeof(allow)))
        return (struct http_refusal){405, "this path does not have the request's method"};
    return (struct http_refusal){404, "there is nothing at this path"};
}

/* How much of a connection's memory a request's header may take. */
static size_t header_room(const struct connection *connection)
{
    return connection->server->config.limits.header_bytes + HEADER_WORK_BYTES - ANSWER_BYTES;
}

/* The library parses cookies in a copy. */
static size_t cookie_bytes(const struct connection *connection)
{
    const char *cookies =
        MHD_lookup_connection_value(connection->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_COOKIE);
    return cookies ? strlen(cookies) : 0;
}

/* Whether the header is within the limit and leaves the library enough room to answer. */
static bool header_fits(const struct connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const size_t bytes = info ? info->header_size : 0;
    const int fields = MHD_get_connection_values(
        connection->mhd, MHD_HEADER_KIND | MHD_GET_ARGUMENT_KIND | MHD_COOKIE_KIND, NULL, NULL);
    return bytes <= connection->server->config.limits.header_bytes &&
           bytes + (size_t)fields * FIELD_BYTES + cookie_bytes(connection) <=
               header_room(connection);
}

static struct http_refusal check_request(struct connection *connection,
                                         const struct http_announced *announced,
                                         const struct http_start_line *line)
{
    struct http_refusal refusal = http_check_framing(announced);
    if (refusal.status) {
        connection->must_close = true;
        return refusal;
    }
    if (!header_fits(connection))
        return header_too_long;
    const struct http_server_config *config = &connection->server->config;
    const struct http_refusal stranger = http_check_origin(announced, line, config->allowed_hosts);
    /* A route is looked for in any case: answers are counted by it. */
    refusal = find_route(connection, target_path(line->target), line->method);
    if (stranger.status)
        return stranger;
    if (!refusal.status)
        refusal =
            http_check_access(config->tokens, connection->route->role, announced->authorization);
    return refusal.status ? refusal : http_check_body(connection->route, announced);
}

/* Whether a refused request's body is to be read and dropped before the answer. */
static bool can_drop(const struct connection *connection, const struct http_announced *announced)
{
    return !connection->must_close && !announced->codings && !announced->expects_continue &&
           announced->length <= DROP_BYTES && connection->refusal.status != 413;
}

static bool body_reserve(struct connection *connection, size_t bytes)
{
    if (bytes < connection->body_room)
        return true;
    char *old = connection->body == connection->body_inline ? NULL : connection->body;
    const size_t more = bytes + 1 - (old ? connection->body_room : 0);
    atomic_size_t *memory = &connection->server->body_memory;
    char *body = NULL;
    if (atomic_fetch_add_explicit(memory, more, memory_order_relaxed) + more <= BODY_MEMORY_BYTES)
        body = realloc(old, bytes + 1);
    if (!body) {
        atomic_fetch_sub_explicit(memory, more, memory_order_relaxed);
        return false;
    }
    if (!old)
        memcpy(body, connection->body_inline, connection->body_bytes);
    connection->body = body;
    connection->body_room = bytes + 1;
    return true;
}

static enum MHD_Result begin(struct connection *connection, const struct http_start_line *line)
{
    const char *method = line->method;
    struct http_announced announced = {0};
    connection->begun = true;
    atomic_store_explicit(&connection->progress.bytes, 0, memory_order_relaxed);
    MHD_get_connection_values_n(connection->mhd, MHD_HEADER_KIND, read_announced, &announced);
    connection->refusal = check_request(connection, &announced, line);
    if (!http_progress_enter(&connection->progress, HTTP_PHASE_BODY))
        return MHD_NO;
    if (!connection->refusal.status && http_body_is_streamed(connection->route, &announced))
        return http_stream_begin(connection, method);
    if (!connection->refusal.status && !body_reserve(connection, announced.length))
        connection->refusal = no_memory;
    /* The library may have no room for an answer. Until it closes the connection, we can write one.
     */
    if (connection->refusal.status == 431)
        return http_answer_directly(connection, method);
    const bool body = http_announced_body(&announced);
    if (!connection->refusal.status || (!body && !connection->must_close) ||
        can_drop(connection, &announced))
        return MHD_YES;
    connection->must_close = true;
    return http_answer_refusal(connection, method);
}

static enum MHD_Result receive(struct connection *connection, const char *piece, size_t *bytes,
                               const char *method)
{
    if (connection->stream) {
        connection->stream->data(connection->stream_state, piece, *bytes);
        *bytes = 0;
        return MHD_YES;
    }
    const size_t wanted = connection->body_bytes + *bytes;
    atomic_store_explicit(&connection->progress.bytes, wanted, memory_order_relaxed);
    const bool dropped = connection->refusal.status;
    const size_t limit = dropped ? 0 : http_body_limit(connection->route);
    if (!dropped && wanted > limit)
        connection->refusal = (struct http_refusal){413, "the body is larger than this path takes"};
    else if (!dropped && wanted >= connection->body_room &&
             !body_reserve(connection, wanted < limit / 2 ? wanted * 2 : limit))
        connection->refusal = no_memory;
    else if (!dropped)
        memcpy(connection->body + connection->body_bytes, piece, *bytes);
    if (connection->refusal.status && !dropped)
        return http_answer_directly(connection, method);
    connection->body_bytes = wanted;
    *bytes = 0;
    return MHD_YES;
}

/* --- callbacks of the library --- */

enum MHD_Result http_on_request(void *cls, struct MHD_Connection *mhd, const char *target,
                                const char *method, const char *version, const char *piece,
                                size_t *piece_bytes, void **request)
{
    struct connection *connection = *request;
    (void)cls;
    (void)mhd;
    if (!connection)
        return MHD_NO;
    if (!connection->begun)
        return begin(connection, &(struct http_start_line){method, target, version});
    if (*piece_bytes)
        return receive(connection, piece, piece_bytes, method);
    if (!http_progress_enter(&connection->progress, HTTP_PHASE_WORK))
        return MHD_NO;
    return connection->refusal.status ? http_answer_refusal(connection, method)
                                      : http_answer(connection, method);
}

/* More query parameters than it has room for leave the library's parser waiting without an answer,
 * so they must not reach it. */
static bool has_too_many_parameters(const struct connection *connection)
{
    const char *query = strchr(connection->target, '?');
    size_t parameters = query != NULL;
    for (; query; query = strchr(query + 1, '&'))
        parameters++;
    return strlen(connection->target) + parameters * FIELD_BYTES > header_room(connection);
}

/* Not observed, as the requests that the library refuses by itself. */
static void refuse_target(struct connection *connection)
{
    connection->refusal = header_too_long;
    if (!http_progress_enter(&connection->progress, HTTP_PHASE_CUT))
        return;
    http_send_refusal(connection, connection->refusal, true);
    connection->must_close = true;
    /* The library sees the end of the connection. */
    shutdown(connection->fd, SHUT_RD);
}

/* Called when the request line has arrived, before the library decodes it. */
void *http_on_request_line(void *cls, const char *target, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct connection *connection = info ? info->socket_context : NULL;
    (void)cls;
    if (!connection)
        return NULL;
    atomic_store_explicit(&connection->busy, true, memory_order_relaxed);
    if (http_progress_phase(&connection->progress) == HTTP_PHASE_IDLE &&
        !http_progress_enter(&connection->progress, HTTP_PHASE_HEADER))
        return NULL;
    connection->mhd = mhd;
    connection->target = target;
    connection->begun = connection->bad_escape = connection->must_close = false;
    connection->route = NULL;
    connection->path = target;
    connection->param = connection->param2 = NULL;
    connection->body_bytes = 0;
    connection->stream = NULL;
    if (has_too_many_parameters(connection)) {
        refuse_target(connection);
        return NULL;
    }
    return connection;
}

/* The library asks for every part of the target. The path is left as sent: an encoded slash must
 * not become a separator. */
size_t http_on_unescape(void *cls, struct MHD_Connection *mhd, char *text)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct connection *connection = info ? info->socket_context : NULL;
    size_t bytes = strlen(text);
    (void)cls;
    if (connection && text != connection->target && memchr(text, '%', bytes) &&
        http_percent_decode(text, bytes, text, &bytes) < 0)
        connection->bad_escape = true;
    return bytes;
}

void http_on_completed(void *cls, struct MHD_Connection *mhd, void **request,
                       enum MHD_RequestTerminationCode code)
{
    struct connection *connection = *request;
    (void)cls;
    (void)mhd;
    (void)code;
    if (!connection)
        return;
    http_stream_abort(connection);
    free(connection->text);
    connection->text = NULL;
    if (connection->body != connection->body_inline) {
        free(connection->body);
        atomic_fetch_sub_explicit(&connection->server->body_memory, connection->body_room,
                                  memory_order_relaxed);
        connection->body = connection->body_inline;
        connection->body_room = INLINE_BODY_BYTES;
    }
    atomic_fetch_sub_explicit(&connection->server->answer_memory, connection->answer_bytes,
                              memory_order_relaxed);
    connection->answer_bytes = 0;
    (void)!http_progress_enter(&connection->progress, HTTP_PHASE_IDLE);
    atomic_store_explicit(&connection->busy, false, memory_order_relaxed);
}
