/* answer.c - what handlers share: problem documents, JSON answers, time stamps. */
#include "app.h"

#include "encode/buffer.h"
#include "encode/json_writer.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *status_title(unsigned status)
{
    static const struct {
        unsigned status;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

void app_buffer(struct http_response *response, unsigned status, const char *content_type,
                struct buffer *body)
{
    char *data = NULL;
    size_t length = 0;
    if (buffer_take(body, &data, &length) == 0) {
        http_respond(response, status, content_type, data, length);
        return;
    }
    buffer_finish(body);
    http_respond(response, 500, "application/problem+json", NULL, 0);
}

void app_json(struct http_response *response, unsigned status, struct buffer *body)
{
    app_buffer(response, status, "application/json", body);
}

void app_problem(struct http_response *response, unsigned status, const char *detail)
{
    struct buffer body;
    struct json_writer json;
    buffer_init(&body, 256);
    json_init(&json, &body);
    json_begin_object(&json);
    json_member_string(&json, "type", "about:blank");
    json_member_string(&json, "title", status_title(status));
    json_member_integer(&json, "status", status);
    json_member_string(&json, "detail", detail);
    json_end_object(&json);
    app_buffer(response, status, "application/problem+json", &body);
}

bool app_decimal(const char *text, double *ret_value)
{
    char *end;
    if (!*text || strspn(text, "+-.0123456789eE") != strlen(text))
        return false;
    const double value = strtod(text, &end);
    if (*end || !isfinite(value))
        return false;
    *ret_value = value;
    return true;
}

void app_out_of_memory(struct http_response *response)
{
    app_problem(response, 503, "not enough memory for this request");
}

int64_t app_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void app_timestamp(int64_t ms, char out[APP_TIMESTAMP_BYTES])
{
    const time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t length = strftime(out, APP_TIMESTAMP_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + length, APP_TIMESTAMP_BYTES - length, ".%03dZ", (int)(ms % 1000));
}

void app_refused(struct http_response *response, int rc, const struct input_error *error)
{
    if (rc == -EINVAL)
        app_problem(response, error->status, error->detail);
    else
        app_out_of_memory(response);
}
