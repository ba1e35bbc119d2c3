/* Verdicts: what libndpi tells of real requests, what an organization describes, and what a reload leaves alone. */
#include "dpi/catalog.h"
#include "dpi/dpi.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define SCOPE 7
#define PROTOCOL_TCP 6

static struct pt_dpi *dpi;

static void setup(void)
{
    const struct pt_dpi_options options = {
        .flows_max = 8, .tcp_packets_max = 12, .udp_packets_max = 10, .replaces = true};
    ck_assert_int_eq(pt_dpi_new(&options, &dpi, NULL), PT_OK);
}

static void teardown(void)
{
    pt_dpi_free(dpi);
}

/* A TCP packet from 10.0.0.1:PORT to 10.0.0.2:SERVER, or back. */
static struct pt_dpi_flow *tcp(uint16_t port, uint16_t server, bool back, uint8_t flags, const char *text,
                               bool *ret_changed)
{
    uint8_t ip[600] = {0x45,         0,  0, 0, 0,           0, 0x40, 0, 64, PROTOCOL_TCP, 0, 0, 10, 0, 0,
                       back ? 2 : 1, 10, 0, 0, back ? 1 : 2};
    size_t len = strlen(text);
    uint16_t from = back ? server : port, to = back ? port : server, size = (uint16_t)(40 + len);
    ip[2] = (uint8_t)(size >> 8), ip[3] = (uint8_t)size;
    ip[20] = (uint8_t)(from >> 8), ip[21] = (uint8_t)from, ip[22] = (uint8_t)(to >> 8), ip[23] = (uint8_t)to;
    ip[32] = 5 << 4, ip[33] = flags;
    memcpy(ip + 40, text, len);
    struct pt_dpi_packet packet;
    ck_assert(pt_dpi_packet_parse(ip, size, &packet));
    return pt_dpi_packet(dpi, SCOPE, &packet, 1000, ret_changed);
}

static struct pt_dpi_flow *ask(uint16_t port, const char *host)
{
    char text[256];
    bool changed = false;
    (void)snprintf(text, sizeof(text), "GET /a HTTP/1.1\r\nHost: %s\r\nUser-Agent: test\r\n\r\n", host);
    (void)tcp(port, 8080, false, PT_DPI_TCP_SYN, "", &changed);
    (void)tcp(port, 8080, true, PT_DPI_TCP_SYN | PT_DPI_TCP_ACK, "", &changed);
    return tcp(port, 8080, false, PT_DPI_TCP_ACK, text, &changed);
}

static void describe(const char *host, uint32_t number)
{
    struct pt_dpi_set *set = pt_dpi_set_new();
    struct pt_dpi_application *application = pt_dpi_set_add(set, SCOPE, number, "ours", 1);
    const char **hosts = pt_arena_array(pt_dpi_set_arena(set), 1, sizeof(*hosts));
    hosts[0] = pt_arena_strdup(pt_dpi_set_arena(set), host);
    application->descriptions[0].hosts = hosts;
    application->descriptions[0].hosts_len = 1;
    application->traffic_class = 2;
    pt_dpi_describe(dpi, set);
}

START_TEST(http_is_told_by_its_host_and_a_description_wins)
{
    const struct pt_dpi_flow *flow = ask(1000, "www.example.test");
    ck_assert_uint_eq(flow->verdict.application, PT_DPI_SIGNATURE | pt_dpi_signature_number("http"));
    ck_assert_uint_eq(flow->verdict.evidence, PT_DPI_EVIDENCE_HTTP_HOST);
    ck_assert_str_eq(flow->host, "www.example.test");
    ck_assert_uint_eq(flow->verdict.known_after, 3);
    describe("*.example.test", 42);
    flow = ask(1001, "www.Example.test");
    ck_assert_uint_eq(flow->verdict.application, 42);
    ck_assert_uint_eq(flow->verdict.traffic_class, 2);
    ck_assert_uint_eq(flow->verdict.signature, pt_dpi_signature_number("http"));
    flow = ask(1002, "example.test"); /* "*." is for names below */
    ck_assert_uint_ne(flow->verdict.application, 42);
}
END_TEST

