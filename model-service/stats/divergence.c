/* divergence.c - scores of two histograms.
 *
 * Shares enter as p = a/n and q = b/m. Their difference is taken as (a m - b n) / (n m) with the
 * numerator exact in 128 bits, so that nearly equal histograms of many rows lose no digits. */
#include "divergence.h"

#include "special.h"

#include <errno.h>
#include <math.h>

__extension__ typedef __int128 wide;

struct totals {
    uint64_t n, m;
    size_t occupied; /* bins with a count on either side */
};

static int sum_bins(const uint64_t *ref, const uint64_t *cur, size_t bins,
                    struct totals *ret_totals)
{
    struct totals sum = {0, 0, 0};

    if (bins == 0)
        return -EINVAL;
    for (size_t i = 0; i < bins; i++) {
        sum.n += ref[i];
        sum.m += cur[i];
        sum.occupied += ref[i] != 0 || cur[i] != 0;
    }
    if (sum.n == 0 || sum.m == 0)
        return -ENODATA;
    *ret_totals = sum;
    return 0;
}

/* a m - b n, exact before its one rounding. */
static double cross_difference(uint64_t a, uint64_t n, uint64_t b, uint64_t m)
{
    return (double)((wide)a * (wide)m - (wide)b * (wide)n);
}

static double share(uint64_t count, uint64_t total)
{
    return (double)count / (double)total;
}

static double product(const struct totals *sum)
{
    return (double)sum->n * (double)sum->m;
}

static double floored(double p)
{
    return p < PSI_SHARE_FLOOR ? PSI_SHARE_FLOOR : p;
}

double drift_psi_term(double ref_share, double cur_share)
{
    double p = floored(ref_share), q = floored(cur_share);
    return (p - q) * log(p / q);
}

int drift_psi_score(const uint64_t *ref, const uint64_t *cur, size_t bins, double *ret_psi)
{
    struct totals sum;
    double psi = 0;
    int rc = sum_bins(ref, cur, bins, &sum);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < bins; i++)
        psi += drift_psi_term(share(ref[i], sum.n), share(cur[i], sum.m));
    *ret_psi = psi;
    return 0;
}

/* Both rows of a column add up to (a m - b n)^2 / (n m (a + b)). */
int drift_chi_square_score(const uint64_t *ref, const uint64_t *cur, size_t bins,
                           double *ret_statistic, size_t *ret_dof)
{
    struct totals sum;
    double statistic = 0;
    int rc = sum_bins(ref, cur, bins, &sum);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < bins; i++) {
        if (ref[i] == 0 && cur[i] == 0)
            continue;
        double difference = cross_difference(ref[i], sum.n, cur[i], sum.m);
        statistic += difference * (difference / ((double)ref[i] + (double)cur[i]));
    }
    *ret_statistic = statistic / product(&sum);
    *ret_dof = sum.occupied - 1;
    return 0;
}

/* (1 + t) ln(1 + t) + (1 - t) ln(1 - t) with u = (1 + |t|) / 2 and v = (1 - |t|) / 2. The first
 * form cancels mildly near t = 0, where the second would lose everything; the second holds up to
 * v = 0. */
static double jensen_shannon_term(double t, double u, double v)
{
    if (fabs(t) < 0.5)
        return 2 * t * atanh(t) + log1p(-t * t);
    return 2 * (u * log(2 * u) + (v > 0 ? v * log(2 * v) : 0));
}

int drift_jensen_shannon_score(const uint64_t *ref, const uint64_t *cur, size_t bins,
                               double *ret_distance)
{
    struct totals sum;
    double divergence = 0;
    int rc = sum_bins(ref, cur, bins, &sum);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < bins; i++) {
        if (ref[i] == 0 && cur[i] == 0)
            continue;
        double p = share(ref[i], sum.n), q = share(cur[i], sum.m);
        double t = cross_difference(ref[i], sum.n, cur[i], sum.m) / product(&sum) / (p + q);
        double term = jensen_shannon_term(t, fmax(p, q) / (p + q), fmin(p, q) / (p + q));
        divergence += (p + q) / 4 * term;
    }
    *ret_distance = fmin(sqrt(divergence / M_LN2), 1);
    return 0;
}

int drift_hellinger_score(const uint64_t *ref, const uint64_t *cur, size_t bins,
                          double *ret_distance)
{
    struct totals sum;
    double square = 0;
    int rc = sum_bins(ref, cur, bins, &sum);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < bins; i++) {
        if (ref[i] == 0 && cur[i] == 0)
            continue;
        double roots = sqrt(share(ref[i], sum.n)) + sqrt(share(cur[i], sum.m));
        double difference = cross_difference(ref[i], sum.n, cur[i], sum.m) / product(&sum) / roots;
        square += difference * difference;
    }
    *ret_distance = fmin(sqrt(square / 2), 1);
    return 0;
}

int drift_l_infinity_score(const uint64_t *ref, const uint64_t *cur, size_t bins,
                           double *ret_distance)
{
    struct totals sum;
    double largest = 0;
    int rc = sum_bins(ref, cur, bins, &sum);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < bins; i++)
        largest = fmax(largest, fabs(cross_difference(ref[i], sum.n, cur[i], sum.m)));
    *ret_distance = fmin(largest / product(&sum), 1);
    return 0;
}

/* P-value of distance_square * nm / (n + m). */
static double scaled_p_value(double distance_square, uint64_t n, uint64_t m, size_t dof)
{
    if (n == 0 || m == 0 || dof == 0)
        return 1;
    double scale = (double)n * ((double)m / ((double)n + (double)m));
    return drift_chi_square_sf(distance_square * scale, (double)dof);
}

double drift_psi_p_value(double psi, uint64_t n, uint64_t m, size_t dof)
{
    return scaled_p_value(psi, n, m, dof);
}

double drift_jensen_shannon_p_value(double distance, uint64_t n, uint64_t m, size_t dof)
{
    return scaled_p_value(8 * M_LN2 * distance * distance, n, m, dof);
}

double drift_hellinger_p_value(double distance, uint64_t n, uint64_t m, size_t dof)
{
    return scaled_p_value(8 * distance * distance, n, m, dof);
}
