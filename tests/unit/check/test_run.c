/* test_run.c - a whole check of two small files: which columns are compared, which rows count, and
 * in which order the results come. */
#include "check/check.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ROWS 200

struct fixture {
    char folder[40], reference[60], current[60];
    struct check check;
    struct check_settings settings;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    strcpy(fixture->folder, "/tmp/test_check_XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->reference, sizeof(fixture->reference), "%s/r.csv", fixture->folder);
    snprintf(fixture->current, sizeof(fixture->current), "%s/c.csv", fixture->folder);
    fixture->settings = (struct check_settings){.reference = fixture->reference,
                                                .current = fixture->current,
                                                .window = {.kind = WINDOW_ALL},
                                                .threshold = {0.3, 0.5},
                                                .significance = 1e-4,
                                                .minimum_sample = 50,
                                                .bins = 10,
                                                .methods = DETECTOR_ALL_METHODS};
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    check_finish(&fixture->check);
    unlink(fixture->reference);
    unlink(fixture->current);
    rmdir(fixture->folder);
    free(fixture);
    return 0;
}

/* moved: how far the column "moved" is from where it was, in its own width. */
static void write_rows(const char *path, const char *header, double moved, size_t rows)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fprintf(file, "%s\n", header);
    for (size_t i = 0; i < rows; i++)
        fprintf(file, "person %zu,%g,%g,%s\n", i, (double)(i * 37 % rows) / (double)rows,
                (double)(i * 53 % rows) / (double)rows + moved, i % 3 ? "web" : "app");
    fclose(file);
}

static int run(struct fixture *fixture)
{
    return check_run(&fixture->check, &fixture->settings);
}

static void test_columns_and_order(void **state)
{
    struct fixture *fixture = *state;
    struct check *check = &fixture->check;
    size_t count;

    write_rows(fixture->reference, "name,same,moved,channel", 0, ROWS);
    write_rows(fixture->current, "name,same,moved,other", 0.8, ROWS);
    assert_int_equal(run(fixture), 0);
    assert_int_equal(check->reference_rows, ROWS);
    assert_int_equal(check->current_rows, ROWS);
    assert_int_equal(check->columns.count, 2);
    assert_string_equal(check->columns.column[0].name, "same");
    assert_string_equal(check->columns.column[1].name, "moved");
    assert_int_equal(check->columns.skipped_count, 3); /* name, channel, other */
    struct check_result *results = check_results(check, &count);
    assert_non_null(results);
    assert_true(count >= 4);
    assert_string_equal(results[0].feature->name, "moved");
    assert_true(results[0].feature->drifted && check_names_drift(results, 0));
    for (size_t i = 1; i < count; i++) {
        assert_false(check_names_drift(results, i)); /* each drifted feature is named once */
        if (results[i].feature->drifted == results[i - 1].feature->drifted &&
            results[i].feature->method[results[i].method].significant ==
                results[i - 1].feature->method[results[i - 1].method].significant &&
            results[i].feature->method[results[i].method].drifted ==
                results[i - 1].feature->method[results[i - 1].method].drifted)
            assert_true(results[i].strength <= results[i - 1].strength);
    }
    free(results);
}

static void test_equal_files_have_no_drift(void **state)
{
    struct fixture *fixture = *state;

    write_rows(fixture->reference, "name,same,moved,channel", 0, ROWS);
    write_rows(fixture->current, "name,same,moved,channel", 0, ROWS);
    assert_int_equal(run(fixture), 0);
    assert_false(fixture->check.report.drift_detected);
    for (size_t f = 0; f < fixture->check.report.feature_count; f++)
        assert_true(fixture->check.report.features[f].headline_score == 0);
}

static void test_bad_rows_are_counted_and_shown(void **state)
{
    struct fixture *fixture = *state;
    FILE *file;

    write_rows(fixture->reference, "name,same,moved,channel", 0, ROWS);
    write_rows(fixture->current, "name,same,moved,channel", 0, ROWS);
    file = fopen(fixture->current, "a");
    assert_non_null(file);
    fputs("x,oops,0.5,web\nshort,0.5\n", file);
    fclose(file);
    assert_int_equal(run(fixture), 0);
    assert_int_equal(fixture->check.current_rows, ROWS);
    assert_int_equal(fixture->check.bad_current.count, 2);
    assert_int_equal(fixture->check.bad_current.line[0], ROWS + 2);
    assert_non_null(strstr(fixture->check.bad_current.message[0], "\"oops\" is not a number"));
    assert_int_equal(fixture->check.bad_reference.count, 0);
}

static void refuse(struct fixture *fixture, int rc, const char *sentence)
{
    assert_int_equal(run(fixture), rc);
    if (!strstr(fixture->check.error.text, sentence))
        fail_msg("%s", fixture->check.error.text);
}

