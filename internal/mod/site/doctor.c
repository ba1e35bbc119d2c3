/*
 * From facts to causes: see doctor.h.
 *
 * A weight says how probably a cause is what somebody complains about: what stops everything weighs most, what is meant
 * weighs least, and within a cause the figures decide. Bounds are what a network lives with, not what it is worst at:
 * 1 % of loss is felt by every TCP connection, 20 ms in a queue by every call.
 */
#include "mod/site/doctor.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECKS_MAX 8
#define EVIDENCE_MAX 8
#define CLOCK_MS_MAX 1000 /* users, times of the week and one-way delays go by it */
#define LEAF_S_LEAST 1200 /* it is renewed after half of its hour */
#define UNSENT_S_MAX 10   /* a bundle is acknowledged within a second */
#define LOSS_PPM_MAX 10000U
#define QUEUE_US_MAX 20000U /* of a round trip beyond its least, or in a queue of a link */
#define FULL_PERCENT 90U
#define MTU_STEP 8U /* so closely it is found out */

struct findings {
    struct pt_arena *arena;
    Patronus__V1__DiagnoseSiteResponse *out;
};

#define CAUSE(name) PATRONUS__V1__DIAGNOSIS_CAUSE__CAUSE_##name
#define CRITICAL PATRONUS__V1__DIAGNOSIS_SEVERITY__DIAGNOSIS_CRITICAL
#define WARNING PATRONUS__V1__DIAGNOSIS_SEVERITY__DIAGNOSIS_WARNING
#define NOTE PATRONUS__V1__DIAGNOSIS_SEVERITY__DIAGNOSIS_NOTE

/* NULL when there are as many as may be. */
static Patronus__V1__DiagnosisFinding *find(struct findings *findings, Patronus__V1__DiagnosisCause cause,
                                            Patronus__V1__DiagnosisSeverity severity, uint32_t weight,
                                            const char *resource, const char *summary, const char *remedy)
{
    Patronus__V1__DiagnoseSiteResponse *out = findings->out;
    if (out->n_findings == SITE_FINDINGS_MAX) {
        return NULL;
    }
    Patronus__V1__DiagnosisFinding *finding = PT_NEW(findings->arena, Patronus__V1__DiagnosisFinding);
    patronus__v1__diagnosis_finding__init(finding);
    finding->cause = cause;
    finding->severity = severity;
    finding->weight = weight < 1000 ? weight : 1000;
    finding->resource = (char *)(uintptr_t)resource;
    finding->summary = (char *)(uintptr_t)summary;
    finding->remedy = (char *)(uintptr_t)remedy;
    finding->evidence = pt_arena_array(findings->arena, EVIDENCE_MAX, sizeof(*finding->evidence));
    out->findings[out->n_findings++] = finding;
    return finding;
}

