/*
 * From gRPC's threads to the loop.
 *
 *   gRPC --completion--> queue thread --list, under a lock--> pt_sys_post (when nothing was posted) --> loop: dispatch
 *
 * One thread per queue polls the completion queue, and with it the sockets: gRPC of this version makes progress only
 * while somebody polls. The thread moves a completion into the list and posts a dispatch when none is under way; so
 * under load one wake-up of the loop serves all completions that arrived meanwhile. The list needs no memory of its
 * own (a tag is its own link) and is bounded by the operations started: each has one tag.
 *
 * Most operations that the loop starts complete while it starts them: a message that has arrived already, a reply that
 * the socket takes. gRPC would wake the queue's thread for each, only to have the loop woken in turn. Between
 * pt_rpc_queue_enter and _leave it keeps the first such completion for the thread that caused it, and the dispatch
 * under way takes it from there.
 *
 * What handlers send during a dispatch is not handed to gRPC one by one: they ask for a `later`, which runs when the
 * completions are through. So a reply and its status leave in one batch.
 *
 * The end. pt_rpc_queue_free shuts the completion queue down; gRPC then delivers what is outstanding and at last a
 * shutdown event, upon which the thread ends. A dispatch may still be posted: it then finds `dead` set and frees the
 * queue.
 *
 * The atomic in the tag is no lock. gRPC orders what the loop wrote before an operation with its completion; but
 * neither the C memory model nor the race detector sees into gRPC, so the tag carries the order itself.
 */
#include "base/assert.h"
#include "rpc/rpc_grpc.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define ROUNDS_MAX 4

struct pt_rpc_queue {
    struct pt_sys *sys;
    grpc_completion_queue *cq;
    pthread_t thread;

    pthread_mutex_t lock; /* protects the next three */
    struct pt_rpc_tag *head, *tail;
    bool posted; /* a dispatch is posted and has not started */

    /* Of the loop. */
    struct pt_list laters;
    struct pt_rpc_tag *done_head, *done_tail; /* completed on the loop */
    bool dispatching;
    bool free_wanted; /* at the end of the dispatch under way */
    bool dead;        /* freed but for the memory, which the posted dispatch frees */
    pt_task_fn done;
    void *done_arg;
};

static void *poll_completions(void *arg);
static void dispatch(void *arg);
static void finish(struct pt_rpc_queue *queue);

struct pt_rpc_queue *pt_rpc_queue_new(struct pt_sys *sys)
{
    struct pt_rpc_queue *queue = calloc(1, sizeof(*queue));
    pt_assert(queue != NULL);
    queue->sys = sys;
    queue->cq = grpc_completion_queue_create_for_next(NULL);
    pt_list_init(&queue->laters);
    pt_assert(pthread_mutex_init(&queue->lock, NULL) == 0);
    /* Signals are for the threads that expect them. */
    sigset_t all, before;
    sigfillset(&all);
    pt_assert(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    pt_assert(pthread_create(&queue->thread, NULL, poll_completions, queue) == 0);
    pt_assert(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return queue;
}

grpc_completion_queue *pt_rpc_queue_cq(struct pt_rpc_queue *queue)
{
    return queue->cq;
}

void *pt_rpc_queue_arm(struct pt_rpc_tag *tag)
{
    atomic_store_explicit(&tag->armed, true, memory_order_release);
    return tag;
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
    bool post = !queue->posted;
    queue->posted = true;
    pt_assert(pthread_mutex_unlock(&queue->lock) == 0);
    if (post) { /* the queue is still there: finish() joins the thread that runs this, or runs on this thread */
        pt_sys_post(queue->sys, dispatch, queue);
    }
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
    grpc_completion_queue_thread_local_cache_init(queue->cq);
}

void pt_rpc_queue_leave(struct pt_rpc_queue *queue)
{
    void *data = NULL;
    int ok = 0;
    if (grpc_completion_queue_thread_local_cache_flush(queue->cq, &data, &ok) == 0) {
        return;
    }
    struct pt_rpc_tag *tag = data;
    tag->ok = ok != 0;
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

static void *poll_completions(void *arg)
{
    struct pt_rpc_queue *queue = arg;
    for (;;) {
        grpc_event event = grpc_completion_queue_next(queue->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN) {
            return NULL;
        }
        pt_assert(event.type == GRPC_OP_COMPLETE);
        struct pt_rpc_tag *tag = event.tag;
        pt_assert(atomic_load_explicit(&tag->armed, memory_order_acquire));
        push(queue, tag, event.success != 0);
    }
}

static void call_tags(struct pt_rpc_tag *tag)
{
    while (tag != NULL) {
        struct pt_rpc_tag *next = tag->next;
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

static void finish(struct pt_rpc_queue *queue)
{
    grpc_completion_queue_shutdown(queue->cq);
    pt_assert(pthread_join(queue->thread, NULL) == 0);
    /* The thread is gone: nothing comes in any more but what the last completions themselves ask for. */
    queue->dispatching = true;
    while (queue->head != NULL || has_work(queue)) {
        run(queue);
    }
    grpc_completion_queue_destroy(queue->cq);
    pt_assert(pthread_mutex_destroy(&queue->lock) == 0);
    bool posted = queue->posted;
    pt_task_fn done = queue->done;
    void *done_arg = queue->done_arg;
    queue->dead = true;
    if (!posted) {
        free(queue);
    }
    done(done_arg);
}
