/* keeper.h - keeps what the models know in the state directory: every second, and at the end.
 *
 * The keeper has a thread of its own, and no request waits for the disk, but for a scrape, and that
 * for a moment. When the disk fails, the service goes on, says so in the log and in
 * model_state_kept, and tries again. */
#ifndef SERVICE_KEEPER_H
#define SERVICE_KEEPER_H

#include "service/model_set.h"
#include "text/error.h"
#include "text/nodiscard.h"

#include <stdbool.h>
#include <stdint.h>

struct keeper;

/* Opens the directory, restores what it has of the models and keeps them from now on. Before
 * anybody is served. registry: borrowed for the keeper's life. 0 with *ret_keeper, also when the
 * disk fails: the log then says that no state is kept. With a sentence: -EBUSY (another service has
 * the directory), -ENOMEM. */
NODISCARD int keeper_start(struct model_registry *registry, const char *directory,
                           struct keeper **ret_keeper, struct error *error);
/* Keeps the models a last time, once nobody is served any more. NULL is fine. */
void keeper_stop(struct keeper *keeper);

/* Waits until what the models know now is on the disk: what is told after that is not forgotten by
 * a kill. One transaction serves all who wait. Not while the disk fails, and at most this long, so
 * that a slow disk holds up scrapes for a moment only. Thread-safe. */
#define KEEPER_SETTLE_MS 500
void keeper_settle(struct keeper *keeper);

struct keeper_report {
    bool kept;        /* what the models know is on the disk, but for the last seconds */
    int64_t saved_ms; /* wall clock; when that was so last, 0: never */
    uint64_t bytes;   /* of the files */
};
/* Thread-safe. */
void keeper_read(const struct keeper *keeper, struct keeper_report *ret_report);

#endif
