/* history_state.c - a history as bytes.
 *
 * Layouts, integers little-endian:
 *   history   version u8, features u64, fine and coarse series, incidents ever opened u64, the last
 *             one is open u8, those that are kept, the oldest first
 *   series    intervals u64, for each: its number i64, strengths f32 by feature
 *   incident  id u64, opened i64, drifted i64, running u8, features u64, of the first ones: feature
 *             u64, onset i64, peak at i64, peak f64
 *   record    version u8, time i64, strengths f32 by feature, incidents u8; if it is 1, incidents
 *             ever opened u64, the last one is open u8, the last incident */
#include "served/history_internal.h"
#include "served/numbers.h"

#include <errno.h>
#include <math.h>

#define VERSION 1u
/* A clock that is further from its beginning (30 000 years) is damage. */
#define MAX_MS INT64_C(1000000000000000)

/* --- saving --- */

static void save_series(const struct series *series, size_t features, struct buffer *out)
{
    append_number(out, series->length);
    for (size_t age = series->length; age-- > 0;) {
        const size_t at = (series->newest + series->capacity - age) % series->capacity;
        append_number(out, (uint64_t)series->interval[at]);
        for (size_t f = 0; f < features; f++)
            append_float(out, series->strength[at * features + f]);
    }
}

static size_t kept_features(const struct incident *incident)
{
    return incident->features < HISTORY_INCIDENT_FEATURES ? incident->features
                                                          : HISTORY_INCIDENT_FEATURES;
}

static void save_incident(const struct incident *incident, struct buffer *out)
{
    append_number(out, incident->id);
    append_number(out, (uint64_t)incident->opened_ms);
    append_number(out, (uint64_t)incident->drifted_ms);
    append_integer(out, incident->running, 1);
    append_number(out, incident->features);
    for (size_t i = 0; i < kept_features(incident); i++) {
        const struct incident_feature *feature = &incident->feature[i];
        uint64_t peak;
        memcpy(&peak, &feature->peak, sizeof(peak));
        append_number(out, feature->feature);
        append_number(out, (uint64_t)feature->onset_ms);
        append_number(out, (uint64_t)feature->peak_ms);
        append_number(out, peak);
    }
}

static size_t kept_incidents(const struct model_history *history)
{
    return history->incidents < HISTORY_INCIDENTS ? history->incidents : HISTORY_INCIDENTS;
}

void model_history_save(const struct model_history *history, struct buffer *out)
{
    append_integer(out, VERSION, 1);
    append_number(out, history->features);
    save_series(&history->fine, history->features, out);
    save_series(&history->coarse, history->features, out);
    append_number(out, history->incidents);
    append_integer(out, history->open, 1);
    for (size_t age = kept_incidents(history); age-- > 0;)
        save_incident(&history->incident[(history->incidents - 1 - age) % HISTORY_INCIDENTS], out);
}

void model_history_record(const struct model_history *history, struct buffer *out)
{
    append_integer(out, VERSION, 1);
    append_number(out, (uint64_t)history->added_ms);
    for (size_t f = 0; f < history->features; f++)
        append_float(out, history->added[f]);
    append_integer(out, history->moved, 1);
    if (!history->moved)
        return;
    append_number(out, history->incidents);
    append_integer(out, history->open, 1);
    if (history->incidents > 0)
        save_incident(&history->incident[(history->incidents - 1) % HISTORY_INCIDENTS], out);
}

/* --- restoring --- */

static bool take_ms(struct pieces_reader *in, int64_t most, int64_t *ret_ms)
{
    uint64_t number;
    if (!take_number(in, &number) || (int64_t)number < -most || (int64_t)number > most)
        return false;
    *ret_ms = (int64_t)number;
    return true;
}

static bool take_flag(struct pieces_reader *in, bool *ret_flag)
{
    uint64_t number;
    if (!take_integer(in, 1, &number) || number > 1)
        return false;
    *ret_flag = number == 1;
    return true;
}

static bool take_strengths(struct pieces_reader *in, float *strength, size_t features)
{
    for (size_t f = 0; f < features; f++)
        if (!take_float(in, &strength[f]))
            return false;
    return true;
}

