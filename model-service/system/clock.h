/* clock.h - the only place that asks what time it is. */
#ifndef SYSTEM_CLOCK_H
#define SYSTEM_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970-01-01 UTC: for what people read. It jumps when somebody sets the clock.
 */
int64_t clock_wall_ms(void);

/* Nanoseconds since some moment of the past, the same for the whole life of the process; never
 * goes back: for ages, windows and waiting. */
int64_t clock_monotonic_ns(void);

/* The same in seconds. */
double clock_monotonic_seconds(void);

#endif
