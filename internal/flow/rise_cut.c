/*
 * What is done when nothing can enter the basis: demands are held, paths are closed, and the proof is kept.
 *
 * The lengths of the moment speak of open paths only: a path that an earlier cut has closed may be short by them, and a
 * link that it has locked may have a negative length, since it cannot become less than full. The proof is to hold for
 * every path of the set, by lengths of 0 or more. So those of earlier cuts are added, the latest first, each as often
 * as makes the paths that it closed no shorter than the open ones, and the links that it locked not negative. That
 * costs nothing: by an earlier cut's lengths all that is carried is on shortest paths and all links with a length are
 * full, now as then.
 */
#include "flow/rise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define A_BIT_MORE (1 + 1e-9)

/* ---- lists that grow ------------------------------------------------------------------------------------------- */

/* Room for `more` elements beyond len. */
static bool grow(void **list, size_t size, size_t len, size_t more, size_t *cap)
{
    if (len + more <= *cap) {
        return true;
    }
    size_t wanted = 2 * (len + more);
    void *larger = realloc(*list, wanted * size);
    if (larger == NULL) {
        return false;
    }
    *list = larger;
    *cap = wanted;
    return true;
}

static bool keep_lengths(struct flow_rise *rise)
{
    size_t more = rise->paths->links_len;
    size_t cap = rise->cut_links_cap;
    size_t cap_too = cap;
    if (!grow((void **)&rise->cut_links, sizeof(rise->cut_links[0]), rise->cut_links_len, more, &cap) ||
        !grow((void **)&rise->cut_lengths, sizeof(rise->cut_lengths[0]), rise->cut_links_len, more, &cap_too) ||
        !grow((void **)&rise->cuts, sizeof(rise->cuts[0]), rise->cuts_len, 2, &rise->cuts_cap)) {
        return false;
    }
    rise->cut_links_cap = cap;
    rise->cuts[rise->cuts_len] = (struct flow_cut){rise->cut_links_len, rise->closed_len};
    for (uint32_t i = 0; i < rise->paths->links_len; i++) {
        if (rise->lengths[i] != 0) {
            rise->cut_links[rise->cut_links_len] = i;
            rise->cut_lengths[rise->cut_links_len++] = rise->lengths[i];
        }
    }
    rise->cuts_len++;
    return true;
}

static bool close_path(struct flow_rise *rise, uint32_t e, uint32_t slot, double excess)
{
    if (!grow((void **)&rise->closed, sizeof(rise->closed[0]), rise->closed_len, 1, &rise->closed_cap)) {
        return false;
    }
    rise->closed[rise->closed_len++] = (struct flow_closed){.entry = e, .slot = slot, .excess = excess};
    rise->closed_slot[slot] = 1;
    return true;
}

/* ---- the proof ------------------------------------------------------------------------------------------------- */

/* How often the lengths of a cut have to be added. */
static double times(const struct flow_rise *rise, size_t cut)
{
    double most = 0;
    for (size_t i = rise->cuts[cut].closed_first; i < rise->cuts[cut + 1].closed_first; i++) {
        const struct flow_closed *closed = &rise->closed[i];
        double lacking = flow_basis_length(rise->paths, rise->key[closed->entry], rise->proof) -
                         flow_basis_length(rise->paths, closed->slot, rise->proof);
        if (lacking > most * closed->excess) {
            most = lacking / closed->excess;
        }
    }
    for (size_t i = rise->cuts[cut].first; i < rise->cuts[cut + 1].first; i++) {
        uint32_t link = rise->cut_links[i];
        if (rise->locked_by[link] == cut && -rise->proof[link] > most * rise->cut_lengths[i]) {
            most = -rise->proof[link] / rise->cut_lengths[i];
        }
    }
    return most * A_BIT_MORE;
}

/* rise->proof: lengths that hold for all paths, closed ones too. */
static void prove(struct flow_rise *rise)
{
    memcpy(rise->proof, rise->lengths, rise->paths->links_len * sizeof(double));
    for (size_t cut = rise->cuts_len - 1; cut-- > 0;) {
        double add = times(rise, cut);
        for (size_t i = rise->cuts[cut].first; add > 0 && i < rise->cuts[cut + 1].first; i++) {
            rise->proof[rise->cut_links[i]] += add * rise->cut_lengths[i];
        }
    }
}

/* The first level of a class that holds any of it is what the bound is about. */
static void set_first(struct flow_rise *rise, double mass)
{
    double *lengths = rise->run->result->lengths + (size_t)rise->class_index * rise->paths->links_len;
    for (uint32_t i = 0; mass > 0 && !rise->first_set && i < rise->paths->links_len; i++) {
        lengths[i] = rise->proof[i] > 0 ? rise->proof[i] / mass : 0;
    }
    rise->first_set |= mass > 0;
}

