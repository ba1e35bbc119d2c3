/*
 * get and list. "get KIND" lists; names may be of several kinds at once.
 */
#include "ctl.h"

#include "cli/request.h"

#include <stdio.h>
#include <string.h>

/* ---- whole collections ---------------------------------------------------------------------------------------- */

enum pt_code ctl_read_all(struct ctl *ctl, const struct pt_message_type *kind,
                          const struct pt_cli_list_options *options, struct pt_arena *arena, ctl_resource_fn fn,
                          void *arg, struct pt_error *reterr)
{
    const struct pt_method_type *method = NULL;
    PT_TRY(pt_cli_method_find(ctl->schema, kind, PT_VERB_LIST, &method, reterr));
    struct pt_cli_list_options page = *options;
    for (;;) {
        struct pt_msg *reply = NULL;
        PT_TRY(ctl_call(ctl->client, method, pt_cli_request_list(method, &page, arena), arena, &reply, reterr));
        const struct pt_msg_field *items = pt_cli_list_items(method, reply);
        for (size_t i = 0; items != NULL && i < items->len; i++) {
            if (!fn(arg, items->values[i].message)) {
                return PT_OK;
            }
        }
        page.page_token = pt_msg_str(reply, "next_page_token");
        if (page.page_token[0] == '\0') {
            return PT_OK;
        }
    }
}

/* Where resources go: to standard output, and with --watch into the list that is followed. */
struct sink {
    struct ctl_output *output; /* NULL with --watch for programs: they read events only */
    struct ctl_shown *shown;   /* NULL without --watch */
};

static struct sink sink_new(struct ctl *ctl, bool single)
{
    bool watch = pt_cli_given(ctl->args, PT_CLI_WATCH);
    return (struct sink){.output = watch && ctl_is_data(ctl) ? NULL : ctl_output_new(ctl, single),
                         .shown = watch ? ctl_shown_new(ctl) : NULL};
}

static bool put(void *arg, const struct pt_msg *resource)
{
    const struct sink *sink = arg;
    if (sink->output != NULL) {
        ctl_output_add(sink->output, resource);
        if (sink->shown != NULL) {
            ctl_shown_add(sink->shown, resource);
        }
    }
    return true;
}

static void cancel(const struct sink *sink)
{
    if (sink->output != NULL) {
        ctl_output_cancel(sink->output);
    }
}

static int list_kind(struct ctl *ctl, const struct pt_message_type *kind)
{
    const struct pt_cli_args *args = ctl->args;
    const struct pt_cli_list_options options = {.parent = pt_cli_list_parent(&ctl->scope, kind, ctl->arena),
                                                .filter = args->filter,
                                                .order_by = args->order_by,
                                                .page_token = "",
                                                .page_size = args->page_size,
                                                .stale = pt_cli_given(args, PT_CLI_STALE)};
    struct pt_error error = {0};
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    struct sink sink = sink_new(ctl, false);
    if (sink.output != NULL && ctl_read_all(ctl, kind, &options, ctl->arena, put, &sink, &error) != PT_OK) {
        cancel(&sink);
        return ctl_fail(&error);
    }
    int status = sink.output != NULL ? ctl_output_end(sink.output) : PT_CLI_EXIT_OK;
    if (status != PT_CLI_EXIT_OK || sink.shown == NULL) {
        return status;
    }
    return ctl_shown_follow(sink.shown, kind, NULL, 0);
}

int ctl_list(struct ctl *ctl)
{
    const struct pt_message_type *kind = NULL;
    struct pt_error error = {0};
    if (ctl->args->words_len != 1) {
        return ctl_usage_text(ctl, "one KIND is needed");
    }
    if (pt_cli_kind_find(ctl->schema, ctl->args->words[0], &kind, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    return list_kind(ctl, kind);
}

/* ---- single resources ----------------------------------------------------------------------------------------- */

static enum pt_code get_one(struct ctl *ctl, const struct pt_message_type *kind, const char *name, struct sink *sink,
                            struct pt_error *reterr)
{
    const struct pt_method_type *method = NULL;
    struct pt_msg *reply = NULL;
    if (pt_cli_given(ctl->args, PT_CLI_REVISION)) {
        PT_TRY(ctl_get_revision(ctl, kind, name, ctl->args->revision, &reply, reterr));
        (void)put(sink, reply);
        return PT_OK;
    }
    PT_TRY(pt_cli_method_find(ctl->schema, kind, PT_VERB_GET, &method, reterr));
    struct pt_msg *request = pt_cli_request_get(method, name, pt_cli_given(ctl->args, PT_CLI_STALE), ctl->arena);
    PT_TRY(ctl_call(ctl->client, method, request, ctl->arena, &reply, reterr));
    (void)put(sink, reply);
    return PT_OK;
}

/* Every name that can be read is shown; the exit code is that of the last one that cannot. */
static int get_names(struct ctl *ctl, const struct ctl_target *targets, size_t len)
{
    struct pt_error error = {0};
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    struct sink sink = sink_new(ctl, len == 1);
    int status = PT_CLI_EXIT_OK;
    size_t shown = 0;
    for (size_t i = 0; i < len && status != PT_CLI_EXIT_UNAVAILABLE; i++) {
        if (get_one(ctl, targets[i].kind, targets[i].name, &sink, &error) == PT_OK) {
            shown++;
        } else {
            status = ctl_fail(&error);
        }
    }
    if (shown == 0) {
        cancel(&sink);
        return status;
    }
    int printed = sink.output != NULL ? ctl_output_end(sink.output) : PT_CLI_EXIT_OK;
    status = status == PT_CLI_EXIT_OK ? printed : status;
    if (status != PT_CLI_EXIT_OK || sink.shown == NULL) {
        return status;
    }
    return ctl_shown_follow(sink.shown, NULL, targets, len);
}

int ctl_get(struct ctl *ctl)
{
    const struct pt_cli_args *args = ctl->args;
    if (args->words_len == 0) {
        return ctl_usage_text(ctl, "a KIND or a NAME is needed; patronusctl kinds lists the kinds");
    }
    const struct pt_message_type *kind = pt_cli_kind(ctl->schema, args->words[0]);
    if (kind != NULL && args->words_len == 1) {
        return list_kind(ctl, kind);
    }
    struct ctl_target *targets = NULL;
    size_t len = 0;
    struct pt_error error = {0};
    if (ctl_targets(ctl, args->words, args->words_len, &targets, &len, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    return get_names(ctl, targets, len);
}

enum pt_code ctl_targets(struct ctl *ctl, const char *const *words, size_t words_len, struct ctl_target **ret_targets,
                         size_t *ret_len, struct pt_error *reterr)
{
    const struct pt_message_type *kind = words_len > 1 ? pt_cli_kind(ctl->schema, words[0]) : NULL;
    size_t first = kind != NULL ? 1 : 0;
    if (words_len == 1 && strchr(words[0], '/') == NULL) {
        /* One word without a slash can only be a misspelt kind. */
        PT_TRY(pt_cli_kind_find(ctl->schema, words[0], &kind, reterr));
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, words[0], "name the %s",
                       kind->resource->singular);
    }
    struct ctl_target *targets = pt_arena_array(ctl->arena, words_len, sizeof(*targets));
    for (size_t i = first; i < words_len; i++) {
        struct ctl_target *target = &targets[i - first];
        PT_TRY(pt_cli_name(&ctl->scope, kind, words[i], ctl->arena, &target->name, &target->kind, reterr));
    }
    *ret_targets = targets;
    *ret_len = words_len - first;
    return PT_OK;
}
