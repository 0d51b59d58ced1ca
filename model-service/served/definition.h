/* definition.h - what a served model is: names, classes, scorer and the order of its values. Filled
 * by served/build/, and constant once the model is served. */
#ifndef SERVED_DEFINITION_H
#define SERVED_DEFINITION_H

#include "row/row.h"
#include "score/scorer.h"
#include "text/nodiscard.h"

#include <stdbool.h>
#include <stddef.h>

/* What stands for a feature that the detector does not have. */
#define NO_FEATURE SIZE_MAX

struct model_classes {
    char **name;      /* [count], distinct */
    double *number;   /* [count]: what a name is as a number; NaN: it is not one */
    bool has_numbers; /* some name is a number */
    size_t count;     /* 0 for a regression */
};

/* What simulated rows are drawn from: the built-in distribution, or the reference's rows. */
struct simulation_source {
    bool allowed, builtin;
    double **columns; /* [features][rows], finite; NULL when builtin or not allowed */
    size_t rows;
    double *mean, *deviation; /* [features] */
    /* of a regression's reference: mean prediction, and root mean square of its errors */
    double prediction_mean, prediction_error;
};

struct model_definition {
    char *name, *version;
    char *id_prefix;      /* of generated prediction ids */
    struct schema schema; /* of the arrays below */
    char **feature_names;
    bool *categorical;
    bool *nullable;        /* what the scorer can do without; NULL: nothing */
    struct scorer *scorer; /* NULL: predictions come with the observations */
    enum prediction_type type;
    bool score_is_margin; /* scores that come with observations are log-odds */
    struct model_classes classes;
    /* of the detector: the schema's features, then what there is of class, value and score */
    size_t row_features;
    size_t class_feature, value_feature, score_feature; /* index, or NO_FEATURE */
    struct simulation_source simulation;
};

/* With room for the names of so many features; everything else is empty. 0 or -ENOMEM; to be
 * finished in both cases. */
NODISCARD int model_definition_init(struct model_definition *definition, size_t features);
/* Frees what it owns, its scorer too. Half filled is fine. */
void model_definition_finish(struct model_definition *definition);

/* Copies of names. 0 or -ENOMEM. */
NODISCARD int model_definition_set_name(struct model_definition *definition, const char *name,
                                        const char *version, const char *id_prefix);
NODISCARD int model_definition_set_feature(struct model_definition *definition, size_t feature,
                                           const char *name, bool categorical);
NODISCARD int model_definition_set_classes(struct model_definition *definition,
                                           const char *const *names, size_t count);

/* The class that a value names, or `count` if it names none.
 *
 * A class is named by its name. Where no class has that name, numbers are compared by value: "1.0"
 * and 1 name the class "1" or "1.0"; true and false count as 1 and 0, in a name too. Where no class
 * is a number, a whole number (but not true or false) is the index of a class. O(count). */
size_t model_classes_find(const struct model_classes *classes, const struct value *value);

/* A value of the model's output: the index of a class, or the number of a regression, also one
 * written as a text. False if it is neither. */
bool model_definition_output(const struct model_definition *definition, const struct value *value,
                             double *ret_output);

/* A score that came with an observation as the probability of class 1, which is what it is, or what
 * log-odds stand for. False: not from 0 to 1. NaN, no score, is passed on. */
bool model_definition_probability(const struct model_definition *definition, double score,
                                  double *ret_probability);

#endif
