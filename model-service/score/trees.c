/* trees.c - rows of the configuration's features as the cells of a forest. */
#include "score/trees.h"

#include "score/back_end.h"
#include "score/forest/load.h"
#include "text/decimal.h"
#include "text/excerpt.h"
#include "text/hash.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows are made into cells in blocks of so many numbers, on the stack. */
#define BLOCK_CELLS 8192
#define MAX_COLUMNS BLOCK_CELLS
/* Rows that share a walk through the trees; more gain nothing. */
#define MOST_BLOCK_ROWS 64

/* A number of the row is a cell. */
struct number {
    uint32_t feature, column;
};

/* A text of the row sets a cell: to 1 (a column of the category) or to its code. */
struct category_cell {
    char *text; /* NULL: a free slot */
    size_t bytes;
    uint32_t feature, column;
    double value;
};

/* A text of the row that is a code itself. */
struct code {
    uint32_t feature, column;
};

struct trees {
    struct scorer scorer;
    struct forest forest;
    enum forest_transform transform;
    size_t first_output;
    double *template; /* [column_count] a row's cells before its values are there */
    struct number *numbers;
    struct code *codes;
    struct category_cell *slots; /* open addressing; slot_count: 0 or a power of two */
    bool *has_cells;             /* [feature_count] whether a text of it may set a cell */
    size_t number_count, code_count, slot_count;
};

/* --- scoring --- */

static size_t slot_of(size_t feature, const char *text, size_t bytes, size_t slots)
{
    return (text_hash(text, bytes) + feature * 0x9e3779b9u) & (slots - 1);
}

static void set_categories(const struct trees *model, size_t feature, const struct value *value,
                           double *cells)
{
    size_t slot = slot_of(feature, value->text, value->text_bytes, model->slot_count);

    for (; model->slots[slot].text; slot = (slot + 1) & (model->slot_count - 1)) {
        const struct category_cell *cell = &model->slots[slot];

        if (cell->feature == feature && cell->bytes == value->text_bytes &&
            memcmp(cell->text, value->text, cell->bytes) == 0)
            cells[cell->column] = cell->value;
    }
}

/* A category whose name is its code; NaN: no code, which counts as missing. */
static double code_of(const struct value *value)
{
    char text[32];
    double code;

    if (!value->text || value->text_bytes >= sizeof(text))
        return (double)NAN;
    memcpy(text, value->text, value->text_bytes);
    text[value->text_bytes] = '\0'; /* decimal_number() wants to see the end */
    return decimal_number(text, value->text_bytes, &code) == 0 ? code : (double)NAN;
}

/* -EINVAL: the row lacks a value that the model needs. */
static int fill_cells(const struct trees *model, const struct value *row, double *cells)
{
    memcpy(cells, model->template, model->forest.column_count * sizeof(*cells));
    for (size_t i = 0; i < model->number_count; i++)
        cells[model->numbers[i].column] = row[model->numbers[i].feature].number;
    for (size_t i = 0; i < model->code_count; i++)
        cells[model->codes[i].column] = code_of(&row[model->codes[i].feature]);
    for (size_t f = 0; model->slot_count > 0 && f < model->scorer.feature_count; f++)
        if (model->has_cells[f] && row[f].text)
            set_categories(model, f, &row[f], cells);
    for (size_t c = 0; model->forest.needs_values && c < model->forest.features; c++)
        if (isnan(cells[c]))
            return -EINVAL;
    forest_prepare(&model->forest, cells);
    return 0;
}

static int give_outputs(const struct trees *model, double *margins, double *outputs)
{
    const size_t count = scorer_outputs(&model->scorer);

    forest_transform_row(&model->forest, model->transform, margins);
    for (size_t i = 0; i < count; i++) {
        outputs[i] = margins[model->first_output + i];
        if (!isfinite(outputs[i]))
            return -EIO;
    }
    return 0;
}

