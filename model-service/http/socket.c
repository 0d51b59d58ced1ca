/* socket.c - reads from and writes to the socket of a connection. */
#include "http/connection.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

ssize_t http_socket_read(struct connection *connection, char *room, size_t bytes)
{
    ssize_t n = -1;
    if (connection->ended)
        return -EPIPE;
    if (!connection->readable)
        return 0;
    do
        n = recv(connection->fd, room, bytes, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        /* The next bytes are told as an event; the end that has been told already is not. */
        connection->readable = (size_t)n == bytes || connection->hung;
        http_progress_moved(&connection->progress);
        return n;
    }
    connection->readable = false;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    connection->ended = true;
    return -EPIPE;
}

bool http_socket_read_input(struct connection *connection)
{
    const ssize_t n = http_socket_read(connection, connection->input + connection->input_bytes,
                                       connection->server->input_room - connection->input_bytes);
    if (n < 0)
        http_connection_close(connection);
    if (n <= 0)
        return false;
    connection->input_bytes += (size_t)n;
    return true;
}

ssize_t http_socket_write(struct connection *connection, const struct iovec *pieces, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces,
                             .msg_iovlen = (size_t)count};
    ssize_t n = -1;
    do
        n = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0) {
        http_progress_moved(&connection->progress);
        return n;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return -EPIPE;
    connection->writable = false;
    return 0;
}

bool http_socket_has_unread(const struct connection *connection)
{
    int unread = 0;
    return ioctl(connection->fd, FIONREAD, &unread) == 0 && unread > 0;
}
