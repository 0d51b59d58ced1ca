/* change_watch_state.c - a watched stream as bytes.
 *
 * Layout, integers little-endian:
 *   magic u32, version u16, detectors u32, direction u8, hold u64, times u64, observations u64,
 *   primed u64, for each detector: state u8, held u8, held from u64, onset i64, primed onsets u64,
 *   size u32 and the detector's own bytes; then the remembered times i64, from the oldest.
 * A state from before there was the urn restores the other detectors, and the urn starts there. */
#include "byte_codec.h"
#include "change_watch_internal.h"

#include <errno.h>
#include <string.h>

#define MAGIC   0x53465244u /* "DRFS" */
#define VERSION 1u

/* The observations whose times are known: from the returned one up to the last. */
static uint64_t first_time(const struct change_watch *watch)
{
    const uint64_t times = watch->spec.times;
    const uint64_t oldest = watch->observations > times ? watch->observations - times : 0;
    return oldest > watch->primed ? oldest : watch->primed;
}

static void write_watched(const struct watched *watched, struct byte_writer *out)
{
    const size_t size = drift_change_detector_save(&watched->detector, NULL, 0);
    write_u8(out, (uint8_t)watched->state);
    write_u8(out, watched->held);
    write_u64(out, watched->held_from);
    write_u64(out, (uint64_t)watched->onset_ms);
    write_u64(out, watched->primed_onsets);
    write_u32(out, (uint32_t)size);
    if (out->bytes)
        (void)drift_change_detector_save(&watched->detector, out->bytes + out->size, size);
    out->size += size;
}

static void write_watch(const struct change_watch *watch, struct byte_writer *out)
{
    write_u32(out, MAGIC);
    write_u16(out, VERSION);
    write_u32(out, watch->spec.detectors);
    write_u8(out, (uint8_t)watch->spec.direction);
    write_u64(out, watch->spec.hold);
    write_u64(out, watch->spec.times);
    write_u64(out, watch->observations);
    write_u64(out, watch->primed);
    for (size_t i = 0; i < watch->count; i++)
        write_watched(&watch->watched[i], out);
    for (uint64_t i = first_time(watch); i < watch->observations; i++)
        write_u64(out, (uint64_t)watch->times[i % watch->spec.times]);
}

size_t drift_change_watch_save(const struct change_watch *watch, void *bytes, size_t capacity)
{
    struct byte_writer out = {0};
    write_watch(watch, &out);
    if (!bytes || out.size > capacity)
        return out.size;
    out = (struct byte_writer){.bytes = bytes};
    write_watch(watch, &out);
    return out.size;
}

static int read_header(struct change_watch *watch, struct byte_reader *in, bool *ret_without_urn)
{
    bool same = read_u32(in) == MAGIC;
    same = read_u16(in) == VERSION && same;
    const uint32_t detectors = read_u32(in);
    *ret_without_urn = detectors == (watch->spec.detectors & ~(1u << CHANGE_URN));
    same = (detectors == watch->spec.detectors || *ret_without_urn) && same;
    same = read_u8(in) == (uint8_t)watch->spec.direction && same;
    same = read_u64(in) == watch->spec.hold && same;
    same = read_u64(in) == watch->spec.times && same;
    watch->observations = read_u64(in);
    watch->primed = read_u64(in);
    return same && !in->failed && watch->primed <= watch->observations ? 0 : -EINVAL;
}

static int read_watched(struct watched *watched, uint64_t observations, struct byte_reader *in)
{
    const uint8_t state = read_u8(in), held = read_u8(in);
    watched->held_from = read_u64(in);
    watched->onset_ms = (int64_t)read_u64(in);
    watched->primed_onsets = read_u64(in);
    const uint32_t size = read_u32(in);
    if (in->failed || state > CHANGE_DRIFT || held > 1 || watched->held_from > observations ||
        size > in->size - in->at)
        return -EINVAL;
    watched->state = (enum change_state)state;
    watched->held = held != 0;
    const int rc = drift_change_detector_restore(&watched->detector, in->bytes + in->at, size);
    in->at += size;
    return rc == 0 && watched->primed_onsets <= watched->detector.onsets ? 0 : -EINVAL;
}

static int read_body(struct change_watch *watch, struct byte_reader *in, bool without_urn)
{
    for (size_t i = 0; i < watch->count; i++)
        if (without_urn && watch->watched[i].detector.kind == CHANGE_URN)
            watch->watched[i].detector.observations = watch->observations;
        else if (read_watched(&watch->watched[i], watch->observations, in) < 0)
            return -EINVAL;
    const uint64_t first = first_time(watch);
    for (uint64_t i = first; i < watch->observations && !in->failed; i++)
        watch->times[i % watch->spec.times] = (int64_t)read_u64(in);
    return in->failed || in->at != in->size ? -EINVAL : 0;
}

/* Reads into a fresh watch and swaps the two, so that a failure leaves this one as it was. */
int drift_change_watch_restore(struct change_watch *watch, const void *bytes, size_t size)
{
    struct byte_reader in = {.bytes = bytes, .size = size};
    struct change_watch *fresh;
    int rc = drift_change_watch_create(&watch->spec, &fresh);
    if (rc < 0)
        return rc;
    bool without_urn = false;
    rc = read_header(fresh, &in, &without_urn);
    if (rc == 0)
        rc = read_body(fresh, &in, without_urn);
    if (rc == 0) {
        const struct change_watch old = *watch;
        *watch = *fresh;
        *fresh = old;
    }
    drift_change_watch_destroy(fresh);
    return rc;
}
