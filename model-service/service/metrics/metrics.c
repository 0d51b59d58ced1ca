/* metrics.c - GET /metrics. One table: a family and the function that writes its samples. */
#include "service/metrics/metrics.h"

#include "service/answer.h"

#include "encode/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

struct family {
    struct metric_family family;
    metrics_writer write;
    int selector; /* which value, for families that share a writer */
};

static const struct family families[] = {
    {{"model_drift_score", METRIC_GAUGE, "",
      "Drift score of a feature's window against its reference; NaN below the minimum sample."},
     metrics_methods,
     METHOD_SCORE},
    {{"model_drift_p_value", METRIC_GAUGE, "",
      "Probability of a score at least this large without drift; NaN below the minimum sample."},
     metrics_methods,
     METHOD_P_VALUE},
    {{"model_drift_significant", METRIC_GAUGE, "",
      "1 if the p-value is significant after Holm's correction over the model's features and "
      "methods."},
     metrics_methods,
     METHOD_SIGNIFICANT},
    {{"model_drift_threshold", METRIC_GAUGE, "", "Score above which a feature counts as drifted."},
     metrics_severities,
     SEVERITY_THRESHOLDS},
    {{"model_feature_drift_threshold", METRIC_GAUGE, "",
      "Score above which this feature counts as drifted."},
     metrics_feature_thresholds,
     0},
    {{"model_drift_since_timestamp_seconds", METRIC_GAUGE, "seconds",
      "Unix time at which the feature's running drift began; absent without drift."},
     metrics_features,
     FEATURE_DRIFT_SINCE},
    {{"drift_alerts_total", METRIC_COUNTER, "", "Onsets of drift, by severity."},
     metrics_severities,
     SEVERITY_ONSETS},
    {{"model_predictions_total", METRIC_COUNTER, "", "Predictions made."}, metrics_predictions, 0},
    {{"model_simulated_predictions_total", METRIC_COUNTER, "",
      "Predictions of rows that /simulate/drift made up; part of model_predictions_total."},
     metrics_models,
     MODEL_SIMULATED},
    {{"model_prediction_latency_seconds", METRIC_HISTOGRAM, "seconds",
      "Time to score and observe one row."},
     metrics_latency,
     0},
    {{"model_feature_mean", METRIC_GAUGE, "", "Mean of the feature's window."},
     metrics_features,
     FEATURE_MEAN},
    {{"model_feature_std", METRIC_GAUGE, "", "Standard deviation of the feature's window."},
     metrics_features,
     FEATURE_STD},
    {{"model_feature_reference_mean", METRIC_GAUGE, "", "Mean of the feature's reference."},
     metrics_features,
     FEATURE_REFERENCE_MEAN},
    {{"model_feature_reference_std", METRIC_GAUGE, "",
      "Standard deviation of the feature's reference."},
     metrics_features,
     FEATURE_REFERENCE_STD},
    {{"model_feature_missing_total", METRIC_COUNTER, "", "Missing values observed."},
     metrics_features,
     FEATURE_MISSING},
    {{"model_feature_missing_ratio", METRIC_GAUGE, "", "Share of the window that is missing."},
     metrics_features,
     FEATURE_MISSING_RATIO},
    {{"model_feature_reference_missing_ratio", METRIC_GAUGE, "",
      "Share of the reference that is missing."},
     metrics_features,
     FEATURE_REFERENCE_MISSING_RATIO},
    {{"model_feature_missing_significant", METRIC_GAUGE, "",
      "1 if the share of missing values differs from the reference's and not by chance, after "
      "Holm's correction over the model's features."},
     metrics_features,
     FEATURE_MISSING_SIGNIFICANT},
    {{"model_feature_infinite_total", METRIC_COUNTER, "", "Infinite values observed."},
     metrics_features,
     FEATURE_INFINITE},
    {{"model_feature_unseen_total", METRIC_COUNTER, "",
      "Values observed of categories that the reference does not have."},
     metrics_features,
     FEATURE_UNSEEN},
    {{"model_feature_unseen_ratio", METRIC_GAUGE, "",
      "Share of the window whose category the reference does not have."},
     metrics_features,
     FEATURE_UNSEEN_RATIO},
    {{"model_feature_out_of_range_total", METRIC_COUNTER, "",
      "Finite values observed outside the reference's range."},
     metrics_features,
     FEATURE_OUT_OF_RANGE},
    {{"model_category_ratio", METRIC_GAUGE, "", "Share of the window that a category has."},
     metrics_categories,
     CATEGORY_RATIO},
    {{"model_category_reference_ratio", METRIC_GAUGE, "",
      "Share of the reference that a category has."},
     metrics_categories,
     CATEGORY_REFERENCE_RATIO},
    {{"model_observations_total", METRIC_COUNTER, "", "Rows observed."},
     metrics_models,
     MODEL_OBSERVATIONS},
    {{"model_observations_rejected_total", METRIC_COUNTER, "",
      "Rows refused for what they contain."},
     metrics_models,
     MODEL_REJECTED},
    {{"model_window_observations", METRIC_GAUGE, "", "Observations in the window now."},
     metrics_models,
     MODEL_WINDOW},
    {{"model_window_capacity_observations", METRIC_GAUGE, "",
      "Observations a full count window holds."},
     metrics_models,
     MODEL_CAPACITY},
    {{"model_minimum_sample_observations", METRIC_GAUGE, "",
      "Observations a window needs before it is judged."},
     metrics_models,
     MODEL_MINIMUM},
    {{"model_reference_samples", METRIC_GAUGE, "", "Rows of the reference."},
     metrics_models,
     MODEL_REFERENCE},
    {{"model_significance_level", METRIC_GAUGE, "", "Family-wise error of the significance test."},
     metrics_models,
     MODEL_SIGNIFICANCE},
    {{"model_last_observation_timestamp_seconds", METRIC_GAUGE, "seconds",
      "Unix time of the last observation."},
     metrics_models,
     MODEL_LAST_OBSERVATION},
    {{"model_performance", METRIC_GAUGE, "",
      "How good the predictions of the labels' window are, by metric; NaN while undefined."},
     metrics_performance,
     PERFORMANCE_WINDOW_VALUE},
    {{"model_performance_reference", METRIC_GAUGE, "",
      "The metric's value on the reference, or on the first window of labels; NaN before."},
     metrics_performance,
     PERFORMANCE_REFERENCE_VALUE},
    {{"model_performance_interval", METRIC_GAUGE, "",
      "Ends of the metric's 95 % interval; NaN while unknown."},
     metrics_performance_interval,
     0},
    {{"model_performance_degraded", METRIC_GAUGE, "",
      "1 if the metric is worse than the reference's by more than chance explains."},
     metrics_performance,
     PERFORMANCE_IS_DEGRADED},
    {{"model_performance_labels", METRIC_GAUGE, "", "Labels in the performance window now."},
     metrics_labels,
     LABELS_WINDOW},
    {{"model_concept_drift", METRIC_GAUGE, "",
      "State of a detector on the errors: 0 normal, 1 warning, 2 drift."},
     metrics_concept,
     CONCEPT_STATE},
    {{"model_concept_drift_onsets_total", METRIC_COUNTER, "", "Drifts a detector signalled."},
     metrics_concept,
     CONCEPT_ONSETS},
    {{"model_concept_drift_onset_timestamp_seconds", METRIC_GAUGE, "seconds",
      "Unix time at which the detector's running drift is estimated to have begun; absent without "
      "drift."},
     metrics_concept,
     CONCEPT_ONSET_TIME},
    {{"model_concept_drift_detected", METRIC_GAUGE, "",
      "1 if a detector with few false alarms is in drift and a metric is degraded."},
     metrics_labels,
     LABELS_DRIFT},
    {{"model_stream_drift", METRIC_GAUGE, "",
      "State of a detector on a feature's mean or the prediction's rate: 0 normal, 1 warning, 2 "
      "drift."},
     metrics_streams,
     CONCEPT_STATE},
    {{"model_stream_drift_onsets_total", METRIC_COUNTER, "",
      "Drifts a detector signalled on a feature's mean or the prediction's rate."},
     metrics_streams,
     CONCEPT_ONSETS},
    {{"model_stream_drift_onset_timestamp_seconds", METRIC_GAUGE, "seconds",
      "Unix time at which the stream's running drift is estimated to have begun; absent without "
      "drift."},
     metrics_streams,
     CONCEPT_ONSET_TIME},
    {{"model_labels_total", METRIC_COUNTER, "",
      "Labels by what became of them, and predictions that expired without one."},
     metrics_label_results,
     0},
    {{"model_label_lag_seconds", METRIC_HISTOGRAM, "seconds",
      "Time from a prediction to its label."},
     metrics_label_lag,
     0},
    {{"model_label_coverage_ratio", METRIC_GAUGE, "",
      "Labelled share of the remembered predictions that are old enough for a label; NaN while "
      "unknown."},
     metrics_labels,
     LABELS_COVERAGE},
    {{"model_predictions_pending", METRIC_GAUGE, "", "Predictions that wait for a label."},
     metrics_labels,
     LABELS_PENDING},
    {{"model_last_label_timestamp_seconds", METRIC_GAUGE, "seconds",
      "Unix time of the last label that was joined; absent before the first."},
     metrics_labels,
     LABELS_LAST},
    {{"http_requests_total", METRIC_COUNTER, "", "HTTP requests answered."}, metrics_requests, 0},
    {{"model_service_build_info", METRIC_INFO, "", "Version of the running service."},
     metrics_build,
     0},
    {{"model_config_last_reload_successful", METRIC_GAUGE, "",
      "1 if the configuration was taken when it was last read, 0 if an older one still runs."},
     metrics_process,
     CONFIG_RELOADED},
    {{"model_config_last_reload_success_timestamp_seconds", METRIC_GAUGE, "seconds",
      "Unix time at which the running configuration was read."},
     metrics_process,
     CONFIG_RELOAD_TIME},
    {{"model_service_metrics_collect_seconds", METRIC_GAUGE, "seconds",
      "Time it took to collect this exposition's values."},
     metrics_process,
     SERVICE_COLLECT},
    {{"process_cpu_seconds_total", METRIC_COUNTER, "seconds", "User and system CPU time spent."},
     metrics_process,
     PROCESS_CPU},
    {{"process_resident_memory_bytes", METRIC_GAUGE, "bytes", "Resident memory."},
     metrics_process,
     PROCESS_RESIDENT},
    {{"process_virtual_memory_bytes", METRIC_GAUGE, "bytes", "Virtual memory."},
     metrics_process,
     PROCESS_VIRTUAL},
    {{"process_open_fds", METRIC_GAUGE, "", "Open file descriptors."},
     metrics_process,
     PROCESS_OPEN_FDS},
    {{"process_max_fds", METRIC_GAUGE, "", "Most file descriptors the process may open."},
     metrics_process,
     PROCESS_MAX_FDS},
    {{"process_start_time_seconds", METRIC_GAUGE, "seconds", "Unix time of the process's start."},
     metrics_process,
     PROCESS_START},
    {{"process_threads", METRIC_GAUGE, "", "Threads of the process."},
     metrics_process,
     PROCESS_THREADS},
};

