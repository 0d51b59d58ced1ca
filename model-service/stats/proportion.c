/* proportion.c - Fisher's exact test by sums from the observed table outwards. */
#include "proportion.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* A table is at most as likely as another one if it is so up to rounding. */
#define LIKELIHOOD_TOLERANCE 1e-9
/* Terms that no longer change a sum. */
#define NEGLIGIBLE 1e-17

/* Hits x among m rows drawn from n + m of which `hits` are hits. */
struct hypergeometric {
    uint64_t n, m, hits, misses;
    uint64_t lowest, highest;
    double log_total;
};

static double log_factorial(uint64_t k)
{
    int sign;
    return lgamma_r((double)k + 1, &sign);
}

static double log_choose(uint64_t of, uint64_t k)
{
    return log_factorial(of) - log_factorial(k) - log_factorial(of - k);
}

static double log_probability(const struct hypergeometric *h, uint64_t x)
{
    return log_choose(h->hits, x) + log_choose(h->misses, h->m - x) - h->log_total;
}

/* Probability of x + 1 relative to that of x. */
static double ratio_up(const struct hypergeometric *h, uint64_t x)
{
    return (double)(h->hits - x) * (double)(h->m - x) /
           ((double)(x + 1) * (double)(h->misses - (h->m - x) + 1));
}

/* Sum of the probabilities from x on outwards, relative to that of x. */
static double tail(const struct hypergeometric *h, uint64_t x, bool up)
{
    double term = 1, sum = 1;
    while (term > NEGLIGIBLE * sum && x != (up ? h->highest : h->lowest)) {
        if (up) {
            term *= ratio_up(h, x++);
        } else {
            x--;
            term /= ratio_up(h, x);
        }
        sum += term;
    }
    return sum;
}

/* The x nearest to the mode on the other side whose probability is at most exp(limit); *ret_x only
 * if there is one. The probabilities fall from the mode on, so that a search by halves finds it. */
static bool find_opposite(const struct hypergeometric *h, uint64_t mode, bool up, double limit,
                          uint64_t *ret_x)
{
    uint64_t out = up ? h->highest : h->lowest, in = mode; /* likely at `in`, unlikely at `out` */
    if (log_probability(h, out) > limit)
        return false;
    while (up ? out - in > 1 : in - out > 1) {
        const uint64_t middle = up ? in + (out - in) / 2 : out + (in - out) / 2;
        if (log_probability(h, middle) > limit)
            in = middle;
        else
            out = middle;
    }
    *ret_x = out;
    return true;
}

/* Floor of (hits + 1)(m + 1) / (n + m + 2), within the range. */
static uint64_t mode_of(const struct hypergeometric *h)
{
    const double mode =
        ((double)h->hits + 1) * ((double)h->m + 1) / ((double)h->n + (double)h->m + 2);
    const uint64_t x = (uint64_t)mode;
    return x < h->lowest ? h->lowest : x > h->highest ? h->highest : x;
}

double drift_fisher_exact_p(uint64_t a, uint64_t n, uint64_t b, uint64_t m)
{
    const uint64_t hits = a + b, rows = n + m;
    if (n == 0 || m == 0 || hits == 0 || hits == rows)
        return 1;
    struct hypergeometric h = {.n = n, .m = m, .hits = hits, .misses = rows - hits};
    h.lowest = hits > n ? hits - n : 0;
    h.highest = hits < m ? hits : m;
    h.log_total = log_choose(rows, m);
    const uint64_t mode = mode_of(&h);
    const double observed = log_probability(&h, b);
    const double limit = observed + LIKELIHOOD_TOLERANCE;
    if (log_probability(&h, mode) <= limit) /* nothing is likelier; there may be two modes */
        return 1;
    const bool up = b > mode;
    double p = exp(observed) * tail(&h, b, up);
    uint64_t x;
    if (find_opposite(&h, mode, !up, limit, &x))
        p += exp(log_probability(&h, x)) * tail(&h, x, !up);
    return p < 1 ? p : 1;
}
