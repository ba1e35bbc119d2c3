/* What an edge recorded, explained: whom to ask, which names, why each candidate, what would change it. */
#include "fixture.h"

#include "base/drop.h"
#include "dpi/catalog.h"
#include "mod/te/recorded.h"

#define INET ORG "/sites/s00/links/l00"
#define MPLS ORG "/sites/s00/links/l01"

static void put_two_sites(struct fixture *f)
{
    fixture_init(f);
    put_basics(f);
    for (unsigned i = 0; i < 2; i++) {
        put_site(f, i);
        put_link(f, i, 0, "inet", "");
        put_link(f, i, 1, "mpls", ",\"cost\":50");
    }
}

static void two_sites(struct fixture *f)
{
    put_two_sites(f);
    pass_ok(f);
}

static enum pt_code place_of(struct fixture *f, const char *json, struct te_flow_place *ret, struct pt_error *reterr)
{
    const struct pt_message_type *type = pt_schema_message(f->schema, "patronus.v1.ExplainFlowRequest");
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    ck_assert_msg(pt_json_read(f->schema, type, json, strlen(json), &f->arena, &request, &error) == PT_OK, "%s",
                  error.text);
    return te_flow_place(&f->pass, request, &f->arena, ret, reterr);
}

#define FLOW(more) \
    "{\"parent\":\"" ORG "\",\"source\":\"10.0.0.5\",\"destination\":\"10.1.0.6\",\"protocol\":6" more "}"

