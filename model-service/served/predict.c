/* predict.c - predictions of the model's own scorer. */
#include "served/internal.h"

#include "system/clock.h"
#include "system/random.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sixteen hexadecimal digits. */
static void write_secret(uint64_t number, char *out)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *out++ = "0123456789abcdef"[number >> shift & 15];
    *out = '\0';
}

/* The row's id, or one that is the service's prefix, the number of the prediction, by which it is
 * unique, and 64 random bits, so that nobody can label the predictions of others. */
static void write_id(const struct model_definition *definition, const struct row *row,
                     uint64_t sequence, char id[SERVED_MODEL_ID_BYTES])
{
    if (row->id) {
        memcpy(id, row->id, row->id_bytes);
        id[row->id_bytes] = '\0';
        return;
    }
    const size_t prefix = strlen(definition->id_prefix);
    memcpy(id, definition->id_prefix, prefix);
    char *end = id + prefix + number_format_u64(sequence, id + prefix);
    *end++ = '-';
    write_secret(random_u64(), end);
}

static void read_value(double output, struct prediction *prediction,
                       struct observed_prediction *observed)
{
    prediction->class_name = NULL;
    prediction->class_index = 0;
    prediction->score = output;
    *observed = (struct observed_prediction){
        .class_index = SERVED_MODEL_NO_CLASS, .value = output, .score = NAN};
}

static void read_class(const struct model_definition *definition, const double *outputs,
                       struct prediction *prediction, struct observed_prediction *observed)
{
    const bool binary = definition->type == PREDICTION_BINARY;
    const size_t predicted =
        scorer_class(definition->type, outputs, scorer_outputs(definition->scorer));
    prediction->class_index = predicted;
    prediction->class_name = definition->classes.name[predicted];
    prediction->score = outputs[binary ? 0 : predicted];
    *observed = (struct observed_prediction){.class_text = prediction->class_name,
                                             .class_bytes = strlen(prediction->class_name),
                                             .class_index = predicted,
                                             .value = NAN,
                                             .score = binary ? prediction->score : NAN};
}

/* What follows once a row has been scored: counters, windows, labels. */
static void take_outputs(struct served_model *model, const struct row *row, uint64_t sequence,
                         const double *outputs, double *scores, struct prediction *ret)
{
    struct observed_prediction observed;
    if (model->definition.type == PREDICTION_REGRESSION)
        read_value(outputs[0], ret, &observed);
    else
        read_class(&model->definition, outputs, ret, &observed);
    write_id(&model->definition, row, sequence, ret->id);
    counters_add_prediction(&model->counters, ret->class_index);
    ret->verdict = windows_observe(model, row->value, &observed, scores);
    labels_remember_own(model, ret, outputs);
}

int served_model_predict(struct served_model *model, const struct row *row, double *outputs,
                         double *scores, struct prediction *ret)
{
    const struct scorer *scorer = model->definition.scorer;
    if (!scorer)
        return -ENOTSUP;
    const int64_t start = clock_monotonic_ns();
    double own_outputs[SCORER_MAX_CLASSES];
    double *target = outputs ? outputs : own_outputs;
    const uint64_t sequence =
        atomic_fetch_add_explicit(&model->counters.sequence, 1, memory_order_relaxed);
    int rc = scorer_score(scorer, row->value, sequence, target);
    if (rc < 0)
        return rc;
    take_outputs(model, row, sequence, target, scores, ret);
    counters_add_latency(&model->counters, (uint64_t)(clock_monotonic_ns() - start));
    return 0;
}

/* --- rows together --- */

struct scored_rows {
    double *outputs;      /* [rows][scorer outputs] */
    uint64_t sequence;    /* of the first row */
    uint64_t nanoseconds; /* of scoring one row */
};

static int score_rows(struct served_model *model, const struct row *rows, size_t count,
                      struct scored_rows *scored)
{
    const int64_t start = clock_monotonic_ns();
    scored->sequence =
        atomic_fetch_add_explicit(&model->counters.sequence, count, memory_order_relaxed);
    const int rc =
        scorer_score_rows(model->definition.scorer, rows, count, scored->sequence, scored->outputs);
    scored->nanoseconds = (uint64_t)(clock_monotonic_ns() - start) / count;
    return rc;
}

int served_model_predict_rows(struct served_model *model, const struct row *rows, size_t count,
                              double *scores,
                              void (*take)(void *context, const struct prediction *prediction,
                                           const double *outputs),
                              void *context)
{
    if (!model->definition.scorer)
        return -ENOTSUP;
    const size_t room = count < SCORER_BLOCK_ROWS ? count : SCORER_BLOCK_ROWS;
    const size_t width = scorer_outputs(model->definition.scorer);
    struct scored_rows scored = {.outputs = malloc(room * width * sizeof(double))};
    int rc = scored.outputs ? 0 : -ENOMEM;
    for (size_t done = 0; rc == 0 && done < count; done += room) {
        const size_t part = count - done < room ? count - done : room;
        rc = score_rows(model, rows + done, part, &scored);
        for (size_t r = 0; rc == 0 && r < part; r++) {
            struct prediction prediction;
            const double *outputs = scored.outputs + r * width;
            const int64_t start = clock_monotonic_ns();
            take_outputs(model, &rows[done + r], scored.sequence + r, outputs, scores, &prediction);
            counters_add_latency(&model->counters,
                                 scored.nanoseconds + (uint64_t)(clock_monotonic_ns() - start));
            take(context, &prediction, outputs);
        }
    }
    free(scored.outputs);
    return rc;
}
