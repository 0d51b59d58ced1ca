/* number_sort.h - sorts doubles by their bits, several times as fast as by comparing. Internal to
 * libdrift. */
#ifndef DRIFT_NUMBER_SORT_H
#define DRIFT_NUMBER_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Ascending; -0.0 comes before 0.0, and a NaN, by its sign, before or behind all others. scratch:
 * room for twice as many. count: below 2^32. O(count). */
void drift_number_sort(double *numbers, size_t count, uint64_t *scratch);

#endif
