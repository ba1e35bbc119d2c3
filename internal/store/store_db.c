/*
 * The connection: how SQLite is set up, and what it may do afterwards.
 *
 * Layout (user_version is the format's number; another one is refused, not guessed at):
 *
 *   status     one row: a record with witness, digest and the floors of history and replies (store.c)
 *   resource   rows in the order they came, an index of names, and one of names by kind for lists. A row is some 500
 *              bytes: in a tree by name, a page of 4 KiB would hold seven, and every fourth create would shuffle pages
 *   reference  (from, to), and an index the other way round for "in use"
 *   cell       values and counters, few and small, all in memory while the store is open (store_cells.c)
 *   reply      a row for each group, or more; the way from request id to place is in memory (store_replies.c)
 *   history    a row for each group's events, or more, with a checksum, for it is not in the digest (store_history.c)
 *
 * Set-up runs first. Then the statements are prepared, and an authorizer is left in place that knows our tables and
 * nothing else: were a text from outside ever to reach SQL, it could not attach, drop, or set a pragma.
 *
 * The database is checked whole when it is opened (integrity_check compares tables with indexes); the digests of the
 * rows follow in store_load.c. A node that starts on damaged state would spread it by snapshot.
 *
 * What is deleted is overwritten where that costs no page of its own (secure_delete=FAST). SQLite as Debian builds it
 * goes further: each page that history gives up is read, filled with zeros, written to the log and checkpointed.
 *
 * WAL with synchronous=NORMAL: a commit is one append without a sync; only a checkpoint syncs. SQLite's own checkpoint
 * at commit hides its errors, so it is turned off, and the store checkpoints by itself once the log is
 * CHECKPOINT_PAGES long, the slow part of it on a worker.
 */
#include "store/store_db.h"
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

#define FORMAT 2
#define APPLICATION 0x50747273 /* "Ptrs" */

static const char *const statement_sql[STORE_STATEMENTS_LEN] = {
#define STORE_STATEMENT_SQL(name, sql) [STORE_##name] = sql,
    STORE_STATEMENTS(STORE_STATEMENT_SQL)
#undef STORE_STATEMENT_SQL
};

static const char *const tables[] = {"status", "resource", "reference", "cell", "reply", "history"};
static const char *const functions[] = {"count", "max", "coalesce", "substr"};

/* Before the first access to a file: exclusive mode keeps SQLite from wanting shared memory. */
static const char pragmas[] = "PRAGMA locking_mode = EXCLUSIVE;"
                              "PRAGMA journal_mode = WAL;"
                              "PRAGMA synchronous = NORMAL;"
                              "PRAGMA temp_store = MEMORY;"
                              "PRAGMA cache_size = -2048;"
                              "PRAGMA secure_delete = FAST;"
                              "PRAGMA cell_size_check = ON;"
                              "PRAGMA foreign_keys = OFF;"
                              "PRAGMA journal_size_limit = 33554432;";

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE status (id INTEGER PRIMARY KEY CHECK (id = 1), record BLOB NOT NULL) STRICT;"
    "CREATE TABLE resource (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind_id INTEGER NOT NULL,"
    " value BLOB NOT NULL, uid TEXT NOT NULL, etag TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;"
    "CREATE INDEX resource_kind ON resource (kind_id, name);"
    "CREATE TABLE reference (from_name TEXT NOT NULL, to_name TEXT NOT NULL, PRIMARY KEY (from_name, to_name))"
    " STRICT, WITHOUT ROWID;"
    "CREATE INDEX reference_to ON reference (to_name);"
    "CREATE TABLE cell (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE reply (first_seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE history (first_key INTEGER PRIMARY KEY, body BLOB NOT NULL, crc INTEGER NOT NULL) STRICT;"
    "INSERT INTO status (id, record) VALUES (1, x'');"
    "PRAGMA application_id = 1349808755;"
    "PRAGMA user_version = 2;"
    "COMMIT;";

_Static_assert(FORMAT == 2 && APPLICATION == 1349808755, "the schema's text holds the same numbers");

enum pt_code store_db_fail(struct store_db *db, int rc, struct pt_error *reterr)
{
    if (db->failure.code == PT_OK) {
        const struct pt_error *file = store_vfs_failure(db->vfs);
        if (file->code != PT_OK) {
            db->failure = *file;
        } else {
            int primary = rc & 0xff;
            /* Our statements are fixed: one that does not fit the tables, or a row its rules, means other tables. */
            bool damaged = primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_ERROR ||
                           primary == SQLITE_CONSTRAINT || primary == SQLITE_MISMATCH;
            enum pt_code code = damaged ? PT_CORRUPT : primary == SQLITE_FULL ? PT_NO_SPACE : PT_IO;
            (void)pt_fail(&db->failure, code, code == PT_NO_SPACE ? PT_REASON_NO_SPACE : PT_REASON_NONE, NULL,
                          "the database: %s (SQLite %d)",
                          db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc), rc);
        }
    }
    if (reterr != NULL) {
        *reterr = db->failure;
    }
    return db->failure.code;
}

