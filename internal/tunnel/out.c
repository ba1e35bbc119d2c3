/*
 * Towards the WAN: read a frame or super-packet from the TAP, cut it, seal each packet, send them with one call.
 *
 * Each piece is sealed from where it stands in the read buffer straight into the batch: the copy and the encryption are
 * one pass. A batch holds packets of one path and of equal size (a shorter one ends it), and is sent when it is full,
 * when the next packet does not fit it, or when the device has nothing more to read: under load batches are full, and a
 * single packet never waits. A packet with labels left is sent alone: a transit site takes its header apart, and must
 * find one in each packet even where a virtual link would carry the batch whole.
 */
#include "tunnel/engine_priv.h"

#include "base/assert.h"
#include "bpf/abi/tap.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define BATCH_SIZE_MAX 65000U
#define DSCP_MAX 63
#define ECN_MASK 3
#define BATCH_LEN_MAX 64U
#define READ_SIZE (PT_VNET_SIZE + PT_ETH_SIZE + PT_PACKET_SIZE_MAX + 1)
#define TURNS_MAX 64 /* reads before the epoch is let go of */

struct batch {
    struct pt_path *path; /* NULL: empty */
    size_t size, piece_size, len;
    uint8_t tos;
    bool closed;
    uint8_t data[BATCH_SIZE_MAX];
};

struct out {
    struct pt_worker *worker;
    struct batch batch;
    uint8_t *buffer; /* READ_SIZE */
};

static void drop(struct pt_worker *worker, enum pt_engine_drop reason, uint64_t n)
{
    PT_COUNT(worker, drops[reason], n);
}

/* ---- sending -------------------------------------------------------------------------------------------------- */

static void add_cmsg(struct msghdr *message, int level, int type, const void *value, size_t size)
{
    struct cmsghdr *cmsg = (struct cmsghdr *)(void *)((uint8_t *)message->msg_control + message->msg_controllen);
    cmsg->cmsg_level = level;
    cmsg->cmsg_type = type;
    cmsg->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(cmsg), value, size);
    message->msg_controllen += CMSG_SPACE(size);
}

static void flush(struct out *out)
{
    struct batch *batch = &out->batch;
    struct pt_worker *worker = out->worker;
    union {
        struct cmsghdr header;
        uint8_t data[128];
    } control = {0};
    if (batch->path == NULL) {
        return;
    }
    struct pt_target *target = atomic_load_explicit(&batch->path->target, memory_order_acquire);
    struct iovec part = {.iov_base = batch->data, .iov_len = batch->size};
    struct msghdr message = {.msg_name = &target->address,
                             .msg_namelen = target->size,
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.data};
    if (batch->len > 1) {
        uint16_t piece_size = (uint16_t)batch->piece_size;
        add_cmsg(&message, IPPROTO_UDP, UDP_SEGMENT, &piece_size, sizeof(piece_size));
    }
    if (batch->tos != 0) {
        int tos = batch->tos;
        bool v4 = target->address.ss_family == AF_INET;
        add_cmsg(&message, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, &tos, sizeof(tos));
    }
    const struct pt_link *link = batch->path->link;
    int fd = (batch->path->config.stack_len > 0 ? link->stacked : link->out)[worker->number];
    ssize_t sent = sendmsg(fd, &message, 0);
    if (sent < 0 && errno == ECONNREFUSED) {
        sent = sendmsg(fd, &message, 0); /* the news was of an earlier packet */
    }
    PT_COUNT(worker, sends, 1);
    if (sent < 0) {
        drop(worker, PT_ENGINE_DROP_SEND_FAILED, batch->len);
        if (errno == EMSGSIZE || errno == EINVAL) { /* of one, of a train: the link carries less than it did */
            atomic_store_explicit(&batch->path->doubt, true, memory_order_relaxed);
        }
    }
    batch->path = NULL;
}

