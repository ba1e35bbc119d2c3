/*
 * What an engine hands to the process that takes its place, and how it is taken over (handover.h, door_take.c).
 *
 * Nonces. The counters of every stream are saved while no thread runs, so the next process goes on with the very next
 * number; the one that saved seals nothing more unless it hears that the other never began.
 *
 * Replay. The windows go along: what was received before is refused after, and what was under way is taken.
 *
 * Sessions that cannot be read (another version's) are made anew by handshakes. Until then packets wait in the device,
 * whose queues stay open all the time.
 */
#include "tunnel/engine_priv.h"

#include "base/assert.h"
#include "crypto/crypto.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AWAITED_NS 20000000000ULL /* as long as peers.c bears silence */

/* Records: the rules of handover.h hold for each of them. */
struct engine_record {
    uint32_t workers, device_index;
    uint64_t rekey_after_ms, rekey_volume_bytes;
    int32_t taps[PT_ENGINE_WORKERS_MAX];
};

struct link_record {
    uint32_t number, port;
    char interface[16];
    uint8_t address[16];
    uint64_t rate_bps;
    int32_t in[PT_ENGINE_WORKERS_MAX], out[PT_ENGINE_WORKERS_MAX], stacked[PT_ENGINE_WORKERS_MAX];
};

struct path_record {
    uint32_t slot, peer, link, mtu;
    uint8_t remote[16];
    uint16_t stack_len, strict;
    uint32_t stack[PT_STACK_LEN_MAX];
    uint8_t queues[64];
    uint32_t streams[PT_ENGINE_QUEUES];
    uint8_t target[16]; /* where it was found last */
    uint32_t target_port, mtu_found;
};

struct peer_record {
    uint32_t label, cipher;
    uint8_t public_key[PT_X25519_SIZE];
    uint64_t greatest_time, handshakes, last_heard_ns;
    uint64_t received[PT_TUNNEL_STREAMS], expected[PT_TUNNEL_STREAMS];
};

struct session_record {
    uint32_t label, local_index, remote_index, cipher;
    uint32_t initiator, confirmed, heard_ever, zero;
    uint64_t made_ns, volume;
    uint8_t send[PT_AEAD_KEY_SIZE], receive[PT_AEAD_KEY_SIZE];
};

struct stream_record { /* only of streams that carried something */
    uint32_t local_index, stream;
    uint64_t next, received, expected;
    uint64_t window_next, window[PT_REPLAY_WORDS];
};

_Static_assert(PT_REPLAY_WORDS == 33, "another window is another table");

/* ---- saving --------------------------------------------------------------------------------------------------- */

static void save_engine(const struct pt_engine *engine, struct pt_handover *into)
{
    struct engine_record record = {.workers = engine->workers, .device_index = engine->device_index};
    pt_peers_limits(engine->peers, &record.rekey_after_ms, &record.rekey_volume_bytes);
    for (unsigned i = 0; i < PT_ENGINE_WORKERS_MAX; i++) {
        record.taps[i] = pt_handover_add_fd(into, i < engine->workers ? engine->taps[i] : -1);
    }
    struct pt_engine_counters counters;
    pt_engine_counters(engine, &counters);
    pt_handover_add(into, PT_HANDOVER_ENGINE, &record, sizeof(record), 1);
    pt_handover_add(into, PT_HANDOVER_COUNTERS, &counters, sizeof(counters), 1);
}

static void save_links(const struct pt_engine *engine, struct pt_handover *into)
{
    struct link_record *records = calloc(PT_ENGINE_LINKS_MAX, sizeof(*records));
    size_t len = 0;
    pt_assert(records != NULL);
    for (const struct pt_link *link = engine->links; link != NULL && len < PT_ENGINE_LINKS_MAX; link = link->next) {
        struct link_record *record = &records[len++];
        *record =
            (struct link_record){.number = link->config.number, .port = link->port, .rate_bps = link->config.rate_bps};
        memcpy(record->interface, link->config.interface, sizeof(record->interface));
        memcpy(record->address, link->config.address.bytes, sizeof(record->address));
        for (unsigned i = 0; i < PT_ENGINE_WORKERS_MAX; i++) {
            record->in[i] = pt_handover_add_fd(into, link->in[i]);
            record->out[i] = pt_handover_add_fd(into, i > 0 ? link->out[i] : -1); /* the first is in's */
            record->stacked[i] = pt_handover_add_fd(into, link->stacked[i]);
        }
    }
    pt_handover_add(into, PT_HANDOVER_LINKS, records, sizeof(*records), len);
    free(records);
}

