/*
 * Two tenants behind the same controllers: what one asks says nothing of the other, and how large the others' networks
 * are changes no answer. And what a question must refuse.
 */
#include "fixture.h"

#include "mod/te/packed.h"
#include "mod/te/split.h"

#include <math.h>

#define MBIT 1000000ULL
#define RIVAL "organizations/rival"

/* Sites s00 and s01 of an organization with one underlay, so many Mbit/s each way. */
static void tenant(struct fixture *f, const char *organization, unsigned first_label, unsigned mbit)
{
    put(f, "organization", "{\"name\":\"%s\"}", organization);
    put(f, "fabric", "{\"name\":\"%s/fabrics/f\"}", organization);
    put(f, "segment", "{\"name\":\"%s/segments/corp\",\"fabric\":\"%s/fabrics/f\",\"vni\":%u}", organization,
        organization, first_label + 70);
    for (unsigned i = 0; i < 2; i++) {
        put(f, "site", "{\"name\":\"%s/sites/s%02u\",\"siteLabel\":%u}", organization, i, first_label + i);
        put(f, "edge",
            "{\"name\":\"%s/sites/s%02u/edges/e\",\"nodeId\":\"edge/%u\",\"lanInterfaces\":[{\"interface\":\"lan0\","
            "\"segment\":\"%s/segments/corp\",\"prefixes\":[\"10.%u.0.0/24\"]}]}",
            organization, i, first_label + i, organization, i);
        put(f, "link",
            "{\"name\":\"%s/sites/s%02u/links/l00\",\"edge\":\"%s/sites/s%02u/edges/e\",\"interface\":\"wan1\","
            "\"address\":\"192.0.2.%u\",\"underlay\":\"%s\",\"srlgs\":[5],\"capacityUpBps\":\"%u000000\","
            "\"capacityDownBps\":\"%u000000\"}",
            organization, i, organization, i, first_label + i, strcmp(organization, ORG) == 0 ? "inet" : "dark", mbit,
            mbit);
    }
}

static void demand(struct fixture *f, const char *edge, unsigned label, uint64_t rate_bps)
{
    char key[128];
    snprintf(key, sizeof(key), "%s/%u", edge, label);
    struct pt_demand_soft *soft = pt_arena_alloc(&f->arena, sizeof(*soft));
    soft->rate_bps = rate_bps;
    (void)pt_map_put_str(&f->soft.demands, key, soft);
}

/* Ours carries 40 of 100; the rival's link is full twice over. */
static void two_tenants(struct fixture *f)
{
    fixture_init(f);
    tenant(f, ORG, 1, 100);
    tenant(f, RIVAL, 11, 100);
    demand(f, ORG "/sites/s00/edges/e", 2, 40 * MBIT);
    demand(f, RIVAL "/sites/s00/edges/e", 12, 200 * MBIT);
    pass_ok(f);
}

static enum pt_code read_request(struct fixture *f, const char *json, struct te_changes **ret_changes,
                                 struct pt_error *reterr)
{
    const struct pt_method_type *method = pt_schema_method(f->schema, "/patronus.v1.TrafficEngineeringService/WhatIf");
    struct pt_msg *request = NULL;
    ck_assert_msg(pt_json_read(f->schema, method->input, json, strlen(json), &f->arena, &request, reterr) == PT_OK,
                  "%s: %s", reterr->field, reterr->text);
    return te_changes_read(&f->pass, request, &f->arena, ret_changes, reterr);
}

static Patronus__V1__WhatIfResponse *answer(struct fixture *f, const char *organization, const char *json)
{
    struct pt_error error = {0};
    struct te_changes *changes = NULL;
    Patronus__V1__WhatIfResponse *response = NULL;
    ck_assert_msg(read_request(f, json, &changes, &error) == PT_OK, "%s: %s", error.field, error.text);
    ck_assert_msg(te_what_if(&f->pass, changes, organization, &f->arena, &response, &error) == PT_OK, "%s", error.text);
    return response;
}

