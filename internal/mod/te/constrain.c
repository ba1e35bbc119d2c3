/*
 * What a constraint says of a single link (labels, groups, capacity) takes links away before anything is searched. What
 * it says of the whole path (round trip, loss) makes the best path by metric useless: the best that keeps the bounds
 * may have a worse beginning. So each site keeps, instead of one best way to it, all ways that no other beats in cost,
 * round trip, loss and number of tunnels at once (Martins 1984); a way that breaks a bound is dropped where it breaks
 * it. Ways grow by one tunnel a round, as in search.c.
 *
 * A site keeps LABELS_MAX of them. Where there are more, the costliest goes, but never the quickest nor the cleanest:
 * so that a single bound is always met if it can be, and two bounds nearly always.
 *
 * One search from a site serves all others; a second and a third path to each take a search of their own, which large
 * fabrics (WORK_MAX) go without: there only what the pair has anyway stands behind the first.
 *
 * What was not measured yet counts as 0: after a change of leader traffic is not dropped for want of reports.
 */
#include "mod/te/constrain.h"

#include "base/assert.h"
#include "mod/te/te.h"

#include <stdlib.h>
#include <string.h>

#define LABELS_MAX 64U
#define PENALTY_SHARED 10000000000ULL /* of a link that an earlier path takes */
#define MILLION 1000000U
#define WORK_MAX 20000000U /* tunnels that searches of all pairs look at: some 60 sites in a full mesh */

struct label { /* a way from the source to a site */
    uint64_t cost, rtt_us, loss_ppm;
    size_t tunnel;          /* the last one; TE_NONE at the source */
    uint32_t hops, earlier; /* label of the site before */
};

struct labels {
    struct label items[LABELS_MAX];
    uint32_t len;
};

struct te_constrained {
    const struct te_topology *topology;
    const struct te_fabric *fabric;
    const struct te_constraints *constraints;
    const bool *first;
    size_t from;
    struct labels *all;  /* by site: what was found without links that cost more */
    struct labels *next; /* room for searches with such */
    bool *costly;        /* by link */
};

/* ---- the message ---------------------------------------------------------------------------------------------- */

/* "key" or "key=value" among a link's labels. */
static bool has_label(const struct pt_msg_field *labels, const char *wanted)
{
    size_t size = strcspn(wanted, "=");
    for (size_t i = 0; labels != NULL && i < labels->len; i++) {
        const char *key = pt_msg_str(labels->values[i].message, "key");
        if (strlen(key) == size && memcmp(key, wanted, size) == 0 &&
            (wanted[size] == '\0' || strcmp(pt_msg_str(labels->values[i].message, "value"), &wanted[size + 1]) == 0)) {
            return true;
        }
    }
    return false;
}

/* How many of the labels that a field names the link has. */
static size_t labels_had(const struct te_link *link, const struct pt_msg_field *wanted)
{
    size_t had = 0;
    for (size_t i = 0; wanted != NULL && i < wanted->len; i++) {
        had += has_label(link->labels, (const char *)wanted->values[i].bytes.data) ? 1 : 0;
    }
    return had;
}

static size_t groups_had(const struct te_link *link, const struct pt_msg_field *wanted)
{
    size_t had = 0;
    for (size_t i = 0; wanted != NULL && i < wanted->len; i++) {
        bool found = false;
        for (size_t j = 0; link->groups != NULL && j < link->groups->len; j++) {
            found = found || link->groups->values[j].u64 == wanted->values[i].u64;
        }
        had += found ? 1 : 0;
    }
    return had;
}

static bool link_allowed(const struct te_link *link, const struct pt_msg *message)
{
    const struct pt_msg_field *labels = pt_msg_field(message, "require_labels");
    const struct pt_msg_field *all = pt_msg_field(message, "include_all_groups");
    const struct pt_msg_field *any = pt_msg_field(message, "include_any_groups");
    return labels_had(link, labels) == (labels != NULL ? labels->len : 0) &&
           labels_had(link, pt_msg_field(message, "exclude_labels")) == 0 &&
           groups_had(link, all) == (all != NULL ? all->len : 0) &&
           (any == NULL || any->len == 0 || groups_had(link, any) > 0) &&
           groups_had(link, pt_msg_field(message, "exclude_groups")) == 0;
}

