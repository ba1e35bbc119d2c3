/*
 * From typed entries to map rows: the one place that knows both the schema and the ABI.
 *
 * Entries come in the order of their kinds (node, link, lan, route, tunnel, path, group, rule), and each kind refers to
 * earlier ones only; so one walk does it, remembering links by number, interfaces by name, tunnels and paths by id.
 */
#include "agent/dp_bpf_compile.h"
#include "agent/shape.h"
#include "plan/window.h"
#include "base/assert.h"
#include "bpf/abi/flow.h"
#include "tunnel/wire.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

/* Bytes before the inner packet on a tunnel with an empty stack. */
#define OVERHEAD_V4 (20 + 8 + 8)
#define OVERHEAD_V6 (40 + 8 + 8)
#define SEAL_SIZE PT_TUNNEL_OVERHEAD

struct known_lan {
    uint32_t ifindex, vni;
};

struct known_tunnel {
    const Patronus__V1__TunnelEntry *entry;
    const struct pt_dp_known_link *link;
    struct pt_ip remote;
    size_t peer_row;
    uint32_t mtu;
};

struct known_path {
    const Patronus__V1__PathEntry *entry;
    uint32_t slot; /* 0: not usable now */
};

bool pt_dp_read_ip(const ProtobufCBinaryData *bytes, struct pt_ip *ret_ip)
{
    if (bytes->len != sizeof(ret_ip->bytes)) {
        return false;
    }
    memcpy(ret_ip->bytes, bytes->data, sizeof(ret_ip->bytes));
    return true;
}

bool pt_dp_read_prefix(const ProtobufCBinaryData *bytes, uint32_t len, struct pt_prefix *ret_prefix)
{
    struct pt_prefix prefix;
    if (!pt_dp_read_ip(bytes, &prefix.ip) || len > (pt_ip_is_v4(&prefix.ip) ? 32 : 128)) {
        return false;
    }
    prefix.len = (uint8_t)len;
    struct pt_prefix canonical = pt_prefix_canonical(&prefix);
    if (!pt_ip_equal(&canonical.ip, &prefix.ip)) {
        return false;
    }
    *ret_prefix = prefix;
    return true;
}

struct pt_abi_address pt_dp_to_abi(const struct pt_ip *ip)
{
    struct pt_abi_address address;
    memcpy(&address, ip->bytes, sizeof(address));
    return address;
}

struct pt_abi_address pt_dp_mask(const struct pt_prefix *prefix)
{
    struct pt_abi_address mask = {0};
    uint8_t *bytes = (uint8_t *)&mask;
    for (unsigned i = 0; i < pt_prefix_len128(prefix); i++) {
        bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
    }
    return mask;
}

static void add_row(struct pt_dp_compiler *c, enum pt_bundle_map map, const void *key, const void *value)
{
    (void)pt_dp_rows_add(&c->table->maps[map], key, value);
}

static uint32_t find_interface(struct pt_dp_compiler *c, const char *name)
{
    uint32_t ifindex = c->options->interface(c->options->context, name);
    if (ifindex == 0 && c->absent[0] == '\0') {
        (void)snprintf(c->absent, sizeof(c->absent), "%s", name); /* cut short is fine: for people */
    }
    return ifindex;
}

static enum pt_code compile_node(struct pt_dp_compiler *c, const Patronus__V1__NodeEntry *node, struct pt_error *reterr)
{
    uint32_t port = node->geneve_port == 0 ? PT_GENEVE_PORT : node->geneve_port;
    (void)snprintf(c->field, sizeof(c->field), "node");
    if (node->site_label == 0 || node->site_label > PT_LABEL_MAX || port > 65535) {
        return PT_DP_REFUSE(c, reterr, "site label %u must be 1..%u and the port at most 65535", node->site_label,
                            PT_LABEL_MAX);
    }
    struct pt_abi_node value = {.site_label = node->site_label, .geneve_port = htons((uint16_t)port), .present = 1};
    c->node = node;
    c->geneve_port = value.geneve_port;
    add_row(c, PT_MAP_nodes, NULL, &value);
    return PT_OK;
}

