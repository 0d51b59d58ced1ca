/* app_observe.c - POST /observe: one observation, a batch, or lines without end. */
#include "app.h"

#include "adapt/json_observe.h"
#include "encode/buffer.h"
#include "encode/json_writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One request. */
struct observing {
    struct served_model *model; /* a reference */
    struct observation_reader *reader;
    struct observation_block *block;
    struct lines lines;
    const char *place; /* what errors are counted by */
    uint64_t observed, rejected;
    struct detector_verdict verdict;
    char first_error[INPUT_ERROR_BYTES];
    uint64_t first_error_number;
    struct buffer errors;
    struct json_writer list; /* of the first errors, into `errors` */
};

static void observing_destroy(struct observing *observing)
{
    if (!observing)
        return;
    served_model_count_rejected(observing->model, observing->rejected);
    observation_reader_destroy(observing->reader);
    observation_block_destroy(observing->block);
    lines_finish(&observing->lines);
    buffer_finish(&observing->errors);
    served_model_release(observing->model);
    free(observing);
}

static void refuse(struct observing *observing, uint64_t number, const char *detail)
{
    if (observing->rejected == 0) {
        observing->first_error_number = number;
        snprintf(observing->first_error, sizeof(observing->first_error), "%s", detail);
    }
    if (observing->rejected++ >= APP_MAX_LISTED_ERRORS)
        return;
    json_begin_object(&observing->list);
    json_member_integer(&observing->list, observing->place, number);
    json_member_string(&observing->list, "detail", detail);
    json_end_object(&observing->list);
}

static void flush(struct observing *observing)
{
    observing->verdict = observation_block_flush(observing->block);
}

static void take(void *context, uint64_t number, const struct observation *observation,
                 const struct input_error *error)
{
    struct observing *observing = context;
    struct observed_prediction prediction;
    char detail[SERVED_MODEL_OBSERVE_ERROR_BYTES];
    if (!observation) {
        refuse(observing, number, error->detail);
        return;
    }
    if (served_model_told(observing->model, observation, &prediction, detail) < 0) {
        refuse(observing, number, detail);
        return;
    }
    if (observation_block_add(observing->block, observation->value, &prediction))
        flush(observing);
    observing->observed++;
}

static void take_line(void *context, uint64_t number, enum line_state state, const char *text,
                      size_t bytes)
{
    struct observing *observing = context;
    if (state == LINE_TOO_LONG)
        refuse(observing, number, "the line is longer than 1 MiB");
    else if (state == LINE_NO_MEMORY)
        refuse(observing, number, "not enough memory for a line so long");
    else
        observation_read_line(observing->reader, number, text, bytes, take, observing);
}

/* Takes the reference over, also on failure. */
static struct observing *observing_create(struct app *app, struct served_model *model,
                                          const char *place)
{
    struct observing *observing = calloc(1, sizeof(*observing));
    if (!observing) {
        served_model_release(model);
        return NULL;
    }
    observing->model = model;
    observing->place = place;
    lines_init(&observing->lines, &app->lines_memory, take_line, observing);
    buffer_init(&observing->errors, 256);
    json_init(&observing->list, &observing->errors);
    json_begin_array(&observing->list);
    if (observation_reader_create(served_model_schema(model), &observing->reader) < 0 ||
        observation_block_create(model, &observing->block) < 0) {
        observing_destroy(observing);
        return NULL;
    }
    return observing;
}

/* --- answers --- */

static void answer_nothing(const struct observing *observing, struct http_response *response)
{
    char detail[INPUT_ERROR_BYTES + 100];
    if (observing->rejected == 0)
        snprintf(detail, sizeof(detail), "there is no line in the body");
    else if (observing->rejected == 1)
        snprintf(detail, sizeof(detail), "%s", observing->first_error);
    else
        snprintf(detail, sizeof(detail), "none of %llu %ss was observed; %s %llu: %s",
                 (unsigned long long)observing->rejected, observing->place, observing->place,
                 (unsigned long long)observing->first_error_number, observing->first_error);
    app_problem(response, 422, detail);
}

static void answer(struct observing *observing, struct http_response *response)
{
    struct buffer body;
    struct json_writer json;
    if (observing->observed == 0) {
        answer_nothing(observing, response);
        return;
    }
    json_end_array(&observing->list);
    if (observing->errors.error) {
        app_out_of_memory(response);
        return;
    }
    buffer_init(&body, 256 + observing->errors.length);
    json_init(&json, &body);
    json_begin_object(&json);
    json_member_string(&json, "model", served_model_name(observing->model));
    json_member_integer(&json, "observed", observing->observed);
    json_member_integer(&json, "rejected", observing->rejected);
    json_key(&json, "errors");
    json_raw(&json, observing->errors.data, observing->errors.length);
    json_member_boolean(&json, "drift_detected", observing->verdict.drift_detected);
    json_end_object(&json);
    app_json(response, 200, &body);
}

/* --- lines --- */

/* What has arrived is observed before the next piece is waited for. */
static void stream_data(void *state, const char *bytes, size_t count)
{
    struct observing *observing = state;
    lines_feed(&observing->lines, bytes, count);
    flush(observing);
}

static void stream_end(void *state, struct http_response *response)
{
    struct observing *observing = state;
    lines_end(&observing->lines);
    flush(observing);
    answer(observing, response);
    observing_destroy(observing);
}

static void stream_abort(void *state)
{
    observing_destroy(state);
}

static const struct http_stream stream = {stream_data, stream_end, stream_abort};

/* --- collected bodies --- */

static void observe_body(struct observing *observing, const struct http_request *request,
                         struct http_response *response)
{
    struct input_error error;
    int rc = observation_read_body(observing->reader, request->body, request->body_bytes,
                                   OBSERVE_MAX_INSTANCES, take, observing, &error);
    if (rc == -EINVAL && error.status == 422)
        observing->rejected++;
    if (rc < 0) {
        app_refused(response, rc, &error);
        return;
    }
    flush(observing);
    answer(observing, response);
}

void handle_observe(void *context, const struct http_request *request,
                    struct http_response *response)
{
    struct app *app = context;
    struct served_model *model = app_model(app, request, response);
    if (!model)
        return;
    struct observing *observing =
        observing_create(app, model, request->streamed ? "line" : "instance");
    if (!observing) {
        app_out_of_memory(response);
    } else if (request->streamed) {
        http_request_stream(request, &stream, observing);
    } else {
        observe_body(observing, request, response);
        observing_destroy(observing);
    }
}
