/*
 * A controller that is replaced comes back under another raft id at the address that it always had. Its resource is
 * deleted first, but the change of the configuration that follows may fail (a leader that has just begun makes none)
 * and be tried again after the new one has joined: then both are known, and the order below decides whether that ever
 * ends.
 *
 * It decides too whether the cluster lives meanwhile. Of three voters one is dead and deleted, and another one joins in
 * the same moment. Made a voter first, it is one of four of which three are needed, so both old ones and the newcomer:
 * nothing is ever written again if that dies before the dead one is removed. With the dead one gone first it is two of
 * two, then two of three, and nothing depends on the newcomer.
 */
#include "serve/membership.h"

#include <string.h>

static const struct pt_raft_member *member_by_id(const struct pt_raft_member *members, size_t len, uint64_t id)
{
    for (size_t i = 0; i < len; i++) {
        if (members[i].id == id) {
            return &members[i];
        }
    }
    return NULL;
}

static const struct pt_wanted *wanted_by_id(const struct pt_wanted_list *wanted, uint64_t id)
{
    for (size_t i = 0; i < wanted->len; i++) {
        if (wanted->items[i].id == id) {
            return &wanted->items[i];
        }
    }
    return NULL;
}

/* Somebody new has that address. */
static bool awaited(const struct pt_wanted_list *wanted, const struct pt_raft_member *members, size_t len,
                    const char *address)
{
    for (size_t i = 0; i < wanted->len; i++) {
        const struct pt_wanted *item = &wanted->items[i];
        if (member_by_id(members, len, item->id) == NULL && strcmp(item->address, address) == 0) {
            return true;
        }
    }
    return false;
}

static struct pt_membership_change take_away(uint64_t id, uint64_t self)
{
    return (struct pt_membership_change){.step = id == self ? PT_MEMBERSHIP_TRANSFER : PT_MEMBERSHIP_REMOVE, .id = id};
}

static struct pt_membership_change assign(uint64_t id, bool voter, uint64_t self)
{
    return (struct pt_membership_change){
        .step = id == self ? PT_MEMBERSHIP_TRANSFER : PT_MEMBERSHIP_ASSIGN, .id = id, .voter = voter};
}

struct pt_membership_change pt_membership_next(const struct pt_wanted_list *wanted,
                                               const struct pt_raft_member *members, size_t members_len, uint64_t self)
{
    const struct pt_raft_member *gone = NULL;
    for (size_t i = 0; i < members_len; i++) {
        const struct pt_raft_member *member = &members[i];
        const struct pt_wanted *item = wanted_by_id(wanted, member->id);
        bool burden = member->voter && member->silent && member->id != self;
        if (item == NULL && (burden || awaited(wanted, members, members_len, member->address))) {
            return take_away(member->id, self);
        }
        if (item != NULL && burden && !item->voter) {
            return assign(item->id, false, self);
        }
        gone = item == NULL && gone == NULL ? member : gone;
    }
    for (size_t i = 0; i < wanted->len; i++) {
        const struct pt_wanted *item = &wanted->items[i];
        const struct pt_raft_member *member = member_by_id(members, members_len, item->id);
        if (member == NULL) {
            return (struct pt_membership_change){.step = PT_MEMBERSHIP_ADD, .id = item->id, .address = item->address};
        }
        if (member->voter != item->voter || member->spare) {
            return assign(item->id, item->voter, self);
        }
    }
    return gone != NULL ? take_away(gone->id, self) : (struct pt_membership_change){.step = PT_MEMBERSHIP_SETTLED};
}
