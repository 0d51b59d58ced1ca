/* app_predict.c - POST /predict and POST /simulate/drift. */
#include "app.h"

#include "adapt/excerpt.h"
#include "adapt/json_input.h"
#include "encode/buffer.h"
#include "encode/json_writer.h"
#include "encode/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_id(struct json_writer *json, const struct app *app, const struct input_row *row,
                     uint64_t sequence)
{
    json_key(json, "prediction_id");
    if (row->id) {
        json_string(json, row->id);
        return;
    }
    char id[sizeof(app->id_prefix) + NUMBER_MAX_BYTES];
    const size_t prefix = strlen(app->id_prefix);
    memcpy(id, app->id_prefix, prefix);
    json_string_bytes(json, id, prefix + number_format_u64(sequence, id + prefix));
}

static void write_prediction(struct json_writer *json, const struct app *app,
                             const struct input_row *row, const struct prediction *prediction)
{
    json_member_number(json, "prediction", prediction->score);
    json_member_string(json, "prediction_class", prediction->class_name);
    write_id(json, app, row, prediction->sequence);
}

/* Only scores that are known are written: none below the minimum sample. */
static void write_drift(struct json_writer *json, const struct served_model *model,
                        const struct prediction *last, const double *scores)
{
    const struct input_schema *schema = served_model_schema(model);
    json_member_boolean(json, "drift_detected", last->verdict.drift_detected);
    json_key(json, "drift_scores");
    json_begin_object(json);
    for (size_t f = 0; f < schema->features; f++)
        if (!isnan(scores[f]))
            json_member_number(json, schema->name[f], scores[f]);
    json_end_object(json);
    json_member_string(json, "model", served_model_name(model));
    json_member_string(json, "model_version", served_model_version(model));
}

static void answer_single(struct json_writer *json, struct app *app, struct served_model *model,
                          const struct input_row *row)
{
    double scores[SERVED_MODEL_MAX_FEATURES];
    struct prediction prediction = served_model_predict(model, row->value, scores);
    json_begin_object(json);
    write_prediction(json, app, row, &prediction);
    write_drift(json, model, &prediction, scores);
    json_end_object(json);
}

static void answer_batch(struct json_writer *json, struct app *app, struct served_model *model,
                         const struct input_request *input)
{
    double scores[SERVED_MODEL_MAX_FEATURES];
    struct prediction prediction = {0};
    json_begin_object(json);
    json_key(json, "predictions");
    json_begin_array(json);
    for (size_t i = 0; i < input->count; i++) {
        prediction = served_model_predict(model, input->rows[i].value, scores);
        json_begin_object(json);
        write_prediction(json, app, &input->rows[i], &prediction);
        json_end_object(json);
    }
    json_end_array(json);
    write_drift(json, model, &prediction, scores);
    json_end_object(json);
}

/* A client's mistake, or our lack of memory. */
static void answer_refused(struct http_response *response, int rc, const struct input_error *error)
{
    if (rc == -EINVAL)
        app_problem(response, error->status, error->detail);
    else
        app_out_of_memory(response);
}

void handle_predict(void *context, const struct http_request *request,
                    struct http_response *response)
{
    struct app *app = context;
    struct served_model *model = app_model(app, request, response);
    if (!model)
        return;
    struct input_request input;
    struct input_error error;
    int rc = input_predict_decode(request->body, request->body_bytes, served_model_schema(model),
                                  PREDICT_MAX_INSTANCES, &input, &error);
    if (rc < 0) {
        answer_refused(response, rc, &error);
        return;
    }
    struct buffer body;
    struct json_writer json;
    buffer_init(&body, 512 + 128 * input.count);
    json_init(&json, &body);
    if (input.batch)
        answer_batch(&json, app, model, &input);
    else
        answer_single(&json, app, model, &input.rows[0]);
    app_json(response, 200, &body);
    input_request_finish(&input);
}

/* --- /simulate/drift --- */

static bool query_severity(const struct http_request *request, double *severity)
{
    const char *text = http_request_query(request, "severity");
    return !text || app_decimal(text, severity);
}

static bool query_count(const struct http_request *request, uint64_t *count)
{
    const char *text = http_request_query(request, "n_requests");
    if (!text)
        return true;
    char *end;
    errno = 0;
    *count = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && !*end && errno == 0;
}

/* Marks one feature by name; false and a problem when the model has none such. */
static bool choose(const struct served_model *model, const char *name, unsigned char *chosen,
                   struct http_response *response)
{
    int feature = served_model_feature(model, name);
    if (feature >= 0) {
        chosen[feature] = 1;
        return true;
    }
    char detail[INPUT_ERROR_BYTES];
    snprintf(detail, sizeof(detail), "features: the model has no feature \"%s\"",
             excerpt(name).text);
    app_problem(response, 422, detail);
    return false;
}

static bool choose_from_query(const struct served_model *model, const char *list,
                              unsigned char *chosen, struct http_response *response)
{
    char copy[4096];
    if (strlen(list) >= sizeof(copy)) {
        app_problem(response, 422, "features: the list is too long for a query, use the body");
        return false;
    }
    if (list[strspn(list, ",")] == '\0') {
        app_problem(response, 422, "features: expected at least one name");
        return false;
    }
    memcpy(copy, list, strlen(list) + 1);
    char *state = NULL;
    for (char *name = strtok_r(copy, ",", &state); name; name = strtok_r(NULL, ",", &state))
        if (!choose(model, name, chosen, response))
            return false;
    return true;
}

