/*
 * Access as the state machine decides it: bindings and their inheritance, conditions, grants, revocation; and that
 * whoever holds nothing at an organization is told what he would be told if it did not exist.
 *
 *   root - acme (the world of the fixture)      foreign
 *           '- child
 */
#include "access_world.h"

START_TEST(without_a_binding_nothing_exists)
{
    as(BOT);
    same_answer("GetSite", "{'name':'" ACME "/sites/nyc'}", "acme", "none");
    same_answer("ListSites", "{'parent':'" ACME "'}", "acme", "none");
    same_answer("CreateSite", "{'parent':'" ACME "','siteId':'x','site':{}}", "acme", "none");
    same_answer("UpdateSite", "{'site':{'name':'" ACME "/sites/nyc','region':'x'}}", "acme", "none");
    same_answer("UpdateSite", "{'site':{'name':'" ACME "/sites/nyc','region':'x'},'allowMissing':true}", "acme",
                "none");
    same_answer("DeleteSite", "{'name':'" ACME "/sites/nyc'}", "acme", "none");
    same_answer("DeleteSite", "{'name':'" ACME "/sites/nyc','allowMissing':true}", "acme", "none");
    same_answer("DeleteOrganization", "{'name':'" ACME "','force':true}", "acme", "none");
    same_answer("UndeleteOrganization", "{'name':'" ACME "'}", "acme", "none");
    same_answer("CreateOrganization", "{'organizationId':'mine','organization':{'parentOrganization':'" ACME "'}}",
                "acme", "none");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "ListControllers", "{}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "CreateOrganization",
            "{'organizationId':'mine'}");
    FX_OK(&fx, "ListOrganizations", "{}");
    ck_assert(!pt_msg_has(fx.reply, "organizations"));
    FX_OK(&fx, "ListSites", "{'parent':'organizations/-'}");
    ck_assert(!pt_msg_has(fx.reply, "sites"));
}
END_TEST

START_TEST(roles_hold_where_bound_and_below)
{
    bind(ACME, "roles/viewer");
    FX_OK(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}");
    FX_OK(&fx, "GetSite", "{'name':'organizations/child/sites/s'}");
    same_answer("GetSite", "{'name':'organizations/foreign/sites/s'}", "foreign", "none");
    same_answer("GetOrganization", "{'name':'organizations/root'}", "root", "none");
    FX_OK(&fx, "ListSites", "{'parent':'organizations/-'}");
    ck_assert_uint_eq(pt_msg_field(fx.reply, "sites")->len, 3);
    FX_OK(&fx, "ListOrganizations", "{}");
    ck_assert_uint_eq(pt_msg_field(fx.reply, "organizations")->len, 2);
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "CreateSite",
            "{'parent':'" ACME "','siteId':'x','site':{}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "UpdateSite",
            "{'site':{'name':'" ACME "/sites/nyc','region':'x'}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "GetApiKey", "{'name':'" BOT "/apiKeys/k'}");

    bind(ACME, "roles/operator");
    FX_OK(&fx, "CreateSite", "{'parent':'organizations/child','siteId':'x','site':{}}");
    FX_OK(&fx, "DeleteSite", "{'name':'organizations/child/sites/x'}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "CreateModel",
            "{'parent':'" ACME "','modelId':'m','model':{'purpose':'dpi'}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "UpdateOrganization",
            "{'organization':{'name':'" ACME "','displayName':'x'}}");

    bind(ACME, "roles/developer");
    FX_OK(&fx, "CreateModel", "{'parent':'" ACME "','modelId':'m','model':{'purpose':'dpi'}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "CreateSite",
            "{'parent':'" ACME "','siteId':'x','site':{}}");

    bind("organizations/child", "roles/admin"); /* the other binding stands: both count */
    FX_OK(&fx, "CreateSite", "{'parent':'organizations/child','siteId':'x','site':{}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "CreateSite",
            "{'parent':'" ACME "','siteId':'x','site':{}}");
}
END_TEST

/* Who administers an organization does not raise its limits, delete it or hang it elsewhere. */
START_TEST(limits_and_place_are_the_matter_of_whoever_is_above)
{
    bind(ACME, "roles/admin");
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" ACME "','displayName':'x'}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "UpdateOrganization",
            "{'organization':{'name':'" ACME "','quotas':{'sites':'1000'}}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "UpdateOrganization",
            "{'organization':{'name':'" ACME "','tier':'ENTERPRISE'}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "DeleteOrganization",
            "{'name':'" ACME "','force':true}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "UpdateOrganization",
            "{'organization':{'name':'" ACME "','parentOrganization':''},'updateMask':'parent_organization'}");
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'organizations/child','quotas':{'sites':'7'}}}");
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'second','organization':{'parentOrganization':'" ACME "'}}");
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/second'}");
    FX_OK(&fx, "UndeleteOrganization", "{'name':'organizations/second'}");
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_REFERENCE_NOT_FOUND, "parent_organization", "UpdateOrganization",
            "{'organization':{'name':'organizations/child','parentOrganization':'organizations/foreign'}}");
}
END_TEST

