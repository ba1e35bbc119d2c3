/*
 * Timers, posted tasks and executors of the simulated world.
 *
 * An executor's work runs inline, as an event of its own, some virtual microseconds after it was submitted; what its
 * disk operations cost is added up meanwhile, and its done callback comes that much later. Until then its thread is
 * taken: with one thread, the next work starts after the done of the one before. The works of a pool start after random
 * delays, so that a run with another seed finishes them in another order.
 *
 *   submit -> [queue] --a thread is free--> work (now + 1..20 us) --disk time--> done
 */
#include "sys/sys_sim_world.h"
#include "base/assert.h"

#include <stdlib.h>

#define DISPATCH_MIN_NS 1000U
#define DISPATCH_MAX_NS 20000U

struct sim_timer {
    struct pt_timer base;
    struct sim_event event;
    uint64_t due_ns; /* when it should fire; the event may be a little later */
    uint64_t repeat_ns;
    pt_task_fn fn;
    void *arg;
};

struct sim_executor {
    struct pt_executor base;
    struct pt_list waiting; /* jobs, in order of submission */
    struct pt_list running; /* jobs that have a thread, in order of starting */
    unsigned threads_free;
};

struct sim_job {
    struct pt_list node;
    struct sim_executor *executor;
    struct sim_event event; /* the start of work, then done */
    pt_task_fn work;
    pt_task_fn done;
    void *arg;
    bool worked;
};

/* ---- posts and timers ----------------------------------------------------------------------------------------- */

void sim_post(struct pt_sys *base, pt_task_fn fn, void *arg)
{
    struct sim_sys *sys = (struct sim_sys *)base;
    if (!sys->dead) {
        sim_once(sys->sim, sys, sys->sim->now_ns + SIM_TURN_NS, fn, arg);
    }
}

static void queue_timer(struct sim_timer *timer)
{
    struct sim_sys *sys = timer->event.sys;
    /* Lateness is a function of host and instant, so that timers due at one instant keep their order. */
    uint64_t late = pt_hash_mix(sys->sim->options.seed ^ timer->due_ns << 16 ^ sys->host->index) % SIM_TIMER_LATE_NS;
    uint64_t time_ns = timer->due_ns + late;
    sim_event_at(sys->sim, &timer->event, time_ns > sys->sim->now_ns ? time_ns : sys->sim->now_ns);
}

static void on_timer(void *arg)
{
    struct sim_timer *timer = arg;
    if (timer->repeat_ns > 0) {
        uint64_t now = timer->event.sys->sim->now_ns;
        timer->due_ns += timer->repeat_ns;
        if (timer->due_ns < now) {
            timer->due_ns = now; /* the host was held: one late call, not one for each that was missed */
        }
        queue_timer(timer);
    }
    timer->fn(timer->arg);
}

struct pt_timer *sim_timer_new(struct pt_sys *sys, pt_task_fn fn, void *arg)
{
    struct sim_timer *timer = pt_sys_alloc(sizeof(*timer));
    timer->base.sys = sys;
    timer->event.sys = (struct sim_sys *)sys;
    timer->event.fn = on_timer;
    timer->event.arg = timer;
    timer->fn = fn;
    timer->arg = arg;
    return &timer->base;
}

void sim_timer_stop(struct pt_timer *base)
{
    struct sim_timer *timer = (struct sim_timer *)base;
    sim_event_cancel(timer->event.sys->sim, &timer->event);
}

void sim_timer_start(struct pt_timer *base, uint64_t delay_ms, uint64_t repeat_ms)
{
    struct sim_timer *timer = (struct sim_timer *)base;
    struct sim_sys *sys = timer->event.sys;
    sim_timer_stop(base);
    if (sys->dead) {
        return;
    }
    timer->repeat_ns = repeat_ms * 1000000;
    timer->due_ns = sys->sim->now_ns + delay_ms * 1000000;
    if (delay_ms == 0) {
        sim_event_at(sys->sim, &timer->event, sys->sim->now_ns + SIM_TURN_NS);
    } else {
        queue_timer(timer);
    }
}

bool sim_timer_active(const struct pt_timer *base)
{
    const struct sim_timer *timer = (const struct sim_timer *)base;
    return timer->event.at != 0 && !timer->event.sys->dead;
}

