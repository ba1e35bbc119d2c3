/*
 * Elections, where libraft's timeout alone would be too slow, or too quick.
 *
 * A leader whose process ends. The kernel closes its connections, and a follower that dials again at once is refused
 * (peer.c tells on_gone). There is nothing left to wait for: the follower begins the pre-vote without its timeout. That
 * is safe whatever the reason was, because a majority must grant a pre-vote, and only those grant it that miss the
 * leader too. All survivors notice in the same moment, so they go by rank, the lowest id first and the next some
 * milliseconds later. Two rules keep a rank from costing time:
 *   - who refuses the pre-vote of another because its own log is longer stands at once;
 *   - who grants one lets the other finish before it stands itself.
 *
 *   leader dies --closed--> dial --refused--> gone --rank * step--> pre-vote --> vote --> leader
 *
 * A leader that is silent (a cut line, a paused host) is replaced by libraft's randomised timeout. When two stand in
 * the same moment and split the votes, the one with the lower rank stands again at once instead of after a second
 * timeout; once only, because a candidate that cannot win must not keep those who can from standing.
 * Mostly it does not come to that. Two whose timeouts run out within a round trip of each other grant each other the
 * pre-vote, and would both go on and split the votes; over lines of 150 ms that is one election in three. So one that
 * has just granted the pre-vote to a lower id takes no majority for itself: it lets that one finish, and asks again
 * after half a timeout if nothing came of it.
 *
 * Refusing. A follower of a leader refuses votes, so that a server with a bad line cannot depose it. libraft refuses
 * for as long as its own randomised timeout runs: then the election waits for the last follower to wake up, not for the
 * first. The thesis (4.2.3) refuses for the minimum timeout after the leader's last word. That is done here, a
 * heartbeat less: the candidate may have heard that word a little earlier than this node.
 *
 * A leader that hands over tells a member to stand (TimeoutNow), once, and lets no proposal in until it has stood or an
 * election timeout is over. libraft 0.22 says so when the member acknowledges anything, not everything; and a member
 * that has not stored all of its log ignores it. Under a steady load there is nearly always something on its way to the
 * disk, so the order is kept until that has arrived there. libraft judges it then: the same leader, the same term,
 * nothing new in the log. After a timeout the leader has given up, and so it is forgotten here.
 *
 * Long lines. A vote takes two round trips, and a timeout that is not much longer than those makes elections that
 * nobody wins. The timeout in force is what the owner set, or ROUND_TRIPS times the slowest of the voters' median round
 * trips, whichever is more: at 400 ms in one place that is 400, with voters 150 ms apart it is 750.
 */
#include "raft/node_priv.h"

#include "base/assert.h"

#include <inttypes.h>

#define ROUND_TRIPS 5U
#define ELECTION_MS_MAX 10000U
#define HASTE_MS 3U        /* before the first rank: the others notice meanwhile */
#define STEPS_A_TIMEOUT 8U /* one rank waits an eighth of the election timeout longer than the next lower one */
#define AGAIN_MS 5U        /* what is in the way of standing is looked at again after so long */

static uint64_t leader_followed(const struct pt_raft *raft)
{
    return raft->raft.state == RAFT_FOLLOWER ? raft->raft.follower_state.current_leader.id : 0;
}

static bool leader_is_gone(const struct pt_raft *raft)
{
    return raft->gone != 0 && leader_followed(raft) == raft->gone;
}

/* Among the voters that are left: how many have a lower id. */
static unsigned rank(const struct pt_raft *raft)
{
    unsigned lower = 0;
    for (unsigned i = 0; i < raft->raft.configuration.n; i++) {
        const struct raft_server *server = &raft->raft.configuration.servers[i];
        lower += server->role == RAFT_VOTER && server->id < raft->options.id && server->id != raft->gone ? 1 : 0;
    }
    return lower;
}

static uint64_t step_ms(const struct pt_raft *raft)
{
    return raft->election_ms / STEPS_A_TIMEOUT;
}

/* libraft's timer runs out in `delay_ms`, if it would not earlier. */
static void expire_in(struct pt_raft *raft, uint64_t delay_ms)
{
    uint64_t now = pt_sys_now_ms(raft->sys);
    uint64_t at = raft_timeout(&raft->raft);
    uint64_t early = at > now + delay_ms ? at - now - delay_ms : 0;
    raft->raft.election_timer_start -= early < raft->raft.election_timer_start ? early : 0;
}

/* ---- a leader that is gone ------------------------------------------------------------------------------------- */

void pt_raft_on_gone(void *context, uint64_t id)
{
    struct pt_raft *raft = context;
    if (pt_raft_dead(raft) || raft->quarantined || leader_followed(raft) != id) {
        return;
    }
    raft->gone = id;
    if (pt_raft_is_voter(raft, raft->options.id)) {
        pt_timer_start(raft->hasty, HASTE_MS + rank(raft) * step_ms(raft), 0);
    }
}

void pt_raft_election_heard(struct pt_raft *raft, uint64_t id)
{
    if (id == raft->gone) {
        raft->gone = 0;
        pt_timer_stop(raft->hasty);
    }
}

void pt_raft_on_hasty(void *arg)
{
    struct pt_raft *raft = arg;
    if (pt_raft_dead(raft) || raft->quarantined || !leader_is_gone(raft)) {
        return;
    }
    /* libraft does not stand with entries that are not durable yet; asked to, it would begin a whole new timeout. */
    if (raft->gated || raft->raft.last_stored < pt_raft_log_last(raft->log) || raft->installing) {
        pt_timer_start(raft->hasty, AGAIN_MS, 0);
        return;
    }
    pt_log_info(raft->options.log, "leader is gone: standing for election", "node=%" PRIu64 " leader=%" PRIu64,
                raft->options.id, raft->gone);
    expire_in(raft, 0);
    pt_raft_on_timer(raft);
}

