/*
 * HTB and its leaves, by netlink.
 *
 * Rates. All that is promised together is at most the link's rate: control gets what liveness may take and a little
 * (tunnel/live.h: were it less, liveness would wait behind itself, and every path of a slow link be dead), REALTIME its
 * percent (both are bounds as well), and the rest is divided among the others by their percents. HTB serves queues
 * within their promise first, by priority, and REALTIME's comes first; so a full link never keeps a realtime packet
 * waiting for longer than the packet that is being sent. What is left over goes round among the others by deficit, with
 * quanta in the same proportion.
 *
 * Super-packets. Hosts and the tunnel process hand over trains of up to 64 KB as one packet: 10 ms of a 50 Mbit/s link,
 * in which nothing else could be sent, and HTB sends what it has once begun. So each leaf is a TBF whose own rate is
 * beyond any link's (it never waits), for the one thing that TBF does and HTB does not: it cuts what is larger than its
 * burst into packets before they are queued. Above CUT_BELOW_BPS a train takes less than half a millisecond and stays
 * whole.
 *
 * Bursts. A token bucket that is as deep as what is sent in BURST_MS: the timer that wakes HTB may be late by so much
 * without the link losing rate. Control and REALTIME, which are bounded, may send what came in BURST_BOUNDED_MS at
 * once: else a call that stood still for a moment, because its sender did, would stay behind for long after.
 */
#include "agent/shape.h"

#include "agent/netlink.h"
#include "tunnel/live.h"

#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <string.h>

#define MAJOR 0x50740000U /* "Pt" */
#define LINK (MAJOR | 1U)
#define LEAF_MAJOR 0x50800000U /* and the class's number */
#define ETHERNET_SIZE 14U
#define TRAIN_SIZE 66000U
#define CUT_BELOW_BPS 1000000000U
#define CUTTER_RATE (1ULL << 40) /* bytes a second: beyond any link */
#define BURST_MS 4U
#define BURST_BOUNDED_MS 50U
#define CONTROL_PERCENT 6U
#define CONTROL_MIN_BPS 32000U
#define QUEUE_MS 50U
#define QUEUE_CONTROL_MS 200U /* what says "alive" and is older says nothing */
#define QUEUE_CONTROL_PACKETS_MIN 2U
#define QUEUE_REALTIME_MS 20U
#define QUEUE_PACKETS_MIN 16U
#define QUEUE_SIZE_MAX (64U << 20)
#define QUANTUM_RATIO_MAX 32U
#define REALTIME 1U
#define STANDARD 4U
#define DSCP_CS6 48U
#define DSCP_CS7 56U

_Static_assert(CONTROL_PERCENT > PT_LIVE_LINK_PERCENT, "liveness fits into its queue");

/* ---- numbers -------------------------------------------------------------------------------------------------- */

uint32_t pt_shape_queue(uint32_t traffic_class)
{
    return MAJOR | (0x10U + (traffic_class < PT_SHAPE_CLASSES ? traffic_class : STANDARD));
}

uint32_t pt_shape_class_of(const Patronus__V1__LinkEntry *entry, uint32_t dscp)
{
    if (dscp == DSCP_CS6 || dscp == DSCP_CS7) {
        return 0;
    }
    for (size_t i = 0; i < entry->n_classes; i++) {
        if ((entry->classes[i]->dscp_mask >> dscp & 1) != 0 && entry->classes[i]->traffic_class < PT_SHAPE_CLASSES) {
            return entry->classes[i]->traffic_class;
        }
    }
    return STANDARD;
}

static uint32_t percent_of(const struct pt_shape *shape, uint32_t traffic_class)
{
    uint32_t percent = shape->classes[traffic_class].percent;
    return percent == 0 ? 1 : percent; /* a queue that is not used must have a rate all the same */
}

static uint64_t control_rate(const struct pt_shape *shape)
{
    uint64_t rate = shape->rate_bps * CONTROL_PERCENT / 100;
    return rate < CONTROL_MIN_BPS ? CONTROL_MIN_BPS : rate;
}

