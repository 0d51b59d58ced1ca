/* service.c - see the header. */
#include "service/service.h"

#include "service/answer.h"
#include "system/clock.h"
#include "system/log.h"
#include "text/excerpt.h"

#include <stdio.h>
#include <sys/random.h>

/* The last entry stands for every other status. */
const unsigned service_statuses[SERVICE_STATUS_COUNT] = {200, 302, 304, 400, 401, 403, 404, 405,
                                                         408, 409, 411, 413, 414, 415, 417, 422,
                                                         431, 500, 503, 501, 502, 505, 0};

/* Generated prediction ids begin with it, so that ids of two runs do not meet. */
static void choose_id_prefix(char prefix[SERVED_MODEL_PREFIX_BYTES])
{
    unsigned nonce = 0;

    if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
        nonce = (unsigned)clock_wall_ms();
    snprintf(prefix, SERVED_MODEL_PREFIX_BYTES, "%08x-", nonce);
}

void service_init(struct service *service, const struct http_route *routes, size_t route_count)
{
    service->routes = routes;
    service->route_count = route_count;
    service->ndjson_memory.limit = SERVICE_NDJSON_MEMORY_BYTES;
    service->start_seconds = (double)clock_wall_ms() / 1000;
    model_registry_init(&service->registry);
    choose_id_prefix(service->registry.id_prefix);
}

int service_load(struct service *service, const char *config_path,
                 char error[MODEL_SET_ERROR_BYTES])
{
    struct model_set *set;

    service->config_path = config_path;
    int rc = model_set_create(&service->registry, config_path, NULL, &set, error);
    if (rc < 0)
        return rc;
    model_registry_exchange(&service->registry, set);
    service->reload_success_ms = clock_wall_ms();
    return 0;
}

void service_finish(struct service *service)
{
    model_registry_finish(&service->registry);
}

void service_count_request(struct service *service, const struct http_route *route, unsigned status)
{
    const size_t index = route ? (size_t)(route - service->routes) : service->route_count;
    size_t code = 0;

    while (code < SERVICE_STATUS_COUNT - 1 && service_statuses[code] != status)
        code++;
    atomic_fetch_add_explicit(&service->requests[index][code], 1, memory_order_relaxed);
}

void service_reject(struct service *service, struct served_model *model, uint64_t rows,
                    const char *reason)
{
    const int64_t now = clock_tick_ms();
    int64_t logged = atomic_load_explicit(&service->rejected_logged_ms, memory_order_relaxed);

    served_model_count_rejected(model, rows);
    atomic_fetch_add_explicit(&service->rejected_unlogged, rows, memory_order_relaxed);
    if ((logged != 0 && now - logged < SERVICE_REJECTED_LOG_MS) ||
        !atomic_compare_exchange_strong(&service->rejected_logged_ms, &logged, now))
        return;
    log_warning("model \"%s\": refused a row: %s (%llu refused since the last such line)",
                excerpt(served_model_name(model)).text, reason,
                (unsigned long long)atomic_exchange(&service->rejected_unlogged, 0));
}

struct served_model *service_model(struct service *service, const struct http_request *request,
                                   struct http_response *response)
{
    struct served_model *model = model_registry_model(&service->registry, request->param);
    char detail[160];

    if (model)
        return model;
    snprintf(detail, sizeof(detail), "there is no model \"%s\"", excerpt(request->param).text);
    answer_problem(response, 404, detail);
    return NULL;
}
