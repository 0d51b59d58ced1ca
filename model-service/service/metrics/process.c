/* process.c - metrics of the service and its process. */
#include "service/metrics/family.h"

#include "version.h"

#include <stdio.h>
#include <string.h>

/* Whether a route answers so to ordinary traffic: such a series is there from the start, since the
 * first increment of a series that appears with it is lost to rate(). NULL: no route. */
static bool status_expected(const struct http_route *route, unsigned status)
{
    if (!route)
        return status == 400 || status == 404 || status == 405 || status == 408 || status == 431 ||
               status == 503;
    switch (status) {
    case 200:
        return true;
    case 302:
        return strcmp(route->path, "/") == 0;
    case 400:
    case 413:
    case 415:
    case 422:
        return route->body != HTTP_BODY_NONE;
    case 403:
        return true;
    case 409:
        return strcmp(route->path, "/-/reload") == 0;
    case 404:
        return strchr(route->path, '{');
    case 411:
        return route->body == HTTP_BODY_JSON || route->body == HTTP_BODY_JSON_OR_UNTYPED;
    case 503:
        return route->body != HTTP_BODY_NONE || strcmp(route->path, "/ready") == 0;
    default:
        return false;
    }
}

void walk_service(struct exposition *out, const struct service_snapshot *service,
                  union metric_value value)
{
    double number;

    if (value.service(service, &number))
        exposition_sample(out, NULL, 0, number);
}

void write_requests(struct exposition *out, const struct service_snapshot *snapshot,
                    union metric_value value)
{
    const struct service *service = snapshot->service;

    (void)value;
    for (size_t route = 0; route <= service->route_count; route++)
        for (size_t code = 0; code < SERVICE_STATUS_COUNT; code++) {
            const struct http_route *known =
                route < service->route_count ? &service->routes[route] : NULL;
            const uint64_t count = atomic_load(&service->requests[route][code]);
            if (count == 0 && !status_expected(known, service_statuses[code]))
                continue;
            char status[16];
            snprintf(status, sizeof(status), "%u", service_statuses[code]);
            const struct metric_label labels[] = {
                {"method", known ? known->method : "other"},
                {"handler", known ? known->path : "other"},
                {"code", service_statuses[code] ? status : "other"}};
            exposition_count(out, labels, 3, count);
        }
}

void write_build(struct exposition *out, const struct service_snapshot *service,
                 union metric_value value)
{
    const struct metric_label labels[] = {{"version", SERVICE_VERSION},
                                          {"revision", SERVICE_REVISION}};

    (void)service;
    (void)value;
    exposition_sample(out, labels, 2, 1);
}

/* --- values; without /proc nothing is known of the process --- */

bool process_cpu(const struct service_snapshot *service, double *ret_value)
{
    *ret_value = service->process.cpu_seconds;
    return service->process_known;
}

bool process_resident(const struct service_snapshot *service, double *ret_value)
{
    *ret_value = (double)service->process.resident_bytes;
    return service->process_known;
}

bool process_virtual(const struct service_snapshot *service, double *ret_value)
{
    *ret_value = (double)service->process.virtual_bytes;
    return service->process_known;
}

bool process_open_fds(const struct service_snapshot *service, double *ret_value)
{
    *ret_value = (double)service->process.open_fds;
    return service->process_known;
}

bool process_max_fds(const struct service_snapshot *service, double *ret_value)
{
    *ret_value = (double)service->process.max_fds;
    return service->process_known;
}

bool process_threads(const struct service_snapshot *service, double *ret_value)
{
    *ret_value = (double)service->process.threads;
    return service->process_known;
}

bool process_start(const struct service_snapshot *service, double *ret_value)
{
    *ret_value = service->service->start_seconds;
    return true;
}

bool collect_time(const struct service_snapshot *service, double *ret_value)
{
    *ret_value = service->collect_seconds;
    return true;
}

bool requests_shed(const struct service_snapshot *service, double *ret_value)
{
    const struct http_server *server = atomic_load(&service->service->http);
    *ret_value = server ? (double)http_server_shed(server) : 0;
    return true;
}

bool reload_successful(const struct service_snapshot *service, double *ret_value)
{
    *ret_value = !atomic_load(&service->service->reload_failed);
    return true;
}

bool reload_time(const struct service_snapshot *service, double *ret_value)
{
    *ret_value = (double)atomic_load(&service->service->reload_success_ms) / 1000;
    return true;
}

/* --- values; without a state directory there are none --- */

bool state_kept(const struct service_snapshot *service, double *ret_value)
{
    *ret_value = service->state.kept;
    return service->service->keeper;
}

bool state_saved(const struct service_snapshot *service, double *ret_value)
{
    *ret_value = (double)service->state.saved_ms / 1000;
    return service->service->keeper && service->state.saved_ms > 0;
}

bool state_size(const struct service_snapshot *service, double *ret_value)
{
    *ret_value = (double)service->state.bytes;
    return service->service->keeper;
}
