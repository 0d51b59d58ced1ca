/* run.c - the current file through the detector, by several threads.
 *
 * One at a time takes the next block of rows; each parses its own, and counts them into windows of
 * its own, which are added up at the end. Windows are counts and exact sums: who counted what makes
 * no difference. A window of the last rows needs them in order: blocks are then counted in turn. */
#include "check/check.h"
#include "drift_merge.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* Rows are counted column by column, because the tables of one reference then stay in the
 * processor's cache: the more rows at once, the better. Wide files are counted after fewer rows. */
#define COUNTED_ROWS   32768u
#define COUNTED_VALUES (1u << 19)
/* Only one thread at a time takes a block, so that more threads than this would only wait. Each
 * thread has its own counts. */
#define MAX_WORKERS 4

struct stream;

struct worker {
    struct stream *stream;
    pthread_t thread;
    struct detector *detector;  /* the check's own detector, or a fork of it */
    union detector_cell *cells; /* by column: [columns][counted_rows] */
    size_t rows;                /* rows that are parsed but not yet counted */
    uint64_t good_rows, progress_rows;
    struct check_bad_rows bad;
    struct csv_block block;
    struct csv_rows csv;
    bool has_block;  /* from the start */
    uint64_t number; /* of the block */
    int result;
    struct error error;
};

struct stream {
    struct check *check;
    const char *path; /* to open */
    size_t counted_rows;
    bool in_turn; /* blocks are counted in their order */
    size_t worker_count;
    struct worker worker[MAX_WORKERS]; /* the first is this thread */

    pthread_mutex_t mu; /* guards all below */
    pthread_cond_t next_turn;
    struct csv_file *file;
    struct csv_progress progress;
    uint64_t blocks; /* taken */
    uint64_t turn;   /* the block to be counted next */
    bool stopped;
};

/* --- counting --- */

static void stop(struct stream *stream)
{
    pthread_mutex_lock(&stream->mu);
    stream->stopped = true;
    pthread_cond_broadcast(&stream->next_turn);
    pthread_mutex_unlock(&stream->mu);
}

static void wait_for_turn(struct stream *stream, uint64_t number)
{
    pthread_mutex_lock(&stream->mu);
    while (stream->turn < number && !stream->stopped)
        pthread_cond_wait(&stream->next_turn, &stream->mu);
    pthread_mutex_unlock(&stream->mu);
}

static void pass_turn(struct stream *stream)
{
    pthread_mutex_lock(&stream->mu);
    stream->turn++;
    pthread_cond_broadcast(&stream->next_turn);
    pthread_mutex_unlock(&stream->mu);
}

