/* Captures and packets: what is read, and that damage is said with its place. */
#include "dpi/capture.h"
#include "dpi/dns.h"
#include "dpi/packet.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

/* An Ethernet frame with UDP from 10.0.0.1:1000 to 10.0.0.2:2000 and `size` bytes; its length. */
static size_t make_frame(uint8_t *frame, size_t size)
{
    static const uint8_t head[] = {2,  0,    0,    0, 0,  2, 2, 0, 0,         0,          0,         1,         8,
                                   0,  0x45, 0xb8, 0, 0,  0, 0, 0, 0,         0x40,       17,        0,         0,
                                   10, 0,    0,    1, 10, 0, 0, 2, 1000 >> 8, 1000 & 255, 2000 >> 8, 2000 & 255};
    memcpy(frame, head, sizeof(head));
    frame[17] = (uint8_t)(28 + size);
    frame[39] = (uint8_t)(8 + size);
    memset(frame + 42, 'x', size);
    return 42 + size;
}

static size_t make_capture(uint8_t *file)
{
    memset(file, 0, 24);
    put32(file, 0xa1b2c3d4);
    put32(file + 16, 262144);
    put32(file + 20, 1);
    size_t at = 24;
    for (uint32_t i = 0; i < 3; i++) {
        size_t size = make_frame(file + at + 16, 5 + i);
        put32(file + at, 100 + i);
        put32(file + at + 4, 500000);
        put32(file + at + 8, (uint32_t)size);
        put32(file + at + 12, (uint32_t)size);
        at += 16 + size;
    }
    return at;
}

START_TEST(every_packet_is_read_with_its_time)
{
    uint8_t file[512];
    struct pt_dpi_capture capture;
    struct pt_dpi_record record;
    struct pt_dpi_packet packet;
    bool more;
    ck_assert_int_eq(pt_dpi_capture_open(file, make_capture(file), &capture, NULL), PT_OK);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(pt_dpi_capture_next(&capture, &record, &more, NULL), PT_OK);
        ck_assert(more && record.time_ms == (100 + i) * 1000 + 500);
        ck_assert(pt_dpi_packet_parse(record.ip, record.ip_size, &packet));
        ck_assert_uint_eq(packet.port_source, 1000);
        ck_assert_uint_eq(packet.port_destination, 2000);
        ck_assert_uint_eq(packet.payload_size, 5 + i);
        ck_assert_uint_eq(packet.dscp, 46);
    }
    ck_assert_int_eq(pt_dpi_capture_next(&capture, &record, &more, NULL), PT_OK);
    ck_assert(!more);
}
END_TEST

/* Cut at every byte: either at the end of a packet, or an error that names the packet and the byte. */
START_TEST(a_capture_cut_short_is_an_error_that_names_the_place)
{
    uint8_t file[512];
    size_t size = make_capture(file), clean = 0;
    for (size_t cut = 0; cut < size; cut++) {
        struct pt_dpi_capture capture;
        struct pt_dpi_record record;
        struct pt_error error = {0};
        bool more = true;
        unsigned packets = 0;
        uint8_t *copy = malloc(cut + 1); /* of its own size: reading on is seen by the sanitizer */
        memcpy(copy, file, cut);
        enum pt_code code = pt_dpi_capture_open(copy, cut, &capture, &error);
        while (code == PT_OK && more) {
            code = pt_dpi_capture_next(&capture, &record, &more, &error);
            packets += code == PT_OK && more;
        }
        clean += code == PT_OK;
        if (code != PT_OK) {
            char place[32];
            (void)snprintf(place, sizeof(place), "packet %u", packets + 1);
            ck_assert_int_eq(code, PT_INVALID_ARGUMENT);
            ck_assert_ptr_nonnull(strstr(error.field, place));
        }
        free(copy);
    }
    ck_assert_uint_eq(clean, 3); /* behind the header and behind two of three packets */
}
END_TEST

START_TEST(what_is_no_capture_is_refused)
{
    uint8_t file[64] = "this is a text and no capture at all, whatever its name says";
    struct pt_dpi_capture capture;
    struct pt_error error = {0};
    ck_assert_int_eq(pt_dpi_capture_open(file, sizeof(file), &capture, &error), PT_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.text, "pcap"));
}
END_TEST

START_TEST(an_answer_of_dns_gives_the_name_that_was_asked_for)
{
    static const uint8_t message[] = {0x12, 0x34, 0x81, 0x80, 0,   1,   0, 2, 0,  0,   0,   0,    3,    'W', 'w',
                                      'w',  4,    't',  'e',  's', 't', 0, 0, 1,  0,   1,   0xc0, 12,   0,   5,
                                      0,    1,    0,    0,    0,   60,  0, 6, 3,  'c', 'd', 'n',  0xc0, 16,  0xc0,
                                      38,   0,    1,    0,    1,   0,   0, 0, 30, 0,   4,   192,  0,    2,   7};
    struct pt_dpi_answer answer;
    ck_assert(pt_dpi_dns_parse(message, sizeof(message), &answer));
    ck_assert_str_eq(answer.host, "www.test");
    ck_assert_uint_eq(answer.addresses_len, 1);
    ck_assert_uint_eq(pt_ip_to_v4(&answer.addresses[0]), 0xc0000207);
    ck_assert_uint_eq(answer.ttl_s, 30);
    for (size_t cut = 0; cut < sizeof(message); cut++) {
        ck_assert(!pt_dpi_dns_parse(message, cut, &answer));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("capture");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, every_packet_is_read_with_its_time);
    tcase_add_test(cases, a_capture_cut_short_is_an_error_that_names_the_place);
    tcase_add_test(cases, what_is_no_capture_is_refused);
    tcase_add_test(cases, an_answer_of_dns_gives_the_name_that_was_asked_for);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
