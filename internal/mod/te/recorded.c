/*
 * From what an edge recorded to an explanation.
 *
 * The record is the truth: which path, which rule, under which configuration. Reasons are found by judging the recorded
 * candidates as the data plane does (candidate.c); where the flow is on another path than they would give a new flow
 * today, it stays there by its move mode, and that is said. Only names come from the newest pass: a site or segment
 * that is gone since has none.
 */
#include "mod/te/recorded.h"

#include "base/drop.h"
#include "dpi/catalog.h"
#include "mod/te/candidate.h"
#include "mod/te/steer.h"
#include "mod/te/te.h"
#include "mod/te/topology.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define VERDICT_PATH 1 /* enum pt_abi_flow_verdict (bpf/abi/flow.h) */
#define VERDICT_LOCAL 2
#define VERDICT_DROP 3
#define VERDICT_EXIT 4
#define FLAG_SEALED 1U
#define FLAG_MOVED 8U
#define TCP 6
#define CHANGES_MAX 16

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

static const struct te_topology *topology_of(const struct pt_plan_pass *pass)
{
    return pt_map_get_str(&pass->sections, "topology");
}

static Google__Protobuf__Timestamp *timestamp(int64_t ns, struct pt_arena *arena)
{
    Google__Protobuf__Timestamp *time = PT_NEW(arena, Google__Protobuf__Timestamp);
    google__protobuf__timestamp__init(time);
    time->seconds = ns / 1000000000;
    time->nanos = (int32_t)(ns % 1000000000);
    return time;
}

/* ---- whom to ask ---------------------------------------------------------------------------------------------- */

struct finding {
    const struct te_topology *topology;
    const char *organization, *site, *segment; /* asked for; "" for any */
    struct pt_ip source;
    const struct te_site *found;
    size_t found_segment;
    int best_len;
    bool ambiguous;
};

static bool wanted(const struct finding *f, const struct te_site *site, const struct te_lan *lan)
{
    return strcmp(site->organization, f->organization) == 0 &&
           (f->site[0] == '\0' || strcmp(site->name, f->site) == 0) &&
           (f->segment[0] == '\0' || strcmp(f->topology->segments[lan->segment].name, f->segment) == 0);
}

static void look_at(struct finding *f, const struct te_site *site, const struct te_lan *lan)
{
    int len = f->site[0] != '\0' && f->segment[0] != '\0' ? 0 : -1; /* named in full: whatever its prefixes are */
    for (size_t i = 0; i < lan->prefixes_len; i++) {
        if (pt_prefix_contains(&lan->prefixes[i], &f->source) && lan->prefixes[i].len > len) {
            len = lan->prefixes[i].len;
        }
    }
    if (len < 0 || len < f->best_len) {
        return;
    }
    f->ambiguous = len == f->best_len && (f->found != site || f->found_segment != lan->segment);
    f->found = site;
    f->found_segment = lan->segment;
    f->best_len = len;
}

static enum pt_code find_place(struct finding *f, struct pt_error *reterr)
{
    for (size_t i = 0; i < f->topology->sites_len; i++) {
        const struct te_site *site = &f->topology->sites[i];
        for (size_t j = 0; j < site->lans_len; j++) {
            if (wanted(f, site, &site->lans[j])) {
                look_at(f, site, &site->lans[j]);
            }
        }
    }
    if (f->found == NULL) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "source",
                       "no interface of the organization's sites has a prefix with it; name site and segment");
    }
    if (f->ambiguous) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "segment",
                       "several sites or segments have a prefix with the source; name site and segment");
    }
    return f->found->node != NULL ? PT_OK
                                  : pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, "site",
                                            "'%.200s' has no edge that could remember", f->found->name);
}

static ProtobufCBinaryData ip_bytes(const struct pt_ip *ip, struct pt_arena *arena)
{
    return (ProtobufCBinaryData){.len = sizeof(ip->bytes),
                                 .data = pt_arena_memdup(arena, ip->bytes, sizeof(ip->bytes))};
}

