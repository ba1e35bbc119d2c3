/*
 * Members of one cluster on the simulated clock, network and disk. A test says how many it wants: the first one is
 * founded and started here, the others are as if they had just been installed.
 */
#pragma once

#include "toy.h"

#include "sys/sys_sim.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>

#define MEMBERS_MAX 4
#define MS UINT64_C(1000000)
#define ELECTION_MS 300
#define HEARTBEAT_MS 60

struct member {
    unsigned host;
    uint64_t id;
    struct pt_raft *raft; /* NULL: not started, or crashed */
    struct toy toy;
    uint64_t snapshot_threshold, snapshot_trailing; /* 0: as the library has it */
    char address[32];
    void (*on_lane)(void *context, uint64_t id, struct pt_bytes bytes); /* context: this; NULL: nobody listens */
    void (*on_lane_lost)(void *context, uint64_t id);
};

static struct pt_sim *sim;
static struct member members[MEMBERS_MAX];
static struct pt_log silent = {.level_min = PT_LOG_ERROR};

static inline void member_start(struct member *m)
{
    struct pt_sys *sys = pt_sim_host(sim, m->host);
    m->toy.sys = sys;
    struct pt_raft_options options = {.id = m->id,
                                      .address = m->address,
                                      .directory = "/raft",
                                      .cluster_id = "c-sim",
                                      .machine = toy_machine(&m->toy),
                                      .log = &silent,
                                      .election_timeout_ms = ELECTION_MS,
                                      .heartbeat_ms = HEARTBEAT_MS,
                                      .on_lane = m->on_lane,
                                      .on_lane_lost = m->on_lane_lost,
                                      .lane_context = m,
                                      .snapshot_threshold = m->snapshot_threshold,
                                      .snapshot_trailing = m->snapshot_trailing};
    ck_assert_int_eq(pt_endpoint_parse(m->address, &options.listen, NULL), PT_OK);
    ck_assert_int_eq(pt_raft_open(sys, &options, &m->raft, NULL), PT_OK);
}

static inline void member_crash(struct member *m)
{
    pt_sim_crash(sim, m->host, false);
    pt_raft_abandon(m->raft);
    m->raft = NULL;
    m->toy.leading = false;
}

static inline void members_init(const struct pt_sim_options *options, unsigned len, uint64_t snapshot_threshold,
                                uint64_t snapshot_trailing)
{
    sim = pt_sim_new(options);
    for (unsigned i = 0; i < len; i++) {
        struct member *m = &members[i];
        *m = (struct member){.host = pt_sim_add_host(sim),
                             .id = i + 1,
                             .snapshot_threshold = snapshot_threshold,
                             .snapshot_trailing = snapshot_trailing};
        snprintf(m->address, sizeof m->address, "10.0.0.%u:7000", m->host + 1);
    }
    struct pt_sys *first = pt_sim_host(sim, members[0].host);
    ck_assert_int_eq(pt_raft_bootstrap(first, "/raft", "c-sim", 1, members[0].address, NULL), PT_OK);
    member_start(&members[0]);
}

static inline void members_fini(void)
{
    for (unsigned i = 0; i < MEMBERS_MAX; i++) {
        if (members[i].raft != NULL) {
            member_crash(&members[i]);
        }
        toy_fini(&members[i].toy);
        members[i] = (struct member){.raft = NULL};
    }
    pt_sim_free(sim);
}

static inline void run_ms(uint64_t ms)
{
    uint64_t until = pt_sim_now_ns(sim) + ms * MS;
    while (pt_sim_step(sim, until)) {
    }
}
