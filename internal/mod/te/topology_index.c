/*
 * What the stages look up for each pair of sites, ordered once: the tunnels that leave a site, and the links of a risk
 * group. Going through all of either for every pair is what a large fabric's pass would be made of.
 */
#include "mod/te/topology.h"

#include <stdlib.h>

static int compare_risks(const void *a, const void *b)
{
    const struct te_risk *x = a;
    const struct te_risk *y = b;
    return x->srlg != y->srlg ? (x->srlg < y->srlg ? -1 : 1) : x->link != y->link ? (x->link < y->link ? -1 : 1) : 0;
}

static void index_risks(struct te_topology *topology)
{
    size_t len = 0;
    for (size_t i = 0; i < topology->links_len; i++) {
        len += topology->links[i].srlgs_len;
    }
    topology->risks = pt_arena_array(topology->arena, len + 1, sizeof(topology->risks[0]));
    for (size_t i = 0; i < topology->links_len; i++) {
        for (size_t j = 0; j < topology->links[i].srlgs_len; j++) {
            topology->risks[topology->risks_len++] = (struct te_risk){.srlg = topology->links[i].srlgs[j], .link = i};
        }
    }
    if (len > 0) {
        qsort(topology->risks, len, sizeof(topology->risks[0]), compare_risks);
    }
}

static void index_tunnels(struct te_topology *topology)
{
    size_t n = topology->sites_len;
    topology->leaving = pt_arena_array(topology->arena, topology->tunnels_len + 1, sizeof(size_t));
    topology->leaving_first = pt_arena_array(topology->arena, n + 2, sizeof(size_t));
    for (size_t i = 0; i < topology->tunnels_len; i++) {
        topology->leaving_first[topology->tunnels[i].from + 2]++;
    }
    for (size_t site = 0; site < n; site++) {
        topology->leaving_first[site + 2] += topology->leaving_first[site + 1];
    }
    for (size_t i = 0; i < topology->tunnels_len; i++) { /* afterwards leaving_first[site + 1] is where the site ends */
        topology->leaving[topology->leaving_first[topology->tunnels[i].from + 1]++] = i;
    }
}

void te_topology_index(struct te_topology *topology)
{
    index_risks(topology);
    index_tunnels(topology);
}

void te_link_mark_risks(const struct te_topology *topology, size_t link, bool *marks)
{
    marks[link] = true;
    for (size_t i = 0; i < topology->links[link].srlgs_len; i++) {
        uint32_t srlg = topology->links[link].srlgs[i];
        size_t low = 0;
        for (size_t high = topology->risks_len; low < high;) {
            size_t middle = low + (high - low) / 2;
            if (topology->risks[middle].srlg < srlg) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        for (; low < topology->risks_len && topology->risks[low].srlg == srlg; low++) {
            marks[topology->risks[low].link] = true;
        }
    }
}
