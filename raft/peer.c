/*
 * Dialled connections.
 *
 *   WAITING --retry time--> DIALLING --connected--> SHAKING --TLS done, hello sent--> UP
 *      ^                        |                      |                               |
 *      +------------------------+----- failure --------+------ closed, no pong --------+
 *
 * The wait doubles from 50 ms to 1 s with each failure, with a random part so that members that lost each other do not
 * meet in step. Frames of one turn of the loop are sealed and written together, by a posted flush. Frames wait while
 * the stream is full, up to a limit; what was queued when a link breaks is dropped: it is old by the time it is up
 * again.
 *
 * A stalled connection (a cut cable, a paused host) does not close by itself for minutes: a ping each 250 ms that is
 * not answered for 3 s closes it. Pings carry the time, so that their answers tell the round trip.
 *
 * A connection that the other side closes is dialled again at once. When that is refused the other's process has ended,
 * and the node is told: it need not wait for a timeout to know that (node_election.c).
 */
#include "raft/peer_priv.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS_MIN 50U
#define RETRY_MS_MAX 1000U

static void link_dial(struct pt_raft_link *link);

/* Its frames may be lost, and who sent them may want to know. */
static void link_unused(struct pt_raft_link *link)
{
    const struct pt_raft_net_options *o = &link->net->options;
    bool was_up = link->state == PT_RAFT_LINK_UP;
    link->state = PT_RAFT_LINK_WAITING;
    if (was_up && o->on_lost != NULL) {
        o->on_lost(o->context, link->id);
    }
}

static void link_down(struct pt_raft_link *link)
{
    pt_raft_pipe_fini(&link->pipe);
    pt_buf_reset(&link->queue);
    link_unused(link);
    link->rtt_len = 0;
    uint64_t wait = (uint64_t)RETRY_MS_MIN << (link->failures < 5 ? link->failures : 5);
    wait = wait > RETRY_MS_MAX ? RETRY_MS_MAX : wait;
    link->failures++;
    struct pt_sys *sys = link->net->options.sys;
    link->retry_ms = pt_sys_now_ms(sys) + wait / 2 + pt_sys_random_u64(sys) % (wait / 2 + 1);
}

/* The other side ended it, or will not have it. */
static void link_lost(struct pt_raft_link *link)
{
    struct pt_raft_net *net = link->net;
    uint64_t now = pt_sys_now_ms(net->options.sys);
    bool worked = link->state == PT_RAFT_LINK_UP && link->failures == 0;
    bool gone = link->probing;
    link->probing = false;
    link_down(link);
    if (gone && net->options.on_gone != NULL) {
        net->options.on_gone(net->options.context, link->id);
    } else if (!gone && worked && now - link->probed_ms >= PT_RAFT_LINK_PROBE_MS) {
        link->probing = true;
        link->probed_ms = now;
        link_dial(link);
    }
}

static void link_flush(struct pt_raft_link *link)
{
    if (link->state != PT_RAFT_LINK_UP || link->pipe.blocked || link->queue.size == 0 || link == link->net->open_link) {
        return;
    }
    bool written = pt_raft_pipe_write(&link->pipe, link->queue.data, link->queue.size);
    pt_buf_reset(&link->queue);
    if (!written) {
        link_lost(link);
    }
}

static void link_free(struct pt_raft_link *link)
{
    pt_raft_pipe_fini(&link->pipe);
    pt_buf_fini(&link->queue);
    pt_list_remove(&link->node);
    free(link->address);
    free(link);
}

static void flush_posted(void *arg)
{
    struct pt_raft_link *link = arg;
    link->flush_posted = false;
    if (link->doomed) {
        link_free(link);
    } else {
        link_flush(link);
    }
}

/* A posted flush may still hold the link: it frees it then. */
static void link_doom(struct pt_raft_link *link)
{
    if (!link->flush_posted) {
        link_free(link);
        return;
    }
    pt_raft_pipe_fini(&link->pipe);
    pt_list_remove(&link->node);
    pt_list_push_back(&link->net->doomed, &link->node);
    link->doomed = true;
}

/* TLS is done, or there is none: say hello and send what waited. */
static void link_greet(struct pt_raft_link *link)
{
    if (link->pipe.tls != NULL) {
        const struct pt_identity *identity = pt_tls_peer(link->pipe.tls);
        const struct pt_raft_net_options *o = &link->net->options;
        if (strcmp(identity->cluster_id, link->net->trust_id) != 0 ||
            (o->peer_allowed != NULL && !o->peer_allowed(o->peer_context, link->id, identity))) {
            pt_log_warn(o->log, "peer has a foreign certificate", "peer=%" PRIu64 " address=%s identity=%s", link->id,
                        link->address, identity->spiffe_id);
            link_down(link);
            return;
        }
    }
    PT_AUTO(buf) struct pt_buf hello = {0};
    pt_raft_hello_encode(link->net, link->id, &hello);
    link->state = PT_RAFT_LINK_UP;
    if (!pt_raft_pipe_write(&link->pipe, hello.data, hello.size)) {
        link_down(link);
        return;
    }
    link_flush(link);
}

