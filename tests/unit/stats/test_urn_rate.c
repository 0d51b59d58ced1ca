/* test_urn_rate.c - the urn of a stream of errors: false alarms, delays, several changes, bytes. */
#include "change_detector.h"
#include "random_stream.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define STREAMS 100

struct stream {
    uint64_t seed;
    struct change_detector detector;
};

static struct stream begin(uint64_t seed, enum change_direction direction)
{
    struct stream stream = {.seed = seed};
    assert_int_equal(drift_change_detector_init(&stream.detector, CHANGE_URN, direction, 0), 0);
    return stream;
}

static enum change_state send(struct stream *stream, double rate)
{
    const int state =
        drift_change_detector_update(&stream->detector, random_unit(&stream->seed) < rate);
    assert_true(state >= 0);
    return (enum change_state)state;
}

/* Numbers until drift, at most so many. */
static size_t numbers_to_drift(struct stream *stream, double rate, size_t most)
{
    for (size_t i = 1; i <= most; i++)
        if (send(stream, rate) == CHANGE_DRIFT)
            return i;
    return most + 1;
}

/* At most one in 1e6 on average: 2e7 numbers have 20 at most, and rarely more than 33. */
static void test_false_alarms(void **state)
{
    static const double rates[] = {0, 0.01, 0.2, 0.5};
    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        uint64_t alarms = 0;
        for (uint64_t seed = 1; seed <= 50; seed++) {
            struct stream stream = begin(seed, seed % 2 ? CHANGE_UP : CHANGE_BOTH);
            for (size_t n = 0; n < 100000; n++)
                (void)send(&stream, rates[i]);
            alarms += stream.detector.onsets;
        }
        assert_in_range(alarms, 0, 12); /* 5 expected at most: 0.003 for more than 12 */
    }
}

static int ascending(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Five points less accuracy beside one wrong label in five; ADWIN needs some 13 000 labels. */
static void test_five_points_under_label_noise(void **state)
{
    size_t delay[STREAMS], late = 0;
    double onset_error = 0;
    (void)state;
    for (uint64_t s = 0; s < STREAMS; s++) {
        struct stream stream = begin(s + 1, CHANGE_UP);
        for (size_t n = 0; n < 10000; n++)
            (void)send(&stream, 0.20);
        delay[s] = numbers_to_drift(&stream, 0.25, 10000);
        late += delay[s] > 6000;
        uint64_t onset;
        assert_int_equal(drift_change_detector_onset(&stream.detector, &onset), 0);
        onset_error += fabs((double)onset - 10000) / STREAMS;
    }
    qsort(delay, STREAMS, sizeof(delay[0]), ascending);
    print_message(
        "five points at 20 %% errors: median %zu labels, slowest tenth %zu, onset off by %.0f\n",
        delay[STREAMS / 2], delay[STREAMS * 9 / 10], onset_error);
    assert_in_range(delay[STREAMS / 2], 500, 2500);
    assert_in_range(late, 0, 1);
    assert_true(onset_error < 600);
}

/* It starts again after a drift: the next change is one, too. */
static void test_a_second_change(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct stream stream = begin(seed, CHANGE_UP);
        for (size_t n = 0; n < 5000; n++)
            (void)send(&stream, 0.10);
        assert_in_range(numbers_to_drift(&stream, 0.25, 2000), 20, 1000);
        for (size_t n = 0; n < 2000; n++)
            assert_int_equal(send(&stream, 0.25), CHANGE_NONE);
        assert_in_range(numbers_to_drift(&stream, 0.45, 2000), 20, 1000);
        assert_int_equal(stream.detector.onsets, 2);
    }
}

static void test_directions(void **state)
{
    (void)state;
    struct stream up = begin(1, CHANGE_UP), both = begin(1, CHANGE_BOTH);
    for (size_t n = 0; n < 3000; n++) {
        (void)send(&up, 0.4);
        (void)send(&both, 0.4);
    }
    assert_in_range(numbers_to_drift(&both, 0.2, 5000), 20, 1000);
    assert_int_equal(numbers_to_drift(&up, 0.2, 5000), 5001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_false_alarms),
        cmocka_unit_test(test_five_points_under_label_noise),
        cmocka_unit_test(test_a_second_change),
        cmocka_unit_test(test_directions),
    };
    return cmocka_run_group_tests_name("urn_rate", tests, NULL, NULL);
}
