/* buffer.h - a growable byte sink for everything the service writes.
 *
 * Errors stick: after a failed append every later one is a no-op and buffer_take() reports it,
 * so that encoders need no check per call. The appends are inline: a number or a key is a few
 * bytes, for which the call would cost more than the copy. */
#ifndef ENCODE_BUFFER_H
#define ENCODE_BUFFER_H

#include "text/nodiscard.h"

#include <stddef.h>
#include <string.h>

/* Largest allocation, the NUL included: far above any answer of the service, and low enough that
 * a runaway encoder fails before the machine does. */
#define BUFFER_MAX_BYTES ((size_t)1 << 30)

/* Invariant: length < capacity, or both are 0 (nothing allocated, or an error). One byte is kept
 * for the NUL, so that one comparison tells whether an append fits. */
struct buffer {
    char *data;
    size_t length, capacity;
    size_t first_capacity;
    int error; /* 0 or the errno that sticks, usually -ENOMEM */
};

/* capacity: first allocation, made at the first append; may be 0. */
void buffer_init(struct buffer *buffer, size_t capacity);
/* Frees the bytes and clears the error: as after buffer_init(). */
void buffer_finish(struct buffer *buffer);

/* The slow path of buffer_reserve(): the bytes do not fit yet. */
char *buffer_grow(struct buffer *buffer, size_t length);

/* Room for `length` more bytes at the end, or NULL after an error; the caller writes there and
 * adds what it used to buffer->length. */
static inline char *buffer_reserve(struct buffer *buffer, size_t length)
{
    if (__builtin_expect(length < buffer->capacity - buffer->length, 1))
        return buffer->data + buffer->length;
    return buffer_grow(buffer, length);
}

static inline void buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
    char *end = buffer_reserve(buffer, length);

    if (!end || length == 0)
        return;
    memcpy(end, bytes, length);
    buffer->length += length;
}

static inline void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

static inline void buffer_append_char(struct buffer *buffer, char c)
{
    char *end = buffer_reserve(buffer, 1);

    if (!end)
        return;
    *end = c;
    buffer->length++;
}

/* Frees the bytes and makes `rc` (negative) the error that sticks: for a failure beside the buffer,
 * such as that of a part which was to be appended. */
void buffer_fail(struct buffer *buffer, int rc);

/* The bytes (malloc'd, NUL-terminated, the caller's to free); the buffer is empty afterwards.
 * 0 or the sticky error, on which *ret_data and *ret_length are untouched. */
NODISCARD int buffer_take(struct buffer *buffer, char **ret_data, size_t *ret_length);

#endif