/* The code points by which a shaped link knows its classes: the usual one, if that is the class's here. */
static void compile_marks(struct pt_dp_compiler *c, const Patronus__V1__LinkEntry *link, uint32_t ifindex)
{
    static const uint8_t usual[PT_SHAPE_CLASSES] = {48, 46, 18, 26, 0, 8}; /* CS6, EF, AF21, AF31, BE, CS1 */
    const struct pt_dp_rows *rows = &c->table->maps[PT_MAP_marks];
    struct pt_abi_marks marks;
    for (size_t i = 0; i < rows->len; i++) {
        if (memcmp(pt_dp_rows_key(rows, i), &ifindex, sizeof(ifindex)) == 0) {
            return; /* a second address on one interface */
        }
    }
    memset(&marks, PT_MARK_NONE, sizeof(marks));
    for (uint32_t class = 1; class < PT_SHAPE_CLASSES; class ++) {
        for (uint32_t dscp = 64; dscp-- > 0;) {
            marks.dscp[class] = pt_shape_class_of(link, dscp) == class ? (uint8_t)dscp : marks.dscp[class];
        }
        if (pt_shape_class_of(link, usual[class]) == class || marks.dscp[class] == PT_MARK_NONE) {
            marks.dscp[class] = usual[class]; /* a class without an entry goes where its usual code point goes */
        }
    }
    add_row(c, PT_MAP_marks, &ifindex, &marks);
}

static enum pt_code compile_link(struct pt_dp_compiler *c, const Patronus__V1__LinkEntry *link, struct pt_error *reterr)
{
    (void)snprintf(c->field, sizeof(c->field), "link %u", link->link);
    if (link->link == 0 || link->link > PT_DP_LINK_MAX) {
        return PT_DP_REFUSE(c, reterr, "its number must be 1..%d", PT_DP_LINK_MAX);
    }
    struct pt_dp_known_link *known = &c->links[link->link];
    struct pt_ip gateway;
    if (!pt_dp_read_ip(&link->address, &known->address)) {
        return PT_DP_REFUSE(c, reterr, "its address must be 16 bytes");
    }
    if (link->gateway.len != 0 &&
        (!pt_dp_read_ip(&link->gateway, &gateway) || pt_ip_is_v4(&gateway) != pt_ip_is_v4(&known->address))) {
        return PT_DP_REFUSE(c, reterr, "its gateway must be 16 bytes and of the address's family");
    }
    known->entry = link;
    known->ifindex = find_interface(c, link->interface);
    if (known->ifindex != 0) {
        struct pt_abi_link_key key = {.ifindex = known->ifindex, .local = pt_dp_to_abi(&known->address)};
        struct pt_abi_link value = {.link = link->link, .mtu = link->mtu};
        add_row(c, PT_MAP_links, &key, &value);
        if (link->rate_bps != 0) {
            compile_marks(c, link, known->ifindex);
        }
    }
    return PT_OK;
}

static enum pt_code compile_lan(struct pt_dp_compiler *c, const Patronus__V1__LanEntry *lan, struct pt_error *reterr)
{
    (void)snprintf(c->field, sizeof(c->field), "lan %s", lan->interface);
    if (lan->vni == 0 || lan->vni > PT_VNI_MAX) {
        return PT_DP_REFUSE(c, reterr, "VNI %u must be 1..%u", lan->vni, PT_VNI_MAX);
    }
    struct known_lan *known = PT_NEW(&c->arena, struct known_lan);
    known->ifindex = find_interface(c, lan->interface);
    known->vni = lan->vni;
    (void)pt_map_put_str(&c->lans, lan->interface, known);
    if (known->ifindex == 0) {
        return PT_OK;
    }
    if (pt_dp_table_has_link(c->table, known->ifindex)) {
        return PT_DP_REFUSE(c, reterr, "the interface is a WAN link too");
    }
    struct pt_abi_lan value = {.vni = lan->vni, .geneve_port = c->geneve_port};
    add_row(c, PT_MAP_lans, &known->ifindex, &value);
    return PT_OK;
}

