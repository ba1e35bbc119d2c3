/*
 * What is wrong at a site, by planted causes: each one is found, named with its figures and its resource, and stands
 * where it must among the others; a healthy site has none; what a cause explains is not told besides.
 */
#include "mod/site/doctor.h"

#include <check.h>
#include <string.h>

#define CAUSE(name) PATRONUS__V1__DIAGNOSIS_CAUSE__CAUSE_##name
#define SITE "organizations/acme/sites/nyc"
#define FAR "organizations/acme/sites/lon"

/* A site with an edge, two links and two paths to another one; all is well. */
struct healthy {
    struct site_facts facts;
    struct site_edge_facts edges[2];
    struct site_link_facts links[2];
    struct site_path_facts paths[2];
    struct site_drop_facts drops[2];
    struct pt_arena arena;
};

static void healthy_init(struct healthy *h)
{
    *h = (struct healthy){0};
    h->edges[0] = (struct site_edge_facts){.name = SITE "/edges/e1",
                                           .joined = true,
                                           .connected = true,
                                           .clock_known = true,
                                           .clock_ms = -12,
                                           .leaf_known = true,
                                           .leaf_s = 3000};
    for (int i = 0; i < 2; i++) {
        h->links[i] = (struct site_link_facts){.name = i == 0 ? SITE "/links/inet" : SITE "/links/mpls",
                                               .tunnels = 3,
                                               .capacity_bps = 100000000,
                                               .rate_bps = 40000000,
                                               .delay_us = 800,
                                               .mtu = 1432,
                                               .found_mtu = 1432};
        h->paths[i] =
            (struct site_path_facts){.name = i == 0 ? "organizations/acme/paths/p-1" : "organizations/acme/paths/p-2",
                                     .destination = FAR,
                                     .link = h->links[i].name,
                                     .known = true,
                                     .alive = true,
                                     .carries = i == 0,
                                     .rtt_us = 21000,
                                     .min_rtt_us = 20000,
                                     .loss_ppm = 300};
    }
    h->facts = (struct site_facts){.site = SITE,
                                   .edges = h->edges,
                                   .edges_len = 1,
                                   .links = h->links,
                                   .links_len = 2,
                                   .paths = h->paths,
                                   .paths_len = 2,
                                   .drops = h->drops};
    pt_arena_init(&h->arena);
}

static const Patronus__V1__DiagnosisFinding *found(const Patronus__V1__DiagnoseSiteResponse *out,
                                                   Patronus__V1__DiagnosisCause cause)
{
    for (size_t i = 0; i < out->n_findings; i++) {
        if (out->findings[i]->cause == cause) {
            return out->findings[i];
        }
    }
    return NULL;
}

START_TEST(a_healthy_site_has_nothing_wrong)
{
    struct healthy h;
    healthy_init(&h);
    h.drops[h.facts.drops_len++] =
        (struct site_drop_facts){.edge = h.edges[0].name, .reason = "no_path"}; /* long ago */
    const Patronus__V1__DiagnoseSiteResponse *out = site_diagnose(&h.facts, &h.arena);
    ck_assert_uint_eq(out->n_findings, 0);
    ck_assert_uint_eq(out->n_checks, 4);
    pt_arena_fini(&h.arena);
}
END_TEST

