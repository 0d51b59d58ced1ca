/* Unit tests of score/forest: trees that are no trees, and files made by hand. Predictions of the
 * programs themselves are compared in test_forest_vectors.py. */
#include "score/forest/load.h"
#include "score/forest/ranks.h"

#include "corpus.h"
#include "random_stream.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

static struct error error;

static struct forest_branch leaf(double value, uint32_t id)
{
    return (struct forest_branch){
        .left = FOREST_LEAF, .right = FOREST_LEAF, .value = value, .id = id};
}

static struct forest_branch split(uint32_t left, uint32_t right, double threshold, unsigned flags)
{
    return (struct forest_branch){
        .left = left, .right = right, .threshold = threshold, .flags = (uint16_t)flags};
}

static struct forest empty(size_t features)
{
    struct forest forest;

    assert_int_equal(forest_init(&forest, features, &error), 0);
    assert_int_equal(forest_set_outputs(&forest, 1, &error), 0);
    return forest;
}

/* Rows of a call: a block and some more. */
#define ROWS (RANKS_ROWS + 9)

/* That rows together have the margins that each has alone, by each of the ways. rows: [ROWS]. */
static void compare_ways(const struct forest *forest, const double *rows)
{
    static double together[ROWS * FOREST_SMALL_OUTPUTS];
    double alone[FOREST_SMALL_OUTPUTS];

    for (size_t kernel = 0; kernel < (forest->ranks ? ranks_kernels() : 1); kernel++) {
        if (forest->ranks)
            ranks_choose_kernel(forest->ranks, kernel);
        forest_margins(forest, rows, ROWS, forest->tree_count, together);
        for (size_t r = 0; r < ROWS; r++) {
            forest_margins(forest, rows + r * forest->column_count, 1, forest->tree_count, alone);
            assert_memory_equal(together + r * forest->outputs, alone,
                                forest->outputs * sizeof(*alone));
        }
    }
}

static double margin(const struct forest *forest, double x)
{
    double rows[ROWS], alone = 0;

    for (size_t i = 0; i < ROWS; i++) {
        rows[i] = x;
        forest_prepare(forest, &rows[i]);
    }
    compare_ways(forest, rows);
    forest_margins(forest, rows, 1, forest->tree_count, &alone);
    return alone;
}

/* Thresholds at the ends of the doubles, in both senses of "left". */
static void test_thresholds(void **state)
{
    static const double limits[] = {-INFINITY, -1.0, -0.0, 5e-324, 1.0, 1.7976931348623157e308,
                                    INFINITY};
    static const double values[] = {-INFINITY, -1.7976931348623157e308, -1.0,    0.0, 5e-324,
                                    1.0,       1.7976931348623157e308,  INFINITY};

    (void)state;
    for (size_t l = 0; l < sizeof(limits) / sizeof(limits[0]); l++)
        for (unsigned nan_right = 0; nan_right < 2; nan_right++) {
            const unsigned flags = nan_right ? FOREST_NAN_RIGHT : 0;
            const struct forest_branch below[] = {split(1, 2, limits[l], flags), leaf(1, 1),
                                                  leaf(2, 2)};
            const struct forest_branch at_most[] = {
                split(1, 2, forest_threshold_at_most(limits[l]), flags), leaf(10, 1), leaf(20, 2)};
            struct forest forest = empty(1);

            assert_int_equal(forest_add_tree(&forest, below, 3, &error), 0);
            assert_int_equal(forest_add_tree(&forest, at_most, 3, &error), 0);
            assert_int_equal(forest_complete(&forest, &error), 0);
            for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
                const double want =
                    (values[v] < limits[l] ? 1.0 : 2.0) + (values[v] <= limits[l] ? 10.0 : 20.0);

                if (margin(&forest, values[v]) != want)
                    fail_msg("%g against %g: got %g, want %g", values[v], limits[l],
                             margin(&forest, values[v]), want);
            }
            assert_true(margin(&forest, NAN) == (nan_right ? 22.0 : 11.0));
            forest_finish(&forest);
        }
}

