/* urn_feature.h - the urns of one feature: one for its values and one for whether they are missing.
 *
 * Made from the reference in the order in which its rows came. The first half is rehearsed against
 * the second by the very rule: a feature that would have paged within its own reference only gives
 * notices.  Not thread-safe: the owner locks. */
#ifndef DRIFT_URN_FEATURE_H
#define DRIFT_URN_FEATURE_H

#include "drift_types.h"
#include "urn.h"
#include "urn_episode.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The code of a missing category. */
#define URN_MISSING UINT32_MAX
/* With fewer values in the reference than this, a feature's values are not watched. */
#define URN_FEWEST_VALUES 10

struct urn_feature_spec {
    size_t rows;           /* of the reference; at least 1 */
    const double *numbers; /* [rows] NaN is missing; or NULL, and then: */
    const uint32_t *codes; /* [rows] below categories, or URN_MISSING */
    size_t categories;
    bool ordered;         /* the rows are in the order in which they came: discount and rehearse */
    bool always_present;  /* no urn for missing values */
    bool notices_only;    /* it gives no pages, whatever the rehearsal says */
    double start;         /* mean start weight of a row: 1, or seconds per row. For the rehearsal */
    struct urn_rule rule; /* for the rehearsal */
};

enum urn_part { URN_VALUES, URN_MISSINGNESS, URN_PARTS };

/* What one urn of a feature knows. */
struct urn_report {
    bool watched; /* false: too few values in the reference */
    double evidence, discount;
    struct urn_episode episode;
};

struct urn_feature;

/* spec's arrays are borrowed for the call. pool: owns the tables of bets, and outlives the feature.
 * 0, -ENOMEM, -EINVAL (no row, too many rows or categories). O(rows log rows). */
DRIFT_API NODISCARD int drift_urn_feature_create(const struct urn_feature_spec *spec,
                                                 struct urn_bets_pool *pool,
                                                 struct urn_feature **ret_feature);
DRIFT_API void drift_urn_feature_destroy(struct urn_feature *feature); /* accepts NULL */

/* A row; events receives what happened to each part. start: as drift_urn_observe(). NaN is missing,
 * and so is URN_MISSING; a code of `categories` or more is of no category of the reference.
 * O(bets); no allocation. */
DRIFT_API void drift_urn_feature_observe_number(struct urn_feature *feature,
                                                const struct urn_rule *rule, double x, double start,
                                                enum urn_event events[URN_PARTS]);
DRIFT_API void drift_urn_feature_observe_code(struct urn_feature *feature,
                                              const struct urn_rule *rule, uint32_t code,
                                              double start, enum urn_event events[URN_PARTS]);

/* Rows that came at one moment, at most URN_BLOCK_ROWS: the first has the start weight. Takes as
 * many as can be taken at once (drift_urn_episode_observe_rows()), at least one, and returns how
 * many; the events are those of the last row taken. The others are for another call, without a
 * start weight. */
#define URN_BLOCK_ROWS 64
DRIFT_API size_t drift_urn_feature_observe_numbers(struct urn_feature *feature,
                                                   const struct urn_rule *rule, const double *x,
                                                   size_t rows, double start,
                                                   enum urn_event events[URN_PARTS]);
DRIFT_API size_t drift_urn_feature_observe_codes(struct urn_feature *feature,
                                                 const struct urn_rule *rule, const uint32_t *code,
                                                 size_t rows, double start,
                                                 enum urn_event events[URN_PARTS]);

/* The bins of those of the rows that have a value; at most URN_BLOCK_ROWS rows. Returns how many:
 * 0 where values are not watched. */
DRIFT_API size_t drift_urn_feature_number_bins(const struct urn_feature *feature, const double *x,
                                               size_t rows, uint16_t bin[URN_BLOCK_ROWS]);
DRIFT_API size_t drift_urn_feature_code_bins(const struct urn_feature *feature,
                                             const uint32_t *code, size_t rows,
                                             uint16_t bin[URN_BLOCK_ROWS]);
/* How many bins its values have; 0 where they are not watched. */
DRIFT_API size_t drift_urn_feature_bin_count(const struct urn_feature *feature);

DRIFT_API struct urn_report drift_urn_feature_report(const struct urn_feature *feature,
                                                     enum urn_part part);
/* Of the values: the code of the category that a change's bin stands for, `categories` for those
 * that the reference does not have. Of the other urn: whether the bin stands for missing (1) or
 * present values (0). */
DRIFT_API uint32_t drift_urn_feature_code(const struct urn_feature *feature, enum urn_part part,
                                          size_t bin);

/* What the rows have left as bytes, the same on every machine; restored and continued equals never
 * stopped. save: returns the size; writes nothing when that exceeds capacity. restore: into a
 * feature of the same reference in the same order. 0, -ENOMEM, or -EINVAL (not such bytes, damaged,
 * or of another reference or order); the feature is unchanged then. Whether it only gives notices
 * stays as it is. Any bytes are safe. */
DRIFT_API size_t drift_urn_feature_save(const struct urn_feature *feature, void *bytes,
                                        size_t capacity);
DRIFT_API NODISCARD int drift_urn_feature_restore(struct urn_feature *feature, const void *bytes,
                                                  size_t size);

/* Memory in bytes beside the pool's tables. */
DRIFT_API size_t drift_urn_feature_bytes(const struct urn_feature *feature);

#ifdef __cplusplus
}
#endif

#endif
