/* fingerprint.h - 64-bit FNV-1a over bytes, and a multiplication per number over numbers: the same
 * content gives the same fingerprint on every machine. Detects mix-ups and damage, not malice. */
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

/* The highest bits of a product depend on all bits: they go back to the lowest. */
static inline uint64_t fingerprint_number(uint64_t hash, uint64_t number)
{
    hash = (hash ^ number) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static inline uint64_t fingerprint_double(uint64_t hash, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return fingerprint_number(hash, bits);
}

#endif
