/*
 * SQLite's files on pt_sys, so that the simulator's disks, delays and faults are under the store too.
 *
 * Locks. The store holds a lock file for as long as it is open, and its connection runs in exclusive mode. Nobody else
 * can be at the database, so SQLite's own lock calls have nothing to do here, and its index of the write-ahead log
 * stays in heap memory: there is no shared memory to provide.
 *
 * Names. A file that was created is durable only when its folder is. As SQLite's own layers do, the folder is synced
 * with the first sync of a new file.
 *
 * Writes. A commit appends to the write-ahead log in small pieces, two for each page. They are gathered here and handed
 * on as one write: at the end of the commit (store_vfs_flush), before anything but a continuation happens to the file,
 * or when GATHER_SIZE is reached. This takes nothing from durability, because with synchronous=NORMAL the log is not
 * synced at a commit either.
 *
 * Checkpoints. SQLite syncs the log, reads a page of it and writes that to the database, page after page, and syncs the
 * database. Between store_vfs_checkpoint_begin and _end nothing of that is done: each read is noted, and the write of
 * the same buffer that follows lists the page for a worker (store_backfill.c). Until that is through, a read of a
 * listed page goes to the log, and whatever would void the log waits: its head written anew, its end cut, its removal.
 *
 * Errors. SQLite keeps a number of an error; the first pt_error is kept beside it, and the store reports that one.
 */
#include "store/store_vfs.h"
#include "base/assert.h"
#include "store/store_backfill.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE_MAX 1024
#define GATHER_SIZE (256 * 1024)
#define SECTOR_SIZE 4096
/* Julian day 2440587.5 is 1970-01-01; SQLite counts in milliseconds since day 0. */
#define EPOCH_JULIAN_MS INT64_C(210866760000000)

struct vfs_file {
    sqlite3_file base; /* first, as SQLite demands */
    struct store_vfs *vfs;
    struct pt_file *file;
    char *path;           /* owned */
    bool gathers;         /* the write-ahead log */
    bool folder_unsynced; /* created and not yet durable by name */
    struct pt_buf held;   /* written by SQLite, not yet by us */
    uint64_t held_at;     /* where held belongs in the file */
};

struct store_vfs {
    sqlite3_vfs base;
    struct pt_sys *sys;
    struct vfs_file *log;      /* the open file that gathers; NULL when there is none */
    struct vfs_file *database; /* NULL when it is not open */
    struct store_backfill *backfill;
    bool listing;          /* between checkpoint_begin and _end */
    const void *read_data; /* listing: where the page of the log at read_at is wanted; NULL: it was written */
    uint64_t read_at;
    bool dead;
    struct pt_error failure;
    char name[32];
};

static struct store_vfs *vfs_of(sqlite3_vfs *base)
{
    return (struct store_vfs *)base;
}

/* Keep the first failure and return the number by which SQLite knows it. */
static int report(struct store_vfs *vfs, const struct pt_error *error, int io_error)
{
    if (vfs->failure.code == PT_OK) {
        vfs->failure = *error;
    }
    return error->code == PT_NO_SPACE ? SQLITE_FULL : io_error;
}

enum pt_code store_sync_folder(struct pt_sys *sys, const char *path, struct pt_error *reterr)
{
    char folder[PATH_SIZE_MAX];
    const char *slash = strrchr(path, '/');
    size_t size = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    pt_assert(size < sizeof(folder));
    memcpy(folder, slash == NULL ? "." : path, size);
    folder[size] = '\0';
    return pt_dir_sync(sys, folder, reterr);
}

/* ---- one file ------------------------------------------------------------------------------------------------- */

static int flush(struct vfs_file *file)
{
    if (file->held.size == 0) {
        return SQLITE_OK;
    }
    struct pt_error error = {0};
    if (pt_file_write(file->file, file->held_at, file->held.data, file->held.size, &error) != PT_OK) {
        return report(file->vfs, &error, SQLITE_IOERR_WRITE);
    }
    pt_buf_reset(&file->held);
    return SQLITE_OK;
}

/* What the log holds is about to go: the database file must have it before, durably. */
static int settle(struct store_vfs *vfs)
{
    store_backfill_wait(vfs->backfill);
    return store_backfill_busy(vfs->backfill) ? report(vfs, &vfs->failure, SQLITE_IOERR_FSYNC) : SQLITE_OK;
}

