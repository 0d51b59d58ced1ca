/* drift_state.h - what a detector knows as bytes, to go on after a restart.
 *
 * There are three kinds of bytes. The windows are everything that the rows have left, and large.
 * The head is small: verdicts, onsets, totals. A record of rows is what the windows have taken
 * since they were saved. Saved windows, the records that followed, and the last head together make
 * a detector that goes on as if it had never stopped.
 *
 * All are the same on every machine (little-endian). Times are the caller's clock, which must go on
 * where they were saved. Any bytes are safe. */
#ifndef DRIFT_STATE_H
#define DRIFT_STATE_H

#include "drift_detector.h"
#include "encode/buffer.h"

#include <stddef.h>
#include <stdint.h>

/* Of the references, the window and the methods: state is restored where it is the same. */
uint64_t detector_identity(const struct detector *detector);

/* Append to `out`, whose error sticks. */
void detector_save_windows(const struct detector *detector, struct buffer *out);
void detector_save_head(const struct detector *detector, struct buffer *out);
/* 0; -EINVAL (not such a state, or of another reference or window), -ENOMEM. The detector is
 * untouched on failure. */
NODISCARD int detector_restore_windows(struct detector *detector, const void *bytes, size_t size);
NODISCARD int detector_restore_head(struct detector *detector, const void *bytes, size_t size);

/* Most rows of one record. */
#define DETECTOR_RECORD_ROWS 64u

/* Appends a record of rows. Arguments as of detector_add_rows(); feature_rows is not NULL.
 * rows: 1 to DETECTOR_RECORD_ROWS. */
void detector_record_rows(const struct detector *detector, const union detector_cell *cells,
                          size_t rows, size_t stride, const size_t *feature_rows, int64_t now_ms,
                          struct buffer *out);

/* Told about each record that is replayed: row r of feature f is at cells[f * stride + r]. */
typedef void (*detector_replayed)(void *context, const union detector_cell *cells, size_t rows,
                                  size_t stride, const size_t *feature_rows, int64_t now_ms);

/* Adds the rows of all records. 0; -EINVAL (damaged; the records before it have been added),
 * -ENOMEM. */
NODISCARD int detector_replay(struct detector *detector, const void *bytes, size_t size,
                              detector_replayed told, void *context);

#endif
