/* window_scores.c - scores, p-values and moments of a feature window. */
#include "divergence.h"
#include "feature_window.h"
#include "homogeneity.h"
#include "proportion.h"
#include "special.h"
#include "window_distance.h"
#include "window_internal.h"

#include <errno.h>
#include <float.h>
#include <math.h>

static bool has_rows(const struct feature_window *window)
{
    return window->total.observations > 0 && window->reference_rows > 0;
}

static bool has_finite(const struct feature_window *window)
{
    return window->tree.n > 0 && window->tree.m > 0;
}

static enum feature_type type_of(const struct feature_window *window)
{
    return window->numeric != NULL ? FEATURE_NUMERIC : FEATURE_CATEGORICAL;
}

static bool uses_finite_values(enum drift_method method)
{
    return method == METHOD_KS_TEST || method == METHOD_WASSERSTEIN ||
           method == METHOD_CRAMER_VON_MISES;
}

/* 0 when the method can be computed on what is there. */
static int check(const struct feature_window *window, enum drift_method method)
{
    if (!drift_method_applies(method, type_of(window)))
        return -ENOTSUP;
    const bool enough = uses_finite_values(method) ? has_finite(window) : has_rows(window);
    return enough ? 0 : -ENODATA;
}

static double psi_bin_term(const struct feature_window *window, size_t bin)
{
    return drift_psi_term((double)window->reference_bin[bin] / (double)window->reference_rows,
                          (double)window_bins(window)[bin] / (double)window->total.observations);
}

/* Adds the same terms in the same order as drift_psi_score(), computing only those that changed. */
static double psi(const struct feature_window *window)
{
    struct psi_cache *cache = window->psi;
    if (cache->total == window->total.observations) {
        for (size_t i = 0; i < cache->stale_count; i++)
            cache->term[cache->stale[i]] = psi_bin_term(window, cache->stale[i]);
    } else {
        for (size_t bin = 0; bin < window->bins; bin++)
            cache->term[bin] = psi_bin_term(window, bin);
        cache->total = window->total.observations;
    }
    cache->stale_count = 0;
    double sum = 0;
    for (size_t bin = 0; bin < window->bins; bin++)
        sum += cache->term[bin];
    return sum;
}

int drift_feature_window_score(const struct feature_window *window, enum drift_method method,
                               double *ret_score)
{
    const uint64_t *reference = window->reference_bin, *current = window_bins(window);
    const size_t bins = window->bins;
    size_t dof;
    int rc = check(window, method);
    if (rc != 0)
        return rc;
    switch (method) {
    case METHOD_KS_TEST:
        *ret_score = drift_ks_tree_distance(&window->tree);
        return 0;
    case METHOD_PSI:
        *ret_score = psi(window);
        return 0;
    case METHOD_CHI_SQUARE:
        return drift_chi_square_score(reference, current, bins, ret_score, &dof);
    case METHOD_JENSEN_SHANNON:
        return drift_jensen_shannon_score(reference, current, bins, ret_score);
    case METHOD_HELLINGER:
        return drift_hellinger_score(reference, current, bins, ret_score);
    case METHOD_WASSERSTEIN:
        *ret_score = wasserstein_distance(window);
        return 0;
    case METHOD_CRAMER_VON_MISES:
        *ret_score = cramer_von_mises(window);
        return 0;
    case METHOD_L_INFINITY:
        return drift_l_infinity_score(reference, current, bins, ret_score);
    case METHOD_COUNT:
        break;
    }
    return -ENOTSUP;
}

/* --- samples as small as what their rows say --- */

static uint64_t shrink(uint64_t rows, double discount)
{
    const uint64_t left = (uint64_t)((double)rows / discount);
    return left > 0 || rows == 0 ? left : 1;
}

double drift_feature_window_effective(const struct feature_window *window)
{
    return (double)shrink(window->total.observations, window->discount);
}

/* What rounding leaves goes to the next bin, so that the sum is right; the first bin begins with a
 * part of a row in [0, 1). */
static void shrink_bins(const uint64_t *bin, size_t bins, double discount, double begun,
                        uint64_t *ret_bin)
{
    uint64_t rows = 0, given = 0;
    for (size_t i = 0; i < bins; i++) {
        rows += bin[i];
        const uint64_t upto = (uint64_t)((double)rows / discount + begun);
        ret_bin[i] = upto - given;
        given = upto;
    }
}

static size_t occupied_bins(const struct feature_window *window)
{
    size_t occupied = 0;
    const uint64_t *bin = window_bins(window);
    for (size_t i = 0; i < window->bins; i++)
        occupied += window->reference_bin[i] + bin[i] > 0;
    return occupied;
}

/* The limit of a score of bins says nothing with fewer rows for each of them, in either sample. */
#define LIMIT_ROWS_PER_BIN 5

