/*
 * Which nodes can have three edge-disjoint paths at all.
 *
 * Directed disjoint paths can be uncrossed so that no cable is used both ways; hence their number is at most that of
 * the undirected graph whose edges are cables (a link and its reverse, or a link alone). Three need nodes that no
 * bridge and no pair of cables separates. Those cuts show themselves in the cycle space: give each edge outside a
 * spanning forest a random word, and each edge of the forest the sum (xor) of the words of the cycles that it is on. An
 * edge with word 0 is a bridge; edges with equal words are pairwise cuts. Taking one such group of edges away at a
 * time, nodes that fall into different pieces get different numbers.
 *
 * Words come from a fixed sequence: same graph, same answer. Equal words by accident (2^-64 for a pair) would cost a
 * third path, nothing more.
 */
#include "flow/paths_tree.h"

#include <stdlib.h>
#include <string.h>

#define NO_EDGE UINT32_MAX

struct edge {
    uint32_t a, b;
    uint64_t word;
};

struct finding {
    const struct pt_flow_graph *graph;
    struct edge *edges;
    uint32_t edges_len;
    uint32_t *edge_of;          /* by link; NO_EDGE for links that are out */
    uint32_t *parent, *reached; /* forest: edge to the parent; nodes in the order in which they were reached */
    uint32_t reached_len;
    uint64_t *sum;       /* by node: words of its own edges outside the forest, then of its subtree */
    uint64_t *signature; /* by node */
    uint32_t *piece;
};

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

/* A link joins the edge of its first unpaired reverse. */
static void make_edges(struct finding *f, const uint8_t *out)
{
    const struct pt_flow_graph *graph = f->graph;
    for (uint32_t i = 0; i < graph->links_len; i++) {
        const struct pt_flow_link *link = &graph->links[i];
        f->edge_of[i] = NO_EDGE;
        for (uint32_t j = graph->out_first[link->to]; j < graph->out_first[link->to + 1] && !out[i]; j++) {
            uint32_t reverse = graph->out[j];
            if (reverse < i && graph->links[reverse].to == link->from && f->edge_of[reverse] != NO_EDGE &&
                f->edges[f->edge_of[reverse]].word == 0) {
                f->edge_of[i] = f->edge_of[reverse];
                f->edges[f->edge_of[i]].word = 1; /* paired */
                break;
            }
        }
        if (!out[i] && f->edge_of[i] == NO_EDGE) {
            f->edges[f->edges_len] = (struct edge){.a = link->from, .b = link->to};
            f->edge_of[i] = f->edges_len++;
        }
    }
}

/* Reach everything from `start` without edges of the word `cut` (when cutting), along links both ways. */
static void flood(struct finding *f, uint32_t start, uint32_t number, bool cutting, uint64_t cut)
{
    const struct pt_flow_graph *graph = f->graph;
    uint32_t head = f->reached_len;
    f->reached[f->reached_len++] = start;
    f->piece[start] = number;
    for (; head < f->reached_len; head++) {
        uint32_t node = f->reached[head];
        uint32_t outs = graph->out_first[node + 1] - graph->out_first[node];
        uint32_t ins = graph->in_first[node + 1] - graph->in_first[node];
        for (uint32_t i = 0; i < outs + ins; i++) {
            uint32_t link =
                i < outs ? graph->out[graph->out_first[node] + i] : graph->in[graph->in_first[node] + i - outs];
            uint32_t edge = f->edge_of[link];
            uint32_t other = i < outs ? graph->links[link].to : graph->links[link].from;
            if (edge == NO_EDGE || f->piece[other] != UINT32_MAX || (cutting && f->edges[edge].word == cut)) {
                continue;
            }
            f->piece[other] = number;
            f->reached[f->reached_len++] = other;
            if (!cutting) {
                f->parent[other] = edge;
            }
        }
    }
}

