/*
 * Handshakes and the life of sessions.
 *
 * Replayed initiations. An initiation carries the sender's wall clock; one that is not newer than the newest seen of
 * that peer is dropped. After a restart the memory of it is gone: a replay then makes a session that nobody confirms,
 * which never seals and goes with the next one.
 *
 * Both start at once. Each then has two sessions that both ends know; each uses the one confirmed last, and both open.
 *
 * Floods. mac1 costs one HMAC and needs our public key. When more than LOAD_MAX initiations came within a second, those
 * without a valid mac2 are answered by a cookie instead of being worked on: 16 bytes made from the sender's address
 * under a secret that changes each two minutes, sealed to the sender's mac1. A sender that cannot receive at the
 * address it claims never gets past this.
 */
#include "tunnel/peers.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/map.h"
#include "crypto/crypto.h"

#include <stdlib.h>
#include <string.h>

#define MS 1000000ULL
#define RETRY_MIN_MS 1000ULL
#define RETRY_MAX_MS 5000ULL
#define PATIENCE_MS 2000ULL /* the end with the greater key waits so long before it starts itself */
#define SILENCE_MS 20000ULL /* keepalives come more often: a session that hears nothing so long is renewed */
#define COOKIE_LIFE_MS 120000ULL
#define LOAD_MAX 256U            /* initiations a second that are worked on without a cookie */
#define REKEY_SPREAD_MS 10000ULL /* the responder renews so much later than the initiator would */

static const char prologue[] = "patronus tunnel 1";

struct session {
    struct pt_tunnel_session *handle;
    struct pt_tunnel_keys keys; /* without the secrets */
    bool confirmed;
};

struct peer {
    uint32_t label;
    uint8_t public_key[PT_X25519_SIZE];
    enum pt_cipher cipher;
    uint8_t mac_key[PT_HMAC_SIZE]; /* for mac1 of what we send to it */

    struct session sessions[PT_PEER_SESSIONS]; /* oldest first */
    size_t sessions_len;
    struct pt_tunnel_session *used;

    bool waiting; /* for a response */
    struct pt_noise noise;
    uint32_t index; /* of the initiation */
    enum pt_cipher proposed;
    unsigned attempt;
    uint64_t next_try_ns;
    uint8_t last_mac1[PT_TUNNEL_MAC_SIZE];

    uint8_t cookie[PT_TUNNEL_MAC_SIZE];
    uint64_t cookie_until_ns; /* 0: none */

    uint64_t greatest_time; /* of its initiations */
    uint64_t handshakes, last_heard_ns;
    bool kept; /* pt_peers_set: named again */
};

struct pt_peers {
    struct pt_peers_options options;
    uint8_t public_key[PT_X25519_SIZE];
    uint8_t mac_key[PT_HMAC_SIZE];    /* for mac1 of what comes to us */
    uint8_t cookie_key[PT_HMAC_SIZE]; /* for sealing cookies that we give */
    uint8_t secret[PT_HMAC_SIZE];     /* of cookies that we give */
    uint64_t secret_until_ns;
    uint64_t second_ns; /* start of the second that `load` counts */
    unsigned load;
    struct peer **peers; /* ascending by label */
    size_t peers_len;
};

/* ---- small parts ---------------------------------------------------------------------------------------------- */

static void random_bytes(const struct pt_peers *peers, void *data, size_t size)
{
    peers->options.ops->random(peers->options.arg, data, size);
}

static void derive_key(const char *label, const uint8_t public_key[PT_X25519_SIZE], uint8_t key[PT_HMAC_SIZE])
{
    pt_hmac((const uint8_t *)label, strlen(label), public_key, PT_X25519_SIZE, NULL, 0, key);
}

static void mac(const uint8_t *key, size_t key_size, const void *data, size_t size, uint8_t out[PT_TUNNEL_MAC_SIZE])
{
    uint8_t full[PT_HMAC_SIZE];
    pt_hmac(key, key_size, data, size, NULL, 0, full);
    memcpy(out, full, PT_TUNNEL_MAC_SIZE);
}

static struct peer *find_label(const struct pt_peers *peers, uint32_t label)
{
    size_t low = 0;
    size_t high = peers->peers_len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (peers->peers[middle]->label < label) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < peers->peers_len && peers->peers[low]->label == label ? peers->peers[low] : NULL;
}