/* Another set of descriptions: the flow that is known stays what it is, one that is new is judged anew. */
START_TEST(a_reload_loses_no_flow)
{
    bool changed = false;
    describe("one.test", 1);
    struct pt_dpi_flow *flow = ask(2000, "one.test");
    while (!flow->done) {
        flow = tcp(2000, 8080, true, PT_DPI_TCP_ACK, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", &changed);
    }
    describe("other.test", 2);
    struct pt_dpi_counts before = pt_dpi_counts(dpi);
    flow = tcp(2000, 8080, false, PT_DPI_TCP_ACK, "more", &changed);
    ck_assert_uint_eq(flow->verdict.application, 1);
    ck_assert(!changed && pt_dpi_counts(dpi).hits == before.hits + 1 && before.reloads == 2);
    ck_assert_uint_eq(ask(2001, "other.test")->verdict.application, 2);
}
END_TEST

/* Descriptions come and go while a flow is inspected: it goes on, by those of the packet that tells. */
START_TEST(a_reload_in_the_middle_loses_no_flow)
{
    bool changed = false;
    char text[] = "GET /a HTTP/1.1\r\nHost: late.test\r\nUser-Agent: test\r\n\r\n";
    describe("early.test", 1);
    const struct pt_dpi_flow *first = tcp(2100, 8080, false, PT_DPI_TCP_SYN, "", &changed);
    ck_assert(!first->done);
    describe("late.test", 2);
    ck_assert_ptr_eq(tcp(2100, 8080, true, PT_DPI_TCP_SYN | PT_DPI_TCP_ACK, "", &changed), first);
    describe("late.test", 3);
    const struct pt_dpi_flow *flow = tcp(2100, 8080, false, PT_DPI_TCP_ACK, text, &changed);
    ck_assert_ptr_eq(flow, first);
    ck_assert(changed);
    ck_assert_uint_eq(flow->packets, 3);
    ck_assert_uint_eq(flow->verdict.application, 3);
    ck_assert_uint_eq(flow->verdict.signature, pt_dpi_signature_number("http"));
    ck_assert_uint_eq(flow->verdict.known_after, 3);
    ck_assert_uint_eq(pt_dpi_counts(dpi).left_out + pt_dpi_counts(dpi).unknown, 0);
}
END_TEST

/* Nothing is recognised in noise; it is given up after its number of packets, and both directions are one flow. */
START_TEST(noise_is_given_up)
{
    bool changed = false;
    struct pt_dpi_flow *flow = NULL;
    for (int i = 0; i < 14; i++) {
        flow = tcp(3000, 47123, i % 2 == 1, PT_DPI_TCP_ACK, "\x01\x93qq\x88zz-noise-that-nobody-speaks", &changed);
    }
    ck_assert(flow->done && flow->packets == 14);
    ck_assert_uint_eq(flow->verdict.application, 0);
    ck_assert_uint_eq(pt_dpi_counts(dpi).unknown, 1);
}
END_TEST

/* Far more flows than room: each is still inspected, and the table stays what it is. */
START_TEST(a_full_table_makes_room)
{
    for (uint16_t i = 0; i < 100; i++) {
        const struct pt_dpi_flow *flow = ask((uint16_t)(40000 + i), "a.test");
        ck_assert_uint_eq(flow->verdict.signature, pt_dpi_signature_number("http"));
    }
    ck_assert_ptr_null(pt_dpi_flow_at(dpi, 8));
}
END_TEST

START_TEST(names_mean_applications)
{
    uint8_t traffic_class = 0;
    describe("*.corp.test", 9);
    ck_assert_uint_eq(pt_dpi_host(dpi, SCOPE, "wiki.corp.test", &traffic_class), 9);
    ck_assert_uint_eq(traffic_class, 2);
    ck_assert_uint_eq(pt_dpi_host(dpi, SCOPE + 1, "wiki.corp.test", &traffic_class), 0); /* another segment's */
    ck_assert_uint_eq(pt_dpi_host(dpi, SCOPE, "www.youtube.com", &traffic_class),
                      PT_DPI_SIGNATURE | pt_dpi_signature_number("youtube"));
}
END_TEST

START_TEST(signatures_have_names_and_wrong_ones_a_near_one)
{
    ck_assert_str_eq(pt_dpi_signature_name(pt_dpi_signature_number("ssh")), "ssh");
    ck_assert_uint_eq(pt_dpi_signature_number("netflicks"), 0);
    ck_assert_str_eq(pt_dpi_signature_near("youtub"), "youtube");
    ck_assert_ptr_null(pt_dpi_signature_near("nothing-like-it"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dpi");
    TCase *cases = tcase_create("all");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, http_is_told_by_its_host_and_a_description_wins);
    tcase_add_test(cases, a_reload_loses_no_flow);
    tcase_add_test(cases, a_reload_in_the_middle_loses_no_flow);
    tcase_add_test(cases, noise_is_given_up);
    tcase_add_test(cases, a_full_table_makes_room);
    tcase_add_test(cases, names_mean_applications);
    tcase_add_test(cases, signatures_have_names_and_wrong_ones_a_near_one);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
