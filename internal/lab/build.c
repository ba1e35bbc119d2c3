/*
 * Three steps: every namespace, then every veth pair in one `ip -batch` from outside (a pair has its two ends in two
 * namespaces), then one batch inside each namespace for addresses, routes and rules.
 *
 * A node chooses its link by source address: rule 1000+n sends what comes from the address of wan<n> to table 1000+n,
 * whose default route is that link's gateway. Everything else takes the main table, where the links' default routes
 * stand with metrics in the order of the file. So a socket bound to a link's address leaves by that link, and one that
 * is not bound still reaches everything.
 *
 * Frames must be whole when they reach the relay, which sees them as a wire would: so the four ends of a link have
 * segmentation, aggregation and transmit checksums off. A LAN keeps its default offloads, but the host's end receives
 * by NAPI (GRO on, as any real card): otherwise frames that the edge's XDP program redirects to it would be dropped.
 */
#include "lab/build.h"

#include "base/assert.h"
#include "base/buf.h"
#include "lab/lab.h"
#include "lab/netns.h"
#include "lab/process.h"

#include <stdio.h>
#include <string.h>

#define LAB_OFFLOADS (PT_NIC_TX | PT_NIC_TSO | PT_NIC_GSO | PT_NIC_GRO)
#define RULE_FIRST 1000

struct builder {
    const char *name;
    const struct pt_lab_topology *topology;
};

static void host_name(const struct pt_lab_topology *topology, const struct pt_lab_lan *lan, char *text, size_t size)
{
    (void)snprintf(text, size, "%s-%s", topology->nodes[lan->node].name, lan->segment);
}

enum pt_code pt_lab_each_netns(const struct pt_lab_topology *topology,
                               enum pt_code (*fn)(void *arg, const char *node, struct pt_error *reterr), void *arg,
                               struct pt_error *reterr)
{
    PT_TRY(fn(arg, "relay", reterr));
    PT_TRY(fn(arg, "underlay", reterr));
    for (size_t i = 0; i < topology->nodes_len; i++) {
        PT_TRY(fn(arg, topology->nodes[i].name, reterr));
    }
    for (size_t i = 0; i < topology->lans_len; i++) {
        char host[PT_NETNS_NAME_SIZE];
        host_name(topology, &topology->lans[i], host, sizeof(host));
        PT_TRY(fn(arg, host, reterr));
    }
    return PT_OK;
}

/* ---- step 1: namespaces --------------------------------------------------------------------------------------- */

struct setting {
    const char *path;
    const char *value;
};

/* No router advertisements, no duplicate address detection (a second of silence), no filter by reverse path: an edge
 * with several links receives on one what it would answer by another. */
static const struct setting settings_all[] = {{"ipv4/conf/all/rp_filter", "0"},
                                              {"ipv4/conf/default/rp_filter", "0"},
                                              {"ipv6/conf/all/accept_ra", "0"},
                                              {"ipv6/conf/default/accept_ra", "0"},
                                              {"ipv6/conf/default/accept_dad", "0"},
                                              {"ipv6/conf/default/router_solicitations", "0"},
                                              {NULL, NULL}};
static const struct setting settings_underlay[] = {
    {"ipv4/ip_forward", "1"}, {"ipv6/conf/all/forwarding", "1"}, {"ipv4/conf/all/send_redirects", "0"}, {NULL, NULL}};
/* The relay's own kernel stays mute: it is a wire. */
static const struct setting settings_relay[] = {
    {"ipv6/conf/all/disable_ipv6", "1"}, {"ipv6/conf/default/disable_ipv6", "1"}, {NULL, NULL}};

static enum pt_code apply_settings(const struct setting *settings, struct pt_error *reterr)
{
    for (; settings->path != NULL; settings++) {
        PT_TRY(pt_nic_sysctl(settings->path, settings->value, reterr));
    }
    return PT_OK;
}

static enum pt_code add_netns(void *arg, const char *node, struct pt_error *reterr)
{
    const struct builder *builder = arg;
    char netns[PT_NETNS_NAME_SIZE];
    PT_TRY(pt_netns_add(pt_lab_netns(builder->name, node, netns), builder->name, reterr));
    int back = -1;
    PT_TRY(pt_netns_visit(netns, &back, reterr));
    enum pt_code code = apply_settings(settings_all, reterr);
    if (code == PT_OK && strcmp(node, "underlay") == 0) {
        code = apply_settings(settings_underlay, reterr);
    }
    if (code == PT_OK && strcmp(node, "relay") == 0) {
        code = apply_settings(settings_relay, reterr);
    }
    pt_netns_leave(back);
    return code;
}

