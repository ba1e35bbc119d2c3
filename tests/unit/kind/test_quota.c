/*
 * Quotas of tenants: limits hold at the organization and above it, the counters equal what a count of everything gives
 * (a second machine on the same store makes that count), and deleted organizations come back whole.
 */
#include "fixture.h"

#include "kind/machine.h"

#define A "organizations/acme"
#define SITE(org, id) "CreateSite", "{'parent':'" org "','siteId':'" id "','site':{}}"

static uint64_t usage(struct fixture *fx, const char *organization, enum pt_quota metric)
{
    uint64_t limit = 0, used = 0;
    ck_assert(pt_quota_usage(fx->machine, organization, metric, &limit, &used));
    return used;
}

/* Every counter, as text. */
static char *counters(struct fixture *fx, size_t *ret_organizations)
{
    struct pt_buf out = {0};
    *ret_organizations = 0;
    PT_MAP_FOREACH (entry, &fx->machine->tenants.by_name) {
        ++*ret_organizations;
    }
    for (unsigned i = 0; i < 64; i++) { /* in order of name: the map has another */
        char name[64];
        (void)snprintf(name, sizeof(name), "organizations/o%u", i);
        for (size_t metric = 0; metric < PT_QUOTA_LEN; metric++) {
            uint64_t limit = 0, used = 0;
            if (pt_quota_usage(fx->machine, name, metric, &limit, &used)) {
                pt_buf_printf(&out, "%s %zu %" PRIu64 " of %" PRIu64 "\n", name, metric, used, limit);
            }
        }
    }
    return (char *)out.data;
}

/* ---- limits --------------------------------------------------------------------------------------------------- */

START_TEST(the_tier_limits_and_says_how_much_is_used)
{
    struct fixture fx;
    fx_init(&fx);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{'tier':'FREE'}}");
    FX_OK(&fx, SITE(A, "a"));
    FX_OK(&fx, SITE(A, "b"));
    FX_OK(&fx, SITE(A, "c"));
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "sites", SITE(A, "d"));
    ck_assert_str_eq(fx.error.subject, A);
    ck_assert_uint_eq(fx.error.limit, 3);
    ck_assert_uint_eq(fx.error.usage, 3);
    FX_OK(&fx, "DeleteSite", "{'name':'" A "/sites/b'}");
    FX_OK(&fx, SITE(A, "d"));
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{'sites':'4'}}}");
    FX_OK(&fx, SITE(A, "e"));
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "sites", SITE(A, "f"));
    FX_OK(&fx, "UpdateOrganization",
          "{'organization':{'name':'" A "','tier':'ENTERPRISE','quotas':{}},"
          "'updateMask':'tier,quotas'}");
    FX_OK(&fx, SITE(A, "f"));
    fx_fini(&fx);
}
END_TEST

/* Two creates that both passed the leader's check, applied one after the other: the second is refused by the state. */
START_TEST(of_two_creates_at_the_limit_one_succeeds)
{
    struct fixture fx;
    fx_init(&fx);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{'quotas':{'sites':'1'}}}");
    struct pt_buf commands[2] = {{0}, {0}};
    for (unsigned i = 0; i < 2; i++) {
        const struct pt_request_context context = {.caller = FX_ADMIN, .time_ns = fx.time_ns, 1, i};
        const struct pt_method_type *method = fx_method(&fx, "CreateSite");
        struct pt_msg *request = NULL;
        const char *json = i == 0 ? "{\"parent\":\"" A "\",\"siteId\":\"a\",\"site\":{}}"
                                  : "{\"parent\":\"" A "\",\"siteId\":\"b\",\"site\":{}}";
        ck_assert_int_eq(pt_json_read(fx.schema, method->input, json, strlen(json), &fx.arena, &request, NULL), PT_OK);
        PT_AUTO(buf) struct pt_buf reply = {0};
        bool answered = false;
        ck_assert_int_eq(pt_kind_prepare(fx.machine, method, request, &context, &commands[i], &answered, &reply, NULL),
                         PT_OK);
    }
    ck_assert_int_eq(fx_apply(&fx, pt_buf_bytes(&commands[0])), PT_OK);
    ck_assert_int_eq(fx_apply(&fx, pt_buf_bytes(&commands[1])), PT_EXHAUSTED);
    ck_assert_int_eq(fx.error.reason, PT_REASON_QUOTA_EXCEEDED);
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_SITES), 1);
    pt_buf_fini(&commands[0]);
    pt_buf_fini(&commands[1]);
    fx_fini(&fx);
}
END_TEST

