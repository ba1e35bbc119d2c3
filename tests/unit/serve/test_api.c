/*
 * One controller as its clients see it: the life of resources, pages, watches, and who is refused with which code.
 */
#include "fixture.h"

/* ---- resources ----------------------------------------------------------------------------------------------------
 */

START_TEST(a_resource_lives_from_create_to_delete)
{
    struct cluster world, *cluster = &world;
    cluster_init(cluster);
    OK(cluster, 0, "SiteService/CreateSite",
       "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {\"displayName\": \"New York\"}}");
    ANSWER_HAS("\"name\":\"organizations/acme/sites/nyc\"");
    ANSWER_HAS("\"etag\":");
    ANSWER_HAS("\"createTime\":");
    REFUSED(PT_ALREADY_EXISTS, cluster, 0, "SiteService/CreateSite",
            "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {}}");
    OK(cluster, 0, "SiteService/UpdateSite",
       "{\"site\": {\"name\": \"organizations/acme/sites/nyc\", \"displayName\": \"NYC\"}, \"updateMask\": "
       "\"displayName\"}");
    OK(cluster, 0, "SiteService/GetSite", "{\"name\": \"organizations/acme/sites/nyc\"}");
    ANSWER_HAS("\"displayName\":\"NYC\"");
    OK(cluster, 0, "SiteService/DeleteSite", "{\"name\": \"organizations/acme/sites/nyc\"}");
    REFUSED(PT_NOT_FOUND, cluster, 0, "SiteService/GetSite", "{\"name\": \"organizations/acme/sites/nyc\"}");
    ck_assert_int_eq(cluster->answer.error.reason, PT_REASON_RESOURCE_NOT_FOUND);
    cluster_fini(cluster);
}
END_TEST

/* A wrong field is named; nothing changes. */
START_TEST(bad_input_names_the_field_and_changes_nothing)
{
    struct cluster world, *cluster = &world;
    cluster_init(cluster);
    struct pt_digest before = state_digest(cluster, 0);
    REFUSED(PT_INVALID_ARGUMENT, cluster, 0, "SiteService/CreateSite",
            "{\"parent\": \"organizations/acme\", \"siteId\": \"Not An Id\", \"site\": {}}");
    ck_assert_str_eq(cluster->answer.error.field, "site_id");
    REFUSED(PT_INVALID_ARGUMENT, cluster, 0, "ControllerService/CreateController",
            "{\"controllerId\": \"c9\", \"controller\": {\"peerAddress\": \"no port\", \"apiAddress\": "
            "\"10.0.0.9:1\", \"agentAddress\": \"10.0.0.9:2\", \"role\": \"VOTER\"}}");
    ck_assert_ptr_nonnull(strstr(cluster->answer.error.field, "peer_address"));
    ck_assert_int_eq(call(cluster, 0, "SiteService/CreateSite",
                          "{\"parent\": \"organizations/ghost\", \"siteId\": \"nyc\", \"site\": {}}") == PT_OK,
                     false);
    struct pt_digest after = state_digest(cluster, 0);
    ck_assert(pt_digest_equal(&before, &after));
    cluster_fini(cluster);
}
END_TEST

START_TEST(validate_only_answers_and_changes_nothing)
{
    struct cluster world, *cluster = &world;
    cluster_init(cluster);
    struct pt_digest before = state_digest(cluster, 0);
    OK(cluster, 0, "SiteService/CreateSite",
       "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {}, \"validateOnly\": true}");
    ANSWER_HAS("organizations/acme/sites/nyc");
    struct pt_digest after = state_digest(cluster, 0);
    ck_assert(pt_digest_equal(&before, &after));
    REFUSED(PT_NOT_FOUND, cluster, 0, "SiteService/GetSite", "{\"name\": \"organizations/acme/sites/nyc\"}");
    cluster_fini(cluster);
}
END_TEST

