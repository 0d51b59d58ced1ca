/* label_store.h - predictions that wait for their labels, joined by id, in bounded memory.
 *
 * The last `capacity` predictions are remembered, labelled or not, none for longer than max_age_ms.
 * A label ends in exactly one of five counters:
 *   joined       its prediction is remembered and had no label
 *   duplicate    its prediction is remembered and has this very label
 *   conflicting  its prediction is remembered and has another label; the first one stays
 *   late         its prediction was remembered and is forgotten by now. Fingerprints of the last
 *                `capacity` forgotten ids are kept, 64 bits under a secret key: an id that was
 *                never seen is taken for a forgotten one with probability capacity / 2^64
 *   unknown      no such prediction, or one whose fingerprint is gone as well
 * A prediction that is forgotten without a label counts as `expired`. A prediction whose id is
 * remembered already is not stored (the first one stays) and counts as `repeated`, so that sending
 * everything a second time changes nothing.
 *
 * Nothing is allocated after creation. Time is an argument (milliseconds); it is clamped so that it
 * never runs backwards. Not thread-safe. */
#ifndef DRIFT_LABEL_STORE_H
#define DRIFT_LABEL_STORE_H

#include "drift_types.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Longest id. Ids are kept in a ring of 48 bytes per prediction (a UUID has 36); when they are
 * longer than that on average, fewer than `capacity` predictions are remembered. */
#define LABEL_ID_MAX_BYTES     128
#define LABEL_ID_AVERAGE_BYTES 48

/* At 112 bytes or more each, ten million are over a gigabyte. */
#define LABEL_STORE_MAX_CAPACITY 10000000u
#define LABEL_STORE_MAX_VALUES   1002u

struct label_store_spec {
    size_t capacity;    /* 1 to LABEL_STORE_MAX_CAPACITY */
    int64_t max_age_ms; /* > 0 */
    size_t values;      /* doubles kept per prediction, 1 to LABEL_STORE_MAX_VALUES */
    uint64_t key[2];    /* of the hashes; random in a service */
};

enum label_result {
    LABEL_JOINED,
    LABEL_UNKNOWN,
    LABEL_LATE,
    LABEL_DUPLICATE,
    LABEL_CONFLICTING,
    LABEL_RESULT_COUNT
};
/* "joined", "unknown", ...; NULL when out of range. Static storage. */
DRIFT_API const char *drift_label_result_name(enum label_result result);

/* Upper bounds of the lags' buckets in seconds: 1 s, 1 min, 5 min, 15 min, 1 h, 6 h, 1 d, 3 d, 7 d,
 * 30 d. */
#define LABEL_LAG_BOUNDS 10
extern const double label_lag_bounds[LABEL_LAG_BOUNDS];

struct label_counters {
    uint64_t labels[LABEL_RESULT_COUNT]; /* sum: every label given */
    uint64_t expired;                    /* predictions forgotten without a label */
    uint64_t predictions, repeated;      /* stored; not stored since their id is remembered */
    uint64_t pending;                    /* now */
    uint64_t lag[LABEL_LAG_BOUNDS + 1];  /* joined labels by time since their prediction */
    double lag_sum_seconds;
    int64_t last_label_ms; /* of the last joined label; 0 before the first */
};

struct label_store;

/* 0, -EINVAL, -ENOMEM. */
DRIFT_API NODISCARD int drift_label_store_create(const struct label_store_spec *spec,
                                                 struct label_store **ret_store);
DRIFT_API void drift_label_store_destroy(struct label_store *store);

/* All the memory of a store with this spec, which never changes: 8 * values + 104 bytes per
 * prediction where the capacity is a power of two, up to 120 otherwise. */
DRIFT_API size_t drift_label_store_bytes(const struct label_store_spec *spec);

/* Remembers a prediction. values: [spec.values], copied. True when stored, false when the id is
 * remembered already. id_bytes: 1 to LABEL_ID_MAX_BYTES. O(1) amortised. */
DRIFT_API bool drift_label_store_predicted(struct label_store *store, const char *id,
                                           size_t id_bytes, const double *values, int64_t now_ms);

/* Gives a label to a prediction. On LABEL_JOINED *ret_values (borrowed until the next call) and
 * *ret_predicted_ms are its prediction's. O(1) amortised. */
DRIFT_API enum label_result drift_label_store_label(struct label_store *store, const char *id,
                                                    size_t id_bytes, double label, int64_t now_ms,
                                                    const double **ret_values,
                                                    int64_t *ret_predicted_ms);

/* A label that came with its prediction and without an id counts as joined, with no lag. */
DRIFT_API void drift_label_store_direct(struct label_store *store, int64_t now_ms);

/* Forgets what is too old by now, and counts it. */
DRIFT_API void drift_label_store_expire(struct label_store *store, int64_t now_ms);
DRIFT_API const struct label_counters *drift_label_store_counters(const struct label_store *store);

/* The labelled share of the remembered predictions that are old enough for a label: older than the
 * bucket's bound below which 95 % of all lags have been. NaN when no label was joined yet or no
 * prediction is old enough. Walks over what is remembered: O(capacity). */
DRIFT_API double drift_label_store_coverage(struct label_store *store, int64_t now_ms);

/* State as bytes, the same on every machine (little-endian, versioned), with the ids as they came
 * and the key of the hashes. Times are the caller's clock: restore where that clock goes on.
 * save: returns the size; writes nothing when it exceeds capacity.
 * restore: the saved key replaces the spec's. 0; -EINVAL (not a state, or of another spec);
 * -ENOMEM. The store is untouched on failure, and any bytes are safe. */
DRIFT_API size_t drift_label_store_save(const struct label_store *store, void *bytes,
                                        size_t capacity);
DRIFT_API NODISCARD int drift_label_store_restore(struct label_store *store, const void *bytes,
                                                  size_t size);

#ifdef __cplusplus
}
#endif

#endif
