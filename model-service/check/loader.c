/* loader.c - see the header.
 *
 * A block has at most as many rows as lines, so that whoever takes one knows where the rows of the
 * next begin, before either has been split. What remains between them, for rows that are bad or of
 * several lines, is closed at the end.
 *
 * What type a column without a configured one has is decided by its first value. Until all have one
 * the file is read by a single thread. */
#include "check/loader.h"
#include "csv/crew.h"
#include "row/text_value.h"
#include "text/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A column that is missing for longer than this is decided in a second reading. */
#define DECIDING_BYTES (UINT64_C(4) << 20)

#define FIRST_ROWS 1024

/* Rows are stored so many at a time: a column's values are then next to each other, where single
 * rows would write to as many places as there are columns. Fewer of wide rows. */
#define STAGED_ROWS   1024u
#define STAGED_VALUES (1u << 18)

union staged {
    double number;
    const char *text; /* of the part's pool; NULL is missing */
};

/* What one worker has seen of a column. */
struct column_part {
    struct column_kind kind;
    struct text_pool pool;
    bool waits;
};

struct part {
    struct crew *crew;
    struct column_part *column; /* [columns] */
    struct check_bad_rows bad;
    size_t begin, next;   /* where the block's rows and the next of them are stored */
    union staged *staged; /* [columns][crew->staged_rows] rows that are to be stored there */
    size_t rows;          /* of them */
};

/* Where the rows of a block are. */
struct run {
    size_t begin, rows;
};

struct crew {
    struct check_loader *loader;
    bool alone; /* a single thread reads, which may decide types */
    size_t staged_rows;
    struct part part[CSV_CREW_MOST];
    struct csv_crew csv;

    pthread_rwlock_t values; /* read: values may be stored; write: the arrays may be moved */
    size_t reserved;         /* rows of all blocks that have been taken */
    pthread_mutex_t mu;      /* guards the rest */
    struct run *run;
    size_t runs, run_capacity;
};

/* --- storage --- */

static bool is_text(const struct check_column *column)
{
    return column->decided && column->categorical;
}

