/*
 * Founding, step by step; the identity file comes last, so that a crash before it leaves a folder that holds no node
 * and can be removed.
 *
 *   keys and CA -> certificates -> seal key file -> log with one voter -> founding commands -> node files
 *
 * The founding file is a sequence of records: be32 size, canonical Command.
 */
#include "serve/setup.h"

#include "base/assert.h"
#include "crypto/crypto.h"
#include "crypto/identity.h"
#include "kind/kind.h"
#include "node/files.h"
#include "patronus/v1/cluster.pb-c.h"
#include "patronus/v1/replication.pb-c.h"
#include "raft/raft_node.h"
#include "rpc/rpc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void pt_serve_group(const char *cluster_id, uint64_t epoch, char ret_group[PT_SERVE_GROUP_SIZE])
{
    if (epoch == 0) {
        (void)snprintf(ret_group, PT_SERVE_GROUP_SIZE, "%.63s", cluster_id);
    } else {
        (void)snprintf(ret_group, PT_SERVE_GROUP_SIZE, "%.63s.%" PRIu64, cluster_id, epoch);
    }
}

void pt_serve_log_folder(const char *directory, uint64_t epoch, char ret_path[1024])
{
    if (epoch == 0) {
        (void)snprintf(ret_path, 1024, "%.900s/raft", directory);
    } else {
        (void)snprintf(ret_path, 1024, "%.900s/raft.%" PRIu64, directory, epoch);
    }
}

/* ---- leaves --------------------------------------------------------------------------------------------------- */

enum pt_code pt_serve_leaf_new(struct pt_sys *sys, const struct pt_serve_leaf *leaf, struct pt_buf *ret_key,
                               struct pt_buf *ret_cert, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf csr = {0};
    if (ret_key->size == 0) {
        PT_TRY(pt_key_new(ret_key, reterr));
    }
    PT_TRY(pt_csr_new((const char *)ret_key->data, &csr, reterr));
    char spiffe_id[PT_SPIFFE_SIZE_MAX];
    (void)snprintf(spiffe_id, sizeof(spiffe_id), "spiffe://%.63s/%.400s", leaf->cluster_id, leaf->path);
    struct pt_ip ips[3];
    size_t ips_len = 0;
    for (size_t i = 0; i < 3 && leaf->serves; i++) {
        struct pt_endpoint endpoint;
        PT_TRY(pt_endpoint_parse(leaf->addresses[i], &endpoint, reterr));
        if (ips_len == 0 || !pt_ip_equal(&ips[ips_len - 1], &endpoint.ip)) {
            ips[ips_len++] = endpoint.ip;
        }
    }
    static const char *const dns[] = {PT_RPC_SERVER_NAME, "localhost"};
    const struct pt_leaf_options options = {.spiffe_id = spiffe_id,
                                            .now_ns = pt_sys_wall_ns(sys),
                                            .lifetime_ns = leaf->lifetime_ns,
                                            .ips = ips,
                                            .ips_len = ips_len,
                                            .dns = dns,
                                            .dns_len = leaf->serves ? 2 : 0,
                                            .serial = pt_sys_random_u64(sys) | 1};
    return pt_leaf_sign(leaf->ca_key, leaf->ca_cert, pt_buf_bytes(&csr), &options, ret_cert, reterr);
}

/* ---- founding ------------------------------------------------------------------------------------------------- */

struct founding {
    struct pt_sys *sys;
    const struct pt_found_options *options;
    char cluster_id[64];
    uint8_t seal_key[PT_SEAL_KEY_SIZE];
    uint8_t bundle_seed[PT_SIGN_PRIVATE_SIZE];
    uint8_t bundle_public[PT_SIGN_PUBLIC_SIZE];
    struct pt_buf ca_key, ca_cert;
    struct pt_buf commands;
};

static void founding_fini(struct founding *founding)
{
    pt_memory_clear(founding->seal_key, sizeof(founding->seal_key));
    pt_memory_clear(founding->bundle_seed, sizeof(founding->bundle_seed));
    pt_auto_secret(&founding->ca_key);
    pt_buf_fini(&founding->ca_cert);
    pt_buf_fini(&founding->commands);
}

static void add_command(struct founding *founding, Patronus__V1__Command *command)
{
    command->format = 1;
    command->time_ns = pt_sys_wall_ns(founding->sys);
    command->principal = (char *)"internal";
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_kind_command(command, &data);
    pt_buf_append_be32(&founding->commands, (uint32_t)data.size);
    pt_buf_append(&founding->commands, data.data, data.size);
}

