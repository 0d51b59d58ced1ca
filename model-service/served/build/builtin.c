/* builtin.c - the synthetic model that is served without a configuration. */
#include "served/build/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const builtin_names[BUILTIN_FEATURES] = {"feature_0", "feature_1", "feature_2",
                                                            "feature_3", "feature_4"};
static const double builtin_weights[BUILTIN_FEATURES] = {0.5, -0.3, 0.8, 0.2, -0.6};

static int builtin_reference(double *columns[BUILTIN_FEATURES])
{
    struct data_generator *generator;
    int rc = data_generator_create_synthetic(BUILTIN_FEATURES, BUILTIN_SEED, 0, &generator);
    if (rc < 0)
        return rc;
    for (size_t r = 0; r < BUILTIN_REFERENCE; r++) {
        double row[BUILTIN_FEATURES];
        data_generator_next(generator, row);
        for (size_t f = 0; f < BUILTIN_FEATURES; f++)
            columns[f][r] = row[f];
    }
    data_generator_destroy(generator);
    return 0;
}

/* Labels that follow the model's own probability: it is calibrated, and right 7 times in 10. */
static int builtin_concept(struct served_model *model,
                           const struct reference_predictions *predictions)
{
    const char **texts = calloc(BUILTIN_REFERENCE, sizeof(*texts));
    if (!texts)
        return -ENOMEM;
    struct label_draw draw = label_draw_begin(0);
    for (size_t r = 0; r < BUILTIN_REFERENCE; r++)
        texts[r] = model->class_names[label_draw_class(&draw, &predictions->score[r], 1)];
    const struct label_settings settings = {.capacity = CONFIG_DEFAULT_CAPACITY,
                                            .window = BUILTIN_LABEL_WINDOW,
                                            .max_age_ms = CONFIG_DEFAULT_MAX_AGE_MS,
                                            .detectors = CONFIG_ALL_DETECTORS,
                                            .significance = CONFIG_DEFAULT_SIGNIFICANCE,
                                            .minimum_sample = BUILTIN_MIN_SAMPLE};
    const struct reference_labels labels = {.text = texts};
    int rc = served_model_create_concept(model, &settings, predictions, &labels);
    free(texts);
    return rc;
}

static int builtin_detector(struct served_model *model, double *columns[BUILTIN_FEATURES],
                            double warning_override, char error[SERVED_MODEL_ERROR_BYTES])
{
    struct detector_feature features[BUILTIN_FEATURES + 2];
    for (size_t f = 0; f < BUILTIN_FEATURES; f++)
        features[f] = (struct detector_feature){
            .name = builtin_names[f], .type = FEATURE_NUMERIC, .reference_numbers = columns[f]};
    struct detector_spec spec = {
        .reference_rows = BUILTIN_REFERENCE,
        .window = {.kind = WINDOW_COUNT, .observations = BUILTIN_WINDOW},
        .minimum_sample = BUILTIN_MIN_SAMPLE,
        .threshold = {CONFIG_DEFAULT_WARNING, CONFIG_DEFAULT_CRITICAL},
        .significance = CONFIG_DEFAULT_SIGNIFICANCE,
        .methods = DETECTOR_LIVE_METHODS,
        .bins = CONFIG_DEFAULT_BINS,
    };
    int rc = served_model_override(model->name, spec.threshold, warning_override, error);
    if (rc < 0)
        return rc;
    struct reference_predictions predictions = {0};
    rc = reference_predictions_score(model, (const double *const *)columns, NULL, BUILTIN_REFERENCE,
                                     &predictions);
    if (rc == 0)
        rc = served_model_create_detector(model, features, &spec, &predictions);
    if (rc == 0)
        rc = builtin_concept(model, &predictions);
    reference_predictions_finish(&predictions);
    return rc;
}

static int builtin_create(struct served_model *model, const struct served_model_settings *settings,
                          double *storage, char error[SERVED_MODEL_ERROR_BYTES])
{
    double *columns[BUILTIN_FEATURES];
    for (size_t f = 0; f < BUILTIN_FEATURES; f++)
        columns[f] = storage + f * BUILTIN_REFERENCE;
    model->simulation = model->builtin = true;
    model->type = PREDICTION_BINARY;
    int rc = served_model_name_it(model, BUILTIN_MODEL_NAME, "1", settings);
    for (size_t f = 0; rc == 0 && f < BUILTIN_FEATURES; f++)
        rc = served_model_name_feature(model, f, builtin_names[f], false);
    if (rc == 0)
        rc = logistic_scorer_create(builtin_weights, BUILTIN_FEATURES, 0, 0.1, BUILTIN_SEED,
                                    &model->scorer);
    if (rc == 0)
        rc = served_model_set_classes(model, NULL, scorer_class_count(model->scorer));
    if (rc == 0)
        rc = builtin_reference(columns);
    return rc == 0 ? builtin_detector(model, columns, settings->warning_override, error) : rc;
}

int served_model_create_builtin(const struct served_model_settings *settings,
                                struct served_model **ret_model,
                                char error[SERVED_MODEL_ERROR_BYTES])
{
    snprintf(error, SERVED_MODEL_ERROR_BYTES, "not enough memory for the built-in model");
    struct served_model *model = served_model_allocate(BUILTIN_FEATURES);
    double *storage = calloc((size_t)BUILTIN_FEATURES * BUILTIN_REFERENCE, sizeof(*storage));
    int rc = model && storage ? builtin_create(model, settings, storage, error) : -ENOMEM;
    free(storage);
    if (rc < 0) {
        served_model_release(model);
        return rc;
    }
    *ret_model = model;
    return 0;
}
