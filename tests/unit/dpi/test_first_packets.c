/* What a flow is, by its first packets: of each protocol that is promised one conversation, on a port that says
 * nothing. The bytes are made here, from the protocols' documents. */
#include "crypto/aead.h"
#include "dpi/catalog.h"
#include "dpi/dpi.h"

#include <check.h>
#include <string.h>

#define PACKET_SIZE 1400
#define TCP 6
#define UDP 17
#define SAID_MAX 5
#define HOST "video.example.test"

/* One packet's payload. size 0: it is text. */
struct said {
    const void *data;
    size_t size;
    bool back; /* the server says it */
};

struct talk {
    const char *signature;
    uint8_t protocol;
    uint16_t port; /* of the server */
    enum pt_dpi_evidence evidence;
    const char *host;
    struct said said[SAID_MAX];
    uint16_t known_after; /* packets, with the two of TCP's handshake; 0: when it is given up */
};

static void put16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static struct pt_dpi_flow *packet(struct pt_dpi *dpi, const struct talk *talk, bool back, uint8_t flags,
                                  const void *data, size_t size)
{
    uint8_t ip[PACKET_SIZE] = {0x45, [6] = 0x40, [8] = 64, [9] = talk->protocol, [12] = 10, 0, 0, 1, 10, 0, 0, 2};
    size_t head = 20 + (talk->protocol == TCP ? 20 : 8);
    struct pt_dpi_packet parsed;
    bool changed = false;
    ck_assert_uint_le(head + size, sizeof(ip));
    ip[15] = back ? 2 : 1;
    ip[19] = back ? 1 : 2;
    put16(ip + 2, head + size);
    put16(ip + 20, back ? talk->port : 40000);
    put16(ip + 22, back ? 40000 : talk->port);
    if (talk->protocol == TCP) {
        ip[32] = 5 << 4;
        ip[33] = flags;
    } else {
        put16(ip + 24, 8 + size);
    }
    memcpy(ip + head, data, size);
    ck_assert(pt_dpi_packet_parse(ip, head + size, &parsed));
    return pt_dpi_packet(dpi, 1, &parsed, 1000, &changed);
}

static void check_talk(const struct talk *talk)
{
    const struct pt_dpi_options options = {.flows_max = 8, .tcp_packets_max = 12, .udp_packets_max = 10};
    struct pt_dpi *dpi = NULL;
    struct pt_dpi_flow *flow = NULL;
    ck_assert_int_eq(pt_dpi_new(&options, &dpi, NULL), PT_OK);
    if (talk->protocol == TCP) {
        (void)packet(dpi, talk, false, PT_DPI_TCP_SYN, "", 0);
        (void)packet(dpi, talk, true, PT_DPI_TCP_SYN | PT_DPI_TCP_ACK, "", 0);
    }
    for (size_t i = 0; i < SAID_MAX && talk->said[i].data != NULL; i++) {
        const struct said *said = &talk->said[i];
        size_t size = said->size != 0 ? said->size : strlen(said->data);
        flow = packet(dpi, talk, said->back, PT_DPI_TCP_ACK, said->data, size);
        ck_assert_ptr_nonnull(flow);
    }
    if (talk->known_after == 0) {
        pt_dpi_finish(dpi, flow);
    }
    const char *name = pt_dpi_signature_name(flow->verdict.signature);
    ck_assert_msg(name != NULL && strcmp(name, talk->signature) == 0, "%s: taken for %s", talk->signature, name);
    ck_assert_msg(flow->verdict.evidence == talk->evidence && flow->verdict.confidence == 95,
                  "%s: evidence %u, confidence %u", talk->signature, flow->verdict.evidence, flow->verdict.confidence);
    ck_assert_msg(flow->verdict.known_after == talk->known_after, "%s: known after %u", talk->signature,
                  flow->verdict.known_after);
    ck_assert_uint_eq(flow->verdict.application, PT_DPI_SIGNATURE | flow->verdict.signature);
    ck_assert_str_eq(flow->host != NULL ? flow->host : "", talk->host != NULL ? talk->host : "");
    pt_dpi_free(dpi);
}

/* ---- TLS and QUIC --------------------------------------------------------------------------------------------- */

