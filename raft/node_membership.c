/*
 * Membership and leadership, one change at a time.
 *
 *   add     a spare: known, but neither replicated to nor counted
 *   assign  standby: replicated to; voter: made a standby first, brought up to date in rounds, then counted
 *   remove  the leader may remove itself: it leads until the entry is committed, then steps down
 *
 * A change is an entry with the whole new configuration. libraft uses it from the moment it is appended and refuses a
 * second one before the first is committed (single-server changes, Raft dissertation section 4.1).
 *
 * Rounds (section 4.2.1). A round ends when the member has what was the end of the log when the round began. If that
 * took less than an election timeout, or if the member lacks nothing, it may vote: a majority that counts on it does
 * not wait long. Each slow round allows the next one to take an election timeout more, because under a steady load on a
 * busy machine no member may ever be faster. libraft has such rounds too, which are not used: it gives up a member that
 * needs more than five seconds for its first one, a snapshot included, and a spare that is given up is not replicated
 * to, so that it lacks more with each attempt. A standby goes on being replicated to whatever becomes of its promotion.
 */
#include "raft/node_priv.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 10U     /* slower than that, it is given up: something else may be waiting to be changed */
#define STUCK_MS 5000U     /* so is a member that got no further for so long */
#define STRANGER_MS 10000U /* a link to one that is no member is kept for so long after the last frame for it */

static void change_end(struct pt_raft_change *change, enum pt_code code, uint64_t index)
{
    pt_list_remove(&change->node);
    if (change->fn != NULL) {
        change->fn(change->arg, code, index);
    }
    free(change);
}

static void request(struct pt_raft *raft, const struct pt_raft_change *wanted)
{
    enum pt_code refused = PT_OK;
    if (pt_raft_dead(raft)) {
        refused = PT_CLOSED;
    } else if (raft->raft.state != RAFT_LEADER) {
        refused = PT_NOT_LEADER;
    } else if (!pt_list_empty(&raft->changes)) {
        refused = PT_FAILED_PRECONDITION;
    }
    if (refused != PT_OK) {
        wanted->fn(wanted->arg, refused, 0);
        return;
    }
    struct pt_raft_change *change = malloc(sizeof *change);
    pt_assert(change != NULL);
    *change = *wanted;
    pt_list_push_back(&raft->changes, &change->node);
    pt_raft_run_soon(raft);
}

void pt_raft_add(struct pt_raft *raft, uint64_t id, const char *address, pt_raft_done_fn fn, void *arg)
{
    struct pt_raft_change change = {.kind = PT_RAFT_CHANGE_ADD, .id = id, .fn = fn, .arg = arg};
    if (id == 0 || address[0] == '\0' || strlen(address) > PT_RAFT_ADDRESS_SIZE_MAX) {
        fn(arg, PT_INVALID_ARGUMENT, 0);
        return;
    }
    (void)strncpy(change.address, address, PT_RAFT_ADDRESS_SIZE_MAX);
    request(raft, &change);
}

void pt_raft_assign(struct pt_raft *raft, uint64_t id, bool voter, pt_raft_done_fn fn, void *arg)
{
    request(raft,
            &(struct pt_raft_change){.kind = PT_RAFT_CHANGE_ASSIGN, .id = id, .voter = voter, .fn = fn, .arg = arg});
}

void pt_raft_remove(struct pt_raft *raft, uint64_t id, pt_raft_done_fn fn, void *arg)
{
    request(raft, &(struct pt_raft_change){.kind = PT_RAFT_CHANGE_REMOVE, .id = id, .fn = fn, .arg = arg});
}

void pt_raft_transfer(struct pt_raft *raft, uint64_t id, pt_raft_done_fn fn, void *arg)
{
    request(raft, &(struct pt_raft_change){.kind = PT_RAFT_CHANGE_TRANSFER, .id = id, .fn = fn, .arg = arg});
}

