/*
 * Create, read, update, delete as a session: each behaviour that the API promises, on kinds that show it.
 */
#include "fixture.h"

static struct fixture fx;

static void setup(void)
{
    fx_init(&fx);
}

static void teardown(void)
{
    fx_fini(&fx);
}

START_TEST(create_answers_the_resource_with_what_the_server_sets)
{
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{'displayName':'Acme'}}");
    ck_assert_str_eq(pt_msg_str(fx.reply, "name"), "organizations/acme");
    ck_assert_str_eq(pt_msg_str(fx.reply, "display_name"), "Acme");
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "revision"), fx.index);
    ck_assert_uint_eq(strlen(pt_msg_str(fx.reply, "etag")), 16);
    ck_assert_uint_eq(strlen(pt_msg_str(fx.reply, "uid")), 32);
    ck_assert_int_eq(pt_msg_time(fx.reply, "create_time"), FX_TIME_NS);
    ck_assert_int_eq(pt_msg_time(fx.reply, "update_time"), FX_TIME_NS);
    struct pt_msg *created = fx.reply;
    FX_OK(&fx, "GetOrganization", "{'name':'organizations/acme'}");
    ck_assert(pt_msg_equal(created, fx.reply));
}
END_TEST

START_TEST(create_is_refused_for_a_wrong_place)
{
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "organization_id", "CreateOrganization", "{}");
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "organization_id", "CreateOrganization",
            "{'organizationId':'Acme'}");
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "parent", "CreateSite",
            "{'parent':'organizations/-','siteId':'nyc'}");
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "parent", "CreateSite", "{'siteId':'nyc'}");
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_PARENT_NOT_FOUND, "parent", "CreateSite",
            "{'parent':'organizations/acme','siteId':'nyc'}");
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme'}");
    FX_FAIL(&fx, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS, "name", "CreateOrganization",
            "{'organizationId':'acme'}");
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "name", "CreateSite",
            "{'parent':'organizations/acme','siteId':'nyc','site':{'name':'organizations/acme/sites/sfo'}}");
}
END_TEST

START_TEST(create_is_refused_for_wrong_fields)
{
    fx_world(&fx);
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "underlay", "CreateLink",
            "{'parent':'organizations/acme/sites/nyc','linkId':'l2','link':{'edge':'organizations/acme/sites/nyc/edges/"
            "e1','interface':'wan1','address':'192.0.2.2'}}");
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_FIELD_OUTPUT_ONLY, "site_label", "CreateSite",
            "{'parent':'organizations/acme','siteId':'x','site':{'siteLabel':7}}");
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_REFERENCE_NOT_FOUND, "fabric", "CreateSegment",
            "{'parent':'organizations/acme','segmentId':'x','segment':{'fabric':'organizations/acme/fabrics/none'}}");
}
END_TEST

START_TEST(resources_of_one_organization_do_not_refer_to_another)
{
    fx_world(&fx);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'other'}");
    /* Whether or not the target exists: nothing is to be learned from the refusal. */
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "fabric", "CreateSegment",
            "{'parent':'organizations/other','segmentId':'x','segment':{'fabric':'organizations/acme/fabrics/wan'}}");
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "fabric", "CreateSegment",
            "{'parent':'organizations/other','segmentId':'x','segment':{'fabric':'organizations/acme/fabrics/no'}}");
}
END_TEST

