/*
 * Graphs: checked once, then immutable. Two adjacency lists (by source, by target) stand beside the links, both in
 * index order, because every search of flow/ promises ties broken by link order.
 */
#include "flow/graph_priv.h"

#include "base/assert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(PT_FLOW_LINKS_MAX <= FLOW_NO_LINK, "a link fits 16 bits");

void *flow_alloc(size_t len, size_t size)
{
    return calloc(len > 0 ? len : 1, size);
}

enum pt_code flow_no_memory(struct pt_error *reterr)
{
    return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, NULL,
                   "not enough memory for this graph and its demands; use fewer demands or paths");
}

/* ---- checks ---------------------------------------------------------------------------------------------------- */

PT_PRINTF(4, 5)
static enum pt_code refuse(struct pt_error *reterr, uint32_t index, const char *member, const char *format, ...)
{
    char field[64];
    char text[256];
    snprintf(field, sizeof(field), "links[%u].%s", index, member);
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, field, "%s", text);
}

static enum pt_code check_link(uint32_t nodes_len, const struct pt_flow_link *link, uint32_t index,
                               struct pt_error *reterr)
{
    if (link->from >= nodes_len) {
        return refuse(reterr, index, "from", "there is no node %u; nodes are 0 to %u", link->from, nodes_len - 1);
    }
    if (link->to >= nodes_len) {
        return refuse(reterr, index, "to", "there is no node %u; nodes are 0 to %u", link->to, nodes_len - 1);
    }
    if (link->from == link->to) {
        return refuse(reterr, index, "to", "a link must not lead from node %u to itself", link->from);
    }
    if (!(link->capacity >= PT_FLOW_CAPACITY_MIN) || link->capacity > PT_FLOW_RATE_MAX) {
        return refuse(reterr, index, "capacity",
                      "is %g; a number above 0 and at most %g is needed (leave out a link "
                      "that carries nothing)",
                      link->capacity, PT_FLOW_RATE_MAX);
    }
    if (!(link->delay >= 0) || link->delay > PT_FLOW_RATE_MAX) {
        return refuse(reterr, index, "delay", "is %g; a number of 0 to %g is needed", link->delay, PT_FLOW_RATE_MAX);
    }
    if (!(link->loss >= 0) || link->loss >= 1) {
        return refuse(reterr, index, "loss", "is %g; a share from 0 to below 1 is needed", link->loss);
    }
    if (link->metric > PT_FLOW_METRIC_MAX) {
        return refuse(reterr, index, "metric", "is %u; at most %u is possible", link->metric, PT_FLOW_METRIC_MAX);
    }
    for (uint32_t i = 0; i < link->srlgs_len; i++) {
        if (link->srlgs[i] >= PT_FLOW_SRLGS_MAX) {
            return refuse(reterr, index, "srlgs", "holds %u; groups are numbered below %u", link->srlgs[i],
                          PT_FLOW_SRLGS_MAX);
        }
    }
    return PT_OK;
}

static enum pt_code check_sizes(uint32_t nodes_len, uint32_t links_len, struct pt_error *reterr)
{
    if (nodes_len == 0 || nodes_len > PT_FLOW_NODES_MAX) {
        return pt_fail(reterr, PT_OUT_OF_RANGE, PT_REASON_LIMIT_REACHED, "nodes", "%u nodes; 1 to %u are possible",
                       nodes_len, PT_FLOW_NODES_MAX);
    }
    if (links_len > PT_FLOW_LINKS_MAX) {
        return pt_fail(reterr, PT_OUT_OF_RANGE, PT_REASON_LIMIT_REACHED, "links", "%u links; at most %u are possible",
                       links_len, PT_FLOW_LINKS_MAX);
    }
    return PT_OK;
}

/* ---- building -------------------------------------------------------------------------------------------------- */

static void copy_links(struct pt_flow_graph *graph, const struct pt_flow_link *links)
{
    uint32_t *pool = graph->srlgs;
    for (uint32_t i = 0; i < graph->links_len; i++) {
        graph->links[i] = links[i];
        graph->links[i].metric = links[i].metric > 0 ? links[i].metric : 1;
        graph->links[i].srlgs = pool;
        for (uint32_t j = 0; j < links[i].srlgs_len; j++) {
            *pool++ = links[i].srlgs[j];
        }
    }
}

/* Counting sort: links stay in index order below each node. */
static void index_links(const struct pt_flow_graph *graph, bool by_source, uint32_t *first, uint16_t *list)
{
    for (uint32_t i = 0; i < graph->links_len; i++) {
        first[(by_source ? graph->links[i].from : graph->links[i].to) + 1]++;
    }
    for (uint32_t node = 0; node < graph->nodes_len; node++) {
        first[node + 1] += first[node];
    }
    for (uint32_t i = graph->links_len; i-- > 0;) {
        uint32_t node = by_source ? graph->links[i].from : graph->links[i].to;
        list[--first[node + 1]] = (uint16_t)i;
    }
    /* Every first[node + 1] has walked back to where the node begins: shift them down again. */
    memmove(first, first + 1, graph->nodes_len * sizeof(first[0]));
    first[graph->nodes_len] = graph->links_len;
}

