/* cost.c - nanoseconds of one row, alone and in blocks of 256, by scorer and by model file.
 *
 * usage: bench-scorers MODEL.json [MODEL...]
 *
 * The first is the XGBoost model of examples/birdstrikes, with its features; of every other model
 * of trees the cells are random numbers, and the evaluation alone is measured. The smallest of many
 * short measurements counts, so that other work on the machine disturbs little. */
#include "score/forest/load.h"
#include "score/trees.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS     256u
#define FEATURES 5u
#define SECONDS  1.0

static const struct scorer_feature features[FEATURES] = {
    {"operator", true}, {"phase", true}, {"size", true}, {"time_of_day", true}, {"speed", false}};
static const char *const texts[FEATURES - 1][3] = {
    {"AMERICAN AIRLINES", "MILITARY", "OTHER"},
    {"Climb", "Approach", "Landing Roll"},
    {"Small", "Medium", "Large"},
    {"Day", "Night", "Dusk"},
};

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void fill(struct row *rows)
{
    static struct value values[ROWS * FEATURES];

    for (size_t r = 0; r < ROWS; r++) {
        rows[r].value = &values[r * FEATURES];
        for (size_t f = 0; f < FEATURES - 1; f++) {
            const char *text = texts[f][(r * 7 + f) % 3];

            rows[r].value[f] = (struct value){NAN, text, strlen(text)};
        }
        rows[r].value[FEATURES - 1] = (struct value){.number = (double)(r % 200)};
    }
}

/* Nanoseconds of a row in the fastest pass; pass: over all rows, in calls of `block` rows. */
static double measure(void (*pass)(const void *context, size_t block), const void *context,
                      size_t block)
{
    const double start = now();
    double best = INFINITY;

    while (now() - start < SECONDS) {
        const double begin = now();

        pass(context, block);
        best = fmin(best, now() - begin);
    }
    return best / ROWS * 1e9;
}

/* --- scorers, from rows of values --- */

struct scoring {
    const struct scorer *scorer;
    const struct row *rows;
};

static void score_pass(const void *context, size_t block)
{
    const struct scoring *scoring = context;
    double outputs[ROWS];

    for (size_t r = 0; r < ROWS; r += block)
        if (scorer_score_rows(scoring->scorer, scoring->rows + r, block, 0, outputs) < 0)
            abort();
}

static void report_scorer(const char *name, struct scorer *scorer, const struct row *rows)
{
    const struct scoring scoring = {scorer, rows};

    printf("%-34s %9.0f %9.0f\n", name, measure(score_pass, &scoring, 1),
           measure(score_pass, &scoring, ROWS));
    scorer_destroy(scorer);
}

static struct scorer *weights(void)
{
    static const struct logistic_category categories[] = {
        {"Day", 0.1}, {"Night", -0.1}, {"OTHER", 0.2}, {"Small", -2}};
    struct logistic_term terms[FEATURES];
    struct scorer *scorer;

    for (size_t f = 0; f < FEATURES; f++)
        terms[f] = (struct logistic_term){.categorical = features[f].categorical,
                                          .weight = 1e-3,
                                          .scale = 1,
                                          .missing = 100,
                                          .categories = categories,
                                          .category_count = 4};
    if (logistic_scorer_create_terms(terms, FEATURES, 0, &scorer) < 0)
        abort();
    return scorer;
}

/* --- forests, from cells --- */

struct evaluation {
    const struct forest *forest;
    const double *cells;
    double *margins;
};

static void evaluate_pass(const void *context, size_t block)
{
    const struct evaluation *evaluation = context;
    const struct forest *forest = evaluation->forest;

    for (size_t r = 0; r < ROWS; r += block)
        forest_margins(forest, evaluation->cells + r * forest->column_count, block,
                       forest->tree_count, evaluation->margins);
}

/* Standard normal, near enough, from a generator of its own: the same in every run. */
static double random_cell(void)
{
    static uint64_t state = 1;
    double sum = 0;

    for (int i = 0; i < 12; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        sum += (double)(state >> 11) * 0x1p-53;
    }
    return sum - 6;
}

static int report_forest(const char *path)
{
    struct forest forest;
    struct error error = {.text = "not enough memory"};
    const double begin = now();

    if (forest_load(path, &forest, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    const double load = now() - begin;
    double *cells = calloc(ROWS * forest.column_count, sizeof(*cells));
    double *margins = calloc(ROWS * forest.outputs, sizeof(*margins));
    if (!cells || !margins)
        abort();
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t f = 0; f < forest.features; f++)
            cells[r * forest.column_count + f] = random_cell();
        forest_prepare(&forest, cells + r * forest.column_count);
    }
    const struct evaluation evaluation = {&forest, cells, margins};
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    printf("%-34s %9.0f %9.0f   %zu trees, %zu nodes, read in %.1f ms\n", name,
           measure(evaluate_pass, &evaluation, 1), measure(evaluate_pass, &evaluation, ROWS),
           forest.tree_count, forest.node_count, load * 1e3);
    free(cells);
    free(margins);
    forest_finish(&forest);
    return 0;
}

int main(int argc, char **argv)
{
    static struct row rows[ROWS];
    struct error error = {.text = "usage: bench-scorers MODEL.json [MODEL...]"};
    struct scorer *trees;

    if (argc < 2 || trees_scorer_load(argv[1], "XGBoost", features, FEATURES, &trees, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    fill(rows);
    printf("%-34s %9s %9s   ns per row\n", "scorer", "alone", "256 rows");
    report_scorer("logistic", weights(), rows);
    report_scorer("60 trees of birdstrikes, from texts", trees, rows);
    for (int i = 2; i < argc; i++)
        if (report_forest(argv[i]) != 0)
            return 1;
    return 0;
}
