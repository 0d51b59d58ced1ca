/* change_watch.h - several detectors of change on one stream, their drifts held and dated.
 *
 * A detector says "drift" for one observation and starts again. Here the drift stays until `hold`
 * observations have come since it was signalled last and the owner agrees: drift_change_watch_due()
 * is then true at every tenth of `hold`, and drift_change_watch_release() ends what is due. Time is
 * an argument; not thread-safe. */
#ifndef DRIFT_CHANGE_WATCH_H
#define DRIFT_CHANGE_WATCH_H

#include "drift_types.h"

#include "change_detector.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CHANGE_ALL_DETECTORS   ((1u << CHANGE_DETECTOR_COUNT) - 1)
#define CHANGE_WATCH_MAX_TIMES 10000000u

struct change_watch_spec {
    unsigned detectors; /* bits 1 << enum change_detector_kind; 0: none */
    enum change_direction direction;
    uint64_t seed; /* of sampling detectors */
    uint64_t hold; /* observations, at least 1 */
    size_t times;  /* remembered times of observations, 1 to CHANGE_WATCH_MAX_TIMES: an onset that
                    * lies before them is dated by the oldest */
};

struct drift_change_watch_report {
    bool enabled;
    enum change_state state; /* CHANGE_DRIFT while held */
    uint64_t onsets;         /* drifts signalled */
    int64_t onset_ms;        /* estimated start of the held drift, or of the last one; only with
                              * onsets > 0 */
};

struct change_watch;

/* 0, -EINVAL, -ENOMEM. 8 bytes per time and about 4 KiB per detector; nothing later. */
DRIFT_API NODISCARD int drift_change_watch_create(const struct change_watch_spec *spec,
                                                  struct change_watch **ret_watch);
DRIFT_API void drift_change_watch_destroy(struct change_watch *watch);

/* What the stream looked like before it is watched, in order and before the first observation:
 * nothing that is signalled on the way is held or counted, and an onset among these is dated by the
 * first observation. Arguments as of drift_change_watch_observe(). */
DRIFT_API void drift_change_watch_prime(struct change_watch *watch, double unit, double binary);

/* unit: in [0, 1], for the detectors of numbers; binary: 0 or 1, for those that take nothing else.
 * at_ms: when it happened, for the dates. Returns whether a detector signalled drift. */
DRIFT_API bool drift_change_watch_observe(struct change_watch *watch, double unit, double binary,
                                          int64_t at_ms);

DRIFT_API uint64_t drift_change_watch_observations(const struct change_watch *watch);
DRIFT_API bool drift_change_watch_due(const struct change_watch *watch);
DRIFT_API void drift_change_watch_release(struct change_watch *watch);
DRIFT_API bool drift_change_watch_in_drift(const struct change_watch *watch,
                                           enum change_detector_kind kind);
DRIFT_API void
drift_change_watch_report(const struct change_watch *watch,
                          struct drift_change_watch_report reports[CHANGE_DETECTOR_COUNT]);

/* State as bytes, the same on every machine (little-endian, versioned). save: returns the size;
 * writes nothing when it exceeds capacity. restore: 0; -EINVAL (not a state, or of another spec);
 * -ENOMEM. Untouched on failure; any bytes are safe. */
DRIFT_API size_t drift_change_watch_save(const struct change_watch *watch, void *bytes,
                                         size_t capacity);
DRIFT_API NODISCARD int drift_change_watch_restore(struct change_watch *watch, const void *bytes,
                                                   size_t size);

#ifdef __cplusplus
}
#endif

#endif
