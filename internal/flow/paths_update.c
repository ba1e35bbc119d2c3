/*
 * Path sets after links went down.
 *
 * Paths that still work stay what they are, so that what is carried on them need not move; those that lead over a link
 * that is gone are dropped; and a demand that has none left gets new ones as if from the beginning. One pass over the
 * steps tells which suffixes are dead. Targets with demands to serve anew are walked as in paths_tree.c, but only along
 * the ways to those demands.
 *
 * Any other change (a link comes up, or gets better) may give every demand a better path: then all is made anew.
 */
#include "flow/paths_tree.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct updating {
    const struct pt_flow_paths *old;
    const struct pt_flow_demand *demands;
    struct flow_view *view;
    struct flow_part part;
    struct pt_flow_paths *paths;
    uint8_t *dead; /* by step of the old set */
};

bool flow_update_fits(const struct pt_flow_paths *old, const struct flow_view *view, const uint32_t *changed,
                      size_t changed_len)
{
    bool fits = old->by_target && flow_tree_fits(&view->rules);
    for (size_t i = 0; i < changed_len; i++) {
        fits = fits && view->out[changed[i]];
    }
    return fits;
}

static bool make_room(struct updating *u)
{
    const struct pt_flow_paths *old = u->old;
    struct pt_flow_paths *paths = u->paths;
    size_t slots_max = old->slots_len + old->demands_len * u->view->rules.paths_max;
    paths->by_target = true;
    paths->origin = old;
    paths->steps_cap = old->steps_len + old->steps_len / 8 + 1024;
    paths->steps = malloc(paths->steps_cap * sizeof(paths->steps[0]));
    paths->entry_demand = malloc((old->demands_len + 1) * sizeof(paths->entry_demand[0]));
    paths->entry_first = malloc((old->demands_len + 1) * sizeof(paths->entry_first[0]));
    paths->entry_steps = malloc((slots_max + 1) * sizeof(paths->entry_steps[0]));
    paths->entry_origin = malloc((slots_max + 1) * sizeof(paths->entry_origin[0]));
    paths->blocks = malloc((old->blocks_len + 1) * sizeof(paths->blocks[0]));
    u->dead = malloc(old->steps_len + 1);
    return paths->steps != NULL && paths->entry_demand != NULL && paths->entry_first != NULL &&
           paths->entry_steps != NULL && paths->entry_origin != NULL && paths->blocks != NULL && u->dead != NULL &&
           slots_max < FLOW_LAST;
}

static bool reserve_steps(struct pt_flow_paths *paths, size_t more)
{
    if (paths->steps_len + more <= paths->steps_cap) {
        return true;
    }
    size_t cap = paths->steps_cap + paths->steps_cap / 2 + more;
    struct flow_step *steps = cap < FLOW_LAST ? realloc(paths->steps, cap * sizeof(steps[0])) : NULL;
    if (steps == NULL) {
        return false;
    }
    paths->steps = steps;
    paths->steps_cap = cap;
    return true;
}

static void find_dead(const struct updating *u)
{
    const struct flow_step *steps = u->old->steps;
    for (size_t i = 0; i < u->old->steps_len; i++) {
        uint8_t behind = steps[i].next == FLOW_LAST ? 0 : u->dead[steps[i].next];
        u->dead[i] = behind | u->view->out[steps[i].link];
    }
}

static void add_steps(struct pt_flow_paths *paths, const struct flow_step *steps, size_t len, uint32_t offset)
{
    struct flow_step *to = paths->steps + paths->steps_len;
    for (size_t i = 0; i < len; i++) {
        to[i].link = steps[i].link;
        to[i].next = steps[i].next != FLOW_LAST ? steps[i].next + offset : FLOW_LAST;
    }
    paths->steps_len += len;
}

/* Entries of a block that keep paths; the others become wanted. Returns how many those are. */
static size_t mark_lost(struct updating *u, const struct flow_block *block)
{
    const struct pt_flow_paths *old = u->old;
    size_t lost = 0;
    memset(u->part.wanted, FLOW_UNWANTED, u->view->graph->nodes_len);
    memset(u->part.found, 0, u->view->graph->nodes_len);
    for (uint32_t e = block->entry; e < block[1].entry; e++) {
        bool alive = false;
        for (uint32_t i = old->entry_first[e]; i < old->entry_first[e + 1]; i++) {
            alive |= !u->dead[old->entry_steps[i]];
        }
        if (!alive) {
            u->part.wanted[u->demands[old->entry_demand[e]].from] = FLOW_WANTED;
            u->part.target = u->demands[old->entry_demand[e]].to;
            lost++;
        }
    }
    return lost;
}

