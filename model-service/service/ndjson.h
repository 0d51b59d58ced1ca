/* ndjson.h - the lines of an NDJSON stream, pulled: bytes go in, lines come out.
 *
 *     ndjson_feed(&stream, piece, count);
 *     while (ndjson_next(&stream, &line))
 *         ...
 */
#ifndef SERVICE_NDJSON_H
#define SERVICE_NDJSON_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line of a thousand features takes some ten kilobytes; beyond this a newline is missing. */
#define NDJSON_LINE_MAX_BYTES (1u << 20)
/* An incomplete line of this size needs no memory beside the stream's own; most lines fit. */
#define NDJSON_OWN_BYTES 2048u

/* What the longer incomplete lines of several streams may take together. */
struct ndjson_memory {
    atomic_size_t used;
    size_t limit;
};

struct ndjson_line {
    uint64_t number; /* from 1, blank lines counted */
    /* Without the line feed and a carriage return before it, and without a byte order mark at the
     * beginning of the stream; not terminated; valid until the next
     * call. NULL: the line was skipped. */
    const char *text;
    size_t bytes;
    const char *error; /* one sentence about a skipped line; else NULL */
};

struct ndjson {
    struct ndjson_memory *memory;
    const char *piece, *end; /* what is left of the piece that was fed */
    bool ended;
    uint64_t number; /* of the last line */
    char *partial;   /* an incomplete line: own, or allocated */
    size_t bytes, room;
    bool complete;     /* partial holds the line that was returned last */
    const char *error; /* why the incomplete line is skipped up to its line feed; or NULL */
    char own[NDJSON_OWN_BYTES];
};

/* memory: borrowed. The stream must not be moved or copied from here on. */
void ndjson_init(struct ndjson *stream, struct ndjson_memory *memory);
/* Frees; an incomplete line is dropped. */
void ndjson_finish(struct ndjson *stream);

/* Hands over the next piece, borrowed until ndjson_next() has returned false. */
void ndjson_feed(struct ndjson *stream, const char *piece, size_t count);
/* Says that no more pieces come: the last line needs no line feed. */
void ndjson_end(struct ndjson *stream);
/* The next line that is complete, except for lines of white space only; false if there is none yet.
 * A line that lies within one piece is not copied. O(bytes of the line). */
bool ndjson_next(struct ndjson *stream, struct ndjson_line *ret_line);

#endif
