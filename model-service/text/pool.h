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

/* The pool's one copy of the bytes, which hold no NUL, NUL-terminated and valid until
 * text_pool_finish(); NULL without memory. O(bytes). */
const char *text_pool_intern(struct text_pool *pool, const char *text, size_t bytes);

/* Frees what looking strings up takes, but not the strings: nothing can be added afterwards. */
void text_pool_seal(struct text_pool *pool);
void text_pool_finish(struct text_pool *pool);

#endif
