/* answer.c - what handlers call to read a request and to answer, and how answers go out. */
#include "http/connection.h"
#include "http/gzip.h"
#include "system/clock.h"
#include "system/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

/* A smaller body is hardly any shorter when it is compressed. */
#define COMPRESS_LEAST_BYTES 512
#define ALLOW_BYTES          256
/* Limit on all larger answers together that wait for their readers: without it a thousand clients
 * that ask for /metrics and do not read would hold gigabytes. The largest answer has 32 MB. */
#define ANSWER_MEMORY_BYTES (64u << 20)
#define SMALL_ANSWER_BYTES  (16u << 10)

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

struct count {
    const char *name;
    size_t found;
};

static enum MHD_Result count_name(void *cls, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct count *count = cls;
    (void)kind;
    (void)value;
    count->found += strcasecmp(name, count->name) == 0;
    return MHD_YES;
}

size_t http_request_query_count(const struct http_request *request, const char *name)
{
    const struct connection *connection = request->connection;
    struct count count = {.name = name};
    MHD_get_connection_values(connection->mhd, MHD_GET_ARGUMENT_KIND, count_name, &count);
    return count.found;
}

struct unknown {
    const char *const *names;
    size_t count;
    const char *found;
};

static enum MHD_Result find_unknown(void *cls, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct unknown *unknown = cls;
    (void)kind;
    (void)value;
    for (size_t i = 0; i < unknown->count; i++)
        if (strcasecmp(name, unknown->names[i]) == 0)
            return MHD_YES;
    unknown->found = name;
    return MHD_NO;
}

const char *http_request_query_unknown(const struct http_request *request, const char *const *names,
                                       size_t count)
{
    const struct connection *connection = request->connection;
    struct unknown unknown = {.names = names, .count = count};
    MHD_get_connection_values(connection->mhd, MHD_GET_ARGUMENT_KIND, find_unknown, &unknown);
    return unknown.found;
}

bool http_request_is_local(const struct http_request *request)
{
    const struct connection *connection = request->connection;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info && info->client_addr && http_address_is_loopback(info->client_addr);
}

