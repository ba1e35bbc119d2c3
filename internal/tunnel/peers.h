/*
 * Keys: who the other edges are, handshakes with them, and the sessions that come out of those. Pure: time, random
 * bytes and messages come in as arguments, messages and sessions go out through callbacks. The engine (engine.h) is one
 * user of it, tests on virtual time are the other.
 *
 *      no session --initiation--> waiting --response--> session --age or volume--> waiting (the session goes on)
 *                  ^                  |
 *                  '---- 1 s, 2 s, ... 5 s without an answer: again, by another path
 *
 * Every pair keeps a session at all times; none is made on demand, so that no packet waits for one. The end with the
 * smaller public key starts; the other one only when nothing came for a while. A session is used for sending once it is
 * confirmed: for the initiator by the response, for the responder by the first packet that opens with it. Older ones
 * stay for receiving until they expire: rekeying loses nothing.
 *
 * Not thread-safe: one thread owns it. Sessions are shared with the data threads by the engine's own rules.
 */
#pragma once

#include "base/net.h"
#include "crypto/aead.h"
#include "tunnel/wire.h"

#include <stdbool.h>
#include <stdint.h>

#define PT_PEERS_MAX 4096
#define PT_PEER_SESSIONS 4 /* of one peer: confirmed ones and at most one that is not */

/* What a handshake produced. */
struct pt_tunnel_keys {
    uint32_t local_index, remote_index; /* what the peer writes into its data messages, and what we do */
    enum pt_cipher cipher;
    bool initiator;
    uint64_t made_ns;
    uint8_t send[PT_AEAD_KEY_SIZE], receive[PT_AEAD_KEY_SIZE];
};

struct pt_tunnel_session; /* the engine's */

/* Where a handshake message came from, or which way one should go. */
struct pt_tunnel_via {
    uint32_t link;             /* number of the local link; 0: choose by `attempt` */
    struct pt_endpoint remote; /* meaningless when link is 0 */
    unsigned attempt;          /* counts unanswered initiations: each may take another path */
};

struct pt_peers_ops {
    void (*send)(void *arg, uint32_t label, const struct pt_tunnel_via *via, const uint8_t *message, size_t size);
    void (*random)(void *arg, void *data, size_t size);
    /* Packets that carry keys.local_index open from now on. Returns what the other callbacks are given. */
    struct pt_tunnel_session *(*session_new)(void *arg, uint32_t label, const struct pt_tunnel_keys *keys);
    /* Seal what goes to the peer with this session from now on; NULL: drop it. */
    void (*session_use)(void *arg, uint32_t label, struct pt_tunnel_session *session);
    void (*session_free)(void *arg, struct pt_tunnel_session *session);
    /* Bytes sealed so far, and whether any packet was opened since the last call; asked at every tick. */
    uint64_t (*session_volume)(void *arg, struct pt_tunnel_session *session);
    bool (*session_heard)(void *arg, struct pt_tunnel_session *session);
};

struct pt_peers_options {
    const struct pt_peers_ops *ops;
    void *arg;
    uint8_t private_key[PT_X25519_SIZE];
    /* 0: the defaults. */
    uint64_t rekey_after_ms;     /* 120,000 */
    uint64_t reject_after_ms;    /* 180,000; a session older than that neither seals nor opens */
    uint64_t rekey_volume_bytes; /* 64 GiB: GCM's bound on blocks under one key, with room */
};

struct pt_peer_entry { /* as the bundle says */
    uint32_t label;    /* of its site */
    uint8_t public_key[PT_X25519_SIZE];
    enum pt_cipher cipher;
};

struct pt_peer_status {
    uint32_t label;
    enum pt_cipher cipher;   /* of the session in use */
    uint64_t established_ns; /* when the session in use was made; 0: none is */
    uint64_t handshakes;     /* completed */
    uint64_t initiations;    /* sent since the last one was answered */
    uint64_t last_heard_ns;  /* 0: never */
};

struct pt_peers;
struct pt_peers *pt_peers_new(const struct pt_peers_options *options);
void pt_peers_free(struct pt_peers *peers); /* frees the sessions too; NULL is fine */
const uint8_t *pt_peers_public_key(const struct pt_peers *peers);
/* Exactly these peers from now on. One that stays with the same key keeps its sessions. */
void pt_peers_set(struct pt_peers *peers, const struct pt_peer_entry *entries, size_t len, uint64_t now_ns);
/* A handshake message. `wall_ns` stamps what we send: it must grow over restarts. Unauthentic ones are ignored. */
void pt_peers_receive(struct pt_peers *peers, const struct pt_tunnel_via *via, const uint8_t *message, size_t size,
                      uint64_t now_ns, uint64_t wall_ns);
/* Do what time asks for; to be called at least every 100 ms, and soon after a session was heard for the first time. */
void pt_peers_tick(struct pt_peers *peers, uint64_t now_ns, uint64_t wall_ns);
/* Returns how many there are; fills at most len_max, ascending by label. */
size_t pt_peers_status(const struct pt_peers *peers, struct pt_peer_status *ret_status, size_t len_max);
/* Replace the times and the volume; 0 keeps one. For tests and `rekey each second`. */
void pt_peers_set_limits(struct pt_peers *peers, uint64_t rekey_after_ms, uint64_t rekey_volume_bytes);
void pt_peers_limits(const struct pt_peers *peers, uint64_t *ret_rekey_after_ms, uint64_t *ret_rekey_volume_bytes);

/* ---- handing over to another process (handover.h) -------------------------------------------------------------- */

/* What is remembered of a peer besides its sessions. */
struct pt_peer_memory {
    uint32_t label;
    enum pt_cipher cipher; /* as the bundle says */
    uint8_t public_key[PT_X25519_SIZE];
    uint64_t greatest_time; /* of its initiations: older ones are replayed */
    uint64_t handshakes, last_heard_ns;
};
/* Each peer, followed by its sessions, oldest first. */
void pt_peers_save(const struct pt_peers *peers, void (*on_peer)(void *arg, const struct pt_peer_memory *memory),
                   void (*on_session)(void *arg, struct pt_tunnel_session *session, bool confirmed), void *arg);
/* Of peers that were set and have no session yet; unknown labels are ignored. Handshakes that were under way begin
 * anew, at the next tick. */
void pt_peers_restore(struct pt_peers *peers, const struct pt_peer_memory *memory);
/* In the order they were saved. Returns NULL for an unknown label. */
struct pt_tunnel_session *pt_peers_restore_session(struct pt_peers *peers, uint32_t label,
                                                   const struct pt_tunnel_keys *keys, bool confirmed);
