/* history.c - GET /models/{model}/history and /models/{model}/incidents: what was, from the memory
 * that service_follow() fills. */
#include "service/answer.h"
#include "service/handlers.h"
#include "service/series_json.h"
#include "service/service.h"

#include "encode/json_writer.h"
#include "row/split_mix.h"
#include "served/history.h"
#include "system/clock.h"
#include "text/timestamp.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Points of each feature when all are asked for: ten minutes. */
#define OVERVIEW_POINTS 60
/* Strengths are kept as floats: more digits would be noise. */
#define DECIMALS 10000

void service_follow(struct service *service)
{
    struct model_set *set = model_registry_set(&service->registry);
    for (size_t i = 0; i < set->count; i++)
        served_model_follow(set->models[i]);
    model_set_release(set);
}

static void write_time(struct json_writer *json, const char *key, int64_t tick_ms)
{
    char text[TIMESTAMP_BYTES];
    timestamp_format(clock_wall_of(tick_ms), text);
    json_member_string(json, key, text);
}

double brief_number(double value)
{
    const double size = fabs(value);
    if (!(size > 0) || !isfinite(value))
        return value;
    const double power = pow(10, 5 - floor(log10(size)));
    return isfinite(power) && power > 0 ? round(value * power) / power : value;
}

void write_points(struct json_writer *json, const struct history_point *points, size_t count)
{
    json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        json_begin_array(json);
        json_integer(json, (uint64_t)clock_wall_of(points[i].ms));
        json_number(json, round(points[i].strength * DECIMALS) / DECIMALS);
        json_end_array(json);
    }
    json_end_array(json);
}

static void write_series(struct json_writer *json, const char *key, int64_t interval_ms,
                         const struct history_point *points, size_t count)
{
    json_key(json, key);
    json_begin_object(json);
    json_member_integer(json, "seconds", (uint64_t)interval_ms / 1000);
    json_key(json, "points");
    write_points(json, points, count);
    json_end_object(json);
}

/* The critical threshold in units of the other one. */
static double critical_strength(struct served_model *model, size_t feature)
{
    struct detector_report report;
    if (served_model_report(model, &report) < 0)
        return NAN;
    const double *threshold = report.features[feature].threshold;
    const double strength = threshold[SEVERITY_CRITICAL] / threshold[SEVERITY_WARNING];
    free(report.features);
    return strength;
}

static void write_one(struct json_writer *json, struct served_model *model, size_t feature,
                      struct history_point *points)
{
    json_member_number(json, "critical", critical_strength(model, feature));
    size_t count = served_model_history(model, feature, false, points);
    write_series(json, "fine", HISTORY_FINE_MS, points, count);
    count = served_model_history(model, feature, true, points);
    write_series(json, "coarse", HISTORY_COARSE_MS, points, count);
}

static void write_all(struct json_writer *json, struct served_model *model,
                      struct history_point *points)
{
    const char *name;
    json_member_integer(json, "seconds", HISTORY_FINE_MS / 1000);
    json_key(json, "features");
    json_begin_object(json);
    for (size_t f = 0; (name = served_model_row_name(model, f)); f++) {
        const size_t count = served_model_history(model, f, false, points);
        const size_t first = count > OVERVIEW_POINTS ? count - OVERVIEW_POINTS : 0;
        json_key(json, name);
        write_points(json, points + first, count - first);
    }
    json_end_object(json);
}

void handle_history(void *context, const struct http_request *request,
                    struct http_response *response)
{
    struct served_model *model = service_model(context, request, response);
    if (!model)
        return;
    const char *name = http_request_query(request, "feature");
    const int feature = name ? served_model_row_feature(model, name) : 0;
    struct history_point *points = calloc(HISTORY_COARSE, sizeof(*points));
    if (!points) {
        answer_out_of_memory(response);
    } else if (feature < 0) {
        answer_problem(response, 404, "the model has no such feature");
    } else {
        struct buffer body;
        struct json_writer json;
        buffer_init(&body, 1 << 14);
        json_init(&json, &body);
        json_begin_object(&json);
        json_member_string(&json, "model", served_model_name(model));
        if (name)
            write_one(&json, model, (size_t)feature, points);
        else
            write_all(&json, model, points);
        json_end_object(&json);
        response->compressible = true;
        answer_json(response, 200, &body);
    }
    free(points);
    served_model_release(model);
}

/* --- revision --- */

void handle_revision(void *context, const struct http_request *request,
                     struct http_response *response)
{
    struct served_model *model = service_model(context, request, response);
    char tag[24];
    if (!model)
        return;
    /* the address tells a model from the one that a reload put in its place */
    const uint64_t revision =
        split_mix_at(served_model_revision(model) ^ (uint64_t)(uintptr_t)model);
    served_model_release(model);
    snprintf(tag, sizeof(tag), "\"%016llx\"", (unsigned long long)revision);
    const char *known = http_request_header(request, "If-None-Match");
    if (known && strcmp(known, tag) == 0) {
        http_respond(response, 304, "application/json", NULL, 0);
    } else {
        struct buffer body;
        buffer_init(&body, 64);
        buffer_append_text(&body, "{\"revision\":");
        buffer_append_text(&body, tag);
        buffer_append_char(&body, '}');
        answer_json(response, 200, &body);
    }
    http_response_header(response, "ETag", tag);
    http_response_header(response, "Cache-Control", "no-store");
}

/* --- incidents --- */

static void write_incident_feature(struct json_writer *json, const struct served_model *model,
                                   const struct incident_feature *feature)
{
    json_begin_object(json);
    json_member_string(json, "feature", served_model_row_name(model, feature->feature));
    write_time(json, "onset", feature->onset_ms);
    json_member_number(json, "peak", feature->peak);
    write_time(json, "peak_at", feature->peak_ms);
    json_end_object(json);
}

static void write_incident(struct json_writer *json, const struct served_model *model,
                           const struct incident *incident)
{
    json_begin_object(json);
    json_member_integer(json, "id", incident->id);
    write_time(json, "opened", incident->opened_ms);
    if (incident->running) {
        json_key(json, "ended");
        json_null(json);
    } else {
        write_time(json, "ended", incident->drifted_ms);
    }
    json_member_integer(json, "drifted_features", incident->features);
    json_key(json, "features");
    json_begin_array(json);
    for (size_t i = 0; i < incident->features && i < HISTORY_INCIDENT_FEATURES; i++)
        write_incident_feature(json, model, &incident->feature[i]);
    json_end_array(json);
    json_end_object(json);
}

void handle_incidents(void *context, const struct http_request *request,
                      struct http_response *response)
{
    struct served_model *model = service_model(context, request, response);
    if (!model)
        return;
    struct incident *incidents = calloc(HISTORY_INCIDENTS, sizeof(*incidents));
    if (!incidents) {
        answer_out_of_memory(response);
        served_model_release(model);
        return;
    }
    const size_t count = served_model_incidents(model, incidents);
    struct buffer body;
    struct json_writer json;
    buffer_init(&body, 1 << 12);
    json_init(&json, &body);
    json_begin_object(&json);
    json_member_string(&json, "model", served_model_name(model));
    json_key(&json, "incidents");
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++)
        write_incident(&json, model, &incidents[i]);
    json_end_array(&json);
    json_end_object(&json);
    free(incidents);
    served_model_release(model);
    response->compressible = true;
    answer_json(response, 200, &body);
}
