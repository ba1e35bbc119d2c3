/*
 * What gRPC asks the kernel.
 *
 * Two things that a poller and a server should know, gRPC's API does not tell: whether gRPC still keeps events back
 * that it took from the kernel, and when it is about to write. Both are seen where gRPC calls the C library: a function
 * of that name in the program itself is found before the library's, by everybody in the process, and the two below do
 * what the library's do, but for a thread that asked to see them.
 *
 * Where they are not found (another way of linking) pt_rpc_hook_works says so, and its callers do without.
 */
#include "rpc/rpc_hook.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of a thread, and only while it is inside gRPC. */
static _Thread_local struct pt_rpc_look *looking;
static _Thread_local pt_task_fn before_send;
static _Thread_local void *before_send_arg;

bool pt_rpc_hook_works(void)
{
    int (*ours)(int, struct epoll_event *, int, int) = epoll_wait;
    void *found = dlsym(RTLD_DEFAULT, "epoll_wait");
    return memcmp(&ours, &found, sizeof(found)) == 0;
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

/* gRPC asks when it has handled all that it was told before. */
int epoll_wait(int fd, struct epoll_event *events, int events_max, int timeout_ms)
{
    struct pt_rpc_look *look = looking;
    if (look == NULL) {
        return epoll_pwait(fd, events, events_max, timeout_ms, NULL);
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
