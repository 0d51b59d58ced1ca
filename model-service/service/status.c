/* status.c - GET /, /health, /ready and /drift/status. */
#include "service/answer.h"
#include "service/handlers.h"
#include "service/keeper.h"
#include "service/performance.h"
#include "service/service.h"

#include "encode/buffer.h"
#include "encode/json_writer.h"
#include "system/clock.h"
#include "text/timestamp.h"
#include "version.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE_NAME "model-service"

static void write_timestamp(struct json_writer *json, const char *key, int64_t ms)
{
    char text[TIMESTAMP_BYTES];
    timestamp_format(ms, text);
    json_member_string(json, key, text);
}

static void write_models(struct json_writer *json, struct service *service)
{
    struct model_set *set = model_registry_set(&service->registry);
    json_key(json, "models");
    json_begin_array(json);
    for (size_t i = 0; i < set->count; i++)
        json_string(json, served_model_name(set->models[i]));
    json_end_array(json);
    model_set_release(set);
}

static bool wants_html(const struct http_request *request)
{
    const char *accept = http_request_header(request, "Accept");
    return accept && strstr(accept, "text/html");
}

void handle_root(void *context, const struct http_request *request, struct http_response *response)
{
    struct service *service = context;
    if (wants_html(request)) {
        http_respond(response, 302, "text/plain; charset=utf-8", NULL, 0);
        http_response_header(response, "Location", "/dashboard");
        http_response_header(response, "Vary", "Accept");
        return;
    }
    struct detector_report report;
    struct served_model *model = service_model(service, request, response);
    const int rc = served_model_report(model, &report);
    served_model_release(model);
    if (rc < 0) {
        answer_out_of_memory(response);
        return;
    }
    struct buffer body;
    struct json_writer json;
    buffer_init(&body, 512);
    json_init(&json, &body);
    json_begin_object(&json);
    json_member_string(&json, "service", SERVICE_NAME);
    json_member_string(&json, "status", "running");
    json_member_string(&json, "version", SERVICE_VERSION);
    write_models(&json, service);
    json_member_number(&json, "drift_threshold", report.threshold[SEVERITY_WARNING]);
    json_member_integer(&json, "recent_samples", report.window_rows);
    json_end_object(&json);
    free(report.features);
    http_response_header(response, "Vary", "Accept");
    answer_json(response, 200, &body);
}

static void answer_state(struct http_response *response, unsigned status, const char *word)
{
    struct buffer body;
    struct json_writer json;
    buffer_init(&body, 128);
    json_init(&json, &body);
    json_begin_object(&json);
    json_member_string(&json, "status", word);
    write_timestamp(&json, "timestamp", clock_wall_ms());
    json_end_object(&json);
    answer_json(response, status, &body);
}

void handle_health(void *context, const struct http_request *request,
                   struct http_response *response)
{
    (void)context;
    (void)request;
    answer_state(response, 200, "healthy");
}

static bool has_models(struct service *service)
{
    struct model_set *set = model_registry_set(&service->registry);
    const bool some = set->count > 0;
    model_set_release(set);
    return some;
}

/* Whether each part is ready, by name; models and state are not there to ask while they are being
 * loaded. The state is one where somebody wants it kept; without it the service goes on, and is
 * ready. */
static void write_parts(struct json_writer *json, struct service *service, bool loading)
{
    json_key(json, "parts");
    json_begin_object(json);
    json_member_boolean(json, "service", service->ready);
    json_member_boolean(json, "models", !loading && has_models(service));
    if (!loading && service->keeper) {
        struct keeper_report state;
        keeper_read(service->keeper, &state);
        json_member_boolean(json, "state", state.kept);
    }
    json_end_object(json);
}

void handle_ready(void *context, const struct http_request *request, struct http_response *response)
{
    struct service *service = context;
    const bool ready = service->ready, loading = !ready && !atomic_load(&service->http);
    struct buffer body;
    struct json_writer json;
    (void)request;
    buffer_init(&body, 256);
    json_init(&json, &body);
    json_begin_object(&json);
    if (ready) {
        json_member_string(&json, "status", "ready");
        write_timestamp(&json, "timestamp", clock_wall_ms());
    } else {
        answer_problem_members(&json, 503,
                               loading ? "the models are being loaded" : "the service is stopping");
    }
    write_parts(&json, service, loading);
    json_end_object(&json);
    answer_buffer(response, ready ? 200 : 503,
                  ready ? "application/json" : "application/problem+json", &body);
}

