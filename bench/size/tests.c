/* tests.c - see the header. Windows and references are libdrift's own, so that what is measured is
 * what the product prints, with the bins that it makes. */
#include "tests.h"

#include "sampler.h"
#include "stats/feature_window.h"
#include "stats/proportion.h"
#include "stats/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const double level[LEVELS] = {1e-2, 1e-3, 1e-4};

/* The share of a changed window's rows that come from elsewhere. */
#define CHANGED_SHARE 0.2
#define NUMERIC_BINS  10

static const struct {
    const char *name;
    enum drift_method method; /* METHOD_COUNT: none */
} tests[TESTS] = {
    [TEST_MISSING] = {"missing", METHOD_COUNT},
    [TEST_CHI_SQUARE] = {"chi_square", METHOD_CHI_SQUARE},
    [TEST_PSI] = {"psi", METHOD_PSI},
    [TEST_KS] = {"ks_test", METHOD_KS_TEST},
    [TEST_CVM] = {"cramer_von_mises", METHOD_CRAMER_VON_MISES},
};

const char *test_name(enum test test)
{
    return tests[test].name;
}

struct run {
    const struct experiment *experiment;
    uint64_t state;
    char name[SAMPLER_MOST][8]; /* of categories */
    struct tally *tally;
    uint64_t below[TESTS][LEVELS]; /* of the present reference */
};

static void *allocated(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static void count(struct run *run, enum test test, double p)
{
    run->tally->made[test]++;
    for (size_t l = 0; l < LEVELS; l++)
        run->below[test][l] += p <= level[l];
}

static void close_reference(struct run *run)
{
    for (enum test test = 0; test < TESTS; test++)
        for (size_t l = 0; l < LEVELS; l++) {
            const double below = (double)run->below[test][l];
            run->tally->below[test][l] += run->below[test][l];
            run->tally->squares[test][l] += below * below;
            run->below[test][l] = 0;
        }
}

static bool from_elsewhere(struct run *run)
{
    return run->experiment->changed && random_uniform(&run->state) < CHANGED_SHARE;
}

static void test_window(struct run *run, const struct feature_window *window)
{
    double score, p;
    for (enum test test = 0; test < TESTS; test++)
        if (tests[test].method != METHOD_COUNT &&
            drift_feature_window_score(window, tests[test].method, &score) == 0 &&
            drift_feature_window_p_value(window, tests[test].method, score, &p) == 0)
            count(run, test, p);
}

static struct feature_window *new_window(const struct numeric_reference *numeric,
                                         const struct categorical_reference *categorical)
{
    const struct window_spec spec = {.kind = WINDOW_ALL};
    struct feature_window *window;
    if (drift_feature_window_create(numeric, categorical, &spec, &window) < 0)
        abort();
    return window;
}

/* --- shares --- */

static uint64_t hits(struct run *run, size_t rows, bool window)
{
    uint64_t hits = 0;
    for (size_t r = 0; r < rows; r++)
        hits +=
            random_uniform(&run->state) < run->experiment->share || (window && from_elsewhere(run));
    return hits;
}

static void share_reference(struct run *run)
{
    const size_t n = run->experiment->reference, m = run->experiment->window;
    const uint64_t a = hits(run, n, false);
    for (size_t w = 0; w < WINDOWS_PER_REFERENCE; w++)
        count(run, TEST_MISSING, drift_fisher_exact_p(a, n, hits(run, m, true), m));
}

/* --- categories --- */

static void make_sampler(struct run *run, struct sampler *sampler)
{
    const struct experiment *experiment = run->experiment;
    double share[SAMPLER_MOST], sum = 0;
    for (size_t i = 0; i < experiment->bins; i++)
        sum += share[i] = experiment->data == DATA_SKEWED ? 1 / (double)(i + 1) : 1;
    for (size_t i = 0; i < experiment->bins; i++) {
        share[i] /= sum;
        snprintf(run->name[i], sizeof(run->name[i]), "%zu", i);
    }
    sampler_init(sampler, share, experiment->bins);
}

/* Rows from elsewhere are all of the last category. */
static void category_windows(struct run *run, const struct sampler *sampler,
                             const struct categorical_reference *reference, const uint32_t *code)
{
    for (size_t w = 0; w < WINDOWS_PER_REFERENCE; w++) {
        struct feature_window *window = new_window(NULL, reference);
        for (size_t r = 0; r < run->experiment->window; r++) {
            const size_t category = from_elsewhere(run) ? run->experiment->bins - 1
                                                        : sampler_draw(sampler, &run->state);
            drift_feature_window_observe_category(window, code[category], 0);
        }
        test_window(run, window);
        drift_feature_window_destroy(window);
    }
}

static void category_reference(struct run *run, const struct sampler *sampler)
{
    const size_t rows = run->experiment->reference;
    const size_t kept =
        run->experiment->kept > 0 ? run->experiment->kept : REFERENCE_MAX_CATEGORIES;
    const char **row = allocated(calloc(rows, sizeof(*row)));
    uint32_t code[SAMPLER_MOST];
    struct categorical_reference reference;
    for (size_t r = 0; r < rows; r++)
        row[r] = run->name[sampler_draw(sampler, &run->state)];
    if (drift_categorical_reference_init(&reference, row, rows, kept) < 0)
        abort();
    for (size_t i = 0; i < run->experiment->bins; i++)
        code[i] = drift_categorical_reference_code(&reference, run->name[i], strlen(run->name[i]));
    category_windows(run, sampler, &reference, code);
    drift_categorical_reference_finish(&reference);
    free(row);
}

/* --- numbers --- */

/* Rows from elsewhere lie in the upper half. */
static double number(struct run *run, bool window)
{
    double u = random_uniform(&run->state);
    if (window && from_elsewhere(run))
        u = 0.5 + u / 2;
    switch (run->experiment->data) {
    case DATA_TIED:
        return floor(u * u * 12);
    case DATA_ZEROS:
        return u < 0.6 ? 0 : u;
    default:
        return u;
    }
}

static void number_reference(struct run *run)
{
    const size_t rows = run->experiment->reference;
    double *row = allocated(calloc(rows, sizeof(*row)));
    struct numeric_reference reference;
    for (size_t r = 0; r < rows; r++)
        row[r] = number(run, false);
    if (drift_numeric_reference_init(&reference, row, rows, NUMERIC_BINS, 0) < 0)
        abort();
    for (size_t w = 0; w < WINDOWS_PER_REFERENCE; w++) {
        struct feature_window *window = new_window(&reference, NULL);
        for (size_t r = 0; r < run->experiment->window; r++)
            drift_feature_window_observe_number(window, number(run, true), 0);
        test_window(run, window);
        drift_feature_window_destroy(window);
    }
    drift_numeric_reference_finish(&reference);
    free(row);
}

void experiment_run(const struct experiment *experiment, uint64_t windows, uint64_t seed,
                    struct tally *tally)
{
    struct run run = {.experiment = experiment, .state = seed, .tally = tally};
    struct sampler sampler;
    const bool categories = experiment->data == DATA_EQUAL || experiment->data == DATA_SKEWED;
    if (categories)
        make_sampler(&run, &sampler);
    for (uint64_t w = 0; w < windows; w += WINDOWS_PER_REFERENCE) {
        if (experiment->data == DATA_SHARE)
            share_reference(&run);
        else if (categories)
            category_reference(&run, &sampler);
        else
            number_reference(&run);
        close_reference(&run);
    }
}
