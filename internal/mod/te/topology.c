/*
 * From resources to arrays.
 *
 * Tunnels. Between two sites of a fabric each pair of links with the same underlay makes two directed tunnels, when the
 * fabric's topology wants the sites adjacent: full mesh: every pair; hub and spoke: pairs with a hub; regional: pairs
 * of one region, and hubs with hubs.
 *
 * Metric, in microseconds: 100 a unit of administrative cost (mean of both ends), plus the measured one-way delay in
 * steps of 5 ms so that equal paths stay equal, plus penalties: 100 ms for loss, 1 s for drained, 2 s for dead. A dead
 * tunnel stays in the graph as the last resort: the node itself knows first when it lives again.
 */
#include "mod/te/topology.h"

#include "base/assert.h"
#include "mod/te/changes.h"
#include "mod/te/te.h"
#include "patronus/v1/common.pb-c.h"
#include "patronus/v1/fabric.pb-c.h"
#include "patronus/v1/site.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define COST_DEFAULT 10U
#define COST_UNIT_US 100U
#define DELAY_STEP_US 5000U
#define PENALTY_LOSS_US 100000U
#define PENALTY_DRAINED_US 1000000U
#define PENALTY_DEAD_US 2000000U
#define MTU_DEFAULT 1500U
#define MAX_TRANSIT_DEFAULT 3U
/* Outer headers: IP, UDP 8, Geneve 8; the path stack comes on top when it is used. */
#define OVERHEAD_V4 (20U + 8U + 8U)
#define OVERHEAD_V6 (40U + 8U + 8U)

/* Everything that a pass collects; arrays grow in the arena. */
struct builder {
    struct pt_plan_pass *pass;
    struct te_topology *topology;
    struct pt_map segment_index; /* name -> index + 1, as a pointer */
    struct pt_map fabric_index;
    struct pt_map denied; /* names of edges that are */
    size_t *moved_first;  /* by site, while new links are put in */
    size_t sites_capacity, links_capacity, fabrics_capacity, segments_capacity, tunnels_capacity;
    struct pt_error *reterr;
};

static void *grown(struct pt_arena *arena, void *items, size_t len, size_t *capacity, size_t size)
{
    if (len < *capacity) {
        return items;
    }
    *capacity = *capacity == 0 ? 32 : *capacity * 2;
    void *more = pt_arena_array(arena, *capacity, size);
    if (len > 0) {
        memcpy(more, items, len * size);
    }
    return more;
}

