/* http.c - an HTTP/1.1 server on libmicrohttpd, which stays behind this file. */
#include "adapt/http.h"
#include "adapt/gzip.h"
#include "adapt/http_address.h"
#include "adapt/http_linger.h"
#include "adapt/http_route.h"
#include "adapt/http_rules.h"
#include "adapt/log.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 64
/* Bodies below this size need no allocation. */
#define INLINE_BODY_BYTES 1024
/* Decoded paths and parameters below this size need none either. */
#define INLINE_TEXT_BYTES 256
/* A refused body up to this size is read and dropped, so that the connection can be kept. */
#define DROP_BYTES (64u << 10)
/* Below it a compressed body is hardly smaller. */
#define COMPRESS_LEAST_BYTES 512
/* Descriptors of a worker (epoll, wake-up), and those of everything but connections and workers. */
#define FDS_PER_THREAD 3
#define FDS_OTHER      (32 + HTTP_LINGER_CONNECTIONS)
#define STOP_POLL_NS   2000000L
/* Of a connection's memory beside the request's header: the list of its fields, and the header of
 * the answer. Small, as the library clears all of that memory after each request. */
#define HEADER_WORK_BYTES 5120
/* What the library needs of it for one field, query parameter or cookie, and what is kept for the
 * header of the answer: eight of the longest extra ones, and its own. */
#define FIELD_BYTES  64
#define ANSWER_BYTES 2560
#define ALLOW_BYTES  256

struct connection {
    struct http_server *server;
    struct MHD_Connection *mhd;
    struct connection *previous, *next; /* guarded by server->mu */
    int fd;
    atomic_bool busy; /* a request has begun and is not answered */

    /* The rest belongs to the request, and to the worker that serves the connection. */
    const char *target; /* as sent */
    bool begun, bad_escape, must_close;
    const struct http_route *route;
    struct http_refusal refusal;
    const char *path, *param; /* decoded */
    char *text;               /* of the two, where text_inline is too small */
    char *body;               /* body_inline or malloc'd */
    size_t body_bytes, body_room;
    char text_inline[INLINE_TEXT_BYTES];
    char body_inline[INLINE_BODY_BYTES];
};

struct http_server {
    struct http_server_config config;
    struct http_routes routes;
    struct MHD_Daemon *daemon;
    struct http_linger *linger;
    int listen_fd;
    char address[HTTP_ADDRESS_BYTES];
    atomic_size_t open;
    atomic_bool stopping;
    pthread_mutex_t mu;
    struct connection *connections; /* guarded by mu */
    struct pollfd *pollers;         /* guarded by mu: room for all connections */
    size_t poller_room;
};

/* --- what handlers call --- */

const char *http_request_header(const struct http_request *request, const char *name)
{
    const struct connection *connection = request->connection;
    return MHD_lookup_connection_value(connection->mhd, MHD_HEADER_KIND, name);
}

const char *http_request_query(const struct http_request *request, const char *name)
{
    const struct connection *connection = request->connection;
    const char *value = NULL;
    if (MHD_lookup_connection_value_n(connection->mhd, MHD_GET_ARGUMENT_KIND, name, strlen(name),
                                      &value, NULL) != MHD_YES)
        return NULL;
    return value ? value : "";
}

void http_respond(struct http_response *response, unsigned status, const char *content_type,
                  char *body, size_t body_bytes)
{
    if (response->body != body)
        free(response->body);
    response->status = status;
    response->content_type = content_type;
    response->body = body;
    response->body_bytes = body ? body_bytes : 0;
}

int http_response_header(struct http_response *response, const char *name, const char *value)
{
    const size_t bytes = strlen(value);
    if (response->header_count == HTTP_MAX_EXTRA_HEADERS ||
        bytes >= sizeof(response->headers[0].value))
        return -E2BIG;
    response->headers[response->header_count].name = name;
    memcpy(response->headers[response->header_count].value, value, bytes + 1);
    response->header_count++;
    return 0;
}

/* --- answering --- */

