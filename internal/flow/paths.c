/*
 * Path sets: the list of pairs, who computes them, and the store they end up in (paths_priv.h says how it looks).
 *
 * Demands are sorted by target: paths to one target share suffixes, so a target is a unit of work, and what one thread
 * makes is a stretch of steps of its own. Pieces are put together in the order of targets: the result does not depend
 * on how work was spread.
 */
#include "flow/paths_priv.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_DEMANDS 64U
#define FAR_AHEAD 24 /* entries, for what lies in another order */

/* ---- life ------------------------------------------------------------------------------------------------------ */

struct pt_flow_paths *flow_paths_new(size_t demands_len, uint32_t links_len)
{
    struct pt_flow_paths *paths = flow_alloc(1, sizeof(*paths));
    if (paths == NULL) {
        return NULL;
    }
    paths->demands_len = demands_len;
    paths->links_len = links_len;
    paths->first = flow_alloc(demands_len + 1, sizeof(paths->first[0]));
    if (paths->first == NULL) {
        free(paths);
        return NULL;
    }
    return paths;
}

void pt_flow_paths_free(struct pt_flow_paths *paths)
{
    if (paths == NULL) {
        return;
    }
    free(paths->first);
    free(paths->slots);
    free(paths->entry_demand);
    free(paths->entry_first);
    free(paths->entry_steps);
    free(paths->entry_origin);
    free(paths->blocks);
    free(paths->steps);
    free(paths);
}

/* ---- steps ----------------------------------------------------------------------------------------------------- */

static bool reserve_steps(struct pt_flow_paths *paths, size_t more)
{
    if (paths->steps_len + more <= paths->steps_cap) {
        return true;
    }
    size_t cap = paths->steps_cap * 2 > paths->steps_len + more ? paths->steps_cap * 2 : paths->steps_len + more;
    if (cap > FLOW_LAST) {
        return false;
    }
    struct flow_step *steps = realloc(paths->steps, cap * sizeof(steps[0]));
    if (steps == NULL) {
        return false;
    }
    paths->steps = steps;
    paths->steps_cap = cap;
    return true;
}

/* Room is reserved. Returns the first step. */
static uint32_t put_path(struct pt_flow_paths *paths, const uint16_t *links, uint32_t len)
{
    uint32_t next = FLOW_LAST;
    for (uint32_t i = len; i-- > 0;) {
        paths->steps[paths->steps_len].link = links[i];
        paths->steps[paths->steps_len].next = next;
        next = (uint32_t)paths->steps_len++;
    }
    return next;
}

void flow_slots_of_entries(struct pt_flow_paths *paths, size_t entry, size_t end)
{
    for (size_t i = entry; i < end; i++) {
        if (i + 2 * FAR_AHEAD < end) { /* demands lie in another order: every one is a cache miss */
            __builtin_prefetch(&paths->slots[paths->first[paths->entry_demand[i + FAR_AHEAD]]], 1);
            __builtin_prefetch(&paths->first[paths->entry_demand[i + 2 * FAR_AHEAD]]);
        }
        uint32_t *to = paths->slots + paths->first[paths->entry_demand[i]];
        for (uint32_t j = paths->entry_first[i]; j < paths->entry_first[i + 1]; j++) {
            *to++ = paths->entry_steps[j];
        }
    }
}

bool flow_slots_from_entries(struct pt_flow_paths *paths)
{
    paths->slots = malloc((paths->slots_len + 1) * sizeof(paths->slots[0]));
    if (paths->slots == NULL) {
        return false;
    }
    memset(paths->first, 0, (paths->demands_len + 1) * sizeof(paths->first[0]));
    for (size_t i = 0; i < paths->demands_len; i++) {
        paths->first[paths->entry_demand[i] + 1] = paths->entry_first[i + 1] - paths->entry_first[i];
    }
    for (size_t i = 0; i < paths->demands_len; i++) {
        paths->first[i + 1] += paths->first[i];
    }
    flow_slots_of_entries(paths, 0, paths->demands_len);
    return true;
}

enum pt_code flow_index_plain(struct pt_flow_paths *paths, struct pt_error *reterr)
{
    size_t len = paths->demands_len;
    paths->entry_demand = flow_alloc(len, sizeof(paths->entry_demand[0]));
    paths->entry_first = flow_alloc(len + 1, sizeof(paths->entry_first[0]));
    paths->entry_steps = flow_alloc(paths->slots_len, sizeof(paths->entry_steps[0]));
    paths->blocks = flow_alloc(len / BLOCK_DEMANDS + 2, sizeof(paths->blocks[0]));
    if (paths->entry_demand == NULL || paths->entry_first == NULL || paths->entry_steps == NULL ||
        paths->blocks == NULL) {
        return flow_no_memory(reterr);
    }
    memcpy(paths->entry_first, paths->first, (len + 1) * sizeof(paths->first[0]));
    memcpy(paths->entry_steps, paths->slots, paths->slots_len * sizeof(paths->slots[0]));
    uint32_t step = 0; /* where the steps of the next demand begin: behind the first step of the newest path so far */
    for (size_t i = 0; i < len; i++) {
        paths->entry_demand[i] = (uint32_t)i;
        if (i % BLOCK_DEMANDS == 0) {
            paths->blocks[paths->blocks_len++] = (struct flow_block){.entry = (uint32_t)i, .step = step};
        }
        if (paths->first[i + 1] > paths->first[i]) {
            step = paths->slots[paths->first[i + 1] - 1] + 1;
        }
    }
    paths->blocks[paths->blocks_len] = (struct flow_block){.entry = (uint32_t)len, .step = (uint32_t)paths->steps_len};
    return PT_OK;
}

