/* label_store.c - a ring of predictions, a ring of their ids' bytes, and a ring of the fingerprints
 * of forgotten ids; two open-addressing tables find entries by hash. */
#include "label_store_internal.h"
#include "sip_hash.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COVERED_LAGS 0.95

const double label_lag_bounds[LABEL_LAG_BOUNDS] = {1,     60,    300,    900,    3600,
                                                   21600, 86400, 259200, 604800, 2592000};

const char *drift_label_result_name(enum label_result result)
{
    static const char *const names[LABEL_RESULT_COUNT] = {"joined", "unknown", "late", "duplicate",
                                                          "conflicting"};
    return (unsigned)result < LABEL_RESULT_COUNT ? names[result] : NULL;
}

/* --- hashes --- */

static size_t slots_for(size_t size)
{
    size_t slots = 2;
    while (slots < 2 * size)
        slots *= 2;
    return slots;
}

static int ring_init(struct hash_ring *ring, size_t size)
{
    const size_t slots = slots_for(size);
    ring->hashes = calloc(size, sizeof(*ring->hashes));
    ring->slots = calloc(slots, sizeof(*ring->slots));
    ring->size = size;
    ring->mask = slots - 1;
    return ring->hashes && ring->slots ? 0 : -ENOMEM;
}

static void ring_finish(struct hash_ring *ring)
{
    free(ring->hashes);
    free(ring->slots);
}

static uint64_t hash_at_slot(const struct hash_ring *ring, size_t slot)
{
    return ring->hashes[ring->slots[slot] - 1];
}

/* The first slot from `slot` on that holds the hash, or an empty one. */
static size_t probe(const struct hash_ring *ring, size_t slot, uint64_t hash)
{
    slot &= ring->mask;
    while (ring->slots[slot] && hash_at_slot(ring, slot) != hash)
        slot = (slot + 1) & ring->mask;
    return slot;
}

size_t label_ring_push(struct hash_ring *ring, uint64_t hash)
{
    size_t position = ring->first + ring->count++, slot = hash & ring->mask;
    position -= position >= ring->size ? ring->size : 0;
    ring->hashes[position] = hash;
    while (ring->slots[slot])
        slot = (slot + 1) & ring->mask;
    ring->slots[slot] = (uint32_t)position + 1;
    return position;
}

static void slot_remove(struct hash_ring *ring, size_t hole)
{
    size_t slot = hole;
    for (;;) {
        slot = (slot + 1) & ring->mask;
        if (!ring->slots[slot])
            break;
        const size_t home = hash_at_slot(ring, slot) & ring->mask;
        if (((slot - home) & ring->mask) < ((slot - hole) & ring->mask))
            continue;
        ring->slots[hole] = ring->slots[slot];
        hole = slot;
    }
    ring->slots[hole] = 0;
}

/* Removes the oldest; returns its hash. */
static uint64_t ring_pop(struct hash_ring *ring)
{
    const size_t position = ring->first;
    const uint64_t hash = ring->hashes[position];
    size_t slot = hash & ring->mask;
    while (ring->slots[slot] != position + 1)
        slot = (slot + 1) & ring->mask;
    slot_remove(ring, slot);
    ring->first = position + 1 < ring->size ? position + 1 : 0;
    ring->count--;
    return hash;
}

static struct entry *find(const struct label_store *store, uint64_t hash, const char *id,
                          size_t id_bytes)
{
    const struct hash_ring *ring = &store->remembered;
    for (size_t slot = probe(ring, hash, hash); ring->slots[slot];
         slot = probe(ring, slot + 1, hash)) {
        struct entry *entry = &store->entries[ring->slots[slot] - 1];
        if (entry->id_bytes == id_bytes && memcmp(&store->ids[entry->id_at], id, id_bytes) == 0)
            return entry;
    }
    return NULL;
}

/* --- creation --- */

