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

/* More bins than this make the population stability index noise (see docs/decisions.md). */
#define REFERENCE_MAX_BINS     64
#define REFERENCE_DEFAULT_BINS 10
/* A categorical reference counts its most frequent categories one by one, and the rarer ones
 * together: more bins would be noise, and cost a count in every window. */
#define REFERENCE_MAX_CATEGORIES 1000

/* So that every product of two counts fits in an int64 and every cell number in a uint32. */
#define REFERENCE_MAX_ROWS 2147483640u
/* Levels of the search tree: the logarithm to base 8 of the rows, rounded up. */
#define REFERENCE_INDEX_LEVELS 11
/* Histogram bins: quantile bins and heavy values, at most 2 * bins + 1 together; the three empty
 * bins (below, above, gaps); missing; infinite. */
#define REFERENCE_MAX_HISTOGRAM (2 * REFERENCE_MAX_BINS + 6)

/* Bins of one numeric feature, frozen on the reference, in this order; together they cover every
 * possible observation:
 * - below: only if the lowest value is a heavy one (a share of at least 1 / bins); what is below
 *   the range otherwise belongs to the first quantile bin;
 * - heavy values as bins of their own, and between them quantile bins of about equal mass. A
 *   quantile bin ends on a value of the reference and includes it; it begins where the bin or the
 *   heavy value before it ends;
 * - above: only if the highest value is a heavy one;
 * - gaps: only if two adjacent values are heavy; strictly between any two such;
 * - missing; infinite.
 * Below, above and gaps hold no row of the reference. Without any finite row all finite
 * observations fall into `below`. */
struct numeric_reference {
    size_t distinct;       /* R; 0 when the reference has no finite value */
    double *value;         /* [R] ascending, finite; -0.0 is stored as 0.0 */
    uint32_t *count;       /* [R] reference rows at the value; when compressed, rows in
                              (value[i-1], value[i]] */
    uint64_t rows;         /* all rows, missing and infinite included */
    uint64_t finite_rows;  /* sum of count */
    uint64_t missing_rows; /* NaN */
    uint64_t positive_infinite_rows, negative_infinite_rows;
    double mean, deviation;   /* of the finite rows, sample deviation (n - 1), correctly rounded;
                                 NaN if undefined */
    double min, max;          /* of the finite rows; NaN if none */
    double compression_bound; /* |D - D of the raw rows| is at most this; 0 when exact */
    size_t bins;              /* histogram bins; at most REFERENCE_MAX_HISTOGRAM */
    size_t missing_bin, infinite_bin;
    uint8_t *bin_of_cell; /* [2R + 4]; see drift_numeric_reference_classify() */
    uint64_t *bin_count;  /* [bins] reference rows */
    uint64_t fingerprint; /* of everything above that a window's state depends on */
    /* internal: where to look for a value, see numeric_index.h */
    size_t index_levels;
    double *index[REFERENCE_INDEX_LEVELS];
    uint32_t *bucket; /* [buckets], or NULL */
    size_t buckets;
    double bucket_scale;
};

/* rows: `count` values, borrowed for the call; NaN is missing, infinities allowed.
 * bins: 2 to REFERENCE_MAX_BINS.  resolution: 0 keeps every distinct value; otherwise (2 or more)
 * at most that many order statistics are kept, the lowest and the highest value among them, and
 * D moves by at most compression_bound, itself below 1 / (resolution - 1).
 * 0, -ENOMEM, -EINVAL (count is 0 or above REFERENCE_MAX_ROWS, bins or resolution out of range);
 * on failure *ret_ref is untouched. O(count log count).
 * A reference without any finite value is valid: KS, Wasserstein and Cramer-von Mises are then
 * -ENODATA, the scores on bins are defined by the missing and infinite rows. */
DRIFT_API NODISCARD int drift_numeric_reference_init(struct numeric_reference *ret_ref,
                                                     const double *rows, size_t count, size_t bins,
                                                     size_t resolution);
DRIFT_API void drift_numeric_reference_finish(struct numeric_reference *ref);

