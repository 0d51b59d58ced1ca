/* ranks_internal.h - what ranks_create.c makes and ranks.c runs. */
#ifndef SCORE_FOREST_RANKS_INTERNAL_H
#define SCORE_FOREST_RANKS_INTERNAL_H

#include "score/forest/ranks.h"

#define RANKS_LEAVES     256u /* of a tree: its number fits a byte */
#define RANKS_THRESHOLDS 255u /* of a column: ranks are 0 to 255 */
#define RANKS_FEW        4u   /* times the width of a vector: thresholds that are not searched */
#define RANKS_COLUMNS    256u /* that are compared: their ranks stay in the nearest cache */

/* A column that is compared, with what a missing value does there: one that goes right has the
 * highest rank. */
struct ranked_column {
    uint32_t column;
    bool nan_right;
    bool is_few; /* thresholds that are float32, as the cells are */
    uint32_t thresholds;
    double threshold[RANKS_THRESHOLDS + 1]; /* ascending, NaN behind them */
    float few[RANKS_THRESHOLDS];            /* the same */
};

/* An inner node: the numbers of the leaves that the rows reach by the left and the right child, of
 * which each row keeps one. Places are offsets in bytes. */
struct ranked_node {
    uint16_t column;              /* in the ranks */
    uint16_t left, right, result; /* in the arena */
    int16_t limit;                /* ranks above it go right; both less 128 */
};

struct ranked_tree {
    size_t nodes, leaves; /* where those of the tree begin */
    uint32_t node_count, output;
    uint16_t result; /* where the root's is */
};

/* The arena: a vector of RANKS_ROWS equal numbers for each leaf, then the results of the nodes. */
#define RANKS_ARENA ((2 * RANKS_LEAVES) * RANKS_ROWS)

struct forest_ranks {
    struct ranked_column *columns;
    size_t column_count;
    struct ranked_node *nodes; /* children before their parents */
    struct ranked_tree *trees; /* [tree_count of the forest] */
    float *narrow;             /* the values of the leaves, if sums are in float32 */
    double *wide;              /* or else */
    size_t most_leaves;        /* of a tree */
    size_t kernel;
};

/* The loops that depend on the processor. Arrays of RANKS_ROWS are aligned to 64 bytes. */
struct ranks_kernel {
    size_t width; /* bytes of a vector */
    /* How many of the thresholds each cell reaches. */
    void (*count)(const float *thresholds, size_t count, const float *cells, int32_t *ret_ranks);
    /* Chooses, for all rows, one child of each node. */
    void (*descend)(const struct ranked_node *node, size_t count, const int8_t *ranks,
                    int8_t *arena);
};
#define RANKS_KERNELS 3
extern const struct ranks_kernel ranks_kernel[RANKS_KERNELS];

#endif
