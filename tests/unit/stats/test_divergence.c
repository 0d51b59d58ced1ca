/* test_divergence.c - histogram scores against tests/vectors/histograms.csv, and invariants. */
#include "stats/divergence.h"
#include "vector_file.h"

#include <errno.h>

#define MAX_BINS                 100
#define SCORE_RELATIVE_TOLERANCE 1e-12
/* drift_psi_term() sees shares that are rounded already; a bin can be off by this much. */
#define PSI_ABSOLUTE_TOLERANCE 1e-15
#define P_RELATIVE_TOLERANCE   1e-10
#define HISTOGRAM_MIN_CASES    90

struct histogram_pair {
    uint64_t ref[MAX_BINS], cur[MAX_BINS];
    size_t bins;
    uint64_t n, m;
};

struct scores {
    double psi, chi_square, jensen_shannon, hellinger, l_infinity;
    size_t dof;
};

static size_t parse_counts(const char *text, uint64_t *counts, uint64_t *ret_total)
{
    size_t bins = 0;
    *ret_total = 0;
    while (*text != '\0') {
        char *end;
        assert_true(bins < MAX_BINS);
        counts[bins] = strtoull(text, &end, 10);
        assert_true(end != text);
        *ret_total += counts[bins++];
        text = *end == ' ' ? end + 1 : end;
    }
    return bins;
}

static void read_pair(const struct vector_file *v, struct histogram_pair *pair)
{
    pair->bins = parse_counts(v->cell[0], pair->ref, &pair->n);
    assert_int_equal(parse_counts(v->cell[1], pair->cur, &pair->m), pair->bins);
}

static struct scores score(const struct histogram_pair *h)
{
    struct scores s;
    assert_int_equal(drift_psi_score(h->ref, h->cur, h->bins, &s.psi), 0);
    assert_int_equal(drift_chi_square_score(h->ref, h->cur, h->bins, &s.chi_square, &s.dof), 0);
    assert_int_equal(drift_jensen_shannon_score(h->ref, h->cur, h->bins, &s.jensen_shannon), 0);
    assert_int_equal(drift_hellinger_score(h->ref, h->cur, h->bins, &s.hellinger), 0);
    assert_int_equal(drift_l_infinity_score(h->ref, h->cur, h->bins, &s.l_infinity), 0);
    return s;
}

static void assert_scores(const struct vector_file *v, const struct scores *s)
{
    assert_near("psi", v->line, s->psi, vector_number(v, 2), SCORE_RELATIVE_TOLERANCE,
                PSI_ABSOLUTE_TOLERANCE);
    assert_near("chi_square", v->line, s->chi_square, vector_number(v, 3), SCORE_RELATIVE_TOLERANCE,
                0);
    assert_int_equal(s->dof, vector_count(v, 4));
    assert_near("jensen_shannon", v->line, s->jensen_shannon, vector_number(v, 5),
                SCORE_RELATIVE_TOLERANCE, 0);
    assert_near("hellinger", v->line, s->hellinger, vector_number(v, 6), SCORE_RELATIVE_TOLERANCE,
                0);
    assert_near("l_infinity", v->line, s->l_infinity, vector_number(v, 7), SCORE_RELATIVE_TOLERANCE,
                0);
}

/* From the score in the file, so that the tail is tested and not the score again. */
static void assert_p_values(const struct vector_file *v, const struct histogram_pair *h, size_t dof)
{
    static const struct p_value {
        const char *name;
        double (*call)(double score, uint64_t n, uint64_t m, size_t dof);
        size_t score, p;
    } p_values[] = {
        {"psi_p_value", drift_psi_p_value, 2, 8},
        {"jensen_shannon_p_value", drift_jensen_shannon_p_value, 5, 9},
        {"hellinger_p_value", drift_hellinger_p_value, 6, 10},
    };
    for (size_t i = 0; i < sizeof(p_values) / sizeof(p_values[0]); i++) {
        double expected = vector_number(v, p_values[i].p);
        double p = p_values[i].call(vector_number(v, p_values[i].score), h->n, h->m, dof);
        /* The file has 0 for what is below 1e-300. */
        assert_near(p_values[i].name, v->line, p, expected, P_RELATIVE_TOLERANCE,
                    expected > 0 ? 0 : 1e-300);
    }
}

static void test_vectors(void **state)
{
    struct vector_file file;
    struct histogram_pair pair;
    unsigned cases = 0;

    (void)state;
    vector_file_open(&file, "histograms.csv");
    for (; vector_file_next(&file); cases++) {
        read_pair(&file, &pair);
        struct scores s = score(&pair);
        assert_scores(&file, &s);
        assert_p_values(&file, &pair, s.dof);
    }
    vector_file_close(&file);
    assert_true(cases >= HISTOGRAM_MIN_CASES);
}

static void swap_sides(struct histogram_pair *h)
{
    struct histogram_pair copy = *h;
    memcpy(h->ref, copy.cur, sizeof(h->ref));
    memcpy(h->cur, copy.ref, sizeof(h->cur));
    h->n = copy.m;
    h->m = copy.n;
}

static void test_symmetric(void **state)
{
    struct vector_file file;
    struct histogram_pair pair;

    (void)state;
    vector_file_open(&file, "histograms.csv");
    while (vector_file_next(&file)) {
        read_pair(&file, &pair);
        struct scores one = score(&pair);
        swap_sides(&pair);
        struct scores other = score(&pair);
        assert_near("psi", file.line, other.psi, one.psi, 1e-13, PSI_ABSOLUTE_TOLERANCE);
        assert_true(other.chi_square == one.chi_square && other.dof == one.dof);
        assert_true(other.jensen_shannon == one.jensen_shannon);
        assert_true(other.hellinger == one.hellinger);
        assert_true(other.l_infinity == one.l_infinity);
    }
    vector_file_close(&file);
}