static struct peer *find_key(const struct pt_peers *peers, const uint8_t public_key[PT_X25519_SIZE])
{
    for (size_t i = 0; i < peers->peers_len; i++) {
        if (pt_memory_equal(peers->peers[i]->public_key, public_key, PT_X25519_SIZE)) {
            return peers->peers[i];
        }
    }
    return NULL;
}

static struct peer *find_waiting(const struct pt_peers *peers, uint32_t index)
{
    for (size_t i = 0; i < peers->peers_len; i++) {
        if (peers->peers[i]->waiting && peers->peers[i]->index == index) {
            return peers->peers[i];
        }
    }
    return NULL;
}

static bool starts(const struct pt_peers *peers, const struct peer *peer)
{
    return memcmp(peers->public_key, peer->public_key, PT_X25519_SIZE) < 0;
}

/* ---- sessions ------------------------------------------------------------------------------------------------- */

static void drop_session(struct pt_peers *peers, struct peer *peer, size_t at)
{
    struct pt_tunnel_session *handle = peer->sessions[at].handle;
    if (peer->used == handle) {
        peer->used = NULL;
        peers->options.ops->session_use(peers->options.arg, peer->label, NULL);
    }
    peers->options.ops->session_free(peers->options.arg, handle);
    memmove(&peer->sessions[at], &peer->sessions[at + 1], (peer->sessions_len - at - 1) * sizeof(peer->sessions[0]));
    peer->sessions_len--;
}

/* The newest confirmed one is used. */
static void choose_session(struct pt_peers *peers, struct peer *peer)
{
    struct pt_tunnel_session *chosen = NULL;
    for (size_t i = 0; i < peer->sessions_len; i++) {
        chosen = peer->sessions[i].confirmed ? peer->sessions[i].handle : chosen;
    }
    if (chosen != peer->used) {
        peer->used = chosen;
        peers->options.ops->session_use(peers->options.arg, peer->label, chosen);
    }
}

/* Room for one more: a session that was never confirmed goes first, else the oldest. */
static struct pt_tunnel_session *add_session(struct pt_peers *peers, struct peer *peer,
                                             const struct pt_tunnel_keys *keys, bool confirmed)
{
    for (size_t i = 0; i < peer->sessions_len && !confirmed; i++) {
        if (!peer->sessions[i].confirmed) {
            drop_session(peers, peer, i);
            break;
        }
    }
    if (peer->sessions_len == PT_PEER_SESSIONS) {
        drop_session(peers, peer, 0);
    }
    struct session *session = &peer->sessions[peer->sessions_len++];
    struct pt_tunnel_session *handle = peers->options.ops->session_new(peers->options.arg, peer->label, keys);
    *session = (struct session){.keys = *keys, .handle = handle, .confirmed = confirmed};
    pt_memory_clear(session->keys.send, sizeof(session->keys.send));
    pt_memory_clear(session->keys.receive, sizeof(session->keys.receive));
    choose_session(peers, peer);
    return handle;
}

static void free_peer(struct pt_peers *peers, struct peer *peer)
{
    while (peer->sessions_len > 0) {
        drop_session(peers, peer, peer->sessions_len - 1);
    }
    pt_memory_clear(peer, sizeof(*peer));
    free(peer);
}

/* ---- sending -------------------------------------------------------------------------------------------------- */

/* Fill in both MACs, the last 32 bytes. */
static void add_macs(struct peer *peer, uint8_t *message, size_t size, uint64_t now_ns)
{
    uint8_t *mac1 = message + size - 2 * PT_TUNNEL_MAC_SIZE, *mac2 = mac1 + PT_TUNNEL_MAC_SIZE;
    mac(peer->mac_key, sizeof(peer->mac_key), message, (size_t)(mac1 - message), mac1);
    memset(mac2, 0, PT_TUNNEL_MAC_SIZE);
    if (now_ns < peer->cookie_until_ns) {
        mac(peer->cookie, sizeof(peer->cookie), message, (size_t)(mac2 - message), mac2);
    }
    memcpy(peer->last_mac1, mac1, PT_TUNNEL_MAC_SIZE);
}

