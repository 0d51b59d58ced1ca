/* test_window_state.c - saving, restoring and merging windows, and refusing damaged bytes. */
#include "corpus.h"
#include "random_stream.h"
#include "stats/feature_window.h"
#include "window_state_input.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct bytes {
    uint8_t *data;
    size_t size;
};

static struct bytes save(const struct feature_window *window)
{
    struct bytes bytes = {.size = drift_feature_window_save(window, NULL, 0)};
    bytes.data = calloc(bytes.size, 1);
    assert_non_null(bytes.data);
    /* One byte too few: nothing is written. */
    assert_int_equal(drift_feature_window_save(window, bytes.data, bytes.size - 1), bytes.size);
    assert_int_equal(bytes.data[0], 0);
    assert_int_equal(drift_feature_window_save(window, bytes.data, bytes.size), bytes.size);
    return bytes;
}

static void expect_same_state(const struct feature_window *a, const struct feature_window *b)
{
    struct bytes x = save(a), y = save(b);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    free(x.data);
    free(y.data);
}

struct fixture {
    struct numeric_reference numeric;
    struct categorical_reference categorical;
    struct window_spec spec;
    int is_numeric;
};

static void fixture_init(struct fixture *fixture, uint64_t *seed, int round)
{
    static const char *const names[] = {"red", "green", "blue", "red", "red", NULL};
    const struct window_spec specs[] = {
        {.kind = WINDOW_COUNT, .observations = 1 + random_below(seed, 100)},
        {.kind = WINDOW_DURATION, .duration_ms = 60 + (int64_t)random_below(seed, 5000)},
        {.kind = WINDOW_ALL},
    };
    const size_t count = 1 + random_below(seed, 500);
    double *rows = random_values(seed, random_shape(seed), count);
    *fixture = (struct fixture){.spec = specs[round % 3], .is_numeric = round % 4 != 0};
    assert_int_equal(drift_numeric_reference_init(&fixture->numeric, rows, count, 10, 0), 0);
    assert_int_equal(drift_categorical_reference_init(&fixture->categorical, names, 6, 2), 0);
    free(rows);
}

static void fixture_finish(struct fixture *fixture)
{
    drift_numeric_reference_finish(&fixture->numeric);
    drift_categorical_reference_finish(&fixture->categorical);
}

static struct feature_window *open_window(const struct fixture *fixture)
{
    struct feature_window *window;
    assert_int_equal(drift_feature_window_create(fixture->is_numeric ? &fixture->numeric : NULL,
                                                 fixture->is_numeric ? NULL : &fixture->categorical,
                                                 &fixture->spec, &window),
                     0);
    return window;
}

static void observe(const struct fixture *fixture, struct feature_window *window, double x,
                    int64_t now)
{
    if (fixture->is_numeric)
        drift_feature_window_observe_number(window, x, now);
    else
        drift_feature_window_observe_category(window, isfinite(x) ? (uint32_t)(bits_of(x) % 5) : 3,
                                              now);
}

/* A stream with its times; ascending, sometimes by more than the window. */
static size_t make_stream(uint64_t *seed, double *x, int64_t *at)
{
    const size_t count = random_below(seed, 300);
    int64_t now = -2000;
    for (size_t i = 0; i < count; i++) {
        now += (int64_t)random_below(seed, 60);
        now += random_below(seed, 100) == 0 ? 4000 : 0;
        x[i] = random_value(seed, i % 7 == 0 ? STREAM_ANY_FINITE : STREAM_DIRTY);
        at[i] = now;
    }
    return count;
}

/* A window restored from a prefix, and one merged from two parts, continue as the whole does. */
static void run_identity(uint64_t *seed, int round)
{
    struct fixture fixture;
    double x[300];
    int64_t at[300];
    fixture_init(&fixture, seed, round);
    const size_t count = make_stream(seed, x, at), cut = random_below(seed, count + 1);
    const size_t second = cut + random_below(seed, count - cut + 1);
    struct feature_window *whole = open_window(&fixture), *first = open_window(&fixture),
                          *later = open_window(&fixture), *restored = open_window(&fixture);
    for (size_t i = 0; i < count; i++)
        observe(&fixture, restored, -x[i], at[i]);
    for (size_t i = 0; i < second; i++) {
        observe(&fixture, whole, x[i], at[i]);
        observe(&fixture, i < cut ? first : later, x[i], at[i]);
    }
    assert_int_equal(drift_feature_window_merge(first, later), 0);
    expect_same_state(first, whole);
    struct bytes bytes = save(first);
    assert_int_equal(drift_feature_window_restore(restored, bytes.data, bytes.size), 0);
    expect_same_state(restored, whole);
    for (size_t i = second; i < count; i++) {
        observe(&fixture, whole, x[i], at[i]);
        observe(&fixture, restored, x[i], at[i]);
        observe(&fixture, first, x[i], at[i]);
    }
    expect_same_state(restored, whole);
    expect_same_state(first, whole);
    for (int method = 0; method < METHOD_COUNT; method++) {
        double a = -1, b = -1, c = -1;
        const int r = drift_feature_window_score(whole, method, &a);
        assert_int_equal(drift_feature_window_score(restored, method, &b), r);
        assert_int_equal(drift_feature_window_score(first, method, &c), r);
        assert_true(bits_of(a) == bits_of(b) && bits_of(a) == bits_of(c));
    }
    free(bytes.data);
    drift_feature_window_destroy(whole);
    drift_feature_window_destroy(first);
    drift_feature_window_destroy(later);
    drift_feature_window_destroy(restored);
    fixture_finish(&fixture);
}

static void test_identity(void **state)
{
    (void)state;
    uint64_t seed = 41;
    for (int round = 0; round < 240; round++)
        run_identity(&seed, round);
}

