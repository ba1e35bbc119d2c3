/*
 * The door of the ports: checks the caller's side of the contract and hands on to the real or the simulated world.
 *
 * What both worlds would do alike stands here once: the thread assertions, the NULL rules of destructors, and
 * whole-file reading and atomic writing, which are made of the file operations beneath them. The simulator therefore
 * tests, crash by crash, the very code that writes files atomically on a real disk.
 */
#include "sys/sys.h"
#include "sys/sys_ops.h"
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *pt_sys_alloc(size_t size)
{
    void *data = calloc(1, size);
    pt_assert(data != NULL);
    return data;
}

/* ---- clock and random ----------------------------------------------------------------------------------------- */

uint64_t pt_sys_now_ns(struct pt_sys *sys)
{
    return sys->ops->now_ns(sys);
}

int64_t pt_sys_wall_ns(struct pt_sys *sys)
{
    return sys->ops->wall_ns(sys);
}

void pt_sys_random(struct pt_sys *sys, void *data, size_t size)
{
    sys->ops->random(sys, data, size);
}

uint64_t pt_sys_random_u64(struct pt_sys *sys)
{
    uint64_t value = 0;
    sys->ops->random(sys, &value, sizeof(value));
    return value;
}

/* ---- loop ----------------------------------------------------------------------------------------------------- */

void pt_sys_post(struct pt_sys *sys, pt_task_fn fn, void *arg)
{
    pt_assert(fn != NULL);
    sys->ops->post(sys, fn, arg);
}

bool pt_sys_on_loop(struct pt_sys *sys)
{
    return sys->ops->on_loop(sys);
}

struct pt_timer *pt_timer_new(struct pt_sys *sys, pt_task_fn fn, void *arg)
{
    pt_assert(pt_sys_on_loop(sys));
    pt_assert(fn != NULL);
    return sys->ops->timer_new(sys, fn, arg);
}

void pt_timer_start(struct pt_timer *timer, uint64_t delay_ms, uint64_t repeat_ms)
{
    pt_assert(pt_sys_on_loop(timer->sys));
    timer->sys->ops->timer_start(timer, delay_ms, repeat_ms);
}

void pt_timer_stop(struct pt_timer *timer)
{
    pt_assert(pt_sys_on_loop(timer->sys));
    timer->sys->ops->timer_stop(timer);
}

bool pt_timer_active(const struct pt_timer *timer)
{
    pt_assert(pt_sys_on_loop(timer->sys));
    return timer->sys->ops->timer_active(timer);
}

void pt_timer_free(struct pt_timer *timer)
{
    if (timer == NULL) {
        return;
    }
    pt_assert(pt_sys_on_loop(timer->sys));
    timer->sys->ops->timer_free(timer);
}

/* ---- executors ------------------------------------------------------------------------------------------------ */

struct pt_executor *pt_executor_new(struct pt_sys *sys, const char *name, unsigned threads)
{
    pt_assert(pt_sys_on_loop(sys));
    pt_assert(name != NULL && threads > 0);
    return sys->ops->executor_new(sys, name, threads);
}

void pt_executor_submit(struct pt_executor *executor, pt_task_fn work, pt_task_fn done, void *arg)
{
    pt_assert(pt_sys_on_loop(executor->sys));
    pt_assert(work != NULL);
    executor->sys->ops->executor_submit(executor, work, done, arg);
}

void pt_executor_spread(struct pt_executor *executor, pt_part_fn work, void *arg, size_t parts)
{
    pt_assert(work != NULL);
    executor->sys->ops->executor_spread(executor, work, arg, parts);
}

void pt_executor_hasten(struct pt_executor *executor)
{
    pt_assert(pt_sys_on_loop(executor->sys));
    if (executor->sys->ops->executor_hasten != NULL) {
        executor->sys->ops->executor_hasten(executor);
    }
}

void pt_executor_relax(struct pt_executor *executor)
{
    pt_assert(pt_sys_on_loop(executor->sys));
    if (executor->sys->ops->executor_relax != NULL) {
        executor->sys->ops->executor_relax(executor);
    }
}