/* ---- votes ----------------------------------------------------------------------------------------------------- */

void pt_raft_election_allow(const struct pt_raft *raft, struct raft_request_vote *request)
{
    uint64_t silent_ms = pt_sys_now_ms(raft->sys) - raft->raft.election_timer_start;
    if (raft->raft.state == RAFT_FOLLOWER &&
        (leader_is_gone(raft) || silent_ms >= raft->election_ms - raft->options.heartbeat_ms)) {
        request->disrupt_leader = true;
    }
}

void pt_raft_election_answered(struct pt_raft *raft, uint64_t id, const struct raft_request_vote_result *result)
{
    if (!result->pre_vote || !pt_raft_is_voter(raft, raft->options.id)) {
        return;
    }
    if (leader_is_gone(raft)) {
        pt_timer_start(raft->hasty, result->vote_granted ? HASTE_MS + (rank(raft) + 1) * step_ms(raft) : 0, 0);
    }
    if (result->vote_granted && id < raft->options.id && pt_raft_is_voter(raft, id)) {
        raft->yielded_ms = pt_sys_now_ms(raft->sys);
    }
}

bool pt_raft_election_yields(struct pt_raft *raft, const struct raft_request_vote_result *result)
{
    uint64_t patience_ms = raft->election_ms / 2;
    bool yields = raft->raft.state == RAFT_CANDIDATE && raft->raft.candidate_state.in_pre_vote && result->pre_vote &&
                  result->vote_granted && raft->yielded_ms != 0 &&
                  pt_sys_now_ms(raft->sys) - raft->yielded_ms < patience_ms;
    if (yields) {
        expire_in(raft, patience_ms);
    }
    return yields;
}

void pt_raft_election_result(struct pt_raft *raft, const struct raft_request_vote_result *result)
{
    bool split = !pt_raft_dead(raft) && raft->raft.state == RAFT_CANDIDATE && !raft->raft.candidate_state.in_pre_vote &&
                 !result->pre_vote && !result->vote_granted && result->term == raft_current_term(&raft->raft);
    if (split && !raft->split_retried) {
        raft->split_retried = true;
        expire_in(raft, HASTE_MS + rank(raft) * step_ms(raft));
    }
}

/* ---- a leader that hands over ---------------------------------------------------------------------------------- */

bool pt_raft_election_told(struct pt_raft *raft, const struct raft_message *message)
{
    bool early = raft->raft.last_stored < message->timeout_now.last_log_index;
    raft->told = *message;
    raft->told.server_id = early ? message->server_id : 0;
    raft->told_ms = pt_sys_now_ms(raft->sys);
    return early;
}

bool pt_raft_election_settle(struct pt_raft *raft)
{
    if (raft->told.server_id == 0 || raft->raft.last_stored < raft->told.timeout_now.last_log_index) {
        return false;
    }
    struct raft_message message = raft->told;
    const struct pt_raft_peer *peer = pt_raft_peer_find(raft, message.server_id);
    raft->told.server_id = 0;
    if (peer == NULL || pt_sys_now_ms(raft->sys) - raft->told_ms >= raft->election_ms) {
        return false;
    }
    message.server_address = peer->address;
    struct raft_event event = {.type = RAFT_RECEIVE};
    event.receive.message = &message;
    (void)pt_raft_feed(raft, &event); /* only NOMEM, which aborts */
    return true;
}

void pt_raft_election_won(struct pt_raft *raft)
{
    uint64_t since_ms = raft->leading_since_ms - raft->told_ms;
    if (raft->told_ms != 0 && since_ms < raft->election_ms) {
        pt_log_info(raft->options.log, "took over", "node=%" PRIu64 " term=%" PRIu64 " since_told_ms=%" PRIu64,
                    raft->options.id, raft->leading_term, since_ms);
    }
    raft->told_ms = 0;
}

/* ---- long lines ------------------------------------------------------------------------------------------------ */

void pt_raft_election_tick(struct pt_raft *raft)
{
    if (raft->leading || leader_followed(raft) != 0) {
        raft->split_retried = false;
    }
    uint64_t slowest_us = 0;
    for (unsigned i = 0; i < raft->raft.configuration.n; i++) {
        const struct raft_server *server = &raft->raft.configuration.servers[i];
        uint64_t rtt = server->role == RAFT_VOTER ? pt_raft_net_rtt_us(raft->net, server->id) : 0;
        slowest_us = rtt > slowest_us ? rtt : slowest_us;
    }
    uint64_t wanted = ROUND_TRIPS * slowest_us / 1000;
    wanted = wanted > ELECTION_MS_MAX ? ELECTION_MS_MAX : wanted;
    wanted = wanted < raft->options.election_timeout_ms ? raft->options.election_timeout_ms : wanted;
    /* A fifth of hysteresis: each change draws a new random timeout. */
    bool differs = wanted > raft->election_ms + raft->election_ms / 5 || wanted < raft->election_ms * 4 / 5 ||
                   (wanted == raft->options.election_timeout_ms && wanted != raft->election_ms);
    if (differs) {
        pt_log_info(raft->options.log, "election timeout follows the round trip",
                    "node=%" PRIu64 " timeout_ms=%" PRIu64 " slowest_us=%" PRIu64, raft->options.id, wanted,
                    slowest_us);
        raft->election_ms = (unsigned)wanted;
        raft_set_election_timeout(&raft->raft, raft->election_ms);
    }
}
