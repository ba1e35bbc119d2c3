/*
 * The access matrix: every method of the schema x role x place of the resource x credential, against a table that is
 * written apart from the schema (matrix.def). An answer counts as allowed unless it was refused for want of a right,
 * whatever words the refusal used. Nothing is changed: mutations are asked with validate_only.
 *
 *   up - own - down      other      (none: an organization that does not exist)
 *         '- who calls is bound here
 */
#include "fixture.h"

#include "kind/machine.h"

static struct fixture fx;

static const struct row {
    const char *method, *roles;
    char scope;
} rows[] = {
#define ROW(method, roles, scope) {method, roles, scope},
#include "matrix.def"
#undef ROW
};

static const char *const roles[] = {"none", "viewer", "operator", "developer", "admin", "custom"};
enum place { OWN, CHILD, PARENT, FOREIGN, NOWHERE, PLACES };
static const char *const places[PLACES] = {"own", "down", "up", "other", "none"};
enum credential {
    KEY,
    GROUP,
    CERTIFICATE, /* up to here good */
    NARROW_KEY,  /* good, but its scopes leave nothing */
    DISABLED_KEY,
    EXPIRED_KEY,
    STRANGERS_KEY,
    DISABLED_ACCOUNT,
    DENIED_ACCOUNT,
    DENIED_CERTIFICATE,
    LOST_PROVIDER,
    NOBODY,
    NODE,
    OTHER_ADMINS_NAME,
    CREDENTIALS
};

#define OWNER "organizations/own"

static PT_PRINTF(1, 2) const char *text(const char *format, ...)
{
    static char ring[16][256];
    static unsigned at;
    char *out = ring[at++ % 16];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(out, sizeof(ring[0]), format, args);
    va_end(args);
    return out;
}

static void make_accounts(const char *role)
{
    const char *bound = strcmp(role, "custom") == 0 ? OWNER "/roles/custom" : text("roles/%s", role);
    static const char *const kinds[] = {"good", "off", "denied"};
    for (unsigned i = 0; i < 3; i++) {
        FX_OK(&fx, "CreateServiceAccount", "{'parent':'" OWNER "','serviceAccountId':'%s-%s'}", kinds[i], role);
    }
    FX_OK(&fx, "UpdateServiceAccount", "{'serviceAccount':{'name':'" OWNER "/serviceAccounts/off-%s','disabled':true}}",
          role);
    FX_OK(&fx, "CreateDeniedIdentity",
          "{'deniedIdentityId':'a-%s','deniedIdentity':{'identity':'" OWNER "/serviceAccounts/denied-%s'}}", role,
          role);
    FX_OK(&fx, "CreateDeniedIdentity",
          "{'deniedIdentityId':'c-%s','deniedIdentity':{'identity':'spiffe://c/user/denied-%s'}}", role, role);
    static const char *const keys[][2] = {{"k", ""},
                                          {"narrow", ",'scopes':['gone.get']"},
                                          {"off", ",'disabled':true"},
                                          {"old", ",'expireTime':'2001-01-01T00:00:00Z'"}};
    for (unsigned i = 0; i < 4; i++) {
        struct pt_digest digest = pt_sha256(text("%s %s", role, keys[i][0]), strlen(role) + strlen(keys[i][0]) + 1);
        char hex[65];
        FX_OK(&fx, "UpdateApiKey",
              "{'apiKey':{'name':'" OWNER "/serviceAccounts/good-%s/apiKeys/%s','secretHmac':'%s'%s},"
              "'allowMissing':true}",
              role, keys[i][0], pt_digest_hex(&digest, hex), keys[i][1]);
    }
    if (strcmp(role, "none") != 0) {
        FX_OK(&fx, "CreateRoleBinding",
              "{'parent':'" OWNER "','roleBindingId':'b-%s','roleBinding':{'role':'%s','members':['" OWNER
              "/serviceAccounts/good-%s','" OWNER "/serviceAccounts/off-%s','" OWNER
              "/serviceAccounts/denied-%s','spiffe://c/user/%s','spiffe://c/user/denied-%s','" OWNER
              "/identityProviders/idp/groups/%s','" OWNER "/identityProviders/lost/groups/%s']}}",
              role, bound, role, role, role, role, role, role, role);
    }
}

