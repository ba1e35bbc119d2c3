/*
 * Executors of the real world: threads of their own with a queue, and a way back to the loop.
 *
 * libuv's own pool is not used: its four threads serve every caller in one queue, so that a slow name lookup could
 * stand before the log's fsync. Here the log writer owns its thread and nothing else can delay it.
 *
 *   loop: submit -> [todo] -> thread: work -> [finished] -> wake -> loop: done
 *
 * One mutex protects both lists. A thread wakes the loop only when `finished` was empty, so that a burst of work costs
 * one wake-up. Who wakes another lets go of the mutex first: one that is woken under it goes back to sleep for it, at
 * once. With one thread both lists keep the order of submission.
 *
 * Hastening. A thread that wakes on a busy machine waits until the one that runs has had its slice of 1.4 ms and more,
 * or the next tick of 4 ms. One that asks for shorter slices than that other's may take its place at once; its part of
 * the processor stays what it was, since it is put off again as soon. The log's writer works for some tens of
 * microseconds a time and sleeps in syncs between, and each of its wake-ups is in the way of a write: on two busy
 * processors it waited two to four times as long as it ran. It is no help to threads that have much to do, such as the
 * loop: those only take turns more often, and creates became fewer when all threads asked.
 *
 * Relaxing. A copy of the whole state takes tenths of a second of a processor. A machine that is busy with calls has a
 * tenth idle all the same, in pieces, which is enough for it.
 */
#include "sys/sys_uv_loop.h"
#include "base/assert.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHORT_SLICE_NS 100000U /* the shortest that the kernel takes */
#define RELAXED_NICE 10        /* a tenth of what a thread without it has */

/* What sched_setattr(2) takes, in its first version; <linux/sched/types.h> does not go with <sched.h>. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns; /* of policy SCHED_OTHER: a slice */
    uint64_t deadline_ns, period_ns;
};
_Static_assert(sizeof(struct scheduling) == 48, "the kernel's layout");

struct job {
    struct pt_list node;
    pt_task_fn work;
    pt_task_fn done; /* may be NULL */
    void *arg;
};

enum pace { PACE_GIVEN, PACE_HASTENED, PACE_RELAXED };

struct uv_pt_executor {
    struct pt_executor base;
    struct pt_uv_bell finished_wake;
    pthread_mutex_t lock;    /* protects the lists, pending, closing and pace */
    pthread_cond_t not_idle; /* todo has a job, or closing */
    pthread_cond_t progress; /* finished has a job; only pt_executor_free waits for it */
    struct pt_list todo;
    struct pt_list finished;
    size_t pending; /* jobs submitted and not yet in finished */
    bool closing;
    enum pace pace; /* that its threads are to ask for */
    bool gone;      /* pt_executor_free has returned; loop thread only */
    unsigned threads_len;
    char name[16];
    pthread_t threads[];
};

static struct job *take_job(struct uv_pt_executor *executor, enum pace *ret_pace)
{
    pthread_mutex_lock(&executor->lock);
    while (pt_list_empty(&executor->todo) && !executor->closing) {
        pthread_cond_wait(&executor->not_idle, &executor->lock);
    }
    struct pt_list *node = pt_list_pop_front(&executor->todo);
    *ret_pace = executor->pace;
    pthread_mutex_unlock(&executor->lock);
    return node == NULL ? NULL : PT_CONTAINER(node, struct job, node);
}

/* Of the calling thread. The C library has no function for it. */
static void ask_for_short_slices(void)
{
    struct scheduling own = {0};
    if (syscall(SYS_sched_getattr, 0, &own, sizeof(own), 0) == 0 && own.policy == SCHED_OTHER) {
        own.size = sizeof(own);
        own.runtime_ns = SHORT_SLICE_NS;
        (void)syscall(SYS_sched_setattr, 0, &own, 0); /* a wish: without it all is as before */
    }
}

/* Nice values are of threads, in Linux, and whatever the process has is the floor. */
static void give_way(void)
{
    id_t self = (id_t)syscall(SYS_gettid);
    errno = 0;
    int nice_value = getpriority(PRIO_PROCESS, self);
    if (errno == 0) {
        (void)setpriority(PRIO_PROCESS, self, nice_value + RELAXED_NICE); /* likewise; 19 is the most there is */
    }
}