static void add_meta(struct founding *founding, const char *key, struct pt_bytes value)
{
    Patronus__V1__SetMeta meta = PATRONUS__V1__SET_META__INIT;
    meta.key = (char *)(uintptr_t)key;
    meta.value = (ProtobufCBinaryData){.len = value.size, .data = (uint8_t *)(uintptr_t)value.data};
    meta.if_absent = 1;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_SET_META;
    command.set_meta = &meta;
    add_command(founding, &command);
}

/* A new cluster has no older binaries to wait for. */
static void add_level(struct founding *founding)
{
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_RAISE_LEVEL;
    command.raise_level = founding->options->level != 0 ? founding->options->level : PT_CLUSTER_LEVEL_MAX;
    add_command(founding, &command);
}

static void add_sealed(struct founding *founding, const char *key, struct pt_bytes secret)
{
    uint8_t nonce[PT_SEAL_NONCE_SIZE];
    pt_sys_random(founding->sys, nonce, sizeof(nonce));
    PT_AUTO(buf) struct pt_buf sealed = {0};
    pt_seal(founding->seal_key, nonce, key, secret, &sealed);
    add_meta(founding, key, pt_buf_bytes(&sealed));
}

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void add_controller(struct founding *founding)
{
    const struct pt_found_options *options = founding->options;
    Patronus__V1__Controller resource = PATRONUS__V1__CONTROLLER__INIT;
    resource.raft_id = FIRST_RAFT_ID;
    resource.peer_address = borrow(options->peer_address);
    resource.api_address = borrow(options->api_address);
    resource.agent_address = borrow(options->agent_address);
    resource.region = borrow(options->region);
    resource.role = PATRONUS__V1__CONTROLLER_ROLE__VOTER;
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__controller__get_packed_size(&resource);
    (void)patronus__v1__controller__pack(&resource, pt_buf_reserve(&data, size));
    data.size = size;

    char name[80];
    char uid[33];
    (void)snprintf(name, sizeof(name), "controllers/%.63s", options->id);
    (void)snprintf(uid, sizeof(uid), "%016llx%016llx", (unsigned long long)pt_sys_random_u64(founding->sys),
                   (unsigned long long)pt_sys_random_u64(founding->sys));
    Patronus__V1__Mutation mutation = PATRONUS__V1__MUTATION__INIT;
    mutation.verb = PATRONUS__V1__VERB__CREATE;
    mutation.kind_id = 12; /* controller, cluster.proto */
    mutation.name = name;
    mutation.resource = (ProtobufCBinaryData){.len = data.size, .data = data.data};
    mutation.uid = uid;
    Patronus__V1__Mutation *mutations[] = {&mutation};
    Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
    transaction.n_mutations = 1;
    transaction.mutations = mutations;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
    command.transaction = &transaction;
    add_command(founding, &command);
}

/* A key and a leaf for it. */
static enum pt_code make_leaf(struct founding *founding, const char *path, int64_t lifetime_ns, bool serves,
                              struct pt_buf *ret_key, struct pt_buf *ret_cert, struct pt_error *reterr)
{
    const struct pt_found_options *options = founding->options;
    const struct pt_serve_leaf leaf = {
        .cluster_id = founding->cluster_id,
        .ca_key = (const char *)founding->ca_key.data,
        .ca_cert = (const char *)founding->ca_cert.data,
        .path = path,
        .lifetime_ns = lifetime_ns,
        .addresses = {options->peer_address, options->api_address, options->agent_address},
        .serves = serves};
    return pt_serve_leaf_new(founding->sys, &leaf, ret_key, ret_cert, reterr);
}

static enum pt_code write_node(struct founding *founding, struct pt_error *reterr)
{
    const struct pt_found_options *options = founding->options;
    struct pt_node_files files = {.raft_id = FIRST_RAFT_ID};
    (void)snprintf(files.cluster_id, sizeof(files.cluster_id), "%s", founding->cluster_id);
    (void)snprintf(files.role, sizeof(files.role), "controller");
    (void)snprintf(files.node_id, sizeof(files.node_id), "controller/%s", options->id);
    (void)snprintf(files.peer_listen, sizeof(files.peer_listen), "%s", options->peer_listen);
    (void)snprintf(files.api_listen, sizeof(files.api_listen), "%s", options->api_listen);
    (void)snprintf(files.agent_listen, sizeof(files.agent_listen), "%s", options->agent_listen);
    (void)snprintf(files.peer_address, sizeof(files.peer_address), "%s", options->peer_address);
    memcpy(files.bundle_key, founding->bundle_public, sizeof(files.bundle_key));
    enum pt_code code =
        make_leaf(founding, files.node_id, PT_SERVE_LEAF_NS, true, &files.key_pem, &files.cert_pem, reterr);
    if (code == PT_OK) {
        pt_buf_append(&files.ca_pem, founding->ca_cert.data, founding->ca_cert.size);
        code = pt_node_create(founding->sys, options->directory, &files, reterr);
    }
    pt_node_files_fini(&files);
    return code;
}

