/* test_init.c - what init makes of the columns of a small file, and the configuration it writes,
 * which the configuration's own reader must take. */
#include "config/config.h"
#include "init/init.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ROWS 120

struct fixture {
    char folder[40], reference[60], output[60];
    struct init_settings settings;
    struct init_file file;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    strcpy(fixture->folder, "/tmp/test_init_XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->reference, sizeof(fixture->reference), "%s/r.csv", fixture->folder);
    snprintf(fixture->output, sizeof(fixture->output), "%s/drift.yml", fixture->folder);
    fixture->settings = (struct init_settings){
        .reference = fixture->reference, .label = "truth", .output = fixture->output};
    FILE *file = fopen(fixture->reference, "w");
    assert_non_null(file);
    fputs("row,age,channel,when,name,constant,truth\n", file);
    for (int i = 0; i < ROWS; i++)
        fprintf(file, "%d,%g,%s,2026-01-%02d,person %d,7,%d\n", i, 20 + (double)(i * 37 % 50) / 2,
                i % 3 ? "web" : "app", 1 + i % 28, i, i % 2);
    fclose(file);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    init_finish(&fixture->file);
    unlink(fixture->reference);
    unlink(fixture->output);
    rmdir(fixture->folder);
    free(fixture);
    return 0;
}

static const struct init_column *column(const struct fixture *fixture, const char *name)
{
    for (size_t i = 0; i < fixture->file.count; i++)
        if (strcmp(fixture->file.columns[i].name, name) == 0)
            return &fixture->file.columns[i];
    fail_msg("no column %s", name);
    return NULL;
}

static void read_and_judge(struct fixture *fixture)
{
    if (init_read(&fixture->file, &fixture->settings) < 0 || init_judge(&fixture->file) < 0)
        fail_msg("%s", fixture->file.error.text);
}

static void test_columns(void **state)
{
    struct fixture *fixture = *state;

    read_and_judge(fixture);
    assert_int_equal(fixture->file.rows, ROWS);
    assert_int_equal(column(fixture, "age")->role, INIT_FEATURE);
    assert_false(column(fixture, "age")->categorical);
    assert_int_equal(column(fixture, "channel")->role, INIT_FEATURE);
    assert_true(column(fixture, "channel")->categorical);
    assert_int_equal(init_distinct(column(fixture, "channel")), 2);
    assert_int_equal(init_present(column(fixture, "channel")), ROWS);
    assert_int_equal(column(fixture, "truth")->role, INIT_LABEL);
    assert_false(column(fixture, "truth")->assumed);
    assert_int_not_equal(column(fixture, "name")->role, INIT_FEATURE); /* identifiers */
    assert_int_not_equal(column(fixture, "when")->role, INIT_FEATURE); /* dates */
    assert_ptr_equal(init_column_of(&fixture->file, INIT_LABEL), column(fixture, "truth"));
    assert_null(init_column_of(&fixture->file, INIT_SCORE));
}

static void test_the_configuration_is_one(void **state)
{
    struct fixture *fixture = *state;
    struct config config;
    struct error error;

    read_and_judge(fixture);
    FILE *out = fopen(fixture->output, "w");
    assert_non_null(out);
    struct buffer text;
    buffer_init(&text, 4096);
    assert_int_equal(init_write(&fixture->file, &text), 0);
    assert_int_equal(fwrite(text.data, 1, text.length, out), text.length);
    buffer_finish(&text);
    fclose(out);
    if (config_load(fixture->output, &config, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(config.model_count, 1);
    size_t age = 0;
    while (age < config.models[0].feature_count &&
           strcmp(config.models[0].features[age].name, "age") != 0)
        age++;
    assert_true(age < config.models[0].feature_count);
    assert_false(config.models[0].features[age].categorical);
    config_finish(&config);
}

static void test_wrong_settings(void **state)
{
    struct fixture *fixture = *state;

    fixture->settings.label = "nowhere";
    assert_int_equal(init_read(&fixture->file, &fixture->settings), -EINVAL);
    assert_true(fixture->file.wrong_use);
    assert_non_null(strstr(fixture->file.error.text, "\"nowhere\""));
    init_finish(&fixture->file);
    fixture->settings = (struct init_settings){.reference = "/nonexistent.csv"};
    assert_int_equal(init_read(&fixture->file, &fixture->settings), -ENOENT);
    assert_false(fixture->file.wrong_use);
}

static void test_bad_files(void **state)
{
    struct fixture *fixture = *state;
    FILE *file = fopen(fixture->reference, "a");

    assert_non_null(file);
    fputs("1,2\n", file);
    fclose(file);
    assert_int_equal(init_read(&fixture->file, &fixture->settings), -EBADMSG);
    assert_non_null(strstr(fixture->file.error.text, "the row has 2 fields, the header has 7"));
    assert_true(init_has_control("a\tb"));
    assert_false(init_has_control("a b \xc3\xa9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_configuration_is_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_settings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_files, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
