/* test_change_monitor.c - a model's urns: budget in time, pages, onset, order, blocks. */
#include "change_monitor.h"
#include "change_times.h"
#include "random_stream.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define REFERENCE 5000
#define BLOCK     64
#define DAY       86400.0

enum { NUMBER, COLOUR, FEATURES };
static const char *const colours[] = {"red", "green", "blue"};

struct fixture {
    uint64_t seed;
    double *numbers;
    const char **texts;
    struct detector_feature features[FEATURES];
    struct detector *detector;
    struct change_monitor *monitor;
    int64_t now_ms;
};

static void fixture_begin(struct fixture *fixture, uint64_t seed)
{
    *fixture = (struct fixture){.seed = seed, .now_ms = 1000};
    fixture->numbers = calloc(REFERENCE, sizeof(double));
    fixture->texts = calloc(REFERENCE, sizeof(char *));
    assert_non_null(fixture->numbers);
    assert_non_null(fixture->texts);
    for (size_t r = 0; r < REFERENCE; r++) {
        fixture->numbers[r] = random_normal(&fixture->seed);
        fixture->texts[r] = colours[random_below(&fixture->seed, 3)];
    }
}

static void fixture_create(struct fixture *fixture, struct change_monitor_spec spec)
{
    fixture->features[NUMBER] = (struct detector_feature){
        .name = "number", .type = FEATURE_NUMERIC, .reference_numbers = fixture->numbers};
    fixture->features[COLOUR] = (struct detector_feature){
        .name = "colour", .type = FEATURE_CATEGORICAL, .reference_texts = fixture->texts};
    const struct detector_spec windows = {
        .features = fixture->features,
        .feature_count = FEATURES,
        .reference_rows = REFERENCE,
        .window = {.kind = WINDOW_COUNT, .observations = 200},
        .minimum_sample = 50,
        .threshold = {0.3, 0.5},
        .significance = 0.0001,
        .methods = DETECTOR_LIVE_METHODS,
        .bins = 10,
    };
    assert_int_equal(detector_create(&windows, &fixture->detector), 0);
    spec.detector = fixture->detector;
    spec.features = fixture->features;
    spec.feature_count = FEATURES;
    spec.reference_rows = REFERENCE;
    spec.now_ms = fixture->now_ms;
    assert_int_equal(change_monitor_create(&spec, &fixture->monitor), 0);
}

static const struct change_monitor_spec usual = {.ordered = true, .rule = {90 * DAY, 0.15}};

static void fixture_start(struct fixture *fixture, uint64_t seed)
{
    fixture_begin(fixture, seed);
    fixture_create(fixture, usual);
}

static void fixture_end(struct fixture *fixture)
{
    change_monitor_destroy(fixture->monitor);
    detector_destroy(fixture->detector);
    free(fixture->numbers);
    free(fixture->texts);
}

/* What is drawn: the number's mean, shares of missing numbers, and of rows that are blue anyway. */
struct traffic {
    double mean, missing, blue;
};

static union detector_cell draw_number(struct fixture *fixture, const struct traffic *traffic)
{
    if (random_unit(&fixture->seed) < traffic->missing)
        return (union detector_cell){.number = NAN};
    return (union detector_cell){.number = traffic->mean + random_normal(&fixture->seed)};
}

static union detector_cell draw_colour(struct fixture *fixture, const struct traffic *traffic)
{
    const char *text = random_unit(&fixture->seed) < traffic->blue
                           ? "blue"
                           : colours[random_below(&fixture->seed, 3)];
    const struct value value = {.text = text, .text_bytes = strlen(text)};
    return detector_cell(fixture->detector, COLOUR, &value);
}

/* Rows by themselves, so many milliseconds apart. */
static void send(struct fixture *fixture, struct traffic traffic, size_t rows, int64_t apart_ms)
{
    for (size_t r = 0; r < rows; r++) {
        const union detector_cell cells[FEATURES] = {draw_number(fixture, &traffic),
                                                     draw_colour(fixture, &traffic)};
        fixture->now_ms += apart_ms;
        change_monitor_observe(fixture->monitor, cells, 1, 1, NULL, fixture->now_ms);
    }
}

