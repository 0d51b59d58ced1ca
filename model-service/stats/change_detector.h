/* change_detector.h - eight detectors of change in a stream behind one table.
 *
 * Meant for the error stream of a model (0 right, 1 wrong, as labels arrive), usable on any stream
 * of numbers. The methods, their sources, defaults and costs are in their own headers. Embed the
 * struct (about 4 KiB, the size of ADWIN's); nothing is allocated, there is no clock and no random
 * source. One owner at a time. */
#ifndef DRIFT_CHANGE_DETECTOR_H
#define DRIFT_CHANGE_DETECTOR_H

#include "drift_types.h"

#include "adwin.h"
#include "change_types.h"
#include "ddm.h"
#include "eddm.h"
#include "hddm.h"
#include "kswin.h"
#include "page_hinkley.h"
#include "urn_rate.h"

#ifdef __cplusplus
extern "C" {
#endif

enum change_detector_kind {
    CHANGE_ADWIN,        /* "adwin" */
    CHANGE_DDM,          /* "ddm" */
    CHANGE_EDDM,         /* "eddm" */
    CHANGE_HDDM_A,       /* "hddm_a" */
    CHANGE_HDDM_W,       /* "hddm_w" */
    CHANGE_PAGE_HINKLEY, /* "page_hinkley" */
    CHANGE_KSWIN,        /* "kswin" */
    CHANGE_URN,          /* "urn" */
    CHANGE_DETECTOR_COUNT
};

/* Which numbers a detector takes. */
enum change_input {
    CHANGE_INPUT_BINARY, /* 0 or 1: EDDM, which counts the distance between errors, and the urn */
    CHANGE_INPUT_UNIT,   /* in [0, 1]: ADWIN, DDM, HDDM; their bounds are for that range */
    CHANGE_INPUT_REAL,   /* |x| <= CHANGE_MAX_MAGNITUDE: Page-Hinkley, KSWIN */
};

/* Beyond this, differences of squares could overflow. */
#define CHANGE_MAX_MAGNITUDE 1e100

struct change_detector {
    enum change_detector_kind kind;
    enum change_direction direction;
    enum change_state state; /* after the last observation */
    uint64_t observations;   /* taken since init */
    uint64_t onsets;         /* drifts signalled since init */
    uint64_t onset;          /* see drift_change_detector_onset; only with onsets > 0 */
    union {
        struct adwin adwin;
        struct ddm ddm;
        struct eddm eddm;
        struct hddm_a hddm_a;
        struct hddm_w hddm_w;
        struct page_hinkley page_hinkley;
        struct kswin kswin;
        struct urn_rate urn;
    } of;
};

/* The name, as in the configuration and in the metrics' `detector` label; NULL when out of range.
 * Static storage. */
DRIFT_API const char *drift_change_detector_name(enum change_detector_kind kind);

/* 0, or -EINVAL (no such name; *ret_kind untouched). */
DRIFT_API NODISCARD int drift_change_detector_kind_of(const char *name,
                                                      enum change_detector_kind *ret_kind);

/* What the kind takes; CHANGE_INPUT_REAL when out of range. */
DRIFT_API enum change_input drift_change_detector_input(enum change_detector_kind kind);

/* Whether it ever says CHANGE_WARNING (DDM, EDDM, HDDM). */
DRIFT_API bool drift_change_detector_warns(enum change_detector_kind kind);

/* Whether the kind is quiet enough to page somebody: measured false alarms under 1 per 10 000
 * labels at its defaults on streams without change (bench/README.md, "detectors"). */
DRIFT_API bool drift_change_detector_alerts(enum change_detector_kind kind);

/* Published defaults throughout.
 * direction: for HDDM, Page-Hinkley and the urn; ADWIN and KSWIN see both always, DDM and EDDM
 * rises only. seed: KSWIN's sampling; ignored by the others. 0, or -EINVAL (kind or direction out
 * of range; nothing written). */
DRIFT_API NODISCARD int drift_change_detector_init(struct change_detector *detector,
                                                   enum change_detector_kind kind,
                                                   enum change_direction direction, uint64_t seed);

/* One observation. Returns the enum change_state it led to (>= 0), or -EINVAL when x is NaN,
 * infinite or outside what the kind takes (drift_change_detector_input): nothing has changed then.
 * After CHANGE_DRIFT the detector has started again as published. O(1); ADWIN O(log n), KSWIN
 * O(window). No allocation. */
DRIFT_API NODISCARD int drift_change_detector_update(struct change_detector *detector, double x);

/* *ret_index: where the last signalled change began, by the detector's own estimate: the index of
 * an observation, 0 for the first one since init, below `observations`. ADWIN and HDDM: the cut;
 * DDM and EDDM: the first of the warning that led to the drift; Page-Hinkley: after the minimum of
 * its sum; KSWIN: the start of the newest sample; urn: the posterior mean. 0; -ENODATA when no
 * drift was signalled yet. */
DRIFT_API NODISCARD int drift_change_detector_onset(const struct change_detector *detector,
                                                    uint64_t *ret_index);

/* The whole state as bytes, the same on every machine; equal states give equal bytes, and restored
 * then continued equals never stopped. Returns the size; bytes are written only when they fit
 * (bytes may be NULL with capacity 0 to ask). At most CHANGE_DETECTOR_MAX_BYTES. */
#define CHANGE_DETECTOR_MAX_BYTES 4096
DRIFT_API size_t drift_change_detector_save(const struct change_detector *detector, void *bytes,
                                            size_t capacity);

/* Into a detector made by init with the same kind and direction (and seed, for KSWIN). 0, or
 * -EINVAL: not such a state, damaged, or not one that save could have written; the detector is
 * unchanged then. Any bytes are safe. */
DRIFT_API NODISCARD int drift_change_detector_restore(struct change_detector *detector,
                                                      const void *bytes, size_t size);

#ifdef __cplusplus
}
#endif

#endif
