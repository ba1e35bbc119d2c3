/*
 * Accepted connections: TLS handshake, hello, then frames to the node.
 *
 * A connection that has not said a valid hello within five seconds is closed, and there is a limit on how many there
 * are, so that strangers cannot pile up. A member that dials again replaces its older connection: that one is dead or
 * stale.
 */
#include "raft/peer_priv.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void pt_raft_in_free(struct pt_raft_in *in)
{
    if (!in->doomed) {
        pt_list_remove(&in->node);
        in->net->ins_len--;
    }
    if (in->busy) {
        in->doomed = true;
        return;
    }
    pt_raft_pipe_fini(&in->pipe);
    free(in);
}

static void refuse(struct pt_raft_in *in, const char *why)
{
    pt_log_warn(in->net->options.log, "peer refused", "from=%" PRIu64 " reason=\"%s\"", in->id, why);
    PT_AUTO(buf) struct pt_buf frame = {0};
    pt_raft_frame_put(&frame, PT_RAFT_FRAME_REFUSED, why, strlen(why));
    (void)pt_raft_pipe_write(&in->pipe, frame.data, frame.size); /* the connection ends either way */
}

static bool on_hello(struct pt_raft_in *in, struct pt_bytes payload)
{
    struct pt_raft_hello hello;
    if (!pt_raft_hello_decode(payload, &hello)) {
        refuse(in, "another protocol");
        return false;
    }
    in->id = hello.from;
    const char *why = pt_raft_hello_check(in->net, &hello, in->pipe.tls);
    if (why != NULL) {
        refuse(in, why);
        return false;
    }
    PT_LIST_FOREACH_SAFE (node, &in->net->ins) {
        struct pt_raft_in *other = PT_CONTAINER(node, struct pt_raft_in, node);
        if (other != in && other->greeted && other->id == in->id) {
            pt_raft_in_free(other);
        }
    }
    memcpy(in->address, hello.address, sizeof in->address);
    in->greeted = true;
    PT_AUTO(buf) struct pt_buf frame = {0};
    pt_raft_hello_encode(in->net, in->id, &frame);
    return pt_raft_pipe_write(&in->pipe, frame.data, frame.size);
}

static bool on_frame(struct pt_raft_in *in, enum pt_raft_frame kind, struct pt_bytes payload)
{
    if (!in->greeted) {
        return kind == PT_RAFT_FRAME_HELLO && on_hello(in, payload);
    }
    if (kind == PT_RAFT_FRAME_PING) {
        PT_AUTO(buf) struct pt_buf frame = {0};
        pt_raft_frame_put(&frame, PT_RAFT_FRAME_PONG, payload.data, payload.size);
        return pt_raft_pipe_write(&in->pipe, frame.data, frame.size);
    }
    if (kind < PT_RAFT_FRAME_MESSAGE) {
        return false;
    }
    const struct pt_raft_net_options *o = &in->net->options;
    return o->on_frame(o->context, in->id, in->address, kind, payload);
}

static void on_data(void *arg, const uint8_t *data, size_t size)
{
    struct pt_raft_in *in = arg;
    struct pt_error error = {0};
    bool fine = pt_raft_pipe_feed(&in->pipe, data, size, &error);
    if (!fine && error.code == PT_UNAUTHENTICATED) {
        pt_log_warn(in->net->options.log, "peer refused", "reason=\"%s\"", error.text);
    }
    size_t offset = 0;
    in->busy = true; /* a frame may commit the entry that revokes who sent it */
    while (fine && !in->doomed) {
        enum pt_raft_frame kind;
        struct pt_bytes payload;
        int found = pt_raft_frame_next(pt_buf_bytes(&in->pipe.plain), &offset, &kind, &payload);
        if (found == 0) {
            break;
        }
        fine = found > 0 && on_frame(in, kind, payload);
    }
    in->busy = false;
    if (!fine || in->doomed) {
        pt_raft_in_free(in);
        return;
    }
    pt_buf_consume(&in->pipe.plain, offset);
}

static void on_closed(void *arg, enum pt_code code)
{
    (void)code; /* why the other side went is its own business; it dials again */
    pt_raft_in_free(arg);
}

static void on_writable(void *arg)
{
    (void)arg; /* answers to hello and ping are small: nothing waits for this */
}

static const struct pt_stream_ops in_ops = {.on_data = on_data, .on_closed = on_closed, .on_writable = on_writable};

void pt_raft_in_accept(void *arg, struct pt_stream *stream, const struct pt_endpoint *peer)
{
    (void)peer; /* who it is, the hello and the certificate say */
    struct pt_raft_net *net = arg;
    if (net->ins_len >= PT_RAFT_LINKS_IN_MAX) {
        return; /* not taken: closed by sys */
    }
    struct pt_raft_in *in = calloc(1, sizeof *in);
    pt_assert(in != NULL);
    in->net = net;
    in->pipe.stream = stream;
    in->since_ms = pt_sys_now_ms(net->options.sys);
    if (net->options.tls != NULL) {
        in->pipe.tls = pt_tls_new(net->options.tls, true);
    }
    pt_list_push_back(&net->ins, &in->node);
    net->ins_len++;
    pt_stream_start(stream, &in_ops, in);
}

void pt_raft_in_tick(struct pt_raft_net *net, uint64_t now_ms)
{
    PT_LIST_FOREACH_SAFE (node, &net->ins) {
        struct pt_raft_in *in = PT_CONTAINER(node, struct pt_raft_in, node);
        if (!in->greeted && now_ms - in->since_ms > PT_RAFT_HANDSHAKE_MS) {
            pt_raft_in_free(in);
        }
    }
}
