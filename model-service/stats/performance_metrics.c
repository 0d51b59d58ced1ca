/* performance_metrics.c - metrics from the sums. performance.h has the definitions. */
#include "performance_internal.h"

#include <math.h>

/* --- of a confusion matrix --- */

struct counts {
    uint64_t labels, predictions, hits;
};

static struct counts counts_of(const struct performance_sums *sums, size_t class)
{
    return (struct counts){.labels = sums->labels[class],
                           .predictions = sums->predictions[class],
                           .hits = sums->confusion[class * sums->classes + class]};
}

static struct performance_value share(uint64_t part, uint64_t of)
{
    if (of == 0)
        return drift_performance_undefined();
    const double n = (double)of, p = (double)part / n;
    return performance_proportion(p, sqrt(p * (1 - p) / n), n, of);
}

/* d f1 / d q = 2 / (1 + q)^2. */
static struct performance_value f1_of(const struct counts *counts)
{
    const uint64_t either = counts->labels + counts->predictions - counts->hits;
    struct performance_value value = share(counts->hits, either);
    if (!value.defined)
        return value;
    const double q = value.value;
    value.value = 2 * (double)counts->hits / (double)(counts->labels + counts->predictions);
    value.standard_error *= 2 / ((1 + q) * (1 + q));
    value.basis = BASIS_F1;
    return value;
}

static uint64_t hits_in_all(const struct performance_sums *sums)
{
    uint64_t hits = 0;
    for (size_t c = 0; c < sums->classes; c++)
        hits += sums->confusion[c * sums->classes + c];
    return hits;
}

static double ratio(uint64_t part, uint64_t of)
{
    return of ? (double)part / (double)of : 0;
}

/* What one class adds to a macro average: its own value, and how a pair moves it (the influence):
 * `hit` for a hit, `label` and `prediction` for a pair with this label or prediction. */
struct influence {
    double value, hit, label, prediction;
};

static struct influence influence_of(enum performance_metric metric, const struct counts *counts)
{
    struct influence result = {0};
    const double labels = (double)counts->labels, predictions = (double)counts->predictions;
    if (metric == PERFORMANCE_PRECISION && counts->predictions) {
        result.value = ratio(counts->hits, counts->predictions);
        result.hit = 1 / predictions;
        result.prediction = -result.value / predictions;
    } else if (metric == PERFORMANCE_RECALL && counts->labels) {
        result.value = ratio(counts->hits, counts->labels);
        result.hit = 1 / labels;
        result.label = -result.value / labels;
    } else if (metric == PERFORMANCE_F1 && counts->labels + counts->predictions) {
        result.value = ratio(2 * counts->hits, counts->labels + counts->predictions);
        result.hit = 2 / (labels + predictions);
        result.label = result.prediction = -result.value / (labels + predictions);
    }
    return result;
}

/* Variance of the average: the sum over pairs of the squared influence of each; pairs of one cell
 * of the matrix have the same. */
static double macro_variance(const struct performance_sums *sums, enum performance_metric metric)
{
    double variance = 0;
    for (size_t label = 0; label < sums->classes; label++) {
        const struct counts of_label = counts_of(sums, label);
        const struct influence row = influence_of(metric, &of_label);
        for (size_t p = 0; p < sums->classes; p++) {
            const uint64_t n = sums->confusion[label * sums->classes + p];
            if (n == 0)
                continue;
            const struct counts of_prediction = counts_of(sums, p);
            const struct influence column = influence_of(metric, &of_prediction);
            const double moved = row.label + column.prediction + (label == p ? row.hit : 0);
            variance += (double)n * moved * moved;
        }
    }
    return variance;
}

/* The size of the sample whose share would have the error; the pairs' number where there is none.
 */
static double effective_size(double p, double error, uint64_t n)
{
    const double variance = error * error;
    return variance > 0 && p > 0 && p < 1 ? p * (1 - p) / variance : (double)n;
}

static struct performance_value macro_average(const struct performance_sums *sums,
                                              enum performance_metric metric)
{
    struct long_sum total = {0};
    uint64_t present = 0;
    for (size_t c = 0; c < sums->classes; c++) {
        const struct counts counts = counts_of(sums, c);
        present += counts.labels + counts.predictions > 0;
        long_sum_add(&total, influence_of(metric, &counts).value);
    }
    if (present == 0)
        return drift_performance_undefined();
    const double value = long_sum_value(&total) / (double)present;
    const double error = sqrt(macro_variance(sums, metric)) / (double)present;
    return performance_proportion(value, error, effective_size(value, error, sums->n), sums->n);
}

void performance_sums_class(const struct performance_sums *sums, size_t index,
                            struct performance_class *ret_class)
{
    const struct counts counts = counts_of(sums, index);
    *ret_class = (struct performance_class){.labels = counts.labels,
                                            .predictions = counts.predictions,
                                            .hits = counts.hits,
                                            .precision = share(counts.hits, counts.predictions),
                                            .recall = share(counts.hits, counts.labels),
                                            .f1 = f1_of(&counts),
                                            .roc_auc = drift_performance_undefined()};
}

/* --- means of losses --- */

static struct performance_value mean_of(const struct moments *moments, double least, double most)
{
    struct performance_value result = drift_performance_undefined();
    if (moments->n == 0)
        return result;
    const double n = (double)moments->n;
    result.defined = true;
    result.n = moments->n;
    result.value = result.centre = long_sum_value(&moments->sum) / n;
    result.least = least;
    result.most = most;
    if (moments->n < 2)
        return result;
    result.basis = BASIS_NORMAL;
    result.standard_error = result.error = sqrt(fmax(moments->squares, 0) / (n - 1) / n);
    return result;
}

