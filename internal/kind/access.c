/*
 * Access decisions. See access.h.
 *
 *   allowed = not denied, credential good, and a binding with the permission
 *             at the organization, above it, or of the cluster, whose condition holds
 *
 * What a principal holds at an organization is resolved to bits once: those without condition, and a short list of
 * bindings with one. The cache of that is dropped whole when anything changes, which is seldom beside reads.
 */
#include "kind/access.h"

#include "base/assert.h"
#include "base/limits.h"
#include "base/net.h"
#include "crypto/identity.h"
#include "kind/machine.h"
#include "patronus/v1/options.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LEN_MAX 8192
#define CACHE_KEY_SIZE 2048
#define CONDITIONAL_LEN_MAX 64 /* bindings with a condition that count for one principal at one organization */

enum object_type { OBJECT_ROLE, OBJECT_BINDING, OBJECT_ACCOUNT, OBJECT_KEY, OBJECT_PROVIDER, OBJECT_DENIED };

/* One resource that decides. Strings and message in its arena. */
struct access_object {
    struct pt_arena arena;
    enum object_type type;
    const char *name;
    const struct pt_msg *msg;
    struct pt_permissions permissions; /* of a role; scopes of a key */
    const char *scope;                 /* of a binding */
    bool limited;                      /* a binding with a condition; a key with scopes */
    struct access_object *next;        /* in its list: the next one by name */
};

struct access_entry {
    struct pt_permissions always;
    struct pt_permissions any; /* conditions aside */
    size_t len;
    struct {
        const struct access_object *binding;
        struct pt_permissions permissions;
    } conditional[];
};

/* ---- bits ----------------------------------------------------------------------------------------------------- */

static bool has(const struct pt_permissions *set, size_t number)
{
    return number < PT_PERMISSIONS_MAX && (set->words[number / 64] >> (number % 64) & 1) != 0;
}

static void set_bit(struct pt_permissions *set, size_t number)
{
    set->words[number / 64] |= UINT64_C(1) << (number % 64);
}

static void unite(struct pt_permissions *set, const struct pt_permissions *other)
{
    for (size_t i = 0; i < PT_PERMISSIONS_MAX / 64; i++) {
        set->words[i] |= other->words[i];
    }
}

