/* test_urn_feature.c - discount, rule, rehearsal and missing values of an urn's feature. */
#include "random_stream.h"
#include "stats/urn_feature.h"
#include "stats/urn_order.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS 10000

static const struct urn_rule rule = {.budget = 4e6,
                                     .materiality = URN_DEFAULT_MATERIALITY,
                                     .confirmation_rows = URN_DEFAULT_CONFIRMATION_ROWS,
                                     .resolve_rows = URN_DEFAULT_RESOLVE_ROWS,
                                     .adopt_rows = 0};

struct watched {
    struct urn_bets_pool pool;
    struct urn_feature *feature;
};

static void watch(struct watched *watched, const double *rows, size_t count, bool ordered)
{
    const struct urn_feature_spec spec = {
        .rows = count, .numbers = rows, .ordered = ordered, .start = 1, .rule = rule};
    watched->pool = (struct urn_bets_pool){0};
    assert_int_equal(drift_urn_feature_create(&spec, &watched->pool, &watched->feature), 0);
}

static void watched_finish(struct watched *watched)
{
    drift_urn_feature_destroy(watched->feature);
    drift_urn_bets_pool_finish(&watched->pool);
}

static double *normal_rows(uint64_t seed)
{
    return random_values(&seed, STREAM_NORMAL, ROWS);
}

/* Rows until the event, or 0. */
static size_t rows_until(struct watched *watched, enum urn_part part, enum urn_event event,
                         const double *rows, size_t count, double shift, double start,
                         const struct urn_rule *with)
{
    enum urn_event events[URN_PARTS];
    for (size_t i = 0; i < count; i++) {
        drift_urn_feature_observe_number(watched->feature, with, rows[i] + shift, start, events);
        if (events[part] == event)
            return i + 1;
        if (event != URN_ADOPTED)
            assert_int_equal(events[part], URN_NOTHING);
    }
    return 0;
}

static void test_page_and_resolve(void **state)
{
    (void)state;
    double *reference = normal_rows(1), *rows = normal_rows(2);
    struct watched watched;
    watch(&watched, reference, ROWS, true);
    assert_int_equal(rows_until(&watched, URN_VALUES, URN_PAGE, rows, 5000, 0, 1, &rule), 0);
    const size_t delay =
        rows_until(&watched, URN_VALUES, URN_PAGE, rows + 5000, 1000, 0.5, 1, &rule);
    assert_in_range(delay, 60, 250);
    const struct urn_report report = drift_urn_feature_report(watched.feature, URN_VALUES);
    assert_true(report.watched && report.episode.open && report.discount == 1);
    /* a column without any missing value is constant */
    assert_true(drift_urn_feature_report(watched.feature, URN_MISSINGNESS).discount == 1);
    assert_int_equal(report.episode.change.kind, URN_UP);
    assert_true(fabs(report.episode.deviations - 0.5) < 0.15);
    assert_int_equal(report.episode.opened, 5000 + delay);
    assert_true(fabs(report.episode.change.rows - (double)delay) < 60);
    assert_in_range(rows_until(&watched, URN_VALUES, URN_RESOLVED, rows + 6000, 1000, 0, 1, &rule),
                    20, 300);
    assert_false(drift_urn_feature_report(watched.feature, URN_VALUES).episode.open);
    watched_finish(&watched);
    free(reference);
    free(rows);
}

static void test_small_change_is_a_notice(void **state)
{
    (void)state;
    double *reference = normal_rows(1), *rows = normal_rows(2);
    struct urn_rule strict = rule;
    struct watched watched;
    strict.materiality = 0.9;
    watch(&watched, reference, ROWS, true);
    assert_true(rows_until(&watched, URN_VALUES, URN_NOTICE, rows, 1000, 0.5, 1, &strict) > 0);
    const struct urn_report report = drift_urn_feature_report(watched.feature, URN_VALUES);
    assert_int_equal(report.episode.notices, 1);
    assert_int_equal(report.episode.pages, 0);
    assert_true(report.evidence == 0);
    watched_finish(&watched);
    free(reference);
    free(rows);
}

/* A thousand rows a second, with seconds as budget: what was a page at one row a second, with a
 * budget of as many rows, needs evidence a thousand times larger, which seven nats bring. */
