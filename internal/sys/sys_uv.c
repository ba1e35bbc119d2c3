/*
 * The real world: a libuv loop, its timers, posted tasks, signals and watched descriptors.
 *
 *   turn:  timers -> flush -> sleep -> descriptors -> posted tasks -> timers of delay 0 -> flush
 *
 * The loop sleeps only when nothing is posted, ready or to be flushed; so what it asks of itself costs no system call.
 * Only another thread's post rings the bell (sys_uv_bell.c).
 *
 * Three things are done differently from plain libuv, each for a reason.
 * - A timer with delay 0 goes to a list of our own and fires in the next turn. libuv before 1.45 runs due timers until
 * none is due, so that a timer which restarts itself with delay 0 would keep the loop from ever reading a socket.
 * - Timer delays count from now, not from the loop's cached time: after a long callback the cached time is old and a
 *   timer would fire early. Election timeouts must not.
 * - Posted tasks stand in one array under a mutex. A turn takes the whole array and runs it outside the lock; what
 * those tasks post runs in the next turn, so that a task that posts itself cannot starve sockets either.
 */
#include "sys/sys_uv.h"
#include "sys/sys_uv_loop.h"
#include "base/assert.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

struct uv_pt_timer {
    struct pt_timer base;
    uv_timer_t handle;
    struct pt_list ready; /* in pt_uv.ready while it waits for the next turn; else alone */
    uint64_t repeat_ms;
    pt_task_fn fn;
    void *arg;
};

struct pt_fd_watch {
    uv_poll_t handle;
    pt_task_fn fn;
    void *arg;
};

