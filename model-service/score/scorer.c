/* scorer.c - dispatch to the back end a scorer was created by, and the names of its classes. */
#include "score/back_end.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int scorer_score(const struct scorer *scorer, const struct value *row, uint64_t sequence,
                 double *outputs)
{
    return scorer->back_end->score(scorer, row, sequence, outputs);
}

int scorer_score_rows(const struct scorer *scorer, const struct row *rows, size_t count,
                      uint64_t sequence, double *outputs)
{
    if (scorer->back_end->score_rows)
        return scorer->back_end->score_rows(scorer, rows, count, sequence, outputs);
    const size_t per_row = scorer_outputs(scorer);
    for (size_t r = 0; r < count; r++) {
        int rc = scorer_score(scorer, rows[r].value, sequence + r, outputs + r * per_row);
        if (rc < 0)
            return rc;
    }
    return 0;
}

bool scorer_takes_missing(const struct scorer *scorer, size_t feature)
{
    return scorer->back_end->takes_missing(scorer, feature);
}

const char *scorer_warning(const struct scorer *scorer)
{
    return scorer->back_end->warning ? scorer->back_end->warning(scorer) : NULL;
}

enum prediction_type scorer_type(const struct scorer *scorer)
{
    return scorer->type;
}

size_t scorer_outputs(const struct scorer *scorer)
{
    return scorer->type == PREDICTION_MULTICLASS ? scorer->class_count : 1;
}

size_t scorer_feature_count(const struct scorer *scorer)
{
    return scorer->feature_count;
}

size_t scorer_class_count(const struct scorer *scorer)
{
    return scorer->class_count;
}

const char *scorer_class_name(const struct scorer *scorer, size_t i)
{
    return scorer->class_name[i];
}

static void names_free(char **names, size_t count)
{
    for (size_t i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}

/* names: NULL for "0" to "count - 1". */
static char **names_copy(const char *const *names, size_t count)
{
    char **copy = calloc(count, sizeof(*copy));
    if (!copy)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        char number[24];
        snprintf(number, sizeof(number), "%zu", i);
        copy[i] = strdup(names ? names[i] : number);
        if (!copy[i]) {
            names_free(copy, count);
            return NULL;
        }
    }
    return copy;
}

int scorer_name_classes(struct scorer *scorer, const char *const *names, size_t count)
{
    if (count != scorer->class_count)
        return -EINVAL;
    if (count == 0)
        return 0;
    char **copy = names_copy(names, count);
    if (!copy)
        return -ENOMEM;
    names_free(scorer->class_name, scorer->class_count);
    scorer->class_name = copy;
    return 0;
}

int scorer_init(struct scorer *scorer, const struct scorer_back_end *back_end, size_t feature_count,
                enum prediction_type type, size_t class_count)
{
    static const char *const binary[] = {"negative", "positive"};
    *scorer = (struct scorer){.back_end = back_end, .feature_count = feature_count, .type = type};
    if (type == PREDICTION_REGRESSION)
        return 0;
    scorer->class_count = type == PREDICTION_BINARY ? 2 : class_count;
    return scorer_name_classes(scorer, type == PREDICTION_BINARY ? binary : NULL,
                               scorer->class_count);
}

void scorer_destroy(struct scorer *scorer)
{
    if (!scorer)
        return;
    names_free(scorer->class_name, scorer->class_count);
    scorer->back_end->destroy(scorer);
}

size_t scorer_class(enum prediction_type type, const double *outputs, size_t output_count)
{
    if (type == PREDICTION_BINARY)
        return outputs[0] > SCORER_CLASS_THRESHOLD;
    size_t largest = 0;
    for (size_t i = 1; i < output_count; i++)
        if (outputs[i] > outputs[largest])
            largest = i;
    return largest;
}
