/*
 * Bells: how other threads wake the loop. An event descriptor that the loop polls.
 *
 * Not uv_async_t, though it is just that. Its receiver waits for a sender that has not returned yet, spinning, so that
 * a handle may be closed as soon as its callback has run. The sender's write wakes the loop; on a busy machine the loop
 * then takes the very processor that the sender ran on, and spins until the sender's turn comes. Under load that was up
 * to three quarters of a controller's time. Here the receiver waits for nobody, and whoever closes a bell sees to it
 * himself that nobody rings it any more: by joining the threads, or because it is the loop's own and lives as long.
 */
#include "sys/sys_uv_loop.h"
#include "base/assert.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void on_readable(uv_poll_t *handle, int status, int events)
{
    (void)status; /* an event descriptor has no errors */
    (void)events;
    struct pt_uv_bell *bell = handle->data;
    uint64_t rings = 0;
    ssize_t got = read(bell->fd, &rings, sizeof(rings));
    pt_assert(got == (ssize_t)sizeof(rings) || (got < 0 && (errno == EAGAIN || errno == EINTR)));
    bell->fn(bell->arg);
}

int pt_uv_bell_open(uv_loop_t *loop, struct pt_uv_bell *bell, pt_task_fn fn, void *arg)
{
    bell->fn = fn;
    bell->arg = arg;
    bell->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (bell->fd < 0) {
        return -errno;
    }
    int status = uv_poll_init(loop, &bell->handle, bell->fd);
    if (status < 0) {
        (void)close(bell->fd);
        return status;
    }
    bell->handle.data = bell;
    return uv_poll_start(&bell->handle, UV_READABLE, on_readable);
}

void pt_uv_bell_ring(struct pt_uv_bell *bell)
{
    const uint64_t one = 1;
    ssize_t put = 0;
    do {
        put = write(bell->fd, &one, sizeof(one));
    } while (put < 0 && errno == EINTR);
    pt_assert(put == (ssize_t)sizeof(one) || errno == EAGAIN); /* full: it rings already */
}

static void on_closed(uv_handle_t *handle)
{
    struct pt_uv_bell *bell = handle->data;
    if (bell->closed != NULL) {
        bell->closed(bell->arg);
    }
}

void pt_uv_bell_close(struct pt_uv_bell *bell, pt_task_fn closed)
{
    bell->closed = closed;
    uv_close((uv_handle_t *)&bell->handle, on_closed);
    (void)close(bell->fd); /* not polled any more, and nothing was written that could be lost */
}
