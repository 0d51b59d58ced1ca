/* concept_monitor_pairs.h - the last labels beside their predictions, and what a page draws of
 * them: calibration, confusion matrix, errors of a regression.
 *
 * The monitor keeps at most CONCEPT_PAIRS of them, and no more than its window, in 24 bytes each.
 * They begin anew when the service starts: metrics and detectors, which are restored, do not rest
 * on them. */
#ifndef CONCEPT_MONITOR_PAIRS_H
#define CONCEPT_MONITOR_PAIRS_H

#include "stats/performance.h"

#include <stddef.h>
#include <stdint.h>

/* Enough for a bin of a calibration curve to be known to two points in a hundred. */
#define CONCEPT_PAIRS 5000

struct concept_pair {
    double prediction, label; /* index of a class, or a number */
    double score;             /* see concept_score(); NaN: none */
};

struct concept_ring {
    size_t capacity, length, next;
    struct concept_pair *pair; /* [capacity] */
};

/* window: of the performance. 0 or -ENOMEM. */
NODISCARD int concept_ring_init(struct concept_ring *ring, size_t window);
void concept_ring_finish(struct concept_ring *ring);
void concept_ring_add(struct concept_ring *ring, const struct concept_pair *pair);
/* Copies them, oldest first; pairs: room for CONCEPT_PAIRS. Returns how many. */
size_t concept_ring_read(const struct concept_ring *ring, struct concept_pair *pairs);

/* The score that calibration is about: of two classes the probability of the second, of more the
 * largest one. scores: as in drift_performance_add(). NaN: none. */
double concept_score(enum performance_task task, size_t classes, const double *scores);

/* As expected_calibration_error counts them: scores above i/10 and up to (i + 1)/10. */
#define CONCEPT_CALIBRATION_BINS 10
struct concept_calibration_bin {
    uint64_t pairs;
    double score, hits; /* sums: of the scores, and how often what they speak of came true */
};
/* Adds a pair that has a score. Of more than two classes the score is taken for the prediction's.
 */
void concept_calibration_add(struct concept_calibration_bin bin[CONCEPT_CALIBRATION_BINS],
                             enum performance_task task, const struct concept_pair *pair);

struct concept_confusion_cell {
    uint32_t label, prediction;
    uint64_t pairs;
};
/* The cells that have pairs, by label, then by prediction. cells: room for `count`. Returns how
 * many. O(count log count). */
size_t concept_confusion(const struct concept_pair *pairs, size_t count,
                         struct concept_confusion_cell *cells);

/* Errors, prediction - label, as a histogram over the middle 99 % of them, and their mean by size
 * of the prediction. */
#define CONCEPT_ERROR_BARS  32
#define CONCEPT_ERROR_STEPS 10
struct concept_errors {
    size_t bars; /* 0 without pairs, and 1 if all errors are equal */
    double edge[CONCEPT_ERROR_BARS + 1];
    uint64_t errors[CONCEPT_ERROR_BARS + 2]; /* the first is below all edges, the last above */
    size_t steps;                            /* of as many pairs each, by prediction */
    double prediction[CONCEPT_ERROR_STEPS], mean[CONCEPT_ERROR_STEPS]; /* means of each step */
};
/* pairs: sorted by this. O(count log count). */
void concept_errors(struct concept_pair *pairs, size_t count, struct concept_errors *ret_errors);

#endif
