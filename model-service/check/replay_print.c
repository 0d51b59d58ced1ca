/* replay_print.c - what would have paged, when and why, as text and as JSON. */
#include "change_words.h"
#include "check/replay.h"
#include "encode/buffer.h"
#include "encode/json_writer.h"
#include "text/timestamp.h"

#include <errno.h>
#include <math.h>

struct words {
    char text[CHANGE_WORDS_BYTES];
};

/* --- words --- */

static struct words duration_words(double seconds)
{
    static const struct {
        double seconds;
        const char *unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
    struct words words;
    size_t i = 0;
    while (i < 3 && fmod(seconds, units[i].seconds) != 0)
        i++;
    snprintf(words.text, sizeof(words.text), "%.10g%s", seconds / units[i].seconds, units[i].unit);
    return words;
}

static struct words rule_words(const struct replay *replay, const struct replay_rule *rule)
{
    struct words words;
    if (!rule->is_urn)
        snprintf(words.text, sizeof(words.text), "window of %zu rows, score above %g", rule->window,
                 rule->threshold[SEVERITY_WARNING]);
    else if (replay->settings->per_time)
        snprintf(words.text, sizeof(words.text),
                 "one false page in %.40s, changes from %g deviations on",
                 duration_words(rule->budget).text, rule->materiality);
    else
        snprintf(words.text, sizeof(words.text),
                 "one false page in %.15g rows, changes from %g deviations on", rule->budget,
                 rule->materiality);
    return words;
}

static struct words words_of(const struct replay_event *event)
{
    const struct change_description description = {.part = event->part,
                                                   .change = event->change,
                                                   .deviations = event->deviations,
                                                   .category = event->category.text,
                                                   .more_missing = event->more_missing};
    struct words words;
    change_words(&description, words.text);
    return words;
}

static struct words cause_words(const struct replay *replay, const struct replay_event *event)
{
    struct words words;
    const size_t room = sizeof(words.text);
    if (replay->rule[event->rule].is_urn)
        snprintf(words.text, room, "%.150s since row %llu", words_of(event).text,
                 (unsigned long long)event->onset_row);
    else
        snprintf(words.text, room, "%s %.4g%s", event->method, event->score,
                 event->critical ? " (critical)" : "");
    return words;
}

static struct words event_words(const struct replay *replay, const struct replay_event *event)
{
    const char *missing = event->part == URN_MISSINGNESS ? " (missing values)" : "";
    struct words words;
    const size_t room = sizeof(words.text);
    switch (event->what) {
    case REPLAY_RESOLVED:
        snprintf(words.text, room, "resolved%s", missing);
        break;
    case REPLAY_ADOPTED:
        snprintf(words.text, room, "the rows since are the new normal%s", missing);
        break;
    case REPLAY_NOTICE:
        snprintf(words.text, room, "notice: %.180s", cause_words(replay, event).text);
        break;
    case REPLAY_PAGE:
        snprintf(words.text, room, "PAGE: %.180s", cause_words(replay, event).text);
        break;
    }
    return words;
}

static const char *column_name(const struct replay *replay, size_t column)
{
    return replay->check.columns.column[column].name;
}

/* --- text --- */

static void print_head(const struct replay *replay, FILE *out)
{
    const struct check *check = &replay->check;
    fprintf(out, "reference  %s, %zu rows, in the order of the file\n", check->settings->reference,
            check->reference_rows);
    fprintf(out, "current    %s, %llu rows", check->settings->current,
            (unsigned long long)check->current_rows);
    if (replay->settings->timestamp) {
        char from[TIMESTAMP_BYTES], to[TIMESTAMP_BYTES];
        timestamp_format(replay->first_ms, from);
        timestamp_format(replay->last_ms, to);
        fprintf(out, ", %s to %s", from, to);
    }
    fputc('\n', out);
}

static void print_event(const struct replay *replay, const struct replay_event *event, FILE *out)
{
    char time[TIMESTAMP_BYTES] = "";
    if (replay->settings->timestamp)
        timestamp_format(event->ms, time);
    fprintf(out, "  row %-9llu %s%s%s  %s\n", (unsigned long long)event->row, time,
            time[0] ? "  " : "", excerpt(column_name(replay, event->column)).text,
            event_words(replay, event).text);
}

static void print_rule(const struct replay *replay, size_t rule, FILE *out)
{
    const struct replay_rule *state = &replay->rule[rule];
    fprintf(out, "\n%s: %llu page%s", rule_words(replay, state).text,
            (unsigned long long)state->pages, state->pages == 1 ? "" : "s");
    if (state->notices > 0)
        fprintf(out, ", %llu notice%s", (unsigned long long)state->notices,
                state->notices == 1 ? "" : "s");
    fputc('\n', out);
    for (size_t i = 0; i < replay->event_count; i++)
        if (replay->events[i].rule == rule)
            print_event(replay, &replay->events[i], out);
}

/* What the reference says about a column; by the first rule, which is an urn's. */
static void print_part(const struct replay *replay, size_t column, enum urn_part part, FILE *out)
{
    const struct urn_report report =
        drift_urn_feature_report(replay->rule[0].feature[column], part);
    const struct excerpt name = excerpt(column_name(replay, column));
    const char *missing = part == URN_MISSINGNESS ? " (missing values)" : "";
    if (!report.watched)
        fprintf(out, "%s%s: not watched, the reference has fewer than %d values\n", name.text,
                missing, URN_FEWEST_VALUES);
    if (report.discount > 1)
        fprintf(out, "%s%s: its rows resemble their neighbours, so evidence is divided by %g\n",
                name.text, missing, report.discount);
    if (report.episode.notices_only)
        fprintf(out,
                "%s%s: only notices, because the first half of the reference pages on the second\n",
                name.text, missing);
}

static void print_skipped(const struct check_columns *columns, FILE *out)
{
    for (size_t i = 0; i < columns->skipped_count; i++)
        fprintf(out, "Skipped (%s): %s\n", columns->skipped[i].reason,
                excerpt(columns->skipped[i].name).text);
}

int replay_print_text(const struct replay *replay, FILE *out)
{
    print_head(replay, out);
    for (size_t i = 0; i < replay->rules; i++)
        print_rule(replay, i, out);
    fputc('\n', out);
    if (replay->events_not_kept > 0)
        fprintf(out, "%llu later events are counted, but not shown\n",
                (unsigned long long)replay->events_not_kept);
    for (size_t c = 0; c < replay->check.columns.count; c++)
        for (enum urn_part part = 0; part < URN_PARTS; part++)
            print_part(replay, c, part, out);
    print_skipped(&replay->check.columns, out);
    return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}

/* --- JSON --- */

static void write_time(struct json_writer *json, const struct replay *replay, const char *member,
                       int64_t ms)
{
    char text[TIMESTAMP_BYTES];
    if (!replay->settings->timestamp)
        return;
    timestamp_format(ms, text);
    json_member_string(json, member, text);
}

static void write_change(struct json_writer *json, const struct replay *replay,
                         const struct replay_event *event)
{
    json_member_string(json, "part", change_part_name(event->part));
    if (event->onset_row == 0)
        return;
    json_member_string(json, "kind", drift_urn_change_name(event->change.kind));
    json_member_number(json, "size", event->change.size);
    json_member_number(json, "deviations", event->deviations);
    if (event->category.text[0])
        json_member_string(json, "category", event->category.text);
    json_member_integer(json, "onset_row", event->onset_row);
    write_time(json, replay, "onset_time", event->onset_ms);
}

static void write_score(struct json_writer *json, const struct replay_event *event)
{
    if (!event->method)
        return;
    json_member_string(json, "method", event->method);
    json_member_number(json, "score", event->score);
    json_member_number(json, "threshold", event->threshold);
    json_member_string(json, "severity", event->critical ? "critical" : "warning");
}

static void write_event(struct json_writer *json, const struct replay *replay,
                        const struct replay_event *event)
{
    static const char *const names[] = {[REPLAY_PAGE] = "page",
                                        [REPLAY_NOTICE] = "notice",
                                        [REPLAY_RESOLVED] = "resolved",
                                        [REPLAY_ADOPTED] = "new_normal"};
    json_begin_object(json);
    json_member_integer(json, "rule", event->rule);
    json_member_string(json, "event", names[event->what]);
    json_member_string(json, "feature", column_name(replay, event->column));
    json_member_integer(json, "row", event->row);
    json_member_integer(json, "line", event->line);
    write_time(json, replay, "time", event->ms);
    if (replay->rule[event->rule].is_urn)
        write_change(json, replay, event);
    else
        write_score(json, event);
    json_member_string(json, "text", event_words(replay, event).text);
    json_end_object(json);
}

static void write_rule(struct json_writer *json, const struct replay *replay,
                       const struct replay_rule *rule)
{
    json_begin_object(json);
    json_member_string(json, "name", rule_words(replay, rule).text);
    json_member_string(json, "kind", rule->is_urn ? "urn" : "window");
    if (rule->is_urn) {
        json_member_number(json, replay->settings->per_time ? "budget_seconds" : "budget_rows",
                           rule->budget);
        json_member_number(json, "materiality", rule->materiality);
    } else {
        json_member_integer(json, "window", rule->window);
        json_member_number(json, "threshold", rule->threshold[SEVERITY_WARNING]);
        json_member_number(json, "critical_threshold", rule->threshold[SEVERITY_CRITICAL]);
    }
    json_member_integer(json, "pages", rule->pages);
    json_member_integer(json, "notices", rule->notices);
    json_end_object(json);
}

static void write_feature(struct json_writer *json, const struct replay *replay, size_t column)
{
    json_begin_object(json);
    json_member_string(json, "feature", column_name(replay, column));
    for (enum urn_part part = 0; part < URN_PARTS; part++) {
        const struct urn_report report =
            drift_urn_feature_report(replay->rule[0].feature[column], part);
        json_key(json, change_part_name(part));
        json_begin_object(json);
        json_member_boolean(json, "watched", report.watched);
        json_member_number(json, "discount", report.discount);
        json_member_boolean(json, "notices_only", report.episode.notices_only);
        json_end_object(json);
    }
    json_end_object(json);
}

static void write_lists(struct json_writer *json, const struct replay *replay)
{
    json_key(json, "rules");
    json_begin_array(json);
    for (size_t i = 0; i < replay->rules; i++)
        write_rule(json, replay, &replay->rule[i]);
    json_end_array(json);
    json_key(json, "features");
    json_begin_array(json);
    for (size_t c = 0; c < replay->check.columns.count; c++)
        write_feature(json, replay, c);
    json_end_array(json);
    json_key(json, "events");
    json_begin_array(json);
    for (size_t i = 0; i < replay->event_count; i++)
        write_event(json, replay, &replay->events[i]);
    json_end_array(json);
}

static void write_replay(struct json_writer *json, const struct replay *replay)
{
    const struct check *check = &replay->check;
    json_begin_object(json);
    json_member_string(json, "reference", check->settings->reference);
    json_member_string(json, "current", check->settings->current);
    json_member_integer(json, "reference_rows", check->reference_rows);
    json_member_integer(json, "rows", check->current_rows);
    json_member_integer(json, "bad_rows", check->bad_current.count);
    write_lists(json, replay);
    json_member_integer(json, "events_not_kept", replay->events_not_kept);
    json_end_object(json);
}

int replay_print_json(const struct replay *replay, FILE *out)
{
    struct buffer buffer;
    struct json_writer json;
    buffer_init(&buffer, 1 << 16);
    json_init(&json, &buffer);
    write_replay(&json, replay);
    buffer_append_char(&buffer, '\n');
    int rc = buffer.error;
    if (rc == 0 && (fwrite(buffer.data, 1, buffer.length, out) != buffer.length || fflush(out)))
        rc = -EIO;
    buffer_finish(&buffer);
    return rc;
}
