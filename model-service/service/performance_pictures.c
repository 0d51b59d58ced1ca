/* performance_pictures.c - GET /models/{model}/performance/history: metrics over time, and
 * /models/{model}/performance/pictures: calibration, confusion matrix, errors. */
#include "service/answer.h"
#include "service/handlers.h"
#include "service/series_json.h"
#include "service/service.h"

#include "encode/json_writer.h"
#include "served/history.h"
#include "served/measures.h"
#include "system/clock.h"

#include <stdlib.h>
#include <string.h>

/* --- history --- */

/* Milliseconds, value, and both ends of the interval; null where undefined. */
static void write_metric(struct json_writer *json, enum performance_metric metric,
                         const struct history_performance *rows, size_t count)
{
    json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        json_begin_array(json);
        json_integer(json, (uint64_t)clock_wall_of(rows[i].ms));
        json_number(json, brief_number((double)rows[i].value[metric]));
        json_number(json, brief_number((double)rows[i].lower[metric]));
        json_number(json, brief_number((double)rows[i].upper[metric]));
        json_end_array(json);
    }
    json_end_array(json);
}

static void write_coverage(struct json_writer *json, const struct history_performance *rows,
                           size_t count)
{
    json_key(json, "coverage");
    json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        json_begin_array(json);
        json_integer(json, (uint64_t)clock_wall_of(rows[i].ms));
        json_number(json, brief_number((double)rows[i].coverage));
        json_end_array(json);
    }
    json_end_array(json);
}

static void write_history(struct json_writer *json, struct served_model *model, bool coarse,
                          struct history_performance *rows)
{
    const size_t count = served_model_performance(model, coarse, rows);
    struct concept_report report;
    served_model_concept(model, NULL, &report);
    json_begin_object(json);
    json_member_string(json, "model", served_model_name(model));
    json_member_integer(json, "seconds", (coarse ? HISTORY_COARSE_MS : HISTORY_FINE_MS) / 1000);
    json_key(json, "metrics");
    json_begin_object(json);
    for (enum performance_metric m = 0; m < PERFORMANCE_METRIC_COUNT; m++) {
        if (!report.metric[m].applies)
            continue;
        json_key(json, drift_performance_metric_name(m));
        write_metric(json, m, rows, count);
    }
    json_end_object(json);
    write_coverage(json, rows, count);
    json_end_object(json);
}

void handle_performance_history(void *context, const struct http_request *request,
                                struct http_response *response)
{
    struct served_model *model = service_model(context, request, response);
    if (!model)
        return;
    const char *span = http_request_query(request, "span");
    const bool coarse = span && strcmp(span, "week") == 0;
    struct history_performance *rows = calloc(HISTORY_COARSE, sizeof(*rows));
    if (span && !coarse && strcmp(span, "hour") != 0) {
        answer_problem(response, 400, "\"span\" is \"hour\" or \"week\"");
    } else if (!rows) {
        answer_out_of_memory(response);
    } else {
        struct buffer body;
        struct json_writer json;
        buffer_init(&body, 1 << 14);
        json_init(&json, &body);
        write_history(&json, model, coarse, rows);
        response->compressible = true;
        answer_json(response, 200, &body);
    }
    free(rows);
    served_model_release(model);
}

/* --- pictures --- */

/* Scratch of a request. */
struct pictures {
    struct concept_pair pairs[CONCEPT_PAIRS];
    struct concept_confusion_cell cells[CONCEPT_PAIRS];
};

static void write_calibration(struct json_writer *json, const char *key,
                              const struct concept_calibration_bin *bin)
{
    json_key(json, key);
    json_begin_array(json);
    for (size_t b = 0; b < CONCEPT_CALIBRATION_BINS; b++) {
        if (bin[b].pairs == 0)
            continue;
        json_begin_object(json);
        json_member_number(json, "above", (double)b / CONCEPT_CALIBRATION_BINS);
        json_member_integer(json, "labels", bin[b].pairs);
        json_member_number(json, "score", bin[b].score / (double)bin[b].pairs);
        json_member_number(json, "share", bin[b].hits / (double)bin[b].pairs);
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_confusion(struct json_writer *json, const struct served_model *model,
                            struct pictures *pictures, size_t count)
{
    const size_t cells = concept_confusion(pictures->pairs, count, pictures->cells);
    json_key(json, "confusion");
    json_begin_array(json);
    for (size_t i = 0; i < cells; i++) {
        json_begin_object(json);
        json_member_string(json, "label", served_model_class_name(model, pictures->cells[i].label));
        json_member_string(json, "prediction",
                           served_model_class_name(model, pictures->cells[i].prediction));
        json_member_integer(json, "labels", pictures->cells[i].pairs);
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_errors(struct json_writer *json, struct pictures *pictures, size_t count)
{
    struct concept_errors errors;
    concept_errors(pictures->pairs, count, &errors);
    json_key(json, "errors");
    json_begin_object(json);
    json_key(json, "edges");
    json_begin_array(json);
    for (size_t i = 0; errors.bars > 0 && i <= errors.bars; i++)
        json_number(json, errors.edge[i]);
    json_end_array(json);
    json_key(json, "labels");
    json_begin_array(json);
    for (size_t i = 0; errors.bars > 0 && i < errors.bars + 2; i++)
        json_integer(json, errors.errors[i]);
    json_end_array(json);
    json_key(json, "by_prediction");
    json_begin_array(json);
    for (size_t i = 0; i < errors.steps; i++) {
        json_begin_object(json);
        json_member_number(json, "prediction", errors.prediction[i]);
        json_member_number(json, "error", errors.mean[i]);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

static void write_pictures(struct json_writer *json, struct served_model *model,
                           struct pictures *pictures)
{
    struct concept_calibration_bin reference[CONCEPT_CALIBRATION_BINS];
    struct concept_calibration_bin now[CONCEPT_CALIBRATION_BINS] = {{0}};
    const size_t count = served_model_pairs(model, pictures->pairs, reference);
    const enum prediction_type type = served_model_type(model);
    json_begin_object(json);
    json_member_string(json, "model", served_model_name(model));
    json_member_integer(json, "labels", count);
    if (type == PREDICTION_REGRESSION) {
        write_errors(json, pictures, count);
    } else {
        const enum performance_task task =
            type == PREDICTION_BINARY ? PERFORMANCE_BINARY : PERFORMANCE_MULTICLASS;
        for (size_t i = 0; i < count; i++)
            concept_calibration_add(now, task, &pictures->pairs[i]);
        write_calibration(json, "calibration", now);
        write_calibration(json, "reference_calibration", reference);
        write_confusion(json, model, pictures, count);
    }
    json_end_object(json);
}

void handle_performance_pictures(void *context, const struct http_request *request,
                                 struct http_response *response)
{
    struct served_model *model = service_model(context, request, response);
    if (!model)
        return;
    struct pictures *pictures = calloc(1, sizeof(*pictures));
    if (pictures) {
        struct buffer body;
        struct json_writer json;
        buffer_init(&body, 1 << 13);
        json_init(&json, &body);
        write_pictures(&json, model, pictures);
        response->compressible = true;
        answer_json(response, 200, &body);
    } else {
        answer_out_of_memory(response);
    }
    free(pictures);
    served_model_release(model);
}
