/* homogeneity.c - see the header. */
#include "homogeneity.h"

#include "proportion.h"
#include "special.h"

#include <math.h>
#include <stdbool.h>

struct bin {
    uint64_t ref, cur;
};

struct table {
    uint64_t n, m;
    const struct homogeneity_categories *categories; /* NULL: the bins are not of categories */
    /* dense bins, without the smallest of them */
    double pearson, likelihood, inverse_totals;
    size_t dense;
    struct bin smallest;   /* the dense bin with the fewest rows; valid when dense > 0 */
    struct bin pooled;     /* the sparse bins together */
    struct bin neighbours; /* sparse bins in a row, of numbers */
    size_t sparse;
    struct bin strangest; /* the sparse bin that differs most; valid when sparse > 0 */
    double strangeness;
};

static uint64_t total(struct bin bin)
{
    return bin.ref + bin.cur;
}

static double expected(const struct table *table, uint64_t rows, uint64_t of)
{
    return (double)rows * ((double)of / ((double)table->n + (double)table->m));
}

/* So many rows of the reference say what a bin's share is. */
#define KNOWN_ROWS 25

static double smaller_expected(const struct table *table, struct bin bin)
{
    return expected(table, total(bin), table->n < table->m ? table->n : table->m);
}

/* So many standard deviations below its expected rows a category still has a bin of its own. */
#define SURELY_NAMED 4.5

/* Whether a category with so many rows in both samples could have gone into the rare bin. */
static bool might_be_rare(const struct table *table, struct bin bin)
{
    const double in_ref = expected(table, total(bin), table->n);
    const double share = (double)table->m / ((double)table->n + (double)table->m);
    return in_ref - SURELY_NAMED * sqrt(in_ref * share) < (double)table->categories->least_named;
}

/* A category is named surely when ref misses it with a probability below this. */
#define MISSED 1e-5

/* Whether a category with so many rows in both samples could have none of them in ref. */
static bool might_be_unseen(const struct table *table, struct bin bin)
{
    const double share = (double)table->m / ((double)table->n + (double)table->m);
    return (double)total(bin) * log(share) > log(MISSED);
}

static bool is_sparse_category(const struct table *table, struct bin bin)
{
    return smaller_expected(table, bin) < HOMOGENEITY_EXPECTED || might_be_unseen(table, bin) ||
           (table->categories->rare_categories > 0 && might_be_rare(table, bin));
}

/* Whether a bin that ref may have made holds too few of its rows to know a share, or too few are
 * expected in cur. Its quantiles make bins, so that the sums of both samples would be cur's counts
 * but for a constant, and tell what is to be tested. */
static bool is_sparse_bin(const struct table *table, struct bin bin)
{
    const double in_window = (double)table->m * ((double)bin.ref / (double)table->n);
    return bin.ref < KNOWN_ROWS || in_window < HOMOGENEITY_EXPECTED;
}

static bool is_sparse(const struct table *table, struct bin bin)
{
    return table->categories != NULL ? is_sparse_category(table, bin) : is_sparse_bin(table, bin);
}

/* 2 (o ln(o / e) - o + e) */
static double deviance(double observed, double expected)
{
    return observed > 0 ? 2 * (observed * log(observed / expected) - observed + expected)
                        : 2 * expected;
}

/* What a bin adds to the likelihood ratio. */
static double likelihood_of(const struct table *table, struct bin bin)
{
    return deviance((double)bin.ref, expected(table, total(bin), table->n)) +
           deviance((double)bin.cur, expected(table, total(bin), table->m));
}

static double pearson_of(const struct table *table, struct bin bin)
{
    const double e_ref = expected(table, total(bin), table->n);
    const double e_cur = expected(table, total(bin), table->m);
    const double difference = (double)bin.cur - e_cur; /* and its opposite in the reference */
    return difference * difference * (1 / e_ref + 1 / e_cur);
}

static void add_dense(struct table *table, struct bin bin)
{
    table->pearson += pearson_of(table, bin);
    table->likelihood += likelihood_of(table, bin);
    table->inverse_totals += 1 / (double)total(bin);
}

static void take_dense(struct table *table, struct bin bin)
{
    if (table->dense++ == 0) {
        table->smallest = bin;
        return;
    }
    if (total(bin) < total(table->smallest)) {
        const struct bin larger = table->smallest;
        table->smallest = bin;
        bin = larger;
    }
    add_dense(table, bin);
}

static void take_pooled(struct table *table, struct bin bin)
{
    table->pooled.ref += bin.ref;
    table->pooled.cur += bin.cur;
}

/* Numbers' bins have an order: neighbours are taken together until they are not sparse. */
static void take_neighbour(struct table *table, struct bin bin)
{
    table->neighbours.ref += bin.ref;
    table->neighbours.cur += bin.cur;
    if (is_sparse(table, table->neighbours))
        return;
    take_dense(table, table->neighbours);
    table->neighbours = (struct bin){0, 0};
}

static void take_sparse(struct table *table, struct bin bin)
{
    const double strangeness = likelihood_of(table, bin);
    if (table->categories != NULL)
        take_pooled(table, bin);
    else
        take_neighbour(table, bin);
    if (table->sparse++ == 0 || strangeness > table->strangeness) {
        table->strangest = bin;
        table->strangeness = strangeness;
    }
}

