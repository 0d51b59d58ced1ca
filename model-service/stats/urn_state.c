/* urn_state.c - an urn as bytes, and urns of shards together.
 *
 * Layout, integers little-endian: magic u32, version u16, held u8, adopted u8, fingerprint of bins
 * and bets u64, rows u64, shards u32, snapshot_at f64, then per bin count u32, collected u32 and
 * base f32, per bet wealth and age f32; with memories, for each wealth, age, step, total f32 and
 * seen f32 per group; the tail (urn_tail.c); FNV-1a of everything before, u64. Restore takes only
 * numbers in the range that an urn can bring them to. */
#include "byte_codec.h"
#include "fingerprint.h"
#include "urn_internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define MAGIC   0x55465244u /* "DRFU" */
#define VERSION 1u
/* An age is evidence times rows, and both are bounded. */
#define LARGEST_AGE (URN_MAX_EVIDENCE * 1e12)
/* LARGEST_STEP of urn.c, and the sum of a memory's weights, at most 1000 times that. */
#define MAX_STEP 2e15f
#define MAX_SEEN 3e18f

static uint64_t identity(const struct urn *urn)
{
    const struct urn_bins *bins = urn->bins;
    uint64_t hash = fingerprint_number(FINGERPRINT_START, bins->count);
    hash = fingerprint_double(hash, urn->bets->discount);
    for (size_t b = 0; b < bins->count; b++)
        hash = fingerprint_double(hash, bins->mass[b]);
    for (size_t b = 0; bins->edge && b + 1 < bins->count; b++)
        hash = fingerprint_double(hash, bins->edge[b]);
    return hash;
}

static size_t memories(const struct urn *urn)
{
    return urn->bets->memory_weight > 0 ? URN_MEMORIES : 0;
}

static void write_state(const struct urn *urn, struct byte_writer *out)
{
    write_u32(out, MAGIC);
    write_u16(out, VERSION);
    write_u8(out, urn->held);
    write_u8(out, urn->adopted);
    write_u64(out, identity(urn));
    write_u64(out, urn->rows);
    write_u32(out, urn->shards);
    write_f64(out, urn->snapshot_at);
    for (size_t b = 0; b < urn->bets->bins; b++) {
        write_u32(out, urn->count[b]);
        write_u32(out, urn->collected[b]);
        write_f32(out, urn->base[b]);
    }
    for (size_t k = 0; k < urn->bets->bets; k++) {
        write_f32(out, urn->wealth[k]);
        write_f32(out, urn->age[k]);
    }
    for (size_t i = 0; i < memories(urn); i++) {
        const struct urn_memory *memory = &urn->memory;
        write_f32(out, memory->wealth[i]);
        write_f32(out, memory->age[i]);
        write_f32(out, memory->step[i]);
        write_f32(out, memory->total[i]);
        for (size_t g = 0; g < urn->bets->groups; g++)
            write_f32(out, urn->seen[g][i]);
    }
    urn_tail_write(&urn->tail, out);
}

size_t drift_urn_save(const struct urn *urn, void *bytes, size_t capacity)
{
    struct byte_writer size = {0};
    write_state(urn, &size);
    const size_t needed = size.size + sizeof(uint64_t);
    if (!bytes || needed > capacity)
        return needed;
    struct byte_writer out = {.bytes = bytes};
    write_state(urn, &out);
    write_u64(&out, fingerprint_bytes(FINGERPRINT_START, bytes, out.size));
    return needed;
}

/* --- restoring --- */

static float read_bounded(struct byte_reader *in, float low, double high)
{
    const float x = read_f32(in);
    if (!(x >= low && (double)x <= high))
        in->failed = true;
    return x;
}

static bool read_flag(struct byte_reader *in)
{
    const uint8_t flag = read_u8(in);
    in->failed |= flag > 1;
    return flag == 1;
}

static void read_header(struct urn *urn, struct byte_reader *in)
{
    in->failed |= read_u32(in) != MAGIC;
    in->failed |= read_u16(in) != VERSION;
    urn->held = read_flag(in);
    urn->adopted = read_flag(in);
    in->failed |= read_u64(in) != identity(urn);
    urn->rows = read_u64(in);
    urn->shards = read_u32(in);
    urn->snapshot_at = read_f64(in);
    in->failed |= urn->shards == 0;
}

