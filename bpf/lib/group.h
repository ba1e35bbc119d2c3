/*
 * From a next-hop group to one path.
 *
 *  1. Members whose path is dead are left out.
 *  2. Members whose path is alive come before those of which nothing is known yet: a new path carries traffic at once
 *     when there is no other, and never takes it from one that works.
 *  3. Members that are held back from the group's SLA come after the others; those that break it now are left out if
 * the group requires it.
 *  4. Of those the lowest tier is used.
 *  5. Within it the flow's hash decides, by weight (lib/hash.h).
 */
#pragma once

#include "bpf/lib/hash.h"
#include "bpf/lib/maps.h"

#define PT_TIER_UNKNOWN 0x10000U /* added to the tier of members of unknown state */

/* The path's words, as a bit each for the group's SLA. */
#define PT_SLA_BREAKS 1
#define PT_SLA_HELD 2

PT_INLINE int pt_group_sla_state(const struct pt_abi_group *group, __u32 slot)
{
    if (group->sla == 0) {
        return 0;
    }
    struct pt_abi_path_sla *words = bpf_map_lookup_elem(&pt_path_sla, &slot);
    __u32 bit = (group->sla - 1) & 63;
    return words == NULL ? 0 : (int)(words->breaks >> bit & 1) | (int)(words->held >> bit & 1) << 1;
}

/* Is the path not to be used now for what the group asks? */
PT_INLINE int pt_group_sla_broken(const struct pt_abi_group *group, __u32 slot)
{
    int state = pt_group_sla_state(group, slot);
    return group->flags & PT_GROUP_REQUIRE ? state & PT_SLA_BREAKS : state & PT_SLA_HELD;
}

/* Why there is no choice, instead of a slot: paths are alive, and all break an SLA that the group requires. */
#define PT_GROUP_SLA_UNMET 0xffffffffU

/* The chosen path's slot, 0, or PT_GROUP_SLA_UNMET. */
PT_SUBPROGRAM __u32 pt_group_choose(const struct pt_abi_group *group, __u32 flow)
{
    __u32 best_slot = 0, best_tier = 0xffffffffU, best_weight = 1;
    __u64 best_cost = 0;

    if (group == NULL) {
        return 0;
    }
    for (__u32 i = 0; i < PT_MEMBERS_MAX; i++) {
        if (i >= group->members_len) {
            break;
        }
        const struct pt_abi_member *member = &group->members[i];
        __u32 slot = member->path_slot;
        __u32 *state = bpf_map_lookup_elem(&pt_path_state, &slot);
        if (state == NULL || *state == PT_PATH_DEAD) {
            continue;
        }
        __u32 tier = member->tier + (*state == PT_PATH_ALIVE ? 0 : PT_TIER_UNKNOWN);
        int sla = pt_group_sla_state(group, slot);
        if ((sla & PT_SLA_BREAKS) && (group->flags & PT_GROUP_REQUIRE)) {
            best_slot = best_slot == 0 ? PT_GROUP_SLA_UNMET : best_slot;
            continue;
        }
        tier += sla & PT_SLA_HELD ? PT_TIER_SLA : 0;
        if (tier > best_tier) {
            continue;
        }
        __u64 cost = pt_member_cost(flow, slot);
        if (tier < best_tier || cost * best_weight < best_cost * member->weight) {
            best_slot = slot;
            best_tier = tier;
            best_weight = member->weight;
            best_cost = cost;
        }
    }
    return best_slot;
}