/* count: 1 to MOST_BLOCK_ROWS. */
static int score_block(const struct trees *model, const struct row *rows, size_t count,
                       double *outputs)
{
    const struct forest *forest = &model->forest;
    double cells[BLOCK_CELLS], margins[MOST_BLOCK_ROWS * 8], *target = margins;
    int rc;

    if (count * forest->outputs > sizeof(margins) / sizeof(margins[0]))
        target = calloc(count * forest->outputs, sizeof(*target));
    if (!target)
        return -EIO;
    size_t filled = 0;
    do
        rc = fill_cells(model, rows[filled].value, cells + filled * forest->column_count);
    while (rc == 0 && ++filled < count);
    if (rc == 0)
        forest_margins(forest, cells, count, forest->tree_count, target);
    for (size_t r = 0; r < count && rc == 0; r++)
        rc = give_outputs(model, target + r * forest->outputs,
                          outputs + r * scorer_outputs(&model->scorer));
    if (target != margins)
        free(target);
    return rc;
}

static int trees_score_rows(const struct scorer *scorer, const struct row *rows, size_t count,
                            uint64_t sequence, double *outputs)
{
    const struct trees *model = (const struct trees *)scorer;
    const size_t fitting = BLOCK_CELLS / model->forest.column_count;
    const size_t block = fitting < MOST_BLOCK_ROWS ? fitting : MOST_BLOCK_ROWS;

    (void)sequence;
    for (size_t done = 0; done < count; done += block) {
        const size_t rest = count - done;
        int rc = score_block(model, rows + done, rest < block ? rest : block,
                             outputs + done * scorer_outputs(scorer));

        if (rc < 0)
            return rc;
    }
    return 0;
}

static int trees_score(const struct scorer *scorer, const struct value *row, uint64_t sequence,
                       double *outputs)
{
    const struct row only = {.value = (struct value *)row};

    return trees_score_rows(scorer, &only, 1, sequence, outputs);
}

static bool trees_takes_missing(const struct scorer *scorer, size_t feature)
{
    const struct trees *model = (const struct trees *)scorer;

    for (size_t i = 0; model->forest.needs_values && i < model->number_count; i++)
        if (model->numbers[i].feature == feature)
            return false;
    return true;
}

static void trees_destroy(struct scorer *scorer)
{
    struct trees *model = (struct trees *)scorer;

    for (size_t i = 0; model->slots && i < model->slot_count; i++)
        free(model->slots[i].text);
    free(model->slots);
    free(model->has_cells);
    free(model->numbers);
    free(model->codes);
    free(model->template);
    forest_finish(&model->forest);
    free(model);
}

static const char *trees_warning(const struct scorer *scorer)
{
    const struct trees *model = (const struct trees *)scorer;

    return model->forest.warning[0] ? model->forest.warning : NULL;
}

static const struct scorer_back_end trees_back_end = {
    .score = trees_score,
    .score_rows = trees_score_rows,
    .takes_missing = trees_takes_missing,
    .warning = trees_warning,
    .destroy = trees_destroy,
};

/* --- which feature is which column --- */

/* What a column of the model is made of, while the features are matched. */
struct matching {
    struct trees *model;
    const struct scorer_feature *features;
    size_t count;
    struct error *error;
};

static int add_cell(struct trees *model, size_t feature, size_t column, const char *text,
                    double value)
{
    /* as a row has it: "True" is "true" */
    const struct value name = value_of_text(text, strlen(text));
    struct category_cell cell = {.text = strndup(name.text, name.text_bytes),
                                 .bytes = name.text_bytes,
                                 .feature = (uint32_t)feature,
                                 .column = (uint32_t)column,
                                 .value = value};
    size_t slot = slot_of(feature, name.text, cell.bytes, model->slot_count);

    if (!cell.text)
        return -ENOMEM;
    while (model->slots[slot].text)
        slot = (slot + 1) & (model->slot_count - 1);
    model->slots[slot] = cell;
    model->has_cells[feature] = true;
    return 0;
}

static int add_number(struct trees *model, size_t feature, size_t column)
{
    model->numbers[model->number_count++] = (struct number){(uint32_t)feature, (uint32_t)column};
    return 0;
}

/* LightGBM writes '_' for the spaces of a name. */
static bool is_name(const struct trees *model, const char *of_model, const char *of_feature)
{
    const bool spaces = strcmp(model->forest.program, "LightGBM") == 0;

    for (; *of_model && *of_feature; of_model++, of_feature++)
        if (*of_model != *of_feature && !(spaces && *of_model == '_' && *of_feature == ' '))
            return false;
    return *of_model == *of_feature;
}

