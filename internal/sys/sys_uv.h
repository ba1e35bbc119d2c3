/*
 * The real world on libuv. The one door to libuv together with sys_uv*.c.
 */
#pragma once

#include "sys/sys.h"

#include <sys/socket.h>

PT_MUST enum pt_code pt_sys_uv_new(struct pt_sys **ret_sys, struct pt_error *reterr);
/* Run until pt_sys_uv_stop. The calling thread becomes the loop thread. */
void pt_sys_uv_run(struct pt_sys *sys);
/* Run what is ready and return; for tests and tools. wait: block until at least one event. */
void pt_sys_uv_turn(struct pt_sys *sys, bool wait);
/* Let pt_sys_uv_run return after this turn. Any thread. */
void pt_sys_uv_stop(struct pt_sys *sys);
/* Timers, streams, listeners and executors must be gone. */
void pt_sys_uv_free(struct pt_sys *sys);
/* Call fn on the loop for each SIGTERM, SIGINT or SIGHUP. */
PT_MUST enum pt_code pt_sys_uv_on_signal(struct pt_sys *sys, void (*fn)(void *arg, int number), void *arg,
                                         struct pt_error *reterr);
/* Call fn on the loop when the file descriptor (a UDP socket, an epoll or ring-buffer descriptor) is readable. The
 * descriptor stays the caller's. Returns a handle for pt_sys_uv_unwatch. */
struct pt_fd_watch;
struct pt_fd_watch *pt_sys_uv_watch(struct pt_sys *sys, int fd, pt_task_fn fn, void *arg);
void pt_sys_uv_unwatch(struct pt_fd_watch *watch); /* NULL is fine */
/* The loop itself (uv_loop_t *), for a library that puts handles of its own on it. What it put there must be gone
 * before pt_sys_uv_free. */
void *pt_sys_uv_loop(struct pt_sys *sys);
/* The address and port that the kernel gave; zeros for what is neither IPv4 nor IPv6. */
struct pt_endpoint pt_sys_uv_endpoint(const struct sockaddr_storage *storage);
/* And as the kernel takes it; returns its size. */
socklen_t pt_sys_uv_sockaddr(const struct pt_endpoint *endpoint, struct sockaddr_storage *ret_storage);
/* A handle on the loop, whose ever it is, was closed and its callback has not run yet. */
bool pt_sys_uv_closing(struct pt_sys *sys);
