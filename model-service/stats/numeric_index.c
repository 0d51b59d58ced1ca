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

static inline size_t group_search(const double *level, size_t group, double x)
{
    const double *entry = level + group * INDEX_FANOUT;
    int64_t smaller = 0;
    for (size_t i = 0; i < INDEX_FANOUT; i++)
        smaller += entry[i] < x;
    return group * INDEX_FANOUT + (size_t)smaller;
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
