/* app_metrics.c - GET /metrics. One table: a family and the function that writes its samples. */
#include "app.h"

#include "adapt/process.h"
#include "encode/buffer.h"
#include "encode/exposition.h"
#include "version.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Everything a scrape writes, read before the first line of it. */
struct model_snapshot {
    const char *name;
    struct detector_report report;
    struct served_model_counters counters;
};

struct snapshot {
    const struct app *app;
    struct model_snapshot *models;
    size_t model_count;
    struct process_usage process;
    bool process_known;
    double collect_seconds;
};

struct family {
    struct metric_family family;
    void (*write)(struct exposition *out, const struct snapshot *snapshot, int selector);
    int selector; /* which value, for families that share a writer */
};

/* --- per feature and method --- */

enum { METHOD_SCORE, METHOD_P_VALUE, METHOD_SIGNIFICANT };

static double method_value(const struct detector_method_report *method, int selector)
{
    switch (selector) {
    case METHOD_SCORE:
        return method->score;
    case METHOD_P_VALUE:
        return method->p_value;
    default:
        return method->significant;
    }
}

static void write_methods(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        for (size_t f = 0; f < model->report.feature_count; f++)
            for (enum drift_method method = 0; method < METHOD_COUNT; method++) {
                const struct detector_feature_report *feature = &model->report.features[f];
                if (!feature->method[method].applies)
                    continue;
                const struct metric_label labels[] = {{"model", model->name},
                                                      {"feature", feature->name},
                                                      {"method", drift_method_name(method)}};
                exposition_sample(out, labels, 3, method_value(&feature->method[method], selector));
            }
    }
}

/* --- per feature --- */

enum {
    FEATURE_MEAN,
    FEATURE_STD,
    FEATURE_REFERENCE_MEAN,
    FEATURE_REFERENCE_STD,
    FEATURE_MISSING,
    FEATURE_UNSEEN,
    FEATURE_INFINITE,
};

static double feature_value(const struct detector_feature_report *feature, int selector)
{
    switch (selector) {
    case FEATURE_MEAN:
        return feature->window_mean;
    case FEATURE_STD:
        return feature->window_deviation;
    case FEATURE_REFERENCE_MEAN:
        return feature->reference_mean;
    case FEATURE_REFERENCE_STD:
        return feature->reference_deviation;
    case FEATURE_MISSING:
        return (double)feature->missing_total;
    case FEATURE_UNSEEN:
        return (double)feature->unseen_total;
    default:
        return (double)feature->infinite_total;
    }
}

static bool feature_has(const struct detector_feature_report *feature, int selector)
{
    if (selector == FEATURE_UNSEEN)
        return feature->type == FEATURE_CATEGORICAL;
    return selector == FEATURE_MISSING || feature->type == FEATURE_NUMERIC;
}

static void write_features(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        for (size_t f = 0; f < model->report.feature_count; f++) {
            const struct detector_feature_report *feature = &model->report.features[f];
            if (!feature_has(feature, selector))
                continue;
            const struct metric_label labels[] = {{"model", model->name},
                                                  {"feature", feature->name}};
            exposition_sample(out, labels, 2, feature_value(feature, selector));
        }
    }
}

/* --- per model --- */

enum {
    MODEL_WINDOW,
    MODEL_CAPACITY,
    MODEL_MINIMUM,
    MODEL_REFERENCE,
    MODEL_LAST_OBSERVATION,
    MODEL_SIMULATED,
    MODEL_SIGNIFICANCE,
};

static double model_value(const struct model_snapshot *model, int selector)
{
    const struct detector_report *report = &model->report;
    switch (selector) {
    case MODEL_WINDOW:
        return (double)report->window_rows;
    case MODEL_CAPACITY:
        return (double)report->window_capacity;
    case MODEL_MINIMUM:
        return (double)report->minimum_sample;
    case MODEL_REFERENCE:
        return (double)report->reference_rows;
    case MODEL_LAST_OBSERVATION:
        return (double)report->last_observation_ms / 1000;
    case MODEL_SIGNIFICANCE:
        return report->significance;
    default:
        return (double)model->counters.simulated;
    }
}

/* A duration window has no capacity, and before the first observation there is no last one. */
static bool model_has(const struct model_snapshot *model, int selector)
{
    if (selector == MODEL_CAPACITY)
        return model->report.window_capacity > 0;
    return selector != MODEL_LAST_OBSERVATION || model->report.last_observation_ms > 0;
}

static void write_models(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        const struct metric_label label = {"model", model->name};
        if (model_has(model, selector))
            exposition_sample(out, &label, 1, model_value(model, selector));
    }
}

static void write_predictions(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    (void)selector;
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        const struct metric_label positive[] = {{"model", model->name},
                                                {"prediction_class", "positive"}};
        const struct metric_label negative[] = {{"model", model->name},
                                                {"prediction_class", "negative"}};
        exposition_sample(out, positive, 2, (double)model->counters.positive);
        exposition_sample(out, negative, 2, (double)model->counters.negative);
    }
}

