/* v2.c - the Open Inference Protocol (V2) over HTTP: health, metadata, inference. */
#include "service/answer.h"
#include "service/handlers.h"
#include "service/service.h"

#include "encode/buffer.h"
#include "encode/json_writer.h"
#include "text/excerpt.h"
#include "json/v2.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SERVER_NAME "model-service"

static void v2_error(struct http_response *response, unsigned status, const char *detail)
{
    struct buffer body;
    struct json_writer json;
    buffer_init(&body, 256);
    json_init(&json, &body);
    json_begin_object(&json);
    json_member_string(&json, "error", detail);
    json_end_object(&json);
    answer_json(response, status, &body);
}

/* The model and version of the path, or NULL after answering 404. */
static struct served_model *v2_model(struct service *service, const struct http_request *request,
                                     struct http_response *response)
{
    char detail[300];
    struct served_model *model = model_registry_model(&service->registry, request->param);
    if (!model) {
        snprintf(detail, sizeof(detail), "there is no model \"%s\"", excerpt(request->param).text);
        v2_error(response, 404, detail);
        return NULL;
    }
    if (!request->param2 || strcmp(request->param2, served_model_version(model)) == 0)
        return model;
    snprintf(detail, sizeof(detail), "model \"%s\" has the version \"%s\", not \"%s\"",
             served_model_name(model), excerpt(served_model_version(model)).text,
             excerpt(request->param2).text);
    v2_error(response, 404, detail);
    served_model_release(model);
    return NULL;
}

/* --- health and metadata --- */

static void answer_flag(struct http_response *response, const char *key, bool value)
{
    struct buffer body;
    struct json_writer json;
    buffer_init(&body, 64);
    json_init(&json, &body);
    json_begin_object(&json);
    json_member_boolean(&json, key, value);
    json_end_object(&json);
    answer_json(response, value ? 200 : 503, &body);
}

void handle_v2_live(void *context, const struct http_request *request,
                    struct http_response *response)
{
    (void)context;
    (void)request;
    answer_flag(response, "live", true);
}

void handle_v2_ready(void *context, const struct http_request *request,
                     struct http_response *response)
{
    const struct service *service = context;
    (void)request;
    answer_flag(response, "ready", service->ready);
}

void handle_v2(void *context, const struct http_request *request, struct http_response *response)
{
    struct buffer body;
    struct json_writer json;
    (void)context;
    (void)request;
    buffer_init(&body, 128);
    json_init(&json, &body);
    json_begin_object(&json);
    json_member_string(&json, "name", SERVER_NAME);
    json_member_string(&json, "version", SERVICE_VERSION);
    json_key(&json, "extensions");
    json_begin_array(&json);
    json_end_array(&json);
    json_end_object(&json);
    answer_json(response, 200, &body);
}

/* columns: 0 for a tensor of one dimension. */
static void write_tensor(struct json_writer *json, const char *name, const char *datatype,
                         size_t columns)
{
    json_begin_object(json);
    json_member_string(json, "name", name);
    json_member_string(json, "datatype", datatype);
    json_key(json, "shape");
    json_begin_array(json);
    json_raw(json, "-1", 2);
    if (columns)
        json_integer(json, columns);
    json_end_array(json);
    json_end_object(json);
}

static bool has_class(const struct served_model *model)
{
    return served_model_type(model) != PREDICTION_REGRESSION;
}

/* 0 for a tensor of one dimension. */
static size_t prediction_columns(const struct served_model *model)
{
    return served_model_type(model) == PREDICTION_MULTICLASS ? served_model_class_count(model) : 0;
}

static void write_metadata(struct json_writer *json, const struct served_model *model)
{
    const struct schema *schema = served_model_schema(model);
    json_begin_object(json);
    json_member_string(json, "name", served_model_name(model));
    json_key(json, "versions");
    json_begin_array(json);
    json_string(json, served_model_version(model));
    json_end_array(json);
    json_member_string(json, "platform", SERVER_NAME);
    json_key(json, "inputs");
    json_begin_array(json);
    for (size_t f = 0; f < schema->features; f++)
        write_tensor(json, schema->name[f], schema->categorical[f] ? "BYTES" : "FP64", 0);
    json_end_array(json);
    json_key(json, "outputs");
    json_begin_array(json);
    write_tensor(json, v2_output_names[V2_PREDICTION], "FP64", prediction_columns(model));
    if (has_class(model))
        write_tensor(json, v2_output_names[V2_PREDICTION_CLASS], "BYTES", 0);
    json_end_array(json);
    json_end_object(json);
}

void handle_v2_model(void *context, const struct http_request *request,
                     struct http_response *response)
{
    struct served_model *model = v2_model(context, request, response);
    if (!model)
        return;
    struct buffer body;
    struct json_writer json;
    buffer_init(&body, 512);
    json_init(&json, &body);
    write_metadata(&json, model);
    answer_json(response, 200, &body);
    served_model_release(model);
}

void handle_v2_model_ready(void *context, const struct http_request *request,
                           struct http_response *response)
{
    const struct service *service = context;
    struct served_model *model = v2_model(context, request, response);
    if (!model)
        return;
    const bool ready = service->ready && served_model_has_scorer(model);
    struct buffer body;
    struct json_writer json;
    buffer_init(&body, 64);
    json_init(&json, &body);
    json_begin_object(&json);
    json_member_string(&json, "name", served_model_name(model));
    json_member_boolean(&json, "ready", ready);
    json_end_object(&json);
    answer_json(response, ready ? 200 : 503, &body);
    served_model_release(model);
}

