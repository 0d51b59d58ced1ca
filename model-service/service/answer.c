/* answer.c - see the header. */
#include "service/answer.h"

#include "encode/buffer.h"

#include <errno.h>

void answer_buffer(struct http_response *response, unsigned status, const char *content_type,
                   struct buffer *body)
{
    char *data = NULL;
    size_t length = 0;
    if (buffer_take(body, &data, &length) == 0) {
        http_respond(response, status, content_type, data, length);
        return;
    }
    buffer_finish(body);
    if (status != 503)
        answer_out_of_memory(response);
    else /* not even for that */
        http_respond(response, 503, "application/problem+json", NULL, 0);
}

void answer_json(struct http_response *response, unsigned status, struct buffer *body)
{
    answer_buffer(response, status, "application/json", body);
}

void answer_problem_members(struct json_writer *json, unsigned status, const char *detail)
{
    json_member_string(json, "type", "about:blank");
    json_member_string(json, "title", http_status_phrase(status));
    json_member_integer(json, "status", status);
    json_member_string(json, "detail", detail);
}

void answer_problem(struct http_response *response, unsigned status, const char *detail)
{
    struct buffer body;
    struct json_writer json;
    buffer_init(&body, 256);
    json_init(&json, &body);
    json_begin_object(&json);
    answer_problem_members(&json, status, detail);
    json_end_object(&json);
    answer_buffer(response, status, "application/problem+json", &body);
}

void answer_out_of_memory(struct http_response *response)
{
    answer_problem(response, 503, "not enough memory for this request");
}

void answer_refused(struct http_response *response, int rc, const struct input_error *error)
{
    if (rc == -EINVAL)
        answer_problem(response, error->status, error->detail);
    else
        answer_out_of_memory(response);
}
