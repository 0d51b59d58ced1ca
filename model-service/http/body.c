/* body.c - collects the body of a request. */
#include "http/connection.h"

#include <stdlib.h>
#include <string.h>

/* Limit on all bodies together that do not fit into their connection's own room. With a limit on
 * connections alone, clients that send much and never end would hold gigabytes. */
#define BODY_MEMORY_BYTES (32u << 20)
/* The first room of such a body, which grows as its bytes arrive. */
#define FIRST_BODY_ROOM (16u << 10)

static enum http_reading wrong(struct connection *connection, unsigned status, const char *detail)
{
    connection->refusal = (struct http_refusal){status, detail};
    return HTTP_READING_WRONG;
}

static enum http_reading too_large(struct connection *connection)
{
    return wrong(connection, 413, "the body is larger than this path takes");
}

static enum http_reading no_memory(struct connection *connection)
{
    return wrong(connection, 503, "not enough memory for this request");
}

/* --- a body of its own --- */

static bool grow(struct connection *connection, size_t bytes)
{
    atomic_size_t *memory = &connection->server->body_memory;
    char *old = connection->body_room ? connection->body : NULL;
    const size_t more = bytes + 1 - connection->body_room;
    char *body = NULL;
    if (atomic_fetch_add_explicit(memory, more, memory_order_relaxed) + more <= BODY_MEMORY_BYTES)
        body = realloc(old, bytes + 1);
    if (!body) {
        atomic_fetch_sub_explicit(memory, more, memory_order_relaxed);
        return false;
    }
    connection->body = body;
    connection->body_room = bytes + 1;
    return true;
}

/* Room for `bytes` bytes, of at most `most` that may come; false if there is none. */
static bool reserve(struct connection *connection, size_t bytes, size_t most)
{
    size_t wanted = 2 * bytes;
    if (bytes < connection->body_room)
        return true;
    if (wanted < FIRST_BODY_ROOM)
        wanted = FIRST_BODY_ROOM;
    return grow(connection, wanted < most ? wanted : most);
}

static void arrived(struct connection *connection, size_t bytes)
{
    connection->body_bytes += bytes;
    atomic_store_explicit(&connection->progress.bytes, connection->body_bytes,
                          memory_order_relaxed);
}

/* MORE: it was taken. */
static enum http_reading append(struct connection *connection, const char *piece, size_t bytes)
{
    const size_t limit = http_body_limit(connection->route);
    if (bytes > limit - connection->body_bytes)
        return too_large(connection);
    if (!reserve(connection, connection->body_bytes + bytes, limit))
        return no_memory(connection);
    memcpy(connection->body + connection->body_bytes, piece, bytes);
    arrived(connection, bytes);
    return HTTP_READING_MORE;
}

void http_body_finish(struct connection *connection)
{
    if (connection->body_room) {
        free(connection->body);
        atomic_fetch_sub_explicit(&connection->server->body_memory, connection->body_room,
                                  memory_order_relaxed);
    }
    connection->body_room = connection->body_bytes = 0;
}

/* --- in chunks --- */

/* Takes what has been read. */
static enum http_reading take_chunks(struct connection *connection)
{
    enum http_reading reading = HTTP_READING_MORE;
    while (reading == HTTP_READING_MORE && connection->taken < connection->input_bytes) {
        const char *piece;
        size_t used, bytes;
        reading =
            http_chunks_read(&connection->chunks, connection->input + connection->taken,
                             connection->input_bytes - connection->taken, &used, &piece, &bytes);
        connection->taken += used;
        if (reading == HTTP_READING_WRONG)
            connection->refusal = connection->chunks.refusal;
        if (reading == HTTP_READING_PIECE)
            reading = append(connection, piece, bytes);
    }
    return reading;
}

static enum http_reading read_chunks(struct connection *connection)
{
    const size_t limit = http_body_limit(connection->route);
    enum http_reading reading;
    while ((reading = take_chunks(connection)) == HTTP_READING_MORE) {
        /* A chunk that is announced need not be waited for if it is too large. */
        if (connection->chunks.left > limit - connection->body_bytes)
            return too_large(connection);
        connection->input_bytes = connection->taken = connection->head.bytes;
        if (!http_socket_read_input(connection))
            return HTTP_READING_MORE;
    }
    /* Also an empty body is one of its own. */
    if (reading == HTTP_READING_DONE && !reserve(connection, connection->body_bytes, limit))
        return no_memory(connection);
    return reading;
}

/* --- of a known length --- */

/* Bytes of the body that have been read into the room for input. */
static size_t bytes_here(const struct connection *connection)
{
    const size_t here = connection->input_bytes - connection->taken;
    return here < connection->announced.length ? here : (size_t)connection->announced.length;
}

static bool fits_here(const struct connection *connection)
{
    return !connection->announced.chunked &&
           connection->announced.length <= connection->server->input_room - connection->head.bytes;
}

static enum http_reading read_here(struct connection *connection)
{
    for (;;) {
        arrived(connection, bytes_here(connection) - connection->body_bytes);
        if (connection->body_bytes == connection->announced.length)
            break;
        if (!http_socket_read_input(connection))
            return HTTP_READING_MORE;
    }
    connection->taken += connection->body_bytes;
    return HTTP_READING_DONE;
}

static enum http_reading read_own(struct connection *connection)
{
    const size_t length = (size_t)connection->announced.length;
    const size_t here = bytes_here(connection);
    if (here &&
        append(connection, connection->input + connection->taken, here) != HTTP_READING_MORE)
        return HTTP_READING_WRONG;
    connection->taken += here;
    while (connection->body_bytes < length) {
        if (!reserve(connection, connection->body_bytes + 1, length))
            return no_memory(connection);
        const ssize_t n = http_socket_read(connection, connection->body + connection->body_bytes,
                                           connection->body_room - 1 - connection->body_bytes);
        if (n < 0)
            http_connection_close(connection);
        if (n <= 0)
            return HTTP_READING_MORE;
        arrived(connection, (size_t)n);
    }
    return HTTP_READING_DONE;
}

static enum http_reading drop(struct connection *connection)
{
    const size_t length = (size_t)connection->announced.length;
    const size_t here = connection->body_bytes ? 0 : bytes_here(connection);
    connection->taken += here;
    arrived(connection, here);
    while (connection->body_bytes < length) {
        const size_t left = length - connection->body_bytes;
        const ssize_t n = http_socket_read(connection, connection->worker->piece,
                                           left < HTTP_PIECE_BYTES ? left : HTTP_PIECE_BYTES);
        if (n < 0)
            http_connection_close(connection);
        if (n <= 0)
            return HTTP_READING_MORE;
        arrived(connection, (size_t)n);
    }
    return HTTP_READING_DONE;
}

bool http_body_begin(struct connection *connection)
{
    const size_t here = bytes_here(connection);
    if (!fits_here(connection) || here < connection->announced.length)
        return false;
    connection->body_bytes = here;
    connection->taken += here;
    return true;
}

enum http_reading http_body_read(struct connection *connection)
{
    if (connection->dropping)
        return drop(connection);
    if (connection->announced.chunked)
        return read_chunks(connection);
    return fits_here(connection) ? read_here(connection) : read_own(connection);
}