START_TEST(update_changes_what_the_mask_names)
{
    fx_world(&fx);
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'organizations/acme/sites/nyc','location':'New York','region':'us'}}");
    uint64_t revision = fx.index;
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "revision"), revision);
    fx.time_ns += 5000000000;
    FX_OK(&fx, "UpdateSite",
          "{'site':{'name':'organizations/acme/sites/nyc','location':'Queens','region':'eu'},"
          "'updateMask':'location'}");
    ck_assert_str_eq(pt_msg_str(fx.reply, "location"), "Queens");
    ck_assert_str_eq(pt_msg_str(fx.reply, "region"), "us");
    ck_assert_int_eq(pt_msg_time(fx.reply, "update_time"), FX_TIME_NS + 5000000000);
    ck_assert_int_eq(pt_msg_time(fx.reply, "create_time"), FX_TIME_NS);
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "site_label"), 1);
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'organizations/acme/sites/nyc','labels':{'tier':'gold','a':'b'}}}");
    FX_OK(&fx, "UpdateSite",
          "{'site':{'name':'organizations/acme/sites/nyc','labels':{'tier':'tin'}},"
          "'updateMask':'labels.tier'}");
    FX_OK(&fx, "ListSites", "{'parent':'organizations/acme','filter':'labels.tier = tin AND labels.a = \\'b\\''}");
    ck_assert_uint_eq(pt_msg_field(fx.reply, "sites")->len, 1);
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'organizations/acme/sites/nyc'},'updateMask':'*'}");
    ck_assert(!pt_msg_has(fx.reply, "labels"));
    ck_assert(!pt_msg_has(fx.reply, "region"));
}
END_TEST

START_TEST(update_without_a_change_keeps_the_revision)
{
    fx_world(&fx);
    FX_OK(&fx, "GetSite", "{'name':'organizations/acme/sites/nyc'}");
    struct pt_msg *before = fx.reply;
    fx.time_ns += 1000000000;
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'organizations/acme/sites/nyc'}}");
    ck_assert(pt_msg_equal(before, fx.reply));
    /* A whole resource sent back as it was read, output fields and all, changes nothing. */
    PT_AUTO(buf) struct pt_buf json = {0};
    pt_json_write(fx.schema, before, PT_JSON_COMPACT, &json);
    FX_OK(&fx, "UpdateSite", "{'site':%.*s}", (int)json.size, (const char *)json.data);
    ck_assert(pt_msg_equal(before, fx.reply));
}
END_TEST

START_TEST(update_is_refused)
{
    fx_world(&fx);
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "UpdateSite",
            "{'site':{'name':'organizations/acme/sites/none'}}");
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "name", "UpdateSite", "{'site':{}}");
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "name", "UpdateSite",
            "{'site':{'name':'organizations/acme'}}");
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_FIELD_OUTPUT_ONLY, "update_mask", "UpdateSite",
            "{'site':{'name':'organizations/acme/sites/nyc'},'updateMask':'siteLabel'}");
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_FIELD_UNKNOWN, "update_mask", "UpdateSite",
            "{'site':{'name':'organizations/acme/sites/nyc'},'updateMask':'colour'}");
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_FIELD_IMMUTABLE, "raft_id", "UpdateController",
            "{'controller':{'name':'controllers/c1','raftId':'9'}}");
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "underlay", "UpdateLink",
            "{'link':{'name':'organizations/acme/sites/nyc/links/inet'},'updateMask':'underlay'}");
    FX_FAIL(&fx, PT_ABORTED, PT_REASON_ETAG_MISMATCH, "etag", "UpdateSite",
            "{'site':{'name':'organizations/acme/sites/nyc','etag':'0123456789abcdef','location':'x'}}");
}
END_TEST

START_TEST(update_with_allow_missing_creates)
{
    fx_world(&fx);
    FX_OK(&fx, "UpdateSite",
          "{'site':{'name':'organizations/acme/sites/new','location':'x','region':'us'},"
          "'updateMask':'location','allowMissing':true}");
    ck_assert_str_eq(pt_msg_str(fx.reply, "region"), "us");
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "site_label"), 3);
    ck_assert_uint_eq(strlen(pt_msg_str(fx.reply, "uid")), 32);
}
END_TEST

