/* Unit tests of change_state.c: a monitor of changes that is saved and restored goes on as if it
 * had never stopped, and any bytes are safe. */
#include "change_state_input.h"
#include "corpus.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct change_rule usual = {30 * 86400.0, 0.15};

static struct buffer save(const struct change_monitor *monitor)
{
    struct buffer bytes;
    buffer_init(&bytes, 0);
    change_monitor_save(monitor, &bytes);
    assert_int_equal(bytes.error, 0);
    return bytes;
}

static void assert_same(const struct change_monitor *one, const struct change_monitor *two)
{
    struct buffer a = save(one), b = save(two);
    assert_int_equal(a.length, b.length);
    assert_memory_equal(a.data, b.data, a.length);
    buffer_finish(&a);
    buffer_finish(&b);
}

static bool is_open(const struct change_monitor *monitor, size_t feature)
{
    struct feature_changes said;
    change_monitor_report(monitor, feature, &said);
    return said.part[URN_VALUES].open;
}

/* Quiet, a change that stays until its rows are adopted, and its end; restored after each few rows.
 */
static void test_a_restored_monitor_goes_on(void **state)
{
    (void)state;
    struct changes *changes = changes_create(usual);
    struct change_monitor *one = changes->monitor;
    uint64_t seed = 1;
    int64_t now_ms = CHANGES_START_MS;
    size_t opened = 0, anew;
    for (int turn = 0; turn < 120; turn++) {
        const double shift = turn < 20 ? 0 : turn < 100 ? 0.8 : 0;
        struct change_monitor *two = changes_create_monitor(changes, usual);
        struct buffer bytes = save(one);
        assert_int_equal(change_monitor_restore(two, bytes.data, bytes.length, &anew), 0);
        assert_int_equal(anew, 0);
        assert_same(one, two);
        for (int i = 0; i < 5; i++) {
            const size_t rows = 1 + random_below(&seed, 64);
            uint64_t same = seed;
            now_ms += 60000;
            changes_send(changes, one, &seed, shift, rows, now_ms);
            changes_send(changes, two, &same, shift, rows, now_ms);
        }
        assert_same(one, two);
        opened += is_open(one, 0);
        assert_int_equal(is_open(one, 0), is_open(two, 0));
        buffer_finish(&bytes);
        change_monitor_destroy(two);
    }
    assert_in_range(opened, 50, 118);
    struct feature_changes said;
    change_monitor_report(one, 0, &said);
    assert_true(said.part[URN_VALUES].adopted);
    changes_destroy(changes);
}

/* The rule that the rows met comes with the bytes. */
static void test_the_rule_is_restored(void **state)
{
    (void)state;
    size_t anew;
    struct changes *changes = changes_create(usual);
    struct change_monitor *other = changes_create_monitor(changes, (struct change_rule){7200, 1});
    struct buffer bytes = save(changes->monitor);
    assert_int_equal(change_monitor_restore(other, bytes.data, bytes.length, &anew), 0);
    assert_true(change_monitor_rule(other).false_page_seconds == usual.false_page_seconds);
    assert_true(change_monitor_rule(other).materiality == usual.materiality);
    buffer_finish(&bytes);
    change_monitor_destroy(other);
    changes_destroy(changes);
}

/* One changed byte of a feature's urns costs that feature, not the others. */
static void test_a_damaged_feature_begins_anew(void **state)
{
    (void)state;
    size_t anew;
    uint64_t seed = 2;
    struct changes *changes = changes_create(usual);
    for (int64_t i = 0; i < 20; i++)
        changes_send(changes, changes->monitor, &seed, 1, 64, CHANGES_START_MS + 1000 * i);
    assert_true(is_open(changes->monitor, 0));
    struct buffer bytes = save(changes->monitor);
    bytes.data[bytes.length - 1] ^= 1; /* the last feature's checksum */
    struct change_monitor *other = changes_create_monitor(changes, usual);
    assert_int_equal(change_monitor_restore(other, bytes.data, bytes.length, &anew), 0);
    assert_int_equal(anew, 1);
    assert_true(is_open(other, 0));
    buffer_finish(&bytes);
    change_monitor_destroy(other);
    changes_destroy(changes);
}

/* In another order of the reference the urns of a feature that depends on it are others. */
static void test_another_order_begins_anew(void **state)
{
    (void)state;
    size_t anew;
    struct changes *changes = changes_create(usual);
    struct buffer bytes = save(changes->monitor);
    for (uint32_t r = 0; r < CHANGES_REFERENCE; r++)
        changes->numbers[0][r] = r / 20 % 2 ? r % 20 : -(double)(r % 20);
    struct change_monitor *other = changes_create_monitor(changes, usual);
    assert_int_equal(change_monitor_restore(other, bytes.data, bytes.length, &anew), 0);
    assert_int_equal(anew, 1);
    buffer_finish(&bytes);
    change_monitor_destroy(other);
    changes_destroy(changes);
}

static void test_other_bytes_are_refused(void **state)
{
    (void)state;
    size_t anew;
    struct changes *changes = changes_create(usual);
    struct buffer before = save(changes->monitor);
    assert_int_equal(change_monitor_restore(changes->monitor, before.data, 0, &anew), -EINVAL);
    assert_int_equal(change_monitor_restore(changes->monitor, before.data, 20, &anew), -EINVAL);
    before.data[0]++;
    assert_int_equal(change_monitor_restore(changes->monitor, before.data, before.length, &anew),
                     -EINVAL);
    before.data[0]--;
    struct buffer after = save(changes->monitor);
    assert_memory_equal(before.data, after.data, before.length);
    buffer_finish(&before);
    buffer_finish(&after);
    changes_destroy(changes);
}

static void test_any_bytes_are_safe(void **state)
{
    (void)state;
    uint64_t seed = fresh_seed();
    uint8_t input[12];
    for (int round = 0; round < 400; round++) {
        const size_t length = 3 + random_below(&seed, 8);
        for (size_t i = 0; i < length; i++)
            input[i] = (uint8_t)random_bits(&seed);
        change_state_replay(input, length);
    }
}

static void replay(const char *path, const char *bytes, size_t length)
{
    (void)path;
    change_state_replay((const uint8_t *)bytes, length);
}

static void test_corpus(void **state)
{
    (void)state;
    assert_true(corpus_replay("change_state", replay) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_restored_monitor_goes_on),
        cmocka_unit_test(test_the_rule_is_restored),
        cmocka_unit_test(test_a_damaged_feature_begins_anew),
        cmocka_unit_test(test_another_order_begins_anew),
        cmocka_unit_test(test_other_bytes_are_refused),
        cmocka_unit_test(test_any_bytes_are_safe),
        cmocka_unit_test(test_corpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