enum pt_code te_flow_place(const struct pt_plan_pass *pass, const struct pt_msg *request, struct pt_arena *arena,
                           struct te_flow_place *ret_place, struct pt_error *reterr)
{
    struct finding f = {.topology = topology_of(pass),
                        .organization = pt_msg_str(request, "parent"),
                        .site = pt_msg_str(request, "site"),
                        .segment = pt_msg_str(request, "segment"),
                        .best_len = -1};
    struct pt_ip destination;
    PT_TRY(pt_ip_parse(pt_msg_str(request, "source"), &f.source, reterr));
    PT_TRY(pt_ip_parse(pt_msg_str(request, "destination"), &destination, reterr));
    if (pt_ip_is_v4(&f.source) != pt_ip_is_v4(&destination)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "destination",
                       "source and destination are of different families");
    }
    PT_TRY(find_place(&f, reterr));
    Patronus__V1__FlowQuestion *question = PT_NEW(arena, Patronus__V1__FlowQuestion);
    patronus__v1__flow_question__init(question);
    question->vni = f.topology->segments[f.found_segment].vni;
    question->source = ip_bytes(&f.source, arena);
    question->destination = ip_bytes(&destination, arena);
    question->protocol = (uint32_t)pt_msg_u64(request, "protocol");
    question->source_port = (uint32_t)pt_msg_u64(request, "source_port");
    question->destination_port = (uint32_t)pt_msg_u64(request, "destination_port");
    const struct pt_msg *time = pt_msg_child(request, "time");
    if (time != NULL) {
        question->time_ns = pt_msg_i64(time, "seconds") * 1000000000 + pt_msg_i64(time, "nanos");
    }
    *ret_place = (struct te_flow_place){.edge = pt_arena_strdup(arena, f.found->node->edge),
                                        .site = pt_arena_strdup(arena, f.found->name),
                                        .segment = pt_arena_strdup(arena, f.topology->segments[f.found_segment].name),
                                        .question = question};
    return PT_OK;
}

/* ---- what it says --------------------------------------------------------------------------------------------- */

struct explaining {
    const struct pt_plan_pass *pass;
    const struct te_flow_place *place;
    const Patronus__V1__FlowRecord *record;
    struct pt_arena *arena;
    Patronus__V1__ExplainFlowResponse *out;
};

static char *path_name(const struct te_flow_place *place, uint64_t path, struct pt_arena *arena)
{
    const char *rest = strstr(place->site, "/sites/");
    int size = rest != NULL ? (int)(rest - place->site) : 0;
    return path == 0 ? borrow("") : pt_arena_printf(arena, "%.*s/paths/p-%016" PRIx64, size, place->site, path);
}

static Patronus__V1__SimulatedVerdict verdict_of(const Patronus__V1__FlowRecord *record)
{
    static const Patronus__V1__SimulatedVerdict verdicts[] = {
        [VERDICT_PATH] = PATRONUS__V1__SIMULATED_VERDICT__BY_PATH,
        [VERDICT_LOCAL] = PATRONUS__V1__SIMULATED_VERDICT__LOCAL,
        [VERDICT_DROP] = PATRONUS__V1__SIMULATED_VERDICT__DROPPED,
        [VERDICT_EXIT] = PATRONUS__V1__SIMULATED_VERDICT__BY_EXIT}; /* of a newer edge's others nothing is said */
    return record->verdict <= VERDICT_EXIT ? verdicts[record->verdict]
                                           : PATRONUS__V1__SIMULATED_VERDICT__SIMULATED_VERDICT_UNSPECIFIED;
}

static char *link_of(const Patronus__V1__FlowRecord *record)
{
    for (size_t i = 0; i < record->n_candidates; i++) {
        if (record->candidates[i]->path == record->path) {
            return record->candidates[i]->link;
        }
    }
    return borrow("");
}

/* "organizations/o/steeringPolicies/p rules[3]": policy and place. The firewall's rules have such names too. */
static void put_rule(struct explaining *e)
{
    const char *origin = e->record->rule_origin, *space = strstr(origin, " rules[");
    e->out->rule_id = e->record->rule_id;
    e->out->rule_revision = e->record->rule_revision;
    if (space != NULL) {
        char *policy = pt_arena_strndup(e->arena, origin, (size_t)(space - origin));
        *(strstr(policy, "/firewallPolicies/") != NULL ? &e->out->firewall_policy : &e->out->steering_policy) = policy;
        e->out->rule = (uint32_t)strtoul(space + strlen(" rules["), NULL, 10);
    }
}

static void put_site(struct explaining *e)
{
    const struct te_topology *topology = topology_of(e->pass);
    for (size_t i = 0; i < topology->sites_len; i++) {
        if (e->record->site_label != 0 && topology->sites[i].label == e->record->site_label) {
            e->out->destination_site = borrow(topology->sites[i].name);
        }
    }
}