enum pt_code pt_flow_graph_new(uint32_t nodes_len, const struct pt_flow_link *links, uint32_t links_len,
                               struct pt_flow_graph **ret_graph, struct pt_error *reterr)
{
    PT_TRY(check_sizes(nodes_len, links_len, reterr));
    size_t pool_len = 0;
    for (uint32_t i = 0; i < links_len; i++) {
        PT_TRY(check_link(nodes_len, &links[i], i, reterr));
        pool_len += links[i].srlgs_len;
    }
    struct pt_flow_graph *graph = flow_alloc(1, sizeof(*graph));
    if (graph == NULL) {
        return flow_no_memory(reterr);
    }
    graph->nodes_len = nodes_len;
    graph->links_len = links_len;
    graph->links = flow_alloc(links_len, sizeof(graph->links[0]));
    graph->srlgs = flow_alloc(pool_len, sizeof(graph->srlgs[0]));
    graph->out_first = flow_alloc((size_t)nodes_len + 1, sizeof(graph->out_first[0]));
    graph->in_first = flow_alloc((size_t)nodes_len + 1, sizeof(graph->in_first[0]));
    graph->out = flow_alloc(links_len, sizeof(graph->out[0]));
    graph->in = flow_alloc(links_len, sizeof(graph->in[0]));
    if (graph->links == NULL || graph->srlgs == NULL || graph->out_first == NULL || graph->in_first == NULL ||
        graph->out == NULL || graph->in == NULL) {
        pt_flow_graph_free(graph);
        return flow_no_memory(reterr);
    }
    copy_links(graph, links);
    index_links(graph, true, graph->out_first, graph->out);
    index_links(graph, false, graph->in_first, graph->in);
    *ret_graph = graph;
    return PT_OK;
}

void pt_flow_graph_free(struct pt_flow_graph *graph)
{
    if (graph == NULL) {
        return;
    }
    free(graph->links);
    free(graph->srlgs);
    free(graph->out_first);
    free(graph->in_first);
    free(graph->out);
    free(graph->in);
    free(graph);
}

enum pt_code pt_flow_graph_with(const struct pt_flow_graph *graph, const uint32_t *changed,
                                const struct pt_flow_link *links, size_t changed_len, struct pt_flow_graph **ret_graph,
                                struct pt_error *reterr)
{
    PT_AUTO(free) struct pt_flow_link *all = flow_alloc(graph->links_len, sizeof(all[0]));
    if (all == NULL) {
        return flow_no_memory(reterr);
    }
    memcpy(all, graph->links, graph->links_len * sizeof(all[0]));
    for (size_t i = 0; i < changed_len; i++) {
        pt_assert(changed[i] < graph->links_len);
        pt_assert(links[i].from == all[changed[i]].from && links[i].to == all[changed[i]].to);
        all[changed[i]] = links[i];
    }
    return pt_flow_graph_new(graph->nodes_len, all, graph->links_len, ret_graph, reterr);
}

uint32_t pt_flow_nodes_len(const struct pt_flow_graph *graph)
{
    return graph->nodes_len;
}

uint32_t pt_flow_links_len(const struct pt_flow_graph *graph)
{
    return graph->links_len;
}

const struct pt_flow_link *pt_flow_link_at(const struct pt_flow_graph *graph, uint32_t link)
{
    pt_assert(link < graph->links_len);
    return &graph->links[link];
}

/* ---- demands --------------------------------------------------------------------------------------------------- */

static enum pt_code refuse_demand(struct pt_error *reterr, size_t index, const char *member, const char *text)
{
    char field[64];
    snprintf(field, sizeof(field), "demands[%zu].%s", index, member);
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, field, "%s", text);
}

enum pt_code pt_flow_demands_check(const struct pt_flow_graph *graph, const struct pt_flow_demand *demands, size_t len,
                                   struct pt_error *reterr)
{
    if (len > PT_FLOW_DEMANDS_MAX) {
        return pt_fail(reterr, PT_OUT_OF_RANGE, PT_REASON_LIMIT_REACHED, "demands",
                       "%zu demands; at most %u are possible", len, PT_FLOW_DEMANDS_MAX);
    }
    for (size_t i = 0; i < len; i++) {
        const struct pt_flow_demand *demand = &demands[i];
        if (demand->from >= graph->nodes_len || demand->to >= graph->nodes_len) {
            return refuse_demand(reterr, i, demand->from >= graph->nodes_len ? "from" : "to", "there is no such node");
        }
        if (demand->from == demand->to) {
            return refuse_demand(reterr, i, "to", "a demand must not lead from a node to itself");
        }
        if (!(demand->rate >= 0) || demand->rate > PT_FLOW_RATE_MAX) {
            return refuse_demand(reterr, i, "rate", "a finite number that is not negative is needed");
        }
        if (!(demand->weight >= 0) || demand->weight > PT_FLOW_RATE_MAX) {
            return refuse_demand(reterr, i, "weight", "a finite number that is not negative is needed");
        }
        if (demand->class_index >= PT_FLOW_CLASSES_MAX) {
            return refuse_demand(reterr, i, "class_index", "classes are numbered 0 to 7");
        }
    }
    return PT_OK;
}
