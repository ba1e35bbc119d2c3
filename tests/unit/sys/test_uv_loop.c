/*
 * The real loop: timers, posted tasks, executors, signals and watched descriptors.
 *
 * These tests run on real time, but wait only on conditions: they assert order and lower bounds, never an upper bound.
 */
#include "sys/sys_uv.h"
#include "base/assert.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

struct trace {
    struct pt_sys *sys;
    int events[64];
    int len;
    int stop_at; /* stop the loop when len reaches this */
};

struct event {
    struct trace *trace;
    struct pt_timer *timer;
    int id;
};

static struct pt_sys *sys_new(void)
{
    struct pt_sys *sys = NULL;
    ck_assert_int_eq(pt_sys_uv_new(&sys, NULL), PT_OK);
    return sys;
}

static void record(void *arg)
{
    struct event *event = arg;
    struct trace *trace = event->trace;
    ck_assert(pt_sys_on_loop(trace->sys));
    trace->events[trace->len++] = event->id;
    if (trace->len == trace->stop_at) {
        pt_sys_uv_stop(trace->sys);
    }
}

/* Timers with different delays, started in the wrong order, fire by delay; equal delays in order of starting. */
START_TEST(timers_fire_in_order_of_time)
{
    struct trace trace = {.sys = sys_new(), .stop_at = 4};
    static const uint64_t delays[] = {20, 5, 20, 1};
    struct event events[4];
    uint64_t start = pt_sys_now_ms(trace.sys);
    for (int i = 0; i < 4; i++) {
        events[i] = (struct event){.trace = &trace, .id = i};
        events[i].timer = pt_timer_new(trace.sys, record, &events[i]);
        ck_assert(!pt_timer_active(events[i].timer));
        pt_timer_start(events[i].timer, delays[i], 0);
        ck_assert(pt_timer_active(events[i].timer));
    }
    pt_sys_uv_run(trace.sys);
    ck_assert_uint_ge(pt_sys_now_ms(trace.sys), start + 19);
    static const int expected[] = {3, 1, 0, 2};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(trace.events[i], expected[i]);
        ck_assert(!pt_timer_active(events[i].timer));
        pt_timer_free(events[i].timer);
    }
    pt_sys_uv_free(trace.sys);
}
END_TEST

/* A repeating timer fires until stopped; a stopped or restarted one does not fire for its old start. */
START_TEST(timers_repeat_stop_and_restart)
{
    struct trace trace = {.sys = sys_new(), .stop_at = 3};
    struct event repeating = {.trace = &trace, .id = 1};
    struct event stopped = {.trace = &trace, .id = 2};
    struct event restarted = {.trace = &trace, .id = 3};
    repeating.timer = pt_timer_new(trace.sys, record, &repeating);
    stopped.timer = pt_timer_new(trace.sys, record, &stopped);
    restarted.timer = pt_timer_new(trace.sys, record, &restarted);
    pt_timer_start(repeating.timer, 0, 1);
    pt_timer_start(stopped.timer, 0, 1);
    pt_timer_stop(stopped.timer);
    pt_timer_start(restarted.timer, 0, 0);
    pt_timer_start(restarted.timer, 1000000, 0);
    pt_sys_uv_run(trace.sys);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(trace.events[i], 1);
    }
    ck_assert(pt_timer_active(repeating.timer));
    pt_timer_free(repeating.timer);
    pt_timer_free(stopped.timer);
    pt_timer_free(restarted.timer);
    pt_timer_free(NULL);
    pt_sys_uv_free(trace.sys);
}
END_TEST

static void restart_at_once(void *arg)
{
    struct event *event = arg;
    event->trace->len++;
    pt_timer_start(event->timer, 0, 0);
}

static void stop_loop(void *arg)
{
    pt_sys_uv_stop(arg);
}

/* A timer that restarts itself with delay 0 must let other timers fire. */
START_TEST(delay_zero_does_not_starve_the_loop)
{
    struct trace trace = {.sys = sys_new()};
    struct event event = {.trace = &trace};
    event.timer = pt_timer_new(trace.sys, restart_at_once, &event);
    struct pt_timer *end = pt_timer_new(trace.sys, stop_loop, trace.sys);
    pt_timer_start(event.timer, 0, 0);
    pt_timer_start(end, 5, 0);
    pt_sys_uv_run(trace.sys);
    ck_assert_int_gt(trace.len, 1);
    pt_timer_free(event.timer);
    pt_timer_free(end);
    pt_sys_uv_free(trace.sys);
}
END_TEST

static void free_itself(void *arg)
{
    struct event *event = arg;
    pt_timer_free(event->timer);
    event->timer = NULL;
    pt_sys_uv_stop(event->trace->sys);
}

