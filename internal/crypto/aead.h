/*
 * What encrypted tunnels are made of: authenticated encryption, Diffie-Hellman on Curve25519, HMAC.
 *
 * A struct pt_aead belongs to one key, one direction and one thread at a time; everything else is pure. Nonces are the
 * caller's: no two seals under one key may share one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PT_AEAD_KEY_SIZE 32 /* AES-128 uses the first half */
#define PT_AEAD_NONCE_SIZE 12
#define PT_AEAD_TAG_SIZE 16
#define PT_X25519_SIZE 32
#define PT_HMAC_SIZE 32

/* Numbers stand on the wire and in the schema (patronus.v1.TunnelCipher). */
enum pt_cipher { PT_CIPHER_AES_128_GCM = 1, PT_CIPHER_AES_256_GCM = 2, PT_CIPHER_CHACHA20_POLY1305 = 3 };
bool pt_cipher_known(unsigned number);
const char *pt_cipher_name(enum pt_cipher cipher); /* as in the RFCs: "AES-256-GCM" */

struct pt_aead;
struct pt_aead *pt_aead_new(enum pt_cipher cipher, const uint8_t key[PT_AEAD_KEY_SIZE], bool seal);
void pt_aead_free(struct pt_aead *aead); /* NULL is fine; the key is wiped */
/* out = ciphertext | tag: size + PT_AEAD_TAG_SIZE bytes; `plain` may begin at `out`, but not overlap it otherwise. */
void pt_aead_seal(struct pt_aead *aead, const uint8_t nonce[PT_AEAD_NONCE_SIZE], const void *context,
                  size_t context_size, const uint8_t *plain, size_t size, uint8_t *out);
/* `size` includes the tag. False when it is not authentic: then `out` holds nothing that may be read. */
bool pt_aead_open(struct pt_aead *aead, const uint8_t nonce[PT_AEAD_NONCE_SIZE], const void *context,
                  size_t context_size, const uint8_t *sealed, size_t size, uint8_t *out);

/* RFC 7748. */
void pt_x25519_public(const uint8_t private_key[PT_X25519_SIZE], uint8_t ret_public[PT_X25519_SIZE]);
/* False when the other side's point is of low order: the secret would not depend on our key. */
bool pt_x25519(const uint8_t private_key[PT_X25519_SIZE], const uint8_t public_key[PT_X25519_SIZE],
               uint8_t ret_shared[PT_X25519_SIZE]);

/* HMAC-SHA-256 (RFC 2104) of two parts, one after the other; either may be empty. */
void pt_hmac(const uint8_t *key, size_t key_size, const void *first, size_t first_size, const void *second,
             size_t second_size, uint8_t ret_mac[PT_HMAC_SIZE]);