/* A ClientHello (RFC 8446) that offers one cipher and names a host; its size. */
static size_t client_hello(uint8_t *out)
{
    const size_t name = strlen(HOST), list = 3 + name, extension = 2 + list, extensions = 4 + extension;
    const size_t body = 2 + 32 + 1 + 4 + 2 + 2 + extensions;
    memset(out, 0, 4 + body);
    out[0] = 1;
    put16(out + 2, body);
    put16(out + 4, 0x0303);
    for (uint8_t i = 0; i < 32; i++) {
        out[6 + i] = i; /* the random, which is none */
    }
    put16(out + 39, 2);
    put16(out + 41, 0x1301);
    out[43] = 1;
    put16(out + 45, extensions);
    put16(out + 49, extension); /* number 0: server_name */
    put16(out + 51, list);
    put16(out + 54, name);
    memcpy(out + 56, HOST, name);
    return 4 + body;
}

START_TEST(tls_is_told_by_the_name_it_asks_for)
{
    uint8_t record[256] = {0x16, 3, 1};
    size_t size = client_hello(record + 5);
    put16(record + 3, size);
    check_talk(&(struct talk){"tls", TCP, 44300, PT_DPI_EVIDENCE_TLS_NAME, HOST, {{record, 5 + size, false}}, 3});
}
END_TEST

/* A client's Initial packet (RFC 9000, 17.2.2), sealed as RFC 9001 says: anybody who sees it can open it. The keys are
 * those of the connection id in that document's example (A.1). The header's mask is AES, under the header's key, of the
 * first 16 sealed bytes (5.4.3), which the random above has part in. */
START_TEST(quic_is_told_by_the_name_in_its_first_packet)
{
    static const uint8_t key[PT_AEAD_KEY_SIZE] = {0x1f, 0x36, 0x96, 0x13, 0xdd, 0x76, 0xd5, 0x46,
                                                  0x77, 0x30, 0xef, 0xcb, 0xe3, 0xb1, 0xa2, 0x2d};
    static const uint8_t nonce[PT_AEAD_NONCE_SIZE] = {0xfa, 0x04, 0x4b, 0x2f, 0x42, 0xa3,
                                                      0xfd, 0x3b, 0x46, 0xfb, 0x25, 0x5c};
    static const uint8_t mask[5] = {0xd9, 0x03, 0x9d, 0x74, 0xb8};
    static const uint8_t head[22] = {0xc3, 0,    0,    0,    1, 8, 0x83, 0x94, 0xc8, 0xf0,
                                     0x3e, 0x51, 0x57, 0x08, 0, 0, 0x44, 0x9e}; /* 1,182 bytes follow; packet 0 */
    uint8_t initial[1200] = {0}, *frame = initial + sizeof(head);
    memcpy(initial, head, sizeof(head));
    frame[0] = 6; /* CRYPTO at offset 0; behind it PADDING, which is zeros */
    put16(frame + 2, 0x4000 | client_hello(frame + 4));
    struct pt_aead *aead = pt_aead_new(PT_CIPHER_AES_128_GCM, key, true);
    pt_aead_seal(aead, nonce, head, sizeof(head), frame, sizeof(initial) - sizeof(head) - PT_AEAD_TAG_SIZE, frame);
    pt_aead_free(aead);
    initial[0] ^= mask[0] & 0x0f;
    for (size_t i = 0; i < 4; i++) {
        initial[18 + i] ^= mask[1 + i];
    }
    check_talk(
        &(struct talk){"quic", UDP, 44300, PT_DPI_EVIDENCE_QUIC_NAME, HOST, {{initial, sizeof(initial), false}}, 1});
}
END_TEST

/* ---- what says what it is by its form ------------------------------------------------------------------------- */

#define BYTES(text) text, sizeof(text) - 1
#define MEDIA "-twenty milliseconds of somebody who speaks, or of silence-"
/* RFC 3550: version 2, payload type 0 (PCMU), number N, a time stamp, one source. */
#define RTP(n, time) "\x80\x00\x12" n "\x00\x00" time "\x11\x22\x33\x44" MEDIA