static int file_close(sqlite3_file *base)
{
    struct vfs_file *file = (struct vfs_file *)base;
    int rc = file->vfs->dead ? SQLITE_OK : flush(file);
    if (file->vfs->log == file) {
        file->vfs->log = NULL;
    }
    if (file->vfs->database == file) {
        file->vfs->database = NULL;
    }
    pt_file_close(file->file);
    pt_buf_fini(&file->held);
    free(file->path);
    file->base.pMethods = NULL;
    return rc;
}

static int list_read(struct store_vfs *vfs, const void *data, uint64_t offset)
{
    pt_assert(vfs->read_data == NULL);
    vfs->read_data = data;
    vfs->read_at = offset;
    return SQLITE_OK;
}

static int list_write(struct store_vfs *vfs, const void *data, size_t size, uint64_t offset)
{
    pt_assert(vfs->read_data == data);
    vfs->read_data = NULL;
    store_backfill_add(vfs->backfill, offset, vfs->read_at, size);
    return SQLITE_OK;
}

/* SQLite reads past the end on purpose and wants zeros there. */
static int read_short(struct vfs_file *file, uint8_t *data, size_t size, uint64_t offset)
{
    struct pt_error error = {0};
    uint64_t file_size = 0;
    memset(data, 0, size);
    if (pt_file_size(file->file, &file_size, &error) != PT_OK) {
        return report(file->vfs, &error, SQLITE_IOERR_FSTAT);
    }
    size_t there = file_size > offset ? (size_t)(file_size - offset) : 0;
    if (there > 0 && pt_file_read(file->file, offset, data, there < size ? there : size, &error) != PT_OK) {
        return report(file->vfs, &error, SQLITE_IOERR_READ);
    }
    return there >= size ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int file_read(sqlite3_file *base, void *data, int size, sqlite3_int64 offset)
{
    struct vfs_file *file = (struct vfs_file *)base;
    if (file->vfs->dead) {
        return SQLITE_IOERR_READ;
    }
    int rc = flush(file);
    if (rc != SQLITE_OK) {
        return rc;
    }
    uint64_t log_offset = 0;
    if (file->gathers && file->vfs->listing) {
        return list_read(file->vfs, data, (uint64_t)offset);
    }
    if (file == file->vfs->database && store_backfill_find(file->vfs->backfill, (uint64_t)offset, &log_offset)) {
        offset = (sqlite3_int64)log_offset;
        file = file->vfs->log;
    }
    struct pt_error error = {0};
    enum pt_code code = pt_file_read(file->file, (uint64_t)offset, data, (size_t)size, &error);
    if (code == PT_OUT_OF_RANGE) {
        return read_short(file, data, (size_t)size, (uint64_t)offset);
    }
    return code == PT_OK ? SQLITE_OK : report(file->vfs, &error, SQLITE_IOERR_READ);
}

static int file_write(sqlite3_file *base, const void *data, int size, sqlite3_int64 offset)
{
    struct vfs_file *file = (struct vfs_file *)base;
    if (file->vfs->dead) {
        return SQLITE_IOERR_WRITE;
    }
    if (file == file->vfs->database && file->vfs->listing) {
        return list_write(file->vfs, data, (size_t)size, (uint64_t)offset);
    }
    if (!file->gathers) {
        struct pt_error error = {0};
        enum pt_code code = pt_file_write(file->file, (uint64_t)offset, data, (size_t)size, &error);
        return code == PT_OK ? SQLITE_OK : report(file->vfs, &error, SQLITE_IOERR_WRITE);
    }
    int settled = offset == 0 ? settle(file->vfs) : SQLITE_OK; /* its head: what it held so far is void */
    if (settled != SQLITE_OK) {
        return settled;
    }
    bool continues = file->held_at + file->held.size == (uint64_t)offset && file->held.size < GATHER_SIZE;
    if (!continues) {
        int rc = flush(file);
        if (rc != SQLITE_OK) {
            return rc;
        }
        file->held_at = (uint64_t)offset;
    }
    pt_buf_append(&file->held, data, (size_t)size);
    return SQLITE_OK;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct vfs_file *file = (struct vfs_file *)base;
    if (file->vfs->dead) {
        return SQLITE_IOERR_TRUNCATE;
    }
    int rc = flush(file);
    if (rc == SQLITE_OK && file->gathers) {
        rc = settle(file->vfs);
    }
    if (rc != SQLITE_OK) {
        return rc;
    }
    struct pt_error error = {0};
    enum pt_code code = pt_file_truncate(file->file, (uint64_t)size, &error);
    return code == PT_OK ? SQLITE_OK : report(file->vfs, &error, SQLITE_IOERR_TRUNCATE);
}

static int file_sync(sqlite3_file *base, int flags)
{
    struct vfs_file *file = (struct vfs_file *)base;
    (void)flags; /* pt_file_sync is a full sync of data and size already */
    if (file->vfs->dead) {
        return SQLITE_IOERR_FSYNC;
    }
    int rc = flush(file);
    if (rc != SQLITE_OK || file->vfs->listing) {
        return rc;
    }
    struct pt_error error = {0};
    if (pt_file_sync(file->file, &error) != PT_OK) {
        return report(file->vfs, &error, SQLITE_IOERR_FSYNC);
    }
    if (file->folder_unsynced) {
        if (store_sync_folder(file->vfs->sys, file->path, &error) != PT_OK) {
            return report(file->vfs, &error, SQLITE_IOERR_DIR_FSYNC);
        }
        file->folder_unsynced = false;
    }
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    struct vfs_file *file = (struct vfs_file *)base;
    if (file->vfs->dead) {
        return SQLITE_IOERR_FSTAT;
    }
    int rc = flush(file);
    if (rc != SQLITE_OK) {
        return rc;
    }
    struct pt_error error = {0};
    uint64_t size = 0;
    if (pt_file_size(file->file, &size, &error) != PT_OK) {
        return report(file->vfs, &error, SQLITE_IOERR_FSTAT);
    }
    *ret_size = (sqlite3_int64)size;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *base, int level)
{
    (void)base;
    (void)level;
    return SQLITE_OK;
}

static int file_reserved(sqlite3_file *base, int *ret_reserved)
{
    (void)base;
    *ret_reserved = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int op, void *arg)
{
    (void)base;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *base)
{
    (void)base;
    return SECTOR_SIZE;
}

/* No promise beyond what POSIX gives: a power loss may tear a write and what shares its sectors. */
static int file_characteristics(sqlite3_file *base)
{
    (void)base;
    return 0;
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
};

/* ---- names ---------------------------------------------------------------------------------------------------- */

static int vfs_open(sqlite3_vfs *base, const char *path, sqlite3_file *base_file, int flags, int *ret_flags)
{
    struct store_vfs *vfs = vfs_of(base);
    struct vfs_file *file = (struct vfs_file *)base_file;
    *file = (struct vfs_file){.vfs = vfs};
    if (vfs->dead || path == NULL) { /* without a name: a temporary file, which temp_store=MEMORY makes needless */
        return SQLITE_CANTOPEN;
    }
    unsigned how = (flags & SQLITE_OPEN_READWRITE) != 0 ? PT_OPEN_WRITE : PT_OPEN_READ;
    how |= (flags & SQLITE_OPEN_CREATE) != 0 ? (unsigned)PT_OPEN_CREATE : 0;
    how |= (flags & SQLITE_OPEN_EXCLUSIVE) != 0 ? (unsigned)PT_OPEN_EXCLUSIVE : 0;
    bool creates = (flags & SQLITE_OPEN_CREATE) != 0 && !pt_path_exists(vfs->sys, path);
    struct pt_error error = {0};
    enum pt_code code = pt_file_open(vfs->sys, path, how, &file->file, &error);
    if (code != PT_OK) {
        return code == PT_NOT_FOUND ? SQLITE_CANTOPEN : report(vfs, &error, SQLITE_CANTOPEN);
    }
    file->path = strdup(path);
    pt_assert(file->path != NULL);
    file->folder_unsynced = creates;
    file->gathers = (flags & SQLITE_OPEN_WAL) != 0;
    if (file->gathers) {
        pt_assert(vfs->log == NULL);
        vfs->log = file;
    } else if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
        pt_assert(vfs->database == NULL);
        vfs->database = file;
    }
    file->base.pMethods = &file_methods;
    if (ret_flags != NULL) {
        *ret_flags = flags;
    }
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *base, const char *path, int sync_folder)
{
    struct store_vfs *vfs = vfs_of(base);
    if (vfs->dead) {
        return SQLITE_OK;
    }
    int rc = settle(vfs); /* only the log is ever removed */
    if (rc != SQLITE_OK) {
        return rc;
    }
    struct pt_error error = {0};
    if (pt_path_remove(vfs->sys, path, &error) != PT_OK) {
        return report(vfs, &error, SQLITE_IOERR_DELETE);
    }
    if (sync_folder && store_sync_folder(vfs->sys, path, &error) != PT_OK) {
        return report(vfs, &error, SQLITE_IOERR_DIR_FSYNC);
    }
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *base, const char *path, int flags, int *ret_result)
{
    struct store_vfs *vfs = vfs_of(base);
    (void)flags; /* our own files are readable and writable, or opening them says so */
    *ret_result = !vfs->dead && pt_path_exists(vfs->sys, path);
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *base, const char *path, int size_max, char *ret_path)
{
    (void)base;
    size_t size = strlen(path) + 1;
    if (size > (size_t)size_max) {
        return SQLITE_CANTOPEN;
    }
    memcpy(ret_path, path, size);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *base, int size, char *data)
{
    struct store_vfs *vfs = vfs_of(base);
    if (vfs->dead) {
        memset(data, 0, (size_t)size);
    } else {
        pt_sys_random(vfs->sys, data, (size_t)size);
    }
    return size;
}

