/* message.c - see inbox/message.h: a ring of pointers under one lock. */
#include "inbox/message.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct slack_store {
    size_t capacity, max_bytes;
    pthread_mutex_t mu;
    /* guarded by mu */
    struct slack_message **ring; /* [capacity] */
    size_t oldest, count, bytes;
    uint64_t total, dropped, generation;
};

struct slack_store *slack_store_create(size_t capacity, size_t max_bytes, uint64_t generation)
{
    struct slack_store *store = calloc(1, sizeof(*store));
    if (!store)
        return NULL;
    store->ring = calloc(capacity, sizeof(struct slack_message *));
    if (!store->ring) {
        free(store);
        return NULL;
    }
    store->capacity = capacity;
    store->max_bytes = max_bytes;
    store->generation = generation;
    pthread_mutex_init(&store->mu, NULL);
    return store;
}

static void release(struct slack_message *message)
{
    if (atomic_fetch_sub(&message->references, 1) > 1)
        return;
    free(message->html);
    free(message->json);
    free(message);
}

static size_t message_bytes(const struct slack_message *message)
{
    return sizeof(*message) + message->html_bytes + message->json_bytes;
}

/* With mu held. */
static void drop_oldest(struct slack_store *store)
{
    struct slack_message *message = store->ring[store->oldest];
    store->bytes -= message_bytes(message);
    store->oldest = (store->oldest + 1) % store->capacity;
    store->count--;
    release(message);
}

void slack_store_destroy(struct slack_store *store)
{
    if (!store)
        return;
    while (store->count > 0)
        drop_oldest(store);
    pthread_mutex_destroy(&store->mu);
    free(store->ring);
    free(store);
}

int slack_store_add(struct slack_store *store, char *html, size_t html_bytes, char *json,
                    size_t json_bytes, uint64_t *ret_id)
{
    struct slack_message *message = malloc(sizeof(*message));
    if (!message) {
        free(html);
        free(json);
        return -ENOMEM;
    }
    *message = (struct slack_message){
        .html = html, .json = json, .html_bytes = html_bytes, .json_bytes = json_bytes};
    atomic_init(&message->references, 1);
    size_t bytes = message_bytes(message);
    pthread_mutex_lock(&store->mu);
    while (store->count > 0 &&
           (store->count == store->capacity || store->bytes + bytes > store->max_bytes)) {
        drop_oldest(store);
        store->dropped++;
    }
    message->id = *ret_id = ++store->total;
    store->ring[(store->oldest + store->count) % store->capacity] = message;
    store->count++;
    store->bytes += bytes;
    pthread_mutex_unlock(&store->mu);
    return 0;
}

size_t slack_store_clear(struct slack_store *store)
{
    pthread_mutex_lock(&store->mu);
    size_t count = store->count;
    while (store->count > 0)
        drop_oldest(store);
    store->generation++;
    pthread_mutex_unlock(&store->mu);
    return count;
}

/* With mu held: how many of the newest messages have an id above since. Ids ascend by one and the
 * newest is total. */
static size_t newer_than(const struct slack_store *store, uint64_t since)
{
    uint64_t newer = since < store->total ? store->total - since : 0;
    return newer < store->count ? (size_t)newer : store->count;
}

int slack_store_snapshot(struct slack_store *store, uint64_t since, size_t max,
                         struct slack_snapshot *ret_snapshot)
{
    /* Allocated for the most there can be, before the lock is taken. */
    if (max > store->capacity)
        max = store->capacity;
    struct slack_message **messages = malloc((max + 1) * sizeof(struct slack_message *));
    if (!messages)
        return -ENOMEM;
    pthread_mutex_lock(&store->mu);
    size_t count = newer_than(store, since);
    if (count > max)
        count = max;
    size_t first = store->oldest + store->count - count;
    for (size_t i = 0; i < count; i++) {
        messages[i] = store->ring[(first + i) % store->capacity];
        atomic_fetch_add(&messages[i]->references, 1);
    }
    *ret_snapshot = (struct slack_snapshot){messages,     count,          store->count,
                                            store->total, store->dropped, store->generation};
    pthread_mutex_unlock(&store->mu);
    return 0;
}

void slack_snapshot_finish(struct slack_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++)
        release(snapshot->messages[i]);
    free(snapshot->messages);
    *snapshot = (struct slack_snapshot){0};
}
