/*
 * The heart: one event into raft_step, one update out, and what must follow in which order.
 *
 *   frame, timer, durable, request --> enter --> feed* --> settle --> leave
 *
 * feed    steps libraft and carries the update out. Term and vote come first: they are queued to the log's writer, then
 *         the gate closes, and messages of the update wait, and no event may enter until they are durable. A candidate
 *         asks for votes at once, though: the others write theirs while it writes its own, which counts when it is on
 *         the disk, for no answer enters before. Should it die in between, it has asked and never led; what it was
 *         granted in that term nobody else can have, whomever it votes for when it is back. Entries are queued behind
 *         them at once; the writer keeps that order on the disk. Messages that carry entries to followers
 *         leave while the leader's own write is still under way: its own vote for them counts when the write is done.
 * settle  repeats, until nothing moves: report entries that became durable; notice a change of role; apply what is both
 *         committed and durable here; run membership changes, reads and snapshots.
 *
 * No callback of the user runs inside feed, so libraft is never entered twice. Requests of the user are queued and run
 * a turn later; that turns all proposals of one turn into one batch.
 */
#include "raft/node_priv.h"

#include "base/assert.h"

#include <inttypes.h>
#include <string.h>

/* What others are told: room matters only while the disk gives no more. */
static uint64_t capacity_kb(const struct pt_raft *raft)
{
    uint64_t kb = pt_raft_log_short(raft->log) ? pt_raft_log_room(raft->log) / 1024 : UINT16_MAX;
    return kb > UINT16_MAX ? UINT16_MAX : kb;
}

uint64_t pt_raft_stored(const struct pt_raft *raft)
{
#ifdef PT_PLANTED_BUGS
    if (raft->options.planted == PT_PLANTED_ACK_BEFORE_SYNC) {
        return pt_raft_log_last(raft->log);
    }
#endif
    return pt_raft_log_durable(raft->log);
}

#ifdef PT_PLANTED_BUGS
/* Raft figure 8: what a majority holds, whatever term it is of. */
static uint64_t majority_match(const struct pt_raft *raft)
{
    uint64_t best = 0;
    unsigned voters = 0;
    for (unsigned i = 0; i < raft->raft.configuration.n; i++) {
        voters += raft->raft.configuration.servers[i].role == RAFT_VOTER ? 1 : 0;
    }
    for (unsigned i = 0; i < raft->raft.configuration.n; i++) {
        raft_index candidate = 0, other = 0;
        unsigned count = 0;
        if (raft_match_index(&raft->raft, raft->raft.configuration.servers[i].id, &candidate) != 0) {
            return 0;
        }
        for (unsigned j = 0; j < raft->raft.configuration.n; j++) {
            const struct raft_server *server = &raft->raft.configuration.servers[j];
            if (server->role == RAFT_VOTER && raft_match_index(&raft->raft, server->id, &other) == 0 &&
                other >= candidate) {
                count++;
            }
        }
        best = count > voters / 2 && candidate > best ? candidate : best;
    }
    return best;
}
#endif

uint64_t pt_raft_committed(const struct pt_raft *raft)
{
    uint64_t commit = raft_commit_index(&raft->raft);
#ifdef PT_PLANTED_BUGS
    if (raft->options.planted == PT_PLANTED_OLD_TERM_COMMIT && raft->raft.state == RAFT_LEADER) {
        uint64_t match = majority_match(raft);
        commit = match > commit ? match : commit;
    }
#endif
    return commit;
}

/* ---- carrying an update out ----------------------------------------------------------------------------------- */

enum { REQUESTS = 1, OTHERS = 2 };

/* Those of its messages that ask for votes, the others, or all. */
static void send_messages(struct pt_raft *raft, const struct raft_update *update, unsigned which)
{
    for (unsigned i = 0; i < update->messages.n; i++) {
        const struct raft_message *message = &update->messages.batch[i];
        if ((which & (message->type == RAFT_REQUEST_VOTE ? REQUESTS : OTHERS)) != 0) {
            pt_raft_send(raft, message);
        }
    }
}

/* Term and vote are on disk: send what waited for them, let events in again. */
static void on_vote_durable(void *arg)
{
    struct pt_raft *raft = arg;
    if (pt_raft_dead(raft)) {
        return;
    }
    pt_assert(raft->gated);
    raft->gated = false;
    struct raft_update held = raft->held;
    raft->held = (struct raft_update){0};
    if (pt_raft_enter(raft)) {
        send_messages(raft, &held, OTHERS);
        pt_raft_deferred_run(raft);
        pt_raft_leave(raft);
    }
}

