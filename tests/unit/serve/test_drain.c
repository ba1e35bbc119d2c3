/*
 * Drains as their callers and their nodes meet them, also when the leader changes; and what a tenant is told.
 */
#include "edge_node.h"
#include "program.h"

#include "mod/te/ask.h"
#include "mod/te/te.h"

#include <inttypes.h>

/* A link is drained, and the leader dies: the next one knows it from the log, and its first word to the node leaves the
 * link out of what carries. */
START_TEST(a_drain_outlives_its_leader)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    network_init_three(cluster, nodes);
    unsigned leader = (unsigned)leader_of(cluster);
    for (unsigned i = 1; i <= 2; i++) {
        OK(cluster, leader, "LinkService/CreateLink",
           "{\"parent\": \"organizations/acme/sites/s%u\", \"linkId\": \"wan1\", \"link\": {\"edge\": "
           "\"organizations/acme/sites/s%u/edges/e1\", \"interface\": \"wan1\", \"address\": \"198.51.100.%u\", "
           "\"underlay\": \"mpls\"}}",
           i, i, i);
    }
    run_for_ms(cluster, 3000); /* planned with both */
    static const char drain[] = "{\"name\": \"organizations/acme/sites/s1/links/wan1\"}";
    OK(cluster, leader, "TrafficEngineeringService/Drain", drain);
    ANSWER_HAS("\"adminState\":\"DRAINED\"");
    node_crash(cluster, leader);
    STEP_UNTIL(cluster, leader_of(cluster) >= 0 && (unsigned)leader_of(cluster) != leader);
    leader = (unsigned)leader_of(cluster);
    OK(cluster, leader, "LinkService/GetLink", drain);
    ANSWER_HAS("\"adminState\":\"DRAINED\"");
    node_join(cluster, leader, &nodes[0], &node);
    const Patronus__V1__GroupEntry *group = carrying_group(&node);
    ck_assert_uint_ne(group->members[0]->tier, group->members[1]->tier);
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

static const char drain_link[] = "{\"name\": \"organizations/acme/sites/s1/links/wan1\"}";

static void ask(struct cluster *cluster, unsigned number, const char *method, const char *json, struct answer *answer)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "/patronus.v1.TrafficEngineeringService/%s", method);
    const struct pt_method_type *type = pt_schema_method(cluster->schema, path);
    PT_AUTO(buf) struct pt_buf request = {0};
    encode_json(cluster, type->input, json, &request);
    *answer = (struct answer){.done = false};
    (void)pt_rpc_unary(cluster->nodes[number].admin, type->path, pt_buf_bytes(&request), NULL, 0, 0, on_answer, answer);
}

/* The plan goes on changing, so that the node has never the newest bundle in force, but one that knows of the drain. */
static void acknowledge_always_late(struct cluster *cluster, struct node_stream *node, const struct answer *answer)
{
    for (unsigned round = 0; round < 8 && !answer->done; round++) {
        char prefix[32];
        (void)snprintf(prefix, sizeof(prefix), "\"172.17.%u.0/24\"", round);
        set_far_prefixes(cluster, prefix);
        run_for_ms(cluster, 1000); /* planned, and not sent: one is under way */
        unsigned bundles = node->bundles;
        acknowledge(node, "");
        STEP_UNTIL(cluster, node->bundles > bundles);
    }
}

/* A drain, and another call for the same: both are answered while plans go on changing. When the leader goes, who waits
 * is told to ask the next one. */
START_TEST(a_drain_waits_for_its_own_plan_and_not_for_the_newest)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    struct answer answer;
    network_init_three(cluster, nodes);
    unsigned leader = (unsigned)leader_of(cluster);
    add_mpls_link(cluster, 1);
    node_join(cluster, leader, &nodes[0], &node);
    for (unsigned calls = 0; calls < 2; calls++) {
        ask(cluster, leader, "Drain", drain_link, &answer);
        run_for_ms(cluster, 100);
        acknowledge_always_late(cluster, &node, &answer);
        STEP_UNTIL(cluster, answer.done);
        ck_assert_msg(answer.error.code == PT_OK, "call %u: %s", calls, answer.error.text);
        answer_clear(&answer);
    }
    ask(cluster, leader, "Drain", drain_link, &answer);
    run_for_ms(cluster, 100);
    ck_assert(!answer.done);
    OK(cluster, leader, "ClusterService/TransferLeadership", "{}");
    STEP_UNTIL(cluster, answer.done);
    ck_assert_int_eq(answer.error.code, PT_UNAVAILABLE);
    ck_assert_int_eq(answer.error.reason, PT_REASON_LEADER_CHANGED);
    answer_clear(&answer);
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