void pt_executor_free(struct pt_executor *executor)
{
    if (executor == NULL) {
        return;
    }
    pt_assert(pt_sys_on_loop(executor->sys));
    executor->sys->ops->executor_free(executor);
}

/* ---- files ---------------------------------------------------------------------------------------------------- */

enum pt_code pt_file_open(struct pt_sys *sys, const char *path, unsigned flags, struct pt_file **ret_file,
                          struct pt_error *reterr)
{
    pt_assert((flags & ~(unsigned)(PT_OPEN_WRITE | PT_OPEN_CREATE | PT_OPEN_EXCLUSIVE)) == 0);
    pt_assert((flags & PT_OPEN_EXCLUSIVE) == 0 || (flags & PT_OPEN_CREATE) != 0);
    return sys->ops->file_open(sys, path, flags, ret_file, reterr);
}

void pt_file_close(struct pt_file *file)
{
    if (file != NULL) {
        file->sys->ops->file_close(file);
    }
}

enum pt_code pt_file_read(struct pt_file *file, uint64_t offset, void *data, size_t size, struct pt_error *reterr)
{
    return file->sys->ops->file_read(file, offset, data, size, reterr);
}

enum pt_code pt_file_write(struct pt_file *file, uint64_t offset, const void *data, size_t size,
                           struct pt_error *reterr)
{
    return file->sys->ops->file_write(file, offset, data, size, reterr);
}

enum pt_code pt_file_sync(struct pt_file *file, struct pt_error *reterr)
{
    return file->sys->ops->file_sync(file, reterr);
}

enum pt_code pt_file_write_through(struct pt_file *file, uint64_t offset, const void *data, size_t size,
                                   struct pt_error *reterr)
{
    return file->sys->ops->file_write_through(file, offset, data, size, reterr);
}

enum pt_code pt_file_truncate(struct pt_file *file, uint64_t size, struct pt_error *reterr)
{
    return file->sys->ops->file_truncate(file, size, reterr);
}

enum pt_code pt_file_size(struct pt_file *file, uint64_t *ret_size, struct pt_error *reterr)
{
    return file->sys->ops->file_size(file, ret_size, reterr);
}

enum pt_code pt_file_lock(struct pt_file *file, struct pt_error *reterr)
{
    return file->sys->ops->file_lock(file, reterr);
}

enum pt_code pt_dir_make(struct pt_sys *sys, const char *path, struct pt_error *reterr)
{
    return sys->ops->dir_make(sys, path, reterr);
}

enum pt_code pt_dir_sync(struct pt_sys *sys, const char *path, struct pt_error *reterr)
{
    return sys->ops->dir_sync(sys, path, reterr);
}

enum pt_code pt_dir_list(struct pt_sys *sys, const char *path, void (*fn)(void *arg, const char *name), void *arg,
                         struct pt_error *reterr)
{
    return sys->ops->dir_list(sys, path, fn, arg, reterr);
}

enum pt_code pt_path_rename(struct pt_sys *sys, const char *from, const char *to, struct pt_error *reterr)
{
    return sys->ops->path_rename(sys, from, to, reterr);
}

enum pt_code pt_path_remove(struct pt_sys *sys, const char *path, struct pt_error *reterr)
{
    return sys->ops->path_remove(sys, path, reterr);
}

bool pt_path_exists(struct pt_sys *sys, const char *path)
{
    return sys->ops->path_exists(sys, path);
}

enum pt_code pt_disk_free(struct pt_sys *sys, const char *path, uint64_t *ret_size, struct pt_error *reterr)
{
    return sys->ops->disk_free(sys, path, ret_size, reterr);
}

static enum pt_code read_whole(struct pt_file *file, const char *path, size_t size_max, struct pt_buf *ret_data,
                               struct pt_error *reterr)
{
    uint64_t size = 0;
    PT_TRY(pt_file_size(file, &size, reterr));
    if (size > size_max) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, path, "the file has %llu bytes; at most %zu fit",
                       (unsigned long long)size, size_max);
    }
    struct pt_buf data;
    pt_buf_init(&data);
    enum pt_code code = pt_file_read(file, 0, pt_buf_reserve(&data, (size_t)size), (size_t)size, reterr);
    if (code != PT_OK) {
        pt_buf_fini(&data);
        return code;
    }
    data.size = (size_t)size;
    data.data[data.size] = 0;
    *ret_data = data;
    return PT_OK;
}

