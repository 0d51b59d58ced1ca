/* ks.c - two-sample Kolmogorov-Smirnov statistic of sorted samples. */
#include "ks.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>

double drift_ks_fraction(uint64_t numerator, uint64_t n, uint64_t m)
{
    return n == 0 || m == 0 ? NAN : (double)numerator / (double)(n * m);
}

static bool is_sorted(const double *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(x[i]) || (i > 0 && x[i] < x[i - 1]))
            return false;
    return true;
}

int drift_ks_distance(const double *ref, size_t n, const double *cur, size_t m, double *ret_d)
{
    if (n == 0 || m == 0)
        return -ENODATA;
    if (n > KS_MAX_ROWS || m > KS_MAX_ROWS || !is_sorted(ref, n) || !is_sorted(cur, m))
        return -EINVAL;
    int64_t widest = 0;
    /* Once one sample is used up the distance only shrinks. */
    for (size_t i = 0, j = 0; i < n && j < m;) {
        const double x = ref[i] < cur[j] ? ref[i] : cur[j];
        while (i < n && ref[i] == x)
            i++;
        while (j < m && cur[j] == x)
            j++;
        const int64_t apart = (int64_t)(n * j) - (int64_t)(m * i);
        if (apart > widest || -apart > widest)
            widest = apart < 0 ? -apart : apart;
    }
    *ret_d = drift_ks_fraction((uint64_t)widest, n, m);
    return 0;
}
