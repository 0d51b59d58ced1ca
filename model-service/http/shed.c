/* shed.c - ends connections that wait too long, and at the limit the one that can best be missed:
 * one that waits for its client. So whoever is slow or idle keeps nobody out. */
#include "http/connection.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

static const struct http_refusal too_slow = {408, "the request did not arrive in time"};
static const struct http_refusal gave_way = {503, "there are too many connections: try again"};

/* Whether the client has sent what its worker has not read yet. */
static bool waits_for_us(const struct connection *connection)
{
    int unread = 0;
    return ioctl(connection->fd, FIONREAD, &unread) == 0 && unread > 0;
}

/* Ends a connection, with an answer where a request has begun. Under server->mu, so that it stays
 * there. False if its worker was quicker. */
static bool end(struct connection *connection, enum http_phase phase, struct http_refusal refusal)
{
    if (!http_progress_cut(&connection->progress, phase))
        return false;
    const bool reading = phase == HTTP_PHASE_HEADER || phase == HTTP_PHASE_BODY;
    if (reading)
        http_observe_refusal(phase == HTTP_PHASE_BODY ? connection->route : NULL,
                             connection->server, http_send_refusal(connection, refusal, true));
    /* The library sees the end of the connection. */
    shutdown(connection->fd, reading ? SHUT_RD : SHUT_RDWR);
    return true;
}

void http_shed_overdue(struct http_server *server)
{
    const int64_t idle_ms = (int64_t)server->config.limits.idle_seconds * 1000;
    pthread_mutex_lock(&server->mu);
    for (struct connection *c = server->connections; c; c = c->next) {
        const enum http_phase phase = http_progress_phase(&c->progress);
        if (http_progress_overdue(&c->progress, idle_ms) &&
            (phase == HTTP_PHASE_ANSWER || !waits_for_us(c)))
            (void)!end(c, phase, too_slow);
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
        if (own <= most || waits_for_us(c))
            continue;
        most = own;
        found = c;
    }
    return found;
}

bool http_shed_for_one(struct http_server *server)
{
    const size_t limit = server->config.limits.connections;
    const size_t open = http_server_connections(server);
    if (open < limit)
        return true;
    if (open >= limit + HTTP_GIVING_WAY)
        return false;
    size_t live;
    pthread_mutex_lock(&server->mu);
    struct connection *found = most_dispensable(server, &live);
    const bool room =
        live < limit || (found && end(found, http_progress_phase(&found->progress), gave_way));
    pthread_mutex_unlock(&server->mu);
    return room;
}
