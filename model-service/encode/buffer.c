/* buffer.c - the slow half of the byte sink: allocation, doubling, hand-over. */
#include "encode/buffer.h"

#include <errno.h>
#include <stdlib.h>

enum { SMALLEST_ALLOCATION = 64 };

void buffer_init(struct buffer *buffer, size_t capacity)
{
    *buffer = (struct buffer){.first_capacity = capacity};
}

void buffer_finish(struct buffer *buffer)
{
    free(buffer->data);
    buffer_init(buffer, buffer->first_capacity);
}

/* Length and capacity become 0, so that every later append comes to buffer_grow() and stops. */
void buffer_fail(struct buffer *buffer, int rc)
{
    buffer_finish(buffer);
    buffer->error = rc;
}

static size_t next_capacity(const struct buffer *buffer, size_t needed)
{
    size_t capacity = buffer->capacity ? 2 * buffer->capacity : buffer->first_capacity;

    if (capacity < SMALLEST_ALLOCATION)
        capacity = SMALLEST_ALLOCATION;
    while (capacity < needed)
        capacity *= 2;
    return capacity < BUFFER_MAX_BYTES ? capacity : BUFFER_MAX_BYTES;
}

char *buffer_grow(struct buffer *buffer, size_t length)
{
    size_t capacity = 0;
    char *data = NULL;

    if (buffer->error)
        return NULL;
    if (length < BUFFER_MAX_BYTES - buffer->length) {
        capacity = next_capacity(buffer, buffer->length + length + 1);
        data = realloc(buffer->data, capacity);
    }
    if (!data) {
        buffer_fail(buffer, -ENOMEM);
        return NULL;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return data + buffer->length;
}

int buffer_take(struct buffer *buffer, char **ret_data, size_t *ret_length)
{
    if (!buffer_reserve(buffer, 0))
        return buffer->error;
    buffer->data[buffer->length] = '\0';
    *ret_data = buffer->data;
    *ret_length = buffer->length;
    buffer_init(buffer, buffer->first_capacity);
    return 0;
}
