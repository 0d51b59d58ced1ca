/* loader_store.c - the memory of the columns, and where each block's rows are in it.
 *
 * A block has at most as many rows as lines, so that whoever takes one knows where the rows of the
 * next begin, before either has been split. What remains between them, for rows that are bad or of
 * several lines, is closed at the end. */
#include "check/loader_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROWS 1024

static int grow_column(const struct check *check, struct check_column *column, size_t rows)
{
    if (loader_is_text(column) && !check->keeps_texts)
        return 0;
    void **values = loader_is_text(column) ? (void **)&column->text : (void **)&column->number;
    void *larger = realloc(
        *values, rows * (loader_is_text(column) ? sizeof(*column->text) : sizeof(*column->number)));
    if (!larger)
        return -ENOMEM;
    *values = larger;
    return 0;
}

static int grow(struct check_loader *loader, size_t rows)
{
    struct check_columns *columns = &loader->check->columns;
    for (size_t i = 0; i < columns->count; i++) {
        int rc = grow_column(loader->check, &columns->column[i], rows);
        if (rc < 0)
            return rc;
    }
    loader->capacity = rows;
    return 0;
}

/* As many rows as the whole file seems to have, given those of its first block, or 0. */
static size_t expected_rows(const struct csv_worker *worker, size_t rows)
{
    const double size = (double)worker->crew->progress.size;
    const double more = size / (double)(worker->block.bytes + 1) * 1.02;
    return more < 1e6 ? (size_t)((double)rows * more) : 0;
}

static int make_room(const struct csv_worker *worker, struct check_loader *loader, size_t rows)
{
    const size_t needed = rows > FIRST_ROWS ? rows : FIRST_ROWS;
    const size_t expected = loader->capacity == 0 ? expected_rows(worker, rows) : 0;
    if (expected > needed && grow(loader, expected) == 0)
        return 0;
    return grow(loader, needed > 2 * loader->capacity ? needed : 2 * loader->capacity);
}

int loader_reserve(struct csv_worker *worker)
{
    struct loader_part *part = worker->context;
    struct loader_crew *crew = part->crew;
    struct check_loader *loader = crew->loader;
    const size_t rows = crew->reserved + csv_rows_left(&worker->rows, &worker->block);
    int rc = 0;
    if (rows > loader->capacity) {
        pthread_rwlock_wrlock(&crew->values);
        rc = make_room(worker, loader, rows);
        pthread_rwlock_unlock(&crew->values);
    }
    part->begin = part->next = crew->reserved;
    crew->reserved = rows;
    return rc;
}

static void store_column(const struct loader_part *part, size_t i)
{
    const struct check_column *column = &part->crew->loader->check->columns.column[i];
    const union loader_value *staged = part->staged + i * part->crew->staged_rows;
    if (column->number)
        memcpy(column->number + part->next, staged, part->rows * sizeof(*staged));
    if (column->text)
        memcpy(column->text + part->next, staged, part->rows * sizeof(*staged));
    if (!loader_is_text(column))
        return;
    for (size_t r = 0; r < part->rows; r++)
        if (staged[r].text)
            ++*text_pool_counter(staged[r].text);
}

void loader_store(struct loader_part *part)
{
    pthread_rwlock_rdlock(&part->crew->values);
    for (size_t i = 0; i < part->crew->loader->check->columns.count; i++)
        store_column(part, i);
    pthread_rwlock_unlock(&part->crew->values);
    part->next += part->rows;
    part->rows = 0;
}

int loader_remember_run(struct loader_crew *crew, struct loader_run run)
{
    int rc = 0;
    pthread_mutex_lock(&crew->mu);
    if (crew->runs == crew->run_capacity) {
        const size_t capacity = crew->run_capacity ? 2 * crew->run_capacity : 64;
        struct loader_run *larger = realloc(crew->run, capacity * sizeof(*larger));
        rc = larger ? 0 : -ENOMEM;
        crew->run = larger ? larger : crew->run;
        crew->run_capacity = larger ? capacity : crew->run_capacity;
    }
    if (rc == 0)
        crew->run[crew->runs++] = run;
    pthread_mutex_unlock(&crew->mu);
    return rc;
}

static int by_begin(const void *a, const void *b)
{
    const struct loader_run *x = a, *y = b;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

static void move_rows(struct check_columns *columns, size_t to, const struct loader_run *run)
{
    for (size_t i = 0; i < columns->count; i++) {
        struct check_column *column = &columns->column[i];
        if (column->text)
            memmove(column->text + to, column->text + run->begin,
                    run->rows * sizeof(*column->text));
        if (column->number)
            memmove(column->number + to, column->number + run->begin,
                    run->rows * sizeof(*column->number));
    }
}

void loader_close_gaps(struct loader_crew *crew)
{
    struct check_loader *loader = crew->loader;
    qsort(crew->run, crew->runs, sizeof(*crew->run), by_begin);
    for (size_t i = 0; i < crew->runs; i++) {
        if (crew->run[i].begin != loader->rows && crew->run[i].rows > 0)
            move_rows(&loader->check->columns, loader->rows, &crew->run[i]);
        loader->rows += crew->run[i].rows;
    }
}
