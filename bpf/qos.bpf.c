/*
 * Hook `qos`: tc egress of a shaped WAN link.
 *
 *    outer DSCP -> queue (skb->priority), DSCP on the link
 *
 * Here and not where packets come from hosts: whatever leaves by the link passes here, plain or sealed, sent on for
 * another site, or the node's own. The tunnel process and the programs copy the inner DSCP to the outer header, so it
 * says what the packet is for even when the rest is sealed. A change of it is for the underlay only; the inner packet
 * arrives as it was sent.
 *
 * Network control is what keeps the link alive: this node's own and other sites' liveness. What hosts mark so is
 * another network's control; a host must not push liveness out of its queue by sending a lot of it.
 *
 * The map belongs to this program and goes with it; the agent fills it before it attaches.
 */
#include "bpf/abi/geneve.h"
#include "bpf/abi/qos.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stddef.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, PT_QOS_LINKS_MAX);
    __type(key, __u32); /* ifindex */
    __type(value, struct pt_abi_qos);
} pt_qos_links SEC(".maps");

#define INLINE static inline __attribute__((always_inline))
#define ECN 3

INLINE void rewrite_v4(struct __sk_buff *skb, __u8 from, __u8 to)
{
    __be16 old = bpf_htons((__u16)(0x4500 | from)), new = bpf_htons((__u16)(0x4500 | to));

    /* The sum is over 16-bit words: the byte before is the same in both, and cancels out. */
    (void)bpf_l3_csum_replace(skb, ETH_HLEN + offsetof(struct iphdr, check), old, new, 2);
    (void)bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct iphdr, tos), &to, 1, 0);
}

/* The traffic class of IPv6 lies across the first two bytes. */
INLINE void rewrite_v6(struct __sk_buff *skb, __u16 head, __u8 to)
{
    __be16 new = bpf_htons((__u16)((head & 0xf00f) | (__u16)to << 4));

    (void)bpf_skb_store_bytes(skb, ETH_HLEN, &new, 2, BPF_F_RECOMPUTE_CSUM);
}

/* Of a packet marked as network control: is it a host's? Sealed, in Geneve, or on its way through. */
INLINE int of_hosts(struct __sk_buff *skb, int v4, __u16 head)
{
    __u8 protocol = 0;
    __be16 ports[2] = {0};
    __u32 at = ETH_HLEN + (v4 ? (head >> 8 & 15) * 4 : (__u32)sizeof(struct ipv6hdr));

    (void)bpf_skb_load_bytes(
        skb, ETH_HLEN + (v4 ? offsetof(struct iphdr, protocol) : offsetof(struct ipv6hdr, nexthdr)), &protocol, 1);
    if (protocol == IPPROTO_UDP && bpf_skb_load_bytes(skb, at, ports, sizeof(ports)) == 0) {
        /* From or to: a peer behind a NAT has another port than it bound. */
        if (ports[0] == bpf_htons(PT_LIVE_PORT) || ports[1] == bpf_htons(PT_LIVE_PORT)) {
            return 0;
        }
        if (ports[0] == bpf_htons(PT_SEALED_PORT) || ports[1] == bpf_htons(PT_SEALED_PORT) ||
            ports[1] == bpf_htons(PT_GENEVE_PORT)) {
            return 1;
        }
    }
    return skb->ingress_ifindex != 0;
}

SEC("tc")
int pt_qos(struct __sk_buff *skb)
{
    __u32 ifindex = skb->ifindex;
    const struct pt_abi_qos *qos = bpf_map_lookup_elem(&pt_qos_links, &ifindex);
    __be16 word;

    if (qos == NULL) {
        return TC_ACT_UNSPEC;
    }
    skb->priority = qos->control;
    int v4 = skb->protocol == bpf_htons(ETH_P_IP);
    if ((!v4 && skb->protocol != bpf_htons(ETH_P_IPV6)) || bpf_skb_load_bytes(skb, ETH_HLEN, &word, 2) != 0) {
        return TC_ACT_UNSPEC;
    }
    __u16 head = bpf_ntohs(word);
    __u8 tos = v4 ? (__u8)head : (__u8)(head >> 4);
    __u32 dscp = (tos >> 2) & 63;
    skb->priority = qos->queue[dscp];
    if (qos->queue[dscp] == qos->control && of_hosts(skb, v4, head)) {
        skb->priority = qos->hosts;
    }
    if (qos->dscp_out[dscp] < 64 && qos->dscp_out[dscp] != dscp) {
        __u8 to = (__u8)(qos->dscp_out[dscp] << 2 | (tos & ECN));
        if (v4) {
            rewrite_v4(skb, tos, to);
        } else {
            rewrite_v6(skb, head, to);
        }
    }
    return TC_ACT_UNSPEC;
}
