/* message.h - the last messages of the inbox, bounded in number and in bytes.
 *
 * A message is kept as it will be sent: once rendered, it is immutable and shared by count of its
 * references, so that readers copy pointers under the lock and build their answers outside. */
#ifndef INBOX_MESSAGE_H
#define INBOX_MESSAGE_H

#include "text/nodiscard.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct slack_message {
    uint64_t id; /* 1, 2, ...: given by the store */
    char *html;  /* the message as HTML, without its id; malloc'd */
    char *json;  /* its JSON object, without its id; malloc'd */
    size_t html_bytes, json_bytes;
    atomic_uint references;
};

struct slack_store;

/* capacity, max_bytes: >= 1. generation: changes whenever ids a reader has seen lose their
 * meaning; the first one, which must differ between runs. NULL when out of memory. */
struct slack_store *slack_store_create(size_t capacity, size_t max_bytes, uint64_t generation);
void slack_store_destroy(struct slack_store *store);

/* Takes html and json over, also on failure. Drops the oldest messages beyond the limits.
 * 0 with the message's id, or -ENOMEM. */
NODISCARD int slack_store_add(struct slack_store *store, char *html, size_t html_bytes, char *json,
                              size_t json_bytes, uint64_t *ret_id);
/* Drops all; returns how many there were. Ids go on, the generation changes. */
size_t slack_store_clear(struct slack_store *store);

/* Messages at one moment, oldest first. */
struct slack_snapshot {
    struct slack_message **messages;
    size_t count;
    size_t kept;      /* in the store, whatever was asked for */
    uint64_t total;   /* accepted since the start */
    uint64_t dropped; /* of them, lost to the limits */
    uint64_t generation;
};

/* The newest `max` messages with an id above since. 0 or -ENOMEM. O(kept). */
NODISCARD int slack_store_snapshot(struct slack_store *store, uint64_t since, size_t max,
                                   struct slack_snapshot *ret_snapshot);
void slack_snapshot_finish(struct slack_snapshot *snapshot);

#endif
