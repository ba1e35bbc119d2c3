/* The replay window against a trivial twin, and the layout of messages. */
#include "tunnel/replay.h"
#include "tunnel/wire.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define NUMBERS 100000

static uint64_t random_state = 88172645463325252ULL;

static uint64_t random_u64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Random walks forward with jumps back; the twin remembers every number. */
START_TEST(window_is_that_of_its_twin)
{
    bool *seen = calloc(NUMBERS, sizeof(*seen));
    struct pt_replay replay = {0};
    uint64_t next = 0;
    while (next < NUMBERS - 5000) {
        uint64_t jump = random_u64() % 1000 == 0 ? random_u64() % 4000 : random_u64() % 4;
        uint64_t back = random_u64() % 2300;
        uint64_t number = random_u64() % 2 == 0 || back >= next ? next + jump : next - back;
        bool fresh = number + PT_REPLAY_WINDOW >= next && !seen[number];
        ck_assert_int_eq(pt_replay_fresh(&replay, number), fresh);
        ck_assert_int_eq(pt_replay_mark(&replay, number), fresh);
        seen[number] = true;
        next = fresh && number >= next ? number + 1 : next;
    }
    free(seen);
}
END_TEST

START_TEST(window_ends_exactly_at_2048)
{
    struct pt_replay replay = {0};
    ck_assert(pt_replay_mark(&replay, 5000));
    ck_assert(!pt_replay_mark(&replay, 5000));
    ck_assert(!pt_replay_fresh(&replay, 5000 - PT_REPLAY_WINDOW));
    ck_assert(pt_replay_mark(&replay, 5001 - PT_REPLAY_WINDOW));
    ck_assert(!pt_replay_mark(&replay, 5001 - PT_REPLAY_WINDOW));
    ck_assert(!pt_replay_fresh(&replay, UINT64_MAX));
    ck_assert(pt_replay_mark(&replay, UINT64_MAX - 1));
    ck_assert(!pt_replay_fresh(&replay, 5001));
}
END_TEST

START_TEST(data_header_reads_as_written)
{
    const struct pt_tunnel_data data = {.flags = PT_TUNNEL_PARTIAL,
                                        .stream = 63,
                                        .vni = 0xabcdef,
                                        .counter = 0x123456789abcULL,
                                        .receiver = 0xfedcba98};
    uint8_t message[PT_TUNNEL_OVERHEAD] = {0};
    static const uint8_t expected[PT_TUNNEL_DATA_HEADER] = {4,    1,    63,   0xab, 0xcd, 0xef, 0x12, 0x34,
                                                            0x56, 0x78, 0x9a, 0xbc, 0xfe, 0xdc, 0xba, 0x98};
    struct pt_tunnel_data back;
    pt_tunnel_data_write(&data, message);
    ck_assert_mem_eq(message, expected, sizeof(expected));
    ck_assert(pt_tunnel_data_read(message, sizeof(message), &back));
    ck_assert_uint_eq(back.vni, data.vni);
    ck_assert_uint_eq(back.counter, data.counter);
    ck_assert_uint_eq(back.receiver, data.receiver);
    ck_assert_uint_eq(back.stream, data.stream);
    ck_assert(!pt_tunnel_data_read(message, sizeof(message) - 1, &back));
    message[1] = 8; /* an unknown flag */
    ck_assert(!pt_tunnel_data_read(message, sizeof(message), &back));
    message[1] = 0;
    message[2] = PT_TUNNEL_STREAMS;
    ck_assert(!pt_tunnel_data_read(message, sizeof(message), &back));
}
END_TEST

START_TEST(handshake_sizes_are_exact)
{
    uint8_t message[256] = {PT_TUNNEL_INITIATION, PT_TUNNEL_VERSION, 0, 0, 1, 2, 3, 4};
    struct pt_tunnel_handshake handshake;
    for (size_t size = 0; size <= sizeof(message); size++) {
        ck_assert_int_eq(pt_tunnel_handshake_read(message, size, &handshake), size == PT_TUNNEL_INITIATION_SIZE);
    }
    ck_assert_uint_eq(handshake.sender, 0x01020304);
    ck_assert_ptr_eq(handshake.mac1, message + PT_TUNNEL_INITIATION_SIZE - 2 * PT_TUNNEL_MAC_SIZE);
    message[3] = 1;
    ck_assert(!pt_tunnel_handshake_read(message, PT_TUNNEL_INITIATION_SIZE, &handshake));
    message[3] = 0;
    message[1] = 2;
    ck_assert(!pt_tunnel_handshake_read(message, PT_TUNNEL_INITIATION_SIZE, &handshake));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire");
    TCase *tcase = tcase_create("wire");
    tcase_add_test(tcase, window_is_that_of_its_twin);
    tcase_add_test(tcase, window_ends_exactly_at_2048);
    tcase_add_test(tcase, data_header_reads_as_written);
    tcase_add_test(tcase, handshake_sizes_are_exact);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
