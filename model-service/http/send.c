/* send.c - writes answers. */
#include "http/connection.h"
#include "system/clock.h"
#include "system/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

const char *http_status_phrase(unsigned status)
{
    static const struct {
        unsigned status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {204, "No Content"},
        {302, "Found"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Unknown";
}

/* --- the head --- */

static char *put(char *at, const char *text, size_t bytes)
{
    memcpy(at, text, bytes);
    return at + bytes;
}

#define PUT(at, literal) put(at, literal, sizeof(literal) - 1)

static char *put_text(char *at, const char *text)
{
    return put(at, text, strlen(text));
}

static char *put_number(char *at, size_t number)
{
    char digits[20];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count)
        *at++ = digits[--count];
    return at;
}

/* A line break in a value would begin another header. */
static bool is_sound(const char *value)
{
    for (; *value; value++)
        if (((unsigned char)*value < 0x20 && *value != '\t') || *value == 0x7f)
            return false;
    return true;
}

static char *put_header(char *at, const char *name, const char *value)
{
    if (!is_sound(value)) {
        log_warning("response header %s dropped: its value has a control character", name);
        return at;
    }
    at = put_text(at, name);
    at = PUT(at, ": ");
    at = put_text(at, value);
    return PUT(at, "\r\n");
}

/* The date is the same for a second. */
static char *put_date(char *at, struct http_worker *worker)
{
    const int64_t second = clock_wall_ms() / 1000;
    if (second != worker->date_second) {
        const time_t now = (time_t)second;
        struct tm utc;
        gmtime_r(&now, &utc);
        strftime(worker->date, sizeof(worker->date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
        worker->date_second = second;
    }
    return put_text(at, worker->date);
}

static char *put_connection(char *at, const struct connection *connection)
{
    if (connection->last)
        return PUT(at, "Connection: close\r\n");
    return connection->announced.old ? PUT(at, "Connection: keep-alive\r\n") : at;
}

static size_t render_head(struct connection *connection, const struct http_response *response,
                          bool compressed)
{
    char *head = connection->worker->head;
    char *at = PUT(head, "HTTP/1.1 ");
    at = put_number(at, response->status);
    at = PUT(at, " ");
    at = put_text(at, http_status_phrase(response->status));
    at = PUT(at, "\r\nDate: ");
    at = put_date(at, connection->worker);
    at = PUT(at, "\r\n");
    if (response->content_type)
        at = put_header(at, "Content-Type", response->content_type);
    at = PUT(at, "X-Content-Type-Options: nosniff\r\n");
    if (response->compressible)
        at = PUT(at, "Vary: Accept-Encoding\r\n");
    if (compressed)
        at = PUT(at, "Content-Encoding: gzip\r\n");
    for (size_t i = 0; i < response->header_count; i++)
        at = put_header(at, response->headers[i].name, response->headers[i].value);
    if (response->status == 503)
        at = PUT(at, "Retry-After: 1\r\n");
    at = put_connection(at, connection);
    at = PUT(at, "Content-Length: ");
    at = put_number(at, response->body_bytes);
    at = PUT(at, "\r\n\r\n");
    assert(at <= head + HTTP_ANSWER_HEAD_BYTES);
    return (size_t)(at - head);
}

/* --- the socket --- */

void http_output_finish(struct http_output *output)
{
    free(output->head);
    free(output->body);
    memset(output, 0, sizeof(*output));
}

/* Tries to send what is left; head: all of it. False if the connection is broken. */
static bool send_some(struct connection *connection, const char *head)
{
    struct http_output *output = &connection->output;
    const size_t of_body =
        output->sent > output->head_bytes ? output->sent - output->head_bytes : 0;
    const size_t of_head = output->sent - of_body;
    struct iovec pieces[2];
    int count = 0;
    if (of_head < output->head_bytes)
        pieces[count++] =
            (struct iovec){(char *)(uintptr_t)head + of_head, output->head_bytes - of_head};
    if (of_body < output->body_bytes)
        pieces[count++] = (struct iovec){output->body + of_body, output->body_bytes - of_body};
    const ssize_t n = http_socket_write(connection, pieces, count);
    if (n < 0)
        return false;
    output->sent += (size_t)n;
    return true;
}

static bool is_sent(const struct http_output *output)
{
    return output->sent == output->head_bytes + output->body_bytes;
}

bool http_send_more(struct connection *connection)
{
    struct http_output *output = &connection->output;
    while (!is_sent(output) && connection->writable)
        if (!send_some(connection, output->head)) {
            connection->ended = true;
            http_connection_close(connection);
            return false;
        }
    return is_sent(output);
}

/* Keeps what the socket did not take of the head; false if there is no memory for it. */
static bool keep_head(struct http_output *output, const char *head)
{
    if (output->sent >= output->head_bytes)
        return true;
    output->head = malloc(output->head_bytes);
    if (!output->head)
        return false;
    memcpy(output->head, head, output->head_bytes);
    return true;
}

void http_send(struct connection *connection, struct http_response *response, bool compressed)
{
    struct http_output *output = &connection->output;
    const char *method = connection->head.method, *head = connection->worker->head;
    const bool with_body = !method || strcmp(method, "HEAD") != 0;
    connection->last |= connection->must_close ||
                        !http_announced_keeps_alive(&connection->announced) ||
                        atomic_load_explicit(&connection->server->stopping, memory_order_relaxed);
    *output = (struct http_output){
        .body = response->body,
        .head_bytes = render_head(connection, response, compressed),
        .body_bytes = with_body ? response->body_bytes : 0,
    };
    connection->stage = HTTP_STAGE_ANSWER;
    atomic_store_explicit(&connection->progress.bytes, output->body_bytes, memory_order_relaxed);
    if (!send_some(connection, head) || !keep_head(output, head)) {
        connection->ended = true;
        http_connection_close(connection);
        return;
    }
    /* Nothing waits for a client that has its answer. */
    if (!is_sent(output) || http_progress_phase(&connection->progress) != HTTP_PHASE_WORK)
        http_progress_answer(&connection->progress);
}

void http_send_continue(struct connection *connection)
{
    const struct iovec piece = {(char *)(uintptr_t)CONTINUE, sizeof(CONTINUE) - 1};
    const ssize_t n = http_socket_write(connection, &piece, 1);
    /* The client sends the body after a while in any case, but not behind half of this. */
    if (n > 0 && (size_t)n < sizeof(CONTINUE) - 1)
        http_connection_close(connection);
}
