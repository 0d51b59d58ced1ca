/* replay.c - the current file, row by row in its order, through the rules. */
#include "check/replay.h"
#include "stats/urn_order.h"
#include "text/excerpt.h"
#include "text/timestamp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Rows of a block are shuffled alike on every run. */
#define SHUFFLE_SEED 1

struct reader {
    struct replay *replay;
    const char *path;
    struct csv_file *file;
    struct csv_block block;
    struct csv_rows csv;
    struct csv_progress progress;
};

/* --- which row came when --- */

/* When full, every other time is dropped. */
static void remember_time(struct replay_times *times, uint64_t row, int64_t ms)
{
    if ((row - 1) % times->stride != 0)
        return;
    if (times->count == REPLAY_TIMES) {
        for (size_t i = 0; i < REPLAY_TIMES / 2; i++)
            times->ms[i] = times->ms[2 * i];
        times->count = REPLAY_TIMES / 2;
        times->stride *= 2;
    }
    times->ms[times->count++] = ms;
}

int64_t replay_time_of(const struct replay *replay, uint64_t row)
{
    const struct replay_times *times = &replay->times;
    if (times->count == 0)
        return 0;
    const uint64_t at = (row - 1) / times->stride;
    if (at + 1 >= times->count)
        return times->ms[times->count - 1];
    const double part = (double)((row - 1) % times->stride) / (double)times->stride;
    return times->ms[at] + (int64_t)(part * (double)(times->ms[at + 1] - times->ms[at]));
}

/* --- rows --- */

/* Hands on the rows that are held: windows see them in the order of the file, urns shuffled, as the
 * order within a block means nothing. */
static int release(struct replay *replay)
{
    const size_t columns = replay->check.columns.count;
    int rc = 0;
    drift_urn_shuffle(SHUFFLE_SEED, replay->order, replay->held);
    for (size_t i = 0; rc == 0 && i < replay->held; i++) {
        rc = replay_rules_observe(replay, true, &replay->rows[i],
                                  replay->cells + replay->order[i] * columns);
        if (rc == 0)
            rc = replay_rules_observe(replay, false, &replay->rows[i], replay->cells + i * columns);
    }
    replay->held = 0;
    return rc;
}

static int convert(const struct check *check, size_t i, const struct csv_field *field,
                   union detector_cell *cell)
{
    if (!check->columns.column[i].categorical)
        return csv_field_number(field, &cell->number);
    const struct value value = {.text = field->text, .text_bytes = field->bytes};
    *cell = detector_cell(check->detector, i, &value);
    return 0;
}

/* False for a bad row, which is counted. */
static bool read_cells(struct replay *replay, const struct csv_rows *csv,
                       union detector_cell *cells)
{
    struct check *check = &replay->check;
    const char *path = check->settings->current;
    if (csv->count != check->columns.current.count) {
        check_bad_length(&check->bad_current, path, csv->line, csv->count,
                         check->columns.current.count);
        return false;
    }
    for (size_t i = 0; i < check->columns.count; i++) {
        const struct check_column *column = &check->columns.column[i];
        const struct csv_field *field = &csv->fields[column->current_position];
        const int rc = convert(check, i, field, &cells[i]);
        if (rc == 0)
            continue;
        check_bad_field(&check->bad_current, path, csv->line, column->name, field, rc);
        return false;
    }
    return true;
}

static bool refuse_time(struct replay *replay, uint64_t line, const struct csv_field *field,
                        const char *what)
{
    check_bad_row(&replay->check.bad_current, replay->check.settings->current, line,
                  "column \"%s\": \"%s\" is %s", excerpt(replay->settings->timestamp).text,
                  excerpt_bytes(field->text, field->bytes).text, what);
    return false;
}

/* Evidence may begin at a row with the time since the row before, or with 1 for each row. */
static bool read_time(struct replay *replay, const struct csv_rows *csv, struct replay_row *row)
{
    const bool first = replay->check.current_rows == 0;
    row->start = 1;
    if (!replay->settings->timestamp)
        return true;
    const struct csv_field *field = &csv->fields[replay->timestamp_position];
    if (!timestamp_parse_plain(field->text, field->bytes, &row->ms))
        return refuse_time(replay, csv->line, field, "not a time such as 2026-01-31T12:00:00Z");
    if (!first && row->ms < replay->last_ms)
        return refuse_time(replay, csv->line, field, "earlier than the row before");
    if (replay->settings->per_time)
        row->start = first ? 0 : (double)(row->ms - replay->last_ms) / 1000;
    return true;
}

static int take_row(struct reader *reader)
{
    struct replay *replay = reader->replay;
    struct replay_row row = {.line = reader->csv.line};
    union detector_cell *cells = replay->cells + replay->held * replay->check.columns.count;
    if (!read_cells(replay, &reader->csv, cells) || !read_time(replay, &reader->csv, &row))
        return 0;
    if (replay->check.current_rows == 0)
        replay->first_ms = row.ms;
    replay->last_ms = row.ms;
    row.row = ++replay->check.current_rows;
    if (replay->settings->timestamp)
        remember_time(&replay->times, row.row, row.ms);
    replay->rows[replay->held++] = row;
    return replay->held == replay->settings->block ? release(replay) : 0;
}

