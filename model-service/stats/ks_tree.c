/* ks_tree.c - kinetic segment tree of largest and smallest prefixes. */
#include "ks_tree.h"

#include "ks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

/* Reference values per leaf, as a power of two. Scanning a block of 8 takes longer than the level
 * it saves, so blocks of 4 are faster while the tree stays in the first caches; beyond, half the
 * memory counts for more. Measured with blocks of 4, 6, 8 and 16. */
#define SMALL_LEAF_SHIFT 2
#define LARGE_LEAF_SHIFT 3
#define SMALL_TREE       8192

/* The range of m that a node's choices allow, as two fractions n * numerator / denominator.
 * Fractions are compared by cross-multiplying, so that a node divides at most twice. */
struct range {
    uint64_t from_current, from_reference; /* m at least n * current / reference */
    uint64_t until_current, until_reference;
};

static const struct range unlimited = {0, 1, 1, 0};

static inline uint32_t current_of(ks_prefix prefix)
{
    return (uint32_t)(prefix >> 32);
}

static inline uint32_t reference_of(ks_prefix prefix)
{
    return (uint32_t)prefix;
}

static inline int64_t height(const struct ks_tree *tree, ks_prefix prefix)
{
    return (int64_t)tree->n * current_of(prefix) - (int64_t)tree->m * reference_of(prefix);
}

/* All ones if the number is negative, else zero: choices without branches, which data this random
 * would mispredict every other time. (Right shifts of negative numbers keep the sign in every
 * compiler that the build accepts.) */
static inline uint64_t if_negative(int64_t x)
{
    return (uint64_t)(x >> 63);
}

/* `high` was chosen over `low`, both prefixes of the same node: high stays at least as high as
 * long as n * (high.current - low.current) >= m * (high.reference - low.reference). Prefixes are
 * nested, so both differences have the same sign. */
static void restrict_range(struct range *range, ks_prefix high, ks_prefix low)
{
    const int64_t reference = (int64_t)reference_of(high) - reference_of(low);
    const int64_t current = (int64_t)current_of(high) - current_of(low);
    const uint64_t rise = (uint64_t)llabs(current), run = (uint64_t)llabs(reference);
    if (reference > 0 && rise * range->until_reference < range->until_current * run) {
        range->until_current = rise;
        range->until_reference = run;
    }
    if (reference < 0 && rise * range->from_reference > range->from_current * run) {
        range->from_current = rise;
        range->from_reference = run;
    }
}

/* Narrows the node's range to whole m inside the fractions; m itself is inside them. */
static void close_range(const struct ks_tree *tree, struct ks_node *node, const struct range *range)
{
    const uint64_t n = tree->n;
    if (range->until_reference != 0) {
        const uint64_t until = n * range->until_current / range->until_reference;
        node->until = until < node->until ? (uint32_t)until : node->until;
    }
    if (range->from_current != 0) {
        const uint64_t from = (n * range->from_current - 1) / range->from_reference + 1;
        node->from = from > node->from ? (uint32_t)from : node->from;
    }
}

static inline size_t block_end(const struct ks_tree *tree, size_t leaf)
{
    const size_t end = (leaf + 1) << tree->leaf_shift;
    return end < tree->values ? end : tree->values;
}

/* The candidates of a block: highest before each reference value (its gap included), lowest at the
 * start and after each; every other boundary has a candidate of the same F at least as extreme.
 * rise and fall: how far this is above the highest and the lowest so far. */
static inline void scan_block(const struct ks_tree *tree, size_t leaf, struct ks_node *node)
{
    const size_t begin = leaf << tree->leaf_shift;
    const size_t end = block_end(tree, leaf);
    const int64_t n = tree->n, m = tree->m;
    ks_prefix at = 0, highest = 0, lowest = 0;
    int64_t rise = 0, fall = 0;
    for (size_t i = begin; i < end; i++) {
        const uint32_t gap = tree->current[2 * i], equal = tree->current[2 * i + 1];
        rise += n * gap;
        fall += n * gap;
        at += (uint64_t)gap << 32;
        const uint64_t higher = if_negative(-rise);
        highest += (at - highest) & higher;
        rise &= (int64_t)~higher;
        const int64_t step = n * equal - m * tree->reference[i];
        rise += step;
        fall += step;
        at += ((uint64_t)equal << 32) + tree->reference[i];
        const uint64_t lower = if_negative(fall);
        lowest += (at - lowest) & lower;
        fall &= (int64_t)~lower;
    }
    node->sum = at;
    node->highest = highest;
    node->lowest = lowest;
}