START_TEST(an_old_etag_is_a_conflict)
{
    struct cluster world, *cluster = &world;
    cluster_init(cluster);
    OK(cluster, 0, "SiteService/CreateSite", "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {}}");
    char etag[128] = "";
    const char *at = strstr(cluster->answer.json, "\"etag\":\"");
    ck_assert_ptr_nonnull(at);
    (void)sscanf(at, "\"etag\":\"%127[^\"]", etag);
    OK(cluster, 0, "SiteService/UpdateSite",
       "{\"site\": {\"name\": \"organizations/acme/sites/nyc\", \"displayName\": \"one\", \"etag\": \"%s\"}}", etag);
    REFUSED(PT_ABORTED, cluster, 0, "SiteService/UpdateSite",
            "{\"site\": {\"name\": \"organizations/acme/sites/nyc\", \"displayName\": \"two\", \"etag\": \"%s\"}}",
            etag);
    REFUSED(PT_ABORTED, cluster, 0, "SiteService/DeleteSite",
            "{\"name\": \"organizations/acme/sites/nyc\", \"etag\": \"%s\"}", etag);
    OK(cluster, 0, "SiteService/GetSite", "{\"name\": \"organizations/acme/sites/nyc\"}");
    ANSWER_HAS("\"displayName\":\"one\"");
    cluster_fini(cluster);
}
END_TEST

/* The second call with the same id answers as the first did, though the resource exists; another id meets it. */
START_TEST(a_request_id_makes_a_retry_safe)
{
    struct cluster world, *cluster = &world;
    cluster_init(cluster);
    static const char create[] = "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {}, "
                                 "\"requestId\": \"%s\"}";
    OK(cluster, 0, "SiteService/CreateSite", create, "r1");
    char *first = strdup(cluster->answer.json);
    struct pt_digest before = state_digest(cluster, 0);
    OK(cluster, 0, "SiteService/CreateSite", create, "r1");
    ck_assert_str_eq(cluster->answer.json, first);
    struct pt_digest after = state_digest(cluster, 0);
    ck_assert(pt_digest_equal(&before, &after));
    REFUSED(PT_ALREADY_EXISTS, cluster, 0, "SiteService/CreateSite", create, "r2");
    free(first);
    cluster_fini(cluster);
}
END_TEST

START_TEST(a_list_comes_in_pages)
{
    struct cluster world, *cluster = &world;
    cluster_init(cluster);
    for (unsigned i = 0; i < 7; i++) {
        OK(cluster, 0, "SiteService/CreateSite",
           "{\"parent\": \"organizations/acme\", \"siteId\": \"s%u\", \"site\": {}}", i);
    }
    char token[512] = "";
    unsigned seen = 0;
    unsigned pages = 0;
    do {
        OK(cluster, 0, "SiteService/ListSites",
           "{\"parent\": \"organizations/acme\", \"pageSize\": 3, \"pageToken\": \"%s\"}", token);
        for (const char *at = cluster->answer.json; (at = strstr(at, "\"name\":")) != NULL; at++) {
            char wanted[64];
            (void)snprintf(wanted, sizeof(wanted), "\"name\":\"organizations/acme/sites/s%u\"", seen++);
            ck_assert_int_eq(strncmp(at, wanted, strlen(wanted)), 0);
        }
        token[0] = '\0';
        const char *next = strstr(cluster->answer.json, "\"nextPageToken\":\"");
        if (next != NULL) {
            (void)sscanf(next, "\"nextPageToken\":\"%511[^\"]", token);
        }
        pages++;
    } while (token[0] != '\0');
    ck_assert_uint_eq(seen, 7);
    ck_assert_uint_eq(pages, 3);
    REFUSED(PT_INVALID_ARGUMENT, cluster, 0, "SiteService/ListSites",
            "{\"parent\": \"organizations/acme\", \"pageToken\": \"forged\"}");
    cluster_fini(cluster);
}
END_TEST

/* ---- watch --------------------------------------------------------------------------------------------------------
 */

struct watcher {
    struct cluster *cluster;
    struct pt_rpc_stream *stream;
    const struct pt_message_type *type;
    unsigned added, deleted, bookmarks;
    char token[512];
    bool ended;
    struct pt_error error;
};