void pt_raft_gate(struct pt_raft *raft)
{
    pt_assert(!raft->gated);
    raft->gated = true;
    pt_raft_log_set_vote(raft->log, raft_current_term(&raft->raft), raft_voted_for(&raft->raft), on_vote_durable, raft);
}

static void persist_entries(struct pt_raft *raft, uint64_t index, struct raft_entry *batch, unsigned n)
{
    uint64_t last = pt_raft_log_last(raft->log);
    struct pt_error error = {0};
    if (index > last + 1 || index <= raft->applied) {
        (void)pt_fail(&error, PT_CORRUPT, PT_REASON_NONE, "",
                      "entries from %" PRIu64 " do not fit a log that ends at %" PRIu64, index, last);
        pt_raft_fatal(raft, &error);
        return;
    }
    if (index <= last) {
        pt_raft_log_truncate(raft->log, index, raft->applied);
    }
    struct pt_raft_log_entry entries[64];
    size_t total = 0, largest = 0;
    for (unsigned i = 0; i < n; i++) {
        size_t size = pt_raft_record_size(batch[i].buf.len);
        total += size;
        largest = size > largest ? size : largest;
    }
    if (!pt_raft_log_fits_reserve(raft->log, total, largest)) {
        (void)pt_fail(&error, PT_NO_SPACE, PT_REASON_NO_SPACE, "", "no space for entries that must be written");
        pt_raft_fatal(raft, &error);
        return;
    }
    for (unsigned done = 0; done < n;) {
        size_t len = 0;
        for (; len < 64 && done < n; len++, done++) {
            entries[len] = (struct pt_raft_log_entry){.term = batch[done].term,
                                                      .type = (enum pt_raft_entry_type)batch[done].type,
                                                      .data = {batch[done].buf.base, batch[done].buf.len}};
        }
        pt_raft_log_append(raft->log, entries, len);
    }
}

static void step_failed(struct pt_raft *raft, int rv)
{
    pt_assert(rv != RAFT_NOMEM);
    if (rv == RAFT_SHUTDOWN || rv == RAFT_CORRUPT) {
        struct pt_error error = {0};
        (void)pt_fail(&error, PT_CORRUPT, PT_REASON_NONE, "", "the leader's log contradicts a committed entry: %s",
                      raft_strerror(rv));
        pt_raft_fatal(raft, &error);
    }
}

int pt_raft_feed(struct pt_raft *raft, struct raft_event *event)
{
    pt_assert(raft->busy && !raft->gated && !raft->failed);
    event->time = pt_sys_now_ms(raft->sys);
    event->capacity = (unsigned short)capacity_kb(raft);
    raft->fed = true;
    struct raft_update update = {0};
    int rv = raft_step(&raft->raft, event, &update);
    if (rv != 0) {
        step_failed(raft, rv);
        if (raft->failed) {
            return rv;
        }
    }
    if ((update.flags & ((RAFT_UPDATE_CURRENT_TERM) | (RAFT_UPDATE_VOTED_FOR))) != 0) {
        pt_raft_gate(raft);
    }
    if (rv == 0 && (update.flags & (RAFT_UPDATE_ENTRIES)) != 0) {
        void *batch = update.entries.batch[0].batch;
        persist_entries(raft, update.entries.index, update.entries.batch, update.entries.n);
        raft_free(batch);
    }
    if (rv == 0 && (update.flags & (RAFT_UPDATE_SNAPSHOT)) != 0) {
        pt_raft_install_begin(raft, &update);
    }
    if (raft->gated) {
        send_messages(raft, &update, REQUESTS);
        raft->held = update;
    } else if (!raft->failed) {
        send_messages(raft, &update, REQUESTS | OTHERS);
    }
    return rv;
}

/* ---- settling ------------------------------------------------------------------------------------------------- */

static bool report_durable(struct pt_raft *raft)
{
    uint64_t stored = pt_raft_stored(raft);
    /* While a snapshot is being installed libraft has forgotten the entries whose writes may still end. */
    if (stored <= raft->raft.last_stored || raft->installing || raft->raft.snapshot.installing ||
        raft->raft.state == RAFT_CANDIDATE || raft->quarantined) {
        return false;
    }
    struct raft_event event = {.type = RAFT_PERSISTED_ENTRIES};
    event.persisted_entries.index = stored;
    (void)pt_raft_feed(raft, &event); /* only NOMEM, which aborts */
    return true;
}