static void initiate(struct pt_peers *peers, struct peer *peer, uint64_t now_ns, uint64_t wall_ns)
{
    uint8_t message[PT_TUNNEL_INITIATION_SIZE] = {PT_TUNNEL_INITIATION, PT_TUNNEL_VERSION};
    uint8_t payload[PT_TUNNEL_INITIATION_PAYLOAD] = {0}, ephemeral[PT_X25519_SIZE];
    uint64_t wait_ms = RETRY_MIN_MS * (peer->attempt + 1);
    wait_ms = wait_ms < RETRY_MAX_MS ? wait_ms : RETRY_MAX_MS;
    random_bytes(peers, &peer->index, sizeof(peer->index));
    pt_put_be32(message + 4, peer->index);
    pt_put_be64(payload, wall_ns);
    payload[8] = (uint8_t)peer->cipher;
    peer->proposed = peer->cipher;
    random_bytes(peers, ephemeral, sizeof(ephemeral));
    pt_noise_start(&peer->noise, peers->options.private_key, peer->public_key, prologue, sizeof(prologue) - 1);
    peer->waiting = pt_noise_write_first(&peer->noise, ephemeral, payload, sizeof(payload), message + 8);
    pt_memory_clear(ephemeral, sizeof(ephemeral));
    peer->next_try_ns = now_ns + wait_ms * MS;
    if (peer->waiting) {
        const struct pt_tunnel_via via = {.attempt = peer->attempt++};
        add_macs(peer, message, sizeof(message), now_ns);
        peers->options.ops->send(peers->options.arg, peer->label, &via, message, sizeof(message));
    }
}

static void respond(struct pt_peers *peers, struct peer *peer, struct pt_noise *noise, uint32_t remote_index,
                    enum pt_cipher cipher, const struct pt_tunnel_via *via, uint64_t now_ns)
{
    uint8_t message[PT_TUNNEL_RESPONSE_SIZE] = {PT_TUNNEL_RESPONSE, PT_TUNNEL_VERSION};
    uint8_t payload[PT_TUNNEL_RESPONSE_PAYLOAD] = {(uint8_t)cipher}, ephemeral[PT_X25519_SIZE];
    struct pt_tunnel_keys keys = {.remote_index = remote_index, .cipher = cipher, .made_ns = now_ns};
    struct pt_noise_keys secrets;
    random_bytes(peers, &keys.local_index, sizeof(keys.local_index));
    random_bytes(peers, ephemeral, sizeof(ephemeral));
    pt_put_be32(message + 4, keys.local_index);
    pt_put_be32(message + 8, remote_index);
    bool written = pt_noise_write_second(noise, ephemeral, payload, sizeof(payload), message + 12);
    pt_memory_clear(ephemeral, sizeof(ephemeral));
    if (!written) {
        return;
    }
    pt_noise_split(noise, false, &secrets);
    memcpy(keys.send, secrets.send, sizeof(keys.send));
    memcpy(keys.receive, secrets.receive, sizeof(keys.receive));
    (void)add_session(peers, peer, &keys, false);
    add_macs(peer, message, sizeof(message), now_ns);
    peers->options.ops->send(peers->options.arg, peer->label, via, message, sizeof(message));
    pt_memory_clear(&secrets, sizeof(secrets));
    pt_memory_clear(&keys, sizeof(keys));
}

/* ---- cookies -------------------------------------------------------------------------------------------------- */

/* The cookie of an address, under the secret of these two minutes. */
static void make_cookie(struct pt_peers *peers, const struct pt_tunnel_via *via, uint64_t now_ns,
                        uint8_t cookie[PT_TUNNEL_MAC_SIZE])
{
    uint8_t address[18];
    if (now_ns >= peers->secret_until_ns) {
        random_bytes(peers, peers->secret, sizeof(peers->secret));
        peers->secret_until_ns = now_ns + COOKIE_LIFE_MS * MS;
    }
    memcpy(address, via->remote.ip.bytes, 16);
    address[16] = (uint8_t)(via->remote.port >> 8);
    address[17] = (uint8_t)via->remote.port;
    mac(peers->secret, sizeof(peers->secret), address, sizeof(address), cookie);
}

