/*
 * Keeping what was decided on disk, as the bundle is kept: an agent that restarts remembers what its predecessor knew.
 *
 *    history.0, history.1    one is written to, a second's records at a time; full, the other one is begun anew
 *
 * So between SEGMENT_MAX and twice that is kept, the oldest goes first, and a write never waits for more than the page
 * cache: nothing is synced, for a machine that loses its power may forget a second of explanations. In a second at most
 * SECOND_MAX bytes are kept; what a flood brings beyond that is remembered, and lost with the agent. A disk that fails
 * or is full ends the keeping, with a line in the log, and nothing else.
 */
#include "agent/agent_priv.h"
#include "agent/history.h"
#include "agent/recall_keep.h"

#include "base/arena.h"
#include "bpf/abi/drop.h"
#include "bpf/abi/event.h"

#include <stdio.h>
#include <string.h>

#define SEGMENT_MAX (4U << 20)
#define SECOND_MAX (256U << 10)

static void path_of(const struct pt_agent *agent, unsigned number, char path[1024])
{
    (void)snprintf(path, 1024, "%s/history.%u", agent->options.directory, number);
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

void pt_agent_keep_add(struct pt_agent *agent, const struct pt_history_record *record)
{
    struct pt_agent_keep *keep = &agent->keep;
    const struct pt_dp_flow_key *flow = &record->decision.flow;
    if (keep->over || keep->out.size > SECOND_MAX) {
        return;
    }
    struct pt_arena arena;
    Patronus__V1__FlowQuestion key = PATRONUS__V1__FLOW_QUESTION__INIT;
    key.vni = flow->vni;
    key.source = (ProtobufCBinaryData){.len = 16, .data = (uint8_t *)(uintptr_t)flow->source.bytes};
    key.destination = (ProtobufCBinaryData){.len = 16, .data = (uint8_t *)(uintptr_t)flow->destination.bytes};
    key.protocol = flow->protocol;
    key.source_port = flow->source_port;
    key.destination_port = flow->destination_port;
    pt_arena_init(&arena);
    Patronus__V1__FlowRecord *message = pt_agent_record_message(agent, &arena, record);
    message->reason = record->decision.reason; /* also of what has a verdict and a reason */
    pt_kept_put(&keep->out, record->decision.kind, &key, message);
    pt_arena_fini(&arena);
}

static enum pt_code append(struct pt_agent *agent, struct pt_error *reterr)
{
    struct pt_agent_keep *keep = &agent->keep;
    struct pt_file *file = NULL;
    char path[1024];
    bool anew = keep->size == 0 || keep->size + keep->out.size > SEGMENT_MAX;
    if (anew) {
        keep->segment = keep->size == 0 ? keep->segment : !keep->segment;
        keep->size = 0;
        PT_AUTO(buf) struct pt_buf head = {0};
        pt_kept_begin(&head, ++keep->sequence);
        pt_buf_append(&head, keep->out.data, keep->out.size);
        struct pt_buf before = keep->out;
        keep->out = head;
        head = before;
    }
    path_of(agent, keep->segment, path);
    PT_TRY(pt_file_open(agent->options.sys, path, PT_OPEN_WRITE | PT_OPEN_CREATE, &file, reterr));
    enum pt_code code = pt_file_write(file, keep->size, keep->out.data, keep->out.size, reterr);
    if (code == PT_OK) {
        keep->size += keep->out.size;
        code = pt_file_truncate(file, keep->size, reterr); /* what stood there of an older time */
    }
    pt_file_close(file);
    return code;
}

void pt_agent_keep_flush(struct pt_agent *agent)
{
    struct pt_agent_keep *keep = &agent->keep;
    struct pt_error error = {0};
    if (keep->out.size > 0 && !keep->over && append(agent, &error) != PT_OK) {
        keep->over = true;
        pt_log_warn(agent->options.log, "decisions not kept", "reason=\"%s\"", error.text);
    }
    pt_buf_reset(&keep->out);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static uint32_t link_number(const struct pt_agent *agent, const char *name)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = agent->bundle != NULL ? pt_bundle_entries(agent->bundle, &len) : NULL;
    for (size_t i = 0; i < len && entries[i]->entry_case <= PATRONUS__V1__ENTRY__ENTRY_LINK; i++) {
        if (entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_LINK && strcmp(entries[i]->link->name, name) == 0) {
            return entries[i]->link->link;
        }
    }
    return 0;
}

struct developing {
    const struct pt_agent *agent;
    const Patronus__V1__FlowRecord *from;
};

static void develop(void *arg, struct pt_history_photo *photo)
{
    const struct developing *developing = arg;
    const Patronus__V1__FlowRecord *from = developing->from;
    for (size_t i = 0; i < from->n_candidates && photo->len < PT_GROUP_MEMBERS_MAX; i++) {
        const Patronus__V1__CandidateRecord *candidate = from->candidates[i];
        photo->candidates[photo->len++] =
            (struct pt_history_candidate){.path = candidate->path,
                                          .link = link_number(developing->agent, candidate->link),
                                          .tier = candidate->tier,
                                          .rtt_us = candidate->rtt_us,
                                          .loss_ppm = candidate->loss_ppm,
                                          .jitter_us = candidate->jitter_us,
                                          .mos_100 = candidate->mos_100,
                                          .weight = (uint16_t)candidate->weight,
                                          .life = (uint8_t)candidate->state,
                                          .sla_broken = candidate->sla_broken,
                                          .sla_held = candidate->sla_held};
    }
}

static bool read_ip(const ProtobufCBinaryData *data, struct pt_ip *ret_ip)
{
    if (data->len != sizeof(ret_ip->bytes)) {
        return false;
    }
    memcpy(ret_ip->bytes, data->data, sizeof(ret_ip->bytes));
    return true;
}

static struct pt_dp_decision decision_of(const struct pt_kept *kept)
{
    const Patronus__V1__FlowRecord *from = kept->record;
    return (struct pt_dp_decision){.flow = {.vni = kept->flow->vni,
                                            .source_port = (uint16_t)kept->flow->source_port,
                                            .destination_port = (uint16_t)kept->flow->destination_port,
                                            .protocol = (uint8_t)kept->flow->protocol},
                                   .path_id = from->path,
                                   .rule_id = from->rule_id,
                                   .policy_class = from->policy_class,
                                   .site_label = from->site_label,
                                   .application = from->application,
                                   .evidence = (uint8_t)from->evidence,
                                   .confidence = (uint8_t)from->confidence,
                                   .nat = from->nat,
                                   .verdict = (uint8_t)from->verdict,
                                   .reason = (uint8_t)from->reason,
                                   .dscp = (uint8_t)from->dscp,
                                   .flags = (uint8_t)from->flags,
                                   .traffic_class = (uint8_t)from->traffic_class,
                                   .move = (uint8_t)from->move,
                                   .kind = kept->kind};
}

/* Written by us, and whole; but perhaps by another version of us: numbers that would be cut are not taken. */
static bool is_sound(const struct pt_kept *kept)
{
    const Patronus__V1__FlowQuestion *flow = kept->flow;
    const Patronus__V1__FlowRecord *record = kept->record;
    return kept->kind <= PT_EVENT_PACKET && record->time_ns > 0 && record->verdict <= PT_FLOW_EXIT &&
           (record->verdict != PT_FLOW_DROP || record->reason < PT_DROP_LEN_MAX) && record->reason <= UINT8_MAX &&
           record->dscp < 64 && record->flags <= UINT8_MAX && record->traffic_class <= UINT8_MAX &&
           record->move <= UINT8_MAX && record->evidence <= UINT8_MAX && record->confidence <= 100 &&
           record->translated_port <= UINT16_MAX && record->translated_destination_port <= UINT16_MAX &&
           flow->protocol <= UINT8_MAX && flow->source_port <= UINT16_MAX && flow->destination_port <= UINT16_MAX;
}

static void remember(struct pt_agent *agent, const struct pt_kept *kept)
{
    const Patronus__V1__FlowRecord *from = kept->record;
    const Patronus__V1__BundlePosition *position = from->position;
    struct pt_history_record record = {.decision = decision_of(kept), .time_ns = from->time_ns};
    if (!is_sound(kept) || !read_ip(&kept->flow->source, &record.decision.flow.source) ||
        !read_ip(&kept->flow->destination, &record.decision.flow.destination)) {
        return;
    }
    record.origin.revision = from->revision;
    record.origin.te_epoch = from->te_epoch;
    if (position != NULL) {
        record.origin.epoch = position->epoch;
        record.origin.term = position->term;
        record.origin.generation = position->generation;
    }
    record.translation = (struct pt_translation){
        .there = from->translated_source.len != 0 || from->translated_destination.len != 0 || from->translated_vni != 0,
        .port = (uint16_t)from->translated_port,
        .destination_port = (uint16_t)from->translated_destination_port,
        .link = link_number(agent, from->translated_link),
        .vni = from->translated_vni};
    (void)read_ip(&from->translated_source, &record.translation.source); /* none: its own */
    (void)read_ip(&from->translated_destination, &record.translation.destination);
    if (from->rule_origin[0] != '\0' || from->sla_profile[0] != '\0') {
        record.ruling = pt_history_ruling(agent->history, from->rule_origin, from->rule_revision, from->sla_profile,
                                          from->sla_required);
    }
    if (from->n_candidates > 0) {
        struct developing developing = {.agent = agent, .from = from};
        record.photo = pt_history_photo(agent->history, from->site_label, from->policy_class, from->candidates_time_ns,
                                        develop, &developing);
    }
    (void)pt_history_add(agent->history, &record);
}

struct segment {
    struct pt_buf data;
    struct pt_bytes rest; /* behind the header */
    uint64_t sequence;    /* 0: there is none */
};

static void read_segment(struct pt_agent *agent, unsigned number, struct segment *segment)
{
    char path[1024];
    path_of(agent, number, path);
    *segment = (struct segment){.sequence = 0};
    if (pt_path_exists(agent->options.sys, path) &&
        pt_path_read(agent->options.sys, path, 2 * SEGMENT_MAX, &segment->data, NULL) == PT_OK) {
        segment->rest = pt_buf_bytes(&segment->data);
        segment->sequence = pt_kept_open(&segment->rest, &segment->sequence) ? segment->sequence : 0;
    }
}

/* Where reading ended, writing goes on. */
static void read_frames(struct pt_agent *agent, unsigned number, struct segment *segment)
{
    struct pt_kept kept;
    while (segment->sequence != 0 && pt_kept_next(&segment->rest, &kept)) {
        remember(agent, &kept);
        pt_kept_fini(&kept);
    }
    if (segment->sequence > agent->keep.sequence) {
        agent->keep.sequence = segment->sequence;
        agent->keep.segment = number;
        agent->keep.size = segment->data.size - segment->rest.size;
    }
}

void pt_agent_keep_load(struct pt_agent *agent)
{
    struct segment segments[2];
    if (agent->history == NULL) {
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        read_segment(agent, i, &segments[i]);
    }
    unsigned first = segments[0].sequence > segments[1].sequence;
    read_frames(agent, first, &segments[first]);
    read_frames(agent, !first, &segments[!first]);
    pt_history_forget_photos(agent->history); /* they are of another time */
    for (unsigned i = 0; i < 2; i++) {
        pt_buf_fini(&segments[i].data);
    }
}