static void save_paths(const struct pt_engine *engine, struct pt_handover *into)
{
    struct path_record *records = calloc(PT_ENGINE_SLOTS, sizeof(*records));
    size_t len = 0;
    pt_assert(records != NULL);
    for (uint32_t slot = 1; slot < PT_ENGINE_SLOTS; slot++) {
        const struct pt_path *path = atomic_load(&engine->paths[slot]);
        if (path == NULL) {
            continue;
        }
        const struct pt_target *target = atomic_load(&path->target);
        struct path_record *record = &records[len++];
        *record = (struct path_record){.slot = slot,
                                       .peer = path->config.peer,
                                       .link = path->config.link,
                                       .mtu = path->config.mtu,
                                       .stack_len = path->config.stack_len,
                                       .strict = path->config.strict,
                                       .target_port = target->endpoint.port,
                                       .mtu_found = path->pmtu.found};
        memcpy(record->remote, path->config.remote.bytes, sizeof(record->remote));
        memcpy(record->stack, path->config.stack, sizeof(record->stack));
        memcpy(record->queues, path->config.queues, sizeof(record->queues));
        memcpy(record->streams, path->streams, sizeof(record->streams));
        memcpy(record->target, target->endpoint.ip.bytes, sizeof(record->target));
    }
    pt_handover_add(into, PT_HANDOVER_PATHS, records, sizeof(*records), len);
    free(records);
}

struct saving {
    const struct pt_engine *engine;
    struct peer_record *peers;
    struct session_record *sessions;
    struct stream_record *streams;
    size_t peers_len, sessions_len, streams_len, streams_capacity;
};

static void save_peer(void *arg, const struct pt_peer_memory *memory)
{
    struct saving *saving = arg;
    struct peer_record *record = &saving->peers[saving->peers_len++];
    *record = (struct peer_record){.label = memory->label,
                                   .cipher = (uint32_t)memory->cipher,
                                   .greatest_time = memory->greatest_time,
                                   .handshakes = memory->handshakes,
                                   .last_heard_ns = memory->last_heard_ns};
    memcpy(record->public_key, memory->public_key, sizeof(record->public_key));
    for (const struct pt_peer *peer = saving->engine->peer_list; peer != NULL; peer = peer->next) {
        if (peer->label == memory->label) {
            memcpy(record->received, peer->received, sizeof(record->received));
            memcpy(record->expected, peer->expected, sizeof(record->expected));
        }
    }
}

static void save_stream(struct saving *saving, const struct pt_tunnel_session *session, uint32_t number)
{
    const struct pt_session_stream *stream = &session->streams[number];
    uint64_t next = atomic_load(&stream->next);
    if (next == 0 && stream->replay.next == 0) {
        return;
    }
    if (saving->streams_len == saving->streams_capacity) {
        saving->streams_capacity = saving->streams_capacity == 0 ? 64 : 2 * saving->streams_capacity;
        saving->streams = realloc(saving->streams, saving->streams_capacity * sizeof(*saving->streams));
        pt_assert(saving->streams != NULL);
    }
    struct stream_record *record = &saving->streams[saving->streams_len++];
    *record = (struct stream_record){.local_index = session->keys.local_index,
                                     .stream = number,
                                     .next = next,
                                     .received = atomic_load(&stream->received),
                                     .expected = atomic_load(&stream->expected),
                                     .window_next = stream->replay.next};
    memcpy(record->window, stream->replay.words, sizeof(record->window));
}

