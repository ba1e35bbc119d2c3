/*
 * Digests, signatures, sealing. The one door to OpenSSL together with identity.h and tls.h.
 *
 * Pure but for key generation. Thread-safe: no shared state. A failure inside OpenSSL that input cannot cause aborts.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

#define PT_DIGEST_SIZE 32
#define PT_SEAL_KEY_SIZE 32
#define PT_SIGN_PUBLIC_SIZE 32
#define PT_SIGN_PRIVATE_SIZE 32
#define PT_SIGNATURE_SIZE 64
#define PT_SEAL_NONCE_SIZE 12
#define PT_SEAL_OVERHEAD (PT_SEAL_NONCE_SIZE + 16)

struct pt_digest {
    uint8_t bytes[PT_DIGEST_SIZE];
};

struct pt_digest pt_sha256(const void *data, size_t size);
#define PT_SHA1_SIZE 20
void pt_sha1(const void *data, size_t size, uint8_t ret_hash[PT_SHA1_SIZE]); /* for protocols that want it (RFC 5880) */
struct pt_digest pt_hmac_sha256(struct pt_bytes key, struct pt_bytes data);
/* Incremental. */
struct pt_sha256_stream;
struct pt_sha256_stream *pt_sha256_open(void);
void pt_sha256_update(struct pt_sha256_stream *stream, const void *data, size_t size);
struct pt_digest pt_sha256_close(struct pt_sha256_stream *stream);          /* frees */
bool pt_digest_equal(const struct pt_digest *a, const struct pt_digest *b); /* constant time */
/* Lower-case hexadecimal digits into `text`, which has room for two a byte and a NUL; returns it. */
char *pt_hex(struct pt_bytes bytes, char text[]);
char *pt_digest_hex(const struct pt_digest *digest, char text[65]);
PT_MUST enum pt_code pt_digest_from_hex(const char *text, struct pt_digest *ret_digest, struct pt_error *reterr);
/* Sum and difference modulo 2^256, big-endian: the incremental state digest. */
void pt_digest_add(struct pt_digest *sum, const struct pt_digest *term);
void pt_digest_sub(struct pt_digest *sum, const struct pt_digest *term);

bool pt_memory_equal(const void *a, const void *b, size_t size); /* constant time */
void pt_memory_clear(void *data, size_t size);                   /* not optimised away */

/* CRC-32C (Castagnoli), for records on disk; seed 0 to start. */
uint32_t pt_crc32c(uint32_t seed, const void *data, size_t size);

/* Ed25519 (RFC 8032). */
void pt_sign_keypair(const uint8_t seed[PT_SIGN_PRIVATE_SIZE], uint8_t ret_public[PT_SIGN_PUBLIC_SIZE]);
void pt_sign(const uint8_t private_seed[PT_SIGN_PRIVATE_SIZE], const void *data, size_t size,
             uint8_t ret_signature[PT_SIGNATURE_SIZE]);
bool pt_sign_verify(const uint8_t public_key[PT_SIGN_PUBLIC_SIZE], const void *data, size_t size,
                    const uint8_t signature[PT_SIGNATURE_SIZE]);

/* AES-256-GCM: out = nonce | ciphertext | tag. `context` is authenticated, not stored. The nonce is the caller's:
 * random, drawn by the leader before it proposes. */
void pt_seal(const uint8_t key[PT_SEAL_KEY_SIZE], const uint8_t nonce[PT_SEAL_NONCE_SIZE], const char *context,
             struct pt_bytes plain, struct pt_buf *out);
PT_MUST enum pt_code pt_unseal(const uint8_t key[PT_SEAL_KEY_SIZE], const char *context, struct pt_bytes sealed,
                               struct pt_buf *out, struct pt_error *reterr);

/* Base64url without padding (RFC 4648 5): tokens. */
void pt_base64url_encode(struct pt_bytes data, struct pt_buf *out);
PT_MUST enum pt_code pt_base64url_decode(const char *text, size_t size, struct pt_buf *out, struct pt_error *reterr);
