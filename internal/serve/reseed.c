/*
 * Restore and recover: a state, from a backup or from a survivor, becomes the first of a new epoch.
 *
 *   scratch store <- the backup's state, or the survivor's state and every entry of its log
 *        -> commands of our own, applied as if they had come through a log: the epoch rises, this controller is a
 * voter, all others and all tokens go
 *        -> a snapshot of it -> a log folder that begins there (raft/offline.c) -> the node's files, its identity last
 *
 * The identity, which makes the folder a node of that epoch, is written last and at once: after a crash in between
 * nothing has happened, and it is done again. The commands are ordinary ones, so what follows is what
 * every node would have computed; nothing here writes into the store by itself.
 */
#include "serve/setup.h"

#include "base/assert.h"
#include "crypto/crypto.h"
#include "crypto/identity.h"
#include "kind/kind.h"
#include "node/backup.h"
#include "node/files.h"
#include "patronus/v1/cluster.pb-c.h"
#include "patronus/v1/replication.pb-c.h"
#include "raft/raft_node.h"
#include "patronus/v1/authority.pb-c.h"
#include "serve/roster.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATH_SIZE 1024
#define NAMES_MAX 1000 /* resources removed by one command */
#define KIND_CONTROLLER 12
#define KIND_TOKEN 13

struct reseed {
    struct pt_sys *sys;
    const struct pt_log *log;
    struct pt_machine_kind *machine; /* on the scratch store */
    char name[80];                   /* controllers/c1 */
    uint64_t index, term;            /* of the newest entry applied */
    struct pt_digest chain;
    struct pt_reseed_report report;
};

static const char *path_of(const char *directory, const char *name, char path[PATH_SIZE])
{
    int size = snprintf(path, PATH_SIZE, "%s/%s", directory, name);
    pt_assert(size > 0 && size < PATH_SIZE);
    return path;
}

/* ---- commands without a log ----------------------------------------------------------------------------------- */

static enum pt_code apply_bytes(struct reseed *reseed, struct pt_bytes data, struct pt_error *reterr)
{
    const struct pt_log_entry entry = {.index = reseed->index + 1, .term = reseed->term, .data = data};
    PT_TRY(pt_kind_apply(reseed->machine, &entry, 1, entry.index, &reseed->chain, reterr));
    reseed->index++;
    const struct pt_verdict *verdict = pt_kind_verdict(reseed->machine, entry.index);
    if (verdict != NULL && verdict->error.code != PT_OK) {
        if (reterr != NULL) {
            *reterr = verdict->error;
        }
        return verdict->error.code;
    }
    return PT_OK;
}

static enum pt_code apply(struct reseed *reseed, Patronus__V1__Command *command, struct pt_error *reterr)
{
    command->format = 1;
    command->time_ns = pt_sys_wall_ns(reseed->sys);
    command->principal = (char *)"internal";
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_kind_command(command, &data);
    return apply_bytes(reseed, pt_buf_bytes(&data), reterr);
}

static enum pt_code apply_mutations(struct reseed *reseed, Patronus__V1__Mutation **mutations, size_t len,
                                    struct pt_error *reterr)
{
    Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
    transaction.n_mutations = len;
    transaction.mutations = mutations;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
    command.transaction = &transaction;
    return apply(reseed, &command, reterr);
}

static enum pt_code raise_epoch(struct reseed *reseed, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf old = {0};
    enum pt_code code = pt_store_meta_get(pt_kind_store(reseed->machine), PT_META_CLUSTER_EPOCH, &old, reterr);
    if (code != PT_OK && code != PT_NOT_FOUND) {
        return code;
    }
    reseed->report.epoch = (code == PT_OK && old.size == 8 ? pt_be64(old.data) : 0) + 1;
    uint8_t value[8];
    pt_put_be64(value, reseed->report.epoch);
    Patronus__V1__SetMeta meta = PATRONUS__V1__SET_META__INIT;
    meta.key = (char *)PT_META_CLUSTER_EPOCH;
    meta.value = (ProtobufCBinaryData){.len = sizeof(value), .data = value};
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_SET_META;
    command.set_meta = &meta;
    return apply(reseed, &command, reterr);
}