/* ---- making ---------------------------------------------------------------------------------------------------- */

enum pt_code flow_unreachable(size_t demand, const struct pt_flow_demand *demands, struct pt_error *reterr)
{
    char field[64];
    snprintf(field, sizeof(field), "demands[%zu]", demand);
    return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, field,
                   "no path leads from node %u to node %u that fits the rules: the graph is disconnected there, or the "
                   "rules leave nothing; add a link, take the demand out, or ask less of paths",
                   demands[demand].from, demands[demand].to);
}

struct making {
    const struct flow_view *view;
    const struct pt_flow_demand *demands;
    struct pt_flow_paths *paths;
    struct flow_search *search;
    uint16_t *links;
    size_t slots_cap;
};

static enum pt_code make_demand(struct making *making, size_t index, struct pt_error *reterr)
{
    const struct pt_flow_demand *demand = &making->demands[index];
    struct pt_flow_paths *paths = making->paths;
    uint32_t lens[PT_FLOW_PATHS_MAX];
    size_t len = flow_search_pair(making->search, demand->from, demand->to, making->links, lens);
    if (len == 0 && !making->view->rules.allow_unreachable) {
        return flow_unreachable(index, making->demands, reterr);
    }
    for (size_t i = 0; i < len; i++) {
        if (!reserve_steps(paths, lens[i])) {
            return flow_no_memory(reterr);
        }
        paths->slots[paths->slots_len++] = put_path(paths, making->links + i * making->view->graph->nodes_len, lens[i]);
    }
    paths->first[index + 1] = (uint32_t)paths->slots_len;
    return PT_OK;
}

static enum pt_code make_all(const struct flow_view *view, const struct pt_flow_demand *demands, size_t demands_len,
                             struct pt_flow_paths *paths, struct pt_error *reterr)
{
    struct making making = {.view = view, .demands = demands, .paths = paths};
    making.search = flow_search_new(view);
    making.links = flow_alloc((size_t)view->graph->nodes_len * view->rules.paths_max, sizeof(making.links[0]));
    paths->slots = flow_alloc(demands_len * view->rules.paths_max, sizeof(paths->slots[0]));
    enum pt_code code = PT_OK;
    if (making.search == NULL || making.links == NULL || paths->slots == NULL) {
        code = flow_no_memory(reterr);
    }
    for (size_t i = 0; code == PT_OK && i < demands_len; i++) {
        code = make_demand(&making, i, reterr);
    }
    flow_search_free(making.search);
    free(making.links);
    return code == PT_OK ? flow_index_plain(paths, reterr) : code;
}

enum pt_code pt_flow_paths_new(const struct pt_flow_graph *graph, const struct pt_flow_rules *rules,
                               const struct pt_flow_demand *demands, size_t demands_len,
                               const struct pt_flow_workers *workers, struct pt_flow_paths **ret_paths,
                               struct pt_error *reterr)
{
    PT_TRY(pt_flow_demands_check(graph, demands, demands_len, reterr));
    struct flow_view view;
    PT_TRY(flow_view_init(&view, graph, rules, reterr));
    struct pt_flow_paths *paths = flow_paths_new(demands_len, graph->links_len);
    enum pt_code code = paths == NULL                 ? flow_no_memory(reterr)
                        : flow_tree_fits(&view.rules) ? flow_tree_make(&view, demands, workers, paths, reterr)
                                                      : make_all(&view, demands, demands_len, paths, reterr);
    flow_view_fini(&view);
    if (code != PT_OK) {
        pt_flow_paths_free(paths);
        return code;
    }
    *ret_paths = paths;
    return PT_OK;
}

enum pt_code pt_flow_paths_update(const struct pt_flow_paths *old, const struct pt_flow_graph *graph,
                                  const struct pt_flow_rules *rules, const struct pt_flow_demand *demands,
                                  size_t demands_len, const uint32_t *changed, size_t changed_len,
                                  const struct pt_flow_workers *workers, struct pt_flow_paths **ret_paths,
                                  struct pt_error *reterr)
{
    pt_assert(old->demands_len == demands_len && old->links_len == graph->links_len);
    struct flow_view view;
    PT_TRY(flow_view_init(&view, graph, rules, reterr));
    if (!flow_update_fits(old, &view, changed, changed_len)) {
        flow_view_fini(&view);
        return pt_flow_paths_new(graph, rules, demands, demands_len, workers, ret_paths, reterr);
    }
    struct pt_flow_paths *paths = flow_paths_new(demands_len, graph->links_len);
    enum pt_code code = paths == NULL ? flow_no_memory(reterr) : flow_update(old, &view, demands, paths, reterr);
    flow_view_fini(&view);
    if (code != PT_OK) {
        pt_flow_paths_free(paths);
        return code;
    }
    *ret_paths = paths;
    return PT_OK;
}