static enum pt_code compile_route(struct pt_dp_compiler *c, const Patronus__V1__RouteEntry *route,
                                  struct pt_error *reterr)
{
    struct pt_prefix prefix;
    struct pt_abi_route value = {.site_label = route->site_label};
    (void)snprintf(c->field, sizeof(c->field), "route of VNI %u", route->vni);
    if (!pt_dp_read_prefix(&route->prefix, route->prefix_len, &prefix)) {
        return PT_DP_REFUSE(c, reterr, "its prefix must be 16 bytes without host bits, its length fit the family");
    }
    char text[PT_PREFIX_TEXT_SIZE];
    (void)snprintf(c->field, sizeof(c->field), "route %s of VNI %u", pt_prefix_format(&prefix, text), route->vni);
    if (route->vni == 0 || route->vni > PT_VNI_MAX || route->site_label == 0 || route->site_label > PT_LABEL_MAX) {
        return PT_DP_REFUSE(c, reterr, "VNI or site label %u is out of range", route->site_label);
    }
    if (route->site_label == c->node->site_label) {
        const struct known_lan *lan = pt_map_get_str(&c->lans, route->lan_interface);
        if (lan == NULL || lan->vni != route->vni) {
            return PT_DP_REFUSE(c, reterr, "it is local, so '%.32s' must be an interface of its segment",
                                route->lan_interface);
        }
        if (lan->ifindex == 0) {
            return PT_OK;
        }
        value.lan_ifindex = lan->ifindex;
    }
    value.site_label |= route->sealed ? PT_ROUTE_SEALED : 0;
    if (pt_ip_is_v4(&prefix.ip)) {
        struct pt_abi_route4_key key = {.prefix_len = PT_ROUTE_VNI_BITS + prefix.len,
                                        .vni = htonl(route->vni),
                                        .address = htonl(pt_ip_to_v4(&prefix.ip))};
        add_row(c, PT_MAP_routes4, &key, &value);
    } else {
        struct pt_abi_route6_key key = {.prefix_len = PT_ROUTE_VNI_BITS + prefix.len,
                                        .vni = htonl(route->vni),
                                        .address = pt_dp_to_abi(&prefix.ip)};
        add_row(c, PT_MAP_routes6, &key, &value);
    }
    return PT_OK;
}

static enum pt_code compile_tunnel(struct pt_dp_compiler *c, const Patronus__V1__TunnelEntry *tunnel,
                                   struct pt_error *reterr)
{
    struct known_tunnel *known = PT_NEW(&c->arena, struct known_tunnel);
    (void)snprintf(c->field, sizeof(c->field), "tunnel %016" PRIx64, tunnel->tunnel);
    if (tunnel->link == 0 || tunnel->link > PT_DP_LINK_MAX || c->links[tunnel->link].entry == NULL) {
        return PT_DP_REFUSE(c, reterr, "there is no link %u", tunnel->link);
    }
    known->entry = tunnel;
    known->link = &c->links[tunnel->link];
    if (!pt_dp_read_ip(&tunnel->remote, &known->remote) ||
        pt_ip_is_v4(&known->remote) != pt_ip_is_v4(&known->link->address)) {
        return PT_DP_REFUSE(c, reterr, "its remote address must be 16 bytes and of the link's family");
    }
    uint32_t overhead = pt_ip_is_v4(&known->remote) ? OVERHEAD_V4 : OVERHEAD_V6;
    known->mtu =
        tunnel->mtu != 0 || known->link->entry->mtu < overhead ? tunnel->mtu : known->link->entry->mtu - overhead;
    if (known->mtu < 576 || known->mtu > 65535) {
        return PT_DP_REFUSE(c, reterr, "its MTU %u must be 576..65535", known->mtu);
    }
    uint8_t id[8];
    pt_put_be64(id, tunnel->tunnel);
    (void)pt_map_put(&c->tunnels, id, sizeof(id), known);
    if (known->link->ifindex != 0) {
        struct pt_abi_peer_key key = {.ifindex = known->link->ifindex, .remote = pt_dp_to_abi(&known->remote)};
        struct pt_abi_peer value = {.site_label = tunnel->remote_site};
        known->peer_row = c->table->maps[PT_MAP_peers].len;
        add_row(c, PT_MAP_peers, &key, &value);
    }
    return PT_OK;
}