START_TEST(nobody_gives_what_he_does_not_hold)
{
    as_admin();
    FX_OK(&fx, "CreateRole",
          "{'parent':'" ACME "','roleId':'iam','role':{'permissions':['roles.*','roleBindings.*',"
          "'serviceAccounts.*','apiKeys.*','identityProviders.*','sites.get','sites.list']}}");
    FX_OK(&fx, "CreateServiceAccount", "{'parent':'" ACME "','serviceAccountId':'boss'}");
    FX_OK(&fx, "CreateRoleBinding",
          "{'parent':'" ACME "','roleBindingId':'boss','roleBinding':{'role':'roles/admin','members':['" ACME
          "/serviceAccounts/boss','" ACME "/identityProviders/idp/groups/admins']}}");
    bind(ACME, ACME "/roles/iam");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_GRANT_NOT_HELD, "", "CreateRoleBinding",
            "{'parent':'" ACME "','roleBindingId':'x','roleBinding':{'role':'roles/operator','members':['" BOT "']}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_GRANT_NOT_HELD, "", "UpdateRoleBinding",
            "{'roleBinding':{'name':'" ACME "/roleBindings/bot','role':'roles/admin'}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_GRANT_NOT_HELD, "", "UpdateRoleBinding",
            "{'roleBinding':{'name':'" ACME "/roleBindings/boss','members':['" BOT "']}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_GRANT_NOT_HELD, "", "UpdateRole",
            "{'role':{'name':'" ACME "/roles/iam','permissions':['sites.*']}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_GRANT_NOT_HELD, "", "UpdateServiceAccount",
            "{'serviceAccount':{'name':'" ACME "/serviceAccounts/boss','displayName':'x'}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_GRANT_NOT_HELD, "", "UpdateApiKey", /* who has a key is the account */
            "{'apiKey':{'name':'" ACME "/serviceAccounts/boss/apiKeys/k','secretHmac':"
            "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'},'allowMissing':true}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_GRANT_NOT_HELD, "", "CreateIdentityProvider",
            "{'parent':'" ACME "','identityProviderId':'idp','identityProvider':{'issuer':'https://evil.example',"
            "'audiences':['patronus']}}");
    FX_OK(&fx, "CreateRole", "{'parent':'" ACME "','roleId':'see','role':{'permissions':['sites.get']}}");
    FX_OK(&fx, "CreateRoleBinding",
          "{'parent':'organizations/child','roleBindingId':'x','roleBinding':{'role':'" ACME
          "/roles/see','members':['spiffe://c/user/u']}}");
    FX_OK(&fx, "CreateIdentityProvider",
          "{'parent':'" ACME "','identityProviderId':'other','identityProvider':{'issuer':'https://id.example',"
          "'audiences':['patronus']}}");
}
END_TEST

/* A key is its account's and nobody else's, to the second, until it is denied by name; and gives on no more than it
 * reaches itself. */
