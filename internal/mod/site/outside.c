/*
 * Prefixes as other sites know them. Two sites of a segment may have equal prefixes where a NatPolicy maps them one to
 * one: what must not overlap is then what each is known by, and no site may be known by what another one has inside,
 * for there the route would lead home.
 *
 *    site A: 10.0.0.0/24, known as 172.16.1.0/24          known by A, known by B, inside A, inside B:
 *    site B: 10.0.0.0/24, known as 172.16.2.0/24          only the last two may meet
 *
 * So an edge is looked at with the policies there are, and a policy with the edges there are: whichever is written
 * last is refused, and a policy on which a site depends cannot be taken away.
 */
#include "mod/site/site.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void site_prefix_outside(const struct pt_msg *policy, const char *site, struct pt_prefix *prefix)
{
    const struct pt_msg_field *maps = policy != NULL ? pt_msg_field(policy, "prefix_maps") : NULL;
    for (size_t i = 0; maps != NULL && i < maps->len; i++) {
        const struct pt_msg *map = maps->values[i].message;
        struct pt_prefix inside, outside;
        if (strcmp(pt_msg_str(map, "site"), site) == 0 &&
            pt_prefix_parse(pt_msg_str(map, "inside"), &inside, NULL) == PT_OK &&
            pt_prefix_parse(pt_msg_str(map, "outside"), &outside, NULL) == PT_OK && inside.len == prefix->len &&
            pt_ip_equal(&inside.ip, &prefix->ip)) {
            *prefix = outside;
            return;
        }
    }
}

/* ---- which policy applies ------------------------------------------------------------------------------------- */

static void add_policy(struct site_outside *outside, const char *name, const struct pt_msg *msg)
{
    if (outside->len == outside->capacity) {
        outside->capacity = outside->capacity == 0 ? 16 : outside->capacity * 2;
        outside->policies = realloc(outside->policies, outside->capacity * sizeof(*outside->policies));
        pt_assert(outside->policies != NULL);
    }
    outside->policies[outside->len++] = (struct site_outside_policy){.name = name, .msg = msg};
    outside->any = outside->any || pt_msg_field(msg, "prefix_maps") != NULL;
}

static bool collect(void *arg, const char *name, const struct pt_msg *msg)
{
    struct site_outside *outside = arg;
    if (!pt_msg_bool(msg, "disabled") && (outside->except == NULL || strcmp(name, outside->except) != 0)) {
        add_policy(outside, name, msg);
    }
    return true;
}

void site_outside_read(struct pt_view *view, const char *organization, const struct pt_change *change,
                       struct site_outside *ret_outside)
{
    *ret_outside = (struct site_outside){.except = change != NULL ? change->name : NULL};
    pt_view_scan(view, "natPolicy", organization, collect, ret_outside);
    if (change != NULL && change->after != NULL && !pt_msg_bool(change->after, "disabled")) {
        add_policy(ret_outside, change->name, change->after);
    }
}

void site_outside_fini(struct site_outside *outside)
{
    free(outside->policies);
    *outside = (struct site_outside){0};
}

static bool applies(const struct pt_msg *policy, const char *segment, const char *site)
{
    const struct pt_msg_field *sites = pt_msg_field(policy, "sites");
    bool listed = sites == NULL || sites->len == 0;
    for (size_t i = 0; !listed && i < sites->len; i++) {
        listed = strcmp((const char *)sites->values[i].bytes.data, site) == 0;
    }
    return listed && strcmp(pt_msg_str(policy, "segment"), segment) == 0;
}

/* The first by name, as on the nodes. */
static const struct pt_msg *policy_of(const struct site_outside *outside, const char *segment, const char *site)
{
    const struct site_outside_policy *first = NULL;
    for (size_t i = 0; i < outside->len && outside->any; i++) {
        const struct site_outside_policy *policy = &outside->policies[i];
        if (applies(policy->msg, segment, site) && (first == NULL || strcmp(policy->name, first->name) < 0)) {
            first = policy;
        }
    }
    return first != NULL ? first->msg : NULL;
}

/* ---- two interfaces of two sites ------------------------------------------------------------------------------ */

static bool nth_prefix(const struct pt_msg *lan, size_t at, const char **ret_text, struct pt_prefix *ret_prefix)
{
    const struct pt_msg_field *field = pt_msg_field(lan, "prefixes");
    if (field == NULL || at >= field->len) {
        return false;
    }
    *ret_text = (const char *)field->values[at].bytes.data;
    return pt_prefix_parse(*ret_text, ret_prefix, NULL) == PT_OK; /* its form has been checked */
}

