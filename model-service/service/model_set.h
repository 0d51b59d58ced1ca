/* model_set.h - the models that are served, exchanged as a whole by a reload. */
#ifndef SERVICE_MODEL_SET_H
#define SERVICE_MODEL_SET_H

#include "config/config.h"
#include "served/model.h"
#include "system/file_mark.h"

#include <pthread.h>
#include <stdatomic.h>

/* What became of a model at a reload. KEPT and RETUNED models are the objects of the set before. */
enum model_state { MODEL_ADDED, MODEL_CHANGED, MODEL_KEPT, MODEL_RETUNED, MODEL_STATES };

struct model_source {
    struct file_mark reference, scorer; /* the files that the model was read from */
    enum model_state state;
};

/* The models of one configuration; const but for what they count themselves. Counted by reference:
 * a request keeps the set, or the model, that it began with. */
struct model_set {
    atomic_size_t references;
    struct config config; /* model_count 0 when the built-in model is served */
    struct served_model **models;
    struct model_source *sources; /* [count] */
    size_t count;                 /* 1 or more */
};

/* Which set is served now. */
struct model_registry {
    pthread_mutex_t mu;
    struct model_set *set; /* guarded by mu; the content of the set is not. NULL before the first */
    char id_prefix[SERVED_MODEL_PREFIX_BYTES]; /* of generated prediction ids; const */
};

void model_registry_init(struct model_registry *registry);
void model_registry_finish(struct model_registry *registry);
/* The set that is served now, to be released. */
struct model_set *model_registry_set(struct model_registry *registry);
/* From now on this set is served; its reference passes to the registry. */
void model_registry_exchange(struct model_registry *registry, struct model_set *set);
/* A model by its name (NULL: the first), to be released; NULL: there is none. */
struct served_model *model_registry_model(struct model_registry *registry, const char *name);

/* Room for a configuration's path and what is wrong with a model of it. */
#define MODEL_SET_ERROR_BYTES (ERROR_BYTES + 400)

/* Reads the configuration (NULL: the built-in model) and creates its models, except those that
 * `before` (or NULL) has with the same configuration and files. error: one sentence, written on
 * failure. 0 or a negative errno; the caller holds the first reference. */
int model_set_create(const struct model_registry *registry, const char *config_path,
                     const struct model_set *before, struct model_set **ret_set,
                     char error[MODEL_SET_ERROR_BYTES]);
/* Sets the thresholds of the models taken over. All of them, or none and the error, which names
 * config_path. */
int model_set_retune(const struct model_registry *registry, const char *config_path,
                     const struct model_set *set, const struct model_set *before,
                     char error[MODEL_SET_ERROR_BYTES]);
struct model_set *model_set_acquire(struct model_set *set);
/* The last reference destroys it. NULL is allowed. */
void model_set_release(struct model_set *set);

#endif
