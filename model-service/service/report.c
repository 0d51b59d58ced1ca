/* report.c - GET /models/{model}/report: the live window as the page that check --format html
 * writes, and GET /models/{model}/features/{feature}: the numbers of one feature's pictures. */
#include "service/answer.h"
#include "service/handlers.h"
#include "service/service.h"

#include "encode/json_writer.h"
#include "report/report.h"
#include "report/words.h"
#include "served/past.h"
#include "system/clock.h"
#include "text/excerpt.h"
#include "text/timestamp.h"

#include <stdio.h>
#include <stdlib.h>

/* As the page's own, and no other page may frame it. */
#define REPORT_POLICY                                                                              \
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "              \
    "form-action 'none'; frame-ancestors 'none'"

/* What a request sees of a model, all of one moment. */
struct snapshot {
    struct served_model *model;
    struct detector_report report;
    struct feature_picture *picture; /* [features of the report], or of the only one */
    size_t only;                     /* SERVED_MODEL_ALL, or the feature that is shown */
    int64_t then_ms;                 /* 0, or when the window was that it is compared with */
};

static void snapshot_finish(struct snapshot *snapshot)
{
    free(snapshot->report.features);
    free(snapshot->picture);
    served_model_release(snapshot->model);
}

static void answer_no_feature(struct http_response *response, const char *name)
{
    char detail[160];
    snprintf(detail, sizeof(detail), "the model has no feature \"%s\"", excerpt(name).text);
    answer_problem(response, 404, detail);
}

/* feature: a name, or NULL for all. False after answering; on true to be finished. */
static bool take_snapshot(struct service *service, const struct http_request *request,
                          const char *feature, struct snapshot *snapshot,
                          struct http_response *response)
{
    *snapshot = (struct snapshot){.only = SERVED_MODEL_ALL};
    snapshot->model = service_model(service, request, response);
    if (!snapshot->model)
        return false;
    if (feature) {
        const int found = served_model_row_feature(snapshot->model, feature);
        if (found < 0) {
            answer_no_feature(response, feature);
            snapshot_finish(snapshot);
            return false;
        }
        snapshot->only = (size_t)found;
    }
    if (served_model_pictures(snapshot->model, snapshot->only, &snapshot->report,
                              &snapshot->picture) == 0)
        return true;
    answer_out_of_memory(response);
    snapshot_finish(snapshot);
    return false;
}

static void copy_picture(const void *context, size_t feature, struct feature_picture *ret_picture)
{
    const struct snapshot *snapshot = context;
    *ret_picture = snapshot->picture[snapshot->only == SERVED_MODEL_ALL ? feature : 0];
}

/* --- the page --- */

/* The order of the features, or the only one. Allocated; NULL if allocation fails. */
static size_t *choose_features(const struct snapshot *snapshot, size_t *ret_count)
{
    const bool all = snapshot->only == SERVED_MODEL_ALL;
    *ret_count = all ? snapshot->report.feature_count : 1;
    size_t *order = calloc(*ret_count, sizeof(*order));
    if (!order)
        return NULL;
    if (all)
        report_order(&snapshot->report, order);
    else
        order[0] = snapshot->only;
    return order;
}

/* As far back as anything is kept. */
#define MOST_SECONDS_AGO (86400 + PAST_COARSE_MS / 1000)

