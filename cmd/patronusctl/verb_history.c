/*
 * confirm and rollback of a change set; history, diff and restore of what resources were.
 */
#include "ctl.h"

#include "base/assert.h"
#include "cli/request.h"
#include "cli/table.h"
#include "wire/diff.h"
#include "wire/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct pt_method_type *method_of(const struct ctl *ctl, const char *path)
{
    const struct pt_method_type *method = pt_schema_method(ctl->schema, path);
    pt_assert(method != NULL);
    return method;
}

/* ---- confirm, rollback ---------------------------------------------------------------------------------------- */

struct search {
    const char *name;
    size_t len;
};

static bool on_change_set(void *arg, const struct pt_msg *resource)
{
    struct search *search = arg;
    search->name = pt_msg_str(resource, "name");
    search->len++;
    return true;
}

/* The change set that the words name; without any, the one that waits below --parent. */
static enum pt_code find_change_set(struct ctl *ctl, const char **ret_name, struct pt_error *reterr)
{
    const struct pt_message_type *kind = NULL;
    PT_TRY(pt_cli_kind_find(ctl->schema, "changeSet", &kind, reterr));
    if (ctl->args->words_len == 1) {
        return pt_cli_name(&ctl->scope, kind, ctl->args->words[0], ctl->arena, ret_name, &kind, reterr);
    }
    const struct pt_cli_list_options options = {.parent = pt_cli_list_parent(&ctl->scope, kind, ctl->arena),
                                                .filter = "state = \"CONFIRMING\"",
                                                .order_by = "",
                                                .page_token = ""};
    struct search search = {.name = ""};
    PT_TRY(ctl_read_all(ctl, kind, &options, ctl->arena, on_change_set, &search, reterr));
    *ret_name = search.name;
    if (search.len == 1) {
        return PT_OK;
    }
    return pt_fail(
        reterr, search.len == 0 ? PT_NOT_FOUND : PT_INVALID_ARGUMENT, PT_REASON_RESOURCE_NOT_FOUND, NULL,
        search.len == 0
            ? "no change set waits for a confirmation; patronusctl get changeSets shows all, and rollback NAME "
              "takes back one that was confirmed"
            : "several change sets wait for a confirmation: name one");
}

