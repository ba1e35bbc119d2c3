/*
 * See warm.h. The path set is kept as layers: the one that was solved, and for each failure one of the demands that had
 * lost all their paths. Steps are never touched. A path that is dropped becomes a second mention of one of its demand's
 * other paths, with nothing on it: no pass needs to know. An entry whose demand has moved on to a later layer is
 * `gone`: its rate is 0.
 *
 * What a failure costs: one pass over the steps, with infinite prices on the links that are gone. It finds the paths
 * that are dead, and gives the bound that the lengths of before still prove: often enough after a failure elsewhere.
 * The demands that were touched are balanced, a few sweeps over them alone; if the worst link is still too full, rounds
 * over all follow (climb.c).
 */
#include "flow/warm_priv.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- layers ---------------------------------------------------------------------------------------------------- */

void flow_warm_layer_fini(struct flow_warm_layer *layer)
{
    flow_table_fini(&layer->table);
    free(layer->view.entry_steps);
    free(layer->demands);
    free(layer->gone);
    free(layer->chosen);
    free(layer->dead);
    pt_flow_paths_free(layer->made);
    *layer = (struct flow_warm_layer){0};
}

bool flow_warm_layer_init(struct flow_warm_layer *layer, const struct pt_flow_problem *problem, const double *rates)
{
    const struct pt_flow_paths *paths = problem->paths;
    layer->paths = paths;
    layer->view = *paths;
    layer->view.entry_steps = malloc((paths->slots_len + 1) * sizeof(paths->entry_steps[0]));
    layer->gone = flow_alloc(paths->demands_len, 1);
    layer->chosen = malloc((paths->demands_len + 1) * sizeof(layer->chosen[0]));
    layer->dead = malloc((paths->demands_len + 1) * sizeof(layer->dead[0]));
    if (layer->view.entry_steps == NULL || layer->gone == NULL || layer->chosen == NULL || layer->dead == NULL ||
        !flow_table_init(&layer->table, problem, rates)) {
        return false;
    }
    memcpy(layer->view.entry_steps, paths->entry_steps, paths->slots_len * sizeof(paths->entry_steps[0]));
    layer->table.paths = &layer->view;
    return true;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

void pt_flow_warm_free(struct pt_flow_warm *warm)
{
    if (warm == NULL) {
        return;
    }
    for (size_t k = 0; k < warm->layers_len; k++) {
        flow_warm_layer_fini(&warm->layers[k]);
    }
    pt_flow_graph_free(warm->graph);
    pt_flow_result_free(warm->result);
    free(warm->lengths);
    free(warm->links);
    free(warm);
}

static enum pt_code fill(struct pt_flow_warm *warm, const struct pt_flow_problem *problem,
                         const struct pt_flow_result *result, struct pt_error *reterr)
{
    uint32_t links_len = problem->graph->links_len;
    warm->problem = *problem;
    PT_TRY(pt_flow_graph_with(problem->graph, NULL, NULL, 0, &warm->graph, reterr));
    warm->problem.graph = warm->graph;
    warm->result = flow_warm_result(result, 0);
    warm->lengths = flow_alloc(links_len, sizeof(warm->lengths[0]));
    warm->links = flow_alloc(links_len, sizeof(warm->links[0]));
    warm->layers_len = 1;
    for (size_t d = 0; d < problem->demands_len; d++) {
        warm->carried += problem->demands[d].rate;
    }
    if (warm->result == NULL || warm->lengths == NULL || warm->links == NULL ||
        !flow_warm_layer_init(&warm->layers[0], problem, result->rates)) {
        return flow_no_memory(reterr);
    }
    return PT_OK;
}

enum pt_code pt_flow_warm_new(const struct pt_flow_problem *problem, const struct pt_flow_rules *rules,
                              const struct pt_flow_result *result, struct pt_flow_warm **ret_warm,
                              struct pt_error *reterr)
{
    pt_assert(problem->objective == PT_FLOW_MIN_MLU && problem->paths->demands_len == problem->demands_len);
    pt_assert(result->rates_len == problem->paths->slots_len && result->links_len == problem->graph->links_len);
    struct pt_flow_warm *warm = flow_alloc(1, sizeof(*warm));
    if (warm == NULL) {
        return flow_no_memory(reterr);
    }
    warm->rules = rules != NULL ? *rules : (struct pt_flow_rules){0};
    enum pt_code code = fill(warm, problem, result, reterr);
    if (code != PT_OK) {
        pt_flow_warm_free(warm);
        return code;
    }
    *ret_warm = warm;
    return PT_OK;
}

size_t pt_flow_warm_touched(const struct pt_flow_warm *warm)
{
    return warm->touched;
}

size_t pt_flow_warm_passes(const struct pt_flow_warm *warm)
{
    return warm->passes;
}

/* ---- what a failure takes away --------------------------------------------------------------------------------- */

struct failing {
    struct pt_flow_warm *warm;
    struct pt_flow_graph *graph;  /* without the links */
    struct flow_warm_layer layer; /* of the demands that have lost all their paths */
    struct pt_flow_demand *lost;
    size_t lost_len;
};

_Static_assert(PT_FLOW_PATHS_MAX <= 16, "a bit for each path of a demand");

static uint32_t paths_of(const struct flow_warm_layer *layer, uint32_t entry)
{
    return layer->view.entry_first[entry + 1] - layer->view.entry_first[entry];
}

static bool is_lost(const struct flow_warm_layer *layer, size_t chosen)
{
    return layer->dead[chosen] == (1U << paths_of(layer, layer->chosen[chosen])) - 1;
}

/* The entries that have a dead path, under lengths that are infinite on dead links, and how many of them have no other.
 * Returns sum of rate times cheapest over those that have. */
static double find_dead(struct flow_warm_layer *layer, const double *lengths, size_t *lost)
{
    const struct pt_flow_paths *view = &layer->view;
    double dual = 0;
    layer->chosen_len = 0;
    for (size_t b = 0; b < view->blocks_len; b++) {
        const struct flow_block *block = &view->blocks[b];
        const double *prices = flow_table_prices(&layer->table, b, lengths);
        for (uint32_t e = block->entry; e < block[1].entry; e++) {
            double least = INFINITY;
            double most = 0;
            for (uint32_t i = view->entry_first[e]; i < view->entry_first[e + 1]; i++) {
                double price = prices[view->entry_steps[i] - block->step];
                least = price < least ? price : least;
                most = price > most ? price : most;
            }
            if (most == INFINITY && !layer->gone[e]) {
                uint32_t mask = 0;
                for (uint32_t i = view->entry_first[e]; i < view->entry_first[e + 1]; i++) {
                    bool dead = prices[view->entry_steps[i] - block->step] == INFINITY;
                    mask |= (uint32_t)dead << (i - view->entry_first[e]);
                }
                layer->chosen[layer->chosen_len] = e;
                layer->dead[layer->chosen_len++] = (uint16_t)mask;
                *lost += least == INFINITY;
            }
            dual += layer->table.rate[e] > 0 && least < INFINITY ? layer->table.rate[e] * least : 0;
        }
    }
    return dual;
}

/* New paths for the demands that have none left: a layer of their own. */
static enum pt_code reroute(struct failing *f, struct pt_error *reterr)
{
    struct pt_flow_warm *warm = f->warm;
    uint32_t *demands = flow_alloc(f->lost_len, sizeof(demands[0]));
    f->lost = flow_alloc(f->lost_len, sizeof(f->lost[0]));
    f->layer.demands = demands;
    if (f->lost == NULL || demands == NULL) {
        return flow_no_memory(reterr);
    }
    size_t len = 0;
    for (size_t k = 0; k < warm->layers_len; k++) {
        for (size_t i = 0; i < warm->layers[k].chosen_len; i++) {
            if (is_lost(&warm->layers[k], i)) {
                demands[len++] = flow_warm_demand(&warm->layers[k], warm->layers[k].chosen[i]);
            }
        }
    }
    for (size_t i = 0; i < len; i++) {
        f->lost[i] = warm->problem.demands[demands[i]];
    }
    struct pt_flow_problem problem = {.graph = f->graph, .demands = f->lost, .demands_len = len};
    struct pt_flow_rules rules = warm->rules;
    rules.allow_unreachable = true; /* looked at below: the error names the problem's demand */
    PT_TRY(pt_flow_paths_new(f->graph, &rules, f->lost, len, NULL, &f->layer.made, reterr));
    problem.paths = f->layer.made;
    PT_AUTO(free) double *rates = flow_alloc(f->layer.made->slots_len, sizeof(rates[0]));
    if (rates == NULL) {
        return flow_no_memory(reterr);
    }
    for (size_t i = 0; i < len; i++) {
        if (f->layer.made->first[i] < f->layer.made->first[i + 1]) {
            rates[f->layer.made->first[i]] = f->lost[i].rate;
        } else if (f->lost[i].rate > 0 || !warm->rules.allow_unreachable) {
            return flow_unreachable(demands[i], warm->problem.demands, reterr);
        }
    }
    return flow_warm_layer_init(&f->layer, &problem, rates) ? PT_OK : flow_no_memory(reterr);
}

/* ---- dropping -------------------------------------------------------------------------------------------------- */

static void add_load(const struct flow_warm_layer *layer, uint32_t step, double rate, double *loads)
{
    for (; rate != 0 && step != FLOW_LAST; step = layer->view.steps[step].next) {
        loads[layer->view.steps[step].link] += rate;
    }
}

/* The dead paths of an entry carry nothing any more; the others take that over in proportion, or the first of them. */
static void drop(struct flow_warm_layer *layer, size_t chosen, double *loads)
{
    uint32_t entry = layer->chosen[chosen];
    uint32_t *steps = layer->view.entry_steps + layer->view.entry_first[entry];
    double *x = layer->table.x + layer->view.entry_first[entry];
    uint32_t len = paths_of(layer, entry);
    double moved = 0;
    double stays = 0;
    uint32_t alive = UINT32_MAX;
    for (uint32_t i = 0; i < len; i++) {
        if (layer->dead[chosen] >> i & 1) {
            add_load(layer, steps[i], -x[i], loads);
            moved += x[i];
            x[i] = 0;
        } else {
            stays += x[i];
            alive = alive == UINT32_MAX ? i : alive;
        }
    }
    if (alive == UINT32_MAX) {
        layer->gone[entry] = 1;
        layer->table.rate[entry] = 0;
        return;
    }
    for (uint32_t i = 0; i < len; i++) {
        if (layer->dead[chosen] >> i & 1) {
            steps[i] = steps[alive];
            continue;
        }
        double more = stays > 0 ? moved * x[i] / stays : i == alive ? moved : 0;
        if (more > 0) {
            x[i] += more;
            add_load(layer, steps[i], more, loads);
        }
    }
}

static void drop_all(struct failing *f)
{
    struct pt_flow_warm *warm = f->warm;
    double *loads = warm->result->loads;
    warm->touched = 0;
    for (size_t k = 0; k < warm->layers_len; k++) {
        struct flow_warm_layer *layer = &warm->layers[k];
        for (size_t i = 0; i < layer->chosen_len; i++) {
            drop(layer, i, loads);
        }
        warm->touched += layer->chosen_len;
    }
    if (f->lost_len > 0) {
        struct flow_warm_layer *layer = &warm->layers[warm->layers_len++];
        *layer = f->layer;
        layer->table.paths = &layer->view;
        f->layer = (struct flow_warm_layer){0};
        for (uint32_t i = 0; i < layer->view.slots_len; i++) {
            add_load(layer, layer->view.entry_steps[i], layer->table.x[i], loads);
        }
        layer->chosen_len = 0;
        for (uint32_t e = 0; e < layer->view.demands_len; e++) {
            layer->chosen[layer->chosen_len++] = e;
        }
    }
    for (uint32_t i = 0; i < warm->graph->links_len; i++) { /* what rounding has left on links without paths */
        loads[i] = f->graph->links[i].down || loads[i] < 0 ? 0 : loads[i];
    }
    pt_flow_graph_free(warm->graph);
    warm->graph = f->graph;
    warm->problem.graph = f->graph;
    f->graph = NULL;
}

/* ---- the answer ------------------------------------------------------------------------------------------------ */

static void certify(struct pt_flow_warm *warm, const struct flow_climb *climb)
{
    const struct flow_soft *soft = &climb->soft;
    struct pt_flow_certificate *certificate = &warm->result->certificate;
    *certificate = (struct pt_flow_certificate){
        .value = soft->value, .bound = fmax(soft->bound, 0), .utilisation = soft->value, .carried = warm->carried};
    for (uint32_t i = 0; i < soft->links_len; i++) {
        if (soft->loads[i] * soft->links[i].inverse >= soft->value) {
            certificate->worst_link = i;
            break;
        }
    }
    certificate->gap = soft->value > 0 ? fmax(soft->value - certificate->bound, 0) / soft->value : 0;
    warm->passes = climb->passes;
    warm->result->passes = climb->passes;
    warm->result->reached = certificate->gap <= climb->run->gap;
}

/* From the lengths of before, which prove `dual` / `sum`. */
static void balance(struct pt_flow_warm *warm, const struct flow_run *run, double dual, double sum)
{
    struct flow_layer layers[FLOW_WARM_LAYERS_MAX];
    struct flow_climb climb = {.soft = {.links_len = warm->graph->links_len,
                                        .loads = warm->result->loads,
                                        .lengths = warm->lengths,
                                        .links = warm->links,
                                        .bound = -INFINITY},
                               .run = run,
                               .layers = layers,
                               .layers_len = warm->layers_len,
                               .demands_len = warm->problem.demands_len,
                               .best_lengths = warm->result->lengths,
                               .passes = 1};
    for (uint32_t i = 0; i < climb.soft.links_len; i++) {
        warm->links[i] = (struct flow_priced){.inverse = 1 / warm->graph->links[i].capacity};
    }
    for (size_t k = 0; k < warm->layers_len; k++) {
        layers[k] = (struct flow_layer){
            .table = warm->layers[k].table, .chosen = warm->layers[k].chosen, .chosen_len = warm->layers[k].chosen_len};
    }
    if (sum > 0) {
        flow_climb_bound(&climb, warm->lengths, dual / sum, sum);
    }
    flow_climb_run(&climb, NULL, NULL);
    certify(warm, &climb);
}

/* ---- entry ----------------------------------------------------------------------------------------------------- */

static enum pt_code take_down(struct failing *f, const uint32_t *links, size_t links_len, struct pt_error *reterr)
{
    const struct pt_flow_graph *graph = f->warm->graph;
    PT_AUTO(free) struct pt_flow_link *changed = flow_alloc(links_len, sizeof(changed[0]));
    if (changed == NULL) {
        return flow_no_memory(reterr);
    }
    for (size_t i = 0; i < links_len; i++) {
        pt_assert(links[i] < graph->links_len);
        changed[i] = graph->links[links[i]];
        changed[i].down = true;
    }
    return pt_flow_graph_with(graph, links, changed, links_len, &f->graph, reterr);
}

/* What the lengths of before are worth: those of dead links count for nothing, and their capacity neither. */
static enum pt_code fail(struct failing *f, const struct flow_run *run, struct pt_error *reterr)
{
    struct pt_flow_warm *warm = f->warm;
    double *lengths = warm->lengths;
    double dual = 0;
    double sum = 0;
    for (uint32_t i = 0; i < f->graph->links_len; i++) {
        bool down = f->graph->links[i].down;
        lengths[i] = down ? INFINITY : warm->result->lengths[i];
        sum += down ? 0 : lengths[i] * f->graph->links[i].capacity;
    }
    for (size_t k = 0; k < warm->layers_len; k++) {
        dual += find_dead(&warm->layers[k], lengths, &f->lost_len);
    }
    if (f->lost_len > 0) {
        PT_TRY(reroute(f, reterr));
    }
    drop_all(f);
    for (uint32_t i = 0; i < warm->graph->links_len; i++) {
        lengths[i] = warm->graph->links[i].down ? 0 : lengths[i];
    }
    if (f->lost_len > 0) {
        dual += flow_table_dual(&warm->layers[warm->layers_len - 1].table, lengths);
    }
    balance(warm, run, dual, sum);
    return PT_OK;
}

enum pt_code pt_flow_warm_fail(struct pt_flow_warm *warm, const uint32_t *links, size_t links_len,
                               const struct pt_flow_options *options, struct pt_flow_certificate *ret_certificate,
                               struct pt_error *reterr)
{
    static const struct pt_flow_options defaults;
    options = options != NULL ? options : &defaults;
    const struct flow_run run = {.options = options,
                                 .gap = options->gap > 0 ? options->gap : FLOW_GAP_DEFAULT,
                                 .passes_max = options->passes_max > 0 ? options->passes_max : FLOW_PASSES_MAX};
    struct failing f = {.warm = warm};
    if (warm->layers_len == FLOW_WARM_LAYERS_MAX) {
        PT_TRY(flow_warm_flatten(warm, reterr));
    }
    PT_TRY(take_down(&f, links, links_len, reterr));
    enum pt_code code = fail(&f, &run, reterr);
    pt_flow_graph_free(f.graph);
    free(f.lost);
    flow_warm_layer_fini(&f.layer);
    if (code == PT_OK) {
        *ret_certificate = warm->result->certificate;
    }
    return code;
}
