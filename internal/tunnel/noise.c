/*
 * The symmetric state of Noise (its specification, section 5.2) and the one pattern that is used here (7.5).
 *
 * Every step mixes what was sent into a running hash, which is the associated data of everything encrypted after it: a
 * handshake completes only between two ends that saw the same bytes. The AEAD's nonce is 4 zero bytes and the counter,
 * big-endian (12.4); each mixed key starts it at 0 again.
 */
#include "tunnel/noise.h"

#include "base/assert.h"
#include "base/buf.h"
#include "crypto/crypto.h"

#include <string.h>

static const char protocol_name[] = "Noise_IK_25519_AESGCM_SHA256"; /* not longer than a hash: padded, not hashed */

/* ---- symmetric state ------------------------------------------------------------------------------------------ */

static void mix_hash(struct pt_noise *noise, const void *data, size_t size)
{
    struct pt_sha256_stream *stream = pt_sha256_open();
    pt_sha256_update(stream, noise->hash, sizeof(noise->hash));
    pt_sha256_update(stream, data, size);
    struct pt_digest digest = pt_sha256_close(stream);
    memcpy(noise->hash, digest.bytes, sizeof(noise->hash));
}

/* HKDF of the specification (4.3) with two outputs. */
static void derive(const uint8_t chaining_key[32], const void *input, size_t size, uint8_t first[32],
                   uint8_t second[32])
{
    static const uint8_t one = 1;
    static const uint8_t two = 2;
    uint8_t temporary[32];
    pt_hmac(chaining_key, 32, input, size, NULL, 0, temporary);
    pt_hmac(temporary, 32, &one, 1, NULL, 0, first);
    pt_hmac(temporary, 32, first, 32, &two, 1, second);
    pt_memory_clear(temporary, sizeof(temporary));
}

static void mix_key(struct pt_noise *noise, const uint8_t input[PT_X25519_SIZE])
{
    uint8_t chaining_key[32];
    derive(noise->chaining_key, input, PT_X25519_SIZE, chaining_key, noise->key);
    memcpy(noise->chaining_key, chaining_key, sizeof(chaining_key));
    pt_memory_clear(chaining_key, sizeof(chaining_key));
    noise->counter = 0;
}

static bool mix_shared(struct pt_noise *noise, const uint8_t private_key[PT_X25519_SIZE],
                       const uint8_t public_key[PT_X25519_SIZE])
{
    uint8_t shared[PT_X25519_SIZE];
    if (!pt_x25519(private_key, public_key, shared)) {
        return false;
    }
    mix_key(noise, shared);
    pt_memory_clear(shared, sizeof(shared));
    return true;
}

static void next_nonce(struct pt_noise *noise, uint8_t nonce[PT_AEAD_NONCE_SIZE])
{
    memset(nonce, 0, 4);
    pt_put_be64(nonce + 4, noise->counter++);
}

/* Writes size + PT_AEAD_TAG_SIZE bytes. */
static void seal_and_hash(struct pt_noise *noise, const void *plain, size_t size, uint8_t *out)
{
    uint8_t nonce[PT_AEAD_NONCE_SIZE];
    struct pt_aead *aead = pt_aead_new(PT_CIPHER_AES_256_GCM, noise->key, true);
    next_nonce(noise, nonce);
    pt_aead_seal(aead, nonce, noise->hash, sizeof(noise->hash), plain, size, out);
    pt_aead_free(aead);
    mix_hash(noise, out, size + PT_AEAD_TAG_SIZE);
}

/* `size` includes the tag. */
static bool open_and_hash(struct pt_noise *noise, const uint8_t *sealed, size_t size, void *ret_plain)
{
    uint8_t nonce[PT_AEAD_NONCE_SIZE];
    struct pt_aead *aead = pt_aead_new(PT_CIPHER_AES_256_GCM, noise->key, false);
    next_nonce(noise, nonce);
    bool authentic = pt_aead_open(aead, nonce, noise->hash, sizeof(noise->hash), sealed, size, ret_plain);
    pt_aead_free(aead);
    mix_hash(noise, sealed, size);
    return authentic;
}

static void initialise(struct pt_noise *noise, const uint8_t static_private[PT_X25519_SIZE], const void *prologue,
                       size_t prologue_size)
{
    memset(noise, 0, sizeof(*noise));
    memcpy(noise->hash, protocol_name, sizeof(protocol_name) - 1);
    memcpy(noise->chaining_key, noise->hash, sizeof(noise->hash));
    memcpy(noise->static_private, static_private, PT_X25519_SIZE);
    pt_x25519_public(static_private, noise->static_public);
    mix_hash(noise, prologue, prologue_size);
}

