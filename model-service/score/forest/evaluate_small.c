/* evaluate_small.c - walks trees of float32 whose nodes take 8 bytes: XGBoost's, most of the time.
 * The same idea as in evaluate.c with less work for a step, and none for missing values in rows
 * that have none. */
#include "score/forest/evaluate_small.h"

#include <math.h>
#include <string.h>

#define LANES 8u
/* Rows of a block; their cells, as float32, stay on the stack and in the cache. */
#define BLOCK_ROWS  32u
#define BLOCK_CELLS (LANES * FOREST_SMALL_COLUMNS)
/* Levels that are walked before it is asked whether all have arrived. */
#define SURE_LEVELS 8u

/* Rows side by side: cells[row][column]. */
struct block {
    float cells[BLOCK_CELLS];
    size_t columns;
    bool missing; /* some cell is NaN */
};

static inline uint32_t step(const struct forest_small_node *node, const float *cells, bool missing)
{
    const float value = cells[node->column >> 1];
    uint32_t right = value >= node->threshold;

    if (missing)
        right |= isnan(value) & node->column & 1u;
    return node->left + right;
}

/* LANES walks in step, each from the root of its tree through the cells of its row. Inlined, so
 * that what is the same for all lanes, and `missing`, are known to the compiler. */
static inline __attribute__((always_inline)) void
walk(const struct forest_small_node *const roots[LANES], const float *const cells[LANES],
     uint32_t depth, bool missing, uint32_t at[LANES])
{
    memset(at, 0, LANES * sizeof(*at));
    for (uint32_t level = 0; level < depth; level++) {
        uint32_t moved = 0;

#pragma GCC unroll 8
        for (unsigned i = 0; i < LANES; i++) {
            const uint32_t next = step(roots[i] + at[i], cells[i], missing);

            moved |= next ^ at[i];
            at[i] = next;
        }
        if (level >= SURE_LEVELS && moved == 0)
            return;
    }
}

static inline __attribute__((always_inline)) void walk_rows(const struct forest_small_node *root,
                                                            const float *cells, size_t columns,
                                                            uint32_t depth, bool missing,
                                                            uint32_t at[LANES])
{
    const struct forest_small_node *roots[LANES];
    const float *rows[LANES];

    for (unsigned i = 0; i < LANES; i++) {
        roots[i] = root;
        rows[i] = cells + i * columns;
    }
    walk(roots, rows, depth, missing, at);
}

static inline __attribute__((always_inline)) void
walk_trees(const struct forest_small_node *const roots[LANES], const float *cells, uint32_t depth,
           bool missing, uint32_t at[LANES])
{
    const float *rows[LANES];

    for (unsigned i = 0; i < LANES; i++)
        rows[i] = cells;
    walk(roots, rows, depth, missing, at);
}

/* --- one tree, LANES rows --- */

static void add_tree(const struct forest *forest, const struct forest_tree *tree,
                     const struct block *block, size_t first, float *sums)
{
    const struct forest_small_node *root = forest->small + tree->root;
    const float *cells = block->cells + first * block->columns;
    const float *values = forest->small_value + tree->root;
    uint32_t at[LANES];

    if (block->missing)
        walk_rows(root, cells, block->columns, tree->depth, true, at);
    else
        walk_rows(root, cells, block->columns, tree->depth, false, at);
    for (unsigned i = 0; i < LANES; i++)
        sums[i * forest->outputs] += values[at[i]];
}

/* --- one row, LANES trees --- */

static void reach_leaves(const struct forest *forest, const struct forest_tree *trees, size_t count,
                         const struct block *block, float values[LANES])
{
    const struct forest_small_node *roots[LANES];
    uint32_t at[LANES], depth = 0;

    for (unsigned i = 0; i < LANES; i++) {
        const struct forest_tree *tree = &trees[i < count ? i : 0];

        roots[i] = forest->small + tree->root;
        depth = tree->depth > depth ? tree->depth : depth;
    }
    if (block->missing)
        walk_trees(roots, block->cells, depth, true, at);
    else
        walk_trees(roots, block->cells, depth, false, at);
    for (size_t i = 0; i < count; i++)
        values[i] = forest->small_value[trees[i].root + at[i]];
}

static void add_row(const struct forest *forest, const struct block *block, size_t trees,
                    float *sums)
{
    float values[LANES];

    for (size_t t = 0; t < trees; t += LANES) {
        const size_t count = trees - t < LANES ? trees - t : LANES;

        reach_leaves(forest, forest->trees + t, count, block, values);
        for (size_t i = 0; i < count; i++)
            sums[forest->trees[t + i].output] += values[i];
    }
}

/* One output, whose sum stays in a register: through memory each addition waits for the last. */
static float sum_row(const struct forest *forest, const struct block *block, size_t trees)
{
    float sum = (float)forest->base[0], values[LANES];

    for (size_t t = 0; t < trees; t += LANES) {
        const size_t count = trees - t < LANES ? trees - t : LANES;

        reach_leaves(forest, forest->trees + t, count, block, values);
        for (size_t i = 0; i < count; i++)
            sum += values[i];
    }
    return sum;
}

/* --- blocks --- */

static void fill_block(const struct forest *forest, const double *rows, size_t count,
                       struct block *block)
{
    bool missing = false;

    block->columns = forest->column_count;
    for (size_t i = 0; i < count * forest->column_count; i++) {
        block->cells[i] = (float)rows[i];
        missing |= isnan(rows[i]);
    }
    block->missing = missing;
}

/* count: a multiple of LANES, or 1. sums: [count][outputs]. */
static void margins_of_block(const struct forest *forest, const struct block *block, size_t count,
                             size_t trees, float *sums)
{
    for (size_t r = 0; r < count; r++)
        for (size_t i = 0; i < forest->outputs; i++)
            sums[r * forest->outputs + i] = (float)forest->base[i];
    if (count == 1 && forest->outputs == 1)
        sums[0] = sum_row(forest, block, trees);
    else if (count == 1)
        add_row(forest, block, trees, sums);
    for (size_t t = 0; count > 1 && t < trees; t++)
        for (size_t r = 0; r < count; r += LANES)
            add_tree(forest, &forest->trees[t], block, r,
                     sums + r * forest->outputs + forest->trees[t].output);
}

void small_margins(const struct forest *forest, const double *rows, size_t count, size_t trees,
                   double *margins)
{
    struct block block;
    float sums[BLOCK_ROWS * FOREST_SMALL_OUTPUTS];
    size_t most = BLOCK_CELLS / forest->column_count, part = 0;

    most = most < BLOCK_ROWS ? most - most % LANES : BLOCK_ROWS;
    for (size_t done = 0; done < count; done += part) {
        part = count - done < most ? count - done : most;
        part = part >= LANES ? part - part % LANES : 1;
        fill_block(forest, rows + done * forest->column_count, part, &block);
        margins_of_block(forest, &block, part, trees, sums);
        for (size_t i = 0; i < part * forest->outputs; i++)
            margins[done * forest->outputs + i] = (double)sums[i];
    }
}

uint32_t small_leaf(const struct forest *forest, uint32_t root, const double *row)
{
    const struct forest_small_node *nodes = forest->small + root;
    uint32_t at = 0, next = 0;

    do {
        const struct forest_small_node *node = &nodes[at = next];
        const float value = (float)row[node->column >> 1];

        next = node->left + ((value >= node->threshold) | (isnan(value) & node->column & 1u));
    } while (next != at);
    return root + at;
}
