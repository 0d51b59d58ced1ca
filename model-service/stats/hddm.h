/* hddm.h - HDDM-A and HDDM-W: the mean before and after the best cut, by Hoeffding's bound on plain
 * means and by McDiarmid's on exponentially weighted ones.
 *
 * Source: Frias-Blanco, del Campo-Avila, Ramos-Jimenez, Morales-Bueno, Ortiz-Diaz and
 * Caballero-Mota (2015, online 2014), "Online and non-parametric drift detection methods based on
 * Hoeffding's bounds", IEEE TKDE 27(3), 810-823. Distribution-free for values in [0, 1]. */
#ifndef DRIFT_HDDM_H
#define DRIFT_HDDM_H

#include "drift_types.h"

#include "change_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HDDM_DRIFT_CONFIDENCE   0.001
#define HDDM_WARNING_CONFIDENCE 0.005
#define HDDM_LAMBDA             0.05

struct hddm_mean {
    uint64_t count;
    double sum;
};

struct hddm_a {
    enum change_direction direction;
    struct hddm_mean total;     /* since the last drift */
    struct hddm_mean low, high; /* at the lowest upper bound, at the highest lower bound */
};

DRIFT_API void drift_hddm_a_init(struct hddm_a *hddm, enum change_direction direction);

/* x: in [0, 1]. Starts again after drift. *ret_age, written with CHANGE_DRIFT only: observations
 * after the cut. O(1). */
DRIFT_API enum change_state drift_hddm_a_update(struct hddm_a *hddm, double x, uint64_t *ret_age);

/* weight: sum of the squared weights behind the mean; 0: empty. */
struct hddm_weighted {
    double mean, weight;
};

/* One direction. The cut is where the bound of the mean was lowest (highest, for falls). */
struct hddm_side {
    struct hddm_weighted before, after;
    double bound; /* mean + bound of `before`, mean negated for falls; only with a weight there */
};

struct hddm_w {
    enum change_direction direction;
    uint64_t count; /* since the last drift */
    struct hddm_weighted total;
    struct hddm_side rise, fall; /* fall: only with CHANGE_BOTH */
    uint64_t warning_at;         /* count at which the running warning began; 0: none */
};

DRIFT_API void drift_hddm_w_init(struct hddm_w *hddm, enum change_direction direction);

/* As drift_hddm_a_update, but for *ret_age: observations since the warning began, this one
 * included. The cut, where the weighted mean happened to be lowest, is mostly long before the
 * change. O(1). */
DRIFT_API enum change_state drift_hddm_w_update(struct hddm_w *hddm, double x, uint64_t *ret_age);

#ifdef __cplusplus
}
#endif

#endif
