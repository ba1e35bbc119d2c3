/*
 * What would become of a packet? The same rules, routes and groups that nodes got, walked for one packet that need not
 * exist, and a reason for each thing that did not happen.
 *
 * It answers from the newest pass and what nodes reported last. The choice among equal paths is the flow's hash, which
 * only the node computes: all of them are marked as chosen.
 */
#include "mod/te/simulate.h"

#include "base/drop.h"
#include "bpf/abi/path.h"
#include "mod/te/candidate.h"
#include "mod/te/emit.h"
#include "mod/te/steer.h"
#include "mod/te/te.h"
#include "plan/window.h"

#include <inttypes.h>
#include <string.h>

#define PROTOCOL_ANY 256U

struct simulate {
    const struct pt_plan_pass *pass;
    const struct te_measures *measures;
    const struct te_topology *topology;
    const struct te_steer *steer;
    const struct pt_msg *request;
    struct pt_arena *arena;
    Patronus__V1__SimulateSteeringResponse *response;
    size_t site, segment; /* where it enters */
    struct pt_ip destination;
    uint64_t subjects;
    int64_t wall_s;
};

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* ---- the question --------------------------------------------------------------------------------------------- */

struct finding {
    const struct simulate *simulate;
    struct pt_ip source;
    uint64_t bits;
};

/* Bits of the sessions that have the source address now. */
static bool find_session(void *arg, const char *name, const struct pt_msg *session)
{
    struct finding *finding = arg;
    const struct simulate *s = finding->simulate;
    const struct pt_msg_field *addresses = pt_msg_field(session, "addresses");
    const struct pt_msg *expires = pt_msg_child(session, "expire_time");
    (void)name;
    bool here = strcmp(pt_msg_str(session, "site"), s->topology->sites[s->site].name) == 0 &&
                strcmp(pt_msg_str(session, "segment"), s->topology->segments[s->segment].name) == 0 &&
                expires != NULL && pt_msg_i64(expires, "seconds") > s->wall_s;
    for (size_t i = 0; here && addresses != NULL && i < addresses->len; i++) {
        struct pt_ip ip;
        if (pt_ip_parse((const char *)addresses->values[i].bytes.data, &ip, NULL) == PT_OK &&
            pt_ip_equal(&ip, &finding->source)) {
            finding->bits |= te_session_subjects(&s->steer->segments[s->segment], session);
        }
    }
    return true;
}

static void find_subjects(struct simulate *s)
{
    struct finding finding = {.simulate = s};
    if (pt_msg_has(s->request, "user") || pt_msg_has(s->request, "groups")) {
        s->subjects = te_session_subjects(&s->steer->segments[s->segment], s->request); /* fields of a session */
    } else if (pt_ip_parse(pt_msg_str(s->request, "source"), &finding.source, NULL) == PT_OK) {
        pt_view_scan(s->pass->view, "userSession", "", find_session, &finding);
        s->subjects = finding.bits;
    }
}

static enum pt_code read_question(struct simulate *s, struct pt_error *reterr)
{
    const struct te_topology *t = s->topology;
    const char *site = pt_msg_str(s->request, "site"), *segment = pt_msg_str(s->request, "segment");
    while (s->site < t->sites_len && strcmp(t->sites[s->site].name, site) != 0) {
        s->site++;
    }
    while (s->segment < t->segments_len && strcmp(t->segments[s->segment].name, segment) != 0) {
        s->segment++;
    }
    if (s->site == t->sites_len || s->segment == t->segments_len) {
        bool no_site = s->site == t->sites_len;
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, no_site ? "site" : "segment",
                       "'%.200s' does not exist%s", no_site ? site : segment, no_site ? ", or has no edge" : "");
    }
    if (!te_site_in_segment(&t->sites[s->site], s->segment)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "segment",
                       "no edge of '%.200s' has an interface in it", site);
    }
    PT_TRY(pt_ip_parse(pt_msg_str(s->request, "destination"), &s->destination, reterr));
    const struct pt_msg *time = pt_msg_child(s->request, "time");
    s->wall_s = time != NULL ? pt_msg_i64(time, "seconds") : s->pass->time_ns / 1000000000;
    find_subjects(s);
    return PT_OK;
}

/* ---- rules ---------------------------------------------------------------------------------------------------- */

