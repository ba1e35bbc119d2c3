/*
 * controllers: the cluster's own members. Each command is one or two ordinary calls and a wait: a change of the
 * Controller resource is a wish, which the leader fulfils; the command returns when it has.
 */
#include "ctl.h"

#include "base/assert.h"
#include "cli/fields.h"
#include "cli/request.h"

#include <stdio.h>
#include <string.h>

#define STATUS "/patronus.v1.ClusterService/GetClusterStatus"
#define LOOK_MS 100

/* ---- waiting -------------------------------------------------------------------------------------------------- */

/* A controller, by its name and by its number among the members: the name goes with the resource, the member later. */
struct member {
    const char *name;
    uint64_t raft_id; /* 0: not known */
};

/* "voter", "standby" or "spare", as whoever answers has it; "" when it is no member. *ret_itself: the controller itself
 * answers, which does not hear that it is out. */
static enum pt_code member_role(struct ctl *ctl, struct member *member, struct pt_arena *arena, const char **ret_role,
                                bool *ret_itself, struct pt_error *reterr)
{
    const struct pt_method_type *method = pt_schema_method(ctl->schema, STATUS);
    pt_assert(method != NULL);
    struct pt_msg *reply = NULL;
    PT_TRY(ctl_call(ctl->client, method, pt_msg_new(arena, method->input), arena, &reply, reterr));
    const struct pt_msg_field *members = pt_msg_field(reply, "controllers");
    *ret_role = "";
    for (size_t i = 0; members != NULL && i < members->len; i++) {
        const struct pt_msg *item = members->values[i].message;
        uint64_t raft_id = pt_msg_u64(item, "raft_id");
        if (member->raft_id != 0 ? raft_id == member->raft_id : strcmp(pt_msg_str(item, "name"), member->name) == 0) {
            member->raft_id = raft_id;
            *ret_role = pt_msg_str(item, "role");
        }
    }
    *ret_itself = strcmp(pt_msg_str(reply, "controller"), member->name) == 0;
    return PT_OK;
}

