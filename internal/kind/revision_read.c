/*
 * Revisions for callers: reading them, finding out who made one, and restoring one.
 *
 * What is kept says what a state was and who replaced it. So the author of a state is found with the one before it; of
 * the first one that is kept, in the audit log, as long as that reaches back so far.
 */
#include "base/assert.h"
#include "base/limits.h"
#include "kind/machine.h"
#include "kind/token.h"
#include "patronus/v1/replication.pb-c.h"

#include <inttypes.h>
#include <string.h>

#define TYPE_URL_PREFIX "type.googleapis.com/"

/* ---- who ------------------------------------------------------------------------------------------------------ */

struct search {
    uint64_t revision;
    const struct pt_message_type *type;
    struct pt_arena *arena;
    const char *principal;
    int64_t time_ns;
};

static bool on_history(void *arg, uint64_t revision, uint32_t ordinal, const char *name, struct pt_bytes event)
{
    struct search *search = arg;
    (void)ordinal;
    struct pt_msg *record = NULL;
    if (revision == search->revision && strcmp(name, PT_AUDIT_NAME) == 0 &&
        pt_msg_parse(search->type, event, NULL, search->arena, &record, NULL) == PT_OK) {
        search->principal = pt_msg_str(record, "principal");
        search->time_ns = pt_msg_time(record, "time");
        return false;
    }
    return revision <= search->revision;
}

/* By what is kept, else by the audit log. */
static void author_of(struct pt_machine_kind *machine, const struct pt_revision *kept, size_t len, uint64_t revision,
                      struct pt_arena *arena, const char **ret_principal, int64_t *ret_time_ns)
{
    for (size_t i = 0; i < len; i++) {
        if (kept[i].replaced_by == revision) {
            *ret_principal = kept[i].principal;
            *ret_time_ns = kept[i].time_ns;
            return;
        }
    }
    struct search search = {.revision = revision,
                            .type = pt_schema_message(machine->schema, "patronus.v1.AuditRecord"),
                            .arena = arena,
                            .principal = ""};
    if (revision > 0) { /* what is not there any more is not known: no failure */
        (void)!pt_store_history_scan(machine->store, revision - 1, PT_ORDINAL_END, on_history, &search, NULL);
    }
    *ret_principal = search.principal;
    *ret_time_ns = search.time_ns;
}

void pt_revision_author(struct pt_machine_kind *machine, const char *name, uint64_t revision, struct pt_arena *arena,
                        const char **ret_principal, int64_t *ret_time_ns)
{
    struct pt_revision kept[PT_REVISIONS_PER_RESOURCE_MAX];
    size_t len = 0;
    len = pt_revisions_read(machine, name, arena, kept, &len, NULL) == PT_OK ? len : 0;
    author_of(machine, kept, len, revision, arena, ret_principal, ret_time_ns);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

struct listing {
    struct pt_machine_kind *machine;
    const struct pt_caller *caller;
    const struct pt_message_type *kind;
    const char *name;
    struct pt_arena arena;
    struct pt_msg *response;
    uint64_t wanted; /* 0: all */
    struct pt_revision kept[PT_REVISIONS_PER_RESOURCE_MAX];
    size_t len;
    bool found; /* the resource exists, or something of it is kept */
};

struct state { /* one line of the answer */
    uint64_t revision;
    struct pt_msg *resource; /* NULL: deleted */
    int64_t time_ns;
    const char *principal;
    bool current;
};

static void add(struct listing *listing, const struct state *state)
{
    if (listing->wanted != 0 && listing->wanted != state->revision) {
        return;
    }
    struct pt_arena *arena = &listing->arena;
    const struct pt_message_type *type = pt_message_field(listing->response->type, "revisions")->message;
    struct pt_msg *revision = pt_msg_new(arena, type);
    pt_msg_set_u64(revision, arena, "revision", state->revision);
    pt_msg_set_time(revision, arena, "time", state->time_ns);
    pt_msg_set_str(revision, arena, "principal", state->principal);
    pt_msg_set_bool(revision, arena, "current", state->current);
    if (state->resource != NULL) {
        PT_AUTO(buf) struct pt_buf bytes = {0};
        pt_msg_strip(state->resource, PT_OUTPUT_USER, true);
        pt_msg_encode(state->resource, &bytes);
        struct pt_msg *any = pt_msg_new(arena, pt_message_field(type, "resource")->message);
        pt_msg_set_str(any, arena, "type_url",
                       pt_arena_printf(arena, TYPE_URL_PREFIX "%s", state->resource->type->full_name));
        pt_msg_set_bytes(any, arena, "value",
                         (struct pt_bytes){pt_arena_memdup(arena, bytes.data, bytes.size), bytes.size});
        pt_msg_set_child(revision, arena, "resource", any);
    }
    pt_msg_append(listing->response, arena, "revisions", (union pt_value){.message = revision});
}

/* A state of the resource, if the caller may see it as it was. */
static enum pt_code add_state(struct listing *listing, struct pt_msg *resource, bool current, struct pt_error *reterr)
{
    PT_TRY(pt_permit_get(listing->machine, listing->caller, listing->kind, listing->name, resource, reterr));
    struct state state = {.revision = pt_msg_u64(resource, "revision"),
                          .resource = resource,
                          .time_ns = pt_msg_time(resource, "update_time"),
                          .principal = "",
                          .current = current};
    int64_t time_ns = 0;
    author_of(listing->machine, listing->kept, listing->len, state.revision, &listing->arena, &state.principal,
              &time_ns);
    add(listing, &state);
    return PT_OK;
}

static enum pt_code list(struct listing *listing, struct pt_error *reterr)
{
    struct pt_machine_kind *machine = listing->machine;
    PT_TRY(pt_permit_get(machine, listing->caller, listing->kind, listing->name, NULL, reterr));
    struct pt_msg *present = NULL;
    enum pt_code code = pt_kind_load(machine, listing->name, &listing->arena, &present, NULL, reterr);
    if (code != PT_OK && code != PT_NOT_FOUND) {
        return code;
    }
    PT_TRY(pt_revisions_read(machine, listing->name, &listing->arena, listing->kept, &listing->len, reterr));
    if (present == NULL && listing->len == 0) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "there is no %s '%.300s'",
                       listing->kind->resource->singular, listing->name);
    }
    struct pt_error hidden = {0}; /* a state that the caller may not see is left out */
    if (present != NULL) {
        code = add_state(listing, present, true, &hidden);
    }
    for (size_t i = 0; i < listing->len && !pt_code_is_fatal(code); i++) {
        const struct pt_revision *kept = &listing->kept[i];
        if (kept->deleted &&
            pt_permit_get(machine, listing->caller, listing->kind, listing->name, kept->resource, &hidden) == PT_OK) {
            add(listing, &(struct state){.revision = kept->replaced_by,
                                         .time_ns = kept->time_ns,
                                         .principal = kept->principal,
                                         .current = i == 0 && present == NULL});
        }
        code = add_state(listing, kept->resource, false, &hidden);
    }
    if (pt_code_is_fatal(code)) {
        *reterr = hidden;
        return code;
    }
    if (!pt_msg_has(listing->response, "revisions") && hidden.code != PT_OK) {
        *reterr = hidden; /* nothing at all is left */
        return hidden.code;
    }
    return PT_OK;
}