static void test_budget_per_time(void **state)
{
    (void)state;
    double *reference = normal_rows(1), *rows = normal_rows(2);
    size_t delay[2];
    for (int i = 0; i < 2; i++) {
        struct watched watched;
        watch(&watched, reference, ROWS, true);
        delay[i] =
            rows_until(&watched, URN_VALUES, URN_PAGE, rows, 2000, 0.5, i == 0 ? 1 : 0.001, &rule);
        watched_finish(&watched);
    }
    assert_in_range(delay[0], 60, 250);
    assert_in_range(delay[1], delay[0] + 20, delay[0] + 150);
    free(reference);
    free(rows);
}

/* A quarter without rows must not page by itself. */
static void test_gap_is_no_evidence(void **state)
{
    (void)state;
    double *reference = normal_rows(1), *rows = normal_rows(3);
    struct watched watched;
    enum urn_event events[URN_PARTS];
    watch(&watched, reference, ROWS, true);
    for (size_t i = 0; i < ROWS; i++) {
        drift_urn_feature_observe_number(watched.feature, &rule, rows[i], i % 3000 == 500 ? 8e6 : 1,
                                         events);
        assert_int_equal(events[URN_VALUES], URN_NOTHING);
        assert_int_equal(events[URN_MISSINGNESS], URN_NOTHING);
    }
    watched_finish(&watched);
    free(reference);
    free(rows);
}

static void test_missing_values(void **state)
{
    (void)state;
    double *reference = normal_rows(1), *rows = normal_rows(2);
    uint64_t seed = 9;
    struct watched watched;
    for (int i = 0; i < 10; i++)
        reference[997 * i] = NAN;
    for (size_t i = 0; i < ROWS; i++)
        if (random_below(&seed, 5) == 0)
            rows[i] = NAN;
    watch(&watched, reference, ROWS, true);
    assert_in_range(rows_until(&watched, URN_MISSINGNESS, URN_PAGE, rows, 1000, 0, 1, &rule), 31,
                    90);
    const struct urn_report report = drift_urn_feature_report(watched.feature, URN_MISSINGNESS);
    assert_int_equal(report.episode.change.kind, URN_SHARE_UP);
    assert_int_equal(
        drift_urn_feature_code(watched.feature, URN_MISSINGNESS, report.episode.change.bin), 1);
    assert_int_equal(drift_urn_feature_report(watched.feature, URN_VALUES).episode.pages, 0);
    watched_finish(&watched);
    free(reference);
    free(rows);
}

/* The rows since the page become the reference; the way back is a second page. */
static void test_adopts_and_watches_on(void **state)
{
    (void)state;
    double *reference = normal_rows(1), *rows = normal_rows(2);
    struct urn_rule adopting = rule;
    struct watched watched;
    adopting.adopt_rows = 2000;
    watch(&watched, reference, ROWS, true);
    assert_true(rows_until(&watched, URN_VALUES, URN_PAGE, rows, 1000, 1, 1, &adopting) > 0);
    assert_int_equal(
        rows_until(&watched, URN_VALUES, URN_ADOPTED, rows + 1000, 3000, 1, 1, &adopting), 2000);
    assert_true(drift_urn_feature_report(watched.feature, URN_VALUES).episode.changed);
    assert_int_equal(rows_until(&watched, URN_VALUES, URN_PAGE, rows + 4000, 3000, 1, 1, &adopting),
                     0);
    assert_in_range(rows_until(&watched, URN_VALUES, URN_PAGE, rows + 7000, 1000, 0, 1, &adopting),
                    31, 200);
    assert_int_equal(drift_urn_feature_report(watched.feature, URN_VALUES).episode.change.kind,
                     URN_DOWN);
    watched_finish(&watched);
    free(reference);
    free(rows);
}

/* First-order autoregression of unit variance. */
static double *correlated_rows(uint64_t seed, size_t count, double correlation)
{
    double *x = calloc(count, sizeof(*x));
    assert_non_null(x);
    x[0] = random_normal(&seed);
    for (size_t i = 1; i < count; i++)
        x[i] = correlation * x[i - 1] + sqrt(1 - correlation * correlation) * random_normal(&seed);
    return x;
}

