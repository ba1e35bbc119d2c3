/*
 * The compiler of steering policies.
 *
 * Policies of a segment are read by (priority, name), their rules in order; the first match decides. One rule of a
 * policy becomes the product of what it names: applications' descriptions x port ranges x prefixes. What a rule asks of
 * paths becomes a class, shared by equal rules.
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
    struct te_rule *rules;
    size_t rules_len;
    bool overflow;
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

/* ---- classes -------------------------------------------------------------------------------------------------- */

static bool asks_nothing(const struct pt_msg *rule)
{
    int64_t preference = pt_msg_i64(rule, "preference");
    return preference == PATRONUS__V1__PREFERENCE__AVAILABLE ||
           (!pt_msg_has(rule, "transports") && !pt_msg_has(rule, "underlays") && !pt_msg_has(rule, "sla_profile"));
}

static uint32_t class_of(struct compile *compile, const struct pt_msg *rule)
{
    size_t fabric = compile->topology->segments[compile->segment].fabric;
    struct pt_buf text = {0};
    pt_buf_printf(&text, "%zu", fabric);
    if (rule != NULL && !asks_nothing(rule)) {
        static const char *const paths[] = {"preference", "transports", "underlays", "sla_profile"};
        for (size_t i = 0; i < 4; i++) {
            pt_buf_append_str(&text, "|");
            /* A field that is absent adds nothing; the paths exist in the schema. */
            enum pt_code code = pt_msg_text(rule, paths[i], &text, NULL);
            pt_assert(code == PT_OK);
        }
    } else {
        rule = NULL;
    }
    struct te_steer *steer = compile->steer;
    uint32_t class = 0;
    while (class < steer->classes_len && strcmp(steer->classes[class].signature, (const char *)text.data) != 0) {
        class ++;
    }
    if (class == steer->classes_len) {
        steer->classes[steer->classes_len++] =
            (struct te_class){.fabric = fabric,
                              .preference = rule != NULL ? (uint32_t)pt_msg_i64(rule, "preference") : 0,
                              .rule = rule,
                              .signature = pt_arena_strdup(compile->pass->arena, (const char *)text.data)};
    }
    pt_buf_fini(&text);
    return class;
}

/* ---- rules ---------------------------------------------------------------------------------------------------- */

static void add_rule(struct compile *compile, const struct pt_msg *rule, const Patronus__V1__RuleEntry *entry)
{
    if (compile->rules_len == TE_RULES_PER_SEGMENT_MAX) {
        compile->overflow = true;
        return;
    }
    compile->rules[compile->rules_len++] = (struct te_rule){.rule = rule, .entry = *entry};
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

static void compile_rule(struct compile *compile, const struct policy *policy, const struct pt_msg *rule)
{
    Patronus__V1__RuleEntry entry = PATRONUS__V1__RULE_ENTRY__INIT;
    entry.vni = compile->topology->segments[compile->segment].vni;
    entry.protocol = PROTOCOL_ANY;
    entry.port_last = 65535;
    entry.dscp_mask = mask_of(rule, "dscps");
    entry.revision = pt_msg_u64(policy->msg, "revision");
    entry.deny = pt_msg_i64(rule, "preference") == PATRONUS__V1__PREFERENCE__DENY;
    entry.policy_class = entry.deny ? 0 : class_of(compile, rule);
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
    compile->rules = pt_arena_array(compile->pass->arena, TE_RULES_PER_SEGMENT_MAX, sizeof(struct te_rule));
    compile->rules_len = 0;
    for (size_t i = 0; i < compile->policies_len && segment->fabric != TE_NONE; i++) {
        const struct policy *policy = &compile->policies[i];
        const struct pt_msg_field *rules = pt_msg_field(policy->msg, "rules");
        if (strcmp(pt_msg_str(policy->msg, "segment"), segment->name) == 0) {
            for (size_t j = 0; rules != NULL && j < rules->len; j++) {
                compile_rule(compile, policy, rules->values[j].message);
            }
        }
    }
    if (segment->fabric != TE_NONE && segment->fabric != 0) {
        Patronus__V1__RuleEntry entry = PATRONUS__V1__RULE_ENTRY__INIT;
        entry.vni = segment->vni;
        entry.protocol = PROTOCOL_ANY;
        entry.port_last = 65535;
        entry.dscp_mask = DSCP_ANY;
        entry.policy_class = class_of(compile, NULL);
        add_rule(compile, NULL, &entry);
    }
    compile->steer->rules[compile->segment] = compile->rules;
    compile->steer->rules_len[compile->segment] = compile->rules_len;
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
    steer->rules = pt_arena_array(pass->arena, topology->segments_len, sizeof(struct te_rule *));
    steer->rules_len = pt_arena_array(pass->arena, topology->segments_len, sizeof(size_t));
    for (size_t i = 0; i < topology->segments_len; i++) {
        compile.segment = i;
        compile_segment(&compile);
        if (compile.overflow) {
            return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, topology->segments[i].name,
                           "the segment's policies make more than %d data-plane rules; use fewer applications, ports "
                           "or prefixes a rule",
                           TE_RULES_PER_SEGMENT_MAX);
        }
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

static bool keeps_sla(struct pt_plan_pass *pass, const char *profile, const struct te_topology *topology,
                      const struct te_path *path)
{
    const struct pt_msg *msg = profile[0] != '\0' ? pt_view_get(pass->view, profile) : NULL;
    const struct pt_path_soft *soft = te_measured(topology, path->id);
    if (msg == NULL || soft == NULL || !soft->known) {
        return true; /* nothing is known against the path */
    }
    return (!pt_msg_has(msg, "max_loss_ppm") || soft->loss_ppm <= pt_msg_u64(msg, "max_loss_ppm")) &&
           (!pt_msg_has(msg, "max_latency_us") || soft->rtt_us <= pt_msg_u64(msg, "max_latency_us"));
}

bool te_class_fits(struct pt_plan_pass *pass, const struct te_class *class, const struct te_path *path)
{
    if (class->rule == NULL) {
        return true;
    }
    const struct te_topology *topology = pt_map_get_str(&pass->sections, "topology");
    const struct te_link *link = &topology->links[topology->tunnels[path->tunnels[0]].local];
    const struct pt_msg_field *transports = pt_msg_field(class->rule, "transports");
    bool fits = transports == NULL;
    for (size_t i = 0; transports != NULL && i < transports->len; i++) {
        fits = fits || (uint32_t)transports->values[i].i64 == link->transport;
    }
    return fits && lists(class->rule, "underlays", link->underlay) &&
           keeps_sla(pass, pt_msg_str(class->rule, "sla_profile"), topology, path);
}
