/* traffic.h - how many predictions of which class a model made over the last hour, and how long
 * they took: counters as they stood at the end of every 10 s, in 70 kB. Not thread-safe. */
#ifndef SERVED_TRAFFIC_H
#define SERVED_TRAFFIC_H

#include "served/history.h"
#include "served/model.h"

/* The first classes, and the others together: more lines cannot be told apart. */
#define TRAFFIC_CLASSES 8

/* Cumulative. */
struct traffic_count {
    uint64_t predictions[TRAFFIC_CLASSES]; /* as served_model_prediction_label() has them */
    uint64_t latency[LATENCY_BUCKETS + 1];
};

struct traffic_interval {
    int64_t ms;     /* when it began */
    double seconds; /* since the interval before; 0 for the first one, which has no rates */
    double rate[TRAFFIC_CLASSES]; /* predictions per second */
    double p50, p95, p99;         /* latency in seconds; NaN without predictions */
};

struct model_traffic {
    size_t length, newest;
    int64_t interval[HISTORY_FINE]; /* as in a series */
    struct traffic_count count[HISTORY_FINE];
};

void model_traffic_add(struct model_traffic *traffic, const struct traffic_count *now,
                       int64_t now_ms);
/* Oldest first; intervals: room for HISTORY_FINE. Returns how many. */
size_t model_traffic_read(const struct model_traffic *traffic, struct traffic_interval *intervals);

/* The quantile of a histogram with the bounds latency_bounds, between bounds by a straight line, as
 * Prometheus's histogram_quantile() has it. bucket: not cumulative. NaN without observations. */
double traffic_quantile(const uint64_t bucket[LATENCY_BUCKETS + 1], double p);

#endif
