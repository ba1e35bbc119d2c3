/*
 * The plain path search: one pair at a time, any rules.
 *
 * Without bounds on delay or loss: distances to the target by Dijkstra over links backwards, then a walk from the
 * source that takes at every node the first link, by index, that lies on a shortest path. That is the path which a
 * breadth-first search from the source finds that looks at links in index order: such a search reaches the nodes of a
 * level in the order of their smallest paths, compared link by link, and a node keeps its first discoverer.
 *
 * With bounds: labels (weight, delay, loss) grow from the source in order of (weight, age); one that an
 * earlier label of its node beats in delay and loss is dropped; the first label at the target is the answer.
 *
 * After each path its links are banned (with srlg_disjoint also those that share a risk group). With shared_too, when
 * nothing is left, links used so far cost more than any path weighs, until that too gives nothing new.
 */
#include "flow/paths_priv.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LABELS_MAX (1U << 18) /* per search; more means bounds that fit too badly: the path counts as not found */

struct label {
    uint64_t weight;
    double delay, loss;
    uint32_t hops, node, parent;
    uint16_t link;
};

struct flow_search {
    const struct flow_view *view;
    uint8_t *banned;        /* by link: on an earlier path, or at risk with one */
    uint8_t *costly;        /* by link: on an earlier path, when sharing is allowed */
    uint64_t *distance;     /* by node, to the target */
    uint32_t *heap, *place; /* binary heap of nodes or labels; place by node, UINT32_MAX when not in it */
    size_t heap_len;
    uint8_t *in_group; /* by risk group */
    struct label *labels;
    size_t labels_len, labels_cap;
    uint32_t *newest; /* by node: its newest label, chained by older[] */
    uint32_t *older;
};

/* ---- view ------------------------------------------------------------------------------------------------------ */

static bool link_is_out(const struct pt_flow_rules *rules, const struct pt_flow_link *link)
{
    return link->down || (link->labels & rules->labels_none) != 0 ||
           (link->labels & rules->labels_all) != rules->labels_all ||
           (rules->labels_any != 0 && (link->labels & rules->labels_any) == 0) || link->capacity < rules->capacity_min;
}

static uint64_t weigh(const struct pt_flow_rules *rules, const struct pt_flow_link *link, double delay_max)
{
    switch (rules->weight) {
    case PT_FLOW_BY_METRIC:
        return (uint64_t)link->metric * FLOW_HOP_UNITS + 1;
    case PT_FLOW_BY_DELAY:
        return (delay_max > 0 ? (uint64_t)(link->delay / delay_max * PT_FLOW_METRIC_MAX) : 0) * FLOW_HOP_UNITS + 1;
    default:
        return 1; /* hops alone: small numbers, which paths_tree.c sorts by counting */
    }
}

enum pt_code flow_view_init(struct flow_view *view, const struct pt_flow_graph *graph,
                            const struct pt_flow_rules *rules, struct pt_error *reterr)
{
    static const struct pt_flow_rules plain;
    *view = (struct flow_view){.graph = graph, .rules = rules != NULL ? *rules : plain};
    if (view->rules.paths_max == 0) {
        view->rules.paths_max = 4;
    }
    if (view->rules.paths_max > PT_FLOW_PATHS_MAX) {
        return pt_fail(reterr, PT_OUT_OF_RANGE, PT_REASON_LIMIT_REACHED, "paths_max",
                       "%u paths for a demand; at most %u are possible", view->rules.paths_max, PT_FLOW_PATHS_MAX);
    }
    view->out = flow_alloc(graph->links_len, sizeof(view->out[0]));
    view->weight = flow_alloc(graph->links_len, sizeof(view->weight[0]));
    view->loss = flow_alloc(graph->links_len, sizeof(view->loss[0]));
    if (view->out == NULL || view->weight == NULL || view->loss == NULL) {
        flow_view_fini(view);
        return flow_no_memory(reterr);
    }
    double delay_max = 0;
    for (uint32_t i = 0; i < graph->links_len; i++) {
        delay_max = graph->links[i].delay > delay_max ? graph->links[i].delay : delay_max;
    }
    uint64_t weight_max = 0;
    for (uint32_t i = 0; i < graph->links_len; i++) {
        const struct pt_flow_link *link = &graph->links[i];
        view->out[i] = link_is_out(&view->rules, link);
        view->loss[i] = -log1p(-link->loss);
        view->weight[i] = weigh(&view->rules, link, delay_max);
        weight_max = view->weight[i] > weight_max ? view->weight[i] : weight_max;
    }
    view->penalty = weight_max * graph->nodes_len;
    return PT_OK;
}

