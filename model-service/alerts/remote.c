/* remote.c - a request to another program. */
#include "alerts/remote.h"

#include "system/clock.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_BYTES 1024
#define PIECE_BYTES  16384

/* --- address --- */

/* "[::1]:80", "host:80", "host". */
static int split_host(const char *text, size_t bytes, struct remote *remote)
{
    const bool bracket = bytes > 0 && text[0] == '[';
    const char *end = bracket ? memchr(text, ']', bytes) : memchr(text, ':', bytes);
    const char *begin = text + bracket;
    if (bracket && !end)
        return -EINVAL;
    if (!end)
        end = text + bytes;
    const char *port = end + bracket;
    const size_t host_bytes = (size_t)(end - begin), port_bytes = bytes - (size_t)(port - text);
    if (host_bytes == 0 || host_bytes >= sizeof(remote->host) || port_bytes == 1 ||
        port_bytes > sizeof(remote->port) || (port_bytes > 0 && port[0] != ':'))
        return -EINVAL;
    for (size_t i = 1; i < port_bytes; i++)
        if (!isdigit((unsigned char)port[i]))
            return -EINVAL;
    memcpy(remote->host, begin, host_bytes);
    remote->host[host_bytes] = '\0';
    snprintf(remote->port, sizeof(remote->port), "%.*s", port_bytes ? (int)port_bytes - 1 : 2,
             port_bytes ? port + 1 : "80");
    return 0;
}

int remote_parse(const char *text, struct remote *ret_remote)
{
    struct remote remote = {.host = ""};
    if (strncmp(text, "http://", 7) == 0)
        text += 7;
    for (const char *c = text; *c; c++)
        if (!isgraph((unsigned char)*c) || strchr("@?#\\\"'<>", *c))
            return -EINVAL;
    const size_t bytes = strcspn(text, "/");
    size_t prefix_bytes = strlen(text + bytes);
    while (prefix_bytes > 0 && text[bytes + prefix_bytes - 1] == '/')
        prefix_bytes--;
    if (bytes >= sizeof(remote.named) || prefix_bytes >= sizeof(remote.prefix) ||
        split_host(text, bytes, &remote) < 0)
        return -EINVAL;
    memcpy(remote.named, text, bytes);
    memcpy(remote.prefix, text + bytes, prefix_bytes);
    *ret_remote = remote;
    return 0;
}

const char *remote_error(int rc)
{
    switch (rc) {
    case -ECONNREFUSED:
        return "nothing answers there";
    case -ETIMEDOUT:
        return "it does not answer in time";
    case -EMSGSIZE:
        return "its answer is too long";
    case -EPROTO:
        return "its answer is not the expected one";
    default:
        return "there is not enough memory";
    }
}

/* --- connection --- */

static int64_t now_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

/* Waits for the events until the deadline: 0 or -ETIMEDOUT. */
static int wait_until(int fd, short events, int64_t deadline)
{
    for (;;) {
        const int64_t left = deadline - now_ms();
        struct pollfd poller = {.fd = fd, .events = events};
        const int ready = left > 0 ? poll(&poller, 1, (int)left) : 0;
        if (ready != -1 || errno != EINTR)
            return ready > 0 ? 0 : -ETIMEDOUT;
    }
}

static int connect_one(const struct addrinfo *address, int64_t deadline, int *ret_fd)
{
    int error = 0;
    socklen_t error_bytes = sizeof(error);
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -ECONNREFUSED;
    int rc = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : -errno;
    if (rc == -EINPROGRESS) {
        rc = wait_until(fd, POLLOUT, deadline);
        if (rc == 0 &&
            (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_bytes) < 0 || error != 0))
            rc = -ECONNREFUSED;
    } else if (rc < 0) {
        rc = -ECONNREFUSED;
    }
    if (rc < 0)
        close(fd);
    else
        *ret_fd = fd;
    return rc;
}

