/* logistic.c - logistic regression on standardised numbers and one-hot categories, with the
 * optional noise of the original system's model. */
#include "score/back_end.h"

#include "row/split_mix.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct logistic {
    struct scorer scorer;
    double intercept, noise_deviation;
    uint64_t seed;
    struct logistic_term terms[]; /* [feature_count]; categories owned, ascending */
};

/* Standard normal number `sequence` of the seed's stream. Derived from the counter, so that scoring
 * needs no state, no lock, and gives the same answer in any order. */
static double standard_normal(uint64_t seed, uint64_t sequence)
{
    uint64_t base = split_mix_at(seed + 1) + 2 * sequence;
    double u = (double)((split_mix_at(base) >> 11) + 1) * 0x1p-53; /* in (0, 1]: log stays finite */
    double v = (double)(split_mix_at(base + 1) >> 11) * 0x1p-53;

    return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
}

/* exp() only of non-positive arguments: no overflow, and small results keep their precision. */
static double sigmoid(double z)
{
    double e = exp(-fabs(z));

    return z >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
}

static int compare_text(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    const int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);

    return order ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static double category_weight(const struct logistic_term *term, const struct value *value)
{
    size_t low = 0, high = term->category_count;
    if (!value->text)
        return term->missing_weight;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct logistic_category *category = &term->categories[middle];
        const int order =
            compare_text(value->text, value->text_bytes, category->text, strlen(category->text));

        if (order == 0)
            return category->weight;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return term->other;
}

static double number_of(const struct logistic_term *term, const struct value *value)
{
    return isnan(value->number) ? term->missing : value->number;
}

static double term_value(const struct logistic_term *term, const struct value *value)
{
    if (term->categorical)
        return category_weight(term, value);
    return term->weight * ((number_of(term, value) - term->mean) / term->scale);
}

/* Huge products of opposite sign would meet as inf - inf; the wider exponent holds them. */
static double wide_sum(const struct logistic *model, const struct value *row)
{
    long double z = model->intercept;

    for (size_t i = 0; i < model->scorer.feature_count; i++) {
        const struct logistic_term *term = &model->terms[i];

        z += term->categorical
                 ? (long double)category_weight(term, &row[i])
                 : term->weight *
                       (((long double)number_of(term, &row[i]) - term->mean) / term->scale);
    }
    return (double)z;
}

static int logistic_score(const struct scorer *scorer, const struct value *row, uint64_t sequence,
                          double *outputs)
{
    const struct logistic *model = (const struct logistic *)scorer;
    double z = model->intercept;

    for (size_t i = 0; i < scorer->feature_count; i++)
        z += term_value(&model->terms[i], &row[i]);
    if (!isfinite(z))
        z = wide_sum(model, row);
    if (isnan(z))
        return -EINVAL;
    if (model->noise_deviation > 0.0)
        z += model->noise_deviation * standard_normal(model->seed, sequence);
    outputs[0] = sigmoid(z);
    return 0;
}

static bool logistic_takes_missing(const struct scorer *scorer, size_t feature)
{
    const struct logistic_term *term = &((const struct logistic *)scorer)->terms[feature];

    return term->categorical || !isnan(term->missing);
}

static void categories_free(struct logistic_term *term)
{
    struct logistic_category *categories = (struct logistic_category *)term->categories;

    for (size_t i = 0; categories && i < term->category_count; i++)
        free((char *)categories[i].text);
    free(categories);
}

static void logistic_destroy(struct scorer *scorer)
{
    struct logistic *model = (struct logistic *)scorer;

    for (size_t i = 0; i < scorer->feature_count; i++)
        categories_free(&model->terms[i]);
    free(model);
}

static const struct scorer_back_end logistic_back_end = {
    .score = logistic_score,
    .takes_missing = logistic_takes_missing,
    .destroy = logistic_destroy,
};

/* --- creation --- */

static int by_text(const void *a, const void *b)
{
    const struct logistic_category *left = a, *right = b;

    return strcmp(left->text, right->text);
}

/* Copies the categories into the model's own term. */
static int categories_copy(const struct logistic_term *from, struct logistic_term *to)
{
    struct logistic_category *copy = calloc(from->category_count + 1, sizeof(*copy));

    to->categories = copy;
    to->category_count = 0;
    if (!copy)
        return -ENOMEM;
    for (size_t i = 0; i < from->category_count; i++) {
        copy[i].weight = from->categories[i].weight;
        const struct value name =
            value_of_text(from->categories[i].text, strlen(from->categories[i].text));
        copy[i].text = strdup(name.text);
        if (!copy[i].text)
            return -ENOMEM;
        to->category_count = i + 1;
    }
    qsort(copy, from->category_count, sizeof(*copy), by_text);
    for (size_t i = 1; i < from->category_count; i++)
        if (by_text(&copy[i - 1], &copy[i]) == 0)
            return -EINVAL;
    return 0;
}

static int check_term(const struct logistic_term *term)
{
    if (!term->categorical)
        return isfinite(term->weight) && isfinite(term->mean) && isfinite(term->scale) &&
                       term->scale > 0.0 && !isinf(term->missing)
                   ? 0
                   : -EINVAL;
    for (size_t i = 0; i < term->category_count; i++)
        if (!isfinite(term->categories[i].weight))
            return -EINVAL;
    return isfinite(term->other) && isfinite(term->missing_weight) ? 0 : -EINVAL;
}

static int terms_copy(struct logistic *model, const struct logistic_term *terms, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int rc = check_term(&terms[i]);

        if (rc < 0)
            return rc;
        model->terms[i] = terms[i];
        model->terms[i].categories = NULL;
        if (terms[i].categorical)
            rc = categories_copy(&terms[i], &model->terms[i]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int create(const struct logistic_term *terms, size_t count, double intercept,
                  struct logistic **ret_model)
{
    struct logistic *model;
    int rc;

    if (count == 0 || !isfinite(intercept))
        return -EINVAL;
    if (count > (SIZE_MAX - sizeof(*model)) / sizeof(*terms))
        return -ENOMEM;
    model = calloc(1, sizeof(*model) + count * sizeof(*terms));
    if (!model)
        return -ENOMEM;
    rc = scorer_init(&model->scorer, &logistic_back_end, count, PREDICTION_BINARY, 0);
    if (rc < 0) {
        free(model);
        return rc;
    }
    model->intercept = intercept;
    rc = terms_copy(model, terms, count);
    if (rc < 0) {
        scorer_destroy(&model->scorer);
        return rc;
    }
    *ret_model = model;
    return 0;
}

int logistic_scorer_create_terms(const struct logistic_term *terms, size_t count, double intercept,
                                 struct scorer **ret_scorer)
{
    struct logistic *model;
    int rc = create(terms, count, intercept, &model);

    if (rc == 0)
        *ret_scorer = &model->scorer;
    return rc;
}

int logistic_scorer_create(const double *weights, size_t count, double intercept,
                           double noise_deviation, uint64_t seed, struct scorer **ret_scorer)
{
    struct logistic *model;
    struct logistic_term *terms;
    int rc;

    if (count == 0 || !isfinite(noise_deviation) || noise_deviation < 0.0)
        return -EINVAL;
    terms = calloc(count, sizeof(*terms));
    if (!terms)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        terms[i] = (struct logistic_term){.weight = weights[i], .scale = 1.0, .missing = NAN};
    rc = create(terms, count, intercept, &model);
    free(terms);
    if (rc < 0)
        return rc;
    model->noise_deviation = noise_deviation;
    model->seed = seed;
    *ret_scorer = &model->scorer;
    return 0;
}
