/* change_internal.h - what the detectors of change share. Internal to libdrift. */
#ifndef DRIFT_CHANGE_INTERNAL_H
#define DRIFT_CHANGE_INTERNAL_H

#include "change_types.h"

/* Keeps where the running warning began; with CHANGE_DRIFT writes how long ago that was. */
static inline void change_note(uint64_t *warning_at, uint64_t count, enum change_state state,
                               uint64_t *ret_age)
{
    if (state == CHANGE_NONE)
        *warning_at = 0;
    else if (*warning_at == 0)
        *warning_at = count;
    if (state == CHANGE_DRIFT)
        *ret_age = count - *warning_at + 1;
}

#endif
