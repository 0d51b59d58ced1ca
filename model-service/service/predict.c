/* predict.c - POST /predict. */
#include "service/answer.h"
#include "service/handlers.h"
#include "service/service.h"

#include "encode/buffer.h"
#include "encode/json_writer.h"
#include "json/input.h"

#include <errno.h>
#include <math.h>

static void write_probabilities(struct json_writer *json, const struct served_model *model,
                                const double *outputs)
{
    json_key(json, "probabilities");
    json_begin_object(json);
    for (size_t i = 0; i < served_model_class_count(model); i++)
        json_member_number(json, served_model_class_name(model, i), outputs[i]);
    json_end_object(json);
}

static void write_prediction(struct json_writer *json, const struct served_model *model,
                             const struct prediction *prediction, const double *outputs)
{
    json_literal_key(json, "prediction");
    json_number(json, prediction->score);
    json_literal_key(json, "prediction_class");
    if (prediction->class_name)
        json_string(json, prediction->class_name);
    else
        json_null(json);
    if (served_model_type(model) == PREDICTION_MULTICLASS)
        write_probabilities(json, model, outputs);
    json_literal_key(json, "prediction_id");
    json_string(json, prediction->id);
}

/* Only scores that are known are written: none below the minimum sample. */
static void write_drift(struct json_writer *json, const struct served_model *model,
                        const struct prediction *last, const double *scores)
{
    const struct schema *schema = served_model_schema(model);
    json_literal_key(json, "drift_detected");
    json_boolean(json, last->verdict.drift_detected);
    json_literal_key(json, "drift_scores");
    json_begin_object(json);
    for (size_t f = 0; f < schema->features; f++)
        if (!isnan(scores[f]))
            json_member_number(json, schema->name[f], scores[f]);
    json_end_object(json);
    json_literal_key(json, "model");
    json_string(json, served_model_name(model));
    json_literal_key(json, "model_version");
    json_string(json, served_model_version(model));
}

/* Rows of one request, scored one after the other. */
struct answer {
    struct served_model *model;
    struct json_writer json;
    struct buffer body;
    struct prediction last;
    double outputs[SCORER_MAX_CLASSES], scores[SERVED_MODEL_MAX_ROW];
};

static int answer_single(struct answer *answer, const struct row *row)
{
    int rc =
        served_model_predict(answer->model, row, answer->outputs, answer->scores, &answer->last);
    if (rc < 0)
        return rc;
    json_begin_object(&answer->json);
    write_prediction(&answer->json, answer->model, &answer->last, answer->outputs);
    write_drift(&answer->json, answer->model, &answer->last, answer->scores);
    json_end_object(&answer->json);
    return 0;
}

static void answer_take(void *context, const struct prediction *prediction, const double *outputs)
{
    struct answer *answer = context;
    json_begin_object(&answer->json);
    write_prediction(&answer->json, answer->model, prediction, outputs);
    json_end_object(&answer->json);
    answer->last = *prediction;
}

static int answer_batch(struct answer *answer, const struct input_request *input)
{
    struct json_writer *json = &answer->json;
    json_begin_object(json);
    json_key(json, "predictions");
    json_begin_array(json);
    int rc = served_model_predict_rows(answer->model, input->rows, input->count, answer->scores,
                                       answer_take, answer);
    if (rc < 0)
        return rc;
    json_end_array(json);
    write_drift(json, answer->model, &answer->last, answer->scores);
    json_end_object(json);
    return 0;
}

static void answer_failed(struct http_response *response, int rc)
{
    if (rc == -ENOMEM)
        answer_out_of_memory(response);
    else if (rc == -EINVAL)
        answer_problem(response, 422, "the model needs a value that the row does not have");
    else
        answer_problem(response, 500, "the model failed on this row");
}

static void predict(struct service *service, struct served_model *model,
                    const struct http_request *request, struct http_response *response)
{
    struct input_request input;
    struct input_error error;
    int rc = input_predict_decode(request->body, request->body_bytes, served_model_schema(model),
                                  PREDICT_MAX_INSTANCES, &input, &error);
    if (rc < 0) {
        if (rc == -EINVAL && error.status == 422)
            service_reject(service, model, 1, error.detail);
        answer_refused(response, rc, &error);
        return;
    }
    struct answer answer;
    answer.model = model;
    buffer_init(&answer.body, 512 + 128 * input.count);
    json_init(&answer.json, &answer.body);
    rc = input.batch ? answer_batch(&answer, &input) : answer_single(&answer, &input.rows[0]);
    if (rc == 0) {
        answer_json(response, 200, &answer.body);
    } else {
        buffer_finish(&answer.body);
        answer_failed(response, rc);
    }
    input_request_finish(&input);
}

void handle_predict(void *context, const struct http_request *request,
                    struct http_response *response)
{
    struct served_model *model = service_model(context, request, response);
    if (!model)
        return;
    if (served_model_has_scorer(model))
        predict(context, model, request, response);
    else
        answer_problem(response, 409,
                       "this model has no scorer: send predictions made elsewhere to /observe");
    served_model_release(model);
}
