/*
 * What a node reports of its paths, tunnels, links and applications is read in the API, for as long as it says so and
 * of what is its own; what it reports beyond the bounds is not kept.
 */
#include "edge_node.h"

#include "mod/te/simulate.h"
#include "patronus/v1/fabric.pb-c.h"
#include "serve/controller_priv.h"

static uint64_t tunnel_of_path(const struct node_stream *node, uint64_t path)
{
    const Patronus__V1__Bundle *bundle = node->bundle->bundle;
    for (size_t i = 0; i < bundle->n_entries; i++) {
        if (bundle->entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_PATH &&
            bundle->entries[i]->path->path == path) {
            return bundle->entries[i]->path->tunnel;
        }
    }
    ck_abort_msg("the path is not in the bundle");
    return 0;
}

static void tell(struct node_stream *node, Patronus__V1__PathReport *item)
{
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    telemetry.n_paths = 1;
    telemetry.paths = &item;
    send_telemetry(node, &telemetry);
}

START_TEST(a_tunnel_shows_its_mtu_and_its_keys)
{
    static const char method[] = "TunnelService/GetTunnel",
                      name[] = "{\"name\": \"organizations/acme/tunnels/t-%016llx\"}";
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    network_init(cluster, nodes);
    node_join(cluster, 0, &nodes[0], &node);
    acknowledge(&node, "");
    uint64_t path = first_path(&node);
    unsigned long long tunnel = tunnel_of_path(&node, path);
    run_for_ms(cluster, 1000);
    OK(cluster, 0, method, name, tunnel);
    ANSWER_LACKS("pathMtu"); /* nothing is said of it yet */
    ANSWER_LACKS("handshakes");
    Patronus__V1__PathReport item = PATRONUS__V1__PATH_REPORT__INIT;
    item.path = path;
    item.alive = true;
    item.rtt_us = 3000;
    item.loss_ppm = 1700;
    item.mtu = 1388;
    item.cipher = PATRONUS__V1__TUNNEL_CIPHER__CHACHA20_POLY1305;
    item.session_age_ms = 4567;
    item.handshakes = 9;
    tell(&node, &item);
    run_for_ms(cluster, 1000);
    OK(cluster, 0, method, name, tunnel);
    ANSWER_HAS("\"operState\":\"UP\"");
    ANSWER_HAS("\"rttUs\":3000");
    ANSWER_HAS("\"lossPpm\":1700");
    ANSWER_HAS("\"pathMtu\":1388");
    ANSWER_HAS("\"cipher\":\"CHACHA20_POLY1305\"");
    ANSWER_HAS("\"sessionAgeMs\":\"4567\"");
    ANSWER_HAS("\"handshakes\":\"9\"");
    item.session_age_ms = 12; /* a new handshake */
    item.handshakes = 10;
    tell(&node, &item);
    run_for_ms(cluster, 1000);
    OK(cluster, 0, method, name, tunnel);
    ANSWER_HAS("\"sessionAgeMs\":\"12\"");
    ANSWER_HAS("\"handshakes\":\"10\"");
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

/* ---- links ---------------------------------------------------------------------------------------------------- */

/* One transition makes one pass of the plan; the same word again, and another node's word about the path, make none.
 * SOFT fields stand in the leader's answers and are absent from stale ones. */
START_TEST(telemetry_makes_transitions_for_own_paths_only)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream one, two;
    network_init(cluster, nodes);
    nodes_join(cluster, nodes, &one, &two);
    acknowledge(&one, "");
    acknowledge(&two, "");
    uint64_t path = first_path(&one);
    ck_assert_uint_ne(path, first_path(&two));
    report(&one, path, true);
    report(&two, first_path(&two), true);
    run_for_ms(cluster, 3000);
    static const char get[] = "{\"name\": \"organizations/acme/sites/s1/links/wan0\"}";
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_HAS("\"latencyUs\":3000");
    OK(cluster, 0, "LinkService/GetLink", "{\"name\": \"organizations/acme/sites/s1/links/wan0\", \"stale\": true}");
    ANSWER_LACKS("latencyUs");
    OK(cluster, 0, "EdgeService/GetEdge", "{\"name\": \"organizations/acme/sites/s1/edges/e1\"}");
    ANSWER_HAS("\"connected\":true");
    OK(cluster, 0, "EdgeService/GetEdge", "{\"name\": \"organizations/acme/sites/s1/edges/e1\", \"stale\": true}");
    ANSWER_LACKS("\"connected\"");
    unsigned before = one.bundles;
    for (unsigned i = 0; i < 10; i++) {
        report(&two, path, false); /* not its path */
        report(&two, 0xdead0000 + i, false);
    }
    run_for_ms(cluster, 3000);
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_HAS("\"latencyUs\":3000"); /* still alive */
    ck_assert_uint_eq(one.bundles, before);
    report(&one, path, false);
    run_for_ms(cluster, 3000);
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_LACKS("latencyUs"); /* no living path leaves by it */
    ck_assert(!one.ended && !two.ended);
    node_leave(&one);
    node_leave(&two);
    network_fini(cluster, nodes);
}
END_TEST

