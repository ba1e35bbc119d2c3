/*
 * What gRPC asks the kernel, and itself.
 *
 * Two things that a poller and a server should know, gRPC's API does not tell: whether gRPC still keeps events back
 * that it took from the kernel, and when it is about to write. Both are seen where gRPC calls the C library: a function
 * of that name in the program itself is found before the library's, by everybody in the process, and the two below do
 * what the library's do, but for a thread that asked to see them.
 *
 * A third is answered in gRPC's place. When one thread has much to do for a connection, gRPC hands what is left to a
 * thread of its executor, if that has threads, which costs a wake-up there and one back; answers that leave together
 * (rpc_line.c) are much to do. Here it is told that there are none. They must be there all the same: while a client
 * takes nothing, it is one of them that waits for it, and without them whoever wrote last would, for seconds.
 *
 * Where they are not found (another way of linking, another gRPC) the functions below say so, and callers do without.
 */
#include "rpc/rpc_hook.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of a thread, and only while it is inside gRPC. */
static _Thread_local struct pt_rpc_look *looking;
static _Thread_local pt_task_fn before_send;
static _Thread_local void *before_send_arg;
static _Thread_local bool handled; /* it took events from a set with a bell, and gRPC handles them */

/* Whoever polls, in this process: there is no other place where a function of the C library's could look. */
static struct {
    pthread_mutex_t lock;
    atomic_size_t len;
    struct {
        int epoll_fd, bell_fd;
    } all[PT_RPC_BELLS_MAX];
} bells = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool pt_rpc_hook_works(void)
{
    int (*ours)(int, struct epoll_event *, int, int) = epoll_wait;
    void *found = dlsym(RTLD_DEFAULT, "epoll_wait");
    return memcmp(&ours, &found, sizeof(found)) == 0;
}

/* grpc_core::Executor::IsThreadedDefault, which gRPC's combiner asks and nobody else. */
#define IS_THREADED "_ZN9grpc_core8Executor17IsThreadedDefaultEv"
bool pt_rpc_hook_is_threaded(void) __asm__(IS_THREADED);
bool pt_rpc_hook_is_threaded(void)
{
    return false;
}

bool pt_rpc_hook_stays(void)
{
    bool (*ours)(void) = pt_rpc_hook_is_threaded;
    void *found = dlsym(RTLD_DEFAULT, IS_THREADED);
    void *theirs = dlsym(RTLD_NEXT, IS_THREADED);
    return memcmp(&ours, &found, sizeof(found)) == 0 && theirs != NULL;
}

grpc_event pt_rpc_hook_look(grpc_completion_queue *cq, struct pt_rpc_look *look)
{
    look->dry = false;
    looking = look;
    grpc_event event = grpc_completion_queue_next(cq, gpr_inf_past(GPR_CLOCK_REALTIME), NULL);
    looking = NULL;
    return event;
}

void pt_rpc_hook_before_send(pt_task_fn fn, void *arg)
{
    before_send = fn;
    before_send_arg = arg;
}

bool pt_rpc_hook_add_bell(int epoll_fd, int bell_fd)
{
    pthread_mutex_lock(&bells.lock);
    size_t len = atomic_load(&bells.len);
    bool room = len < PT_RPC_BELLS_MAX;
    if (room) {
        bells.all[len].epoll_fd = epoll_fd;
        bells.all[len].bell_fd = bell_fd;
        atomic_store(&bells.len, len + 1);
    }
    pthread_mutex_unlock(&bells.lock);
    return room;
}

void pt_rpc_hook_remove_bell(int bell_fd)
{
    pthread_mutex_lock(&bells.lock);
    size_t len = atomic_load(&bells.len);
    for (size_t i = 0; i < len; i++) {
        if (bells.all[i].bell_fd == bell_fd) {
            bells.all[i] = bells.all[len - 1];
            atomic_store(&bells.len, len - 1);
            break;
        }
    }
    pthread_mutex_unlock(&bells.lock);
}

/* Ring the bells of a set, if it has any. */
static bool ring(int epoll_fd, bool aloud)
{
    bool any = false;
    if (atomic_load_explicit(&bells.len, memory_order_relaxed) == 0) {
        return false;
    }
    pthread_mutex_lock(&bells.lock);
    for (size_t i = 0; i < atomic_load(&bells.len); i++) {
        if (bells.all[i].epoll_fd == epoll_fd) {
            any = true;
            if (aloud) {
                (void)eventfd_write(bells.all[i].bell_fd, 1); /* full: it has been rung */
            }
        }
    }
    pthread_mutex_unlock(&bells.lock);
    return any;
}

/* gRPC asks when it has handled all that it was told before. */
int epoll_wait(int fd, struct epoll_event *events, int events_max, int timeout_ms)
{
    struct pt_rpc_look *look = looking;
    if (look == NULL) {
        if (handled) {
            (void)ring(fd, true);
        }
        int taken = epoll_pwait(fd, events, events_max, timeout_ms, NULL);
        handled = taken > 0 && ring(fd, false);
        return taken;
    }
    int len = epoll_pwait(fd, events, events_max, timeout_ms, NULL);
    look->dry = len == 0;
    look->taken = len > 0 ? (unsigned)len : 0;
    return len;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    pt_task_fn fn = before_send;
    if (fn != NULL) {
        before_send = NULL;
        fn(before_send_arg);
    }
    return syscall(SYS_sendmsg, fd, message, flags);
}