static int connect_to(const struct remote *remote, int64_t deadline, int *ret_fd)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *addresses;
    int rc = -ECONNREFUSED;
    if (getaddrinfo(remote->host, remote->port, &hints, &addresses) != 0)
        return rc;
    for (const struct addrinfo *a = addresses; a && rc != 0 && rc != -ETIMEDOUT; a = a->ai_next)
        rc = connect_one(a, deadline, ret_fd);
    freeaddrinfo(addresses);
    return rc;
}

static int send_all(int fd, const char *bytes, size_t count, int64_t deadline)
{
    for (size_t done = 0; done < count;) {
        const int rc = wait_until(fd, POLLOUT, deadline);
        if (rc < 0)
            return rc;
        const ssize_t n = send(fd, bytes + done, count - done, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -EPROTO;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* HTTP/1.0, so that the answer comes in one piece and the connection ends with it. */
static int send_request(int fd, const struct remote *remote, const struct remote_request *request,
                        int64_t deadline)
{
    char header[HEADER_BYTES];
    const int bytes = snprintf(header, sizeof(header),
                               "%s %s%s HTTP/1.0\r\nHost: %s\r\nAccept: application/json\r\n"
                               "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                               request->method, remote->prefix, request->path, remote->named,
                               request->body ? request->body_bytes : 0);
    if (bytes < 0 || (size_t)bytes >= sizeof(header))
        return -EPROTO;
    int rc = send_all(fd, header, (size_t)bytes, deadline);
    if (rc == 0 && request->body)
        rc = send_all(fd, request->body, request->body_bytes, deadline);
    return rc;
}

/* Until the end of the connection. */
static int receive_all(int fd, size_t most_bytes, int64_t deadline, struct buffer *answer)
{
    for (;;) {
        const int rc = wait_until(fd, POLLIN, deadline);
        if (rc < 0)
            return rc;
        char *piece = buffer_reserve(answer, PIECE_BYTES);
        if (!piece)
            return -ENOMEM;
        const ssize_t n = recv(fd, piece, PIECE_BYTES, 0);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -EPROTO;
        answer->length += n > 0 ? (size_t)n : 0;
        if (answer->length > most_bytes)
            return -EMSGSIZE;
    }
}

/* --- answer --- */

/* The value of a header, or NULL; header: NUL-terminated lines, each begun by "\r\n". */
static const char *header_value(const char *header, const char *name)
{
    const size_t bytes = strlen(name);
    for (const char *line = strstr(header, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, bytes) == 0 && line[2 + bytes] == ':')
            return line + 2 + bytes + 1;
    return NULL;
}

/* answer: NUL-terminated beyond its length. */
static int read_answer(const struct buffer *answer, unsigned *ret_status, struct buffer *body)
{
    char *end = strstr(answer->data, "\r\n\r\n");
    if (!end || strncmp(answer->data, "HTTP/1.", 7) != 0 || strlen(answer->data) < 12)
        return -EPROTO;
    *end = '\0';
    const char *begin = end + 4;
    const size_t bytes = answer->length - (size_t)(begin - answer->data);
    const char *announced = header_value(answer->data, "Content-Length");
    const long status = strtol(answer->data + 9, NULL, 10);
    if (header_value(answer->data, "Transfer-Encoding") || status < 100 || status > 599 ||
        (announced && strtoull(announced, NULL, 10) != bytes))
        return -EPROTO;
    buffer_append(body, begin, bytes);
    *ret_status = (unsigned)status;
    return 0;
}

int remote_ask(const struct remote *remote, const struct remote_request *request,
               unsigned *ret_status, struct buffer *body)
{
    const int64_t deadline = now_ms() + request->timeout_ms;
    struct buffer answer;
    int fd;
    int rc = connect_to(remote, deadline, &fd);
    if (rc < 0)
        return rc;
    buffer_init(&answer, PIECE_BYTES);
    rc = send_request(fd, remote, request, deadline);
    if (rc == 0)
        rc = receive_all(fd, request->most_bytes, deadline, &answer);
    buffer_append_char(&answer, '\0');
    if (rc == 0 && !answer.data)
        rc = -ENOMEM;
    answer.length -= answer.length > 0;
    if (rc == 0)
        rc = read_answer(&answer, ret_status, body);
    buffer_finish(&answer);
    close(fd);
    return rc;
}
