/*
 * Sessions shared with the data threads: found by index, sealing and opening.
 *
 * Cipher contexts are made by the thread that first needs one and used by it alone. Counters are per stream; a stream
 * belongs to one worker on one path, so they are taken without contention.
 */
#include "tunnel/engine_priv.h"

#include "base/assert.h"
#include "crypto/crypto.h"

#include <stdlib.h>
#include <string.h>

#define READS_MAX 4 /* of a pair of counters that changes meanwhile */

static struct pt_tunnel_session *_Atomic *bucket_of(struct pt_engine *engine, uint32_t index)
{
    return &engine->buckets[index & (PT_SESSION_BUCKETS - 1)];
}

struct pt_tunnel_session *pt_session_find(struct pt_engine *engine, uint32_t index)
{
    struct pt_tunnel_session *session = atomic_load_explicit(bucket_of(engine, index), memory_order_acquire);
    while (session != NULL && session->keys.local_index != index) {
        session = atomic_load_explicit(&session->chain, memory_order_acquire);
    }
    return session;
}

static struct pt_aead *context_of(struct pt_aead **place, const struct pt_tunnel_keys *keys, bool seal)
{
    if (*place == NULL) {
        *place = pt_aead_new(keys->cipher, seal ? keys->send : keys->receive, seal);
    }
    return *place;
}

bool pt_session_seal(struct pt_tunnel_session *session, unsigned thread, const struct pt_tunnel_data *data,
                     const uint8_t *plain, size_t size, uint8_t *out)
{
    uint8_t nonce[PT_AEAD_NONCE_SIZE];
    struct pt_tunnel_data header = *data;
    header.receiver = session->keys.remote_index;
    header.counter = atomic_fetch_add_explicit(&session->streams[data->stream].next, 1, memory_order_relaxed);
    if (header.counter > PT_TUNNEL_COUNTER_MAX) {
        return false;
    }
    pt_tunnel_data_write(&header, out);
    pt_tunnel_nonce(header.stream, header.counter, nonce);
    pt_aead_seal(context_of(&session->seal[thread], &session->keys, true), nonce, out, PT_TUNNEL_DATA_HEADER, plain,
                 size, out + PT_TUNNEL_DATA_HEADER);
    return true;
}

static void lock(struct pt_session_stream *stream)
{
    while (atomic_flag_test_and_set_explicit(&stream->lock, memory_order_acquire)) {
    }
}

enum pt_engine_drop pt_session_open(struct pt_tunnel_session *session, unsigned thread,
                                    const struct pt_tunnel_data *data, const uint8_t *message, size_t size,
                                    uint8_t *out)
{
    struct pt_session_stream *stream = &session->streams[data->stream];
    uint8_t nonce[PT_AEAD_NONCE_SIZE];
    if (!pt_replay_fresh(&stream->replay, data->counter)) { /* a hint, read without the lock: `mark` decides */
        return PT_ENGINE_DROP_REPLAYED;
    }
    pt_tunnel_nonce(data->stream, data->counter, nonce);
    if (!pt_aead_open(context_of(&session->open[thread], &session->keys, false), nonce, message, PT_TUNNEL_DATA_HEADER,
                      message + PT_TUNNEL_DATA_HEADER, size - PT_TUNNEL_DATA_HEADER, out)) {
        return PT_ENGINE_DROP_NOT_AUTHENTIC;
    }
    lock(stream);
    bool fresh = pt_replay_mark(&stream->replay, data->counter);
    if (fresh) { /* written with the lock held, read without it, in the other order: read_counts */
        uint64_t received = atomic_load_explicit(&stream->received, memory_order_relaxed) + 1;
        atomic_store_explicit(&stream->expected, stream->replay.next, memory_order_relaxed);
        atomic_store_explicit(&stream->received, received, memory_order_release);
    }
    atomic_flag_clear_explicit(&stream->lock, memory_order_release);
    return fresh ? PT_ENGINE_DROPS_LEN : PT_ENGINE_DROP_REPLAYED;
}

static struct pt_peer *find_peer(struct pt_engine *engine, uint32_t label)
{
    struct pt_peer *peer = engine->peer_list;
    while (peer != NULL && peer->label != label) {
        peer = peer->next;
    }
    return peer;
}

/* No more received than expected, whatever comes in meanwhile. A thread that stood still between the two would take
 * what came since for lost: then it reads once more. */
static void read_counts(struct pt_session_stream *stream, uint64_t *ret_received, uint64_t *ret_expected)
{
    for (int i = 0; i < READS_MAX; i++) {
        *ret_received = atomic_load_explicit(&stream->received, memory_order_acquire);
        *ret_expected = atomic_load_explicit(&stream->expected, memory_order_acquire);
        if (atomic_load_explicit(&stream->received, memory_order_relaxed) == *ret_received) {
            break;
        }
    }
}

