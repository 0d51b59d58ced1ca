/* model_fill.c - see the header. Reading and sorting references is most of a start's work, and one
 * model has nothing to do with another's. */
#include "service/model_fill.h"

#include "system/log.h"
#include "system/process.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Each has a reference in memory meanwhile. */
#define MOST_THREADS 8

struct filling {
    struct model_set *set;
    const struct served_model_settings *settings;
    const char *config_path;
    atomic_size_t next; /* to be created */
    pthread_mutex_t mu; /* guards the rest */
    size_t failed;      /* the first model that failed, or the set's count */
    int failure;
    struct error error;
};

static int create(const struct filling *filling, size_t i, struct error *error)
{
    struct served_model **model = &filling->set->models[i];
    if (!filling->config_path)
        return served_model_create_builtin(filling->settings, model, error);
    return served_model_create(&filling->set->config.models[i], filling->settings, model, error);
}

/* Models are taken in their order: when one fails, all before it are created or on their way. */
static void note_failure(struct filling *filling, size_t i, int rc, const struct error *error)
{
    pthread_mutex_lock(&filling->mu);
    if (i < filling->failed) {
        filling->failed = i;
        filling->failure = rc;
        filling->error = *error;
    }
    pthread_mutex_unlock(&filling->mu);
    atomic_store(&filling->next, filling->set->count);
}

static void *work(void *context)
{
    struct filling *filling = context;
    size_t i;
    while ((i = atomic_fetch_add(&filling->next, 1)) < filling->set->count) {
        struct error error = {""};
        const int rc = filling->set->models[i] ? 0 : create(filling, i, &error);
        if (rc < 0)
            note_failure(filling, i, rc, &error);
    }
    return NULL;
}

static size_t threads_for(const struct model_set *set)
{
    size_t missing = 0;
    for (size_t i = 0; i < set->count; i++)
        missing += !set->models[i];
    const size_t most = process_processors() < MOST_THREADS ? process_processors() : MOST_THREADS;
    return missing < most ? missing : most;
}

/* This thread and helpers; fewer if one cannot be started. */
static void work_together(struct filling *filling, size_t threads)
{
    pthread_t helper[MOST_THREADS];
    size_t helpers = 0;
    while (helpers + 1 < threads && pthread_create(&helper[helpers], NULL, work, filling) == 0)
        helpers++;
    (void)work(filling);
    for (size_t i = 0; i < helpers; i++)
        pthread_join(helper[i], NULL);
}

int model_set_fill(struct model_set *set, const struct served_model_settings *settings,
                   const char *config_path, char error[MODEL_SET_ERROR_BYTES])
{
    struct filling filling = {
        .set = set, .settings = settings, .config_path = config_path, .failed = set->count};
    bool *is_new = calloc(set->count, sizeof(*is_new));
    if (!is_new)
        return -ENOMEM;
    for (size_t i = 0; i < set->count; i++)
        is_new[i] = !set->models[i];
    pthread_mutex_init(&filling.mu, NULL);
    work_together(&filling, threads_for(set));
    pthread_mutex_destroy(&filling.mu);
    for (size_t i = 0; i < filling.failed; i++)
        if (is_new[i])
            log_info("model \"%s\": %zu features", served_model_name(set->models[i]),
                     served_model_schema(set->models[i])->features);
    free(is_new);
    if (filling.failure < 0)
        snprintf(error, MODEL_SET_ERROR_BYTES, "%.300s%s%s", config_path ? config_path : "",
                 config_path ? ": " : "", filling.error.text);
    return filling.failure;
}
