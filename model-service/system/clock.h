/* clock.h - the only place that asks what time it is.
 *
 * Ages, windows and waiting go by the monotonic clock, which nobody can set. The wall clock is only
 * for what people read: a moment is remembered in the monotonic clock's milliseconds and translated
 * when it is shown. */
#ifndef SYSTEM_CLOCK_H
#define SYSTEM_CLOCK_H

#include <stdint.h>

/* Nanoseconds since the machine started; never goes back. */
int64_t clock_monotonic_ns(void);
/* The same in seconds. */
double clock_monotonic_seconds(void);
/* The same in milliseconds, as of the last tick of the kernel (a few milliseconds ago), which costs
 * a tenth. For deadlines. */
int64_t clock_coarse_ms(void);
/* The same, but goes on where an earlier run of the program stood (clock_resume()), as of the last
 * tick of the kernel (a few milliseconds ago), which costs a tenth; above 0. For the time of an
 * observation. */
int64_t clock_tick_ms(void);

/* Milliseconds since 1970-01-01 UTC. Jumps when somebody sets the clock. */
int64_t clock_wall_ms(void);
/* When a moment of clock_tick_ms() was, in milliseconds since 1970-01-01 UTC by today's wall clock.
 * The same moment gives the same answer for as long as nobody sets the clock by more than
 * CLOCK_STEP_MS. Thread-safe. */
int64_t clock_wall_of(int64_t tick_ms);

/* Where the clock of clock_tick_ms() stands, so that another run of the program can let it go on.
 */
#define CLOCK_BOOT_BYTES 40
struct clock_mark {
    char boot[CLOCK_BOOT_BYTES]; /* which start of the machine it is; "" where that is unknown */
    int64_t monotonic_ms, tick_ms, wall_ms;
};
void clock_mark(struct clock_mark *ret_mark);
/* From now on clock_tick_ms() counts from where the mark stood, plus the time since: by the
 * machine's clock if it has not been started again, else by the wall clock, and never less than 0.
 * Before any other thread asks for the time. */
void clock_resume(const struct clock_mark *mark);

/* The two clocks are read one after the other, so that their difference is not quite constant; a
 * difference of this much is a clock that was set. */
#define CLOCK_STEP_MS 500

#endif