enum pt_code store_db_corrupt(struct store_db *db, struct pt_error *reterr, const char *format, ...)
{
    if (store_vfs_failure(db->vfs)->code != PT_OK) {
        return store_db_fail(db, SQLITE_IOERR, reterr); /* what could not be read looks damaged, and is not */
    }
    char text[PT_ERROR_TEXT_SIZE / 2];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (db->failure.code == PT_OK) {
        (void)pt_fail(&db->failure, PT_CORRUPT, PT_REASON_NONE, NULL, "the database is damaged: %s", text);
    }
    if (reterr != NULL) {
        *reterr = db->failure;
    }
    return db->failure.code;
}

static enum pt_code execute(struct store_db *db, const char *sql, struct pt_error *reterr)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? PT_OK : store_db_fail(db, rc, reterr);
}

/* First column of the first row, as text; for pragmas at set-up. */
static enum pt_code ask(struct store_db *db, const char *sql, char *ret_text, size_t size, struct pt_error *reterr)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(statement);
    }
    if (rc == SQLITE_ROW) {
        (void)snprintf(ret_text, size, "%s", store_column_text(statement, 0));
    }
    (void)sqlite3_finalize(statement); /* repeats the error of the step, which is reported below */
    return rc == SQLITE_ROW ? PT_OK : store_db_fail(db, rc, reterr);
}

static int authorize(void *arg, int action, const char *a, const char *b, const char *database, const char *trigger)
{
    (void)arg;
    (void)database;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_TRANSACTION:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        for (size_t i = 0; b != NULL && i < sizeof(functions) / sizeof(functions[0]); i++) {
            if (strcmp(b, functions[i]) == 0) {
                return SQLITE_OK;
            }
        }
        return SQLITE_DENY;
    case SQLITE_READ:
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        for (size_t i = 0; trigger == NULL && i < sizeof(tables) / sizeof(tables[0]); i++) {
            if (strcmp(a, tables[i]) == 0) {
                return SQLITE_OK;
            }
        }
        return SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}

static int note_wal(void *arg, sqlite3 *handle, const char *name, int pages)
{
    (void)handle;
    (void)name;
    ((struct store_db *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

static void harden(sqlite3 *handle)
{
    (void)sqlite3_extended_result_codes(handle, 1);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    (void)sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_limit(handle, SQLITE_LIMIT_SQL_LENGTH, 4096);
    (void)sqlite3_limit(handle, SQLITE_LIMIT_VARIABLE_NUMBER, 8);
}

/* Make the tables in an empty database; check the format of another. */
static enum pt_code found(struct store_db *db, struct pt_error *reterr)
{
    char text[256];
    PT_TRY(ask(db, "SELECT count(*) FROM sqlite_schema", text, sizeof(text), reterr));
    if (strcmp(text, "0") == 0) {
        PT_TRY(execute(db, schema, reterr));
        return store_vfs_flush(db->vfs, reterr);
    }
    PT_TRY(ask(db, "PRAGMA application_id", text, sizeof(text), reterr));
    if (strtol(text, NULL, 10) != APPLICATION) {
        return store_db_corrupt(db, reterr, "it is not a database of this program");
    }
    PT_TRY(ask(db, "PRAGMA user_version", text, sizeof(text), reterr));
    if (strtol(text, NULL, 10) != FORMAT) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, NULL,
                       "the database has format %s and this program reads format %d", text, FORMAT);
    }
    PT_TRY(ask(db, "PRAGMA integrity_check(1)", text, sizeof(text), reterr));
    if (strcmp(text, "ok") != 0) {
        return store_db_corrupt(db, reterr, "%s", text);
    }
    return PT_OK;
}

enum pt_code store_db_open(struct store_db *db, struct pt_sys *sys, const char *path, struct pt_error *reterr)
{
    /* SQLite would count its memory, under a lock for each piece that it takes or gives back: fourteen a create, and
     * nobody asks. It is a setting of the process, before the first connection of its life; later it is refused. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    *db = (struct store_db){.vfs = store_vfs_new(sys)};
    int rc = sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                             store_vfs_name(db->vfs));
    if (rc != SQLITE_OK) {
        return store_db_fail(db, rc, reterr);
    }
    harden(db->handle);
    PT_TRY(execute(db, pragmas, reterr));
    char mode[16];
    PT_TRY(ask(db, "PRAGMA journal_mode", mode, sizeof(mode), reterr));
    if (strcmp(mode, "wal") != 0) {
        return store_db_corrupt(db, reterr, "it does not take a write-ahead log");
    }
    (void)sqlite3_wal_hook(db->handle, note_wal, db); /* replaces SQLite's own checkpoint */
    PT_TRY(found(db, reterr));
    (void)sqlite3_set_authorizer(db->handle, authorize, NULL);
    for (size_t i = 0; i < STORE_STATEMENTS_LEN; i++) {
        rc = sqlite3_prepare_v3(db->handle, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &db->statements[i], NULL);
        if (rc != SQLITE_OK) {
            return store_db_fail(db, rc, reterr);
        }
    }
    return PT_OK;
}

void store_db_close(struct store_db *db)
{
    if (db->failure.code != PT_OK && db->vfs != NULL) {
        store_vfs_abandon(db->vfs); /* nothing more may be written on top of what could not be */
    } else if (db->vfs != NULL) {
        store_vfs_checkpoint_wait(db->vfs); /* what it copies must not meet what closing copies */
    }
    for (size_t i = 0; i < STORE_STATEMENTS_LEN; i++) {
        (void)sqlite3_finalize(db->statements[i]); /* repeats an error that was reported when it arose */
    }
    int rc = sqlite3_close(db->handle);
    pt_assert(rc == SQLITE_OK);
    store_vfs_free(db->vfs);
    *db = (struct store_db){0};
}

void store_db_abandon(struct store_db *db)
{
    if (db->vfs != NULL) {
        store_vfs_abandon(db->vfs);
    }
    store_db_close(db);
}

enum pt_code store_db_statement(struct store_db *db, enum store_statement which, sqlite3_stmt **ret_statement,
                                struct pt_error *reterr)
{
    if (db->failure.code != PT_OK) {
        return store_db_fail(db, SQLITE_ERROR, reterr);
    }
    pt_assert(!sqlite3_stmt_busy(db->statements[which]));
    *ret_statement = db->statements[which];
    return PT_OK;
}

enum pt_code store_db_borrow(struct store_db *db, enum store_statement which, sqlite3_stmt **ret_statement,
                             struct pt_error *reterr)
{
    if (db->failure.code != PT_OK || !sqlite3_stmt_busy(db->statements[which])) {
        return store_db_statement(db, which, ret_statement, reterr);
    }
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db->handle, statement_sql[which], -1, &statement, NULL);
    if (rc != SQLITE_OK) {
        return store_db_fail(db, rc, reterr);
    }
    *ret_statement = statement;
    return PT_OK;
}