const struct te_constraints *te_constraints_new(const struct te_topology *topology, const struct pt_msg *message,
                                                struct pt_arena *arena)
{
    struct te_constraints *constraints = PT_NEW(arena, struct te_constraints);
    bool *allowed = pt_arena_array(arena, topology->links_len, sizeof(bool));
    for (size_t i = 0; i < topology->links_len; i++) {
        allowed[i] = link_allowed(&topology->links[i], message);
    }
    uint64_t rtt_us = pt_msg_u64(message, "max_latency_us");
    bool bounded = pt_msg_has(message, "max_loss_ppm");
    *constraints = (struct te_constraints){.allowed = allowed,
                                           .capacity_min_bps = pt_msg_u64(message, "min_capacity_bps"),
                                           .rtt_us_max = rtt_us != 0 ? rtt_us : UINT64_MAX,
                                           .loss_ppm_max = bounded ? pt_msg_u64(message, "max_loss_ppm") : UINT64_MAX};
    return constraints;
}

/* ---- what a tunnel adds --------------------------------------------------------------------------------------- */

static uint64_t capacity_of(const struct te_topology *topology, const struct te_tunnel *tunnel)
{
    uint64_t out = topology->links[tunnel->local].capacity_bps;
    uint64_t in = topology->links[tunnel->remote].capacity_in_bps;
    return out < in ? out : in; /* 0: one of them is not known */
}

static uint64_t add_loss(uint64_t a_ppm, uint64_t b_ppm)
{
    return a_ppm + b_ppm - a_ppm * b_ppm / MILLION;
}

static bool tunnel_allowed(const struct te_constraints *constraints, const struct te_topology *topology,
                           const struct te_tunnel *tunnel)
{
    return constraints->allowed[tunnel->local] && constraints->allowed[tunnel->remote] &&
           (constraints->capacity_min_bps == 0 || capacity_of(topology, tunnel) >= constraints->capacity_min_bps);
}

struct te_path_measure te_path_measure(const struct te_topology *topology, const struct te_path *path)
{
    struct te_path_measure sum = {.capacity_bps = UINT64_MAX};
    for (size_t i = 0; i < path->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &topology->tunnels[path->tunnels[i]];
        const struct pt_path_soft *soft = te_measured(topology, te_direct_path(tunnel->id));
        uint64_t capacity = capacity_of(topology, tunnel);
        sum.rtt_us += soft != NULL ? soft->rtt_us : 0;
        sum.loss_ppm = add_loss(sum.loss_ppm, soft != NULL ? soft->loss_seen_ppm : 0);
        sum.capacity_bps = capacity < sum.capacity_bps ? capacity : sum.capacity_bps;
    }
    return sum;
}

/* A transit site goes by a label alone: it takes any of the tunnels to that neighbour that cost least. All of these
 * must be allowed, then; and a tunnel that costs more is none that a packet would take. */
static bool transit_allowed(const struct te_constraints *constraints, const struct te_topology *topology,
                            const struct te_tunnel *tunnel)
{
    for (size_t i = 0; i < topology->fabrics_len; i++) {
        const struct te_fabric *fabric = &topology->fabrics[i];
        for (size_t j = fabric->first[tunnel->from]; j < fabric->first[tunnel->from + 1]; j++) {
            const struct te_tunnel *other = &topology->tunnels[fabric->tunnels[j]];
            if (other->to == tunnel->to &&
                (other->metric < tunnel->metric ||
                 (other->metric == tunnel->metric && !tunnel_allowed(constraints, topology, other)))) {
                return false;
            }
        }
    }
    return true;
}

bool te_constraints_keep(const struct te_constraints *constraints, const struct te_topology *topology,
                         const struct te_path *path)
{
    for (size_t i = 0; i < path->tunnels_len; i++) {
        const struct te_tunnel *tunnel = &topology->tunnels[path->tunnels[i]];
        if (!tunnel_allowed(constraints, topology, tunnel) ||
            (i > 0 && !transit_allowed(constraints, topology, tunnel))) {
            return false;
        }
    }
    struct te_path_measure sum = te_path_measure(topology, path);
    return sum.rtt_us <= constraints->rtt_us_max && sum.loss_ppm <= constraints->loss_ppm_max;
}

/* ---- search --------------------------------------------------------------------------------------------------- */

