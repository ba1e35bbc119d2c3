/*
 * Flows as edges recorded them, in the words of the API. Pure, on a finished pass: it gives names to numbers.
 */
#pragma once

#include "patronus/v1/explain.pb-c.h"
#include "plan/plan.h"

/* Which edge to ask, and what. */
struct te_flow_place {
    const char *edge, *site, *segment; /* names */
    Patronus__V1__FlowQuestion *question;
};

/* Of an ExplainFlowRequest, in the arena. PT_NOT_FOUND, PT_INVALID_ARGUMENT or PT_FAILED_PRECONDITION naming the
 * field. */
PT_MUST enum pt_code te_flow_place(const struct pt_plan_pass *pass, const struct pt_msg *request,
                                   struct pt_arena *arena, struct te_flow_place *ret_place, struct pt_error *reterr);
/* PT_NOT_FOUND when the edge remembers nothing. The answer is borrowed from for as long as the response lives. */
PT_MUST enum pt_code te_flow_explain(const struct pt_plan_pass *pass, const struct te_flow_place *place,
                                     const Patronus__V1__FlowAnswer *answer, struct pt_arena *arena,
                                     Patronus__V1__ExplainFlowResponse **ret_response, struct pt_error *reterr);
/* A dropped packet in the words of the API. */
Patronus__V1__DroppedPacket *te_dropped_packet(const struct pt_plan_pass *pass, const Patronus__V1__DropSample *sample,
                                               struct pt_arena *arena);
