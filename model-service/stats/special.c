/* special.c - tail probabilities. Every sum here is of positive terms or alternates with a first
 * term that dominates, so that small tails keep their leading digits. */
#include "special.h"

#include <float.h>
#include <math.h>

/* Bounds the two expansions of the incomplete gamma function, which need some 10 sqrt(dof) steps
 * next to the mean. */
#define GAMMA_MAX_STEPS 100000

/* From here on four terms of Stirling's series are exact to rounding (the fifth is below
 * 2e-15), and the logarithms of x^a e^-x / Gamma(a) are better cancelled by hand. */
#define STIRLING_FROM 20.0

/* ln Gamma(a) - [(a - 1/2) ln a - a + ln(2 pi) / 2]. DLMF 5.11.1. */
static double stirling_remainder(double a)
{
    double square = a * a;
    return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - 1.0 / 1680 / square) / square) / square) / a;
}

/* x^a e^-x / Gamma(a). For large a the exponent is a (t - ln(1 + t)) with t = x/a - 1 (Loader
 * 2000), which stays small where a ln x, x and ln Gamma(a) are all large. */
static double gamma_weight(double a, double x)
{
    if (a < STIRLING_FROM) {
        int sign;
        return exp(a * log(x) - x - lgamma_r(a, &sign));
    }
    double t = (x - a) / a;
    return sqrt(a / (2 * M_PI)) * exp(-a * (t - log1p(t)) - stirling_remainder(a));
}

/* P(a, x) / weight. DLMF 8.7.1. */
static double lower_gamma_series(double a, double x)
{
    double term = 1 / a, sum = term;
    for (int i = 1; i < GAMMA_MAX_STEPS && term > sum * (DBL_EPSILON / 4); i++) {
        term *= x / (a + i);
        sum += term;
    }
    return sum;
}

/* Q(a, x) / weight for x >= a + 1 by Lentz's method. DLMF 8.9.2, contracted. By induction
 * numerator and 1/denominator of step i are at least i + 1, so no division is by zero. */
static double upper_gamma_fraction(double a, double x)
{
    double b = x + 1 - a;
    double numerator = 1 / DBL_MIN, denominator = 1 / b, value = denominator;
    for (int i = 1; i < GAMMA_MAX_STEPS; i++) {
        double step = i * (a - i);
        b += 2;
        denominator = 1 / (step * denominator + b);
        numerator = b + step / numerator;
        double factor = numerator * denominator;
        value *= factor;
        if (fabs(factor - 1) < 4 * DBL_EPSILON)
            break;
    }
    return value;
}

double drift_chi_square_sf(double x, double dof)
{
    double a = dof / 2, half = x / 2;

    if (isnan(x) || !(dof > 0) || isinf(dof))
        return NAN;
    if (half <= 0)
        return 1;
    if (isinf(half))
        return 0;
    double weight = gamma_weight(a, half);
    if (half < a + 1)
        return fmax(0, 1 - weight * lower_gamma_series(a, half));
    return weight > 0 ? fmin(1, weight * upper_gamma_fraction(a, half)) : 0;
}

/* Below this the theta function's dual series for 1 - p converges faster. */
#define KOLMOGOROV_SWITCH 0.82

/* P(K <= x) is below half an ulp of 1. */
#define KOLMOGOROV_ONE 0.17

/* P(K <= x), small x. */
static double kolmogorov_lower(double x)
{
    double unit = M_PI * M_PI / (8 * x * x), sum = 0;
    for (int k = 1; k <= 3; k += 2)
        sum += exp(-unit * k * k);
    return sqrt(2 * M_PI) / x * sum;
}

double drift_kolmogorov_sf(double x)
{
    if (isnan(x))
        return NAN;
    if (x < KOLMOGOROV_ONE)
        return 1;
    if (x < KOLMOGOROV_SWITCH)
        return 1 - kolmogorov_lower(x);
    double sum = 0, sign = 1;
    for (int k = 1; k <= 5; k++) {
        sum += sign * exp(-2 * x * x * k * k);
        sign = -sign;
    }
    return 2 * sum;
}

double drift_normal_two_sided_p(double z)
{
    return erfc(fabs(z) * M_SQRT1_2);
}

/* P(W2 <= x) is below half an ulp of 1 here, and P(W2 > x) below the smallest double there. */
#define CRAMER_VON_MISES_ONE  0.003
#define CRAMER_VON_MISES_ZERO 160.0

