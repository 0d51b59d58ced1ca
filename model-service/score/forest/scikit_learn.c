/* scikit_learn.c - the JSON that examples/scikit-learn/export_trees.py writes; docs/scorers.md
 * describes it. */
#include "score/forest/document.h"
#include "score/forest/load.h"

#include "text/excerpt.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(table) (sizeof(table) / sizeof((table)[0]))

/* The version of the format, which is written into the file. */
#define FORMAT_VERSION 1

struct names {
    char **name;
    size_t count;
};

/* The arrays of the tree that is being read. */
struct tree {
    struct document_numbers feature, threshold, left, right, missing_left, value;
    struct document_numbers category_node, category_begin, categories;
    double output;
};

struct reader {
    struct forest *forest;
    struct error *error;
    struct names features, classes;
    struct document_numbers base;
    struct document trees; /* a bookmark */
    bool has_trees, average, narrow_cells, accepts_missing;
    double version, leaf_size;
    char task[24], transform[24], estimator[sizeof(((struct forest *)0)->objective)];
    struct tree tree;
    struct forest_branch *branches;
    size_t branch_room;
};

/* --- single values --- */

static int read_text(struct document *document, char *out, size_t room)
{
    const char *text = NULL;
    size_t bytes = 0;
    int rc = document_text(document, &text, &bytes);

    if (rc == 0)
        snprintf(out, room, "%.*s", (int)(bytes < room ? bytes : room - 1), text);
    return rc;
}

static int read_flag(struct document *document, bool *ret_flag)
{
    double number = 0;
    int rc = document_number(document, &number);

    if (rc == 0)
        *ret_flag = number != 0;
    return rc;
}

static int read_name(struct document *document, void *target)
{
    struct names *names = target;
    const size_t count = names->count;
    const char *text = NULL;
    size_t bytes = 0;
    int rc = document_text(document, &text, &bytes);

    if (rc < 0)
        return rc;
    if ((count & (count - 1)) == 0) { /* a power of two, or none */
        char **name = realloc(names->name, (count ? 2 * count : 1) * sizeof(*name));

        if (!name)
            return -ENOMEM;
        names->name = name;
    }
    names->name[count] = NULL;
    rc = forest_copy_text(&names->name[count], text, bytes);
    names->count += rc == 0;
    return rc;
}

#define READ(function, type, member, ...)                                                          \
    static int read_##member(struct document *document, void *target)                              \
    {                                                                                              \
        return function(document, __VA_ARGS__((struct type *)target)->member);                     \
    }
READ(document_numbers, reader, base, &)
READ(document_number, reader, version, &)
READ(document_number, reader, leaf_size, &)
READ(read_flag, reader, average, &)
READ(read_flag, reader, narrow_cells, &)
READ(read_flag, reader, accepts_missing, &)
READ(document_numbers, tree, feature, &)
READ(document_numbers, tree, threshold, &)
READ(document_numbers, tree, left, &)
READ(document_numbers, tree, right, &)
READ(document_numbers, tree, missing_left, &)
READ(document_numbers, tree, value, &)
READ(document_numbers, tree, category_node, &)
READ(document_numbers, tree, category_begin, &)
READ(document_numbers, tree, categories, &)
READ(document_number, tree, output, &)

#define READ_TEXT(member)                                                                          \
    static int read_##member(struct document *document, void *target)                              \
    {                                                                                              \
        struct reader *reader = target;                                                            \
        return read_text(document, reader->member, sizeof(reader->member));                        \
    }
READ_TEXT(task)
READ_TEXT(transform)
READ_TEXT(estimator)

static int read_features(struct document *document, void *target)
{
    return document_elements(document, read_name, &((struct reader *)target)->features);
}

static int read_classes(struct document *document, void *target)
{
    return document_elements(document, read_name, &((struct reader *)target)->classes);
}

static int read_program_version(struct document *document, void *target)
{
    struct forest *forest = ((struct reader *)target)->forest;

    return read_text(document, forest->version, sizeof(forest->version));
}

static int note_trees(struct document *document, void *target)
{
    struct reader *reader = target;

    reader->trees = *document;
    reader->has_trees = true;
    return document_skip(document);
}

/* --- a tree --- */

static uint32_t index_of(double number)
{
    return number >= 0 && number < UINT32_MAX ? (uint32_t)number : UINT32_MAX - 1;
}

static int check_lengths(struct reader *reader, const struct tree *tree)
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

static int read_branch(struct reader *reader, const struct tree *tree, size_t i)
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
static int read_set(struct reader *reader, const struct tree *tree, size_t i)
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

static int add_tree(struct reader *reader)
{
    struct tree *tree = &reader->tree;
    struct forest *forest = reader->forest;
    const size_t count = tree->feature.count;
    int rc = check_lengths(reader, tree);

    if (rc == 0 && count > reader->branch_room) {
        free(reader->branches);
        reader->branch_room = count;
        reader->branches = calloc(count, sizeof(*reader->branches));
        rc = reader->branches ? 0 : -ENOMEM;
    }
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

static int read_tree(struct document *document, void *target)
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
    struct reader *reader = target;
    struct tree *tree = &reader->tree;
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

/* --- the model --- */

static int find_word(struct reader *reader, const char *what, const char *word,
                     const char *const *words, size_t count, size_t *ret_index)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0) {
            *ret_index = i;
            return 0;
        }
    return error_set(reader->error, -EINVAL, "its %s is \"%s\", which is not known", what,
                     excerpt(word).text);
}

