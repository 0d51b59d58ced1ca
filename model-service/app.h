/* app.h - the model service: routes, handlers, life cycle. */
#ifndef APP_H
#define APP_H

#include "config/config.h"
#include "http/http.h"
#include "served/model.h"
#include "system/file_mark.h"
#include "text/lines.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/* `model-service serve`. */
int app_main(int argc, char **argv);

/* Longest /predict body and largest batch: a batch of this size stays a few milliseconds of one
 * worker's time, and larger files belong in several requests. */
#define PREDICT_MAX_BYTES     (4u << 20)
#define PREDICT_MAX_INSTANCES 10000u
/* The same for /observe; more come as lines, without a limit. */
#define OBSERVE_MAX_BYTES     PREDICT_MAX_BYTES
#define OBSERVE_MAX_INSTANCES PREDICT_MAX_INSTANCES
/* Of a request's lines or instances that were refused; all are counted. */
#define APP_MAX_LISTED_ERRORS 100u
/* Unfinished lines of all requests together: with a limit of one line alone, clients that begin
 * long ones would hold a gigabyte. */
#define APP_LINES_MEMORY_BYTES (32u << 20)
/* A simulation runs inside its request: this many rows take about a second. */
#define SIMULATE_MAX_REQUESTS 100000u
#define SIMULATE_MAX_BYTES    (64u << 10)
/* Longer simulations run one at a time: together they would take every worker from the others. */
#define SIMULATE_SHARED_REQUESTS 1000u

/* Longest /labels body and largest batch; more come as lines. */
#define LABELS_MAX_BYTES     (4u << 20)
#define LABELS_MAX_INSTANCES 10000u

/* Answers are counted by route and status; statuses outside the table count as its last entry. */
#define APP_STATUS_COUNT 17
extern const unsigned app_statuses[APP_STATUS_COUNT];
#define APP_MAX_ROUTES 40

/* The models of one configuration, const but for what they count themselves. Replaced as a whole
 * by a reload; requests in flight keep the set, or the model, that they began with. */
enum model_state { MODEL_ADDED, MODEL_CHANGED, MODEL_KEPT, MODEL_RETUNED, MODEL_STATES };
struct model_source {
    struct file_mark reference,
        scorer;             /* the files that a model of the configuration was read from */
    enum model_state state; /* against the set before: KEPT and RETUNED are its objects */
};
struct model_set {
    atomic_size_t references;
    struct config config; /* model_count 0 when the built-in model is served */
    struct served_model **models;
    struct model_source *sources; /* [count] */
    size_t count;                 /* 1 or more */
};

struct metrics_writing;

struct app {
    pthread_mutex_t models_mu;
    struct model_set *models; /* guarded by models_mu; the set's own content is not */
    double start_seconds;     /* wall clock */
    char id_prefix[SERVED_MODEL_PREFIX_BYTES]; /* differs from start to start */
    _Atomic(struct metrics_writing *)
        metrics_writing; /* the last scrape's, for the next; or NULL */
    struct lines_memory lines_memory;
    const char *config_path;               /* NULL: the built-in model */
    _Atomic bool reloading, reload_failed; /* one under way; the last one */
    _Atomic int64_t reload_success_ms;     /* wall clock; the start counts */
    _Atomic bool ready;
    _Atomic bool simulating; /* a simulation of more than SIMULATE_SHARED_REQUESTS */
    /* [route, the last for "no route"][status] */
    _Atomic uint64_t requests[APP_MAX_ROUTES + 1][APP_STATUS_COUNT];
};

extern const struct http_route app_routes[];
extern const size_t app_route_count;

/* --- the models, service/model_set.c --- */

/* Room for a configuration's path and what is wrong with a model of it. */
#define MODEL_SET_ERROR_BYTES (SERVED_MODEL_ERROR_BYTES + 400)

/* Reads the configuration (NULL: the built-in model) and creates its models, but for those that
 * `before` (or NULL) has of the same configuration and files. error: one sentence, written on
 * failure. 0 or a negative errno; the caller holds the first reference. */