/* The limit that the score itself has; 0 where it has none. */
static double own_p_value(const struct feature_window *window, enum drift_method method,
                          double score)
{
    const uint64_t n = shrink(window->reference_rows, window->discount);
    const uint64_t m = shrink(window->total.observations, window->discount);
    const size_t bins = occupied_bins(window);
    if ((n < m ? n : m) < LIMIT_ROWS_PER_BIN * bins)
        return 0;
    switch (method) {
    case METHOD_PSI:
        return drift_psi_p_value(score, n, m, bins - 1);
    case METHOD_JENSEN_SHANNON:
        return drift_jensen_shannon_p_value(score, n, m, bins - 1);
    case METHOD_HELLINGER:
        return drift_hellinger_p_value(score, n, m, bins - 1);
    default: /* chi-square: its test is the one on the bins */
        return 0;
    }
}

static double categories_p(const struct feature_window *window, const uint64_t *reference,
                           const uint64_t *current)
{
    const struct categorical_reference *ref = window->categorical;
    const double discount = window->discount;
    const size_t least = ref->categories;
    const struct homogeneity_categories categories = {
        .rare_bin = categorical_code_rare(ref),
        .unseen_bin = categorical_code_unseen(ref),
        .rare_categories = ref->rare_categories,
        .least_named = least > 0 ? (uint64_t)((double)ref->bin_count[least - 1] / discount) : 0,
        .once = (uint64_t)((double)ref->once / discount),
        .twice = (uint64_t)((double)ref->twice / discount),
        .scarce_rows = (uint64_t)((double)ref->scarce_rows / discount),
        .scarce_next = (uint64_t)((double)ref->scarce_next / discount),
    };
    return drift_homogeneity_categories_p(reference, current, window->bins, &categories);
}

static double homogeneity_p(const struct feature_window *window, const uint64_t *reference,
                            const uint64_t *current)
{
    return window->categorical != NULL ? categories_p(window, reference, current)
                                       : drift_homogeneity_p(reference, current, window->bins);
}

/* Where a bin's rows are rounded up or down would move the p-value with every row, and verdicts
 * with it: the mean over several ways to round. */
#define ROUNDINGS 8

static double shrunk_p(const struct feature_window *window)
{
    uint64_t reference[WINDOW_MAX_BINS], current[WINDOW_MAX_BINS];
    double logs = 0;
    for (int i = 0; i < ROUNDINGS; i++) {
        const double begun = (double)i / ROUNDINGS;
        shrink_bins(window->reference_bin, window->bins, window->discount, begun, reference);
        shrink_bins(window_bins(window), window->bins, window->discount, begun, current);
        logs += log(fmax(homogeneity_p(window, reference, current), DBL_MIN));
    }
    return exp(logs / ROUNDINGS);
}

/* Of a score of bins. The limits of the scores are wrong when bins are nearly empty, where the test
 * of the same bins is right: the larger of the two, or the test alone with many bins. */
static double bins_p_value(const struct feature_window *window, enum drift_method method,
                           double score)
{
    const double p = window->discount > 1
                         ? shrunk_p(window)
                         : homogeneity_p(window, window->reference_bin, window_bins(window));
    return fmax(own_p_value(window, method, score), p);
}

/* A share of the reference at one value that makes the limit of the Cramer-von Mises statistic,
 * which is that of continuous data, too small. */
#define TIED_SHARE 0.01

static bool has_ties(const struct numeric_reference *reference)
{
    const double most = TIED_SHARE * (double)reference->finite_rows;
    for (size_t i = 0; i < reference->distinct; i++)
        if ((double)reference->count[i] > most && reference->count[i] > 1)
            return true;
    return false;
}

/* With ties not smaller than that of the Kolmogorov-Smirnov test, which is right for them. */
static double cramer_von_mises_p(const struct feature_window *window, double score)
{
    const uint64_t n = shrink(window->tree.n, window->discount);
    const uint64_t m = shrink(window->tree.m, window->discount);
    const double p = cramer_von_mises_p_value(score / window->discount, n, m);
    return has_ties(window->numeric)
               ? fmax(p, drift_ks_p_value(drift_ks_tree_distance(&window->tree), n, m))
               : p;
}

int drift_feature_window_p_value(const struct feature_window *window, enum drift_method method,
                                 double score, double *ret_p)
{
    const uint64_t finite_n = shrink(window->tree.n, window->discount);
    const uint64_t finite_m = shrink(window->tree.m, window->discount);
    int rc = check(window, method);
    if (rc != 0)
        return rc;
    switch (method) {
    case METHOD_KS_TEST:
        *ret_p = drift_ks_p_value(score, finite_n, finite_m);
        return 0;
    case METHOD_PSI:
    case METHOD_CHI_SQUARE:
    case METHOD_JENSEN_SHANNON:
    case METHOD_HELLINGER:
        *ret_p = bins_p_value(window, method, score);
        return 0;
    case METHOD_CRAMER_VON_MISES:
        *ret_p = cramer_von_mises_p(window, score);
        return 0;
    case METHOD_WASSERSTEIN:
    case METHOD_L_INFINITY:
        return -ENODATA;
    case METHOD_COUNT:
        break;
    }
    return -ENOTSUP;
}

