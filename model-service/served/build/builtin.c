/* builtin.c - the synthetic model that is served without a configuration. */
#include "data_generator.h"
#include "served/build/build.h"
#include "served/label_draw.h"

#include <errno.h>
#include <stdlib.h>

static const char *const builtin_names[BUILTIN_FEATURES] = {"feature_0", "feature_1", "feature_2",
                                                            "feature_3", "feature_4"};
/* Deviation of the noise that the original system added to its scores. */
#define BUILTIN_NOISE 0.1

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
static int builtin_concept(struct model_parts *parts,
                           const struct reference_predictions *predictions)
{
    const char **texts = calloc(BUILTIN_REFERENCE, sizeof(*texts));
    if (!texts)
        return -ENOMEM;
    struct label_draw draw = label_draw_begin(0);
    for (size_t r = 0; r < BUILTIN_REFERENCE; r++)
        texts[r] =
            parts->definition.classes.name[label_draw_class(&draw, &predictions->score[r], 1)];
    const struct label_settings settings = {.capacity = CONFIG_DEFAULT_CAPACITY,
                                            .window = BUILTIN_LABEL_WINDOW,
                                            .max_age_ms = CONFIG_DEFAULT_MAX_AGE_MS,
                                            .detectors = CONFIG_ALL_DETECTORS,
                                            .significance = CONFIG_DEFAULT_SIGNIFICANCE,
                                            .minimum_sample = BUILTIN_MIN_SAMPLE};
    const struct reference_labels labels = {.text = texts};
    int rc = model_create_concept(parts, &settings, predictions, &labels);
    free(texts);
    return rc;
}

/* The rows are drawn one after the other. */
static const struct reference_order drawn = {.known = true};
static const struct change_rule builtin_rule = {
    .false_page_seconds = (double)CONFIG_DEFAULT_FALSE_PAGES_PER_MS / 1000,
    .materiality = CONFIG_DEFAULT_MATERIALITY};

static int builtin_detector(struct model_parts *parts, double *columns[BUILTIN_FEATURES],
                            double warning_override, struct error *error)
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
    int rc = override_warning(BUILTIN_MODEL_NAME, spec.threshold, warning_override, error);
    if (rc < 0)
        return rc;
    struct reference_predictions predictions = {0};
    rc = reference_predictions_score(&parts->definition, (const double *const *)columns, NULL,
                                     BUILTIN_REFERENCE, &predictions);
    if (rc == 0)
        rc = model_create_detector(parts, features, &spec, &predictions);
    if (rc == 0)
        rc = model_create_changes(parts, &spec, &drawn, CONFIG_DISCOUNT_REFERENCE, &builtin_rule);
    if (rc == 0)
        rc = builtin_concept(parts, &predictions);
    reference_predictions_finish(&predictions);
    return rc;
}

static int builtin_definition(struct model_definition *definition,
                              const struct served_model_settings *settings)
{
    static const char *const classes[] = {"negative", "positive"};
    int rc = model_definition_init(definition, BUILTIN_FEATURES);
    definition->simulation.allowed = definition->simulation.builtin = true;
    definition->type = PREDICTION_BINARY;
    if (rc == 0)
        rc = model_definition_set_name(definition, BUILTIN_MODEL_NAME, "1", settings->id_prefix);
    for (size_t f = 0; rc == 0 && f < BUILTIN_FEATURES; f++)
        rc = model_definition_set_feature(definition, f, builtin_names[f], false);
    if (rc == 0)
        rc = logistic_scorer_create(builtin_weights, BUILTIN_FEATURES, 0, BUILTIN_NOISE,
                                    BUILTIN_SEED, &definition->scorer);
    return rc == 0 ? model_definition_set_classes(definition, classes, 2) : rc;
}

static int builtin_parts(struct model_parts *parts, const struct served_model_settings *settings,
                         double *storage, struct error *error)
{
    double *columns[BUILTIN_FEATURES];
    for (size_t f = 0; f < BUILTIN_FEATURES; f++)
        columns[f] = storage + f * BUILTIN_REFERENCE;
    int rc = builtin_definition(&parts->definition, settings);
    if (rc == 0)
        rc = builtin_reference(columns);
    return rc == 0 ? builtin_detector(parts, columns, settings->warning_override, error) : rc;
}

int served_model_create_builtin(const struct served_model_settings *settings,
                                struct served_model **ret_model, struct error *error)
{
    struct model_parts parts = {0};
    double *storage = calloc((size_t)BUILTIN_FEATURES * BUILTIN_REFERENCE, sizeof(*storage));
    int rc = storage ? builtin_parts(&parts, settings, storage, error) : -ENOMEM;
    free(storage);
    if (rc == 0)
        rc = served_model_assemble(&parts, ret_model);
    if (rc < 0)
        model_parts_finish(&parts);
    return rc == -ENOMEM ? error_set(error, rc, "not enough memory for the built-in model") : rc;
}