START_TEST(an_answer_is_about_the_tenant_s_own)
{
    struct fixture f;
    two_tenants(&f);
    /* A risk group's number is everybody's: the rival's links fail in the question too, and are not in the answer. */
    Patronus__V1__WhatIfResponse *response = answer(&f, ORG, "{\"parent\":\"" ORG "\",\"failSrlgs\":[5]}");
    ck_assert_uint_eq(response->before_ppm, 400000);
    ck_assert_uint_eq(response->demand_bps, 40 * MBIT);
    ck_assert_uint_eq(response->cut_off, 1);
    ck_assert_uint_eq(response->unmet_bps, 40 * MBIT);
    ck_assert_uint_eq(response->n_sla_at_risk, 1);
    response = answer(&f, ORG, "{\"parent\":\"" ORG "\",\"scalePercent\":240}");
    ck_assert_uint_eq(response->after_ppm, 960000);
    ck_assert_uint_eq(response->n_links, 2);
    ck_assert_uint_eq(response->unmet_bps, 0);
    ck_assert_uint_eq(response->n_shadow_prices, 2);
    ck_assert_uint_le(response->shadow_prices[0]->max_utilization_ppm, 965000);
    for (size_t i = 0; i < response->n_links; i++) {
        ck_assert_int_eq(strncmp(response->links[i]->link, ORG "/", strlen(ORG "/")), 0);
    }
    response = answer(&f, RIVAL, "{\"parent\":\"" RIVAL "\"}");
    ck_assert_uint_eq(response->before_ppm, 2000000);
    ck_assert_uint_ge(response->unmet_bps, 99 * MBIT);
    fixture_fini(&f);
}
END_TEST

/* As if it did not exist: in the very words of a name that does not. */
START_TEST(what_is_another_s_does_not_exist)
{
    static const struct {
        const char *before, *after; /* the rival's site's name */
    } requests[] = {
        {"\"failLinks\":[\"", "/links/l00\"]"},
        {"\"failSites\":[\"", "\"]"},
        {"\"demands\":[{\"sourceSite\":\"" ORG "/sites/s00\",\"destinationSite\":\"", "\",\"rateBps\":\"1\"}]"},
        {"\"links\":[{\"link\":\"", "/links/l00\",\"capacityUpBps\":\"5\"}]"},
    };
    struct fixture f;
    two_tenants(&f);
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        char real[256], made_up[256];
        snprintf(real, sizeof(real), "{\"parent\":\"" ORG "\",%s" RIVAL "/sites/s01%s}", requests[i].before,
                 requests[i].after);
        snprintf(made_up, sizeof(made_up), "{\"parent\":\"" ORG "\",%s" RIVAL "/sites/s99%s}", requests[i].before,
                 requests[i].after);
        struct pt_error a = {0}, b = {0};
        struct te_changes *changes = NULL;
        ck_assert_int_eq(read_request(&f, real, &changes, &a), PT_NOT_FOUND);
        ck_assert_int_eq(read_request(&f, made_up, &changes, &b), PT_NOT_FOUND);
        ck_assert_str_eq(a.field, b.field);
        char *number = strstr(b.text, "s99");
        ck_assert_ptr_nonnull(number);
        memcpy(number, "s01", 3);
        ck_assert_str_eq(a.text, b.text);
        ck_assert_ptr_null(changes);
    }
    Patronus__V1__ExplainDemandResponse *response = NULL;
    struct pt_error error = {0};
    ck_assert_int_eq(te_explain(&f.pass, ORG "/sites/s00", RIVAL "/sites/s01", NULL, &f.arena, &response, &error),
                     PT_NOT_FOUND);
    ck_assert_str_eq(error.field, "destination_site");
    ck_assert_int_eq(te_explain(&f.pass, ORG "/sites/s00", ORG "/sites/s00", NULL, &f.arena, &response, &error),
                     PT_INVALID_ARGUMENT);
    /* Nor its underlays. */
    struct te_changes *changes = NULL;
    ck_assert_int_eq(read_request(&f,
                                  "{\"parent\":\"" ORG "\",\"links\":[{\"link\":\"" ORG
                                  "/sites/s00/links/new\",\"underlay\":\"dark\",\"capacityUpBps\":\"5\","
                                  "\"capacityDownBps\":\"5\"}]}",
                                  &changes, &error),
                     PT_INVALID_ARGUMENT);
    ck_assert_str_eq(error.field, "links[0].link");
    fixture_fini(&f);
}
END_TEST