struct names {
    struct pt_arena arena;
    const char *except;
    const char *items[NAMES_MAX];
    size_t len;
    bool controllers; /* the kind is Controller: count its voters, `except` among them */
    size_t voters;
};

static bool name_add(void *arg, const char *name, const struct pt_msg *msg)
{
    struct names *names = arg;
    names->voters += names->controllers && pt_msg_i64(msg, "role") == PATRONUS__V1__CONTROLLER_ROLE__VOTER;
    if (strcmp(name, names->except) != 0) {
        names->items[names->len++] = pt_arena_strdup(&names->arena, name);
    }
    return names->len < NAMES_MAX;
}

/* Remove every resource of a kind but `except`; in several commands when there are many. */
static enum pt_code remove_others(struct reseed *reseed, const char *singular, uint32_t kind_id, const char *except,
                                  size_t *ret_len, size_t *ret_voters, struct pt_error *reterr)
{
    enum pt_code code = PT_OK;
    size_t removed = 0;
    for (bool more = true; more && code == PT_OK;) {
        struct names names = {.except = except, .controllers = ret_voters != NULL};
        pt_arena_init(&names.arena);
        struct pt_view *view = pt_view_new(reseed->machine);
        pt_view_scan(view, singular, "", name_add, &names);
        pt_view_free(view);
        Patronus__V1__Mutation items[NAMES_MAX];
        Patronus__V1__Mutation *mutations[NAMES_MAX];
        for (size_t i = 0; i < names.len; i++) {
            items[i] = (Patronus__V1__Mutation)PATRONUS__V1__MUTATION__INIT;
            items[i].verb = PATRONUS__V1__VERB__DELETE;
            items[i].kind_id = kind_id;
            items[i].name = (char *)(uintptr_t)names.items[i];
            mutations[i] = &items[i];
        }
        if (ret_voters != NULL && removed == 0) {
            *ret_voters = names.voters;
        }
        code = names.len > 0 ? apply_mutations(reseed, mutations, names.len, reterr) : PT_OK;
        removed += names.len;
        more = names.len == NAMES_MAX;
        pt_arena_fini(&names.arena);
    }
    *ret_len = removed;
    return code;
}

/* ---- this controller ------------------------------------------------------------------------------------------ */

/* Set fields of the own Controller resource; `create` makes it, with that Raft id. */
static enum pt_code put_self(struct reseed *reseed, Patronus__V1__Controller *resource, const char *const *paths,
                             size_t paths_len, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__controller__get_packed_size(resource);
    (void)patronus__v1__controller__pack(resource, pt_buf_reserve(&data, size));
    char uid[33];
    (void)snprintf(uid, sizeof(uid), "%016" PRIx64 "%016" PRIx64, pt_sys_random_u64(reseed->sys),
                   pt_sys_random_u64(reseed->sys));
    Patronus__V1__Mutation mutation = PATRONUS__V1__MUTATION__INIT;
    mutation.verb = paths_len == 0 ? PATRONUS__V1__VERB__CREATE : PATRONUS__V1__VERB__UPDATE;
    mutation.kind_id = KIND_CONTROLLER;
    mutation.name = reseed->name;
    mutation.resource = (ProtobufCBinaryData){.len = size, .data = data.data};
    mutation.paths = (char **)(uintptr_t)paths;
    mutation.n_paths = paths_len;
    mutation.uid = paths_len == 0 ? uid : (char *)"";
    Patronus__V1__Mutation *mutations[] = {&mutation};
    return apply_mutations(reseed, mutations, 1, reterr);
}

/* Raft id of the controller of that name, 0 when the state has none; and the highest that any has. */
struct id_search {
    const char *name;
    uint64_t raft_id, highest;
};

