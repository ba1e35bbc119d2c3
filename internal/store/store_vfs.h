/*
 * SQLite's files on pt_sys: a virtual file system for one connection. For the store's own files only.
 */
#pragma once

#include "base/error.h"
#include "sys/sys.h"

#include <sqlite3.h>

struct store_vfs;

/* Registered with SQLite under a name of its own until it is freed. */
struct store_vfs *store_vfs_new(struct pt_sys *sys);
/* The connection must be closed. NULL is fine. */
void store_vfs_free(struct store_vfs *vfs);
const char *store_vfs_name(const struct store_vfs *vfs);
/* Hand on to pt_sys what is held back of the write-ahead log. */
PT_MUST enum pt_code store_vfs_flush(struct store_vfs *vfs, struct pt_error *reterr);
/* A checkpoint begins: SQLite's syncs and copies are not done but listed. End it: a worker does them (see store_vfs.c).
 * Not while an earlier one is under way. */
void store_vfs_checkpoint_begin(struct store_vfs *vfs);
void store_vfs_checkpoint_end(struct store_vfs *vfs);
void store_vfs_checkpoint_wait(struct store_vfs *vfs); /* until the worker is through; its failure is the VFS's */
/* Pages that a checkpoint listed are not all in the database file yet. */
bool store_vfs_checkpoint_busy(const struct store_vfs *vfs);
/* Call fn(arg) on the loop when they are, or when that failed; only while busy. fn NULL: nobody waits any more. */
void store_vfs_checkpoint_then(struct store_vfs *vfs, pt_task_fn fn, void *arg);
/* The first error that pt_sys reported; its code is PT_OK when there was none. */
const struct pt_error *store_vfs_failure(const struct store_vfs *vfs);
/* From now on every operation fails without touching a file; closing frees memory only. */
void store_vfs_abandon(struct store_vfs *vfs);

/* Sync the folder that holds the path. */
PT_MUST enum pt_code store_sync_folder(struct pt_sys *sys, const char *path, struct pt_error *reterr);