static int wait_for(struct ctl *ctl, struct member *member, const char *wanted)
{
    struct pt_sys *sys = ctl_client_sys(ctl->client);
    uint64_t end_ms = pt_sys_now_ms(sys) + ctl->args->timeout_ms;
    struct pt_error error = {0};
    do {
        struct pt_arena arena;
        pt_arena_init(&arena);
        const char *role = "";
        bool itself = false, out = wanted[0] == '\0';
        enum pt_code code = member_role(ctl, member, &arena, &role, &itself, &error);
        bool there = code == PT_OK && strcmp(role, wanted) == 0 && !(out && itself);
        pt_arena_fini(&arena);
        if (there) {
            return PT_CLI_EXIT_OK;
        }
        if (code == PT_OK && out && itself) {
            ctl_client_next(ctl->client);
        }
        if (code != PT_OK && code != PT_UNAVAILABLE) {
            return ctl_fail(&error);
        }
        ctl_client_rest(ctl->client, LOOK_MS);
    } while (pt_sys_now_ms(sys) < end_ms);
    (void)pt_fail(&error, PT_DEADLINE_EXCEEDED, PT_REASON_NONE, member->name,
                  wanted[0] != '\0'
                      ? "it was decided, but it takes that part not yet; the leader goes on trying: is that "
                        "controller up? patronusctl cluster status"
                      : "it was decided, but no other controller has said yet that it is out; the leader goes on "
                        "trying: leave it running, and ask another one with --server: patronusctl cluster status");
    return ctl_fail(&error);
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

static enum pt_code set_field(struct ctl *ctl, const char *name, const char *field, const char *value,
                              struct pt_error *reterr)
{
    const struct pt_message_type *kind = pt_cli_kind(ctl->schema, "controller");
    const struct pt_method_type *method = NULL;
    PT_TRY(pt_cli_method_find(ctl->schema, kind, PT_VERB_UPDATE, &method, reterr));
    char id[33];
    ctl_random_id(ctl->client, id);
    const struct pt_cli_write_options options = {
        .request_id = id, .etag = "", .dry_run = pt_cli_given(ctl->args, PT_CLI_DRY_RUN)};
    const char *word = pt_arena_printf(ctl->arena, "%s=%s", field, value);
    struct pt_msg *resource = pt_msg_new(ctl->arena, kind);
    struct pt_cli_mask mask = {0};
    PT_TRY(pt_cli_assign(ctl->schema, word, resource, &mask, ctl->arena, reterr));
    struct pt_msg *request = pt_cli_request_update(method, name, resource, &mask, &options, ctl->arena);
    struct pt_msg *reply = NULL;
    return ctl_call(ctl->client, method, request, ctl->arena, &reply, reterr);
}

static enum pt_code remove_one(struct ctl *ctl, const char *name, struct pt_error *reterr)
{
    const struct pt_method_type *method = NULL;
    PT_TRY(pt_cli_method_find(ctl->schema, pt_cli_kind(ctl->schema, "controller"), PT_VERB_DELETE, &method, reterr));
    char id[33];
    ctl_random_id(ctl->client, id);
    const struct pt_cli_write_options options = {
        .request_id = id, .etag = "", .dry_run = pt_cli_given(ctl->args, PT_CLI_DRY_RUN)};
    struct pt_msg *request = pt_cli_request_delete(method, name, &options, ctl->arena);
    struct pt_msg *reply = NULL;
    return ctl_call(ctl->client, method, request, ctl->arena, &reply, reterr);
}

/* ---- commands ------------------------------------------------------------------------------------------------- */

/* A token, as `tokens create` makes it. */
static int add(struct ctl *ctl)
{
    const char *words[] = {"create"};
    struct pt_cli_args args = *ctl->args;
    args.words = words;
    args.words_len = 1;
    args.role = args.role[0] != '\0' ? args.role : "voter";
    if (strcmp(args.role, "voter") != 0 && strcmp(args.role, "standby") != 0) {
        return ctl_usage_text(ctl,
                              "a controller is a voter or a standby; an edge joins with: patronusctl tokens create "
                              "--role edge --edge NAME");
    }
    struct ctl own = *ctl;
    own.args = &args;
    int status = ctl_tokens(&own);
    ctl->client = own.client;
    ctl->credential = own.credential;
    return status;
}

static int set_role(struct ctl *ctl, const char *name, const char *role)
{
    struct pt_error error = {0};
    if (set_field(ctl, name, "role", role, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    if (pt_cli_given(ctl->args, PT_CLI_DRY_RUN)) {
        printf("%s could be a %s\n", name, role);
        return PT_CLI_EXIT_OK;
    }
    struct member member = {.name = name};
    int status = wait_for(ctl, &member, role);
    if (status == PT_CLI_EXIT_OK) {
        printf("%s is a %s\n", name, role);
    }
    return status;
}

static int take_out(struct ctl *ctl, const char *name)
{
    struct pt_error error = {0};
    struct member member = {.name = name};
    const char *role = "";
    bool itself = false;
    if (member_role(ctl, &member, ctl->arena, &role, &itself, &error) != PT_OK ||
        remove_one(ctl, name, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    if (pt_cli_given(ctl->args, PT_CLI_DRY_RUN)) {
        printf("%s could be removed\n", name);
        return PT_CLI_EXIT_OK;
    }
    int status = member.raft_id != 0 ? wait_for(ctl, &member, "") : PT_CLI_EXIT_OK; /* it was none already */
    if (status == PT_CLI_EXIT_OK) {
        fprintf(stderr, "%s is removed; stop it, and remove its data folder before that machine joins again\n", name);
    }
    return status;
}

static int replace(struct ctl *ctl, const char *name)
{
    int status = take_out(ctl, name);
    if (status == PT_CLI_EXIT_NOT_FOUND) {
        fprintf(stderr, "if it was removed before: patronusctl controllers add prints a token for its successor\n");
    }
    return status == PT_CLI_EXIT_OK && !pt_cli_given(ctl->args, PT_CLI_DRY_RUN) ? add(ctl) : status;
}

struct preference {
    struct ctl *ctl;
    const char *region;
    size_t len; /* controllers of the region */
    enum pt_code code;
    struct pt_error error;
};

static bool count_region(void *arg, const struct pt_msg *controller)
{
    struct preference *preference = arg;
    preference->len += strcmp(pt_msg_str(controller, "region"), preference->region) == 0;
    return true;
}

static bool set_preference(void *arg, const struct pt_msg *controller)
{
    struct preference *preference = arg;
    bool in = strcmp(pt_msg_str(controller, "region"), preference->region) == 0;
    preference->code = set_field(preference->ctl, pt_msg_str(controller, "name"), "leader_priority", in ? "10" : "0",
                                 &preference->error);
    return preference->code == PT_OK;
}

/* The controllers of a region at priority 10, all others at 0. "none" takes the preference away. */
static int prefer(struct ctl *ctl, const char *region)
{
    struct preference preference = {.ctl = ctl, .region = region};
    const struct pt_message_type *kind = pt_cli_kind(ctl->schema, "controller");
    const struct pt_cli_list_options all = {.parent = "", .filter = "", .order_by = "", .page_token = ""};
    struct pt_error error = {0};
    if (ctl_read_all(ctl, kind, &all, ctl->arena, count_region, &preference, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    if (preference.len == 0 && strcmp(region, "none") != 0) {
        return ctl_usage_text(ctl, "no controller is in region '%s'; patronusctl get controllers shows regions",
                              region);
    }
    if (ctl_read_all(ctl, kind, &all, ctl->arena, set_preference, &preference, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    if (preference.code != PT_OK) {
        return ctl_fail(&preference.error);
    }
    printf("the leader is %s%s\n", preference.len > 0 ? "preferred in region " : "wherever it happens to be",
           preference.len > 0 ? region : "");
    return PT_CLI_EXIT_OK;
}

int ctl_controllers(struct ctl *ctl)
{
    const struct pt_cli_args *args = ctl->args;
    const char *what = args->words_len > 0 ? args->words[0] : "";
    const char *name = "";
    struct pt_error error = {0};
    if (strcmp(what, "add") == 0 && args->words_len == 1) {
        return add(ctl);
    }
    if (args->words_len != 2) {
        return ctl_usage_text(ctl,
                              "write controllers add, promote ID, demote ID, remove ID, replace ID or prefer REGION");
    }
    if (strcmp(what, "prefer") == 0) {
        return ctl_connect(ctl, &error) == PT_OK ? prefer(ctl, args->words[1]) : ctl_fail(&error);
    }
    if (pt_cli_name(&ctl->scope, pt_cli_kind(ctl->schema, "controller"), args->words[1], ctl->arena, &name, NULL,
                    &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    if (strcmp(what, "promote") == 0 || strcmp(what, "demote") == 0) {
        return set_role(ctl, name, what[0] == 'p' ? "voter" : "standby");
    }
    if (strcmp(what, "remove") == 0) {
        return take_out(ctl, name);
    }
    if (strcmp(what, "replace") == 0) {
        return replace(ctl, name);
    }
    return ctl_usage_text(ctl, "there is no controllers %s; write add, promote, demote, remove, replace or prefer",
                          what);
}
