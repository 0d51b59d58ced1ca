/* lines.h - a stream of bytes, in pieces of any size, as lines. */
#ifndef TEXT_LINES_H
#define TEXT_LINES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line of a thousand features takes some ten kilobytes; beyond this a newline is missing. */
#define LINES_MAX_BYTES (1u << 20)

/* Most lines fit: their pieces need no memory that others may have taken. */
#define LINES_OWN_BYTES 2048u

/* What the longer unfinished lines of several streams may take together. */
struct lines_memory {
    atomic_size_t used;
    size_t limit;
};

enum line_state {
    LINE_WHOLE,
    LINE_TOO_LONG,  /* more than LINES_MAX_BYTES: skipped up to its newline */
    LINE_NO_MEMORY, /* a line in several pieces that found no room: skipped likewise */
};

/* number: from 1, blank lines counted. text: without the line feed and a carriage return before
 * it, not terminated, valid during the call; NULL unless the line is whole. */
typedef void (*lines_fn)(void *context, uint64_t number, enum line_state state, const char *text,
                         size_t bytes);

struct lines {
    struct lines_memory *memory;
    lines_fn line;
    void *context;
    uint64_t number; /* of the line that is being read, less one */
    char *partial;   /* of an unfinished line: own, or malloc'd */
    size_t bytes, room;
    enum line_state state;
    char own[LINES_OWN_BYTES];
};

/* memory, context: borrowed. Not to be moved or copied from here on. */
void lines_init(struct lines *lines, struct lines_memory *memory, lines_fn line, void *context);
/* Calls line for each line that ends in the piece, but for lines of white space only. A line that
 * lies within one piece is not copied. O(count). */
void lines_feed(struct lines *lines, const char *piece, size_t count);
/* The last line, if nothing ended it. */
void lines_end(struct lines *lines);
/* Frees; what is unfinished is dropped. */
void lines_finish(struct lines *lines);

#endif
