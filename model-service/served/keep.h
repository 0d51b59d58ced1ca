/* keep.h - what a model knows as pieces of bytes, so that somebody can keep it over a restart.
 *
 * A model has five parts. Counters and head are small and kept whole. Windows (with the urns and
 * the detectors that see the same rows), labels and history are large: they are kept whole once in
 * a while, and between that as a journal of what has happened. A model notes its journal while
 * somebody keeps it. served/ knows nothing of disks: service/keeper.c asks for the pieces once a
 * second and state/ stores them.
 *
 * Except for served_model_keep_begin(), served_model_is_kept() and served_model_keep(), which lock,
 * the functions are for the start, before the model serves anybody. */
#ifndef SERVED_KEEP_H
#define SERVED_KEEP_H

#include "encode/buffer.h"
#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct served_model;

/* In the order in which they are restored: the head comes after the windows that it is about. */
enum kept_part { KEPT_WINDOWS, KEPT_HEAD, KEPT_LABELS, KEPT_COUNTERS, KEPT_HISTORY, KEPT_PARTS };

/* A journal is not noted beyond this size; the part is kept whole instead. At 48 bytes a row these
 * are 170 000 rows in a second. */
#define KEPT_JOURNAL_BYTES (8u << 20)
/* A part is kept whole when its journals since the last time exceed its size, or this. */
#define KEPT_LEAST_BYTES (1u << 20)

/* Of name, references, window, classes and the limits of labels: what is kept belongs to models
 * with the same identity. */
uint64_t served_model_identity(const struct served_model *model);

struct kept_piece {
    bool taken; /* there is something to store */
    bool whole; /* it replaces all pieces of the part; else it comes after them */
    struct buffer bytes;
};

/* From now on the model notes its journal; the next pieces are whole unless all was restored. A
 * part of which there was no whole piece is whole next time in any case. */
void served_model_keep_begin(struct served_model *model, bool restored);
bool served_model_is_kept(struct served_model *model);
/* What has changed since the last call, into zeroed pieces. all: everything whole, as after pieces
 * that could not be stored. 0, or -ENOMEM with nothing taken: ask for all next time. */
NODISCARD int served_model_keep(struct served_model *model, bool all,
                                struct kept_piece pieces[KEPT_PARTS]);
void kept_pieces_finish(struct kept_piece pieces[KEPT_PARTS]);

/* A whole piece, or one that comes after it, in the order in which they were taken. 0; 1 (windows
 * whose evidence of changes is not there, or of another order of the reference: it begins anew);
 * -EINVAL (not such a piece, or damaged), -ENOMEM. After a failure the part may be restored in
 * part. */
NODISCARD int served_model_restore(struct served_model *model, enum kept_part part, bool whole,
                                   const void *bytes, size_t size);

#endif
