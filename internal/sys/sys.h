/*
 * The world as ports: clock, random, loop, timers, executors, files, stream sockets.
 *
 * Everything that a node learns from or does to the outside goes through a `struct pt_sys`. sys_uv.c is the real one (a
 * libuv loop); sys_sim.c is a simulated world in which many nodes share one virtual clock, network and set of disks and
 * every event order follows from a seed. There is no global: each node is handed its own pt_sys.
 *
 * Threads. One loop thread owns all mutable state of a node. Unless its comment says otherwise, a function here is
 * called on that thread only and asserts it. Callbacks run on it too. Files are the exception: they are called on an
 * executor (or on the loop at start and stop), one thread at a time per file.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/net.h"

#include <stdbool.h>
#include <stdint.h>

struct pt_sys; /* opaque: holds a vtable; see sys_uv.h and sys_sim.h for constructors */

/* ---- clock and random ----------------------------------------------------------------------------------------- */

/* Monotonic, nanoseconds; cached per loop turn is not allowed: always fresh. Any thread. */
uint64_t pt_sys_now_ns(struct pt_sys *sys);
static inline uint64_t pt_sys_now_ms(struct pt_sys *sys)
{
    return pt_sys_now_ns(sys) / 1000000;
}
/* Wall clock, nanoseconds since 1970. Only for stamps that people read. Any thread. */
int64_t pt_sys_wall_ns(struct pt_sys *sys);
/* Fill with random bytes: from the kernel, or from the seed. Any thread on the real one. */
void pt_sys_random(struct pt_sys *sys, void *data, size_t size);
uint64_t pt_sys_random_u64(struct pt_sys *sys);

/* ---- loop ----------------------------------------------------------------------------------------------------- */

typedef void (*pt_task_fn)(void *arg);

/* Run fn(arg) on the loop, soon, in order of posting. Any thread. */
void pt_sys_post(struct pt_sys *sys, pt_task_fn fn, void *arg);
/* True on the loop thread (always, in the simulator). */
bool pt_sys_on_loop(struct pt_sys *sys);

struct pt_timer;
/* A stopped timer. fn may free the timer. */
struct pt_timer *pt_timer_new(struct pt_sys *sys, pt_task_fn fn, void *arg);
/* Fire once after delay_ms (0: next turn), then each repeat_ms when that is not 0. Starting a started timer restarts
 * it. */
void pt_timer_start(struct pt_timer *timer, uint64_t delay_ms, uint64_t repeat_ms);
void pt_timer_stop(struct pt_timer *timer);
bool pt_timer_active(const struct pt_timer *timer);
/* NULL is fine. fn is not called afterwards. */
void pt_timer_free(struct pt_timer *timer);

/* ---- executors: work off the loop ----------------------------------------------------------------------------- */

struct pt_executor;
/* `threads` = 1: work runs in order of submission (the log writer); more: a pool without order. */
struct pt_executor *pt_executor_new(struct pt_sys *sys, const char *name, unsigned threads);
/* Run work(arg) on a thread of the executor, then done(arg) on the loop (done may be NULL). In the simulator work runs
 * inline at a later virtual instant and takes the virtual time that its disk operations cost. */
void pt_executor_submit(struct pt_executor *executor, pt_task_fn work, pt_task_fn done, void *arg);
/* Call work(arg, part) for each part below `parts`, in any order, on this thread and on those of the executor that have
 * nothing else to do; returns when all are done. For a work of this executor or another, never on the loop of the real
 * one. In the simulator the parts run here, one after the other. */
typedef void (*pt_part_fn)(void *arg, size_t part);
void pt_executor_spread(struct pt_executor *executor, pt_part_fn work, void *arg, size_t parts);
/* Its works are short, and others wait for them: a thread of it that wakes is to have the processor soon, for short
 * turns and no larger part than before. A wish: the simulator and Linux before 6.12 know of none. */
void pt_executor_hasten(struct pt_executor *executor);
/* Its works are long, and nobody waits for them: they give way to what else wants the processor, and have a tenth of it
 * then. The simulator knows of none. For the rest of the executor's life; not together with hasten. */
void pt_executor_relax(struct pt_executor *executor);
/* Wait for work that was submitted (its done callbacks run before the return, and what they submit is waited for too),
 * then free. NULL is fine. */
void pt_executor_free(struct pt_executor *executor);

/* ---- files ---------------------------------------------------------------------------------------------------- */

struct pt_file;

enum pt_open_flags {
    PT_OPEN_READ = 0,
    PT_OPEN_WRITE = 1,    /* read and write */
    PT_OPEN_CREATE = 2,   /* make when missing, mode 0600 */
    PT_OPEN_EXCLUSIVE = 4 /* with CREATE: fail with PT_ALREADY_EXISTS when it exists */
};

/* PT_NOT_FOUND when it does not exist and CREATE is not set; PT_IO, PT_NO_SPACE as errno says. */
PT_MUST enum pt_code pt_file_open(struct pt_sys *sys, const char *path, unsigned flags, struct pt_file **ret_file,
                                  struct pt_error *reterr);
/* NULL is fine. Does not sync. */
void pt_file_close(struct pt_file *file);
/* Whole reads: PT_OUT_OF_RANGE when the file ends before offset + size. */
PT_MUST enum pt_code pt_file_read(struct pt_file *file, uint64_t offset, void *data, size_t size,
                                  struct pt_error *reterr);
