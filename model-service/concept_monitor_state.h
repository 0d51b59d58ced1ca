/* concept_monitor_state.h - what a concept monitor knows as bytes, to go on after a restart.
 *
 * The saved monitor and the events that followed make one that goes on as if it had never stopped.
 * All bytes are the same on every machine (little-endian) and any bytes are safe. Times are the
 * caller's clock, which must go on where they were saved. Ids are kept as they came. */
#ifndef CONCEPT_MONITOR_STATE_H
#define CONCEPT_MONITOR_STATE_H

#include "concept_monitor.h"
#include "encode/buffer.h"

/* Of what the monitor was created with and what its state depends on. */
uint64_t concept_monitor_identity(const struct concept_monitor *monitor);

/* Appends to `out`, whose error sticks. */
void concept_monitor_save(const struct concept_monitor *monitor, struct buffer *out);
/* 0; -EINVAL (not such a state, or of another spec), -ENOMEM. On failure some parts may be restored
 * and others not. */
NODISCARD int concept_monitor_restore(struct concept_monitor *monitor, const void *bytes,
                                      size_t size);

enum concept_event_kind {
    CONCEPT_EVENT_PREDICTED, /* concept_monitor_predicted() */
    CONCEPT_EVENT_LABEL,     /* concept_monitor_label() */
    CONCEPT_EVENT_DIRECT,    /* concept_monitor_direct() */
    CONCEPT_EVENT_KINDS
};

/* The arguments of the call; what it does not take is ignored. */
struct concept_event {
    enum concept_event_kind kind;
    const char *id;
    size_t id_bytes;
    double prediction, label;
    const double *scores; /* as of concept_monitor_predicted(), or NULL */
    int64_t now_ms;
};

void concept_monitor_record(const struct concept_monitor *monitor,
                            const struct concept_event *event, struct buffer *out);
/* Makes the calls again. 0, or -EINVAL (damaged; the events before it have been made). */
NODISCARD int concept_monitor_replay(struct concept_monitor *monitor, const void *bytes,
                                     size_t size);

#endif