START_TEST(timer_callback_may_free_its_timer)
{
    for (uint64_t delay = 0; delay < 2; delay++) {
        struct trace trace = {.sys = sys_new()};
        struct event event = {.trace = &trace};
        event.timer = pt_timer_new(trace.sys, free_itself, &event);
        pt_timer_start(event.timer, delay, 1);
        pt_sys_uv_run(trace.sys);
        ck_assert_ptr_null(event.timer);
        pt_sys_uv_free(trace.sys);
    }
}
END_TEST

/* ---- posting -------------------------------------------------------------------------------------------------- */

#define POSTERS 4
#define POSTS_PER_THREAD 5000

struct posting {
    struct pt_sys *sys;
    int next[POSTERS]; /* loop thread: the number expected from each thread */
    int total;
};

struct post {
    struct posting *posting;
    int thread;
    int number;
};

static void take_post(void *arg)
{
    struct post *post = arg;
    struct posting *posting = post->posting;
    ck_assert(pt_sys_on_loop(posting->sys));
    ck_assert_int_eq(posting->next[post->thread], post->number);
    posting->next[post->thread]++;
    free(post);
    if (++posting->total == POSTERS * POSTS_PER_THREAD) {
        pt_sys_uv_stop(posting->sys);
    }
}

struct poster {
    struct posting *posting;
    int thread;
};

static void *run_poster(void *arg)
{
    struct poster *poster = arg;
    pt_assert(!pt_sys_on_loop(poster->posting->sys));
    for (int i = 0; i < POSTS_PER_THREAD; i++) {
        struct post *post = malloc(sizeof(*post));
        pt_assert(post != NULL);
        *post = (struct post){.posting = poster->posting, .thread = poster->thread, .number = i};
        pt_sys_post(poster->posting->sys, take_post, post);
    }
    return NULL;
}

/* Four threads post at once: everything arrives, each thread's posts in order. */
START_TEST(posts_of_threads_arrive_in_order)
{
    struct posting posting = {.sys = sys_new()};
    pthread_t threads[POSTERS];
    struct poster posters[POSTERS];
    for (int i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.posting = &posting, .thread = i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_poster, &posters[i]), 0);
    }
    pt_sys_uv_run(posting.sys);
    for (int i = 0; i < POSTERS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(posting.next[i], POSTS_PER_THREAD);
    }
    pt_sys_uv_free(posting.sys);
}
END_TEST

/* ---- executors ------------------------------------------------------------------------------------------------ */

struct job {
    struct pt_sys *sys;
    struct pt_executor *executor;
    atomic_int *worked; /* how many works have run */
    int *done;          /* how many done callbacks have run */
    int number;
    int work_order; /* value of *worked when it ran */
    bool check_order;
    int stop_at;
    struct job *more; /* submitted by done */
};

static void work(void *arg)
{
    struct job *job = arg;
    pt_assert(!pt_sys_on_loop(job->sys)); /* not ck_assert: libcheck lives on the main thread */
    job->work_order = atomic_fetch_add(job->worked, 1);
}

static void done(void *arg)
{
    struct job *job = arg;
    ck_assert(pt_sys_on_loop(job->sys));
    if (job->check_order) {
        ck_assert_int_eq(job->work_order, job->number);
        ck_assert_int_eq(*job->done, job->number);
    }
    (*job->done)++;
    if (job->more != NULL) {
        pt_executor_submit(job->executor, work, done, job->more);
    }
    if (*job->done == job->stop_at) {
        pt_sys_uv_stop(job->sys);
    }
}

#define JOBS 1000

static void run_jobs(unsigned threads, bool through_loop)
{
    struct pt_sys *sys = sys_new();
    struct pt_executor *executor = pt_executor_new(sys, "a name longer than the kernel's", threads);
    struct job *jobs = calloc(JOBS, sizeof(*jobs));
    pt_assert(jobs != NULL);
    atomic_int worked = 0;
    int done_len = 0;
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){.sys = sys,
                               .executor = executor,
                               .worked = &worked,
                               .done = &done_len,
                               .number = i,
                               .check_order = threads == 1,
                               .stop_at = JOBS};
        pt_executor_submit(executor, work, done, &jobs[i]);
    }
    if (through_loop) {
        pt_sys_uv_run(sys);
    }
    pt_executor_free(executor);
    ck_assert_int_eq(atomic_load(&worked), JOBS);
    ck_assert_int_eq(done_len, JOBS);
    free(jobs);
    pt_sys_uv_free(sys);
}

START_TEST(one_thread_keeps_order)
{
    run_jobs(1, true);
}
END_TEST

START_TEST(a_pool_finishes_everything)
{
    run_jobs(3, true);
}
END_TEST

static uint64_t own_slice_ns(void)
{
    uint64_t words[6] = {0}; /* sched_setattr(2): the fourth is the slice */
    ck_assert_int_eq(syscall(SYS_sched_getattr, 0, words, sizeof(words), 0), 0);
    return words[3];
}