static void make_place(const char *organization, const char *parent)
{
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'%s','organization':{%s%s%s}}", organization,
          parent[0] != '\0' ? "'parentOrganization':'organizations/" : "", parent, parent[0] != '\0' ? "'" : "");
    FX_OK(&fx, "CreateSite", "{'parent':'organizations/%s','siteId':'i','site':{}}", organization);
    FX_OK(&fx, "CreateEdge", "{'parent':'organizations/%s/sites/i','edgeId':'i','edge':{}}", organization);
    FX_OK(&fx, "CreateEnrollmentToken",
          "{'enrollmentTokenId':'t-%s','enrollmentToken':{'role':'edge','edge':'organizations/%s/sites/i/edges/i',"
          "'expireTime':'2023-11-14T22:20:00Z','secretDigest':"
          "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}}",
          organization, organization);
    FX_OK(&fx, "CreateOrganization",
          "{'organizationId':'gone-%s','organization':{'parentOrganization':'organizations/%s'}}", organization,
          organization);
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/gone-%s'}", organization);
}

static void make_world(void)
{
    make_place("up", "");
    make_place("own", "up");
    make_place("down", "own");
    make_place("other", "");
    FX_OK(&fx, "CreateIdentityProvider",
          "{'parent':'" OWNER "','identityProviderId':'idp','identityProvider':{'issuer':'https://id.example',"
          "'audiences':['patronus']}}");
    FX_OK(&fx, "CreateRole",
          "{'parent':'" OWNER "','roleId':'custom','role':{'permissions':['sites.get','sites.list']}}");
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        make_accounts(roles[i]);
    }
}

/* ---- requests ------------------------------------------------------------------------------------------------- */

/* A name of the kind in the place: its pattern with the organization first and "i" for the rest. */
static const char *name_of(const struct pt_message_type *kind, enum place place)
{
    if (strcmp(kind->resource->singular, "enrollmentToken") == 0) {
        return text("enrollmentTokens/t-%s", places[place]);
    }
    PT_AUTO(buf) struct pt_buf name = {0};
    bool first = strncmp(kind->resource->pattern, "organizations/", 14) == 0;
    for (const char *c = kind->resource->pattern; *c != '\0'; c++) {
        if (*c == '{') {
            pt_buf_append_str(&name, first ? places[place] : "i");
            first = false;
            c = strchr(c, '}');
        } else {
            pt_buf_append_u8(&name, (uint8_t)*c);
        }
    }
    return pt_arena_strndup(&fx.arena, (const char *)name.data, name.size);
}

static struct pt_msg *body_of(const struct pt_method_type *method, enum place place)
{
    struct pt_msg *body = pt_msg_new(&fx.arena, method->kind);
    const char *singular = method->kind->resource->singular;
    if (method->verb == PT_VERB_UPDATE) {
        pt_msg_set_str(body, &fx.arena, "name", name_of(method->kind, place));
        pt_msg_set_str(body, &fx.arena, "display_name", "x");
    } else if (strcmp(singular, "organization") == 0) {
        pt_msg_set_str(body, &fx.arena, "parent_organization", text("organizations/%s", places[place]));
    } else if (strcmp(singular, "enrollmentToken") == 0) {
        pt_msg_set_str(body, &fx.arena, "edge", text("organizations/%s/sites/i/edges/i", places[place]));
    }
    return body;
}