/* The residuals' sum over a bin is S_b; the metric is sum |S_b| / n, and its variance that of the
 * residuals with the sign of their bin. */
static struct performance_value calibration_error(const struct performance_sums *sums)
{
    struct performance_value result = drift_performance_undefined();
    struct long_sum gap = {0}, squares = {0};
    double chance = 0;
    for (size_t b = 0; b < CALIBRATION_BINS; b++) {
        const struct calibration_bin *bin = &sums->bin[b];
        result.n += bin->n;
        long_sum_add(&gap, fabs(long_sum_value(&bin->residual)));
        long_sum_add(&squares, long_sum_value(&bin->squares));
        chance += sqrt(2 / M_PI * long_sum_value(&bin->variance));
    }
    if (result.n == 0)
        return result;
    const double n = (double)result.n;
    result.defined = true;
    result.value = result.centre = long_sum_value(&gap) / n;
    result.most = 1;
    if (result.n < 2)
        return result;
    const double spread = long_sum_value(&squares) - n * result.value * result.value;
    result.basis = BASIS_NORMAL;
    result.standard_error = result.error = sqrt(fmax(spread, 0)) / n;
    result.bias = chance / n;
    return result;
}

/* --- regression --- */

/* d sqrt(m) = dm / (2 sqrt(m)). */
static struct performance_value root_mean_square(const struct moments *square)
{
    struct performance_value result = mean_of(square, 0, INFINITY);
    if (!result.defined)
        return result;
    result.value = sqrt(result.centre);
    if (result.basis == BASIS_NORMAL) {
        result.basis = BASIS_ROOT;
        result.standard_error = result.value > 0 ? result.error / (2 * result.value) : 0;
    }
    return result;
}

/* With x = e^2, d = y - mean: the influence of a pair is (a d^2 / v - x) / v, where a is the mean
 * of x and v that of d^2. The sums around the mean follow from those around the pivot. */
static struct performance_value r_squared(const struct performance_sums *sums)
{
    struct performance_value result = drift_performance_undefined();
    const double n = (double)sums->n;
    if (sums->n < 2)
        return result;
    const double u = long_sum_value(&sums->u), u2 = long_sum_value(&sums->u2), shift = u / n;
    const double total = u2 - u * shift, errors = long_sum_value(&sums->square.sum);
    if (!(total > 0))
        return result;
    result.defined = true;
    result.n = sums->n;
    result.value = result.centre = 1 - errors / total;
    result.least = -INFINITY;
    result.most = 1;
    const double u3 = long_sum_value(&sums->u3), u4 = long_sum_value(&sums->u4);
    const double d4 = u4 - 4 * shift * u3 + 6 * shift * shift * u2 - 3 * n * pow(shift, 4);
    const double xd2 =
        long_sum_value(&sums->xu2) - 2 * shift * long_sum_value(&sums->xu) + shift * shift * errors;
    const double a = errors / n, v = total / n, slope = a / v;
    const double squares = slope * slope * d4 - 2 * slope * xd2 + long_sum_value(&sums->xx);
    result.basis = BASIS_NORMAL;
    result.standard_error = result.error = sqrt(fmax(squares, 0)) / (n * v);
    return result;
}

/* --- all --- */

static void classification(const struct performance_sums *sums, struct performance_value *metric)
{
    const double most_brier = sums->task == PERFORMANCE_BINARY ? 1 : 2;
    metric[PERFORMANCE_ACCURACY] = share(hits_in_all(sums), sums->n);
    metric[PERFORMANCE_LOG_LOSS] = mean_of(&sums->log_loss, 0, INFINITY);
    metric[PERFORMANCE_BRIER] = mean_of(&sums->brier, 0, most_brier);
    metric[PERFORMANCE_CALIBRATION_ERROR] = calibration_error(sums);
    if (sums->task == PERFORMANCE_MULTICLASS) {
        metric[PERFORMANCE_PRECISION] = macro_average(sums, PERFORMANCE_PRECISION);
        metric[PERFORMANCE_RECALL] = macro_average(sums, PERFORMANCE_RECALL);
        metric[PERFORMANCE_F1] = macro_average(sums, PERFORMANCE_F1);
        return;
    }
    struct performance_class positive;
    performance_sums_class(sums, 1, &positive);
    metric[PERFORMANCE_PRECISION] = positive.precision;
    metric[PERFORMANCE_RECALL] = positive.recall;
    metric[PERFORMANCE_F1] = positive.f1;
}

void performance_sums_metrics(const struct performance_sums *sums, struct performance_value *metric)
{
    for (size_t m = 0; m < PERFORMANCE_METRIC_COUNT; m++)
        metric[m] = drift_performance_undefined();
    if (sums->task != PERFORMANCE_REGRESSION) {
        classification(sums, metric);
        return;
    }
    metric[PERFORMANCE_MAE] = mean_of(&sums->absolute, 0, INFINITY);
    metric[PERFORMANCE_RMSE] = root_mean_square(&sums->square);
    metric[PERFORMANCE_BIAS] = mean_of(&sums->error, -INFINITY, INFINITY);
    metric[PERFORMANCE_R2] = r_squared(sums);
}
