/* cost.c - nanoseconds of one row, alone and in blocks of 256, by scorer.
 *
 * usage: bench-scorers MODEL.json     XGBoost, of the features of examples/birdstrikes */
#include "score/xgboost.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS     256u
#define FEATURES 5u
#define SECONDS  0.5

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

/* Nanoseconds of a row; block: rows of a call. */
static double measure(const struct scorer *scorer, const struct row *rows, size_t block)
{
    double outputs[ROWS];
    const double start = now();
    size_t done = 0;

    while (now() - start < SECONDS)
        for (size_t r = 0; r + block <= ROWS; r += block, done += block)
            if (scorer_score_rows(scorer, rows + r, block, 0, outputs) < 0)
                abort();
    return (now() - start) / (double)done * 1e9;
}

static void report(const char *name, struct scorer *scorer, const struct row *rows)
{
    printf("%-10s %10.0f %10.0f\n", name, measure(scorer, rows, 1), measure(scorer, rows, ROWS));
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

int main(int argc, char **argv)
{
    static struct row rows[ROWS];
    char error[SCORER_ERROR_BYTES];
    struct scorer *xgboost;

    if (argc != 2 || xgboost_scorer_load(argv[1], features, FEATURES, &xgboost, error) < 0) {
        fprintf(stderr, "%s\n", argc == 2 ? error : "usage: bench-scorers MODEL.json");
        return 1;
    }
    fill(rows);
    printf("%-10s %10s %10s   ns per row\n", "scorer", "alone", "256 rows");
    report("logistic", weights(), rows);
    report("xgboost", xgboost, rows);
    return 0;
}
