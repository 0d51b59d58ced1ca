/* ranks.h - many rows through the trees of a forest at once; for score/forest alone.
 *
 * A cell is only ever compared with the thresholds of its column, so that its rank among these says
 * all. With at most 255 of them a rank is a byte, and an instruction compares the cells of as many
 * rows as a vector has bytes. All inner nodes of a tree are compared, not only those on a row's
 * way: no step waits for the one before, no branch depends on the data, and nothing is looked up.
 * That pays for trees of up to some hundred nodes, which those of boosting are. */
#ifndef SCORE_FOREST_RANKS_H
#define SCORE_FOREST_RANKS_H

#include "score/forest/forest.h"

/* Rows of a block. A block of fewer costs as much. */
#define RANKS_ROWS 64u
/* From so many rows on a block is quicker than a walk for each. */
#define RANKS_LEAST_ROWS 16u

struct forest_ranks;

/* Of forest->nodes, if the trees are of the kind: otherwise *ret_ranks is NULL. 0 or -ENOMEM. */
NODISCARD int ranks_create(const struct forest *forest, struct forest_ranks **ret_ranks);
void ranks_destroy(struct forest_ranks *ranks); /* accepts NULL */

/* As forest_margins(), for 1 to RANKS_ROWS rows. */
void ranks_margins(const struct forest *forest, const double *rows, size_t count, size_t trees,
                   double *margins);

/* The ways to do it, by the vectors of the processor; the first one any processor has. For tests:
 * how many this one has, and which is taken. */
size_t ranks_kernels(void);
void ranks_choose_kernel(struct forest_ranks *ranks, size_t kernel);

#endif