static void on_connect(void *arg, enum pt_code code)
{
    struct pt_raft_link *link = arg;
    if (code != PT_OK) {
        link_lost(link);
        return;
    }
    link->state = PT_RAFT_LINK_SHAKING;
    link->heard_ms = pt_sys_now_ms(link->net->options.sys);
    if (!pt_raft_pipe_feed(&link->pipe, NULL, 0, NULL)) {
        link_down(link);
    } else if (pt_raft_pipe_ready(&link->pipe)) {
        link_greet(link);
    }
}

static void link_measure(struct pt_raft_link *link, struct pt_bytes payload)
{
    uint64_t now_us = pt_sys_now_ns(link->net->options.sys) / 1000;
    if (payload.size != 8 || pt_be64(payload.data) > now_us) {
        return;
    }
    uint64_t sample = now_us - pt_be64(payload.data);
    link->rtt_us[link->rtt_len++ % PT_RAFT_RTT_SAMPLES] = sample < UINT32_MAX ? (uint32_t)sample : UINT32_MAX;
}

static bool link_frame(struct pt_raft_link *link, enum pt_raft_frame kind, struct pt_bytes payload)
{
    if (kind == PT_RAFT_FRAME_PONG || kind == PT_RAFT_FRAME_HELLO) {
        link->heard_ms = pt_sys_now_ms(link->net->options.sys);
        link->failures = 0;
        link->refused_logged = false;
        link->probing = false;
        if (kind == PT_RAFT_FRAME_PONG) {
            link_measure(link, payload);
        }
        return true;
    }
    if (kind == PT_RAFT_FRAME_REFUSED && !link->refused_logged) {
        link->refused_logged = true; /* once: it is dialled again and again */
        pt_log_warn(link->net->options.log, "refused by peer", "peer=%" PRIu64 " address=%s reason=\"%.*s\"", link->id,
                    link->address, (int)(payload.size < 200 ? payload.size : 200), (const char *)payload.data);
    }
    return false;
}

static void on_data(void *arg, const uint8_t *data, size_t size)
{
    struct pt_raft_link *link = arg;
    struct pt_error error = {0};
    bool fine = pt_raft_pipe_feed(&link->pipe, data, size, &error);
    if (!fine && error.code == PT_UNAUTHENTICATED && !link->refused_logged) {
        link->refused_logged = true;
        pt_log_warn(link->net->options.log, "peer link fails", "peer=%" PRIu64 " address=%s reason=\"%s\"", link->id,
                    link->address, error.text);
    }
    size_t offset = 0;
    while (fine) {
        enum pt_raft_frame kind;
        struct pt_bytes payload;
        int found = pt_raft_frame_next(pt_buf_bytes(&link->pipe.plain), &offset, &kind, &payload);
        if (found == 0) {
            break;
        }
        fine = found > 0 && link_frame(link, kind, payload);
    }
    if (!fine) {
        link_down(link);
        return;
    }
    pt_buf_consume(&link->pipe.plain, offset);
    if (link->state == PT_RAFT_LINK_SHAKING && pt_raft_pipe_ready(&link->pipe)) {
        link_greet(link);
    }
}

static void on_closed(void *arg, enum pt_code code)
{
    (void)code; /* dialled again, whatever it was */
    link_lost(arg);
}

static void on_writable(void *arg)
{
    struct pt_raft_link *link = arg;
    link->pipe.blocked = false;
    link_flush(link);
}

static const struct pt_stream_ops link_ops = {
    .on_connect = on_connect, .on_data = on_data, .on_closed = on_closed, .on_writable = on_writable};

static void link_dial(struct pt_raft_link *link)
{
    struct pt_raft_net *net = link->net;
    struct pt_endpoint endpoint;
    if (pt_endpoint_parse(link->address, &endpoint, NULL) != PT_OK) {
        link_down(link); /* a name: sys has no resolver; the address may be corrected by a change */
        return;
    }
    link->state = PT_RAFT_LINK_DIALLING;
    link->heard_ms = pt_sys_now_ms(net->options.sys);
    if (net->options.tls != NULL) {
        link->pipe.tls = pt_tls_new(net->options.tls, false);
    }
    link->pipe.stream = pt_connect(net->options.sys, &endpoint, &link_ops, link);
}

static struct pt_raft_link *link_find(const struct pt_raft_net *net, uint64_t id)
{
    PT_LIST_FOREACH (node, &net->links) {
        struct pt_raft_link *link = PT_CONTAINER(node, struct pt_raft_link, node);
        if (link->id == id) {
            return link;
        }
    }
    return NULL;
}

