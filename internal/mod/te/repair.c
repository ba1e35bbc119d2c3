/*
 * The repair of one packet at one node S, towards D, when the set F of links (or a node with all its links) fails:
 *
 *   1. the path that routing will converge to: S = x0, x1 ... xk = D, the shortest without F;
 *   2. cover it by labels: a run xi -> xj needs one label "node xj" when no shortest path of *before* the failure from
 *      xi to xj touches F, whichever of several equal ones the nodes between choose, since these do not know of the
 *      failure; a single step needs the label "link" when even that is not so. The last run, to D, needs none: D's own
 *      label is on the packet. Nor does a first step over one of S's own links.
 *   3. if that takes more labels than the stack holds, the fewest that any way takes are searched for, breadth first.
 *
 * For one link S-E with equal metrics both ways two labels do: with cost c, a node X is outside S's safe set only when
 * d(S,X) = c + d(E,X), and outside D's only when d(X,D) = d(X,S) + c + d(E,D); both at once would make d(X,D) exceed
 * d(X,E) + d(E,D). So along the path the last safe node of S is followed by a node that is safe for D, and
 * {node, link} covers it.
 *
 * "Touches F" is arithmetic on the matrix of distances: link (u,v) lies on a shortest path from a to b exactly when
 * d(a,u) + w + d(v,b) = d(a,b). Because a repair touches nothing of F, a second node beside the failure is never asked
 * to repair it again: repairs make no loop.
 */
#include "mod/te/repair.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define FAR (UINT32_MAX / 4) /* farther than any path, and two of it fit into 32 bits with a metric between */

_Static_assert((uint64_t)TE_REPAIR_NODES_MAX *TE_REPAIR_METRIC_MAX < FAR, "every path is nearer than FAR");

struct heap_item {
    uint32_t distance, node;
};

struct te_repair_planner {
    struct te_repair_graph graph;
    uint32_t *first;    /* by node: index into `out`; nodes_len + 1 long */
    uint32_t *out;      /* links by their start, in order of index */
    uint32_t *twin;     /* by link */
    uint32_t *distance; /* [from * nodes_len + to], before any failure; FAR: none */
    /* scratch */
    struct heap_item *heap; /* links_len + 1 long: each link is relaxed once */
    uint32_t *after;        /* distance from S without F */
    uint32_t *via;          /* link by which the tree reaches a node */
    uint32_t *path;         /* nodes of one path */
    uint32_t *path_links;   /* link into path[i], i > 0 */
    uint32_t *level;        /* of the breadth-first search */
    uint32_t *queue;
    struct te_repair_label *step; /* how the search reached a node */
    uint32_t *step_from;
    bool *down; /* by link: not to be used */
    bool *hit;  /* by destination: affected at S, and not repaired yet */
};

/* ---- shortest paths ------------------------------------------------------------------------------------------- */

static void heap_push(struct heap_item *heap, size_t *len, struct heap_item item)
{
    size_t at = (*len)++;
    while (at > 0 && heap[(at - 1) / 2].distance > item.distance) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = item;
}

