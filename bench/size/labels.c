/* labels.c - a calibrated binary model, and a regression with normal errors. */
#include "labels.h"

#include "sampler.h"

#include <math.h>
#include <stdlib.h>

#define CHANGED_SHARE 0.2
#define THRESHOLD     0.5

struct labels_run {
    const struct label_experiment *experiment;
    uint64_t state;
    double z[LEVELS];
    struct label_tally *tally;
    uint64_t below[PERFORMANCE_METRIC_COUNT][LEVELS];
};

/* Box and Muller (1958) */
static double normal(uint64_t *state)
{
    const double radius = sqrt(-2 * log(1 - random_uniform(state)));
    return radius * cos(2 * M_PI * random_uniform(state));
}

static bool drawn_anew(struct labels_run *run, bool window)
{
    return window && run->experiment->changed && random_uniform(&run->state) < CHANGED_SHARE;
}

/* The label is 1 with probability u^2: a third of all. */
static void add_binary(struct labels_run *run, struct performance *performance, bool window)
{
    const double u = random_uniform(&run->state);
    double score = u * u;
    const double label = random_uniform(&run->state) < score;
    if (drawn_anew(run, window)) {
        const double other = random_uniform(&run->state);
        score = other * other;
    }
    drift_performance_add(performance, score > THRESHOLD, label, &score);
}

static void add_regression(struct labels_run *run, struct performance *performance, bool window)
{
    const double label = normal(&run->state), error = normal(&run->state) / 2;
    const double prediction = drawn_anew(run, window) ? normal(&run->state) : label + error;
    drift_performance_add(performance, prediction, label, NULL);
}

static struct performance *drawn(struct labels_run *run, size_t labels, bool window)
{
    const struct performance_spec spec = {
        .task = run->experiment->task, .classes = 2, .window = labels, .level = 0.95};
    struct performance *performance;
    if (drift_performance_create(&spec, &performance) < 0)
        abort();
    for (size_t i = 0; i < labels; i++) {
        if (spec.task == PERFORMANCE_BINARY)
            add_binary(run, performance, window);
        else
            add_regression(run, performance, window);
    }
    return performance;
}

static void compare(struct labels_run *run, const struct performance_report *reference)
{
    struct performance *window = drawn(run, run->experiment->window, true);
    struct performance_report report = {0};
    drift_performance_window_report(window, &report);
    for (size_t m = 0; m < PERFORMANCE_METRIC_COUNT; m++)
        for (size_t l = 0; l < LEVELS; l++)
            run->below[m][l] += drift_performance_degraded(
                (enum performance_metric)m, &report.metric[m], &reference->metric[m], run->z[l]);
    run->tally->made++;
    drift_performance_destroy(window);
}

static void close_reference(struct labels_run *run)
{
    for (size_t m = 0; m < PERFORMANCE_METRIC_COUNT; m++)
        for (size_t l = 0; l < LEVELS; l++) {
            const double below = (double)run->below[m][l];
            run->tally->below[m][l] += run->below[m][l];
            run->tally->squares[m][l] += below * below;
            run->below[m][l] = 0;
        }
}

void label_experiment_run(const struct label_experiment *experiment, uint64_t windows,
                          uint64_t seed, struct label_tally *tally)
{
    struct labels_run run = {.experiment = experiment, .state = seed, .tally = tally};
    for (size_t l = 0; l < LEVELS; l++)
        run.z[l] = drift_performance_z(1 - level[l]);
    for (uint64_t w = 0; w < windows; w += WINDOWS_PER_REFERENCE) {
        struct performance *reference = drawn(&run, experiment->reference, false);
        struct performance_report report = {0};
        drift_performance_window_report(reference, &report);
        for (size_t i = 0; i < WINDOWS_PER_REFERENCE; i++)
            compare(&run, &report);
        close_reference(&run);
        drift_performance_destroy(reference);
    }
}
