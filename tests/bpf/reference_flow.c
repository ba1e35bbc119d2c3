/* The flow cache of the interpreter of reference.h, from docs/mod/data-plane.md and bpf/abi/flow.h. */
#include "reference_priv.h"

#include "bpf/abi/flow.h"

#include <check.h>
#include <string.h>

static void make_key(uint32_t vni, const struct ref_packet *p, uint8_t key[44])
{
    const uint32_t rest[3] = {vni, p->protocol, p->ports[0] << 16 | p->ports[1]};
    memcpy(key, p->source, 16);
    memcpy(key + 16, p->destination, 16);
    memcpy(key + 32, rest, 12);
}

static const struct ref_flow *find(const struct ref_flows *flows, const uint8_t key[44])
{
    for (size_t i = 0; i < flows->len; i++) {
        if (memcmp(flows->list[i].key, key, 44) == 0) {
            return &flows->list[i];
        }
    }
    return NULL;
}

const struct ref_flow *ref_known(const struct ref_model *m, const struct ref_flows *flows, uint32_t ifindex,
                                 const struct packet *in)
{
    struct ref_packet p;
    uint8_t key[44];
    uint32_t vni = ref_lan_segment(m, ifindex), ethertype = ref_get16(in->data + 12);
    if ((ethertype != 0x0800 && ethertype != 0x86dd) || vni == 0 || !ref_parse(in, vni, &p) || p.fragment) {
        return NULL;
    }
    if (ref_find_filter(m, vni) != NULL) {
        ref_read_query(in, &p);
    }
    make_key(vni, &p, key);
    return find(flows, key);
}

static bool is_dead(const struct ref_model *m, uint32_t slot)
{
    for (size_t i = 0; i < m->paths_len; i++) {
        if (m->paths[i].slot == slot) {
            return m->paths[i].state == PT_PATH_DEAD;
        }
    }
    return true;
}

/* Decided under today's policy and state of steering, for this DSCP, and its path lives. */
static bool is_fresh(const struct ref_model *m, const struct ref_flows *flows, const struct ref_flow *flow,
                     uint32_t dscp)
{
    return !flow->watched && flow->generation == flows->generation && flow->epoch == flows->epoch &&
           flow->dscp == dscp && (flow->kept != REF_KEPT_PATH || !is_dead(m, flow->out));
}

static uint32_t tier_of(const struct ref_model *m, const struct ref_group *g, uint32_t slot)
{
    for (size_t i = 0; i < g->members_len; i++) {
        if (m->paths[g->members[i].path].slot == slot) {
            return g->members[i].tier;
        }
    }
    return UINT32_MAX;
}

static bool may_stay(const struct ref_model *m, const struct ref_group *g, const struct ref_flow *flow)
{
    for (size_t i = 0; i < g->members_len; i++) {
        const struct ref_path *path = &m->paths[g->members[i].path];
        bool breaks = g->sla != 0 && (path->breaks >> (g->sla - 1) & 1);
        if (path->slot == flow->out) {
            return path->state != PT_PATH_DEAD && g->members[i].tier <= flow->tier && !(g->require && breaks);
        }
    }
    return false;
}

/* The two paths are as good as each other, and the group's flows follow its weights. */
static bool share_moved(const struct ref_model *m, const struct ref_group *g, uint32_t out, uint32_t choice)
{
    const uint32_t tiers_max = 255; /* that an entry tells apart */
    uint32_t from = tier_of(m, g, out), to = tier_of(m, g, choice);
    for (size_t i = 0; i < m->paths_len; i++) {
        if (m->paths[i].slot == out && g->sla != 0 && (m->paths[i].breaks >> (g->sla - 1) & 1)) {
            return false;
        }
    }
    return g->follow && (from == to || (from >= tiers_max && to >= tiers_max));
}

static void choose_path(const struct ref_model *m, struct ref_flows *flows, const struct ref_packet *p,
                        const struct ref_flow *flow, uint32_t class, struct ref_decision *d)
{
    bool unmet = false;
    const struct ref_group *g = ref_find_group(m, d->site, class);
    g = g == NULL ? ref_find_group(m, d->site, 0) : g;
    if (g == NULL) {
        d->reason = PT_DROP_NO_GROUP;
        return;
    }
    g = ref_group_for(m, g, p->tos >> 2);
    flows->by_class += g->traffic != 0;
    const struct ref_path *path = ref_choose(m, g, p->flow, &unmet);
    if (path == NULL) {
        d->reason = unmet ? PT_DROP_SLA_UNMET : PT_DROP_NO_PATH;
        return;
    }
    d->kept = REF_KEPT_PATH;
    d->out = path->slot;
    /* Only TCP under NEW_ONLY stays for good; what else would wait for a pause has had one. */
    if (flow != NULL && flow->kept == REF_KEPT_PATH && flow->out != path->slot && may_stay(m, g, flow) &&
        p->protocol == 6 && p->has_ports && !p->begins && g->move == PT_MOVE_NEW_ONLY) {
        bool follows = share_moved(m, g, flow->out, path->slot);
        d->out = follows ? path->slot : flow->out;
        flows->stays += !follows;
        flows->follows += follows;
    }
    d->tier = tier_of(m, g, d->out);
}