/* Not zeroed as a whole: the room for headers is large. */
static void response_init(struct http_response *response)
{
    response->status = 0;
    response->content_type = NULL;
    response->body = NULL;
    response->body_bytes = 0;
    response->header_count = 0;
    response->compressible = false;
}

static void render_refusal(const struct http_server *server, struct http_refusal refusal,
                           struct http_response *response)
{
    http_respond(response, 0, NULL, NULL, 0);
    if (server->config.render_error)
        server->config.render_error(server->config.context, refusal.status, refusal.detail,
                                    response);
    if (response->status == 0)
        http_respond(response, refusal.status, NULL, NULL, 0);
}

static enum MHD_Result read_accept_encoding(void *cls, enum MHD_ValueKind kind, const char *name,
                                            const char *value)
{
    (void)kind;
    if (strcasecmp(name, MHD_HTTP_HEADER_ACCEPT_ENCODING) == 0 && value)
        gzip_preference_read(cls, value);
    return MHD_YES;
}

/* True when the body is compressed now; without memory it stays as it is. */
static bool compress(const struct connection *connection, struct http_response *response)
{
    struct gzip_preference preference = GZIP_PREFERENCE_NONE;
    char *compressed;
    size_t bytes;
    if (response->body_bytes < COMPRESS_LEAST_BYTES)
        return false;
    MHD_get_connection_values(connection->mhd, MHD_HEADER_KIND, read_accept_encoding, &preference);
    if (!gzip_preferred(&preference) ||
        gzip_compress(response->body, response->body_bytes, &compressed, &bytes) < 0)
        return false;
    free(response->body);
    response->body = compressed;
    response->body_bytes = bytes;
    return true;
}

static void add_header(struct MHD_Response *out, const char *name, const char *value)
{
    if (MHD_add_response_header(out, name, value) != MHD_YES)
        log_warning("response header %s dropped: not a valid value, or no memory", name);
}