/* --- the handler --- */

static double monotonic_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

#define FAMILIES (sizeof(families) / sizeof(families[0]))

/* A model's samples of all families are written while what they are made of is in the processor's
 * cache, each family into a buffer of its own; the families then follow each other in the answer.
 * Family by family over all models takes twice as long for 100 models of 50 features, most of it
 * waiting for memory. The buffers are kept for the next scrape: new memory costs more than what is
 * written into it. */
struct metrics_writing {
    struct buffer body[FAMILIES];
    struct exposition out[FAMILIES];
};

/* Of a family in a service with one small model. */
#define FIRST_BYTES 1024

static bool is_of_service(const struct family *family)
{
    return family->write == metrics_requests || family->write == metrics_build ||
           family->write == metrics_process;
}

/* The last scrape's buffers, unless another one has them. NULL without memory. */
static struct metrics_writing *writing_begin(struct service *service, enum exposition_format format)
{
    struct metrics_writing *writing = atomic_exchange(&service->metrics_writing, NULL);
    const bool fresh = !writing;
    if (fresh)
        writing = calloc(1, sizeof(*writing));
    for (size_t i = 0; writing && i < FAMILIES; i++) {
        if (fresh)
            buffer_init(&writing->body[i], FIRST_BYTES);
        exposition_init(&writing->out[i], &writing->body[i], format);
        exposition_family(&writing->out[i], &families[i].family);
    }
    return writing;
}