/* The key for one cookie: no nonce is used twice with one. */
static void cookie_seal_key(const uint8_t base[PT_HMAC_SIZE], const uint8_t nonce[PT_TUNNEL_COOKIE_NONCE],
                            uint8_t key[PT_AEAD_KEY_SIZE])
{
    pt_hmac(base, PT_HMAC_SIZE, nonce, PT_TUNNEL_COOKIE_NONCE, NULL, 0, key);
}

static void send_cookie(struct pt_peers *peers, const struct pt_tunnel_via *via,
                        const struct pt_tunnel_handshake *handshake, uint64_t now_ns)
{
    static const uint8_t zero[PT_AEAD_NONCE_SIZE];
    uint8_t message[PT_TUNNEL_COOKIE_SIZE] = {PT_TUNNEL_COOKIE, PT_TUNNEL_VERSION};
    uint8_t cookie[PT_TUNNEL_MAC_SIZE], key[PT_AEAD_KEY_SIZE];
    pt_put_be32(message + 4, handshake->sender);
    random_bytes(peers, message + 8, PT_TUNNEL_COOKIE_NONCE);
    make_cookie(peers, via, now_ns, cookie);
    cookie_seal_key(peers->cookie_key, message + 8, key);
    struct pt_aead *aead = pt_aead_new(PT_CIPHER_AES_256_GCM, key, true);
    pt_aead_seal(aead, zero, handshake->mac1, PT_TUNNEL_MAC_SIZE, cookie, sizeof(cookie),
                 message + 8 + PT_TUNNEL_COOKIE_NONCE);
    pt_aead_free(aead);
    peers->options.ops->send(peers->options.arg, 0, via, message, sizeof(message));
}

static void take_cookie(struct pt_peers *peers, const struct pt_tunnel_handshake *handshake, uint64_t now_ns)
{
    static const uint8_t zero[PT_AEAD_NONCE_SIZE];
    struct peer *peer = find_waiting(peers, handshake->receiver);
    uint8_t base[PT_HMAC_SIZE], key[PT_AEAD_KEY_SIZE], cookie[PT_TUNNEL_MAC_SIZE];
    if (peer == NULL) {
        return;
    }
    derive_key("cookie", peer->public_key, base);
    cookie_seal_key(base, handshake->noise, key);
    struct pt_aead *aead = pt_aead_new(PT_CIPHER_AES_256_GCM, key, false);
    if (pt_aead_open(aead, zero, peer->last_mac1, PT_TUNNEL_MAC_SIZE, handshake->noise + PT_TUNNEL_COOKIE_NONCE,
                     PT_TUNNEL_MAC_SIZE + PT_AEAD_TAG_SIZE, cookie)) {
        memcpy(peer->cookie, cookie, sizeof(cookie));
        peer->cookie_until_ns = now_ns + COOKIE_LIFE_MS * MS;
        peer->next_try_ns = now_ns; /* again at the next tick, with mac2 */
    }
    pt_aead_free(aead);
}

/* mac1, and under load mac2 as well; answers by a cookie where that is missing. */
static bool admitted(struct pt_peers *peers, const struct pt_tunnel_via *via, const uint8_t *message,
                     const struct pt_tunnel_handshake *handshake, uint64_t now_ns)
{
    uint8_t expected[PT_TUNNEL_MAC_SIZE], cookie[PT_TUNNEL_MAC_SIZE];
    mac(peers->mac_key, sizeof(peers->mac_key), message, (size_t)(handshake->mac1 - message), expected);
    if (!pt_memory_equal(expected, handshake->mac1, PT_TUNNEL_MAC_SIZE)) {
        return false;
    }
    if (handshake->type != PT_TUNNEL_INITIATION) {
        return true; /* a response is worked on only when one is awaited: that is bound enough */
    }
    if (now_ns - peers->second_ns >= 1000 * MS) {
        peers->second_ns = now_ns;
        peers->load = 0;
    }
    if (++peers->load <= LOAD_MAX) {
        return true;
    }
    const uint8_t *mac2 = handshake->mac1 + PT_TUNNEL_MAC_SIZE;
    make_cookie(peers, via, now_ns, cookie);
    mac(cookie, sizeof(cookie), message, (size_t)(mac2 - message), expected);
    if (pt_memory_equal(expected, mac2, PT_TUNNEL_MAC_SIZE)) {
        return true;
    }
    send_cookie(peers, via, handshake, now_ns);
    return false;
}