/* The segment with a way to the destination: the host's own, or one that rules lead to or from. 0: none. */
static uint32_t find_segment(const struct ref_model *m, uint32_t vni, const struct ref_packet *p, uint32_t answered_vni,
                             const struct ref_route **ret_route)
{
    const struct ref_filter *filter = ref_find_filter(m, vni);
    *ret_route = ref_find_route(m, vni, p->destination, p->v4);
    if (*ret_route != NULL) {
        return vni;
    }
    if (filter == NULL || filter->reach == 0 || (answered_vni != 0 && answered_vni != filter->reach)) {
        return 0;
    }
    *ret_route = ref_find_route(m, filter->reach, p->destination, p->v4);
    return *ret_route == NULL ? 0 : filter->reach;
}

static void ask(const struct ref_model *m, struct ref_flows *flows, struct ref_state *state,
                const struct ref_question *q, struct ref_packet *p, const struct ref_flow *flow, struct ref_decision *d)
{
    const struct ref_route *route;
    uint32_t answered_vni = 0;
    int answers = ref_answers(m, state, p, q->vni, &answered_vni);
    d->vni = find_segment(m, q->vni, p, answered_vni, &route);
    if (d->vni == 0) {
        ref_exit(m, state, q, p, d);
        d->watched = d->kept == REF_KEPT_EXIT;
        return;
    }
    if (route->lan == q->ifindex && d->vni == q->vni) {
        d->kept = REF_KEPT_LOCAL;
        d->out = q->ifindex;
        return;
    }
    const struct ref_judgement judgement = {
        .vni = q->vni, .to = d->vni, .answers = answers, .local = route->site == m->site};
    d->site = route->site;
    d->watched = ref_find_filter(m, q->vni) != NULL;
    if (!ref_judge(m, state, p, &judgement)) {
        d->kept = REF_KEPT_DROP;
        d->reason = PT_DROP_FIREWALL;
        return;
    }
    const struct ref_rule *rule = ref_find_rule(m, q->vni, p);
    if (rule != NULL && rule->deny) {
        d->kept = REF_KEPT_DROP;
        d->reason = PT_DROP_POLICY_DENY;
        return;
    }
    if (route->site == m->site) {
        d->kept = route->lan == 0 ? REF_KEPT_NOTHING : REF_KEPT_LOCAL;
        d->reason = PT_DROP_NO_ROUTE;
        d->out = route->lan;
        return;
    }
    d->sealed = route->sealed;
    choose_path(m, flows, p, flow, rule != NULL ? rule->class : 0, d);
}

/* The second packet of a flow makes the entry; the first leaves its mark, over that of whoever was there. */
static void keep(struct ref_flows *flows, const uint8_t key[44], struct ref_flow *flow, const struct ref_packet *p,
                 const struct ref_decision *d)
{
    uint32_t *mark = &flows->door[p->flow % REF_DOOR], own = ref_mix(p->flow) | 1;
    if (flow == NULL && *mark != own) {
        *mark = own;
        return;
    }
    if (flow == NULL) {
        ck_assert_uint_lt(flows->len, REF_FLOWS_MAX);
        flow = &flows->list[flows->len++];
        memcpy(flow->key, key, 44);
    }
    flow->kept = d->kept;
    flow->out = d->out;
    flow->reason = d->reason;
    flow->tier = d->tier;
    flow->sealed = d->sealed;
    flow->watched = d->watched;
    flow->dscp = p->tos >> 2;
    flow->generation = flows->generation;
    flow->epoch = flows->epoch;
}

void ref_decide(const struct ref_model *m, struct ref_flows *flows, struct ref_state *state,
                const struct ref_question *q, struct ref_packet *p, struct ref_decision *d)
{
    uint8_t key[44];
    memset(d, 0, sizeof(*d));
    flows->last = NULL;
    if (p->fragment) {
        ask(m, flows, state, q, p, NULL, d);
        return;
    }
    make_key(q->vni, p, key);
    struct ref_flow *flow = (struct ref_flow *)(uintptr_t)find(flows, key); /* one of ours */
    flows->last = flow;
    if (flow != NULL && !p->begins && is_fresh(m, flows, flow, p->tos >> 2)) {
        flows->hits++;
        *d = (struct ref_decision){.kept = flow->kept,
                                   .out = flow->out,
                                   .reason = flow->reason,
                                   .tier = flow->tier,
                                   .sealed = flow->sealed,
                                   .vni = q->vni};
        return;
    }
    ask(m, flows, state, q, p, flow, d);
    bool own_wire = d->site == 0, ours = d->site == m->site;
    if (d->kept != REF_KEPT_NOTHING && !d->forgotten && !own_wire && !(d->kept == REF_KEPT_DROP && ours)) {
        keep(flows, key, flow, p, d);
    }
}
