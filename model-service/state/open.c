/* open.c - opens and closes a store. */
#include "state/internal.h"

#include "text/excerpt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Somebody who reads the file (`state list`) may hold a page for a moment. */
#define BUSY_MS 2000
/* The write-ahead log is cut back to this after a large transaction. */
#define SETTINGS                                                                                   \
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216;"  \
    "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;"
/* "drft": tells the file from other programs' databases. */
#define APPLICATION_ID "1685218932"

/* Statements that bring a file of version i to version i + 1. */
static const char *const steps[STATE_VERSION] = {
    "CREATE TABLE clock(one INTEGER PRIMARY KEY CHECK (one = 1), boot TEXT NOT NULL,"
    " monotonic_ms INTEGER NOT NULL, tick_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL);"
    "CREATE TABLE model(name TEXT PRIMARY KEY, identity INTEGER NOT NULL,"
    " saved_ms INTEGER NOT NULL);"
    "CREATE TABLE piece(model TEXT NOT NULL, part INTEGER NOT NULL, sequence INTEGER NOT NULL,"
    " hash INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (model, part, sequence));"
    "PRAGMA application_id = " APPLICATION_ID ";",
    /* The windows' pieces end in the evidence of changes, and there is the part of the history.
     * Both may be missing, so nothing changes; a program of version 1 would take them for damage.
     */
    "SELECT 1;",
};

int state_path(char path[STATE_PATH_BYTES], const char *directory, const char *file,
               struct error *error)
{
    const int bytes = snprintf(path, STATE_PATH_BYTES, "%s/%s", directory, file);
    if (bytes > 0 && bytes < STATE_PATH_BYTES)
        return 0;
    return error_set(error, -ENAMETOOLONG, "%s: the path is too long",
                     excerpt_path(directory).text);
}

int state_errno(int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EBADMSG;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return -EACCES;
    default:
        return -EIO;
    }
}

int state_refuse(struct state_store *store, int result, struct error *error)
{
    const int number = store->database ? sqlite3_system_errno(store->database) : 0;
    return error_set(error, state_errno(result), "%s: %s%s%s", store->path, sqlite3_errstr(result),
                     number ? ": " : "", number ? strerror(number) : "");
}

int state_run(struct state_store *store, const char *sql)
{
    return state_errno(sqlite3_exec(store->database, sql, NULL, NULL, NULL));
}

/* The number that a statement answers with. */
static int read_number(struct state_store *store, const char *sql, int64_t *ret_number)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *ret_number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return result == SQLITE_ROW ? 0 : result == SQLITE_DONE ? -EBADMSG : state_errno(result);
}