START_TEST(delete_says_what_stands_in_its_way)
{
    fx_world(&fx);
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_RESOURCE_HAS_CHILDREN, "force", "DeleteSite",
            "{'name':'organizations/acme/sites/nyc'}");
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_RESOURCE_IN_USE, "name", "DeleteEdge",
            "{'name':'organizations/acme/sites/nyc/edges/e1'}");
    ck_assert_ptr_nonnull(strstr(fx.error.text, "organizations/acme/sites/nyc/links/inet"));
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_RESOURCE_IN_USE, "name", "DeleteFabric",
            "{'name':'organizations/acme/fabrics/wan'}");
    FX_FAIL(&fx, PT_ABORTED, PT_REASON_ETAG_MISMATCH, "etag", "DeleteSite",
            "{'name':'organizations/acme/sites/sfo','etag':'x'}");
    FX_OK(&fx, "DeleteSite", "{'name':'organizations/acme/sites/sfo'}");
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "revision"), fx.index);
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "DeleteSite",
            "{'name':'organizations/acme/sites/sfo'}");
    FX_OK(&fx, "DeleteSite", "{'name':'organizations/acme/sites/sfo','allowMissing':true}");
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "GetSite",
            "{'name':'organizations/acme/sites/sfo'}");
}
END_TEST

START_TEST(forced_delete_takes_the_tree_or_nothing)
{
    fx_world(&fx);
    FX_OK(&fx, "CreateFabric",
          "{'parent':'organizations/acme','fabricId':'hub','fabric':{'topology':'HUB_SPOKE',"
          "'hubs':['organizations/acme/sites/nyc']}}");
    /* Something outside the tree refers into it. */
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_RESOURCE_IN_USE, "name", "DeleteSite",
            "{'name':'organizations/acme/sites/nyc','force':true}");
    FX_OK(&fx, "DeleteFabric", "{'name':'organizations/acme/fabrics/hub'}");
    FX_OK(&fx, "DeleteSite", "{'name':'organizations/acme/sites/nyc','force':true}");
    FX_OK(&fx, "ListLinks", "{'parent':'organizations/-/sites/-'}");
    ck_assert(!pt_msg_has(fx.reply, "links"));
    /* A model refers to its own version: the tree's inner references are no obstacle. */
    FX_OK(&fx, "CreateModelVersion",
          "{'parent':'organizations/acme/models/dpi','modelVersionId':'v1','modelVersion':{'digest':"
          "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}}");
    ck_assert_int_eq(fx_store_artifact(&fx, "organizations/acme/models/dpi/versions/v1",
                                       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
                     PT_OK);
    FX_OK(&fx, "UpdateModel",
          "{'model':{'name':'organizations/acme/models/dpi','liveVersion':"
          "'organizations/acme/models/dpi/versions/v1'}}");
    FX_OK(&fx, "DeleteModel", "{'name':'organizations/acme/models/dpi','force':true}");
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/acme','force':true}");
    ck_assert_int_eq(pt_store_scrub(pt_kind_store(fx.machine), NULL), PT_OK);
    uint64_t count = 0;
    ck_assert_int_eq(pt_store_count(pt_kind_store(fx.machine), 0, "", &count, NULL), PT_OK);
    uint64_t kept = 0; /* what an undelete would bring back */
    ck_assert_int_eq(pt_store_count(pt_kind_store(fx.machine), 65535, "", &kept, NULL), PT_OK);
    ck_assert_uint_eq(kept, 7);
    ck_assert_uint_eq(count - kept, 2); /* the controller and the root organization */
}
END_TEST