static void take_entry(struct updating *u, uint32_t e, uint32_t offset, uint32_t new_offset)
{
    const struct pt_flow_paths *old = u->old;
    struct pt_flow_paths *paths = u->paths;
    size_t first = paths->slots_len;
    paths->entry_demand[e] = old->entry_demand[e];
    paths->entry_first[e] = (uint32_t)first;
    for (uint32_t i = old->entry_first[e]; i < old->entry_first[e + 1]; i++) {
        if (!u->dead[old->entry_steps[i]]) {
            paths->entry_origin[paths->slots_len] = i;
            paths->entry_steps[paths->slots_len++] = old->entry_steps[i] + offset;
        }
    }
    uint32_t source = u->demands[old->entry_demand[e]].from;
    if (paths->slots_len == first) {
        const uint32_t *heads = u->part.heads + (size_t)source * u->view->rules.paths_max;
        for (uint8_t i = 0; i < u->part.found[source]; i++) {
            paths->entry_origin[paths->slots_len] = UINT32_MAX;
            paths->entry_steps[paths->slots_len++] = heads[i] + new_offset;
        }
        if (paths->slots_len == first && old->entry_demand[e] < u->part.lost) {
            u->part.lost = old->entry_demand[e];
        }
    }
}

static bool take_block(struct updating *u, size_t b)
{
    const struct flow_block *block = &u->old->blocks[b];
    struct pt_flow_paths *paths = u->paths;
    size_t len = block[1].step - block->step;
    uint32_t offset = (uint32_t)paths->steps_len - block->step;
    uint32_t new_offset = (uint32_t)(paths->steps_len + len);
    paths->blocks[b] = (struct flow_block){.entry = block->entry, .step = (uint32_t)paths->steps_len};
    u->part.steps_len = 0;
    if (mark_lost(u, block) > 0) {
        flow_part_target(&u->part);
    }
    if (u->part.exhausted || !reserve_steps(paths, len + u->part.steps_len)) {
        return false;
    }
    add_steps(paths, u->old->steps + block->step, len, offset);
    add_steps(paths, u->part.steps, u->part.steps_len, new_offset);
    for (uint32_t e = block->entry; e < block[1].entry; e++) {
        take_entry(u, e, offset, new_offset);
    }
    return true;
}

static enum pt_code take_all(struct updating *u, struct pt_error *reterr)
{
    struct pt_flow_paths *paths = u->paths;
    u->view->component = flow_components(u->view);
    if (u->view->component == NULL || !flow_part_init(&u->part, u->view) || !make_room(u)) {
        return flow_no_memory(reterr);
    }
    find_dead(u);
    for (size_t b = 0; b < u->old->blocks_len; b++) {
        if (!take_block(u, b)) {
            return flow_no_memory(reterr);
        }
    }
    if (u->part.lost != SIZE_MAX && !u->view->rules.allow_unreachable) {
        return flow_unreachable(u->part.lost, u->demands, reterr);
    }
    paths->entry_first[paths->demands_len] = (uint32_t)paths->slots_len;
    paths->blocks_len = u->old->blocks_len;
    paths->blocks[paths->blocks_len] =
        (struct flow_block){.entry = (uint32_t)paths->demands_len, .step = (uint32_t)paths->steps_len};
    return flow_slots_from_entries(paths) ? PT_OK : flow_no_memory(reterr);
}

enum pt_code flow_update(const struct pt_flow_paths *old, struct flow_view *view, const struct pt_flow_demand *demands,
                         struct pt_flow_paths *paths, struct pt_error *reterr)
{
    struct updating u = {.old = old, .demands = demands, .view = view, .paths = paths};
    enum pt_code code = take_all(&u, reterr);
    flow_part_fini(&u.part);
    free(u.dead);
    return code;
}