/* The level's lengths to the result, as prices: what the level gains for a unit more of a link. */
static bool keep_level(struct flow_rise *rise, uint32_t held, double mass)
{
    struct pt_flow_levels *levels = &rise->run->result->levels;
    uint32_t links = 0;
    for (uint32_t i = 0; i < rise->paths->links_len; i++) {
        links += rise->proof[i] > 0;
    }
    size_t first = levels->len > 0 ? levels->levels[levels->len].first : 0;
    struct pt_flow_level *longer = realloc(levels->levels, (levels->len + 2) * sizeof(longer[0]));
    levels->levels = longer != NULL ? longer : levels->levels;
    uint32_t *more_links = realloc(levels->links, (first + links + 1) * sizeof(more_links[0]));
    levels->links = more_links != NULL ? more_links : levels->links;
    double *more_lengths = realloc(levels->lengths, (first + links + 1) * sizeof(more_lengths[0]));
    levels->lengths = more_lengths != NULL ? more_lengths : levels->lengths;
    if (longer == NULL || more_links == NULL || more_lengths == NULL) {
        return false;
    }
    longer[levels->len] = (struct pt_flow_level){rise->level, rise->class_index, held, first};
    for (uint32_t i = 0; i < rise->paths->links_len; i++) {
        if (rise->proof[i] > 0) {
            more_links[first] = i;
            more_lengths[first++] = mass > 0 ? rise->proof[i] / mass : rise->proof[i];
        }
    }
    set_first(rise, mass);
    longer[++levels->len] = (struct pt_flow_level){.first = first};
    return true;
}

/* ---- holding --------------------------------------------------------------------------------------------------- */

/* Who waits has to do without whatever has a length; its key path is one without, where there is one. */
static double shortest_of_waiting(struct flow_rise *rise, uint32_t e, const double *prices, uint32_t base)
{
    const struct pt_flow_paths *paths = rise->paths;
    double least = INFINITY;
    for (uint32_t i = paths->entry_first[e]; i < paths->entry_first[e + 1]; i++) {
        double price = prices[paths->entry_steps[i] - base];
        if (!rise->closed_slot[i] && price < least) {
            least = price;
            rise->key[e] = i;
        }
    }
    return least;
}

/* Held at what it carries when its shortest path has a length. Returns whether. */
static bool hold(struct flow_rise *rise, uint32_t e, double shortest, double least)
{
    if (shortest <= least || (rise->state[e] != FLOW_RISE_RISING && rise->state[e] != FLOW_RISE_WAITING)) {
        return false;
    }
    bool rising = rise->state[e] == FLOW_RISE_RISING;
    rise->held[e] = rising ? rise->weight[e] * rise->level : 0;
    rise->state[e] = FLOW_RISE_FIXED;
    rise->rising -= rising;
    rise->run->result->levels.of[rise->paths->entry_demand[e]] = (uint32_t)rise->run->result->levels.len;
    return true;
}

struct holding {
    uint32_t len;
    double mass; /* of weight * shortest, of those that rose */
};

/* False: no memory. */
static bool cut_block(struct flow_rise *rise, size_t b, double least, struct holding *holding)
{
    const struct pt_flow_paths *paths = rise->paths;
    uint32_t base = paths->blocks[b].step;
    const double *prices = flow_table_prices(&rise->table, b, rise->lengths);
    rise->block_open[b] = 0;
    for (uint32_t e = paths->blocks[b].entry; e < paths->blocks[b + 1].entry; e++) {
        if (rise->state[e] == FLOW_RISE_OUT || (rise->state[e] == FLOW_RISE_FIXED && rise->held[e] <= 0)) {
            continue;
        }
        double shortest = rise->state[e] == FLOW_RISE_WAITING ? shortest_of_waiting(rise, e, prices, base)
                                                              : prices[paths->entry_steps[rise->key[e]] - base];
        bool rising = rise->state[e] == FLOW_RISE_RISING;
        if (hold(rise, e, shortest, least)) {
            holding->len++;
            holding->mass += rising ? rise->weight[e] * shortest : 0;
        }
        uint32_t open = 0;
        for (uint32_t i = paths->entry_first[e]; i < paths->entry_first[e + 1]; i++) {
            double excess = prices[paths->entry_steps[i] - base] - shortest;
            if (!rise->closed_slot[i] && excess > least && !close_path(rise, e, i, excess)) {
                return false;
            }
            open += !rise->closed_slot[i];
        }
        rise->block_open[b] += open > 1 ? open : 0;
    }
    return true;
}

bool flow_rise_cut(struct flow_rise *rise)
{
    double least = flow_rise_least(rise);
    struct holding holding = {0};
    for (uint32_t i = 0; i < rise->paths->links_len; i++) {
        rise->lengths[i] = fabs(rise->lengths[i]) > least ? rise->lengths[i] : 0;
        if (rise->lengths[i] > 0 && rise->locked_by[i] == FLOW_RISE_NOT_LOCKED) {
            rise->locked_by[i] = (uint32_t)rise->cuts_len;
        }
    }
    if (!keep_lengths(rise)) {
        return false;
    }
    for (size_t b = 0; b < rise->paths->blocks_len; b++) {
        if (!cut_block(rise, b, least, &holding)) {
            return false;
        }
    }
    rise->cuts[rise->cuts_len] = (struct flow_cut){rise->cut_links_len, rise->closed_len};
    if (holding.len == 0) {
        return true;
    }
    prove(rise);
    return keep_level(rise, holding.len, holding.mass);
}
