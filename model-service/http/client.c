/* client.c - the status code of one GET, for health checks. */
#include "http/http.h"
#include "system/address.h"
#include "system/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REQUEST_BYTES 1024
/* "HTTP/1.1 200" */
#define STATUS_LINE_BYTES 12

static int64_t now_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

/* Waits for the events until the deadline: 0 or -ETIMEDOUT. */
static int wait_for(int fd, short events, int64_t deadline)
{
    for (;;) {
        const int64_t left = deadline - now_ms();
        struct pollfd poller = {.fd = fd, .events = events};
        const int n = left > 0 ? poll(&poller, 1, (int)left) : 0;
        if (n == 0)
            return -ETIMEDOUT;
        if (n > 0)
            return 0;
        if (errno != EINTR)
            return -errno;
    }
}

/* For a health check an unreachable host is the same as one that refuses the connection. */
static int connect_error(int error)
{
    const bool absent = error == EHOSTUNREACH || error == ENETUNREACH || error == ECONNRESET ||
                        error == EADDRNOTAVAIL;
    return absent ? -ECONNREFUSED : -error;
}

static int connect_within(int fd, const struct sockaddr_storage *address, socklen_t bytes,
                          int64_t deadline)
{
    int error = 0;
    socklen_t error_bytes = sizeof(error);
    if (connect(fd, (const struct sockaddr *)address, bytes) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return connect_error(errno);
    const int rc = wait_for(fd, POLLOUT, deadline);
    if (rc < 0)
        return rc;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_bytes) < 0)
        return -errno;
    return error ? connect_error(error) : 0;
}

static int send_request(int fd, const char *address, const char *path, int64_t deadline)
{
    char request[REQUEST_BYTES];
    const int bytes =
        snprintf(request, sizeof(request),
                 "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, address);
    if (bytes < 0 || (size_t)bytes >= sizeof(request))
        return -EINVAL;
    for (size_t done = 0; done < (size_t)bytes;) {
        const int rc = wait_for(fd, POLLOUT, deadline);
        if (rc < 0)
            return rc;
        const ssize_t n = send(fd, request + done, (size_t)bytes - done, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -EPROTO;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int parse_status(const char *line, unsigned *ret_status)
{
    unsigned status = 0;
    if (memcmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ')
        return -EPROTO;
    for (size_t i = 9; i < STATUS_LINE_BYTES; i++) {
        if (line[i] < '0' || line[i] > '9')
            return -EPROTO;
        status = status * 10 + (unsigned)(line[i] - '0');
    }
    *ret_status = status;
    return 0;
}

static int read_status(int fd, int64_t deadline, unsigned *ret_status)
{
    char line[STATUS_LINE_BYTES];
    for (size_t got = 0; got < sizeof(line);) {
        const int rc = wait_for(fd, POLLIN, deadline);
        if (rc < 0)
            return rc;
        const ssize_t n = recv(fd, line + got, sizeof(line) - got, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return -EPROTO;
        got += n > 0 ? (size_t)n : 0;
    }
    return parse_status(line, ret_status);
}

static bool is_path(const char *path)
{
    for (const char *c = path; *c; c++)
        if (*c <= ' ' || *c == 0x7f)
            return false;
    return path[0] == '/';
}

int http_get_status(const char *address, const char *path, unsigned timeout_ms,
                    unsigned *ret_status)
{
    const int64_t deadline = now_ms() + timeout_ms;
    struct sockaddr_storage peer;
    socklen_t peer_bytes;
    if (http_address_parse(address, &peer, &peer_bytes) < 0 || !is_path(path))
        return -EINVAL;
    const int fd = socket(peer.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int rc = connect_within(fd, &peer, peer_bytes, deadline);
    if (rc == 0)
        rc = send_request(fd, address, path, deadline);
    if (rc == 0)
        rc = read_status(fd, deadline, ret_status);
    close(fd);
    return rc;
}