/* ---- receiving ------------------------------------------------------------------------------------------------ */

static void take_initiation(struct pt_peers *peers, const struct pt_tunnel_via *via,
                            const struct pt_tunnel_handshake *handshake, uint64_t now_ns)
{
    uint8_t payload[PT_TUNNEL_INITIATION_PAYLOAD];
    struct pt_noise noise;
    pt_noise_await(&noise, peers->options.private_key, prologue, sizeof(prologue) - 1);
    struct peer *peer = pt_noise_read_first(&noise, handshake->noise, handshake->noise_size, payload)
                            ? find_key(peers, noise.remote_static)
                            : NULL;
    if (peer != NULL && pt_be64(payload) > peer->greatest_time && pt_cipher_known(payload[8])) {
        peer->greatest_time = pt_be64(payload);
        respond(peers, peer, &noise, handshake->sender, (enum pt_cipher)payload[8], via, now_ns);
    }
    pt_noise_clear(&noise);
}

static void take_response(struct pt_peers *peers, const struct pt_tunnel_handshake *handshake, uint64_t now_ns)
{
    uint8_t payload[PT_TUNNEL_RESPONSE_PAYLOAD];
    struct peer *peer = find_waiting(peers, handshake->receiver);
    if (peer == NULL) {
        return;
    }
    struct pt_noise noise = peer->noise; /* a forged response must not spoil the handshake that is awaited */
    if (pt_noise_read_second(&noise, handshake->noise, handshake->noise_size, payload) &&
        payload[0] == peer->proposed) {
        struct pt_tunnel_keys keys = {.local_index = peer->index,
                                      .remote_index = handshake->sender,
                                      .cipher = peer->proposed,
                                      .initiator = true,
                                      .made_ns = now_ns};
        struct pt_noise_keys secrets;
        pt_noise_split(&noise, true, &secrets);
        memcpy(keys.send, secrets.send, sizeof(keys.send));
        memcpy(keys.receive, secrets.receive, sizeof(keys.receive));
        peer->waiting = false;
        peer->attempt = 0;
        peer->handshakes++;
        peer->last_heard_ns = now_ns;
        pt_noise_clear(&peer->noise);
        (void)add_session(peers, peer, &keys, true);
        pt_memory_clear(&secrets, sizeof(secrets));
        pt_memory_clear(&keys, sizeof(keys));
    }
    pt_noise_clear(&noise);
}

void pt_peers_receive(struct pt_peers *peers, const struct pt_tunnel_via *via, const uint8_t *message, size_t size,
                      uint64_t now_ns, uint64_t wall_ns)
{
    struct pt_tunnel_handshake handshake;
    (void)wall_ns;
    if (!pt_tunnel_handshake_read(message, size, &handshake)) {
        return;
    }
    if (handshake.type == PT_TUNNEL_COOKIE) {
        take_cookie(peers, &handshake, now_ns);
    } else if (admitted(peers, via, message, &handshake, now_ns)) {
        if (handshake.type == PT_TUNNEL_INITIATION) {
            take_initiation(peers, via, &handshake, now_ns);
        } else {
            take_response(peers, &handshake, now_ns);
        }
    }
}

/* ---- time ----------------------------------------------------------------------------------------------------- */

/* Is it time for a new session, though the one in use is good? */
static bool due(struct pt_peers *peers, struct peer *peer, const struct session *used, uint64_t now_ns)
{
    uint64_t after_ms = peers->options.rekey_after_ms;
    if (!used->keys.initiator) {
        uint64_t spread = after_ms / 2 < REKEY_SPREAD_MS ? after_ms / 2 : REKEY_SPREAD_MS;
        after_ms += spread;
    }
    uint64_t since = peer->last_heard_ns > used->keys.made_ns ? peer->last_heard_ns : used->keys.made_ns;
    return now_ns - used->keys.made_ns >= after_ms * MS || now_ns - since >= SILENCE_MS * MS ||
           peers->options.ops->session_volume(peers->options.arg, used->handle) >= peers->options.rekey_volume_bytes;
}