static bool contains(const struct pt_permissions *set, const struct pt_permissions *part)
{
    for (size_t i = 0; i < PT_PERMISSIONS_MAX / 64; i++) {
        if ((part->words[i] & ~set->words[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool empty(const struct pt_permissions *set)
{
    const struct pt_permissions none = {{0}};
    return contains(&none, set);
}

/* ---- the catalogue, from the schema --------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Permissions that no method has by itself: parts of an update that belong to whoever is above. */
static const char *const extra[] = {"organizations.setQuotas"};

size_t pt_permission_number(const struct pt_access *access, const char *name)
{
    if (access->names_len == 0) {
        return PT_PERMISSIONS_MAX;
    }
    const char *const *found = bsearch(&name, access->names, access->names_len, sizeof(*access->names), by_text);
    return found != NULL ? (size_t)(found - (const char *const *)access->names) : PT_PERMISSIONS_MAX;
}

static void hold(struct pt_access *access, const char *permission, unsigned roles)
{
    size_t number = pt_permission_number(access, permission);
    pt_assert(number < PT_PERMISSIONS_MAX);
    for (unsigned role = PATRONUS__V1__BUILTIN_ROLE__ROLE_VIEWER; role <= PATRONUS__V1__BUILTIN_ROLE__ROLE_ADMIN;
         role++) {
        if (role == PATRONUS__V1__BUILTIN_ROLE__ROLE_ADMIN || (roles >> role & 1) != 0) {
            set_bit(&access->builtin[role], number);
        }
    }
}

static unsigned roles_of(const struct pt_method_type *method)
{
    if (method->kind == NULL) {
        return method->roles;
    }
    bool reads = method->verb == PT_VERB_GET || method->verb == PT_VERB_LIST;
    return reads ? method->kind->resource->readers : method->kind->resource->writers;
}

enum pt_code pt_access_init(struct pt_machine_kind *machine, struct pt_error *reterr)
{
    struct pt_access *access = &machine->access;
    pt_map_init(&access->objects);
    pt_map_init(&access->scopes);
    pt_map_init(&access->hmacs);
    pt_map_init(&access->denied);
    pt_map_init(&access->cache);
    size_t len = 0;
    const struct pt_method_type *const *methods = pt_schema_methods(machine->schema, &len);
    size_t extra_len = sizeof(extra) / sizeof(extra[0]);
    access->names = calloc(len + extra_len, sizeof(*access->names));
    pt_assert(access->names != NULL);
    size_t all = 0;
    for (size_t i = 0; i < len; i++) {
        if (methods[i]->permission[0] != '\0') {
            access->names[all++] = methods[i]->permission;
        }
    }
    for (size_t i = 0; i < extra_len; i++) {
        access->names[all++] = extra[i];
    }
    qsort(access->names, all, sizeof(*access->names), by_text);
    for (size_t i = 0; i < all; i++) {
        if (i == 0 || strcmp(access->names[i], access->names[access->names_len - 1]) != 0) {
            access->names[access->names_len++] = access->names[i];
        }
    }
    if (access->names_len > PT_PERMISSIONS_MAX) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_LIMIT_REACHED, "schema",
                       "the schema has %zu permissions; raise PT_PERMISSIONS_MAX (%d)", access->names_len,
                       PT_PERMISSIONS_MAX);
    }
    for (size_t i = 0; i < len; i++) {
        if (methods[i]->permission[0] != '\0') {
            hold(access, methods[i]->permission, roles_of(methods[i]));
        }
    }
    for (size_t i = 0; i < extra_len; i++) {
        hold(access, extra[i], 0);
    }
    return PT_OK;
}

/* ---- objects -------------------------------------------------------------------------------------------------- */

static void forget_cache(struct pt_access *access)
{
    PT_MAP_FOREACH (entry, &access->cache) {
        free(entry->value);
    }
    pt_map_clear(&access->cache);
    access->revision++;
}

static void free_object(struct access_object *object)
{
    pt_arena_fini(&object->arena);
    free(object);
}

static void clear(struct pt_access *access)
{
    forget_cache(access);
    PT_MAP_FOREACH (entry, &access->objects) {
        free_object(entry->value);
    }
    pt_map_clear(&access->objects);
    pt_map_clear(&access->scopes);
    pt_map_clear(&access->hmacs);
    pt_map_clear(&access->denied);
}

void pt_access_fini(struct pt_access *access)
{
    clear(access);
    pt_map_fini(&access->objects);
    pt_map_fini(&access->scopes);
    pt_map_fini(&access->hmacs);
    pt_map_fini(&access->denied);
    pt_map_fini(&access->cache);
    free(access->names);
    access->names = NULL;
}

void pt_access_patterns(const struct pt_access *access, const struct pt_msg *msg, const char *field,
                        struct pt_permissions *permissions)
{
    const struct pt_msg_field *patterns = pt_msg_field(msg, field);
    for (size_t i = 0; patterns != NULL && i < patterns->len; i++) {
        const char *pattern = (const char *)patterns->values[i].bytes.data;
        size_t size = strlen(pattern);
        bool all = size > 2 && strcmp(pattern + size - 2, ".*") == 0;
        for (size_t j = 0; all && j < access->names_len; j++) {
            if (strncmp(access->names[j], pattern, size - 1) == 0) {
                set_bit(permissions, j);
            }
        }
        size_t number = pt_permission_number(access, pattern);
        if (number < PT_PERMISSIONS_MAX) {
            set_bit(permissions, number);
        }
    }
}

/* The list that an object stands in: bindings of a scope, keys of an HMAC, denials of an identity. NULL: in none. */
static struct pt_map *list_of(struct pt_access *access, const struct access_object *object, const char **ret_key)
{
    switch (object->type) {
    case OBJECT_BINDING:
        *ret_key = object->scope;
        return &access->scopes;
    case OBJECT_KEY:
        *ret_key = pt_msg_str(object->msg, "secret_hmac");
        return &access->hmacs;
    case OBJECT_DENIED:
        *ret_key = pt_msg_str(object->msg, "identity");
        return &access->denied;
    default:
        return NULL;
    }
}

/* By name: which of very many conditional bindings count is the state's word, and not that of the order in which a node
 * came to know them. */
static void link_object(struct pt_access *access, struct access_object *object)
{
    const char *key = NULL;
    struct pt_map *lists = list_of(access, object, &key);
    if (lists == NULL) {
        return;
    }
    struct access_object *at = pt_map_get_str(lists, key);
    if (at == NULL || strcmp(object->name, at->name) < 0) {
        object->next = at;
        (void)pt_map_put_str(lists, key, object);
        return;
    }
    while (at->next != NULL && strcmp(at->next->name, object->name) < 0) {
        at = at->next;
    }
    object->next = at->next;
    at->next = object;
}

static void unlink_object(struct pt_access *access, const struct access_object *object)
{
    const char *key = NULL;
    struct pt_map *lists = list_of(access, object, &key);
    struct access_object *first = lists != NULL ? pt_map_get_str(lists, key) : NULL;
    if (first == object && object->next == NULL) {
        (void)pt_map_remove_str(lists, key);
    } else if (first == object) {
        (void)pt_map_put_str(lists, key, object->next);
    }
    for (struct access_object *at = first; at != NULL; at = at->next) {
        at->next = at->next == object ? object->next : at->next;
    }
}

static bool type_of(const char *singular, enum object_type *ret_type)
{
    static const struct {
        const char *singular;
        enum object_type type;
    } types[] = {{"role", OBJECT_ROLE},
                 {"roleBinding", OBJECT_BINDING},
                 {"clusterRoleBinding", OBJECT_BINDING},
                 {"serviceAccount", OBJECT_ACCOUNT},
                 {"apiKey", OBJECT_KEY},
                 {"identityProvider", OBJECT_PROVIDER},
                 {"deniedIdentity", OBJECT_DENIED}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].singular, singular) == 0) {
            *ret_type = types[i].type;
            return true;
        }
    }
    return false;
}

