/* quiet.c - how often ordinary traffic looks drifted: the built-in model's setting, 400 streams of
 * 6000 rows without drift (five minutes at 20 a second), looked at every 100 rows. */
#include "data_generator.h"
#include "drift_detector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEATURES   5
#define REFERENCE  1000
#define STREAMS    400
#define ROWS       6000
#define LOOK_EVERY 100

struct tally {
    unsigned streams, looks, drifted_rows;
};

static double reference[FEATURES][REFERENCE];

static struct data_generator *generator(uint64_t stream)
{
    struct data_generator *result;
    if (data_generator_create_synthetic(FEATURES, 42, stream, &result) < 0)
        abort();
    return result;
}

static struct detector *detector(double significance)
{
    static const char *const names[FEATURES] = {"a", "b", "c", "d", "e"};
    struct detector_feature features[FEATURES];
    for (size_t f = 0; f < FEATURES; f++)
        features[f] = (struct detector_feature){
            .name = names[f], .type = FEATURE_NUMERIC, .reference_numbers = reference[f]};
    const struct detector_spec spec = {
        .features = features,
        .feature_count = FEATURES,
        .reference_rows = REFERENCE,
        .window = {.kind = WINDOW_COUNT, .observations = 200},
        .minimum_sample = 50,
        .threshold = {0.3, 0.5},
        .significance = significance,
        .methods = DETECTOR_LIVE_METHODS,
        .bins = 10,
    };
    struct detector *result;
    if (detector_create(&spec, &result) < 0)
        abort();
    return result;
}

static bool quiet(struct detector *monitor)
{
    struct detector_feature_report features[FEATURES];
    struct detector_report report = {.features = features};
    detector_report(monitor, 0, &report);
    return strcmp(detector_status_word(&report), "No drift") == 0;
}

static void run_stream(uint64_t stream, double significance, struct tally *tally)
{
    struct detector *monitor = detector(significance);
    struct data_generator *source = generator(100000 + stream);
    unsigned looks = 0;
    for (int i = 1; i <= ROWS; i++) {
        double row[FEATURES], scores[FEATURES];
        struct value values[FEATURES];
        data_generator_next(source, row);
        for (size_t f = 0; f < FEATURES; f++)
            values[f] = (struct value){.number = row[f]};
        tally->drifted_rows += detector_observe(monitor, values, NULL, i, scores).drift_detected;
        looks += i % LOOK_EVERY == 0 && !quiet(monitor);
    }
    tally->looks += looks;
    tally->streams += looks > 0;
    data_generator_destroy(source);
    detector_destroy(monitor);
}

int main(void)
{
    struct data_generator *source = generator(0);
    for (size_t r = 0; r < REFERENCE; r++) {
        double row[FEATURES];
        data_generator_next(source, row);
        for (size_t f = 0; f < FEATURES; f++)
            reference[f][r] = row[f];
    }
    data_generator_destroy(source);
    static const double levels[] = {0.01, 0.001, 0.0001, 0.00001};
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        struct tally tally = {0};
        for (uint64_t stream = 1; stream <= STREAMS; stream++)
            run_stream(stream, levels[i], &tally);
        printf("significance %-7g  streams with a word other than \"No drift\" %3u of %d, "
               "looks %4u of %d, rows with drift_detected %u of %d\n",
               levels[i], tally.streams, STREAMS, tally.looks, STREAMS * ROWS / LOOK_EVERY,
               tally.drifted_rows, STREAMS * ROWS);
    }
    return 0;
}
