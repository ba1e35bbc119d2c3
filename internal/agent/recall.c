/*
 * Remembering decisions, and answering the leader's questions about them.
 *
 *    ring of events --each 50 ms--> names from the bundle of that time, a photograph of the group --> history
 *
 * An event says numbers: rule 3, class 2, generation 17. What they mean stands in the bundle of that generation, and
 * bundles go; so names are looked up at once, while it is the one in force or the one before. For the same reason the
 * ring is emptied before a new bundle is taken. A group's members and what is measured of them are looked at at most
 * once a second for each group, within 50 ms of the decision.
 */
#include "agent/agent_priv.h"
#include "agent/history.h"
#include "agent/recall_rule.h"

#include "base/assert.h"
#include "bpf/abi/event.h"
#include "bpf/abi/path.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_MS 50
#define RECORDS_MAX 16 /* of an answer, as FlowAnswer says */
#define SAMPLES_MAX 64 /* likewise */
#define SAMPLES 16

/* ---- what a bundle says --------------------------------------------------------------------------------------- */

static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* The first entry that is not below (kind, key); keys are the first 8 bytes of those kinds'. */
static size_t lower_bound(const Patronus__V1__Entry *const *entries, size_t len, Patronus__V1__Entry__EntryCase kind,
                          uint64_t key, uint64_t (*key_of)(const Patronus__V1__Entry *entry))
{
    size_t low = 0, high = len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_u64(entries[middle]->entry_case, kind);
        order = order != 0 ? order : compare_u64(key_of(entries[middle]), key);
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return low;
}

static uint64_t group_key(const Patronus__V1__Entry *entry)
{
    return (uint64_t)entry->group->site_label << 32 | entry->group->policy_class;
}

static uint64_t path_key(const Patronus__V1__Entry *entry)
{
    return entry->path->path;
}

static uint64_t tunnel_key(const Patronus__V1__Entry *entry)
{
    return entry->tunnel->tunnel;
}

static uint64_t sla_key(const Patronus__V1__Entry *entry)
{
    return entry->sla->sla;
}

/* The entry of exactly that key, or NULL. */
static const Patronus__V1__Entry *find(const struct pt_bundle *bundle, Patronus__V1__Entry__EntryCase kind,
                                       uint64_t key, uint64_t (*key_of)(const Patronus__V1__Entry *entry))
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &len);
    size_t at = lower_bound(entries, len, kind, key, key_of);
    return at < len && entries[at]->entry_case == kind && key_of(entries[at]) == key ? entries[at] : NULL;
}

static bool is_group_of(const Patronus__V1__Entry *entry, const Patronus__V1__GroupEntry *group)
{
    return entry->entry_case == PATRONUS__V1__ENTRY__ENTRY_GROUP && entry->group->site_label == group->site_label &&
           entry->group->policy_class == group->policy_class;
}

/* The group that decided: that of the policy class, or class 0's; and in its place that of the traffic class, which
 * stands behind it (bpf/lan.bpf.c). */
static const Patronus__V1__GroupEntry *group_of(const struct pt_bundle *bundle, const struct pt_dp_decision *decision)
{
    uint64_t key = (uint64_t)decision->site_label << 32;
    const Patronus__V1__Entry *entry =
        find(bundle, PATRONUS__V1__ENTRY__ENTRY_GROUP, key | decision->policy_class, group_key);
    entry = entry != NULL ? entry : find(bundle, PATRONUS__V1__ENTRY__ENTRY_GROUP, key, group_key);
    if (entry == NULL) {
        return NULL;
    }
    const Patronus__V1__GroupEntry *group = entry->group;
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &len);
    size_t at = lower_bound(entries, len, PATRONUS__V1__ENTRY__ENTRY_GROUP, group_key(entry), group_key);
    for (; at < len && is_group_of(entries[at], group); at++) {
        if (entries[at]->group->traffic_class == PT_GROUP_CLASS(decision->traffic_class)) {
            return entries[at]->group;
        }
    }
    return group;
}

