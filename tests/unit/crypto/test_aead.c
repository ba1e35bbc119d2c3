/* AEADs, X25519 and HMAC against the vectors of their RFCs. */
#include "crypto/aead.h"

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

static const struct vector {
    enum pt_cipher cipher;
    const char *key, *nonce, *context, *plain, *sealed;
} vectors[] = {
    /* The GCM specification (McGrew, Viega), test case 4. */
    {PT_CIPHER_AES_128_GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
     "ba637b39",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac97"
     "3d58e0915bc94fbc3221a5db94fae95ae7121a47"},
    /* Test case 16. */
    {PT_CIPHER_AES_256_GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
     "ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
     "bcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
    /* RFC 8439, 2.8.2. */
    {PT_CIPHER_CHACHA20_POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f756c64206f6666"
     "657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73637265656e20776f756c642062652069"
     "742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b29"
     "05d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b"
     "61161ae10b594f09e26a7e902ecbd0600691"},
};

START_TEST(aead_gives_the_published_values)
{
    const struct vector *vector = &vectors[_i];
    uint8_t key[32] = {0}, nonce[12], context[32], plain[256], sealed[256], out[256];
    (void)unhex(vector->key, key);
    (void)unhex(vector->nonce, nonce);
    size_t context_size = unhex(vector->context, context), size = unhex(vector->plain, plain);
    ck_assert_uint_eq(unhex(vector->sealed, sealed), size + PT_AEAD_TAG_SIZE);
    struct pt_aead *seal = pt_aead_new(vector->cipher, key, true), *open = pt_aead_new(vector->cipher, key, false);
    for (int round = 0; round < 2; round++) { /* a context is used again and again */
        pt_aead_seal(seal, nonce, context, context_size, plain, size, out);
        ck_assert_mem_eq(out, sealed, size + PT_AEAD_TAG_SIZE);
        ck_assert(pt_aead_open(open, nonce, context, context_size, out, size + PT_AEAD_TAG_SIZE, out)); /* in place */
        ck_assert_mem_eq(out, plain, size);
        for (size_t i = 0; i < size + PT_AEAD_TAG_SIZE; i++) {
            uint8_t altered[256];
            memcpy(altered, sealed, size + PT_AEAD_TAG_SIZE);
            altered[i] ^= 1;
            ck_assert(!pt_aead_open(open, nonce, context, context_size, altered, size + PT_AEAD_TAG_SIZE, out));
        }
        context[0] ^= 1;
        ck_assert(!pt_aead_open(open, nonce, context, context_size, sealed, size + PT_AEAD_TAG_SIZE, out));
        context[0] ^= 1;
        ck_assert(!pt_aead_open(open, nonce, context, context_size, sealed, PT_AEAD_TAG_SIZE - 1, out));
    }
    pt_aead_free(seal);
    pt_aead_free(open);
}
END_TEST

START_TEST(x25519_gives_the_values_of_rfc_7748)
{
    uint8_t scalar[32], point[32], shared[32], expected[32], zero[32] = {0};
    (void)unhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", scalar); /* 5.2 */
    (void)unhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c", point);
    (void)unhex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552", expected);
    ck_assert(pt_x25519(scalar, point, shared));
    ck_assert_mem_eq(shared, expected, 32);
    memset(scalar, 0, sizeof(scalar));
    scalar[0] = 9; /* the base point as scalar and as point, once */
    (void)unhex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079", expected);
    pt_x25519_public(scalar, point);
    ck_assert_mem_eq(point, expected, 32);
    ck_assert(!pt_x25519(scalar, zero, shared));
    ck_assert_mem_eq(shared, zero, 32);
}
END_TEST

START_TEST(hmac_gives_the_values_of_rfc_4231)
{
    uint8_t key[131], mac[32], expected[32];
    memset(key, 0x0b, 20);
    (void)unhex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", expected);
    pt_hmac(key, 20, "Hi ", 3, "There", 5, mac);
    ck_assert_mem_eq(mac, expected, 32);
    memset(key, 0xaa, sizeof(key)); /* longer than a block: hashed first */
    (void)unhex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", expected);
    const char *text = "Test Using Larger Than Block-Size Key - Hash Key First";
    pt_hmac(key, sizeof(key), text, strlen(text), NULL, 0, mac);
    ck_assert_mem_eq(mac, expected, 32);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aead");
    TCase *tcase = tcase_create("aead");
    tcase_add_loop_test(tcase, aead_gives_the_published_values, 0, (int)(sizeof(vectors) / sizeof(vectors[0])));
    tcase_add_test(tcase, x25519_gives_the_values_of_rfc_7748);
    tcase_add_test(tcase, hmac_gives_the_values_of_rfc_4231);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
