/*
 * One SQLite connection with every statement the store uses, prepared once. For the store's own files only.
 */
#pragma once

#include "base/buf.h"
#include "store/store_vfs.h"

#include <string.h>

/* Every SQL text that runs after set-up. Values are bound, never pasted. */
#define STORE_STATEMENTS(X)                                                                                           \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                                       \
    X(COMMIT, "COMMIT")                                                                                               \
    X(ROLLBACK, "ROLLBACK")                                                                                           \
    X(STATUS_GET, "SELECT record FROM status WHERE id = 1")                                                           \
    X(STATUS_PUT, "UPDATE status SET record = ?1 WHERE id = 1")                                                       \
    X(ROW_GET, "SELECT name, kind_id, value, uid, etag, revision FROM resource WHERE name = ?1")                      \
    X(ROW_INSERT, "INSERT INTO resource (name, kind_id, value, uid, etag, revision) VALUES (?1, ?2, ?3, ?4, ?5, ?6) " \
                  "ON CONFLICT DO NOTHING")                                                                           \
    X(ROW_UPDATE, "UPDATE resource SET kind_id = ?2, value = ?3, uid = ?4, etag = ?5, revision = ?6 WHERE name = ?1") \
    X(ROW_REMOVE, "DELETE FROM resource WHERE name = ?1")                                                             \
    X(ROW_EXISTS, "SELECT 1 FROM resource WHERE name = ?1")                                                           \
    X(ROW_SCAN, "SELECT name, kind_id, value, uid, etag, revision FROM resource "                                     \
                "WHERE name > ?2 AND name < ?3 ORDER BY name LIMIT ?4")                                               \
    X(ROW_SCAN_KIND, "SELECT name, kind_id, value, uid, etag, revision FROM resource "                                \
                     "WHERE kind_id = ?1 AND name > ?2 AND name < ?3 ORDER BY name LIMIT ?4")                         \
    X(ROW_COUNT, "SELECT count(*) FROM resource WHERE name > ?2 AND name < ?3")                                       \
    X(ROW_COUNT_KIND, "SELECT count(*) FROM resource WHERE kind_id = ?1 AND name > ?2 AND name < ?3")                 \
    X(REFERENCE_INSERT, "INSERT INTO reference (from_name, to_name) VALUES (?1, ?2) ON CONFLICT DO NOTHING")          \
    X(REFERENCE_REMOVE, "DELETE FROM reference WHERE from_name = ?1")                                                 \
    X(REFERENCE_LIST, "SELECT to_name FROM reference WHERE from_name = ?1 ORDER BY to_name")                          \
    X(REFERENCE_ALL, "SELECT from_name, to_name FROM reference ORDER BY from_name, to_name")                          \
    X(REFERRER, "SELECT from_name FROM reference WHERE to_name = ?1 AND from_name <> ?1 "                             \
                "AND NOT (from_name > ?2 AND from_name < ?3) ORDER BY from_name LIMIT 1")                             \
    X(CELL_PUT, "INSERT INTO cell (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2")           \
    X(CELL_ALL, "SELECT key, value FROM cell ORDER BY key")                                                           \
    X(REPLY_INSERT, "INSERT INTO reply (first_seq, body) VALUES (?1, ?2)")                                            \
    X(REPLY_GET, "SELECT substr(body, ?2, ?3) FROM reply WHERE first_seq = ?1")                                       \
    X(REPLY_EVICT, "DELETE FROM reply WHERE first_seq < ?1")                                                          \
    X(REPLY_ALL, "SELECT first_seq, body FROM reply ORDER BY first_seq")                                              \
    X(HISTORY_INSERT, "INSERT INTO history (first_key, body, crc) VALUES (?1, ?2, ?3)")                               \
    X(HISTORY_SCAN, "SELECT first_key, body FROM history WHERE first_key >= "                                         \
                    "coalesce((SELECT max(first_key) FROM history WHERE first_key <= ?1), 0) ORDER BY first_key")     \
    X(HISTORY_TRIM, "DELETE FROM history WHERE first_key < "                                                          \
                    "(SELECT max(first_key) FROM history WHERE first_key <= ?1)")                                     \
    X(HISTORY_ALL, "SELECT first_key, body, crc FROM history ORDER BY first_key")

enum store_statement {
#define STORE_STATEMENT_ENUM(name, sql) STORE_##name,
    STORE_STATEMENTS(STORE_STATEMENT_ENUM)
#undef STORE_STATEMENT_ENUM
        STORE_STATEMENTS_LEN
};

