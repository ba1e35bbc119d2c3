/*
 * The standard services: health and reflection, as grpcurl and the health probes use them.
 */
#include "fixture.h"

#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"

typedef Grpc__Health__V1__HealthCheckResponse Health;
typedef Grpc__Reflection__V1__ServerReflectionRequest Question;
typedef Grpc__Reflection__V1__ServerReflectionResponse Answer;

#define SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
#define NOT_SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
#define SERVICE_UNKNOWN GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN

/* HealthCheckRequest of a service. */
static void ask_for(const char *service, struct pt_buf *out)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    request.service = (char *)(uintptr_t)service;
    size_t size = grpc__health__v1__health_check_request__get_packed_size(&request);
    (void)grpc__health__v1__health_check_request__pack(&request, pt_buf_reserve(out, size));
    out->size += size;
}

static int read_health(struct pt_bytes data)
{
    Health *response = grpc__health__v1__health_check_response__unpack(NULL, data.size, data.data);
    ck_assert_ptr_nonnull(response);
    int status = (int)response->status;
    grpc__health__v1__health_check_response__free_unpacked(response, NULL);
    return status;
}

START_TEST(health_check_knows_every_service)
{
    struct cluster world, *cluster = &world;
    cluster_init(cluster);
    static const char *const services[] = {"", "patronus.v1.SiteService", "patronus.v1.EdgeSync",
                                           "grpc.health.v1.Health"};
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        PT_AUTO(buf) struct pt_buf request = {0};
        ask_for(services[i], &request);
        ck_assert_int_eq(
            call_raw(cluster, cluster->nodes[0].admin, "/grpc.health.v1.Health/Check", pt_buf_bytes(&request), NULL),
            PT_OK);
        ck_assert_int_eq(read_health(pt_buf_bytes(&cluster->answer.message)), SERVING);
    }
    PT_AUTO(buf) struct pt_buf request = {0};
    ask_for("patronus.v1.NoService", &request);
    ck_assert_int_eq(
        call_raw(cluster, cluster->nodes[0].admin, "/grpc.health.v1.Health/Check", pt_buf_bytes(&request), NULL),
        PT_NOT_FOUND);
    cluster_fini(cluster);
}
END_TEST

struct reader {
    struct pt_rpc_stream *stream;
    int states[16];
    unsigned states_len;
    struct pt_buf last;
    unsigned messages;
    bool ended;
};

static void on_health(void *arg, struct pt_bytes data)
{
    struct reader *reader = arg;
    ck_assert_uint_lt(reader->states_len, 16);
    reader->states[reader->states_len++] = read_health(data);
}

static void on_bytes(void *arg, struct pt_bytes data)
{
    struct reader *reader = arg;
    pt_buf_reset(&reader->last);
    pt_buf_append(&reader->last, data.data, data.size);
    reader->messages++;
}

static void on_end(void *arg, const struct pt_error *error)
{
    struct reader *reader = arg;
    (void)error;
    reader->ended = true;
}

static void health_watch(struct cluster *cluster, unsigned number, const char *service, struct reader *reader)
{
    static const struct pt_rpc_stream_ops ops = {.on_message = on_health, .on_end = on_end};
    PT_AUTO(buf) struct pt_buf request = {0};
    *reader = (struct reader){.states_len = 0};
    ask_for(service, &request);
    reader->stream =
        pt_rpc_stream_open(cluster->nodes[number].admin, "/grpc.health.v1.Health/Watch", NULL, 0, &ops, reader);
    (void)pt_rpc_stream_send(reader->stream, pt_buf_bytes(&request));
}

/* A follower's watch: it serves, then knows no leader (the two others crashed), then serves again. */
START_TEST(health_watch_follows_the_leader)
{
    struct cluster world, *cluster = &world;
    struct reader reader, unknown;
    cluster_init_three(cluster);
    unsigned leader = (unsigned)leader_of(cluster);
    unsigned follower = (leader + 1) % NODES;
    unsigned third = (leader + 2) % NODES;
    health_watch(cluster, follower, "patronus.v1.SiteService", &reader);
    health_watch(cluster, follower, "patronus.v1.NoService", &unknown);
    STEP_UNTIL(cluster, reader.states_len == 1 && unknown.states_len == 1);
    ck_assert_int_eq(reader.states[0], SERVING);
    ck_assert_int_eq(unknown.states[0], SERVICE_UNKNOWN);
    node_crash(cluster, leader);
    node_crash(cluster, third);
    STEP_UNTIL(cluster, reader.states_len == 2);
    ck_assert_int_eq(reader.states[1], NOT_SERVING);
    pt_sim_restart(cluster->sim, third);
    node_open(cluster, third);
    STEP_UNTIL(cluster, reader.states_len == 3);
    ck_assert_int_eq(reader.states[2], SERVING);
    ck_assert_uint_eq(unknown.states_len, 1);
    pt_sim_restart(cluster->sim, leader);
    node_open(cluster, leader);
    cluster_fini(cluster);
    ck_assert(reader.ended && unknown.ended);
}
END_TEST

