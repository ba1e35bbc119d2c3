/*
 * Frames in, messages out.
 *
 * In. A frame that comes while term and vote are being written waits in a bounded queue. An append message is cut
 * before each configuration entry and fed piece by piece: libraft 0.22 notes an uncommitted configuration under the
 * index of the first new entry of the message, which is right only if it is that entry. A member whose rejection goes
 * back behind what it had acknowledged has lost entries (a wiped or damaged disk): libraft would never step back that
 * far, so it is sent a snapshot at or above that point instead.
 *
 * Out. libraft names entries by index; they come from the log's cache, or from disk for a member that fell behind.
 * While such a read runs, later messages to that member wait behind it, since overtaking would make it reject.
 *
 * Quarantine. Votes are neither asked nor given; of the leader's messages only a snapshot is taken.
 */
#include "raft/node_priv.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BACKLOG_LEN_MAX 256U

struct deferred {
    struct pt_list node;
    uint64_t id;
    char address[PT_RAFT_ADDRESS_SIZE_MAX + 1];
    enum pt_raft_frame kind;
    struct pt_buf payload;
};

struct waiting { /* a message in a peer's backlog */
    struct pt_list node;
    struct raft_message message;
};

/* ---- out ------------------------------------------------------------------------------------------------------ */

void pt_raft_send_frame(struct pt_raft *raft, struct pt_raft_peer *peer, enum pt_raft_frame kind, const void *payload,
                        size_t size)
{
    struct pt_buf *out = pt_raft_net_begin(raft->net, peer->id, peer->address, kind);
    if (out != NULL) {
        if (size > 0) {
            pt_buf_append(out, payload, size);
        }
        pt_raft_net_end(raft->net);
    }
}

static void send_now(struct pt_raft *raft, struct pt_raft_peer *peer, const struct raft_message *message)
{
    struct pt_buf *out = pt_raft_net_begin(raft->net, peer->id, peer->address, PT_RAFT_FRAME_MESSAGE);
    if (out != NULL) {
        pt_raft_message_encode(message, out);
        pt_raft_net_end(raft->net);
    }
}

/* Move an append message on over n entries that were sent. */
static void advance(struct raft_append_entries *append, unsigned n, uint64_t last_term)
{
    append->prev_log_index += n;
    append->prev_log_term = last_term;
    append->n_entries -= n;
}

static void send_records(struct pt_raft *raft, struct pt_raft_peer *peer, struct raft_message *message,
                         const struct pt_raft_record *records, size_t len)
{
    struct raft_message part = *message;
    part.append_entries.entries = raft->sending;
    part.append_entries.n_entries = (unsigned)len;
    for (size_t i = 0; i < len; i++) {
        raft->sending[i] = (struct raft_entry){.term = records[i].term,
                                               .type = (enum raft_entry_type)records[i].type,
                                               .buf = {(void *)(uintptr_t)records[i].data.data, records[i].data.size}};
    }
    send_now(raft, peer, &part);
    advance(&message->append_entries, (unsigned)len, records[len - 1].term);
}

#ifdef PT_PLANTED_BUGS
#define PLANTED_HOLD_MS 1500U
/* libraft's leader puts an entry of its own right behind the old ones, which hides what counting the old ones alone
 * does. So the planted leader is slow to send its own. */
static void planted_hold(const struct pt_raft *raft, struct raft_append_entries *append)
{
    if (raft->options.planted != PT_PLANTED_OLD_TERM_COMMIT || !raft->leading ||
        pt_sys_now_ms(raft->sys) - raft->leading_since_ms > PLANTED_HOLD_MS) {
        return;
    }
    while (append->n_entries > 0 &&
           pt_raft_log_term(raft->log, append->prev_log_index + append->n_entries) == append->term) {
        append->n_entries--;
    }
}
#endif