static struct heap_item heap_pop(struct heap_item *heap, size_t *len)
{
    struct heap_item top = heap[0];
    struct heap_item item = heap[--*len];
    size_t at = 0;
    for (size_t child = 1; child < *len; child = 2 * at + 1) {
        child += child + 1 < *len && heap[child + 1].distance < heap[child].distance ? 1 : 0;
        if (heap[child].distance >= item.distance) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = item;
    return top;
}

/* From `source`, over links that are not down; via may be NULL. */
static void shortest(struct te_repair_planner *planner, uint32_t source, const bool *down, uint32_t *distance,
                     uint32_t *via)
{
    const struct te_repair_link *links = planner->graph.links;
    for (size_t i = 0; i < planner->graph.nodes_len; i++) {
        distance[i] = FAR;
    }
    distance[source] = 0;
    size_t len = 0;
    heap_push(planner->heap, &len, (struct heap_item){.distance = 0, .node = source});
    while (len > 0) {
        struct heap_item item = heap_pop(planner->heap, &len);
        if (item.distance > distance[item.node]) {
            continue;
        }
        for (uint32_t i = planner->first[item.node]; i < planner->first[item.node + 1]; i++) {
            uint32_t index = planner->out[i];
            uint32_t to = links[index].to;
            uint32_t length = item.distance + links[index].metric;
            if (length < distance[to] && length < FAR && (down == NULL || !down[index])) {
                distance[to] = length;
                if (via != NULL) {
                    via[to] = index;
                }
                heap_push(planner->heap, &len, (struct heap_item){.distance = length, .node = to});
            }
        }
    }
}

/* ---- planner -------------------------------------------------------------------------------------------------- */

static void *new_array(size_t len, size_t size)
{
    void *array = calloc(len + 1, size);
    pt_assert(array != NULL);
    return array;
}

static void index_links(struct te_repair_planner *planner)
{
    const struct te_repair_graph *graph = &planner->graph;
    for (size_t i = 0; i < graph->links_len; i++) {
        planner->first[graph->links[i].from + 1]++;
    }
    for (size_t i = 0; i < graph->nodes_len; i++) {
        planner->first[i + 1] += planner->first[i];
    }
    uint32_t *fill = new_array(graph->nodes_len, sizeof(*fill));
    for (uint32_t i = 0; i < graph->links_len; i++) {
        uint32_t from = graph->links[i].from;
        planner->out[planner->first[from] + fill[from]++] = i;
    }
    free(fill);
}

static void pair_twins(struct te_repair_planner *planner)
{
    const struct te_repair_graph *graph = &planner->graph;
    memset(planner->twin, 0xff, graph->links_len * sizeof(uint32_t)); /* TE_REPAIR_NONE */
    for (uint32_t i = 0; i < graph->links_len; i++) {
        uint32_t to = graph->links[i].to;
        for (uint32_t j = planner->first[to]; planner->twin[i] == TE_REPAIR_NONE && j < planner->first[to + 1]; j++) {
            uint32_t other = planner->out[j];
            if (graph->links[other].to == graph->links[i].from && planner->twin[other] == TE_REPAIR_NONE) {
                planner->twin[i] = other;
                planner->twin[other] = i;
            }
        }
    }
}

static enum pt_code check_graph(const struct te_repair_graph *graph, struct pt_error *reterr)
{
    if (graph->nodes_len > TE_REPAIR_NODES_MAX || graph->links_len > TE_REPAIR_LINKS_MAX) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, NULL,
                       "the graph has %zu nodes and %zu links; repairs are computed for at most %d and %d",
                       graph->nodes_len, graph->links_len, TE_REPAIR_NODES_MAX, TE_REPAIR_LINKS_MAX);
    }
    for (size_t i = 0; i < graph->links_len; i++) {
        const struct te_repair_link *link = &graph->links[i];
        if (link->from >= graph->nodes_len || link->to >= graph->nodes_len || link->from == link->to ||
            link->metric < 1 || link->metric > TE_REPAIR_METRIC_MAX) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                           "link %zu (%u to %u, metric %u): its ends must be two nodes of the graph, its metric 1..%d",
                           i, link->from, link->to, link->metric, TE_REPAIR_METRIC_MAX);
        }
    }
    return PT_OK;
}

enum pt_code te_repair_planner_new(const struct te_repair_graph *graph, struct te_repair_planner **ret_planner,
                                   struct pt_error *reterr)
{
    PT_TRY(check_graph(graph, reterr));
    struct te_repair_planner *planner = new_array(1, sizeof(*planner));
    size_t nodes = graph->nodes_len;
    size_t links = graph->links_len;
    planner->graph = *graph;
    planner->first = new_array(nodes + 1, sizeof(uint32_t));
    planner->out = new_array(links, sizeof(uint32_t));
    planner->twin = new_array(links, sizeof(uint32_t));
    planner->distance = new_array(nodes * nodes, sizeof(uint32_t));
    planner->heap = new_array(links + 1, sizeof(struct heap_item));
    planner->after = new_array(nodes, sizeof(uint32_t));
    planner->via = new_array(nodes, sizeof(uint32_t));
    planner->path = new_array(nodes, sizeof(uint32_t));
    planner->path_links = new_array(nodes, sizeof(uint32_t));
    planner->level = new_array(nodes, sizeof(uint32_t));
    planner->queue = new_array(nodes, sizeof(uint32_t));
    planner->step = new_array(nodes, sizeof(struct te_repair_label));
    planner->step_from = new_array(nodes, sizeof(uint32_t));
    planner->down = new_array(links, sizeof(bool));
    planner->hit = new_array(nodes, sizeof(bool));
    index_links(planner);
    pair_twins(planner);
    for (uint32_t i = 0; i < nodes; i++) {
        shortest(planner, i, NULL, &planner->distance[i * nodes], NULL);
    }
    *ret_planner = planner;
    return PT_OK;
}