/* Adds what was kept apart, and returns the number of bins of the dense table. */
static size_t close_dense(struct table *table)
{
    size_t bins = table->dense;
    if (total(table->pooled) > 0 &&
        smaller_expected(table, table->pooled) >= HOMOGENEITY_EXPECTED) {
        add_dense(table, table->pooled);
        bins++;
    } else if (table->dense > 0) {
        table->smallest.ref += table->pooled.ref;
        table->smallest.cur += table->pooled.cur;
    }
    if (table->dense > 0)
        add_dense(table, table->smallest);
    return bins;
}

static double fisher_of(const struct table *table, struct bin bin)
{
    return drift_fisher_exact_p(bin.ref, table->n, bin.cur, table->m);
}

/* Williams (1976): the likelihood ratio is too large by about this factor. */
static double williams(const struct table *table, size_t bins)
{
    const double n = (double)table->n, m = (double)table->m, rows = n + m;
    return 1 + (rows * table->inverse_totals - 1) * (rows / n + rows / m - 1) /
                   (6 * rows * (double)(bins - 1));
}

static double dense_p(struct table *table)
{
    const size_t bins = close_dense(table);
    if (bins < 2)
        return 1;
    if (bins == 2)
        return fisher_of(table, table->dense > 0 ? table->smallest : table->pooled);
    const double dof = (double)(bins - 1);
    const double of_pearson = drift_chi_square_sf(table->pearson, dof);
    return fmax(of_pearson, drift_chi_square_sf(table->likelihood / williams(table, bins), dof));
}

/* Counts the rows and returns how many bins are occupied. */
static size_t count_rows(struct table *table, const uint64_t *ref, const uint64_t *cur, size_t bins)
{
    size_t occupied = 0;
    for (size_t i = 0; i < bins; i++) {
        table->n += ref[i];
        table->m += cur[i];
        occupied += ref[i] + cur[i] > 0;
    }
    return table->n == 0 || table->m == 0 ? 0 : occupied;
}

static bool is_lumped(const struct table *table, size_t bin)
{
    return table->categories != NULL &&
           (bin == table->categories->rare_bin || bin == table->categories->unseen_bin);
}

static void take_bins(struct table *table, const uint64_t *ref, const uint64_t *cur, size_t bins)
{
    for (size_t i = 0; i < bins; i++) {
        const struct bin bin = {ref[i], cur[i]};
        if (total(bin) == 0)
            continue;
        if (is_lumped(table, i))
            take_pooled(table, bin);
        else if (is_sparse(table, bin))
            take_sparse(table, bin);
        else
            take_dense(table, bin);
    }
    take_pooled(table, table->neighbours);
}

/* Of the sparse bin that differs most among `count` that are looked at. */
static double strangest_p(const struct table *table, uint64_t count)
{
    return table->sparse > 0 ? (double)count * fisher_of(table, table->strangest) : 1;
}

double drift_homogeneity_p(const uint64_t *ref, const uint64_t *cur, size_t bins)
{
    struct table table = {0};
    const size_t occupied = count_rows(&table, ref, cur, bins);
    if (occupied < 2)
        return 1;
    for (size_t i = 0; i < bins && occupied == 2; i++)
        if (ref[i] + cur[i] > 0)
            return fisher_of(&table, (struct bin){ref[i], cur[i]});
    take_bins(&table, ref, cur, bins);
    const double together = dense_p(&table);
    if (table.sparse == 0)
        return together;
    return fmin(1, 2 * fmin(together, strangest_p(&table, table.sparse)));
}

/* `rows` of the window in categories of which Good's estimate expects estimate / n, with the
 * variance (estimate + next) / n^2: Fisher's test beside a sample so small that it has that
 * variance. */
static double good_p(const struct table *table, uint64_t rows, uint64_t estimate, uint64_t next)
{
    if ((double)rows * (double)table->n <= (double)estimate * (double)table->m)
        return 1; /* fewer than expected: nothing new */
    const double expected = (double)estimate;
    const double part = (expected + 1) / (expected + 1 + (double)next);
    const uint64_t sample = (uint64_t)ceil(part * (double)table->n);
    const uint64_t hits = (uint64_t)ceil(part * expected);
    return drift_fisher_exact_p(hits < sample ? hits : sample, sample, rows, table->m);
}

static double unseen_p(const struct table *table, const uint64_t *cur)
{
    const struct homogeneity_categories *about = table->categories;
    return good_p(table, cur[about->unseen_bin], about->once, 2 * about->twice);
}

/* Of the rare and the unseen together: the reference chose the rare ones by its own rows. */
static double scarce_p(const struct table *table, const uint64_t *cur)
{
    const struct homogeneity_categories *about = table->categories;
    if (about->rare_categories == 0)
        return 1;
    return good_p(table, cur[about->rare_bin] + cur[about->unseen_bin], about->scarce_rows,
                  about->scarce_next);
}

double drift_homogeneity_categories_p(const uint64_t *ref, const uint64_t *cur, size_t bins,
                                      const struct homogeneity_categories *categories)
{
    struct table table = {.categories = categories};
    if (count_rows(&table, ref, cur, bins) < 2)
        return 1;
    take_bins(&table, ref, cur, bins);
    const bool lumped = cur[categories->unseen_bin] > 0 || categories->once > 0;
    const double together = dense_p(&table);
    if (table.sparse == 0 && !lumped && categories->rare_categories == 0)
        return together;
    const uint64_t looked_at = table.sparse + categories->rare_categories + lumped;
    double alone = strangest_p(&table, looked_at);
    if (lumped)
        alone = fmin(alone, (double)looked_at * unseen_p(&table, cur));
    alone = fmin(alone, (double)looked_at * scarce_p(&table, cur));
    return fmin(1, 2 * fmin(together, alone));
}