/* SQLite sleeps while it waits for a lock, and there is never one. */
static int vfs_sleep(sqlite3_vfs *base, int duration_us)
{
    (void)base;
    return duration_us;
}

static int vfs_time(sqlite3_vfs *base, sqlite3_int64 *ret_julian_ms)
{
    struct store_vfs *vfs = vfs_of(base);
    *ret_julian_ms = EPOCH_JULIAN_MS + (vfs->dead ? 0 : pt_sys_wall_ns(vfs->sys) / 1000000);
    return SQLITE_OK;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

struct store_vfs *store_vfs_new(struct pt_sys *sys)
{
    struct store_vfs *vfs = calloc(1, sizeof(*vfs));
    pt_assert(vfs != NULL);
    vfs->sys = sys;
    vfs->backfill = store_backfill_new(sys);
    /* The address makes the name unique in the process for as long as it is registered. */
    (void)snprintf(vfs->name, sizeof(vfs->name), "pt-%" PRIxPTR, (uintptr_t)vfs);
    vfs->base = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(struct vfs_file),
        .mxPathname = PATH_SIZE_MAX,
        .zName = vfs->name,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTimeInt64 = vfs_time,
    };
    int rc = sqlite3_vfs_register(&vfs->base, 0);
    pt_assert(rc == SQLITE_OK);
    return vfs;
}

