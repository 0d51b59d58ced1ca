/* reference.c - what the model's predictions are compared with: those of the reference's own
 * columns, or what the model predicts for the reference's rows. */
#include "served/build/build.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Noise of the reference's predictions is drawn far from that of the service's own. */
#define REFERENCE_SEQUENCE (UINT64_C(1) << 63)

struct scored_rows {
    struct row *rows; /* [SCORER_BLOCK_ROWS] */
    double *outputs;  /* [SCORER_BLOCK_ROWS][outputs] */
};

static void fill_rows(const struct model_definition *definition, const double *const *numbers,
                      const char *const *const *texts, size_t first, size_t rows, struct row *row)
{
    for (size_t f = 0; f < definition->schema.features; f++)
        for (size_t r = 0; r < rows; r++) {
            const char *text = texts && texts[f] ? texts[f][first + r] : NULL;
            /* a missing category has the number 0, which a weight of 0 leaves out of the score */
            row[r].value[f] =
                text ? value_of_text(text, strlen(text))
                     : (struct value){.number = numbers[f] ? numbers[f][first + r] : 0};
        }
}

static void row_store(const struct model_definition *definition, const double *outputs, bool known,
                      size_t row, const struct reference_predictions *predictions)
{
    const size_t count = scorer_outputs(definition->scorer);
    if (predictions->owned_class)
        predictions->class_text[row] =
            known ? definition->classes.name[scorer_class(definition->type, outputs, count)] : NULL;
    if (predictions->owned_value)
        predictions->value[row] = known ? outputs[0] : NAN;
    if (predictions->owned_score)
        predictions->score[row] = known ? outputs[0] : NAN;
    for (size_t o = 0; predictions->outputs && o < count; o++)
        predictions->outputs[row * count + o] = known ? outputs[o] : NAN;
}

/* A block at once; if one of its rows cannot be scored (it lacks a value), row by row. */
static int score_some(const struct model_definition *definition, const struct scored_rows *scored,
                      size_t first, size_t rows, const struct reference_predictions *predictions)
{
    const size_t outputs = scorer_outputs(definition->scorer);
    const uint64_t sequence = REFERENCE_SEQUENCE + first;
    const bool whole =
        scorer_score_rows(definition->scorer, scored->rows, rows, sequence, scored->outputs) == 0;
    for (size_t r = 0; r < rows; r++) {
        double *output = scored->outputs + r * outputs;
        int rc =
            whole ? 0
                  : scorer_score(definition->scorer, scored->rows[r].value, sequence + r, output);
        if (rc < 0 && rc != -EINVAL)
            return rc;
        row_store(definition, output, rc == 0, first + r, predictions);
    }
    return 0;
}

static int owned_allocate(const struct model_definition *definition, size_t rows,
                          struct reference_predictions *predictions)
{
    const bool regression = definition->type == PREDICTION_REGRESSION;
    predictions->rows = rows;
    predictions->owned_class = !regression && !predictions->class_text;
    predictions->owned_value = regression && !predictions->value;
    predictions->owned_score = definition->type == PREDICTION_BINARY && !predictions->score;
    if (predictions->owned_class)
        predictions->class_text = calloc(rows, sizeof(*predictions->class_text));
    if (predictions->owned_value)
        predictions->value = calloc(rows, sizeof(double));
    if (predictions->owned_score)
        predictions->score = calloc(rows, sizeof(double));
    if (definition->type == PREDICTION_MULTICLASS) {
        predictions->outputs = calloc(rows, scorer_outputs(definition->scorer) * sizeof(double));
        if (!predictions->outputs)
            return -ENOMEM;
    }
    return (predictions->owned_class && !predictions->class_text) ||
                   (predictions->owned_value && !predictions->value) ||
                   (predictions->owned_score && !predictions->score)
               ? -ENOMEM
               : 0;
}

int reference_predictions_score(const struct model_definition *definition,
                                const double *const *numbers, const char *const *const *texts,
                                size_t rows, struct reference_predictions *predictions)
{
    int rc = owned_allocate(definition, rows, predictions);
    struct scored_rows scored = {
        .rows = rows_create(SCORER_BLOCK_ROWS, definition->schema.features),
        .outputs = calloc(SCORER_BLOCK_ROWS, scorer_outputs(definition->scorer) * sizeof(double)),
    };
    if (!scored.rows || !scored.outputs)
        rc = -ENOMEM;
    for (size_t first = 0; rc == 0 && first < rows; first += SCORER_BLOCK_ROWS) {
        const size_t count = rows - first < SCORER_BLOCK_ROWS ? rows - first : SCORER_BLOCK_ROWS;
        fill_rows(definition, numbers, texts, first, count, scored.rows);
        rc = score_some(definition, &scored, first, count, predictions);
    }
    free(scored.rows);
    free(scored.outputs);
    return rc;
}

void reference_predictions_finish(struct reference_predictions *predictions)
{
    if (predictions->owned_class || predictions->translated_class)
        free(predictions->class_text);
    if (predictions->owned_value)
        free(predictions->value);
    if (predictions->owned_score)
        free(predictions->score);
    free(predictions->outputs);
}

/* --- the detector --- */

static void add_numbers(struct model_definition *definition, struct detector_feature *features,
                        const char *name, const double *numbers, size_t *ret_feature)
{
    *ret_feature = definition->row_features++;
    features[*ret_feature] = (struct detector_feature){
        .name = name, .type = FEATURE_NUMERIC, .reference_numbers = numbers, .prediction = true};
}

int model_create_detector(struct model_parts *parts, struct detector_feature *features,
                          struct detector_spec *spec,
                          const struct reference_predictions *predictions)
{
    struct model_definition *definition = &parts->definition;
    if (predictions->class_text) {
        definition->class_feature = definition->row_features++;
        features[definition->class_feature] =
            (struct detector_feature){.name = CONFIG_PREDICTION_NAME,
                                      .type = FEATURE_CATEGORICAL,
                                      .reference_texts = predictions->class_text,
                                      .prediction = true};
    }
    if (predictions->value)
        add_numbers(definition, features, CONFIG_PREDICTION_NAME, predictions->value,
                    &definition->value_feature);
    if (predictions->score)
        add_numbers(definition, features, CONFIG_PREDICTION_SCORE_NAME, predictions->score,
                    &definition->score_feature);
    spec->features = features;
    spec->feature_count = definition->row_features;
    return detector_create(spec, &parts->detector);
}
