/*
 * Revisions: what was is kept within bounds, says who changed it, can be restored, and goes with its organization.
 */
#include "fixture.h"

#include "kind/machine.h"

#define A "organizations/acme"
#define NYC A "/sites/nyc"

static struct fixture fx;

static void setup(void)
{
    fx_init(&fx);
    fx_world(&fx);
}

static void teardown(void)
{
    fx_fini(&fx);
}

/* ListRevisions; the number of lines, or 0 when refused. */
static size_t list(const char *name, uint64_t revision)
{
    const struct pt_method_type *method = fx_method(&fx, "ListRevisions");
    struct pt_msg *request = pt_msg_new(&fx.arena, method->input);
    pt_msg_set_str(request, &fx.arena, "name", name);
    pt_msg_set_u64(request, &fx.arena, "revision", revision);
    PT_AUTO(buf) struct pt_buf reply = {0};
    fx.error = (struct pt_error){0};
    pt_kind_now(fx.machine, fx.time_ns);
    if (pt_kind_revisions(fx.machine, &fx.caller, method, request, &reply, &fx.error) != PT_OK) {
        return 0;
    }
    fx_take_reply(&fx, method->output, pt_buf_bytes(&reply));
    const struct pt_msg_field *revisions = pt_msg_field(fx.reply, "revisions");
    return revisions != NULL ? revisions->len : 0;
}

static const struct pt_msg *line(size_t at)
{
    return pt_msg_field(fx.reply, "revisions")->values[at].message;
}

static enum pt_code restore(const char *name, uint64_t revision)
{
    const struct pt_method_type *method = fx_method(&fx, "RestoreRevision");
    struct pt_msg *request = pt_msg_new(&fx.arena, method->input);
    pt_msg_set_str(request, &fx.arena, "name", name);
    pt_msg_set_u64(request, &fx.arena, "revision", revision);
    const struct pt_request_context context = {
        .caller = fx.caller, .time_ns = fx.time_ns, .uid_hi = fx.index + 1, .uid_lo = 5};
    PT_AUTO(buf) struct pt_buf command = {0};
    PT_AUTO(buf) struct pt_buf reply = {0};
    bool answered = false;
    fx.error = (struct pt_error){0};
    PT_TRY(pt_kind_prepare_restore(fx.machine, request, &context, &command, &answered, &reply, &fx.error));
    return fx_apply(&fx, pt_buf_bytes(&command));
}

static void reopen(void)
{
    const struct pt_revisions *revisions = &fx.machine->revisions;
    size_t len = revisions->len, size = revisions->size, chains = revisions->chains.count;
    fx_reopen(&fx);
    ck_assert_uint_eq(fx.machine->revisions.len, len);
    ck_assert_uint_eq(fx.machine->revisions.size, size);
    ck_assert_uint_eq(fx.machine->revisions.chains.count, chains);
    ck_assert_int_eq(pt_store_scrub(pt_kind_store(fx.machine), NULL), PT_OK);
}

START_TEST(each_change_leaves_what_was_and_who_changed_it)
{
    ck_assert_uint_eq(list(NYC, 0), 1); /* as it is; made by, says the audit log */
    ck_assert(pt_msg_bool(line(0), "current"));
    ck_assert_str_eq(pt_msg_str(line(0), "principal"), FX_ADMIN.principal);
    uint64_t made = pt_msg_u64(line(0), "revision");
    fx.caller.principal = "spiffe://c/admin/ann";
    fx.time_ns += 1000000000;
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'" NYC "','region':'us'}}");
    uint64_t changed = pt_msg_u64(fx.reply, "revision");
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'" NYC "','region':'us'}}"); /* nothing new: nothing kept */
    fx.caller.principal = "spiffe://c/admin/bob";
    FX_OK(&fx, "DeleteSite", "{'name':'" NYC "','force':true}");
    ck_assert_uint_eq(list(NYC, 0), 3);
    ck_assert(!pt_msg_has(line(0), "resource") && pt_msg_bool(line(0), "current"));
    ck_assert_str_eq(pt_msg_str(line(0), "principal"), "spiffe://c/admin/bob");
    ck_assert_uint_eq(pt_msg_u64(line(1), "revision"), changed);
    ck_assert_str_eq(pt_msg_str(line(1), "principal"), "spiffe://c/admin/ann");
    ck_assert(pt_msg_time(line(1), "time") == fx.time_ns);
    ck_assert_uint_eq(pt_msg_u64(line(2), "revision"), made);
    ck_assert_uint_eq(list(NYC, changed), 1);
    ck_assert_uint_eq(list(NYC, changed + 1000), 0);
    ck_assert_int_eq(fx.error.code, PT_OUT_OF_RANGE);
    ck_assert_uint_eq(list(A "/sites/never", 0), 0);
    ck_assert_int_eq(fx.error.code, PT_NOT_FOUND);
    reopen();

    ck_assert_int_eq(restore(NYC, changed), PT_OK); /* made anew */
    FX_OK(&fx, "GetSite", "{'name':'" NYC "'}");
    ck_assert_str_eq(pt_msg_str(fx.reply, "region"), "us");
    ck_assert_int_eq(restore(NYC, made), PT_OK);
    FX_OK(&fx, "GetSite", "{'name':'" NYC "'}");
    ck_assert_str_eq(pt_msg_str(fx.reply, "region"), "");
    ck_assert_int_eq(restore(NYC, 7777), PT_OUT_OF_RANGE);
    reopen();
}
END_TEST