static void drop_object(struct pt_access *access, const char *name)
{
    struct access_object *object = pt_map_remove_str(&access->objects, name);
    if (object != NULL) {
        unlink_object(access, object);
        free_object(object);
    }
}

static void put_object(struct pt_access *access, enum object_type type, const char *name, const struct pt_msg *msg)
{
    drop_object(access, name);
    struct access_object *object = calloc(1, sizeof(*object));
    pt_assert(object != NULL);
    pt_arena_init(&object->arena);
    object->type = type;
    object->name = pt_arena_strdup(&object->arena, name);
    object->msg = pt_msg_dup(msg, &object->arena);
    if (type == OBJECT_ROLE) {
        pt_access_patterns(access, msg, "permissions", &object->permissions);
    } else if (type == OBJECT_KEY) {
        pt_access_patterns(access, msg, "scopes", &object->permissions);
        object->limited = pt_msg_has(msg, "scopes");
    } else if (type == OBJECT_BINDING) {
        object->scope = pt_arena_strndup(&object->arena, name, pt_tenant_name_size(name));
        object->limited = pt_msg_has(msg, "condition");
    }
    (void)pt_map_put_str(&access->objects, name, object);
    link_object(access, object);
}

void pt_access_moved(struct pt_machine_kind *machine, const struct pt_kind_info *info, const char *name,
                     const struct pt_msg *after)
{
    enum object_type type;
    if (info->organization) { /* what is above may have changed */
        forget_cache(&machine->access);
        machine->access.touched = true;
    } else if (info->access && type_of(info->type->resource->singular, &type)) {
        if (after != NULL) {
            put_object(&machine->access, type, name, after);
        } else {
            drop_object(&machine->access, name);
        }
        forget_cache(&machine->access);
        machine->access.touched = true;
    }
}

struct load {
    struct pt_machine_kind *machine;
    enum object_type type;
    enum pt_code code;
    struct pt_error *reterr;
};

static bool load_row(void *arg, const struct pt_row *row)
{
    struct load *load = arg;
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *msg = NULL;
    load->code = pt_kind_parse_row(load->machine, row, &arena, &msg, load->reterr);
    if (load->code == PT_OK) {
        put_object(&load->machine->access, load->type, row->name, msg);
    }
    pt_arena_fini(&arena);
    return load->code == PT_OK;
}

enum pt_code pt_access_load(struct pt_machine_kind *machine, struct pt_error *reterr)
{
    clear(&machine->access);
    for (size_t i = 0; i < machine->infos_len; i++) {
        struct load load = {.machine = machine, .reterr = reterr};
        const struct pt_message_type *kind = machine->infos[i].type;
        if (kind == NULL || !type_of(kind->resource->singular, &load.type)) {
            continue;
        }
        machine->infos[i].access = true;
        const struct pt_store_range range = {.kind_id = kind->resource->kind_id, .parent = "", .after = ""};
        PT_TRY(pt_store_scan(machine->store, &range, load_row, &load, reterr));
        PT_TRY(load.code);
    }
    machine->access.touched = false;
    return PT_OK;
}

