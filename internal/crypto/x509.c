/*
 * Keys and certificates between PEM text and OpenSSL's objects, and the one place that reads who a certificate is for.
 *
 * The common name and DNS names of a certificate say nothing here: an identity is the URI SAN alone, and there must be
 * exactly one (X.509-SVID, section 2). Two URIs would let the two sides of a connection choose differently.
 */
#include "crypto/x509.h"
#include "base/assert.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum pt_code pt_fail_openssl(struct pt_error *reterr, enum pt_code code, const char *format, ...)
{
    char what[PT_ERROR_TEXT_SIZE / 2];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    unsigned long error = ERR_get_error();
    const char *why = ERR_reason_error_string(error);
    ERR_clear_error();
    return pt_fail(reterr, code, PT_REASON_NONE, NULL, "%s%s%s", what, error != 0 ? ": " : "",
                   error == 0 ? "" : (why != NULL ? why : "unknown reason"));
}

/* A passphrase is never asked for: an encrypted key is refused, not prompted for on the terminal. */
static int no_passphrase(char *text, int size, int writing, void *arg)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static BIO *bio_of(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    pt_assert(bio != NULL);
    return bio;
}

enum pt_code pt_key_from_pem(const char *key_pem, EVP_PKEY **ret_key, struct pt_error *reterr)
{
    BIO *bio = bio_of(key_pem);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    if (key == NULL) {
        return pt_fail_openssl(reterr, PT_INVALID_ARGUMENT, "there is no private key in the PEM text");
    }
    *ret_key = key;
    return PT_OK;
}

enum pt_code pt_cert_from_pem(const char *cert_pem, X509 **ret_cert, struct pt_error *reterr)
{
    BIO *bio = bio_of(cert_pem);
    X509 *cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    if (cert == NULL) {
        return pt_fail_openssl(reterr, PT_INVALID_ARGUMENT, "there is no certificate in the PEM text");
    }
    *ret_cert = cert;
    return PT_OK;
}

enum pt_code pt_trust_from_pem(const char *ca_pem, X509_STORE **ret_trust, struct pt_error *reterr)
{
    X509_STORE *trust = X509_STORE_new();
    pt_assert(trust != NULL);
    BIO *bio = bio_of(ca_pem);
    size_t len = 0;
    bool added = true;
    X509 *cert = NULL;
    while (added && len <= PT_CA_LEN_MAX && (cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
        added = X509_STORE_add_cert(trust, cert) == 1;
        X509_free(cert);
        len++;
    }
    BIO_free(bio);
    /* Reading to the end leaves "no start line" in the queue; anything else is a certificate that does not parse. */
    unsigned long last = ERR_peek_last_error();
    bool at_end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
    if (!added || len == 0 || len > PT_CA_LEN_MAX || !at_end) {
        X509_STORE_free(trust);
        ERR_clear_error();
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NONE, NULL,
                       "the CA text must hold 1 to %d certificates in PEM and nothing that is cut short",
                       PT_CA_LEN_MAX);
    }
    ERR_clear_error();
    *ret_trust = trust;
    return PT_OK;
}

/* Seconds since 1970 by differences of whole days: no time zone is asked. */
bool pt_time_to_ns(const ASN1_TIME *time, int64_t *ret_ns)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    pt_assert(epoch != NULL);
    int days = 0;
    int rest_s = 0;
    bool ok = ASN1_TIME_diff(&days, &rest_s, epoch, time) == 1;
    ASN1_TIME_free(epoch);
    if (!ok || days > 36500 * 2 || days < -36500) { /* nanoseconds in 64 bits end in the year 2262 */
        return false;
    }
    *ret_ns = ((int64_t)days * 86400 + rest_s) * INT64_C(1000000000);
    return true;
}

bool pt_key_id_hex(const ASN1_OCTET_STRING *id, char ret_hex[PT_KEY_ID_SIZE + 1])
{
    static const char digits[] = "0123456789abcdef";
    int size = ASN1_STRING_length(id);
    const unsigned char *data = ASN1_STRING_get0_data(id);
    if (size * 2 != PT_KEY_ID_SIZE) {
        return false;
    }
    for (int i = 0; i < size; i++) {
        ret_hex[2 * i] = digits[data[i] >> 4];
        ret_hex[2 * i + 1] = digits[data[i] & 15];
    }
    ret_hex[PT_KEY_ID_SIZE] = '\0';
    return true;
}