/* As the data plane compares: 128 bits of address, IPv4 as v4-mapped. */
static bool holds(const Patronus__V1__RuleEntry *entry, const struct pt_ip *ip)
{
    struct pt_ip prefix;
    if (entry->prefix.len != sizeof(prefix.bytes)) {
        return true;
    }
    memcpy(prefix.bytes, entry->prefix.data, sizeof(prefix.bytes));
    size_t bits = entry->prefix_len + (pt_ip_is_v4(&prefix) ? 96 : 0);
    for (size_t i = 0; i < bits; i++) {
        if (((prefix.bytes[i / 8] ^ ip->bytes[i / 8]) >> (7 - i % 8) & 1) != 0) {
            return false;
        }
    }
    return true;
}

/* Why a line does not match; NULL: it does. In the order in which people think of it. */
static const char *why_not(const struct simulate *s, const struct te_rule *rule)
{
    const Patronus__V1__RuleEntry *entry = &rule->entry;
    uint32_t protocol = (uint32_t)pt_msg_u64(s->request, "protocol");
    uint32_t port = (uint32_t)pt_msg_u64(s->request, "destination_port");
    bool has_ports = protocol == 6 || protocol == 17 || protocol == 132 || protocol == 136 || protocol == 33;
    int64_t due_s = INT64_MAX;
    if (!te_rule_applies(rule, s->topology->sites[s->site].name)) {
        return "it is not for this site";
    }
    if (!pt_plan_rule_in_time(entry, s->wall_s, &due_s)) {
        return "it is not its time";
    }
    if (entry->subjects != 0 && (entry->subjects & s->subjects) == 0) {
        return "the source is none of its users and groups";
    }
    if (entry->n_applications > 0) {
        return "its application is told by what a flow says, which one packet does not";
    }
    if (entry->protocol != PROTOCOL_ANY && entry->protocol != protocol) {
        return "another protocol";
    }
    if ((entry->dscp_mask >> (pt_msg_u64(s->request, "dscp") & 63) & 1) == 0) {
        return "another DSCP";
    }
    if ((entry->port_first != 0 || entry->port_last != 65535) &&
        (!has_ports || port < entry->port_first || port > entry->port_last)) {
        return "another port";
    }
    return holds(entry, &s->destination) ? NULL : "another destination";
}

/* The rule that decides, or NULL. Rules before it are listed once each, with the reason of their last line. */
static const struct te_rule *find_rule(struct simulate *s)
{
    const struct te_segment_rules *rules = &s->steer->segments[s->segment];
    s->response->passed_rules = pt_arena_array(s->arena, rules->rules_len, sizeof(*s->response->passed_rules));
    Patronus__V1__PassedRule *last = NULL;
    for (size_t i = 0; i < rules->rules_len; i++) {
        const struct te_rule *rule = &rules->rules[i];
        const char *reason = why_not(s, rule);
        if (last != NULL && reason == NULL && rule->policy != NULL && last->rule == rule->index &&
            strcmp(last->steering_policy, rule->policy) == 0) {
            s->response->n_passed_rules--; /* another line of the same rule matches */
        }
        if (reason == NULL) {
            return rule;
        }
        if (last == NULL || last->rule != rule->index || strcmp(last->steering_policy, rule->policy) != 0) {
            last = PT_NEW(s->arena, Patronus__V1__PassedRule);
            patronus__v1__passed_rule__init(last);
            last->steering_policy = borrow(rule->policy);
            last->rule = (uint32_t)rule->index;
            s->response->passed_rules[s->response->n_passed_rules++] = last;
        }
        last->reason = borrow(reason);
    }
    return NULL;
}

/* ---- paths ---------------------------------------------------------------------------------------------------- */

/* The interface that has an address, and its site; NULL: no prefix of the segment holds it. */
static const struct te_lan *lan_of(const struct simulate *s, const struct pt_ip *ip, size_t *ret_site)
{
    const struct te_lan *best = NULL;
    int best_len = -1;
    for (size_t i = 0; i < s->topology->sites_len; i++) {
        const struct te_site *site = &s->topology->sites[i];
        for (size_t j = 0; j < site->lans_len; j++) {
            for (size_t k = 0; site->lans[j].segment == s->segment && k < site->lans[j].prefixes_len; k++) {
                const struct pt_prefix *prefix = &site->lans[j].prefixes[k];
                if (pt_prefix_contains(prefix, ip) && prefix->len > best_len) {
                    best = &site->lans[j];
                    best_len = prefix->len;
                    *ret_site = i;
                }
            }
        }
    }
    return best;
}