static void note_slice(void *arg)
{
    *(uint64_t *)arg = own_slice_ns();
}

/* Only the executor that is hastened asks for short slices, not who makes it nor another one. A kernel that knows of
 * none says zero of all. */
START_TEST(a_hastened_executor_has_short_slices)
{
    struct pt_sys *sys = sys_new();
    struct pt_executor *hastened = pt_executor_new(sys, "hastened", 1);
    struct pt_executor *other = pt_executor_new(sys, "other", 1);
    uint64_t before = own_slice_ns(), slice = 1, slice_of_other = 1;
    pt_executor_hasten(hastened);
    pt_executor_submit(hastened, note_slice, NULL, &slice);
    pt_executor_submit(other, note_slice, NULL, &slice_of_other);
    pt_executor_free(hastened);
    pt_executor_free(other);
    ck_assert_uint_eq(slice_of_other, before);
    ck_assert_uint_eq(own_slice_ns(), before);
    ck_assert_uint_eq(slice, before == 0 ? 0 : 100000);
    pt_sys_uv_free(sys);
}
END_TEST

static void note_nice(void *arg)
{
    *(int *)arg = getpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid));
}

/* Only the executor that is relaxed gives way, not who makes it nor another one; and no further with each work. */
START_TEST(a_relaxed_executor_gives_way)
{
    struct pt_sys *sys = sys_new();
    struct pt_executor *relaxed = pt_executor_new(sys, "relaxed", 1);
    struct pt_executor *other = pt_executor_new(sys, "other", 1);
    int before = getpriority(PRIO_PROCESS, 0), first = -1, second = -1, of_other = -1, after = -1;
    int expected = before + 10 < 19 ? before + 10 : 19;
    pt_executor_relax(relaxed);
    pt_executor_submit(relaxed, note_nice, NULL, &first);
    pt_executor_submit(relaxed, note_nice, NULL, &second);
    pt_executor_submit(other, note_nice, NULL, &of_other);
    pt_executor_free(relaxed);
    pt_executor_free(other);
    note_nice(&after);
    ck_assert_int_eq(first, expected);
    ck_assert_int_eq(second, expected);
    ck_assert_int_eq(of_other, before);
    ck_assert_int_eq(after, before);
    pt_sys_uv_free(sys);
}
END_TEST

/* Freeing waits: all works and all done callbacks have run when it returns, without a turn of the loop. */
START_TEST(free_waits_for_work)
{
    run_jobs(1, false);
    run_jobs(3, false);
}
END_TEST

#define PARTS 64

struct parts {
    struct pt_sys *sys;
    struct pt_executor *executor;
    atomic_int runs[PARTS];
    atomic_int waiting; /* of the first two parts, which wait for each other: only two threads get past them */
    bool meet;
    bool whole; /* all had run when pt_executor_spread returned */
};

static void run_part(void *arg, size_t part)
{
    struct parts *parts = arg;
    pt_assert(!pt_sys_on_loop(parts->sys));
    atomic_fetch_add(&parts->runs[part], 1);
    if (parts->meet && part < 2) {
        atomic_fetch_add(&parts->waiting, 1);
        while (atomic_load(&parts->waiting) < 2) {
        }
    }
}

static void spread_work(void *arg)
{
    struct parts *parts = arg;
    pt_executor_spread(parts->executor, run_part, parts, PARTS);
    parts->whole = true;
    for (size_t i = 0; i < PARTS; i++) {
        parts->whole = parts->whole && atomic_load(&parts->runs[i]) == 1;
    }
    pt_executor_spread(parts->executor, run_part, parts, 0); /* nothing to do is fine */
}

/* From a work of the executor itself, whose other thread helps; and of an executor with no thread to spare. */
START_TEST(parts_run_once_each_on_the_threads_that_are_free)
{
    for (unsigned threads = 1; threads <= 2; threads++) {
        struct pt_sys *sys = sys_new();
        struct parts parts = {.sys = sys, .executor = pt_executor_new(sys, "plan", threads), .meet = threads == 2};
        pt_executor_submit(parts.executor, spread_work, NULL, &parts);
        pt_executor_free(parts.executor);
        ck_assert(parts.whole);
        ck_assert_int_eq(atomic_load(&parts.waiting), threads == 2 ? 2 : 0);
        pt_sys_uv_free(sys);
    }
}
END_TEST