/* The variance of a mean of such rows is (1 + r) / (1 - r) times that of independent ones. */
static void test_discount(void **state)
{
    (void)state;
    const double correlation[] = {0, 0.5, 0.9};
    const double least[] = {1, 2.5, 12}, most[] = {1, 6, 40};
    for (int i = 0; i < 3; i++) {
        double *reference = correlated_rows(1, ROWS, correlation[i]);
        double *rows = correlated_rows(2, ROWS, correlation[i]);
        struct watched watched;
        watch(&watched, reference, ROWS, true);
        const struct urn_report report = drift_urn_feature_report(watched.feature, URN_VALUES);
        if (!(report.discount >= least[i] && report.discount <= most[i]))
            fail_msg("correlation %g: discount %g", correlation[i], report.discount);
        assert_false(report.episode.notices_only);
        assert_int_equal(rows_until(&watched, URN_VALUES, URN_PAGE, rows, 5000, 0, 1, &rule), 0);
        assert_true(rows_until(&watched, URN_VALUES, URN_PAGE, rows + 5000, 5000, 1.5, 1, &rule) >
                    0);
        watched_finish(&watched);
        free(reference);
        free(rows);
    }
}

/* Categories that come in runs of 20, one of them in every other run only. */
static void test_discount_of_categories(void **state)
{
    (void)state;
    struct urn_bins bins;
    static uint16_t bin[ROWS];
    const uint64_t count[] = {ROWS / 2, ROWS / 4, ROWS / 4};
    uint64_t seed = 4;
    assert_int_equal(drift_urn_bins_categories(&bins, count, 3), 0);
    for (size_t i = 0; i < ROWS; i++)
        bin[i] = i % 20 == 0 ? (uint16_t)(1 + random_below(&seed, 3)) : bin[i - 1];
    assert_in_range((int)drift_urn_discount(&bins, bin, ROWS), 15, 40);
    for (size_t i = 0; i < ROWS; i++)
        bin[i] = (uint16_t)(1 + random_below(&seed, 3));
    assert_true(drift_urn_discount(&bins, bin, ROWS) == 1);
    drift_urn_bins_finish(&bins);
}

/* A reference that changes within itself is only good for notices. */
static void test_rehearsal(void **state)
{
    (void)state;
    double *reference = normal_rows(1), *rows = normal_rows(2);
    struct watched watched;
    for (size_t i = ROWS * 3 / 4; i < ROWS; i++)
        reference[i] += 3;
    watch(&watched, reference, ROWS, true);
    assert_true(drift_urn_feature_report(watched.feature, URN_VALUES).episode.notices_only);
    assert_false(drift_urn_feature_report(watched.feature, URN_MISSINGNESS).episode.notices_only);
    assert_true(rows_until(&watched, URN_VALUES, URN_NOTICE, rows, ROWS, 6, 1, &rule) > 0);
    watched_finish(&watched);
    watch(&watched, reference, ROWS, false);
    assert_false(drift_urn_feature_report(watched.feature, URN_VALUES).episode.notices_only);
    watched_finish(&watched);
    free(reference);
    free(rows);
}

static void test_categories(void **state)
{
    (void)state;
    static uint32_t codes[ROWS];
    uint64_t seed = 8;
    enum urn_event events[URN_PARTS] = {URN_NOTHING};
    for (size_t i = 0; i < ROWS; i++)
        codes[i] = i % 100 == 7 ? URN_MISSING : 3 + (uint32_t)random_below(&seed, 5);
    struct urn_feature_spec spec = {
        .rows = ROWS, .codes = codes, .categories = 10, .ordered = true, .start = 1, .rule = rule};
    struct watched watched = {0};
    assert_int_equal(drift_urn_feature_create(&spec, &watched.pool, &watched.feature), 0);
    size_t row = 0;
    for (; row < 2000 && events[URN_VALUES] != URN_PAGE; row++)
        drift_urn_feature_observe_code(watched.feature, &rule,
                                       row % 10 == 0 ? 5 : 3 + (uint32_t)random_below(&seed, 5), 1,
                                       events);
    assert_in_range(row, 60, 1500);
    const struct urn_report report = drift_urn_feature_report(watched.feature, URN_VALUES);
    assert_int_equal(drift_urn_feature_code(watched.feature, URN_VALUES, report.episode.change.bin),
                     5);
    assert_int_equal(drift_urn_feature_code(watched.feature, URN_VALUES, 0), 10);
    watched_finish(&watched);
    spec.rows = 0;
    assert_int_equal(drift_urn_feature_create(&spec, &watched.pool, &watched.feature), -EINVAL);
}