static uint32_t link_of(const struct pt_bundle *bundle, uint64_t path_id)
{
    const Patronus__V1__Entry *path = find(bundle, PATRONUS__V1__ENTRY__ENTRY_PATH, path_id, path_key);
    const Patronus__V1__Entry *tunnel =
        path != NULL ? find(bundle, PATRONUS__V1__ENTRY__ENTRY_TUNNEL, path->path->tunnel, tunnel_key) : NULL;
    return tunnel != NULL ? tunnel->tunnel->link : 0;
}

/* ---- photographs ---------------------------------------------------------------------------------------------- */

struct taking {
    const struct pt_agent *agent;
    const struct pt_bundle *bundle;
    const Patronus__V1__GroupEntry *group;
};

/* Of a path that only hellos measure. */
static void take_hello(const struct pt_agent *agent, struct pt_history_candidate *candidate)
{
    size_t len = agent->hello != NULL ? pt_hello_reports(agent->hello, NULL, 0) : 0;
    struct pt_path_report *reports = calloc(len + 1, sizeof(*reports));
    pt_assert(reports != NULL);
    len = len > 0 ? pt_hello_reports(agent->hello, reports, len) : 0;
    for (size_t i = 0; i < len; i++) {
        if (reports[i].path_id == candidate->path) {
            candidate->rtt_us = reports[i].rtt_us;
            candidate->loss_ppm = reports[i].loss_ppm;
        }
    }
    free(reports);
}

static void take(void *arg, struct pt_history_photo *photo)
{
    const struct taking *taking = arg;
    const struct pt_agent *agent = taking->agent;
    struct pt_dp *dp = agent->options.dp;
    int number = taking->group->sla != 0 ? dp->ops->sla_number(dp, taking->group->sla) : -1;
    for (size_t i = 0; i < taking->group->n_members && photo->len < PT_GROUP_MEMBERS_MAX; i++) {
        const Patronus__V1__GroupMember *member = taking->group->members[i];
        struct pt_history_candidate *candidate = &photo->candidates[photo->len++];
        struct pt_live_status live;
        *candidate = (struct pt_history_candidate){.path = member->path,
                                                   .link = link_of(taking->bundle, member->path),
                                                   .tier = member->tier,
                                                   .weight = (uint16_t)member->weight,
                                                   .life = (uint8_t)dp->ops->path_life(dp, member->path)};
        if (agent->options.tunnel == NULL || !pt_agent_tunnel_live(agent->options.tunnel, member->path, &live)) {
            take_hello(agent, candidate);
            continue;
        }
        candidate->rtt_us = live.recent.rtt_us;
        candidate->loss_ppm = live.recent.loss_ppm[PT_MEASURE_FORWARD];
        candidate->jitter_us = live.recent.jitter_us[PT_MEASURE_FORWARD];
        candidate->mos_100 = live.recent.mos_100;
        candidate->sla_broken = number >= 0 && (live.sla_breaks >> number & 1) != 0;
        candidate->sla_held = number >= 0 && (live.sla_held >> number & 1) != 0;
    }
}

/* ---- remembering ---------------------------------------------------------------------------------------------- */

/* The bundle that a decision was made by, while it is the one in force or the one before; else NULL. */
static const struct pt_bundle *bundle_of(const struct pt_agent *agent, const struct pt_dp_origin *origin)
{
    const struct pt_agent_position *now = &agent->position, *before = &agent->earlier_position;
    if (origin->epoch == now->epoch && origin->term == now->term && origin->generation == now->generation) {
        return agent->bundle;
    }
    bool earlier =
        origin->epoch == before->epoch && origin->term == before->term && origin->generation == before->generation;
    return earlier ? agent->earlier : NULL;
}

