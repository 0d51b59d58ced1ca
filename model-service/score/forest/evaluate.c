/* evaluate.c - walks the trees.
 *
 * A walk is a chain of loads, each of which waits for the last: alone it leaves the processor idle.
 * Several chains at once (eight trees for one row, eight rows for one tree) hide that, as long as
 * no branch depends on the data: a step adds the comparison's result to the left child's index, and
 * leaves lead to themselves. Rows come in blocks, tree by tree, so that a tree stays in the cache.
 */
#include "score/forest/forest.h"

#include "score/forest/evaluate_small.h"
#include "score/forest/ranks.h"

#include <math.h>
#include <string.h>

#define LANES 8u
/* Rows of a block: their margins stay in the cache while all the trees pass. */
#define BLOCK_ROWS 64u
/* Levels that are walked before it is asked whether all have arrived. */
#define SURE_LEVELS 6u

/* As LightGBM's zero threshold, 1e-35 as a float. */
#define ZERO_RANGE 1.0000000180025095e-35
/* XGBoost's codes end here: float32 holds no larger integers exactly. */
#define MAX_CODE 16777216.0

void forest_prepare(const struct forest *forest, double *row)
{
    if (forest->narrow_cells)
        for (size_t f = 0; f < forest->features; f++)
            row[f] = (double)(float)row[f];
    if (forest->flush_zeros)
        for (size_t f = 0; f < forest->features; f++)
            if (fabs(row[f]) <= ZERO_RANGE)
                row[f] = 0.0;
    for (size_t c = forest->features; c < forest->column_count; c++) {
        const double value = row[forest->columns[c].feature];

        row[c] = forest->columns[c].cell == FOREST_CELL_CODE ? trunc(value)
                 : value == 0.0                              ? (double)NAN
                                                             : value;
    }
}

/* --- steps --- */

static inline uint32_t step(const struct forest_node *node, double value)
{
    const unsigned right = (value >= node->threshold) | (isnan(value) & node->flags >> 1);

    return node->left + (right & node->flags & FOREST_INNER);
}

static bool in_set(const struct forest *forest, const struct forest_node *node, double value)
{
    if (!(value >= 0.0 && value < MAX_CODE))
        return false;
    const uint32_t code = (uint32_t)value;

    return code / 32 < node->set.words &&
           (forest->bits[node->set.first_word + code / 32] >> code % 32 & 1);
}

static uint32_t step_any(const struct forest *forest, const struct forest_node *node, double value)
{
    if (!(node->flags & FOREST_CATEGORICAL) || isnan(value))
        return node->flags & FOREST_CATEGORICAL ? node->left + !!(node->flags & FOREST_NAN_RIGHT)
                                                : step(node, value);
    return node->left + (in_set(forest, node, value) == !(node->flags & FOREST_SET_LEFT));
}

static uint32_t walk_any(const struct forest *forest, uint32_t at, const double *row)
{
    const struct forest_node *node = &forest->nodes[at];

    while (node->flags & FOREST_INNER) {
        at = step_any(forest, node, row[node->column]);
        node = &forest->nodes[at];
    }
    return at;
}

/* LANES trees for one row. depth: of the deepest. */
static void walk_trees(const struct forest_node *nodes, const double *row, uint32_t depth,
                       uint32_t at[LANES])
{
    for (uint32_t level = 0; level < depth; level++) {
        unsigned inner = 0;

        for (unsigned i = 0; i < LANES; i++) {
            const struct forest_node *node = &nodes[at[i]];

            at[i] = step(node, row[node->column]);
            inner |= node->flags;
        }
        if (level >= SURE_LEVELS && !(inner & FOREST_INNER))
            return;
    }
}

/* One tree for LANES rows. */
static void walk_rows(const struct forest_node *nodes, const double *const rows[LANES],
                      uint32_t depth, uint32_t at[LANES])
{
    for (uint32_t level = 0; level < depth; level++) {
        unsigned inner = 0;

        for (unsigned i = 0; i < LANES; i++) {
            const struct forest_node *node = &nodes[at[i]];

            at[i] = step(node, rows[i][node->column]);
            inner |= node->flags;
        }
        if (level >= SURE_LEVELS && !(inner & FOREST_INNER))
            return;
    }
}

/* --- sums --- */

/* Rounding the double sum of two floats to float is their float sum: a double has more than twice
 * the digits. */
static void add(const struct forest *forest, const struct forest_tree *tree, uint32_t leaf,
                double *sums)
{
    const double value = forest->nodes[leaf].value;
    const double *vector = &value;
    size_t size = 1;

    if (forest->vector_size) {
        size = forest->vector_size;
        vector = forest->vectors + (size_t)value * size;
    } else {
        sums += tree->output;
    }
    for (size_t i = 0; i < size; i++)
        sums[i] =
            forest->narrow_sums ? (double)((float)sums[i] + (float)vector[i]) : sums[i] + vector[i];
}

