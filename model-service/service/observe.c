/* observe.c - POST /observe: one observation, a batch, or an unbounded NDJSON stream. */
#include "service/answer.h"
#include "service/handlers.h"
#include "service/service.h"

#include "service/refusals.h"
#include "json/observe.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* One request. */
struct observing {
    struct service *service;
    struct served_model *model; /* a reference */
    const char *closed;         /* why lines can no longer be observed; or NULL */
    struct observation_reader *reader;
    struct observation_block *block;
    struct ndjson lines;
    uint64_t observed;
    struct detector_verdict verdict;
    struct refusals refusals;
    /* labels that came along */
    bool labelled;
    uint64_t results[LABEL_RESULT_COUNT], labels_rejected;
};

static void observing_destroy(struct observing *observing)
{
    if (!observing)
        return;
    observation_reader_destroy(observing->reader);
    observation_block_destroy(observing->block);
    ndjson_finish(&observing->lines);
    refusals_finish(&observing->refusals);
    served_model_release(observing->model);
    free(observing);
}

static void flush(struct observing *observing)
{
    observing->verdict = observation_block_flush(observing->block);
}

static void refuse(struct observing *observing, uint64_t number, const char *detail)
{
    refusals_add(&observing->refusals, number, detail);
    service_reject(observing->service, observing->model, 1, detail);
}

/* The row counts even if its label does not. */
static void take_label(struct observing *observing, uint64_t number,
                       const struct observation *observation,
                       const struct observed_prediction *prediction)
{
    const bool labelled = observation->label.text || !isnan(observation->label.number);
    struct error detail;
    enum label_result result;
    if (!labelled && !observation->id)
        return;
    const int rc =
        served_model_remember(observing->model, prediction, observation->id, observation->id_bytes,
                              labelled ? &observation->label : NULL, &result, &detail);
    observing->labelled = observing->labelled || labelled;
    if (rc < 0) {
        observing->labels_rejected++;
        refusals_mention(&observing->refusals, number, detail.text);
    } else if (labelled) {
        observing->results[result]++;
    }
}

static void take(void *context, uint64_t number, const struct observation *observation,
                 const struct input_error *error)
{
    struct observing *observing = context;
    struct observed_prediction prediction;
    struct error detail;
    if (!observation) {
        refuse(observing, number, error->detail);
        return;
    }
    if (served_model_read_prediction(observing->model, observation, &prediction, &detail) < 0) {
        refuse(observing, number, detail.text);
        return;
    }
    if (observation_block_add(observing->block, observation->value, &prediction))
        flush(observing);
    take_label(observing, number, observation, &prediction);
    observing->observed++;
}

static void take_line(struct observing *observing, const struct ndjson_line *line)
{
    if (observing->closed)
        refuse(observing, line->number, observing->closed);
    else if (line->error)
        refuse(observing, line->number, line->error);
    else
        observation_read_line(observing->reader, line->number, line->text, line->bytes, take,
                              observing);
}

/* Takes the reference over, also on failure. */
static struct observing *observing_create(struct service *service, struct served_model *model,
                                          const char *place)
{
    struct observing *observing = calloc(1, sizeof(*observing));
    if (!observing) {
        served_model_release(model);
        return NULL;
    }
    observing->service = service;
    observing->model = model;
    refusals_init(&observing->refusals, place);
    ndjson_init(&observing->lines, &service->ndjson_memory);
    if (observation_reader_create(served_model_schema(model), &observing->reader) < 0 ||
        observation_block_create(model, &observing->block) < 0) {
        observing_destroy(observing);
        return NULL;
    }
    return observing;
}

/* --- answers --- */

static void write_labels(const struct observing *observing, struct json_writer *json)
{
    json_key(json, "labels");
    json_begin_object(json);
    for (enum label_result r = 0; r < LABEL_RESULT_COUNT; r++)
        json_member_integer(json, drift_label_result_name(r), observing->results[r]);
    json_member_integer(json, "rejected", observing->labels_rejected);
    json_end_object(json);
}

static void answer(struct observing *observing, struct http_response *response)
{
    struct buffer body;
    struct json_writer json;
    if (observing->observed == 0) {
        char detail[INPUT_ERROR_BYTES + 100];
        refusals_sentence(&observing->refusals, "observed", detail, sizeof(detail));
        answer_problem(response, 422, detail);
        return;
    }
    buffer_init(&body, 256 + observing->refusals.errors.length);
    json_init(&json, &body);
    json_begin_object(&json);
    json_member_string(&json, "model", served_model_name(observing->model));
    json_member_integer(&json, "observed", observing->observed);
    json_member_integer(&json, "rejected", observing->refusals.count);
    if (!refusals_write(&observing->refusals, &json)) {
        buffer_finish(&body);
        answer_out_of_memory(response);
        return;
    }
    json_member_boolean(&json, "drift_detected", observing->verdict.drift_detected);
    if (observing->labelled)
        write_labels(observing, &json);
    json_end_object(&json);
    answer_json(response, 200, &body);
}

/* --- lines --- */

/* To the model that has taken the place of this one. False if allocation fails. */
static bool move_to(struct observing *observing, struct served_model *model)
{
    struct observation_reader *reader;
    struct observation_block *block;
    if (observation_reader_create(served_model_schema(model), &reader) < 0)
        return false;
    if (observation_block_create(model, &block) < 0) {
        observation_reader_destroy(reader);
        return false;
    }
    observation_reader_destroy(observing->reader);
    observation_block_destroy(observing->block);
    observing->reader = reader;
    observing->block = block;
    served_model_release(observing->model);
    observing->model = served_model_acquire(model);
    return true;
}

/* Lines may come for days: after a reload they go where those of a new request would. */
static void follow_reload(struct observing *observing)
{
    struct served_model *model =
        model_registry_model(&observing->service->registry, served_model_name(observing->model));
    observing->closed = NULL;
    if (!model)
        observing->closed = "the model was removed by a configuration reload";
    else if (model != observing->model && !move_to(observing, model))
        observing->closed = "not enough memory to go on after a configuration reload";
    served_model_release(model);
}

static void take_lines(struct observing *observing)
{
    struct ndjson_line line;

    while (ndjson_next(&observing->lines, &line))
        take_line(observing, &line);
    flush(observing);
}

/* What has arrived is observed before the next piece is waited for. */
static void stream_data(void *state, const char *bytes, size_t count)
{
    struct observing *observing = state;
    follow_reload(observing);
    ndjson_feed(&observing->lines, bytes, count);
    take_lines(observing);
}

static void stream_end(void *state, struct http_response *response)
{
    struct observing *observing = state;
    ndjson_end(&observing->lines);
    take_lines(observing);
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
        service_reject(observing->service, observing->model, 1, error.detail);
    if (rc < 0) {
        answer_refused(response, rc, &error);
        return;
    }
    flush(observing);
    answer(observing, response);
}

void handle_observe(void *context, const struct http_request *request,
                    struct http_response *response)
{
    struct service *service = context;
    struct served_model *model = service_model(service, request, response);
    if (!model)
        return;
    struct observing *observing =
        observing_create(service, model, request->streamed ? "line" : "instance");
    if (!observing) {
        answer_out_of_memory(response);
    } else if (request->streamed) {
        http_request_stream(request, &stream, observing);
    } else {
        observe_body(observing, request, response);
        observing_destroy(observing);
    }
}
