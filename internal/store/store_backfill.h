/*
 * What a checkpoint leaves to a worker: pages of the write-ahead log to copy into the database file. For store_vfs.c.
 */
#pragma once

#include "sys/sys.h"

struct store_backfill;

struct store_backfill *store_backfill_new(struct pt_sys *sys);
/* Waits for the worker, and calls what it had to say. NULL is fine. */
void store_backfill_free(struct store_backfill *backfill);
/* List a page; offsets in the database ascend. Only while it is idle. */
void store_backfill_add(struct store_backfill *backfill, uint64_t database_offset, uint64_t log_offset, size_t size);
/* Let a worker sync the log, copy what is listed, sync the database. The list stays until that is done. `failed` is
 * called on the loop, at most once. Paths are copied. */
void store_backfill_start(struct store_backfill *backfill, const char *database_path, const char *log_path,
                          void (*failed)(void *arg, const struct pt_error *error), void *arg);
/* A list is there whose pages are not, or not durably, in the database. */
bool store_backfill_busy(const struct store_backfill *backfill);
/* Where in the log that is which belongs at the offset of the database; false when the database has it. */
bool store_backfill_find(const struct store_backfill *backfill, uint64_t database_offset, uint64_t *ret_log_offset);
/* Call fn(arg) on the loop, once, when the list that is there is through or has failed. Only while it is busy and has
 * not failed; fn NULL: nobody waits any more. */
void store_backfill_then(struct store_backfill *backfill, pt_task_fn fn, void *arg);
/* Wait until it is idle, unless it failed: then it is busy for good. */
void store_backfill_wait(struct store_backfill *backfill);