/* ---- step 2: veth pairs --------------------------------------------------------------------------------------- */

static enum pt_code add_pairs(const struct builder *builder, struct pt_error *reterr)
{
    const struct pt_lab_topology *topology = builder->topology;
    const char *lab = builder->name;
    PT_AUTO(buf) struct pt_buf batch;
    pt_buf_init(&batch);
    for (size_t i = 0; i < topology->links_len; i++) {
        const struct pt_lab_link *link = &topology->links[i];
        const char *node = topology->nodes[link->node].name;
        pt_buf_printf(&batch, "link add %s netns %s-%s mtu %u type veth peer name n%zu netns %s-relay mtu %u\n",
                      link->interface, lab, node, link->mtu, i, lab, link->mtu);
        pt_buf_printf(&batch, "link add u%zu netns %s-relay mtu %u type veth peer name l%zu netns %s-underlay mtu %u\n",
                      i, lab, link->mtu, i, lab, link->mtu);
    }
    for (size_t i = 0; i < topology->lans_len; i++) {
        const struct pt_lab_lan *lan = &topology->lans[i];
        char host[PT_NETNS_NAME_SIZE];
        host_name(topology, lan, host, sizeof(host));
        pt_buf_printf(&batch, "link add %s netns %s-%s type veth peer name eth0 netns %s-%s\n", lan->interface, lab,
                      topology->nodes[lan->node].name, lab, host);
    }
    return pt_process_ip_batch((const char *)batch.data, false, reterr);
}

/* ---- step 3: inside each namespace ---------------------------------------------------------------------------- */

/* One batch for each family: `ip rule` takes only the family it is called for. Interfaces are brought up by the first.
 */
struct batches {
    struct pt_buf v4;
    struct pt_buf v6;
};

static void put_address(struct pt_buf *batch, const struct pt_ip *ip, unsigned len, const char *interface)
{
    char text[PT_IP_TEXT_SIZE];
    pt_buf_printf(batch, "addr add %s/%u dev %s\n", pt_ip_format(ip, text), len, interface);
}

static void put_default(struct pt_buf *batch, const struct pt_ip *gateway, const char *interface)
{
    char text[PT_IP_TEXT_SIZE];
    pt_buf_printf(batch, "route add default via %s dev %s", pt_ip_format(gateway, text), interface);
}

/* Address, default route, and the table and rule that bind the address to its link. */
static void put_link(struct pt_buf *batch, const struct pt_lab_link *link, const struct pt_ip *address, unsigned len,
                     const struct pt_ip *gateway)
{
    char from[PT_IP_TEXT_SIZE];
    size_t table = RULE_FIRST + link->number;
    put_address(batch, address, len, link->interface);
    put_default(batch, gateway, link->interface);
    pt_buf_printf(batch, " metric %zu\n", 100 + link->number);
    put_default(batch, gateway, link->interface);
    pt_buf_printf(batch, " table %zu\n", table);
    pt_buf_printf(batch, "rule add from %s lookup %zu pref %zu\n", pt_ip_format(address, from), table, table);
}

static void put_node(struct batches *batches, const struct pt_lab_topology *topology, const struct pt_lab_node *node)
{
    for (size_t i = node->links_at; i < node->links_at + node->links_len; i++) {
        const struct pt_lab_link *link = &topology->links[i];
        pt_buf_printf(&batches->v4, "link set %s up\n", link->interface);
        put_link(&batches->v4, link, &link->address, 30, &link->gateway);
        if (link->ipv6) {
            put_link(&batches->v6, link, &link->address6, 126, &link->gateway6);
        }
    }
    for (size_t i = node->lans_at; i < node->lans_at + node->lans_len; i++) {
        const struct pt_lab_lan *lan = &topology->lans[i];
        pt_buf_printf(&batches->v4, "link set %s up\n", lan->interface);
        put_address(&batches->v4, &lan->edge, lan->prefix.len, lan->interface);
        put_address(&batches->v6, &lan->edge6, lan->prefix6.len, lan->interface);
    }
}

static void put_host(struct batches *batches, const struct pt_lab_lan *lan)
{
    pt_buf_append_str(&batches->v4, "link set eth0 up\n");
    put_address(&batches->v4, &lan->host, lan->prefix.len, "eth0");
    put_default(&batches->v4, &lan->edge, "eth0");
    put_address(&batches->v6, &lan->host6, lan->prefix6.len, "eth0");
    pt_buf_append_str(&batches->v4, "\n");
    put_default(&batches->v6, &lan->edge6, "eth0");
    pt_buf_append_str(&batches->v6, "\n");
}

