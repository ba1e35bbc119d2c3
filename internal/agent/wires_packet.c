/*
 * Wires by packet sockets (packet(7)).
 *
 *   around:  packet socket --egress--> hook `turn`: from the interface to itself? --ingress--> hook `lan` --> ...
 *            ... --> the answer, for the interface's own address --egress--> hook `turn` --ingress--> packet socket
 *
 * Hook `turn` is attached while somebody sends around and at no other time, so traffic does not pay for it. An answer
 * must find its way to the interface's own address, to which the kernel would send nothing out of the interface: a
 * neighbour entry that names the interface's own MAC address does it, for as long.
 */
#include "agent/wires.h"

#include "agent/dp.h"
#include "agent/netlink.h"
#include "base/assert.h"
#include "base/list.h"
#include "sys/sys_uv.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAMES_MAX 256 /* a turn, so that a flood does not starve the loop */
#define RECEIVE_BYTES (1 << 20)
#define SNAP_MAX 9216

struct packet_wires {
    struct pt_wires wires;
    struct pt_sys *sys;
    struct pt_dp *dp;
    struct pt_list open; /* pt_wire.node */
};

struct pt_wire {
    struct pt_list node;
    struct packet_wires *owner;
    struct pt_wire_options options;
    char interface[IF_NAMESIZE];
    uint32_t ifindex;
    uint8_t mac[ETH_ALEN];
    int fd;
    struct pt_fd_watch *watch;
    bool around;             /* it needs hook `turn` */
    bool neighbour[2];       /* made: of IPv6, of IPv4 */
    struct pt_ip address[2]; /* whose those are */
    uint64_t lost;
    uint8_t frame[SNAP_MAX];
};

static struct packet_wires *owner_of(struct pt_wires *wires)
{
    return PT_CONTAINER(wires, struct packet_wires, wires);
}

/* ---- receiving ------------------------------------------------------------------------------------------------ */

static int64_t stamp_of(struct msghdr *message)
{
    struct timespec at = {0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            memcpy(&at, CMSG_DATA(c), sizeof(at));
        }
    }
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static void on_readable(void *arg)
{
    struct pt_wire *wire = arg;
    for (unsigned i = 0; i < FRAMES_MAX; i++) {
        union {
            struct cmsghdr align;
            uint8_t bytes[CMSG_SPACE(sizeof(struct timespec))];
        } control;
        struct iovec part = {.iov_base = wire->frame, .iov_len = wire->options.snap_size};
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        ssize_t size = recvmsg(wire->fd, &message, MSG_DONTWAIT | MSG_TRUNC);
        if (size < 0) {
            return; /* drained, or the interface is gone: then nothing comes any more */
        }
        size_t kept = (size_t)size < wire->options.snap_size ? (size_t)size : wire->options.snap_size;
        const struct pt_wire_frame frame = {
            .bytes = {wire->frame, kept}, .wire_size = (size_t)size, .time_ns = stamp_of(&message)};
        wire->options.on_frame(wire->options.arg, &frame);
    }
}

static uint64_t lost(struct pt_wire *wire)
{
    struct tpacket_stats stats = {0};
    socklen_t size = sizeof(stats);
    if (getsockopt(wire->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0) {
        wire->lost += stats.tp_drops; /* reading begins them anew */
    }
    return wire->lost;
}

/* ---- opening -------------------------------------------------------------------------------------------------- */

/* ICMP and ICMPv6; a fragment of them too. */
static int filter_echoes(int fd)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 3),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETH_HLEN + 9),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 4, 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 3),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETH_HLEN + 6),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SNAP_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static enum pt_code find_interface(struct pt_wire *wire, int fd, struct pt_error *reterr)
{
    struct ifreq request = {0};
    memcpy(request.ifr_name, wire->interface, sizeof(request.ifr_name));
    if (ioctl(fd, SIOCGIFHWADDR, &request) != 0 || request.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_NONE, wire->interface,
                       "there is no Ethernet interface of that name on the edge now");
    }
    memcpy(wire->mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
    wire->ifindex = if_nametoindex(wire->interface);
    return PT_OK;
}

static enum pt_code open_socket(struct pt_wire *wire, struct pt_error *reterr)
{
    const int on = 1, bytes = RECEIVE_BYTES;
    /* Protocol 0 first: nothing comes before the filter stands. */
    wire->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (wire->fd < 0) {
        return pt_fail_errno(reterr, errno, wire->interface, "no packet socket; the kernel needs CONFIG_PACKET");
    }
    PT_TRY(find_interface(wire, wire->fd, reterr));
    (void)setsockopt(wire->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)); /* smaller only loses sooner */
    if (setsockopt(wire->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0 ||
        (wire->options.echoes_only && filter_echoes(wire->fd) != 0)) {
        return pt_fail_errno(reterr, errno, wire->interface, "cannot set the packet socket up");
    }
    const struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)wire->ifindex};
    if (bind(wire->fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        return pt_fail_errno(reterr, errno, wire->interface, "cannot listen on the interface");
    }
    return PT_OK;
}

