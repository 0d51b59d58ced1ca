/* fingerprint.h - 64-bit FNV-1a over bytes and over integers in little-endian order, so that the
 * same content gives the same number on every machine. Detects mix-ups and damage, not malice. */
#ifndef DRIFT_FINGERPRINT_H
#define DRIFT_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FINGERPRINT_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t fingerprint_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static inline uint64_t fingerprint_number(uint64_t hash, uint64_t number)
{
    for (int i = 0; i < 8; i++, number >>= 8)
        hash = (hash ^ (number & 0xff)) * UINT64_C(0x100000001b3);
    return hash;
}

static inline uint64_t fingerprint_double(uint64_t hash, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return fingerprint_number(hash, bits);
}

#endif
