/* answer.h - what handlers answer: problem documents and JSON. */
#ifndef SERVICE_ANSWER_H
#define SERVICE_ANSWER_H

#include "encode/buffer.h"
#include "encode/json_writer.h"
#include "http/http.h"
#include "json/input.h"

/* application/problem+json (RFC 9457); detail is one sentence. */
void answer_problem(struct http_response *response, unsigned status, const char *detail);
/* Its members, into an object that has more. */
void answer_problem_members(struct json_writer *json, unsigned status, const char *detail);
/* A body that was refused: the client's mistake with error (rc -EINVAL), or our lack of memory. */
void answer_refused(struct http_response *response, int rc, const struct input_error *error);
/* 503: the request could not get the memory it needs. */
void answer_out_of_memory(struct http_response *response);
/* The buffer's bytes as the answer's body; 503 if the buffer ran out of memory. Empties it. */
void answer_buffer(struct http_response *response, unsigned status, const char *content_type,
                   struct buffer *body);
void answer_json(struct http_response *response, unsigned status, struct buffer *body);

#endif
