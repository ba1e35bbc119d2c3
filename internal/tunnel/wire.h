/*
 * Messages between two edges, each behind outer IP, UDP and Geneve (protocol PT_SEALED_PROTOCOL, VNI 0). Big-endian.
 *
 *   initiation   0 type  1 version  2 zero (2)  4 sender index  8 Noise first message: e, sealed s, sealed
 *                { time_ns (8), cipher (1), zero (7) }  then mac1 (16), mac2 (16)
 *   response     0 type  1 version  2 zero (2)  4 sender index  8 receiver index  12 Noise second message: e, sealed
 *                { cipher (1), zero (7) }  then mac1 (16), mac2 (16)
 *   cookie       0 type  1 version  2 zero (2)  4 receiver index  8 nonce (16)  24 sealed cookie (16 + 16)
 *   data         0 type  1 flags  2 stream  3 VNI (3)  6 counter (6)  12 receiver index, then the sealed packet and tag
 *
 * The data header is the AEAD's associated data: VNI and flags cannot be changed on the way. Its nonce is the stream
 * (1 byte), 3 zero bytes, the counter (8 bytes). A stream has its own counter and replay window: one worker on one
 * path and one queue of a shaped link, so that paths of unlike delay, and classes of which one waits, do not push each
 * other out of the window.
 *
 * mac1 is a MAC under the receiver's public key: a message without it costs the receiver one hash. mac2 is a MAC under
 * a cookie that the receiver gave to the sender's address; under load nothing without it is looked at.
 */
#pragma once

#include "bpf/abi/geneve.h"
#include "crypto/aead.h"
#include "tunnel/noise.h"

#include <stdbool.h>
#include <stdint.h>

#define PT_TUNNEL_VERSION 1

#define PT_TUNNEL_MAC_SIZE 16
#define PT_TUNNEL_INITIATION_PAYLOAD 16
#define PT_TUNNEL_RESPONSE_PAYLOAD 8
#define PT_TUNNEL_INITIATION_SIZE (8 + PT_NOISE_FIRST_SIZE + PT_TUNNEL_INITIATION_PAYLOAD + 2 * PT_TUNNEL_MAC_SIZE)
#define PT_TUNNEL_RESPONSE_SIZE (12 + PT_NOISE_SECOND_SIZE + PT_TUNNEL_RESPONSE_PAYLOAD + 2 * PT_TUNNEL_MAC_SIZE)
#define PT_TUNNEL_COOKIE_NONCE 16
#define PT_TUNNEL_COOKIE_SIZE (8 + PT_TUNNEL_COOKIE_NONCE + PT_TUNNEL_MAC_SIZE + PT_AEAD_TAG_SIZE)
#define PT_TUNNEL_DATA_HEADER 16
#define PT_TUNNEL_OVERHEAD (PT_TUNNEL_DATA_HEADER + PT_AEAD_TAG_SIZE)
#define PT_TUNNEL_STREAMS 64
#define PT_TUNNEL_COUNTER_MAX ((1ULL << 48) - 1)

enum pt_tunnel_type {
    PT_TUNNEL_INITIATION = 1,
    PT_TUNNEL_RESPONSE = 2,
    PT_TUNNEL_COOKIE = 3,
    PT_TUNNEL_DATA = 4,
};

/* Flags of data. */
#define PT_TUNNEL_PARTIAL 1U  /* the TCP or UDP checksum inside is only the pseudo header's sum: finish it */
#define PT_TUNNEL_VERIFIED 2U /* the checksum was found right on the way in */
#define PT_TUNNEL_CONTROL 4U  /* inside is a message of wire.h and not a packet */

struct pt_tunnel_data {
    uint8_t flags, stream;
    uint32_t vni;
    uint64_t counter;
    uint32_t receiver;
};
void pt_tunnel_data_write(const struct pt_tunnel_data *data, uint8_t header[PT_TUNNEL_DATA_HEADER]);
/* False when it is no data message, has unknown flags or a stream out of range. `size` of the whole message. */
bool pt_tunnel_data_read(const uint8_t *message, size_t size, struct pt_tunnel_data *ret_data);
void pt_tunnel_nonce(uint8_t stream, uint64_t counter, uint8_t nonce[PT_AEAD_NONCE_SIZE]);

/* Handshake messages, checked for type, version, size and zeroes; everything points into `message`. */
struct pt_tunnel_handshake {
    enum pt_tunnel_type type;
    uint32_t sender, receiver; /* an initiation has no receiver, a cookie no sender: 0 */
    const uint8_t *noise;      /* of a cookie: the nonce, with the sealed cookie behind it */
    size_t noise_size;
    const uint8_t *mac1; /* NULL for a cookie; mac2 stands behind it */
};
bool pt_tunnel_handshake_read(const uint8_t *message, size_t size, struct pt_tunnel_handshake *ret_handshake);

/*
 * Control messages, sealed like packets (flag CONTROL), zero-padded to any size:
 *
 *   keepalive   0 kind 1  1 zero (7)                8 own address as configured (16)
 *   probe       0 kind 2  1 zero (3)  4 size (4)    8 path's address at the sender (16), padded so that the inner
 * packet would be `size` bytes echo        0 kind 3  1 zero (3)  4 size (4)    8 copied from the probe (16)
 *
 * The address says which of the sender's links this is, whatever a NAT made of it: the receiver answers to where it
 * really came from.
 */
#define PT_TUNNEL_CONTROL_SIZE 24
enum pt_tunnel_control_kind { PT_TUNNEL_KEEPALIVE = 1, PT_TUNNEL_PROBE = 2, PT_TUNNEL_ECHO = 3 };
struct pt_tunnel_control {
    enum pt_tunnel_control_kind kind;
    uint32_t size;
    uint8_t address[16];
};
void pt_tunnel_control_write(const struct pt_tunnel_control *control, uint8_t message[PT_TUNNEL_CONTROL_SIZE]);
bool pt_tunnel_control_read(const uint8_t *message, size_t size, struct pt_tunnel_control *ret_control);