/* The configuration that the change makes of the present one; PT_OK or why it makes none. */
static enum pt_code configuration_after(const struct pt_raft *raft, const struct pt_raft_change *change,
                                        struct raft_configuration *ret_configuration)
{
    const struct raft_configuration *now = &raft->raft.configuration;
    enum pt_code code = change->kind == PT_RAFT_CHANGE_ADD ? PT_OK : PT_NOT_FOUND;
    raft_configuration_init(ret_configuration);
    if (change->kind == PT_RAFT_CHANGE_ADD && now->n >= PT_RAFT_MEMBERS_MAX) {
        return PT_EXHAUSTED;
    }
    unsigned voters = 0;
    for (unsigned i = 0; i < now->n; i++) {
        const struct raft_server *server = &now->servers[i];
        int role = server->role;
        if (server->id == change->id && change->kind != PT_RAFT_CHANGE_ADD) {
            code = PT_OK;
            if (change->kind == PT_RAFT_CHANGE_REMOVE) {
                continue;
            }
            role = change->voter && !change->halfway ? RAFT_VOTER : RAFT_STANDBY;
        }
        voters += role == RAFT_VOTER ? 1 : 0;
        if (raft_configuration_add(ret_configuration, server->id, server->address, role) != 0) {
            code = PT_INTERNAL;
        }
    }
    if (change->kind == PT_RAFT_CHANGE_ADD &&
        raft_configuration_add(ret_configuration, change->id, change->address, RAFT_SPARE) != 0) {
        code = PT_ALREADY_EXISTS; /* the id or the address */
    }
    if (code == PT_OK && voters == 0) {
        code = PT_FAILED_PRECONDITION; /* nobody could ever decide anything again */
    }
    return code;
}

static int role_of(const struct pt_raft *raft, uint64_t id)
{
    for (unsigned i = 0; i < raft->raft.configuration.n; i++) {
        if (raft->raft.configuration.servers[i].id == id) {
            return raft->raft.configuration.servers[i].role;
        }
    }
    return -1;
}

static void change_submit(struct pt_raft *raft, struct pt_raft_change *change)
{
    struct raft_configuration configuration;
    enum pt_code code = configuration_after(raft, change, &configuration);
    struct raft_buffer buffer = {0};
    if (code == PT_OK) {
        int rv = raft_configuration_encode(&configuration, &buffer);
        pt_assert(rv == 0);
        size_t size = pt_raft_record_size(buffer.len);
        if (!pt_raft_log_fits(raft->log, size, size)) {
            raft_free(buffer.base);
            code = PT_NO_SPACE;
        }
    }
    raft_configuration_close(&configuration);
    if (code != PT_OK) {
        change_end(change, code, 0);
        return;
    }
    struct raft_entry entry = {
        .term = raft_current_term(&raft->raft), .type = RAFT_CHANGE, .buf = buffer, .batch = buffer.base};
    change->index = pt_raft_log_last(raft->log) + 1;
    struct raft_event event = {.type = RAFT_SUBMIT};
    event.submit.entries = &entry;
    event.submit.n = 1;
    int rv = pt_raft_feed(raft, &event);
    if (rv != 0 && !raft->failed) {
        raft_free(buffer.base);
        change_end(change, rv == RAFT_CANTCHANGE ? PT_FAILED_PRECONDITION : PT_NOT_LEADER, 0);
    }
}

static void round_begin(struct pt_raft *raft, struct pt_raft_change *change)
{
    uint64_t now = pt_sys_now_ms(raft->sys);
    change->round.moved_ms = change->round.count == 0 ? now : change->round.moved_ms;
    change->round.count++;
    change->round.index = pt_raft_log_last(raft->log);
    change->round.since_ms = now;
    pt_raft_run_soon(raft); /* the member may lack nothing */
}

static void round_run(struct pt_raft *raft, struct pt_raft_change *change)
{
    raft_index match = 0;
    if (raft_match_index(&raft->raft, change->id, &match) != 0) {
        change_end(change, PT_NOT_FOUND, 0);
        return;
    }
    uint64_t now = pt_sys_now_ms(raft->sys);
    const struct pt_raft_peer *peer = pt_raft_peer_find(raft, change->id);
    uint64_t sent_ms = peer != NULL ? pt_raft_outgoing_moved_ms(peer) : 0;
    if (match > change->round.match) {
        change->round.match = match;
        change->round.moved_ms = now;
    }
    change->round.moved_ms = sent_ms > change->round.moved_ms ? sent_ms : change->round.moved_ms;
    if (match >= change->round.index) {
        bool fast = now - change->round.since_ms < (uint64_t)change->round.count * raft->election_ms;
        if (fast || match == pt_raft_log_last(raft->log)) {
            change->round.count = 0;
            change_submit(raft, change);
        } else if (change->round.count < ROUNDS_MAX) {
            round_begin(raft, change);
        } else {
            change_end(change, PT_DEADLINE_EXCEEDED, 0); /* too slow: it stays a standby */
        }
    } else if (now - change->round.moved_ms > STUCK_MS) {
        change_end(change, PT_DEADLINE_EXCEEDED, 0); /* not there, or stuck */
    }
}

