/*
 * Backup from any controller, and what a cluster can begin with anew: the backup, or one survivor.
 */
#include "fixture.h"

#include "node/backup.h"

struct download {
    struct pt_backup_manifest manifest;
    struct pt_buf state;
    struct pt_error error; /* code PT_OK: it ended well */
    bool begun, done;
};

static void on_chunk(void *arg, struct pt_bytes message)
{
    struct download *download = arg;
    Patronus__V1__BackupChunk *chunk = patronus__v1__backup_chunk__unpack(NULL, message.size, message.data);
    ck_assert_ptr_nonnull(chunk);
    if (chunk->manifest != NULL) {
        ck_assert(!download->begun);
        download->begun = true;
        struct pt_backup_manifest *manifest = &download->manifest;
        *manifest = (struct pt_backup_manifest){.epoch = chunk->manifest->epoch,
                                                .revision = chunk->manifest->revision,
                                                .index = chunk->manifest->index,
                                                .term = chunk->manifest->term,
                                                .level = chunk->manifest->level,
                                                .stale = (uint64_t)chunk->manifest->stale,
                                                .size = chunk->manifest->size};
        (void)snprintf(manifest->cluster_id, sizeof(manifest->cluster_id), "%s", chunk->manifest->cluster_id);
        (void)snprintf(manifest->controller, sizeof(manifest->controller), "%s", chunk->manifest->controller);
        (void)snprintf(manifest->version, sizeof(manifest->version), "%s", chunk->manifest->software_version);
        ck_assert_int_eq(pt_digest_from_hex(chunk->manifest->sha256, &manifest->sha256, NULL), PT_OK);
    }
    ck_assert(download->begun);
    pt_buf_append(&download->state, chunk->data.data, chunk->data.len);
    patronus__v1__backup_chunk__free_unpacked(chunk, NULL);
}

static void on_download_end(void *arg, const struct pt_error *error)
{
    struct download *download = arg;
    download->done = true;
    if (error != NULL) {
        download->error = *error;
    }
}

static void backup(struct cluster *cluster, unsigned number, bool stale, struct download *download)
{
    static const struct pt_rpc_stream_ops ops = {.on_message = on_chunk, .on_end = on_download_end};
    *download = (struct download){.done = false};
    struct pt_rpc_stream *stream =
        pt_rpc_stream_open(cluster->nodes[number].admin, "/patronus.v1.ClusterService/Backup", NULL, 0, &ops, download);
    (void)pt_rpc_stream_send(stream, (struct pt_bytes){(const uint8_t *)"\x08\x01", stale ? 2 : 0});
    pt_rpc_stream_half_close(stream);
    STEP_UNTIL(cluster, download->done);
}

/* The file on a host's disk. */
static void save(struct cluster *cluster, unsigned host, const struct download *download, const char *path)
{
    struct pt_backup_writer *writer = NULL;
    struct pt_error error = {0};
    ck_assert_int_eq(pt_backup_create(host_sys(cluster, host), path, &download->manifest, &writer, &error), PT_OK);
    ck_assert_int_eq(pt_backup_write(writer, pt_buf_bytes(&download->state), &error), PT_OK);
    enum pt_code code = pt_backup_finish(writer, &error);
    ck_assert_msg(code == PT_OK, "%s", error.text);
}

static void create_org(struct cluster *cluster, unsigned number, const char *id)
{
    OK(cluster, number, "OrganizationService/CreateOrganization", "{\"organizationId\": \"%s\", \"organization\": {}}",
       id);
}

/* A write is acknowledged by the leader; a follower's backup, asked for right after, holds it. Without a leader only a
 * stale one is given. */
