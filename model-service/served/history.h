/* history.h - how strongly each feature of a model has drifted over the last week, and its
 * incidents: a bounded memory that is filled every few seconds from the model's report.
 *
 * A strength is a feature's largest score in units of that score's threshold: above 1 it exceeds
 * it. Of each interval the largest one is kept, so that a short peak stays visible. Per feature the
 * series take HISTORY_FINE + HISTORY_COARSE floats (9.5 kB). Not thread-safe: the owner locks. */
#ifndef SERVED_HISTORY_H
#define SERVED_HISTORY_H

#include "drift_detector.h"
#include "encode/buffer.h"
#include "text/nodiscard.h"

/* 10 s for an hour, 5 min for a week. */
#define HISTORY_FINE_MS   10000
#define HISTORY_FINE      360
#define HISTORY_COARSE_MS 300000
#define HISTORY_COARSE    2016

/* Remembered incidents, the last ones, and features of each, the first ones to drift. */
#define HISTORY_INCIDENTS         64
#define HISTORY_INCIDENT_FEATURES 20

struct incident_feature {
    size_t feature;
    int64_t onset_ms, peak_ms; /* of clock_tick_ms() */
    double peak;               /* strength */
};

struct incident {
    uint64_t id;        /* the second it was opened, since 1970; unique within the model */
    int64_t opened_ms;  /* onset of its first feature */
    int64_t drifted_ms; /* when an input was last seen drifted */
    bool running;       /* some input is drifted now */
    size_t features;    /* that have drifted in it; the first HISTORY_INCIDENT_FEATURES are kept */
    struct incident_feature feature[HISTORY_INCIDENT_FEATURES]; /* in order of onset */
};

struct history_point {
    int64_t ms; /* when the interval began */
    double strength;
};

struct model_history;

/* NULL if allocation fails. */
struct model_history *model_history_create(size_t features);
void model_history_destroy(struct model_history *history);

/* Takes what the report says as of now_ms. wall_of: clock_wall_of(), by which incidents get
 * their ids.
 * O(features). */
void model_history_add(struct model_history *history, const struct detector_report *report,
                       int64_t now_ms, int64_t (*wall_of)(int64_t tick_ms));

/* The points of a feature, oldest first, without intervals in which it had no score; the last one
 * may still grow. points: room for HISTORY_FINE or HISTORY_COARSE. Returns how many. */
size_t model_history_fine(const struct model_history *history, size_t feature,
                          struct history_point *points);
size_t model_history_coarse(const struct model_history *history, size_t feature,
                            struct history_point *points);

/* Copies the incidents, newest first; incidents: room for HISTORY_INCIDENTS. */
size_t model_history_incidents(const struct model_history *history, struct incident *incidents);

/* --- as bytes, the same on every machine; history_state.c --- */

/* Append to `out`, whose error sticks: all of it, or what the last model_history_add() brought
 * (4 bytes per feature, and the last incident where it changed). */
void model_history_save(const struct model_history *history, struct buffer *out);
void model_history_record(const struct model_history *history, struct buffer *out);
/* All of it, and then the records that followed, in their order. 0, or -EINVAL (not such bytes, or
 * of another number of features; the history is empty then, or ends before the record). Any bytes
 * are safe. */
NODISCARD int model_history_restore(struct model_history *history, const void *bytes, size_t size);
NODISCARD int model_history_replay(struct model_history *history, const void *bytes, size_t size);

#endif
