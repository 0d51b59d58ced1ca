/* test_change_detector.c - the detectors of change: contracts, saving and restoring, cost.
 * Their decisions are compared with the papers in test_change_detectors_live.py. */
#include "change_detector_input.h"
#include "corpus.h"
#include "random_stream.h"
#include "stats/change_detector.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define EACH_KIND(kind)                                                                            \
    for (enum change_detector_kind kind = CHANGE_ADWIN; kind < CHANGE_DETECTOR_COUNT;              \
         kind = (enum change_detector_kind)(kind + 1))

static struct change_detector make(enum change_detector_kind kind, enum change_direction direction)
{
    struct change_detector detector;
    assert_int_equal(drift_change_detector_init(&detector, kind, direction, 7), 0);
    return detector;
}

/* An error with probability p. */
static double error(uint64_t *seed, double p)
{
    return random_unit(seed) < p;
}

static void names_lead_back(void **state)
{
    (void)state;
    EACH_KIND(kind)
    {
        enum change_detector_kind found = CHANGE_DETECTOR_COUNT;
        assert_int_equal(drift_change_detector_kind_of(drift_change_detector_name(kind), &found),
                         0);
        assert_int_equal(found, kind);
    }
    enum change_detector_kind found = CHANGE_EDDM;
    assert_int_equal(drift_change_detector_kind_of("ADWIN", &found), -EINVAL);
    assert_int_equal(drift_change_detector_kind_of("", &found), -EINVAL);
    assert_int_equal(drift_change_detector_kind_of(NULL, &found), -EINVAL);
    assert_int_equal(found, CHANGE_EDDM);
    assert_null(drift_change_detector_name(CHANGE_DETECTOR_COUNT));
}

static void wrong_kinds_are_refused(void **state)
{
    (void)state;
    struct change_detector detector;
    assert_int_equal(drift_change_detector_init(&detector, CHANGE_DETECTOR_COUNT, CHANGE_UP, 0),
                     -EINVAL);
    assert_int_equal(
        drift_change_detector_init(&detector, (enum change_detector_kind) - 1, CHANGE_UP, 0),
        -EINVAL);
    assert_int_equal(drift_change_detector_init(&detector, CHANGE_DDM, (enum change_direction)2, 0),
                     -EINVAL);
    assert_false(drift_change_detector_alerts(CHANGE_DETECTOR_COUNT));
    assert_false(drift_change_detector_warns(CHANGE_DETECTOR_COUNT));
}

static void values_out_of_range_change_nothing(void **state)
{
    (void)state;
    const double never[] = {NAN, -NAN, INFINITY, -INFINITY, 1.0000001e100, -1e101};
    const double beyond_unit[] = {-1e-300, 1.0000000000000002, 2, -1e100};
    EACH_KIND(kind)
    {
        struct change_detector detector = make(kind, CHANGE_BOTH);
        assert_int_equal(drift_change_detector_update(&detector, 1), CHANGE_NONE);
        const struct change_detector before = detector;
        for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
            assert_int_equal(drift_change_detector_update(&detector, never[i]), -EINVAL);
        if (drift_change_detector_input(kind) != CHANGE_INPUT_REAL)
            for (size_t i = 0; i < sizeof(beyond_unit) / sizeof(*beyond_unit); i++)
                assert_int_equal(drift_change_detector_update(&detector, beyond_unit[i]), -EINVAL);
        if (drift_change_detector_input(kind) == CHANGE_INPUT_BINARY)
            assert_int_equal(drift_change_detector_update(&detector, 0.5), -EINVAL);
        assert_memory_equal(&before, &detector, sizeof(before));
    }
}

static void onset_is_where_the_stream_changed(void **state)
{
    (void)state;
    EACH_KIND(kind)
    {
        struct change_detector detector = make(kind, CHANGE_UP);
        uint64_t seed = 11, onset = 99;
        assert_int_equal(drift_change_detector_onset(&detector, &onset), -ENODATA);
        assert_int_equal(onset, 99);
        for (int i = 0; i < 2000; i++)
            assert_true(drift_change_detector_update(&detector, i % 5 == 4) >= 0);
        assert_int_equal(detector.onsets, 0);
        while (detector.onsets == 0 && detector.observations < 4000)
            assert_true(drift_change_detector_update(&detector, error(&seed, 0.9)) >= 0);
        assert_int_equal(detector.state, CHANGE_DRIFT);
        assert_int_equal(drift_change_detector_onset(&detector, &onset), 0);
        assert_in_range(onset, 1900, detector.observations - 1);
    }
}