/* Send as much of the message as is in memory; true when all of it was. */
static bool send_cached(struct pt_raft *raft, struct pt_raft_peer *peer, struct raft_message *message)
{
    struct raft_append_entries *append = &message->append_entries;
#ifdef PT_PLANTED_BUGS
    planted_hold(raft, append);
#endif
    while (append->n_entries > 0) {
        struct raft_message part = *message;
        unsigned n = 0;
        size_t size = 0;
        struct pt_raft_record record;
        while (n < append->n_entries && n < PT_RAFT_BATCH_LEN_MAX && size < PT_RAFT_BATCH_SIZE_MAX &&
               pt_raft_log_get(raft->log, append->prev_log_index + 1 + n, &record)) {
            raft->sending[n++] = (struct raft_entry){.term = record.term,
                                                     .type = (enum raft_entry_type)record.type,
                                                     .buf = {(void *)(uintptr_t)record.data.data, record.data.size}};
            size += record.data.size;
        }
        if (n == 0) {
            return false;
        }
        part.append_entries.entries = raft->sending;
        part.append_entries.n_entries = n;
        send_now(raft, peer, &part);
        advance(append, n, raft->sending[n - 1].term);
    }
    return true;
}

static void backlog_drop(struct pt_raft_peer *peer)
{
    PT_LIST_FOREACH_SAFE (node, &peer->backlog) {
        pt_list_remove(node);
        free(PT_CONTAINER(node, struct waiting, node));
    }
}

static void backlog_run(struct pt_raft *raft, struct pt_raft_peer *peer);

static void on_loaded(void *arg, enum pt_code code, const struct pt_raft_record *records, size_t len)
{
    struct pt_raft_peer *peer = arg;
    struct pt_raft *raft = peer->owner;
    peer->loading = false;
    if (pt_raft_dead(raft)) {
        return;
    }
    if (pt_list_empty(&peer->backlog) || code == PT_NOT_FOUND || !raft->leading) {
        backlog_drop(peer); /* compacted meanwhile, or no business of ours any more; libraft asks again */
        return;
    }
    if (code != PT_OK) {
        struct pt_error error = {0};
        (void)pt_fail(&error, code, PT_REASON_NONE, raft->directory, "entries in the log can no longer be read");
        pt_raft_fatal(raft, &error);
        return;
    }
    struct waiting *front = PT_CONTAINER(peer->backlog.next, struct waiting, node);
    if (front->message.type == RAFT_APPEND_ENTRIES && front->message.append_entries.n_entries >= len &&
        front->message.append_entries.prev_log_index + 1 == records[0].index) {
        send_records(raft, peer, &front->message, records, len);
    }
    backlog_run(raft, peer);
}

static void backlog_run(struct pt_raft *raft, struct pt_raft_peer *peer)
{
    while (!pt_list_empty(&peer->backlog) && !peer->loading) {
        struct waiting *front = PT_CONTAINER(peer->backlog.next, struct waiting, node);
        struct raft_message *message = &front->message;
        message->server_address = peer->address;
        if (message->type == RAFT_APPEND_ENTRIES && message->append_entries.n_entries > 0) {
            struct raft_append_entries *append = &message->append_entries;
            uint64_t next = append->prev_log_index + 1;
            if (append->term != raft_current_term(&raft->raft) || !raft->leading ||
                next < pt_raft_log_first(raft->log) ||
                append->prev_log_index + append->n_entries > pt_raft_log_last(raft->log)) {
                backlog_drop(peer);
                return;
            }
            if (!send_cached(raft, peer, message)) {
                unsigned n = append->n_entries < PT_RAFT_BATCH_LEN_MAX ? append->n_entries : PT_RAFT_BATCH_LEN_MAX;
                peer->loading =
                    pt_raft_log_load(raft->log, append->prev_log_index + 1, n, PT_RAFT_BATCH_SIZE_MAX, on_loaded, peer);
                if (!peer->loading) {
                    backlog_drop(peer);
                }
                return;
            }
        } else {
            send_now(raft, peer, message);
        }
        pt_list_remove(&front->node);
        free(front);
    }
}

static void backlog_add(struct pt_raft_peer *peer, const struct raft_message *message)
{
    size_t len = 0;
    PT_LIST_FOREACH (node, &peer->backlog) {
        len++;
    }
    if (len >= BACKLOG_LEN_MAX) {
        return;
    }
    struct waiting *waiting = calloc(1, sizeof *waiting);
    pt_assert(waiting != NULL);
    waiting->message = *message;
    pt_list_push_back(&peer->backlog, &waiting->node);
}

/* When libraft 0.22 answers a leader of an older term it leaves the hint as it finds it on its stack. That leader steps
 * down without reading it; still, what leaves this node is to be defined, and valid for the codec. */