/* The categorical feature of the longest name that "name=category" begins with; count: none. */
static size_t find_category(const struct matching *matching, const char *name,
                            const char **ret_category)
{
    size_t longest = 0, found = matching->count;

    for (size_t f = 0; f < matching->count; f++) {
        const size_t bytes = strlen(matching->features[f].name);

        if (!matching->features[f].categorical || bytes + 1 <= longest || bytes > strlen(name) ||
            name[bytes] != '=')
            continue;
        char *begin = strndup(name, bytes);
        if (begin && is_name(matching->model, begin, matching->features[f].name)) {
            found = f;
            longest = bytes + 1;
        }
        free(begin);
    }
    *ret_category = name + longest;
    return found;
}

static size_t find_feature(const struct matching *matching, const char *name)
{
    size_t f = 0;

    while (f < matching->count && !is_name(matching->model, name, matching->features[f].name))
        f++;
    return f;
}

/* A categorical feature of the model and of the configuration. */
static int match_categories(const struct matching *matching, size_t feature, size_t column)
{
    struct trees *model = matching->model;
    const struct forest_categories *categories = &model->forest.categories[column];
    int rc = 0;

    model->template[column] = (double)NAN;
    if (categories->count == 0)
        model->codes[model->code_count++] = (struct code){(uint32_t)feature, (uint32_t)column};
    for (size_t c = 0; c < categories->count && rc == 0; c++)
        rc = add_cell(model, feature, column, categories->name[c], (double)c);
    return rc;
}

static int match_feature(const struct matching *matching, size_t feature, size_t column,
                         const char *name)
{
    const struct forest *forest = &matching->model->forest;

    if (!matching->features[feature].categorical) {
        if (forest->categories[column].count == 0)
            return add_number(matching->model, feature, column);
        return error_set(matching->error, -EINVAL,
                         "its feature \"%s\" has categories with names, but is numeric in the "
                         "configuration, expected a categorical feature",
                         excerpt(name).text);
    }
    if (forest->categorical[column])
        return match_categories(matching, feature, column);
    return error_set(matching->error, -EINVAL,
                     "its feature \"%s\" is categorical in the configuration, expected a column "
                     "of ones and zeros for each category, named \"%s=CATEGORY\"",
                     excerpt(name).text, excerpt(name).text);
}

static int match_name(const struct matching *matching, size_t column)
{
    const char *name = matching->model->forest.feature_name[column], *category;
    size_t feature = find_feature(matching, name);

    if (feature < matching->count)
        return match_feature(matching, feature, column, name);
    feature = find_category(matching, name, &category);
    if (feature < matching->count)
        return add_cell(matching->model, feature, column, category, 1.0);
    return error_set(matching->error, -EINVAL,
                     "its feature \"%s\" is none of the configuration's, expected the name of a "
                     "numeric feature, or NAME=CATEGORY of a categorical one",
                     excerpt(name).text);
}

static int match_by_order(const struct matching *matching)
{
    const struct forest *forest = &matching->model->forest;
    int rc = 0;

    if (forest->features != matching->count)
        return error_set(matching->error, -EINVAL,
                         "takes %zu features and does not name them, but the configuration has %zu",
                         forest->features, matching->count);
    for (size_t f = 0; f < matching->count && rc == 0; f++) {
        if (matching->features[f].categorical && !forest->categorical[f])
            return error_set(matching->error, -EINVAL,
                             "does not name its features, and \"%s\" is categorical; train it on "
                             "columns named \"%s=CATEGORY\"",
                             excerpt(matching->features[f].name).text,
                             excerpt(matching->features[f].name).text);
        rc = match_feature(matching, f, f, matching->features[f].name);
    }
    return rc;
}

/* "Column_0", "Column_1", ... are LightGBM's names for features without names. */
static bool has_names(const struct forest *forest)
{
    for (size_t f = 0; forest->feature_name && f < forest->features; f++) {
        char name[32];

        snprintf(name, sizeof(name), "Column_%zu", f);
        if (strcmp(forest->feature_name[f], name) != 0)
            return true;
    }
    return false;
}