static bool id_look(void *arg, const char *name, const struct pt_msg *msg)
{
    struct id_search *search = arg;
    uint64_t id = pt_msg_u64(msg, "raft_id");
    search->highest = id > search->highest ? id : search->highest;
    search->raft_id = strcmp(name, search->name) == 0 ? id : search->raft_id;
    return true;
}

/* The one controller of the new epoch: a voter at these addresses (NULL: where it was). The order matters: somebody
 * votes at each step, and no two share an address. */
static enum pt_code settle_self(struct reseed *reseed, const struct pt_found_options *node, uint64_t *ret_raft_id,
                                struct pt_error *reterr)
{
    struct id_search search = {.name = reseed->name};
    struct pt_view *view = pt_view_new(reseed->machine);
    pt_view_scan(view, "controller", "", id_look, &search);
    pt_view_free(view);
    bool known = search.raft_id != 0;
    Patronus__V1__Controller resource = PATRONUS__V1__CONTROLLER__INIT;
    resource.role = PATRONUS__V1__CONTROLLER_ROLE__VOTER;
    resource.raft_id = known ? search.raft_id : search.highest + 1;
    if (node != NULL) {
        resource.peer_address = (char *)(uintptr_t)node->peer_address;
        resource.api_address = (char *)(uintptr_t)node->api_address;
        resource.agent_address = (char *)(uintptr_t)node->agent_address;
        resource.region = (char *)(uintptr_t)node->region;
    }
    static const char *const role[] = {"role"};
    static const char *const place[] = {"agent_address", "api_address", "peer_address"};
    enum pt_code code =
        known ? put_self(reseed, &resource, role, 1, reterr) : put_self(reseed, &resource, NULL, 0, reterr);
    if (code != PT_OK) {
        return pt_wrap(reterr, code, "%s cannot be the controller (name with --id the one whose address this was)",
                       reseed->name);
    }
    PT_TRY(remove_others(reseed, "controller", KIND_CONTROLLER, reseed->name, &reseed->report.controllers_removed,
                         &reseed->report.voters_before, reterr));
    if (known && node != NULL) {
        PT_TRY(put_self(reseed, &resource, place, 3, reterr));
    }
    *ret_raft_id = resource.raft_id;
    return PT_OK;
}

static enum pt_code meta_text(struct reseed *reseed, const char *key, struct pt_buf *out, struct pt_error *reterr)
{
    enum pt_code code = pt_store_meta_get(pt_kind_store(reseed->machine), key, out, NULL);
    if (code != PT_OK) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, key,
                       "the state holds no such value: it is not "
                       "that of a founded cluster");
    }
    pt_buf_append_u8(out, 0);
    out->size--;
    return PT_OK;
}

/* Everything of the new epoch in the scratch state. */
static enum pt_code settle(struct reseed *reseed, const struct pt_found_options *node, uint64_t *ret_raft_id,
                           struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf id = {0};
    PT_TRY(meta_text(reseed, PT_META_CLUSTER_ID, &id, reterr));
    (void)snprintf(reseed->report.cluster_id, sizeof(reseed->report.cluster_id), "%s", (const char *)id.data);
    (void)snprintf(reseed->report.controller, sizeof(reseed->report.controller), "%s", reseed->name);
    PT_TRY(raise_epoch(reseed, reterr));
    PT_TRY(settle_self(reseed, node, ret_raft_id, reterr));
    PT_TRY(remove_others(reseed, "enrollmentToken", KIND_TOKEN, "", &reseed->report.tokens_removed, NULL, reterr));
    reseed->report.revision = reseed->index;
    return PT_OK;
}

/* The issuing authority's key, by which we see that the seal key is the right one; and all that is trusted, the issuing
 * one first. */