/* What a node says of the queues of a link, with one class that is REALTIME. */
static void report_class(struct node_stream *node, const char *link, const char *error, uint32_t backlog_bytes)
{
    Patronus__V1__ClassReport class = PATRONUS__V1__CLASS_REPORT__INIT, *classes[] = {&class};
    Patronus__V1__LinkReport item = PATRONUS__V1__LINK_REPORT__INIT, *items[] = {&item};
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    class.traffic_class = PATRONUS__V1__TRAFFIC_CLASS__REALTIME;
    class.rate_bps = 7000001;
    class.promised_bps = 10000002;
    class.backlog_bytes = backlog_bytes;
    class.backlog_packets = 4;
    class.delay_us = 5005;
    class.drops = 6;
    class.packets = 7007;
    class.bytes = 8000008;
    item.name = (char *)(uintptr_t)link;
    item.error = (char *)(uintptr_t)error;
    item.classes = classes;
    item.n_classes = error[0] == '\0' ? 1 : 0;
    telemetry.links = items;
    telemetry.n_links = 1;
    send_telemetry(node, &telemetry);
}

/* Depth, drops, rate and delay of each class stand in Link, as its own edge said last, for as long as it says it. */
START_TEST(a_link_shows_its_queues_as_its_own_edge_says)
{
    static const char link[] = "organizations/acme/sites/s1/links/wan0";
    static const char get[] = "{\"name\": \"organizations/acme/sites/s1/links/wan0\"}";
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream one, two;
    network_init(cluster, nodes);
    OK(cluster, 0, "QosProfileService/CreateQosProfile",
       "{\"parent\": \"organizations/acme\", \"qosProfileId\": \"office\", \"qosProfile\": {\"classes\": [{"
       "\"trafficClass\": \"REALTIME\", \"percent\": 20}]}}");
    OK(cluster, 0, "LinkService/UpdateLink",
       "{\"link\": {\"name\": \"%s\", \"qosProfile\": \"organizations/acme/qosProfiles/office\", \"capacityUpBps\": "
       "\"50000000\"}, \"updateMask\": \"qosProfile,capacityUpBps\"}",
       link);
    nodes_join(cluster, nodes, &one, &two);
    report_class(&one, link, "", 3003);
    run_for_ms(cluster, 1000);
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_HAS("\"trafficClass\":\"REALTIME\"");
    ANSWER_HAS("\"rateBps\":\"7000001\"");
    ANSWER_HAS("\"promisedBps\":\"10000002\"");
    ANSWER_HAS("\"backlogBytes\":3003");
    ANSWER_HAS("\"backlogPackets\":4");
    ANSWER_HAS("\"delayUs\":5005");
    ANSWER_HAS("\"drops\":\"6\"");
    ANSWER_HAS("\"packets\":\"7007\"");
    ANSWER_HAS("\"bytes\":\"8000008\"");
    report_class(&two, link, "", 666); /* not its link */
    run_for_ms(cluster, 1000);
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_HAS("\"backlogBytes\":3003");
    report_class(&one, link, "the kernel has no HTB", 0);
    run_for_ms(cluster, 1000);
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_HAS("\"shapingError\":\"the kernel has no HTB\"");
    ANSWER_LACKS("backlogBytes");
    report_class(&one, link, "", 3003);
    run_for_ms(cluster, 12000); /* and then no more */
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_LACKS("backlogBytes");
    ck_assert(!one.ended && !two.ended);
    node_leave(&one);
    node_leave(&two);
    network_fini(cluster, nodes);
}
END_TEST