/* ---- reflection ---------------------------------------------------------------------------------------------------
 */

static Answer *reflect(struct cluster *cluster, struct reader *reader, Question *question)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = grpc__reflection__v1__server_reflection_request__get_packed_size(question);
    (void)grpc__reflection__v1__server_reflection_request__pack(question, pt_buf_reserve(&data, size));
    data.size = size;
    unsigned before = reader->messages;
    (void)pt_rpc_stream_send(reader->stream, pt_buf_bytes(&data));
    STEP_UNTIL(cluster, reader->messages == before + 1);
    Answer *answer =
        grpc__reflection__v1__server_reflection_response__unpack(NULL, reader->last.size, reader->last.data);
    ck_assert_ptr_nonnull(answer);
    return answer;
}

static void check_reflection(struct cluster *cluster, const char *method)
{
    static const struct pt_rpc_stream_ops ops = {.on_message = on_bytes, .on_end = on_end};
    struct reader reader = {.messages = 0};
    reader.stream = pt_rpc_stream_open(cluster->nodes[0].admin, method, NULL, 0, &ops, &reader);

    Question question = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    question.message_request_case = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
    question.list_services = (char *)"";
    Answer *answer = reflect(cluster, &reader, &question);
    ck_assert_int_eq(answer->message_response_case,
                     GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE);
    bool sites = false;
    for (size_t i = 0; i < answer->list_services_response->n_service; i++) {
        sites = sites || strcmp(answer->list_services_response->service[i]->name, "patronus.v1.SiteService") == 0;
    }
    ck_assert(sites);
    grpc__reflection__v1__server_reflection_response__free_unpacked(answer, NULL);

    /* A symbol comes with every file that its own needs, each once. */
    question.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL;
    question.file_containing_symbol = (char *)"patronus.v1.SiteService";
    answer = reflect(cluster, &reader, &question);
    ck_assert_int_eq(answer->message_response_case,
                     GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE);
    ck_assert_uint_ge(answer->file_descriptor_response->n_file_descriptor_proto, 4);
    for (size_t i = 0; i < answer->file_descriptor_response->n_file_descriptor_proto; i++) {
        const ProtobufCBinaryData *a = &answer->file_descriptor_response->file_descriptor_proto[i];
        for (size_t j = 0; j < i; j++) {
            const ProtobufCBinaryData *b = &answer->file_descriptor_response->file_descriptor_proto[j];
            ck_assert(a->len != b->len || memcmp(a->data, b->data, a->len) != 0);
        }
    }
    grpc__reflection__v1__server_reflection_response__free_unpacked(answer, NULL);

    question.file_containing_symbol = (char *)"patronus.v1.Unicorn";
    answer = reflect(cluster, &reader, &question);
    ck_assert_int_eq(answer->message_response_case,
                     GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE);
    ck_assert_int_eq(answer->error_response->error_code, 5);
    grpc__reflection__v1__server_reflection_response__free_unpacked(answer, NULL);

    question.message_request_case = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME;
    question.file_by_filename = (char *)"patronus/v1/site.proto";
    answer = reflect(cluster, &reader, &question);
    ck_assert_int_eq(answer->message_response_case,
                     GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE);
    grpc__reflection__v1__server_reflection_response__free_unpacked(answer, NULL);

    pt_rpc_stream_half_close(reader.stream);
    STEP_UNTIL(cluster, reader.ended);
    pt_buf_fini(&reader.last);
}

START_TEST(reflection_answers_in_both_versions)
{
    struct cluster world, *cluster = &world;
    cluster_init(cluster);
    check_reflection(cluster, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
    check_reflection(cluster, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
    cluster_fini(cluster);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("serve standard services");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, health_check_knows_every_service);
    tcase_add_test(tcase, health_watch_follows_the_leader);
    tcase_add_test(tcase, reflection_answers_in_both_versions);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
