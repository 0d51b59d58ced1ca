/* traffic.c - predictions and their latency over time. */
#include "served/traffic.h"

#include <math.h>

void model_traffic_add(struct model_traffic *traffic, const struct traffic_count *now,
                       int64_t now_ms)
{
    const int64_t interval = now_ms / HISTORY_FINE_MS;
    if (traffic->length == 0 || traffic->interval[traffic->newest] != interval) {
        traffic->newest = traffic->length == 0 ? 0 : (traffic->newest + 1) % HISTORY_FINE;
        traffic->length += traffic->length < HISTORY_FINE;
    }
    traffic->interval[traffic->newest] = interval;
    traffic->count[traffic->newest] = *now;
}

double traffic_quantile(const uint64_t bucket[LATENCY_BUCKETS + 1], double p)
{
    uint64_t all = 0, below = 0;
    for (size_t b = 0; b <= LATENCY_BUCKETS; b++)
        all += bucket[b];
    if (all == 0)
        return NAN;
    const double rank = p * (double)all;
    size_t b = 0;
    while (b < LATENCY_BUCKETS && (double)(below + bucket[b]) < rank)
        below += bucket[b++];
    if (b == LATENCY_BUCKETS)
        return latency_bounds[LATENCY_BUCKETS - 1];
    const double low = b > 0 ? latency_bounds[b - 1] : 0;
    const double part = bucket[b] > 0 ? (rank - (double)below) / (double)bucket[b] : 1;
    return low + part * (latency_bounds[b] - low);
}

static void compare(const struct traffic_count *before, const struct traffic_count *now,
                    struct traffic_interval *ret_interval)
{
    uint64_t bucket[LATENCY_BUCKETS + 1];
    for (size_t c = 0; c < TRAFFIC_CLASSES; c++)
        ret_interval->rate[c] =
            (double)(now->predictions[c] - before->predictions[c]) / ret_interval->seconds;
    for (size_t b = 0; b <= LATENCY_BUCKETS; b++)
        bucket[b] = now->latency[b] - before->latency[b];
    ret_interval->p50 = traffic_quantile(bucket, 0.5);
    ret_interval->p95 = traffic_quantile(bucket, 0.95);
    ret_interval->p99 = traffic_quantile(bucket, 0.99);
}

size_t model_traffic_read(const struct model_traffic *traffic, struct traffic_interval *intervals)
{
    size_t before = 0;
    for (size_t i = 0; i < traffic->length; i++) {
        const size_t age = traffic->length - 1 - i;
        const size_t at = (traffic->newest + HISTORY_FINE - age) % HISTORY_FINE;
        struct traffic_interval *interval = &intervals[i];
        *interval = (struct traffic_interval){
            .ms = traffic->interval[at] * HISTORY_FINE_MS, .p50 = NAN, .p95 = NAN, .p99 = NAN};
        if (i > 0) {
            interval->seconds = (double)(traffic->interval[at] - traffic->interval[before]) *
                                HISTORY_FINE_MS / 1000;
            compare(&traffic->count[before], &traffic->count[at], interval);
        }
        before = at;
    }
    return traffic->length;
}
