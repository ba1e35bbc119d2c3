/*
 * Calls of ChangeSetService, each with a request id of its own: a change of leader in between does nothing twice.
 */
#include "changeset.h"

#include "base/assert.h"
#include "patronus/v1/changeset.pb-c.h"

#include <stdio.h>

#define SERVICE "/patronus.v1.ChangeSetService/"

static const struct pt_method_type *method_of(const struct ctl *ctl, const char *name)
{
    const struct pt_method_type *method =
        pt_schema_method(ctl->schema, pt_arena_printf(ctl->arena, SERVICE "%s", name));
    pt_assert(method != NULL);
    return method;
}

static struct pt_msg *request_of(struct ctl *ctl, const struct pt_method_type *method)
{
    struct pt_msg *request = pt_msg_new(ctl->arena, method->input);
    char request_id[33];
    ctl_random_id(ctl->client, request_id);
    pt_msg_set_str(request, ctl->arena, "request_id", request_id);
    return request;
}

enum pt_code ctl_change_set_put(struct ctl *ctl, const char *name, const struct pt_msg_field *changes,
                                struct pt_msg **ret_change_set, struct pt_error *reterr)
{
    const struct pt_method_type *method = method_of(ctl, "UpdateChangeSet");
    struct pt_msg *request = request_of(ctl, method);
    struct pt_msg *change_set = pt_msg_new(ctl->arena, method->output);
    pt_msg_set_str(change_set, ctl->arena, "name", name);
    for (size_t i = 0; changes != NULL && i < changes->len; i++) {
        pt_msg_append(change_set, ctl->arena, "changes", changes->values[i]);
    }
    pt_msg_set_child(request, ctl->arena, "change_set", change_set);
    pt_msg_set_bool(request, ctl->arena, "allow_missing", true);
    return ctl_call(ctl->client, method, request, ctl->arena, ret_change_set, reterr);
}

enum pt_code ctl_change_set_get(struct ctl *ctl, const char *name, struct pt_msg **ret_change_set,
                                struct pt_error *reterr)
{
    const struct pt_method_type *method = method_of(ctl, "GetChangeSet");
    struct pt_msg *request = pt_msg_new(ctl->arena, method->input);
    pt_msg_set_str(request, ctl->arena, "name", name);
    return ctl_call(ctl->client, method, request, ctl->arena, ret_change_set, reterr);
}

enum pt_code ctl_change_set_apply(struct ctl *ctl, const struct pt_msg *change_set, struct pt_msg **ret_change_set,
                                  struct pt_error *reterr)
{
    const struct pt_method_type *method = method_of(ctl, "ApplyChangeSet");
    struct pt_msg *request = request_of(ctl, method);
    pt_msg_set_str(request, ctl->arena, "name", pt_msg_str(change_set, "name"));
    pt_msg_set_str(request, ctl->arena, "etag", pt_msg_str(change_set, "etag"));
    if (pt_cli_given(ctl->args, PT_CLI_CONFIRM)) {
        pt_msg_set_time(request, ctl->arena, "confirm_timeout", (int64_t)ctl->args->confirm_s * 1000000000);
    }
    return ctl_call(ctl->client, method, request, ctl->arena, ret_change_set, reterr);
}

void ctl_change_set_drop(struct ctl *ctl, const char *name)
{
    const struct pt_method_type *method = method_of(ctl, "DeleteChangeSet");
    struct pt_msg *request = request_of(ctl, method);
    struct pt_msg *reply = NULL;
    struct pt_error error = {0};
    pt_msg_set_str(request, ctl->arena, "name", name);
    if (ctl_call(ctl->client, method, request, ctl->arena, &reply, &error) != PT_OK) {
        fprintf(stderr, "patronusctl: %s stays staged: %s\n", name, error.text);
    }
}

bool ctl_change_set_refused(const struct pt_error *error)
{
    return error->code != PT_UNAVAILABLE && error->code != PT_DEADLINE_EXCEEDED;
}

const char *ctl_change_word(int64_t action)
{
    return action == PATRONUS__V1__CHANGE_ACTION__CHANGE_CREATE   ? "created"
           : action == PATRONUS__V1__CHANGE_ACTION__CHANGE_UPDATE ? "configured"
           : action == PATRONUS__V1__CHANGE_ACTION__CHANGE_DELETE ? "deleted"
                                                                  : "unchanged";
}

void ctl_change_set_print(const struct pt_msg *change_set, size_t ret_counts[4])
{
    const struct pt_msg_field *changes = pt_msg_field(change_set, "changes");
    for (size_t i = 0; changes != NULL && i < changes->len; i++) {
        const struct pt_msg *change = changes->values[i].message;
        ret_counts[pt_msg_i64(change, "action") & 3]++;
        printf("%s %s\n", ctl_change_word(pt_msg_i64(change, "action")), pt_msg_str(change, "name"));
    }
}

void ctl_change_set_print_wait(const struct ctl *ctl, const struct pt_msg *change_set)
{
    if (!pt_cli_given(ctl->args, PT_CLI_CONFIRM)) {
        return;
    }
    PT_AUTO(buf) struct pt_buf until = {0};
    (void)!pt_msg_text(change_set, "confirm_before_time", &until, NULL);
    pt_buf_append_u8(&until, 0);
    printf("it is taken back at %s, unless you say: patronusctl confirm %s\n", (const char *)until.data,
           pt_msg_str(change_set, "name"));
}