static void a_steady_stream_is_no_drift(void **state)
{
    (void)state;
    for (int x = 0; x <= 1; x++) {
        EACH_KIND(kind)
        {
            struct change_detector detector = make(kind, CHANGE_BOTH);
            for (int i = 0; i < 20000; i++)
                assert_int_equal(drift_change_detector_update(&detector, x), CHANGE_NONE);
            assert_int_equal(detector.observations, 20000);
        }
    }
}

static void falls_are_seen_when_asked_for(void **state)
{
    (void)state;
    const enum change_detector_kind directed[] = {CHANGE_HDDM_A, CHANGE_HDDM_W,
                                                  CHANGE_PAGE_HINKLEY};
    for (size_t k = 0; k < 3; k++) {
        struct change_detector up = make(directed[k], CHANGE_UP);
        struct change_detector both = make(directed[k], CHANGE_BOTH);
        for (int i = 0; i < 2000; i++) {
            const double x = i < 1000 ? i % 10 != 0 : i % 10 == 0;
            assert_true(drift_change_detector_update(&up, x) >= 0);
            assert_true(drift_change_detector_update(&both, x) >= 0);
        }
        assert_int_equal(up.onsets, 0);
        assert_int_equal(both.onsets, 1);
    }
}

static double next_value(enum change_detector_kind kind, uint64_t *seed, int i)
{
    const double p = i / 150 % 2 == 0 ? 0.1 : 0.6;
    if (drift_change_detector_input(kind) == CHANGE_INPUT_BINARY || random_below(seed, 2) == 0)
        return error(seed, p);
    if (drift_change_detector_input(kind) == CHANGE_INPUT_REAL && random_below(seed, 50) == 0)
        return random_normal(seed) * 20;
    return random_below(seed, 9) == 0 ? -0.0 : p * random_unit(seed);
}

/* False alarms per 10 000 labels, at the worst of some error rates. */
static double false_alarms(enum change_detector_kind kind, uint64_t *seed)
{
    const double rates[] = {0.01, 0.05, 0.1, 0.3, 0.5};
    double most = 0;
    for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
        uint64_t onsets = 0;
        for (int stream = 0; stream < 20; stream++) {
            struct change_detector detector = make(kind, CHANGE_UP);
            for (int k = 0; k < 20000; k++)
                assert_true(drift_change_detector_update(&detector, error(seed, rates[i])) >= 0);
            onsets += detector.onsets;
        }
        most = fmax(most, (double)onsets / 20 / 2);
    }
    return most;
}

static void alerting_detectors_are_the_quiet_ones(void **state)
{
    (void)state;
    uint64_t seed = 20;
    EACH_KIND(kind)
    {
        const double alarms = false_alarms(kind, &seed);
        if (drift_change_detector_alerts(kind) != (alarms < 1))
            fail_msg("%s: %g false alarms per 10 000", drift_change_detector_name(kind), alarms);
    }
}

/* At every step of a stream: what is restored goes on as what was never stopped. */
static void restored_goes_on_as_never_stopped(void **state)
{
    (void)state;
    uint64_t seed = fresh_seed();
    EACH_KIND(kind)
    {
        for (int direction = CHANGE_UP; direction <= CHANGE_BOTH; direction++) {
            struct change_detector one = make(kind, (enum change_direction)direction), other = one;
            uint8_t bytes[CHANGE_DETECTOR_MAX_BYTES], again[CHANGE_DETECTOR_MAX_BYTES];
            for (int i = 0; i < 1500; i++) {
                const size_t size = drift_change_detector_save(&one, bytes, sizeof(bytes));
                assert_in_range(size, 1, sizeof(bytes));
                other = make(kind, (enum change_direction)direction);
                assert_int_equal(drift_change_detector_restore(&other, bytes, size), 0);
                assert_int_equal(drift_change_detector_save(&other, again, sizeof(again)), size);
                assert_memory_equal(bytes, again, size);
                const double x = next_value(kind, &seed, i);
                const int expected = drift_change_detector_update(&one, x);
                assert_int_equal(drift_change_detector_update(&other, x), expected);
            }
            /* and once restored in the middle, for long */
            const size_t size = drift_change_detector_save(&one, bytes, sizeof(bytes));
            assert_int_equal(drift_change_detector_restore(&other, bytes, size), 0);
            for (int i = 0; i < 5000; i++) {
                const double x = next_value(kind, &seed, i);
                assert_int_equal(drift_change_detector_update(&one, x),
                                 drift_change_detector_update(&other, x));
            }
            assert_int_equal(drift_change_detector_save(&one, bytes, sizeof(bytes)),
                             drift_change_detector_save(&other, again, sizeof(again)));
            assert_memory_equal(bytes, again, drift_change_detector_save(&one, NULL, 0));
        }
    }
}

