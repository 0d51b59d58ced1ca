/* plan.h - what is simulated, and what came of it. */
#ifndef PLAN_H
#define PLAN_H

#include "simulation.h"

#define MAX_SEEDS   100
#define MAX_WINDOWS 8

#define DEFAULT_SIGNIFICANCE 0.0001

/* What is looked for after a change at most: about as long as the change matters to somebody. */
#define SEARCH_ROWS 10000u
/* Rows before a change, beyond a full window: traces of an empty window are gone by then. */
#define SETTLE_ROWS 600u

/* Correlated traffic costs as much as independent traffic; its answer is not a close one. */
#define CORRELATED_SEEDS 5u
#define CORRELATED_HOURS 3.0

enum {
    CHANGE_IS_QUARTER,
    CHANGE_IS_HALF,
    CHANGE_IS_ONE,
    CHANGE_IS_SPREAD,
    CHANGE_IS_SHARE,
    CHANGES
};
extern const struct change plan_changes[CHANGES];

/* Correlated traffic is judged from the default minimum sample on, and only by a full window: a
 * window that fills sees one mood of the traffic. */
#define CORRELATIONS 2
extern const double plan_correlations[CORRELATIONS];
enum { MINIMUM_IS_DEFAULT, MINIMUM_IS_WINDOW, MINIMA };

struct plan {
    unsigned seeds;
    double hours;
    unsigned rate;
    double significance;
    size_t reference_rows;
    uint64_t window[MAX_WINDOWS];
    size_t windows;
    int feature; /* the numeric feature that changes; -1: another in every stream */
    bool quick;  /* the requirement alone */
};

struct results {
    struct outcome quiet[MAX_WINDOWS][MAX_SEEDS];
    struct outcome changed[MAX_WINDOWS][CHANGES][MAX_SEEDS];
    struct outcome correlated[CORRELATIONS][MINIMA][MAX_WINDOWS][MAX_SEEDS];
    unsigned correlated_seeds;
    double correlated_hours;
};

/* Runs everything; progress on standard error when that is a terminal. */
void plan_run(const struct plan *plan, struct results *results);

uint64_t plan_minimum(const struct plan *plan, size_t minimum, size_t window);

/* Tables on standard output. */
void print_settings(const struct plan *plan);
void print_requirement(const struct plan *plan, const struct results *results);
void print_choices(const struct plan *plan, const struct results *results);
void print_correlated(const struct plan *plan, const struct results *results);
/* At 0.3 and the evidence: no page in 19 of 20 streams, and every shift of one deviation found. */
bool requirement_met(const struct plan *plan, const struct results *results);

/* Streams, scrape by scrape, and the states of their alerts, as JSON on standard output. */
void export_streams(void);

#endif