/* --- the file --- */

/* 1 with a row, 0 at the end, or an error. */
static int next_row(struct reader *reader)
{
    struct error *error = &reader->replay->check.error;
    for (;;) {
        int rc = reader->csv.path ? csv_rows_next(&reader->csv, error) : 0;
        if (rc != 0)
            return rc;
        rc = csv_next_block(reader->file, &reader->block, error);
        if (rc <= 0)
            return rc;
        csv_progress_add(&reader->progress, reader->block.bytes, 0);
        csv_rows_begin(&reader->csv, reader->path, &reader->block);
    }
}

static int find_timestamp(struct replay *replay)
{
    const char *name = replay->settings->timestamp;
    const struct check_header *header = &replay->check.columns.current;
    if (!name)
        return 0;
    for (size_t i = 0; i < header->count; i++)
        if (strcmp(header->name[i], name) == 0) {
            replay->timestamp_position = i;
            return 0;
        }
    replay->check.wrong_use = true;
    return error_set(&replay->check.error, -EINVAL, "%s has no column \"%s\" for --timestamp",
                     excerpt_path(replay->check.settings->current).text, excerpt(name).text);
}

static int allocate(struct replay *replay)
{
    const struct check *check = &replay->check;
    const size_t rows = replay->settings->block, columns = check->columns.count;
    const struct value missing = {.text = "", .text_bytes = 0};
    replay->missing_code = calloc(columns, sizeof(*replay->missing_code));
    replay->cells = calloc(rows * columns, sizeof(*replay->cells));
    replay->rows = calloc(rows, sizeof(*replay->rows));
    replay->order = calloc(rows, sizeof(*replay->order));
    replay->times.stride = 1;
    if (!replay->missing_code || !replay->cells || !replay->rows || !replay->order)
        return -ENOMEM;
    for (size_t i = 0; i < columns; i++)
        if (check->columns.column[i].categorical)
            replay->missing_code[i] = detector_cell(check->detector, i, &missing).category;
    return 0;
}

static int prepare(struct replay *replay)
{
    struct check *check = &replay->check;
    check->keeps_texts = true;
    int rc = check_reference_load(check);
    if (rc == 0)
        rc = check_detector_create(check, &check->detector);
    if (rc == 0)
        rc = replay_rules_create(replay);
    check_columns_forget_values(&check->columns);
    return rc == 0 ? allocate(replay) : rc;
}

static int read_header(struct reader *reader)
{
    struct check *check = &reader->replay->check;
    int rc = next_row(reader);
    if (rc == 0)
        return csv_fail_empty(reader->path, &check->error);
    if (rc < 0)
        return rc;
    check->current_format = reader->block.format;
    rc = check_header_copy(&check->columns.current, reader->csv.fields, reader->csv.count);
    return rc == 0 ? find_timestamp(reader->replay) : rc;
}

static int read_rows(struct reader *reader)
{
    int rc;
    while ((rc = next_row(reader)) > 0) {
        rc = take_row(reader);
        if (rc < 0)
            return rc;
    }
    return rc == 0 ? release(reader->replay) : rc;
}

static int read_current(struct replay *replay)
{
    struct check *check = &replay->check;
    const char *current = check->settings->current;
    struct reader reader = {.replay = replay,
                            .path = strcmp(current, "-") == 0 ? "/dev/stdin" : current};
    int rc = csv_open(reader.path, check->settings->current_format, &reader.file, &check->error);
    if (rc < 0)
        return rc;
    csv_progress_begin(&reader.progress, current);
    rc = read_header(&reader);
    if (rc == 0)
        rc = prepare(replay);
    if (rc == 0)
        rc = read_rows(&reader);
    csv_progress_end(&reader.progress);
    csv_rows_finish(&reader.csv);
    csv_block_finish(&reader.block);
    csv_close(reader.file);
    return rc;
}

int replay_run(struct replay *replay, const struct replay_settings *settings)
{
    *replay = (struct replay){.settings = settings, .check = {.settings = settings->check}};
    error_set(&replay->check.error, -ENOMEM, "%s", strerror(ENOMEM));
    const int rc = read_current(replay);
    if (rc == 0 && replay->check.current_rows == 0)
        return error_set(&replay->check.error, -EBADMSG, "%s has no valid row",
                         excerpt_path(settings->check->current).text);
    return rc;
}

void replay_finish(struct replay *replay)
{
    replay_rules_finish(replay);
    free(replay->missing_code);
    free(replay->cells);
    free(replay->rows);
    free(replay->order);
    free(replay->events);
    check_finish(&replay->check);
}
