/*
 * Models: the version in use is one of the model's own.
 */
#include "mod/model/model.h"

#include "base/limits.h"

#include <string.h>

static enum pt_code model_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    (void)view;
    const char *version = change->after != NULL ? pt_msg_str(change->after, "live_version") : "";
    char parent[PT_NAME_SIZE_MAX + 1];
    pt_name_parent(version, parent);
    if (version[0] != '\0' && strcmp(parent, change->name) != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "live_version",
                       "%.180s is a version of another model than %.180s", version, change->name);
    }
    return PT_OK;
}

static const struct pt_kind model = {.message = "patronus.v1.Model", .check = model_check};
static const struct pt_kind *const kinds[] = {&model, NULL};
static const char *const needs[] = {"tenancy", NULL};

const struct pt_mod pt_mod_model = {.name = "model", .needs = needs, .kinds = kinds};
