/* clock.c - see the header. */
#include "system/clock.h"

#include <stdatomic.h>
#include <time.h>

#define NANOSECONDS 1000000000

static int64_t read_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NANOSECONDS + now.tv_nsec;
}

int64_t clock_monotonic_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

double clock_monotonic_seconds(void)
{
    return (double)clock_monotonic_ns() / NANOSECONDS;
}

int64_t clock_tick_ms(void)
{
    return read_ns(CLOCK_MONOTONIC_COARSE) / 1000000;
}

int64_t clock_wall_ms(void)
{
    return read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_wall_of(int64_t tick_ms)
{
    static _Atomic int64_t difference; /* wall clock less monotonic clock, as it was used last */
    const int64_t now = clock_wall_ms() - clock_monotonic_ns() / 1000000;
    const int64_t used = atomic_load_explicit(&difference, memory_order_relaxed);
    const int64_t moved = now - used;

    if (moved >= -CLOCK_STEP_MS && moved <= CLOCK_STEP_MS)
        return tick_ms + used;
    atomic_store_explicit(&difference, now, memory_order_relaxed);
    return tick_ms + now;
}
