/* answer.c - what handlers call to read a request and to answer; who answers what. */
#include "http/connection.h"
#include "http/gzip.h"
#include "system/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
    return http_head_field(&connection->head, name);
}

/* The parameter behind `name`, or the first one; NULL if there is none. */
static const char *next_parameter(const struct connection *connection, const char *name)
{
    const char *next = connection->query;
    if (!next)
        return NULL;
    const char *end = next + connection->query_bytes;
    if (name) {
        const char *value = name + strlen(name) + 1;
        next = value + strlen(value) + 1;
    }
    return next < end ? next : NULL;
}

const char *http_request_query(const struct http_request *request, const char *name)
{
    const char *at = NULL;
    while ((at = next_parameter(request->connection, at)))
        if (strcasecmp(at, name) == 0)
            return at + strlen(at) + 1;
    return NULL;
}

size_t http_request_query_count(const struct http_request *request, const char *name)
{
    const char *at = NULL;
    size_t count = 0;
    while ((at = next_parameter(request->connection, at)))
        count += strcasecmp(at, name) == 0;
    return count;
}

static bool is_one_of(const char *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(text, names[i]) == 0)
            return true;
    return false;
}

const char *http_request_query_unknown(const struct http_request *request, const char *const *names,
                                       size_t count)
{
    const char *at = NULL;
    while ((at = next_parameter(request->connection, at)))
        if (!is_one_of(at, names, count))
            return at;
    return NULL;
}

bool http_request_is_local(const struct http_request *request)
{
    const struct connection *connection = request->connection;
    return connection->local;
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

/* Whether the body is compressed now; if allocation fails it stays as it is. */
static bool compress(const struct connection *connection, struct http_response *response)
{
    const struct http_head *head = &connection->head;
    struct gzip_preference preference = GZIP_PREFERENCE_NONE;
    char *compressed;
    size_t bytes;
    if (response->body_bytes < COMPRESS_LEAST_BYTES)
        return false;
    for (size_t i = 0; i < head->field_count; i++)
        if (strcasecmp(head->fields[i].name, "Accept-Encoding") == 0)
            gzip_preference_read(&preference, head->fields[i].value);
    if (!gzip_preferred(&preference) ||
        gzip_compress(response->body, response->body_bytes, &compressed, &bytes) < 0)
        return false;
    free(response->body);
    response->body = compressed;
    response->body_bytes = bytes;
    return true;
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

double http_observed_start(const struct http_server *server)
{
    return server->config.observe ? clock_monotonic_seconds() : 0;
}

static void observe(const struct connection *connection, unsigned status, double start)
{
    const struct http_server_config *config = &connection->server->config;
    const char *method = connection->head.method;
    if (config->observe)
        config->observe(config->context, connection->route, method ? method : "other", status,
                        clock_monotonic_seconds() - start);
}

/* Takes the response's body. It is reported before it is sent, so that a client which has its
 * answer finds it counted. */
static void send_response(struct connection *connection, struct http_response *response,
                          double start)
{
    static const struct http_refusal no_room = {503, "too many answers wait for their readers"};
    bool compressed = response->compressible && compress(connection, response);
    if (!reserve_answer(connection, response->body_bytes)) {
        render_refusal(connection->server, no_room, response);
        compressed = false;
    }
    observe(connection, response->status, start);
    http_send(connection, response, compressed);
}

void http_answer_refusal(struct connection *connection)
{
    const struct http_server *server = connection->server;
    const double start = http_observed_start(server);
    struct http_response response;
    char allow[ALLOW_BYTES];
    response_init(&response);
    render_refusal(server, connection->refusal, &response);
    if (connection->refusal.status == 405 &&
        http_routes_allow(&server->routes, connection->path, strlen(connection->path), allow,
                          sizeof(allow)))
        http_response_header(&response, "Allow", allow);
    if (connection->refusal.status == 401) {
        http_response_header(&response, "WWW-Authenticate", "Bearer");
        /* Browsers ask for it; the name is not looked at. */
        http_response_header(&response, "WWW-Authenticate",
                             "Basic realm=\"token as password\", charset=\"UTF-8\"");
    }
    send_response(connection, &response, start);
}

void http_call_handler(struct connection *connection, bool streamed, struct http_response *response)
{
    const struct http_request request = {
        .method = connection->route->method,
        .path = connection->path,
        .param = connection->param,
        .param2 = connection->param2,
        .body = connection->body,
        .body_bytes = streamed ? 0 : connection->body_bytes,
        .streamed = streamed,
        .connection = connection,
    };
    /* Behind a body in the room for input there may be the next request. */
    char *end = connection->body + request.body_bytes;
    const char behind = *end;
    *end = '\0';
    response_init(response);
    connection->route->handler(connection->server->config.context, &request, response);
    *end = behind;
}

void http_answer_with(struct connection *connection, struct http_response *response, double start)
{
    if (response->status == 0)
        render_refusal(connection->server,
                       (struct http_refusal){500, "the request could not be answered"}, response);
    send_response(connection, response, start);
}

void http_answer(struct connection *connection)
{
    const double start = http_observed_start(connection->server);
    const struct http_stream *stream = connection->stream;
    struct http_response response;
    connection->stream = NULL;
    if (stream) {
        response_init(&response);
        stream->end(connection->stream_state, &response);
    } else {
        http_call_handler(connection, false, &response);
    }
    http_answer_with(connection, &response, start);
}

void http_stream_begin(struct connection *connection)
{
    const double start = http_observed_start(connection->server);
    struct http_response response;
    http_call_handler(connection, true, &response);
    if (connection->stream) {
        free(response.body);
        return;
    }
    connection->must_close = true;
    http_answer_with(connection, &response, start);
}
