/*
 * The handshake against the published vectors of the Noise framework (flynn/noise, vectors.txt; the same protocol as in
 * the cacophony collection), and its refusals.
 */
#include "tunnel/noise.h"

#include "base/buf.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static size_t unhex(const char *text, uint8_t *data)
{
    size_t size = strlen(text) / 2;
    for (size_t i = 0; i < size; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], 0};
        data[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return size;
}

#define INIT_STATIC "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define RESP_STATIC "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
#define INIT_EPHEMERAL "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
#define RESP_EPHEMERAL "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60"
#define FIRST                                                                                          \
    "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd16625419d6fab175300a577115c701c41ed681" \
    "373f0432f81d3bf8676bd05216cd1919"
#define SECOND "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466"

static const struct vector {
    const char *prologue, *payloads[4], *messages[4];
} vectors[] = {
    {"",
     {"", "", "79656c6c6f777375626d6172696e65", "7375626d6172696e6579656c6c6f77"},
     {FIRST "ba2eaa418fdd8e09ae59d7cf57869de42789c3b9ca915c2cacf009f9d0e4436e",
      SECOND "23c019a124da3f096e964fe624cf65db", "80a75e75c8e8d2e9c2a6c7bc6e550c4997d6d2b45429a530821c4aa5d36f27",
      "b8475410da62a98493d33a1e669f8f56dd8f61d449b53bd375299c3435424a"}},
    {"",
     {"746573745f6d73675f30", "746573745f6d73675f31", "79656c6c6f777375626d6172696e65",
      "7375626d6172696e6579656c6c6f77"},
     {FIRST "ba2eaa418fdd8e09ae59d7cf57869de4e6d8177aa9777fe9b843100e255aee76034f61b96b52af38660c",
      SECOND "58a7bb8caac509783390e5a04df4a3ca570b2bcdf65f8c1c40cd",
      "80a75e75c8e8d2e9c2a6c7bc6e550c4997d6d2b45429a530821c4aa5d36f27",
      "b8475410da62a98493d33a1e669f8f56dd8f61d449b53bd375299c3435424a"}},
    {"6e6f74736563726574",
     {"746573745f6d73675f30", "746573745f6d73675f31", "79656c6c6f777375626d6172696e65",
      "7375626d6172696e6579656c6c6f77"},
     {FIRST "e61b75ccef0c0cf0b216fcdf371d0859e6d8177aa9777fe9b8435bb6f8202c3acd9051a9aee0a63e76f6",
      SECOND "58a7bb8caac5097833909e90778571d34ce0e5b6ea4c3a76f102",
      "80a75e75c8e8d2e9c2a6c7bc6e550c4997d6d2b45429a530821c4aa5d36f27",
      "b8475410da62a98493d33a1e669f8f56dd8f61d449b53bd375299c3435424a"}},
};

struct ends {
    uint8_t init_static[32], resp_static[32], init_ephemeral[32], resp_ephemeral[32], resp_public[32];
    struct pt_noise initiator, responder;
};

static void begin(struct ends *ends, const void *prologue, size_t prologue_size)
{
    (void)unhex(INIT_STATIC, ends->init_static);
    (void)unhex(RESP_STATIC, ends->resp_static);
    (void)unhex(INIT_EPHEMERAL, ends->init_ephemeral);
    (void)unhex(RESP_EPHEMERAL, ends->resp_ephemeral);
    pt_x25519_public(ends->resp_static, ends->resp_public);
    pt_noise_start(&ends->initiator, ends->init_static, ends->resp_public, prologue, prologue_size);
    pt_noise_await(&ends->responder, ends->resp_static, prologue, prologue_size);
}

/* The transport messages of the vectors: the first under each key, so nonce 0, no associated data. */
static void check_transport(const uint8_t key[32], const char *payload_hex, const char *message_hex)
{
    static const uint8_t nonce[PT_AEAD_NONCE_SIZE];
    uint8_t payload[64], message[64], sealed[64];
    size_t size = unhex(payload_hex, payload), message_size = unhex(message_hex, message);
    struct pt_aead *aead = pt_aead_new(PT_CIPHER_AES_256_GCM, key, true);
    pt_aead_seal(aead, nonce, NULL, 0, payload, size, sealed);
    pt_aead_free(aead);
    ck_assert_uint_eq(message_size, size + PT_AEAD_TAG_SIZE);
    ck_assert_mem_eq(sealed, message, message_size);
}