static enum pt_code open_ca(struct reseed *reseed, const char *seal_key_path, struct pt_buf *ret_key,
                            struct pt_buf *ret_cert, struct pt_error *reterr)
{
    uint8_t seal_key[PT_SEAL_KEY_SIZE];
    Patronus__V1__AuthorityRoster *roster = NULL;
    PT_TRY(pt_node_seal_key_load(reseed->sys, seal_key_path, seal_key, reterr));
    enum pt_code code = pt_roster_read(pt_kind_store(reseed->machine), &roster, reterr);
    if (code == PT_OK) {
        const ProtobufCBinaryData *sealed = &pt_roster_in(roster, PATRONUS__V1__AUTHORITY_STATE__ISSUING)->sealed_key;
        pt_roster_trust(roster, ret_cert);
        code = pt_unseal(seal_key, PT_META_CA_KEY, (struct pt_bytes){sealed->data, sealed->len}, ret_key, NULL);
        if (code != PT_OK) {
            code = pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, seal_key_path,
                           "this is not the seal key of the cluster in the backup: name that one with --seal-key; "
                           "without it what is secret in the state cannot be read");
        }
    }
    pt_memory_clear(seal_key, sizeof(seal_key));
    pt_roster_free(roster);
    PT_TRY(code);
    pt_buf_append_u8(ret_key, 0);
    ret_key->size--;
    return PT_OK;
}

/* ---- the scratch store ---------------------------------------------------------------------------------------- */

static enum pt_code scratch_open(struct reseed *reseed, const struct pt_schema *schema,
                                 const struct pt_mod *const *mods, const char *path, struct pt_error *reterr)
{
    const struct pt_kind_options options = {
        .sys = reseed->sys, .schema = schema, .mods = mods, .store_path = path, .log = reseed->log};
    return pt_kind_open(&options, &reseed->machine, reterr);
}

static void scratch_remove(struct pt_sys *sys, const char *path)
{
    static const char *const endings[] = {"", "-wal", ".lock", ".acked", ".next", ".next-wal", ".next-journal"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char name[PATH_SIZE + 16];
        (void)snprintf(name, sizeof(name), "%s%s", path, endings[i]);
        enum pt_code ignored = pt_path_remove(sys, name, NULL);
        (void)ignored; /* what stays is in nobody's way */
    }
}

struct sweep {
    struct pt_sys *sys;
    const char *directory;
};

static void sweep_entry(void *arg, const char *name)
{
    const struct sweep *sweep = arg;
    char path[PATH_SIZE];
    enum pt_code ignored = pt_path_remove(sweep->sys, path_of(sweep->directory, name, path), NULL);
    (void)ignored; /* a folder, mostly: it may stay, empty */
}

/* Remove every file of a folder. */
static void sweep(struct pt_sys *sys, const char *directory)
{
    struct sweep sweep = {.sys = sys, .directory = directory};
    enum pt_code ignored =
        pt_path_exists(sys, directory) ? pt_dir_list(sys, directory, sweep_entry, &sweep, NULL) : PT_OK;
    (void)ignored; /* what stays is found by whoever needs the place */
}

/* From the scratch state to a log folder that begins with it. */
static enum pt_code make_log(struct reseed *reseed, const char *directory, uint64_t raft_id, const char *peer_address,
                             struct pt_error *reterr)
{
    char state[PATH_SIZE], raft[PATH_SIZE], group[PT_SERVE_GROUP_SIZE];
    path_of(directory, "reseed.state", state);
    pt_serve_log_folder(directory, reseed->report.epoch, raft);
    sweep(reseed->sys, raft); /* what an earlier try that did not finish has left: no identity names it */
    PT_TRY(pt_path_remove(reseed->sys, state, reterr));
    PT_TRY(pt_store_snapshot(pt_kind_store(reseed->machine), state, reterr));
    pt_serve_group(reseed->report.cluster_id, reseed->report.epoch, group);
    const struct pt_raft_seed seed = {.directory = raft,
                                      .cluster_id = group,
                                      .id = raft_id,
                                      .address = peer_address,
                                      .state_path = state,
                                      .index = reseed->index,
                                      .term = reseed->term,
                                      .chain = reseed->chain};
    return pt_raft_seed(reseed->sys, &seed, reterr);
}

/* ---- restore -------------------------------------------------------------------------------------------------- */

