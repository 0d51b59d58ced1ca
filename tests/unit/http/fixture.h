/* fixture.h - a server on a free port and a client of raw bytes, for the tests of http.h. */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H

#include "http/http.h"
#include "system/address.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ECHO_LIMIT     1000
#define BIG_BYTES      100000
#define CLIENT_BYTES   (256u << 10)
#define CLIENT_SECONDS 5

/* What the callbacks and handlers of the server have seen. */
struct seen {
    atomic_uint observed, last_status, with_route, errors, slow_running, release;
};

struct client {
    int fd;
    size_t bytes; /* received and not yet taken */
    char data[CLIENT_BYTES];
};

struct reply {
    unsigned status;
    char head[8192]; /* status line and header, as received */
    char body[CLIENT_BYTES];
    size_t body_bytes;
};

static void text_answer(struct http_response *response, unsigned status, const char *text)
{
    http_respond(response, status, "text/plain", strdup(text), strlen(text));
}

static void handle_echo(void *context, const struct http_request *request,
                        struct http_response *response)
{
    (void)context;
    char *text = NULL;
    /* strlen() sees the terminator behind the body. */
    const int bytes =
        asprintf(&text, "%s|%s|%s|%zu|%s", request->method, request->path,
                 request->param ? request->param : "-", request->body_bytes, request->body);
    http_respond(response, 200, "text/plain", text, (size_t)bytes);
}

static void handle_query(void *context, const struct http_request *request,
                         struct http_response *response)
{
    (void)context;
    const char *a = http_request_query(request, "a"), *b = http_request_query(request, "b");
    const char *x = http_request_header(request, "x-test");
    char text[512];
    snprintf(text, sizeof(text), "a=%s b=%s x=%s", a ? a : "(none)", b ? b : "(none)",
             x ? x : "(none)");
    text_answer(response, 200, text);
}

static void handle_big(void *context, const struct http_request *request,
                       struct http_response *response)
{
    (void)context;
    (void)request;
    char *body = malloc(BIG_BYTES);
    for (size_t i = 0; i < BIG_BYTES; i++)
        body[i] = (char)('a' + i % 26);
    http_respond(response, 200, "text/plain", body, BIG_BYTES);
    response->compressible = true;
}

/* Half of what all answers that wait for their readers may take, less a little. */
static void handle_huge(void *context, const struct http_request *request,
                        struct http_response *response)
{
    const size_t bytes = 30u << 20;
    (void)context;
    (void)request;
    http_respond(response, 200, "text/plain", calloc(1, bytes), bytes);
}

static void handle_nothing(void *context, const struct http_request *request,
                           struct http_response *response)
{
    (void)context;
    (void)request;
    (void)response;
}

static void handle_empty(void *context, const struct http_request *request,
                         struct http_response *response)
{
    (void)context;
    (void)request;
    http_respond(response, 302, "text/plain", NULL, 0);
    http_response_header(response, "Location", "/elsewhere");
}

static void handle_headers(void *context, const struct http_request *request,
                           struct http_response *response)
{
    (void)request;
    char longest[HTTP_HEADER_VALUE_BYTES];
    (void)context;
    memset(longest, 'v', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    text_answer(response, 200, "ok");
    for (int i = 0; i < HTTP_MAX_EXTRA_HEADERS; i++)
        http_response_header(response, "X-Extra", longest);
}

static void handle_slow(void *context, const struct http_request *request,
                        struct http_response *response)
{
    struct seen *seen = context;
    const struct timespec pause = {.tv_nsec = 300000000};
    (void)request;
    atomic_store(&seen->slow_running, 1);
    nanosleep(&pause, NULL);
    text_answer(response, 200, "slow");
}

/* Runs until the test says so. */
static void handle_held(void *context, const struct http_request *request,
                        struct http_response *response)
{
    struct seen *seen = context;
    const struct timespec pause = {.tv_nsec = 2000000};
    (void)request;
    while (!atomic_load(&seen->release))
        nanosleep(&pause, NULL);
    text_answer(response, 200, "held");
}

static const struct http_route fixture_routes[] = {
    {"POST", "/echo", HTTP_BODY_JSON, ECHO_LIMIT, handle_echo, HTTP_ROLE_NONE, HTTP_LANE_USUAL},
    {"GET", "/echo", HTTP_BODY_NONE, 0, handle_echo, HTTP_ROLE_NONE, HTTP_LANE_USUAL},
    {"POST", "/any", HTTP_BODY_ANY, 1u << 20, handle_echo, HTTP_ROLE_NONE, HTTP_LANE_USUAL},
    {"POST", "/optional", HTTP_BODY_OPTIONAL, 100, handle_echo, HTTP_ROLE_NONE, HTTP_LANE_USUAL},
    {"GET", "/items/{id}", HTTP_BODY_NONE, 0, handle_echo, HTTP_ROLE_NONE, HTTP_LANE_USUAL},
    {"GET", "/items/{id}/parts", HTTP_BODY_NONE, 0, handle_echo, HTTP_ROLE_NONE, HTTP_LANE_USUAL},
    {"GET", "/query", HTTP_BODY_NONE, 0, handle_query, HTTP_ROLE_NONE, HTTP_LANE_USUAL},
    {"GET", "/big", HTTP_BODY_NONE, 0, handle_big, HTTP_ROLE_NONE, HTTP_LANE_USUAL},
    {"GET", "/huge", HTTP_BODY_NONE, 0, handle_huge, HTTP_ROLE_NONE, HTTP_LANE_USUAL},
    {"GET", "/nothing", HTTP_BODY_NONE, 0, handle_nothing, HTTP_ROLE_NONE, HTTP_LANE_USUAL},
    {"GET", "/empty", HTTP_BODY_NONE, 0, handle_empty, HTTP_ROLE_NONE, HTTP_LANE_USUAL},
    {"GET", "/headers", HTTP_BODY_NONE, 0, handle_headers, HTTP_ROLE_NONE, HTTP_LANE_USUAL},
    {"POST", "/aside", HTTP_BODY_JSON, ECHO_LIMIT, handle_held, HTTP_ROLE_NONE, HTTP_LANE_SLOW},
    {"GET", "/probe", HTTP_BODY_NONE, 0, handle_echo, HTTP_ROLE_NONE, HTTP_LANE_PROBE},
    {"POST", "/slow", HTTP_BODY_JSON, ECHO_LIMIT, handle_slow, HTTP_ROLE_NONE, HTTP_LANE_USUAL},
};

static void fixture_error(void *context, unsigned status, const char *detail,
                          struct http_response *response)
{
    struct seen *seen = context;
    char text[256];
    atomic_fetch_add(&seen->errors, 1);
    snprintf(text, sizeof(text), "error %u: %s", status, detail);
    text_answer(response, status, text);
}

static void fixture_observe(void *context, const struct http_route *route, const char *method,
                            unsigned status, double seconds)
{
    struct seen *seen = context;
    if (!method[0] || !(seconds >= 0.0 && seconds < 60.0))
        abort();
    atomic_store(&seen->last_status, status);
    atomic_fetch_add(&seen->with_route, route != NULL);
    atomic_fetch_add(&seen->observed, 1);
}

static struct http_server_config fixture_config(struct seen *seen)
{
    return (struct http_server_config){
        .allowed_hosts = "other\nt",
        .listen = "127.0.0.1:0",
        .routes = fixture_routes,
        .route_count = sizeof(fixture_routes) / sizeof(fixture_routes[0]),
        .context = seen,
        .limits = {.connections = 100, .header_bytes = 4096, .idle_seconds = 20, .threads = 2},
        .render_error = fixture_error,
        .observe = fixture_observe,
    };
}

static struct http_server *fixture_start(const struct http_server_config *config)
{
    struct http_server *server = NULL;
    assert_int_equal(http_server_start(config, &server), 0);
    return server;
}

/* cmocka's assertions end only tests that run on its own thread; clients run on others, too. */
#define demand(condition) ((condition) ? (void)0 : demand_failed(#condition, __FILE__, __LINE__))

static void demand_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
    abort();
}

