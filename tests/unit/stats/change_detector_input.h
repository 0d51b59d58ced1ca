/* change_detector_input.h - gives arbitrary bytes to the reader of saved detectors of change, for
 * the fuzzer and the replay of its corpus. Byte 0 chooses the detector; the rest stands between a
 * right header and a right checksum, which a fuzzer would not find. Aborts on a broken promise. */
#ifndef TESTS_CHANGE_DETECTOR_INPUT_H
#define TESTS_CHANGE_DETECTOR_INPUT_H

#include "stats/change_detector.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHANGE_HEADER_BYTES   8 /* magic, version, kind, direction */
#define CHANGE_CHECKSUM_BYTES 8

static inline void change_seal(uint8_t *bytes, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i + CHANGE_CHECKSUM_BYTES < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < CHANGE_CHECKSUM_BYTES; i++)
        bytes[size - CHANGE_CHECKSUM_BYTES + i] = (uint8_t)(hash >> (8 * i));
}

/* What has been taken must save as it was, and go on to states that can be taken again. */
static inline void change_use(struct change_detector *detector, const uint8_t *bytes, size_t size)
{
    static const double values[] = {0, 1, 0, 0, 1, 1, -0.0, NAN, 0.5, -1, 1e100, -1e100, 1e300};
    uint8_t again[CHANGE_DETECTOR_MAX_BYTES];
    if (drift_change_detector_save(detector, again, sizeof(again)) != size ||
        memcmp(again, bytes, size) != 0)
        abort();
    for (int i = 0; i < 400; i++) {
        const int state =
            drift_change_detector_update(detector, values[i % 13 * (i / 13 % 5 + 1) % 13]);
        if (state != -EINVAL && (state < CHANGE_NONE || state > CHANGE_DRIFT))
            abort();
        uint64_t onset;
        if (drift_change_detector_onset(detector, &onset) == 0 && onset >= detector->observations)
            abort();
    }
    size = drift_change_detector_save(detector, again, sizeof(again));
    if (size > sizeof(again) || drift_change_detector_restore(detector, again, size) != 0)
        abort();
}

static inline void change_replay(const uint8_t *input, size_t length)
{
    struct change_detector detector;
    uint8_t bytes[2 * CHANGE_DETECTOR_MAX_BYTES];
    const size_t size = CHANGE_HEADER_BYTES + length - 1 + CHANGE_CHECKSUM_BYTES;
    if (length == 0 || size > sizeof(bytes))
        return;
    const int kind = input[0] % CHANGE_DETECTOR_COUNT;
    const int direction = input[0] / CHANGE_DETECTOR_COUNT % 2;
    if (drift_change_detector_init(&detector, (enum change_detector_kind)kind,
                                   (enum change_direction)direction, 0) != 0)
        abort();
    if (drift_change_detector_save(&detector, bytes, sizeof(bytes)) > CHANGE_DETECTOR_MAX_BYTES)
        abort();
    memcpy(bytes + CHANGE_HEADER_BYTES, input + 1, length - 1);
    change_seal(bytes, size);
    const struct change_detector before = detector;
    const int r = drift_change_detector_restore(&detector, bytes, size);
    if (r == 0)
        change_use(&detector, bytes, size);
    else if (r != -EINVAL || memcmp(&before, &detector, sizeof(before)) != 0)
        abort();
}

#endif