/* One thing is planted: it alone is found, of the resource that has it, and its evidence names the figure. */
static void no_edge(struct healthy *h)
{
    h->facts.edges_len = 0;
}
static void never_joined(struct healthy *h)
{
    h->edges[0].joined = h->edges[0].connected = false;
}
static void not_connected(struct healthy *h)
{
    h->edges[0].connected = false;
    h->links[0].dead = 3; /* what was heard last is not told */
}
static void leaf_expires(struct healthy *h)
{
    h->edges[0].leaf_s = 600;
}
static void leaf_expired(struct healthy *h)
{
    h->edges[0].leaf_s = -5;
}
static void refused(struct healthy *h)
{
    h->edges[0].refused = true;
}
static void behind(struct healthy *h)
{
    h->edges[0].unsent_s = 31;
}
static void clock_off(struct healthy *h)
{
    h->edges[0].clock_ms = -7300;
}
static void link_down(struct healthy *h)
{
    h->links[1].dead = 3;
    h->links[1].delay_us = 900000;
    h->paths[1].alive = false; /* hidden behind its link */
}
static void unreachable(struct healthy *h)
{
    h->paths[0].alive = h->paths[1].alive = false;
    h->links[0].dead = h->links[1].dead = 1; /* other sites are reached */
}
static void path_down(struct healthy *h)
{
    h->paths[0].alive = false;
}
static void sla_broken(struct healthy *h)
{
    static const char *const slas[] = {"organizations/acme/slaProfiles/voice"};
    h->paths[0].slas = slas;
    h->paths[0].slas_len = 1;
}
static void loss(struct healthy *h)
{
    h->paths[1].loss_ppm = 43000;
}
static void delay(struct healthy *h)
{
    h->paths[0].rtt_us = 95000;
}
static void no_ports(struct healthy *h)
{
    h->links[0].lacks_ports = true;
    h->links[0].ports = 31744;
    h->links[0].taken = 31700;
    h->links[0].refused = 4711;
    h->drops[h->facts.drops_len++] = (struct site_drop_facts){
        .edge = h->edges[0].name, .reason = "nat_exhausted", .recent = 4711}; /* hidden behind the link */
}
static void few_ports(struct healthy *h)
{
    h->links[0].ports = 31744;
    h->links[0].taken = 30000;
}
static void mtu(struct healthy *h)
{
    h->links[0].found_mtu = 1352;
}
static void full(struct healthy *h)
{
    h->links[0].rate_bps = 99000000;
}
static void queued(struct healthy *h)
{
    h->links[0].delay_us = 84000;
}
static void denied(struct healthy *h)
{
    h->drops[h->facts.drops_len++] = (struct site_drop_facts){.edge = h->edges[0].name,
                                                              .reason = "policy_deny",
                                                              .text = "a rule denies it",
                                                              .remedy = "meant",
                                                              .recent = 321,
                                                              .meant = true};
}
static void dropped(struct healthy *h)
{
    denied(h);
    h->drops[0].meant = false;
}
static void drained(struct healthy *h)
{
    h->links[0].drained = true;
}

static const struct planted {
    void (*plant)(struct healthy *h);
    Patronus__V1__DiagnosisCause cause;
    Patronus__V1__DiagnosisSeverity severity;
    const char *resource, *evidence;
} planted[] = {
    {no_edge, CAUSE(EDGE_NEVER_JOINED), 3, SITE, ""},
    {never_joined, CAUSE(EDGE_NEVER_JOINED), 3, SITE "/edges/e1", ""},
    {not_connected, CAUSE(EDGE_NOT_CONNECTED), 3, SITE "/edges/e1", "no stream"},
    {leaf_expires, CAUSE(CERTIFICATE_EXPIRING), 2, SITE "/edges/e1", "600 s"},
    {leaf_expired, CAUSE(CERTIFICATE_EXPIRING), 3, SITE "/edges/e1", "5 s ago"},
    {refused, CAUSE(BUNDLE_REFUSED), 3, SITE "/edges/e1", "refusal"},
    {behind, CAUSE(BUNDLE_BEHIND), 2, SITE "/edges/e1", "31 s"},
    {clock_off, CAUSE(CLOCK_OFF), 2, SITE "/edges/e1", "7.3 s behind"},
    {link_down, CAUSE(LINK_DOWN), 3, SITE "/links/mpls", "3 tunnels"},
    {unreachable, CAUSE(SITE_UNREACHABLE), 3, FAR, "2 paths"},
    {path_down, CAUSE(PATH_DOWN), 2, "organizations/acme/paths/p-1", "links/inet"},
    {sla_broken, CAUSE(SLA_BROKEN), 2, "organizations/acme/paths/p-1", "slaProfiles/voice"},
    {loss, CAUSE(LOSS_HIGH), 2, "organizations/acme/paths/p-2", "4.30 %"},
    {delay, CAUSE(DELAY_HIGH), 2, "organizations/acme/paths/p-1", "95.0 ms now, 20.0 ms"},
    {mtu, CAUSE(MTU_REDUCED), 2, SITE "/links/inet", "1352 bytes arrive of 1432"},
    {full, CAUSE(LINK_SATURATED), 2, SITE "/links/inet", "99.0 of 100.0 Mbit/s"},
    {queued, CAUSE(LINK_SATURATED), 2, SITE "/links/inet", "84.0 ms"},
    {no_ports, CAUSE(PORTS_EXHAUSTED), 2, SITE "/links/inet", "4711 packets"},
    {few_ports, CAUSE(PORTS_EXHAUSTED), 2, SITE "/links/inet", "30000 of 31744"},
    {denied, CAUSE(POLICY_DENIES), 1, SITE "/edges/e1", "321 packets dropped as policy_deny"},
    {dropped, CAUSE(DROPS_RISING), 2, SITE "/edges/e1", "321 packets"},
    {drained, CAUSE(DRAINED), 1, SITE "/links/inet", ""},
};
#define PLANTED_LEN (sizeof(planted) / sizeof(planted[0]))

