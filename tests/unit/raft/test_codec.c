/*
 * The codec: random messages round-trip; cut at every byte, with a byte too many, or with one byte changed, they are
 * refused or read as something valid, never as nonsense. With an argument, writes the fuzzer's seeds into that folder.
 */
#include "base/assert.h"
#include "raft/codec.h"
#include "raft/peer_priv.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 1;

static uint64_t draw(uint64_t bound)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % bound;
}

static struct raft_entry entries[PT_RAFT_MESSAGE_ENTRIES_MAX];
static uint8_t data[4096];

static void draw_configuration(struct raft_configuration *configuration)
{
    raft_configuration_init(configuration);
    unsigned n = (unsigned)draw(6);
    for (unsigned i = 0; i < n; i++) {
        char address[64];
        snprintf(address, sizeof address, "10.0.%u.%u:%u", i, (unsigned)draw(256), (unsigned)draw(65536));
        int rv = raft_configuration_add(configuration, i + 1 + draw(2) * 1000, address, (int)draw(3));
        pt_assert(rv == 0);
    }
}

static void draw_append(struct raft_append_entries *m)
{
    m->term = 1 + draw(50);
    m->prev_log_index = draw(1000);
    m->prev_log_term = m->prev_log_index == 0 ? 0 : 1 + draw(m->term);
    m->leader_commit = draw(1000);
    m->n_entries = (unsigned)draw(10);
    m->entries = entries;
    uint64_t term = m->prev_log_term;
    for (unsigned i = 0; i < m->n_entries; i++) {
        term = term == 0 ? 1 : term + (term < m->term ? draw(2) : 0);
        entries[i] = (struct raft_entry){
            .term = term, .type = (enum raft_entry_type)(1 + draw(3)), .buf = {data + draw(100), draw(300)}};
    }
}

static struct raft_message draw_message(enum raft_message_type type)
{
    struct raft_message m = {.type = type};
    switch (type) {
    case RAFT_APPEND_ENTRIES:
        draw_append(&m.append_entries);
        break;
    case RAFT_APPEND_ENTRIES_RESULT:
        m.append_entries_result = (struct raft_append_entries_result){.version = 2,
                                                                      .term = 1 + draw(9),
                                                                      .last_log_index = draw(1000),
                                                                      .features = 1,
                                                                      .capacity = (unsigned short)draw(65536)};
        m.append_entries_result.rejected = draw(2) * (m.append_entries_result.last_log_index + 1 + draw(5));
        break;
    case RAFT_REQUEST_VOTE:
        m.request_vote = (struct raft_request_vote){.version = 2,
                                                    .term = 1 + draw(9),
                                                    .candidate_id = 1 + draw(9),
                                                    .last_log_index = draw(1000),
                                                    .last_log_term = draw(9),
                                                    .disrupt_leader = draw(2) != 0,
                                                    .pre_vote = draw(2) != 0};
        break;
    case RAFT_REQUEST_VOTE_RESULT:
        m.request_vote_result = (struct raft_request_vote_result){.version = 2,
                                                                  .term = 1 + draw(9),
                                                                  .vote_granted = draw(2) != 0,
                                                                  .pre_vote = draw(2) != 0,
                                                                  .features = 1,
                                                                  .capacity = 7};
        break;
    case RAFT_INSTALL_SNAPSHOT:
        m.install_snapshot = (struct raft_install_snapshot){.term = 9,
                                                            .last_index = 10 + draw(1000),
                                                            .last_term = 1 + draw(9),
                                                            .conf_index = 1 + draw(10),
                                                            .data = {data, draw(200)}};
        draw_configuration(&m.install_snapshot.conf);
        break;
    case RAFT_TIMEOUT_NOW:
        m.timeout_now =
            (struct raft_timeout_now){.term = 1 + draw(9), .last_log_index = draw(100), .last_log_term = draw(9)};
        break;
    }
    return m;
}

static void message_fini(struct raft_message *m)
{
    if (m->type == RAFT_INSTALL_SNAPSHOT) {
        raft_configuration_close(&m->install_snapshot.conf);
    }
}