static struct change_report report_of(const struct fixture *fixture, size_t feature,
                                      enum urn_part part)
{
    struct feature_changes changes;
    change_monitor_report(fixture->monitor, feature, &changes);
    return changes.part[part];
}

/* Rows until the page, at most so many. */
static size_t rows_to_page(struct fixture *fixture, struct traffic traffic, size_t feature,
                           enum urn_part part, size_t most)
{
    for (size_t row = 1; row <= most; row++) {
        send(fixture, traffic, 1, 1000);
        if (report_of(fixture, feature, part).open)
            return row;
    }
    return most + 1;
}

static void test_a_shift_is_a_page(void **state)
{
    struct fixture fixture;
    char words[CHANGE_WORDS_BYTES];
    (void)state;
    fixture_start(&fixture, 1);
    send(&fixture, (struct traffic){0}, 3000, 1000);
    assert_false(report_of(&fixture, NUMBER, URN_VALUES).open);
    const int64_t changed_ms = fixture.now_ms;
    assert_in_range(rows_to_page(&fixture, (struct traffic){.mean = 0.5}, NUMBER, URN_VALUES, 1000),
                    31, 400);
    const struct change_report report = report_of(&fixture, NUMBER, URN_VALUES);
    change_words(&report.change, words);
    assert_memory_equal(words, "shifted up by about 0.", 22);
    assert_true(fabs(report.change.deviations - 0.5) < 0.25);
    assert_in_range(report.onset_ms, changed_ms - 60000, changed_ms + 60000);
    assert_int_equal(report.opened_ms, fixture.now_ms);
    assert_int_equal(report.rows, (fixture.now_ms - report.onset_ms) / 1000 + 1);
    assert_int_equal(report.pages, 1);
    assert_false(report.learning);
    assert_false(report_of(&fixture, COLOUR, URN_VALUES).open);
    send(&fixture, (struct traffic){0}, 500, 1000); /* it goes away */
    assert_false(report_of(&fixture, NUMBER, URN_VALUES).open);
    assert_int_equal(report_of(&fixture, NUMBER, URN_VALUES).onset_ms, 0);
    fixture_end(&fixture);
}

static void test_missing_values_and_categories(void **state)
{
    struct fixture fixture;
    char words[CHANGE_WORDS_BYTES];
    (void)state;
    fixture_start(&fixture, 2);
    send(&fixture, (struct traffic){0}, 1000, 1000);
    assert_in_range(
        rows_to_page(&fixture, (struct traffic){.missing = 0.1}, NUMBER, URN_MISSINGNESS, 1000), 31,
        500);
    struct change_report report = report_of(&fixture, NUMBER, URN_MISSINGNESS);
    change_words(&report.change, words);
    assert_string_equal(words, "more missing values");
    assert_false(report_of(&fixture, NUMBER, URN_VALUES).open);
    assert_in_range(rows_to_page(&fixture, (struct traffic){.blue = 0.3}, COLOUR, URN_VALUES, 2000),
                    31, 1000);
    report = report_of(&fixture, COLOUR, URN_VALUES);
    change_words(&report.change, words);
    assert_string_equal(words, "\"blue\" more often");
    fixture_end(&fixture);
}

/* Pages of nothing, with a budget that allows many. */
static uint64_t false_pages(double budget_seconds, size_t rows, int64_t apart_ms)
{
    struct fixture fixture;
    const struct change_monitor_spec spec = {.ordered = true, .rule = {budget_seconds, 0}};
    uint64_t pages = 0;
    fixture_begin(&fixture, 3);
    fixture_create(&fixture, spec);
    send(&fixture, (struct traffic){0}, rows, apart_ms);
    for (size_t f = 0; f < FEATURES; f++)
        for (enum urn_part part = 0; part < URN_PARTS; part++)
            pages += report_of(&fixture, f, part).pages + report_of(&fixture, f, part).notices;
    fixture_end(&fixture);
    return pages;
}

/* So many pages as the budget allows in the time, at whatever rate the rows come; at the middle
 * rate some, so that the bound is not met by never paging. */
static void test_the_budget_is_in_time(void **state)
{
    (void)state;
    const uint64_t often = false_pages(2000, 200000, 1000);
    assert_in_range(often, 5, 100);
    assert_in_range(false_pages(200000, 20000, 100000), 0, 10);
    assert_in_range(false_pages(2, 200000, 1), 0, 100);
}

