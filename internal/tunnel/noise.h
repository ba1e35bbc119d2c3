/*
 * Noise_IK_25519_AESGCM_SHA256 (the Noise Protocol Framework, revision 34), both sides.
 *
 *     <- s                        the responder's public key is known beforehand
 *     ...
 *     -> e, es, s, ss  payload    proves who asks, to the responder alone
 *     <- e, ee, se     payload
 *
 * Ephemeral keys are the caller's, so that every run can be repeated. Not thread-safe; nothing is logged. A handshake
 * that failed must be thrown away.
 */
#pragma once

#include "base/error.h"
#include "crypto/aead.h"

#include <stdbool.h>

#define PT_NOISE_HASH_SIZE 32
#define PT_NOISE_FIRST_SIZE (PT_X25519_SIZE + PT_X25519_SIZE + PT_AEAD_TAG_SIZE + PT_AEAD_TAG_SIZE) /* + payload */
#define PT_NOISE_SECOND_SIZE (PT_X25519_SIZE + PT_AEAD_TAG_SIZE)                                    /* + payload */

struct pt_noise {
    uint8_t chaining_key[PT_NOISE_HASH_SIZE];
    uint8_t hash[PT_NOISE_HASH_SIZE];
    uint8_t key[PT_AEAD_KEY_SIZE]; /* of the next message part */
    uint64_t counter;
    uint8_t static_private[PT_X25519_SIZE], static_public[PT_X25519_SIZE];
    uint8_t ephemeral_private[PT_X25519_SIZE];
    uint8_t remote_static[PT_X25519_SIZE]; /* the responder's learns it from the first message */
    uint8_t remote_ephemeral[PT_X25519_SIZE];
};

struct pt_noise_keys { /* for the initiator; the responder's are the other way round */
    uint8_t send[PT_AEAD_KEY_SIZE], receive[PT_AEAD_KEY_SIZE];
};

/* Initiator. `prologue` must be the same at both ends. */
void pt_noise_start(struct pt_noise *noise, const uint8_t static_private[PT_X25519_SIZE],
                    const uint8_t remote_static[PT_X25519_SIZE], const void *prologue, size_t prologue_size);
/* Write PT_NOISE_FIRST_SIZE + size bytes. False when the remote key is of low order. */
PT_MUST bool pt_noise_write_first(struct pt_noise *noise, const uint8_t ephemeral_private[PT_X25519_SIZE],
                                  const void *payload, size_t size, uint8_t *out);
/* Read PT_NOISE_SECOND_SIZE + payload; *ret_payload is `size` - PT_NOISE_SECOND_SIZE bytes. */
PT_MUST bool pt_noise_read_second(struct pt_noise *noise, const uint8_t *message, size_t size, void *ret_payload);

/* Responder. */
void pt_noise_await(struct pt_noise *noise, const uint8_t static_private[PT_X25519_SIZE], const void *prologue,
                    size_t prologue_size);
/* Learns remote_static, which the caller must still find among those it knows. */
PT_MUST bool pt_noise_read_first(struct pt_noise *noise, const uint8_t *message, size_t size, void *ret_payload);
PT_MUST bool pt_noise_write_second(struct pt_noise *noise, const uint8_t ephemeral_private[PT_X25519_SIZE],
                                   const void *payload, size_t size, uint8_t *out);

/* After the second message, at either side; wipes the handshake. */
void pt_noise_split(struct pt_noise *noise, bool initiator, struct pt_noise_keys *ret_keys);
void pt_noise_clear(struct pt_noise *noise);
