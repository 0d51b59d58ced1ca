/* label_store_internal.h - the structures, for label_store*.c alone. */
#ifndef DRIFT_LABEL_STORE_INTERNAL_H
#define DRIFT_LABEL_STORE_INTERNAL_H

#include "label_store.h"

/* The last `size` hashes, by position in a ring; slots hold positions + 1, 0 is empty. Linear
 * probing at most half full; a removal moves later ones back (Knuth 6.4, algorithm R). */
struct hash_ring {
    uint64_t *hashes; /* [size] */
    uint32_t *slots;  /* [mask + 1] */
    size_t size, mask;
    size_t first, count; /* oldest position; how many are in use */
};

struct entry {
    int64_t predicted_ms;
    double label;
    uint32_t id_at;
    uint8_t id_bytes;
    bool labelled;
};

struct label_store {
    struct label_store_spec spec;
    struct hash_ring remembered, forgotten;
    struct entry *entries; /* [capacity], by position in `remembered` */
    double *values;        /* [capacity * values] */
    char *ids;             /* [id_size], a ring: an id is in one piece */
    size_t id_size, id_next;
    int64_t now_ms;
    struct label_counters counters;
};

/* Returns the position. There must be room. */
size_t label_ring_push(struct hash_ring *ring, uint64_t hash);

#endif
