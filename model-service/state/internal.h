/* internal.h - the store, for state/ alone. */
#ifndef STATE_INTERNAL_H
#define STATE_INTERNAL_H

#include "state/state.h"

#include <sqlite3.h>

#define STATE_PATH_BYTES 4096
/* Of PRAGMA user_version. A change of the tables, or one of the pieces that an older program would
 * take for damage, raises it and adds a step to open.c's table. */
#define STATE_VERSION 2

struct state_store {
    sqlite3 *database;
    int lock; /* file descriptor; -1: none */
    char path[STATE_PATH_BYTES];
    struct error warning;
};

/* 0, or -ENAMETOOLONG. */
int state_path(char path[STATE_PATH_BYTES], const char *directory, const char *file,
               struct error *error);
/* What SQLite says, as an errno and a sentence about the file. */
int state_refuse(struct state_store *store, int result, struct error *error);
int state_errno(int result);
/* Runs statements without results. 0 or a negative errno. */
int state_run(struct state_store *store, const char *sql);
/* Opens the file only, without a lock; flags: of sqlite3_open_v2(). Checks that it is a state of a
 * version this program knows. */
int state_open_file(struct state_store *store, int flags, struct error *error);
/* A checksum of a piece. */
uint64_t state_hash(const void *bytes, size_t size);

#endif
