/*
 * What consensus' configuration lacks of the Controller resources, one change at a time: pure computation, so that its
 * order can be tested without a cluster. members.c carries the changes out.
 */
#pragma once

#include "raft/raft_node.h"

#define PT_MEMBERSHIP_MAX 64

/* A Controller resource that a node has joined under. */
struct pt_wanted {
    uint64_t id; /* raft id */
    bool voter;
    uint64_t priority; /* leader_priority */
    char address[80];  /* host:port of its peer listener */
};

struct pt_wanted_list {
    struct pt_wanted items[PT_MEMBERSHIP_MAX];
    size_t len;
};

enum pt_membership_step {
    PT_MEMBERSHIP_SETTLED,
    PT_MEMBERSHIP_ADD,      /* `id` at `address`, as a spare */
    PT_MEMBERSHIP_ASSIGN,   /* `id` becomes a voter, or a standby */
    PT_MEMBERSHIP_REMOVE,   /* `id` */
    PT_MEMBERSHIP_TRANSFER, /* this node leads and is to lose its vote: the next leader takes it away */
};

struct pt_membership_change {
    enum pt_membership_step step;
    uint64_t id;
    bool voter;
    const char *address; /* borrowed from the list */
};

/* The next change on the way from `members` to `wanted`, as the leader with raft id `self` makes it. Who is new is
 * added before who has left is removed, so that a cluster does not shrink on the way. Two go first: a silent voter that
 * is to be none, for it would only raise what a majority is, and he whose address somebody new has: consensus knows no
 * two members of one address, and a replacement waits for it. */
struct pt_membership_change pt_membership_next(const struct pt_wanted_list *wanted,
                                               const struct pt_raft_member *members, size_t members_len, uint64_t self);
