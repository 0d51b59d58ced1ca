/* drift_merge.h - a detector's rows seen in parts, by several threads at once. */
#ifndef DRIFT_MERGE_H
#define DRIFT_MERGE_H

#include "drift_detector.h"

/* A detector of the same references and window that has seen nothing. It takes rows
 * (detector_add_rows()), and is merged and destroyed; it has no verdicts of its own. It borrows the
 * references, so the detector must outlive it. 0 or -ENOMEM. */
NODISCARD int detector_fork(const struct detector *detector, struct detector **ret_fork);

/* Adds the rows that the fork has seen, as if they came after the detector's own. In a window of
 * all rows the order makes no difference, not even in the last bit. 0; -EINVAL: not its fork, or
 * more rows together than a window can hold. */
NODISCARD int detector_merge(struct detector *detector, const struct detector *fork);

#endif
