/* connection.h - what the parts of the HTTP server share. With them the HTTP library stays
 * behind http.h: only they include it.
 *
 * http.c starts and stops the server and keeps its connections; http/receive.c takes a request in
 * and decides what becomes of it; http/answer.c writes answers. */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include "http/http.h"
#include "http/linger.h"
#include "http/phase.h"
#include "http/route.h"
#include "http/rules.h"
#include "system/address.h"

#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

/* A body up to this size needs no allocation. */
#define INLINE_BODY_BYTES 1024
/* Neither does a decoded path with its parameters up to this size. */
#define INLINE_TEXT_BYTES 256
/* Of a connection's memory beside the request's header: the list of its fields, and the header of
 * the answer. Small, as the library clears all of that memory after each request. */
#define HEADER_WORK_BYTES 5120

/* Connections beyond the limit while others, which were ended to make room, are being closed: a
 * worker that gets no processor for a while closes none of its own. */
#define HTTP_GIVING_WAY 512

struct connection {
    struct http_server *server;
    struct MHD_Connection *mhd;
    struct connection *previous, *next; /* guarded by server->mu */
    int fd;
    atomic_bool busy; /* a request has begun and is not answered */
    struct http_progress progress;

    /* The rest belongs to the request, and to the worker that serves the connection. */
    const char *target; /* as sent */
    bool begun, bad_escape, must_close;
    const struct http_stream
        *stream; /* takes the body; NULL before it begins and after it has ended */
    void *stream_state;
    const struct http_route *route;
    struct http_refusal refusal;
    const char *path, *param, *param2; /* decoded */
    char *text;                        /* of the two, where text_inline is too small */
    char *body;                        /* body_inline or malloc'd */
    size_t body_bytes, body_room;
    size_t answer_bytes; /* counted in server->answer_memory */
    char text_inline[INLINE_TEXT_BYTES];
    char body_inline[INLINE_BODY_BYTES];
};

struct http_server {
    struct http_server_config config;
    struct http_routes routes;
    struct MHD_Daemon *daemon;
    struct http_linger *linger;
    int listen_fd;
    char address[HTTP_ADDRESS_BYTES];
    atomic_size_t open;
    atomic_size_t body_memory;   /* of the bodies that did not fit their connection's own room */
    atomic_size_t answer_memory; /* of the answers that are being read */
    atomic_bool stopping;
    pthread_mutex_t mu;
    struct connection *connections; /* guarded by mu */
    struct pollfd *pollers;         /* guarded by mu: room for all connections */
    size_t poller_room;
};

/* http/answer.c: each takes a request whose body needs no more reading, and reports it. */
enum MHD_Result http_answer(struct connection *connection, const char *method);
enum MHD_Result http_answer_refusal(struct connection *connection, const char *method);
/* The handler of a body that is to be streamed: takes it, or refuses it with an answer. */
enum MHD_Result http_stream_begin(struct connection *connection, const char *method);
void http_stream_abort(struct connection *connection);
/* Answers the refusal where the library cannot, while the body is coming or without room: straight
 * to the socket, on which nothing of this answer has been written. The connection ends with it. */
enum MHD_Result http_answer_directly(struct connection *connection, const char *method);
/* The same with a refusal of the caller's, not reported; gives the status. */
unsigned http_send_refusal(const struct connection *connection, struct http_refusal refusal,
                           bool with_body);
/* Reports it. route: NULL where it is not known. */
void http_observe_refusal(const struct http_route *route, const struct http_server *server,
                          unsigned status);

/* http/shed.c: ends connections that wait too long (once a second), and one that gives way to a new
 * one. */
void http_shed_overdue(struct http_server *server);
/* Whether there is room for one more connection, if need be by ending another. */
bool http_shed_for_one(struct http_server *server);

/* http/receive.c: callbacks of the library. */
void *http_on_request_line(void *cls, const char *target, struct MHD_Connection *mhd);
size_t http_on_unescape(void *cls, struct MHD_Connection *mhd, char *text);
enum MHD_Result http_on_request(void *cls, struct MHD_Connection *mhd, const char *target,
                                const char *method, const char *version, const char *piece,
                                size_t *piece_bytes, void **request);
void http_on_completed(void *cls, struct MHD_Connection *mhd, void **request,
                       enum MHD_RequestTerminationCode code);

#endif