static int match_features(const struct matching *matching)
{
    const struct forest *forest = &matching->model->forest;
    int rc = 0;

    if (!has_names(forest) && (!forest->feature_name ||
                               find_feature(matching, forest->feature_name[0]) == matching->count))
        return match_by_order(matching);
    for (size_t c = 0; c < forest->features && rc == 0; c++)
        rc = match_name(matching, c);
    return rc;
}

/* --- all together --- */

static int allocate(struct trees *model, size_t features)
{
    const struct forest *forest = &model->forest;
    size_t cells = forest->features;

    for (size_t f = 0; f < forest->features; f++)
        cells += forest->categories[f].count;
    for (model->slot_count = 4; model->slot_count < 2 * cells;)
        model->slot_count *= 2;
    model->slots = calloc(model->slot_count, sizeof(*model->slots));
    model->has_cells = calloc(features, sizeof(*model->has_cells));
    model->template = calloc(forest->column_count, sizeof(*model->template));
    model->numbers = calloc(forest->features, sizeof(*model->numbers));
    model->codes = calloc(forest->features, sizeof(*model->codes));
    return model->slots && model->has_cells && model->template && model->numbers && model->codes
               ? 0
               : -ENOMEM;
}

/* Classifiers give probabilities, whatever the program's own prediction is. */
static enum forest_transform probabilities(const struct forest *forest)
{
    if (forest->transform == FOREST_SOFTMAX_CLASS)
        return FOREST_SOFTMAX;
    if (strcmp(forest->objective, "binary:logitraw") == 0)
        return FOREST_LOGISTIC;
    return forest->transform;
}

static int check_forest(const struct forest *forest, const char *program, struct error *error)
{
    if (strcmp(forest->program, program) != 0)
        return error_set(error, -EINVAL, "a model of %s, but the scorer's type is for one of %s",
                         forest->program, program);
    if (forest->column_count > MAX_COLUMNS)
        return error_set(error, -EINVAL, "takes %zu features, expected 1 to %d",
                         forest->column_count, MAX_COLUMNS);
    if (forest->task == FOREST_REGRESSION && forest->outputs > 1)
        return error_set(error, -EINVAL,
                         "predicts %zu numbers for a row (\"%s\"); a model of one can be served",
                         forest->outputs, forest->objective);
    return 0;
}

static int describe(struct trees *model, size_t features)
{
    static const enum prediction_type types[] = {[FOREST_REGRESSION] = PREDICTION_REGRESSION,
                                                 [FOREST_BINARY] = PREDICTION_BINARY,
                                                 [FOREST_MULTICLASS] = PREDICTION_MULTICLASS};
    const struct forest *forest = &model->forest;

    model->transform = probabilities(forest);
    model->first_output = forest->task == FOREST_BINARY ? forest->outputs - 1 : 0;
    int rc = scorer_init(&model->scorer, &trees_back_end, features, types[forest->task],
                         forest->outputs);
    if (rc == 0 && forest->class_name)
        rc = scorer_name_classes(&model->scorer, (const char *const *)forest->class_name,
                                 scorer_class_count(&model->scorer));
    return rc;
}

int trees_scorer_load(const char *path, const char *program, const struct scorer_feature *features,
                      size_t count, struct scorer **ret_scorer, struct error *error)
{
    struct trees *model = calloc(1, sizeof(*model));

    if (!model)
        return -ENOMEM;
    int rc = forest_load(path, &model->forest, error);
    if (rc < 0) {
        free(model);
        return rc;
    }
    const struct matching matching = {model, features, count, error};
    rc = check_forest(&model->forest, program, error);
    if (rc == 0)
        rc = allocate(model, count);
    if (rc == 0)
        rc = match_features(&matching);
    if (rc == -EINVAL)
        error_at(error, rc, "%s", path);
    if (rc == 0)
        rc = describe(model, count);
    if (rc < 0) {
        trees_destroy(&model->scorer);
        return rc;
    }
    *ret_scorer = &model->scorer;
    return 0;
}
