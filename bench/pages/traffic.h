/* traffic.h - rows of fifty features as a model meets them, and changes of one of them.
 *
 * Each feature is a function of a normal variable of its own: 12 normal, 4 normal and rounded to
 * whole numbers, 8 heavy-tailed (Tukey's h = 0.2), 8 skewed (log-normal), 4 counts, 4 with an atom
 * of 40 % at zero; 10 categorical of 3 to 50 categories whose shares fall as 1/rank. Every fifth
 * numeric feature misses 3 % of its values. */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRAFFIC_NUMERIC        40
#define TRAFFIC_CATEGORICAL    10
#define TRAFFIC_FEATURES       (TRAFFIC_NUMERIC + TRAFFIC_CATEGORICAL)
#define TRAFFIC_MAX_CATEGORIES 50

enum change_kind {
    CHANGE_SHIFT,  /* the mean moves by `amount` deviations of the feature; an atom stays */
    CHANGE_SPREAD, /* distances from the middle grow `amount` times; an atom stays */
    CHANGE_SHARE,  /* `amount` of all rows move from the largest category to the next */
};

struct change {
    const char *name;
    enum change_kind kind;
    double amount;
};

struct traffic_row {
    double number[TRAFFIC_NUMERIC]; /* NaN is missing */
    unsigned category[TRAFFIC_CATEGORICAL];
};

struct traffic;

/* stream: streams of different numbers are independent. correlation: of a feature's normal variable
 * with itself a row earlier, in [0, 1); 0 is independent rows. NULL without memory. */
struct traffic *traffic_create(uint64_t stream, double correlation);
void traffic_destroy(struct traffic *traffic);
/* Categories of a categorical feature, 0 to TRAFFIC_CATEGORICAL - 1. */
unsigned traffic_categories(size_t categorical);
/* The feature that a change of this kind is made to, by turns: every numeric one or every
 * categorical one. Counted over all features, the numeric ones first. */
size_t traffic_changed_feature(enum change_kind kind, uint64_t turn);
/* From now on: the change, or none (NULL; borrowed). */
void traffic_change(struct traffic *traffic, const struct change *change, size_t feature);
void traffic_next(struct traffic *traffic, struct traffic_row *row);

#endif
