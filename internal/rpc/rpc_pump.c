/*
 * Pumps: who polls gRPC. This version of it makes progress, on sockets too, only while somebody does.
 *
 *   a thread     sleeps in grpc_completion_queue_next and hands each completion to the loop
 *   the loop     watches gRPC's own epoll set beside its other descriptors, and looks when that is readable
 *
 * The thread is the plain way. It costs a call two wake-ups, of the thread and of the loop, and on a busy machine each
 * of them waits for a processor: a forwarded write passes three doors, and a fifth of its processor time was that. The
 * loop as its own poller costs none. What it gives up is that TLS and framing run beside the loop on another processor.
 *
 * gRPC does not say which descriptor its epoll set is. The kernel does: /proc/self/fdinfo lists what each epoll
 * descriptor watches, and the one sought watches the port that the server has just opened. Where there is none (another
 * poller of gRPC's, no /proc), or what gRPC asks the kernel is not seen, the pump gets its thread.
 *
 * Three things the descriptor does not tell.
 * - gRPC takes up to a hundred events out of the set at a time and handles one in each look; those that lead to no
 *   completion, as most of a handshake do, cannot be told from an empty look. But gRPC asks the kernel for more only
 *   when it has handled all: so the loop looks until gRPC asked in vain (rpc_hook.h).
 * - While a client takes nothing of what is written to it, a thread of gRPC's own polls the set for it, and handles
 * what comes for others too. It rings when it has (rpc_hook.h), and the loop looks.
 * - What gRPC's timers complete (a deadline, a connection that answers no ping), or an operation that another one made
 *   way for, wakes nobody who is not polling. The loop looks for that SWEEP_MS after a wake-up, once for all meanwhile,
 *   and each IDLE_MS.
 *
 * A turn of the loop gives gRPC TURN_NS: a thousand handshakes at once must not keep heartbeats waiting.
 */
#include "base/assert.h"
#include "rpc/rpc_grpc.h"
#include "rpc/rpc_hook.h"
#include "sys/sys_uv.h"

#include <dirent.h>
#include <grpc/support/time.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOKS 3U /* without a question; the first may only take note of a kick */
#define EVENTS_MAX 100U
#define SWEEP_MS 5U
#define IDLE_MS 50U
#define TURN_NS 3000000U

struct pt_rpc_pump {
    grpc_completion_queue *cq;
    size_t users; /* queues; the loop's */
    bool threaded;
    pthread_t thread; /* if threaded */

    /* Of the loop, if it polls. */
    struct pt_sys *sys;
    struct pt_fd_watch *watch; /* NULL: nobody polls yet */
    int bell_fd;               /* rung when another thread has handled events */
    struct pt_fd_watch *bell_watch;
    struct pt_timer *timer;
    bool stirred; /* the timer stands for a sweep, not for an idle look */
    struct pt_rpc_look look;
};

static void complete(const grpc_event *event, bool on_loop)
{
    struct pt_rpc_tag *tag = event->tag;
    pt_assert(event->type == GRPC_OP_COMPLETE);
    pt_assert(atomic_load_explicit(&tag->armed, memory_order_acquire));
    if (on_loop) {
        pt_rpc_queue_completed(tag, event->success != 0);
    } else {
        pt_rpc_queue_complete(tag->queue, tag, event->success != 0);
    }
}

/* ---- a thread ------------------------------------------------------------------------------------------------- */

static void *poll_completions(void *arg)
{
    struct pt_rpc_pump *pump = arg;
    for (;;) {
        grpc_event event = grpc_completion_queue_next(pump->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN) {
            return NULL;
        }
        complete(&event, false);
    }
}

static void start_thread(struct pt_rpc_pump *pump)
{
    /* Signals are for the threads that expect them. */
    sigset_t all, before;
    sigfillset(&all);
    pt_assert(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    pt_assert(pthread_create(&pump->thread, NULL, poll_completions, pump) == 0);
    pt_assert(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    pump->threaded = true;
}

/* ---- the loop ------------------------------------------------------------------------------------------------- */

/* Look until gRPC keeps nothing back. Where another thread polls, it is that one whom gRPC lets ask: then until
 * `mute_max` looks, and one for each event, brought nothing. False when the turn's time was over before. */
static bool look(struct pt_rpc_pump *pump, unsigned mute_max)
{
    uint64_t end_ns = pt_sys_now_ns(pump->sys) + TURN_NS;
    for (unsigned mute = 0; mute < mute_max + pump->look.taken;) {
        grpc_event event = pt_rpc_hook_look(pump->cq, &pump->look);
        if (event.type == GRPC_OP_COMPLETE) {
            complete(&event, true);
            mute = 0;
        } else if (pump->look.dry) {
            break;
        } else {
            mute++;
        }
        if (pt_sys_now_ns(pump->sys) >= end_ns) {
            return false;
        }
    }
    return true;
}

static void on_readable(void *arg)
{
    struct pt_rpc_pump *pump = arg;
    bool whole = look(pump, LOOKS);
    if (!whole || !pump->stirred) {
        pump->stirred = true;
        pt_timer_start(pump->timer, whole ? SWEEP_MS : 0, 0);
    }
}

static void on_timer(void *arg)
{
    struct pt_rpc_pump *pump = arg;
    bool whole = look(pump, pump->stirred ? EVENTS_MAX : LOOKS);
    pump->stirred = !whole;
    pt_timer_start(pump->timer, whole ? IDLE_MS : 0, 0);
}

static void on_bell(void *arg)
{
    struct pt_rpc_pump *pump = arg;
    eventfd_t rung = 0;
    (void)eventfd_read(pump->bell_fd, &rung); /* how often is nothing that counts */
    on_readable(pump);
}

static bool listens_at(int fd, uint16_t port)
{
    int listens = 0;
    socklen_t size = sizeof(listens);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) {
        return false;
    }
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    size = sizeof(address);
    if (getsockname(fd, &address.any, &size) != 0) {
        return false;
    }
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port) == port;
}

