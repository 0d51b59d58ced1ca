/* limit.c - an allocator that counts, for the JSON library. */
#include "json/limit.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

/* A document that took so much leaves holes that the allocator would keep. */
#define TRIM_BYTES (4u << 20)

/* While this thread reads a document: what it may still allocate. */
static _Thread_local size_t allowance = SIZE_MAX;
static _Thread_local bool exceeded;
/* An allocation failed: the library may take that for a fault of the text. */
static _Thread_local bool failed;
/* Whether the last document read by this thread is worth a trim. */
static _Thread_local bool large;

static void *counted_malloc(size_t bytes)
{
    if (bytes > allowance) {
        exceeded = true;
        return NULL;
    }
    if (allowance != SIZE_MAX)
        allowance -= bytes;
    void *memory = malloc(bytes);
    failed |= !memory;
    return memory;
}

static void install(void)
{
    json_set_alloc_funcs(counted_malloc, free);
}

json_t *json_limit_load(const char *text, size_t bytes, size_t flags, json_error_t *error,
                        bool *ret_too_large)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    exceeded = failed = false;
    allowance = JSON_DOCUMENT_MAX_BYTES;
    json_t *root = json_loadb(text, bytes, flags, error);
    large = JSON_DOCUMENT_MAX_BYTES - allowance > TRIM_BYTES;
    allowance = SIZE_MAX;
    *ret_too_large = exceeded;
    /* The library may have got by without: a document that lacks something is none. */
    if (failed)
        error->text[0] = '\0';
    if (exceeded || failed || !root) {
        json_limit_release(root);
        return NULL;
    }
    return root;
}

void json_limit_release(json_t *document)
{
    json_decref(document);
    if (large)
        malloc_trim(0);
    large = false;
}