static size_t id_ring_bytes(size_t capacity)
{
    const size_t bytes = capacity * LABEL_ID_AVERAGE_BYTES;
    return bytes > LABEL_ID_MAX_BYTES ? bytes : LABEL_ID_MAX_BYTES;
}

size_t drift_label_store_bytes(const struct label_store_spec *spec)
{
    const size_t rings =
        2 * (spec->capacity * sizeof(uint64_t) + slots_for(spec->capacity) * sizeof(uint32_t));
    return sizeof(struct label_store) + rings + id_ring_bytes(spec->capacity) +
           spec->capacity * (sizeof(struct entry) + spec->values * sizeof(double));
}

int drift_label_store_create(const struct label_store_spec *spec, struct label_store **ret_store)
{
    if (spec->capacity == 0 || spec->capacity > LABEL_STORE_MAX_CAPACITY || spec->max_age_ms <= 0 ||
        spec->values == 0 || spec->values > LABEL_STORE_MAX_VALUES)
        return -EINVAL;
    struct label_store *store = calloc(1, sizeof(*store));
    if (!store)
        return -ENOMEM;
    store->spec = *spec;
    store->now_ms = INT64_MIN;
    store->id_size = id_ring_bytes(spec->capacity);
    store->ids = malloc(store->id_size);
    store->entries = calloc(spec->capacity, sizeof(*store->entries));
    store->values = calloc(spec->capacity, spec->values * sizeof(double));
    if (ring_init(&store->remembered, spec->capacity) < 0 ||
        ring_init(&store->forgotten, spec->capacity) < 0 || !store->ids || !store->entries ||
        !store->values) {
        drift_label_store_destroy(store);
        return -ENOMEM;
    }
    *ret_store = store;
    return 0;
}

void drift_label_store_destroy(struct label_store *store)
{
    if (!store)
        return;
    ring_finish(&store->remembered);
    ring_finish(&store->forgotten);
    free(store->entries);
    free(store->values);
    free(store->ids);
    free(store);
}

/* --- forgetting --- */

static const struct entry *oldest(const struct label_store *store)
{
    return &store->entries[store->remembered.first];
}

static void forget_oldest(struct label_store *store)
{
    if (!oldest(store)->labelled) {
        store->counters.expired++;
        store->counters.pending--;
    }
    if (store->forgotten.count == store->forgotten.size)
        (void)ring_pop(&store->forgotten);
    (void)label_ring_push(&store->forgotten, ring_pop(&store->remembered));
}

void drift_label_store_expire(struct label_store *store, int64_t now_ms)
{
    store->now_ms = now_ms > store->now_ms ? now_ms : store->now_ms;
    while (store->remembered.count > 0 &&
           store->now_ms - oldest(store)->predicted_ms > store->spec.max_age_ms)
        forget_oldest(store);
}

/* Room for an id in one piece between the newest id and the oldest; false when there is none. */
static bool id_room(struct label_store *store, size_t bytes)
{
    if (store->remembered.count == 0) {
        store->id_next = 0;
        return true;
    }
    const size_t end = oldest(store)->id_at;
    if (store->id_next <= end)
        return bytes <= end - store->id_next;
    if (bytes <= store->id_size - store->id_next)
        return true;
    if (bytes > end)
        return false;
    store->id_next = 0;
    return true;
}

/* --- predictions and labels --- */

bool drift_label_store_predicted(struct label_store *store, const char *id, size_t id_bytes,
                                 const double *values, int64_t now_ms)
{
    const uint64_t hash = sip_hash(store->spec.key, id, id_bytes);
    drift_label_store_expire(store, now_ms);
    if (find(store, hash, id, id_bytes)) {
        store->counters.repeated++;
        return false;
    }
    while (store->remembered.count == store->remembered.size || !id_room(store, id_bytes))
        forget_oldest(store);
    const size_t position = label_ring_push(&store->remembered, hash);
    store->entries[position] = (struct entry){.predicted_ms = store->now_ms,
                                              .id_at = (uint32_t)store->id_next,
                                              .id_bytes = (uint8_t)id_bytes};
    memcpy(&store->ids[store->id_next], id, id_bytes);
    store->id_next += id_bytes;
    memcpy(&store->values[position * store->spec.values], values,
           store->spec.values * sizeof(*values));
    store->counters.predictions++;
    store->counters.pending++;
    return true;
}

