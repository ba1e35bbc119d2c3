/*
 * From results to entries: each node gets its own projection and nothing else.
 *
 * A node learns the prefixes and rules of the segments it has interfaces in, the tunnels of its own links, and the
 * labels of its neighbours. A site that is not in a segment learns nothing of it, although it may carry its packets.
 */
#include "mod/te/emit.h"

#include "mod/te/edge_rules.h"
#include "mod/te/qos.h"
#include "mod/te/split.h"
#include "mod/te/steer.h"
#include "mod/te/te.h"
#include "patronus/v1/fabric.pb-c.h"
#include "patronus/v1/policy.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define GENEVE_PORT 6081
#define HELLO_INTERVAL_MS 100
#define HELLO_MULTIPLIER 3
#define CLASS_TRANSIT 0xffffffffU
#define TIER_REPAIR 1024U    /* in a group of that class: repairs from here on (bpf/abi/path.h) */
#define REPAIRS_MAX 2U       /* of a neighbour; and so many members of its group are theirs */
#define REPAIR_LABELS_MAX 2U /* the paths' MTU leaves room for so many */
#define STACK_OPTION_SIZE 4U /* of the path-stack option, before its labels (bpf/abi/geneve.h) */
#define STACK_LABEL_SIZE 4U
#define SEAL_SIZE 32U /* header and tag of a sealed packet (internal/tunnel/wire.h) */

struct emit {
    struct pt_plan_pass *pass;
    const struct te_topology *topology;
    const struct te_paths *paths;
    const struct te_steer *steer;
    const struct te_edge_rules *rules;
    size_t site;
    struct pt_plan_node *node;
    struct pt_map known_paths; /* ids that have an entry at this node */
    struct pt_map known_peers; /* labels of sites that a path leads to */
    struct pt_map known_slas;  /* ids of profiles that the node watches */
};

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

static ProtobufCBinaryData ip_bytes(const struct pt_ip *ip)
{
    return (ProtobufCBinaryData){.len = sizeof(ip->bytes), .data = (uint8_t *)(uintptr_t)ip->bytes};
}

static Patronus__V1__Entry *new_entry(struct emit *emit, Patronus__V1__Entry__EntryCase which)
{
    Patronus__V1__Entry *entry = PT_NEW(emit->pass->arena, Patronus__V1__Entry);
    patronus__v1__entry__init(entry);
    entry->entry_case = which;
    return entry;
}

/* ---- the node, its links and interfaces ----------------------------------------------------------------------- */

/* How long a node of the organization bears being alone while a change set waits; 0: nothing waits. */
static uint32_t trial_ms(const struct emit *emit, const char *organization)
{
    const uint32_t *ms = emit->pass->trials != NULL ? pt_map_get_str(emit->pass->trials, organization) : NULL;
    return ms != NULL ? *ms : 0;
}

static void emit_node(struct emit *emit)
{
    const struct te_site *site = &emit->topology->sites[emit->site];
    Patronus__V1__NodeEntry *node = PT_NEW(emit->pass->arena, Patronus__V1__NodeEntry);
    patronus__v1__node_entry__init(node);
    node->site_label = site->label;
    node->geneve_port = GENEVE_PORT;
    node->hello_interval_ms = HELLO_INTERVAL_MS;
    node->hello_multiplier = HELLO_MULTIPLIER;
    node->site = borrow(site->name);
    node->trial_ms = trial_ms(emit, site->organization);
    Patronus__V1__Entry *entry = new_entry(emit, PATRONUS__V1__ENTRY__ENTRY_NODE);
    entry->node = node;
    pt_plan_emit(emit->pass, emit->node, entry);
    for (size_t i = 0; i < site->links_len; i++) {
        const struct te_link *from = &emit->topology->links[site->first_link + i];
        Patronus__V1__LinkEntry *link = PT_NEW(emit->pass->arena, Patronus__V1__LinkEntry);
        patronus__v1__link_entry__init(link);
        link->link = from->number;
        link->interface = borrow(from->interface);
        link->address = ip_bytes(&from->address);
        if (from->has_gateway) {
            link->gateway = ip_bytes(&from->gateway);
        }
        link->mtu = from->mtu;
        link->name = borrow(from->name);
        te_emit_qos(emit->pass, from, link);
        entry = new_entry(emit, PATRONUS__V1__ENTRY__ENTRY_LINK);
        entry->link = link;
        pt_plan_emit(emit->pass, emit->node, entry);
    }
    for (size_t i = 0; i < site->lans_len; i++) {
        Patronus__V1__LanEntry *lan = PT_NEW(emit->pass->arena, Patronus__V1__LanEntry);
        patronus__v1__lan_entry__init(lan);
        lan->interface = borrow(site->lans[i].interface);
        lan->vni = emit->topology->segments[site->lans[i].segment].vni;
        entry = new_entry(emit, PATRONUS__V1__ENTRY__ENTRY_LAN);
        entry->lan = lan;
        pt_plan_emit(emit->pass, emit->node, entry);
    }
}

