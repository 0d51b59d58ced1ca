/* change_monitor.c - see the header: the urns of a model's features, row by row. */
#include "change_monitor.h"

#include "change_monitor_internal.h"
#include "drift_details.h"
#include "stats/urn_order.h"

#include <math.h>
#include <string.h>

/* Rows of a block are shuffled alike on every run. */
#define SHUFFLE_SEED 1

/* Rows of a feature that came together, shuffled. */
struct block {
    size_t rows;
    union {
        double number[URN_BLOCK_ROWS];
        uint32_t code[URN_BLOCK_ROWS];
    };
};

/* --- rows --- */

/* How many rows of the model ago a change of the feature's urn was: an urn sees only rows with a
 * value. */
static uint64_t rows_since(const struct change_monitor *monitor, const struct urn_episode *episode)
{
    const double seen = (double)monitor->times.rows;
    const double rows = episode->rows > 0 ? seen / (double)episode->rows : 1;
    return (uint64_t)fmin(fmax(round(episode->change.rows * rows), 1), seen);
}

static void follow(struct change_monitor *monitor, struct watched *watched, enum urn_part part,
                   enum urn_event event, int64_t now_ms)
{
    struct watched_part *state = &watched->part[part];
    const struct urn_episode episode = drift_urn_feature_report(watched->urns, part).episode;
    if (event == URN_PAGE) {
        const uint64_t ago = rows_since(monitor, &episode);
        state->opened_ms = watched->paged_ms = now_ms;
        state->onset_row = monitor->times.rows - ago + 1;
        state->onset_ms = change_times_of(&monitor->times, state->onset_row);
        if (state->differs_since_ms == 0)
            state->differs_since_ms = state->onset_ms;
    } else if (event == URN_RESOLVED && !episode.changed) {
        *state = (struct watched_part){0};
    }
}

/* Returns how many of the rows were taken; the first has the start weight. */
static size_t observe_some(struct change_monitor *monitor, struct watched *watched,
                           const struct block *block, size_t first, double start, int64_t now_ms)
{
    enum urn_event events[URN_PARTS];
    const bool adopting = now_ms - watched->paged_ms >= CHANGE_ADOPT_MS;
    const struct urn_rule *rule = adopting ? &monitor->adopting : &monitor->rule;
    const size_t rows = block->rows - first;
    const size_t taken = watched->categorical
                             ? drift_urn_feature_observe_codes(
                                   watched->urns, rule, block->code + first, rows, start, events)
                             : drift_urn_feature_observe_numbers(
                                   watched->urns, rule, block->number + first, rows, start, events);
    for (enum urn_part part = 0; part < URN_PARTS; part++)
        if (events[part] == URN_PAGE || events[part] == URN_RESOLVED)
            follow(monitor, watched, part, events[part], now_ms);
    return taken;
}

/* An order in which rows that came together are taken; most features have as many of them. */
struct order {
    size_t rows;
    uint32_t row[URN_BLOCK_ROWS];
};

static const uint32_t *shuffled(struct order *order, size_t rows)
{
    if (order->rows != rows) {
        drift_urn_shuffle(SHUFFLE_SEED, order->row, rows);
        order->rows = rows;
    }
    return order->row;
}

/* order: NULL, as they came. */
static void take_block(const struct watched *watched, const union detector_cell *cells, size_t rows,
                       const uint32_t *order, struct block *block)
{
    block->rows = rows;
    if (!watched->categorical) {
        for (size_t r = 0; r < rows; r++)
            block->number[r] = cells[order ? order[r] : r].number;
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        const uint32_t code = cells[order ? order[r] : r].category;
        block->code[r] = code == watched->missing_code ? URN_MISSING : code;
    }
}

static double window_discount(const struct change_monitor *monitor, size_t feature,
                              enum urn_part part)
{
    const struct watched *watched = &monitor->features[feature];
    if (monitor->discount == CHANGE_DISCOUNT_NONE)
        return 1;
    return watched->neighbours ? drift_urn_neighbours_discount(&watched->neighbours[part])
                               : watched->discount[part];
}

/* Two bins: whether the value is there. */
#define PRESENCE_BINS 2

/* In the order in which the rows came. */
static void meet_neighbours(struct watched *watched, const union detector_cell *cells, size_t rows)
{
    struct block block;
    uint16_t bin[URN_BLOCK_ROWS], presence[URN_BLOCK_ROWS];
    take_block(watched, cells, rows, NULL, &block);
    const size_t present =
        watched->categorical
            ? drift_urn_feature_code_bins(watched->urns, block.code, rows, bin)
            : drift_urn_feature_number_bins(watched->urns, block.number, rows, bin);
    for (size_t r = 0; r < rows; r++)
        presence[r] =
            watched->categorical ? block.code[r] == URN_MISSING : isnan(block.number[r]) != 0;
    drift_urn_neighbours_add(&watched->neighbours[URN_VALUES], bin, present,
                             drift_urn_feature_bin_count(watched->urns));
    drift_urn_neighbours_add(&watched->neighbours[URN_MISSINGNESS], presence, rows, PRESENCE_BINS);
}

