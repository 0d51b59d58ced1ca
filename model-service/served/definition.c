/* definition.c - what a served model is made of, and which class a value names. */
#include "served/definition.h"

#include "row/text_value.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int model_definition_init(struct model_definition *definition, size_t features)
{
    *definition = (struct model_definition){
        .row_features = features,
        .class_feature = NO_FEATURE,
        .value_feature = NO_FEATURE,
        .score_feature = NO_FEATURE,
        .feature_names = calloc(features, sizeof(*definition->feature_names)),
        .categorical = calloc(features, sizeof(*definition->categorical)),
    };
    if (!definition->feature_names || !definition->categorical)
        return -ENOMEM;
    definition->schema =
        (struct schema){.features = features,
                        .name = (const char *const *)(const void *)definition->feature_names,
                        .categorical = definition->categorical};
    return 0;
}

static void strings_free(char **strings, size_t count)
{
    for (size_t i = 0; strings && i < count; i++)
        free(strings[i]);
    free(strings);
}

static void simulation_finish(struct simulation_source *simulation, size_t features)
{
    for (size_t f = 0; simulation->columns && f < features; f++)
        free(simulation->columns[f]);
    free(simulation->columns);
    free(simulation->mean);
    free(simulation->deviation);
}

void model_definition_finish(struct model_definition *definition)
{
    scorer_destroy(definition->scorer);
    simulation_finish(&definition->simulation, definition->schema.features);
    strings_free(definition->feature_names, definition->schema.features);
    strings_free(definition->classes.name, definition->classes.count);
    free(definition->classes.number);
    free(definition->categorical);
    free(definition->nullable);
    free(definition->name);
    free(definition->version);
    free(definition->id_prefix);
}

int model_definition_set_name(struct model_definition *definition, const char *name,
                              const char *version, const char *id_prefix)
{
    definition->name = strdup(name);
    definition->version = strdup(version);
    definition->id_prefix = strdup(id_prefix);
    return definition->name && definition->version && definition->id_prefix ? 0 : -ENOMEM;
}

int model_definition_set_feature(struct model_definition *definition, size_t feature,
                                 const char *name, bool categorical)
{
    definition->feature_names[feature] = strdup(name);
    definition->categorical[feature] = categorical;
    return definition->feature_names[feature] ? 0 : -ENOMEM;
}

/* --- which class a value names --- */

/* The number that a text is: a decimal one, or 1 and 0 for true and false. */
static bool number_of_text(const char *text, size_t bytes, double *ret_number)
{
    bool truth;
    if (text_value_boolean(text, bytes, &truth)) {
        *ret_number = truth;
        return true;
    }
    double number;
    if (text_value_number(text, bytes, &number) < 0 || !isfinite(number))
        return false;
    *ret_number = number;
    return true;
}

int model_definition_set_classes(struct model_definition *definition, const char *const *names,
                                 size_t count)
{
    struct model_classes *classes = &definition->classes;
    classes->name = calloc(count + 1, sizeof(*classes->name));
    classes->number = calloc(count + 1, sizeof(*classes->number));
    if (!classes->name || !classes->number)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        classes->name[i] = strdup(names[i]);
        if (!classes->name[i])
            return -ENOMEM;
        classes->count++;
        if (number_of_text(names[i], strlen(names[i]), &classes->number[i]))
            classes->has_numbers = true;
        else
            classes->number[i] = NAN;
    }
    return 0;
}

static size_t find_name(const struct model_classes *classes, const char *text, size_t bytes)
{
    size_t i = 0;
    while (i < classes->count &&
           (strncmp(classes->name[i], text, bytes) != 0 || classes->name[i][bytes] != '\0'))
        i++;
    return i;
}

static size_t find_number(const struct model_classes *classes, double number)
{
    size_t i = 0;
    while (i < classes->count && classes->number[i] != number)
        i++;
    return i;
}

/* The number as the index of a class, where it can be one. */
static size_t find_index(const struct model_classes *classes, double number)
{
    const bool is_index = !classes->has_numbers && number >= 0 && number < (double)classes->count &&
                          number == floor(number);
    return is_index ? (size_t)number : classes->count;
}

size_t model_classes_find(const struct model_classes *classes, const struct value *value)
{
    double number = value->number;
    bool truth = false, is_boolean = false;
    if (value->text) {
        const size_t named = find_name(classes, value->text, value->text_bytes);
        if (named < classes->count || !number_of_text(value->text, value->text_bytes, &number))
            return named;
        is_boolean = text_value_boolean(value->text, value->text_bytes, &truth);
    }
    const size_t found = find_number(classes, number);
    return found < classes->count || is_boolean ? found : find_index(classes, number);
}

bool model_definition_output(const struct model_definition *definition, const struct value *value,
                             double *ret_output)
{
    if (definition->type != PREDICTION_REGRESSION) {
        const size_t class_index = model_classes_find(&definition->classes, value);
        *ret_output = (double)class_index;
        return class_index < definition->classes.count;
    }
    double number = value->number;
    if (value->text && text_value_number(value->text, value->text_bytes, &number) < 0)
        return false;
    *ret_output = number;
    return isfinite(number);
}

bool model_definition_probability(const struct model_definition *definition, double score,
                                  double *ret_probability)
{
    const double probability = definition->score_is_margin ? 1 / (1 + exp(-score)) : score;
    if (probability < 0 || probability > 1)
        return false;
    *ret_probability = probability;
    return true;
}
