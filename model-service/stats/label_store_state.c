/* label_store_state.c - a label store as bytes.
 *
 * Layout, integers little-endian:
 *   magic u32, version u16, capacity u64, values u64, key 2 x u64, now i64,
 *   counters: labels u64 each, expired, predictions, repeated u64, lags u64 each, their sum f64,
 *     last label i64,
 *   remembered u64, for each from the oldest: predicted i64, labelled u8, label f64, id u8 and its
 *     bytes, values f64,
 *   forgotten u64, their hashes u64 from the oldest. */
#include "byte_codec.h"
#include "label_store_internal.h"
#include "sip_hash.h"

#include <errno.h>

#define MAGIC   0x4c465244u /* "DRFL" */
#define VERSION 1u
/* Of a remembered prediction without its id and values. */
#define ENTRY_BYTES 18

static size_t position_of(const struct hash_ring *ring, size_t i)
{
    const size_t at = ring->first + i;
    return at < ring->size ? at : at - ring->size;
}

static void write_bytes(struct byte_writer *out, const void *bytes, size_t size)
{
    if (out->bytes)
        memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

static void write_counters(const struct label_counters *counters, struct byte_writer *out)
{
    for (size_t r = 0; r < LABEL_RESULT_COUNT; r++)
        write_u64(out, counters->labels[r]);
    write_u64(out, counters->expired);
    write_u64(out, counters->predictions);
    write_u64(out, counters->repeated);
    for (size_t b = 0; b <= LABEL_LAG_BOUNDS; b++)
        write_u64(out, counters->lag[b]);
    write_f64(out, counters->lag_sum_seconds);
    write_u64(out, (uint64_t)counters->last_label_ms);
}

static void write_entries(const struct label_store *store, struct byte_writer *out)
{
    const struct hash_ring *ring = &store->remembered;
    write_u64(out, ring->count);
    for (size_t i = 0; i < ring->count; i++) {
        const size_t at = position_of(ring, i);
        const struct entry *entry = &store->entries[at];
        write_u64(out, (uint64_t)entry->predicted_ms);
        write_u8(out, entry->labelled);
        write_f64(out, entry->label);
        write_u8(out, entry->id_bytes);
        write_bytes(out, &store->ids[entry->id_at], entry->id_bytes);
        for (size_t v = 0; v < store->spec.values; v++)
            write_f64(out, store->values[at * store->spec.values + v]);
    }
}

static void write_store(const struct label_store *store, struct byte_writer *out)
{
    const struct hash_ring *forgotten = &store->forgotten;
    write_u32(out, MAGIC);
    write_u16(out, VERSION);
    write_u64(out, store->spec.capacity);
    write_u64(out, store->spec.values);
    write_u64(out, store->spec.key[0]);
    write_u64(out, store->spec.key[1]);
    write_u64(out, (uint64_t)store->now_ms);
    write_counters(&store->counters, out);
    write_entries(store, out);
    write_u64(out, forgotten->count);
    for (size_t i = 0; i < forgotten->count; i++)
        write_u64(out, forgotten->hashes[position_of(forgotten, i)]);
}

size_t drift_label_store_save(const struct label_store *store, void *bytes, size_t capacity)
{
    struct byte_writer out = {0};
    write_store(store, &out);
    if (!bytes || out.size > capacity)
        return out.size;
    out = (struct byte_writer){.bytes = bytes};
    write_store(store, &out);
    return out.size;
}

static int read_header(struct label_store *store, struct byte_reader *in)
{
    bool same = read_u32(in) == MAGIC;
    same = read_u16(in) == VERSION && same;
    same = read_u64(in) == store->spec.capacity && same;
    same = read_u64(in) == store->spec.values && same;
    store->spec.key[0] = read_u64(in);
    store->spec.key[1] = read_u64(in);
    store->now_ms = (int64_t)read_u64(in);
    return same && !in->failed ? 0 : -EINVAL;
}

static void read_counters(struct label_counters *counters, struct byte_reader *in)
{
    for (size_t r = 0; r < LABEL_RESULT_COUNT; r++)
        counters->labels[r] = read_u64(in);
    counters->expired = read_u64(in);
    counters->predictions = read_u64(in);
    counters->repeated = read_u64(in);
    for (size_t b = 0; b <= LABEL_LAG_BOUNDS; b++)
        counters->lag[b] = read_u64(in);
    counters->lag_sum_seconds = read_f64(in);
    counters->last_label_ms = (int64_t)read_u64(in);
}

/* Into an empty store, where ids lie behind each other from the beginning. */
static int read_entry(struct label_store *store, struct byte_reader *in)
{
    struct entry entry = {.predicted_ms = (int64_t)read_u64(in), .id_at = (uint32_t)store->id_next};
    const uint8_t labelled = read_u8(in);
    entry.label = read_f64(in);
    entry.id_bytes = read_u8(in);
    entry.labelled = labelled != 0;
    if (in->failed || labelled > 1 || entry.predicted_ms > store->now_ms || entry.id_bytes == 0 ||
        entry.id_bytes > LABEL_ID_MAX_BYTES || entry.id_bytes > in->size - in->at ||
        entry.id_bytes > store->id_size - store->id_next)
        return -EINVAL;
    memcpy(&store->ids[store->id_next], in->bytes + in->at, entry.id_bytes);
    in->at += entry.id_bytes;
    const size_t position = label_ring_push(
        &store->remembered, sip_hash(store->spec.key, &store->ids[store->id_next], entry.id_bytes));
    store->id_next += entry.id_bytes;
    store->entries[position] = entry;
    for (size_t v = 0; v < store->spec.values; v++)
        store->values[position * store->spec.values + v] = read_f64(in);
    store->counters.pending += !entry.labelled;
    return in->failed ? -EINVAL : 0;
}

static int read_body(struct label_store *store, struct byte_reader *in)
{
    read_counters(&store->counters, in);
    const uint64_t remembered = read_u64(in);
    if (in->failed || remembered > store->spec.capacity ||
        remembered > (in->size - in->at) / ENTRY_BYTES)
        return -EINVAL;
    for (uint64_t i = 0; i < remembered; i++)
        if (read_entry(store, in) < 0)
            return -EINVAL;
    const uint64_t forgotten = read_u64(in);
    if (in->failed || forgotten > store->spec.capacity)
        return -EINVAL;
    for (uint64_t i = 0; i < forgotten; i++)
        (void)label_ring_push(&store->forgotten, read_u64(in));
    return in->failed || in->at != in->size ? -EINVAL : 0;
}

/* Reads into a fresh store and swaps the two, so that a failure leaves this one as it was. */
int drift_label_store_restore(struct label_store *store, const void *bytes, size_t size)
{
    struct byte_reader in = {.bytes = bytes, .size = size};
    struct label_store *fresh;
    int rc = drift_label_store_create(&store->spec, &fresh);
    if (rc < 0)
        return rc;
    rc = read_header(fresh, &in);
    if (rc == 0)
        rc = read_body(fresh, &in);
    if (rc == 0) {
        const struct label_store old = *store;
        *store = *fresh;
        *fresh = old;
    }
    drift_label_store_destroy(fresh);
    return rc;
}
