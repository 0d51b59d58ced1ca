/* features.c - metrics of features: of their windows, methods and categories. */
#include "service/metrics/family.h"
#include "system/clock.h"

#include <math.h>

void walk_features(struct exposition *out, const struct model_snapshot *model,
                   union metric_value value)
{
    for (size_t f = 0; f < model->report.feature_count; f++) {
        const struct detector_feature_report *feature = &model->report.features[f];
        const struct metric_label labels[] = {{"model", model->name}, {"feature", feature->name}};
        double number;

        if (value.feature(feature, &number))
            exposition_sample(out, labels, 2, number);
    }
}

void walk_methods(struct exposition *out, const struct model_snapshot *model,
                  union metric_value value)
{
    for (size_t f = 0; f < model->report.feature_count; f++)
        for (enum drift_method m = 0; m < METHOD_COUNT; m++) {
            const struct detector_feature_report *feature = &model->report.features[f];
            const struct metric_label labels[] = {{"model", model->name},
                                                  {"feature", feature->name},
                                                  {"method", drift_method_name(m)}};
            double number;

            if (value.method(&feature->method[m], &number))
                exposition_sample(out, labels, 3, number);
        }
}

void walk_categories(struct exposition *out, const struct model_snapshot *model,
                     union metric_value value)
{
    for (size_t f = 0; f < model->report.feature_count; f++) {
        const struct detector_feature_report *feature = &model->report.features[f];

        for (size_t c = 0; c < feature->category_count; c++) {
            const struct metric_label labels[] = {{"model", model->name},
                                                  {"feature", feature->name},
                                                  {"category", feature->category[c].name}};
            double number;

            if (value.category(&feature->category[c], &number))
                exposition_sample(out, labels, 3, number);
        }
    }
}

void write_feature_thresholds(struct exposition *out, const struct model_snapshot *model,
                              union metric_value value)
{
    (void)value;
    for (size_t f = 0; f < model->report.feature_count; f++)
        for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++) {
            const struct detector_feature_report *feature = &model->report.features[f];
            const struct metric_label labels[] = {{"model", model->name},
                                                  {"feature", feature->name},
                                                  {"severity", drift_severity_name(s)}};

            exposition_sample(out, labels, 3, feature->threshold[s]);
        }
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

/* --- numeric features --- */

bool feature_mean(const struct detector_feature_report *feature, double *ret_value)
{
    *ret_value = feature->window_mean;
    return feature->type == FEATURE_NUMERIC;
}

bool feature_deviation(const struct detector_feature_report *feature, double *ret_value)
{
    *ret_value = feature->window_deviation;
    return feature->type == FEATURE_NUMERIC;
}

bool feature_reference_mean(const struct detector_feature_report *feature, double *ret_value)
{
    *ret_value = feature->reference_mean;
    return feature->type == FEATURE_NUMERIC;
}

bool feature_reference_deviation(const struct detector_feature_report *feature, double *ret_value)
{
    *ret_value = feature->reference_deviation;
    return feature->type == FEATURE_NUMERIC;
}

bool feature_infinite(const struct detector_feature_report *feature, double *ret_value)
{
    *ret_value = (double)feature->infinite_total;
    return feature->type == FEATURE_NUMERIC;
}

bool feature_out_of_range(const struct detector_feature_report *feature, double *ret_value)
{
    *ret_value = (double)feature->out_of_range_total;
    return feature->type == FEATURE_NUMERIC;
}

/* --- categorical features --- */

bool feature_unseen(const struct detector_feature_report *feature, double *ret_value)
{
    *ret_value = (double)feature->unseen_total;
    return feature->type == FEATURE_CATEGORICAL;
}

bool feature_unseen_ratio(const struct detector_feature_report *feature, double *ret_value)
{
    *ret_value = ratio(feature->window_unseen, feature->window_rows);
    return feature->type == FEATURE_CATEGORICAL;
}

/* --- inputs; a prediction is there or absent, never missing --- */

bool feature_missing(const struct detector_feature_report *feature, double *ret_value)
{
    *ret_value = (double)feature->missing_total;
    return !feature->prediction;
}

bool feature_missing_ratio(const struct detector_feature_report *feature, double *ret_value)
{
    *ret_value = ratio(feature->window_missing, feature->window_rows);
    return !feature->prediction;
}

bool feature_reference_missing_ratio(const struct detector_feature_report *feature,
                                     double *ret_value)
{
    *ret_value = ratio(feature->reference_missing, feature->reference_rows);
    return !feature->prediction;
}

bool feature_missing_significant(const struct detector_feature_report *feature, double *ret_value)
{
    *ret_value = feature->missing_significant;
    return !feature->prediction;
}

/* --- all features --- */

bool feature_drift_since(const struct detector_feature_report *feature, double *ret_value)
{
    *ret_value = (double)clock_wall_of(feature->drifted_since_ms) / 1000;
    return feature->drifted && feature->drifted_since_ms > 0;
}

bool feature_effective_rows(const struct detector_feature_report *feature, double *ret_value)
{
    *ret_value = feature->effective_rows;
    return true;
}

bool method_score(const struct detector_method_report *method, double *ret_value)
{
    *ret_value = method->score;
    return method->applies;
}

bool method_p_value(const struct detector_method_report *method, double *ret_value)
{
    *ret_value = method->p_value;
    return method->applies;
}

bool method_significant(const struct detector_method_report *method, double *ret_value)
{
    *ret_value = method->significant;
    return method->applies;
}

bool category_ratio(const struct detector_category_report *category, double *ret_value)
{
    *ret_value = category->window_ratio;
    return true;
}

bool category_reference_ratio(const struct detector_category_report *category, double *ret_value)
{
    *ret_value = category->reference_ratio;
    return true;
}
