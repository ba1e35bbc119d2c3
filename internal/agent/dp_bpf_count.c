/*
 * Reading what the programs counted. Counters are by CPU; a sum is right to within the packets under way.
 *
 * The demand of a site is in two places: the counters of the paths to it (most of it, because that is where a packet's
 * counters are at hand) and a table of its own for what found no path. When a path goes, its part moves to the table.
 */
#include "agent/dp.h"
#include "agent/dp_bpf_kernel.h"
#include "base/assert.h"

#include "bpf/abi/drop.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>

/* ---- counters ------------------------------------------------------------------------------------------------- */

void pt_dp_count_paths(const struct pt_dp_maps *maps, const struct pt_dp_slots *slots,
                       void (*fn)(void *arg, const struct pt_dp_path_counters *counters), void *arg)
{
    size_t cpus = (size_t)libbpf_num_possible_cpus();
    struct pt_abi_counters *per_cpu = calloc(cpus, sizeof(*per_cpu));
    pt_assert(per_cpu != NULL);
    for (uint32_t slot = 1; slot < PT_PATH_SLOTS; slot++) {
        struct pt_dp_path_counters sum = {.path_id = slots->ids[slot]};
        if (sum.path_id == 0 || bpf_map_lookup_elem(maps->counters, &slot, per_cpu) != 0) {
            continue;
        }
        for (size_t cpu = 0; cpu < cpus; cpu++) {
            sum.tx_packets += per_cpu[cpu].tx_packets;
            sum.tx_bytes += per_cpu[cpu].tx_bytes;
            sum.rx_packets += per_cpu[cpu].rx_packets;
            sum.rx_bytes += per_cpu[cpu].rx_bytes;
        }
        fn(arg, &sum);
    }
    free(per_cpu);
}

void pt_dp_count_drops(const struct pt_dp_maps *maps, void (*fn)(void *arg, const struct pt_dp_drop *drop), void *arg)
{
    size_t cpus = (size_t)libbpf_num_possible_cpus();
    uint64_t *packets = calloc(cpus, sizeof(*packets));
    pt_assert(packets != NULL);
    for (uint32_t reason = 1; reason < PT_DROP_LEN_MAX; reason++) {
        struct pt_dp_drop drop = {.reason = reason};
        if (bpf_map_lookup_elem(maps->drops, &reason, packets) != 0) {
            continue;
        }
        for (size_t cpu = 0; cpu < cpus; cpu++) {
            drop.packets += packets[cpu];
        }
        if (drop.packets != 0) {
            fn(arg, &drop);
        }
    }
    free(packets);
}

/* ---- demand --------------------------------------------------------------------------------------------------- */

struct demand_row {
    uint32_t key;
    uint64_t bytes;
};

struct demand_rows {
    struct demand_row *rows;
    size_t len, capacity;
};

static void demand_add(struct demand_rows *all, uint32_t key, uint64_t bytes)
{
    if (all->len == all->capacity) {
        all->capacity = all->capacity == 0 ? 64 : all->capacity * 2;
        all->rows = reallocarray(all->rows, all->capacity, sizeof(*all->rows));
        pt_assert(all->rows != NULL);
    }
    all->rows[all->len++] = (struct demand_row){.key = key, .bytes = bytes};
}

static int demand_compare(const void *a, const void *b)
{
    uint32_t x = ((const struct demand_row *)a)->key, y = ((const struct demand_row *)b)->key;
    return (x > y) - (x < y);
}

/* What was offered to the path in a slot, by class. */
static void demand_of_slot(const struct pt_dp_maps *maps, const struct pt_dp_slots *slots, uint32_t slot,
                           struct demand_rows *all)
{
    size_t cpus = (size_t)libbpf_num_possible_cpus();
    struct pt_abi_counters *per_cpu = calloc(cpus, sizeof(*per_cpu));
    pt_assert(per_cpu != NULL);
    (void)bpf_map_lookup_elem(maps->counters, &slot, per_cpu); /* array entry: cannot fail */
    for (uint32_t class = 0; class < PT_DEMAND_CLASSES; class ++) {
        uint64_t bytes = 0;
        for (size_t cpu = 0; cpu < cpus; cpu++) {
            bytes += per_cpu[cpu].offered[class];
        }
        if (bytes != 0) {
            demand_add(all, PT_DEMAND_KEY(slots->labels[slot], class), bytes);
        }
    }
    free(per_cpu);
}

void pt_dp_demand_keep(const struct pt_dp_maps *maps, const struct pt_dp_slots *slots, uint32_t slot)
{
    size_t cpus = (size_t)libbpf_num_possible_cpus();
    struct demand_rows rows = {0};
    uint64_t *bytes = calloc(cpus, sizeof(*bytes));
    pt_assert(bytes != NULL);
    demand_of_slot(maps, slots, slot, &rows);
    for (size_t i = 0; i < rows.len; i++) {
        memset(bytes, 0, cpus * sizeof(*bytes));
        (void)bpf_map_lookup_elem(maps->demands, &rows.rows[i].key, bytes); /* none yet: zeroes */
        bytes[0] += rows.rows[i].bytes;
        (void)bpf_map_update_elem(maps->demands, &rows.rows[i].key, bytes, BPF_ANY); /* full: the site's is lost */
    }
    free(rows.rows);
    free(bytes);
}

void pt_dp_demands(const struct pt_dp_maps *maps, const struct pt_dp_slots *slots,
                   void (*fn)(void *arg, uint32_t key, uint64_t bytes), void *arg)
{
    struct demand_rows all = {0};
    size_t cpus = (size_t)libbpf_num_possible_cpus();
    uint64_t *bytes = calloc(cpus, sizeof(*bytes));
    uint32_t key, next;
    bool first = true;
    pt_assert(bytes != NULL);
    while (bpf_map_get_next_key(maps->demands, first ? NULL : &key, &next) == 0) {
        uint64_t sum = 0;
        first = false;
        key = next;
        if (bpf_map_lookup_elem(maps->demands, &key, bytes) != 0) {
            continue;
        }
        for (size_t cpu = 0; cpu < cpus; cpu++) {
            sum += bytes[cpu];
        }
        demand_add(&all, key, sum);
    }
    free(bytes);
    for (uint32_t slot = 1; slot < PT_PATH_SLOTS; slot++) {
        if (slots->ids[slot] != 0) {
            demand_of_slot(maps, slots, slot, &all);
        }
    }
    if (all.len > 1) {
        qsort(all.rows, all.len, sizeof(*all.rows), demand_compare);
    }
    for (size_t i = 0; i < all.len; i++) {
        if (i + 1 < all.len && all.rows[i + 1].key == all.rows[i].key) {
            all.rows[i + 1].bytes += all.rows[i].bytes;
        } else {
            fn(arg, all.rows[i].key, all.rows[i].bytes);
        }
    }
    free(all.rows);
}
