/* connection.h - what the parts of the HTTP server share.
 *
 * A worker (http/worker.c) waits for its connections with an epoll set of its own and takes each
 * from stage to stage as far as it goes without waiting. A request that is complete waits for its
 * turn, so that all connections of a worker are served in the order of their requests; those of
 * HTTP_LANE_PROBE do not wait, and those of HTTP_LANE_SLOW run on threads of their own
 * (http/aside.c).
 *
 * http/receive.c takes a request in, http/body.c and http/stream.c its body, http/target.c finds
 * its route, http/answer.c calls the handler, http/send.c writes the answer; http/socket.c reads
 * and writes; http/shed.c ends connections. */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include "http/http.h"
#include "http/phase.h"
#include "http/request.h"
#include "http/route.h"
#include "http/rules.h"
#include "system/address.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Of a connection's own room: beside the head of a request, for its body or a part of it. */
#define HTTP_BODY_ROOM 8192
/* A decoded path with its parameters up to this size needs no allocation. */
#define HTTP_TEXT_ROOM 256
/* The largest piece of a stream that is read at once. */
#define HTTP_PIECE_BYTES (64u << 10)
/* The head of an answer: eight of the longest extra headers, and our own. */
#define HTTP_ANSWER_HEAD_BYTES (4u << 10)

/* Connections beyond the limit while others, which were ended to make room, are being closed: a
 * worker that gets no processor for a while closes none of its own. */
#define HTTP_GIVING_WAY 512
/* Closing a socket with unread data resets the connection, and the reset may overtake the answer.
 * So the sending side alone is closed at first, and for so long what arrives is dropped; at most so
 * many connections of a worker, beyond which the oldest ones end. */
#define HTTP_LINGER_MS          5000
#define HTTP_LINGER_CONNECTIONS 64

enum http_stage {
    HTTP_STAGE_HEAD,   /* waits for the head of a request */
    HTTP_STAGE_BODY,   /* collects its body */
    HTTP_STAGE_STREAM, /* hands its body over as it comes */
    HTTP_STAGE_TURN,   /* it is complete, and waits for its turn */
    HTTP_STAGE_ASIDE,  /* its handler runs on a thread beside the workers */
    HTTP_STAGE_ANSWER, /* its answer is being sent */
    HTTP_STAGE_LINGER, /* the client may still be sending; counted no more */
    HTTP_STAGE_GONE,   /* closed; freed when nothing can point to it any more */
};

/* A prefix of an address: IPv4 as a whole, IPv6 by /64, which one host may have as a whole. */
struct http_origin_address {
    unsigned char bytes[8];
};

/* An answer that is being sent. */
struct http_output {
    char *head; /* malloc'd, of what did not fit the socket at once; or NULL */
    char *body; /* malloc'd or NULL */
    size_t head_bytes, body_bytes, sent;
};

struct connection {
    struct http_server *server;
    struct http_worker *worker; /* serves it: what follows is its own, where nothing else is said */
    struct connection *previous, *next; /* guarded by server->mu; of the worker while it lingers */
    struct connection *earlier, *later; /* in the worker's queue, or in a list of those gone */
    int fd;
    bool local;
    struct http_origin_address address;
    atomic_bool busy;       /* a request has begun and is not answered */
    atomic_uint cut_status; /* what to answer when it is cut, 0: nothing */
    struct http_progress progress;

    enum http_stage stage;
    bool queued;
    bool readable, writable; /* as far as known: a try may find that it is not so any more */
    bool hung;               /* the client has closed its side, perhaps behind data */
    bool ended;              /* and all data has been read */
    int64_t lingers_until;
    struct http_output output;
    struct job *job; /* in HTTP_STAGE_ASIDE */

    /* The request. */
    struct http_head head;
    struct http_chunks chunks;
    struct http_announced announced;
    struct http_refusal refusal;
    const struct http_route *route;
    const char *path, *param, *param2; /* decoded */
    const char *query;                 /* names and values, decoded, each with its NUL */
    size_t query_bytes;
    char *text; /* malloc'd, of these, where text_room is too small; or NULL */
    const struct http_stream *stream; /* takes the body; NULL before it begins and after its end */
    void *stream_state;
    char *body;                   /* in input, or malloc'd */
    size_t body_bytes, body_room; /* the latter 0 while the body is in the room for input */
    size_t taken;                 /* bytes of input that belong to the request */
    size_t answer_bytes;          /* counted in server->answer_memory */
    bool must_close; /* after the answer: the client may still be sending what is refused */
    bool last;       /* the answer says that the connection closes */
    bool dropping;   /* its body is read only to be dropped */
    char text_room[HTTP_TEXT_ROOM];
    /* What has been read: of the request, and perhaps of those behind it. */
    size_t input_bytes;
    char input[];
};

struct http_worker {
    struct http_server *server;
    pthread_t thread;
    bool started;
    int epoll_fd, wake_fd;
    atomic_size_t connections;
    struct connection *first, *last; /* those whose turn comes, in its order */
    struct connection *gone;         /* to be freed when the present events are done */
    struct connection *lingering, *lingering_last; /* the oldest first */
    size_t lingering_count;
    int64_t next_tick;
    pthread_mutex_t mail_mu;
    struct connection *mail; /* guarded by mail_mu: those whose handler has run aside */
    int64_t date_second;
    char date[40];
    char head[HTTP_ANSWER_HEAD_BYTES];
    char piece[HTTP_PIECE_BYTES];
};