static void writing_destroy(struct metrics_writing *writing)
{
    for (size_t i = 0; writing && i < FAMILIES; i++)
        buffer_finish(&writing->body[i]);
    free(writing);
}

/* Keeps the buffers, emptied, for the next scrape. */
static void writing_end(struct service *service, struct metrics_writing *writing)
{
    bool failed = false;
    for (size_t i = 0; i < FAMILIES; i++) {
        failed |= writing->body[i].error != 0;
        writing->body[i].length = 0;
    }
    writing_destroy(failed ? writing : atomic_exchange(&service->metrics_writing, writing));
}

void metrics_finish(struct service *service)
{
    writing_destroy(atomic_exchange(&service->metrics_writing, NULL));
}

static void write_families(struct metrics_writing *writing, const struct snapshot *snapshot)
{
    const bool of_service = snapshot->model_count == 0;
    for (size_t i = 0; i < FAMILIES; i++)
        if (is_of_service(&families[i]) == of_service)
            families[i].write(&writing->out[i], snapshot, families[i].selector);
}

static int streams_take(struct served_model *model, struct model_snapshot *target)
{
    const size_t count = served_model_stream_count(model);
    target->streams = calloc(count + 1, sizeof(*target->streams));
    if (!target->streams)
        return -ENOMEM;
    for (; target->stream_count < count; target->stream_count++)
        served_model_stream(model, target->stream_count, &target->streams[target->stream_count]);
    return 0;
}

