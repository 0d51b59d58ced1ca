/* labels.c - predictions that wait for labels, and what the labels say. */
#include "served/internal.h"

#include "text/excerpt.h"
#include "text/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

_Static_assert((int)CONFIG_DETECTOR_COUNT == (int)CHANGE_DETECTOR_COUNT &&
                   (int)CONFIG_KSWIN == (int)CHANGE_KSWIN,
               "the configuration's detectors are in the order of the kernels");

/* Sampling detectors give the same answer to the same labels at every start. */
#define SAMPLING_SEED 42

/* --- a value of the model's output: the index of a class, or a number --- */

static bool number_of_text(const char *text, size_t bytes, double *ret_number)
{
    char copy[64], *end;
    if (bytes == 0 || bytes >= sizeof(copy))
        return false;
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    if (strspn(copy, "+-.0123456789eE") != bytes)
        return false;
    *ret_number = strtod(copy, &end);
    return *end == '\0' && isfinite(*ret_number);
}

static bool output_of(const struct served_model *model, const struct value *value,
                      double *ret_output)
{
    if (model->type == PREDICTION_REGRESSION) {
        if (value->text)
            return number_of_text(value->text, value->text_bytes, ret_output);
        *ret_output = value->number;
        return isfinite(value->number);
    }
    char digits[NUMBER_MAX_BYTES];
    const char *text = value->text;
    size_t bytes = value->text_bytes;
    if (!text) {
        bytes = number_format(value->number, digits);
        text = digits;
    }
    const size_t index = served_model_class_index(model, text, bytes);
    *ret_output = (double)index;
    return index < model->class_count;
}

static bool output_of_text(const struct served_model *model, const char *text, double *ret_output)
{
    const struct value value = {.number = NAN, .text = text, .text_bytes = strlen(text)};
    return output_of(model, &value, ret_output);
}

/* --- creation --- */

/* The reference's rows that have a prediction and a label. */
struct known_rows {
    double *predictions, *labels, *scores;
    size_t count, score_count;
};

static bool row_prediction(const struct served_model *model,
                           const struct reference_predictions *predictions, size_t row,
                           double *ret_prediction)
{
    if (predictions->value) {
        *ret_prediction = predictions->value[row];
        return isfinite(*ret_prediction);
    }
    if (predictions->class_text)
        return predictions->class_text[row] &&
               output_of_text(model, predictions->class_text[row], ret_prediction);
    if (!predictions->score || isnan(predictions->score[row]))
        return false;
    *ret_prediction = (double)scorer_class(PREDICTION_BINARY, &predictions->score[row], 1);
    return true;
}

