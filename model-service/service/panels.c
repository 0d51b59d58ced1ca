/* panels.c - GET /models/{model}/panels: what the overview draws over the last hour: predictions by
 * class, their latency, and the features that are strongest now. */
#include "service/answer.h"
#include "service/handlers.h"
#include "service/series_json.h"
#include "service/service.h"

#include "encode/json_writer.h"
#include "report/report.h"
#include "served/history.h"
#include "served/measures.h"
#include "served/traffic.h"
#include "system/clock.h"

#include <stdlib.h>

/* More lines in one drawing cannot be told apart. */
#define PANEL_FEATURES 6

/* Scratch of a request. */
struct panels {
    struct history_point points[HISTORY_FINE];
    struct history_facts facts[HISTORY_FINE];
    struct traffic_interval intervals[HISTORY_FINE];
};

/* --- traffic --- */

/* The first classes by name, the others together. */
static size_t write_classes(struct json_writer *json, const struct served_model *model)
{
    const char *name;
    uint64_t count, total = 0;
    size_t classes = 0;
    json_key(json, "classes");
    json_begin_array(json);
    for (; (name = served_model_prediction_label(model, classes, &count)); classes++) {
        total += count;
        if (classes < TRAFFIC_CLASSES)
            json_string(json, classes == TRAFFIC_CLASSES - 1 ? "others" : name);
    }
    json_end_array(json);
    json_member_integer(json, "predictions", total);
    return classes < TRAFFIC_CLASSES ? classes : TRAFFIC_CLASSES;
}

/* Milliseconds, a rate for each class, three quantiles of the latency. */
static void write_interval(struct json_writer *json, const struct traffic_interval *interval,
                           size_t classes)
{
    json_begin_array(json);
    json_integer(json, (uint64_t)clock_wall_of(interval->ms));
    for (size_t c = 0; c < classes; c++)
        json_number(json, brief_number(interval->rate[c]));
    json_number(json, brief_number(interval->p50));
    json_number(json, brief_number(interval->p95));
    json_number(json, brief_number(interval->p99));
    json_end_array(json);
}

static void write_traffic(struct json_writer *json, struct served_model *model,
                          struct panels *panels)
{
    const size_t classes = write_classes(json, model);
    const size_t count = served_model_traffic(model, panels->intervals);
    json_key(json, "traffic");
    json_begin_array(json);
    for (size_t i = 1; i < count; i++) /* the first one has nothing to be a rate from */
        write_interval(json, &panels->intervals[i], classes);
    json_end_array(json);
}

/* --- features --- */

static void write_facts(struct json_writer *json, const struct history_facts *facts, size_t count)
{
    json_key(json, "facts");
    json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        json_begin_array(json);
        json_integer(json, (uint64_t)clock_wall_of(facts[i].ms));
        json_number(json, brief_number(facts[i].mean));
        json_number(json, brief_number(facts[i].deviation));
        json_number(json, brief_number(facts[i].psi));
        json_end_array(json);
    }
    json_end_array(json);
}

static void write_feature(struct json_writer *json, struct served_model *model,
                          const struct detector_feature_report *feature, size_t index,
                          struct panels *panels)
{
    json_begin_object(json);
    json_member_string(json, "feature", feature->name);
    json_member_string(json, "type", feature->type == FEATURE_NUMERIC ? "numeric" : "categorical");
    json_member_number(json, "reference_mean", feature->reference_mean);
    json_member_number(json, "reference_deviation", feature->reference_deviation);
    json_member_number(json, "threshold", feature->threshold[SEVERITY_WARNING]);
    json_key(json, "strengths");
    write_points(json, panels->points, served_model_history(model, index, false, panels->points));
    write_facts(json, panels->facts, served_model_facts(model, index, panels->facts));
    json_end_object(json);
}

static void write_panels(struct json_writer *json, struct served_model *model,
                         const struct detector_report *report, const size_t *order,
                         struct panels *panels)
{
    json_begin_object(json);
    json_member_string(json, "model", served_model_name(model));
    json_member_integer(json, "seconds", HISTORY_FINE_MS / 1000);
    json_member_boolean(json, "simulation", served_model_simulation_allowed(model));
    write_traffic(json, model, panels);
    json_key(json, "features");
    json_begin_array(json);
    for (size_t i = 0; i < report->feature_count && i < PANEL_FEATURES; i++)
        write_feature(json, model, &report->features[order[i]], order[i], panels);
    json_end_array(json);
    json_end_object(json);
}

void handle_panels(void *context, const struct http_request *request,
                   struct http_response *response)
{
    struct served_model *model = service_model(context, request, response);
    if (!model)
        return;
    struct detector_report report = {.features = NULL};
    struct panels *panels = calloc(1, sizeof(*panels));
    size_t *order = calloc(SERVED_MODEL_MAX_ROW, sizeof(*order));
    if (panels && order && served_model_report(model, &report) == 0) {
        struct buffer body;
        struct json_writer json;
        report_order(&report, order);
        buffer_init(&body, 1 << 16);
        json_init(&json, &body);
        write_panels(&json, model, &report, order, panels);
        response->compressible = true;
        answer_json(response, 200, &body);
    } else {
        answer_out_of_memory(response);
    }
    free(report.features);
    free(panels);
    free(order);
    served_model_release(model);
}