static void save_session(void *arg, struct pt_tunnel_session *session, bool confirmed)
{
    struct saving *saving = arg;
    struct session_record *record = &saving->sessions[saving->sessions_len++];
    *record = (struct session_record){.label = session->label,
                                      .local_index = session->keys.local_index,
                                      .remote_index = session->keys.remote_index,
                                      .cipher = (uint32_t)session->keys.cipher,
                                      .initiator = session->keys.initiator,
                                      .confirmed = confirmed,
                                      .heard_ever = atomic_load(&session->heard_ever),
                                      .made_ns = session->keys.made_ns,
                                      .volume = atomic_load(&session->volume)};
    memcpy(record->send, session->keys.send, sizeof(record->send));
    memcpy(record->receive, session->keys.receive, sizeof(record->receive));
    for (uint32_t i = 0; i < PT_TUNNEL_STREAMS; i++) {
        save_stream(saving, session, i);
    }
}

static void save_sessions(struct pt_engine *engine, struct pt_handover *into)
{
    struct saving saving = {.engine = engine};
    size_t peers_len = pt_engine_peers(engine, NULL, 0), sessions_max = peers_len * PT_PEER_SESSIONS;
    pt_session_note_streams(engine);
    saving.peers = calloc(peers_len + 1, sizeof(*saving.peers));
    saving.sessions = calloc(sessions_max + 1, sizeof(*saving.sessions));
    pt_assert(saving.peers != NULL && saving.sessions != NULL);
    pt_peers_save(engine->peers, save_peer, save_session, &saving);
    pt_handover_add(into, PT_HANDOVER_PEERS, saving.peers, sizeof(*saving.peers), saving.peers_len);
    pt_handover_add(into, PT_HANDOVER_SESSIONS, saving.sessions, sizeof(*saving.sessions), saving.sessions_len);
    pt_handover_add(into, PT_HANDOVER_STREAMS, saving.streams, sizeof(*saving.streams), saving.streams_len);
    pt_handover_drop(saving.sessions, sizeof(*saving.sessions), saving.sessions_len);
    free(saving.peers);
    free(saving.streams);
}

void pt_engine_save(struct pt_engine *engine, struct pt_handover *into)
{
    pt_assert(!engine->running);
    save_engine(engine, into);
    save_links(engine, into);
    save_paths(engine, into);
    save_sessions(engine, into);
}

/* ---- taking over ---------------------------------------------------------------------------------------------- */

bool pt_engine_adopt_device(struct pt_engine *engine)
{
    struct pt_handover *from = engine->options.adopt;
    size_t len;
    struct engine_record *record = pt_handover_take(from, PT_HANDOVER_ENGINE, sizeof(*record), &len);
    bool whole = len == 1 && record->workers > 0 && record->workers <= PT_ENGINE_WORKERS_MAX;
    engine->workers = whole ? record->workers : engine->workers; /* as many as the device has queues */
    engine->device_index = record->device_index;
    for (unsigned i = 0; whole && i < engine->workers; i++) {
        engine->taps[i] = pt_handover_take_fd(from, record->taps[i]);
        whole = engine->taps[i] >= 0;
    }
    free(record);
    return whole;
}

static void adopt_links(struct pt_engine *engine, struct pt_handover *from, struct pt_engine_config *config)
{
    size_t len;
    struct link_record *records = pt_handover_take(from, PT_HANDOVER_LINKS, sizeof(*records), &len);
    struct pt_engine_link *links = calloc(len + 1, sizeof(*links));
    pt_assert(links != NULL);
    for (size_t i = 0; i < len; i++) {
        const struct link_record *record = &records[i];
        struct pt_engine_link *link = &links[config->links_len];
        struct pt_link_fds fds;
        *link = (struct pt_engine_link){.number = record->number, .rate_bps = record->rate_bps};
        memcpy(link->interface, record->interface, sizeof(link->interface) - 1);
        memcpy(link->address.bytes, record->address, sizeof(link->address.bytes));
        for (unsigned n = 0; n < PT_ENGINE_WORKERS_MAX; n++) {
            fds.in[n] = pt_handover_take_fd(from, record->in[n]);
            fds.out[n] = pt_handover_take_fd(from, record->out[n]);
            fds.stacked[n] = pt_handover_take_fd(from, record->stacked[n]);
        }
        fds.out[0] = fds.in[0];
        /* One that is not whole is opened like any other when the agent names it. */
        if (pt_link_adopt(engine, link, (uint16_t)record->port, &fds)) {
            config->port = (uint16_t)record->port;
            config->links_len++;
        }
    }
    config->links = links;
    free(records);
}

