/* lightgbm_tree.c - the trees of LightGBM's text models. */
#include "score/forest/lightgbm_reader.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define LENGTH(table) (sizeof(table) / sizeof((table)[0]))

/* Bits of decision_type, and the kinds of missing values in its bits 2 and 3. */
#define DECISION_CATEGORICAL  1u
#define DECISION_DEFAULT_LEFT 2u
enum missing { MISSING_NONE, MISSING_ZERO, MISSING_NAN };

static int read_arrays(struct lightgbm_reader *reader, size_t leaves)
{
    const struct {
        enum lightgbm_field field;
        struct document_numbers *numbers;
        size_t count;
    } arrays[] = {
        {FIELD_SPLIT_FEATURE, &reader->feature, leaves - 1},
        {FIELD_THRESHOLD, &reader->threshold, leaves - 1},
        {FIELD_DECISION, &reader->decision, leaves - 1},
        {FIELD_LEFT, &reader->left, leaves - 1},
        {FIELD_RIGHT, &reader->right, leaves - 1},
        {FIELD_VALUE, &reader->value, leaves},
    };

    for (size_t i = 0; i < LENGTH(arrays); i++) {
        int rc = lightgbm_read_numbers(reader, arrays[i].field, arrays[i].numbers);

        if (rc < 0)
            return rc;
        if (arrays[i].numbers->count != arrays[i].count)
            return error_set(reader->error, -EINVAL, "%s has %zu numbers, expected %zu",
                             lightgbm_field_names[arrays[i].field], arrays[i].numbers->count,
                             arrays[i].count);
    }
    int rc = lightgbm_read_numbers(reader, FIELD_CAT_BEGIN, &reader->cat_begin);
    return rc < 0 ? rc : lightgbm_read_numbers(reader, FIELD_CAT_WORDS, &reader->cat_words);
}

/* Inner nodes come first in the branches, then the leaves; a file says ~leaf. */
static uint32_t child_of(double child, size_t leaves)
{
    if (child >= 0 && child < (double)(leaves - 1))
        return (uint32_t)child;
    return child < 0 && child >= -(double)leaves ? (uint32_t)((double)leaves - 2 - child)
                                                 : UINT32_MAX - 1;
}

/* The words of set number k. */
static int read_set(struct lightgbm_reader *reader, double k, struct forest_branch *branch)
{
    const struct document_numbers *bounds = &reader->cat_begin, *words = &reader->cat_words;
    uint32_t *bits = NULL;

    if (!(k >= 0 && k + 1 < (double)bounds->count))
        return error_set(reader->error, -EINVAL, "a split has no categories");
    const double begin = bounds->item[(size_t)k], end = bounds->item[(size_t)k + 1];
    if (!(begin >= 0 && begin <= end && end <= (double)words->count))
        return error_set(reader->error, -EINVAL, "a split's categories go beyond their end");
    branch->set.first_word = (uint32_t)reader->forest->bit_words;
    branch->set.words = (uint32_t)(end - begin);
    int rc = forest_add_bits(reader->forest, branch->set.words, &bits);
    for (size_t i = 0; rc == 0 && i < branch->set.words; i++) {
        const double word = words->item[(size_t)begin + i];

        if (!(word >= 0 && word <= UINT32_MAX))
            return error_set(reader->error, -EINVAL, "a split's categories are not bits");
        bits[i] = (uint32_t)word;
    }
    return rc;
}

static int read_categorical(struct lightgbm_reader *reader, size_t i, struct forest_branch *branch)
{
    const size_t feature = (size_t)reader->feature.item[i];
    int rc =
        forest_column_of(reader->forest, feature, FOREST_CELL_CODE, &branch->column, reader->error);

    if (rc < 0)
        return rc;
    reader->forest->categorical[feature] = true;
    branch->flags = FOREST_CATEGORICAL | FOREST_SET_LEFT | FOREST_NAN_RIGHT;
    return read_set(reader, reader->threshold.item[i], branch);
}

