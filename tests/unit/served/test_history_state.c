/* Unit tests of served/history_state.c: a history that is saved and restored goes on as if it had
 * never stopped, and any bytes are safe. */
#include "corpus.h"
#include "served/history_state_input.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct buffer save(const struct model_history *history)
{
    struct buffer bytes;
    buffer_init(&bytes, 0);
    model_history_save(history, &bytes);
    assert_int_equal(bytes.error, 0);
    return bytes;
}

static void assert_same(const struct model_history *one, const struct model_history *two)
{
    struct buffer a = save(one), b = save(two);
    assert_int_equal(a.length, b.length);
    assert_memory_equal(a.data, b.data, a.length);
    buffer_finish(&a);
    buffer_finish(&b);
}

/* The same reports into a history that goes on, and one that is restored after each few. */
static void test_a_restored_history_goes_on(void **state)
{
    (void)state;
    uint64_t seed = 1;
    int64_t now_ms = HISTORY_START_MS;
    struct model_history *one = history_create();
    for (int turn = 0; turn < 40; turn++) {
        struct model_history *two = history_create();
        struct buffer whole = save(one), records;
        buffer_init(&records, 0);
        for (size_t i = random_below(&seed, 100); i > 0; i--) {
            history_add_random(one, &seed, now_ms += history_later(&seed));
            model_history_record(one, &records);
        }
        assert_int_equal(model_history_restore(two, whole.data, whole.length), 0);
        assert_int_equal(model_history_replay(two, records.data, records.length), 0);
        assert_same(one, two);
        uint64_t same = seed;
        history_add_random(one, &seed, now_ms += 5000);
        history_add_random(two, &same, now_ms);
        assert_same(one, two);
        buffer_finish(&whole);
        buffer_finish(&records);
        model_history_destroy(two);
    }
    static struct incident incidents[HISTORY_INCIDENTS];
    assert_true(model_history_incidents(one, incidents) > 3);
    model_history_destroy(one);
}

static void test_a_calm_record_is_small(void **state)
{
    (void)state;
    struct detector_feature_report features[HISTORY_FEATURES] = {0};
    const struct detector_report report = {.feature_count = HISTORY_FEATURES, .features = features};
    struct model_history *history = history_create();
    struct buffer record;
    buffer_init(&record, 0);
    model_history_add(history, &report, HISTORY_START_MS, history_wall_of);
    model_history_record(history, &record);
    assert_int_equal(record.length, 1 + 8 + 4 * HISTORY_FEATURES + 1);
    buffer_finish(&record);
    model_history_destroy(history);
}

static void test_every_cut_is_refused(void **state)
{
    (void)state;
    uint64_t seed = 2;
    static struct incident incidents[HISTORY_INCIDENTS];
    struct model_history *history = history_create();
    for (int64_t i = 0; i < 12; i++)
        history_add_random(history, &seed, HISTORY_START_MS + i * 400000);
    struct buffer bytes = save(history);
    for (size_t size = 0; size < bytes.length; size++) {
        assert_int_equal(model_history_restore(history, bytes.data, size), -EINVAL);
        assert_int_equal(model_history_incidents(history, incidents), 0);
    }
    assert_int_equal(model_history_restore(history, bytes.data, bytes.length), 0);
    struct model_history *other = model_history_create(HISTORY_FEATURES + 1);
    assert_non_null(other);
    assert_int_equal(model_history_restore(other, bytes.data, bytes.length), -EINVAL);
    model_history_destroy(other);
    buffer_finish(&bytes);
    model_history_destroy(history);
}

static void test_any_bytes_are_safe(void **state)
{
    (void)state;
    uint64_t seed = fresh_seed();
    uint8_t input[40];
    for (int round = 0; round < 3000; round++) {
        const size_t length = 3 + random_below(&seed, 6);
        for (size_t i = 0; i < length; i++)
            input[i] = (uint8_t)random_bits(&seed);
        history_state_replay(input, length);
    }
}

static void replay(const char *path, const char *bytes, size_t length)
{
    (void)path;
    history_state_replay((const uint8_t *)bytes, length);
}

static void test_corpus(void **state)
{
    (void)state;
    assert_true(corpus_replay("history_state", replay) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_restored_history_goes_on),
        cmocka_unit_test(test_a_calm_record_is_small),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_any_bytes_are_safe),
        cmocka_unit_test(test_corpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
