/*
 * Private to internal/sys: the table behind the ports. sys.c is the one caller; sys_uv*.c and sys_sim*.c fill it in.
 *
 * Each object starts with the pt_sys that it came from, so that one pointer leads to the table. An implementation's own
 * struct has that base as its first member. A pt_sys outlives its objects; the simulator keeps even the pt_sys of a
 * crashed host, so that what the host left behind can still be freed.
 */
#pragma once

#include "sys/sys.h"

struct pt_sys_ops {
    uint64_t (*now_ns)(struct pt_sys *sys);
    int64_t (*wall_ns)(struct pt_sys *sys);
    void (*random)(struct pt_sys *sys, void *data, size_t size);
    void (*post)(struct pt_sys *sys, pt_task_fn fn, void *arg);
    bool (*on_loop)(struct pt_sys *sys);

    struct pt_timer *(*timer_new)(struct pt_sys *sys, pt_task_fn fn, void *arg);
    void (*timer_start)(struct pt_timer *timer, uint64_t delay_ms, uint64_t repeat_ms);
    void (*timer_stop)(struct pt_timer *timer);
    bool (*timer_active)(const struct pt_timer *timer);
    void (*timer_free)(struct pt_timer *timer);

    struct pt_executor *(*executor_new)(struct pt_sys *sys, const char *name, unsigned threads);
    void (*executor_submit)(struct pt_executor *executor, pt_task_fn work, pt_task_fn done, void *arg);
    void (*executor_spread)(struct pt_executor *executor, pt_part_fn work, void *arg, size_t parts);
    void (*executor_hasten)(struct pt_executor *executor); /* NULL: time is not shared with others */
    void (*executor_relax)(struct pt_executor *executor);  /* likewise */
    void (*executor_free)(struct pt_executor *executor);

    enum pt_code (*file_open)(struct pt_sys *sys, const char *path, unsigned flags, struct pt_file **ret_file,
                              struct pt_error *reterr);
    void (*file_close)(struct pt_file *file);
    enum pt_code (*file_read)(struct pt_file *file, uint64_t offset, void *data, size_t size, struct pt_error *reterr);
    enum pt_code (*file_write)(struct pt_file *file, uint64_t offset, const void *data, size_t size,
                               struct pt_error *reterr);
    enum pt_code (*file_sync)(struct pt_file *file, struct pt_error *reterr);
    enum pt_code (*file_write_through)(struct pt_file *file, uint64_t offset, const void *data, size_t size,
                                       struct pt_error *reterr);
    enum pt_code (*file_truncate)(struct pt_file *file, uint64_t size, struct pt_error *reterr);
    enum pt_code (*file_size)(struct pt_file *file, uint64_t *ret_size, struct pt_error *reterr);
    enum pt_code (*file_lock)(struct pt_file *file, struct pt_error *reterr);
    enum pt_code (*dir_make)(struct pt_sys *sys, const char *path, struct pt_error *reterr);
    enum pt_code (*dir_sync)(struct pt_sys *sys, const char *path, struct pt_error *reterr);
    enum pt_code (*dir_list)(struct pt_sys *sys, const char *path, void (*fn)(void *arg, const char *name), void *arg,
                             struct pt_error *reterr);
    enum pt_code (*path_rename)(struct pt_sys *sys, const char *from, const char *to, struct pt_error *reterr);
    enum pt_code (*path_remove)(struct pt_sys *sys, const char *path, struct pt_error *reterr);
    bool (*path_exists)(struct pt_sys *sys, const char *path);
    enum pt_code (*disk_free)(struct pt_sys *sys, const char *path, uint64_t *ret_size, struct pt_error *reterr);

    enum pt_code (*listen)(struct pt_sys *sys, const struct pt_endpoint *address, pt_accept_fn on_accept, void *arg,
                           struct pt_listener **ret_listener, struct pt_error *reterr);
    struct pt_endpoint (*listener_address)(const struct pt_listener *listener);
    void (*listener_close)(struct pt_listener *listener);
    struct pt_stream *(*connect)(struct pt_sys *sys, const struct pt_endpoint *address, const struct pt_stream_ops *ops,
                                 void *arg);
    void (*stream_start)(struct pt_stream *stream, const struct pt_stream_ops *ops, void *arg);
    bool (*stream_write)(struct pt_stream *stream, const void *data, size_t size);
    void (*stream_close)(struct pt_stream *stream);
};

struct pt_sys {
    const struct pt_sys_ops *ops;
};
struct pt_timer {
    struct pt_sys *sys;
};
struct pt_executor {
    struct pt_sys *sys;
};
struct pt_file {
    struct pt_sys *sys;
};
struct pt_listener {
    struct pt_sys *sys;
};
struct pt_stream {
    struct pt_sys *sys;
};

/* Flow control of streams: more than this queued makes pt_stream_write return false ... */
#define PT_STREAM_QUEUE_HIGH (1U << 20)
/* ... and less than this ends it. */
#define PT_STREAM_QUEUE_LOW (64U << 10)

/* calloc that aborts: for the small fixed objects of this folder. */
void *pt_sys_alloc(size_t size);