/* --- /drift/status --- */

static void write_method(struct json_writer *json, const struct detector_method_report *method)
{
    json_begin_object(json);
    json_member_number(json, "score", method->score);
    json_member_number(json, "threshold", method->threshold);
    json_member_number(json, "p_value", method->p_value);
    json_member_boolean(json, "significant", method->significant);
    json_member_boolean(json, "drifted", method->drifted);
    json_end_object(json);
}

static void write_moments(struct json_writer *json, const char *key, double mean, double deviation,
                          double min, double max)
{
    json_key(json, key);
    json_begin_object(json);
    json_member_number(json, "mean", mean);
    json_member_number(json, "std", deviation);
    json_member_number(json, "min", min);
    json_member_number(json, "max", max);
    json_end_object(json);
}

static void write_thresholds(struct json_writer *json,
                             const struct detector_feature_report *feature)
{
    json_key(json, "thresholds");
    json_begin_object(json);
    for (enum drift_severity s = 0; s < SEVERITY_COUNT; s++)
        json_member_number(json, drift_severity_name(s), feature->threshold[s]);
    json_end_object(json);
}

static void write_categories(struct json_writer *json,
                             const struct detector_feature_report *feature)
{
    json_key(json, "categories");
    json_begin_object(json);
    for (size_t c = 0; c < feature->category_count; c++) {
        const struct detector_category_report *category = &feature->category[c];
        json_key(json, category->name);
        json_begin_object(json);
        json_member_number(json, "window", category->window_ratio);
        json_member_number(json, "reference", category->reference_ratio);
        json_end_object(json);
    }
    json_end_object(json);
}

static void write_sizes(struct json_writer *json, const struct detector_feature_report *feature)
{
    json_member_integer(json, "window_size", feature->window_rows);
    json_member_number(json, "effective_size", feature->effective_rows);
    json_member_integer(json, "reference_size", feature->reference_rows);
    json_key(json, "missing");
    json_begin_object(json);
    json_member_integer(json, "window", feature->window_missing);
    json_member_integer(json, "reference", feature->reference_missing);
    json_member_integer(json, "total", feature->missing_total);
    json_member_number(json, "p_value", feature->missing_p_value);
    json_member_boolean(json, "significant", feature->missing_significant);
    json_end_object(json);
    json_key(json, "unseen");
    json_begin_object(json);
    json_member_integer(json, "window", feature->window_unseen);
    json_member_integer(json, "total", feature->unseen_total);
    json_end_object(json);
    json_key(json, "infinite");
    json_begin_object(json);
    json_member_integer(json, "window", feature->window_infinite);
    json_member_integer(json, "total", feature->infinite_total);
    json_end_object(json);
    json_key(json, "out_of_range");
    json_begin_object(json);
    json_member_integer(json, "total", feature->out_of_range_total);
    json_end_object(json);
}

static void write_time_or_null(struct json_writer *json, const char *key, int64_t tick_ms)
{
    if (tick_ms > 0) {
        write_timestamp(json, key, clock_wall_of(tick_ms));
    } else {
        json_key(json, key);
        json_null(json);
    }
}

static void write_open_change(struct json_writer *json, const struct change_report *change)
{
    char words[CHANGE_WORDS_BYTES];
    change_words(&change->change, words);
    json_member_string(json, "what", words);
    json_member_string(json, "kind", drift_urn_change_name(change->change.change.kind));
    json_member_number(json, "size", change->change.deviations);
    if (change->change.category)
        json_member_string(json, "category", change->change.category);
    json_member_integer(json, "rows", change->rows);
    write_time_or_null(json, "paged", change->opened_ms);
    write_time_or_null(json, "differs_since", change->differs_since_ms);
}

static void write_change(struct json_writer *json, const struct change_report *change)
{
    static const char *const gives[] = {[CHANGE_PAGES] = "pages",
                                        [CHANGE_NO_ORDER] = "notices: the order of the reference's "
                                                            "rows is not known",
                                        [CHANGE_REHEARSED] = "notices: the reference changes "
                                                             "within itself"};
    json_begin_object(json);
    json_member_number(json, "evidence", change->evidence_ratio);
    json_member_boolean(json, "suspected", change->suspected);
    json_member_boolean(json, "open", change->open);
    write_time_or_null(json, "since", change->onset_ms);
    if (change->open)
        write_open_change(json, change);
    json_member_number(json, "discount", change->discount);
    json_member_number(json, "window_discount", change->window_discount);
    json_member_string(json, "gives", gives[change->limit]);
    json_member_boolean(json, "learning", change->learning);
    json_member_boolean(json, "compared_with_newer_rows", change->adopted);
    json_member_integer(json, "pages", change->pages);
    json_member_integer(json, "notices", change->notices);
    json_end_object(json);
}

