/* change_state.c - see the header.
 *
 * Layout, integers little-endian:
 *   monitor  version u8, rule: seconds f64, materiality f64; rows u64, their times; features u32,
 * for each: size u32 and its own bytes times    of each power of two that the rows have reached,
 * the times i64 of its last multiples, at most CHANGE_TIMES_KEPT, the oldest first feature  last
 * row i64, last page i64, for each part: opened i64, onset i64, row of the onset u64, differs since
 * i64; of a monitor without the reference's order how alike neighbours are, for each part; its
 * urns' own bytes */
#include "change_state.h"

#include "change_monitor_internal.h"
#include "stats/byte_codec.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define VERSION     1u
#define RULE_BYTES  16
#define PART_BYTES  (4 * 8)
#define TIMES_BYTES ((size_t)CHANGE_TIMES_LEVELS * CHANGE_TIMES_KEPT * 8)
#define HEAD_BYTES  (1 + RULE_BYTES + 8 + TIMES_BYTES + 4) /* at most */
/* In milliseconds; a clock that is further from its beginning (30 000 years) is damage. */
#define MAX_MS INT64_C(1000000000000000)

/* --- times --- */

/* How many multiples of a power of two are kept. */
static uint64_t kept(uint64_t rows, unsigned level)
{
    const uint64_t multiples = rows >> level;
    return multiples < CHANGE_TIMES_KEPT ? multiples : CHANGE_TIMES_KEPT;
}

static void write_times(const struct change_times *times, struct byte_writer *out)
{
    write_u64(out, times->rows);
    for (unsigned level = 0; level < CHANGE_TIMES_LEVELS; level++) {
        const uint64_t last = times->rows >> level;
        for (uint64_t age = kept(times->rows, level); age-- > 0;)
            write_u64(out, (uint64_t)times->ms[level][(last - age) % CHANGE_TIMES_KEPT]);
    }
}

static int64_t read_ms(struct byte_reader *in)
{
    const int64_t ms = (int64_t)read_u64(in);
    in->failed |= ms < -MAX_MS || ms > MAX_MS;
    return ms;
}

static void read_times(struct change_times *times, struct byte_reader *in)
{
    *times = (struct change_times){.rows = read_u64(in)};
    for (unsigned level = 0; level < CHANGE_TIMES_LEVELS; level++) {
        const uint64_t last = times->rows >> level;
        for (uint64_t age = kept(times->rows, level); age-- > 0 && !in->failed;)
            times->ms[level][(last - age) % CHANGE_TIMES_KEPT] = read_ms(in);
    }
}

/* --- features --- */

static size_t feature_bytes(const struct watched *watched)
{
    const size_t neighbours = watched->neighbours ? URN_PARTS * URN_NEIGHBOURS_BYTES : 0;
    return 2 * 8 + URN_PARTS * PART_BYTES + neighbours +
           drift_urn_feature_save(watched->urns, NULL, 0);
}

static void write_feature(const struct watched *watched, struct byte_writer *out, size_t size)
{
    const size_t end = out->size + size;
    write_u64(out, (uint64_t)watched->last_ms);
    write_u64(out, (uint64_t)watched->paged_ms);
    for (enum urn_part part = 0; part < URN_PARTS; part++) {
        const struct watched_part *state = &watched->part[part];
        write_u64(out, (uint64_t)state->opened_ms);
        write_u64(out, (uint64_t)state->onset_ms);
        write_u64(out, state->onset_row);
        write_u64(out, (uint64_t)state->differs_since_ms);
    }
    for (enum urn_part part = 0; watched->neighbours && part < URN_PARTS; part++) {
        drift_urn_neighbours_save(&watched->neighbours[part], out->bytes + out->size);
        out->size += URN_NEIGHBOURS_BYTES;
    }
    out->size += drift_urn_feature_save(watched->urns, out->bytes + out->size, end - out->size);
}

