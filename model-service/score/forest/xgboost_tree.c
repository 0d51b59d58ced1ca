/* xgboost_tree.c - one tree of an XGBoost file: arrays with an entry per node. */
#include "score/forest/xgboost_reader.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_NUMBERS(member)                                                                       \
    static int read_##member(struct document *document, void *target)                              \
    {                                                                                              \
        return document_numbers(document, &((struct xgboost_tree *)target)->member);               \
    }
READ_NUMBERS(left)
READ_NUMBERS(right)
READ_NUMBERS(column)
READ_NUMBERS(default_left)
READ_NUMBERS(split_type)
READ_NUMBERS(categories)
READ_NUMBERS(category_node)
READ_NUMBERS(category_begin)
READ_NUMBERS(category_size)

static int read_threshold(struct document *document, void *target)
{
    return document_floats(document, &((struct xgboost_tree *)target)->threshold);
}

static int read_leaf_weights(struct document *document, void *target)
{
    return document_floats(document, &((struct xgboost_tree *)target)->vector);
}

static int read_base_weights(struct document *document, void *target)
{
    struct xgboost_tree *tree = target;

    tree->base_weights = *document;
    tree->has_base_weights = true;
    return document_skip(document);
}

static int read_leaf_vector(struct document *document, void *target)
{
    return xgboost_read_count(document, &((struct xgboost_tree *)target)->leaf_vector);
}

static int read_tree_param(struct document *document, void *target)
{
    static const struct document_member members[] = {{"size_leaf_vector", read_leaf_vector}};

    return document_members(document, members, LENGTH(members), target);
}

static const struct document_member tree_members[] = {
    {"base_weights", read_base_weights},      {"categories", read_categories},
    {"categories_nodes", read_category_node}, {"categories_segments", read_category_begin},
    {"categories_sizes", read_category_size}, {"default_left", read_default_left},
    {"leaf_weights", read_leaf_weights},      {"left_children", read_left},
    {"right_children", read_right},           {"split_conditions", read_threshold},
    {"split_indices", read_column},           {"split_type", read_split_type},
    {"tree_param", read_tree_param},
};

static int check_lengths(struct xgboost_reader *reader, const struct xgboost_tree *tree)
{
    const struct {
        const char *name;
        size_t count;
        bool optional;
    } arrays[] = {{"right_children", tree->right.count, false},
                  {"split_indices", tree->column.count, false},
                  {"split_conditions", tree->threshold.count, false},
                  {"default_left", tree->default_left.count, false},
                  {"split_type", tree->split_type.count, true}};

    for (size_t i = 0; i < LENGTH(arrays); i++)
        if (arrays[i].count != tree->left.count && !(arrays[i].optional && arrays[i].count == 0))
            return error_set(reader->error, -EINVAL, "has %zu left_children, but %zu %s",
                             tree->left.count, arrays[i].count, arrays[i].name);
    if (tree->category_node.count != tree->category_begin.count ||
        tree->category_node.count != tree->category_size.count)
        return error_set(reader->error, -EINVAL, "has lists of categories of different lengths");
    return 0;
}

/* The codes of node number i of categories_nodes, as bits; all of them go right. */
static int read_set(struct xgboost_reader *reader, const struct xgboost_tree *tree, size_t i,
                    struct forest_branch *branch)
{
    const size_t begin = xgboost_index(tree->category_begin.item[i]);
    const size_t size = xgboost_index(tree->category_size.item[i]);
    uint32_t largest = 0, *bits = NULL;

    if (begin > tree->categories.count || size > tree->categories.count - begin)
        return error_set(reader->error, -EINVAL, "has a list of categories beyond their end");
    for (size_t c = begin; c < begin + size; c++) {
        const uint32_t code = xgboost_index(tree->categories.item[c]);

        if (code >= 1u << 24)
            return error_set(reader->error, -EINVAL, "has a category with the code %.17g",
                             tree->categories.item[c]);
        largest = code > largest ? code : largest;
    }
    branch->set.first_word = (uint32_t)reader->forest->bit_words;
    branch->set.words = size > 0 ? largest / 32 + 1 : 0;
    int rc = forest_add_bits(reader->forest, branch->set.words, &bits);
    for (size_t c = begin; rc == 0 && c < begin + size; c++) {
        const uint32_t code = (uint32_t)tree->categories.item[c];

        bits[code / 32] |= 1u << code % 32;
    }
    return rc;
}

static int read_sets(struct xgboost_reader *reader, const struct xgboost_tree *tree)
{
    for (size_t i = 0; i < tree->category_node.count; i++) {
        const uint32_t node = xgboost_index(tree->category_node.item[i]);

        if (node >= tree->left.count || !(reader->branches[node].flags & FOREST_CATEGORICAL))
            return error_set(reader->error, -EINVAL, "has categories for a node without");
        if (reader->branches[node].set.words != UINT32_MAX)
            return error_set(reader->error, -EINVAL, "has categories for a node twice");
        int rc = read_set(reader, tree, i, &reader->branches[node]);
        if (rc < 0)
            return rc;
    }
    for (size_t i = 0; i < tree->left.count; i++)
        if (reader->branches[i].flags & FOREST_CATEGORICAL &&
            reader->branches[i].set.words == UINT32_MAX)
            return error_set(reader->error, -EINVAL, "has no categories for node %zu", i);
    return 0;
}