static void adopt_config(struct pt_engine *engine, const struct path_record *paths, size_t paths_len,
                         const struct peer_record *peers, size_t peers_len, struct pt_engine_config *config)
{
    struct pt_engine_path *own_paths = calloc(paths_len + 1, sizeof(*own_paths));
    struct pt_peer_entry *own_peers = calloc(peers_len + 1, sizeof(*own_peers));
    pt_assert(own_paths != NULL && own_peers != NULL);
    for (size_t i = 0; i < paths_len; i++) {
        struct pt_engine_path *path = &own_paths[i];
        *path = (struct pt_engine_path){.slot = paths[i].slot,
                                        .peer = paths[i].peer,
                                        .link = paths[i].link,
                                        .mtu = paths[i].mtu,
                                        .stack_len = paths[i].stack_len,
                                        .strict = paths[i].strict};
        memcpy(path->remote.bytes, paths[i].remote, sizeof(path->remote.bytes));
        memcpy(path->stack, paths[i].stack, sizeof(path->stack));
        memcpy(path->queues, paths[i].queues, sizeof(path->queues));
    }
    for (size_t i = 0; i < peers_len && config->peers_len < PT_PEERS_MAX; i++) {
        if (pt_cipher_known(peers[i].cipher)) {
            struct pt_peer_entry *peer = &own_peers[config->peers_len++];
            *peer = (struct pt_peer_entry){.label = peers[i].label, .cipher = (enum pt_cipher)peers[i].cipher};
            memcpy(peer->public_key, peers[i].public_key, sizeof(peer->public_key));
        }
    }
    config->paths = own_paths;
    config->paths_len = paths_len;
    config->peers = own_peers;
    enum pt_code code = pt_engine_configure(engine, config, NULL);
    pt_assert(code == PT_OK); /* its links are there, and nothing else can fail */
    free(own_paths);
    free(own_peers);
}

/* What is known of the paths that came to be. */
static void adopt_paths(struct pt_engine *engine, const struct path_record *records, size_t len)
{
    unsigned places = PT_CONTROL_STREAM - engine->workers;
    for (size_t i = 0; i < len; i++) {
        const struct path_record *record = &records[i];
        struct pt_path *path = record->slot < PT_ENGINE_SLOTS ? atomic_load(&engine->paths[record->slot]) : NULL;
        if (path == NULL) {
            continue;
        }
        for (unsigned n = 0; n < PT_ENGINE_QUEUES; n++) {
            path->streams[n] = record->streams[n] <= places ? record->streams[n] : path->streams[n];
        }
        if (record->target_port != 0 && record->target_port <= UINT16_MAX) {
            struct pt_endpoint endpoint = {.port = (uint16_t)record->target_port};
            memcpy(endpoint.ip.bytes, record->target, sizeof(endpoint.ip.bytes));
            pt_target_set(atomic_load(&path->target), &endpoint); /* no thread runs */
        }
        if (record->mtu_found != 0 && record->mtu_found <= record->mtu) {
            pt_pmtu_restore(&path->pmtu, record->mtu_found, pt_sys_now_ns(engine->options.sys));
        }
    }
}

static void adopt_peers(struct pt_engine *engine, const struct peer_record *records, size_t len)
{
    uint64_t now_ns = pt_sys_now_ns(engine->options.sys);
    for (size_t i = 0; i < len; i++) {
        const struct peer_record *record = &records[i];
        struct pt_peer_memory memory = {.label = record->label,
                                        .greatest_time = record->greatest_time,
                                        .handshakes = record->handshakes,
                                        .last_heard_ns = record->last_heard_ns};
        memcpy(memory.public_key, record->public_key, sizeof(memory.public_key));
        pt_peers_restore(engine->peers, &memory);
        for (struct pt_peer *peer = engine->peer_list; peer != NULL; peer = peer->next) {
            if (peer->label == record->label) {
                memcpy(peer->received, record->received, sizeof(peer->received));
                memcpy(peer->expected, record->expected, sizeof(peer->expected));
                peer->awaited = record->last_heard_ns != 0 && now_ns - record->last_heard_ns < AWAITED_NS;
            }
        }
    }
}