static void send_ephemeral(struct pt_noise *noise, const uint8_t ephemeral_private[PT_X25519_SIZE], uint8_t *out)
{
    memcpy(noise->ephemeral_private, ephemeral_private, PT_X25519_SIZE);
    pt_x25519_public(ephemeral_private, out);
    mix_hash(noise, out, PT_X25519_SIZE);
}

static void take_ephemeral(struct pt_noise *noise, const uint8_t *message)
{
    memcpy(noise->remote_ephemeral, message, PT_X25519_SIZE);
    mix_hash(noise, message, PT_X25519_SIZE);
}

/* ---- the pattern ---------------------------------------------------------------------------------------------- */

void pt_noise_start(struct pt_noise *noise, const uint8_t static_private[PT_X25519_SIZE],
                    const uint8_t remote_static[PT_X25519_SIZE], const void *prologue, size_t prologue_size)
{
    initialise(noise, static_private, prologue, prologue_size);
    memcpy(noise->remote_static, remote_static, PT_X25519_SIZE);
    mix_hash(noise, remote_static, PT_X25519_SIZE);
}

bool pt_noise_write_first(struct pt_noise *noise, const uint8_t ephemeral_private[PT_X25519_SIZE], const void *payload,
                          size_t size, uint8_t *out)
{
    send_ephemeral(noise, ephemeral_private, out);
    out += PT_X25519_SIZE;
    if (!mix_shared(noise, noise->ephemeral_private, noise->remote_static)) {
        return false;
    }
    seal_and_hash(noise, noise->static_public, PT_X25519_SIZE, out);
    out += PT_X25519_SIZE + PT_AEAD_TAG_SIZE;
    if (!mix_shared(noise, noise->static_private, noise->remote_static)) {
        return false;
    }
    seal_and_hash(noise, payload, size, out);
    return true;
}

bool pt_noise_read_second(struct pt_noise *noise, const uint8_t *message, size_t size, void *ret_payload)
{
    if (size < PT_NOISE_SECOND_SIZE) {
        return false;
    }
    take_ephemeral(noise, message);
    return mix_shared(noise, noise->ephemeral_private, noise->remote_ephemeral) &&
           mix_shared(noise, noise->static_private, noise->remote_ephemeral) &&
           open_and_hash(noise, message + PT_X25519_SIZE, size - PT_X25519_SIZE, ret_payload);
}

void pt_noise_await(struct pt_noise *noise, const uint8_t static_private[PT_X25519_SIZE], const void *prologue,
                    size_t prologue_size)
{
    initialise(noise, static_private, prologue, prologue_size);
    mix_hash(noise, noise->static_public, PT_X25519_SIZE);
}

bool pt_noise_read_first(struct pt_noise *noise, const uint8_t *message, size_t size, void *ret_payload)
{
    if (size < PT_NOISE_FIRST_SIZE) {
        return false;
    }
    const uint8_t *sealed_static = message + PT_X25519_SIZE;
    const uint8_t *sealed_payload = sealed_static + PT_X25519_SIZE + PT_AEAD_TAG_SIZE;
    take_ephemeral(noise, message);
    return mix_shared(noise, noise->static_private, noise->remote_ephemeral) &&
           open_and_hash(noise, sealed_static, PT_X25519_SIZE + PT_AEAD_TAG_SIZE, noise->remote_static) &&
           mix_shared(noise, noise->static_private, noise->remote_static) &&
           open_and_hash(noise, sealed_payload, size - (size_t)(sealed_payload - message), ret_payload);
}

bool pt_noise_write_second(struct pt_noise *noise, const uint8_t ephemeral_private[PT_X25519_SIZE], const void *payload,
                           size_t size, uint8_t *out)
{
    send_ephemeral(noise, ephemeral_private, out);
    if (!mix_shared(noise, noise->ephemeral_private, noise->remote_ephemeral) ||
        !mix_shared(noise, noise->ephemeral_private, noise->remote_static)) {
        return false;
    }
    seal_and_hash(noise, payload, size, out + PT_X25519_SIZE);
    return true;
}

void pt_noise_split(struct pt_noise *noise, bool initiator, struct pt_noise_keys *ret_keys)
{
    uint8_t *first = initiator ? ret_keys->send : ret_keys->receive;
    uint8_t *second = initiator ? ret_keys->receive : ret_keys->send;
    derive(noise->chaining_key, NULL, 0, first, second);
    pt_noise_clear(noise);
}

void pt_noise_clear(struct pt_noise *noise)
{
    pt_memory_clear(noise, sizeof(*noise));
}
