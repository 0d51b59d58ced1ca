/* loader.c - see the header. */
#include "check/loader_internal.h"

#include "text/excerpt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A column that is missing for longer than this is decided in a second reading. */
#define DECIDING_BYTES (UINT64_C(4) << 20)

/* Rows are stored so many at a time: a column's values are then next to each other, where single
 * rows would write to as many places as there are columns. Fewer of wide rows. */
#define STAGED_ROWS   1024u
#define STAGED_VALUES (1u << 18)

int check_fail_changed(struct check *check)
{
    return error_set(&check->error, -EBADMSG, "%s changed while it was read",
                     excerpt_path(check->settings->reference).text);
}

static int read_header(struct loader_crew *crew)
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

static int create_part(struct loader_crew *crew, struct loader_part *part)
{
    const size_t columns = crew->loader->check->columns.count;
    part->crew = crew;
    part->column = calloc(columns, sizeof(*part->column));
    part->staged = calloc(columns * crew->staged_rows, sizeof(*part->staged));
    return part->column && part->staged ? 0 : -ENOMEM;
}

static int create_parts(struct loader_crew *crew, size_t count)
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
static int decide(struct loader_crew *crew)
{
    int rc = 1;
    while (rc > 0 && !all_decided(&crew->loader->check->columns) &&
           crew->csv.progress.bytes < DECIDING_BYTES)
        rc = csv_crew_step(&crew->csv);
    return rc;
}

/* What the parts have seen together. 0 or -ENOMEM. */
static int join_parts(struct loader_crew *crew)
{
    struct check *check = crew->loader->check;
    for (size_t p = 0; p < CSV_CREW_MOST && crew->part[p].column; p++) {
        struct loader_part *part = &crew->part[p];
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

static int read_rows(struct loader_crew *crew)
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
    loader_close_gaps(crew);
    return join_parts(crew);
}

static void finish_parts(struct loader_crew *crew)
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
    static const struct csv_crew_calls calls = {.take = loader_reserve,
                                                .parse = loader_parse_block};
    struct check *check = loader->check;
    struct loader_crew crew = {.loader = loader};
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