START_TEST(a_key_is_what_its_account_made_it)
{
    bind(ACME, "roles/admin");
    by_key(BOT, "all", "", "");
    FX_OK(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}");
    by_key(BOT, "short", "", "2023-11-14T22:13:21Z"); /* the clock starts at :20 */
    FX_OK(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}");
    fx.time_ns += 1000000000;
    ck_assert_int_eq(fx_call(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}"), PT_UNAUTHENTICATED);
    as_admin();
    FX_OK(&fx, "CreateServiceAccount", "{'parent':'" ACME "','serviceAccountId':'bot2'}");
    by_key(BOT "2", "all", "", ""); /* another account's, whose name begins alike */
    ck_assert_int_eq(fx_call(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}"), PT_UNAUTHENTICATED);

    by_key(BOT, "narrow", "'roles.*','roleBindings.*','sites.get'", "");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_GRANT_NOT_HELD, "", "CreateRoleBinding",
            "{'parent':'" ACME "','roleBindingId':'x','roleBinding':{'role':'roles/viewer','members':['" BOT "2']}}");
    FX_OK(&fx, "CreateRole", "{'parent':'" ACME "','roleId':'see','role':{'permissions':['sites.get']}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_GRANT_NOT_HELD, "", "CreateRole",
            "{'parent':'" ACME "','roleId':'do','role':{'permissions':['sites.update']}}");

    as_admin();
    FX_OK(&fx, "CreateDeniedIdentity",
          "{'deniedIdentityId':'k','deniedIdentity':{'identity':'" BOT "/apiKeys/narrow'}}");
    as(BOT);
    FX_OK(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}"); /* the account is not denied, nor its other keys */
    fx.caller.api_key = BOT "/apiKeys/all";
    FX_OK(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}");
    fx.caller.api_key = BOT "/apiKeys/narrow";
    ck_assert_int_eq(fx_call(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}"), PT_UNAUTHENTICATED);
    ck_assert_int_eq(fx.error.reason, PT_REASON_IDENTITY_REVOKED);
}
END_TEST

/* What holds at an organization because of what is above it ends when it moves away, in the same entry; and who moves
 * it raises no limit on the way that he could not raise before. */
START_TEST(what_is_inherited_ends_with_a_move)
{
    bind(ACME, "roles/viewer");
    as_admin();
    FX_OK(&fx, "CreateRole", "{'parent':'" ACME "','roleId':'see','role':{'permissions':['sites.get']}}");
    FX_OK(&fx, "CreateRoleBinding",
          "{'parent':'organizations/child','roleBindingId':'u','roleBinding':{'role':'" ACME
          "/roles/see','members':['spiffe://c/user/u']}}");
    FX_OK(&fx, "CreateRole",
          "{'parent':'" ACME "','roleId':'mover','role':{'permissions':['organizations.get','organizations.update',"
          "'organizations.delete','organizations.create']}}");
    FX_OK(&fx, "CreateRoleBinding",
          "{'parent':'" ACME "','roleBindingId':'m','roleBinding':{'role':'" ACME
          "/roles/mover','members':['spiffe://c/user/m']}}");
    FX_OK(&fx, "CreateRoleBinding",
          "{'parent':'organizations/foreign','roleBindingId':'m','roleBinding':{'role':'roles/admin','members':["
          "'spiffe://c/user/m']}}");
    as(BOT);
    FX_OK(&fx, "GetSite", "{'name':'organizations/child/sites/s'}");
    as("spiffe://c/user/u");
    FX_OK(&fx, "GetSite", "{'name':'organizations/child/sites/s'}");
    as("spiffe://c/user/m"); /* administers where it goes, but not where it is */
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "UpdateOrganization",
            "{'organization':{'name':'organizations/child','parentOrganization':'organizations/foreign','quotas':{"
            "'sites':'1000'}}}");
    ck_assert_ptr_nonnull(strstr(fx.error.text, "organizations.setQuotas"));
    as_admin(); /* and would have no more there for it than for being let in */
    FX_OK(&fx, "CreateRole",
          "{'parent':'organizations/foreign','roleId':'door','role':{'permissions':['organizations.create']}}");
    FX_OK(&fx, "UpdateRoleBinding",
          "{'roleBinding':{'name':'organizations/foreign/roleBindings/m','role':'organizations/foreign/roles/door'}}");
    as("spiffe://c/user/m");
    FX_OK(&fx, "UpdateOrganization",
          "{'organization':{'name':'organizations/child','parentOrganization':'organizations/foreign'}}");
    as(BOT);
    same_answer("GetSite", "{'name':'organizations/child/sites/s'}", "child", "none");
    as("spiffe://c/user/u"); /* bound there still, by a role that is not above it any more */
    same_answer("GetSite", "{'name':'organizations/child/sites/s'}", "child", "none");
}
END_TEST

#define CHILD_TO(parent) \
    "UpdateOrganization", "{'organization':{'name':'organizations/child','parentOrganization':'" parent "'}}"

/* M, who may take organizations out of acme and put some into foreign and into sibling, and nothing else. */
static void movers_world(uint32_t level)
{
    fx_fini(&fx);
    setup_level(level);
    FX_OK(&fx, "CreateOrganization",
          "{'organizationId':'sibling','organization':{'parentOrganization':'organizations/root'}}");
    FX_OK(&fx, "CreateRole",
          "{'parent':'" ACME "','roleId':'mover','role':{'permissions':['organizations.get','organizations.update',"
          "'organizations.delete','organizations.create']}}");
    FX_OK(&fx, "CreateRole",
          "{'parent':'organizations/foreign','roleId':'door','role':{'permissions':['organizations.create']}}");
    FX_OK(&fx, "CreateRole",
          "{'parent':'organizations/sibling','roleId':'door','role':{'permissions':['organizations.create']}}");
    set_binding(ACME, "m", ACME "/roles/mover", M, "");
    set_binding("organizations/foreign", "m", "organizations/foreign/roles/door", M, "");
    set_binding("organizations/sibling", "m", "organizations/sibling/roles/door", M, "");
}

/* M moves child below the organization: refused from level 3 on, and nothing is left of it; before, let through and
 * moved back by an admin. */
static void refused_from_3(uint32_t level, const char *permission)
{
    as(M);
    if (level >= 3) {
        FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_GRANT_NOT_HELD, "parent_organization",
                CHILD_TO("organizations/foreign"));
        ck_assert_msg(strstr(fx.error.text, permission) != NULL, "%s", fx.error.text);
    } else {
        FX_OK(&fx, CHILD_TO("organizations/foreign"));
        move_by_admin("child", "acme");
    }
}

static void allowed(void)
{
    as(M);
    FX_OK(&fx, CHILD_TO("organizations/foreign"));
    move_by_admin("child", "acme");
}

/* Who is bound above the new place, near or far, with or without a condition, gains there what the mover must hold,
 * always, where the organization is now. */
