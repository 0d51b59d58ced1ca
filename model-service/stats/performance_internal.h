/* performance_internal.h - the structures, and the sums that every metric but roc_auc is computed
 * from. */
#ifndef DRIFT_PERFORMANCE_INTERNAL_H
#define DRIFT_PERFORMANCE_INTERNAL_H

#include "performance.h"
#include "roc_auc.h"

#define CALIBRATION_BINS 10

/* Neumaier (1974): a sum whose error does not grow with its length. */
struct long_sum {
    double sum, carry;
};

/* Mean from the sum; squares around the mean after Welford (1962). */
struct moments {
    uint64_t n;
    struct long_sum sum;
    double mean, squares;
};

struct calibration_bin {
    uint64_t n;
    struct long_sum residual, squares, variance; /* y - p, its square, p(1 - p) */
};

struct performance_sums {
    enum performance_task task;
    size_t classes;
    uint64_t n;
    /* classification */
    uint64_t *confusion;            /* [label * classes + prediction] */
    uint64_t *labels, *predictions; /* [classes] of each class; in the same block of memory */
    struct moments log_loss, brier;
    struct calibration_bin bin[CALIBRATION_BINS];
    /* regression: e = prediction - label, x = e^2, u = label - pivot */
    struct moments absolute, error, square;
    double pivot;
    struct long_sum u, u2, u3, u4, xx, xu, xu2;
};

struct pair {
    double prediction, label;
};

struct performance {
    struct performance_spec spec;
    size_t score_count; /* per pair */
    double z;
    struct pair *pairs;       /* [window] */
    double *scores;           /* [window * score_count]; the first is NaN when there are none */
    struct roc_point *points; /* [window], scratch */
    size_t next, used;        /* of the ring */
    struct performance_sums window, total;
    size_t steps;
    uint64_t *positives, *negatives; /* [score_count * steps], since the start */
};

void long_sum_add(struct long_sum *sum, double x);
double long_sum_value(const struct long_sum *sum);

/* Room for the confusion matrix; 0 or -ENOMEM. */
NODISCARD int performance_sums_init(struct performance_sums *sums, enum performance_task task,
                                    size_t classes);
void performance_sums_finish(struct performance_sums *sums);
/* Empty again; the confusion matrix is kept and cleared. */
void performance_sums_reset(struct performance_sums *sums, double pivot);
/* scores: NULL when there are none. */
void performance_sums_add(struct performance_sums *sums, double prediction, double label,
                          const double *scores);

/* Values without ends of intervals; all but roc_auc. */
void performance_sums_metrics(const struct performance_sums *sums,
                              struct performance_value *metric);
void performance_sums_class(const struct performance_sums *sums, size_t index,
                            struct performance_class *ret_class);

/* Fills in the ends of the interval. */
void performance_value_close(struct performance_value *value, double z);
struct performance_value performance_proportion(double value, double error, double size,
                                                uint64_t n);

#endif
