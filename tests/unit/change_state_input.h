/* change_state_input.h - a monitor of changes for the tests of its bytes, and the replay of changed
 * bytes for the fuzzer and its corpus. Aborts on a broken promise. */
#ifndef TESTS_CHANGE_STATE_INPUT_H
#define TESTS_CHANGE_STATE_INPUT_H

#include "change_state.h"
#include "random_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHANGES_REFERENCE 400
#define CHANGES_FEATURES  3 /* a number, a colour, and a constant that is often missing */
#define CHANGES_START_MS  1000

struct changes {
    double numbers[2][CHANGES_REFERENCE];
    const char *texts[CHANGES_REFERENCE];
    uint32_t order[CHANGES_REFERENCE];
    struct detector_feature features[CHANGES_FEATURES];
    struct detector *detector;
    struct change_monitor *monitor;
};

static const char *const changes_colours[] = {"red", "green", "blue", "grey"};

static inline void changes_make_reference(struct changes *changes)
{
    uint64_t seed = 3;
    for (size_t r = 0; r < CHANGES_REFERENCE; r++) {
        changes->numbers[0][r] = random_normal(&seed);
        changes->numbers[1][r] = random_below(&seed, 3) ? 1 : NAN;
        changes->texts[r] = changes_colours[random_below(&seed, 3)];
        changes->order[r] = (uint32_t)(CHANGES_REFERENCE - 1 - r);
    }
    changes->features[0] = (struct detector_feature){
        .name = "number", .type = FEATURE_NUMERIC, .reference_numbers = changes->numbers[0]};
    changes->features[1] = (struct detector_feature){
        .name = "colour", .type = FEATURE_CATEGORICAL, .reference_texts = changes->texts};
    changes->features[2] = (struct detector_feature){
        .name = "one", .type = FEATURE_NUMERIC, .reference_numbers = changes->numbers[1]};
}

static inline struct change_monitor *changes_create_monitor(struct changes *changes,
                                                            struct change_rule rule)
{
    struct change_monitor *monitor;
    const struct change_monitor_spec spec = {.detector = changes->detector,
                                             .features = changes->features,
                                             .feature_count = CHANGES_FEATURES,
                                             .reference_rows = CHANGES_REFERENCE,
                                             .order = changes->order,
                                             .ordered = true,
                                             .rule = rule,
                                             .now_ms = CHANGES_START_MS};
    if (change_monitor_create(&spec, &monitor) < 0)
        abort();
    return monitor;
}

static inline struct changes *changes_create(struct change_rule rule)
{
    struct changes *changes = calloc(1, sizeof(*changes));
    if (!changes)
        abort();
    changes_make_reference(changes);
    const struct detector_spec windows = {
        .features = changes->features,
        .feature_count = CHANGES_FEATURES,
        .reference_rows = CHANGES_REFERENCE,
        .window = {.kind = WINDOW_COUNT, .observations = 100},
        .minimum_sample = 50,
        .threshold = {0.3, 0.5},
        .significance = 0.0001,
        .methods = DETECTOR_LIVE_METHODS,
        .bins = 10,
    };
    if (detector_create(&windows, &changes->detector) < 0)
        abort();
    changes->monitor = changes_create_monitor(changes, rule);
    return changes;
}

static inline void changes_destroy(struct changes *changes)
{
    change_monitor_destroy(changes->monitor);
    detector_destroy(changes->detector);
    free(changes);
}

/* Rows that come together, with so large a shift; draws the same for the same seed. */
static inline void changes_send(const struct changes *changes, struct change_monitor *monitor,
                                uint64_t *seed, double shift, size_t rows, int64_t now_ms)
{
    union detector_cell cells[CHANGES_FEATURES][64];
    for (size_t r = 0; r < rows; r++) {
        const char *text = changes_colours[random_below(seed, shift > 0 ? 4 : 3)];
        const struct value value = {.text = text, .text_bytes = strlen(text)};
        cells[0][r].number = random_below(seed, 50) ? shift + random_normal(seed) : NAN;
        cells[1][r] = detector_cell(changes->detector, 1, &value);
        cells[2][r].number = random_below(seed, 3) ? 1 : NAN;
    }
    change_monitor_observe(monitor, cells[0], rows, 64, NULL, now_ms);
}

/* What a monitor says must be what it can be asked for. */
static inline void changes_use(const struct changes *changes, struct change_monitor *monitor)
{
    uint64_t seed = 5;
    char words[CHANGE_WORDS_BYTES];
    for (size_t f = 0; f < CHANGES_FEATURES; f++) {
        struct feature_changes said;
        change_monitor_report(monitor, f, &said);
        for (enum urn_part part = 0; part < URN_PARTS; part++)
            if (said.part[part].open)
                change_words(&said.part[part].change, words);
    }
    for (int64_t i = 0; i < 20; i++)
        changes_send(changes, monitor, &seed, 2, 40, (INT64_C(1) << 51) + i * 1000);
}

/* Combined with true bytes by exclusive or, from the place that bytes 0 and 1 name on. */
static inline void change_state_replay(const uint8_t *input, size_t length)
{
    static struct changes *changes; /* dear to make */
    uint64_t seed = 4;
    size_t anew;
    struct buffer bytes;
    if (length < 3)
        return;
    if (!changes) {
        changes = changes_create((struct change_rule){86400, 0.15});
        for (int64_t i = 0; i < 60; i++)
            changes_send(changes, changes->monitor, &seed, i < 30 ? 0 : 1, 20,
                         CHANGES_START_MS + i * 1000);
    }
    buffer_init(&bytes, 0);
    change_monitor_save(changes->monitor, &bytes);
    const size_t from = (input[0] | (size_t)input[1] << 8) % bytes.length;
    for (size_t i = 3; i < length && from + i - 3 < bytes.length; i++)
        bytes.data[from + i - 3] ^= (char)input[i];
    const size_t size = input[2] & 1 ? bytes.length : from;
    struct change_monitor *other =
        changes_create_monitor(changes, (struct change_rule){86400, 0.15});
    const int rc = change_monitor_restore(other, bytes.data, size, &anew);
    if (rc != -EINVAL && (rc != 0 || anew > CHANGES_FEATURES))
        abort();
    changes_use(changes, other);
    buffer_finish(&bytes);
    change_monitor_destroy(other);
}

#endif
