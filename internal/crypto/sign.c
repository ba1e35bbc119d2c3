/*
 * Ed25519 (RFC 8032) by the raw keys that the RFC calls "private key" (a seed of 32 bytes) and "public key".
 *
 * Signing is deterministic. A public key that is not a point, or a signature with S out of range, verifies as false; it
 * is input, not an error of the program.
 */
#include "crypto/crypto.h"
#include "base/assert.h"

#include <openssl/err.h>
#include <openssl/evp.h>

static EVP_PKEY *private_key(const uint8_t seed[PT_SIGN_PRIVATE_SIZE])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, PT_SIGN_PRIVATE_SIZE);
    pt_assert(key != NULL);
    return key;
}

void pt_sign_keypair(const uint8_t seed[PT_SIGN_PRIVATE_SIZE], uint8_t ret_public[PT_SIGN_PUBLIC_SIZE])
{
    EVP_PKEY *key = private_key(seed);
    size_t size = PT_SIGN_PUBLIC_SIZE;
    int ok = EVP_PKEY_get_raw_public_key(key, ret_public, &size);
    pt_assert(ok == 1 && size == PT_SIGN_PUBLIC_SIZE);
    EVP_PKEY_free(key);
}

void pt_sign(const uint8_t private_seed[PT_SIGN_PRIVATE_SIZE], const void *data, size_t size,
             uint8_t ret_signature[PT_SIGNATURE_SIZE])
{
    EVP_PKEY *key = private_key(private_seed);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    pt_assert(context != NULL);
    size_t signature_size = PT_SIGNATURE_SIZE;
    int ok = EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
             EVP_DigestSign(context, ret_signature, &signature_size, size > 0 ? data : (const void *)"", size) == 1;
    pt_assert(ok && signature_size == PT_SIGNATURE_SIZE);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
}

bool pt_sign_verify(const uint8_t public_key[PT_SIGN_PUBLIC_SIZE], const void *data, size_t size,
                    const uint8_t signature[PT_SIGNATURE_SIZE])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, PT_SIGN_PUBLIC_SIZE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    pt_assert(context != NULL);
    bool valid = key != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
                 EVP_DigestVerify(context, signature, PT_SIGNATURE_SIZE, size > 0 ? data : (const void *)"", size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error(); /* a refusal leaves its cause in the thread's queue, where the next caller would find it */
    return valid;
}
