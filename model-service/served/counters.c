/* counters.c - what a served model counts since its start. */
#include "served/internal.h"

const double latency_bounds[LATENCY_BUCKETS] = {1e-06,  2.5e-06, 5e-06,   1e-05,  2.5e-05,
                                                5e-05,  0.0001,  0.00025, 0.0005, 0.001,
                                                0.0025, 0.005,   0.01,    0.1,    1};

void counters_add_prediction(struct model_counters *counters, size_t class_index)
{
    atomic_fetch_add_explicit(&counters->predictions[class_index], 1, memory_order_relaxed);
}

void counters_add_latency(struct model_counters *counters, uint64_t nanoseconds)
{
    const double seconds = (double)nanoseconds * 1e-9;
    size_t bucket = 0;
    while (bucket < LATENCY_BUCKETS && seconds > latency_bounds[bucket])
        bucket++;
    atomic_fetch_add_explicit(&counters->latency[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters->latency_sum_ns, nanoseconds, memory_order_relaxed);
}

void served_model_count_rejected(struct served_model *model, uint64_t rows)
{
    atomic_fetch_add_explicit(&model->counters.rejected, rows, memory_order_relaxed);
}

void served_model_counters(const struct served_model *model,
                           struct served_model_counters *ret_counters)
{
    const struct model_counters *counters = &model->counters;
    ret_counters->simulated = atomic_load(&counters->simulated);
    ret_counters->rejected = atomic_load(&counters->rejected);
    for (size_t b = 0; b <= LATENCY_BUCKETS; b++)
        ret_counters->latency_counts[b] = atomic_load(&counters->latency[b]);
    ret_counters->latency_sum_seconds = (double)atomic_load(&counters->latency_sum_ns) * 1e-9;
}

const char *served_model_prediction_label(const struct served_model *model, size_t i,
                                          uint64_t *ret_count)
{
    const struct model_classes *classes = &model->definition.classes;
    const bool outside = !model->definition.scorer && classes->count > 0;
    const size_t labels = classes->count == 0 ? 1 : classes->count + outside;
    if (i >= labels)
        return NULL;
    *ret_count = atomic_load_explicit(&model->counters.predictions[i], memory_order_relaxed);
    if (classes->count == 0)
        return "value";
    return i < classes->count ? classes->name[i] : "__other__";
}