/* The first row may begin a change with the time since the last one, the others at the same
 * moment. */
static void observe_feature(struct change_monitor *monitor, struct watched *watched,
                            const union detector_cell *cells, size_t rows, struct order *order,
                            int64_t now_ms)
{
    double start = fmax((double)(now_ms - watched->last_ms) / 1000, 0);
    if (rows > 0)
        watched->last_ms = now_ms;
    for (size_t done = 0; done < rows; done += URN_BLOCK_ROWS) {
        struct block block;
        block.rows = rows - done < URN_BLOCK_ROWS ? rows - done : URN_BLOCK_ROWS;
        if (watched->neighbours)
            meet_neighbours(watched, cells + done, block.rows);
        take_block(watched, cells + done, block.rows, shuffled(order, block.rows), &block);
        for (size_t taken = 0; taken < block.rows; start = 0)
            taken += observe_some(monitor, watched, &block, taken, start, now_ms);
    }
}

void change_monitor_observe(struct change_monitor *monitor, const union detector_cell *cells,
                            size_t rows, size_t stride, const size_t *feature_rows, int64_t now_ms)
{
    struct order order = {.rows = 0};
    change_times_add(&monitor->times, rows, now_ms);
    for (size_t f = 0; f < monitor->feature_count; f++)
        observe_feature(monitor, &monitor->features[f], &cells[f * stride],
                        feature_rows ? feature_rows[f] : rows, &order, now_ms);
}

void change_monitor_discount(const struct change_monitor *monitor, struct detector *detector)
{
    for (size_t f = 0; f < monitor->feature_count; f++)
        detector_discount(detector, f, window_discount(monitor, f, URN_VALUES),
                          window_discount(monitor, f, URN_MISSINGNESS));
}

/* --- reading it --- */

static const char *category_of(const struct change_monitor *monitor, size_t feature, size_t bin)
{
    if (bin == 0)
        return "__unseen__";
    const struct urn_feature *urns = monitor->features[feature].urns;
    return detector_category_name(monitor->detector, feature,
                                  drift_urn_feature_code(urns, URN_VALUES, bin));
}

/* Says what happened to the share of missing values, whichever of the two shares the bet was on. */
static void describe_missing(const struct watched *watched, struct change_description *description)
{
    description->more_missing = change_is_more_missing(watched->urns, &description->change);
    description->change.kind = description->more_missing ? URN_SHARE_UP : URN_SHARE_DOWN;
    description->change.size = fabs(description->change.size);
}

static void describe(const struct change_monitor *monitor, size_t feature, enum urn_part part,
                     const struct urn_episode *episode, struct change_report *report)
{
    const struct watched *watched = &monitor->features[feature];
    const struct watched_part *state = &watched->part[part];
    const struct urn_change *change = &episode->change;
    const bool share = change->kind == URN_SHARE_UP || change->kind == URN_SHARE_DOWN;
    report->opened_ms = state->opened_ms;
    report->onset_ms = state->onset_ms;
    report->differs_since_ms = state->differs_since_ms;
    report->rows = monitor->times.rows - state->onset_row + 1;
    report->change = (struct change_description){
        .part = part, .change = *change, .deviations = episode->deviations};
    if (share && part == URN_VALUES)
        report->change.category = category_of(monitor, feature, change->bin);
    if (share && part == URN_MISSINGNESS)
        describe_missing(watched, &report->change);
}

static enum change_limit limit_of(const struct change_monitor *monitor,
                                  const struct urn_episode *episode)
{
    if (!monitor->ordered)
        return CHANGE_NO_ORDER;
    return episode->notices_only ? CHANGE_REHEARSED : CHANGE_PAGES;
}

void change_monitor_report(const struct change_monitor *monitor, size_t feature,
                           struct feature_changes *report)
{
    for (enum urn_part part = 0; part < URN_PARTS; part++) {
        const struct urn_report urn =
            drift_urn_feature_report(monitor->features[feature].urns, part);
        const struct urn_episode *episode = &urn.episode;
        report->part[part] = (struct change_report){
            .watched = urn.watched,
            .evidence_ratio = urn.evidence / monitor->rule.budget,
            .discount = urn.discount,
            .window_discount = window_discount(monitor, feature, part),
            .limit = limit_of(monitor, episode),
            .suspected = episode->suspected,
            .open = episode->open || episode->changed,
            .adopted = episode->changed,
            .learning = !episode->open,
            .pages = episode->pages,
            .notices = episode->notices,
        };
        if (report->part[part].open)
            describe(monitor, feature, part, episode, &report->part[part]);
    }
}