static void tick_sessions(struct pt_peers *peers, struct peer *peer, uint64_t now_ns)
{
    for (size_t i = 0; i < peer->sessions_len;) {
        struct session *session = &peer->sessions[i];
        if (now_ns - session->keys.made_ns >= peers->options.reject_after_ms * MS) {
            drop_session(peers, peer, i);
            continue;
        }
        if (peers->options.ops->session_heard(peers->options.arg, session->handle)) {
            peer->last_heard_ns = now_ns;
            if (!session->confirmed) {
                session->confirmed = true;
                peer->handshakes++;
                if (!peer->waiting) {
                    peer->attempt = 0;
                }
            }
        }
        i++;
    }
    choose_session(peers, peer);
}

static void tick_peer(struct pt_peers *peers, struct peer *peer, uint64_t now_ns, uint64_t wall_ns)
{
    tick_sessions(peers, peer, now_ns);
    const struct session *used = NULL;
    for (size_t i = 0; i < peer->sessions_len; i++) {
        used = peer->sessions[i].handle == peer->used ? &peer->sessions[i] : used;
    }
    bool wanted = used == NULL || due(peers, peer, used, now_ns);
    if (!wanted) {
        if (peer->waiting && now_ns >= peer->next_try_ns) { /* the other end's handshake came first */
            peer->waiting = false;
            peer->attempt = 0;
            pt_noise_clear(&peer->noise);
        }
        return;
    }
    if (now_ns >= peer->next_try_ns) {
        initiate(peers, peer, now_ns, wall_ns);
    }
}

void pt_peers_tick(struct pt_peers *peers, uint64_t now_ns, uint64_t wall_ns)
{
    for (size_t i = 0; i < peers->peers_len; i++) {
        tick_peer(peers, peers->peers[i], now_ns, wall_ns);
    }
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

struct pt_peers *pt_peers_new(const struct pt_peers_options *options)
{
    struct pt_peers *peers = calloc(1, sizeof(*peers));
    pt_assert(peers != NULL);
    peers->options = *options;
    peers->options.rekey_after_ms = options->rekey_after_ms != 0 ? options->rekey_after_ms : 120000;
    peers->options.reject_after_ms = options->reject_after_ms != 0 ? options->reject_after_ms : 180000;
    peers->options.rekey_volume_bytes = options->rekey_volume_bytes != 0 ? options->rekey_volume_bytes : 64ULL << 30;
    pt_x25519_public(options->private_key, peers->public_key);
    derive_key("mac1", peers->public_key, peers->mac_key);
    derive_key("cookie", peers->public_key, peers->cookie_key);
    return peers;
}

void pt_peers_free(struct pt_peers *peers)
{
    if (peers == NULL) {
        return;
    }
    for (size_t i = 0; i < peers->peers_len; i++) {
        free_peer(peers, peers->peers[i]);
    }
    free(peers->peers);
    pt_memory_clear(peers, sizeof(*peers));
    free(peers);
}

const uint8_t *pt_peers_public_key(const struct pt_peers *peers)
{
    return peers->public_key;
}

void pt_peers_set_limits(struct pt_peers *peers, uint64_t rekey_after_ms, uint64_t rekey_volume_bytes)
{
    peers->options.rekey_after_ms = rekey_after_ms != 0 ? rekey_after_ms : peers->options.rekey_after_ms;
    peers->options.rekey_volume_bytes =
        rekey_volume_bytes != 0 ? rekey_volume_bytes : peers->options.rekey_volume_bytes;
}

void pt_peers_limits(const struct pt_peers *peers, uint64_t *ret_rekey_after_ms, uint64_t *ret_rekey_volume_bytes)
{
    *ret_rekey_after_ms = peers->options.rekey_after_ms;
    *ret_rekey_volume_bytes = peers->options.rekey_volume_bytes;
}

static int compare_peers(const void *a, const void *b)
{
    const struct peer *x = *(struct peer *const *)a, *y = *(struct peer *const *)b;
    return x->label < y->label ? -1 : x->label > y->label;
}

static struct peer *new_peer(const struct pt_peers *peers, const struct pt_peer_entry *entry, uint64_t now_ns)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    pt_assert(peer != NULL);
    peer->label = entry->label;
    memcpy(peer->public_key, entry->public_key, sizeof(peer->public_key));
    derive_key("mac1", peer->public_key, peer->mac_key);
    peer->next_try_ns = starts(peers, peer) ? now_ns : now_ns + PATIENCE_MS * MS;
    return peer;
}

