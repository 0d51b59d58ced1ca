/* urn_episode.h - when evidence is a page, for how long, and what comes after.
 *
 * quiet -> suspected: the evidence reaches the budget.
 * suspected -> quiet: within the confirmation it falls below a hundredth of the budget.
 * suspected -> open: it has lasted; a page, if the change is large enough, else a notice (quiet).
 * open -> quiet: the evidence falls below `resolve_rows`, or a millionth of the budget.
 * open -> changed: after `adopt_rows` rows these become the reference, and the feature watches on.
 * changed -> suspected -> open as before, and so on; it does not go back to quiet by itself. */
#ifndef DRIFT_URN_EPISODE_H
#define DRIFT_URN_EPISODE_H

#include "drift_types.h"
#include "urn.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define URN_DEFAULT_MATERIALITY       0.15
#define URN_DEFAULT_CONFIRMATION_ROWS 30
#define URN_DEFAULT_RESOLVE_ROWS      100
#define URN_DEFAULT_ADOPT_ROWS        5000

struct urn_rule {
    double budget; /* start weights per false page: rows, or seconds; 1 to URN_MAX_EVIDENCE / 10 */
    double materiality; /* deviations; a smaller change is a notice; 0: none is */
    uint32_t confirmation_rows;
    uint32_t resolve_rows; /* evidence, in rows of the mean start weight; at least 1 */
    uint32_t adopt_rows;   /* 0: never */
};

enum urn_event {
    URN_NOTHING,
    URN_NOTICE,   /* a small change, or any of a feature that only gives notices */
    URN_PAGE,     /* the change is in the episode */
    URN_RESOLVED, /* the page is over */
    URN_ADOPTED,  /* the rows since the page are the reference from now on */
};

/* All zero at first, but for notices_only. */
struct urn_episode {
    bool notices_only;
    bool suspected, open, changed;
    uint32_t suspected_rows; /* since the evidence reached the budget */
    double start_mean;       /* of the last thousand rows or so */
    uint64_t rows, pages, notices;
    uint64_t opened;          /* number of the row that opened the last page, from 1 on */
    struct urn_change change; /* of the last page or notice, and its size in deviations */
    double deviations;
};

/* Observes a row with drift_urn_observe(), and follows the rule. start: >= 0; more than a
 * thousandth of the budget counts as that, so that a long time without rows does not page. The rule
 * may differ from row to row. O(bets). */
DRIFT_API enum urn_event drift_urn_episode_observe(struct urn_episode *episode, struct urn *urn,
                                                   const struct urn_rule *rule, size_t bin,
                                                   double start);

/* As bytes, the same on every machine. restore: 0, or -EINVAL (not such bytes; unchanged then). */
#define URN_EPISODE_BYTES 78
DRIFT_API void drift_urn_episode_save(const struct urn_episode *episode,
                                      uint8_t bytes[URN_EPISODE_BYTES]);
DRIFT_API NODISCARD int drift_urn_episode_restore(struct urn_episode *episode,
                                                  const uint8_t bytes[URN_EPISODE_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
