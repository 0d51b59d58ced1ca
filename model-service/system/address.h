/* address.h - "ADDRESS:PORT" as a socket address, and listening on it; numbers only, no name
 * service. */
#ifndef SYSTEM_ADDRESS_H
#define SYSTEM_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* "[", 45 characters of IPv6, "]:", 5 digits, NUL. */
#define HTTP_ADDRESS_BYTES 64

/* "127.0.0.1:8000", "[::1]:8000"; "localhost" stands for 127.0.0.1. 0 or -EINVAL. */
int http_address_parse(const char *text, struct sockaddr_storage *ret_address,
                       socklen_t *ret_bytes);

/* 127.0.0.0/8, ::1, and the former mapped into IPv6. */
bool http_address_is_loopback(const struct sockaddr *address);

/* Opens a listening, non-blocking TCP socket; text: the address as bound, also when port 0 was
 * asked. 0, -EINVAL (does not parse), -EADDRINUSE, -EACCES, -EADDRNOTAVAIL, -EMFILE, ... */
int http_listen(const char *address, int *ret_fd, char text[HTTP_ADDRESS_BYTES]);

#endif