void pt_peers_set(struct pt_peers *peers, const struct pt_peer_entry *entries, size_t len, uint64_t now_ns)
{
    pt_assert(len <= PT_PEERS_MAX);
    struct peer **next = calloc(len + 1, sizeof(struct peer *));
    pt_assert(next != NULL);
    for (size_t i = 0; i < peers->peers_len; i++) {
        peers->peers[i]->kept = false;
    }
    for (size_t i = 0; i < len; i++) {
        struct peer *peer = find_label(peers, entries[i].label);
        if (peer == NULL || peer->kept || memcmp(peer->public_key, entries[i].public_key, PT_X25519_SIZE) != 0) {
            peer = new_peer(peers, &entries[i], now_ns);
        }
        peer->kept = true;
        peer->cipher = entries[i].cipher;
        next[i] = peer;
    }
    for (size_t i = 0; i < peers->peers_len; i++) {
        if (!peers->peers[i]->kept) {
            free_peer(peers, peers->peers[i]);
        }
    }
    free(peers->peers);
    peers->peers = next;
    peers->peers_len = len;
    qsort(next, len, sizeof(struct peer *), compare_peers);
}

size_t pt_peers_status(const struct pt_peers *peers, struct pt_peer_status *ret_status, size_t len_max)
{
    for (size_t i = 0; i < peers->peers_len && i < len_max; i++) {
        const struct peer *peer = peers->peers[i];
        ret_status[i] = (struct pt_peer_status){.label = peer->label,
                                                .cipher = peer->cipher,
                                                .handshakes = peer->handshakes,
                                                .initiations = peer->attempt,
                                                .last_heard_ns = peer->last_heard_ns};
        for (size_t j = 0; j < peer->sessions_len; j++) {
            if (peer->sessions[j].handle == peer->used) {
                ret_status[i].established_ns = peer->sessions[j].keys.made_ns;
                ret_status[i].cipher = peer->sessions[j].keys.cipher;
            }
        }
    }
    return peers->peers_len;
}

/* ---- handing over ---------------------------------------------------------------------------------------------- */

void pt_peers_save(const struct pt_peers *peers, void (*on_peer)(void *arg, const struct pt_peer_memory *memory),
                   void (*on_session)(void *arg, struct pt_tunnel_session *session, bool confirmed), void *arg)
{
    for (size_t i = 0; i < peers->peers_len; i++) {
        const struct peer *peer = peers->peers[i];
        struct pt_peer_memory memory = {.label = peer->label,
                                        .cipher = peer->cipher,
                                        .greatest_time = peer->greatest_time,
                                        .handshakes = peer->handshakes,
                                        .last_heard_ns = peer->last_heard_ns};
        memcpy(memory.public_key, peer->public_key, sizeof(memory.public_key));
        on_peer(arg, &memory);
        for (size_t j = 0; j < peer->sessions_len; j++) {
            on_session(arg, peer->sessions[j].handle, peer->sessions[j].confirmed);
        }
    }
}

void pt_peers_restore(struct pt_peers *peers, const struct pt_peer_memory *memory)
{
    struct peer *peer = find_label(peers, memory->label);
    if (peer != NULL && memcmp(peer->public_key, memory->public_key, sizeof(peer->public_key)) == 0) {
        peer->greatest_time = memory->greatest_time;
        peer->handshakes = memory->handshakes;
        peer->last_heard_ns = memory->last_heard_ns;
        peer->next_try_ns = 0; /* it was there a moment ago: whoever starts, it need not be waited for */
    }
}

struct pt_tunnel_session *pt_peers_restore_session(struct pt_peers *peers, uint32_t label,
                                                   const struct pt_tunnel_keys *keys, bool confirmed)
{
    struct peer *peer = find_label(peers, label);
    return peer != NULL ? add_session(peers, peer, keys, confirmed) : NULL;
}
