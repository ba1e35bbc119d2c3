/*
 * The mod, and its views: tunnels and paths as resources, made from the newest pass.
 */
#include "mod/te/te.h"

#include "mod/te/emit.h"
#include "mod/te/paths.h"
#include "mod/te/steer.h"
#include "mod/te/topology.h"

#include <stdlib.h>
#include <string.h>

static const struct pt_stage topology_stage = {.name = "topology", .run = te_topology_run};
static const struct pt_stage paths_stage = {
    .name = "te", .after = (const char *const[]){"topology", NULL}, .run = te_paths_run};
static const struct pt_stage steer_stage = {
    .name = "steer", .after = (const char *const[]){"topology", NULL}, .run = te_steer_run};
static const struct pt_stage emit_stage = {
    .name = "emit", .after = (const char *const[]){"topology", "te", "steer", NULL}, .run = te_emit_run};

const struct pt_mod pt_mod_te = {
    .name = "te",
    .needs = (const char *const[]){"qos", "site", "fabric", "policy", "nat", "firewall", NULL},
    .stages = (const struct pt_stage *const[]){&topology_stage, &paths_stage, &steer_stage, &emit_stage, NULL},
};

const struct te_solution *te_solution_of(const struct pt_plan_pass *pass)
{
    const struct te_paths *paths = pass != NULL ? pt_map_get_str(&pass->sections, "te") : NULL;
    return paths != NULL ? paths->solution : NULL;
}

void te_pass_fini(struct pt_plan_pass *pass)
{
    struct te_solution *solution = (struct te_solution *)(uintptr_t)te_solution_of(pass);
    if (solution != NULL) {
        pt_map_fini(&solution->weights);
    }
}

size_t te_weight_key(uint64_t path_id, uint32_t traffic_class, const char *said_at, uint8_t ret_key[TE_WEIGHT_KEY_SIZE])
{
    size_t size = said_at != NULL ? strnlen(said_at, PT_NAME_SIZE_MAX) : 0;
    pt_put_be64(ret_key, path_id);
    ret_key[8] = (uint8_t)traffic_class;
    if (size > 0) {
        memcpy(ret_key + 9, said_at, size);
    }
    return 9 + size;
}

const uint32_t *te_weight_of(const struct te_solution *solution, const char *from, uint64_t path_id,
                             uint32_t traffic_class)
{
    uint8_t key[TE_WEIGHT_KEY_SIZE];
    if (solution == NULL || solution->weights.count == 0) {
        return NULL;
    }
    size_t size = te_weight_key(path_id, traffic_class, solution->hold ? from : NULL, key);
    return pt_map_get(&solution->weights, key, size);
}

/* ---- what serve/ shows ----------------------------------------------------------------------------------------------
 */

size_t te_link_tunnels(const struct pt_plan_pass *pass, const char *link, uint64_t *ret_tunnels, size_t len_max)
{
    const struct te_topology *topology = pt_map_get_str(&pass->sections, "topology");
    size_t len = 0;
    for (size_t i = 0; topology != NULL && i < topology->tunnels_len && len < len_max; i++) {
        if (strcmp(topology->links[topology->tunnels[i].local].name, link) == 0) {
            ret_tunnels[len++] = topology->tunnels[i].id;
        }
    }
    return len;
}

static int compare_items(const void *a, const void *b)
{
    const struct te_view_item *x = a;
    const struct te_view_item *y = b;
    return strcmp(pt_msg_str(x->msg, "name"), pt_msg_str(y->msg, "name"));
}

static struct te_view_item *sorted(struct te_view_item *items, size_t len)
{
    if (len > 0) {
        qsort(items, len, sizeof(*items), compare_items);
    }
    return items;
}

