/* worker.c - a thread that serves connections: waits for events, gives each connection its turn. */
#include "http/connection.h"
#include "system/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS  256
#define TICK_MS 1000
/* New connections in a row, so that those that are there get their turns. */
#define ACCEPTS 64
/* Turns go on for so long before events are looked for again. */
#define TURNS_MS 4
/* A pause where no connection can be accepted for want of descriptors or memory. */
#define PAUSE_NS 1000000

/* --- the queue --- */

void http_worker_queue(struct connection *connection)
{
    struct http_worker *worker = connection->worker;
    if (connection->queued)
        return;
    connection->queued = true;
    connection->later = NULL;
    connection->earlier = worker->last;
    if (worker->last)
        worker->last->later = connection;
    else
        worker->first = connection;
    worker->last = connection;
}

void http_worker_unqueue(struct connection *connection)
{
    struct http_worker *worker = connection->worker;
    if (!connection->queued)
        return;
    connection->queued = false;
    if (connection->later)
        connection->later->earlier = connection->earlier;
    else
        worker->last = connection->earlier;
    if (connection->earlier)
        connection->earlier->later = connection->later;
    else
        worker->first = connection->later;
}

static void give_turns(struct http_worker *worker)
{
    const int64_t until = clock_coarse_ms() + TURNS_MS;
    while (worker->first) {
        struct connection *connection = worker->first;
        http_worker_unqueue(connection);
        http_serve(connection);
        if (clock_coarse_ms() >= until)
            break;
    }
}

/* --- events --- */

static void accept_connections(struct http_worker *worker)
{
    struct http_server *server = worker->server;
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    for (int i = 0; i < ACCEPTS; i++) {
        struct sockaddr_storage address = {0};
        socklen_t bytes = sizeof(address);
        const int fd = accept4(server->listen_fd, (struct sockaddr *)&address, &bytes,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                nanosleep(&pause, NULL);
            return;
        }
        http_connection_open(server, fd, &address);
    }
}

static void take_mail(struct http_worker *worker)
{
    uint64_t count;
    (void)!read(worker->wake_fd, &count, sizeof(count));
    pthread_mutex_lock(&worker->mail_mu);
    struct connection *connection = worker->mail;
    worker->mail = NULL;
    pthread_mutex_unlock(&worker->mail_mu);
    while (connection) {
        struct connection *next = connection->later;
        http_aside_answer(connection);
        http_serve(connection);
        connection = next;
    }
}

void http_worker_mail(struct connection *connection)
{
    struct http_worker *worker = connection->worker;
    pthread_mutex_lock(&worker->mail_mu);
    connection->later = worker->mail;
    worker->mail = connection;
    pthread_mutex_unlock(&worker->mail_mu);
    http_worker_wake(worker);
}

void http_worker_wake(struct http_worker *worker)
{
    const uint64_t one = 1;
    (void)!write(worker->wake_fd, &one, sizeof(one));
}

static void take_event(struct connection *connection, uint32_t events)
{
    const bool hung = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    if (connection->stage == HTTP_STAGE_GONE)
        return;
    connection->hung |= hung;
    connection->readable |= hung || (events & EPOLLIN);
    connection->writable |= hung || (events & EPOLLOUT);
    if (connection->stage == HTTP_STAGE_STREAM &&
        http_progress_phase(&connection->progress) != HTTP_PHASE_CUT)
        http_worker_queue(connection);
    else if (connection->stage != HTTP_STAGE_TURN && connection->stage != HTTP_STAGE_ASIDE)
        http_serve(connection);
}

/* Whether new connections were among them. */
static bool take_events(struct http_worker *worker, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    const int count = epoll_wait(worker->epoll_fd, events, EVENTS, timeout_ms);
    bool accepted = false;
    for (int i = 0; i < count; i++) {
        accepted |= events[i].data.ptr == worker->server;
        if (events[i].data.ptr == worker->server)
            accept_connections(worker);
        else if (events[i].data.ptr == worker)
            take_mail(worker);
        else
            take_event(events[i].data.ptr, events[i].events);
    }
    return accepted;
}

/* --- the thread --- */

static void tick(struct http_worker *worker)
{
    const int64_t now = clock_coarse_ms();
    if (now < worker->next_tick)
        return;
    worker->next_tick = now + TICK_MS;
    http_shed_overdue(worker->server);
    while (worker->lingering && worker->lingering->lingers_until <= now)
        http_connection_close(worker->lingering);
}

static void free_gone(struct http_worker *worker)
{
    while (worker->gone) {
        struct connection *connection = worker->gone;
        worker->gone = connection->later;
        free(connection);
    }
}

static void *run(void *argument)
{
    struct http_worker *worker = argument;
    while (!atomic_load_explicit(&worker->server->ending, memory_order_relaxed)) {
        /* A new connection mostly has a request already: a probe must not wait for a turn before
         * it is read. */
        if (take_events(worker, worker->first ? 0 : TICK_MS))
            (void)take_events(worker, 0);
        give_turns(worker);
        tick(worker);
        free_gone(worker);
    }
    take_mail(worker);
    free_gone(worker);
    return NULL;
}

static int watch(const struct http_worker *worker, int fd, uint32_t events, void *what)
{
    struct epoll_event event = {.events = events, .data.ptr = what};
    return epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int http_worker_watch(struct http_worker *worker, struct connection *connection)
{
    return watch(worker, connection->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, connection);
}

/* The thread handles no signals. */
static int start_thread(struct http_worker *worker)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    worker->started = error == 0;
    return -error;
}

int http_worker_start(struct http_worker *worker, struct http_server *server)
{
    worker->server = server;
    worker->next_tick = clock_coarse_ms() + TICK_MS;
    worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->epoll_fd < 0 || worker->wake_fd < 0)
        return -errno;
    int rc = watch(worker, worker->wake_fd, EPOLLIN, worker);
    if (rc == 0)
        rc = watch(worker, server->listen_fd, EPOLLIN | EPOLLEXCLUSIVE, server);
    return rc < 0 ? rc : start_thread(worker);
}

void http_worker_end(struct http_worker *worker)
{
    if (!worker->started)
        return;
    http_worker_wake(worker);
    pthread_join(worker->thread, NULL);
}

void http_worker_finish(struct http_worker *worker)
{
    while (worker->lingering)
        http_connection_close(worker->lingering);
    free_gone(worker);
    if (worker->epoll_fd >= 0)
        close(worker->epoll_fd);
    if (worker->wake_fd >= 0)
        close(worker->wake_fd);
    pthread_mutex_destroy(&worker->mail_mu);
}
