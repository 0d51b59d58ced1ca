/* size.c - how often each p-value is below a level although nothing has changed, and how often it
 * is where something has.
 *
 * usage: bench-size [WINDOWS]      default 1000000 windows in each row of the table
 *
 * Each window and its reference are drawn from one distribution; a reference serves for 20 windows.
 * A share is marked, and makes the exit status 1, when it is above its level by more than four
 * standard errors, which count the windows of one reference as a cluster. The last column is the
 * share of p <= 0.0001 among a tenth as many windows of which a fifth comes from elsewhere. Fixed
 * seeds: every run prints the same table. */
#include "labels.h"
#include "tests.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS         2
#define STANDARD_ERRORS 4.0
/* Changed windows are this many times fewer. */
#define POWER_PART 10
/* Categories of 1000 that have a bin, where the others are counted together. */
#define KEPT 100
/* Labels of the reference that windows of labels are compared with. */
#define LABELLED 1000

struct work {
    struct experiment experiment;
    uint64_t windows, seed;
    struct tally tally;
};

struct label_work {
    struct label_experiment experiment;
    uint64_t windows, seed;
    struct label_tally tally;
};

static void *work_run(void *context)
{
    struct work *work = context;
    experiment_run(&work->experiment, work->windows, work->seed, &work->tally);
    return NULL;
}

static void tally_add(struct tally *tally, const struct tally *other)
{
    for (enum test test = 0; test < TESTS; test++) {
        tally->made[test] += other->made[test];
        for (size_t l = 0; l < LEVELS; l++) {
            tally->below[test][l] += other->below[test][l];
            tally->squares[test][l] += other->squares[test][l];
        }
    }
}

static struct tally run(const struct experiment *experiment, uint64_t windows, uint64_t *seed)
{
    struct work work[THREADS];
    pthread_t thread[THREADS];
    struct tally sum = {0};
    for (size_t t = 0; t < THREADS; t++) {
        work[t] =
            (struct work){.experiment = *experiment, .windows = windows / THREADS, .seed = ++*seed};
        if (pthread_create(&thread[t], NULL, work_run, &work[t]) != 0)
            abort();
    }
    for (size_t t = 0; t < THREADS; t++) {
        pthread_join(thread[t], NULL);
        tally_add(&sum, &work[t].tally);
    }
    return sum;
}

/* Whether `below` among `made` is above the level by more than chance explains. */
static bool is_too_large(uint64_t below, double squares, uint64_t made, double alpha)
{
    const double share = (double)below / (double)made, expected = alpha * (double)made;
    const double clustered = squares - share * (double)below * WINDOWS_PER_REFERENCE;
    return (double)below - expected > STANDARD_ERRORS * sqrt(fmax(expected, clustered));
}

static bool print_level(uint64_t below, double squares, uint64_t made, double alpha)
{
    const bool large = is_too_large(below, squares, made, alpha);
    printf(" %7.5f%s |", (double)below / (double)made, large ? " !" : "");
    return large;
}

static void print_data(const struct experiment *experiment)
{
    static const char *const name[] = {[DATA_SHARE] = "missing",
                                       [DATA_EQUAL] = "equal categories",
                                       [DATA_SKEWED] = "skewed categories",
                                       [DATA_NUMERIC] = "numbers",
                                       [DATA_TIED] = "12 numbers",
                                       [DATA_ZEROS] = "60 % zeros"};
    char text[64];
    if (experiment->data == DATA_SHARE)
        snprintf(text, sizeof(text), "%g %% %s", 100 * experiment->share, name[experiment->data]);
    else if (experiment->kept > 0)
        snprintf(text, sizeof(text), "%zu of %zu %s", experiment->kept, experiment->bins,
                 name[experiment->data]);
    else if (experiment->bins > 0)
        snprintf(text, sizeof(text), "%zu %s", experiment->bins, name[experiment->data]);
    else
        snprintf(text, sizeof(text), "%s", name[experiment->data]);
    printf(" %-22s | %9zu | %6zu |", text, experiment->reference, experiment->window);
}

static bool print_test(const struct experiment *experiment, const struct tally *healthy,
                       const struct tally *changed, enum test test)
{
    bool wrong = false;
    printf("| %-16s |", test_name(test));
    print_data(experiment);
    for (size_t l = 0; l < LEVELS; l++)
        wrong |= print_level(healthy->below[test][l], healthy->squares[test][l],
                             healthy->made[test], level[l]);
    printf(" %4.2f |\n", (double)changed->below[test][LEVELS - 1] / (double)changed->made[test]);
    return wrong;
}

/* As many as the threads can share, references whole. */
static uint64_t whole_windows(uint64_t windows)
{
    const uint64_t step = THREADS * WINDOWS_PER_REFERENCE;
    return windows < step ? step : windows / step * step;
}

static bool measure(struct experiment experiment, uint64_t windows, uint64_t *seed)
{
    const struct tally healthy = run(&experiment, whole_windows(windows), seed);
    experiment.changed = true;
    const struct tally changed = run(&experiment, whole_windows(windows / POWER_PART), seed);
    bool wrong = false;
    for (enum test test = 0; test < TESTS; test++)
        if (healthy.made[test] > 0)
            wrong |= print_test(&experiment, &healthy, &changed, test);
    fflush(stdout);
    return wrong;
}

