/* linger.h - the server's thread beside its workers: closes connections whose client may still
 * be sending, and calls a function once a second.
 *
 * Closing a socket with unread data resets the connection, and the reset may overtake the answer.
 * Instead, the sending side is closed and what arrives is read and dropped, for a short while. */
#ifndef HTTP_LINGER_H
#define HTTP_LINGER_H

#include "text/nodiscard.h"

/* Connections held at once; one more takes the place of the oldest. */
#define HTTP_LINGER_CONNECTIONS 64
/* As long as common servers wait for a client to notice. */
#define HTTP_LINGER_SECONDS 5

struct http_linger;

/* Starts the thread; tick runs on it. 0, -ENOMEM, -EMFILE, -EAGAIN. */
NODISCARD int http_linger_create(void (*tick)(void *context), void *context,
                                 struct http_linger **ret_linger);
/* From any thread. fd stays the caller's to close: a duplicate of it is taken. */
void http_linger_take(struct http_linger *linger, int fd);
/* Closes all connections. http_linger_take() must not run meanwhile or afterwards. NULL is fine. */
void http_linger_destroy(struct http_linger *linger);

#endif
