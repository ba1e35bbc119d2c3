/*
 * Least worst utilisation of a whole problem: one layer, climbed from the first answer (climb.c says how).
 */
#include "flow/climb.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the lengths of an earlier answer still prove: often enough after a small change. */
static void take_warm_bound(struct flow_climb *climb)
{
    const struct pt_flow_result *warm = climb->run->options->warm;
    struct flow_soft *soft = &climb->soft;
    double sum = 0;
    if (warm == NULL || warm->links_len != soft->links_len) {
        return;
    }
    for (uint32_t i = 0; i < soft->links_len; i++) {
        soft->lengths[i] = warm->lengths[i];
        sum += warm->lengths[i] * soft->full[i];
    }
    if (sum > 0) {
        flow_climb_bound(climb, soft->lengths, flow_table_dual(&soft->table, soft->lengths) / sum, sum);
        climb->passes++;
    }
}

static void keep_best(void *arg, const struct flow_climb *climb)
{
    struct flow_soft *soft = arg;
    soft->value = climb->soft.value;
    memcpy(soft->best_x, climb->layers[0].table.x, soft->table.paths->slots_len * sizeof(double));
    memcpy(soft->best_loads, climb->soft.loads, soft->links_len * sizeof(double));
}

/* Is there anybody who may cut in, so that the last answer need not be the best? */
static bool may_stop(const struct flow_run *run)
{
    return run->options->stop != NULL || run->options->passes_max > 0;
}

static void climb_from(struct flow_soft *soft, struct flow_layer *layer)
{
    struct flow_climb climb = {.soft = *soft,
                               .run = soft->run,
                               .layers = layer,
                               .layers_len = 1,
                               .demands_len = soft->table.paths->demands_len,
                               .best_lengths = soft->best_lengths};
    climb.soft.bound = -INFINITY;
    flow_table_loads(&layer->table, soft->loads);
    take_warm_bound(&climb);
    if (may_stop(soft->run)) {
        soft->value = 0;
        flow_climb_run(&climb, keep_best, soft);
    } else {
        flow_climb_run(&climb, NULL, NULL);
        keep_best(soft, &climb);
    }
    soft->bound = climb.soft.bound > 0 ? climb.soft.bound : 0;
    soft->run->result->passes += climb.passes;
}

enum pt_code flow_solve_mlu(struct flow_run *run, struct pt_error *reterr)
{
    struct flow_soft soft;
    enum pt_code code = PT_OK;
    bool fits = flow_soft_init(&soft, run);
    struct flow_layer layer = {.table = soft.table};
    layer.chosen = malloc((run->paths->demands_len + 1) * sizeof(layer.chosen[0]));
    if (fits && layer.chosen != NULL) {
        climb_from(&soft, &layer);
        flow_soft_store(&soft);
    } else {
        code = flow_no_memory(reterr);
    }
    free(layer.chosen);
    flow_soft_fini(&soft);
    return code;
}