/* Seal a packet into the batch. */
static void append(struct out *out, struct pt_path *path, struct pt_tunnel_session *session, uint32_t vni,
                   uint8_t flags, uint8_t tos, const uint8_t *packet, size_t size)
{
    struct batch *batch = &out->batch;
    struct pt_worker *worker = out->worker;
    size_t whole = path->outer_size + PT_TUNNEL_OVERHEAD + size;
    if (batch->path != NULL && (batch->path != path || batch->closed || batch->tos != tos ||
                                whole > batch->piece_size || batch->size + whole > BATCH_SIZE_MAX)) {
        flush(out);
    }
    if (batch->path == NULL) {
        batch->path = path;
        batch->size = batch->len = 0;
        batch->piece_size = whole;
        batch->tos = tos;
        batch->closed = path->config.stack_len > 0;
    }
    uint8_t *at = batch->data + batch->size;
    const struct pt_tunnel_data data = {
        .flags = flags, .stream = (uint8_t)(path->streams[path->config.queues[tos >> 2]] + worker->number), .vni = vni};
    memcpy(at, path->outer, path->outer_size);
    if (!pt_session_seal(session, worker->number, &data, packet, size, at + path->outer_size)) {
        drop(worker, PT_ENGINE_DROP_NO_SESSION, 1);
        return;
    }
    batch->size += whole;
    batch->len++;
    batch->closed = batch->closed || whole < batch->piece_size || batch->len == BATCH_LEN_MAX;
    PT_COUNT(worker, sealed_packets, 1);
    PT_COUNT(worker, sealed_bytes, size);
    if (batch->closed && batch->len == BATCH_LEN_MAX) {
        flush(out);
    }
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

/* What the verdict says of a frame; false when it is none of ours (the kernel's own multicast, say). */
static bool read_verdict(const uint8_t *frame, uint32_t *ret_slot, uint32_t *ret_vni, uint8_t *ret_mark)
{
    struct pt_abi_tap tap;
    memcpy(&tap, frame, sizeof(tap));
    if (tap.to[0] != PT_TAP_TO_0 || tap.to[1] != PT_TAP_TO_1) {
        return false;
    }
    *ret_slot = pt_be32(tap.path_slot);
    *ret_vni = (uint32_t)tap.vni[0] << 16 | (uint32_t)tap.vni[1] << 8 | tap.vni[2];
    *ret_mark = tap.from[2];
    return true;
}

/* A packet that needs no cutting. False when the kernel's order to finish its checksum makes no sense. */
static bool take_single(struct out *out, struct pt_path *path, struct pt_tunnel_session *session, uint32_t vni,
                        const struct virtio_net_hdr *vnet, uint8_t *packet, size_t size, const struct pt_packet *parsed)
{
    uint8_t flags = (vnet->flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0 ? PT_TUNNEL_VERIFIED : 0;
    if ((vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0) {
        size_t start = (size_t)vnet->csum_start - PT_ETH_SIZE;
        size_t offset = parsed->protocol == IPPROTO_TCP ? 16 : 6;
        if (parsed->l4_offset != 0 && start == parsed->l4_offset && vnet->csum_offset == offset) {
            flags = PT_TUNNEL_PARTIAL;
        } else if (vnet->csum_start < PT_ETH_SIZE || start + vnet->csum_offset + 2 > size) {
            return false;
        } else {
            pt_packet_finish_sum(packet, size, start, vnet->csum_offset);
        }
    }
    append(out, path, session, vni, flags, parsed->tos, packet, size);
    return true;
}

static void take_frame(struct out *out, size_t frame_size)
{
    struct pt_worker *worker = out->worker;
    struct virtio_net_hdr vnet;
    struct pt_packet parsed;
    uint32_t slot = 0, vni = 0;
    uint8_t mark = 0; /* DSCP of the outer header plus 1; 0: the packet's own */
    if (frame_size < PT_VNET_SIZE + PT_ETH_SIZE || !read_verdict(out->buffer + PT_VNET_SIZE, &slot, &vni, &mark)) {
        return;
    }
    memcpy(&vnet, out->buffer, sizeof(vnet));
    uint8_t *packet = out->buffer + PT_VNET_SIZE + PT_ETH_SIZE;
    size_t size = frame_size - PT_VNET_SIZE - PT_ETH_SIZE;
    struct pt_path *path =
        slot < PT_ENGINE_SLOTS ? atomic_load_explicit(&worker->engine->paths[slot], memory_order_acquire) : NULL;
    if (path == NULL) {
        drop(worker, PT_ENGINE_DROP_NO_PATH, 1);
        return;
    }
    struct pt_tunnel_session *session = atomic_load_explicit(&path->peer->used, memory_order_acquire);
    if (session == NULL) {
        drop(worker, PT_ENGINE_DROP_NO_SESSION, 1);
        return;
    }
    bool super = vnet.gso_type != VIRTIO_NET_HDR_GSO_NONE, taken = pt_packet_parse(packet, size, super, &parsed);
    if (taken && mark > 0 && mark <= DSCP_MAX + 1) {
        parsed.tos = (uint8_t)((mark - 1) << 2 | (parsed.tos & ECN_MASK));
    }
    if (taken && !super) {
        taken = size + PT_TUNNEL_OVERHEAD + path->outer_size <= BATCH_SIZE_MAX &&
                take_single(out, path, session, vni, &vnet, packet, size, &parsed);
    } else if (taken) {
        struct pt_cut cut;
        uint8_t *piece;
        size_t piece_size;
        taken = pt_cut_start(&cut, packet, size, &parsed, vnet.gso_size);
        while (taken && (piece = pt_cut_next(&cut, &piece_size)) != NULL) {
            append(out, path, session, vni, PT_TUNNEL_PARTIAL, parsed.tos, piece, piece_size);
        }
    }
    if (!taken) {
        drop(worker, PT_ENGINE_DROP_BAD_PACKET, 1);
        return;
    }
    atomic_fetch_add_explicit(&session->volume, size, memory_order_relaxed);
}

/* Wait for something to read, or to be stopped. */
static void wait_readable(struct pt_worker *worker)
{
    struct pollfd fds[2] = {{.fd = worker->tap, .events = POLLIN}, {.fd = worker->wake, .events = POLLIN}};
    (void)poll(fds, 2, -1);
}

void *pt_engine_out_run(void *arg)
{
    struct pt_worker *worker = arg;
    struct pt_epoch *epoch = &worker->engine->epoch;
    struct out *out = calloc(1, sizeof(*out));
    pt_assert(out != NULL);
    out->worker = worker;
    out->buffer = malloc(READ_SIZE);
    pt_assert(out->buffer != NULL);
    while (!atomic_load_explicit(&worker->engine->stopping, memory_order_relaxed)) {
        pt_epoch_work(epoch, worker->reader);
        ssize_t size = 0;
        for (unsigned turn = 0; turn < TURNS_MAX && size >= 0; turn++) {
            size = read(worker->tap, out->buffer, READ_SIZE);
            if (size > 0) {
                PT_COUNT(worker, reads, 1);
                take_frame(out, (size_t)size);
            }
        }
        flush(out);
        pt_epoch_rest(epoch, worker->reader);
        if (size < 0) {
            wait_readable(worker);
        }
    }
    free(out->buffer);
    free(out);
    return NULL;
}
