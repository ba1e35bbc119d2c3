/*
 * Solutions as bytes, in parts that fit into replies.
 *
 * The whole is one serialised Solution: the summary, then links and pairs in their order. It is cut between links or
 * pairs; the summary with any of the parts behind it is a Solution too, and whoever appends the links and the pairs of
 * all parts to those of the first has the whole again. So a reply, and what the leader's loop has to do for it, stays
 * small however large the network is. Pure.
 */
#pragma once

#include "mod/te/ask.h"

#define TE_PACKED_PART_SIZE (1U << 20)             /* a part is at most one link or pair larger */
#define TE_PACKED_WHOLE_SIZE ((4U << 20) - 65536U) /* what clients of gRPC take of a reply unless told otherwise */

struct te_packed {
    uint64_t epoch;
    struct pt_buf data;
    size_t summary_size;
    size_t *ends; /* of the parts, in data */
    size_t parts_len;
};

/* The pass's solution; none: nothing is changed. With more than size_max bytes it is the summary alone, without a part,
 * and so it is when nothing was computed from anything. */
void te_solution_pack(const struct pt_plan_pass *pass, size_t size_max, struct te_packed *ret_packed);
void te_solution_pack_message(const Patronus__V1__Solution *solution, size_t size_max, struct te_packed *ret_packed);
/* The same without its inputs. */
void te_packed_summary(const struct te_packed *packed, struct te_packed *ret_summary);
/* How many of them, the first first, have at most size_max bytes together. */
size_t te_packed_fit(const struct te_packed *const *kept, size_t kept_len, size_t size_max);
void te_packed_fini(struct te_packed *packed);

/* What is asked of the solutions that are kept. */
struct te_packed_question {
    const char *organization; /* only what is its own; NULL: everything */
    uint64_t epoch;           /* only this one; 0: all */
    bool summary;
    uint32_t part; /* of the one with the epoch, from 1; 0: whole, or the summary when that is too large */
};

/* A serialised ListSolutionsResponse. */
void te_packed_answer(const struct te_packed *const *kept, size_t kept_len, const struct te_packed_question *question,
                      struct pt_buf *out);
