/*
 * A frame from a WAN link as the XDP program sees it: is it ours, and is all of it well formed?
 *
 * Everything that is not UDP to the Geneve port of one of our link addresses is the kernel's and passes untouched. From
 * there on nothing is believed: every length is checked against the one around it, and the number of options is
 * bounded.
 */
#pragma once

#include "bpf/lib/hash.h"
#include "bpf/lib/outer.h"

#define PT_OPTIONS_MAX 4
#define PT_LABEL_BITS 0xfffffU

/* Verdicts of the parser besides 0 (ours) and drop reasons. */
#define PT_FRAME_OTHER 0xffffU

struct frame {
    struct pt_abi_address source, destination; /* outer */
    __u32 slot;
    __u32 ifindex;
    __u32 l3_offset;   /* of the UDP header */
    __u32 header_size; /* Ethernet to the last option: where the inner packet begins */
    __u32 inner_size;
    __u32 vni;
    __be32 stack[PT_STACK_LEN_MAX];
    __u32 stack_len;
    __be16 protocol; /* ethertype of the inner packet */
    __be16 source_port;
    __be16 checksum; /* outer UDP's */
    __u8 tos;
    __u8 control;
    __u8 repaired; /* has been led round a failure */
    __u8 strict;   /* must not be */
    __u8 sealed;   /* came to a port of the tunnel process: sealed packets, or liveness, which proves its sender too */
    __be16 port;   /* that it came to */
};

/* Outer IPv4: no options (we send none), header checksum right, not a fragment, lengths within the frame. */
PT_INLINE __u32 frame_parse_v4(struct frame *f, void *data, void *end, __u32 frame_size, __u32 *udp_size)
{
    struct iphdr *ip = data + ETH_HLEN;

    if ((void *)(ip + 1) > end || ip->version != 4 || ip->protocol != IPPROTO_UDP) {
        return PT_FRAME_OTHER;
    }
    f->source.words[2] = f->destination.words[2] = bpf_htonl(0xffff);
    f->source.words[3] = ip->saddr;
    f->destination.words[3] = ip->daddr;
    f->tos = ip->tos;
    f->l3_offset = ETH_HLEN + sizeof(*ip);
    if (ip->ihl != 5) {
        return PT_FRAME_OTHER; /* the kernel may take it to a socket, which knows what to think of it */
    }
    if (ip->frag_off & bpf_htons(0x1fff)) {
        return PT_FRAME_OTHER; /* has no ports: whose it is cannot be known */
    }
    *udp_size = bpf_ntohs(ip->tot_len) - (__u32)sizeof(*ip);
    if (*udp_size > frame_size - f->l3_offset ||
        pt_checksum_fold((__u32)bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0)) != 0) {
        return PT_DROP_OUTER_MALFORMED;
    }
    return ip->frag_off & bpf_htons(0x2000) ? PT_DROP_OUTER_FRAGMENT : 0;
}

PT_INLINE __u32 frame_parse_v6(struct frame *f, void *data, void *end, __u32 frame_size, __u32 *udp_size)
{
    struct ipv6hdr *ip = data + ETH_HLEN;

    if ((void *)(ip + 1) > end || ip->version != 6 || ip->nexthdr != IPPROTO_UDP) {
        return PT_FRAME_OTHER;
    }
    __builtin_memcpy(&f->source, &ip->saddr, 16);
    __builtin_memcpy(&f->destination, &ip->daddr, 16);
    f->tos = (__u8)(ip->priority << 4 | ip->flow_lbl[0] >> 4);
    f->l3_offset = ETH_HLEN + sizeof(*ip);
    *udp_size = bpf_ntohs(ip->payload_len);
    return *udp_size > frame_size - f->l3_offset ? PT_DROP_OUTER_MALFORMED : 0;
}

/* Our option's labels. */
PT_INLINE __u32 frame_parse_stack(struct xdp_md *ctx, struct frame *f, __u32 offset, __u32 words)
{
    __u32 size = words * 4;

    PT_OPAQUE(size);
    if (size < 4 || size > sizeof(f->stack) || f->stack_len != 0 ||
        bpf_xdp_load_bytes(ctx, offset, f->stack, size) != 0) {
        return PT_DROP_GENEVE_MALFORMED;
    }
    f->stack_len = words;
    for (int i = 0; i < PT_STACK_LEN_MAX; i++) {
        if (bpf_ntohl(f->stack[i]) > PT_LABEL_BITS) {
            return PT_DROP_GENEVE_MALFORMED;
        }
    }
    return 0;
}