static void test_too_few_values(void **state)
{
    (void)state;
    double rows[20];
    enum urn_event events[URN_PARTS];
    struct watched watched;
    for (int i = 0; i < 20; i++)
        rows[i] = i < 9 ? (double)i : (double)NAN;
    watch(&watched, rows, 20, true);
    assert_false(drift_urn_feature_report(watched.feature, URN_VALUES).watched);
    assert_true(drift_urn_feature_report(watched.feature, URN_MISSINGNESS).watched);
    drift_urn_feature_observe_number(watched.feature, &rule, 1, 1, events);
    watched_finish(&watched);
}

static void test_episode_bytes(void **state)
{
    (void)state;
    double *reference = normal_rows(1), *rows = normal_rows(2);
    struct watched watched;
    uint8_t bytes[URN_EPISODE_BYTES], again[URN_EPISODE_BYTES];
    watch(&watched, reference, ROWS, true);
    assert_true(rows_until(&watched, URN_VALUES, URN_PAGE, rows, 1000, 1, 1, &rule) > 0);
    struct urn_episode episode = drift_urn_feature_report(watched.feature, URN_VALUES).episode;
    drift_urn_episode_save(&episode, bytes);
    struct urn_episode copy = {0};
    assert_int_equal(drift_urn_episode_restore(&copy, bytes), 0);
    drift_urn_episode_save(&copy, again);
    assert_memory_equal(bytes, again, sizeof(bytes));
    assert_true(copy.open && copy.opened == episode.opened && copy.pages == 1);
    bytes[1] |= 0x02; /* open and suspected */
    assert_int_equal(drift_urn_episode_restore(&copy, bytes), -EINVAL);
    bytes[0] = 2;
    assert_int_equal(drift_urn_episode_restore(&copy, bytes), -EINVAL);
    watched_finish(&watched);
    free(reference);
    free(rows);
}

static void test_shuffle(void **state)
{
    (void)state;
    uint32_t order[1000], again[1000], seen[1000] = {0}, fixed = 0;
    drift_urn_shuffle(7, order, 1000);
    drift_urn_shuffle(7, again, 1000);
    assert_memory_equal(order, again, sizeof(order));
    for (size_t i = 0; i < 1000; i++) {
        seen[order[i]]++;
        fixed += order[i] == i;
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(seen[i], 1);
    assert_in_range(fixed, 0, 8);
    drift_urn_shuffle(8, again, 1000);
    assert_memory_not_equal(order, again, sizeof(order));
}

/* Features with equal bins share a table, and what is beside it stays small. */
static void test_memory(void **state)
{
    (void)state;
    struct urn_bets_pool pool = {0};
    struct urn_feature *feature[5];
    for (size_t i = 0; i < 5; i++) {
        double *reference = normal_rows(i + 1);
        const struct urn_feature_spec spec = {
            .rows = ROWS, .numbers = reference, .ordered = false, .start = 1, .rule = rule};
        assert_int_equal(drift_urn_feature_create(&spec, &pool, &feature[i]), 0);
        free(reference);
    }
    assert_int_equal(pool.count, 2); /* values, and whether they are missing */
    for (size_t i = 0; i < 5; i++) {
        assert_in_range(drift_urn_feature_bytes(feature[i]), 1000, 4096);
        drift_urn_feature_destroy(feature[i]);
    }
    drift_urn_bets_pool_finish(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_and_resolve), cmocka_unit_test(test_small_change_is_a_notice),
        cmocka_unit_test(test_budget_per_time),  cmocka_unit_test(test_gap_is_no_evidence),
        cmocka_unit_test(test_missing_values),   cmocka_unit_test(test_adopts_and_watches_on),
        cmocka_unit_test(test_discount),         cmocka_unit_test(test_discount_of_categories),
        cmocka_unit_test(test_rehearsal),        cmocka_unit_test(test_categories),
        cmocka_unit_test(test_too_few_values),   cmocka_unit_test(test_episode_bytes),
        cmocka_unit_test(test_shuffle),          cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