static struct pt_msg *request_of(const struct pt_method_type *method, enum place place)
{
    struct pt_msg *request = pt_msg_new(&fx.arena, method->input);
    if (method->kind == NULL) {
        if (method->scope[0] != '\0') {
            const struct pt_message_type *site = pt_schema_kind(fx.schema, "site");
            pt_msg_set_str(request, &fx.arena, method->scope,
                           strcmp(method->scope, "parent") == 0 ? text("organizations/%s", places[place])
                                                                : name_of(site, place));
        }
        return request;
    }
    const struct pt_message_type *parent = method->kind->resource->parent_kind;
    if ((method->verb == PT_VERB_CREATE || method->verb == PT_VERB_LIST) && parent != NULL) {
        pt_msg_set_str(request, &fx.arena, "parent", name_of(parent, place));
    }
    for (size_t i = 0; i < method->input->fields_len; i++) {
        const struct pt_field_type *field = &method->input->fields[i];
        size_t size = strlen(field->name);
        if (field->message == method->kind) {
            pt_msg_set_child(request, &fx.arena, field->name, body_of(method, place));
        } else if (strcmp(field->name, "validate_only") == 0) {
            pt_msg_set_bool(request, &fx.arena, "validate_only", true);
        } else if (strcmp(field->name, "name") == 0) {
            pt_msg_set_str(request, &fx.arena, "name",
                           method->verb == PT_VERB_UNDELETE ? text("organizations/gone-%s", places[place])
                                                            : name_of(method->kind, place));
        } else if (size > 3 && strcmp(field->name + size - 3, "_id") == 0 && strcmp(field->name, "request_id") != 0) {
            pt_msg_set_str(request, &fx.arena, field->name, "new");
        }
    }
    return request;
}

/* ---- callers -------------------------------------------------------------------------------------------------- */

static void become(const char *role, enum credential credential)
{
    static const char *group;
    fx.caller = (struct pt_caller){.principal = "anonymous", .api_key = "", .source = "192.0.2.1"};
    const char *good = text(OWNER "/serviceAccounts/good-%s", role);
    static const char *const keys[CREDENTIALS] = {
        [KEY] = "k", [NARROW_KEY] = "narrow", [DISABLED_KEY] = "off", [EXPIRED_KEY] = "old"};
    if (keys[credential] != NULL) {
        fx.caller.principal = good;
        fx.caller.api_key = text("%s/apiKeys/%s", good, keys[credential]);
    } else if (credential == STRANGERS_KEY) { /* a key that speaks for somebody else */
        fx.caller.principal = good;
        fx.caller.api_key = text(OWNER "/serviceAccounts/off-%s/apiKeys/%s", role, "k");
    } else if (credential == DISABLED_ACCOUNT || credential == DENIED_ACCOUNT) {
        fx.caller.principal =
            text(OWNER "/serviceAccounts/%s-%s", credential == DENIED_ACCOUNT ? "denied" : "off", role);
    } else if (credential == CERTIFICATE || credential == DENIED_CERTIFICATE) {
        fx.caller.principal = text("spiffe://c/user/%s%s", credential == CERTIFICATE ? "" : "denied-", role);
    } else if (credential == GROUP || credential == LOST_PROVIDER) {
        const char *provider = credential == GROUP ? "idp" : "lost";
        fx.caller.principal = text(OWNER "/identityProviders/%s/users/ann", provider);
        group = text(OWNER "/identityProviders/%s/groups/%s", provider, role);
        fx.caller.groups = &group;
        fx.caller.groups_len = 1;
    } else if (credential == NODE) {
        fx.caller.principal = "spiffe://c/edge/organizations/own/sites/i/edges/i";
    } else if (credential == OTHER_ADMINS_NAME) { /* nearly an admin's */
        fx.caller.principal = "spiffe://c/administrator/root";
    }
}

static bool asked(const struct pt_method_type *method, const struct pt_msg *request)
{
    fx.error = (struct pt_error){0};
    PT_AUTO(buf) struct pt_buf command = {0};
    PT_AUTO(buf) struct pt_buf reply = {0};
    pt_kind_now(fx.machine, fx.time_ns);
    enum pt_code code;
    if (method->kind == NULL) {
        code = pt_kind_permit(fx.machine, &fx.caller, method, request, fx.time_ns, &fx.error);
    } else if (method->verb == PT_VERB_GET || method->verb == PT_VERB_LIST) {
        code = pt_kind_read(fx.machine, &fx.caller, method, request, NULL, &reply, &fx.error);
    } else {
        const struct pt_request_context context = {
            .caller = fx.caller, .time_ns = fx.time_ns, .uid_hi = 1, .uid_lo = 1};
        bool answered = false;
        struct pt_msg *copy = pt_msg_dup(request, &fx.arena);
        code = pt_kind_prepare(fx.machine, method, copy, &context, &command, &answered, &reply, &fx.error);
    }
    return code == PT_OK || !fx.error.denied;
}

