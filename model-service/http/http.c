/* http.c - the HTTP server on libmicrohttpd: its connections, start and stop. */
#include "http/connection.h"
#include "system/clock.h"
#include "system/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_THREADS 64
/* Descriptors of a worker (epoll, wake-up), and those of everything but connections and workers. */
#define FDS_PER_THREAD 3
#define FDS_OTHER      (32 + HTTP_LINGER_CONNECTIONS + HTTP_GIVING_WAY)
#define STOP_POLL_NS   2000000L
/* 50 ms: on a busy machine a worker may stand still for longer than a look or two. */
#define STOP_QUIET_LOOKS 25

/* --- connections --- */

static void connection_open(struct http_server *server, int fd, void **socket_context)
{
    struct connection *connection = malloc(sizeof(*connection));
    *socket_context = connection;
    atomic_fetch_add_explicit(&server->open, 1, memory_order_relaxed);
    if (!connection)
        return;
    memset(connection, 0, offsetof(struct connection, text_inline));
    connection->server = server;
    connection->fd = fd;
    (void)!http_progress_enter(&connection->progress, HTTP_PHASE_HEADER);
    connection->body = connection->body_inline;
    connection->body_room = INLINE_BODY_BYTES;
    pthread_mutex_lock(&server->mu);
    connection->next = server->connections;
    if (connection->next)
        connection->next->previous = connection;
    server->connections = connection;
    pthread_mutex_unlock(&server->mu);
}

static void connection_close(struct http_server *server, void **socket_context)
{
    struct connection *connection = *socket_context;
    atomic_fetch_sub_explicit(&server->open, 1, memory_order_relaxed);
    if (!connection)
        return;
    pthread_mutex_lock(&server->mu);
    if (connection->next)
        connection->next->previous = connection->previous;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    pthread_mutex_unlock(&server->mu);
    free(connection);
    *socket_context = NULL;
}

static int connection_fd(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

/* Whether closing the socket now would reset the connection before the client has the answer. */
static bool client_may_be_sending(const struct connection *connection, int fd)
{
    int unread = 0;
    const bool cut = connection && http_progress_phase(&connection->progress) == HTTP_PHASE_CUT;
    return cut || (connection && connection->must_close) ||
           (ioctl(fd, FIONREAD, &unread) == 0 && unread);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = cls;
    const int fd = connection_fd(mhd);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        connection_open(server, fd, socket_context);
        return;
    }
    if (fd >= 0 && client_may_be_sending(*socket_context, fd))
        http_linger_take(server->linger, fd);
    connection_close(server, socket_context);
}

/* The library reads a socket until a read comes up short, so it does not see that the client has
 * closed when that arrives together with the last data, and would keep the connection until it has
 * been idle for long. Shutting down the side that is closed already makes it look again. */
static void on_tick(void *context)
{
    struct http_server *server = context;
    nfds_t count = 0;
    http_shed_overdue(server);
    pthread_mutex_lock(&server->mu);
    for (struct connection *c = server->connections; c && count < server->poller_room; c = c->next)
        server->pollers[count++] = (struct pollfd){.fd = c->fd, .events = POLLRDHUP};
    if (count && poll(server->pollers, count, 0) > 0)
        for (nfds_t i = 0; i < count; i++)
            if (server->pollers[i].revents & POLLRDHUP)
                shutdown(server->pollers[i].fd, SHUT_RD);
    pthread_mutex_unlock(&server->mu);
}

/* With the library's own limit new connections would wait. */
static enum MHD_Result on_accept(void *cls, const struct sockaddr *address, socklen_t bytes)
{
    (void)address;
    (void)bytes;
    return http_shed_for_one(cls) ? MHD_YES : MHD_NO;
}

__attribute__((format(printf, 2, 0))) static void on_library_log(void *cls, const char *format,
                                                                 va_list arguments)
{
    char message[256];
    (void)cls;
    vsnprintf(message, sizeof(message), format, arguments);
    message[strcspn(message, "\n")] = '\0';
    log_debug("libmicrohttpd: %s", message);
}

/* --- life cycle --- */

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