/* A missing value that is not expected counts as 0. */
static int read_numeric(struct lightgbm_reader *reader, size_t i, unsigned decision,
                        struct forest_branch *branch)
{
    const enum missing missing = decision >> 2 & 3;
    const double threshold = reader->threshold.item[i];
    const bool left =
        missing == MISSING_NONE ? 0.0 <= threshold : (decision & DECISION_DEFAULT_LEFT) != 0;

    if (isnan(threshold))
        return error_set(reader->error, -EINVAL, "a threshold is not a number");
    branch->flags = left ? 0 : FOREST_NAN_RIGHT;
    branch->threshold = forest_threshold_at_most(threshold);
    return forest_column_of(reader->forest, (size_t)reader->feature.item[i],
                            missing == MISSING_ZERO ? FOREST_CELL_ZERO_MISSING : FOREST_CELL_VALUE,
                            &branch->column, reader->error);
}

static int read_split(struct lightgbm_reader *reader, size_t i, size_t leaves)
{
    struct forest_branch *branch = &reader->branches[i];
    const double decision = reader->decision.item[i], feature = reader->feature.item[i];

    *branch = (struct forest_branch){.left = child_of(reader->left.item[i], leaves),
                                     .right = child_of(reader->right.item[i], leaves),
                                     .id = (uint32_t)i};
    if (!(decision >= 0 && decision < 12) || !(feature >= 0 && feature < FOREST_MAX_COLUMNS))
        return error_set(reader->error, -EINVAL, "split %zu: found decision_type %g by feature %g",
                         i, decision, feature);
    return (unsigned)decision & DECISION_CATEGORICAL
               ? read_categorical(reader, i, branch)
               : read_numeric(reader, i, (unsigned)decision, branch);
}

static int read_tree(struct lightgbm_reader *reader)
{
    struct forest *forest = reader->forest;
    const struct lightgbm_line *linear = &reader->field[FIELD_LINEAR];
    size_t leaves = 0;
    int rc = lightgbm_read_count(reader, FIELD_LEAVES, &leaves);

    if (rc < 0)
        return rc;
    if (linear->text && !lightgbm_line_is(linear, "0"))
        return error_set(reader->error, -EINVAL,
                         "is a linear tree (linear_tree=true), whose leaves are linear models; "
                         "these are not supported");
    if (leaves == 0 || leaves > reader->field[FIELD_VALUE].bytes)
        return error_set(reader->error, -EINVAL, "num_leaves is %zu, but leaf_value has %zu bytes",
                         leaves, reader->field[FIELD_VALUE].bytes);
    rc = read_arrays(reader, leaves);
    if (rc == 0)
        rc = forest_reserve_branches(&reader->branches, &reader->branch_room, 2 * leaves - 1);
    for (size_t i = 0; i + 1 < leaves && rc == 0; i++)
        rc = read_split(reader, i, leaves);
    for (size_t i = 0; i < leaves && rc == 0; i++)
        reader->branches[leaves - 1 + i] = (struct forest_branch){.left = FOREST_LEAF,
                                                                  .right = FOREST_LEAF,
                                                                  .id = (uint32_t)i,
                                                                  .value = reader->value.item[i]};
    if (rc == 0)
        rc = forest_add_tree(forest, reader->branches, 2 * leaves - 1, reader->error);
    if (rc == 0)
        forest->trees[forest->tree_count - 1].output =
            (uint32_t)((forest->tree_count - 1) % reader->per_round);
    return rc;
}

int lightgbm_read_trees(struct lightgbm_reader *reader)
{
    struct lightgbm_line line = {"Tree=", 5};
    int rc = 0;

    while (rc == 0 && lightgbm_line_begins(&line, "Tree=")) {
        if (!lightgbm_read_section(reader, &line))
            return error_set(reader->error, -EINVAL, "it was cut short: no \"end of trees\"");
        rc = read_tree(reader);
        if (rc == -EINVAL)
            error_at(reader->error, rc, "tree %zu", reader->forest->tree_count);
    }
    if (rc == 0 && reader->forest->tree_count % reader->per_round != 0)
        rc = error_set(reader->error, -EINVAL, "it has %zu trees, which are not rounds of %zu",
                       reader->forest->tree_count, reader->per_round);
    return rc;
}
