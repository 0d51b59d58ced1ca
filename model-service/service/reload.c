/* reload.c - the configuration read again: by POST /-/reload and by SIGHUP. */
#include "service/reload.h"
#include "service/answer.h"
#include "service/handlers.h"

#include "encode/buffer.h"
#include "encode/json_writer.h"
#include "system/clock.h"
#include "system/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* What a reload made of the models; holds both sets. */
struct reload {
    struct model_set *before, *after;
    char error[MODEL_SET_ERROR_BYTES];
};

static bool begin(struct service *service)
{
    return !atomic_exchange(&service->reloading, true);
}

static void end(struct service *service)
{
    atomic_store(&service->reloading, false);
}

static bool is_removed(const struct reload *reload, const char *name)
{
    for (size_t i = 0; i < reload->after->count; i++)
        if (strcmp(served_model_name(reload->after->models[i]), name) == 0)
            return false;
    return true;
}

static void log_success(const struct service *service, const struct reload *reload)
{
    size_t states[MODEL_STATES] = {0}, removed = 0;
    for (size_t i = 0; i < reload->after->count; i++)
        states[reload->after->sources[i].state]++;
    for (size_t i = 0; i < reload->before->count; i++)
        removed += is_removed(reload, served_model_name(reload->before->models[i]));
    log_info("configuration %s reloaded: %zu models kept, %zu kept with other thresholds, %zu "
             "changed, %zu added, %zu removed",
             service->config_path, states[MODEL_KEPT], states[MODEL_RETUNED], states[MODEL_CHANGED],
             states[MODEL_ADDED], removed);
    const char *before = reload->before->config.listen, *after = reload->after->config.listen;
    if (strcmp(before ? before : "", after ? after : "") != 0)
        log_warning("changing 'listen' requires a restart");
}

/* Exchanges the models, or leaves them and says why. begin() must have succeeded. */
static int reload_models(struct service *service, struct reload *reload)
{
    *reload = (struct reload){.before = model_registry_set(&service->registry)};
    int rc = model_set_create(&service->registry, service->config_path, reload->before,
                              &reload->after, reload->error);
    if (rc == 0)
        rc = model_set_retune(&service->registry, service->config_path, reload->after,
                              reload->before, reload->error);
    atomic_store(&service->reload_failed, rc < 0);
    if (rc < 0) {
        log_error("configuration not reloaded, the running one stays: %s", reload->error);
        return rc;
    }
    atomic_store(&service->reload_success_ms, clock_wall_ms());
    model_registry_exchange(&service->registry, model_set_acquire(reload->after));
    log_success(service, reload);
    return 0;
}

static void reload_finish(struct reload *reload)
{
    model_set_release(reload->before);
    model_set_release(reload->after);
}

/* Another reload under way may have read the file before it changed: this one waits for it. */
#define BUSY_MS 20

void service_reload(struct service *service)
{
    if (!service->config_path) {
        log_warning("nothing to reload: the service runs without a configuration file");
        return;
    }
    while (!begin(service))
        nanosleep(&(struct timespec){.tv_nsec = BUSY_MS * 1000000L}, NULL);
    struct reload reload;
    reload_models(service, &reload);
    reload_finish(&reload);
    end(service);
}

/* --- POST /-/reload --- */

static void encode(struct buffer *body, const struct reload *reload)
{
    static const char *const names[MODEL_STATES] = {"added", "changed", "kept", "kept"};
    struct json_writer json;
    json_init(&json, body);
    json_begin_object(&json);
    json_key(&json, "status");
    json_string(&json, "reloaded");
    json_key(&json, "models");
    json_begin_array(&json);
    for (size_t i = 0; i < reload->after->count; i++) {
        const enum model_state state = reload->after->sources[i].state;
        json_begin_object(&json);
        json_key(&json, "name");
        json_string(&json, served_model_name(reload->after->models[i]));
        json_key(&json, "state");
        json_string(&json, names[state]);
        if (state == MODEL_RETUNED) {
            json_key(&json, "thresholds_changed");
            json_boolean(&json, true);
        }
        json_end_object(&json);
    }
    json_end_array(&json);
    json_key(&json, "removed");
    json_begin_array(&json);
    for (size_t i = 0; i < reload->before->count; i++)
        if (is_removed(reload, served_model_name(reload->before->models[i])))
            json_string(&json, served_model_name(reload->before->models[i]));
    json_end_array(&json);
    json_end_object(&json);
}

static void respond(struct http_response *response, int rc, const struct reload *reload)
{
    if (rc == -ENOMEM) {
        answer_out_of_memory(response);
    } else if (rc < 0) {
        answer_problem(response, 422, reload->error);
    } else {
        struct buffer body;
        buffer_init(&body, 1024);
        encode(&body, reload);
        answer_json(response, 200, &body);
    }
}

/* A proxy on this host makes everybody's requests local ones, and says so. */
static bool is_allowed(const struct http_request *request)
{
    if (http_request_is_authorized(request))
        return true;
    return http_request_is_local(request) && !http_request_header(request, "Forwarded") &&
           !http_request_header(request, "X-Forwarded-For");
}

void handle_reload(void *context, const struct http_request *request,
                   struct http_response *response)
{
    struct service *service = context;
    if (!is_allowed(request)) {
        answer_problem(
            response, 403,
            "a reload can be asked for from the service's own host only, or with a token");
    } else if (!service->config_path) {
        answer_problem(response, 409, "the service runs without a configuration file");
    } else if (!begin(service)) {
        answer_problem(response, 409, "another reload is under way");
    } else {
        struct reload reload;
        int rc = reload_models(service, &reload);
        respond(response, rc, &reload);
        reload_finish(&reload);
        end(service);
    }
}