/* A done callback that runs within pt_executor_free may submit once more, and that is waited for too. */
START_TEST(done_may_submit_while_freeing)
{
    struct pt_sys *sys = sys_new();
    struct pt_executor *executor = pt_executor_new(sys, "log", 1);
    atomic_int worked = 0;
    int done_len = 0;
    struct job second = {.sys = sys, .executor = executor, .worked = &worked, .done = &done_len};
    struct job first = second;
    first.more = &second;
    pt_executor_submit(executor, work, done, &first);
    pt_executor_submit(executor, work, NULL, &(struct job){.sys = sys, .worked = &worked});
    pt_executor_free(executor);
    ck_assert_int_eq(atomic_load(&worked), 3);
    ck_assert_int_eq(done_len, 2);
    pt_executor_free(NULL);
    pt_sys_uv_free(sys);
}
END_TEST

static void free_executor(void *arg)
{
    struct job *job = arg;
    pt_executor_free(job->executor);
    pt_sys_uv_stop(job->sys);
}

START_TEST(done_may_free_its_executor)
{
    struct pt_sys *sys = sys_new();
    atomic_int worked = 0;
    struct job job = {.sys = sys, .worked = &worked};
    job.executor = pt_executor_new(sys, "log", 1);
    pt_executor_submit(job.executor, work, free_executor, &job);
    pt_sys_uv_run(sys);
    ck_assert_int_eq(atomic_load(&worked), 1);
    pt_sys_uv_free(sys);
}
END_TEST

/* ---- signals, descriptors, random ----------------------------------------------------------------------------- */

static void on_signal(void *arg, int number)
{
    struct trace *trace = arg;
    trace->events[trace->len++] = number;
    pt_sys_uv_stop(trace->sys);
}

START_TEST(signals_reach_the_loop)
{
    struct trace trace = {.sys = sys_new()};
    ck_assert_int_eq(pt_sys_uv_on_signal(trace.sys, on_signal, &trace, NULL), PT_OK);
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(kill(getpid(), numbers[i]), 0);
        pt_sys_uv_run(trace.sys);
        ck_assert_int_eq(trace.len, i + 1);
        ck_assert_int_eq(trace.events[i], numbers[i]);
    }
    pt_sys_uv_free(trace.sys);
}
END_TEST

struct pipe_reader {
    struct pt_sys *sys;
    int fd;
    int calls;
};

static void on_readable(void *arg)
{
    struct pipe_reader *reader = arg;
    char byte;
    ck_assert_int_eq(read(reader->fd, &byte, 1), 1);
    ck_assert_int_eq(byte, 'a' + reader->calls);
    if (++reader->calls == 2) {
        pt_sys_uv_stop(reader->sys);
    }
}

/* Two bytes, one read a call: the watch is level triggered. The descriptor stays the caller's. */
START_TEST(watch_reports_readable)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    struct pipe_reader reader = {.sys = sys_new(), .fd = fds[0]};
    struct pt_fd_watch *watch = pt_sys_uv_watch(reader.sys, fds[0], on_readable, &reader);
    ck_assert_int_eq(write(fds[1], "ab", 2), 2);
    pt_sys_uv_run(reader.sys);
    ck_assert_int_eq(reader.calls, 2);
    pt_sys_uv_unwatch(watch);
    pt_sys_uv_unwatch(NULL);
    pt_sys_uv_free(reader.sys);
    ck_assert_int_eq(close(fds[0]), 0);
    ck_assert_int_eq(close(fds[1]), 0);
}
END_TEST

START_TEST(random_and_clocks)
{
    struct pt_sys *sys = sys_new();
    ck_assert_uint_ne(pt_sys_random_u64(sys), pt_sys_random_u64(sys));
    uint64_t before = pt_sys_now_ns(sys);
    ck_assert_uint_le(before, pt_sys_now_ns(sys));
    ck_assert_int_gt(pt_sys_wall_ns(sys), INT64_C(1600000000000000000));
    pt_sys_uv_turn(sys, false); /* returns although nothing is ready */
    pt_sys_uv_free(sys);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sys_uv_loop");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, timers_fire_in_order_of_time);
    tcase_add_test(tc, timers_repeat_stop_and_restart);
    tcase_add_test(tc, delay_zero_does_not_starve_the_loop);
    tcase_add_test(tc, timer_callback_may_free_its_timer);
    tcase_add_test(tc, posts_of_threads_arrive_in_order);
    tcase_add_test(tc, one_thread_keeps_order);
    tcase_add_test(tc, a_pool_finishes_everything);
    tcase_add_test(tc, a_hastened_executor_has_short_slices);
    tcase_add_test(tc, a_relaxed_executor_gives_way);
    tcase_add_test(tc, free_waits_for_work);
    tcase_add_test(tc, parts_run_once_each_on_the_threads_that_are_free);
    tcase_add_test(tc, done_may_submit_while_freeing);
    tcase_add_test(tc, done_may_free_its_executor);
    tcase_add_test(tc, signals_reach_the_loop);
    tcase_add_test(tc, watch_reports_readable);
    tcase_add_test(tc, random_and_clocks);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
