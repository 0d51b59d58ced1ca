/* Unit tests of served/traffic.c: rates and quantiles of latency over time. */
#include "served/traffic.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define START_MS INT64_C(1000000000)

static struct model_traffic traffic;
static struct traffic_interval intervals[HISTORY_FINE];

static int set_up(void **state)
{
    (void)state;
    traffic = (struct model_traffic){0};
    return 0;
}

static void near(double value, double expected)
{
    assert_true(fabs(value - expected) <= 1e-12 * fabs(expected));
}

static void test_rates_are_differences(void **state)
{
    (void)state;
    struct traffic_count count = {.predictions = {100, 7}};
    model_traffic_add(&traffic, &count, START_MS);
    count.predictions[0] += 50;
    model_traffic_add(&traffic, &count, START_MS + 5000); /* the same interval */
    count.predictions[0] += 30;
    count.predictions[1] += 10;
    model_traffic_add(&traffic, &count, START_MS + 10000);
    count.predictions[0] += 60;
    model_traffic_add(&traffic, &count, START_MS + 40000); /* three intervals later */
    assert_int_equal(model_traffic_read(&traffic, intervals), 3);
    assert_true(intervals[0].seconds == 0 && isnan(intervals[0].p50));
    assert_int_equal(intervals[1].ms, START_MS + 10000);
    near(intervals[1].rate[0], 3);
    near(intervals[1].rate[1], 1);
    near(intervals[2].seconds, 30);
    near(intervals[2].rate[0], 2);
    near(intervals[2].rate[1], 0);
}

/* What promtool's histogram_quantile() says of these buckets (le 1e-6 0, 2.5e-6 10, 5e-6 40, ...).
 */
static void test_quantiles_lie_between_bounds(void **state)
{
    (void)state;
    const uint64_t bucket[LATENCY_BUCKETS + 1] = {[1] = 10, [2] = 30, [3] = 60};
    near(traffic_quantile(bucket, 0.1), 2.5e-6);
    near(traffic_quantile(bucket, 0.25), 3.75e-6);
    near(traffic_quantile(bucket, 0.5), 5e-6 + 5e-6 / 6);
    near(traffic_quantile(bucket, 1), 1e-5);
    const uint64_t slow[LATENCY_BUCKETS + 1] = {[LATENCY_BUCKETS] = 1};
    near(traffic_quantile(slow, 0.5), 1);
    const uint64_t none[LATENCY_BUCKETS + 1] = {0};
    assert_true(isnan(traffic_quantile(none, 0.5)));
}

static void test_an_hour_is_kept(void **state)
{
    (void)state;
    struct traffic_count count = {.latency = {0}};
    for (int64_t i = 0; i < 1000; i++) {
        count.predictions[0] += (uint64_t)i;
        model_traffic_add(&traffic, &count, START_MS + i * HISTORY_FINE_MS);
    }
    assert_int_equal(model_traffic_read(&traffic, intervals), HISTORY_FINE);
    assert_int_equal(intervals[HISTORY_FINE - 1].ms, START_MS + 999 * HISTORY_FINE_MS);
    near(intervals[HISTORY_FINE - 1].rate[0], 99.9);
    near(intervals[1].rate[0], (1000 - HISTORY_FINE + 1) / 10.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_rates_are_differences, set_up),
        cmocka_unit_test_setup(test_quantiles_lie_between_bounds, set_up),
        cmocka_unit_test_setup(test_an_hour_is_kept, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