START_TEST(a_limit_is_one_of_all_below_it)
{
    struct fixture fx;
    fx_init(&fx);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{'quotas':{'sites':'2'}}}");
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'x','organization':{'parentOrganization':'" A "'}}");
    FX_OK(&fx, "CreateOrganization",
          "{'organizationId':'y','organization':{'parentOrganization':'organizations/x','tier':'STARTER'}}");
    FX_OK(&fx, SITE("organizations/y", "a"));
    FX_OK(&fx, SITE("organizations/x", "a"));
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "sites", SITE("organizations/y", "b"));
    ck_assert_str_eq(fx.error.subject, "organizations/x"); /* y has room for 25, x has its parent's 2 */
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_SITES), 2);
    ck_assert_uint_eq(usage(&fx, "organizations/x", PT_QUOTA_SITES), 2);
    ck_assert_uint_eq(usage(&fx, "organizations/y", PT_QUOTA_SITES), 1);
    /* A move takes usage along, and is refused where there is no room. */
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'z','organization':{'quotas':{'sites':'1'}}}");
    FX_OK(&fx, "UpdateOrganization",
          "{'organization':{'name':'organizations/y','parentOrganization':"
          "'organizations/z'}}");
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_SITES), 1);
    ck_assert_uint_eq(usage(&fx, "organizations/z", PT_QUOTA_SITES), 1);
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "sites", "UpdateOrganization",
            "{'organization':{'name':'organizations/x','parentOrganization':'organizations/z'}}");
    fx_fini(&fx);
}
END_TEST

START_TEST(bytes_and_tunnels_are_limited_too)
{
    struct fixture fx;
    fx_init(&fx);
    fx_world(&fx);
    FX_OK(&fx, "CreateEdge", "{'parent':'" A "/sites/sfo','edgeId':'e1','edge':{}}");
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{'tunnels':'2'}}}");
#define LINK(site, id)                                                                                   \
    "CreateLink", "{'parent':'" A "/sites/" site "','linkId':'" id "','link':{'edge':'" A "/sites/" site \
                  "/edges/e1','interface':'wan" id "','address':'192.0.2." id "','underlay':'internet'}}"
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "link_id", LINK("sfo", "7"));
#undef LINK
#define LINK(site, id, n)                                                                                \
    "CreateLink", "{'parent':'" A "/sites/" site "','linkId':'" id "','link':{'edge':'" A "/sites/" site \
                  "/edges/e1','interface':'wan" n "','address':'192.0.2." n "','underlay':'internet'}}"
    FX_OK(&fx, LINK("sfo", "l7", "7"));
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_TUNNELS), 2);
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "tunnels", LINK("nyc", "l8", "8"));
    FX_OK(&fx, "UpdateLink", "{'link':{'name':'" A "/sites/sfo/links/l7','underlay':'mpls'}}");
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_TUNNELS), 0);

    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{'bytes':'1'}}}");
    /* Bytes are known when the resource is encoded: the state refuses. */
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "bytes", SITE(A, "more"));
    FX_OK(&fx, "DeleteSite", "{'name':'" A "/sites/sfo','force':true}");
    fx_fini(&fx);
}
END_TEST

/* ---- counters against a count --------------------------------------------------------------------------------- */

