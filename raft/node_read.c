/*
 * Linearizable reads without writing to the log (Raft dissertation, section 6.4).
 *
 * A barrier notes the commit index, asks every voter "is this still your term?" and is done when a majority has said
 * yes and the machine has applied up to the noted index. Barriers of one turn share a round; a later answer confirms
 * all earlier rounds. It is valid only once an entry of the leader's own term is committed: until then barriers wait.
 *
 * No clock is involved, so a leader that was paused for an hour asks like any other and learns that it is none.
 *
 *   read, read ack   u64 term   u64 round
 *
 * A member in quarantine, or one that is just writing a new term, does not answer. Lost questions are repeated each
 * tick.
 */
#include "raft/node_priv.h"

#include "base/assert.h"

#include <stdlib.h>

void pt_raft_barrier(struct pt_raft *raft, pt_raft_done_fn fn, void *arg)
{
    if (pt_raft_dead(raft) || raft->raft.state != RAFT_LEADER) {
        fn(arg, pt_raft_dead(raft) ? PT_CLOSED : PT_NOT_LEADER, 0);
        return;
    }
    struct pt_raft_read *read = calloc(1, sizeof *read);
    pt_assert(read != NULL);
    read->fn = fn;
    read->arg = arg;
    pt_list_push_back(&raft->reads, &read->node);
    pt_raft_run_soon(raft);
}

static void ask(struct pt_raft *raft)
{
    uint8_t payload[16];
    pt_put_be64(payload, raft_current_term(&raft->raft));
    pt_put_be64(payload + 8, raft->read_round);
    for (unsigned i = 0; i < raft->raft.configuration.n; i++) {
        const struct raft_server *server = &raft->raft.configuration.servers[i];
        if (server->role == RAFT_VOTER && server->id != raft->options.id) {
            pt_raft_send_frame(raft, pt_raft_peer_get(raft, server->id, server->address), PT_RAFT_FRAME_READ, payload,
                               sizeof payload);
        }
    }
}

/* Has a majority confirmed the round? */
static bool confirmed(struct pt_raft *raft, uint64_t round)
{
    unsigned voters = 0, yes = 0;
    for (unsigned i = 0; i < raft->raft.configuration.n; i++) {
        const struct raft_server *server = &raft->raft.configuration.servers[i];
        if (server->role != RAFT_VOTER) {
            continue;
        }
        voters++;
        const struct pt_raft_peer *peer = pt_raft_peer_find(raft, server->id);
        yes += server->id == raft->options.id || (peer != NULL && peer->read_ack >= round) ? 1 : 0;
    }
    return yes > voters / 2;
}

static bool term_committed(struct pt_raft *raft)
{
    uint64_t commit = raft_commit_index(&raft->raft);
    uint64_t term = raft_current_term(&raft->raft);
    if (commit >= pt_raft_log_first(raft->log) && commit <= pt_raft_log_last(raft->log)) {
        return pt_raft_log_term(raft->log, commit) == term;
    }
    return commit == raft->snapshot.index && raft->snapshot.term == term;
}

void pt_raft_reads_run(struct pt_raft *raft)
{
    if (pt_list_empty(&raft->reads) || !raft->leading || raft->raft.state != RAFT_LEADER || !term_committed(raft)) {
        return;
    }
    bool begun = false;
    PT_LIST_FOREACH (node, &raft->reads) {
        struct pt_raft_read *read = PT_CONTAINER(node, struct pt_raft_read, node);
        if (read->round == 0) {
            if (!begun) {
                raft->read_round++;
                begun = true;
            }
            read->round = raft->read_round;
            read->index = raft_commit_index(&raft->raft);
        }
    }
    if (begun) {
        ask(raft);
    }
    for (;;) { /* callbacks may add to the list, behind; the order is that of rounds */
        if (pt_list_empty(&raft->reads) || pt_raft_dead(raft)) {
            return;
        }
        struct pt_raft_read *read = PT_CONTAINER(raft->reads.next, struct pt_raft_read, node);
        if (read->round == 0 || read->index > raft->applied || !confirmed(raft, read->round)) {
            return;
        }
        pt_list_remove(&read->node);
        read->fn(read->arg, PT_OK, read->index);
        free(read);
    }
}

void pt_raft_reads_resend(struct pt_raft *raft)
{
    if (!pt_list_empty(&raft->reads) && raft->leading && raft->raft.state == RAFT_LEADER && raft->read_round > 0) {
        ask(raft);
    }
}

void pt_raft_reads_end(struct pt_raft *raft, enum pt_code code)
{
    struct pt_list ended;
    pt_list_init(&ended);
    struct pt_list *node;
    while ((node = pt_list_pop_front(&raft->reads)) != NULL) {
        pt_list_push_back(&ended, node);
    }
    while ((node = pt_list_pop_front(&ended)) != NULL) {
        struct pt_raft_read *read = PT_CONTAINER(node, struct pt_raft_read, node);
        read->fn(read->arg, code, 0);
        free(read);
    }
}

void pt_raft_on_read(struct pt_raft *raft, struct pt_raft_peer *peer, struct pt_bytes payload)
{
    if (payload.size != 16 || raft->quarantined || raft->raft.state != RAFT_FOLLOWER ||
        pt_be64(payload.data) != raft_current_term(&raft->raft)) {
        return;
    }
    pt_raft_send_frame(raft, peer, PT_RAFT_FRAME_READ_ACK, payload.data, payload.size);
}

void pt_raft_on_read_ack(struct pt_raft *raft, struct pt_raft_peer *peer, struct pt_bytes payload)
{
    if (payload.size != 16 || raft->raft.state != RAFT_LEADER ||
        pt_be64(payload.data) != raft_current_term(&raft->raft)) {
        return;
    }
    uint64_t round = pt_be64(payload.data + 8);
    if (round > peer->read_ack && round <= raft->read_round) {
        peer->read_ack = round;
    }
}
