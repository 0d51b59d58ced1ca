/* life.c - a served model's beginning and end, and its look-ups. */
#include "served/internal.h"

#include <errno.h>
#include <stdlib.h>

void model_parts_finish(struct model_parts *parts)
{
    change_monitor_destroy(parts->changes);
    detector_destroy(parts->detector);
    concept_monitor_destroy(parts->concept_monitor);
    model_streams_finish(&parts->streams);
    model_definition_finish(&parts->definition);
    *parts = (struct model_parts){0};
}

int served_model_assemble(struct model_parts *parts, struct served_model **ret_model)
{
    struct served_model *model = calloc(1, sizeof(*model));
    _Atomic uint64_t *predictions =
        calloc(parts->definition.classes.count + 1, sizeof(*predictions));
    if (!model || !predictions || trace_init(&model->history, parts->definition.row_features) < 0) {
        free(model);
        free((void *)predictions);
        return -ENOMEM;
    }
    atomic_init(&model->references, 1);
    pthread_mutex_init(&model->windows.mu, NULL);
    pthread_mutex_init(&model->labels.mu, NULL);
    model->definition = parts->definition;
    model->windows.detector = parts->detector;
    model->windows.changes = parts->changes;
    model->windows.streams = parts->streams;
    model->labels.monitor = parts->concept_monitor;
    model->counters.predictions = predictions;
    *parts = (struct model_parts){0};
    *ret_model = model;
    return 0;
}

static void destroy(struct served_model *model)
{
    struct model_parts parts = {.definition = model->definition,
                                .detector = model->windows.detector,
                                .changes = model->windows.changes,
                                .concept_monitor = model->labels.monitor,
                                .streams = model->windows.streams};
    model_parts_finish(&parts);
    free((void *)model->counters.predictions);
    buffer_finish(&model->windows.journal.bytes);
    buffer_finish(&model->labels.journal.bytes);
    buffer_finish(&model->history.journal.bytes);
    pthread_mutex_destroy(&model->windows.mu);
    pthread_mutex_destroy(&model->labels.mu);
    trace_finish(&model->history);
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

int served_model_set_levels(struct served_model *model, const struct detector_spec *spec,
                            const struct change_rule *changes)
{
    struct detector_spec levels = *spec;
    levels.feature_count = model->definition.row_features;
    pthread_mutex_lock(&model->windows.mu);
    int rc = detector_retune(model->windows.detector, &levels);
    if (rc == 0)
        windows_set_change_rule(&model->windows, changes);
    pthread_mutex_unlock(&model->windows.mu);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&model->labels.mu);
    rc = concept_monitor_retune(model->labels.monitor, spec->significance, spec->minimum_sample);
    pthread_mutex_unlock(&model->labels.mu);
    return rc;
}

/* --- look-ups --- */

const char *served_model_name(const struct served_model *model)
{
    return model->definition.name;
}

const char *served_model_version(const struct served_model *model)
{
    return model->definition.version;
}

const struct schema *served_model_schema(const struct served_model *model)
{
    return &model->definition.schema;
}

bool served_model_simulation_allowed(const struct served_model *model)
{
    return model->definition.simulation.allowed;
}

const struct model_definition *served_model_definition(const struct served_model *model)
{
    return &model->definition;
}

bool served_model_has_scorer(const struct served_model *model)
{
    return model->definition.scorer;
}

enum prediction_type served_model_type(const struct served_model *model)
{
    return model->definition.type;
}

size_t served_model_class_count(const struct served_model *model)
{
    return model->definition.classes.count;
}

const char *served_model_class_name(const struct served_model *model, size_t i)
{
    return model->definition.classes.name[i];
}

int served_model_feature(const struct served_model *model, const char *name)
{
    const size_t feature = schema_find(&model->definition.schema, name);
    return feature < model->definition.schema.features ? (int)feature : -1;
}
