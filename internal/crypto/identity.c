/*
 * Who somebody is: SPIFFE ids, keys, and certificate requests.
 *
 * A node makes its key itself and sends a request (PKCS #10) whose signature proves that it holds the key. Nothing else
 * in the request counts: the names in the leaf come from the controller that signs, never from who asks.
 */
#include "crypto/identity.h"
#include "base/assert.h"
#include "crypto/x509.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEME "spiffe://"
#define CSR_SIZE_MAX 8192

static enum pt_code not_ours(struct pt_error *reterr, const char *why)
{
    return pt_fail(
        reterr, PT_UNAUTHENTICATED, PT_REASON_NONE, NULL,
        "not an identity of this system: %s; the form is spiffe://<cluster id>/<controller|edge|admin>/<path>", why);
}

static bool cluster_id_valid(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }
    return size > 0 && size < sizeof(((struct pt_identity *)0)->cluster_id);
}

/* Segments of [A-Za-z0-9._-], none empty, "." or "..": nothing that somebody further on could read in another way. */
static bool path_valid(const char *path)
{
    for (const char *segment = path;;) {
        size_t size = (size_t)(strchrnul(segment, '/') - segment);
        bool dots = (size == 1 && segment[0] == '.') || (size == 2 && segment[0] == '.' && segment[1] == '.');
        if (size == 0 || dots) {
            return false;
        }
        for (size_t i = 0; i < size; i++) {
            char c = segment[i];
            if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                  c == '-')) {
                return false;
            }
        }
        if (segment[size] == '\0') {
            return true;
        }
        segment += size + 1;
    }
}

/* An id, taken apart where it stands. */
struct parts {
    const char *cluster, *role, *path; /* path: behind the role */
    size_t cluster_size, role_size, size;
    const char *known; /* the role, as a constant */
};

/* NULL, or why the text is no identity of this system. */
static const char *take_apart(const char *spiffe_id, struct parts *ret_parts)
{
    static const char *const roles[] = {"controller", "edge", "admin", "user"};
    size_t size = strnlen(spiffe_id, PT_SPIFFE_SIZE_MAX);
    if (size == PT_SPIFFE_SIZE_MAX) {
        return "it is too long";
    }
    if (strncmp(spiffe_id, SCHEME, strlen(SCHEME)) != 0) {
        return "the scheme is another";
    }
    struct parts parts = {.cluster = spiffe_id + strlen(SCHEME), .size = size};
    parts.cluster_size = (size_t)(strchrnul(parts.cluster, '/') - parts.cluster);
    if (!cluster_id_valid(parts.cluster, parts.cluster_size) || parts.cluster[parts.cluster_size] != '/') {
        return "the cluster id is not lower-case letters, digits and hyphens";
    }
    parts.role = parts.cluster + parts.cluster_size + 1;
    parts.role_size = (size_t)(strchrnul(parts.role, '/') - parts.role);
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]) && parts.known == NULL; i++) {
        if (strlen(roles[i]) == parts.role_size && memcmp(roles[i], parts.role, parts.role_size) == 0) {
            parts.known = roles[i];
        }
    }
    if (parts.known == NULL || parts.role[parts.role_size] != '/') {
        return "the role is none of the four";
    }
    parts.path = parts.role + parts.role_size + 1;
    if (!path_valid(parts.path)) {
        return "the path has an empty segment, dots, or a character outside A-Z a-z 0-9 . _ -";
    }
    *ret_parts = parts;
    return NULL;
}

enum pt_code pt_identity_parse(const char *spiffe_id, struct pt_identity *ret_identity, struct pt_error *reterr)
{
    struct parts parts;
    const char *why = take_apart(spiffe_id, &parts);
    if (why != NULL) {
        return not_ours(reterr, why);
    }
    *ret_identity = (struct pt_identity){0};
    memcpy(ret_identity->spiffe_id, spiffe_id, parts.size);
    memcpy(ret_identity->cluster_id, parts.cluster, parts.cluster_size);
    memcpy(ret_identity->role, parts.role, parts.role_size);
    memcpy(ret_identity->path, parts.path, strlen(parts.path));
    return PT_OK;
}

