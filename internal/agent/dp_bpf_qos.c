/*
 * Shaping a link takes two things: queues at its root, and a program before them that says which queue a packet belongs
 * to. The queues come first: a packet whose priority names no queue would go with STANDARD, one that is marked before
 * there are queues is sent as ever.
 *
 * Neither is pinned. Queues and filter belong to the interface and stay when the agent goes; the next one finds the
 * queues by their number, changes them in place, and exchanges the program, with a map of its own, in one step. A link
 * that left the bundle while no agent ran keeps its queues until it is in a bundle again, or the node is detached.
 */
#include "agent/dp_bpf_qos.h"

#include "agent/dp_bpf_kernel.h"
#include "agent/shape.h"
#include "base/assert.h"

#include "bpf/abi/qos.h"
#include "bpf/qos.skel.h"
#include "patronus/v1/te.pb-c.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINKS_MAX 64U
#define TC_HANDLE 1
#define TC_PRIORITY 1
#define INTERACTIVE PATRONUS__V1__TRAFFIC_CLASS__INTERACTIVE
#define STANDARD PATRONUS__V1__TRAFFIC_CLASS__STANDARD

_Static_assert(PT_DP_QUEUES == PT_SHAPE_CLASSES, "one list");

struct link {
    uint32_t ifindex;
    struct pt_shape shape;
    struct pt_abi_qos marks;
    char name[256], error[160];
    bool wanted, applied;
};

struct pt_dp_qos {
    const struct pt_log *log;
    struct pt_qos_bpf *object; /* NULL: not loaded yet */
    struct link links[LINKS_MAX];
    size_t links_len;
};

struct pt_dp_qos *pt_dp_qos_new(const struct pt_log *log)
{
    struct pt_dp_qos *qos = calloc(1, sizeof(*qos));
    pt_assert(qos != NULL);
    qos->log = log;
    return qos;
}

void pt_dp_qos_free(struct pt_dp_qos *qos)
{
    if (qos != NULL) {
        pt_qos_bpf__destroy(qos->object);
        free(qos);
    }
}

/* ---- the program ---------------------------------------------------------------------------------------------- */

static enum pt_code load(struct pt_dp_qos *qos, struct pt_error *reterr)
{
    if (qos->object != NULL) {
        return PT_OK;
    }
    qos->object = pt_qos_bpf__open_and_load();
    return qos->object != NULL ? PT_OK
                               : pt_fail_errno(reterr, errno, "pt_qos", "the kernel refuses the marking program");
}

static enum pt_code attach(struct pt_dp_qos *qos, const struct link *link, struct pt_error *reterr)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)link->ifindex, .attach_point = BPF_TC_EGRESS);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = TC_HANDLE, .priority = TC_PRIORITY,
                .prog_fd = bpf_program__fd(qos->object->progs.pt_qos), .flags = BPF_TC_F_REPLACE);
    if (bpf_map_update_elem(bpf_map__fd(qos->object->maps.pt_qos_links), &link->ifindex, &link->marks, BPF_ANY) != 0) {
        return pt_fail_errno(reterr, errno, "pt_qos_links", "cannot say how to mark");
    }
    int error = -bpf_tc_hook_create(&hook);
    if (error != 0 && error != EEXIST) {
        return pt_fail_errno(reterr, error, "clsact", "the kernel needs CONFIG_NET_SCH_INGRESS");
    }
    error = -bpf_tc_attach(&hook, &options);
    return error == 0 ? PT_OK : pt_fail_errno(reterr, error, "pt_qos", "cannot attach at tc egress");
}

void pt_dp_qos_clear(uint32_t ifindex)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_EGRESS);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = TC_HANDLE, .priority = TC_PRIORITY);
    (void)bpf_tc_detach(&hook, &options); /* not there is fine */
    pt_shape_remove(ifindex);
}

/* ---- bundles -------------------------------------------------------------------------------------------------- */

/* What an entry asks of its link. */
static void read_entry(const Patronus__V1__LinkEntry *entry, struct link *ret_link)
{
    struct pt_shape *shape = &ret_link->shape;
    struct pt_abi_qos *marks = &ret_link->marks;
    uint32_t dscp_out[PT_SHAPE_CLASSES] = {0};
    *shape = (struct pt_shape){.rate_bps = entry->rate_bps, .mtu = entry->mtu};
    for (size_t i = 0; i < entry->n_classes; i++) {
        const Patronus__V1__LinkClassEntry *class = entry->classes[i];
        if (class->traffic_class != 0 && class->traffic_class < PT_SHAPE_CLASSES) { /* else of a newer leader */
            shape->classes[class->traffic_class] =
                (struct pt_shape_class){.percent = class->percent, .queue_ms = class->queue_ms};
            dscp_out[class->traffic_class] = class->dscp_out;
        }
    }
    marks->control = pt_shape_queue(0);
    marks->hosts = pt_shape_queue(shape->classes[INTERACTIVE].percent != 0 ? INTERACTIVE : STANDARD);
    for (uint32_t dscp = 0; dscp < 64; dscp++) {
        uint32_t class = pt_shape_class_of(entry, dscp);
        marks->queue[dscp] = pt_shape_queue(class);
        marks->dscp_out[dscp] = dscp_out[class] != 0 ? (uint8_t)(dscp_out[class] - 1) : PT_QOS_DSCP_KEEP;
    }
}

