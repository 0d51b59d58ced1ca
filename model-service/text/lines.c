/* lines.c - a stream of bytes as lines; the header has the contract. */
#include "text/lines.h"

#include <stdlib.h>
#include <string.h>

void lines_init(struct lines *lines, struct lines_memory *memory, lines_fn line, void *context)
{
    lines->memory = memory;
    lines->line = line;
    lines->context = context;
    lines->number = 0;
    lines->state = LINE_WHOLE;
    lines->partial = lines->own;
    lines->bytes = 0;
    lines->room = LINES_OWN_BYTES;
}

static void release(struct lines *lines)
{
    if (lines->partial != lines->own) {
        free(lines->partial);
        atomic_fetch_sub_explicit(&lines->memory->used, lines->room, memory_order_relaxed);
        lines->partial = lines->own;
        lines->room = LINES_OWN_BYTES;
    }
    lines->bytes = 0;
}

static bool reserve(struct lines *lines, size_t bytes)
{
    if (bytes <= lines->room)
        return true;
    char *old = lines->partial == lines->own ? NULL : lines->partial;
    size_t room = lines->room;
    while (room < bytes)
        room *= 2;
    const size_t more = room - (old ? lines->room : 0);
    struct lines_memory *memory = lines->memory;
    char *partial = NULL;
    if (atomic_fetch_add_explicit(&memory->used, more, memory_order_relaxed) + more <=
        memory->limit)
        partial = realloc(old, room);
    if (!partial) {
        atomic_fetch_sub_explicit(&memory->used, more, memory_order_relaxed);
        return false;
    }
    if (!old)
        memcpy(partial, lines->own, lines->bytes);
    lines->partial = partial;
    lines->room = room;
    return true;
}

static bool is_blank(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
            return false;
    return true;
}

static void emit(struct lines *lines, const char *text, size_t bytes)
{
    lines->number++;
    if (bytes > LINES_MAX_BYTES)
        lines->state = LINE_TOO_LONG;
    if (lines->state != LINE_WHOLE) {
        lines->line(lines->context, lines->number, lines->state, NULL, 0);
        lines->state = LINE_WHOLE;
        return;
    }
    bytes -= bytes > 0 && text[bytes - 1] == '\r';
    if (!is_blank(text, bytes))
        lines->line(lines->context, lines->number, LINE_WHOLE, text, bytes);
}

/* Keeps a part of a line for later; what there is no room for is skipped. */
static void keep(struct lines *lines, const char *text, size_t bytes)
{
    if (bytes == 0 || lines->state != LINE_WHOLE)
        return;
    if (lines->bytes + bytes > LINES_MAX_BYTES)
        lines->state = LINE_TOO_LONG;
    else if (!reserve(lines, lines->bytes + bytes))
        lines->state = LINE_NO_MEMORY;
    else
        memcpy(lines->partial + lines->bytes, text, bytes);
    lines->bytes += bytes;
    if (lines->state != LINE_WHOLE)
        release(lines);
}

static void emit_kept(struct lines *lines)
{
    emit(lines, lines->partial, lines->bytes);
    release(lines); /* a long line does not hold its room for ever */
}

void lines_feed(struct lines *lines, const char *piece, size_t count)
{
    const char *end = piece + count;
    while (piece < end) {
        const char *feed = memchr(piece, '\n', (size_t)(end - piece));
        const size_t bytes = (size_t)((feed ? feed : end) - piece);
        if (!feed) {
            keep(lines, piece, bytes);
            return;
        }
        if (lines->bytes || lines->state != LINE_WHOLE) {
            keep(lines, piece, bytes);
            emit_kept(lines);
        } else {
            emit(lines, piece, bytes);
        }
        piece = feed + 1;
    }
}

void lines_end(struct lines *lines)
{
    if (lines->bytes || lines->state != LINE_WHOLE)
        emit_kept(lines);
}

void lines_finish(struct lines *lines)
{
    release(lines);
}