static void test_refuses_what_is_no_tree(void **state)
{
    const struct forest_branch self[] = {split(0, 1, 0, 0), leaf(1, 1)};
    const struct forest_branch cycle[] = {split(1, 2, 0, 0), split(0, 2, 0, 0), leaf(1, 2)};
    const struct forest_branch wild[] = {split(1, 3, 0, 0), leaf(1, 1), leaf(2, 2)};
    const struct forest_branch half[] = {split(1, FOREST_LEAF, 0, 0), leaf(1, 1), leaf(2, 2)};
    struct forest_branch column[] = {split(1, 2, 0, 0), leaf(1, 1), leaf(2, 2)};
    struct forest forest = empty(1);

    (void)state;
    column[0].column = 1;
    assert_int_equal(forest_add_tree(&forest, self, 2, &error), -EINVAL);
    assert_non_null(strstr(error.text, "leads back"));
    assert_int_equal(forest_add_tree(&forest, cycle, 3, &error), -EINVAL);
    assert_int_equal(forest_add_tree(&forest, wild, 3, &error), -EINVAL);
    assert_non_null(strstr(error.text, "has a child 3"));
    assert_int_equal(forest_add_tree(&forest, half, 3, &error), -EINVAL);
    assert_int_equal(forest_add_tree(&forest, column, 3, &error), -EINVAL);
    assert_non_null(strstr(error.text, "feature 1 of 1"));
    assert_int_equal(forest_add_tree(&forest, self, 0, &error), -EINVAL);
    assert_int_equal(forest_complete(&forest, &error), -EINVAL);
    assert_non_null(strstr(error.text, "no trees"));
    forest_finish(&forest);
}

/* A chain of 100 000 levels takes as many steps, and no stack. */
static void test_deep_chain(void **state)
{
    enum { LEVELS = 100000 };
    struct forest_branch *chain = calloc(2 * LEVELS + 1, sizeof(*chain));
    struct forest forest = empty(1);

    (void)state;
    assert_non_null(chain);
    for (uint32_t i = 0; i < LEVELS; i++) {
        chain[2 * i] = split(2 * i + 1, 2 * i + 2, i, 0);
        chain[2 * i + 1] = leaf(i, 2 * i + 1);
    }
    chain[2 * LEVELS] = leaf(LEVELS, 2 * LEVELS);
    assert_int_equal(forest_add_tree(&forest, chain, 2 * LEVELS + 1, &error), 0);
    assert_int_equal(forest_complete(&forest, &error), 0);
    assert_true(margin(&forest, 77777.5) == 77778);
    assert_true(margin(&forest, 1e9) == LEVELS);
    forest_finish(&forest);
    free(chain);
}

/* --- many rows at once --- */

/* A tree of `leaves` leaves, split at random. thresholds: so many different ones, float32. */
static void add_random_tree(struct forest *forest, uint64_t *stream, size_t leaves,
                            size_t thresholds, uint32_t output)
{
    struct forest_branch branches[2 * 300];
    size_t count = 1;

    branches[0] = leaf(random_unit(stream), 0);
    while (count + 1 < 2 * leaves) {
        const size_t at = random_below(stream, count);

        if (branches[at].left != FOREST_LEAF)
            continue;
        branches[at] = split((uint32_t)count, (uint32_t)count + 1,
                             (double)(float)(0.37 * (double)random_below(stream, thresholds)),
                             random_below(stream, 2) ? FOREST_NAN_RIGHT : 0);
        branches[at].id = (uint32_t)at;
        branches[at].column = (uint32_t)random_below(stream, forest->features);
        for (size_t i = 0; i < 2; i++, count++)
            branches[count] = leaf(random_unit(stream) - 0.5, (uint32_t)count);
    }
    assert_int_equal(forest_add_tree(forest, branches, count, &error), 0);
    forest->trees[forest->tree_count - 1].output = output;
}

