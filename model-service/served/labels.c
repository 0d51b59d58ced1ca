/* labels.c - predictions that wait for labels, and what the labels say. */
#include "served/internal.h"

#include "system/clock.h"
#include "text/excerpt.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* --- predictions --- */

void labels_remember_own(struct served_model *model, const struct prediction *prediction,
                         const double *outputs)
{
    const bool regression = model->definition.type == PREDICTION_REGRESSION;
    const double value = regression ? outputs[0] : (double)prediction->class_index;
    if (!isfinite(value))
        return;
    const int64_t now_ms = clock_tick_ms();
    pthread_mutex_lock(&model->labels.mu);
    (void)concept_monitor_predicted(model->labels.monitor, prediction->id, strlen(prediction->id),
                                    value, regression ? NULL : outputs, now_ms);
    journal_event(model, &(struct concept_event){.kind = CONCEPT_EVENT_PREDICTED,
                                                 .id = prediction->id,
                                                 .id_bytes = strlen(prediction->id),
                                                 .prediction = value,
                                                 .scores = regression ? NULL : outputs,
                                                 .now_ms = now_ms});
    pthread_mutex_unlock(&model->labels.mu);
}

/* The output that was observed; false when there is none, or one that is not a class of the model.
 */
static bool observed_output(const struct model_definition *definition,
                            const struct observed_prediction *prediction, double *ret_output)
{
    if (definition->type == PREDICTION_REGRESSION) {
        *ret_output = prediction->value;
        return isfinite(prediction->value);
    }
    *ret_output = (double)prediction->class_index;
    return prediction->class_index < definition->classes.count;
}

/* --- labels --- */

static int refuse_label(const struct model_definition *definition, const struct value *label,
                        struct error *error)
{
    char digits[NUMBER_MAX_BYTES];
    const char *text = label->text ? label->text : digits;
    const size_t bytes = label->text ? label->text_bytes : number_format(label->number, digits);
    const struct excerpt shown = excerpt_bytes(text, bytes);
    if (definition->type == PREDICTION_REGRESSION)
        return error_set(error, -EINVAL, "the label \"%s\" is not a number", shown.text);
    const struct model_classes *classes = &definition->classes;
    return error_set(error, -EINVAL,
                     "the label \"%s\" is not one of the model's classes (\"%s\"%s \"%s\")",
                     shown.text, excerpt(classes->name[0]).text, classes->count > 2 ? " to" : ",",
                     excerpt(classes->name[classes->count - 1]).text);
}

int served_model_label(struct served_model *model, const char *id, size_t id_bytes,
                       const struct value *label, enum label_result *ret_result,
                       struct error *error)
{
    double truth;
    if (!model_definition_output(&model->definition, label, &truth))
        return refuse_label(&model->definition, label, error);
    const int64_t now_ms = clock_tick_ms();
    pthread_mutex_lock(&model->labels.mu);
    *ret_result = concept_monitor_label(model->labels.monitor, id, id_bytes, truth, now_ms);
    journal_event(model, &(struct concept_event){.kind = CONCEPT_EVENT_LABEL,
                                                 .id = id,
                                                 .id_bytes = id_bytes,
                                                 .label = truth,
                                                 .now_ms = now_ms});
    pthread_mutex_unlock(&model->labels.mu);
    return 0;
}

/* The event of each kind, for served_model_remember(). */
static void remember(struct served_model *model, struct concept_event event,
                     enum concept_event_kind kind, enum label_result *ret_result)
{
    struct concept_monitor *monitor = model->labels.monitor;
    event.kind = kind;
    switch (kind) {
    case CONCEPT_EVENT_PREDICTED:
        (void)concept_monitor_predicted(monitor, event.id, event.id_bytes, event.prediction,
                                        event.scores, event.now_ms);
        break;
    case CONCEPT_EVENT_LABEL:
        *ret_result =
            concept_monitor_label(monitor, event.id, event.id_bytes, event.label, event.now_ms);
        break;
    case CONCEPT_EVENT_DIRECT:
        concept_monitor_direct(monitor, event.prediction, event.scores, event.label, event.now_ms);
        *ret_result = LABEL_JOINED;
        break;
    case CONCEPT_EVENT_KINDS:
        return;
    }
    journal_event(model, &event);
}

int served_model_remember(struct served_model *model, const struct observed_prediction *prediction,
                          const char *id, size_t id_bytes, const struct value *label,
                          enum label_result *ret_result, struct error *error)
{
    const struct model_definition *definition = &model->definition;
    double output, truth = NAN;
    const bool predicted = observed_output(definition, prediction, &output);
    const bool scored = definition->type == PREDICTION_BINARY && !isnan(prediction->score);
    const double *score = scored ? &prediction->score : NULL;
    if (label && !model_definition_output(definition, label, &truth))
        return refuse_label(definition, label, error);
    if (label && !id && !predicted)
        return error_set(error, -EINVAL, "a label needs a prediction beside it, or the id of one");
    const struct concept_event event = {.id = id,
                                        .id_bytes = id_bytes,
                                        .prediction = output,
                                        .label = truth,
                                        .scores = score,
                                        .now_ms = clock_tick_ms()};
    pthread_mutex_lock(&model->labels.mu);
    if (id && predicted)
        remember(model, event, CONCEPT_EVENT_PREDICTED, ret_result);
    if (label)
        remember(model, event, id ? CONCEPT_EVENT_LABEL : CONCEPT_EVENT_DIRECT, ret_result);
    pthread_mutex_unlock(&model->labels.mu);
    return 0;
}

void served_model_concept(struct served_model *model, struct performance_class *window_class,
                          struct concept_report *report)
{
    report->window_class = window_class;
    const int64_t now_ms = clock_tick_ms();
    pthread_mutex_lock(&model->labels.mu);
    concept_monitor_report(model->labels.monitor, now_ms, report);
    pthread_mutex_unlock(&model->labels.mu);
}

size_t served_model_pairs(struct served_model *model, struct concept_pair *pairs,
                          struct concept_calibration_bin reference[CONCEPT_CALIBRATION_BINS])
{
    pthread_mutex_lock(&model->labels.mu);
    const size_t count = concept_monitor_pairs(model->labels.monitor, pairs, reference);
    pthread_mutex_unlock(&model->labels.mu);
    return count;
}