static void on_decision(void *arg, const struct pt_dp_decision *decision)
{
    struct pt_agent *agent = arg;
    struct pt_dp *dp = agent->options.dp;
    struct pt_history_record record = {.decision = *decision,
                                       .time_ns = pt_sys_wall_ns(agent->options.sys) - (int64_t)decision->age_ns};
    const struct pt_bundle *bundle = NULL;
    if (dp->ops->origin_of(dp, decision->generation, &record.origin)) {
        bundle = bundle_of(agent, &record.origin);
    }
    const struct pt_recall_rule rule = pt_recall_rule_of(bundle, decision->flow.vni, decision->rule_id);
    const Patronus__V1__GroupEntry *group = bundle != NULL ? group_of(bundle, decision) : NULL;
    const Patronus__V1__Entry *sla =
        group != NULL && group->sla != 0 ? find(bundle, PATRONUS__V1__ENTRY__ENTRY_SLA, group->sla, sla_key) : NULL;
    record.translation = pt_translation_of(bundle, &decision->flow, decision->nat);
    if (rule.origin[0] != '\0' || sla != NULL) {
        record.ruling = pt_history_ruling(agent->history, rule.origin, rule.revision, sla != NULL ? sla->sla->name : "",
                                          group != NULL && group->require);
    }
    bool about_paths = decision->verdict == PT_FLOW_PATH || decision->kind == PT_EVENT_NO_WAY;
    if (group != NULL && about_paths) {
        struct taking taking = {.agent = agent, .bundle = bundle, .group = group};
        record.photo = pt_history_photo(agent->history, PT_DEMAND_KEY(group->site_label, group->traffic_class),
                                        group->policy_class, pt_sys_wall_ns(agent->options.sys), take, &taking);
    }
    if (pt_history_add(agent->history, &record)) {
        pt_agent_keep_add(agent, &record); /* what it refers to is the history's now, and there */
    }
}

void pt_agent_recall(struct pt_agent *agent)
{
    if (agent->history != NULL) {
        agent->decisions_lost = agent->options.dp->ops->decisions(agent->options.dp, on_decision, agent);
    }
}

static void on_record_timer(void *arg)
{
    struct pt_agent *agent = arg;
    pt_agent_recall(agent);
    if (++agent->keep.ticks % (1000 / RECORD_MS) == 0) {
        pt_agent_keep_flush(agent);
    }
}

void pt_agent_recall_start(struct pt_agent *agent)
{
    if (agent->options.dp->ops->decisions == NULL) {
        return; /* nobody tells: there is nothing to remember */
    }
    agent->history = pt_history_new(PT_HISTORY_RECORDS);
    agent->record_timer = pt_timer_new(agent->options.sys, on_record_timer, agent);
    pt_timer_start(agent->record_timer, RECORD_MS, RECORD_MS);
}

void pt_agent_recall_stop(struct pt_agent *agent)
{
    pt_timer_free(agent->record_timer);
    pt_agent_keep_flush(agent);
    pt_buf_fini(&agent->keep.out);
    pt_history_free(agent->history);
    pt_bundle_unref(agent->earlier);
}

void pt_agent_recall_bundle(struct pt_agent *agent, struct pt_bundle *before, const struct pt_agent_position *position)
{
    pt_bundle_unref(agent->earlier);
    agent->earlier = before;
    agent->earlier_position = *position;
    if (agent->history != NULL) {
        pt_history_forget_photos(agent->history);
    }
}

/* ---- answering ------------------------------------------------------------------------------------------------ */

static ProtobufCBinaryData ip_bytes(const struct pt_ip *ip)
{
    return (ProtobufCBinaryData){.len = sizeof(ip->bytes), .data = (uint8_t *)(uintptr_t)ip->bytes};
}

static bool read_ip(const ProtobufCBinaryData *data, struct pt_ip *ret_ip)
{
    if (data->len != sizeof(ret_ip->bytes)) {
        return false;
    }
    memcpy(ret_ip->bytes, data->data, sizeof(ret_ip->bytes));
    return true;
}

static char *link_name(const struct pt_agent *agent, uint32_t number)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = agent->bundle != NULL ? pt_bundle_entries(agent->bundle, &len) : NULL;
    for (size_t i = 0; i < len && entries[i]->entry_case <= PATRONUS__V1__ENTRY__ENTRY_LINK; i++) {
        if (entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_LINK && entries[i]->link->link == number) {
            return entries[i]->link->name;
        }
    }
    return (char *)(uintptr_t) "";
}

