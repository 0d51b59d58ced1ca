/* model.h - one model as it is served: scorer, drift detector, labels and counters.
 *
 * Thread-safe: everything but the windows and the labels is const or atomic; each of these two has
 * a lock of its own, held for one observation or label, one block of them, or one report.
 * Reference-counted, so that a request can finish on a model that a reload has replaced. */
#ifndef SERVED_MODEL_H
#define SERVED_MODEL_H

#include "change_monitor.h"
#include "concept_monitor.h"
#include "config/config.h"
#include "data_generator.h"
#include "drift_detector.h"
#include "drift_picture.h"
#include "row/observation.h"
#include "row/row.h"
#include "score/scorer.h"
#include "text/error.h"
#include "text/nodiscard.h"
#include "text/number.h"

#include <stdbool.h>
#include <stdint.h>

/* Bounds every per-request array: 8 KiB of doubles. */
#define SERVED_MODEL_MAX_FEATURES CONFIG_MAX_FEATURES
/* A row of the detector: the features, then the prediction and its score. */
#define SERVED_MODEL_MAX_ROW (SERVED_MODEL_MAX_FEATURES + 2)

/* The built-in synthetic model (docs/api.md). */
#define BUILTIN_MODEL_NAME   "synthetic"
#define BUILTIN_SEED         42
#define BUILTIN_FEATURES     5
#define BUILTIN_REFERENCE    1000
#define BUILTIN_WINDOW       200
#define BUILTIN_MIN_SAMPLE   50
#define BUILTIN_LABEL_WINDOW 500

/* Upper bounds of the latency buckets, in seconds. */
#define LATENCY_BUCKETS 15
extern const double latency_bounds[LATENCY_BUCKETS];

struct history_facts;
struct history_performance;
struct history_point;
struct incident;
struct traffic_interval;
struct served_model;

/* --- life --- */

/* Room for the beginning of generated prediction ids, with its NUL. */
#define SERVED_MODEL_PREFIX_BYTES 12

struct served_model_settings {
    double warning_override; /* NaN, or the warning threshold to use instead of a model's own */
    const char *id_prefix;   /* of generated prediction ids: shorter than SERVED_MODEL_PREFIX_BYTES,
                                differs from start to start; copied */
    /* is told, in a sentence each, what was accepted but is probably a mistake; or NULL */
    void (*warn)(void *context, const char *sentence);
    void *warn_context;
};

/* Both are in served/build/. error: one sentence, written on failure. 0, -EINVAL, -ENOMEM or an
 * error of the files. The caller holds the first reference. */
NODISCARD int served_model_create_builtin(const struct served_model_settings *settings,
                                          struct served_model **ret_model, struct error *error);
/* config: borrowed for the call. */
NODISCARD int served_model_create(const struct config_model *config,
                                  const struct served_model_settings *settings,
                                  struct served_model **ret_model, struct error *error);
/* Refuses a scorer's file that is missing, or of a kind that only its own framework can run (a
 * pickle, ONNX, PyTorch, ...), with the way to observe such a model's predictions. 0, -ENOENT,
 * -EINVAL, ... */
NODISCARD int served_model_check_file(const char *path, struct error *error);
/* Compares the scorer's predictions with those of a CSV file, made where the model was trained: a
 * column for each feature, and "prediction" (of two classes the probability of the second) or, of
 * more classes, "prediction=CLASS" for each. Equal means within 1e-6, relative to what exceeds 1.
 * 0; -EBADMSG (rows that differ, with how many and the largest; or not such a file), -EINVAL (no
 * scorer), an error of the file, -ENOMEM. */
NODISCARD int served_model_expect(const struct served_model *model, const char *path,
                                  size_t *ret_rows, struct error *error);
struct served_model *served_model_acquire(struct served_model *model);
/* The last one destroys it. NULL is fine. */
void served_model_release(struct served_model *model);

/* Other thresholds, significance, minimum sample, false pages and materiality; windows, evidence
 * and counters stay as they are.
 * config: of the same features. 0, or -EINVAL with error. */
NODISCARD int served_model_retune(struct served_model *model, const struct config_model *config,
                                  const struct served_model_settings *settings,
                                  struct error *error);

/* --- look-ups; const --- */

const char *served_model_name(const struct served_model *model);
const char *served_model_version(const struct served_model *model);
const struct schema *served_model_schema(const struct served_model *model);
bool served_model_simulation_allowed(const struct served_model *model);
/* Whether it predicts itself; without a scorer predictions come with the observations. */
bool served_model_has_scorer(const struct served_model *model);
enum prediction_type served_model_type(const struct served_model *model);
/* 0 for a regression. */
size_t served_model_class_count(const struct served_model *model);
const char *served_model_class_name(const struct served_model *model, size_t i);
/* Index of a feature, or -1. */
int served_model_feature(const struct served_model *model, const char *name);

