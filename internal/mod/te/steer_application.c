/*
 * Applications, as nodes look for them: names resolved to numbers, ports and prefixes as numbers, hosts in lower case.
 * An application is what it is for all segments of its organization; each node gets those of the segments that it has.
 */
#include "mod/te/steer.h"

#include "dpi/catalog.h"
#include "patronus/v1/policy.pb-c.h"

#include <string.h>

#define PROTOCOL_ANY 256U
#define DSCP_ANY UINT64_MAX

struct gather {
    struct pt_plan_pass *pass;
    struct te_segment_rules *out;
    uint32_t vni;
};

static char *lower_case(struct pt_arena *arena, const char *text)
{
    char *copy = pt_arena_strdup(arena, text);
    for (char *c = copy; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    }
    return copy;
}

static void add_ports(struct pt_arena *arena, const struct pt_msg_field *field, Patronus__V1__DescriptionEntry *entry)
{
    entry->ports = pt_arena_array(arena, field->len, sizeof(*entry->ports));
    for (size_t i = 0; i < field->len; i++) {
        Patronus__V1__PortSpan *span = PT_NEW(arena, Patronus__V1__PortSpan);
        patronus__v1__port_span__init(span);
        span->first = (uint32_t)pt_msg_u64(field->values[i].message, "first");
        span->last = (uint32_t)pt_msg_u64(field->values[i].message, "last");
        entry->ports[entry->n_ports++] = span;
    }
}

static void add_prefixes(struct pt_arena *arena, const struct pt_msg_field *field,
                         Patronus__V1__DescriptionEntry *entry)
{
    entry->prefixes = pt_arena_array(arena, field->len, sizeof(*entry->prefixes));
    for (size_t i = 0; i < field->len; i++) {
        struct pt_prefix prefix;
        if (pt_prefix_parse((const char *)field->values[i].bytes.data, &prefix, NULL) == PT_OK) {
            Patronus__V1__PrefixSpan *span = PT_NEW(arena, Patronus__V1__PrefixSpan);
            patronus__v1__prefix_span__init(span);
            span->prefix.data = pt_arena_memdup(arena, prefix.ip.bytes, sizeof(prefix.ip.bytes));
            span->prefix.len = sizeof(prefix.ip.bytes);
            span->prefix_len = prefix.len;
            entry->prefixes[entry->n_prefixes++] = span;
        }
    }
}

static Patronus__V1__DescriptionEntry *describe(struct pt_arena *arena, const struct pt_msg *match)
{
    Patronus__V1__DescriptionEntry *entry = PT_NEW(arena, Patronus__V1__DescriptionEntry);
    const struct pt_msg_field *ports = pt_msg_field(match, "ports"), *cidrs = pt_msg_field(match, "cidrs");
    const struct pt_msg_field *hosts = pt_msg_field(match, "hosts"), *dscps = pt_msg_field(match, "dscps");
    const struct pt_msg_field *signatures = pt_msg_field(match, "signatures");
    patronus__v1__description_entry__init(entry);
    entry->protocol = pt_msg_has(match, "protocol") ? (uint32_t)pt_msg_u64(match, "protocol") : PROTOCOL_ANY;
    if (ports != NULL) {
        add_ports(arena, ports, entry);
    }
    if (cidrs != NULL) {
        add_prefixes(arena, cidrs, entry);
    }
    entry->hosts = pt_arena_array(arena, hosts != NULL ? hosts->len : 0, sizeof(*entry->hosts));
    for (size_t i = 0; hosts != NULL && i < hosts->len; i++) {
        entry->hosts[entry->n_hosts++] = lower_case(arena, (const char *)hosts->values[i].bytes.data);
    }
    entry->signatures = pt_arena_array(arena, signatures != NULL ? signatures->len : 0, sizeof(*entry->signatures));
    for (size_t i = 0; signatures != NULL && i < signatures->len; i++) {
        uint32_t number = pt_dpi_signature_number((const char *)signatures->values[i].bytes.data);
        entry->signatures[entry->n_signatures++] = number; /* one that a later version names is 0: none */
    }
    entry->dscp_mask = dscps == NULL ? DSCP_ANY : 0;
    for (size_t i = 0; dscps != NULL && i < dscps->len; i++) {
        entry->dscp_mask |= 1ULL << (dscps->values[i].u64 & 63);
    }
    return entry;
}

static bool gather_one(void *arg, const char *name, const struct pt_msg *msg)
{
    struct gather *gather = arg;
    struct te_segment_rules *out = gather->out;
    struct pt_arena *arena = gather->pass->arena;
    const struct pt_msg_field *matches = pt_msg_field(msg, "matches");
    if (out->applications_len == out->applications_capacity) {
        size_t capacity = out->applications_capacity == 0 ? 16 : out->applications_capacity * 2;
        Patronus__V1__ApplicationEntry **more =
            pt_arena_array(arena, capacity, sizeof(Patronus__V1__ApplicationEntry *));
        if (out->applications_len > 0) {
            memcpy(more, out->applications, out->applications_len * sizeof(Patronus__V1__ApplicationEntry *));
        }
        out->applications = more;
        out->applications_capacity = capacity;
    }
    Patronus__V1__ApplicationEntry *entry = PT_NEW(arena, Patronus__V1__ApplicationEntry);
    patronus__v1__application_entry__init(entry);
    entry->vni = gather->vni;
    entry->application = (uint32_t)pt_msg_u64(msg, "application_id");
    entry->traffic_class = (uint32_t)pt_msg_i64(msg, "traffic_class");
    entry->name = pt_arena_strdup(arena, name);
    entry->descriptions = pt_arena_array(arena, matches != NULL ? matches->len : 0, sizeof(*entry->descriptions));
    for (size_t i = 0; matches != NULL && i < matches->len; i++) {
        entry->descriptions[entry->n_descriptions++] = describe(arena, matches->values[i].message);
    }
    out->applications[out->applications_len++] = entry;
    return true;
}

void te_applications_of(struct pt_plan_pass *pass, const struct te_segment *segment, struct te_segment_rules *out)
{
    struct gather gather = {.pass = pass, .out = out, .vni = segment->vni};
    if (segment->organization != NULL) { /* a candidate's segment has none: its rules are judged, and reach no node */
        pt_view_scan(pass->view, "application", segment->organization, gather_one, &gather);
    }
}