static void range_block(const struct ks_tree *tree, size_t leaf, const struct ks_node *node,
                        struct range *range)
{
    const size_t begin = leaf << tree->leaf_shift;
    const size_t end = block_end(tree, leaf);
    ks_prefix at = 0;
    restrict_range(range, at, node->lowest);
    for (size_t i = begin; i < end; i++) {
        at += (uint64_t)tree->current[2 * i] << 32;
        restrict_range(range, node->highest, at);
        at += ((uint64_t)tree->current[2 * i + 1] << 32) + tree->reference[i];
        restrict_range(range, at, node->lowest);
    }
}

/* The right child's prefixes begin with the whole left child, so they are longer than the left
 * one's in both counts: the differences do not borrow. */
static inline void choose(const struct ks_tree *tree, struct ks_node *node,
                          const struct ks_node *left, const struct ks_node *right)
{
    const ks_prefix more_highest = left->sum + right->highest - left->highest;
    const ks_prefix more_lowest = left->sum + right->lowest - left->lowest;
    node->sum = left->sum + right->sum;
    node->highest = left->highest + (more_highest & if_negative(-height(tree, more_highest)));
    node->lowest = left->lowest + (more_lowest & if_negative(height(tree, more_lowest)));
}

static void range_children(struct ks_node *node, const struct ks_node *left,
                           const struct ks_node *right, struct range *range)
{
    restrict_range(range, node->highest, left->highest);
    restrict_range(range, node->highest, left->sum + right->highest);
    restrict_range(range, left->lowest, node->lowest);
    restrict_range(range, left->sum + right->lowest, node->lowest);
    node->from = left->from > right->from ? left->from : right->from;
    node->until = left->until < right->until ? left->until : right->until;
}

/* Evaluates a node for this m only: the hot path. */
static inline void evaluate_leaf(struct ks_tree *tree, size_t i)
{
    struct ks_node *node = &tree->node[i];
    scan_block(tree, i - tree->first_leaf, node);
    node->from = node->until = tree->m;
}

static inline void evaluate_inner(struct ks_tree *tree, size_t i)
{
    struct ks_node *node = &tree->node[i];
    choose(tree, node, &tree->node[2 * i], &tree->node[2 * i + 1]);
    node->from = node->until = tree->m;
}

/* Evaluates a node whose children, if any, are valid for m, and the range that holds for. */
static void evaluate(struct ks_tree *tree, size_t i)
{
    struct ks_node *node = &tree->node[i];
    struct range range = unlimited;
    if (i >= tree->first_leaf)
        evaluate_leaf(tree, i);
    else
        evaluate_inner(tree, i);
    tree->visits++;
    node->from = 0;
    node->until = UINT32_MAX;
    if (current_of(node->sum) == 0) {
        /* Without window values it falls all the way, whatever m is. */
        node->highest = 0;
        node->lowest = node->sum;
        return;
    }
    if (i >= tree->first_leaf)
        range_block(tree, i - tree->first_leaf, node, &range);
    else
        range_children(node, &tree->node[2 * i], &tree->node[2 * i + 1], &range);
    close_range(tree, node, &range);
}

static inline bool is_valid(const struct ks_tree *tree, size_t i)
{
    return tree->node[i].from <= tree->m && tree->m <= tree->node[i].until;
}

/* Re-evaluates what m has invalidated under a node. As deep as the tree: 28 levels at most. */
static void refresh(struct ks_tree *tree, size_t i)
{
    if (is_valid(tree, i))
        return;
    if (i < tree->first_leaf) {
        refresh(tree, 2 * i);
        refresh(tree, 2 * i + 1);
    }
    evaluate(tree, i);
}

/* The leaf of a cell; none for the last cell, after which both functions are 1. */
static inline size_t leaf_of(const struct ks_tree *tree, uint32_t cell)
{
    const size_t value = cell / 2;
    return value < tree->values ? tree->first_leaf + (value >> tree->leaf_shift) : 0;
}