static bool beats(const struct label *a, const struct label *b)
{
    return a->cost <= b->cost && a->rtt_us <= b->rtt_us && a->loss_ppm <= b->loss_ppm && a->hops <= b->hops;
}

/* The one to leave out of a full list: the costliest of the newest round that is neither the quickest nor the
 * cleanest. Older ones have others behind them. LABELS_MAX: none. */
static uint32_t costliest(const struct labels *labels, uint32_t hops)
{
    uint32_t quickest = 0, cleanest = 0, found = LABELS_MAX;
    for (uint32_t i = 1; i < labels->len; i++) {
        quickest = labels->items[i].rtt_us < labels->items[quickest].rtt_us ? i : quickest;
        cleanest = labels->items[i].loss_ppm < labels->items[cleanest].loss_ppm ? i : cleanest;
    }
    for (uint32_t i = 0; i < labels->len; i++) {
        bool may = labels->items[i].hops == hops && i != quickest && i != cleanest;
        found = may && (found == LABELS_MAX || labels->items[i].cost > labels->items[found].cost) ? i : found;
    }
    return found;
}

static void put_label(struct labels *labels, const struct label *label)
{
    bool quickest = true, cleanest = true;
    for (uint32_t i = 0; i < labels->len; i++) {
        if (beats(&labels->items[i], label)) {
            return;
        }
        quickest = quickest && label->rtt_us < labels->items[i].rtt_us;
        cleanest = cleanest && label->loss_ppm < labels->items[i].loss_ppm;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < labels->len; i++) {
        /* One of an earlier round has fewer tunnels, so that none is beaten that a later one stands on. */
        if (!beats(label, &labels->items[i])) {
            labels->items[kept++] = labels->items[i];
        }
    }
    labels->len = kept;
    if (labels->len < LABELS_MAX) {
        labels->items[labels->len++] = *label;
        return;
    }
    uint32_t out = costliest(labels, label->hops);
    if (out < LABELS_MAX && (quickest || cleanest || label->cost < labels->items[out].cost)) {
        labels->items[out] = *label;
    }
}

/* Is the site already on the way that ends in a label? */
static bool visited(const struct te_constrained *search, const struct labels *all, const struct label *label,
                    size_t site)
{
    while (label->tunnel != TE_NONE) {
        const struct te_tunnel *tunnel = &search->topology->tunnels[label->tunnel];
        if (tunnel->to == site) {
            return true;
        }
        label = &all[tunnel->from].items[label->earlier];
    }
    return site == search->from;
}

static void extend(const struct te_constrained *search, struct labels *all, size_t site, uint32_t index,
                   size_t tunnel_index, const bool *costly)
{
    const struct te_topology *topology = search->topology;
    const struct te_constraints *constraints = search->constraints;
    const struct te_tunnel *tunnel = &topology->tunnels[tunnel_index];
    const struct label *at = &all[site].items[index];
    if (!tunnel_allowed(constraints, topology, tunnel) ||
        (at->hops > 0 && !transit_allowed(constraints, topology, tunnel)) ||
        (at->hops == 0 && search->first != NULL && !search->first[tunnel->local]) ||
        visited(search, all, at, tunnel->to)) {
        return;
    }
    const struct pt_path_soft *soft = te_measured(topology, te_direct_path(tunnel->id));
    struct label label = {.cost = at->cost + tunnel->metric,
                          .rtt_us = at->rtt_us,
                          .loss_ppm = at->loss_ppm,
                          .tunnel = tunnel_index,
                          .hops = at->hops + 1,
                          .earlier = index};
    label.cost += costly != NULL ? PENALTY_SHARED * ((uint64_t)costly[tunnel->local] + costly[tunnel->remote]) : 0;
    if (constraints->rtt_us_max != UINT64_MAX) { /* what is not bounded makes no difference between labels */
        label.rtt_us += soft != NULL ? soft->rtt_us : 0;
    }
    if (constraints->loss_ppm_max != UINT64_MAX) {
        label.loss_ppm = add_loss(label.loss_ppm, soft != NULL ? soft->loss_seen_ppm : 0);
    }
    if (label.rtt_us <= constraints->rtt_us_max && label.loss_ppm <= constraints->loss_ppm_max) {
        put_label(&all[tunnel->to], &label);
    }
}

