/* plan.c - see the header. */
#include "plan.h"

#include <stdio.h>
#include <unistd.h>

const struct change plan_changes[CHANGES] = {
    [CHANGE_IS_QUARTER] = {"shift of 0.25 deviations", CHANGE_SHIFT, 0.25},
    [CHANGE_IS_HALF] = {"shift of 0.5 deviations", CHANGE_SHIFT, 0.5},
    [CHANGE_IS_ONE] = {"shift of 1 deviation", CHANGE_SHIFT, 1},
    [CHANGE_IS_SPREAD] = {"spread times 1.5", CHANGE_SPREAD, 1.5},
    [CHANGE_IS_SHARE] = {"share moved by 10 points", CHANGE_SHARE, 0.1},
};

const double plan_correlations[CORRELATIONS] = {0.5, 0.9};

struct progress {
    unsigned done, total;
};

static void step(struct progress *progress)
{
    progress->done++;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\rstream %u of %u%s", progress->done, progress->total,
                progress->done == progress->total ? "\n" : "");
}

static struct simulation simulation_of(const struct plan *plan, size_t window, unsigned seed)
{
    return (struct simulation){
        .seed = seed + 1,
        .window = plan->window[window],
        .minimum_sample = MINIMUM_SAMPLE,
        .significance = plan->significance,
        .rate = plan->rate,
        .reference_rows = plan->reference_rows,
    };
}

static uint64_t rows_of(const struct plan *plan, double hours)
{
    return (uint64_t)(hours * 3600 * plan->rate);
}

static void run_quiet(const struct plan *plan, struct results *results, struct progress *progress)
{
    for (size_t w = 0; w < plan->windows; w++)
        for (unsigned seed = 0; seed < plan->seeds; seed++, step(progress)) {
            struct simulation simulation = simulation_of(plan, w, seed);
            simulation.rows = rows_of(plan, plan->hours);
            simulate(&simulation, &results->quiet[w][seed], NULL);
        }
}

static size_t changed_feature(const struct plan *plan, enum change_kind kind, unsigned seed)
{
    if (plan->feature >= 0 && kind != CHANGE_SHARE)
        return (size_t)plan->feature;
    return traffic_changed_feature(kind, seed);
}

static void run_changed(const struct plan *plan, size_t change, struct results *results,
                        struct progress *progress)
{
    for (size_t w = 0; w < plan->windows; w++)
        for (unsigned seed = 0; seed < plan->seeds; seed++, step(progress)) {
            struct simulation simulation = simulation_of(plan, w, seed);
            simulation.change = &plan_changes[change];
            simulation.changed = changed_feature(plan, simulation.change->kind, seed);
            simulation.change_from = simulation.window + SETTLE_ROWS;
            simulation.rows = simulation.change_from + SEARCH_ROWS;
            simulation.until_found = true;
            simulate(&simulation, &results->changed[w][change][seed], NULL);
        }
}

uint64_t plan_minimum(const struct plan *plan, size_t minimum, size_t window)
{
    return minimum == MINIMUM_IS_WINDOW ? plan->window[window] : MINIMUM_SAMPLE;
}

static void run_correlated(const struct plan *plan, size_t correlation, size_t minimum,
                           struct results *results, struct progress *progress)
{
    for (size_t w = 0; w < plan->windows; w++)
        for (unsigned seed = 0; seed < results->correlated_seeds; seed++, step(progress)) {
            struct simulation simulation = simulation_of(plan, w, seed);
            simulation.correlation = plan_correlations[correlation];
            simulation.minimum_sample = plan_minimum(plan, minimum, w);
            simulation.rows = rows_of(plan, results->correlated_hours);
            simulate(&simulation, &results->correlated[correlation][minimum][w][seed], NULL);
        }
}

static void run_all_correlated(const struct plan *plan, struct results *results,
                               struct progress *progress)
{
    for (size_t correlation = 0; correlation < CORRELATIONS; correlation++)
        for (size_t minimum = 0; minimum < MINIMA; minimum++)
            run_correlated(plan, correlation, minimum, results, progress);
}

void plan_run(const struct plan *plan, struct results *results)
{
    results->correlated_seeds = plan->seeds < CORRELATED_SEEDS ? plan->seeds : CORRELATED_SEEDS;
    results->correlated_hours = plan->hours < CORRELATED_HOURS ? plan->hours : CORRELATED_HOURS;
    struct progress progress = {.total = (unsigned)plan->windows * plan->seeds * 2};
    if (!plan->quick)
        progress.total +=
            (unsigned)plan->windows *
            (plan->seeds * (CHANGES - 1) + results->correlated_seeds * CORRELATIONS * MINIMA);
    run_quiet(plan, results, &progress);
    for (size_t change = 0; change < CHANGES; change++)
        if (!plan->quick || change == CHANGE_IS_ONE)
            run_changed(plan, change, results, &progress);
    if (!plan->quick)
        run_all_correlated(plan, results, &progress);
}