static void compare_random_forest(uint64_t seed, size_t leaves, size_t thresholds, bool narrow,
                                  bool expect_ranks)
{
    enum { FEATURES = 3, TREES = 40 };
    static const double special[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0};
    uint64_t stream = seed;
    struct forest forest = empty(FEATURES);
    double rows[ROWS * FEATURES];

    assert_int_equal(forest_set_outputs(&forest, 3, &error), 0);
    forest.narrow_cells = forest.narrow_sums = narrow;
    for (size_t t = 0; t < TREES; t++)
        add_random_tree(&forest, &stream, 1 + random_below(&stream, leaves), thresholds,
                        (uint32_t)random_below(&stream, 3));
    assert_int_equal(forest_complete(&forest, &error), 0);
    assert_int_equal(forest.ranks != NULL, expect_ranks);
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        rows[i] = random_below(&stream, 8) == 0
                      ? special[random_below(&stream, sizeof(special) / sizeof(special[0]))]
                      : 0.37 * (double)random_below(&stream, thresholds + 2) -
                            (double)random_below(&stream, 2) * 0.1;
    for (size_t r = 0; r < ROWS; r++)
        forest_prepare(&forest, rows + r * FEATURES);
    compare_ways(&forest, rows);
    forest_finish(&forest);
}

static void test_many_rows(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        const bool narrow = seed % 2;

        compare_random_forest(seed, 8, 5, narrow, true);
        compare_random_forest(seed, 40, 30, narrow, true);
        compare_random_forest(seed, 100, 255, narrow, true);
        compare_random_forest(seed, 100, 3000, narrow, false); /* more thresholds than ranks */
        compare_random_forest(seed, 299, 20, narrow, false);   /* a tree of too many leaves */
    }
}

/* --- files made by hand --- */

static int parse(const char *text, struct forest *forest)
{
    char *copy = strdup(text);
    int rc;

    assert_non_null(copy);
    rc = forest_parse(copy, strlen(copy), forest, &error);
    free(copy);
    return rc;
}

#define TREE                                                                                       \
    "{\"default_left\":[true,false,false],\"left_children\":[1,-1,-1],"                            \
    "\"right_children\":[2,-1,-1],\"split_conditions\":[0.5,-1,2.5],\"split_indices\":[0,0,0]}"
#define XGBOOST(base, objective, version)                                                          \
    "{\"learner\":{\"gradient_booster\":{\"model\":{\"tree_info\":[0],\"trees\":[" TREE            \
    "]},\"name\":\"gbtree\"},\"learner_model_param\":{\"base_score\":\"" base                      \
    "\",\"num_class\":\"0\",\"num_feature\":\"1\"},\"objective\":{\"name\":\"" objective           \
    "\"}},\"version\":" version "}"

/* As version 1.0 wrote it: no split types, directions as true and false. */
static void test_oldest_xgboost(void **state)
{
    struct forest forest;

    (void)state;
    assert_int_equal(parse(XGBOOST("5E-1", "reg:squarederror", "[1,0,0]"), &forest), 0);
    assert_true(margin(&forest, 0.25) == -0.5);
    assert_true(margin(&forest, 0.5) == 3.0);
    assert_true(margin(&forest, NAN) == -0.5);
    assert_string_equal(forest.warning, "");
    forest_finish(&forest);
}

/* A base score is a probability or a rate where the objective has a link, and a margin elsewhere.
 */
static void test_base_scores(void **state)
{
    static const struct {
        const char *text;
        float want;
    } cases[] = {
        {XGBOOST("[2E-1]", "binary:logistic", "[3,4,0]"), -1.3862944f},
        {XGBOOST("2E-1", "binary:logistic", "[3,0,0]"), -1.3862944f},
        {XGBOOST("[2E-1]", "binary:logitraw", "[3,4,0]"), 0.2f},
        {XGBOOST("[2E0]", "count:poisson", "[3,4,0]"), 0.6931472f},
        {XGBOOST("[5E-1]", "reg:squarederror", "[3,4,0]"), 0.5f},
        {XGBOOST("[1E2]", "rank:pairwise", "[3,4,0]"), 100.0f},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct forest forest;

        assert_int_equal(parse(cases[i].text, &forest), 0);
        if ((float)forest.base[0] != cases[i].want)
            fail_msg("case %zu: got %.9g, want %.9g", i, forest.base[0], (double)cases[i].want);
        forest_finish(&forest);
    }
}

