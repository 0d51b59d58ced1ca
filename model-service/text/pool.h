/* pool.h - distinct strings, each kept once, for columns of categories. */
#ifndef TEXT_POOL_H
#define TEXT_POOL_H

#include <stddef.h>

struct text_pool_block;

/* All zeros is an empty pool. */
struct text_pool {
    struct text_pool_block *blocks;
    const char **slots;
    size_t size, count; /* size of slots: 0 or a power of two; count: distinct strings */
};

/* The pool's only copy of the bytes, with a NUL added, valid until text_pool_finish(). bytes:
 * without a NUL. NULL if allocation fails. O(bytes). */
const char *text_pool_intern(struct text_pool *pool, const char *text, size_t bytes);

/* Frees the table of strings, but not the strings themselves. Nothing can be added afterwards. */
void text_pool_seal(struct text_pool *pool);
void text_pool_finish(struct text_pool *pool);

#endif