struct te_view_item *te_view_tunnels(const struct pt_plan_pass *pass, const struct pt_message_type *kind,
                                     struct pt_arena *arena, size_t *ret_len)
{
    const struct te_topology *topology = pt_map_get_str(&pass->sections, "topology");
    struct te_view_item *items = pt_arena_array(arena, topology->tunnels_len, sizeof(*items));
    for (size_t i = 0; i < topology->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &topology->tunnels[i];
        struct pt_msg *msg = pt_msg_new(arena, kind);
        pt_msg_set_str(msg, arena, "name",
                       pt_arena_printf(arena, "%s/tunnels/t-%016llx", topology->sites[tunnel->from].organization,
                                       (unsigned long long)tunnel->id));
        pt_msg_set_str(msg, arena, "local_link", topology->links[tunnel->local].name);
        pt_msg_set_str(msg, arena, "remote_link", topology->links[tunnel->remote].name);
        bool plain = topology->links[tunnel->local].plain && topology->links[tunnel->remote].plain;
        pt_msg_set_str(msg, arena, "encapsulation", plain ? "geneve" : "geneve, sealed");
        pt_msg_set_u64(msg, arena, "mtu", tunnel->mtu);
        items[i] = (struct te_view_item){.msg = msg, .path_id = te_direct_path(tunnel->id)};
    }
    *ret_len = topology->tunnels_len;
    return sorted(items, topology->tunnels_len);
}

static struct pt_msg *path_msg(const struct te_topology *topology, const struct te_path *path, size_t fabric,
                               const struct pt_message_type *kind, struct pt_arena *arena)
{
    const struct te_tunnel *first = &topology->tunnels[path->tunnels[0]];
    const struct te_tunnel *last = &topology->tunnels[path->tunnels[path->tunnels_len - 1]];
    const char *organization = topology->sites[first->from].organization;
    struct pt_msg *msg = pt_msg_new(arena, kind);
    pt_msg_set_str(msg, arena, "name",
                   pt_arena_printf(arena, "%s/paths/p-%016llx", organization, (unsigned long long)path->id));
    pt_msg_set_str(msg, arena, "source_site", topology->sites[first->from].name);
    pt_msg_set_str(msg, arena, "destination_site", topology->sites[last->to].name);
    for (size_t i = 0; i < path->tunnels_len; i++) {
        const char *site = topology->sites[topology->tunnels[path->tunnels[i]].to].name;
        pt_msg_append(msg, arena, "hops",
                      (union pt_value){.bytes = {.data = (const uint8_t *)site, .size = strlen(site)}});
    }
    pt_msg_set_str(msg, arena, "tunnel",
                   pt_arena_printf(arena, "%s/tunnels/t-%016llx", organization, (unsigned long long)first->id));
    pt_msg_set_u64(msg, arena, "weight", path->weight);
    pt_msg_set_bool(msg, arena, "backup", path->tier > 0);
    for (size_t i = 0; i < topology->segments_len; i++) {
        if (topology->segments[i].fabric == fabric) {
            const char *segment = topology->segments[i].name;
            pt_msg_append(msg, arena, "segments",
                          (union pt_value){.bytes = {.data = (const uint8_t *)segment, .size = strlen(segment)}});
        }
    }
    return msg;
}

/* How many paths the pass has, those twice that two pairs share: what the sites could have would not fit in memory. */
static size_t paths_len(const struct te_topology *topology, const struct te_paths *paths)
{
    size_t len = 0;
    for (size_t fabric = 0; fabric < topology->fabrics_len; fabric++) {
        size_t members_len = topology->fabrics[fabric].members_len;
        for (size_t i = 0; i < members_len * members_len; i++) {
            len += paths->fabrics[fabric].pairs[i].len;
        }
    }
    return len;
}

struct te_view_item *te_view_paths(const struct pt_plan_pass *pass, const struct pt_message_type *kind,
                                   struct pt_arena *arena, size_t *ret_len)
{
    const struct te_topology *topology = pt_map_get_str(&pass->sections, "topology");
    const struct te_paths *paths = pt_map_get_str(&pass->sections, "te");
    struct te_view_item *items = pt_arena_array(arena, paths_len(topology, paths), sizeof(*items));
    struct pt_map seen;
    pt_map_init(&seen);
    size_t len = 0;
    for (size_t fabric = 0; fabric < topology->fabrics_len; fabric++) {
        size_t members_len = topology->fabrics[fabric].members_len;
        for (size_t i = 0; i < members_len * members_len; i++) {
            const struct te_pair *pair = &paths->fabrics[fabric].pairs[i];
            for (size_t j = 0; j < pair->len; j++) {
                uint8_t key[8];
                pt_put_be64(key, pair->paths[j].id);
                if (pt_map_put(&seen, key, sizeof(key), items) == NULL) {
                    items[len++] = (struct te_view_item){
                        .msg = path_msg(topology, &pair->paths[j], fabric, kind, arena), .path_id = pair->paths[j].id};
                }
            }
        }
    }
    pt_map_fini(&seen);
    *ret_len = len;
    return sorted(items, len);
}
