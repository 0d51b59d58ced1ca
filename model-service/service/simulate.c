/* simulate.c - POST /simulate/drift. */
#include "service/answer.h"
#include "service/handlers.h"
#include "service/service.h"

#include "encode/buffer.h"
#include "encode/json_writer.h"
#include "text/decimal.h"
#include "text/excerpt.h"
#include "text/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool query_severity(const struct http_request *request, double *severity)
{
    const char *text = http_request_query(request, "severity");
    return !text || decimal_number(text, strlen(text), severity) == 0;
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
    answer_problem(response, 422, detail);
    return false;
}

static bool choose_from_query(const struct served_model *model, const char *list,
                              unsigned char *chosen, struct http_response *response)
{
    char copy[4096];
    if (strlen(list) >= sizeof(copy)) {
        answer_problem(response, 422, "features: the list is too long for a query, use the body");
        return false;
    }
    if (list[strspn(list, ",")] == '\0') {
        answer_problem(response, 422, "features: expected at least one name");
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

/* A parameter that would be ignored, since it is unknown or one of two; 0 or -EINVAL. */
static int check_parameters(const struct http_request *request, struct error *error)
{
    static const char *const names[] = {"severity", "n_requests", "features", "kind"};
    const size_t count = sizeof(names) / sizeof(names[0]);
    for (size_t i = 0; i < count; i++)
        if (http_request_query_count(request, names[i]) > 1)
            return error_set(error, -EINVAL, "%s is given more than once", names[i]);
    const char *unknown = http_request_query_unknown(request, names, count);
    if (!unknown)
        return 0;
    return error_set(error, -EINVAL,
                     "unknown parameter \"%s\"; known are severity, n_requests, features, kind",
                     excerpt(unknown).text);
}

/* What a simulation does: drift of the data, or of what the labels say about them. */
struct simulated_change {
    bool concept;
    enum drift_kind kind; /* of the data */
};

static int change_parse(const char *word, struct simulated_change *change)
{
    change->concept = strcmp(word, "concept") == 0;
    return change->concept ? 0 : drift_kind_parse(word, &change->kind);
}

static int read_severity(const struct http_request *request, struct input_simulation *simulation,
                         struct error *error)
{
    if (query_severity(request, &simulation->severity) && simulation->severity >= 0 &&
        simulation->severity <= 1) {
        simulation->severity = fabs(simulation->severity); /* of -0 */
        return 0;
    }
    /* the body's has been checked */
    return error_set(error, -EINVAL, "severity must be a number from 0 to 1, got \"%s\"",
                     excerpt(http_request_query(request, "severity")).text);
}

static int read_count(const struct http_request *request, struct input_simulation *simulation,
                      struct error *error)
{
    char digits[NUMBER_MAX_BYTES + 1];
    if (query_count(request, &simulation->n_requests) && simulation->n_requests >= 1 &&
        simulation->n_requests <= SIMULATE_MAX_REQUESTS)
        return 0;
    digits[number_format((double)simulation->n_requests, digits)] = '\0';
    const char *text = http_request_query(request, "n_requests");
    return error_set(error, -EINVAL, "n_requests must be a whole number from 1 to %llu, got \"%s\"",
                     (unsigned long long)SIMULATE_MAX_REQUESTS, excerpt(text ? text : digits).text);
}

static int read_change(const struct http_request *request,
                       const struct input_simulation *simulation, struct simulated_change *change,
                       struct error *error)
{
    const char *word = http_request_query(request, "kind");
    word = word ? word : simulation->kind;
    if (change_parse(word, change) < 0)
        return error_set(
            error, -EINVAL,
            "kind must be \"mixed\", \"shifted\", \"scaled\" or \"concept\", got \"%s\"",
            excerpt(word).text);
    if (change->concept && (http_request_query(request, "features") || simulation->features))
        return error_set(
            error, -EINVAL,
            "features do not go with the kind \"concept\", which leaves them as they are");
    return 0;
}

/* What is asked for, from the query and, where that says nothing, from the body. */
static int read_request(const struct http_request *request, struct input_simulation *simulation,
                        struct simulated_change *change, struct error *error)
{
    int rc = check_parameters(request, error);
    if (rc == 0)
        rc = read_severity(request, simulation, error);
    if (rc == 0)
        rc = read_count(request, simulation, error);
    return rc < 0 ? rc : read_change(request, simulation, change, error);
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
    answer_json(response, 200, &body);
}

static int run_simulation(struct service *service, struct served_model *model,
                          const struct simulated_change *change,
                          const struct input_simulation *simulation, const unsigned char *chosen)
{
    const bool alone = simulation->n_requests > SIMULATE_SHARED_REQUESTS;
    if (alone && atomic_exchange(&service->simulating, true))
        return -EBUSY;
    const uint64_t count = simulation->n_requests;
    int rc = change->concept
                 ? served_model_simulate_concept(model, simulation->severity, count)
                 : served_model_simulate(model, change->kind, simulation->severity, count, chosen);
    if (alone)
        service->simulating = false;
    return rc;
}

static void simulate(struct service *service, struct served_model *model,
                     const struct http_request *request, struct input_simulation *simulation,
                     struct http_response *response)
{
    struct simulated_change change;
    unsigned char flags[SERVED_MODEL_MAX_FEATURES];
    const unsigned char *chosen;
    struct error mistake;
    if (read_request(request, simulation, &change, &mistake) < 0) {
        answer_problem(response, 422, mistake.text);
        return;
    }
    if (!chosen_features(model, request, simulation, flags, &chosen, response))
        return;
    int rc = run_simulation(service, model, &change, simulation, chosen);
    if (rc == -EBUSY)
        answer_problem(response, 503, "another long simulation is running; try again in a second");
    else if (rc < 0)
        answer_problem(response, 503, "not enough memory for this simulation");
    else
        answer_simulation(model, simulation, response);
}

static void simulate_body(struct service *service, struct served_model *model,
                          const struct http_request *request, struct http_response *response)
{
    struct input_simulation simulation = {.severity = 0.5, .n_requests = 100, .kind = "mixed"};
    struct input_error error;
    int rc = input_simulation_decode(request->body, request->body_bytes, &simulation, &error);
    if (rc < 0) {
        answer_refused(response, rc, &error);
        return;
    }
    simulate(service, model, request, &simulation, response);
    input_simulation_finish(&simulation);
}

void handle_simulate(void *context, const struct http_request *request,
                     struct http_response *response)
{
    struct served_model *model = service_model(context, request, response);
    if (!model)
        return;
    if (served_model_simulation_allowed(model))
        simulate_body(context, model, request, response);
    else
        answer_problem(response, 403,
                       "simulation is off for this model, since synthetic rows would stand in its "
                       "window beside real ones; set \"simulation: true\" in its configuration");
    served_model_release(model);
}