uint64_t pt_shape_promise(const struct pt_shape *shape, uint32_t traffic_class)
{
    uint64_t realtime = shape->rate_bps * percent_of(shape, REALTIME) / 100, sum = 0;
    if (traffic_class == 0) {
        return control_rate(shape);
    }
    if (traffic_class == REALTIME) {
        return realtime;
    }
    for (uint32_t i = REALTIME + 1; i < PT_SHAPE_CLASSES; i++) {
        sum += percent_of(shape, i);
    }
    uint64_t taken = realtime + control_rate(shape), least = shape->rate_bps / 100;
    uint64_t rest = taken + least < shape->rate_bps ? shape->rate_bps - taken : least;
    return rest * percent_of(shape, traffic_class) / sum;
}

/* Largest packet that is queued uncut. */
static uint32_t piece_size(const struct pt_shape *shape)
{
    return shape->rate_bps < CUT_BELOW_BPS ? shape->mtu + ETHERNET_SIZE : TRAIN_SIZE;
}

/* What a class may send in its turn: in proportion to its percent, a packet at least. */
static uint32_t quantum(const struct pt_shape *shape, uint32_t traffic_class)
{
    uint32_t least = 100;
    for (uint32_t i = REALTIME + 1; i < PT_SHAPE_CLASSES; i++) {
        uint32_t percent = shape->classes[i].percent;
        least = percent != 0 && percent < least ? percent : least;
    }
    uint64_t most = (uint64_t)piece_size(shape) * QUANTUM_RATIO_MAX;
    uint64_t size = (uint64_t)piece_size(shape) * percent_of(shape, traffic_class) / least;
    size = size < piece_size(shape) ? piece_size(shape) : size;
    return (uint32_t)(size > most ? most : size);
}

static uint32_t queue_size(const struct pt_shape *shape, uint32_t traffic_class)
{
    bool bounded = traffic_class <= REALTIME;
    uint64_t rate = bounded ? pt_shape_promise(shape, traffic_class) : shape->rate_bps;
    uint64_t ms = shape->classes[traffic_class].queue_ms;
    ms = traffic_class == 0 ? QUEUE_CONTROL_MS : ms != 0 ? ms : bounded ? QUEUE_REALTIME_MS : QUEUE_MS;
    uint64_t size = rate / 8 * ms / 1000, least = piece_size(shape);
    least *= traffic_class == 0 ? QUEUE_CONTROL_PACKETS_MIN : QUEUE_PACKETS_MIN;
    size = size < least ? least : size;
    return (uint32_t)(size > QUEUE_SIZE_MAX ? QUEUE_SIZE_MAX : size);
}

/* ---- messages ------------------------------------------------------------------------------------------------- */

static void start(struct pt_netlink *request, uint16_t type, uint16_t flags, uint32_t ifindex, uint32_t parent,
                  uint32_t handle)
{
    const struct tcmsg body = {
        .tcm_family = 0, .tcm_ifindex = (int)ifindex, .tcm_parent = parent, .tcm_handle = handle};
    pt_netlink_start(request, type, flags, &body, sizeof(body));
}

/* Depth of a bucket, in the kernel's ticks of 64 ns at its rate. */
static uint32_t bucket_ticks(uint64_t rate, uint32_t burst_ms, uint32_t least)
{
    uint64_t size = rate * burst_ms / 1000;
    size = size < least ? least : size;
    uint64_t ticks = size * 1000000000U / rate / 64;
    return ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
}

static struct tc_ratespec rate_spec(uint64_t rate)
{
    return (struct tc_ratespec){.linklayer = TC_LINKLAYER_ETHERNET,
                                .rate = rate > UINT32_MAX ? UINT32_MAX : (uint32_t)rate};
}

struct class_spec {
    uint32_t handle, parent, priority, quantum, burst_ms;
    uint64_t rate_bps, ceil_bps;
};