static void add_evidence(struct findings *findings, Patronus__V1__DiagnosisFinding *finding, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add_evidence(struct findings *findings, Patronus__V1__DiagnosisFinding *finding, const char *format, ...)
{
    char text[512];
    va_list args;
    if (finding == NULL || finding->n_evidence == EVIDENCE_MAX) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    finding->evidence[finding->n_evidence++] = pt_arena_strdup(findings->arena, text);
}

static void check(struct findings *findings, const char *what, size_t count)
{
    char text[96];
    Patronus__V1__DiagnoseSiteResponse *out = findings->out;
    pt_assert(out->n_checks < CHECKS_MAX);
    (void)snprintf(text, sizeof(text), "%zu %s", count, what);
    out->checks[out->n_checks++] = pt_arena_strdup(findings->arena, text);
}

/* More for more: 0 at the bound, `most` at ten times the bound. */
static uint32_t more(uint64_t value, uint64_t bound, uint32_t most)
{
    return value >= bound * 10 ? most : (uint32_t)((value - bound) * most / (bound * 9));
}

/* ---- edges ---------------------------------------------------------------------------------------------------- */

static void check_certificate(struct findings *findings, const struct site_edge_facts *edge)
{
    if (!edge->leaf_known || edge->leaf_s >= LEAF_S_LEAST) {
        return;
    }
    bool over = edge->leaf_s <= 0;
    Patronus__V1__DiagnosisFinding *finding =
        find(findings, CAUSE(CERTIFICATE_EXPIRING), over ? CRITICAL : WARNING, over ? 900 : 500, edge->name,
             over ? "its certificate has ended: it cannot connect again" : "its certificate was not renewed in time",
             "it renews by itself at any controller's API address: is that reachable from the edge? see its log for "
             "`certificate not renewed`");
    add_evidence(findings, finding, over ? "it ended %" PRId64 " s ago" : "it ends in %" PRId64 " s",
                 over ? -edge->leaf_s : edge->leaf_s);
}

static void check_bundle(struct findings *findings, const struct site_edge_facts *edge)
{
    if (edge->refused) {
        Patronus__V1__DiagnosisFinding *finding =
            find(findings, CAUSE(BUNDLE_REFUSED), CRITICAL, 850, edge->name,
                 "it refused its newest forwarding state and goes on with an older one",
                 "see the controller's log for `bundle refused` and its reason: most often the edge's disk is full");
        add_evidence(findings, finding, "its last acknowledgement was a refusal");
    } else if (edge->unsent_s > UNSENT_S_MAX) {
        Patronus__V1__DiagnosisFinding *finding = find(
            findings, CAUSE(BUNDLE_BEHIND), WARNING, 700, edge->name, "it does not take its newest forwarding state",
            "is the machine busy, or its line to the controllers bad? what was changed last is not in force there");
        add_evidence(findings, finding, "not acknowledged for %" PRIu64 " s", edge->unsent_s);
    }
}

static void check_clock(struct findings *findings, const struct site_edge_facts *edge)
{
    int64_t off = edge->clock_ms < 0 ? -edge->clock_ms : edge->clock_ms;
    if (edge->clock_known && off > CLOCK_MS_MAX) {
        Patronus__V1__DiagnosisFinding *finding =
            find(findings, CAUSE(CLOCK_OFF), WARNING, 400 + more((uint64_t)off, CLOCK_MS_MAX, 200), edge->name,
                 "its clock is not the leader's: rules with times, sessions of users and one-way delays go by it",
                 "let it take its time from a server (NTP)");
        add_evidence(findings, finding, "%.1f s %s", (double)off / 1e3, edge->clock_ms < 0 ? "behind" : "ahead");
    }
}

/* True when one is there to ask. */
static bool check_edges(struct findings *findings, const struct site_facts *facts)
{
    bool connected = false;
    check(findings, "edges: joined, connected, bundle, certificate, clock", facts->edges_len);
    if (facts->edges_len == 0) {
        (void)find(findings, CAUSE(EDGE_NEVER_JOINED), CRITICAL, 1000, facts->site, "the site has no edge",
                   "create an edge below the site, and join it with a token");
    }
    for (size_t i = 0; i < facts->edges_len; i++) {
        const struct site_edge_facts *edge = &facts->edges[i];
        connected = connected || edge->connected;
        if (!edge->joined) {
            (void)find(findings, CAUSE(EDGE_NEVER_JOINED), CRITICAL, 1000, edge->name, "it never joined the cluster",
                       "patronusctl tokens create --role edge --edge NAME, then patronusd join TOKEN on the machine");
            continue;
        }
        if (!edge->connected) {
            Patronus__V1__DiagnosisFinding *finding =
                find(findings, CAUSE(EDGE_NOT_CONNECTED), CRITICAL, 980, edge->name,
                     "it has no connection to the leader: nobody knows what happens there, and no change arrives",
                     "does the machine run, and patronusd on it? is a controller's agent address reachable over any of "
                     "its links? it forwards by what it has meanwhile");
            add_evidence(findings, finding, "no stream from it is open");
            continue;
        }
        check_certificate(findings, edge);
        check_bundle(findings, edge);
        check_clock(findings, edge);
    }
    return connected;
}

/* ---- links ---------------------------------------------------------------------------------------------------- */

static bool link_is_down(const struct site_link_facts *link)
{
    return link->tunnels > 0 && link->dead == link->tunnels;
}

static void check_load(struct findings *findings, const struct site_link_facts *link)
{
    bool full = link->capacity_bps > 0 && link->rate_bps * 100 >= link->capacity_bps * FULL_PERCENT;
    if (link->delay_us < QUEUE_US_MAX && !full) {
        return;
    }
    uint32_t wait = link->delay_us >= QUEUE_US_MAX ? 50 + more(link->delay_us, QUEUE_US_MAX, 100) : 0;
    Patronus__V1__DiagnosisFinding *finding =
        find(findings, CAUSE(LINK_SATURATED), WARNING, 550 + wait, link->name, "the link is full: packets wait for it",
             "te matrix says who sends; give classes their share (QosProfile), limit a tenant, or add capacity");
    if (full) {
        add_evidence(findings, finding, "it sends %.1f of %.1f Mbit/s", (double)link->rate_bps / 1e6,
                     (double)link->capacity_bps / 1e6);
    }
    if (link->delay_us >= QUEUE_US_MAX) {
        add_evidence(findings, finding, "what waits in a class takes %.1f ms", (double)link->delay_us / 1e3);
    }
}

/* Ports of the link's address, for hosts that leave by it. */
static void check_ports(struct findings *findings, const struct site_link_facts *link)
{
    bool few = link->ports > 0 && (uint64_t)link->taken * 100 >= (uint64_t)link->ports * FULL_PERCENT;
    if (!link->lacks_ports && !few) {
        return;
    }
    Patronus__V1__DiagnosisFinding *finding =
        find(findings, CAUSE(PORTS_EXHAUSTED), WARNING, link->lacks_ports ? 650 : 400, link->name,
             link->lacks_ports ? "hosts that leave by the link find no port" : "few ports are left on the link",
             "a host that opens connections without end (explain drop shows some)? else give the site another link, "
             "or shorten the timeouts of the NatPolicy");
    add_evidence(findings, finding, "%u of %u ports are taken", link->taken, link->ports);
    if (link->lacks_ports) {
        add_evidence(findings, finding, "%" PRIu64 " packets were dropped as nat_exhausted so far", link->refused);
    }
}

static void check_links(struct findings *findings, const struct site_facts *facts)
{
    check(findings, "links: liveness, load, ports, MTU, drains", facts->links_len);
    for (size_t i = 0; i < facts->links_len; i++) {
        const struct site_link_facts *link = &facts->links[i];
        if (link->drained) {
            (void)find(findings, CAUSE(DRAINED), NOTE, 150, link->name, "the link is drained: traffic is kept off it",
                       "patronusctl links undrain puts it back");
        }
        if (link_is_down(link)) {
            Patronus__V1__DiagnosisFinding *finding = find(
                findings, CAUSE(LINK_DOWN), CRITICAL, 900, link->name, "nothing lives over the link",
                "is its cable in, its gateway up, its address right? does the provider let UDP 6081 and 6082 pass?");
            add_evidence(findings, finding, "BFD is down on all of its %u tunnels", link->tunnels);
            continue;
        }
        check_load(findings, link);
        check_ports(findings, link);
        if (link->found_mtu != 0 && link->found_mtu + MTU_STEP <= link->mtu) {
            Patronus__V1__DiagnosisFinding *finding =
                find(findings, CAUSE(MTU_REDUCED), WARNING, 350, link->name,
                     "the underlay carries smaller packets than is configured",
                     "set the link's mtu to what it carries; hosts that filter ICMP hang until then");
            add_evidence(findings, finding, "%u bytes arrive of %u", link->found_mtu, link->mtu);
        }
    }
}

/* ---- paths ---------------------------------------------------------------------------------------------------- */

/* What is down is told once: of the link, if all of it is. */
static bool hidden(const struct site_facts *facts, const struct site_path_facts *path)
{
    for (size_t i = 0; i < facts->links_len; i++) {
        if (strcmp(facts->links[i].name, path->link) == 0) {
            return link_is_down(&facts->links[i]);
        }
    }
    return false;
}

static void check_quality(struct findings *findings, const struct site_path_facts *path)
{
    uint32_t carries = path->carries ? 100 : 0;
    if (path->slas_len > 0) {
        Patronus__V1__DiagnosisFinding *finding =
            find(findings, CAUSE(SLA_BROKEN), WARNING, 500 + carries, path->name, "it breaks an SLA profile",
                 "traffic with that profile has left it where another path keeps it; probe shows it as it is");
        for (size_t i = 0; i < path->slas_len; i++) {
            add_evidence(findings, finding, "%.400s", path->slas[i]);
        }
        add_evidence(findings, finding, "%.1f ms, %.2f %% lost", (double)path->rtt_us / 1e3,
                     (double)path->loss_ppm / 1e4);
    }
    if (path->loss_ppm >= LOSS_PPM_MAX) {
        Patronus__V1__DiagnosisFinding *finding = find(
            findings, CAUSE(LOSS_HIGH), WARNING, 450 + carries + more(path->loss_ppm, LOSS_PPM_MAX, 200), path->name,
            "it loses packets", "is its first link full? else ask the provider; a rule can avoid the link meanwhile");
        add_evidence(findings, finding, "%.2f %% lost in the last ten seconds, first link %.200s",
                     (double)path->loss_ppm / 1e4, path->link);
    }
    uint32_t beyond = path->rtt_us > path->min_rtt_us ? path->rtt_us - path->min_rtt_us : 0;
    if (path->min_rtt_us != 0 && beyond >= QUEUE_US_MAX) {
        Patronus__V1__DiagnosisFinding *finding =
            find(findings, CAUSE(DELAY_HIGH), WARNING, 350 + carries + more(beyond, QUEUE_US_MAX, 150), path->name,
                 "packets wait on it", "a queue is full somewhere on the way: shape the link a little below its rate");
        add_evidence(findings, finding, "%.1f ms now, %.1f ms without queues", (double)path->rtt_us / 1e3,
                     (double)path->min_rtt_us / 1e3);
    }
}

/* Paths of one destination: none of them lives, or some do not. */
static void check_destination(struct findings *findings, const struct site_facts *facts, size_t first, size_t end)
{
    size_t alive = 0, known = 0;
    for (size_t i = first; i < end; i++) {
        known += facts->paths[i].known;
        alive += facts->paths[i].known && facts->paths[i].alive;
    }
    if (known > 0 && alive == 0) {
        Patronus__V1__DiagnosisFinding *finding =
            find(findings, CAUSE(SITE_UNREACHABLE), CRITICAL, 950, facts->paths[first].destination,
                 "no path to the site lives", "patronusctl doctor of that site; and links of this one that are down");
        add_evidence(findings, finding, "%zu paths lead there, all that are known are down", end - first);
        return;
    }
    for (size_t i = first; i < end; i++) {
        const struct site_path_facts *path = &facts->paths[i];
        if (path->known && !path->alive && !hidden(facts, path)) {
            Patronus__V1__DiagnosisFinding *finding =
                find(findings, CAUSE(PATH_DOWN), WARNING, path->carries ? 450 : 300, path->name,
                     "its BFD session is down; others carry", "one of its links, or the far edge: see get tunnels");
            add_evidence(findings, finding, "to %.200s, first link %.200s", path->destination, path->link);
        } else if (path->known && path->alive) {
            check_quality(findings, path);
        }
    }
}

static void check_paths(struct findings *findings, const struct site_facts *facts)
{
    check(findings, "paths: liveness, SLA profiles, loss, delay", facts->paths_len);
    for (size_t first = 0, end = 0; first < facts->paths_len; first = end) {
        for (end = first;
             end < facts->paths_len && strcmp(facts->paths[end].destination, facts->paths[first].destination) == 0;) {
            end++;
        }
        check_destination(findings, facts, first, end);
    }
}

/* ---- drops, drains, order ------------------------------------------------------------------------------------- */

static void check_drops(struct findings *findings, const struct site_facts *facts)
{
    bool lacks_ports = false;
    check(findings, "drop reasons that occurred", facts->drops_len);
    for (size_t i = 0; i < facts->links_len; i++) {
        lacks_ports = lacks_ports || facts->links[i].lacks_ports;
    }
    for (size_t i = 0; i < facts->drops_len; i++) {
        const struct site_drop_facts *drop = &facts->drops[i];
        if (drop->recent == 0 || (lacks_ports && strcmp(drop->reason, "nat_exhausted") == 0)) {
            continue; /* or told of the link */
        }
        uint32_t weight = (drop->meant ? 200 : 300) + more(drop->recent < 10 ? 10 : drop->recent, 10, 150);
        Patronus__V1__DiagnosisFinding *finding =
            find(findings, drop->meant ? CAUSE(POLICY_DENIES) : CAUSE(DROPS_RISING), drop->meant ? NOTE : WARNING,
                 weight, drop->edge, drop->text, drop->remedy);
        add_evidence(findings, finding, "%" PRIu64 " packets dropped as %s in the last minute; explain drop shows some",
                     drop->recent, drop->reason);
    }
}

static int compare(const void *a, const void *b)
{
    const Patronus__V1__DiagnosisFinding *x = *(Patronus__V1__DiagnosisFinding *const *)a;
    const Patronus__V1__DiagnosisFinding *y = *(Patronus__V1__DiagnosisFinding *const *)b;
    if (x->weight != y->weight) {
        return x->weight > y->weight ? -1 : 1;
    }
    int order = (int)x->cause - (int)y->cause;
    return order != 0 ? order : strcmp(x->resource, y->resource);
}

Patronus__V1__DiagnoseSiteResponse *site_diagnose(const struct site_facts *facts, struct pt_arena *arena)
{
    struct findings findings = {.arena = arena, .out = PT_NEW(arena, Patronus__V1__DiagnoseSiteResponse)};
    Patronus__V1__DiagnoseSiteResponse *out = findings.out;
    patronus__v1__diagnose_site_response__init(out);
    out->findings = pt_arena_array(arena, SITE_FINDINGS_MAX, sizeof(*out->findings));
    out->checks = pt_arena_array(arena, CHECKS_MAX, sizeof(*out->checks));
    if (facts->drained) {
        (void)find(&findings, CAUSE(DRAINED), NOTE, 160, facts->site, "the site is drained: no transit goes through it",
                   "patronusctl sites undrain puts it back");
    }
    if (check_edges(&findings, facts)) {
        check_links(&findings, facts);
        check_paths(&findings, facts);
        check_drops(&findings, facts);
    }
    if (out->n_findings > 0) {
        qsort(out->findings, out->n_findings, sizeof(*out->findings), compare);
    }
    return out;
}
