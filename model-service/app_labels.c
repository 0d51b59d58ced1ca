/* app_labels.c - POST /labels: one label, a batch. */
#include "app.h"

#include "adapt/json_labels.h"
#include "encode/buffer.h"
#include "encode/json_writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What became of the labels of one request. */
struct label_answer {
    struct served_model *model;
    uint64_t results[LABEL_RESULT_COUNT], rejected;
    char first_error[INPUT_ERROR_BYTES];
    struct buffer errors;
    struct json_writer list; /* of the first errors, into `errors` */
};

static void answer_begin(struct label_answer *answer, struct served_model *model)
{
    *answer = (struct label_answer){.model = model};
    buffer_init(&answer->errors, 256);
    json_init(&answer->list, &answer->errors);
    json_begin_array(&answer->list);
}

static void answer_refuse(struct label_answer *answer, const char *place, uint64_t number,
                          const char *detail)
{
    if (answer->rejected == 0)
        snprintf(answer->first_error, sizeof(answer->first_error), "%s", detail);
    if (answer->rejected++ >= APP_MAX_LISTED_ERRORS)
        return;
    json_begin_object(&answer->list);
    json_member_integer(&answer->list, place, number);
    json_member_string(&answer->list, "detail", detail);
    json_end_object(&answer->list);
}

static void answer_take(struct label_answer *answer, const struct input_label *label,
                        const char *place, uint64_t number)
{
    char error[SERVED_MODEL_LABEL_ERROR_BYTES];
    enum label_result result;
    if (served_model_label(answer->model, label->id, label->id_bytes, &label->label, &result,
                           error) < 0)
        answer_refuse(answer, place, number, error);
    else
        answer->results[result]++;
}

static uint64_t answer_taken(const struct label_answer *answer)
{
    uint64_t taken = 0;
    for (enum label_result r = 0; r < LABEL_RESULT_COUNT; r++)
        taken += answer->results[r];
    return taken;
}

static void answer_write(const struct label_answer *answer, struct json_writer *json)
{
    json_begin_object(json);
    json_member_string(json, "model", served_model_name(answer->model));
    for (enum label_result r = 0; r < LABEL_RESULT_COUNT; r++)
        json_member_integer(json, label_result_name(r), answer->results[r]);
    json_member_integer(json, "rejected", answer->rejected);
    json_key(json, "errors");
    json_raw(json, answer->errors.data, answer->errors.length);
    json_end_object(json);
}

/* 422 when no label could be used. */
static void answer_end(struct label_answer *answer, struct http_response *response)
{
    json_end_array(&answer->list);
    if (answer_taken(answer) == 0) {
        app_problem(response, 422,
                    answer->rejected ? answer->first_error : "there is no label in the body");
    } else if (answer->errors.error) {
        app_out_of_memory(response);
    } else {
        struct buffer body;
        struct json_writer json;
        buffer_init(&body, 256 + answer->errors.length);
        json_init(&json, &body);
        answer_write(answer, &json);
        app_json(response, 200, &body);
    }
    buffer_finish(&answer->errors);
}

static void take_body(struct label_answer *answer, const struct input_labels *labels)
{
    for (size_t i = 0; i < labels->count; i++) {
        struct input_label label;
        struct input_error error;
        if (input_labels_get(labels, i, &label, &error) < 0)
            answer_refuse(answer, "instance", i, error.detail);
        else
            answer_take(answer, &label, "instance", i);
    }
}

static void labels_collected(struct served_model *model, const struct http_request *request,
                             struct http_response *response)
{
    struct input_labels labels;
    struct input_error error;
    int rc = input_labels_decode(request->body, request->body_bytes, LABELS_MAX_INSTANCES, &labels,
                                 &error);
    if (rc < 0) {
        app_refused(response, rc, &error);
        return;
    }
    struct label_answer answer;
    answer_begin(&answer, model);
    take_body(&answer, &labels);
    answer_end(&answer, response);
    input_labels_finish(&labels);
}

void handle_labels(void *context, const struct http_request *request,
                   struct http_response *response)
{
    struct served_model *model = app_model(context, request, response);
    if (!model)
        return;
    labels_collected(model, request, response);
    served_model_release(model);
}
