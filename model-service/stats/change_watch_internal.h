/* change_watch_internal.h - the structures, for change_watch*.c alone. */
#ifndef DRIFT_CHANGE_WATCH_INTERNAL_H
#define DRIFT_CHANGE_WATCH_INTERNAL_H

#include "change_watch.h"

struct watched {
    struct change_detector detector;
    enum change_state state; /* the detector's own */
    bool held;
    uint64_t held_from; /* observations when the held drift was signalled last */
    int64_t onset_ms;
    uint64_t primed_onsets;
};

struct change_watch {
    struct change_watch_spec spec;
    uint64_t observations; /* those that primed it among them */
    uint64_t primed;
    struct watched *watched; /* [count] */
    size_t count;
    int64_t *times; /* [spec.times]; observation i at i % spec.times */
};

#endif