void te_repair_planner_free(struct te_repair_planner *planner)
{
    if (planner == NULL) {
        return;
    }
    free(planner->first);
    free(planner->out);
    free(planner->twin);
    free(planner->distance);
    free(planner->heap);
    free(planner->after);
    free(planner->via);
    free(planner->path);
    free(planner->path_links);
    free(planner->level);
    free(planner->queue);
    free(planner->step);
    free(planner->step_from);
    free(planner->down);
    free(planner->hit);
    free(planner);
}

uint32_t te_repair_twin(const struct te_repair_planner *planner, uint32_t link)
{
    return planner->twin[link];
}

/* ---- what touches the failure --------------------------------------------------------------------------------- */

static uint32_t distance_of(const struct te_repair_planner *planner, uint32_t from, uint32_t to)
{
    return planner->distance[(size_t)from * planner->graph.nodes_len + to];
}

/* No shortest path of before the failure from a to b uses one of these links. */
static bool clear_of(const struct te_repair_planner *planner, const uint32_t *links, size_t len, uint32_t a, uint32_t b)
{
    uint32_t direct = distance_of(planner, a, b);
    for (size_t i = 0; i < len; i++) {
        const struct te_repair_link *link = &planner->graph.links[links[i]];
        if (distance_of(planner, a, link->from) + link->metric + distance_of(planner, link->to, b) <= direct) {
            return false;
        }
    }
    return true;
}

/* Packets sent from a with the label "node b" get there by nodes that do not know of the failure. */
static bool safe(const struct te_repair_planner *planner, const struct te_repair_failure *failure, bool risky,
                 uint32_t a, uint32_t b)
{
    if (distance_of(planner, a, b) >= FAR || !clear_of(planner, failure->links, failure->links_len, a, b)) {
        return false;
    }
    if (risky && !clear_of(planner, failure->risky, failure->risky_len, a, b)) {
        return false;
    }
    uint32_t node = failure->node;
    return node == TE_REPAIR_NONE ||
           (node != b && distance_of(planner, a, node) + distance_of(planner, node, b) > distance_of(planner, a, b));
}

/* ---- covering a path ------------------------------------------------------------------------------------------ */

static bool add_label(struct te_repair *repair, struct te_repair_label label)
{
    if (repair->labels_len == TE_REPAIR_LABELS_MAX) {
        return false;
    }
    repair->labels[repair->labels_len++] = label;
    return true;
}

/* Cover path[begin..end] after leaving by `link` (TE_REPAIR_NONE: none), each label as far as it goes. */
static bool cover(const struct te_repair_planner *planner, const struct te_repair_failure *failure, bool risky,
                  size_t begin, size_t end, uint32_t link, struct te_repair *repair)
{
    repair->link = link;
    repair->labels_len = 0;
    size_t at = begin;
    while (!safe(planner, failure, risky, planner->path[at], planner->path[end])) {
        size_t far = at + 1;
        for (size_t i = end - 1; i > at; i--) {
            if (safe(planner, failure, risky, planner->path[at], planner->path[i])) {
                far = i;
                break;
            }
        }
        struct te_repair_label label = {.node = planner->path[far], .link = TE_REPAIR_NONE};
        if (far == at + 1 && !safe(planner, failure, risky, planner->path[at], planner->path[far])) {
            label = (struct te_repair_label){.node = TE_REPAIR_NONE, .link = planner->path_links[far]};
        }
        at = far;
        if (!add_label(repair, label)) {
            return false;
        }
        if (at == end) {
            return true; /* by a link: the destination's own label is not needed, but harmless */
        }
    }
    return true;
}

