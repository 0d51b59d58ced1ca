/* feature_window.c - life cycle of a feature window, observing and expiring. */
#include "feature_window.h"

#include "divergence.h"
#include "window_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DURATION_MS (INT64_C(366) * 24 * 60 * 60 * 1000)

static bool is_valid_spec(const struct window_spec *spec)
{
    switch (spec->kind) {
    case WINDOW_COUNT:
        return spec->observations >= 1 && spec->observations <= WINDOW_MAX_OBSERVATIONS;
    case WINDOW_DURATION:
        return spec->duration_ms >= WINDOW_PANES && spec->duration_ms <= MAX_DURATION_MS;
    case WINDOW_ALL:
        return true;
    }
    return false;
}

void drift_feature_window_discount(struct feature_window *window, double values, double missing)
{
    window->discount = values;
    window->missing_discount = missing;
}

static void bind_reference(struct feature_window *window)
{
    if (window->numeric) {
        window->missing_cell = 2 * window->numeric->distinct + 1;
        window->cells = window->missing_cell + 3;
        window->bins = window->numeric->bins;
        window->reference_bin = window->numeric->bin_count;
        window->reference_rows = window->numeric->rows;
    } else {
        window->missing_cell = categorical_code_missing(window->categorical);
        window->cells = window->missing_cell + 1;
        window->bins = window->cells;
        window->reference_bin = window->categorical->bin_count;
        window->reference_rows = window->categorical->rows;
    }
}

static int allocate_ring(struct feature_window *window)
{
    struct ring *ring = &window->ring;
    ring->capacity = window->spec.observations;
    ring->cell = calloc(ring->capacity, sizeof(*ring->cell));
    if (window->numeric)
        ring->value = calloc(ring->capacity, sizeof(*ring->value));
    return !ring->cell || (window->numeric && !ring->value) ? -ENOMEM : 0;
}

static size_t block_words(size_t cells)
{
    return cells / TALLY_BLOCK / 64 + 1;
}

/* One allocation for the cells of all panes, so that untouched panes cost no memory. */
static int allocate_panes(struct feature_window *window)
{
    window->pane_ms = (window->spec.duration_ms + WINDOW_PANES - 1) / WINDOW_PANES;
    window->pane = calloc(WINDOW_PANES, sizeof(*window->pane));
    if (!window->pane)
        return -ENOMEM;
    const size_t words = block_words(window->cells);
    uint32_t *cell = calloc(WINDOW_PANES * window->cells, sizeof(*cell));
    window->pane[0].cell = cell;
    uint64_t *block = calloc(WINDOW_PANES * words, sizeof(*block));
    window->pane[0].block = block;
    if (!cell || !block)
        return -ENOMEM;
    for (size_t i = 0; i < WINDOW_PANES; i++) {
        window->pane[i].cell = cell + i * window->cells;
        window->pane[i].block = block + i * words;
        window->pane[i].min = INFINITY;
        window->pane[i].max = -INFINITY;
    }
    return 0;
}

static int allocate(struct feature_window *window)
{
    window->total.cell = calloc(window->cells, sizeof(*window->total.cell));
    window->bin = calloc(window->bins, sizeof(*window->bin));
    window->psi = calloc(1, sizeof(*window->psi) + window->bins * sizeof(window->psi->term[0]));
    if (!window->total.cell || !window->bin || !window->psi)
        return -ENOMEM;
    window->total.min = INFINITY;
    window->total.max = -INFINITY;
    int rc = 0;
    if (window->numeric && window->spec.kind == WINDOW_ALL)
        drift_ks_tree_init_bare(&window->tree, window->numeric->count, window->numeric->distinct,
                                window->total.cell);
    else if (window->numeric)
        rc = drift_ks_tree_init(&window->tree, window->numeric->count, window->numeric->distinct,
                                window->total.cell);
    if (rc == 0 && window->spec.kind == WINDOW_COUNT)
        rc = allocate_ring(window);
    if (rc == 0 && window->spec.kind == WINDOW_DURATION)
        rc = allocate_panes(window);
    return rc;
}

int drift_feature_window_create(const struct numeric_reference *numeric,
                                const struct categorical_reference *categorical,
                                const struct window_spec *spec, struct feature_window **ret_window)
{
    if ((!numeric) == (!categorical) || !spec || !is_valid_spec(spec))
        return -EINVAL;
    struct feature_window *window = calloc(1, sizeof(*window));
    if (!window)
        return -ENOMEM;
    window->numeric = numeric;
    window->categorical = categorical;
    window->spec = *spec;
    window->discount = window->missing_discount = 1;
    bind_reference(window);
    int rc = allocate(window);
    if (rc != 0) {
        drift_feature_window_destroy(window);
        return rc;
    }
    *ret_window = window;
    return 0;
}