static void on_event(void *arg, struct pt_bytes data)
{
    struct watcher *watcher = arg;
    char *json = decode_json(watcher->cluster, watcher->type, data);
    watcher->added += strstr(json, "\"ADDED\"") != NULL;
    watcher->deleted += strstr(json, "\"DELETED\"") != NULL;
    watcher->bookmarks += strstr(json, "\"BOOKMARK\"") != NULL;
    const char *at = strstr(json, "\"resumeToken\":\"");
    if (at != NULL) {
        (void)sscanf(at, "\"resumeToken\":\"%511[^\"]", watcher->token);
    }
    free(json);
}

static void on_watch_end(void *arg, const struct pt_error *error)
{
    struct watcher *watcher = arg;
    watcher->ended = true;
    if (error != NULL) {
        watcher->error = *error;
    }
}

static const struct pt_rpc_stream_ops watcher_ops = {.on_message = on_event, .on_end = on_watch_end};

static void watch(struct cluster *cluster, unsigned number, const char *json, struct watcher *watcher)
{
    const struct pt_method_type *type = pt_schema_method(cluster->schema, "/patronus.v1.WatchService/Watch");
    *watcher = (struct watcher){.cluster = cluster, .type = type->output};
    PT_AUTO(buf) struct pt_buf request = {0};
    encode_json(cluster, type->input, json, &request);
    watcher->stream = pt_rpc_stream_open(cluster->nodes[number].admin, type->path, NULL, 0, &watcher_ops, watcher);
    (void)pt_rpc_stream_send(watcher->stream, pt_buf_bytes(&request));
    pt_rpc_stream_half_close(watcher->stream);
}

START_TEST(a_watch_resumes_where_it_ended)
{
    struct cluster world, *cluster = &world;
    struct watcher watcher;
    cluster_init(cluster);
    OK(cluster, 0, "SiteService/CreateSite", "{\"parent\": \"organizations/acme\", \"siteId\": \"s0\", \"site\": {}}");
    watch(cluster, 0, "{\"kinds\": [\"sites\"], \"sendInitial\": true}", &watcher);
    STEP_UNTIL(cluster, watcher.bookmarks == 1);
    ck_assert_uint_eq(watcher.added, 1);
    OK(cluster, 0, "SiteService/CreateSite", "{\"parent\": \"organizations/acme\", \"siteId\": \"s1\", \"site\": {}}");
    STEP_UNTIL(cluster, watcher.added == 2);
    pt_rpc_stream_cancel(watcher.stream);
    STEP_UNTIL(cluster, watcher.ended);
    OK(cluster, 0, "SiteService/CreateSite", "{\"parent\": \"organizations/acme\", \"siteId\": \"s2\", \"site\": {}}");
    OK(cluster, 0, "SiteService/DeleteSite", "{\"name\": \"organizations/acme/sites/s0\"}");
    char json[700];
    (void)snprintf(json, sizeof(json), "{\"kinds\": [\"sites\"], \"resumeToken\": \"%s\"}", watcher.token);
    watch(cluster, 0, json, &watcher);
    STEP_UNTIL(cluster, watcher.deleted == 1);
    ck_assert_uint_eq(watcher.added, 1);
    /* A stop ends the stream and says so; it does not wait for the client. */
    uint64_t from_ns = pt_sim_now_ns(cluster->sim);
    node_close(cluster, 0);
    ck_assert_uint_lt(pt_sim_now_ns(cluster->sim) - from_ns, 400000000ULL);
    STEP_UNTIL(cluster, watcher.ended);
    ck_assert_int_eq(watcher.error.code, PT_UNAVAILABLE);
    ck_assert_int_eq(watcher.error.reason, PT_REASON_SHUTTING_DOWN);
    cluster_fini(cluster);
}
END_TEST

START_TEST(a_bad_watch_is_refused)
{
    struct cluster world, *cluster = &world;
    struct watcher watcher;
    cluster_init(cluster);
    watch(cluster, 0, "{\"kinds\": [\"unicorns\"]}", &watcher);
    STEP_UNTIL(cluster, watcher.ended);
    ck_assert_int_eq(watcher.error.code, PT_INVALID_ARGUMENT);
    watch(cluster, 0, "{\"resumeToken\": \"forged\"}", &watcher);
    STEP_UNTIL(cluster, watcher.ended);
    ck_assert_int_eq(watcher.error.code, PT_INVALID_ARGUMENT);
    cluster_fini(cluster);
}
END_TEST