static void random_step(struct fixture *fx)
{
    unsigned o = (unsigned)fx_random(fx, 6), p = (unsigned)fx_random(fx, 6), s = (unsigned)fx_random(fx, 4);
    switch (fx_random(fx, 9)) {
    case 0:
        (void)fx_call(fx, "CreateOrganization",
                      "{'organizationId':'o%u','organization':{'parentOrganization':'organizations/o%u'}}", o, p);
        break;
    case 1:
        (void)fx_call(fx, "CreateOrganization", "{'organizationId':'o%u','organization':{'quotas':{'sites':'3'}}}", o);
        break;
    case 2:
        (void)fx_call(fx, "UpdateOrganization",
                      "{'organization':{'name':'organizations/o%u','parentOrganization':'organizations/o%u'}}", o, p);
        break;
    case 3:
    case 4:
        (void)fx_call(fx, "CreateSite", "{'parent':'organizations/o%u','siteId':'s%u','site':{'displayName':'%.*s'}}",
                      o, s, (int)s * 9, "abcdefghijklmnopqrstuvwxyz0123456789");
        (void)fx_call(fx, "CreateEdge", "{'parent':'organizations/o%u/sites/s%u','edgeId':'e','edge':{}}", o, s);
        break;
    case 5:
        (void)fx_call(fx, "CreateLink",
                      "{'parent':'organizations/o%u/sites/s%u','linkId':'l%u','link':{'edge':'organizations/o%u/sites/"
                      "s%u/edges/e','interface':'w%u','address':'192.0.2.%u','underlay':'u%u'}}",
                      o, s, p, o, s, p, 10 * s + p + 1, p % 2);
        break;
    case 6:
        (void)fx_call(fx, "UpdateSite", "{'site':{'name':'organizations/o%u/sites/s%u','region':'r%u'}}", o, s, p);
        break;
    case 7:
        (void)fx_call(fx, "DeleteOrganization", "{'name':'organizations/o%u','force':%s}", o, p < 3 ? "true" : "false");
        break;
    default:
        (void)fx_call(fx, "UndeleteOrganization", "{'name':'organizations/o%u'}", o);
        break;
    }
}

START_TEST(counters_equal_a_count_of_everything)
{
    struct fixture fx;
    fx_init_seed(&fx, (uint64_t)_i + 1);
    for (unsigned round = 0; round < 12; round++) {
        for (unsigned i = 0; i < 40; i++) {
            random_step(&fx);
        }
        size_t before_len = 0, after_len = 0;
        char *before = counters(&fx, &before_len);
        fx_reopen(&fx);
        char *after = counters(&fx, &after_len);
        ck_assert_uint_eq(before_len, after_len);
        ck_assert_pstr_eq(before, after);
        free(before);
        free(after);
    }
    fx_fini(&fx);
}
END_TEST

/* ---- undelete ------------------------------------------------------------------------------------------------- */

START_TEST(an_organization_comes_back_with_all_that_was_below)
{
    struct fixture fx;
    fx_init(&fx);
    fx_world(&fx);
    FX_OK(&fx, "GetLink", "{'name':'" A "/sites/nyc/links/inet'}");
    const struct pt_msg *link = fx.reply;
    uint64_t bytes = usage(&fx, A, PT_QUOTA_BYTES);
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "UndeleteOrganization", "{'name':'" A "'}");
    FX_OK(&fx, "DeleteOrganization", "{'name':'" A "','force':true}");
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "GetOrganization", "{'name':'" A "'}");
    FX_OK(&fx, "ListOrganizations", "{'showDeleted':true}");
    const struct pt_msg_field *deleted = pt_msg_field(fx.reply, "organizations");
    ck_assert_ptr_nonnull(deleted);
    ck_assert_uint_eq(deleted->len, 1);
    ck_assert_int_eq(pt_msg_time(deleted->values[0].message, "delete_time"), fx.time_ns);
    fx_reopen(&fx);
    FX_OK(&fx, "UndeleteOrganization", "{'name':'" A "'}");
    ck_assert_str_eq(pt_msg_str(fx.reply, "parent_organization"), "organizations/root");
    ck_assert(!pt_msg_has(fx.reply, "delete_time"));
    FX_OK(&fx, "GetLink", "{'name':'" A "/sites/nyc/links/inet'}");
    ck_assert(pt_msg_equal(link, fx.reply));
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_BYTES), bytes);
    /* References stand again. */
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_RESOURCE_IN_USE, "name", "DeleteFabric",
            "{'name':'" A "/fabrics/wan'}");
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "UndeleteOrganization", "{'name':'" A "'}");
    fx_fini(&fx);
}
END_TEST

