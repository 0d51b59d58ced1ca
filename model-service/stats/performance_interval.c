/* drift_performance_interval.c - names, intervals, and the comparison with a reference. */
#include "performance_internal.h"
#include "proportion.h"
#include "special.h"

#include <math.h>

static const struct {
    const char *name;
    enum performance_worse worse;
    bool regression;
} metrics[PERFORMANCE_METRIC_COUNT] = {
    [PERFORMANCE_ACCURACY] = {"accuracy", WORSE_LOWER, false},
    [PERFORMANCE_PRECISION] = {"precision", WORSE_LOWER, false},
    [PERFORMANCE_RECALL] = {"recall", WORSE_LOWER, false},
    [PERFORMANCE_F1] = {"f1", WORSE_LOWER, false},
    [PERFORMANCE_ROC_AUC] = {"roc_auc", WORSE_LOWER, false},
    [PERFORMANCE_LOG_LOSS] = {"log_loss", WORSE_HIGHER, false},
    [PERFORMANCE_BRIER] = {"brier", WORSE_HIGHER, false},
    [PERFORMANCE_CALIBRATION_ERROR] = {"expected_calibration_error", WORSE_HIGHER, false},
    [PERFORMANCE_MAE] = {"mae", WORSE_HIGHER, true},
    [PERFORMANCE_RMSE] = {"rmse", WORSE_HIGHER, true},
    [PERFORMANCE_BIAS] = {"bias", WORSE_FURTHER, true},
    [PERFORMANCE_R2] = {"r2", WORSE_LOWER, true},
};

const char *drift_performance_metric_name(enum performance_metric metric)
{
    return (unsigned)metric < PERFORMANCE_METRIC_COUNT ? metrics[metric].name : NULL;
}

enum performance_worse drift_performance_metric_worse(enum performance_metric metric)
{
    return metrics[metric].worse;
}

bool drift_performance_metric_applies(enum performance_metric metric, enum performance_task task)
{
    return metrics[metric].regression == (task == PERFORMANCE_REGRESSION);
}

/* P(|Z| > z) = erfc(z / sqrt 2) falls; halving the bracket keeps every digit. */
double drift_performance_z(double level)
{
    const double tail = 1 - level;
    double low = 0, high = 40;
    for (int i = 0; i < 80; i++) {
        const double middle = (low + high) / 2;
        if (erfc(middle / sqrt(2)) > tail)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

struct performance_value drift_performance_undefined(void)
{
    return (struct performance_value){
        .value = NAN, .standard_error = NAN, .lower = NAN, .upper = NAN};
}

struct performance_value performance_proportion(double value, double error, double size, uint64_t n)
{
    struct performance_value result = drift_performance_undefined();
    result.defined = true;
    result.value = value;
    result.standard_error = error;
    result.n = n;
    result.basis = BASIS_PROPORTION;
    result.centre = value;
    result.size = size;
    result.most = 1;
    return result;
}

static void wilson(double p, double n, double z, double *ret_lower, double *ret_upper)
{
    const double z2n = z * z / n;
    const double centre = (p + z2n / 2) / (1 + z2n);
    const double half = z / (1 + z2n) * sqrt(p * (1 - p) / n + z2n / (4 * n));
    *ret_lower = fmin(fmax(centre - half, 0), p);
    *ret_upper = fmax(fmin(centre + half, 1), p);
}

static double f1_of_share(double q)
{
    return 2 * q / (1 + q);
}

static double within(const struct performance_value *value, double x)
{
    return fmin(fmax(x, value->least), value->most);
}

bool drift_performance_interval(const struct performance_value *value, double z, double *ret_lower,
                                double *ret_upper)
{
    double lower = value->centre - value->bias - z * value->error;
    double upper = value->centre + z * value->error;
    if (!value->defined)
        return false;
    switch (value->basis) {
    case BASIS_NONE:
        return false;
    case BASIS_PROPORTION:
        wilson(value->centre, value->size, z, &lower, &upper);
        break;
    case BASIS_F1:
        wilson(value->centre, value->size, z, &lower, &upper);
        lower = f1_of_share(lower);
        upper = f1_of_share(upper);
        break;
    case BASIS_NORMAL:
        break;
    case BASIS_ROOT:
        lower = sqrt(fmax(lower, 0));
        upper = sqrt(fmax(upper, 0));
        break;
    }
    *ret_lower = within(value, lower);
    *ret_upper = within(value, upper);
    return true;
}

void performance_value_close(struct performance_value *value, double z)
{
    double lower, upper;
    if (!drift_performance_interval(value, z, &lower, &upper))
        return;
    value->lower = lower;
    value->upper = upper;
}

/* The largest difference a - b that both intervals allow, at worst. */
static bool surely_below(double a, double a_upper, double b, double b_lower)
{
    const double above = a_upper - a, below = b - b_lower;
    return a - b + sqrt(above * above + below * below) < 0;
}

/* Hill (1970), the first terms of Student's quantile from the normal one: a mean's error is itself
 * estimated, from n values. */
static double student(double z, uint64_t n)
{
    const double degrees = (double)n - 1, square = z * z;
    return z + z * (square + 1) / (4 * degrees) +
           z * ((5 * square + 16) * square + 3) / (96 * degrees * degrees);
}

static double quantile_for(const struct performance_value *value, double z)
{
    return value->basis == BASIS_NORMAL && value->n > 1 ? student(z, value->n) : z;
}

static bool is_share(const struct performance_value *value)
{
    return value->basis == BASIS_PROPORTION || value->basis == BASIS_F1;
}

/* Whether Fisher's exact test, too, tells two shares apart: Wilson's intervals are too short far
 * out in small samples. Metrics that are like a share have hits and a size that are rounded. */
static bool shares_differ(const struct performance_value *a, const struct performance_value *b,
                          double z)
{
    if (!is_share(a) || !is_share(b))
        return true;
    const uint64_t n = (uint64_t)llround(a->size), m = (uint64_t)llround(b->size);
    const uint64_t a_hits = (uint64_t)llround(a->centre * (double)n);
    const uint64_t b_hits = (uint64_t)llround(b->centre * (double)m);
    return drift_fisher_exact_p(a_hits, n, b_hits, m) <= drift_normal_two_sided_p(z);
}

bool drift_performance_degraded(enum performance_metric metric,
                                const struct performance_value *current,
                                const struct performance_value *reference, double z)
{
    double lower, upper, reference_lower, reference_upper;
    if (!drift_performance_interval(current, quantile_for(current, z), &lower, &upper) ||
        !drift_performance_interval(reference, quantile_for(reference, z), &reference_lower,
                                    &reference_upper) ||
        !shares_differ(current, reference, z))
        return false;
    const double v = current->value, r = reference->value;
    const bool below = surely_below(v, upper, r, reference_lower);
    const bool above = surely_below(r, reference_upper, v, lower);
    switch (metrics[metric].worse) {
    case WORSE_LOWER:
        return below;
    case WORSE_HIGHER:
        return above;
    case WORSE_FURTHER:
        break;
    }
    return below || above;
}
