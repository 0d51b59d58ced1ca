/* test_feature_window.c - after every observation, a window's scores are bit for bit those of the
 * values it holds, recomputed from scratch. */
#include "random_stream.h"
#include "stats/divergence.h"
#include "stats/feature_window.h"
#include "stats/ks.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

/* What the window should hold, as a plain list. */
struct held {
    double x[5000];
    int64_t at[5000];
    size_t begin, end;
};

static uint64_t held_finite(const struct held *held, double *finite)
{
    uint64_t m = 0;
    for (size_t i = held->begin; i < held->end; i++)
        if (isfinite(held->x[i]))
            finite[m++] = held->x[i];
    qsort(finite, m, sizeof(*finite), compare_values);
    return m;
}

static size_t at_or_below(const double *sorted, size_t count, double x)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (sorted[middle] <= x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The definition: both distribution functions at every value of either sample. */
static double brute_force_d(const double *ref, size_t n, const double *cur, size_t m)
{
    int64_t widest = 0;
    for (size_t i = 0; i < n + m; i++) {
        const double x = i < n ? ref[i] : cur[i - n];
        const int64_t apart =
            llabs((int64_t)(n * at_or_below(cur, m, x)) - (int64_t)(m * at_or_below(ref, n, x)));
        widest = apart > widest ? apart : widest;
    }
    return (double)widest / (double)(n * m);
}

struct subject {
    struct numeric_reference ref;
    double *sorted; /* finite rows of the reference */
    size_t n;
    struct feature_window *window;
    struct held held;
};

static void subject_init(struct subject *subject, uint64_t *seed, enum stream_shape shape,
                         size_t rows, size_t bins, const struct window_spec *spec)
{
    memset(subject, 0, sizeof(*subject));
    double *x = random_values(seed, shape, rows);
    assert_int_equal(drift_numeric_reference_init(&subject->ref, x, rows, bins, 0), 0);
    for (size_t i = 0; i < rows; i++)
        if (isfinite(x[i]))
            x[subject->n++] = x[i];
    qsort(x, subject->n, sizeof(*x), compare_values);
    subject->sorted = x;
    assert_int_equal(drift_feature_window_create(&subject->ref, NULL, spec, &subject->window), 0);
}

static void subject_finish(struct subject *subject)
{
    drift_feature_window_destroy(subject->window);
    drift_numeric_reference_finish(&subject->ref);
    free(subject->sorted);
}

static void expect_bits(double got, double expected, const char *what)
{
    if (bits_of(got) != bits_of(expected))
        fail_msg("%s: got %.17g, expected %.17g", what, got, expected);
}

static void check_ks(const struct subject *subject)
{
    double cur[5000], d = -1;
    const size_t m = held_finite(&subject->held, cur);
    const int r = drift_feature_window_score(subject->window, METHOD_KS_TEST, &d);
    if (m == 0 || subject->n == 0) {
        assert_int_equal(r, -ENODATA);
        return;
    }
    assert_int_equal(r, 0);
    expect_bits(d, brute_force_d(subject->sorted, subject->n, cur, m), "ks_test");
    double batch;
    assert_int_equal(drift_ks_distance(subject->sorted, subject->n, cur, m, &batch), 0);
    expect_bits(batch, d, "ks_distance");
}

static void check_bins(const struct subject *subject)
{
    const struct held *held = &subject->held;
    uint64_t expected[REFERENCE_MAX_HISTOGRAM] = {0};
    size_t bins;
    const uint64_t *got = drift_feature_window_bins(subject->window, &bins);
    for (size_t i = held->begin; i < held->end; i++)
        expected[subject->ref
                     .bin_of_cell[drift_numeric_reference_classify(&subject->ref, held->x[i])]]++;
    assert_int_equal(bins, subject->ref.bins);
    for (size_t i = 0; i < bins; i++)
        assert_int_equal(got[i], expected[i]);
    double psi = -1, psi_expected = -2;
    const int r = drift_feature_window_score(subject->window, METHOD_PSI, &psi);
    assert_int_equal(r, drift_psi_score(subject->ref.bin_count, expected, bins, &psi_expected));
    if (r == 0)
        expect_bits(psi, psi_expected, "psi");
}

static void check_counts(const struct subject *subject)
{
    const struct held *held = &subject->held;
    const struct window_counts counts = drift_feature_window_counts(subject->window);
    uint64_t missing = 0, positive = 0, negative = 0;
    for (size_t i = held->begin; i < held->end; i++) {
        missing += isnan(held->x[i]);
        positive += held->x[i] == INFINITY;
        negative += held->x[i] == -INFINITY;
    }
    assert_int_equal(counts.observations, held->end - held->begin);
    assert_int_equal(counts.missing, missing);
    assert_int_equal(counts.positive_infinite, positive);
    assert_int_equal(counts.negative_infinite, negative);
    assert_int_equal(counts.dropped, 0);
}

/* A fresh window that sees the held values backwards must agree in every number. */
static void check_against_fresh(const struct subject *subject)
{
    const struct window_spec all = {.kind = WINDOW_ALL};
    struct feature_window *fresh;
    assert_int_equal(drift_feature_window_create(&subject->ref, NULL, &all, &fresh), 0);
    for (size_t i = subject->held.end; i-- > subject->held.begin;)
        drift_feature_window_observe_number(fresh, subject->held.x[i], 0);
    for (int method = 0; method < METHOD_COUNT; method++) {
        double a = -1, b = -1;
        const int r = drift_feature_window_score(subject->window, method, &a);
        assert_int_equal(drift_feature_window_score(fresh, method, &b), r);
        expect_bits(a, b, drift_method_name(method));
        double p = -1, q = -1;
        if (r == 0) {
            const int s = drift_feature_window_p_value(subject->window, method, a, &p);
            assert_int_equal(drift_feature_window_p_value(fresh, method, b, &q), s);
            expect_bits(p, q, drift_method_name(method));
            if (s == 0 && !(p >= 0 && p <= 1))
                fail_msg("%s: p-value %g", drift_method_name(method), p);
        }
    }
    const struct window_moments x = drift_feature_window_moments(subject->window);
    const struct window_moments y = drift_feature_window_moments(fresh);
    expect_bits(x.mean, y.mean, "mean");
    expect_bits(x.deviation, y.deviation, "deviation");
    expect_bits(x.min, y.min, "min");
    expect_bits(x.max, y.max, "max");
    for (double p = 0; p <= 1; p += 0.125)
        expect_bits(drift_feature_window_quantile(subject->window, p),
                    drift_feature_window_quantile(fresh, p), "quantile");
    expect_bits(drift_feature_window_missing_p(subject->window),
                drift_feature_window_missing_p(fresh), "missing_p");
    drift_feature_window_destroy(fresh);
}

static void check_all(const struct subject *subject, size_t step)
{
    check_counts(subject);
    check_ks(subject);
    check_bins(subject);
    if (step % 29 == 0)
        check_against_fresh(subject);
}

static void hold(struct held *held, double x, int64_t now)
{
    held->x[held->end] = x;
    held->at[held->end++] = now;
}

static void run_count_window(uint64_t *seed, size_t rows, size_t observations, size_t steps)
{
    static struct subject subject;
    const struct window_spec spec = {.kind = WINDOW_COUNT, .observations = observations};
    const enum stream_shape ref_shape = random_shape(seed);
    enum stream_shape shape = random_shape(seed);
    subject_init(&subject, seed, ref_shape, rows, 2 + random_below(seed, 63), &spec);
    for (size_t i = 0; i < steps; i++) {
        if (random_below(seed, 100) == 0)
            shape = random_shape(seed);
        const double x = random_below(seed, 4) == 0 && subject.n > 0
                             ? subject.sorted[random_below(seed, subject.n)]
                             : random_value(seed, shape);
        drift_feature_window_observe_number(subject.window, x, 0);
        hold(&subject.held, x, 0);
        if (subject.held.end - subject.held.begin > observations)
            subject.held.begin++;
        check_all(&subject, i);
    }
    subject_finish(&subject);
}

static void test_count_windows(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (size_t i = 0; i < 60; i++)
        run_count_window(&seed, 1 + random_below(&seed, i % 2 == 0 ? 30 : 2000),
                         1 + random_below(&seed, 300), 400);
}

static void test_count_windows_fresh_seed(void **state)
{
    (void)state;
    uint64_t seed = fresh_seed();
    for (size_t i = 0; i < 20; i++)
        run_count_window(&seed, 1 + random_below(&seed, 2000), 1 + random_below(&seed, 300), 500);
}

/* Panes are [i, i + 1) * pane_ms; the window is the newest one and the 59 before it. */
static void run_duration_window(uint64_t *seed, size_t rows, int64_t duration_ms, size_t steps)
{
    static struct subject subject;
    const struct window_spec spec = {.kind = WINDOW_DURATION, .duration_ms = duration_ms};
    const double pane_ms = (double)((duration_ms + WINDOW_PANES - 1) / WINDOW_PANES);
    const enum stream_shape ref_shape = random_shape(seed);
    const enum stream_shape shape = random_shape(seed);
    subject_init(&subject, seed, ref_shape, rows, 10, &spec);
    struct held *held = &subject.held;
    int64_t now = -500, latest = INT64_MIN;
    for (size_t i = 0; i < steps; i++) {
        now += (int64_t)random_below(seed, (size_t)duration_ms / 20) - duration_ms / 100;
        if (random_below(seed, 150) == 0)
            now += (int64_t)random_below(seed, 2 * (size_t)duration_ms);
        latest = now > latest ? now : latest;
        const double x = random_value(seed, shape);
        if (random_below(seed, 8) == 0) {
            drift_feature_window_advance(subject.window, now);
        } else {
            drift_feature_window_observe_number(subject.window, x, now);
            hold(held, x, latest);
        }
        while (held->begin < held->end && floor((double)held->at[held->begin] / pane_ms) <=
                                              floor((double)latest / pane_ms) - WINDOW_PANES)
            held->begin++;
        check_all(&subject, i);
    }
    subject_finish(&subject);
}

static void test_duration_windows(void **state)
{
    (void)state;
    uint64_t seed = 2;
    const int64_t durations[] = {60, 61, 599, 1000, 60000, 900000};
    for (size_t i = 0; i < 24; i++)
        run_duration_window(&seed, 1 + random_below(&seed, 1000), durations[i % 6], 300);
}

static void test_everything_window(void **state)
{
    (void)state;
    static struct subject subject;
    uint64_t seed = 3;
    for (int shape = 0; shape < STREAM_SHAPES; shape++) {
        const struct window_spec spec = {.kind = WINDOW_ALL};
        subject_init(&subject, &seed, shape, 700, 10, &spec);
        for (size_t i = 0; i < 300; i++) {
            const double x = random_value(&seed, i % 3 == 0 ? STREAM_DIRTY : shape);
            drift_feature_window_observe_number(subject.window, x, 0);
            hold(&subject.held, x, 0);
            check_all(&subject, i);
        }
        drift_feature_window_reset(subject.window);
        subject.held.begin = subject.held.end;
        check_all(&subject, 0);
        subject_finish(&subject);
    }
}

/* Many at once, in groups of many sizes, are the same bytes as one after the other. */
static void test_many_at_once(void **state)
{
    (void)state;
    static const struct window_spec specs[] = {
        {.kind = WINDOW_ALL},
        {.kind = WINDOW_COUNT, .observations = 150},
        {.kind = WINDOW_DURATION, .duration_ms = 60},
    };
    static unsigned char one_state[1 << 18], many_state[1 << 18];
    uint64_t seed = 11;
    for (int shape = 0; shape < STREAM_SHAPES; shape++)
        for (size_t s = 0; s < 3; s++) {
            static struct subject one;
            struct feature_window *many;
            subject_init(&one, &seed, shape, 900, 10, &specs[s]);
            assert_int_equal(drift_feature_window_create(&one.ref, NULL, &specs[s], &many), 0);
            for (size_t count = 0; count < 600; count += 1 + count / 4) {
                double x[600];
                for (size_t i = 0; i < count; i++) {
                    x[i] = random_value(&seed, i % 5 == 0 ? STREAM_DIRTY : shape);
                    drift_feature_window_observe_number(one.window, x[i], (int64_t)count);
                }
                drift_feature_window_observe_numbers(many, x, count, (int64_t)count);
            }
            const size_t size = drift_feature_window_save(one.window, one_state, sizeof(one_state));
            assert_true(size <= sizeof(one_state));
            assert_int_equal(drift_feature_window_save(many, many_state, sizeof(many_state)), size);
            assert_memory_equal(one_state, many_state, size);
            double a = -1, b = -2;
            assert_int_equal(drift_feature_window_score(one.window, METHOD_KS_TEST, &a),
                             drift_feature_window_score(many, METHOD_KS_TEST, &b));
            if (a >= 0)
                expect_bits(a, b, "ks_test");
            drift_feature_window_destroy(many);
            subject_finish(&one);
        }
}

static double score(const struct feature_window *window, enum drift_method method)
{
    double value = -1;
    assert_int_equal(drift_feature_window_score(window, method, &value), 0);
    return value;
}

static struct feature_window *window_over(const struct numeric_reference *ref, const double *x,
                                          size_t count)
{
    const struct window_spec spec = {.kind = WINDOW_ALL};
    struct feature_window *window;
    assert_int_equal(drift_feature_window_create(ref, NULL, &spec, &window), 0);
    for (size_t i = 0; i < count; i++)
        drift_feature_window_observe_number(window, x[i], 0);
    return window;
}

static void test_known_values(void **state)
{
    (void)state;
    const double ref_rows[] = {1, 2, 3, 4}, same[] = {4, 3, 2, 1}, apart[] = {10, 11, 12, 13};
    struct numeric_reference ref;
    assert_int_equal(drift_numeric_reference_init(&ref, ref_rows, 4, 2, 0), 0);
    struct feature_window *a = window_over(&ref, same, 4), *b = window_over(&ref, apart, 4);
    assert_true(score(a, METHOD_KS_TEST) == 0);
    assert_true(score(a, METHOD_PSI) == 0);
    assert_true(score(a, METHOD_CHI_SQUARE) == 0);
    assert_true(score(a, METHOD_WASSERSTEIN) == 0);
    assert_true(score(b, METHOD_KS_TEST) == 1);
    assert_true(score(b, METHOD_JENSEN_SHANNON) <= 1);
    /* Every value moved by 9; the sample deviation of 1..4 is sqrt(5/3). */
    assert_true(fabs(score(b, METHOD_WASSERSTEIN) - 9 / sqrt(5.0 / 3)) < 1e-14);
    assert_true(drift_feature_window_wasserstein_bound(b) == 0);
    /* scipy.stats.cramervonmises_2samp([1, 2, 3, 4], [10, 11, 12, 13]).statistic */
    assert_true(fabs(score(b, METHOD_CRAMER_VON_MISES) - 0.6875) < 1e-15);
    double p;
    assert_int_equal(drift_feature_window_p_value(b, METHOD_WASSERSTEIN, 1, &p), -ENODATA);
    assert_int_equal(drift_feature_window_score(b, METHOD_L_INFINITY, &p), -ENOTSUP);
    drift_feature_window_destroy(a);
    drift_feature_window_destroy(b);
    drift_numeric_reference_finish(&ref);
}

/* All missing and all finite must differ on the bins, and KS must say that it cannot tell. */
static void test_reference_without_values(void **state)
{
    (void)state;
    const double missing[] = {NAN, NAN, NAN}, finite[] = {1, 2, 3};
    struct numeric_reference ref;
    assert_int_equal(drift_numeric_reference_init(&ref, missing, 3, 10, 0), 0);
    struct feature_window *window = window_over(&ref, finite, 3);
    double value;
    assert_int_equal(drift_feature_window_score(window, METHOD_KS_TEST, &value), -ENODATA);
    assert_int_equal(drift_feature_window_score(window, METHOD_WASSERSTEIN, &value), -ENODATA);
    assert_int_equal(drift_feature_window_score(window, METHOD_CRAMER_VON_MISES, &value), -ENODATA);
    assert_true(score(window, METHOD_PSI) > 10);
    assert_true(score(window, METHOD_HELLINGER) == 1);
    assert_true(drift_feature_window_quantile(window, 0.5) == 2);
    assert_true(isnan(drift_feature_window_wasserstein_bound(window)));
    drift_feature_window_destroy(window);
    drift_numeric_reference_finish(&ref);
}

/* A constant reference has no deviation: the distance is then in the feature's unit. */
static void test_constant_reference(void **state)
{
    (void)state;
    const double constant[] = {5, 5, 5}, moved[] = {7, 7, 5, 5};
    struct numeric_reference ref;
    assert_int_equal(drift_numeric_reference_init(&ref, constant, 3, 10, 0), 0);
    struct feature_window *window = window_over(&ref, moved, 4);
    assert_true(score(window, METHOD_KS_TEST) == 0.5);
    assert_true(score(window, METHOD_WASSERSTEIN) == 1);
    assert_true(score(window, METHOD_PSI) > 1);
    drift_feature_window_destroy(window);
    drift_numeric_reference_finish(&ref);
}

static void test_categories(void **state)
{
    (void)state;
    const char *rows[] = {"a", "b", "a", NULL, "c", "a", "b", "a"};
    struct categorical_reference ref;
    assert_int_equal(drift_categorical_reference_init(&ref, rows, 8, 100), 0);
    const struct window_spec spec = {.kind = WINDOW_COUNT, .observations = 5};
    struct feature_window *window;
    assert_int_equal(drift_feature_window_create(NULL, &ref, &spec, &window), 0);
    uint64_t seed = 4, held[5] = {0};
    for (size_t i = 0; i < 300; i++) {
        uint64_t bin[6] = {0};
        const uint32_t code = (uint32_t)random_below(&seed, 8);
        drift_feature_window_observe_category(window, code, 0);
        held[i % 5] = code > 5 ? categorical_code_unseen(&ref) : code;
        for (size_t j = 0; j < 5 && j <= i; j++)
            bin[held[j]]++;
        size_t bins;
        assert_memory_equal(drift_feature_window_bins(window, &bins), bin, sizeof(bin));
        assert_int_equal(bins, 6);
        double expected;
        assert_int_equal(drift_psi_score(ref.bin_count, bin, 6, &expected), 0);
        expect_bits(score(window, METHOD_PSI), expected, "psi");
        assert_int_equal(drift_feature_window_counts(window).unseen, bin[4]);
        assert_int_equal(drift_feature_window_counts(window).missing, bin[5]);
        assert_int_equal(drift_feature_window_score(window, METHOD_KS_TEST, &expected), -ENOTSUP);
    }
    drift_feature_window_destroy(window);
    drift_categorical_reference_finish(&ref);
}

static void test_bad_specs(void **state)
{
    (void)state;
    const double row = 1;
    struct numeric_reference ref;
    struct feature_window *window = NULL;
    assert_int_equal(drift_numeric_reference_init(&ref, &row, 1, 10, 0), 0);
    const struct window_spec bad[] = {
        {.kind = WINDOW_COUNT, .observations = 0},
        {.kind = WINDOW_COUNT, .observations = WINDOW_MAX_OBSERVATIONS + 1},
        {.kind = WINDOW_DURATION, .duration_ms = WINDOW_PANES - 1},
        {.kind = WINDOW_DURATION, .duration_ms = INT64_MAX},
        {.kind = (enum window_kind)77},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(drift_feature_window_create(&ref, NULL, &bad[i], &window), -EINVAL);
    const struct window_spec good = {.kind = WINDOW_ALL};
    assert_int_equal(drift_feature_window_create(NULL, NULL, &good, &window), -EINVAL);
    assert_null(window);
    drift_feature_window_destroy(NULL);
    drift_numeric_reference_finish(&ref);
}

/* The ends of time must not overflow. */
static void test_extreme_times(void **state)
{
    (void)state;
    const double row = 1;
    struct numeric_reference ref;
    struct feature_window *window;
    const struct window_spec spec = {.kind = WINDOW_DURATION, .duration_ms = 60};
    assert_int_equal(drift_numeric_reference_init(&ref, &row, 1, 10, 0), 0);
    assert_int_equal(drift_feature_window_create(&ref, NULL, &spec, &window), 0);
    drift_feature_window_observe_number(window, 1, INT64_MIN);
    assert_int_equal(drift_feature_window_counts(window).observations, 1);
    drift_feature_window_observe_number(window, 1, INT64_MAX);
    assert_int_equal(drift_feature_window_counts(window).observations, 1);
    drift_feature_window_observe_number(window, 1, 0);
    assert_int_equal(drift_feature_window_counts(window).observations, 2);
    drift_feature_window_destroy(window);
    drift_numeric_reference_finish(&ref);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count_windows),
        cmocka_unit_test(test_count_windows_fresh_seed),
        cmocka_unit_test(test_duration_windows),
        cmocka_unit_test(test_everything_window),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_reference_without_values),
        cmocka_unit_test(test_constant_reference),
        cmocka_unit_test(test_categories),
        cmocka_unit_test(test_bad_specs),
        cmocka_unit_test(test_extreme_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
