/* service.h - the state that the service's handlers share. Handlers get it as their context; only
 * files that read or write a member include this header. */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "http/http.h"
#include "service/model_set.h"
#include "service/ndjson.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Incomplete lines of all requests together: with a limit per line alone, clients that begin long
 * lines would hold a gigabyte. */
#define SERVICE_NDJSON_MEMORY_BYTES (32u << 20)

/* Answers are counted by route and status; a status outside the table counts as its last entry. */
#define SERVICE_STATUS_COUNT 23
extern const unsigned service_statuses[SERVICE_STATUS_COUNT];
#define SERVICE_MAX_ROUTES 70

struct alert_watch;
struct keeper;
struct metrics_writing;

struct service {
    struct model_registry registry;
    const struct http_route *routes;    /* [route_count], const */
    size_t route_count;                 /* <= SERVICE_MAX_ROUTES */
    const char *config_path;            /* NULL: the built-in model */
    double start_seconds;               /* wall clock */
    struct keeper *keeper;              /* NULL: no state is kept */
    _Atomic(struct http_server *) http; /* that serves it; NULL while the models are being loaded */
    struct alert_watch *alerts;         /* NULL: nobody is asked about alerts */
    struct ndjson_memory ndjson_memory;

    _Atomic bool ready;
    _Atomic bool simulating;               /* a simulation that has to run alone */
    _Atomic bool reloading, reload_failed; /* one under way; the last one */
    _Atomic int64_t reload_success_ms;     /* wall clock; the start counts */
    /* rows refused since the last line of the log that said so, and when that was */
    _Atomic uint64_t rejected_unlogged;
    _Atomic int64_t rejected_logged_ms;
    /* what the last scrape leaves for the next one, or NULL */
    _Atomic(struct metrics_writing *) metrics_writing;
    /* [route, the last for "no route"][status] */
    _Atomic uint64_t requests[SERVICE_MAX_ROUTES + 1][SERVICE_STATUS_COUNT];
};

/* Begins the state of a service with these routes (borrowed), in memory that is all zero; it has no
 * models yet. */
void service_init(struct service *service, const struct http_route *routes, size_t route_count);
/* Loads the models of a configuration (config_path borrowed; NULL: the built-in model). error: one
 * sentence, written on failure. 0 or a negative errno. */
int service_load(struct service *service, const char *config_path,
                 char error[MODEL_SET_ERROR_BYTES]);
void service_finish(struct service *service);

/* Takes the state of every model into its history; called every SERVICE_FOLLOW_MS. As often as
 * Prometheus asks, which costs the same. */
#define SERVICE_FOLLOW_MS 5000
void service_follow(struct service *service);

/* Where the pages read about alerts: addresses, or NULL. 0, or an error with a sentence. */
NODISCARD int service_watch_alerts(struct service *service, const char *prometheus,
                                   const char *alertmanager, const char *inbox,
                                   struct error *error);
void service_unwatch_alerts(struct service *service);

/* Counts an answer; route NULL: there is none for the path. */
void service_count_request(struct service *service, const struct http_route *route,
                           unsigned status);

/* Counts rows of a model that are refused for what they contain, and logs the reason, at most every
 * SERVICE_REJECTED_LOG_MS: a client that sends nothing else would fill the log. */
#define SERVICE_REJECTED_LOG_MS 10000
void service_reject(struct service *service, struct served_model *model, uint64_t rows,
                    const char *reason);

/* The model a request is about, to be released, or NULL after answering 404. */
struct served_model *service_model(struct service *service, const struct http_request *request,
                                   struct http_response *response);

#endif
