/*
 * Work on path sets, spread over threads and put together.
 *
 * Demands are sorted by target and source (two counting sorts); a part is a range of targets with about as many demands
 * as any other. What a part makes depends on its targets only, and parts are joined in order, so that the result is the
 * same for any number of parts but for the places of steps, which nobody sees.
 */
#include "flow/paths_tree.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 64U
#define PARTS_PER_THREAD 4U /* so that one slow part does not hold up the others */

struct pair { /* small, so that sorting stays in the cache */
    uint32_t demand;
    uint16_t from, to;
};

struct job {
    const struct flow_view *view;
    const struct pt_flow_demand *demands;
    size_t demands_len;
    struct pair *order;     /* by (to, from, demand) */
    uint32_t *target_first; /* nodes_len + 1: into order */
    struct flow_part *parts;
    uint32_t *part_first; /* targets; parts_len + 1 */
    size_t parts_len;
    struct pt_flow_paths *paths; /* what is being made; each part writes stretches of its own */
};

bool flow_tree_fits(const struct pt_flow_rules *rules)
{
    return !rules->srlg_disjoint && !rules->shared_too && rules->delay_max == 0 && rules->loss_max == 0;
}

/* ---- order ----------------------------------------------------------------------------------------------------- */

/* One stable pass of a counting sort, by source or by target; first[] is left as where each node's begin. */
static void sort_pass(const struct pair *input, size_t len, bool by_target, uint32_t nodes_len, struct pair *output,
                      uint32_t *first)
{
    memset(first, 0, ((size_t)nodes_len + 1) * sizeof(first[0]));
    for (size_t i = 0; i < len; i++) {
        first[(by_target ? input[i].to : input[i].from) + 1]++;
    }
    for (uint32_t i = 0; i < nodes_len; i++) {
        first[i + 1] += first[i];
    }
    for (size_t i = 0; i < len; i++) {
        output[first[by_target ? input[i].to : input[i].from]++] = input[i];
    }
    memmove(first + 1, first, nodes_len * sizeof(first[0]));
    first[0] = 0;
}

static bool by_source_already(const struct job *job)
{
    for (size_t i = 1; i < job->demands_len; i++) {
        if (job->demands[i].from < job->demands[i - 1].from) {
            return false;
        }
    }
    return true;
}

static bool sort_demands(struct job *job)
{
    uint32_t nodes_len = job->view->graph->nodes_len;
    PT_AUTO(free) struct pair *by_source = malloc((job->demands_len + 1) * sizeof(by_source[0]));
    job->order = malloc((job->demands_len + 1) * sizeof(job->order[0]));
    job->target_first = flow_alloc((size_t)nodes_len + 1, sizeof(job->target_first[0]));
    if (by_source == NULL || job->order == NULL || job->target_first == NULL) {
        return false;
    }
    const bool sorted = by_source_already(job); /* lists of all pairs are */
    struct pair *list = sorted ? by_source : job->order;
    for (size_t i = 0; i < job->demands_len; i++) {
        list[i] = (struct pair){
            .demand = (uint32_t)i, .from = (uint16_t)job->demands[i].from, .to = (uint16_t)job->demands[i].to};
    }
    if (!sorted) {
        sort_pass(job->order, job->demands_len, false, nodes_len, by_source, job->target_first);
    }
    sort_pass(by_source, job->demands_len, true, nodes_len, job->order, job->target_first);
    return true;
}

/* ---- a part ---------------------------------------------------------------------------------------------------- */

/* Hand on what was found for the demands of a target, in order. */
static void emit(const struct job *job, struct flow_part *part, uint32_t target, size_t base)
{
    uint32_t paths_max = part->view->rules.paths_max;
    for (uint32_t i = job->target_first[target]; i < job->target_first[target + 1]; i++) {
        size_t demand = job->order[i].demand;
        uint32_t source = job->order[i].from;
        uint8_t count = part->found[source];
        part->counts[i - base] = count;
        memcpy(part->slots + part->slots_len, part->heads + (size_t)source * paths_max, count * sizeof(uint32_t));
        part->slots_len += count;
        if (count == 0 && demand < part->lost) {
            part->lost = demand;
        }
    }
}

