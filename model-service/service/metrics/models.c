/* models.c - metrics of models, their features and their predictions. */
#include "service/metrics/metrics.h"

#include <math.h>

/* --- per feature and method --- */

static double method_value(const struct detector_method_report *method, int selector)
{
    switch (selector) {
    case METHOD_SCORE:
        return method->score;
    case METHOD_P_VALUE:
        return method->p_value;
    default:
        return method->significant;
    }
}

void metrics_methods(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        for (size_t f = 0; f < model->report.feature_count; f++)
            for (enum drift_method method = 0; method < METHOD_COUNT; method++) {
                const struct detector_feature_report *feature = &model->report.features[f];
                if (!feature->method[method].applies)
                    continue;
                const struct metric_label labels[] = {{"model", model->name},
                                                      {"feature", feature->name},
                                                      {"method", drift_method_name(method)}};
                exposition_sample(out, labels, 3, method_value(&feature->method[method], selector));
            }
    }
}

/* --- per feature --- */

static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

static double feature_value(const struct detector_feature_report *feature, int selector)
{
    switch (selector) {
    case FEATURE_MEAN:
        return feature->window_mean;
    case FEATURE_STD:
        return feature->window_deviation;
    case FEATURE_REFERENCE_MEAN:
        return feature->reference_mean;
    case FEATURE_REFERENCE_STD:
        return feature->reference_deviation;
    case FEATURE_MISSING:
        return (double)feature->missing_total;
    case FEATURE_MISSING_RATIO:
        return ratio(feature->window_missing, feature->window_rows);
    case FEATURE_REFERENCE_MISSING_RATIO:
        return ratio(feature->reference_missing, feature->reference_rows);
    case FEATURE_MISSING_SIGNIFICANT:
        return feature->missing_significant;
    case FEATURE_UNSEEN:
        return (double)feature->unseen_total;
    case FEATURE_UNSEEN_RATIO:
        return ratio(feature->window_unseen, feature->window_rows);
    case FEATURE_OUT_OF_RANGE:
        return (double)feature->out_of_range_total;
    case FEATURE_DRIFT_SINCE:
        return (double)feature->drifted_since_ms / 1000;
    default:
        return (double)feature->infinite_total;
    }
}

static bool feature_has(const struct detector_feature_report *feature, int selector)
{
    switch (selector) {
    case FEATURE_MISSING:
    case FEATURE_MISSING_RATIO:
    case FEATURE_REFERENCE_MISSING_RATIO:
    case FEATURE_MISSING_SIGNIFICANT:
        return !feature->prediction; /* a prediction is there or absent */
    case FEATURE_UNSEEN:
    case FEATURE_UNSEEN_RATIO:
        return feature->type == FEATURE_CATEGORICAL;
    case FEATURE_DRIFT_SINCE:
        return feature->drifted && feature->drifted_since_ms > 0;
    default:
        return feature->type == FEATURE_NUMERIC;
    }
}

void metrics_features(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        for (size_t f = 0; f < model->report.feature_count; f++) {
            const struct detector_feature_report *feature = &model->report.features[f];
            if (!feature_has(feature, selector))
                continue;
            const struct metric_label labels[] = {{"model", model->name},
                                                  {"feature", feature->name}};
            exposition_sample(out, labels, 2, feature_value(feature, selector));
        }
    }
}

void metrics_feature_thresholds(struct exposition *out, const struct snapshot *snapshot,
                                int selector)
{
    (void)selector;
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        for (size_t f = 0; f < model->report.feature_count; f++)
            for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++) {
                const struct detector_feature_report *feature = &model->report.features[f];
                const struct metric_label labels[] = {{"model", model->name},
                                                      {"feature", feature->name},
                                                      {"severity", drift_severity_name(s)}};
                exposition_sample(out, labels, 3, feature->threshold[s]);
            }
    }
}

void metrics_categories(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        for (size_t f = 0; f < model->report.feature_count; f++) {
            const struct detector_feature_report *feature = &model->report.features[f];
            for (size_t c = 0; c < feature->category_count; c++) {
                const struct detector_category_report *category = &feature->category[c];
                const struct metric_label labels[] = {{"model", model->name},
                                                      {"feature", feature->name},
                                                      {"category", category->name}};
                exposition_sample(out, labels, 3,
                                  selector == CATEGORY_RATIO ? category->window_ratio
                                                             : category->reference_ratio);
            }
        }
    }
}

/* --- per model --- */

static double model_value(const struct model_snapshot *model, int selector)
{
    const struct detector_report *report = &model->report;
    switch (selector) {
    case MODEL_WINDOW:
        return (double)report->window_rows;
    case MODEL_CAPACITY:
        return (double)report->window_capacity;
    case MODEL_MINIMUM:
        return (double)report->minimum_sample;
    case MODEL_REFERENCE:
        return (double)report->reference_rows;
    case MODEL_LAST_OBSERVATION:
        return (double)report->last_observation_ms / 1000;
    case MODEL_SIGNIFICANCE:
        return report->significance;
    case MODEL_OBSERVATIONS:
        return (double)report->observations_total;
    case MODEL_REJECTED:
        return (double)model->counters.rejected;
    default:
        return (double)model->counters.simulated;
    }
}

/* A duration window has no capacity, and before the first observation there is no last one. */
static bool model_has(const struct model_snapshot *model, int selector)
{
    if (selector == MODEL_CAPACITY)
        return model->report.window_capacity > 0;
    return selector != MODEL_LAST_OBSERVATION || model->report.last_observation_ms > 0;
}

void metrics_models(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        const struct metric_label label = {"model", model->name};
        if (model_has(model, selector))
            exposition_sample(out, &label, 1, model_value(model, selector));
    }
}

void metrics_predictions(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    (void)selector;
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        const char *label;
        uint64_t count;
        for (size_t i = 0; (label = served_model_prediction_label(model->model, i, &count)); i++) {
            const struct metric_label labels[] = {{"model", model->name},
                                                  {"prediction_class", label}};
            exposition_count(out, labels, 2, count);
        }
    }
}

void metrics_severities(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++) {
            const struct metric_label labels[] = {{"model", model->name},
                                                  {"severity", drift_severity_name(s)}};
            exposition_sample(out, labels, 2,
                              selector == SEVERITY_ONSETS ? (double)model->report.onsets[s]
                                                          : model->report.threshold[s]);
        }
    }
}

void metrics_latency(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    (void)selector;
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        const struct metric_label label = {"model", model->name};
        const struct metric_histogram histogram = {
            .bounds = latency_bounds,
            .counts = model->counters.latency_counts,
            .buckets = LATENCY_BUCKETS,
            .sum = model->counters.latency_sum_seconds,
        };
        exposition_histogram(out, &label, 1, &histogram);
    }
}
