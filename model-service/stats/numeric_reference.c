/* numeric_reference.c - distinct sorted values with counts, and their compression to order
 * statistics. The search is in numeric_index.c, the bins are in numeric_bins.c. */
#include "exact_sum.h"
#include "fingerprint.h"
#include "numeric_bins.h"
#include "numeric_index.h"
#include "reference.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* --- sorting: by digits of 11 bits from the lowest on, several times as fast as comparing --- */

#define DIGIT_BITS 11
#define DIGITS     6
#define DIGIT_SIZE (1u << DIGIT_BITS)

/* Orders as the double does: negative numbers, whose larger bits are the lower ones, are flipped
 * as a whole, the others only in their sign. */
static uint64_t key_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits ^ ((uint64_t)((int64_t)bits >> 63) | UINT64_C(1) << 63);
}

static double number_of(uint64_t key)
{
    const uint64_t bits = key ^ (((key >> 63) - 1) | UINT64_C(1) << 63);
    double x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

static size_t digit_of(uint64_t key, size_t digit)
{
    return (size_t)(key >> digit * DIGIT_BITS) & (DIGIT_SIZE - 1);
}

/* Where the keys of each digit's value begin in the sorted order; false if all keys have the same
 * digit. */
static bool begins_of(uint32_t place[DIGIT_SIZE], size_t count)
{
    uint32_t begin = 0;
    for (size_t i = 0; i < DIGIT_SIZE; i++) {
        const uint32_t length = place[i];
        if (length == count)
            return false;
        place[i] = begin;
        begin += length;
    }
    return true;
}

/* scratch: room for twice as many numbers. */
static void sort(double *numbers, size_t count, uint64_t *scratch)
{
    uint64_t *from = scratch, *to = scratch + count;
    uint32_t place[DIGITS][DIGIT_SIZE] = {{0}};
    for (size_t i = 0; i < count; i++) {
        from[i] = key_of(numbers[i]);
        for (size_t digit = 0; digit < DIGITS; digit++)
            place[digit][digit_of(from[i], digit)]++;
    }
    for (size_t digit = 0; digit < DIGITS; digit++) {
        if (!begins_of(place[digit], count))
            continue;
        for (size_t i = 0; i < count; i++)
            to[place[digit][digit_of(from[i], digit)]++] = from[i];
        uint64_t *sorted = to;
        to = from;
        from = sorted;
    }
    for (size_t i = 0; i < count; i++)
        numbers[i] = number_of(from[i]);
}

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
    sort(finite, (size_t)ref->finite_rows, scratch);
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