/* What would be chosen is not what was: say why. */
static void put_chosen(const struct explaining *e, Patronus__V1__SimulatedPath *path, bool taken)
{
    if (taken) {
        path->reason =
            borrow(path->chosen ? "chosen" : "the flow stays on it by its move mode, or began before that changed");
        path->change = borrow("");
    } else if (path->chosen && e->record->verdict == VERDICT_PATH) {
        path->reason = borrow("would do as well; the flow's hash, or where it was before, chose the other");
        path->change = borrow("the ones before it are dead or held back");
    }
    path->chosen = taken;
}

static void put_paths(struct explaining *e)
{
    const Patronus__V1__FlowRecord *record = e->record;
    struct te_candidate *candidates = pt_arena_array(e->arena, record->n_candidates, sizeof(*candidates));
    for (size_t i = 0; i < record->n_candidates; i++) {
        const Patronus__V1__CandidateRecord *from = record->candidates[i];
        candidates[i] = (struct te_candidate){.path = path_name(e->place, from->path, e->arena),
                                              .link = from->link,
                                              .allowed = true,
                                              .life = from->state == 1   ? TE_LIFE_ALIVE
                                                      : from->state == 2 ? TE_LIFE_DEAD
                                                                         : TE_LIFE_UNKNOWN,
                                              .sla_state = record->sla_profile[0] == '\0'
                                                               ? PATRONUS__V1__SLA_STATE__SLA_STATE_UNSPECIFIED
                                                           : from->sla_broken ? PATRONUS__V1__SLA_STATE__BROKEN
                                                           : from->sla_held   ? PATRONUS__V1__SLA_STATE__HELD
                                                                              : PATRONUS__V1__SLA_STATE__KEPT,
                                              .tier = from->tier,
                                              .weight = from->weight,
                                              .rtt_us = from->rtt_us,
                                              .loss_ppm = from->loss_ppm,
                                              .jitter_us = from->jitter_us,
                                              .mos_100 = from->mos_100,
                                              .measured = from->rtt_us != 0};
    }
    e->out->paths = pt_arena_array(e->arena, record->n_candidates, sizeof(*e->out->paths));
    e->out->n_paths = record->n_candidates;
    (void)te_judge(candidates, record->n_candidates, record->sla_required, record->sla_profile, e->arena,
                   e->out->paths); /* what came out stands in the record */
    for (size_t i = 0; i < record->n_candidates; i++) {
        put_chosen(e, e->out->paths[i], record->verdict == VERDICT_PATH && record->candidates[i]->path == record->path);
    }
    if (record->candidates_time_ns != 0) {
        e->out->measure_time = timestamp(record->candidates_time_ns, e->arena);
    }
}

/* ---- what would change it ------------------------------------------------------------------------------------- */

static void change(struct explaining *e, const char *text)
{
    if (e->out->n_changes < CHANGES_MAX) {
        e->out->changes[e->out->n_changes++] = borrow(text);
    }
}

/* Can a steering rule make it otherwise? Not without a route, nor where the firewall or a meter refuses it. */
static bool is_steered(const Patronus__V1__FlowRecord *record)
{
    return record->verdict == VERDICT_PATH ||
           (record->verdict == VERDICT_DROP &&
            (record->reason == PT_DROP_POLICY_DENY || record->reason == PT_DROP_NO_PATH ||
             record->reason == PT_DROP_SLA_UNMET));
}

static void put_rule_changes(struct explaining *e)
{
    const Patronus__V1__FlowRecord *record = e->record;
    bool filtered = e->out->firewall_policy[0] != '\0', steered = e->out->steering_policy[0] != '\0';
    if (record->verdict == VERDICT_DROP && record->reason == PT_DROP_FIREWALL) {
        change(e, filtered ? pt_arena_printf(e->arena, "%s allows it, or a rule before it does", record->rule_origin)
                           : "a firewall rule of the segment allows it; none matched");
        return;
    }
    if (record->verdict == VERDICT_EXIT) {
        change(e, "the segment has a route to its destination: then it goes by a path");
        change(e, "a steering or firewall rule of the segment denies it, or the NatPolicy has no breakout any more");
    }
    if (filtered && record->verdict != VERDICT_DROP) {
        change(e, pt_arena_printf(e->arena, "%s refuses it", record->rule_origin));
    }
    if (is_steered(record)) {
        change(e, steered ? pt_arena_printf(e->arena, "%s changes, or a rule before it matches", record->rule_origin)
                          : "a steering rule of the segment matches it");
    }
}