static bool expected(const struct row *row, const char *role, enum place place, enum credential credential)
{
    if (credential > NARROW_KEY && !(credential == NODE || credential == OTHER_ADMINS_NAME)) {
        return false;
    }
    if (row->scope == 'A') {
        return true; /* nodes do not get as far: serve's doors */
    }
    if (credential > CERTIFICATE) {
        return false;
    }
    bool below = place == OWN || place == CHILD;
    bool here = row->scope == 'T' ? below : row->scope == 'P' ? place == CHILD : false;
    bool custom = strcmp(role, "custom") == 0 && (strstr(row->method, "/GetSite") || strstr(row->method, "/ListSites"));
    bool builtin = strcmp(role, "none") != 0 && strcmp(role, "custom") != 0 &&
                   (strcmp(role, "admin") == 0 || strchr(row->roles, role[0]) != NULL);
    return here && (builtin || custom);
}

static const struct row *row_of(const char *path)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].method, path) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

START_TEST(nobody_may_what_the_matrix_does_not_say)
{
    fx_init(&fx);
    make_world();
    size_t len = 0, cases = 0, allows = 0, denies = 0, seen = 0;
    const struct pt_method_type *const *methods = pt_schema_methods(fx.schema, &len);
    struct pt_digest before = fx_digest(&fx);
    for (size_t i = 0; i < len; i++) {
        if (strncmp(methods[i]->path, "/patronus.v1.", 13) != 0) {
            continue; /* health and reflection */
        }
        const struct row *row = row_of(methods[i]->path);
        ck_assert_msg(row != NULL, "%s has no row in tests/unit/kind/matrix.def: say who may call it",
                      methods[i]->path);
        seen++;
        for (unsigned place = 0; place < PLACES && row->scope != 'X'; place++) {
            const struct pt_msg *request = request_of(methods[i], place);
            bool view = methods[i]->kind != NULL && methods[i]->kind->resource->view;
            for (unsigned at = 0; at < CREDENTIALS * sizeof(roles) / sizeof(roles[0]); at++) {
                const char *role = roles[at / CREDENTIALS];
                enum credential credential = at % CREDENTIALS;
                become(role, credential);
                bool nobodys = place == NOWHERE && (strstr(row->method, "/GetEnrollmentToken") != NULL ||
                                                    strstr(row->method, "/UndeleteOrganization") != NULL);
                bool allowed = asked(methods[i], request);
                bool wanted = expected(row, role, place, credential);
                cases++;
                allows +=
                    allowed && !wanted && !nobodys; /* what does not exist, and is in no organization, is not found */
                denies += !allowed && wanted && !view;
                if (allowed != wanted && !nobodys && allows + denies < 20 && !(view && wanted)) {
                    printf("%s %s as %s by credential %u: %s (%s)\n", methods[i]->path, places[place], role, credential,
                           allowed ? "ALLOWED" : "denied", fx.error.text);
                }
            }
        }
    }
    struct pt_digest after = fx_digest(&fx);
    ck_assert(pt_digest_equal(&before, &after));
    ck_assert_uint_eq(seen, sizeof(rows) / sizeof(rows[0])); /* no row without a method */
    printf("figure matrix_cases %zu goal >=50000 %s\n", cases, cases >= 50000 ? "met" : "short");
    printf("figure matrix_allows %zu goal 0 %s\n", allows, allows == 0 ? "met" : "short");
    ck_assert_uint_eq(allows, 0);
    ck_assert_uint_eq(denies, 0);
    ck_assert_uint_ge(cases, 50000);
    fx_fini(&fx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kind/matrix");
    TCase *tests = tcase_create("matrix");
    tcase_set_timeout(tests, 110);
    tcase_add_test(tests, nobody_may_what_the_matrix_does_not_say);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
