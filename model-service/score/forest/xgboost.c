/* xgboost.c - XGBoost's model files, JSON and UBJSON, from version 1.0 on. */
#include "score/forest/document.h"
#include "score/forest/load.h"

#include "text/excerpt.h"
#include "text/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(table) (sizeof(table) / sizeof((table)[0]))

/* The newest version whose files were compared with its own predictions. */
#define KNOWN_MAJOR 3
#define KNOWN_MINOR 4

/* How a margin begins from the file's base_score. */
enum link { LINK_NONE, LINK_LOGIT, LINK_LOG };

static const struct objective {
    const char *name;
    enum forest_task task;
    enum forest_transform transform;
    enum link link;
} objectives[] = {
    {"binary:hinge", FOREST_BINARY, FOREST_STEP, LINK_NONE},
    {"binary:logistic", FOREST_BINARY, FOREST_LOGISTIC, LINK_LOGIT},
    {"binary:logitraw", FOREST_BINARY, FOREST_IDENTITY, LINK_NONE},
    {"count:poisson", FOREST_REGRESSION, FOREST_EXP, LINK_LOG},
    {"multi:softmax", FOREST_MULTICLASS, FOREST_SOFTMAX_CLASS, LINK_NONE},
    {"multi:softprob", FOREST_MULTICLASS, FOREST_SOFTMAX, LINK_NONE},
    {"rank:map", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"rank:ndcg", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"rank:pairwise", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"reg:absoluteerror", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"reg:gamma", FOREST_REGRESSION, FOREST_EXP, LINK_LOG},
    {"reg:linear", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"reg:logistic", FOREST_REGRESSION, FOREST_LOGISTIC, LINK_LOGIT},
    {"reg:pseudohubererror", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"reg:quantileerror", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"reg:squarederror", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"reg:squaredlogerror", FOREST_REGRESSION, FOREST_IDENTITY, LINK_NONE},
    {"reg:tweedie", FOREST_REGRESSION, FOREST_EXP, LINK_LOG},
    {"survival:aft", FOREST_REGRESSION, FOREST_EXP, LINK_LOG},
    {"survival:cox", FOREST_REGRESSION, FOREST_EXP, LINK_LOG},
};

/* The arrays of the tree that is being read, kept from one to the next. */
struct tree {
    struct document_numbers left, right, column, threshold, default_left, split_type, vector;
    struct document_numbers categories, category_node, category_begin, category_size;
    struct document base_weights; /* a bookmark; only trees with vector leaves need them */
    bool has_base_weights;
    size_t leaf_vector;
};

struct reader {
    struct forest *forest;
    struct error *error;
    const struct objective *objective;
    struct document booster; /* a bookmark */
    bool has_learner, has_booster, has_trees;
    int major, minor;
    char base_score[64 + 16 * FOREST_MAX_OUTPUTS];
    size_t features, classes, targets, parallel_trees, best_iteration;
    bool has_best;
    char booster_name[32];
    struct document_numbers tree_output, round_end, drop_weight;
    struct document_numbers feature_is_code; /* of each feature type that the file lists */
    char **feature_name;
    size_t feature_names, encodings;
    struct tree tree;
    struct forest_branch *branches;
    size_t branch_room;
};

/* --- texts --- */

/* A text, or a number as its digits, copied with a NUL; cut to the room. */
static int read_text(struct document *document, char *out, size_t room)
{
    const char *text = "";
    size_t bytes = 0;
    double number = 0;
    int rc;

    if (document_peek(document) == DOCUMENT_NUMBER) {
        rc = document_number(document, &number);
        if (rc == 0)
            snprintf(out, room, "%.17g", number);
        return rc;
    }
    rc = document_text(document, &text, &bytes);
    if (rc < 0)
        return rc;
    if (bytes >= room)
        return document_fail(document, "a text of %zu bytes, expected less than %zu", bytes, room);
    memcpy(out, text, bytes);
    out[bytes] = '\0';
    return 0;
}

