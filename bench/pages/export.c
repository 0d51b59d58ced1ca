/* export.c - streams for tests/stack/test_pages_method.py; plan.h has the contract. */
#include "plan.h"

#include <math.h>
#include <stdio.h>

#define EXPORT_SCRAPES  800
#define EXPORT_FEATURES 2
#define EXPORT_RATE     1
#define SCRIPT_SCRAPES  800
#define SCRIPT_SEED     (37 * UINT64_C(0x9e3779b97f4a7c15)) /* meets every boundary early */

struct recording {
    size_t scrapes;
    size_t feature[EXPORT_FEATURES];
    struct exported exported[EXPORT_FEATURES][EXPORT_SCRAPES];
    struct feature_alerts alerts[EXPORT_FEATURES][EXPORT_SCRAPES];
};

static void record(void *context, const struct exported *exported,
                   const struct feature_alerts *alerts)
{
    struct recording *recording = context;
    if (recording->scrapes == EXPORT_SCRAPES)
        return;
    for (size_t i = 0; i < EXPORT_FEATURES; i++) {
        recording->exported[i][recording->scrapes] = exported[recording->feature[i]];
        recording->alerts[i][recording->scrapes] = alerts[recording->feature[i]];
    }
    recording->scrapes++;
}

static void print_scores(const struct recording *recording, size_t i, size_t method)
{
    for (size_t s = 0; s < recording->scrapes; s++) {
        const double score = recording->exported[i][s].score[method];
        if (isnan(score))
            printf("%s\"NaN\"", s ? "," : "");
        else
            printf("%s%.17g", s ? "," : "", score);
    }
}

static void print_method(const struct recording *recording, size_t i, size_t method)
{
    static const char *const names[SIMULATED_METHODS] = {"ks_test", "psi"};
    printf("\"%s\": {\"score\": [", names[method]);
    print_scores(recording, i, method);
    printf("], \"significant\": [");
    for (size_t s = 0; s < recording->scrapes; s++)
        printf("%s%d", s ? "," : "", recording->exported[i][s].significant[method]);
    printf("]}, ");
}

static void print_feature(const struct recording *recording, size_t i)
{
    printf("%s{\"name\": \"f%zu\", ", i ? ", " : "", recording->feature[i]);
    for (size_t method = 0; method < SIMULATED_METHODS; method++)
        print_method(recording, i, method);
    printf("\"warning\": [");
    for (size_t s = 0; s < recording->scrapes; s++)
        printf("%s%d", s ? "," : "", recording->alerts[i][s].warning.state);
    printf("], \"critical\": [");
    for (size_t s = 0; s < recording->scrapes; s++)
        printf("%s%d", s ? "," : "", recording->alerts[i][s].critical.state);
    printf("]}");
}

/* window: 0 for a script, which has no rows. */
static void print_stream(const char *name, const struct recording *recording, uint64_t window,
                         size_t threshold)
{
    printf("{\"name\": \"%s\", \"window\": %llu, \"warning\": %g, \"critical\": %g, "
           "\"features\": [",
           name, (unsigned long long)window, simulation_thresholds[threshold], CRITICAL_THRESHOLD);
    for (size_t i = 0; i < EXPORT_FEATURES; i++)
        print_feature(recording, i);
    printf("]}");
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* What a feature exports while no rule, the warning or both hold; a score at its threshold is not
 * above it. */
static const struct exported silent[] = {{{0.1, 0.2}, {true, true}},
                                         {{0.6, 0.9}, {false, false}},
                                         {{0.3, 0.3}, {true, true}},
                                         {{NAN, NAN}, {false, false}}};
static const struct exported warned[] = {{{0.4, 0.1}, {true, false}},
                                         {{0.1, 0.5}, {true, true}},
                                         {{0.6, 0.4}, {false, true}},
                                         {{0.5, 0.31}, {true, true}}};
static const struct exported critical[] = {{{0.6, 0.9}, {true, true}},
                                           {{0.2, 0.7}, {true, true}},
                                           {{0.51, 0.1}, {true, false}},
                                           {{NAN, 0.8}, {false, true}}};

static struct exported script_draw(uint64_t *state)
{
    static const struct exported *const kinds[] = {silent, silent, critical, critical, warned};
    return kinds[random_next(state) % 5][random_next(state) % 4];
}

/* Levels that last about as long as the rules' times, which they seldom do in streams of data. */
static void script(struct recording *recording, size_t threshold)
{
    static const size_t lengths[] = {6, 7, 12, 13, 15, 16, 21, 22, 6, 7, 21, 22, 1, 3, 9, 20};
    uint64_t state = SCRIPT_SEED;
    for (size_t i = 0; i < EXPORT_FEATURES; i++) {
        struct feature_alerts alerts = {0};
        struct exported now = {0};
        size_t left = 0;
        for (size_t s = 0; s < SCRIPT_SCRAPES; s++, left--) {
            if (left == 0) {
                left = lengths[random_next(&state) % 16];
                now = script_draw(&state);
            }
            feature_alerts_evaluate(&alerts, &now, simulation_thresholds[threshold],
                                    (int64_t)(s + 1) * SCRAPE_MS);
            recording->exported[i][s] = now;
            recording->alerts[i][s] = alerts;
        }
    }
    recording->scrapes = SCRIPT_SCRAPES;
}

static const struct change half = {"half", CHANGE_SHIFT, 0.5};
static const struct change one = {"one", CHANGE_SHIFT, 1};
static const struct change share = {"share", CHANGE_SHARE, 0.3};

static const struct {
    const char *name;
    const struct change *change;
    uint64_t window;
    size_t changed, other, threshold;
} streams[] = {
    {"half a deviation, hovering at the threshold", &half, 200, 0, 3, THRESHOLD_020},
    {"one deviation, critical by psi", &one, 200, 1, 40, THRESHOLD_030},
    {"a share moved by 30 points", &share, 1000, 40, 49, THRESHOLD_010},
};

void export_streams(void)
{
    static struct recording recording;
    printf(
        "{\"scrape_seconds\": %d, \"rows_per_scrape\": %d, \"minimum_sample\": %d, \"streams\": [",
        SCRAPE_MS / 1000, EXPORT_RATE * SCRAPE_MS / 1000, MINIMUM_SAMPLE);
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        const struct simulation simulation = {
            .seed = i + 1,
            .window = streams[i].window,
            .minimum_sample = MINIMUM_SAMPLE,
            .significance = DEFAULT_SIGNIFICANCE,
            .rate = EXPORT_RATE,
            .reference_rows = 2000,
            .rows = 4000,
            .change = streams[i].change,
            .changed = streams[i].changed,
            .change_from = 1200,
            .change_to = 2700,
        };
        const struct simulation_watcher watcher = {record, &recording, streams[i].threshold};
        struct outcome outcome;
        recording.scrapes = 0;
        recording.feature[0] = streams[i].changed;
        recording.feature[1] = streams[i].other;
        simulate(&simulation, &outcome, &watcher);
        print_stream(streams[i].name, &recording, streams[i].window, streams[i].threshold);
        printf(",\n");
    }
    script(&recording, THRESHOLD_030);
    print_stream("a script of jumps", &recording, 0, THRESHOLD_030);
    printf("]}\n");
}
