/* Unit tests of score/trees: the library's own predictions, several threads on one model, and
 * the sentences about files that are none. Vectors: tests/vectors/make_xgboost.py. */
#include "score/trees.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

#define MAX_ROWS    100
#define MAX_OUTPUTS 3

static const struct scorer_feature mixed[] = {{"x0", false}, {"x1", false}, {"color", true}};

struct vectors {
    struct row row[MAX_ROWS];
    size_t features, rows, outputs;
    struct value values[MAX_ROWS * 3];
    double expected[MAX_ROWS * MAX_OUTPUTS];
    char line[MAX_ROWS][300]; /* what the values point into */
};

static void read_row(struct vectors *vectors, char *line)
{
    char *rest = line;

    for (size_t f = 0; f < vectors->features; f++) {
        const char *field = strsep(&rest, ",");
        struct value *value = &vectors->values[vectors->rows * vectors->features + f];

        *value = (struct value){.number = NAN};
        if (mixed[f].categorical && field[0])
            *value = (struct value){.text = field, .text_bytes = strlen(field)};
        else if (field[0])
            value->number = strtod(field, NULL);
    }
    vectors->row[vectors->rows].value = &vectors->values[vectors->rows * vectors->features];
    vectors->outputs = 0;
    for (const char *field; (field = strsep(&rest, ",")); vectors->outputs++)
        vectors->expected[vectors->rows * MAX_OUTPUTS + vectors->outputs] = strtod(field, NULL);
    vectors->rows++;
}

static void read_vectors(const char *name, struct vectors *vectors)
{
    char path[1000], header[100];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%.*s.csv", VECTORS_DIR "/xgboost", (int)strcspn(name, "."),
             name);
    file = fopen(path, "r");
    if (!file || !fgets(header, sizeof(header), file))
        fail_msg("cannot read %s", path);
    *vectors = (struct vectors){.features = strstr(header, "color") ? 3 : 2};
    while (vectors->rows < MAX_ROWS &&
           fgets(vectors->line[vectors->rows], sizeof(vectors->line[0]), file)) {
        vectors->line[vectors->rows][strcspn(vectors->line[vectors->rows], "\n")] = '\0';
        read_row(vectors, vectors->line[vectors->rows]);
    }
    fclose(file);
    assert_true(vectors->rows > 50);
}

static struct scorer *load(const char *name, size_t features)
{
    char path[1000];
    struct error error;
    struct scorer *scorer = NULL;

    snprintf(path, sizeof(path), "%s/%s", VECTORS_DIR "/xgboost", name);
    if (trees_scorer_load(path, "XGBoost", mixed, features, &scorer, &error) != 0)
        fail_msg("%s", error.text);
    return scorer;
}

/* To the last bit of float32. */
static void assert_outputs(const char *name, const struct vectors *vectors, size_t row,
                           const double *outputs)
{
    for (size_t i = 0; i < vectors->outputs; i++)
        if (outputs[i] != vectors->expected[row * MAX_OUTPUTS + i])
            fail_msg("%s, row %zu, output %zu: got %a, want %a", name, row, i, outputs[i],
                     vectors->expected[row * MAX_OUTPUTS + i]);
}

static const struct {
    const char *name;
    enum prediction_type type;
    size_t outputs;
} models[] = {
    {"binary.json", PREDICTION_BINARY, 1},        {"dart.ubj", PREDICTION_BINARY, 1},
    {"logitraw.ubj", PREDICTION_BINARY, 1},       {"unnamed.json", PREDICTION_BINARY, 1},
    {"multi.ubj", PREDICTION_MULTICLASS, 3},      {"softmax.json", PREDICTION_MULTICLASS, 3},
    {"regression.ubj", PREDICTION_REGRESSION, 1}, {"poisson.json", PREDICTION_REGRESSION, 1},
};
#define MODELS (sizeof(models) / sizeof(models[0]))