static void save_writes_only_what_fits(void **state)
{
    (void)state;
    uint8_t bytes[CHANGE_DETECTOR_MAX_BYTES] = {0};
    const struct change_detector detector = make(CHANGE_DDM, CHANGE_UP);
    const size_t size = drift_change_detector_save(&detector, NULL, 0);
    assert_int_equal(drift_change_detector_save(&detector, bytes, size - 1), size);
    assert_int_equal(bytes[0], 0);
    assert_int_equal(drift_change_detector_save(&detector, bytes, size), size);
    assert_int_not_equal(bytes[0], 0);
}

static void damaged_bytes_are_refused(void **state)
{
    (void)state;
    uint64_t seed = 5;
    EACH_KIND(kind)
    {
        struct change_detector detector = make(kind, CHANGE_BOTH), target = detector;
        for (int i = 0; i < 500; i++)
            assert_true(drift_change_detector_update(&detector, error(&seed, 0.3)) >= 0);
        uint8_t bytes[CHANGE_DETECTOR_MAX_BYTES];
        const size_t size = drift_change_detector_save(&detector, bytes, sizeof(bytes));
        for (size_t i = 0; i < size; i++) {
            bytes[i] ^= 0x10;
            assert_int_equal(drift_change_detector_restore(&target, bytes, size), -EINVAL);
            bytes[i] ^= 0x10;
            assert_int_equal(drift_change_detector_restore(&target, bytes, i), -EINVAL);
        }
        assert_int_equal(drift_change_detector_restore(&target, NULL, 0), -EINVAL);
        assert_int_equal(target.observations, 0);
        /* sealed again, with one value replaced: taken or refused, never worse */
        for (size_t i = CHANGE_HEADER_BYTES; i < size - CHANGE_CHECKSUM_BYTES; i++) {
            for (int bit = 0; bit < 8; bit++) {
                uint8_t changed[CHANGE_DETECTOR_MAX_BYTES];
                memcpy(changed, bytes, size);
                changed[i] ^= (uint8_t)(1 << bit);
                change_seal(changed, size);
                struct change_detector fresh = make(kind, CHANGE_BOTH);
                const int r = drift_change_detector_restore(&fresh, changed, size);
                assert_true(r == 0 || r == -EINVAL);
                if (r == 0)
                    change_use(&fresh, changed, size);
            }
        }
    }
}

static void states_of_others_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[CHANGE_DETECTOR_MAX_BYTES];
    const struct change_detector detector = make(CHANGE_KSWIN, CHANGE_UP);
    const size_t size = drift_change_detector_save(&detector, bytes, sizeof(bytes));
    struct change_detector other = make(CHANGE_KSWIN, CHANGE_BOTH);
    assert_int_equal(drift_change_detector_restore(&other, bytes, size), -EINVAL);
    assert_int_equal(drift_change_detector_init(&other, CHANGE_KSWIN, CHANGE_UP, 8), 0);
    assert_int_equal(drift_change_detector_restore(&other, bytes, size), -EINVAL);
    other = make(CHANGE_DDM, CHANGE_UP);
    assert_int_equal(drift_change_detector_restore(&other, bytes, size), -EINVAL);
}