const char *pt_identity_role(const char *spiffe_id)
{
    struct parts parts;
    return take_apart(spiffe_id, &parts) == NULL ? parts.known : "";
}

void pt_auto_secret(struct pt_buf *buf)
{
    pt_memory_clear(buf->data, buf->capacity);
    pt_buf_fini(buf);
}

enum pt_code pt_key_new(struct pt_buf *ret_key_pem, struct pt_error *reterr)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (key == NULL) {
        return pt_fail_openssl(reterr, PT_INTERNAL, "no key could be generated");
    }
    pt_key_to_pem(key, ret_key_pem);
    EVP_PKEY_free(key);
    return PT_OK;
}

enum pt_code pt_csr_new(const char *key_pem, struct pt_buf *ret_csr, struct pt_error *reterr)
{
    EVP_PKEY *key = NULL;
    PT_TRY(pt_key_from_pem(key_pem, &key, reterr));
    enum pt_code code = PT_OK;
    uint8_t *der = NULL;
    X509_REQ *request = X509_REQ_new();
    pt_assert(request != NULL);
    int size = -1;
    if (X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 && X509_REQ_set_pubkey(request, key) == 1 &&
        X509_REQ_sign(request, key, EVP_sha256()) > 0) {
        size = i2d_X509_REQ(request, &der);
    }
    if (size > 0) {
        pt_buf_append(ret_csr, der, (size_t)size);
    } else {
        code = pt_fail_openssl(reterr, PT_INTERNAL, "no certificate request could be made");
    }
    OPENSSL_free(der);
    X509_REQ_free(request);
    EVP_PKEY_free(key);
    return code;
}

/* The key is ECDSA P-256: one kind of key, so that a weak or slow one is not a question. */
static bool key_is_p256(EVP_PKEY *key)
{
    char group[32] = "";
    size_t size = 0;
    return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group, sizeof(group), &size) == 1 &&
           (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
}

enum pt_code pt_csr_key(struct pt_bytes csr, EVP_PKEY **ret_key, struct pt_error *reterr)
{
    if (csr.size == 0 || csr.size > CSR_SIZE_MAX) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                       "a certificate request has 1 to %d bytes of DER, not %zu", CSR_SIZE_MAX, csr.size);
    }
    const uint8_t *at = csr.data;
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)csr.size);
    EVP_PKEY *key = NULL;
    enum pt_code code = PT_OK;
    if (request == NULL || at != csr.data + csr.size) {
        code = pt_fail_openssl(reterr, PT_INVALID_ARGUMENT, "the certificate request is not PKCS #10 in DER");
    } else if ((key = X509_REQ_get_pubkey(request)) == NULL || !key_is_p256(key)) {
        code = pt_fail_openssl(reterr, PT_INVALID_ARGUMENT, "the request's key is not ECDSA P-256");
    } else if (X509_REQ_verify(request, key) != 1) {
        code = pt_fail_openssl(reterr, PT_INVALID_ARGUMENT, "the request is not signed by its own key");
    }
    X509_REQ_free(request);
    ERR_clear_error();
    if (code == PT_OK) {
        *ret_key = key;
    } else {
        EVP_PKEY_free(key);
    }
    return code;
}

struct pt_digest pt_key_digest(EVP_PKEY *key)
{
    uint8_t *der = NULL;
    int size = i2d_PUBKEY(key, &der);
    pt_assert(size > 0);
    struct pt_digest digest = pt_sha256(der, (size_t)size);
    OPENSSL_free(der);
    return digest;
}

enum pt_code pt_csr_verify(struct pt_bytes csr, struct pt_digest *ret_key_digest, struct pt_error *reterr)
{
    EVP_PKEY *key = NULL;
    PT_TRY(pt_csr_key(csr, &key, reterr));
    *ret_key_digest = pt_key_digest(key);
    EVP_PKEY_free(key);
    return PT_OK;
}
