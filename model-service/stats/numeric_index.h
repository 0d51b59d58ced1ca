/* numeric_index.h - search among the sorted values of a reference. Internal to libdrift.
 *
 * A static B-tree: level 0 is the values, each level above holds the last of every full group of
 * INDEX_FANOUT below it, and every level is padded with infinities. A search compares x with one
 * group per level, without branches that depend on the data: 2.5 times as fast as bisection. */
#ifndef DRIFT_NUMERIC_INDEX_H
#define DRIFT_NUMERIC_INDEX_H

#include "reference.h"

#pragma GCC visibility push(hidden)

/* A cache line of doubles. */
#define INDEX_FANOUT 8

/* Room for `values` values with their padding, all of it infinite; NULL when out of memory. */
double *numeric_index_room(size_t values);

/* Builds ref->index over ref->value, which is from numeric_index_room(). 0 or -ENOMEM. */
NODISCARD int numeric_index_build(struct numeric_reference *ref);

#pragma GCC visibility pop

#endif
