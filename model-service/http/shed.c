/* shed.c - ends connections that wait too long, and at the limit the one that can best be missed:
 * one that waits for its client. So whoever is slow or idle keeps nobody out. */
#include "http/connection.h"
#include "system/clock.h"

#include <string.h>
#include <sys/socket.h>

#define SWEEP_MS 1000

/* Cuts a connection; its worker then answers where a request has begun, and closes it. Under
 * server->mu, so that it stays there. False if its worker was quicker. */
static bool cut(struct connection *connection, enum http_phase phase, unsigned status)
{
    const bool reading = phase == HTTP_PHASE_HEADER || phase == HTTP_PHASE_BODY;
    atomic_store_explicit(&connection->cut_status, reading ? status : 0, memory_order_relaxed);
    if (!http_progress_cut(&connection->progress, phase))
        return false;
    /* Its worker sees that as the end of the connection. */
    shutdown(connection->fd, SHUT_RD);
    return true;
}

void http_shed_overdue(struct http_server *server)
{
    const int64_t now = clock_coarse_ms();
    const int64_t idle_ms = (int64_t)server->config.limits.idle_seconds * 1000;
    int64_t next = atomic_load(&server->next_sweep);
    if (now < next || !atomic_compare_exchange_strong(&server->next_sweep, &next, now + SWEEP_MS))
        return;
    pthread_mutex_lock(&server->mu);
    for (struct connection *c = server->connections; c; c = c->next) {
        const enum http_phase phase = http_progress_phase(&c->progress);
        if (http_progress_overdue(&c->progress, idle_ms) &&
            (phase == HTTP_PHASE_ANSWER || !http_socket_has_unread(c)))
            (void)!cut(c, phase, 408);
    }
    pthread_mutex_unlock(&server->mu);
}

/* The connection that can best be missed, or NULL; counts those that have not been cut. */
static struct connection *most_dispensable(struct http_server *server, size_t *ret_live)
{
    struct connection *found = NULL;
    int64_t most = 0;
    *ret_live = 0;
    for (struct connection *c = server->connections; c; c = c->next) {
        const int64_t own = http_progress_gives_way(&c->progress);
        *ret_live += http_progress_phase(&c->progress) != HTTP_PHASE_CUT;
        if (own <= most || http_socket_has_unread(c))
            continue;
        most = own;
        found = c;
    }
    return found;
}

static bool make_room(struct http_server *server)
{
    const size_t limit = server->config.limits.connections;
    size_t live;
    struct connection *found = most_dispensable(server, &live);
    return live < limit || (found && cut(found, http_progress_phase(&found->progress), 503));
}

static bool has_too_many(const struct http_server *server,
                         const struct http_origin_address *address)
{
    size_t count = 0;
    for (const struct connection *c = server->connections; c; c = c->next)
        count += memcmp(&c->address, address, sizeof(*address)) == 0 &&
                 http_progress_phase(&c->progress) != HTTP_PHASE_CUT;
    return count >= server->config.limits.connections_per_address;
}

bool http_shed_for_one(struct http_server *server, bool local,
                       const struct http_origin_address *address)
{
    const struct http_limits *limits = &server->config.limits;
    const size_t open = http_server_connections(server);
    const bool counted = limits->connections_per_address && (!local || limits->count_loopback);
    if (open >= limits->connections + HTTP_GIVING_WAY)
        return false;
    if (!counted && open < limits->connections)
        return true;
    pthread_mutex_lock(&server->mu);
    const bool room = !(counted && has_too_many(server, address)) &&
                      (open < limits->connections || make_room(server));
    pthread_mutex_unlock(&server->mu);
    return room;
}
