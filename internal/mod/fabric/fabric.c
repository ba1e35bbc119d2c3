/*
 * Fabrics and segments: who is connected with whom, and in how many worlds that do not meet. Each segment gets the
 * number that its packets carry.
 */
#include "mod/fabric/fabric.h"

#include "base/limits.h"
#include "base/net.h"
#include "mod/site/site.h"
#include "patronus/v1/fabric.pb-c.h"

#include <stdio.h>
#include <string.h>

/* ---- fabrics -------------------------------------------------------------------------------------------------- */

static bool contains(const struct pt_msg_field *list, struct pt_bytes name)
{
    for (size_t i = 0; i < list->len; i++) {
        if (list->values[i].bytes.size == name.size && memcmp(list->values[i].bytes.data, name.data, name.size) == 0) {
            return true;
        }
    }
    return false;
}

static enum pt_code fabric_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    (void)view;
    if (change->after == NULL) {
        return PT_OK;
    }
    const struct pt_msg_field *hubs = pt_msg_field(change->after, "hubs");
    const struct pt_msg_field *sites = pt_msg_field(change->after, "sites");
    bool hub_spoke = pt_msg_i64(change->after, "topology") == PATRONUS__V1__TOPOLOGY__HUB_SPOKE;
    if (hub_spoke && (hubs == NULL || hubs->len == 0)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "hubs",
                       "topology HUB_SPOKE needs at least one hub site");
    }
    for (size_t i = 0; hubs != NULL && sites != NULL && sites->len > 0 && i < hubs->len; i++) {
        if (!contains(sites, hubs->values[i].bytes)) {
            char path[96];
            (void)snprintf(path, sizeof(path), "hubs[%zu]", i);
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                           "%.200s is a hub and not among the fabric's sites; add it to sites",
                           (const char *)hubs->values[i].bytes.data);
        }
    }
    return PT_OK;
}

/* ---- segments ------------------------------------------------------------------------------------------------- */

static enum pt_code segment_derive(struct pt_store *store, const struct pt_change *change, struct pt_msg *after,
                                   struct pt_arena *arena, struct pt_error *reterr)
{
    if (change->before != NULL) {
        return PT_OK; /* a number is kept for life */
    }
    uint64_t vni = 0;
    PT_TRY(pt_store_allocate(store, "vni", 1, PT_VNI_MAX, &vni, reterr));
    pt_msg_set_u64(after, arena, "vni", vni);
    return PT_OK;
}

struct edges {
    const struct pt_change *change;
    enum pt_code code;
    struct pt_error *reterr;
};

/* Does an edge announce something that the segment would no longer hold? */
static bool check_edge(void *arg, const char *name, const struct pt_msg *edge)
{
    struct edges *edges = arg;
    const struct pt_msg_field *lans = pt_msg_field(edge, "lan_interfaces");
    for (size_t i = 0; lans != NULL && i < lans->len; i++) {
        const struct pt_msg *lan = lans->values[i].message;
        const struct pt_msg_field *prefixes = pt_msg_field(lan, "prefixes");
        bool ours = strcmp(pt_msg_str(lan, "segment"), edges->change->name) == 0;
        for (size_t j = 0; ours && prefixes != NULL && j < prefixes->len; j++) {
            struct pt_prefix prefix;
            const char *text = (const char *)prefixes->values[j].bytes.data;
            if (pt_prefix_parse(text, &prefix, NULL) == PT_OK && !site_prefix_allowed(&prefix, edges->change->after)) {
                edges->code =
                    pt_fail(edges->reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "prefixes",
                            "%.200s announces %.49s, which would be outside; change the edge first", name, text);
                return false;
            }
        }
    }
    return true;
}

static enum pt_code segment_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    const struct pt_msg *after = change->after;
    if (after == NULL || change->before == NULL || !pt_msg_has(after, "prefixes")) {
        return PT_OK; /* nothing refers to a new segment; none named means any */
    }
    char organization[PT_NAME_SIZE_MAX + 1];
    site_organization_of(change->name, organization);
    struct edges edges = {.change = change, .reterr = reterr};
    pt_view_scan(view, "edge", organization, check_edge, &edges);
    return edges.code;
}

static const struct pt_kind fabric = {.message = "patronus.v1.Fabric", .check = fabric_check};
static const struct pt_kind segment = {
    .message = "patronus.v1.Segment", .check = segment_check, .derive = segment_derive};
static const struct pt_kind *const kinds[] = {&fabric, &segment, NULL};
static const char *const needs[] = {"site", NULL};

const struct pt_mod pt_mod_fabric = {.name = "fabric", .needs = needs, .kinds = kinds};
