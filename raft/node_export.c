/*
 * Snapshots for others than members: a backup gets exactly the file that a new voter would get.
 *
 * Who asks names an index. Once the machine has applied it, a snapshot at or above it is taken like any other (the log
 * may be cut behind it), unless the newest one reaches that far already. The file's path is handed over in a turn of
 * the loop in which nobody removes files: open it there, and it can be read whatever happens to its name.
 */
#include "raft/node_priv.h"

#include "base/assert.h"

#include <stdlib.h>

struct export
{
    struct pt_list node; /* raft->exports */
    uint64_t index;
    pt_raft_snapshot_fn fn;
    void *arg;
};

void pt_raft_snapshot_get(struct pt_raft *raft, uint64_t index, pt_raft_snapshot_fn fn, void *arg)
{
    struct export *export = calloc(1, sizeof(*export));
    pt_assert(export != NULL);
    export->index = index > raft->applied ? index : raft->applied;
    export->fn = fn;
    export->arg = arg;
    pt_list_push_back(&raft->exports, &export->node);
}

static void export_end(struct export *export, enum pt_code code, const struct pt_raft_snapshot_file *file)
{
    pt_list_remove(&export->node);
    if (export->fn != NULL) {
        export->fn(export->arg, code, file);
    }
    free(export);
}

static void export_give(struct pt_raft *raft, struct export *export)
{
    char path[PT_RAFT_SNAPSHOT_PATH_SIZE];
    pt_raft_snapshot_path(raft->directory, &raft->snapshot, path);
    const struct pt_raft_snapshot_file file = {.path = path,
                                               .index = raft->snapshot.index,
                                               .term = raft->snapshot.term,
                                               .machine_index = raft->snapshot.machine_index,
                                               .size = raft->snapshot.size,
                                               .digest = raft->snapshot.digest};
    export_end(export, PT_OK, &file);
}

void pt_raft_exports_tick(struct pt_raft *raft)
{
    if (raft->taking != NULL || raft->incoming != NULL || raft->installing) {
        return; /* files come and go now */
    }
    PT_LIST_FOREACH_SAFE (node, &raft->exports) {
        struct export *export = PT_CONTAINER(node, struct export, node);
        if (raft->quarantined) {
            export_end(export, PT_FAILED_PRECONDITION, NULL);
        } else if (raft->snapshot.index >= export->index && raft->snapshot.index > 0 && !raft->snapshot_file_bad) {
            export_give(raft, export);
        } else if (raft->applied >= export->index && pt_sys_now_ms(raft->sys) >= raft->take_after_ms) {
            pt_raft_snapshot_take(raft);
            return;
        }
    }
}

void pt_raft_exports_end(struct pt_raft *raft, enum pt_code code)
{
    PT_LIST_FOREACH_SAFE (node, &raft->exports) {
        export_end(PT_CONTAINER(node, struct export, node), code, NULL);
    }
}

void pt_raft_exports_drop(struct pt_raft *raft)
{
    PT_LIST_FOREACH_SAFE (node, &raft->exports) {
        struct export *export = PT_CONTAINER(node, struct export, node);
        export->fn = NULL;
        export_end(export, PT_CLOSED, NULL);
    }
}