/* A count that the file writes as a text. */
static int read_count(struct document *document, size_t *ret_count)
{
    char text[32], *end;
    int rc = read_text(document, text, sizeof(text));

    if (rc < 0)
        return rc;
    const unsigned long long count = strtoull(text, &end, 10);
    if (end == text || *end || *text == '-' || count > UINT32_MAX)
        return document_fail(document, "found \"%s\", expected a count", excerpt(text).text);
    *ret_count = (size_t)count;
    return 0;
}

/* --- a tree --- */

#define READ_NUMBERS(member)                                                                       \
    static int read_##member(struct document *document, void *target)                              \
    {                                                                                              \
        return document_numbers(document, &((struct tree *)target)->member);                       \
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
    return document_floats(document, &((struct tree *)target)->threshold);
}

static int read_leaf_weights(struct document *document, void *target)
{
    return document_floats(document, &((struct tree *)target)->vector);
}

static int read_base_weights(struct document *document, void *target)
{
    struct tree *tree = target;

    tree->base_weights = *document;
    tree->has_base_weights = true;
    return document_skip(document);
}

static int read_leaf_vector(struct document *document, void *target)
{
    return read_count(document, &((struct tree *)target)->leaf_vector);
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

static int reserve_branches(struct reader *reader, size_t count)
{
    if (count <= reader->branch_room)
        return 0;
    struct forest_branch *branches = calloc(count, sizeof(*branches));

    if (!branches)
        return -ENOMEM;
    free(reader->branches);
    reader->branches = branches;
    reader->branch_room = count;
    return 0;
}

/* A number of a file as an index; FOREST_LEAF for everything that is none. */
static uint32_t index_of(double number)
{
    return number >= 0 && number < UINT32_MAX ? (uint32_t)number : FOREST_LEAF;
}

static int check_lengths(struct reader *reader, const struct tree *tree)
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
static int read_set(struct reader *reader, const struct tree *tree, size_t i,
                    struct forest_branch *branch)
{
    const size_t begin = index_of(tree->category_begin.item[i]);
    const size_t size = index_of(tree->category_size.item[i]);
    uint32_t largest = 0, *bits = NULL;

    if (begin > tree->categories.count || size > tree->categories.count - begin)
        return error_set(reader->error, -EINVAL, "has a list of categories beyond their end");
    for (size_t c = begin; c < begin + size; c++) {
        const uint32_t code = index_of(tree->categories.item[c]);

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

static int read_sets(struct reader *reader, const struct tree *tree)
{
    for (size_t i = 0; i < tree->category_node.count; i++) {
        const uint32_t node = index_of(tree->category_node.item[i]);

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
static int read_vector(struct reader *reader, const struct tree *tree, size_t node,
                       double *ret_value)
{
    struct forest *forest = reader->forest;
    const bool own = tree->vector.count > 0 && !tree->has_base_weights;
    const size_t index = own ? index_of(tree->right.item[node]) : node;
    const size_t size = tree->leaf_vector;

    if (index >= tree->vector.count / size)
        return error_set(reader->error, -EINVAL, "has no weights for the leaf %zu", node);
    *ret_value = (double)(forest->vector_numbers / size);
    return forest_add_vector(forest, tree->vector.item + index * size, size);
}

static int read_branch(struct reader *reader, const struct tree *tree, size_t i)
{
    struct forest_branch *branch = &reader->branches[i];
    const bool leaf = tree->left.item[i] == -1;
    const bool categorical = !leaf && tree->split_type.count > 0 && tree->split_type.item[i] == 1;

    *branch = (struct forest_branch){
        .left = leaf ? FOREST_LEAF : index_of(tree->left.item[i]),
        .right = leaf ? FOREST_LEAF : index_of(tree->right.item[i]),
        .column = index_of(tree->column.item[i]),
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
static int prepare_vectors(struct reader *reader, struct tree *tree)
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

static int add_tree(struct reader *reader)
{
    struct tree *tree = &reader->tree;
    const size_t count = tree->left.count;
    int rc = check_lengths(reader, tree);

    if (rc == 0)
        rc = prepare_vectors(reader, tree);
    if (rc == 0)
        rc = reserve_branches(reader, count);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = read_branch(reader, tree, i);
    if (rc == 0)
        rc = read_sets(reader, tree);
    return rc < 0 ? rc : forest_add_tree(reader->forest, reader->branches, count, reader->error);
}

static int read_tree(struct document *document, void *target)
{
    struct reader *reader = target;
    struct tree *tree = &reader->tree;
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

/* --- the names of categories, since 3.1 --- */

/* A feature's categories: texts one after the other as bytes, with offsets; or whole numbers. */
struct encoding {
    struct document_numbers offsets, values;
    bool is_text;
};

static int read_offsets(struct document *document, void *target)
{
    struct encoding *encoding = target;

    encoding->is_text = true;
    return document_numbers(document, &encoding->offsets);
}

static int read_values(struct document *document, void *target)
{
    return document_numbers(document, &((struct encoding *)target)->values);
}

static int add_category(struct forest_categories *categories, const char *text, size_t bytes)
{
    int rc = forest_copy_text(&categories->name[categories->count], text, bytes);

    categories->count += rc == 0;
    return rc;
}

static int add_numbers(struct forest_categories *categories, const struct encoding *encoding)
{
    char digits[NUMBER_MAX_BYTES];
    int rc = 0;

    for (size_t i = 0; i < encoding->values.count && rc == 0; i++)
        rc = add_category(categories, digits, number_format(encoding->values.item[i], digits));
    return rc;
}

static int add_texts(struct reader *reader, struct forest_categories *categories,
                     const struct encoding *encoding)
{
    const double *offset = encoding->offsets.item;
    char *text = malloc(encoding->values.count + 1);
    int rc = text ? 0 : -ENOMEM;

    for (size_t i = 0; text && i < encoding->values.count; i++)
        text[i] = (char)(int)fmax(-128, fmin(encoding->values.item[i], 255));
    for (size_t i = 0; i + 1 < encoding->offsets.count && rc == 0; i++) {
        if (!(offset[i] >= 0 && offset[i] <= offset[i + 1] &&
              offset[i + 1] <= (double)encoding->values.count))
            rc = error_set(reader->error, -EINVAL, "a category's name goes beyond their end");
        else
            rc = add_category(categories, text + (size_t)offset[i],
                              (size_t)offset[i + 1] - (size_t)offset[i]);
    }
    free(text);
    return rc;
}

/* The next feature's; one that is not categorical has no values. */
static int read_encoding(struct document *document, void *target)
{
    static const struct document_member members[] = {{"offsets", read_offsets},
                                                     {"values", read_values}};
    struct reader *reader = target;
    struct encoding encoding = {0};
    int rc = document_members(document, members, LENGTH(members), &encoding);
    const size_t count = encoding.is_text ? encoding.offsets.count : encoding.values.count;

    if (rc == 0 && reader->encodings == reader->forest->features)
        rc = document_fail(document, "it names the categories of more features than it has");
    if (rc == 0 && count > 0) {
        struct forest_categories *categories = &reader->forest->categories[reader->encodings];

        if (categories->name)
            rc = document_fail(document, "it names the categories of a feature twice");
        else if (!(categories->name = calloc(count, sizeof(*categories->name))))
            rc = -ENOMEM;
        if (rc == 0)
            rc = encoding.is_text ? add_texts(reader, categories, &encoding)
                                  : add_numbers(categories, &encoding);
    }
    reader->encodings++;
    document_numbers_finish(&encoding.offsets);
    document_numbers_finish(&encoding.values);
    return rc;
}

static int read_encodings(struct document *document, void *target)
{
    ((struct reader *)target)->encodings = 0;
    return document_elements(document, read_encoding, target);
}

static int read_cats(struct document *document, void *target)
{
    static const struct document_member members[] = {{"enc", read_encodings}};

    return document_members(document, members, LENGTH(members), target);
}

/* --- the booster --- */

static int read_trees(struct document *document, void *target)
{
    ((struct reader *)target)->has_trees = true;
    return document_elements(document, read_tree, target);
}

static int read_tree_info(struct document *document, void *target)
{
    return document_numbers(document, &((struct reader *)target)->tree_output);
}

static int read_round_end(struct document *document, void *target)
{
    return document_numbers(document, &((struct reader *)target)->round_end);
}

static int read_drop_weight(struct document *document, void *target)
{
    return document_floats(document, &((struct reader *)target)->drop_weight);
}

static int read_parallel_trees(struct document *document, void *target)
{
    return read_count(document, &((struct reader *)target)->parallel_trees);
}

static int read_model_param(struct document *document, void *target)
{
    static const struct document_member members[] = {{"num_parallel_tree", read_parallel_trees}};

    return document_members(document, members, LENGTH(members), target);
}

static int read_model(struct document *document, void *target)
{
    static const struct document_member members[] = {
        {"cats", read_cats},
        {"gbtree_model_param", read_model_param},
        {"iteration_indptr", read_round_end},
        {"tree_info", read_tree_info},
        {"trees", read_trees},
        {"weight_drop", read_drop_weight},
    };

    return document_members(document, members, LENGTH(members), target);
}

static int read_booster_name(struct document *document, void *target)
{
    struct reader *reader = target;

    return read_text(document, reader->booster_name, sizeof(reader->booster_name));
}

/* gbtree has its model at once; dart, before 3.4, has a gbtree in it and the weights beside. */
static int read_gbtree(struct document *document, void *target)
{
    static const struct document_member members[] = {{"model", read_model}};

    return document_members(document, members, LENGTH(members), target);
}

static int read_booster(struct document *document, void *target)
{
    static const struct document_member members[] = {
        {"gbtree", read_gbtree},
        {"model", read_model},
        {"name", read_booster_name},
        {"weight_drop", read_drop_weight},
    };

    return document_members(document, members, LENGTH(members), target);
}

/* What the booster is called, before its trees are read. */
static int peek_booster_name(struct document *document, void *target)
{
    static const struct document_member members[] = {{"name", read_booster_name}};
    struct reader *reader = target;

    reader->booster = *document;
    reader->has_booster = true;
    return document_members(document, members, LENGTH(members), target);
}

/* --- the learner --- */

static int read_feature_name(struct document *document, void *target)
{
    struct reader *reader = target;
    const char *text = NULL;
    size_t bytes = 0;
    int rc = document_text(document, &text, &bytes);

    if (rc < 0)
        return rc;
    if (memchr(text, '\0', bytes))
        return document_fail(document, "a feature's name has a NUL");
    if ((reader->feature_names & (reader->feature_names - 1)) == 0) { /* a power of two, or none */
        const size_t room = reader->feature_names ? 2 * reader->feature_names : 1;
        char **names = realloc(reader->feature_name, room * sizeof(*names));

        if (!names)
            return -ENOMEM;
        reader->feature_name = names;
    }
    reader->feature_name[reader->feature_names] = NULL;
    rc = forest_copy_text(&reader->feature_name[reader->feature_names], text, bytes);
    reader->feature_names += rc == 0;
    return rc;
}

static int read_feature_names(struct document *document, void *target)
{
    return document_elements(document, read_feature_name, target);
}

static int read_feature_type(struct document *document, void *target)
{
    struct document_numbers *codes = &((struct reader *)target)->feature_is_code;
    char type[32];
    int rc = read_text(document, type, sizeof(type));

    if (rc == 0 && codes->count == codes->room) {
        const size_t room = codes->room ? 2 * codes->room : 64;
        double *item = realloc(codes->item, room * sizeof(*item));

        if (!item)
            return -ENOMEM;
        codes->item = item;
        codes->room = room;
    }
    if (rc == 0)
        codes->item[codes->count++] = strcmp(type, "c") == 0 || strcmp(type, "categorical") == 0;
    return rc;
}

static int read_feature_types(struct document *document, void *target)
{
    return document_elements(document, read_feature_type, target);
}

static int read_best_iteration(struct document *document, void *target)
{
    struct reader *reader = target;

    reader->has_best = true;
    return read_count(document, &reader->best_iteration);
}

static int read_attributes(struct document *document, void *target)
{
    static const struct document_member members[] = {{"best_iteration", read_best_iteration}};

    return document_members(document, members, LENGTH(members), target);
}

static int read_base_score(struct document *document, void *target)
{
    struct reader *reader = target;

    return read_text(document, reader->base_score, sizeof(reader->base_score));
}

#define READ_COUNT(member)                                                                         \
    static int read_##member(struct document *document, void *target)                              \
    {                                                                                              \
        return read_count(document, &((struct reader *)target)->member);                           \
    }
READ_COUNT(classes)
READ_COUNT(features)
READ_COUNT(targets)

static int read_learner_param(struct document *document, void *target)
{
    static const struct document_member members[] = {
        {"base_score", read_base_score},
        {"num_class", read_classes},
        {"num_feature", read_features},
        {"num_target", read_targets},
    };

    return document_members(document, members, LENGTH(members), target);
}

static int read_objective_name(struct document *document, void *target)
{
    struct reader *reader = target;
    struct forest *forest = reader->forest;
    int rc = read_text(document, forest->objective, sizeof(forest->objective));

    for (size_t i = 0; rc == 0 && i < LENGTH(objectives); i++)
        if (strcmp(objectives[i].name, forest->objective) == 0)
            reader->objective = &objectives[i];
    return rc;
}

static int read_objective(struct document *document, void *target)
{
    static const struct document_member members[] = {{"name", read_objective_name}};

    return document_members(document, members, LENGTH(members), target);
}

static int read_learner(struct document *document, void *target)
{
    static const struct document_member members[] = {
        {"attributes", read_attributes},
        {"feature_names", read_feature_names},
        {"feature_types", read_feature_types},
        {"gradient_booster", peek_booster_name},
        {"learner_model_param", read_learner_param},
        {"objective", read_objective},
    };

    ((struct reader *)target)->has_learner = true;
    return document_members(document, members, LENGTH(members), target);
}

static int read_version(struct document *document, void *target)
{
    struct reader *reader = target;
    struct document_numbers version = {0};
    int rc = document_numbers(document, &version);

    if (rc == 0 && version.count >= 2) {
        reader->major = (int)fmax(0, fmin(version.item[0], 9999));
        reader->minor = (int)fmax(0, fmin(version.item[1], 9999));
    }
    document_numbers_finish(&version);
    return rc;
}

/* --- what follows from it --- */

static int check_learner(struct reader *reader)
{
    const struct forest *forest = reader->forest;

    if (!reader->has_learner || !reader->has_booster)
        return error_set(reader->error, -EINVAL, "not an XGBoost model: it has no %s",
                         reader->has_learner ? "gradient_booster" : "learner");
    if (strcmp(reader->booster_name, "gblinear") == 0)
        return error_set(reader->error, -EINVAL,
                         "its booster is \"gblinear\", expected trees (gbtree or dart)");
    if (reader->booster_name[0] && strcmp(reader->booster_name, "gbtree") != 0 &&
        strcmp(reader->booster_name, "dart") != 0)
        return error_set(reader->error, -EINVAL,
                         "its booster is \"%s\", expected trees (gbtree or dart)",
                         excerpt(reader->booster_name).text);
    if (!reader->objective)
        return error_set(reader->error, -EINVAL,
                         "its objective is \"%s\", which is not one of those whose predictions "
                         "are known",
                         excerpt(forest->objective).text);
    return 0;
}

/* What the features and outputs are, before the trees are read. */
static int prepare_forest(struct reader *reader)
{
    struct forest *forest = reader->forest, head = *forest;
    int rc = forest_init(forest, reader->features, reader->error);

    memcpy(forest->objective, head.objective, sizeof(head.objective));
    if (rc < 0)
        return rc;
    snprintf(forest->program, sizeof(forest->program), "XGBoost");
    forest->narrow_cells = forest->narrow_sums = true;
    forest->task = reader->objective->task;
    forest->transform = reader->objective->transform;
    size_t outputs = reader->classes > 1 ? reader->classes : 1;
    outputs = reader->targets > outputs ? reader->targets : outputs;
    rc = forest_set_outputs(forest, outputs, reader->error);
    if (rc == 0 && (forest->task == FOREST_MULTICLASS) != (reader->classes > 1) && outputs > 0)
        rc = error_set(reader->error, -EINVAL, "its objective is \"%s\" with %zu classes",
                       forest->objective, reader->classes);
    return rc;
}

static int name_features(struct reader *reader)
{
    struct forest *forest = reader->forest;

    if (reader->feature_names > 0 && reader->feature_names != forest->features)
        return error_set(reader->error, -EINVAL, "it has %zu features, but names %zu",
                         forest->features, reader->feature_names);
    if (reader->feature_is_code.count > 0 && reader->feature_is_code.count != forest->features)
        return error_set(reader->error, -EINVAL, "it has %zu features, but %zu feature_types",
                         forest->features, reader->feature_is_code.count);
    for (size_t f = 0; f < reader->feature_is_code.count; f++)
        forest->categorical[f] = reader->feature_is_code.item[f] != 0;
    if (reader->feature_names > 0) {
        forest->feature_name = reader->feature_name;
        reader->feature_name = NULL;
        reader->feature_names = 0;
    }
    return 0;
}

static double margin_of_base(const struct reader *reader, float base)
{
    /* since 3.1, which writes a base score for each output, it is kept from infinite margins */
    if (reader->objective->link == LINK_LOGIT && reader->base_score[0] == '[')
        base = fminf(fmaxf(base, 1e-6f), 1.0f - 1e-6f);
    switch (reader->objective->link) {
    case LINK_LOGIT:
        return (double)-logf(1.0f / base - 1.0f);
    case LINK_LOG:
        return (double)logf(base);
    default:
        return (double)base;
    }
}

/* "[5E-1]" or "[a,b,c]" since 3.1, one number for all outputs before. */
static int read_base_margins(struct reader *reader)
{
    struct forest *forest = reader->forest;
    const char *at = reader->base_score;
    const bool list = *at == '[';
    size_t count = 0;

    for (at += list; *at && *at != ']'; count++) {
        char *end;
        const float base = strtof(at, &end);

        if (end == at || (*end != ',' && *end != ']' && *end) || count == forest->outputs)
            break;
        forest->base[count] = margin_of_base(reader, base);
        if (!isfinite(forest->base[count]))
            break;
        at = end + (*end == ',');
    }
    if (count == 0 || *at != (list ? ']' : '\0') || (count != 1 && count != forest->outputs))
        return error_set(reader->error, -EINVAL,
                         "its base_score is \"%s\", which does not fit \"%s\" and %zu outputs",
                         excerpt(reader->base_score).text, forest->objective, forest->outputs);
    for (size_t i = count; i < forest->outputs; i++)
        forest->base[i] = forest->base[0];
    return 0;
}

/* A dart tree counts by its weight; the product is rounded to float32 before it is added. */
static void scale_tree(struct forest *forest, const struct forest_tree *tree, float weight)
{
    struct forest_node *node = forest->nodes + tree->root;

    for (uint32_t i = 0; i < tree->nodes; i++)
        if (!(node[i].flags & FOREST_INNER))
            node[i].value = (double)((float)node[i].value * weight);
}

static int weigh_trees(struct reader *reader)
{
    struct forest *forest = reader->forest;
    const size_t count = reader->drop_weight.count;

    if (count == 0 && strcmp(reader->booster_name, "dart") != 0)
        return 0;
    if (count != forest->tree_count)
        return error_set(reader->error, -EINVAL, "it has %zu trees, but %zu dart weights",
                         forest->tree_count, count);
    if (forest->vector_size)
        return error_set(reader->error, -EINVAL,
                         "it is a dart model with vector leaves, which "
                         "are not supported together");
    for (size_t t = 0; t < count; t++)
        scale_tree(forest, &forest->trees[t], (float)reader->drop_weight.item[t]);
    return 0;
}

static int assign_outputs(struct reader *reader)
{
    struct forest *forest = reader->forest;

    if (!reader->has_trees)
        return error_set(reader->error, -EINVAL,
                         "it has no trees; a model is written by save_model(), not save_config()");
    if (reader->tree_output.count != forest->tree_count)
        return error_set(reader->error, -EINVAL, "it has %zu trees, but %zu in tree_info",
                         forest->tree_count, reader->tree_output.count);
    for (size_t t = 0; t < forest->tree_count; t++)
        forest->trees[t].output = index_of(reader->tree_output.item[t]);
    return 0;
}

/* Trees up to the best iteration, by what the file says of its rounds. */
static void note_best(struct reader *reader)
{
    struct forest *forest = reader->forest;
    const size_t next = reader->best_iteration + 1;
    const size_t per_output = reader->parallel_trees > 0 ? reader->parallel_trees : 1;
    size_t trees = next * per_output * (forest->vector_size ? 1 : forest->outputs);

    if (!reader->has_best)
        return;
    if (next < reader->round_end.count)
        trees = index_of(reader->round_end.item[next]);
    forest->best_trees = trees > 0 && trees <= forest->tree_count ? trees : 0;
}

static bool is_at_least(const struct reader *reader, int major, int minor)
{
    return reader->major > major || (reader->major == major && reader->minor >= minor);
}

static void note_version(struct reader *reader)
{
    struct forest *forest = reader->forest;

    if (reader->major > 0)
        snprintf(forest->version, sizeof(forest->version), "%d.%d", reader->major, reader->minor);
    if (is_at_least(reader, KNOWN_MAJOR, KNOWN_MINOR + 1))
        snprintf(forest->warning, sizeof(forest->warning),
                 "written by XGBoost %s, newer than %d.%d, the newest that is known: compare its "
                 "predictions with validate --expect",
                 forest->version, KNOWN_MAJOR, KNOWN_MINOR);
    if (strcmp(forest->objective, "reg:quantileerror") == 0 && is_at_least(reader, 3, 4))
        forest->transform = FOREST_SORT;
}

static int read_all(struct reader *reader, char *bytes, size_t length)
{
    static const struct document_member members[] = {{"learner", read_learner},
                                                     {"version", read_version}};
    struct document document;

    document_init(&document, bytes, length, reader->error);
    int rc = document_members(&document, members, LENGTH(members), reader);
    if (rc == 0)
        rc = document_finish(&document);
    if (rc == 0)
        rc = check_learner(reader);
    if (rc == 0)
        rc = prepare_forest(reader);
    if (rc == 0)
        rc = name_features(reader);
    if (rc == 0)
        rc = read_booster(&reader->booster, reader);
    if (rc == 0)
        rc = assign_outputs(reader);
    if (rc == 0)
        rc = weigh_trees(reader);
    if (rc == 0)
        rc = read_base_margins(reader);
    if (rc < 0)
        return rc;
    note_best(reader);
    note_version(reader);
    return forest_complete(reader->forest, reader->error);
}

static void reader_finish(struct reader *reader)
{
    struct tree *tree = &reader->tree;
    struct document_numbers *const arrays[] = {
        &tree->left,          &tree->right,          &tree->column,           &tree->threshold,
        &tree->default_left,  &tree->split_type,     &tree->vector,           &tree->categories,
        &tree->category_node, &tree->category_begin, &tree->category_size,    &reader->tree_output,
        &reader->round_end,   &reader->drop_weight,  &reader->feature_is_code};

    for (size_t i = 0; i < LENGTH(arrays); i++)
        document_numbers_finish(arrays[i]);
    for (size_t i = 0; i < reader->feature_names; i++)
        free(reader->feature_name[i]);
    free(reader->feature_name);
    free(reader->branches);
    free(reader);
}

int forest_read_xgboost(char *bytes, size_t length, struct forest *forest, struct error *error)
{
    struct reader *reader = calloc(1, sizeof(*reader));

    *forest = (struct forest){0};
    if (!reader)
        return -ENOMEM;
    reader->forest = forest;
    reader->error = error;
    int rc = read_all(reader, bytes, length);
    reader_finish(reader);
    return rc;
}
