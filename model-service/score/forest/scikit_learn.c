/* scikit_learn.c - the JSON that examples/scikit-learn/export_trees.py writes; docs/scorers.md
 * describes it. */
#include "score/forest/load.h"
#include "score/forest/scikit_learn_reader.h"

#include "text/excerpt.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(table) (sizeof(table) / sizeof((table)[0]))

/* The version of the format, which is written into the file. */
#define FORMAT_VERSION 1

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
    struct scikit_names *names = target;
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
READ(document_numbers, scikit_reader, base, &)
READ(document_number, scikit_reader, version, &)
READ(document_number, scikit_reader, leaf_size, &)
READ(read_flag, scikit_reader, average, &)
READ(read_flag, scikit_reader, narrow_cells, &)
READ(read_flag, scikit_reader, accepts_missing, &)

#define READ_TEXT(member)                                                                          \
    static int read_##member(struct document *document, void *target)                              \
    {                                                                                              \
        struct scikit_reader *reader = target;                                                     \
        return read_text(document, reader->member, sizeof(reader->member));                        \
    }
READ_TEXT(task)
READ_TEXT(transform)
READ_TEXT(estimator)

static int read_features(struct document *document, void *target)
{
    return document_elements(document, read_name, &((struct scikit_reader *)target)->features);
}

static int read_classes(struct document *document, void *target)
{
    return document_elements(document, read_name, &((struct scikit_reader *)target)->classes);
}

static int read_program_version(struct document *document, void *target)
{
    struct forest *forest = ((struct scikit_reader *)target)->forest;

    return read_text(document, forest->version, sizeof(forest->version));
}

static int note_trees(struct document *document, void *target)
{
    struct scikit_reader *reader = target;

    reader->trees = *document;
    reader->has_trees = true;
    return document_skip(document);
}

/* --- the model --- */

static int find_word(struct scikit_reader *reader, const char *what, const char *word,
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

static int read_kinds(struct scikit_reader *reader)
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

static int check_head(struct scikit_reader *reader)
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
static int prepare_forest(struct scikit_reader *reader)
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
    reader->features = (struct scikit_names){0};
    if (reader->classes.count > 0)
        forest->class_name = reader->classes.name;
    if (reader->classes.count > 0)
        reader->classes = (struct scikit_names){0};
    forest->vector_size = reader->leaf_size > 1 ? (size_t)reader->leaf_size : 0;
    forest->narrow_cells = reader->narrow_cells;
    forest->needs_values = !reader->accepts_missing;
    return 0;
}

static int read_all(struct scikit_reader *reader, char *bytes, size_t length)
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
        rc = document_elements(&reader->trees, scikit_read_tree, reader);
    if (rc < 0)
        return rc;
    if (reader->average)
        forest->divisor = forest->tree_count;
    for (size_t i = 0; i < forest->outputs; i++)
        if (!isfinite(forest->base[i]))
            return error_set(reader->error, -EINVAL, "its base is not a finite number");
    return forest_complete(forest, reader->error);
}

static void names_finish(struct scikit_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->name[i]);
    free(names->name);
}

int forest_read_scikit_learn(char *bytes, size_t length, struct forest *forest, struct error *error)
{
    struct scikit_reader reader = {.forest = forest, .error = error, .leaf_size = 1};
    struct scikit_tree *tree = &reader.tree;
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