static void add_headers(const struct connection *connection, struct http_response *response,
                        struct MHD_Response *out)
{
    if (response->content_type)
        add_header(out, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
    for (size_t i = 0; i < response->header_count; i++)
        add_header(out, response->headers[i].name, response->headers[i].value);
    if (connection->must_close ||
        atomic_load_explicit(&connection->server->stopping, memory_order_relaxed))
        add_header(out, MHD_HTTP_HEADER_CONNECTION, "close");
}

/* Takes the response's body over. */
static enum MHD_Result queue(const struct connection *connection, struct http_response *response)
{
    const bool compressed = response->compressible && compress(connection, response);
    struct MHD_Response *out =
        response->body ? MHD_create_response_from_buffer(response->body_bytes, response->body,
                                                         MHD_RESPMEM_MUST_FREE)
                       : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (!out) {
        free(response->body);
        return MHD_NO;
    }
    if (response->compressible)
        add_header(out, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    if (compressed)
        add_header(out, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    add_headers(connection, response, out);
    const enum MHD_Result result = MHD_queue_response(connection->mhd, response->status, out);
    MHD_destroy_response(out);
    return result;
}

static struct timespec observed_start(const struct http_server *server)
{
    struct timespec start = {0};
    if (server->config.observe)
        clock_gettime(CLOCK_MONOTONIC, &start);
    return start;
}

static void observe(const struct connection *connection, const char *method, unsigned status,
                    struct timespec start)
{
    const struct http_server_config *config = &connection->server->config;
    struct timespec end;
    if (!config->observe)
        return;
    clock_gettime(CLOCK_MONOTONIC, &end);
    config->observe(config->context, connection->route, method, status,
                    (double)(end.tv_sec - start.tv_sec) +
                        (double)(end.tv_nsec - start.tv_nsec) * 1e-9);
}

static enum MHD_Result answer_refusal(struct connection *connection, const char *method)
{
    const struct http_server *server = connection->server;
    const struct timespec start = observed_start(server);
    struct http_response response;
    char allow[ALLOW_BYTES];
    response_init(&response);
    render_refusal(server, connection->refusal, &response);
    if (connection->refusal.status == 405 &&
        http_routes_allow(&server->routes, connection->path, strlen(connection->path), allow,
                          sizeof(allow)))
        http_response_header(&response, "Allow", allow);
    const unsigned status = response.status;
    const enum MHD_Result result = queue(connection, &response);
    observe(connection, method, status, start);
    return result;
}

static void send_and_forget(int fd, const struct http_response *response, bool with_body)
{
    char head[512], date[40] = "";
    const time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    const int bytes = snprintf(head, sizeof(head),
                               "HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: close\r\n"
                               "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                               response->status, MHD_get_reason_phrase_for(response->status), date,
                               response->content_type ? response->content_type : "text/plain",
                               response->body_bytes);
    struct iovec pieces[] = {{head, (size_t)bytes}, {response->body, response->body_bytes}};
    const struct msghdr message = {.msg_iov = pieces,
                                   .msg_iovlen = with_body && response->body ? 2 : 1};
    if (bytes > 0 && (size_t)bytes < sizeof(head) &&
        sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_debug("answer %u not sent: %s", response->status, strerror(errno));
}

/* Answers where the library cannot, while the body is coming or without room: straight to the
 * socket, on which nothing of this answer has been written. The connection ends with it. */
static unsigned send_refusal(struct connection *connection, bool with_body)
{
    struct http_response response;
    response_init(&response);
    render_refusal(connection->server, connection->refusal, &response);
    send_and_forget(connection->fd, &response, with_body);
    free(response.body);
    connection->must_close = true;
    return response.status;
}

static enum MHD_Result answer_directly(struct connection *connection, const char *method)
{
    const struct timespec start = observed_start(connection->server);
    const unsigned status = send_refusal(connection, strcmp(method, "HEAD") != 0);
    observe(connection, method, status, start);
    return MHD_NO;
}

static enum MHD_Result answer(struct connection *connection, const char *method)
{
    const struct http_server *server = connection->server;
    const struct timespec start = observed_start(server);
    struct http_response response;
    const struct http_request request = {
        .method = connection->route->method,
        .path = connection->path,
        .param = connection->param,
        .body = connection->body,
        .body_bytes = connection->body_bytes,
        .connection = connection,
    };
    connection->body[connection->body_bytes] = '\0';
    response_init(&response);
    connection->route->handler(server->config.context, &request, &response);
    if (response.status == 0)
        render_refusal(server, (struct http_refusal){500, "the request could not be answered"},
                       &response);
    const unsigned status = response.status;
    const enum MHD_Result result = queue(connection, &response);
    observe(connection, method, status, start);
    return result;
}

/* --- receiving --- */

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

/* The path of a target as sent: of "http://host/path" what follows the host. */
static const char *target_path(const char *target)
{
    const char *authority = strstr(target, "://");
    if (target[0] == '/' || !authority)
        return target;
    const char *path = strchr(authority + 3, '/');
    return path ? path : "/";
}

/* Decodes the path, and the route's parameter behind it. 0, -EINVAL, -ENOMEM. */
static int decode_path(struct connection *connection, const char *path, size_t bytes,
                       const struct http_route_match *match)
{
    char *room = connection->text_inline;
    size_t length;
    if (bytes + match->param_bytes + 2 > INLINE_TEXT_BYTES) {
        connection->text = room = malloc(bytes + match->param_bytes + 2);
        if (!room)
            return -ENOMEM;
    }
    if (match->param) {
        char *param = room + bytes + 1;
        if (http_percent_decode(match->param, match->param_bytes, param, &length) < 0)
            return -EINVAL;
        connection->param = param;
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
        return (struct http_refusal){503, "not enough memory for this request"};
    if (rc < 0 || connection->bad_escape)
        return (struct http_refusal){400, "the request target has a malformed percent-escape"};
    if (match.route)
        return (struct http_refusal){0};
    connection->path = path;
    if (http_routes_allow(routes, path, bytes, allow, sizeof(allow)))
        return (struct http_refusal){405, "this path does not have the request's method"};
    return (struct http_refusal){404, "there is nothing at this path"};
}

/* What a header may take of a connection's memory beside the answer's. */
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

/* Whether the header keeps the limit, and leaves the library room to answer. */
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
                                         const struct http_announced *announced, const char *target,
                                         const char *method)
{
    struct http_refusal refusal = http_check_framing(announced);
    if (refusal.status) {
        connection->must_close = true;
        return refusal;
    }
    if (!header_fits(connection))
        return header_too_long;
    refusal = find_route(connection, target_path(target), method);
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
    char *body = realloc(old, bytes + 1);
    if (!body)
        return false;
    if (!old)
        memcpy(body, connection->body_inline, connection->body_bytes);
    connection->body = body;
    connection->body_room = bytes + 1;
    return true;
}

static enum MHD_Result begin(struct connection *connection, const char *target, const char *method)
{
    struct http_announced announced = {0};
    connection->begun = true;
    MHD_get_connection_values_n(connection->mhd, MHD_HEADER_KIND, read_announced, &announced);
    connection->refusal = check_request(connection, &announced, target, method);
    if (!connection->refusal.status && !body_reserve(connection, announced.length))
        connection->refusal = (struct http_refusal){503, "not enough memory for this request"};
    /* The library may lack the room to answer, but a connection it closes may still be written. */
    if (connection->refusal.status == 431)
        return answer_directly(connection, method);
    const bool body = http_announced_body(&announced);
    if (!connection->refusal.status || (!body && !connection->must_close) ||
        can_drop(connection, &announced))
        return MHD_YES;
    connection->must_close = true;
    return answer_refusal(connection, method);
}

static enum MHD_Result receive(struct connection *connection, const char *piece, size_t *bytes,
                               const char *method)
{
    const size_t wanted = connection->body_bytes + *bytes;
    if (!connection->refusal.status && wanted > http_body_limit(connection->route)) {
        connection->refusal = (struct http_refusal){413, "the body is larger than this path takes"};
        return answer_directly(connection, method);
    }
    if (!connection->refusal.status && wanted >= connection->body_room &&
        !body_reserve(connection, wanted * 2))
        connection->refusal = (struct http_refusal){503, "not enough memory for this request"};
    if (!connection->refusal.status)
        memcpy(connection->body + connection->body_bytes, piece, *bytes);
    connection->body_bytes = wanted;
    *bytes = 0;
    return MHD_YES;
}

/* --- callbacks of the library --- */

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *target,
                                  const char *method, const char *version, const char *piece,
                                  size_t *piece_bytes, void **request)
{
    struct connection *connection = *request;
    (void)cls;
    (void)mhd;
    (void)version;
    if (!connection)
        return MHD_NO;
    if (!connection->begun)
        return begin(connection, target, method);
    if (*piece_bytes)
        return receive(connection, piece, piece_bytes, method);
    return connection->refusal.status ? answer_refusal(connection, method)
                                      : answer(connection, method);
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

/* Like what the library refuses by itself, this is not observed. */
static void refuse_target(struct connection *connection)
{
    connection->refusal = header_too_long;
    send_refusal(connection, true);
    /* The library sees the end of the connection. */
    shutdown(connection->fd, SHUT_RD);
}

/* The request line has come. Called before the library decodes it. */
static void *on_request_line(void *cls, const char *target, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct connection *connection = info ? info->socket_context : NULL;
    (void)cls;
    if (!connection)
        return NULL;
    atomic_store_explicit(&connection->busy, true, memory_order_relaxed);
    connection->mhd = mhd;
    connection->target = target;
    connection->begun = connection->bad_escape = connection->must_close = false;
    connection->route = NULL;
    connection->path = target;
    connection->param = NULL;
    connection->body_bytes = 0;
    if (has_too_many_parameters(connection)) {
        refuse_target(connection);
        return NULL;
    }
    return connection;
}

/* The library asks for every part of the target. The path is left as sent: an encoded slash must
 * not become a separator. */
static size_t on_unescape(void *cls, struct MHD_Connection *mhd, char *text)
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

static void on_completed(void *cls, struct MHD_Connection *mhd, void **request,
                         enum MHD_RequestTerminationCode code)
{
    struct connection *connection = *request;
    (void)cls;
    (void)mhd;
    (void)code;
    if (!connection)
        return;
    free(connection->text);
    connection->text = NULL;
    if (connection->body != connection->body_inline) {
        free(connection->body);
        connection->body = connection->body_inline;
        connection->body_room = INLINE_BODY_BYTES;
    }
    atomic_store_explicit(&connection->busy, false, memory_order_relaxed);
}

static void connection_open(struct http_server *server, int fd, void **socket_context)
{
    struct connection *connection = malloc(sizeof(*connection));
    *socket_context = connection;
    atomic_fetch_add_explicit(&server->open, 1, memory_order_relaxed);
    if (!connection)
        return;
    memset(connection, 0, offsetof(struct connection, text_inline));
    connection->server = server;
    connection->fd = fd;
    connection->body = connection->body_inline;
    connection->body_room = INLINE_BODY_BYTES;
    pthread_mutex_lock(&server->mu);
    connection->next = server->connections;
    if (connection->next)
        connection->next->previous = connection;
    server->connections = connection;
    pthread_mutex_unlock(&server->mu);
}

static void connection_close(struct http_server *server, void **socket_context)
{
    struct connection *connection = *socket_context;
    atomic_fetch_sub_explicit(&server->open, 1, memory_order_relaxed);
    if (!connection)
        return;
    pthread_mutex_lock(&server->mu);
    if (connection->next)
        connection->next->previous = connection->previous;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    pthread_mutex_unlock(&server->mu);
    free(connection);
    *socket_context = NULL;
}

static int connection_fd(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

/* Whether closing now would reset the connection under an answer. */
static bool client_may_be_sending(const struct connection *connection, int fd)
{
    int unread = 0;
    return (connection && connection->must_close) || (ioctl(fd, FIONREAD, &unread) == 0 && unread);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = cls;
    const int fd = connection_fd(mhd);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        connection_open(server, fd, socket_context);
        return;
    }
    if (fd >= 0 && client_may_be_sending(*socket_context, fd))
        http_linger_take(server->linger, fd);
    connection_close(server, socket_context);
}

/* The library reads a socket until a read comes up short, so it does not see that the client has
 * closed when that arrives together with the last data, and would keep the connection until it has
 * been idle for long. Shutting down the side that is closed already makes it look again. */
static void on_tick(void *context)
{
    struct http_server *server = context;
    nfds_t count = 0;
    pthread_mutex_lock(&server->mu);
    for (struct connection *c = server->connections; c && count < server->poller_room; c = c->next)
        server->pollers[count++] = (struct pollfd){.fd = c->fd, .events = POLLRDHUP};
    if (count && poll(server->pollers, count, 0) > 0)
        for (nfds_t i = 0; i < count; i++)
            if (server->pollers[i].revents & POLLRDHUP)
                shutdown(server->pollers[i].fd, SHUT_RD);
    pthread_mutex_unlock(&server->mu);
}

/* Refuses at once what the library's own limit would leave waiting. */
static enum MHD_Result on_accept(void *cls, const struct sockaddr *address, socklen_t bytes)
{
    const struct http_server *server = cls;
    (void)address;
    (void)bytes;
    return http_server_connections(server) < server->config.limits.connections ? MHD_YES : MHD_NO;
}

__attribute__((format(printf, 2, 0))) static void on_library_log(void *cls, const char *format,
                                                                 va_list arguments)
{
    char message[256];
    (void)cls;
    vsnprintf(message, sizeof(message), format, arguments);
    message[strcspn(message, "\n")] = '\0';
    log_debug("libmicrohttpd: %s", message);
}

/* --- life cycle --- */

/* Raises the soft limit of open files if it must; -EMFILE when the hard one is too low. */
static int reserve_fds(const struct http_limits *limits)
{
    const rlim_t wanted = limits->connections + limits->threads * FDS_PER_THREAD + FDS_OTHER;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    if (limit.rlim_cur >= wanted)
        return 0;
    if (limit.rlim_max < wanted)
        return -EMFILE;
    limit.rlim_cur = wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -EMFILE : 0;
}

static int start_daemon(struct http_server *server)
{
    const struct http_limits *limits = &server->config.limits;
    const unsigned threads = (unsigned)limits->threads;
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, server->listen_fd, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)(limits->header_bytes + HEADER_WORK_BYTES),
         NULL},
        /* Per worker: on_accept counts for all. */
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)((limits->connections + 1) * threads), NULL},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, (intptr_t)limits->connections_per_ip, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, limits->idle_seconds, NULL},
        {MHD_OPTION_THREAD_POOL_SIZE, threads > 1 ? threads : 0, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_TURBO | MHD_USE_ERROR_LOG, 0,
        on_accept, server, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, on_request_line, server, MHD_OPTION_UNESCAPE_CALLBACK,
        on_unescape, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_ARRAY, options,
        MHD_OPTION_END);
    return server->daemon ? 0 : -ENOMEM;
}

