/* gzip.h - whether a client prefers gzip (RFC 9110, section 12.5.3), and compression. */
#ifndef HTTP_GZIP_H
#define HTTP_GZIP_H

#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>

/* Weights in thousandths; -1 where the client names none. */
struct gzip_preference {
    int gzip, any, identity;
};

#define GZIP_PREFERENCE_NONE                                                                       \
    (struct gzip_preference)                                                                       \
    {                                                                                              \
        -1, -1, -1                                                                                 \
    }

/* Takes one Accept-Encoding field value in; to be called for each. A weight that does not parse
 * counts as 0. */
void gzip_preference_read(struct gzip_preference *preference, const char *accept_encoding);
/* Whether gzip is acceptable and the plain body is not preferred to it. */
bool gzip_preferred(const struct gzip_preference *preference);

/* 0 with a malloc'd *ret_compressed, or -ENOMEM. bytes: 1 to UINT_MAX / 2. Reentrant. */
NODISCARD int gzip_compress(const char *plain, size_t bytes, char **ret_compressed,
                            size_t *ret_bytes);

#endif