static void write_changes(struct json_writer *json, const struct feature_changes *changes)
{
    json_key(json, "change");
    json_begin_object(json);
    for (enum urn_part part = 0; part < URN_PARTS; part++)
        if (changes->part[part].watched) {
            json_key(json, change_part_name(part));
            write_change(json, &changes->part[part]);
        }
    json_end_object(json);
}

static void write_feature(struct json_writer *json, const struct detector_feature_report *feature,
                          const struct feature_changes *changes)
{
    json_key(json, feature->name);
    json_begin_object(json);
    json_member_string(json, "type", feature->type == FEATURE_NUMERIC ? "numeric" : "categorical");
    json_member_boolean(json, "prediction", feature->prediction);
    json_member_boolean(json, "drifted", feature->drifted);
    write_time_or_null(json, "drifted_since", feature->drifted ? feature->drifted_since_ms : 0);
    write_changes(json, changes);
    json_key(json, "methods");
    json_begin_object(json);
    for (enum drift_method method = 0; method < METHOD_COUNT; method++)
        if (feature->method[method].applies) {
            json_key(json, drift_method_name(method));
            write_method(json, &feature->method[method]);
        }
    json_end_object(json);
    write_thresholds(json, feature);
    write_sizes(json, feature);
    if (feature->type == FEATURE_CATEGORICAL)
        write_categories(json, feature);
    if (feature->type == FEATURE_NUMERIC) {
        write_moments(json, "window", feature->window_mean, feature->window_deviation,
                      feature->window_min, feature->window_max);
        write_moments(json, "reference", feature->reference_mean, feature->reference_deviation,
                      feature->reference_min, feature->reference_max);
    }
    json_end_object(json);
}

static void write_report(struct json_writer *json, struct served_model *model,
                         const struct detector_report *report,
                         const struct feature_changes *changes)
{
    json_begin_object(json);
    json_member_string(json, "model", served_model_name(model));
    json_member_string(json, "model_version", served_model_version(model));
    json_member_string(json, "overall_drift", detector_status_word(report));
    json_member_boolean(json, "drift_detected", report->drift_detected);
    json_member_boolean(json, "prediction_drift_detected", report->prediction_drift_detected);
    json_key(json, "feature_drift_scores");
    json_begin_object(json);
    for (size_t f = 0; f < report->feature_count; f++)
        if (!report->features[f].prediction && !isnan(report->features[f].headline_score))
            json_member_number(json, report->features[f].name, report->features[f].headline_score);
    json_end_object(json);
    json_member_number(json, "threshold", report->threshold[SEVERITY_WARNING]);
    json_member_number(json, "critical_threshold", report->threshold[SEVERITY_CRITICAL]);
    json_member_number(json, "significance", report->significance);
    json_member_number(json, "false_page_budget_seconds", served_model_false_page_seconds(model));
    write_timestamp(json, "timestamp", clock_wall_ms());
    json_member_integer(json, "window_observations", report->window_rows);
    json_member_integer(json, "minimum_sample", report->minimum_sample);
    json_member_integer(json, "reference_samples", report->reference_rows);
    json_key(json, "features");
    json_begin_object(json);
    for (size_t f = 0; f < report->feature_count; f++)
        write_feature(json, &report->features[f], &changes[f]);
    json_end_object(json);
    performance_write_concept_drift(json, model);
    performance_write_streams(json, model);
    json_end_object(json);
}

void handle_drift_status(void *context, const struct http_request *request,
                         struct http_response *response)
{
    struct served_model *model = service_model(context, request, response);
    if (!model)
        return;
    struct detector_report report;
    struct feature_changes *changes = NULL;
    if (served_model_report(model, &report) < 0 || served_model_changes(model, &changes) < 0) {
        free(report.features);
        served_model_release(model);
        answer_out_of_memory(response);
        return;
    }
    struct buffer body;
    struct json_writer json;
    buffer_init(&body, 1024 * (1 + report.feature_count));
    json_init(&json, &body);
    write_report(&json, model, &report, changes);
    free(report.features);
    free(changes);
    served_model_release(model);
    response->compressible = true;
    answer_json(response, 200, &body);
}
