/*
 * Echoes as bytes: what is built is what hosts answer, what comes back is told apart, and nothing that is cut short or
 * twisted is believed. The frames of captures likewise.
 */
#include "agent/echo.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct pt_ip ip(const char *text)
{
    struct pt_ip address;
    ck_assert_int_eq(pt_ip_parse(text, &address, NULL), PT_OK);
    return address;
}

static struct pt_echo echo4(void)
{
    return (struct pt_echo){.source = ip("10.1.0.1"),
                            .destination = ip("10.2.0.10"),
                            .id = 0x1234,
                            .sequence = 7,
                            .payload_size = 33,
                            .ttl = 64,
                            .dscp = 46};
}

static struct pt_echo echo6(void)
{
    return (struct pt_echo){.source = ip("fd00:1::1"),
                            .destination = ip("fd00:2::a"),
                            .id = 0xffee,
                            .sequence = 65535,
                            .payload_size = 56,
                            .ttl = 3,
                            .dscp = 10};
}

static uint32_t sum(const uint8_t *data, size_t size, uint32_t start)
{
    for (size_t i = 0; i < size; i++) {
        start += (uint32_t)data[i] << (i % 2 == 0 ? 8 : 0);
    }
    while (start > 0xffff) {
        start = (start & 0xffff) + (start >> 16);
    }
    return start;
}

/* What a host makes of it: addresses exchanged, type changed, checksum right again. */
static size_t answer_of(const uint8_t *request, size_t size, uint8_t *answer)
{
    bool v4 = request[0] >> 4 == 4;
    size_t at = v4 ? 12 : 8, len = v4 ? 4 : 16, icmp = v4 ? 20 : 40;
    memcpy(answer, request, size);
    memcpy(answer + at, request + at + len, len);
    memcpy(answer + at + len, request + at, len);
    answer[icmp] = v4 ? 0 : 129;
    return size;
}

START_TEST(what_is_built_has_right_checksums)
{
    uint8_t packet[PT_ECHO_SIZE_MAX];
    struct pt_echo echo = echo4();
    size_t size = pt_echo_build(&echo, packet);
    ck_assert_uint_eq(size, 20 + 8 + 33);
    ck_assert_uint_eq(sum(packet, 20, 0), 0xffff);
    ck_assert_uint_eq(sum(packet + 20, size - 20, 0), 0xffff);
    ck_assert_uint_eq(packet[1] >> 2, 46);
    ck_assert_uint_eq(packet[8], 64);
    echo = echo6();
    size = pt_echo_build(&echo, packet);
    ck_assert_uint_eq(size, 40 + 8 + 56);
    ck_assert_uint_eq(sum(packet + 40, size - 40, sum(packet + 8, 32, (uint32_t)(size - 40) + 58)), 0xffff);
    ck_assert_uint_eq((packet[0] & 15) << 2 | packet[1] >> 6, 10);
    echo.payload_size = 9000; /* no more than the buffer holds */
    ck_assert_uint_eq(pt_echo_build(&echo, packet), PT_ECHO_SIZE_MAX);
}
END_TEST

START_TEST(a_reply_names_its_echo)
{
    for (int i = 0; i < 2; i++) {
        uint8_t request[PT_ECHO_SIZE_MAX], reply[PT_ECHO_SIZE_MAX];
        struct pt_echo echo = i == 0 ? echo4() : echo6();
        struct pt_echo_answer answer;
        size_t size = pt_echo_build(&echo, request);
        ck_assert(!pt_echo_read((struct pt_bytes){request, size}, &answer)); /* a request is no answer */
        (void)answer_of(request, size, reply);
        ck_assert(pt_echo_read((struct pt_bytes){reply, size}, &answer));
        ck_assert_int_eq(answer.kind, PT_ECHO_REPLY);
        ck_assert(pt_ip_equal(&answer.responder, &echo.destination));
        ck_assert_uint_eq(answer.id, echo.id);
        ck_assert_uint_eq(answer.sequence, echo.sequence);
        ck_assert_uint_eq(answer.ttl, echo.ttl);
    }
}
END_TEST