static int model_snapshot_take(struct model_snapshot *target, struct served_model *model)
{
    *target = (struct model_snapshot){.model = model, .name = served_model_name(model)};
    served_model_counters(model, &target->counters);
    served_model_concept(model, NULL, &target->concept);
    int rc = served_model_report(model, &target->report);
    return rc < 0 ? rc : streams_take(model, target);
}

static void model_snapshot_finish(struct model_snapshot *model)
{
    free(model->report.features);
    free(model->streams);
}

/* Reads a model and writes it. 0 or -ENOMEM. */
static int write_model(struct metrics_writing *writing, struct snapshot *snapshot,
                       struct served_model *model)
{
    const double start = monotonic_seconds();
    struct model_snapshot now;
    int rc = model_snapshot_take(&now, model);
    snapshot->collect_seconds += monotonic_seconds() - start;
    if (rc == 0) {
        snapshot->models = &now;
        snapshot->model_count = 1;
        write_families(writing, snapshot);
        snapshot->models = NULL;
        snapshot->model_count = 0;
    }
    model_snapshot_finish(&now);
    return rc;
}

static int write_all(struct metrics_writing *writing, struct service *service)
{
    struct model_set *set = model_registry_set(&service->registry);
    struct snapshot snapshot = {.service = service};
    int rc = 0;
    for (size_t m = 0; rc == 0 && m < set->count; m++)
        rc = write_model(writing, &snapshot, set->models[m]);
    model_set_release(set);
    snapshot.process_known = process_usage_read(&snapshot.process) == 0;
    if (rc == 0)
        write_families(writing, &snapshot);
    exposition_finish(&writing->out[FAMILIES - 1]);
    return rc;
}

/* The families one after the other. */
static void writing_join(const struct metrics_writing *writing, struct buffer *body)
{
    size_t bytes = 0;
    for (size_t i = 0; i < FAMILIES; i++)
        bytes += writing->body[i].length;
    buffer_init(body, bytes + 1);
    for (size_t i = 0; i < FAMILIES; i++) {
        buffer_append(body, writing->body[i].data, writing->body[i].length);
        if (writing->body[i].error && !body->error)
            body->error = writing->body[i].error;
    }
}

void handle_metrics(void *context, const struct http_request *request,
                    struct http_response *response)
{
    struct service *service = context;
    const enum exposition_format format =
        exposition_negotiate(http_request_header(request, "Accept"));
    struct metrics_writing *writing = writing_begin(service, format);
    struct buffer body;
    int rc = writing ? write_all(writing, service) : -ENOMEM;
    if (rc == 0)
        writing_join(writing, &body);
    if (writing)
        writing_end(service, writing);
    if (rc < 0) {
        answer_out_of_memory(response);
        return;
    }
    answer_buffer(response, 200, exposition_content_type(format), &body);
    http_response_header(response, "Vary", "Accept");
    response->compressible = true;
}