static int read_kinds(struct reader *reader)
{
    static const char *const tasks[] = {"regression", "binary", "multiclass"};
    static const char *const transforms[] = {"identity", "logistic", "exp", "softmax"};
    struct forest *forest = reader->forest;
    size_t task = 0, transform = 0;
    int rc = find_word(reader, "task", reader->task, tasks, LENGTH(tasks), &task);

    if (rc == 0)
        rc = find_word(reader, "transform", reader->transform, transforms, LENGTH(transforms),
                       &transform);
    if (rc < 0)
        return rc;
    forest->task = (enum forest_task)task;
    forest->transform = (enum forest_transform)transform;
    return 0;
}

static int check_head(struct reader *reader)
{
    const bool many = reader->forest->task == FOREST_MULTICLASS;

    if (reader->version != FORMAT_VERSION)
        return error_set(reader->error, -EINVAL, "its version is %g, expected %d", reader->version,
                         FORMAT_VERSION);
    if (!reader->has_trees)
        return error_set(reader->error, -EINVAL, "it has no trees");
    if (many != (reader->base.count > 1))
        return error_set(reader->error, -EINVAL, "its task is \"%s\" with %zu outputs",
                         reader->task, reader->base.count);
    if (reader->leaf_size != 1 && reader->leaf_size != (double)reader->base.count)
        return error_set(reader->error, -EINVAL,
                         "its leaves have %g values, but it has %zu outputs", reader->leaf_size,
                         reader->base.count);
    if (reader->classes.count > 0 &&
        reader->classes.count != (many                                    ? reader->base.count
                                  : reader->forest->task == FOREST_BINARY ? 2
                                                                          : 0))
        return error_set(reader->error, -EINVAL, "its task is \"%s\" with %zu classes",
                         reader->task, reader->classes.count);
    return 0;
}

/* forest_init() clears the forest: what was read before is put back. */
static int prepare_forest(struct reader *reader)
{
    struct forest *forest = reader->forest, head = *forest;
    int rc = forest_init(forest, reader->features.count, reader->error);

    memcpy(forest->version, head.version, sizeof(head.version));
    snprintf(forest->program, sizeof(forest->program), "scikit-learn");
    snprintf(forest->objective, sizeof(forest->objective), "%s", reader->estimator);
    if (rc == 0)
        rc = read_kinds(reader);
    if (rc == 0)
        rc = check_head(reader);
    if (rc == 0)
        rc = forest_set_outputs(forest, reader->base.count, reader->error);
    if (rc < 0)
        return rc;
    memcpy(forest->base, reader->base.item, forest->outputs * sizeof(*forest->base));
    forest->feature_name = reader->features.name;
    reader->features = (struct names){0};
    if (reader->classes.count > 0)
        forest->class_name = reader->classes.name;
    if (reader->classes.count > 0)
        reader->classes = (struct names){0};
    forest->vector_size = reader->leaf_size > 1 ? (size_t)reader->leaf_size : 0;
    forest->narrow_cells = reader->narrow_cells;
    forest->needs_values = !reader->accepts_missing;
    return 0;
}

static int read_all(struct reader *reader, char *bytes, size_t length)
{
    static const struct document_member members[] = {
        {"accepts_missing", read_accepts_missing},
        {"average", read_average},
        {"base", read_base},
        {"classes", read_classes},
        {"estimator", read_estimator},
        {"features", read_features},
        {"float32", read_narrow_cells},
        {"leaf_size", read_leaf_size},
        {"scikit_learn", read_program_version},
        {"task", read_task},
        {"transform", read_transform},
        {"trees", note_trees},
        {"version", read_version},
    };
    struct forest *forest = reader->forest;
    struct document document;

    document_init(&document, bytes, length, reader->error);
    int rc = document_members(&document, members, LENGTH(members), reader);
    if (rc == 0)
        rc = document_finish(&document);
    if (rc == 0)
        rc = prepare_forest(reader);
    if (rc == 0)
        rc = document_elements(&reader->trees, read_tree, reader);
    if (rc < 0)
        return rc;
    if (reader->average)
        forest->divisor = forest->tree_count;
    for (size_t i = 0; i < forest->outputs; i++)
        if (!isfinite(forest->base[i]))
            return error_set(reader->error, -EINVAL, "its base is not a finite number");
    return forest_complete(forest, reader->error);
}

static void names_finish(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->name[i]);
    free(names->name);
}

int forest_read_scikit_learn(char *bytes, size_t length, struct forest *forest, struct error *error)
{
    struct reader reader = {.forest = forest, .error = error, .leaf_size = 1};
    struct tree *tree = &reader.tree;
    struct document_numbers *const arrays[] = {
        &tree->feature,      &tree->threshold, &tree->left,          &tree->right,
        &tree->missing_left, &tree->value,     &tree->category_node, &tree->category_begin,
        &tree->categories,   &reader.base};

    *forest = (struct forest){0};
    int rc = read_all(&reader, bytes, length);
    for (size_t i = 0; i < LENGTH(arrays); i++)
        document_numbers_finish(arrays[i]);
    names_finish(&reader.features);
    names_finish(&reader.classes);
    free(reader.branches);
    return rc;
}
