/*
 * From the WAN: receive a train of datagrams with one call, open each, join what follows each other, write.
 *
 * A packet is opened straight to where its data belongs in the super-packet that is being made: its headers then stand
 * where the end of the data before it was, so that piece is kept aside and put back. Opening and gathering are one
 * pass; a packet that turns out not to belong there is moved once.
 *
 * What may be joined was protected by a seal from the far edge's device on, and its checksum is either known to be
 * right or not made yet; anything else passes as it is, so that a host's broken packet stays broken.
 */
#include "tunnel/engine_priv.h"

#include "base/assert.h"
#include "bpf/abi/tap.h"
#include "sys/sys_uv.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define RECEIVE_SIZE 65536U
#define RECEIVES_MAX 32 /* of one socket, before the others and the epoch have their turn */
#define EVENTS_MAX 16
#define ECN_CE 3

struct in {
    struct pt_worker *worker;
    uint8_t *received;
    /* Made so far: vnet header, Ethernet header, packet. */
    uint8_t *frame, *packet;
    struct pt_join join;
    uint32_t vni;
    uint8_t flags;
    uint8_t aside[PT_PACKET_HEADERS_MAX]; /* what the headers of the packet at hand stand upon */
    uint8_t control[RECEIVE_SIZE];
};

/* A datagram of a train, and what is known of the train. */
struct arrival {
    struct pt_link *link;
    const struct sockaddr_storage *from;
    uint8_t tos;
};

