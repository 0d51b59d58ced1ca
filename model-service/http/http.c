/* http.c - the HTTP server: its connections, start and stop. */
#include "http/connection.h"
#include "system/clock.h"
#include "system/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 64
/* Descriptors of a worker (epoll, wake-up, lingering connections), and those of everything but
 * connections and workers. */
#define FDS_PER_THREAD (2 + HTTP_LINGER_CONNECTIONS)
#define FDS_OTHER      (32 + HTTP_GIVING_WAY)
#define STOP_POLL_NS   2000000L
/* 50 ms: on a busy machine a worker may stand still for longer than a look or two. */
#define STOP_QUIET_LOOKS 25

/* --- connections --- */

static struct http_origin_address origin_address(const struct sockaddr_storage *address)
{
    struct http_origin_address origin = {{0}};
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)address;
        memcpy(origin.bytes, &four->sin_addr, sizeof(four->sin_addr));
    } else if (address->ss_family == AF_INET6) {
        const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
        const bool mapped = IN6_IS_ADDR_V4MAPPED(six);
        memcpy(origin.bytes, six->s6_addr + (mapped ? 12 : 0), mapped ? 4 : sizeof(origin.bytes));
    }
    return origin;
}

static void link_connection(struct connection *connection)
{
    struct http_server *server = connection->server;
    pthread_mutex_lock(&server->mu);
    connection->previous = server->connections_last;
    if (connection->previous)
        connection->previous->next = connection;
    else
        server->connections = connection;
    server->connections_last = connection;
    pthread_mutex_unlock(&server->mu);
    atomic_fetch_add_explicit(&server->open, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&connection->worker->connections, 1, memory_order_relaxed);
}

static void unlink_connection(struct connection *connection)
{
    struct http_server *server = connection->server;
    pthread_mutex_lock(&server->mu);
    if (connection->next)
        connection->next->previous = connection->previous;
    else
        server->connections_last = connection->previous;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    pthread_mutex_unlock(&server->mu);
    connection->previous = connection->next = NULL;
    atomic_fetch_sub_explicit(&server->open, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&connection->worker->connections, 1, memory_order_relaxed);
}

static struct http_worker *least_loaded(struct http_server *server)
{
    struct http_worker *found = server->workers;
    for (size_t i = 1; i < server->config.limits.threads; i++)
        if (atomic_load_explicit(&server->workers[i].connections, memory_order_relaxed) <
            atomic_load_explicit(&found->connections, memory_order_relaxed))
            found = &server->workers[i];
    return found;
}

static struct connection *connection_create(struct http_server *server, int fd,
                                            const struct sockaddr_storage *address)
{
    struct connection *connection = malloc(sizeof(*connection) + server->input_room + 1);
    if (!connection)
        return NULL;
    /* Neither the room for text nor that for input, which is large, need be cleared. */
    memset(connection, 0, offsetof(struct connection, text_room));
    connection->input_bytes = 0;
    connection->server = server;
    connection->worker = least_loaded(server);
    connection->fd = fd;
    connection->local = http_address_is_loopback((const struct sockaddr *)address);
    connection->address = origin_address(address);
    connection->writable = true;
    http_head_init(&connection->head);
    http_progress_moved(&connection->progress);
    (void)!http_progress_enter(&connection->progress, HTTP_PHASE_HEADER);
    return connection;
}

void http_connection_open(struct http_server *server, int fd,
                          const struct sockaddr_storage *address)
{
    const struct http_origin_address origin = origin_address(address);
    const bool local = http_address_is_loopback((const struct sockaddr *)address);
    struct connection *connection =
        http_shed_for_one(server, local, &origin) ? connection_create(server, fd, address) : NULL;
    if (!connection) {
        close(fd);
        return;
    }
    link_connection(connection);
    /* From here on it belongs to its worker. */
    if (http_worker_watch(connection->worker, connection) == 0)
        return;
    unlink_connection(connection);
    close(fd);
    free(connection);
}