void store_vfs_free(struct store_vfs *vfs)
{
    if (vfs != NULL) {
        pt_assert(vfs->log == NULL);
        store_backfill_free(vfs->backfill);
        (void)sqlite3_vfs_unregister(&vfs->base); /* cannot fail for one that is registered */
        free(vfs);
    }
}

const char *store_vfs_name(const struct store_vfs *vfs)
{
    return vfs->name;
}

enum pt_code store_vfs_flush(struct store_vfs *vfs, struct pt_error *reterr)
{
    if (vfs->log != NULL && !vfs->dead && flush(vfs->log) != SQLITE_OK) {
        if (reterr != NULL) {
            *reterr = vfs->failure;
        }
        return vfs->failure.code;
    }
    return PT_OK;
}

void store_vfs_checkpoint_begin(struct store_vfs *vfs)
{
    pt_assert(!vfs->listing && !store_backfill_busy(vfs->backfill));
    /* The folder's sync stays SQLite's: a file whose name may be lost is no place for pages. */
    vfs->listing =
        vfs->database != NULL && vfs->log != NULL && !vfs->database->folder_unsynced && !vfs->log->folder_unsynced;
}

static void backfill_failed(void *arg, const struct pt_error *error)
{
    (void)report(arg, error, SQLITE_IOERR);
}

void store_vfs_checkpoint_end(struct store_vfs *vfs)
{
    pt_assert(vfs->read_data == NULL || vfs->failure.code != PT_OK);
    vfs->listing = false;
    vfs->read_data = NULL;
    if (store_backfill_busy(vfs->backfill)) {
        store_backfill_start(vfs->backfill, vfs->database->path, vfs->log->path, backfill_failed, vfs);
    }
}

void store_vfs_checkpoint_wait(struct store_vfs *vfs)
{
    store_backfill_wait(vfs->backfill);
}

bool store_vfs_checkpoint_busy(const struct store_vfs *vfs)
{
    return store_backfill_busy(vfs->backfill);
}

void store_vfs_checkpoint_then(struct store_vfs *vfs, pt_task_fn fn, void *arg)
{
    store_backfill_then(vfs->backfill, fn, arg);
}

const struct pt_error *store_vfs_failure(const struct store_vfs *vfs)
{
    return &vfs->failure;
}

void store_vfs_abandon(struct store_vfs *vfs)
{
    vfs->dead = true;
}