START_TEST(a_followers_backup_has_what_was_acknowledged)
{
    struct cluster world, *cluster = &world;
    struct download download;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned follower = (leader + 1) % NODES;
    create_org(cluster, leader, "newest");
    OK(cluster, leader, "OrganizationService/GetOrganization", "{\"name\": \"organizations/newest\"}");
    backup(cluster, follower, false, &download);
    ck_assert_int_eq(download.error.code, PT_OK);
    ck_assert_uint_eq(download.state.size, download.manifest.size);
    struct pt_digest digest = pt_sha256(download.state.data, download.state.size);
    ck_assert(pt_digest_equal(&digest, &download.manifest.sha256));
    uint64_t revision =
        pt_store_witness(pt_kind_store(pt_controller_machine(cluster->nodes[leader].controller))).applied_index;
    ck_assert_uint_le(download.manifest.revision, revision);
    ck_assert(memmem(download.state.data, download.state.size, "organizations/newest", 20) != NULL);
    pt_buf_fini(&download.state);
    /* A second one, with nothing written in between, is the same snapshot. */
    struct download again;
    backup(cluster, follower, false, &again);
    ck_assert_int_eq(again.error.code, PT_OK);
    ck_assert_uint_ge(again.manifest.index, download.manifest.index);
    pt_buf_fini(&again.state);
    node_crash(cluster, leader);
    node_crash(cluster, (leader + 2) % NODES);
    run_for_ms(cluster, 5000);
    backup(cluster, follower, false, &again);
    ck_assert_int_eq(again.error.code, PT_UNAVAILABLE);
    pt_buf_fini(&again.state);
    backup(cluster, follower, true, &again);
    ck_assert_int_eq(again.error.code, PT_OK);
    ck_assert_uint_eq(again.manifest.stale, 1);
    pt_buf_fini(&again.state);
    for (unsigned i = 0; i < NODES; i++) {
        if (i != follower) {
            pt_sim_restart(cluster->sim, i);
            node_open(cluster, i);
        }
    }
    STEP_UNTIL(cluster, leader_of(cluster) >= 0);
    cluster_fini(cluster);
}
END_TEST

/* Everything is lost but the file and the seal key. The new controller has the state of the backup, its own epoch, no
 * other members and no tokens; another seal key, or a folder in use, is refused and leaves nothing behind. */
START_TEST(a_restore_begins_a_new_epoch)
{
    struct cluster world, *cluster = &world;
    struct download download;
    PT_AUTO(buf) struct pt_buf token = {0};
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    make_token(cluster, "voter", "", 600, &token);
    create_org(cluster, leader, "kept");
    backup(cluster, leader, false, &download);
    ck_assert_int_eq(download.error.code, PT_OK);
    for (unsigned i = 0; i < NODES; i++) {
        node_crash(cluster, i);
    }
    pt_sim_restart(cluster->sim, 0);
    struct pt_sys *sys = host_sys(cluster, 0);
    save(cluster, 0, &download, "/backup");
    struct pt_restore_options options = {.schema = cluster->schema,
                                         .mods = pt_mods(),
                                         .log = &cluster->log,
                                         .file = "/backup",
                                         .node = {.directory = "/r1",
                                                  .seal_key_path = "/wrong.seal",
                                                  .id = "c1",
                                                  .region = "",
                                                  .peer_listen = "10.0.0.1:7401",
                                                  .api_listen = "10.0.0.1:7400",
                                                  .agent_listen = "10.0.0.1:7402",
                                                  .peer_address = "10.0.0.1:7401",
                                                  .api_address = "10.0.0.1:7400",
                                                  .agent_address = "10.0.0.1:7402"}};
    struct pt_reseed_report report;
    PT_AUTO(buf) struct pt_buf admin = {0};
    struct pt_error error = {0};
    static const uint8_t zeros[PT_SEAL_KEY_SIZE] = {0};
    ck_assert_int_eq(pt_node_seal_key_create(sys, "/wrong.seal", zeros, NULL), PT_OK);
    ck_assert_int_eq(pt_restore_cluster(sys, &options, &report, &admin, &error), PT_FAILED_PRECONDITION);
    ck_assert_str_eq(error.field, "/wrong.seal");
    options.node.seal_key_path = "/c1.seal";
    options.node.directory = "/c1";
    ck_assert_int_eq(pt_restore_cluster(sys, &options, &report, &admin, &error), PT_ALREADY_EXISTS);
    options.node.directory = "/r1";
    enum pt_code code = pt_restore_cluster(sys, &options, &report, &admin, &error);
    ck_assert_msg(code == PT_OK, "%s: %s", error.field, error.text);
    ck_assert_uint_eq(report.epoch, 1);
    ck_assert_uint_eq(report.controllers_removed, 2);
    ck_assert_uint_eq(report.voters_before, 3);
    ck_assert_uint_ge(report.tokens_removed, 1);
    ck_assert_uint_gt(report.revision, download.manifest.index);
    pt_buf_fini(&download.state);

    node_open_at(cluster, 0, "/r1");
    STEP_UNTIL(cluster, leader_of(cluster) == 0);
    OK(cluster, 0, "OrganizationService/GetOrganization", "{\"name\": \"organizations/kept\"}");
    OK(cluster, 0, "ControllerService/ListControllers", "{}");
    ANSWER_HAS("controllers/c1");
    ANSWER_LACKS("controllers/c2");
    OK(cluster, 0, "EnrollmentTokenService/ListEnrollmentTokens", "{}");
    ANSWER_LACKS("enrollmentTokens/");
    create_org(cluster, 0, "after");
    /* It survives a restart: the state that was installed is the node's own now. */
    node_crash(cluster, 0);
    pt_sim_restart(cluster->sim, 0);
    node_open_at(cluster, 0, "/r1");
    STEP_UNTIL(cluster, leader_of(cluster) == 0);
    OK(cluster, 0, "OrganizationService/GetOrganization", "{\"name\": \"organizations/after\"}");
    for (unsigned i = 1; i < NODES; i++) { /* those of before find nobody of theirs */
        pt_sim_restart(cluster->sim, i);
        node_open(cluster, i);
    }
    run_for_ms(cluster, 3000);
    OK(cluster, 0, "OrganizationService/GetOrganization", "{\"name\": \"organizations/after\"}");
    cluster_fini(cluster);
}
END_TEST

