/* performance_sums.c - adding a prediction and its label to the sums. */
#include "performance_internal.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void long_sum_add(struct long_sum *sum, double x)
{
    const double next = sum->sum + x;
    sum->carry += fabs(sum->sum) >= fabs(x) ? sum->sum - next + x : x - next + sum->sum;
    sum->sum = next;
}

double long_sum_value(const struct long_sum *sum)
{
    return sum->sum + sum->carry;
}

static void moments_add(struct moments *moments, double x)
{
    const double from = x - moments->mean;
    moments->n++;
    long_sum_add(&moments->sum, x);
    moments->mean += from / (double)moments->n;
    moments->squares += from * (x - moments->mean);
}

static size_t counters(size_t classes)
{
    return classes * classes + 2 * classes;
}

int performance_sums_init(struct performance_sums *sums, enum performance_task task, size_t classes)
{
    *sums = (struct performance_sums){.task = task};
    if (task == PERFORMANCE_REGRESSION)
        return 0;
    sums->confusion = calloc(counters(classes), sizeof(*sums->confusion));
    if (!sums->confusion)
        return -ENOMEM;
    sums->classes = classes;
    sums->labels = sums->confusion + classes * classes;
    sums->predictions = sums->labels + classes;
    return 0;
}

void performance_sums_finish(struct performance_sums *sums)
{
    free(sums->confusion);
}

void performance_sums_reset(struct performance_sums *sums, double pivot)
{
    const struct performance_sums kept = *sums;
    *sums = (struct performance_sums){.task = kept.task,
                                      .classes = kept.classes,
                                      .confusion = kept.confusion,
                                      .labels = kept.labels,
                                      .predictions = kept.predictions,
                                      .pivot = pivot};
    if (sums->confusion)
        memset(sums->confusion, 0, counters(sums->classes) * sizeof(*sums->confusion));
}

static void regression_add(struct performance_sums *sums, double prediction, double label)
{
    const double e = prediction - label, x = e * e, u = label - sums->pivot, u2 = u * u;
    moments_add(&sums->absolute, fabs(e));
    moments_add(&sums->error, e);
    moments_add(&sums->square, x);
    long_sum_add(&sums->u, u);
    long_sum_add(&sums->u2, u2);
    long_sum_add(&sums->u3, u2 * u);
    long_sum_add(&sums->u4, u2 * u2);
    long_sum_add(&sums->xx, x * x);
    long_sum_add(&sums->xu, x * u);
    long_sum_add(&sums->xu2, x * u2);
}

static double clip(double p)
{
    return fmin(fmax(p, DBL_EPSILON), 1 - DBL_EPSILON);
}

static void calibration_add(struct performance_sums *sums, double p, bool hit)
{
    size_t bin = 0;
    while (bin < CALIBRATION_BINS - 1 && p > (double)(bin + 1) / CALIBRATION_BINS)
        bin++;
    const double residual = (double)hit - p;
    struct calibration_bin *into = &sums->bin[bin];
    into->n++;
    long_sum_add(&into->residual, residual);
    long_sum_add(&into->squares, residual * residual);
    long_sum_add(&into->variance, p * (1 - p));
}

static void binary_add(struct performance_sums *sums, bool positive, double p)
{
    const double clipped = clip(p), sum = (1 - clipped) + clipped;
    const double residual = (double)positive - p;
    moments_add(&sums->log_loss, -log((positive ? clipped : 1 - clipped) / sum));
    moments_add(&sums->brier, residual * residual);
    calibration_add(sums, p, positive);
}

static void multiclass_add(struct performance_sums *sums, size_t label, const double *scores)
{
    double sum = 0, brier = 0;
    size_t largest = 0;
    for (size_t c = 0; c < sums->classes; c++) {
        const double residual = (double)(c == label) - scores[c];
        sum += clip(scores[c]);
        brier += residual * residual;
        largest = scores[c] > scores[largest] ? c : largest;
    }
    moments_add(&sums->log_loss, -log(clip(scores[label]) / sum));
    moments_add(&sums->brier, brier);
    calibration_add(sums, scores[largest], largest == label);
}

void performance_sums_add(struct performance_sums *sums, double prediction, double label,
                          const double *scores)
{
    sums->n++;
    if (sums->task == PERFORMANCE_REGRESSION) {
        regression_add(sums, prediction, label);
        return;
    }
    sums->confusion[(size_t)label * sums->classes + (size_t)prediction]++;
    sums->labels[(size_t)label]++;
    sums->predictions[(size_t)prediction]++;
    if (!scores)
        return;
    if (sums->task == PERFORMANCE_BINARY)
        binary_add(sums, label > 0, scores[0]);
    else
        multiclass_add(sums, (size_t)label, scores);
}