/* The cell of a finite x. O(log R). */
DRIFT_API uint32_t drift_numeric_reference_cell(const struct numeric_reference *ref, double x);

/* As drift_numeric_reference_cell(), and for the rest the numbers after the last cell: 2R + 1 is
 * NaN, 2R + 2 positive and 2R + 3 negative infinity. */
DRIFT_API uint32_t drift_numeric_reference_classify(const struct numeric_reference *ref, double x);

/* The same for `count` values at once, which takes a fraction of the time. */
DRIFT_API void drift_numeric_reference_classify_many(const struct numeric_reference *ref,
                                                     const double *x, size_t count, uint32_t *cell);

/* Value of the reference at probability p in [0, 1] (inverse of the empirical distribution
 * function); NaN without finite rows. */
DRIFT_API double drift_numeric_reference_quantile(const struct numeric_reference *ref, double p);

/* Codes of a categorical feature: 0 .. categories - 1 are the reference's most frequent categories
 * in descending frequency (ties by bytes); then three codes: `rare` (in the reference, but beyond
 * the cap), `unseen` (not in the reference), and missing. */
struct categorical_reference {
    size_t categories;
    char **name;         /* [categories] NUL-terminated UTF-8 */
    size_t *name_bytes;  /* [categories] */
    uint64_t *bin_count; /* [categories + 3] rows: categories, rare, unseen (0), missing */
    uint32_t *table;     /* open-addressed hash table of code + 1 */
    size_t table_size;   /* a power of two */
    uint64_t rows;
    uint64_t missing_rows;
    size_t rare_categories; /* distinct categories beyond the cap */
    size_t once, twice;     /* distinct categories of one row, and of two */
    /* With rare ones: the most rows that one of them has, L; the rows of all categories of up to
     * L + 1 rows; and of L + 2 rows, each as (L + 1) (L + 2) rows. Otherwise 0. */
    uint64_t rare_most, scarce_rows, scarce_next;
    uint64_t *rare;       /* open-addressed set of their 64-bit hashes, 0 is empty; a category that
                             is not in the reference is taken for one of them with probability
                             rare_categories / 2^64 */
    size_t rare_size;     /* a power of two */
    uint64_t fingerprint; /* of names and counts */
};

/* rows: `count` strings; NULL is missing (the empty string is a category: the reader decides).
 * max_categories: 1 to REFERENCE_MAX_CATEGORIES. 0, -ENOMEM, -EINVAL (count is 0 or above
 * REFERENCE_MAX_ROWS, max_categories out of range); on failure *ret_ref is untouched. */
DRIFT_API NODISCARD int drift_categorical_reference_init(struct categorical_reference *ret_ref,
                                                         const char *const *rows, size_t count,
                                                         size_t max_categories);
/* A category and how many rows have it. */
struct counted_category {
    const char *name; /* NUL-terminated */
    uint64_t rows;    /* >= 1 */
};
/* The same from `count` categories, of which some may have the same name, and missing rows: at
 * least one row, at most REFERENCE_MAX_ROWS. O(count log count). */
DRIFT_API NODISCARD int
drift_categorical_reference_init_counted(struct categorical_reference *ret_ref,
                                         const struct counted_category *category, size_t count,
                                         uint64_t missing_rows, size_t max_categories);
DRIFT_API void drift_categorical_reference_finish(struct categorical_reference *ref);

/* Code of a category of `bytes` bytes (no terminator needed); name NULL is missing. */
DRIFT_API uint32_t drift_categorical_reference_code(const struct categorical_reference *ref,
                                                    const char *name, size_t bytes);
static inline uint32_t categorical_code_rare(const struct categorical_reference *ref)
{
    return (uint32_t)ref->categories;
}
static inline uint32_t categorical_code_unseen(const struct categorical_reference *ref)
{
    return (uint32_t)ref->categories + 1;
}
static inline uint32_t categorical_code_missing(const struct categorical_reference *ref)
{
    return (uint32_t)ref->categories + 2;
}

#ifdef __cplusplus
}
#endif

#endif