static int grow_column(const struct check *check, struct check_column *column, size_t rows)
{
    if (is_text(column) && !check->keeps_texts)
        return 0;
    void **values = is_text(column) ? (void **)&column->text : (void **)&column->number;
    void *larger = realloc(
        *values, rows * (is_text(column) ? sizeof(*column->text) : sizeof(*column->number)));
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

static int reserve(struct csv_worker *worker)
{
    struct part *part = worker->context;
    struct crew *crew = part->crew;
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

static void store_column(const struct part *part, size_t i)
{
    const struct check_column *column = &part->crew->loader->check->columns.column[i];
    const union staged *staged = part->staged + i * part->crew->staged_rows;
    if (column->number)
        memcpy(column->number + part->next, staged, part->rows * sizeof(*staged));
    if (column->text)
        memcpy(column->text + part->next, staged, part->rows * sizeof(*staged));
    if (!is_text(column))
        return;
    for (size_t r = 0; r < part->rows; r++)
        if (staged[r].text)
            ++*text_pool_counter(staged[r].text);
}

static void store(struct part *part)
{
    pthread_rwlock_rdlock(&part->crew->values);
    for (size_t i = 0; i < part->crew->loader->check->columns.count; i++)
        store_column(part, i);
    pthread_rwlock_unlock(&part->crew->values);
    part->next += part->rows;
    part->rows = 0;
}

static int remember_run(struct crew *crew, struct run run)
{
    int rc = 0;
    pthread_mutex_lock(&crew->mu);
    if (crew->runs == crew->run_capacity) {
        const size_t capacity = crew->run_capacity ? 2 * crew->run_capacity : 64;
        struct run *larger = realloc(crew->run, capacity * sizeof(*larger));
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
    const struct run *x = a, *y = b;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

static void move_rows(struct check_columns *columns, size_t to, const struct run *run)
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

static void close_gaps(struct crew *crew)
{
    struct check_loader *loader = crew->loader;
    qsort(crew->run, crew->runs, sizeof(*crew->run), by_begin);
    for (size_t i = 0; i < crew->runs; i++) {
        if (crew->run[i].begin != loader->rows && crew->run[i].rows > 0)
            move_rows(&loader->check->columns, loader->rows, &crew->run[i]);
        loader->rows += crew->run[i].rows;
    }
}

/* --- fields: 0, 1 for a bad row (counted), or -ENOMEM --- */

/* The place of the next row's value. */
static union staged *staged_value(const struct part *part, size_t i)
{
    return &part->staged[i * part->crew->staged_rows + part->rows];
}

static int bad_field(struct part *part, size_t i, uint64_t line, const struct csv_field *field,
                     int error)
{
    const struct check *check = part->crew->loader->check;
    check_bad_field(&part->bad, check->settings->reference, line, check->columns.column[i].name,
                    field, error);
    return 1;
}

static int set_text(struct part *part, size_t i, uint64_t line, const struct csv_field *field)
{
    union staged *value = staged_value(part, i);
    value->text = NULL;
    if (text_value_is_missing(field->text, field->bytes))
        return 0;
    if (!utf8_is_valid(field->text, field->bytes))
        return bad_field(part, i, line, field, 0);
    value->text = text_pool_intern(&part->column[i].pool, field->text, field->bytes);
    return value->text ? 0 : -ENOMEM;
}

/* The value is stored in the second reading. */
static int wait(struct part *part, size_t i)
{
    part->column[i].waits = true;
    return 0;
}

/* All values before were missing. */
static int decide_text(const struct part *part, size_t i)
{
    const struct check *check = part->crew->loader->check;
    struct check_column *column = &check->columns.column[i];
    check_column_become_text(column);
    for (size_t r = 0; r < part->rows; r++)
        part->staged[i * part->crew->staged_rows + r].text = NULL;
    if (check->keeps_texts)
        column->text = calloc(part->crew->loader->capacity, sizeof(*column->text));
    return check->keeps_texts && !column->text ? -ENOMEM : 0;
}

/* A column without a configured type counts as numeric until a field is not a number, or one of its
 * whole numbers has leading zeros. Numbers that have been stored by then no longer have their text.
 */
static int become_text(struct part *part, size_t i, uint64_t line, const struct csv_field *field)
{
    const struct crew *crew = part->crew;
    if (crew->loader->check->columns.column[i].decided || !crew->alone)
        return wait(part, i);
    const int rc = decide_text(part, i);
    return rc < 0 ? rc : set_text(part, i, line, field);
}

static int text_among_numbers(struct part *part, size_t i, uint64_t line,
                              const struct csv_field *field)
{
    const struct check_loader *loader = part->crew->loader;
    if (loader->check->settings->model)
        return bad_field(part, i, line, field, -EINVAL);
    if (loader->second && loader->check->columns.column[i].kind.texts > 0)
        return bad_field(part, i, line, field, -EINVAL);
    return become_text(part, i, line, field);
}

/* rc: the result of csv_field_number(). Whole numbers beyond any double are identifiers, whose
 * column is left out. */
static int set_number(struct part *part, size_t i, uint64_t line, const struct csv_field *field,
                      double number, int rc)
{
    const struct check_loader *loader = part->crew->loader;
    struct check_column *column = &loader->check->columns.column[i];
    if (rc == -EINVAL)
        return text_among_numbers(part, i, line, field);
    if (column_kind_are_codes(&part->column[i].kind) && !loader->second &&
        !loader->check->settings->model)
        return become_text(part, i, line, field);
    if (rc < 0 && !column_kind_is_whole(field->text, field->bytes))
        return bad_field(part, i, line, field, rc);
    if (!column->decided && !text_value_is_missing(field->text, field->bytes)) {
        if (!part->crew->alone)
            return wait(part, i);
        column->decided = true;
    }
    staged_value(part, i)->number = number;
    return 0;
}

static int set_field(struct part *part, size_t i, uint64_t line, const struct csv_field *field,
                     double number, int rc)
{
    const struct check_column *column = &part->crew->loader->check->columns.column[i];
    if (is_text(column))
        return set_text(part, i, line, field);
    if (part->column[i].waits)
        return 0;
    return set_number(part, i, line, field, number, rc);
}

/* --- rows --- */

/* The types are judged by all fields of all rows, including bad rows. */
static int set_row(struct part *part, const struct csv_rows *csv)
{
    const struct check_loader *loader = part->crew->loader;
    const struct check_columns *columns = &loader->check->columns;
    const bool given = loader->check->settings->model;
    const bool counts = !loader->second;
    int rc = 0;
    for (size_t i = 0; i < columns->count && (rc == 0 || (counts && !given)); i++) {
        const struct check_column *column = &columns->column[i];
        const struct csv_field *field = &csv->fields[column->reference_position];
        double number = NAN;
        const bool text = is_text(column) && (given || !counts);
        const int parsed = text ? 0 : csv_field_number(field, &number);
        if (counts && !text)
            column_kind_count(&part->column[i].kind, csv->line, field->text, field->bytes, parsed,
                              number);
        if (rc == 0)
            rc = set_field(part, i, csv->line, field, number, parsed);
    }
    return rc;
}

static int read_row(struct part *part, const struct csv_rows *csv)
{
    const struct check *check = part->crew->loader->check;
    if (csv->count != check->columns.reference.count) {
        check_bad_length(&part->bad, check->settings->reference, csv->line, csv->count,
                         check->columns.reference.count);
        return 0;
    }
    const int rc = set_row(part, csv);
    part->rows += rc == 0;
    if (part->rows == part->crew->staged_rows)
        store(part);
    return rc < 0 ? rc : 0;
}

static int parse_block(struct csv_worker *worker)
{
    struct part *part = worker->context;
    int rc;
    while ((rc = csv_rows_next(&worker->rows, &worker->error)) > 0) {
        worker->read_rows++;
        rc = read_row(part, &worker->rows);
        if (rc < 0)
            return error_set(&worker->error, rc, "%s", strerror(-rc));
    }
    if (rc < 0)
        return rc;
    store(part);
    return remember_run(part->crew, (struct run){part->begin, part->next - part->begin});
}

/* --- the file --- */

int check_fail_changed(struct check *check)
{
    return error_set(&check->error, -EBADMSG, "%.200s changed while it was read",
                     check->settings->reference);
}

static int read_header(struct crew *crew)
{
    const struct check_loader *loader = crew->loader;
    struct check *check = loader->check;
    const struct csv_rows *rows = &crew->csv.worker[0].rows;
    int rc = csv_crew_header(&crew->csv, &check->error);
    if (rc < 0)
        return rc;
    check->reference_format = crew->csv.format;
    if (loader->second)
        return rows->count == check->columns.reference.count ? 0 : check_fail_changed(check);
    rc = check_header_copy(&check->columns.reference, rows->fields, rows->count);
    if (rc == 0)
        rc = check_columns_choose(&check->columns, check->settings, &check->error);
    check->wrong_use = rc == -EINVAL;
    return rc;
}

bool check_can_read_again(const struct check *check)
{
    struct stat about;
    return stat(check->settings->reference, &about) == 0 && S_ISREG(about.st_mode);
}

/* A pipe cannot be read a second time, so its types are decided as its rows come. */
static size_t parts_of(const struct check *check)
{
    return check_can_read_again(check) ? csv_crew_size() : 1;
}

static int create_part(struct crew *crew, struct part *part)
{
    const size_t columns = crew->loader->check->columns.count;
    part->crew = crew;
    part->column = calloc(columns, sizeof(*part->column));
    part->staged = calloc(columns * crew->staged_rows, sizeof(*part->staged));
    return part->column && part->staged ? 0 : -ENOMEM;
}

static int create_parts(struct crew *crew, size_t count)
{
    const size_t most = STAGED_VALUES / crew->loader->check->columns.count + 1;
    crew->staged_rows = most < STAGED_ROWS ? most : STAGED_ROWS;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = create_part(crew, &crew->part[i]);
        crew->csv.worker[i].context = &crew->part[i];
    }
    return rc;
}

static bool all_decided(const struct check_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++)
        if (!columns->column[i].decided)
            return false;
    return true;
}

/* 1 when all types are decided or that takes too long, 0 at the end of the file, or an error. */
static int decide(struct crew *crew)
{
    int rc = 1;
    while (rc > 0 && !all_decided(&crew->loader->check->columns) &&
           crew->csv.progress.bytes < DECIDING_BYTES)
        rc = csv_crew_step(&crew->csv);
    return rc;
}

/* What the parts have seen together. 0 or -ENOMEM. */
static int join_parts(struct crew *crew)
{
    struct check *check = crew->loader->check;
    for (size_t p = 0; p < CSV_CREW_MOST && crew->part[p].column; p++) {
        struct part *part = &crew->part[p];
        check_bad_rows_merge(&check->bad_reference, &part->bad);
        for (size_t i = 0; i < check->columns.count; i++) {
            struct check_column *column = &check->columns.column[i];
            column_kind_add(&column->kind, &part->column[i].kind);
            column->waits |= part->column[i].waits;
            crew->loader->again |= part->column[i].waits;
            if (text_pool_absorb(&column->pool, &part->column[i].pool) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

static int read_rows(struct crew *crew)
{
    struct check *check = crew->loader->check;
    const size_t count = parts_of(check);
    int rc = create_parts(crew, count);
    crew->alone = true;
    if (rc == 0 && count > 1)
        rc = decide(crew);
    else if (rc == 0)
        rc = 1;
    crew->alone = count == 1;
    if (rc > 0)
        csv_crew_run(&crew->csv, count);
    const struct csv_worker *failed = csv_crew_failure(&crew->csv);
    if (failed) {
        check->error = failed->error;
        return failed->result;
    }
    if (rc < 0)
        return rc;
    close_gaps(crew);
    return join_parts(crew);
}

static void finish_parts(struct crew *crew)
{
    for (size_t p = 0; p < CSV_CREW_MOST && crew->part[p].column; p++) {
        for (size_t i = 0; i < crew->loader->check->columns.count; i++)
            text_pool_finish(&crew->part[p].column[i].pool);
        free(crew->part[p].column);
        free(crew->part[p].staged);
    }
}

int check_loader_read(struct check_loader *loader)
{
    static const struct csv_crew_calls calls = {.take = reserve, .parse = parse_block};
    struct check *check = loader->check;
    struct crew crew = {.loader = loader};
    int rc = csv_crew_open(&crew.csv, check->settings->reference, check->settings->reference_format,
                           &calls, &check->error);
    if (rc < 0)
        return rc;
    pthread_rwlock_init(&crew.values, NULL);
    pthread_mutex_init(&crew.mu, NULL);
    rc = read_header(&crew);
    if (rc == 0)
        rc = read_rows(&crew);
    finish_parts(&crew);
    free(crew.run);
    pthread_mutex_destroy(&crew.mu);
    pthread_rwlock_destroy(&crew.values);
    csv_crew_close(&crew.csv);
    return rc;
}
