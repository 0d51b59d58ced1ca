/* numeric_index.c - static B-tree over the values of a reference. */
#include "numeric_index.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* At least one place more than there are entries, so that a search can end behind the last. */
static size_t padded(size_t entries)
{
    return (entries / INDEX_FANOUT + 1) * INDEX_FANOUT;
}

double *numeric_index_room(size_t values)
{
    const size_t room = padded(values);
    double *x = aligned_alloc(INDEX_FANOUT * sizeof *x, room * sizeof *x);
    for (size_t i = 0; x != NULL && i < room; i++)
        x[i] = INFINITY;
    return x;
}

int numeric_index_build(struct numeric_reference *ref)
{
    const double *below = ref->value;
    for (size_t entries = ref->distinct / INDEX_FANOUT; entries > 0; entries /= INDEX_FANOUT) {
        double *level = numeric_index_room(entries);
        if (level == NULL)
            return -ENOMEM;
        for (size_t i = 0; i < entries; i++)
            level[i] = below[(i + 1) * INDEX_FANOUT - 1];
        ref->index[ref->index_levels++] = level;
        below = level;
    }
    return 0;
}

/* Two doubles, and the whole numbers -1 or 0 that comparing them gives: any machine has them. */
typedef double pair __attribute__((vector_size(16)));
typedef int64_t truths __attribute__((vector_size(16)));

/* How many of the INDEX_FANOUT entries of a group are smaller than x, and where that is. */
static inline size_t group_search(const double *level, size_t group, double x)
{
    const pair *entry = (const pair *)(level + group * INDEX_FANOUT);
    const pair xx = {x, x};
    const truths smaller =
        ((entry[0] < xx) + (entry[1] < xx)) + ((entry[2] < xx) + (entry[3] < xx));
    return group * INDEX_FANOUT - (size_t)(smaller[0] + smaller[1]);
}

uint32_t numeric_reference_cell(const struct numeric_reference *ref, double x)
{
    size_t i = 0;
    for (size_t level = ref->index_levels; level-- > 0;)
        i = group_search(ref->index[level], i, x);
    i = group_search(ref->value, i, x);
    /* Padding is infinite, so it never equals x. */
    return (uint32_t)(2 * i + (ref->value[i] == x));
}

uint32_t numeric_reference_classify(const struct numeric_reference *ref, double x)
{
    if (isfinite(x))
        return numeric_reference_cell(ref, x);
    const uint32_t missing = (uint32_t)(2 * ref->distinct + 1);
    return isnan(x) ? missing : missing + (x > 0 ? 1 : 2);
}

/* Searches are chains of loads that mostly miss the nearest caches: a level at a time for many
 * values, each asking for its group of the next level while the others are searched. */
#define SEARCHES 64

static void cells_of(const struct numeric_reference *ref, const double *x, size_t count,
                     uint32_t *cell)
{
    size_t at[SEARCHES] = {0};
    for (size_t level = ref->index_levels; level-- > 0;) {
        const double *next = level > 0 ? ref->index[level - 1] : ref->value;
        for (size_t i = 0; i < count; i++) {
            at[i] = group_search(ref->index[level], at[i], x[i]);
            __builtin_prefetch(next + at[i] * INDEX_FANOUT);
        }
    }
    for (size_t i = 0; i < count; i++) {
        const size_t value = group_search(ref->value, at[i], x[i]);
        cell[i] = (uint32_t)(2 * value + (ref->value[value] == x[i]));
    }
}

void numeric_reference_classify_many(const struct numeric_reference *ref, const double *x,
                                     size_t count, uint32_t *cell)
{
    for (size_t begin = 0; begin < count; begin += SEARCHES) {
        const size_t length = count - begin < SEARCHES ? count - begin : SEARCHES;
        cells_of(ref, x + begin, length, cell + begin);
        for (size_t i = begin; i < begin + length; i++)
            if (!isfinite(x[i]))
                cell[i] = numeric_reference_classify(ref, x[i]);
    }
}