#define GROW(builder, items)                                                                         \
    ((builder)->topology->items =                                                                    \
         grown((builder)->pass->arena, (builder)->topology->items, (builder)->topology->items##_len, \
               &(builder)->items##_capacity, sizeof(*(builder)->topology->items)))

static void put_index(struct pt_map *map, const char *name, size_t index)
{
    (void)pt_map_put_str(map, name, (void *)(uintptr_t)(index + 1));
}

static size_t get_index(const struct pt_map *map, const char *name)
{
    uintptr_t value = (uintptr_t)pt_map_get_str(map, name);
    return value == 0 ? TE_NONE : value - 1;
}

/* "organizations/acme" of a name below it. */
static const char *organization_of(struct pt_arena *arena, const char *name)
{
    const char *slash = strchr(name, '/');
    slash = slash != NULL ? strchr(slash + 1, '/') : NULL;
    return slash != NULL ? pt_arena_strndup(arena, name, (size_t)(slash - name)) : name;
}

/* Sites come in order of name, those of one organization together. */
static bool same_organization(const struct te_site *last, const char *name)
{
    size_t size = last != NULL ? strlen(last->organization) : 0;
    return last != NULL && strncmp(last->organization, name, size) == 0 && name[size] == '/';
}

static const char *parent_of(struct pt_arena *arena, const char *name)
{
    char parent[PT_NAME_SIZE_MAX + 1];
    pt_name_parent(name, parent);
    return pt_arena_strdup(arena, parent);
}

/* ---- fabrics and segments ------------------------------------------------------------------------------------- */

static bool add_fabric(void *arg, const char *name, const struct pt_msg *msg)
{
    struct builder *builder = arg;
    GROW(builder, fabrics);
    struct te_topology *topology = builder->topology;
    struct te_fabric *fabric = &topology->fabrics[topology->fabrics_len];
    *fabric = (struct te_fabric){
        .name = name,
        .organization = organization_of(builder->pass->arena, name),
        .topology = (uint32_t)pt_msg_i64(msg, "topology"),
        .max_transit =
            pt_msg_has(msg, "max_transit_sites") ? (uint32_t)pt_msg_u64(msg, "max_transit_sites") : MAX_TRANSIT_DEFAULT,
        .cipher = (uint32_t)pt_msg_i64(msg, "cipher"),
    };
    if (fabric->cipher == PATRONUS__V1__TUNNEL_CIPHER__TUNNEL_CIPHER_UNSPECIFIED) {
        fabric->cipher = PATRONUS__V1__TUNNEL_CIPHER__AES_256_GCM;
    }
    put_index(&builder->fabric_index, name, topology->fabrics_len++);
    return true;
}

static bool add_segment(void *arg, const char *name, const struct pt_msg *msg)
{
    struct builder *builder = arg;
    GROW(builder, segments);
    struct te_topology *topology = builder->topology;
    topology->segments[topology->segments_len] =
        (struct te_segment){.name = name,
                            .organization = organization_of(builder->pass->arena, name),
                            .fabric = get_index(&builder->fabric_index, pt_msg_str(msg, "fabric")),
                            .vni = (uint32_t)pt_msg_u64(msg, "vni"),
                            .sealed = pt_msg_i64(msg, "encryption") == PATRONUS__V1__SEGMENT_ENCRYPTION__REQUIRED};
    put_index(&builder->segment_index, name, topology->segments_len++);
    return true;
}

/* ---- what a question changes ---------------------------------------------------------------------------------- */

static bool named(const char *const *names, size_t len, const char *name)
{
    for (size_t i = 0; i < len; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void change_site(const struct te_changes *changes, struct te_site *site)
{
    if (named(changes->fail_sites, changes->fail_sites_len, site->name)) {
        site->active = false;
        site->transits = false;
    }
    if (named(changes->drain_sites, changes->drain_sites_len, site->name)) {
        site->transits = false;
    }
}

static void change_rates(const struct te_changed_link *changed, struct te_link *link)
{
    link->capacity_bps = changed->up_bps != 0 ? changed->up_bps : link->capacity_bps;
    link->capacity_in_bps = changed->down_bps != 0 ? changed->down_bps : link->capacity_in_bps;
    link->cost = changed->cost != 0 ? changed->cost : link->cost;
}

static void change_link(const struct te_changes *changes, struct te_link *link)
{
    link->usable = link->usable && !named(changes->fail_links, changes->fail_links_len, link->name);
    link->drained = link->drained || named(changes->drain_links, changes->drain_links_len, link->name);
    for (size_t i = 0; i < changes->fail_srlgs_len; i++) {
        for (size_t j = 0; j < link->srlgs_len; j++) {
            link->usable = link->usable && link->srlgs[j] != changes->fail_srlgs[i];
        }
    }
    for (size_t i = 0; i < changes->links_len; i++) {
        if (strcmp(changes->links[i].name, link->name) == 0) {
            change_rates(&changes->links[i], link);
        }
    }
}

/* ---- sites, edges, links -------------------------------------------------------------------------------------- */

static uint32_t ramp_of(const struct pt_plan_pass *pass, const char *name)
{
    const uint32_t *percent = pass->ramps != NULL ? pt_map_get_str(pass->ramps, name) : NULL;
    return percent != NULL ? *percent : 100;
}

static bool add_site(void *arg, const char *name, const struct pt_msg *msg)
{
    struct builder *builder = arg;
    GROW(builder, sites);
    struct te_topology *topology = builder->topology;
    const struct te_site *last = topology->sites_len > 0 ? &topology->sites[topology->sites_len - 1] : NULL;
    int64_t state = pt_msg_i64(msg, "admin_state");
    topology->sites[topology->sites_len] = (struct te_site){
        .name = name,
        .organization =
            same_organization(last, name) ? last->organization : organization_of(builder->pass->arena, name),
        .region = pt_msg_str(msg, "region"),
        .label = (uint32_t)pt_msg_u64(msg, "site_label"),
        .active = state != PATRONUS__V1__ADMIN_STATE__MAINTENANCE,
        .transits = state != PATRONUS__V1__ADMIN_STATE__MAINTENANCE && state != PATRONUS__V1__ADMIN_STATE__DRAINED};
    topology->sites[topology->sites_len].ramp_percent = ramp_of(builder->pass, name);
    if (builder->pass->changes != NULL) {
        change_site(builder->pass->changes, &topology->sites[topology->sites_len]);
    }
    topology->sites_len++;
    return true;
}

/* By halves: sites are in order of name, and an index of 100,000 of them took longer than all else there is to them. */
size_t te_site_named(const struct te_topology *topology, const char *name, size_t size)
{
    size_t low = 0, high = topology->sites_len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *other = topology->sites[middle].name;
        int order = strncmp(other, name, size);
        if (order == 0 && other[size] == '\0') {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return TE_NONE;
}

static size_t site_of(const struct builder *builder, const char *name)
{
    return te_site_named(builder->topology, name, strlen(name));
}

static void add_lans(struct builder *builder, struct te_site *site, const struct pt_msg *edge)
{
    struct pt_arena *arena = builder->pass->arena;
    const struct pt_msg_field *lans = pt_msg_field(edge, "lan_interfaces");
    if (lans == NULL) {
        return;
    }
    site->lans = pt_arena_array(arena, lans->len, sizeof(*site->lans));
    for (size_t i = 0; i < lans->len; i++) {
        const struct pt_msg *msg = lans->values[i].message;
        size_t segment = get_index(&builder->segment_index, pt_msg_str(msg, "segment"));
        if (segment == TE_NONE) {
            continue;
        }
        const struct pt_msg_field *texts = pt_msg_field(msg, "prefixes");
        size_t len = texts != NULL ? texts->len : 0;
        struct pt_prefix *prefixes = pt_arena_array(arena, len, sizeof(*prefixes));
        size_t kept = 0;
        for (size_t j = 0; j < len; j++) {
            /* Valid by the schema's rules; one that is not is left out rather than misread. */
            if (pt_prefix_parse((const char *)texts->values[j].bytes.data, &prefixes[kept], NULL) == PT_OK) {
                kept++;
            }
        }
        site->lans[site->lans_len++] = (struct te_lan){
            .interface = pt_msg_str(msg, "interface"), .segment = segment, .prefixes = prefixes, .prefixes_len = kept};
    }
}

/* 32 bytes from 64 hexadecimal digits; false when that is not what it is. */
static bool read_key(const char *hex, uint8_t key[32])
{
    if (strlen(hex) != 64) {
        return false;
    }
    for (size_t i = 0; i < 64; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = memchr(digits, hex[i], 16);
        if (digit == NULL) {
            return false;
        }
        unsigned value = (unsigned)(digit - digits);
        key[i / 2] = (uint8_t)(i % 2 == 0 ? value << 4 : key[i / 2] | value);
    }
    return true;
}

/* A node that is denied may be in other hands: nobody keeps a tunnel to it. */
static bool add_denied(void *arg, const char *name, const struct pt_msg *msg)
{
    struct builder *builder = arg;
    (void)name;
    const char *edge = strstr(pt_msg_str(msg, "identity"), "/edge/");
    bool over =
        pt_msg_has(msg, "expire_time") && pt_msg_time(msg, "expire_time") <= pt_view_time_ns(builder->pass->view);
    if (edge != NULL && !over && strncmp(pt_msg_str(msg, "identity"), "spiffe://", 9) == 0) {
        (void)pt_map_put_str(&builder->denied, edge + strlen("/edge/"), (void *)(uintptr_t)name);
    }
    return true;
}

static bool add_edge(void *arg, const char *name, const struct pt_msg *msg)
{
    struct builder *builder = arg;
    struct pt_arena *arena = builder->pass->arena;
    if (pt_map_get_str(&builder->denied, name) != NULL) {
        return true;
    }
    size_t index = site_of(builder, parent_of(arena, name));
    if (index == TE_NONE || builder->topology->sites[index].node != NULL) {
        return true; /* a site forwards by its first edge */
    }
    struct te_site *site = &builder->topology->sites[index];
    site->node = PT_NEW(arena, struct pt_plan_node);
    site->node->edge = name;
    site->node->node_id = pt_msg_str(msg, "node_id");
    site->node->site_label = site->label;
    site->transits = site->transits && site->node->node_id[0] != '\0';
    site->has_tunnel_key = read_key(pt_msg_str(msg, "tunnel_public_key"), site->tunnel_key);
    add_lans(builder, site, msg);
    return true;
}

static void add_srlgs(struct pt_arena *arena, struct te_link *link, const struct pt_msg *msg)
{
    const struct pt_msg_field *field = pt_msg_field(msg, "srlgs");
    if (field == NULL) {
        return;
    }
    uint32_t *srlgs = pt_arena_array(arena, field->len, sizeof(*srlgs));
    for (size_t i = 0; i < field->len; i++) {
        srlgs[i] = (uint32_t)field->values[i].u64;
    }
    link->srlgs = srlgs;
    link->srlgs_len = field->len;
}

static bool add_link(void *arg, const char *name, const struct pt_msg *msg)
{
    struct builder *builder = arg;
    struct pt_arena *arena = builder->pass->arena;
    size_t index = site_of(builder, parent_of(arena, name));
    struct te_link link = {.name = name,
                           .interface = pt_msg_str(msg, "interface"),
                           .underlay = pt_msg_str(msg, "underlay"),
                           .site = index,
                           .mtu = (uint32_t)pt_msg_u64(msg, "mtu"),
                           .cost = (uint32_t)pt_msg_u64(msg, "cost"),
                           .transport = (uint32_t)pt_msg_i64(msg, "transport"),
                           .capacity_bps = pt_msg_u64(msg, "capacity_up_bps"),
                           .capacity_in_bps = pt_msg_u64(msg, "capacity_down_bps"),
                           .labels = pt_msg_field(msg, "labels"),
                           .groups = pt_msg_field(msg, "admin_groups")};
    if (index == TE_NONE || builder->topology->sites[index].node == NULL ||
        strcmp(builder->topology->sites[index].node->edge, pt_msg_str(msg, "edge")) != 0 ||
        pt_ip_parse(pt_msg_str(msg, "address"), &link.address, NULL) != PT_OK) {
        return true; /* not of the edge that forwards */
    }
    struct te_site *site = &builder->topology->sites[index];
    if (site->links_len == TE_LINKS_PER_SITE_MAX) {
        return true;
    }
    int64_t state = pt_msg_i64(msg, "admin_state");
    link.usable = state != PATRONUS__V1__ADMIN_STATE__MAINTENANCE;
    link.drained = state == PATRONUS__V1__ADMIN_STATE__DRAINED;
    link.plain = pt_msg_i64(msg, "encryption") == PATRONUS__V1__LINK_ENCRYPTION__PLAIN;
    link.mtu = link.mtu != 0 ? link.mtu : MTU_DEFAULT;
    link.cost = link.cost != 0 ? link.cost : COST_DEFAULT;
    const char *gateway = pt_msg_str(msg, "gateway");
    link.has_gateway = gateway[0] != '\0' && pt_ip_parse(gateway, &link.gateway, NULL) == PT_OK;
    link.ramp_percent = ramp_of(builder->pass, name);
    add_srlgs(arena, &link, msg);
    if (builder->pass->changes != NULL) {
        change_link(builder->pass->changes, &link);
    }
    GROW(builder, links);
    if (site->links_len == 0) {
        site->first_link = builder->topology->links_len;
    }
    /* Links come in order of name, and names of one site stand together. */
    link.number = (uint32_t)++site->links_len;
    builder->topology->links[builder->topology->links_len++] = link;
    return true;
}

/* The new link of a question: like any other of its organization in its underlay, with rates of its own. */
static bool new_link(const struct te_topology *topology, const struct te_changed_link *changed, size_t site,
                     struct te_link *ret_link)
{
    const struct te_link *like = NULL;
    for (size_t i = 0; i < topology->links_len; i++) {
        if (strcmp(topology->links[i].name, changed->name) == 0) {
            return false; /* it exists: its rates have been changed */
        }
        bool alike =
            changed->underlay != NULL && strcmp(topology->links[i].underlay, changed->underlay) == 0 &&
            strcmp(topology->sites[topology->links[i].site].organization, topology->sites[site].organization) == 0;
        like = alike ? &topology->links[i] : like;
    }
    if (like == NULL || topology->sites[site].node == NULL || strcmp(topology->sites[site].name, changed->site) != 0) {
        return false;
    }
    *ret_link = *like;
    ret_link->name = changed->name;
    ret_link->site = site;
    ret_link->usable = true;
    ret_link->drained = false;
    ret_link->srlgs_len = 0;
    ret_link->capacity_bps = 0;
    ret_link->capacity_in_bps = 0;
    change_rates(changed, ret_link);
    return true;
}

/* Links of a site stand together: copy them site by site, new ones behind. */
static void add_new_links(struct builder *builder, const struct te_changes *changes)
{
    struct te_topology *topology = builder->topology;
    size_t capacity = topology->links_len + changes->links_len;
    struct te_link *links = pt_arena_array(builder->pass->arena, capacity, sizeof(*links));
    size_t len = 0;
    for (size_t i = 0; i < topology->sites_len; i++) {
        struct te_site *site = &topology->sites[i];
        size_t first = len;
        if (site->links_len > 0) {
            memcpy(&links[len], &topology->links[site->first_link], site->links_len * sizeof(*links));
            len += site->links_len;
        }
        for (size_t j = 0; j < changes->links_len && site->links_len < TE_LINKS_PER_SITE_MAX && len < capacity; j++) {
            if (new_link(topology, &changes->links[j], i, &links[len])) {
                links[len++].number = (uint32_t)++site->links_len;
            }
        }
        builder->moved_first[i] = first;
    }
    for (size_t i = 0; i < topology->sites_len; i++) {
        topology->sites[i].first_link = builder->moved_first[i];
    }
    topology->links = links;
    topology->links_len = len;
}

/* ---- tunnels -------------------------------------------------------------------------------------------------- */

const struct pt_path_soft *te_measured(const struct te_topology *topology, uint64_t path_id)
{
    uint8_t key[8];
    pt_put_be64(key, path_id);
    return topology->soft != NULL ? pt_map_get(&topology->soft->paths, key, sizeof(key)) : NULL;
}

/* Both ends watch a tunnel, each with answers that the other sends; so it is dead for both when one says so, and one
 * pass is enough for what two nodes report. */
static bool is_dead(const struct te_topology *topology, const struct te_link *local, const struct te_link *remote)
{
    const struct pt_path_soft *there = te_measured(topology, te_direct_path(te_tunnel_id(local->name, remote->name)));
    const struct pt_path_soft *back = te_measured(topology, te_direct_path(te_tunnel_id(remote->name, local->name)));
    return (there != NULL && there->known && !there->alive) || (back != NULL && back->known && !back->alive);
}

static uint64_t metric_of(const struct te_topology *topology, const struct te_tunnel *tunnel)
{
    const struct te_link *local = &topology->links[tunnel->local];
    const struct te_link *remote = &topology->links[tunnel->remote];
    uint64_t metric = (uint64_t)(local->cost + remote->cost) * COST_UNIT_US / 2;
    const struct pt_path_soft *soft = te_measured(topology, te_direct_path(tunnel->id));
    if (soft != NULL && soft->known) {
        metric += ((uint64_t)soft->rtt_us / 2 + DELAY_STEP_US / 2) / DELAY_STEP_US * DELAY_STEP_US;
        metric += soft->loss_ppm > 0 && soft->alive ? PENALTY_LOSS_US : 0;
    }
    metric += tunnel->dead ? PENALTY_DEAD_US : 0;
    return metric + (local->drained || remote->drained ? PENALTY_DRAINED_US : 0);
}

static size_t add_tunnel(struct builder *builder, struct pt_map *known, size_t local_index, size_t remote_index)
{
    struct te_topology *topology = builder->topology;
    const struct te_link *local = &topology->links[local_index];
    const struct te_link *remote = &topology->links[remote_index];
    uint64_t id = te_tunnel_id(local->name, remote->name);
    uint8_t key[8];
    pt_put_be64(key, id);
    uintptr_t found = (uintptr_t)pt_map_get(known, key, sizeof(key));
    if (found != 0) {
        return found - 1;
    }
    GROW(builder, tunnels);
    struct te_tunnel *tunnel = &topology->tunnels[topology->tunnels_len];
    *tunnel = (struct te_tunnel){
        .id = id, .from = local->site, .to = remote->site, .local = local_index, .remote = remote_index};
    uint32_t mtu = local->mtu < remote->mtu ? local->mtu : remote->mtu;
    uint32_t overhead = pt_ip_is_v4(&local->address) ? OVERHEAD_V4 : OVERHEAD_V6;
    tunnel->mtu = mtu > overhead ? mtu - overhead : 0;
    tunnel->dead = is_dead(topology, local, remote);
    tunnel->metric = metric_of(topology, tunnel);
    (void)pt_map_put(known, key, sizeof(key), (void *)(uintptr_t)(topology->tunnels_len + 1));
    return topology->tunnels_len++;
}

static bool adjacent(const struct te_topology *topology, const struct te_fabric *fabric, size_t a, size_t b)
{
    switch (fabric->topology) {
    case PATRONUS__V1__TOPOLOGY__HUB_SPOKE:
        return fabric->hub[a] || fabric->hub[b];
    case PATRONUS__V1__TOPOLOGY__REGIONAL:
        return strcmp(topology->sites[a].region, topology->sites[b].region) == 0 || (fabric->hub[a] && fabric->hub[b]);
    default:
        return true;
    }
}

static void fabric_members(struct builder *builder, struct te_fabric *fabric)
{
    struct te_topology *topology = builder->topology;
    const struct pt_msg *msg = pt_view_get(builder->pass->view, fabric->name);
    fabric->member = pt_arena_array(builder->pass->arena, topology->sites_len, sizeof(bool));
    fabric->hub = pt_arena_array(builder->pass->arena, topology->sites_len, sizeof(bool));
    const struct pt_msg_field *sites = pt_msg_field(msg, "sites");
    const struct pt_msg_field *hubs = pt_msg_field(msg, "hubs");
    for (size_t i = 0; i < topology->sites_len; i++) {
        fabric->member[i] = sites == NULL && topology->sites[i].active &&
                            strcmp(topology->sites[i].organization, fabric->organization) == 0;
    }
    for (size_t i = 0; sites != NULL && i < sites->len; i++) {
        size_t index = site_of(builder, (const char *)sites->values[i].bytes.data);
        if (index != TE_NONE) {
            fabric->member[index] = topology->sites[index].active;
        }
    }
    for (size_t i = 0; hubs != NULL && i < hubs->len; i++) {
        size_t index = site_of(builder, (const char *)hubs->values[i].bytes.data);
        if (index != TE_NONE) {
            fabric->hub[index] = true;
            fabric->member[index] = topology->sites[index].active;
        }
    }
}

/* Number the members; a fabric that is too large to compute fails the pass, and what is in force stays. */
static enum pt_code number_members(struct builder *builder, struct te_fabric *fabric)
{
    struct te_topology *topology = builder->topology;
    fabric->place = pt_arena_array(builder->pass->arena, topology->sites_len, sizeof(size_t));
    for (size_t i = 0; i < topology->sites_len; i++) {
        fabric->member[i] = fabric->member[i] && topology->sites[i].node != NULL;
        fabric->place[i] = fabric->member[i] ? fabric->members_len++ : TE_NONE;
    }
    if (fabric->members_len > TE_SITES_PER_FABRIC_MAX) {
        return pt_fail(builder->reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, fabric->name,
                       "the fabric has %zu sites, at most %d are computed; name fewer in its `sites`, or use several "
                       "fabrics",
                       fabric->members_len, TE_SITES_PER_FABRIC_MAX);
    }
    return PT_OK;
}

static int compare_tunnels(const void *a, const void *b, void *arg)
{
    const struct te_topology *topology = arg;
    const struct te_tunnel *x = &topology->tunnels[*(const size_t *)a];
    const struct te_tunnel *y = &topology->tunnels[*(const size_t *)b];
    if (x->from != y->from) {
        return x->from < y->from ? -1 : 1;
    }
    if (x->metric != y->metric) {
        return x->metric < y->metric ? -1 : 1;
    }
    return x->id < y->id ? -1 : x->id > y->id;
}

/* The fabric's tunnels: links are grouped by underlay, so that only pairs that match are looked at. */
static void fabric_tunnels(struct builder *builder, struct te_fabric *fabric, struct pt_map *known)
{
    struct te_topology *topology = builder->topology;
    size_t capacity = 0;
    for (size_t a = 0; a < topology->links_len; a++) {
        const struct te_link *local = &topology->links[a];
        if (!local->usable || !fabric->member[local->site]) {
            continue;
        }
        for (size_t b = 0; b < topology->links_len; b++) {
            const struct te_link *remote = &topology->links[b];
            if (local->site == remote->site || !remote->usable || !fabric->member[remote->site] ||
                strcmp(local->underlay, remote->underlay) != 0 ||
                pt_ip_is_v4(&local->address) != pt_ip_is_v4(&remote->address) ||
                !adjacent(topology, fabric, local->site, remote->site)) {
                continue;
            }
            fabric->tunnels =
                grown(builder->pass->arena, fabric->tunnels, fabric->tunnels_len, &capacity, sizeof(size_t));
            fabric->tunnels[fabric->tunnels_len++] = add_tunnel(builder, known, a, b);
        }
    }
    if (fabric->tunnels_len > 0) {
        qsort_r(fabric->tunnels, fabric->tunnels_len, sizeof(size_t), compare_tunnels, topology);
    }
    fabric->first = pt_arena_array(builder->pass->arena, topology->sites_len + 1, sizeof(size_t));
    size_t at = 0;
    for (size_t site = 0; site <= topology->sites_len; site++) {
        while (at < fabric->tunnels_len && topology->tunnels[fabric->tunnels[at]].from < site) {
            at++;
        }
        fabric->first[site] = at;
    }
}

/* ---- stage ---------------------------------------------------------------------------------------------------- */

static void make_nodes(struct builder *builder)
{
    struct pt_plan_pass *pass = builder->pass;
    struct te_topology *topology = builder->topology;
    pass->nodes = pt_arena_array(pass->arena, topology->sites_len, sizeof(struct pt_plan_node *));
    /* Sites are in order of name, and an edge's name begins with its site's: nodes are in order too. */
    for (size_t i = 0; i < topology->sites_len; i++) {
        if (topology->sites[i].node != NULL) {
            pass->nodes[pass->nodes_len++] = topology->sites[i].node;
        }
    }
}

enum pt_code te_topology_run(struct pt_plan_pass *pass, void **ret_section, struct pt_error *reterr)
{
    struct te_topology *topology = PT_NEW(pass->arena, struct te_topology);
    topology->soft = pass->soft;
    topology->arena = pass->arena;
    struct builder builder = {.pass = pass, .topology = topology, .reterr = reterr};
    pt_view_scan(pass->view, "fabric", "", add_fabric, &builder);
    pt_view_scan(pass->view, "segment", "", add_segment, &builder);
    builder.sites_capacity = pt_view_count(pass->view, "site");
    topology->sites = pt_arena_array(pass->arena, builder.sites_capacity, sizeof(*topology->sites));
    pt_view_scan(pass->view, "site", "", add_site, &builder);
    pt_map_init(&builder.denied);
    pt_view_scan(pass->view, "deniedIdentity", "", add_denied, &builder);
    pt_view_scan(pass->view, "edge", "", add_edge, &builder);
    pt_map_fini(&builder.denied);
    pt_view_scan(pass->view, "link", "", add_link, &builder);
    if (pass->changes != NULL && pass->changes->links_len > 0) {
        builder.moved_first = pt_arena_array(pass->arena, topology->sites_len, sizeof(size_t));
        add_new_links(&builder, pass->changes);
    }
    struct pt_map known;
    pt_map_init(&known);
    enum pt_code code = PT_OK;
    for (size_t i = 0; i < topology->fabrics_len && code == PT_OK; i++) {
        fabric_members(&builder, &topology->fabrics[i]);
        code = number_members(&builder, &topology->fabrics[i]);
        if (code == PT_OK) {
            fabric_tunnels(&builder, &topology->fabrics[i], &known);
        }
    }
    pt_map_fini(&known);
    te_topology_index(topology);
    make_nodes(&builder);
    pt_map_fini(&builder.segment_index);
    pt_map_fini(&builder.fabric_index);
    *ret_section = topology;
    return code;
}
