/*
 * Undelete: who may bring an organization back, and what that gives.
 */
#include "access_world.h"

#define GONE "organizations/gone"
#define RETURN "UndeleteOrganization", "{'name':'" GONE "'}"

/* Is it among the deleted organizations that the caller sees? */
static bool sees_gone(void)
{
    FX_OK(&fx, "ListOrganizations", "{'showDeleted':true}");
    const struct pt_msg_field *seen = pt_msg_field(fx.reply, "organizations");
    bool found = false;
    for (size_t i = 0; seen != NULL && i < seen->len; i++) {
        found = found || strcmp(pt_msg_str(seen->values[i].message, "name"), GONE) == 0;
    }
    return found;
}

/* By an admin: the organization, with a site in it, below the parent. */
static void make_gone(const char *parent)
{
    as_admin();
    FX_OK(&fx, "CreateOrganization",
          "{'organizationId':'gone','organization':{'parentOrganization':'organizations/%s'}}", parent);
    FX_OK(&fx, "CreateSite", "{'parent':'" GONE "','siteId':'s','site':{}}");
}

static void delete_gone(void)
{
    as_admin();
    FX_OK(&fx, "DeleteOrganization", "{'name':'" GONE "','force':true}");
}

/* Names are everybody's: bot makes an organization of the name that the deleted one's parent had, one that he had
 * deleted before the other was there, too. Neither is what the deleted one stood below, so it does not exist for him;
 * before level 4 it was his. */
START_TEST(a_deleted_organization_is_the_matter_of_its_own_parent)
{
    uint32_t level = (uint32_t)_i;
    fx_fini(&fx);
    setup_level(level);
    bind("organizations/foreign", "roles/admin");
    FX_OK(&fx, "CreateOrganization",
          "{'organizationId':'lost','organization':{'parentOrganization':'organizations/foreign'}}");
    const char *squatter = pt_arena_strdup(&fx.arena, pt_msg_str(fx.reply, "uid"));
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/lost'}");
    as_admin();
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'lost','organization':{'parentOrganization':'" ACME "'}}");
    const char *lost = pt_arena_strdup(&fx.arena, pt_msg_str(fx.reply, "uid"));
    make_gone("lost");
    delete_gone();
    set_binding("organizations/lost", "m", "roles/admin", M, "");
    as(M);
    ck_assert(sees_gone());
    as_admin();
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/lost','force':true}");
    for (int i = 0; i < 2; i++) {
        as(BOT);
        if (i == 0) {
            FX_OK(&fx, "UndeleteOrganization", "{'name':'organizations/lost','uid':'%s'}", squatter);
        } else {
            FX_OK(&fx, "CreateOrganization",
                  "{'organizationId':'lost','organization':{'parentOrganization':'organizations/foreign'}}");
        }
        if (level >= 4) {
            same_answer(RETURN, "gone", "none");
            ck_assert(!sees_gone());
            as_admin();
            ck_assert(sees_gone());
        } else {
            FX_OK(&fx, RETURN);
            FX_OK(&fx, "GetSite", "{'name':'" GONE "/sites/s'}");
            delete_gone();
        }
        FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/lost','force':true}");
    }
    FX_OK(&fx, "UndeleteOrganization", "{'name':'organizations/lost','uid':'%s'}", lost);
    as(M);
    ck_assert(sees_gone());
    FX_OK(&fx, RETURN);
    FX_OK(&fx, "GetSite", "{'name':'" GONE "/sites/s'}");
}
END_TEST

static void not_held_from_4(uint32_t level, const char *permission)
{
    as(M);
    if (level >= 4) {
        FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_GRANT_NOT_HELD, "name", RETURN);
        ck_assert_msg(strstr(fx.error.text, permission) != NULL, "%s", fx.error.text);
        as_admin();
        FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "GetOrganization", "{'name':'" GONE "'}");
    } else {
        FX_OK(&fx, RETURN);
        delete_gone();
    }
}

static void comes_back(void)
{
    as(M);
    FX_OK(&fx, RETURN);
}

/* M may bring organizations back and nothing else. What bindings in one say he must hold above it, always: by a
 * built-in role, by one of the parent, by one of its own, which is judged whether it is bound or not. A binding whose
 * role does not count there gives nothing, until the parent has moved to where it does. */