static void count_lag(struct label_counters *counters, double seconds)
{
    size_t bucket = 0;
    while (bucket < LABEL_LAG_BOUNDS && seconds > label_lag_bounds[bucket])
        bucket++;
    counters->lag[bucket]++;
    counters->lag_sum_seconds += seconds;
}

static enum label_result label_absent(const struct label_store *store, uint64_t hash)
{
    const struct hash_ring *ring = &store->forgotten;
    return ring->slots[probe(ring, hash, hash)] ? LABEL_LATE : LABEL_UNKNOWN;
}

static enum label_result label_entry(struct label_store *store, struct entry *entry, double label)
{
    if (entry->labelled)
        return entry->label == label ? LABEL_DUPLICATE : LABEL_CONFLICTING;
    entry->labelled = true;
    entry->label = label;
    store->counters.pending--;
    store->counters.last_label_ms = store->now_ms;
    count_lag(&store->counters, (double)(store->now_ms - entry->predicted_ms) / 1000);
    return LABEL_JOINED;
}

enum label_result drift_label_store_label(struct label_store *store, const char *id,
                                          size_t id_bytes, double label, int64_t now_ms,
                                          const double **ret_values, int64_t *ret_predicted_ms)
{
    const uint64_t hash = sip_hash(store->spec.key, id, id_bytes);
    drift_label_store_expire(store, now_ms);
    struct entry *entry = find(store, hash, id, id_bytes);
    const enum label_result result =
        entry ? label_entry(store, entry, label) : label_absent(store, hash);
    store->counters.labels[result]++;
    if (result == LABEL_JOINED) {
        *ret_values = &store->values[(size_t)(entry - store->entries) * store->spec.values];
        *ret_predicted_ms = entry->predicted_ms;
    }
    return result;
}

void drift_label_store_direct(struct label_store *store, int64_t now_ms)
{
    drift_label_store_expire(store, now_ms);
    store->counters.labels[LABEL_JOINED]++;
    store->counters.last_label_ms = store->now_ms;
    count_lag(&store->counters, 0);
}

const struct label_counters *drift_label_store_counters(const struct label_store *store)
{
    return &store->counters;
}

/* --- coverage --- */

/* Infinite before the first label, and when too many come later than the last bound. */
static double usual_lag_seconds(const struct label_store *store)
{
    uint64_t all = 0, below = 0;
    for (size_t b = 0; b <= LABEL_LAG_BOUNDS; b++)
        all += store->counters.lag[b];
    for (size_t b = 0; b < LABEL_LAG_BOUNDS; b++) {
        below += store->counters.lag[b];
        if (all > 0 && (double)below >= COVERED_LAGS * (double)all)
            return label_lag_bounds[b];
    }
    return INFINITY;
}

double drift_label_store_coverage(struct label_store *store, int64_t now_ms)
{
    drift_label_store_expire(store, now_ms);
    const struct hash_ring *ring = &store->remembered;
    const double seconds = usual_lag_seconds(store);
    uint64_t old = 0, labelled = 0;
    for (size_t i = 0; i < ring->count; i++) {
        const size_t at = ring->first + i;
        const struct entry *entry = &store->entries[at < ring->size ? at : at - ring->size];
        if ((double)(store->now_ms - entry->predicted_ms) / 1000 <= seconds)
            break;
        old++;
        labelled += entry->labelled;
    }
    return old > 0 ? (double)labelled / (double)old : NAN;
}