/* ---- tunnels and paths ---------------------------------------------------------------------------------------- */

static bool first_time(struct emit *emit, uint64_t id)
{
    uint8_t key[8];
    pt_put_be64(key, id);
    return pt_map_put(&emit->known_paths, key, sizeof(key), emit) == NULL;
}

/* A packet carries one label less at each hop, and no option at the last; but a transit site may have to put labels of
 * its own in front, to lead it round a failure. */
static uint32_t path_mtu(const struct te_topology *topology, const struct te_path *path)
{
    uint32_t least = UINT32_MAX;
    for (size_t i = 0; i < path->tunnels_len; i++) {
        uint32_t labels = (uint32_t)(path->tunnels_len - 1 - i) + (i > 0 ? REPAIR_LABELS_MAX : 0);
        uint32_t option = labels > 0 ? STACK_OPTION_SIZE + STACK_LABEL_SIZE * labels : 0;
        uint32_t mtu = topology->tunnels[path->tunnels[i]].mtu;
        mtu = mtu > option ? mtu - option : 0;
        least = mtu < least ? mtu : least;
    }
    return least;
}

bool te_path_is_sealed(const struct te_topology *topology, const struct te_path *path)
{
    for (size_t i = 0; i < path->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &topology->tunnels[path->tunnels[i]];
        if (!topology->links[tunnel->local].plain || !topology->links[tunnel->remote].plain) {
            return true;
        }
    }
    return false;
}

/* Both ends must come to the same cipher only for beauty: what the initiator proposes is taken. */
static uint32_t cipher_between(const struct te_topology *topology, size_t a, size_t b)
{
    for (size_t i = 0; i < topology->fabrics_len; i++) {
        if (topology->fabrics[i].member[a] && topology->fabrics[i].member[b]) {
            return topology->fabrics[i].cipher;
        }
    }
    return PATRONUS__V1__TUNNEL_CIPHER__AES_256_GCM;
}

/* The far end of a path: its key seals packets, and proves who says that the path is alive. Without it sealed packets
 * are dropped and counted, never sent plain. */
static void emit_peer(struct emit *emit, size_t index)
{
    const struct te_site *site = &emit->topology->sites[index];
    uint8_t key[4];
    pt_put_be32(key, site->label);
    if (!site->has_tunnel_key || pt_map_put(&emit->known_peers, key, sizeof(key), emit) != NULL) {
        return;
    }
    Patronus__V1__PeerEntry *peer = PT_NEW(emit->pass->arena, Patronus__V1__PeerEntry);
    patronus__v1__peer_entry__init(peer);
    peer->site_label = site->label;
    peer->public_key =
        (ProtobufCBinaryData){.len = sizeof(site->tunnel_key), .data = (uint8_t *)(uintptr_t)site->tunnel_key};
    peer->cipher = cipher_between(emit->topology, emit->site, index);
    Patronus__V1__Entry *entry = new_entry(emit, PATRONUS__V1__ENTRY__ENTRY_PEER);
    entry->peer = peer;
    pt_plan_emit(emit->pass, emit->node, entry);
}

