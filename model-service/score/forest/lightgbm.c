/* lightgbm.c - LightGBM's text models: a line per array, as save_model() writes them. */
#include "score/forest/lightgbm_reader.h"
#include "score/forest/load.h"

#include "text/excerpt.h"
#include "text/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(table) (sizeof(table) / sizeof((table)[0]))

/* The newest format whose files were compared with LightGBM's own predictions. */
#define KNOWN_FORMAT 4

static const struct objective {
    const char *name;
    enum forest_task task;
    enum forest_transform transform;
} objectives[] = {
    {"binary", FOREST_BINARY, FOREST_LOGISTIC},
    {"cross_entropy", FOREST_REGRESSION, FOREST_LOGISTIC},
    {"cross_entropy_lambda", FOREST_REGRESSION, FOREST_LOG1P_EXP},
    {"fair", FOREST_REGRESSION, FOREST_IDENTITY},
    {"gamma", FOREST_REGRESSION, FOREST_EXP},
    {"huber", FOREST_REGRESSION, FOREST_IDENTITY},
    {"lambdarank", FOREST_REGRESSION, FOREST_IDENTITY},
    {"mape", FOREST_REGRESSION, FOREST_IDENTITY},
    {"multiclass", FOREST_MULTICLASS, FOREST_SOFTMAX},
    {"multiclassova", FOREST_MULTICLASS, FOREST_LOGISTIC},
    {"poisson", FOREST_REGRESSION, FOREST_EXP},
    {"quantile", FOREST_REGRESSION, FOREST_IDENTITY},
    {"rank_xendcg", FOREST_REGRESSION, FOREST_IDENTITY},
    {"regression", FOREST_REGRESSION, FOREST_IDENTITY},
    {"regression_l1", FOREST_REGRESSION, FOREST_IDENTITY},
    {"tweedie", FOREST_REGRESSION, FOREST_EXP},
};

/* --- the head --- */

static int read_version(struct lightgbm_reader *reader)
{
    struct forest *forest = reader->forest;
    const struct lightgbm_line *line = &reader->field[FIELD_VERSION];

    snprintf(forest->program, sizeof(forest->program), "LightGBM");
    snprintf(forest->version, sizeof(forest->version), "%.20s",
             excerpt_bytes(line->text ? line->text : "", line->bytes).text);
    const int format = forest->version[0] == 'v' ? atoi(forest->version + 1) : 0;
    if (format < 2)
        return error_set(reader->error, -EINVAL,
                         "its version is \"%s\", expected v2, v3 or v4 of LightGBM's format",
                         forest->version);
    if (format > KNOWN_FORMAT)
        snprintf(forest->warning, sizeof(forest->warning),
                 "written in format %s of LightGBM, newer than v%d, the newest that is known: "
                 "compare its predictions with validate --expect",
                 forest->version, KNOWN_FORMAT);
    return 0;
}

/* The words after the objective's name: "sigmoid:1", "num_class:4", "sqrt". */
static int read_objective_options(struct lightgbm_reader *reader, struct lightgbm_line line)
{
    struct forest *forest = reader->forest;
    struct lightgbm_line word;

    while (lightgbm_next_word(&line, &word)) {
        if (lightgbm_line_begins(&word, "sigmoid:")) {
            const struct lightgbm_line number = {word.text + 8, word.bytes - 8};

            if (lightgbm_word_number(&number, &forest->sigmoid) < 0 || !(forest->sigmoid > 0) ||
                isinf(forest->sigmoid))
                return lightgbm_fail_field(reader, FIELD_OBJECTIVE, &word);
        } else if (lightgbm_line_is(&word, "sqrt")) {
            forest->transform = FOREST_SQUARE;
        }
    }
    return 0;
}

static int read_objective(struct lightgbm_reader *reader)
{
    struct forest *forest = reader->forest;
    struct lightgbm_line line = reader->field[FIELD_OBJECTIVE], word = {NULL, 0};

    /* without the line it was an objective of the user's own, and predictions are the sums */
    if (!line.text || !lightgbm_next_word(&line, &word) || lightgbm_line_is(&word, "custom")) {
        snprintf(forest->objective, sizeof(forest->objective), "custom");
        return forest->outputs == 1
                   ? 0
                   : error_set(reader->error, -EINVAL,
                               "it has %zu outputs and an objective that it does not name",
                               forest->outputs);
    }
    for (size_t i = 0; i < LENGTH(objectives); i++)
        if (lightgbm_line_is(&word, objectives[i].name)) {
            snprintf(forest->objective, sizeof(forest->objective), "%s", objectives[i].name);
            forest->task = objectives[i].task;
            forest->transform = objectives[i].transform;
            if ((forest->task == FOREST_MULTICLASS) != (forest->outputs > 1))
                return error_set(reader->error, -EINVAL, "its objective is \"%s\" with %zu outputs",
                                 forest->objective, forest->outputs);
            return read_objective_options(reader, line);
        }
    return error_set(reader->error, -EINVAL,
                     "its objective is \"%s\", which is not one of those whose predictions are "
                     "known",
                     excerpt_bytes(word.text, word.bytes).text);
}

static int read_names(struct lightgbm_reader *reader)
{
    struct forest *forest = reader->forest;
    struct lightgbm_line line = reader->field[FIELD_NAMES], word;
    size_t count = 0;

    forest->feature_name = calloc(forest->features, sizeof(*forest->feature_name));
    if (!forest->feature_name)
        return -ENOMEM;
    while (lightgbm_next_word(&line, &word)) {
        if (count == forest->features)
            return error_set(reader->error, -EINVAL, "it names more features than its %zu", count);
        int rc = forest_copy_text(&forest->feature_name[count++], word.text, word.bytes);
        if (rc < 0)
            return rc;
    }
    return count == forest->features
               ? 0
               : error_set(reader->error, -EINVAL, "it has %zu features, but names %zu",
                           forest->features, count);
}

