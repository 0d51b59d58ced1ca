/* trace.c - fills what a model remembers of itself (history.h, measures.h, traffic.h, past.h), and
 * reads it. */
#include "served/internal.h"

#include "row/split_mix.h"
#include "system/clock.h"

#include <errno.h>
#include <stdlib.h>

int trace_init(struct guarded_history *trace, size_t features)
{
    trace->history = model_history_create(features);
    trace->measures = model_measures_create(features);
    trace->past = model_past_create(features);
    trace->traffic = calloc(1, sizeof(*trace->traffic));
    if (trace->history && trace->measures && trace->past && trace->traffic) {
        pthread_mutex_init(&trace->mu, NULL);
        return 0;
    }
    model_history_destroy(trace->history);
    model_measures_destroy(trace->measures);
    model_past_destroy(trace->past);
    free(trace->traffic);
    return -ENOMEM;
}

void trace_finish(struct guarded_history *trace)
{
    pthread_mutex_destroy(&trace->mu);
    model_history_destroy(trace->history);
    model_measures_destroy(trace->measures);
    model_past_destroy(trace->past);
    free(trace->traffic);
}

/* --- filling --- */

/* Without memory this moment is left out. */
static void follow_drift(struct served_model *model, int64_t now_ms)
{
    struct detector_report report;
    if (served_model_report(model, &report) < 0)
        return;
    pthread_mutex_lock(&model->history.mu);
    model_history_add(model->history.history, &report, now_ms, clock_wall_of);
    journal_history(model);
    model_measures_add(model->history.measures, &report, now_ms);
    pthread_mutex_unlock(&model->history.mu);
    free(report.features);
}

static void follow_traffic(struct served_model *model, int64_t now_ms)
{
    struct traffic_count now = {0};
    struct served_model_counters counters;
    uint64_t count;
    for (size_t i = 0; served_model_prediction_label(model, i, &count); i++)
        now.predictions[i < TRAFFIC_CLASSES ? i : TRAFFIC_CLASSES - 1] += count;
    served_model_counters(model, &counters);
    for (size_t b = 0; b <= LATENCY_BUCKETS; b++)
        now.latency[b] = counters.latency_counts[b];
    pthread_mutex_lock(&model->history.mu);
    model_traffic_add(model->history.traffic, &now, now_ms);
    pthread_mutex_unlock(&model->history.mu);
}

/* Measured once in an interval, and only if there are new labels: it costs what a scrape does. */
static void follow_performance(struct served_model *model, int64_t now_ms)
{
    struct guarded_history *trace = &model->history;
    pthread_mutex_lock(&model->labels.mu);
    const uint64_t labels = concept_monitor_total_labels(model->labels.monitor);
    pthread_mutex_unlock(&model->labels.mu);
    if (labels == trace->seen_labels ||
        now_ms / HISTORY_FINE_MS == trace->performance_ms / HISTORY_FINE_MS)
        return;
    struct concept_report report;
    served_model_concept(model, NULL, &report);
    trace->seen_labels = labels;
    trace->performance_ms = now_ms;
    pthread_mutex_lock(&trace->mu);
    model_measures_add_performance(trace->measures, &report, now_ms);
    pthread_mutex_unlock(&trace->mu);
}

/* A feature at a time, so that predictions wait for one of them only. */
static void follow_windows(struct served_model *model, int64_t now_ms)
{
    struct past_shape shape;
    pthread_mutex_lock(&model->history.mu);
    const bool due = model_past_begin(model->history.past, now_ms);
    pthread_mutex_unlock(&model->history.mu);
    for (size_t f = 0; due && f < model->definition.row_features; f++) {
        pthread_mutex_lock(&model->windows.mu);
        detector_shape(model->windows.detector, f, &shape);
        pthread_mutex_unlock(&model->windows.mu);
        pthread_mutex_lock(&model->history.mu);
        model_past_keep(model->history.past, f, &shape);
        pthread_mutex_unlock(&model->history.mu);
    }
}

void served_model_follow(struct served_model *model)
{
    const int64_t now_ms = clock_tick_ms();
    follow_drift(model, now_ms);
    follow_traffic(model, now_ms);
    follow_performance(model, now_ms);
    follow_windows(model, now_ms);
}

/* --- reading --- */

uint64_t served_model_revision(struct served_model *model)
{
    const int64_t interval = clock_tick_ms() / HISTORY_FINE_MS;
    pthread_mutex_lock(&model->windows.mu);
    uint64_t revision = detector_observations(model->windows.detector);
    pthread_mutex_unlock(&model->windows.mu);
    pthread_mutex_lock(&model->labels.mu);
    revision = split_mix_at(revision) ^ concept_monitor_total_labels(model->labels.monitor);
    pthread_mutex_unlock(&model->labels.mu);
    return split_mix_at(revision) ^ (uint64_t)interval;
}

size_t served_model_history(struct served_model *model, size_t feature, bool coarse,
                            struct history_point *points)
{
    pthread_mutex_lock(&model->history.mu);
    const size_t count = coarse ? model_history_coarse(model->history.history, feature, points)
                                : model_history_fine(model->history.history, feature, points);
    pthread_mutex_unlock(&model->history.mu);
    return count;
}

size_t served_model_facts(struct served_model *model, size_t feature, struct history_facts *facts)
{
    pthread_mutex_lock(&model->history.mu);
    const size_t count = model_measures_facts(model->history.measures, feature, facts);
    pthread_mutex_unlock(&model->history.mu);
    return count;
}

size_t served_model_performance(struct served_model *model, bool coarse,
                                struct history_performance *rows)
{
    pthread_mutex_lock(&model->history.mu);
    const size_t count = model_measures_performance(model->history.measures, coarse, rows);
    pthread_mutex_unlock(&model->history.mu);
    return count;
}

size_t served_model_traffic(struct served_model *model, struct traffic_interval *intervals)
{
    pthread_mutex_lock(&model->history.mu);
    const size_t count = model_traffic_read(model->history.traffic, intervals);
    pthread_mutex_unlock(&model->history.mu);
    return count;
}

size_t served_model_incidents(struct served_model *model, struct incident *incidents)
{
    pthread_mutex_lock(&model->history.mu);
    const size_t count = model_history_incidents(model->history.history, incidents);
    pthread_mutex_unlock(&model->history.mu);
    return count;
}

int served_model_against(struct served_model *model, size_t feature, int64_t ago_ms,
                         struct detector_feature_report *report,
                         struct feature_picture *ret_picture, int64_t *ret_then_ms)
{
    const int64_t now_ms = clock_tick_ms();
    struct past_shape shape;
    pthread_mutex_lock(&model->history.mu);
    const int rc =
        model_past_find(model->history.past, feature, now_ms - ago_ms, now_ms, &shape, ret_then_ms);
    pthread_mutex_unlock(&model->history.mu);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&model->windows.mu);
    detector_picture_against(model->windows.detector, feature, &shape, report, ret_picture);
    pthread_mutex_unlock(&model->windows.mu);
    return 0;
}