/* ---- roles and bindings --------------------------------------------------------------------------------------- */

bool pt_access_role(const struct pt_machine_kind *machine, const char *role, const char *scope,
                    struct pt_permissions *ret_permissions)
{
    static const char *const names[] = {NULL, "roles/viewer", "roles/operator", "roles/developer", "roles/admin"};
    for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(role, names[i]) == 0) {
            *ret_permissions = machine->access.builtin[i];
            return true;
        }
    }
    const struct access_object *object = pt_map_get_str(&machine->access.objects, role);
    const struct pt_tenant *owner = pt_tenant_of(machine, role);
    const struct pt_tenant *where = pt_tenant_of(machine, scope);
    /* A role counts where it stands and below; the cluster has the built-in ones only. */
    if (object == NULL || object->type != OBJECT_ROLE || owner == NULL || where == NULL ||
        !pt_tenant_below(where, owner)) {
        return false;
    }
    *ret_permissions = object->permissions;
    return true;
}

static bool is_member(const struct access_object *binding, const struct pt_caller *caller)
{
    const struct pt_msg_field *members = pt_msg_field(binding->msg, "members");
    for (size_t i = 0; members != NULL && i < members->len; i++) {
        const char *member = (const char *)members->values[i].bytes.data;
        if (strcmp(member, caller->principal) == 0) {
            return true;
        }
        for (size_t j = 0; j < caller->groups_len; j++) {
            if (strcmp(member, caller->groups[j]) == 0) {
                return true;
            }
        }
    }
    return false;
}

void pt_access_bindings_of(const struct pt_machine_kind *machine, const char *member, bool prefix,
                           void (*fn)(void *arg, const char *scope, const char *role), void *arg)
{
    size_t size = strlen(member);
    PT_MAP_FOREACH (entry, &machine->access.objects) {
        const struct access_object *object = entry->value;
        const struct pt_msg_field *members =
            object->type == OBJECT_BINDING ? pt_msg_field(object->msg, "members") : NULL;
        for (size_t i = 0; members != NULL && i < members->len; i++) {
            const char *text = (const char *)members->values[i].bytes.data;
            if (prefix ? strncmp(text, member, size) == 0 : strcmp(text, member) == 0) {
                fn(arg, object->scope, pt_msg_str(object->msg, "role"));
                break;
            }
        }
    }
}

void pt_access_gained(const struct pt_machine_kind *machine, const struct pt_tenant *moved, const struct pt_tenant *to,
                      void (*fn)(void *arg, const char *scope, const struct pt_permissions *permissions), void *arg)
{
    PT_MAP_FOREACH (entry, &machine->access.objects) {
        const struct access_object *binding = entry->value;
        if (binding->type != OBJECT_BINDING) {
            continue;
        }
        const struct pt_tenant *scope = pt_tenant_of(machine, binding->scope);
        const char *role = pt_msg_str(binding->msg, "role");
        struct pt_permissions permissions = {{0}};
        if (scope != NULL && pt_tenant_below(scope, moved)) {
            /* Its role counts again, or for the first time: it does not where it stands now. */
            const struct access_object *object = pt_map_get_str(&machine->access.objects, role);
            const struct pt_tenant *owner = object != NULL ? pt_tenant_of(machine, role) : NULL;
            if (owner != NULL && pt_tenant_below(to, owner) && !pt_tenant_below(moved, owner)) {
                fn(arg, binding->scope, &object->permissions);
            }
        } else if (scope != NULL && pt_tenant_below(to, scope) && !pt_tenant_below(moved, scope) &&
                   pt_access_role(machine, role, binding->scope, &permissions)) {
            fn(arg, moved->name, &permissions);
        }
    }
}

/* ---- what a principal holds ----------------------------------------------------------------------------------- */

struct resolve {
    const struct pt_machine_kind *machine;
    const struct pt_caller *caller;
    struct pt_permissions always, any;
    const struct access_object *bindings[CONDITIONAL_LEN_MAX];
    struct pt_permissions permissions[CONDITIONAL_LEN_MAX];
    size_t len;
};