static void emit_path(struct emit *emit, const struct te_path *from)
{
    if (!first_time(emit, from->id)) {
        return;
    }
    Patronus__V1__PathEntry *path = PT_NEW(emit->pass->arena, Patronus__V1__PathEntry);
    patronus__v1__path_entry__init(path);
    path->path = from->id;
    path->tunnel = emit->topology->tunnels[from->tunnels[0]].id;
    path->n_stack = from->tunnels_len - 1;
    path->stack = pt_arena_array(emit->pass->arena, path->n_stack, sizeof(uint32_t));
    for (size_t i = 1; i < from->tunnels_len; i++) {
        path->stack[i - 1] = emit->topology->sites[emit->topology->tunnels[from->tunnels[i]].to].label;
    }
    path->destination = emit->topology->sites[emit->topology->tunnels[from->tunnels[from->tunnels_len - 1]].to].label;
    path->mtu = path_mtu(emit->topology, from);
    path->sealed = te_path_is_sealed(emit->topology, from);
    path->strict = from->strict;
    if (path->sealed) {
        path->mtu = path->mtu > SEAL_SIZE ? path->mtu - SEAL_SIZE : 0;
    }
    emit_peer(emit, emit->topology->tunnels[from->tunnels[from->tunnels_len - 1]].to);
    Patronus__V1__Entry *entry = new_entry(emit, PATRONUS__V1__ENTRY__ENTRY_PATH);
    entry->path = path;
    pt_plan_emit(emit->pass, emit->node, entry);
}

static void emit_tunnels(struct emit *emit)
{
    const struct te_topology *topology = emit->topology;
    for (size_t at = topology->leaving_first[emit->site]; at < topology->leaving_first[emit->site + 1]; at++) {
        size_t i = topology->leaving[at];
        const struct te_tunnel *from = &topology->tunnels[i];
        const struct te_link *remote = &topology->links[from->remote];
        Patronus__V1__TunnelEntry *tunnel = PT_NEW(emit->pass->arena, Patronus__V1__TunnelEntry);
        patronus__v1__tunnel_entry__init(tunnel);
        tunnel->tunnel = from->id;
        tunnel->link = topology->links[from->local].number;
        tunnel->remote = ip_bytes(&remote->address);
        tunnel->remote_site = topology->sites[from->to].label;
        tunnel->mtu = from->mtu;
        tunnel->remote_link = borrow(remote->name);
        Patronus__V1__Entry *entry = new_entry(emit, PATRONUS__V1__ENTRY__ENTRY_TUNNEL);
        entry->tunnel = tunnel;
        pt_plan_emit(emit->pass, emit->node, entry);
        const struct te_path direct = {.id = te_direct_path(from->id), .tunnels = {(uint32_t)i}, .tunnels_len = 1};
        emit_path(emit, &direct);
    }
}

/* ---- groups --------------------------------------------------------------------------------------------------- */

static Patronus__V1__GroupEntry *emit_group(struct emit *emit, uint32_t label, uint32_t class,
                                            Patronus__V1__GroupMember **members, size_t members_len)
{
    Patronus__V1__GroupEntry *group = PT_NEW(emit->pass->arena, Patronus__V1__GroupEntry);
    patronus__v1__group_entry__init(group);
    group->site_label = label;
    group->policy_class = class;
    group->members = members;
    group->n_members = members_len;
    Patronus__V1__Entry *entry = new_entry(emit, PATRONUS__V1__ENTRY__ENTRY_GROUP);
    entry->group = group;
    pt_plan_emit(emit->pass, emit->node, entry);
    return group;
}