/* ---- around --------------------------------------------------------------------------------------------------- */

/* An entry that leads to the interface's own address out of the interface; or no longer. */
static int set_neighbour(const struct pt_wire *wire, const struct pt_ip *ip, bool there)
{
    bool v4 = pt_ip_is_v4(ip);
    struct pt_netlink request;
    const struct ndmsg body = {.ndm_family = v4 ? AF_INET : AF_INET6,
                               .ndm_ifindex = (int)wire->ifindex,
                               .ndm_state = there ? NUD_PERMANENT : 0};
    pt_netlink_start(&request, there ? RTM_NEWNEIGH : RTM_DELNEIGH, there ? NLM_F_CREATE | NLM_F_REPLACE : 0, &body,
                     sizeof(body));
    pt_netlink_add(&request, NDA_DST, v4 ? ip->bytes + 12 : ip->bytes, v4 ? 4 : 16);
    if (there) {
        pt_netlink_add(&request, NDA_LLADDR, wire->mac, sizeof(wire->mac));
    }
    return pt_netlink_ask(&request);
}

/* Does another wire of the interface send around; from this address, when it is not NULL? */
static bool shared(const struct pt_wire *wire, const struct pt_ip *ip)
{
    PT_LIST_FOREACH (node, &wire->owner->open) {
        const struct pt_wire *other = PT_CONTAINER(node, struct pt_wire, node);
        bool v4 = ip != NULL && pt_ip_is_v4(ip);
        if (other != wire && other->ifindex == wire->ifindex && other->around &&
            (ip == NULL || (other->neighbour[v4] && pt_ip_equal(&other->address[v4], ip)))) {
            return true;
        }
    }
    return false;
}

static enum pt_code begin_around(struct pt_wire *wire, const struct pt_ip *source, struct pt_error *reterr)
{
    const struct pt_dp *dp = wire->owner->dp;
    bool v4 = pt_ip_is_v4(source);
    if (!wire->around) {
        if (dp->ops->turn == NULL) {
            return pt_fail(reterr, PT_UNIMPLEMENTED, PT_REASON_NONE, NULL,
                           "this node's data plane takes no packets from itself");
        }
        PT_TRY(dp->ops->turn(wire->owner->dp, wire->ifindex, true, reterr));
        wire->around = true;
    }
    if (!wire->neighbour[v4]) {
        int number = set_neighbour(wire, source, true);
        if (number != 0) {
            return pt_fail_errno(reterr, number, wire->interface, "cannot lead answers back to the edge");
        }
        wire->neighbour[v4] = true;
        wire->address[v4] = *source;
    }
    return PT_OK;
}

static void end_around(struct pt_wire *wire)
{
    for (int v4 = 0; v4 < 2; v4++) {
        if (wire->neighbour[v4] && !shared(wire, &wire->address[v4])) {
            (void)set_neighbour(wire, &wire->address[v4], false); /* an interface that is gone took it along */
        }
    }
    if (wire->around && !shared(wire, NULL)) {
        (void)wire->owner->dp->ops->turn(wire->owner->dp, wire->ifindex, false, NULL); /* likewise */
    }
}

/* ---- the port ------------------------------------------------------------------------------------------------- */

static void close_wire(struct pt_wire *wire)
{
    if (wire == NULL) {
        return;
    }
    end_around(wire);
    pt_sys_uv_unwatch(wire->watch);
    if (wire->fd >= 0) {
        (void)close(wire->fd);
    }
    pt_list_remove(&wire->node);
    free(wire);
}

static enum pt_code open_wire(struct pt_wires *wires, const struct pt_wire_options *options, struct pt_wire **ret_wire,
                              struct pt_error *reterr)
{
    struct packet_wires *owner = owner_of(wires);
    struct pt_wire *wire = calloc(1, sizeof(*wire));
    pt_assert(wire != NULL);
    pt_assert(options->snap_size <= SNAP_MAX);
    wire->owner = owner;
    wire->options = *options;
    (void)snprintf(wire->interface, sizeof(wire->interface), "%.15s", options->interface);
    wire->options.interface = wire->interface;
    pt_list_push_back(&owner->open, &wire->node);
    enum pt_code code = open_socket(wire, reterr);
    if (code != PT_OK) {
        close_wire(wire);
        return code;
    }
    wire->watch = pt_sys_uv_watch(owner->sys, wire->fd, on_readable, wire);
    *ret_wire = wire;
    return PT_OK;
}

