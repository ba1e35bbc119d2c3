/*
 * Both ends of a forwarding measurement (tests/bench/forward.c): a maker of frames, run by BPF_PROG_RUN on live frames,
 * and a sink.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define FRAME_MAX 128

struct forward {
    __u32 ifindex; /* to send by */
    __u32 size;    /* of the frame, in steps of 4 */
    __u32 vary;    /* offset of two bytes that tell flows apart */
    __u32 seed;
    __u8 frame[FRAME_MAX];
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct forward);
} pt_forward SEC(".maps");

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Pages come back as whoever had them left them, so all of the frame is written each time. */
SEC("xdp")
int pt_make(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    __u32 zero = 0;
    struct forward *f = bpf_map_lookup_elem(&pt_forward, &zero);

    if (f == NULL) {
        return XDP_ABORTED;
    }
    for (__u32 at = 0; at + 4 <= FRAME_MAX; at += 4) {
        if (at >= f->size || data + at + 4 > end) {
            break;
        }
        *(__u32 *)(data + at) = *(__u32 *)(f->frame + at);
    }
    __u32 vary = f->vary & (FRAME_MAX - 1);
    if (data + vary + 2 > end) {
        return XDP_ABORTED;
    }
    f->seed = f->seed * 1664525U + 1013904223U;
    *(__u8 *)(data + vary) = 64 + (f->seed >> 30);
    *(__u8 *)(data + vary + 1) = (__u8)(f->seed >> 20);
    return (int)bpf_redirect(f->ifindex, 0);
}

SEC("xdp")
int pt_sink(struct xdp_md *ctx)
{
    return XDP_DROP;
}