/* Leaves of one row for `count` (1 to LANES) trees. */
static void reach_leaves(const struct forest *forest, const struct forest_tree *trees, size_t count,
                         const double *row, uint32_t at[LANES])
{
    uint32_t depth = 0;

    for (unsigned i = 0; i < LANES; i++) {
        const struct forest_tree *tree = &trees[i < count ? i : 0];

        at[i] = tree->root;
        depth = tree->depth > depth ? tree->depth : depth;
    }
    if (!forest->any_categorical) {
        walk_trees(forest->nodes, row, depth, at);
        return;
    }
    for (size_t i = 0; i < count; i++)
        at[i] = walk_any(forest, at[i], row);
}

/* Sums of a forest with one output stay in a register. */
static double sum_row(const struct forest *forest, const double *row, size_t trees)
{
    double wide = forest->base[0];
    float narrow = (float)wide;
    uint32_t at[LANES];

    for (size_t t = 0; t < trees; t += LANES) {
        const size_t count = trees - t < LANES ? trees - t : LANES;

        reach_leaves(forest, forest->trees + t, count, row, at);
        for (size_t i = 0; i < count; i++) {
            wide += forest->nodes[at[i]].value;
            narrow += (float)forest->nodes[at[i]].value;
        }
    }
    return forest->narrow_sums ? (double)narrow : wide;
}

static void margins_of_row(const struct forest *forest, const double *row, size_t trees,
                           double *sums)
{
    uint32_t at[LANES];

    if (forest->outputs == 1 && !forest->vector_size) {
        sums[0] = sum_row(forest, row, trees);
        return;
    }
    memcpy(sums, forest->base, forest->outputs * sizeof(*sums));
    for (size_t t = 0; t < trees; t += LANES) {
        const size_t count = trees - t < LANES ? trees - t : LANES;

        reach_leaves(forest, forest->trees + t, count, row, at);
        for (size_t i = 0; i < count; i++)
            add(forest, &forest->trees[t + i], at[i], sums);
    }
}

/* LANES rows of one tree. */
static void add_tree(const struct forest *forest, const struct forest_tree *tree,
                     const double *const rows[LANES], double *sums)
{
    uint32_t at[LANES];

    for (unsigned i = 0; i < LANES; i++)
        at[i] = tree->root;
    if (!tree->categorical)
        walk_rows(forest->nodes, rows, tree->depth, at);
    for (unsigned i = 0; i < LANES; i++) {
        if (tree->categorical)
            at[i] = walk_any(forest, at[i], rows[i]);
        add(forest, tree, at[i], sums + i * forest->outputs);
    }
}

/* rows: a multiple of LANES, at most BLOCK_ROWS. */
static void margins_of_block(const struct forest *forest, const double *rows, size_t count,
                             size_t trees, double *sums)
{
    const double *row[BLOCK_ROWS];

    for (size_t r = 0; r < count; r++) {
        row[r] = rows + r * forest->column_count;
        memcpy(sums + r * forest->outputs, forest->base, forest->outputs * sizeof(*sums));
    }
    for (size_t t = 0; t < trees; t++)
        for (size_t r = 0; r < count; r += LANES)
            add_tree(forest, &forest->trees[t], row + r, sums + r * forest->outputs);
}

/* Row by row, or in small blocks. */
static void walk_margins(const struct forest *forest, const double *rows, size_t count,
                         size_t trees, double *margins)
{
    const size_t whole = count - count % LANES;

    if (forest->small) {
        small_margins(forest, rows, count, trees, margins);
        return;
    }
    for (size_t done = 0; done < whole; done += BLOCK_ROWS)
        margins_of_block(forest, rows + done * forest->column_count,
                         whole - done < BLOCK_ROWS ? whole - done : BLOCK_ROWS, trees,
                         margins + done * forest->outputs);
    for (size_t r = whole; r < count; r++)
        margins_of_row(forest, rows + r * forest->column_count, trees,
                       margins + r * forest->outputs);
}

void forest_margins(const struct forest *forest, const double *rows, size_t count, size_t trees,
                    double *margins)
{
    while (forest->ranks && count >= RANKS_LEAST_ROWS) {
        const size_t part = count < RANKS_ROWS ? count : RANKS_ROWS;

        ranks_margins(forest, rows, part, trees, margins);
        rows += part * forest->column_count;
        margins += part * forest->outputs;
        count -= part;
    }
    walk_margins(forest, rows, count, trees, margins);
}

void forest_leaves(const struct forest *forest, const double *row, uint32_t *leaves)
{
    for (size_t t = 0; t < forest->tree_count; t++) {
        const uint32_t root = forest->trees[t].root;

        leaves[t] = forest->source[forest->small ? small_leaf(forest, root, row)
                                                 : walk_any(forest, root, row)];
    }
}
