/* Unit tests of served/past.c: which windows are kept, for how long, and which one is found. */
#include "served/past.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define FEATURES INT64_C(3)
#define MINUTE   INT64_C(60000)
#define HOUR     (60 * MINUTE)
#define START_MS (1000 * HOUR)

/* A shape whose rows tell the minute and the feature it was kept for. */
static struct past_shape shape_of(int64_t now_ms, int64_t feature)
{
    return (struct past_shape){.rows =
                                   (float)((now_ms - START_MS) / MINUTE * FEATURES + feature + 1)};
}

/* As served_model_follow() does, every five seconds; returns how many moments were kept. */
static int follow(struct model_past *past, int64_t from_ms, int64_t to_ms)
{
    int kept = 0;
    for (int64_t now = from_ms; now < to_ms; now += 5000) {
        if (!model_past_begin(past, now))
            continue;
        kept++;
        for (int64_t f = 0; f < FEATURES; f++) {
            const struct past_shape shape = shape_of(now, f);
            model_past_keep(past, (size_t)f, &shape);
        }
    }
    return kept;
}

static int set_up(void **state)
{
    *state = model_past_create(FEATURES);
    assert_non_null(*state);
    return 0;
}

static int tear_down(void **state)
{
    model_past_destroy(*state);
    return 0;
}

static void expect(struct model_past *past, int64_t now_ms, int64_t ago_ms, int64_t most_off_ms)
{
    for (int64_t f = 0; f < FEATURES; f++) {
        struct past_shape shape;
        int64_t then_ms;
        assert_int_equal(
            model_past_find(past, (size_t)f, now_ms - ago_ms, now_ms, &shape, &then_ms), 0);
        const struct past_shape kept = shape_of(then_ms, f);
        assert_true(shape.rows == kept.rows);
        assert_in_range(then_ms, now_ms - ago_ms - most_off_ms, now_ms - ago_ms + most_off_ms);
    }
}

static void test_an_hour_in_minutes_and_a_day_in_hours(void **state)
{
    assert_int_equal(follow(*state, START_MS, START_MS + 50 * HOUR), 50 * 12);
    for (int64_t minute = 0; minute < 10; minute++) {
        const int64_t now = START_MS + 50 * HOUR + minute * MINUTE;
        follow(*state, now, now + MINUTE);
        expect(*state, now + MINUTE, 10 * MINUTE, 3 * MINUTE);
        expect(*state, now + MINUTE, HOUR, 3 * MINUTE);
        expect(*state, now + MINUTE, 6 * HOUR, HOUR / 2);
        expect(*state, now + MINUTE, 24 * HOUR, HOUR / 2);
    }
}

static void test_a_young_service_has_no_yesterday(void **state)
{
    struct past_shape shape;
    int64_t then_ms;
    assert_int_equal(model_past_find(*state, 0, START_MS - HOUR, START_MS, &shape, &then_ms),
                     -ENODATA);
    follow(*state, START_MS, START_MS + HOUR);
    const int64_t now = START_MS + HOUR;
    assert_int_equal(model_past_find(*state, 0, now - 24 * HOUR, now, &shape, &then_ms), -ENODATA);
    assert_int_equal(model_past_find(*state, 0, now - 6 * HOUR, now, &shape, &then_ms), -ENODATA);
    expect(*state, now, HOUR, 5 * MINUTE);
}

static void test_an_empty_window_is_not_found(void **state)
{
    struct past_shape shape;
    int64_t then_ms;
    assert_true(model_past_begin(*state, START_MS));
    model_past_keep(*state, 1, &(struct past_shape){.rows = 0});
    assert_int_equal(model_past_find(*state, 1, START_MS, START_MS + 10 * MINUTE, &shape, &then_ms),
                     -ENODATA);
}

static void test_a_gap_is_not_bridged(void **state)
{
    struct past_shape shape;
    int64_t then_ms;
    follow(*state, START_MS, START_MS + HOUR);
    const int64_t now = START_MS + 12 * HOUR;
    follow(*state, now, now + 10 * MINUTE);
    assert_int_equal(model_past_find(*state, 0, now - HOUR, now, &shape, &then_ms), -ENODATA);
    assert_int_equal(model_past_find(*state, 0, now - 6 * HOUR, now, &shape, &then_ms), -ENODATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_hour_in_minutes_and_a_day_in_hours, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_young_service_has_no_yesterday, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_empty_window_is_not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_gap_is_not_bridged, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