static void make_part(void *arg, size_t index)
{
    const struct job *job = arg;
    struct flow_part *part = &job->parts[index];
    uint32_t nodes_len = job->view->graph->nodes_len;
    size_t base = job->target_first[job->part_first[index]];
    size_t len = job->target_first[job->part_first[index + 1]] - base;
    part->exhausted = !flow_part_init(part, job->view);
    part->slots = flow_alloc(len * job->view->rules.paths_max, sizeof(part->slots[0]));
    part->counts = flow_alloc(len, 1);
    part->step_first = flow_alloc(job->part_first[index + 1] - job->part_first[index], sizeof(part->step_first[0]));
    part->exhausted |= part->slots == NULL || part->counts == NULL || part->step_first == NULL;
    for (uint32_t t = job->part_first[index]; !part->exhausted && t < job->part_first[index + 1]; t++) {
        part->step_first[t - job->part_first[index]] = (uint32_t)part->steps_len;
        if (job->target_first[t] == job->target_first[t + 1]) {
            continue;
        }
        memset(part->wanted, FLOW_UNWANTED, nodes_len);
        memset(part->found, 0, nodes_len);
        for (uint32_t i = job->target_first[t]; i < job->target_first[t + 1]; i++) {
            part->wanted[job->order[i].from] = FLOW_WANTED;
        }
        part->target = t;
        flow_part_target(part);
        emit(job, part, t, base);
    }
}

static bool split(struct job *job, size_t parts_len)
{
    uint32_t nodes_len = job->view->graph->nodes_len;
    job->parts_len = parts_len < nodes_len ? parts_len : nodes_len;
    job->parts = flow_alloc(job->parts_len, sizeof(job->parts[0]));
    job->part_first = flow_alloc(job->parts_len + 1, sizeof(job->part_first[0]));
    if (job->parts == NULL || job->part_first == NULL) {
        return false;
    }
    uint32_t target = 0;
    for (size_t i = 0; i < job->parts_len; i++) {
        job->part_first[i] = target;
        while (target < nodes_len && job->target_first[target] < job->demands_len * (i + 1) / job->parts_len) {
            target++;
        }
    }
    job->part_first[job->parts_len] = nodes_len;
    return true;
}

static void run_parts(struct job *job, const struct pt_flow_workers *workers, pt_flow_work_fn work)
{
    if (job->parts_len == 1) {
        work(job, 0);
    } else {
        workers->run(workers->run_arg, work, job, job->parts_len);
    }
}

/* ---- joining --------------------------------------------------------------------------------------------------- */

/* A stretch of everything for each part: where its steps and slots begin. */
static enum pt_code place_parts(const struct job *job, struct pt_error *reterr)
{
    struct pt_flow_paths *paths = job->paths;
    size_t steps = 0;
    size_t slots = 0;
    for (size_t i = 0; i < job->parts_len; i++) {
        job->parts[i].step_offset = (uint32_t)steps;
        job->parts[i].slot_offset = (uint32_t)slots;
        steps += job->parts[i].steps_len;
        slots += job->parts[i].slots_len;
        if (steps >= FLOW_LAST || slots >= FLOW_LAST) {
            return flow_no_memory(reterr);
        }
    }
    paths->slots_len = slots;
    paths->steps_len = steps;
    if (job->parts_len == 1 && steps > 0) { /* nothing to join: move */
        paths->steps = job->parts[0].steps;
        paths->steps_cap = job->parts[0].steps_cap;
        job->parts[0].steps = NULL;
    } else {
        paths->steps_cap = steps + 1;
        paths->steps = malloc(paths->steps_cap * sizeof(paths->steps[0]));
    }
    return paths->steps != NULL ? PT_OK : flow_no_memory(reterr);
}

