/* remote.h - asks another program on the network by HTTP: one request on a connection of its own,
 * within a time, with an answer of bounded size. Without TLS. */
#ifndef ALERTS_REMOTE_H
#define ALERTS_REMOTE_H

#include "encode/buffer.h"
#include "text/nodiscard.h"

#include <stddef.h>

#define REMOTE_HOST_BYTES   256
#define REMOTE_PREFIX_BYTES 128

struct remote {
    char host[REMOTE_HOST_BYTES];     /* a name or an address, without brackets */
    char port[6];                     /* 80 where none is named */
    char named[REMOTE_HOST_BYTES];    /* HOST[:PORT] as it was written, for the header Host */
    char prefix[REMOTE_PREFIX_BYTES]; /* of every path: "" or "/alertmanager" */
};

/* "http://HOST:PORT/prefix" or "HOST:PORT". 0 or -EINVAL. */
NODISCARD int remote_parse(const char *text, struct remote *ret_remote);

struct remote_request {
    const char *method, *path; /* path: begins with "/" */
    const char *body;          /* JSON, or NULL */
    size_t body_bytes;
    unsigned timeout_ms; /* for all of it, but looking up the name of the host */
    size_t most_bytes;   /* of the answer with its header */
};

/* 0 with the status, and the body appended to *body. -ECONNREFUSED (also: no such host),
 * -ETIMEDOUT, -EMSGSIZE (a longer answer), -EPROTO (no answer of HTTP), -ENOMEM. */
NODISCARD int remote_ask(const struct remote *remote, const struct remote_request *request,
                         unsigned *ret_status, struct buffer *body);

/* Why it failed, after "cannot be asked: ". Static. */
const char *remote_error(int rc);

#endif