static void put_changes(struct explaining *e)
{
    const Patronus__V1__FlowRecord *record = e->record;
    struct pt_arena *arena = e->arena;
    e->out->changes = pt_arena_array(arena, CHANGES_MAX, sizeof(*e->out->changes));
    if (record->verdict == VERDICT_DROP) {
        change(e, pt_arena_printf(arena, "it passes: %s", pt_drop_remedy(record->reason)));
    }
    for (size_t i = 0; i < e->out->n_paths && e->out->n_changes < 10; i++) {
        if (e->out->paths[i]->change[0] != '\0') {
            change(e, pt_arena_printf(arena, "it goes by %s, if %s", e->out->paths[i]->link, e->out->paths[i]->change));
        }
    }
    if (record->verdict == VERDICT_PATH && record->move == 0 && e->place->question->protocol == TCP) {
        change(e, "a new connection is decided anew; this one stays while its path lives (NEW_ONLY)");
    }
    put_rule_changes(e);
    uint64_t now = pt_view_revision(e->pass->view);
    if (record->revision != now) {
        change(e, pt_arena_printf(arena,
                                  "the configuration was that of revision %" PRIu64 " and is now of %" PRIu64
                                  ": te simulate says what it would decide today",
                                  record->revision, now));
    }
}

static void put_earlier(struct explaining *e, const Patronus__V1__FlowAnswer *answer)
{
    e->out->earlier = pt_arena_array(e->arena, answer->n_records, sizeof(*e->out->earlier));
    for (size_t i = 1; i < answer->n_records; i++) {
        const Patronus__V1__FlowRecord *from = answer->records[i];
        Patronus__V1__FlowDecision *to = PT_NEW(e->arena, Patronus__V1__FlowDecision);
        patronus__v1__flow_decision__init(to);
        to->time = timestamp(from->time_ns, e->arena);
        to->verdict = verdict_of(from);
        to->reason = borrow(from->reason != 0 ? pt_drop_label(from->reason) : "");
        to->path = path_name(e->place, from->path, e->arena);
        to->link = link_of(from);
        to->revision = from->revision;
        e->out->earlier[e->out->n_earlier++] = to;
    }
}

static char *ip_text(const ProtobufCBinaryData *bytes, struct pt_arena *arena)
{
    struct pt_ip ip;
    char text[PT_IP_TEXT_SIZE];
    if (bytes->len != sizeof(ip.bytes)) {
        return borrow("");
    }
    memcpy(ip.bytes, bytes->data, sizeof(ip.bytes));
    return pt_arena_strdup(arena, pt_ip_format(&ip, text));
}

static char *segment_name(const struct te_topology *topology, uint32_t vni)
{
    for (size_t i = 0; i < topology->segments_len; i++) {
        if (topology->segments[i].vni == vni) {
            return borrow(topology->segments[i].name);
        }
    }
    return borrow("");
}

/* The edge gave the address when it decided; an older one says the number only. */
static void put_translation(struct explaining *e)
{
    const Patronus__V1__FlowRecord *record = e->record;
    if (record->translated_source.len == 0 && record->translated_destination.len == 0 && record->translated_vni == 0) {
        return;
    }
    Patronus__V1__FlowTranslation *translation = PT_NEW(e->arena, Patronus__V1__FlowTranslation);
    patronus__v1__flow_translation__init(translation);
    translation->source = ip_text(&record->translated_source, e->arena);
    translation->source_port = record->translated_port;
    translation->link = record->translated_link;
    translation->destination = ip_text(&record->translated_destination, e->arena);
    translation->destination_port = record->translated_destination_port;
    translation->segment =
        record->translated_vni != 0 ? segment_name(topology_of(e->pass), record->translated_vni) : borrow("");
    e->out->translation = translation;
}

