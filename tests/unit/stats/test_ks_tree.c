/* test_ks_tree.c - the tree's D against its definition, and how many nodes a change may cost. */
#include "random_stream.h"
#include "stats/ks.h"
#include "stats/ks_tree.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct grid {
    uint32_t *reference, *current;
    size_t values;
    struct ks_tree tree;
};

static void grid_init(struct grid *grid, uint64_t *seed, size_t values, uint32_t max_count)
{
    grid->values = values;
    grid->reference = calloc(values + 1, sizeof(uint32_t));
    grid->current = calloc(2 * values + 1, sizeof(uint32_t));
    assert_non_null(grid->reference);
    assert_non_null(grid->current);
    for (size_t i = 0; i < values; i++)
        grid->reference[i] = 1 + (uint32_t)random_below(seed, max_count);
    assert_int_equal(drift_ks_tree_init(&grid->tree, grid->reference, values, grid->current), 0);
}

static void grid_finish(struct grid *grid)
{
    drift_ks_tree_finish(&grid->tree);
    free(grid->reference);
    free(grid->current);
}

static uint64_t definition(const struct grid *grid)
{
    int64_t n = 0, m = 0, c = 0, f = 0, widest = 0;
    for (size_t i = 0; i < grid->values; i++)
        n += grid->reference[i];
    for (size_t i = 0; i < 2 * grid->values + 1; i++)
        m += grid->current[i];
    for (size_t i = 0; i < 2 * grid->values + 1; i++) {
        c += grid->current[i];
        f += i % 2 == 1 ? grid->reference[i / 2] : 0;
        const int64_t apart = llabs(n * c - m * f);
        widest = apart > widest ? apart : widest;
    }
    return (uint64_t)widest;
}

static void add(struct grid *grid, size_t cell)
{
    grid->current[cell]++;
    drift_ks_tree_insert(&grid->tree, (uint32_t)cell);
}

static void take(struct grid *grid, size_t cell)
{
    grid->current[cell]--;
    drift_ks_tree_remove(&grid->tree, (uint32_t)cell);
}

static void swap(struct grid *grid, size_t in, size_t out)
{
    grid->current[in]++;
    grid->current[out]--;
    drift_ks_tree_replace(&grid->tree, (uint32_t)in, (uint32_t)out);
}

static size_t occupied_cell(const struct grid *grid, uint64_t *seed)
{
    size_t cell = random_below(seed, 2 * grid->values + 1);
    while (grid->current[cell] == 0)
        cell = cell == 2 * grid->values ? 0 : cell + 1;
    return cell;
}

/* Cells drawn evenly, from one end, or from few cells. */
static size_t draw_cell(const struct grid *grid, uint64_t *seed, int shape)
{
    const size_t cells = 2 * grid->values + 1;
    if (shape == 0)
        return random_below(seed, cells);
    if (shape == 1)
        return random_below(seed, 1 + cells / 8);
    return (random_below(seed, 3) * (cells - 1)) / 2;
}

static void test_matches_definition(void **state)
{
    (void)state;
    uint64_t seed = 11;
    for (int round = 0; round < 120; round++) {
        struct grid grid;
        size_t m = 0;
        grid_init(&grid, &seed,
                  round % 2 == 0 ? 1 + random_below(&seed, 40) : 1 + random_below(&seed, 1500),
                  round % 3 == 0 ? 1 : 5);
        for (int step = 0; step < 400; step++) {
            const size_t cell = draw_cell(&grid, &seed, round % 3);
            const size_t kind = random_below(&seed, 5);
            if (m == 0 || kind <= 1) {
                add(&grid, cell);
                m++;
            } else if (kind == 2) {
                take(&grid, occupied_cell(&grid, &seed));
                m--;
            } else {
                swap(&grid, cell, occupied_cell(&grid, &seed));
            }
            assert_int_equal(drift_ks_tree_numerator(&grid.tree), definition(&grid));
        }
        grid_finish(&grid);
    }
}

static void test_rebuild(void **state)
{
    (void)state;
    uint64_t seed = 12;
    struct grid grid;
    grid_init(&grid, &seed, 777, 4);
    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < 2 * grid.values + 1; i++)
            grid.current[i] = (uint32_t)random_below(&seed, 3);
        drift_ks_tree_rebuild(&grid.tree);
        assert_int_equal(drift_ks_tree_numerator(&grid.tree), definition(&grid));
        for (int i = 0; i < 20; i++)
            take(&grid, occupied_cell(&grid, &seed));
        assert_int_equal(drift_ks_tree_numerator(&grid.tree), definition(&grid));
        for (int i = 0; i < 100; i++) {
            const size_t cell = occupied_cell(&grid, &seed);
            grid.current[cell]--;
            drift_ks_tree_touch(&grid.tree, (uint32_t)cell);
        }
        drift_ks_tree_update(&grid.tree, grid.tree.m - 100);
        assert_int_equal(drift_ks_tree_numerator(&grid.tree), definition(&grid));
    }
    grid_finish(&grid);
}

