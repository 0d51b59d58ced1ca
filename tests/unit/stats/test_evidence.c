/* test_evidence.c - Holm's procedure against its definition as a closed test, and the methods. */
#include "stats/evidence.h"
#include "vector_file.h"

#define MAX_TESTS 10
#define ROUNDS    3000

/* xorshift64*, seeded, so that a failure repeats. */
static uint64_t random_state = 0x9e3779b97f4a7c15u;

static double random_share(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (double)((random_state * 0x2545f4914f6cdd1du) >> 11) * 0x1p-53;
}

/* Smallest p of the subset, which must be free of NaN, and the subset's size. */
static double smallest_of(const double *p, size_t count, unsigned subset, size_t *ret_size)
{
    double smallest = INFINITY;
    *ret_size = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(subset >> i & 1))
            continue;
        ++*ret_size;
        smallest = fmin(smallest, p[i]);
    }
    return smallest;
}

static unsigned made_tests(const double *p, size_t count)
{
    unsigned made = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(p[i]))
            made |= 1u << i;
    return made;
}

/* Holm is the closed test by Bonferroni: a hypothesis falls when every set of hypotheses that
 * contains it has a p of at most alpha divided by the set's size. */
static bool closed_test(const double *p, size_t count, double alpha, size_t hypothesis)
{
    unsigned made = made_tests(p, count);
    for (unsigned subset = 1; subset < 1u << count; subset++) {
        size_t size;
        if (!(subset >> hypothesis & 1) || (subset & ~made) != 0)
            continue;
        double smallest = smallest_of(p, count, subset, &size);
        if (smallest > alpha / (double)size)
            return false;
    }
    return (made >> hypothesis & 1) != 0;
}

static void assert_holm(const double *p, size_t count, double alpha, int round)
{
    size_t order[MAX_TESTS];
    bool significant[MAX_TESTS];

    for (size_t i = 0; i < count; i++)
        significant[i] = i % 2 == 0;
    drift_holm(p, count, alpha, order, significant);
    for (size_t i = 0; i < count; i++) {
        bool expected = closed_test(p, count, alpha, i);
        if (significant[i] != expected)
            fail_msg("round %d, p[%zu] = %.17g of %zu, alpha %g: got %d, expected %d", round, i,
                     p[i], count, alpha, significant[i], expected);
    }
}

static double random_p(void)
{
    double kind = random_share();
    if (kind < 0.1)
        return NAN;
    if (kind < 0.2)
        return 0;
    if (kind < 0.3)
        return 0.05 / ceil(random_share() * MAX_TESTS);
    return random_share() * (kind < 0.8 ? 0.05 : 1);
}

static void test_holm_is_the_closed_test(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        double p[MAX_TESTS];
        size_t count = (size_t)(random_share() * (MAX_TESTS + 1));
        for (size_t i = 0; i < count; i++)
            p[i] = i > 0 && random_share() < 0.2 ? p[i - 1] : random_p();
        assert_holm(p, count, 0.05, round);
    }
}

/* Two and four rejections, where alpha / 4 throughout would give two and one. */
static void test_holm_steps_down(void **state)
{
    const double p[] = {0.01, 0.04, 0.03, 0.005};
    size_t order[4];
    bool significant[4];
    (void)state;
    drift_holm(p, 4, 0.05, order, significant);
    assert_true(significant[3] && significant[0]);
    assert_false(significant[2] || significant[1]);
    drift_holm(p, 4, 0.09, order, significant);
    for (size_t i = 0; i < 4; i++)
        assert_true(significant[i]);
}

static void test_holm_without_tests(void **state)
{
    const double p[] = {NAN, NAN};
    size_t order[2];
    bool significant[2] = {true, true};
    (void)state;
    drift_holm(p, 2, 0.05, order, significant);
    assert_false(significant[0] || significant[1]);
    drift_holm(p, 0, 0.05, order, significant);
}

/* Many tests: the order of the input does not matter, and the cut is where it should be. */
static void test_holm_large(void **state)
{
    enum { COUNT = 20000 };
    static double p[COUNT];
    static size_t order[COUNT];
    static bool significant[COUNT];
    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        p[i * 7919 % COUNT] = i < 5000 ? 1e-9 * (double)i / COUNT : 0.5;
    drift_holm(p, COUNT, 0.05, order, significant);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(significant[i], p[i] < 0.5);
}

static void test_method_names(void **state)
{
    static const char *const names[] = {"ks_test",          "psi",       "chi_square",
                                        "jensen_shannon",   "hellinger", "wasserstein",
                                        "cramer_von_mises", "l_infinity"};
    (void)state;
    assert_int_equal(sizeof(names) / sizeof(names[0]), METHOD_COUNT);
    for (int i = 0; i < METHOD_COUNT; i++)
        assert_string_equal(drift_method_name((enum drift_method)i), names[i]);
    assert_null(drift_method_name(METHOD_COUNT));
    assert_null(drift_method_name((enum drift_method) - 1));
}

static void test_method_applies(void **state)
{
    (void)state;
    for (int i = 0; i < METHOD_COUNT; i++) {
        enum drift_method method = (enum drift_method)i;
        int numeric_only = method == METHOD_KS_TEST || method == METHOD_WASSERSTEIN ||
                           method == METHOD_CRAMER_VON_MISES;
        assert_int_equal(drift_method_applies(method, FEATURE_NUMERIC),
                         method != METHOD_L_INFINITY);
        assert_int_equal(drift_method_applies(method, FEATURE_CATEGORICAL), !numeric_only);
    }
    assert_false(drift_method_applies(METHOD_COUNT, FEATURE_NUMERIC));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holm_is_the_closed_test),
        cmocka_unit_test(test_holm_steps_down),
        cmocka_unit_test(test_holm_without_tests),
        cmocka_unit_test(test_holm_large),
        cmocka_unit_test(test_method_names),
        cmocka_unit_test(test_method_applies),
    };
    return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
