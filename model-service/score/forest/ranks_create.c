/* ranks_create.c - the nodes of a forest as comparisons of ranks. */
#include "score/forest/ranks_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct making {
    const struct forest *forest;
    struct forest_ranks *ranks;
    uint16_t *at;         /* [2 * column_count] ranked column + 1 of a column and direction, or 0 */
    size_t nodes, leaves; /* made so far */
    struct ranked_tree *tree; /* that is being made, of the nodes from `begin` on */
    uint32_t begin;
    uint16_t number[2 * RANKS_LEAVES]; /* of each of its nodes, in the arena */
};

/* Instructions of a row: for each level of a walk, and for each node with vectors of 64 bytes or
 * less; measured on trees of depth 3 to 8. */
#define WALK_COST 8u
#define NODE_COST 6u

static size_t inner_nodes(const struct forest_tree *tree)
{
    return tree->nodes / 2;
}

static bool suits(const struct forest *forest, const struct forest_tree *tree)
{
    return !tree->categorical && inner_nodes(tree) + 1 <= RANKS_LEAVES &&
           tree->output < forest->outputs;
}

/* Whether all trees are small enough, and few enough of their nodes are off a row's way. */
static bool is_worth_it(const struct forest *forest)
{
    const size_t rows = ranks_kernel[ranks_kernels() - 1].width;
    size_t walk = 0, all = 0;
    if (forest->vector_size || forest->outputs > FOREST_SMALL_OUTPUTS)
        return false;
    for (size_t t = 0; t < forest->tree_count; t++) {
        if (!suits(forest, &forest->trees[t]))
            return false;
        walk += forest->trees[t].depth * WALK_COST;
        all += inner_nodes(&forest->trees[t]) * NODE_COST;
    }
    return all / rows < walk;
}

/* --- columns and their thresholds --- */

