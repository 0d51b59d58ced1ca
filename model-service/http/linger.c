/* linger.c - closes connections whose client may still be sending; a tick once a second. */
#include "http/linger.h"

#include "system/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define DROP_BYTES 16384
/* Reads in a row from one connection, so that it does not keep the thread from the others. */
#define DROP_READS 16
#define TICK_MS    1000

struct http_linger {
    pthread_t thread;
    void (*tick)(void *context);
    void *context;
    int inlet; /* descriptors are written here, as ints; closing it ends the thread */
    int outlet;
    /* The thread's own. The first entry is the outlet. */
    struct pollfd pollers[1 + HTTP_LINGER_CONNECTIONS];
    int64_t deadlines[1 + HTTP_LINGER_CONNECTIONS];
    size_t count;
    int64_t next_tick;
    char dropped[DROP_BYTES];
};

static int64_t now_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

static void let_go(struct http_linger *linger, size_t i)
{
    close(linger->pollers[i].fd);
    linger->count--;
    linger->pollers[i] = linger->pollers[linger->count];
    linger->deadlines[i] = linger->deadlines[linger->count];
}

static void let_oldest_go(struct http_linger *linger)
{
    size_t oldest = 1;
    for (size_t i = 2; i < linger->count; i++)
        if (linger->deadlines[i] < linger->deadlines[oldest])
            oldest = i;
    let_go(linger, oldest);
}

/* False when the inlet is closed. */
static bool receive_fd(struct http_linger *linger)
{
    int fd;
    const ssize_t bytes = read(linger->outlet, &fd, sizeof(fd));
    if (bytes != (ssize_t)sizeof(fd))
        return bytes < 0 && (errno == EINTR || errno == EAGAIN);
    if (linger->count > HTTP_LINGER_CONNECTIONS)
        let_oldest_go(linger);
    linger->pollers[linger->count] = (struct pollfd){.fd = fd, .events = POLLIN};
    linger->deadlines[linger->count] = now_ms() + HTTP_LINGER_SECONDS * 1000;
    linger->count++;
    return true;
}

/* False when the client has closed or the connection is broken. */
static bool drop_input(struct http_linger *linger, int fd)
{
    for (int i = 0; i < DROP_READS; i++) {
        const ssize_t n = recv(fd, linger->dropped, sizeof(linger->dropped), MSG_DONTWAIT);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0)
            return false;
    }
    return true;
}

static int next_timeout(const struct http_linger *linger)
{
    int64_t next = linger->next_tick;
    for (size_t i = 1; i < linger->count; i++)
        if (linger->deadlines[i] < next)
            next = linger->deadlines[i];
    const int64_t left = next - now_ms();
    return left > 0 ? (int)left : 0;
}

static void serve_all(struct http_linger *linger)
{
    const int64_t now = now_ms();
    /* From the end: let_go moves the last entry into the gap. */
    for (size_t i = linger->count - 1; i >= 1; i--)
        if (linger->deadlines[i] <= now ||
            (linger->pollers[i].revents && !drop_input(linger, linger->pollers[i].fd)))
            let_go(linger, i);
    if (linger->next_tick <= now) {
        linger->next_tick = now + TICK_MS;
        linger->tick(linger->context);
    }
}

static void *run(void *argument)
{
    struct http_linger *linger = argument;
    bool open = true;
    while (open) {
        if (poll(linger->pollers, linger->count, next_timeout(linger)) < 0)
            break;
        const bool delivery = linger->pollers[0].revents;
        serve_all(linger);
        if (delivery)
            open = receive_fd(linger);
    }
    while (linger->count > 1)
        let_go(linger, linger->count - 1);
    return NULL;
}

/* This thread handles no signals. */
static int start_thread(struct http_linger *linger)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&linger->thread, NULL, run, linger);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -error;
}

int http_linger_create(void (*tick)(void *context), void *context, struct http_linger **ret_linger)
{
    int ends[2];
    struct http_linger *linger = calloc(1, sizeof(*linger));
    if (!linger)
        return -ENOMEM;
    int rc = pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
    if (rc < 0)
        goto fail;
    linger->outlet = ends[0];
    linger->inlet = ends[1];
    linger->pollers[0] = (struct pollfd){.fd = linger->outlet, .events = POLLIN};
    linger->count = 1;
    linger->tick = tick;
    linger->context = context;
    linger->next_tick = now_ms() + TICK_MS;
    rc = start_thread(linger);
    if (rc < 0)
        goto fail_pipe;
    *ret_linger = linger;
    return 0;
fail_pipe:
    close(ends[0]);
    close(ends[1]);
fail:
    free(linger);
    return rc;
}

void http_linger_take(struct http_linger *linger, int fd)
{
    const int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0)
        return;
    shutdown(duplicate, SHUT_WR);
    if (write(linger->inlet, &duplicate, sizeof(duplicate)) != (ssize_t)sizeof(duplicate))
        close(duplicate);
}

void http_linger_destroy(struct http_linger *linger)
{
    if (!linger)
        return;
    close(linger->inlet);
    pthread_join(linger->thread, NULL);
    close(linger->outlet);
    free(linger);
}