/* The rows of a file carry no time, so all of them are observed at time 0. */
static void count(struct worker *worker)
{
    struct stream *stream = worker->stream;
    if (stream->in_turn)
        wait_for_turn(stream, worker->number);
    detector_add_rows(worker->detector, worker->cells, worker->rows, stream->counted_rows, NULL, 0);
    worker->rows = 0;
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
static void parse_row(struct worker *worker)
{
    const struct stream *stream = worker->stream;
    const struct check *check = stream->check;
    const struct check_columns *columns = &check->columns;
    const struct csv_rows *csv = &worker->csv;
    const char *path = check->settings->current;
    if (csv->count != columns->current.count) {
        check_bad_length(&worker->bad, path, csv->line, csv->count, columns->current.count);
        return;
    }
    union detector_cell *cell = worker->cells + worker->rows;
    for (size_t i = 0; i < columns->count; i++, cell += stream->counted_rows) {
        const struct csv_field *field = &csv->fields[columns->column[i].current_position];
        int rc = convert(check, i, field, cell);
        if (rc == 0)
            continue;
        check_bad_field(&worker->bad, path, csv->line, columns->column[i].name, field, rc);
        return;
    }
    worker->rows++;
    worker->good_rows++;
}

static int parse_block(struct worker *worker)
{
    struct stream *stream = worker->stream;
    int rc;
    while ((rc = csv_rows_next(&worker->csv, &worker->error)) > 0) {
        parse_row(worker);
        worker->progress_rows++;
        if (worker->rows == stream->counted_rows)
            count(worker);
    }
    if (rc == 0 && stream->in_turn) {
        count(worker);
        pass_turn(stream);
    }
    return rc;
}

/* 1 with a block, 0 at the end, or an error. */
static int take_block(struct worker *worker)
{
    struct stream *stream = worker->stream;
    int rc = 0;
    pthread_mutex_lock(&stream->mu);
    if (!stream->stopped) {
        worker->number = stream->blocks++;
        worker->block.line = UINT64_MAX; /* if that fails, the failure comes after all rows */
        rc = csv_next_block(stream->file, &worker->block, &worker->error);
        csv_progress_add(&stream->progress, worker->block.bytes, worker->progress_rows);
        worker->progress_rows = 0;
    }
    pthread_mutex_unlock(&stream->mu);
    if (rc > 0)
        csv_rows_begin(&worker->csv, stream->path, &worker->block);
    return rc;
}

static void *work(void *context)
{
    struct worker *worker = context;
    int rc = worker->has_block ? 1 : take_block(worker);
    while (rc > 0) {
        rc = parse_block(worker);
        if (rc == 0)
            rc = take_block(worker);
    }
    worker->result = rc;
    if (rc < 0)
        stop(worker->stream);
    else if (worker->rows > 0)
        count(worker);
    return NULL;
}

/* --- the workers --- */

static void free_worker(struct stream *stream, struct worker *worker)
{
    if (worker->detector != stream->check->detector)
        detector_destroy(worker->detector);
    free(worker->cells);
    csv_rows_finish(&worker->csv);
    csv_block_finish(&worker->block);
}

static int start_worker(struct stream *stream, struct worker *worker)
{
    worker->stream = stream;
    const struct check *check = stream->check;
    worker->cells =
        calloc(check->columns.count, stream->counted_rows * sizeof(union detector_cell));
    if (!worker->cells)
        return -ENOMEM;
    if (worker == stream->worker || stream->in_turn) {
        worker->detector = check->detector;
        return 0;
    }
    return detector_fork(check->detector, &worker->detector);
}

static size_t processors(void)
{
    cpu_set_t set;
    const int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < MAX_WORKERS ? (size_t)count : MAX_WORKERS;
}

/* Starts a thread for each processor; continues with fewer threads if creation fails. */
static int start(struct stream *stream)
{
    const size_t most = COUNTED_VALUES / stream->check->columns.count + 1;
    stream->counted_rows = most < COUNTED_ROWS ? most : COUNTED_ROWS;
    stream->in_turn = stream->check->settings->window.kind != WINDOW_ALL;
    int rc = start_worker(stream, stream->worker);
    stream->worker_count = 1;
    for (size_t i = 1; rc == 0 && i < processors(); i++) {
        struct worker *worker = &stream->worker[i];
        rc = start_worker(stream, worker);
        if (rc < 0 || pthread_create(&worker->thread, NULL, work, worker) != 0) {
            free_worker(stream, worker);
            break;
        }
        stream->worker_count++;
    }
    return rc;
}

/* The worker that failed in the earliest block, or NULL. */
static const struct worker *first_failure(const struct stream *stream)
{
    const struct worker *first = NULL;
    for (size_t i = 0; i < stream->worker_count; i++) {
        const struct worker *worker = &stream->worker[i];
        if (worker->result < 0 && (!first || worker->number < first->number))
            first = worker;
    }
    return first;
}

/* Discards rows after the first failed block, whichever thread has read them. */
static int collect(struct stream *stream)
{
    struct check *check = stream->check;
    const struct worker *failed = first_failure(stream);
    int rc = 0;
    for (size_t i = 0; i < stream->worker_count; i++) {
        struct worker *worker = &stream->worker[i];
        if (failed && worker != failed)
            check_bad_rows_cut(&worker->bad, failed->block.line);
        check_bad_rows_merge(&check->bad_current, &worker->bad);
        check->current_rows += worker->good_rows;
        if (!failed && rc == 0 && worker->detector != check->detector)
            rc = detector_merge(check->detector, worker->detector);
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
    struct worker *worker = stream->worker;
    int rc;
    do {
        rc = csv_next_block(stream->file, &worker->block, &check->error);
        if (rc == 0)
            return csv_fail_empty(stream->path, &check->error);
        if (rc < 0)
            return rc;
        csv_rows_begin(&worker->csv, stream->path, &worker->block);
        rc = csv_rows_next(&worker->csv, &check->error);
    } while (rc == 0);
    if (rc < 0)
        return rc;
    worker->has_block = true;
    stream->blocks = 1;
    check->current_format = worker->block.format;
    return check_header_copy(&check->columns.current, worker->csv.fields, worker->csv.count);
}

static int read_rows(struct stream *stream)
{
    csv_progress_begin(&stream->progress, stream->check->settings->current);
    csv_progress_add(&stream->progress, stream->worker[0].block.bytes, 0);
    int rc = start(stream);
    if (rc == 0)
        (void)work(stream->worker);
    else
        stop(stream);
    for (size_t i = 1; i < stream->worker_count; i++)
        pthread_join(stream->worker[i].thread, NULL);
    csv_progress_end(&stream->progress);
    return rc == 0 ? collect(stream) : rc;
}

static int stream_current(struct check *check)
{
    const char *current = check->settings->current;
    struct stream stream = {.check = check,
                            .path = strcmp(current, "-") == 0 ? "/dev/stdin" : current,
                            .worker_count = 1,
                            .mu = PTHREAD_MUTEX_INITIALIZER,
                            .next_turn = PTHREAD_COND_INITIALIZER};
    int rc = csv_open(stream.path, check->settings->current_format, &stream.file, &check->error);
    if (rc == 0)
        rc = read_header(&stream);
    if (rc == 0)
        rc = check_reference_read(check);
    if (rc == 0)
        rc = read_rows(&stream);
    for (size_t i = 0; i < stream.worker_count; i++)
        free_worker(&stream, &stream.worker[i]);
    csv_close(stream.file);
    return rc;
}

static int fail_empty(struct check *check)
{
    const char *path = check->settings->current;
    const unsigned long long bad = check->bad_current.count;
    if (bad == 0)
        return error_set(&check->error, -EBADMSG, "%.200s has a header but no rows", path);
    if (bad == 1)
        return error_set(&check->error, -EBADMSG, "%.200s: its only row is invalid", path);
    return error_set(&check->error, -EBADMSG, "%.200s: all %llu rows are invalid", path, bad);
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
