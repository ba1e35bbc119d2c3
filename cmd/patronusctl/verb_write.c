/*
 * create, update, delete: one resource from words, a file, or both.
 */
#include "ctl.h"

#include "cli/document.h"
#include "cli/request.h"

#include <stdio.h>
#include <string.h>

struct change {
    const struct pt_message_type *kind;
    const char *name;
    struct pt_msg *resource;
    struct pt_cli_mask mask;
};

/* The object of --file, if any, then the words over it. */
static enum pt_code read_change(struct ctl *ctl, const char *const *words, size_t words_len, struct change *change,
                                struct pt_error *reterr)
{
    change->resource = pt_msg_new(ctl->arena, change->kind);
    if (ctl->args->files_len > 1) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "--file", "only one file can be given");
    }
    if (ctl->args->files_len == 1) {
        PT_AUTO(buf) struct pt_buf text = {0};
        const char *file = ctl->args->files[0];
        struct pt_cli_document document;
        PT_TRY(ctl_read_file(file, &text, reterr));
        PT_TRY(pt_cli_document_read_one(&ctl->scope, change->kind, file, (const char *)text.data, text.size, ctl->arena,
                                        &document, reterr));
        if (document.name[0] != '\0' && strcmp(document.name, change->name) != 0) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, file,
                           "the object is named %.150s, the command line says %.150s", document.name, change->name);
        }
        change->resource = document.msg;
        change->mask = document.mask;
    }
    for (size_t i = 0; i < words_len; i++) {
        PT_TRY(pt_cli_assign(ctl->schema, words[i], change->resource, &change->mask, ctl->arena, reterr));
    }
    pt_cli_expand_references(&ctl->scope, change->name, change->resource, ctl->arena);
    return PT_OK;
}

static struct pt_cli_write_options write_options(struct ctl *ctl, char request_id[33])
{
    ctl_random_id(ctl->client, request_id);
    return (struct pt_cli_write_options){.request_id = request_id,
                                         .etag = ctl->args->etag,
                                         .dry_run = pt_cli_given(ctl->args, PT_CLI_DRY_RUN),
                                         .allow_missing = pt_cli_given(ctl->args, PT_CLI_ALLOW_MISSING),
                                         .force = pt_cli_given(ctl->args, PT_CLI_FORCE)};
}

/* "created organizations/acme/sites/nyc", or the resource itself with -o json; the exit code. */
static int print_done(struct ctl *ctl, const char *done, const char *name, const struct pt_msg *resource)
{
    if (ctl->args->output == PT_CLI_TABLE || resource == NULL) {
        if (ctl->args->output == PT_CLI_NAME) {
            printf("%s\n", name);
        } else {
            printf("%s %s%s\n", done, name, pt_cli_given(ctl->args, PT_CLI_DRY_RUN) ? " (dry run)" : "");
        }
        return PT_CLI_EXIT_OK;
    }
    struct ctl_output *output = ctl_output_new(ctl, true);
    ctl_output_add(output, resource);
    return ctl_output_end(output);
}

int ctl_create(struct ctl *ctl)
{
    const struct pt_cli_args *args = ctl->args;
    struct change change = {0};
    struct pt_error error = {0};
    if (args->words_len < 2 || pt_cli_is_assignment(args->words[1])) {
        return ctl_usage_text(ctl, "a KIND and a NAME are needed");
    }
    const struct pt_method_type *method = NULL;
    if (pt_cli_kind_find(ctl->schema, args->words[0], &change.kind, &error) != PT_OK ||
        pt_cli_method_find(ctl->schema, change.kind, PT_VERB_CREATE, &method, &error) != PT_OK ||
        pt_cli_name(&ctl->scope, change.kind, args->words[1], ctl->arena, &change.name, NULL, &error) != PT_OK ||
        read_change(ctl, args->words + 2, args->words_len - 2, &change, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    char request_id[33];
    const struct pt_cli_write_options options = write_options(ctl, request_id);
    struct pt_msg *reply = NULL;
    struct pt_msg *request = pt_cli_request_create(method, change.name, change.resource, &options, ctl->arena);
    if (ctl_call(ctl->client, method, request, ctl->arena, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    return print_done(ctl, "created", change.name, reply);
}

int ctl_update(struct ctl *ctl)
{
    const struct pt_cli_args *args = ctl->args;
    size_t names = 0;
    while (names < args->words_len && !pt_cli_is_assignment(args->words[names])) {
        names++;
    }
    struct ctl_target *targets = NULL;
    size_t len = 0;
    struct pt_error error = {0};
    if (names == 0 || names > 2 || (names == args->words_len && args->files_len == 0)) {
        return ctl_usage_text(ctl, "a NAME and at least one FIELD=VALUE, or a file, are needed");
    }
    if (ctl_targets(ctl, args->words, names, &targets, &len, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (len != 1) {
        return ctl_usage_text(ctl, "one resource at a time");
    }
    struct change change = {.kind = targets[0].kind, .name = targets[0].name};
    const struct pt_method_type *method = NULL;
    if (pt_cli_method_find(ctl->schema, change.kind, PT_VERB_UPDATE, &method, &error) != PT_OK ||
        read_change(ctl, args->words + names, args->words_len - names, &change, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    char request_id[33];
    const struct pt_cli_write_options options = write_options(ctl, request_id);
    struct pt_msg *reply = NULL;
    struct pt_msg *request =
        pt_cli_request_update(method, change.name, change.resource, &change.mask, &options, ctl->arena);
    if (ctl_call(ctl->client, method, request, ctl->arena, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    return print_done(ctl, "updated", change.name, reply);
}

static enum pt_code delete_one(struct ctl *ctl, const struct ctl_target *target, enum pt_verb verb,
                               struct pt_error *reterr)
{
    const struct pt_method_type *method = NULL;
    PT_TRY(pt_cli_method_find(ctl->schema, target->kind, verb, &method, reterr));
    char request_id[33];
    const struct pt_cli_write_options options = write_options(ctl, request_id);
    struct pt_msg *reply = NULL;
    struct pt_msg *request = pt_cli_request_delete(method, target->name, &options, ctl->arena);
    PT_TRY(ctl_call(ctl->client, method, request, ctl->arena, &reply, reterr));
    (void)print_done(ctl, verb == PT_VERB_DELETE ? "deleted" : "undeleted", target->name,
                     NULL); /* without a resource it cannot fail */
    return PT_OK;
}

/* Delete and undelete take names and nothing else. */
static int delete_all(struct ctl *ctl, enum pt_verb verb)
{
    struct ctl_target *targets = NULL;
    size_t len = 0;
    struct pt_error error = {0};
    if (ctl->args->words_len == 0) {
        return ctl_usage_text(ctl, "a NAME is needed");
    }
    if (ctl_targets(ctl, ctl->args->words, ctl->args->words_len, &targets, &len, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (len == 0 || (len > 1 && ctl->args->etag[0] != '\0')) {
        return ctl_usage_text(ctl, len == 0 ? "a NAME is needed" : "--etag goes with one NAME");
    }
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    int status = PT_CLI_EXIT_OK;
    for (size_t i = 0; i < len && status != PT_CLI_EXIT_UNAVAILABLE; i++) {
        if (delete_one(ctl, &targets[i], verb, &error) != PT_OK) {
            status = ctl_fail(&error);
        }
    }
    return status;
}

int ctl_delete(struct ctl *ctl)
{
    return delete_all(ctl, PT_VERB_DELETE);
}

int ctl_undelete(struct ctl *ctl)
{
    return delete_all(ctl, PT_VERB_UNDELETE);
}
