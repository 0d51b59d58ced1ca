/* detectors.c - the detectors of change on streams of errors: false alarms, delay, misses, cost.
 *
 * usage: bench-detectors [SEEDS]      default 200
 *
 * A stream without change is STEADY labels; one with a change has it after BEFORE labels, and a
 * drift signalled within AFTER labels of it is a detection. */
#include "stats/change_detector.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MAX_SEEDS  1000
#define STEADY     20000
#define BEFORE     5000
#define AFTER      5000
#define COST_ROUND 200000
#define ROUNDS     5

struct scenario {
    const char *name;
    double before, after;
    int ramp; /* labels over which the rate moves */
};

static const double steady_rates[] = {0.01, 0.05, 0.1, 0.3, 0.5};
static const struct scenario scenarios[] = {
    {"abrupt 0.05 to 0.15", 0.05, 0.15, 0},
    {"abrupt 0.1 to 0.3", 0.1, 0.3, 0},
    {"gradual 0.1 to 0.3 over 2000", 0.1, 0.3, 2000},
};

/* splitmix64 (Steele, Lea and Flood 2014). */
static uint64_t random_bits(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static double label(uint64_t *state, double rate)
{
    return (double)(random_bits(state) >> 11) * 0x1p-53 < rate;
}

static void start(struct change_detector *detector, int kind, uint64_t seed)
{
    if (drift_change_detector_init(detector, (enum change_detector_kind)kind, CHANGE_UP, seed) != 0)
        exit(EXIT_FAILURE);
}

/* Per 10 000 labels. */
static double false_alarms(int kind, double rate, int seeds)
{
    uint64_t drifts = 0;
    for (int seed = 0; seed < seeds; seed++) {
        struct change_detector detector;
        uint64_t state = (uint64_t)seed << 32;
        start(&detector, kind, (uint64_t)seed);
        for (int i = 0; i < STEADY; i++)
            if (drift_change_detector_update(&detector, label(&state, rate)) < 0)
                exit(EXIT_FAILURE);
        drifts += detector.onsets;
    }
    return (double)drifts / seeds / STEADY * 10000;
}

/* Labels from the change to the first drift after it; INFINITY when there is none. *ret_error:
 * estimated less true onset. */
static double delay(int kind, const struct scenario *scenario, int seed, double *ret_error)
{
    struct change_detector detector;
    uint64_t state = ((uint64_t)seed << 32) + 1, onset = 0;
    start(&detector, kind, (uint64_t)seed);
    for (int i = 0; i < BEFORE + AFTER; i++) {
        const double share = i < BEFORE                     ? 0
                             : i >= BEFORE + scenario->ramp ? 1
                                                            : (double)(i - BEFORE) / scenario->ramp;
        const double rate = scenario->before + share * (scenario->after - scenario->before);
        const int r = drift_change_detector_update(&detector, label(&state, rate));
        if (i < BEFORE || r != CHANGE_DRIFT)
            continue;
        if (drift_change_detector_onset(&detector, &onset) != 0)
            exit(EXIT_FAILURE);
        *ret_error = (double)onset - BEFORE;
        return i - BEFORE + 1;
    }
    return INFINITY;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int count)
{
    qsort(x, (size_t)count, sizeof(*x), compare);
    return count > 0 ? x[count / 2] : NAN;
}

static void print_scenario(int kind, const struct scenario *scenario, int seeds)
{
    static double delays[MAX_SEEDS], errors[MAX_SEEDS];
    int found = 0;
    for (int seed = 0; seed < seeds; seed++) {
        delays[found] = delay(kind, scenario, seed, &errors[found]);
        found += isfinite(delays[found]);
    }
    printf("  %6.0f %6.0f %5.1f", median(delays, found), median(errors, found),
           100.0 * (seeds - found) / seeds);
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds per label, the best of some rounds. */
static double cost(int kind)
{
    static double labels[COST_ROUND];
    double best = INFINITY;
    uint64_t state = 1;
    for (int i = 0; i < COST_ROUND; i++)
        labels[i] = label(&state, 0.1);
    for (int round = 0; round < ROUNDS; round++) {
        struct change_detector detector;
        start(&detector, kind, 0);
        const double began = now_ns();
        for (int i = 0; i < COST_ROUND; i++)
            if (drift_change_detector_update(&detector, labels[i]) < 0)
                exit(EXIT_FAILURE);
        best = fmin(best, (now_ns() - began) / COST_ROUND);
    }
    return best;
}

int main(int count, char **arguments)
{
    const int seeds = count > 1 ? atoi(arguments[1]) : 200;
    if (seeds < 1 || seeds > MAX_SEEDS)
        return EXIT_FAILURE;
    printf("%d seeds; false alarms per 10 000 labels without change; after a change, labels:\n"
           "median delay, median error of the estimated onset, %% missed within %d\n\n",
           seeds, AFTER);
    printf("%-13s %-44s", "", "false alarms at error rate");
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++)
        printf("  %-19s", scenarios[i].name);
    printf("\n%-13s", "");
    for (size_t i = 0; i < sizeof(steady_rates) / sizeof(*steady_rates); i++)
        printf(" %8.2f", steady_rates[i]);
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++)
        printf("  %6s %6s %5s", "delay", "onset", "miss%");
    printf("  %9s  alerts\n", "ns/label");
    for (int kind = 0; kind < CHANGE_DETECTOR_COUNT; kind++) {
        printf("%-13s", drift_change_detector_name((enum change_detector_kind)kind));
        double most = 0;
        for (size_t i = 0; i < sizeof(steady_rates) / sizeof(*steady_rates); i++) {
            const double alarms = false_alarms(kind, steady_rates[i], seeds);
            most = fmax(most, alarms);
            printf(" %8.3f", alarms);
        }
        for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++)
            print_scenario(kind, &scenarios[i], seeds);
        const bool alerts = drift_change_detector_alerts((enum change_detector_kind)kind);
        printf("  %9.1f  %s%s\n", cost(kind), alerts ? "yes" : "no",
               alerts && most >= 1 ? " (BUT TOO MANY FALSE ALARMS)" : "");
        fflush(stdout);
    }
    return EXIT_SUCCESS;
}
