/* scorer.h - one interface over the models that score a row. A scorer is const after creation and
 * used from any thread without a lock. */
#ifndef SCORE_SCORER_H
#define SCORE_SCORER_H

#include "row/row.h"
#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scorer;

/* What a scorer is created for: the features of its rows, in their order. Borrowed. */
struct scorer_feature {
    const char *name;
    bool categorical;
};

enum prediction_type {
    PREDICTION_BINARY,     /* one output: the probability of class 1 */
    PREDICTION_MULTICLASS, /* an output per class: its probability */
    PREDICTION_REGRESSION, /* one output: the value */
};

/* Most classes a model may have: each is a series of its own, and a bin of its own. */
#define SCORER_MAX_CLASSES 1000

/* row: [features], read in place: numeric features by their number, NaN is missing; categorical
 * ones by their text, which value_of_text() made, NULL is missing. outputs: [scorer_outputs()].
 * sequence: number of the prediction since start, from which a scorer with noise derives it, so
 * that the same sequence and values always give the same score. 0; -EINVAL (the row lacks a value
 * that the model needs); -EIO (the back end failed). */
NODISCARD int scorer_score(const struct scorer *scorer, const struct value *row, uint64_t sequence,
                           double *outputs);
/* The same for `count` rows one after the other, sequences from `sequence` on; stops at the first
 * failure. Some back ends take a fraction of the time. */
NODISCARD int scorer_score_rows(const struct scorer *scorer, const struct row *rows, size_t count,
                                uint64_t sequence, double *outputs);
/* Whether the scorer has an answer where the row lacks this feature. */
bool scorer_takes_missing(const struct scorer *scorer, size_t feature);
/* A sentence that the operator should know about the model, or NULL. Owned by the scorer. */
const char *scorer_warning(const struct scorer *scorer);
enum prediction_type scorer_type(const struct scorer *scorer);
size_t scorer_outputs(const struct scorer *scorer);
size_t scorer_feature_count(const struct scorer *scorer);
/* 2 or more; 0 for a regression. */
size_t scorer_class_count(const struct scorer *scorer);
/* By default "negative" and "positive", or "0" to "K-1". Owned by the scorer. */
const char *scorer_class_name(const struct scorer *scorer, size_t i);
/* Other names. names: [count], copied. 0, -EINVAL (another number of classes), -ENOMEM. */
NODISCARD int scorer_name_classes(struct scorer *scorer, const char *const *names, size_t count);
void scorer_destroy(struct scorer *scorer);

/* Rows that callers score at a time: enough that the cost of a call is spread over many, few enough
 * that the rows and their outputs stay in the cache. */
#define SCORER_BLOCK_ROWS 256u

/* A binary prediction is class 1 above this. */
#define SCORER_CLASS_THRESHOLD 0.5
/* Index of the predicted class: of the largest probability, the first of equal ones. Not for a
 * regression. */
size_t scorer_class(enum prediction_type type, const double *outputs, size_t output_count);

/* sigmoid(intercept + sum of weight[i] * x[i] + N(0, noise_deviation)); the noise of the original
 * system's model, 0 for none. Numeric features only; a missing value is -EINVAL when scored.
 * weights: borrowed for the call. 0, -ENOMEM, -EINVAL (no features, non-finite or negative
 * deviation). */
NODISCARD int logistic_scorer_create(const double *weights, size_t count, double intercept,
                                     double noise_deviation, uint64_t seed,
                                     struct scorer **ret_scorer);

struct logistic_category {
    const char *text; /* terminated; true and false in any spelling (value_of_text()) */
    double weight;
};

/* What one feature adds to the log-odds. */
struct logistic_term {
    bool categorical;
    /* numeric: weight * (x - mean) / scale; scale above 0 */
    double weight, mean, scale;
    double missing; /* taken for a missing x; NaN: a row without x is -EINVAL when scored */
    /* categorical: the weight of its category, or other, or missing_weight */
    const struct logistic_category *categories; /* [category_count], distinct */
    size_t category_count;
    double other, missing_weight;
};

/* sigmoid(intercept + sum of the terms). terms: [count], in the order of the features, copied.
 * 0, -ENOMEM, -EINVAL (no features, a non-finite number, a scale that is not positive, a category
 * twice). */
NODISCARD int logistic_scorer_create_terms(const struct logistic_term *terms, size_t count,
                                           double intercept, struct scorer **ret_scorer);

#endif
