/* run.c - the current file through the detector, by several threads.
 *
 * Each worker counts its rows into windows of its own, which are added up at the end. Windows are
 * counts and exact sums: who counted what makes no difference. A window of the last rows needs them
 * in order: blocks are then counted in turn. */
#include "check/check.h"
#include "csv/crew.h"
#include "drift_merge.h"
#include "text/excerpt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Rows are counted column by column, because the tables of one reference then stay in the
 * processor's cache: the more rows at once, the better. Wide files are counted after fewer rows. */
#define COUNTED_ROWS   32768u
#define COUNTED_VALUES (1u << 19)

struct stream;

struct counter {
    struct stream *stream;
    struct detector *detector;  /* the check's own detector, or a fork of it */
    union detector_cell *cells; /* by column: [columns][counted_rows] */
    size_t rows;                /* rows that are parsed but not yet counted */
    uint64_t good_rows;
    struct check_bad_rows bad;
};

struct stream {
    struct check *check;
    size_t counted_rows;
    bool in_turn; /* blocks are counted in their order */
    struct counter counter[CSV_CREW_MOST];
    struct csv_crew crew;
};

/* --- counting --- */

/* The rows of a file carry no time, so all of them are observed at time 0. Without rows nothing is
 * touched: workers that count in turn share the detector, and come here once more at the end. */
static void count(struct counter *counter)
{
    if (counter->rows == 0)
        return;
    detector_add_rows(counter->detector, counter->cells, counter->rows,
                      counter->stream->counted_rows, NULL, 0);
    counter->rows = 0;
}

static void count_in_turn(struct csv_worker *worker)
{
    struct counter *counter = worker->context;
    if (counter->stream->in_turn)
        csv_worker_wait_turn(worker);
    count(counter);
}

static int count_last(struct csv_worker *worker)
{
    count(worker->context);
    return 0;
}

/* --- parsing --- */

static int convert(const struct check *check, size_t i, const struct csv_field *field,
                   union detector_cell *cell)
{
    if (!check->columns.column[i].categorical)
        return csv_field_number(field, &cell->number);
    const struct value value = {.text = field->text, .text_bytes = field->bytes};
    *cell = detector_cell(check->detector, i, &value);
    return 0;
}

/* One bad field makes the whole row bad, just as the service refuses a request with a bad field. */
static void parse_row(struct counter *counter, const struct csv_rows *csv)
{
    const struct stream *stream = counter->stream;
    const struct check *check = stream->check;
    const struct check_columns *columns = &check->columns;
    const char *path = check->settings->current;
    if (csv->count != columns->current.count) {
        check_bad_length(&counter->bad, path, csv->line, csv->count, columns->current.count);
        return;
    }
    union detector_cell *cell = counter->cells + counter->rows;
    for (size_t i = 0; i < columns->count; i++, cell += stream->counted_rows) {
        const struct csv_field *field = &csv->fields[columns->column[i].current_position];
        int rc = convert(check, i, field, cell);
        if (rc == 0)
            continue;
        check_bad_field(&counter->bad, path, csv->line, columns->column[i].name, field, rc);
        return;
    }
    counter->rows++;
    counter->good_rows++;
}

static int parse_block(struct csv_worker *worker)
{
    struct counter *counter = worker->context;
    const struct stream *stream = counter->stream;
    int rc;
    while ((rc = csv_rows_next(&worker->rows, &worker->error)) > 0) {
        parse_row(counter, &worker->rows);
        worker->read_rows++;
        if (counter->rows == stream->counted_rows)
            count_in_turn(worker);
    }
    if (rc == 0 && stream->in_turn) {
        count_in_turn(worker);
        csv_worker_pass_turn(worker);
    }
    return rc;
}

static const struct csv_crew_calls count_rows = {.parse = parse_block, .end = count_last};

/* --- the workers --- */

static void counter_finish(struct stream *stream, struct counter *counter)
{
    if (counter->detector != stream->check->detector)
        detector_destroy(counter->detector);
    free(counter->cells);
}

static int counter_init(struct stream *stream, struct counter *counter)
{
    const struct check *check = stream->check;
    counter->stream = stream;
    counter->cells =
        calloc(check->columns.count, stream->counted_rows * sizeof(union detector_cell));
    if (!counter->cells)
        return -ENOMEM;
    if (counter == stream->counter || stream->in_turn) {
        counter->detector = check->detector;
        return 0;
    }
    return detector_fork(check->detector, &counter->detector);
}