static enum pt_code found(struct founding *founding, struct pt_buf *ret_admin_pem, struct pt_error *reterr)
{
    struct pt_sys *sys = founding->sys;
    const struct pt_found_options *options = founding->options;
    (void)snprintf(founding->cluster_id, sizeof(founding->cluster_id), "c-%016llx",
                   (unsigned long long)pt_sys_random_u64(sys));
    if (pt_node_seal_key_is_file(options->seal_key_path)) {
        pt_sys_random(sys, founding->seal_key, sizeof(founding->seal_key));
    } else { /* somebody else keeps it, and made it */
        PT_TRY(pt_node_seal_key_load(sys, options->seal_key_path, founding->seal_key, reterr));
    }
    pt_sys_random(sys, founding->bundle_seed, sizeof(founding->bundle_seed));
    pt_sign_keypair(founding->bundle_seed, founding->bundle_public);
    PT_TRY(pt_ca_new(founding->cluster_id, pt_sys_wall_ns(sys), &founding->ca_key, &founding->ca_cert, reterr));

    PT_AUTO(secret) struct pt_buf admin_key = {0};
    PT_AUTO(buf) struct pt_buf admin_cert = {0};
    PT_TRY(make_leaf(founding, "admin/root", PT_SERVE_ADMIN_NS, false, &admin_key, &admin_cert, reterr));
    pt_buf_append(ret_admin_pem, admin_cert.data, admin_cert.size);
    pt_buf_append(ret_admin_pem, admin_key.data, admin_key.size);
    pt_buf_append(ret_admin_pem, founding->ca_cert.data, founding->ca_cert.size);

    add_meta(founding, PT_META_CA_CERT, pt_buf_bytes(&founding->ca_cert));
    add_sealed(founding, PT_META_CA_KEY, pt_buf_bytes(&founding->ca_key));
    add_sealed(founding, PT_META_BUNDLE_KEY,
               (struct pt_bytes){.data = founding->bundle_seed, .size = sizeof(founding->bundle_seed)});
    add_meta(founding, PT_META_BUNDLE_PUBLIC,
             (struct pt_bytes){.data = founding->bundle_public, .size = sizeof(founding->bundle_public)});
    add_level(founding);
    add_controller(founding);
    /* Last: its presence says that all of the above is there too (founding.c). */
    add_meta(founding, PT_META_CLUSTER_ID,
             (struct pt_bytes){.data = (const uint8_t *)founding->cluster_id, .size = strlen(founding->cluster_id)});

    char path[1024];
    PT_TRY(pt_dir_make(sys, options->directory, reterr));
    PT_TRY(pt_node_seal_key_create(sys, options->seal_key_path, founding->seal_key, reterr));
    (void)snprintf(path, sizeof(path), "%s/raft", options->directory);
    PT_TRY(pt_raft_bootstrap(sys, path, founding->cluster_id, FIRST_RAFT_ID, options->peer_address, reterr));
    (void)snprintf(path, sizeof(path), "%s/founding", options->directory);
    PT_TRY(pt_path_write(sys, path, founding->commands.data, founding->commands.size, reterr));
    return write_node(founding, reterr);
}

enum pt_code pt_found_cluster(struct pt_sys *sys, const struct pt_found_options *options, struct pt_buf *ret_admin_pem,
                              struct pt_error *reterr)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/identity", options->directory);
    if (pt_path_exists(sys, path)) {
        return pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS, options->directory,
                       "the folder already holds a node; name another folder, or remove this one first");
    }
    if (!pt_id_valid(options->id)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "id",
                       "'%.64s' is not an id: lower-case letters, digits and '-', for example c1", options->id);
    }
    struct founding founding = {.sys = sys, .options = options};
    struct pt_buf admin = {0};
    enum pt_code code = found(&founding, &admin, reterr);
    founding_fini(&founding);
    if (code == PT_OK) {
        *ret_admin_pem = admin;
    } else {
        pt_auto_secret(&admin);
    }
    return code;
}
