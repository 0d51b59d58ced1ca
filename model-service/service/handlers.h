/* handlers.h - the service's endpoints, a file each, and how much a request may bring. */
#ifndef SERVICE_HANDLERS_H
#define SERVICE_HANDLERS_H

#include "http/http.h"

/* Longest /predict body and largest batch: a batch of this size stays a few milliseconds of one
 * worker's time, and larger files belong in several requests. */
#define PREDICT_MAX_BYTES     (4u << 20)
#define PREDICT_MAX_INSTANCES 10000u
/* The same for /observe; more come as lines, without a limit. */
#define OBSERVE_MAX_BYTES     PREDICT_MAX_BYTES
#define OBSERVE_MAX_INSTANCES PREDICT_MAX_INSTANCES
/* A simulation runs inside its request: this many rows take about a second. */
#define SIMULATE_MAX_REQUESTS 100000u
#define SIMULATE_MAX_BYTES    (64u << 10)
/* Longer simulations run one at a time: together they would take every worker from the others. */
#define SIMULATE_SHARED_REQUESTS 1000u

/* Longest /labels body and largest batch; more come as lines. */
#define LABELS_MAX_BYTES     (4u << 20)
#define LABELS_MAX_INSTANCES 10000u

/* A silence: four texts of at most SILENCE_TEXT_BYTES. */
#define SILENCE_MAX_BYTES 8192

/* context: the struct service. */
void handle_root(void *context, const struct http_request *request, struct http_response *response);
void handle_health(void *context, const struct http_request *request,
                   struct http_response *response);
void handle_ready(void *context, const struct http_request *request,
                  struct http_response *response);
void handle_asset(void *context, const struct http_request *request,
                  struct http_response *response);
void handle_report(void *context, const struct http_request *request,
                   struct http_response *response);
void handle_feature(void *context, const struct http_request *request,
                    struct http_response *response);
/* The page for every address below /dashboard: its script reads the address. */
void handle_dashboard(void *context, const struct http_request *request,
                      struct http_response *response);
void handle_history(void *context, const struct http_request *request,
                    struct http_response *response);
void handle_incidents(void *context, const struct http_request *request,
                      struct http_response *response);
/* Whether anything is new: answered 304 where the client knows it. */
void handle_revision(void *context, const struct http_request *request,
                     struct http_response *response);
/* What the overview draws over the last hour. */
void handle_panels(void *context, const struct http_request *request,
                   struct http_response *response);
void handle_performance_history(void *context, const struct http_request *request,
                                struct http_response *response);
void handle_performance_pictures(void *context, const struct http_request *request,
                                 struct http_response *response);
void handle_alerts(void *context, const struct http_request *request,
                   struct http_response *response);
void handle_silence(void *context, const struct http_request *request,
                    struct http_response *response);
void handle_expire_silence(void *context, const struct http_request *request,
                           struct http_response *response);
void handle_drift_status(void *context, const struct http_request *request,
                         struct http_response *response);
void handle_predict(void *context, const struct http_request *request,
                    struct http_response *response);
void handle_observe(void *context, const struct http_request *request,
                    struct http_response *response);
void handle_simulate(void *context, const struct http_request *request,
                     struct http_response *response);
void handle_reload(void *context, const struct http_request *request,
                   struct http_response *response);
void handle_labels(void *context, const struct http_request *request,
                   struct http_response *response);
void handle_performance(void *context, const struct http_request *request,
                        struct http_response *response);
void handle_v2(void *context, const struct http_request *request, struct http_response *response);
void handle_v2_live(void *context, const struct http_request *request,
                    struct http_response *response);
void handle_v2_ready(void *context, const struct http_request *request,
                     struct http_response *response);
void handle_v2_model(void *context, const struct http_request *request,
                     struct http_response *response);
void handle_v2_model_ready(void *context, const struct http_request *request,
                           struct http_response *response);
void handle_v2_infer(void *context, const struct http_request *request,
                     struct http_response *response);

#endif
