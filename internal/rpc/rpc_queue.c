/*
 * From gRPC's threads to the loop.
 *
 *   gRPC --completion--> pump --------------------------------> list --> loop: dispatch
 *                        a thread: under a lock, pt_sys_post when nothing was posted
 *                        the loop itself: none of that
 *
 * A pump polls a completion queue (rpc_pump.c). A thread moves a completion into the list of the queue it belongs to
 * and posts a dispatch when none is under way; so under load one wake-up of the loop serves all completions that
 * arrived meanwhile. The list needs no memory of its own (a tag is its own link) and is bounded by the operations
 * started: each has one tag.
 *
 * Several queues may share a pump: of two threads that poll gRPC lets one wait for sockets and the other for the first,
 * and hands that office over with each event for the other. A follower, which is a server to its clients and a client
 * to its leader, spent two wake-ups a call on that.
 *
 * Most operations that the loop starts complete while it starts them: a message that has arrived already, a reply that
 * the socket takes. gRPC would wake the pump's thread for each, only to have the loop woken in turn. Between
 * pt_rpc_queue_enter and _leave it keeps the first such completion for the thread that caused it, and the dispatch
 * under way takes it from there. Where several operations are started together (rpc_line.c), the others are taken out
 * of gRPC's queue behind them.
 *
 * What handlers send during a dispatch is not handed to gRPC one by one: they ask for a `later`, which runs when the
 * completions are through. So a reply and its status leave in one batch.
 *
 * The end. pt_rpc_queue_free waits until every operation that was started has completed. The last queue of a pump then
 * shuts the completion queue down, upon which the thread ends. A dispatch may still be posted: it then finds `dead` set
 * and frees the queue.
 *
 * The atomic in the tag is no lock. gRPC orders what the loop wrote before an operation with its completion; but
 * neither the C memory model nor the race detector sees into gRPC, so the tag carries the order itself.
 */
#include "base/assert.h"
#include "rpc/rpc_grpc.h"

#include <pthread.h>
#include <stdlib.h>

#define ROUNDS_MAX 4

struct pt_rpc_queue {
    struct pt_sys *sys;
    struct pt_rpc_pump *pump;

    pthread_mutex_t lock; /* protects the next three */
    struct pt_rpc_tag *head, *tail;
    bool posted;         /* a dispatch is posted and has not started */
    pthread_cond_t more; /* head is there; only finish() waits for it */

    /* Of the loop. */
    size_t outstanding; /* operations armed whose tags have not been called */
    struct pt_list laters;
    struct pt_rpc_tag *done_head, *done_tail; /* completed on the loop */
    bool dispatching;
    bool free_wanted; /* at the end of the dispatch under way */
    bool dead;        /* freed but for the memory, which the posted dispatch frees */
    size_t entered;   /* and not left */
    size_t inner;     /* entered inside another */
    pt_task_fn done;
    void *done_arg;
};

static void dispatch(void *arg);
static void finish(struct pt_rpc_queue *queue);

struct pt_rpc_queue *pt_rpc_queue_new(struct pt_sys *sys, struct pt_rpc_pump *pump)
{
    struct pt_rpc_queue *queue = calloc(1, sizeof(*queue));
    pt_assert(queue != NULL);
    queue->sys = sys;
    queue->pump = pump;
    pt_list_init(&queue->laters);
    pt_assert(pthread_mutex_init(&queue->lock, NULL) == 0);
    pt_assert(pthread_cond_init(&queue->more, NULL) == 0);
    return queue;
}

grpc_completion_queue *pt_rpc_queue_cq(struct pt_rpc_queue *queue)
{
    return pt_rpc_pump_cq(queue->pump);
}

struct pt_rpc_pump *pt_rpc_queue_pump(struct pt_rpc_queue *queue)
{
    return queue->pump;
}

void *pt_rpc_queue_arm(struct pt_rpc_queue *queue, struct pt_rpc_tag *tag)
{
    tag->queue = queue;
    queue->outstanding++;
    atomic_store_explicit(&tag->armed, true, memory_order_release);
    return tag;
}

void pt_rpc_queue_disarm(struct pt_rpc_tag *tag)
{
    pt_assert(tag->queue->outstanding > 0);
    tag->queue->outstanding--;
}

/* Any thread. */
static void push(struct pt_rpc_queue *queue, struct pt_rpc_tag *tag, bool ok)
{
    pt_assert(pthread_mutex_lock(&queue->lock) == 0);
    tag->ok = ok;
    tag->next = NULL;
    if (queue->head == NULL) {
        queue->head = tag;
    } else {
        queue->tail->next = tag;
    }
    queue->tail = tag;
    if (!queue->posted) { /* under the lock: once it is given up, finish() may free the queue */
        queue->posted = true;
        pt_sys_post(queue->sys, dispatch, queue);
    }
    pt_assert(pthread_cond_signal(&queue->more) == 0);
    pt_assert(pthread_mutex_unlock(&queue->lock) == 0);
}

void pt_rpc_queue_complete(struct pt_rpc_queue *queue, struct pt_rpc_tag *tag, bool ok)
{
    push(queue, tag, ok);
}

/* A dispatch in the next turn. */
static void post_dispatch(struct pt_rpc_queue *queue)
{
    pt_assert(pthread_mutex_lock(&queue->lock) == 0);
    bool post = !queue->posted;
    queue->posted = true;
    pt_assert(pthread_mutex_unlock(&queue->lock) == 0);
    if (post) {
        pt_sys_post(queue->sys, dispatch, queue);
    }
}

