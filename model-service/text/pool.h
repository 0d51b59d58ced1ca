/* pool.h - distinct strings, each kept once, for columns of categories. */
#ifndef TEXT_POOL_H
#define TEXT_POOL_H

#include "text/nodiscard.h"

#include <stddef.h>
#include <stdint.h>

struct text_pool_block;

/* All zeros is an empty pool. A string lies behind a counter of its own, for the owner's use. */
struct text_pool {
    struct text_pool_block *blocks;
    const char **slots;
    size_t size, count; /* size of slots: 0 or a power of two; count: distinct strings */
};

/* The pool's only copy of the bytes, with a NUL added, valid until text_pool_finish(). bytes:
 * without a NUL. NULL if allocation fails. O(bytes). */
const char *text_pool_intern(struct text_pool *pool, const char *text, size_t bytes);

/* A string's counter, 0 at first. text: from text_pool_intern(). */
static inline uint64_t *text_pool_counter(const char *text)
{
    return (uint64_t *)(uintptr_t)text - 1;
}

/* The string at place `i` of pool->size, or NULL. */
static inline const char *text_pool_at(const struct text_pool *pool, size_t i)
{
    return pool->slots[i];
}

/* Takes over the strings of another pool, which is empty then. Of a string that both have, this
 * pool's copy stays in it with the sum of both counters; the other copy stays valid. 0 or -ENOMEM
 * (both pools are as they were). O(strings of the other one). */
NODISCARD int text_pool_absorb(struct text_pool *pool, struct text_pool *other);

/* Frees the table of strings, but not the strings themselves. Nothing can be added afterwards. */
void text_pool_seal(struct text_pool *pool);
void text_pool_finish(struct text_pool *pool);

#endif