static void pieces(struct finding *f, bool cutting, uint64_t cut)
{
    uint32_t number = 0;
    f->reached_len = 0;
    memset(f->piece, 0xff, f->graph->nodes_len * sizeof(f->piece[0]));
    for (uint32_t i = 0; i < f->graph->nodes_len; i++) {
        if (f->piece[i] == UINT32_MAX) {
            flood(f, i, number++, cutting, cut);
        }
    }
    for (uint32_t i = 0; i < f->graph->nodes_len; i++) {
        f->signature[i] = mix(f->signature[i] ^ f->piece[i]);
    }
}

static void give_words(struct finding *f)
{
    PT_AUTO(free) uint8_t *in_forest = calloc((size_t)f->edges_len + 1, 1);
    for (uint32_t i = 0; in_forest != NULL && i < f->graph->nodes_len; i++) {
        if (f->parent[i] != NO_EDGE) {
            in_forest[f->parent[i]] = 1;
        }
    }
    for (uint32_t i = 0; i < f->edges_len; i++) {
        f->edges[i].word = in_forest != NULL && in_forest[i] ? 0 : mix(i) | 1;
        f->sum[f->edges[i].a] ^= f->edges[i].word;
        f->sum[f->edges[i].b] ^= f->edges[i].word;
    }
    for (uint32_t i = f->reached_len; i-- > 0;) { /* children before parents */
        uint32_t node = f->reached[i];
        if (f->parent[node] != NO_EDGE) {
            struct edge *edge = &f->edges[f->parent[node]];
            edge->word = f->sum[node];
            f->sum[edge->a == node ? edge->b : edge->a] ^= f->sum[node];
        }
    }
}

static int compare_words(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Cut along each group of equal words; bridges (word 0) are one group too. */
static bool cut_groups(struct finding *f)
{
    PT_AUTO(free) uint64_t *words = flow_alloc(f->edges_len, sizeof(words[0]));
    if (words == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < f->edges_len; i++) {
        words[i] = f->edges[i].word;
    }
    qsort(words, f->edges_len, sizeof(words[0]), compare_words);
    for (uint32_t i = 0; i < f->edges_len; i++) {
        bool begins = i == 0 || words[i] != words[i - 1];
        bool alone = i + 1 == f->edges_len || words[i + 1] != words[i];
        if (begins && (words[i] == 0 || !alone)) {
            pieces(f, true, words[i]);
        }
    }
    return true;
}

/* Signatures to small numbers would be one more sort; their low halves are as good (a clash costs time, no path). */
static uint32_t *fold(const struct finding *f)
{
    uint32_t *numbers = flow_alloc(f->graph->nodes_len, sizeof(numbers[0]));
    for (uint32_t i = 0; numbers != NULL && i < f->graph->nodes_len; i++) {
        numbers[i] = (uint32_t)f->signature[i];
    }
    return numbers;
}

uint32_t *flow_components(const struct flow_view *view)
{
    const struct pt_flow_graph *graph = view->graph;
    size_t n = graph->nodes_len;
    struct finding f = {.graph = graph};
    f.edges = flow_alloc(graph->links_len, sizeof(f.edges[0]));
    f.edge_of = flow_alloc(graph->links_len, sizeof(f.edge_of[0]));
    f.parent = flow_alloc(n, sizeof(f.parent[0]));
    f.reached = flow_alloc(n, sizeof(f.reached[0]));
    f.sum = flow_alloc(n, sizeof(f.sum[0]));
    f.signature = flow_alloc(n, sizeof(f.signature[0]));
    f.piece = flow_alloc(n, sizeof(f.piece[0]));
    uint32_t *numbers = NULL;
    if (f.edges != NULL && f.edge_of != NULL && f.parent != NULL && f.reached != NULL && f.sum != NULL &&
        f.signature != NULL && f.piece != NULL) {
        make_edges(&f, view->out);
        memset(f.parent, 0xff, n * sizeof(f.parent[0]));
        pieces(&f, false, 0);
        give_words(&f);
        numbers = cut_groups(&f) ? fold(&f) : NULL;
    }
    free(f.edges);
    free(f.edge_of);
    free(f.parent);
    free(f.reached);
    free(f.sum);
    free(f.signature);
    free(f.piece);
    return numbers;
}
