/* message.h - the last messages of the inbox, bounded in number and in bytes.
 *
 * A message is kept as it will be sent: rendered once, then immutable, with a count of references.
 * Readers copy pointers under the lock and build their answers outside of it. */
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

/* capacity, max_bytes: >= 1. generation: of the first messages; it must differ between runs. It
 * changes whenever ids that a reader has seen lose their meaning. NULL if allocation fails. */
struct slack_store *slack_store_create(size_t capacity, size_t max_bytes, uint64_t generation);
void slack_store_destroy(struct slack_store *store);

/* Takes ownership of html and json, also on failure. Drops the oldest messages beyond the limits.
 * 0 with the message's id, or -ENOMEM. */
NODISCARD int slack_store_add(struct slack_store *store, char *html, size_t html_bytes, char *json,
                              size_t json_bytes, uint64_t *ret_id);
/* Drops all and returns how many there were. Ids continue, the generation changes. */
size_t slack_store_clear(struct slack_store *store);

/* Messages at one moment, oldest first. */
struct slack_snapshot {
    struct slack_message **messages;
    size_t count;
    size_t kept;      /* in the store, also those not asked for */
    uint64_t total;   /* accepted since the start */
    uint64_t dropped; /* of these, dropped by the limits */
    uint64_t generation;
};

/* The newest `max` messages with an id above since. 0 or -ENOMEM. O(kept). */
NODISCARD int slack_store_snapshot(struct slack_store *store, uint64_t since, size_t max,
                                   struct slack_snapshot *ret_snapshot);
void slack_snapshot_finish(struct slack_snapshot *snapshot);

#endif
