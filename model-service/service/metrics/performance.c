/* performance.c - metrics of performance, labels and concept drift. */
#include "service/metrics/metrics.h"

#include <math.h>

/* --- per metric --- */

static double performance_number(const struct concept_metric *metric, int selector)
{
    switch (selector) {
    case PERFORMANCE_REFERENCE_VALUE:
        return metric->reference.value;
    case PERFORMANCE_IS_DEGRADED:
        return metric->degraded;
    default:
        return metric->window.value;
    }
}

void metrics_performance(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        for (enum performance_metric p = 0; p < PERFORMANCE_METRIC_COUNT; p++) {
            const struct concept_metric *metric = &model->concept.metric[p];
            const struct metric_label labels[] = {{"model", model->name},
                                                  {"metric", performance_metric_name(p)}};
            if (metric->applies)
                exposition_sample(out, labels, 2, performance_number(metric, selector));
        }
    }
}

void metrics_performance_interval(struct exposition *out, const struct snapshot *snapshot,
                                  int selector)
{
    (void)selector;
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        for (enum performance_metric p = 0; p < PERFORMANCE_METRIC_COUNT; p++) {
            const struct concept_metric *metric = &model->concept.metric[p];
            struct metric_label labels[] = {
                {"model", model->name}, {"metric", performance_metric_name(p)}, {"bound", "lower"}};
            if (!metric->applies)
                continue;
            exposition_sample(out, labels, 3, metric->window.lower);
            labels[2].value = "upper";
            exposition_sample(out, labels, 3, metric->window.upper);
        }
    }
}

/* --- per detector --- */

static void detector_sample(struct exposition *out, const struct change_watch_report *detector,
                            const struct metric_label *labels, size_t label_count, int selector)
{
    if (!detector->enabled)
        return;
    if (selector == CONCEPT_STATE)
        exposition_sample(out, labels, label_count, detector->state);
    else if (selector == CONCEPT_ONSETS)
        exposition_count(out, labels, label_count, detector->onsets);
    else if (detector->state == CHANGE_DRIFT)
        exposition_sample(out, labels, label_count, (double)detector->onset_ms / 1000);
}

void metrics_concept(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        for (enum change_detector_kind kind = 0; kind < CHANGE_DETECTOR_COUNT; kind++) {
            const struct metric_label labels[] = {{"model", model->name},
                                                  {"detector", change_detector_name(kind)}};
            detector_sample(out, &model->concept.detector[kind], labels, 2, selector);
        }
    }
}

void metrics_streams(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        for (size_t s = 0; s < model->stream_count; s++)
            for (enum change_detector_kind kind = 0; kind < CHANGE_DETECTOR_COUNT; kind++) {
                const struct metric_label labels[] = {{"model", model->name},
                                                      {"feature", model->streams[s].name},
                                                      {"detector", change_detector_name(kind)}};
                detector_sample(out, &model->streams[s].detector[kind], labels, 3, selector);
            }
    }
}

/* --- labels --- */

static bool label_has(const struct concept_report *concept, int selector)
{
    return selector != LABELS_LAST || concept->labels.last_label_ms > 0;
}

static double label_number(const struct concept_report *concept, int selector)
{
    switch (selector) {
    case LABELS_WINDOW:
        return (double)concept
        ->window_labels;
    case LABELS_COVERAGE:
        return concept
        ->coverage;
    case LABELS_PENDING:
        return (double)concept
        ->labels.pending;
    case LABELS_LAST:
        return (double)concept
        ->labels.last_label_ms / 1000;
    default:
        return concept
        ->drift;
    }
}

void metrics_labels(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        const struct metric_label label = {"model", model->name};
        if (label_has(&model->concept, selector))
            exposition_sample(out, &label, 1, label_number(&model->concept, selector));
    }
}

void metrics_label_results(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    (void)selector;
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        const struct label_counters *counters = &model->concept.labels;
        struct metric_label labels[] = {{"model", model->name}, {"result", NULL}};
        for (enum label_result r = 0; r < LABEL_RESULT_COUNT; r++) {
            labels[1].value = label_result_name(r);
            exposition_count(out, labels, 2, counters->labels[r]);
        }
        labels[1].value = "expired";
        exposition_count(out, labels, 2, counters->expired);
    }
}

void metrics_label_lag(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    (void)selector;
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        const struct metric_label label = {"model", model->name};
        const struct metric_histogram histogram = {
            .bounds = label_lag_bounds,
            .counts = model->concept.labels.lag,
            .buckets = LABEL_LAG_BOUNDS,
            .sum = model->concept.labels.lag_sum_seconds,
        };
        exposition_histogram(out, &label, 1, &histogram);
    }
}
