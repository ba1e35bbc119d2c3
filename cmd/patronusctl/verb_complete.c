/*
 * completion: the scripts for shells, and the words that these ask for (`completion words -- WORD...`).
 *
 * Names are asked of the server that the typed line itself means, by its flags, the environment and the contexts.
 * Nothing, and no complaint, when there is no answer: somebody is typing.
 */
#include "ctl.h"

#include "cli/complete.h"
#include "cli/context.h"
#include "cli/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 1000
#define TIMEOUT_MS 2000

struct naming {
    const struct pt_cli_scope *scope;
    const char *word; /* what has been typed, with what stands before the name */
    size_t before;
    size_t len;
};

static bool print_name(void *arg, const struct pt_msg *resource)
{
    struct naming *naming = arg;
    const char *name = pt_cli_short_name(naming->scope, pt_msg_str(resource, "name"));
    const char *slash = strchr(name, '/');
    bool id_will_do = slash != NULL && strchr(slash + 1, '/') == NULL; /* its kind has been typed */
    name = id_will_do ? slash + 1 : name;
    const char *typed = naming->word + naming->before;
    if (strncmp(name, typed, strlen(typed)) == 0) {
        printf("%.*s%s\n", (int)naming->before, naming->word, name);
        naming->len++;
    }
    return naming->len < NAMES_MAX;
}

/* The typed line as far as it is finished; an unfinished flag is not part of it. */
static enum pt_code typed_args(const struct ctl *ctl, struct pt_cli_args *ret_args)
{
    struct pt_cli_contexts contexts;
    size_t len = ctl->args->words_len - 1; /* "words" is in the place of the program's name */
    char **argv = pt_arena_array(ctl->arena, len + 1, sizeof(*argv));
    for (size_t i = 0; i < len; i++) {
        argv[i] = pt_arena_strdup(ctl->arena, ctl->args->words[i]);
    }
    len -= len > 1 && pt_cli_args_parse((int)len, argv, getenv, ctl->arena, ret_args, NULL) != PT_OK ? 1 : 0;
    PT_TRY(pt_cli_args_parse((int)len, argv, getenv, ctl->arena, ret_args, NULL));
    PT_TRY(ctl_contexts_read(ret_args, ctl->arena, &contexts, NULL));
    PT_TRY(pt_cli_context_use(&contexts, ret_args, NULL));
    pt_cli_args_settle(ret_args, getenv("HOME"), ctl->arena);
    ret_args->timeout_ms = TIMEOUT_MS;
    return PT_OK;
}

static void print_names(const struct ctl *ctl, const struct pt_cli_completion *completion, const char *word)
{
    struct pt_cli_args args;
    if (typed_args(ctl, &args) != PT_OK) {
        return;
    }
    struct ctl typed = {.args = &args, .schema = ctl->schema, .arena = ctl->arena};
    if (pt_cli_scope_init(ctl->schema, args.parent, ctl->arena, &typed.scope, NULL) == PT_OK &&
        ctl_connect(&typed, NULL) == PT_OK) {
        struct naming naming = {.scope = &typed.scope, .word = word, .before = completion->before};
        const struct pt_cli_list_options options = {.parent =
                                                        pt_cli_list_parent(&typed.scope, completion->kind, ctl->arena),
                                                    .filter = "",
                                                    .order_by = "",
                                                    .page_token = "",
                                                    .page_size = NAMES_MAX,
                                                    .stale = true};
        (void)!ctl_read_all(&typed, completion->kind, &options, ctl->arena, print_name, &naming, NULL);
    }
    ctl_disconnect(&typed);
}

static void print_contexts(const struct ctl *ctl, const char *word, size_t before)
{
    struct pt_cli_contexts contexts;
    if (ctl_contexts_read(ctl->args, ctl->arena, &contexts, NULL) != PT_OK) {
        return;
    }
    for (size_t i = 0; i < contexts.len; i++) {
        if (strncmp(contexts.items[i].name, word + before, strlen(word + before)) == 0) {
            printf("%.*s%s\n", (int)before, word, contexts.items[i].name);
        }
    }
}

static int complete(struct ctl *ctl)
{
    PT_AUTO(buf) struct pt_buf text = {0};
    const char *word = ctl->args->words[ctl->args->words_len - 1];
    struct pt_cli_completion completion =
        pt_cli_complete(ctl->schema, ctl->args->words + 1, ctl->args->words_len - 1, &text);
    ctl_print(&text);
    if (completion.wanted == PT_CLI_WANT_CONTEXTS) {
        print_contexts(ctl, word, completion.before);
    } else if (completion.wanted == PT_CLI_WANT_NAMES) {
        print_names(ctl, &completion, word);
    }
    return PT_CLI_EXIT_OK;
}

int ctl_completion(struct ctl *ctl)
{
    const char *what = ctl->args->words_len > 0 ? ctl->args->words[0] : "";
    if (strcmp(what, "words") == 0 && ctl->args->words_len > 1) { /* for the scripts */
        return complete(ctl);
    }
    PT_AUTO(buf) struct pt_buf text = {0};
    if (ctl->args->words_len != 1 || !pt_cli_completion_script(what, &text)) {
        return ctl_usage_text(ctl, "name the shell: bash, zsh or fish");
    }
    ctl_print(&text);
    return PT_CLI_EXIT_OK;
}