static void test_identity_fresh_seed(void **state)
{
    (void)state;
    uint64_t seed = fresh_seed();
    for (int round = 0; round < 120; round++)
        run_identity(&seed, round);
}

static struct feature_window *filled_window(const struct fixture *fixture, uint64_t *seed)
{
    struct feature_window *window = open_window(fixture);
    for (int i = 0; i < 60; i++)
        observe(fixture, window, random_value(seed, STREAM_DIRTY), i * 7);
    return window;
}

/* Whatever restore takes, it must be able to use, and save as it was. */
static void use(struct feature_window *window, const struct bytes *bytes)
{
    double value;
    struct bytes again = save(window);
    assert_int_equal(again.size, bytes->size);
    assert_memory_equal(again.data, bytes->data, again.size);
    free(again.data);
    for (int method = 0; method < METHOD_COUNT; method++)
        (void)!drift_feature_window_score(window, method, &value);
    (void)drift_feature_window_moments(window);
    (void)drift_feature_window_quantile(window, 0.5);
    for (int i = 0; i < 30; i++) {
        drift_feature_window_observe_number(window, i, i * 200);
        drift_feature_window_observe_category(window, (uint32_t)i % 5, i * 200);
    }
    drift_feature_window_advance(window, 1 << 30);
}

static void test_damage(void **state)
{
    (void)state;
    uint64_t seed = 42;
    size_t taken = 0;
    for (int round = 0; round < 12; round++) {
        struct fixture fixture;
        fixture_init(&fixture, &seed, round);
        struct feature_window *window = filled_window(&fixture, &seed);
        struct feature_window *other = filled_window(&fixture, &seed);
        struct bytes good = save(window);
        for (size_t size = 0; size < good.size; size++)
            assert_int_equal(drift_feature_window_restore(window, good.data, size), -EINVAL);
        for (int i = 0; i < 1500; i++) {
            struct bytes bad = {malloc(good.size), good.size};
            memcpy(bad.data, good.data, good.size);
            const size_t at = random_below(&seed, good.size);
            bad.data[at] ^= (uint8_t)(1 + random_below(&seed, 255));
            assert_int_equal(drift_feature_window_restore(window, bad.data, bad.size), -EINVAL);
            /* So that damage reaches the checks behind the checksum. */
            state_seal(bad.data, bad.size);
            const int r = drift_feature_window_restore(other, bad.data, bad.size);
            assert_true(r == 0 || r == -EINVAL);
            if (r == 0)
                use(other, &bad);
            taken += r == 0;
            free(bad.data);
        }
        struct bytes after = save(window);
        assert_memory_equal(after.data, good.data, good.size);
        free(after.data);
        free(good.data);
        drift_feature_window_destroy(window);
        drift_feature_window_destroy(other);
        fixture_finish(&fixture);
    }
    /* Other values in a ring are a valid state, so the second half of `use` has been run. */
    assert_true(taken > 0);
}

static void test_mismatch(void **state)
{
    (void)state;
    uint64_t seed = 43;
    struct fixture a, b;
    fixture_init(&a, &seed, 1);
    fixture_init(&b, &seed, 1);
    b.spec = a.spec;
    struct feature_window *x = filled_window(&a, &seed), *y = filled_window(&b, &seed);
    struct bytes bytes = save(y);
    assert_int_equal(drift_feature_window_restore(x, bytes.data, bytes.size), -EINVAL);
    assert_int_equal(drift_feature_window_merge(x, y), -EINVAL);
    assert_int_equal(drift_feature_window_merge(x, x), -EINVAL);
    a.spec.duration_ms++;
    struct feature_window *z = filled_window(&a, &seed);
    assert_int_equal(drift_feature_window_merge(x, z), -EINVAL);
    a.is_numeric = 0;
    struct feature_window *category = filled_window(&a, &seed);
    assert_int_equal(drift_feature_window_merge(category, z), -EINVAL);
    free(bytes.data);
    drift_feature_window_destroy(x);
    drift_feature_window_destroy(y);
    drift_feature_window_destroy(z);
    drift_feature_window_destroy(category);
    fixture_finish(&a);
    fixture_finish(&b);
}

/* The format itself: a change of these bytes needs a new version number. */
static void test_layout(void **state)
{
    (void)state;
    const double rows[] = {1, 2};
    struct fixture fixture = {.spec = {.kind = WINDOW_COUNT, .observations = 3}, .is_numeric = 1};
    assert_int_equal(drift_numeric_reference_init(&fixture.numeric, rows, 2, 2, 0), 0);
    struct feature_window *window = open_window(&fixture);
    for (int i = 0; i < 5; i++)
        observe(&fixture, window, i == 4 ? NAN : i / 2.0, 0);
    struct bytes bytes = save(window);
    static const uint8_t expected[] = {'D', 'R', 'F', 'W', 2, 0, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t ring[] = {3, 0, 0, 0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0xf0, 0x3f,
                                   0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f};
    assert_int_equal(bytes.size, 64);
    assert_memory_equal(bytes.data, expected, sizeof(expected));
    assert_memory_equal(bytes.data + 24, ring, sizeof(ring));
    free(bytes.data);
    drift_feature_window_destroy(window);
    drift_numeric_reference_finish(&fixture.numeric);
}

static void replay(const char *path, const char *bytes, size_t length)
{
    (void)path;
    state_replay((const uint8_t *)bytes, length);
}

static void test_corpus(void **state)
{
    (void)state;
    assert_true(corpus_replay("window_state", replay) >= 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity), cmocka_unit_test(test_identity_fresh_seed),
        cmocka_unit_test(test_damage),   cmocka_unit_test(test_mismatch),
        cmocka_unit_test(test_layout),   cmocka_unit_test(test_corpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
