/* concept_monitor_state.c - what a concept monitor knows as bytes.
 *
 * Layouts, integers little-endian:
 *   monitor  version u8, reference u8, its labels u64, its metrics; label store, performance and
 *            detectors, each as size u64 and its own bytes
 *   event    kind u8, time i64, id u8 and its bytes, prediction f64, label f64, has scores u8,
 *            scores f64 */
#include "concept_monitor_state.h"

#include "concept_monitor_internal.h"
#include "stats/byte_codec.h"
#include "stats/fingerprint.h"

#include <errno.h>
#include <math.h>

#define VERSION 1u
/* Of a metric: two flags of a byte each, and eleven numbers. */
#define METRIC_BYTES (2 + 11 * 8)
#define EVENT_BYTES  (1 + 8 + 1 + 8 + 8 + 1)

uint64_t concept_monitor_identity(const struct concept_monitor *monitor)
{
    const struct concept_spec *spec = &monitor->spec;
    /* the urn came later than states that are still restored (change_watch_state.c) */
    const unsigned detectors = spec->detectors & ~(1u << CHANGE_URN);
    const uint64_t numbers[] = {spec->task,   spec->classes, spec->capacity, spec->max_age_ms,
                                spec->window, detectors,     spec->seed};
    uint64_t hash = fingerprint_double(FINGERPRINT_START, spec->level);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        hash = fingerprint_number(hash, numbers[i]);
    for (size_t m = 0; m < PERFORMANCE_METRIC_COUNT && monitor->reference == CONCEPT_REFERENCE_ROWS;
         m++)
        hash = fingerprint_double(hash, monitor->reference_metric[m].value);
    return hash;
}

/* --- the monitor --- */

static void write_metric(const struct performance_value *metric, struct byte_writer *out)
{
    const double numbers[] = {
        metric->value, metric->standard_error, metric->lower, metric->upper, metric->centre,
        metric->error, metric->size,           metric->bias,  metric->least, metric->most};
    write_u8(out, metric->defined);
    write_u8(out, (uint8_t)metric->basis);
    write_u64(out, metric->n);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        write_f64(out, numbers[i]);
}

static int read_metric(struct performance_value *metric, struct byte_reader *in)
{
    double *const numbers[] = {
        &metric->value, &metric->standard_error, &metric->lower, &metric->upper, &metric->centre,
        &metric->error, &metric->size,           &metric->bias,  &metric->least, &metric->most};
    const uint8_t defined = read_u8(in), basis = read_u8(in);
    metric->defined = defined != 0;
    metric->basis = (enum performance_basis)basis;
    metric->n = read_u64(in);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        *numbers[i] = read_f64(in);
    return in->failed || defined > 1 || basis > BASIS_ROOT ? -EINVAL : 0;
}

/* Each part of a monitor behind the same two functions. */
typedef size_t (*part_save)(const struct concept_monitor *monitor, void *bytes, size_t capacity);
typedef int (*part_restore)(struct concept_monitor *monitor, const void *bytes, size_t size);

static size_t save_labels(const struct concept_monitor *monitor, void *bytes, size_t capacity)
{
    return drift_label_store_save(monitor->store, bytes, capacity);
}

static int restore_labels(struct concept_monitor *monitor, const void *bytes, size_t size)
{
    return drift_label_store_restore(monitor->store, bytes, size);
}

static size_t save_performance(const struct concept_monitor *monitor, void *bytes, size_t capacity)
{
    return drift_performance_save(monitor->performance, bytes, capacity);
}

static int restore_performance(struct concept_monitor *monitor, const void *bytes, size_t size)
{
    return drift_performance_restore(monitor->performance, bytes, size);
}

static size_t save_watch(const struct concept_monitor *monitor, void *bytes, size_t capacity)
{
    return drift_change_watch_save(monitor->watch, bytes, capacity);
}

static int restore_watch(struct concept_monitor *monitor, const void *bytes, size_t size)
{
    return drift_change_watch_restore(monitor->watch, bytes, size);
}

static const struct {
    part_save save;
    part_restore restore;
} parts[] = {{save_labels, restore_labels},
             {save_performance, restore_performance},
             {save_watch, restore_watch}};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

void concept_monitor_save(const struct concept_monitor *monitor, struct buffer *out)
{
    size_t sizes[PARTS], all = 1 + 1 + 8 + PERFORMANCE_METRIC_COUNT * METRIC_BYTES;
    for (size_t p = 0; p < PARTS; p++) {
        sizes[p] = parts[p].save(monitor, NULL, 0);
        all += sizeof(uint64_t) + sizes[p];
    }
    struct byte_writer writer = {.bytes = (uint8_t *)buffer_reserve(out, all)};
    if (!writer.bytes)
        return;
    write_u8(&writer, VERSION);
    write_u8(&writer, (uint8_t)monitor->reference);
    write_u64(&writer, monitor->reference_labels);
    for (size_t m = 0; m < PERFORMANCE_METRIC_COUNT; m++)
        write_metric(&monitor->reference_metric[m], &writer);
    for (size_t p = 0; p < PARTS; p++) {
        write_u64(&writer, sizes[p]);
        writer.size += parts[p].save(monitor, writer.bytes + writer.size, sizes[p]);
    }
    out->length += writer.size;
}