START_TEST(a_part_of_a_solution_names_nobody_else)
{
    struct fixture f;
    two_tenants(&f);
    struct te_packed packed = {0};
    te_solution_pack(&f.pass, SIZE_MAX, &packed);
    Patronus__V1__Solution *whole = patronus__v1__solution__unpack(NULL, packed.data.size, packed.data.data);
    ck_assert_uint_eq(whole->n_links, 8);
    ck_assert_uint_eq(whole->n_pairs, 2);
    ck_assert_uint_eq(whole->utilization_ppm, 2000000);
    Patronus__V1__Solution *part = patronus__v1__solution__unpack(NULL, packed.data.size, packed.data.data);
    te_solution_part(part, RIVAL);
    ck_assert_uint_eq(part->n_links, 4);
    ck_assert_uint_eq(part->n_pairs, 1);
    ck_assert_str_eq(part->pairs[0]->source_site, RIVAL "/sites/s00");
    for (size_t i = 0; i < part->pairs[0]->paths[0]->n_links; i++) {
        const char *mine = part->links[part->pairs[0]->paths[0]->links[i]]->link;
        const char *same = whole->links[whole->pairs[1]->paths[0]->links[i]]->link;
        ck_assert_str_eq(mine, same);
    }
    patronus__v1__solution__free_unpacked(part, NULL);
    part = patronus__v1__solution__unpack(NULL, packed.data.size, packed.data.data);
    te_solution_part(part, ORG);
    ck_assert_uint_eq(part->utilization_ppm, 400000);
    ck_assert_uint_eq(part->bound_ppm, 0);
    ck_assert_uint_eq(part->worst_ppm, 0);
    te_solution_summary(part);
    ck_assert_uint_eq(part->n_links + part->n_pairs, 0);
    patronus__v1__solution__free_unpacked(part, NULL);
    patronus__v1__solution__free_unpacked(whole, NULL);
    te_packed_fini(&packed);
    fixture_fini(&f);
}
END_TEST

/* What was entered by hand counts when the question says so, and moves nothing by itself. */
START_TEST(planned_traffic_counts_when_asked_for)
{
    struct fixture f;
    fixture_init(&f);
    tenant(&f, ORG, 1, 100);
    put(&f, "demand",
        "{\"name\":\"" ORG "/demands/d\",\"sourceSite\":\"" ORG "/sites/s00\",\"destinationSite\":\"" ORG
        "/sites/s01\",\"trafficClass\":\"BULK\",\"rateBps\":\"30000000\"}");
    demand(&f, ORG "/sites/s00/edges/e", 2, 40 * MBIT);
    pass_ok(&f);
    ck_assert_uint_eq(te_solution_of(&f.pass)->target_ppm, 400000);
    ck_assert_uint_eq(answer(&f, ORG, "{\"parent\":\"" ORG "\"}")->after_ppm, 400000);
    Patronus__V1__WhatIfResponse *response = answer(&f, ORG, "{\"parent\":\"" ORG "\",\"planned\":true}");
    ck_assert_uint_eq(response->before_ppm, 400000);
    ck_assert_uint_eq(response->after_ppm, 700000);
    ck_assert_uint_eq(response->n_classes, 2);
    ck_assert_int_eq(response->classes[1]->traffic_class, PATRONUS__V1__TRAFFIC_CLASS__BULK);
    ck_assert_uint_eq(response->classes[1]->demand_bps, 30 * MBIT);
    fixture_fini(&f);
}
END_TEST