static struct pt_raft_link *link_get(struct pt_raft_net *net, uint64_t id, const char *address)
{
    struct pt_raft_link *link = link_find(net, id);
    if (link != NULL && strcmp(link->address, address) == 0) {
        return link;
    }
    if (link == NULL) {
        link = calloc(1, sizeof *link);
        pt_assert(link != NULL);
        link->net = net;
        link->id = id;
        pt_list_push_back(&net->links, &link->node);
    } else {
        link_down(link);
    }
    free(link->address);
    link->address = strdup(address);
    pt_assert(link->address != NULL);
    link->failures = 0;
    link_dial(link);
    return link;
}

static struct pt_buf *frame_begin(struct pt_raft_link *link, enum pt_raft_frame kind)
{
    link->net->open_link = link;
    link->net->open_at = link->queue.size;
    pt_buf_append_be64(&link->queue, 0);
    pt_buf_append_u8(&link->queue, (uint8_t)kind);
    return &link->queue;
}

struct pt_buf *pt_raft_net_begin(struct pt_raft_net *net, uint64_t id, const char *address, enum pt_raft_frame kind)
{
    pt_assert(net->open_link == NULL && id != net->options.id);
    struct pt_raft_link *link = link_get(net, id, address);
    link->used_ms = pt_sys_now_ms(net->options.sys);
    size_t max = link->state == PT_RAFT_LINK_UP ? PT_RAFT_LINK_QUEUE_SIZE_MAX : PT_RAFT_LINK_EARLY_SIZE_MAX;
    if (link->state == PT_RAFT_LINK_WAITING || link->queue.size > max) {
        return NULL;
    }
    return frame_begin(link, kind);
}

struct pt_buf *pt_raft_net_begin_idle(struct pt_raft_net *net, uint64_t id, enum pt_raft_frame kind)
{
    pt_assert(net->open_link == NULL);
    struct pt_raft_link *link = link_find(net, id);
    if (link == NULL || link->state != PT_RAFT_LINK_UP || link->pipe.blocked ||
        link->queue.size > PT_RAFT_LINK_IDLE_SIZE_MAX) {
        return NULL;
    }
    return frame_begin(link, kind);
}

void pt_raft_net_end(struct pt_raft_net *net)
{
    struct pt_raft_link *link = net->open_link;
    pt_assert(link != NULL);
    net->open_link = NULL;
    pt_raft_frame_seal(&link->queue, net->open_at);
    if (!link->flush_posted) {
        link->flush_posted = true;
        pt_sys_post(net->options.sys, flush_posted, link);
    }
}

size_t pt_raft_net_queued(const struct pt_raft_net *net, uint64_t id)
{
    const struct pt_raft_link *link = link_find(net, id);
    return link == NULL ? 0 : link->queue.size;
}

