/*
 * The compiler of steering policies.
 *
 * Policies of a segment are read by (priority, name), their rules in order; the first match decides. One rule of a
 * policy becomes the product of what it names: applications' descriptions x port ranges x prefixes; where a rule and
 * its application both name prefixes or DSCPs, what both hold. What a rule asks of paths becomes a class, shared by
 * equal rules (steer_class.c); who and when stands in steer_subject.c.
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
    const struct pt_msg *candidate; /* stands for the policy of its name; NULL: all are as they are */
    struct policy *policies;
    size_t policies_len, policies_capacity;
    size_t segment; /* being compiled */
    const struct policy *policy;
    size_t index;    /* of the rule in its policy */
    uint32_t number; /* of the rule in its segment, from 1 */
    struct te_segment_rules *out;
    bool overflow, sets_overflow;
};

static void add_policy(struct compile *compile, const char *name, const struct pt_msg *msg)
{
    if (pt_msg_bool(msg, "disabled")) {
        return;
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
}

static bool collect(void *arg, const char *name, const struct pt_msg *msg)
{
    struct compile *compile = arg;
    if (compile->candidate == NULL || strcmp(pt_msg_str(compile->candidate, "name"), name) != 0) {
        add_policy(compile, name, msg);
    }
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
    if (entry->dscp_mask == 0) {
        return; /* its DSCPs and its application's have none in common */
    }
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

static bool prefix_at(const struct pt_msg_field *field, size_t index, struct pt_prefix *ret)
{
    return pt_prefix_parse((const char *)field->values[index].bytes.data, ret, NULL) == PT_OK;
}

static void add_with_prefix(struct compile *compile, const struct pt_msg *rule, Patronus__V1__RuleEntry entry,
                            const struct pt_prefix *prefix)
{
    uint8_t *bytes = pt_arena_memdup(compile->pass->arena, prefix->ip.bytes, sizeof(prefix->ip.bytes));
    entry.prefix = (ProtobufCBinaryData){.len = sizeof(prefix->ip.bytes), .data = bytes};
    entry.prefix_len = prefix->len;
    add_rule(compile, rule, &entry);
}

/* Both must hold, and two prefixes are one in the other or apart: the narrower one, or nothing. */
static void add_with_both(struct compile *compile, const struct pt_msg *rule, Patronus__V1__RuleEntry entry,
                          const struct pt_prefix *a, const struct pt_prefix *b)
{
    const struct pt_prefix *wide = a->len <= b->len ? a : b, *narrow = a->len <= b->len ? b : a;
    if (pt_prefix_contains(wide, &narrow->ip)) {
        add_with_prefix(compile, rule, entry, narrow);
    }
}

/* Once for each prefix that a list holds, and the other one too; a list that is absent holds everything. */
static void add_with_prefixes(struct compile *compile, const struct pt_msg *rule, Patronus__V1__RuleEntry entry,
                              const struct pt_msg_field *prefixes, const struct pt_msg_field *others)
{
    const struct pt_msg_field *first = prefixes != NULL ? prefixes : others;
    const struct pt_msg_field *second = prefixes != NULL ? others : NULL;
    if (first == NULL) {
        add_rule(compile, rule, &entry);
    }
    for (size_t i = 0; first != NULL && i < first->len; i++) {
        struct pt_prefix a, b;
        if (!prefix_at(first, i, &a)) {
            continue;
        }
        if (second == NULL) {
            add_with_prefix(compile, rule, entry, &a);
        }
        for (size_t j = 0; second != NULL && j < second->len; j++) {
            if (prefix_at(second, j, &b)) {
                add_with_both(compile, rule, entry, &a, &b);
            }
        }
    }
}

static void add_with_ports(struct compile *compile, const struct pt_msg *rule, Patronus__V1__RuleEntry entry,
                           const struct pt_msg *match)
{
    const struct pt_msg_field *prefixes = pt_msg_field(rule, "destination_cidrs");
    const struct pt_msg_field *ports = pt_msg_field(match, "ports"), *cidrs = pt_msg_field(match, "cidrs");
    if (ports == NULL) {
        add_with_prefixes(compile, rule, entry, prefixes, cidrs);
        return;
    }
    for (size_t i = 0; i < ports->len; i++) {
        entry.port_first = (uint32_t)pt_msg_u64(ports->values[i].message, "first");
        entry.port_last = (uint32_t)pt_msg_u64(ports->values[i].message, "last");
        add_with_prefixes(compile, rule, entry, prefixes, cidrs);
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
        if (pt_msg_has(match, "hosts") || pt_msg_has(match, "signatures")) { /* only inspection can tell */
            entry.n_applications = 1;
            entry.applications = pt_arena_array(compile->pass->arena, 1, sizeof(uint32_t));
            entry.applications[0] = (uint32_t)pt_msg_u64(msg, "application_id");
        }
        add_with_ports(compile, rule, entry, match);
    }
}

static void compile_rule(struct compile *compile, const struct pt_msg *rule)
{
    struct pt_arena *arena = compile->pass->arena;
    const struct te_segment *segment = &compile->topology->segments[compile->segment];
    size_t lines = compile->out->rules_len, classes = compile->steer->classes_len;
    if (lines == TE_RULES_PER_SEGMENT_MAX) {
        compile->overflow = true;
        return;
    }
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
        add_with_prefixes(compile, rule, entry, pt_msg_field(rule, "destination_cidrs"), NULL);
    }
    for (size_t i = 0; applications != NULL && i < applications->len; i++) {
        add_application(compile, rule, &entry, (const char *)applications->values[i].bytes.data);
    }
    if (compile->out->rules_len > lines) {
        return;
    }
    compile->steer->classes_len = classes; /* nothing refers to it */
    if (compile->out->empty_len < TE_RULES_PER_SEGMENT_MAX) {
        compile->out->empty[compile->out->empty_len++] =
            (struct te_rule_name){.policy = compile->policy->name, .index = compile->index};
    }
}

static void compile_segment(struct compile *compile)
{
    const struct te_segment *segment = &compile->topology->segments[compile->segment];
    struct pt_arena *arena = compile->pass->arena;
    compile->out = &compile->steer->segments[compile->segment];
    compile->out->rules = pt_arena_array(arena, TE_RULES_PER_SEGMENT_MAX, sizeof(struct te_rule));
    compile->out->empty = pt_arena_array(arena, TE_RULES_PER_SEGMENT_MAX, sizeof(struct te_rule_name));
    compile->out->sets = pt_arena_array(arena, TE_SUBJECT_SETS_MAX, sizeof(struct te_subject_set));
    compile->number = 0;
    te_applications_of(compile->pass, segment, compile->out);
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

static void collect_all(struct compile *compile)
{
    pt_view_scan(compile->pass->view, "steeringPolicy", "", collect, compile);
    if (compile->candidate != NULL) {
        add_policy(compile, pt_msg_str(compile->candidate, "name"), compile->candidate);
    }
    if (compile->policies_len > 0) {
        qsort(compile->policies, compile->policies_len, sizeof(struct policy), compare_policies);
    }
}

enum pt_code te_steer_segment(struct pt_view *view, const struct pt_msg *candidate, struct pt_arena *arena,
                              struct te_segment_rules *ret_rules, struct pt_error *reterr)
{
    struct pt_plan_pass pass = {.view = view, .arena = arena};
    struct te_segment segment = {.name = pt_msg_str(candidate, "segment")};
    const struct te_topology topology = {.segments = &segment, .segments_len = 1};
    struct te_steer steer = {.classes = pt_arena_array(arena, TE_RULES_PER_SEGMENT_MAX + 2, sizeof(struct te_class)),
                             .segments = ret_rules};
    struct compile compile = {.pass = &pass, .topology = &topology, .steer = &steer, .candidate = candidate};
    steer.classes[steer.classes_len++] = (struct te_class){.signature = "0"};
    *ret_rules = (struct te_segment_rules){0};
    collect_all(&compile);
    compile_segment(&compile);
    return check_limits(&compile, segment.name, reterr);
}

enum pt_code te_steer_run(struct pt_plan_pass *pass, void **ret_section, struct pt_error *reterr)
{
    const struct te_topology *topology = pt_map_get_str(&pass->sections, "topology");
    struct te_steer *steer = PT_NEW(pass->arena, struct te_steer);
    struct compile compile = {.pass = pass, .topology = topology, .steer = steer};
    collect_all(&compile);
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
