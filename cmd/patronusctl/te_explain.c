/*
 * te solve --explain: the paths of one pair with what they carry, what they cost by the answer's prices, and their
 * narrowest links; and the links whose capacity counts most. A price is what the objective gains for one unit more.
 */
#include "te_solve.h"

#include <stdio.h>

#define SHOWN_LINKS 5

static bool explains(const struct te_solving *solving, size_t demand, uint32_t from, uint32_t to)
{
    return solving->te.demands[demand].from == from && solving->te.demands[demand].to == to;
}

static bool ends_of(const struct te_solving *solving, uint32_t *ret_from, uint32_t *ret_to)
{
    int used = 0;
    return sscanf(solving->options.explain, "%u,%u%n", ret_from, ret_to, &used) == 2 &&
           solving->options.explain[used] == '\0';
}

enum pt_code te_explain_check(const struct te_solving *solving, struct pt_error *reterr)
{
    uint32_t from = 0, to = 0;
    if (!ends_of(solving, &from, &to)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "--explain",
                       "'%.40s' is not a demand; write FROM,TO with two node numbers", solving->options.explain);
    }
    for (size_t d = 0; d < solving->te.demands_len; d++) {
        if (explains(solving, d, from, to)) {
            return PT_OK;
        }
    }
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "--explain",
                   "the file has no demand from %u to %u", from, to);
}

/* ---- paths ----------------------------------------------------------------------------------------------------- */

struct told {
    double price;
    uint32_t worst; /* the most used link */
    double used;    /* its load by capacity */
    size_t len;
};

/* Prices are by class where the answer has several; the demand's own count. */
static struct told look(const struct te_solving *solving, size_t demand, size_t slot, uint32_t *links)
{
    const struct pt_flow_result *result = solving->result;
    uint32_t class_index = solving->te.demands[demand].class_index;
    const double *lengths =
        result->lengths + (class_index < result->classes_len ? (size_t)class_index * result->links_len : 0);
    struct told told = {.len = pt_flow_path_links(solving->paths, slot, links, PT_FLOW_NODES_MAX)};
    for (size_t i = 0; i < told.len; i++) {
        double used = result->loads[links[i]] / pt_flow_link_at(solving->te.graph, links[i])->capacity;
        told.price += lengths[links[i]];
        if (i == 0 || used > told.used) {
            told.worst = links[i];
            told.used = used;
        }
    }
    return told;
}

static void put_nodes(const struct te_solving *solving, const uint32_t *links, size_t len, const char *between)
{
    printf("%u", pt_flow_link_at(solving->te.graph, links[0])->from);
    for (size_t i = 0; i < len; i++) {
        printf("%s%u", between, pt_flow_link_at(solving->te.graph, links[i])->to);
    }
}

static void put_path(const struct te_solving *solving, size_t demand, size_t slot, bool first)
{
    uint32_t links[PT_FLOW_NODES_MAX];
    struct told told = look(solving, demand, slot, links);
    const struct pt_flow_link *worst = pt_flow_link_at(solving->te.graph, told.worst);
    double rate = solving->result->rates[slot];
    if (solving->options.json) {
        printf("%s{\"rate\": %.9g, \"price\": %.9g, \"narrowest\": {\"from\": %u, \"to\": %u, \"utilisation\": %.9g}, "
               "\"nodes\": [",
               first ? "" : ", ", rate, told.price, worst->from, worst->to, told.used);
        put_nodes(solving, links, told.len, ", ");
        printf("]}");
        return;
    }
    printf("  %-12.6g price %-12.6g narrowest %u to %u at %.2f %%, %zu links: ", rate, told.price, worst->from,
           worst->to, told.used * 100, told.len);
    put_nodes(solving, links, told.len, " ");
    printf("\n");
}

static void put_demand(const struct te_solving *solving, size_t demand, bool first)
{
    const struct pt_flow_demand *d = &solving->te.demands[demand];
    if (solving->options.json) {
        printf("%s{\"from\": %u, \"to\": %u, \"class\": %u, \"rate\": %.9g, \"paths\": [", first ? "" : ", ", d->from,
               d->to, d->class_index, d->rate);
    } else {
        printf("demand %u to %u, class %u, rate %.6g, by path:\n", d->from, d->to, d->class_index, d->rate);
    }
    size_t begin = pt_flow_paths_first(solving->paths, demand);
    for (size_t slot = begin; slot < pt_flow_paths_first(solving->paths, demand + 1); slot++) {
        put_path(solving, demand, slot, slot == begin);
    }
    printf("%s", solving->options.json ? "]}" : "");
}

/* ---- links ----------------------------------------------------------------------------------------------------- */

/* Of all classes: the objective gains what each of them does. */
static double price_of(const struct pt_flow_result *result, uint32_t link)
{
    double sum = 0;
    for (uint32_t class = 0; class < result->classes_len; class ++) {
        sum += result->lengths[(size_t) class * result->links_len + link];
    }
    return sum;
}

/* The dearest link after `before` in order of price and index; UINT32_MAX when no other has one. */
static uint32_t next_dearest(const struct te_solving *solving, uint32_t before)
{
    const struct pt_flow_result *result = solving->result;
    uint32_t best = UINT32_MAX;
    double limit = before != UINT32_MAX ? price_of(result, before) : 0;
    for (uint32_t i = 0; i < pt_flow_links_len(solving->te.graph); i++) {
        double price = price_of(result, i);
        bool later = before == UINT32_MAX || price < limit || (!(price > limit) && i > before);
        if (price > 0 && later && (best == UINT32_MAX || price > price_of(result, best))) {
            best = i;
        }
    }
    return best;
}

static void put_dearest(const struct te_solving *solving)
{
    bool json = solving->options.json;
    printf("%s", json ? "], \"prices\": ["
                      : "links whose capacity counts most (price: what the objective gains for one unit more):\n");
    uint32_t link = UINT32_MAX;
    for (int shown = 0; shown < SHOWN_LINKS; shown++) {
        link = next_dearest(solving, link);
        if (link == UINT32_MAX) {
            break;
        }
        const struct pt_flow_link *at = pt_flow_link_at(solving->te.graph, link);
        double price = price_of(solving->result, link), load = solving->result->loads[link];
        if (json) {
            printf("%s{\"from\": %u, \"to\": %u, \"price\": %.9g, \"load\": %.9g, \"capacity\": %.9g}",
                   shown == 0 ? "" : ", ", at->from, at->to, price, load, at->capacity);
        } else {
            printf("  %u to %u: price %.6g, %.6g of %g used\n", at->from, at->to, price, load, at->capacity);
        }
    }
    printf("%s", json ? "]" : "");
}

void te_explain_print(const struct te_solving *solving)
{
    uint32_t from = 0, to = 0;
    bool first = true;
    (void)ends_of(solving, &from, &to); /* has been checked */
    printf("%s", solving->options.json ? ", \"demands\": [" : "");
    for (size_t d = 0; d < solving->te.demands_len; d++) {
        if (explains(solving, d, from, to)) {
            put_demand(solving, d, first);
            first = false;
        }
    }
    put_dearest(solving);
}