static void report_translation(struct node_stream *node, const char *link, uint64_t exhausted)
{
    Patronus__V1__TranslationReport item = PATRONUS__V1__TRANSLATION_REPORT__INIT, *items[] = {&item};
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    item.link = (char *)(uintptr_t)link;
    item.made = 70007;
    item.exhausted = exhausted;
    item.tcp_ports = 31744;
    item.udp_ports = 5005;
    item.icmp_ids = 3;
    telemetry.translations = items;
    telemetry.n_translations = 1;
    send_telemetry(node, &telemetry);
}

/* Ports that are taken, and hosts that found none, stand in Link, in metrics and in what the doctor says, as the link's
 * own edge reported; what was refused before the leader heard of the link is no news. */
START_TEST(a_link_without_free_ports_is_told_of)
{
    static const char link[] = "organizations/acme/sites/s1/links/wan0";
    static const char get[] = "{\"name\": \"organizations/acme/sites/s1/links/wan0\"}";
    static const char site[] = "{\"name\": \"organizations/acme/sites/s1\"}";
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream one, two;
    PT_AUTO(buf) struct pt_buf metrics = {0};
    network_init(cluster, nodes);
    nodes_join(cluster, nodes, &one, &two);
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_LACKS("mappingsMade");
    report_translation(&one, link, 5);
    report_translation(&two, link, 666); /* not its link */
    run_for_ms(cluster, 1000);
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_HAS("\"mappingsMade\":\"70007\"");
    ANSWER_HAS("\"exhaustedPackets\":\"5\"");
    ANSWER_HAS("\"tcpPorts\":31744");
    ANSWER_HAS("\"udpPorts\":5005");
    ANSWER_HAS("\"icmpIds\":3");
    ANSWER_HAS("\"ports\":31744");
    OK(cluster, 0, "DiagnosticsService/DiagnoseSite", site);
    ANSWER_HAS("few ports are left on the link");
    report_translation(&one, link, 8);
    run_for_ms(cluster, 1000);
    OK(cluster, 0, "DiagnosticsService/DiagnoseSite", site);
    ANSWER_HAS("CAUSE_PORTS_EXHAUSTED");
    ANSWER_HAS("31744 of 31744 ports are taken");
    ANSWER_HAS("8 packets were dropped as nat_exhausted");
    pt_soft_metrics(cluster->nodes[0].controller->soft, &metrics);
    pt_buf_append_u8(&metrics, '\0');
    ck_assert_ptr_nonnull(strstr((const char *)metrics.data, "patronus_nat_mappings_total{outcome=\"refused\"} 8\n"));
    ck_assert_ptr_nonnull(strstr((const char *)metrics.data, "patronus_nat_ports_taken{protocol=\"tcp\"} 31744\n"));
    ck_assert_ptr_nonnull(strstr((const char *)metrics.data, "patronus_nat_links{state=\"full\"} 1\n"));
    run_for_ms(cluster, 12000); /* nothing more is said */
    OK(cluster, 0, "LinkService/GetLink", get);
    ANSWER_LACKS("mappingsMade");
    ck_assert(!one.ended && !two.ended);
    node_leave(&one);
    node_leave(&two);
    network_fini(cluster, nodes);
}
END_TEST

/* ---- applications --------------------------------------------------------------------------------------------- */

#define SIGNATURES 40 /* more than /metrics has room for */

static void tell_applications(struct node_stream *node, uint64_t sampled)
{
    Patronus__V1__InspectionReport inspection = PATRONUS__V1__INSPECTION_REPORT__INIT;
    Patronus__V1__ApplicationReport uses[SIGNATURES + 2], *items[SIGNATURES + 2];
    char names[SIGNATURES + 2][64];
    for (uint32_t i = 0; i < SIGNATURES + 2; i++) {
        patronus__v1__application_report__init(&uses[i]);
        (void)snprintf(names[i], sizeof(names[i]), i < 2 ? "organizations/acme/applications/a%u" : "signature%u", i);
        uses[i].name = names[i];
        uses[i].flows = 100 + i;
        items[i] = &uses[i];
    }
    inspection.sampled = sampled;
    inspection.not_sampled = 22;
    inspection.recognised = 33;
    inspection.unknown = 44;
    inspection.cache_hits = 55;
    inspection.cache_misses = 66;
    inspection.learned_addresses = 77;
    inspection.reloads = 8;
    inspection.applications = items;
    inspection.n_applications = SIGNATURES + 2;
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    telemetry.inspection = &inspection;
    send_telemetry(node, &telemetry);
}

