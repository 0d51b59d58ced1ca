/* performance.c - GET /performance, and the part of /drift/status about the concept. */
#include "service/performance.h"
#include "service/answer.h"
#include "service/handlers.h"
#include "service/service.h"

#include "encode/buffer.h"
#include "encode/json_writer.h"
#include "system/clock.h"
#include "text/timestamp.h"

#include <math.h>
#include <stdlib.h>

static const char *task_name(enum performance_task task)
{
    switch (task) {
    case PERFORMANCE_BINARY:
        return "binary";
    case PERFORMANCE_MULTICLASS:
        return "multiclass";
    case PERFORMANCE_REGRESSION:
        break;
    }
    return "regression";
}

static const char *change_state_name(enum change_state state)
{
    switch (state) {
    case CHANGE_WARNING:
        return "warning";
    case CHANGE_DRIFT:
        return "drift";
    case CHANGE_NONE:
        break;
    }
    return "normal";
}

static void write_time(struct json_writer *json, const char *key, bool known, int64_t ms)
{
    char text[TIMESTAMP_BYTES];
    json_key(json, key);
    if (!known) {
        json_null(json);
        return;
    }
    timestamp_format(ms, text);
    json_string(json, text);
}

/* Members of an open object; what is unknown is null. */
static void write_value(struct json_writer *json, const struct performance_value *value)
{
    json_member_number(json, "value", value->value);
    json_member_number(json, "lower", value->lower);
    json_member_number(json, "upper", value->upper);
    json_member_number(json, "standard_error", value->standard_error);
    json_member_integer(json, "labels", value->n);
}

static void write_value_object(struct json_writer *json, const char *key,
                               const struct performance_value *value)
{
    json_key(json, key);
    json_begin_object(json);
    write_value(json, value);
    json_end_object(json);
}

static void write_metrics(struct json_writer *json, const struct concept_report *report)
{
    json_key(json, "metrics");
    json_begin_object(json);
    for (enum performance_metric m = 0; m < PERFORMANCE_METRIC_COUNT; m++) {
        const struct concept_metric *metric = &report->metric[m];
        if (!metric->applies)
            continue;
        json_key(json, drift_performance_metric_name(m));
        json_begin_object(json);
        write_value(json, &metric->window);
        json_member_boolean(json, "degraded", metric->degraded);
        write_value_object(json, "reference", &metric->reference);
        write_value_object(json, "since_start", &metric->total);
        json_end_object(json);
    }
    json_end_object(json);
}

static void write_classes(struct json_writer *json, const struct served_model *model,
                          const struct performance_class *classes)
{
    json_key(json, "classes");
    json_begin_object(json);
    for (size_t c = 0; classes && c < served_model_class_count(model); c++) {
        json_key(json, served_model_class_name(model, c));
        json_begin_object(json);
        json_member_integer(json, "labels", classes[c].labels);
        json_member_integer(json, "predictions", classes[c].predictions);
        json_member_integer(json, "hits", classes[c].hits);
        write_value_object(json, "precision", &classes[c].precision);
        write_value_object(json, "recall", &classes[c].recall);
        write_value_object(json, "f1", &classes[c].f1);
        write_value_object(json, "roc_auc", &classes[c].roc_auc);
        json_end_object(json);
    }
    json_end_object(json);
}

static void write_detectors(struct json_writer *json,
                            const struct drift_change_watch_report detectors[CHANGE_DETECTOR_COUNT])
{
    json_key(json, "detectors");
    json_begin_object(json);
    for (enum change_detector_kind kind = 0; kind < CHANGE_DETECTOR_COUNT; kind++) {
        const struct drift_change_watch_report *detector = &detectors[kind];
        if (!detector->enabled)
            continue;
        json_key(json, drift_change_detector_name(kind));
        json_begin_object(json);
        json_member_string(json, "state", change_state_name(detector->state));
        json_member_integer(json, "onsets", detector->onsets);
        write_time(json, "onset", detector->state == CHANGE_DRIFT,
                   clock_wall_of(detector->onset_ms));
        json_member_boolean(json, "alerts", drift_change_detector_alerts(kind));
        json_end_object(json);
    }
    json_end_object(json);
}