static void test_equals_the_library(void **state)
{
    static struct vectors vectors;

    (void)state;
    for (size_t m = 0; m < MODELS; m++) {
        double outputs[MAX_ROWS * MAX_OUTPUTS];
        struct scorer *scorer;

        read_vectors(models[m].name, &vectors);
        scorer = load(models[m].name, vectors.features);
        assert_int_equal(scorer_type(scorer), models[m].type);
        assert_int_equal(scorer_outputs(scorer), models[m].outputs);
        assert_int_equal(vectors.outputs, models[m].outputs);
        for (size_t r = 0; r < vectors.rows; r++) {
            assert_int_equal(
                scorer_score(scorer, &vectors.values[r * vectors.features], r, outputs), 0);
            assert_outputs(models[m].name, &vectors, r, outputs);
        }
        assert_int_equal(scorer_score_rows(scorer, vectors.row, vectors.rows, 0, outputs), 0);
        for (size_t r = 0; r < vectors.rows; r++)
            assert_outputs(models[m].name, &vectors, r, outputs + r * vectors.outputs);
        scorer_destroy(scorer);
    }
}

/* More rows than one block takes. */
static void test_many_rows(void **state)
{
    enum { ROWS = 5000 };
    static struct vectors vectors;
    static struct row rows[ROWS];
    static double outputs[ROWS * 3];
    struct scorer *scorer = load("multi.ubj", 3);

    (void)state;
    read_vectors("multi.ubj", &vectors);
    for (size_t r = 0; r < ROWS; r++)
        rows[r] = vectors.row[r % vectors.rows];
    assert_int_equal(scorer_score_rows(scorer, rows, ROWS, 0, outputs), 0);
    for (size_t r = 0; r < ROWS; r++)
        assert_outputs("multi.ubj", &vectors, r % vectors.rows, outputs + r * 3);
    scorer_destroy(scorer);
}

/* --- several threads, one model --- */

#define THREADS    4
#define REPETITION 20

static struct {
    const struct scorer *scorer;
    const struct vectors *vectors;
    pthread_barrier_t start;
} shared;

/* The number of wrong answers. */
static void *score_all(void *context)
{
    const struct vectors *vectors = shared.vectors;
    double outputs[MAX_ROWS * MAX_OUTPUTS];
    uintptr_t wrong = 0;

    (void)context;
    pthread_barrier_wait(&shared.start);
    for (size_t i = 0; i < REPETITION; i++) {
        for (size_t r = 0; r < vectors->rows; r++) {
            const struct value *row = &vectors->values[r * vectors->features];

            wrong += scorer_score(shared.scorer, row, r, outputs) != 0 ||
                     memcmp(outputs, &vectors->expected[r * MAX_OUTPUTS],
                            vectors->outputs * sizeof(double)) != 0;
        }
        wrong += scorer_score_rows(shared.scorer, vectors->row, vectors->rows, 0, outputs) != 0;
    }
    return (void *)wrong;
}

static void test_threads(void **state)
{
    static struct vectors vectors;

    (void)state;
    for (size_t m = 0; m < MODELS; m++) {
        pthread_t threads[THREADS];
        struct scorer *scorer;

        read_vectors(models[m].name, &vectors);
        scorer = load(models[m].name, vectors.features);
        shared.scorer = scorer;
        shared.vectors = &vectors;
        pthread_barrier_init(&shared.start, NULL, THREADS);
        for (size_t t = 0; t < THREADS; t++)
            assert_int_equal(pthread_create(&threads[t], NULL, score_all, NULL), 0);
        for (size_t t = 0; t < THREADS; t++) {
            void *wrong;

            pthread_join(threads[t], &wrong);
            assert_int_equal((uintptr_t)wrong, 0);
        }
        pthread_barrier_destroy(&shared.start);
        scorer_destroy(scorer);
    }
}

/* --- what is refused --- */

