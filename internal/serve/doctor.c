/*
 * DiagnoseSite: the facts about a site that the leader has (state, streams, what edges reported), for the mod to
 * conclude from (mod/site/doctor.h). Nothing is asked of an edge: what is wrong may be that it cannot answer.
 */
#include "serve/controller_priv.h"

#include "kind/tenant.h"
#include "mod/site/doctor.h"
#include "mod/te/simulate.h"
#include "mod/te/steer.h"
#include "mod/te/te.h"
#include "patronus/v1/common.pb-c.h"
#include "patronus/v1/fabric.pb-c.h"
#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#define EDGES_MAX 64
#define LINKS_MAX 256
#define PATHS_MAX 4096
#define DROPS_MAX 256
#define SLAS_MAX 1024
#define SEAL_SIZE 32U /* by so much packets are smaller through the seal (internal/mod/te/emit.c) */

struct gathering {
    struct pt_controller *controller;
    struct pt_arena *arena;
    struct pt_view *view;
    struct site_facts facts;
    struct site_edge_facts *edges;
    struct site_link_facts *links;
    struct site_path_facts *paths;
    struct site_drop_facts *drops;
    const char *slas[SLAS_MAX];
    size_t slas_len;
};

static bool is_drained(const struct pt_msg *resource)
{
    int64_t state = pt_msg_i64(resource, "admin_state");
    return state == PATRONUS__V1__ADMIN_STATE__DRAINED || state == PATRONUS__V1__ADMIN_STATE__MAINTENANCE;
}

/* ---- edges and links ------------------------------------------------------------------------------------------ */

static bool add_edge(void *arg, const char *name, const struct pt_msg *edge)
{
    struct gathering *g = arg;
    struct pt_controller *controller = g->controller;
    const struct pt_edge_session *session = pt_edge_find(controller, name);
    struct site_edge_facts facts = {.name = pt_arena_strdup(g->arena, name),
                                    .joined = pt_msg_str(edge, "public_key_digest")[0] != '\0'};
    if (session != NULL && session->greeted) {
        uint64_t now_ns = pt_sys_now_ns(controller->sys);
        facts.connected = true;
        facts.refused = session->refused;
        facts.clock_known = session->clock_known;
        facts.clock_ms = session->clock_ms;
        facts.leaf_known = session->leaf_end_wall_ns != 0;
        facts.leaf_s = (session->leaf_end_wall_ns - pt_sys_wall_ns(controller->sys)) / 1000000000;
        facts.unsent_s = session->sent != NULL ? (now_ns - session->sent_at_ns) / 1000000000 : 0;
    }
    g->edges[g->facts.edges_len++] = facts;
    return g->facts.edges_len < EDGES_MAX;
}

static void add_load(struct gathering *g, const struct pt_msg *link, struct site_link_facts *facts)
{
    struct pt_msg *with = pt_msg_dup(link, g->arena);
    struct pt_soft_overlay soft = pt_soft_overlay(g->controller);
    soft.overlay(soft.context, with, g->arena);
    const struct pt_msg_field *classes = pt_msg_field(with, "classes");
    for (size_t i = 0; classes != NULL && i < classes->len; i++) {
        const struct pt_msg *class = classes->values[i].message;
        uint32_t delay_us = (uint32_t)pt_msg_u64(class, "delay_us");
        facts->rate_bps += pt_msg_u64(class, "rate_bps");
        facts->delay_us = delay_us > facts->delay_us ? delay_us : facts->delay_us;
    }
    const struct pt_msg *translation = pt_msg_child(with, "translation");
    if (translation != NULL) {
        static const char *const taken[] = {"tcp_ports", "udp_ports", "icmp_ids"};
        for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
            uint32_t ports = (uint32_t)pt_msg_u64(translation, taken[i]);
            facts->taken = ports > facts->taken ? ports : facts->taken;
        }
        facts->ports = (uint32_t)pt_msg_u64(translation, "ports");
        facts->refused = pt_msg_u64(translation, "exhausted_packets");
        facts->lacks_ports = pt_soft_lacks_ports(g->controller->soft, link);
    }
}

static bool add_link(void *arg, const char *name, const struct pt_msg *link)
{
    struct gathering *g = arg;
    struct site_link_facts *facts = &g->links[g->facts.links_len++];
    *facts = (struct site_link_facts){.name = pt_arena_strdup(g->arena, name),
                                      .drained = is_drained(link),
                                      .capacity_bps = pt_msg_u64(link, "capacity_up_bps")};
    add_load(g, link, facts);
    return g->facts.links_len < LINKS_MAX;
}

