/*
 * TCP streams of the real world.
 *
 * Writing. pt_stream_write only copies into `out` and puts the stream on the loop's dirty list; the list is flushed
 * once before the loop sleeps and once after it handled events. So a turn that answers fifty small messages makes one
 * system call, and TCP_NODELAY costs nothing in packets. At most one uv_write is under way; what is written meanwhile
 * gathers in `out` and follows when it is finished.
 *
 *   write -> [out] -> flush: uv_try_write --all taken--> done
 *                                         --rest-------> [sending] -> uv_write -> flush
 *
 * Reporting. No callback runs inside a call of the owner: an immediate failure of connect is kept in `connect_code`
 * and told by the next flush. Every callback may close its stream; the memory lives until libuv has closed the handle,
 * and `closing` is looked at after each callback.
 */
#include "sys/sys_uv_loop.h"
#include "base/assert.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define BACKLOG 512

struct uv_pt_stream {
    struct pt_stream base;
    uv_tcp_t handle;
    uv_connect_t connect;
    uv_write_t write;
    const struct pt_stream_ops *ops; /* NULL: accepted, not started */
    void *arg;
    struct pt_list dirty;      /* in pt_uv.dirty; alone when clean */
    struct pt_buf out;         /* written by the owner, not handed to the kernel */
    struct pt_buf sending;     /* owned by the uv_write under way; empty when there is none */
    enum pt_code connect_code; /* a failure at once, not yet told */
    bool connected;
    bool ended;          /* on_connect failed or on_closed was called: nothing follows */
    bool closing;        /* the owner let go of it */
    bool wants_writable; /* pt_stream_write has returned false */
};

struct uv_pt_listener {
    struct pt_listener base;
    uv_tcp_t handle;
    pt_accept_fn on_accept;
    void *arg;
};

/* ---- life ----------------------------------------------------------------------------------------------------- */

static struct uv_pt_stream *stream_new(struct pt_uv *uv)
{
    struct uv_pt_stream *stream = pt_sys_alloc(sizeof(*stream));
    stream->base.sys = &uv->base;
    pt_list_init(&stream->dirty);
    pt_buf_init(&stream->out);
    pt_buf_init(&stream->sending);
    pt_assert(uv_tcp_init(&uv->loop, &stream->handle) == 0);
    stream->handle.data = stream;
    return stream;
}

static void on_stream_closed(uv_handle_t *handle)
{
    struct uv_pt_stream *stream = handle->data;
    pt_buf_fini(&stream->out);
    pt_buf_fini(&stream->sending);
    free(stream);
}

void pt_uv_stream_close(struct pt_stream *base)
{
    struct uv_pt_stream *stream = (struct uv_pt_stream *)base;
    pt_assert(!stream->closing);
    stream->closing = true;
    pt_list_remove(&stream->dirty);
    uv_close((uv_handle_t *)&stream->handle, on_stream_closed);
}

/* Tell the owner once that it is over. */
static void end_stream(struct uv_pt_stream *stream, enum pt_code code)
{
    if (stream->ended || stream->closing) {
        return;
    }
    stream->ended = true;
    pt_list_remove(&stream->dirty);
    (void)uv_read_stop((uv_stream_t *)&stream->handle); /* always 0 */
    stream->ops->on_closed(stream->arg, code);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct uv_pt_stream *stream = handle->data;
    struct pt_uv *uv = (struct pt_uv *)stream->base.sys;
    *buf = uv_buf_init(uv->read_buffer, sizeof(uv->read_buffer));
}

static void on_read(uv_stream_t *handle, ssize_t got, const uv_buf_t *buf)
{
    struct uv_pt_stream *stream = handle->data;
    if (got > 0) {
        stream->ops->on_data(stream->arg, (const uint8_t *)buf->base, (size_t)got);
    } else if (got < 0) {
        end_stream(stream, got == UV_EOF ? PT_CLOSED : PT_UNAVAILABLE);
    }
}