static int put_class(uint32_t ifindex, const struct pt_shape *shape, const struct class_spec *spec)
{
    struct pt_netlink request;
    uint64_t rate = spec->rate_bps / 8, ceil = spec->ceil_bps / 8;
    const struct tc_htb_opt options = {.rate = rate_spec(rate),
                                       .ceil = rate_spec(ceil),
                                       .buffer = bucket_ticks(rate, spec->burst_ms, 2 * piece_size(shape)),
                                       .cbuffer = bucket_ticks(ceil, spec->burst_ms, 2 * piece_size(shape)),
                                       .quantum = spec->quantum,
                                       .prio = spec->priority};
    start(&request, RTM_NEWTCLASS, NLM_F_CREATE, ifindex, spec->parent, spec->handle);
    pt_netlink_add_text(&request, TCA_KIND, "htb");
    size_t opened = pt_netlink_open(&request, TCA_OPTIONS);
    pt_netlink_add(&request, TCA_HTB_PARMS, &options, sizeof(options));
    pt_netlink_add(&request, TCA_HTB_RATE64, &rate, sizeof(rate));
    pt_netlink_add(&request, TCA_HTB_CEIL64, &ceil, sizeof(ceil));
    pt_netlink_close(&request, opened);
    return pt_netlink_ask(&request);
}

static int put_leaf(uint32_t ifindex, const struct pt_shape *shape, uint32_t traffic_class)
{
    struct pt_netlink request;
    uint32_t burst = piece_size(shape);
    uint64_t rate = CUTTER_RATE;
    const struct tc_tbf_qopt options = {.rate = rate_spec(CUTTER_RATE), .limit = queue_size(shape, traffic_class)};
    start(&request, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, ifindex, pt_shape_queue(traffic_class),
          LEAF_MAJOR + (traffic_class << 16));
    pt_netlink_add_text(&request, TCA_KIND, "tbf");
    size_t opened = pt_netlink_open(&request, TCA_OPTIONS);
    pt_netlink_add(&request, TCA_TBF_PARMS, &options, sizeof(options));
    pt_netlink_add(&request, TCA_TBF_RATE64, &rate, sizeof(rate));
    pt_netlink_add(&request, TCA_TBF_BURST, &burst, sizeof(burst));
    pt_netlink_close(&request, opened);
    return pt_netlink_ask(&request);
}

static int put_root(uint32_t ifindex)
{
    struct pt_netlink request;
    const struct tc_htb_glob options = {.version = 3, .rate2quantum = 10, .defcls = pt_shape_queue(STANDARD) & 0xffff};
    start(&request, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, ifindex, TC_H_ROOT, MAJOR);
    pt_netlink_add_text(&request, TCA_KIND, "htb");
    size_t opened = pt_netlink_open(&request, TCA_OPTIONS);
    pt_netlink_add(&request, TCA_HTB_INIT, &options, sizeof(options));
    pt_netlink_close(&request, opened);
    return pt_netlink_ask(&request);
}

/* ---- the tree ------------------------------------------------------------------------------------------------- */

struct reading {
    uint32_t ifindex;
    bool root, leaves[PT_SHAPE_CLASSES];
    struct pt_shape_count counts[PT_SHAPE_CLASSES];
};

static void read_counts(const struct rtattr *first, size_t size, struct pt_shape_count *ret_count)
{
    size_t stats_size = 0;
    const struct rtattr *stats = pt_netlink_find(first, size, TCA_STATS2, 0, &stats_size);
    if (stats == NULL) {
        return;
    }
    const void *basic = pt_netlink_find(stats, stats_size, TCA_STATS_BASIC, 12, NULL);
    const void *queue = pt_netlink_find(stats, stats_size, TCA_STATS_QUEUE, sizeof(struct gnet_stats_queue), NULL);
    const void *packets = pt_netlink_find(stats, stats_size, TCA_STATS_PKT64, 8, NULL);
    struct gnet_stats_queue waiting = {0};
    uint32_t packets32 = 0;
    if (basic != NULL) {
        memcpy(&ret_count->bytes, basic, 8);
        memcpy(&packets32, (const uint8_t *)basic + 8, 4);
        ret_count->packets = packets32;
    }
    if (packets != NULL) {
        memcpy(&ret_count->packets, packets, 8);
    }
    if (queue != NULL) {
        memcpy(&waiting, queue, sizeof(waiting));
    }
    ret_count->drops = waiting.drops;
    ret_count->backlog_bytes = waiting.backlog;
    ret_count->backlog_packets = waiting.qlen;
}

