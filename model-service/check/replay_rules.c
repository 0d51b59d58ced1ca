/* replay_rules.c - the rules: what each sees in a row, and the events that come of it. */
#include "change_words.h"
#include "check/replay.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* `for` and `keep_firing_for` of the alerts in prometheus/rules/alerts.yml. */
static const struct {
    int64_t wait_ms, keep_ms;
} alert_times[SEVERITY_COUNT] = {
    [SEVERITY_WARNING] = {60000, 75000}, [SEVERITY_CRITICAL] = {30000, 105000}};

/* --- creation --- */

static void plan_urns(struct replay *replay)
{
    const struct replay_settings *settings = replay->settings;
    for (size_t b = 0; b < settings->budgets.count; b++)
        for (size_t m = 0; m < settings->materialities.count; m++)
            replay->rule[replay->rules++] =
                (struct replay_rule){.is_urn = true,
                                     .budget = settings->budgets.value[b],
                                     .materiality = settings->materialities.value[m]};
}

static void plan_windows(struct replay *replay)
{
    const struct replay_settings *settings = replay->settings;
    for (size_t w = 0; w < settings->windows.count; w++)
        for (size_t t = 0; t < settings->thresholds.count; t++) {
            const double warning = settings->thresholds.value[t];
            double critical = settings->critical > 0 ? settings->critical : CONFIG_DEFAULT_CRITICAL;
            if (critical <= warning)
                critical = 2 * warning;
            replay->rule[replay->rules++] = (struct replay_rule){
                .window = (size_t)settings->windows.value[w], .threshold = {warning, critical}};
        }
}

static int create_windows(struct replay *replay, struct replay_rule *rule)
{
    struct check *check = &replay->check;
    const struct check_settings *asked = check->settings;
    struct check_settings settings = *asked;
    settings.window = (struct window_spec){.kind = WINDOW_COUNT, .observations = rule->window};
    settings.threshold[SEVERITY_WARNING] = rule->threshold[SEVERITY_WARNING];
    settings.threshold[SEVERITY_CRITICAL] = rule->threshold[SEVERITY_CRITICAL];
    rule->report.features = calloc(check->columns.count, sizeof(*rule->report.features));
    rule->scores = calloc(check->columns.count, sizeof(*rule->scores));
    rule->alert = calloc(check->columns.count, sizeof(*rule->alert));
    if (!rule->report.features || !rule->scores || !rule->alert)
        return -ENOMEM;
    check->settings = &settings;
    const int rc = check_detector_create(check, &rule->detector);
    check->settings = asked;
    return rc;
}

/* The codes of the reference's categories; returns how many there are. */
static size_t code_reference(const struct replay *replay, size_t i, uint32_t *codes)
{
    const char *const *texts = replay->check.columns.column[i].text;
    uint32_t categories = 0;
    for (size_t r = 0; r < replay->check.reference_rows; r++) {
        const char *text = texts ? texts[r] : NULL; /* no array: all are missing */
        codes[r] = URN_MISSING;
        if (!text)
            continue;
        const struct value value = {.text = text, .text_bytes = strlen(text)};
        codes[r] = detector_cell(replay->check.detector, i, &value).category;
        categories = codes[r] >= categories ? codes[r] + 1 : categories;
    }
    return categories;
}

static int create_urn(struct replay *replay, struct replay_rule *rule, size_t i, uint32_t *codes)
{
    const struct check_column *column = &replay->check.columns.column[i];
    struct urn_feature_spec spec = {.rows = replay->check.reference_rows,
                                    .numbers = column->categorical ? NULL : column->number,
                                    .codes = codes,
                                    .ordered = true,
                                    .start = 1,
                                    .rule = rule->urn};
    if (column->categorical)
        spec.categories = code_reference(replay, i, codes);
    const int rc = drift_urn_feature_create(&spec, &rule->pool, &rule->feature[i]);
    if (rc == -EINVAL)
        error_set(&replay->check.error, rc, "the reference has more than %u rows",
                  URN_MAX_REFERENCE_ROWS);
    return rc;
}

/* The budget is the model's: each urn gets an equal part of the false pages. */
static int create_urns(struct replay *replay, struct replay_rule *rule)
{
    const size_t columns = replay->check.columns.count;
    uint32_t *codes = calloc(replay->check.reference_rows, sizeof(*codes));
    rule->feature = calloc(columns, sizeof(struct urn_feature *));
    rule->urn = (struct urn_rule){.budget = rule->budget * (double)(columns * URN_PARTS),
                                  .materiality = rule->materiality,
                                  .confirmation_rows = URN_DEFAULT_CONFIRMATION_ROWS,
                                  .resolve_rows = URN_DEFAULT_RESOLVE_ROWS,
                                  .adopt_rows = URN_DEFAULT_ADOPT_ROWS};
    int rc = codes && rule->feature ? 0 : -ENOMEM;
    for (size_t i = 0; rc == 0 && i < columns; i++)
        rc = create_urn(replay, rule, i, codes);
    free(codes);
    return rc;
}