static void test_newer_version_warns(void **state)
{
    struct forest forest;

    (void)state;
    assert_int_equal(parse(XGBOOST("[5E-1]", "reg:squarederror", "[4,0,0]"), &forest), 0);
    assert_non_null(strstr(forest.warning, "XGBoost 4.0, newer than 3.4"));
    assert_non_null(strstr(forest.warning, "validate --expect"));
    forest_finish(&forest);
}

#define LIGHTGBM(version, objective, leaves, features, left, linear)                               \
    "tree\nversion=" version "\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\n"        \
    "objective=" objective "\nfeature_names=x\n\nTree=0\nnum_leaves=" leaves                       \
    "\nsplit_feature=" features "\nthreshold=0.5\ndecision_type=2\nleft_child=" left               \
    "\nright_child=-2\nleaf_value=1 2\nis_linear=" linear "\n\n\nend of trees\n"

static void test_lightgbm_by_hand(void **state)
{
    struct forest forest;

    (void)state;
    assert_int_equal(parse(LIGHTGBM("v3", "regression", "2", "0", "-1", "0"), &forest), 0);
    assert_true(margin(&forest, 0.5) == 1);
    assert_true(margin(&forest, nextafter(0.5, 1)) == 2);
    assert_true(margin(&forest, NAN) == 1);
    forest_finish(&forest);
}

static void test_refused_files(void **state)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "empty"},
        {"hello", "neither JSON nor UBJSON nor LightGBM's text"},
        {"{}", "not an XGBoost model: it has no learner"},
        {XGBOOST("[5E-1", "reg:squarederror", "[3,4,0]"), "its base_score is"},
        {XGBOOST("[1,2]", "reg:squarederror", "[3,4,0]"), "its base_score is"},
        {XGBOOST("0", "count:poisson", "[3,4,0]"), "its base_score is"},
        {XGBOOST("[5E-1]", "reg:guess", "[3,4,0]"), "its objective is \"reg:guess\""},
        {XGBOOST("[5E-1]", "multi:softprob", "[3,4,0]"), "with 0 classes"},
        {XGBOOST("[5E-1]", "reg:squarederror", "[3,4,0]") "x", "something follows"},
        {LIGHTGBM("v1", "regression", "2", "0", "-1", "0"), "its version is \"v1\""},
        {LIGHTGBM("v4", "guess", "2", "0", "-1", "0"), "its objective is \"guess\""},
        {LIGHTGBM("v4", "regression", "2", "0", "0", "0"), "leads back"},
        {LIGHTGBM("v4", "regression", "2", "0", "7", "0"), "has a child"},
        {LIGHTGBM("v4", "regression", "2", "1", "-1", "0"), "names feature 1 of 1"},
        {LIGHTGBM("v4", "regression", "2", "x", "-1", "0"), "split_feature: found \"x\""},
        {LIGHTGBM("v4", "regression", "3", "0", "-1", "0"), "has 1 numbers, expected 2"},
        {LIGHTGBM("v4", "regression", "4000000000", "0", "-1", "0"), "num_leaves is 4000000000"},
        {LIGHTGBM("v4", "regression", "2", "0", "-1", "1"), "linear tree"},
        {LIGHTGBM("v4", "multiclass num_class:3", "2", "0", "-1", "0"), "with 1 outputs"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct forest forest;
        int rc = parse(cases[i].text, &forest);

        if (rc != -EINVAL || !strstr(error.text, cases[i].part))
            fail_msg("case %zu: got %d, \"%s\", want \"%s\"", i, rc, error.text, cases[i].part);
    }
}

/* --- what fuzzing found --- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const char *path, const char *bytes, size_t length)
{
    (void)path;
    assert_int_equal(LLVMFuzzerTestOneInput((const uint8_t *)bytes, length), 0);
}

static void test_corpus(void **state)
{
    (void)state;
    assert_true(corpus_replay("forest", replay) >= 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thresholds),          cmocka_unit_test(test_refuses_what_is_no_tree),
        cmocka_unit_test(test_deep_chain),          cmocka_unit_test(test_many_rows),
        cmocka_unit_test(test_oldest_xgboost),      cmocka_unit_test(test_base_scores),
        cmocka_unit_test(test_newer_version_warns), cmocka_unit_test(test_lightgbm_by_hand),
        cmocka_unit_test(test_refused_files),       cmocka_unit_test(test_corpus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
