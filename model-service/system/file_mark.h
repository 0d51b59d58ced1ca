/* file_mark.h - whether a file has the content it had. */
#ifndef SYSTEM_FILE_MARK_H
#define SYSTEM_FILE_MARK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct file_mark {
    bool known; /* false: the file could not be read, or there is none */
    /* where all of these are the same, the file is not read again */
    uint64_t device, inode, size;
    struct timespec modified, changed;
    uint64_t hash; /* FNV-1a of the content: against accidents, not against an adversary */
};

/* Reads the file, but not where `before` (or NULL) was taken of it as it is. path NULL: no file. */
struct file_mark file_mark_read(const char *path, const struct file_mark *before);

/* Both known and of the same content. */
bool file_mark_same(const struct file_mark *a, const struct file_mark *b);

#endif