/* Whether closing the socket now would reset the connection before the client has the answer. */
static bool client_may_be_sending(const struct connection *connection)
{
    return connection->stage == HTTP_STAGE_ANSWER && !connection->ended &&
           (connection->must_close || connection->readable || http_socket_has_unread(connection));
}

static void linger_begin(struct connection *connection)
{
    struct http_worker *worker = connection->worker;
    connection->stage = HTTP_STAGE_LINGER;
    connection->lingers_until = clock_coarse_ms() + HTTP_LINGER_MS;
    shutdown(connection->fd, SHUT_WR);
    connection->previous = worker->lingering_last;
    if (worker->lingering_last)
        worker->lingering_last->next = connection;
    else
        worker->lingering = connection;
    worker->lingering_last = connection;
    if (connection->readable)
        http_worker_queue(connection);
    if (++worker->lingering_count > HTTP_LINGER_CONNECTIONS)
        http_connection_close(worker->lingering);
}

static void linger_end(struct connection *connection)
{
    struct http_worker *worker = connection->worker;
    if (connection->next)
        connection->next->previous = connection->previous;
    else
        worker->lingering_last = connection->previous;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        worker->lingering = connection->next;
    worker->lingering_count--;
}

void http_connection_close(struct connection *connection)
{
    struct http_worker *worker = connection->worker;
    http_worker_unqueue(connection);
    if (connection->stage == HTTP_STAGE_LINGER) {
        linger_end(connection);
    } else {
        const bool lingers = client_may_be_sending(connection);
        http_stream_abort(connection);
        http_request_finish(connection);
        unlink_connection(connection);
        if (lingers) {
            linger_begin(connection);
            return;
        }
    }
    close(connection->fd);
    connection->stage = HTTP_STAGE_GONE;
    connection->later = worker->gone;
    worker->gone = connection;
}

/* --- start --- */

/* Raises the soft limit of open files if needed; -EMFILE if the hard limit is too low. */
static int reserve_fds(const struct http_limits *limits)
{
    const rlim_t wanted = limits->connections + limits->threads * FDS_PER_THREAD + FDS_OTHER;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    if (limit.rlim_cur >= wanted)
        return 0;
    if (limit.rlim_max < wanted)
        return -EMFILE;
    limit.rlim_cur = wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -EMFILE : 0;
}

static bool valid_limits(const struct http_limits *limits)
{
    return limits->threads >= 1 && limits->threads <= MAX_THREADS && limits->connections >= 1 &&
           limits->connections <= 1000000 && limits->header_bytes >= 1024 &&
           limits->header_bytes <= (1u << 20);
}

static void finish_workers(struct http_server *server)
{
    const size_t threads = server->config.limits.threads;
    atomic_store(&server->ending, true);
    for (size_t i = 0; i < threads; i++)
        http_worker_end(&server->workers[i]);
    while (server->connections)
        http_connection_close(server->connections);
    for (size_t i = 0; i < threads; i++)
        http_worker_finish(&server->workers[i]);
    free(server->workers);
}

static int start_workers(struct http_server *server)
{
    const size_t threads = server->config.limits.threads;
    server->workers = calloc(threads, sizeof(*server->workers));
    if (!server->workers)
        return -ENOMEM;
    for (size_t i = 0; i < threads; i++) {
        server->workers[i].epoll_fd = server->workers[i].wake_fd = -1;
        pthread_mutex_init(&server->workers[i].mail_mu, NULL);
    }
    int rc = 0;
    for (size_t i = 0; i < threads && rc == 0; i++)
        rc = http_worker_start(&server->workers[i], server);
    if (rc < 0)
        finish_workers(server);
    return rc;
}