START_TEST(an_undelete_gives_nothing_that_the_caller_lacks)
{
    uint32_t level = (uint32_t)_i;
    fx_fini(&fx);
    setup_level(level);
    FX_OK(&fx, "CreateRole",
          "{'parent':'" ACME "','roleId':'return','role':{'permissions':['organizations.undelete']}}");
    FX_OK(&fx, "CreateRole", "{'parent':'" ACME "','roleId':'see','role':{'permissions':['sites.get']}}");
    FX_OK(&fx, "CreateRole",
          "{'parent':'organizations/foreign','roleId':'do','role':{'permissions':['sites.update']}}");
    set_binding(ACME, "m", ACME "/roles/return", M, "");
    make_gone("acme");
    delete_gone();
    comes_back();

    set_binding(GONE, "ann", "roles/viewer", "spiffe://c/user/ann", ",'condition':{'sourcePrefixes':['192.0.2.0/24']}");
    set_binding(GONE, "m", "roles/admin", M, ""); /* what he held in it himself counts as little */
    delete_gone();
    not_held_from_4(level, "' at " ACME);
    set_binding(ACME, "m2", "roles/admin", M, ",'condition':{'sourcePrefixes':['192.0.2.0/24']}");
    not_held_from_4(level, "' at " ACME);
    as_admin();
    FX_OK(&fx, "DeleteRoleBinding", "{'name':'" ACME "/roleBindings/m2'}");
    set_binding(ACME, "m2", "roles/admin", M, "");
    comes_back();

    as_admin();
    FX_OK(&fx, "DeleteRoleBinding", "{'name':'" GONE "/roleBindings/ann'}");
    FX_OK(&fx, "DeleteRoleBinding", "{'name':'" GONE "/roleBindings/m'}");
    FX_OK(&fx, "DeleteRoleBinding", "{'name':'" ACME "/roleBindings/m2'}");
    set_binding(GONE, "u", ACME "/roles/see", "spiffe://c/user/u", "");
    delete_gone();
    not_held_from_4(level, "'sites.get' at " ACME);
    set_binding(ACME, "m2", ACME "/roles/see", M, "");
    comes_back();

    as_admin();
    FX_OK(&fx, "CreateRole", "{'parent':'" GONE "','roleId':'own','role':{'permissions':['sites.delete']}}");
    delete_gone();
    not_held_from_4(level, "'sites.delete' at " ACME);
    as_admin();
    FX_OK(&fx, RETURN);
    FX_OK(&fx, "DeleteRole", "{'name':'" GONE "/roles/own'}");

    move_by_admin("gone", "foreign");
    set_binding(GONE, "u", "organizations/foreign/roles/do", "spiffe://c/user/u", "");
    move_by_admin("gone", "acme");
    delete_gone();
    comes_back();
    delete_gone();
    move_by_admin("acme", "foreign");
    not_held_from_4(level, "'sites.update' at " ACME);
    move_by_admin("acme", "root");
    comes_back();
}
END_TEST

/* A key reaches no further than its scopes; and the state asks again, for what was looked at may have been unbound. */
START_TEST(an_undelete_is_asked_of_the_key_and_again_by_the_state)
{
    uint32_t level = (uint32_t)_i;
    fx_fini(&fx);
    setup_level(level);
    make_gone("acme");
    set_binding(GONE, "ann", "roles/viewer", "spiffe://c/user/ann", "");
    delete_gone();
    bind(ACME, "roles/admin");
    by_key(BOT, "narrow", "'organizations.*'", "");
    if (level >= 4) {
        FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_GRANT_NOT_HELD, "name", RETURN);
    }
    by_key(BOT, "all", "", "");
    FX_OK(&fx, RETURN);
    delete_gone();

    as(BOT);
    const struct pt_request_context context = {.caller = fx.caller, .time_ns = fx.time_ns, .uid_hi = 1, .uid_lo = 2};
    const struct pt_method_type *method = fx_method(&fx, "UndeleteOrganization");
    const char *json = "{\"name\":\"" GONE "\"}";
    struct pt_msg *request = NULL;
    ck_assert_int_eq(pt_json_read(fx.schema, method->input, json, strlen(json), &fx.arena, &request, NULL), PT_OK);
    PT_AUTO(buf) struct pt_buf command = {0};
    PT_AUTO(buf) struct pt_buf reply = {0};
    bool answered = false;
    ck_assert_int_eq(pt_kind_prepare(fx.machine, method, request, &context, &command, &answered, &reply, NULL), PT_OK);
    FX_OK(&fx, "CreateRole",
          "{'parent':'" ACME "','roleId':'return','role':{'permissions':['organizations.undelete']}}");
    set_binding(ACME, "bot", ACME "/roles/return", BOT, "");
    ck_assert_int_eq(fx_apply(&fx, pt_buf_bytes(&command)), level >= 4 ? PT_PERMISSION_DENIED : PT_OK);
}
END_TEST

/* What was deleted at an older level does not say below whom: from level 4 on it is an admin's matter. */
START_TEST(what_was_deleted_before_is_brought_back_by_an_admin)
{
    fx_fini(&fx);
    setup_level(3);
    make_gone("acme");
    delete_gone();
    bind(ACME, "roles/admin");
    ck_assert(sees_gone());
    fx_raise_level(&fx, 4);
    same_answer(RETURN, "gone", "none");
    ck_assert(!sees_gone());
    as_admin();
    ck_assert(sees_gone());
    FX_OK(&fx, RETURN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kind/undelete");
    TCase *tests = tcase_create("undelete");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, a_deleted_organization_is_the_matter_of_its_own_parent, 1, PT_CLUSTER_LEVEL_MAX + 1);
    tcase_add_loop_test(tests, an_undelete_gives_nothing_that_the_caller_lacks, 1, PT_CLUSTER_LEVEL_MAX + 1);
    tcase_add_loop_test(tests, an_undelete_is_asked_of_the_key_and_again_by_the_state, 1, PT_CLUSTER_LEVEL_MAX + 1);
    tcase_add_test(tests, what_was_deleted_before_is_brought_back_by_an_admin);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