static int read_neighbours(const struct watched *watched, struct urn_neighbours *neighbours,
                           struct byte_reader *in)
{
    int rc = 0;
    for (enum urn_part part = 0; rc == 0 && watched->neighbours && part < URN_PARTS; part++) {
        if (in->size - in->at < URN_NEIGHBOURS_BYTES)
            return -EINVAL;
        rc = drift_urn_neighbours_restore(&neighbours[part], in->bytes + in->at);
        in->at += URN_NEIGHBOURS_BYTES;
    }
    return rc;
}

/* Unchanged on failure. */
static int read_feature(struct watched *watched, uint64_t rows, const void *bytes, size_t size)
{
    struct byte_reader in = {.bytes = bytes, .size = size};
    struct watched read = *watched;
    read.last_ms = read_ms(&in);
    read.paged_ms = read_ms(&in);
    for (enum urn_part part = 0; part < URN_PARTS; part++) {
        struct watched_part *state = &read.part[part];
        state->opened_ms = read_ms(&in);
        state->onset_ms = read_ms(&in);
        state->onset_row = read_u64(&in);
        state->differs_since_ms = read_ms(&in);
        in.failed |= state->onset_row > rows;
    }
    struct urn_neighbours neighbours[URN_PARTS];
    if (in.failed || read_neighbours(watched, neighbours, &in) < 0)
        return -EINVAL;
    const int rc = drift_urn_feature_restore(watched->urns, in.bytes + in.at, in.size - in.at);
    if (rc < 0)
        return rc;
    *watched = read;
    if (watched->neighbours)
        memcpy(watched->neighbours, neighbours, sizeof(neighbours));
    return 0;
}

/* --- the monitor --- */

void change_monitor_save(const struct change_monitor *monitor, struct buffer *out)
{
    size_t most = HEAD_BYTES;
    for (size_t f = 0; f < monitor->feature_count; f++)
        most += 4 + feature_bytes(&monitor->features[f]);
    char *room = buffer_reserve(out, most);
    if (!room)
        return;
    struct byte_writer writer = {.bytes = (uint8_t *)room};
    write_u8(&writer, VERSION);
    write_f64(&writer, monitor->model_rule.false_page_seconds);
    write_f64(&writer, monitor->model_rule.materiality);
    write_times(&monitor->times, &writer);
    write_u32(&writer, (uint32_t)monitor->feature_count);
    for (size_t f = 0; f < monitor->feature_count; f++) {
        const size_t size = feature_bytes(&monitor->features[f]);
        write_u32(&writer, (uint32_t)size);
        write_feature(&monitor->features[f], &writer, size);
    }
    out->length += writer.size;
}

static int read_features(struct change_monitor *monitor, struct byte_reader *in, size_t *ret_anew)
{
    size_t anew = 0;
    for (size_t f = 0; f < monitor->feature_count; f++) {
        const uint32_t size = read_u32(in);
        const bool there = !in->failed && size <= in->size - in->at;
        const int rc = there ? read_feature(&monitor->features[f], monitor->times.rows,
                                            in->bytes + in->at, size)
                             : -EINVAL;
        if (rc == -ENOMEM)
            return rc;
        anew += rc < 0;
        in->at = there ? in->at + size : in->size;
    }
    *ret_anew = anew;
    return 0;
}

int change_monitor_restore(struct change_monitor *monitor, const void *bytes, size_t size,
                           size_t *ret_anew)
{
    struct byte_reader in = {.bytes = bytes, .size = size};
    struct change_times times;
    const uint8_t version = read_u8(&in);
    struct change_rule rule;
    rule.false_page_seconds = read_f64(&in);
    rule.materiality = read_f64(&in);
    read_times(&times, &in);
    const uint32_t features = read_u32(&in);
    if (version != VERSION || in.failed || features != monitor->feature_count ||
        !(rule.false_page_seconds >= 1 && rule.false_page_seconds < URN_MAX_EVIDENCE) ||
        !(rule.materiality >= 0 && isfinite(rule.materiality)))
        return -EINVAL;
    monitor->times = times;
    change_monitor_retune(monitor, &rule);
    return read_features(monitor, &in, ret_anew);
}