/* What a certificate says beside the name: key, times, and who signed it. */
static enum pt_code read_rest(X509 *cert, struct pt_identity *identity, struct pt_error *reterr)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    if (key == NULL || !pt_time_to_ns(X509_get0_notBefore(cert), &identity->not_before_ns) ||
        !pt_time_to_ns(X509_get0_notAfter(cert), &identity->not_after_ns)) {
        return pt_fail_openssl(reterr, PT_UNAUTHENTICATED, "the certificate's key or times cannot be read");
    }
    identity->key_digest = pt_key_digest(key);
    const ASN1_OCTET_STRING *issuer = X509_get0_authority_key_id(cert);
    if (issuer == NULL || !pt_key_id_hex(issuer, identity->issuer)) {
        identity->issuer[0] = '\0';
    }
    return PT_OK;
}

/* The one URI of the names. Returns NULL and fills reterr when there is none, more than one, or one with odd bytes. */
static const ASN1_IA5STRING *only_uri(const GENERAL_NAMES *names, struct pt_error *reterr)
{
    const ASN1_IA5STRING *uri = NULL;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_URI) {
            continue;
        }
        if (uri != NULL) {
            (void)pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_NONE, NULL,
                          "the certificate has more than one URI SAN; exactly one SPIFFE id is allowed");
            return NULL;
        }
        uri = name->d.uniformResourceIdentifier;
    }
    if (uri == NULL) {
        (void)pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_NONE, NULL,
                      "the certificate has no URI SAN, so it names nobody");
    }
    return uri;
}

enum pt_code pt_identity_of_cert(X509 *cert, struct pt_identity *ret_identity, struct pt_error *reterr)
{
    if ((X509_get_extension_flags(cert) & (EXFLAG_CA | EXFLAG_INVALID)) != 0) {
        return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_NONE, NULL,
                       "the certificate is a CA's or has damaged extensions; a leaf is needed");
    }
    int critical = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
    if (names == NULL) { /* -1: absent; -2: twice; else undecodable */
        ERR_clear_error();
        return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_NONE, NULL,
                       "the certificate has no single, readable subject alternative name, so it names nobody");
    }
    enum pt_code code = PT_UNAUTHENTICATED;
    const ASN1_IA5STRING *uri = only_uri(names, reterr);
    if (uri != NULL) {
        char text[PT_SPIFFE_SIZE_MAX];
        int size = ASN1_STRING_length(uri);
        const unsigned char *data = ASN1_STRING_get0_data(uri);
        if (size <= 0 || size >= (int)sizeof(text) || memchr(data, 0, (size_t)size) != NULL) {
            code = pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_NONE, NULL,
                           "the URI SAN has %d bytes or a NUL among them; at most %d are allowed", size,
                           PT_SPIFFE_SIZE_MAX - 1);
        } else {
            memcpy(text, data, (size_t)size);
            text[size] = '\0';
            struct pt_identity identity;
            code = pt_identity_parse(text, &identity, reterr);
            if (code == PT_OK && (code = read_rest(cert, &identity, reterr)) == PT_OK) {
                *ret_identity = identity;
            }
        }
    }
    GENERAL_NAMES_free(names);
    return code;
}

/* Move what was written to the BIO behind `out` and free the BIO, its memory cleared. */
static void append_bio(BIO *bio, struct pt_buf *out)
{
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);
    pt_assert(size > 0);
    pt_buf_append(out, data, (size_t)size);
    pt_memory_clear(data, (size_t)size);
    BIO_free(bio);
}

void pt_cert_to_pem(X509 *cert, struct pt_buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int ok = bio != NULL && PEM_write_bio_X509(bio, cert);
    pt_assert(ok == 1);
    append_bio(bio, out);
}

void pt_key_to_pem(EVP_PKEY *key, struct pt_buf *out)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    int ok = bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    pt_assert(ok == 1);
    append_bio(bio, out);
}
