/* buffer.h - a growable byte sink for everything the service writes.
 *
 * Errors stick: after a failed append every later one is a no-op and buffer_take() reports it,
 * so that encoders need no check per call. */
#ifndef ENCODE_BUFFER_H
#define ENCODE_BUFFER_H

#include <stddef.h>

struct buffer {
    char *data;
    size_t length, capacity;
    int error; /* 0 or -ENOMEM */
};

/* capacity: first allocation, made at the first append; may be 0. */
void buffer_init(struct buffer *buffer, size_t capacity);
void buffer_finish(struct buffer *buffer);
void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_char(struct buffer *buffer, char c);
/* Room for `length` more bytes at the end, or NULL after an error; the caller writes there and
 * adds what it used to buffer->length. */
char *buffer_reserve(struct buffer *buffer, size_t length);
/* The bytes (malloc'd, NUL-terminated, the caller's to free); the buffer is empty afterwards.
 * 0 or the sticky error, on which *ret_data is untouched. */
int buffer_take(struct buffer *buffer, char **ret_data, size_t *ret_length);

#endif