/* ---- steps ---------------------------------------------------------------------------------------------------- */

#define STEP_SITES 3
#define STEP_MBIT 60 /* that sites 1 and 3 send to site 2, over links of 100 */

/* A node that counts the share of its traffic to site 2 that goes by wan0, as its bundles say it. */
struct sharer {
    struct enrolled identity;
    struct node_stream stream;
    uint64_t wan0;         /* its direct path by it */
    unsigned read, acked;  /* bundles */
    double share, before;  /* by the newest bundle; by the one that was acknowledged last */
    uint32_t target_label; /* of site 2 */
};

static void read_bundle(struct sharer *sharer)
{
    const Patronus__V1__Bundle *bundle = sharer->stream.bundle->bundle;
    for (size_t i = 0; i < bundle->n_entries; i++) {
        const Patronus__V1__GroupEntry *group =
            bundle->entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_GROUP ? bundle->entries[i]->group : NULL;
        if (group == NULL || group->site_label != sharer->target_label || group->policy_class != 0 ||
            group->traffic_class != 0) {
            continue;
        }
        double all = 0, wan0 = 0;
        for (size_t j = 0; j < group->n_members && group->members[j]->tier == 0; j++) {
            all += group->members[j]->weight;
            wan0 += group->members[j]->path == sharer->wan0 ? group->members[j]->weight : 0;
        }
        sharer->share = wan0 / all;
    }
    sharer->read = sharer->stream.bundles;
}

/* Whoever has not acknowledged its bundle may go by that or by the one before. */
static void check_loads(const struct sharer *sharers)
{
    double wan0 = 0, wan1 = 0;
    for (unsigned i = 0; i < STEP_SITES; i += 2) {
        const struct sharer *s = &sharers[i];
        wan0 += STEP_MBIT * (s->share > s->before ? s->share : s->before);
        wan1 += STEP_MBIT * (1 - (s->share < s->before ? s->share : s->before));
    }
    ck_assert_double_le(wan0, 100.5);
    ck_assert_double_le(wan1, 100.5);
}

static void tell_demand(struct sharer *sharer)
{
    Patronus__V1__DemandReport demand = PATRONUS__V1__DEMAND_REPORT__INIT, *demands[] = {&demand};
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    demand.site_label = sharer->target_label;
    demand.rate_bps = STEP_MBIT * 1000000ULL;
    telemetry.demands = demands;
    telemetry.n_demands = 1;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_TELEMETRY;
    message.telemetry = &telemetry;
    node_send(&sharer->stream, &message);
}

/* For so long, with every bundle acknowledged at once, but for those to `silent`. */
static void share_for_ms(struct cluster *cluster, struct sharer *sharers, unsigned silent, unsigned ms)
{
    for (unsigned at = 0; at < ms; at += 10) {
        for (unsigned i = 0; i < STEP_SITES; i++) {
            struct sharer *s = &sharers[i];
            if (s->stream.bundles > s->read) {
                read_bundle(s);
                check_loads(sharers);
            }
            if (s->read > s->acked && i != silent) {
                acknowledge(&s->stream, "");
                s->acked = s->read;
                s->before = s->share;
            }
            if (at % 1000 == 0 && i != 1) {
                tell_demand(s);
            }
        }
        run_for_ms(cluster, 10);
    }
}

