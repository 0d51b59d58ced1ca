/* numeric_bins.c - quantile bins with heavy values as bins of their own. */
#include "numeric_bins.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static bool is_heavy(const struct numeric_reference *ref, size_t i, size_t bins)
{
    return (uint64_t)ref->count[i] * bins >= ref->finite_rows;
}

/* The run of values that are not heavy, from `begin`: its end and its rows. */
static size_t run_end(const struct numeric_reference *ref, size_t begin, size_t bins,
                      uint64_t *ret_rows)
{
    uint64_t rows = 0;
    size_t i = begin;
    for (; i < ref->distinct && !is_heavy(ref, i, bins); i++)
        rows += ref->count[i];
    *ret_rows = rows;
    return i;
}

/* Gives the run's values bins from `next` on, and returns the next free one. A value belongs to
 * the quantile in which its first row lies; it is lighter than a quantile, so none stays empty. */
static size_t bin_run(struct numeric_reference *ref, size_t begin, size_t end, uint64_t rows,
                      size_t bins, size_t next)
{
    uint64_t quantiles = rows * bins / ref->finite_rows;
    if (quantiles == 0)
        quantiles = 1;
    /* of each value: before * quantiles / rows, rounded down */
    uint64_t quantile = 0, before = 0;
    for (size_t i = begin; i < end; i++) {
        while ((quantile + 1) * rows <= before * quantiles)
            quantile++;
        ref->bin_of_cell[2 * i + 1] = (uint8_t)(next + quantile);
        before += ref->count[i];
    }
    return next + quantiles;
}

static size_t bin_values(struct numeric_reference *ref, size_t bins, size_t next)
{
    for (size_t i = 0; i < ref->distinct;) {
        if (is_heavy(ref, i, bins)) {
            ref->bin_of_cell[2 * i++ + 1] = (uint8_t)next++;
            continue;
        }
        uint64_t rows;
        const size_t end = run_end(ref, i, bins, &rows);
        next = bin_run(ref, i, end, rows, bins, next);
        i = end;
    }
    return next;
}

/* The cells strictly between values. Returns the next free bin. */
static size_t bin_gaps(struct numeric_reference *ref, size_t bins, size_t next)
{
    size_t gap_bin = 0;
    for (size_t i = 1; i < ref->distinct; i++) {
        uint8_t bin;
        if (!is_heavy(ref, i, bins)) {
            bin = ref->bin_of_cell[2 * i + 1];
        } else if (!is_heavy(ref, i - 1, bins)) {
            bin = ref->bin_of_cell[2 * i - 1];
        } else {
            if (gap_bin == 0)
                gap_bin = next++;
            bin = (uint8_t)gap_bin;
        }
        ref->bin_of_cell[2 * i] = bin;
    }
    return next;
}

static size_t bin_finite_cells(struct numeric_reference *ref, size_t bins)
{
    uint8_t *bin = ref->bin_of_cell;
    const size_t last = ref->distinct;
    if (last == 0)
        return 1;
    const bool below = is_heavy(ref, 0, bins);
    size_t next = bin_values(ref, bins, below ? 1 : 0);
    bin[0] = below ? 0 : bin[1];
    bin[2 * last] = is_heavy(ref, last - 1, bins) ? (uint8_t)next++ : bin[2 * last - 1];
    return bin_gaps(ref, bins, next);
}

int numeric_bins_build(struct numeric_reference *ref, size_t bins)
{
    const size_t cells = 2 * ref->distinct + 1;
    ref->bin_of_cell = calloc(cells + 3, sizeof(*ref->bin_of_cell));
    if (!ref->bin_of_cell)
        return -ENOMEM;
    ref->missing_bin = bin_finite_cells(ref, bins);
    ref->infinite_bin = ref->missing_bin + 1;
    ref->bins = ref->missing_bin + 2;
    ref->bin_of_cell[cells] = (uint8_t)ref->missing_bin;
    ref->bin_of_cell[cells + 1] = (uint8_t)ref->infinite_bin;
    ref->bin_of_cell[cells + 2] = (uint8_t)ref->infinite_bin;
    ref->bin_count = calloc(ref->bins, sizeof(*ref->bin_count));
    if (!ref->bin_count)
        return -ENOMEM;
    for (size_t i = 0; i < ref->distinct; i++)
        ref->bin_count[ref->bin_of_cell[2 * i + 1]] += ref->count[i];
    ref->bin_count[ref->missing_bin] = ref->missing_rows;
    ref->bin_count[ref->infinite_bin] = ref->positive_infinite_rows + ref->negative_infinite_rows;
    return 0;
}
