/* libs: pt_tunnel */
/*
 * What comes from the WAN before it is authenticated: data headers, handshake messages (also as a node with a peer
 * would take them) and the control messages inside. The first byte chooses.
 */
#include "base/assert.h"
#include "tunnel/peers.h"
#include "tunnel/replay.h"

#include <string.h>

struct pt_tunnel_session {
    int unused;
};

static void on_send(void *arg, uint32_t label, const struct pt_tunnel_via *via, const uint8_t *message, size_t size)
{
    struct pt_tunnel_handshake handshake;
    (void)arg;
    (void)label;
    (void)via;
    pt_assert(pt_tunnel_handshake_read(message, size, &handshake)); /* what we send is well formed */
}

static void on_random(void *arg, void *data, size_t size)
{
    (void)arg;
    memset(data, 0x5a, size);
}

static struct pt_tunnel_session *on_session_new(void *arg, uint32_t label, const struct pt_tunnel_keys *keys)
{
    (void)label;
    (void)keys;
    return arg;
}

static void on_session_use(void *arg, uint32_t label, struct pt_tunnel_session *session)
{
    (void)arg;
    (void)label;
    (void)session;
}

static void on_session_free(void *arg, struct pt_tunnel_session *session)
{
    (void)arg;
    (void)session;
}

static uint64_t on_session_volume(void *arg, struct pt_tunnel_session *session)
{
    (void)arg;
    (void)session;
    return 0;
}

static bool on_session_heard(void *arg, struct pt_tunnel_session *session)
{
    (void)arg;
    (void)session;
    return false;
}

static void data_header(const uint8_t *data, size_t size)
{
    struct pt_tunnel_data header;
    uint8_t again[PT_TUNNEL_DATA_HEADER];
    if (pt_tunnel_data_read(data, size, &header)) {
        struct pt_replay replay = {0};
        pt_tunnel_data_write(&header, again);
        pt_assert(memcmp(again, data, sizeof(again)) == 0);
        pt_assert(pt_replay_mark(&replay, header.counter) && !pt_replay_mark(&replay, header.counter));
    }
}

static void control(const uint8_t *data, size_t size)
{
    struct pt_tunnel_control message;
    uint8_t again[PT_TUNNEL_CONTROL_SIZE];
    if (pt_tunnel_control_read(data, size, &message)) {
        pt_tunnel_control_write(&message, again);
        pt_assert(memcmp(again, data, sizeof(again)) == 0);
    }
}

/* mac1 is put right, or nothing would come past it. */
static void handshake(const uint8_t *data, size_t size)
{
    static const struct pt_peers_ops ops = {.send = on_send,
                                            .random = on_random,
                                            .session_new = on_session_new,
                                            .session_use = on_session_use,
                                            .session_free = on_session_free,
                                            .session_volume = on_session_volume,
                                            .session_heard = on_session_heard};
    struct pt_tunnel_session session = {0};
    struct pt_peers_options options = {.ops = &ops, .arg = &session};
    struct pt_peer_entry entry = {.label = 1, .cipher = PT_CIPHER_AES_256_GCM, .public_key = {9}};
    const struct pt_tunnel_via via = {.link = 1};
    uint8_t message[512], key[PT_HMAC_SIZE], mac[PT_HMAC_SIZE];
    memset(options.private_key, 0x42, sizeof(options.private_key));
    struct pt_peers *peers = pt_peers_new(&options);
    pt_peers_set(peers, &entry, 1, 0);
    pt_peers_tick(peers, 10000000000ULL, 1);
    if (size <= sizeof(message) && size > 0) {
        memcpy(message, data, size);
        struct pt_tunnel_handshake parsed;
        if (pt_tunnel_handshake_read(message, size, &parsed) && parsed.mac1 != NULL) {
            pt_hmac((const uint8_t *)"mac1", 4, pt_peers_public_key(peers), PT_X25519_SIZE, NULL, 0, key);
            pt_hmac(key, sizeof(key), message, (size_t)(parsed.mac1 - message), NULL, 0, mac);
            memcpy(message + (parsed.mac1 - message), mac, PT_TUNNEL_MAC_SIZE);
        }
        pt_peers_receive(peers, &via, message, size, 10000000000ULL, 1);
    }
    pt_peers_free(peers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    switch (data[0] % 3) {
    case 0:
        data_header(data + 1, size - 1);
        break;
    case 1:
        control(data + 1, size - 1);
        break;
    default:
        handshake(data + 1, size - 1);
        break;
    }
    return 0;
}