START_TEST(a_move_gives_nothing_that_the_mover_lacks)
{
    uint32_t level = (uint32_t)_i;
    movers_world(level);
    allowed(); /* door is all that anybody has in foreign, and M has that */
    set_binding("organizations/foreign", "ann", "roles/viewer", "spiffe://c/user/ann", "");
    refused_from_3(level, "' at organizations/child");
    set_binding("organizations/child", "m", "roles/viewer", M, ",'condition':{'sourcePrefixes':['192.0.2.0/24']}");
    refused_from_3(level, "' at organizations/child"); /* he has it under a condition, ann would have it without */
    as_admin();
    FX_OK(&fx, "DeleteRoleBinding", "{'name':'organizations/child/roleBindings/m'}");
    set_binding("organizations/child", "m", "roles/viewer", M, "");
    allowed();
    as_admin(); /* above the new parent */
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'above','organization':{}}");
    move_by_admin("foreign", "above");
    set_binding("organizations/above", "bob", "roles/operator", "spiffe://c/user/bob",
                ",'condition':{'sourcePrefixes':['198.51.100.0/24']}");
    refused_from_3(level, "' at organizations/child");
    set_binding("organizations/child", "m", "roles/operator", M, "");
    allowed();
    set_binding("organizations/foreign", "m", "roles/admin", M, ""); /* he would give it to himself */
    refused_from_3(level, "' at organizations/child");
    set_binding("organizations/child", "m", "roles/admin", M, "");
    allowed();
}
END_TEST

/* What is above both places, and what the cluster's bindings say, is nothing new. */
START_TEST(a_move_gives_nothing_to_who_has_it_already)
{
    movers_world((uint32_t)_i);
    set_binding("organizations/root", "zoe", "roles/admin", "spiffe://c/user/zoe", "");
    as_admin();
    FX_OK(&fx, "CreateClusterRoleBinding",
          "{'clusterRoleBindingId':'op','clusterRoleBinding':{'role':'roles/operator','members':['spiffe://c/user/op']"
          "}}");
    as(M);
    FX_OK(&fx, CHILD_TO("organizations/sibling"));
    move_by_admin("child", "acme");
    /* Nor is a move into what is below it one: that is refused by its own words. */
    set_binding("organizations/root", "m", "roles/admin", M, "");
    set_binding("organizations/child", "ann", "roles/admin", "spiffe://c/user/ann", "");
    as_admin();
    FX_OK(&fx, "DeleteRoleBinding", "{'name':'organizations/root/roleBindings/zoe'}");
    FX_OK(&fx, "CreateRole",
          "{'parent':'organizations/root','roleId':'mover','role':{'permissions':['organizations.get',"
          "'organizations.update','organizations.delete','organizations.create']}}");
    set_binding("organizations/root", "m", "organizations/root/roles/mover", M, "");
    FX_OK(&fx, "CreateRole", "{'parent':'organizations/child','roleId':'see','role':{'permissions':['sites.get']}}");
    FX_OK(&fx, "CreateOrganization",
          "{'organizationId':'other','organization':{'parentOrganization':'organizations/child'}}");
    set_binding("organizations/other", "u", "organizations/child/roles/see", "spiffe://c/user/u", "");
    move_by_admin("other", "acme"); /* it would wake up, if the ring were one */
    as(M);
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "parent_organization", "UpdateOrganization",
            "{'organization':{'name':'" ACME "','parentOrganization':'organizations/child'}}");
}
END_TEST

/* A binding within what moves, by a role of the place that it comes to: it sleeps until then, also one level deeper. */
START_TEST(a_move_wakes_no_binding_whose_role_the_mover_lacks)
{
    static const char *const places[] = {"organizations/child", "organizations/deep"};
    uint32_t level = (uint32_t)_i;
    movers_world(level);
    FX_OK(&fx, "CreateOrganization",
          "{'organizationId':'deep','organization':{'parentOrganization':'organizations/child'}}");
    FX_OK(&fx, "CreateRole", "{'parent':'organizations/foreign','roleId':'see','role':{'permissions':['sites.get']}}");
    for (size_t i = 0; i < 2; i++) {
        move_by_admin("child", "foreign");
        set_binding(places[i], "u", "organizations/foreign/roles/see", "spiffe://c/user/u", "");
        move_by_admin("child", "acme");
        refused_from_3(level, i == 0 ? "'sites.get' at organizations/child" : "'sites.get' at organizations/deep");
        set_binding(places[i], "m", "roles/viewer", M, "");
        allowed();
        as_admin();
        FX_OK(&fx, "DeleteRoleBinding", "{'name':'%s/roleBindings/m'}", places[i]);
        FX_OK(&fx, "DeleteRoleBinding", "{'name':'%s/roleBindings/u'}", places[i]);
    }
    allowed();
}
END_TEST

/* A key reaches no further than its scopes, and the state asks again: what has been bound since the leader looked
 * counts.
 */
