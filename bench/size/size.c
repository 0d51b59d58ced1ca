/* size.c - how often each p-value is below a level although nothing has changed.
 *
 * usage: bench-size [WINDOWS]      default 1000000 windows in each row of the table
 *
 * Each window and its reference are drawn from one distribution; a reference serves for 20 windows.
 * A share above the level by more than chance explains (4 standard errors) is marked and makes the
 * exit status 1. Fixed seeds: every run prints the same table. */
#include "stats/feature_window.h"
#include "stats/homogeneity.h"
#include "stats/proportion.h"
#include "stats/reference.h"
#include "stats/special.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS  3
#define THREADS 2
/* Windows compared with one reference. */
#define SHARED 20
#define MOST   1000

static const double level[LEVELS] = {1e-2, 1e-3, 1e-4};

enum kind { SHARE, EQUAL, SKEWED, NUMERIC, TIED };
static const char *const kind_name[] = {"share", "equal bins", "skewed categories", "numeric",
                                        "tied numbers"};

/* One row of the table. */
struct cell {
    enum kind kind;
    double share; /* of SHARE */
    size_t bins;
    size_t reference, window;
};

enum test { FISHER, HOMOGENEITY, PSI, KS, CVM, TESTS };
static const char *const test_name[TESTS] = {"missing share", "bins", "psi", "ks_test",
                                             "cramer_von_mises"};

struct work {
    const struct cell *cell;
    uint64_t windows, seed;
    uint64_t below[TESTS][LEVELS], made[TESTS];
};

