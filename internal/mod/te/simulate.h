/*
 * Questions about steering: what would become of a packet, and which rules can never match. Pure, on a finished pass.
 */
#pragma once

#include "patronus/v1/policy.pb-c.h"
#include "plan/plan.h"

/* What a node reported of a path last. */
struct te_measure {
    bool alive;
    uint32_t rtt_us, loss_ppm, jitter_us, mos_100;
    uint32_t min_rtt_us;                     /* without queues */
    const uint64_t *broken_slas, *held_slas; /* ids of profiles */
    size_t broken_slas_len, held_slas_len;
};
struct te_measures {
    bool (*find)(void *arg, uint64_t path_id, struct te_measure *ret_measure); /* false: nothing */
    void *arg;
};

/* A SimulateSteeringRequest. PT_NOT_FOUND or PT_INVALID_ARGUMENT naming the field. */
PT_MUST enum pt_code te_simulate(const struct pt_plan_pass *pass, const struct te_measures *measures,
                                 const struct pt_msg *request, struct pt_arena *arena,
                                 Patronus__V1__SimulateSteeringResponse **ret_response, struct pt_error *reterr);

/* ---- shadow.c ------------------------------------------------------------------------------------------------- */

/* Rules of an organization's policies that earlier ones keep from ever matching, or that match nothing. */
void te_shadowed(const struct pt_plan_pass *pass, const char *organization, struct pt_arena *arena,
                 Patronus__V1__FindShadowedRulesResponse **ret_response);
/* The same for the segment of a policy, as if it stood in the state in place of the one of its name. The view lives as
 * long as the arena. PT_EXHAUSTED when the segment's rules would be too many. */
PT_MUST enum pt_code te_shadowed_with(struct pt_view *view, const struct pt_msg *policy, struct pt_arena *arena,
                                      Patronus__V1__FindShadowedRulesResponse **ret_response, struct pt_error *reterr);