/* An error from a router, with the request as its quote. */
static size_t error_about(const struct pt_echo *echo, uint8_t type, uint8_t code, uint8_t *packet)
{
    uint8_t request[PT_ECHO_SIZE_MAX];
    size_t size = pt_echo_build(echo, request);
    bool v4 = request[0] >> 4 == 4;
    size_t head = v4 ? 20 : 40;
    memset(packet, 0, head + 8);
    packet[0] = v4 ? 0x45 : 0x60;
    packet[v4 ? 9 : 6] = v4 ? 1 : 58;
    packet[v4 ? 8 : 7] = 61;
    struct pt_ip router = v4 ? ip("10.9.0.1") : ip("fd00:9::1");
    memcpy(packet + (v4 ? 12 : 8), v4 ? router.bytes + 12 : router.bytes, v4 ? 4 : 16);
    packet[head] = type;
    packet[head + 1] = code;
    memcpy(packet + head + 8, request, size);
    return head + 8 + size;
}

START_TEST(errors_are_told_by_what_they_quote)
{
    static const struct {
        bool v4;
        uint8_t type, code;
        enum pt_echo_answer_kind kind;
        const char *text;
    } cases[] = {
        {true, 11, 0, PT_ECHO_EXPIRED, ""},
        {true, 3, 0, PT_ECHO_ERROR, "network unreachable"},
        {true, 3, 1, PT_ECHO_ERROR, "host unreachable"},
        {true, 3, 4, PT_ECHO_ERROR, "does not fit: too big for a hop"},
        {true, 3, 13, PT_ECHO_ERROR, "prohibited by a filter"},
        {true, 3, 200, PT_ECHO_ERROR, "unreachable"},
        {false, 3, 0, PT_ECHO_EXPIRED, ""},
        {false, 1, 0, PT_ECHO_ERROR, "no route"},
        {false, 1, 3, PT_ECHO_ERROR, "address unreachable"},
        {false, 2, 0, PT_ECHO_ERROR, "does not fit: too big for a hop"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t packet[PT_ECHO_SIZE_MAX + 64];
        struct pt_echo echo = cases[i].v4 ? echo4() : echo6();
        struct pt_echo_answer answer;
        size_t size = error_about(&echo, cases[i].type, cases[i].code, packet);
        ck_assert(pt_echo_read((struct pt_bytes){packet, size}, &answer));
        ck_assert_int_eq(answer.kind, cases[i].kind);
        ck_assert_str_eq(answer.error, cases[i].text);
        ck_assert_uint_eq(answer.id, echo.id);
        ck_assert_uint_eq(answer.sequence, echo.sequence);
        struct pt_ip router = cases[i].v4 ? ip("10.9.0.1") : ip("fd00:9::1");
        ck_assert(pt_ip_equal(&answer.responder, &router));
    }
    uint8_t packet[PT_ECHO_SIZE_MAX + 64];
    struct pt_echo echo = echo4();
    struct pt_echo_answer answer;
    size_t size = error_about(&echo, 5, 0, packet); /* a redirect is about nothing of ours */
    ck_assert(!pt_echo_read((struct pt_bytes){packet, size}, &answer));
}
END_TEST

/* Every cut of an answer: in memory of exactly that size, so that reading beyond is seen. */
START_TEST(what_is_cut_short_is_not_read_beyond)
{
    uint8_t packet[PT_ECHO_SIZE_MAX + 64];
    struct pt_echo echo = echo4();
    size_t size = error_about(&echo, 11, 0, packet);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = malloc(cut + 1);
        struct pt_echo_answer answer;
        memcpy(copy, packet, cut);
        bool whole = cut >= 20 + 8 + 20 + 8; /* both headers, and 8 bytes of the quoted ICMP */
        ck_assert_int_eq(pt_echo_read((struct pt_bytes){copy, cut}, &answer), whole);
        const struct pt_frame_match match = {.protocol = 1, .port = 9};
        (void)pt_frame_matches(&match, (struct pt_bytes){copy, cut});
        free(copy);
    }
}
END_TEST