static void *run_thread(void *arg)
{
    struct uv_pt_executor *executor = arg;
    struct job *job;
    (void)pthread_setname_np(pthread_self(), executor->name); /* for people who read top; may fail */
    enum pace own = PACE_GIVEN, pace = PACE_GIVEN;
    while ((job = take_job(executor, &pace)) != NULL) {
        if (pace != own) {
            own = pace;
            (pace == PACE_HASTENED ? ask_for_short_slices : give_way)();
        }
        job->work(job->arg);
        pthread_mutex_lock(&executor->lock);
        bool first = pt_list_empty(&executor->finished);
        pt_list_push_back(&executor->finished, &job->node);
        executor->pending--;
        pthread_mutex_unlock(&executor->lock);
        pthread_cond_signal(&executor->progress);
        if (first) {
            pt_uv_bell_ring(&executor->finished_wake);
        }
    }
    return NULL;
}

/* Runs on the loop. One job at a time, because done may submit more or free the executor. */
static void run_done(struct uv_pt_executor *executor)
{
    while (!executor->gone) {
        pthread_mutex_lock(&executor->lock);
        struct pt_list *node = pt_list_pop_front(&executor->finished);
        pthread_mutex_unlock(&executor->lock);
        if (node == NULL) {
            return;
        }
        struct job *job = PT_CONTAINER(node, struct job, node);
        pt_task_fn done = job->done;
        void *arg = job->arg;
        free(job);
        if (done != NULL) {
            done(arg);
        }
    }
}

static void on_finished(void *arg)
{
    run_done(arg);
}

struct pt_executor *pt_uv_executor_new(struct pt_sys *sys, const char *name, unsigned threads)
{
    struct pt_uv *uv = (struct pt_uv *)sys;
    struct uv_pt_executor *executor = pt_sys_alloc(sizeof(*executor) + threads * sizeof(executor->threads[0]));
    executor->base.sys = sys;
    executor->threads_len = threads;
    (void)snprintf(executor->name, sizeof(executor->name), "%s", name); /* cut: the kernel takes 15 bytes */
    pt_list_init(&executor->todo);
    pt_list_init(&executor->finished);
    pt_assert(pthread_mutex_init(&executor->lock, NULL) == 0);
    pt_assert(pthread_cond_init(&executor->not_idle, NULL) == 0);
    pt_assert(pthread_cond_init(&executor->progress, NULL) == 0);
    pt_assert(pt_uv_bell_open(&uv->loop, &executor->finished_wake, on_finished, executor) == 0);

