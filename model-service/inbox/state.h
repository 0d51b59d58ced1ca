/* state.h - what the inbox's handlers share: inbox/service.c (writing, life cycle) and
 * inbox/readers.c. Nothing else includes it. */
#ifndef INBOX_STATE_H
#define INBOX_STATE_H

#include "encode/buffer.h"
#include "http/http.h"
#include "inbox/message.h"
#include "inbox/payload.h"

#include <pthread.h>
#include <stdatomic.h>

/* Why a request is refused: Slack's reasons, then those of HTTP. */
enum {
    REJECT_RATE_LIMITED = SLACK_REFUSALS,
    REJECT_NO_SERVICE,
    REJECT_METHOD,
    REJECT_INTERNAL,
    REJECT_OTHER,
    REJECTS,
};

struct slack_service {
    struct http_server *server;
    struct slack_store *store;
    unsigned rate;
    atomic_uint_fast64_t serial;
    atomic_uint_fast64_t rejected[REJECTS];
    pthread_mutex_t mu;
    /* guarded by mu */
    double tokens;   /* messages that may come now, at most rate */
    double refilled; /* monotonic seconds */
};

/* The word a request was refused with. */
const char *slack_rejection_word(unsigned reject);
void slack_respond_text(struct http_response *response, unsigned status, const char *text);
/* 200 with the buffer's content, which is taken; 503 if the buffer has failed. */
void slack_respond_buffer(struct http_response *response, const char *content_type,
                          struct buffer *buffer);

void slack_handle_messages(void *context, const struct http_request *request,
                           struct http_response *response);
void slack_handle_page(void *context, const struct http_request *request,
                       struct http_response *response);
void slack_handle_news(void *context, const struct http_request *request,
                       struct http_response *response);
void slack_handle_asset(void *context, const struct http_request *request,
                        struct http_response *response);
void slack_handle_metrics(void *context, const struct http_request *request,
                          struct http_response *response);

#endif
