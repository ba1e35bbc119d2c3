/*
 * Keys come as numbers (JWK) and become OpenSSL's through its parameters, which checks that a point lies on its curve.
 * A signature of ES256 is r and s of 32 bytes each, not the DER that OpenSSL takes: it is written anew.
 */
#include "crypto/jws.h"

#include "base/assert.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#define RSA_SIZE_MIN 256
#define RSA_SIZE_MAX 1024
#define COORDINATE_SIZE 32

struct pt_jws_key {
    enum pt_jws_alg alg;
    EVP_PKEY *key;
};

const char *pt_jws_alg_name(enum pt_jws_alg alg)
{
    static const char *const names[] = {"RS256", "ES256", "EdDSA"};
    return names[alg];
}

static enum pt_code finish(EVP_PKEY *key, enum pt_jws_alg alg, struct pt_jws_key **ret_key, struct pt_error *reterr)
{
    ERR_clear_error();
    if (key == NULL) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                       "the numbers are no key for %s that is accepted here", pt_jws_alg_name(alg));
    }
    struct pt_jws_key *own = calloc(1, sizeof(*own));
    pt_assert(own != NULL);
    *own = (struct pt_jws_key){.alg = alg, .key = key};
    *ret_key = own;
    return PT_OK;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;
    if (context == NULL || params == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        key = NULL;
    }
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return key;
}

enum pt_code pt_jws_key_rsa(struct pt_bytes modulus, struct pt_bytes exponent, struct pt_jws_key **ret_key,
                            struct pt_error *reterr)
{
    bool sized = modulus.size >= RSA_SIZE_MIN && modulus.size <= RSA_SIZE_MAX && modulus.data[0] != 0 &&
                 exponent.size >= 1 && exponent.size <= 4 && (exponent.data[exponent.size - 1] & 1) == 1 &&
                 !(exponent.size == 1 && exponent.data[0] == 1);
    if (!sized) {
        return finish(NULL, PT_JWS_RS256, ret_key, reterr);
    }
    BIGNUM *n = BN_bin2bn(modulus.data, (int)modulus.size, NULL);
    BIGNUM *e = BN_bin2bn(exponent.data, (int)exponent.size, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    pt_assert(n != NULL && e != NULL && build != NULL);
    int ok = OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
             OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1;
    pt_assert(ok);
    EVP_PKEY *key = from_params("RSA", OSSL_PARAM_BLD_to_param(build));
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return finish(key, PT_JWS_RS256, ret_key, reterr);
}

enum pt_code pt_jws_key_p256(struct pt_bytes x, struct pt_bytes y, struct pt_jws_key **ret_key, struct pt_error *reterr)
{
    uint8_t point[1 + 2 * COORDINATE_SIZE] = {4};
    if (x.size != COORDINATE_SIZE || y.size != COORDINATE_SIZE) {
        return finish(NULL, PT_JWS_ES256, ret_key, reterr);
    }
    memcpy(point + 1, x.data, COORDINATE_SIZE);
    memcpy(point + 1 + COORDINATE_SIZE, y.data, COORDINATE_SIZE);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    pt_assert(build != NULL);
    int ok = OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
             OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) == 1;
    pt_assert(ok);
    EVP_PKEY *key = from_params("EC", OSSL_PARAM_BLD_to_param(build));
    OSSL_PARAM_BLD_free(build);
    return finish(key, PT_JWS_ES256, ret_key, reterr);
}

enum pt_code pt_jws_key_ed25519(struct pt_bytes x, struct pt_jws_key **ret_key, struct pt_error *reterr)
{
    EVP_PKEY *key = x.size == 32 ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.data, x.size) : NULL;
    return finish(key, PT_JWS_EDDSA, ret_key, reterr);
}

void pt_jws_key_free(struct pt_jws_key *key)
{
    if (key != NULL) {
        EVP_PKEY_free(key->key);
        free(key);
    }
}

enum pt_jws_alg pt_jws_key_alg(const struct pt_jws_key *key)
{
    return key->alg;
}

/* r | s -> DER in *ret_der, which the caller frees with OPENSSL_free. 0: not such a signature. */
static int to_der(struct pt_bytes signature, uint8_t **ret_der)
{
    if (signature.size != 2 * COORDINATE_SIZE) {
        return 0;
    }
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature.data, COORDINATE_SIZE, NULL);
    BIGNUM *s = BN_bin2bn(signature.data + COORDINATE_SIZE, COORDINATE_SIZE, NULL);
    pt_assert(pair != NULL && r != NULL && s != NULL);
    int ok = ECDSA_SIG_set0(pair, r, s);
    pt_assert(ok == 1);
    int size = i2d_ECDSA_SIG(pair, ret_der);
    ECDSA_SIG_free(pair);
    return size;
}

bool pt_jws_verify(const struct pt_jws_key *key, struct pt_bytes data, struct pt_bytes signature)
{
    uint8_t *der = NULL;
    if (key->alg == PT_JWS_ES256) {
        int size = to_der(signature, &der);
        if (size <= 0) {
            return false;
        }
        signature = (struct pt_bytes){der, (size_t)size};
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    pt_assert(context != NULL);
    const EVP_MD *hash = key->alg == PT_JWS_EDDSA ? NULL : EVP_sha256();
    bool valid = EVP_DigestVerifyInit(context, NULL, hash, NULL, key->key) == 1 &&
                 EVP_DigestVerify(context, signature.data, signature.size, data.data, data.size) == 1;
    EVP_MD_CTX_free(context);
    OPENSSL_free(der);
    ERR_clear_error();
    return valid;
}