static void start_reading(struct uv_pt_stream *stream)
{
    (void)uv_tcp_nodelay(&stream->handle, 1); /* fails only on a socket that is dead already; the read tells */
    stream->connected = true;
    if (uv_read_start((uv_stream_t *)&stream->handle, on_alloc, on_read) < 0) {
        end_stream(stream, PT_UNAVAILABLE);
    }
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

static void mark_dirty(struct uv_pt_stream *stream)
{
    struct pt_uv *uv = (struct pt_uv *)stream->base.sys;
    if (pt_list_empty(&stream->dirty)) {
        pt_list_push_back(&uv->dirty, &stream->dirty);
    }
}

static void tell_writable(struct uv_pt_stream *stream)
{
    if (stream->wants_writable && stream->out.size + stream->sending.size < PT_STREAM_QUEUE_LOW) {
        stream->wants_writable = false;
        if (stream->ops->on_writable != NULL) {
            stream->ops->on_writable(stream->arg);
        }
    }
}

static void on_written(uv_write_t *request, int status)
{
    struct uv_pt_stream *stream = request->data;
    pt_buf_reset(&stream->sending);
    if (stream->closing || stream->ended) {
        return;
    }
    if (status < 0) {
        end_stream(stream, PT_UNAVAILABLE);
        return;
    }
    mark_dirty(stream);
}

/* Hand the rest to libuv. The two buffers swap roles, so that their memory is reused. */
static int send_rest(struct uv_pt_stream *stream)
{
    struct pt_buf empty = stream->sending;
    stream->sending = stream->out;
    stream->out = empty;
    uv_buf_t buf = uv_buf_init((char *)stream->sending.data, (unsigned)stream->sending.size);
    stream->write.data = stream;
    int status = uv_write(&stream->write, (uv_stream_t *)&stream->handle, &buf, 1, on_written);
    if (status < 0) {
        pt_buf_reset(&stream->sending);
    }
    return status;
}

static void flush_stream(struct uv_pt_stream *stream)
{
    if (stream->connect_code != PT_OK) {
        enum pt_code code = stream->connect_code;
        stream->connect_code = PT_OK;
        stream->ended = true;
        stream->ops->on_connect(stream->arg, code);
        return;
    }
    if (!stream->connected || stream->sending.size > 0) {
        return; /* on_connected or on_written flushes */
    }
    if (stream->out.size > 0) {
        uv_buf_t buf = uv_buf_init((char *)stream->out.data, (unsigned)stream->out.size);
        int put = uv_try_write((uv_stream_t *)&stream->handle, &buf, 1);
        if (put < 0 && put != UV_EAGAIN) {
            end_stream(stream, PT_UNAVAILABLE);
            return;
        }
        if (put > 0) {
            pt_buf_consume(&stream->out, (size_t)put);
        }
        if (stream->out.size > 0 && send_rest(stream) < 0) {
            end_stream(stream, PT_UNAVAILABLE);
            return;
        }
    }
    tell_writable(stream);
}

void pt_uv_flush(struct pt_uv *uv)
{
    /* What callbacks make dirty waits for the next turn; the loop does not sleep before it. */
    pt_list_push_back(&uv->dirty, &uv->dirty_end);
    while (uv->dirty.next != &uv->dirty_end) {
        flush_stream(PT_CONTAINER(pt_list_pop_front(&uv->dirty), struct uv_pt_stream, dirty));
    }
    pt_list_remove(&uv->dirty_end);
}

bool pt_uv_stream_write(struct pt_stream *base, const void *data, size_t size)
{
    struct uv_pt_stream *stream = (struct uv_pt_stream *)base;
    pt_assert(!stream->closing);
    pt_assert(stream->ops != NULL);
    if (stream->ended) {
        return true; /* nobody hears it; the owner knows by on_closed */
    }
    pt_assert(size < UINT32_MAX / 2 && stream->out.size < UINT32_MAX / 2);
    pt_buf_append(&stream->out, data, size);
    mark_dirty(stream);
    if (stream->out.size + stream->sending.size > PT_STREAM_QUEUE_HIGH) {
        stream->wants_writable = true;
        return false;
    }
    return true;
}

/* ---- connecting ----------------------------------------------------------------------------------------------- */

static void on_connected(uv_connect_t *request, int status)
{
    struct uv_pt_stream *stream = request->data;
    if (stream->closing) {
        return;
    }
    if (status < 0) {
        stream->ended = true;
        pt_list_remove(&stream->dirty);
        stream->ops->on_connect(stream->arg, PT_UNAVAILABLE);
        return;
    }
    stream->connected = true;
    mark_dirty(stream);
    stream->ops->on_connect(stream->arg, PT_OK);
    if (!stream->closing) {
        start_reading(stream);
    }
}

struct pt_stream *pt_uv_connect(struct pt_sys *sys, const struct pt_endpoint *address, const struct pt_stream_ops *ops,
                                void *arg)
{
    struct pt_uv *uv = (struct pt_uv *)sys;
    struct uv_pt_stream *stream = stream_new(uv);
    stream->ops = ops;
    stream->arg = arg;
    stream->connect.data = stream;
    struct sockaddr_storage to;
    (void)pt_sys_uv_sockaddr(address, &to); /* libuv knows the size by the family */
    if (uv_tcp_connect(&stream->connect, &stream->handle, (const struct sockaddr *)&to, on_connected) < 0) {
        stream->connect_code = PT_UNAVAILABLE;
        mark_dirty(stream);
    }
    return &stream->base;
}

/* ---- accepting ------------------------------------------------------------------------------------------------ */

void pt_uv_stream_start(struct pt_stream *base, const struct pt_stream_ops *ops, void *arg)
{
    struct uv_pt_stream *stream = (struct uv_pt_stream *)base;
    pt_assert(stream->ops == NULL && !stream->closing);
    stream->ops = ops;
    stream->arg = arg;
    start_reading(stream);
}

static void on_connection(uv_stream_t *handle, int status)
{
    struct uv_pt_listener *listener = handle->data;
    struct pt_uv *uv = (struct pt_uv *)listener->base.sys;
    if (status < 0) {
        return; /* out of descriptors, or the caller gave up: libuv waits for the next one */
    }
    struct uv_pt_stream *stream = stream_new(uv);
    struct sockaddr_storage from = {0};
    int from_size = sizeof(from);
    if (uv_accept(handle, (uv_stream_t *)&stream->handle) < 0 ||
        uv_tcp_getpeername(&stream->handle, (struct sockaddr *)&from, &from_size) < 0) {
        pt_uv_stream_close(&stream->base); /* gone before we looked */
        return;
    }
    struct pt_endpoint peer = pt_sys_uv_endpoint(&from);
    listener->on_accept(listener->arg, &stream->base, &peer);
    if (stream->ops == NULL && !stream->closing) {
        pt_uv_stream_close(&stream->base);
    }
}

static void on_listener_closed(uv_handle_t *handle)
{
    free(handle->data);
}

enum pt_code pt_uv_listen(struct pt_sys *sys, const struct pt_endpoint *address, pt_accept_fn on_accept, void *arg,
                          struct pt_listener **ret_listener, struct pt_error *reterr)
{
    struct pt_uv *uv = (struct pt_uv *)sys;
    struct uv_pt_listener *listener = pt_sys_alloc(sizeof(*listener));
    listener->base.sys = sys;
    listener->on_accept = on_accept;
    listener->arg = arg;
    pt_assert(uv_tcp_init(&uv->loop, &listener->handle) == 0);
    listener->handle.data = listener;
    struct sockaddr_storage at;
    (void)pt_sys_uv_sockaddr(address, &at);
    int status = uv_tcp_bind(&listener->handle, (const struct sockaddr *)&at, 0);
    if (status == 0) {
        status = uv_listen((uv_stream_t *)&listener->handle, BACKLOG, on_connection);
    }
    if (status == 0) {
        *ret_listener = &listener->base;
        return PT_OK;
    }
    uv_close((uv_handle_t *)&listener->handle, on_listener_closed);
    char text[PT_ENDPOINT_TEXT_SIZE];
    (void)pt_endpoint_format(address, text);
    if (status == UV_EADDRINUSE) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, NULL,
                       "cannot listen on %s: the address is in use by another process", text);
    }
    return pt_fail_errno(reterr, -status, NULL, "cannot listen on %s", text);
}

struct pt_endpoint pt_uv_listener_address(const struct pt_listener *base)
{
    const struct uv_pt_listener *listener = (const struct uv_pt_listener *)base;
    struct sockaddr_storage at = {0};
    int size = sizeof(at);
    pt_assert(uv_tcp_getsockname(&listener->handle, (struct sockaddr *)&at, &size) == 0);
    return pt_sys_uv_endpoint(&at);
}

void pt_uv_listener_close(struct pt_listener *base)
{
    struct uv_pt_listener *listener = (struct uv_pt_listener *)base;
    uv_close((uv_handle_t *)&listener->handle, on_listener_closed);
}
