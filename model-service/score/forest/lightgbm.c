/* lightgbm.c - LightGBM's text models: a line per array, as save_model() writes them. */
#include "score/forest/document.h"
#include "score/forest/load.h"

#include "text/decimal.h"
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

/* Bits of decision_type, and the kinds of missing values in its bits 2 and 3. */
#define DECISION_CATEGORICAL  1u
#define DECISION_DEFAULT_LEFT 2u
enum missing { MISSING_NONE, MISSING_ZERO, MISSING_NAN };

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

struct line {
    const char *text;
    size_t bytes;
};

/* The lines of a section (the head, or a tree) as names and values. */
enum field {
    FIELD_VERSION,
    FIELD_CLASSES,
    FIELD_TREES_PER_ROUND,
    FIELD_LAST_FEATURE,
    FIELD_OBJECTIVE,
    FIELD_NAMES,
    FIELD_INFOS,
    FIELD_AVERAGE,
    FIELD_LEAVES,
    FIELD_SPLIT_FEATURE,
    FIELD_THRESHOLD,
    FIELD_DECISION,
    FIELD_LEFT,
    FIELD_RIGHT,
    FIELD_VALUE,
    FIELD_CAT_BEGIN,
    FIELD_CAT_WORDS,
    FIELD_LINEAR,
    FIELDS,
};

static const char *const field_names[FIELDS] = {
    [FIELD_VERSION] = "version",
    [FIELD_CLASSES] = "num_class",
    [FIELD_TREES_PER_ROUND] = "num_tree_per_iteration",
    [FIELD_LAST_FEATURE] = "max_feature_idx",
    [FIELD_OBJECTIVE] = "objective",
    [FIELD_NAMES] = "feature_names",
    [FIELD_INFOS] = "feature_infos",
    [FIELD_AVERAGE] = "average_output",
    [FIELD_LEAVES] = "num_leaves",
    [FIELD_SPLIT_FEATURE] = "split_feature",
    [FIELD_THRESHOLD] = "threshold",
    [FIELD_DECISION] = "decision_type",
    [FIELD_LEFT] = "left_child",
    [FIELD_RIGHT] = "right_child",
    [FIELD_VALUE] = "leaf_value",
    [FIELD_CAT_BEGIN] = "cat_boundaries",
    [FIELD_CAT_WORDS] = "cat_threshold",
    [FIELD_LINEAR] = "is_linear",
};

struct reader {
    struct forest *forest;
    struct error *error;
    char *at, *end;
    struct line field[FIELDS]; /* of the section; text NULL: absent */
    size_t per_round;
    struct document_numbers feature, threshold, decision, left, right, value, cat_begin, cat_words;
    struct forest_branch *branches;
    size_t branch_room;
};

/* --- lines --- */

/* The next line without its end; false at the end of the file. */
static bool next_line(struct reader *reader, struct line *ret_line)
{
    if (reader->at >= reader->end)
        return false;
    char *stop = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    char *const next = stop ? stop + 1 : reader->end;

    if (!stop)
        stop = reader->end;
    if (stop > reader->at && stop[-1] == '\r')
        stop--;
    *ret_line = (struct line){reader->at, (size_t)(stop - reader->at)};
    reader->at = next;
    return true;
}

static bool line_is(const struct line *line, const char *text)
{
    return line->bytes == strlen(text) && memcmp(line->text, text, line->bytes) == 0;
}

static bool line_begins(const struct line *line, const char *text)
{
    return line->bytes >= strlen(text) && memcmp(line->text, text, strlen(text)) == 0;
}

static void note_field(struct reader *reader, const struct line *line)
{
    const char *equals = memchr(line->text, '=', line->bytes);
    const size_t name = equals ? (size_t)(equals - line->text) : line->bytes;

    for (size_t f = 0; f < FIELDS; f++)
        if (strlen(field_names[f]) == name && memcmp(field_names[f], line->text, name) == 0)
            reader->field[f] = equals ? (struct line){equals + 1, line->bytes - name - 1}
                                      : (struct line){line->text, 0};
}

/* Notes the fields of a section, to the line that begins the next one. That line is in *ret_line;
 * false at the end of the file. */
static bool read_section(struct reader *reader, struct line *ret_line)
{
    memset(reader->field, 0, sizeof(reader->field));
    while (next_line(reader, ret_line)) {
        if (line_begins(ret_line, "Tree=") || line_is(ret_line, "end of trees"))
            return true;
        note_field(reader, ret_line);
    }
    return false;
}