static bool watches(const char *fd_name, uint16_t port)
{
    char path[64], line[128];
    int size = snprintf(path, sizeof(path), "/proc/self/fdinfo/%.16s", fd_name);
    pt_assert(size > 0 && (size_t)size < sizeof(path));
    FILE *file = fopen(path, "re");
    bool found = false;
    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
        int fd = -1;
        found = sscanf(line, "tfd: %d", &fd) == 1 && listens_at(fd, port);
    }
    if (file != NULL) {
        (void)fclose(file); /* only read */
    }
    return found;
}

/* The epoll descriptor that watches who listens at the port; -1 when there is none. */
static int find_epoll(uint16_t port)
{
    DIR *folder = opendir("/proc/self/fdinfo");
    int found = -1;
    for (struct dirent *entry; found < 0 && folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (watches(entry->d_name, port)) {
            found = (int)strtol(entry->d_name, NULL, 10);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder); /* only read */
    }
    return found;
}

bool pt_rpc_pump_on_loop(struct pt_rpc_pump *pump, uint16_t port)
{
    pt_assert(!pump->threaded && pump->watch == NULL && pt_sys_on_loop(pump->sys));
    int fd = pt_rpc_hook_works() ? find_epoll(port) : -1;
    if (fd < 0) {
        start_thread(pump);
        return false;
    }
    pump->timer = pt_timer_new(pump->sys, on_timer, pump);
    pump->watch = pt_sys_uv_watch(pump->sys, fd, on_readable, pump);
    pump->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pt_assert(pump->bell_fd >= 0);
    pump->bell_watch = pt_sys_uv_watch(pump->sys, pump->bell_fd, on_bell, pump);
    (void)pt_rpc_hook_add_bell(fd, pump->bell_fd); /* without, what others complete is seen at the next sweep */
    on_readable(pump);
    return true;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

struct pt_rpc_pump *pt_rpc_pump_new(struct pt_sys *sys, bool threaded)
{
    struct pt_rpc_pump *pump = calloc(1, sizeof(*pump));
    pt_assert(pump != NULL);
    pump->sys = sys;
    pump->users = 1;
    pump->cq = grpc_completion_queue_create_for_next(NULL);
    if (threaded) {
        start_thread(pump);
    }
    return pump;
}

struct pt_rpc_pump *pt_rpc_pump_ref(struct pt_rpc_pump *pump)
{
    pump->users++;
    return pump;
}

grpc_completion_queue *pt_rpc_pump_cq(struct pt_rpc_pump *pump)
{
    return pump->cq;
}

bool pt_rpc_pump_wait(struct pt_rpc_pump *pump)
{
    if (pump->threaded) {
        return false;
    }
    gpr_timespec deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(SWEEP_MS, GPR_TIMESPAN));
    grpc_event event = grpc_completion_queue_next(pump->cq, deadline, NULL);
    if (event.type == GRPC_OP_COMPLETE) {
        complete(&event, true);
    }
    return true;
}

void pt_rpc_pump_take(struct pt_rpc_pump *pump, size_t len)
{
    grpc_event event = {.type = GRPC_OP_COMPLETE};
    for (; len > 0 && !pump->threaded && event.type == GRPC_OP_COMPLETE; len--) {
        event = pt_rpc_hook_look(pump->cq, &pump->look);
        if (event.type == GRPC_OP_COMPLETE) {
            complete(&event, true);
        } else if (!pump->look.dry && pump->timer != NULL) { /* not all had completed, and it asked the kernel */
            pump->stirred = true;
            pt_timer_start(pump->timer, 0, 0);
        }
    }
}

void pt_rpc_pump_unref(struct pt_rpc_pump *pump)
{
    if (--pump->users > 0) {
        return;
    }
    grpc_completion_queue_shutdown(pump->cq);
    if (pump->threaded) {
        pt_assert(pthread_join(pump->thread, NULL) == 0);
    } else {
        grpc_event event = grpc_completion_queue_next(pump->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        pt_assert(event.type == GRPC_QUEUE_SHUTDOWN); /* all that was begun is over */
        if (pump->watch != NULL) {
            pt_rpc_hook_remove_bell(pump->bell_fd);
            pt_sys_uv_unwatch(pump->bell_watch);
            (void)close(pump->bell_fd); /* nothing to lose */
        }
        pt_sys_uv_unwatch(pump->watch);
        pt_timer_free(pump->timer);
    }
    grpc_completion_queue_destroy(pump->cq);
    free(pump);
}