static void put_candidates(const struct pt_agent *agent, struct pt_arena *arena, const struct pt_history_photo *photo,
                           Patronus__V1__FlowRecord *out)
{
    out->candidates = pt_arena_array(arena, photo->len, sizeof(*out->candidates));
    out->candidates_time_ns = photo->time_ns;
    for (size_t i = 0; i < photo->len; i++) {
        const struct pt_history_candidate *from = &photo->candidates[i];
        Patronus__V1__CandidateRecord *to = PT_NEW(arena, Patronus__V1__CandidateRecord);
        patronus__v1__candidate_record__init(to);
        to->path = from->path;
        to->weight = from->weight;
        to->tier = from->tier;
        to->state = from->life;
        to->rtt_us = from->rtt_us;
        to->loss_ppm = from->loss_ppm;
        to->jitter_us = from->jitter_us;
        to->mos_100 = from->mos_100;
        to->sla_broken = from->sla_broken;
        to->sla_held = from->sla_held;
        to->link = link_name(agent, from->link);
        out->candidates[out->n_candidates++] = to;
    }
}

static void put_translation(const struct pt_agent *agent, const struct pt_translation *translation,
                            struct pt_arena *arena, Patronus__V1__FlowRecord *out)
{
    static const struct pt_ip own;
    bool address = translation->there && !pt_ip_equal(&translation->source, &own);
    out->translated_source.len = address ? sizeof(own.bytes) : 0;
    out->translated_source.data = address ? pt_arena_memdup(arena, translation->source.bytes, sizeof(own.bytes)) : NULL;
    out->translated_port = translation->port;
    bool forwarded = translation->there && !pt_ip_equal(&translation->destination, &own);
    out->translated_destination.len = forwarded ? sizeof(own.bytes) : 0;
    out->translated_destination.data =
        forwarded ? pt_arena_memdup(arena, translation->destination.bytes, sizeof(own.bytes)) : NULL;
    out->translated_destination_port = translation->destination_port;
    out->translated_vni = translation->vni;
    out->translated_link = translation->link != 0 ? link_name(agent, translation->link) : out->translated_link;
}

Patronus__V1__FlowRecord *pt_agent_record_message(const struct pt_agent *agent, struct pt_arena *arena,
                                                  const struct pt_history_record *from)
{
    Patronus__V1__FlowRecord *to = PT_NEW(arena, Patronus__V1__FlowRecord);
    Patronus__V1__BundlePosition *position = PT_NEW(arena, Patronus__V1__BundlePosition);
    patronus__v1__flow_record__init(to);
    patronus__v1__bundle_position__init(position);
    position->cluster_id = agent->options.files->cluster_id;
    position->epoch = from->origin.epoch;
    position->term = from->origin.term;
    position->generation = from->origin.generation;
    to->position = position;
    to->time_ns = from->time_ns;
    to->verdict = from->decision.verdict;
    to->reason = from->decision.verdict == PT_FLOW_DROP ? from->decision.reason : 0;
    to->path = from->decision.path_id;
    to->rule_id = from->decision.rule_id;
    to->policy_class = from->decision.policy_class;
    to->traffic_class = from->decision.traffic_class;
    to->dscp = from->decision.dscp;
    to->flags = from->decision.flags;
    to->move = from->decision.move;
    to->application = from->decision.application;
    to->evidence = from->decision.evidence;
    to->confidence = from->decision.confidence;
    to->nat = from->decision.nat;
    put_translation(agent, &from->translation, arena, to);
    to->revision = from->origin.revision;
    to->te_epoch = from->origin.te_epoch;
    to->site_label = from->decision.site_label;
    if (from->ruling != NULL) {
        to->rule_origin = from->ruling->origin;
        to->rule_revision = from->ruling->revision;
        to->sla_profile = from->ruling->sla;
        to->sla_required = from->ruling->require;
    }
    if (from->photo != NULL) {
        put_candidates(agent, arena, from->photo, to);
    }
    return to;
}