/* The first address of the family that reaches beyond the wire. */
static bool take_address(const struct ifaddrs *item, bool v4, struct pt_ip *ret_ip)
{
    if (item->ifa_addr == NULL || item->ifa_addr->sa_family != (v4 ? AF_INET : AF_INET6)) {
        return false;
    }
    if (v4) {
        struct sockaddr_in in;
        memcpy(&in, item->ifa_addr, sizeof(in));
        *ret_ip = pt_ip_from_v4(ntohl(in.sin_addr.s_addr));
        return true;
    }
    struct sockaddr_in6 in6;
    memcpy(&in6, item->ifa_addr, sizeof(in6));
    memcpy(ret_ip->bytes, &in6.sin6_addr, sizeof(ret_ip->bytes));
    return !IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr);
}

static enum pt_code address_of(struct pt_wire *wire, bool v4, struct pt_ip *ret_ip, struct pt_error *reterr)
{
    struct ifaddrs *list = NULL;
    bool found = false;
    if (getifaddrs(&list) != 0) {
        return pt_fail_errno(reterr, errno, wire->interface, "cannot read the interface's addresses");
    }
    for (const struct ifaddrs *item = list; item != NULL && !found; item = item->ifa_next) {
        found = strcmp(item->ifa_name, wire->interface) == 0 && take_address(item, v4, ret_ip);
    }
    freeifaddrs(list);
    return found
               ? PT_OK
               : pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, wire->interface,
                         "the edge has no IPv%d address on this wire: give it one, as its hosts' gateway", v4 ? 4 : 6);
}

/* A host of the wire: the kernel finds its MAC address. */
static enum pt_code send_out(const struct pt_wire *wire, struct pt_bytes packet, bool v4, struct pt_error *reterr)
{
    struct sockaddr_storage to = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&to;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&to;
    if (v4) {
        in->sin_family = AF_INET;
        memcpy(&in->sin_addr, packet.data + 16, 4);
    } else {
        in6->sin6_family = AF_INET6;
        in6->sin6_scope_id = wire->ifindex;
        memcpy(&in6->sin6_addr, packet.data + 24, 16);
    }
    int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (fd < 0) {
        return pt_fail_errno(reterr, errno, wire->interface, "no raw socket");
    }
    bool sent = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, wire->interface, (socklen_t)strlen(wire->interface)) == 0 &&
                sendto(fd, packet.data, packet.size, 0, (struct sockaddr *)&to,
                       (socklen_t)(v4 ? sizeof(*in) : sizeof(*in6))) >= 0;
    int number = errno;
    (void)close(fd);
    return sent ? PT_OK : pt_fail_errno(reterr, number, wire->interface, "cannot send to a host of this wire");
}

static enum pt_code send_packet(struct pt_wire *wire, bool around, struct pt_bytes packet, struct pt_error *reterr)
{
    bool v4 = packet.data[0] >> 4 == 4;
    if (!around) {
        return send_out(wire, packet, v4, reterr);
    }
    struct pt_ip source;
    if (v4) {
        source = pt_ip_from_v4(pt_be32(packet.data + 12));
    } else {
        memcpy(source.bytes, packet.data + 8, sizeof(source.bytes));
    }
    PT_TRY(begin_around(wire, &source, reterr));
    struct ethhdr ethernet = {.h_proto = htons(v4 ? ETH_P_IP : ETH_P_IPV6)};
    memcpy(ethernet.h_dest, wire->mac, ETH_ALEN);
    memcpy(ethernet.h_source, wire->mac, ETH_ALEN);
    struct iovec parts[] = {{.iov_base = &ethernet, .iov_len = sizeof(ethernet)},
                            {.iov_base = (void *)(uintptr_t)packet.data, .iov_len = packet.size}};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    return sendmsg(wire->fd, &message, 0) >= 0
               ? PT_OK
               : pt_fail_errno(reterr, errno, wire->interface, "cannot send on the wire");
}

static void free_wires(struct pt_wires *wires)
{
    pt_assert(pt_list_empty(&owner_of(wires)->open));
    free(owner_of(wires));
}

struct pt_wires *pt_wires_packet_new(struct pt_sys *sys, struct pt_dp *dp)
{
    struct packet_wires *owner = calloc(1, sizeof(*owner));
    pt_assert(owner != NULL);
    *owner = (struct packet_wires){.sys = sys,
                                   .dp = dp,
                                   .wires = {.open = open_wire,
                                             .close = close_wire,
                                             .address = address_of,
                                             .send = send_packet,
                                             .lost = lost,
                                             .free = free_wires}};
    pt_list_init(&owner->open);
    return &owner->wires;
}
