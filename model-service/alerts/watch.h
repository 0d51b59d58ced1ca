/* watch.h - what Prometheus, Alertmanager and the inbox say about alerts, for the pages: asked by a
 * thread of its own while somebody looks, so that no worker of the service ever waits for them to
 * read. */
#ifndef ALERTS_WATCH_H
#define ALERTS_WATCH_H

#include "alerts/remote.h"
#include "encode/json_writer.h"
#include "text/error.h"

#include <stdbool.h>

enum alert_source {
    ALERT_SOURCE_RULES,    /* Prometheus: pending and firing alerts */
    ALERT_SOURCE_ALERTS,   /* Alertmanager: firing ones, silenced or not */
    ALERT_SOURCE_SILENCES, /* Alertmanager */
    ALERT_SOURCE_MESSAGES, /* the inbox */
    ALERT_SOURCES
};

/* Each NULL: not configured. */
struct alert_addresses {
    const char *prometheus, *alertmanager, *inbox;
};

struct alert_watch;

/* valid: whether a text is JSON. 0 with *ret_watch, which is NULL if no address is given; -EINVAL
 * with a sentence that names the option; -ENOMEM, -EAGAIN. */
NODISCARD int alert_watch_start(const struct alert_addresses *addresses,
                                bool (*valid)(const char *text, size_t bytes),
                                struct alert_watch **ret_watch, struct error *error);
/* NULL is fine. Waits for at most the time of a request. */
void alert_watch_stop(struct alert_watch *watch);

/* Writes a member for each source into an open object: "configured", "asked" (milliseconds
 * since 1970, or null), "error" (a sentence, or null), and "says", the last answer as it came or
 * null. From now on the sources are asked for some time. watch: NULL says that none is configured.
 */
void alert_watch_write(struct alert_watch *watch, struct json_writer *json);
/* Appends the last answer of a source; false if there is none. */
bool alert_watch_says(struct alert_watch *watch, enum alert_source source, struct buffer *out);

/* Sends a request to Alertmanager; the caller waits, one at a time: -EBUSY while another one does.
 * -ENOTSUP: none is configured. Otherwise as remote_ask(). */
NODISCARD int alert_watch_send(struct alert_watch *watch, const struct remote_request *request,
                               unsigned *ret_status, struct buffer *body);

#endif