static void result_repair(const struct pt_raft *raft, struct raft_append_entries_result *result)
{
    uint64_t last = pt_raft_log_last(raft->log);
    if (result->last_log_index > last) {
        result->last_log_index = last;
    }
    if (result->rejected > 0 && result->last_log_index >= result->rejected) {
        result->last_log_index = result->rejected - 1;
    }
}

/* libraft 0.22 answers a pre-vote with the term that it was asked for, also when it refuses because its own is higher.
 * Then a node with an older term and a longer log never learns the newer term, a node with the newer term and a shorter
 * log is never voted for, and when both are needed nobody is ever elected. So a refusal carries this node's own term.
 */
static void vote_repair(const struct pt_raft *raft, struct raft_request_vote_result *result)
{
    uint64_t term = raft_current_term(&raft->raft);
    if (result->pre_vote && !result->vote_granted && term > result->term) {
        result->term = term;
    }
}

void pt_raft_send(struct pt_raft *raft, const struct raft_message *message)
{
    if (message->type == RAFT_INSTALL_SNAPSHOT) {
        pt_raft_snapshot_send(raft, message->server_id);
        return;
    }
    struct pt_raft_peer *peer = pt_raft_peer_get(raft, message->server_id, message->server_address);
    struct raft_message copy = *message;
    if (message->type == RAFT_APPEND_ENTRIES) {
        pt_raft_tell_sent(peer, &copy.append_entries);
    } else if (message->type == RAFT_APPEND_ENTRIES_RESULT) {
        result_repair(raft, &copy.append_entries_result);
    } else if (message->type == RAFT_REQUEST_VOTE_RESULT) {
        vote_repair(raft, &copy.request_vote_result);
        pt_raft_election_answered(raft, message->server_id, &copy.request_vote_result);
    }
    if (!pt_list_empty(&peer->backlog)) {
        backlog_add(peer, &copy);
        backlog_run(raft, peer);
    } else if (message->type == RAFT_APPEND_ENTRIES && message->append_entries.n_entries > 0) {
        if (!send_cached(raft, peer, &copy)) {
            backlog_add(peer, &copy);
            backlog_run(raft, peer);
        }
    } else {
        send_now(raft, peer, &copy);
    }
}

void pt_raft_peer_free(struct pt_raft_peer *peer)
{
    backlog_drop(peer);
    pt_list_remove(&peer->node);
    free(peer);
}

/* ---- in ------------------------------------------------------------------------------------------------------- */

static void feed_message(struct pt_raft *raft, struct raft_message *message)
{
    struct raft_event event = {.type = RAFT_RECEIVE};
    event.receive.message = message;
    int rv = pt_raft_feed(raft, &event);
    if (rv != 0 && !raft->failed) {
        pt_log_warn(raft->options.log, "raft message not taken", "peer=%llu type=%d reason=\"%s\"", message->server_id,
                    (int)message->type, raft_strerror(rv));
    }
}

static struct raft_server *own_server(struct pt_raft *raft)
{
    for (unsigned i = 0; i < raft->raft.configuration.n; i++) {
        if (raft->raft.configuration.servers[i].id == raft->options.id) {
            return &raft->raft.configuration.servers[i];
        }
    }
    return NULL;
}

/* A member that the others have made a voter, and that has not heard of it, is asked for its vote and must give it: it
 * may be the one that a majority wants. Whose votes count the candidate's configuration says, which is not the older
 * one, or its log would be (Ongaro's dissertation, 4.1: servers answer whoever asks). libraft asks its own
 * configuration whether it votes. */
static void feed_vote(struct pt_raft *raft, struct raft_message *message)
{
    struct raft_server *self = own_server(raft);
    int role = self != NULL ? self->role : RAFT_VOTER;
    if (self != NULL) {
        self->role = RAFT_VOTER;
    }
    feed_message(raft, message);
    self = own_server(raft);
    if (self != NULL) {
        self->role = role; /* a vote changes no configuration */
    }
}

