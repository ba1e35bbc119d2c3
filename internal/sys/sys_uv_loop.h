/*
 * Private to sys_uv*.c: the real world's state.
 */
#pragma once

#include "sys/sys_ops.h"
#include "sys/sys_uv.h"
#include "base/list.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

struct pt_uv_task {
    pt_task_fn fn;
    void *arg;
};

struct pt_uv_tasks {
    struct pt_uv_task *tasks;
    size_t len;
    size_t capacity;
};

/* sys_uv_bell.c: wakes the loop, from any thread. */
struct pt_uv_bell {
    uv_poll_t handle;
    int fd;
    pt_task_fn fn; /* on the loop, once for any number of rings since */
    pt_task_fn closed;
    void *arg; /* of both */
};

#define PT_UV_SIGNALS 3
#define PT_UV_READ_SIZE 65536U
#define PT_UV_WORDS_LEN 64 /* a system call for so many random words */

struct pt_uv {
    struct pt_sys base;
    uv_loop_t loop;
    _Atomic(pthread_t) thread; /* the loop thread */
    struct pt_uv_bell wake;    /* another thread has posted something, or stop was asked for */
    uv_prepare_t prepare;      /* flushes streams before the loop sleeps ... */
    uv_check_t check;          /* ... and, after it has handled events, runs what was posted and flushes again */
    uv_idle_t hurry;           /* active: something waits for the next turn, and the loop does not sleep before it */
    atomic_bool stop;

    pthread_mutex_t lock;      /* protects `posted` */
    struct pt_uv_tasks posted; /* by any thread */
    struct pt_uv_tasks taken;  /* being run; loop thread only; its memory is swapped with `posted` */

    struct pt_list ready;     /* timers started with delay 0, in order */
    struct pt_list dirty;     /* streams with something to flush or report */
    struct pt_list ready_end; /* where the turn under way stops in `ready` ... */
    struct pt_list dirty_end; /* ... and in `dirty`: what callbacks add waits for the next turn */

    uv_signal_t signals[PT_UV_SIGNALS];
    bool signals_open;
    void (*on_signal)(void *arg, int number);
    void *on_signal_arg;

    uint64_t words[PT_UV_WORDS_LEN]; /* random, loop thread only; the first `words_left` were not given out yet */
    size_t words_left;

    char read_buffer[PT_UV_READ_SIZE]; /* shared by all streams: the data callback borrows it */
};

int pt_uv_bell_open(uv_loop_t *loop, struct pt_uv_bell *bell, pt_task_fn fn, void *arg); /* 0 or libuv's error */
void pt_uv_bell_ring(struct pt_uv_bell *bell);
/* On the loop. Nobody may ring it any more. closed may be NULL; then the memory may go when the loop is closed. */
void pt_uv_bell_close(struct pt_uv_bell *bell, pt_task_fn closed);

/* sys_uv_stream.c: write out and report what streams collected since the last call. */
void pt_uv_flush(struct pt_uv *uv);
enum pt_code pt_uv_listen(struct pt_sys *sys, const struct pt_endpoint *address, pt_accept_fn on_accept, void *arg,
                          struct pt_listener **ret_listener, struct pt_error *reterr);
struct pt_endpoint pt_uv_listener_address(const struct pt_listener *listener);
void pt_uv_listener_close(struct pt_listener *listener);
struct pt_stream *pt_uv_connect(struct pt_sys *sys, const struct pt_endpoint *address, const struct pt_stream_ops *ops,
                                void *arg);
void pt_uv_stream_start(struct pt_stream *stream, const struct pt_stream_ops *ops, void *arg);
bool pt_uv_stream_write(struct pt_stream *stream, const void *data, size_t size);
void pt_uv_stream_close(struct pt_stream *stream);

/* sys_uv_executor.c */
struct pt_executor *pt_uv_executor_new(struct pt_sys *sys, const char *name, unsigned threads);
void pt_uv_executor_submit(struct pt_executor *executor, pt_task_fn work, pt_task_fn done, void *arg);
void pt_uv_executor_spread(struct pt_executor *executor, pt_part_fn work, void *arg, size_t parts);
void pt_uv_executor_hasten(struct pt_executor *executor);
void pt_uv_executor_relax(struct pt_executor *executor);
void pt_uv_executor_free(struct pt_executor *executor);

/* sys_posix.c */
enum pt_code pt_posix_open(struct pt_sys *sys, const char *path, unsigned flags, struct pt_file **ret_file,
                           struct pt_error *reterr);
void pt_posix_close(struct pt_file *file);
enum pt_code pt_posix_read(struct pt_file *file, uint64_t offset, void *data, size_t size, struct pt_error *reterr);
enum pt_code pt_posix_write(struct pt_file *file, uint64_t offset, const void *data, size_t size,
                            struct pt_error *reterr);
enum pt_code pt_posix_sync(struct pt_file *file, struct pt_error *reterr);
enum pt_code pt_posix_write_through(struct pt_file *file, uint64_t offset, const void *data, size_t size,
                                    struct pt_error *reterr);
enum pt_code pt_posix_truncate(struct pt_file *file, uint64_t size, struct pt_error *reterr);
enum pt_code pt_posix_size(struct pt_file *file, uint64_t *ret_size, struct pt_error *reterr);
enum pt_code pt_posix_lock(struct pt_file *file, struct pt_error *reterr);
enum pt_code pt_posix_dir_make(struct pt_sys *sys, const char *path, struct pt_error *reterr);
enum pt_code pt_posix_dir_sync(struct pt_sys *sys, const char *path, struct pt_error *reterr);
enum pt_code pt_posix_dir_list(struct pt_sys *sys, const char *path, void (*fn)(void *arg, const char *name), void *arg,
                               struct pt_error *reterr);
enum pt_code pt_posix_rename(struct pt_sys *sys, const char *from, const char *to, struct pt_error *reterr);
enum pt_code pt_posix_remove(struct pt_sys *sys, const char *path, struct pt_error *reterr);
bool pt_posix_exists(struct pt_sys *sys, const char *path);
enum pt_code pt_posix_disk_free(struct pt_sys *sys, const char *path, uint64_t *ret_size, struct pt_error *reterr);
