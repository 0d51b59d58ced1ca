/* ranks.c - see the header. */
#include "score/forest/ranks_internal.h"

#include <math.h>
#include <string.h>

/* Of a block: ranks less 128, so that they are compared as signed bytes, which any processor does.
 */
struct ranked_rows {
    int8_t rank[RANKS_COLUMNS][RANKS_ROWS] __attribute__((aligned(64)));
};

/* By output. */
union ranked_sums {
    float narrow[FOREST_SMALL_OUTPUTS * RANKS_ROWS];
    double wide[FOREST_SMALL_OUTPUTS * RANKS_ROWS];
};

/* --- ranks --- */

static void count_all(const struct ranks_kernel *kernel, const struct ranked_column *column,
                      const double *x, int32_t *ret_ranks)
{
    float cells[RANKS_ROWS] __attribute__((aligned(64)));
    for (size_t r = 0; r < RANKS_ROWS; r++)
        cells[r] = (float)x[r];
    kernel->count(column->few, column->thresholds, cells, ret_ranks);
}

/* Thresholds behind the last are NaN, which nothing reaches. */
static void search(const struct ranked_column *column, const double *x, int32_t *ret_ranks)
{
    int32_t half = 1;
    while (half <= (int32_t)column->thresholds / 2)
        half *= 2;
    memset(ret_ranks, 0, RANKS_ROWS * sizeof(*ret_ranks));
    for (; half > 0; half /= 2)
        for (size_t r = 0; r < RANKS_ROWS; r++)
            ret_ranks[r] += x[r] >= column->threshold[ret_ranks[r] + half - 1] ? half : 0;
}

/* Rows that are not there are zeros. */
static void rank_rows(const struct forest *forest, const double *rows, size_t count,
                      struct ranked_rows *ranked)
{
    const struct forest_ranks *ranks = forest->ranks;
    double x[RANKS_ROWS] = {0};
    int32_t rank[RANKS_ROWS] __attribute__((aligned(64)));
    for (size_t c = 0; c < ranks->column_count; c++) {
        const struct ranked_column *column = &ranks->columns[c];
        for (size_t r = 0; r < count; r++)
            x[r] = rows[r * forest->column_count + column->column];
        if (column->is_few)
            count_all(&ranks_kernel[ranks->kernel], column, x, rank);
        else
            search(column, x, rank);
        for (size_t r = 0; r < RANKS_ROWS; r++) {
            const bool highest = column->nan_right && isnan(x[r]);
            ranked->rank[c][r] = (int8_t)((highest ? (int)RANKS_THRESHOLDS : rank[r]) - 128);
        }
    }
}

/* --- trees --- */

static void add_leaves(const struct forest_ranks *ranks, const struct ranked_tree *tree,
                       const uint8_t *leaves, union ranked_sums *sums)
{
    const size_t first = tree->output * RANKS_ROWS;
    if (ranks->narrow) {
        const float *value = ranks->narrow + tree->leaves;
        float *sum = sums->narrow + first;
        for (size_t r = 0; r < RANKS_ROWS; r++)
            sum[r] += value[leaves[r]];
    } else {
        const double *value = ranks->wide + tree->leaves;
        double *sum = sums->wide + first;
        for (size_t r = 0; r < RANKS_ROWS; r++)
            sum[r] += value[leaves[r]];
    }
}

static void add_trees(const struct forest_ranks *ranks, const struct ranked_rows *ranked,
                      size_t trees, union ranked_sums *sums)
{
    int8_t arena[RANKS_ARENA] __attribute__((aligned(64)));
    for (size_t leaf = 0; leaf < ranks->most_leaves; leaf++)
        memset(arena + leaf * RANKS_ROWS, (int)leaf, RANKS_ROWS);
    for (size_t t = 0; t < trees; t++) {
        const struct ranked_tree *tree = &ranks->trees[t];
        ranks_kernel[ranks->kernel].descend(ranks->nodes + tree->nodes, tree->node_count,
                                            ranked->rank[0], arena);
        add_leaves(ranks, tree, (const uint8_t *)arena + tree->result, sums);
    }
}

void ranks_choose_kernel(struct forest_ranks *ranks, size_t kernel)
{
    ranks->kernel = kernel;
}

void ranks_margins(const struct forest *forest, const double *rows, size_t count, size_t trees,
                   double *margins)
{
    const bool narrow = forest->ranks->narrow != NULL;
    struct ranked_rows ranked;
    union ranked_sums sums;

    for (size_t i = 0; i < forest->outputs * RANKS_ROWS; i++)
        if (narrow)
            sums.narrow[i] = (float)forest->base[i / RANKS_ROWS];
        else
            sums.wide[i] = forest->base[i / RANKS_ROWS];
    rank_rows(forest, rows, count, &ranked);
    add_trees(forest->ranks, &ranked, trees, &sums);
    for (size_t r = 0; r < count; r++)
        for (size_t i = 0; i < forest->outputs; i++)
            margins[r * forest->outputs + i] =
                narrow ? (double)sums.narrow[i * RANKS_ROWS + r] : sums.wide[i * RANKS_ROWS + r];
}