/* What an edge recognised stands in Edge, and added up in metrics, whose labels are few and none a tenant's word. */
START_TEST(an_edge_shows_its_applications)
{
    static const char get[] = "{\"name\": \"organizations/acme/sites/s1/edges/e1\"}";
    static const char *const lines[] = {"patronus_inspect_packets_total{outcome=\"sampled\"} 3333\n",
                                        "patronus_inspect_packets_total{outcome=\"not_sampled\"} 44\n",
                                        "patronus_inspect_cache_total{outcome=\"hit\"} 110\n",
                                        "patronus_inspect_cache_total{outcome=\"miss\"} 132\n",
                                        "patronus_inspect_flows_total{application=\"described\"} 402\n",
                                        "patronus_inspect_flows_total{application=\"signature5\"} 210\n",
                                        "patronus_inspect_flows_total{application=\"other\"} "};
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream one, two;
    PT_AUTO(buf) struct pt_buf metrics = {0};
    network_init(cluster, nodes);
    nodes_join(cluster, nodes, &one, &two);
    OK(cluster, 0, "EdgeService/GetEdge", get);
    ANSWER_LACKS("\"sampled\"");
    tell_applications(&one, 1111);
    tell_applications(&two, 2222);
    run_for_ms(cluster, 1000);
    OK(cluster, 0, "EdgeService/GetEdge", get);
    ANSWER_HAS("\"sampled\":\"1111\"");
    ANSWER_HAS("\"notSampled\":\"22\"");
    ANSWER_HAS("\"recognised\":\"33\"");
    ANSWER_HAS("\"unknown\":\"44\"");
    ANSWER_HAS("\"cacheHits\":\"55\"");
    ANSWER_HAS("\"cacheMisses\":\"66\"");
    ANSWER_HAS("\"learnedAddresses\":\"77\"");
    ANSWER_HAS("\"reloads\":\"8\"");
    ANSWER_HAS("{\"application\":\"organizations/acme/applications/a1\",\"flows\":\"101\"}");
    ANSWER_HAS("{\"application\":\"signature41\",\"flows\":\"141\"}");
    pt_soft_metrics(cluster->nodes[0].controller->soft, &metrics);
    pt_buf_append_u8(&metrics, '\0');
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ck_assert_msg(strstr((const char *)metrics.data, lines[i]) != NULL, "no %s in %s", lines[i], metrics.data);
    }
    ck_assert_ptr_null(strstr((const char *)metrics.data, "signature41"));
    ck_assert_ptr_null(strstr((const char *)metrics.data, "applications/"));
    run_for_ms(cluster, 12000); /* nothing more is said */
    OK(cluster, 0, "EdgeService/GetEdge", get);
    ANSWER_LACKS("\"sampled\"");
    node_leave(&one);
    node_leave(&two);
    network_fini(cluster, nodes);
}
END_TEST

/* ---- traffic -------------------------------------------------------------------------------------------------- */

/* The matrix of the last hour is soft, but the node that counted it tells the next leader: percentiles, the usual of
 * the hour and the sum of bytes that it counts from there on. */
START_TEST(a_new_leader_learns_the_last_hour)
{
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    network_init_three(cluster, nodes);
    unsigned leader = (unsigned)leader_of(cluster);
    node_join(cluster, leader, &nodes[0], &node);
    OK(cluster, leader, "ClusterService/TransferLeadership", "{}");
    STEP_UNTIL(cluster, node.ended);
    node_leave(&node);
    STEP_UNTIL(cluster, leader_of(cluster) >= 0 && (unsigned)leader_of(cluster) != leader);
    leader = (unsigned)leader_of(cluster);
    node_join(cluster, leader, &nodes[0], &node);
    uint64_t bytes[100], hours[24];
    for (size_t i = 0; i < 100; i++) {
        bytes[i] = i < 50 ? 3750000 : i < 97 ? 7500000 : 37500000; /* 1, 2 and 10 Mbit/s */
    }
    for (size_t i = 0; i < 24; i++) {
        hours[i] = 3000001;
    }
    uint64_t now = (uint64_t)pt_sys_wall_ns(host_sys(cluster, leader)) / 30000000000ULL;
    Patronus__V1__DemandReport item = PATRONUS__V1__DEMAND_REPORT__INIT, *items[] = {&item};
    item.site_label = label_of_group(&node);
    item.traffic_class = 5;
    item.window_ms = 1000;
    item.history_bytes = bytes;
    item.n_history_bytes = 100;
    item.history_interval = now - 1;
    item.history_hours = hours;
    item.n_history_hours = 24;
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    telemetry.demands = items;
    telemetry.n_demands = 1;
    send_telemetry(&node, &telemetry);
    run_for_ms(cluster, 200);
    OK(cluster, leader, "TrafficEngineeringService/GetTrafficMatrix", "{\"parent\": \"organizations/acme\"}");
    ANSWER_HAS("\"p50Bps\":\"1000000\"");
    ANSWER_HAS("\"p95Bps\":\"2000000\"");
    ANSWER_HAS("\"maxBps\":\"10000000\"");
    ANSWER_HAS("\"usualBps\":\"3000000\"");
    node_leave(&node);
    network_fini(cluster, nodes);
}
END_TEST

