/* check_run.c - the current file as a stream through the detector.
 *
 * This thread parses; another one counts. Two blocks of rows go back and forth between them. */
#include "check.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Counting walks one column of a block after the other; the more rows, the more often it finds a
 * reference's tables in the cache. Wide files have fewer rows per block. */
#define BLOCK_ROWS   32768u
#define BLOCK_VALUES (1u << 19)
#define BLOCKS       2

struct block {
    union detector_value *values; /* by column: [columns][block_rows] */
    size_t rows;
    bool full; /* guarded by mu: the counting thread's while set */
};

struct stream {
    struct check *check;
    struct csv_progress progress;
    struct block block[BLOCKS];
    size_t block_rows, filling;
    int result; /* why a callback stopped */

    pthread_t thread;
    bool running;
    pthread_mutex_t mu;
    pthread_cond_t changed;
    bool ended; /* guarded by mu: no further block comes */
};

/* --- the counting thread --- */

static bool wait_full(struct stream *stream, const struct block *block)
{
    pthread_mutex_lock(&stream->mu);
    while (!block->full && !stream->ended)
        pthread_cond_wait(&stream->changed, &stream->mu);
    const bool full = block->full;
    pthread_mutex_unlock(&stream->mu);
    return full;
}

static void set_full(struct stream *stream, struct block *block, bool full)
{
    pthread_mutex_lock(&stream->mu);
    block->full = full;
    pthread_cond_signal(&stream->changed);
    pthread_mutex_unlock(&stream->mu);
}

/* A file's rows have no time of their own: all of them are at 0. */
static void *count_blocks(void *context)
{
    struct stream *stream = context;
    for (size_t i = 0;; i = (i + 1) % BLOCKS) {
        struct block *block = &stream->block[i];
        if (!wait_full(stream, block))
            return NULL;
        detector_add_rows(stream->check->detector, block->values, block->rows, stream->block_rows,
                          NULL, 0);
        set_full(stream, block, false);
    }
}

static int start(struct stream *stream)
{
    const size_t columns = stream->check->columns.count;
    stream->block_rows = BLOCK_VALUES / columns + 1;
    if (stream->block_rows > BLOCK_ROWS)
        stream->block_rows = BLOCK_ROWS;
    for (size_t i = 0; i < BLOCKS; i++) {
        stream->block[i].values =
            calloc(columns, stream->block_rows * sizeof(union detector_value));
        if (!stream->block[i].values)
            return -ENOMEM;
    }
    int rc = -pthread_create(&stream->thread, NULL, count_blocks, stream);
    stream->running = rc == 0;
    return rc;
}

/* Hands the block over and waits until the other one is free. */
static void submit(struct stream *stream)
{
    set_full(stream, &stream->block[stream->filling], true);
    stream->filling = (stream->filling + 1) % BLOCKS;
    struct block *next = &stream->block[stream->filling];
    pthread_mutex_lock(&stream->mu);
    while (next->full)
        pthread_cond_wait(&stream->changed, &stream->mu);
    pthread_mutex_unlock(&stream->mu);
    next->rows = 0;
}

static void finish(struct stream *stream)
{
    if (stream->running) {
        if (stream->block[stream->filling].rows > 0)
            submit(stream);
        pthread_mutex_lock(&stream->mu);
        stream->ended = true;
        pthread_cond_signal(&stream->changed);
        pthread_mutex_unlock(&stream->mu);
        pthread_join(stream->thread, NULL);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        free(stream->block[i].values);
}

/* --- the parsing thread --- */

static bool on_header(void *context, uint64_t line, const struct csv_field *fields, size_t count)
{
    struct stream *stream = context;
    (void)line;
    int rc = check_header_copy(&stream->check->columns.current, fields, count);
    if (rc == 0)
        rc = check_reference_read(stream->check);
    if (rc == 0)
        rc = start(stream);
    stream->result = rc;
    csv_progress_begin(&stream->progress, stream->check->settings->current);
    return rc == 0;
}

static int convert(const struct check *check, size_t i, const struct csv_field *field,
                   union detector_value *value)
{
    if (!check->columns.column[i].categorical)
        return csv_number(field->text, field->bytes, &value->number);
    const bool missing = csv_is_missing(field->text, field->bytes);
    value->category =
        detector_category(check->detector, i, missing ? NULL : field->text, field->bytes);
    return 0;
}

/* A bad field makes the row bad, as the service refuses a request with one. */
static bool on_row(void *context, uint64_t line, const struct csv_field *fields, size_t count)
{
    struct stream *stream = context;
    struct check *check = stream->check;
    const struct check_columns *columns = &check->columns;
    struct block *block = &stream->block[stream->filling];
    csv_progress_row(&stream->progress, fields, count);
    if (count != columns->current.count) {
        check_bad_length(&check->bad_current, check->settings->current, line, count,
                         columns->current.count);
        return true;
    }
    for (size_t i = 0; i < columns->count; i++) {
        const struct csv_field *field = &fields[columns->column[i].current_position];
        int rc = convert(check, i, field, &block->values[i * stream->block_rows + block->rows]);
        if (rc == 0)
            continue;
        check_bad_field(&check->bad_current, check->settings->current, line,
                        columns->column[i].name, field, rc);
        return true;
    }
    check->current_rows++;
    if (++block->rows == stream->block_rows)
        submit(stream);
    return true;
}

static const char *readable_path(const char *path)
{
    return strcmp(path, "-") == 0 ? "/dev/stdin" : path;
}

static int stream_current(struct check *check)
{
    struct stream stream = {
        .check = check, .mu = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    int rc =
        csv_read(readable_path(check->settings->current), on_header, on_row, &stream, check->error);
    csv_progress_end(&stream.progress);
    finish(&stream);
    return rc == -ECANCELED ? stream.result : rc;
}

static int fail_empty(struct check *check)
{
    const unsigned long long bad = check->bad_current.count;
    if (bad == 0)
        snprintf(check->error, sizeof(check->error), "%.200s has a header but no rows",
                 check->settings->current);
    else
        snprintf(check->error, sizeof(check->error), "%.200s has no good row, but %llu bad ones",
                 check->settings->current, bad);
    excerpt_clean(check->error);
    return -EBADMSG;
}

int check_run(struct check *check, const struct check_settings *settings)
{
    *check = (struct check){.settings = settings};
    snprintf(check->error, sizeof(check->error), "%s", strerror(ENOMEM));
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
