/* evidence.c - multiple testing. The sort is a heap sort because qsort() may allocate. */
#include "evidence.h"

#include <math.h>

/* Restore the heap (largest p at the root) below `root` among the first `count` of order. */
static void sift_down(const double *p, size_t *order, size_t root, size_t count)
{
    size_t moved = order[root];
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && p[order[child]] < p[order[child + 1]])
            child++;
        if (p[moved] >= p[order[child]])
            break;
        order[root] = order[child];
        root = child;
    }
    order[root] = moved;
}

static void sort_ascending(const double *p, size_t *order, size_t count)
{
    for (size_t root = count / 2; root-- > 0;)
        sift_down(p, order, root, count);
    for (size_t last = count; last-- > 1;) {
        size_t largest = order[0];
        order[0] = order[last];
        order[last] = largest;
        sift_down(p, order, 0, last);
    }
}

void drift_holm(const double *p, size_t count, double alpha, size_t *order, bool *significant)
{
    size_t tests = 0;
    for (size_t i = 0; i < count; i++) {
        significant[i] = false;
        if (!isnan(p[i]))
            order[tests++] = i;
    }
    sort_ascending(p, order, tests);
    for (size_t i = 0; i < tests; i++) {
        if (p[order[i]] > alpha / (double)(tests - i))
            break;
        significant[order[i]] = true;
    }
}