/* Rows that came together are sorted; that is no change. */
static void test_a_sorted_block_is_no_change(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_start(&fixture, 4);
    for (size_t b = 0; b < 300; b++) {
        union detector_cell cells[FEATURES * BLOCK];
        double numbers[BLOCK];
        for (size_t r = 0; r < BLOCK; r++)
            numbers[r] = random_normal(&fixture.seed);
        qsort(numbers, BLOCK, sizeof(*numbers), compare_values);
        for (size_t r = 0; r < BLOCK; r++) {
            cells[r].number = numbers[r];
            cells[BLOCK + r] = draw_colour(&fixture, &(struct traffic){0});
        }
        fixture.now_ms += BLOCK * 1000;
        change_monitor_observe(fixture.monitor, cells, BLOCK, BLOCK, NULL, fixture.now_ms);
    }
    assert_int_equal(report_of(&fixture, NUMBER, URN_VALUES).pages, 0);
    assert_int_equal(report_of(&fixture, NUMBER, URN_VALUES).notices, 0);
    fixture_end(&fixture);
}

static void test_without_an_order_changes_are_noticed(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_begin(&fixture, 5);
    fixture_create(&fixture, (struct change_monitor_spec){.rule = usual.rule});
    send(&fixture, (struct traffic){.mean = 1}, 500, 1000);
    const struct change_report report = report_of(&fixture, NUMBER, URN_VALUES);
    assert_int_equal(report.limit, CHANGE_NO_ORDER);
    assert_false(report.open);
    assert_int_equal(report.pages, 0);
    assert_in_range(report.notices, 1, 20);
    fixture_end(&fixture);
}

/* Rows that resemble their neighbours, in their order and shuffled with the order told. */
static void test_the_discount_follows_the_order(void **state)
{
    struct fixture plain, shuffled;
    uint32_t *place = calloc(REFERENCE, sizeof(*place)), *order = calloc(REFERENCE, sizeof(*order));
    (void)state;
    assert_non_null(place);
    assert_non_null(order);
    fixture_begin(&plain, 6);
    fixture_begin(&shuffled, 6);
    for (size_t r = 1; r < REFERENCE; r++)
        plain.numbers[r] = 0.9 * plain.numbers[r - 1] + sqrt(1 - 0.81) * plain.numbers[r];
    for (uint32_t r = 0; r < REFERENCE; r++)
        place[r] = r;
    for (size_t r = REFERENCE - 1; r > 0; r--) {
        const size_t other = random_below(&shuffled.seed, r + 1);
        const uint32_t swapped = place[r];
        place[r] = place[other];
        place[other] = swapped;
    }
    for (uint32_t r = 0; r < REFERENCE; r++) {
        shuffled.numbers[place[r]] = plain.numbers[r];
        order[r] = place[r];
    }
    fixture_create(&plain, usual);
    fixture_create(&shuffled, (struct change_monitor_spec){
                                  .ordered = true, .order = order, .rule = usual.rule});
    const double discount = report_of(&plain, NUMBER, URN_VALUES).discount;
    assert_true(discount > 10 && discount < 60);
    assert_true(report_of(&shuffled, NUMBER, URN_VALUES).discount == discount);
    assert_true(report_of(&plain, COLOUR, URN_VALUES).discount == 1);
    fixture_end(&plain);
    fixture_end(&shuffled);
    free(place);
    free(order);
}

/* The windows' p-values: by the reference's order, by live rows where that is asked, or not. */
static void test_whose_discount_windows_take(void **state)
{
    static const enum change_discount discounts[] = {CHANGE_DISCOUNT_REFERENCE,
                                                     CHANGE_DISCOUNT_LIVE, CHANGE_DISCOUNT_NONE};
    (void)state;
    for (size_t ordered = 0; ordered < 2; ordered++)
        for (size_t d = 0; d < 3; d++) {
            struct fixture fixture;
            fixture_begin(&fixture, 8);
            for (size_t r = 1; r < REFERENCE; r++)
                fixture.numbers[r] =
                    0.9 * fixture.numbers[r - 1] + sqrt(1 - 0.81) * fixture.numbers[r];
            fixture_create(&fixture, (struct change_monitor_spec){.ordered = ordered,
                                                                  .discount = discounts[d],
                                                                  .rule = usual.rule});
            /* the same value many times: the rows resemble their neighbours */
            for (size_t i = 0; i < 40; i++)
                send(&fixture, (struct traffic){.mean = (double)(i % 5) * 20}, 64, 1000);
            const double found = report_of(&fixture, NUMBER, URN_VALUES).window_discount;
            const bool discounts_it = ordered ? discounts[d] != CHANGE_DISCOUNT_NONE
                                              : discounts[d] == CHANGE_DISCOUNT_LIVE;
            assert_int_equal(found > 5, discounts_it);
            assert_true(discounts_it || found == 1);
            fixture_end(&fixture);
        }
}