/* ---- the fewest labels, along any way ------------------------------------------------------------------------- */

static void reach(struct te_repair_planner *planner, uint32_t from, uint32_t to, struct te_repair_label step,
                  size_t *queue_len)
{
    if (planner->level[to] == TE_REPAIR_NONE) {
        planner->level[to] = planner->level[from] + 1;
        planner->step[to] = step;
        planner->step_from[to] = from;
        planner->queue[(*queue_len)++] = to;
    }
}

/* Breadth first from S: one step is one label. Fills level, step and step_from. */
static void search_labels(struct te_repair_planner *planner, const struct te_repair_failure *failure, bool risky,
                          uint32_t source)
{
    memset(planner->level, 0xff, planner->graph.nodes_len * sizeof(uint32_t)); /* TE_REPAIR_NONE */
    planner->level[source] = 0;
    planner->queue[0] = source;
    size_t queue_len = 1;
    for (size_t head = 0; head < queue_len; head++) {
        uint32_t from = planner->queue[head];
        for (uint32_t to = 0; to < planner->graph.nodes_len; to++) {
            if (to != from && safe(planner, failure, risky, from, to)) {
                reach(planner, from, to, (struct te_repair_label){.node = to, .link = TE_REPAIR_NONE}, &queue_len);
            }
        }
        for (uint32_t i = planner->first[from]; i < planner->first[from + 1]; i++) {
            uint32_t link = planner->out[i];
            if (!planner->down[link]) {
                reach(planner, from, planner->graph.links[link].to,
                      (struct te_repair_label){.node = TE_REPAIR_NONE, .link = link}, &queue_len);
            }
        }
    }
}

static bool fewest(struct te_repair_planner *planner, const struct te_repair_failure *failure, bool risky,
                   struct te_repair *repair)
{
    search_labels(planner, failure, risky, repair->at);
    uint32_t level = planner->level[repair->destination];
    struct te_repair_label labels[TE_REPAIR_LABELS_MAX + 2];
    if (level > TE_REPAIR_LABELS_MAX + 2) { /* TE_REPAIR_NONE too */
        return false;
    }
    size_t len = level;
    for (uint32_t node = repair->destination; node != repair->at; node = planner->step_from[node]) {
        labels[--level] = planner->step[node];
    }
    size_t begin = 0;
    repair->link = TE_REPAIR_NONE;
    if (labels[0].node == TE_REPAIR_NONE) {
        repair->link = labels[0].link;
        begin = 1;
    }
    size_t end = len > begin && labels[len - 1].node == repair->destination ? len - 1 : len;
    if (end - begin > TE_REPAIR_LABELS_MAX) {
        return false;
    }
    repair->labels_len = (uint32_t)(end - begin);
    memcpy(repair->labels, &labels[begin], (end - begin) * sizeof(labels[0]));
    return true;
}

/* ---- one failure ---------------------------------------------------------------------------------------------- */

static void set_down(struct te_repair_planner *planner, const struct te_repair_failure *failure, bool down)
{
    for (size_t i = 0; i < failure->links_len; i++) {
        planner->down[failure->links[i]] = down;
    }
    for (uint32_t i = 0; failure->node != TE_REPAIR_NONE && i < planner->graph.links_len; i++) {
        const struct te_repair_link *link = &planner->graph.links[i];
        if (link->from == failure->node || link->to == failure->node) {
            planner->down[i] = down;
        }
    }
}

static void set_risky_down(struct te_repair_planner *planner, const struct te_repair_failure *failure, bool down)
{
    for (size_t i = 0; i < failure->risky_len; i++) {
        planner->down[failure->risky[i]] = down;
    }
}

/* The path that the tree `via` takes to the destination; returns the index of its last node. */
static size_t walk(struct te_repair_planner *planner, const struct te_repair *repair)
{
    size_t len = 0;
    for (uint32_t node = repair->destination; node != repair->at;
         node = planner->graph.links[planner->via[node]].from) {
        len++;
    }
    size_t at = len;
    planner->path[0] = repair->at;
    for (uint32_t node = repair->destination; at > 0; at--) {
        planner->path[at] = node;
        planner->path_links[at] = planner->via[node];
        node = planner->graph.links[planner->via[node]].from;
    }
    return len;
}

