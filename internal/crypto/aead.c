/*
 * AEAD, X25519 and HMAC on OpenSSL.
 *
 * A cipher context is set up with its key once and then only given nonces: making one costs more than sealing a packet
 * of 1400 bytes. HMAC is written out over SHA-256: OpenSSL's own needs a context with a fetched algorithm for each
 * call, which for the short inputs of a handshake costs more than the hash.
 */
#include "crypto/aead.h"

#include "base/assert.h"
#include "crypto/crypto.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>
#include <stdlib.h>

#define BLOCK_SIZE 64 /* of SHA-256 */

struct pt_aead {
    EVP_CIPHER_CTX *context;
};

bool pt_cipher_known(unsigned number)
{
    return number >= PT_CIPHER_AES_128_GCM && number <= PT_CIPHER_CHACHA20_POLY1305;
}

const char *pt_cipher_name(enum pt_cipher cipher)
{
    switch (cipher) {
    case PT_CIPHER_AES_128_GCM:
        return "AES-128-GCM";
    case PT_CIPHER_AES_256_GCM:
        return "AES-256-GCM";
    case PT_CIPHER_CHACHA20_POLY1305:
        return "ChaCha20-Poly1305";
    }
    return "unknown";
}

static const EVP_CIPHER *evp_of(enum pt_cipher cipher)
{
    switch (cipher) {
    case PT_CIPHER_AES_128_GCM:
        return EVP_aes_128_gcm();
    case PT_CIPHER_AES_256_GCM:
        return EVP_aes_256_gcm();
    case PT_CIPHER_CHACHA20_POLY1305:
        return EVP_chacha20_poly1305();
    }
    pt_unreachable();
}

struct pt_aead *pt_aead_new(enum pt_cipher cipher, const uint8_t key[PT_AEAD_KEY_SIZE], bool seal)
{
    struct pt_aead *aead = calloc(1, sizeof(*aead));
    pt_assert(aead != NULL);
    aead->context = EVP_CIPHER_CTX_new();
    pt_assert(aead->context != NULL);
    pt_assert(EVP_CipherInit_ex(aead->context, evp_of(cipher), NULL, key, NULL, seal ? 1 : 0) == 1);
    return aead;
}

void pt_aead_free(struct pt_aead *aead)
{
    if (aead != NULL) {
        EVP_CIPHER_CTX_free(aead->context);
        free(aead);
    }
}

void pt_aead_seal(struct pt_aead *aead, const uint8_t nonce[PT_AEAD_NONCE_SIZE], const void *context,
                  size_t context_size, const uint8_t *plain, size_t size, uint8_t *out)
{
    pt_assert(size <= INT_MAX - PT_AEAD_TAG_SIZE && context_size <= INT_MAX);
    int len = 0;
    int tail_len = 0;
    int ok = EVP_EncryptInit_ex(aead->context, NULL, NULL, NULL, nonce) == 1;
    if (ok && context_size > 0) {
        ok = EVP_EncryptUpdate(aead->context, NULL, &len, context, (int)context_size) == 1;
    }
    len = 0;
    if (ok && size > 0) {
        ok = EVP_EncryptUpdate(aead->context, out, &len, plain, (int)size) == 1;
    }
    ok = ok && EVP_EncryptFinal_ex(aead->context, out + len, &tail_len) == 1 &&
         EVP_CIPHER_CTX_ctrl(aead->context, EVP_CTRL_AEAD_GET_TAG, PT_AEAD_TAG_SIZE, out + size) == 1;
    pt_assert(ok && (size_t)len + (size_t)tail_len == size);
}

