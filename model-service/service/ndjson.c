/* ndjson.c - see the header. */
#include "service/ndjson.h"

#include <stdlib.h>
#include <string.h>

/* The byte order mark that some programs write at the beginning of UTF-8. */
#define MARK       "\xef\xbb\xbf"
#define MARK_BYTES (sizeof(MARK) - 1)

static const char too_long[] = "the line is longer than 1 MiB";
static const char no_memory[] = "not enough memory to buffer this line";

void ndjson_init(struct ndjson *stream, struct ndjson_memory *memory)
{
    stream->memory = memory;
    stream->piece = stream->end = NULL;
    stream->ended = stream->complete = false;
    stream->number = 0;
    stream->partial = stream->own;
    stream->bytes = 0;
    stream->room = NDJSON_OWN_BYTES;
    stream->error = NULL;
}

/* Forgets the incomplete line, whose memory others may need. */
static void release(struct ndjson *stream)
{
    if (stream->partial != stream->own) {
        free(stream->partial);
        atomic_fetch_sub_explicit(&stream->memory->used, stream->room, memory_order_relaxed);
        stream->partial = stream->own;
        stream->room = NDJSON_OWN_BYTES;
    }
    stream->bytes = 0;
    stream->complete = false;
}

void ndjson_finish(struct ndjson *stream)
{
    release(stream);
}

static bool reserve(struct ndjson *stream, size_t bytes)
{
    if (bytes <= stream->room)
        return true;
    char *old = stream->partial == stream->own ? NULL : stream->partial;
    size_t room = stream->room;
    while (room < bytes)
        room *= 2;
    const size_t more = room - (old ? stream->room : 0);
    struct ndjson_memory *memory = stream->memory;
    char *partial = NULL;
    if (atomic_fetch_add_explicit(&memory->used, more, memory_order_relaxed) + more <=
        memory->limit)
        partial = realloc(old, room);
    if (!partial) {
        atomic_fetch_sub_explicit(&memory->used, more, memory_order_relaxed);
        return false;
    }
    if (!old)
        memcpy(partial, stream->own, stream->bytes);
    stream->partial = partial;
    stream->room = room;
    return true;
}

/* Keeps a part of a line until the rest has come; a line without room is skipped. */
static void keep(struct ndjson *stream, const char *text, size_t bytes)
{
    if (stream->error)
        return;
    if (stream->bytes + bytes > NDJSON_LINE_MAX_BYTES)
        stream->error = too_long;
    else if (!reserve(stream, stream->bytes + bytes))
        stream->error = no_memory;
    if (stream->error) {
        release(stream);
        return;
    }
    if (bytes > 0)
        memcpy(stream->partial + stream->bytes, text, bytes);
    stream->bytes += bytes;
}

static bool is_blank(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
            return false;
    return true;
}

/* Ends a line; false if it is blank. */
static bool take(struct ndjson *stream, const char *text, size_t bytes,
                 struct ndjson_line *ret_line)
{
    const char *error = bytes > NDJSON_LINE_MAX_BYTES ? too_long : stream->error;

    stream->number++;
    stream->error = NULL;
    if (error) {
        *ret_line = (struct ndjson_line){.number = stream->number, .error = error};
        return true;
    }
    if (stream->number == 1 && bytes >= MARK_BYTES && memcmp(text, MARK, MARK_BYTES) == 0) {
        text += MARK_BYTES;
        bytes -= MARK_BYTES;
    }
    bytes -= bytes > 0 && text[bytes - 1] == '\r';
    *ret_line = (struct ndjson_line){.number = stream->number, .text = text, .bytes = bytes};
    return !is_blank(text, bytes);
}

static bool take_partial(struct ndjson *stream, struct ndjson_line *ret_line)
{
    stream->complete = true;
    return take(stream, stream->partial, stream->bytes, ret_line);
}

void ndjson_feed(struct ndjson *stream, const char *piece, size_t count)
{
    stream->piece = piece;
    stream->end = piece + count;
}

void ndjson_end(struct ndjson *stream)
{
    stream->ended = true;
}

/* Keeps what is left of the piece; at the end of the stream it is the last line. */
static bool take_rest(struct ndjson *stream, struct ndjson_line *ret_line)
{
    keep(stream, stream->piece, (size_t)(stream->end - stream->piece));
    stream->piece = stream->end;
    if (!stream->ended || (stream->bytes == 0 && !stream->error))
        return false;
    return take_partial(stream, ret_line);
}

bool ndjson_next(struct ndjson *stream, struct ndjson_line *ret_line)
{
    bool found = false;

    while (!found) {
        if (stream->complete)
            release(stream);
        const size_t left = (size_t)(stream->end - stream->piece);
        const char *feed = left > 0 ? memchr(stream->piece, '\n', left) : NULL;
        if (!feed)
            return take_rest(stream, ret_line);
        const char *text = stream->piece;
        const size_t bytes = (size_t)(feed - text);
        stream->piece = feed + 1;
        if (stream->bytes == 0 && !stream->error) {
            found = take(stream, text, bytes, ret_line);
        } else {
            keep(stream, text, bytes);
            found = take_partial(stream, ret_line);
        }
    }
    return true;
}