/* Small answers go out at once; connections inherit it. */
static int start_listening(struct http_server *server)
{
    const int yes = 1;
    const int rc = http_listen(server->config.listen, &server->listen_fd, server->address);
    if (rc == 0)
        (void)!setsockopt(server->listen_fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return rc;
}

int http_server_start(const struct http_server_config *config, struct http_server **ret_server)
{
    if (!valid_limits(&config->limits))
        return -EINVAL;
    struct http_server *server = calloc(1, sizeof(*server));
    if (!server)
        return -ENOMEM;
    server->config = *config;
    server->open_to_all = !config->starts_closed;
    server->input_room = config->limits.header_bytes + HTTP_BODY_ROOM;
    pthread_mutex_init(&server->mu, NULL);
    int rc = reserve_fds(&config->limits);
    if (rc < 0)
        goto fail;
    rc = http_routes_init(&server->routes, config->routes, config->route_count);
    if (rc < 0)
        goto fail;
    rc = start_listening(server);
    if (rc < 0)
        goto fail_routes;
    rc = http_aside_create(server, &server->aside);
    if (rc < 0)
        goto fail_listen;
    rc = start_workers(server);
    if (rc < 0)
        goto fail_aside;
    *ret_server = server;
    return 0;
fail_aside:
    http_aside_end(server->aside);
    http_aside_destroy(server->aside);
fail_listen:
    close(server->listen_fd);
fail_routes:
    http_routes_finish(&server->routes);
fail:
    pthread_mutex_destroy(&server->mu);
    free(server);
    return rc;
}

void http_server_open(struct http_server *server)
{
    atomic_store(&server->open_to_all, true);
}

uint64_t http_server_shed(const struct http_server *server)
{
    return atomic_load_explicit(&server->shed, memory_order_relaxed);
}

const char *http_server_address(const struct http_server *server)
{
    return server->address;
}

size_t http_server_connections(const struct http_server *server)
{
    return atomic_load_explicit(&server->open, memory_order_relaxed);
}

/* --- stop --- */

/* Also while a request has arrived that no worker has read. */
static bool has_request_in_flight(struct http_server *server)
{
    bool busy = false;
    pthread_mutex_lock(&server->mu);
    for (struct connection *c = server->connections; c && !busy; c = c->next)
        busy = atomic_load_explicit(&c->busy, memory_order_relaxed) || http_socket_has_unread(c);
    pthread_mutex_unlock(&server->mu);
    return busy;
}

/* Until no request was seen for a while: a look may come between the moment when a worker takes a
 * request from the socket and the moment when it marks the connection as busy. */
static void wait_for_requests(struct http_server *server, unsigned grace_ms)
{
    const struct timespec pause = {.tv_nsec = STOP_POLL_NS};
    const int64_t deadline = clock_monotonic_ns() + (int64_t)grace_ms * 1000000;
    int quiet_looks = 0;
    while (http_server_connections(server) && quiet_looks < STOP_QUIET_LOOKS &&
           clock_monotonic_ns() < deadline) {
        quiet_looks = has_request_in_flight(server) ? 0 : quiet_looks + 1;
        nanosleep(&pause, NULL);
    }
}

/* Takes the connections that wait already. Then puts a socket that listens to nobody in the
 * listening one's place, which the kernel closes and takes out of the workers' epoll sets. */
static void stop_listening(struct http_server *server)
{
    struct sockaddr_storage address = {0};
    socklen_t bytes = sizeof(address);
    int fd;
    while ((fd = accept4(server->listen_fd, (struct sockaddr *)&address, &bytes,
                         SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        http_connection_open(server, fd, &address);
        bytes = sizeof(address);
    }
    const int idle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (idle < 0 || dup3(idle, server->listen_fd, O_CLOEXEC) < 0)
        shutdown(server->listen_fd, SHUT_RDWR);
    if (idle >= 0)
        close(idle);
}

void http_server_stop(struct http_server *server, unsigned grace_ms)
{
    if (!server)
        return;
    atomic_store_explicit(&server->stopping, true, memory_order_relaxed);
    stop_listening(server);
    wait_for_requests(server, grace_ms);
    http_aside_end(server->aside);
    finish_workers(server);
    http_aside_destroy(server->aside);
    close(server->listen_fd);
    http_routes_finish(&server->routes);
    pthread_mutex_destroy(&server->mu);
    free(server);
}