/* A UDP packet 10.1.0.10:5000 -> 10.2.0.10:53 in a frame. */
static size_t udp_frame(uint8_t *frame)
{
    static const uint8_t bytes[] = {2,  0,  0, 0, 0,  1, 2, 0,  0,  0, 0, 2,  8,    0,    0x45, 0,  0, 29, 0, 0, 0,  0,
                                    64, 17, 0, 0, 10, 1, 0, 10, 10, 2, 0, 10, 0x13, 0x88, 0,    53, 0, 9,  0, 0, 'x'};
    memcpy(frame, bytes, sizeof(bytes));
    return sizeof(bytes);
}

START_TEST(a_capture_takes_what_it_is_asked_for)
{
    static const struct {
        const char *prefix;
        uint8_t protocol;
        uint16_t port;
        bool matches;
    } cases[] = {{"", 0, 0, true},
                 {"", 17, 0, true},
                 {"", 6, 0, false},
                 {"", 0, 53, true},
                 {"", 0, 5000, true},
                 {"", 0, 54, false},
                 {"10.2.0.0/16", 0, 0, true},
                 {"10.1.0.10/32", 17, 53, true},
                 {"10.3.0.0/16", 0, 0, false},
                 {"fd00::/8", 0, 0, false}};
    uint8_t frame[128];
    size_t size = udp_frame(frame);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pt_frame_match match = {.protocol = cases[i].protocol, .port = cases[i].port};
        match.has_prefix = cases[i].prefix[0] != '\0';
        if (match.has_prefix) {
            ck_assert_int_eq(pt_prefix_parse(cases[i].prefix, &match.prefix, NULL), PT_OK);
        }
        ck_assert_int_eq(pt_frame_matches(&match, (struct pt_bytes){frame, size}), cases[i].matches);
    }
    frame[21] = 1; /* a later fragment has no ports */
    const struct pt_frame_match port = {.port = 53}, udp = {.protocol = 17};
    ck_assert(!pt_frame_matches(&port, (struct pt_bytes){frame, size}));
    ck_assert(pt_frame_matches(&udp, (struct pt_bytes){frame, size}));
    frame[12] = 8, frame[13] = 6; /* ARP: wanted only when everything is */
    const struct pt_frame_match any = {.port = 0};
    ck_assert(!pt_frame_matches(&udp, (struct pt_bytes){frame, size}));
    ck_assert(pt_frame_matches(&any, (struct pt_bytes){frame, size}));
}
END_TEST

START_TEST(a_capture_file_says_what_was_cut)
{
    struct pt_buf pcap = {0};
    const uint8_t frame[] = {1, 2, 3};
    pt_pcap_begin(&pcap, 64);
    ck_assert_uint_eq(pcap.size, PT_PCAP_HEADER_SIZE);
    ck_assert_uint_eq(pt_be32(pcap.data), 0xa1b23c4d);
    ck_assert_uint_eq(pt_be32(pcap.data + 16), 64);
    pt_pcap_add(&pcap, 1700000000123456789LL, (struct pt_bytes){frame, sizeof(frame)}, 1500);
    ck_assert_uint_eq(pcap.size, PT_PCAP_HEADER_SIZE + PT_PCAP_RECORD_SIZE + sizeof(frame));
    ck_assert_uint_eq(pt_be32(pcap.data + 24), 1700000000);
    ck_assert_uint_eq(pt_be32(pcap.data + 28), 123456789);
    ck_assert_uint_eq(pt_be32(pcap.data + 32), 3);
    ck_assert_uint_eq(pt_be32(pcap.data + 36), 1500);
    pt_buf_fini(&pcap);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("echo");
    TCase *tcase = tcase_create("bytes");
    tcase_add_test(tcase, what_is_built_has_right_checksums);
    tcase_add_test(tcase, a_reply_names_its_echo);
    tcase_add_test(tcase, errors_are_told_by_what_they_quote);
    tcase_add_test(tcase, what_is_cut_short_is_not_read_beyond);
    tcase_add_test(tcase, a_capture_takes_what_it_is_asked_for);
    tcase_add_test(tcase, a_capture_file_says_what_was_cut);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