struct store_db {
    struct store_vfs *vfs;
    sqlite3 *handle;
    sqlite3_stmt *statements[STORE_STATEMENTS_LEN];
    int wal_pages;           /* in the write-ahead log after the last commit */
    struct pt_error failure; /* code other than PT_OK: the database can no longer be trusted, nothing more is done */
};

/* Open or make the database, check its structure, prepare. On failure the object is still to be closed. PT_CORRUPT,
 * PT_FAILED_PRECONDITION (another format), PT_IO, PT_NO_SPACE. */
PT_MUST enum pt_code store_db_open(struct store_db *db, struct pt_sys *sys, const char *path, struct pt_error *reterr);
/* Fine on a zeroed object. A transaction that is open is rolled back. */
void store_db_close(struct store_db *db);
/* Close without touching a file. */
void store_db_abandon(struct store_db *db);

/* The statement, ready to bind; fails when the database has failed before. */
PT_MUST enum pt_code store_db_statement(struct store_db *db, enum store_statement which, sqlite3_stmt **ret_statement,
                                        struct pt_error *reterr);
/* The same for a scan, whose function may start another scan: one of its own when the statement is in use. Give it back
 * with store_db_return, which resets it. */
PT_MUST enum pt_code store_db_borrow(struct store_db *db, enum store_statement which, sqlite3_stmt **ret_statement,
                                     struct pt_error *reterr);
void store_db_return(struct store_db *db, enum store_statement which, sqlite3_stmt *statement);
/* Run a statement that gives no rows, and reset it. */
PT_MUST enum pt_code store_db_run(struct store_db *db, sqlite3_stmt *statement, struct pt_error *reterr);
/* Next row: *ret_row false at the end, when the statement is reset too. */
PT_MUST enum pt_code store_db_step(struct store_db *db, sqlite3_stmt *statement, bool *ret_row,
                                   struct pt_error *reterr);
/* store_db_statement and store_db_run, for those without parameters. */
PT_MUST enum pt_code store_db_do(struct store_db *db, enum store_statement which, struct pt_error *reterr);
/* Bring all of the write-ahead log into the database file and sync it. No scan may be under way. */
enum store_checkpoint {
    STORE_CHECKPOINT_BEHIND, /* a worker does it; waits for the one before, which is seldom under way still */
    STORE_CHECKPOINT_WHOLE   /* now, and empty the log */
};
PT_MUST enum pt_code store_db_checkpoint(struct store_db *db, enum store_checkpoint how, struct pt_error *reterr);
/* Fill reterr from what SQLite and the files say, and let every later call fail the same way. */
PT_MUST enum pt_code store_db_fail(struct store_db *db, int rc, struct pt_error *reterr);
/* The database holds something that cannot be: PT_CORRUPT, for good. */
PT_PRINTF(3, 4)
enum pt_code store_db_corrupt(struct store_db *db, struct pt_error *reterr, const char *format, ...);

/* Binding borrows until the statement was reset; nothing of it is read afterwards. */
static inline void store_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    (void)sqlite3_bind_text(statement, index, text, (int)strlen(text), SQLITE_STATIC);
}

static inline void store_bind_u64(sqlite3_stmt *statement, int index, uint64_t value)
{
    (void)sqlite3_bind_int64(statement, index, (sqlite3_int64)value);
}

static inline void store_bind_bytes(sqlite3_stmt *statement, int index, struct pt_bytes bytes)
{
    /* A NULL pointer would bind NULL, which no column allows. */
    (void)sqlite3_bind_blob64(statement, index, bytes.size > 0 ? bytes.data : (const uint8_t *)"", bytes.size,
                              SQLITE_STATIC);
}

static inline const char *store_column_text(sqlite3_stmt *statement, int index)
{
    const char *text = (const char *)sqlite3_column_text(statement, index);
    return text != NULL ? text : "";
}

static inline struct pt_bytes store_column_bytes(sqlite3_stmt *statement, int index)
{
    const void *data = sqlite3_column_blob(statement, index);
    return (struct pt_bytes){data, (size_t)sqlite3_column_bytes(statement, index)};
}

static inline uint64_t store_column_u64(sqlite3_stmt *statement, int index)
{
    return (uint64_t)sqlite3_column_int64(statement, index);
}
