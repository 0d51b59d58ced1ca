/* numeric_index.h - search among the sorted values of a reference. Internal to libdrift.
 *
 * Buckets of equal width over the range of the values tell where to begin: as many as values, so
 * that most hold few of them, and one look at one or two cache lines finds the place. Buckets that
 * hold more, as of heavy tails, lead to a static B-tree: level 0 is the values, each level above
 * holds the last of every full group of INDEX_FANOUT below it, and every level is padded with
 * infinities. Both have few branches that depend on the data. */
#ifndef DRIFT_NUMERIC_INDEX_H
#define DRIFT_NUMERIC_INDEX_H

#include "reference.h"

/* A cache line of doubles. */
#define INDEX_FANOUT 8

/* Room for `values` values with their padding, all of it infinite; NULL when out of memory. */
double *numeric_index_room(size_t values);

/* Builds ref->index and ref->bucket over ref->value, which is from numeric_index_room(). 0 or
 * -ENOMEM. */
NODISCARD int numeric_index_build(struct numeric_reference *ref);

#endif