bool http_request_is_authorized(const struct http_request *request)
{
    const struct connection *connection = request->connection;
    return connection->server->config.tokens != NULL;
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

void http_response_header(struct http_response *response, const char *name, const char *value)
{
    const size_t bytes = strlen(value);
    assert(response->header_count < HTTP_MAX_EXTRA_HEADERS && bytes < HTTP_HEADER_VALUE_BYTES);
    response->headers[response->header_count].name = name;
    memcpy(response->headers[response->header_count].value, value, bytes + 1);
    response->header_count++;
}

/* --- answering --- */

/* The room for headers is large, so it is not zeroed. */
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

/* Whether the body is compressed now; if allocation fails it stays as it is. */
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
    add_header(out, "X-Content-Type-Options", "nosniff");
    for (size_t i = 0; i < response->header_count; i++)
        add_header(out, response->headers[i].name, response->headers[i].value);
    if (response->status == 503)
        add_header(out, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    if (connection->must_close ||
        atomic_load_explicit(&connection->server->stopping, memory_order_relaxed))
        add_header(out, MHD_HTTP_HEADER_CONNECTION, "close");
}

/* Counts the answer among those that wait for their readers; false if there are too many. */
static bool reserve_answer(struct connection *connection, size_t bytes)
{
    atomic_size_t *memory = &connection->server->answer_memory;
    connection->answer_bytes = bytes < SMALL_ANSWER_BYTES ? 0 : bytes;
    if (!connection->answer_bytes ||
        atomic_fetch_add_explicit(memory, bytes, memory_order_relaxed) + bytes <=
            ANSWER_MEMORY_BYTES)
        return true;
    atomic_fetch_sub_explicit(memory, bytes, memory_order_relaxed);
    connection->answer_bytes = 0;
    return false;
}

/* Takes ownership of the response's body. */
static enum MHD_Result queue(struct connection *connection, struct http_response *response)
{
    static const struct http_refusal no_room = {503, "too many answers wait for their readers"};
    bool compressed = response->compressible && compress(connection, response);
    if (!reserve_answer(connection, response->body_bytes)) {
        render_refusal(connection->server, no_room, response);
        compressed = false;
    }
    atomic_store_explicit(&connection->progress.bytes, response->body_bytes, memory_order_relaxed);
    if (!http_progress_enter(&connection->progress, HTTP_PHASE_ANSWER)) {
        free(response->body);
        return MHD_NO;
    }
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

/* When the answer begins, in monotonic seconds; not asked for where nobody observes it. */
static double observed_start(const struct http_server *server)
{
    return server->config.observe ? clock_monotonic_seconds() : 0;
}

static void observe(const struct connection *connection, const char *method, unsigned status,
                    double start)
{
    const struct http_server_config *config = &connection->server->config;
    if (config->observe)
        config->observe(config->context, connection->route, method, status,
                        clock_monotonic_seconds() - start);
}

enum MHD_Result http_answer_refusal(struct connection *connection, const char *method)
{
    const struct http_server *server = connection->server;
    const double start = observed_start(server);
    struct http_response response;
    char allow[ALLOW_BYTES];
    response_init(&response);
    render_refusal(server, connection->refusal, &response);
    if (connection->refusal.status == 405 &&
        http_routes_allow(&server->routes, connection->path, strlen(connection->path), allow,
                          sizeof(allow)))
        http_response_header(&response, "Allow", allow);
    if (connection->refusal.status == 401) {
        http_response_header(&response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
        /* Browsers ask for it; the name is not looked at. */
        http_response_header(&response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                             "Basic realm=\"token as password\", charset=\"UTF-8\"");
    }
    const enum MHD_Result result = queue(connection, &response);
    observe(connection, method, response.status, start);
    return result;
}

static void send_and_forget(int fd, const struct http_response *response, bool with_body)
{
    char head[512], date[40] = "";
    const time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    const int bytes = snprintf(head, sizeof(head),
                               "HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: close\r\n%s"
                               "Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\n"
                               "Content-Length: %zu\r\n\r\n",
                               response->status, MHD_get_reason_phrase_for(response->status), date,
                               response->status == 503 ? "Retry-After: 1\r\n" : "",
                               response->content_type ? response->content_type : "text/plain",
                               response->body_bytes);
    struct iovec pieces[] = {{head, (size_t)bytes}, {response->body, response->body_bytes}};
    const struct msghdr message = {.msg_iov = pieces,
                                   .msg_iovlen = with_body && response->body ? 2 : 1};
    if (bytes > 0 && (size_t)bytes < sizeof(head) &&
        sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_debug("answer %u not sent: %s", response->status, strerror(errno));
}

unsigned http_send_refusal(const struct connection *connection, struct http_refusal refusal,
                           bool with_body)
{
    struct http_response response;
    response_init(&response);
    render_refusal(connection->server, refusal, &response);
    send_and_forget(connection->fd, &response, with_body);
    free(response.body);
    return response.status;
}

void http_observe_refusal(const struct http_route *route, const struct http_server *server,
                          unsigned status)
{
    if (server->config.observe)
        server->config.observe(server->config.context, route, "other", status, 0);
}

enum MHD_Result http_answer_directly(struct connection *connection, const char *method)
{
    const double start = observed_start(connection->server);
    if (!http_progress_enter(&connection->progress, HTTP_PHASE_CUT))
        return MHD_NO;
    const unsigned status =
        http_send_refusal(connection, connection->refusal, strcmp(method, "HEAD") != 0);
    connection->must_close = true;
    observe(connection, method, status, start);
    return MHD_NO;
}

static void call_handler(struct connection *connection, bool streamed,
                         struct http_response *response)
{
    const struct http_request request = {
        .method = connection->route->method,
        .path = connection->path,
        .param = connection->param,
        .param2 = connection->param2,
        .body = connection->body,
        .body_bytes = connection->body_bytes,
        .streamed = streamed,
        .connection = connection,
    };
    connection->body[connection->body_bytes] = '\0';
    connection->route->handler(connection->server->config.context, &request, response);
}

static enum MHD_Result answer(struct connection *connection, const char *method,
                              struct http_response *response, double start)
{
    if (response->status == 0)
        render_refusal(connection->server,
                       (struct http_refusal){500, "the request could not be answered"}, response);
    const enum MHD_Result result = queue(connection, response);
    observe(connection, method, response->status, start);
    return result;
}

enum MHD_Result http_answer(struct connection *connection, const char *method)
{
    const double start = observed_start(connection->server);
    const struct http_stream *stream = connection->stream;
    struct http_response response;
    response_init(&response);
    connection->stream = NULL;
    if (stream)
        stream->end(connection->stream_state, &response);
    else
        call_handler(connection, false, &response);
    return answer(connection, method, &response, start);
}

/* --- streams --- */

void http_request_stream(const struct http_request *request, const struct http_stream *stream,
                         void *state)
{
    struct connection *connection = request->connection;
    connection->stream = stream;
    connection->stream_state = state;
}

enum MHD_Result http_stream_begin(struct connection *connection, const char *method)
{
    const double start = observed_start(connection->server);
    struct http_response response;
    response_init(&response);
    call_handler(connection, true, &response);
    if (connection->stream) {
        free(response.body);
        return http_progress_enter(&connection->progress, HTTP_PHASE_STREAM) ? MHD_YES : MHD_NO;
    }
    connection->must_close = true;
    return answer(connection, method, &response, start);
}

void http_stream_abort(struct connection *connection)
{
    const struct http_stream *stream = connection->stream;
    connection->stream = NULL;
    if (stream)
        stream->abort(connection->stream_state);
}
