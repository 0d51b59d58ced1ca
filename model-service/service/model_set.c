/* model_set.c - the set of models that is served, exchanged as a whole. */
#include "service/model_set.h"
#include "service/model_fill.h"

#include "system/log.h"
#include "text/decimal.h"
#include "text/excerpt.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_destroy(struct model_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->models[i])
            served_model_release(set->models[i]);
    free(set->models);
    free(set->sources);
    if (set->config.model_count)
        config_finish(&set->config);
    free(set);
}

void model_set_release(struct model_set *set)
{
    if (set && atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) == 1)
        set_destroy(set);
}

struct model_set *model_set_acquire(struct model_set *set)
{
    atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    return set;
}

/* --- which set is served --- */

void model_registry_init(struct model_registry *registry)
{
    pthread_mutex_init(&registry->mu, NULL);
}

void model_registry_finish(struct model_registry *registry)
{
    model_set_release(registry->set);
    pthread_mutex_destroy(&registry->mu);
}

struct model_set *model_registry_set(struct model_registry *registry)
{
    pthread_mutex_lock(&registry->mu);
    struct model_set *set = model_set_acquire(registry->set);
    pthread_mutex_unlock(&registry->mu);
    return set;
}

void model_registry_exchange(struct model_registry *registry, struct model_set *set)
{
    pthread_mutex_lock(&registry->mu);
    struct model_set *old = registry->set;
    registry->set = set;
    pthread_mutex_unlock(&registry->mu);
    model_set_release(old);
}

static struct served_model *find(const struct model_set *set, const char *name)
{
    if (!name)
        return set->models[0];
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(served_model_name(set->models[i]), name) == 0)
            return set->models[i];
    return NULL;
}

struct served_model *model_registry_model(struct model_registry *registry, const char *name)
{
    pthread_mutex_lock(&registry->mu);
    struct served_model *model = find(registry->set, name);
    if (model)
        served_model_acquire(model);
    pthread_mutex_unlock(&registry->mu);
    return model;
}

/* --- creation --- */

static int warning_override(double *ret_threshold, char error[MODEL_SET_ERROR_BYTES])
{
    const char *text = getenv("DRIFT_THRESHOLD");
    *ret_threshold = NAN;
    if (!text || !*text)
        return 0;
    double value;
    if (decimal_number(text, strlen(text), &value) < 0 || value <= 0) {
        snprintf(error, MODEL_SET_ERROR_BYTES, "DRIFT_THRESHOLD must be a number above 0, got '%s'",
                 excerpt(text).text);
        return -EINVAL;
    }
    *ret_threshold = value;
    return 0;
}

/* Position of a model in the set before, or its count. */
static size_t find_before(const struct model_set *before, const char *name)
{
    size_t i = 0;
    while (i < before->count && strcmp(served_model_name(before->models[i]), name) != 0)
        i++;
    return i;
}

/* A file that is not used is the same file. */
static bool same_file(const char *path, const struct file_mark *a, const struct file_mark *b)
{
    return !path || file_mark_same(a, b);
}

/* Takes the model over from the set before if nothing it is made of has changed. */
static bool take_over(struct model_set *set, const struct model_set *before)
{
    const struct config_model *config = &set->config.models[set->count];
    struct model_source *source = &set->sources[set->count];
    const size_t i = before ? find_before(before, config->name) : 0;
    const bool existed = before && i < before->count;
    const struct model_source *old = existed ? &before->sources[i] : NULL;
    source->reference = file_mark_read(config->reference, old ? &old->reference : NULL);
    source->scorer = file_mark_read(config->scorer.file, old ? &old->scorer : NULL);
    source->state = existed ? MODEL_CHANGED : MODEL_ADDED;
    if (!existed)
        return false;
    const enum config_change change = config_model_compare(&before->config.models[i], config);
    if (change == CONFIG_CHANGED ||
        !same_file(config->reference, &old->reference, &source->reference) ||
        !same_file(config->scorer.file, &old->scorer, &source->scorer))
        return false;
    source->state = change == CONFIG_SAME ? MODEL_KEPT : MODEL_RETUNED;
    set->models[set->count] = served_model_acquire(before->models[i]);
    return true;
}

static void log_warning_sentence(void *context, const char *sentence)
{
    (void)context;
    log_warning("%s", sentence);
}

static int settings_read(const struct model_registry *registry,
                         struct served_model_settings *settings, char error[MODEL_SET_ERROR_BYTES])
{
    *settings = (struct served_model_settings){.id_prefix = registry->id_prefix,
                                               .warn = log_warning_sentence};
    return warning_override(&settings->warning_override, error);
}

static int models_create(const struct model_registry *registry, struct model_set *set,
                         const char *config_path, const struct model_set *before,
                         char error[MODEL_SET_ERROR_BYTES])
{
    struct served_model_settings settings;
    int rc = settings_read(registry, &settings, error);
    const size_t count = config_path ? set->config.model_count : 1;
    set->models = calloc(count, sizeof(*set->models));
    set->sources = calloc(count, sizeof(*set->sources));
    if (rc == 0 && (!set->models || !set->sources))
        rc = -ENOMEM;
    for (; rc == 0 && set->count < count; set->count++)
        if (!config_path || !take_over(set, before))
            set->models[set->count] = NULL;
    if (rc == 0)
        rc = model_set_fill(set, &settings, config_path, error);
    return rc;
}

int model_set_create(const struct model_registry *registry, const char *config_path,
                     const struct model_set *before, struct model_set **ret_set,
                     char error[MODEL_SET_ERROR_BYTES])
{
    snprintf(error, MODEL_SET_ERROR_BYTES, "not enough memory for the models");
    struct model_set *set = calloc(1, sizeof(*set));
    if (!set)
        return -ENOMEM;
    atomic_init(&set->references, 1);
    struct error found;
    int rc = config_path ? config_load(config_path, &set->config, &found) : 0;
    if (rc < 0)
        snprintf(error, MODEL_SET_ERROR_BYTES, "%s", found.text);
    if (rc == 0)
        rc = models_create(registry, set, config_path, before, error);
    if (rc < 0) {
        set_destroy(set);
        return rc;
    }
    *ret_set = set;
    return 0;
}

/* --- models taken over with other thresholds --- */

static int retune(const struct model_set *set, size_t i, const struct model_set *from,
                  const struct served_model_settings *settings, struct error *error)
{
    const size_t position = find_before(from, served_model_name(set->models[i]));
    return served_model_retune(set->models[i], &from->config.models[position], settings, error);
}

int model_set_retune(const struct model_registry *registry, const char *config_path,
                     const struct model_set *set, const struct model_set *before,
                     char error[MODEL_SET_ERROR_BYTES])
{
    struct served_model_settings settings;
    struct error sentence = {""}, ignored = {""};
    int rc = settings_read(registry, &settings, error);
    if (rc < 0)
        return rc;
    size_t i = 0;
    for (; rc == 0 && i < set->count; i++)
        if (set->sources[i].state == MODEL_RETUNED)
            rc = retune(set, i, set, &settings, &sentence);
    if (rc == 0)
        return 0;
    snprintf(error, MODEL_SET_ERROR_BYTES, "%s: %s", excerpt_path(config_path).text, sentence.text);
    while (i-- > 0) /* what held before was accepted once */
        if (set->sources[i].state == MODEL_RETUNED &&
            retune(set, i, before, &settings, &ignored) < 0)
            log_error("%s", ignored.text);
    return rc;
}