static void count_entry(void *arg, const char *name)
{
    (void)name;
    (*(size_t *)arg)++;
}

static enum pt_code check_empty(struct pt_sys *sys, const char *directory, struct pt_error *reterr)
{
    size_t len = 0;
    if (!pt_path_exists(sys, directory)) {
        return PT_OK;
    }
    PT_TRY(pt_dir_list(sys, directory, count_entry, &len, reterr));
    return len == 0 ? PT_OK
                    : pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS, directory,
                              "the folder is not empty: a restore makes a node in a new one; name it with --data");
}

static enum pt_code write_node(struct reseed *reseed, const struct pt_restore_options *options, uint64_t raft_id,
                               const struct pt_buf *ca_key, const struct pt_buf *ca_cert, struct pt_buf *ret_admin_pem,
                               struct pt_error *reterr)
{
    const struct pt_found_options *node = &options->node;
    struct pt_node_files files = {.raft_id = raft_id, .epoch = reseed->report.epoch};
    (void)snprintf(files.cluster_id, sizeof(files.cluster_id), "%s", reseed->report.cluster_id);
    (void)snprintf(files.role, sizeof(files.role), "controller");
    (void)snprintf(files.node_id, sizeof(files.node_id), "controller/%s", reseed->name + strlen("controllers/"));
    (void)snprintf(files.peer_listen, sizeof(files.peer_listen), "%s", node->peer_listen);
    (void)snprintf(files.api_listen, sizeof(files.api_listen), "%s", node->api_listen);
    (void)snprintf(files.agent_listen, sizeof(files.agent_listen), "%s", node->agent_listen);
    (void)snprintf(files.peer_address, sizeof(files.peer_address), "%s", node->peer_address);
    PT_AUTO(buf) struct pt_buf bundle_key = {0};
    PT_TRY(meta_text(reseed, PT_META_BUNDLE_PUBLIC, &bundle_key, reterr));
    if (bundle_key.size != sizeof(files.bundle_key)) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, PT_META_BUNDLE_PUBLIC, "the bundle key has a wrong size");
    }
    memcpy(files.bundle_key, bundle_key.data, sizeof(files.bundle_key));
    struct pt_serve_leaf leaf = {.cluster_id = files.cluster_id,
                                 .ca_key = (const char *)ca_key->data,
                                 .ca_cert = (const char *)ca_cert->data,
                                 .path = files.node_id,
                                 .lifetime_ns = PT_SERVE_LEAF_NS,
                                 .addresses = {node->peer_address, node->api_address, node->agent_address},
                                 .serves = true};
    enum pt_code code = pt_serve_leaf_new(reseed->sys, &leaf, &files.key_pem, &files.cert_pem, reterr);
    PT_AUTO(secret) struct pt_buf admin_key = {0};
    PT_AUTO(buf) struct pt_buf admin_cert = {0};
    if (code == PT_OK) {
        leaf.path = "admin/root";
        leaf.lifetime_ns = PT_SERVE_ADMIN_NS;
        leaf.serves = false;
        code = pt_serve_leaf_new(reseed->sys, &leaf, &admin_key, &admin_cert, reterr);
    }
    if (code == PT_OK) {
        pt_buf_append(ret_admin_pem, admin_cert.data, admin_cert.size);
        pt_buf_append(ret_admin_pem, admin_key.data, admin_key.size);
        pt_buf_append(ret_admin_pem, ca_cert->data, ca_cert->size);
        pt_buf_append(&files.ca_pem, ca_cert->data, ca_cert->size);
        code = pt_node_create(reseed->sys, node->directory, &files, reterr);
    }
    pt_node_files_fini(&files);
    return code;
}