static void drop(struct pt_worker *worker, enum pt_engine_drop reason)
{
    PT_COUNT(worker, drops[reason], 1);
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

static void fill_vnet(const struct in *in, struct virtio_net_hdr *vnet)
{
    const struct pt_packet *parsed = &in->join.parsed;
    memset(vnet, 0, sizeof(*vnet));
    if (in->join.count > 1 || (in->flags & PT_TUNNEL_PARTIAL) != 0) {
        vnet->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        vnet->csum_start = (uint16_t)(PT_ETH_SIZE + parsed->l4_offset);
        vnet->csum_offset = parsed->protocol == IPPROTO_TCP ? 16 : 6;
    } else if ((in->flags & PT_TUNNEL_VERIFIED) != 0) {
        vnet->flags = VIRTIO_NET_HDR_F_DATA_VALID;
    }
    if (in->join.count > 1) {
        vnet->hdr_len = (uint16_t)(PT_ETH_SIZE + parsed->headers_size);
        vnet->gso_size = in->join.piece_size;
        vnet->gso_type = (uint8_t)(parsed->protocol == IPPROTO_UDP ? VIRTIO_NET_HDR_GSO_UDP_L4
                                   : parsed->v6                    ? VIRTIO_NET_HDR_GSO_TCPV6
                                                                   : VIRTIO_NET_HDR_GSO_TCPV4);
    }
}

static void flush(struct in *in)
{
    struct pt_worker *worker = in->worker;
    struct virtio_net_hdr vnet;
    if (in->join.count == 0) {
        return;
    }
    if (in->join.count > 1) {
        pt_join_finish(&in->join, in->packet);
    }
    fill_vnet(in, &vnet);
    memcpy(in->frame, &vnet, sizeof(vnet));
    struct pt_abi_tap tap = {.to = {PT_TAP_TO_0, PT_TAP_TO_1},
                             .from = {PT_TAP_FROM_0, PT_TAP_FROM_1},
                             .vni = {(uint8_t)(in->vni >> 16), (uint8_t)(in->vni >> 8), (uint8_t)in->vni},
                             .protocol = htons(in->join.parsed.v6 ? ETH_P_IPV6 : ETH_P_IP)};
    memcpy(in->frame + PT_VNET_SIZE, &tap, sizeof(tap));
    ssize_t written;
    do {
        written = write(worker->tap, in->frame, PT_VNET_SIZE + PT_ETH_SIZE + in->join.size);
    } while (written < 0 && errno == EINTR);
    PT_COUNT(worker, writes, 1);
    if (written < 0) {
        PT_COUNT(worker, drops[PT_ENGINE_DROP_WRITE_FAILED], in->join.count);
    }
    in->join.count = 0;
}

/* ---- opening -------------------------------------------------------------------------------------------------- */

/* Hand a message to the loop; when it is behind, the message is lost like any datagram. */
static void post(struct in *in, const struct arrival *arrival, uint32_t label, const uint8_t *message, size_t size)
{
    struct pt_mail mail = {.link = arrival->link->config.number, .label = label, .size = (uint16_t)size};
    mail.from = pt_sys_uv_endpoint(arrival->from);
    memcpy(mail.message, message, size < sizeof(mail.message) ? size : sizeof(mail.message));
    (void)!send(in->worker->engine->mail_write, &mail, sizeof(mail), MSG_DONTWAIT);
}

static void heard(struct in *in, struct pt_tunnel_session *session)
{
    if (!atomic_load_explicit(&session->heard, memory_order_relaxed)) {
        atomic_store(&session->heard, true);
        if (!atomic_exchange(&session->heard_ever, true)) {
            struct pt_mail mail = {.size = 0}; /* confirmed: the loop need not wait for its timer */
            (void)!send(in->worker->engine->mail_write, &mail, sizeof(mail), MSG_DONTWAIT);
        }
    }
}

/* The packet that was opened to `at` begins a new super-packet. */
static void begin(struct in *in, const uint8_t *at, size_t size, const struct pt_packet *parsed,
                  const struct pt_tunnel_data *data)
{
    if (at != in->packet) {
        memmove(in->packet, at, size);
    }
    in->vni = data->vni;
    in->flags = data->flags;
    pt_join_start(&in->join, in->packet, size, parsed);
    if ((data->flags & (PT_TUNNEL_PARTIAL | PT_TUNNEL_VERIFIED)) == 0) {
        in->join.closed = true;
    }
    if (in->join.closed) {
        flush(in);
    }
}

static void take_packet(struct in *in, const struct arrival *arrival, struct pt_tunnel_session *session,
                        const struct pt_tunnel_data *data, const uint8_t *message, size_t size)
{
    struct pt_worker *worker = in->worker;
    size_t inner_size = size - PT_TUNNEL_OVERHEAD, headers = in->join.parsed.headers_size;
    if (in->join.count > 0 && in->join.size + inner_size > PT_PACKET_SIZE_MAX) {
        flush(in);
    }
    bool behind = in->join.count > 0;
    uint8_t *at = behind ? in->packet + in->join.size - headers : in->packet;
    if (behind) {
        memcpy(in->aside, at, headers);
    }
    enum pt_engine_drop reason = pt_session_open(session, worker->number, data, message, size, at);
    struct pt_packet parsed;
    if (reason == PT_ENGINE_DROPS_LEN) {
        heard(in, session);
        if (!pt_packet_parse(at, inner_size, false, &parsed)) {
            reason = PT_ENGINE_DROP_BAD_INNER;
        } else if ((arrival->tos & ECN_CE) == ECN_CE && (parsed.tos & ECN_CE) != ECN_CE &&
                   !pt_packet_mark_congestion(at, &parsed)) {
            reason = PT_ENGINE_DROP_ECN_INVALID;
        } else if ((data->flags & PT_TUNNEL_PARTIAL) != 0 && parsed.l4_offset == 0) {
            reason = PT_ENGINE_DROP_BAD_INNER;
        }
    }
    if (reason != PT_ENGINE_DROPS_LEN) {
        if (behind) {
            memcpy(at, in->aside, headers);
        }
        drop(worker, reason);
        return;
    }
    PT_COUNT(worker, opened_packets, 1);
    PT_COUNT(worker, opened_bytes, inner_size);
    if (behind && data->vni == in->vni && data->flags == in->flags &&
        pt_join_fits(&in->join, in->packet, at, inner_size, &parsed)) {
        pt_join_add(&in->join, in->packet, at, inner_size);
        memcpy(at, in->aside, headers);
        if (in->join.closed) {
            flush(in);
        }
        return;
    }
    if (behind) {
        /* The end of the super-packet before is needed for writing it, and the new packet stands on it. */
        uint8_t own[PT_PACKET_HEADERS_MAX];
        size_t both = headers < inner_size ? headers : inner_size;
        memcpy(own, at, both);
        memcpy(at, in->aside, headers);
        flush(in);
        memcpy(at, own, both);
    }
    begin(in, at, inner_size, &parsed, data);
}

/* A control message, opened apart: it must not disturb what is being joined. */
static void take_control(struct in *in, const struct arrival *arrival, struct pt_tunnel_session *session,
                         const struct pt_tunnel_data *data, const uint8_t *message, size_t size)
{
    enum pt_engine_drop reason = pt_session_open(session, in->worker->number, data, message, size, in->control);
    if (reason != PT_ENGINE_DROPS_LEN) {
        drop(in->worker, reason);
        return;
    }
    heard(in, session);
    post(in, arrival, session->label, in->control, size - PT_TUNNEL_OVERHEAD);
}

/* One datagram, from the Geneve header on. */
static void take_datagram(struct in *in, const struct arrival *arrival, const uint8_t *message, size_t size)
{
    struct pt_geneve geneve;
    struct pt_tunnel_data data;
    if (size < sizeof(geneve) + 8) {
        drop(in->worker, PT_ENGINE_DROP_MALFORMED);
        return;
    }
    memcpy(&geneve, message, sizeof(geneve));
    message += sizeof(geneve);
    size -= sizeof(geneve);
    /* No options: labels are taken off on the way, and the program at the link passes nothing up that has any. */
    if (geneve.version_words != 0 || geneve.protocol != htons(PT_SEALED_PROTOCOL)) {
        drop(in->worker, PT_ENGINE_DROP_MALFORMED);
        return;
    }
    if (message[0] != PT_TUNNEL_DATA) {
        struct pt_tunnel_handshake handshake;
        if (pt_tunnel_handshake_read(message, size, &handshake)) {
            post(in, arrival, 0, message, size);
        } else {
            drop(in->worker, PT_ENGINE_DROP_MALFORMED);
        }
        return;
    }
    if (!pt_tunnel_data_read(message, size, &data)) {
        drop(in->worker, PT_ENGINE_DROP_MALFORMED);
        return;
    }
    struct pt_tunnel_session *session = pt_session_find(in->worker->engine, data.receiver);
    if (session == NULL) {
        drop(in->worker, PT_ENGINE_DROP_UNKNOWN_SESSION);
    } else if ((data.flags & PT_TUNNEL_CONTROL) != 0) {
        take_control(in, arrival, session, &data, message, size);
    } else {
        take_packet(in, arrival, session, &data, message, size);
    }
}

/* ---- receiving ------------------------------------------------------------------------------------------------ */

static void read_cmsgs(struct msghdr *message, size_t *ret_piece_size, uint8_t *ret_tos)
{
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(message); cmsg != NULL; cmsg = CMSG_NXTHDR(message, cmsg)) {
        int value = 0;
        if (cmsg->cmsg_level == IPPROTO_UDP && cmsg->cmsg_type == UDP_GRO) {
            memcpy(&value, CMSG_DATA(cmsg), sizeof(value));
            *ret_piece_size = (size_t)value;
        } else if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_TOS) {
            *ret_tos = *CMSG_DATA(cmsg);
        } else if (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_TCLASS) {
            memcpy(&value, CMSG_DATA(cmsg), sizeof(value));
            *ret_tos = (uint8_t)value;
        }
    }
}