/* Entries [from, from + n) of the message as a message of its own, its data in one libraft batch. */
static void feed_append_part(struct pt_raft *raft, const struct raft_message *message, unsigned from, unsigned n)
{
    struct raft_message part = *message;
    struct raft_append_entries *append = &part.append_entries;
    if (from > 0) {
        advance(append, from, message->append_entries.entries[from - 1].term);
    }
    append->entries = message->append_entries.entries + from;
    append->n_entries = n;
    size_t size = 1;
    for (unsigned i = 0; i < n; i++) {
        size += append->entries[i].buf.len;
    }
    uint8_t *batch = n == 0 ? NULL : raft_malloc(size);
    pt_assert(n == 0 || batch != NULL);
    size_t at = 0;
    for (unsigned i = 0; i < n; i++) {
        struct raft_entry *entry = &append->entries[i];
        memcpy(batch + at, entry->buf.base, entry->buf.len);
        entry->buf.base = batch + at;
        entry->batch = batch;
        at += entry->buf.len;
    }
    feed_message(raft, &part); /* libraft, or feed, frees the batch */
}

/* A node that lost its metadata does not know whether it has voted in this term. A vote for the term's leader is the
 * one that it can give without harm. */
static void remember_leader(struct pt_raft *raft, uint64_t leader, uint64_t term)
{
    if (pt_raft_log_meta(raft->log)->forgetful && !raft->gated && !pt_raft_dead(raft) &&
        raft->raft.state == RAFT_FOLLOWER && raft_current_term(&raft->raft) == term && raft->raft.voted_for == 0) {
        raft->raft.voted_for = leader;
        pt_raft_gate(raft);
    }
}

/* How many of the entries there is room for. The leader repeats the rest; none makes the message a heartbeat. */
static unsigned that_fit(const struct pt_raft *raft, const struct raft_append_entries *append)
{
    size_t total = 0, largest = 0;
    unsigned n = 0;
    for (; n < append->n_entries; n++) {
        size_t size = pt_raft_record_size(append->entries[n].buf.len);
        largest = size > largest ? size : largest;
        if (!pt_raft_log_fits(raft->log, total + size, largest)) {
            break;
        }
        total += size;
    }
    return n;
}

static void on_append(struct pt_raft *raft, struct raft_message *message)
{
    struct raft_append_entries *append = &message->append_entries;
    unsigned n = that_fit(raft, append);
    unsigned from = 0;
    do {
        unsigned to = from;
        while (to < n && (to == from || append->entries[to].type != RAFT_CHANGE)) {
            to++;
        }
        feed_append_part(raft, message, from, to - from);
        from = to;
    } while (from < n && !raft->gated && !pt_raft_dead(raft));
    remember_leader(raft, message->server_id, append->term);
}

static void on_append_result(struct pt_raft *raft, struct pt_raft_peer *peer, struct raft_message *message)
{
    const struct raft_append_entries_result *result = &message->append_entries_result;
    raft_index match = 0;
    if (raft->raft.state == RAFT_LEADER && result->term == raft_current_term(&raft->raft)) {
        peer->capacity_known = true;
        peer->capacity_kb = result->capacity;
        if (result->rejected > 0 && raft_match_index(&raft->raft, peer->id, &match) == 0 &&
            result->last_log_index < match) {
            pt_raft_snapshot_need(raft, peer, match);
            return;
        }
    }
    feed_message(raft, message);
}

static void on_message_quarantined(struct pt_raft *raft, struct pt_raft_peer *peer, struct raft_message *message)
{
    if (message->type == RAFT_INSTALL_SNAPSHOT) {
        pt_raft_on_install(raft, peer, message);
    } else if (message->type == RAFT_APPEND_ENTRIES && message->append_entries.term >= raft_current_term(&raft->raft)) {
        pt_raft_snapshot_ask(raft, peer);
    }
}

static bool on_message(struct pt_raft *raft, struct pt_raft_peer *peer, struct pt_bytes payload)
{
    struct pt_error error = {0};
    if (pt_raft_message_decode(payload, raft->decoded, &error) != PT_OK) {
        pt_log_warn(raft->options.log, "peer sent nonsense", "peer=%" PRIu64 " reason=\"%s\"", peer->id, error.text);
        return false;
    }
    struct raft_message *message = &raft->decoded->message;
    message->server_id = peer->id;
    message->server_address = peer->address;
    if (raft->quarantined) {
        on_message_quarantined(raft, peer, message);
        return true;
    }
    switch (message->type) {
    case RAFT_APPEND_ENTRIES:
        on_append(raft, message);
        break;
    case RAFT_APPEND_ENTRIES_RESULT:
        on_append_result(raft, peer, message);
        break;
    case RAFT_INSTALL_SNAPSHOT:
        pt_raft_on_install(raft, peer, message);
        break;
    case RAFT_REQUEST_VOTE:
        pt_raft_election_allow(raft, &message->request_vote);
        feed_vote(raft, message);
        break;
    case RAFT_REQUEST_VOTE_RESULT:
        if (pt_raft_election_yields(raft, &message->request_vote_result)) {
            break;
        }
        feed_message(raft, message);
        pt_raft_election_result(raft, &message->request_vote_result);
        break;
    case RAFT_TIMEOUT_NOW:
        if (!pt_raft_election_told(raft, message)) {
            feed_message(raft, message);
        }
        break;
    }
    return true;
}