static struct pt_abi_path path_value(const struct known_tunnel *tunnel, const Patronus__V1__PathEntry *path)
{
    struct pt_abi_path value = {.local = pt_dp_to_abi(&tunnel->link->address),
                                .remote = pt_dp_to_abi(&tunnel->remote),
                                .ifindex = tunnel->link->ifindex,
                                .mtu = tunnel->mtu - PT_STACK_SIZE((uint32_t)path->n_stack),
                                .stack_len = (uint16_t)path->n_stack,
                                .destination = path->destination};
    struct pt_ip gateway;
    if (path->sealed) {
        value.flags |= PT_PATH_SEALED;
        value.mtu -= SEAL_SIZE;
    }
    value.flags |= path->strict ? PT_PATH_STRICT : 0;
    if (tunnel->link->entry->rate_bps != 0) {
        value.flags |= PT_PATH_SHAPED;
    }
    if (path->mtu != 0 && path->mtu < value.mtu) {
        value.mtu = path->mtu; /* a later hop is narrower */
    }
    if (!pt_ip_is_v4(&tunnel->remote)) {
        value.flags |= PT_PATH_V6;
    }
    if (pt_dp_read_ip(&tunnel->link->entry->gateway, &gateway)) {
        value.flags |= PT_PATH_NEXTHOP;
        value.nexthop = pt_dp_to_abi(&gateway);
    }
    for (size_t i = 0; i < path->n_stack; i++) {
        value.stack[i] = path->stack[i];
    }
    return value;
}

static enum pt_code compile_path(struct pt_dp_compiler *c, const Patronus__V1__PathEntry *path, struct pt_error *reterr)
{
    uint8_t id[8];
    (void)snprintf(c->field, sizeof(c->field), "path %016" PRIx64, path->path);
    pt_put_be64(id, path->tunnel);
    const struct known_tunnel *tunnel = pt_map_get(&c->tunnels, id, sizeof(id));
    if (path->path == 0 || tunnel == NULL) {
        return PT_DP_REFUSE(c, reterr, "its id is 0, or there is no tunnel %016" PRIx64, path->tunnel);
    }
    if (path->n_stack > PT_STACK_LEN_MAX) {
        return PT_DP_REFUSE(c, reterr, "%zu labels; at most %d", path->n_stack, PT_STACK_LEN_MAX);
    }
    for (size_t i = 0; i < path->n_stack; i++) {
        if (path->stack[i] == 0 || path->stack[i] > PT_LABEL_MAX) {
            return PT_DP_REFUSE(c, reterr, "label %u must be 1..%u", path->stack[i], PT_LABEL_MAX);
        }
    }
    struct known_path *known = PT_NEW(&c->arena, struct known_path);
    known->entry = path;
    pt_put_be64(id, path->path);
    (void)pt_map_put(&c->paths, id, sizeof(id), known);
    if (tunnel->link->ifindex == 0) {
        return PT_OK;
    }
    known->slot = pt_dp_slots_take(c->options->slots, path->path);
    if (known->slot == 0) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, c->field, "a node has at most %u paths",
                       PT_PATH_SLOTS - 1);
    }
    struct pt_abi_path value = path_value(tunnel, path);
    add_row(c, PT_MAP_paths, &known->slot, &value);
    if (path->n_stack == 0) {
        struct pt_abi_peer peer;
        uint8_t *at = pt_dp_rows_value(&c->table->maps[PT_MAP_peers], tunnel->peer_row);
        memcpy(&peer, at, sizeof(peer));
        peer.path_slot = peer.path_slot == 0 ? known->slot : peer.path_slot;
        memcpy(at, &peer, sizeof(peer));
    }
    return PT_OK;
}