/* The next of the words that single spaces separate. */
static bool next_word(struct line *line, struct line *ret_word)
{
    while (line->bytes > 0 && *line->text == ' ') {
        line->text++;
        line->bytes--;
    }
    if (line->bytes == 0)
        return false;
    const char *space = memchr(line->text, ' ', line->bytes);
    const size_t bytes = space ? (size_t)(space - line->text) : line->bytes;

    *ret_word = (struct line){line->text, bytes};
    line->text += bytes;
    line->bytes -= bytes;
    return true;
}

static int fail_field(struct reader *reader, enum field field, const struct line *found)
{
    return error_set(reader->error, -EINVAL, "%s: found \"%s\", expected %s", field_names[field],
                     excerpt_bytes(found->text ? found->text : "", found->bytes).text,
                     field == FIELD_OBJECTIVE ? "an objective" : "numbers");
}

static int word_number(const struct line *word, double *ret_number)
{
    static const struct {
        const char *word;
        double number;
    } special[] = {{"inf", INFINITY}, {"-inf", -INFINITY}, {"nan", NAN}, {"-nan", NAN}};

    for (size_t i = 0; i < LENGTH(special); i++)
        if (line_is(word, special[i].word)) {
            *ret_number = special[i].number;
            return 0;
        }
    return decimal_number(word->text, word->bytes, ret_number);
}

static int read_numbers(struct reader *reader, enum field field, struct document_numbers *numbers)
{
    struct line line = reader->field[field], word;

    numbers->count = 0;
    while (next_word(&line, &word)) {
        if (numbers->count == numbers->room) {
            const size_t room = numbers->room ? numbers->room * 2 : 64;
            double *item = realloc(numbers->item, room * sizeof(*item));

            if (!item)
                return -ENOMEM;
            numbers->item = item;
            numbers->room = room;
        }
        if (word_number(&word, &numbers->item[numbers->count]) < 0)
            return fail_field(reader, field, &word);
        numbers->count++;
    }
    return 0;
}

/* A count in a field that must be there. */
static int read_count(struct reader *reader, enum field field, size_t *ret_count)
{
    struct line line = reader->field[field], word;
    double number = 0;

    if (!line.text || !next_word(&line, &word) || word_number(&word, &number) < 0 ||
        !(number >= 0 && number < UINT32_MAX && number == floor(number)))
        return fail_field(reader, field, &reader->field[field]);
    *ret_count = (size_t)number;
    return 0;
}

/* --- the head --- */

