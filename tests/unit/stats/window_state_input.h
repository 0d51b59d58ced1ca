/* window_state_input.h - gives arbitrary bytes to the state reader, for the fuzzer and the replay
 * of its corpus. Byte 0 chooses the window; the rest is the body between a right header and a right
 * checksum, which a fuzzer would not find. Aborts on a broken promise. */
#ifndef TESTS_WINDOW_STATE_INPUT_H
#define TESTS_WINDOW_STATE_INPUT_H

#include "stats/feature_window.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STATE_HEADER_BYTES   24
#define STATE_CHECKSUM_BYTES 8

static inline struct feature_window *state_window(const struct numeric_reference *numeric,
                                                  const struct categorical_reference *categorical,
                                                  uint8_t choice)
{
    const struct window_spec specs[] = {{.kind = WINDOW_COUNT, .observations = 40},
                                        {.kind = WINDOW_DURATION, .duration_ms = 6000},
                                        {.kind = WINDOW_ALL}};
    const int is_numeric = choice / 3 % 2 == 0;
    struct feature_window *window;
    if (drift_feature_window_create(is_numeric ? numeric : NULL, is_numeric ? NULL : categorical,
                                    &specs[choice % 3], &window) != 0)
        abort();
    return window;
}

static inline void state_seal(uint8_t *bytes, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i + STATE_CHECKSUM_BYTES < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < STATE_CHECKSUM_BYTES; i++)
        bytes[size - STATE_CHECKSUM_BYTES + i] = (uint8_t)(hash >> (8 * i));
}

/* What has been taken must save as it was, and bear every use. */
static inline void state_use(struct feature_window *window, struct feature_window *other,
                             const uint8_t *bytes, size_t size)
{
    uint8_t *again = malloc(size);
    if (again == NULL || drift_feature_window_save(window, again, size) != size ||
        memcmp(again, bytes, size) != 0)
        abort();
    free(again);
    for (int method = 0; method < METHOD_COUNT; method++) {
        double score, p;
        const int r = drift_feature_window_score(window, (enum drift_method)method, &score);
        if (r == 0 && isnan(score))
            abort();
        if (r == 0 &&
            drift_feature_window_p_value(window, (enum drift_method)method, score, &p) == 0 &&
            !(p >= 0 && p <= 1))
            abort();
    }
    (void)drift_feature_window_moments(window);
    (void)drift_feature_window_quantile(window, 0.5);
    if (drift_feature_window_merge(other, window) != 0)
        abort();
    for (int i = 0; i < 50; i++) {
        drift_feature_window_observe_number(window, i, (int64_t)i * 150);
        drift_feature_window_observe_category(window, (uint32_t)i % 5, (int64_t)i * 150);
    }
    drift_feature_window_advance(window, INT64_MAX);
}

static inline void state_replay(const uint8_t *input, size_t length)
{
    static const double rows[] = {-1, 0, 0, 0, 0, 0.5, 1, 2, 3, NAN, INFINITY};
    static const char *const names[] = {"a", "b", "a", NULL};
    struct numeric_reference numeric;
    struct categorical_reference categorical;
    if (length == 0)
        return;
    if (drift_numeric_reference_init(&numeric, rows, sizeof(rows) / sizeof(*rows), 4, 0) != 0 ||
        drift_categorical_reference_init(&categorical, names, 4, 10) != 0)
        abort();
    struct feature_window *window = state_window(&numeric, &categorical, input[0]);
    struct feature_window *other = state_window(&numeric, &categorical, input[0]);
    const size_t size = STATE_HEADER_BYTES + length - 1 + STATE_CHECKSUM_BYTES;
    const size_t empty_size = drift_feature_window_save(window, NULL, 0);
    uint8_t *bytes = malloc(size), *empty = malloc(empty_size);
    if (bytes == NULL || empty == NULL)
        abort();
    (void)drift_feature_window_save(window, empty, empty_size);
    memcpy(bytes, empty, STATE_HEADER_BYTES);
    memcpy(bytes + STATE_HEADER_BYTES, input + 1, length - 1);
    state_seal(bytes, size);
    const int r = drift_feature_window_restore(window, bytes, size);
    if (r == 0)
        state_use(window, other, bytes, size);
    else if (r != -EINVAL)
        abort();
    free(bytes);
    free(empty);
    drift_feature_window_destroy(window);
    drift_feature_window_destroy(other);
    drift_numeric_reference_finish(&numeric);
    drift_categorical_reference_finish(&categorical);
}

#endif