static void change_begin(struct pt_raft *raft, struct pt_raft_change *change)
{
    int role = role_of(raft, change->id);
    if (raft->raft.configuration_uncommitted_index != 0) {
        return; /* one of an earlier leader is still under way: wait for it */
    }
    if (change->kind != PT_RAFT_CHANGE_ASSIGN || !change->voter || role < 0) {
        change_submit(raft, change);
        return;
    }
    if (role == RAFT_VOTER) {
        change_end(change, PT_OK, raft->applied); /* it is one already */
        return;
    }
    if (role == RAFT_SPARE) {
        change->halfway = true; /* pt_raft_change_committed goes on */
        change_submit(raft, change);
        return;
    }
    round_begin(raft, change);
}

static void transfer_run(struct pt_raft *raft, struct pt_raft_change *change)
{
    if (!change->catching_up) {
        struct raft_event event = {.type = RAFT_TRANSFER};
        event.transfer.server_id = change->id;
        change->catching_up = true;
        int rv = pt_raft_feed(raft, &event);
        if (rv != 0 && !raft->failed) {
            change_end(change, rv == RAFT_NOTLEADER ? PT_NOT_LEADER : PT_FAILED_PRECONDITION, 0);
        }
    } else if (raft_transferee(&raft->raft) == 0) {
        change_end(change, PT_DEADLINE_EXCEEDED, 0); /* it did not take over in time; we lead on */
        pt_raft_run_soon(raft);                      /* proposals were waiting for the outcome */
    }
}

void pt_raft_changes_run(struct pt_raft *raft)
{
    if (pt_list_empty(&raft->changes) || !raft->leading || raft->raft.state != RAFT_LEADER) {
        return;
    }
    struct pt_raft_change *change = PT_CONTAINER(raft->changes.next, struct pt_raft_change, node);
    if (change->kind == PT_RAFT_CHANGE_TRANSFER) {
        transfer_run(raft, change);
        return;
    }
    if (change->index != 0) {
        return; /* waits for its commit */
    }
    if (change->round.count == 0) {
        change_begin(raft, change);
    } else {
        round_run(raft, change);
    }
}

static bool keep_link(void *context, uint64_t id)
{
    return role_of(context, id) >= 0;
}

void pt_raft_members_tick(struct pt_raft *raft)
{
    /* One that knows no members yet waits to be added. */
    if (raft->raft.configuration.n > 0) {
        pt_raft_net_prune(raft->net, keep_link, raft, STRANGER_MS);
    }
}

void pt_raft_change_committed(struct pt_raft *raft, uint64_t index)
{
    if (pt_list_empty(&raft->changes)) {
        return;
    }
    struct pt_raft_change *change = PT_CONTAINER(raft->changes.next, struct pt_raft_change, node);
    if (change->index == index && change->halfway) {
        change->halfway = false; /* a standby: pt_raft_changes_run goes on */
        change->index = 0;
    } else if (change->index == index) {
        if (change->kind == PT_RAFT_CHANGE_REMOVE && change->id != raft->options.id) {
            pt_raft_net_forget(raft->net, change->id);
        }
        change_end(change, PT_OK, index);
    }
}

void pt_raft_changes_end(struct pt_raft *raft, enum pt_code code)
{
    while (!pt_list_empty(&raft->changes)) {
        struct pt_raft_change *change = PT_CONTAINER(raft->changes.next, struct pt_raft_change, node);
        bool moved = change->kind == PT_RAFT_CHANGE_TRANSFER && code == PT_ABORTED;
        change_end(change, moved ? PT_OK : code, 0);
    }
}