static const int signal_numbers[PT_UV_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

static bool uv_on_loop(struct pt_sys *sys)
{
    struct pt_uv *uv = (struct pt_uv *)sys;
    return pthread_equal(atomic_load_explicit(&uv->thread, memory_order_relaxed), pthread_self()) != 0;
}

/* ---- clock and random ----------------------------------------------------------------------------------------- */

static uint64_t uv_now_ns(struct pt_sys *sys)
{
    (void)sys;
    struct timespec now;
    pt_assert(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static int64_t uv_wall_ns(struct pt_sys *sys)
{
    (void)sys;
    struct timespec now;
    pt_assert(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void draw(uint8_t *to, size_t size)
{
    while (size > 0) {
        ssize_t got = getrandom(to, size, 0);
        if (got < 0) {
            pt_assert(errno == EINTR);
            continue;
        }
        to += got;
        size -= (size_t)got;
    }
}

/* Words, which ids are made of by the thousand a second, come from the loop's stock; what may be a key never does. */
static void uv_random_bytes(struct pt_sys *sys, void *data, size_t size)
{
    struct pt_uv *uv = (struct pt_uv *)sys;
    if (size != sizeof(uint64_t) || !uv_on_loop(sys)) {
        draw(data, size);
        return;
    }
    if (uv->words_left == 0) {
        draw((uint8_t *)uv->words, sizeof(uv->words));
        uv->words_left = PT_UV_WORDS_LEN;
    }
    memcpy(data, &uv->words[--uv->words_left], size);
}

/* ---- posted tasks --------------------------------------------------------------------------------------------- */

static void uv_post(struct pt_sys *sys, pt_task_fn fn, void *arg)
{
    struct pt_uv *uv = (struct pt_uv *)sys;
    pthread_mutex_lock(&uv->lock);
    struct pt_uv_tasks *posted = &uv->posted;
    bool ring = posted->len == 0 && !uv_on_loop(sys); /* before it sleeps the loop looks by itself */
    if (posted->len == posted->capacity) {
        posted->capacity = posted->capacity == 0 ? 64 : posted->capacity * 2;
        posted->tasks = realloc(posted->tasks, posted->capacity * sizeof(*posted->tasks));
        pt_assert(posted->tasks != NULL);
    }
    posted->tasks[posted->len++] = (struct pt_uv_task){.fn = fn, .arg = arg};
    pthread_mutex_unlock(&uv->lock);
    if (ring) {
        pt_uv_bell_ring(&uv->wake);
    }
}

static void run_posted(struct pt_uv *uv)
{
    pthread_mutex_lock(&uv->lock);
    struct pt_uv_tasks batch = uv->posted;
    uv->posted = uv->taken;
    uv->posted.len = 0;
    uv->taken = batch;
    pthread_mutex_unlock(&uv->lock);
    for (size_t i = 0; i < batch.len; i++) {
        batch.tasks[i].fn(batch.tasks[i].arg);
    }
}

/* ---- timers --------------------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *handle)
{
    struct uv_pt_timer *timer = handle->data;
    timer->fn(timer->arg);
}

static struct pt_timer *uv_timer_make(struct pt_sys *sys, pt_task_fn fn, void *arg)
{
    struct pt_uv *uv = (struct pt_uv *)sys;
    struct uv_pt_timer *timer = pt_sys_alloc(sizeof(*timer));
    timer->base.sys = sys;
    timer->fn = fn;
    timer->arg = arg;
    pt_list_init(&timer->ready);
    pt_assert(uv_timer_init(&uv->loop, &timer->handle) == 0);
    timer->handle.data = timer;
    return &timer->base;
}

static void uv_timer_halt(struct pt_timer *base)
{
    struct uv_pt_timer *timer = (struct uv_pt_timer *)base;
    pt_list_remove(&timer->ready);
    (void)uv_timer_stop(&timer->handle); /* cannot fail */
}

static void start_handle(struct uv_pt_timer *timer, uint64_t delay_ms)
{
    uv_update_time(timer->handle.loop);
    pt_assert(uv_timer_start(&timer->handle, on_timer, delay_ms, timer->repeat_ms) == 0);
}

static void uv_timer_arm(struct pt_timer *base, uint64_t delay_ms, uint64_t repeat_ms)
{
    struct uv_pt_timer *timer = (struct uv_pt_timer *)base;
    struct pt_uv *uv = (struct pt_uv *)base->sys;
    uv_timer_halt(base);
    timer->repeat_ms = repeat_ms;
    if (delay_ms > 0) {
        start_handle(timer, delay_ms);
        return;
    }
    pt_list_push_back(&uv->ready, &timer->ready);
}

static bool uv_timer_armed(const struct pt_timer *base)
{
    const struct uv_pt_timer *timer = (const struct uv_pt_timer *)base;
    return !pt_list_empty(&timer->ready) || uv_is_active((const uv_handle_t *)&timer->handle) != 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void uv_timer_drop(struct pt_timer *base)
{
    struct uv_pt_timer *timer = (struct uv_pt_timer *)base;
    pt_list_remove(&timer->ready);
    uv_close((uv_handle_t *)&timer->handle, on_timer_closed);
}

static void run_ready(struct pt_uv *uv)
{
    /* Only what is there now: a marker keeps timers that restart with delay 0 for the next turn. */
    pt_list_push_back(&uv->ready, &uv->ready_end);
    while (uv->ready.next != &uv->ready_end) {
        struct uv_pt_timer *timer = PT_CONTAINER(pt_list_pop_front(&uv->ready), struct uv_pt_timer, ready);
        if (timer->repeat_ms > 0) {
            start_handle(timer, timer->repeat_ms);
        }
        timer->fn(timer->arg);
    }
    pt_list_remove(&uv->ready_end);
}

/* ---- loop ----------------------------------------------------------------------------------------------------- */

static const struct pt_sys_ops uv_ops = {
    .now_ns = uv_now_ns,
    .wall_ns = uv_wall_ns,
    .random = uv_random_bytes,
    .post = uv_post,
    .on_loop = uv_on_loop,
    .timer_new = uv_timer_make,
    .timer_start = uv_timer_arm,
    .timer_stop = uv_timer_halt,
    .timer_active = uv_timer_armed,
    .timer_free = uv_timer_drop,
    .executor_new = pt_uv_executor_new,
    .executor_submit = pt_uv_executor_submit,
    .executor_spread = pt_uv_executor_spread,
    .executor_hasten = pt_uv_executor_hasten,
    .executor_relax = pt_uv_executor_relax,
    .executor_free = pt_uv_executor_free,
    .file_open = pt_posix_open,
    .file_close = pt_posix_close,
    .file_read = pt_posix_read,
    .file_write = pt_posix_write,
    .file_sync = pt_posix_sync,
    .file_write_through = pt_posix_write_through,
    .file_truncate = pt_posix_truncate,
    .file_size = pt_posix_size,
    .file_lock = pt_posix_lock,
    .dir_make = pt_posix_dir_make,
    .dir_sync = pt_posix_dir_sync,
    .dir_list = pt_posix_dir_list,
    .path_rename = pt_posix_rename,
    .path_remove = pt_posix_remove,
    .path_exists = pt_posix_exists,
    .disk_free = pt_posix_disk_free,
    .listen = pt_uv_listen,
    .listener_address = pt_uv_listener_address,
    .listener_close = pt_uv_listener_close,
    .connect = pt_uv_connect,
    .stream_start = pt_uv_stream_start,
    .stream_write = pt_uv_stream_write,
    .stream_close = pt_uv_stream_close,
};

static void on_wake(void *arg)
{
    (void)arg; /* on_check does what there is to do, whoever asked for it */
}

static void on_hurry(uv_idle_t *handle)
{
    (void)handle; /* that it is active is all: the loop polls without sleeping */
}

static bool work_waits(struct pt_uv *uv)
{
    pthread_mutex_lock(&uv->lock);
    bool posted = uv->posted.len > 0;
    pthread_mutex_unlock(&uv->lock);
    return posted || !pt_list_empty(&uv->ready) || !pt_list_empty(&uv->dirty);
}

static void on_prepare(uv_prepare_t *handle)
{
    struct pt_uv *uv = handle->data;
    pt_uv_flush(uv);
    int status = work_waits(uv) ? uv_idle_start(&uv->hurry, on_hurry) : uv_idle_stop(&uv->hurry);
    pt_assert(status == 0);
}

static void on_check(uv_check_t *handle)
{
    struct pt_uv *uv = handle->data;
    run_posted(uv);
    run_ready(uv);
    if (atomic_exchange(&uv->stop, false)) {
        uv_stop(&uv->loop);
    }
    pt_uv_flush(uv);
}

enum pt_code pt_sys_uv_new(struct pt_sys **ret_sys, struct pt_error *reterr)
{
    struct pt_uv *uv = pt_sys_alloc(sizeof(*uv));
    int status = uv_loop_init(&uv->loop);
    if (status < 0) {
        free(uv);
        return pt_fail_errno(reterr, -status, NULL, "cannot make an event loop");
    }
    status = pt_uv_bell_open(&uv->loop, &uv->wake, on_wake, uv);
    if (status < 0) {
        pt_assert(uv_loop_close(&uv->loop) == 0);
        free(uv);
        return pt_fail_errno(reterr, -status, NULL, "cannot make an event descriptor");
    }
    uv->base.ops = &uv_ops;
    pt_assert(uv_idle_init(&uv->loop, &uv->hurry) == 0);
    pt_assert(uv_prepare_init(&uv->loop, &uv->prepare) == 0 && uv_prepare_start(&uv->prepare, on_prepare) == 0);
    pt_assert(uv_check_init(&uv->loop, &uv->check) == 0 && uv_check_start(&uv->check, on_check) == 0);
    uv->prepare.data = uv;
    uv->check.data = uv;
    pt_assert(pthread_mutex_init(&uv->lock, NULL) == 0);
    pt_list_init(&uv->ready);
    pt_list_init(&uv->dirty);
    atomic_init(&uv->thread, pthread_self());
    atomic_init(&uv->stop, false);
    /* A write to a socket that the peer has reset must be an error of that stream, not the end of the process. */
    (void)signal(SIGPIPE, SIG_IGN);
    *ret_sys = &uv->base;
    return PT_OK;
}

void pt_sys_uv_run(struct pt_sys *sys)
{
    struct pt_uv *uv = (struct pt_uv *)sys;
    atomic_store(&uv->thread, pthread_self());
    (void)uv_run(&uv->loop, UV_RUN_DEFAULT); /* says only whether handles are left, which is always so */
}

void pt_sys_uv_turn(struct pt_sys *sys, bool wait)
{
    struct pt_uv *uv = (struct pt_uv *)sys;
    atomic_store(&uv->thread, pthread_self());
    (void)uv_run(&uv->loop, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

void pt_sys_uv_stop(struct pt_sys *sys)
{
    struct pt_uv *uv = (struct pt_uv *)sys;
    atomic_store(&uv->stop, true);
    pt_uv_bell_ring(&uv->wake);
}

void pt_sys_uv_free(struct pt_sys *sys)
{
    if (sys == NULL) {
        return;
    }
    struct pt_uv *uv = (struct pt_uv *)sys;
    pt_assert(pt_list_empty(&uv->ready));
    pt_uv_bell_close(&uv->wake, NULL);
    uv_close((uv_handle_t *)&uv->hurry, NULL);
    uv_close((uv_handle_t *)&uv->prepare, NULL);
    uv_close((uv_handle_t *)&uv->check, NULL);
    for (int i = 0; uv->signals_open && i < PT_UV_SIGNALS; i++) {
        uv_close((uv_handle_t *)&uv->signals[i], NULL);
    }
    /* Closing takes a turn. With all handles closing, the loop ends by itself. */
    (void)uv_run(&uv->loop, UV_RUN_DEFAULT);
    pt_assert(uv_loop_close(&uv->loop) == 0);
    pthread_mutex_destroy(&uv->lock);
    free(uv->posted.tasks);
    free(uv->taken.tasks);
    free(uv);
}

/* ---- signals and descriptors ---------------------------------------------------------------------------------- */

static void on_signal(uv_signal_t *handle, int number)
{
    struct pt_uv *uv = handle->data;
    uv->on_signal(uv->on_signal_arg, number);
}

enum pt_code pt_sys_uv_on_signal(struct pt_sys *sys, void (*fn)(void *arg, int number), void *arg,
                                 struct pt_error *reterr)
{
    struct pt_uv *uv = (struct pt_uv *)sys;
    pt_assert(uv_on_loop(sys));
    pt_assert(!uv->signals_open);
    for (int i = 0; i < PT_UV_SIGNALS; i++) {
        pt_assert(uv_signal_init(&uv->loop, &uv->signals[i]) == 0);
        uv->signals[i].data = uv;
    }
    uv->signals_open = true;
    uv->on_signal = fn;
    uv->on_signal_arg = arg;
    for (int i = 0; i < PT_UV_SIGNALS; i++) {
        int status = uv_signal_start(&uv->signals[i], on_signal, signal_numbers[i]);
        if (status < 0) {
            return pt_fail_errno(reterr, -status, NULL, "cannot handle signal %d", signal_numbers[i]);
        }
    }
    return PT_OK;
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    (void)status; /* an error makes the descriptor readable: the owner's read finds it */
    (void)events;
    struct pt_fd_watch *watch = handle->data;
    watch->fn(watch->arg);
}

struct pt_fd_watch *pt_sys_uv_watch(struct pt_sys *sys, int fd, pt_task_fn fn, void *arg)
{
    struct pt_uv *uv = (struct pt_uv *)sys;
    pt_assert(uv_on_loop(sys));
    struct pt_fd_watch *watch = pt_sys_alloc(sizeof(*watch));
    watch->fn = fn;
    watch->arg = arg;
    pt_assert(uv_poll_init(&uv->loop, &watch->handle, fd) == 0);
    watch->handle.data = watch;
    pt_assert(uv_poll_start(&watch->handle, UV_READABLE, on_poll) == 0);
    return watch;
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void pt_sys_uv_unwatch(struct pt_fd_watch *watch)
{
    if (watch != NULL) {
        uv_close((uv_handle_t *)&watch->handle, on_watch_closed);
    }
}

void *pt_sys_uv_loop(struct pt_sys *sys)
{
    return &((struct pt_uv *)sys)->loop;
}

static void note_closing(uv_handle_t *handle, void *arg)
{
    bool *closing = arg;
    *closing = *closing || uv_is_closing(handle) != 0;
}

bool pt_sys_uv_closing(struct pt_sys *sys)
{
    bool closing = false;
    uv_walk(&((struct pt_uv *)sys)->loop, note_closing, &closing);
    return closing;
}