START_TEST(the_edge_with_the_source_is_asked)
{
    struct fixture f;
    struct te_flow_place place;
    struct pt_error error = {0};
    two_sites(&f);
    ck_assert_int_eq(
        place_of(&f, FLOW(",\"sourcePort\":1,\"destinationPort\":2,\"time\":\"1970-01-01T00:00:03Z\""), &place, &error),
        PT_OK);
    ck_assert_str_eq(place.edge, ORG "/sites/s00/edges/e");
    ck_assert_str_eq(place.segment, ORG "/segments/corp");
    ck_assert_uint_eq(place.question->vni, 7);
    ck_assert_int_eq(place.question->time_ns, 3000000000LL);
    ck_assert_uint_eq(place.question->source_port, 1);
    static const char *const bad[][2] = {
        {"{\"parent\":\"" ORG "\",\"source\":\"10.9.0.5\",\"destination\":\"10.1.0.6\"}", "source"},
        {"{\"parent\":\"organizations/x\",\"source\":\"10.0.0.5\",\"destination\":\"10.1.0.6\"}", "source"},
        {"{\"parent\":\"" ORG "\",\"source\":\"10.0.0.5\",\"destination\":\"fd00::1\"}", "destination"},
        {FLOW(",\"site\":\"" ORG "/sites/s01\""), "source"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_ne(place_of(&f, bad[i][0], &place, &error), PT_OK);
        ck_assert_str_eq(error.field, bad[i][1]);
    }
    fixture_fini(&f);
}
END_TEST

/* A prefix at two sites: which one is meant must be said, and may be. */
START_TEST(an_ambiguous_source_is_refused)
{
    struct fixture f;
    struct te_flow_place place;
    struct pt_error error = {0};
    fixture_init(&f);
    put_basics(&f);
    put_site(&f, 0);
    put_site(&f, 1);
    put(&f, "edge",
        "{\"name\":\"" ORG "/sites/s01/edges/e\",\"nodeId\":\"edge/x1\",\"lanInterfaces\":[{\"interface\":\"lan0\","
        "\"segment\":\"" ORG "/segments/corp\",\"prefixes\":[\"10.0.0.0/24\"]}]}");
    pass_ok(&f);
    ck_assert_int_eq(place_of(&f, FLOW(""), &place, &error), PT_INVALID_ARGUMENT);
    ck_assert_str_eq(error.field, "segment");
    ck_assert_int_eq(place_of(&f, FLOW(",\"site\":\"" ORG "/sites/s01\""), &place, &error), PT_OK);
    ck_assert_str_eq(place.edge, ORG "/sites/s01/edges/e");
    fixture_fini(&f);
}
END_TEST

struct recorded {
    Patronus__V1__FlowAnswer answer;
    Patronus__V1__FlowRecord records[2], *record_list[2];
    Patronus__V1__CandidateRecord candidates[2], *candidate_list[2];
    Patronus__V1__BundlePosition position;
};

/* On path 1 over inet by rule 3 of policy p; path 2 over mpls stands behind it. */
static void recorded_init(struct recorded *r)
{
    patronus__v1__flow_answer__init(&r->answer);
    patronus__v1__bundle_position__init(&r->position);
    r->position.term = 4;
    r->position.generation = 5;
    for (size_t i = 0; i < 2; i++) {
        patronus__v1__flow_record__init(&r->records[i]);
        patronus__v1__candidate_record__init(&r->candidates[i]);
        r->record_list[i] = &r->records[i];
        r->candidate_list[i] = &r->candidates[i];
        r->candidates[i].path = i + 1;
        r->candidates[i].tier = (uint32_t)i;
        r->candidates[i].state = 1;
        r->candidates[i].rtt_us = 10000;
        r->candidates[i].link = i == 0 ? (char *)INET : (char *)MPLS;
        r->records[i].time_ns = 9000000000LL - (int64_t)i;
        r->records[i].verdict = 1;
        r->records[i].path = 1;
        r->records[i].position = &r->position;
    }
    r->answer.n_records = 1;
    r->answer.records = r->record_list;
    r->records[0].n_candidates = 2;
    r->records[0].candidates = r->candidate_list;
    r->records[0].site_label = 2;
    r->records[0].revision = 42;
    r->records[0].te_epoch = 6;
    r->records[0].rule_id = 3;
    r->records[0].rule_origin = (char *)ORG "/steeringPolicies/p rules[2]";
    r->records[0].traffic_class = 1;
    r->records[0].candidates_time_ns = 9100000000LL;
}

static const Patronus__V1__ExplainFlowResponse *explained(struct fixture *f, const struct recorded *r)
{
    struct te_flow_place place;
    struct pt_error error = {0};
    Patronus__V1__ExplainFlowResponse *response = NULL;
    ck_assert_int_eq(place_of(f, FLOW(""), &place, &error), PT_OK);
    ck_assert_msg(te_flow_explain(&f->pass, &place, &r->answer, &f->arena, &response, &error) == PT_OK, "%s",
                  error.text);
    return response;
}

static bool says(const Patronus__V1__ExplainFlowResponse *response, const char *text)
{
    for (size_t i = 0; i < response->n_changes; i++) {
        if (strstr(response->changes[i], text) != NULL) {
            return true;
        }
    }
    return false;
}

START_TEST(a_translation_is_told_in_words)
{
    struct fixture f;
    struct recorded r;
    struct pt_ip outside = pt_ip_from_v4(0xc0000202);
    two_sites(&f);
    recorded_init(&r);
    r.records[0].verdict = 4;
    r.records[0].path = r.records[0].n_candidates = 0;
    r.records[0].site_label = 0x100000;
    r.records[0].rule_origin = (char *)"";
    r.records[0].nat = 5;
    ck_assert_ptr_null(explained(&f, &r)->translation); /* an older edge says the number only */
    r.records[0].translated_source = (ProtobufCBinaryData){.len = 16, .data = outside.bytes};
    r.records[0].translated_port = 4711;
    r.records[0].translated_link = (char *)INET;
    const Patronus__V1__FlowTranslation *translation = explained(&f, &r)->translation;
    ck_assert_ptr_nonnull(translation);
    ck_assert_str_eq(translation->source, "192.0.2.2");
    ck_assert_uint_eq(translation->source_port, 4711);
    ck_assert_str_eq(translation->link, INET);
    ck_assert_str_eq(translation->segment, "");
    const Patronus__V1__ExplainFlowResponse *e = explained(&f, &r);
    ck_assert_int_eq(e->verdict, PATRONUS__V1__SIMULATED_VERDICT__BY_EXIT);
    ck_assert_str_eq(e->reason, "");
    ck_assert(!says(e, "it passes"));
    ck_assert(says(e, "then it goes by a path"));
    r.records[0].verdict = 9; /* a newer edge's */
    ck_assert_int_eq(explained(&f, &r)->verdict, PATRONUS__V1__SIMULATED_VERDICT__SIMULATED_VERDICT_UNSPECIFIED);
    fixture_fini(&f);
}
END_TEST

/* The rule that refused it is the firewall's: no steering rule would change that. */
START_TEST(the_firewall_s_rule_is_named)
{
    struct fixture f;
    struct recorded r;
    two_sites(&f);
    recorded_init(&r);
    r.records[0].verdict = 3;
    r.records[0].reason = PT_DROP_FIREWALL;
    r.records[0].path = r.records[0].n_candidates = 0;
    r.records[0].rule_id = 0x10002;
    r.records[0].rule_origin = (char *)ORG "/firewallPolicies/guests rules[4]";
    const Patronus__V1__ExplainFlowResponse *e = explained(&f, &r);
    ck_assert_int_eq(e->verdict, PATRONUS__V1__SIMULATED_VERDICT__DROPPED);
    ck_assert_str_eq(e->reason, "firewall");
    ck_assert_str_eq(e->firewall_policy, ORG "/firewallPolicies/guests");
    ck_assert_str_eq(e->steering_policy, "");
    ck_assert_uint_eq(e->rule, 4);
    ck_assert(says(e, "guests rules[4] allows it"));
    ck_assert(!says(e, "steering"));
    r.records[0].rule_id = 0;
    r.records[0].rule_origin = (char *)"";
    e = explained(&f, &r);
    ck_assert_str_eq(e->firewall_policy, "");
    ck_assert(says(e, "a firewall rule of the segment allows it"));
    r.records[0].reason = PT_DROP_NO_ROUTE;
    ck_assert(!says(explained(&f, &r), "a steering rule"));
    fixture_fini(&f);
}
END_TEST

START_TEST(an_application_is_named_with_its_evidence)
{
    struct fixture f;
    struct recorded r;
    put_two_sites(&f);
    put(&f, "application",
        "{\"name\":\"" ORG "/applications/crm\",\"applicationId\":12,\"matches\":[{\"hosts\":[\"crm.example\"]}]}");
    pass_ok(&f);
    recorded_init(&r);
    ck_assert_str_eq(explained(&f, &r)->application_name, "");
    r.records[0].application = 12;
    r.records[0].evidence = 8;
    r.records[0].confidence = 95;
    const Patronus__V1__ExplainFlowResponse *e = explained(&f, &r);
    ck_assert_str_eq(e->application_name, ORG "/applications/crm");
    ck_assert_uint_eq(e->application_id, 12);
    ck_assert_uint_eq(e->application_confidence, 95);
    ck_assert_int_eq(e->application_evidence, PATRONUS__V1__EVIDENCE__EVIDENCE_TLS_NAME);
    r.records[0].application = PT_DPI_SIGNATURE | pt_dpi_signature_number("ssh");
    ck_assert_str_eq(explained(&f, &r)->application_name, "ssh");
    r.records[0].application = 13; /* gone since */
    ck_assert_str_eq(explained(&f, &r)->application_name, "");
    fixture_fini(&f);
}
END_TEST

START_TEST(a_record_becomes_an_explanation)
{
    struct fixture f;
    struct recorded r;
    two_sites(&f);
    recorded_init(&r);
    const Patronus__V1__ExplainFlowResponse *e = explained(&f, &r);
    ck_assert_int_eq(e->verdict, PATRONUS__V1__SIMULATED_VERDICT__BY_PATH);
    ck_assert_str_eq(e->destination_site, ORG "/sites/s01");
    ck_assert_str_eq(e->steering_policy, ORG "/steeringPolicies/p");
    ck_assert_uint_eq(e->rule, 2);
    ck_assert_uint_eq(e->rule_id, 3);
    ck_assert_uint_eq(e->revision, 42);
    ck_assert_uint_eq(e->bundle_term, 4);
    ck_assert_uint_eq(e->bundle_generation, 5);
    ck_assert_uint_eq(e->te_epoch, 6);
    ck_assert_int_eq(e->traffic_class, PATRONUS__V1__TRAFFIC_CLASS__REALTIME);
    ck_assert_int_eq(e->decide_time->seconds, 9);
    ck_assert_uint_eq(e->n_paths, 2);
    ck_assert(e->paths[0]->chosen);
    ck_assert_str_eq(e->paths[0]->reason, "chosen");
    ck_assert(!e->paths[1]->chosen);
    ck_assert(says(e, MPLS));
    ck_assert(says(e, "a new connection is decided anew"));
    ck_assert(says(e, "revision 42"));
    fixture_fini(&f);
}
END_TEST

/* It took path 1, and stays on it although the other is better by now: the record counts, not what would be chosen. */
START_TEST(what_was_taken_is_what_is_said)
{
    struct fixture f;
    struct recorded r;
    two_sites(&f);
    recorded_init(&r);
    r.records[0].sla_profile = (char *)ORG "/slaProfiles/voice";
    r.candidates[0].sla_held = r.candidates[0].sla_broken = true;
    const Patronus__V1__ExplainFlowResponse *e = explained(&f, &r);
    ck_assert(e->paths[0]->chosen);
    ck_assert(!e->paths[1]->chosen);
    ck_assert_ptr_nonnull(strstr(e->paths[0]->reason, "stays"));
    ck_assert_int_eq(e->paths[0]->sla_state, PATRONUS__V1__SLA_STATE__BROKEN);
    fixture_fini(&f);
}
END_TEST

START_TEST(a_drop_is_explained_with_what_to_do)
{
    struct fixture f;
    struct recorded r;
    two_sites(&f);
    recorded_init(&r);
    r.records[0].verdict = 3;
    r.records[0].reason = PT_DROP_NO_PATH;
    r.records[0].path = 0;
    r.candidates[0].state = r.candidates[1].state = 2;
    r.answer.n_records = 2;
    const Patronus__V1__ExplainFlowResponse *e = explained(&f, &r);
    ck_assert_int_eq(e->verdict, PATRONUS__V1__SIMULATED_VERDICT__DROPPED);
    ck_assert_str_eq(e->reason, "no_path");
    ck_assert_str_eq(e->reason_text, pt_drop_text(PT_DROP_NO_PATH));
    ck_assert(says(e, pt_drop_remedy(PT_DROP_NO_PATH)));
    ck_assert(says(e, "it is alive again"));
    ck_assert_uint_eq(e->n_earlier, 1);
    ck_assert_int_eq(e->earlier[0]->verdict, PATRONUS__V1__SIMULATED_VERDICT__BY_PATH);
    fixture_fini(&f);
}
END_TEST

START_TEST(nothing_remembered_is_not_found)
{
    struct fixture f;
    struct te_flow_place place;
    struct pt_error error = {0};
    Patronus__V1__FlowAnswer answer = PATRONUS__V1__FLOW_ANSWER__INIT;
    Patronus__V1__ExplainFlowResponse *response = NULL;
    two_sites(&f);
    ck_assert_int_eq(place_of(&f, FLOW(""), &place, &error), PT_OK);
    ck_assert_int_eq(te_flow_explain(&f.pass, &place, &answer, &f.arena, &response, &error), PT_NOT_FOUND);
    ck_assert_ptr_null(response);
    fixture_fini(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("te recorded");
    TCase *tcase = tcase_create("recorded");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_edge_with_the_source_is_asked);
    tcase_add_test(tcase, an_ambiguous_source_is_refused);
    tcase_add_test(tcase, a_record_becomes_an_explanation);
    tcase_add_test(tcase, a_translation_is_told_in_words);
    tcase_add_test(tcase, the_firewall_s_rule_is_named);
    tcase_add_test(tcase, an_application_is_named_with_its_evidence);
    tcase_add_test(tcase, what_was_taken_is_what_is_said);
    tcase_add_test(tcase, a_drop_is_explained_with_what_to_do);
    tcase_add_test(tcase, nothing_remembered_is_not_found);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