bool pt_aead_open(struct pt_aead *aead, const uint8_t nonce[PT_AEAD_NONCE_SIZE], const void *context,
                  size_t context_size, const uint8_t *sealed, size_t size, uint8_t *out)
{
    if (size < PT_AEAD_TAG_SIZE || size > INT_MAX || context_size > INT_MAX) {
        return false;
    }
    size -= PT_AEAD_TAG_SIZE;
    uint8_t tag[PT_AEAD_TAG_SIZE]; /* out may be where sealed is */
    memcpy(tag, sealed + size, sizeof(tag));
    int len = 0;
    int tail_len = 0;
    int ok = EVP_DecryptInit_ex(aead->context, NULL, NULL, NULL, nonce) == 1 &&
             EVP_CIPHER_CTX_ctrl(aead->context, EVP_CTRL_AEAD_SET_TAG, PT_AEAD_TAG_SIZE, tag) == 1;
    if (ok && context_size > 0) {
        ok = EVP_DecryptUpdate(aead->context, NULL, &len, context, (int)context_size) == 1;
    }
    len = 0;
    if (ok && size > 0) {
        ok = EVP_DecryptUpdate(aead->context, out, &len, sealed, (int)size) == 1;
    }
    pt_assert(ok);
    if (EVP_DecryptFinal_ex(aead->context, out + len, &tail_len) == 1) {
        return true;
    }
    ERR_clear_error();
    return false;
}

/* ---- X25519 --------------------------------------------------------------------------------------------------- */

void pt_x25519_public(const uint8_t private_key[PT_X25519_SIZE], uint8_t ret_public[PT_X25519_SIZE])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key, PT_X25519_SIZE);
    size_t size = PT_X25519_SIZE;
    pt_assert(key != NULL && EVP_PKEY_get_raw_public_key(key, ret_public, &size) == 1 && size == PT_X25519_SIZE);
    EVP_PKEY_free(key);
}

bool pt_x25519(const uint8_t private_key[PT_X25519_SIZE], const uint8_t public_key[PT_X25519_SIZE],
               uint8_t ret_shared[PT_X25519_SIZE])
{
    EVP_PKEY *mine = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key, PT_X25519_SIZE);
    EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, public_key, PT_X25519_SIZE);
    pt_assert(mine != NULL && theirs != NULL);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(mine, NULL);
    size_t size = PT_X25519_SIZE;
    pt_assert(context != NULL && EVP_PKEY_derive_init(context) == 1);
    bool done = EVP_PKEY_derive_set_peer(context, theirs) == 1 && EVP_PKEY_derive(context, ret_shared, &size) == 1;
    if (!done) {
        ERR_clear_error();
        pt_memory_clear(ret_shared, PT_X25519_SIZE);
    }
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(theirs);
    EVP_PKEY_free(mine);
    return done;
}

/* ---- HMAC ----------------------------------------------------------------------------------------------------- */

void pt_hmac(const uint8_t *key, size_t key_size, const void *first, size_t first_size, const void *second,
             size_t second_size, uint8_t ret_mac[PT_HMAC_SIZE])
{
    uint8_t pad[BLOCK_SIZE] = {0};
    if (key_size > BLOCK_SIZE) {
        struct pt_digest digest = pt_sha256(key, key_size);
        memcpy(pad, digest.bytes, sizeof(digest.bytes));
    } else if (key_size > 0) {
        memcpy(pad, key, key_size);
    }
    for (size_t i = 0; i < BLOCK_SIZE; i++) {
        pad[i] ^= 0x36;
    }
    struct pt_sha256_stream *stream = pt_sha256_open();
    pt_sha256_update(stream, pad, sizeof(pad));
    pt_sha256_update(stream, first, first_size);
    pt_sha256_update(stream, second, second_size);
    struct pt_digest inner = pt_sha256_close(stream);
    for (size_t i = 0; i < BLOCK_SIZE; i++) {
        pad[i] ^= 0x36 ^ 0x5c;
    }
    stream = pt_sha256_open();
    pt_sha256_update(stream, pad, sizeof(pad));
    pt_sha256_update(stream, inner.bytes, sizeof(inner.bytes));
    struct pt_digest outer = pt_sha256_close(stream);
    memcpy(ret_mac, outer.bytes, PT_HMAC_SIZE);
    pt_memory_clear(pad, sizeof(pad));
}