static bool add_sla(void *arg, const char *name, const struct pt_msg *profile)
{
    struct gathering *g = arg;
    (void)profile;
    g->slas[g->slas_len++] = pt_arena_strdup(g->arena, name);
    return g->slas_len < SLAS_MAX;
}

/* ---- tunnels and paths ---------------------------------------------------------------------------------------- */

static struct site_link_facts *link_of(struct gathering *g, const char *name)
{
    for (size_t i = 0; i < g->facts.links_len; i++) {
        if (strcmp(g->links[i].name, name) == 0) {
            return &g->links[i];
        }
    }
    return NULL;
}

/* The measured fields are the leader's overlay's, as reads of Tunnel have them. */
static void add_tunnel(void *arg, struct pt_msg *tunnel)
{
    struct gathering *g = arg;
    struct site_link_facts *link = link_of(g, pt_msg_str(tunnel, "local_link"));
    uint32_t mtu = (uint32_t)pt_msg_u64(tunnel, "mtu"), found = (uint32_t)pt_msg_u64(tunnel, "path_mtu");
    if (link == NULL) {
        return;
    }
    link->tunnels++;
    link->dead += pt_msg_i64(tunnel, "oper_state") == PATRONUS__V1__OPER_STATE__DOWN;
    mtu = mtu > SEAL_SIZE ? mtu - SEAL_SIZE : 0; /* what is found is found through the seal */
    link->mtu = mtu > link->mtu ? mtu : link->mtu;
    link->found_mtu = found != 0 && (link->found_mtu == 0 || found < link->found_mtu) ? found : link->found_mtu;
}

/* Names of the profiles with these ids. */
static const char *const *sla_names(struct gathering *g, const uint64_t *ids, size_t len, size_t *ret_len)
{
    const char **names = pt_arena_array(g->arena, len, sizeof(*names));
    *ret_len = 0;
    for (size_t i = 0; i < len; i++) {
        for (size_t j = 0; j < g->slas_len; j++) {
            if (te_sla_id(g->slas[j]) == ids[i]) {
                names[(*ret_len)++] = g->slas[j];
                break;
            }
        }
    }
    return names;
}

/* First link of a path, by the name of its tunnel; "" when that is gone. */
static const char *first_link(const struct te_view_item *tunnels, size_t len, const char *name)
{
    for (size_t i = 0; i < len; i++) {
        if (strcmp(pt_msg_str(tunnels[i].msg, "name"), name) == 0) {
            return pt_msg_str(tunnels[i].msg, "local_link");
        }
    }
    return "";
}

static int compare_paths(const void *a, const void *b)
{
    const struct site_path_facts *x = a, *y = b;
    int order = strcmp(x->destination, y->destination);
    return order != 0 ? order : strcmp(x->name, y->name);
}

static void add_paths(struct gathering *g, const struct pt_plan_pass *pass)
{
    const struct pt_schema *schema = g->controller->schema;
    size_t tunnels_len = 0, len = 0;
    struct te_view_item *tunnels =
        te_view_tunnels(pass, pt_schema_message(schema, "patronus.v1.Tunnel"), g->arena, &tunnels_len);
    struct te_view_item *items = te_view_paths(pass, pt_schema_message(schema, "patronus.v1.Path"), g->arena, &len);
    for (size_t i = 0; i < len && g->facts.paths_len < PATHS_MAX; i++) {
        const struct pt_msg *path = items[i].msg;
        struct te_measure measure = {0};
        if (strcmp(pt_msg_str(path, "source_site"), g->facts.site) != 0) {
            continue;
        }
        struct site_path_facts *facts = &g->paths[g->facts.paths_len++];
        *facts = (struct site_path_facts){.name = pt_msg_str(path, "name"),
                                          .destination = pt_msg_str(path, "destination_site"),
                                          .link = first_link(tunnels, tunnels_len, pt_msg_str(path, "tunnel")),
                                          .carries = !pt_msg_bool(path, "backup")};
        facts->known = pt_soft_measured(g->controller->soft, items[i].path_id, &measure);
        facts->alive = measure.alive;
        facts->rtt_us = measure.rtt_us;
        facts->min_rtt_us = measure.min_rtt_us;
        facts->loss_ppm = measure.loss_ppm;
        facts->slas = sla_names(g, measure.broken_slas, measure.broken_slas_len, &facts->slas_len);
    }
    if (g->facts.paths_len > 0) {
        qsort(g->paths, g->facts.paths_len, sizeof(*g->paths), compare_paths);
    }
}

/* ---- drops ---------------------------------------------------------------------------------------------------- */

