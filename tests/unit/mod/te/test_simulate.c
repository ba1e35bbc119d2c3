/*
 * Questions about steering. A hypothetical packet gets the answer that rules, routes and groups give; a second
 * evaluator, written from the words of the API and not from the compiler, agrees on random policies and packets; rules
 * that never decide are found, and none is said of which a packet was decided by.
 */
#include "fixture.h"

#include "mod/te/simulate.h"
#include "plan/window.h"

#define SITES 3
#define GROUPS 3
#define CHANCE(n) (next(world, (n)) == 0)

/* ---- asking --------------------------------------------------------------------------------------------------- */

struct known { /* what nodes reported: by path id */
    struct pt_map paths;
};

static bool find_known(void *arg, uint64_t path_id, struct te_measure *ret_measure)
{
    const struct known *known = arg;
    uint8_t key[8];
    pt_put_be64(key, path_id);
    const struct te_measure *measure = pt_map_get(&known->paths, key, sizeof(key));
    if (measure == NULL) {
        return false;
    }
    *ret_measure = *measure;
    return true;
}

static void know(struct known *known, uint64_t path_id, const struct te_measure *measure)
{
    uint8_t key[8];
    pt_put_be64(key, path_id);
    struct te_measure *copy = malloc(sizeof(*copy));
    ck_assert_ptr_nonnull(copy);
    *copy = *measure;
    free(pt_map_put(&known->paths, key, sizeof(key), copy));
}

static void forget(struct known *known)
{
    PT_MAP_FOREACH (entry, &known->paths) {
        free(entry->value);
    }
    pt_map_fini(&known->paths);
}

static enum pt_code ask(struct fixture *f, struct known *known, const char *json, struct pt_arena *arena,
                        Patronus__V1__SimulateSteeringResponse **ret_response, struct pt_error *reterr)
{
    const struct pt_message_type *type = pt_schema_message(f->schema, "patronus.v1.SimulateSteeringRequest");
    const struct te_measures measures = {.find = find_known, .arg = known};
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    ck_assert_msg(pt_json_read(f->schema, type, json, strlen(json), arena, &request, &error) == PT_OK, "%s: %s", json,
                  error.text);
    return te_simulate(&f->pass, &measures, request, arena, ret_response, reterr);
}

static const Patronus__V1__SimulateSteeringResponse *answer(struct fixture *f, struct known *known, const char *json)
{
    Patronus__V1__SimulateSteeringResponse *response = NULL;
    struct pt_error error = {0};
    ck_assert_msg(ask(f, known, json, &f->arena, &response, &error) == PT_OK, "%s", error.text);
    return response;
}

static void two_sites(struct fixture *f)
{
    fixture_init(f);
    put_basics(f);
    for (unsigned i = 0; i < 2; i++) {
        put_site(f, i);
        put_link(f, i, 0, "inet", ",\"transport\":\"BROADBAND\"");
        put_link(f, i, 1, "mpls", ",\"transport\":\"MPLS\",\"cost\":50");
    }
}

static void put_policy(struct fixture *f, const char *name, unsigned priority, const char *rules)
{
    put(f, "steeringPolicy",
        "{\"name\":\"" ORG "/steeringPolicies/%s\",\"segment\":\"" ORG
        "/segments/corp\",\"priority\":%u,\"revision\":\"9\",\"rules\":[%s]}",
        name, priority, rules);
}

#define PACKET(more) "{\"site\":\"" ORG "/sites/s00\",\"segment\":\"" ORG "/segments/corp\"," more "}"
#define TO_S01 "\"destination\":\"10.1.0.9\",\"protocol\":6"

static const Patronus__V1__SimulatedPath *path_by(const Patronus__V1__SimulateSteeringResponse *r, const char *link)
{
    for (size_t i = 0; i < r->n_paths; i++) {
        if (strcmp(r->paths[i]->link, link) == 0) {
            return r->paths[i];
        }
    }
    ck_abort_msg("no path by %s", link);
    return NULL;
}

#define INET ORG "/sites/s00/links/l00"
#define MPLS ORG "/sites/s00/links/l01"

static void put_sla(struct fixture *f)
{
    put(f, "slaProfile", "{\"name\":\"" ORG "/slaProfiles/voice\",\"maxLatencyUs\":50000}");
}

