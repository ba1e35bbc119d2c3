/*
 * The bytes of model versions, as far as the state knows them: where they are, and what they count.
 *
 *   (created) --a controller has them--> OFFERED --a majority of the voters has them--> STORED
 *
 * The bytes themselves never go through the log. OFFERED names a controller where they can be fetched; that entry is
 * what tells the others to fetch, so a leader that dies in between is followed by one that knows as much. STORED is
 * what an upload's acknowledgement waits for, and is never taken back: bytes that a disk spoils are repaired from
 * another node, which is no matter of the state.
 *
 * A version's size is counted to its organization when the version is made. Of two versions at the limit one is then
 * refused before anything is sent; what was promised fits.
 */
#include "base/assert.h"
#include "kind/machine.h"
#include "patronus/v1/model.pb-c.h"
#include "patronus/v1/replication.pb-c.h"

#include <string.h>

uint64_t pt_artifact_quota(const struct pt_kind_info *info, const struct pt_msg *resource, size_t row_size)
{
    return row_size + (info->artifact ? pt_msg_u64(resource, "size_bytes") : 0);
}

static const struct pt_kind_info *version_info(struct pt_machine_kind *machine)
{
    const struct pt_message_type *kind = pt_schema_kind(machine->schema, "modelVersion");
    return kind != NULL ? pt_kind_info(machine, kind->resource->kind_id) : NULL;
}

enum pt_code pt_artifact(struct pt_execution *execution, const struct pt_msg *op, struct pt_error *reterr)
{
    const char *name = pt_msg_str(op, "name");
    const struct pt_kind_info *info = version_info(execution->machine);
    struct pt_msg *version = NULL;
    struct pt_row row = {0};
    enum pt_code code = pt_kind_load(execution->machine, name, execution->arena, &version, &row, reterr);
    if (info == NULL || code == PT_NOT_FOUND || (code == PT_OK && row.kind_id != info->type->resource->kind_id)) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name",
                       "there is no modelVersion '%.300s': create it, then send its bytes", name);
    }
    PT_TRY(code);
    PT_TRY(pt_permit_method(execution, "versions.upload", info, name, version, reterr));
    if (strcmp(pt_msg_str(op, "digest"), pt_msg_str(version, "digest")) != 0) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "digest",
                       "the version was made anew with another digest while its bytes were under way");
    }
    int64_t state = pt_msg_i64(version, "artifact_state");
    int64_t next =
        pt_msg_bool(op, "stored") ? PATRONUS__V1__ARTIFACT_STATE__STORED : PATRONUS__V1__ARTIFACT_STATE__OFFERED;
    if (state != PATRONUS__V1__ARTIFACT_STATE__STORED) {
        pt_msg_set_i64(version, execution->arena, "artifact_state", next);
        if (next == PATRONUS__V1__ARTIFACT_STATE__OFFERED) {
            pt_msg_set_str(version, execution->arena, "offered_by", pt_msg_str(op, "offered_by"));
        }
        execution->unlimited = true; /* a few bytes of the server's own */
        code = pt_mutate_derived(execution, info, name, version, reterr);
        execution->unlimited = false;
        PT_TRY(code);
    }
    pt_mutate_reply(execution, info, version);
    return PT_OK;
}

/* ---- who refers to what --------------------------------------------------------------------------------------- */

struct walk {
    struct pt_machine_kind *machine;
    const struct pt_kind_info *info;
    void (*fn)(void *arg, const struct pt_kind_artifact *artifact);
    void *arg;
    enum pt_code code;
    struct pt_error *reterr;
};

static void tell(struct walk *walk, const char *name, struct pt_bytes value, bool deleted)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *msg = NULL;
    const struct pt_row row = {.name = name, .kind_id = walk->info->type->resource->kind_id, .value = value};
    walk->code = pt_kind_parse_row(walk->machine, &row, &arena, &msg, walk->reterr);
    if (walk->code == PT_OK) {
        const struct pt_kind_artifact artifact = {.name = name,
                                                  .digest = pt_msg_str(msg, "digest"),
                                                  .size = pt_msg_u64(msg, "size_bytes"),
                                                  .state = (uint32_t)pt_msg_i64(msg, "artifact_state"),
                                                  .offered_by = pt_msg_str(msg, "offered_by"),
                                                  .deleted = deleted};
        walk->fn(walk->arg, &artifact);
    }
    pt_arena_fini(&arena);
}

static bool on_version(void *arg, const struct pt_row *row)
{
    struct walk *walk = arg;
    tell(walk, row->name, row->value, false);
    return walk->code == PT_OK;
}

static bool on_deleted(void *arg, const struct pt_row *row)
{
    struct walk *walk = arg;
    Patronus__V1__DeletedResource *kept =
        patronus__v1__deleted_resource__unpack(NULL, row->value.size, row->value.data);
    if (kept != NULL && kept->kind_id == walk->info->type->resource->kind_id) {
        tell(walk, kept->name, (struct pt_bytes){kept->resource.data, kept->resource.len}, true);
    }
    patronus__v1__deleted_resource__free_unpacked(kept, NULL);
    return walk->code == PT_OK;
}

enum pt_code pt_kind_artifacts(struct pt_machine_kind *machine,
                               void (*fn)(void *arg, const struct pt_kind_artifact *artifact), void *arg,
                               struct pt_error *reterr)
{
    struct walk walk = {
        .machine = machine, .info = version_info(machine), .fn = fn, .arg = arg, .code = PT_OK, .reterr = reterr};
    if (walk.info == NULL) {
        return PT_OK;
    }
    const struct pt_store_range versions = {.kind_id = walk.info->type->resource->kind_id, .parent = "", .after = ""};
    PT_TRY(pt_store_scan(machine->store, &versions, on_version, &walk, reterr));
    PT_TRY(walk.code);
    const struct pt_store_range deleted = {.kind_id = PT_KIND_TRASH, .parent = "", .after = ""};
    PT_TRY(pt_store_scan(machine->store, &deleted, on_deleted, &walk, reterr));
    return walk.code;
}
