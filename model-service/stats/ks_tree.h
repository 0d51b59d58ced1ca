/* ks_tree.h - the Kolmogorov-Smirnov statistic of a changing window, exact after every change.
 *
 * D = max over cell boundaries of |C/m - F/n|, where C of the window's m values and F of the
 * reference's n lie at or before the boundary. In integers: the largest and the smallest
 * n * C - m * F. A segment tree over blocks of reference values holds, per node, the sums of C
 * and F and where their largest and smallest prefix lies.
 *
 * While m stands still (a full count window) a change re-evaluates the path from a block to the
 * root. When m moves, all values n * C - m * F move with it, and the tree becomes kinetic (Basch,
 * Guibas and Hershberger 1999, J. Algorithms 31, 1-28): each node knows the range of m for which
 * the prefixes chosen in its subtree stay the right ones, and only the nodes whose range is left
 * are re-evaluated. Nodes changed while m stood still get a range of one value, so that the hot
 * path does not divide. Not thread-safe; no allocation after init. */
#ifndef DRIFT_KS_TREE_H
#define DRIFT_KS_TREE_H

#include "drift_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Counts of a prefix of a node's cells in one register: the window's values in the upper half, the
 * reference's in the lower. Both stay below 2^31, so prefixes add up without a carry. */
typedef uint64_t ks_prefix;

struct ks_node {
    ks_prefix sum, highest, lowest;
    uint32_t from, until; /* the m for which highest and lowest hold; none if from > until */
};

struct ks_tree {
    const uint32_t *reference; /* [values] borrowed */
    const uint32_t *current;   /* [2 * values + 1] window counts per cell, borrowed */
    struct ks_node *node; /* node 1 is the root, 2i and 2i + 1 are the children of i; or NULL */
    size_t values, first_leaf;
    unsigned leaf_shift; /* a leaf is a block of 1 << leaf_shift values */
    uint32_t n, m;
    uint64_t visits; /* nodes evaluated so far: what the tests pin */
};

/* reference: counts per reference value, their sum below 2^31.  current: counts per cell (see
 * reference.h), their sum below 2^31; both must outlive the tree.  0 or -ENOMEM. O(values). */
DRIFT_API NODISCARD int drift_ks_tree_init(struct ks_tree *tree, const uint32_t *reference,
                                           size_t values, const uint32_t *current);
DRIFT_API void drift_ks_tree_finish(struct ks_tree *tree);

/* A tree without nodes, for a window that is read seldom: changing it costs nothing, reading D
 * O(values). Nothing to finish. */
DRIFT_API void drift_ks_tree_init_bare(struct ks_tree *tree, const uint32_t *reference,
                                       size_t values, const uint32_t *current);

/* The caller has changed any number of cells. O(values). */
DRIFT_API void drift_ks_tree_rebuild(struct ks_tree *tree);

/* The caller has changed current[cell], and tells the tree of every such cell before it calls
 * drift_ks_tree_update() with m, the sum of all cells now. Nothing else may be called in between.
 */
DRIFT_API void drift_ks_tree_touch(struct ks_tree *tree, uint32_t cell);
DRIFT_API void drift_ks_tree_update(struct ks_tree *tree, uint32_t m);

/* The caller has raised (insert) or lowered (remove) current[cell] by one. Amortised
 * O(log^2 values), m permitting: see above. */
DRIFT_API void drift_ks_tree_insert(struct ks_tree *tree, uint32_t cell);
DRIFT_API void drift_ks_tree_remove(struct ks_tree *tree, uint32_t cell);

/* The caller has raised current[in] and lowered current[out]; m is the same. O(log values). */
DRIFT_API void drift_ks_tree_replace(struct ks_tree *tree, uint32_t in, uint32_t out);

/* D * n * m as an integer. */
DRIFT_API uint64_t drift_ks_tree_numerator(const struct ks_tree *tree);

/* D in [0, 1]. NaN when n or m is 0. O(1) with nodes. */
DRIFT_API double drift_ks_tree_distance(const struct ks_tree *tree);

#ifdef __cplusplus
}
#endif

#endif