START_TEST(questions_about_nothing_are_refused)
{
#define LINK "{\"link\":\"" ORG "/sites/s00/links/"
    static const struct {
        const char *json, *field;
        enum pt_code code;
    } cases[] = {
        {"\"links\":[" LINK "l00\",\"cost\":1}," LINK "l00\",\"cost\":2}]", "links[1].link", PT_INVALID_ARGUMENT},
        {"\"links\":[" LINK "l00\",\"underlay\":\"mpls\"}]", "links[0].underlay", PT_INVALID_ARGUMENT},
        {"\"links\":[" LINK "new\",\"underlay\":\"inet\"}]", "links[0].link", PT_INVALID_ARGUMENT},
        {"\"links\":[{\"link\":\"" ORG
         "/sites/bare/links/new\",\"underlay\":\"inet\",\"capacityUpBps\":\"1\",\"capacityDownBps\":\"1\"}]",
         "links[0].link", PT_FAILED_PRECONDITION},
        {"\"links\":[{\"link\":\"" ORG "/sites/s00\"}]", "links[0].link", PT_NOT_FOUND},
        {"\"demands\":[{\"sourceSite\":\"" ORG "/sites/s00\",\"destinationSite\":\"" ORG "/sites/s00\"}]",
         "demands[0].destination_site", PT_INVALID_ARGUMENT},
        {"\"failSrlgs\":[5,6]", "fail_srlgs[1]", PT_NOT_FOUND},
        {"\"failLinks\":[\"" ORG "/sites/s00/links/l00\",\"" ORG "/sites/s00/links/l99\"]", "fail_links[1]",
         PT_NOT_FOUND},
    };
#undef LINK
    struct fixture f;
    fixture_init(&f);
    tenant(&f, ORG, 1, 100);
    put(&f, "site", "{\"name\":\"" ORG "/sites/bare\",\"siteLabel\":9}");
    pass_ok(&f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char json[512];
        snprintf(json, sizeof(json), "{\"parent\":\"" ORG "\",%s}", cases[i].json);
        struct te_changes *changes = NULL;
        struct pt_error error = {0};
        enum pt_code code = read_request(&f, json, &changes, &error);
        ck_assert_msg(code == cases[i].code && strcmp(error.field, cases[i].field) == 0, "case %zu: %s: %s: %s", i,
                      pt_code_name(code), error.field, error.text);
    }
    fixture_fini(&f);
}
END_TEST

/* 6,000 sites with two links each, more than any graph of the solver's holds, and one pair whose better link is full:
 * it is spread as if the others were not there. */
START_TEST(a_large_network_is_no_limit)
{
    enum { SITES = 6000, LINKS = SITES * 2, DIRECTIONS = LINKS * 2 };
    double *capacity = calloc(DIRECTIONS, sizeof(*capacity));
    uint32_t *site = calloc(LINKS, sizeof(*site));
    for (uint32_t i = 0; i < DIRECTIONS; i++) {
        capacity[i] = 100;
        site[i / 2] = i / 4;
    }
    /* From the last site but one to the last, by the first link of both or the second. */
    const uint32_t a = 4 * (SITES - 2), b = 4 * (SITES - 1);
    const uint32_t hops[] = {a, b + 1, a + 2, b + 3};
    const size_t first_path[] = {0, 2}, first_hop[] = {0, 2, 4};
    const double rate[] = {95}, normal[] = {1, 0};
    const bool eligible[] = {true, true};
    const uint32_t pair[] = {0}, class_index[] = {0};
    const struct te_update_problem update = {.capacity = capacity,
                                             .links_len = DIRECTIONS,
                                             .rate = rate,
                                             .flows_len = 1,
                                             .first_path = first_path,
                                             .first_hop = first_hop,
                                             .hops = hops,
                                             .quantum = TE_QUANTUM};
    const struct te_split_problem problem = {.update = &update,
                                             .site = site,
                                             .pair = pair,
                                             .class_index = class_index,
                                             .normal = normal,
                                             .before = normal,
                                             .eligible = eligible};
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct te_split split;
    struct pt_error error = {0};
    ck_assert_msg(te_split_solve(&problem, &arena, &split, &error) == PT_OK, "%s: %s", error.field, error.text);
    ck_assert_int_eq(split.kind, TE_SPLIT_SOLVED);
    ck_assert(fabs(split.value - 0.475) < 0.01);
    pt_arena_fini(&arena);
    free(capacity);
    free(site);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("te tenants");
    TCase *tcase = tcase_create("tenants");
    tcase_add_test(tcase, an_answer_is_about_the_tenant_s_own);
    tcase_add_test(tcase, what_is_another_s_does_not_exist);
    tcase_add_test(tcase, a_part_of_a_solution_names_nobody_else);
    tcase_add_test(tcase, planned_traffic_counts_when_asked_for);
    tcase_add_test(tcase, questions_about_nothing_are_refused);
    tcase_add_test(tcase, a_large_network_is_no_limit);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
