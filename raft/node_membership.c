/*
 * Membership and leadership, one change at a time.
 *
 *   add     a spare: known, but neither replicated to nor counted
 *   assign  standby: replicated to; voter: first brought up to date in libraft's catch-up rounds, then counted
 *   remove  the leader may remove itself: it leads until the entry is committed, then steps down
 *
 * A change is an entry with the whole new configuration. libraft uses it from the moment it is appended and refuses a
 * second one before the first is committed (single-server changes, Raft dissertation section 4.1).
 */
#include "raft/node_priv.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

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
            role = change->voter ? RAFT_VOTER : RAFT_STANDBY;
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
    /* libraft looks at a round's end only when the member's log has grown: one that lacks nothing would stay in its
     * first round until somebody writes, and be given up. */
    raft_index match = 0;
    if (raft_match_index(&raft->raft, change->id, &match) == 0 && match == pt_raft_log_last(raft->log)) {
        change_submit(raft, change);
        return;
    }
    struct raft_event event = {.type = RAFT_CATCH_UP};
    event.catch_up.server_id = change->id;
    change->catching_up = true;
    (void)pt_raft_feed(raft, &event); /* cannot fail on the leader */
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
    if (!change->catching_up) {
        change_begin(raft, change);
        return;
    }
    int status = RAFT_CATCH_UP_NONE;
    int rv = raft_catch_up(&raft->raft, change->id, &status);
    if (rv != 0 || status == RAFT_CATCH_UP_ABORTED) {
        change_end(change, PT_DEADLINE_EXCEEDED, 0); /* too slow or not there: it stays what it is */
    } else if (status == RAFT_CATCH_UP_FINISHED) {
        change_submit(raft, change);
    }
}

void pt_raft_change_committed(struct pt_raft *raft, uint64_t index)
{
    if (pt_list_empty(&raft->changes)) {
        return;
    }
    struct pt_raft_change *change = PT_CONTAINER(raft->changes.next, struct pt_raft_change, node);
    if (change->index == index) {
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
