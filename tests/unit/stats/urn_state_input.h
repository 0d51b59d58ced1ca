/* urn_state_input.h - gives changed bytes to the reader of an urn's state, for the fuzzer and the
 * replay of its corpus. Byte 0 chooses the urn, byte 1 its flags; the rest is combined by exclusive
 * or with the body of a true state, and the checksum, which a fuzzer would not find, is set right.
 * Aborts on a broken promise. */
#ifndef TESTS_URN_STATE_INPUT_H
#define TESTS_URN_STATE_INPUT_H

#include "stats/urn.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define URN_HEADER_BYTES   16
#define URN_CHECKSUM_BYTES 8

static inline void urn_input_bins(struct urn_bins *bins, uint8_t choice)
{
    double rows[50];
    uint64_t count[60];
    for (int i = 0; i < 50; i++)
        rows[i] = choice % 2 ? (double)(i / 8) : i;
    for (int i = 0; i < 60; i++)
        count[i] = 60 - (uint64_t)i;
    const int rc = choice < 3 ? drift_urn_bins_numeric(bins, rows, 50)
                              : drift_urn_bins_categories(bins, count, choice < 5 ? 2 : 60);
    if (rc < 0)
        abort();
}

static inline struct urn *urn_input_create(const struct urn_bins *bins, const struct urn_bets *bets)
{
    struct urn *urn;
    if (drift_urn_create(bins, bets, &urn) < 0)
        abort();
    return urn;
}

static inline void urn_input_seal(uint8_t *bytes, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i + URN_CHECKSUM_BYTES < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < URN_CHECKSUM_BYTES; i++)
        bytes[size - URN_CHECKSUM_BYTES + i] = (uint8_t)(hash >> (8 * i));
}

/* What has been taken must save as it was, and bear every use. */
static inline void urn_input_use(struct urn *urn, struct urn *other, const struct urn_bins *bins,
                                 const uint8_t *bytes, size_t size)
{
    uint8_t *again = malloc(size);
    if (!again || drift_urn_save(urn, again, size) != size || memcmp(again, bytes, size) != 0)
        abort();
    free(again);
    const int merged = drift_urn_merge(other, urn);
    if (merged < 0 && merged != -EINVAL)
        abort();
    for (int i = 0; i < 3000; i++) {
        (void)drift_urn_observe(urn, (size_t)i % bins->count, 1);
        (void)drift_urn_observe(other, (size_t)i * 7 % bins->count, 1000);
    }
    (void)drift_urn_change(urn);
    (void)drift_urn_deviations(urn, 1e6);
    (void)drift_urn_limit(urn, 1);
    if (drift_urn_adopt(urn) == 0 && drift_urn_evidence(urn) != 0)
        abort();
    drift_urn_restart(urn);
    if (isnan(drift_urn_observe(urn, 0, 1)) || isnan(drift_urn_observe(other, 0, 1)))
        abort();
}

static inline void urn_state_replay(const uint8_t *input, size_t length)
{
    struct urn_bins bins;
    struct urn_bets *bets;
    if (length < 2)
        return;
    const uint8_t choice = input[0] % 7;
    urn_input_bins(&bins, choice);
    if (drift_urn_bets_create(&bins, choice == 2 || choice == 4 || choice == 6 ? 3 : 1, &bets) < 0)
        abort();
    struct urn *urn = urn_input_create(&bins, bets), *other = urn_input_create(&bins, bets);
    for (size_t i = 0; i < 40; i++)
        (void)drift_urn_observe(urn, i % 11 % bins.count, 1);
    const size_t size = drift_urn_save(urn, NULL, 0);
    uint8_t *bytes = malloc(size);
    if (!bytes || drift_urn_save(urn, bytes, size) != size)
        abort();
    bytes[6] = input[1] & 1;
    bytes[7] = input[1] >> 1 & 1;
    for (size_t i = 2; i < length && URN_HEADER_BYTES + i - 2 < size; i++)
        bytes[URN_HEADER_BYTES + i - 2] ^= input[i];
    urn_input_seal(bytes, size);
    const int rc = drift_urn_restore(urn, bytes, size);
    if (rc == 0)
        urn_input_use(urn, other, &bins, bytes, size);
    else if (rc != -EINVAL)
        abort();
    free(bytes);
    drift_urn_destroy(urn);
    drift_urn_destroy(other);
    drift_urn_bets_destroy(bets);
    drift_urn_bins_finish(&bins);
}

#endif
