/* numbers.h - little-endian numbers to and from the bytes that are kept of a model. */
#ifndef SERVED_NUMBERS_H
#define SERVED_NUMBERS_H

#include "encode/buffer.h"

#include <stdbool.h>
#include <stdint.h>

#define NUMBER_BYTES 8
#define FLOAT_BYTES  4

/* What is still to be read. */
struct pieces_reader {
    const unsigned char *bytes;
    size_t size;
};

static inline void append_integer(struct buffer *out, uint64_t number, size_t size)
{
    unsigned char bytes[NUMBER_BYTES];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(number >> (8 * i));
    buffer_append(out, bytes, size);
}

/* False at the end. */
static inline bool take_integer(struct pieces_reader *in, size_t size, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (in->size < size)
        return false;
    for (size_t i = 0; i < size; i++)
        number |= (uint64_t)in->bytes[i] << (8 * i);
    in->bytes += size;
    in->size -= size;
    *ret_number = number;
    return true;
}

static inline void append_number(struct buffer *out, uint64_t number)
{
    append_integer(out, number, NUMBER_BYTES);
}

static inline bool take_number(struct pieces_reader *in, uint64_t *ret_number)
{
    return take_integer(in, NUMBER_BYTES, ret_number);
}

static inline void append_float(struct buffer *out, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    append_integer(out, bits, FLOAT_BYTES);
}

static inline bool take_float(struct pieces_reader *in, float *ret_x)
{
    uint64_t number;
    if (!take_integer(in, FLOAT_BYTES, &number))
        return false;
    const uint32_t bits = (uint32_t)number;
    memcpy(ret_x, &bits, sizeof(bits));
    return true;
}

/* A block that stands behind its size. */
static inline bool take_block(struct pieces_reader *in, struct pieces_reader *ret_block)
{
    uint64_t size;
    if (!take_number(in, &size) || size > in->size)
        return false;
    *ret_block = (struct pieces_reader){in->bytes, size};
    in->bytes += size;
    in->size -= size;
    return true;
}

#endif