int model_set_create(const struct app *app, const char *config_path, const struct model_set *before,
                     struct model_set **ret_set, char error[MODEL_SET_ERROR_BYTES]);
/* Sets the thresholds of the models taken over. All of them, or none and the error. */
int model_set_retune(const struct app *app, const struct model_set *set,
                     const struct model_set *before, char error[MODEL_SET_ERROR_BYTES]);
struct model_set *model_set_acquire(struct model_set *set);
/* The last one destroys it. NULL is fine. */
void model_set_release(struct model_set *set);
/* The set that is served now; to be released. */
struct model_set *app_models(struct app *app);
/* From now on this one, whose reference passes to the app. */
void app_models_exchange(struct app *app, struct model_set *set);
/* A model by its name (NULL: the first), to be released; NULL: there is none. */
struct served_model *app_model_named(struct app *app, const char *name);
/* The model a request is about, to be released, or NULL after answering 404. */
struct served_model *app_model(struct app *app, const struct http_request *request,
                               struct http_response *response);

/* Reads the configuration again, and logs what came of it; service/reload.c. */
void app_reload(struct app *app);

/* --- handlers, one file per subject --- */
void handle_root(void *app, const struct http_request *request, struct http_response *response);
void handle_health(void *app, const struct http_request *request, struct http_response *response);
void handle_ready(void *app, const struct http_request *request, struct http_response *response);
void handle_asset(void *app, const struct http_request *request, struct http_response *response);
void handle_drift_status(void *app, const struct http_request *request,
                         struct http_response *response);
void handle_predict(void *app, const struct http_request *request, struct http_response *response);
void handle_observe(void *app, const struct http_request *request, struct http_response *response);
void handle_simulate(void *app, const struct http_request *request, struct http_response *response);
void handle_metrics(void *app, const struct http_request *request, struct http_response *response);
/* Frees what scrapes keep for each other. */
void app_metrics_finish(struct app *app);
void handle_reload(void *app, const struct http_request *request, struct http_response *response);
void handle_labels(void *app, const struct http_request *request, struct http_response *response);
void handle_performance(void *app, const struct http_request *request,
                        struct http_response *response);
void handle_v2(void *app, const struct http_request *request, struct http_response *response);
void handle_v2_live(void *app, const struct http_request *request, struct http_response *response);
void handle_v2_ready(void *app, const struct http_request *request, struct http_response *response);
void handle_v2_model(void *app, const struct http_request *request, struct http_response *response);
void handle_v2_model_ready(void *app, const struct http_request *request,
                           struct http_response *response);
void handle_v2_infer(void *app, const struct http_request *request, struct http_response *response);

/* --- answers --- */
struct buffer;
/* application/problem+json (RFC 9457); detail is one sentence. */
void app_problem(struct http_response *response, unsigned status, const char *detail);
/* A body that was not taken: the client's mistake with error (-EINVAL), or our lack of memory. */
void app_refused(struct http_response *response, int rc, const struct input_error *error);
/* The 503 of a request that could not get the memory it needs. */
void app_out_of_memory(struct http_response *response);
/* The buffer's bytes as the answer's body; 500 when it failed for memory. Empties the buffer. */
void app_buffer(struct http_response *response, unsigned status, const char *content_type,
                struct buffer *body);
void app_json(struct http_response *response, unsigned status, struct buffer *body);

/* --- concept drift, service/performance.c --- */
struct json_writer;
/* "normal", "warning", "drift" */
const char *app_change_state_name(enum change_state state);
/* The member "concept_drift" of an open object. */
void app_write_concept_drift(struct json_writer *json, struct served_model *model);
/* The member "streams" of an open object. */
void app_write_streams(struct json_writer *json, struct served_model *model);

/* A whole text as a decimal number, without the blanks, words and hexadecimal digits that strtod()
 * takes. False if it is none, or beyond the largest double; *ret_value is untouched then. */
bool app_decimal(const char *text, double *ret_value);

/* 2026-01-31T12:00:00.123Z */
#define APP_TIMESTAMP_BYTES 32
void app_timestamp(int64_t ms, char out[APP_TIMESTAMP_BYTES]);
int64_t app_now_ms(void);

#endif
