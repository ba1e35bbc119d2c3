/*
 * Certificates: the cluster's CA, the leaves it signs, and reading a leaf back.
 *
 *   CA    self-signed, P-256, 10 years, CA:TRUE pathlen:0, keyCertSign and cRLSign, SKI
 *   leaf  P-256, CA:FALSE, digitalSignature, EKU clientAuth and serverAuth, one URI SAN (the SPIFFE id), IP and DNS
 * SANs for servers that are dialled by address, SKI and AKI
 *
 * pathlen 0 keeps a leaf's key from signing further certificates, whatever else goes wrong. Each leaf carries both
 * purposes because every node both dials and listens; its role stands in the SPIFFE id, and whoever accepts the
 * connection judges by that.
 *
 * A leaf starts five minutes before it is signed, so that a node whose clock is a little behind can use it at once.
 */
#include "crypto/identity.h"
#include "base/assert.h"
#include "crypto/x509.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND_NS INT64_C(1000000000)
#define BACKDATE_S 300
#define CA_LIFETIME_S (10L * 365 * 24 * 3600)
#define SAN_LEN_MAX 64 /* addresses and names in one leaf */

static int64_t seconds(int64_t ns)
{
    return ns / SECOND_NS;
}

static bool set_validity(X509 *cert, int64_t from_s, int64_t to_s)
{
    return ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from_s) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)to_s) != NULL;
}

static bool add_extension(X509 *cert, X509V3_CTX *context, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);
    bool added = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool add_name(X509_NAME *name, const char *field, const char *value)
{
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC, (const unsigned char *)value, -1, -1, 0) == 1;
}

static bool fill_ca(X509 *cert, EVP_PKEY *key, const char *cluster_id, const char *common_name, int64_t now_s)
{
    uint8_t serial_bytes[16];
    if (RAND_bytes(serial_bytes, sizeof(serial_bytes)) != 1) {
        return false;
    }
    serial_bytes[0] = (uint8_t)((serial_bytes[0] & 0x7f) | 0x40); /* positive and of full length */
    BIGNUM *serial = BN_bin2bn(serial_bytes, sizeof(serial_bytes), NULL);
    bool ok = serial != NULL && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) != NULL;
    BN_free(serial);
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    X509_NAME *name = X509_get_subject_name(cert);
    return ok && X509_set_version(cert, X509_VERSION_3) == 1 && add_name(name, "O", cluster_id) &&
           add_name(name, "CN", common_name) && X509_set_issuer_name(cert, name) == 1 &&
           set_validity(cert, now_s - BACKDATE_S, now_s + CA_LIFETIME_S) && X509_set_pubkey(cert, key) == 1 &&
           add_extension(cert, &context, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(cert, &context, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(cert, &context, NID_subject_key_identifier, "hash") &&
           add_extension(cert, &context, NID_authority_key_identifier, "keyid:always") &&
           X509_sign(cert, key, EVP_sha256()) > 0;
}

enum pt_code pt_ca_new_named(const char *cluster_id, const char *name, int64_t now_ns, struct pt_buf *ret_key_pem,
                             struct pt_buf *ret_cert_pem, struct pt_error *reterr)
{
    /* Names differ so that a chain is built by name alone; libraries that try one issuer per name find the right one.
     */
    char common_name[64];
    (void)snprintf(common_name, sizeof(common_name), "Patronus cluster CA %.16s", name);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    pt_assert(key != NULL && cert != NULL);
    enum pt_code code = PT_OK;
    if (fill_ca(cert, key, cluster_id, common_name, seconds(now_ns))) {
        pt_key_to_pem(key, ret_key_pem);
        pt_cert_to_pem(cert, ret_cert_pem);
    } else {
        code = pt_fail_openssl(reterr, PT_INVALID_ARGUMENT, "no CA certificate could be made for cluster %.64s",
                               cluster_id);
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    return code;
}

enum pt_code pt_ca_new(const char *cluster_id, int64_t now_ns, struct pt_buf *ret_key_pem, struct pt_buf *ret_cert_pem,
                       struct pt_error *reterr)
{
    return pt_ca_new_named(cluster_id, "ca-1", now_ns, ret_key_pem, ret_cert_pem, reterr);
}

/* Append a name of `type`; takes the value over. */
static void push_name(GENERAL_NAMES *names, int type, ASN1_STRING *value)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    pt_assert(name != NULL && value != NULL);
    GENERAL_NAME_set0_value(name, type, value);
    int ok = sk_GENERAL_NAME_push(names, name);
    pt_assert(ok > 0);
}

static ASN1_STRING *string_of(int type, const void *data, size_t size)
{
    ASN1_STRING *string = ASN1_STRING_type_new(type);
    int ok = string != NULL && ASN1_STRING_set(string, data, (int)size);
    pt_assert(ok == 1);
    return string;
}

/* Built as objects and not from OpenSSL's configuration text, where a comma in a name would start another name. */
static bool add_names(X509 *cert, const struct pt_leaf_options *options)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    pt_assert(names != NULL);
    push_name(names, GEN_URI, string_of(V_ASN1_IA5STRING, options->spiffe_id, strlen(options->spiffe_id)));
    for (size_t i = 0; i < options->ips_len; i++) {
        const struct pt_ip *ip = &options->ips[i];
        bool v4 = pt_ip_is_v4(ip);
        push_name(names, GEN_IPADD, string_of(V_ASN1_OCTET_STRING, ip->bytes + (v4 ? 12 : 0), v4 ? 4 : 16));
    }
    for (size_t i = 0; i < options->dns_len; i++) {
        push_name(names, GEN_DNS, string_of(V_ASN1_IA5STRING, options->dns[i], strlen(options->dns[i])));
    }
    bool added = X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(names);
    return added;
}