START_TEST(a_name_is_free_at_once_and_the_old_one_is_kept_for_30_days)
{
    struct fixture fx;
    fx_init(&fx);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme'}");
    FX_OK(&fx, "GetOrganization", "{'name':'" A "'}");
    const char *uid = pt_msg_str(fx.reply, "uid");
    FX_OK(&fx, "DeleteOrganization", "{'name':'" A "'}");
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme'}");
    ck_assert_str_ne(pt_msg_str(fx.reply, "uid"), uid);
    FX_FAIL(&fx, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS, "name", "UndeleteOrganization", "{'name':'" A "'}");
    FX_OK(&fx, "DeleteOrganization", "{'name':'" A "'}");
    FX_OK(&fx, "UndeleteOrganization", "{'name':'" A "','uid':'%s'}", uid);
    ck_assert_str_eq(pt_msg_str(fx.reply, "uid"), uid);
    FX_OK(&fx, "DeleteOrganization", "{'name':'" A "'}");
    fx.time_ns += 31LL * 86400 * 1000000000;
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'other'}");
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "UndeleteOrganization", "{'name':'" A "'}");
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/other'}");
    ck_assert_uint_eq(fx.machine->trash.len, 1); /* the old ones are gone for good */
    fx_fini(&fx);
}
END_TEST

START_TEST(deleted_organizations_are_bounded)
{
    struct fixture fx;
    fx_init(&fx);
    for (unsigned i = 0; i < PT_TRASH_LEN_MAX + 3; i++) {
        fx.time_ns += 1000000;
        FX_OK(&fx, "CreateOrganization", "{'organizationId':'o%u'}", i);
        FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/o%u'}", i);
    }
    ck_assert_uint_eq(fx.machine->trash.len, PT_TRASH_LEN_MAX);
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "UndeleteOrganization",
            "{'name':'organizations/o2'}");
    FX_OK(&fx, "UndeleteOrganization", "{'name':'organizations/o3'}");
    fx_fini(&fx);
}
END_TEST

/* Overlapping prefixes in different organizations do not meet. */
START_TEST(tenants_may_use_the_same_prefixes)
{
    struct fixture fx;
    fx_init(&fx);
    for (unsigned i = 0; i < 2; i++) {
        FX_OK(&fx, "CreateOrganization", "{'organizationId':'o%u'}", i);
        FX_OK(&fx, "CreateFabric", "{'parent':'organizations/o%u','fabricId':'wan','fabric':{}}", i);
        FX_OK(&fx, "CreateSegment",
              "{'parent':'organizations/o%u','segmentId':'corp','segment':{'fabric':'organizations/o%u/fabrics/wan'}}",
              i, i);
        FX_OK(&fx, "CreateSite", "{'parent':'organizations/o%u','siteId':'s','site':{}}", i);
        FX_OK(&fx, "CreateEdge",
              "{'parent':'organizations/o%u/sites/s','edgeId':'e','edge':{'lanInterfaces':[{'interface':'lan0',"
              "'segment':'organizations/o%u/segments/corp','prefixes':['10.1.0.0/16']}]}}",
              i, i);
    }
    fx_fini(&fx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kind/quota");
    TCase *tests = tcase_create("quota");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_tier_limits_and_says_how_much_is_used);
    tcase_add_test(tests, of_two_creates_at_the_limit_one_succeeds);
    tcase_add_test(tests, a_limit_is_one_of_all_below_it);
    tcase_add_test(tests, bytes_and_tunnels_are_limited_too);
    tcase_add_loop_test(tests, counters_equal_a_count_of_everything, 0, 8);
    tcase_add_test(tests, an_organization_comes_back_with_all_that_was_below);
    tcase_add_test(tests, a_name_is_free_at_once_and_the_old_one_is_kept_for_30_days);
    tcase_add_test(tests, deleted_organizations_are_bounded);
    tcase_add_test(tests, tenants_may_use_the_same_prefixes);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