/* The median: a pause of either end shows in one sample and says nothing of the line. */
uint64_t pt_raft_net_rtt_us(const struct pt_raft_net *net, uint64_t id)
{
    const struct pt_raft_link *link = link_find(net, id);
    size_t len = link == NULL ? 0 : link->rtt_len < PT_RAFT_RTT_SAMPLES ? link->rtt_len : PT_RAFT_RTT_SAMPLES;
    uint32_t sorted[PT_RAFT_RTT_SAMPLES];
    for (size_t i = 0; i < len; i++) { /* by insertion: there are few */
        size_t at = i;
        for (; at > 0 && sorted[at - 1] > link->rtt_us[i]; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = link->rtt_us[i];
    }
    return len == 0 ? 0 : sorted[len / 2];
}

void pt_raft_net_forget(struct pt_raft_net *net, uint64_t id)
{
    struct pt_raft_link *link = link_find(net, id);
    if (link != NULL) {
        link_unused(link);
        link_doom(link);
    }
}

void pt_raft_net_prune(struct pt_raft_net *net, bool (*keep)(void *context, uint64_t id), void *context,
                       uint64_t idle_ms)
{
    pt_assert(net->open_link == NULL);
    uint64_t now = pt_sys_now_ms(net->options.sys);
    PT_LIST_FOREACH_SAFE (node, &net->links) {
        struct pt_raft_link *link = PT_CONTAINER(node, struct pt_raft_link, node);
        if (now - link->used_ms >= idle_ms && !keep(context, link->id)) {
            link_unused(link);
            link_doom(link);
        }
    }
}

bool pt_raft_net_knows(const struct pt_raft_net *net, uint64_t id)
{
    return link_find(net, id) != NULL;
}

static void on_tick(void *arg)
{
    struct pt_raft_net *net = arg;
    uint64_t now = pt_sys_now_ms(net->options.sys);
    pt_raft_in_tick(net, now);
    PT_LIST_FOREACH_SAFE (node, &net->links) {
        struct pt_raft_link *link = PT_CONTAINER(node, struct pt_raft_link, node);
        if (link->state == PT_RAFT_LINK_WAITING) {
            if (now >= link->retry_ms) {
                link_dial(link);
            }
        } else if (now - link->heard_ms > PT_RAFT_LINK_SILENT_MS) {
            link_down(link);
        } else if (link->state == PT_RAFT_LINK_UP && !link->pipe.blocked) {
            uint8_t sent[8];
            pt_put_be64(sent, pt_sys_now_ns(net->options.sys) / 1000);
            pt_raft_frame_put(&link->queue, PT_RAFT_FRAME_PING, sent, sizeof sent);
            link_flush(link);
        }
    }
}

enum pt_code pt_raft_net_open(const struct pt_raft_net_options *options, struct pt_raft_net **ret_net,
                              struct pt_error *reterr)
{
    pt_assert(strlen(options->address) <= PT_RAFT_ADDRESS_SIZE_MAX && strlen(options->cluster_id) < 128);
    struct pt_raft_net *net = calloc(1, sizeof *net);
    pt_assert(net != NULL);
    net->options = *options;
    net->address = strdup(options->address);
    net->cluster_id = strdup(options->cluster_id);
    net->trust_id = strdup(options->trust_id != NULL ? options->trust_id : options->cluster_id);
    pt_assert(net->address != NULL && net->cluster_id != NULL && net->trust_id != NULL);
    pt_list_init(&net->links);
    pt_list_init(&net->ins);
    pt_list_init(&net->doomed);
    enum pt_code code = pt_listen(options->sys, &options->listen, pt_raft_in_accept, net, &net->listener, reterr);
    if (code != PT_OK) {
        pt_raft_net_close(net);
        return code;
    }
    net->tick = pt_timer_new(options->sys, on_tick, net);
    pt_timer_start(net->tick, PT_RAFT_LINK_TICK_MS, PT_RAFT_LINK_TICK_MS);
    *ret_net = net;
    return PT_OK;
}

static void net_free(struct pt_raft_net *net, bool posts_lost)
{
    pt_timer_free(net->tick);
    pt_listener_close(net->listener);
    PT_LIST_FOREACH_SAFE (in, &net->ins) {
        pt_raft_in_free(PT_CONTAINER(in, struct pt_raft_in, node));
    }
    PT_LIST_FOREACH_SAFE (node, &net->links) {
        link_doom(PT_CONTAINER(node, struct pt_raft_link, node));
    }
    PT_LIST_FOREACH_SAFE (gone, &net->doomed) {
        struct pt_raft_link *link = PT_CONTAINER(gone, struct pt_raft_link, node);
        pt_list_remove(&link->node); /* it outlives the list, until its post has run */
        if (posts_lost) {
            link_free(link);
        }
    }
    free(net->address);
    free(net->cluster_id);
    free(net->trust_id);
    free(net);
}

void pt_raft_net_close(struct pt_raft_net *net)
{
    if (net != NULL) {
        net_free(net, false);
    }
}

void pt_raft_net_abandon(struct pt_raft_net *net)
{
    if (net != NULL) {
        net_free(net, true);
    }
}

void pt_raft_net_set_tls(struct pt_raft_net *net, struct pt_tls_context *tls)
{
    net->options.tls = tls;
}

static bool still_allowed(const struct pt_raft_net *net, const struct pt_raft_pipe *pipe, uint64_t id)
{
    const struct pt_raft_net_options *o = &net->options;
    return pipe->tls == NULL || o->peer_allowed == NULL || o->peer_allowed(o->peer_context, id, pt_tls_peer(pipe->tls));
}

void pt_raft_net_judge(struct pt_raft_net *net)
{
    PT_LIST_FOREACH_SAFE (node, &net->links) {
        struct pt_raft_link *link = PT_CONTAINER(node, struct pt_raft_link, node);
        if (link->state == PT_RAFT_LINK_UP && !still_allowed(net, &link->pipe, link->id)) {
            pt_log_warn(net->options.log, "peer is not wanted any more", "peer=%" PRIu64, link->id);
            link_down(link);
        }
    }
    PT_LIST_FOREACH_SAFE (node, &net->ins) {
        struct pt_raft_in *in = PT_CONTAINER(node, struct pt_raft_in, node);
        if (in->greeted && !still_allowed(net, &in->pipe, in->id)) {
            pt_log_warn(net->options.log, "peer is not wanted any more", "peer=%" PRIu64, in->id);
            pt_raft_in_free(in);
        }
    }
}

struct pt_endpoint pt_raft_net_listening(const struct pt_raft_net *net)
{
    return pt_listener_address(net->listener);
}
