/* chunks.c - a chunked body; see http/request.h. */
#include "http/request.h"

enum state {
    SIZE, /* the first digit is still to come */
    SIZE_MORE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, /* the first byte of a line */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    END,
};

static enum http_reading wrong(struct http_chunks *chunks, unsigned status, const char *detail)
{
    chunks->refusal = (struct http_refusal){status, detail};
    return HTTP_READING_WRONG;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_text(char c)
{
    return ((unsigned char)c >= 0x20 && c != 0x7f) || c == '\t';
}

/* A byte of the line that says how long a chunk is. */
static enum http_reading read_size(struct http_chunks *chunks, char c)
{
    const int digit = hex_value(c);
    if (++chunks->line_bytes > HTTP_CHUNK_LINE_BYTES)
        return wrong(chunks, 400, "the line with a chunk's size is too long");
    if (chunks->state != EXTENSION && digit >= 0) {
        if (chunks->left >> 60)
            return wrong(chunks, 400, "a chunk's size is too large");
        chunks->left = chunks->left << 4 | (unsigned)digit;
        chunks->state = SIZE_MORE;
        return HTTP_READING_MORE;
    }
    if (chunks->state == SIZE)
        return wrong(chunks, 400, "a chunk must begin with its size in hexadecimal digits");
    if (c == '\r')
        chunks->state = SIZE_LF;
    else if (chunks->state == EXTENSION ? is_text(c) : c == ';')
        chunks->state = EXTENSION;
    else
        return wrong(chunks, 400, "a chunk's size must end with CR LF");
    return HTTP_READING_MORE;
}

/* A byte of the fields behind the last chunk. */
static enum http_reading read_trailer(struct http_chunks *chunks, char c)
{
    static const char malformed[] = "a field behind the body must be a name, a colon and a value";
    if (++chunks->trailer_bytes > HTTP_TRAILER_BYTES)
        return wrong(chunks, 431, "the fields behind the body are too long");
    switch (chunks->state) {
    case TRAILER:
        if (c != '\r' && !http_is_token_byte(c))
            return wrong(chunks, 400, malformed);
        chunks->state = c == '\r' ? END_LF : TRAILER_NAME;
        return HTTP_READING_MORE;
    case TRAILER_NAME:
        if (c != ':' && !http_is_token_byte(c))
            return wrong(chunks, 400, malformed);
        chunks->state = c == ':' ? TRAILER_VALUE : TRAILER_NAME;
        return HTTP_READING_MORE;
    default:
        if (c != '\r' && !is_text(c))
            return wrong(chunks, 400, malformed);
        chunks->state = c == '\r' ? TRAILER_LF : TRAILER_VALUE;
        return HTTP_READING_MORE;
    }
}

/* Takes the one byte that must come here. */
static enum http_reading expect(struct http_chunks *chunks, char c, char wanted, enum state next)
{
    if (c != wanted)
        return wrong(chunks, 400, "a chunk must end with CR LF");
    chunks->state = next;
    return next == END ? HTTP_READING_DONE : HTTP_READING_MORE;
}

/* A byte of anything but a chunk's data. */
static enum http_reading read_byte(struct http_chunks *chunks, char c)
{
    switch (chunks->state) {
    case SIZE:
    case SIZE_MORE:
    case EXTENSION:
        return read_size(chunks, c);
    case SIZE_LF:
        chunks->line_bytes = 0;
        return expect(chunks, c, '\n', chunks->left ? DATA : TRAILER);
    case DATA_CR:
        return expect(chunks, c, '\r', DATA_LF);
    case DATA_LF:
        return expect(chunks, c, '\n', SIZE);
    case TRAILER_LF:
        return expect(chunks, c, '\n', TRAILER);
    case END_LF:
        return expect(chunks, c, '\n', END);
    default:
        return read_trailer(chunks, c);
    }
}

enum http_reading http_chunks_read(struct http_chunks *chunks, const char *bytes, size_t count,
                                   size_t *ret_used, const char **ret_piece,
                                   size_t *ret_piece_bytes)
{
    enum http_reading reading = HTTP_READING_MORE;
    size_t used = 0;
    while (reading == HTTP_READING_MORE && used < count && chunks->state != DATA)
        reading = read_byte(chunks, bytes[used++]);
    *ret_used = used;
    if (reading != HTTP_READING_MORE || used == count)
        return reading;
    const size_t here = count - used;
    const size_t piece = chunks->left < here ? (size_t)chunks->left : here;
    chunks->left -= piece;
    if (chunks->left == 0)
        chunks->state = DATA_CR;
    *ret_piece = bytes + used;
    *ret_piece_bytes = piece;
    *ret_used = used + piece;
    return HTTP_READING_PIECE;
}
