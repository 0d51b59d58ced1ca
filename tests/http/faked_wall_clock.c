/* faked_wall_clock.c - preloaded into the service: its wall clock is ahead by as many seconds as
 * the file FAKED_WALL_CLOCK says (negative: behind). Every other clock is the machine's. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long ahead(void)
{
    const char *path = getenv("FAKED_WALL_CLOCK");
    FILE *file = path ? fopen(path, "r") : NULL;
    long seconds = 0;

    if (file && fscanf(file, "%ld", &seconds) != 1)
        seconds = 0;
    if (file)
        fclose(file);
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*machine)(clockid_t, struct timespec *);

    if (!machine)
        *(void **)&machine = dlsym(RTLD_NEXT, "clock_gettime");
    const int rc = machine(clock, now);
    if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += ahead();
    return rc;
}

time_t time(time_t *ret)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}
