/*
 * Digests, checksums, signatures, sealing and base64url, against published vectors and their algebraic laws.
 */
#include "crypto/crc32c.h"
#include "crypto/crypto.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a hexadecimal text; returns how many. */
static size_t unhex(const char *text, uint8_t *data)
{
    size_t size = strlen(text) / 2;
    for (size_t i = 0; i < size; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], 0};
        data[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return size;
}

static uint64_t random_state = 88172645463325252ULL;

static uint64_t random_u64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void random_fill(void *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)data)[i] = (uint8_t)random_u64();
    }
}

START_TEST(sha256_gives_the_published_values)
{
    char text[65];
    struct pt_digest digest = pt_sha256("abc", 3);
    ck_assert_str_eq(pt_digest_hex(&digest, text), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest = pt_sha256(NULL, 0);
    ck_assert_str_eq(pt_digest_hex(&digest, text), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    const char *two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    struct pt_sha256_stream *stream = pt_sha256_open();
    for (const char *p = two_blocks; *p != '\0'; p++) {
        pt_sha256_update(stream, p, 1);
    }
    digest = pt_sha256_close(stream);
    ck_assert_str_eq(pt_digest_hex(&digest, text), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}
END_TEST

START_TEST(hex_of_a_digest_reads_back_and_nothing_else_does)
{
    struct pt_digest digest;
    struct pt_digest back = {0};
    char text[65];
    random_fill(&digest, sizeof(digest));
    ck_assert_int_eq(pt_digest_from_hex(pt_digest_hex(&digest, text), &back, NULL), PT_OK);
    ck_assert(pt_digest_equal(&digest, &back));
    const char *good = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    ck_assert_int_eq(pt_digest_from_hex(good, &back, NULL), PT_OK);
    static const char *const bad[] = {
        "",
        "00",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeef",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0",
        "00112233445566778899AABBccddeeff00112233445566778899aabbccddeeff",
        "0x112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        " 0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        "g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct pt_digest untouched = back;
        ck_assert_int_eq(pt_digest_from_hex(bad[i], &back, NULL), PT_INVALID_ARGUMENT);
        ck_assert(pt_digest_equal(&untouched, &back));
    }
}
END_TEST

/* Sum and difference against a byte-wise twin that carries by hand. */
START_TEST(digest_sum_is_arithmetic_modulo_2_256)
{
    for (int round = 0; round < 2000; round++) {
        struct pt_digest a;
        struct pt_digest b;
        random_fill(&a, sizeof(a));
        random_fill(&b, sizeof(b));
        if (round % 3 == 0) { /* long carries */
            memset(a.bytes + random_u64() % 16, 0xff, 16);
        }
        struct pt_digest twin;
        unsigned carry = 0;
        for (int i = 31; i >= 0; i--) {
            carry += (unsigned)a.bytes[i] + b.bytes[i];
            twin.bytes[i] = (uint8_t)carry;
            carry >>= 8;
        }
        struct pt_digest sum = a;
        pt_digest_add(&sum, &b);
        ck_assert_mem_eq(&sum, &twin, sizeof(sum));
        struct pt_digest other = b;
        pt_digest_add(&other, &a);
        ck_assert_mem_eq(&sum, &other, sizeof(sum));
        pt_digest_sub(&sum, &b);
        ck_assert_mem_eq(&sum, &a, sizeof(sum));
    }
    struct pt_digest zero = {0};
    struct pt_digest one = {.bytes = {[31] = 1}};
    struct pt_digest most;
    memset(&most, 0xff, sizeof(most));
    struct pt_digest sum = zero;
    pt_digest_sub(&sum, &one);
    ck_assert_mem_eq(&sum, &most, sizeof(sum));
    pt_digest_add(&sum, &one);
    ck_assert_mem_eq(&sum, &zero, sizeof(sum));
    sum = most;
    pt_digest_add(&sum, &most);
    pt_digest_sub(&sum, &most);
    ck_assert_mem_eq(&sum, &most, sizeof(sum));
}
END_TEST

START_TEST(memory_equal_compares_and_clear_clears)
{
    uint8_t a[5] = {1, 2, 3, 4, 5};
    uint8_t b[5] = {1, 2, 3, 4, 6};
    ck_assert(pt_memory_equal(a, b, 4));
    ck_assert(!pt_memory_equal(a, b, 5));
    ck_assert(pt_memory_equal(NULL, NULL, 0));
    pt_memory_clear(a, sizeof(a));
    for (size_t i = 0; i < sizeof(a); i++) {
        ck_assert_uint_eq(a[i], 0);
    }
}
END_TEST

/* RFC 3720 B.4, and both implementations against each other for each length and alignment. */
START_TEST(crc32c_gives_the_published_values_both_ways)
{
    uint8_t data[300] = {0};
    ck_assert_uint_eq(pt_crc32c(0, "123456789", 9), 0xe3069283U);
    ck_assert_uint_eq(pt_crc32c_table(0, "123456789", 9), 0xe3069283U);
    ck_assert_uint_eq(pt_crc32c(0, data, 32), 0x8a9136aaU);
    memset(data, 0xff, 32);
    ck_assert_uint_eq(pt_crc32c(0, data, 32), 0x62a8ab43U);
    ck_assert_uint_eq(pt_crc32c(0, NULL, 0), 0);
    random_fill(data, sizeof(data));
    for (size_t size = 0; size < 280; size++) {
        size_t from = size % 16;
        uint32_t whole = pt_crc32c(0, data + from, size);
        ck_assert_uint_eq(whole, pt_crc32c_table(0, data + from, size));
        size_t cut = size / 3;
        ck_assert_uint_eq(whole, pt_crc32c(pt_crc32c(0, data + from, cut), data + from + cut, size - cut));
    }
}
END_TEST

/* RFC 8032, 7.1, tests 1 to 3. */
static const struct {
    const char *seed, *public_key, *message, *signature;
} ed25519[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe246"
     "55"
     "141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb"
     "00"
     "d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc"
     "02"
     "7beceea1ec40a"},
};

START_TEST(ed25519_gives_the_published_values)
{
    uint8_t seed[32];
    uint8_t public_key[32];
    uint8_t message[2];
    uint8_t signature[64];
    unhex(ed25519[_i].seed, seed);
    unhex(ed25519[_i].public_key, public_key);
    size_t size = unhex(ed25519[_i].message, message);
    unhex(ed25519[_i].signature, signature);
    uint8_t got_public[32];
    uint8_t got[64];
    pt_sign_keypair(seed, got_public);
    ck_assert_mem_eq(got_public, public_key, 32);
    pt_sign(seed, message, size, got);
    ck_assert_mem_eq(got, signature, 64);
    ck_assert(pt_sign_verify(public_key, message, size, signature));
}
END_TEST

START_TEST(ed25519_refuses_each_changed_bit)
{
    uint8_t seed[32] = {7};
    uint8_t public_key[32];
    uint8_t signature[64];
    uint8_t message[20] = "a bundle's digest";
    pt_sign_keypair(seed, public_key);
    pt_sign(seed, message, sizeof(message), signature);
    for (size_t bit = 0; bit < 64 * 8; bit++) {
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert(!pt_sign_verify(public_key, message, sizeof(message), signature));
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    message[3] ^= 1;
    ck_assert(!pt_sign_verify(public_key, message, sizeof(message), signature));
    message[3] ^= 1;
    ck_assert(!pt_sign_verify(public_key, message, sizeof(message) - 1, signature));
    public_key[0] ^= 1;
    ck_assert(!pt_sign_verify(public_key, message, sizeof(message), signature));
    memset(public_key, 0xff, sizeof(public_key));
    ck_assert(!pt_sign_verify(public_key, message, sizeof(message), signature));
}
END_TEST

/* The GCM specification's test case 16: 256-bit key, additional data, a text that fills no block. */
START_TEST(seal_gives_the_published_value)
{
    uint8_t key[32];
    uint8_t nonce[12];
    uint8_t plain[60];
    uint8_t expected[76];
    unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", key);
    unhex("cafebabefacedbaddecaf888", nonce);
    size_t size = unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
                        plain);
    ck_assert_uint_eq(size, 60);
    unhex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
          "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
          "76fc6ece0f4e1768cddf8853bb2d551b",
          expected);
    uint8_t context[21] = {0};
    unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2", context);
    PT_AUTO(buf) struct pt_buf sealed = {0};
    pt_seal(key, nonce, (const char *)context, (struct pt_bytes){plain, size}, &sealed);
    ck_assert_uint_eq(sealed.size, size + PT_SEAL_OVERHEAD);
    ck_assert_mem_eq(sealed.data, nonce, 12);
    ck_assert_mem_eq(sealed.data + 12, expected, 76);
    ck_assert_uint_eq(sealed.data[sealed.size], 0);
}
END_TEST

START_TEST(a_seal_opens_with_its_key_and_context_only)
{
    uint8_t key[32];
    uint8_t nonce[12];
    uint8_t plain[100];
    random_fill(key, sizeof(key));
    random_fill(nonce, sizeof(nonce));
    random_fill(plain, sizeof(plain));
    for (size_t size = 0; size <= 100; size += 20) {
        PT_AUTO(buf) struct pt_buf sealed = {0};
        PT_AUTO(buf) struct pt_buf opened = {0};
        pt_buf_append(&opened, "x", 1);
        pt_seal(key, nonce, "sites/nyc", (struct pt_bytes){plain, size}, &sealed);
        ck_assert_int_eq(pt_unseal(key, "sites/nyc", pt_buf_bytes(&sealed), &opened, NULL), PT_OK);
        ck_assert_uint_eq(opened.size, size + 1);
        ck_assert_mem_eq(opened.data + 1, plain, size);
        ck_assert_int_eq(pt_unseal(key, "sites/sfo", pt_buf_bytes(&sealed), &opened, NULL), PT_CORRUPT);
        for (size_t i = 0; i < sealed.size; i++) {
            sealed.data[i] ^= 0x10;
            ck_assert_int_eq(pt_unseal(key, "sites/nyc", pt_buf_bytes(&sealed), &opened, NULL), PT_CORRUPT);
            sealed.data[i] ^= 0x10;
        }
        for (size_t cut = 0; cut < sealed.size; cut++) {
            ck_assert_int_eq(pt_unseal(key, "sites/nyc", (struct pt_bytes){sealed.data, cut}, &opened, NULL),
                             PT_CORRUPT);
        }
        ck_assert_uint_eq(opened.size, size + 1);
        key[0] ^= 1;
        ck_assert_int_eq(pt_unseal(key, "sites/nyc", pt_buf_bytes(&sealed), &opened, NULL), PT_CORRUPT);
        key[0] ^= 1;
    }
}
END_TEST

/* RFC 4648, section 10, without the padding; and the two characters that differ from plain base64. */
START_TEST(base64url_gives_the_published_values)
{
    static const char *const vectors[][2] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"},
    };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        PT_AUTO(buf) struct pt_buf text = {0};
        PT_AUTO(buf) struct pt_buf data = {0};
        pt_base64url_encode((struct pt_bytes){(const uint8_t *)vectors[i][0], strlen(vectors[i][0])}, &text);
        ck_assert_str_eq((char *)text.data, vectors[i][1]);
        ck_assert_int_eq(pt_base64url_decode(vectors[i][1], strlen(vectors[i][1]), &data, NULL), PT_OK);
        ck_assert_str_eq((char *)data.data, vectors[i][0]);
    }
}
END_TEST

