/* process.c - metrics of the service and its process. */
#include "service/metrics/metrics.h"

#include "version.h"

#include <stdio.h>
#include <string.h>

/* Whether a route answers so to ordinary traffic: such a series is there from the start, since the
 * first increment of a series that appears with it is lost to rate(). NULL: no route. */
static bool status_expected(const struct http_route *route, unsigned status)
{
    if (!route)
        return status == 400 || status == 404 || status == 405 || status == 431;
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
        return route->body == HTTP_BODY_OPTIONAL;
    case 409:
        return strcmp(route->path, "/-/reload") == 0;
    case 404:
        return strchr(route->path, '{');
    case 411:
        return route->body == HTTP_BODY_JSON;
    case 503:
        return route->body != HTTP_BODY_NONE || strcmp(route->path, "/ready") == 0;
    default:
        return false;
    }
}

void metrics_requests(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    (void)selector;
    for (size_t route = 0; route <= snapshot->service->route_count; route++)
        for (size_t code = 0; code < SERVICE_STATUS_COUNT; code++) {
            const struct http_route *known =
                route < snapshot->service->route_count ? &snapshot->service->routes[route] : NULL;
            const uint64_t count = atomic_load(&snapshot->service->requests[route][code]);
            if (count == 0 && !status_expected(known, service_statuses[code]))
                continue;
            char status[16];
            snprintf(status, sizeof(status), "%u", service_statuses[code]);
            const struct metric_label labels[] = {
                {"method", known ? known->method : "other"},
                {"handler", known ? known->path : "other"},
                {"code", service_statuses[code] ? status : "other"}};
            exposition_sample(out, labels, 3, (double)count);
        }
}

void metrics_build(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    (void)snapshot;
    (void)selector;
    const struct metric_label labels[] = {{"version", SERVICE_VERSION},
                                          {"revision", SERVICE_REVISION}};
    exposition_sample(out, labels, 2, 1);
}

static double process_value(const struct snapshot *snapshot, int selector)
{
    const struct process_usage *process = &snapshot->process;
    switch (selector) {
    case PROCESS_CPU:
        return process->cpu_seconds;
    case PROCESS_RESIDENT:
        return (double)process->resident_bytes;
    case PROCESS_VIRTUAL:
        return (double)process->virtual_bytes;
    case PROCESS_OPEN_FDS:
        return (double)process->open_fds;
    case PROCESS_MAX_FDS:
        return (double)process->max_fds;
    case PROCESS_START:
        return snapshot->service->start_seconds;
    case PROCESS_THREADS:
        return (double)process->threads;
    case CONFIG_RELOADED:
        return !atomic_load(&snapshot->service->reload_failed);
    case CONFIG_RELOAD_TIME:
        return (double)atomic_load(&snapshot->service->reload_success_ms) / 1000;
    default:
        return snapshot->collect_seconds;
    }
}

void metrics_process(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    if (snapshot->process_known || selector == PROCESS_START || selector >= SERVICE_COLLECT)
        exposition_sample(out, NULL, 0, process_value(snapshot, selector));
}
