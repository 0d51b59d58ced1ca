/* stream.c - bodies that are handed over as they come, a piece at each turn. */
#include "http/connection.h"

static void hand_over(struct connection *connection, const char *piece, size_t bytes)
{
    connection->body_bytes += bytes;
    connection->stream->data(connection->stream_state, piece, bytes);
}

/* Bytes of a body whose length is known. */
static enum http_reading read_piece(struct connection *connection)
{
    const uint64_t left = connection->announced.length - connection->body_bytes;
    const size_t most = left < HTTP_PIECE_BYTES ? (size_t)left : HTTP_PIECE_BYTES;
    const size_t behind = connection->input_bytes - connection->taken;
    const char *piece = connection->input + connection->taken;
    ssize_t bytes = (ssize_t)(behind < most ? behind : most);
    if (left == 0)
        return HTTP_READING_DONE;
    connection->taken += (size_t)bytes;
    if (bytes == 0) {
        piece = connection->worker->piece;
        bytes = http_socket_read(connection, connection->worker->piece, most);
    }
    if (bytes < 0)
        http_connection_close(connection);
    if (bytes <= 0)
        return HTTP_READING_MORE;
    hand_over(connection, piece, (size_t)bytes);
    return (uint64_t)bytes == left ? HTTP_READING_DONE : HTTP_READING_PIECE;
}

static enum http_reading read_chunks(struct connection *connection)
{
    enum http_reading reading;
    do {
        const char *piece;
        size_t used, bytes;
        reading =
            http_chunks_read(&connection->chunks, connection->input + connection->taken,
                             connection->input_bytes - connection->taken, &used, &piece, &bytes);
        connection->taken += used;
        if (reading == HTTP_READING_PIECE)
            hand_over(connection, piece, bytes);
    } while (reading == HTTP_READING_PIECE);
    if (reading != HTTP_READING_MORE)
        return reading;
    connection->input_bytes = connection->taken = connection->head.bytes;
    return HTTP_READING_PIECE;
}

enum http_reading http_stream_piece(struct connection *connection)
{
    if (!connection->announced.chunked)
        return read_piece(connection);
    if (connection->input_bytes == connection->taken && !http_socket_read_input(connection))
        return HTTP_READING_MORE;
    return read_chunks(connection);
}

void http_request_stream(const struct http_request *request, const struct http_stream *stream,
                         void *state)
{
    struct connection *connection = request->connection;
    connection->stream = stream;
    connection->stream_state = state;
}

void http_stream_abort(struct connection *connection)
{
    const struct http_stream *stream = connection->stream;
    connection->stream = NULL;
    if (stream)
        stream->abort(connection->stream_state);
}