static void assert_refused(const char *path, const struct scorer_feature *features, size_t count,
                           int code, const char *part)
{
    struct error error = {.text = ""};
    struct scorer *scorer = NULL;
    int r = trees_scorer_load(path, "XGBoost", features, count, &scorer, &error);

    if (r != code || !strstr(error.text, part) || strchr(error.text, '\n') ||
        strncmp(error.text, path, strlen(path)) != 0)
        fail_msg("%s: got %d, \"%s\", want %d, \"...%s...\"", path, r, error.text, code, part);
    assert_null(scorer);
}

static void test_refuses_features(void **state)
{
    static const struct scorer_feature without[] = {{"x0", false}, {"x1", false}};
    static const struct scorer_feature renamed[] = {{"x0", false}, {"x9", false}, {"color", true}};
    static const struct scorer_feature numeric[] = {{"x0", false}, {"x1", false}, {"color", false}};
    static const struct scorer_feature texts[] = {{"x0", true}, {"x1", false}, {"color", true}};
    const char *path = VECTORS_DIR "/xgboost"
                                   "/binary.json";

    (void)state;
    assert_refused(path, without, 2, -EINVAL, "\"color=red\" is none of the configuration's");
    assert_refused(path, renamed, 3, -EINVAL, "\"x1\" is none of the configuration's");
    assert_refused(path, numeric, 3, -EINVAL, "\"color=red\" is none of the configuration's");
    assert_refused(path, texts, 3, -EINVAL, "\"x0\" is categorical in the configuration");
    path = VECTORS_DIR "/xgboost"
                       "/unnamed.json";
    assert_refused(path, mixed, 3, -EINVAL, "takes 2 features and does not name them");
    assert_refused(path, texts, 2, -EINVAL, "\"x0\" is categorical");
}

static void test_refuses_kinds(void **state)
{
    (void)state;
    assert_refused(VECTORS_DIR "/xgboost"
                               "/linear.json",
                   mixed, 3, -EINVAL, "\"gblinear\"");
    assert_refused(VECTORS_DIR "/xgboost"
                               "/no_such_file",
                   mixed, 3, -ENOENT, "No such file");
    assert_refused(VECTORS_DIR "/xgboost", mixed, 3, -EISDIR, "directory");
}

static size_t read_all(const char *name, char *bytes, size_t room)
{
    char path[1000];
    FILE *file;
    size_t length;

    snprintf(path, sizeof(path), "%s/%s", VECTORS_DIR "/xgboost", name);
    file = fopen(path, "rb");
    assert_non_null(file);
    length = fread(bytes, 1, room, file);
    fclose(file);
    return length;
}

static void write_temporary(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static void test_refuses_damage(void **state)
{
    static char bytes[1 << 20];
    char path[] = "/tmp/test_xgboost_XXXXXX";
    const int descriptor = mkstemp(path);

    (void)state;
    assert_true(descriptor >= 0);
    close(descriptor);
    write_temporary(path, "", 0);
    assert_refused(path, mixed, 3, -EINVAL, "empty");
    write_temporary(path, "binf\0\0", 6);
    assert_refused(path, mixed, 3, -EINVAL, "old binary format");
    write_temporary(path, "hello", 5);
    assert_refused(path, mixed, 3, -EINVAL, "neither JSON nor UBJSON");
    write_temporary(path, "{", 1);
    assert_refused(path, mixed, 3, -EINVAL, "byte 1: ");
    write_temporary(path, "{}", 2);
    assert_refused(path, mixed, 3, -EINVAL, "not an XGBoost model");
    write_temporary(path, "{\"learner\": 1}", 14);
    assert_refused(path, mixed, 3, -EINVAL, "byte 12: expected an object");
    for (size_t model = 0; model < 2; model++) {
        const size_t length = read_all(model ? "multi.ubj" : "binary.json", bytes, sizeof(bytes));

        for (size_t cut = 2; cut < length; cut += length / 37) {
            write_temporary(path, bytes, cut);
            assert_refused(path, mixed, 3, -EINVAL, ": byte ");
        }
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_the_library),
        cmocka_unit_test(test_many_rows),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_refuses_features),
        cmocka_unit_test(test_refuses_kinds),
        cmocka_unit_test(test_refuses_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