static void on_qdisc(void *arg, const struct nlmsghdr *answer)
{
    struct reading *reading = arg;
    struct tcmsg body;
    if (answer->nlmsg_type != RTM_NEWQDISC || answer->nlmsg_len < NLMSG_LENGTH(sizeof(body))) {
        return;
    }
    memcpy(&body, NLMSG_DATA(answer), sizeof(body));
    if (body.tcm_ifindex != (int)reading->ifindex) {
        return;
    }
    uint32_t number = (body.tcm_handle - LEAF_MAJOR) >> 16;
    reading->root = reading->root || (body.tcm_parent == TC_H_ROOT && body.tcm_handle == MAJOR);
    if (number < PT_SHAPE_CLASSES && body.tcm_parent == pt_shape_queue(number)) {
        const struct rtattr *first = TCA_RTA(NLMSG_DATA(answer));
        read_counts(first, NLMSG_PAYLOAD(answer, sizeof(body)), &reading->counts[number]);
        reading->leaves[number] = true;
    }
}

static bool read_tree(uint32_t ifindex, struct reading *reading)
{
    struct pt_netlink request;
    *reading = (struct reading){.ifindex = ifindex};
    start(&request, RTM_GETQDISC, 0, ifindex, 0, 0);
    return pt_netlink_dump(&request, on_qdisc, reading) == 0 && reading->root;
}

static int put_classes(uint32_t ifindex, const struct pt_shape *shape)
{
    const struct class_spec link = {.handle = LINK,
                                    .parent = MAJOR,
                                    .quantum = TRAIN_SIZE,
                                    .burst_ms = BURST_MS,
                                    .rate_bps = shape->rate_bps,
                                    .ceil_bps = shape->rate_bps};
    int number = put_class(ifindex, shape, &link);
    for (uint32_t i = 0; i < PT_SHAPE_CLASSES && number == 0; i++) {
        uint64_t promise = pt_shape_promise(shape, i);
        const struct class_spec spec = {.handle = pt_shape_queue(i),
                                        .parent = LINK,
                                        .priority = i <= REALTIME ? i : REALTIME + 1,
                                        .quantum = quantum(shape, i),
                                        .burst_ms = i <= REALTIME ? BURST_BOUNDED_MS : BURST_MS,
                                        .rate_bps = promise,
                                        .ceil_bps = i <= REALTIME ? promise : shape->rate_bps};
        number = put_class(ifindex, shape, &spec);
        if (number == 0) {
            number = put_leaf(ifindex, shape, i);
        }
    }
    return number;
}

enum pt_code pt_shape_apply(uint32_t ifindex, const struct pt_shape *shape, struct pt_error *reterr)
{
    struct reading reading;
    if (shape->rate_bps < PT_SHAPE_RATE_MIN) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "rate_bps",
                       "a link cannot be shaped to less than %u bit/s", PT_SHAPE_RATE_MIN);
    }
    bool there = read_tree(ifindex, &reading);
    int number = there ? 0 : put_root(ifindex);
    if (number != 0) {
        return pt_fail_errno(reterr, number, "htb", "cannot shape the link; the kernel needs CONFIG_NET_SCH_HTB");
    }
    number = put_classes(ifindex, shape);
    if (number != 0) {
        if (!there) {
            pt_shape_remove(ifindex); /* half a tree would send everything by one queue */
        }
        return pt_fail_errno(
            reterr, number, "htb",
            "cannot make the link's queues; the kernel needs CONFIG_NET_SCH_HTB and CONFIG_NET_SCH_TBF");
    }
    return PT_OK;
}

void pt_shape_remove(uint32_t ifindex)
{
    struct pt_netlink request;
    struct reading reading;
    if (read_tree(ifindex, &reading)) {
        start(&request, RTM_DELQDISC, 0, ifindex, TC_H_ROOT, MAJOR);
        (void)pt_netlink_ask(&request); /* gone with its interface is fine */
    }
}

bool pt_shape_read(uint32_t ifindex, struct pt_shape_count ret_counts[PT_SHAPE_CLASSES])
{
    struct reading reading;
    if (!read_tree(ifindex, &reading)) {
        return false;
    }
    memcpy(ret_counts, reading.counts, sizeof(reading.counts));
    return true;
}
