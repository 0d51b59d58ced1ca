/* loader.h - the rows of a reference file into the columns of a check, by several threads. */
#ifndef CHECK_LOADER_H
#define CHECK_LOADER_H

#include "check/check.h"

struct check_loader {
    struct check *check;
    size_t rows, capacity; /* of the columns' values */
    bool again;            /* values were not stored, so the file must be read once more */
    bool second;           /* this is the second reading, and the types are known */
};

/* Reads the file: its header chooses the columns, its good rows are stored in their order, and the
 * kinds of the columns are counted. 0, or an error with check->error. */
NODISCARD int check_loader_read(struct check_loader *loader);
/* Whether the reference is a regular file; a pipe is gone when it has been read. */
bool check_can_read_again(const struct check *check);
/* The error of a file that is another one in the second reading: -EBADMSG. */
int check_fail_changed(struct check *check);

#endif