static const char *answer_flow(struct pt_agent *agent, struct pt_arena *arena,
                               const Patronus__V1__FlowQuestion *question, Patronus__V1__FlowAnswer *answer)
{
    const struct pt_history_record *records[RECORDS_MAX];
    struct pt_dp *dp = agent->options.dp;
    struct pt_dp_flow_key key = {.vni = question->vni,
                                 .protocol = (uint8_t)question->protocol,
                                 .source_port = (uint16_t)question->source_port,
                                 .destination_port = (uint16_t)question->destination_port};
    struct pt_dp_flow flow;
    if (!read_ip(&question->source, &key.source) || !read_ip(&question->destination, &key.destination)) {
        return "an address has 16 bytes";
    }
    int64_t now = pt_sys_wall_ns(agent->options.sys);
    size_t len =
        pt_history_find(agent->history, &key, question->time_ns != 0 ? question->time_ns : now, records, RECORDS_MAX);
    answer->records = pt_arena_array(arena, len, sizeof(*answer->records));
    answer->n_records = len;
    for (size_t i = 0; i < len; i++) {
        answer->records[i] = pt_agent_record_message(agent, arena, records[i]);
    }
    answer->present = dp->ops->flow(dp, &key, &flow);
    if (answer->present) {
        answer->packets = flow.packets;
        answer->bytes = flow.bytes;
        answer->seen_time_ns = now - (int64_t)flow.seen_age_ns;
    }
    if (answer->present && len > 0 && question->time_ns == 0) { /* what was found out since the decision */
        answer->records[0]->application = flow.application;
        answer->records[0]->evidence = flow.evidence;
        answer->records[0]->confidence = flow.confidence;
        if (answer->records[0]->nat != flow.nat) {
            struct pt_translation translation = pt_translation_of(agent->bundle, &key, flow.nat);
            answer->records[0]->nat = flow.nat;
            put_translation(agent, &translation, arena, answer->records[0]);
        }
        answer->records[0]->flags = flow.flags;
    }
    answer->oldest_time_ns = pt_history_oldest(agent->history);
    answer->lost = agent->decisions_lost;
    return "";
}

static void answer_drop(struct pt_agent *agent, struct pt_arena *arena, const Patronus__V1__DropQuestion *question,
                        Patronus__V1__DropAnswer *answer)
{
    const struct pt_history_record *records[SAMPLES_MAX];
    size_t limit = question->limit == 0 ? SAMPLES : question->limit < SAMPLES_MAX ? question->limit : SAMPLES_MAX;
    size_t len = pt_history_drops(agent->history, question->reason, records, limit);
    answer->samples = pt_arena_array(arena, len, sizeof(*answer->samples));
    answer->n_samples = len;
    for (size_t i = 0; i < len; i++) {
        const struct pt_dp_flow_key *flow = &records[i]->decision.flow;
        Patronus__V1__DropSample *sample = PT_NEW(arena, Patronus__V1__DropSample);
        patronus__v1__drop_sample__init(sample);
        sample->time_ns = records[i]->time_ns;
        sample->reason = records[i]->decision.reason;
        sample->vni = flow->vni;
        sample->source = ip_bytes(&flow->source);
        sample->destination = ip_bytes(&flow->destination);
        sample->protocol = flow->protocol;
        sample->source_port = flow->source_port;
        sample->destination_port = flow->destination_port;
        sample->rule_origin = records[i]->ruling != NULL ? records[i]->ruling->origin : sample->rule_origin;
        answer->samples[i] = sample;
    }
}

void pt_agent_answer(struct pt_agent *agent, const Patronus__V1__NodeQuestion *question)
{
    struct pt_arena arena;
    Patronus__V1__NodeAnswer answer = PATRONUS__V1__NODE_ANSWER__INIT;
    Patronus__V1__FlowAnswer flow = PATRONUS__V1__FLOW_ANSWER__INIT;
    Patronus__V1__DropAnswer drop = PATRONUS__V1__DROP_ANSWER__INIT;
    const char *error = "this node does not know the question: it is older than the controller";
    pt_arena_init(&arena);
    pt_agent_recall(agent); /* up to now */
    if (agent->history == NULL) {
        error = "this node's data plane tells no decisions";
    } else if (question->question_case == PATRONUS__V1__NODE_QUESTION__QUESTION_FLOW) {
        error = answer_flow(agent, &arena, question->flow, &flow);
        answer.answer_case = PATRONUS__V1__NODE_ANSWER__ANSWER_FLOW;
        answer.flow = &flow;
    } else if (question->question_case == PATRONUS__V1__NODE_QUESTION__QUESTION_DROP) {
        error = "";
        answer_drop(agent, &arena, question->drop, &drop);
        answer.answer_case = PATRONUS__V1__NODE_ANSWER__ANSWER_DROP;
        answer.drop = &drop;
    }
    answer.id = question->id;
    answer.error = (char *)(uintptr_t)error;
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_ANSWER;
    message.answer = &answer;
    pt_agent_send(agent, &message);
    pt_arena_fini(&arena);
}
