/*
 * The tunnel's data plane in user space: a TAP device on the inside, UDP sockets on the outside, threads in between.
 *
 *     TAP queue w --read--> cut -> seal -> batch --sendmsg(UDP_SEGMENT)--> link      thread "out w"
 *     link --recvmsg(UDP_GRO)--> replay? -> open -> join --write--> TAP queue w      thread "in w"
 *     loop: handshakes, keepalives, path MTU, configuration, status                  the thread that calls this
 *
 * All functions are called on the loop thread of `sys`. The data threads own no state that outlives a packet but their
 * buffers and counters; paths, peers and sessions reach them by atomic pointers and are freed when every thread has let
 * go of them (epoch.h).
 */
#pragma once

#include "base/error.h"
#include "base/log.h"
#include "base/net.h"
#include "sys/sys.h"
#include "tunnel/handover.h"
#include "tunnel/peers.h"

#include "bpf/abi/drop.h"
#include "bpf/abi/geneve.h"

#define PT_ENGINE_WORKERS_MAX 8
#define PT_ENGINE_LINKS_MAX 64
#define PT_ENGINE_SLOTS 16384 /* as many as path slots */

/* Why the tunnel dropped a packet, as bpf/abi/drop.h lists it: counters[reason]. */
enum pt_engine_drop {
#define PT_ENGINE_DROP_ENUM(name, number, label, text, remedy) PT_ENGINE_DROP_##name = (number)-PT_DROP_LEN_MAX,
    PT_TUNNEL_DROPS(PT_ENGINE_DROP_ENUM)
#undef PT_ENGINE_DROP_ENUM
        PT_ENGINE_DROPS_LEN
};
const char *pt_engine_drop_name(enum pt_engine_drop drop);

struct pt_engine_link {
    uint32_t number; /* 1..64 */
    char interface[16];
    struct pt_ip address;
    uint64_t rate_bps; /* what it is shaped to, for who sends of himself (live.h); 0: it is not */
};

#define PT_ENGINE_QUEUES 6U

struct pt_engine_path {
    uint32_t slot; /* 1..PT_ENGINE_SLOTS-1 */
    uint32_t peer; /* label of the last site */
    uint32_t link; /* its number */
    struct pt_ip remote;
    uint32_t mtu; /* largest inner packet by configuration */
    uint16_t stack_len;
    uint16_t strict; /* 1: no site on the way may lead its packets round a failure */
    uint32_t stack[PT_STACK_LEN_MAX];
    /* By DSCP: which queue of a shaped link the packet will wait in; all 0 on other links. Queues let packets overtake
     * each other, so each has numbers of its own (PT_ENGINE_QUEUES). */
    uint8_t queues[64];
};

struct pt_engine_config {
    uint16_t port; /* of sealed packets, here and there */
    const struct pt_engine_link *links;
    size_t links_len;
    const struct pt_engine_path *paths;
    size_t paths_len;
    const struct pt_peer_entry *peers;
    size_t peers_len;
    uint64_t rekey_after_ms, rekey_volume_bytes; /* 0: the defaults */
};

struct pt_engine_path_status {
    uint32_t slot;
    uint32_t mtu;              /* largest inner packet that was seen to arrive; 0: not known yet */
    struct pt_endpoint remote; /* where packets go now: moved when the peer did */
};

struct pt_engine_counters {
    uint64_t sealed_packets, sealed_bytes, opened_packets, opened_bytes;
    uint64_t reads, sends, receives, writes; /* system calls that carried something */
    uint64_t drops[PT_ENGINE_DROPS_LEN];
};

struct pt_engine_options {
    struct pt_sys *sys;
    const struct pt_log *log;
    const char *device; /* name of the TAP */
    unsigned workers;   /* of each direction; 0: by the number of CPUs */
    uint8_t private_key[PT_X25519_SIZE];
    /* What another process had (NULL: begin anew): its device, sockets and sessions, which are taken out of it. Nothing
     * is sealed or sent before pt_engine_start, so that until then the other one may still go on. */
    struct pt_handover *adopt;
};

struct pt_engine;
/* Makes the device, unless it adopts one, and runs then. */
PT_MUST enum pt_code pt_engine_open(const struct pt_engine_options *options, struct pt_engine **ret_engine,
                                    struct pt_error *reterr);
void pt_engine_close(struct pt_engine *engine); /* NULL is fine; the device goes with its last descriptor */
/* To hand over: pause (no thread runs, nothing is sealed or opened any more; what comes waits in the device and in the
 * sockets), save, and either start again or never. Adopted ones begin paused. */
void pt_engine_pause(struct pt_engine *engine);
void pt_engine_save(struct pt_engine *engine, struct pt_handover *into); /* descriptors stay the engine's */
void pt_engine_start(struct pt_engine *engine);
/* Put a configuration in force: whole, or on failure what could be. Packets in flight by a path that stays are not
 * touched; those that wait in the device by one that goes are sent by it, unless its link or peer goes too. */
PT_MUST enum pt_code pt_engine_configure(struct pt_engine *engine, const struct pt_engine_config *config,
                                         struct pt_error *reterr);
const uint8_t *pt_engine_public_key(const struct pt_engine *engine);
uint32_t pt_engine_device_index(const struct pt_engine *engine);
void pt_engine_counters(const struct pt_engine *engine, struct pt_engine_counters *ret_counters);
size_t pt_engine_peers(const struct pt_engine *engine, struct pt_peer_status *ret_status, size_t len_max);
size_t pt_engine_paths(const struct pt_engine *engine, struct pt_engine_path_status *ret_status, size_t len_max);
/* What arrived of each stream of each peer: totals of packets, and of how far their numbers went. */
void pt_engine_streams(struct pt_engine *engine,
                       void (*fn)(void *arg, uint32_t label, const uint64_t *received, const uint64_t *expected),
                       void *arg);
/* The first stream of each path, by slot (PT_ENGINE_SLOTS of them); PT_ENGINE_NO_STREAM: no path. Returns how many each
 * has. */
#define PT_ENGINE_NO_STREAM 0xff
unsigned pt_engine_path_streams(const struct pt_engine *engine, uint8_t *ret_first);
/* Direct paths whose peer is not reached at the configured address: it stands behind a NAT, or moved; ascending by
 * slot. Returns how many there are; fills at most len_max. */
struct pt_engine_moved {
    uint32_t slot;
    struct pt_ip ip;
};
size_t pt_engine_moved(const struct pt_engine *engine, struct pt_engine_moved *ret_moved, size_t len_max);