/* The rule, the path, and why not the others; what changes when the path breaks what the rule asks for. */
START_TEST(a_packet_is_told_its_rule_and_path)
{
    struct fixture f;
    struct known known = {0};
    two_sites(&f);
    put_sla(&f);
    put_policy(&f, "p", 1,
               "{\"destinationCidrs\":[\"10.9.0.0/16\"],\"preference\":\"DENY\"},"
               "{\"dscps\":[46],\"preference\":\"PREFER\",\"transports\":[\"BROADBAND\"],\"slaProfile\":\"" ORG
               "/slaProfiles/voice\"}");
    pass_ok(&f);
    const struct te_topology *t = topology_of(&f);
    const struct te_pair *pair = pair_of(&f, 0, 1);
    const struct te_measure good = {.alive = true, .rtt_us = 10000};
    for (size_t i = 0; i < pair->len; i++) {
        know(&known, pair->paths[i].id, &good);
    }
    const Patronus__V1__SimulateSteeringResponse *r = answer(&f, &known, PACKET(TO_S01 ",\"dscp\":46"));
    ck_assert_int_eq(r->verdict, PATRONUS__V1__SIMULATED_VERDICT__BY_PATH);
    ck_assert_str_eq(r->steering_policy, ORG "/steeringPolicies/p");
    ck_assert_uint_eq(r->rule, 1);
    ck_assert_str_eq(r->destination_site, ORG "/sites/s01");
    ck_assert_str_eq(r->sla_profile, ORG "/slaProfiles/voice");
    ck_assert_str_eq(r->traffic_class, "REALTIME");
    ck_assert_uint_eq(r->n_passed_rules, 1);
    ck_assert_str_eq(r->passed_rules[0]->reason, "another destination");
    ck_assert(path_by(r, INET)->chosen);
    ck_assert(!path_by(r, MPLS)->chosen);
    ck_assert_str_ne(path_by(r, MPLS)->change, "");

    uint64_t voice = te_sla_id(ORG "/slaProfiles/voice");
    struct te_measure bad = {.alive = true, .rtt_us = 90000, .broken_slas = &voice, .broken_slas_len = 1};
    for (size_t i = 0; i < pair->len; i++) {
        if (strcmp(t->links[t->tunnels[pair->paths[i].tunnels[0]].local].name, INET) == 0) {
            know(&known, pair->paths[i].id, &bad);
        }
    }
    r = answer(&f, &known, PACKET(TO_S01 ",\"dscp\":46"));
    ck_assert(path_by(r, MPLS)->chosen);
    ck_assert_int_eq(path_by(r, INET)->sla_state, PATRONUS__V1__SLA_STATE__BROKEN);
    ck_assert_ptr_nonnull(strstr(path_by(r, INET)->change, ORG "/slaProfiles/voice"));
    r = answer(&f, &known, PACKET(TO_S01));
    ck_assert_str_eq(r->steering_policy, "");
    ck_assert(path_by(r, INET)->chosen);
    forget(&known);
    fixture_fini(&f);
}
END_TEST

/* Each way to be dropped has its reason: denied, no route, nothing alive, and an SLA that nothing keeps; a dead path
 * that also broke it does not count as one that could have been used. */
START_TEST(a_drop_has_its_reason)
{
    struct fixture f;
    struct known known = {0};
    two_sites(&f);
    put_sla(&f);
    put_policy(&f, "p", 1,
               "{\"dscps\":[8],\"preference\":\"DENY\"},{\"preference\":\"REQUIRE\",\"slaProfile\":\"" ORG
               "/slaProfiles/voice\"}");
    pass_ok(&f);
    const struct te_pair *pair = pair_of(&f, 0, 1);
    uint64_t voice = te_sla_id(ORG "/slaProfiles/voice");
    struct te_measure m = {.alive = true, .broken_slas = &voice, .broken_slas_len = 1};
    ck_assert_str_eq(answer(&f, &known, PACKET(TO_S01 ",\"dscp\":8"))->reason, "policy_deny");
    ck_assert_str_eq(answer(&f, &known, PACKET("\"destination\":\"10.77.0.1\""))->reason, "no_route");
    for (size_t i = 0; i < pair->len; i++) {
        know(&known, pair->paths[i].id, &m);
    }
    ck_assert_str_eq(answer(&f, &known, PACKET(TO_S01))->reason, "sla_unmet");
    m.alive = false;
    for (size_t i = 0; i < pair->len; i++) {
        know(&known, pair->paths[i].id, &m);
    }
    const Patronus__V1__SimulateSteeringResponse *r = answer(&f, &known, PACKET(TO_S01));
    ck_assert_str_eq(r->reason, "no_path");
    ck_assert_int_eq(r->verdict, PATRONUS__V1__SIMULATED_VERDICT__DROPPED);
    ck_assert_str_ne(r->reason_text, "");
    r = answer(&f, &known, PACKET("\"destination\":\"10.0.0.9\",\"source\":\"10.0.0.8\",\"dscp\":8"));
    ck_assert_int_eq(r->verdict, PATRONUS__V1__SIMULATED_VERDICT__LOCAL); /* its own wire: no rule sees it */
    forget(&known);
    fixture_fini(&f);
}
END_TEST

START_TEST(a_question_about_what_is_not_there_is_refused)
{
    static const char *const questions[][2] = {
        {"{\"site\":\"" ORG "/sites/x\",\"segment\":\"" ORG "/segments/corp\",\"destination\":\"10.1.0.9\"}", "site"},
        {"{\"site\":\"" ORG "/sites/s00\",\"segment\":\"" ORG "/segments/x\",\"destination\":\"10.1.0.9\"}", "segment"},
        {"{\"site\":\"" ORG "/sites/s00\",\"segment\":\"" ORG "/segments/lone\",\"destination\":\"10.1.0.9\"}",
         "segment"}};
    struct fixture f;
    struct known known = {0};
    two_sites(&f);
    put(&f, "segment", "{\"name\":\"" ORG "/segments/lone\",\"fabric\":\"" ORG "/fabrics/f\",\"vni\":8}");
    pass_ok(&f);
    for (size_t i = 0; i < 3; i++) {
        Patronus__V1__SimulateSteeringResponse *response = NULL;
        struct pt_error error = {0};
        ck_assert_int_ne(ask(&f, &known, questions[i][0], &f.arena, &response, &error), PT_OK);
        ck_assert_str_eq(error.field, questions[i][1]);
    }
    fixture_fini(&f);
}
END_TEST