/* A group of a traffic class: the one of the policy class, which came before it, says that it is there. */
static enum pt_code compile_group_class(struct pt_dp_compiler *c, const Patronus__V1__GroupEntry *group,
                                        struct pt_error *reterr)
{
    struct pt_dp_rows *rows = &c->table->maps[PT_MAP_groups];
    if (group->traffic_class == 0) {
        return PT_OK;
    }
    if (group->traffic_class >= PT_DEMAND_CLASSES || group->policy_class == PT_CLASS_TRANSIT) {
        return PT_DP_REFUSE(c, reterr, "its traffic class must be 0..%d, and 0 for transit", PT_DEMAND_CLASSES - 1);
    }
    for (size_t row = rows->len; row > 0; row--) {
        struct pt_abi_group_key key;
        memcpy(&key, pt_dp_rows_key(rows, row - 1), sizeof(key));
        if (PT_DEMAND_LABEL(key.site_label) != group->site_label || key.policy_class != group->policy_class) {
            break;
        }
        if (PT_DEMAND_CLASS(key.site_label) == 0) {
            struct pt_abi_group base;
            uint8_t *at = pt_dp_rows_value(rows, row - 1);
            memcpy(&base, at, sizeof(base));
            base.flags |= PT_GROUP_BY_CLASS;
            memcpy(at, &base, sizeof(base));
            return PT_OK;
        }
    }
    return PT_DP_REFUSE(c, reterr, "there is no group for the site's other classes, which it must come with");
}

static enum pt_code compile_group(struct pt_dp_compiler *c, const Patronus__V1__GroupEntry *group,
                                  struct pt_error *reterr)
{
    struct pt_abi_group_key key = {.site_label = PT_DEMAND_KEY(group->site_label, group->traffic_class),
                                   .policy_class = group->policy_class};
    struct pt_abi_group value = {
        .flags = (uint8_t)((group->require ? PT_GROUP_REQUIRE : 0) | (group->follow ? PT_GROUP_FOLLOW : 0)),
        .move = (uint8_t)group->move};
    (void)snprintf(c->field, sizeof(c->field), "group of site %u, class %u", group->site_label, group->policy_class);
    if (group->site_label == 0 || group->site_label > PT_LABEL_MAX || group->n_members > PT_MEMBERS_MAX) {
        return PT_DP_REFUSE(c, reterr, "its site label must be 1..%u, its members at most %d", PT_LABEL_MAX,
                            PT_MEMBERS_MAX);
    }
    if (group->move > PT_MOVE_FORCED) {
        return PT_DP_REFUSE(c, reterr, "its move mode must be 0..%d", PT_MOVE_FORCED);
    }
    PT_TRY(compile_group_class(c, group, reterr));
    if (group->sla != 0) {
        int number = pt_dp_slas_take(c->options->slas, group->sla);
        if (number < 0) {
            return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, c->field, "a node watches at most %u SLAs",
                           PT_SLAS_MAX);
        }
        value.sla = (uint8_t)(number + 1);
    }
    for (size_t i = 0; i < group->n_members; i++) {
        const Patronus__V1__GroupMember *member = group->members[i];
        uint8_t id[8];
        pt_put_be64(id, member->path);
        const struct known_path *path = pt_map_get(&c->paths, id, sizeof(id));
        if (path == NULL || path->entry->destination != group->site_label) {
            return PT_DP_REFUSE(c, reterr, "there is no path %016" PRIx64 " to that site", member->path);
        }
        if (group->policy_class == PT_CLASS_TRANSIT && path->entry->n_stack != 0 && member->tier < PT_TIER_REPAIR) {
            return PT_DP_REFUSE(c, reterr,
                                "path %016" PRIx64 " has a stack: transit may take it as a repair only, tier %u up",
                                member->path, PT_TIER_REPAIR);
        }
        if (member->weight == 0 || member->weight > 65535 || member->tier > 65535) {
            return PT_DP_REFUSE(c, reterr, "weights are 1..65535, tiers 0..65535");
        }
        if (group->sla != 0 && member->tier >= PT_TIER_SLA) {
            return PT_DP_REFUSE(c, reterr, "tiers of a group with an SLA are below %u", PT_TIER_SLA);
        }
        if (path->slot != 0) {
            value.members[value.members_len++] = (struct pt_abi_member){
                .path_slot = path->slot, .weight = (uint16_t)member->weight, .tier = (uint16_t)member->tier};
        }
    }
    add_row(c, PT_MAP_groups, &key, &value);
    return PT_OK;
}