START_TEST(what_is_planted_is_found_and_nothing_else)
{
    struct healthy h;
    const struct planted *p = &planted[_i];
    healthy_init(&h);
    p->plant(&h);
    const Patronus__V1__DiagnoseSiteResponse *out = site_diagnose(&h.facts, &h.arena);
    ck_assert_uint_eq(out->n_findings, 1);
    const Patronus__V1__DiagnosisFinding *finding = out->findings[0];
    ck_assert_int_eq(finding->cause, p->cause);
    ck_assert_int_eq(finding->severity, p->severity);
    ck_assert_str_eq(finding->resource, p->resource);
    ck_assert_str_ne(finding->summary, "");
    ck_assert_str_ne(finding->remedy, "");
    bool seen = p->evidence[0] == '\0';
    for (size_t i = 0; i < finding->n_evidence; i++) {
        seen = seen || strstr(finding->evidence[i], p->evidence) != NULL;
    }
    ck_assert_msg(seen, "no evidence has '%s'", p->evidence);
    pt_arena_fini(&h.arena);
}
END_TEST

/* What stops traffic comes before what slows it, that before what is meant; and more before less. */
START_TEST(causes_are_ranked)
{
    static const Patronus__V1__DiagnosisCause order[] = {
        CAUSE(SITE_UNREACHABLE), CAUSE(BUNDLE_REFUSED), CAUSE(LINK_SATURATED), CAUSE(CLOCK_OFF),
        CAUSE(MTU_REDUCED),      CAUSE(POLICY_DENIES),  CAUSE(DRAINED)};
    struct healthy h;
    healthy_init(&h);
    drained(&h);
    denied(&h);
    mtu(&h);
    clock_off(&h);
    queued(&h);
    refused(&h);
    unreachable(&h);
    const Patronus__V1__DiagnoseSiteResponse *out = site_diagnose(&h.facts, &h.arena);
    ck_assert_uint_eq(out->n_findings, sizeof(order) / sizeof(order[0]));
    for (size_t i = 0; i < out->n_findings; i++) {
        ck_assert_int_eq(out->findings[i]->cause, order[i]);
        ck_assert(i == 0 || out->findings[i]->weight <= out->findings[i - 1]->weight);
    }
    pt_arena_fini(&h.arena);
    healthy_init(&h);
    h.paths[0].loss_ppm = 20000;
    h.paths[0].carries = false;
    h.paths[1].loss_ppm = 90000;
    out = site_diagnose(&h.facts, &h.arena);
    ck_assert_uint_eq(out->n_findings, 2);
    ck_assert_str_eq(out->findings[0]->resource, h.paths[1].name);
    ck_assert_ptr_nonnull(found(out, CAUSE(LOSS_HIGH)));
    pt_arena_fini(&h.arena);
}
END_TEST

/* More than an answer holds: the limit holds, and the order. */
START_TEST(there_is_an_end_to_findings)
{
    struct healthy h;
    static struct site_path_facts many[1000];
    healthy_init(&h);
    for (size_t i = 0; i < 1000; i++) {
        many[i] = h.paths[0];
        many[i].loss_ppm = 50000;
    }
    h.facts.paths = many;
    h.facts.paths_len = 1000;
    const Patronus__V1__DiagnoseSiteResponse *out = site_diagnose(&h.facts, &h.arena);
    ck_assert_uint_eq(out->n_findings, SITE_FINDINGS_MAX);
    pt_arena_fini(&h.arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("doctor");
    TCase *tcase = tcase_create("causes");
    tcase_add_test(tcase, a_healthy_site_has_nothing_wrong);
    tcase_add_loop_test(tcase, what_is_planted_is_found_and_nothing_else, 0, (int)PLANTED_LEN);
    tcase_add_test(tcase, causes_are_ranked);
    tcase_add_test(tcase, there_is_an_end_to_findings);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