static bool fill_leaf(X509 *cert, X509 *ca, EVP_PKEY *ca_key, EVP_PKEY *key, const struct pt_identity *identity,
                      const struct pt_leaf_options *options)
{
    int64_t now_s = seconds(options->now_ns);
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, ca, cert, NULL, NULL, 0);
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_set_version(cert, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), options->serial) == 1 &&
           add_name(name, "O", identity->cluster_id) && add_name(name, "CN", identity->role) &&
           X509_set_issuer_name(cert, X509_get_subject_name(ca)) == 1 &&
           set_validity(cert, now_s - BACKDATE_S, now_s + seconds(options->lifetime_ns)) &&
           X509_set_pubkey(cert, key) == 1 &&
           add_extension(cert, &context, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(cert, &context, NID_key_usage, "critical,digitalSignature") &&
           add_extension(cert, &context, NID_ext_key_usage, "clientAuth,serverAuth") &&
           add_extension(cert, &context, NID_subject_key_identifier, "hash") &&
           add_extension(cert, &context, NID_authority_key_identifier, "keyid:always") && add_names(cert, options) &&
           X509_sign(cert, ca_key, EVP_sha256()) > 0;
}

static enum pt_code check_options(const struct pt_leaf_options *options, struct pt_identity *ret_identity,
                                  struct pt_error *reterr)
{
    if (pt_identity_parse(options->spiffe_id, ret_identity, reterr) != PT_OK) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "spiffe_id",
                       "a leaf is signed for spiffe://<cluster id>/<controller|edge|admin>/<path> only");
    }
    if (options->serial == 0 || options->lifetime_ns < SECOND_NS || options->now_ns < 0 ||
        options->ips_len > SAN_LEN_MAX || options->dns_len > SAN_LEN_MAX) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                       "a leaf needs a serial other than 0, a lifetime of a second at least, and at most %d addresses "
                       "and %d DNS names",
                       SAN_LEN_MAX, SAN_LEN_MAX);
    }
    for (size_t i = 0; i < options->dns_len; i++) {
        size_t size = strnlen(options->dns[i], 254);
        if (size == 0 || size > 253 ||
            options->dns[i][strspn(options->dns[i], "abcdefghijklmnopqrstuvwxyz0123456789.-")] != '\0') {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "dns",
                           "a DNS name has lower-case letters, digits, dots and hyphens, 253 at most");
        }
    }
    return PT_OK;
}

enum pt_code pt_leaf_sign(const char *ca_key_pem, const char *ca_cert_pem, struct pt_bytes csr,
                          const struct pt_leaf_options *options, struct pt_buf *ret_cert_pem, struct pt_error *reterr)
{
    EVP_PKEY *ca_key = NULL;
    X509 *ca = NULL;
    EVP_PKEY *key = NULL;
    X509 *cert = NULL;
    struct pt_identity identity;
    enum pt_code code = check_options(options, &identity, reterr);
    if (code != PT_OK || (code = pt_key_from_pem(ca_key_pem, &ca_key, reterr)) != PT_OK ||
        (code = pt_cert_from_pem(ca_cert_pem, &ca, reterr)) != PT_OK ||
        (code = pt_csr_key(csr, &key, reterr)) != PT_OK) {
        goto out;
    }
    cert = X509_new();
    pt_assert(cert != NULL);
    if (X509_check_private_key(ca, ca_key) != 1) {
        code = pt_fail_openssl(reterr, PT_INVALID_ARGUMENT, "the CA's key is not that of its certificate");
    } else if (!fill_leaf(cert, ca, ca_key, key, &identity, options)) {
        code = pt_fail_openssl(reterr, PT_INVALID_ARGUMENT, "no leaf could be made for %.200s", options->spiffe_id);
    } else {
        pt_cert_to_pem(cert, ret_cert_pem);
    }
out:
    X509_free(cert);
    EVP_PKEY_free(key);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    return code;
}

