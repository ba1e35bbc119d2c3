/*
 * Identities: keys, certificate requests, the cluster's CA, leaves with a SPIFFE URI SAN.
 *
 * Keys are ECDSA P-256. A SPIFFE id is spiffe://<cluster id>/<role>/<path>: roles are "controller", "edge", "admin".
 *   spiffe://c-3f9a.../controller/c1
 *   spiffe://c-3f9a.../edge/organizations/acme/sites/nyc/edges/e1
 *   spiffe://c-3f9a.../admin/root
 * Everything is PEM or DER bytes at this interface; private keys are NUL-terminated PEM in buffers that are cleared
 * when freed by pt_auto_secret.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/net.h"
#include "crypto/crypto.h"

#define PT_SPIFFE_SIZE_MAX 512
#define PT_ROLE_SIZE_MAX 16
#define PT_KEY_ID_SIZE 40 /* hexadecimal digits of a key id (SHA-1 of the key, RFC 5280 4.2.1.2) */

struct pt_identity { /* who a certificate speaks for */
    char spiffe_id[PT_SPIFFE_SIZE_MAX];
    char cluster_id[64];
    char role[PT_ROLE_SIZE_MAX];
    char path[PT_SPIFFE_SIZE_MAX]; /* behind the role */
    /* Of the certificate that says so; zero when the identity is only text. */
    struct pt_digest key_digest;     /* SHA-256 of the public key */
    char issuer[PT_KEY_ID_SIZE + 1]; /* key id of the CA that signed it, hexadecimal; "" when it names none */
    int64_t not_before_ns, not_after_ns;
};

/* PT_UNAUTHENTICATED when the text is not such an id. */
PT_MUST enum pt_code pt_identity_parse(const char *spiffe_id, struct pt_identity *ret_identity,
                                       struct pt_error *reterr);
/* The role that such an id names, a constant; "" when the text is not such an id. It copies nothing: every call and
 * every applied entry asks. */
const char *pt_identity_role(const char *spiffe_id);

void pt_auto_secret(struct pt_buf *buf); /* PT_AUTO(secret): clear, then free */

PT_MUST enum pt_code pt_key_new(struct pt_buf *ret_key_pem, struct pt_error *reterr);
/* PKCS #10, DER. */
PT_MUST enum pt_code pt_csr_new(const char *key_pem, struct pt_buf *ret_csr, struct pt_error *reterr);
/* Verify the request's own signature; digest of its public key (SHA-256 of SubjectPublicKeyInfo). */
PT_MUST enum pt_code pt_csr_verify(struct pt_bytes csr, struct pt_digest *ret_key_digest, struct pt_error *reterr);

/* Self-signed CA for the cluster, valid 10 years from now_ns (wall). The name tells one CA of a cluster from another:
 * "ca-1". */
PT_MUST enum pt_code pt_ca_new_named(const char *cluster_id, const char *name, int64_t now_ns,
                                     struct pt_buf *ret_key_pem, struct pt_buf *ret_cert_pem, struct pt_error *reterr);
struct pt_ca_info {
    char key_id[PT_KEY_ID_SIZE + 1];
    struct pt_digest fingerprint; /* of the certificate's DER */
    int64_t not_before_ns, not_after_ns;
};
/* Of the first certificate of the text, which must be a CA's. */
PT_MUST enum pt_code pt_ca_read(const char *cert_pem, struct pt_ca_info *ret_info, struct pt_error *reterr);
/* pt_ca_new_named for the first one. */
PT_MUST enum pt_code pt_ca_new(const char *cluster_id, int64_t now_ns, struct pt_buf *ret_key_pem,
                               struct pt_buf *ret_cert_pem, struct pt_error *reterr);

struct pt_leaf_options {
    const char *spiffe_id;
    int64_t now_ns;          /* wall; notBefore is 5 minutes earlier */
    int64_t lifetime_ns;     /* leaves 1 h, admin credentials 1 year */
    const struct pt_ip *ips; /* IP SANs, for servers that clients dial by address; may be NULL */
    size_t ips_len;
    const char *const *dns; /* DNS SANs ("localhost"); may be NULL */
    size_t dns_len;
    uint64_t serial; /* random, not 0 */
};
/* Sign the CSR's key: EKU clientAuth and serverAuth, URI SAN = spiffe_id. */
PT_MUST enum pt_code pt_leaf_sign(const char *ca_key_pem, const char *ca_cert_pem, struct pt_bytes csr,
                                  const struct pt_leaf_options *options, struct pt_buf *ret_cert_pem,
                                  struct pt_error *reterr);
/* Identity, expiry and key digest of a leaf. With ca_pem the chain is verified (expiry too unless allow_expired);
 * NULL only reads. PT_UNAUTHENTICATED with the reason. */
struct pt_leaf_info {
    struct pt_identity identity;
    int64_t not_before_ns, not_after_ns; /* those of the identity */
    struct pt_digest key_digest;
};
PT_MUST enum pt_code pt_leaf_read(const char *cert_pem, const char *ca_pem, int64_t now_ns, bool allow_expired,
                                  struct pt_leaf_info *ret_info, struct pt_error *reterr);
/* SHA-256 of the first certificate's DER: the pin in a join token. */
PT_MUST enum pt_code pt_cert_pin(const char *cert_pem, struct pt_digest *ret_pin, struct pt_error *reterr);
