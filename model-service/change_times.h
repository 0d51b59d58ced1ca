/* change_times.h - when each of the rows so far came, the newer the more exactly.
 *
 * Of every power of two the times of the last rows that are multiples of it are kept, so that a row
 * is dated to within a thirtieth of its age in rows. */
#ifndef CHANGE_TIMES_H
#define CHANGE_TIMES_H

#include <stdint.h>

#define CHANGE_TIMES_LEVELS 40 /* 2^40 rows are a thousand years at 30 rows a second */
#define CHANGE_TIMES_KEPT   64

struct change_times { /* all zero at first */
    uint64_t rows;
    int64_t ms[CHANGE_TIMES_LEVELS][CHANGE_TIMES_KEPT];
};

/* Rows that came together. O(1) on average for one row. */
void change_times_add(struct change_times *times, uint64_t rows, int64_t now_ms);
/* When a row came, 1 the first; 0 before the first. */
int64_t change_times_of(const struct change_times *times, uint64_t row);

#endif