/* ---- bytes that are no request ------------------------------------------------------------------------------------
 */

START_TEST(what_is_no_request_is_refused_and_changes_nothing)
{
    struct cluster world, *cluster = &world;
    cluster_init(cluster);
    struct pt_digest before = state_digest(cluster, 0);
    struct pt_rpc_channel *admin = cluster->nodes[0].admin;
    static const char *const methods[] = {"/patronus.v1.SiteService/CreateSite",
                                          "/patronus.v1.SiteService/ListSites",
                                          "/patronus.v1.EnrollmentService/Enroll",
                                          "/patronus.v1.EnrollmentService/Renew",
                                          "/patronus.v1.ClusterService/TransferLeadership",
                                          "/grpc.health.v1.Health/Check"};
    static const uint8_t garbage[] = {0xff, 0xff, 0xff, 0xff, 0xff};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        enum pt_code code = call_raw(cluster, admin, methods[i], (struct pt_bytes){garbage, sizeof(garbage)}, NULL);
        ck_assert_msg(code == PT_INVALID_ARGUMENT, "%s: %s", methods[i], pt_code_name(code));
    }
    /* CreateSiteRequest.parent with a NUL in it, and with invalid UTF-8. */
    ck_assert_int_eq(call_raw(cluster, admin, methods[0],
                              (struct pt_bytes){(const uint8_t *)"\x0a\x03"
                                                                 "a\0b",
                                                5},
                              NULL),
                     PT_INVALID_ARGUMENT);
    ck_assert_int_eq(call_raw(cluster, admin, methods[0], (struct pt_bytes){(const uint8_t *)"\x0a\x01\xff", 3}, NULL),
                     PT_INVALID_ARGUMENT);
    /* Just above the limit of a message, and above what the transport takes. */
    size_t size = 3U << 20;
    uint8_t *large = calloc(1, size);
    ck_assert_ptr_nonnull(large);
    large[0] = 0x0a; /* field 1, the length as a varint of four bytes */
    size_t text = (1U << 20) + 100;
    large[1] = (uint8_t)(text | 0x80), large[2] = (uint8_t)(text >> 7 | 0x80), large[3] = (uint8_t)(text >> 14);
    memset(large + 4, 'a', text);
    enum pt_code code = call_raw(cluster, admin, methods[0], (struct pt_bytes){large, text + 4}, NULL);
    ck_assert_msg(code == PT_INVALID_ARGUMENT || code == PT_EXHAUSTED, "%s", pt_code_name(code));
    ck_assert_int_eq(call_raw(cluster, admin, methods[0], (struct pt_bytes){large, size}, NULL), PT_EXHAUSTED);
    free(large);
    struct pt_digest after = state_digest(cluster, 0);
    ck_assert(pt_digest_equal(&before, &after));
    cluster_fini(cluster);
}
END_TEST

/* Ten thousand levels of a message in a message, which protobuf-c alone would follow down to the end of the stack. The
 * schema has no message that holds itself but a reflection request holds none either: an unknown group is as deep. */