static bool valid_limits(const struct http_limits *limits)
{
    return limits->threads >= 1 && limits->threads <= MAX_THREADS && limits->connections >= 1 &&
           limits->connections <= 1000000 && limits->header_bytes >= 1024 &&
           limits->header_bytes <= (1u << 20);
}

int http_server_start(const struct http_server_config *config, struct http_server **ret_server)
{
    if (!valid_limits(&config->limits))
        return -EINVAL;
    struct http_server *server = calloc(1, sizeof(*server));
    if (!server)
        return -ENOMEM;
    server->config = *config;
    pthread_mutex_init(&server->mu, NULL);
    int rc = reserve_fds(&config->limits);
    if (rc < 0)
        goto fail;
    rc = -ENOMEM;
    /* Each worker may accept one beyond the limit at the same moment. */
    server->poller_room = config->limits.connections + MAX_THREADS;
    server->pollers = calloc(server->poller_room, sizeof(*server->pollers));
    if (!server->pollers)
        goto fail;
    rc = http_routes_init(&server->routes, config->routes, config->route_count);
    if (rc < 0)
        goto fail;
    rc = http_listen(config->listen, &server->listen_fd, server->address);
    if (rc < 0)
        goto fail_routes;
    rc = http_linger_create(on_tick, server, &server->linger);
    if (rc < 0)
        goto fail_listen;
    rc = start_daemon(server);
    if (rc < 0)
        goto fail_linger;
    *ret_server = server;
    return 0;
fail_linger:
    http_linger_destroy(server->linger);
fail_listen:
    close(server->listen_fd);
fail_routes:
    http_routes_finish(&server->routes);
fail:
    free(server->pollers);
    pthread_mutex_destroy(&server->mu);
    free(server);
    return rc;
}

