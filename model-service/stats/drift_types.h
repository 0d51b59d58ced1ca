/* drift_types.h - the vocabulary shared by the kernels of libdrift. */
#ifndef DRIFT_TYPES_H
#define DRIFT_TYPES_H

#include "drift_types.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the shared library exports: everything else in it is hidden. */
#define DRIFT_API __attribute__((visibility("default")))

#define NODISCARD __attribute__((warn_unused_result))

enum feature_type { FEATURE_NUMERIC, FEATURE_CATEGORICAL };

/* The scores a feature can have. Names as in the metrics' `method` label: drift_method_name(). */
enum drift_method {
    METHOD_KS_TEST,          /* numeric; D in [0, 1] */
    METHOD_PSI,              /* all; >= 0, nats */
    METHOD_CHI_SQUARE,       /* all; two-sample homogeneity statistic, >= 0 */
    METHOD_JENSEN_SHANNON,   /* all; distance (square root of the divergence, base 2), [0, 1] */
    METHOD_HELLINGER,        /* all; distance, [0, 1] */
    METHOD_WASSERSTEIN,      /* numeric; in units of the reference's standard deviation, >= 0 */
    METHOD_CRAMER_VON_MISES, /* numeric; T of Anderson (1962), >= 0 */
    METHOD_L_INFINITY,       /* categorical; largest difference of shares, [0, 1] */
    METHOD_COUNT
};

/* The method's name, or NULL when out of range. Static storage. */
DRIFT_API const char *drift_method_name(enum drift_method method);

/* Whether the method is defined for features of the type (see the enum). */
DRIFT_API int drift_method_applies(enum drift_method method, enum feature_type type);

/* Which observations a window holds. Time is milliseconds since any fixed origin, given by the
 * caller and never fetched; it may repeat but is clamped so that it never runs backwards. */
enum window_kind {
    WINDOW_COUNT,    /* the last `observations` */
    WINDOW_DURATION, /* the last `duration_ms`, in WINDOW_PANES panes of counts */
    WINDOW_ALL,      /* everything since the start (batch) */
};

struct window_spec {
    enum window_kind kind;
    size_t observations; /* WINDOW_COUNT: 1 to WINDOW_MAX_OBSERVATIONS */
    int64_t duration_ms; /* WINDOW_DURATION: WINDOW_PANES ms to 366 days */
};

/* An observation in a ring costs 12 bytes per feature; ten million rows are 120 MB. */
#define WINDOW_MAX_OBSERVATIONS 10000000u
/* A duration window forgets in steps of 1/60 of its length. */
#define WINDOW_PANES 60

#ifdef __cplusplus
}
#endif

#endif
