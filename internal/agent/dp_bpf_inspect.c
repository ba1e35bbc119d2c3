/*
 * Inspection's side of the maps (bpf/abi/inspect.h): samples out of the ring, verdicts into the flow entries, names'
 * addresses into their cache. Part of the one door to libbpf.
 *
 * A flow entry is read, changed and written back whole, while programs may count into it: what they add in between is
 * lost, as where two CPUs carry one flow. The date is written as stale, so that the next packet asks the rules anew; if
 * the entry was renewed meanwhile, it asks once more than it must.
 */
#include "agent/dp.h"
#include "agent/dp_bpf_kernel.h"
#include "base/assert.h"

#include "bpf/abi/flow.h"
#include "bpf/abi/inspect.h"
#include "bpf/abi/rule.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AT_ONCE_MAX 128 /* samples in one turn of the loop */
#define NS_PER_S 1000000000ULL

struct pt_dp_inspect {
    struct ring_buffer *ring;
    int flows4, flows6, verdicts, hosts, counts, config;
    size_t taken;
    void (*fn)(void *arg, const struct pt_dp_sample *sample);
    void *arg;
};

static int on_sample(void *context, void *data, size_t size)
{
    struct pt_dp_inspect *inspect = context;
    const struct pt_abi_sample *sample = data;
    if (size >= sizeof(*sample) && sample->size <= PT_SAMPLE_SIZE && inspect->fn != NULL) {
        const struct pt_dp_sample given = {.time_ms = sample->time_ns / 1000000,
                                           .vni = sample->vni,
                                           .from_host = sample->towards == PT_SAMPLE_FROM_HOST,
                                           .data = sample->data,
                                           .size = sample->size};
        inspect->fn(inspect->arg, &given);
    }
    return ++inspect->taken < AT_ONCE_MAX ? 0 : -EAGAIN;
}

struct pt_dp_inspect *pt_dp_inspect_new(const struct pt_dp_programs *programs)
{
    struct pt_dp_inspect *inspect = calloc(1, sizeof(*inspect));
    pt_assert(inspect != NULL);
    inspect->flows4 = pt_dp_programs_map(programs, "pt_flows4");
    inspect->flows6 = pt_dp_programs_map(programs, "pt_flows6");
    inspect->verdicts = pt_dp_programs_map(programs, "pt_verdicts");
    inspect->hosts = pt_dp_programs_map(programs, "pt_hosts");
    inspect->counts = pt_dp_programs_map(programs, "pt_inspected");
    inspect->ring = ring_buffer__new(pt_dp_programs_map(programs, "pt_samples"), on_sample, inspect, NULL);
    inspect->config = pt_dp_programs_map(programs, "pt_inspect");
    return inspect;
}

/* So many packets a second; 0: none. */
static void copy_at_most(const struct pt_dp_inspect *inspect, uint64_t rate)
{
    const struct pt_abi_inspect config = {.ns_per_sample = rate == 0 ? 0 : NS_PER_S / rate};
    uint32_t zero = 0;
    (void)bpf_map_update_elem(inspect->config, &zero, &config, BPF_ANY); /* an array's entry: cannot fail */
}

void pt_dp_inspect_free(struct pt_dp_inspect *inspect)
{
    if (inspect != NULL) {
        copy_at_most(inspect, 0);
        ring_buffer__free(inspect->ring);
        free(inspect);
    }
}

int pt_dp_inspect_fd(const struct pt_dp_inspect *inspect)
{
    if (inspect->ring == NULL) {
        return -1;
    }
    copy_at_most(inspect, PT_SAMPLE_RATE);
    return ring_buffer__epoll_fd(inspect->ring);
}

void pt_dp_inspect_take(struct pt_dp_inspect *inspect, void (*fn)(void *arg, const struct pt_dp_sample *sample),
                        void *arg)
{
    inspect->taken = 0;
    inspect->fn = fn;
    inspect->arg = arg;
    if (inspect->ring != NULL) {
        (void)ring_buffer__consume(inspect->ring); /* stops early by AT_ONCE_MAX: the descriptor stays readable */
    }
}

/* ---- verdicts ------------------------------------------------------------------------------------------------- */

static struct pt_abi_address to_abi(const struct pt_ip *ip)
{
    struct pt_abi_address address;
    memcpy(&address, ip->bytes, sizeof(address));
    return address;
}

static const uint8_t sure_steps[] = {PT_FLOW_SURE_STEPS};
#define SURE_STEPS (sizeof(sure_steps) / sizeof(sure_steps[0]))

uint32_t pt_dp_application_word(uint32_t application, uint8_t evidence, uint8_t confidence)
{
    uint32_t step = 0;
    while (step + 1 < SURE_STEPS && sure_steps[step + 1] <= confidence) {
        step++;
    }
    return (application & PT_FLOW_APPLICATION_MASK) | step << PT_FLOW_APPLICATION_BITS |
           (uint32_t)evidence << PT_FLOW_EVIDENCE_SHIFT;
}

uint32_t pt_dp_application_of(uint32_t word, uint8_t *ret_evidence, uint8_t *ret_confidence)
{
    uint32_t step = word >> PT_FLOW_APPLICATION_BITS & PT_FLOW_SURE_MASK;
    *ret_evidence = (uint8_t)(word >> PT_FLOW_EVIDENCE_SHIFT);
    *ret_confidence = sure_steps[step < SURE_STEPS ? step : SURE_STEPS - 1];
    return word & PT_FLOW_APPLICATION_MASK;
}