static void test_what_cannot_be_compared(void **state)
{
    struct fixture *fixture = *state;

    refuse(fixture, -ENOENT, "No such file");
    write_rows(fixture->reference, "a,b,c,d", 0, ROWS);
    write_rows(fixture->current, "e,f,g,h", 0, ROWS);
    check_finish(&fixture->check);
    refuse(fixture, -EBADMSG, "no column in common");
    write_rows(fixture->current, "a,b,c,d", 0, 0);
    check_finish(&fixture->check);
    refuse(fixture, -EBADMSG, "has a header but no rows");
    write_rows(fixture->current, "a,b,c,d", 0, ROWS);
    fixture->settings.exclude = "b,nowhere";
    check_finish(&fixture->check);
    refuse(fixture, -EINVAL, "no column \"nowhere\"");
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static const struct check_skipped *skipped(const struct check *check, const char *name)
{
    for (size_t i = 0; i < check->columns.skipped_count; i++)
        if (strcmp(check->columns.skipped[i].name, name) == 0)
            return &check->columns.skipped[i];
    fail_msg("%s is not skipped", name);
    return NULL;
}

static void test_columns_of_one_file(void **state)
{
    struct fixture *fixture = *state;
    const struct check *check = &fixture->check;

    write_text(fixture->reference, "a,b,c,d\n1,2,3,4\n2,3,4,5\n");
    write_text(fixture->current, "e,a,f,c\n1,2,3,4\n2,3,4,5\n");
    fixture->settings.exclude = "d,f";
    assert_int_equal(run(fixture), 0);
    assert_int_equal(check_columns_only(&check->columns, CHECK_ONLY_REFERENCE), 1);
    assert_int_equal(check_columns_only(&check->columns, CHECK_ONLY_CURRENT), 1);
    assert_int_equal(skipped(check, "b")->side, CHECK_ONLY_REFERENCE);
    assert_int_equal(skipped(check, "e")->side, CHECK_ONLY_CURRENT);
    assert_int_equal(skipped(check, "d")->side, CHECK_BOTH);
    assert_string_equal(skipped(check, "f")->reason, "excluded");
}

static void test_what_columns_are(void **state)
{
    struct fixture *fixture = *state;
    const struct check *check = &fixture->check;

    for (int i = 0; i < 2; i++)
        write_text(i ? fixture->current : fixture->reference,
                   "day;zip;large;x\n2026-01-01;10001;9007199254740993;1,5\n"
                   "2026-01-02;02134;1;2\n2026-01-03;10001;2;3\n");
    assert_int_equal(run(fixture), 0);
    assert_int_equal(check->reference_format.delimiter, ';');
    assert_int_equal(check->current_format.decimal, ',');
    assert_int_equal(check->columns.count, 2);
    assert_string_equal(check->columns.column[0].name, "zip");
    assert_true(check->columns.column[0].categorical);
    assert_false(check->columns.column[1].categorical);
    assert_true(check->report.features[1].reference_max == 3 &&
                check->report.features[1].reference_min == 1.5);
    assert_non_null(strstr(skipped(check, "day")->reason, "date"));
    assert_non_null(strstr(skipped(check, "large")->reason, "2^53"));
}

static void test_one_result_stands_for_each_feature(void **state)
{
    struct fixture *fixture = *state;
    size_t count, stand = 0;

    write_rows(fixture->reference, "name,same,moved,channel", 0, ROWS);
    write_rows(fixture->current, "name,same,moved,channel", 0.8, ROWS);
    assert_int_equal(run(fixture), 0);
    struct check_result *results = check_results(&fixture->check, &count);
    assert_non_null(results);
    for (size_t i = 0; i < count; i++) {
        if (!check_stands_for_feature(results, count, i))
            continue;
        stand++;
        assert_true(results[i].method == METHOD_KS_TEST || results[i].method == METHOD_PSI);
        assert_int_equal(results[i].feature->method[results[i].method].drifted,
                         results[i].feature->drifted);
    }
    assert_int_equal(stand, fixture->check.report.feature_count);
    free(results);
}

static void test_methods(void **state)
{
    struct fixture *fixture = *state;

    write_rows(fixture->reference, "name,same,moved,channel", 0, ROWS);
    write_rows(fixture->current, "name,same,moved,channel", 0.8, ROWS);
    fixture->settings.methods = 1u << METHOD_KS_TEST;
    assert_int_equal(run(fixture), 0);
    assert_int_equal(fixture->check.columns.count, 2);
    assert_string_equal(skipped(&fixture->check, "channel")->reason,
                        "none of the --methods is for categories");
    assert_false(fixture->check.report.features[0].method[METHOD_PSI].applies);
}

static void test_messages_of_two_readers_come_in_order(void **state)
{
    struct check_bad_rows a = {0}, b = {0};

    (void)state;
    for (uint64_t line = 1; line <= 9; line += 2) {
        check_bad_row(&a, "f", line, "odd");
        check_bad_row(&b, "f", line + 1, "even");
    }
    check_bad_rows_merge(&a, &b);
    assert_int_equal(a.count, 10);
    for (size_t i = 0; i < CHECK_SHOWN_ROWS; i++)
        assert_int_equal(a.line[i], i + 1);
    assert_string_equal(a.message[1], "f:2: even");
    check_bad_rows_cut(&a, 3);
    assert_int_equal(a.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_columns_and_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_equal_files_have_no_drift, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_rows_are_counted_and_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_compared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_columns_of_one_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_columns_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_result_stands_for_each_feature, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_methods, set_up, tear_down),
        cmocka_unit_test(test_messages_of_two_readers_come_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