static void run(const struct te_constrained *search, struct labels *all, const bool *costly)
{
    const struct te_topology *topology = search->topology;
    const struct te_fabric *fabric = search->fabric;
    for (size_t i = 0; i < topology->sites_len; i++) {
        all[i].len = 0;
    }
    all[search->from].items[all[search->from].len++] = (struct label){.tunnel = TE_NONE};
    for (uint32_t hops = 0; hops <= fabric->max_transit; hops++) {
        for (size_t site = 0; site < topology->sites_len; site++) {
            if (hops > 0 && !topology->sites[site].transits) {
                continue;
            }
            for (uint32_t i = 0; i < all[site].len; i++) {
                for (size_t j = fabric->first[site]; all[site].items[i].hops == hops && j < fabric->first[site + 1];
                     j++) {
                    extend(search, all, site, i, fabric->tunnels[j], costly);
                }
            }
        }
    }
}

static bool best_path(const struct te_constrained *search, const struct labels *all, size_t to,
                      struct te_path *ret_path)
{
    const struct te_topology *topology = search->topology;
    const struct label *best = NULL;
    for (uint32_t i = 0; i < all[to].len; i++) {
        best = best == NULL || all[to].items[i].cost < best->cost ? &all[to].items[i] : best;
    }
    if (best == NULL || best->hops == 0) {
        return false;
    }
    struct te_path path = {.tunnels_len = (uint32_t)best->hops};
    uint32_t stack[PT_PATH_STACK_LEN_MAX];
    for (size_t i = path.tunnels_len; i > 0; i--) {
        const struct te_tunnel *tunnel = &topology->tunnels[best->tunnel];
        path.tunnels[i - 1] = (uint32_t)best->tunnel;
        path.metric += tunnel->metric;
        if (i > 1) {
            stack[i - 2] = topology->sites[tunnel->to].label;
        }
        best = &all[tunnel->from].items[best->earlier];
    }
    path.id = te_path_id(topology->tunnels[path.tunnels[0]].id, stack, path.tunnels_len - 1);
    *ret_path = path;
    return true;
}

/* ---- between two sites ---------------------------------------------------------------------------------------- */

struct te_constrained *te_constrained_new(const struct te_topology *topology, const struct te_fabric *fabric,
                                          const struct te_constraints *constraints, size_t from, const bool *first)
{
    pt_assert(fabric->max_transit < PT_PATH_STACK_LEN_MAX);
    struct te_constrained *search = calloc(1, sizeof(*search));
    pt_assert(search != NULL);
    *search = (struct te_constrained){
        .topology = topology, .fabric = fabric, .constraints = constraints, .from = from, .first = first};
    search->all = calloc(topology->sites_len, sizeof(*search->all));
    search->next = calloc(topology->sites_len, sizeof(*search->next));
    search->costly = calloc(topology->links_len, sizeof(bool));
    pt_assert(search->all != NULL && search->next != NULL && (search->costly != NULL || topology->links_len == 0));
    run(search, search->all, NULL);
    return search;
}

void te_constrained_free(struct te_constrained *search)
{
    if (search != NULL) {
        free(search->all);
        free(search->next);
        free(search->costly);
        free(search);
    }
}

bool te_constrained_pair(struct te_constrained *search, size_t to, struct te_pair *ret_pair)
{
    struct te_pair pair = {0};
    memset(search->costly, 0, search->topology->links_len * sizeof(bool));
    bool found = to != search->from && best_path(search, search->all, to, &pair.paths[0]);
    pair.len = found ? 1 : 0;
    uint64_t work = (uint64_t)search->fabric->tunnels_len * search->fabric->members_len * search->fabric->members_len;
    while (found && pair.len < TE_CONSTRAINED_PATHS && work <= WORK_MAX) {
        te_path_mark_costly(search->topology, &pair.paths[pair.len - 1], search->costly);
        struct te_path path;
        run(search, search->next, search->costly);
        if (!best_path(search, search->next, to, &path) || te_pair_holds(&pair, path.id)) {
            break;
        }
        path.disjoint = !te_path_touches(search->topology, &path, search->costly);
        pair.paths[pair.len++] = path;
    }
    for (size_t i = 0; i < pair.len; i++) {
        pair.paths[i].weight = 1;
    }
    if (found) {
        te_pair_set_tiers(&pair);
    }
    *ret_pair = pair;
    return found;
}