static void make_sharers(struct cluster *cluster, struct sharer *sharers, unsigned leader)
{
    static const unsigned cost[] = {5, 10, 30};
    struct enrolled nodes[2];
    sharers[0].share = sharers[0].before = 1; /* as their links cost, before they have a bundle */
    make_network(cluster, nodes);
    make_site(cluster, 3, &sharers[2].identity);
    sharers[0].identity = nodes[0];
    sharers[1].identity = nodes[1];
    OK(cluster, leader, "SiteService/GetSite", "{\"name\": \"organizations/acme/sites/s2\"}");
    const char *label = strstr(cluster->answer.json, "\"siteLabel\":");
    ck_assert_ptr_nonnull(label);
    uint32_t target_label = (uint32_t)strtoul(label + strlen("\"siteLabel\":"), NULL, 10); /* before the next answer */
    for (unsigned i = 1; i <= STEP_SITES; i++) {
        char local[80];
        OK(cluster, leader, "LinkService/CreateLink",
           "{\"parent\": \"organizations/acme/sites/s%u\", \"linkId\": \"wan1\", \"link\": {\"edge\": "
           "\"organizations/acme/sites/s%u/edges/e1\", \"interface\": \"wan1\", \"address\": \"198.51.100.%u\", "
           "\"underlay\": \"mpls\", \"capacityUpBps\": \"100000000\", \"capacityDownBps\": \"100000000\"}}",
           i, i, i);
        OK(cluster, leader, "LinkService/UpdateLink",
           "{\"link\": {\"name\": \"organizations/acme/sites/s%u/links/wan0\", \"cost\": %u, \"capacityUpBps\": "
           "\"100000000\", \"capacityDownBps\": \"100000000\"}, \"updateMask\": "
           "\"cost,capacityUpBps,capacityDownBps\"}",
           i, cost[i - 1]);
        (void)snprintf(local, sizeof(local), "organizations/acme/sites/s%u/links/wan0", i);
        sharers[i - 1].wan0 = te_direct_path(te_tunnel_id(local, "organizations/acme/sites/s2/links/wan0"));
        sharers[i - 1].target_label = target_label;
    }
    for (unsigned i = 0; i < STEP_SITES; i++) {
        node_connect(cluster, leader, &sharers[i].identity, &sharers[i].stream);
        say_hello(&sharers[i].stream, NULL);
    }
}

/* Site 1 leaves wan0 for wan1, where site 3 must make room: at once that would be 120 Mbit/s of 100 in one order of the
 * two or the other. So it takes two steps; the second waits until the last node has the first, whatever is planned
 * meanwhile; and the drain is answered when the traffic is off the link. */
START_TEST(a_drain_in_steps_waits_for_every_node_at_each)
{
    struct cluster world, *cluster = &world;
    struct sharer sharers[STEP_SITES] = {0};
    struct answer answer;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    make_sharers(cluster, sharers, leader);
    share_for_ms(cluster, sharers, STEP_SITES, 6000);
    ck_assert_double_eq(sharers[0].share, 1);
    ck_assert_double_eq(sharers[2].share, 0);

    ask(cluster, leader, "Drain", "{\"name\": \"organizations/acme/sites/s1/links/wan0\"}", &answer);
    share_for_ms(cluster, sharers, 2, 400);
    double half = sharers[0].share;
    ck_assert_double_gt(half, 0.1);
    ck_assert_double_lt(half, 0.9);
    OK(cluster, leader, "LinkService/UpdateLink",
       "{\"link\": {\"name\": \"organizations/acme/sites/s1/links/wan1\", \"cost\": 11}, \"updateMask\": \"cost\"}");
    share_for_ms(cluster, sharers, 2, 300); /* another pass: it moves nothing */
    ck_assert_double_eq(sharers[0].share, half);
    ck_assert(!answer.done);

    share_for_ms(cluster, sharers, STEP_SITES, 2000);
    ck_assert(answer.done);
    ck_assert_msg(answer.error.code == PT_OK, "%s", answer.error.text);
    ck_assert_double_eq(sharers[0].before, 0);
    answer_clear(&answer);
    for (unsigned i = 0; i < STEP_SITES; i++) {
        node_leave(&sharers[i].stream);
        enrolled_fini(&sharers[i].identity);
    }
    cluster_fini(cluster);
}
END_TEST

#define ACME "organizations/acme"
#define WAN0 "{\"name\": \"" ACME "/sites/s1/links/wan0\""
#define TE "TrafficEngineeringService/"

/* A node that forwards by what it is told, and whose hosts offer 8 Mbit/s to the other site. */
static void node_with_traffic(struct cluster *cluster, unsigned leader, const struct enrolled *identity,
                              struct node_stream *node)
{
    node_join(cluster, leader, identity, node);
    acknowledge(node, "");
    offer(node, label_of_group(node), 1000000);
    run_for_ms(cluster, 4000);
}

/* Asks, and the node acknowledges what comes, until there is an answer. */
static void ask_and_follow(struct cluster *cluster, struct node_stream *node, const char *method, const char *json)
{
    struct answer answer;
    ask(cluster, 0, method, json, &answer);
    for (unsigned i = 0; i < 100 && !answer.done; i++) {
        run_for_ms(cluster, 100);
        acknowledge(node, "");
    }
    ck_assert_msg(answer.done && answer.error.code == PT_OK, "%s: %s", method, answer.error.text);
    answer_clear(&answer);
}