/* Somebody wanted it so: rules, limits, filters; or it was told to the host, or is its own. */
static bool is_meant(const char *reason)
{
    static const char *const labels[] = {"policy_deny",   "firewall",    "rate_limited", "nat_filtered",
                                         "source_denied", "source_rate", "ttl_exceeded", "too_big_reported"};
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        if (strcmp(labels[i], reason) == 0) {
            return true;
        }
    }
    return false;
}

static void add_drop(void *arg, const char *edge, uint32_t reason, uint64_t packets, uint64_t recent)
{
    struct gathering *g = arg;
    size_t size = strlen(g->facts.site);
    (void)packets;
    if (strncmp(edge, g->facts.site, size) == 0 && edge[size] == '/' && g->facts.drops_len < DROPS_MAX) {
        const char *label = pt_drop_label(reason);
        g->drops[g->facts.drops_len++] = (struct site_drop_facts){.edge = pt_arena_strdup(g->arena, edge),
                                                                  .reason = label,
                                                                  .text = pt_drop_text(reason),
                                                                  .remedy = pt_drop_remedy(reason),
                                                                  .recent = recent,
                                                                  .meant = is_meant(label)};
    }
}

/* ---- the call ------------------------------------------------------------------------------------------------- */

static void gather(struct gathering *g, const struct pt_msg *site, const struct pt_plan_pass *pass)
{
    const struct pt_message_type *tunnel = pt_schema_message(g->controller->schema, "patronus.v1.Tunnel");
    struct pt_soft_overlay soft = pt_soft_overlay(g->controller);
    char organization[PT_NAME_SIZE_MAX + 1];
    size_t size = pt_tenant_name_size(g->facts.site);
    memcpy(organization, g->facts.site, size);
    organization[size] = '\0';
    g->edges = pt_arena_array(g->arena, EDGES_MAX, sizeof(*g->edges));
    g->links = pt_arena_array(g->arena, LINKS_MAX, sizeof(*g->links));
    g->paths = pt_arena_array(g->arena, PATHS_MAX, sizeof(*g->paths));
    g->drops = pt_arena_array(g->arena, DROPS_MAX, sizeof(*g->drops));
    g->facts.drained = is_drained(site);
    pt_view_scan(g->view, "edge", g->facts.site, add_edge, g);
    pt_view_scan(g->view, "link", g->facts.site, add_link, g);
    pt_view_scan(g->view, "slaProfile", organization, add_sla, g);
    soft.list_view(soft.context, tunnel, g->arena, add_tunnel, g);
    add_paths(g, pass);
    pt_metrics_each_drop(g->controller, add_drop, g);
    g->facts.edges = g->edges;
    g->facts.links = g->links;
    g->facts.paths = g->paths;
    g->facts.drops = g->drops;
}

static void answer(struct pt_serve_call *call, const struct pt_msg *request, struct pt_view *view)
{
    const char *name = pt_msg_str(request, "name");
    const struct pt_plan_pass *pass = pt_push_pass(call->controller->push);
    const struct pt_msg *site = pt_view_get(view, name);
    struct gathering g = {.controller = call->controller, .arena = &call->arena, .view = view, .facts = {.site = name}};
    if (site == NULL || strcmp(site->type->resource->singular, "site") != 0) {
        pt_serve_refuse(call, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "there is no site '%.200s'", name);
        return;
    }
    if (pass == NULL) {
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_LEADER_CHANGED,
                        "the leader was elected just now and has no plan yet: try again in a second");
        return;
    }
    gather(&g, site, pass);
    const Patronus__V1__DiagnoseSiteResponse *response = site_diagnose(&g.facts, &call->arena);
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__diagnose_site_response__get_packed_size(response);
    (void)patronus__v1__diagnose_site_response__pack(response, pt_buf_reserve(&data, size));
    data.size = size;
    pt_serve_reply(call, pt_buf_bytes(&data));
}

static void on_message(struct pt_serve_call *call, struct pt_bytes message)
{
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_REFUSE};
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    enum pt_code code = pt_msg_parse(call->method->input, message, &options, &call->arena, &request, &error);
    code = code == PT_OK ? pt_msg_check(request, PT_RULE_CREATE, &error) : code;
    if (code != PT_OK) {
        pt_serve_fail(call, &error);
        return;
    }
    struct pt_view *view = pt_view_new(call->controller->machine);
    answer(call, request, view);
    pt_view_free(view);
}

const struct pt_serve_method pt_serve_diagnose_site = {.path = "/patronus.v1.DiagnosticsService/DiagnoseSite",
                                                       .on_message = on_message};