/* The smallest share is half a row of all that can be learned. */
static void read_bins(struct urn *urn, struct byte_reader *in)
{
    double total = 0, share = 0;
    urn->collected_rows = 0;
    for (size_t b = 0; b < urn->bets->bins; b++) {
        urn->count[b] = read_u32(in);
        urn->collected[b] = read_u32(in);
        urn->base[b] = read_bounded(in, 1e-10f, 1);
        urn->collected_rows += urn->collected[b];
        total += 0.5 * urn->count[b];
        share += (double)urn->base[b];
        in->failed |= urn->count[b] < (urn->adopted ? 1 : (uint32_t)(2 * urn->bins->mass[b]));
    }
    in->failed |= !(total <= 2.0 * URN_MAX_REFERENCE_ROWS) || !(fabs(share - 1) < 1e-3) ||
                  urn->collected_rows > URN_MAX_REFERENCE_ROWS ||
                  !(urn->snapshot_at > total && urn->snapshot_at <= 2 * total);
}

static void read_bets(struct urn *urn, struct byte_reader *in)
{
    for (size_t k = 0; k < urn->bets->bets; k++) {
        urn->wealth[k] = read_bounded(in, 0, URN_MAX_EVIDENCE * 1.001);
        urn->age[k] = read_bounded(in, 0, LARGEST_AGE);
    }
    for (size_t i = 0; i < memories(urn); i++) {
        struct urn_memory *memory = &urn->memory;
        memory->wealth[i] = read_bounded(in, 0, URN_MAX_EVIDENCE * 1.001);
        memory->age[i] = read_bounded(in, 0, LARGEST_AGE);
        memory->step[i] = read_bounded(in, 1, (double)MAX_STEP);
        memory->total[i] = read_bounded(in, 0, (double)MAX_SEEN);
        for (size_t g = 0; g < urn->bets->groups; g++)
            urn->seen[g][i] = read_bounded(in, 0, (double)MAX_SEEN);
    }
    urn_tail_read(&urn->tail, in);
}

static int read_state(struct urn *urn, struct byte_reader *in)
{
    read_header(urn, in);
    read_bins(urn, in);
    read_bets(urn, in);
    if (in->failed || in->at != in->size)
        return -EINVAL;
    urn_derive(urn);
    return 0;
}

int drift_urn_restore(struct urn *urn, const void *bytes, size_t size)
{
    const size_t body = size - sizeof(uint64_t);
    struct urn *read;
    if (size != drift_urn_save(urn, NULL, 0))
        return -EINVAL;
    struct byte_reader end = {.bytes = bytes, .size = size, .at = body};
    if (read_u64(&end) != fingerprint_bytes(FINGERPRINT_START, bytes, body))
        return -EINVAL;
    if (drift_urn_create(urn->bins, urn->bets, &read) < 0)
        return -ENOMEM;
    struct byte_reader in = {.bytes = bytes, .size = body};
    const int rc = read_state(read, &in);
    if (rc == 0) {
        const struct urn old = *urn;
        *urn = *read;
        *read = old;
    }
    drift_urn_destroy(read);
    return rc;
}

/* --- merging --- */

static void mix(float *x, float y, float share)
{
    *x += share * (y - *x);
}

static bool can_merge(const struct urn *urn, const struct urn *other)
{
    return urn != other && identity(urn) == identity(other) && !urn->held && !other->held &&
           !urn->adopted && !other->adopted && urn->shards <= UINT32_MAX - other->shards &&
           urn->total + other->total < 2.0 * URN_MAX_REFERENCE_ROWS;
}

/* What both have seen beside the reference. */
static void merge_counts(struct urn *urn, const struct urn *other)
{
    for (size_t b = 0; b < urn->bets->bins; b++)
        urn->count[b] += other->count[b] - (uint32_t)(2 * urn->bins->mass[b]);
    urn_snapshot(urn);
}

static void merge_memories(struct urn *urn, const struct urn *other, float share)
{
    struct urn_memory *memory = &urn->memory;
    const struct urn_memory *from = &other->memory;
    const urn_lanes factor = memory->step / from->step;
    for (size_t g = 0; memories(urn) > 0 && g < urn->bets->groups; g++)
        urn->seen[g] += share * (other->seen[g] * factor - urn->seen[g]);
    memory->total += share * (from->total * factor - memory->total);
    memory->wealth += share * (from->wealth - memory->wealth);
    memory->age += share * (from->age - memory->age);
}

int drift_urn_merge(struct urn *urn, struct urn *other)
{
    if (!can_merge(urn, other))
        return -EINVAL;
    const float share = (float)other->shards / (float)(urn->shards + other->shards);
    merge_counts(urn, other);
    for (size_t k = 0; k < urn->bets->bets; k++) {
        mix(&urn->wealth[k], other->wealth[k], share);
        mix(&urn->age[k], other->age[k], share);
    }
    merge_memories(urn, other, share);
    urn_tail_merge(&urn->tail, &other->tail, (double)share);
    urn->rows += other->rows;
    urn->shards += other->shards;
    return 0;
}