enum pt_code pt_path_read(struct pt_sys *sys, const char *path, size_t size_max, struct pt_buf *ret_data,
                          struct pt_error *reterr)
{
    struct pt_file *file = NULL;
    PT_TRY(pt_file_open(sys, path, PT_OPEN_READ, &file, reterr));
    enum pt_code code = read_whole(file, path, size_max, ret_data, reterr);
    pt_file_close(file);
    return code;
}

static enum pt_code write_synced(struct pt_sys *sys, const char *path, const void *data, size_t size,
                                 struct pt_error *reterr)
{
    struct pt_file *file = NULL;
    PT_TRY(pt_file_open(sys, path, PT_OPEN_WRITE | PT_OPEN_CREATE, &file, reterr));
    enum pt_code code = pt_file_truncate(file, 0, reterr);
    if (code == PT_OK) {
        code = pt_file_write(file, 0, data, size, reterr);
    }
    if (code == PT_OK) {
        code = pt_file_sync(file, reterr);
    }
    pt_file_close(file);
    return code;
}

/* The folder of a path; "." when it has none. The caller frees. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    char *folder = slash == NULL ? strdup(".") : strndup(path, len);
    pt_assert(folder != NULL);
    return folder;
}

enum pt_code pt_path_write(struct pt_sys *sys, const char *path, const void *data, size_t size, struct pt_error *reterr)
{
    PT_AUTO(free) char *folder = folder_of(path);
    PT_AUTO(free) char *temporary = NULL;
    pt_assert(asprintf(&temporary, "%s.tmp", path) > 0);
    /* Sync before rename: otherwise the new name could become durable before what it names. */
    enum pt_code code = write_synced(sys, temporary, data, size, reterr);
    if (code == PT_OK) {
        code = pt_path_rename(sys, temporary, path, reterr);
    }
    if (code != PT_OK) {
        /* Best effort: what stays behind is truncated by the next write. */
        enum pt_code ignored = pt_path_remove(sys, temporary, NULL);
        (void)ignored;
        return code;
    }
    return pt_dir_sync(sys, folder, reterr);
}

/* ---- stream sockets ------------------------------------------------------------------------------------------- */

enum pt_code pt_listen(struct pt_sys *sys, const struct pt_endpoint *address, pt_accept_fn on_accept, void *arg,
                       struct pt_listener **ret_listener, struct pt_error *reterr)
{
    pt_assert(pt_sys_on_loop(sys));
    pt_assert(on_accept != NULL);
    return sys->ops->listen(sys, address, on_accept, arg, ret_listener, reterr);
}

struct pt_endpoint pt_listener_address(const struct pt_listener *listener)
{
    return listener->sys->ops->listener_address(listener);
}

void pt_listener_close(struct pt_listener *listener)
{
    if (listener == NULL) {
        return;
    }
    pt_assert(pt_sys_on_loop(listener->sys));
    listener->sys->ops->listener_close(listener);
}

struct pt_stream *pt_connect(struct pt_sys *sys, const struct pt_endpoint *address, const struct pt_stream_ops *ops,
                             void *arg)
{
    pt_assert(pt_sys_on_loop(sys));
    pt_assert(ops != NULL && ops->on_connect != NULL && ops->on_data != NULL && ops->on_closed != NULL);
    return sys->ops->connect(sys, address, ops, arg);
}

void pt_stream_start(struct pt_stream *stream, const struct pt_stream_ops *ops, void *arg)
{
    pt_assert(pt_sys_on_loop(stream->sys));
    pt_assert(ops != NULL && ops->on_data != NULL && ops->on_closed != NULL);
    stream->sys->ops->stream_start(stream, ops, arg);
}

bool pt_stream_write(struct pt_stream *stream, const void *data, size_t size)
{
    pt_assert(pt_sys_on_loop(stream->sys));
    return stream->sys->ops->stream_write(stream, data, size);
}

void pt_stream_close(struct pt_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    pt_assert(pt_sys_on_loop(stream->sys));
    stream->sys->ops->stream_close(stream);
}