/* An hour and 5000 rows later the next change is seen, and the first is not forgotten. */
static void test_a_page_hides_nothing(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_start(&fixture, 7);
    send(&fixture, (struct traffic){0}, 1000, 1000);
    send(&fixture, (struct traffic){.mean = 0.5}, 5500, 100);
    assert_false(report_of(&fixture, NUMBER, URN_VALUES).adopted); /* nine minutes */
    const int64_t first_ms = report_of(&fixture, NUMBER, URN_VALUES).onset_ms;
    send(&fixture, (struct traffic){.mean = 0.5}, 6000, 1000);
    assert_true(report_of(&fixture, NUMBER, URN_VALUES).adopted);
    assert_true(report_of(&fixture, NUMBER, URN_VALUES).open);
    assert_int_equal(report_of(&fixture, NUMBER, URN_VALUES).pages, 1);
    send(&fixture, (struct traffic){.mean = 1}, 500, 1000);
    const struct change_report report = report_of(&fixture, NUMBER, URN_VALUES);
    assert_int_equal(report.pages, 2);
    assert_int_equal(report.differs_since_ms, first_ms);
    assert_true(report.onset_ms > first_ms + 1000000);
    fixture_end(&fixture);
}

static void test_retune(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_start(&fixture, 8);
    send(&fixture, (struct traffic){0}, 1000, 1000);
    const double ratio = report_of(&fixture, NUMBER, URN_VALUES).evidence_ratio;
    change_monitor_retune(fixture.monitor, &(struct change_rule){9 * DAY, 5});
    assert_true(change_monitor_rule(fixture.monitor).materiality == 5);
    assert_true(fabs(report_of(&fixture, NUMBER, URN_VALUES).evidence_ratio / ratio - 10) < 1e-9);
    send(&fixture, (struct traffic){.mean = 0.5}, 1000, 1000);
    assert_int_equal(report_of(&fixture, NUMBER, URN_VALUES).pages, 0);
    assert_in_range(report_of(&fixture, NUMBER, URN_VALUES).notices, 1, 20);
    fixture_end(&fixture);
}

/* The time of a row to within a sixty-fourth of its age, in calls of any size. */
static void test_times(void **state)
{
    static struct change_times times;
    uint64_t seed = 9;
    (void)state;
    assert_int_equal(change_times_of(&times, 1), 0);
    while (times.rows < 1000000) {
        const uint64_t rows = 1 + random_below(&seed, 100);
        change_times_add(&times, rows, (int64_t)(times.rows + rows) * 10);
    }
    for (uint64_t ago = 0; ago < times.rows; ago += 1 + ago / 7) {
        const uint64_t row = times.rows - ago;
        const double error = (double)change_times_of(&times, row) / 10 - (double)row;
        if (!(error >= 0 && error <= 101 + (double)ago / 30))
            fail_msg("row %llu of %llu is dated %g rows late", (unsigned long long)row,
                     (unsigned long long)times.rows, error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_shift_is_a_page),
        cmocka_unit_test(test_missing_values_and_categories),
        cmocka_unit_test(test_the_budget_is_in_time),
        cmocka_unit_test(test_a_sorted_block_is_no_change),
        cmocka_unit_test(test_without_an_order_changes_are_noticed),
        cmocka_unit_test(test_the_discount_follows_the_order),
        cmocka_unit_test(test_whose_discount_windows_take),
        cmocka_unit_test(test_a_page_hides_nothing),
        cmocka_unit_test(test_retune),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests_name("change_monitor", tests, NULL, NULL);
}
