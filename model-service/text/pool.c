/* pool.c - an open-addressed table of strings that lie in blocks. */
#include "text/pool.h"

#include "text/hash.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Blocks double, so that a column of few categories stays small; a longer string gets a block of
 * its own. */
#define FIRST_BLOCK_WORDS   128u
#define LARGEST_BLOCK_WORDS (8u << 10)

struct text_pool_block {
    struct text_pool_block *next;
    size_t used, capacity; /* in words */
    uint64_t word[];
};

static size_t next_capacity(const struct text_pool_block *block, size_t words)
{
    size_t capacity = block ? block->capacity * 2 : FIRST_BLOCK_WORDS;

    capacity = capacity > LARGEST_BLOCK_WORDS ? LARGEST_BLOCK_WORDS : capacity;
    return words < capacity ? capacity : words;
}

/* A counter, the bytes and a NUL. */
static char *add(struct text_pool *pool, const char *text, size_t bytes)
{
    const size_t words = 1 + bytes / sizeof(uint64_t) + 1;
    struct text_pool_block *block = pool->blocks;

    if (!block || block->capacity - block->used < words) {
        const size_t capacity = next_capacity(block, words);

        block = malloc(sizeof(*block) + capacity * sizeof(block->word[0]));
        if (!block)
            return NULL;
        *block = (struct text_pool_block){.next = pool->blocks, .capacity = capacity};
        pool->blocks = block;
    }
    uint64_t *word = block->word + block->used;
    char *copy = (char *)(word + 1);
    *word = 0;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    block->used += words;
    return copy;
}

static const char **find_slot(const struct text_pool *pool, const char *text, size_t bytes)
{
    size_t i = text_hash(text, bytes) & (pool->size - 1);

    while (pool->slots[i] &&
           (strncmp(pool->slots[i], text, bytes) != 0 || pool->slots[i][bytes] != '\0'))
        i = (i + 1) & (pool->size - 1);
    return &pool->slots[i];
}

static bool grow(struct text_pool *pool)
{
    struct text_pool larger = {.size = pool->size ? pool->size * 2 : 64};

    larger.slots = calloc(larger.size, sizeof(*larger.slots));
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < pool->size; i++)
        if (pool->slots[i])
            *find_slot(&larger, pool->slots[i], strlen(pool->slots[i])) = pool->slots[i];
    free(pool->slots);
    pool->slots = larger.slots;
    pool->size = larger.size;
    return true;
}

const char *text_pool_intern(struct text_pool *pool, const char *text, size_t bytes)
{
    const char **slot;

    /* at most half full, so that searches end soon */
    if (pool->count * 2 >= pool->size && !grow(pool))
        return NULL;
    slot = find_slot(pool, text, bytes);
    if (!*slot) {
        *slot = add(pool, text, bytes);
        pool->count += *slot != NULL;
    }
    return *slot;
}

static void join_blocks(struct text_pool *pool, struct text_pool_block *more)
{
    struct text_pool_block **last = &pool->blocks;

    while (*last)
        last = &(*last)->next;
    *last = more;
}

int text_pool_absorb(struct text_pool *pool, struct text_pool *other)
{
    while (pool->size < 2 * (pool->count + other->count))
        if (!grow(pool))
            return -ENOMEM;
    for (size_t i = 0; i < other->size; i++) {
        const char **slot, *text = other->slots[i];

        if (!text)
            continue;
        slot = find_slot(pool, text, strlen(text));
        if (!*slot) {
            *slot = text;
            pool->count++;
        } else {
            *text_pool_counter(*slot) += *text_pool_counter(text);
        }
    }
    join_blocks(pool, other->blocks);
    other->blocks = NULL;
    text_pool_finish(other);
    return 0;
}

void text_pool_seal(struct text_pool *pool)
{
    free(pool->slots);
    pool->slots = NULL;
    pool->size = 0;
}

void text_pool_finish(struct text_pool *pool)
{
    struct text_pool_block *block = pool->blocks;

    while (block) {
        struct text_pool_block *next = block->next;

        free(block);
        block = next;
    }
    text_pool_seal(pool);
    *pool = (struct text_pool){0};
}
