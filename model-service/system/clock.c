/* clock.c - see the header. */
#include "system/clock.h"

#include <time.h>

#define NANOSECONDS 1000000000

static int64_t read_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NANOSECONDS + now.tv_nsec;
}

int64_t clock_wall_ms(void)
{
    return read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_monotonic_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

double clock_monotonic_seconds(void)
{
    return (double)clock_monotonic_ns() / NANOSECONDS;
}
