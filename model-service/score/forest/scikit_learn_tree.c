/* scikit_learn_tree.c - a tree of an exported model of scikit-learn. */
#include "score/forest/scikit_learn_reader.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define LENGTH(table) (sizeof(table) / sizeof((table)[0]))

#define READ(function, type, member, ...)                                                          \
    static int read_##member(struct document *document, void *target)                              \
    {                                                                                              \
        return function(document, __VA_ARGS__((struct type *)target)->member);                     \
    }
READ(document_numbers, scikit_tree, feature, &)
READ(document_numbers, scikit_tree, threshold, &)
READ(document_numbers, scikit_tree, left, &)
READ(document_numbers, scikit_tree, right, &)
READ(document_numbers, scikit_tree, missing_left, &)
READ(document_numbers, scikit_tree, value, &)
READ(document_numbers, scikit_tree, category_node, &)
READ(document_numbers, scikit_tree, category_begin, &)
READ(document_numbers, scikit_tree, categories, &)
READ(document_number, scikit_tree, output, &)

static uint32_t index_of(double number)
{
    return number >= 0 && number < UINT32_MAX ? (uint32_t)number : UINT32_MAX - 1;
}

static int check_lengths(struct scikit_reader *reader, const struct scikit_tree *tree)
{
    const size_t nodes = tree->feature.count, size = (size_t)reader->leaf_size;

    if (tree->threshold.count != nodes || tree->left.count != nodes || tree->right.count != nodes ||
        tree->value.count / size != nodes ||
        (tree->missing_left.count != nodes && tree->missing_left.count != 0))
        return error_set(reader->error, -EINVAL, "has arrays of different lengths");
    /* the codes of node i lie between two begins, the last of which is their end */
    return tree->category_begin.count == tree->category_node.count + (tree->category_node.count > 0)
               ? 0
               : error_set(reader->error, -EINVAL, "has lists of categories that do not fit");
}

static int read_branch(struct scikit_reader *reader, const struct scikit_tree *tree, size_t i)
{
    struct forest *forest = reader->forest;
    struct forest_branch *branch = &reader->branches[i];
    const size_t size = (size_t)reader->leaf_size;

    *branch = (struct forest_branch){.left = FOREST_LEAF, .right = FOREST_LEAF, .id = (uint32_t)i};
    if (tree->feature.item[i] < 0) {
        branch->value = tree->value.item[i * size];
        if (size == 1)
            return 0;
        branch->value = (double)(forest->vector_numbers / size);
        return forest_add_vector(forest, tree->value.item + i * size, size);
    }
    if (isnan(tree->threshold.item[i]))
        return error_set(reader->error, -EINVAL, "node %zu has a threshold that is not a number",
                         i);
    branch->left = index_of(tree->left.item[i]);
    branch->right = index_of(tree->right.item[i]);
    branch->column = index_of(tree->feature.item[i]);
    branch->threshold = forest_threshold_at_most(tree->threshold.item[i]);
    if (tree->missing_left.count == 0 || tree->missing_left.item[i] == 0)
        branch->flags = FOREST_NAN_RIGHT;
    return 0;
}

/* The codes in the list go to the side that missing values do not. */
static int read_set(struct scikit_reader *reader, const struct scikit_tree *tree, size_t i)
{
    const double begin = tree->category_begin.item[i], end = tree->category_begin.item[i + 1];
    const uint32_t node = index_of(tree->category_node.item[i]);
    uint32_t largest = 0, *bits = NULL;

    if (!(begin >= 0 && begin <= end && end <= (double)tree->categories.count) ||
        node >= tree->feature.count || reader->branches[node].left == FOREST_LEAF ||
        reader->branches[node].flags & FOREST_CATEGORICAL)
        return error_set(reader->error, -EINVAL, "has lists of categories that do not fit");
    for (size_t c = (size_t)begin; c < (size_t)end; c++) {
        const uint32_t code = index_of(tree->categories.item[c]);

        if (code >= 1u << 24)
            return error_set(reader->error, -EINVAL, "has a category with the code %.17g",
                             tree->categories.item[c]);
        largest = code > largest ? code : largest;
    }
    struct forest_branch *branch = &reader->branches[node];
    branch->flags |= FOREST_CATEGORICAL | (branch->flags & FOREST_NAN_RIGHT ? FOREST_SET_LEFT : 0);
    branch->set.first_word = (uint32_t)reader->forest->bit_words;
    branch->set.words = begin < end ? largest / 32 + 1 : 0;
    int rc = forest_add_bits(reader->forest, branch->set.words, &bits);
    for (size_t c = (size_t)begin; rc == 0 && c < (size_t)end; c++) {
        const uint32_t code = (uint32_t)tree->categories.item[c];

        bits[code / 32] |= 1u << code % 32;
    }
    if (rc == 0 && branch->column < reader->forest->features)
        reader->forest->categorical[branch->column] = true;
    return rc;
}

static int add_tree(struct scikit_reader *reader)
{
    struct scikit_tree *tree = &reader->tree;
    struct forest *forest = reader->forest;
    const size_t count = tree->feature.count;
    int rc = check_lengths(reader, tree);

    if (rc == 0)
        rc = forest_reserve_branches(&reader->branches, &reader->branch_room, count);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = read_branch(reader, tree, i);
    for (size_t i = 0; i < tree->category_node.count && rc == 0; i++)
        rc = read_set(reader, tree, i);
    if (rc == 0)
        rc = forest_add_tree(forest, reader->branches, count, reader->error);
    if (rc == 0)
        forest->trees[forest->tree_count - 1].output = index_of(tree->output);
    return rc;
}

int scikit_read_tree(struct document *document, void *target)
{
    static const struct document_member members[] = {
        {"categories", read_categories},
        {"category_begin", read_category_begin},
        {"category_node", read_category_node},
        {"feature", read_feature},
        {"left", read_left},
        {"missing_left", read_missing_left},
        {"output", read_output},
        {"right", read_right},
        {"threshold", read_threshold},
        {"value", read_value},
    };
    struct scikit_reader *reader = target;
    struct scikit_tree *tree = &reader->tree;
    struct document_numbers *const arrays[] = {
        &tree->feature,       &tree->threshold,      &tree->left,
        &tree->right,         &tree->missing_left,   &tree->value,
        &tree->category_node, &tree->category_begin, &tree->categories};

    for (size_t i = 0; i < LENGTH(arrays); i++)
        arrays[i]->count = 0;
    tree->output = 0;
    int rc = document_members(document, members, LENGTH(members), tree);
    if (rc < 0)
        return rc;
    rc = add_tree(reader);
    return rc == -EINVAL ? error_at(reader->error, rc, "tree %zu", reader->forest->tree_count) : rc;
}
