/*
 * The table of flows and the verdicts.
 *
 * Flows stand in an array, found through chains from buckets by a hash of both ends in one order, so that both
 * directions are one flow. A full table that replaces takes the next flow that was not used since the hand last passed
 * it (a clock): no list is touched for a packet that hits.
 *
 * A verdict changes when more is learned: TLS at the first packet of a handshake, the site that it is for at the
 * second. What an organization describes wins over signatures, as soon as it matches.
 */
#include "dpi/dpi.h"

#include "base/assert.h"
#include "dpi/catalog.h"
#include "dpi/library.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PORT_WELL_KNOWN 1024
#define IDLE_MS 300000 /* a flow that says nothing for so long is another when its ports are seen again */
#define TCP_RST 4
#define HUGE_PAGE ((size_t)2 << 20)

struct pt_dpi {
    struct pt_dpi_options options;
    struct dpi_library *library;
    struct pt_dpi_set *set;
    struct pt_dpi_flow *flows;
    uint32_t *buckets; /* index + 1; 0: empty */
    uint32_t flows_len, buckets_mask, hand;
    struct pt_dpi_counts counts;
};

enum pt_code pt_dpi_new(const struct pt_dpi_options *options, struct pt_dpi **ret_dpi, struct pt_error *reterr)
{
    struct pt_dpi *dpi = calloc(1, sizeof(*dpi));
    pt_assert(dpi != NULL && options->flows_max > 0);
    dpi->options = *options;
    enum pt_code code = dpi_library_new(&dpi->library, reterr);
    if (code != PT_OK) {
        free(dpi);
        return code;
    }
    uint32_t buckets = 64;
    while (buckets < 2 * (uint64_t)options->flows_max) { /* so that most chains have one link */
        buckets *= 2;
    }
    dpi->buckets_mask = buckets - 1;
    dpi->buckets = calloc(buckets, sizeof(*dpi->buckets));
    size_t size = ((size_t)options->flows_max * sizeof(*dpi->flows) + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    dpi->flows = aligned_alloc(HUGE_PAGE, size);
    pt_assert(dpi->buckets != NULL && dpi->flows != NULL);
    (void)madvise(dpi->flows, size, MADV_HUGEPAGE); /* where there are none, packets of many flows only cost more */
    *ret_dpi = dpi;
    return PT_OK;
}

static void flow_clear(struct pt_dpi_flow *flow)
{
    dpi_state_free(flow->state);
    free(flow->host);
    flow->state = NULL;
    flow->host = NULL;
}

void pt_dpi_free(struct pt_dpi *dpi)
{
    if (dpi == NULL) {
        return;
    }
    for (uint32_t i = 0; i < dpi->flows_len; i++) {
        flow_clear(&dpi->flows[i]);
    }
    free(dpi->flows);
    free(dpi->buckets);
    pt_dpi_set_free(dpi->set);
    dpi_library_free(dpi->library);
    free(dpi);
}

void pt_dpi_describe(struct pt_dpi *dpi, struct pt_dpi_set *set)
{
    pt_dpi_set_free(dpi->set);
    dpi->set = set;
    dpi->counts.reloads++;
}

const struct pt_dpi_set *pt_dpi_set(const struct pt_dpi *dpi)
{
    return dpi->set;
}

/* ---- the table ------------------------------------------------------------------------------------------------ */

static void make_key(const struct pt_dpi_packet *packet, uint32_t scope, uint64_t key[5])
{
    uint64_t source[2], destination[2];
    memcpy(source, packet->source.bytes, 16);
    memcpy(destination, packet->destination.bytes, 16);
    uint64_t ports = (uint64_t)packet->port_source << 16 | packet->port_destination;
    bool lower = source[1] != destination[1]   ? source[1] < destination[1]
                 : source[0] != destination[0] ? source[0] < destination[0]
                                               : packet->port_source <= packet->port_destination;
    if (!lower) {
        uint64_t swap[2] = {source[0], source[1]};
        memcpy(source, destination, 16);
        memcpy(destination, swap, 16);
        ports = (uint64_t)packet->port_destination << 16 | packet->port_source;
    }
    key[0] = source[0];
    key[1] = source[1];
    key[2] = destination[0];
    key[3] = destination[1];
    key[4] = ports | (uint64_t)scope << 40 | (uint64_t)packet->protocol << 32;
}

/* Both halves of a product: every bit of it depends on all bits of both. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)(a ^ 0x9e3779b97f4a7c15U) * (b ^ 0xff51afd7ed558ccdU);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Three products that do not wait for each other. */
static uint32_t hash_key(const uint64_t key[5])
{
    uint64_t h = mix(key[0], key[1]) + 3 * mix(key[2], key[3]) + mix(key[4], key[4] >> 32);
    return (uint32_t)(h ^ h >> 32);
}

static bool is_key(const struct pt_dpi_flow *flow, const uint64_t key[5])
{
    return ((flow->key[0] ^ key[0]) | (flow->key[1] ^ key[1]) | (flow->key[2] ^ key[2]) | (flow->key[3] ^ key[3]) |
            (flow->key[4] ^ key[4])) == 0;
}

static void unlink_flow(struct pt_dpi *dpi, struct pt_dpi_flow *flow)
{
    uint32_t index = (uint32_t)(flow - dpi->flows) + 1, *at = &dpi->buckets[hash_key(flow->key) & dpi->buckets_mask];
    while (*at != index) {
        at = &dpi->flows[*at - 1].next;
    }
    *at = flow->next;
}

/* Room for a flow; NULL when there is none. */
static struct pt_dpi_flow *take_slot(struct pt_dpi *dpi)
{
    if (dpi->flows_len < dpi->options.flows_max) {
        return &dpi->flows[dpi->flows_len++];
    }
    if (!dpi->options.replaces) {
        dpi->counts.left_out++;
        return NULL;
    }
    while (dpi->flows[dpi->hand].recent) {
        dpi->flows[dpi->hand].recent = false;
        dpi->hand = (dpi->hand + 1) % dpi->flows_len;
    }
    struct pt_dpi_flow *flow = &dpi->flows[dpi->hand];
    dpi->hand = (dpi->hand + 1) % dpi->flows_len;
    unlink_flow(dpi, flow);
    flow_clear(flow);
    return flow;
}

/* The first packet seen may be an answer: of a connection that began before, or went the other way round us. */
static bool is_answer(const struct pt_dpi_packet *packet)
{
    if (packet->protocol == PROTOCOL_TCP && (packet->tcp_flags & PT_DPI_TCP_SYN) != 0) {
        return (packet->tcp_flags & PT_DPI_TCP_ACK) != 0;
    }
    return packet->port_source != 0 && packet->port_source < PORT_WELL_KNOWN &&
           packet->port_destination >= PORT_WELL_KNOWN;
}

static struct pt_dpi_flow *begin(struct pt_dpi *dpi, uint32_t scope, const struct pt_dpi_packet *packet,
                                 const uint64_t key[5], uint32_t bucket)
{
    struct pt_dpi_flow *flow = take_slot(dpi);
    if (flow == NULL) {
        return NULL;
    }
    bool answer = is_answer(packet);
    *flow = (struct pt_dpi_flow){.used = true,
                                 .next = dpi->buckets[bucket],
                                 .client = answer ? packet->destination : packet->source,
                                 .server = answer ? packet->source : packet->destination,
                                 .port_client = answer ? packet->port_destination : packet->port_source,
                                 .port_server = answer ? packet->port_source : packet->port_destination,
                                 .scope = scope,
                                 .protocol = packet->protocol,
                                 .dscp = packet->dscp,
                                 .state = dpi_state_new()};
    memcpy(flow->key, key, sizeof(flow->key));
    dpi->buckets[bucket] = (uint32_t)(flow - dpi->flows) + 1;
    return flow;
}

/* The same ports, but another conversation: inspect anew. */
static void begin_again(struct pt_dpi_flow *flow)
{
    flow_clear(flow);
    flow->state = dpi_state_new();
    flow->done = flow->closed = false;
    flow->verdict = (struct pt_dpi_verdict){0};
    flow->packets = 0;
}

/* ---- verdicts ------------------------------------------------------------------------------------------------- */

static void keep_host(struct pt_dpi_flow *flow, const char *host)
{
    if (flow->host != NULL || host[0] == '\0') {
        return;
    }
    flow->host = strdup(host);
    pt_assert(flow->host != NULL);
    for (char *c = flow->host; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    }
}

/* What the organization describes; it wins. */
static bool describe(const struct pt_dpi *dpi, struct pt_dpi_flow *flow, struct pt_dpi_verdict *verdict)
{
    const struct pt_dpi_subject subject = {.destination = flow->server,
                                           .port = flow->port_server,
                                           .protocol = flow->protocol,
                                           .dscp = flow->dscp,
                                           .host = flow->host != NULL ? flow->host : "",
                                           .signature = verdict->signature,
                                           .carrier = verdict->carrier};
    const struct pt_dpi_application *found = pt_dpi_set_match(dpi->set, flow->scope, &subject);
    if (found == NULL) {
        return false;
    }
    verdict->application = found->number;
    verdict->traffic_class = found->traffic_class;
    if (verdict->evidence <= PT_DPI_EVIDENCE_PAYLOAD) { /* else a name is what it was known by */
        verdict->evidence = PT_DPI_EVIDENCE_DESCRIPTION;
        verdict->confidence = 100;
    }
    return true;
}

static bool judge(struct pt_dpi *dpi, struct pt_dpi_flow *flow, const struct dpi_look *look)
{
    struct pt_dpi_verdict verdict = {.signature = look->signature,
                                     .carrier = look->carrier,
                                     .evidence = (uint8_t)look->evidence,
                                     .confidence = look->confidence,
                                     .known_after = flow->verdict.known_after};
    keep_host(flow, look->host);
    if (!describe(dpi, flow, &verdict) && verdict.signature != 0) {
        verdict.application = verdict.signature | PT_DPI_SIGNATURE;
    }
    bool changed = verdict.application != flow->verdict.application;
    if (changed && verdict.known_after == 0 && !flow->done) {
        verdict.known_after = (uint16_t)(flow->packets < UINT16_MAX ? flow->packets : UINT16_MAX);
    }
    flow->verdict = verdict;
    return changed;
}

static void settle(struct pt_dpi *dpi, struct pt_dpi_flow *flow)
{
    flow->done = true;
    dpi_state_free(flow->state);
    flow->state = NULL;
    dpi->counts.recognised += flow->verdict.application != 0;
    dpi->counts.unknown += flow->verdict.application == 0;
}

void pt_dpi_finish(struct pt_dpi *dpi, struct pt_dpi_flow *flow)
{
    struct dpi_look look;
    if (flow->done) {
        return;
    }
    flow->done = true; /* what follows is a guess: known_after stays 0 */
    dpi_library_guess(dpi->library, flow->state, flow->protocol, &look);
    if (look.signature != 0 || flow->verdict.signature == 0) {
        (void)judge(dpi, flow, &look);
    }
    settle(dpi, flow);
}

static bool inspect(struct pt_dpi *dpi, struct pt_dpi_flow *flow, const struct pt_dpi_packet *packet, uint64_t time_ms)
{
    struct dpi_look look;
    uint32_t most = flow->protocol == PROTOCOL_TCP   ? dpi->options.tcp_packets_max
                    : flow->protocol == PROTOCOL_UDP ? dpi->options.udp_packets_max
                                                     : UINT32_MAX;
    dpi_library_packet(dpi->library, flow->state, packet, time_ms, &look);
    bool changed = judge(dpi, flow, &look);
    if (flow->packets > most) {
        uint32_t before = flow->verdict.application;
        pt_dpi_finish(dpi, flow);
        return changed || flow->verdict.application != before;
    }
    if (look.signature != 0 && !look.may_say_more) {
        settle(dpi, flow);
    }
    return changed;
}

struct pt_dpi_flow *pt_dpi_packet(struct pt_dpi *dpi, uint32_t scope, const struct pt_dpi_packet *packet,
                                  uint64_t time_ms, bool *ret_changed)
{
    uint64_t key[5];
    *ret_changed = false;
    dpi->counts.packets++;
    if (packet->fragment) {
        return NULL;
    }
    make_key(packet, scope, key);
    uint32_t bucket = hash_key(key) & dpi->buckets_mask, at = dpi->buckets[bucket];
    while (at != 0 && !is_key(&dpi->flows[at - 1], key)) {
        at = dpi->flows[at - 1].next;
    }
    struct pt_dpi_flow *flow = at != 0 ? &dpi->flows[at - 1] : begin(dpi, scope, packet, key, bucket);
    if (flow == NULL) {
        return NULL;
    }
    if (dpi->options.replaces) {
        bool starts = packet->protocol == PROTOCOL_TCP &&
                      (packet->tcp_flags & (PT_DPI_TCP_SYN | PT_DPI_TCP_ACK)) == PT_DPI_TCP_SYN && flow->closed;
        if (at != 0 && (starts || (uint32_t)time_ms - flow->seen_ms > IDLE_MS)) {
            begin_again(flow);
        }
        flow->seen_ms = (uint32_t)time_ms;
        flow->closed =
            flow->closed || (packet->protocol == PROTOCOL_TCP && (packet->tcp_flags & (PT_DPI_TCP_FIN | TCP_RST)) != 0);
        flow->recent = true;
    }
    flow->packets++;
    flow->bytes += packet->wire_size;
    if (flow->done) {
        dpi->counts.hits++;
        return flow;
    }
    *ret_changed = inspect(dpi, flow, packet, time_ms);
    return flow;
}

/* ---- questions ------------------------------------------------------------------------------------------------ */

uint32_t pt_dpi_host(struct pt_dpi *dpi, uint32_t scope, const char *host, uint8_t *ret_traffic_class)
{
    uint32_t signature = dpi_library_host(dpi->library, host);
    const struct pt_dpi_application *found = pt_dpi_set_match_host(dpi->set, scope, host, signature);
    *ret_traffic_class = found != NULL ? found->traffic_class : 0;
    return found != NULL ? found->number : signature != 0 ? signature | PT_DPI_SIGNATURE : 0;
}

struct pt_dpi_flow *pt_dpi_flow_at(struct pt_dpi *dpi, size_t index)
{
    return index < dpi->flows_len ? &dpi->flows[index] : NULL;
}

struct pt_dpi_counts pt_dpi_counts(const struct pt_dpi *dpi)
{
    return dpi->counts;
}
