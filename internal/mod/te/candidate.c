/*
 * Judging candidates.
 *
 * The lowest order wins: tier, then 0x8000 when the path is held back by its profile, then 0x10000 when nothing is
 * known of it. Dead ones are out; with REQUIRE those that break the profile too. Equal ones share by weight, a flow by
 * its hash.
 */
#include "mod/te/candidate.h"

#include <string.h>

#define TIER_SLA 0x8000U
#define TIER_UNKNOWN 0x10000U
#define OUT UINT32_MAX

static bool breaks(const struct te_candidate *c)
{
    return c->sla_state == PATRONUS__V1__SLA_STATE__BROKEN;
}

static bool held(const struct te_candidate *c)
{
    return breaks(c) || c->sla_state == PATRONUS__V1__SLA_STATE__HELD;
}

static uint32_t order_of(const struct te_candidate *c, bool require)
{
    if (!c->allowed || c->life == TE_LIFE_DEAD || (require && breaks(c))) {
        return OUT;
    }
    return c->tier + (held(c) ? TIER_SLA : 0) + (c->life == TE_LIFE_UNKNOWN ? TIER_UNKNOWN : 0);
}

static const char *reason_of(const struct te_candidate *c, bool require, bool chosen)
{
    return chosen ? "chosen; among several by the flow's hash and their weights"
           : !c->allowed
               ? "not allowed: the rule requires another transport or underlay, or its constraints are not kept"
           : c->life == TE_LIFE_DEAD  ? "dead"
           : require && breaks(c)     ? "not allowed: it breaks the profile that the rule requires"
           : held(c)                  ? "waits: it breaks the profile, or did too recently"
           : c->life != TE_LIFE_ALIVE ? "waits: nothing is known of it yet"
                                      : "waits: another one comes before it";
}

/* What stands between the path and the packet; `first`: nothing else would, because its tier is the best. */
static const char *change_of(const struct te_candidate *c, bool require, bool first, const char *sla,
                             struct pt_arena *arena)
{
    const char *rest = first ? "" : ", and the ones before it are dead or held back";
    if (!c->allowed) {
        return "the rule allows it";
    }
    if (c->life == TE_LIFE_DEAD) {
        return pt_arena_printf(arena, "it is alive again%s", rest);
    }
    if (held(c)) {
        return pt_arena_printf(arena,
                               require && breaks(c) ? "it keeps %s again%s"
                                                    : "it has kept %s for the profile's slow-up and dampening%s",
                               sla[0] != '\0' ? sla : "the profile", rest);
    }
    return c->life != TE_LIFE_ALIVE ? pt_arena_printf(arena, "it is measured as alive%s", rest)
                                    : "the ones before it are dead or held back";
}

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

enum te_outcome te_judge(const struct te_candidate *candidates, size_t len, bool require, const char *sla,
                         struct pt_arena *arena, Patronus__V1__SimulatedPath **ret_paths)
{
    uint32_t best = OUT, best_tier = OUT;
    bool unmet = false;
    for (size_t i = 0; i < len; i++) {
        uint32_t order = order_of(&candidates[i], require);
        best = order < best ? order : best;
        best_tier = order == best && order != OUT ? candidates[i].tier : best_tier;
        unmet = unmet || (candidates[i].allowed && candidates[i].life != TE_LIFE_DEAD && order == OUT);
    }
    for (size_t i = 0; i < len; i++) {
        const struct te_candidate *c = &candidates[i];
        Patronus__V1__SimulatedPath *out = PT_NEW(arena, Patronus__V1__SimulatedPath);
        patronus__v1__simulated_path__init(out);
        out->path = borrow(c->path);
        out->link = borrow(c->link);
        out->weight = c->weight;
        out->tier = c->tier;
        out->measured = c->measured;
        out->alive = c->life == TE_LIFE_ALIVE;
        out->rtt_us = c->rtt_us;
        out->loss_ppm = c->loss_ppm;
        out->jitter_us = c->jitter_us;
        out->mos_100 = c->mos_100;
        out->sla_state = c->sla_state;
        out->chosen = best != OUT && order_of(c, require) == best;
        out->reason = borrow(reason_of(c, require, out->chosen));
        out->change = borrow(out->chosen ? "" : change_of(c, require, c->tier < best_tier, sla, arena));
        ret_paths[i] = out;
    }
    return best != OUT ? TE_OUTCOME_PATH : unmet ? TE_OUTCOME_SLA_UNMET : TE_OUTCOME_NO_PATH;
}