static int read_version(struct reader *reader)
{
    struct forest *forest = reader->forest;
    const struct line *line = &reader->field[FIELD_VERSION];

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
static int read_objective_options(struct reader *reader, struct line line)
{
    struct forest *forest = reader->forest;
    struct line word;

    while (next_word(&line, &word)) {
        if (line_begins(&word, "sigmoid:")) {
            const struct line number = {word.text + 8, word.bytes - 8};

            if (word_number(&number, &forest->sigmoid) < 0 || !(forest->sigmoid > 0) ||
                isinf(forest->sigmoid))
                return fail_field(reader, FIELD_OBJECTIVE, &word);
        } else if (line_is(&word, "sqrt")) {
            forest->transform = FOREST_SQUARE;
        }
    }
    return 0;
}

static int read_objective(struct reader *reader)
{
    struct forest *forest = reader->forest;
    struct line line = reader->field[FIELD_OBJECTIVE], word = {NULL, 0};

    /* without the line it was an objective of the user's own, and predictions are the sums */
    if (!line.text || !next_word(&line, &word) || line_is(&word, "custom")) {
        snprintf(forest->objective, sizeof(forest->objective), "custom");
        return forest->outputs == 1
                   ? 0
                   : error_set(reader->error, -EINVAL,
                               "it has %zu outputs and an objective that it does not name",
                               forest->outputs);
    }
    for (size_t i = 0; i < LENGTH(objectives); i++)
        if (line_is(&word, objectives[i].name)) {
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

static int read_names(struct reader *reader)
{
    struct forest *forest = reader->forest;
    struct line line = reader->field[FIELD_NAMES], word;
    size_t count = 0;

    forest->feature_name = calloc(forest->features, sizeof(*forest->feature_name));
    if (!forest->feature_name)
        return -ENOMEM;
    while (next_word(&line, &word)) {
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
static void read_infos(struct reader *reader)
{
    struct forest *forest = reader->forest;
    struct line line = reader->field[FIELD_INFOS], word;

    for (size_t f = 0; f < forest->features && next_word(&line, &word); f++)
        forest->categorical[f] = *word.text != '[' && !line_is(&word, "none");
}

static int read_head(struct reader *reader)
{
    struct forest *forest = reader->forest;
    size_t last_feature = 0, classes = 0;
    struct line line;

    if (!read_section(reader, &line))
        return error_set(reader->error, -EINVAL, "it has no trees");
    int rc = read_count(reader, FIELD_LAST_FEATURE, &last_feature);
    if (rc == 0)
        rc = read_count(reader, FIELD_CLASSES, &classes);
    if (rc == 0)
        rc = read_count(reader, FIELD_TREES_PER_ROUND, &reader->per_round);
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
    return line_is(&line, "end of trees") ? error_set(reader->error, -EINVAL, "it has no trees")
                                          : 0;
}

/* --- a tree --- */

static int read_arrays(struct reader *reader, size_t leaves)
{
    const struct {
        enum field field;
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
        int rc = read_numbers(reader, arrays[i].field, arrays[i].numbers);

        if (rc < 0)
            return rc;
        if (arrays[i].numbers->count != arrays[i].count)
            return error_set(reader->error, -EINVAL, "%s has %zu numbers, expected %zu",
                             field_names[arrays[i].field], arrays[i].numbers->count,
                             arrays[i].count);
    }
    int rc = read_numbers(reader, FIELD_CAT_BEGIN, &reader->cat_begin);
    return rc < 0 ? rc : read_numbers(reader, FIELD_CAT_WORDS, &reader->cat_words);
}

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

/* Inner nodes come first in the branches, then the leaves; a file says ~leaf. */
static uint32_t child_of(double child, size_t leaves)
{
    if (child >= 0 && child < (double)(leaves - 1))
        return (uint32_t)child;
    return child < 0 && child >= -(double)leaves ? (uint32_t)((double)leaves - 2 - child)
                                                 : UINT32_MAX - 1;
}

/* The words of set number k. */
static int read_set(struct reader *reader, double k, struct forest_branch *branch)
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

static int read_categorical(struct reader *reader, size_t i, struct forest_branch *branch)
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
static int read_numeric(struct reader *reader, size_t i, unsigned decision,
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

static int read_split(struct reader *reader, size_t i, size_t leaves)
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

static int read_tree(struct reader *reader)
{
    struct forest *forest = reader->forest;
    const struct line *linear = &reader->field[FIELD_LINEAR];
    size_t leaves = 0;
    int rc = read_count(reader, FIELD_LEAVES, &leaves);

    if (rc < 0)
        return rc;
    if (linear->text && !line_is(linear, "0"))
        return error_set(reader->error, -EINVAL,
                         "is a linear tree (linear_tree=true), whose leaves are linear models; "
                         "these are not supported");
    if (leaves == 0 || leaves > reader->field[FIELD_VALUE].bytes)
        return error_set(reader->error, -EINVAL, "num_leaves is %zu, but leaf_value has %zu bytes",
                         leaves, reader->field[FIELD_VALUE].bytes);
    rc = read_arrays(reader, leaves);
    if (rc == 0)
        rc = reserve_branches(reader, 2 * leaves - 1);
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

static int read_trees(struct reader *reader)
{
    struct line line = {"Tree=", 5};
    int rc = 0;

    while (rc == 0 && line_begins(&line, "Tree=")) {
        if (!read_section(reader, &line))
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
static int read_pandas(struct reader *reader)
{
    struct naming naming = {.forest = reader->forest};
    struct document document;
    struct line line;

    while (next_line(reader, &line)) {
        if (!line_begins(&line, "pandas_categorical:[["))
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

static int read_all(struct reader *reader)
{
    struct forest *forest = reader->forest;
    int rc = read_head(reader);
    const bool average = reader->field[FIELD_AVERAGE].text != NULL;

    if (rc == 0)
        rc = read_trees(reader);
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
    struct reader reader = {.forest = forest, .error = error, .at = bytes, .end = bytes + length};
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
