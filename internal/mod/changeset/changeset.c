/*
 * Change sets: what may be staged, and upon what it was. Applying and taking back is the state machine's own matter
 * (internal/kind/changeset.c).
 *
 * Upon what: the etag of each resource at the moment when its change was staged. Staging a change again as it is keeps
 * that, so that editing one change of a set does not hide that somebody else meanwhile changed what another is about.
 */
#include "mod/changeset/changeset.h"

#include "patronus/v1/changeset.pb-c.h"

#include <string.h>

static bool same_changes(const struct pt_msg *before, const struct pt_msg *after)
{
    const struct pt_msg_field *a = pt_msg_field(before, "changes");
    const struct pt_msg_field *b = pt_msg_field(after, "changes");
    bool same = (a != NULL ? a->len : 0) == (b != NULL ? b->len : 0);
    for (size_t i = 0; same && a != NULL && i < a->len; i++) {
        same = pt_msg_equal(a->values[i].message, b->values[i].message);
    }
    return same;
}

static enum pt_code change_set_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    int64_t state = change->before != NULL ? pt_msg_i64(change->before, "state") : 0;
    if (change->after == NULL) {
        return state != PATRONUS__V1__CHANGE_SET_STATE__CONFIRMING
                   ? PT_OK
                   : pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CHANGE_PENDING, "name",
                             "%.200s waits for its confirmation: confirm it or roll it back first", change->name);
    }
    if (change->before != NULL && same_changes(change->before, change->after)) {
        return PT_OK;
    }
    if (state > PATRONUS__V1__CHANGE_SET_STATE__STAGED) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, "changes",
                       "%.200s has been applied: stage further changes in another change set", change->name);
    }
    return pt_kind_staged_check(view, change->name, pt_msg_field(change->after, "changes"), reterr);
}

/* The base that the same change had before; NULL. */
static const struct pt_msg *former_base(const struct pt_msg *before, const struct pt_msg *change)
{
    const struct pt_msg_field *changes = before != NULL ? pt_msg_field(before, "changes") : NULL;
    const struct pt_msg_field *bases = before != NULL ? pt_msg_field(before, "bases") : NULL;
    for (size_t i = 0; changes != NULL && bases != NULL && i < changes->len && i < bases->len; i++) {
        if (pt_msg_equal(changes->values[i].message, change)) {
            return bases->values[i].message;
        }
    }
    return NULL;
}

static enum pt_code change_set_derive(struct pt_store *store, const struct pt_change *change, struct pt_msg *after,
                                      struct pt_arena *arena, struct pt_error *reterr)
{
    if (change->before == NULL) {
        pt_msg_set_i64(after, arena, "state", PATRONUS__V1__CHANGE_SET_STATE__STAGED);
    }
    pt_msg_clear(after, "bases");
    const struct pt_message_type *type = pt_message_field(after->type, "bases")->message;
    const struct pt_msg_field *changes = pt_msg_field(after, "changes");
    for (size_t i = 0; changes != NULL && i < changes->len; i++) {
        const char *name = pt_msg_str(changes->values[i].message, "name");
        const struct pt_msg *former = former_base(change->before, changes->values[i].message);
        struct pt_msg *base = former != NULL ? pt_msg_dup(former, arena) : pt_msg_new(arena, type);
        if (former == NULL) {
            struct pt_row row = {.etag = "", .revision = 0};
            enum pt_code code = pt_store_get(store, name, arena, &row, reterr);
            if (code != PT_OK && code != PT_NOT_FOUND) {
                return code;
            }
            pt_msg_set_str(base, arena, "name", name);
            pt_msg_set_str(base, arena, "etag", code == PT_OK ? row.etag : "");
            pt_msg_set_u64(base, arena, "revision", code == PT_OK ? row.revision : 0);
        }
        pt_msg_append(after, arena, "bases", (union pt_value){.message = base});
    }
    return PT_OK;
}

static const struct pt_kind change_set = {
    .message = "patronus.v1.ChangeSet", .check = change_set_check, .derive = change_set_derive};
static const struct pt_kind *const kinds[] = {&change_set, NULL};
static const char *const needs[] = {"tenancy", NULL};

const struct pt_mod pt_mod_changeset = {.name = "changeset", .needs = needs, .kinds = kinds};