    /* Signals belong to the loop thread: a worker inherits a full mask and its system calls are not interrupted. */
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pt_assert(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    for (unsigned i = 0; i < threads; i++) {
        pt_assert(pthread_create(&executor->threads[i], NULL, run_thread, executor) == 0);
    }
    pt_assert(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return &executor->base;
}

void pt_uv_executor_submit(struct pt_executor *base, pt_task_fn work, pt_task_fn done, void *arg)
{
    struct uv_pt_executor *executor = (struct uv_pt_executor *)base;
    struct job *job = pt_sys_alloc(sizeof(*job));
    job->work = work;
    job->done = done;
    job->arg = arg;
    pthread_mutex_lock(&executor->lock);
    pt_assert(!executor->closing);
    pt_list_push_back(&executor->todo, &job->node);
    executor->pending++;
    pthread_mutex_unlock(&executor->lock);
    pthread_cond_signal(&executor->not_idle);
}

void pt_uv_executor_hasten(struct pt_executor *base)
{
    struct uv_pt_executor *executor = (struct uv_pt_executor *)base;
    pthread_mutex_lock(&executor->lock);
    executor->pace = PACE_HASTENED;
    pthread_mutex_unlock(&executor->lock);
}

void pt_uv_executor_relax(struct pt_executor *base)
{
    struct uv_pt_executor *executor = (struct uv_pt_executor *)base;
    pthread_mutex_lock(&executor->lock);
    executor->pace = PACE_RELAXED;
    pthread_mutex_unlock(&executor->lock);
}

/* ---- one work on several threads --------------------------------------------------------------------------------
 *
 * Whoever is free takes the next part. The caller takes parts too, so it waits for parts only that somebody works on;
 * a thread that comes when none is left finds that out and goes. The last of all these frees what they share.
 */

struct spread {
    pt_part_fn work;
    void *arg;
    size_t parts;
    pthread_mutex_t lock; /* protects the rest */
    pthread_cond_t all_done;
    size_t next, done; /* parts */
    size_t users;
};

static void take_parts(struct spread *spread)
{
    pthread_mutex_lock(&spread->lock);
    while (spread->next < spread->parts) {
        size_t part = spread->next++;
        pthread_mutex_unlock(&spread->lock);
        spread->work(spread->arg, part);
        pthread_mutex_lock(&spread->lock);
        spread->done++;
    }
    if (spread->done == spread->parts) {
        pthread_cond_signal(&spread->all_done);
    }
    pthread_mutex_unlock(&spread->lock);
}

static void leave_spread(struct spread *spread)
{
    pthread_mutex_lock(&spread->lock);
    bool last = --spread->users == 0;
    pthread_mutex_unlock(&spread->lock);
    if (last) {
        pthread_cond_destroy(&spread->all_done);
        pthread_mutex_destroy(&spread->lock);
        free(spread);
    }
}

static void help(void *arg)
{
    take_parts(arg);
    leave_spread(arg);
}

void pt_uv_executor_spread(struct pt_executor *base, pt_part_fn work, void *arg, size_t parts)
{
    struct uv_pt_executor *executor = (struct uv_pt_executor *)base;
    pt_assert(!pt_sys_on_loop(base->sys));
    struct spread *spread = pt_sys_alloc(sizeof(*spread));
    size_t helpers = parts < 1 ? 0 : parts - 1 < executor->threads_len ? parts - 1 : executor->threads_len;
    *spread = (struct spread){.work = work, .arg = arg, .parts = parts, .users = helpers + 1};
    pt_assert(pthread_mutex_init(&spread->lock, NULL) == 0);
    pt_assert(pthread_cond_init(&spread->all_done, NULL) == 0);
    for (size_t i = 0; i < helpers; i++) {
        pt_uv_executor_submit(base, help, NULL, spread);
    }
    take_parts(spread);
    pthread_mutex_lock(&spread->lock);
    while (spread->done < spread->parts) {
        pthread_cond_wait(&spread->all_done, &spread->lock);
    }
    pthread_mutex_unlock(&spread->lock);
    leave_spread(spread);
}

static void on_executor_closed(void *arg)
{
    free(arg);
}

/* Run done callbacks until no job is left. A done callback may submit more: that is finished too. Returns with the
 * lock held. */
static void finish_all(struct uv_pt_executor *executor)
{
    pthread_mutex_lock(&executor->lock);
    while (executor->pending > 0 || !pt_list_empty(&executor->finished)) {
        while (pt_list_empty(&executor->finished)) {
            pthread_cond_wait(&executor->progress, &executor->lock);
        }
        pthread_mutex_unlock(&executor->lock);
        run_done(executor);
        pthread_mutex_lock(&executor->lock);
    }
}

void pt_uv_executor_free(struct pt_executor *base)
{
    struct uv_pt_executor *executor = (struct uv_pt_executor *)base;
    finish_all(executor);
    pt_assert(!executor->closing);
    executor->closing = true;
    pthread_cond_broadcast(&executor->not_idle);
    pthread_mutex_unlock(&executor->lock);
    for (unsigned i = 0; i < executor->threads_len; i++) {
        pt_assert(pthread_join(executor->threads[i], NULL) == 0);
    }
    /* The memory stays until the handle is closed: this call may stand inside run_done, which looks at `gone` and then
     * takes no lock. */
    executor->gone = true;
    pthread_cond_destroy(&executor->progress);
    pthread_cond_destroy(&executor->not_idle);
    pthread_mutex_destroy(&executor->lock);
    pt_uv_bell_close(&executor->finished_wake, on_executor_closed);
}
