/*
 * The state of a sequential solve. See soft.h; solve_mlu.c says how passes work.
 */
#include "flow/soft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool flow_soft_init(struct flow_soft *soft, struct flow_run *run)
{
    uint32_t links_len = run->graph->links_len;
    *soft = (struct flow_soft){.run = run, .links_len = links_len};
    bool fits = flow_table_init(&soft->table, run->problem, run->result->rates);
    soft->loads = flow_alloc(links_len, sizeof(double));
    soft->lengths = flow_alloc(links_len, sizeof(double));
    soft->full = flow_alloc(links_len, sizeof(double));
    soft->links = flow_alloc(links_len, sizeof(soft->links[0]));
    soft->best_lengths = flow_alloc(links_len, sizeof(double));
    soft->best_loads = flow_alloc(links_len, sizeof(double));
    soft->best_x = flow_alloc(run->paths->slots_len, sizeof(double));
    if (!fits || soft->loads == NULL || soft->lengths == NULL || soft->full == NULL || soft->links == NULL ||
        soft->best_lengths == NULL || soft->best_loads == NULL || soft->best_x == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < links_len; i++) {
        soft->full[i] = run->graph->links[i].capacity;
        soft->links[i].inverse = 1 / soft->full[i];
    }
    return true;
}

void flow_soft_fini(struct flow_soft *soft)
{
    flow_table_fini(&soft->table);
    free(soft->loads);
    free(soft->lengths);
    free(soft->full);
    free(soft->links);
    free(soft->best_lengths);
    free(soft->best_loads);
    free(soft->best_x);
}

double flow_soft_lengths(struct flow_soft *soft, double level, double scale)
{
    double sum = 0;
    for (uint32_t i = 0; i < soft->links_len; i++) {
        struct flow_priced *link = &soft->links[i];
        double power = soft->a * (soft->loads[i] * link->inverse - level);
        double e = flow_exp(power < 300 ? power : 300);
        e = scale * (e > FLOW_LENGTH_LEAST ? e : FLOW_LENGTH_LEAST);
        link->length = e * link->inverse;
        link->load = soft->loads[i];
        sum += e;
    }
    return sum;
}

double flow_soft_worst(const struct flow_soft *soft)
{
    double worst = 0;
    for (uint32_t i = 0; i < soft->links_len; i++) {
        double used = soft->loads[i] * soft->links[i].inverse;
        worst = used > worst ? used : worst;
    }
    return worst;
}

void flow_soft_freeze(struct flow_soft *soft)
{
    for (uint32_t i = 0; i < soft->links_len; i++) {
        soft->lengths[i] = soft->links[i].length + soft->links[i].own;
    }
}

double flow_soft_gain(const struct flow_soft *soft, uint32_t entry, const double *prices, uint32_t base, double cap)
{
    const struct pt_flow_paths *paths = soft->table.paths;
    const double *x = soft->table.x;
    double least = cap;
    double sum = 0;
    double carried = 0;
    for (uint32_t i = paths->entry_first[entry]; i < paths->entry_first[entry + 1]; i++) {
        double price = prices[paths->entry_steps[i] - base];
        least = price < least ? price : least;
        sum += x[i] * price;
        carried += x[i];
    }
    return sum - carried * least;
}

bool flow_soft_balance(struct flow_soft *soft, uint32_t entry)
{
    const struct pt_flow_paths *paths = soft->table.paths;
    double *x = soft->table.x;
    double nothing = soft->table.rate[entry] * FLOW_RATE_LEAST;
    uint32_t low = 0;
    uint32_t high = 0;
    struct flow_price low_price = {INFINITY, 0};
    struct flow_price high_price = {-1, 0};
    for (uint32_t i = paths->entry_first[entry]; i < paths->entry_first[entry + 1]; i++) {
        struct flow_price price = flow_soft_price(soft, paths->entry_steps[i]);
        if (price.sum < low_price.sum) {
            low_price = price;
            low = i;
        }
        if (x[i] > nothing && price.sum > high_price.sum) {
            high_price = price;
            high = i;
        }
    }
    if (low == high || high_price.sum <= low_price.sum * (1 + 1e-9)) {
        return false;
    }
    double step = flow_log(high_price.sum / low_price.sum) /
                  (soft->a * (high_price.steep / high_price.sum + low_price.steep / low_price.sum));
    double rate = step < x[high] ? step : x[high];
    x[high] -= rate;
    x[low] += rate;
    flow_soft_shift(soft, paths->entry_steps[high], -rate);
    flow_soft_shift(soft, paths->entry_steps[low], rate);
    return true;
}

void flow_soft_store(const struct flow_soft *soft)
{
    struct pt_flow_result *result = soft->run->result;
    flow_table_store(&soft->table, soft->best_x, result->rates);
    memcpy(result->loads, soft->best_loads, soft->links_len * sizeof(double));
    memcpy(result->lengths, soft->best_lengths, soft->links_len * sizeof(double));
    result->certificate.value = soft->value;
    result->certificate.bound = soft->bound;
}
