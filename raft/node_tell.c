/*
 * Followers hear of a commit at once.
 *
 * An entry is committed when a majority has it, which the leader alone knows. It says so in its next message: under
 * load that is the next batch, a millisecond later; otherwise the next heartbeat. Until then whoever watches at a
 * follower, or gets configuration there, waits for up to a tenth of a second, as two thirds of all clients of three
 * members did.
 *
 * So the heartbeat is sent early: libraft would send the same message, empty and behind the follower's last entry, when
 * its time has come. It goes only to a follower that has acknowledged everything, since what is still to be sent
 * carries the commit index anyway; and only when nothing of that kind came up for TELL_MS, so that a client who waits
 * for each write before the next one pays for no second message.
 *
 * Never behind an earlier entry: libraft 0.22 sets a follower's commit index to the lesser of the leader's and the
 * message's last entry, also when that is less than what it was.
 */
#include "raft/node_priv.h"

#define TELL_MS 2U

/* True when the follower has the whole log and has not been told how much of it is committed. */
static bool owed(struct pt_raft *raft, const struct raft_server *server)
{
    raft_index match = 0;
    const struct pt_raft_peer *peer = pt_raft_peer_find(raft, server->id);
    return server->id != raft->options.id && peer != NULL && peer->told < raft_commit_index(&raft->raft) &&
           raft_match_index(&raft->raft, server->id, &match) == 0 && match == pt_raft_log_last(raft->log);
}

void pt_raft_tell_consider(struct pt_raft *raft)
{
    bool any = false;
    for (unsigned i = 0; raft->leading && i < raft->raft.configuration.n && !any; i++) {
        any = owed(raft, &raft->raft.configuration.servers[i]);
    }
    if (!any) {
        pt_timer_stop(raft->tell); /* the next batch told them: no wake-up of its own */
    } else if (!pt_timer_active(raft->tell)) {
        pt_timer_start(raft->tell, TELL_MS, 0);
    }
}

void pt_raft_tell_sent(struct pt_raft_peer *peer, const struct raft_append_entries *append)
{
    uint64_t last = append->prev_log_index + append->n_entries;
    uint64_t told = append->leader_commit < last ? append->leader_commit : last;
    peer->told = told > peer->told ? told : peer->told;
}

void pt_raft_on_tell(void *arg)
{
    struct pt_raft *raft = arg;
    if (!pt_raft_enter(raft)) {
        return;
    }
    uint64_t last = pt_raft_log_last(raft->log);
    bool can = raft->leading && raft->raft.state == RAFT_LEADER && last >= pt_raft_log_first(raft->log);
    for (unsigned i = 0; can && i < raft->raft.configuration.n; i++) {
        const struct raft_server *server = &raft->raft.configuration.servers[i];
        if (owed(raft, server)) {
            const struct raft_message message = {
                .type = RAFT_APPEND_ENTRIES,
                .server_id = server->id,
                .server_address = server->address,
                .append_entries = {.term = raft_current_term(&raft->raft),
                                   .prev_log_index = last,
                                   .prev_log_term = pt_raft_log_term(raft->log, last),
                                   .leader_commit = raft_commit_index(&raft->raft)},
            };
            pt_raft_send(raft, &message);
        }
    }
    pt_raft_leave(raft);
}
