/*
 * The compiler of steering policies.
 *
 * Policies of a segment are read by (priority, name), their rules in order; the first match decides. One rule of a
 * policy becomes the product of what it names: applications' descriptions x port ranges x prefixes. What a rule asks of
 * paths becomes a class, shared by equal rules (steer_class.c); who and when stands in steer_subject.c.
 *
 * A segment of another fabric than the first ends with a catch-all rule into its own fabric's class: the data plane's
 * default class belongs to the first fabric.
 */
#include "mod/te/steer.h"

#include "base/assert.h"
#include "mod/te/te.h"
#include "patronus/v1/policy.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define PROTOCOL_ANY 256U
#define DSCP_ANY UINT64_MAX

struct policy {
    const char *name;
    const struct pt_msg *msg;
    uint64_t priority;
};

struct compile {
    struct pt_plan_pass *pass;
    const struct te_topology *topology;
    struct te_steer *steer;
    struct policy *policies;
    size_t policies_len, policies_capacity;
    size_t segment; /* being compiled */
    const struct policy *policy;
    size_t index;    /* of the rule in its policy */
    uint32_t number; /* of the rule in its segment, from 1 */
    struct te_segment_rules *out;
    bool overflow, sets_overflow;
};

static bool collect(void *arg, const char *name, const struct pt_msg *msg)
{
    struct compile *compile = arg;
    if (pt_msg_bool(msg, "disabled")) {
        return true;
    }
    if (compile->policies_len == compile->policies_capacity) {
        size_t capacity = compile->policies_capacity == 0 ? 16 : compile->policies_capacity * 2;
        struct policy *more = pt_arena_array(compile->pass->arena, capacity, sizeof(*more));
        if (compile->policies_len > 0) {
            memcpy(more, compile->policies, compile->policies_len * sizeof(*more));
        }
        compile->policies = more;
        compile->policies_capacity = capacity;
    }
    compile->policies[compile->policies_len++] =
        (struct policy){.name = name, .msg = msg, .priority = pt_msg_u64(msg, "priority")};
    return true;
}