/* As many as there is memory for, at least one: *ret_count. 0 or -ENOMEM. */
static int start(struct stream *stream, size_t *ret_count)
{
    const size_t most = COUNTED_VALUES / stream->check->columns.count + 1, size = csv_crew_size();
    stream->counted_rows = most < COUNTED_ROWS ? most : COUNTED_ROWS;
    stream->in_turn = stream->check->settings->window.kind != WINDOW_ALL;
    size_t count = 0;
    while (count < size && counter_init(stream, &stream->counter[count]) == 0) {
        stream->crew.worker[count].context = &stream->counter[count];
        count++;
    }
    *ret_count = count;
    return count > 0 ? 0 : -ENOMEM;
}

/* Discards rows after the first failed block, whichever thread has read them. */
static int collect(struct stream *stream)
{
    struct check *check = stream->check;
    const struct csv_worker *failed = csv_crew_failure(&stream->crew);
    int rc = 0;
    for (size_t i = 0; i < stream->crew.count; i++) {
        struct counter *counter = &stream->counter[i];
        if (failed && &stream->crew.worker[i] != failed)
            check_bad_rows_cut(&counter->bad, failed->block.line);
        check_bad_rows_merge(&check->bad_current, &counter->bad);
        check->current_rows += counter->good_rows;
        if (!failed && rc == 0 && counter->detector != check->detector)
            rc = detector_merge(check->detector, counter->detector);
    }
    if (failed)
        check->error = failed->error;
    else if (rc < 0)
        return error_set(&check->error, -EBADMSG, "the current file has too many rows");
    return failed ? failed->result : rc;
}

/* --- the file --- */

/* Reads the first row of the file; the first worker keeps it with its block. */
static int read_header(struct stream *stream)
{
    struct check *check = stream->check;
    int rc = csv_crew_header(&stream->crew, &check->error);
    if (rc < 0)
        return rc;
    check->current_format = stream->crew.format;
    return check_header_copy(&check->columns.current, stream->crew.worker[0].rows.fields,
                             stream->crew.worker[0].rows.count);
}

static int read_rows(struct stream *stream)
{
    size_t count;
    int rc = start(stream, &count);
    if (rc < 0)
        return rc;
    csv_crew_run(&stream->crew, count);
    return collect(stream);
}

static int stream_current(struct check *check)
{
    const char *current = check->settings->current;
    const char *path = strcmp(current, "-") == 0 ? "/dev/stdin" : current;
    struct stream stream = {.check = check};
    int rc = csv_crew_open(&stream.crew, path, check->settings->current_format, &count_rows,
                           &check->error);
    if (rc < 0)
        return rc;
    stream.crew.shown = current;
    rc = read_header(&stream);
    if (rc == 0)
        rc = check_reference_read(check);
    if (rc == 0)
        rc = read_rows(&stream);
    for (size_t i = 0; i < CSV_CREW_MOST; i++)
        counter_finish(&stream, &stream.counter[i]);
    csv_crew_close(&stream.crew);
    return rc;
}

static int fail_empty(struct check *check)
{
    const struct excerpt_path path = excerpt_path(check->settings->current);
    const unsigned long long bad = check->bad_current.count;
    if (bad == 0)
        return error_set(&check->error, -EBADMSG, "%s has a header but no rows", path.text);
    if (bad == 1)
        return error_set(&check->error, -EBADMSG, "%s: its only row is invalid", path.text);
    return error_set(&check->error, -EBADMSG, "%s: all %llu rows are invalid", path.text, bad);
}

int check_run(struct check *check, const struct check_settings *settings)
{
    *check = (struct check){.settings = settings};
    error_set(&check->error, -ENOMEM, "%s", strerror(ENOMEM));
    int rc = stream_current(check);
    if (rc == 0 && check->current_rows == 0)
        rc = fail_empty(check);
    if (rc < 0)
        return rc;
    check->report.features = calloc(check->columns.count, sizeof(*check->report.features));
    if (!check->report.features)
        return -ENOMEM;
    detector_report(check->detector, 0, &check->report);
    return 0;
}

void check_finish(struct check *check)
{
    detector_destroy(check->detector);
    free(check->report.features);
    check_columns_finish(&check->columns);
}
