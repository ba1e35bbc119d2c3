/*
 * Resume tokens: where in which history a watch stands. The same on every node. Private.
 */
#pragma once

#include "kind/machine.h"

struct pt_position { /* behind this event */
    uint64_t revision;
    uint32_t ordinal; /* PT_ORDINAL_END: behind everything of the revision */
};

/* The store's bounds (store.h): larger numbers do not occur. */
#define PT_ORDINAL_END ((1U << 20) - 1)
#define PT_REVISION_END (UINT64_C(1) << 43)

/* What a token is bound to. */
struct pt_history_id {
    char cluster_id[64]; /* "" before the cluster is founded */
    uint64_t epoch;
};

PT_MUST enum pt_code pt_history_id_read(struct pt_machine_kind *machine, struct pt_history_id *ret_id,
                                        struct pt_error *reterr);
void pt_token_encode(const struct pt_history_id *id, struct pt_position position, struct pt_buf *out);
/* PT_INVALID_ARGUMENT RESUME_TOKEN_INVALID when it is none, or of another cluster; PT_OUT_OF_RANGE HISTORY_COMPACTED
 * when it is of another epoch: the state was restored since. */
PT_MUST enum pt_code pt_token_decode(const struct pt_history_id *id, const char *token,
                                     struct pt_position *ret_position, struct pt_error *reterr);