/* splitmix64 (Steele, Lea and Flood 2014) */
static uint64_t bits(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static double uniform(uint64_t *state)
{
    return (double)(bits(state) >> 11) * 0x1p-53;
}

static void count(struct work *work, enum test test, double p)
{
    work->made[test]++;
    for (size_t l = 0; l < LEVELS; l++)
        work->below[test][l] += p <= level[l];
}

/* --- histograms --- */

static void weights(const struct cell *cell, double *cumulated)
{
    double sum = 0;
    for (size_t i = 0; i < cell->bins; i++) {
        const double weight = cell->kind == SKEWED ? 1 / (double)(i + 1) : 1; /* Zipf's law */
        cumulated[i] = sum += weight;
    }
    for (size_t i = 0; i < cell->bins; i++)
        cumulated[i] /= sum;
}

static void draw(const struct cell *cell, const double *cumulated, size_t rows, uint64_t *state,
                 uint64_t *bin)
{
    memset(bin, 0, cell->bins * sizeof(*bin));
    for (size_t r = 0; r < rows; r++) {
        const double u = uniform(state);
        size_t low = 0, high = cell->bins - 1;
        while (low < high) {
            const size_t middle = (low + high) / 2;
            if (u < cumulated[middle])
                high = middle;
            else
                low = middle + 1;
        }
        bin[low]++;
    }
}

static void run_histograms(struct work *work)
{
    const struct cell *cell = work->cell;
    double cumulated[MOST];
    uint64_t ref[MOST], cur[MOST];
    weights(cell, cumulated);
    for (uint64_t w = 0; w < work->windows; w++) {
        if (w % SHARED == 0)
            draw(cell, cumulated, cell->reference, &work->seed, ref);
        draw(cell, cumulated, cell->window, &work->seed, cur);
        count(work, HOMOGENEITY, homogeneity_p(ref, cur, cell->bins));
    }
}

/* --- shares --- */

static uint64_t hits(double share, size_t rows, uint64_t *state)
{
    uint64_t hits = 0;
    for (size_t r = 0; r < rows; r++)
        hits += uniform(state) < share;
    return hits;
}

static void run_shares(struct work *work)
{
    const struct cell *cell = work->cell;
    uint64_t in_reference = 0;
    for (uint64_t w = 0; w < work->windows; w++) {
        if (w % SHARED == 0)
            in_reference = hits(cell->share, cell->reference, &work->seed);
        const uint64_t in_window = hits(cell->share, cell->window, &work->seed);
        count(work, FISHER, fisher_exact_p(in_reference, cell->reference, in_window, cell->window));
    }
}

/* --- numbers, through whole windows --- */

static double number(const struct cell *cell, uint64_t *state)
{
    const double u = uniform(state);
    return cell->kind == TIED ? floor(u * u * 12) : u;
}

static void test_window(struct work *work, const struct numeric_reference *reference)
{
    static const struct {
        enum test test;
        enum drift_method method;
    } methods[] = {{PSI, METHOD_PSI},
                   {HOMOGENEITY, METHOD_CHI_SQUARE},
                   {KS, METHOD_KS_TEST},
                   {CVM, METHOD_CRAMER_VON_MISES}};
    const struct window_spec spec = {.kind = WINDOW_ALL};
    struct feature_window *window;
    double score, p;
    if (feature_window_create(reference, NULL, &spec, &window) < 0)
        abort();
    for (size_t r = 0; r < work->cell->window; r++)
        feature_window_observe_number(window, number(work->cell, &work->seed), 0);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (feature_window_score(window, methods[i].method, &score) == 0 &&
            feature_window_p_value(window, methods[i].method, score, &p) == 0)
            count(work, methods[i].test, p);
    feature_window_destroy(window);
}

static void run_numbers(struct work *work)
{
    double *rows = calloc(work->cell->reference, sizeof(*rows));
    if (!rows)
        abort();
    for (uint64_t w = 0; w < work->windows; w += SHARED) {
        struct numeric_reference reference;
        for (size_t r = 0; r < work->cell->reference; r++)
            rows[r] = number(work->cell, &work->seed);
        if (numeric_reference_init(&reference, rows, work->cell->reference, 10, 0) < 0)
            abort();
        for (size_t i = 0; i < SHARED; i++)
            test_window(work, &reference);
        numeric_reference_finish(&reference);
    }
    free(rows);
}

static void *run(void *context)
{
    struct work *work = context;
    if (work->cell->kind == SHARE)
        run_shares(work);
    else if (work->cell->kind == NUMERIC || work->cell->kind == TIED)
        run_numbers(work);
    else
        run_histograms(work);
    return NULL;
}

/* --- the table --- */

/* Whether more than chance explains at this level. */
static bool too_many(uint64_t below, uint64_t made, double alpha)
{
    const double expected = alpha * (double)made;
    return (double)below > expected + 4 * sqrt(expected * SHARED / 4.0) + 4;
}

static bool print_row(const struct work *sum, enum test test)
{
    const struct cell *cell = sum->cell;
    bool wrong = false;
    char what[64];
    if (cell->kind == SHARE)
        snprintf(what, sizeof(what), "share %g", cell->share);
    else if (cell->kind == NUMERIC || cell->kind == TIED)
        snprintf(what, sizeof(what), "%s", kind_name[cell->kind]);
    else
        snprintf(what, sizeof(what), "%zu %s", cell->bins, kind_name[cell->kind]);
    printf("| %-16s | %-22s | %9zu | %6zu |", test_name[test], what, cell->reference, cell->window);
    for (size_t l = 0; l < LEVELS; l++) {
        const bool flag = too_many(sum->below[test][l], sum->made[test], level[l]);
        printf(" %.2e%s |", (double)sum->below[test][l] / (double)sum->made[test],
               flag ? " !" : "");
        wrong |= flag;
    }
    printf("\n");
    return wrong;
}

static bool measure(const struct cell *cell, uint64_t windows, uint64_t seed)
{
    struct work work[THREADS] = {0};
    pthread_t thread[THREADS];
    bool wrong = false;
    for (size_t t = 0; t < THREADS; t++) {
        work[t] =
            (struct work){.cell = cell, .windows = windows / THREADS, .seed = seed * THREADS + t};
        if (pthread_create(&thread[t], NULL, run, &work[t]) != 0)
            abort();
    }
    for (size_t t = 0; t < THREADS; t++)
        pthread_join(thread[t], NULL);
    for (size_t t = 1; t < THREADS; t++)
        for (enum test test = 0; test < TESTS; test++) {
            work[0].made[test] += work[t].made[test];
            for (size_t l = 0; l < LEVELS; l++)
                work[0].below[test][l] += work[t].below[test][l];
        }
    for (enum test test = 0; test < TESTS; test++)
        if (work[0].made[test] > 0)
            wrong |= print_row(&work[0], test);
    fflush(stdout);
    return wrong;
}

int main(int argc, char **argv)
{
    static const double shares[] = {0.0001, 0.001, 0.01, 0.1, 0.5};
    static const size_t bins[] = {2, 3, 5, 10, 50, 1000};
    static const size_t references[] = {1000, 10000}, windows[] = {50, 200, 1000};
    const uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    uint64_t seed = 1;
    bool wrong = false;
    printf("| test | data | reference | window | p <= 0.01 | p <= 0.001 | p <= 0.0001 "
           "|\n|---|---|---|---|---|---|---|\n");
    for (size_t r = 0; r < 2; r++)
        for (size_t w = 0; w < 3; w++) {
            for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
                wrong |= measure(&(struct cell){SHARE, shares[i], 0, references[r], windows[w]},
                                 count, seed++);
            for (size_t i = 0; i < sizeof(bins) / sizeof(bins[0]); i++) {
                wrong |= measure(&(struct cell){EQUAL, 0, bins[i], references[r], windows[w]},
                                 count, seed++);
                wrong |= measure(&(struct cell){SKEWED, 0, bins[i], references[r], windows[w]},
                                 count, seed++);
            }
            wrong |=
                measure(&(struct cell){NUMERIC, 0, 0, references[r], windows[w]}, count, seed++);
            wrong |= measure(&(struct cell){TIED, 0, 0, references[r], windows[w]}, count, seed++);
        }
    return wrong;
}