/* With the backup's state in `state`. */
static enum pt_code restore_state(struct reseed *reseed, const struct pt_restore_options *options,
                                  const struct pt_backup_manifest *manifest, const char *state, const char *scratch,
                                  struct pt_buf *ret_admin_pem, struct pt_error *reterr)
{
    const struct pt_found_options *node = &options->node;
    PT_TRY(scratch_open(reseed, options->schema, options->mods, scratch, reterr));
    PT_TRY(pt_kind_restore(reseed->machine, state, reterr));
    struct pt_witness witness = pt_store_witness(pt_kind_store(reseed->machine));
    if (witness.applied_index != manifest->revision) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, "revision",
                       "the state is of revision %" PRIu64 ", the head says %" PRIu64 ": this backup cannot be used",
                       witness.applied_index, manifest->revision);
    }
    /* Behind everything that the old log can have given out. */
    reseed->index = manifest->index > witness.applied_index ? manifest->index : witness.applied_index;
    reseed->term = manifest->term + 1;
    pt_sys_random(reseed->sys, reseed->chain.bytes, PT_DIGEST_SIZE);
    if (node->id[0] != '\0') {
        (void)snprintf(reseed->name, sizeof(reseed->name), "controllers/%.63s", node->id);
    } else {
        (void)snprintf(reseed->name, sizeof(reseed->name), "%.79s", manifest->controller);
    }
    if (strncmp(reseed->name, "controllers/", 12) != 0 || !pt_id_valid(reseed->name + 12)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "--id",
                       "'%.64s' is not an id: lower-case letters, digits and '-', for example c1", node->id);
    }
    PT_AUTO(secret) struct pt_buf ca_key = {0};
    PT_AUTO(buf) struct pt_buf ca_cert = {0};
    uint64_t raft_id = 0;
    PT_TRY(open_ca(reseed, node->seal_key_path, &ca_key, &ca_cert, reterr));
    PT_TRY(settle(reseed, node, &raft_id, reterr));
    PT_TRY(make_log(reseed, node->directory, raft_id, node->peer_address, reterr));
    return write_node(reseed, options, raft_id, &ca_key, &ca_cert, ret_admin_pem, reterr);
}

enum pt_code pt_restore_cluster(struct pt_sys *sys, const struct pt_restore_options *options,
                                struct pt_reseed_report *ret_report, struct pt_buf *ret_admin_pem,
                                struct pt_error *reterr)
{
    const char *directory = options->node.directory;
    char state[PATH_SIZE], scratch[PATH_SIZE];
    struct pt_backup_manifest manifest;
    struct reseed reseed = {.sys = sys, .log = options->log};
    PT_TRY(check_empty(sys, directory, reterr));
    PT_TRY(pt_dir_make(sys, directory, reterr));
    path_of(directory, "restore.state", state);
    path_of(directory, "restore.db", scratch);
    struct pt_buf admin = {0};
    enum pt_code code = pt_backup_read(sys, options->file, state, &manifest, reterr);
    if (code == PT_OK) {
        code = restore_state(&reseed, options, &manifest, state, scratch, &admin, reterr);
    }
    pt_kind_close(reseed.machine);
    if (code != PT_OK) {
        char raft[PATH_SIZE];
        pt_serve_log_folder(directory, reseed.report.epoch, raft);
        sweep(sys, raft); /* the folder was empty before, so everything in it is ours */
        sweep(sys, directory);
        pt_auto_secret(&admin);
        return code;
    }
    scratch_remove(sys, scratch);
    code = pt_path_remove(sys, state, reterr);
    *ret_report = reseed.report;
    *ret_admin_pem = admin;
    return code;
}

/* ---- recover -------------------------------------------------------------------------------------------------- */

static enum pt_code replay_entry(void *context, const struct pt_raft_entry *entry, struct pt_error *reterr)
{
    struct reseed *reseed = context;
    const struct pt_log_entry same = {.index = entry->index, .term = entry->term, .data = entry->data};
    return pt_kind_apply(reseed->machine, &same, 1, entry->index, &reseed->chain, reterr);
}