static enum pt_code decode(struct pt_bytes bytes, struct pt_raft_decoded *decoded)
{
    return pt_raft_message_decode(bytes, decoded, NULL);
}

START_TEST(messages_round_trip_and_cut_ones_are_refused)
{
    static struct pt_raft_decoded decoded;
    for (unsigned round = 0; round < 3000; round++) {
        struct raft_message m = draw_message((enum raft_message_type)(RAFT_APPEND_ENTRIES + round % 6));
        struct pt_buf bytes = {0}, again = {0};
        pt_raft_message_encode(&m, &bytes);
        ck_assert_int_eq(decode(pt_buf_bytes(&bytes), &decoded), PT_OK);
        pt_raft_message_encode(&decoded.message, &again);
        ck_assert_uint_eq(again.size, bytes.size);
        ck_assert_mem_eq(again.data, bytes.data, bytes.size);
        message_fini(&decoded.message);
        for (size_t size = 0; size < bytes.size && round < 300; size++) {
            uint8_t *cut = malloc(size + 1); /* exact, so that asan sees a read behind it */
            memcpy(cut, bytes.data, size);
            ck_assert_int_eq(decode((struct pt_bytes){cut, size}, &decoded), PT_CORRUPT);
            free(cut);
        }
        pt_buf_append_u8(&bytes, 0);
        ck_assert_int_eq(decode(pt_buf_bytes(&bytes), &decoded), PT_CORRUPT);
        bytes.data[draw(bytes.size - 1)] ^= (uint8_t)(1U << draw(8));
        bytes.size--;
        if (decode(pt_buf_bytes(&bytes), &decoded) == PT_OK) { /* another valid message: then it writes as itself */
            pt_buf_reset(&again);
            pt_raft_message_encode(&decoded.message, &again);
            ck_assert_uint_eq(again.size, bytes.size);
            ck_assert_mem_eq(again.data, bytes.data, bytes.size);
            message_fini(&decoded.message);
        }
        message_fini(&m);
        pt_buf_fini(&bytes);
        pt_buf_fini(&again);
    }
}
END_TEST

START_TEST(limits_hold_at_their_edge)
{
    static struct pt_raft_decoded decoded;
    struct raft_message m = {.type = RAFT_APPEND_ENTRIES};
    m.append_entries =
        (struct raft_append_entries){.term = 1, .entries = entries, .n_entries = PT_RAFT_MESSAGE_ENTRIES_MAX};
    for (unsigned i = 0; i < PT_RAFT_MESSAGE_ENTRIES_MAX; i++) {
        entries[i] = (struct raft_entry){.term = 1, .type = RAFT_COMMAND, .buf = {data, 1}};
    }
    struct pt_buf bytes = {0};
    pt_raft_message_encode(&m, &bytes);
    ck_assert_int_eq(decode(pt_buf_bytes(&bytes), &decoded), PT_OK);
    pt_put_be32(bytes.data + 34, PT_RAFT_MESSAGE_ENTRIES_MAX + 1);
    ck_assert_int_eq(decode(pt_buf_bytes(&bytes), &decoded), PT_CORRUPT);
    pt_buf_reset(&bytes);
    uint8_t *large = calloc(1, PT_RAFT_DATA_SIZE_MAX + 1);
    for (size_t size = PT_RAFT_DATA_SIZE_MAX; size <= PT_RAFT_DATA_SIZE_MAX + 1; size++) {
        m.append_entries.n_entries = 1;
        entries[0].buf = (struct raft_buffer){large, size};
        pt_buf_reset(&bytes);
        pt_raft_message_encode(&m, &bytes);
        ck_assert_int_eq(decode(pt_buf_bytes(&bytes), &decoded), size == PT_RAFT_DATA_SIZE_MAX ? PT_OK : PT_CORRUPT);
    }
    free(large);
    pt_buf_fini(&bytes);
}
END_TEST