static Patronus__V1__GroupMember *new_member(struct emit *emit, uint64_t path, uint32_t weight, uint32_t tier)
{
    Patronus__V1__GroupMember *member = PT_NEW(emit->pass->arena, Patronus__V1__GroupMember);
    patronus__v1__group_member__init(member);
    member->path = path;
    member->weight = weight;
    member->tier = tier;
    return member;
}

/* The node is to watch the profile that a class names. 0: there is none. */
static uint64_t emit_sla(struct emit *emit, const char *profile)
{
    uint8_t key[8];
    if (profile == NULL) {
        return 0;
    }
    pt_put_be64(key, te_sla_id(profile));
    if (pt_map_get(&emit->known_slas, key, sizeof(key)) == NULL) {
        Patronus__V1__SlaEntry *sla = te_sla_entry(emit->pass, profile);
        if (sla == NULL) {
            return 0;
        }
        (void)pt_map_put(&emit->known_slas, key, sizeof(key), sla);
        Patronus__V1__Entry *entry = new_entry(emit, PATRONUS__V1__ENTRY__ENTRY_SLA);
        entry->sla = sla;
        pt_plan_emit(emit->pass, emit->node, entry);
    }
    return te_sla_id(profile);
}

static bool are_equal(const struct te_path *a, const struct te_path *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (a[i].id != b[i].id || a[i].weight != b[i].weight || a[i].tier != b[i].tier) {
            return false;
        }
    }
    return true;
}

static Patronus__V1__GroupEntry *emit_members(struct emit *emit, size_t to, uint32_t class_index,
                                              uint32_t traffic_class, const struct te_path *paths, size_t len)
{
    const struct te_class *class = &emit->steer->classes[class_index];
    Patronus__V1__GroupMember **members =
        pt_arena_array(emit->pass->arena, PT_GROUP_MEMBERS_MAX, sizeof(struct Patronus__V1__GroupMember *));
    for (size_t i = 0; i < len; i++) {
        members[i] = new_member(emit, paths[i].id, paths[i].weight, paths[i].tier);
        emit_path(emit, &paths[i]);
    }
    Patronus__V1__GroupEntry *group = emit_group(emit, emit->topology->sites[to].label, class_index, members, len);
    group->sla = emit_sla(emit, class->sla);
    group->require = group->sla != 0 && class->preference == PATRONUS__V1__PREFERENCE__REQUIRE;
    group->move = class->move;
    group->traffic_class = traffic_class;
    return group;
}

/* Members of a class for one destination: paths that fit keep their tier, the others come behind, or not at all.
 * Traffic classes for which that comes out otherwise have a group of their own. */
static void emit_class(struct emit *emit, size_t to, uint32_t class_index, struct te_constrained *search)
{
    const struct te_class *class = &emit->steer->classes[class_index];
    const struct te_pair *pair = te_pair_of(emit->topology, emit->paths, class->fabric, emit->site, to);
    if (pair->len == 0) {
        return;
    }
    struct te_path paths[PT_GROUP_MEMBERS_MAX], own[PT_GROUP_MEMBERS_MAX];
    size_t len = te_class_paths(class, emit->topology, pair, search, to, paths);
    emit_members(emit, to, class_index, 0, paths, len)->follow = pair->led;
    for (uint32_t traffic_class = 1; pair->by_class != NULL && traffic_class <= TE_CLASSES_MAX; traffic_class++) {
        const struct te_pair *variant = te_pair_for_class(pair, traffic_class);
        size_t own_len = variant != pair ? te_class_paths(class, emit->topology, variant, search, to, own) : 0;
        if (variant != pair && (own_len != len || !are_equal(own, paths, len))) {
            emit_members(emit, to, class_index, traffic_class, own, own_len)->follow = variant->led;
        }
    }
}

static void emit_groups(struct emit *emit)
{
    const struct te_topology *topology = emit->topology;
    for (uint32_t class = 0; class < emit->steer->classes_len; class ++) {
        if (emit->steer->classes[class].fabric >= topology->fabrics_len) {
            continue;
        }
        struct te_constrained *search = te_class_search(&emit->steer->classes[class], topology, emit->site);
        for (size_t to = 0; to < topology->sites_len; to++) {
            emit_class(emit, to, class, search);
        }
        te_constrained_free(search);
    }
}