static void repair_one(struct te_repair_planner *planner, const struct te_repair_failure *failure, bool risky,
                       struct te_repair *repair)
{
    size_t end = walk(planner, repair);
    struct te_repair direct = *repair;
    /* Over one of S's own links first, or by a label from S: whichever takes fewer. */
    bool by_link = cover(planner, failure, risky, 1, end, planner->path_links[1], &direct);
    repair->repaired = cover(planner, failure, risky, 0, end, TE_REPAIR_NONE, repair);
    if (by_link && (!repair->repaired || direct.labels_len <= repair->labels_len)) {
        *repair = direct;
        repair->repaired = true;
    }
    repair->repaired = repair->repaired || fewest(planner, failure, risky, repair);
}

/* Does S send packets for D across the failure? */
static bool affected(const struct te_repair_planner *planner, const struct te_repair_failure *failure, uint32_t at,
                     uint32_t destination)
{
    uint32_t direct = distance_of(planner, at, destination);
    for (uint32_t i = planner->first[at]; i < planner->first[at + 1]; i++) {
        const struct te_repair_link *link = &planner->graph.links[planner->out[i]];
        if (planner->down[planner->out[i]] && (failure->node == TE_REPAIR_NONE || link->to == failure->node) &&
            link->metric + distance_of(planner, link->to, destination) == direct) {
            return true;
        }
    }
    return false;
}

/* Those of `hit` that the graph without the failure (and, risky, without what shares its risk) still reaches. */
static void repair_node(struct te_repair_planner *planner, const struct te_repair_failure *failure, uint32_t at,
                        struct te_repair *repairs, bool risky)
{
    if (risky) {
        set_risky_down(planner, failure, true);
    }
    shortest(planner, at, planner->down, planner->after, planner->via);
    for (uint32_t to = 0; to < planner->graph.nodes_len; to++) {
        if (planner->hit[to] && planner->after[to] < FAR) {
            struct te_repair repair = {.at = at, .destination = to, .reachable = true};
            repair_one(planner, failure, risky, &repair);
            repair.disjoint = repair.repaired && (risky || failure->risky_len == 0);
            if (repair.repaired || !risky) {
                planner->hit[to] = false;
                repairs[to] = repair;
            }
        }
    }
    if (risky) {
        set_risky_down(planner, failure, false);
        set_down(planner, failure, true); /* a risky link may be a failed one too */
    }
}

/* Is the failure at one of the node's own links, and for which destinations does that matter? Fills hit. */
static bool mark_affected(struct te_repair_planner *planner, const struct te_repair_failure *failure, uint32_t at)
{
    bool beside = false;
    for (uint32_t i = planner->first[at]; i < planner->first[at + 1]; i++) {
        beside = beside || planner->down[planner->out[i]];
    }
    bool any = false;
    for (uint32_t to = 0; beside && to < planner->graph.nodes_len; to++) {
        planner->hit[to] = to != at && to != failure->node && affected(planner, failure, at, to);
        any = any || planner->hit[to];
    }
    return any;
}

void te_repair_plan(struct te_repair_planner *planner, const struct te_repair_failure *failure,
                    void (*fn)(void *arg, const struct te_repair *repair), void *arg)
{
    size_t nodes = planner->graph.nodes_len;
    struct te_repair *repairs = new_array(nodes, sizeof(*repairs));
    bool *concerned = new_array(nodes, sizeof(bool));
    set_down(planner, failure, true);
    for (uint32_t at = 0; at < nodes; at++) {
        if (at == failure->node || !mark_affected(planner, failure, at)) {
            continue;
        }
        memcpy(concerned, planner->hit, nodes * sizeof(bool));
        for (uint32_t to = 0; to < nodes; to++) {
            repairs[to] = (struct te_repair){.at = at, .destination = to};
        }
        if (failure->risky_len > 0) {
            repair_node(planner, failure, at, repairs, true);
        }
        repair_node(planner, failure, at, repairs, false);
        for (uint32_t to = 0; to < nodes; to++) {
            if (concerned[to]) {
                fn(arg, &repairs[to]);
            }
        }
    }
    set_down(planner, failure, false);
    free(concerned);
    free(repairs);
}
