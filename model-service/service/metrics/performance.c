/* performance.c - metrics of performance, labels and concept drift. */
#include "service/metrics/family.h"
#include "system/clock.h"

void walk_performance(struct exposition *out, const struct model_snapshot *model,
                      union metric_value value)
{
    for (enum performance_metric m = 0; m < PERFORMANCE_METRIC_COUNT; m++) {
        const struct metric_label labels[] = {{"model", model->name},
                                              {"metric", drift_performance_metric_name(m)}};
        double number;

        if (value.performance(&model->concept.metric[m], &number))
            exposition_sample(out, labels, 2, number);
    }
}

void write_performance_intervals(struct exposition *out, const struct model_snapshot *model,
                                 union metric_value value)
{
    (void)value;
    for (enum performance_metric m = 0; m < PERFORMANCE_METRIC_COUNT; m++) {
        const struct concept_metric *metric = &model->concept.metric[m];
        struct metric_label labels[] = {{"model", model->name},
                                        {"metric", drift_performance_metric_name(m)},
                                        {"bound", "lower"}};

        if (!metric->applies)
            continue;
        exposition_sample(out, labels, 3, metric->window.lower);
        labels[2].value = "upper";
        exposition_sample(out, labels, 3, metric->window.upper);
    }
}

/* --- detectors of change --- */

void walk_detectors(struct exposition *out, const struct model_snapshot *model,
                    union metric_value value)
{
    for (enum change_detector_kind k = 0; k < CHANGE_DETECTOR_COUNT; k++) {
        const struct metric_label labels[] = {{"model", model->name},
                                              {"detector", drift_change_detector_name(k)}};
        double number;

        if (value.detector(&model->concept.detector[k], &number))
            exposition_sample(out, labels, 2, number);
    }
}

void walk_streams(struct exposition *out, const struct model_snapshot *model,
                  union metric_value value)
{
    for (size_t s = 0; s < model->stream_count; s++)
        for (enum change_detector_kind k = 0; k < CHANGE_DETECTOR_COUNT; k++) {
            const struct metric_label labels[] = {{"model", model->name},
                                                  {"feature", model->streams[s].name},
                                                  {"detector", drift_change_detector_name(k)}};
            double number;

            if (value.detector(&model->streams[s].detector[k], &number))
                exposition_sample(out, labels, 3, number);
        }
}

/* --- labels --- */

void write_label_results(struct exposition *out, const struct model_snapshot *model,
                         union metric_value value)
{
    const struct label_counters *counters = &model->concept.labels;
    struct metric_label labels[] = {{"model", model->name}, {"result", NULL}};

    (void)value;
    for (enum label_result r = 0; r < LABEL_RESULT_COUNT; r++) {
        labels[1].value = drift_label_result_name(r);
        exposition_count(out, labels, 2, counters->labels[r]);
    }
    labels[1].value = "expired";
    exposition_count(out, labels, 2, counters->expired);
}

void write_label_lag(struct exposition *out, const struct model_snapshot *model,
                     union metric_value value)
{
    const struct metric_label label = {"model", model->name};
    const struct metric_histogram histogram = {
        .bounds = label_lag_bounds,
        .counts = model->concept.labels.lag,
        .buckets = LABEL_LAG_BOUNDS,
        .sum = model->concept.labels.lag_sum_seconds,
    };

    (void)value;
    exposition_histogram(out, &label, 1, &histogram);
}

/* --- values --- */

bool metric_window(const struct concept_metric *metric, double *ret_value)
{
    *ret_value = metric->window.value;
    return metric->applies;
}

bool metric_reference(const struct concept_metric *metric, double *ret_value)
{
    *ret_value = metric->reference.value;
    return metric->applies;
}

bool metric_degraded(const struct concept_metric *metric, double *ret_value)
{
    *ret_value = metric->degraded;
    return metric->applies;
}

bool detector_state(const struct drift_change_watch_report *detector, double *ret_value)
{
    *ret_value = detector->state;
    return detector->enabled;
}

bool detector_onsets(const struct drift_change_watch_report *detector, double *ret_value)
{
    *ret_value = (double)detector->onsets;
    return detector->enabled;
}

bool detector_onset_time(const struct drift_change_watch_report *detector, double *ret_value)
{
    *ret_value = (double)clock_wall_of(detector->onset_ms) / 1000;
    return detector->enabled && detector->state == CHANGE_DRIFT;
}

bool labels_window(const struct model_snapshot *model, double *ret_value)
{
    *ret_value = (double)model->concept.window_labels;
    return true;
}

bool labels_coverage(const struct model_snapshot *model, double *ret_value)
{
    *ret_value = model->concept.coverage;
    return true;
}

bool labels_pending(const struct model_snapshot *model, double *ret_value)
{
    *ret_value = (double)model->concept.labels.pending;
    return true;
}

bool labels_last(const struct model_snapshot *model, double *ret_value)
{
    *ret_value = (double)clock_wall_of(model->concept.labels.last_label_ms) / 1000;
    return model->concept.labels.last_label_ms > 0;
}

bool concept_drift(const struct model_snapshot *model, double *ret_value)
{
    *ret_value = model->concept.drift;
    return true;
}
