/* state.h - what a service knows, in a SQLite file, so that it goes on after any death.
 *
 * A state directory belongs to one service: `state.db` beside SQLite's own files, and `state.lock`,
 * which the kernel releases however the service ends. The file holds pieces of bytes by model and
 * part (served/keep.h) and the service's clock; it knows nothing of what is in the pieces.
 *
 * Every transaction is written to the disk before it counts (WAL, synchronous=FULL), so that the
 * end of the process loses what came after the last one, and the end of the machine no more than
 * that. Each piece carries a hash, and what does not match it is not restored. Not thread-safe: a
 * store has one owner at a time. */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include "system/clock.h"
#include "text/error.h"
#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATE_FILE "state.db"

struct state_store;

/* Makes the directory (for this user alone) where it is missing, and opens the store in it. A file
 * that is damaged is renamed to state.db.damaged, and a new one begun: *ret_store then has a
 * warning. 0 with *ret_store; with a sentence: -EBUSY (another process has it), -EPROTO (of a newer
 * version), or another error of the directory or file. */
NODISCARD int state_open(const char *directory, struct state_store **ret_store,
                         struct error *error);
/* What was wrong when it was opened, in a sentence; "" if nothing was. */
const char *state_warning(const struct state_store *store);
/* Writes what SQLite holds back into the file. NULL is fine. */
void state_close(struct state_store *store);

/* 0; -ENOENT (nothing was saved yet), or -EIO. */
NODISCARD int state_read_clock(struct state_store *store, struct clock_mark *ret_mark);

/* Takes a piece (bytes NULL: one is damaged or missing here); 0 to go on. */
typedef int (*state_told)(void *context, unsigned part, bool whole, const void *bytes, size_t size);
/* Reads the pieces of a model, by part and in the order in which they were written. 0; -ENOENT
 * (nothing is saved of it), -ESTALE (another identity), an error of the file, or what `told`
 * returned other than 0. */
NODISCARD int state_read_model(struct state_store *store, const char *name, uint64_t identity,
                               state_told told, void *context);

struct state_piece {
    unsigned part;
    bool whole; /* replaces what there is of the part; else it comes after that */
    const void *bytes;
    size_t size;
};

/* A transaction: begin, pieces of any number of models, commit. After a failure the store is as it
 * was before state_begin(). 0, or a negative errno with a sentence. */
NODISCARD int state_begin(struct state_store *store, struct error *error);
/* all: whatever there is of the model goes first. */
NODISCARD int state_write(struct state_store *store, const char *name, uint64_t identity, bool all,
                          const struct state_piece *pieces, size_t count, struct error *error);
NODISCARD int state_commit(struct state_store *store, struct error *error);

/* Size of the files. */
uint64_t state_bytes(const struct state_store *store);

/* --- for people; state/manage.c --- */

struct state_model {
    const char *name;
    int64_t saved_ms; /* wall clock */
    uint64_t bytes, pieces;
};
/* Tells of each model, by name; beside a running service too. 0, or an error with a sentence;
 * -ENOENT if there is no file. */
NODISCARD int state_list(const char *directory,
                         void (*told)(void *context, const struct state_model *model),
                         void *context, struct error *error);
/* Writes a copy in one file, which must not exist; beside a running service too. */
NODISCARD int state_export(const char *directory, const char *file, struct error *error);
/* Replaces the state by such a copy. -EBUSY while a service has it. */
NODISCARD int state_import(const char *directory, const char *file, struct error *error);
/* Forgets a model, or all of them (NULL). *ret_models: how many there were. -EBUSY likewise. */
NODISCARD int state_forget(const char *directory, const char *name, size_t *ret_models,
                           struct error *error);

#endif
