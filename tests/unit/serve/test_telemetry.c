/* What a node reports of its tunnels and of applications is read in the API, and what it reports beyond the bounds is
 * not kept. */
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
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_TELEMETRY;
    message.telemetry = &telemetry;
    node_send(node, &message);
}

START_TEST(a_tunnel_shows_its_mtu_and_its_keys)
{
    static const char method[] = "TunnelService/GetTunnel",
                      name[] = "{\"name\": \"organizations/acme/tunnels/t-%016llx\"}";
    struct cluster world, *cluster = &world;
    struct enrolled nodes[2];
    struct node_stream node;
    cluster_init(cluster);
    make_network(cluster, nodes);
    node_connect(cluster, 0, &nodes[0], &node);
    say_hello(&node, NULL);
    STEP_UNTIL(cluster, node.bundles == 1);
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
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
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
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_TELEMETRY;
    message.telemetry = &telemetry;
    node_send(node, &message);
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
    cluster_init(cluster);
    make_network(cluster, nodes);
    node_connect(cluster, 0, &nodes[0], &one);
    node_connect(cluster, 0, &nodes[1], &two);
    say_hello(&one, NULL);
    say_hello(&two, NULL);
    STEP_UNTIL(cluster, one.bundles == 1 && two.bundles == 1);
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
    enrolled_fini(&nodes[0]);
    enrolled_fini(&nodes[1]);
    cluster_fini(cluster);
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
    tcase_add_test(tcase, what_is_beyond_the_bounds_is_dropped);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