enum { SEVERITY_THRESHOLDS, SEVERITY_ONSETS };

static void write_severities(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++) {
            const struct metric_label labels[] = {{"model", model->name},
                                                  {"severity", drift_severity_name(s)}};
            exposition_sample(out, labels, 2,
                              selector == SEVERITY_ONSETS ? (double)model->report.onsets[s]
                                                          : model->report.threshold[s]);
        }
    }
}

static void write_latency(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    (void)selector;
    for (size_t m = 0; m < snapshot->model_count; m++) {
        const struct model_snapshot *model = &snapshot->models[m];
        const struct metric_label label = {"model", model->name};
        const struct metric_histogram histogram = {
            .bounds = latency_bounds,
            .counts = model->counters.latency_counts,
            .buckets = LATENCY_BUCKETS,
            .sum = model->counters.latency_sum_seconds,
        };
        exposition_histogram(out, &label, 1, &histogram);
    }
}

/* --- per service --- */

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

static void write_requests(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    (void)selector;
    for (size_t route = 0; route <= app_route_count; route++)
        for (size_t code = 0; code < APP_STATUS_COUNT; code++) {
            const struct http_route *known = route < app_route_count ? &app_routes[route] : NULL;
            const uint64_t count = atomic_load(&snapshot->app->requests[route][code]);
            if (count == 0 && !status_expected(known, app_statuses[code]))
                continue;
            char status[16];
            snprintf(status, sizeof(status), "%u", app_statuses[code]);
            const struct metric_label labels[] = {{"method", known ? known->method : "other"},
                                                  {"handler", known ? known->path : "other"},
                                                  {"code", app_statuses[code] ? status : "other"}};
            exposition_sample(out, labels, 3, (double)count);
        }
}

static void write_build(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    (void)snapshot;
    (void)selector;
    const struct metric_label labels[] = {{"version", SERVICE_VERSION},
                                          {"revision", SERVICE_REVISION}};
    exposition_sample(out, labels, 2, 1);
}

enum {
    PROCESS_CPU,
    PROCESS_RESIDENT,
    PROCESS_VIRTUAL,
    PROCESS_OPEN_FDS,
    PROCESS_MAX_FDS,
    PROCESS_START,
    PROCESS_THREADS,
    SERVICE_COLLECT,
};

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
        return snapshot->app->start_seconds;
    case PROCESS_THREADS:
        return (double)process->threads;
    default:
        return snapshot->collect_seconds;
    }
}

static void write_process(struct exposition *out, const struct snapshot *snapshot, int selector)
{
    if (snapshot->process_known || selector == PROCESS_START || selector == SERVICE_COLLECT)
        exposition_sample(out, NULL, 0, process_value(snapshot, selector));
}