static void lead(struct pt_raft *raft)
{
    raft->leading = true;
    raft->leading_term = raft_current_term(&raft->raft);
    raft->leading_since_ms = pt_sys_now_ms(raft->sys);
    pt_raft_election_won(raft);
    raft->leading_from = pt_raft_log_last(raft->log) + 1;
    memset(raft->rounds, 0, sizeof raft->rounds);
    PT_LIST_FOREACH (node, &raft->peers) {
        struct pt_raft_peer *peer = PT_CONTAINER(node, struct pt_raft_peer, node);
        peer->capacity_known = false;
        peer->read_ack = 0;
        peer->told = 0;
    }
    pt_raft_submit_first(raft);
    if (raft->options.machine.role_changed != NULL) {
        raft->options.machine.role_changed(raft->options.machine.context, true, raft->leading_term);
    }
}

static void lead_no_more(struct pt_raft *raft)
{
    raft->leading = false;
    pt_raft_proposals_end(raft, PT_NOT_LEADER, PT_ABORTED);
    pt_raft_reads_end(raft, PT_NOT_LEADER);
    pt_raft_changes_end(raft, PT_ABORTED);
    if (raft->options.machine.role_changed != NULL) {
        raft->options.machine.role_changed(raft->options.machine.context, false, raft_current_term(&raft->raft));
    }
}

static bool notice_role(struct pt_raft *raft)
{
    bool leads = raft->raft.state == RAFT_LEADER;
    if (raft->leading && (!leads || raft_current_term(&raft->raft) != raft->leading_term)) {
        lead_no_more(raft);
        return true;
    }
    if (leads && !raft->leading) {
        lead(raft);
        return true;
    }
    return false;
}

static void arm_timer(struct pt_raft *raft)
{
    if (raft->quarantined) {
        return; /* it must not stand, and nothing else waits for this timer */
    }
    uint64_t now = pt_sys_now_ms(raft->sys);
    uint64_t at = raft_timeout(&raft->raft);
    pt_timer_start(raft->timer, at > now ? at - now : 0, 0);
}

static void settle(struct pt_raft *raft)
{
    do {
        raft->fed = false;
        bool moved = true;
        while (moved && !raft->gated && !pt_raft_dead(raft)) {
            moved = pt_raft_snapshot_settle(raft) || report_durable(raft) || pt_raft_election_settle(raft) ||
                    notice_role(raft) || pt_raft_apply_some(raft);
        }
        if (raft->gated || pt_raft_dead(raft)) {
            return;
        }
        raft->fed = false;
        pt_raft_changes_run(raft);
        if (!raft->gated && !pt_raft_dead(raft)) {
            pt_raft_reads_run(raft);
            pt_raft_snapshot_consider(raft);
        }
    } while (raft->fed);
    if (!raft->gated && !pt_raft_dead(raft)) {
        pt_raft_tell_consider(raft);
        arm_timer(raft);
    }
}

bool pt_raft_enter(struct pt_raft *raft)
{
    if (pt_raft_dead(raft) || raft->gated) {
        return false;
    }
    pt_assert(!raft->busy && pt_sys_on_loop(raft->sys));
    raft->busy = true;
    return true;
}

void pt_raft_leave(struct pt_raft *raft)
{
    settle(raft);
    raft->busy = false;
}

/* ---- events --------------------------------------------------------------------------------------------------- */

void pt_raft_on_durable(void *context, uint64_t index)
{
    (void)index; /* asked for when settling */
    struct pt_raft *raft = context;
    if (pt_raft_enter(raft)) {
        pt_raft_leave(raft);
    }
}

void pt_raft_on_timer(void *arg)
{
    struct pt_raft *raft = arg;
    if (!pt_raft_enter(raft)) {
        return; /* armed again when the gate opens */
    }
    if (!raft->quarantined && pt_sys_now_ms(raft->sys) >= raft_timeout(&raft->raft)) {
        struct raft_event event = {.type = RAFT_TIMEOUT};
        (void)pt_raft_feed(raft, &event); /* only NOMEM, which aborts */
    }
    pt_raft_leave(raft);
}

void pt_raft_on_tick(void *arg)
{
    struct pt_raft *raft = arg;
    if (pt_raft_enter(raft)) {
        pt_raft_snapshot_tick(raft);
        pt_raft_exports_tick(raft);
        pt_raft_reads_resend(raft);
        pt_raft_election_tick(raft);
        pt_raft_members_tick(raft);
        pt_raft_leave(raft);
    }
}

static void run_posted(void *arg)
{
    struct pt_raft *raft = arg;
    raft->run_posted = false;
    if (pt_raft_enter(raft)) {
        pt_raft_flush_proposals(raft);
        pt_raft_leave(raft);
    }
}

void pt_raft_run_soon(struct pt_raft *raft)
{
    if (!raft->run_posted && !pt_raft_dead(raft)) {
        raft->run_posted = true;
        pt_sys_post(raft->sys, run_posted, raft);
    }
}
