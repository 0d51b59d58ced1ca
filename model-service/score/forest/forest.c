/* forest.c - the trees of a file, laid out for evaluation.
 *
 * Breadth first: the nodes of the upper levels, which every row visits, share a few cache lines,
 * and the two children of a node stand side by side. */
#include "score/forest/forest.h"

#include "score/forest/ranks.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int forest_copy_text(char **text, const char *from, size_t bytes)
{
    /* Not strndup: the text has no NUL, which the address sanitizer's strict checks ask for. */
    char *copy = malloc(bytes + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, from, bytes);
    copy[bytes] = '\0';
    free(*text);
    *text = copy;
    return 0;
}

int forest_init(struct forest *forest, size_t features, struct error *error)
{
    *forest = (struct forest){.divisor = 1, .sigmoid = 1};
    if (features == 0 || features > FOREST_MAX_COLUMNS)
        return error_set(error, -EINVAL, "the model has %zu features, expected 1 to %u", features,
                         FOREST_MAX_COLUMNS);
    forest->features = features;
    forest->categorical = calloc(features, sizeof(*forest->categorical));
    forest->categories = calloc(features, sizeof(*forest->categories));
    forest->columns = calloc(features, sizeof(*forest->columns));
    if (!forest->categorical || !forest->categories || !forest->columns)
        return -ENOMEM;
    for (size_t f = 0; f < features; f++)
        forest->columns[f].feature = (uint32_t)f;
    forest->column_count = features;
    return 0;
}