START_TEST(of_one_resource_sixteen_are_kept)
{
    for (unsigned i = 0; i < 40; i++) {
        FX_OK(&fx, "UpdateSite", "{'site':{'name':'" NYC "','region':'r%u'}}", i);
    }
    ck_assert_uint_eq(list(NYC, 0), 17);
    FX_OK(&fx, "GetSite", "{'name':'" NYC "'}");
    uint64_t newest = pt_msg_u64(fx.reply, "revision");
    ck_assert_uint_eq(list(NYC, newest - 16), 1);
    ck_assert_uint_eq(list(NYC, newest - 17), 0);
    ck_assert_uint_eq(fx.machine->revisions.len, 16);
    reopen();
}
END_TEST

START_TEST(of_all_so_many_are_kept)
{
    for (unsigned i = 0; i < 1200; i++) {
        FX_OK(&fx, "CreateSite", "{'parent':'" A "','siteId':'s%u','site':{}}", i);
    }
    unsigned changes = 0;
    for (unsigned round = 0; changes <= PT_REVISIONS_LEN_MAX + 500; round++) {
        for (unsigned i = 0; i < 1200; i++, changes++) {
            FX_OK(&fx, "UpdateSite", "{'site':{'name':'" A "/sites/s%u','region':'r%u'}}", i, round);
        }
        pt_arena_fini(&fx.arena);
    }
    ck_assert_uint_eq(fx.machine->revisions.len, PT_REVISIONS_LEN_MAX);
    reopen();
}
END_TEST

START_TEST(what_is_kept_goes_with_the_organization)
{
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'new','organization':{}}");
    FX_OK(&fx, "CreateSite", "{'parent':'organizations/new','siteId':'s','site':{}}");
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'organizations/new/sites/s','region':'secret-plans'}}");
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'organizations/new/sites/s','region':'x'}}");
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'" NYC "','region':'x'}}");
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/new','force':true}");
    ck_assert_uint_eq(fx.machine->revisions.len, 1);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'new','organization':{}}");
    FX_OK(&fx, "CreateSite", "{'parent':'organizations/new','siteId':'s','site':{}}");
    ck_assert_uint_eq(list("organizations/new/sites/s", 0), 1);
    reopen();
}
END_TEST

START_TEST(revisions_are_for_those_who_may_read_and_restoring_for_those_who_may_write)
{
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'" NYC "','region':'us'}}");
    ck_assert_uint_eq(list(NYC, 0), 2);
    uint64_t made = pt_msg_u64(line(1), "revision");
    FX_OK(&fx, "CreateRoleBinding",
          "{'parent':'" A "','roleBindingId':'b','roleBinding':{'role':'roles/viewer','members':["
          "'spiffe://c/user/ann']}}");
    fx.caller.principal = "spiffe://c/user/ann";
    ck_assert_uint_eq(list(NYC, 0), 2);
    ck_assert_int_eq(restore(NYC, made), PT_PERMISSION_DENIED);
    fx.caller.principal = "spiffe://c/user/bob";
    ck_assert_uint_eq(list(NYC, 0), 0);
    ck_assert_int_eq(fx.error.code, PT_NOT_FOUND);
    ck_assert_int_eq(restore(NYC, made), PT_NOT_FOUND);
}
END_TEST

START_TEST(secrets_are_not_kept)
{
    FX_OK(&fx, "CreateServiceAccount", "{'parent':'" A "','serviceAccountId':'ci'}");
    const char *hmac = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const char *key = A "/serviceAccounts/ci/apiKeys/k";
    FX_OK(&fx, "UpdateApiKey", "{'apiKey':{'name':'%s','secretHmac':'%s'},'allowMissing':true}", key, hmac);
    FX_OK(&fx, "UpdateApiKey", "{'apiKey':{'name':'%s','disabled':true}}", key);
    struct pt_revision kept[PT_REVISIONS_PER_RESOURCE_MAX];
    size_t len = 0;
    ck_assert_int_eq(pt_revisions_read(fx.machine, key, &fx.arena, kept, &len, NULL), PT_OK);
    ck_assert_uint_eq(len, 1);
    ck_assert(!pt_msg_has(kept[0].resource, "secret_hmac"));
    ck_assert_int_eq(restore(key, pt_msg_u64(kept[0].resource, "revision")), PT_FAILED_PRECONDITION);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kind/revision");
    TCase *tests = tcase_create("revision");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, each_change_leaves_what_was_and_who_changed_it);
    tcase_add_test(tests, of_one_resource_sixteen_are_kept);
    tcase_add_test(tests, of_all_so_many_are_kept);
    tcase_add_test(tests, what_is_kept_goes_with_the_organization);
    tcase_add_test(tests, revisions_are_for_those_who_may_read_and_restoring_for_those_who_may_write);
    tcase_add_test(tests, secrets_are_not_kept);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
