/*
 * The members of a next-hop group as the data plane judges them (bpf/lib/group.h), and in words why each is chosen or
 * not. Pure; for a packet that need not exist, and for what a node recorded.
 */
#pragma once

#include "base/arena.h"
#include "patronus/v1/policy.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum te_life { TE_LIFE_UNKNOWN, TE_LIFE_ALIVE, TE_LIFE_DEAD }; /* as enum pt_abi_path_state */

struct te_candidate {
    const char *path, *link; /* names */
    bool allowed;            /* a member: the rule does not forbid its transport or underlay */
    enum te_life life;
    Patronus__V1__SlaState sla_state; /* UNSPECIFIED: the group asks for no profile */
    uint32_t tier, weight;
    uint32_t rtt_us, loss_ppm, jitter_us, mos_100;
    bool measured;
};

enum te_outcome { TE_OUTCOME_PATH, TE_OUTCOME_NO_PATH, TE_OUTCOME_SLA_UNMET };

/* One message for each candidate, in their order, in the arena. `require`: those that break the profile are not used.
 * `sla` is the profile's name for people, or "". */
enum te_outcome te_judge(const struct te_candidate *candidates, size_t len, bool require, const char *sla,
                         struct pt_arena *arena, Patronus__V1__SimulatedPath **ret_paths);