/* Two of three are gone for good. The third goes on with all of its log, and a second time too. */
START_TEST(a_survivor_goes_on_alone)
{
    struct cluster world, *cluster = &world;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned survivor = (leader + 1) % NODES;
    create_org(cluster, leader, "kept");
    run_for_ms(cluster, 1000); /* the survivor has it */
    for (unsigned i = 0; i < NODES; i++) {
        node_crash(cluster, i);
    }
    char directory[32], seal[32];
    node_path(survivor, "", directory);
    node_path(survivor, ".seal", seal);
    const struct pt_recover_options options = {.schema = cluster->schema,
                                               .mods = pt_mods(),
                                               .log = &cluster->log,
                                               .directory = directory,
                                               .seal_key_path = seal};
    struct pt_reseed_report report;
    struct pt_error error = {0};
    pt_sim_restart(cluster->sim, survivor);
    enum pt_code code = pt_recover_cluster(host_sys(cluster, survivor), &options, &report, &error);
    ck_assert_msg(code == PT_OK, "%s: %s", error.field, error.text);
    ck_assert_uint_eq(report.epoch, 1);
    ck_assert_uint_eq(report.voters_before, 3);
    ck_assert_uint_ge(report.last_index, report.applied_before);
    node_open(cluster, survivor);
    STEP_UNTIL(cluster, leader_of(cluster) == (int)survivor);
    OK(cluster, survivor, "OrganizationService/GetOrganization", "{\"name\": \"organizations/kept\"}");
    create_org(cluster, survivor, "after");
    /* Once more: nothing that the first one left is in the way. */
    node_close(cluster, survivor);
    code = pt_recover_cluster(host_sys(cluster, survivor), &options, &report, &error);
    ck_assert_msg(code == PT_OK, "%s: %s", error.field, error.text);
    ck_assert_uint_eq(report.epoch, 2);
    ck_assert_uint_eq(report.voters_before, 1);
    node_open(cluster, survivor);
    STEP_UNTIL(cluster, leader_of(cluster) == (int)survivor);
    OK(cluster, survivor, "OrganizationService/GetOrganization", "{\"name\": \"organizations/after\"}");
    for (unsigned i = 0; i < NODES; i++) {
        if (i != survivor) {
            pt_sim_restart(cluster->sim, i);
            node_open(cluster, i);
        }
    }
    cluster_fini(cluster);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reseed");
    TCase *tcase = tcase_create("backup, restore, recover");
    tcase_add_test(tcase, a_followers_backup_has_what_was_acknowledged);
    tcase_add_test(tcase, a_restore_begins_a_new_epoch);
    tcase_add_test(tcase, a_survivor_goes_on_alone);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
