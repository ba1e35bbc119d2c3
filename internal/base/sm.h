/*
 * State tables: a lifecycle is a table from state to its legal next states, with an invariant.
 *
 * Draw the states above the table in ASCII. Moving to a state that is not listed is a programmer error and aborts.
 */
#pragma once

#include "base/assert.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pt_sm_state {
    const char *name;
    uint32_t next; /* bit n: state n may follow */
};

struct pt_sm {
    const struct pt_sm_state *states;
    bool (*invariant)(const void *owner, unsigned state); /* may be NULL */
    const void *owner;
    unsigned state;
};

static inline void pt_sm_init(struct pt_sm *sm, const struct pt_sm_state *states,
                              bool (*invariant)(const void *owner, unsigned state), const void *owner, unsigned state)
{
    *sm = (struct pt_sm){.states = states, .invariant = invariant, .owner = owner, .state = state};
}

static inline void pt_sm_move(struct pt_sm *sm, unsigned next)
{
    pt_assert(next < 32 && (sm->states[sm->state].next & (1U << next)) != 0);
    sm->state = next;
    pt_assert(sm->invariant == NULL || sm->invariant(sm->owner, next));
}

static inline const char *pt_sm_name(const struct pt_sm *sm)
{
    return sm->states[sm->state].name;
}