/* The intervals ascend. */
static bool take_series(struct pieces_reader *in, struct series *series, size_t features)
{
    uint64_t length;
    int64_t before = -MAX_MS - 1;
    if (!take_number(in, &length) || length > series->capacity)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!take_ms(in, MAX_MS / series->interval_ms, &series->interval[i]) ||
            series->interval[i] <= before ||
            !take_strengths(in, &series->strength[i * features], features))
            return false;
        before = series->interval[i];
    }
    series->length = length;
    series->newest = length > 0 ? length - 1 : 0;
    return true;
}

static bool take_incident_feature(struct pieces_reader *in, size_t features,
                                  struct incident_feature *feature)
{
    uint64_t number, peak;
    if (!take_number(in, &number) || number >= features ||
        !take_ms(in, MAX_MS, &feature->onset_ms) || !take_ms(in, MAX_MS, &feature->peak_ms) ||
        !take_number(in, &peak))
        return false;
    feature->feature = number;
    memcpy(&feature->peak, &peak, sizeof(peak));
    return !isnan(feature->peak);
}

static bool take_incident(struct pieces_reader *in, size_t features, struct incident *incident)
{
    struct incident read = {.id = 0};
    uint64_t number;
    bool sound = take_number(in, &read.id) && take_ms(in, MAX_MS, &read.opened_ms) &&
                 take_ms(in, MAX_MS, &read.drifted_ms) && take_flag(in, &read.running) &&
                 take_number(in, &number) && number <= features;
    if (!sound)
        return false;
    read.features = number;
    for (size_t i = 0; sound && i < kept_features(&read); i++)
        sound = take_incident_feature(in, features, &read.feature[i]);
    if (sound)
        *incident = read;
    return sound;
}

static bool take_incidents(struct pieces_reader *in, struct model_history *history)
{
    uint64_t number;
    if (!take_number(in, &number) || !take_flag(in, &history->open) ||
        (history->open && number == 0))
        return false;
    history->incidents = number;
    for (size_t age = kept_incidents(history); age-- > 0;)
        if (!take_incident(in, history->features,
                           &history->incident[(number - 1 - age) % HISTORY_INCIDENTS]))
            return false;
    return true;
}

static void empty(struct model_history *history)
{
    history->fine.length = history->coarse.length = 0;
    history->incidents = 0;
    history->open = false;
}

int model_history_restore(struct model_history *history, const void *bytes, size_t size)
{
    struct pieces_reader in = {bytes, size};
    uint64_t version, features;
    empty(history);
    if (take_integer(&in, 1, &version) && version == VERSION && take_number(&in, &features) &&
        features == history->features && take_series(&in, &history->fine, features) &&
        take_series(&in, &history->coarse, features) && take_incidents(&in, history) &&
        in.size == 0)
        return 0;
    empty(history);
    return -EINVAL;
}

/* --- records --- */

static struct incident *last_incident(struct model_history *history)
{
    return &history->incident[(history->incidents - 1) % HISTORY_INCIDENTS];
}

/* At most one incident opens at a report, and ends the one before. */
static bool replay_incident(struct model_history *history, struct pieces_reader *in)
{
    uint64_t incidents;
    struct incident last = {.id = 0};
    bool open;
    if (!take_number(in, &incidents) || !take_flag(in, &open) || incidents < history->incidents ||
        incidents > history->incidents + 1 || (open && incidents == 0))
        return false;
    if (incidents > 0 && !take_incident(in, history->features, &last))
        return false;
    if (history->incidents > 0)
        last_incident(history)->running = false;
    history->incidents = incidents;
    history->open = open;
    if (incidents > 0)
        *last_incident(history) = last;
    return true;
}

/* A record that does not come after what there is would not have been written. */
static bool comes_after(const struct series *series, int64_t now_ms)
{
    return series->length == 0 || now_ms / series->interval_ms >= series->interval[series->newest];
}

static bool replay_record(struct model_history *history, struct pieces_reader *in)
{
    uint64_t version;
    bool moved;
    if (!take_integer(in, 1, &version) || version != VERSION ||
        !take_ms(in, MAX_MS, &history->added_ms) ||
        !take_strengths(in, history->added, history->features) || !take_flag(in, &moved) ||
        !comes_after(&history->fine, history->added_ms) ||
        !comes_after(&history->coarse, history->added_ms))
        return false;
    history_add_strengths(history);
    return !moved || replay_incident(history, in);
}

int model_history_replay(struct model_history *history, const void *bytes, size_t size)
{
    struct pieces_reader in = {bytes, size};
    while (in.size > 0)
        if (!replay_record(history, &in))
            return -EINVAL;
    return 0;
}