void flow_view_fini(struct flow_view *view)
{
    free(view->out);
    free(view->weight);
    free(view->loss);
    free(view->component);
    *view = (struct flow_view){0};
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

struct flow_search *flow_search_new(const struct flow_view *view)
{
    struct flow_search *search = flow_alloc(1, sizeof(*search));
    if (search == NULL) {
        return NULL;
    }
    size_t nodes_len = view->graph->nodes_len;
    size_t links_len = view->graph->links_len;
    search->view = view;
    search->banned = flow_alloc(links_len, 1);
    search->costly = flow_alloc(links_len, 1);
    search->distance = flow_alloc(nodes_len, sizeof(search->distance[0]));
    search->heap = flow_alloc(nodes_len, sizeof(search->heap[0]));
    search->place = flow_alloc(nodes_len, sizeof(search->place[0]));
    search->newest = flow_alloc(nodes_len, sizeof(search->newest[0]));
    search->in_group = flow_alloc(view->rules.srlg_disjoint ? PT_FLOW_SRLGS_MAX : 0, 1);
    if (search->banned == NULL || search->costly == NULL || search->distance == NULL || search->heap == NULL ||
        search->place == NULL || search->newest == NULL || search->in_group == NULL) {
        flow_search_free(search);
        return NULL;
    }
    return search;
}

void flow_search_free(struct flow_search *search)
{
    if (search == NULL) {
        return;
    }
    free(search->banned);
    free(search->costly);
    free(search->distance);
    free(search->heap);
    free(search->place);
    free(search->newest);
    free(search->in_group);
    free(search->labels);
    free(search->older);
    free(search);
}

/* ---- Dijkstra backwards from the target ------------------------------------------------------------------------ */

static bool nearer(const struct flow_search *search, uint32_t a, uint32_t b)
{
    if (search->distance[a] != search->distance[b]) {
        return search->distance[a] < search->distance[b];
    }
    return a < b;
}

static void heap_up(struct flow_search *search, size_t at)
{
    uint32_t node = search->heap[at];
    while (at > 0 && nearer(search, node, search->heap[(at - 1) / 2])) {
        search->heap[at] = search->heap[(at - 1) / 2];
        search->place[search->heap[at]] = (uint32_t)at;
        at = (at - 1) / 2;
    }
    search->heap[at] = node;
    search->place[node] = (uint32_t)at;
}

static uint32_t heap_take(struct flow_search *search)
{
    uint32_t least = search->heap[0];
    uint32_t node = search->heap[--search->heap_len];
    size_t at = 0;
    search->place[least] = UINT32_MAX;
    if (search->heap_len == 0) {
        return least;
    }
    for (size_t child = 1; child < search->heap_len; child = 2 * at + 1) {
        if (child + 1 < search->heap_len && nearer(search, search->heap[child + 1], search->heap[child])) {
            child++;
        }
        if (!nearer(search, search->heap[child], node)) {
            break;
        }
        search->heap[at] = search->heap[child];
        search->place[search->heap[at]] = (uint32_t)at;
        at = child;
    }
    search->heap[at] = node;
    search->place[node] = (uint32_t)at;
    return least;
}

static uint64_t weight_of(const struct flow_search *search, uint16_t link)
{
    return search->view->weight[link] + (search->costly[link] ? search->view->penalty : 0);
}

static bool usable(const struct flow_search *search, uint16_t link)
{
    return !search->view->out[link] && !search->banned[link];
}

/* Distances to `to` of everything that is nearer than `from`, and of `from`. */
static bool measure(struct flow_search *search, uint32_t from, uint32_t to)
{
    const struct pt_flow_graph *graph = search->view->graph;
    for (uint32_t i = 0; i < graph->nodes_len; i++) {
        search->distance[i] = FLOW_FAR;
        search->place[i] = UINT32_MAX;
    }
    search->distance[to] = 0;
    search->heap[0] = to;
    search->place[to] = 0;
    search->heap_len = 1;
    while (search->heap_len > 0) {
        uint32_t node = heap_take(search);
        if (node == from) {
            return true;
        }
        for (uint32_t i = graph->in_first[node]; i < graph->in_first[node + 1]; i++) {
            uint16_t link = graph->in[i];
            uint32_t before = graph->links[link].from;
            uint64_t distance = search->distance[node] + weight_of(search, link);
            if (usable(search, link) && distance < search->distance[before]) {
                if (search->place[before] == UINT32_MAX) {
                    search->heap[search->heap_len] = before;
                    search->place[before] = (uint32_t)search->heap_len++;
                }
                search->distance[before] = distance;
                heap_up(search, search->place[before]);
            }
        }
    }
    return false;
}

static uint32_t walk(const struct flow_search *search, uint32_t from, uint32_t to, uint16_t *ret_links)
{
    const struct pt_flow_graph *graph = search->view->graph;
    uint32_t len = 0;
    for (uint32_t node = from; node != to;) {
        uint32_t at = graph->out_first[node];
        for (;; at++) {
            pt_assert(at < graph->out_first[node + 1]);
            uint16_t link = graph->out[at];
            uint32_t next = graph->links[link].to;
            if (usable(search, link) && search->distance[next] != FLOW_FAR &&
                search->distance[node] == search->distance[next] + weight_of(search, link)) {
                break;
            }
        }
        ret_links[len++] = graph->out[at];
        node = graph->links[graph->out[at]].to;
    }
    return len;
}

/* ---- labels, for bounds on delay and loss ---------------------------------------------------------------------- */

static bool label_before(const struct label *labels, uint32_t a, uint32_t b)
{
    if (labels[a].weight != labels[b].weight) {
        return labels[a].weight < labels[b].weight;
    }
    return a < b;
}

static bool dominated(const struct flow_search *search, const struct label *label)
{
    for (uint32_t i = search->newest[label->node]; i != UINT32_MAX; i = search->older[i]) {
        const struct label *other = &search->labels[i];
        if (other->weight <= label->weight && other->delay <= label->delay && other->loss <= label->loss) {
            return true;
        }
    }
    return false;
}

/* Room for one label more in labels, older and the heap of labels. */
static bool grow_labels(struct flow_search *search, uint32_t **heap)
{
    if (search->labels_len < search->labels_cap) {
        return true;
    }
    size_t cap = search->labels_cap > 0 ? search->labels_cap * 2 : 256;
    if (cap > LABELS_MAX) {
        return false;
    }
    struct label *labels = realloc(search->labels, cap * sizeof(labels[0]));
    search->labels = labels != NULL ? labels : search->labels;
    uint32_t *older = realloc(search->older, cap * sizeof(older[0]));
    search->older = older != NULL ? older : search->older;
    uint32_t *more = realloc(*heap, cap * sizeof(more[0]));
    *heap = more != NULL ? more : *heap;
    if (labels == NULL || older == NULL || more == NULL) {
        return false;
    }
    search->labels_cap = cap;
    return true;
}

struct label_heap {
    uint32_t *at;
    size_t len;
};

static bool add_label(struct flow_search *search, struct label_heap *heap, const struct label *label)
{
    if (dominated(search, label)) {
        return true;
    }
    if (!grow_labels(search, &heap->at)) {
        return false;
    }
    uint32_t index = (uint32_t)search->labels_len++;
    search->labels[index] = *label;
    search->older[index] = search->newest[label->node];
    search->newest[label->node] = index;
    size_t at = heap->len++;
    while (at > 0 && label_before(search->labels, index, heap->at[(at - 1) / 2])) {
        heap->at[at] = heap->at[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->at[at] = index;
    return true;
}

static uint32_t take_label(const struct flow_search *search, struct label_heap *heap)
{
    uint32_t least = heap->at[0];
    uint32_t last = heap->at[--heap->len];
    size_t at = 0;
    for (size_t child = 1; child < heap->len; child = 2 * at + 1) {
        if (child + 1 < heap->len && label_before(search->labels, heap->at[child + 1], heap->at[child])) {
            child++;
        }
        if (!label_before(search->labels, heap->at[child], last)) {
            break;
        }
        heap->at[at] = heap->at[child];
        at = child;
    }
    if (heap->len > 0) {
        heap->at[at] = last;
    }
    return least;
}

static bool spread(struct flow_search *search, struct label_heap *heap, uint32_t index)
{
    const struct flow_view *view = search->view;
    const struct pt_flow_graph *graph = view->graph;
    uint32_t node = search->labels[index].node;
    for (uint32_t i = graph->out_first[node]; i < graph->out_first[node + 1]; i++) {
        uint16_t link = graph->out[i];
        struct label next = search->labels[index];
        next.weight += weight_of(search, link);
        next.delay += graph->links[link].delay;
        next.loss += view->loss[link];
        next.hops++;
        next.node = graph->links[link].to;
        next.parent = index;
        next.link = link;
        bool fits = (view->rules.delay_max == 0 || next.delay <= view->rules.delay_max) &&
                    (view->rules.loss_max == 0 || -expm1(-next.loss) <= view->rules.loss_max);
        if (fits && usable(search, link) && !add_label(search, heap, &next)) {
            return false;
        }
    }
    return true;
}

static uint32_t find_bounded(struct flow_search *search, uint32_t from, uint32_t to, uint16_t *ret_links)
{
    struct label_heap heap = {0};
    const struct label start = {.node = from, .parent = UINT32_MAX};
    uint32_t len = 0;
    memset(search->newest, 0xff, search->view->graph->nodes_len * sizeof(search->newest[0]));
    search->labels_len = 0;
    search->labels_cap = 0; /* the heap is new: let all three grow together */
    bool fits = add_label(search, &heap, &start);
    while (fits && heap.len > 0) {
        uint32_t index = take_label(search, &heap);
        if (search->labels[index].node == to) {
            len = search->labels[index].hops;
            for (uint32_t i = len; i-- > 0; index = search->labels[index].parent) {
                ret_links[i] = search->labels[index].link;
            }
            break;
        }
        fits = spread(search, &heap, index);
    }
    free(heap.at);
    return len;
}

/* ---- a pair ---------------------------------------------------------------------------------------------------- */

static uint32_t find(struct flow_search *search, uint32_t from, uint32_t to, uint16_t *ret_links)
{
    if (search->view->rules.delay_max > 0 || search->view->rules.loss_max > 0) {
        return find_bounded(search, from, to, ret_links);
    }
    return measure(search, from, to) ? walk(search, from, to, ret_links) : 0;
}

/* Ban or make costly what a path uses, and what shares a risk group with it. */
static void mark(const struct flow_search *search, const uint16_t *links, uint32_t len, uint8_t *marks)
{
    const struct pt_flow_graph *graph = search->view->graph;
    bool risks = false;
    for (uint32_t i = 0; i < len; i++) {
        const struct pt_flow_link *link = &graph->links[links[i]];
        marks[links[i]] = 1;
        for (uint32_t j = 0; search->view->rules.srlg_disjoint && j < link->srlgs_len; j++) {
            search->in_group[link->srlgs[j]] = 1;
            risks = true;
        }
    }
    for (uint32_t i = 0; risks && i < graph->links_len; i++) {
        for (uint32_t j = 0; j < graph->links[i].srlgs_len; j++) {
            marks[i] |= search->in_group[graph->links[i].srlgs[j]];
        }
    }
    for (uint32_t i = 0; risks && i < len; i++) {
        for (uint32_t j = 0; j < graph->links[links[i]].srlgs_len; j++) {
            search->in_group[graph->links[links[i]].srlgs[j]] = 0;
        }
    }
}

static bool known(const uint16_t *paths, const uint32_t *lens, size_t len, size_t stride)
{
    for (size_t i = 0; i < len; i++) {
        if (lens[i] == lens[len] &&
            memcmp(paths + i * stride, paths + len * stride, lens[len] * sizeof(paths[0])) == 0) {
            return true;
        }
    }
    return false;
}

size_t flow_search_pair(struct flow_search *search, uint32_t from, uint32_t to, uint16_t *ret_links, uint32_t *ret_lens)
{
    size_t stride = search->view->graph->nodes_len;
    size_t links_len = search->view->graph->links_len;
    bool sharing = false;
    size_t len = 0;
    memset(search->banned, 0, links_len);
    memset(search->costly, 0, links_len);
    while (len < search->view->rules.paths_max) {
        uint16_t *links = ret_links + len * stride;
        ret_lens[len] = find(search, from, to, links);
        if (ret_lens[len] > 0 && !known(ret_links, ret_lens, len, stride)) {
            mark(search, links, ret_lens[len], sharing ? search->costly : search->banned);
            len++;
            continue;
        }
        if (sharing || !search->view->rules.shared_too || len == 0) {
            break;
        }
        sharing = true;
        memcpy(search->costly, search->banned, links_len);
        memset(search->banned, 0, links_len);
    }
    return len;
}