void drift_feature_window_destroy(struct feature_window *window)
{
    if (!window)
        return;
    if (window->pane) {
        free(window->pane[0].cell);
        free(window->pane[0].block);
    }
    free(window->pane);
    free(window->ring.cell);
    free(window->ring.value);
    drift_ks_tree_finish(&window->tree);
    free(window->psi);
    free(window->bin);
    free(window->total.cell);
    free(window);
}

void tally_clear(struct tally *tally, size_t cells)
{
    uint32_t *cell = tally->cell;
    uint64_t *block = tally->block;
    memset(cell, 0, cells * sizeof(*cell));
    if (block)
        memset(block, 0, block_words(cells) * sizeof(*block));
    *tally = (struct tally){.cell = cell, .min = INFINITY, .max = -INFINITY, .block = block};
}

static void combine_sums(struct tally *tally, const struct tally *other, int sign)
{
    drift_exact_sum_combine(&tally->sum, &other->sum, sign);
    drift_exact_sum_combine(&tally->below, &other->below, sign);
    drift_exact_sum_combine(&tally->above, &other->above, sign);
    drift_exact_squares_combine(&tally->squares, &other->squares, sign);
}

void tally_combine(struct tally *tally, const struct tally *other, size_t cells)
{
    for (size_t i = 0; i < cells; i++) {
        if (other->cell[i] == 0)
            continue;
        tally->cell[i] += other->cell[i];
        tally_mark(tally, i);
    }
    tally->observations += other->observations;
    combine_sums(tally, other, 1);
}

static inline void add_finite(const struct feature_window *window, struct tally *tally, double x,
                              uint32_t cell)
{
    drift_exact_sum_add(&tally->sum, x);
    drift_exact_squares_add(&tally->squares, x);
    if (cell == 0)
        drift_exact_sum_add(&tally->below, x);
    if (cell == window->missing_cell - 1)
        drift_exact_sum_add(&tally->above, x);
    tally->min = x < tally->min ? x : tally->min;
    tally->max = x > tally->max ? x : tally->max;
}

static void tally_add(const struct feature_window *window, struct tally *tally, double x,
                      uint32_t cell)
{
    tally->cell[cell]++;
    tally_mark(tally, cell);
    tally->observations++;
    if (window_is_finite_cell(window, cell))
        add_finite(window, tally, x, cell);
}

static void tally_remove(const struct feature_window *window, struct tally *tally, double x,
                         uint32_t cell)
{
    tally->cell[cell]--;
    tally->observations--;
    if (!window_is_finite_cell(window, cell))
        return;
    drift_exact_sum_subtract(&tally->sum, x);
    drift_exact_squares_subtract(&tally->squares, x);
    if (cell == 0)
        drift_exact_sum_subtract(&tally->below, x);
    if (cell == window->missing_cell - 1)
        drift_exact_sum_subtract(&tally->above, x);
}

static void insert(struct feature_window *window, double x, uint32_t cell)
{
    uint64_t *bin = window_bins(window); /* before the cells change */
    tally_add(window, &window->total, x, cell);
    bin[window_bin_of(window, cell)]++;
    psi_cache_clear(window->psi);
    if (window_is_finite_cell(window, cell))
        drift_ks_tree_insert(&window->tree, cell);
}

/* One in, one out: the window's size stands still. */
static void replace_bins(struct feature_window *window, uint32_t in, uint32_t out)
{
    const size_t in_bin = window_bin_of(window, in), out_bin = window_bin_of(window, out);
    if (in_bin == out_bin)
        return;
    window->bin[in_bin]++;
    window->bin[out_bin]--;
    psi_cache_mark(window->psi, in_bin);
    psi_cache_mark(window->psi, out_bin);
}

static void replace(struct feature_window *window, double x, uint32_t in, double out_x,
                    uint32_t out)
{
    tally_remove(window, &window->total, out_x, out);
    tally_add(window, &window->total, x, in);
    replace_bins(window, in, out);
    const bool in_finite = window_is_finite_cell(window, in);
    const bool out_finite = window_is_finite_cell(window, out);
    if (in_finite && out_finite)
        drift_ks_tree_replace(&window->tree, in, out);
    else if (in_finite)
        drift_ks_tree_insert(&window->tree, in);
    else if (out_finite)
        drift_ks_tree_remove(&window->tree, out);
}

