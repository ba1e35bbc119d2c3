/*
 * What would be accepted and is probably not meant: steering rules that never decide.
 *
 * Said where somebody asks what a change would do: in the answer of a validate_only Create or Update, as a condition of
 * the policy, and in the plan of a change set. A change itself is never refused for it: an operator may well write the
 * exception first and the rule that it shadows tomorrow.
 */
#include "serve/controller_priv.h"

#include "mod/te/simulate.h"

#include <string.h>

/* "rules[2] of voice never decides: ..." in the arena. */
static const char *text_of(const Patronus__V1__ShadowedRule *rule, struct pt_arena *arena)
{
    if (rule->by_steering_policy[0] == '\0') {
        return pt_arena_printf(arena, "%s rules[%u] never decides: %s", rule->steering_policy, rule->rule,
                               rule->reason);
    }
    return pt_arena_printf(arena, "%s rules[%u] never decides: %s: %s rules[%u]", rule->steering_policy, rule->rule,
                           rule->reason, rule->by_steering_policy, rule->by_rule);
}

static void add_condition(struct pt_msg *policy, struct pt_arena *arena, const char *reason, const char *message)
{
    struct pt_msg *condition = pt_msg_new(arena, pt_message_field(policy->type, "conditions")->message);
    pt_msg_set_str(condition, arena, "type", "Reachable");
    pt_msg_set_str(condition, arena, "reason", reason);
    pt_msg_set_str(condition, arena, "message", message);
    pt_msg_append(policy, arena, "conditions", (union pt_value){.message = condition});
}

static void judge(struct pt_controller *controller, struct pt_msg *policy, struct pt_arena *arena)
{
    Patronus__V1__FindShadowedRulesResponse *response = NULL;
    struct pt_error error = {0};
    struct pt_view *view = pt_view_new(controller->machine);
    if (te_shadowed_with(view, policy, arena, &response, &error) != PT_OK) {
        add_condition(policy, arena, "LimitReached", pt_arena_strdup(arena, error.text));
    }
    for (size_t i = 0; response != NULL && i < response->n_rules; i++) {
        add_condition(policy, arena, "Shadowed", text_of(response->rules[i], arena));
    }
    pt_view_free(view);
}

void pt_serve_warn(struct pt_serve_call *call, struct pt_buf *reply)
{
    struct pt_arena arena;
    struct pt_msg *policy = NULL;
    const struct pt_message_type *type = call->method->output;
    if (type->resource == NULL || strcmp(type->resource->singular, "steeringPolicy") != 0) {
        return;
    }
    pt_arena_init(&arena);
    uint8_t *copy = pt_arena_memdup(&arena, reply->data, reply->size);
    if (pt_msg_parse(type, (struct pt_bytes){copy, reply->size}, NULL, &arena, &policy, NULL) == PT_OK) {
        judge(call->controller, policy, &arena);
        pt_buf_reset(reply);
        pt_msg_encode(policy, reply);
    }
    pt_arena_fini(&arena);
}

const char *const *pt_serve_plan_warnings(const struct pt_plan_pass *pass, const char *organization,
                                          struct pt_arena *arena, size_t *ret_len)
{
    Patronus__V1__FindShadowedRulesResponse *response = NULL;
    te_shadowed(pass, organization, arena, &response);
    size_t len = response->n_rules < PT_SERVE_WARNINGS_MAX ? response->n_rules : PT_SERVE_WARNINGS_MAX;
    const char **texts = pt_arena_array(arena, len, sizeof(*texts));
    for (size_t i = 0; i < len; i++) {
        texts[i] = text_of(response->rules[i], arena);
    }
    *ret_len = len;
    return texts;
}