struct http_server {
    struct http_server_config config;
    struct http_routes routes;
    struct http_worker *workers; /* [config.limits.threads] */
    struct http_aside *aside;
    int listen_fd;
    char address[HTTP_ADDRESS_BYTES];
    size_t input_room;
    atomic_size_t open;
    atomic_size_t body_memory;   /* of the bodies that did not fit their connection's own room */
    atomic_size_t answer_memory; /* of the answers that are being read */
    atomic_bool open_to_all;     /* http_server_open() */
    _Atomic uint64_t shed;
    atomic_bool stopping;       /* no new connection is taken, and each answer is the last one */
    atomic_bool ending;         /* the workers end */
    _Atomic int64_t next_sweep; /* for connections that wait too long */
    pthread_mutex_t mu;
    struct connection *connections, *connections_last; /* guarded by mu; the oldest first */
};

/* http/http.c: takes a socket over; closes it if there is no room. */
void http_connection_open(struct http_server *server, int fd,
                          const struct sockaddr_storage *address);
/* Ends it, at once or after lingering. */
void http_connection_close(struct connection *connection);

/* http/worker.c */
NODISCARD int http_worker_start(struct http_worker *worker, struct http_server *server);
/* Ends the thread. */
void http_worker_end(struct http_worker *worker);
/* Afterwards, when all connections are closed. */
void http_worker_finish(struct http_worker *worker);
void http_worker_wake(struct http_worker *worker);
/* Has its connection watched. */
NODISCARD int http_worker_watch(struct http_worker *worker, struct connection *connection);
/* The connection's turn comes after those that wait already. */
void http_worker_queue(struct connection *connection);
void http_worker_unqueue(struct connection *connection);
/* From any thread: the connection's handler has run aside. */
void http_worker_mail(struct connection *connection);

/* http/socket.c. Both: the bytes that went through; 0 if the socket must be waited for; -EPIPE
 * after its end. */
ssize_t http_socket_read(struct connection *connection, char *room, size_t bytes);
ssize_t http_socket_write(struct connection *connection, const struct iovec *pieces, int count);
/* Reads on behind the input that is there. False if that must be waited for, or the connection has
 * ended and is closed. */
bool http_socket_read_input(struct connection *connection);
/* Whether bytes have arrived that nobody has read; from any thread, under server->mu. */
bool http_socket_has_unread(const struct connection *connection);

/* http/receive.c: takes the connection as far as it goes without waiting. */
void http_serve(struct connection *connection);
/* Gives back what the request had; what has arrived behind it is the next one. */
void http_request_finish(struct connection *connection);

/* http/body.c: a body that is collected, or dropped. Whether it has arrived together with the head.
 */
bool http_body_begin(struct connection *connection);
/* Reads on. DONE; WRONG: connection->refusal says what; MORE: it must be waited for, or the
 * connection has ended. */
enum http_reading http_body_read(struct connection *connection);
void http_body_finish(struct connection *connection);

/* http/stream.c: hands over the next piece of a streamed body. PIECE: another one may have arrived;
 * MORE: it must be waited for, or the connection has ended. */
enum http_reading http_stream_piece(struct connection *connection);

/* http/target.c: the route, path, parameters and query of a request; status 0, or 400, 404, 405,
 * 503. */
struct http_refusal http_find_target(struct connection *connection);

/* http/answer.c: each answers a request whose body needs no more reading, and reports it. The
 * connection is then in HTTP_STAGE_ANSWER or gone. */
void http_answer(struct connection *connection);
void http_answer_refusal(struct connection *connection);
void http_answer_with(struct connection *connection, struct http_response *response, double start);
/* The handler of a body that is to be streamed: takes it, or refuses it with an answer. */
void http_stream_begin(struct connection *connection);
void http_stream_abort(struct connection *connection);
/* Calls the handler; response: not initialised. */
void http_call_handler(struct connection *connection, bool streamed,
                       struct http_response *response);
/* When the answer begins, in monotonic seconds; not asked for where nobody observes it. */
double http_observed_start(const struct http_server *server);

/* http/send.c: begins to send; takes the response's body. compressed: it is gzip. */
void http_send(struct connection *connection, struct http_response *response, bool compressed);
/* False while the client must be waited for. */
bool http_send_more(struct connection *connection);
void http_output_finish(struct http_output *output);
/* The interim answer that asks for the body. */
void http_send_continue(struct connection *connection);

/* http/aside.c: threads that run slow handlers. */
NODISCARD int http_aside_create(struct http_server *server, struct http_aside **ret_aside);
/* Takes the connection, whose answer then comes by mail; false if too many wait already. */
NODISCARD bool http_aside_take(struct http_aside *aside, struct connection *connection);
/* The answer of a connection that has come by mail. */
void http_aside_answer(struct connection *connection);
/* Ends the threads when the handlers that run have returned; nothing more is taken. */
void http_aside_end(struct http_aside *aside);
/* After the workers have ended. NULL is fine. */
void http_aside_destroy(struct http_aside *aside);

/* http/shed.c: ends connections that wait too long (once a second), and one that gives way to a new
 * one. */
void http_shed_overdue(struct http_server *server);
/* Whether there is room for one more connection of this address, if need be by ending another. */
NODISCARD bool http_shed_for_one(struct http_server *server, bool local,
                                 const struct http_origin_address *address);

#endif