/* As the live service does: the windows' p-values are discounted as the first rule's urns are. */
static void discount_windows(struct replay *replay)
{
    for (size_t c = 0; replay->rule[0].is_urn && c < replay->check.columns.count; c++) {
        const struct urn_feature *feature = replay->rule[0].feature[c];
        const double values = drift_urn_feature_report(feature, URN_VALUES).discount;
        const double missing = drift_urn_feature_report(feature, URN_MISSINGNESS).discount;
        for (size_t i = 0; i < replay->rules; i++)
            if (!replay->rule[i].is_urn)
                detector_discount(replay->rule[i].detector, c, values, missing);
    }
}

int replay_rules_create(struct replay *replay)
{
    int rc = 0;
    plan_urns(replay);
    plan_windows(replay);
    for (size_t i = 0; rc == 0 && i < replay->rules; i++)
        rc = replay->rule[i].is_urn ? create_urns(replay, &replay->rule[i])
                                    : create_windows(replay, &replay->rule[i]);
    if (rc == 0)
        discount_windows(replay);
    return rc;
}

void replay_rules_finish(struct replay *replay)
{
    for (size_t i = 0; i < replay->rules; i++) {
        struct replay_rule *rule = &replay->rule[i];
        for (size_t c = 0; rule->feature && c < replay->check.columns.count; c++)
            drift_urn_feature_destroy(rule->feature[c]);
        free(rule->feature);
        drift_urn_bets_pool_finish(&rule->pool);
        detector_destroy(rule->detector);
        free(rule->report.features);
        free(rule->scores);
        free(rule->alert);
    }
}

/* --- events --- */

static int keep(struct replay *replay, const struct replay_event *event)
{
    replay->rule[event->rule].pages += event->what == REPLAY_PAGE;
    replay->rule[event->rule].notices += event->what == REPLAY_NOTICE;
    if (replay->event_count == REPLAY_MAX_EVENTS) {
        replay->events_not_kept++;
        return 0;
    }
    if (replay->event_count == replay->event_capacity) {
        const size_t capacity = replay->event_capacity ? 2 * replay->event_capacity : 64;
        struct replay_event *more = realloc(replay->events, capacity * sizeof(*more));
        if (!more)
            return -ENOMEM;
        replay->events = more;
        replay->event_capacity = capacity;
    }
    replay->events[replay->event_count++] = *event;
    return 0;
}

/* --- urns --- */

static const enum replay_what what_of[] = {[URN_NOTICE] = REPLAY_NOTICE,
                                           [URN_PAGE] = REPLAY_PAGE,
                                           [URN_RESOLVED] = REPLAY_RESOLVED,
                                           [URN_ADOPTED] = REPLAY_ADOPTED};

static struct excerpt category_of(const struct replay *replay, size_t column,
                                  const struct urn_feature *feature, size_t bin)
{
    if (bin == 0)
        return excerpt("__unseen__");
    const uint32_t code = drift_urn_feature_code(feature, URN_VALUES, bin);
    return excerpt(detector_category_name(replay->check.detector, column, code));
}

static void describe_share(const struct replay *replay, const struct urn_feature *feature,
                           struct replay_event *event)
{
    const struct urn_change *change = &event->change;
    if (change->kind != URN_SHARE_UP && change->kind != URN_SHARE_DOWN)
        return;
    if (event->part == URN_VALUES)
        event->category = category_of(replay, event->column, feature, change->bin);
    else
        event->more_missing = change_is_more_missing(feature, change);
}

static int keep_urn_event(struct replay *replay, size_t rule, size_t column, enum urn_part part,
                          const struct replay_row *row, enum urn_event happened)
{
    const struct urn_feature *feature = replay->rule[rule].feature[column];
    const struct urn_episode episode = drift_urn_feature_report(feature, part).episode;
    struct replay_event event = {.rule = rule,
                                 .column = column,
                                 .what = what_of[happened],
                                 .row = row->row,
                                 .line = row->line,
                                 .ms = row->ms,
                                 .part = part};
    if (happened == URN_PAGE || happened == URN_NOTICE) {
        event.change = episode.change;
        event.deviations = episode.deviations;
        event.onset_row =
            row->row - (uint64_t)fmin(round(episode.change.rows), (double)row->row - 1);
        event.onset_ms = replay_time_of(replay, event.onset_row);
        describe_share(replay, feature, &event);
    }
    return keep(replay, &event);
}

/* A detector has a code of its own for missing. */
static uint32_t code_of(const struct replay *replay, size_t column, const union detector_cell *cell)
{
    return cell->category == replay->missing_code[column] ? URN_MISSING : cell->category;
}