START_TEST(validate_only_answers_and_changes_nothing)
{
    fx_world(&fx);
    struct pt_digest before = fx_digest(&fx);
    FX_OK(&fx, "CreateSite", "{'parent':'organizations/acme','siteId':'new','validateOnly':true}");
    ck_assert(!fx.proposed);
    ck_assert_str_eq(pt_msg_str(fx.reply, "name"), "organizations/acme/sites/new");
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'organizations/acme/sites/nyc','location':'x'},'validateOnly':true}");
    ck_assert(!fx.proposed);
    ck_assert_str_eq(pt_msg_str(fx.reply, "location"), "x");
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/acme','force':true,'validateOnly':true}");
    ck_assert(!fx.proposed);
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_RESOURCE_IN_USE, "name", "DeleteFabric",
            "{'name':'organizations/acme/fabrics/wan','validateOnly':true}");
    struct pt_digest after = fx_digest(&fx);
    ck_assert(pt_digest_equal(&before, &after));
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "GetSite",
            "{'name':'organizations/acme/sites/new'}");
}
END_TEST

START_TEST(a_repeated_request_gets_the_stored_reply)
{
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','requestId':'r1'}");
    struct pt_msg *first = fx.reply;
    struct pt_digest before = fx_digest(&fx);
    fx.time_ns += 1000000000;
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','requestId':'r1'}");
    ck_assert(pt_msg_equal(first, fx.reply));
    struct pt_digest after = fx_digest(&fx);
    ck_assert(pt_digest_equal(&before, &after));
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_REQUEST_ID_REUSED, "request_id", "CreateOrganization",
            "{'organizationId':'other','requestId':'r1'}");
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/acme','requestId':'r2'}");
    struct pt_msg *deleted = fx.reply;
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/acme','requestId':'r2'}");
    ck_assert(pt_msg_equal(deleted, fx.reply));
    /* Two in flight: the leader's fast check passed for both, apply tells them apart. */
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "request_id", "CreateOrganization",
            "{'organizationId':'other','requestId':'%080d'}", 1);
}
END_TEST

/* The fast check cannot see what is in flight: the same command twice in the log. */
START_TEST(a_repetition_in_flight_is_answered_in_apply)
{
    Patronus__V1__Mutation mutation = PATRONUS__V1__MUTATION__INIT;
    mutation.verb = PATRONUS__V1__VERB__CREATE;
    mutation.kind_id = 1;
    mutation.name = (char *)(uintptr_t) "organizations/acme";
    mutation.uid = (char *)(uintptr_t) "u1";
    Patronus__V1__Mutation *mutations[] = {&mutation};
    Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
    transaction.mutations = mutations;
    transaction.n_mutations = 1;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
    command.transaction = &transaction;
    command.request_id = (char *)(uintptr_t) "r1";
    ck_assert_int_eq(fx_command(&fx, &command), PT_OK);
    uint64_t first = fx.index;
    struct pt_digest before = fx_digest(&fx);
    mutation.uid = (char *)(uintptr_t) "u2"; /* another choice of the leader */
    fx.time_ns += 1000000000;
    ck_assert_int_eq(fx_command(&fx, &command), PT_OK);
    ck_assert_uint_eq(pt_kind_verdict(fx.machine, fx.index)->revision, first);
    struct pt_digest after = fx_digest(&fx);
    ck_assert(pt_digest_equal(&before, &after));
    command.principal = (char *)(uintptr_t) "spiffe://c/admin/else"; /* ids of two callers do not meet */
    ck_assert_int_eq(fx_command(&fx, &command), PT_ALREADY_EXISTS);
}
END_TEST

