/*
 * Seeing what gRPC asks the kernel (rpc_hook.c). Per thread; for the loop.
 */
#pragma once

#include "sys/sys.h"

#include <grpc/grpc.h>

/* Does gRPC's way to the kernel lead through here? */
bool pt_rpc_hook_works(void);
/* Does a thread of gRPC's that has much to do for a connection go on, instead of passing it to another? */
bool pt_rpc_hook_stays(void);

/* What a look at gRPC showed; zero before the first. */
struct pt_rpc_look {
    bool dry;       /* gRPC asked the kernel and was told of nothing: it keeps no event back */
    unsigned taken; /* events that it was told of when it asked last; it handles one in a look */
};
/* grpc_completion_queue_next without waiting. */
grpc_event pt_rpc_hook_look(grpc_completion_queue *cq, struct pt_rpc_look *look);

/* Write to bell_fd, an eventfd, whenever a thread that does not look, one of gRPC's own, has handled events of
 * epoll_fd: what they completed waits in a queue that nobody was told of. False when there are too many. */
#define PT_RPC_BELLS_MAX 8U
bool pt_rpc_hook_add_bell(int epoll_fd, int bell_fd);
void pt_rpc_hook_remove_bell(int bell_fd);

/* Call fn(arg) inside the next sendmsg of this thread, before what it sends leaves. NULL: not any more. */
void pt_rpc_hook_before_send(pt_task_fn fn, void *arg);
