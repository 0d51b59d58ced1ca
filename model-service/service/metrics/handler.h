/* handler.h - GET /metrics. */
#ifndef SERVICE_METRICS_HANDLER_H
#define SERVICE_METRICS_HANDLER_H

#include "service/service.h"

/* context: the struct service. */
void handle_metrics(void *context, const struct http_request *request,
                    struct http_response *response);
/* Frees what scrapes keep for each other. */
void metrics_finish(struct service *service);

#endif
