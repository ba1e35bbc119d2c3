/*
 * Cutting super-packets and joining packets: what is cut is well formed piece by piece, and joins to what it was.
 */
#include "tunnel/packet.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define V6_OFFSET 40
#define V4_OFFSET 20

static uint8_t buffer[70000], whole[70000], joined[70000];

static uint32_t sum16(const uint8_t *data, size_t size, uint32_t sum)
{
    for (size_t i = 0; i < size; i++) {
        sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
    }
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/* A TCP or UDP packet with `data_size` bytes of data. Returns its size. */
static size_t make(uint8_t *packet, bool v6, uint8_t protocol, size_t data_size)
{
    size_t l4 = v6 ? V6_OFFSET : V4_OFFSET, headers = l4 + (protocol == 6 ? 32 : 8), size = headers + data_size;
    memset(packet, 0, headers);
    packet[0] = v6 ? 0x60 : 0x45;
    packet[v6 ? 6 : 9] = protocol;
    if (v6) {
        packet[4] = (uint8_t)((size - 40) >> 8);
        packet[5] = (uint8_t)(size - 40);
        packet[7] = 64;
    } else {
        packet[2] = (uint8_t)(size >> 8);
        packet[3] = (uint8_t)size;
        packet[5] = 7;
        packet[6] = 0x40;
        packet[8] = 64;
    }
    for (size_t i = v6 ? 8 : 12; i < l4; i++) {
        packet[i] = (uint8_t)(i * 7);
    }
    packet[l4 + 1] = 80;
    packet[l4 + 3] = 90;
    if (protocol == 6) {
        packet[l4 + 4] = 0xff; /* the sequence number wraps */
        packet[l4 + 5] = 0xff;
        packet[l4 + 6] = 0xf0;
        packet[l4 + 12] = 0x80;
        packet[l4 + 13] = 0x18; /* PSH ACK */
        packet[l4 + 20] = 1;
    } else {
        packet[l4 + 4] = (uint8_t)((size - l4) >> 8);
        packet[l4 + 5] = (uint8_t)(size - l4);
    }
    for (size_t i = headers; i < size; i++) {
        packet[i] = (uint8_t)(i * 31 + i / 256);
    }
    return size;
}

/* Pseudo-header sum as the field holds it, and the IPv4 header's sum. */
static void check_piece(const uint8_t *piece, size_t size, bool v6, uint8_t protocol)
{
    struct pt_packet parsed;
    size_t l4 = v6 ? V6_OFFSET : V4_OFFSET;
    ck_assert(pt_packet_parse(piece, size, false, &parsed));
    ck_assert_uint_eq(parsed.l4_offset, l4);
    if (!v6) {
        ck_assert_uint_eq(sum16(piece, 20, 0), 0xffff);
    }
    uint32_t pseudo = sum16(piece + (v6 ? 8 : 12), v6 ? 32 : 8, protocol + (uint32_t)(size - l4));
    const uint8_t *field = piece + l4 + (protocol == 6 ? 16 : 6);
    ck_assert_uint_eq((uint32_t)(field[0] << 8 | field[1]), pseudo);
}

/* Cases: IPv4 and IPv6, TCP and UDP, sizes that divide and that do not. */
START_TEST(what_is_cut_joins_to_what_it_was)
{
    bool v6 = (_i & 1) != 0;
    uint8_t protocol = (_i & 2) != 0 ? 17 : 6;
    size_t data_size = (_i & 4) != 0 ? 1400 * 40 : 1400 * 20 + 123;
    struct pt_packet parsed;
    struct pt_cut cut;
    struct pt_join join = {.count = 0};
    size_t size = make(buffer, v6, protocol, data_size), piece_size, pieces = 0;
    memcpy(whole, buffer, size);
    ck_assert(pt_packet_parse(buffer, size, true, &parsed));
    ck_assert(pt_cut_start(&cut, buffer, size, &parsed, 1400));
    uint8_t *piece;
    while ((piece = pt_cut_next(&cut, &piece_size)) != NULL) {
        struct pt_packet piece_parsed;
        check_piece(piece, piece_size, v6, protocol);
        ck_assert(pt_packet_parse(piece, piece_size, false, &piece_parsed));
        if (join.count == 0) {
            memcpy(joined, piece, piece_size);
            pt_join_start(&join, joined, piece_size, &piece_parsed);
        } else {
            ck_assert(pt_join_fits(&join, joined, piece, piece_size, &piece_parsed));
            memcpy(joined + join.size, piece + parsed.headers_size, piece_size - parsed.headers_size);
            pt_join_add(&join, joined, piece, piece_size);
        }
        pieces++;
    }
    ck_assert_uint_eq(pieces, (data_size + 1399) / 1400);
    ck_assert_uint_eq(join.size, size);
    pt_join_finish(&join, joined);
    check_piece(joined, size, v6, protocol);
    memset(joined + (v6 ? V6_OFFSET : V4_OFFSET) + (protocol == 6 ? 16 : 6), 0, 2);
    if (!v6) {
        memset(joined + 10, 0, 2);
    }
    ck_assert_mem_eq(joined, whole, size);
}
END_TEST

/* Each header byte of the second packet in turn: nothing that a host said gets lost in joining. */
START_TEST(packets_that_differ_are_not_joined)
{
    bool v6 = (_i & 1) != 0;
    uint8_t protocol = (_i & 2) != 0 ? 17 : 6;
    size_t l4 = v6 ? V6_OFFSET : V4_OFFSET, size = make(whole, v6, protocol, 100);
    struct pt_packet parsed;
    struct pt_join join;
    if (protocol == 6) {
        whole[l4 + 13] = 0x10;
    } else {
        whole[l4 + 7] = 1; /* a sum */
    }
    ck_assert(pt_packet_parse(whole, size, false, &parsed));
    pt_join_start(&join, whole, size, &parsed);
    for (size_t i = 0; i < parsed.headers_size; i++) {
        struct pt_packet next_parsed;
        memcpy(buffer, whole, size);
        if (protocol == 6) {
            buffer[l4 + 7] = (uint8_t)(buffer[l4 + 7] + 100);
        }
        bool may_differ = v6 ? false : i == 4 || i == 5 || i == 10 || i == 11;
        may_differ = may_differ || (protocol == 6 ? i == l4 + 16 || i == l4 + 17 : i == l4 + 6 || i == l4 + 7);
        buffer[i] ^= 0x04;
        bool fits = pt_packet_parse(buffer, size, false, &next_parsed) &&
                    pt_join_fits(&join, whole, buffer, size, &next_parsed);
        ck_assert_msg(fits == may_differ, "byte %zu", i);
    }
}
END_TEST

START_TEST(what_must_stand_alone_does)
{
    struct pt_packet parsed;
    struct pt_join join;
    struct pt_cut cut;
    size_t size = make(buffer, false, 6, 100);
    ck_assert(pt_packet_parse(buffer, size, false, &parsed));
    pt_join_start(&join, buffer, size, &parsed);
    ck_assert(join.closed); /* PSH */
    buffer[6] = 0x20;       /* more fragments */
    ck_assert(pt_packet_parse(buffer, size, false, &parsed));
    ck_assert_uint_eq(parsed.l4_offset, 0);
    ck_assert(!pt_cut_start(&cut, buffer, size, &parsed, 50));
    ck_assert(!pt_packet_parse(buffer, size - 1, false, &parsed));
    ck_assert(!pt_packet_parse(buffer, 19, true, &parsed));
    buffer[0] = 0x4f;
    ck_assert(!pt_packet_parse(buffer, 30, true, &parsed));
}
END_TEST

START_TEST(congestion_is_marked_inside)
{
    struct pt_packet parsed;
    size_t size = make(buffer, false, 6, 10);
    ck_assert(pt_packet_parse(buffer, size, false, &parsed));
    ck_assert(!pt_packet_mark_congestion(buffer, &parsed)); /* not capable: RFC 6040 drops it */
    buffer[1] = 2;
    ck_assert(pt_packet_parse(buffer, size, false, &parsed));
    ck_assert(pt_packet_mark_congestion(buffer, &parsed));
    ck_assert_uint_eq(buffer[1], 3);
    ck_assert_uint_eq(sum16(buffer, 20, 0), 0xffff);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("packet");
    TCase *tcase = tcase_create("packet");
    tcase_add_loop_test(tcase, what_is_cut_joins_to_what_it_was, 0, 8);
    tcase_add_loop_test(tcase, packets_that_differ_are_not_joined, 0, 4);
    tcase_add_test(tcase, what_must_stand_alone_does);
    tcase_add_test(tcase, congestion_is_marked_inside);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