/* The only way carries traffic: draining it is refused, says why and what to do, and changes nothing. Forced, it is. */
START_TEST(a_drain_is_refused_unless_forced)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    network_init(cluster, nodes);
    node_with_traffic(cluster, 0, &nodes[0], &node);
    REFUSED(PT_FAILED_PRECONDITION, cluster, 0, TE "Drain", WAN0 "}");
    ck_assert_str_eq(cluster->answer.error.field, "name");
    ck_assert_ptr_nonnull(strstr(cluster->answer.error.text, "no other way"));
    ck_assert_ptr_nonnull(strstr(cluster->answer.error.text, "--force"));
    REFUSED(PT_FAILED_PRECONDITION, cluster, 0, TE "Drain", WAN0 ", \"validateOnly\": true}");
    OK(cluster, 0, TE "Drain", WAN0 ", \"validateOnly\": true, \"force\": true}");
    ANSWER_HAS("\"effect\":");
    OK(cluster, 0, "LinkService/GetLink", WAN0 "}");
    ANSWER_LACKS("DRAINED");
    ask_and_follow(cluster, &node, "Drain", WAN0 ", \"force\": true}");
    OK(cluster, 0, "LinkService/GetLink", WAN0 "}");
    ANSWER_HAS("\"adminState\":\"DRAINED\"");
    ask_and_follow(cluster, &node, "Undrain", WAN0 "}");
    OK(cluster, 0, "LinkService/GetLink", WAN0 "}");
    ANSWER_HAS("\"adminState\":\"ACTIVE\"");
    /* A site keeps its own traffic: nothing has to give way. */
    ask_and_follow(cluster, &node, "Drain", "{\"name\": \"" ACME "/sites/s1\"}");
    OK(cluster, 0, "SiteService/GetSite", "{\"name\": \"" ACME "/sites/s1\"}");
    ANSWER_HAS("\"adminState\":\"DRAINED\"");
    ask_and_follow(cluster, &node, "Undrain", "{\"name\": \"" ACME "/sites/s1\"}");
    REFUSED(PT_NOT_FOUND, cluster, 0, TE "Drain", "{\"name\": \"" ACME "/sites/s9\"}");
    REFUSED(PT_INVALID_ARGUMENT, cluster, 0, TE "Drain", "{\"name\": \"" ACME "/segments/red\"}");
    REFUSED(PT_INVALID_ARGUMENT, cluster, 0, TE "Undrain", "{\"name\": \"nonsense\"}");
    REFUSED(PT_INVALID_ARGUMENT, cluster, 0, TE "Undrain", "{}");
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

/* Who may ask for one organization sees nothing of another; who may ask everywhere gets solutions whole. */
START_TEST(a_tenant_sees_his_own_traffic_alone)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    struct program ours, rival;
    network_init(cluster, nodes);
    OK(cluster, 0, "OrganizationService/CreateOrganization", "{\"organizationId\": \"rival\", \"organization\": {}}");
    account_with(cluster, ACME, "ci", "viewer", &ours);
    account_with(cluster, "organizations/rival", "ci", "viewer", &rival);
    node_with_traffic(cluster, 0, &nodes[0], &node);
    static const char of_rival[] = "{\"parent\": \"organizations/rival\"}", of_acme[] = "{\"parent\": \"" ACME "\"}";
    ck_assert_int_eq(call_as(cluster, &ours, TE "ListSolutions", of_acme), PT_OK);
    ANSWER_HAS(ACME "/sites/s2/links/wan0");
    static const char *const methods[] = {TE "ListSolutions", TE "WhatIf", TE "GetTrafficMatrix"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        ck_assert_int_eq(call_as(cluster, &rival, methods[i], of_rival), PT_OK);
        ANSWER_LACKS("acme");
        ck_assert_int_eq(call_as(cluster, &rival, methods[i], of_acme), PT_NOT_FOUND);
    }
    ck_assert_int_eq(call_as(cluster, &rival, TE "WhatIf",
                             "{\"parent\": \"organizations/rival\", \"failSites\": [\"" ACME "/sites/s1\"]}"),
                     PT_NOT_FOUND);
    OK(cluster, 0, TE "ListSolutions", of_rival);
    ANSWER_HAS(ACME "/sites/s2/links/wan0");
    pt_rpc_channel_free(ours.channel);
    pt_rpc_channel_free(rival.channel);
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

/* Traffic moves a dozen and a half times. The leader keeps the newest 16 solutions, in order; and each one, as it is
 * read, has all that it was computed from: what comes out of that is the same, bit for bit. */
