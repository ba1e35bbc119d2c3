/*
 * The pools of ports of links that hosts leave by (bpf/abi/nat.h): made, and counted.
 *
 * A pool is made once and kept: mappings outlive bundles. What is taken in it nobody keeps count of, because a mapping
 * ends by its time and not by an act; so the places are read, in pieces, when somebody wants to know: 95,000 of them
 * take some 10 ms.
 */
#include "agent/dp.h"
#include "agent/dp_bpf_kernel.h"
#include "base/assert.h"

#include "bpf/abi/nat.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PIECE 4096U

enum pt_code pt_dp_nat_pools(const struct pt_dp_programs *programs, const struct pt_dp_rows *exits,
                             struct pt_error *reterr)
{
    int outer = pt_dp_programs_map(programs, "pt_nat_pools");
    for (size_t i = 0; i < exits->len; i++) {
        uint32_t link, id;
        memcpy(&link, pt_dp_rows_key(exits, i), sizeof(link));
        if (bpf_map_lookup_elem(outer, &link, &id) == 0) {
            continue;
        }
        int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pt_nat_pool", sizeof(uint32_t), sizeof(struct pt_abi_mapping),
                                PT_NAT_PLACES, NULL);
        int result = fd < 0 ? -1 : bpf_map_update_elem(outer, &link, &fd, BPF_ANY), error = errno;
        if (fd >= 0) {
            (void)close(fd); /* the outer map holds it */
        }
        if (result != 0) {
            return pt_fail_errno(reterr, error, "pt_nat_pools", "cannot make the ports of link %u", link);
        }
    }
    return PT_OK;
}

/* ---- counting ------------------------------------------------------------------------------------------------- */

static uint64_t sum_of(int map, uint32_t link, enum pt_abi_nat_count what, uint64_t *per_cpu, size_t cpus)
{
    uint32_t key = PT_NAT_COUNT(link, what);
    uint64_t sum = 0;
    if (bpf_map_lookup_elem(map, &key, per_cpu) == 0) {
        for (size_t cpu = 0; cpu < cpus; cpu++) {
            sum += per_cpu[cpu];
        }
    }
    return sum;
}

/* Places of one class that are taken now. */
static uint32_t count_class(int pool, uint32_t class, uint32_t now, uint32_t *keys, struct pt_abi_mapping *places)
{
    uint32_t taken = 0, at = (class << 16 | PT_NAT_PORT_FIRST) - 1, end = class << 16 | PT_NAT_PORT_LAST;
    while (at < end) {
        uint32_t next = 0, len = end - at < PIECE ? end - at : PIECE;
        /* The cursor is the place before the first: what the kernel has for arrays. */
        if (bpf_map_lookup_batch(pool, &at, &next, keys, places, &len, NULL) != 0 && errno != ENOENT) {
            return taken;
        }
        for (uint32_t i = 0; i < len; i++) {
            taken += places[i].until != 0 && (int32_t)(places[i].until - now) > 0;
        }
        if (len == 0) {
            return taken;
        }
        at += len;
    }
    return taken;
}

static void count_ports(int pool, uint32_t *ret_taken)
{
    struct timespec time;
    uint32_t *keys = calloc(PIECE, sizeof(*keys));
    struct pt_abi_mapping *places = calloc(PIECE, sizeof(*places));
    pt_assert(keys != NULL && places != NULL);
    (void)clock_gettime(CLOCK_MONOTONIC, &time); /* the programs' clock */
    uint64_t ns = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
    uint32_t now = (uint32_t)(ns >> PT_NAT_TIME_SHIFT) + 1;
    for (uint32_t class = 0; class < PT_DP_NAT_CLASSES; class ++) {
        ret_taken[class] = count_class(pool, class, now, keys, places);
    }
    free(places);
    free(keys);
}

bool pt_dp_nat_count(const struct pt_dp_programs *programs, uint32_t link, bool ports,
                     struct pt_dp_translation *ret_counts)
{
    int outer = pt_dp_programs_map(programs, "pt_nat_pools"), map = pt_dp_programs_map(programs, "pt_nat_counts_v2");
    size_t cpus = (size_t)libbpf_num_possible_cpus();
    uint32_t id;
    if (bpf_map_lookup_elem(outer, &link, &id) != 0) {
        return false; /* no exit */
    }
    uint64_t *per_cpu = calloc(cpus, sizeof(*per_cpu));
    pt_assert(per_cpu != NULL);
    *ret_counts = (struct pt_dp_translation){.made = sum_of(map, link, PT_NAT_MADE, per_cpu, cpus),
                                             .exhausted = sum_of(map, link, PT_NAT_EXHAUSTED, per_cpu, cpus)};
    free(per_cpu);
    int pool = ports ? bpf_map_get_fd_by_id(id) : -1;
    if (pool >= 0) {
        count_ports(pool, ret_counts->taken);
        (void)close(pool);
    }
    return true;
}