static void resolve_scope(struct resolve *resolve, const char *scope)
{
    for (const struct access_object *binding = pt_map_get_str(&resolve->machine->access.scopes, scope); binding != NULL;
         binding = binding->next) {
        struct pt_permissions permissions = {{0}};
        if (!is_member(binding, resolve->caller) ||
            !pt_access_role(resolve->machine, pt_msg_str(binding->msg, "role"), scope, &permissions)) {
            continue;
        }
        if (!binding->limited) {
            unite(&resolve->always, &permissions);
            unite(&resolve->any, &permissions);
        } else if (resolve->len < CONDITIONAL_LEN_MAX) {
            unite(&resolve->any, &permissions);
            resolve->bindings[resolve->len] = binding;
            resolve->permissions[resolve->len++] = permissions;
        }
    }
}

static struct access_entry *resolve_entry(const struct pt_machine_kind *machine, const struct pt_caller *caller,
                                          const struct pt_tenant *tenant)
{
    struct resolve resolve = {.machine = machine, .caller = caller};
    for (const struct pt_tenant *at = tenant; at != NULL; at = at->parent) {
        resolve_scope(&resolve, at->name);
    }
    resolve_scope(&resolve, "");
    struct access_entry *entry = calloc(1, sizeof(*entry) + resolve.len * sizeof(entry->conditional[0]));
    pt_assert(entry != NULL);
    entry->always = resolve.always;
    entry->any = resolve.any;
    entry->len = resolve.len;
    for (size_t i = 0; i < resolve.len; i++) {
        entry->conditional[i].binding = resolve.bindings[i];
        entry->conditional[i].permissions = resolve.permissions[i];
    }
    return entry;
}

static bool append(char key[CACHE_KEY_SIZE], size_t *size, const char *text)
{
    size_t more = strlen(text) + 1;
    if (*size + more > CACHE_KEY_SIZE) {
        return false;
    }
    memcpy(key + *size, text, more);
    *size += more;
    return true;
}

/* Borrowed until the next question. */
static const struct access_entry *entry_of(struct pt_machine_kind *machine, const struct pt_caller *caller,
                                           const struct pt_tenant *tenant)
{
    struct pt_access *access = &machine->access;
    char key[CACHE_KEY_SIZE];
    size_t size = 0;
    bool fits = append(key, &size, tenant != NULL ? tenant->name : "") && append(key, &size, caller->principal);
    for (size_t i = 0; fits && i < caller->groups_len; i++) {
        fits = append(key, &size, caller->groups[i]);
    }
    if (!fits) { /* very many groups: remembered under a digest of all of them */
        struct pt_sha256_stream *stream = pt_sha256_open();
        pt_sha256_update(stream, caller->principal, strlen(caller->principal) + 1);
        for (size_t i = 0; i < caller->groups_len; i++) {
            pt_sha256_update(stream, caller->groups[i], strlen(caller->groups[i]) + 1);
        }
        struct pt_digest digest = pt_sha256_close(stream);
        size = 0;
        (void)append(key, &size, tenant != NULL ? tenant->name : "");
        memcpy(key + size, digest.bytes, PT_DIGEST_SIZE);
        size += PT_DIGEST_SIZE;
    }
    struct access_entry *entry = pt_map_get(&access->cache, key, size);
    if (entry == NULL) {
        if (access->cache.count >= CACHE_LEN_MAX) {
            uint64_t revision = access->revision;
            forget_cache(access);
            access->revision = revision; /* nothing changed */
        }
        entry = resolve_entry(machine, caller, tenant);
        (void)pt_map_put(&access->cache, key, size, entry);
    }
    return entry;
}

/* ---- conditions and credentials ------------------------------------------------------------------------------- */

static bool from_one_of(const struct pt_msg *msg, const char *field, const char *source)
{
    const struct pt_msg_field *prefixes = pt_msg_field(msg, field);
    if (prefixes == NULL || prefixes->len == 0) {
        return true;
    }
    struct pt_ip ip;
    if (source == NULL || pt_ip_parse(source, &ip, NULL) != PT_OK) {
        return false;
    }
    for (size_t i = 0; i < prefixes->len; i++) {
        struct pt_prefix prefix;
        if (pt_prefix_parse((const char *)prefixes->values[i].bytes.data, &prefix, NULL) == PT_OK &&
            pt_prefix_contains(&prefix, &ip)) {
            return true;
        }
    }
    return false;
}