/* The match part of a rule. */
static enum pt_code compile_match(struct pt_dp_compiler *c, const Patronus__V1__RuleEntry *rule,
                                  struct pt_abi_rule *value, struct pt_error *reterr)
{
    if (rule->protocol > PT_DP_PROTOCOL_ANY || rule->port_first > rule->port_last || rule->port_last > 65535) {
        return PT_DP_REFUSE(c, reterr, "protocols are 0..255 or 256 for any; ports ascend and end at 65535");
    }
    if (rule->protocol != PT_DP_PROTOCOL_ANY) {
        value->flags |= PT_RULE_PROTOCOL;
        value->protocol = (uint16_t)rule->protocol;
    }
    if (rule->port_first != 0 || rule->port_last != 65535) {
        value->flags |= PT_RULE_PORTS;
    }
    value->port_first = (uint16_t)rule->port_first;
    value->port_last = (uint16_t)rule->port_last;
    value->dscp_mask = rule->dscp_mask;
    if (rule->prefix.len != 0) {
        struct pt_prefix prefix;
        if (!pt_dp_read_prefix(&rule->prefix, rule->prefix_len, &prefix)) {
            return PT_DP_REFUSE(c, reterr, "its prefix must be 16 bytes without host bits, its length fit the family");
        }
        value->prefix = pt_dp_to_abi(&prefix.ip);
        value->mask = pt_dp_mask(&prefix);
    }
    return PT_OK;
}

static struct pt_abi_rule_head rule_head(const struct pt_abi_rule *rule)
{
    if ((rule->flags & PT_RULE_PROTOCOL) == 0) {
        return (struct pt_abi_rule_head){.first = 0, .span = UINT32_MAX};
    }
    bool ports = (rule->flags & PT_RULE_PORTS) != 0;
    uint32_t first = ports ? rule->port_first : 0, last = ports ? rule->port_last : PT_RULE_NO_PORT;
    return (struct pt_abi_rule_head){.first = PT_RULE_KEY(rule->protocol, first), .span = last - first};
}

/* Rule `index` of the segment is satisfied by these applications. */
static void compile_applications(struct pt_dp_compiler *c, const Patronus__V1__RuleEntry *rule, uint32_t index)
{
    struct pt_dp_rows *rows = &c->table->maps[PT_MAP_applications];
    for (size_t i = 0; i < rule->n_applications; i++) {
        const struct pt_abi_application_key key = {.vni = rule->vni,
                                                   .application = rule->applications[i] & PT_FLOW_APPLICATION_MASK};
        uint64_t bits = 0;
        size_t row = 0;
        while (row < rows->len && memcmp(pt_dp_rows_key(rows, row), &key, sizeof(key)) != 0) {
            row++;
        }
        if (row == rows->len) {
            (void)pt_dp_rows_add(rows, &key, &bits);
        }
        memcpy(&bits, pt_dp_rows_value(rows, row), sizeof(bits));
        bits |= 1ULL << index;
        memcpy(pt_dp_rows_value(rows, row), &bits, sizeof(bits));
    }
}

