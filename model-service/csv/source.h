/* source.h - the bytes of a file, decompressed if it is compressed with gzip; for csv/block.c. */
#ifndef CSV_SOURCE_H
#define CSV_SOURCE_H

#include "text/error.h"
#include "text/nodiscard.h"

#include <stddef.h>
#include <sys/types.h>

struct csv_source;

/* path: borrowed. 0 or an error with its sentence, as csv_open(). */
NODISCARD int csv_source_open(const char *path, struct csv_source **ret_source,
                              struct error *error);
void csv_source_close(struct csv_source *source); /* accepts NULL */
/* Up to `room` bytes, at least 1; 0 at the end; or an error: of the system, or -EBADMSG for
 * compressed data that are damaged or cut short. */
NODISCARD ssize_t csv_source_read(struct csv_source *source, char *text, size_t room,
                                  struct error *error);

#endif