static int compare_policies(const void *a, const void *b)
{
    const struct policy *x = a;
    const struct policy *y = b;
    if (x->priority != y->priority) {
        return x->priority < y->priority ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

/* ---- rules ---------------------------------------------------------------------------------------------------- */

static void add_rule(struct compile *compile, const struct pt_msg *rule, const Patronus__V1__RuleEntry *entry)
{
    if (compile->out->rules_len == TE_RULES_PER_SEGMENT_MAX) {
        compile->overflow = true;
        return;
    }
    compile->out->rules[compile->out->rules_len++] =
        (struct te_rule){.policy = compile->policy != NULL ? compile->policy->name : NULL,
                         .index = compile->index,
                         .rule = rule,
                         .entry = *entry};
}

/* Numbers of a repeated field as a bit mask; all bits when it is absent. */
static uint64_t mask_of(const struct pt_msg *msg, const char *name)
{
    const struct pt_msg_field *field = pt_msg_field(msg, name);
    uint64_t mask = 0;
    for (size_t i = 0; field != NULL && i < field->len; i++) {
        mask |= 1ULL << (field->values[i].u64 & 63);
    }
    return field != NULL ? mask : DSCP_ANY;
}

/* Once for each prefix of the field, or once with the entry as it is when there is none. */
static void add_with_prefixes(struct compile *compile, const struct pt_msg *rule, Patronus__V1__RuleEntry entry,
                              const struct pt_msg_field *prefixes)
{
    if (prefixes == NULL) {
        add_rule(compile, rule, &entry);
        return;
    }
    for (size_t i = 0; i < prefixes->len; i++) {
        struct pt_prefix prefix;
        if (pt_prefix_parse((const char *)prefixes->values[i].bytes.data, &prefix, NULL) == PT_OK) {
            uint8_t *bytes = pt_arena_memdup(compile->pass->arena, prefix.ip.bytes, sizeof(prefix.ip.bytes));
            entry.prefix = (ProtobufCBinaryData){.len = sizeof(prefix.ip.bytes), .data = bytes};
            entry.prefix_len = prefix.len;
            add_rule(compile, rule, &entry);
        }
    }
}

static void add_with_ports(struct compile *compile, const struct pt_msg *rule, Patronus__V1__RuleEntry entry,
                           const struct pt_msg_field *ports, const struct pt_msg_field *prefixes)
{
    if (ports == NULL) {
        add_with_prefixes(compile, rule, entry, prefixes);
        return;
    }
    for (size_t i = 0; i < ports->len; i++) {
        entry.port_first = (uint32_t)pt_msg_u64(ports->values[i].message, "first");
        entry.port_last = (uint32_t)pt_msg_u64(ports->values[i].message, "last");
        add_with_prefixes(compile, rule, entry, prefixes);
    }
}

static void add_application(struct compile *compile, const struct pt_msg *rule, const Patronus__V1__RuleEntry *base,
                            const char *application)
{
    const struct pt_msg *msg = pt_view_get(compile->pass->view, application);
    const struct pt_msg_field *matches = msg != NULL ? pt_msg_field(msg, "matches") : NULL;
    for (size_t i = 0; matches != NULL && i < matches->len; i++) {
        const struct pt_msg *match = matches->values[i].message;
        Patronus__V1__RuleEntry entry = *base;
        if (pt_msg_has(match, "protocol")) {
            entry.protocol = (uint32_t)pt_msg_u64(match, "protocol");
        }
        entry.dscp_mask &= mask_of(match, "dscps");
        /* A rule's own prefixes are the narrower wish of the operator; an application's apply where it has none. */
        const struct pt_msg_field *prefixes = pt_msg_field(rule, "destination_cidrs");
        add_with_ports(compile, rule, entry, pt_msg_field(match, "ports"),
                       prefixes != NULL ? prefixes : pt_msg_field(match, "cidrs"));
    }
}

static void compile_rule(struct compile *compile, const struct pt_msg *rule)
{
    struct pt_arena *arena = compile->pass->arena;
    const struct te_segment *segment = &compile->topology->segments[compile->segment];
    Patronus__V1__RuleEntry entry = PATRONUS__V1__RULE_ENTRY__INIT;
    entry.vni = segment->vni;
    entry.protocol = PROTOCOL_ANY;
    entry.port_last = 65535;
    entry.dscp_mask = mask_of(rule, "dscps");
    entry.revision = pt_msg_u64(compile->policy->msg, "revision");
    entry.rule_id = ++compile->number;
    entry.origin = pt_arena_printf(arena, "%s rules[%zu]", compile->policy->name, compile->index);
    entry.deny = pt_msg_i64(rule, "preference") == PATRONUS__V1__PREFERENCE__DENY;
    entry.policy_class = entry.deny ? 0 : te_class_of(compile->steer, compile->topology, segment->fabric, rule, arena);
    te_windows_of(rule, arena, &entry);
    if (!te_subjects_of(compile->out, rule, arena, &entry.subjects)) {
        compile->sets_overflow = true;
        return;
    }
    const struct pt_msg_field *applications = pt_msg_field(rule, "applications");
    if (applications == NULL) {
        add_with_prefixes(compile, rule, entry, pt_msg_field(rule, "destination_cidrs"));
    }
    for (size_t i = 0; applications != NULL && i < applications->len; i++) {
        add_application(compile, rule, &entry, (const char *)applications->values[i].bytes.data);
    }
}

static void compile_segment(struct compile *compile)
{
    const struct te_segment *segment = &compile->topology->segments[compile->segment];
    struct pt_arena *arena = compile->pass->arena;
    compile->out = &compile->steer->segments[compile->segment];
    compile->out->rules = pt_arena_array(arena, TE_RULES_PER_SEGMENT_MAX, sizeof(struct te_rule));
    compile->out->sets = pt_arena_array(arena, TE_SUBJECT_SETS_MAX, sizeof(struct te_subject_set));
    compile->number = 0;
    for (size_t i = 0; i < compile->policies_len && segment->fabric != TE_NONE; i++) {
        compile->policy = &compile->policies[i];
        const struct pt_msg_field *rules = pt_msg_field(compile->policy->msg, "rules");
        if (strcmp(pt_msg_str(compile->policy->msg, "segment"), segment->name) == 0) {
            for (size_t j = 0; rules != NULL && j < rules->len; j++) {
                compile->index = j;
                compile_rule(compile, rules->values[j].message);
            }
        }
    }
    compile->policy = NULL;
    compile->index = 0;
    if (segment->fabric != TE_NONE && segment->fabric != 0) {
        Patronus__V1__RuleEntry entry = PATRONUS__V1__RULE_ENTRY__INIT;
        entry.vni = segment->vni;
        entry.protocol = PROTOCOL_ANY;
        entry.port_last = 65535;
        entry.dscp_mask = DSCP_ANY;
        entry.policy_class = te_class_of(compile->steer, compile->topology, segment->fabric, NULL, arena);
        add_rule(compile, NULL, &entry);
    }
}

static enum pt_code check_limits(const struct compile *compile, const char *segment, struct pt_error *reterr)
{
    if (compile->overflow) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, segment,
                       "the segment's policies make more than %d data-plane rules; use fewer applications, ports "
                       "or prefixes a rule",
                       TE_RULES_PER_SEGMENT_MAX);
    }
    if (compile->sets_overflow) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, segment,
                       "the segment's rules name more than %d different sets of users and groups; put users into "
                       "groups",
                       TE_SUBJECT_SETS_MAX);
    }
    return PT_OK;
}

enum pt_code te_steer_run(struct pt_plan_pass *pass, void **ret_section, struct pt_error *reterr)
{
    const struct te_topology *topology = pt_map_get_str(&pass->sections, "topology");
    struct te_steer *steer = PT_NEW(pass->arena, struct te_steer);
    struct compile compile = {.pass = pass, .topology = topology, .steer = steer};
    pt_view_scan(pass->view, "steeringPolicy", "", collect, &compile);
    if (compile.policies_len > 0) {
        qsort(compile.policies, compile.policies_len, sizeof(struct policy), compare_policies);
    }
    size_t classes_max = 1 + topology->segments_len * (TE_RULES_PER_SEGMENT_MAX + 1);
    steer->classes = pt_arena_array(pass->arena, classes_max, sizeof(struct te_class));
    steer->classes[steer->classes_len++] = (struct te_class){.fabric = 0, .signature = "0"};
    steer->segments = pt_arena_array(pass->arena, topology->segments_len, sizeof(struct te_segment_rules));
    for (size_t i = 0; i < topology->segments_len; i++) {
        compile.segment = i;
        compile_segment(&compile);
        PT_TRY(check_limits(&compile, topology->segments[i].name, reterr));
    }
    *ret_section = steer;
    return PT_OK;
}

/* ---- questions ------------------------------------------------------------------------------------------------ */

static bool lists(const struct pt_msg *msg, const char *name, const char *text)
{
    const struct pt_msg_field *field = pt_msg_field(msg, name);
    for (size_t i = 0; field != NULL && i < field->len; i++) {
        if (strcmp((const char *)field->values[i].bytes.data, text) == 0) {
            return true;
        }
    }
    return field == NULL;
}

bool te_rule_applies(const struct te_rule *rule, const char *site)
{
    return rule->rule == NULL || lists(rule->rule, "sites", site);
}