/* Rules come by VNI and order, so a rule belongs to the last row or begins one. */
static enum pt_code compile_rule(struct pt_dp_compiler *c, const Patronus__V1__RuleEntry *rule, struct pt_error *reterr)
{
    struct pt_dp_rows *rows = &c->table->maps[PT_MAP_rules];
    struct pt_abi_rule value = {.policy_class = rule->policy_class,
                                .rule_id = rule->rule_id,
                                .subjects = rule->subjects,
                                .flags = rule->deny ? PT_RULE_DENY : 0};
    uint32_t vni = rule->vni;
    struct pt_abi_rules set;
    (void)snprintf(c->field, sizeof(c->field), "rule %u of VNI %u", rule->order, vni);
    if (vni == 0 || vni > PT_VNI_MAX || rule->order >= PT_RULES_MAX || rule->policy_class == PT_CLASS_TRANSIT) {
        return PT_DP_REFUSE(c, reterr, "its VNI must be 1..%u, its order 0..%d, its class not the transit one",
                            PT_VNI_MAX, PT_RULES_MAX - 1);
    }
    PT_TRY(compile_match(c, rule, &value, reterr));
    if (!pt_plan_rule_in_time(rule, c->options->wall_s, &c->table->due_s)) {
        return PT_OK;
    }
    if (rows->len == 0 || memcmp(pt_dp_rows_key(rows, rows->len - 1), &vni, sizeof(vni)) != 0) {
        set = (struct pt_abi_rules){0};
        for (size_t i = 0; i < PT_RULES_MAX; i++) {
            set.heads[i].first = PT_RULE_HEAD_NEVER;
        }
        (void)pt_dp_rows_add(rows, &vni, &set);
    }
    uint8_t *at = pt_dp_rows_value(rows, rows->len - 1);
    memcpy(&set, at, sizeof(set));
    if (rule->n_applications > 0) {
        value.flags |= PT_RULE_APPLICATION;
        compile_applications(c, rule, set.len);
    }
    set.heads[set.len] = rule_head(&value);
    set.rules[set.len++] = value;
    memcpy(at, &set, sizeof(set));
    return PT_OK;
}

static enum pt_code compile_subject(struct pt_dp_compiler *c, const Patronus__V1__SubjectEntry *subject,
                                    struct pt_error *reterr)
{
    struct pt_ip address;
    uint64_t bits = subject->subjects;
    (void)snprintf(c->field, sizeof(c->field), "subject of VNI %u", subject->vni);
    if (subject->vni == 0 || subject->vni > PT_VNI_MAX || !pt_dp_read_ip(&subject->address, &address)) {
        return PT_DP_REFUSE(c, reterr, "its VNI must be 1..%u, its address 16 bytes", PT_VNI_MAX);
    }
    if (subject->expire_time_s != 0) {
        if (subject->expire_time_s <= c->options->wall_s) {
            return PT_OK;
        }
        c->table->due_s = subject->expire_time_s < c->table->due_s ? subject->expire_time_s : c->table->due_s;
    }
    struct pt_abi_subject_key key = {.vni = subject->vni, .source = pt_dp_to_abi(&address)};
    add_row(c, PT_MAP_subjects, &key, &bits);
    return PT_OK;
}

/* Translation, firewall, protection. */
static enum pt_code compile_later(struct pt_dp_compiler *c, const Patronus__V1__Entry *entry, struct pt_error *reterr)
{
    switch (entry->entry_case) {
    case PATRONUS__V1__ENTRY__ENTRY_EXIT:
        return pt_dp_compile_exit(c, entry->exit, reterr);
    case PATRONUS__V1__ENTRY__ENTRY_FORWARD:
        return pt_dp_compile_forward(c, entry->forward, reterr);
    case PATRONUS__V1__ENTRY__ENTRY_PREFIX_MAP:
        return pt_dp_compile_prefix_map(c, entry->prefix_map, reterr);
    case PATRONUS__V1__ENTRY__ENTRY_FILTER:
        return pt_dp_compile_filter(c, entry->filter, reterr);
    case PATRONUS__V1__ENTRY__ENTRY_FILTER_RULE:
        return pt_dp_compile_filter_rule(c, entry->filter_rule, reterr);
    case PATRONUS__V1__ENTRY__ENTRY_GUARD:
        return pt_dp_compile_guard(c, entry->guard, reterr);
    case PATRONUS__V1__ENTRY__ENTRY_DENIED:
        return pt_dp_compile_denied(c, entry->denied, reterr);
    case PATRONUS__V1__ENTRY__ENTRY_LIMIT:
        return pt_dp_compile_limit(c, entry->limit, reterr);
    default:
        pt_unreachable(); /* a bundle holds known kinds only */
    }
}