/* Lets an expired leaf pass, and nothing else: a renewal asks with it. Its CA must still be valid. */
static int forgive_expiry(int ok, X509_STORE_CTX *context)
{
    bool forgiven = X509_STORE_CTX_get_error(context) == X509_V_ERR_CERT_HAS_EXPIRED &&
                    X509_STORE_CTX_get_error_depth(context) == 0;
    if (!ok && forgiven) {
        X509_STORE_CTX_set_error(context, X509_V_OK);
        return 1;
    }
    return ok;
}

/* The leaf must chain to a CA given and serve for both sides of a connection. */
static enum pt_code verify_chain(X509 *cert, X509_STORE *trust, int64_t now_ns, bool allow_expired,
                                 struct pt_error *reterr)
{
    static const int purposes[] = {X509_PURPOSE_SSL_CLIENT, X509_PURPOSE_SSL_SERVER};
    enum pt_code code = PT_OK;
    for (size_t i = 0; code == PT_OK && i < 2; i++) {
        X509_STORE_CTX *context = X509_STORE_CTX_new();
        int ok = context != NULL && X509_STORE_CTX_init(context, trust, cert, NULL) == 1 &&
                 X509_STORE_CTX_set_purpose(context, purposes[i]) == 1;
        pt_assert(ok == 1);
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_time(param, (time_t)seconds(now_ns));
        ok = X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
        pt_assert(ok == 1);
        if (allow_expired) {
            X509_STORE_CTX_set_verify_cb(context, forgive_expiry);
        }
        if (X509_verify_cert(context) != 1) {
            code = pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_NONE, NULL, "the certificate is not valid here: %s",
                           X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
        }
        X509_STORE_CTX_free(context);
    }
    ERR_clear_error();
    return code;
}

static enum pt_code read_leaf(X509 *cert, struct pt_leaf_info *ret_info, struct pt_error *reterr)
{
    struct pt_leaf_info info = {0};
    PT_TRY(pt_identity_of_cert(cert, &info.identity, reterr));
    info.not_before_ns = info.identity.not_before_ns;
    info.not_after_ns = info.identity.not_after_ns;
    info.key_digest = info.identity.key_digest;
    *ret_info = info;
    return PT_OK;
}

enum pt_code pt_leaf_read(const char *cert_pem, const char *ca_pem, int64_t now_ns, bool allow_expired,
                          struct pt_leaf_info *ret_info, struct pt_error *reterr)
{
    X509 *cert = NULL;
    if (pt_cert_from_pem(cert_pem, &cert, reterr) != PT_OK) {
        return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_NONE, NULL, "there is no certificate in the PEM text");
    }
    X509_STORE *trust = NULL;
    enum pt_code code = PT_OK;
    if (ca_pem != NULL) {
        code = pt_trust_from_pem(ca_pem, &trust, reterr);
    }
    if (code == PT_OK && trust != NULL) {
        code = verify_chain(cert, trust, now_ns, allow_expired, reterr);
    }
    if (code == PT_OK) {
        code = read_leaf(cert, ret_info, reterr);
    }
    X509_STORE_free(trust);
    X509_free(cert);
    return code;
}

enum pt_code pt_ca_read(const char *cert_pem, struct pt_ca_info *ret_info, struct pt_error *reterr)
{
    X509 *cert = NULL;
    PT_TRY(pt_cert_from_pem(cert_pem, &cert, reterr));
    struct pt_ca_info info = {0};
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(cert);
    bool good = X509_check_ca(cert) == 1 && id != NULL && pt_key_id_hex(id, info.key_id) &&
                pt_time_to_ns(X509_get0_notBefore(cert), &info.not_before_ns) &&
                pt_time_to_ns(X509_get0_notAfter(cert), &info.not_after_ns);
    X509_free(cert);
    ERR_clear_error();
    if (!good) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NONE, NULL,
                       "the certificate is not that of a CA of ours");
    }
    PT_TRY(pt_cert_pin(cert_pem, &info.fingerprint, reterr));
    *ret_info = info;
    return PT_OK;
}

enum pt_code pt_cert_pin(const char *cert_pem, struct pt_digest *ret_pin, struct pt_error *reterr)
{
    X509 *cert = NULL;
    PT_TRY(pt_cert_from_pem(cert_pem, &cert, reterr));
    uint8_t *der = NULL;
    int size = i2d_X509(cert, &der);
    pt_assert(size > 0);
    *ret_pin = pt_sha256(der, (size_t)size);
    OPENSSL_free(der);
    X509_free(cert);
    return PT_OK;
}