static void join_part(void *arg, size_t index)
{
    const struct job *job = arg;
    struct flow_part *part = &job->parts[index];
    struct pt_flow_paths *paths = job->paths;
    for (size_t i = 0; part->steps != NULL && i < part->steps_len; i++) {
        struct flow_step step = part->steps[i];
        step.next += step.next != FLOW_LAST ? part->step_offset : 0;
        paths->steps[part->step_offset + i] = step;
    }
    for (size_t i = 0; i < part->slots_len; i++) {
        paths->entry_steps[part->slot_offset + i] = part->slots[i] + part->step_offset;
    }
    /* A block per target. Targets that nobody asks for make empty ones. */
    for (uint32_t t = job->part_first[index]; t < job->part_first[index + 1]; t++) {
        uint32_t step = part->step_first[t - job->part_first[index]] + part->step_offset;
        paths->blocks[t] = (struct flow_block){.entry = job->target_first[t], .step = step};
    }
    uint32_t slot = part->slot_offset;
    size_t base = job->target_first[job->part_first[index]];
    size_t end = job->target_first[job->part_first[index + 1]];
    for (size_t i = base; i < end; i++) {
        paths->entry_demand[i] = job->order[i].demand;
        paths->entry_first[i] = slot;
        paths->first[job->order[i].demand + 1] = part->counts[i - base];
        slot += part->counts[i - base];
    }
}

static void place_part(void *arg, size_t index)
{
    const struct job *job = arg;
    flow_slots_of_entries(job->paths, job->target_first[job->part_first[index]],
                          job->target_first[job->part_first[index + 1]]);
}

static enum pt_code join(struct job *job, const struct pt_flow_workers *workers, struct pt_error *reterr)
{
    struct pt_flow_paths *paths = job->paths;
    size_t lost = SIZE_MAX;
    for (size_t i = 0; i < job->parts_len; i++) {
        if (job->parts[i].exhausted) {
            return flow_no_memory(reterr);
        }
        lost = job->parts[i].lost < lost ? job->parts[i].lost : lost;
    }
    if (lost != SIZE_MAX && !job->view->rules.allow_unreachable) {
        return flow_unreachable(lost, job->demands, reterr);
    }
    PT_TRY(place_parts(job, reterr));
    paths->entry_demand = malloc((paths->demands_len + 1) * sizeof(paths->entry_demand[0]));
    paths->entry_first = malloc((paths->demands_len + 1) * sizeof(paths->entry_first[0]));
    paths->entry_steps = malloc((paths->slots_len + 1) * sizeof(paths->entry_steps[0]));
    paths->slots = malloc((paths->slots_len + 1) * sizeof(paths->slots[0]));
    paths->blocks = flow_alloc((size_t)job->view->graph->nodes_len + 1, sizeof(paths->blocks[0]));
    if (paths->entry_demand == NULL || paths->entry_first == NULL || paths->entry_steps == NULL ||
        paths->slots == NULL || paths->blocks == NULL) {
        return flow_no_memory(reterr);
    }
    run_parts(job, workers, join_part);
    paths->entry_first[paths->demands_len] = (uint32_t)paths->slots_len;
    paths->blocks_len = job->view->graph->nodes_len;
    paths->blocks[paths->blocks_len] =
        (struct flow_block){.entry = (uint32_t)paths->demands_len, .step = (uint32_t)paths->steps_len};
    paths->by_target = true;
    for (size_t i = 0; i < paths->demands_len; i++) {
        paths->first[i + 1] += paths->first[i];
    }
    run_parts(job, workers, place_part);
    return PT_OK;
}

/* ---- all ------------------------------------------------------------------------------------------------------- */

static size_t parts_for(const struct pt_flow_workers *workers)
{
    size_t threads = workers != NULL && workers->run != NULL ? workers->threads : 1;
    size_t parts = threads > 1 ? threads * PARTS_PER_THREAD : 1;
    return parts < PARTS_MAX ? parts : PARTS_MAX;
}

enum pt_code flow_tree_make(struct flow_view *view, const struct pt_flow_demand *demands,
                            const struct pt_flow_workers *workers, struct pt_flow_paths *paths, struct pt_error *reterr)
{
    struct job job = {.view = view, .demands = demands, .demands_len = paths->demands_len, .paths = paths};
    enum pt_code code = PT_OK;
    view->component = flow_components(view);
    if (view->component == NULL || !sort_demands(&job) || !split(&job, parts_for(workers))) {
        code = flow_no_memory(reterr);
    } else {
        run_parts(&job, workers, make_part);
        code = join(&job, workers, reterr);
    }
    for (size_t i = 0; job.parts != NULL && i < job.parts_len; i++) {
        flow_part_fini(&job.parts[i]);
    }
    free(job.parts);
    free(job.part_first);
    free(job.order);
    free(job.target_first);
    return code;
}
