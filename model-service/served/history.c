/* history.c - strengths over time, and incidents. */
#include "served/history_internal.h"

#include <math.h>
#include <stdlib.h>

/* --- series --- */

static bool series_init(struct series *series, size_t features, size_t capacity,
                        int64_t interval_ms)
{
    *series = (struct series){.interval_ms = interval_ms, .capacity = capacity};
    series->interval = calloc(capacity, sizeof(*series->interval));
    series->strength = calloc(capacity * features, sizeof(*series->strength));
    return series->interval && series->strength;
}

static void series_finish(struct series *series)
{
    free(series->interval);
    free(series->strength);
}

float *series_now(struct series *series, size_t features, int64_t now_ms)
{
    const int64_t interval = now_ms / series->interval_ms;
    if (series->length == 0 || series->interval[series->newest] != interval) {
        series->newest = series->length == 0 ? 0 : (series->newest + 1) % series->capacity;
        series->length += series->length < series->capacity;
        series->interval[series->newest] = interval;
        for (size_t f = 0; f < features; f++)
            series->strength[series->newest * features + f] = NAN;
    }
    return &series->strength[series->newest * features];
}

static size_t series_read(const struct series *series, size_t features, size_t feature,
                          struct history_point *points)
{
    size_t count = 0;
    for (size_t age = series->length; age-- > 0;) {
        const size_t at = (series->newest + series->capacity - age) % series->capacity;
        const double strength = (double)series->strength[at * features + feature];
        if (!isnan(strength))
            points[count++] =
                (struct history_point){series->interval[at] * series->interval_ms, strength};
    }
    return count;
}

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
    const bool was_running = history->incidents > 0 && last_incident(history)->running;
    const bool was_open = history->open;
    if (history->incidents > 0)
        last_incident(history)->running = false;
    if (history->open && now_ms - last_incident(history)->drifted_ms >= DETECTOR_QUIET_MS)
        history->open = false;
    history->moved = drifted > 0 || was_running || was_open != history->open;
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

struct model_history *model_history_create(size_t features)
{
    struct model_history *history = calloc(1, sizeof(*history));
    if (!history)
        return NULL;
    history->features = features;
    const bool fine = series_init(&history->fine, features, HISTORY_FINE, HISTORY_FINE_MS);
    const bool coarse = series_init(&history->coarse, features, HISTORY_COARSE, HISTORY_COARSE_MS);
    history->added = calloc(features, sizeof(*history->added));
    if (fine && coarse && history->added)
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
    free(history->added);
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

void history_add_strengths(struct model_history *history)
{
    float *fine = series_now(&history->fine, history->features, history->added_ms);
    float *coarse = series_now(&history->coarse, history->features, history->added_ms);
    for (size_t f = 0; f < history->features; f++) {
        fine[f] = fmaxf(fine[f], history->added[f]); /* NaN gives way to a number */
        coarse[f] = fmaxf(coarse[f], history->added[f]);
    }
}

void model_history_add(struct model_history *history, const struct detector_report *report,
                       int64_t now_ms, int64_t (*wall_of)(int64_t tick_ms))
{
    history->added_ms = now_ms;
    for (size_t f = 0; f < history->features; f++)
        history->added[f] =
            f < report->feature_count ? (float)strength_of(&report->features[f]) : NAN;
    history_add_strengths(history);
    follow_incident(history, report, series_now(&history->fine, history->features, now_ms), now_ms,
                    wall_of);
}

size_t model_history_fine(const struct model_history *history, size_t feature,
                          struct history_point *points)
{
    return series_read(&history->fine, history->features, feature, points);
}

size_t model_history_coarse(const struct model_history *history, size_t feature,
                            struct history_point *points)
{
    return series_read(&history->coarse, history->features, feature, points);
}

size_t model_history_incidents(const struct model_history *history, struct incident *incidents)
{
    const size_t kept =
        history->incidents < HISTORY_INCIDENTS ? history->incidents : HISTORY_INCIDENTS;
    for (size_t i = 0; i < kept; i++)
        incidents[i] = history->incident[(history->incidents - 1 - i) % HISTORY_INCIDENTS];
    return kept;
}
