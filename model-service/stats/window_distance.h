/* window_distance.h - distances on the reference's grid. Internal to libdrift. */
#ifndef DRIFT_WINDOW_DISTANCE_H
#define DRIFT_WINDOW_DISTANCE_H

#include "window_internal.h"

/* Numeric windows with finite values on both sides only. O(R). */
double wasserstein_distance(const struct feature_window *window);
double wasserstein_bound(const struct feature_window *window);
double cramer_von_mises(const struct feature_window *window);
double cramer_von_mises_p_value(double t, uint64_t n, uint64_t m);

#endif
