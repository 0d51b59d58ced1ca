/* models.c - metrics of models and their predictions. */
#include "service/metrics/family.h"
#include "system/clock.h"

#include <inttypes.h>
#include <stdio.h>

void walk_model(struct exposition *out, const struct model_snapshot *model,
                union metric_value value)
{
    const struct metric_label label = {"model", model->name};
    double number;

    if (value.model(model, &number))
        exposition_sample(out, &label, 1, number);
}

void walk_severities(struct exposition *out, const struct model_snapshot *model,
                     union metric_value value)
{
    for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++) {
        const struct metric_label labels[] = {{"model", model->name},
                                              {"severity", drift_severity_name(s)}};
        double number;

        if (value.severity(&model->report, s, &number))
            exposition_sample(out, labels, 2, number);
    }
}

void write_model_info(struct exposition *out, const struct model_snapshot *model,
                      union metric_value value)
{
    char reference[17];
    const struct metric_label labels[] = {{"model", model->name},
                                          {"version", served_model_version(model->model)},
                                          {"reference", reference}};

    (void)value;
    snprintf(reference, sizeof(reference), "%016" PRIx64, model->report.reference_fingerprint);
    exposition_sample(out, labels, 3, 1);
}

void write_predictions(struct exposition *out, const struct model_snapshot *model,
                       union metric_value value)
{
    const char *label;
    uint64_t count;

    (void)value;
    for (size_t i = 0; (label = served_model_prediction_label(model->model, i, &count)); i++) {
        const struct metric_label labels[] = {{"model", model->name}, {"prediction_class", label}};

        exposition_count(out, labels, 2, count);
    }
}

void write_latency(struct exposition *out, const struct model_snapshot *model,
                   union metric_value value)
{
    const struct metric_label label = {"model", model->name};
    const struct metric_histogram histogram = {
        .bounds = latency_bounds,
        .counts = model->counters.latency_counts,
        .buckets = LATENCY_BUCKETS,
        .sum = model->counters.latency_sum_seconds,
    };

    (void)value;
    exposition_histogram(out, &label, 1, &histogram);
}

bool model_window(const struct model_snapshot *model, double *ret_value)
{
    *ret_value = (double)model->report.window_rows;
    return true;
}

/* A window by duration has no capacity. */
bool model_capacity(const struct model_snapshot *model, double *ret_value)
{
    *ret_value = (double)model->report.window_capacity;
    return model->report.window_capacity > 0;
}

bool model_minimum_sample(const struct model_snapshot *model, double *ret_value)
{
    *ret_value = (double)model->report.minimum_sample;
    return true;
}

bool model_reference(const struct model_snapshot *model, double *ret_value)
{
    *ret_value = (double)model->report.reference_rows;
    return true;
}

bool model_false_page_budget(const struct model_snapshot *model, double *ret_value)
{
    *ret_value = model->false_page_seconds;
    return true;
}

bool model_significance(const struct model_snapshot *model, double *ret_value)
{
    *ret_value = model->report.significance;
    return true;
}

bool model_last_observation(const struct model_snapshot *model, double *ret_value)
{
    *ret_value = (double)clock_wall_of(model->report.last_observation_ms) / 1000;
    return model->report.last_observation_ms > 0;
}

bool model_observations(const struct model_snapshot *model, double *ret_value)
{
    *ret_value = (double)model->report.observations_total;
    return true;
}

bool model_rejected(const struct model_snapshot *model, double *ret_value)
{
    *ret_value = (double)model->counters.rejected;
    return true;
}

bool model_simulated(const struct model_snapshot *model, double *ret_value)
{
    *ret_value = (double)model->counters.simulated;
    return true;
}

bool severity_threshold(const struct detector_report *report, enum drift_severity severity,
                        double *ret_value)
{
    *ret_value = report->threshold[severity];
    return true;
}

bool severity_onsets(const struct detector_report *report, enum drift_severity severity,
                     double *ret_value)
{
    *ret_value = (double)report->onsets[severity];
    return true;
}

bool severity_incidents(const struct detector_report *report, enum drift_severity severity,
                        double *ret_value)
{
    *ret_value = (double)report->incidents[severity];
    return true;
}