/* Whole seconds in range; 0 if it is not that. */
static int64_t seconds_ago(const char *text)
{
    char *end;
    const long long seconds = strtoll(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && seconds <= MOST_SECONDS_AGO ? seconds
                                                                                           : 0;
}

/* Puts the window as it was in the place of the reference, if the request asks for that. False
 * after answering. */
static bool look_back(const struct http_request *request, struct snapshot *snapshot,
                      struct http_response *response)
{
    const char *ago = http_request_query(request, "ago");
    if (!ago)
        return true;
    const int64_t seconds = seconds_ago(ago);
    if (snapshot->only == SERVED_MODEL_ALL || seconds == 0) {
        answer_problem(response, 400,
                       "\"ago\" is a number of seconds, from 1 to 90000, and needs a \"feature\"");
        return false;
    }
    if (served_model_against(snapshot->model, snapshot->only, seconds * 1000,
                             &snapshot->report.features[snapshot->only], snapshot->picture,
                             &snapshot->then_ms) == 0)
        return true;
    answer_problem(response, 404, "no window of that time is kept");
    return false;
}

void handle_report(void *context, const struct http_request *request,
                   struct http_response *response)
{
    struct snapshot snapshot;
    if (!take_snapshot(context, request, http_request_query(request, "feature"), &snapshot,
                       response))
        return;
    if (!look_back(request, &snapshot, response)) {
        snapshot_finish(&snapshot);
        return;
    }
    char then[TIMESTAMP_BYTES];
    timestamp_format(clock_wall_of(snapshot.then_ms), then);
    struct report_view view = {.title = served_model_name(snapshot.model),
                               .reference =
                                   snapshot.then_ms ? then : "what the model was trained on",
                               .current = "the live window",
                               .written_ms = clock_wall_ms(),
                               .drift = &snapshot.report,
                               .picture = copy_picture,
                               .context = &snapshot};
    size_t *order = choose_features(&snapshot, &view.features);
    if (order) {
        struct buffer body;
        view.feature = order;
        buffer_init(&body, 1 << 16);
        report_write_html(&view, &body);
        response->compressible = true;
        answer_buffer(response, 200, "text/html; charset=utf-8", &body);
        http_response_header(response, "Content-Security-Policy", REPORT_POLICY);
    } else {
        answer_out_of_memory(response);
    }
    free(order);
    snapshot_finish(&snapshot);
}

/* --- the numbers of a feature --- */

static void write_numbers(struct json_writer *json, const char *key, const double *number,
                          size_t count)
{
    json_key(json, key);
    json_begin_array(json);
    for (size_t i = 0; i < count; i++)
        json_number(json, number[i]);
    json_end_array(json);
}

static void write_histogram(struct json_writer *json, const struct picture_histogram *histogram)
{
    json_key(json, "histogram");
    json_begin_object(json);
    if (histogram->bars > 0) {
        write_numbers(json, "edges", histogram->edge, histogram->bars + 1);
        write_numbers(json, "reference", histogram->reference, histogram->bars + 2);
        write_numbers(json, "window", histogram->current, histogram->bars + 2);
    }
    json_end_object(json);
}

static void write_point(struct json_writer *json, const struct curve_point *point)
{
    json_begin_object(json);
    json_member_number(json, "x", point->x);
    json_member_boolean(json, "below", point->before);
    json_member_number(json, "reference", point->reference);
    json_member_number(json, "window", point->current);
    json_end_object(json);
}

static void write_curves(struct json_writer *json, const struct feature_picture *picture)
{
    json_key(json, "furthest_apart");
    if (picture->has_curves)
        write_point(json, &picture->apart);
    else
        json_null(json);
    json_key(json, "curves");
    json_begin_array(json);
    for (size_t i = 0; i < picture->points; i++)
        write_point(json, &picture->point[i]);
    json_end_array(json);
}

static void write_quantiles(struct json_writer *json, const struct detector_details *details)
{
    json_key(json, "quantiles");
    json_begin_object(json);
    write_numbers(json, "probability", details_probability, DETAILS_QUANTILES);
    write_numbers(json, "reference", details->reference_quantile, DETAILS_QUANTILES);
    write_numbers(json, "window", details->current_quantile, DETAILS_QUANTILES);
    json_end_object(json);
}

static void write_shares(struct json_writer *json, double reference, double window, double term)
{
    json_member_number(json, "reference", reference);
    json_member_number(json, "window", window);
    json_member_number(json, "psi_term", term);
    json_end_object(json);
}

static void write_bins(struct json_writer *json, const struct feature_picture *picture)
{
    json_key(json, "bins");
    json_begin_array(json);
    for (size_t b = 0; b < picture->bins; b++) {
        const struct picture_bin *bin = &picture->bin[b];
        struct buffer label;
        buffer_init(&label, 64);
        words_bin(&label, &bin->holds);
        json_begin_object(json);
        json_key(json, "holds");
        json_string_bytes(json, label.data ? label.data : "", label.length);
        write_shares(json, bin->reference, bin->current, bin->term);
        buffer_finish(&label);
    }
    json_end_array(json);
}

static void write_categories(struct json_writer *json, const struct feature_picture *picture)
{
    json_key(json, "categories");
    json_begin_array(json);
    for (size_t i = 0; i < picture->categories; i++) {
        const struct picture_category *category = &picture->category[i];
        json_begin_object(json);
        json_member_string(json, "category", category->name);
        write_shares(json, category->reference, category->current, category->term);
    }
    json_end_array(json);
    json_key(json, "other_categories");
    json_begin_object(json);
    json_member_integer(json, "count", picture->rest_categories);
    write_shares(json, picture->rest.reference, picture->rest.current, picture->rest.term);
}

/* A name in a sentence of plain text. */
static void quote(struct buffer *out, const char *name)
{
    buffer_append_char(out, '"');
    buffer_append_text(out, name);
    buffer_append_char(out, '"');
}

static void write_sentence(struct json_writer *json, const struct snapshot *snapshot)
{
    struct buffer text;
    buffer_init(&text, 256);
    words_feature(&text, &snapshot->report.features[snapshot->only], snapshot->picture, quote);
    json_key(json, "sentence");
    json_string_bytes(json, text.data ? text.data : "", text.length);
    buffer_finish(&text);
}

static void write_feature(struct json_writer *json, const struct snapshot *snapshot)
{
    const struct detector_feature_report *feature = &snapshot->report.features[snapshot->only];
    const struct feature_picture *picture = snapshot->picture;
    char timestamp[TIMESTAMP_BYTES];
    timestamp_format(clock_wall_ms(), timestamp);
    json_begin_object(json);
    json_member_string(json, "model", served_model_name(snapshot->model));
    json_member_string(json, "feature", feature->name);
    json_member_string(json, "type", feature->type == FEATURE_NUMERIC ? "numeric" : "categorical");
    json_member_string(json, "timestamp", timestamp);
    json_member_string(json, "verdict", report_verdict_words(report_verdict(feature)));
    write_sentence(json, snapshot);
    json_member_integer(json, "window_rows", picture->window_rows);
    json_member_integer(json, "reference_rows", picture->reference_rows);
    json_member_number(json, "psi", picture->psi);
    if (feature->type == FEATURE_NUMERIC) {
        write_histogram(json, &picture->histogram);
        write_curves(json, picture);
        write_quantiles(json, &picture->details);
        write_bins(json, picture);
    } else {
        write_categories(json, picture);
    }
    json_end_object(json);
}

void handle_feature(void *context, const struct http_request *request,
                    struct http_response *response)
{
    struct snapshot snapshot;
    if (!take_snapshot(context, request, request->param2, &snapshot, response))
        return;
    struct buffer body;
    struct json_writer json;
    buffer_init(&body, 1 << 14);
    json_init(&json, &body);
    write_feature(&json, &snapshot);
    snapshot_finish(&snapshot);
    response->compressible = true;
    answer_json(response, 200, &body);
}
