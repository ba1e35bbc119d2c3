/*
 * What the files of this folder share about keys and certificates. Not for other folders: it shows OpenSSL's types.
 */
#pragma once

#include "crypto/identity.h"

#include <openssl/x509.h>

/* Like pt_fail with OpenSSL's oldest queued reason behind the text; empties the thread's queue. */
PT_PRINTF(3, 4)
enum pt_code pt_fail_openssl(struct pt_error *reterr, enum pt_code code, const char *format, ...);

/* The owner frees with EVP_PKEY_free and X509_free. PT_INVALID_ARGUMENT when the text holds no such thing. */
PT_MUST enum pt_code pt_key_from_pem(const char *key_pem, EVP_PKEY **ret_key, struct pt_error *reterr);
PT_MUST enum pt_code pt_cert_from_pem(const char *cert_pem, X509 **ret_cert, struct pt_error *reterr);
/* Every certificate of the text, at least one and at most PT_CA_LEN_MAX, as trust anchors. Free with X509_STORE_free.
 */
PT_MUST enum pt_code pt_trust_from_pem(const char *ca_pem, X509_STORE **ret_trust, struct pt_error *reterr);
#define PT_CA_LEN_MAX 16

/* What OpenSSL's chain check leaves open: the leaf is no CA and has exactly one URI SAN, a SPIFFE id of ours.
 * PT_UNAUTHENTICATED otherwise. */
PT_MUST enum pt_code pt_identity_of_cert(X509 *cert, struct pt_identity *ret_identity, struct pt_error *reterr);

/* Append as PEM. */
void pt_cert_to_pem(X509 *cert, struct pt_buf *out);
void pt_key_to_pem(EVP_PKEY *key, struct pt_buf *out);

/* The public key of a request that is signed by it and is ECDSA P-256. The owner frees. */
PT_MUST enum pt_code pt_csr_key(struct pt_bytes csr, EVP_PKEY **ret_key, struct pt_error *reterr);
/* SHA-256 of the key's SubjectPublicKeyInfo. */
struct pt_digest pt_key_digest(EVP_PKEY *key);
/* False when it is out of range, or not of the size of a key id of ours. */
bool pt_time_to_ns(const ASN1_TIME *time, int64_t *ret_ns);
bool pt_key_id_hex(const ASN1_OCTET_STRING *id, char ret_hex[PT_KEY_ID_SIZE + 1]);