START_TEST(a_transaction_applies_whole_or_not_at_all)
{
    fx_world(&fx);
    PT_AUTO(buf) struct pt_buf segment = {0};
    const struct pt_message_type *type = pt_schema_message(fx.schema, "patronus.v1.Segment");
    struct pt_msg *msg = pt_msg_new(&fx.arena, type);
    pt_msg_set_str(msg, &fx.arena, "fabric", "organizations/acme/fabrics/wan");
    pt_msg_encode(msg, &segment);
    Patronus__V1__Mutation first = PATRONUS__V1__MUTATION__INIT;
    first.verb = PATRONUS__V1__VERB__CREATE;
    first.kind_id = 6;
    first.name = (char *)(uintptr_t) "organizations/acme/segments/a";
    first.resource = (ProtobufCBinaryData){.data = segment.data, .len = segment.size};
    first.uid = (char *)(uintptr_t) "u1";
    Patronus__V1__Mutation second = first;
    second.name = (char *)(uintptr_t) "organizations/none/segments/b";
    Patronus__V1__Mutation *mutations[] = {&first, &second};
    Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
    transaction.mutations = mutations;
    transaction.n_mutations = 2;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
    command.transaction = &transaction;
    struct pt_digest before = fx_digest(&fx);
    ck_assert_int_eq(fx_command(&fx, &command), PT_NOT_FOUND);
    struct pt_digest after = fx_digest(&fx);
    ck_assert(pt_digest_equal(&before, &after));
    second.name = (char *)(uintptr_t) "organizations/acme/segments/b";
    ck_assert_int_eq(fx_command(&fx, &command), PT_OK);
    FX_OK(&fx, "GetSegment", "{'name':'organizations/acme/segments/b'}");
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "vni"), 3); /* the number that was undone is given out again */
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "revision"), fx.index);
}
END_TEST

START_TEST(time_never_falls)
{
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'a'}");
    fx.time_ns -= 3600000000000;
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'b'}");
    ck_assert_int_eq(pt_msg_time(fx.reply, "create_time"), FX_TIME_NS);
    fx_reopen(&fx);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'c'}");
    ck_assert_int_eq(pt_msg_time(fx.reply, "create_time"), FX_TIME_NS);
}
END_TEST

START_TEST(a_kind_has_a_limit_per_parent)
{
    /* 10,000 organizations in transactions of 1000. */
    char names[1000][32];
    Patronus__V1__Mutation items[1000];
    Patronus__V1__Mutation *mutations[1000];
    Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
    transaction.mutations = mutations;
    transaction.n_mutations = 1000;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
    command.transaction = &transaction;
    for (unsigned i = 0; i < 10000; i++) {
        Patronus__V1__Mutation *item = &items[i % 1000];
        *item = (Patronus__V1__Mutation)PATRONUS__V1__MUTATION__INIT;
        (void)snprintf(names[i % 1000], sizeof(names[0]), "organizations/o%u", i);
        item->verb = PATRONUS__V1__VERB__CREATE;
        item->kind_id = 1;
        item->name = names[i % 1000];
        item->uid = names[i % 1000];
        mutations[i % 1000] = item;
        if (i % 1000 == 999) {
            ck_assert_int_eq(fx_command(&fx, &command), PT_OK);
        }
    }
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, "parent", "CreateOrganization", "{'organizationId':'more'}");
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/o77'}");
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'more'}");
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, "parent", "CreateOrganization", "{'organizationId':'more2'}");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kind/crud");
    TCase *tests = tcase_create("crud");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, create_answers_the_resource_with_what_the_server_sets);
    tcase_add_test(tests, create_is_refused_for_a_wrong_place);
    tcase_add_test(tests, create_is_refused_for_wrong_fields);
    tcase_add_test(tests, resources_of_one_organization_do_not_refer_to_another);
    tcase_add_test(tests, update_changes_what_the_mask_names);
    tcase_add_test(tests, update_without_a_change_keeps_the_revision);
    tcase_add_test(tests, update_is_refused);
    tcase_add_test(tests, update_with_allow_missing_creates);
    tcase_add_test(tests, delete_says_what_stands_in_its_way);
    tcase_add_test(tests, forced_delete_takes_the_tree_or_nothing);
    tcase_add_test(tests, validate_only_answers_and_changes_nothing);
    tcase_add_test(tests, a_repeated_request_gets_the_stored_reply);
    tcase_add_test(tests, a_repetition_in_flight_is_answered_in_apply);
    tcase_add_test(tests, a_transaction_applies_whole_or_not_at_all);
    tcase_add_test(tests, time_never_falls);
    tcase_add_test(tests, a_kind_has_a_limit_per_parent);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