/* Above a node without a range there are only such: the rest of the path is marked already. */
void drift_ks_tree_touch(struct ks_tree *tree, uint32_t cell)
{
    if (!tree->node)
        return;
    for (size_t i = leaf_of(tree, cell); i > 0 && tree->node[i].from <= tree->node[i].until;
         i /= 2) {
        tree->node[i].from = 1;
        tree->node[i].until = 0;
    }
}

void drift_ks_tree_update(struct ks_tree *tree, uint32_t m)
{
    tree->m = m;
    if (tree->node)
        refresh(tree, 1);
}

void drift_ks_tree_insert(struct ks_tree *tree, uint32_t cell)
{
    drift_ks_tree_touch(tree, cell);
    drift_ks_tree_update(tree, tree->m + 1);
}

void drift_ks_tree_remove(struct ks_tree *tree, uint32_t cell)
{
    drift_ks_tree_touch(tree, cell);
    drift_ks_tree_update(tree, tree->m - 1);
}

void drift_ks_tree_replace(struct ks_tree *tree, uint32_t in, uint32_t out)
{
    if (in == out || !tree->node)
        return;
    size_t a = leaf_of(tree, in), b = leaf_of(tree, out);
    /* Leaf 0 stands for none, and node 0 is unused: let both climb the same path then. */
    a = a == 0 ? b : a;
    b = b == 0 ? a : b;
    if (a == 0)
        return;
    evaluate_leaf(tree, a);
    evaluate_leaf(tree, b);
    tree->visits += 2;
    /* Both all the way up, also where they have met: as many steps each time predict better. */
    for (a /= 2, b /= 2; a > 0; a /= 2, b /= 2) {
        evaluate_inner(tree, a);
        evaluate_inner(tree, b);
        tree->visits += 2;
    }
}

static uint32_t total(const uint32_t *count, size_t length)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum += count[i];
    return sum;
}

void drift_ks_tree_rebuild(struct ks_tree *tree)
{
    tree->m = total(tree->current, 2 * tree->values + 1);
    for (size_t i = 2 * tree->first_leaf; tree->node && i-- > 1;)
        evaluate(tree, i);
}

void drift_ks_tree_init_bare(struct ks_tree *tree, const uint32_t *reference, size_t values,
                             const uint32_t *current)
{
    *tree = (struct ks_tree){.reference = reference,
                             .current = current,
                             .values = values,
                             .n = total(reference, values),
                             .m = total(current, 2 * values + 1)};
}

int drift_ks_tree_init(struct ks_tree *tree, const uint32_t *reference, size_t values,
                       const uint32_t *current)
{
    const unsigned leaf_shift = values <= SMALL_TREE ? SMALL_LEAF_SHIFT : LARGE_LEAF_SHIFT;
    size_t first_leaf = 1;
    while (first_leaf << leaf_shift < values)
        first_leaf *= 2;
    struct ks_node *node = calloc(2 * first_leaf, sizeof(*node));
    if (!node)
        return -ENOMEM;
    *tree = (struct ks_tree){.reference = reference,
                             .current = current,
                             .node = node,
                             .values = values,
                             .first_leaf = first_leaf,
                             .leaf_shift = leaf_shift,
                             .n = total(reference, values)};
    drift_ks_tree_rebuild(tree);
    return 0;
}

void drift_ks_tree_finish(struct ks_tree *tree)
{
    free(tree->node);
    *tree = (struct ks_tree){0};
}

/* At the two sides of every reference value: between two of them only C moves, one way. */
static uint64_t scan_numerator(const struct ks_tree *tree)
{
    const int64_t n = tree->n, m = tree->m;
    int64_t at = 0, highest = 0, lowest = 0;
    for (size_t i = 0; i < tree->values; i++) {
        at += n * tree->current[2 * i];
        highest = at > highest ? at : highest;
        at += n * tree->current[2 * i + 1] - m * tree->reference[i];
        lowest = at < lowest ? at : lowest;
    }
    return (uint64_t)(highest > -lowest ? highest : -lowest);
}

uint64_t drift_ks_tree_numerator(const struct ks_tree *tree)
{
    if (!tree->node)
        return scan_numerator(tree);
    const int64_t highest = height(tree, tree->node[1].highest);
    const int64_t lowest = height(tree, tree->node[1].lowest);
    return (uint64_t)(highest > -lowest ? highest : -lowest);
}

double drift_ks_tree_distance(const struct ks_tree *tree)
{
    return drift_ks_fraction(drift_ks_tree_numerator(tree), tree->n, tree->m);
}