static enum pt_code compile_entry(struct pt_dp_compiler *c, const Patronus__V1__Entry *entry, struct pt_error *reterr)
{
    if (c->node == NULL && entry->entry_case != PATRONUS__V1__ENTRY__ENTRY_NODE) {
        (void)snprintf(c->field, sizeof(c->field), "node");
        return PT_DP_REFUSE(c, reterr, "the bundle has no node entry");
    }
    switch (entry->entry_case) {
    case PATRONUS__V1__ENTRY__ENTRY_NODE:
        return compile_node(c, entry->node, reterr);
    case PATRONUS__V1__ENTRY__ENTRY_LINK:
        return compile_link(c, entry->link, reterr);
    case PATRONUS__V1__ENTRY__ENTRY_LAN:
        return compile_lan(c, entry->lan, reterr);
    case PATRONUS__V1__ENTRY__ENTRY_ROUTE:
        return compile_route(c, entry->route, reterr);
    case PATRONUS__V1__ENTRY__ENTRY_TUNNEL:
        return compile_tunnel(c, entry->tunnel, reterr);
    case PATRONUS__V1__ENTRY__ENTRY_PATH:
        return compile_path(c, entry->path, reterr);
    case PATRONUS__V1__ENTRY__ENTRY_GROUP:
        return compile_group(c, entry->group, reterr);
    case PATRONUS__V1__ENTRY__ENTRY_RULE:
        return compile_rule(c, entry->rule, reterr);
    case PATRONUS__V1__ENTRY__ENTRY_SUBJECT:
        return compile_subject(c, entry->subject, reterr);
    case PATRONUS__V1__ENTRY__ENTRY_PEER:
    case PATRONUS__V1__ENTRY__ENTRY_SLA:
        return PT_OK; /* the tunnel's (tunnel.c) */
    case PATRONUS__V1__ENTRY__ENTRY_APPLICATION:
        return PT_OK; /* inspection's (inspect.c) */
    default:
        return compile_later(c, entry, reterr);
    }
}

/* Two entries may not claim one row, as two links with one address would. */
static enum pt_code check_rows(struct pt_dp_table *table, struct pt_error *reterr)
{
    for (enum pt_bundle_map map = 0; map < PT_BUNDLE_MAPS_LEN; map++) {
        struct pt_dp_rows *rows = &table->maps[map];
        const struct pt_dp_map_info *info = pt_dp_map_info(map);
        pt_dp_rows_sort(rows);
        for (size_t i = 1; i < rows->len; i++) {
            if (memcmp(pt_dp_rows_key(rows, i - 1), pt_dp_rows_key(rows, i), rows->key_size) == 0) {
                return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_CONFLICT, info->name,
                               "two entries claim one place in this map: an address, peer or interface is twice there");
            }
        }
        if (info->type != BPF_MAP_TYPE_ARRAY && rows->len > info->entries) {
            return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, info->name, "%zu entries; at most %u",
                           rows->len, info->entries);
        }
    }
    return PT_OK;
}

enum pt_code pt_dp_compile(const struct pt_bundle *bundle, const struct pt_dp_compile_options *options,
                           struct pt_dp_table **ret_table, char ret_absent[16], struct pt_error *reterr)
{
    struct pt_dp_compiler c = {.options = options, .table = pt_dp_table_new()};
    size_t len;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &len);
    enum pt_code code = PT_OK;
    pt_arena_init(&c.arena);
    pt_map_init(&c.lans);
    pt_map_init(&c.tunnels);
    pt_map_init(&c.paths);
    for (size_t i = 0; i < len && code == PT_OK; i++) {
        code = compile_entry(&c, entries[i], reterr);
    }
    if (code == PT_OK) {
        code = pt_dp_compile_limits_end(&c, reterr);
    }
    if (code == PT_OK) {
        pt_dp_compile_features(c.table);
        code = check_rows(c.table, reterr);
    }
    if (code == PT_OK) {
        pt_dp_table_split(c.table, options->dir_routes_min == 0 ? PT_DIR_ROUTES_MIN : options->dir_routes_min);
        *ret_table = pt_dp_table_ref(c.table);
        memcpy(ret_absent, c.absent, sizeof(c.absent));
    }
    pt_dp_table_unref(c.table);
    pt_map_fini(&c.paths);
    pt_map_fini(&c.tunnels);
    pt_map_fini(&c.lans);
    pt_arena_fini(&c.arena);
    return code;
}