/* The name that its number has now: an Application's, or that of a signature. */
static char *application_name(const struct explaining *e)
{
    const struct te_steer *steer = pt_map_get_str(&e->pass->sections, "steer");
    const struct te_topology *topology = topology_of(e->pass);
    uint32_t number = e->record->application;
    if (number & PT_DPI_SIGNATURE) {
        const char *name = pt_dpi_signature_name(number & ~PT_DPI_SIGNATURE);
        return borrow(name != NULL ? name : "");
    }
    for (size_t i = 0; number != 0 && i < topology->segments_len; i++) {
        const struct te_segment_rules *rules = &steer->segments[i];
        for (size_t j = 0; strcmp(topology->segments[i].name, e->place->segment) == 0 && j < rules->applications_len;
             j++) {
            if (rules->applications[j]->application == number) {
                return rules->applications[j]->name;
            }
        }
    }
    return borrow("");
}

static void put_record(struct explaining *e)
{
    const Patronus__V1__FlowRecord *record = e->record;
    Patronus__V1__ExplainFlowResponse *out = e->out;
    out->decide_time = timestamp(record->time_ns, e->arena);
    out->verdict = verdict_of(record);
    if (out->verdict == PATRONUS__V1__SIMULATED_VERDICT__DROPPED) {
        out->reason = borrow(pt_drop_label(record->reason));
        out->reason_text = borrow(pt_drop_text(record->reason));
    }
    out->revision = record->revision;
    out->bundle_term = record->position != NULL ? record->position->term : 0;
    out->bundle_generation = record->position != NULL ? record->position->generation : 0;
    out->te_epoch = record->te_epoch;
    out->traffic_class = record->traffic_class == 0 ? PATRONUS__V1__TRAFFIC_CLASS__STANDARD
                                                    : (Patronus__V1__TrafficClass)record->traffic_class;
    out->dscp = record->dscp;
    out->application_id = record->application;
    out->application_confidence = record->confidence;
    out->application_evidence = (Patronus__V1__Evidence)record->evidence;
    out->application_name = application_name(e);
    out->nat_index = record->nat;
    put_translation(e);
    out->sla_profile = record->sla_profile;
    out->move_mode = (Patronus__V1__MoveMode)(record->move + 1);
    out->moved = (record->flags & FLAG_MOVED) != 0;
    out->sealed = (record->flags & FLAG_SEALED) != 0;
}

enum pt_code te_flow_explain(const struct pt_plan_pass *pass, const struct te_flow_place *place,
                             const Patronus__V1__FlowAnswer *answer, struct pt_arena *arena,
                             Patronus__V1__ExplainFlowResponse **ret_response, struct pt_error *reterr)
{
    if (answer->n_records == 0) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "source",
                       "'%.160s' remembers no such flow at that time; a flow is remembered from its second packet on. "
                       "te simulate says what would be decided now",
                       place->edge);
    }
    struct explaining e = {.pass = pass,
                           .place = place,
                           .record = answer->records[0],
                           .arena = arena,
                           .out = PT_NEW(arena, Patronus__V1__ExplainFlowResponse)};
    patronus__v1__explain_flow_response__init(e.out);
    e.out->site = borrow(place->site);
    e.out->segment = borrow(place->segment);
    e.out->edge = borrow(place->edge);
    e.out->present = answer->present;
    e.out->packets = answer->packets;
    e.out->bytes = answer->bytes;
    if (answer->seen_time_ns != 0) {
        e.out->last_packet_time = timestamp(answer->seen_time_ns, arena);
    }
    put_record(&e);
    put_rule(&e);
    put_site(&e);
    put_paths(&e);
    put_changes(&e);
    put_earlier(&e, answer);
    *ret_response = e.out;
    return PT_OK;
}

/* ---- drops ---------------------------------------------------------------------------------------------------- */

Patronus__V1__DroppedPacket *te_dropped_packet(const struct pt_plan_pass *pass, const Patronus__V1__DropSample *sample,
                                               struct pt_arena *arena)
{
    const struct te_topology *topology = topology_of(pass);
    Patronus__V1__DroppedPacket *packet = PT_NEW(arena, Patronus__V1__DroppedPacket);
    patronus__v1__dropped_packet__init(packet);
    packet->time = timestamp(sample->time_ns, arena);
    packet->source = ip_text(&sample->source, arena);
    packet->source_port = sample->source_port;
    packet->destination = ip_text(&sample->destination, arena);
    packet->destination_port = sample->destination_port;
    packet->protocol = sample->protocol;
    packet->rule = sample->rule_origin;
    packet->segment = segment_name(topology, sample->vni);
    return packet;
}
