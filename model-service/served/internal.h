/* internal.h - the structure, for served_model*.c alone. */
#ifndef SERVED_INTERNAL_H
#define SERVED_INTERNAL_H

#include "served/model.h"

#include "text/number.h"

#include <pthread.h>
#include <stdatomic.h>

#define NO_FEATURE SIZE_MAX

struct served_model {
    atomic_size_t references;

    /* const after creation; all of it the model's own */
    char *name, *version;
    char id_prefix[SERVED_MODEL_PREFIX_BYTES];
    struct schema schema;
    char **feature_names;
    bool *categorical;
    bool *nullable;        /* what the scorer can do without; NULL: nothing */
    struct scorer *scorer; /* NULL: predictions come with the observations */
    enum prediction_type type;
    char **class_names;
    size_t class_count;
    /* of the detector: the schema's features, then those of the prediction there are */
    size_t row_features;
    size_t class_feature, value_feature, score_feature; /* index, or NO_FEATURE */
    bool simulation;
    /* what simulated rows are drawn from: the built-in distribution, or the reference's rows */
    bool builtin;
    double **simulation_columns; /* [features], finite; NULL when builtin or not allowed */
    size_t simulation_rows;
    double *simulation_mean, *simulation_deviation;

    _Atomic uint64_t sequence, simulated, rejected, simulations;
    _Atomic uint64_t *prediction_counts; /* [class_count + 1], or one of a regression */
    _Atomic uint64_t latency_counts[LATENCY_BUCKETS + 1];
    _Atomic uint64_t latency_sum_ns;

    pthread_mutex_t mu;
    struct detector *detector; /* guarded by mu, except for detector_cell() */

    pthread_mutex_t concept_mu;             /* never held together with mu */
    struct concept_monitor *concept;        /* guarded by concept_mu */
    double reference_mean, reference_error; /* regression, for simulations; const */

    struct model_stream *streams; /* [stream_count]; const but for their detectors */
    size_t stream_count;
};

/* With room for the names of so many features; everything else is zero. NULL without memory. */
struct served_model *served_model_allocate(size_t features);
/* Copies of the names and kinds. 0 or -ENOMEM. */
int served_model_name_it(struct served_model *model, const char *name, const char *version,
                         const struct served_model_settings *settings);
int served_model_name_feature(struct served_model *model, size_t f, const char *name,
                              bool categorical);
/* The classes' names and counters. names: NULL takes the scorer's. 0 or -ENOMEM. */
int served_model_set_classes(struct served_model *model, const char *const *names, size_t count);
/* The class a text names: by its name or, where no class has that name, its index; class_count if
 * it is none of the model's. */
size_t served_model_class_index(const struct served_model *model, const char *text, size_t bytes);

/* What the detector sees of a prediction: at most a class or a value, and a score. */
#define SERVED_MODEL_PREDICTIONS 2
/* The values of the detector's prediction features, in their order; missing: nobody predicted.
 * Returns how many. */
size_t served_model_prediction_values(const struct served_model *model,
                                      const struct observed_prediction *prediction,
                                      struct value values[SERVED_MODEL_PREDICTIONS]);
/* Counts a prediction of somebody else; gives it with the class that its score stands for. */
struct observed_prediction
served_model_count_prediction(struct served_model *model,
                              const struct observed_prediction *prediction);
int64_t served_model_now_ms(void);

/* The model's own output on its reference: what its predictions are compared with. */
struct reference_predictions {
    size_t rows;
    const char **class_text; /* [rows], NULL missing; or NULL: none */
    double *value;           /* [rows], NaN missing; or NULL: none */
    double *score;
    double *outputs; /* [rows * classes] of a multi-class scorer, NaN missing; or NULL; owned */
    bool owned_class, owned_value, owned_score; /* made here, and not of a table */
    bool translated_class;                      /* of a table, under the model's names; owned */
};
/* What a stream was like in the reference: numbers, or texts of which one is the target. */
struct reference_stream {
    size_t feature, rows; /* of the detector's row */
    const double *numbers;
    const char *const *texts;
    const char *target;
};
/* After the detector is there. hold: observations. 0, -EINVAL, -ENOMEM. */
int served_model_add_stream(struct served_model *model, const struct reference_stream *reference,
                            unsigned detectors, uint64_t hold);
void served_model_streams_destroy(struct served_model *model);
/* The cells that a row, or a block of rows, has for the stream's feature. Holding mu. */
void served_model_feed_stream(struct served_model *model, size_t i,
                              const union detector_cell *cells, size_t count, int64_t now_ms);
size_t served_model_stream_feature(const struct served_model *model, size_t i);

/* Random truths, the same for the same stream number. */
struct label_draw {
    uint64_t state;
};
struct label_draw label_draw_begin(uint64_t stream);
double label_draw_uniform(struct label_draw *draw); /* in (0, 1) */
/* A class with the probabilities of the outputs: one of a binary model, or one per class. */
size_t label_draw_class(struct label_draw *draw, const double *outputs, size_t count);

/* What labels are kept and judged by. */
struct label_settings {
    size_t capacity, window;
    int64_t max_age_ms;
    unsigned detectors;
    double significance;
    uint64_t minimum_sample;
};
/* The truth about the reference's rows: one of the two, or neither. */
struct reference_labels {
    const char *const *text; /* [rows], NULL missing */
    const double *number;    /* [rows], NaN missing */
};
/* Creates the concept monitor. 0; -E2BIG (too many classes for the capacity), -ENOMEM, -EINVAL. */
int served_model_create_concept(struct served_model *model, const struct label_settings *settings,
                                const struct reference_predictions *predictions,
                                const struct reference_labels *labels);
/* Remembers a prediction of the model's own. outputs: as the scorer gave them. */
void served_model_remember_own(struct served_model *model, const struct prediction *prediction,
                               const double *outputs);
/* A score without a class stands for the class. */
struct observed_prediction served_model_complete(const struct served_model *model,
                                                 struct observed_prediction prediction);

#endif
