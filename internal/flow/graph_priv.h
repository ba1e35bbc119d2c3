/*
 * What the files of flow/ know of a graph. Private to the folder.
 */
#pragma once

#include "flow/graph.h"

#define FLOW_NO_LINK 0xffffU

struct pt_flow_graph {
    uint32_t nodes_len, links_len;
    struct pt_flow_link *links; /* srlgs point into the pool below */
    uint32_t *srlgs;
    /* Links that leave a node, ascending by index: out[out_first[n]] up to out[out_first[n + 1] - 1]; in alike. */
    uint32_t *out_first, *in_first;
    uint16_t *out, *in;
};

/* Heap memory whose size depends on input: NULL when there is none. len may be 0. */
void *flow_alloc(size_t len, size_t size);
/* PT_EXHAUSTED with a sentence. */
enum pt_code flow_no_memory(struct pt_error *reterr);
