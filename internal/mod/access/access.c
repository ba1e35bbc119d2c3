/*
 * Roles, bindings, identity providers and denied identities: what the schema cannot say of them.
 */
#include "mod/access/access.h"

#include "base/limits.h"

#include <ctype.h>
#include <string.h>

#define DEPTH_MAX 8
#define ORGANIZATIONS "organizations/"

/* ---- permissions ---------------------------------------------------------------------------------------------- */

/* "sites.update", "sites.*" or "watch". Whether it exists is not asked: a role may be older than a permission. */
static bool is_pattern(const char *text)
{
    size_t size = 0;
    while (isalpha((unsigned char)text[size])) {
        size++;
    }
    if (size == 0 || text[size] == '\0') {
        return size > 0;
    }
    if (text[size++] != '.') {
        return false;
    }
    if (strcmp(text + size, "*") == 0) {
        return true;
    }
    size_t from = size;
    while (isalpha((unsigned char)text[size])) {
        size++;
    }
    return size > from && text[size] == '\0';
}

static enum pt_code check_patterns(const struct pt_msg *msg, const char *field, struct pt_error *reterr)
{
    const struct pt_msg_field *patterns = pt_msg_field(msg, field);
    for (size_t i = 0; patterns != NULL && i < patterns->len; i++) {
        const char *pattern = (const char *)patterns->values[i].bytes.data;
        if (!is_pattern(pattern)) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, field,
                           "'%.100s' is no permission; write one as sites.update, or sites.* for all of a collection",
                           pattern);
        }
    }
    return PT_OK;
}

static enum pt_code role_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    (void)view;
    return change->after != NULL ? check_patterns(change->after, "permissions", reterr) : PT_OK;
}

static enum pt_code key_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    (void)view;
    return change->after != NULL ? check_patterns(change->after, "scopes", reterr) : PT_OK;
}

/* ---- bindings ------------------------------------------------------------------------------------------------- */

static size_t organization_size(const char *name)
{
    size_t prefix = sizeof(ORGANIZATIONS) - 1;
    return strncmp(name, ORGANIZATIONS, prefix) == 0 ? prefix + strcspn(name + prefix, "/") : 0;
}

/* A service account, a user or group of a provider, or a SPIFFE id. Whether it exists is not asked: nobody learns by a
 * binding what another organization has, and a user exists when he comes. */
static bool is_member(const char *member)
{
    size_t size = organization_size(member);
    if (size == 0) {
        return strncmp(member, "spiffe://", 9) == 0 && member[9] != '\0';
    }
    const char *rest = member + size;
    if (strncmp(rest, "/serviceAccounts/", 17) == 0) {
        return pt_id_valid(rest + 17);
    }
    if (strncmp(rest, "/identityProviders/", 19) != 0) {
        return false;
    }
    rest += 19;
    rest += strcspn(rest, "/");
    return (strncmp(rest, "/users/", 7) == 0 && rest[7] != '\0') ||
           (strncmp(rest, "/groups/", 8) == 0 && rest[8] != '\0');
}

static bool is_builtin(const char *role)
{
    static const char *const names[] = {"roles/viewer", "roles/operator", "roles/developer", "roles/admin"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(role, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Does the role stand in the organization of the binding, or above? */
static bool is_role_of(struct pt_view *view, const char *role, const char *binding)
{
    char owner[PT_NAME_SIZE_MAX + 1];
    char at[PT_NAME_SIZE_MAX + 1];
    size_t size = organization_size(binding);
    pt_name_parent(role, owner);
    memcpy(at, binding, size);
    at[size] = '\0';
    for (unsigned i = 0; i < DEPTH_MAX && at[0] != '\0'; i++) {
        if (strcmp(at, owner) == 0) {
            return pt_view_get(view, role) != NULL;
        }
        const struct pt_msg *organization = pt_view_get(view, at);
        const char *above = organization != NULL ? pt_msg_str(organization, "parent_organization") : "";
        size = strlen(above);
        memcpy(at, above, size + 1);
    }
    return false;
}

static enum pt_code binding_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    if (change->after == NULL) {
        return PT_OK;
    }
    const struct pt_msg_field *members = pt_msg_field(change->after, "members");
    for (size_t i = 0; members != NULL && i < members->len; i++) {
        const char *member = (const char *)members->values[i].bytes.data;
        if (!is_member(member)) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "members",
                           "'%.150s' names nobody; write organizations/X/serviceAccounts/Y, "
                           "organizations/X/identityProviders/Y/users/Z, .../groups/Z, or a SPIFFE id",
                           member);
        }
    }
    const char *role = pt_msg_str(change->after, "role");
    bool same = change->before != NULL && strcmp(role, pt_msg_str(change->before, "role")) == 0;
    if (!same && !is_builtin(role) && !is_role_of(view, role, change->name)) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_REFERENCE_NOT_FOUND, "role",
                       "there is no role '%.200s' here or above; write roles/viewer, roles/operator, roles/developer, "
                       "roles/admin, or the name of a role of this organization",
                       role);
    }
    return PT_OK;
}

/* ---- identity providers --------------------------------------------------------------------------------------- */

static bool is_url(const char *url)
{
    bool https = strncmp(url, "https://", 8) == 0;
    const char *host = https ? url + 8 : strncmp(url, "http://", 7) == 0 ? url + 7 : "";
    size_t size = strcspn(host, "/?#");
    /* No user and password, no query, no fragment: an issuer is compared letter by letter. */
    return size > 0 && memchr(host, '@', size) == NULL && strpbrk(url, "?# \t\r\n\\") == NULL;
}

static enum pt_code check_url(const struct pt_msg *msg, const char *field, struct pt_error *reterr)
{
    const char *url = pt_msg_str(msg, field);
    return url[0] == '\0' || is_url(url)
               ? PT_OK
               : pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, field,
                         "'%.150s' is no URL of an issuer; write https://HOST/PATH without query and fragment", url);
}

static enum pt_code provider_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    (void)view;
    if (change->after == NULL) {
        return PT_OK;
    }
    PT_TRY(check_url(change->after, "issuer", reterr));
    return check_url(change->after, "jwks_uri", reterr);
}

/* ---- the mod -------------------------------------------------------------------------------------------------- */

static const struct pt_kind role = {.message = "patronus.v1.Role", .check = role_check};
static const struct pt_kind binding = {.message = "patronus.v1.RoleBinding", .check = binding_check};
static const struct pt_kind cluster_binding = {.message = "patronus.v1.ClusterRoleBinding", .check = binding_check};
static const struct pt_kind key = {.message = "patronus.v1.ApiKey", .check = key_check};
static const struct pt_kind provider = {.message = "patronus.v1.IdentityProvider", .check = provider_check};
static const struct pt_kind *const kinds[] = {&role, &binding, &cluster_binding, &key, &provider, NULL};
static const char *const needs[] = {"tenancy", NULL};

const struct pt_mod pt_mod_access = {.name = "access", .needs = needs, .kinds = kinds};
