/* test_urn_neighbours.c - how much rows of a live stream resemble their neighbours. */
#include "random_stream.h"
#include "urn_neighbours.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BINS    40
#define STREAMS 40

struct stream {
    uint64_t seed;
    double correlation, value;
    struct urn_neighbours neighbours;
};

static uint16_t bin_of(double z)
{
    const double bin = floor((z + 3) * BINS / 6);
    return (uint16_t)(bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin);
}

static void send(struct stream *stream, size_t rows, double shift)
{
    for (size_t r = 0; r < rows; r++) {
        const double rho = stream->correlation;
        stream->value = rho * stream->value + sqrt(1 - rho * rho) * random_normal(&stream->seed);
        const uint16_t bin = bin_of(stream->value + shift);
        drift_urn_neighbours_add(&stream->neighbours, &bin, 1, BINS);
    }
}

static double discount_of(const struct stream *stream)
{
    return drift_urn_neighbours_discount(&stream->neighbours);
}

/* How many streams have a discount of these after so many rows. */
static size_t streams_within(double correlation, size_t rows, double low, double high)
{
    size_t within = 0;
    for (uint64_t seed = 1; seed <= STREAMS; seed++) {
        struct stream stream = {.seed = seed, .correlation = correlation};
        send(&stream, rows, 0);
        within += discount_of(&stream) >= low && discount_of(&stream) <= high;
    }
    return within;
}

static void test_independent_rows(void **state)
{
    (void)state;
    assert_int_equal(streams_within(0, 47, 1, 1), STREAMS);
    assert_in_range(streams_within(0, 200, 1, 1), STREAMS - 1, STREAMS);
    assert_in_range(streams_within(0, 5000, 1, 1), STREAMS - 1, STREAMS);
}

/* 1.15 times (1 + r) / (1 - r) is 3.5 and 22. */
static void test_correlated_rows(void **state)
{
    (void)state;
    assert_in_range(streams_within(0.5, 1000, 2.5, 8), STREAMS - 4, STREAMS);
    assert_in_range(streams_within(0.9, 50, 5, 200), STREAMS - 4, STREAMS);
    assert_in_range(streams_within(0.9, 2000, 15, 40), STREAMS - 4, STREAMS);
}

/* A change is no resemblance, nor is a value that stays the same. */
static void test_changes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct stream stream = {.seed = seed};
        send(&stream, 100, 0);
        send(&stream, 300, 2);
        assert_in_range((int)discount_of(&stream), 1, 3);
        send(&stream, 300, 0);
        send(&stream, 300, 2);
        assert_in_range((int)discount_of(&stream), 1, 6);
    }
    struct stream still = {.seed = 1};
    const uint16_t bin = 7;
    for (size_t r = 0; r < 1000; r++)
        drift_urn_neighbours_add(&still.neighbours, &bin, 1, BINS);
    assert_true(discount_of(&still) == 1);
}

static void test_bytes(void **state)
{
    uint8_t bytes[URN_NEIGHBOURS_BYTES], again[URN_NEIGHBOURS_BYTES];
    struct stream stream = {.seed = 1, .correlation = 0.8};
    (void)state;
    send(&stream, 1234, 0);
    drift_urn_neighbours_save(&stream.neighbours, bytes);
    struct stream restored = {.seed = stream.seed, .correlation = 0.8, .value = stream.value};
    assert_int_equal(drift_urn_neighbours_restore(&restored.neighbours, bytes), 0);
    assert_true(discount_of(&restored) == discount_of(&stream) && discount_of(&stream) > 3);
    send(&stream, 777, 0);
    send(&restored, 777, 0);
    drift_urn_neighbours_save(&stream.neighbours, bytes);
    drift_urn_neighbours_save(&restored.neighbours, again);
    assert_memory_equal(bytes, again, sizeof(bytes));
    /* a version, a discount and a sum that cannot be */
    static const size_t at[] = {0, 24, 32};
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        memcpy(again, bytes, sizeof(again));
        again[at[i]] = 0xff;
        assert_int_equal(drift_urn_neighbours_restore(&restored.neighbours, again), -EINVAL);
    }
    drift_urn_neighbours_save(&restored.neighbours, again);
    assert_memory_equal(bytes, again, sizeof(bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_independent_rows),
        cmocka_unit_test(test_correlated_rows),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests_name("urn_neighbours", tests, NULL, NULL);
}
