/*
 * From NatPolicy, FirewallPolicy, FloodGuard and RateLimit to the entries of a node.
 *
 * Names are resolved here: a node knows VNIs, labels, links and prefixes. One rule of a policy becomes the product of
 * its sources, destinations and port ranges; a node takes 64 lines for a segment, and what is beyond them falls under
 * the default, which the policy's author sees by `patronusctl`'s count of drops.
 */
#include "mod/te/edge_rules.h"

#include "mod/firewall/firewall.h"
#include "mod/site/site.h"
#include "mod/te/te.h"
#include "patronus/v1/firewall.pb-c.h"
#include "patronus/v1/nat.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define INTERNET 0xffffffffU
#define LINES_MAX 64U
#define EXITS_MAX 4U
#define RULE_ID_FIRST 0x10000U /* ids of steering rules are below */
#define BURST_MS 50U
#define PROTOCOL_ANY 256U

struct policy {
    const char *name;
    const struct pt_msg *msg;
    uint64_t priority;
    size_t segment; /* TE_NONE: of no segment, or of one that is gone */
};

struct policies {
    struct policy *items;
    size_t len, capacity;
};

struct te_edge_rules {
    struct pt_plan_pass *pass;
    const struct te_topology *topology;
    struct policies nat, firewall, guards, limits;
    struct policies *collecting;
};

/* ---- reading -------------------------------------------------------------------------------------------------- */

static size_t segment_of(const struct te_topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->segments_len; i++) {
        if (strcmp(topology->segments[i].name, name) == 0) {
            return i;
        }
    }
    return TE_NONE;
}

static bool collect(void *arg, const char *name, const struct pt_msg *msg)
{
    struct te_edge_rules *rules = arg;
    struct policies *to = rules->collecting;
    if (pt_msg_bool(msg, "disabled")) {
        return true;
    }
    if (to->len == to->capacity) {
        size_t capacity = to->capacity == 0 ? 16 : to->capacity * 2;
        struct policy *more = pt_arena_array(rules->pass->arena, capacity, sizeof(*more));
        if (to->len > 0) {
            memcpy(more, to->items, to->len * sizeof(*more));
        }
        to->items = more;
        to->capacity = capacity;
    }
    bool ordered = to == &rules->firewall, segmented = to != &rules->guards;
    to->items[to->len++] =
        (struct policy){.name = name,
                        .msg = msg,
                        .priority = ordered ? pt_msg_u64(msg, "priority") : 0,
                        .segment = segmented ? segment_of(rules->topology, pt_msg_str(msg, "segment")) : TE_NONE};
    return true;
}

