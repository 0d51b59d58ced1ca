/* service.h - the inbox's routes and the state behind them. */
#ifndef INBOX_SERVICE_H
#define INBOX_SERVICE_H

#include "text/nodiscard.h"

#include "http/http.h"

#include <stddef.h>

struct slack_service_config {
    const char *listen; /* as http_server_config.listen */
    const struct http_tokens *tokens;
    const char *allowed_hosts; /* as http_server_config.allowed_hosts */
    size_t capacity;           /* messages kept, >= 1 */
    unsigned rate;             /* messages accepted per second, then 429; 0: any number */
};

struct slack_service;

/* 0, or as http_server_start; *ret_service is written only on 0. */
NODISCARD int slack_service_start(const struct slack_service_config *config,
                                  struct slack_service **ret_service);
/* "127.0.0.1:9095" as bound. */
const char *slack_service_address(const struct slack_service *service);
/* Lets requests in flight finish, frees. NULL is fine. */
void slack_service_stop(struct slack_service *service);

#endif