static int compare_ways(const void *a, const void *b, void *arg)
{
    const struct te_topology *topology = arg;
    const struct te_tunnel *x = &topology->tunnels[*(const size_t *)a];
    const struct te_tunnel *y = &topology->tunnels[*(const size_t *)b];
    if (x->to != y->to) {
        return x->to < y->to ? -1 : 1;
    }
    if (x->metric != y->metric) {
        return x->metric < y->metric ? -1 : 1;
    }
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Ways to a neighbour that is not reached directly any more: paths over other sites, made beforehand for the site's own
 * traffic. Their labels go in front of the packet's. Returns how many. */
static size_t add_repairs(struct emit *emit, size_t to, Patronus__V1__GroupMember **members)
{
    const struct te_topology *topology = emit->topology;
    size_t len = 0;
    for (size_t f = 0; f < topology->fabrics_len && len == 0; f++) {
        const struct te_pair *pair = te_pair_of(topology, emit->paths, f, emit->site, to);
        for (size_t i = 0; i < pair->len && len < REPAIRS_MAX; i++) {
            size_t labels = pair->paths[i].tunnels_len - 1;
            if (labels > 0 && labels <= REPAIR_LABELS_MAX) {
                members[len] = new_member(emit, pair->paths[i].id, 1, TIER_REPAIR + (uint32_t)len);
                emit_path(emit, &pair->paths[i]);
                len++;
            }
        }
    }
    return len;
}

/* What a label in a path stack means here: the direct tunnels to that neighbour, best first, then repairs. At a site
 * that is drained too: no new plan leads over it, but others go by the old one until they have the new. */
static void emit_transit(struct emit *emit)
{
    const struct te_topology *topology = emit->topology;
    size_t all = topology->leaving_first[emit->site + 1] - topology->leaving_first[emit->site];
    size_t *sorted = pt_arena_memdup(emit->pass->arena, topology->leaving + topology->leaving_first[emit->site],
                                     (all + 1) * sizeof(size_t));
    qsort_r(sorted, all, sizeof(size_t), compare_ways, (void *)(uintptr_t)topology);
    for (size_t begin = 0, found = 0; begin < all; begin += found) {
        const size_t *tunnels = sorted + begin;
        size_t to = topology->tunnels[tunnels[0]].to;
        for (found = 1; begin + found < all && topology->tunnels[tunnels[found]].to == to;) {
            found++;
        }
        size_t direct_max = PT_GROUP_MEMBERS_MAX - REPAIRS_MAX;
        size_t len = found < direct_max ? found : direct_max;
        Patronus__V1__GroupMember **members =
            pt_arena_array(emit->pass->arena, PT_GROUP_MEMBERS_MAX, sizeof(struct Patronus__V1__GroupMember *));
        uint32_t tier = 0;
        for (size_t i = 0; i < len; i++) {
            const struct te_tunnel *tunnel = &topology->tunnels[tunnels[i]];
            tier += i > 0 && topology->tunnels[tunnels[i - 1]].metric != tunnel->metric ? 1 : 0;
            members[i] = new_member(emit, te_direct_path(tunnel->id), 1, tier);
        }
        len += add_repairs(emit, to, members + len);
        (void)emit_group(emit, topology->sites[to].label, CLASS_TRANSIT, members, len);
    }
}

/* ---- routes and rules ----------------------------------------------------------------------------------------- */

bool te_site_in_segment(const struct te_site *site, size_t segment)
{
    for (size_t i = 0; i < site->lans_len; i++) {
        if (site->lans[i].segment == segment) {
            return true;
        }
    }
    return false;
}

static void emit_routes(struct emit *emit, size_t segment)
{
    const struct te_topology *topology = emit->topology;
    for (size_t s = 0; s < topology->sites_len; s++) {
        const struct te_site *site = &topology->sites[s];
        for (size_t i = 0; i < site->lans_len; i++) {
            const struct te_lan *lan = &site->lans[i];
            for (size_t j = 0; lan->segment == segment && j < lan->prefixes_len; j++) {
                struct pt_prefix prefix = lan->prefixes[j];
                Patronus__V1__RouteEntry *route = PT_NEW(emit->pass->arena, Patronus__V1__RouteEntry);
                patronus__v1__route_entry__init(route);
                route->vni = topology->segments[segment].vni;
                if (s != emit->site) {
                    te_edge_rules_outside(emit->rules, segment, s, &prefix);
                }
                struct pt_ip *ip = pt_arena_memdup(emit->pass->arena, &prefix.ip, sizeof(prefix.ip));
                route->prefix = ip_bytes(ip);
                route->prefix_len = prefix.len;
                route->site_label = site->label;
                route->sealed = topology->segments[segment].sealed;
                if (s == emit->site) {
                    route->lan_interface = borrow(lan->interface);
                }
                Patronus__V1__Entry *entry = new_entry(emit, PATRONUS__V1__ENTRY__ENTRY_ROUTE);
                entry->route = route;
                pt_plan_emit(emit->pass, emit->node, entry);
            }
        }
    }
}

static void emit_rules(struct emit *emit, size_t segment)
{
    const struct te_segment_rules *from = &emit->steer->segments[segment];
    const char *site = emit->topology->sites[emit->site].name;
    uint32_t order = 0;
    for (size_t i = 0; i < from->rules_len; i++) {
        const struct te_rule *rule = &from->rules[i];
        if (te_rule_applies(rule, site)) {
            Patronus__V1__RuleEntry *copy = pt_arena_memdup(emit->pass->arena, &rule->entry, sizeof(rule->entry));
            copy->order = order++;
            Patronus__V1__Entry *entry = new_entry(emit, PATRONUS__V1__ENTRY__ENTRY_RULE);
            entry->rule = copy;
            pt_plan_emit(emit->pass, emit->node, entry);
        }
    }
    for (size_t i = 0; i < from->applications_len; i++) {
        Patronus__V1__Entry *entry = new_entry(emit, PATRONUS__V1__ENTRY__ENTRY_APPLICATION);
        entry->application = from->applications[i];
        pt_plan_emit(emit->pass, emit->node, entry);
    }
    te_subjects_emit(emit->pass, emit->node, from, &emit->topology->segments[segment], site);
}

enum pt_code te_emit_run(struct pt_plan_pass *pass, void **ret_section, struct pt_error *reterr)
{
    (void)reterr;
    const struct te_topology *topology = pt_map_get_str(&pass->sections, "topology");
    const struct te_edge_rules *rules = te_edge_rules_new(pass, topology);
    for (size_t site = 0; site < topology->sites_len; site++) {
        if (topology->sites[site].node == NULL) {
            continue;
        }
        struct emit emit = {.pass = pass,
                            .topology = topology,
                            .paths = pt_map_get_str(&pass->sections, "te"),
                            .steer = pt_map_get_str(&pass->sections, "steer"),
                            .rules = rules,
                            .site = site,
                            .node = topology->sites[site].node};
        emit_node(&emit);
        emit_tunnels(&emit);
        emit_groups(&emit);
        emit_transit(&emit);
        for (size_t segment = 0; segment < topology->segments_len; segment++) {
            if (te_site_in_segment(&topology->sites[site], segment)) {
                emit_routes(&emit, segment);
                emit_rules(&emit, segment);
            } else if (te_edge_rules_reach(rules, site, segment)) {
                emit_routes(&emit, segment); /* the firewall lets hosts of this site go there */
            }
        }
        te_edge_rules_emit(rules, site);
        pt_map_fini(&emit.known_paths);
        pt_map_fini(&emit.known_peers);
        pt_map_fini(&emit.known_slas);
    }
    *ret_section = NULL;
    return PT_OK;
}