START_TEST(the_last_solutions_are_computed_again_from_what_is_read)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    network_init(cluster, nodes);
    add_mpls_link(cluster, 1);
    add_mpls_link(cluster, 2);
    node_with_traffic(cluster, 0, &nodes[0], &node);
    for (unsigned change = 0; change < 18; change++) {
        OK(cluster, 0, "LinkService/UpdateLink",
           "{\"link\": {\"name\": \"" ACME "/sites/s1/links/wan0\", \"cost\": %u}, \"updateMask\": \"cost\"}",
           change % 2 == 0 ? 30 : 5);
        for (unsigned i = 0; i < 15; i++) {
            run_for_ms(cluster, 100);
            acknowledge(&node, "");
        }
    }
    OK(cluster, 0, TE "ListSolutions", "{\"parent\": \"" ACME "\"}");
    Patronus__V1__ListSolutionsResponse *read =
        patronus__v1__list_solutions_response__unpack(NULL, cluster->answer.message.size, cluster->answer.message.data);
    ck_assert_uint_eq(read->n_solutions, 16);
    for (size_t i = 0; i < read->n_solutions; i++) {
        struct pt_error error = {0};
        bool equal = false;
        ck_assert_uint_eq(read->solutions[i]->epoch, read->solutions[0]->epoch - i);
        ck_assert_uint_gt(read->solutions[i]->n_pairs, 0);
        ck_assert_msg(te_solution_recompute(read->solutions[i], &equal, &error) == PT_OK, "%s", error.text);
        ck_assert(equal);
    }
    OK(cluster, 0, TE "ListSolutions", "{\"parent\": \"" ACME "\", \"epoch\": \"%" PRIu64 "\"}",
       read->solutions[3]->epoch);
    Patronus__V1__ListSolutionsResponse *single =
        patronus__v1__list_solutions_response__unpack(NULL, cluster->answer.message.size, cluster->answer.message.data);
    ck_assert_uint_eq(single->n_solutions, 1);
    ck_assert_uint_eq(single->solutions[0]->epoch, read->solutions[3]->epoch);
    ck_assert_uint_eq(single->solutions[0]->n_pairs, read->solutions[3]->n_pairs);
    /* Small as it is, links and pairs are a part each; and of which solution a part is has to be said. */
    size_t links_len = 0, pairs_len = 0;
    ck_assert_uint_eq(single->parts, 2);
    for (unsigned part = 1; part <= 3; part++) {
        OK(cluster, 0, TE "ListSolutions", "{\"parent\": \"" ACME "\", \"epoch\": \"%" PRIu64 "\", \"part\": %u}",
           read->solutions[3]->epoch, part);
        Patronus__V1__ListSolutionsResponse *piece = patronus__v1__list_solutions_response__unpack(
            NULL, cluster->answer.message.size, cluster->answer.message.data);
        ck_assert_uint_eq(piece->n_solutions, part <= 2 ? 1 : 0);
        links_len += part <= 2 ? piece->solutions[0]->n_links : 0;
        pairs_len += part <= 2 ? piece->solutions[0]->n_pairs : 0;
        patronus__v1__list_solutions_response__free_unpacked(piece, NULL);
    }
    ck_assert_uint_eq(links_len, read->solutions[3]->n_links);
    ck_assert_uint_eq(pairs_len, read->solutions[3]->n_pairs);
    ck_assert_int_eq(call(cluster, 0, TE "ListSolutions", "{\"parent\": \"" ACME "\", \"part\": 1}"),
                     PT_INVALID_ARGUMENT);
    patronus__v1__list_solutions_response__free_unpacked(single, NULL);
    patronus__v1__list_solutions_response__free_unpacked(read, NULL);
    OK(cluster, 0, TE "ListSolutions", "{\"parent\": \"" ACME "\", \"epoch\": \"9999\"}");
    ANSWER_LACKS("epoch");
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("serve drain");
    TCase *tcase = tcase_create("drains");
    tcase_add_test(tcase, a_drain_outlives_its_leader);
    tcase_add_test(tcase, a_drain_waits_for_its_own_plan_and_not_for_the_newest);
    tcase_add_test(tcase, a_drain_is_refused_unless_forced);
    tcase_add_test(tcase, a_tenant_sees_his_own_traffic_alone);
    tcase_add_test(tcase, a_drain_in_steps_waits_for_every_node_at_each);
    tcase_add_test(tcase, the_last_solutions_are_computed_again_from_what_is_read);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
