/*
 * Inspection on a node: packets that the programs copied -> verdicts, into the flow entries.
 *
 *    sample -> DNS answer?  -> addresses of names that mean an application -> cache of the programs, for their TTL
 *           -> engine (internal/dpi) -> verdict -> entry of the flow, or a place where its entry will find it
 *
 * On the agent's loop, at most PT_SAMPLE_RATE packets a second of some microseconds each (docs/mod/dpi.md), in turns
 * that a descriptor wakes: what does not fit is counted by the programs and left uninspected. Descriptions come with
 * the bundle and replace those before them; flows that are known stay what they are, and the library's state of
 * flows that are not goes on.
 */
#include "agent/agent_priv.h"

#include "base/arena.h"
#include "base/assert.h"
#include "bpf/abi/inspect.h"
#include "dpi/catalog.h"
#include "dpi/dpi.h"
#include "sys/sys_uv.h"

#include <stdlib.h>
#include <string.h>

#define FLOWS_MAX 16384
#define TCP_PACKETS_MAX 12 /* inspected before a flow is given up, of both directions */
#define UDP_PACKETS_MAX 10
#define USES_MAX 512 /* applications whose flows are counted one by one */
#define REPORT_MAX 64
#define LEARNED_MAX 16384
#define TTL_MIN_S 60
#define TTL_MAX_S 3600
#define DNS_CONFIDENCE 60
#define PORT_DNS 53
#define PROTOCOL_UDP 17
#define NAME_SIZE 256

struct use {
    uint32_t vni, application;
    uint64_t flows;
    char name[NAME_SIZE];
};

struct learned {
    uint32_t vni;
    struct pt_ip address;
    uint64_t until_ms;
};

struct pt_agent_inspect {
    struct pt_agent *agent;
    struct pt_dpi *engine;
    struct pt_fd_watch *watch;
    uint64_t described; /* hash of the descriptions in force */
    uint64_t now_ms;    /* of the newest sample */
    struct use *uses;
    size_t uses_len;
    struct learned *learned; /* by hash; a newer one takes an older one's place */
};

/* ---- counting ------------------------------------------------------------------------------------------------- */

static const char *name_of(const struct pt_agent_inspect *inspect, uint32_t vni, uint32_t application)
{
    const struct pt_dpi_application *described = pt_dpi_set_find(pt_dpi_set(inspect->engine), vni, application);
    const char *signature =
        application & PT_DPI_SIGNATURE ? pt_dpi_signature_name(application & ~PT_DPI_SIGNATURE) : NULL;
    return described != NULL ? described->name : signature != NULL ? signature : "unknown";
}

static void count_use(struct pt_agent_inspect *inspect, uint32_t vni, uint32_t application)
{
    uint32_t scope = application & PT_DPI_SIGNATURE ? 0 : vni; /* signatures mean the same everywhere */
    for (size_t i = 0; i < inspect->uses_len; i++) {
        if (inspect->uses[i].application == application && inspect->uses[i].vni == scope) {
            inspect->uses[i].flows++;
            return;
        }
    }
    if (inspect->uses_len < USES_MAX) {
        struct use *use = &inspect->uses[inspect->uses_len++];
        *use = (struct use){.vni = scope, .application = application, .flows = 1};
        strncpy(use->name, name_of(inspect, vni, application), sizeof(use->name) - 1);
    }
}

/* ---- names ---------------------------------------------------------------------------------------------------- */

static void learn(struct pt_agent_inspect *inspect, uint32_t vni, const struct pt_dpi_answer *answer)
{
    struct pt_dp *dp = inspect->agent->options.dp;
    struct pt_dp_known known = {.evidence = PT_DPI_EVIDENCE_DNS_ANSWER, .confidence = DNS_CONFIDENCE};
    known.application = pt_dpi_host(inspect->engine, vni, answer->host, &known.traffic_class);
    known.ttl_s = answer->ttl_s < TTL_MIN_S ? TTL_MIN_S : answer->ttl_s > TTL_MAX_S ? TTL_MAX_S : answer->ttl_s;
    for (size_t i = 0; known.application != 0 && i < answer->addresses_len; i++) {
        const struct pt_ip *address = &answer->addresses[i];
        uint64_t hash = pt_hash_mix(pt_hash(address->bytes, sizeof(address->bytes)) + vni);
        struct learned *place = &inspect->learned[hash % LEARNED_MAX];
        *place = (struct learned){
            .vni = vni, .address = *address, .until_ms = inspect->now_ms + (uint64_t)known.ttl_s * 1000};
        dp->ops->set_host(dp, vni, address, &known);
    }
}

static uint64_t count_learned(const struct pt_agent_inspect *inspect)
{
    uint64_t count = 0;
    for (size_t i = 0; i < LEARNED_MAX; i++) {
        count += inspect->learned[i].until_ms > inspect->now_ms;
    }
    return count;
}