const char *http_server_address(const struct http_server *server)
{
    return server->address;
}

size_t http_server_connections(const struct http_server *server)
{
    return atomic_load_explicit(&server->open, memory_order_relaxed);
}

static bool has_request_in_flight(struct http_server *server)
{
    bool busy = false;
    pthread_mutex_lock(&server->mu);
    for (struct connection *c = server->connections; c && !busy; c = c->next)
        busy = atomic_load_explicit(&c->busy, memory_order_relaxed);
    pthread_mutex_unlock(&server->mu);
    return busy;
}

static void wait_for_requests(struct http_server *server, unsigned grace_ms)
{
    const struct timespec pause = {.tv_nsec = STOP_POLL_NS};
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        if (!has_request_in_flight(server))
            return;
        nanosleep(&pause, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 <
             (long)grace_ms);
}

void http_server_stop(struct http_server *server, unsigned grace_ms)
{
    if (!server)
        return;
    atomic_store_explicit(&server->stopping, true, memory_order_relaxed);
    MHD_quiesce_daemon(server->daemon);
    /* The descriptor must outlive the workers, but clients are to be refused from now on. */
    shutdown(server->listen_fd, SHUT_RDWR);
    wait_for_requests(server, grace_ms);
    MHD_stop_daemon(server->daemon);
    http_linger_destroy(server->linger);
    close(server->listen_fd);
    http_routes_finish(&server->routes);
    pthread_mutex_destroy(&server->mu);
    free(server->pollers);
    free(server);
}
