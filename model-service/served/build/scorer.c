/* scorer.c - the scorer a configuration asks for. Files of weights are decoded in json/ and scored
 * in score/, which do not know each other: they meet here. */
#include "served/build/build.h"

#include "score/trees.h"
#include "json/weights.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct weights_feature *weights_find(const struct weights_file *file, const char *name)
{
    for (size_t i = 0; i < file->feature_count; i++)
        if (strcmp(file->features[i].name, name) == 0)
            return &file->features[i];
    return NULL;
}

/* The first feature of the file that the configuration does not have; NULL: none. */
static const char *weights_unknown(const struct weights_file *file,
                                   const struct config_model *config)
{
    for (size_t i = 0; i < file->feature_count; i++) {
        size_t f = 0;
        while (f < config->feature_count &&
               strcmp(config->features[f].name, file->features[i].name) != 0)
            f++;
        if (f == config->feature_count)
            return file->features[i].name;
    }
    return NULL;
}

static int term_of(const struct config_model *config, const struct config_feature *feature,
                   const struct weights_feature *weights, struct logistic_term *term,
                   struct error *error)
{
    if (!weights)
        return error_set(
            error, -EINVAL,
            "model \"%s\": %s has nothing for the feature \"%s\", expected a weight (0 "
            "leaves it out of the score)",
            config->name, config->scorer.file, feature->name);
    if (weights->categorical != feature->categorical)
        return error_set(
            error, -EINVAL,
            "model \"%s\": %s has %s for the feature \"%s\", which is %s in the configuration",
            config->name, config->scorer.file, weights->categorical ? "categories" : "a weight",
            feature->name, feature->categorical ? "categorical" : "numeric");
    struct logistic_category *categories = calloc(weights->category_count + 1, sizeof(*categories));
    if (!categories)
        return -ENOMEM;
    for (size_t i = 0; i < weights->category_count; i++)
        categories[i] =
            (struct logistic_category){weights->categories[i].name, weights->categories[i].weight};
    *term = (struct logistic_term){
        .categorical = weights->categorical,
        .weight = weights->weight,
        .mean = weights->mean,
        .scale = weights->scale,
        .missing = weights->missing,
        .categories = categories,
        .category_count = weights->category_count,
        .other = weights->other,
        .missing_weight = weights->missing_weight,
    };
    return 0;
}

static int weights_create(const struct config_model *config, const struct weights_file *file,
                          struct scorer **ret_scorer, struct error *error)
{
    const char *unknown = weights_unknown(file, config);
    if (unknown)
        return error_set(
            error, -EINVAL,
            "model \"%s\": %s has weights for \"%s\", which is not a feature of the model",
            config->name, config->scorer.file, unknown);
    struct logistic_term *terms = calloc(config->feature_count, sizeof(*terms));
    int rc = terms ? 0 : -ENOMEM;
    for (size_t f = 0; rc == 0 && f < config->feature_count; f++)
        rc = term_of(config, &config->features[f], weights_find(file, config->features[f].name),
                     &terms[f], error);
    if (rc == 0)
        rc =
            logistic_scorer_create_terms(terms, config->feature_count, file->intercept, ret_scorer);
    for (size_t f = 0; terms && f < config->feature_count; f++)
        free((void *)terms[f].categories);
    free(terms);
    if (rc == 0 && file->classes[0])
        rc = scorer_name_classes(*ret_scorer, file->classes, 2);
    return rc;
}

static int load_weights(const struct config_model *config, struct scorer **ret_scorer,
                        struct error *error)
{
    struct weights_file file;
    int rc = weights_load(config->scorer.file, &file, error);
    if (rc < 0)
        return rc == -ENOMEM ? rc : error_at(error, rc, "model \"%s\": scorer", config->name);
    rc = weights_create(config, &file, ret_scorer, error);
    weights_finish(&file);
    return rc;
}

/* Whose models the scorers of trees are. */
static const char *const programs[] = {[CONFIG_SCORER_XGBOOST] = "XGBoost",
                                       [CONFIG_SCORER_LIGHTGBM] = "LightGBM",
                                       [CONFIG_SCORER_SCIKIT_LEARN] = "scikit-learn"};

static int load_trees(const struct config_model *config, struct scorer **ret_scorer,
                      struct error *error)
{
    struct scorer_feature *features = calloc(config->feature_count, sizeof(*features));
    if (!features)
        return -ENOMEM;
    for (size_t f = 0; f < config->feature_count; f++)
        features[f] =
            (struct scorer_feature){config->features[f].name, config->features[f].categorical};
    int rc = trees_scorer_load(config->scorer.file, programs[config->scorer.type], features,
                               config->feature_count, ret_scorer, error);
    free(features);
    return rc < 0 && rc != -ENOMEM ? error_at(error, rc, "model \"%s\": scorer", config->name) : rc;
}

/* Which features a prediction may lack. */
static int note_nullable(struct model_definition *definition)
{
    definition->nullable = calloc(definition->schema.features, sizeof(*definition->nullable));
    if (!definition->nullable)
        return -ENOMEM;
    for (size_t f = 0; f < definition->schema.features; f++)
        definition->nullable[f] = scorer_takes_missing(definition->scorer, f);
    definition->schema.nullable = definition->nullable;
    return 0;
}

int model_create_scorer(struct model_definition *definition, const struct config_model *config,
                        struct error *error)
{
    const struct config_scorer *scorer = &config->scorer;
    int rc;
    if (scorer->type == CONFIG_SCORER_NONE) {
        const bool number = scorer->task == CONFIG_TASK_REGRESSION;
        /* how many classes there are is seen later */
        definition->type = number ? PREDICTION_REGRESSION : PREDICTION_BINARY;
        definition->score_is_margin = scorer->score == CONFIG_SCORE_MARGIN;
        return 0;
    }
    if (scorer->file) {
        rc = served_model_check_file(scorer->file, error);
        if (rc < 0)
            return error_at(error, rc, "model \"%s\": scorer", config->name);
    }
    if (config_scorer_has_trees(scorer->type))
        rc = load_trees(config, &definition->scorer, error);
    else if (scorer->file)
        rc = load_weights(config, &definition->scorer, error);
    else
        rc = logistic_scorer_create(scorer->weights, config->feature_count, scorer->intercept, 0, 0,
                                    &definition->scorer);
    if (rc < 0)
        return rc;
    definition->type = scorer_type(definition->scorer);
    return note_nullable(definition);
}
