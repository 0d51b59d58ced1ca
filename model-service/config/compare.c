/* compare.c - how much of a model a changed configuration touches. */
#include "config/config.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_scorer(const struct config_model *a, const struct config_model *b)
{
    const struct config_scorer *x = &a->scorer, *y = &b->scorer;

    if (x->type != y->type || x->task != y->task || x->score != y->score ||
        x->intercept != y->intercept || x->class_count != y->class_count || !x->file != !y->file ||
        !x->weights != !y->weights)
        return false;
    for (size_t i = 0; i < x->class_count; i++)
        if (strcmp(x->classes[i], y->classes[i]) != 0)
            return false;
    for (size_t f = 0; x->weights && f < a->feature_count; f++)
        if (x->weights[f] != y->weights[f])
            return false;
    return true;
}

static bool same_features(const struct config_model *a, const struct config_model *b)
{
    if (a->feature_count != b->feature_count)
        return false;
    for (size_t f = 0; f < a->feature_count; f++)
        if (strcmp(a->features[f].name, b->features[f].name) != 0 ||
            a->features[f].categorical != b->features[f].categorical)
            return false;
    return true;
}

static bool same_columns(const struct config_columns *a, const struct config_columns *b)
{
    return same_text(a->id, b->id) && same_text(a->timestamp, b->timestamp) &&
           same_text(a->prediction, b->prediction) && same_text(a->score, b->score) &&
           same_text(a->label, b->label);
}

static bool same_streams(const struct config_model *a, const struct config_model *b)
{
    if (a->detectors != b->detectors || a->stream_count != b->stream_count)
        return false;
    for (size_t i = 0; i < a->stream_count; i++)
        if (a->streams[i].feature != b->streams[i].feature ||
            a->streams[i].detectors != b->streams[i].detectors)
            return false;
    return true;
}

static bool same_numbers(const struct config_model *a, const struct config_model *b)
{
    return a->window_observations == b->window_observations &&
           a->window_duration_ms == b->window_duration_ms &&
           a->reference_resolution == b->reference_resolution && a->bins == b->bins &&
           a->discount == b->discount && a->delimiter == b->delimiter && a->decimal == b->decimal &&
           a->simulation == b->simulation && a->labels.capacity == b->labels.capacity &&
           a->labels.max_age_ms == b->labels.max_age_ms && a->labels.window == b->labels.window;
}

static bool same_levels(const struct config_model *a, const struct config_model *b)
{
    if (a->warning_threshold != b->warning_threshold ||
        a->critical_threshold != b->critical_threshold || a->significance != b->significance ||
        a->minimum_sample != b->minimum_sample || a->materiality != b->materiality ||
        a->false_page_seconds != b->false_page_seconds)
        return false;
    for (size_t f = 0; f < a->feature_count; f++)
        if (a->features[f].warning_threshold != b->features[f].warning_threshold ||
            a->features[f].critical_threshold != b->features[f].critical_threshold)
            return false;
    return true;
}

enum config_change config_model_compare(const struct config_model *a, const struct config_model *b)
{
    if (!same_text(a->name, b->name) || !same_text(a->version, b->version) ||
        !same_features(a, b) || !same_scorer(a, b) || !same_columns(&a->columns, &b->columns) ||
        !same_streams(a, b) || !same_numbers(a, b))
        return CONFIG_CHANGED;
    return same_levels(a, b) ? CONFIG_SAME : CONFIG_LEVELS_CHANGED;
}
