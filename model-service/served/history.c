/* history.c - strengths over time, and incidents. */
#include "served/history.h"

#include "served/series.h"

#include <math.h>
#include <stdlib.h>

struct model_history {
    size_t features;
    struct series fine, coarse;                  /* strengths, a column for each feature */
    struct series facts;                         /* struct history_facts, by feature */
    struct series performance[2];                /* fine, coarse; empty until there are labels */
    struct incident incident[HISTORY_INCIDENTS]; /* a ring: number i at i % HISTORY_INCIDENTS */
    size_t incidents;                            /* ever opened */
    bool open; /* the last one goes on when a feature drifts again */
};

/* --- incidents --- */

static struct incident *last_incident(struct model_history *history)
{
    return &history->incident[(history->incidents - 1) % HISTORY_INCIDENTS];
}

static uint64_t new_id(struct model_history *history, int64_t wall_ms)
{
    const uint64_t second = wall_ms > 0 ? (uint64_t)wall_ms / 1000 : 0;
    if (history->incidents == 0 || second > last_incident(history)->id)
        return second;
    return last_incident(history)->id + 1;
}

static void open_incident(struct model_history *history, int64_t onset_ms,
                          int64_t (*wall_of)(int64_t tick_ms))
{
    const uint64_t id = new_id(history, wall_of(onset_ms));
    history->incidents++;
    *last_incident(history) = (struct incident){.id = id, .opened_ms = onset_ms};
    history->open = true;
}

/* Inserts the feature by its onset; one that is beyond the room is only counted. */
static struct incident_feature *add_feature(struct incident *incident, size_t feature,
                                            int64_t onset_ms)
{
    size_t kept = incident->features++;
    if (kept >= HISTORY_INCIDENT_FEATURES)
        return NULL;
    for (; kept > 0 && incident->feature[kept - 1].onset_ms > onset_ms; kept--)
        incident->feature[kept] = incident->feature[kept - 1];
    incident->feature[kept] = (struct incident_feature){.feature = feature, .onset_ms = onset_ms};
    return &incident->feature[kept];
}

static struct incident_feature *find_feature(struct incident *incident, size_t feature)
{
    for (size_t i = 0; i < incident->features && i < HISTORY_INCIDENT_FEATURES; i++)
        if (incident->feature[i].feature == feature)
            return &incident->feature[i];
    return NULL;
}

/* Beyond the room it is not known whether a feature has been counted; then it is not counted. */
static void note_feature(struct incident *incident, size_t feature, int64_t onset_ms,
                         double strength, int64_t now_ms)
{
    struct incident_feature *noted = find_feature(incident, feature);
    if (!noted && incident->features < HISTORY_INCIDENT_FEATURES)
        noted = add_feature(incident, feature, onset_ms);
    if (noted && strength > noted->peak) {
        noted->peak = strength;
        noted->peak_ms = now_ms;
    }
}

/* The earliest onset of a drifted input; 0 if none is. */
static int64_t first_onset(const struct detector_report *report, int64_t now_ms,
                           size_t *ret_drifted)
{
    int64_t first = 0;
    *ret_drifted = 0;
    for (size_t f = 0; f < report->feature_count; f++) {
        const struct detector_feature_report *feature = &report->features[f];
        if (feature->prediction || !feature->drifted)
            continue;
        const int64_t onset = feature->drifted_since_ms ? feature->drifted_since_ms : now_ms;
        first = first == 0 || onset < first ? onset : first;
        ++*ret_drifted;
    }
    return first;
}

static void follow_incident(struct model_history *history, const struct detector_report *report,
                            const float *strength, int64_t now_ms,
                            int64_t (*wall_of)(int64_t tick_ms))
{
    size_t drifted;
    const int64_t first = first_onset(report, now_ms, &drifted);
    if (history->incidents > 0)
        last_incident(history)->running = false;
    if (history->open && now_ms - last_incident(history)->drifted_ms >= DETECTOR_QUIET_MS)
        history->open = false;
    if (drifted == 0)
        return;
    if (!history->open)
        open_incident(history, first, wall_of);
    struct incident *incident = last_incident(history);
    incident->running = true;
    incident->drifted_ms = now_ms;
    for (size_t f = 0; f < report->feature_count; f++) {
        const struct detector_feature_report *feature = &report->features[f];
        if (!feature->prediction && feature->drifted)
            note_feature(incident, f,
                         feature->drifted_since_ms ? feature->drifted_since_ms : now_ms,
                         (double)strength[f], now_ms);
    }
    incident->features = drifted > incident->features ? drifted : incident->features;
}

/* --- the whole --- */

/* Columns of a feature among the facts. */
enum { FACT_MEAN, FACT_DEVIATION, FACT_PSI, FACTS };
/* Columns of the performance: value and both ends of each metric, then the coverage. */
#define ENDS                3
#define COVERAGE            (PERFORMANCE_METRIC_COUNT * ENDS)
#define PERFORMANCE_COLUMNS (COVERAGE + 1)

struct model_history *model_history_create(size_t features)
{
    struct model_history *history = calloc(1, sizeof(*history));
    if (!history)
        return NULL;
    history->features = features;
    const bool fine = series_init(&history->fine, features, HISTORY_FINE, HISTORY_FINE_MS);
    const bool coarse = series_init(&history->coarse, features, HISTORY_COARSE, HISTORY_COARSE_MS);
    const bool facts =
        series_init(&history->facts, features * FACTS, HISTORY_FINE, HISTORY_FINE_MS);
    if (fine && coarse && facts)
        return history;
    model_history_destroy(history);
    return NULL;
}

