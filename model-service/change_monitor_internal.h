/* change_monitor_internal.h - the structures, for change_*.c alone. */
#ifndef CHANGE_MONITOR_INTERNAL_H
#define CHANGE_MONITOR_INTERNAL_H

#include "change_monitor.h"
#include "change_times.h"
#include "stats/urn_neighbours.h"

/* Each makes features in a thread of its own, with tables of its own. */
#define CHANGE_MAX_BUILDERS 4

/* Of one urn; zero while no page is open. */
struct watched_part {
    int64_t opened_ms, onset_ms; /* of the last page */
    uint64_t onset_row;          /* of the model's rows */
    int64_t differs_since_ms;    /* onset of the first page */
};

struct watched {
    struct urn_feature *urns;
    bool categorical;
    uint32_t missing_code;             /* the detector's */
    int64_t last_ms;                   /* of the last row */
    int64_t paged_ms;                  /* of the last page of either urn */
    double discount[URN_PARTS];        /* by the reference */
    struct urn_neighbours *neighbours; /* [URN_PARTS] where it is learned from live rows */
    struct watched_part part[URN_PARTS];
};

struct change_monitor {
    const struct detector *detector;
    struct watched *features; /* [feature_count] */
    size_t feature_count;
    bool ordered;
    enum change_discount discount;
    struct change_rule model_rule;
    struct urn_rule rule;     /* of each urn */
    struct urn_rule adopting; /* the same where an open page may be adopted */
    struct change_times times;
    struct urn_bets_pool pool[CHANGE_MAX_BUILDERS];
};

#endif