static int observe_urns(struct replay *replay, size_t rule, const struct replay_row *row,
                        const union detector_cell *cells)
{
    struct replay_rule *state = &replay->rule[rule];
    const struct check_columns *columns = &replay->check.columns;
    int rc = 0;
    for (size_t c = 0; rc == 0 && c < columns->count; c++) {
        enum urn_event events[URN_PARTS];
        if (columns->column[c].categorical)
            drift_urn_feature_observe_code(state->feature[c], &state->urn,
                                           code_of(replay, c, &cells[c]), row->start, events);
        else
            drift_urn_feature_observe_number(state->feature[c], &state->urn, cells[c].number,
                                             row->start, events);
        for (enum urn_part part = 0; rc == 0 && part < URN_PARTS; part++)
            if (events[part] != URN_NOTHING)
                rc = keep_urn_event(replay, rule, c, part, row, events[part]);
    }
    return rc;
}

/* --- windows --- */

/* The drifted method whose score is the largest beside its threshold. */
static void describe_drift(const struct detector_feature_report *feature,
                           struct replay_event *event)
{
    for (enum drift_method method = 0; method < METHOD_COUNT; method++) {
        const struct detector_method_report *report = &feature->method[method];
        if (!report->applies || !report->drifted)
            continue;
        if (event->method && report->score / report->threshold <= event->score / event->threshold)
            continue;
        event->method = drift_method_name(method);
        event->score = report->score;
        event->threshold = report->threshold;
        event->critical = report->score > feature->threshold[SEVERITY_CRITICAL];
    }
}

static bool is_firing(const struct replay_rule *rule, size_t column)
{
    return rule->alert[column][SEVERITY_WARNING].firing ||
           rule->alert[column][SEVERITY_CRITICAL].firing;
}

static int keep_window_event(struct replay *replay, size_t rule, size_t column,
                             const struct replay_row *row)
{
    const struct replay_rule *state = &replay->rule[rule];
    struct replay_event event = {.rule = rule,
                                 .column = column,
                                 .what = is_firing(state, column) ? REPLAY_PAGE : REPLAY_RESOLVED,
                                 .row = row->row,
                                 .line = row->line,
                                 .ms = row->ms};
    describe_drift(&state->report.features[column], &event);
    return keep(replay, &event);
}

static bool is_critical(const struct detector_feature_report *feature)
{
    struct replay_event event = {0};
    describe_drift(feature, &event);
    return event.critical;
}

static void follow(struct replay_alert *alert, enum drift_severity severity, bool drifted,
                   int64_t now_ms)
{
    if (drifted && !alert->drifted)
        alert->since_ms = now_ms;
    if (drifted)
        alert->last_ms = now_ms;
    alert->drifted = drifted;
    const bool due = drifted && now_ms - alert->since_ms >= alert_times[severity].wait_ms;
    const bool lingers = now_ms - alert->last_ms < alert_times[severity].keep_ms;
    alert->firing = due || (alert->firing && lingers);
}

static bool any_alert(const struct replay_rule *rule, size_t columns)
{
    for (size_t c = 0; c < columns; c++)
        if (is_firing(rule, c) || rule->alert[c][SEVERITY_WARNING].drifted)
            return true;
    return false;
}

/* Without times, a row comes every second. */
static int64_t clock_of(const struct replay *replay, const struct replay_row *row)
{
    return replay->settings->timestamp ? row->ms : (int64_t)row->row * 1000;
}

/* The report, which costs more than the row, is read while there is something to tell. */
static int observe_window(struct replay *replay, size_t rule, const struct replay_row *row,
                          const union detector_cell *cells)
{
    struct replay_rule *state = &replay->rule[rule];
    const size_t columns = replay->check.columns.count;
    const int64_t now_ms = clock_of(replay, row);
    int rc = 0;
    detector_add_rows(state->detector, cells, 1, 1, NULL, row->ms);
    const struct detector_verdict verdict = detector_judge(state->detector, row->ms, state->scores);
    if (!verdict.drift_detected && !any_alert(state, columns))
        return 0;
    detector_report(state->detector, row->ms, &state->report);
    for (size_t c = 0; rc == 0 && c < columns; c++) {
        const struct detector_feature_report *feature = &state->report.features[c];
        const bool fired = is_firing(state, c);
        struct replay_alert *alert = state->alert[c];
        follow(&alert[SEVERITY_WARNING], SEVERITY_WARNING, feature->drifted, now_ms);
        follow(&alert[SEVERITY_CRITICAL], SEVERITY_CRITICAL, is_critical(feature), now_ms);
        if (is_firing(state, c) != fired)
            rc = keep_window_event(replay, rule, c, row);
    }
    return rc;
}

int replay_rules_observe(struct replay *replay, bool urns, const struct replay_row *row,
                         const union detector_cell *cells)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < replay->rules; i++)
        if (replay->rule[i].is_urn == urns)
            rc = urns ? observe_urns(replay, i, row, cells) : observe_window(replay, i, row, cells);
    return rc;
}
