/*
 * What tests of access share: organizations, who calls, what binds him, and answers that are alike.
 *
 *   root - acme (the world of the fixture)      foreign
 *           '- child
 */
#pragma once

#include "fixture.h"

#include "kind/machine.h"

#define ACME "organizations/acme"
#define BOT ACME "/serviceAccounts/bot"

static struct fixture fx;

static UNUSED void as(const char *principal)
{
    fx.caller = (struct pt_caller){.principal = principal, .api_key = "", .source = "192.0.2.9"};
}

static UNUSED void as_admin(void)
{
    fx.caller = FX_ADMIN;
}

static UNUSED void bind(const char *where, const char *role)
{
    as_admin();
    FX_OK(&fx, "UpdateRoleBinding",
          "{'roleBinding':{'name':'%s/roleBindings/bot','role':'%s','members':['" BOT "']},"
          "'allowMissing':true}",
          where, role);
    as(BOT);
}

static UNUSED void setup_level(uint32_t level)
{
    fx_init_level(&fx, level);
    fx_world(&fx);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'child','organization':{'parentOrganization':'" ACME "'}}");
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'foreign'}");
    FX_OK(&fx, "CreateSite", "{'parent':'organizations/foreign','siteId':'s','site':{}}");
    FX_OK(&fx, "CreateSite", "{'parent':'organizations/child','siteId':'s','site':{}}");
    FX_OK(&fx, "CreateServiceAccount", "{'parent':'" ACME "','serviceAccountId':'bot'}");
}

static UNUSED void setup(void)
{
    setup_level(PT_CLUSTER_LEVEL_MAX);
}

static UNUSED void teardown(void)
{
    fx_fini(&fx);
}

/* Code, reason, field and text of a call. */
struct outcome {
    enum pt_code code;
    struct pt_error error;
};

static UNUSED struct outcome outcome_of(const char *method, const char *json)
{
    struct outcome outcome = {.code = fx_call(&fx, method, "%s", json)};
    outcome.error = fx.error;
    return outcome;
}

/* The same call with one word in the place of another must be answered in the same words. */
static UNUSED void same_answer(const char *method, const char *json, const char *there, const char *nowhere)
{
    struct pt_digest before = fx_digest(&fx);
    char other[1024];
    const char *at = strstr(json, there);
    ck_assert_ptr_nonnull(at);
    (void)snprintf(other, sizeof(other), "%.*s%s%s", (int)(at - json), json, nowhere, at + strlen(there));
    struct outcome a = outcome_of(method, json);
    struct outcome b = outcome_of(method, other);
    ck_assert_int_ne(a.code, PT_OK);
    ck_assert_int_eq(a.code, b.code);
    ck_assert_int_eq(a.error.reason, b.error.reason);
    ck_assert_str_eq(a.error.field, b.error.field);
    char expected[PT_ERROR_TEXT_SIZE + 64];
    at = strstr(b.error.text, nowhere);
    ck_assert_msg(at != NULL, "%s", b.error.text);
    (void)snprintf(expected, sizeof(expected), "%.*s%s%s", (int)(at - b.error.text), b.error.text, there,
                   at + strlen(nowhere));
    ck_assert_str_eq(a.error.text, expected);
    struct pt_digest after = fx_digest(&fx);
    ck_assert(pt_digest_equal(&before, &after));
}

/* The account bot, by a key of his with these scopes ("" for all), which ends with this time ("" for never). */
static UNUSED void by_key(const char *account, const char *id, const char *scopes, const char *expires)
{
    struct pt_digest digest = pt_sha256(id, strlen(id));
    char hex[65];
    as_admin();
    FX_OK(&fx, "UpdateApiKey", "{'apiKey':{'name':'%s/apiKeys/%s','secretHmac':'%s'%s%s%s%s%s%s},'allowMissing':true}",
          account, id, pt_digest_hex(&digest, hex), scopes[0] != '\0' ? ",'scopes':[" : "", scopes,
          scopes[0] != '\0' ? "]" : "", expires[0] != '\0' ? ",'expireTime':'" : "", expires,
          expires[0] != '\0' ? "'" : "");
    as(BOT);
    fx.caller.api_key = pt_arena_printf(&fx.arena, "%s/apiKeys/%s", account, id);
}

#define M "spiffe://c/user/m"

/* By an admin: who has which role where, by a binding of that id. */
static UNUSED void set_binding(const char *where, const char *id, const char *role, const char *member,
                               const char *condition)
{
    as_admin();
    FX_OK(&fx, "UpdateRoleBinding",
          "{'roleBinding':{'name':'%s/roleBindings/%s','role':'%s','members':['%s']%s},'allowMissing':true}", where, id,
          role, member, condition);
}

static UNUSED void move_by_admin(const char *id, const char *to)
{
    as_admin();
    FX_OK(&fx, "UpdateOrganization",
          "{'organization':{'name':'organizations/%s','parentOrganization':'organizations/%s'}}", id, to);
}
