/* request.h - reads the head of an HTTP/1.1 request, and a chunked body, from bytes that arrive in
 * pieces (RFC 9112). It knows no sockets and allocates nothing.
 *
 * Where the RFC leaves a choice between taking what is nearly right and refusing it, it is refused:
 * two readers of one connection that differ in such a choice disagree where a request ends. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/rules.h"

/* More than any browser or proxy sends. */
#define HTTP_MAX_FIELDS 100
/* Of a line that says how long a chunk is, with its extensions, which nobody uses. */
#define HTTP_CHUNK_LINE_BYTES 256
/* Of all the fields behind a chunked body, which are checked and dropped. */
#define HTTP_TRAILER_BYTES 4096

enum http_reading {
    HTTP_READING_MORE,  /* needs more bytes */
    HTTP_READING_PIECE, /* of chunks only: a piece of the body */
    HTTP_READING_DONE,
    HTTP_READING_WRONG, /* refusal says what; the connection must end with that answer */
};

/* Texts are NUL-terminated and contain no NUL; a value has no blanks around it. */
struct http_field {
    const char *name, *value;
    uint32_t name_bytes, value_bytes;
};

struct http_head {
    const char *method, *target; /* NULL until the request line is complete */
    size_t target_bytes;
    unsigned minor; /* HTTP/1.0: 0, HTTP/1.1 and later ones of HTTP/1: 1 */
    size_t field_count;
    size_t bytes;         /* of the whole head, when it is done */
    size_t line, scanned; /* where the line that is read begins, and how far it has been read */
    struct http_refusal refusal;
    struct http_field fields[HTTP_MAX_FIELDS];
};

/* To be called before the first byte of each request. */
void http_head_init(struct http_head *head);
/* bytes: all `count` bytes of the request that have arrived, at the same place in each call; the
 * head's texts stay in them, and the bytes behind each text are overwritten. A head of more than
 * `limit` bytes is refused: 414 for its request line, 431 for its fields. O(count) over all calls.
 */
enum http_reading http_head_read(struct http_head *head, char *bytes, size_t count, size_t limit);
/* The first field of the name, in any case; NULL if there is none. */
const char *http_head_field(const struct http_head *head, const char *name);

struct http_chunks {
    unsigned state;
    uint64_t left; /* of the chunk */
    size_t line_bytes, trailer_bytes;
    struct http_refusal refusal;
};

/* All zero before the first byte of a body. */
#define HTTP_CHUNKS_INIT                                                                           \
    (struct http_chunks)                                                                           \
    {                                                                                              \
        0                                                                                          \
    }
/* Reads until the end of a piece, of the body, or of the bytes; *ret_used: bytes taken. *ret_piece:
 * with HTTP_READING_PIECE at least one byte of the body. */
enum http_reading http_chunks_read(struct http_chunks *chunks, const char *bytes, size_t count,
                                   size_t *ret_used, const char **ret_piece,
                                   size_t *ret_piece_bytes);

/* The characters of RFC 9110, section 5.6.2. */
bool http_is_token_byte(char c);

#endif
