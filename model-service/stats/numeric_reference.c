/* numeric_reference.c - distinct sorted values with counts, and their compression to order
 * statistics. The search is in numeric_index.c, the bins are in numeric_bins.c. */
#include "exact_sum.h"
#include "fingerprint.h"
#include "number_sort.h"
#include "numeric_bins.h"
#include "numeric_index.h"
#include "reference.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Counts the rows of each kind and gathers the finite ones. x + 0.0 turns -0.0 into 0.0. */
static void gather_finite(struct numeric_reference *ref, const double *rows, size_t count,
                          double *finite)
{
    ref->rows = count;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(rows[i]))
            finite[ref->finite_rows++] = rows[i] + 0.0;
        else if (isnan(rows[i]))
            ref->missing_rows++;
        else if (rows[i] > 0)
            ref->positive_infinite_rows++;
        else
            ref->negative_infinite_rows++;
    }
}

static void measure(struct numeric_reference *ref, const double *sorted)
{
    struct exact_sum sum = {0};
    struct exact_squares squares = {0};
    const size_t n = (size_t)ref->finite_rows;
    drift_exact_sums_add(&sum, &squares, sorted, n);
    ref->mean = drift_exact_sum_mean(&sum, n);
    ref->deviation = drift_exact_deviation(&sum, &squares, n);
    ref->min = n > 0 ? sorted[0] : NAN;
    ref->max = n > 0 ? sorted[n - 1] : NAN;
}

/* How many multiples of rows / steps lie at or below the rank. */
static uint64_t steps_passed(uint64_t rank, uint64_t steps, uint64_t rows)
{
    return rank * steps / rows;
}

/* Walks the distinct values and keeps the first, and then each that passes a multiple of
 * n / (resolution - 1) rows, so that fewer rows than that lie strictly between two kept ones.
 * Without arrays in ref it only counts. Returns the number kept. */
static size_t keep_values(struct numeric_reference *ref, const double *sorted, size_t resolution)
{
    const size_t n = (size_t)ref->finite_rows;
    const uint64_t steps = resolution == 0 ? n : resolution - 1;
    size_t kept = 0, through = 0, widest = 0;
    for (size_t i = 0, next; i < n; i = next) {
        for (next = i + 1; next < n && sorted[next] == sorted[i];)
            next++;
        if (resolution > 0 && i > 0 && steps_passed(i, steps, n) == steps_passed(next, steps, n))
            continue;
        if (ref->value) {
            ref->value[kept] = sorted[i];
            ref->count[kept] = (uint32_t)(next - through);
        }
        widest = i - through > widest ? i - through : widest;
        through = next;
        kept++;
    }
    ref->compression_bound = n > 0 ? (double)widest / (double)n : 0;
    return kept;
}

static uint64_t fingerprint(const struct numeric_reference *ref)
{
    uint64_t hash = fingerprint_number(FINGERPRINT_START, ref->distinct);
    for (size_t i = 0; i < ref->distinct; i++) {
        hash = fingerprint_double(hash, ref->value[i]);
        hash = fingerprint_number(hash, ref->count[i]);
    }
    hash = fingerprint_number(hash, ref->missing_rows);
    hash = fingerprint_number(hash, ref->positive_infinite_rows);
    hash = fingerprint_number(hash, ref->negative_infinite_rows);
    hash = fingerprint_number(hash, ref->bins);
    for (size_t i = 0; i < 2 * ref->distinct + 4; i++)
        hash = fingerprint_number(hash, ref->bin_of_cell[i]);
    return hash;
}

static int build(struct numeric_reference *ref, const double *rows, size_t count, size_t bins,
                 size_t resolution, double *finite)
{
    gather_finite(ref, rows, count, finite);
    uint64_t *scratch = malloc((2 * (size_t)ref->finite_rows + 1) * sizeof(*scratch));
    if (!scratch)
        return -ENOMEM;
    drift_number_sort(finite, (size_t)ref->finite_rows, scratch);
    free(scratch);
    measure(ref, finite);
    const size_t distinct = keep_values(ref, finite, resolution);
    /* One element more, so that an empty array is not a null pointer. */
    ref->value = numeric_index_room(distinct);
    ref->count = calloc(distinct + 1, sizeof(*ref->count));
    if (!ref->value || !ref->count)
        return -ENOMEM;
    ref->distinct = keep_values(ref, finite, resolution);
    int rc = numeric_index_build(ref);
    if (rc == 0)
        rc = numeric_bins_build(ref, bins);
    if (rc == 0)
        ref->fingerprint = fingerprint(ref);
    return rc;
}

int drift_numeric_reference_init(struct numeric_reference *ret_ref, const double *rows,
                                 size_t count, size_t bins, size_t resolution)
{
    if (!rows || count == 0 || count > REFERENCE_MAX_ROWS || resolution == 1 ||
        resolution > REFERENCE_MAX_ROWS || bins < 2 || bins > REFERENCE_MAX_BINS)
        return -EINVAL;
    double *finite = malloc(count * sizeof(*finite));
    if (!finite)
        return -ENOMEM;
    struct numeric_reference ref = {0};
    int rc = build(&ref, rows, count, bins, resolution, finite);
    free(finite);
    if (rc == 0)
        *ret_ref = ref;
    else
        drift_numeric_reference_finish(&ref);
    return rc;
}

void drift_numeric_reference_finish(struct numeric_reference *ref)
{
    if (!ref)
        return;
    for (size_t i = 0; i < ref->index_levels; i++)
        free(ref->index[i]);
    free(ref->bucket);
    free(ref->value);
    free(ref->count);
    free(ref->bin_of_cell);
    free(ref->bin_count);
    *ref = (struct numeric_reference){0};
}

double drift_numeric_reference_quantile(const struct numeric_reference *ref, double p)
{
    if (ref->distinct == 0 || !(p >= 0 && p <= 1))
        return NAN;
    const double rank = ceil(p * (double)ref->finite_rows);
    uint64_t through = 0;
    size_t i = 0;
    for (; i + 1 < ref->distinct; i++) {
        through += ref->count[i];
        if ((double)through >= rank)
            break;
    }
    return ref->value[i];
}