bool site_outside_clash(const struct site_outside *outside, const struct site_lan *a, const struct site_lan *b,
                        const char **ret_a, const char **ret_b)
{
    const char *segment = pt_msg_str(a->lan, "segment");
    struct pt_prefix in_a, in_b;
    if (strcmp(segment, pt_msg_str(b->lan, "segment")) != 0) {
        return false;
    }
    const struct pt_msg *policy_a = policy_of(outside, segment, a->site);
    const struct pt_msg *policy_b = policy_of(outside, segment, b->site);
    for (size_t i = 0; nth_prefix(a->lan, i, ret_a, &in_a); i++) {
        struct pt_prefix out_a = in_a;
        site_prefix_outside(policy_a, a->site, &out_a);
        for (size_t j = 0; nth_prefix(b->lan, j, ret_b, &in_b); j++) {
            struct pt_prefix out_b = in_b;
            site_prefix_outside(policy_b, b->site, &out_b);
            if (site_prefixes_overlap(&out_a, &out_b) || site_prefixes_overlap(&out_a, &in_b) ||
                site_prefixes_overlap(&in_a, &out_b)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- a policy with the edges there are ------------------------------------------------------------------------ */

struct edges {
    struct {
        const struct pt_msg *msg;
        char site[PT_NAME_SIZE_MAX + 1];
    } * items;
    size_t len, capacity;
};

static bool collect_edge(void *arg, const char *name, const struct pt_msg *edge)
{
    struct edges *edges = arg;
    if (pt_msg_field(edge, "lan_interfaces") == NULL) {
        return true;
    }
    if (edges->len == edges->capacity) {
        edges->capacity = edges->capacity == 0 ? 64 : edges->capacity * 2;
        edges->items = realloc(edges->items, edges->capacity * sizeof(*edges->items));
        pt_assert(edges->items != NULL);
    }
    edges->items[edges->len].msg = edge;
    pt_name_parent(name, edges->items[edges->len++].site);
    return true;
}

/* Whose prefixes the policies map, or the one that is changed mapped. */
static bool is_mapped(const struct site_outside *outside, const struct pt_msg *before, const char *site)
{
    for (size_t i = 0; i < outside->len + (before != NULL ? 1U : 0U); i++) {
        const struct pt_msg *policy = i < outside->len ? outside->policies[i].msg : before;
        const struct pt_msg_field *maps = pt_msg_field(policy, "prefix_maps");
        for (size_t j = 0; maps != NULL && j < maps->len; j++) {
            if (strcmp(pt_msg_str(maps->values[j].message, "site"), site) == 0) {
                return true;
            }
        }
    }
    return false;
}

static enum pt_code compare_edges(const struct site_outside *outside, const struct edges *edges, size_t x, size_t y,
                                  struct pt_error *reterr)
{
    const struct pt_msg_field *lans_x = pt_msg_field(edges->items[x].msg, "lan_interfaces");
    const struct pt_msg_field *lans_y = pt_msg_field(edges->items[y].msg, "lan_interfaces");
    for (size_t i = 0; i < lans_x->len; i++) {
        for (size_t j = 0; j < lans_y->len; j++) {
            const struct site_lan a = {.lan = lans_x->values[i].message, .site = edges->items[x].site};
            const struct site_lan b = {.lan = lans_y->values[j].message, .site = edges->items[y].site};
            const char *own, *other;
            if (site_outside_clash(outside, &a, &b, &own, &other)) {
                return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "prefix_maps",
                               "%.49s of %.160s would then meet %.49s of %.160s; both need outsides that nobody has",
                               own, a.site, other, b.site);
            }
        }
    }
    return PT_OK;
}

enum pt_code site_check_outsides(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    char organization[PT_NAME_SIZE_MAX + 1];
    struct site_outside outside;
    struct edges edges = {0};
    enum pt_code code = PT_OK;
    site_organization_of(change->name, organization);
    site_outside_read(view, organization, change, &outside);
    bool mapped = change->before != NULL && pt_msg_field(change->before, "prefix_maps") != NULL;
    if (outside.any || mapped) {
        pt_view_scan(view, "edge", organization, collect_edge, &edges);
    }
    for (size_t x = 0; x < edges.len && code == PT_OK; x++) {
        if (!is_mapped(&outside, change->before, edges.items[x].site)) {
            continue; /* two that are not mapped were compared when they were written */
        }
        for (size_t y = 0; y < edges.len && code == PT_OK; y++) {
            if (strcmp(edges.items[x].site, edges.items[y].site) != 0) {
                code = compare_edges(&outside, &edges, x, y, reterr);
            }
        }
    }
    free(edges.items);
    site_outside_fini(&outside);
    return code;
}