static const struct talk talks[] = {
    {.signature = "ssh",
     .protocol = TCP,
     .port = 20022,
     .said = {{"SSH-2.0-OpenSSH_9.6\r\n", 0, true}, {"SSH-2.0-OpenSSH_9.2\r\n", 0, false}},
     .known_after = 3},
    {.signature = "ftp-control",
     .protocol = TCP,
     .port = 20021,
     .said = {{"220 ready\r\n", 0, true},
              {"USER anonymous\r\n", 0, false},
              {"331 password\r\n", 0, true},
              {"PASS me@\r\n", 0, false},
              {"230 in\r\n", 0, true}},
     .known_after = 7},
    {.signature = "redis",
     .protocol = TCP,
     .port = 26379,
     .said = {{"*1\r\n$4\r\nPING\r\n", 0, false}, {"+PONG\r\n", 0, true}},
     .known_after = 4},
    {.signature = "postgresql",
     .protocol = TCP,
     .port = 25432,
     .said = {{BYTES("\0\0\0\x08\x04\xd2\x16\x2f"), false},
              {"N", 0, true},
              {BYTES("\0\0\0\x14\0\3\0\0user\0postgre\0\0"), false}},
     .known_after = 4},
    /* The library waits for whose it is: what follows may tell. */
    {.signature = "stun",
     .protocol = UDP,
     .port = 20478,
     .said = {{BYTES("\0\1\0\x08\x21\x12\xa4\x42"
                     "transaction1"
                     "\x80\x22\0\4test"),
               false},
              {BYTES("\1\1\0\x0c\x21\x12\xa4\x42"
                     "transaction1"
                     "\0\x20\0\x08\0\1\x12\x34\x11\x22\x33\x44"),
               true}},
     .known_after = 0},
    {.signature = "sip",
     .protocol = UDP,
     .port = 25060,
     .said = {{"INVITE sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:40000;branch=z9hG4bK1\r\n"
               "From: <sip:alice@example.test>;tag=1\r\nTo: <sip:bob@example.test>\r\nCall-ID: 1@10.0.0.1\r\n"
               "CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
               0, false}},
     .known_after = 1},
    {.signature = "rtp",
     .protocol = UDP,
     .port = 20000,
     .said = {{BYTES(RTP("\x34", "\x00\xa0")), false},
              {BYTES(RTP("\x35", "\x01\x40")), false},
              {BYTES(RTP("\x36", "\x01\xe0")), false},
              {BYTES(RTP("\x37", "\x02\x80")), false}},
     .known_after = 1},
    {.signature = "steam",
     .protocol = UDP,
     .port = 27015,
     .said = {{BYTES("VS01\0\0\1\0\0\0\0\0"), false}},
     .known_after = 1},
};

START_TEST(a_form_is_known_on_any_port)
{
    struct talk talk = talks[_i];
    talk.evidence = PT_DPI_EVIDENCE_PAYLOAD;
    check_talk(&talk);
}
END_TEST

/* A connection that says nothing is taken for what its port is usually for, and the verdict says how little that is. */
START_TEST(a_port_alone_is_a_guess)
{
    const struct pt_dpi_options options = {.flows_max = 8, .tcp_packets_max = 12, .udp_packets_max = 10};
    const struct talk talk = {.protocol = TCP, .port = 3306};
    struct pt_dpi *dpi = NULL;
    ck_assert_int_eq(pt_dpi_new(&options, &dpi, NULL), PT_OK);
    (void)packet(dpi, &talk, false, PT_DPI_TCP_SYN, "", 0);
    struct pt_dpi_flow *flow = packet(dpi, &talk, true, PT_DPI_TCP_SYN | PT_DPI_TCP_ACK, "", 0);
    ck_assert_uint_eq(flow->verdict.signature, 0);
    pt_dpi_finish(dpi, flow);
    ck_assert_str_eq(pt_dpi_signature_name(flow->verdict.signature), "mysql");
    ck_assert_uint_eq(flow->verdict.evidence, PT_DPI_EVIDENCE_PORT);
    ck_assert_uint_le(flow->verdict.confidence, 30);
    ck_assert_uint_gt(flow->verdict.confidence, 0);
    ck_assert_uint_eq(flow->verdict.known_after, 0);
    pt_dpi_free(dpi);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("first packets");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, tls_is_told_by_the_name_it_asks_for);
    tcase_add_test(cases, quic_is_told_by_the_name_in_its_first_packet);
    tcase_add_loop_test(cases, a_form_is_known_on_any_port, 0, sizeof(talks) / sizeof(talks[0]));
    tcase_add_test(cases, a_port_alone_is_a_guess);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
