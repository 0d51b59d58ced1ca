/* window_shape.c - curves, histograms and bins of a numeric window, for pictures. */
#include "window_shape.h"

#include "window_internal.h"

#include <errno.h>
#include <math.h>

/* --- cumulative curves --- */

/* A walk over the reference's values: before and at each of them. */
struct walk {
    const struct feature_window *window;
    size_t i;
    bool before;
    uint64_t reference, current; /* rows passed */
};

static struct walk walk_begin(const struct feature_window *window)
{
    return (struct walk){.window = window, .before = true, .current = window->total.cell[0]};
}

static bool walk_is_over(const struct walk *walk)
{
    return walk->i == walk->window->numeric->distinct;
}

static void walk_next(struct walk *walk)
{
    const uint32_t *cell = walk->window->total.cell;
    if (walk->before) {
        walk->current += cell[2 * walk->i + 1];
        walk->reference += walk->window->numeric->count[walk->i];
    } else {
        walk->i++;
        walk->current += cell[2 * walk->i];
    }
    walk->before = !walk->before;
}

static struct curve_point walk_point(const struct walk *walk)
{
    const struct ks_tree *tree = &walk->window->tree;
    return (struct curve_point){
        .x = walk->window->numeric->value[walk->i],
        .before = walk->before,
        .reference = (double)walk->reference / (double)tree->n,
        .current = (double)walk->current / (double)tree->m,
    };
}

static bool has_curves(const struct feature_window *window)
{
    return window->numeric && window->tree.n > 0 && window->tree.m > 0;
}

int window_furthest_apart(const struct feature_window *window, struct curve_point *ret_point)
{
    if (!has_curves(window))
        return -ENODATA;
    const int64_t n = (int64_t)window->tree.n, m = (int64_t)window->tree.m;
    int64_t furthest = -1;
    for (struct walk walk = walk_begin(window); !walk_is_over(&walk); walk_next(&walk)) {
        const int64_t apart = n * (int64_t)walk.current - m * (int64_t)walk.reference;
        if ((apart < 0 ? -apart : apart) > furthest) {
            furthest = apart < 0 ? -apart : apart;
            *ret_point = walk_point(&walk);
        }
    }
    return 0;
}

static bool same_place(const struct curve_point *a, const struct curve_point *b)
{
    return a->x == b->x && a->before == b->before;
}

size_t window_curves(const struct feature_window *window, const struct curve_point *apart,
                     struct curve_point *points, size_t capacity)
{
    if (!has_curves(window))
        return 0;
    const size_t steps = 2 * window->numeric->distinct;
    /* Two curves climb by 1 each; first, last and `apart` come beside the points in between. */
    const double stride = steps <= capacity ? 0 : 2.0 / (double)(capacity - 4);
    double next = 0;
    size_t count = 0, step = 0;
    for (struct walk walk = walk_begin(window); !walk_is_over(&walk); walk_next(&walk), step++) {
        const struct curve_point point = walk_point(&walk);
        const double climbed = point.reference + point.current;
        const bool end = step == 0 || step + 1 == steps || same_place(&point, apart);
        if (!end && climbed < next)
            continue;
        points[count++] = point;
        if (climbed >= next)
            next = climbed + stride;
    }
    return count;
}

/* --- histograms --- */

/* The bar of x; bars + 1 above the last edge, 0 below the first. The edges ascend, and so do the
 * values that are asked for: the search goes on from the last bar. */
static size_t bar_of(const double *edge, size_t bars, size_t from, double x)
{
    size_t bar = from;
    while (bar <= bars && x >= edge[bar])
        bar++;
    return bar == bars + 1 && x == edge[bars] ? bars : bar;
}

void window_histogram(const struct feature_window *window, const double *edge, size_t bars,
                      uint64_t *reference, uint64_t *current)
{
    const struct numeric_reference *ref = window->numeric;
    const uint32_t *cell = window->total.cell;
    size_t bar = 0;
    for (size_t i = 0; i < bars + 2; i++)
        reference[i] = current[i] = 0;
    current[0] += cell[0];
    for (size_t i = 0; i < ref->distinct; i++) {
        if (i > 0 && cell[2 * i] > 0) {
            bar = bar_of(edge, bars, bar, ref->value[i - 1] * 0.5 + ref->value[i] * 0.5);
            current[bar] += cell[2 * i];
        }
        bar = bar_of(edge, bars, bar, ref->value[i]);
        reference[bar] += ref->count[i];
        current[bar] += cell[2 * i + 1];
    }
    if (ref->distinct > 0)
        current[bars + 1] += cell[2 * ref->distinct];
}

/* --- bins --- */

/* The first and the last cell of a bin, and whether it has a value of the reference. */
struct extent {
    size_t first, last;
    bool used, has_value;
};

static struct shape_bin describe(const struct numeric_reference *ref, const struct extent *extent)
{
    const size_t first = extent->first, last = extent->last, end = 2 * ref->distinct;
    struct shape_bin bin = {BIN_RANGE, -INFINITY, INFINITY};
    if (extent->has_value && first == last)
        return (struct shape_bin){BIN_VALUE, ref->value[first / 2], NAN};
    if (first > 0) /* an even cell begins above the value before it */
        bin.low = ref->value[(first - 1) / 2];
    if (last < end) /* an even cell ends below the value after it */
        bin.high = ref->value[last / 2];
    if (last < end && last % 2 == 0)
        bin.kind = BIN_BETWEEN;
    if (extent->has_value || end == 0)
        return bin;
    if (first == 0)
        return (struct shape_bin){BIN_BELOW, ref->value[0], NAN};
    if (last == end)
        return (struct shape_bin){BIN_ABOVE, NAN, ref->value[ref->distinct - 1]};
    return (struct shape_bin){BIN_GAPS, NAN, NAN};
}

void reference_bins(const struct numeric_reference *ref, struct shape_bin *bins)
{
    struct extent extent[REFERENCE_MAX_HISTOGRAM] = {{0}};
    for (size_t cell = 0; cell <= 2 * ref->distinct; cell++) {
        struct extent *of = &extent[ref->bin_of_cell[cell]];
        if (!of->used)
            of->first = cell;
        of->last = cell;
        of->used = true;
        of->has_value |= cell % 2 == 1;
    }
    for (size_t b = 0; b < ref->bins; b++)
        bins[b] = describe(ref, &extent[b]);
    bins[ref->missing_bin] = (struct shape_bin){BIN_MISSING, NAN, NAN};
    bins[ref->infinite_bin] = (struct shape_bin){BIN_INFINITE, NAN, NAN};
}