/* Geneve header and options. */
PT_INLINE __u32 frame_parse_geneve(struct xdp_md *ctx, struct frame *f, __u32 size)
{
    __u32 at = f->l3_offset + sizeof(struct udphdr);
    struct pt_geneve geneve;

    if (size < sizeof(geneve) || bpf_xdp_load_bytes(ctx, at, &geneve, sizeof(geneve)) != 0) {
        return PT_DROP_GENEVE_MALFORMED;
    }
    __u32 options_size = (geneve.version_words & 0x3f) * 4U;
    if (geneve.version_words >> 6 != 0 || size < sizeof(geneve) + options_size) {
        return PT_DROP_GENEVE_MALFORMED;
    }
    f->protocol = geneve.protocol;
    f->vni = bpf_ntohl(geneve.vni_reserved) >> 8;
    f->control = (geneve.flags & PT_GENEVE_CONTROL) != 0;
    f->inner_size = size - (__u32)sizeof(geneve) - options_size;
    at += sizeof(geneve);
    __u32 end = at + options_size;
    f->header_size = end;

    for (int i = 0; i < PT_OPTIONS_MAX && at < end; i++) {
        struct pt_geneve_option option;
        if (at + sizeof(option) > end || bpf_xdp_load_bytes(ctx, at, &option, sizeof(option)) != 0) {
            return PT_DROP_GENEVE_MALFORMED;
        }
        __u32 words = option.words & 0x1f;
        at += sizeof(option);
        if (at + words * 4 > end) {
            return PT_DROP_GENEVE_MALFORMED;
        }
        if (option.class == bpf_htons(PT_OPTION_CLASS) && option.type == PT_OPTION_PATH_STACK) {
            __u32 reason = frame_parse_stack(ctx, f, at, words);
            if (reason != 0) {
                return reason;
            }
            f->repaired = (option.words & PT_OPTION_REPAIRED) != 0;
            f->strict = (option.words & PT_OPTION_STRICT) != 0;
        } else if (option.type & PT_OPTION_CRITICAL) {
            return PT_DROP_UNKNOWN_OPTION;
        }
        at += words * 4;
    }
    return at == end ? 0 : PT_DROP_GENEVE_MALFORMED;
}

/* Fill *f. 0 when the frame is for our tunnels and well formed, PT_FRAME_OTHER when it is the kernel's, or a reason. */
PT_INLINE __u32 frame_parse(struct xdp_md *ctx, struct frame *f, __be16 geneve_port)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    __u32 frame_size = (__u32)bpf_xdp_get_buff_len(ctx), udp_size = 0, reason;
    struct udphdr udp;

    if ((void *)(eth + 1) > end) {
        return PT_FRAME_OTHER;
    }
    if (eth->h_proto == bpf_htons(ETH_P_IP)) {
        reason = frame_parse_v4(f, data, end, frame_size, &udp_size);
    } else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
        reason = frame_parse_v6(f, data, end, frame_size, &udp_size);
    } else {
        return PT_FRAME_OTHER;
    }
    if (reason == PT_FRAME_OTHER || bpf_xdp_load_bytes(ctx, f->l3_offset, &udp, sizeof(udp)) != 0 ||
        (udp.dest != geneve_port && udp.dest != bpf_htons(PT_SEALED_PORT) && udp.dest != bpf_htons(PT_LIVE_PORT))) {
        return PT_FRAME_OTHER;
    }
    f->port = udp.dest;
    f->sealed = udp.dest != geneve_port;
    struct pt_abi_link_key key = {.ifindex = f->ifindex, .local = f->destination};
    if (pt_find(&pt_links, f->slot, &key) == NULL) {
        return PT_FRAME_OTHER;
    }
    if (reason != 0) {
        return reason;
    }
    if (bpf_ntohs(udp.len) != udp_size || udp_size < sizeof(udp)) {
        return PT_DROP_OUTER_MALFORMED;
    }
    f->source_port = udp.source;
    f->checksum = udp.check;
    return frame_parse_geneve(ctx, f, udp_size - (__u32)sizeof(udp));
}

/*
 * Is the outer UDP checksum only the pseudo header's sum? A socket on the same machine leaves the rest to the device,
 * and a rewritten header would have the device finish it in the wrong place. (1 in 65,536 right ones looks the same.)
 */
PT_INLINE int frame_checksum_is_partial(const struct frame *f)
{
    __u32 sum = bpf_htons((__u16)(f->header_size - f->l3_offset + f->inner_size)) + bpf_htons(IPPROTO_UDP);

    if (f->checksum == 0) {
        return 0;
    }
    if (pt_address_family(&f->source) == 2) {
        sum = (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&f->source.words[3], 4, sum);
        sum = (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&f->destination.words[3], 4, sum);
    } else {
        sum = (__u32)bpf_csum_diff(NULL, 0, (__be32 *)&f->source, 32, sum);
    }
    return (__u16)~pt_checksum_fold(sum) == f->checksum;
}
