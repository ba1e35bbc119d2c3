/*
 * contexts: which cluster, as whom, and where in it, under a name. The file is written anew, atomically, 0600.
 */
#include "ctl.h"

#include "cli/context.h"
#include "cli/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum pt_code ctl_contexts_read(const struct pt_cli_args *args, struct pt_arena *arena,
                               struct pt_cli_contexts *ret_contexts, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf text = {0};
    if (args->config[0] != '\0' && access(args->config, F_OK) == 0) {
        PT_TRY(ctl_read_file(args->config, &text, reterr));
    }
    return pt_cli_contexts_read(args->config, text.size > 0 ? (const char *)text.data : "", text.size, arena,
                                ret_contexts, reterr);
}

/* Folders above the file, as far as they are missing. */
static void make_folders(const char *path, struct pt_arena *arena)
{
    char *folder = pt_arena_strdup(arena, path);
    for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(folder, 0700); /* a failure shows when the file is written */
        *slash = '/';
    }
}

static enum pt_code save(struct ctl *ctl, const struct pt_cli_contexts *contexts, struct pt_error *reterr)
{
    const char *path = ctl->args->config;
    if (path[0] == '\0') {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, "PATRONUS_CONFIG",
                       "neither this nor HOME says where the contexts are kept");
    }
    make_folders(path, ctl->arena);
    PT_AUTO(buf) struct pt_buf text = {0};
    pt_cli_contexts_write(contexts, &text);
    char *draft = pt_arena_printf(ctl->arena, "%s.XXXXXX", path);
    int fd = mkstemp(draft); /* 0600 */
    if (fd < 0) {
        return pt_fail_errno(reterr, errno, path, "the contexts cannot be written");
    }
    bool good = write(fd, text.data, text.size) == (ssize_t)text.size && fsync(fd) == 0;
    good = close(fd) == 0 && good && rename(draft, path) == 0;
    if (!good) {
        int number = errno;
        (void)unlink(draft); /* ours */
        return pt_fail_errno(reterr, number, path, "the contexts cannot be written");
    }
    return PT_OK;
}

/* ---- list ----------------------------------------------------------------------------------------------------- */

static int list(struct ctl *ctl, const struct pt_cli_contexts *contexts)
{
    PT_AUTO(buf) struct pt_buf out = {0};
    if (ctl_is_data(ctl)) {
        pt_cli_contexts_write(contexts, &out);
        return ctl_print_data(ctl, &out);
    }
    struct pt_cli_table table;
    pt_cli_table_init(&table, ctl->arena);
    static const char *const headers[] = {"", "NAME", "SERVERS", "CREDENTIAL", "PARENT"};
    for (size_t i = 0; i < 5; i++) {
        pt_cli_table_column(&table, headers[i]);
    }
    for (size_t i = 0; i < contexts->len; i++) {
        const struct pt_cli_context *context = &contexts->items[i];
        PT_AUTO(buf) struct pt_buf servers = {0};
        for (size_t j = 0; j < context->servers_len; j++) {
            pt_buf_printf(&servers, "%s%s", j > 0 ? "," : "", context->servers[j]);
        }
        const char *who = context->token_file[0] != '\0' ? context->token_file : context->credential;
        const char *cells[] = {strcmp(contexts->current, context->name) == 0 ? "*" : " ", context->name,
                               servers.size > 0 ? (const char *)servers.data : "", who, context->parent};
        if (ctl->args->output == PT_CLI_NAME) {
            pt_buf_printf(&out, "%s\n", context->name);
        } else {
            pt_cli_table_row(&table, cells);
        }
    }
    if (ctl->args->output != PT_CLI_NAME && contexts->len > 0) {
        pt_cli_table_render(&table, ctl_width(), &out);
    } else if (contexts->len == 0) {
        fprintf(stderr, "there are no contexts; patronusctl contexts add NAME makes one\n");
    }
    ctl_print(&out);
    return PT_CLI_EXIT_OK;
}

/* ---- add, use, remove ----------------------------------------------------------------------------------------- */

/* A path that means the same from every folder. */
static const char *absolute(struct ctl *ctl, const char *path)
{
    char *real = realpath(path, NULL);
    const char *kept = pt_arena_strdup(ctl->arena, real != NULL ? real : path);
    free(real);
    return kept;
}

static enum pt_code add(struct ctl *ctl, struct pt_cli_contexts *contexts, const char *name, struct pt_error *reterr)
{
    const struct pt_cli_args *args = ctl->args;
    struct pt_cli_context *context = NULL;
    if (pt_cli_given(args, PT_CLI_TOKEN)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "--token",
                       "no secret is kept with a context; write the token to a file and name it with --token-file");
    }
    PT_TRY(pt_cli_context_put(contexts, name, ctl->arena, &context, reterr));
    if (pt_cli_given(args, PT_CLI_SERVER)) {
        memcpy(context->servers, args->servers, sizeof(context->servers));
        context->servers_len = args->servers_len;
    }
    if (pt_cli_given(args, PT_CLI_CREDENTIAL)) {
        context->credential = absolute(ctl, args->credential);
    }
    if (pt_cli_given(args, PT_CLI_TOKEN_FILE)) {
        context->token_file = absolute(ctl, args->token_file);
    }
    if (pt_cli_given(args, PT_CLI_PARENT)) {
        context->parent = ctl->scope.parent; /* in full */
    }
    contexts->current = contexts->current[0] == '\0' ? context->name : contexts->current;
    return PT_OK;
}

static enum pt_code change(struct ctl *ctl, struct pt_cli_contexts *contexts, const char *what, const char *name,
                           struct pt_error *reterr)
{
    if (strcmp(what, "add") == 0) {
        return add(ctl, contexts, name, reterr);
    }
    struct pt_cli_context *context = pt_cli_context_find(contexts, name);
    if (context == NULL) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_NONE, name,
                       "there is no such context; patronusctl contexts list shows what there is");
    }
    if (strcmp(what, "use") == 0) {
        contexts->current = context->name;
    } else {
        pt_cli_context_remove(contexts, context);
    }
    return PT_OK;
}

int ctl_contexts(struct ctl *ctl)
{
    const char *const *words = ctl->args->words;
    size_t len = ctl->args->words_len;
    struct pt_cli_contexts contexts;
    struct pt_error error = {0};
    if (ctl_contexts_read(ctl->args, ctl->arena, &contexts, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (len == 0 || (len == 1 && strcmp(words[0], "list") == 0)) {
        return list(ctl, &contexts);
    }
    static const char *const done[][2] = {{"add", "kept"}, {"use", "using"}, {"remove", "removed"}};
    for (size_t i = 0; i < 3 && len == 2; i++) {
        if (strcmp(words[0], done[i][0]) != 0) {
            continue;
        }
        if (change(ctl, &contexts, words[0], words[1], &error) != PT_OK || save(ctl, &contexts, &error) != PT_OK) {
            return error.code == PT_INVALID_ARGUMENT ? ctl_usage(&error) : ctl_fail(&error);
        }
        printf("%s %s\n", done[i][1], words[1]);
        return PT_CLI_EXIT_OK;
    }
    return ctl_usage_text(ctl, "write list, add NAME, use NAME or remove NAME");
}