void store_db_return(struct store_db *db, enum store_statement which, sqlite3_stmt *statement)
{
    if (statement == db->statements[which]) {
        (void)sqlite3_reset(statement); /* an error of the last step was reported by it */
    } else {
        (void)sqlite3_finalize(statement);
    }
}

enum pt_code store_db_run(struct store_db *db, sqlite3_stmt *statement, struct pt_error *reterr)
{
    int rc = sqlite3_step(statement);
    (void)sqlite3_reset(statement); /* repeats the step's result */
    return rc == SQLITE_DONE ? PT_OK : store_db_fail(db, rc, reterr);
}

enum pt_code store_db_step(struct store_db *db, sqlite3_stmt *statement, bool *ret_row, struct pt_error *reterr)
{
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) {
        *ret_row = true;
        return PT_OK;
    }
    (void)sqlite3_reset(statement);
    if (rc != SQLITE_DONE) {
        return store_db_fail(db, rc, reterr);
    }
    *ret_row = false;
    return PT_OK;
}

enum pt_code store_db_do(struct store_db *db, enum store_statement which, struct pt_error *reterr)
{
    sqlite3_stmt *statement = NULL;
    PT_TRY(store_db_statement(db, which, &statement, reterr));
    return store_db_run(db, statement, reterr);
}

enum pt_code store_db_checkpoint(struct store_db *db, enum store_checkpoint how, struct pt_error *reterr)
{
    store_vfs_checkpoint_wait(db->vfs);
    if (db->failure.code != PT_OK || store_vfs_failure(db->vfs)->code != PT_OK) {
        return store_db_fail(db, SQLITE_ERROR, reterr);
    }
    int pages = 0;
    int moved = 0;
    if (how == STORE_CHECKPOINT_BEHIND) {
        store_vfs_checkpoint_begin(db->vfs);
    }
    int rc = sqlite3_wal_checkpoint_v2(
        db->handle, NULL, how == STORE_CHECKPOINT_WHOLE ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
        &pages, &moved);
    if (how == STORE_CHECKPOINT_BEHIND) {
        store_vfs_checkpoint_end(db->vfs);
    }
    if (rc != SQLITE_OK) {
        return store_db_fail(db, rc, reterr);
    }
    pt_assert(moved == pages); /* nobody else reads, so nothing can be left behind */
    db->wal_pages = 0;
    return PT_OK;
}
