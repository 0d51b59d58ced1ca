/* byte_codec.h - little-endian integers and doubles to and from bytes. Internal to libdrift. */
#ifndef DRIFT_BYTE_CODEC_H
#define DRIFT_BYTE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Counts only while bytes is NULL; the caller has made sure of the room otherwise. */
struct byte_writer {
    uint8_t *bytes;
    size_t size;
};

/* Reading past the end gives zeros and sets failed. */
struct byte_reader {
    const uint8_t *bytes;
    size_t size, at;
    bool failed;
};

static inline void write_integer(struct byte_writer *out, uint64_t number, size_t bytes)
{
    for (size_t i = 0; out->bytes && i < bytes; i++)
        out->bytes[out->size + i] = (uint8_t)(number >> (8 * i));
    out->size += bytes;
}

static inline uint64_t read_integer(struct byte_reader *in, size_t bytes)
{
    uint64_t number = 0;
    if (in->size - in->at < bytes) {
        in->failed = true;
        return 0;
    }
    for (size_t i = 0; i < bytes; i++)
        number |= (uint64_t)in->bytes[in->at + i] << (8 * i);
    in->at += bytes;
    return number;
}

static inline void write_u8(struct byte_writer *out, uint8_t number)
{
    write_integer(out, number, 1);
}

static inline void write_u16(struct byte_writer *out, uint16_t number)
{
    write_integer(out, number, 2);
}

static inline void write_u32(struct byte_writer *out, uint32_t number)
{
    write_integer(out, number, 4);
}

static inline void write_u64(struct byte_writer *out, uint64_t number)
{
    write_integer(out, number, 8);
}

static inline void write_f64(struct byte_writer *out, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    write_integer(out, bits, 8);
}

static inline uint8_t read_u8(struct byte_reader *in)
{
    return (uint8_t)read_integer(in, 1);
}

static inline uint16_t read_u16(struct byte_reader *in)
{
    return (uint16_t)read_integer(in, 2);
}

static inline uint32_t read_u32(struct byte_reader *in)
{
    return (uint32_t)read_integer(in, 4);
}

static inline uint64_t read_u64(struct byte_reader *in)
{
    return read_integer(in, 8);
}

static inline double read_f64(struct byte_reader *in)
{
    const uint64_t bits = read_integer(in, 8);
    double x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

#endif
