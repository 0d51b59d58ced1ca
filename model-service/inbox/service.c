/* service.c - see inbox/service.h. A handler decodes, calls the store, encodes. */
#include "inbox/service.h"

#include "encode/json_writer.h"
#include "inbox/render.h"
#include "inbox/state.h"
#include "system/clock.h"
#include "system/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The longest text that Slack accepts is 40 000 characters, at most 240 kB of JSON. Four times that
 * leaves room for attachments and bounds what one request can make the process hold. */
#define MAX_BODY_BYTES (1u << 20)
/* Bytes of rendered messages kept, whatever the capacity: about a hundred of the largest. */
#define MAX_STORE_BYTES ((size_t)64 << 20)

static const struct http_limits limits = {
    .connections = 256,
    .connections_per_address = 0, /* every client is on this machine or in its network */
    .header_bytes = 16 * 1024,
    .idle_seconds = 60,
    .threads = 2,
};

struct rejection {
    unsigned status;
    const char *word;
};

static const struct rejection transport_rejections[] = {
    [REJECT_RATE_LIMITED - SLACK_REFUSALS] = {429, "rate_limited"},
    [REJECT_NO_SERVICE - SLACK_REFUSALS] = {404, "no_service"},
    [REJECT_METHOD - SLACK_REFUSALS] = {405, "method_not_allowed"},
    [REJECT_INTERNAL - SLACK_REFUSALS] = {500, "rollup_error"},
    [REJECT_OTHER - SLACK_REFUSALS] = {400, "other"},
};

static struct rejection rejection(unsigned reject)
{
    if (reject >= SLACK_REFUSALS)
        return transport_rejections[reject - SLACK_REFUSALS];
    return (struct rejection){400, slack_refusal_word((enum slack_refusal)reject)};
}

void slack_respond_text(struct http_response *response, unsigned status, const char *text)
{
    char *body = strdup(text);
    http_respond(response, status, "text/plain; charset=utf-8", body, body ? strlen(text) : 0);
}

void slack_respond_buffer(struct http_response *response, const char *content_type,
                          struct buffer *buffer)
{
    char *body;
    size_t bytes;
    int rc = buffer_take(buffer, &body, &bytes);
    buffer_finish(buffer);
    if (rc < 0) {
        slack_respond_text(response, 503, "out of memory\n");
        return;
    }
    http_respond(response, 200, content_type, body, bytes);
    response->compressible = true;
    http_response_header(response, "Cache-Control", "no-store");
}

const char *slack_rejection_word(unsigned reject)
{
    return rejection(reject).word;
}

static void reject(struct slack_service *service, unsigned reason, struct http_response *response)
{
    struct rejection answer = rejection(reason);
    atomic_fetch_add(&service->rejected[reason], 1);
    slack_respond_text(response, answer.status, answer.word);
}

/* Takes one token from the bucket. It gets `rate` tokens per second and holds at most `rate`. */
static bool within_rate(struct slack_service *service)
{
    if (service->rate == 0)
        return true;
    pthread_mutex_lock(&service->mu);
    double now = clock_monotonic_seconds();
    service->tokens += (now - service->refilled) * service->rate;
    service->refilled = now;
    if (service->tokens > service->rate)
        service->tokens = service->rate;
    bool granted = service->tokens >= 1;
    service->tokens -= granted;
    pthread_mutex_unlock(&service->mu);
    return granted;
}

/* Renders and keeps the message. 0 or -ENOMEM. */
static int keep(struct slack_service *service, const struct slack_payload *payload,
                uint64_t *ret_id)
{
    struct buffer html, json;
    char *html_text = NULL, *json_text = NULL;
    size_t html_bytes, json_bytes;
    int64_t now = clock_wall_ms() / 1000;
    buffer_init(&html, 4096);
    buffer_init(&json, payload->json_bytes + 1024);
    slack_render_html(&html, payload, now, atomic_fetch_add(&service->serial, 1));
    slack_render_json(&json, payload, now);
    int rc = buffer_take(&html, &html_text, &html_bytes);
    if (rc == 0)
        rc = buffer_take(&json, &json_text, &json_bytes);
    buffer_finish(&html);
    buffer_finish(&json);
    if (rc < 0) {
        free(html_text);
        return rc;
    }
    return slack_store_add(service->store, html_text, html_bytes, json_text, json_bytes, ret_id);
}

static void handle_webhook(void *context, const struct http_request *request,
                           struct http_response *response)
{
    struct slack_service *service = context;
    struct slack_payload payload;
    enum slack_refusal refusal;
    uint64_t id = 0;
    if (!within_rate(service)) {
        http_response_header(response, "Retry-After", "1");
        reject(service, REJECT_RATE_LIMITED, response);
        return;
    }
    int rc = slack_payload_decode(request->body, request->body_bytes, &payload, &refusal);
    if (rc == 0) {
        rc = keep(service, &payload, &id);
        if (rc == 0)
            log_info("message %" PRIu64 " from %s: %zu attachments", id,
                     *payload.username != '\0' ? payload.username : "a webhook",
                     payload.attachment_count);
        slack_payload_finish(&payload);
    }
    if (rc == 0) {
        /* The whole body must be this word: Alertmanager 0.26 and later compare it. */
        slack_respond_text(response, 200, "ok");
    } else if (rc == -EINVAL) {
        log_warning("message refused: %s: %s", slack_refusal_word(refusal),
                    slack_refusal_reason(refusal));
        reject(service, refusal, response);
    } else {
        reject(service, REJECT_INTERNAL, response);
    }
}