/* ---- paths that the caller chose ------------------------------------------------------------------------------- */

static enum pt_code check_path(const struct pt_flow_graph *graph, const struct pt_flow_demand *demand, size_t index,
                               const uint32_t *links, size_t len, struct pt_error *reterr)
{
    char field[64];
    snprintf(field, sizeof(field), "paths[%zu]", index);
    uint32_t node = demand->from;
    for (size_t i = 0; i < len; i++) {
        if (links[i] >= graph->links_len || graph->links[links[i]].down) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, field,
                           "link %u does not exist or is down", links[i]);
        }
        if (graph->links[links[i]].from != node) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, field,
                           "link %u does not begin at node %u, where the path has got to", links[i], node);
        }
        node = graph->links[links[i]].to;
    }
    if (node != demand->to || len >= graph->nodes_len) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, field,
                       "the path ends at node %u after %zu links; its demand goes to node %u", node, len, demand->to);
    }
    return PT_OK;
}

static enum pt_code take_paths(const struct pt_flow_graph *graph, const struct pt_flow_demand *demands,
                               const uint32_t *owners, const size_t *first, const uint32_t *links, size_t paths_len,
                               struct pt_flow_paths *paths, struct pt_error *reterr)
{
    paths->slots = flow_alloc(paths_len, sizeof(paths->slots[0]));
    PT_AUTO(free) uint16_t *narrow = flow_alloc(graph->nodes_len, sizeof(narrow[0]));
    if (paths->slots == NULL || narrow == NULL || !reserve_steps(paths, first[paths_len] + 1)) {
        return flow_no_memory(reterr);
    }
    for (size_t i = 0; i < paths_len; i++) {
        pt_assert(owners[i] < paths->demands_len && (i == 0 || owners[i] >= owners[i - 1]));
        size_t len = first[i + 1] - first[i];
        PT_TRY(check_path(graph, &demands[owners[i]], i, links + first[i], len, reterr));
        for (size_t j = 0; j < len; j++) {
            narrow[j] = (uint16_t)links[first[i] + j];
        }
        paths->slots[paths->slots_len++] = put_path(paths, narrow, (uint32_t)len);
        paths->first[owners[i] + 1]++;
    }
    for (size_t i = 0; i < paths->demands_len; i++) {
        paths->first[i + 1] += paths->first[i];
    }
    return flow_index_plain(paths, reterr);
}

enum pt_code pt_flow_paths_of(const struct pt_flow_graph *graph, const struct pt_flow_demand *demands,
                              size_t demands_len, const uint32_t *owners, const size_t *first, const uint32_t *links,
                              size_t paths_len, struct pt_flow_paths **ret_paths, struct pt_error *reterr)
{
    PT_TRY(pt_flow_demands_check(graph, demands, demands_len, reterr));
    struct pt_flow_paths *paths = flow_paths_new(demands_len, graph->links_len);
    enum pt_code code = paths == NULL ? flow_no_memory(reterr)
                                      : take_paths(graph, demands, owners, first, links, paths_len, paths, reterr);
    if (code != PT_OK) {
        pt_flow_paths_free(paths);
        return code;
    }
    *ret_paths = paths;
    return PT_OK;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

size_t pt_flow_paths_demands_len(const struct pt_flow_paths *paths)
{
    return paths->demands_len;
}

size_t pt_flow_paths_first(const struct pt_flow_paths *paths, size_t demand)
{
    pt_assert(demand <= paths->demands_len);
    return paths->first[demand];
}

size_t pt_flow_path_links(const struct pt_flow_paths *paths, size_t slot, uint32_t *ret_links, size_t links_max)
{
    pt_assert(slot < paths->slots_len);
    size_t len = 0;
    for (uint32_t step = paths->slots[slot]; step != FLOW_LAST; step = paths->steps[step].next, len++) {
        if (len < links_max) {
            ret_links[len] = paths->steps[step].link;
        }
    }
    return len;
}

size_t pt_flow_paths_hops(const struct pt_flow_paths *paths)
{
    size_t hops = 0;
    for (size_t slot = 0; slot < paths->slots_len; slot++) {
        for (uint32_t step = paths->slots[slot]; step != FLOW_LAST; step = paths->steps[step].next) {
            hops++;
        }
    }
    return hops;
}

size_t pt_flow_paths_size(const struct pt_flow_paths *paths)
{
    return sizeof(*paths) + (paths->demands_len + 1) * sizeof(paths->first[0]) +
           paths->slots_len * sizeof(paths->slots[0]) +
           paths->steps_cap * (sizeof(paths->steps[0].link) + sizeof(paths->steps[0].next));
}
