/*
 * Classify: a capture's flows by the organization's own descriptions and by signatures, and what is said of a capture
 * that is damaged.
 */
#include "fixture.h"

struct capture {
    uint8_t data[1024];
    size_t size;
};

static void put(struct capture *capture, const void *bytes, size_t size)
{
    ck_assert_uint_le(capture->size + size, sizeof(capture->data));
    memcpy(capture->data + capture->size, bytes, size);
    capture->size += size;
}

static void put_word(struct capture *capture, uint32_t word)
{
    const uint8_t bytes[] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16), (uint8_t)(word >> 24)};
    put(capture, bytes, sizeof(bytes));
}

/* 10.0.0.1:1000 and 10.0.0.2:8080, raw IP. */
static void put_packet(struct capture *capture, bool back, uint8_t flags, const char *text)
{
    size_t size = 40 + strlen(text);
    uint8_t ip[40] = {
        0x45, 0, (uint8_t)(size >> 8), (uint8_t)size, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, back ? 2 : 1, 10,
        0,    0, back ? 1 : 2};
    const uint8_t client[2] = {1000 >> 8, 1000 & 255}, server[2] = {8080 >> 8, 8080 & 255};
    memcpy(ip + 20, back ? server : client, 2);
    memcpy(ip + 22, back ? client : server, 2);
    ip[32] = 5 << 4, ip[33] = flags;
    put_word(capture, 1); /* seconds */
    put_word(capture, 0);
    put_word(capture, (uint32_t)size);
    put_word(capture, (uint32_t)size);
    put(capture, ip, sizeof(ip));
    put(capture, text, strlen(text));
}

static void make_capture(struct capture *capture)
{
    static const uint32_t header[] = {0xa1b2c3d4, 4U << 16 | 2, 0, 0, 65535, 101}; /* pcap 2.4, raw IP */
    capture->size = 0;
    for (size_t i = 0; i < sizeof(header) / sizeof(header[0]); i++) {
        put_word(capture, header[i]);
    }
    put_packet(capture, false, 2, "");
    put_packet(capture, true, 18, "");
    put_packet(capture, false, 16, "GET /a HTTP/1.1\r\nHost: cdn.Video.example\r\nUser-Agent: test\r\n\r\n");
}

static char *base64(const struct capture *capture, char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *at = text;
    for (size_t i = 0; i < capture->size; i += 3) {
        uint32_t left = (uint32_t)(capture->size - i), bits = (uint32_t)capture->data[i] << 16;
        bits |= left > 1 ? (uint32_t)capture->data[i + 1] << 8 : 0;
        bits |= left > 2 ? capture->data[i + 2] : 0;
        *at++ = digits[bits >> 18];
        *at++ = digits[bits >> 12 & 63];
        *at++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *at++ = left > 2 ? digits[bits & 63] : '=';
    }
    *at = '\0';
    return text;
}

#define CLASSIFY "{\"parent\": \"organizations/%s\", \"capture\": \"%s\"}"

START_TEST(an_organizations_description_wins_over_signatures)
{
    struct cluster world, *cluster = &world;
    struct capture capture;
    char text[2048];
    make_capture(&capture);
    cluster_init(cluster);
    OK(cluster, 0, "ApplicationService/Classify", CLASSIFY, "acme", base64(&capture, text));
    ANSWER_HAS("\"packets\":\"3\"");
    ANSWER_HAS("\"signature\":\"http\"");
    ANSWER_HAS("\"evidence\":\"EVIDENCE_HTTP_HOST\"");
    ANSWER_HAS("\"host\":\"cdn.video.example\"");
    ANSWER_HAS("\"knownAfter\":3");
    ck_assert_ptr_null(strstr(cluster->answer.json, "\"application\""));
    OK(cluster, 0, "ApplicationService/CreateApplication",
       "{\"parent\": \"organizations/acme\", \"applicationId\": \"video\", \"application\": {\"matches\": [{\"hosts\": "
       "[\"*.video.example\"]}]}}");
    OK(cluster, 0, "ApplicationService/Classify", CLASSIFY, "acme", base64(&capture, text));
    ANSWER_HAS("\"application\":\"organizations/acme/applications/video\"");
    ANSWER_HAS("\"evidence\":\"EVIDENCE_HTTP_HOST\"");
    ANSWER_HAS("\"signature\":\"http\"");
    /* Of two that describe a flow the older counts, as on nodes, whatever their names. */
    OK(cluster, 0, "ApplicationService/CreateApplication",
       "{\"parent\": \"organizations/acme\", \"applicationId\": \"all\", \"application\": {\"matches\": "
       "[{\"protocol\": "
       "6}]}}");
    OK(cluster, 0, "ApplicationService/Classify", CLASSIFY, "acme", base64(&capture, text));
    ANSWER_HAS("\"application\":\"organizations/acme/applications/video\"");
    cluster_fini(cluster);
}
END_TEST