/* Buckets looked at: at most all of them at a check and two merges a row; O(log n) of either. */
static void adwin_looks_at_few_buckets(void **state)
{
    (void)state;
    struct adwin adwin;
    uint64_t age;
    uint64_t most = 0;
    drift_adwin_init(&adwin, ADWIN_DELTA);
    for (uint64_t n = 1; n <= 1000000; n++) {
        const uint64_t before = adwin.looked;
        /* With period 5, the stream has no change to find. */
        assert_int_equal(drift_adwin_update(&adwin, n % 5 == 0, &age), CHANGE_NONE);
        assert_int_equal(adwin.length, n);
        most = adwin.looked - before > most ? adwin.looked - before : most;
        const double rows = floor(log2((double)n)) + 1;
        if ((double)(adwin.looked - before) > (ADWIN_MAX_BUCKETS + 2) * rows)
            fail_msg("%llu buckets at n = %llu", (unsigned long long)(adwin.looked - before),
                     (unsigned long long)n);
    }
    assert_in_range(most, 60, 140);
    /* amortised: a check of at most 5 * 18 buckets each 32, and two looked at per merge */
    assert_true(adwin.looked < 6 * 1000000);
}

static void adwin_room_never_ends(void **state)
{
    (void)state;
    /* All rows full: what is one too many falls off the old end. */
    struct adwin adwin;
    uint64_t age;
    drift_adwin_init(&adwin, ADWIN_DELTA);
    adwin.rows = ADWIN_ROWS;
    for (uint32_t i = 0; i < ADWIN_ROWS; i++) {
        adwin.row[i].count = ADWIN_MAX_BUCKETS;
        adwin.length += (uint64_t)ADWIN_MAX_BUCKETS << i;
    }
    const uint64_t full = adwin.length;
    assert_int_equal(drift_adwin_update(&adwin, 0, &age), CHANGE_NONE);
    assert_int_equal(adwin.length, full + 1 - (UINT64_C(1) << (ADWIN_ROWS - 1)));
    for (int i = 0; i < 1000; i++)
        assert_int_equal(drift_adwin_update(&adwin, 0, &age), CHANGE_NONE);
}

static void adwin_of_nothing_has_no_mean(void **state)
{
    (void)state;
    struct adwin adwin;
    uint64_t age;
    drift_adwin_init(&adwin, NAN);
    assert_true(adwin.delta == ADWIN_DELTA);
    assert_true(isnan(drift_adwin_mean(&adwin)) && isnan(drift_adwin_variance(&adwin)));
    assert_int_equal(drift_adwin_update(&adwin, 0.25, &age), CHANGE_NONE);
    assert_true(drift_adwin_mean(&adwin) == 0.25 && drift_adwin_variance(&adwin) == 0);
}

static void kswin_draws_without_repetition(void **state)
{
    (void)state;
    unsigned drawn[70] = {0};
    for (uint64_t count = 0; count < 7000; count++) {
        uint8_t index[KSWIN_SAMPLE];
        bool seen[70] = {false};
        drift_kswin_draw(42, count, 70, index);
        for (int i = 0; i < KSWIN_SAMPLE; i++) {
            assert_in_range(index[i], 0, 69);
            assert_false(seen[index[i]]);
            seen[index[i]] = true;
            drawn[index[i]]++;
        }
    }
    /* 3000 each on average; five deviations of sqrt(7000 * 3/7 * 4/7) */
    for (int i = 0; i < 70; i++)
        assert_in_range(drawn[i], 3000 - 208, 3000 + 208);
}

static unsigned replayed;

static void replay(const char *path, const char *bytes, size_t length)
{
    (void)path;
    change_replay((const uint8_t *)bytes, length);
    replayed++;
}

static void kept_inputs_are_survived(void **state)
{
    (void)state;
    assert_true(corpus_replay("change_detector", replay) >= 14);
    assert_true(replayed >= 14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_lead_back),
        cmocka_unit_test(wrong_kinds_are_refused),
        cmocka_unit_test(values_out_of_range_change_nothing),
        cmocka_unit_test(onset_is_where_the_stream_changed),
        cmocka_unit_test(a_steady_stream_is_no_drift),
        cmocka_unit_test(falls_are_seen_when_asked_for),
        cmocka_unit_test(alerting_detectors_are_the_quiet_ones),
        cmocka_unit_test(restored_goes_on_as_never_stopped),
        cmocka_unit_test(save_writes_only_what_fits),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(states_of_others_are_refused),
        cmocka_unit_test(adwin_looks_at_few_buckets),
        cmocka_unit_test(adwin_room_never_ends),
        cmocka_unit_test(adwin_of_nothing_has_no_mean),
        cmocka_unit_test(kswin_draws_without_repetition),
        cmocka_unit_test(kept_inputs_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