/* Its own wire: such packets never cross the node, so that no rule sees them. */
static bool same_wire(const struct simulate *s, const struct te_lan *to)
{
    struct pt_ip source;
    size_t site = TE_NONE;
    if (pt_ip_parse(pt_msg_str(s->request, "source"), &source, NULL) != PT_OK) {
        return false;
    }
    return lan_of(s, &source, &site) == to && site == s->site;
}

static bool among(const uint64_t *ids, size_t len, uint64_t id)
{
    for (size_t i = 0; i < len; i++) {
        if (ids[i] == id) {
            return true;
        }
    }
    return false;
}

static struct te_candidate candidate_of(const struct simulate *s, const struct te_class *class,
                                        const struct te_path *path, bool allowed)
{
    struct te_measure m = {0};
    bool known = s->measures->find(s->measures->arg, path->id, &m);
    uint64_t sla = class->sla != NULL ? te_sla_id(class->sla) : 0;
    return (struct te_candidate){
        .path = pt_arena_printf(s->arena, "%s/paths/p-%016" PRIx64, s->topology->sites[s->site].organization, path->id),
        .link = s->topology->links[s->topology->tunnels[path->tunnels[0]].local].name,
        .allowed = allowed,
        .life = !known    ? TE_LIFE_UNKNOWN
                : m.alive ? TE_LIFE_ALIVE
                          : TE_LIFE_DEAD,
        .sla_state = sla == 0 || !known                             ? PATRONUS__V1__SLA_STATE__SLA_STATE_UNSPECIFIED
                     : among(m.broken_slas, m.broken_slas_len, sla) ? PATRONUS__V1__SLA_STATE__BROKEN
                     : among(m.held_slas, m.held_slas_len, sla)     ? PATRONUS__V1__SLA_STATE__HELD
                                                                    : PATRONUS__V1__SLA_STATE__KEPT,
        .tier = path->tier,
        .weight = path->weight,
        .rtt_us = m.rtt_us,
        .loss_ppm = m.loss_ppm,
        .jitter_us = m.jitter_us,
        .mos_100 = m.mos_100,
        .measured = known};
}

static void drop(struct simulate *s, uint32_t reason)
{
    s->response->verdict = PATRONUS__V1__SIMULATED_VERDICT__DROPPED;
    s->response->reason = borrow(pt_drop_label(reason));
    s->response->reason_text = borrow(pt_drop_text(reason));
}

/* The segment refuses plain paths: a flow that its hash puts on one is dropped. */
static void refuse_plain(struct simulate *s, const struct te_path *paths, size_t len)
{
    bool sealed = false, plain = false;
    for (size_t i = 0; s->topology->segments[s->segment].sealed && i < len; i++) {
        if (s->response->paths[i]->chosen && !te_path_is_sealed(s->topology, &paths[i])) {
            s->response->paths[i]->reason = borrow("chosen, but plain: the segment refuses to send by it");
            plain = true;
        } else if (s->response->paths[i]->chosen) {
            sealed = true;
        }
    }
    if (plain && !sealed) {
        drop(s, PT_DROP_PLAIN_REFUSED);
    }
}

/* The members of the class's group towards a site, as nodes got them, and behind them the paths that its rule forbids.
 * Returns how many; ret_allowed is how many are members. */
static size_t members_of(const struct simulate *s, const struct te_class *class, const struct te_pair *pair, size_t to,
                         struct te_path *ret_paths, size_t *ret_allowed)
{
    struct te_topology topology = *s->topology; /* what is searched for is the question's, not the pass's */
    topology.arena = s->arena;
    struct te_constrained *search = te_class_search(class, &topology, s->site);
    size_t len = te_class_paths(class, &topology, pair, search, to, ret_paths);
    te_constrained_free(search);
    *ret_allowed = len;
    for (size_t i = 0; i < pair->len; i++) {
        bool member = false;
        for (size_t j = 0; j < *ret_allowed; j++) {
            uint64_t id = pair->paths[i].id;
            member = member || ret_paths[j].id == (ret_paths[j].strict ? te_strict_path(id) : id);
        }
        if (!member) {
            ret_paths[len++] = pair->paths[i];
        }
    }
    return len;
}