static uint32_t word_of(const struct pt_dp_verdict *verdict)
{
    return pt_dp_application_word(verdict->application, verdict->evidence, verdict->confidence);
}

/* Into the flow's entry, when it has one. */
static bool write_entry(int map, const void *key, const struct pt_dp_verdict *verdict)
{
    struct pt_abi_flow flow;
    if (bpf_map_lookup_elem(map, key, &flow) != 0) {
        return false;
    }
    uint32_t application = word_of(verdict);
    bool classed = verdict->traffic_class != 0;
    bool same = flow.application == application && ((flow.flags & PT_FLOW_ASKING) == 0) == verdict->final &&
                ((flow.flags & PT_FLOW_CLASSED) != 0) == classed &&
                (!classed || flow.traffic_class == verdict->traffic_class);
    if (same) {
        return true;
    }
    if ((flow.application ^ application) & PT_FLOW_APPLICATION_MASK) {
        flow.flags |= PT_FLOW_LEARNED;
        flow.epoch--; /* stale */
    }
    flow.application = application;
    flow.flags = (__u8)((flow.flags & ~(PT_FLOW_ASKING | PT_FLOW_CLASSED)) |
                        (verdict->final ? 0 : flow.flags & PT_FLOW_ASKING) | (classed ? PT_FLOW_CLASSED : 0));
    flow.traffic_class = classed ? verdict->traffic_class : flow.traffic_class;
    return bpf_map_update_elem(map, key, &flow, BPF_EXIST) == 0;
}

static struct pt_abi_flow4_key flow4_key(const struct pt_abi_flow6_key *key)
{
    return (struct pt_abi_flow4_key){.source = key->source.words[3],
                                     .destination = key->destination.words[3],
                                     .port_source = key->port_source,
                                     .port_destination = key->port_destination,
                                     .vni_protocol = key->vni_protocol};
}

static bool write_flow(const struct pt_dp_inspect *inspect, const struct pt_dp_verdict *verdict,
                       const struct pt_abi_flow6_key *key)
{
    if (!pt_ip_is_v4(&verdict->source)) {
        return write_entry(inspect->flows6, key, verdict);
    }
    const struct pt_abi_flow4_key key4 = flow4_key(key);
    return write_entry(inspect->flows4, &key4, verdict);
}

void pt_dp_inspect_verdict(struct pt_dp_inspect *inspect, const struct pt_dp_verdict *verdict)
{
    struct pt_abi_flow6_key out = {.source = to_abi(&verdict->source),
                                   .destination = to_abi(&verdict->destination),
                                   .port_source = verdict->port_source,
                                   .port_destination = verdict->port_destination,
                                   .vni_protocol = PT_FLOW_VNI_PROTOCOL(verdict->vni, verdict->protocol)};
    const struct pt_abi_flow6_key back = {.source = out.destination,
                                          .destination = out.source,
                                          .port_source = out.port_destination,
                                          .port_destination = out.port_source,
                                          .vni_protocol = out.vni_protocol};
    bool written = write_flow(inspect, verdict, &out);
    (void)write_flow(inspect, verdict, &back); /* where both ends are hosts of this site */
    if (!written && verdict->final && verdict->application != 0) {
        const struct pt_abi_known known = {.application = word_of(verdict), .traffic_class = verdict->traffic_class};
        struct pt_abi_flow6_key key = out;
        if (pt_ip_is_v4(&verdict->source)) {
            const struct pt_abi_flow4_key key4 = flow4_key(&out);
            memset(&key, 0, sizeof(key));
            memcpy(&key, &key4, sizeof(key4));
        }
        (void)bpf_map_update_elem(inspect->verdicts, &key, &known, BPF_ANY); /* a full table evicts */
    }
}

void pt_dp_inspect_host(struct pt_dp_inspect *inspect, uint32_t vni, const struct pt_ip *address,
                        const struct pt_dp_known *known)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* the programs' clock, in their units */
    uint64_t ns = (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec + known->ttl_s * NS_PER_S;
    const struct pt_abi_subject_key key = {.vni = vni, .source = to_abi(address)};
    const struct pt_abi_known value = {
        .application = pt_dp_application_word(known->application, known->evidence, known->confidence),
        .until = (uint32_t)(ns >> PT_FLOW_TIME_SHIFT),
        .traffic_class = known->traffic_class};
    (void)bpf_map_update_elem(inspect->hosts, &key, &value, BPF_ANY); /* a full table evicts */
}

void pt_dp_inspect_counts(const struct pt_dp_inspect *inspect, struct pt_dp_inspected *ret_counts)
{
    uint64_t sums[PT_INSPECTED_LEN] = {0};
    size_t cpus = (size_t)libbpf_num_possible_cpus();
    uint64_t *values = calloc(cpus, sizeof(*values));
    pt_assert(values != NULL);
    for (uint32_t i = 0; i < PT_INSPECTED_LEN; i++) {
        if (bpf_map_lookup_elem(inspect->counts, &i, values) == 0) {
            for (size_t cpu = 0; cpu < cpus; cpu++) {
                sums[i] += values[cpu];
            }
        }
    }
    free(values);
    *ret_counts = (struct pt_dp_inspected){.sampled = sums[PT_INSPECTED_SAMPLED],
                                           .not_sampled = sums[PT_INSPECTED_ABOVE_RATE] + sums[PT_INSPECTED_NO_ROOM],
                                           .hits = sums[PT_INSPECTED_HITS],
                                           .misses = sums[PT_INSPECTED_MISSES]};
}
