/* test_paths.c - how a configuration calls its model, and the files it names. */
#include "init/init.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void name_is(const char *reference, const char *model, const char *expected)
{
    const struct init_settings settings = {.reference = reference, .model = model};
    char name[INIT_NAME_BYTES];

    init_model_name(&settings, name);
    assert_string_equal(name, expected);
}

static void test_names(void **state)
{
    char longest[200];

    (void)state;
    name_is("a/churn.csv", NULL, "churn");
    name_is("churn_reference.csv", NULL, "churn");
    name_is("churn-train.v2.csv", NULL, "churn");
    name_is("reference.csv", "churn.json", "churn");
    name_is("churn.csv", "no/such/model.json", "churn"); /* its folder cannot be looked up */
    name_is("_.csv", NULL, "model");
    name_is("\xe7\x89\xb9.csv", NULL, "model");
    name_is("a b\tc.csv", NULL, "a_b_c");
    name_is(".hidden", NULL, "_hidden");
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    name_is(longest, NULL, longest + sizeof(longest) - INIT_NAME_BYTES);
}

static void path_is(const char *output, const char *path, const char *expected)
{
    const struct init_settings settings = {.output = output};
    char *found = init_path(&settings, path);

    assert_non_null(found);
    assert_string_equal(found, expected);
    free(found);
}

static void test_paths(void **state)
{
    char folder[] = "/tmp/test_paths_XXXXXX", before[4096];

    (void)state;
    assert_non_null(getcwd(before, sizeof(before)));
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(mkdir("data", 0700) | mkdir("data/old", 0700) | mkdir("dat", 0700), 0);
    FILE *file = fopen("data/r.csv", "w");
    assert_non_null(file);
    fclose(file);
    path_is(NULL, "data/r.csv", "data/r.csv");
    path_is("drift.yml", "data/r.csv", "data/r.csv");
    path_is("data/drift.yml", "data/r.csv", "r.csv");
    path_is("data/old/drift.yml", "data/r.csv", "../r.csv");
    path_is("dat/drift.yml", "data/r.csv", "../data/r.csv"); /* no common folder "dat" */
    path_is("dat/drift.yml", "./dat/../data/r.csv", "../data/r.csv");
    path_is("nowhere/drift.yml", "data/r.csv", "data/r.csv");
    unlink("data/r.csv");
    rmdir("data/old");
    rmdir("data");
    rmdir("dat");
    assert_int_equal(chdir(before), 0);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_paths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