static struct link *link_of(struct pt_dp_qos *qos, uint32_t ifindex)
{
    for (size_t i = 0; i < qos->links_len; i++) {
        if (qos->links[i].ifindex == ifindex) {
            return &qos->links[i];
        }
    }
    if (qos->links_len == LINKS_MAX) {
        return NULL;
    }
    qos->links[qos->links_len] = (struct link){.ifindex = ifindex};
    return &qos->links[qos->links_len++];
}

static void shape_link(struct pt_dp_qos *qos, struct link *link)
{
    struct pt_error error = {0};
    enum pt_code code = load(qos, &error);
    if (code == PT_OK) {
        code = pt_shape_apply(link->ifindex, &link->shape, &error);
    }
    if (code == PT_OK) {
        code = attach(qos, link, &error);
    }
    link->applied = code == PT_OK;
    link->error[0] = '\0';
    if (code != PT_OK) {
        (void)snprintf(link->error, sizeof(link->error), "%.20s: %.130s", error.field, error.text);
        pt_log_warn(qos->log, "link not shaped", "link=%s reason=\"%s\"", link->name, link->error);
    }
}

static void take_entry(struct pt_dp_qos *qos, const Patronus__V1__LinkEntry *entry)
{
    uint32_t ifindex = if_nametoindex(entry->interface);
    struct link asked = {.ifindex = ifindex};
    struct link *link = ifindex != 0 ? link_of(qos, ifindex) : NULL;
    if (link == NULL) {
        return; /* absent: the bundle's application says so */
    }
    bool known = link->name[0] != '\0';
    (void)snprintf(link->name, sizeof(link->name), "%s", entry->name);
    if (entry->rate_bps == 0) {
        if (!known) {
            pt_dp_qos_clear(ifindex); /* shaped by an agent before this one, perhaps */
        }
        return;
    }
    read_entry(entry, &asked);
    link->wanted = true;
    if (!link->applied || memcmp(&asked.shape, &link->shape, sizeof(asked.shape)) != 0 ||
        memcmp(&asked.marks, &link->marks, sizeof(asked.marks)) != 0) {
        link->shape = asked.shape;
        link->marks = asked.marks;
        shape_link(qos, link);
    }
}

void pt_dp_qos_apply(struct pt_dp_qos *qos, const struct pt_bundle *bundle)
{
    size_t len = 0, kept = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &len);
    bool *before = calloc(LINKS_MAX, sizeof(*before));
    pt_assert(before != NULL);
    for (size_t i = 0; i < qos->links_len; i++) {
        before[i] = qos->links[i].wanted;
        qos->links[i].wanted = false;
    }
    for (size_t i = 0; i < len; i++) {
        if (entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_LINK) {
            take_entry(qos, entries[i]->link);
        }
    }
    for (size_t i = 0; i < qos->links_len; i++) {
        if (!qos->links[i].wanted && before[i]) {
            pt_dp_qos_clear(qos->links[i].ifindex);
        }
        if (qos->links[i].wanted || !before[i]) {
            qos->links[kept++] = qos->links[i];
        }
    }
    qos->links_len = kept;
    free(before);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

void pt_dp_qos_read(struct pt_dp_qos *qos, void (*fn)(void *arg, const struct pt_dp_link_queues *queues), void *arg)
{
    for (size_t i = 0; i < qos->links_len; i++) {
        const struct link *link = &qos->links[i];
        struct pt_shape_count counts[PT_SHAPE_CLASSES];
        struct pt_dp_link_queues queues = {.link = link->name, .error = link->error};
        if (!link->wanted) {
            continue;
        }
        if (link->applied && !pt_shape_read(link->ifindex, counts)) {
            queues.error = "htb: the queues are gone from the link; something else changed its root";
        } else if (link->applied) {
            for (uint32_t class = 0; class < PT_SHAPE_CLASSES; class ++) {
                queues.queues[class] = (struct pt_dp_queue){.bytes = counts[class].bytes,
                                                            .packets = counts[class].packets,
                                                            .drops = counts[class].drops,
                                                            .backlog_bytes = counts[class].backlog_bytes,
                                                            .backlog_packets = counts[class].backlog_packets,
                                                            .promised_bps = pt_shape_promise(&link->shape, class)};
                queues.used[class] = class == 0 || link->shape.classes[class].percent != 0;
            }
        }
        fn(arg, &queues);
    }
}