static const char *label_of(const struct pt_msg *resource, const char *key)
{
    const struct pt_msg_field *labels = resource != NULL ? pt_msg_field(resource, "labels") : NULL;
    for (size_t i = 0; labels != NULL && i < labels->len; i++) {
        if (strcmp(pt_msg_str(labels->values[i].message, "key"), key) == 0) {
            return pt_msg_str(labels->values[i].message, "value");
        }
    }
    return NULL;
}

static bool holds_now(const struct access_object *binding, const struct pt_caller *caller, const struct pt_ask *ask)
{
    const struct pt_msg *condition = pt_msg_child(binding->msg, "condition");
    if ((pt_msg_has(condition, "not_before") && ask->time_ns < pt_msg_time(condition, "not_before")) ||
        (pt_msg_has(condition, "not_after") && ask->time_ns >= pt_msg_time(condition, "not_after")) ||
        !from_one_of(condition, "source_prefixes", caller->source)) {
        return false;
    }
    const struct pt_msg_field *labels = pt_msg_field(condition, "labels");
    for (size_t i = 0; labels != NULL && i < labels->len; i++) {
        const char *value = label_of(ask->resource, pt_msg_str(labels->values[i].message, "key"));
        if (value == NULL || strcmp(value, pt_msg_str(labels->values[i].message, "value")) != 0) {
            return false;
        }
    }
    return true;
}

/* By any of those that name the identity. */
static bool denied(const struct pt_access *access, const char *identity, int64_t time_ns)
{
    const struct access_object *object = identity != NULL ? pt_map_get_str(&access->denied, identity) : NULL;
    while (object != NULL && pt_msg_has(object->msg, "expire_time") &&
           pt_msg_time(object->msg, "expire_time") <= time_ns) {
        object = object->next;
    }
    return object != NULL;
}

/* The resource behind an identity: a service account, the provider of a user. Others have none. */
static bool account_good(const struct pt_access *access, const char *principal)
{
    if (pt_tenant_name_size(principal) == 0) {
        return strncmp(principal, "spiffe://", 9) == 0;
    }
    bool provided = strncmp(principal + pt_tenant_name_size(principal), "/identityProviders/", 19) == 0;
    const char *user = provided ? strstr(principal + pt_tenant_name_size(principal), "/users/") : NULL;
    char name[PT_NAME_SIZE_MAX + 1];
    size_t size = user != NULL ? (size_t)(user - principal) : strlen(principal);
    if (size > PT_NAME_SIZE_MAX || (provided && user == NULL)) {
        return false;
    }
    memcpy(name, principal, size);
    name[size] = '\0';
    const struct access_object *object = pt_map_get_str(&access->objects, name);
    return object != NULL && object->type == (user != NULL ? OBJECT_PROVIDER : OBJECT_ACCOUNT) &&
           !pt_msg_bool(object->msg, "disabled");
}

static const struct access_object *key_of(const struct pt_access *access, const struct pt_caller *caller)
{
    const struct access_object *key = pt_map_get_str(&access->objects, caller->api_key);
    size_t size = strlen(caller->principal);
    bool own = key != NULL && key->type == OBJECT_KEY && strncmp(key->name, caller->principal, size) == 0 &&
               strncmp(key->name + size, "/apiKeys/", 9) == 0;
    return own ? key : NULL;
}

static bool key_good(const struct access_object *key, const struct pt_caller *caller, int64_t time_ns)
{
    return key != NULL && !pt_msg_bool(key->msg, "disabled") &&
           (!pt_msg_has(key->msg, "expire_time") || pt_msg_time(key->msg, "expire_time") > time_ns) &&
           from_one_of(key->msg, "source_prefixes", caller->source);
}

bool pt_access_unbound(const struct pt_caller *caller)
{
    if (caller == NULL || strcmp(caller->principal, "internal") == 0) {
        return true;
    }
    const char *role = pt_identity_role(caller->principal);
    return strcmp(role, "admin") == 0 || strcmp(role, "controller") == 0;
}