static const struct family families[] = {
    {{"model_drift_score", METRIC_GAUGE, "",
      "Drift score of a feature's window against its reference; NaN below the minimum sample."},
     write_methods,
     METHOD_SCORE},
    {{"model_drift_p_value", METRIC_GAUGE, "",
      "Probability of a score at least this large without drift; NaN below the minimum sample."},
     write_methods,
     METHOD_P_VALUE},
    {{"model_drift_significant", METRIC_GAUGE, "",
      "1 if the p-value is significant after Holm's correction over the model's features and "
      "methods."},
     write_methods,
     METHOD_SIGNIFICANT},
    {{"model_drift_threshold", METRIC_GAUGE, "", "Score above which a feature counts as drifted."},
     write_severities,
     SEVERITY_THRESHOLDS},
    {{"drift_alerts_total", METRIC_COUNTER, "", "Onsets of drift, by severity."},
     write_severities,
     SEVERITY_ONSETS},
    {{"model_predictions_total", METRIC_COUNTER, "", "Predictions made."}, write_predictions, 0},
    {{"model_simulated_predictions_total", METRIC_COUNTER, "",
      "Predictions of rows that /simulate/drift made up; part of model_predictions_total."},
     write_models,
     MODEL_SIMULATED},
    {{"model_prediction_latency_seconds", METRIC_HISTOGRAM, "seconds",
      "Time to score and observe one row."},
     write_latency,
     0},
    {{"model_feature_mean", METRIC_GAUGE, "", "Mean of the feature's window."},
     write_features,
     FEATURE_MEAN},
    {{"model_feature_std", METRIC_GAUGE, "", "Standard deviation of the feature's window."},
     write_features,
     FEATURE_STD},
    {{"model_feature_reference_mean", METRIC_GAUGE, "", "Mean of the feature's reference."},
     write_features,
     FEATURE_REFERENCE_MEAN},
    {{"model_feature_reference_std", METRIC_GAUGE, "",
      "Standard deviation of the feature's reference."},
     write_features,
     FEATURE_REFERENCE_STD},
    {{"model_feature_missing_total", METRIC_COUNTER, "", "Missing values observed."},
     write_features,
     FEATURE_MISSING},
    {{"model_feature_infinite_total", METRIC_COUNTER, "", "Infinite values observed."},
     write_features,
     FEATURE_INFINITE},
    {{"model_feature_unseen_total", METRIC_COUNTER, "",
      "Values observed of categories that the reference does not have."},
     write_features,
     FEATURE_UNSEEN},
    {{"model_window_observations", METRIC_GAUGE, "", "Observations in the window now."},
     write_models,
     MODEL_WINDOW},
    {{"model_window_capacity_observations", METRIC_GAUGE, "",
      "Observations a full count window holds."},
     write_models,
     MODEL_CAPACITY},
    {{"model_minimum_sample_observations", METRIC_GAUGE, "",
      "Observations a window needs before it is judged."},
     write_models,
     MODEL_MINIMUM},
    {{"model_reference_samples", METRIC_GAUGE, "", "Rows of the reference."},
     write_models,
     MODEL_REFERENCE},
    {{"model_significance_level", METRIC_GAUGE, "", "Family-wise error of the significance test."},
     write_models,
     MODEL_SIGNIFICANCE},
    {{"model_last_observation_timestamp_seconds", METRIC_GAUGE, "seconds",
      "Unix time of the last observation."},
     write_models,
     MODEL_LAST_OBSERVATION},
    {{"http_requests_total", METRIC_COUNTER, "", "HTTP requests answered."}, write_requests, 0},
    {{"model_service_build_info", METRIC_INFO, "", "Version of the running service."},
     write_build,
     0},
    {{"model_service_metrics_collect_seconds", METRIC_GAUGE, "seconds",
      "Time it took to collect this exposition's values."},
     write_process,
     SERVICE_COLLECT},
    {{"process_cpu_seconds_total", METRIC_COUNTER, "seconds", "User and system CPU time spent."},
     write_process,
     PROCESS_CPU},
    {{"process_resident_memory_bytes", METRIC_GAUGE, "bytes", "Resident memory."},
     write_process,
     PROCESS_RESIDENT},
    {{"process_virtual_memory_bytes", METRIC_GAUGE, "bytes", "Virtual memory."},
     write_process,
     PROCESS_VIRTUAL},
    {{"process_open_fds", METRIC_GAUGE, "", "Open file descriptors."},
     write_process,
     PROCESS_OPEN_FDS},
    {{"process_max_fds", METRIC_GAUGE, "", "Most file descriptors the process may open."},
     write_process,
     PROCESS_MAX_FDS},
    {{"process_start_time_seconds", METRIC_GAUGE, "seconds", "Unix time of the process's start."},
     write_process,
     PROCESS_START},
    {{"process_threads", METRIC_GAUGE, "", "Threads of the process."},
     write_process,
     PROCESS_THREADS},
};

/* --- the handler --- */

static double monotonic_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void snapshot_finish(struct snapshot *snapshot)
{
    for (size_t m = 0; m < snapshot->model_count; m++)
        free(snapshot->models[m].report.features);
    free(snapshot->models);
}

static int snapshot_take(struct snapshot *snapshot, const struct app *app)
{
    const double start = monotonic_seconds();
    *snapshot = (struct snapshot){.app = app};
    snapshot->models = calloc(app->model_count, sizeof(*snapshot->models));
    if (!snapshot->models)
        return -1;
    for (; snapshot->model_count < app->model_count; snapshot->model_count++) {
        struct served_model *model = app->models[snapshot->model_count];
        struct model_snapshot *target = &snapshot->models[snapshot->model_count];
        target->name = served_model_name(model);
        served_model_counters(model, &target->counters);
        if (served_model_report(model, &target->report) < 0) {
            snapshot_finish(snapshot);
            return -1;
        }
    }
    snapshot->process_known = process_usage_read(&snapshot->process) == 0;
    snapshot->collect_seconds = monotonic_seconds() - start;
    return 0;
}

void handle_metrics(void *context, const struct http_request *request,
                    struct http_response *response)
{
    struct app *app = context;
    struct snapshot snapshot;
    if (snapshot_take(&snapshot, app) < 0) {
        app_out_of_memory(response);
        return;
    }
    const enum exposition_format format =
        exposition_negotiate(http_request_header(request, "Accept"));
    struct buffer body;
    struct exposition out;
    buffer_init(&body, 1 << 14);
    exposition_init(&out, &body, format);
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        exposition_family(&out, &families[i].family);
        families[i].write(&out, &snapshot, families[i].selector);
    }
    exposition_finish(&out);
    snapshot_finish(&snapshot);
    app_buffer(response, 200, exposition_content_type(format), &body);
    http_response_header(response, "Vary", "Accept");
    response->compressible = true;
}