START_TEST(base64url_refuses_what_it_would_not_write)
{
    static const char *const bad[] = {"Z",    "Zg==", "Zm9v=", "Zh",    "Zm9",       "Zm9v\n",
                                      "Zm 9", "+_+_", "//",    "Zm9vY", "Zg\x80\x80"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        PT_AUTO(buf) struct pt_buf data = {0};
        ck_assert_msg(pt_base64url_decode(bad[i], strlen(bad[i]), &data, NULL) == PT_INVALID_ARGUMENT, "%s", bad[i]);
        ck_assert_uint_eq(data.size, 0);
    }
    for (int round = 0; round < 300; round++) {
        uint8_t bytes[64];
        size_t size = random_u64() % 64;
        random_fill(bytes, size);
        PT_AUTO(buf) struct pt_buf text = {0};
        PT_AUTO(buf) struct pt_buf data = {0};
        pt_base64url_encode((struct pt_bytes){bytes, size}, &text);
        ck_assert_int_eq(pt_base64url_decode((char *)text.data, text.size, &data, NULL), PT_OK);
        ck_assert_uint_eq(data.size, size);
        ck_assert_mem_eq(data.data, bytes, size);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crypto/digest");
    TCase *tcase = tcase_create("digest");
    tcase_add_test(tcase, sha256_gives_the_published_values);
    tcase_add_test(tcase, hex_of_a_digest_reads_back_and_nothing_else_does);
    tcase_add_test(tcase, digest_sum_is_arithmetic_modulo_2_256);
    tcase_add_test(tcase, memory_equal_compares_and_clear_clears);
    tcase_add_test(tcase, crc32c_gives_the_published_values_both_ways);
    tcase_add_loop_test(tcase, ed25519_gives_the_published_values, 0, 3);
    tcase_add_test(tcase, ed25519_refuses_each_changed_bit);
    tcase_add_test(tcase, seal_gives_the_published_value);
    tcase_add_test(tcase, a_seal_opens_with_its_key_and_context_only);
    tcase_add_test(tcase, base64url_gives_the_published_values);
    tcase_add_test(tcase, base64url_refuses_what_it_would_not_write);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
