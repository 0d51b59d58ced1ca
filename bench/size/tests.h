/* tests.h - healthy (or changed) windows, and how many p-values of each test fall below a level. */
#ifndef BENCH_SIZE_TESTS_H
#define BENCH_SIZE_TESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEVELS 3
/* Windows compared with one reference. */
#define WINDOWS_PER_REFERENCE 20

extern const double level[LEVELS];

enum data {
    DATA_SHARE,   /* values, some of them missing */
    DATA_EQUAL,   /* equally frequent categories */
    DATA_SKEWED,  /* categories by Zipf's law */
    DATA_NUMERIC, /* no two values are equal */
    DATA_TIED,    /* 12 different numbers */
    DATA_ZEROS,   /* 0 in 60 % of the rows */
};

/* The p-values of Jensen-Shannon and Hellinger are, like that of PSI, never below chi_square's. */
enum test { TEST_MISSING, TEST_CHI_SQUARE, TEST_PSI, TEST_KS, TEST_CVM, TESTS };

/* What one row of the table is about. */
struct experiment {
    enum data data;
    double share; /* DATA_SHARE */
    size_t bins;  /* DATA_EQUAL, DATA_SKEWED */
    size_t kept;  /* the most frequent of them that have a bin; 0: all */
    size_t reference, window;
    bool changed; /* a fifth of the window's rows come from elsewhere */
};

struct tally {
    uint64_t made[TESTS];
    uint64_t below[TESTS][LEVELS];
    /* Sums over references of the squared number below: the windows of a reference are alike. */
    double squares[TESTS][LEVELS];
};

const char *test_name(enum test test);

/* Adds `windows` windows (a multiple of WINDOWS_PER_REFERENCE) of the experiment to *tally. */
void experiment_run(const struct experiment *experiment, uint64_t windows, uint64_t seed,
                    struct tally *tally);

#endif