static void write_lags(struct json_writer *json, const struct label_counters *labels)
{
    json_key(json, "lag_seconds");
    json_begin_array(json);
    for (size_t b = 0; b <= LABEL_LAG_BOUNDS; b++) {
        json_begin_object(json);
        json_member_number(json, "up_to", b < LABEL_LAG_BOUNDS ? label_lag_bounds[b] : INFINITY);
        json_member_integer(json, "labels", labels->lag[b]);
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_labels(struct json_writer *json, const struct concept_report *report)
{
    const struct label_counters *labels = &report->labels;
    json_key(json, "labels");
    json_begin_object(json);
    for (enum label_result r = 0; r < LABEL_RESULT_COUNT; r++)
        json_member_integer(json, drift_label_result_name(r), labels->labels[r]);
    json_member_integer(json, "expired", labels->expired);
    json_member_integer(json, "predictions", labels->predictions);
    json_member_integer(json, "repeated", labels->repeated);
    json_member_integer(json, "pending", labels->pending);
    json_member_number(json, "coverage", report->coverage);
    write_time(json, "last_label", labels->last_label_ms > 0, clock_wall_of(labels->last_label_ms));
    write_lags(json, labels);
    json_end_object(json);
}

static void write_sizes(struct json_writer *json, const struct concept_report *report)
{
    json_member_integer(json, "window_labels", report->window_labels);
    json_member_integer(json, "window_capacity", report->window_capacity);
    json_member_integer(json, "total_labels", report->total_labels);
    json_member_integer(json, "minimum_labels", report->minimum_labels);
    json_member_number(json, "confidence_level", report->level);
    json_member_number(json, "significance", report->significance);
    json_key(json, "reference");
    json_begin_object(json);
    json_member_string(json, "source", concept_reference_name(report->reference));
    json_member_integer(json, "labels", report->reference_labels);
    json_end_object(json);
}

static void write_report(struct json_writer *json, const struct served_model *model,
                         const struct concept_report *report)
{
    char now[TIMESTAMP_BYTES];
    timestamp_format(clock_wall_ms(), now);
    json_begin_object(json);
    json_member_string(json, "model", served_model_name(model));
    json_member_string(json, "model_version", served_model_version(model));
    json_member_string(json, "task", task_name(report->task));
    json_member_string(json, "timestamp", now);
    json_member_boolean(json, "concept_drift", report->drift);
    json_member_boolean(json, "degraded", report->degraded);
    write_sizes(json, report);
    write_metrics(json, report);
    write_classes(json, model, report->window_class);
    write_detectors(json, report->detector);
    write_labels(json, report);
    json_end_object(json);
}

void handle_performance(void *context, const struct http_request *request,
                        struct http_response *response)
{
    struct served_model *model = service_model(context, request, response);
    if (!model)
        return;
    const size_t count = served_model_class_count(model);
    struct performance_class *classes = calloc(count + 1, sizeof(*classes));
    struct concept_report *report = calloc(1, sizeof(*report));
    if (classes && report) {
        struct buffer body;
        struct json_writer json;
        served_model_concept(model, count ? classes : NULL, report);
        buffer_init(&body, 8192 + 512 * count);
        json_init(&json, &body);
        write_report(&json, model, report);
        response->compressible = true;
        answer_json(response, 200, &body);
    } else {
        answer_out_of_memory(response);
    }
    free(classes);
    free(report);
    served_model_release(model);
}

/* --- /drift/status --- */

static void write_degraded(struct json_writer *json, const struct concept_report *report)
{
    json_key(json, "degraded_metrics");
    json_begin_object(json);
    for (enum performance_metric m = 0; m < PERFORMANCE_METRIC_COUNT; m++) {
        const struct concept_metric *metric = &report->metric[m];
        if (!metric->degraded)
            continue;
        json_key(json, drift_performance_metric_name(m));
        json_begin_object(json);
        json_member_number(json, "value", metric->window.value);
        json_member_number(json, "reference", metric->reference.value);
        json_end_object(json);
    }
    json_end_object(json);
}

void performance_write_concept_drift(struct json_writer *json, struct served_model *model)
{
    struct concept_report report;
    served_model_concept(model, NULL, &report);
    json_key(json, "concept_drift");
    json_begin_object(json);
    json_member_boolean(json, "detected", report.drift);
    json_member_boolean(json, "degraded", report.degraded);
    json_member_integer(json, "window_labels", report.window_labels);
    write_degraded(json, &report);
    write_detectors(json, report.detector);
    json_end_object(json);
}

void performance_write_streams(struct json_writer *json, struct served_model *model)
{
    json_key(json, "streams");
    json_begin_object(json);
    for (size_t i = 0; i < served_model_stream_count(model); i++) {
        struct stream_report report;
        served_model_stream(model, i, &report);
        json_key(json, report.name);
        json_begin_object(json);
        write_detectors(json, report.detector);
        json_end_object(json);
    }
    json_end_object(json);
}