static void test_no_values(void **state)
{
    (void)state;
    uint64_t seed = 13;
    struct grid grid;
    grid_init(&grid, &seed, 0, 1);
    assert_true(isnan(drift_ks_tree_distance(&grid.tree)));
    add(&grid, 0);
    swap(&grid, 0, 0);
    assert_true(isnan(drift_ks_tree_distance(&grid.tree)));
    take(&grid, 0);
    grid_finish(&grid);
}

/* The largest counts that the contract allows: products of nearly 2^62. */
static void test_largest_counts(void **state)
{
    (void)state;
    const uint32_t reference[2] = {INT32_MAX - 1, 1};
    uint32_t current[5] = {0, 0, 0, 0, INT32_MAX - 1};
    struct ks_tree tree;
    assert_int_equal(drift_ks_tree_init(&tree, reference, 2, current), 0);
    assert_true(drift_ks_tree_distance(&tree) == 1);
    current[0]++;
    drift_ks_tree_insert(&tree, 0);
    assert_int_equal(drift_ks_tree_numerator(&tree),
                     (uint64_t)INT32_MAX * INT32_MAX - (uint64_t)INT32_MAX);
    drift_ks_tree_finish(&tree);
}

/* Visits per change, on average, in units of log2(values). */
static double cost(const struct grid *grid, uint64_t visits, size_t changes)
{
    return (double)visits / (double)changes / log2((double)grid->values);
}

/* A replacement climbs two paths of log2(values / 8) + 1 nodes; measured, a kinetic change costs
 * at most 1.6. */
#define STEADY_COST   2.0
#define FILLING_COST  2.0
#define SAWTOOTH_COST 2.5

static void expect_cost(const char *what, const struct grid *grid, double got, double limit)
{
    print_message("%s, %zu values: %.2f log2(values) visits per change\n", what, grid->values, got);
    if (got > limit)
        fail_msg("%s: more than %.1f", what, limit);
}

static void check_costs(size_t values, size_t window, int shape)
{
    uint64_t seed = 14;
    struct grid grid;
    grid_init(&grid, &seed, values, 1);
    uint64_t before = grid.tree.visits;
    for (size_t i = 0; i < window; i++)
        add(&grid, draw_cell(&grid, &seed, shape));
    expect_cost("filling", &grid, cost(&grid, grid.tree.visits - before, window), FILLING_COST);

    before = grid.tree.visits;
    for (size_t i = 0; i < 2000; i++)
        swap(&grid, draw_cell(&grid, &seed, shape), occupied_cell(&grid, &seed));
    expect_cost("full", &grid, cost(&grid, grid.tree.visits - before, 2000), STEADY_COST);

    /* Missing values come and go: the number of finite ones moves up and down. */
    before = grid.tree.visits;
    for (size_t i = 0; i < 1000; i++) {
        take(&grid, occupied_cell(&grid, &seed));
        add(&grid, draw_cell(&grid, &seed, shape));
    }
    expect_cost("up and down", &grid, cost(&grid, grid.tree.visits - before, 2000), SAWTOOTH_COST);

    /* A pane expires as a whole, then the window fills again: twenty times. */
    before = grid.tree.visits;
    const size_t pane = window / 60 + 1;
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < pane; i++) {
            const size_t cell = occupied_cell(&grid, &seed);
            grid.current[cell]--;
            drift_ks_tree_touch(&grid.tree, (uint32_t)cell);
        }
        drift_ks_tree_update(&grid.tree, grid.tree.m - (uint32_t)pane);
        for (size_t i = 0; i < pane; i++)
            add(&grid, draw_cell(&grid, &seed, shape));
    }
    expect_cost("panes", &grid, cost(&grid, grid.tree.visits - before, 20 * pane), SAWTOOTH_COST);
    assert_int_equal(drift_ks_tree_numerator(&grid.tree), definition(&grid));
    grid_finish(&grid);
}

static void test_costs(void **state)
{
    (void)state;
    check_costs(100000, 100000, 0);
    for (int shape = 0; shape < 3; shape++) {
        check_costs(1000, 200, shape);
        check_costs(1000, 5000, shape);
        check_costs(10000, 1000, shape);
        check_costs(100000, 1000, shape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches_definition),
        cmocka_unit_test(test_rebuild),
        cmocka_unit_test(test_no_values),
        cmocka_unit_test(test_largest_counts),
        cmocka_unit_test(test_costs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
