/* alerts.c - GET /alerts: what fires and what becomes of it; POST /alerts/silences and
 * /alerts/silences/{silence}/expire, which Alertmanager does. */
#include "service/answer.h"
#include "service/handlers.h"
#include "service/service.h"

#include "alerts/watch.h"
#include "encode/json_writer.h"
#include "system/clock.h"
#include "json/silence.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* For a silence: somebody waits for it. */
#define SEND_MS    3000
#define SEND_BYTES (64u << 10)

int service_watch_alerts(struct service *service, const char *prometheus, const char *alertmanager,
                         const char *inbox, struct error *error)
{
    const struct alert_addresses addresses = {prometheus, alertmanager, inbox};
    return alert_watch_start(&addresses, json_text_is_valid, &service->alerts, error);
}

void service_unwatch_alerts(struct service *service)
{
    alert_watch_stop(service->alerts);
}

void handle_alerts(void *context, const struct http_request *request,
                   struct http_response *response)
{
    struct service *service = context;
    struct buffer body;
    struct json_writer json;
    (void)request;
    buffer_init(&body, 1 << 14);
    json_init(&json, &body);
    json_begin_object(&json);
    alert_watch_write(service->alerts, &json);
    json_end_object(&json);
    response->compressible = true;
    answer_json(response, 200, &body);
}

/* Alertmanager's own answer, or why there is none. */
static void answer_sent(struct http_response *response, int rc, unsigned status,
                        struct buffer *body)
{
    char detail[256];
    if (rc == 0 && status == 200) {
        if (body->length == 0)
            buffer_append_text(body, "{}");
        answer_json(response, 200, body);
        return;
    }
    if (rc == -ENOTSUP)
        answer_problem(response, 404, "the service was started without --alertmanager");
    else if (rc == -EBUSY)
        answer_problem(response, 503, "another silence is being sent");
    else if (rc < 0) {
        snprintf(detail, sizeof(detail), "Alertmanager cannot be asked: %s", remote_error(rc));
        answer_problem(response, 502, detail);
    } else {
        snprintf(detail, sizeof(detail), "Alertmanager refuses it with status %u: %.*s", status,
                 body->length < 120 ? (int)body->length : 120, body->data ? body->data : "");
        answer_problem(response, 502, detail);
    }
    buffer_finish(body);
}

void handle_silence(void *context, const struct http_request *request,
                    struct http_response *response)
{
    struct service *service = context;
    struct buffer alerts, silence, body;
    struct input_error error = {0};
    unsigned status = 0;
    buffer_init(&alerts, 1 << 14);
    buffer_init(&silence, 1024);
    buffer_init(&body, 1024);
    (void)alert_watch_says(service->alerts, ALERT_SOURCE_ALERTS, &alerts);
    int rc =
        service->alerts
            ? silence_of_body(request->body, request->body_bytes, alerts.data ? alerts.data : "[]",
                              alerts.data ? alerts.length : 2, clock_wall_ms(), &silence, &error)
            : -ENOTSUP;
    if (rc == -EINVAL || rc == -ENOMEM) {
        answer_refused(response, rc, &error);
        buffer_finish(&body);
    } else {
        if (rc == 0)
            rc = alert_watch_send(service->alerts,
                                  &(struct remote_request){.method = "POST",
                                                           .path = "/api/v2/silences",
                                                           .body = silence.data,
                                                           .body_bytes = silence.length,
                                                           .timeout_ms = SEND_MS,
                                                           .most_bytes = SEND_BYTES},
                                  &status, &body);
        answer_sent(response, rc, status, &body);
    }
    buffer_finish(&alerts);
    buffer_finish(&silence);
}

/* A UUID, so that nothing else gets into the path. */
static bool is_silence_id(const char *id)
{
    return strlen(id) == 36 && strspn(id, "0123456789abcdef-") == 36;
}

void handle_expire_silence(void *context, const struct http_request *request,
                           struct http_response *response)
{
    struct service *service = context;
    struct buffer body;
    unsigned status = 0;
    char path[64];
    if (!is_silence_id(request->param)) {
        answer_problem(response, 404, "that is not the id of a silence");
        return;
    }
    buffer_init(&body, 1024);
    snprintf(path, sizeof(path), "/api/v2/silence/%s", request->param);
    const int rc = alert_watch_send(
        service->alerts,
        &(struct remote_request){
            .method = "DELETE", .path = path, .timeout_ms = SEND_MS, .most_bytes = SEND_BYTES},
        &status, &body);
    answer_sent(response, rc, status, &body);
}
