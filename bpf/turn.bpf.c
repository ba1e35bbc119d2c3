/*
 * Hook `turn`: tc egress of an interface towards hosts, while diagnostics run there.
 *
 * A frame from the interface to itself is turned around: it comes in by the interface, as if a host had sent it. So the
 * edge sends echoes through hook `lan` like traffic, and hears what answers them (internal/agent/wires_packet.c). No
 * frame of a host's has both addresses alike.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tc")
int pt_turn(struct __sk_buff *skb)
{
    struct {
        __u16 to[3], from[3];
    } ethernet;

    if (bpf_skb_load_bytes(skb, 0, &ethernet, sizeof(ethernet)) != 0 || ethernet.to[0] != ethernet.from[0] ||
        ethernet.to[1] != ethernet.from[1] || ethernet.to[2] != ethernet.from[2]) {
        return TC_ACT_UNSPEC;
    }
    return (int)bpf_redirect(skb->ifindex, BPF_F_INGRESS);
}