/* ---- bounds --------------------------------------------------------------------------------------------------- */

#define EDGE "organizations/acme/sites/s1/edges/e1"
enum { PATHS = 5, DEMANDS = 3, TOLD = 20 };

static void count_cell(void *arg, const char *edge, uint32_t site_label, uint32_t traffic_class,
                       const struct te_series *series)
{
    (void)traffic_class;
    (void)series;
    ck_assert_str_eq(edge, EDGE);
    ck_assert_uint_le(site_label, DEMANDS); /* the first ones that came */
    ++*(unsigned *)arg;
}

/* Before the first pass nobody knows whose paths are whose, and everything is taken: as much as the bounds allow. */
START_TEST(what_is_beyond_the_bounds_is_dropped)
{
    struct pt_sim *sim = pt_sim_new(&(struct pt_sim_options){.seed = 1});
    struct pt_controller controller = {.sys = pt_sim_host(sim, pt_sim_add_host(sim))};
    controller.push = pt_push_new(&controller);
    struct pt_soft_store *soft = pt_soft_new(&controller);
    Patronus__V1__PathReport paths[TOLD], *path_items[TOLD];
    Patronus__V1__DemandReport demands[TOLD], *demand_items[TOLD];
    Patronus__V1__Telemetry telemetry = PATRONUS__V1__TELEMETRY__INIT;
    for (uint32_t i = 0; i < TOLD; i++) {
        patronus__v1__path_report__init(&paths[i]);
        patronus__v1__demand_report__init(&demands[i]);
        paths[i].path = i + 1;
        paths[i].alive = true;
        paths[i].rtt_us = 1000;
        demands[i].site_label = i + 1;
        demands[i].rate_bps = 8000000;
        path_items[i] = &paths[i];
        demand_items[i] = &demands[i];
    }
    telemetry.paths = path_items;
    telemetry.demands = demand_items;
    telemetry.n_paths = telemetry.n_demands = TOLD;
    pt_soft_set_limits(soft, PATHS, DEMANDS);
    for (unsigned round = 0; round < 3; round++) {
        unsigned cells = 0;
        struct te_measure measure;
        (void)pt_soft_telemetry(soft, EDGE, &telemetry);
        for (uint64_t i = 1; i <= TOLD; i++) {
            ck_assert_int_eq(pt_soft_measured(soft, i, &measure), i <= PATHS);
        }
        pt_soft_matrix(soft, count_cell, &cells);
        ck_assert_uint_eq(cells, DEMANDS);
    }
    paths[0].rtt_us = 5000; /* what is known goes on being heard */
    struct te_measure measure = {0};
    (void)pt_soft_telemetry(soft, EDGE, &telemetry);
    ck_assert(pt_soft_measured(soft, 1, &measure));
    ck_assert_uint_eq(measure.rtt_us, 5000);
    pt_soft_free(soft);
    pt_push_free(controller.push);
    pt_sim_free(sim);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("serve telemetry");
    TCase *tcase = tcase_create("telemetry");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, a_tunnel_shows_its_mtu_and_its_keys);
    tcase_add_test(tcase, an_edge_shows_its_applications);
    tcase_add_test(tcase, telemetry_makes_transitions_for_own_paths_only);
    tcase_add_test(tcase, a_link_shows_its_queues_as_its_own_edge_says);
    tcase_add_test(tcase, a_link_without_free_ports_is_told_of);
    tcase_add_test(tcase, a_new_leader_learns_the_last_hour);
    tcase_add_test(tcase, what_is_beyond_the_bounds_is_dropped);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
