/*
 * Steering policies compiled: rules in order for each segment, and policy classes. Private to the mod.
 *
 * A class is what a rule asks of paths in one fabric; groups are made for each (site, class). Class 0 is "any path" in
 * the first fabric. Whether a path keeps an SLA profile is the node's to judge: a class names the profile, the leader
 * looks at what does not change by itself: transport and underlay of a path's first link; and at constraints, which may
 * need paths that are searched for.
 */
#pragma once

#include "mod/te/constrain.h"

#define TE_RULES_PER_SEGMENT_MAX 64
#define TE_SUBJECT_SETS_MAX 64         /* of a segment: bits of a word */
#define TE_SLAS_MAX 64                 /* of a node: bits of a word */
#define TE_RANK_STEP TE_CANDIDATES_MAX /* tiers between what a class asks for first and what comes next */
#define TE_RANK_NONE UINT32_MAX

struct te_class {
    size_t fabric;
    uint32_t preference;                      /* Patronus__V1__Preference */
    uint32_t move;                            /* as in GroupEntry */
    const struct pt_msg *rule;                /* its transports, underlays and fallbacks; NULL: any path */
    const struct te_constraints *constraints; /* of the rule; NULL: none */
    const char *sla;                          /* name of the profile; NULL: none */
    const char *signature;                    /* equal for equal classes */
};

struct te_rule {                   /* one line of the data plane; site masks are expanded later */
    const char *policy;            /* name; NULL for the catch-all */
    size_t index;                  /* of the rule in its policy */
    const struct pt_msg *rule;     /* NULL for the catch-all */
    Patronus__V1__RuleEntry entry; /* order is set when emitted */
};

struct te_subject_set { /* users and groups that some rule of a segment names */
    const struct pt_msg *rule;
    const char *signature;
};

struct te_rule_name {
    const char *policy;
    size_t index;
};

struct te_segment_rules {
    struct te_rule *rules;
    size_t rules_len;
    struct te_rule_name *empty; /* rules without a line: what they ask for contradicts itself; the first of them */
    size_t empty_len;
    struct te_subject_set *sets; /* by bit */
    size_t sets_len;
    Patronus__V1__ApplicationEntry **applications; /* by name */
    size_t applications_len, applications_capacity;
};

struct te_steer {
    struct te_class *classes;
    size_t classes_len;
    struct te_segment_rules *segments; /* by segment */
};

/* Stage "steer". PT_EXHAUSTED when a segment's policies make more rules than the data plane holds. */
enum pt_code te_steer_run(struct pt_plan_pass *pass, void **ret_section, struct pt_error *reterr);

/* The rules of one segment as they would be with `candidate` in place of the policy of its name; no fabrics. The view
 * lives as long as what is returned. PT_EXHAUSTED as above. */
PT_MUST enum pt_code te_steer_segment(struct pt_view *view, const struct pt_msg *candidate, struct pt_arena *arena,
                                      struct te_segment_rules *ret_rules, struct pt_error *reterr);

/* Does the rule of a segment concern a site? */
bool te_rule_applies(const struct te_rule *rule, const char *site);

/* ---- steer_class.c -------------------------------------------------------------------------------------------- */

/* The class of a rule (NULL: of no rule) in a fabric, made when it is new; classes[] has room. */
uint32_t te_class_of(struct te_steer *steer, const struct te_topology *topology, size_t fabric,
                     const struct pt_msg *rule, struct pt_arena *arena);
/* What is added to the tier of a path: 0 fits, TE_RANK_STEP and more comes behind, TE_RANK_NONE is not allowed. */
uint32_t te_class_rank(const struct te_class *class, const struct te_topology *topology, const struct te_path *path);
/* Search for paths that keep the class's constraints, from a site; NULL when the class needs none. */
struct te_constrained *te_class_search(const struct te_class *class, const struct te_topology *topology, size_t from);
/* What stands in the class's group towards a site: its paths with weights and tiers, at most PT_GROUP_MEMBERS_MAX; pair
 * is what traffic engineering found, search the class's own. Returns how many. */
size_t te_class_paths(const struct te_class *class, const struct te_topology *topology, const struct te_pair *pair,
                      struct te_constrained *search, size_t to, struct te_path *ret_paths);
/* The entry that tells a node to watch a profile; NULL when it is gone. */
Patronus__V1__SlaEntry *te_sla_entry(struct pt_plan_pass *pass, const char *profile);
uint64_t te_sla_id(const char *profile);

/* ---- steer_subject.c ------------------------------------------------------------------------------------------ */

/* Bit of the rule's users and groups; 0: anybody. False when the segment has no bit left. */
bool te_subjects_of(struct te_segment_rules *segment, const struct pt_msg *rule, struct pt_arena *arena,
                    uint64_t *ret_bit);
/* Bits of a session: the sets that its user or one of its groups is in. */
uint64_t te_session_subjects(const struct te_segment_rules *segment, const struct pt_msg *session);
/* Sessions at a site in a segment, as entries with the rules' bits; those of nobody that a rule names are left out. */
void te_subjects_emit(struct pt_plan_pass *pass, struct pt_plan_node *node, const struct te_segment_rules *rules,
                      const struct te_segment *segment, const char *site);
/* Applications of a segment's organization, which its nodes look for. */
void te_applications_of(struct pt_plan_pass *pass, const struct te_segment *segment, struct te_segment_rules *out);
/* Times of the week of a rule, as the node's clock knows them. */
void te_windows_of(const struct pt_msg *rule, struct pt_arena *arena, Patronus__V1__RuleEntry *entry);