/* A numeric feature's range is "[min:max]", an unused one is "none"; a categorical one lists its
 * codes. Without the line, splits tell. */
static void read_infos(struct lightgbm_reader *reader)
{
    struct forest *forest = reader->forest;
    struct lightgbm_line line = reader->field[FIELD_INFOS], word;

    for (size_t f = 0; f < forest->features && lightgbm_next_word(&line, &word); f++)
        forest->categorical[f] = *word.text != '[' && !lightgbm_line_is(&word, "none");
}

static int read_head(struct lightgbm_reader *reader)
{
    struct forest *forest = reader->forest;
    size_t last_feature = 0, classes = 0;
    struct lightgbm_line line;

    if (!lightgbm_read_section(reader, &line))
        return error_set(reader->error, -EINVAL, "it has no trees");
    int rc = lightgbm_read_count(reader, FIELD_LAST_FEATURE, &last_feature);
    if (rc == 0)
        rc = lightgbm_read_count(reader, FIELD_CLASSES, &classes);
    if (rc == 0)
        rc = lightgbm_read_count(reader, FIELD_TREES_PER_ROUND, &reader->per_round);
    if (rc == 0)
        rc = forest_init(forest, last_feature + 1, reader->error);
    if (rc == 0)
        rc = forest_set_outputs(forest, reader->per_round, reader->error);
    if (rc == 0)
        rc = read_version(reader);
    if (rc == 0)
        rc = read_objective(reader);
    if (rc == 0)
        rc = read_names(reader);
    if (rc < 0)
        return rc;
    read_infos(reader);
    forest->flush_zeros = true;
    return lightgbm_line_is(&line, "end of trees")
               ? error_set(reader->error, -EINVAL, "it has no trees")
               : 0;
}

/* --- the names of categories --- */

static int read_category(struct document *document, void *target)
{
    struct forest_categories *categories = target;
    const size_t count = categories->count;
    const char *text = NULL;
    char digits[40];
    size_t bytes = 0;
    double number = 0;
    int rc;

    if (document_peek(document) == DOCUMENT_TEXT) {
        rc = document_text(document, &text, &bytes);
    } else {
        rc = document_number(document, &number);
        text = digits;
        bytes = rc == 0 ? number_format(number, digits) : 0;
    }
    if (rc < 0)
        return rc;
    if ((count & (count - 1)) == 0) { /* a power of two, or none */
        char **name = realloc(categories->name, (count ? 2 * count : 1) * sizeof(*name));

        if (!name)
            return -ENOMEM;
        categories->name = name;
    }
    categories->name[count] = NULL;
    rc = forest_copy_text(&categories->name[count], text, bytes);
    categories->count += rc == 0;
    return rc;
}

/* The categorical features in their order. */
struct naming {
    struct forest *forest;
    size_t feature;
};

static int read_categories(struct document *document, void *target)
{
    struct naming *naming = target;
    const struct forest *forest = naming->forest;

    while (naming->feature < forest->features && !forest->categorical[naming->feature])
        naming->feature++;
    if (naming->feature == forest->features)
        return document_fail(document, "it names the categories of more features than are "
                                       "categorical");
    return document_elements(document, read_category, &forest->categories[naming->feature++]);
}

/* "pandas_categorical:" and JSON, or null, in the last line. */
static int read_pandas(struct lightgbm_reader *reader)
{
    struct naming naming = {.forest = reader->forest};
    struct document document;
    struct lightgbm_line line;

    while (lightgbm_next_line(reader, &line)) {
        if (!lightgbm_line_begins(&line, "pandas_categorical:[["))
            continue;
        char *json = (char *)line.text + strlen("pandas_categorical:");
        char *const end = (char *)line.text + line.bytes;

        *end = '\0'; /* the line feed, or what stands behind the file */
        document_init(&document, json, (size_t)(end - json), reader->error);
        int rc = document_elements(&document, read_categories, &naming);
        if (rc == 0)
            rc = document_finish(&document);
        return rc == -EINVAL ? error_at(reader->error, rc, "pandas_categorical") : rc;
    }
    return 0;
}

/* --- the whole --- */

static int read_all(struct lightgbm_reader *reader)
{
    struct forest *forest = reader->forest;
    int rc = read_head(reader);
    const bool average = reader->field[FIELD_AVERAGE].text != NULL;

    if (rc == 0)
        rc = lightgbm_read_trees(reader);
    if (rc == 0)
        rc = read_pandas(reader);
    if (rc < 0)
        return rc;
    if (average)
        forest->divisor = forest->tree_count / reader->per_round;
    return forest_complete(forest, reader->error);
}

int forest_read_lightgbm(char *bytes, size_t length, struct forest *forest, struct error *error)
{
    struct lightgbm_reader reader = {
        .forest = forest, .error = error, .at = bytes, .end = bytes + length};
    struct document_numbers *const arrays[] = {
        &reader.feature, &reader.threshold, &reader.decision,  &reader.left,
        &reader.right,   &reader.value,     &reader.cat_begin, &reader.cat_words};

    *forest = (struct forest){0};
    int rc = read_all(&reader);
    for (size_t i = 0; i < LENGTH(arrays); i++)
        document_numbers_finish(arrays[i]);
    free(reader.branches);
    return rc;
}
