/* concept.c - the concept monitor of a model, which knows the reference's own performance. */
#include "served/build/build.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

_Static_assert((int)CONFIG_DETECTOR_COUNT == (int)CHANGE_DETECTOR_COUNT &&
                   (int)CONFIG_URN == (int)CHANGE_URN,
               "the configuration's detectors are in the order of the kernels");

/* Sampling detectors give the same answer to the same labels at every start. */
#define SAMPLING_SEED 42

static bool output_of_text(const struct model_definition *definition, const char *text,
                           double *ret_output)
{
    const struct value value = {.number = NAN, .text = text, .text_bytes = strlen(text)};
    return model_definition_output(definition, &value, ret_output);
}

/* The reference's rows that have a prediction and a label. */
struct known_rows {
    double *predictions, *labels, *scores;
    size_t count, score_count;
};

static bool row_prediction(const struct model_definition *definition,
                           const struct reference_predictions *predictions, size_t row,
                           double *ret_prediction)
{
    if (predictions->value) {
        *ret_prediction = predictions->value[row];
        return isfinite(*ret_prediction);
    }
    if (predictions->class_text)
        return predictions->class_text[row] &&
               output_of_text(definition, predictions->class_text[row], ret_prediction);
    if (!predictions->score || isnan(predictions->score[row]))
        return false;
    *ret_prediction = (double)scorer_class(PREDICTION_BINARY, &predictions->score[row], 1);
    return true;
}

static bool row_label(const struct model_definition *definition,
                      const struct reference_labels *labels, size_t row, double *ret_label)
{
    if (labels->number) {
        *ret_label = labels->number[row];
        return isfinite(*ret_label);
    }
    return labels->text[row] && output_of_text(definition, labels->text[row], ret_label);
}

static void row_scores(const struct reference_predictions *predictions, size_t row, size_t count,
                       double *scores)
{
    const double *from = predictions->outputs ? &predictions->outputs[row * count]
                         : predictions->score ? &predictions->score[row]
                                              : NULL;
    for (size_t s = 0; s < count; s++)
        scores[s] = from ? from[s] : NAN;
}

static int known_rows_collect(const struct model_definition *definition,
                              const struct reference_predictions *predictions,
                              const struct reference_labels *labels, struct known_rows *known)
{
    const size_t rows = labels->text || labels->number ? predictions->rows : 0;
    const size_t scores = known->score_count;
    known->predictions = calloc(rows + 1, sizeof(double));
    known->labels = calloc(rows + 1, sizeof(double));
    known->scores = calloc(rows + 1, (scores ? scores : 1) * sizeof(double));
    if (!known->predictions || !known->labels || !known->scores)
        return -ENOMEM;
    for (size_t r = 0; r < rows; r++) {
        const size_t at = known->count;
        if (!row_prediction(definition, predictions, r, &known->predictions[at]) ||
            !row_label(definition, labels, r, &known->labels[at]))
            continue;
        row_scores(predictions, r, scores, &known->scores[at * scores]);
        known->count++;
    }
    return 0;
}

static void known_rows_finish(struct known_rows *known)
{
    free(known->predictions);
    free(known->labels);
    free(known->scores);
}

/* Simulated labels of a regression: around which mean, and how far from the prediction. */
static void reference_errors(struct model_definition *definition, const struct known_rows *known)
{
    double sum = 0, squares = 0;
    for (size_t r = 0; r < known->count; r++) {
        const double error = known->predictions[r] - known->labels[r];
        sum += known->predictions[r];
        squares += error * error;
    }
    if (known->count == 0)
        return;
    definition->simulation.prediction_mean = sum / (double)known->count;
    definition->simulation.prediction_error = sqrt(squares / (double)known->count);
}

static enum performance_task task_of(enum prediction_type type)
{
    switch (type) {
    case PREDICTION_MULTICLASS:
        return PERFORMANCE_MULTICLASS;
    case PREDICTION_REGRESSION:
        return PERFORMANCE_REGRESSION;
    case PREDICTION_BINARY:
        break;
    }
    return PERFORMANCE_BINARY;
}

static size_t scores_of(const struct model_definition *definition)
{
    return definition->type == PREDICTION_MULTICLASS ? definition->classes.count
                                                     : definition->type == PREDICTION_BINARY;
}

int model_create_concept(struct model_parts *parts, const struct label_settings *settings,
                         const struct reference_predictions *predictions,
                         const struct reference_labels *labels)
{
    const struct model_definition *definition = &parts->definition;
    struct known_rows known = {.score_count = scores_of(definition)};
    struct concept_spec spec = {.task = task_of(definition->type),
                                .classes = definition->classes.count,
                                .capacity = settings->capacity,
                                .max_age_ms = settings->max_age_ms,
                                .window = settings->window,
                                .detectors = settings->detectors,
                                .level = CONCEPT_DEFAULT_LEVEL,
                                .significance = settings->significance,
                                .minimum_labels = settings->minimum_sample,
                                .seed = SAMPLING_SEED};
    if (getrandom(spec.key, sizeof(spec.key), 0) != sizeof(spec.key))
        return -EIO;
    int rc = known_rows_collect(&parts->definition, predictions, labels, &known);
    if (rc == 0) {
        spec.reference_rows = known.count;
        spec.reference_predictions = known.predictions;
        spec.reference_labels = known.labels;
        spec.reference_scores = known.scores;
        reference_errors(&parts->definition, &known);
        rc = concept_monitor_create(&spec, &parts->concept_monitor);
    }
    known_rows_finish(&known);
    return rc;
}