/* One train. False when there is none. */
static bool receive(struct in *in, struct pt_link *link)
{
    struct sockaddr_storage from;
    union {
        struct cmsghdr header;
        uint8_t data[128];
    } control;
    struct iovec part = {.iov_base = in->received, .iov_len = RECEIVE_SIZE};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof(from),
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.data,
                             .msg_controllen = sizeof(control.data)};
    ssize_t got = recvmsg(link->in[in->worker->number], &message, MSG_DONTWAIT);
    if (got < 0) {
        return errno == ECONNREFUSED || errno == EHOSTUNREACH; /* news of an earlier packet; go on */
    }
    struct arrival arrival = {.link = link, .from = &from};
    size_t size = (size_t)got, piece_size = size;
    read_cmsgs(&message, &piece_size, &arrival.tos);
    PT_COUNT(in->worker, receives, 1);
    for (size_t at = 0; at < size && piece_size > 0; at += piece_size) {
        take_datagram(in, &arrival, in->received + at, size - at < piece_size ? size - at : piece_size);
    }
    return true;
}

void *pt_engine_in_run(void *arg)
{
    struct pt_worker *worker = arg;
    struct pt_epoch *epoch = &worker->engine->epoch;
    struct in *in = calloc(1, sizeof(*in));
    pt_assert(in != NULL);
    in->worker = worker;
    in->received = malloc(RECEIVE_SIZE);
    in->frame = malloc(PT_VNET_SIZE + PT_ETH_SIZE + 2 * PT_PACKET_SIZE_MAX);
    pt_assert(in->received != NULL && in->frame != NULL);
    in->packet = in->frame + PT_VNET_SIZE + PT_ETH_SIZE;
    while (!atomic_load_explicit(&worker->engine->stopping, memory_order_relaxed)) {
        struct epoll_event events[EVENTS_MAX];
        int len = epoll_wait(worker->epoll, events, EVENTS_MAX, -1);
        pt_epoch_work(epoch, worker->reader);
        for (int i = 0; i < len; i++) {
            struct pt_link *link = atomic_load(&worker->engine->link_table[events[i].data.u32]);
            for (unsigned turn = 0; link != NULL && turn < RECEIVES_MAX && receive(in, link); turn++) {
            }
        }
        flush(in);
        pt_epoch_rest(epoch, worker->reader);
    }
    free(in->frame);
    free(in->received);
    free(in);
    return NULL;
}
