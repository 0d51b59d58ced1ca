/* history_state_input.h - histories for the tests of their bytes, and the replay of changed bytes
 * for the fuzzer and its corpus. Aborts on a broken promise. */
#ifndef TESTS_HISTORY_STATE_INPUT_H
#define TESTS_HISTORY_STATE_INPUT_H

#include "random_stream.h"
#include "served/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HISTORY_FEATURES 23 /* more than an incident keeps */
#define HISTORY_START_MS INT64_C(1000000000)

static inline int64_t history_wall_of(int64_t tick_ms)
{
    return tick_ms + INT64_C(1000000000);
}

/* A report of which some features have drifted, and some have no score. */
static inline void history_add_random(struct model_history *history, uint64_t *seed, int64_t now_ms)
{
    struct detector_feature_report features[HISTORY_FEATURES];
    const bool calm = random_below(seed, 3) == 0;
    for (size_t f = 0; f < HISTORY_FEATURES; f++) {
        const double score = random_below(seed, 9) == 0 ? NAN : random_unit(seed);
        features[f] = (struct detector_feature_report){
            .prediction = f == HISTORY_FEATURES - 1,
            .method[METHOD_KS_TEST] = {.applies = true, .score = score, .threshold = 0.3},
            .drifted = !calm && score > 0.5,
            .drifted_since_ms = now_ms - (int64_t)random_below(seed, 5000),
        };
    }
    const struct detector_report report = {.feature_count = HISTORY_FEATURES, .features = features};
    model_history_add(history, &report, now_ms, history_wall_of);
}

/* A few seconds, sometimes a few hours. */
static inline int64_t history_later(uint64_t *seed)
{
    return random_below(seed, 20) == 0 ? 1000 * (int64_t)random_below(seed, 20000) : 5000;
}

static inline struct model_history *history_create(void)
{
    struct model_history *history = model_history_create(HISTORY_FEATURES);
    if (!history)
        abort();
    return history;
}

/* Whatever was taken is saved as it was read, and bears every use. */
static inline void history_use(struct model_history *history)
{
    static struct history_point points[HISTORY_COARSE];
    static struct incident incidents[HISTORY_INCIDENTS];
    uint64_t seed = 1;
    for (size_t f = 0; f < HISTORY_FEATURES; f++)
        if (model_history_fine(history, f, points) > HISTORY_FINE ||
            model_history_coarse(history, f, points) > HISTORY_COARSE)
            abort();
    const size_t count = model_history_incidents(history, incidents);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < incidents[i].features && k < HISTORY_INCIDENT_FEATURES; k++)
            if (incidents[i].feature[k].feature >= HISTORY_FEATURES)
                abort();
    for (int64_t i = 0; i < 4; i++)
        history_add_random(history, &seed, (INT64_C(1) << 50) + i * 5000);
}

/* Byte 0 chooses whether the whole or a record is changed; the others are combined with the true
 * bytes by exclusive or, from the place that bytes 1 and 2 name on. */
static inline void history_state_replay(const uint8_t *input, size_t length)
{
    uint64_t seed = 7;
    struct buffer whole, record;
    struct model_history *history = history_create();
    if (length < 3) {
        model_history_destroy(history);
        return;
    }
    buffer_init(&whole, 0);
    buffer_init(&record, 0);
    int64_t now_ms = HISTORY_START_MS;
    for (int i = 0; i < 30; i++)
        history_add_random(history, &seed, now_ms += history_later(&seed));
    model_history_save(history, &whole);
    history_add_random(history, &seed, now_ms += 5000);
    model_history_record(history, &record);
    struct buffer *changed = input[0] % 2 ? &record : &whole;
    const size_t from = (input[1] | (size_t)input[2] << 8) % changed->length;
    for (size_t i = 3; i < length && from + i - 3 < changed->length; i++)
        changed->data[from + i - 3] ^= (char)input[i];
    const size_t size = input[0] & 2 ? changed->length - from : changed->length;
    const int rc = changed == &whole ? model_history_restore(history, whole.data, size)
                                     : model_history_replay(history, record.data, size);
    if (rc != 0 && rc != -EINVAL)
        abort();
    history_use(history);
    buffer_finish(&whole);
    buffer_finish(&record);
    model_history_destroy(history);
}

#endif
