/*
 * What gRPC asks the kernel.
 *
 * Whether gRPC still keeps events back that it took from the kernel, its API does not tell. It is seen where gRPC calls
 * the C library: a function of that name in the program itself is found before the library's, by everybody in the
 * process. The one below does what the library's does, but for a thread that asked to see it.
 *
 * Where it is not found (another way of linking) pt_rpc_hook_works says so, and its callers do without.
 */
#include "rpc/rpc_hook.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/epoll.h>

/* Of a thread, and only while it is inside gRPC. */
static _Thread_local struct pt_rpc_look *looking;

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