START_TEST(depth_is_refused_before_anything_unpacks_it)
{
    struct cluster world, *cluster = &world;
    cluster_init(cluster);
    size_t depth = 10000;
    uint8_t *groups = malloc(2 * depth);
    ck_assert_ptr_nonnull(groups);
    memset(groups, 0x0b, depth);         /* start of group 1 */
    memset(groups + depth, 0x0c, depth); /* end of group 1 */
    struct pt_rpc_channel *admin = cluster->nodes[0].admin;
    struct pt_bytes data = {groups, 2 * depth};
    ck_assert_int_eq(call_raw(cluster, admin, "/patronus.v1.SiteService/CreateSite", data, NULL), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(call_raw(cluster, admin, "/patronus.v1.EnrollmentService/Enroll", data, NULL),
                     PT_INVALID_ARGUMENT);
    ck_assert_int_eq(call_raw(cluster, admin, "/grpc.health.v1.Health/Check", data, NULL), PT_INVALID_ARGUMENT);
    free(groups);
    cluster_fini(cluster);
}
END_TEST

/* ---- who may ------------------------------------------------------------------------------------------------------
 */

START_TEST(each_caller_reaches_what_is_his_and_no_more)
{
    struct cluster world, *cluster = &world;
    cluster_init(cluster);
    OK(cluster, 0, "SiteService/CreateSite", "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {}}");
    OK(cluster, 0, "EdgeService/CreateEdge",
       "{\"parent\": \"organizations/acme/sites/nyc\", \"edgeId\": \"e1\", \"edge\": {}}");
    PT_AUTO(buf) struct pt_buf token = {0};
    struct enrolled edge = {0};
    make_token(cluster, "edge", "organizations/acme/sites/nyc/edges/e1", 600, &token);
    ck_assert_int_eq(enroll(cluster, 0, (const char *)token.data, -1, &edge), PT_OK);

    struct pt_rpc_channel *anonymous = open_channel(cluster, 0, 7400, NULL, NULL);
    struct pt_rpc_channel *anonymous_agent = open_channel(cluster, 0, 7402, NULL, NULL);
    struct pt_rpc_channel *edge_api = open_channel(cluster, 0, 7400, pem(&edge.cert_pem), pem(&edge.key_pem));
    struct pt_rpc_channel *edge_agent = open_channel(cluster, 0, 7402, pem(&edge.cert_pem), pem(&edge.key_pem));
    struct pt_rpc_channel *admin_agent =
        open_channel(cluster, 0, 7402, pem(&cluster->admin_pem), pem(&cluster->admin_pem));
    struct pt_rpc_channel *admin = cluster->nodes[0].admin;
    struct pt_digest before = state_digest(cluster, 0);

    const struct {
        struct pt_rpc_channel *channel;
        const char *method;
        enum pt_code code;
    } cases[] = {
        {anonymous, "/patronus.v1.SiteService/ListSites", PT_UNAUTHENTICATED},
        {anonymous, "/patronus.v1.SiteService/CreateSite", PT_UNAUTHENTICATED},
        {anonymous, "/patronus.v1.WatchService/Watch", PT_UNAUTHENTICATED},
        {anonymous, "/patronus.v1.ClusterService/GetClusterStatus", PT_UNAUTHENTICATED},
        {anonymous, "/patronus.v1.ClusterService/TransferLeadership", PT_UNAUTHENTICATED},
        {anonymous, "/grpc.health.v1.Health/Check", PT_UNAUTHENTICATED},
        {anonymous, "/patronus.v1.EdgeSync/Stream", PT_PERMISSION_DENIED},
        {anonymous_agent, "/patronus.v1.EdgeSync/Stream", PT_UNAVAILABLE}, /* no handshake without a certificate */
        {edge_api, "/patronus.v1.SiteService/ListSites", PT_PERMISSION_DENIED},
        {edge_api, "/patronus.v1.SiteService/DeleteSite", PT_PERMISSION_DENIED},
        {edge_api, "/patronus.v1.WatchService/Watch", PT_PERMISSION_DENIED},
        {edge_api, "/patronus.v1.ClusterService/TransferLeadership", PT_PERMISSION_DENIED},
        {edge_api, "/patronus.v1.EdgeSync/Stream", PT_PERMISSION_DENIED}, /* the wrong door */
        {edge_agent, "/patronus.v1.SiteService/ListSites", PT_PERMISSION_DENIED},
        {edge_agent, "/patronus.v1.EnrollmentService/Enroll", PT_PERMISSION_DENIED},
        {admin_agent, "/patronus.v1.SiteService/ListSites", PT_PERMISSION_DENIED},
        {admin_agent, "/patronus.v1.EdgeSync/Stream", PT_PERMISSION_DENIED},
        {admin, "/patronus.v1.EdgeSync/Stream", PT_PERMISSION_DENIED},
        {admin, "/patronus.v1.SiteService/Nothing", PT_UNIMPLEMENTED},
        {admin, "/patronus.v1.NoService/ListSites", PT_UNIMPLEMENTED},
        {admin, "/", PT_UNIMPLEMENTED},
        {anonymous, "/patronus.v1.SiteService/Nothing", PT_UNIMPLEMENTED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum pt_code code = call_raw(cluster, cases[i].channel, cases[i].method, (struct pt_bytes){NULL, 0}, NULL);
        ck_assert_msg(code == cases[i].code, "case %zu, %s: %s, %s", i, cases[i].method, pt_code_name(code),
                      cluster->answer.error.text);
    }
    struct pt_digest after = state_digest(cluster, 0);
    ck_assert(pt_digest_equal(&before, &after));
    pt_rpc_channel_free(anonymous);
    pt_rpc_channel_free(anonymous_agent);
    pt_rpc_channel_free(edge_api);
    pt_rpc_channel_free(edge_agent);
    pt_rpc_channel_free(admin_agent);
    enrolled_fini(&edge);
    cluster_fini(cluster);
}
END_TEST

/* The header by which a follower names the caller counts from controllers only, and names members of this cluster
 * only. */
START_TEST(nobody_but_a_controller_speaks_for_others)
{
    struct cluster world, *cluster = &world;
    cluster_init(cluster);
    char as_admin[160], as_edge[160];
    const char *id = cluster->nodes[0].files.cluster_id;
    (void)snprintf(as_admin, sizeof(as_admin), "spiffe://%.63s/admin/root", id);
    (void)snprintf(as_edge, sizeof(as_edge), "spiffe://%.63s/edge/organizations/acme/sites/s/edges/e", id);
    const struct pt_rpc_metadata admin = {.key = "patronus-principal", .value = as_admin};
    const struct pt_rpc_metadata edge = {.key = "patronus-principal", .value = as_edge};
    const struct pt_rpc_metadata stranger = {.key = "patronus-principal", .value = "spiffe://other/admin/root"};
    const struct pt_rpc_metadata nobody = {.key = "patronus-principal", .value = "anonymous"};
    const struct pt_bytes none = {NULL, 0};
    static const char method[] = "/patronus.v1.SiteService/ListSites";
    struct pt_rpc_channel *anonymous = open_channel(cluster, 0, 7400, NULL, NULL);
    const struct pt_node_files *files = &cluster->nodes[0].files;
    struct pt_rpc_channel *controller = open_channel(cluster, 0, 7400, pem(&files->cert_pem), pem(&files->key_pem));
    ck_assert_int_eq(call_raw(cluster, anonymous, method, none, &admin), PT_UNAUTHENTICATED);
    ck_assert_int_ne(call_raw(cluster, controller, method, none, &admin), PT_PERMISSION_DENIED);
    ck_assert_int_eq(call_raw(cluster, controller, method, none, &edge), PT_PERMISSION_DENIED);
    ck_assert_int_eq(call_raw(cluster, controller, method, none, &stranger), PT_PERMISSION_DENIED);
    ck_assert_int_eq(call_raw(cluster, controller, method, none, &nobody), PT_UNAUTHENTICATED);
    pt_rpc_channel_free(anonymous);
    pt_rpc_channel_free(controller);
    cluster_fini(cluster);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("serve api");
    TCase *tcase = tcase_create("resources");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, a_resource_lives_from_create_to_delete);
    tcase_add_test(tcase, bad_input_names_the_field_and_changes_nothing);
    tcase_add_test(tcase, validate_only_answers_and_changes_nothing);
    tcase_add_test(tcase, an_old_etag_is_a_conflict);
    tcase_add_test(tcase, a_request_id_makes_a_retry_safe);
    tcase_add_test(tcase, a_list_comes_in_pages);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("watch");
    tcase_add_test(tcase, a_watch_resumes_where_it_ended);
    tcase_add_test(tcase, a_bad_watch_is_refused);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("refusals");
    tcase_add_test(tcase, what_is_no_request_is_refused_and_changes_nothing);
    tcase_add_test(tcase, depth_is_refused_before_anything_unpacks_it);
    tcase_add_test(tcase, each_caller_reaches_what_is_his_and_no_more);
    tcase_add_test(tcase, nobody_but_a_controller_speaks_for_others);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