/* A connection, or -1 when it is refused. */
static int dial(const char *address)
{
    struct sockaddr_storage peer;
    socklen_t bytes;
    const struct timeval patience = {.tv_sec = CLIENT_SECONDS};
    demand(http_address_parse(address, &peer, &bytes) == 0);
    const int fd = socket(peer.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    demand(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&peer, bytes) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static struct client *client_open(const struct http_server *server)
{
    struct client *client = malloc(sizeof(*client));
    demand(client);
    client->bytes = 0;
    client->fd = dial(http_server_address(server));
    demand(client->fd >= 0);
    return client;
}

static void client_close(struct client *client)
{
    close(client->fd);
    free(client);
}

/* False when the server does not take it all. */
static bool client_send(struct client *client, const char *data, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        const ssize_t n = send(client->fd, data + done, bytes - done, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool client_say(struct client *client, const char *text)
{
    return client_send(client, text, strlen(text));
}

static bool client_receive(struct client *client)
{
    const ssize_t n =
        recv(client->fd, client->data + client->bytes, CLIENT_BYTES - 1 - client->bytes, 0);
    if (n <= 0)
        return false;
    client->bytes += (size_t)n;
    return true;
}

static void client_take(struct client *client, size_t bytes)
{
    client->bytes -= bytes;
    memmove(client->data, client->data + bytes, client->bytes);
}

static const char *reply_header(const struct reply *reply, const char *name)
{
    static _Thread_local char value[1024];
    char wanted[128];
    snprintf(wanted, sizeof(wanted), "\r\n%s: ", name);
    const char *found = strcasestr(reply->head, wanted);
    if (!found)
        return NULL;
    found += strlen(wanted);
    snprintf(value, sizeof(value), "%.*s", (int)strcspn(found, "\r"), found);
    return value;
}

/* The next answer; false when the connection ends or stays silent before it is complete. */
static bool client_read(struct client *client, struct reply *reply, bool head_only)
{
    char *end;
    for (;;) {
        client->data[client->bytes] = '\0';
        end = strstr(client->data, "\r\n\r\n");
        if (end)
            break;
        if (!client_receive(client))
            return false;
    }
    const size_t head_bytes = (size_t)(end - client->data) + 4;
    demand(head_bytes < sizeof(reply->head));
    memcpy(reply->head, client->data, head_bytes);
    reply->head[head_bytes] = '\0';
    client_take(client, head_bytes);
    demand(sscanf(reply->head, "HTTP/1.%*1u %3u ", &reply->status) == 1);
    const char *length = reply_header(reply, "Content-Length");
    reply->body_bytes = length && !head_only ? strtoul(length, NULL, 10) : 0;
    demand(reply->body_bytes < CLIENT_BYTES);
    while (client->bytes < reply->body_bytes)
        if (!client_receive(client))
            return false;
    memcpy(reply->body, client->data, reply->body_bytes);
    reply->body[reply->body_bytes] = '\0';
    client_take(client, reply->body_bytes);
    return true;
}

/* True when the server closes the connection, false when it stays silent or says more. */
static bool client_is_closed(struct client *client)
{
    char byte;
    const ssize_t n = recv(client->fd, &byte, 1, 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

static bool client_keeps_alive(struct client *client, struct reply *reply)
{
    return client_say(client, "GET /echo HTTP/1.1\r\nHost: t\r\n\r\n") &&
           client_read(client, reply, false) && reply->status == 200;
}

#endif