static bool on_frame_now(struct pt_raft *raft, struct pt_raft_peer *peer, enum pt_raft_frame kind,
                         struct pt_bytes payload)
{
    switch (kind) {
    case PT_RAFT_FRAME_MESSAGE:
        return on_message(raft, peer, payload);
    case PT_RAFT_FRAME_CHUNK:
        pt_raft_on_chunk(raft, peer, payload);
        return true;
    case PT_RAFT_FRAME_CHUNK_ACK:
        pt_raft_on_chunk_ack(raft, peer, payload);
        return true;
    case PT_RAFT_FRAME_NEED_SNAPSHOT:
        if (payload.size == 8) {
            pt_raft_snapshot_need(raft, peer, pt_be64(payload.data));
        }
        return true;
    case PT_RAFT_FRAME_READ:
        pt_raft_on_read(raft, peer, payload);
        return true;
    case PT_RAFT_FRAME_READ_ACK:
        pt_raft_on_read_ack(raft, peer, payload);
        return true;
    default:
        return false;
    }
}

static void defer(struct pt_raft *raft, uint64_t id, const char *address, enum pt_raft_frame kind,
                  struct pt_bytes payload)
{
    if (raft->deferred_size + payload.size > PT_RAFT_DEFERRED_SIZE_MAX) {
        return; /* as if the network had lost it */
    }
    struct deferred *deferred = calloc(1, sizeof *deferred);
    pt_assert(deferred != NULL);
    deferred->id = id;
    (void)strncpy(deferred->address, address, PT_RAFT_ADDRESS_SIZE_MAX);
    deferred->kind = kind;
    pt_buf_append(&deferred->payload, payload.data, payload.size);
    raft->deferred_size += payload.size;
    pt_list_push_back(&raft->deferred, &deferred->node);
}

bool pt_raft_on_frame(void *context, uint64_t id, const char *address, enum pt_raft_frame kind, struct pt_bytes payload)
{
    struct pt_raft *raft = context;
    if (pt_raft_dead(raft)) {
        return true;
    }
    pt_raft_election_heard(raft, id);
    pt_raft_peer_get(raft, id, address)->heard_ms = pt_sys_now_ms(raft->sys);
    if (kind == PT_RAFT_FRAME_LANE) {
        pt_raft_on_lane(raft, id, payload);
        return true;
    }
    if (!pt_raft_enter(raft)) {
        defer(raft, id, address, kind, payload);
        return true;
    }
    bool fine = on_frame_now(raft, pt_raft_peer_get(raft, id, address), kind, payload);
    pt_raft_leave(raft);
    return fine;
}

void pt_raft_deferred_run(struct pt_raft *raft)
{
    while (!pt_list_empty(&raft->deferred) && !raft->gated && !pt_raft_dead(raft)) {
        struct deferred *deferred = PT_CONTAINER(pt_list_pop_front(&raft->deferred), struct deferred, node);
        raft->deferred_size -= deferred->payload.size;
        /* Its connection may be gone; nonsense is ignored here and closes the next time. */
        (void)on_frame_now(raft, pt_raft_peer_get(raft, deferred->id, deferred->address), deferred->kind,
                           pt_buf_bytes(&deferred->payload));
        pt_buf_fini(&deferred->payload);
        free(deferred);
    }
}

void pt_raft_deferred_free(struct pt_raft *raft)
{
    PT_LIST_FOREACH_SAFE (node, &raft->deferred) {
        struct deferred *deferred = PT_CONTAINER(node, struct deferred, node);
        pt_list_remove(&deferred->node);
        pt_buf_fini(&deferred->payload);
        free(deferred);
    }
}
