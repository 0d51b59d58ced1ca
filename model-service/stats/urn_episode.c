/* urn_episode.c - see the header. */
#include "urn_episode.h"

#include "byte_codec.h"

#include <errno.h>
#include <math.h>

/* Evidence is as good as none at this part of the budget, too: where many rows come at one moment,
 * the rule's rows are worth nothing. */
#define RESOLVE_PART 1e-6
/* A suspicion ends when the evidence has lost this factor. */
#define CANCEL_FACTOR 100
/* The largest start weight, as a part of the budget. */
#define LARGEST_START 1e-3
/* The mean start weight is that of about so many rows. */
#define MEAN_ROWS 1000

static void count_row(struct urn_episode *episode, double start)
{
    episode->rows++;
    const double rows = episode->rows < MEAN_ROWS ? (double)episode->rows : MEAN_ROWS;
    episode->start_mean += (start - episode->start_mean) / rows;
}

static enum urn_event decide(struct urn_episode *episode, struct urn *urn,
                             const struct urn_rule *rule)
{
    episode->suspected = false;
    episode->change = drift_urn_change(urn);
    episode->deviations = drift_urn_deviations(urn, rule->budget / episode->start_mean);
    if (episode->notices_only || episode->deviations < rule->materiality) {
        episode->notices++;
        drift_urn_restart(urn);
        return URN_NOTICE;
    }
    episode->pages++;
    episode->open = true;
    episode->opened = episode->rows;
    drift_urn_hold(urn, true);
    return URN_PAGE;
}

static enum urn_event watch(struct urn_episode *episode, struct urn *urn,
                            const struct urn_rule *rule, double evidence)
{
    if (!episode->suspected) {
        if (evidence < rule->budget)
            return URN_NOTHING;
        episode->suspected = true;
        episode->suspected_rows = 0;
    }
    if (drift_urn_limit(urn, rule->budget) < rule->budget / CANCEL_FACTOR) {
        episode->suspected = false;
        return URN_NOTHING;
    }
    if (episode->suspected_rows++ < rule->confirmation_rows)
        return URN_NOTHING;
    return decide(episode, urn, rule);
}

static enum urn_event stay_open(struct urn_episode *episode, struct urn *urn,
                                const struct urn_rule *rule)
{
    const double least =
        fmax(rule->resolve_rows * episode->start_mean, rule->budget * RESOLVE_PART);
    if (drift_urn_limit(urn, rule->budget) < least) {
        episode->open = false;
        drift_urn_hold(urn, false);
        drift_urn_restart(urn);
        return URN_RESOLVED;
    }
    if (rule->adopt_rows == 0 || drift_urn_collected(urn) < rule->adopt_rows ||
        drift_urn_adopt(urn) < 0)
        return URN_NOTHING;
    episode->open = false;
    episode->changed = true;
    return URN_ADOPTED;
}

enum urn_event drift_urn_episode_observe(struct urn_episode *episode, struct urn *urn,
                                         const struct urn_rule *rule, size_t bin, double start)
{
    const double begun = fmin(start, rule->budget * LARGEST_START);
    count_row(episode, begun);
    const double evidence = drift_urn_observe(urn, bin, begun);
    return episode->open ? stay_open(episode, urn, rule) : watch(episode, urn, rule, evidence);
}

/* --- bytes --- */

#define VERSION 1u

void drift_urn_episode_save(const struct urn_episode *episode, uint8_t bytes[URN_EPISODE_BYTES])
{
    struct byte_writer out = {.bytes = bytes};
    write_u8(&out, VERSION);
    write_u8(&out, (uint8_t)(episode->notices_only | episode->suspected << 1 | episode->open << 2 |
                             episode->changed << 3 | (int)episode->change.kind << 4));
    write_u32(&out, episode->suspected_rows);
    write_f64(&out, episode->start_mean);
    write_u64(&out, episode->rows);
    write_u64(&out, episode->pages);
    write_u64(&out, episode->notices);
    write_u64(&out, episode->opened);
    write_f64(&out, episode->change.size);
    write_u64(&out, episode->change.bin);
    write_f64(&out, episode->change.rows);
    write_f64(&out, episode->deviations);
}

static bool is_valid(const struct urn_episode *episode)
{
    return episode->start_mean >= 0 && episode->start_mean <= URN_MAX_EVIDENCE &&
           episode->opened <= episode->rows && !(episode->open && episode->suspected) &&
           isfinite(episode->change.size) && episode->change.bin < URN_MAX_CATEGORY_BINS &&
           isfinite(episode->change.rows) && isfinite(episode->deviations);
}

int drift_urn_episode_restore(struct urn_episode *episode, const uint8_t bytes[URN_EPISODE_BYTES])
{
    struct byte_reader in = {.bytes = bytes, .size = URN_EPISODE_BYTES};
    struct urn_episode read;
    const uint8_t version = read_u8(&in), flags = read_u8(&in);
    read = (struct urn_episode){.notices_only = flags & 1,
                                .suspected = flags >> 1 & 1,
                                .open = flags >> 2 & 1,
                                .changed = flags >> 3 & 1};
    read.change.kind = (enum urn_change_kind)(flags >> 4);
    read.suspected_rows = read_u32(&in);
    read.start_mean = read_f64(&in);
    read.rows = read_u64(&in);
    read.pages = read_u64(&in);
    read.notices = read_u64(&in);
    read.opened = read_u64(&in);
    read.change.size = read_f64(&in);
    read.change.bin = read_u64(&in);
    read.change.rows = read_f64(&in);
    read.deviations = read_f64(&in);
    if (version != VERSION || flags >> 4 >= URN_CHANGE_KINDS || in.failed || !is_valid(&read))
        return -EINVAL;
    *episode = read;
    return 0;
}