/* Whole writes; the file grows as needed. */
PT_MUST enum pt_code pt_file_write(struct pt_file *file, uint64_t offset, const void *data, size_t size,
                                   struct pt_error *reterr);
/* fdatasync. After a failure the contents are unknown: stop the node. */
PT_MUST enum pt_code pt_file_sync(struct pt_file *file, struct pt_error *reterr);
/* Write, and sync what was written, nothing else of the file: cheaper than one after the other. A failure is like one
 * of pt_file_sync. */
PT_MUST enum pt_code pt_file_write_through(struct pt_file *file, uint64_t offset, const void *data, size_t size,
                                           struct pt_error *reterr);
PT_MUST enum pt_code pt_file_truncate(struct pt_file *file, uint64_t size, struct pt_error *reterr);
PT_MUST enum pt_code pt_file_size(struct pt_file *file, uint64_t *ret_size, struct pt_error *reterr);
/* Exclusive lock of the whole file, not waiting: PT_FAILED_PRECONDITION when another process has it. Ends with close.
 */
PT_MUST enum pt_code pt_file_lock(struct pt_file *file, struct pt_error *reterr);

/* mode 0700; fine when it exists. Parents must exist. */
PT_MUST enum pt_code pt_dir_make(struct pt_sys *sys, const char *path, struct pt_error *reterr);
/* fsync of a directory, after creating, renaming or removing files in it. */
PT_MUST enum pt_code pt_dir_sync(struct pt_sys *sys, const char *path, struct pt_error *reterr);
/* Calls fn for each entry but "." and "..", in ascending byte order of name. */
PT_MUST enum pt_code pt_dir_list(struct pt_sys *sys, const char *path, void (*fn)(void *arg, const char *name),
                                 void *arg, struct pt_error *reterr);
PT_MUST enum pt_code pt_path_rename(struct pt_sys *sys, const char *from, const char *to, struct pt_error *reterr);
/* PT_OK when it did not exist. */
PT_MUST enum pt_code pt_path_remove(struct pt_sys *sys, const char *path, struct pt_error *reterr);
bool pt_path_exists(struct pt_sys *sys, const char *path);
/* Bytes that the file system of `path` has left for us. */
PT_MUST enum pt_code pt_disk_free(struct pt_sys *sys, const char *path, uint64_t *ret_size, struct pt_error *reterr);
/* Small whole files; PT_EXHAUSTED when it is larger than size_max. *ret_data is initialised by the call; the caller
 * frees. The write is atomic and durable: temporary file `path`.tmp, sync, rename, directory sync; mode 0600. One
 * writer per path at a time. */
PT_MUST enum pt_code pt_path_read(struct pt_sys *sys, const char *path, size_t size_max, struct pt_buf *ret_data,
                                  struct pt_error *reterr);
PT_MUST enum pt_code pt_path_write(struct pt_sys *sys, const char *path, const void *data, size_t size,
                                   struct pt_error *reterr);

/* ---- stream sockets (TCP with TCP_NODELAY; IPv4 and IPv6) ----------------------------------------------------- */

struct pt_stream;
struct pt_listener;

struct pt_stream_ops {
    /* Connected, or failed (PT_UNAVAILABLE; on_closed does not follow; close the stream). Outgoing streams only. Bytes
     * may be written before it. */
    void (*on_connect)(void *arg, enum pt_code code);
    /* Bytes arrived; borrowed for the call. */
    void (*on_data)(void *arg, const uint8_t *data, size_t size);
    /* The other side closed (PT_CLOSED), or an error (PT_UNAVAILABLE). Nothing follows; the owner still calls
     * pt_stream_close. */
    void (*on_closed)(void *arg, enum pt_code code);
    /* The bytes queued fell below 64 KiB again after pt_stream_write returned false. May be NULL. */
    void (*on_writable)(void *arg);
};

/* Accepted: take the stream by pt_stream_start within the call, or it is closed. */
typedef void (*pt_accept_fn)(void *arg, struct pt_stream *stream, const struct pt_endpoint *peer);

/* PT_FAILED_PRECONDITION when the address is in use, naming it. */
PT_MUST enum pt_code pt_listen(struct pt_sys *sys, const struct pt_endpoint *address, pt_accept_fn on_accept, void *arg,
                               struct pt_listener **ret_listener, struct pt_error *reterr);
/* The address it got (port 0 asks for any). */
struct pt_endpoint pt_listener_address(const struct pt_listener *listener);
void pt_listener_close(struct pt_listener *listener); /* NULL is fine */

/* Never fails at once: the outcome comes by on_connect. */
struct pt_stream *pt_connect(struct pt_sys *sys, const struct pt_endpoint *address, const struct pt_stream_ops *ops,
                             void *arg);
/* Attach to an accepted stream and start reading. */
void pt_stream_start(struct pt_stream *stream, const struct pt_stream_ops *ops, void *arg);
/* Copies. False when more than 1 MiB is queued now: the bytes are taken all the same; write no more until on_writable.
 */
bool pt_stream_write(struct pt_stream *stream, const void *data, size_t size);
/* Close at once; queued bytes may be lost; no callback follows. NULL is fine. */
void pt_stream_close(struct pt_stream *stream);