static void add_to_ring(struct feature_window *window, double x, uint32_t cell)
{
    struct ring *ring = &window->ring;
    size_t at = ring->begin + ring->length;
    at -= at >= ring->capacity ? ring->capacity : 0;
    if (ring->length < ring->capacity) {
        ring->length++;
        insert(window, x, cell);
    } else {
        replace(window, x, cell, ring->value != NULL ? ring->value[at] : 0, ring->cell[at]);
        ring->begin = at + 1 < ring->capacity ? at + 1 : 0;
    }
    ring->cell[at] = cell;
    if (ring->value)
        ring->value[at] = x;
}

struct tally *window_pane(const struct feature_window *window, int64_t pane)
{
    const int64_t rest = pane % WINDOW_PANES;
    return &window->pane[rest < 0 ? rest + WINDOW_PANES : rest];
}

/* Rounds down, also before the origin of time. */
static int64_t pane_at(const struct feature_window *window, int64_t now_ms)
{
    if (now_ms > WINDOW_MAX_TIME_MS)
        now_ms = WINDOW_MAX_TIME_MS;
    if (now_ms < -WINDOW_MAX_TIME_MS)
        now_ms = -WINDOW_MAX_TIME_MS;
    const int64_t pane = now_ms / window->pane_ms;
    return pane - (now_ms % window->pane_ms < 0);
}

/* Neighbouring cells mostly share a bin: it is added to when the next one begins. */
void window_count_bins(const struct feature_window *window)
{
    size_t bin = 0;
    uint64_t sum = 0;
    memset(window->bin, 0, window->bins * sizeof(*window->bin));
    for (size_t i = 0; i < window->cells; i++) {
        const size_t next = window_bin_of(window, i);
        if (next != bin) {
            window->bin[bin] += sum;
            sum = 0;
            bin = next;
        }
        sum += window->total.cell[i];
    }
    window->bin[bin] += sum;
    window->psi->bins_stale = false;
}

void window_recount(struct feature_window *window)
{
    window->psi->bins_stale = true;
    if (window->spec.kind != WINDOW_ALL)
        window_count_bins(window);
    psi_cache_clear(window->psi);
    if (window->numeric)
        drift_ks_tree_rebuild(&window->tree);
}

/* Takes a block of an expired pane out of the totals and clears it; returns the finite ones. */
static uint32_t expire_block(struct feature_window *window, struct tally *pane, size_t block)
{
    const size_t begin = block * TALLY_BLOCK;
    const size_t end = begin + TALLY_BLOCK < window->cells ? begin + TALLY_BLOCK : window->cells;
    uint32_t finite = 0;
    for (size_t i = begin; i < end; i++) {
        const uint32_t count = pane->cell[i];
        if (count == 0)
            continue;
        pane->cell[i] = 0;
        window->total.cell[i] -= count;
        window->bin[window_bin_of(window, i)] -= count;
        if (window_is_finite_cell(window, i)) {
            drift_ks_tree_touch(&window->tree, (uint32_t)i);
            finite += count;
        }
    }
    return finite;
}

static void expire_pane(struct feature_window *window, struct tally *pane)
{
    uint32_t finite = 0;
    for (size_t word = 0; word < block_words(window->cells); word++) {
        for (uint64_t bits = pane->block[word]; bits != 0; bits &= bits - 1)
            finite += expire_block(window, pane, word * 64 + (size_t)__builtin_ctzll(bits));
        pane->block[word] = 0;
    }
    window->total.observations -= pane->observations;
    combine_sums(&window->total, pane, -1);
    *pane =
        (struct tally){.cell = pane->cell, .min = INFINITY, .max = -INFINITY, .block = pane->block};
    psi_cache_clear(window->psi);
    if (window->numeric)
        drift_ks_tree_update(&window->tree, window->tree.m - finite);
}

void window_advance_panes(struct feature_window *window, int64_t pane)
{
    if (!window->started || pane <= window->newest) {
        window->newest = window->started ? window->newest : pane;
        window->started = true;
        return;
    }
    const int64_t steps = pane - window->newest;
    for (int64_t i = 1; i <= steps && i <= WINDOW_PANES; i++) {
        struct tally *expired = window_pane(window, window->newest + i);
        if (expired->observations > 0)
            expire_pane(window, expired);
    }
    window->newest = pane;
}

void window_add_pane(struct feature_window *window, double x, uint32_t cell, int64_t pane)
{
    window_advance_panes(window, pane);
    if (window->total.observations >= EXACT_SUM_MAX_COUNT) {
        window->dropped++;
        return;
    }
    tally_add(window, window_pane(window, window->newest), x, cell);
    insert(window, x, cell);
}

