/* urn_bins.c - where a reference is cut, and what each bin weighs. */
#include "urn_bins.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* The middle is cut into shares of 1 / CENTRE. */
#define CENTRE 32
/* A reference with at most so many distinct values gets a bin for each of them. */
#define MAX_ATOMS 40
/* Of so many categories most are rare, and a rare one that was seen owes that to luck: it is worth
 * half a row less than it was seen (absolute discounting, Ney, Essen and Kneser 1994). Of few, each
 * is worth half a row more (Jeffreys). */
#define MANY_CATEGORIES 40
#define MAX_ROWS        URN_MAX_REFERENCE_ROWS

static size_t distinct_values(const double *sorted, size_t rows)
{
    size_t distinct = 1;
    for (size_t i = 1; i < rows; i++)
        distinct += sorted[i] != sorted[i - 1];
    return distinct;
}

static bool is_sorted(const double *sorted, size_t rows)
{
    if (isnan(sorted[0]))
        return false;
    for (size_t i = 1; i < rows; i++)
        if (!(sorted[i - 1] <= sorted[i]))
            return false;
    return true;
}

/* A bin from each value to the next, one below all of them and one above. */
static size_t cut_at_atoms(const double *sorted, size_t rows, double *edge, double *mass)
{
    size_t bins = 0;
    mass[bins++] = 0.5;
    for (size_t i = 0, next; i < rows; i = next) {
        for (next = i; next < rows && sorted[next] == sorted[i]; next++)
            ;
        edge[bins - 1] = sorted[i];
        mass[bins++] = (double)(next - i) + 0.5;
    }
    if (sorted[rows - 1] < INFINITY) {
        edge[bins - 1] = nextafter(sorted[rows - 1], INFINITY);
        mass[bins++] = 0.5;
    }
    return bins;
}

/* Positions of the cuts, counted in gaps from below: the tails by halves, the middle evenly. */
static size_t plan_cuts(size_t rows, size_t *cut)
{
    const double gaps = (double)rows + 1;
    double tail[URN_MAX_NUMERIC_BINS];
    size_t tails = 0, cuts = 0;
    for (double mass = gaps / CENTRE; mass >= 1.5; mass /= 2)
        tail[tails++] = floor(mass + 0.5);
    tail[tails++] = 1;
    for (size_t i = tails; i > 0; i--)
        cut[cuts++] = (size_t)tail[i - 1];
    for (size_t i = 2; i <= CENTRE - 2; i++)
        cut[cuts++] = (size_t)(gaps * (double)i / CENTRE + 0.5);
    for (size_t i = 0; i < tails; i++)
        cut[cuts++] = (size_t)(gaps - tail[i]);
    return cuts;
}

static size_t values_below(const double *sorted, size_t rows, double x)
{
    size_t low = 0, high = rows;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (sorted[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Gaps below a cut at the value of this rank. An atom that begins at the cut gives half of its
 * first gap to either side. */
static double gaps_below(const double *sorted, size_t rows, size_t rank)
{
    const size_t below = values_below(sorted, rows, sorted[rank]);
    return (double)below + (below > 0 && rank != below ? 0.5 : 1);
}

static size_t cut_at_order_statistics(const double *sorted, size_t rows, double *edge, double *mass)
{
    size_t cut[URN_MAX_NUMERIC_BINS], bins = 0;
    const size_t cuts = plan_cuts(rows, cut);
    double before = 0;
    for (size_t i = 0; i < cuts; i++) {
        if (cut[i] < 1 || cut[i] > rows)
            continue;
        const double x = sorted[cut[i] - 1], gaps = gaps_below(sorted, rows, cut[i] - 1);
        if ((bins > 0 && x <= edge[bins - 1]) || gaps <= before)
            continue;
        edge[bins] = x;
        mass[bins++] = gaps - before;
        before = gaps;
    }
    mass[bins++] = (double)rows + 1 - before;
    return bins;
}

/* Between the edges that leave a 16th of the bins on either side. Rounding keeps the order of
 * values, so that an edge in an earlier bucket is below a value, and one in a later bucket above
 * it. */
static void make_buckets(struct urn_bins *bins)
{
    const size_t edges = bins->count - 1, aside = edges / 16;
    const double from = bins->edge[aside], to = bins->edge[edges - 1 - aside];
    const double per_unit = (URN_BUCKETS - 1) / (to - from);
    bins->bucket_from = isfinite(from) ? from : 0;
    bins->buckets_per_unit = per_unit > 0 && isfinite(per_unit) ? per_unit : 1;
    size_t edge = 0;
    for (size_t bucket = 0; bucket <= URN_BUCKETS; bucket++) {
        while (edge < edges && urn_bucket_of(bins, bins->edge[edge]) < bucket)
            edge++;
        bins->bucket_bin[bucket] = (uint8_t)edge;
    }
}

static int bins_init(struct urn_bins *ret_bins, size_t count, const double *edge,
                     const double *mass)
{
    struct urn_bins bins = {.categorical = !edge, .count = count};
    bins.mass = calloc(count, sizeof(*bins.mass));
    bins.edge = edge ? calloc(count, sizeof(*bins.edge)) : NULL;
    if (!bins.mass || (edge && !bins.edge)) {
        drift_urn_bins_finish(&bins);
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++)
        bins.mass[i] = mass[i];
    for (size_t i = 0; edge && i + 1 < count; i++)
        bins.edge[i] = edge[i];
    if (edge)
        make_buckets(&bins);
    *ret_bins = bins;
    return 0;
}

int drift_urn_bins_numeric(struct urn_bins *ret_bins, const double *sorted, size_t rows)
{
    double edge[URN_MAX_NUMERIC_BINS], mass[URN_MAX_NUMERIC_BINS];
    if (rows == 0 || rows > MAX_ROWS || !is_sorted(sorted, rows))
        return -EINVAL;
    const bool atoms = distinct_values(sorted, rows) <= MAX_ATOMS;
    const size_t count = atoms ? cut_at_atoms(sorted, rows, edge, mass)
                               : cut_at_order_statistics(sorted, rows, edge, mass);
    return bins_init(ret_bins, count, edge, mass);
}

int drift_urn_bins_categories(struct urn_bins *ret_bins, const uint64_t *rows, size_t categories)
{
    double mass[URN_MAX_CATEGORY_BINS] = {1};
    uint64_t total = 0;
    if (categories == 0 || categories >= URN_MAX_CATEGORY_BINS)
        return -EINVAL;
    for (size_t i = 0; i < categories; i++) {
        if (rows[i] == 0 || rows[i] > MAX_ROWS - total)
            return -EINVAL;
        total += rows[i];
        mass[i + 1] = (double)rows[i] + (categories > MANY_CATEGORIES ? -0.5 : 0.5);
        mass[0] += rows[i] == 1;
    }
    return bins_init(ret_bins, categories + 1, NULL, mass);
}

void drift_urn_bins_finish(struct urn_bins *bins)
{
    free(bins->edge);
    free(bins->mass);
    *bins = (struct urn_bins){0};
}