START_TEST(a_damaged_capture_is_refused_and_the_place_is_named)
{
    struct cluster world, *cluster = &world;
    struct capture capture;
    char text[2048];
    make_capture(&capture);
    capture.size -= 7;
    cluster_init(cluster);
    REFUSED(PT_INVALID_ARGUMENT, cluster, 0, "ApplicationService/Classify", CLASSIFY, "acme", base64(&capture, text));
    ck_assert_ptr_nonnull(strstr(cluster->answer.error.field, "packet 3"));
    ck_assert_ptr_nonnull(strstr(cluster->answer.error.text, "cut short"));
    capture.data[0] ^= 1;
    REFUSED(PT_INVALID_ARGUMENT, cluster, 0, "ApplicationService/Classify", CLASSIFY, "acme", base64(&capture, text));
    REFUSED(PT_NOT_FOUND, cluster, 0, "ApplicationService/Classify", CLASSIFY, "ghost", base64(&capture, text));
    REFUSED(PT_INVALID_ARGUMENT, cluster, 0, "ApplicationService/Classify", CLASSIFY, "acme", "");
    ck_assert_str_eq(cluster->answer.error.field, "capture");
    cluster_fini(cluster);
}
END_TEST

enum { CALLS = 12, CALLS_AT_A_TIME = 8 }; /* of an organization: ORGANIZATION_MAX of internal/serve/classify.c */

/* So many captures of an organization wait at a time: the next is told when to come again, another organization's is
 * classified meanwhile, and there is room when the first are through. */
START_TEST(no_more_captures_wait_than_may)
{
    struct cluster world, *cluster = &world;
    struct capture capture;
    struct answer answers[CALLS], other;
    PT_AUTO(buf) struct pt_buf request = {0};
    char text[2048], json[4096];
    make_capture(&capture);
    cluster_init(cluster);
    OK(cluster, 0, "OrganizationService/CreateOrganization", "{\"organizationId\": \"other\", \"organization\": {}}");
    const struct pt_method_type *type = pt_schema_method(cluster->schema, "/patronus.v1.ApplicationService/Classify");
    (void)snprintf(json, sizeof(json), CLASSIFY, "acme", base64(&capture, text));
    encode_json(cluster, type->input, json, &request);
    for (size_t i = 0; i < CALLS; i++) {
        answers[i] = (struct answer){.done = false};
        (void)pt_rpc_unary(cluster->nodes[0].admin, type->path, pt_buf_bytes(&request), NULL, 0, 0, on_answer,
                           &answers[i]);
    }
    pt_buf_reset(&request);
    (void)snprintf(json, sizeof(json), CLASSIFY, "other", base64(&capture, text));
    encode_json(cluster, type->input, json, &request);
    other = (struct answer){.done = false};
    (void)pt_rpc_unary(cluster->nodes[0].admin, type->path, pt_buf_bytes(&request), NULL, 0, 0, on_answer, &other);
    for (size_t i = 0; i < CALLS; i++) {
        STEP_UNTIL(cluster, answers[i].done);
        if (i < CALLS_AT_A_TIME) {
            ck_assert_msg(answers[i].error.code == PT_OK, "call %zu: %s", i, answers[i].error.text);
        } else {
            ck_assert_msg(answers[i].error.code == PT_EXHAUSTED, "call %zu was let through", i);
            ck_assert_int_eq(answers[i].error.reason, PT_REASON_OVERLOADED);
            ck_assert_uint_eq(answers[i].error.retry_ms, 1000);
            ck_assert_ptr_nonnull(strstr(answers[i].error.text, "8 captures of this organization"));
        }
        answer_clear(&answers[i]);
    }
    STEP_UNTIL(cluster, other.done);
    ck_assert_int_eq(other.error.code, PT_OK);
    answer_clear(&other);
    OK(cluster, 0, "ApplicationService/Classify", CLASSIFY, "acme", base64(&capture, text));
    cluster_fini(cluster);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve classify");
    TCase *tcase = tcase_create("classify");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, an_organizations_description_wins_over_signatures);
    tcase_add_test(tcase, no_more_captures_wait_than_may);
    tcase_add_test(tcase, a_damaged_capture_is_refused_and_the_place_is_named);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