struct window_counts drift_feature_window_counts(const struct feature_window *window)
{
    const uint32_t *cell = window->total.cell;
    struct window_counts counts = {.observations = window->total.observations,
                                   .missing = cell[window->missing_cell],
                                   .dropped = window->dropped};
    if (window->numeric) {
        counts.positive_infinite = cell[window->missing_cell + 1];
        counts.negative_infinite = cell[window->missing_cell + 2];
    } else {
        counts.unseen = cell[categorical_code_unseen(window->categorical)];
    }
    return counts;
}

static uint64_t nearest(uint64_t rows, double discount)
{
    return (uint64_t)((double)rows / discount + 0.5);
}

double drift_feature_window_missing_p(const struct feature_window *window)
{
    const double discount = window->missing_discount;
    const uint64_t missing =
        window->numeric != NULL ? window->numeric->missing_rows : window->categorical->missing_rows;
    return drift_fisher_exact_p(nearest(missing, discount),
                                nearest(window->reference_rows, discount),
                                nearest(window->total.cell[window->missing_cell], discount),
                                nearest(window->total.observations, discount));
}

static void widen(struct window_moments *moments, double min, double max)
{
    moments->min = min < moments->min ? min : moments->min;
    moments->max = max > moments->max ? max : moments->max;
}

/* Round these, so that one comparison need not wait for the one before. */
#define LANES 4

/* The values, none of them infinite. A comparison with NaN is false. */
static void widen_all(struct window_moments *moments, const double *x, size_t count)
{
    double min[LANES], max[LANES];
    for (size_t lane = 0; lane < LANES; lane++) {
        min[lane] = INFINITY;
        max[lane] = -INFINITY;
    }
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++) {
            min[lane] = x[i + lane] < min[lane] ? x[i + lane] : min[lane];
            max[lane] = x[i + lane] > max[lane] ? x[i + lane] : max[lane];
        }
    for (; i < count; i++)
        widen(moments, x[i], x[i]);
    for (size_t lane = 0; lane < LANES; lane++)
        widen(moments, min[lane], max[lane]);
}

static bool has_infinite(const struct feature_window *window)
{
    const uint32_t *cell = window->total.cell;
    return cell[window->missing_cell + 1] > 0 || cell[window->missing_cell + 2] > 0;
}

static void find_extremes(const struct feature_window *window, struct window_moments *moments)
{
    const struct ring *ring = &window->ring;
    moments->min = INFINITY;
    moments->max = -INFINITY;
    if (window->spec.kind == WINDOW_ALL)
        widen(moments, window->total.min, window->total.max);
    for (size_t i = 0; window->pane && i < WINDOW_PANES; i++)
        widen(moments, window->pane[i].min, window->pane[i].max);
    if (!has_infinite(window)) {
        widen_all(moments, ring->value, ring->length);
        return;
    }
    for (size_t i = 0; i < ring->length; i++)
        if (window_is_finite_cell(window, ring->cell[i]))
            widen(moments, ring->value[i], ring->value[i]);
}

struct window_moments drift_feature_window_moments(const struct feature_window *window)
{
    struct window_moments moments = {NAN, NAN, NAN, NAN};
    const uint64_t m = window->tree.m;
    if (m == 0)
        return moments;
    moments.mean = drift_exact_sum_mean(&window->total.sum, m);
    moments.deviation = drift_exact_deviation(&window->total.sum, &window->total.squares, m);
    find_extremes(window, &moments);
    return moments;
}

/* A value that stands for a finite cell: see drift_feature_window_quantile(). */
static double value_of(const struct feature_window *window, size_t cell)
{
    const struct numeric_reference *ref = window->numeric;
    const size_t i = cell / 2;
    if (cell % 2 == 1)
        return ref->value[i];
    if (ref->distinct == 0)
        return drift_exact_sum_mean(&window->total.sum, window->tree.m);
    if (i == 0)
        return drift_exact_sum_mean(&window->total.below, window->total.cell[cell]);
    if (i == ref->distinct)
        return drift_exact_sum_mean(&window->total.above, window->total.cell[cell]);
    return ref->value[i - 1] * 0.5 + ref->value[i] * 0.5;
}

double drift_feature_window_quantile(const struct feature_window *window, double p)
{
    const uint64_t m = window->tree.m;
    if (m == 0 || !(p >= 0 && p <= 1))
        return NAN;
    const double rank = ceil(p * (double)m);
    uint64_t through = 0;
    size_t cell = 0;
    for (;; cell++) {
        through += window->total.cell[cell];
        if (through > 0 && (double)through >= rank)
            return value_of(window, cell);
    }
}

const uint64_t *drift_feature_window_bins(const struct feature_window *window, size_t *ret_bins)
{
    *ret_bins = window->bins;
    return window_bins(window);
}

double drift_feature_window_wasserstein_bound(const struct feature_window *window)
{
    return has_finite(window) ? wasserstein_bound(window) : NAN;
}
