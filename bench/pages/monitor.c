/* monitor.c - see the header. */
#include "monitor.h"

#include "drift_detector.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 8
#define BINS       10

struct monitor {
    struct detector *detector;
    struct detector_feature_report reports[TRAFFIC_FEATURES];
    char name[TRAFFIC_FEATURES][NAME_BYTES];
    char category[TRAFFIC_MAX_CATEGORIES][NAME_BYTES];
};

struct reference {
    double *numbers;    /* [TRAFFIC_NUMERIC][rows] */
    const char **texts; /* [TRAFFIC_CATEGORICAL][rows] */
};

static void *checked(void *memory)
{
    if (!memory) {
        fputs("no memory\n", stderr);
        exit(2);
    }
    return memory;
}

static struct reference reference_draw(const struct monitor *monitor,
                                       const struct simulation *simulation)
{
    const size_t rows = simulation->reference_rows;
    struct reference reference = {
        .numbers = checked(calloc(rows * TRAFFIC_NUMERIC, sizeof(*reference.numbers))),
        .texts = checked(calloc(rows * TRAFFIC_CATEGORICAL, sizeof(*reference.texts))),
    };
    struct traffic *traffic = checked(traffic_create(2 * simulation->seed, 0));
    for (size_t r = 0; r < rows; r++) {
        struct traffic_row row;
        traffic_next(traffic, &row);
        for (size_t f = 0; f < TRAFFIC_NUMERIC; f++)
            reference.numbers[f * rows + r] = row.number[f];
        for (size_t c = 0; c < TRAFFIC_CATEGORICAL; c++)
            reference.texts[c * rows + r] = monitor->category[row.category[c]];
    }
    traffic_destroy(traffic);
    return reference;
}

static void names_write(struct monitor *monitor)
{
    for (unsigned f = 0; f < TRAFFIC_FEATURES; f++)
        snprintf(monitor->name[f], NAME_BYTES, "f%u", f);
    for (unsigned i = 0; i < TRAFFIC_MAX_CATEGORIES; i++)
        snprintf(monitor->category[i], NAME_BYTES, "c%u", i);
}

static void detector_make(struct monitor *monitor, const struct simulation *simulation,
                          const struct reference *reference)
{
    const size_t rows = simulation->reference_rows;
    struct detector_feature features[TRAFFIC_FEATURES];
    for (size_t f = 0; f < TRAFFIC_FEATURES; f++) {
        features[f] = (struct detector_feature){.name = monitor->name[f]};
        if (f < TRAFFIC_NUMERIC) {
            features[f].type = FEATURE_NUMERIC;
            features[f].reference_numbers = reference->numbers + f * rows;
        } else {
            features[f].type = FEATURE_CATEGORICAL;
            features[f].reference_texts = reference->texts + (f - TRAFFIC_NUMERIC) * rows;
        }
    }
    const struct detector_spec spec = {
        .features = features,
        .feature_count = TRAFFIC_FEATURES,
        .reference_rows = rows,
        .window = {.kind = WINDOW_COUNT, .observations = simulation->window},
        .minimum_sample = simulation->minimum_sample,
        .threshold = {ORIGINAL_THRESHOLD, CRITICAL_THRESHOLD},
        .significance = simulation->significance,
        .methods = DETECTOR_LIVE_METHODS,
        .bins = BINS,
        .reference_resolution = 10000,
    };
    if (detector_create(&spec, &monitor->detector) < 0)
        checked(NULL);
}

struct monitor *monitor_create(const struct simulation *simulation)
{
    struct monitor *monitor = checked(calloc(1, sizeof(*monitor)));
    names_write(monitor);
    struct reference reference = reference_draw(monitor, simulation);
    detector_make(monitor, simulation, &reference);
    free(reference.numbers);
    free(reference.texts);
    return monitor;
}

void monitor_destroy(struct monitor *monitor)
{
    detector_destroy(monitor->detector);
    free(monitor);
}

void monitor_observe(struct monitor *monitor, const struct traffic_row *row, int64_t now_ms)
{
    struct value values[TRAFFIC_FEATURES];
    double scores[TRAFFIC_FEATURES];
    for (size_t f = 0; f < TRAFFIC_NUMERIC; f++)
        values[f] = (struct value){.number = row->number[f]};
    for (size_t c = 0; c < TRAFFIC_CATEGORICAL; c++) {
        const char *text = monitor->category[row->category[c]];
        values[TRAFFIC_NUMERIC + c] = (struct value){.text = text, .text_bytes = strlen(text)};
    }
    detector_observe(monitor->detector, values, NULL, now_ms, scores);
}

void monitor_scrape(struct monitor *monitor, int64_t now_ms, struct exported *exported)
{
    static const enum drift_method methods[SIMULATED_METHODS] = {METHOD_KS_TEST, METHOD_PSI};
    struct detector_report report = {.features = monitor->reports};
    detector_report(monitor->detector, now_ms, &report);
    for (size_t f = 0; f < TRAFFIC_FEATURES; f++)
        for (size_t i = 0; i < SIMULATED_METHODS; i++) {
            const struct detector_method_report *method = &monitor->reports[f].method[methods[i]];
            exported[f].score[i] = method->applies ? method->score : NAN;
            exported[f].significant[i] = method->significant;
        }
}
