/* change_times.c - see the header. */
#include "change_times.h"

void change_times_add(struct change_times *times, uint64_t rows, int64_t now_ms)
{
    const uint64_t before = times->rows;
    times->rows += rows;
    for (unsigned level = 0; level < CHANGE_TIMES_LEVELS; level++) {
        const uint64_t last = times->rows >> level;
        uint64_t mark = (before >> level) + 1;
        if (mark > last)
            return;
        if (last - mark >= CHANGE_TIMES_KEPT)
            mark = last - CHANGE_TIMES_KEPT + 1;
        for (; mark <= last; mark++)
            times->ms[level][mark % CHANGE_TIMES_KEPT] = now_ms;
    }
}

int64_t change_times_of(const struct change_times *times, uint64_t row)
{
    if (row == 0 || row > times->rows)
        return 0;
    for (unsigned level = 0; level < CHANGE_TIMES_LEVELS; level++) {
        /* the next multiple: the first that came no earlier than the row */
        const uint64_t mark = (row + (UINT64_C(1) << level) - 1) >> level;
        if (mark > times->rows >> level) /* the row is newer than the last multiple */
            return times->ms[0][times->rows % CHANGE_TIMES_KEPT];
        if ((times->rows >> level) - mark < CHANGE_TIMES_KEPT)
            return times->ms[level][mark % CHANGE_TIMES_KEPT];
    }
    return 0;
}