/* --- inference --- */

/* The data of the outputs, written as the rows come. */
struct inference {
    const struct served_model *model;
    struct buffer data[V2_OUTPUT_COUNT];
    struct json_writer json[V2_OUTPUT_COUNT];
    size_t width; /* numbers per row of V2_PREDICTION */
    bool drift_detected;
    double scores[SERVED_MODEL_MAX_ROW];
};

static void inference_begin(struct inference *inference, const struct served_model *model,
                            size_t rows)
{
    const size_t columns = prediction_columns(model);
    inference->model = model;
    inference->width = columns ? columns : 1;
    inference->drift_detected = false;
    for (size_t i = 0; i < V2_OUTPUT_COUNT; i++) {
        buffer_init(&inference->data[i], 64 + 20 * rows);
        json_init(&inference->json[i], &inference->data[i]);
        json_begin_array(&inference->json[i]);
    }
}

static void inference_finish(struct inference *inference)
{
    for (size_t i = 0; i < V2_OUTPUT_COUNT; i++)
        buffer_finish(&inference->data[i]);
}

static void inference_take(void *context, const struct prediction *prediction,
                           const double *outputs)
{
    struct inference *inference = context;
    for (size_t i = 0; i < inference->width; i++)
        json_number(&inference->json[V2_PREDICTION], outputs[i]);
    json_string(&inference->json[V2_PREDICTION_CLASS],
                prediction->class_name ? prediction->class_name : "");
    inference->drift_detected = prediction->verdict.drift_detected;
}

static void write_output(struct json_writer *json, struct inference *inference,
                         enum v2_output output, size_t rows)
{
    const bool matrix = output == V2_PREDICTION && prediction_columns(inference->model);
    json_begin_object(json);
    json_member_string(json, "name", v2_output_names[output]);
    json_member_string(json, "datatype", output == V2_PREDICTION ? "FP64" : "BYTES");
    json_key(json, "shape");
    json_begin_array(json);
    json_integer(json, rows);
    if (matrix)
        json_integer(json, inference->width);
    json_end_array(json);
    json_key(json, "data");
    json_raw(json, inference->data[output].data, inference->data[output].length);
    json_end_object(json);
}

static void write_answer(struct json_writer *json, struct inference *inference,
                         const struct v2_request *request)
{
    json_begin_object(json);
    json_member_string(json, "model_name", served_model_name(inference->model));
    json_member_string(json, "model_version", served_model_version(inference->model));
    if (request->id)
        json_member_string(json, "id", request->id);
    json_key(json, "parameters");
    json_begin_object(json);
    json_member_boolean(json, "drift_detected", inference->drift_detected);
    json_end_object(json);
    json_key(json, "outputs");
    json_begin_array(json);
    for (size_t i = 0; i < request->output_count; i++)
        write_output(json, inference, request->outputs[i], request->count);
    json_end_array(json);
    json_end_object(json);
}

static void answer_inference(struct http_response *response, struct inference *inference,
                             const struct v2_request *request)
{
    struct buffer body;
    struct json_writer json;
    for (size_t i = 0; i < V2_OUTPUT_COUNT; i++) {
        json_end_array(&inference->json[i]);
        if (inference->data[i].error) {
            v2_error(response, 503, "not enough memory for this request");
            return;
        }
    }
    buffer_init(&body, 512 + inference->data[0].length + inference->data[1].length);
    json_init(&json, &body);
    write_answer(&json, inference, request);
    answer_json(response, 200, &body);
}

static void answer_failure(struct http_response *response, int rc)
{
    if (rc == -ENOMEM)
        v2_error(response, 503, "not enough memory for this request");
    else if (rc == -EINVAL)
        v2_error(response, 400, "the model needs a value that a row does not have");
    else
        v2_error(response, 500, "the model failed on these rows");
}

/* Labels that come later find a single row by the request's id. */
static void name_row(struct v2_request *request)
{
    if (request->count == 1) {
        request->rows[0].id = request->id;
        request->rows[0].id_bytes = request->id_bytes;
    }
}

static void infer(struct served_model *model, const struct http_request *request,
                  struct http_response *response)
{
    struct v2_request input;
    struct input_error error;
    int rc = v2_request_decode(request->body, request->body_bytes, served_model_schema(model),
                               has_class(model), PREDICT_MAX_INSTANCES, &input, &error);
    if (rc == -EINVAL)
        v2_error(response, error.status == 422 ? 400 : error.status, error.detail);
    else if (rc < 0)
        answer_failure(response, rc);
    if (rc < 0)
        return;
    name_row(&input);
    struct inference inference;
    inference_begin(&inference, model, input.count);
    rc = served_model_predict_rows(model, input.rows, input.count, inference.scores, inference_take,
                                   &inference);
    if (rc == 0)
        answer_inference(response, &inference, &input);
    else
        answer_failure(response, rc);
    inference_finish(&inference);
    v2_request_finish(&input);
}

void handle_v2_infer(void *context, const struct http_request *request,
                     struct http_response *response)
{
    struct served_model *model = v2_model(context, request, response);
    if (!model)
        return;
    if (http_request_header(request, "Inference-Header-Content-Length"))
        v2_error(response, 400,
                 "the binary tensor extension is not supported; send \"data\" as JSON");
    else if (served_model_has_scorer(model))
        infer(model, request, response);
    else
        v2_error(response, 409,
                 "this model has no scorer: send predictions made elsewhere to /observe");
    served_model_release(model);
}
