/* life.c - what a served model is made of: names, classes, references, look-ups. */
#include "served/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int names_allocate(struct served_model *model, size_t features)
{
    model->feature_names = calloc(features, sizeof(*model->feature_names));
    model->categorical = calloc(features, sizeof(*model->categorical));
    if (!model->feature_names || !model->categorical)
        return -ENOMEM;
    model->schema = (struct schema){.features = features,
                                    .name = (const char *const *)(const void *)model->feature_names,
                                    .categorical = model->categorical};
    return 0;
}

struct served_model *served_model_allocate(size_t features)
{
    struct served_model *model = calloc(1, sizeof(*model));
    if (!model)
        return NULL;
    atomic_init(&model->references, 1);
    pthread_mutex_init(&model->mu, NULL);
    pthread_mutex_init(&model->concept_mu, NULL);
    model->row_features = features;
    model->class_feature = model->value_feature = model->score_feature = NO_FEATURE;
    if (names_allocate(model, features) < 0) {
        served_model_release(model);
        return NULL;
    }
    return model;
}

static void strings_free(char **strings, size_t count)
{
    for (size_t i = 0; strings && i < count; i++)
        free(strings[i]);
    free(strings);
}

static void destroy(struct served_model *model)
{
    detector_destroy(model->detector);
    concept_monitor_destroy(model->concept);
    served_model_streams_destroy(model);
    scorer_destroy(model->scorer);
    for (size_t f = 0; model->simulation_columns && f < model->schema.features; f++)
        free(model->simulation_columns[f]);
    free(model->simulation_columns);
    free(model->simulation_mean);
    free(model->simulation_deviation);
    strings_free(model->feature_names, model->schema.features);
    strings_free(model->class_names, model->class_count);
    free(model->categorical);
    free(model->nullable);
    free((void *)model->prediction_counts);
    free(model->name);
    free(model->version);
    pthread_mutex_destroy(&model->mu);
    pthread_mutex_destroy(&model->concept_mu);
    free(model);
}

struct served_model *served_model_acquire(struct served_model *model)
{
    atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
    return model;
}

void served_model_release(struct served_model *model)
{
    if (model && atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) == 1)
        destroy(model);
}

int served_model_name_it(struct served_model *model, const char *name, const char *version,
                         const struct served_model_settings *settings)
{
    model->name = strdup(name);
    model->version = strdup(version);
    snprintf(model->id_prefix, sizeof(model->id_prefix), "%s", settings->id_prefix);
    return model->name && model->version ? 0 : -ENOMEM;
}

int served_model_name_feature(struct served_model *model, size_t f, const char *name,
                              bool categorical)
{
    model->feature_names[f] = strdup(name);
    model->categorical[f] = categorical;
    return model->feature_names[f] ? 0 : -ENOMEM;
}

int served_model_set_classes(struct served_model *model, const char *const *names, size_t count)
{
    model->class_names = calloc(count + 1, sizeof(*model->class_names));
    model->prediction_counts = calloc(count + 1, sizeof(*model->prediction_counts));
    if (!model->class_names || !model->prediction_counts)
        return -ENOMEM;
    model->class_count = count;
    for (size_t i = 0; i < count; i++) {
        model->class_names[i] = strdup(names ? names[i] : scorer_class_name(model->scorer, i));
        if (!model->class_names[i])
            return -ENOMEM;
    }
    return 0;
}

/* --- look-ups --- */

const char *served_model_name(const struct served_model *model)
{
    return model->name;
}

const char *served_model_version(const struct served_model *model)
{
    return model->version;
}

const struct schema *served_model_schema(const struct served_model *model)
{
    return &model->schema;
}

bool served_model_simulation_allowed(const struct served_model *model)
{
    return model->simulation;
}

bool served_model_has_scorer(const struct served_model *model)
{
    return model->scorer;
}

enum prediction_type served_model_type(const struct served_model *model)
{
    return model->type;
}

size_t served_model_class_count(const struct served_model *model)
{
    return model->class_count;
}

const char *served_model_class_name(const struct served_model *model, size_t i)
{
    return model->class_names[i];
}

int served_model_feature(const struct served_model *model, const char *name)
{
    for (size_t f = 0; f < model->schema.features; f++)
        if (strcmp(model->feature_names[f], name) == 0)
            return (int)f;
    return -1;
}

/* A whole number in decimal digits below the number of classes, which is returned for others. */
static size_t class_by_number(const struct served_model *model, const char *text, size_t bytes)
{
    size_t index = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            return model->class_count;
        index = index * 10 + (size_t)(text[i] - '0');
        if (index >= model->class_count)
            return model->class_count;
    }
    return bytes > 0 ? index : model->class_count;
}

size_t served_model_class_index(const struct served_model *model, const char *text, size_t bytes)
{
    for (size_t i = 0; i < model->class_count; i++)
        if (strncmp(model->class_names[i], text, bytes) == 0 &&
            model->class_names[i][bytes] == '\0')
            return i;
    return class_by_number(model, text, bytes);
}