/* What was opened of each stream, into the peers' totals. Called now and then: what a session opened between the last
 * call and its end is not counted. */
static void note_session(struct pt_peer *peer, struct pt_tunnel_session *session)
{
    for (unsigned i = 0; i < PT_TUNNEL_STREAMS; i++) {
        struct pt_session_stream *stream = &session->streams[i];
        uint64_t received = 0, expected = 0;
        read_counts(stream, &received, &expected);
        peer->expected[i] += expected - stream->noted_expected;
        peer->received[i] += received - stream->noted_received;
        stream->noted_expected = expected;
        stream->noted_received = received;
    }
}

void pt_session_note_streams(struct pt_engine *engine)
{
    for (struct pt_peer *peer = engine->peer_list; peer != NULL; peer = peer->next) {
        peer->noted = false;
    }
    for (size_t i = 0; i < PT_SESSION_BUCKETS; i++) {
        struct pt_tunnel_session *session = atomic_load_explicit(&engine->buckets[i], memory_order_relaxed);
        for (; session != NULL; session = atomic_load_explicit(&session->chain, memory_order_relaxed)) {
            struct pt_peer *peer = atomic_load(&session->heard_ever) ? find_peer(engine, session->label) : NULL;
            if (peer != NULL) {
                note_session(peer, session);
                peer->noted = true;
            }
        }
    }
}

/* ---- as the handshakes' user ---------------------------------------------------------------------------------- */

static void on_send(void *arg, uint32_t label, const struct pt_tunnel_via *via, const uint8_t *message, size_t size)
{
    pt_control_send(arg, label, via, message, size);
}

static void on_random(void *arg, void *data, size_t size)
{
    struct pt_engine *engine = arg;
    pt_sys_random(engine->options.sys, data, size);
}

static struct pt_tunnel_session *on_session_new(void *arg, uint32_t label, const struct pt_tunnel_keys *keys)
{
    struct pt_engine *engine = arg;
    struct pt_tunnel_session *session = aligned_alloc(64, (sizeof(*session) + 63) / 64 * 64);
    pt_assert(session != NULL);
    memset(session, 0, sizeof(*session));
    session->keys = *keys;
    session->label = label;
    struct pt_tunnel_session *_Atomic *bucket = bucket_of(engine, keys->local_index);
    atomic_store(&session->chain, atomic_load(bucket));
    atomic_store_explicit(bucket, session, memory_order_release);
    return session;
}

static void on_session_use(void *arg, uint32_t label, struct pt_tunnel_session *session)
{
    struct pt_engine *engine = arg;
    struct pt_peer *peer = find_peer(engine, label);
    if (peer == NULL) {
        return; /* being removed */
    }
    atomic_store_explicit(&peer->used, session, memory_order_release);
    for (unsigned slot = 1; slot < PT_ENGINE_SLOTS && session != NULL; slot++) {
        struct pt_path *path = atomic_load_explicit(&engine->paths[slot], memory_order_relaxed);
        if (path != NULL && path->peer == peer) {
            path->keepalive_ns = 0;           /* at once: the responder waits for a first packet */
            atomic_store(&path->doubt, true); /* the peer, or its way, may be another */
        }
    }
}

static void free_session(void *object)
{
    struct pt_tunnel_session *session = object;
    for (unsigned i = 0; i <= PT_ENGINE_WORKERS_MAX; i++) {
        pt_aead_free(session->seal[i]);
    }
    for (unsigned i = 0; i < PT_ENGINE_WORKERS_MAX; i++) {
        pt_aead_free(session->open[i]);
    }
    pt_memory_clear(session, sizeof(*session));
    free(session);
}

static void on_session_free(void *arg, struct pt_tunnel_session *session)
{
    struct pt_engine *engine = arg;
    struct pt_tunnel_session *_Atomic *at = bucket_of(engine, session->keys.local_index);
    while (atomic_load(at) != session) {
        at = &atomic_load(at)->chain;
    }
    atomic_store_explicit(at, atomic_load(&session->chain), memory_order_release);
    pt_epoch_retire(&engine->epoch, session, free_session);
}

static uint64_t on_session_volume(void *arg, struct pt_tunnel_session *session)
{
    (void)arg;
    return atomic_load_explicit(&session->volume, memory_order_relaxed);
}

static bool on_session_heard(void *arg, struct pt_tunnel_session *session)
{
    (void)arg;
    return atomic_exchange(&session->heard, false);
}

const struct pt_peers_ops pt_engine_peers_ops = {.send = on_send,
                                                 .random = on_random,
                                                 .session_new = on_session_new,
                                                 .session_use = on_session_use,
                                                 .session_free = on_session_free,
                                                 .session_volume = on_session_volume,
                                                 .session_heard = on_session_heard};