static int start_daemon(struct http_server *server)
{
    const struct http_limits *limits = &server->config.limits;
    const unsigned threads = (unsigned)limits->threads;
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, server->listen_fd, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)(limits->header_bytes + HEADER_WORK_BYTES),
         NULL},
        /* Per worker: on_accept counts for all. */
        {MHD_OPTION_CONNECTION_LIMIT,
         (intptr_t)((limits->connections + HTTP_GIVING_WAY + 1) * threads), NULL},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, (intptr_t)limits->connections_per_ip, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, limits->idle_seconds, NULL},
        {MHD_OPTION_THREAD_POOL_SIZE, threads > 1 ? threads : 0, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_TURBO | MHD_USE_ERROR_LOG, 0,
        on_accept, server, http_on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_library_log,
        NULL, MHD_OPTION_URI_LOG_CALLBACK, http_on_request_line, server,
        MHD_OPTION_UNESCAPE_CALLBACK, http_on_unescape, server, MHD_OPTION_NOTIFY_COMPLETED,
        http_on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
        MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    return server->daemon ? 0 : -ENOMEM;
}

static bool valid_limits(const struct http_limits *limits)
{
    return limits->threads >= 1 && limits->threads <= MAX_THREADS && limits->connections >= 1 &&
           limits->connections <= 1000000 && limits->header_bytes >= 1024 &&
           limits->header_bytes <= (1u << 20);
}

int http_server_start(const struct http_server_config *config, struct http_server **ret_server)
{
    if (!valid_limits(&config->limits))
        return -EINVAL;
    struct http_server *server = calloc(1, sizeof(*server));
    if (!server)
        return -ENOMEM;
    server->config = *config;
    pthread_mutex_init(&server->mu, NULL);
    int rc = reserve_fds(&config->limits);
    if (rc < 0)
        goto fail;
    rc = -ENOMEM;
    /* All workers may accept a connection in the same moment, each one beyond the limit. */
    server->poller_room = config->limits.connections + HTTP_GIVING_WAY + MAX_THREADS;
    server->pollers = calloc(server->poller_room, sizeof(*server->pollers));
    if (!server->pollers)
        goto fail;
    rc = http_routes_init(&server->routes, config->routes, config->route_count);
    if (rc < 0)
        goto fail;
    rc = http_listen(config->listen, &server->listen_fd, server->address);
    if (rc < 0)
        goto fail_routes;
    rc = http_linger_create(on_tick, server, &server->linger);
    if (rc < 0)
        goto fail_listen;
    rc = start_daemon(server);
    if (rc < 0)
        goto fail_linger;
    *ret_server = server;
    return 0;
fail_linger:
    http_linger_destroy(server->linger);
fail_listen:
    close(server->listen_fd);
fail_routes:
    http_routes_finish(&server->routes);
fail:
    free(server->pollers);
    pthread_mutex_destroy(&server->mu);
    free(server);
    return rc;
}

const char *http_server_address(const struct http_server *server)
{
    return server->address;
}

size_t http_server_connections(const struct http_server *server)
{
    return atomic_load_explicit(&server->open, memory_order_relaxed);
}

/* Also while a request has arrived that no worker has read. */
static bool has_request_in_flight(struct http_server *server)
{
    bool busy = false;
    pthread_mutex_lock(&server->mu);
    for (struct connection *c = server->connections; c && !busy; c = c->next) {
        int unread = 0;
        busy = atomic_load_explicit(&c->busy, memory_order_relaxed) ||
               (ioctl(c->fd, FIONREAD, &unread) == 0 && unread);
    }
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

/* Puts a socket that listens to nobody in the listening one's place, which the kernel closes and
 * takes out of the workers' epoll sets. Not by MHD_quiesce_daemon(): it and a worker may both take
 * the socket out of a set, and whichever fails ends the process. */
static void stop_listening(struct http_server *server)
{
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
    MHD_stop_daemon(server->daemon); /* closes the socket that listened, too */
    http_linger_destroy(server->linger);
    http_routes_finish(&server->routes);
    pthread_mutex_destroy(&server->mu);
    free(server->pollers);
    free(server);
}