START_TEST(what_libraft_would_stumble_over_is_refused)
{
    static struct pt_raft_decoded decoded;
    struct pt_buf bytes = {0};
    struct raft_message m = {.type = RAFT_APPEND_ENTRIES};
    m.append_entries = (struct raft_append_entries){.term = 3, .prev_log_index = 5, .prev_log_term = 4};
    pt_raft_message_encode(&m, &bytes); /* an entry of a later term than the leader's */
    ck_assert_int_eq(decode(pt_buf_bytes(&bytes), &decoded), PT_CORRUPT);
    pt_buf_reset(&bytes);
    m = (struct raft_message){.type = RAFT_APPEND_ENTRIES_RESULT};
    m.append_entries_result = (struct raft_append_entries_result){.term = 3, .rejected = 5, .last_log_index = 5};
    pt_raft_message_encode(&m, &bytes); /* a hint at or above what is rejected */
    ck_assert_int_eq(decode(pt_buf_bytes(&bytes), &decoded), PT_CORRUPT);
    pt_buf_reset(&bytes);
    m = (struct raft_message){.type = RAFT_TIMEOUT_NOW};
    pt_raft_message_encode(&m, &bytes); /* term 0 */
    ck_assert_int_eq(decode(pt_buf_bytes(&bytes), &decoded), PT_CORRUPT);
    pt_buf_fini(&bytes);
}
END_TEST

START_TEST(frames_are_found_in_any_cut_and_damage_is_seen)
{
    struct pt_buf stream = {0};
    for (unsigned i = 0; i < 20; i++) {
        pt_raft_frame_put(&stream, (enum pt_raft_frame)(1 + draw(PT_RAFT_FRAME_MAX - 1)), data, draw(200));
    }
    for (size_t cut = 0; cut <= stream.size; cut++) {
        size_t offset = 0;
        unsigned found = 0;
        enum pt_raft_frame kind;
        struct pt_bytes payload;
        int got;
        while ((got = pt_raft_frame_next((struct pt_bytes){stream.data, cut}, &offset, &kind, &payload)) == 1) {
            found++;
        }
        ck_assert_int_eq(got, 0);
        ck_assert(cut < stream.size || found == 20);
    }
    for (size_t bit = 0; bit < stream.size * 8; bit += 7) {
        stream.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        size_t offset = 0;
        unsigned found = 0;
        enum pt_raft_frame kind;
        struct pt_bytes payload;
        while (pt_raft_frame_next(pt_buf_bytes(&stream), &offset, &kind, &payload) == 1) {
            found++;
        }
        ck_assert_uint_lt(found, 20);
        stream.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    pt_buf_fini(&stream);
}
END_TEST

static void seed_write(const char *folder, const char *name, uint8_t first, const struct pt_buf *bytes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    pt_assert(file != NULL);
    fputc(first, file);
    size_t written = fwrite(bytes->data, 1, bytes->size, file);
    pt_assert(written == bytes->size);
    fclose(file);
}

static void seeds_write(const char *folder)
{
    static const char *const names[] = {"append", "append_result", "vote", "vote_result", "install", "timeout_now"};
    struct pt_buf bytes = {0}, frames = {0};
    for (unsigned i = 0; i < 6; i++) {
        struct raft_message m = draw_message((enum raft_message_type)(RAFT_APPEND_ENTRIES + i));
        pt_buf_reset(&bytes);
        pt_raft_message_encode(&m, &bytes);
        seed_write(folder, names[i], 0, &bytes);
        pt_raft_frame_put(&frames, PT_RAFT_FRAME_MESSAGE, bytes.data, bytes.size);
        message_fini(&m);
    }
    seed_write(folder, "frames", 2, &frames);
    struct raft_configuration configuration;
    draw_configuration(&configuration);
    pt_buf_reset(&bytes);
    pt_raft_configuration_encode(&configuration, &bytes);
    seed_write(folder, "configuration", 1, &bytes);
    raft_configuration_close(&configuration);
    pt_buf_fini(&bytes);
    pt_buf_fini(&frames);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)draw(256);
    }
    if (argc > 1) {
        seeds_write(argv[1]);
        return EXIT_SUCCESS;
    }
    Suite *suite = suite_create("raft codec");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, messages_round_trip_and_cut_ones_are_refused);
    tcase_add_test(tc, limits_hold_at_their_edge);
    tcase_add_test(tc, what_libraft_would_stumble_over_is_refused);
    tcase_add_test(tc, frames_are_found_in_any_cut_and_damage_is_seen);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