void pt_rpc_queue_enter(struct pt_rpc_queue *queue)
{
    if (queue->entered++ == 0) {
        grpc_completion_queue_thread_local_cache_init(pt_rpc_pump_cq(queue->pump));
    } else {
        queue->inner++;
    }
}

void pt_rpc_queue_leave(struct pt_rpc_queue *queue)
{
    void *data = NULL;
    int ok = 0;
    if (--queue->entered > 0) {
        return;
    }
    if (grpc_completion_queue_thread_local_cache_flush(pt_rpc_pump_cq(queue->pump), &data, &ok) != 0) {
        pt_rpc_queue_completed(data, ok != 0);
    }
    if (queue->inner > 0) {
        pt_rpc_pump_take(queue->pump, queue->inner);
        queue->inner = 0;
    }
}

void pt_rpc_queue_completed(struct pt_rpc_tag *tag, bool ok)
{
    struct pt_rpc_queue *queue = tag->queue;
    tag->ok = ok;
    tag->next = NULL;
    if (queue->done_head == NULL) {
        queue->done_head = tag;
    } else {
        queue->done_tail->next = tag;
    }
    queue->done_tail = tag;
    if (!queue->dispatching) {
        post_dispatch(queue);
    }
}

void pt_rpc_queue_later(struct pt_rpc_queue *queue, struct pt_rpc_later *later)
{
    pt_assert(pt_sys_on_loop(queue->sys));
    if (!pt_list_empty(&later->node)) {
        return;
    }
    pt_list_push_back(&queue->laters, &later->node);
    if (!queue->dispatching) {
        post_dispatch(queue);
    }
}

void pt_rpc_queue_free(struct pt_rpc_queue *queue, pt_task_fn done, void *arg)
{
    pt_assert(pt_sys_on_loop(queue->sys));
    pt_assert(!queue->free_wanted && !queue->dead);
    queue->done = done;
    queue->done_arg = arg;
    queue->free_wanted = true;
    if (!queue->dispatching) {
        finish(queue);
    }
}

static void call_tags(struct pt_rpc_tag *tag)
{
    while (tag != NULL) {
        struct pt_rpc_tag *next = tag->next;
        pt_rpc_queue_disarm(tag);
        tag->fn(tag, tag->ok);
        tag = next;
    }
}

/* What was completed on the loop, and what that completes, for a few rounds: others want their turn too. */
static void run_done(struct pt_rpc_queue *queue)
{
    for (int i = 0; i < ROUNDS_MAX && queue->done_head != NULL; i++) {
        struct pt_rpc_tag *tag = queue->done_head;
        queue->done_head = queue->done_tail = NULL;
        call_tags(tag);
    }
}

/* Completions in order of arrival, then what they asked to be done later, then what that completed. */
static void run(struct pt_rpc_queue *queue)
{
    pt_assert(pthread_mutex_lock(&queue->lock) == 0);
    struct pt_rpc_tag *tag = queue->head;
    queue->head = queue->tail = NULL;
    pt_assert(pthread_mutex_unlock(&queue->lock) == 0);
    call_tags(tag);
    run_done(queue);
    /* One pass: what a later asks for again waits for the next turn. */
    struct pt_list now;
    pt_list_init(&now);
    while (!pt_list_empty(&queue->laters)) {
        pt_list_push_back(&now, pt_list_pop_front(&queue->laters));
    }
    struct pt_list *node;
    while ((node = pt_list_pop_front(&now)) != NULL) {
        struct pt_rpc_later *later = PT_CONTAINER(node, struct pt_rpc_later, node);
        later->fn(later);
    }
    run_done(queue);
}

static bool has_work(const struct pt_rpc_queue *queue)
{
    return queue->done_head != NULL || !pt_list_empty(&queue->laters);
}

static void dispatch(void *arg)
{
    struct pt_rpc_queue *queue = arg;
    if (queue->dead) {
        free(queue);
        return;
    }
    pt_assert(pthread_mutex_lock(&queue->lock) == 0);
    queue->posted = false;
    pt_assert(pthread_mutex_unlock(&queue->lock) == 0);
    pt_assert(!queue->dispatching);
    queue->dispatching = true;
    run(queue);
    queue->dispatching = false;
    if (queue->free_wanted) {
        finish(queue);
    } else if (has_work(queue)) {
        post_dispatch(queue);
    }
}

/* Sleep until something of this queue has completed, or for a moment. */
static void wait_for_more(struct pt_rpc_queue *queue)
{
    if (pt_rpc_pump_wait(queue->pump)) {
        return;
    }
    pt_assert(pthread_mutex_lock(&queue->lock) == 0);
    while (queue->head == NULL) {
        pt_assert(pthread_cond_wait(&queue->more, &queue->lock) == 0);
    }
    pt_assert(pthread_mutex_unlock(&queue->lock) == 0);
}

static void finish(struct pt_rpc_queue *queue)
{
    /* Nothing comes in any more but what the last completions themselves ask for. */
    queue->dispatching = true;
    while (queue->outstanding > 0 || has_work(queue)) {
        if (!has_work(queue)) {
            wait_for_more(queue);
        }
        run(queue);
    }
    pt_rpc_pump_unref(queue->pump);
    pt_assert(pthread_mutex_lock(&queue->lock) == 0); /* whoever pushed last has let go of it */
    bool posted = queue->posted;
    pt_assert(pthread_mutex_unlock(&queue->lock) == 0);
    pt_assert(pthread_mutex_destroy(&queue->lock) == 0);
    pt_assert(pthread_cond_destroy(&queue->more) == 0);
    pt_task_fn done = queue->done;
    void *done_arg = queue->done_arg;
    queue->dead = true;
    if (!posted) {
        free(queue);
    }
    done(done_arg);
}
