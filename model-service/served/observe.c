/* observe.c - reads the prediction that somebody else made of a row. */
#include "served/internal.h"

#include "row/text_value.h"
#include "text/excerpt.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static int read_score(const struct model_definition *definition, double score, double *ret_score,
                      struct error *error)
{
    char digits[NUMBER_MAX_BYTES];
    *ret_score = score;
    if (definition->type != PREDICTION_BINARY || isnan(score) ||
        model_definition_probability(definition, score, ret_score))
        return 0;
    const size_t bytes = number_format(score, digits);
    return error_set(error, -EINVAL,
                     "\"score\" must be the probability of class \"%s\", from 0 to 1, got %.*s; if "
                     "scores are log-odds, set scorer.score to margin",
                     excerpt(definition->classes.name[1]).text, (int)bytes, digits);
}

static int read_number(const struct value *from, struct observed_prediction *prediction,
                       struct error *error)
{
    double number = from->number;
    if (from->text && text_value_number(from->text, from->text_bytes, &number) < 0)
        return error_set(
            error, -EINVAL,
            "\"prediction\" must be a number, as the model is a regression, got \"%s\"",
            excerpt_bytes(from->text, from->text_bytes).text);
    prediction->value = number;
    prediction->class_index = isnan(number) ? SERVED_MODEL_NO_CLASS : 0;
    return 0;
}

static void name_class(const struct model_definition *definition, size_t class_index,
                       struct observed_prediction *prediction)
{
    prediction->class_index = class_index;
    if (class_index < definition->classes.count) {
        prediction->class_text = definition->classes.name[class_index];
        prediction->class_bytes = strlen(prediction->class_text);
    }
}

/* A boolean says nothing of classes that are other names. */
static bool is_foreign_boolean(const struct model_classes *classes, const struct value *value)
{
    bool truth;
    return classes->count > 0 && value->text &&
           text_value_boolean(value->text, value->text_bytes, &truth) &&
           model_classes_find(classes, value) == classes->count;
}

static int refuse_boolean(const struct model_classes *classes, const struct value *value,
                          struct error *error)
{
    return error_set(error, -EINVAL,
                     "\"prediction\" must name a class of the model (\"%s\"%s), got %s",
                     excerpt(classes->name[0]).text, classes->count > 1 ? ", ..." : "",
                     excerpt_bytes(value->text, value->text_bytes).text);
}

int served_model_read_prediction(const struct served_model *model,
                                 const struct observation *observation,
                                 struct observed_prediction *ret, struct error *error)
{
    const struct model_definition *definition = &model->definition;
    const struct value *from = &observation->prediction;
    *ret = (struct observed_prediction){
        .class_index = SERVED_MODEL_NO_CLASS, .value = NAN, .score = NAN};
    int rc = read_score(definition, observation->score, &ret->score, error);
    if (rc < 0)
        return rc;
    if (definition->type == PREDICTION_REGRESSION)
        return read_number(from, ret, error);
    if (is_foreign_boolean(&definition->classes, from))
        return refuse_boolean(&definition->classes, from, error);
    const struct category category = category_of_value(from, ret->number_text);
    if (category.text) {
        ret->class_text = category.text;
        ret->class_bytes = category.bytes;
        name_class(definition, model_classes_find(&definition->classes, from), ret);
    } else if (definition->type == PREDICTION_BINARY && !isnan(ret->score)) {
        name_class(definition, scorer_class(PREDICTION_BINARY, &ret->score, 1), ret);
    }
    return 0;
}
