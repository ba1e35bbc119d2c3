/*
 * Steering policies compiled: rules in order for each segment, and policy classes. Private to the mod.
 *
 * A class is what a rule asks of paths in one fabric; groups are made for each (site, class). Class 0 is "any path" in
 * the first fabric.
 */
#pragma once

#include "mod/te/paths.h"

#define TE_RULES_PER_SEGMENT_MAX 64

struct te_class {
    size_t fabric;
    uint32_t preference;       /* Patronus__V1__Preference */
    const struct pt_msg *rule; /* its transports, underlays and sla_profile; NULL: any path */
    const char *signature;     /* equal for equal classes */
};

struct te_rule {                   /* one line of the data plane; site masks are expanded later */
    const struct pt_msg *rule;     /* for its `sites`; NULL for the catch-all */
    Patronus__V1__RuleEntry entry; /* order is set when emitted */
};

struct te_steer {
    struct te_class *classes;
    size_t classes_len;
    struct te_rule **rules; /* by segment */
    size_t *rules_len;
};

/* Stage "steer". PT_EXHAUSTED when a segment's policies make more rules than the data plane holds. */
enum pt_code te_steer_run(struct pt_plan_pass *pass, void **ret_section, struct pt_error *reterr);

/* Does the rule of a segment concern a site? */
bool te_rule_applies(const struct te_rule *rule, const char *site);
/* Does a path fit what the class asks? */
bool te_class_fits(struct pt_plan_pass *pass, const struct te_class *class, const struct te_path *path);