/* A copy of the node's state, which itself stays as it is, and on it what the log holds beyond. */
static enum pt_code copy_state(struct reseed *reseed, const struct pt_recover_options *options,
                               const struct pt_node_files *files, const char *state, const char *scratch,
                               struct pt_error *reterr)
{
    char path[PATH_SIZE], raft[PATH_SIZE], group[PT_SERVE_GROUP_SIZE];
    PT_TRY(pt_path_remove(reseed->sys, state, reterr));
    PT_TRY(scratch_open(reseed, options->schema, options->mods, path_of(options->directory, "state.db", path), reterr));
    PT_TRY(pt_store_snapshot(pt_kind_store(reseed->machine), state, reterr));
    pt_kind_close(reseed->machine);
    reseed->machine = NULL;
    PT_TRY(scratch_open(reseed, options->schema, options->mods, scratch, reterr));
    PT_TRY(pt_kind_restore(reseed->machine, state, reterr));

    struct pt_witness witness = pt_store_witness(pt_kind_store(reseed->machine));
    pt_serve_group(files->cluster_id, files->epoch, group);
    pt_serve_log_folder(options->directory, files->epoch, raft);
    struct pt_raft_replay replay = {.directory = raft,
                                    .cluster_id = group,
                                    .id = files->raft_id,
                                    .applied_index = witness.applied_index,
                                    .acked_index = witness.acked_index,
                                    .log_hash = witness.log_hash,
                                    .entry = replay_entry,
                                    .context = reseed};
    pt_sys_random(reseed->sys, reseed->chain.bytes, PT_DIGEST_SIZE);
    PT_TRY(pt_raft_replay(reseed->sys, &replay, reterr));
    reseed->index = replay.last_index;
    reseed->term = replay.term + 1;
    reseed->report.applied_before = witness.applied_index;
    reseed->report.last_index = replay.last_index;
    reseed->report.entries_replayed = replay.entries_len;
    return PT_OK;
}

static enum pt_code recover(struct reseed *reseed, const struct pt_recover_options *options,
                            struct pt_node_files *files, struct pt_error *reterr)
{
    char state[PATH_SIZE], scratch[PATH_SIZE];
    const char *directory = options->directory;
    if (strcmp(files->role, "controller") != 0) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, directory,
                       "this node is an edge; recover runs on a controller");
    }
    (void)snprintf(reseed->name, sizeof(reseed->name), "controllers/%.63s", files->node_id + strlen("controller/"));
    scratch_remove(reseed->sys, path_of(directory, "recover.db", scratch));
    PT_TRY(copy_state(reseed, options, files, path_of(directory, "recover.state", state), scratch, reterr));
    PT_AUTO(secret) struct pt_buf ca_key = {0};
    PT_AUTO(buf) struct pt_buf ca_cert = {0};
    uint64_t raft_id = 0;
    PT_TRY(open_ca(reseed, options->seal_key_path, &ca_key, &ca_cert, reterr));
    PT_TRY(settle(reseed, NULL, &raft_id, reterr));
    PT_TRY(make_log(reseed, directory, raft_id, files->peer_address, reterr));
    pt_kind_close(reseed->machine);
    reseed->machine = NULL;
    scratch_remove(reseed->sys, scratch);
    files->epoch = reseed->report.epoch;
    files->raft_id = raft_id;
    return pt_node_save_identity(reseed->sys, directory, files, reterr);
}

enum pt_code pt_recover_cluster(struct pt_sys *sys, const struct pt_recover_options *options,
                                struct pt_reseed_report *ret_report, struct pt_error *reterr)
{
    struct pt_node_files files;
    struct pt_file *lock = NULL;
    struct reseed reseed = {.sys = sys, .log = options->log};
    PT_TRY(pt_node_load(sys, options->directory, &files, reterr));
    enum pt_code code = pt_node_lock(sys, options->directory, &lock, reterr);
    if (code == PT_OK) {
        code = recover(&reseed, options, &files, reterr);
    }
    pt_kind_close(reseed.machine);
    pt_file_close(lock);
    pt_node_files_fini(&files);
    if (code == PT_OK) {
        *ret_report = reseed.report;
    }
    return code;
}