static bool measure_sizes(size_t reference, size_t window, uint64_t windows, uint64_t *seed)
{
    static const double shares[] = {0.0001, 0.001, 0.01, 0.1, 0.5};
    static const size_t bins[] = {2, 3, 10, 50, 1000};
    bool wrong = false;
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
        wrong |= measure(
            (struct experiment){
                .data = DATA_SHARE, .share = shares[i], .reference = reference, .window = window},
            windows, seed);
    for (enum data data = DATA_EQUAL; data <= DATA_SKEWED; data++)
        for (size_t i = 0; i < sizeof(bins) / sizeof(bins[0]); i++)
            wrong |= measure(
                (struct experiment){
                    .data = data, .bins = bins[i], .reference = reference, .window = window},
                windows, seed);
    for (enum data data = DATA_EQUAL; data <= DATA_SKEWED; data++)
        wrong |= measure(
            (struct experiment){
                .data = data, .bins = 1000, .kept = KEPT, .reference = reference, .window = window},
            windows, seed);
    for (enum data data = DATA_NUMERIC; data <= DATA_ZEROS; data++)
        wrong |=
            measure((struct experiment){.data = data, .reference = reference, .window = window},
                    windows, seed);
    return wrong;
}

static void *label_work_run(void *context)
{
    struct label_work *work = context;
    label_experiment_run(&work->experiment, work->windows, work->seed, &work->tally);
    return NULL;
}

static void label_tally_add(struct label_tally *tally, const struct label_tally *other)
{
    tally->made += other->made;
    for (size_t m = 0; m < PERFORMANCE_METRIC_COUNT; m++)
        for (size_t l = 0; l < LEVELS; l++) {
            tally->below[m][l] += other->below[m][l];
            tally->squares[m][l] += other->squares[m][l];
        }
}

static struct label_tally run_labels(const struct label_experiment *experiment, uint64_t windows,
                                     uint64_t *seed)
{
    struct label_work work[THREADS];
    pthread_t thread[THREADS];
    struct label_tally sum = {0};
    for (size_t t = 0; t < THREADS; t++) {
        work[t] = (struct label_work){
            .experiment = *experiment, .windows = windows / THREADS, .seed = ++*seed};
        if (pthread_create(&thread[t], NULL, label_work_run, &work[t]) != 0)
            abort();
    }
    for (size_t t = 0; t < THREADS; t++) {
        pthread_join(thread[t], NULL);
        label_tally_add(&sum, &work[t].tally);
    }
    return sum;
}

static bool print_metric(const struct label_experiment *experiment,
                         const struct label_tally *healthy, const struct label_tally *changed,
                         enum performance_metric metric)
{
    bool wrong = false;
    printf("| %-16s | %-22s | %9zu | %6zu |", "degraded", drift_performance_metric_name(metric),
           experiment->reference, experiment->window);
    for (size_t l = 0; l < LEVELS; l++)
        wrong |= print_level(healthy->below[metric][l], healthy->squares[metric][l], healthy->made,
                             level[l]);
    printf(" %4.2f |\n", (double)changed->below[metric][LEVELS - 1] / (double)changed->made);
    return wrong;
}

static bool measure_labels(struct label_experiment experiment, uint64_t windows, uint64_t *seed)
{
    const struct label_tally healthy = run_labels(&experiment, whole_windows(windows), seed);
    experiment.changed = true;
    const struct label_tally changed =
        run_labels(&experiment, whole_windows(windows / POWER_PART), seed);
    bool wrong = false;
    for (enum performance_metric m = 0; m < PERFORMANCE_METRIC_COUNT; m++)
        if (drift_performance_metric_applies(m, experiment.task))
            wrong |= print_metric(&experiment, &healthy, &changed, m);
    fflush(stdout);
    return wrong;
}

int main(int argc, char **argv)
{
    static const size_t references[] = {50, 1000, 10000}, windows[] = {10, 50, 200, 1000};
    const uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    uint64_t seed = 0;
    bool wrong = false;
    if (count == 0) {
        fprintf(stderr, "bench-size: WINDOWS must be a number from 1\n");
        return 2;
    }
    printf("| test | data | reference | window | p <= 0.01 | p <= 0.001 | p <= 0.0001 | power |\n"
           "|---|---|---|---|---|---|---|---|\n");
    for (size_t r = 0; r < sizeof(references) / sizeof(references[0]); r++)
        for (size_t w = 0; w < sizeof(windows) / sizeof(windows[0]); w++)
            wrong |= measure_sizes(references[r], windows[w], count, &seed);
    for (size_t w = 1; w < sizeof(windows) / sizeof(windows[0]); w++) {
        wrong |= measure_labels((struct label_experiment){.task = PERFORMANCE_BINARY,
                                                          .reference = LABELLED,
                                                          .window = windows[w]},
                                count, &seed);
        wrong |= measure_labels((struct label_experiment){.task = PERFORMANCE_REGRESSION,
                                                          .reference = LABELLED,
                                                          .window = windows[w]},
                                count, &seed);
    }
    return wrong;
}