static void put_paths(struct simulate *s, const struct te_class *class, const struct te_pair *pair, size_t to)
{
    static const enum pt_drop drops[] = {
        [TE_OUTCOME_NO_PATH] = PT_DROP_NO_PATH, [TE_OUTCOME_SLA_UNMET] = PT_DROP_SLA_UNMET};
    struct te_path paths[PT_GROUP_MEMBERS_MAX + TE_CANDIDATES_MAX];
    struct te_candidate candidates[PT_GROUP_MEMBERS_MAX + TE_CANDIDATES_MAX];
    size_t allowed = 0, len = members_of(s, class, pair, to, paths, &allowed);
    bool require = class->sla != NULL && class->preference == PATRONUS__V1__PREFERENCE__REQUIRE;
    for (size_t i = 0; i < len; i++) {
        candidates[i] = candidate_of(s, class, &paths[i], i < allowed);
    }
    s->response->paths = pt_arena_array(s->arena, len, sizeof(*s->response->paths));
    s->response->n_paths = len;
    enum te_outcome outcome =
        te_judge(candidates, len, require, class->sla != NULL ? class->sla : "", s->arena, s->response->paths);
    if (outcome != TE_OUTCOME_PATH) {
        drop(s, drops[outcome]);
        return;
    }
    s->response->verdict = PATRONUS__V1__SIMULATED_VERDICT__BY_PATH;
    refuse_plain(s, paths, len);
}

/* ---- the answer ----------------------------------------------------------------------------------------------- */

static void send(struct simulate *s, const struct te_rule *rule, size_t to)
{
    const struct te_paths *paths = pt_map_get_str(&s->pass->sections, "te");
    const struct te_class *class = &s->steer->classes[rule != NULL ? rule->entry.policy_class : 0];
    const struct te_pair *pair = te_pair_of(s->topology, paths, class->fabric, s->site, to);
    if (pair->len == 0 && class != &s->steer->classes[0]) { /* no group for the class: the default's is used */
        class = &s->steer->classes[0];
        pair = te_pair_of(s->topology, paths, class->fabric, s->site, to);
    }
    s->response->sla_profile = borrow(class->sla != NULL ? class->sla : "");
    if (pair->len == 0) {
        drop(s, PT_DROP_NO_GROUP);
        return;
    }
    uint32_t traffic_class = pt_demand_class((uint8_t)pt_msg_u64(s->request, "dscp"));
    put_paths(s, class, te_pair_for_class(pair, PT_GROUP_CLASS(traffic_class)), to);
}

enum pt_code te_simulate(const struct pt_plan_pass *pass, const struct te_measures *measures,
                         const struct pt_msg *request, struct pt_arena *arena,
                         Patronus__V1__SimulateSteeringResponse **ret_response, struct pt_error *reterr)
{
    struct simulate s = {.pass = pass,
                         .measures = measures,
                         .topology = pt_map_get_str(&pass->sections, "topology"),
                         .steer = pt_map_get_str(&pass->sections, "steer"),
                         .request = request,
                         .arena = arena};
    PT_TRY(read_question(&s, reterr));
    s.response = PT_NEW(arena, Patronus__V1__SimulateSteeringResponse);
    patronus__v1__simulate_steering_response__init(s.response);
    *ret_response = s.response;
    static const char *const classes[PT_DEMAND_CLASSES] = {[PT_DEMAND_STANDARD] = "STANDARD",
                                                           [PT_DEMAND_REALTIME] = "REALTIME",
                                                           [PT_DEMAND_INTERACTIVE] = "INTERACTIVE",
                                                           [PT_DEMAND_STREAMING] = "STREAMING",
                                                           [PT_DEMAND_BULK] = "BULK"};
    s.response->traffic_class = borrow(classes[pt_demand_class((uint8_t)pt_msg_u64(request, "dscp"))]);
    size_t to = TE_NONE;
    const struct te_lan *lan = lan_of(&s, &s.destination, &to);
    if (lan == NULL) {
        drop(&s, PT_DROP_NO_ROUTE);
        return PT_OK;
    }
    s.response->destination_site = borrow(s.topology->sites[to].name);
    s.response->verdict = PATRONUS__V1__SIMULATED_VERDICT__LOCAL;
    if (to == s.site && same_wire(&s, lan)) {
        return PT_OK;
    }
    const struct te_rule *rule = find_rule(&s);
    if (rule != NULL && rule->policy != NULL) {
        s.response->steering_policy = borrow(rule->policy);
        s.response->rule = (uint32_t)rule->index;
    }
    if (rule != NULL && rule->entry.deny) {
        drop(&s, PT_DROP_POLICY_DENY);
    } else if (to != s.site) {
        send(&s, rule, to);
    }
    return PT_OK;
}