static int check_sound(struct state_store *store, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(store->database, "PRAGMA quick_check(1)", -1, &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    const char *said =
        result == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    int rc = 0;
    if (!said)
        rc = state_refuse(store, result == SQLITE_ROW ? SQLITE_NOMEM : result, error);
    else if (strcmp(said, "ok") != 0)
        rc = error_set(error, -EBADMSG, "%s: %s", store->path, said);
    sqlite3_finalize(statement);
    return rc;
}

static int check_version(struct state_store *store, int64_t *ret_version, struct error *error)
{
    int64_t application = 0;
    int rc = read_number(store, "PRAGMA user_version", ret_version);
    if (rc == 0)
        rc = read_number(store, "PRAGMA application_id", &application);
    if (rc < 0)
        return error_set(error, rc, "%s: %s", store->path, sqlite3_errmsg(store->database));
    if (*ret_version > STATE_VERSION)
        return error_set(error, -EPROTO,
                         "%s: its version is %lld and this program knows versions up to %d; start "
                         "the newer program, or name another directory",
                         store->path, (long long)*ret_version, STATE_VERSION);
    if (*ret_version > 0 && application != strtoll(APPLICATION_ID, NULL, 10))
        return error_set(error, -EBADMSG, "%s: it is not a state of this program", store->path);
    return 0;
}

static int migrate(struct state_store *store, int64_t version, struct error *error)
{
    char done[64];
    int rc = 0;
    for (; rc == 0 && version < STATE_VERSION; version++) {
        snprintf(done, sizeof(done), "PRAGMA user_version = %lld; COMMIT;", (long long)version + 1);
        rc = state_run(store, "BEGIN IMMEDIATE");
        if (rc == 0)
            rc = state_run(store, steps[version]);
        if (rc == 0)
            rc = state_run(store, done);
    }
    return rc < 0 ? error_set(error, rc, "%s: %s", store->path, sqlite3_errmsg(store->database))
                  : 0;
}

int state_open_file(struct state_store *store, int flags, struct error *error)
{
    const bool writes = flags & SQLITE_OPEN_READWRITE;
    int64_t version = 0;
    const int result = sqlite3_open_v2(store->path, &store->database,
                                       flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (result != SQLITE_OK)
        return state_refuse(store, result, error);
    sqlite3_busy_timeout(store->database, BUSY_MS);
    sqlite3_db_config(store->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    int rc = writes ? state_run(store, SETTINGS) : 0;
    if (rc < 0)
        return error_set(error, rc, "%s: %s", store->path, sqlite3_errmsg(store->database));
    rc = check_sound(store, error);
    if (rc == 0)
        rc = check_version(store, &version, error);
    if (rc == 0 && !writes && version == 0)
        rc = error_set(error, -EBADMSG, "%s: it is not a state of this program", store->path);
    return rc == 0 && writes ? migrate(store, version, error) : rc;
}

/* --- the lock --- */

static int take_lock(struct state_store *store, const char *directory, struct error *error)
{
    char path[STATE_PATH_BYTES];
    const int rc = state_path(path, directory, "state.lock", error);
    if (rc < 0)
        return rc;
    store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (store->lock < 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    if (flock(store->lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno != EWOULDBLOCK)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    return error_set(error, -EBUSY,
                     "%s: another service keeps its state in this directory; stop it, or give each "
                     "service a directory of its own",
                     directory);
}

/* --- the file --- */

/* Makes the file, for this user alone, as SQLite would make it for everybody to read. A FIFO or a
 * device in its place would hold up the start. */
static int make_file(const struct state_store *store, struct error *error)
{
    struct stat about;
    const int file = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
    if (file < 0 || fstat(file, &about) < 0) {
        const int rc = -errno;
        if (file >= 0)
            close(file);
        return error_set(error, rc, "%s: %s", store->path, strerror(-rc));
    }
    close(file);
    return S_ISREG(about.st_mode)
               ? 0
               : error_set(error, -EINVAL, "%s: it is not a regular file", store->path);
}

/* Only the last damaged file is kept, so that a disk that keeps failing does not fill. */
static int set_aside(const struct state_store *store)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    int rc = 0;
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char from[STATE_PATH_BYTES + 8], to[STATE_PATH_BYTES + 24];
        snprintf(from, sizeof(from), "%s%s", store->path, endings[i]);
        snprintf(to, sizeof(to), "%s.damaged%s", store->path, endings[i]);
        if (rename(from, to) < 0 && errno != ENOENT)
            rc = -errno;
    }
    return rc;
}

static int open_anew(struct state_store *store, int flags, struct error *error)
{
    struct error damage = *error;
    sqlite3_close(store->database);
    store->database = NULL;
    int rc = set_aside(store);
    if (rc == 0)
        rc = make_file(store, error);
    if (rc < 0)
        return error_at(error, rc, "%s: a damaged file cannot be renamed", store->path);
    rc = state_open_file(store, flags, error);
    if (rc == 0)
        error_set(&store->warning, 0,
                  "the state is damaged and begins anew; the old file is %s.damaged (%.300s)",
                  store->path, damage.text);
    return rc;
}

static int open_locked(struct state_store *store, const char *directory, struct error *error)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int rc = state_path(store->path, directory, STATE_FILE, error);
    if (rc == 0)
        rc = take_lock(store, directory, error);
    if (rc == 0)
        rc = make_file(store, error);
    if (rc < 0)
        return rc;
    rc = state_open_file(store, flags, error);
    return rc == -EBADMSG ? open_anew(store, flags, error) : rc;
}

int state_open(const char *directory, struct state_store **ret_store, struct error *error)
{
    if (mkdir(directory, 0700) < 0 && errno != EEXIST)
        return error_set(error, -errno, "%s: the state directory cannot be made: %s", directory,
                         strerror(errno));
    struct state_store *store = calloc(1, sizeof(*store));
    if (!store)
        return error_set(error, -ENOMEM, "not enough memory for the state");
    store->lock = -1;
    const int rc = open_locked(store, directory, error);
    if (rc < 0) {
        state_close(store);
        return rc;
    }
    *ret_store = store;
    return 0;
}

const char *state_warning(const struct state_store *store)
{
    return store->warning.text;
}

void state_close(struct state_store *store)
{
    if (!store)
        return;
    sqlite3_close(store->database);
    if (store->lock >= 0)
        close(store->lock);
    free(store);
}