enum pt_code pt_kind_revisions(struct pt_machine_kind *machine, const struct pt_caller *caller,
                               const struct pt_method_type *method, const struct pt_msg *request, struct pt_buf *reply,
                               struct pt_error *reterr)
{
    struct listing listing = {.machine = machine,
                              .caller = pt_access_unbound(caller) ? NULL : caller,
                              .name = pt_msg_str(request, "name"),
                              .wanted = pt_msg_u64(request, "revision")};
    struct pt_error error = {0};
    PT_TRY(pt_kind_authenticate(machine, caller, machine->wall_ns, reterr));
    PT_TRY(pt_name_parse(machine->schema, listing.name, &listing.kind, reterr));
    if (listing.kind->resource->view) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "name",
                       "%s are computed by the leader and have no revisions", listing.kind->resource->plural);
    }
    pt_arena_init(&listing.arena);
    listing.response = pt_msg_new(&listing.arena, method->output);
    enum pt_code code = list(&listing, &error);
    if (code == PT_OK && listing.wanted != 0 && !pt_msg_has(listing.response, "revisions")) {
        code = pt_fail(&error, PT_OUT_OF_RANGE, PT_REASON_HISTORY_COMPACTED, "revision",
                       "revision %" PRIu64 " of %.200s is not kept; list those that are", listing.wanted, listing.name);
    }
    if (code == PT_OK) {
        pt_msg_encode(listing.response, reply);
    } else if (reterr != NULL) {
        *reterr = error;
    }
    pt_arena_fini(&listing.arena);
    return code;
}

/* ---- restoring ------------------------------------------------------------------------------------------------ */

enum pt_code pt_revision_find(struct pt_machine_kind *machine, const char *name, uint64_t revision,
                              struct pt_arena *arena, struct pt_msg **ret_resource, struct pt_error *reterr)
{
    struct pt_revision kept[PT_REVISIONS_PER_RESOURCE_MAX];
    size_t len = 0;
    PT_TRY(pt_revisions_read(machine, name, arena, kept, &len, reterr));
    for (size_t i = 0; i < len; i++) {
        if (pt_msg_u64(kept[i].resource, "revision") == revision) {
            *ret_resource = kept[i].resource;
            return PT_OK;
        }
    }
    struct pt_msg *present = NULL;
    if (pt_kind_load(machine, name, arena, &present, NULL, NULL) == PT_OK &&
        pt_msg_u64(present, "revision") == revision) {
        *ret_resource = present; /* as it is: an update that changes nothing */
        return PT_OK;
    }
    return pt_fail(reterr, PT_OUT_OF_RANGE, PT_REASON_HISTORY_COMPACTED, "revision",
                   "revision %" PRIu64 " of %.200s is not kept; list those that are", revision, name);
}