static bool row_label(const struct served_model *model, const struct reference_labels *labels,
                      size_t row, double *ret_label)
{
    if (labels->number) {
        *ret_label = labels->number[row];
        return isfinite(*ret_label);
    }
    return labels->text[row] && output_of_text(model, labels->text[row], ret_label);
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

static int known_rows_collect(const struct served_model *model,
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
        if (!row_prediction(model, predictions, r, &known->predictions[at]) ||
            !row_label(model, labels, r, &known->labels[at]))
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
static void reference_errors(struct served_model *model, const struct known_rows *known)
{
    double sum = 0, squares = 0;
    for (size_t r = 0; r < known->count; r++) {
        const double error = known->predictions[r] - known->labels[r];
        sum += known->predictions[r];
        squares += error * error;
    }
    if (known->count == 0)
        return;
    model->reference_mean = sum / (double)known->count;
    model->reference_error = sqrt(squares / (double)known->count);
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

static size_t scores_of(const struct served_model *model)
{
    return model->type == PREDICTION_MULTICLASS ? model->class_count
                                                : model->type == PREDICTION_BINARY;
}

int served_model_create_concept(struct served_model *model, const struct label_settings *settings,
                                const struct reference_predictions *predictions,
                                const struct reference_labels *labels)
{
    struct known_rows known = {.score_count = scores_of(model)};
    struct concept_spec spec = {.task = task_of(model->type),
                                .classes = model->class_count,
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
    int rc = known_rows_collect(model, predictions, labels, &known);
    if (rc == 0) {
        spec.reference_rows = known.count;
        spec.reference_predictions = known.predictions;
        spec.reference_labels = known.labels;
        spec.reference_scores = known.scores;
        reference_errors(model, &known);
        rc = concept_monitor_create(&spec, &model->concept);
    }
    known_rows_finish(&known);
    return rc;
}

/* --- predictions --- */

void served_model_remember_own(struct served_model *model, const struct prediction *prediction,
                               const double *outputs)
{
    const bool regression = model->type == PREDICTION_REGRESSION;
    const double value = regression ? outputs[0] : (double)prediction->class_index;
    if (!isfinite(value))
        return;
    const int64_t now_ms = served_model_now_ms();
    pthread_mutex_lock(&model->concept_mu);
    (void)concept_monitor_predicted(model->concept, prediction->id, strlen(prediction->id), value,
                                    regression ? NULL : outputs, now_ms);
    pthread_mutex_unlock(&model->concept_mu);
}

/* The output that was observed; false when there is none, or one that is no class of the model. */
static bool observed_output(const struct served_model *model,
                            const struct observed_prediction *prediction, double *ret_output)
{
    const struct observed_prediction whole = served_model_complete(model, *prediction);
    const struct value value = {
        .number = whole.value, .text = whole.class_text, .text_bytes = whole.class_bytes};
    if (model->type != PREDICTION_REGRESSION && !whole.class_text)
        return false;
    return output_of(model, &value, ret_output);
}

/* --- labels --- */

static int refuse_label(const struct served_model *model, const struct value *label,
                        char error[SERVED_MODEL_LABEL_ERROR_BYTES])
{
    char digits[NUMBER_MAX_BYTES];
    const char *text = label->text;
    size_t bytes = label->text_bytes;
    if (!text) {
        bytes = number_format(label->number, digits);
        text = digits;
    }
    const struct excerpt shown = excerpt_bytes(text, bytes);
    if (model->type == PREDICTION_REGRESSION)
        snprintf(error, SERVED_MODEL_LABEL_ERROR_BYTES, "the label \"%s\" is no number",
                 shown.text);
    else
        snprintf(error, SERVED_MODEL_LABEL_ERROR_BYTES,
                 "the label \"%s\" is no class of the model; it has \"%s\" to \"%s\"", shown.text,
                 excerpt(model->class_names[0]).text,
                 excerpt(model->class_names[model->class_count - 1]).text);
    return -EINVAL;
}

int served_model_label(struct served_model *model, const char *id, size_t id_bytes,
                       const struct value *label, enum label_result *ret_result,
                       char error[SERVED_MODEL_LABEL_ERROR_BYTES])
{
    double truth;
    if (!output_of(model, label, &truth))
        return refuse_label(model, label, error);
    const int64_t now_ms = served_model_now_ms();
    pthread_mutex_lock(&model->concept_mu);
    *ret_result = concept_monitor_label(model->concept, id, id_bytes, truth, now_ms);
    pthread_mutex_unlock(&model->concept_mu);
    return 0;
}

int served_model_remember(struct served_model *model, const struct observed_prediction *prediction,
                          const char *id, size_t id_bytes, const struct value *label,
                          enum label_result *ret_result, char error[SERVED_MODEL_LABEL_ERROR_BYTES])
{
    double output, truth;
    const bool predicted = observed_output(model, prediction, &output);
    const double *score =
        model->type == PREDICTION_BINARY && !isnan(prediction->score) ? &prediction->score : NULL;
    if (label && !output_of(model, label, &truth))
        return refuse_label(model, label, error);
    if (label && !id && !predicted) {
        snprintf(error, SERVED_MODEL_LABEL_ERROR_BYTES,
                 "a label needs a prediction beside it, or the id of one");
        return -EINVAL;
    }
    const int64_t now_ms = served_model_now_ms();
    pthread_mutex_lock(&model->concept_mu);
    if (id && predicted)
        (void)concept_monitor_predicted(model->concept, id, id_bytes, output, score, now_ms);
    if (label && id)
        *ret_result = concept_monitor_label(model->concept, id, id_bytes, truth, now_ms);
    else if (label) {
        concept_monitor_direct(model->concept, output, score, truth, now_ms);
        *ret_result = LABEL_JOINED;
    }
    pthread_mutex_unlock(&model->concept_mu);
    return 0;
}

void served_model_concept(struct served_model *model, struct performance_class *window_class,
                          struct concept_report *report)
{
    report->window_class = window_class;
    const int64_t now_ms = served_model_now_ms();
    pthread_mutex_lock(&model->concept_mu);
    concept_monitor_report(model->concept, now_ms, report);
    pthread_mutex_unlock(&model->concept_mu);
}