START_TEST(handshake_gives_the_published_messages)
{
    const struct vector *vector = &vectors[_i];
    struct ends ends;
    struct pt_noise_keys mine, theirs;
    uint8_t prologue[32], payload[64], expected[256], message[256], got[64];
    begin(&ends, prologue, unhex(vector->prologue, prologue));

    size_t size = unhex(vector->payloads[0], payload);
    ck_assert(pt_noise_write_first(&ends.initiator, ends.init_ephemeral, payload, size, message));
    ck_assert_uint_eq(unhex(vector->messages[0], expected), PT_NOISE_FIRST_SIZE + size);
    ck_assert_mem_eq(message, expected, PT_NOISE_FIRST_SIZE + size);
    ck_assert(pt_noise_read_first(&ends.responder, message, PT_NOISE_FIRST_SIZE + size, got));
    ck_assert_mem_eq(got, payload, size);
    ck_assert_mem_eq(ends.responder.remote_static, ends.initiator.static_public, 32);

    size = unhex(vector->payloads[1], payload);
    ck_assert(pt_noise_write_second(&ends.responder, ends.resp_ephemeral, payload, size, message));
    ck_assert_uint_eq(unhex(vector->messages[1], expected), PT_NOISE_SECOND_SIZE + size);
    ck_assert_mem_eq(message, expected, PT_NOISE_SECOND_SIZE + size);
    ck_assert(pt_noise_read_second(&ends.initiator, message, PT_NOISE_SECOND_SIZE + size, got));
    ck_assert_mem_eq(got, payload, size);

    pt_noise_split(&ends.initiator, true, &mine);
    pt_noise_split(&ends.responder, false, &theirs);
    ck_assert_mem_eq(mine.send, theirs.receive, 32);
    ck_assert_mem_eq(mine.receive, theirs.send, 32);
    check_transport(mine.send, vector->payloads[2], vector->messages[2]);
    check_transport(mine.receive, vector->payloads[3], vector->messages[3]);
}
END_TEST

/* Flip each byte of each message in turn: the reader refuses, whichever it is. */
START_TEST(any_altered_byte_is_refused)
{
    struct ends ends;
    uint8_t first[PT_NOISE_FIRST_SIZE + 8], second[PT_NOISE_SECOND_SIZE + 8], got[8];
    begin(&ends, NULL, 0);
    ck_assert(pt_noise_write_first(&ends.initiator, ends.init_ephemeral, "8 bytes.", 8, first));
    for (size_t i = 0; i < sizeof(first); i++) {
        struct pt_noise responder = ends.responder;
        first[i] ^= 0x40;
        ck_assert(!pt_noise_read_first(&responder, first, sizeof(first), got));
        first[i] ^= 0x40;
    }
    ck_assert(pt_noise_read_first(&ends.responder, first, sizeof(first), got));
    ck_assert(pt_noise_write_second(&ends.responder, ends.resp_ephemeral, "8 bytes.", 8, second));
    for (size_t i = 0; i < sizeof(second); i++) {
        struct pt_noise initiator = ends.initiator;
        second[i] ^= 0x40;
        ck_assert(!pt_noise_read_second(&initiator, second, sizeof(second), got));
        second[i] ^= 0x40;
    }
    ck_assert(pt_noise_read_second(&ends.initiator, second, sizeof(second), got));
}
END_TEST

START_TEST(points_of_low_order_and_other_prologues_are_refused)
{
    struct ends ends;
    uint8_t first[PT_NOISE_FIRST_SIZE], got[8], zero[32] = {0};
    begin(&ends, NULL, 0);
    pt_noise_start(&ends.initiator, ends.init_static, zero, NULL, 0);
    ck_assert(!pt_noise_write_first(&ends.initiator, ends.init_ephemeral, NULL, 0, first));
    begin(&ends, "a", 1);
    ck_assert(pt_noise_write_first(&ends.initiator, ends.init_ephemeral, NULL, 0, first));
    pt_noise_await(&ends.responder, ends.resp_static, "b", 1);
    ck_assert(!pt_noise_read_first(&ends.responder, first, sizeof(first), got));
    ck_assert(!pt_noise_read_first(&ends.responder, first, PT_NOISE_FIRST_SIZE - 1, got));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("noise");
    TCase *tcase = tcase_create("noise");
    tcase_add_loop_test(tcase, handshake_gives_the_published_messages, 0, (int)(sizeof(vectors) / sizeof(vectors[0])));
    tcase_add_test(tcase, any_altered_byte_is_refused);
    tcase_add_test(tcase, points_of_low_order_and_other_prologues_are_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
