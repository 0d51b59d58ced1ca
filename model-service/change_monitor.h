/* change_monitor.h - one model's sequential evidence that the distribution of a feature has
 * changed: for each feature an urn of its values and one of whether they are missing
 * (stats/urn_feature.h), under one budget of false pages.
 *
 * The budget is in time: evidence may begin at a row with the seconds since the row before, so that
 * the promise is the same at any rate of rows. Each urn has an equal part of it.
 *
 * A page is open from the row that confirms it until the feature is as before. If it stays as it
 * is for an hour and 5000 rows, these rows become what later ones are compared with, so that the
 * next change is seen too; the page stays open, as the feature still differs from the reference.
 *
 * Without an order that the reference is known to have, it does not tell how much its rows resemble
 * their neighbours: changes are only noticed. For the p-values of the windows it may be learned
 * from the live rows then (stats/urn_neighbours.h).
 *
 * Not thread-safe: the owner locks around every call. Time is an argument. */
#ifndef CHANGE_MONITOR_H
#define CHANGE_MONITOR_H

#include "change_words.h"
#include "drift_detector.h"

struct change_monitor;

/* A page has to be open for so long until its rows are what later ones are compared with: an outage
 * that somebody mends is no new normal. */
#define CHANGE_ADOPT_MS (INT64_C(3600) * 1000)

struct change_rule {
    double false_page_seconds; /* at most one false page of the model in so many */
    double materiality;        /* deviations; a smaller change is a notice */
};

/* By what the p-values of the windows are discounted: by what the order of the reference shows, or
 * what live rows show where it has none, or not at all. */
enum change_discount { CHANGE_DISCOUNT_REFERENCE, CHANGE_DISCOUNT_LIVE, CHANGE_DISCOUNT_NONE };

struct change_monitor_spec {
    /* made of the same features; it names their categories, and must outlive the monitor */
    const struct detector *detector;
    const struct detector_feature *features; /* their references are borrowed for creation */
    size_t feature_count, reference_rows;
    const uint32_t *order; /* [rows] the reference's rows by time; NULL: as they are */
    bool ordered;          /* they are in the order of time */
    enum change_discount discount;
    struct change_rule rule;
    int64_t now_ms; /* time counts from here */
};

/* 0, -ENOMEM, -EINVAL (a reference of more than URN_MAX_REFERENCE_ROWS rows). */
NODISCARD int change_monitor_create(const struct change_monitor_spec *spec,
                                    struct change_monitor **ret_monitor);
void change_monitor_destroy(struct change_monitor *monitor); /* accepts NULL */

/* Another rule from the next row on; evidence stays. What was rehearsed stays as it was. */
struct change_rule change_monitor_rule(const struct change_monitor *monitor);
void change_monitor_retune(struct change_monitor *monitor, const struct change_rule *rule);

/* Rows that came together, as detector_add_rows(). Their order among each other means nothing. A
 * feature's rows are shuffled, by 64, and always alike. About 60 ns per value. */
void change_monitor_observe(struct change_monitor *monitor, const union detector_cell *cells,
                            size_t rows, size_t stride, const size_t *feature_rows, int64_t now_ms);

enum change_limit { CHANGE_PAGES, CHANGE_NO_ORDER, CHANGE_REHEARSED };

/* Tells the detector by what its p-values are to be discounted, after rows were observed.
 * O(features)
 */
void change_monitor_discount(const struct change_monitor *monitor, struct detector *detector);

/* What one urn of a feature says. */
struct change_report {
    bool watched;           /* the reference has enough values */
    double evidence_ratio;  /* to the urn's budget; a page comes at 1 */
    double discount;        /* of the evidence, >= 1 */
    double window_discount; /* of the windows' p-values: the same, or learned from live rows */
    enum change_limit limit;
    bool suspected; /* evidence is there and has to last */
    bool open;      /* the feature differs from the reference */
    bool adopted;   /* it is compared with rows since a page by now */
    bool learning;  /* rows are learned; not while a page waits for its end */
    uint64_t pages, notices;
    /* of the last page while open; else all zero */
    int64_t opened_ms, onset_ms, differs_since_ms;
    uint64_t rows; /* since the onset */
    struct change_description change;
};

struct feature_changes {
    struct change_report part[URN_PARTS];
};

/* Texts are borrowed from the detector. O(bets). */
void change_monitor_report(const struct change_monitor *monitor, size_t feature,
                           struct feature_changes *report);

#endif