static void put_relay(struct batches *batches, const struct pt_lab_topology *topology)
{
    for (size_t i = 0; i < topology->links_len; i++) {
        char name[PT_LAB_LINK_NAME_SIZE];
        (void)pt_lab_link_name(topology, &topology->links[i], name);
        pt_buf_printf(&batches->v4, "link set n%zu alias %s up\nlink set u%zu alias %s up\n", i, name, i, name);
    }
}

static void put_underlay(struct batches *batches, const struct pt_lab_topology *topology)
{
    for (size_t i = 0; i < topology->links_len; i++) {
        const struct pt_lab_link *link = &topology->links[i];
        char name[PT_LAB_LINK_NAME_SIZE];
        char interface[24];
        (void)snprintf(interface, sizeof(interface), "l%zu", i);
        pt_buf_printf(&batches->v4, "link set %s alias %s up\n", interface, pt_lab_link_name(topology, link, name));
        put_address(&batches->v4, &link->gateway, 30, interface);
        if (link->ipv6) {
            put_address(&batches->v6, &link->gateway6, 126, interface);
        }
    }
}

/* Offloads off on `len` interfaces called <prefix><first>... */
static enum pt_code switch_off(const char *prefix, size_t len, struct pt_error *reterr)
{
    for (size_t i = 0; i < len; i++) {
        char interface[24];
        (void)snprintf(interface, sizeof(interface), "%s%zu", prefix, i);
        PT_TRY(pt_nic_set_offloads(interface, LAB_OFFLOADS, false, reterr));
    }
    return PT_OK;
}

/* The LAN whose host has this name; NULL for a node. */
static const struct pt_lab_lan *find_lan(const struct pt_lab_topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->lans_len; i++) {
        char host[PT_NETNS_NAME_SIZE];
        host_name(topology, &topology->lans[i], host, sizeof(host));
        if (strcmp(host, name) == 0) {
            return &topology->lans[i];
        }
    }
    return NULL;
}

/* Fill the batches for a namespace and set its offloads, which need no `ip`. */
static enum pt_code prepare(const struct pt_lab_topology *topology, const char *node, struct batches *batches,
                            struct pt_error *reterr)
{
    const struct pt_lab_lan *lan = find_lan(topology, node);
    const struct pt_lab_node *own = pt_lab_topology_node(topology, node);
    if (own != NULL) {
        put_node(batches, topology, own);
        return switch_off("wan", own->links_len, reterr);
    }
    if (lan != NULL) {
        put_host(batches, lan);
        return pt_nic_set_offloads("eth0", PT_NIC_GRO, true, reterr);
    }
    if (strcmp(node, "underlay") == 0) {
        put_underlay(batches, topology);
        return switch_off("l", topology->links_len, reterr);
    }
    put_relay(batches, topology);
    PT_TRY(switch_off("n", topology->links_len, reterr));
    return switch_off("u", topology->links_len, reterr);
}

static enum pt_code configure(const struct pt_lab_topology *topology, const char *node, struct pt_error *reterr)
{
    struct batches batches;
    pt_buf_init(&batches.v4);
    pt_buf_init(&batches.v6);
    enum pt_code code = prepare(topology, node, &batches, reterr);
    if (code == PT_OK) {
        code = pt_process_ip_batch((const char *)batches.v4.data, false, reterr);
    }
    if (code == PT_OK && batches.v6.size != 0) {
        code = pt_process_ip_batch((const char *)batches.v6.data, true, reterr);
    }
    pt_buf_fini(&batches.v4);
    pt_buf_fini(&batches.v6);
    return code;
}

static enum pt_code configure_netns(void *arg, const char *node, struct pt_error *reterr)
{
    const struct builder *builder = arg;
    char netns[PT_NETNS_NAME_SIZE];
    int back = -1;
    PT_TRY(pt_netns_visit(pt_lab_netns(builder->name, node, netns), &back, reterr));
    enum pt_code code = configure(builder->topology, node, reterr);
    pt_netns_leave(back);
    return code == PT_OK ? PT_OK : pt_wrap(reterr, code, "in namespace %s", netns);
}

enum pt_code pt_lab_build(const char *name, const struct pt_lab_topology *topology, struct pt_error *reterr)
{
    struct builder builder = {.name = name, .topology = topology};
    PT_TRY(pt_lab_each_netns(topology, add_netns, &builder, reterr));
    PT_TRY(add_pairs(&builder, reterr));
    return pt_lab_each_netns(topology, configure_netns, &builder, reterr);
}