void model_history_destroy(struct model_history *history)
{
    if (!history)
        return;
    series_finish(&history->fine);
    series_finish(&history->coarse);
    series_finish(&history->facts);
    series_finish(&history->performance[0]);
    series_finish(&history->performance[1]);
    free(history);
}

static double strength_of(const struct detector_feature_report *feature)
{
    double most = NAN;
    for (size_t m = 0; m < METHOD_COUNT; m++)
        if (feature->method[m].applies)
            most = fmax(most, feature->method[m].score / feature->method[m].threshold);
    return most;
}

void model_history_add(struct model_history *history, const struct detector_report *report,
                       int64_t now_ms, int64_t (*wall_of)(int64_t tick_ms))
{
    float *fine = series_now(&history->fine, now_ms);
    float *coarse = series_now(&history->coarse, now_ms);
    float *facts = series_now(&history->facts, now_ms);
    for (size_t f = 0; f < history->features && f < report->feature_count; f++) {
        const struct detector_feature_report *feature = &report->features[f];
        const double strength = strength_of(feature);
        fine[f] = (float)fmax((double)fine[f], strength); /* NaN gives way to a number */
        coarse[f] = (float)fmax((double)coarse[f], strength);
        facts[f * FACTS + FACT_MEAN] = (float)feature->window_mean;
        facts[f * FACTS + FACT_DEVIATION] = (float)feature->window_deviation;
        facts[f * FACTS + FACT_PSI] = (float)feature->method[METHOD_PSI].score;
    }
    follow_incident(history, report, fine, now_ms, wall_of);
}

static size_t read_strengths(const struct series *series, size_t feature,
                             struct history_point *points)
{
    size_t count = 0;
    for (size_t i = 0; i < series->length; i++) {
        int64_t ms;
        const double strength = (double)series_row(series, i, &ms)[feature];
        if (!isnan(strength))
            points[count++] = (struct history_point){ms, strength};
    }
    return count;
}

size_t model_history_fine(const struct model_history *history, size_t feature,
                          struct history_point *points)
{
    return read_strengths(&history->fine, feature, points);
}

size_t model_history_coarse(const struct model_history *history, size_t feature,
                            struct history_point *points)
{
    return read_strengths(&history->coarse, feature, points);
}

size_t model_history_facts(const struct model_history *history, size_t feature,
                           struct history_facts *facts)
{
    for (size_t i = 0; i < history->facts.length; i++) {
        const float *row = series_row(&history->facts, i, &facts[i].ms) + feature * FACTS;
        facts[i].mean = (double)row[FACT_MEAN];
        facts[i].deviation = (double)row[FACT_DEVIATION];
        facts[i].psi = (double)row[FACT_PSI];
    }
    return history->facts.length;
}

size_t model_history_incidents(const struct model_history *history, struct incident *incidents)
{
    const size_t kept =
        history->incidents < HISTORY_INCIDENTS ? history->incidents : HISTORY_INCIDENTS;
    for (size_t i = 0; i < kept; i++)
        incidents[i] = history->incident[(history->incidents - 1 - i) % HISTORY_INCIDENTS];
    return kept;
}

/* --- performance --- */

/* At the first label. */
static bool begin_performance(struct model_history *history)
{
    struct series *series = history->performance;
    if (series[0].columns > 0)
        return true;
    const bool fine = series_init(&series[0], PERFORMANCE_COLUMNS, HISTORY_FINE, HISTORY_FINE_MS);
    const bool coarse =
        series_init(&series[1], PERFORMANCE_COLUMNS, HISTORY_COARSE, HISTORY_COARSE_MS);
    if (fine && coarse)
        return true;
    series_finish(&series[0]);
    series_finish(&series[1]);
    return false;
}

void model_history_add_performance(struct model_history *history,
                                   const struct concept_report *report, int64_t now_ms)
{
    if (report->window_labels == 0 || !begin_performance(history))
        return;
    for (size_t s = 0; s < 2; s++) {
        float *row = series_now(&history->performance[s], now_ms);
        for (size_t m = 0; m < PERFORMANCE_METRIC_COUNT; m++) {
            const struct performance_value *value = &report->metric[m].window;
            row[m * ENDS] = (float)value->value;
            row[m * ENDS + 1] = (float)value->lower;
            row[m * ENDS + 2] = (float)value->upper;
        }
        row[COVERAGE] = (float)report->coverage;
    }
}

size_t model_history_performance(const struct model_history *history, bool coarse,
                                 struct history_performance *rows)
{
    const struct series *series = &history->performance[coarse];
    for (size_t i = 0; i < series->length; i++) {
        const float *row = series_row(series, i, &rows[i].ms);
        for (size_t m = 0; m < PERFORMANCE_METRIC_COUNT; m++) {
            rows[i].value[m] = row[m * ENDS];
            rows[i].lower[m] = row[m * ENDS + 1];
            rows[i].upper[m] = row[m * ENDS + 2];
        }
        rows[i].coverage = row[COVERAGE];
    }
    return series->length;
}
