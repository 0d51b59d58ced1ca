/* change_state.h - what a monitor of changes knows as bytes, to go on after a restart.
 *
 * The bytes hold the urns of every feature, open pages, times, and the rule that the rows met. They
 * are the same on every machine (little-endian). Times are the caller's clock, which must go on
 * where they were saved. Any bytes are safe. */
#ifndef CHANGE_STATE_H
#define CHANGE_STATE_H

#include "change_monitor.h"
#include "encode/buffer.h"

#include <stddef.h>

/* Appends to `out`, whose error sticks. About 2 KiB for each numeric feature, and 36 bytes for each
 * category of the others. */
void change_monitor_save(const struct change_monitor *monitor, struct buffer *out);

/* Into a monitor of the same features. A feature whose urns are of another order of the reference,
 * or whose bytes are damaged, begins anew. The rule becomes that of the bytes, so that rows which
 * are replayed meet the rule that they met: change_monitor_retune() sets it back.
 * *ret_anew: how many features begin anew. 0; -EINVAL (not such bytes: unchanged), -ENOMEM. */
NODISCARD int change_monitor_restore(struct change_monitor *monitor, const void *bytes, size_t size,
                                     size_t *ret_anew);

#endif
