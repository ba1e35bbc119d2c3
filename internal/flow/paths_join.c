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

struct job {
    const struct flow_view *view;
    const struct pt_flow_demand *demands;
    size_t demands_len;
    uint32_t *order;        /* demands by (to, from, index) */
    uint32_t *target_first; /* nodes_len + 1: into order */
    struct flow_part *parts;
    uint32_t *part_first; /* targets; parts_len + 1 */
    size_t parts_len;
};

bool flow_tree_fits(const struct pt_flow_rules *rules)
{
    return !rules->srlg_disjoint && !rules->shared_too && rules->delay_max == 0 && rules->loss_max == 0;
}

/* ---- order ----------------------------------------------------------------------------------------------------------
 */

/* One stable pass: input (NULL: 0, 1, 2...) to output by source or target; first[] is left as the targets' beginnings.
 */
static void sort_pass(const struct job *job, bool by_target, const uint32_t *input, uint32_t *output, uint32_t *first)
{
    uint32_t nodes_len = job->view->graph->nodes_len;
    memset(first, 0, ((size_t)nodes_len + 1) * sizeof(first[0]));
    for (size_t i = 0; i < job->demands_len; i++) {
        first[by_target ? job->demands[i].to : job->demands[i].from]++;
    }
    uint32_t sum = 0;
    for (uint32_t i = 0; i <= nodes_len; i++) {
        uint32_t count = first[i];
        first[i] = sum;
        sum += count;
    }
    for (size_t i = 0; i < job->demands_len; i++) {
        uint32_t demand = input != NULL ? input[i] : (uint32_t)i;
        output[first[by_target ? job->demands[demand].to : job->demands[demand].from]++] = demand;
    }
    memmove(first + 1, first, nodes_len * sizeof(first[0]));
    first[0] = 0;
}

static bool sort_demands(struct job *job)
{
    PT_AUTO(free) uint32_t *by_source = flow_alloc(job->demands_len, sizeof(by_source[0]));
    job->order = flow_alloc(job->demands_len, sizeof(job->order[0]));
    job->target_first = flow_alloc((size_t)job->view->graph->nodes_len + 1, sizeof(job->target_first[0]));
    if (by_source == NULL || job->order == NULL || job->target_first == NULL) {
        return false;
    }
    sort_pass(job, false, NULL, by_source, job->target_first);
    sort_pass(job, true, by_source, job->order, job->target_first);
    return true;
}

/* ---- a part ---------------------------------------------------------------------------------------------------------
 */

/* Hand on what was found for the demands of a target, in order. */
static void emit(const struct job *job, struct flow_part *part, uint32_t target, size_t base)
{
    uint32_t paths_max = part->view->rules.paths_max;
    for (uint32_t i = job->target_first[target]; i < job->target_first[target + 1]; i++) {
        size_t demand = job->order[i];
        uint32_t source = job->demands[demand].from;
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
    part->exhausted |= part->slots == NULL || part->counts == NULL;
    for (uint32_t t = job->part_first[index]; !part->exhausted && t < job->part_first[index + 1]; t++) {
        if (job->target_first[t] == job->target_first[t + 1]) {
            continue;
        }
        memset(part->wanted, FLOW_UNWANTED, nodes_len);
        memset(part->found, 0, nodes_len);
        for (uint32_t i = job->target_first[t]; i < job->target_first[t + 1]; i++) {
            part->wanted[job->demands[job->order[i]].from] = FLOW_WANTED;
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

/* ---- joining --------------------------------------------------------------------------------------------------------
 */

static enum pt_code join_steps(const struct job *job, struct pt_flow_paths *paths, struct pt_error *reterr)
{
    size_t total = 0;
    size_t slots = 0;
    for (size_t i = 0; i < job->parts_len; i++) {
        total += job->parts[i].steps_len;
        slots += job->parts[i].slots_len;
    }
    if (total >= FLOW_LAST || slots >= FLOW_LAST) {
        return flow_no_memory(reterr);
    }
    paths->slots = flow_alloc(slots, sizeof(paths->slots[0]));
    paths->slots_len = slots;
    if (job->parts_len == 1) { /* nothing to join: move */
        paths->steps = job->parts[0].steps;
        paths->steps_len = total;
        paths->steps_cap = job->parts[0].steps_cap;
        job->parts[0].steps = NULL;
    } else {
        paths->steps = malloc((total + 1) * sizeof(paths->steps[0]));
        paths->steps_cap = total + 1;
    }
    if (paths->slots == NULL || (paths->steps == NULL && total > 0)) {
        return flow_no_memory(reterr);
    }
    for (size_t i = 0; i < job->parts_len && job->parts_len > 1; i++) {
        const struct flow_part *part = &job->parts[i];
        uint32_t offset = (uint32_t)paths->steps_len;
        for (size_t j = 0; j < part->steps_len; j++) {
            struct flow_step step = part->steps[j];
            step.next += step.next != FLOW_LAST ? offset : 0;
            paths->steps[paths->steps_len++] = step;
        }
    }
    return PT_OK;
}

static void join_slots(const struct job *job, struct pt_flow_paths *paths)
{
    for (size_t p = 0; p < job->parts_len; p++) {
        size_t base = job->target_first[job->part_first[p]];
        size_t end = job->target_first[job->part_first[p + 1]];
        for (size_t i = base; i < end; i++) {
            paths->first[job->order[i] + 1] = job->parts[p].counts[i - base];
        }
    }
    for (size_t i = 0; i < paths->demands_len; i++) {
        paths->first[i + 1] += paths->first[i];
    }
    uint32_t offset = 0;
    for (size_t p = 0; p < job->parts_len; p++) {
        const struct flow_part *part = &job->parts[p];
        size_t base = job->target_first[job->part_first[p]];
        size_t end = job->target_first[job->part_first[p + 1]];
        const uint32_t *from = part->slots;
        for (size_t i = base; i < end; i++) {
            uint32_t *to = paths->slots + paths->first[job->order[i]];
            for (uint8_t j = 0; j < part->counts[i - base]; j++) {
                *to++ = *from++ + offset;
            }
        }
        offset += (uint32_t)part->steps_len;
    }
}

static enum pt_code join(const struct job *job, struct pt_flow_paths *paths, struct pt_error *reterr)
{
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
    PT_TRY(join_steps(job, paths, reterr));
    join_slots(job, paths);
    return PT_OK;
}

/* ---- all ------------------------------------------------------------------------------------------------------------
 */

static size_t parts_for(const struct pt_flow_workers *workers)
{
    size_t threads = workers != NULL && workers->run != NULL ? workers->threads : 1;
    size_t parts = threads > 1 ? threads * PARTS_PER_THREAD : 1;
    return parts < PARTS_MAX ? parts : PARTS_MAX;
}

enum pt_code flow_tree_make(struct flow_view *view, const struct pt_flow_demand *demands,
                            const struct pt_flow_workers *workers, struct pt_flow_paths *paths, struct pt_error *reterr)
{
    struct job job = {.view = view, .demands = demands, .demands_len = paths->demands_len};
    enum pt_code code = PT_OK;
    view->component = flow_components(view);
    if (view->component == NULL || !sort_demands(&job) || !split(&job, parts_for(workers))) {
        code = flow_no_memory(reterr);
    } else if (job.parts_len == 1) {
        make_part(&job, 0);
    } else {
        workers->run(workers->run_arg, make_part, &job, job.parts_len);
    }
    if (code == PT_OK) {
        code = join(&job, paths, reterr);
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
