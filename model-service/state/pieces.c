/* pieces.c - reads and writes the pieces of models, and the clock. */
#include "state/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A clock beyond this (30 000 years) is not one that was saved here. */
#define MAX_CLOCK_MS INT64_C(1000000000000000)

uint64_t state_hash(const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* --- clock --- */

static bool clock_valid(const struct clock_mark *mark)
{
    return mark->tick_ms > 0 && mark->tick_ms < MAX_CLOCK_MS && mark->monotonic_ms >= 0 &&
           mark->monotonic_ms < MAX_CLOCK_MS && mark->wall_ms > 0 && mark->wall_ms < MAX_CLOCK_MS;
}

int state_read_clock(struct state_store *store, struct clock_mark *ret_mark)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(store->database,
                                    "SELECT boot, monotonic_ms, tick_ms, wall_ms FROM clock", -1,
                                    &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    int rc = result == SQLITE_DONE ? -ENOENT : state_errno(result);
    if (result == SQLITE_ROW) {
        struct clock_mark mark = {.monotonic_ms = sqlite3_column_int64(statement, 1),
                                  .tick_ms = sqlite3_column_int64(statement, 2),
                                  .wall_ms = sqlite3_column_int64(statement, 3)};
        const char *boot = (const char *)sqlite3_column_text(statement, 0);
        snprintf(mark.boot, sizeof(mark.boot), "%s", boot ? boot : "");
        rc = clock_valid(&mark) ? 0 : -EIO;
        if (rc == 0)
            *ret_mark = mark;
    }
    sqlite3_finalize(statement);
    return rc;
}

static int write_clock(struct state_store *store)
{
    struct clock_mark mark;
    sqlite3_stmt *statement = NULL;
    clock_mark(&mark);
    int result =
        sqlite3_prepare_v2(store->database, "INSERT OR REPLACE INTO clock VALUES (1, ?, ?, ?, ?)",
                           -1, &statement, NULL);
    if (result == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, mark.boot, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, mark.monotonic_ms);
        sqlite3_bind_int64(statement, 3, mark.tick_ms);
        sqlite3_bind_int64(statement, 4, mark.wall_ms);
        result = sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    return result;
}

/* --- reading --- */

static int read_identity(struct state_store *store, const char *name, uint64_t identity)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(store->database, "SELECT identity FROM model WHERE name = ?",
                                    -1, &statement, NULL);
    if (result == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        result = sqlite3_step(statement);
    }
    const uint64_t found =
        result == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 0) : identity;
    sqlite3_finalize(statement);
    if (result == SQLITE_DONE)
        return -ENOENT;
    return result != SQLITE_ROW ? state_errno(result) : found == identity ? 0 : -ESTALE;
}

/* The pieces of a part are numbered from 0, which is the whole one, without a gap. */
struct piece_order {
    int64_t part, next;
};

static int read_piece(sqlite3_stmt *row, struct piece_order *order, state_told told, void *context)
{
    const int64_t part = sqlite3_column_int64(row, 0), sequence = sqlite3_column_int64(row, 1);
    const void *bytes = sqlite3_column_blob(row, 3);
    const size_t size = (size_t)sqlite3_column_bytes(row, 3);
    if (part != order->part)
        *order = (struct piece_order){.part = part};
    const bool sound = sequence == order->next++ && bytes &&
                       state_hash(bytes, size) == (uint64_t)sqlite3_column_int64(row, 2);
    return told(context, (unsigned)part, sequence == 0, sound ? bytes : NULL, size);
}

int state_read_model(struct state_store *store, const char *name, uint64_t identity,
                     state_told told, void *context)
{
    int rc = read_identity(store, name, identity);
    if (rc < 0)
        return rc;
    sqlite3_stmt *statement = NULL;
    struct piece_order order = {.part = -1};
    int result =
        sqlite3_prepare_v2(store->database,
                           "SELECT part, sequence, hash, content FROM piece WHERE model = ?"
                           " ORDER BY part, sequence",
                           -1, &statement, NULL);
    if (result == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        while (rc == 0 && (result = sqlite3_step(statement)) == SQLITE_ROW)
            rc = read_piece(statement, &order, told, context);
    }
    sqlite3_finalize(statement);
    if (rc == 0 && result == SQLITE_DONE && order.part < 0)
        return -ENOENT;
    return rc != 0 ? rc : state_errno(result);
}

/* --- writing --- */

static int give_up(struct state_store *store, int result, struct error *error)
{
    const int rc = state_refuse(store, result, error);
    if (!sqlite3_get_autocommit(store->database))
        (void)state_run(store, "ROLLBACK");
    return rc;
}

int state_begin(struct state_store *store, struct error *error)
{
    const int result = sqlite3_exec(store->database, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    return result == SQLITE_OK ? 0 : give_up(store, result, error);
}

/* Runs a statement whose first parameters are the model's name and a number. */
static int run_for(struct state_store *store, const char *sql, const char *name, int64_t number,
                   const struct state_piece *piece)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL);
    if (result == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        if (sqlite3_bind_parameter_count(statement) > 1)
            sqlite3_bind_int64(statement, 2, number);
        if (piece) {
            sqlite3_bind_int64(statement, 3, (int64_t)state_hash(piece->bytes, piece->size));
            sqlite3_bind_blob64(statement, 4, piece->bytes, piece->size, SQLITE_STATIC);
        } else if (sqlite3_bind_parameter_count(statement) > 2) {
            sqlite3_bind_int64(statement, 3, clock_wall_ms());
        }
        result = sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    return result;
}

static int write_piece(struct state_store *store, const char *name, const struct state_piece *piece)
{
    int result = SQLITE_DONE;
    if (piece->whole)
        result = run_for(store, "DELETE FROM piece WHERE model = ?1 AND part = ?2", name,
                         piece->part, NULL);
    if (result != SQLITE_DONE)
        return result;
    return run_for(store,
                   "INSERT INTO piece SELECT ?1, ?2, COALESCE((SELECT MAX(sequence) + 1 FROM piece"
                   " WHERE model = ?1 AND part = ?2), 0), ?3, ?4",
                   name, piece->part, piece);
}

int state_write(struct state_store *store, const char *name, uint64_t identity, bool all,
                const struct state_piece *pieces, size_t count, struct error *error)
{
    int result = SQLITE_DONE;
    if (all)
        result = run_for(store, "DELETE FROM piece WHERE model = ?1", name, 0, NULL);
    if (result == SQLITE_DONE)
        result = run_for(store, "INSERT OR REPLACE INTO model VALUES (?1, ?2, ?3)", name,
                         (int64_t)identity, NULL);
    for (size_t i = 0; result == SQLITE_DONE && i < count; i++)
        result = write_piece(store, name, &pieces[i]);
    return result == SQLITE_DONE ? 0 : give_up(store, result, error);
}

int state_commit(struct state_store *store, struct error *error)
{
    int result = write_clock(store);
    if (result == SQLITE_DONE)
        result = sqlite3_exec(store->database, "COMMIT", NULL, NULL, NULL);
    return result == SQLITE_OK ? 0 : give_up(store, result, error);
}

uint64_t state_bytes(const struct state_store *store)
{
    static const char *const endings[] = {"", "-wal"};
    uint64_t bytes = 0;
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char path[STATE_PATH_BYTES + 8];
        struct stat about;
        snprintf(path, sizeof(path), "%s%s", store->path, endings[i]);
        bytes += stat(path, &about) == 0 ? (uint64_t)about.st_size : 0;
    }
    return bytes;
}
