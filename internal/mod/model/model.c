/*
 * Models: which version decides.
 *
 * One version of a model is LIVE at most, and that is so by two small rules rather than by looking at all of them: a
 * version may be LIVE only while it is the model's live_version, and live_version may not leave a version that is LIVE.
 * A promotion is therefore three changes in one transaction: the old one down, the model over, the new one up.
 *
 * What decides must be there and be trusted: bytes on a majority of the voters, and, when the model has signing keys, a
 * signature by one of them over name and digest.
 */
#include "mod/model/model.h"

#include "base/limits.h"
#include "node/artifact.h"
#include "patronus/v1/model.pb-c.h"

#include <string.h>

static size_t keys_of(const struct pt_msg *model, const char *keys[8])
{
    const struct pt_msg_field *field = pt_msg_field(model, "signing_keys");
    size_t len = 0;
    for (; field != NULL && len < field->len && len < 8; len++) {
        keys[len] = (const char *)field->values[len].bytes.data;
    }
    return len;
}

/* May this version decide anything? `field`: what asks for it. */
static enum pt_code check_fit(const struct pt_msg *model, const char *name, const struct pt_msg *version,
                              const char *field, struct pt_error *reterr)
{
    if (pt_msg_i64(version, "artifact_state") != PATRONUS__V1__ARTIFACT_STATE__STORED) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, field,
                       "the bytes of %.200s are not stored yet: patronusctl models upload FILE %.200s", name, name);
    }
    const char *keys[8];
    size_t len = keys_of(model, keys);
    if (!pt_artifact_trusted(keys, len, pt_msg_str(version, "signature"), name, pt_msg_str(version, "digest"))) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, field,
                       "%.200s has no signature by one of the model's %zu signing keys: set `signature` (patronusctl "
                       "models sign)",
                       name, len);
    }
    return PT_OK;
}

static enum pt_code version_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    if (change->after == NULL) {
        return PT_OK; /* the live one is referred to, and so cannot go */
    }
    int64_t stage = pt_msg_i64(change->after, "stage");
    bool same = change->before != NULL && pt_msg_i64(change->before, "stage") == stage &&
                strcmp(pt_msg_str(change->before, "signature"), pt_msg_str(change->after, "signature")) == 0;
    if (same || (stage != PATRONUS__V1__STAGE__CANARY && stage != PATRONUS__V1__STAGE__LIVE)) {
        return PT_OK;
    }
    char parent[PT_NAME_SIZE_MAX + 1];
    pt_name_parent(change->name, parent);
    const struct pt_msg *model = pt_view_get(view, parent);
    if (model == NULL) {
        return PT_OK; /* refused for that elsewhere */
    }
    PT_TRY(check_fit(model, change->name, change->after, "stage", reterr));
    if (stage == PATRONUS__V1__STAGE__LIVE && strcmp(pt_msg_str(model, "live_version"), change->name) != 0) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, "stage",
                       "one version of a model is LIVE, its live_version: patronusctl models promote %.200s",
                       change->name);
    }
    return PT_OK;
}

static enum pt_code model_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    if (change->after == NULL) {
        return PT_OK;
    }
    const char *version = pt_msg_str(change->after, "live_version");
    const char *former = change->before != NULL ? pt_msg_str(change->before, "live_version") : "";
    char parent[PT_NAME_SIZE_MAX + 1];
    pt_name_parent(version, parent);
    if (version[0] != '\0' && strcmp(parent, change->name) != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "live_version",
                       "%.180s is a version of another model than %.180s", version, change->name);
    }
    if (strcmp(version, former) == 0) {
        return PT_OK;
    }
    const struct pt_msg *left = former[0] != '\0' ? pt_view_get(view, former) : NULL;
    if (left != NULL && pt_msg_i64(left, "stage") == PATRONUS__V1__STAGE__LIVE) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, "live_version",
                       "%.200s is LIVE: promote another version, which changes both in one step", former);
    }
    const struct pt_msg *next = version[0] != '\0' ? pt_view_get(view, version) : NULL;
    return next != NULL ? check_fit(change->after, version, next, "live_version", reterr) : PT_OK;
}

/* Where a rollback goes. */
static enum pt_code model_derive(struct pt_store *store, const struct pt_change *change, struct pt_msg *after,
                                 struct pt_arena *arena, struct pt_error *reterr)
{
    (void)store;
    (void)reterr;
    const char *former = change->before != NULL ? pt_msg_str(change->before, "live_version") : "";
    if (former[0] != '\0' && strcmp(former, pt_msg_str(after, "live_version")) != 0) {
        pt_msg_set_str(after, arena, "previous_live_version", former);
    }
    return PT_OK;
}

static const struct pt_kind model = {.message = "patronus.v1.Model", .check = model_check, .derive = model_derive};
static const struct pt_kind version = {.message = "patronus.v1.ModelVersion", .check = version_check};
static const struct pt_kind *const kinds[] = {&model, &version, NULL};
static const char *const needs[] = {"tenancy", NULL};

const struct pt_mod pt_mod_model = {.name = "model", .needs = needs, .kinds = kinds};