/* --- predictions and observations --- */

#define SERVED_MODEL_ID_BYTES (OBSERVATION_ID_MAX_BYTES + 1)

struct prediction {
    /* binary: probability of class 1; multi-class: of the predicted class; regression: the value */
    double score;
    const char *class_name; /* NULL for a regression */
    size_t class_index;
    char id[SERVED_MODEL_ID_BYTES]; /* the row's, or a generated one */
    struct detector_verdict verdict;
};

/* Scores a row, observes it, counts it. row: values in schema order, numeric ones finite.
 * outputs: [scorer outputs], or NULL. scores: [SERVED_MODEL_MAX_ROW], receives the headline drift
 * scores of the features in schema order (NaN where there is none yet).
 * 0; -ENOTSUP: the model has no scorer; -EINVAL, -EIO: it cannot score this row. */
NODISCARD int served_model_predict(struct served_model *model, const struct row *row,
                                   double *outputs, double *scores, struct prediction *ret);

/* The same for each of `count` rows, in order; some scorers take a fraction of the time for rows
 * together. take: called after each row. scores: of the last row. As above, and -ENOMEM; rows
 * before the one that failed may have been taken. */
NODISCARD int served_model_predict_rows(
    struct served_model *model, const struct row *rows, size_t count, double *scores,
    void (*take)(void *context, const struct prediction *prediction, const double *outputs),
    void *context);

/* The class of a prediction that names none. */
#define SERVED_MODEL_NO_CLASS SIZE_MAX

/* What somebody else predicted for a row; all optional. */
struct observed_prediction {
    /* of a classification: the name of a class, or a text that names none; NULL: no prediction */
    const char *class_text;
    size_t class_bytes;
    /* index, or the number of classes for a text that names none; 0 for the value of a regression;
     * SERVED_MODEL_NO_CLASS without a prediction */
    size_t class_index;
    double value;                       /* of a regression; NaN: none */
    double score;                       /* binary: probability of class 1; NaN: none */
    char number_text[NUMBER_MAX_BYTES]; /* of a class that came as a number */
};

/* What an observation says about its prediction. A score without a class stands for the class; one
 * that is a margin by the configuration becomes a probability. Texts are borrowed from the model or
 * the observation, or lie in *ret, which must stay where it is. 0; -EINVAL with one sentence: a
 * regression's prediction that is not a number, or a score that is not a probability. */
NODISCARD int served_model_read_prediction(const struct served_model *model,
                                           const struct observation *observation,
                                           struct observed_prediction *ret, struct error *error);

/* Rows on their way into a model's windows: one lock and one reading of the scores for a few dozen
 * rows, whose order and values count as if they had come one by one; an onset of drift is dated to
 * the end of its block. Belongs to one thread. */
struct observation_block;
/* model: borrowed. 0, -ENOMEM. */
NODISCARD int observation_block_create(struct served_model *model,
                                       struct observation_block **ret_block);
void observation_block_destroy(struct observation_block *block);
/* Adds a row and counts its prediction; true when the block is full, to be flushed before the next
 * row. Missing values are observed as such. */
bool observation_block_add(struct observation_block *block, const struct value *values,
                           const struct observed_prediction *prediction);
/* Observes the rows there are; without any the verdict is that of the last flush. */
struct detector_verdict observation_block_flush(struct observation_block *block);

/* --- labels --- */

/* A label is, of a classification, a value that names a class (model_classes_find()), of a
 * regression a number or a decimal number as a text. */

/* Gives the prediction with this id its label. 0 with *ret_result; -EINVAL with one sentence: the
 * label is not a class of the model, or not a number. */
NODISCARD int served_model_label(struct served_model *model, const char *id, size_t id_bytes,
                                 const struct value *label, enum label_result *ret_result,
                                 struct error *error);
/* Beside observation_block_add(): remembers the prediction under its id (NULL: none) and gives it
 * the label that came with it (NULL: none), which is what *ret_result is about. Without an id the
 * two are joined at once; without a prediction the label belongs to an earlier prediction of this
 * id. 0; -EINVAL with one sentence: the label is not valid, or there is neither an id nor a
 * prediction. */
NODISCARD int served_model_remember(struct served_model *model,
                                    const struct observed_prediction *prediction, const char *id,
                                    size_t id_bytes, const struct value *label,
                                    enum label_result *ret_result, struct error *error);
/* Performance, detectors and labels. window_class: [classes], or NULL. */
void served_model_concept(struct served_model *model, struct performance_class *window_class,
                          struct concept_report *report);

/* As concept_monitor_pairs(). */
size_t served_model_pairs(struct served_model *model, struct concept_pair *pairs,
                          struct concept_calibration_bin reference[CONCEPT_CALIBRATION_BINS]);