/* sum over k >= 0 of (-1)^k t^(-1/2) e^(-x t^2 / 2), t = (2k + 1) pi + offset. */
static double smirnov_sum(double x, double offset)
{
    double sum = 0, sign = 1, first = M_PI + offset;
    for (double t = first; x * (t * t - first * first) < 80; t += 2 * M_PI) {
        sum += sign * exp(-x / 2 * t * t) / sqrt(t);
        sign = -sign;
    }
    return sum;
}

/* With t = (2k + 1) pi + pi (1 + s) / 2 each of Smirnov's integrals has weight (1 - s^2)^(-1/2)
 * and is done by Gauss-Chebyshev quadrature at s = cos(angle). The factors besides e^(-x t^2 / 2)
 * need 12 nodes; that one needs a number growing with sqrt(x). */
double drift_cramer_von_mises_sf(double x)
{
    if (isnan(x))
        return NAN;
    if (x < CRAMER_VON_MISES_ONE)
        return 1;
    if (x > CRAMER_VON_MISES_ZERO)
        return 0;
    int pairs = 8 + (int)(5 * sqrt(x));
    double sum = 0;
    for (int i = 0; i < pairs; i++) {
        double half_angle = M_PI * (2 * i + 1) / (8 * pairs);
        double near = sin(half_angle) * sin(half_angle), far = cos(half_angle) * cos(half_angle);
        double weight = sqrt(near * far / sin(M_PI * near));
        sum += weight * (smirnov_sum(x, M_PI * near) + smirnov_sum(x, M_PI * far));
    }
    return fmin(1, sum * M_PI / pairs);
}

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* left[j], the share of the paths to (sum - 1 - j, j) that have left the band, becomes the share
 * for (sum - j, j). Descending, since left[j] needs the old left[j - 1]. */
static void advance_diagonal(double *left, uint64_t first, uint64_t last, uint64_t sum)
{
    double weight = 1 / (double)sum;
    for (int64_t j = (int64_t)last; j >= (int64_t)first; j--) {
        double below = (double)j * weight;
        left[j] = (double)((int64_t)sum - j) * weight * left[j] + below * left[j - 1];
    }
}

/* A path from (0, 0) to (m, n) stays in while |i n/g - j m/g| < h. Of the paths to (i, j) the
 * share i / (i + j) comes from (i - 1, j) and the rest from (i, j - 1), so the share that has
 * left is a weighted mean of two such shares. Nothing cancels or overflows, and underflow loses
 * at most the smallest double a step. Outside the band `left` holds 1. */
double drift_ks_exact_p(uint64_t n, uint64_t m, uint64_t h, double *scratch)
{
    uint64_t shorter = smaller(n, m), longer = larger(n, m);
    uint64_t g = greatest_common_divisor(longer, shorter);
    uint64_t rise = shorter / g, width = (shorter + longer) / g;
    double *left = scratch;

    if (h == 0)
        return 1;
    if (h > rise * longer)
        return 0;
    left[0] = 0;
    for (uint64_t j = 1; j <= shorter; j++)
        left[j] = 1;
    for (uint64_t sum = 1; sum <= shorter + longer; sum++) {
        uint64_t first = rise * sum < h ? 0 : (rise * sum - h) / width + 1;
        uint64_t last = smaller((rise * sum + h - 1) / width, smaller(shorter, sum));
        first = larger(first, sum > longer ? sum - longer : 0);
        if (first > last)
            return 1;
        advance_diagonal(left, larger(first, 1), last, sum);
        if (first > 0)
            left[first - 1] = 1;
    }
    return fmin(1, left[shorter]);
}

double drift_ks_p_value(double d, uint64_t n, uint64_t m)
{
    /* n m <= KS_EXACT_MAX_PRODUCT, so min(n, m) is at most its square root. */
    double scratch[100 + 1];

    if (isnan(d))
        return NAN;
    if (n == 0 || m == 0 || d <= 0)
        return 1;
    if (n > KS_EXACT_MAX_PRODUCT / m) {
        double scale = (double)n * ((double)m / ((double)n + (double)m));
        return drift_kolmogorov_sf(d * sqrt(scale));
    }
    uint64_t multiple = n / greatest_common_divisor(n, m) * m;
    uint64_t h = (uint64_t)llround(fmin(d, 1) * (double)multiple);
    return drift_ks_exact_p(n, m, h, scratch);
}
