/* reference.h - what the training data looked like: one immutable structure per feature.
 *
 * Numeric: the distinct finite values in ascending order with their counts. A value x falls into
 * one of 2R + 1 cells: cell 2i lies strictly between value[i-1] and value[i] (open-ended at both
 * ends), cell 2i + 1 is value[i] itself. Everything a window needs is a count per cell.
 * Categorical: a dictionary of categories with counts. */
#ifndef DRIFT_REFERENCE_H
#define DRIFT_REFERENCE_H

#include "drift_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* More bins than this make the population stability index noise (see docs/design.md). */
#define REFERENCE_MAX_BINS       64
#define REFERENCE_DEFAULT_BINS   10
/* A categorical reference keeps its most frequent categories; the rest count as __other__. */
#define REFERENCE_MAX_CATEGORIES 1000

/* Bins of one numeric feature, frozen on the reference: quantile bins, heavy values (share of at
 * least 1 / bins) as bins of their own, then two bins for missing and infinite values. Together
 * they cover every possible observation. */
struct numeric_reference {
    size_t distinct;          /* R; 0 when the reference has no finite value */
    double *value;            /* [R] ascending, finite; -0.0 is stored as 0.0 */
    uint32_t *count;          /* [R] reference rows at the value; when compressed, rows in
                                 (value[i-1], value[i]] */
    uint64_t rows;            /* all rows, missing and infinite included */
    uint64_t finite_rows;     /* sum of count */
    uint64_t missing_rows;    /* NaN */
    uint64_t positive_infinite_rows, negative_infinite_rows;
    double mean, deviation;   /* of the finite rows, sample deviation (n - 1); NaN if undefined */
    double min, max;          /* of the finite rows; NaN if none */
    double compression_bound; /* |D - D of the raw rows| is at most this; 0 when exact */
    size_t bins;              /* histogram bins, missing and infinite included; <= MAX + 2 + ... */
    size_t missing_bin, infinite_bin;
    uint8_t *bin_of_cell;     /* [2R + 1] */
    uint64_t *bin_count;      /* [bins] reference rows */
};

/* rows: `count` values, borrowed for the call; NaN is missing, infinities allowed.
 * bins: 2 to REFERENCE_MAX_BINS.  resolution: 0 keeps every distinct value; otherwise at most
 * that many order statistics are kept, and D moves by at most compression_bound.
 * 0, -ENOMEM, -EINVAL (count is 0 or above UINT32_MAX, bins or resolution out of range).
 * A reference without any finite value is valid: its numeric scores are -ENODATA. */
NODISCARD int numeric_reference_init(struct numeric_reference *ref, const double *rows,
                                     size_t count, size_t bins, size_t resolution);
void numeric_reference_finish(struct numeric_reference *ref);

/* The cell of a finite x. O(log R). */
uint32_t numeric_reference_cell(const struct numeric_reference *ref, double x);

/* Value of the reference at probability p in [0, 1] (inverse of the empirical distribution
 * function); NaN without finite rows. */
double numeric_reference_quantile(const struct numeric_reference *ref, double p);

/* Codes of a categorical feature: 0 .. categories - 1 are the reference's, in descending
 * frequency (ties by bytes); then __other__ (unseen, or beyond the cap), then missing. */
struct categorical_reference {
    size_t categories;
    char **name;            /* [categories] NUL-terminated UTF-8 */
    uint64_t *bin_count;    /* [categories + 2] rows: categories, __other__, missing */
    uint32_t *table;        /* open-addressed hash table of code + 1 */
    size_t table_size;      /* a power of two */
    uint64_t rows;
    uint64_t missing_rows;
    size_t other_categories; /* distinct categories beyond the cap */
};

/* rows: `count` strings; NULL is missing (the empty string is a category: the reader decides).
 * max_categories: 1 to REFERENCE_MAX_CATEGORIES. 0, -ENOMEM, -EINVAL. */
NODISCARD int categorical_reference_init(struct categorical_reference *ref,
                                         const char *const *rows, size_t count,
                                         size_t max_categories);
void categorical_reference_finish(struct categorical_reference *ref);

/* Code of a category; name NULL is missing. */
uint32_t categorical_reference_code(const struct categorical_reference *ref, const char *name,
                                    size_t bytes);
static inline uint32_t categorical_code_other(const struct categorical_reference *ref)
{
    return (uint32_t)ref->categories;
}
static inline uint32_t categorical_code_missing(const struct categorical_reference *ref)
{
    return (uint32_t)ref->categories + 1;
}

#ifdef __cplusplus
}
#endif

#endif