static size_t adopt_sessions(struct pt_engine *engine, const struct pt_handover *from)
{
    size_t len, adopted = 0;
    if (pt_handover_record_size(from, PT_HANDOVER_STREAMS) < sizeof(struct stream_record)) {
        return 0; /* keys without the numbers that were used with them must not be used */
    }
    struct session_record *records = pt_handover_take(from, PT_HANDOVER_SESSIONS, sizeof(*records), &len);
    for (size_t i = 0; i < len; i++) {
        const struct session_record *record = &records[i];
        struct pt_tunnel_keys keys = {.local_index = record->local_index,
                                      .remote_index = record->remote_index,
                                      .cipher = (enum pt_cipher)record->cipher,
                                      .initiator = record->initiator != 0,
                                      .made_ns = record->made_ns};
        memcpy(keys.send, record->send, sizeof(keys.send));
        memcpy(keys.receive, record->receive, sizeof(keys.receive));
        struct pt_tunnel_session *session =
            pt_cipher_known(record->cipher)
                ? pt_peers_restore_session(engine->peers, record->label, &keys, record->confirmed != 0)
                : NULL;
        pt_memory_clear(&keys, sizeof(keys));
        if (session != NULL) {
            atomic_store(&session->volume, record->volume);
            atomic_store(&session->heard_ever, record->heard_ever != 0);
            adopted++;
        }
    }
    pt_handover_drop(records, sizeof(*records), len);
    return adopted;
}

static void adopt_streams(struct pt_engine *engine, const struct pt_handover *from)
{
    size_t len;
    struct stream_record *records = pt_handover_take(from, PT_HANDOVER_STREAMS, sizeof(*records), &len);
    for (size_t i = 0; i < len; i++) {
        const struct stream_record *record = &records[i];
        struct pt_tunnel_session *session = pt_session_find(engine, record->local_index);
        if (session == NULL || record->stream >= PT_TUNNEL_STREAMS) {
            continue;
        }
        struct pt_session_stream *stream = &session->streams[record->stream];
        atomic_store(&stream->next, record->next);
        atomic_store(&stream->received, record->received);
        atomic_store(&stream->expected, record->expected);
        stream->noted_received = record->received; /* it stands in the peer's totals */
        stream->noted_expected = record->expected;
        stream->replay.next = record->window_next;
        memcpy(stream->replay.words, record->window, sizeof(stream->replay.words));
    }
    free(records);
}

void pt_engine_adopt(struct pt_engine *engine)
{
    struct pt_handover *from = engine->options.adopt;
    struct pt_engine_config config = {0};
    size_t len, paths_len, peers_len;
    struct engine_record *record = pt_handover_take(from, PT_HANDOVER_ENGINE, sizeof(*record), &len);
    struct pt_engine_counters *counters = pt_handover_take(from, PT_HANDOVER_COUNTERS, sizeof(*counters), &len);
    struct path_record *paths = pt_handover_take(from, PT_HANDOVER_PATHS, sizeof(*paths), &paths_len);
    struct peer_record *peers = pt_handover_take(from, PT_HANDOVER_PEERS, sizeof(*peers), &peers_len);
    engine->before = *counters;
    config.rekey_after_ms = record->rekey_after_ms;
    config.rekey_volume_bytes = record->rekey_volume_bytes;
    adopt_links(engine, from, &config);
    adopt_config(engine, paths, paths_len, peers, peers_len, &config);
    adopt_paths(engine, paths, paths_len);
    adopt_peers(engine, peers, peers_len);
    if (adopt_sessions(engine, from) == 0 && peers_len > 0) {
        engine->read_after_ns = UINT64_MAX; /* see pt_engine_start */
    }
    adopt_streams(engine, from);
    free((void *)(uintptr_t)config.links);
    free(record);
    free(counters);
    free(paths);
    free(peers);
}