static int restore_part(struct concept_monitor *monitor, size_t part, struct byte_reader *in)
{
    const uint64_t size = read_u64(in);
    if (in->failed || size > in->size - in->at)
        return -EINVAL;
    const int rc = parts[part].restore(monitor, in->bytes + in->at, size);
    in->at += size;
    return rc;
}

int concept_monitor_restore(struct concept_monitor *monitor, const void *bytes, size_t size)
{
    struct byte_reader in = {.bytes = bytes, .size = size};
    struct performance_value metric[PERFORMANCE_METRIC_COUNT];
    const uint8_t version = read_u8(&in), reference = read_u8(&in);
    const uint64_t labels = read_u64(&in);
    int rc = version == VERSION && reference <= CONCEPT_REFERENCE_FIRST_LABELS ? 0 : -EINVAL;
    for (size_t m = 0; rc == 0 && m < PERFORMANCE_METRIC_COUNT; m++)
        rc = read_metric(&metric[m], &in);
    for (size_t p = 0; rc == 0 && p < PARTS; p++)
        rc = restore_part(monitor, p, &in);
    if (rc < 0 || in.at != in.size)
        return rc < 0 ? rc : -EINVAL;
    memcpy(monitor->reference_metric, metric, sizeof(metric));
    monitor->reference = (enum concept_reference)reference;
    monitor->reference_labels = labels;
    return 0;
}

/* --- events --- */

void concept_monitor_record(const struct concept_monitor *monitor,
                            const struct concept_event *event, struct buffer *out)
{
    const size_t id_bytes = event->kind == CONCEPT_EVENT_DIRECT ? 0 : event->id_bytes;
    const bool scored = event->scores && event->kind != CONCEPT_EVENT_LABEL;
    const size_t most = EVENT_BYTES + id_bytes + monitor->score_count * sizeof(double);
    struct byte_writer writer = {.bytes = (uint8_t *)buffer_reserve(out, most)};
    if (!writer.bytes)
        return;
    write_u8(&writer, (uint8_t)event->kind);
    write_u64(&writer, (uint64_t)event->now_ms);
    write_u8(&writer, (uint8_t)id_bytes);
    memcpy(writer.bytes + writer.size, event->id ? event->id : "", id_bytes);
    writer.size += id_bytes;
    write_f64(&writer, event->prediction);
    write_f64(&writer, event->label);
    write_u8(&writer, scored);
    for (size_t s = 0; scored && s < monitor->score_count; s++)
        write_f64(&writer, event->scores[s]);
    out->length += writer.size;
}

static void replay_call(struct concept_monitor *monitor, const struct concept_event *event)
{
    switch (event->kind) {
    case CONCEPT_EVENT_PREDICTED:
        (void)concept_monitor_predicted(monitor, event->id, event->id_bytes, event->prediction,
                                        event->scores, event->now_ms);
        break;
    case CONCEPT_EVENT_LABEL:
        (void)concept_monitor_label(monitor, event->id, event->id_bytes, event->label,
                                    event->now_ms);
        break;
    case CONCEPT_EVENT_DIRECT:
        concept_monitor_direct(monitor, event->prediction, event->scores, event->label,
                               event->now_ms);
        break;
    case CONCEPT_EVENT_KINDS:
        break;
    }
}

/* scores: [score_count], scratch. */
static int replay_event(struct concept_monitor *monitor, struct byte_reader *in, double *scores)
{
    struct concept_event event = {.kind = (enum concept_event_kind)read_u8(in),
                                  .now_ms = (int64_t)read_u64(in)};
    event.id_bytes = read_u8(in);
    if (in->failed || event.kind >= CONCEPT_EVENT_KINDS || event.id_bytes > in->size - in->at ||
        event.id_bytes > LABEL_ID_MAX_BYTES ||
        (event.id_bytes == 0) != (event.kind == CONCEPT_EVENT_DIRECT))
        return -EINVAL;
    event.id = (const char *)in->bytes + in->at;
    in->at += event.id_bytes;
    event.prediction = read_f64(in);
    event.label = read_f64(in);
    const uint8_t scored = read_u8(in);
    for (size_t s = 0; scored && s < monitor->score_count; s++)
        scores[s] = read_f64(in);
    event.scores = scored ? scores : NULL;
    const bool predicts = event.kind != CONCEPT_EVENT_LABEL;
    const bool labels = event.kind != CONCEPT_EVENT_PREDICTED;
    if (in->failed || scored > 1 ||
        (predicts && !concept_output_valid(monitor, event.prediction)) ||
        (labels && !concept_output_valid(monitor, event.label)))
        return -EINVAL;
    replay_call(monitor, &event);
    return 0;
}

int concept_monitor_replay(struct concept_monitor *monitor, const void *bytes, size_t size)
{
    struct byte_reader in = {.bytes = bytes, .size = size};
    double scores[PERFORMANCE_MAX_CLASSES];
    int rc = 0;
    while (rc == 0 && in.at < in.size)
        rc = replay_event(monitor, &in, scores);
    return rc;
}
