/* transform.c - predictions from margins, in the precision and order of operations of the program
 * that the forest comes from. */
#include "score/forest/forest.h"

#include <math.h>
#include <stdlib.h>

/* --- float32, XGBoost --- */

static float logistic_narrow(float margin)
{
    /* XGBoost's own constants: no overflow of expf(), no division by 0 */
    const float below = fminf(-margin, 88.7f);

    return 1.0f / (expf(below) + 1.0f + 1e-16f);
}

static float largest_narrow(const double *margins, size_t count)
{
    float largest = (float)margins[0];

    for (size_t i = 1; i < count; i++)
        largest = fmaxf(largest, (float)margins[i]);
    return largest;
}

static void softmax_narrow(double *margins, size_t count)
{
    const float largest = largest_narrow(margins, count);
    double sum = 0.0;

    for (size_t i = 0; i < count; i++) {
        margins[i] = (double)expf((float)margins[i] - largest);
        sum += margins[i];
    }
    for (size_t i = 0; i < count; i++)
        margins[i] = (double)((float)margins[i] / (float)sum);
}

/* --- double, LightGBM and scikit-learn --- */

static void softmax_wide(double *margins, size_t count)
{
    double largest = margins[0], sum = 0.0;

    for (size_t i = 1; i < count; i++)
        largest = fmax(largest, margins[i]);
    for (size_t i = 0; i < count; i++) {
        margins[i] = exp(margins[i] - largest);
        sum += margins[i];
    }
    for (size_t i = 0; i < count; i++)
        margins[i] /= sum;
}

static double transform_one(const struct forest *forest, enum forest_transform transform,
                            double margin)
{
    switch (transform) {
    case FOREST_LOGISTIC:
        return forest->narrow_sums ? (double)logistic_narrow((float)margin)
                                   : 1.0 / (1.0 + exp(-forest->sigmoid * margin));
    case FOREST_EXP:
        return forest->narrow_sums ? (double)expf((float)margin) : exp(margin);
    case FOREST_LOG1P_EXP:
        return log1p(exp(margin));
    case FOREST_SQUARE:
        return margin < 0.0 ? -(margin * margin) : margin * margin;
    case FOREST_STEP:
        return margin > 0.0;
    default:
        return margin;
    }
}

/* --- a row --- */

static int ascending(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static double index_of_largest(const double *margins, size_t count)
{
    size_t largest = 0;

    for (size_t i = 1; i < count; i++)
        if (margins[i] > margins[largest])
            largest = i;
    return (double)largest;
}

void forest_transform_row(const struct forest *forest, enum forest_transform transform,
                          double *margins)
{
    const size_t count = forest->outputs;

    for (size_t i = 0; forest->divisor > 1 && i < count; i++)
        margins[i] /= (double)forest->divisor;
    switch (transform) {
    case FOREST_SOFTMAX:
        if (forest->narrow_sums)
            softmax_narrow(margins, count);
        else
            softmax_wide(margins, count);
        return;
    case FOREST_SOFTMAX_CLASS:
        margins[0] = index_of_largest(margins, count);
        return;
    case FOREST_SORT:
        qsort(margins, count, sizeof(*margins), ascending);
        return;
    default:
        for (size_t i = 0; i < count; i++)
            margins[i] = transform_one(forest, transform, margins[i]);
    }
}