/* Detectors on the mean of a feature, or on the rate of a prediction, by configuration. */
struct stream_report {
    const char *name; /* of the feature, or "prediction" */
    struct drift_change_watch_report detector[CHANGE_DETECTOR_COUNT];
};
size_t served_model_stream_count(const struct served_model *model);
void served_model_stream(struct served_model *model, size_t i, struct stream_report *report);

/* Counts rows that were refused before they got here. */
void served_model_count_rejected(struct served_model *model, uint64_t rows);

/* Drives `count` synthetic rows through served_model_predict. chosen: a flag per feature, or NULL
 * for the default. 0, -EINVAL (severity), -EPERM (not allowed), -ENOMEM. */
NODISCARD int served_model_simulate(struct served_model *model, enum drift_kind kind,
                                    double severity, uint64_t count, const unsigned char *chosen);

/* Drives `count` rows of the reference's distribution through served_model_predict and gives each
 * the label that the model's own probabilities make likely, but in a share `severity` of the rows
 * one of the opposite relation: the other class (of several the next one; of a regression the value
 * mirrored at the mean). 0, -EINVAL (severity), -EPERM (not allowed), -ENOMEM. */
NODISCARD int served_model_simulate_concept(struct served_model *model, double severity,
                                            uint64_t count);

/* --- reading --- */

/* Cumulative counts since start. */
struct served_model_counters {
    uint64_t simulated, rejected;
    uint64_t latency_counts[LATENCY_BUCKETS + 1];
    double latency_sum_seconds;
};

/* Fills the report; report->features is allocated here (free() it). 0 or -ENOMEM. */
NODISCARD int served_model_report(struct served_model *model, struct detector_report *report);
/* The same with the pictures of all features (SERVED_MODEL_ALL), or of one alone (its index among
 * the report's), all of one moment; *ret_pictures is allocated too. Holds the lock for O(R) of each
 * feature that is drawn. 0 or -ENOMEM. */
#define SERVED_MODEL_ALL SIZE_MAX
NODISCARD int served_model_pictures(struct served_model *model, size_t feature,
                                    struct detector_report *report,
                                    struct feature_picture **ret_pictures);
/* A number that is another one whenever a row, a label or a prediction has come, and every
 * HISTORY_FINE_MS. Costs two locks. */
uint64_t served_model_revision(struct served_model *model);
/* Takes what the model's reports say into what it remembers (served/history.h, measures.h,
 * traffic.h, past.h); called every few seconds, by one thread. */
void served_model_follow(struct served_model *model);
/* The points of a feature of the report: coarse ones or fine ones, room for HISTORY_COARSE. */
size_t served_model_history(struct served_model *model, size_t feature, bool coarse,
                            struct history_point *points);
/* Each oldest first. Room for HISTORY_FINE, for HISTORY_COARSE, and for HISTORY_FINE. */
size_t served_model_facts(struct served_model *model, size_t feature, struct history_facts *facts);
size_t served_model_performance(struct served_model *model, bool coarse,
                                struct history_performance *rows);
size_t served_model_traffic(struct served_model *model, struct traffic_interval *intervals);
/* The picture of a feature against its window as it was about ago_ms ago, and report changed
 * to match (drift_past.h). 0 with the moment of that window, or -ENODATA. */
NODISCARD int served_model_against(struct served_model *model, size_t feature, int64_t ago_ms,
                                   struct detector_feature_report *report,
                                   struct feature_picture *ret_picture, int64_t *ret_then_ms);
/* Newest first; room for HISTORY_INCIDENTS. */
size_t served_model_incidents(struct served_model *model, struct incident *incidents);
/* The name of a feature or a prediction of the report, or NULL beyond the last one. */
const char *served_model_row_name(const struct served_model *model, size_t feature);
/* Index of a feature or a prediction among those of a report, or -1. */
int served_model_row_feature(const struct served_model *model, const char *name);
/* What the sequential evidence says of each feature of the report, and of its missing values.
 * *ret_changes: [features], to be freed; texts are borrowed from the model. 0 or
 * -ENOMEM. */
NODISCARD int served_model_changes(struct served_model *model,
                                   struct feature_changes **ret_changes);
/* At most one false page in so many seconds. */
double served_model_false_page_seconds(struct served_model *model);
void served_model_counters(const struct served_model *model,
                           struct served_model_counters *ret_counters);
/* Values of the label prediction_class and how often each was predicted: the classes, then what is
 * none of them ("__other__", only where predictions come from outside); "value" for a regression.
 * NULL beyond the last. */
const char *served_model_prediction_label(const struct served_model *model, size_t i,
                                          uint64_t *ret_count);

#endif
