/*
 * Sealed secrets: AES-256-GCM, laid out as nonce (12) | ciphertext | tag (16).
 *
 * `context` (a resource name and field, say) is authenticated and not stored, so that a sealed value that was copied to
 * another place does not open there. The nonce comes from the caller because apply must be deterministic: the leader
 * draws it and puts it in the entry. A random 96-bit nonce under one key is good for 2^32 seals (NIST SP 800-38D, 8.3).
 */
#include "crypto/crypto.h"
#include "base/assert.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#define TAG_SIZE (PT_SEAL_OVERHEAD - PT_SEAL_NONCE_SIZE)

_Static_assert(TAG_SIZE == 16, "the GCM tag is whole");

void pt_seal(const uint8_t key[PT_SEAL_KEY_SIZE], const uint8_t nonce[PT_SEAL_NONCE_SIZE], const char *context,
             struct pt_bytes plain, struct pt_buf *out)
{
    size_t context_size = strlen(context);
    pt_assert(plain.size <= INT_MAX - PT_SEAL_OVERHEAD && context_size <= INT_MAX);
    uint8_t *sealed = pt_buf_reserve(out, plain.size + PT_SEAL_OVERHEAD);
    memcpy(sealed, nonce, PT_SEAL_NONCE_SIZE);
    uint8_t *text = sealed + PT_SEAL_NONCE_SIZE;
    int len = 0;
    int tail_len = 0;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int ok = cipher != NULL && EVP_EncryptInit_ex2(cipher, EVP_aes_256_gcm(), key, nonce, NULL) == 1 &&
             EVP_EncryptUpdate(cipher, NULL, &len, (const uint8_t *)context, (int)context_size) == 1;
    len = 0;
    if (ok && plain.size > 0) {
        ok = EVP_EncryptUpdate(cipher, text, &len, plain.data, (int)plain.size) == 1;
    }
    ok = ok && EVP_EncryptFinal_ex(cipher, text + len, &tail_len) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, text + plain.size) == 1;
    pt_assert(ok && (size_t)(len + tail_len) == plain.size);
    EVP_CIPHER_CTX_free(cipher);
    out->size += plain.size + PT_SEAL_OVERHEAD;
    out->data[out->size] = 0;
}

enum pt_code pt_unseal(const uint8_t key[PT_SEAL_KEY_SIZE], const char *context, struct pt_bytes sealed,
                       struct pt_buf *out, struct pt_error *reterr)
{
    size_t context_size = strlen(context);
    if (sealed.size < PT_SEAL_OVERHEAD || sealed.size > INT_MAX || context_size > INT_MAX) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, NULL, "the sealed value has %zu bytes, fewer than a seal",
                       sealed.size);
    }
    size_t size = sealed.size - PT_SEAL_OVERHEAD;
    const uint8_t *text = sealed.data + PT_SEAL_NONCE_SIZE;
    uint8_t tag[TAG_SIZE];
    memcpy(tag, text + size, TAG_SIZE);
    uint8_t *plain = pt_buf_reserve(out, size + 1);
    int len = 0;
    int tail_len = 0;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int ok = cipher != NULL && EVP_DecryptInit_ex2(cipher, EVP_aes_256_gcm(), key, sealed.data, NULL) == 1 &&
             EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) == 1 &&
             EVP_DecryptUpdate(cipher, NULL, &len, (const uint8_t *)context, (int)context_size) == 1;
    len = 0;
    if (ok && size > 0) {
        ok = EVP_DecryptUpdate(cipher, plain, &len, text, (int)size) == 1;
    }
    pt_assert(ok);
    bool authentic = EVP_DecryptFinal_ex(cipher, plain + len, &tail_len) == 1;
    EVP_CIPHER_CTX_free(cipher);
    if (!authentic) {
        pt_memory_clear(plain, size); /* GCM deciphers before it authenticates: nobody may see this */
        ERR_clear_error();
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, NULL,
                       "the sealed value does not open: another key, another place, or altered bytes");
    }
    out->size += size;
    out->data[out->size] = 0;
    return PT_OK;
}
