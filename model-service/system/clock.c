/* clock.c - see the header. */
#include "system/clock.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NANOSECONDS 1000000000

/* What clock_tick_ms() is ahead of the machine's clock; set once, by clock_resume(). */
static int64_t tick_ahead_ms;
/* Wall clock less clock_tick_ms(), as it was used last. */
static _Atomic int64_t difference;

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

int64_t clock_coarse_ms(void)
{
    return read_ns(CLOCK_MONOTONIC_COARSE) / 1000000;
}

int64_t clock_tick_ms(void)
{
    return clock_coarse_ms() + tick_ahead_ms;
}

int64_t clock_wall_ms(void)
{
    return read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_wall_of(int64_t tick_ms)
{
    const int64_t now = clock_wall_ms() - clock_monotonic_ns() / 1000000 - tick_ahead_ms;
    const int64_t used = atomic_load_explicit(&difference, memory_order_relaxed);
    const int64_t moved = now - used;

    if (moved >= -CLOCK_STEP_MS && moved <= CLOCK_STEP_MS)
        return tick_ms + used;
    atomic_store_explicit(&difference, now, memory_order_relaxed);
    return tick_ms + now;
}

/* --- over a restart --- */

static void read_boot(char boot[CLOCK_BOOT_BYTES])
{
    const int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    memset(boot, 0, CLOCK_BOOT_BYTES);
    if (file < 0)
        return;
    const ssize_t bytes = read(file, boot, CLOCK_BOOT_BYTES - 1);
    if (bytes > 0)
        boot[strcspn(boot, "\n")] = '\0';
    close(file);
}

void clock_mark(struct clock_mark *ret_mark)
{
    read_boot(ret_mark->boot);
    ret_mark->monotonic_ms = clock_monotonic_ns() / 1000000;
    ret_mark->tick_ms = ret_mark->monotonic_ms + tick_ahead_ms;
    ret_mark->wall_ms = clock_wall_of(ret_mark->tick_ms);
}

void clock_resume(const struct clock_mark *mark)
{
    struct clock_mark now;
    clock_mark(&now);
    const bool same_boot = now.boot[0] && strcmp(now.boot, mark->boot) == 0;
    const int64_t since =
        same_boot ? now.monotonic_ms - mark->monotonic_ms : now.wall_ms - mark->wall_ms;
    /* A moment is shown as it was before, to the millisecond. */
    atomic_store(&difference, mark->wall_ms - mark->tick_ms);
    tick_ahead_ms = mark->tick_ms + (since > 0 ? since : 0) - now.monotonic_ms;
}
