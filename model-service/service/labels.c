/* labels.c - POST /labels: one label, a batch, or an unbounded NDJSON stream. */
#include "service/answer.h"
#include "service/handlers.h"
#include "service/service.h"

#include "service/refusals.h"
#include "json/labels.h"

#include <errno.h>
#include <stdlib.h>

/* One request. */
struct labelling {
    struct service *service;
    struct served_model *model; /* a reference */
    bool removed;               /* by a configuration reload, while lines were coming */
    struct ndjson lines;
    uint64_t results[LABEL_RESULT_COUNT];
    struct refusals refusals;
};

static void labelling_destroy(struct labelling *labelling)
{
    ndjson_finish(&labelling->lines);
    refusals_finish(&labelling->refusals);
    served_model_release(labelling->model);
    free(labelling);
}

static void take_all(struct labelling *labelling, const struct input_labels *labels,
                     uint64_t first_number)
{
    for (size_t i = 0; i < labels->count; i++) {
        struct error detail;
        struct input_label label;
        struct input_error error;
        enum label_result result;
        if (input_labels_get(labels, i, &label, &error) < 0)
            refusals_add(&labelling->refusals, first_number + i, error.detail);
        else if (served_model_label(labelling->model, label.id, label.id_bytes, &label.label,
                                    &result, &detail) < 0)
            refusals_add(&labelling->refusals, first_number + i, detail.text);
        else
            labelling->results[result]++;
    }
}

static void take_line(struct labelling *labelling, const struct ndjson_line *line)
{
    struct input_labels labels;
    struct input_error error;
    if (line->error || labelling->removed) {
        refusals_add(&labelling->refusals, line->number,
                     line->error ? line->error : "the model was removed by a configuration reload");
        return;
    }
    const int rc = input_labels_decode(line->text, line->bytes, 1, &labels, &error);
    if (rc < 0) {
        refusals_add(&labelling->refusals, line->number,
                     rc == -EINVAL ? error.detail : "not enough memory for this line");
        return;
    }
    if (labels.batch)
        refusals_add(&labelling->refusals, line->number, "a line holds one label, not a batch");
    else
        take_all(labelling, &labels, line->number);
    input_labels_finish(&labels);
}

/* Takes the reference over, also on failure. */
static struct labelling *labelling_create(struct service *service, struct served_model *model,
                                          const char *place)
{
    struct labelling *labelling = calloc(1, sizeof(*labelling));
    if (!labelling) {
        served_model_release(model);
        return NULL;
    }
    labelling->service = service;
    labelling->model = model;
    ndjson_init(&labelling->lines, &service->ndjson_memory);
    refusals_init(&labelling->refusals, place);
    return labelling;
}

/* --- answers --- */

static uint64_t taken(const struct labelling *labelling)
{
    uint64_t count = 0;
    for (enum label_result r = 0; r < LABEL_RESULT_COUNT; r++)
        count += labelling->results[r];
    return count;
}

static void answer(struct labelling *labelling, struct http_response *response)
{
    struct buffer body;
    struct json_writer json;
    if (taken(labelling) == 0) {
        char detail[INPUT_ERROR_BYTES + 100];
        refusals_sentence(&labelling->refusals, "taken", detail, sizeof(detail));
        answer_problem(response, 422, detail);
        return;
    }
    buffer_init(&body, 256 + labelling->refusals.errors.length);
    json_init(&json, &body);
    json_begin_object(&json);
    json_member_string(&json, "model", served_model_name(labelling->model));
    for (enum label_result r = 0; r < LABEL_RESULT_COUNT; r++)
        json_member_integer(&json, drift_label_result_name(r), labelling->results[r]);
    json_member_integer(&json, "rejected", labelling->refusals.count);
    if (!refusals_write(&labelling->refusals, &json)) {
        buffer_finish(&body);
        answer_out_of_memory(response);
        return;
    }
    json_end_object(&json);
    answer_json(response, 200, &body);
}

/* --- lines --- */

static void take_lines(struct labelling *labelling)
{
    struct ndjson_line line;

    while (ndjson_next(&labelling->lines, &line))
        take_line(labelling, &line);
}

/* Lines may come for days: after a reload they go where those of a new request would. */
static void follow_reload(struct labelling *labelling)
{
    struct served_model *model =
        model_registry_model(&labelling->service->registry, served_model_name(labelling->model));
    labelling->removed = !model;
    if (!model)
        return;
    served_model_release(labelling->model);
    labelling->model = model;
}

static void stream_data(void *state, const char *bytes, size_t count)
{
    struct labelling *labelling = state;
    follow_reload(labelling);
    ndjson_feed(&labelling->lines, bytes, count);
    take_lines(labelling);
}

static void stream_end(void *state, struct http_response *response)
{
    struct labelling *labelling = state;
    ndjson_end(&labelling->lines);
    take_lines(labelling);
    answer(labelling, response);
    labelling_destroy(labelling);
}

static void stream_abort(void *state)
{
    labelling_destroy(state);
}

static const struct http_stream stream = {stream_data, stream_end, stream_abort};

/* --- collected bodies --- */

static void label_body(struct labelling *labelling, const struct http_request *request,
                       struct http_response *response)
{
    struct input_labels labels;
    struct input_error error;
    int rc = input_labels_decode(request->body, request->body_bytes, LABELS_MAX_INSTANCES, &labels,
                                 &error);
    if (rc < 0) {
        answer_refused(response, rc, &error);
        return;
    }
    take_all(labelling, &labels, 0);
    input_labels_finish(&labels);
    answer(labelling, response);
}

void handle_labels(void *context, const struct http_request *request,
                   struct http_response *response)
{
    struct service *service = context;
    struct served_model *model = service_model(service, request, response);
    if (!model)
        return;
    struct labelling *labelling =
        labelling_create(service, model, request->streamed ? "line" : "instance");
    if (!labelling) {
        answer_out_of_memory(response);
    } else if (request->streamed) {
        http_request_stream(request, &stream, labelling);
    } else {
        label_body(labelling, request, response);
        labelling_destroy(labelling);
    }
}