static int step(struct ctl *ctl, const char *path, const char *done)
{
    const char *name = NULL;
    struct pt_error error = {0};
    if (ctl->args->words_len > 1) {
        return ctl_usage_text(ctl, "name one change set");
    }
    if (ctl_connect(ctl, &error) != PT_OK || find_change_set(ctl, &name, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    const struct pt_method_type *method = method_of(ctl, path);
    struct pt_msg *request = pt_msg_new(ctl->arena, method->input);
    struct pt_msg *reply = NULL;
    char request_id[33];
    ctl_random_id(ctl->client, request_id);
    pt_msg_set_str(request, ctl->arena, "name", name);
    pt_msg_set_str(request, ctl->arena, "request_id", request_id);
    if (ctl_call(ctl->client, method, request, ctl->arena, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    printf("%s %s (%" PRIu64 " resources)\n", done, name, pt_msg_u64(reply, "changed"));
    return PT_CLI_EXIT_OK;
}

int ctl_confirm(struct ctl *ctl)
{
    return step(ctl, "/patronus.v1.ChangeSetService/ConfirmChangeSet", "confirmed");
}

int ctl_rollback(struct ctl *ctl)
{
    return step(ctl, "/patronus.v1.ChangeSetService/RollbackChangeSet", "rolled back");
}

/* ---- revisions ------------------------------------------------------------------------------------------------ */

static enum pt_code read_revisions(struct ctl *ctl, const char *name, uint64_t revision, struct pt_msg **ret_reply,
                                   struct pt_error *reterr)
{
    const struct pt_method_type *method = method_of(ctl, "/patronus.v1.RevisionService/ListRevisions");
    struct pt_msg *request = pt_msg_new(ctl->arena, method->input);
    pt_msg_set_str(request, ctl->arena, "name", name);
    pt_msg_set_u64(request, ctl->arena, "revision", revision);
    return ctl_call(ctl->client, method, request, ctl->arena, ret_reply, reterr);
}

/* The resource of one line; NULL where it was deleted. */
static enum pt_code resource_of(struct ctl *ctl, const struct pt_message_type *kind, const struct pt_msg *line,
                                struct pt_msg **ret_resource, struct pt_error *reterr)
{
    const struct pt_msg *any = pt_msg_child(line, "resource");
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_DROP, .size_max = UINT32_MAX};
    *ret_resource = NULL;
    return any == NULL ? PT_OK
                       : pt_msg_parse(kind, pt_msg_bytes(any, "value"), &options, ctl->arena, ret_resource, reterr);
}

enum pt_code ctl_get_revision(struct ctl *ctl, const struct pt_message_type *kind, const char *name, uint64_t revision,
                              struct pt_msg **ret_resource, struct pt_error *reterr)
{
    struct pt_msg *reply = NULL;
    PT_TRY(read_revisions(ctl, name, revision, &reply, reterr));
    const struct pt_msg_field *lines = pt_msg_field(reply, "revisions");
    PT_TRY(resource_of(ctl, kind, lines->values[0].message, ret_resource, reterr));
    return *ret_resource != NULL ? PT_OK
                                 : pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, NULL,
                                           "%.200s was deleted in revision %" PRIu64, name, revision);
}

static enum pt_code one_target(struct ctl *ctl, struct ctl_target *ret_target, struct pt_error *reterr)
{
    struct ctl_target *targets = NULL;
    size_t len = 0;
    PT_TRY(ctl_targets(ctl, ctl->args->words, ctl->args->words_len, &targets, &len, reterr));
    *ret_target = targets[0];
    return len == 1 ? PT_OK : pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NONE, NULL, "name one resource");
}

static void add_path(void *arg, const char *path, const char *before, const char *after)
{
    struct pt_buf *out = arg;
    (void)before, (void)after;
    pt_buf_printf(out, "%s%s", out->size > 0 ? ", " : "", path);
}

/* What a change did: "region, labels.tier". */
static enum pt_code changed_fields(struct ctl *ctl, const struct pt_message_type *kind, const struct pt_msg *line,
                                   const struct pt_msg *before, const char **ret_text, struct pt_error *reterr)
{
    struct pt_msg *now = NULL;
    struct pt_msg *former = NULL;
    PT_TRY(resource_of(ctl, kind, line, &now, reterr));
    if (before != NULL) {
        PT_TRY(resource_of(ctl, kind, before, &former, reterr));
    }
    *ret_text = now == NULL ? "deleted" : before == NULL ? "" : former == NULL ? "created anew" : "";
    if (now != NULL && former != NULL) {
        PT_AUTO(buf) struct pt_buf out = {0};
        pt_msg_diff(kind, former, now, add_path, &out);
        *ret_text = pt_arena_strndup(ctl->arena, (const char *)out.data, out.size);
    }
    return PT_OK;
}

static enum pt_code print_lines(struct ctl *ctl, const struct ctl_target *target, const struct pt_msg *reply,
                                struct pt_error *reterr)
{
    const struct pt_msg_field *lines = pt_msg_field(reply, "revisions");
    struct pt_cli_table table;
    pt_cli_table_init(&table, ctl->arena);
    pt_cli_table_column(&table, "REVISION");
    pt_cli_table_column(&table, "TIME");
    pt_cli_table_column(&table, "BY");
    pt_cli_table_column(&table, "CHANGED");
    for (size_t i = 0; lines != NULL && i < lines->len; i++) {
        const struct pt_msg *line = lines->values[i].message;
        const struct pt_msg *before = i + 1 < lines->len ? lines->values[i + 1].message : NULL;
        const char *changed = "";
        PT_TRY(changed_fields(ctl, target->kind, line, before, &changed, reterr));
        PT_AUTO(buf) struct pt_buf time = {0};
        PT_TRY(pt_msg_text(line, "time", &time, reterr));
        pt_buf_append_u8(&time, 0);
        const char *principal = pt_msg_str(line, "principal");
        const char *cells[] = {pt_arena_printf(ctl->arena, "%" PRIu64 "%s", pt_msg_u64(line, "revision"),
                                               pt_msg_bool(line, "current") ? " (now)" : ""),
                               (const char *)time.data, principal[0] != '\0' ? principal : "-", changed};
        pt_cli_table_row(&table, cells);
    }
    PT_AUTO(buf) struct pt_buf out = {0};
    pt_cli_table_render(&table, ctl_width(), &out);
    ctl_print(&out);
    return PT_OK;
}

int ctl_history(struct ctl *ctl)
{
    struct ctl_target target;
    struct pt_error error = {0};
    struct pt_msg *reply = NULL;
    if (ctl->args->words_len == 0) {
        return ctl_usage_text(ctl, "name a resource");
    }
    if (one_target(ctl, &target, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (ctl_connect(ctl, &error) != PT_OK || read_revisions(ctl, target.name, 0, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    if (ctl->args->output == PT_CLI_TABLE) {
        return print_lines(ctl, &target, reply, &error) == PT_OK ? PT_CLI_EXIT_OK : ctl_fail(&error);
    }
    PT_AUTO(buf) struct pt_buf out = {0};
    pt_json_write(ctl->schema, reply, PT_JSON_INDENT, &out);
    pt_buf_append_u8(&out, '\n');
    ctl_print(&out);
    return PT_CLI_EXIT_OK;
}

/* ---- diff ----------------------------------------------------------------------------------------------------- */

static void print_diff(void *arg, const char *path, const char *before, const char *after)
{
    bool *any = arg;
    *any = true;
    if (before[0] == '\0') {
        printf("+ %s: %s\n", path, after);
    } else if (after[0] == '\0') {
        printf("- %s: %s\n", path, before);
    } else {
        printf("~ %s: %s -> %s\n", path, before, after);
    }
}

/* Index of the line to compare with the newest: that of --revision, or the one before. */
static size_t earlier_line(const struct ctl *ctl, const struct pt_msg_field *lines)
{
    size_t at = lines != NULL && lines->len > 1 ? 1 : SIZE_MAX;
    for (size_t i = 0; lines != NULL && ctl->args->revision != 0 && i < lines->len; i++) {
        at = i == 0 ? SIZE_MAX : at;
        if (pt_msg_u64(lines->values[i].message, "revision") == ctl->args->revision) {
            return i;
        }
    }
    return at;
}

int ctl_diff(struct ctl *ctl)
{
    struct ctl_target target;
    struct pt_error error = {0};
    struct pt_msg *reply = NULL;
    struct pt_msg *before = NULL;
    struct pt_msg *after = NULL;
    if (ctl->args->words_len == 0) {
        return ctl_usage_text(ctl, "name a resource; for what files would change: patronusctl apply --dry-run -f FILE");
    }
    if (one_target(ctl, &target, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (ctl_connect(ctl, &error) != PT_OK || read_revisions(ctl, target.name, 0, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    const struct pt_msg_field *lines = pt_msg_field(reply, "revisions");
    size_t at = earlier_line(ctl, lines);
    if (at == SIZE_MAX) {
        (void)pt_fail(&error, PT_OUT_OF_RANGE, PT_REASON_NONE, "--revision",
                      "no such revision is kept; patronusctl history shows those that are");
        return ctl_fail(&error);
    }
    if (resource_of(ctl, target.kind, lines->values[at].message, &before, &error) != PT_OK ||
        resource_of(ctl, target.kind, lines->values[0].message, &after, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    bool any = false;
    printf("%s: revision %" PRIu64 " -> %" PRIu64 "\n", target.name, pt_msg_u64(lines->values[at].message, "revision"),
           pt_msg_u64(lines->values[0].message, "revision"));
    pt_msg_diff(target.kind, before, after, print_diff, &any);
    if (!any) {
        printf("nothing differs\n");
    }
    return PT_CLI_EXIT_OK;
}

/* ---- restore -------------------------------------------------------------------------------------------------- */

int ctl_restore(struct ctl *ctl)
{
    struct ctl_target target;
    struct pt_error error = {0};
    struct pt_msg *reply = NULL;
    if (ctl->args->words_len == 0 || ctl->args->revision == 0) {
        return ctl_usage_text(ctl, "name a resource and its --revision; patronusctl history shows what is kept");
    }
    if (one_target(ctl, &target, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    const struct pt_method_type *method = method_of(ctl, "/patronus.v1.RevisionService/RestoreRevision");
    struct pt_msg *request = pt_msg_new(ctl->arena, method->input);
    char request_id[33];
    ctl_random_id(ctl->client, request_id);
    pt_msg_set_str(request, ctl->arena, "name", target.name);
    pt_msg_set_u64(request, ctl->arena, "revision", ctl->args->revision);
    pt_msg_set_str(request, ctl->arena, "etag", ctl->args->etag);
    pt_msg_set_str(request, ctl->arena, "request_id", request_id);
    pt_msg_set_bool(request, ctl->arena, "validate_only", pt_cli_given(ctl->args, PT_CLI_DRY_RUN));
    if (ctl_call(ctl->client, method, request, ctl->arena, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    printf("restored %s to revision %" PRIu64 "%s\n", target.name, ctl->args->revision,
           pt_cli_given(ctl->args, PT_CLI_DRY_RUN) ? " (dry run)" : "");
    return PT_CLI_EXIT_OK;
}