enum pt_code pt_kind_authenticate(struct pt_machine_kind *machine, const struct pt_caller *caller, int64_t time_ns,
                                  struct pt_error *reterr)
{
    const struct pt_access *access = &machine->access;
    int64_t now = time_ns > machine->time_ns ? time_ns : machine->time_ns;
    if (denied(access, caller->principal, now) || denied(access, caller->api_key, now)) {
        return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_IDENTITY_REVOKED, NULL,
                       "this identity has been revoked; ask an administrator for a new one");
    }
    bool key = caller->api_key != NULL && caller->api_key[0] != '\0';
    if (strncmp(caller->principal, "spiffe://", 9) != 0 && strcmp(caller->principal, "internal") != 0 &&
        (!account_good(access, caller->principal) || (key && !key_good(key_of(access, caller), caller, now)))) {
        return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_TOKEN_INVALID, NULL,
                       "the credential is not good, or not good any more");
    }
    return PT_OK;
}

bool pt_kind_key_find(struct pt_machine_kind *machine, const char *hmac_hex, const char **ret_key,
                      const char **ret_account, struct pt_arena *arena)
{
    const struct access_object *key = pt_map_get_str(&machine->access.hmacs, hmac_hex);
    if (key == NULL) {
        return false;
    }
    *ret_key = pt_arena_strdup(arena, key->name);
    *ret_account = pt_arena_strndup(arena, key->name, (size_t)(strstr(key->name, "/apiKeys/") - key->name));
    return true;
}

/* ---- decisions ------------------------------------------------------------------------------------------------ */

/* The set that the presented key leaves; NULL: all. */
static bool credential(struct pt_machine_kind *machine, const struct pt_caller *caller, int64_t time_ns,
                       const struct pt_permissions **ret_mask)
{
    *ret_mask = NULL;
    if (pt_kind_authenticate(machine, caller, time_ns, NULL) != PT_OK) {
        return false;
    }
    if (caller->api_key != NULL && caller->api_key[0] != '\0') {
        const struct access_object *key = key_of(&machine->access, caller);
        *ret_mask = key != NULL && key->limited ? &key->permissions : NULL;
        return key != NULL;
    }
    return true;
}

bool pt_access_allowed(struct pt_machine_kind *machine, const struct pt_caller *caller, const struct pt_ask *ask)
{
    const struct pt_permissions *mask = NULL;
    if (caller == NULL) {
        return true;
    }
    if (!credential(machine, caller, ask->time_ns, &mask)) {
        return false;
    }
    if (pt_access_unbound(caller)) {
        return true;
    }
    if (ask->permission >= PT_PERMISSIONS_MAX || (mask != NULL && !has(mask, ask->permission))) {
        return false; /* what has no name, nobody holds */
    }
    const struct access_entry *entry = entry_of(machine, caller, ask->tenant);
    bool allowed = has(&entry->always, ask->permission);
    for (size_t i = 0; !allowed && i < entry->len; i++) {
        allowed = has(&entry->conditional[i].permissions, ask->permission) &&
                  (ask->any_condition || holds_now(entry->conditional[i].binding, caller, ask));
    }
    return allowed;
}

bool pt_access_visible(struct pt_machine_kind *machine, const struct pt_caller *caller, const struct pt_tenant *tenant,
                       int64_t time_ns)
{
    const struct pt_permissions *mask = NULL;
    return caller == NULL || (credential(machine, caller, time_ns, &mask) &&
                              (pt_access_unbound(caller) || !empty(&entry_of(machine, caller, tenant)->any)));
}

bool pt_access_holds(struct pt_machine_kind *machine, const struct pt_caller *caller, const struct pt_tenant *tenant,
                     const struct pt_permissions *wanted, int64_t time_ns)
{
    const struct pt_permissions *mask = NULL;
    if (caller == NULL) {
        return true;
    }
    if (!credential(machine, caller, time_ns, &mask)) {
        return false;
    }
    return pt_access_unbound(caller) ||
           ((mask == NULL || contains(mask, wanted)) && contains(&entry_of(machine, caller, tenant)->always, wanted));
}

const struct pt_tenant *pt_access_scope(const struct pt_machine_kind *machine, const struct pt_kind_info *info,
                                        const char *name, const struct pt_msg *resource)
{
    if (info->token) { /* stands at the top level, and is its edge's organization's matter */
        return resource != NULL ? pt_tenant_of(machine, pt_msg_str(resource, "edge")) : NULL;
    }
    return pt_tenant_of(machine, name);
}
