/* address.c - "ADDRESS:PORT" as a socket address, and listening on it; numbers only, no name
 * service. */
#include "system/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int parse_port(const char *text, uint16_t *ret_port)
{
    unsigned port = 0;
    const size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits])
        return -EINVAL;
    for (size_t i = 0; i < digits; i++)
        port = port * 10 + (unsigned)(text[i] - '0');
    if (port > UINT16_MAX)
        return -EINVAL;
    *ret_port = (uint16_t)port;
    return 0;
}

static int parse_ipv4(const char *host, uint16_t port, struct sockaddr_storage *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &in.sin_addr) != 1)
        return -EINVAL;
    memcpy(address, &in, sizeof(in));
    return (int)sizeof(in);
}

static int parse_ipv6(const char *host, uint16_t port, struct sockaddr_storage *address)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET6, host, &in.sin6_addr) != 1)
        return -EINVAL;
    memcpy(address, &in, sizeof(in));
    return (int)sizeof(in);
}

int http_address_parse(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_bytes)
{
    const bool bracket = text[0] == '[';
    const char *colon = strrchr(text, ':');
    struct sockaddr_storage address = {0};
    char host[HTTP_ADDRESS_BYTES];
    uint16_t port;
    if (!colon || parse_port(colon + 1, &port) < 0)
        return -EINVAL;
    size_t length = (size_t)(colon - text);
    if (bracket) {
        if (length < 2 || text[length - 1] != ']')
            return -EINVAL;
        text++;
        length -= 2;
    }
    if (length >= sizeof(host))
        return -EINVAL;
    memcpy(host, text, length);
    host[length] = '\0';
    const int bytes = bracket ? parse_ipv6(host, port, &address) : parse_ipv4(host, port, &address);
    if (bytes < 0)
        return bytes;
    *ret_address = address;
    *ret_bytes = (socklen_t)bytes;
    return 0;
}

static void address_format(const struct sockaddr_storage *address, char text[HTTP_ADDRESS_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "";
    if (address->ss_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof(in));
        inet_ntop(AF_INET6, &in.sin6_addr, host, sizeof(host));
        snprintf(text, HTTP_ADDRESS_BYTES, "[%s]:%u", host, ntohs(in.sin6_port));
    } else {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
        snprintf(text, HTTP_ADDRESS_BYTES, "%s:%u", host, ntohs(in.sin_port));
    }
}

static int bind_and_listen(int fd, struct sockaddr_storage *address, socklen_t bytes)
{
    const int yes = 1;
    /* A restart must not wait for connections of the previous process to time out. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        bind(fd, (const struct sockaddr *)address, bytes) < 0 || listen(fd, SOMAXCONN) < 0 ||
        getsockname(fd, (struct sockaddr *)address, &bytes) < 0)
        return -errno;
    return 0;
}

bool http_address_is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
        return ntohl(four->sin_addr.s_addr) >> 24 == 127;
    }
    if (address->sa_family == AF_INET6) {
        const struct in6_addr *six =
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == 127);
    }
    return false;
}

int http_listen(const char *address, int *ret_fd, char text[HTTP_ADDRESS_BYTES])
{
    struct sockaddr_storage local;
    socklen_t bytes;
    int rc = http_address_parse(address, &local, &bytes);
    if (rc < 0)
        return rc;
    const int fd = socket(local.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    rc = bind_and_listen(fd, &local, bytes);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    address_format(&local, text);
    *ret_fd = fd;
    return 0;
}
