/* urn_order_internal.h - how a ratio of variances becomes a discount. Internal to libdrift. */
#ifndef DRIFT_URN_ORDER_INTERNAL_H
#define DRIFT_URN_ORDER_INTERNAL_H

/* The ratio of the variance of block means to its expectation that independent rows reach with
 * probability 0.0002. */
double urn_order_by_chance(double blocks);

/* The discount for a ratio, above 1 by a margin for what it may be too small by; 1 for 1. */
double urn_order_level(double ratio);

#endif
