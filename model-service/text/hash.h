/* hash.h - a hash of text for tables in memory.
 *
 * Not for what is kept or sent, and not for keys that a client chooses freely and in any number:
 * stats/fingerprint.h and stats/sip_hash.h are for those. */
#ifndef TEXT_HASH_H
#define TEXT_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Fowler, Noll, Vo (FNV-1a), finished so that the low bits depend on all bytes. O(bytes). */
static inline size_t text_hash(const char *text, size_t bytes)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return (size_t)(hash ^ hash >> 32);
}

#endif