/* Vector leaves: since 3.2 in an array of their own, numbered by right_children of the leaf; before
 * among the base weights of all nodes. */
static int read_vector(struct xgboost_reader *reader, const struct xgboost_tree *tree, size_t node,
                       double *ret_value)
{
    struct forest *forest = reader->forest;
    const bool own = tree->vector.count > 0 && !tree->has_base_weights;
    const size_t index = own ? xgboost_index(tree->right.item[node]) : node;
    const size_t size = tree->leaf_vector;

    if (index >= tree->vector.count / size)
        return error_set(reader->error, -EINVAL, "has no weights for the leaf %zu", node);
    *ret_value = (double)(forest->vector_numbers / size);
    return forest_add_vector(forest, tree->vector.item + index * size, size);
}

static int read_branch(struct xgboost_reader *reader, const struct xgboost_tree *tree, size_t i)
{
    struct forest_branch *branch = &reader->branches[i];
    const bool leaf = tree->left.item[i] == -1;
    const bool categorical = !leaf && tree->split_type.count > 0 && tree->split_type.item[i] == 1;

    *branch = (struct forest_branch){
        .left = leaf ? FOREST_LEAF : xgboost_index(tree->left.item[i]),
        .right = leaf ? FOREST_LEAF : xgboost_index(tree->right.item[i]),
        .column = xgboost_index(tree->column.item[i]),
        .id = (uint32_t)i,
        .flags = tree->default_left.item[i] != 0 ? 0 : FOREST_NAN_RIGHT,
        .threshold = tree->threshold.item[i],
    };
    if (!leaf && !categorical && isnan(branch->threshold))
        return error_set(reader->error, -EINVAL, "node %zu has a threshold that is not a number",
                         i);
    if (categorical) {
        branch->flags |= FOREST_CATEGORICAL;
        branch->set.first_word = 0;
        branch->set.words = UINT32_MAX; /* none yet */
    }
    return leaf && tree->leaf_vector > 1 ? read_vector(reader, tree, i, &branch->value) : 0;
}

/* Brings the weights of vector leaves together, wherever the file has them. */
static int prepare_vectors(struct xgboost_reader *reader, struct xgboost_tree *tree)
{
    struct forest *forest = reader->forest;
    int rc = 0;

    if (tree->leaf_vector > 1 && tree->leaf_vector != forest->outputs)
        return error_set(reader->error, -EINVAL, "has leaves of %zu values, but %zu outputs",
                         tree->leaf_vector, forest->outputs);
    if (forest->tree_count > 0 && (tree->leaf_vector > 1) != (forest->vector_size > 0))
        return error_set(reader->error, -EINVAL, "has other leaves than the trees before");
    if (tree->leaf_vector > 1) {
        forest->vector_size = tree->leaf_vector;
        if (tree->vector.count > 0)
            tree->has_base_weights = false;
        else if (tree->has_base_weights)
            rc = document_floats(&tree->base_weights, &tree->vector);
    }
    return rc;
}

static int add_tree(struct xgboost_reader *reader)
{
    struct xgboost_tree *tree = &reader->tree;
    const size_t count = tree->left.count;
    int rc = check_lengths(reader, tree);

    if (rc == 0)
        rc = prepare_vectors(reader, tree);
    if (rc == 0)
        rc = forest_reserve_branches(&reader->branches, &reader->branch_room, count);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = read_branch(reader, tree, i);
    if (rc == 0)
        rc = read_sets(reader, tree);
    return rc < 0 ? rc : forest_add_tree(reader->forest, reader->branches, count, reader->error);
}

int xgboost_read_tree(struct document *document, void *target)
{
    struct xgboost_reader *reader = target;
    struct xgboost_tree *tree = &reader->tree;
    struct document_numbers *const arrays[] = {
        &tree->left,          &tree->right,          &tree->column,       &tree->threshold,
        &tree->default_left,  &tree->split_type,     &tree->vector,       &tree->categories,
        &tree->category_node, &tree->category_begin, &tree->category_size};

    for (size_t i = 0; i < LENGTH(arrays); i++)
        arrays[i]->count = 0;
    tree->has_base_weights = false;
    tree->leaf_vector = 0;
    int rc = document_members(document, tree_members, LENGTH(tree_members), tree);
    if (rc < 0)
        return rc;
    rc = add_tree(reader);
    return rc == -EINVAL ? error_at(reader->error, rc, "tree %zu", reader->forest->tree_count) : rc;
}
