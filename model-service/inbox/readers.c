/* readers.c - the inbox's handlers that only read: the page, the messages, the metrics. */
#include "encode/exposition.h"
#include "encode/json_writer.h"
#include "inbox/page.h"
#include "inbox/state.h"

#include <errno.h>
#include <stdlib.h>

/* Messages on the page; older ones are in GET /messages. */
#define MAX_PAGE_MESSAGES 200

/* ?since=ID, 0 when absent. */
static bool read_since(const struct http_request *request, uint64_t *ret_since)
{
    const char *text = http_request_query(request, "since");
    char *end;
    *ret_since = 0;
    if (!text)
        return true;
    errno = 0;
    *ret_since = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

/* Takes the snapshot that a request asks for. False if it has been answered instead. */
static bool take_snapshot(struct slack_service *service, const struct http_request *request,
                          size_t max, struct slack_snapshot *snapshot,
                          struct http_response *response)
{
    uint64_t since;
    if (!read_since(request, &since)) {
        slack_respond_text(response, 400, "since must be the id of a message\n");
        return false;
    }
    if (slack_store_snapshot(service->store, since, max, snapshot) < 0) {
        slack_respond_text(response, 503, "out of memory\n");
        return false;
    }
    return true;
}

/* The message's object with its id put first. */
static void put_message(struct json_writer *json, const struct slack_message *message)
{
    json_begin_object(json);
    json_member_integer(json, "id", message->id);
    json_end_object(json);
    /* Joins {"id":1} and {"received_at":...}: the two inner braces become a comma. */
    if (json->out->error == 0)
        json->out->data[json->out->length - 1] = ',';
    buffer_append(json->out, message->json + 1, message->json_bytes - 1);
}

void slack_handle_messages(void *context, const struct http_request *request,
                           struct http_response *response)
{
    struct slack_service *service = context;
    struct slack_snapshot snapshot;
    struct buffer out;
    struct json_writer json;
    if (!take_snapshot(service, request, SIZE_MAX, &snapshot, response))
        return;
    buffer_init(&out, 16 * 1024);
    json_init(&json, &out);
    json_begin_object(&json);
    json_key(&json, "messages");
    json_begin_array(&json);
    for (size_t i = 0; i < snapshot.count; i++)
        put_message(&json, snapshot.messages[i]);
    json_end_array(&json);
    json_member_integer(&json, "total", snapshot.total);
    json_member_integer(&json, "dropped", snapshot.dropped);
    json_end_object(&json);
    slack_snapshot_finish(&snapshot);
    slack_respond_buffer(response, "application/json", &out);
}

void slack_handle_page(void *context, const struct http_request *request,
                       struct http_response *response)
{
    struct slack_service *service = context;
    struct slack_snapshot snapshot;
    struct buffer out;
    if (slack_store_snapshot(service->store, 0, MAX_PAGE_MESSAGES, &snapshot) < 0) {
        slack_respond_text(response, 503, "out of memory\n");
        return;
    }
    buffer_init(&out, 16 * 1024);
    slack_page_render(&out, &snapshot, http_request_header(request, "Host"));
    slack_snapshot_finish(&snapshot);
    slack_respond_buffer(response, "text/html; charset=utf-8", &out);
    http_response_header(response, "Content-Security-Policy", SLACK_PAGE_POLICY);
    http_response_header(response, "Referrer-Policy", "no-referrer");
}

/* The page asks for this every other second: the messages that it does not have, as HTML. */
void slack_handle_news(void *context, const struct http_request *request,
                       struct http_response *response)
{
    struct slack_service *service = context;
    struct slack_snapshot snapshot;
    struct buffer out;
    if (!take_snapshot(service, request, MAX_PAGE_MESSAGES, &snapshot, response))
        return;
    buffer_init(&out, 1024);
    slack_page_render_news(&out, &snapshot);
    slack_snapshot_finish(&snapshot);
    slack_respond_buffer(response, "application/json", &out);
}

void slack_handle_asset(void *context, const struct http_request *request,
                        struct http_response *response)
{
    (void)context;
    struct buffer out;
    buffer_init(&out, 0);
    const char *content_type = slack_page_asset(&out, request->path);
    if (!content_type) {
        buffer_finish(&out);
        return;
    }
    slack_respond_buffer(response, content_type, &out);
}

static const struct metric_family families[] = {
    {"slack_inbox_messages_total", METRIC_COUNTER, "", "Messages accepted."},
    {"slack_inbox_dropped_messages_total", METRIC_COUNTER, "",
     "Accepted messages dropped because newer ones took their place."},
    {"slack_inbox_kept_messages", METRIC_GAUGE, "", "Messages that can be read now."},
    {"slack_inbox_rejected_total", METRIC_COUNTER, "",
     "Requests refused, by the word of the answer."},
};

void slack_handle_metrics(void *context, const struct http_request *request,
                          struct http_response *response)
{
    struct slack_service *service = context;
    struct slack_snapshot snapshot;
    struct exposition exposition;
    struct buffer out;
    if (slack_store_snapshot(service->store, UINT64_MAX, 0, &snapshot) < 0) {
        slack_respond_text(response, 503, "out of memory\n");
        return;
    }
    enum exposition_format format = exposition_negotiate(http_request_header(request, "Accept"));
    buffer_init(&out, 4096);
    exposition_init(&exposition, &out, format);
    const double values[] = {(double)snapshot.total, (double)snapshot.dropped,
                             (double)snapshot.kept};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        exposition_family(&exposition, &families[i]);
        exposition_sample(&exposition, NULL, 0, values[i]);
    }
    slack_snapshot_finish(&snapshot);
    exposition_family(&exposition, &families[3]);
    for (unsigned i = 0; i < REJECTS; i++) {
        struct metric_label label = {"reason", slack_rejection_word(i)};
        exposition_sample(&exposition, &label, 1, (double)atomic_load(&service->rejected[i]));
    }
    exposition_finish(&exposition);
    slack_respond_buffer(response, exposition_content_type(format), &out);
    http_response_header(response, "Vary", "Accept");
}
