/* internal.h - a served model's structure, for the files of served/ alone. */
#ifndef SERVED_INTERNAL_H
#define SERVED_INTERNAL_H

#include "encode/buffer.h"
#include "served/definition.h"
#include "served/history.h"
#include "served/keep.h"
#include "served/measures.h"
#include "served/model.h"
#include "served/parts.h"
#include "served/past.h"
#include "served/traffic.h"

#include "concept_monitor_state.h"

#include <pthread.h>
#include <stdatomic.h>

/* What has happened since it was kept last (keep.c), guarded by the mu of what it stands beside. */
struct model_journal {
    bool on;    /* somebody keeps it */
    bool whole; /* it would be too long: everything is kept next time, and nothing noted */
    struct buffer bytes;
};

/* The windows, and the urns and detectors of change that are fed with the same rows. */
struct guarded_windows {
    pthread_mutex_t mu;
    struct detector *detector;      /* guarded by mu, except for detector_cell() */
    struct change_monitor *changes; /* guarded by mu */
    struct model_streams streams;   /* their detectors are guarded by mu, the rest is const */
    struct model_journal journal;
};

struct guarded_labels {
    pthread_mutex_t mu; /* never held together with the windows' */
    struct concept_monitor *monitor;
    struct model_journal journal;
};

/* What is on disk; belongs to the thread that keeps the models. */
struct model_keeping {
    uint64_t whole_bytes[KEPT_PARTS], journal_bytes[KEPT_PARTS];
    uint64_t hash[KEPT_PARTS]; /* of what was kept whole last; 0: nothing */
    bool replays;              /* rows are replayed, by the rule of changes that they met */
    struct change_rule rule;   /* the configured one, for afterwards */
};

struct guarded_history {
    pthread_mutex_t mu;            /* never held together with another */
    struct model_history *history; /* guarded by mu, as what follows */
    struct model_journal journal; /* of the history alone: the others begin anew with the service */
    struct model_measures *measures;
    struct model_traffic *traffic;
    struct model_past *past;
    /* belong to the thread that calls served_model_follow() */
    uint64_t seen_labels;
    int64_t performance_ms;
};

struct model_counters {
    _Atomic uint64_t sequence; /* predictions begun */
    _Atomic uint64_t simulated, rejected, simulations;
    _Atomic uint64_t *predictions; /* [classes + 1], or one of a regression */
    _Atomic uint64_t latency[LATENCY_BUCKETS + 1];
    _Atomic uint64_t latency_sum_ns;
};

struct served_model {
    atomic_size_t references;
    struct model_definition definition; /* const */
    struct model_counters counters;
    struct guarded_windows windows;
    struct guarded_labels labels;
    struct guarded_history history;
    struct model_keeping keeping;
};

/* --- windows.c --- */

/* What the detector sees of a prediction: at most a class or a value, and a score. */
#define MODEL_MAX_PREDICTION_VALUES 2
/* The values of the detector's prediction features, in their order; missing: nobody predicted.
 * Returns how many. */
size_t prediction_values(const struct model_definition *definition,
                         const struct observed_prediction *prediction,
                         struct value values[MODEL_MAX_PREDICTION_VALUES]);
/* One row: takes the lock, adds the row, reads scores and verdict. */
struct detector_verdict windows_observe(struct served_model *model, const struct value *inputs,
                                        const struct observed_prediction *prediction,
                                        double *scores);

/* --- streams.c --- */

/* The cells that a row, or a block of rows, has for the stream's feature. Holding the windows' mu.
 */
void model_streams_feed(const struct model_streams *streams, size_t i,
                        const union detector_cell *cells, size_t count, int64_t now_ms);
/* The feature of the detector's row that a stream watches. */
size_t model_streams_feature(const struct model_streams *streams, size_t i);
struct change_watch *model_streams_watch(const struct model_streams *streams, size_t i);

/* --- trace.c --- */

/* 0 or -ENOMEM, with nothing to finish. */
NODISCARD int trace_init(struct guarded_history *trace, size_t features);
void trace_finish(struct guarded_history *trace);

/* --- labels.c --- */

/* Remembers a prediction of the model's own. outputs: as the scorer gave them. */
void labels_remember_own(struct served_model *model, const struct prediction *prediction,
                         const double *outputs);

/* --- keep.c --- */

/* Notes rows that the windows have taken, an event of the labels, or what the history has taken;
 * holding the mu of it. Nothing happens while nobody keeps the model. */
void journal_rows(struct served_model *model, const union detector_cell *cells, size_t rows,
                  size_t stride, const size_t *feature_rows, int64_t now_ms);
void journal_event(struct served_model *model, const struct concept_event *event);
void journal_history(struct served_model *model);
/* Rows of the journal so far met another rule: everything is kept next time. Holding the mu. */
void windows_set_change_rule(struct guarded_windows *windows, const struct change_rule *rule);

/* --- counters.c --- */

/* class_index: the number of classes for a prediction that names none of them; 0 of a regression.
 */
void counters_add_prediction(struct model_counters *counters, size_t class_index);
void counters_add_latency(struct model_counters *counters, uint64_t nanoseconds);

#endif
