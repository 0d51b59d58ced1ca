/* xgboost.c - XGBoost's model files, JSON and UBJSON, from version 1.0 on. */
#include "score/forest/xgboost_reader.h"

#include "score/forest/load.h"
#include "text/excerpt.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The newest version whose files were compared with its own predictions. */
#define KNOWN_MAJOR 3
#define KNOWN_MINOR 4

static int read_version(struct document *document, void *target)
{
    struct xgboost_reader *reader = target;
    struct document_numbers version = {0};
    int rc = document_numbers(document, &version);

    if (rc == 0 && version.count >= 2) {
        reader->major = (int)fmax(0, fmin(version.item[0], 9999));
        reader->minor = (int)fmax(0, fmin(version.item[1], 9999));
    }
    document_numbers_finish(&version);
    return rc;
}

static int check_learner(struct xgboost_reader *reader)
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
static int prepare_forest(struct xgboost_reader *reader)
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

static int name_features(struct xgboost_reader *reader)
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

static double margin_of_base(const struct xgboost_reader *reader, float base)
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
static int read_base_margins(struct xgboost_reader *reader)
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

static int weigh_trees(struct xgboost_reader *reader)
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

static int assign_outputs(struct xgboost_reader *reader)
{
    struct forest *forest = reader->forest;

    if (!reader->has_trees)
        return error_set(reader->error, -EINVAL,
                         "it has no trees; a model is written by save_model(), not save_config()");
    if (reader->tree_output.count != forest->tree_count)
        return error_set(reader->error, -EINVAL, "it has %zu trees, but %zu in tree_info",
                         forest->tree_count, reader->tree_output.count);
    for (size_t t = 0; t < forest->tree_count; t++)
        forest->trees[t].output = xgboost_index(reader->tree_output.item[t]);
    return 0;
}

/* Trees up to the best iteration, by what the file says of its rounds. */
static void note_best(struct xgboost_reader *reader)
{
    struct forest *forest = reader->forest;
    const size_t next = reader->best_iteration + 1;
    const size_t per_output = reader->parallel_trees > 0 ? reader->parallel_trees : 1;
    size_t trees = next * per_output * (forest->vector_size ? 1 : forest->outputs);

    if (!reader->has_best)
        return;
    if (next < reader->round_end.count)
        trees = xgboost_index(reader->round_end.item[next]);
    forest->best_trees = trees > 0 && trees <= forest->tree_count ? trees : 0;
}

static bool is_at_least(const struct xgboost_reader *reader, int major, int minor)
{
    return reader->major > major || (reader->major == major && reader->minor >= minor);
}

static void note_version(struct xgboost_reader *reader)
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

static int read_all(struct xgboost_reader *reader, char *bytes, size_t length)
{
    static const struct document_member members[] = {{"learner", xgboost_read_learner},
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
        rc = xgboost_read_booster(&reader->booster, reader);
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

static void reader_finish(struct xgboost_reader *reader)
{
    struct xgboost_tree *tree = &reader->tree;
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
    struct xgboost_reader *reader = calloc(1, sizeof(*reader));

    *forest = (struct forest){0};
    if (!reader)
        return -ENOMEM;
    reader->forest = forest;
    reader->error = error;
    int rc = read_all(reader, bytes, length);
    reader_finish(reader);
    return rc;
}