static void names_free(char **names, size_t count)
{
    for (size_t i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}

void forest_finish(struct forest *forest)
{
    for (size_t f = 0; forest->categories && f < forest->features; f++)
        names_free(forest->categories[f].name, forest->categories[f].count);
    names_free(forest->feature_name, forest->features);
    names_free(forest->class_name, forest->task == FOREST_BINARY ? 2 : forest->outputs);
    free(forest->categories);
    free(forest->categorical);
    free(forest->columns);
    free(forest->base);
    free(forest->trees);
    ranks_destroy(forest->ranks);
    free(forest->nodes);
    free(forest->small);
    free(forest->small_value);
    free(forest->source);
    free(forest->bits);
    free(forest->vectors);
    *forest = (struct forest){0};
}

int forest_set_outputs(struct forest *forest, size_t outputs, struct error *error)
{
    if (outputs == 0 || outputs > FOREST_MAX_OUTPUTS)
        return error_set(error, -EINVAL, "the model has %zu outputs, expected 1 to %u", outputs,
                         FOREST_MAX_OUTPUTS);
    double *base = calloc(outputs, sizeof(*base));

    if (!base)
        return -ENOMEM;
    free(forest->base);
    forest->base = base;
    forest->outputs = outputs;
    return 0;
}

int forest_column_of(struct forest *forest, size_t feature, enum forest_cell cell,
                     uint32_t *ret_column, struct error *error)
{
    size_t c = cell == FOREST_CELL_VALUE ? feature : forest->features;

    if (feature >= forest->features)
        return error_set(error, -EINVAL, "a split names feature %zu of %zu", feature,
                         forest->features);
    while (c < forest->column_count &&
           (forest->columns[c].feature != feature || forest->columns[c].cell != cell))
        c++;
    if (c == forest->column_count) {
        if (c == FOREST_MAX_COLUMNS)
            return error_set(error, -EINVAL, "the model has too many features");
        struct forest_column *columns = realloc(forest->columns, (c + 1) * sizeof(*columns));
        if (!columns)
            return -ENOMEM;
        columns[c] = (struct forest_column){(uint32_t)feature, cell};
        forest->columns = columns;
        forest->column_count++;
    }
    *ret_column = (uint32_t)c;
    return 0;
}

double forest_threshold_at_most(double limit)
{
    return limit < INFINITY ? nextafter(limit, INFINITY) : (double)NAN;
}

/* --- growing arrays --- */

/* Makes room for `more` items after `count`. 0 or -ENOMEM. */
static int reserve(void **items, size_t count, size_t more, size_t *room, size_t item_bytes)
{
    if (more <= *room - count)
        return 0;
    if (more > SIZE_MAX / 2 / item_bytes - count)
        return -ENOMEM;
    size_t wanted = *room < 64 ? 64 : *room + *room / 2;
    if (wanted < count + more)
        wanted = count + more;
    void *grown = realloc(*items, wanted * item_bytes);

    if (!grown)
        return -ENOMEM;
    *items = grown;
    *room = wanted;
    return 0;
}

int forest_add_bits(struct forest *forest, size_t count, uint32_t **ret_bits)
{
    if (count == 0) /* a set may be empty, and then there may be no array yet */
        return 0;
    int rc = reserve((void **)&forest->bits, forest->bit_words, count, &forest->bit_room,
                     sizeof(*forest->bits));

    if (rc < 0)
        return rc;
    *ret_bits = forest->bits + forest->bit_words;
    memset(*ret_bits, 0, count * sizeof(**ret_bits));
    forest->bit_words += count;
    return 0;
}

int forest_add_vector(struct forest *forest, const double *numbers, size_t count)
{
    int rc = reserve((void **)&forest->vectors, forest->vector_numbers, count, &forest->vector_room,
                     sizeof(*numbers));

    if (rc < 0)
        return rc;
    memcpy(forest->vectors + forest->vector_numbers, numbers, count * sizeof(*numbers));
    forest->vector_numbers += count;
    return 0;
}

static int reserve_nodes(struct forest *forest, size_t count)
{
    size_t room = forest->node_room;

    if (forest->node_count + count > UINT32_MAX)
        return -ENOMEM;
    int rc = reserve((void **)&forest->source, forest->node_count, count, &room,
                     sizeof(*forest->source));
    if (rc < 0)
        return rc;
    return reserve((void **)&forest->nodes, forest->node_count, count, &forest->node_room,
                   sizeof(*forest->nodes));
}

/* --- one tree --- */

/* Where a tree is being laid out. source[] holds the index of each node's branch meanwhile. */
struct layout {
    struct forest *forest;
    const struct forest_branch *branches;
    size_t count, begin, end; /* of the branches; of the nodes placed */
    struct forest_tree tree;
};

static int place_children(struct layout *layout, size_t node, struct error *error)
{
    struct forest *forest = layout->forest;
    const struct forest_branch *branch = &layout->branches[forest->source[node]];

    if (branch->left >= layout->count || branch->right >= layout->count)
        return error_set(error, -EINVAL, "node %u has a child %u, but the tree has %zu nodes",
                         forest->source[node],
                         branch->left >= layout->count ? branch->left : branch->right,
                         layout->count);
    if (layout->end - layout->begin + 2 > layout->count)
        return error_set(error, -EINVAL, "node %u leads back to a node that was passed already",
                         forest->source[node]);
    forest->source[layout->end] = branch->left;
    forest->source[layout->end + 1] = branch->right;
    forest->nodes[node].left = (uint32_t)layout->end;
    layout->end += 2;
    return 0;
}

static int place_node(struct layout *layout, size_t i, struct error *error)
{
    struct forest *forest = layout->forest;
    const struct forest_branch *branch = &layout->branches[forest->source[i]];
    struct forest_node *node = &forest->nodes[i];

    *node = (struct forest_node){.value = branch->value, .left = (uint32_t)i};
    if (branch->left == FOREST_LEAF && branch->right == FOREST_LEAF)
        return 0;
    if (branch->column >= forest->column_count)
        return error_set(error, -EINVAL, "node %u splits by feature %u of %zu", forest->source[i],
                         branch->column, forest->column_count);
    node->column = (uint16_t)branch->column;
    node->flags = branch->flags | FOREST_INNER;
    if (branch->flags & FOREST_CATEGORICAL) {
        node->set.first_word = branch->set.first_word;
        node->set.words = branch->set.words;
        layout->tree.categorical = true;
    }
    return place_children(layout, i, error);
}

static int place_levels(struct layout *layout, struct error *error)
{
    size_t level_end = layout->end;
    int rc = 0;

    for (size_t i = layout->begin; i < layout->end && rc == 0; i++) {
        if (i == level_end) {
            level_end = layout->end;
            layout->tree.depth++;
        }
        rc = place_node(layout, i, error);
    }
    return rc;
}

int forest_reserve_branches(struct forest_branch **branches, size_t *room, size_t count)
{
    if (count <= *room)
        return 0;
    struct forest_branch *larger = calloc(count, sizeof(*larger));

    if (!larger)
        return -ENOMEM;
    free(*branches);
    *branches = larger;
    *room = count;
    return 0;
}

int forest_add_tree(struct forest *forest, const struct forest_branch *branches, size_t count,
                    struct error *error)
{
    struct layout layout = {.forest = forest,
                            .branches = branches,
                            .count = count,
                            .begin = forest->node_count,
                            .end = forest->node_count + 1,
                            .tree = {.root = (uint32_t)forest->node_count}};
    int rc = count > 0 ? 0 : error_set(error, -EINVAL, "a tree without nodes");

    if (rc == 0)
        rc = reserve((void **)&forest->trees, forest->tree_count, 1, &forest->tree_room,
                     sizeof(*forest->trees));
    if (rc == 0)
        rc = reserve_nodes(forest, count);
    if (rc < 0)
        return rc;
    forest->source[layout.begin] = 0;
    rc = place_levels(&layout, error);
    if (rc < 0)
        return rc;
    for (size_t i = layout.begin; i < layout.end; i++)
        forest->source[i] = branches[forest->source[i]].id;
    layout.tree.nodes = (uint32_t)(layout.end - layout.begin);
    forest->any_categorical |= layout.tree.categorical;
    forest->trees[forest->tree_count++] = layout.tree;
    forest->node_count = layout.end;
    return 0;
}

/* --- the whole --- */

static int check_node(const struct forest *forest, const struct forest_node *node,
                      struct error *error)
{
    if (node->flags & FOREST_CATEGORICAL)
        return node->set.first_word <= forest->bit_words &&
                       node->set.words <= forest->bit_words - node->set.first_word
                   ? 0
                   : error_set(error, -EINVAL, "a split's categories are not in the file");
    if (node->flags & FOREST_INNER || isfinite(node->value))
        return 0;
    return error_set(error, -EINVAL, "a leaf has a value that is not a finite number");
}

/* Memory that is left over, given back; what cannot be is kept. */
static void shrink(void **items, size_t count, size_t *room, size_t item_bytes)
{
    void *less = count > 0 ? realloc(*items, count * item_bytes) : NULL;

    if (!less)
        return;
    *items = less;
    *room = count;
}

/* Whether all that is compared and added is float32, and small enough. */
static bool fits_small_nodes(const struct forest *forest)
{
    if (!forest->narrow_cells || !forest->narrow_sums || forest->any_categorical ||
        forest->vector_size || forest->column_count > FOREST_SMALL_COLUMNS ||
        forest->outputs > FOREST_SMALL_OUTPUTS)
        return false;
    for (size_t t = 0; t < forest->tree_count; t++)
        if (forest->trees[t].nodes > FOREST_SMALL_NODES)
            return false;
    return true;
}

static void make_small_tree(struct forest *forest, const struct forest_tree *tree)
{
    for (uint32_t i = tree->root; i < tree->root + tree->nodes; i++) {
        const struct forest_node *node = &forest->nodes[i];
        const bool inner = node->flags & FOREST_INNER;

        forest->small[i] = (struct forest_small_node){
            .threshold = inner ? (float)node->threshold : NAN,
            .left = (uint16_t)(node->left - tree->root),
            .column = (uint16_t)(node->column << 1 | (inner && node->flags & FOREST_NAN_RIGHT)),
        };
        forest->small_value[i] = inner ? 0.0f : (float)node->value;
    }
}

static int make_small_nodes(struct forest *forest)
{
    if (!fits_small_nodes(forest))
        return 0;
    forest->small = calloc(forest->node_count, sizeof(*forest->small));
    forest->small_value = calloc(forest->node_count, sizeof(*forest->small_value));
    if (!forest->small || !forest->small_value)
        return -ENOMEM;
    for (size_t t = 0; t < forest->tree_count; t++)
        make_small_tree(forest, &forest->trees[t]);
    free(forest->nodes);
    forest->nodes = NULL;
    return 0;
}

int forest_complete(struct forest *forest, struct error *error)
{
    if (forest->tree_count == 0)
        return error_set(error, -EINVAL, "the model has no trees");
    for (size_t t = 0; t < forest->tree_count; t++)
        if (forest->trees[t].output >= forest->outputs)
            return error_set(error, -EINVAL, "tree %zu adds to output %u of %zu", t,
                             forest->trees[t].output, forest->outputs);
    for (size_t i = 0; i < forest->node_count; i++) {
        int rc = check_node(forest, &forest->nodes[i], error);

        if (rc < 0)
            return rc;
    }
    for (size_t i = 0; i < forest->vector_numbers; i++)
        if (!isfinite(forest->vectors[i]))
            return error_set(error, -EINVAL, "a leaf has a value that is not a finite number");
    size_t room = forest->node_room;
    shrink((void **)&forest->source, forest->node_count, &room, sizeof(*forest->source));
    shrink((void **)&forest->nodes, forest->node_count, &forest->node_room, sizeof(*forest->nodes));
    int rc = ranks_create(forest, &forest->ranks);
    return rc < 0 ? rc : make_small_nodes(forest);
}