static void assert_same_bits(const struct scores *a, const struct scores *b)
{
    assert_memory_equal(&a->psi, &b->psi, sizeof(a->psi));
    assert_memory_equal(&a->chi_square, &b->chi_square, sizeof(a->chi_square));
    assert_memory_equal(&a->jensen_shannon, &b->jensen_shannon, sizeof(a->jensen_shannon));
    assert_memory_equal(&a->hellinger, &b->hellinger, sizeof(a->hellinger));
    assert_memory_equal(&a->l_infinity, &b->l_infinity, sizeof(a->l_infinity));
    assert_int_equal(a->dof, b->dof);
}

/* Bins that are empty on both sides change no bit, wherever they stand. */
static void test_empty_bins_do_not_count(void **state)
{
    const struct histogram_pair dense = {{40, 9, 51}, {3, 12, 8}, 3, 100, 23};
    const struct histogram_pair sparse = {{0, 40, 0, 9, 51, 0}, {0, 3, 0, 12, 8, 0}, 6, 100, 23};
    (void)state;
    struct scores a = score(&dense), b = score(&sparse);
    assert_same_bits(&a, &b);
    assert_int_equal(a.dof, 2);
}

/* Equal shares give exactly 0, at any size. */
static void test_equal_shares_are_zero(void **state)
{
    (void)state;
    for (uint64_t factor = 1; factor <= 1000000007; factor = factor * 31 + 7) {
        struct histogram_pair h = {{1, 0, 7, 300, 20}, {0}, 5, 328, 328 * factor};
        for (size_t i = 0; i < h.bins; i++)
            h.cur[i] = h.ref[i] * factor;
        struct scores s = score(&h);
        assert_true(fabs(s.psi) < 1e-30);
        assert_true(s.chi_square == 0 && s.jensen_shannon == 0);
        assert_true(s.hellinger == 0 && s.l_infinity == 0);
    }
}

static void test_disjoint_is_one(void **state)
{
    const struct histogram_pair h = {{3, 0, 5, 0, 9}, {0, 11, 0, 2, 0}, 5, 17, 13};
    (void)state;
    struct scores s = score(&h);
    assert_near("jensen_shannon", 0, s.jensen_shannon, 1, 1e-15, 0);
    assert_near("hellinger", 0, s.hellinger, 1, 1e-15, 0);
    assert_near("chi_square", 0, s.chi_square, 30, 1e-14, 0);
    assert_true(s.jensen_shannon <= 1 && s.hellinger <= 1);
}

/* The known values of the floor: both sides, not renormalised. */
static void test_psi_floor(void **state)
{
    (void)state;
    assert_near("psi_term", 0, drift_psi_term(0.25, 0), (0.25 - 1e-4) * log(2500), 1e-15, 0);
    assert_near("psi_term", 1, drift_psi_term(0, 0.25), drift_psi_term(0.25, 0), 1e-15, 0);
    assert_true(drift_psi_term(0, 0) == 0);
    assert_true(drift_psi_term(5e-5, 1e-9) == 0);
    assert_true(drift_psi_term(0.3, 0.3) == 0);
    assert_true(isnan(drift_psi_term(NAN, 0.5)));
    assert_true(isnan(drift_psi_term(0.5, NAN)));
}

static void test_errors_leave_outputs(void **state)
{
    const uint64_t some[2] = {1, 2}, none[2] = {0, 0};
    double value = 7;
    size_t dof = 7;
    (void)state;
    static int (*const simple[])(const uint64_t *, const uint64_t *, size_t, double *) = {
        drift_psi_score, drift_jensen_shannon_score, drift_hellinger_score, drift_l_infinity_score};
    for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]); i++) {
        assert_int_equal(simple[i](some, none, 2, &value), -ENODATA);
        assert_int_equal(simple[i](none, some, 2, &value), -ENODATA);
        assert_int_equal(simple[i](some, some, 0, &value), -EINVAL);
    }
    assert_int_equal(drift_chi_square_score(some, none, 2, &value, &dof), -ENODATA);
    assert_int_equal(drift_chi_square_score(none, some, 2, &value, &dof), -ENODATA);
    assert_int_equal(drift_chi_square_score(some, some, 0, &value, &dof), -EINVAL);
    assert_true(value == 7);
    assert_int_equal(dof, 7);
}

static void test_p_value_edges(void **state)
{
    (void)state;
    assert_true(drift_psi_p_value(0.4, 100, 100, 0) == 1);
    assert_true(drift_psi_p_value(0.4, 0, 100, 9) == 1);
    assert_true(drift_jensen_shannon_p_value(0.4, 100, 0, 9) == 1);
    assert_true(drift_hellinger_p_value(0, 100, 100, 9) == 1);
    assert_true(isnan(drift_psi_p_value(NAN, 100, 100, 9)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_symmetric),
        cmocka_unit_test(test_empty_bins_do_not_count),
        cmocka_unit_test(test_equal_shares_are_zero),
        cmocka_unit_test(test_disjoint_is_one),
        cmocka_unit_test(test_psi_floor),
        cmocka_unit_test(test_errors_leave_outputs),
        cmocka_unit_test(test_p_value_edges),
    };
    return cmocka_run_group_tests_name("divergence", tests, NULL, NULL);
}
