/* manage.c - what people do with a state: list, export, import, forget. */
#include "state/internal.h"

#include "text/excerpt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int open_to_read(struct state_store *store, const char *path, struct error *error)
{
    *store = (struct state_store){.lock = -1};
    const int bytes = snprintf(store->path, sizeof(store->path), "%s", path);
    if (bytes < 0 || bytes >= STATE_PATH_BYTES)
        return error_set(error, -ENAMETOOLONG, "%s: the path is too long", excerpt_path(path).text);
    if (access(store->path, R_OK) < 0)
        return error_set(error, -errno, "%s: %s", store->path, strerror(errno));
    return state_open_file(store, SQLITE_OPEN_READONLY, error);
}

static int open_directory(struct state_store *store, const char *directory, struct error *error)
{
    char path[STATE_PATH_BYTES];
    const int rc = state_path(path, directory, STATE_FILE, error);
    *store = (struct state_store){.lock = -1};
    return rc < 0 ? rc : open_to_read(store, path, error);
}

int state_list(const char *directory, void (*told)(void *context, const struct state_model *model),
               void *context, struct error *error)
{
    struct state_store store;
    int rc = open_directory(&store, directory, error);
    sqlite3_stmt *row = NULL;
    int result = SQLITE_DONE;
    if (rc == 0)
        result = sqlite3_prepare_v2(
            store.database,
            "SELECT name, saved_ms, SUM(LENGTH(content)), COUNT(content) FROM model"
            " LEFT JOIN piece ON model = name GROUP BY name ORDER BY name",
            -1, &row, NULL);
    while (rc == 0 && row && (result = sqlite3_step(row)) == SQLITE_ROW)
        told(context, &(struct state_model){.name = (const char *)sqlite3_column_text(row, 0),
                                            .saved_ms = sqlite3_column_int64(row, 1),
                                            .bytes = (uint64_t)sqlite3_column_int64(row, 2),
                                            .pieces = (uint64_t)sqlite3_column_int64(row, 3)});
    if (rc == 0 && result != SQLITE_DONE)
        rc = state_refuse(&store, result, error);
    sqlite3_finalize(row);
    sqlite3_close(store.database);
    return rc;
}

int state_export(const char *directory, const char *file, struct error *error)
{
    struct state_store store;
    if (access(file, F_OK) == 0)
        return error_set(error, -EEXIST, "%s: it exists already", file);
    int rc = open_directory(&store, directory, error);
    sqlite3_stmt *statement = NULL;
    if (rc == 0) {
        int result = sqlite3_prepare_v2(store.database, "VACUUM INTO ?", -1, &statement, NULL);
        if (result == SQLITE_OK) {
            sqlite3_bind_text(statement, 1, file, -1, SQLITE_STATIC);
            result = sqlite3_step(statement);
        }
        if (result != SQLITE_DONE)
            rc = error_set(error, state_errno(result), "%s: %s", file,
                           sqlite3_errmsg(store.database));
    }
    sqlite3_finalize(statement);
    sqlite3_close(store.database);
    return rc;
}

static int copy(struct state_store *to, struct state_store *from, struct error *error)
{
    sqlite3_backup *backup = sqlite3_backup_init(to->database, "main", from->database, "main");
    if (!backup)
        return state_refuse(to, sqlite3_errcode(to->database), error);
    const int result = sqlite3_backup_step(backup, -1);
    sqlite3_backup_finish(backup);
    return result == SQLITE_DONE ? 0 : state_refuse(to, result, error);
}

int state_import(const char *directory, const char *file, struct error *error)
{
    struct state_store from, *to = NULL;
    int rc = open_to_read(&from, file, error);
    if (rc == 0)
        rc = state_open(directory, &to, error);
    if (rc == 0)
        rc = copy(to, &from, error);
    state_close(to);
    sqlite3_close(from.database);
    return rc;
}

static int run_named(struct state_store *store, const char *sql, const char *name)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL);
    if (result == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        result = sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    return result == SQLITE_DONE ? 0 : state_errno(result);
}

/* The deleted pages are overwritten, not only given free. */
int state_forget(const char *directory, const char *name, size_t *ret_models, struct error *error)
{
    struct state_store *store;
    int rc = state_open(directory, &store, error);
    if (rc < 0)
        return rc;
    rc = state_run(store, "PRAGMA secure_delete = ON");
    if (rc == 0)
        rc = state_begin(store, error);
    if (rc == 0)
        rc = run_named(store, "DELETE FROM piece WHERE ?1 IS NULL OR model = ?1", name);
    if (rc == 0)
        rc = run_named(store, "DELETE FROM model WHERE ?1 IS NULL OR name = ?1", name);
    const size_t models = (size_t)sqlite3_changes(store->database);
    if (rc == 0)
        rc = state_commit(store, error);
    if (rc == 0)
        rc = state_run(store, "VACUUM");
    if (rc < 0)
        error_set(error, rc, "%s: %s", store->path, sqlite3_errmsg(store->database));
    else
        *ret_models = models;
    state_close(store);
    return rc;
}