static void handle_wrong_webhook(void *context, const struct http_request *request,
                                 struct http_response *response)
{
    (void)request;
    reject(context, REJECT_NO_SERVICE, response);
}

static void handle_clear(void *context, const struct http_request *request,
                         struct http_response *response)
{
    (void)request;
    struct slack_service *service = context;
    struct buffer out;
    struct json_writer json;
    buffer_init(&out, 64);
    json_init(&json, &out);
    json_begin_object(&json);
    json_member_integer(&json, "cleared", slack_store_clear(service->store));
    json_end_object(&json);
    slack_respond_buffer(response, "application/json", &out);
}

static void handle_health(void *context, const struct http_request *request,
                          struct http_response *response)
{
    (void)context, (void)request;
    struct buffer out;
    struct json_writer json;
    char now[SLACK_TIME_BYTES];
    slack_time_iso(clock_wall_ms() / 1000, now);
    buffer_init(&out, 128);
    json_init(&json, &out);
    json_begin_object(&json);
    json_member_string(&json, "status", "healthy");
    json_member_string(&json, "timestamp", now);
    json_end_object(&json);
    slack_respond_buffer(response, "application/json", &out);
}

/* A refusal by the HTTP server, in Slack's words where Slack has one. */
static void render_error(void *context, unsigned status, const char *detail,
                         struct http_response *response)
{
    static const struct {
        unsigned status, reason;
    } known[] = {
        {404, REJECT_NO_SERVICE},
        {405, REJECT_METHOD},
        {413, SLACK_MSG_TOO_LONG},
        {500, REJECT_INTERNAL},
    };
    struct slack_service *service = context;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].status == status) {
            atomic_fetch_add(&service->rejected[known[i].reason], 1);
            slack_respond_text(response, status, rejection(known[i].reason).word);
            return;
        }
    }
    atomic_fetch_add(&service->rejected[REJECT_OTHER], 1);
    slack_respond_text(response, status, detail);
}

static const struct http_route routes[] = {
    {"POST", "/slack", HTTP_BODY_JSON, MAX_BODY_BYTES, handle_webhook, HTTP_ROLE_WRITE,
     HTTP_LANE_USUAL},
    {"POST", "/slack/{rest}", HTTP_BODY_ANY, MAX_BODY_BYTES, handle_wrong_webhook, HTTP_ROLE_WRITE,
     HTTP_LANE_USUAL},
    {"GET", "/", HTTP_BODY_NONE, 0, slack_handle_page, HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"GET", "/inbox.css", HTTP_BODY_NONE, 0, slack_handle_asset, HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"GET", "/inbox.js", HTTP_BODY_NONE, 0, slack_handle_asset, HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"GET", "/inbox.svg", HTTP_BODY_NONE, 0, slack_handle_asset, HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"GET", "/news", HTTP_BODY_NONE, 0, slack_handle_news, HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"GET", "/messages", HTTP_BODY_NONE, 0, slack_handle_messages, HTTP_ROLE_READ, HTTP_LANE_USUAL},
    {"POST", "/messages/clear", HTTP_BODY_OPTIONAL, 1024, handle_clear, HTTP_ROLE_ADMIN,
     HTTP_LANE_USUAL},
    {"GET", "/health", HTTP_BODY_NONE, 0, handle_health, HTTP_ROLE_NONE, HTTP_LANE_PROBE},
    {"GET", "/metrics", HTTP_BODY_NONE, 0, slack_handle_metrics, HTTP_ROLE_READ, HTTP_LANE_SCRAPE},
};

static int start_server(struct slack_service *service, const struct slack_service_config *settings)
{
    struct http_server_config config = {
        .listen = settings->listen,
        .routes = routes,
        .route_count = sizeof(routes) / sizeof(routes[0]),
        .context = service,
        .allowed_hosts = settings->allowed_hosts,
        .tokens = settings->tokens,
        .limits = limits,
        .render_error = render_error,
    };
    return http_server_start(&config, &service->server);
}

int slack_service_start(const struct slack_service_config *config,
                        struct slack_service **ret_service)
{
    struct slack_service *service = calloc(1, sizeof(*service));
    if (!service)
        return -ENOMEM;
    pthread_mutex_init(&service->mu, NULL);
    service->rate = config->rate;
    service->tokens = config->rate;
    service->refilled = clock_monotonic_seconds();
    service->store =
        slack_store_create(config->capacity, MAX_STORE_BYTES, (uint64_t)clock_wall_ms());
    int rc = service->store ? start_server(service, config) : -ENOMEM;
    if (rc < 0) {
        slack_service_stop(service);
        return rc;
    }
    *ret_service = service;
    return 0;
}

const char *slack_service_address(const struct slack_service *service)
{
    return http_server_address(service->server);
}

void slack_service_stop(struct slack_service *service)
{
    if (!service)
        return;
    /* No answer takes longer than this; a client that reads more slowly is cut off. */
    http_server_stop(service->server, 2000);
    slack_store_destroy(service->store);
    pthread_mutex_destroy(&service->mu);
    free(service);
}