/* ---- samples -------------------------------------------------------------------------------------------------- */

static void tell(struct pt_agent_inspect *inspect, const struct pt_dp_sample *sample,
                 const struct pt_dpi_packet *packet, const struct pt_dpi_flow *flow)
{
    struct pt_dp *dp = inspect->agent->options.dp;
    bool out = sample->from_host;
    const struct pt_dp_verdict verdict = {.source = out ? packet->source : packet->destination,
                                          .destination = out ? packet->destination : packet->source,
                                          .port_source = out ? packet->port_source : packet->port_destination,
                                          .port_destination = out ? packet->port_destination : packet->port_source,
                                          .vni = sample->vni,
                                          .application = flow->verdict.application,
                                          .protocol = packet->protocol,
                                          .evidence = flow->verdict.evidence,
                                          .confidence = flow->verdict.confidence,
                                          .traffic_class = flow->verdict.traffic_class,
                                          .final = flow->done};
    dp->ops->set_verdict(dp, &verdict);
}

static void on_sample(void *arg, const struct pt_dp_sample *sample)
{
    struct pt_agent_inspect *inspect = arg;
    struct pt_dpi_packet packet;
    struct pt_dpi_answer answer;
    bool changed = false;
    inspect->now_ms = sample->time_ms;
    if (!pt_dpi_packet_parse(sample->data, sample->size, &packet)) {
        return;
    }
    if (packet.protocol == PROTOCOL_UDP && packet.port_source == PORT_DNS &&
        pt_dpi_dns_parse(packet.payload, packet.payload_size, &answer)) {
        learn(inspect, sample->vni, &answer);
    }
    struct pt_dpi_counts before = pt_dpi_counts(inspect->engine);
    const struct pt_dpi_flow *flow = pt_dpi_packet(inspect->engine, sample->vni, &packet, sample->time_ms, &changed);
    if (flow == NULL || (!changed && !flow->done)) {
        return;
    }
    struct pt_dpi_counts after = pt_dpi_counts(inspect->engine);
    if (before.recognised + before.unknown != after.recognised + after.unknown) {
        count_use(inspect, sample->vni, flow->verdict.application);
    }
    tell(inspect, sample, &packet, flow);
}

static void on_readable(void *arg)
{
    struct pt_agent_inspect *inspect = arg;
    struct pt_dp *dp = inspect->agent->options.dp;
    dp->ops->samples(dp, on_sample, inspect);
}

/* ---- descriptions --------------------------------------------------------------------------------------------- */

static void take_description(struct pt_arena *arena, const Patronus__V1__DescriptionEntry *entry,
                             struct pt_dpi_description *description)
{
    struct pt_dpi_span *ports = pt_arena_array(arena, entry->n_ports, sizeof(*ports));
    struct pt_prefix *prefixes = pt_arena_array(arena, entry->n_prefixes, sizeof(*prefixes));
    const char **hosts = pt_arena_array(arena, entry->n_hosts, sizeof(*hosts));
    for (size_t i = 0; i < entry->n_ports; i++) {
        ports[i] = (struct pt_dpi_span){(uint16_t)entry->ports[i]->first, (uint16_t)entry->ports[i]->last};
    }
    for (size_t i = 0; i < entry->n_prefixes; i++) {
        const Patronus__V1__PrefixSpan *span = entry->prefixes[i];
        if (span->prefix.len == sizeof(prefixes[i].ip.bytes) && span->prefix_len <= 128) {
            memcpy(prefixes[i].ip.bytes, span->prefix.data, sizeof(prefixes[i].ip.bytes));
            prefixes[i].len = (uint8_t)span->prefix_len;
        }
    }
    for (size_t i = 0; i < entry->n_hosts; i++) {
        hosts[i] = pt_arena_strdup(arena, entry->hosts[i]);
    }
    *description = (struct pt_dpi_description){
        .protocol = entry->protocol,
        .dscp_mask = entry->dscp_mask,
        .ports = ports,
        .ports_len = entry->n_ports,
        .prefixes = prefixes,
        .prefixes_len = entry->n_prefixes,
        .hosts = hosts,
        .hosts_len = entry->n_hosts,
        .signatures = pt_arena_memdup(arena, entry->signatures, entry->n_signatures * sizeof(*entry->signatures)),
        .signatures_len = entry->n_signatures};
}

static uint64_t hash_of(const Patronus__V1__ApplicationEntry *entry, uint64_t hash)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__application_entry__get_packed_size(entry);
    (void)patronus__v1__application_entry__pack(entry, pt_buf_reserve(&data, size));
    return pt_hash_mix(hash + pt_hash(data.data, size));
}