void sim_timer_free(struct pt_timer *base)
{
    sim_timer_stop(base);
    free(base);
}

/* ---- executors ------------------------------------------------------------------------------------------------ */

static void start_jobs(struct sim_executor *executor);

/* Run the work; returns the virtual time that it took. */
static uint64_t run_work(struct sim_job *job)
{
    struct sim_sys *sys = job->event.sys;
    pt_assert(!job->worked);
    pt_assert(!sys->in_work);
    sys->in_work = true;
    sys->work_ns = 0;
    job->work(job->arg);
    sys->in_work = false;
    job->worked = true;
    return sys->work_ns;
}

/* Take the job out, give its thread back and call done. The executor may be gone afterwards. */
static void finish_job(struct sim_job *job)
{
    struct sim_executor *executor = job->executor;
    pt_task_fn done = job->done;
    void *arg = job->arg;
    pt_list_remove(&job->node);
    free(job);
    executor->threads_free++;
    start_jobs(executor);
    if (done != NULL) {
        done(arg);
    }
}

static void on_job(void *arg)
{
    struct sim_job *job = arg;
    if (job->worked) {
        finish_job(job);
        return;
    }
    struct sim_sys *sys = job->event.sys;
    uint64_t took = run_work(job);
    if (!sys->dead) { /* the work may itself have crashed the host */
        sim_event_at(sys->sim, &job->event, sys->sim->now_ns + took);
    }
}

static void start_jobs(struct sim_executor *executor)
{
    while (executor->threads_free > 0 && !pt_list_empty(&executor->waiting)) {
        struct sim_job *job = PT_CONTAINER(pt_list_pop_front(&executor->waiting), struct sim_job, node);
        struct pt_sim *sim = job->event.sys->sim;
        pt_list_push_back(&executor->running, &job->node);
        executor->threads_free--;
        sim_event_at(sim, &job->event, sim->now_ns + sim_between(sim, DISPATCH_MIN_NS, DISPATCH_MAX_NS));
    }
}

struct pt_executor *sim_executor_new(struct pt_sys *sys, const char *name, unsigned threads)
{
    (void)name;
    struct sim_executor *executor = pt_sys_alloc(sizeof(*executor));
    executor->base.sys = sys;
    executor->threads_free = threads;
    pt_list_init(&executor->waiting);
    pt_list_init(&executor->running);
    return &executor->base;
}

void sim_executor_submit(struct pt_executor *base, pt_task_fn work, pt_task_fn done, void *arg)
{
    struct sim_executor *executor = (struct sim_executor *)base;
    struct sim_sys *sys = (struct sim_sys *)base->sys;
    if (sys->dead) {
        return;
    }
    struct sim_job *job = pt_sys_alloc(sizeof(*job));
    job->executor = executor;
    job->event = (struct sim_event){.sys = sys, .fn = on_job, .arg = job};
    job->work = work;
    job->done = done;
    job->arg = arg;
    pt_list_push_back(&executor->waiting, &job->node);
    start_jobs(executor);
}

void sim_executor_spread(struct pt_executor *base, pt_part_fn work, void *arg, size_t parts)
{
    (void)base;
    for (size_t part = 0; part < parts; part++) {
        work(arg, part);
    }
}

static void drop_jobs(struct pt_sim *sim, struct pt_list *jobs)
{
    while (!pt_list_empty(jobs)) {
        struct sim_job *job = PT_CONTAINER(pt_list_pop_front(jobs), struct sim_job, node);
        sim_event_cancel(sim, &job->event);
        free(job);
    }
}

void sim_executor_free(struct pt_executor *base)
{
    struct sim_executor *executor = (struct sim_executor *)base;
    struct sim_sys *sys = (struct sim_sys *)base->sys;
    /* What is left is finished now, in order. That takes no virtual time: a process that stops waits for its disk. */
    while (!sys->dead && !pt_list_empty(&executor->running)) {
        struct sim_job *job = PT_CONTAINER(executor->running.next, struct sim_job, node);
        sim_event_cancel(sys->sim, &job->event);
        if (!job->worked) {
            (void)run_work(job); /* its time does not count, see above */
        }
        finish_job(job);
    }
    drop_jobs(sys->sim, &executor->running);
    drop_jobs(sys->sim, &executor->waiting);
    free(executor);
}