/* ---- rules that never decide ---------------------------------------------------------------------------------- */

static const Patronus__V1__FindShadowedRulesResponse *shadowed(struct fixture *f)
{
    Patronus__V1__FindShadowedRulesResponse *response = NULL;
    te_shadowed(&f->pass, ORG, &f->arena, &response);
    return response;
}

/* A table: earlier rules, the last one, and whether it is told. */
START_TEST(shadowed_rules_are_found)
{
#define RULE(more) "{\"preference\":\"AVAILABLE\"" more "}"
#define CIDR(text) RULE(",\"destinationCidrs\":[" text "]")
    static const struct {
        const char *rules;
        bool told;
    } rows[] = {
        {RULE("") "," CIDR("\"10.1.0.0/16\""), true},
        {CIDR("\"10.0.0.0/8\"") "," CIDR("\"10.1.0.0/16\""), true},
        {CIDR("\"10.1.0.0/16\"") "," CIDR("\"10.0.0.0/8\""), false},
        {CIDR("\"10.0.0.0/9\"") "," CIDR("\"10.128.0.0/9\"") "," CIDR("\"10.0.0.0/8\""), true}, /* together */
        {CIDR("\"10.0.0.0/9\"") "," CIDR("\"10.128.0.0/10\"") "," CIDR("\"10.0.0.0/8\""), false},
        {RULE(",\"dscps\":[1,2]") "," RULE(",\"dscps\":[3]") "," RULE(",\"dscps\":[1,3]"), true},
        {RULE(",\"dscps\":[1,2]") "," RULE(",\"dscps\":[2,3]"), false},
        {RULE(",\"sites\":[\"" ORG "/sites/s00\"]") "," RULE(",\"sites\":[\"" ORG "/sites/s01\"]") "," RULE(
             ",\"sites\":[\"" ORG "/sites/s00\",\"" ORG "/sites/s01\"]"),
         true},
        {RULE(",\"sites\":[\"" ORG "/sites/s00\",\"" ORG "/sites/s01\"]") "," RULE(""), false}, /* a third may come */
        {RULE(",\"users\":[\"ann\",\"bob\"]") "," RULE(",\"users\":[\"ann\"]"), true},
        {RULE(",\"users\":[\"ann\"]") "," RULE(",\"groups\":[\"sales\"]"), false},
        {RULE(",\"users\":[\"ann\"]") "," RULE(""), false},
        {RULE(",\"windows\":[{}]") "," RULE(""), true}, /* each day from 00:00 to 24:00 */
        {RULE(",\"windows\":[{\"start\":\"08:00\",\"end\":\"18:00\"}]") "," RULE(
             ",\"windows\":[{\"days\":[\"MONDAY\"],\"start\":\"11:00\",\"end\":\"12:00\",\"utcOffsetMinutes\":60}]"),
         true},
        {RULE(",\"windows\":[{\"start\":\"08:00\",\"end\":\"18:00\"}]") "," RULE(
             ",\"windows\":[{\"start\":\"08:30\",\"end\":\"18:30\"}]"),
         false},
        {RULE(",\"applications\":[\"" ORG "/applications/low\"]") "," RULE(
             ",\"applications\":[\"" ORG
             "/applications/high\"]") "," RULE(",\"applications\":[\"" ORG "/applications/all\"]"),
         true}, /* 0-999 and 1000-65535 of TCP, then 1-65535 of TCP */
        {RULE(",\"applications\":[\"" ORG "/applications/low\"]") "," RULE(
             ",\"applications\":[\"" ORG
             "/applications/high\"]") "," RULE(",\"applications\":[\"" ORG "/applications/tcp\"]"),
         false}, /* later fragments have no ports */
        {RULE(",\"applications\":[\"" ORG "/applications/net\"],\"destinationCidrs\":[\"10.2.0.0/16\"]"),
         true}, /* it asks for 10.1.0.0/16 and 10.2.0.0/16 */
        {RULE(",\"applications\":[\"" ORG "/applications/net\"],\"dscps\":[9]"), true},
        {RULE(",\"applications\":[\"" ORG "/applications/net\"],\"destinationCidrs\":[\"10.0.0.0/8\"]"), false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f;
        two_sites(&f);
#define APPLICATION(name, match) \
    put(&f, "application", "{\"name\":\"" ORG "/applications/" name "\",\"matches\":[" match "]}")
        APPLICATION("low", "{\"protocol\":6,\"ports\":[{\"first\":0,\"last\":999}]}");
        APPLICATION("high", "{\"protocol\":6,\"ports\":[{\"first\":1000,\"last\":65535}]}");
        APPLICATION("all", "{\"protocol\":6,\"ports\":[{\"first\":1,\"last\":65535}]}");
        APPLICATION("tcp", "{\"protocol\":6}");
        APPLICATION("net", "{\"cidrs\":[\"10.1.0.0/16\"],\"dscps\":[1]}");
        put_policy(&f, "p", 1, rows[i].rules);
        pass_ok(&f);
        const Patronus__V1__FindShadowedRulesResponse *r = shadowed(&f);
        ck_assert_msg(r->n_rules == (rows[i].told ? 1 : 0), "row %zu: %zu told", i, r->n_rules);
        fixture_fini(&f);
    }
}
END_TEST

/* Asked about a policy that does not stand in the state yet: what it shadows, and what shadows it, is told; rules of
 * others that were so before are not. */
START_TEST(a_policy_is_judged_before_it_is_written)
{
    struct fixture f;
    two_sites(&f);
    put_policy(&f, "a", 10, RULE("") "," RULE(""));
    put_policy(&f, "b", 20, RULE(""));
    struct pt_arena arena;
    struct pt_msg *policy = NULL;
    struct pt_error error = {0};
    const char *text = "{\"name\":\"" ORG "/steeringPolicies/c\",\"segment\":\"" ORG
                       "/segments/corp\",\"priority\":15,\"rules\":[" RULE(",\"dscps\":[4]") "]}";
    pt_arena_init(&arena);
    ck_assert_int_eq(
        pt_json_read(f.schema, pt_schema_kind(f.schema, "steeringPolicy"), text, strlen(text), &arena, &policy, &error),
        PT_OK);
    struct pt_view *view = pt_view_new(f.machine);
    Patronus__V1__FindShadowedRulesResponse *r = NULL;
    ck_assert_int_eq(te_shadowed_with(view, policy, &arena, &r, &error), PT_OK);
    ck_assert_uint_eq(r->n_rules, 1);
    ck_assert_str_eq(r->rules[0]->steering_policy, ORG "/steeringPolicies/c");
    ck_assert_str_eq(r->rules[0]->by_steering_policy, ORG "/steeringPolicies/a");
    pt_msg_set_u64(policy, &arena, "priority", 1);
    ck_assert_int_eq(te_shadowed_with(view, policy, &arena, &r, &error), PT_OK);
    ck_assert_uint_eq(r->n_rules, 0); /* it stands before a, and takes only DSCP 4 */
    pt_view_free(view);
    pt_arena_fini(&arena);
    fixture_fini(&f);
}
END_TEST

/* ---- the second evaluator ------------------------------------------------------------------------------------- */

struct world {
    uint64_t state;
    struct fixture f;
    struct known known;
    uint64_t slas[2];
    const struct pt_msg *policies[8];
    size_t policies_len;
    unsigned decided[8][8]; /* how many packets the rule decided */
};

static unsigned next(struct world *world, unsigned below)
{
    world->state ^= world->state << 13;
    world->state ^= world->state >> 7;
    world->state ^= world->state << 17;
    return (unsigned)((world->state >> 16) % below);
}

struct question {
    unsigned site, protocol, port, dscp;
    struct pt_ip destination;
    char text[64], user[8];
    unsigned groups; /* bits */
    int64_t time_s;
};

static const char *const prefixes[] = {"10.0.0.0/8",  "10.1.0.0/16", "10.1.0.0/24", "10.1.0.128/25",
                                       "10.2.0.0/16", "10.2.0.5/32", "fd00:1::/32", "0.0.0.0/0"};
static const unsigned protocols[] = {6, 17, 1, 132};
static const char *const users[] = {"ann", "bob"};

static bool has_text(const struct pt_msg *msg, const char *name, const char *text)
{
    const struct pt_msg_field *field = pt_msg_field(msg, name);
    for (size_t i = 0; field != NULL && i < field->len; i++) {
        if (strcmp((const char *)field->values[i].bytes.data, text) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_number(const struct pt_msg *msg, const char *name, uint64_t number)
{
    const struct pt_msg_field *field = pt_msg_field(msg, name);
    for (size_t i = 0; field != NULL && i < field->len; i++) {
        if (field->values[i].u64 == number) {
            return true;
        }
    }
    return field == NULL;
}

static bool in_prefixes(const struct pt_msg *msg, const char *name, const struct pt_ip *ip)
{
    const struct pt_msg_field *field = pt_msg_field(msg, name);
    for (size_t i = 0; field != NULL && i < field->len; i++) {
        struct pt_prefix prefix;
        ck_assert_int_eq(pt_prefix_parse((const char *)field->values[i].bytes.data, &prefix, NULL), PT_OK);
        if (pt_prefix_contains(&prefix, ip)) {
            return true;
        }
    }
    return field == NULL;
}

static bool in_match(const struct pt_msg *match, const struct question *q)
{
    const struct pt_msg_field *ports = pt_msg_field(match, "ports");
    bool port = ports == NULL;
    for (size_t i = 0; ports != NULL && i < ports->len; i++) {
        const struct pt_msg *range = ports->values[i].message;
        port =
            port || (q->protocol != 1 && q->port >= pt_msg_u64(range, "first") && q->port <= pt_msg_u64(range, "last"));
    }
    bool protocol = !pt_msg_has(match, "protocol") || pt_msg_u64(match, "protocol") == q->protocol;
    return port && protocol && has_number(match, "dscps", q->dscp) && in_prefixes(match, "cidrs", &q->destination);
}

static bool in_applications(struct world *world, const struct pt_msg *rule, const struct question *q)
{
    const struct pt_msg_field *names = pt_msg_field(rule, "applications");
    for (size_t i = 0; names != NULL && i < names->len; i++) {
        const struct pt_msg *application = pt_view_get(world->f.pass.view, (const char *)names->values[i].bytes.data);
        const struct pt_msg_field *matches = pt_msg_field(application, "matches");
        for (size_t j = 0; j < matches->len; j++) {
            if (in_match(matches->values[j].message, q)) {
                return true;
            }
        }
    }
    return names == NULL;
}

static bool by_whom(const struct pt_msg *rule, const struct question *q)
{
    bool in = !pt_msg_has(rule, "users") && !pt_msg_has(rule, "groups");
    in = in || (q->user[0] != '\0' && has_text(rule, "users", q->user));
    for (unsigned g = 0; g < GROUPS; g++) {
        char name[16];
        snprintf(name, sizeof(name), "g%u", g);
        in = in || ((q->groups >> g & 1) != 0 && has_text(rule, "groups", name));
    }
    return in;
}

/* Windows of the test are whole hours without an offset. */
static bool in_time(const struct pt_msg *rule, const struct question *q)
{
    const struct pt_msg_field *windows = pt_msg_field(rule, "windows");
    int64_t hour = q->time_s / 3600, day = (q->time_s / 86400 + 3) % 7; /* 0: Monday */
    bool in = windows == NULL;
    for (size_t i = 0; windows != NULL && i < windows->len; i++) {
        const struct pt_msg *window = windows->values[i].message;
        int first = atoi(pt_msg_str(window, "start")), last = atoi(pt_msg_str(window, "end"));
        bool late = hour % 24 >= first, early = hour % 24 < last;
        int64_t begun = first < last || late ? day : (day + 6) % 7;
        bool inside = first < last ? late && early : late || early;
        in = in || (inside && has_number(window, "days", (uint64_t)begun + 1));
    }
    return in;
}

static bool matches(struct world *world, const struct pt_msg *rule, const struct question *q)
{
    char site[64];
    snprintf(site, sizeof(site), ORG "/sites/s%02u", q->site);
    return (!pt_msg_has(rule, "sites") || has_text(rule, "sites", site)) && has_number(rule, "dscps", q->dscp) &&
           in_prefixes(rule, "destination_cidrs", &q->destination) && in_applications(world, rule, q) &&
           by_whom(rule, q) && in_time(rule, q);
}

static bool fits(const struct pt_msg *choice, const struct te_link *link)
{
    return has_number(choice, "transports", link->transport) &&
           (!pt_msg_has(choice, "underlays") || has_text(choice, "underlays", link->underlay));
}

/* The order of a path, least first; false: not used. In words: what is known before what is not, what keeps the profile
 * before what does not, what the rule asks for before the rest, and then as traffic engineering has it. */
static bool order_of(struct world *world, const struct pt_msg *rule, const struct te_path *path, unsigned order[4])
{
    const struct te_topology *t = topology_of(&world->f);
    const struct te_link *link = &t->links[t->tunnels[path->tunnels[0]].local];
    int64_t preference = rule != NULL ? pt_msg_i64(rule, "preference") : PATRONUS__V1__PREFERENCE__AVAILABLE;
    bool asks = rule != NULL && preference != PATRONUS__V1__PREFERENCE__AVAILABLE &&
                (pt_msg_has(rule, "transports") || pt_msg_has(rule, "underlays"));
    const char *sla = rule != NULL ? pt_msg_str(rule, "sla_profile") : "";
    struct te_measure m = {0};
    bool known = find_known(&world->known, path->id, &m), broken = false, held = false;
    for (size_t i = 0; i < m.broken_slas_len; i++) {
        broken = broken || (sla[0] != '\0' && m.broken_slas[i] == te_sla_id(sla));
    }
    for (size_t i = 0; i < m.held_slas_len; i++) {
        held = held || (sla[0] != '\0' && m.held_slas[i] == te_sla_id(sla));
    }
    const struct pt_msg_field *fallbacks = rule != NULL ? pt_msg_field(rule, "fallbacks") : NULL;
    unsigned rank = 0;
    if (asks && preference == PATRONUS__V1__PREFERENCE__AVOID) {
        rank = fits(rule, link);
    } else if (asks && !fits(rule, link)) {
        rank = 1;
        while (fallbacks != NULL && rank <= fallbacks->len && !fits(fallbacks->values[rank - 1].message, link)) {
            rank++;
        }
        if ((fallbacks == NULL || rank > fallbacks->len) && preference == PATRONUS__V1__PREFERENCE__REQUIRE) {
            return false;
        }
    }
    order[0] = !known;
    order[1] = broken || held;
    order[2] = rank;
    order[3] = path->tier;
    return !(known && !m.alive) && !(broken && preference == PATRONUS__V1__PREFERENCE__REQUIRE);
}

static void check_paths(struct world *world, const struct pt_msg *rule, const struct question *q, size_t to,
                        const Patronus__V1__SimulateSteeringResponse *r)
{
    const struct te_pair *pair = pair_of(&world->f, q->site, to);
    unsigned best[4] = {9, 9, 99, 99}, order[4];
    bool any = false;
    for (size_t i = 0; i < pair->len; i++) {
        if (order_of(world, rule, &pair->paths[i], order)) {
            any = true;
            for (size_t k = 0; k < 4 && order[k] <= best[k]; k++) {
                if (order[k] < best[k]) {
                    memcpy(best, order, sizeof(best));
                }
            }
        }
    }
    ck_assert_int_eq(r->verdict,
                     any ? PATRONUS__V1__SIMULATED_VERDICT__BY_PATH : PATRONUS__V1__SIMULATED_VERDICT__DROPPED);
    for (size_t i = 0; i < pair->len; i++) {
        bool used = order_of(world, rule, &pair->paths[i], order), found = false;
        for (size_t j = 0; j < r->n_paths; j++) {
            if (strtoull(strstr(r->paths[j]->path, "/p-") + 3, NULL, 16) == pair->paths[i].id) {
                ck_assert_int_eq(r->paths[j]->chosen, used && memcmp(order, best, sizeof(best)) == 0);
                found = true;
            }
        }
        ck_assert(found);
    }
}

/* The entries that the node gets, read as its programs do: the first that matches. */
static const Patronus__V1__RuleEntry *by_entries(struct world *world, const struct question *q, uint64_t subjects)
{
    const struct pt_plan_node *node = world->f.pass.nodes[q->site];
    for (size_t i = 0; i < node->entries_len; i++) {
        const Patronus__V1__RuleEntry *e =
            node->entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_RULE ? node->entries[i]->rule : NULL;
        struct pt_prefix prefix = {.len = e != NULL ? (uint8_t)e->prefix_len : 0};
        if (e == NULL || (e->protocol != 256 && e->protocol != q->protocol) || (e->dscp_mask >> q->dscp & 1) == 0 ||
            ((e->port_first != 0 || e->port_last != 65535) &&
             (q->protocol == 1 || q->port < e->port_first || q->port > e->port_last)) ||
            (e->subjects != 0 && (e->subjects & subjects) == 0)) {
            continue;
        }
        if (e->prefix.len != 0) {
            memcpy(prefix.ip.bytes, e->prefix.data, 16);
        }
        int64_t due = INT64_MAX;
        if ((e->prefix.len == 0 || pt_prefix_contains(&prefix, &q->destination)) &&
            pt_plan_rule_in_time(e, q->time_s, &due)) {
            return e;
        }
    }
    return NULL;
}

static uint64_t subjects_of(struct world *world, const struct pt_msg *request)
{
    const struct te_steer *steer = pt_map_get_str(&world->f.pass.sections, "steer");
    return te_session_subjects(&steer->segments[0], request);
}

/* ---- random worlds -------------------------------------------------------------------------------------------- */

struct text {
    char data[3000];
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text->data + text->size, sizeof(text->data) - text->size, format, args);
    va_end(args);
    text->size += (size_t)size;
    ck_assert_uint_lt(text->size, sizeof(text->data));
}

static void add_prefixes(struct world *world, struct text *text, const char *name)
{
    unsigned first = next(world, 8), second = next(world, 8);
    add(text, ",\"%s\":[\"%s\"", name, prefixes[first]);
    add(text, second != first && CHANCE(2) ? ",\"%s\"]" : "]", prefixes[second]);
}

static void put_applications(struct world *world)
{
    for (unsigned i = 0; i < 4; i++) {
        struct text text = {0};
        for (unsigned m = next(world, 2) + 1; m > 0; m--) {
            unsigned protocol = protocols[next(world, 4)], first = next(world, 6) * 100;
            add(&text, "{\"protocol\":%u", protocol);
            if (protocol != 1 && CHANCE(2)) {
                add(&text, ",\"ports\":[{\"first\":%u,\"last\":%u}]", first, first + next(world, 3) * 100);
            }
            if (CHANCE(3)) {
                add_prefixes(world, &text, "cidrs");
            }
            add(&text, CHANCE(4) ? ",\"dscps\":[%u]}" : "}", next(world, 4));
            add(&text, m > 1 ? "," : "");
        }
        put(&world->f, "application", "{\"name\":\"" ORG "/applications/a%u\",\"matches\":[%s]}", i, text.data);
    }
}

static void add_rule(struct world *world, struct text *text)
{
    static const char *const preferences[] = {"REQUIRE", "PREFER", "AVOID", "AVAILABLE", "DENY"};
    static const char *const transports[] = {"BROADBAND", "MPLS", "LTE"};
    unsigned preference = next(world, 5), transport = next(world, 3);
    add(text, "{\"preference\":\"%s\"", preferences[preference]);
    if (CHANCE(2)) {
        add(text, ",\"applications\":[\"" ORG "/applications/a%u\"]", next(world, 4));
    }
    if (CHANCE(3)) {
        add_prefixes(world, text, "destinationCidrs");
    }
    if (CHANCE(3)) {
        add(text, ",\"dscps\":[%u,%u]", next(world, 2), next(world, 2) + 2);
    }
    if (CHANCE(4)) {
        add(text, ",\"sites\":[\"" ORG "/sites/s%02u\"]", next(world, SITES));
    }
    if (CHANCE(5)) {
        add(text, ",\"users\":[\"%s\"]", users[next(world, 2)]);
    }
    if (CHANCE(5)) {
        add(text, ",\"groups\":[\"g%u\"]", next(world, GROUPS));
    }
    if (CHANCE(5)) {
        unsigned first = next(world, 24);
        add(text, ",\"windows\":[{\"days\":[\"MONDAY\",\"THURSDAY\"],\"start\":\"%02u:00\",\"end\":\"%02u:00\"}]",
            first, (first + 1 + next(world, 22)) % 24);
    }
    if (preference < 3) {
        add(text, ",\"transports\":[\"%s\"]", transports[transport]);
    }
    if (preference < 2 && CHANCE(2)) {
        add(text, ",\"fallbacks\":[{\"transports\":[\"%s\"]}]", transports[(transport + 1) % 3]);
    }
    if (preference < 4 && CHANCE(2)) {
        add(text, ",\"slaProfile\":\"" ORG "/slaProfiles/q%u\"", next(world, 2));
    }
    add(text, "}");
}

static void put_policies(struct world *world)
{
    for (unsigned p = next(world, 3) + 1; p > 0; p--) {
        struct text text = {0};
        for (unsigned r = next(world, 4) + 1; r > 0; r--) {
            add_rule(world, &text);
            add(&text, r > 1 ? "," : "");
        }
        char name[16];
        snprintf(name, sizeof(name), "p%u", p);
        put_policy(&world->f, name, next(world, 2), text.data);
    }
}

static bool collect(void *arg, const char *name, const struct pt_msg *msg)
{
    struct world *world = arg;
    size_t at = world->policies_len++;
    (void)name;
    for (; at > 0 && pt_msg_u64(world->policies[at - 1], "priority") > pt_msg_u64(msg, "priority"); at--) {
        world->policies[at] = world->policies[at - 1];
    }
    world->policies[at] = msg; /* the scan is by name, and equals keep their order */
    return true;
}

static void measure_all(struct world *world)
{
    for (size_t from = 0; from < SITES; from++) {
        for (size_t to = 0; to < SITES; to++) {
            const struct te_pair *pair = pair_of(&world->f, from, to);
            for (size_t i = 0; from != to && i < pair->len; i++) {
                struct te_measure m = {.alive = next(world, 5) != 0};
                unsigned state = next(world, 6);
                m.broken_slas = m.held_slas = &world->slas[next(world, 2)];
                m.broken_slas_len = state == 0;
                m.held_slas_len = state == 1;
                if (next(world, 6) != 0) {
                    know(&world->known, pair->paths[i].id, &m);
                }
            }
        }
    }
}

static void world_init(struct world *world, uint64_t seed)
{
    *world = (struct world){.state = seed * 0x9e3779b97f4a7c15ULL + 1};
    fixture_init(&world->f);
    put_basics(&world->f);
    for (unsigned i = 0; i < SITES; i++) {
        put_site(&world->f, i);
        put_link(&world->f, i, 0, "inet", ",\"transport\":\"BROADBAND\"");
        put_link(&world->f, i, 1, "mpls", ",\"transport\":\"MPLS\",\"cost\":50");
        put_link(&world->f, i, 2, "lte", ",\"transport\":\"LTE\",\"cost\":90");
    }
    for (unsigned i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof(name), ORG "/slaProfiles/q%u", i);
        put(&world->f, "slaProfile", "{\"name\":\"%s\",\"maxLatencyUs\":%u}", name, 1000 * (i + 1));
        world->slas[i] = te_sla_id(name);
    }
    put_applications(world);
    put_policies(world);
    pass_ok(&world->f);
    pt_view_scan(world->f.pass.view, "steeringPolicy", "", collect, world);
    measure_all(world);
}

static struct question random_question(struct world *world)
{
    struct question q = {.site = next(world, SITES),
                         .protocol = protocols[next(world, 4)],
                         .port = next(world, 8) * 100 + next(world, 2),
                         .dscp = next(world, 5),
                         .groups = CHANCE(2) ? next(world, 1 << GROUPS) : 0,
                         .time_s = 1800000000 + (int64_t)next(world, 7 * 86400)};
    snprintf(q.text, sizeof(q.text), CHANCE(8) ? "fd00:%u::%u" : "10.%u.0.%u", next(world, 4), next(world, 256));
    snprintf(q.user, sizeof(q.user), "%s", CHANCE(2) ? users[next(world, 2)] : "");
    ck_assert_int_eq(pt_ip_parse(q.text, &q.destination, NULL), PT_OK);
    return q;
}

static struct pt_msg *request_of(struct world *world, const struct question *q, struct pt_arena *arena)
{
    struct pt_msg *m = pt_msg_new(arena, pt_schema_message(world->f.schema, "patronus.v1.SimulateSteeringRequest"));
    pt_msg_set_str(m, arena, "site", pt_arena_printf(arena, ORG "/sites/s%02u", q->site));
    pt_msg_set_str(m, arena, "segment", ORG "/segments/corp");
    pt_msg_set_str(m, arena, "destination", q->text);
    pt_msg_set_u64(m, arena, "protocol", q->protocol);
    pt_msg_set_u64(m, arena, "destination_port", q->port);
    pt_msg_set_u64(m, arena, "dscp", q->dscp);
    pt_msg_set_time(m, arena, "time", q->time_s * 1000000000);
    if (q->user[0] != '\0') {
        pt_msg_set_str(m, arena, "user", q->user);
    }
    for (unsigned g = 0; g < GROUPS; g++) {
        if ((q->groups >> g & 1) != 0) {
            const char *name = pt_arena_printf(arena, "g%u", g);
            pt_msg_append(m, arena, "groups", (union pt_value){.bytes = {(const uint8_t *)name, strlen(name)}});
        }
    }
    return m;
}

static void check_packet(struct world *world)
{
    struct pt_arena arena;
    struct pt_error error = {0};
    const struct question q = random_question(world);
    const struct te_measures measures = {.find = find_known, .arg = &world->known};
    Patronus__V1__SimulateSteeringResponse *r = NULL;
    pt_arena_init(&arena);
    const struct pt_msg *request = request_of(world, &q, &arena), *rule = NULL;
    ck_assert_msg(te_simulate(&world->f.pass, &measures, request, &arena, &r, &error) == PT_OK, "%s", error.text);
    size_t policy = 0, index = 0;
    for (size_t p = 0; p < world->policies_len && rule == NULL; p++) {
        const struct pt_msg_field *rules = pt_msg_field(world->policies[p], "rules");
        for (size_t i = 0; i < rules->len && rule == NULL; i++) {
            if (matches(world, rules->values[i].message, &q)) {
                rule = rules->values[i].message;
                policy = p;
                index = i;
            }
        }
    }
    const char *name = rule != NULL ? pt_msg_str(world->policies[policy], "name") : "";
    const Patronus__V1__RuleEntry *entry = by_entries(world, &q, subjects_of(world, request));
    const char *origin = rule != NULL ? pt_arena_printf(&arena, "%s rules[%zu]", name, index) : "";
    ck_assert_str_eq(entry != NULL ? entry->origin : "", origin);
    if (rule != NULL) {
        world->decided[policy][index]++;
    }
    unsigned to = pt_ip_is_v4(&q.destination) ? q.destination.bytes[13] : SITES;
    if (to >= SITES) {
        ck_assert_str_eq(r->reason, "no_route");
    } else {
        ck_assert_str_eq(r->steering_policy, name);
        ck_assert_uint_eq(r->rule, index);
        bool deny = rule != NULL && pt_msg_i64(rule, "preference") == PATRONUS__V1__PREFERENCE__DENY;
        if (deny) {
            ck_assert_str_eq(r->reason, "policy_deny");
        } else if (to == q.site) {
            ck_assert_int_eq(r->verdict, PATRONUS__V1__SIMULATED_VERDICT__LOCAL);
        } else {
            check_paths(world, rule, &q, to, r);
        }
    }
    pt_arena_fini(&arena);
}

/* What is told never decided anything. Returns how many were told. */
static size_t check_shadows(struct world *world)
{
    const Patronus__V1__FindShadowedRulesResponse *r = shadowed(&world->f);
    for (size_t i = 0; i < r->n_rules; i++) {
        for (size_t p = 0; p < world->policies_len; p++) {
            if (strcmp(pt_msg_str(world->policies[p], "name"), r->rules[i]->steering_policy) == 0) {
                ck_assert_uint_eq(world->decided[p][r->rules[i]->rule], 0);
            }
        }
    }
    return r->n_rules;
}

START_TEST(two_evaluators_agree)
{
    const unsigned worlds = getenv("PT_LONG") != NULL ? 2200 : 200, packets = 500;
    size_t told = 0, silent = 0;
    for (unsigned w = 0; w < worlds; w++) {
        struct world world;
        world_init(&world, w + 1);
        for (unsigned i = 0; i < packets; i++) {
            check_packet(&world);
        }
        told += check_shadows(&world);
        for (size_t p = 0; p < world.policies_len; p++) {
            for (size_t i = 0; i < pt_msg_field(world.policies[p], "rules")->len; i++) {
                silent += world.decided[p][i] == 0;
            }
        }
        forget(&world.known);
        fixture_fini(&world.f);
    }
    printf("policies: %u packets in %u worlds, 0 mismatches; %zu rules told as shadowed of %zu that decided nothing\n",
           worlds * packets, worlds, told, silent);
    ck_assert_uint_gt(told, worlds / 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("te simulate");
    TCase *tcase = tcase_create("simulate");
    tcase_set_timeout(tcase, getenv("PT_LONG") != NULL ? 3000 : 300);
    tcase_add_test(tcase, a_packet_is_told_its_rule_and_path);
    tcase_add_test(tcase, a_drop_has_its_reason);
    tcase_add_test(tcase, a_question_about_what_is_not_there_is_refused);
    tcase_add_test(tcase, shadowed_rules_are_found);
    tcase_add_test(tcase, a_policy_is_judged_before_it_is_written);
    tcase_add_test(tcase, two_evaluators_agree);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
