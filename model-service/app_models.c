/* app_models.c - the set of models that is served, exchanged as a whole. */
#include "app.h"

#include "adapt/excerpt.h"
#include "adapt/log.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_destroy(struct model_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        served_model_release(set->models[i]);
    free(set->models);
    if (set->config.model_count)
        config_finish(&set->config);
    free(set);
}

void model_set_release(struct model_set *set)
{
    if (set && atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) == 1)
        set_destroy(set);
}

struct model_set *app_models(struct app *app)
{
    pthread_mutex_lock(&app->models_mu);
    struct model_set *set = app->models;
    atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    pthread_mutex_unlock(&app->models_mu);
    return set;
}

void app_models_exchange(struct app *app, struct model_set *set)
{
    pthread_mutex_lock(&app->models_mu);
    struct model_set *old = app->models;
    app->models = set;
    pthread_mutex_unlock(&app->models_mu);
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

struct served_model *app_model_named(struct app *app, const char *name)
{
    pthread_mutex_lock(&app->models_mu);
    struct served_model *model = find(app->models, name);
    if (model)
        served_model_acquire(model);
    pthread_mutex_unlock(&app->models_mu);
    return model;
}

struct served_model *app_model(struct app *app, const struct http_request *request,
                               struct http_response *response)
{
    struct served_model *model = app_model_named(app, request->param);
    if (model)
        return model;
    char detail[160];
    snprintf(detail, sizeof(detail), "there is no model \"%s\"", excerpt(request->param).text);
    app_problem(response, 404, detail);
    return NULL;
}

/* --- creation --- */

static int warning_override(double *ret_threshold)
{
    const char *text = getenv("DRIFT_THRESHOLD");
    *ret_threshold = NAN;
    if (!text || !*text)
        return 0;
    double value;
    if (!app_decimal(text, &value) || value <= 0) {
        log_error("DRIFT_THRESHOLD must be a number above 0, got '%s'", excerpt(text).text);
        return -EINVAL;
    }
    *ret_threshold = value;
    return 0;
}

static int models_create(const struct app *app, struct model_set *set, const char *config_path)
{
    struct served_model_settings settings = {.id_prefix = app->id_prefix};
    int rc = warning_override(&settings.warning_override);
    if (rc < 0)
        return rc;
    const size_t count = set->config.model_count ? set->config.model_count : 1;
    set->models = calloc(count, sizeof(*set->models));
    if (!set->models)
        return -ENOMEM;
    for (; set->count < count; set->count++) {
        struct served_model **model = &set->models[set->count];
        char error[SERVED_MODEL_ERROR_BYTES] = "";
        rc = set->config.model_count
                 ? served_model_create(&set->config.models[set->count], &settings, model, error)
                 : served_model_create_builtin(&settings, model, error);
        if (rc < 0) {
            log_error("%s%s%s", config_path ? config_path : "", config_path ? ": " : "", error);
            return rc;
        }
        log_info("model \"%s\": %zu features", served_model_name(*model),
                 served_model_schema(*model)->features);
    }
    return 0;
}

int model_set_create(const struct app *app, const char *config_path, struct model_set **ret_set)
{
    struct model_set *set = calloc(1, sizeof(*set));
    if (!set)
        return -ENOMEM;
    atomic_init(&set->references, 1);
    int rc = 0;
    if (config_path) {
        char error[CONFIG_ERROR_BYTES];
        rc = config_load(config_path, &set->config, error);
        if (rc < 0)
            log_error("configuration %s", error);
    }
    if (rc == 0)
        rc = models_create(app, set, config_path);
    if (rc < 0) {
        set_destroy(set);
        return rc;
    }
    *ret_set = set;
    return 0;
}