static int compare_policies(const void *a, const void *b)
{
    const struct policy *x = a, *y = b;
    if (x->priority != y->priority) {
        return x->priority < y->priority ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

static void read_kind(struct te_edge_rules *rules, struct policies *to, const char *kind)
{
    rules->collecting = to;
    pt_view_scan(rules->pass->view, kind, "", collect, rules);
    if (to->len > 0) {
        qsort(to->items, to->len, sizeof(*to->items), compare_policies);
    }
}

const struct te_edge_rules *te_edge_rules_new(struct pt_plan_pass *pass, const struct te_topology *topology)
{
    struct te_edge_rules *rules = PT_NEW(pass->arena, struct te_edge_rules);
    rules->pass = pass;
    rules->topology = topology;
    read_kind(rules, &rules->nat, "natPolicy");
    read_kind(rules, &rules->firewall, "firewallPolicy");
    read_kind(rules, &rules->guards, "floodGuard");
    read_kind(rules, &rules->limits, "rateLimit");
    return rules;
}

/* Does a list of names hold this one? An empty list holds all. */
static bool lists(const struct pt_msg *msg, const char *field, const char *name)
{
    const struct pt_msg_field *names = pt_msg_field(msg, field);
    for (size_t i = 0; names != NULL && i < names->len; i++) {
        if (strcmp((const char *)names->values[i].bytes.data, name) == 0) {
            return true;
        }
    }
    return names == NULL || names->len == 0;
}

static bool has_segment(const struct te_site *site, size_t segment)
{
    for (size_t i = 0; i < site->lans_len; i++) {
        if (site->lans[i].segment == segment) {
            return true;
        }
    }
    return false;
}

/* Segment that a rule leads to; TE_NONE: none other. */
static size_t leads_to(const struct te_edge_rules *rules, const struct pt_msg *rule)
{
    const char *name = pt_msg_str(rule, "to_segment");
    return name[0] == '\0' ? TE_NONE : segment_of(rules->topology, name);
}

/* Does a rule lead from one segment to the other? */
static bool leads(const struct te_edge_rules *rules, size_t from, size_t to)
{
    for (size_t i = 0; i < rules->firewall.len; i++) {
        const struct pt_msg_field *list = pt_msg_field(rules->firewall.items[i].msg, "rules");
        for (size_t j = 0; rules->firewall.items[i].segment == from && list != NULL && j < list->len; j++) {
            if (leads_to(rules, list->values[j].message) == to) {
                return true;
            }
        }
    }
    return false;
}

bool te_edge_rules_reach(const struct te_edge_rules *rules, size_t site, size_t segment)
{
    for (size_t i = 0; i < rules->topology->segments_len && rules->firewall.len > 0; i++) {
        if (i != segment && has_segment(&rules->topology->sites[site], i) &&
            (leads(rules, i, segment) || leads(rules, segment, i))) {
            return true;
        }
    }
    return false;
}

/* The policy that applies to a segment at a site: the first by name. */
static const struct pt_msg *nat_of(const struct te_edge_rules *rules, size_t segment, size_t site)
{
    for (size_t i = 0; i < rules->nat.len; i++) {
        if (rules->nat.items[i].segment == segment &&
            lists(rules->nat.items[i].msg, "sites", rules->topology->sites[site].name)) {
            return rules->nat.items[i].msg;
        }
    }
    return NULL;
}

void te_edge_rules_outside(const struct te_edge_rules *rules, size_t segment, size_t site, struct pt_prefix *prefix)
{
    site_prefix_outside(nat_of(rules, segment, site), rules->topology->sites[site].name, prefix);
}

/* ---- entries -------------------------------------------------------------------------------------------------- */

static Patronus__V1__Entry *new_entry(const struct te_edge_rules *rules, Patronus__V1__Entry__EntryCase which)
{
    Patronus__V1__Entry *entry = PT_NEW(rules->pass->arena, Patronus__V1__Entry);
    patronus__v1__entry__init(entry);
    entry->entry_case = which;
    return entry;
}

/* A message of the kind, in an entry that the node gets. */
#define EMIT(rules, site, kind, CASE, variable, type)                                            \
    type *variable = PT_NEW((rules)->pass->arena, type);                                         \
    patronus__v1__##kind##_entry__init(variable);                                                \
    Patronus__V1__Entry *variable##_entry = new_entry(rules, PATRONUS__V1__ENTRY__ENTRY_##CASE); \
    variable##_entry->kind = variable;                                                           \
    pt_plan_emit((rules)->pass, (rules)->topology->sites[site].node, variable##_entry)

static ProtobufCBinaryData bytes_of(const struct te_edge_rules *rules, const void *data, size_t size)
{
    return (ProtobufCBinaryData){.len = size, .data = pt_arena_memdup(rules->pass->arena, data, size)};
}

/* The n-th prefix of a field; false when there is none. Without any, the first is "any": no bytes. */
static bool nth_prefix(const struct te_edge_rules *rules, const struct pt_msg *msg, const char *name, size_t n,
                       ProtobufCBinaryData *ret_bytes, uint32_t *ret_len)
{
    const struct pt_msg_field *field = pt_msg_field(msg, name);
    struct pt_prefix prefix;
    *ret_bytes = (ProtobufCBinaryData){0};
    *ret_len = 0;
    if (field == NULL || field->len == 0) {
        return n == 0;
    }
    if (n >= field->len || pt_prefix_parse((const char *)field->values[n].bytes.data, &prefix, NULL) != PT_OK) {
        return false;
    }
    *ret_bytes = bytes_of(rules, prefix.ip.bytes, sizeof(prefix.ip.bytes));
    *ret_len = prefix.len;
    return true;
}

/* ---- translation ---------------------------------------------------------------------------------------------- */

static uint32_t seconds(const struct pt_msg *msg, const char *field, uint32_t usual)
{
    uint64_t value = pt_msg_u64(msg, field);
    return value != 0 ? (uint32_t)value : usual;
}

static void emit_exit(const struct te_edge_rules *rules, size_t site, size_t segment, const struct te_link *link,
                      const struct pt_msg *breakout)
{
    const struct pt_msg_field *cidrs = pt_msg_field(breakout, "destination_cidrs");
    EMIT(rules, site, exit, EXIT, exit, Patronus__V1__ExitEntry);
    exit->vni = rules->topology->segments[segment].vni;
    exit->link = link->number;
    exit->address_dependent = pt_msg_i64(breakout, "filtering") == PATRONUS__V1__NAT_FILTERING__ADDRESS_DEPENDENT;
    exit->udp_s = seconds(breakout, "udp_timeout_seconds", 300);
    exit->tcp_s = seconds(breakout, "tcp_timeout_seconds", 7440);
    exit->tcp_transitory_s = seconds(breakout, "tcp_transitory_seconds", 240);
    exit->icmp_s = seconds(breakout, "icmp_timeout_seconds", 60);
    exit->destinations =
        pt_arena_array(rules->pass->arena, cidrs != NULL ? cidrs->len : 0, sizeof(ProtobufCBinaryData));
    for (size_t i = 0; cidrs != NULL && i < cidrs->len; i++) {
        struct pt_prefix prefix;
        uint8_t bytes[17];
        if (pt_prefix_parse((const char *)cidrs->values[i].bytes.data, &prefix, NULL) == PT_OK) {
            memcpy(bytes, prefix.ip.bytes, 16);
            bytes[16] = prefix.len;
            exit->destinations[exit->n_destinations++] = bytes_of(rules, bytes, sizeof(bytes));
        }
    }
}

static void emit_forwards(const struct te_edge_rules *rules, size_t site, size_t segment, const struct te_link *link,
                          const struct pt_msg *policy)
{
    const struct pt_msg_field *forwards = pt_msg_field(policy, "port_forwards");
    for (size_t i = 0; forwards != NULL && i < forwards->len; i++) {
        const struct pt_msg *from = forwards->values[i].message;
        struct pt_ip ip;
        if (pt_ip_parse(pt_msg_str(from, "address"), &ip, NULL) != PT_OK) {
            continue;
        }
        EMIT(rules, site, forward, FORWARD, forward, Patronus__V1__ForwardEntry);
        forward->link = link->number;
        forward->protocol = (uint32_t)pt_msg_u64(from, "protocol");
        forward->port = (uint32_t)pt_msg_u64(from, "port");
        forward->vni = rules->topology->segments[segment].vni;
        forward->address = bytes_of(rules, ip.bytes, sizeof(ip.bytes));
        forward->target_port = (uint32_t)pt_msg_u64(from, "target_port");
        forward->target_port = forward->target_port != 0 ? forward->target_port : forward->port;
    }
}

static void emit_prefix_maps(const struct te_edge_rules *rules, size_t site, size_t segment,
                             const struct pt_msg *policy)
{
    const struct pt_msg_field *maps = pt_msg_field(policy, "prefix_maps");
    for (size_t i = 0; maps != NULL && i < maps->len; i++) {
        const struct pt_msg *from = maps->values[i].message;
        struct pt_prefix inside, outside;
        if (strcmp(pt_msg_str(from, "site"), rules->topology->sites[site].name) != 0 ||
            pt_prefix_parse(pt_msg_str(from, "inside"), &inside, NULL) != PT_OK ||
            pt_prefix_parse(pt_msg_str(from, "outside"), &outside, NULL) != PT_OK) {
            continue;
        }
        EMIT(rules, site, prefix_map, PREFIX_MAP, map, Patronus__V1__PrefixMapEntry);
        map->vni = rules->topology->segments[segment].vni;
        map->inside = bytes_of(rules, inside.ip.bytes, sizeof(inside.ip.bytes));
        map->outside = bytes_of(rules, outside.ip.bytes, sizeof(outside.ip.bytes));
        map->prefix_len = inside.len;
    }
}

static void emit_nat(const struct te_edge_rules *rules, size_t site, size_t segment)
{
    const struct te_site *at = &rules->topology->sites[site];
    const struct pt_msg *policy = nat_of(rules, segment, site);
    const struct pt_msg *breakout = policy != NULL ? pt_msg_child(policy, "breakout") : NULL;
    size_t exits = 0;
    for (size_t i = 0; policy != NULL && i < at->links_len; i++) {
        const struct te_link *link = &rules->topology->links[at->first_link + i];
        if (!pt_ip_is_v4(&link->address)) {
            continue;
        }
        if (breakout != NULL && exits < EXITS_MAX && lists(breakout, "underlays", link->underlay)) {
            emit_exit(rules, site, segment, link, breakout);
            exits++;
        }
        emit_forwards(rules, site, segment, link, policy);
    }
    if (policy != NULL) {
        emit_prefix_maps(rules, site, segment, policy);
    }
}

/* ---- firewall ------------------------------------------------------------------------------------------------- */

struct lines {
    const struct te_edge_rules *rules;
    size_t site, segment;
    uint32_t order, rule_id;
    const char *origin;
};

/* One line for each source, destination and range of ports. */
static void emit_lines(struct lines *lines, const struct pt_msg *rule, uint32_t to)
{
    const struct te_edge_rules *rules = lines->rules;
    const struct pt_msg_field *ports = pt_msg_field(rule, "ports");
    size_t ranges = ports != NULL && ports->len > 0 ? ports->len : 1;
    ProtobufCBinaryData source, destination;
    uint32_t source_len, destination_len;
    for (size_t i = 0; nth_prefix(rules, rule, "source_cidrs", i, &source, &source_len); i++) {
        for (size_t j = 0; nth_prefix(rules, rule, "destination_cidrs", j, &destination, &destination_len); j++) {
            for (size_t k = 0; k < ranges && lines->order < LINES_MAX; k++) {
                const struct pt_msg *range = ports != NULL && ports->len > 0 ? ports->values[k].message : NULL;
                EMIT(rules, lines->site, filter_rule, FILTER_RULE, line, Patronus__V1__FilterRuleEntry);
                line->vni = rules->topology->segments[lines->segment].vni;
                line->order = lines->order++;
                line->allow = pt_msg_i64(rule, "action") == PATRONUS__V1__FIREWALL_ACTION__ALLOW;
                line->to = to;
                line->protocol = pt_msg_has(rule, "protocol") ? (uint32_t)pt_msg_u64(rule, "protocol") : PROTOCOL_ANY;
                line->port_first = range != NULL ? (uint32_t)pt_msg_u64(range, "first") : 0;
                line->port_last = range != NULL ? (uint32_t)pt_msg_u64(range, "last") : UINT16_MAX;
                line->source = source;
                line->source_len = source_len;
                line->destination = destination;
                line->destination_len = destination_len;
                line->rule_id = lines->rule_id;
                line->origin = (char *)(uintptr_t)lines->origin;
            }
        }
    }
}

/* Where a rule's packets go, as nodes know it. False: to a segment that is gone. */
static bool target(const struct te_edge_rules *rules, size_t segment, const struct pt_msg *rule, uint32_t *ret_to)
{
    switch (pt_msg_i64(rule, "scope")) {
    case PATRONUS__V1__FIREWALL_SCOPE__WITHIN:
        *ret_to = rules->topology->segments[segment].vni;
        return true;
    case PATRONUS__V1__FIREWALL_SCOPE__INTERNET:
        *ret_to = INTERNET;
        return true;
    case PATRONUS__V1__FIREWALL_SCOPE__SEGMENT: {
        size_t to = leads_to(rules, rule);
        *ret_to = to == TE_NONE ? 0 : rules->topology->segments[to].vni;
        return to != TE_NONE;
    }
    default:
        *ret_to = 0;
        return true;
    }
}

static void emit_filter(const struct te_edge_rules *rules, size_t site, size_t segment)
{
    struct lines lines = {.rules = rules, .site = site, .segment = segment, .rule_id = RULE_ID_FIRST};
    uint32_t *reach = pt_arena_array(rules->pass->arena, FIREWALL_REACH_MAX, sizeof(*reach));
    bool any = false, drop = false;
    size_t reach_len = 0;
    for (size_t i = 0; i < rules->firewall.len; i++) {
        any = any || rules->firewall.items[i].segment == segment;
        drop =
            drop || (rules->firewall.items[i].segment == segment &&
                     pt_msg_i64(rules->firewall.items[i].msg, "default_action") == PATRONUS__V1__FIREWALL_ACTION__DROP);
    }
    for (size_t i = 0; i < rules->topology->segments_len && reach_len < FIREWALL_REACH_MAX; i++) {
        if (i != segment && (leads(rules, segment, i) || leads(rules, i, segment))) {
            reach[reach_len++] = rules->topology->segments[i].vni;
        }
    }
    if (!any && reach_len == 0) {
        return;
    }
    EMIT(rules, site, filter, FILTER, filter, Patronus__V1__FilterEntry);
    filter->vni = rules->topology->segments[segment].vni;
    filter->drop = drop;
    filter->reach = reach;
    filter->n_reach = reach_len;
    for (size_t i = 0; i < rules->firewall.len; i++) {
        const struct policy *policy = &rules->firewall.items[i];
        const struct pt_msg_field *list = policy->segment == segment ? pt_msg_field(policy->msg, "rules") : NULL;
        for (size_t j = 0; list != NULL && j < list->len; j++) {
            uint32_t to;
            lines.rule_id++;
            lines.origin = pt_arena_printf(rules->pass->arena, "%s rules[%zu]", policy->name, j);
            if (target(rules, segment, list->values[j].message, &to)) {
                emit_lines(&lines, list->values[j].message, to);
            }
        }
    }
}

/* ---- protection and rates ------------------------------------------------------------------------------------- */

static void emit_guard(const struct te_edge_rules *rules, size_t site)
{
    const struct pt_msg *guard = NULL;
    ProtobufCBinaryData bytes;
    uint32_t len;
    for (size_t i = 0; guard == NULL && i < rules->guards.len; i++) {
        guard = lists(rules->guards.items[i].msg, "sites", rules->topology->sites[site].name)
                    ? rules->guards.items[i].msg
                    : NULL;
    }
    if (guard == NULL) {
        return;
    }
    EMIT(rules, site, guard, GUARD, entry, Patronus__V1__GuardEntry);
    entry->source_pps = (uint32_t)pt_msg_u64(guard, "source_packets_per_second");
    entry->syns_ps = (uint32_t)pt_msg_u64(guard, "syns_per_second");
    for (size_t i = 0; nth_prefix(rules, guard, "denied_cidrs", i, &bytes, &len) && bytes.len != 0; i++) {
        EMIT(rules, site, denied, DENIED, denied, Patronus__V1__DeniedEntry);
        denied->prefix = bytes;
        denied->prefix_len = len;
    }
}

static uint64_t limit_id(const char *name)
{
    return te_tunnel_id(name, "limit"); /* a hash like that of tunnels; 0 is nobody's */
}

static uint32_t label_of(const struct te_topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->sites_len; i++) {
        if (strcmp(topology->sites[i].name, name) == 0) {
            return topology->sites[i].label;
        }
    }
    return 0;
}

/* How much a limit covers: 0 a segment towards a site, 1 a segment, 2 an organization towards a site, 3 all of it. The
 * narrower counts, and packets must pass the next wider one too. */
static unsigned width(const struct policy *limit)
{
    return (pt_msg_has(limit->msg, "segment") ? 0U : 2U) + (pt_msg_has(limit->msg, "peer_site") ? 0U : 1U);
}

static bool covers(const struct te_edge_rules *rules, const struct policy *limit, size_t segment, const char *peer)
{
    const char *own = pt_msg_str(limit->msg, "peer_site");
    const char *organization = rules->topology->segments[segment].organization;
    bool here = pt_msg_has(limit->msg, "segment") ? limit->segment == segment
                                                  : strncmp(limit->name, organization, strlen(organization)) == 0 &&
                                                        limit->name[strlen(organization)] == '/';
    return here && (own[0] == '\0' || strcmp(own, peer) == 0);
}

/* The narrowest limit of a site that covers a segment towards a peer ("": any) and is wider than `above`. */
static const struct policy *narrowest(const struct te_edge_rules *rules, size_t site, size_t segment, const char *peer,
                                      int above)
{
    const struct policy *best = NULL;
    for (size_t i = 0; i < rules->limits.len; i++) {
        const struct policy *limit = &rules->limits.items[i];
        if (lists(limit->msg, "sites", rules->topology->sites[site].name) && covers(rules, limit, segment, peer) &&
            (int)width(limit) > above && (best == NULL || width(limit) < width(best))) {
            best = limit;
        }
    }
    return best;
}

static void emit_limits(const struct te_edge_rules *rules, size_t site)
{
    const struct te_topology *topology = rules->topology;
    for (size_t i = 0; i < rules->limits.len; i++) {
        const struct policy *limit = &rules->limits.items[i];
        const char *peer = pt_msg_str(limit->msg, "peer_site");
        const struct policy *parent = NULL;
        uint64_t burst_ms = pt_msg_u64(limit->msg, "burst_ms");
        uint32_t label = peer[0] != '\0' ? label_of(topology, peer) : 0;
        if (!lists(limit->msg, "sites", topology->sites[site].name) || (peer[0] != '\0' && label == 0)) {
            continue; /* of other sites, or towards one that has no edge: nothing goes there */
        }
        EMIT(rules, site, limit, LIMIT, entry, Patronus__V1__LimitEntry);
        entry->limit = limit_id(limit->name);
        entry->rate_bps = pt_msg_u64(limit->msg, "rate_bps");
        entry->burst_ms = burst_ms != 0 ? (uint32_t)burst_ms : BURST_MS;
        entry->site_label = label;
        entry->vnis = pt_arena_array(rules->pass->arena, topology->segments_len, sizeof(uint32_t));
        for (size_t s = 0; s < topology->segments_len; s++) {
            if (!has_segment(&topology->sites[site], s) || !covers(rules, limit, s, peer)) {
                continue;
            }
            parent = parent != NULL ? parent : narrowest(rules, site, s, peer, (int)width(limit));
            if (narrowest(rules, site, s, peer, -1) == limit) {
                entry->vnis[entry->n_vnis++] = topology->segments[s].vni;
            }
        }
        entry->parent = parent != NULL ? limit_id(parent->name) : 0;
    }
}

void te_edge_rules_emit(const struct te_edge_rules *rules, size_t site)
{
    for (size_t segment = 0; segment < rules->topology->segments_len; segment++) {
        if (has_segment(&rules->topology->sites[site], segment)) {
            emit_nat(rules, site, segment);
            emit_filter(rules, site, segment);
        }
    }
    emit_guard(rules, site);
    emit_limits(rules, site);
}
