/* simulation.c - see the header. */
#include "simulation.h"

#include "monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const double simulation_thresholds[THRESHOLD_COUNT] = {0.05, 0.1, 0.15, 0.2, 0.3};

/* One run's rules: ours at every threshold, and the original's by each method. */
struct rules {
    struct feature_alerts ours[THRESHOLD_COUNT][TRAFFIC_FEATURES];
    bool paged[THRESHOLD_COUNT][TRAFFIC_FEATURES];
    bool original[SIMULATED_METHODS][TRAFFIC_FEATURES];
};

static bool condition(const struct exported *exported, double threshold)
{
    for (size_t i = 0; i < SIMULATED_METHODS; i++)
        if (exported->score[i] > threshold && exported->significant[i])
            return true;
    return false;
}

bool feature_alerts_evaluate(struct feature_alerts *alerts, const struct exported *exported,
                             double warning_threshold, int64_t now_ms)
{
    static const struct alert_timing warning = {WARNING_FOR_MS, WARNING_KEEP_FIRING_FOR_MS};
    static const struct alert_timing critical = {CRITICAL_FOR_MS, CRITICAL_KEEP_FIRING_FOR_MS};
    alert_evaluate(&alerts->warning, &warning, condition(exported, warning_threshold), now_ms);
    alert_evaluate(&alerts->critical, &critical, condition(exported, CRITICAL_THRESHOLD), now_ms);
    return alerts->warning.state == ALERT_FIRING || alerts->critical.state == ALERT_FIRING;
}

static void pages_note(struct pages *pages, bool *firing, bool now_firing)
{
    pages->count += now_firing && !*firing;
    *firing = now_firing;
}

static void rules_evaluate(struct rules *rules, const struct exported *exported, int64_t now_ms,
                           struct outcome *outcome)
{
    for (size_t t = 0; t < THRESHOLD_COUNT; t++)
        for (size_t f = 0; f < TRAFFIC_FEATURES; f++)
            pages_note(&outcome->rule[t], &rules->paged[t][f],
                       feature_alerts_evaluate(&rules->ours[t][f], &exported[f],
                                               simulation_thresholds[t], now_ms));
    for (size_t i = 0; i < SIMULATED_METHODS; i++)
        for (size_t f = 0; f < TRAFFIC_FEATURES; f++)
            pages_note(&outcome->original[i], &rules->original[i][f],
                       exported[f].score[i] > ORIGINAL_THRESHOLD);
}

/* Whether the changed feature's alert has fired; returns whether every rule has found it. */
static bool found(const struct rules *rules, size_t feature, int64_t after, struct outcome *outcome)
{
    bool all = true;
    for (size_t t = 0; t < THRESHOLD_COUNT; t++) {
        if (outcome->rule[t].found_after < 0 && rules->paged[t][feature])
            outcome->rule[t].found_after = after;
        all &= outcome->rule[t].found_after >= 0;
    }
    for (size_t i = 0; i < SIMULATED_METHODS; i++) {
        if (outcome->original[i].found_after < 0 && rules->original[i][feature])
            outcome->original[i].found_after = after;
        all &= outcome->original[i].found_after >= 0;
    }
    return all;
}

static struct outcome outcome_none(void)
{
    struct outcome outcome = {0};
    for (size_t t = 0; t < THRESHOLD_COUNT; t++)
        outcome.rule[t].found_after = -1;
    for (size_t i = 0; i < SIMULATED_METHODS; i++)
        outcome.original[i].found_after = -1;
    return outcome;
}

static void change_begin_or_end(const struct simulation *simulation, struct traffic *traffic,
                                uint64_t row)
{
    if (simulation->change && row == simulation->change_from)
        traffic_change(traffic, simulation->change, simulation->changed);
    if (simulation->change && row == simulation->change_to)
        traffic_change(traffic, NULL, 0);
}

void simulate(const struct simulation *simulation, struct outcome *ret_outcome,
              const struct simulation_watcher *watcher)
{
    const uint64_t rows_per_scrape = (uint64_t)simulation->rate * SCRAPE_MS / 1000;
    struct monitor *monitor = monitor_create(simulation);
    struct traffic *traffic = traffic_create(2 * simulation->seed + 1, simulation->correlation);
    struct rules *rules = calloc(1, sizeof(*rules));
    struct exported exported[TRAFFIC_FEATURES];
    if (!traffic || !rules)
        abort();
    *ret_outcome = outcome_none();
    for (uint64_t row = 0; row < simulation->rows; row++) {
        struct traffic_row values;
        const int64_t now_ms = (int64_t)((row + 1) * 1000 / simulation->rate);
        change_begin_or_end(simulation, traffic, row);
        traffic_next(traffic, &values);
        monitor_observe(monitor, &values, now_ms);
        if ((row + 1) % rows_per_scrape != 0)
            continue;
        monitor_scrape(monitor, now_ms, exported);
        rules_evaluate(rules, exported, now_ms, ret_outcome);
        if (watcher)
            watcher->scraped(watcher->context, exported, rules->ours[watcher->threshold]);
        if (simulation->change && row >= simulation->change_from &&
            found(rules, simulation->changed, (int64_t)(row + 1 - simulation->change_from),
                  ret_outcome) &&
            simulation->until_found)
            break;
    }
    free(rules);
    traffic_destroy(traffic);
    monitor_destroy(monitor);
}