void window_add(struct feature_window *window, double x, uint32_t cell, int64_t now_ms)
{
    switch (window->spec.kind) {
    case WINDOW_COUNT:
        add_to_ring(window, x, cell);
        break;
    case WINDOW_DURATION:
        window_add_pane(window, x, cell, pane_at(window, now_ms));
        break;
    case WINDOW_ALL:
        if (window->total.observations < EXACT_SUM_MAX_COUNT)
            insert(window, x, cell);
        else
            window->dropped++;
        break;
    }
}

/* One NaN and one zero, so that equal observations leave equal bytes. */
static double canonical(double x)
{
    return isnan(x) ? NAN : x + 0.0;
}

void drift_feature_window_observe_number(struct feature_window *window, double x, int64_t now_ms)
{
    if (!window->numeric)
        return;
    window_add(window, canonical(x), drift_numeric_reference_classify(window->numeric, x), now_ms);
}

/* A block's worth of drift_exact_sums_add(). */
#define MANY 1024

/* The sums and extremes of those of at most MANY values that are finite; returns their number. */
static uint32_t sum_many(struct feature_window *window, const double *x, const uint32_t *cell,
                         size_t count)
{
    struct tally *total = &window->total;
    double finite[MANY];
    uint32_t length = 0;
    for (size_t i = 0; i < count; i++) {
        finite[length] = canonical(x[i]);
        length += window_is_finite_cell(window, cell[i]);
    }
    drift_exact_sums_add(&total->sum, &total->squares, finite, length);
    for (uint32_t i = 0; i < length; i++) {
        total->min = finite[i] < total->min ? finite[i] : total->min;
        total->max = finite[i] > total->max ? finite[i] : total->max;
    }
    return length;
}

/* Loops of one kind of work each: their cache misses overlap. */
static void add_many(struct feature_window *window, const double *x, const uint32_t *cell,
                     size_t count)
{
    struct tally *total = &window->total;
    const uint32_t last = (uint32_t)window->missing_cell - 1;
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(&total->cell[cell[i]], 1);
    window->psi->bins_stale = true;
    for (size_t i = 0; i < count; i++) {
        total->cell[cell[i]]++;
        if (cell[i] == 0)
            drift_exact_sum_add(&total->below, canonical(x[i]));
        if (cell[i] == last)
            drift_exact_sum_add(&total->above, canonical(x[i]));
    }
    const uint32_t finite = sum_many(window, x, cell, count);
    total->observations += count;
    psi_cache_clear(window->psi);
    drift_ks_tree_update(&window->tree, window->tree.m + finite);
}

/* Bringing the tree up to date once for all of them would not pay below 200 or so: as many nodes
 * are evaluated, in an order that predicts worse. */
static void add_each(struct feature_window *window, const double *x, const uint32_t *cell,
                     size_t count, int64_t now_ms)
{
    for (size_t i = 0; i < count; i++)
        window_add(window, canonical(x[i]), cell[i], now_ms);
}

void drift_feature_window_observe_numbers(struct feature_window *window, const double *x,
                                          size_t count, int64_t now_ms)
{
    uint32_t cell[MANY];
    const bool fits = window->total.observations + count <= EXACT_SUM_MAX_COUNT;
    const bool together = window->spec.kind == WINDOW_ALL && fits;
    if (!window->numeric)
        return;
    for (size_t begin = 0; begin < count; begin += MANY) {
        const size_t length = count - begin < MANY ? count - begin : MANY;
        drift_numeric_reference_classify_many(window->numeric, x + begin, length, cell);
        if (together)
            add_many(window, x + begin, cell, length);
        else
            add_each(window, x + begin, cell, length, now_ms);
    }
}

void drift_feature_window_observe_category(struct feature_window *window, uint32_t code,
                                           int64_t now_ms)
{
    if (!window->categorical)
        return;
    if (code > window->missing_cell)
        code = categorical_code_unseen(window->categorical);
    window_add(window, 0, code, now_ms);
}

void drift_feature_window_advance(struct feature_window *window, int64_t now_ms)
{
    if (window->spec.kind == WINDOW_DURATION)
        window_advance_panes(window, pane_at(window, now_ms));
}

void drift_feature_window_reset(struct feature_window *window)
{
    tally_clear(&window->total, window->cells);
    window->ring.begin = window->ring.length = 0;
    window->dropped = 0;
    window->started = false;
    window->newest = 0;
    for (size_t i = 0; window->pane && i < WINDOW_PANES; i++)
        if (window->pane[i].observations > 0)
            tally_clear(&window->pane[i], window->cells);
    window_recount(window);
}
