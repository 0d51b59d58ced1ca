/* numeric_index.c - buckets and a static B-tree over the values of a reference. */
#include "numeric_index.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* At least one place more than there are entries, so that a search can end behind the last, and a
 * group more, so that two groups can be searched at once. */
static size_t padded(size_t entries)
{
    return (entries / INDEX_FANOUT + 2) * INDEX_FANOUT;
}

double *numeric_index_room(size_t values)
{
    const size_t room = padded(values);
    double *x = aligned_alloc(INDEX_FANOUT * sizeof(*x), room * sizeof(*x));
    for (size_t i = 0; x && i < room; i++)
        x[i] = INFINITY;
    return x;
}

static int build_tree(struct numeric_reference *ref)
{
    const double *below = ref->value;
    for (size_t entries = ref->distinct / INDEX_FANOUT; entries > 0; entries /= INDEX_FANOUT) {
        double *level = numeric_index_room(entries);
        if (!level)
            return -ENOMEM;
        for (size_t i = 0; i < entries; i++)
            level[i] = below[(i + 1) * INDEX_FANOUT - 1];
        ref->index[ref->index_levels++] = level;
        below = level;
    }
    return 0;
}

/* The bucket holds more than two groups: search the tree. */
#define FULL_BUCKET UINT32_MAX

/* Rises with x, whatever is rounded: if a value's bucket is lower than x's, so is the value. NaN
 * goes to the first one. */
static inline size_t bucket_of(const struct numeric_reference *ref, double x)
{
    const double last = (double)(int64_t)(ref->buckets - 1);
    double at = (x - ref->min) * ref->bucket_scale;
    at = at > 0 ? at : 0;
    return (size_t)(int64_t)(at < last ? at : last);
}

/* A bucket's entry is the place of its first value, or where that would be. */
static uint32_t bucket_entry(size_t first, size_t next_first)
{
    const size_t group = first / INDEX_FANOUT;
    return next_first <= (group + 2) * INDEX_FANOUT ? (uint32_t)first : FULL_BUCKET;
}

static int build_buckets(struct numeric_reference *ref)
{
    const double scale = ref->distinct > 1 ? (double)ref->distinct / (ref->max - ref->min) : 0;
    if (!(scale > 0) || !isfinite(scale))
        return 0;
    ref->bucket = calloc(ref->distinct, sizeof(*ref->bucket));
    if (!ref->bucket)
        return -ENOMEM;
    ref->buckets = ref->distinct;
    ref->bucket_scale = scale;
    size_t first = 0;
    for (size_t bucket = 0; bucket < ref->buckets; bucket++) {
        size_t next = first;
        while (next < ref->distinct && bucket_of(ref, ref->value[next]) == bucket)
            next++;
        ref->bucket[bucket] = bucket_entry(first, next);
        first = next;
    }
    return 0;
}

int numeric_index_build(struct numeric_reference *ref)
{
    int rc = build_tree(ref);
    return rc == 0 ? build_buckets(ref) : rc;
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

/* The number of values below x. */
static size_t tree_search(const struct numeric_reference *ref, double x)
{
    size_t i = 0;
    for (size_t level = ref->index_levels; level-- > 0;)
        i = group_search(ref->index[level], i, x);
    return group_search(ref->value, i, x);
}

/* The same from a bucket's entry. The first group is nearly always enough. */
static inline size_t bucket_search(const struct numeric_reference *ref, uint32_t entry, double x)
{
    if (entry == FULL_BUCKET)
        return tree_search(ref, x);
    const size_t group = entry / INDEX_FANOUT, found = group_search(ref->value, group, x);
    return found < (group + 1) * INDEX_FANOUT ? found : group_search(ref->value, group + 1, x);
}

/* Padding is infinite, so it never equals a finite x. */
static inline uint32_t cell_at(const struct numeric_reference *ref, size_t value, double x)
{
    return (uint32_t)(2 * value + (ref->value[value] == x));
}

uint32_t drift_numeric_reference_cell(const struct numeric_reference *ref, double x)
{
    if (!ref->bucket)
        return cell_at(ref, tree_search(ref, x), x);
    return cell_at(ref, bucket_search(ref, ref->bucket[bucket_of(ref, x)], x), x);
}

uint32_t drift_numeric_reference_classify(const struct numeric_reference *ref, double x)
{
    if (isfinite(x))
        return drift_numeric_reference_cell(ref, x);
    const uint32_t missing = (uint32_t)(2 * ref->distinct + 1);
    return isnan(x) ? missing : missing + (x > 0 ? 1 : 2);
}

/* Searches wait for memory: each step is taken for many values at once, and asks for what the next
 * one will need. */
#define SEARCHES 64

static void tree_cells(const struct numeric_reference *ref, const double *x, size_t count,
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
    for (size_t i = 0; i < count; i++)
        cell[i] = cell_at(ref, group_search(ref->value, at[i], x[i]), x[i]);
}

static void bucket_cells(const struct numeric_reference *ref, const double *x, size_t count,
                         uint32_t *cell)
{
    uint32_t entry[SEARCHES];
    for (size_t i = 0; i < count; i++) {
        const uint32_t *place = &ref->bucket[bucket_of(ref, x[i])];
        __builtin_prefetch(place);
        entry[i] = (uint32_t)(place - ref->bucket);
    }
    for (size_t i = 0; i < count; i++) {
        entry[i] = ref->bucket[entry[i]];
        const size_t first = entry[i] == FULL_BUCKET ? 0 : entry[i];
        /* mostly the same line, and not much further */
        __builtin_prefetch(ref->value + first);
        __builtin_prefetch(ref->value + first + 3);
    }
    for (size_t i = 0; i < count; i++)
        cell[i] = cell_at(ref, bucket_search(ref, entry[i], x[i]), x[i]);
}

void drift_numeric_reference_classify_many(const struct numeric_reference *ref, const double *x,
                                           size_t count, uint32_t *cell)
{
    for (size_t begin = 0; begin < count; begin += SEARCHES) {
        const size_t length = count - begin < SEARCHES ? count - begin : SEARCHES;
        if (ref->bucket)
            bucket_cells(ref, x + begin, length, cell + begin);
        else
            tree_cells(ref, x + begin, length, cell + begin);
        for (size_t i = begin; i < begin + length; i++)
            if (!isfinite(x[i]))
                cell[i] = drift_numeric_reference_classify(ref, x[i]);
    }
}