/* Features from the query or the body into flags; *ret_chosen is NULL for the default. */
static bool chosen_features(const struct served_model *model, const struct http_request *request,
                            const struct input_simulation *simulation, unsigned char *flags,
                            const unsigned char **ret_chosen, struct http_response *response)
{
    const char *list = http_request_query(request, "features");
    memset(flags, 0, served_model_schema(model)->features);
    *ret_chosen = list || simulation->features ? flags : NULL;
    if (list)
        return choose_from_query(model, list, flags, response);
    for (size_t i = 0; i < simulation->feature_count; i++)
        if (!choose(model, simulation->features[i], flags, response))
            return false;
    return true;
}

/* The name of a parameter that is there twice, of which one would be ignored; or NULL. */
static const char *repeated_parameter(const struct http_request *request)
{
    static const char *const names[] = {"severity", "n_requests", "features", "kind"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (http_request_query_count(request, names[i]) > 1)
            return names[i];
    return NULL;
}

static const char *simulation_mistake(const struct http_request *request,
                                      struct input_simulation *simulation, enum drift_kind *kind)
{
    if (!query_severity(request, &simulation->severity) ||
        !(simulation->severity >= 0 && simulation->severity <= 1))
        return "severity must be a number from 0 to 1";
    simulation->severity = fabs(simulation->severity); /* of -0 */
    if (!query_count(request, &simulation->n_requests) || simulation->n_requests < 1 ||
        simulation->n_requests > SIMULATE_MAX_REQUESTS)
        return "n_requests must be a whole number from 1 to 100000";
    const char *word = http_request_query(request, "kind");
    if (drift_kind_parse(word ? word : simulation->kind, kind) < 0)
        return "kind must be \"mixed\", \"shifted\" or \"scaled\"";
    return NULL;
}

static void answer_simulation(const struct served_model *model,
                              const struct input_simulation *simulation,
                              struct http_response *response)
{
    struct buffer body;
    struct json_writer json;
    char severity[NUMBER_MAX_BYTES + 1], message[160];
    severity[number_format(simulation->severity, severity)] = '\0';
    snprintf(message, sizeof(message), "Sent %llu synthetic requests with drift severity %s",
             (unsigned long long)simulation->n_requests, severity);
    buffer_init(&body, 256);
    json_init(&json, &body);
    json_begin_object(&json);
    json_member_string(&json, "status", "drift_simulated");
    json_member_number(&json, "severity", simulation->severity);
    json_member_integer(&json, "n_requests", simulation->n_requests);
    json_member_string(&json, "message", message);
    json_member_string(&json, "model", served_model_name(model));
    json_end_object(&json);
    app_json(response, 200, &body);
}

static int run_simulation(struct app *app, struct served_model *model, enum drift_kind kind,
                          const struct input_simulation *simulation, const unsigned char *chosen)
{
    const bool alone = simulation->n_requests > SIMULATE_SHARED_REQUESTS;
    if (alone && atomic_exchange(&app->simulating, true))
        return -EBUSY;
    int rc =
        served_model_simulate(model, kind, simulation->severity, simulation->n_requests, chosen);
    if (alone)
        app->simulating = false;
    return rc;
}

static void simulate(struct app *app, struct served_model *model,
                     const struct http_request *request, struct input_simulation *simulation,
                     struct http_response *response)
{
    enum drift_kind kind;
    unsigned char flags[SERVED_MODEL_MAX_FEATURES];
    const unsigned char *chosen;
    const char *repeated = repeated_parameter(request);
    if (repeated) {
        char detail[80];
        snprintf(detail, sizeof(detail), "%s is given more than once", repeated);
        app_problem(response, 422, detail);
        return;
    }
    const char *mistake = simulation_mistake(request, simulation, &kind);
    if (mistake) {
        app_problem(response, 422, mistake);
        return;
    }
    if (!chosen_features(model, request, simulation, flags, &chosen, response))
        return;
    int rc = run_simulation(app, model, kind, simulation, chosen);
    if (rc == -EBUSY) {
        app_problem(response, 503, "another long simulation is running; try again in a second");
        http_response_header(response, "Retry-After", "1");
    } else if (rc < 0)
        app_problem(response, 503, "not enough memory for this simulation");
    else
        answer_simulation(model, simulation, response);
}

void handle_simulate(void *context, const struct http_request *request,
                     struct http_response *response)
{
    struct served_model *model = app_model(context, request, response);
    if (!model)
        return;
    if (!served_model_simulation_allowed(model)) {
        app_problem(response, 403,
                    "simulation is off for this model, since synthetic rows would stand in its "
                    "window beside real ones; set \"simulation: true\" in its configuration");
        return;
    }
    struct input_simulation simulation = {.severity = 0.5, .n_requests = 100, .kind = "mixed"};
    struct input_error error;
    int rc = input_simulation_decode(request->body, request->body_bytes, &simulation, &error);
    if (rc < 0) {
        answer_refused(response, rc, &error);
        return;
    }
    simulate(context, model, request, &simulation, response);
    input_simulation_finish(&simulation);
}