START_TEST(a_move_is_asked_of_the_key_and_again_by_the_state)
{
    uint32_t level = (uint32_t)_i;
    movers_world(level);
    bind(ACME, "roles/admin");
    set_binding("organizations/foreign", "bot", "organizations/foreign/roles/door", BOT, "");
    set_binding("organizations/foreign", "ann", "roles/viewer", "spiffe://c/user/ann", "");
    by_key(BOT, "narrow", "'organizations.*'", "");
    if (level >= 3) {
        FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_GRANT_NOT_HELD, "parent_organization",
                CHILD_TO("organizations/foreign"));
    }
    by_key(BOT, "all", "", "");
    FX_OK(&fx, CHILD_TO("organizations/foreign"));
    move_by_admin("child", "acme");
    FX_OK(&fx, "DeleteRoleBinding", "{'name':'organizations/foreign/roleBindings/ann'}");

    as(M);
    const struct pt_request_context context = {.caller = fx.caller, .time_ns = fx.time_ns, .uid_hi = 1, .uid_lo = 2};
    const struct pt_method_type *method = fx_method(&fx, "UpdateOrganization");
    const char *json = "{\"organization\":{\"name\":\"organizations/child\",\"parentOrganization\":"
                       "\"organizations/foreign\"}}";
    struct pt_msg *request = NULL;
    ck_assert_int_eq(pt_json_read(fx.schema, method->input, json, strlen(json), &fx.arena, &request, NULL), PT_OK);
    PT_AUTO(buf) struct pt_buf command = {0};
    PT_AUTO(buf) struct pt_buf reply = {0};
    bool answered = false;
    ck_assert_int_eq(pt_kind_prepare(fx.machine, method, request, &context, &command, &answered, &reply, NULL), PT_OK);
    set_binding("organizations/foreign", "ann", "roles/viewer", "spiffe://c/user/ann", "");
    uint64_t records = fx.machine->audit_sequence;
    ck_assert_int_eq(fx_apply(&fx, pt_buf_bytes(&command)), level >= 3 ? PT_PERMISSION_DENIED : PT_OK);
    ck_assert_uint_eq(fx.machine->audit_sequence, records + 1); /* on record either way */
}
END_TEST

START_TEST(conditions_are_on_labels_time_and_source)
{
    as_admin();
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'" ACME "/sites/nyc','labels':{'team':'a'}}}");
    FX_OK(&fx, "CreateRoleBinding",
          "{'parent':'" ACME "','roleBindingId':'c','roleBinding':{'role':'roles/operator','members':['" BOT
          "'],'condition':{'labels':{'team':'a'},'notAfter':'2023-11-15T00:00:00Z','sourcePrefixes':['192.0.2.0/24']}}"
          "}");
    as(BOT);
    FX_OK(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}");
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'" ACME "/sites/nyc','region':'r'}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "GetSite", "{'name':'" ACME "/sites/sfo'}");
    FX_OK(&fx, "ListSites", "{'parent':'" ACME "'}");
    ck_assert_uint_eq(pt_msg_field(fx.reply, "sites")->len, 1);
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "CreateSite",
            "{'parent':'" ACME "','siteId':'x','site':{'labels':{'team':'b'}}}");
    FX_OK(&fx, "CreateSite", "{'parent':'" ACME "','siteId':'x','site':{'labels':{'team':'a'}}}");
    /* Neither out of what the condition covers, nor into it. */
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "UpdateSite",
            "{'site':{'name':'" ACME "/sites/x','labels':{'team':'b'}}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "UpdateSite",
            "{'site':{'name':'" ACME "/sites/sfo','labels':{'team':'a'}}}");
    /* What is conditional is not given on without condition. */
    fx.caller.source = "198.51.100.1";
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "GetSite", "{'name':'" ACME "/sites/nyc'}");
    fx.caller.source = "192.0.2.9";
    fx.time_ns += 86400LL * 1000000000;
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "UpdateSite",
            "{'site':{'name':'" ACME "/sites/nyc','region':'q'}}");
}
END_TEST

/* Each condition alone, and each of its words: what fails is the condition and nothing else. */
START_TEST(each_condition_counts_alone)
{
    static const struct {
        const char *condition;
        const char *source;
        int64_t after_s; /* of the call */
        bool holds;
    } rows[] = {
        {"'labels':{'team':'a'}", "192.0.2.9", 0, true},
        {"'labels':{'team':'b'}", "192.0.2.9", 0, false},
        {"'labels':{'team':'a','tier':'gold'}", "192.0.2.9", 0, false}, /* all of them */
        {"'labels':{'TEAM':'a'}", "192.0.2.9", 0, false},
        {"'notBefore':'2023-11-14T22:13:30Z'", "192.0.2.9", 9, false}, /* the clock starts at 22:13:20 */
        {"'notBefore':'2023-11-14T22:13:30Z'", "192.0.2.9", 10, true},
        {"'notAfter':'2023-11-14T22:13:30Z'", "192.0.2.9", 9, true},
        {"'notAfter':'2023-11-14T22:13:30Z'", "192.0.2.9", 10, false},
        {"'sourcePrefixes':['192.0.2.0/25']", "192.0.2.127", 0, true},
        {"'sourcePrefixes':['192.0.2.0/25']", "192.0.2.128", 0, false},
        {"'sourcePrefixes':['198.51.100.0/24','2001:db8::/32']", "2001:db8::7", 0, true}, /* one of them */
        {"'sourcePrefixes':['2001:db8::/32']", "192.0.2.9", 0, false},
        {"'sourcePrefixes':['192.0.2.0/24']", "::ffff:192.0.2.9", 0, true}, /* the same address */
        {"'sourcePrefixes':['0.0.0.0/0']", "", 0, false},                   /* whence is not known */
    };
    as_admin();
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'" ACME "/sites/nyc','labels':{'team':'a'}}}");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        as_admin();
        FX_OK(&fx, "UpdateRoleBinding",
              "{'roleBinding':{'name':'" ACME "/roleBindings/c','role':'roles/viewer','members':['" BOT
              "'],'condition':{%s}},'updateMask':'role,members,condition','allowMissing':true}",
              rows[i].condition);
        as(BOT);
        fx.caller.source = rows[i].source;
        int64_t now = fx.time_ns;
        fx.time_ns = now + rows[i].after_s * 1000000000;
        enum pt_code code = fx_call(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}");
        fx.time_ns = now; /* reads leave no time in the state */
        ck_assert_msg((code == PT_OK) == rows[i].holds, "%s from %s after %d s: %s", rows[i].condition, rows[i].source,
                      (int)rows[i].after_s, pt_code_name(code));
    }
}
END_TEST

