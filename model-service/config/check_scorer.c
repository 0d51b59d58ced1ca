/* check_scorer.c - which keys a scorer of each type takes, and what they must mean. */
#include "config/check.h"

#include "config/config.h"
#include "text/excerpt.h"

#include <string.h>

enum form {
    FORM_WEIGHTS,
    FORM_WEIGHTS_FILE,
    FORM_XGBOOST,
    FORM_LIGHTGBM,
    FORM_SCIKIT_LEARN,
    FORM_NONE
};
#define FORMS_OF_TREES (1u << FORM_XGBOOST | 1u << FORM_LIGHTGBM | 1u << FORM_SCIKIT_LEARN)

static const struct {
    const char *title, *keys;
} forms[] = {
    [FORM_WEIGHTS] = {"type logistic", "type, weights, intercept, classes"},
    [FORM_WEIGHTS_FILE] = {"type logistic with a file", "type, file"},
    [FORM_XGBOOST] = {"type xgboost", "type, file, classes"},
    [FORM_LIGHTGBM] = {"type lightgbm", "type, file, classes"},
    [FORM_SCIKIT_LEARN] = {"type scikit-learn", "type, file, classes"},
    [FORM_NONE] = {"type none", "type, task, classes, score"},
};

static enum form scorer_form(const struct raw_scorer *scorer)
{
    static const enum form of_type[] = {[CONFIG_SCORER_XGBOOST] = FORM_XGBOOST,
                                        [CONFIG_SCORER_LIGHTGBM] = FORM_LIGHTGBM,
                                        [CONFIG_SCORER_SCIKIT_LEARN] = FORM_SCIKIT_LEARN,
                                        [CONFIG_SCORER_NONE] = FORM_NONE};

    if (scorer->type == CONFIG_SCORER_LOGISTIC)
        return scorer->file ? FORM_WEIGHTS_FILE : FORM_WEIGHTS;
    return of_type[scorer->type];
}

static int refuse_foreign_keys(struct config_file *file, const struct raw_scorer *scorer,
                               enum form form, size_t index)
{
    const struct {
        const char *name;
        bool given;
        unsigned forms;
    } keys[] = {
        {"file", scorer->file, 1u << FORM_WEIGHTS_FILE | FORMS_OF_TREES},
        {"weights", scorer->weights_count > 0, 1u << FORM_WEIGHTS},
        {"intercept", scorer->intercept, 1u << FORM_WEIGHTS},
        {"task", scorer->task, 1u << FORM_NONE},
        {"score", scorer->score, 1u << FORM_NONE},
        {"classes", scorer->classes_count > 0,
         1u << FORM_WEIGHTS | FORMS_OF_TREES | 1u << FORM_NONE},
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (keys[i].given && !(keys[i].forms & 1u << form))
            return config_file_fail(file,
                                    config_key("models[%zu].scorer.%s", index, keys[i].name).text,
                                    "does not belong to a scorer of %s, expected only %s",
                                    forms[form].title, forms[form].keys);
    return 0;
}

static int require_keys(struct config_file *file, const struct raw_scorer *scorer, enum form form,
                        size_t index)
{
    if (form == FORM_WEIGHTS && scorer->weights_count == 0)
        return config_file_fail(file, MODEL_KEY("scorer"),
                                "found neither weights nor file, expected one of them");
    if (config_scorer_has_trees(scorer->type) && !scorer->file)
        return config_file_fail(file, MODEL_KEY("scorer"), "the key \"file\" is missing");
    if (scorer->file && !config_is_plain_text(scorer->file, 4096))
        return config_file_refuse(file, MODEL_KEY("scorer.file"), "the path of a model file");
    return 0;
}

static int check_weight(struct config_file *file, const struct raw_model *model, size_t index,
                        size_t i)
{
    const struct raw_weight *weight = &model->scorer.weights[i];
    size_t feature = config_find_feature(model, weight->feature);
    struct config_key key = config_key("models[%zu].scorer.weights[%zu].feature", index, i);

    if (feature == SIZE_MAX)
        return config_file_refuse(file, key.text, "one of the model's features");
    if (model->features[feature].type == 1 && weight->weight != 0.0)
        return config_file_fail(file, key.text,
                                "\"%s\" is categorical and cannot have a weight, expected a "
                                "numeric feature",
                                excerpt(weight->feature).text);
    for (size_t before = 0; before < i; before++)
        if (strcmp(model->scorer.weights[before].feature, weight->feature) == 0)
            return config_file_fail(file, key.text, "\"%s\" has a weight already, in weights[%zu]",
                                    excerpt(weight->feature).text, before);
    return 0;
}

static int check_class(struct config_file *file, const struct raw_scorer *scorer, size_t index,
                       size_t i)
{
    struct config_key key = config_key("models[%zu].scorer.classes[%zu]", index, i);

    if (!config_is_plain_text(scorer->classes[i], CONFIG_MAX_TEXT_BYTES))
        return config_file_refuse(file, key.text, CONFIG_PLAIN_TEXT);
    for (size_t before = 0; before < i; before++)
        if (strcmp(scorer->classes[before], scorer->classes[i]) == 0)
            return config_file_fail(file, key.text,
                                    "\"%s\" is classes[%zu] too, expected different classes",
                                    excerpt(scorer->classes[i]).text, before);
    return 0;
}

static int check_classes(struct config_file *file, const struct raw_scorer *scorer, enum form form,
                         size_t index)
{
    int rc = 0;

    if (scorer->classes_count > 0 && scorer->task && *scorer->task == CONFIG_TASK_REGRESSION)
        return config_file_fail(file, MODEL_KEY("scorer.classes"),
                                "a regression has no classes, expected only type, task");
    if (scorer->score && scorer->task && *scorer->task == CONFIG_TASK_REGRESSION)
        return config_file_fail(file, MODEL_KEY("scorer.score"),
                                "a regression has no scores, expected only type, task");
    if (form == FORM_WEIGHTS && scorer->classes_count > 2)
        return config_file_fail(file, MODEL_KEY("scorer.classes"), "found %u entries, expected 2",
                                scorer->classes_count);
    for (size_t i = 0; i < scorer->classes_count && rc == 0; i++)
        rc = check_class(file, scorer, index, i);
    return rc;
}

int config_check_scorer(struct config_file *file, const struct raw_model *model, size_t index)
{
    const struct raw_scorer *scorer = &model->scorer;
    const enum form form = scorer_form(scorer);
    int rc = refuse_foreign_keys(file, scorer, form, index);

    if (rc == 0)
        rc = require_keys(file, scorer, form, index);
    if (rc == 0)
        rc = check_classes(file, scorer, form, index);
    for (size_t i = 0; i < scorer->weights_count && rc == 0; i++)
        rc = check_weight(file, model, index, i);
    if (rc == 0 && form == FORM_NONE && model->simulation)
        rc = config_file_refuse(file, MODEL_KEY("simulation"),
                                "false, as a scorer of type none predicts nothing");
    return rc;
}