/* The place of the first threshold that is not below. */
static uint32_t find(const struct ranked_column *column, double threshold)
{
    uint32_t low = 0, high = column->thresholds;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (column->threshold[middle] < threshold)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool add_threshold(struct ranked_column *column, double threshold)
{
    const uint32_t at = find(column, threshold);
    if (at < column->thresholds && column->threshold[at] == threshold)
        return true;
    if (column->thresholds == RANKS_THRESHOLDS || isnan(threshold))
        return false;
    memmove(&column->threshold[at + 1], &column->threshold[at],
            (column->thresholds - at) * sizeof(column->threshold[0]));
    column->threshold[at] = threshold;
    column->thresholds++;
    return true;
}

static uint16_t *place_of(const struct making *making, const struct forest_node *node)
{
    return &making->at[2 * (size_t)node->column + !!(node->flags & FOREST_NAN_RIGHT)];
}

/* 1, 0 if there are too many columns or thresholds, or -ENOMEM. */
static int rank_node(struct making *making, const struct forest_node *node)
{
    struct forest_ranks *ranks = making->ranks;
    uint16_t *place = place_of(making, node);
    if (*place == 0) {
        if (ranks->column_count == RANKS_COLUMNS)
            return 0;
        struct ranked_column *larger =
            realloc(ranks->columns, (ranks->column_count + 1) * sizeof(*larger));
        if (!larger)
            return -ENOMEM;
        ranks->columns = larger;
        larger[ranks->column_count++] = (struct ranked_column){
            .column = node->column, .nan_right = node->flags & FOREST_NAN_RIGHT};
        *place = (uint16_t)ranks->column_count;
    }
    return add_threshold(&ranks->columns[*place - 1], node->threshold);
}

static void complete_column(struct ranked_column *column, bool narrow_cells)
{
    const size_t few = RANKS_FEW * ranks_kernel[ranks_kernels() - 1].width;
    column->is_few = narrow_cells && column->thresholds <= few;
    for (size_t i = 0; column->is_few && i < column->thresholds; i++) {
        column->few[i] = (float)column->threshold[i];
        column->is_few = (double)column->few[i] == column->threshold[i];
    }
    for (size_t i = column->thresholds; i <= RANKS_THRESHOLDS; i++)
        column->threshold[i] = (double)NAN;
}

/* As rank_node() for all nodes. */
static int rank_columns(struct making *making)
{
    const struct forest *forest = making->forest;
    int rc = 1;
    for (size_t i = 0; rc > 0 && i < forest->node_count; i++)
        if (forest->nodes[i].flags & FOREST_INNER)
            rc = rank_node(making, &forest->nodes[i]);
    for (size_t c = 0; rc > 0 && c < making->ranks->column_count; c++)
        complete_column(&making->ranks->columns[c], forest->narrow_cells);
    return rc;
}

/* --- nodes --- */

/* Where the number of the leaf, or the result of the node, is. */
static uint16_t place_in_arena(const struct making *making, uint32_t i)
{
    return (uint16_t)(making->number[i - making->begin] * RANKS_ROWS);
}

static void make_leaf(struct making *making, uint32_t i)
{
    const size_t place = making->leaves++;
    const double value = making->forest->nodes[i].value;
    if (making->forest->narrow_sums)
        making->ranks->narrow[place] = (float)value;
    else
        making->ranks->wide[place] = value;
    making->number[i - making->begin] = (uint16_t)(place - making->tree->leaves);
}

static void make_node(struct making *making, uint32_t i)
{
    const struct forest_node *node = &making->forest->nodes[i];
    const size_t column = *place_of(making, node) - 1u;
    const size_t place = making->nodes++;
    making->number[i - making->begin] = (uint16_t)(RANKS_LEAVES + place - making->tree->nodes);
    making->ranks->nodes[place] = (struct ranked_node){
        .column = (uint16_t)(column * RANKS_ROWS),
        .left = place_in_arena(making, node->left),
        .right = place_in_arena(making, node->left + 1),
        .result = place_in_arena(making, i),
        .limit = (int16_t)((int)find(&making->ranks->columns[column], node->threshold) - 128),
    };
}

/* From the lowest level up: a node's children are long known when its turn comes. */
static void make_tree(struct making *making, size_t t)
{
    const struct forest_tree *tree = &making->forest->trees[t];
    making->tree = &making->ranks->trees[t];
    making->begin = tree->root;
    *making->tree = (struct ranked_tree){
        .nodes = making->nodes, .leaves = making->leaves, .output = tree->output};
    for (uint32_t i = tree->root + tree->nodes; i-- > tree->root;)
        if (making->forest->nodes[i].flags & FOREST_INNER)
            make_node(making, i);
        else
            make_leaf(making, i);
    making->tree->result = place_in_arena(making, tree->root);
    making->tree->node_count = (uint32_t)(making->nodes - making->tree->nodes);
    const size_t leaves = making->leaves - making->tree->leaves;
    if (leaves > making->ranks->most_leaves)
        making->ranks->most_leaves = leaves;
}

static int make_trees(struct making *making)
{
    const struct forest *forest = making->forest;
    struct forest_ranks *ranks = making->ranks;
    size_t inner = 0;
    for (size_t t = 0; t < forest->tree_count; t++)
        inner += inner_nodes(&forest->trees[t]);
    ranks->nodes = calloc(inner + 1, sizeof(*ranks->nodes));
    ranks->trees = calloc(forest->tree_count, sizeof(*ranks->trees));
    if (forest->narrow_sums)
        ranks->narrow = calloc(inner + forest->tree_count, sizeof(*ranks->narrow));
    else
        ranks->wide = calloc(inner + forest->tree_count, sizeof(*ranks->wide));
    if (!ranks->nodes || !ranks->trees || (!ranks->narrow && !ranks->wide))
        return -ENOMEM;
    for (size_t t = 0; t < forest->tree_count; t++)
        make_tree(making, t);
    return 0;
}

int ranks_create(const struct forest *forest, struct forest_ranks **ret_ranks)
{
    if (!is_worth_it(forest)) {
        *ret_ranks = NULL;
        return 0;
    }
    struct making making = {.forest = forest, .ranks = calloc(1, sizeof(*making.ranks))};
    making.at = calloc(2 * forest->column_count, sizeof(*making.at));
    int rc = making.ranks && making.at ? rank_columns(&making) : -ENOMEM;
    const bool fits = rc > 0;
    if (fits)
        rc = make_trees(&making);
    free(making.at);
    if (rc == 0 && fits) {
        making.ranks->kernel = ranks_kernels() - 1;
        *ret_ranks = making.ranks;
        return 0;
    }
    ranks_destroy(making.ranks);
    if (rc == 0)
        *ret_ranks = NULL;
    return rc;
}

void ranks_destroy(struct forest_ranks *ranks)
{
    if (!ranks)
        return;
    free(ranks->columns);
    free(ranks->nodes);
    free(ranks->trees);
    free(ranks->narrow);
    free(ranks->wide);
    free(ranks);
}