START_TEST(what_is_revoked_is_refused_at_once)
{
    bind(ACME, "roles/operator");
    as_admin();
    FX_OK(&fx, "UpdateServiceAccount", "{'serviceAccount':{'name':'" BOT "','disabled':true}}");
    as(BOT);
    ck_assert_int_eq(fx_call(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}"), PT_UNAUTHENTICATED);
    as_admin();
    FX_OK(&fx, "UpdateServiceAccount",
          "{'serviceAccount':{'name':'" BOT "','disabled':false},'updateMask':'disabled'}");
    FX_OK(&fx, "CreateDeniedIdentity", "{'deniedIdentityId':'d','deniedIdentity':{'identity':'" BOT "'}}");
    as(BOT);
    ck_assert_int_eq(fx_call(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}"), PT_UNAUTHENTICATED);
    ck_assert_int_eq(fx.error.reason, PT_REASON_IDENTITY_REVOKED);
    as_admin();
    FX_OK(&fx, "DeleteDeniedIdentity", "{'name':'deniedIdentities/d'}");
    as(BOT);
    FX_OK(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}");
    as_admin();
    FX_OK(&fx, "DeleteRoleBinding", "{'name':'" ACME "/roleBindings/bot'}");
    as(BOT);
    same_answer("GetSite", "{'name':'" ACME "/sites/nyc'}", "acme", "none");
    as_admin(); /* a certificate too */
    FX_OK(&fx, "CreateDeniedIdentity", "{'deniedIdentityId':'e','deniedIdentity':{'identity':'spiffe://c/admin/eve'}}");
    as("spiffe://c/admin/eve");
    ck_assert_int_eq(fx_call(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}"), PT_UNAUTHENTICATED);
    ck_assert_int_eq(fx_call(&fx, "CreateOrganization", "{'organizationId':'evil'}"), PT_UNAUTHENTICATED);
}
END_TEST

/* Two people deny the same identity; one takes it back, or his ends: the other's word stands, also after a restart. */
START_TEST(who_is_denied_twice_stays_denied)
{
    bind(ACME, "roles/viewer");
    for (unsigned restart = 0; restart < 2; restart++) {
        for (unsigned gone = 0; gone < 2; gone++) { /* the earlier one, then the later one */
            as_admin();
            FX_OK(&fx, "CreateDeniedIdentity", "{'deniedIdentityId':'d0','deniedIdentity':{'identity':'" BOT "'}}");
            FX_OK(&fx, "CreateDeniedIdentity",
                  "{'deniedIdentityId':'d1','deniedIdentity':{'identity':'" BOT
                  "','expireTime':'2023-11-14T22:13:19Z'}}"); /* over already: it denies nothing, and hides nothing */
            FX_OK(&fx, "CreateDeniedIdentity", "{'deniedIdentityId':'d2','deniedIdentity':{'identity':'" BOT "'}}");
            FX_OK(&fx, "DeleteDeniedIdentity", "{'name':'deniedIdentities/d%u'}", gone * 2);
            if (restart == 1) {
                fx_reopen(&fx);
            }
            as(BOT);
            ck_assert_int_eq(fx_call(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}"), PT_UNAUTHENTICATED);
            as_admin();
            FX_OK(&fx, "DeleteDeniedIdentity", "{'name':'deniedIdentities/d%u'}", 2 - gone * 2);
            as(BOT);
            FX_OK(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}");
            as_admin();
            FX_OK(&fx, "DeleteDeniedIdentity", "{'name':'deniedIdentities/d1'}");
        }
    }
}
END_TEST

/* A denial and a key end at their second, by the state's time: a controller whose clock lags behind it does not bring
 * back what was over. */
START_TEST(ends_are_to_the_second_by_the_states_time)
{
    bind(ACME, "roles/viewer");
    by_key(BOT, "k", "", "2023-11-14T22:13:25Z");
    as_admin();
    FX_OK(&fx, "CreateDeniedIdentity",
          "{'deniedIdentityId':'d','deniedIdentity':{'identity':'" BOT "','expireTime':'2023-11-14T22:13:22Z'}}");
    static const struct {
        int64_t after_s;
        enum pt_code code;
    } rows[] = {{1, PT_UNAUTHENTICATED}, {2, PT_OK}, {4, PT_OK}, {5, PT_UNAUTHENTICATED}, {6, PT_UNAUTHENTICATED}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        as(BOT);
        fx.caller.api_key = BOT "/apiKeys/k";
        fx.time_ns = FX_TIME_NS + rows[i].after_s * 1000000000;
        ck_assert_int_eq(fx_call(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}"), rows[i].code);
    }
    as_admin();
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'" ACME "/sites/nyc','region':'r'}}"); /* at six seconds */
    as(BOT);
    fx.caller.api_key = BOT "/apiKeys/k";
    fx.time_ns = FX_TIME_NS + 4000000000;
    ck_assert_int_eq(fx_call(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}"), PT_UNAUTHENTICATED);
    ck_assert_int_eq(pt_kind_authenticate(fx.machine, &fx.caller, fx.time_ns, &fx.error), PT_UNAUTHENTICATED);
}
END_TEST

/* Of more conditional bindings than count, the same ones count on a node that was started anew: a verdict of the state
 * that depended on it would part the nodes. */
START_TEST(which_conditional_bindings_count_is_the_states_word)
{
    for (unsigned i = 70; i-- > 0;) { /* the names fall as time goes on */
        as_admin();
        FX_OK(&fx, "CreateRoleBinding",
              "{'parent':'" ACME "','roleBindingId':'c%02u','roleBinding':{'role':'roles/operator','members':['" BOT
              "'],'condition':{'sourcePrefixes':['192.0.2.%u/32']}}}",
              i, i);
    }
    bool could[70];
    for (unsigned restart = 0; restart < 2; restart++) {
        unsigned len = 0;
        for (unsigned i = 0; i < 70; i++) {
            char source[20];
            as(BOT);
            (void)snprintf(source, sizeof(source), "192.0.2.%u", i);
            fx.caller.source = source;
            bool can = fx_call(&fx, "UpdateSite", "{'site':{'name':'" ACME "/sites/nyc','region':'r%u'}}", i) == PT_OK;
            ck_assert_msg(restart == 0 || can == could[i], "binding %u counts before a restart and not after it", i);
            could[i] = can;
            len += can;
        }
        ck_assert_uint_eq(len, 64);
        fx_reopen(&fx);
    }
}
END_TEST

/* The leader's check passed, then the binding went: the entry that was under way is refused by the state. */
START_TEST(the_state_machine_asks_again)
{
    bind(ACME, "roles/operator");
    const struct pt_request_context context = {.caller = fx.caller, .time_ns = fx.time_ns, .uid_hi = 1, .uid_lo = 2};
    const struct pt_method_type *method = fx_method(&fx, "CreateSite");
    const char *json = "{\"parent\":\"" ACME "\",\"siteId\":\"late\",\"site\":{}}";
    struct pt_msg *request = NULL;
    ck_assert_int_eq(pt_json_read(fx.schema, method->input, json, strlen(json), &fx.arena, &request, NULL), PT_OK);
    PT_AUTO(buf) struct pt_buf command = {0};
    PT_AUTO(buf) struct pt_buf reply = {0};
    bool answered = false;
    ck_assert_int_eq(pt_kind_prepare(fx.machine, method, request, &context, &command, &answered, &reply, NULL), PT_OK);
    as_admin();
    FX_OK(&fx, "DeleteRoleBinding", "{'name':'" ACME "/roleBindings/bot'}");
    uint64_t count = 0;
    ck_assert_int_eq(pt_store_count(pt_kind_store(fx.machine), 0, "", &count, NULL), PT_OK);
    uint64_t records = fx.machine->audit_sequence;
    ck_assert_int_eq(fx_apply(&fx, pt_buf_bytes(&command)), PT_NOT_FOUND);
    uint64_t left = 0;
    ck_assert_int_eq(pt_store_count(pt_kind_store(fx.machine), 0, "", &left, NULL), PT_OK);
    ck_assert_uint_eq(left, count);
    ck_assert_uint_eq(fx.machine->audit_sequence, records + 1); /* and it is on record */
}
END_TEST

START_TEST(groups_and_cluster_bindings_count)
{
    as_admin();
    FX_OK(&fx, "CreateIdentityProvider",
          "{'parent':'" ACME "','identityProviderId':'idp','identityProvider':{'issuer':'https://id.example',"
          "'audiences':['patronus']}}");
    FX_OK(&fx, "CreateRoleBinding",
          "{'parent':'" ACME "','roleBindingId':'g','roleBinding':{'role':'roles/viewer','members':['" ACME
          "/identityProviders/idp/groups/ops']}}");
    static const char *const groups[] = {ACME "/identityProviders/idp/groups/ops"};
    as(ACME "/identityProviders/idp/users/ann");
    ck_assert_int_eq(fx_call(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}"), PT_NOT_FOUND);
    fx.caller.groups = groups;
    fx.caller.groups_len = 1;
    FX_OK(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}");
    static const char *const several[] = {ACME "/identityProviders/idp/groups/none",
                                          ACME "/identityProviders/idp/groups/ops"};
    fx.caller.groups = several; /* each of them */
    fx.caller.groups_len = 2;
    FX_OK(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}");
    as(ACME "/identityProviders/none/users/ann"); /* a provider that is not there speaks for nobody */
    ck_assert_int_eq(fx_call(&fx, "GetSite", "{'name':'" ACME "/sites/nyc'}"), PT_UNAUTHENTICATED);
    as("spiffe://c/user/op");
    ck_assert_int_eq(fx_call(&fx, "ListControllers", "{}"), PT_PERMISSION_DENIED);
    as_admin();
    FX_OK(&fx, "CreateClusterRoleBinding",
          "{'clusterRoleBindingId':'op','clusterRoleBinding':{'role':'roles/operator','members':['spiffe://c/user/op']"
          "}}");
    as("spiffe://c/user/op");
    FX_OK(&fx, "ListControllers", "{}");
    FX_OK(&fx, "CreateSite", "{'parent':'organizations/foreign','siteId':'x','site':{}}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "CreateOrganization",
            "{'organizationId':'mine'}");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "CreateClusterRoleBinding",
            "{'clusterRoleBindingId':'x','clusterRoleBinding':{'role':'roles/admin','members':['spiffe://c/user/op']}"
            "}");
}
END_TEST

/* A token stands at the top level but belongs to the organization of its edge. */
START_TEST(enrollment_tokens_are_of_their_edges_organization)
{
#define TOKEN(edge)                                                                                                    \
    "{'enrollmentTokenId':'t','enrollmentToken':{'role':'edge','edge':'" edge "','expireTime':'2023-11-14T22:20:00Z'," \
    "'secretDigest':'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}}"
    as_admin();
    FX_OK(&fx, "CreateEdge", "{'parent':'organizations/foreign/sites/s','edgeId':'e','edge':{}}");
    bind(ACME, "roles/operator");
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "CreateEnrollmentToken",
            TOKEN("organizations/foreign/sites/s/edges/e"));
    FX_OK(&fx, "CreateEnrollmentToken", TOKEN(ACME "/sites/nyc/edges/e1"));
    FX_OK(&fx, "GetEnrollmentToken", "{'name':'enrollmentTokens/t'}");
    as_admin();
    bind("organizations/foreign", "roles/operator");
    as_admin();
    FX_OK(&fx, "DeleteRoleBinding", "{'name':'" ACME "/roleBindings/bot'}");
    as(BOT);
    same_answer("GetEnrollmentToken", "{'name':'enrollmentTokens/t'}", "enrollmentTokens/t", "enrollmentTokens/none");
    FX_OK(&fx, "ListEnrollmentTokens", "{}");
    ck_assert(!pt_msg_has(fx.reply, "enrollment_tokens"));
    FX_FAIL(&fx, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "", "DeleteEnrollmentToken",
            "{'name':'enrollmentTokens/t'}");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kind/access");
    TCase *tests = tcase_create("access");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, without_a_binding_nothing_exists);
    tcase_add_test(tests, roles_hold_where_bound_and_below);
    tcase_add_test(tests, limits_and_place_are_the_matter_of_whoever_is_above);
    tcase_add_test(tests, nobody_gives_what_he_does_not_hold);
    tcase_add_test(tests, a_key_is_what_its_account_made_it);
    tcase_add_test(tests, what_is_inherited_ends_with_a_move);
    tcase_add_loop_test(tests, a_move_gives_nothing_that_the_mover_lacks, 1, PT_CLUSTER_LEVEL_MAX + 1);
    tcase_add_loop_test(tests, a_move_gives_nothing_to_who_has_it_already, 1, PT_CLUSTER_LEVEL_MAX + 1);
    tcase_add_loop_test(tests, a_move_wakes_no_binding_whose_role_the_mover_lacks, 1, PT_CLUSTER_LEVEL_MAX + 1);
    tcase_add_loop_test(tests, a_move_is_asked_of_the_key_and_again_by_the_state, 1, PT_CLUSTER_LEVEL_MAX + 1);
    tcase_add_test(tests, conditions_are_on_labels_time_and_source);
    tcase_add_test(tests, each_condition_counts_alone);
    tcase_add_test(tests, what_is_revoked_is_refused_at_once);
    tcase_add_test(tests, who_is_denied_twice_stays_denied);
    tcase_add_test(tests, ends_are_to_the_second_by_the_states_time);
    tcase_add_test(tests, which_conditional_bindings_count_is_the_states_word);
    tcase_add_test(tests, the_state_machine_asks_again);
    tcase_add_test(tests, groups_and_cluster_bindings_count);
    tcase_add_test(tests, enrollment_tokens_are_of_their_edges_organization);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