void pt_agent_inspect_set_bundle(struct pt_agent_inspect *inspect, const struct pt_bundle *bundle)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &len);
    uint64_t hash = 1;
    for (size_t i = 0; i < len; i++) {
        if (entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_APPLICATION) {
            hash = hash_of(entries[i]->application, hash);
        }
    }
    if (hash == inspect->described) {
        return;
    }
    struct pt_dpi_set *set = pt_dpi_set_new();
    for (size_t i = 0; i < len; i++) {
        const Patronus__V1__ApplicationEntry *entry = entries[i]->application;
        if (entries[i]->entry_case != PATRONUS__V1__ENTRY__ENTRY_APPLICATION) {
            continue;
        }
        struct pt_dpi_application *application =
            pt_dpi_set_add(set, entry->vni, entry->application, entry->name, entry->n_descriptions);
        application->traffic_class = entry->traffic_class < 8 ? (uint8_t)entry->traffic_class : 0;
        for (size_t j = 0; j < entry->n_descriptions; j++) {
            take_description(pt_dpi_set_arena(set), entry->descriptions[j], &application->descriptions[j]);
        }
    }
    pt_dpi_describe(inspect->engine, set);
    inspect->described = hash;
}

/* ---- telemetry ------------------------------------------------------------------------------------------------ */

static int compare_uses(const void *a, const void *b)
{
    const struct use *x = a, *y = b;
    return x->flows != y->flows ? (x->flows > y->flows ? -1 : 1) : strcmp(x->name, y->name);
}

void pt_agent_add_inspection(const struct pt_agent_inspect *inspect, struct pt_arena *arena,
                             Patronus__V1__Telemetry *telemetry)
{
    struct pt_dp *dp = inspect->agent->options.dp;
    struct pt_dpi_counts counts = pt_dpi_counts(inspect->engine);
    struct pt_dp_inspected inspected = {0};
    dp->ops->inspected(dp, &inspected);
    Patronus__V1__InspectionReport *report = PT_NEW(arena, Patronus__V1__InspectionReport);
    patronus__v1__inspection_report__init(report);
    report->sampled = inspected.sampled;
    report->not_sampled = inspected.not_sampled;
    report->recognised = counts.recognised;
    report->unknown = counts.unknown;
    report->cache_hits = inspected.hits;
    report->cache_misses = inspected.misses;
    report->learned_addresses = count_learned(inspect);
    report->reloads = counts.reloads;
    qsort(inspect->uses, inspect->uses_len, sizeof(*inspect->uses), compare_uses);
    report->applications = pt_arena_array(arena, REPORT_MAX, sizeof(*report->applications));
    for (size_t i = 0; i < inspect->uses_len && i < REPORT_MAX; i++) {
        Patronus__V1__ApplicationReport *use = PT_NEW(arena, Patronus__V1__ApplicationReport);
        patronus__v1__application_report__init(use);
        use->application = inspect->uses[i].application;
        use->name = inspect->uses[i].name;
        use->flows = inspect->uses[i].flows;
        report->applications[report->n_applications++] = use;
    }
    telemetry->inspection = report;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

struct pt_agent_inspect *pt_agent_inspect_new(struct pt_agent *agent)
{
    struct pt_dp *dp = agent->options.dp;
    int fd = dp->ops->sample_fd != NULL ? dp->ops->sample_fd(dp) : -1;
    const struct pt_dpi_options options = {.flows_max = FLOWS_MAX,
                                           .tcp_packets_max = TCP_PACKETS_MAX,
                                           .udp_packets_max = UDP_PACKETS_MAX,
                                           .replaces = true};
    struct pt_error error = {0};
    if (fd < 0) {
        return NULL;
    }
    struct pt_agent_inspect *inspect = calloc(1, sizeof(*inspect));
    pt_assert(inspect != NULL);
    inspect->agent = agent;
    if (pt_dpi_new(&options, &inspect->engine, &error) != PT_OK) {
        pt_log_warn(agent->options.log, "nothing is inspected", "reason=\"%s\"", error.text);
        free(inspect);
        return NULL;
    }
    inspect->uses = calloc(USES_MAX, sizeof(*inspect->uses));
    inspect->learned = calloc(LEARNED_MAX, sizeof(*inspect->learned));
    pt_assert(inspect->uses != NULL && inspect->learned != NULL);
    inspect->watch = pt_sys_uv_watch(agent->options.sys, fd, on_readable, inspect);
    return inspect;
}

void pt_agent_inspect_free(struct pt_agent_inspect *inspect)
{
    if (inspect != NULL) {
        pt_sys_uv_unwatch(inspect->watch);
        pt_dpi_free(inspect->engine);
        free(inspect->uses);
        free(inspect->learned);
        free(inspect);
    }
}
