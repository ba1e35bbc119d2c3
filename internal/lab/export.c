/*
 * The topology as JSON, for programs that write configuration from it. Every string here is an id, an address or an
 * interface name, so that nothing needs escaping; put_string asserts it.
 */
#include "lab/lab.h"

#include "base/assert.h"
#include "lab/netns.h"

#include <inttypes.h>
#include <string.h>

static void put_string(struct pt_buf *json, const char *key, const char *value)
{
    pt_assert(strpbrk(value, "\"\\\n") == NULL);
    pt_buf_printf(json, "\"%s\": \"%s\"", key, value);
}

static void put_ip(struct pt_buf *json, const char *key, const struct pt_ip *ip)
{
    char text[PT_IP_TEXT_SIZE];
    pt_buf_append_str(json, ", ");
    put_string(json, key, pt_ip_format(ip, text));
}

static void put_prefix(struct pt_buf *json, const char *key, const struct pt_prefix *prefix)
{
    char text[PT_PREFIX_TEXT_SIZE];
    pt_buf_append_str(json, ", ");
    put_string(json, key, pt_prefix_format(prefix, text));
}

static void put_link(struct pt_buf *json, const struct pt_lab_link *link)
{
    pt_buf_append_str(json, "{");
    put_string(json, "name", link->name);
    pt_buf_append_str(json, ", ");
    put_string(json, "interface", link->interface);
    pt_buf_append_str(json, ", ");
    put_string(json, "underlay", link->underlay);
    pt_buf_append_str(json, ", ");
    put_string(json, "transport", link->transport);
    put_ip(json, "address", &link->address);
    put_ip(json, "gateway", &link->gateway);
    pt_buf_append_str(json, ", \"prefix_len\": 30");
    if (link->ipv6) {
        put_ip(json, "address6", &link->address6);
        put_ip(json, "gateway6", &link->gateway6);
        pt_buf_append_str(json, ", \"prefix6_len\": 126");
    }
    pt_buf_printf(json, ", \"capacity_bps\": %" PRIu64 ", \"mtu\": %u, \"delay_us\": %" PRIu64 "}", link->capacity_bps,
                  link->mtu, link->params.delay_ns / 1000);
}

static void put_lan(struct pt_buf *json, const char *name, const char *node, const struct pt_lab_lan *lan)
{
    pt_buf_append_str(json, "{");
    put_string(json, "interface", lan->interface);
    pt_buf_append_str(json, ", ");
    put_string(json, "segment", lan->segment);
    put_prefix(json, "prefix", &lan->prefix);
    put_prefix(json, "prefix6", &lan->prefix6);
    put_ip(json, "address", &lan->edge);
    put_ip(json, "address6", &lan->edge6);
    pt_buf_printf(json, ", \"host\": {\"node\": \"%s-%s\", \"namespace\": \"%s-%s-%s\", \"interface\": \"eth0\"", node,
                  lan->segment, name, node, lan->segment);
    put_ip(json, "address", &lan->host);
    put_ip(json, "address6", &lan->host6);
    pt_buf_append_str(json, "}}");
}

static void put_node(struct pt_buf *json, const char *name, const struct pt_lab_topology *topology,
                     const struct pt_lab_node *node)
{
    char netns[PT_NETNS_NAME_SIZE];
    pt_buf_append_str(json, "    {");
    put_string(json, "name", node->name);
    pt_buf_append_str(json, ", ");
    put_string(json, "role", node->role == PT_LAB_SITE ? "site" : "controller");
    pt_buf_append_str(json, ", ");
    put_string(json, "namespace", pt_lab_netns(name, node->name, netns));
    pt_buf_append_str(json, ",\n     \"links\": [");
    for (size_t i = 0; i < node->links_len; i++) {
        pt_buf_append_str(json, i == 0 ? "\n      " : ",\n      ");
        put_link(json, &topology->links[node->links_at + i]);
    }
    pt_buf_append_str(json, "],\n     \"lans\": [");
    for (size_t i = 0; i < node->lans_len; i++) {
        pt_buf_append_str(json, i == 0 ? "\n      " : ",\n      ");
        put_lan(json, name, node->name, &topology->lans[node->lans_at + i]);
    }
    pt_buf_append_str(json, "]}");
}

/* The distinct underlays or segments in order of appearance. */
static void put_distinct(struct pt_buf *json, const char *key, const char *first, size_t stride, size_t len)
{
    size_t written = 0;
    pt_buf_printf(json, "  \"%s\": [", key);
    for (size_t i = 0; i < len; i++) {
        const char *value = first + i * stride;
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++) {
            seen = strcmp(first + j * stride, value) == 0;
        }
        if (!seen) {
            pt_buf_printf(json, "%s\"%s\"", written++ == 0 ? "" : ", ", value);
        }
    }
    pt_buf_append_str(json, "],\n");
}

void pt_lab_export(const char *name, const struct pt_lab_topology *topology, struct pt_buf *json)
{
    char path[PT_LAB_PATH_SIZE];
    pt_buf_append_str(json, "{\n  ");
    put_string(json, "name", name);
    pt_buf_append_str(json, ",\n  ");
    put_string(json, "directory", pt_lab_path(name, "", path));
    pt_buf_append_str(json, ",\n");
    if (topology->links_len != 0) {
        put_distinct(json, "underlays", topology->links[0].underlay, sizeof(topology->links[0]), topology->links_len);
    }
    put_distinct(json, "segments", topology->lans_len != 0 ? topology->lans[0].segment : "", sizeof(struct pt_lab_lan),
                 topology->lans_len);
    pt_buf_append_str(json, "  \"nodes\": [\n");
    for (size_t i = 0; i < topology->nodes_len; i++) {
        put_node(json, name, topology, &topology->nodes[i]);
        pt_buf_append_str(json, i + 1 < topology->nodes_len ? ",\n" : "\n");
    }
    pt_buf_append_str(json, "  ]\n}\n");
}
