/*
 * patronusctl: verbs over kinds. What a kind is like is read from the embedded schema; nothing here knows one by name
 * but where a verb is about the cluster itself (tokens, cluster, doctor).
 */
#include "ctl.h"
#include "lab.h"
#include "classify.h"
#include "te.h"

#include "cli/context.h"
#include "cli/explain.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- errors --------------------------------------------------------------------------------------------------- */

/* What is not kept any more: of a watch, of a resource, of a change set. */
static const char *advice_compacted(const struct pt_error *error)
{
    if (strcmp(error->field, "resume_token") == 0) {
        return "start anew, without --resume: patronusctl watch --initial";
    }
    return strcmp(error->field, "revision") == 0 ? "patronusctl history NAME shows the revisions that are kept" : NULL;
}

static const char *advice(const struct pt_error *error)
{
    switch (error->reason) {
    case PT_REASON_ETAG_MISMATCH:
        return "someone changed it meanwhile: get it again, then repeat the change with the new etag";
    case PT_REASON_RESOURCE_HAS_CHILDREN:
        return "--force deletes what is below it too";
    case PT_REASON_RESOURCE_EXISTS:
        return "change it with: patronusctl update";
    case PT_REASON_FIELD_UNKNOWN:
    case PT_REASON_FIELD_REQUIRED:
        return "patronusctl explain KIND shows fields and rules";
    case PT_REASON_HISTORY_COMPACTED:
        return advice_compacted(error);
    case PT_REASON_RESOURCE_NOT_FOUND:
    case PT_REASON_PARENT_NOT_FOUND:
        return "patronusctl get KIND shows what there is, patronusctl kinds the kinds";
    default:
        break;
    }
    switch (error->code) {
    case PT_UNAVAILABLE:
        return "is a controller running there? name others with --server; patronusctl doctor looks closer";
    case PT_UNAUTHENTICATED:
        return "give the credential of this cluster with --credential (patronusd init wrote it)";
    case PT_DEADLINE_EXCEEDED:
        return "allow more time with --timeout; patronusctl doctor looks closer";
    default:
        return NULL;
    }
}

static void say(const struct pt_error *error)
{
    fprintf(stderr, "patronusctl: %s%s%s (%s%s%s)\n", error->field, error->field[0] != '\0' ? ": " : "", error->text,
            pt_code_name(error->code), error->reason != PT_REASON_NONE ? ", " : "",
            error->reason != PT_REASON_NONE ? pt_reason_name(error->reason) : "");
}

int ctl_fail(const struct pt_error *error)
{
    say(error);
    const char *what = advice(error);
    if (what != NULL) {
        fprintf(stderr, "  try: %s\n", what);
    }
    switch (error->code) {
    case PT_NOT_FOUND:
        return PT_CLI_EXIT_NOT_FOUND;
    case PT_UNAVAILABLE:
        return PT_CLI_EXIT_UNAVAILABLE;
    default:
        return PT_CLI_EXIT_FAILED;
    }
}

int ctl_usage(const struct pt_error *error)
{
    fprintf(stderr, "patronusctl: %s%s%s\n", error->field, error->field[0] != '\0' ? ": " : "", error->text);
    return PT_CLI_EXIT_USAGE;
}

int ctl_usage_text(const struct ctl *ctl, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("patronusctl: ", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    const struct pt_cli_verb *verb = ctl->args->verb;
    fprintf(stderr, "\nUsage: patronusctl %s %s\n", verb->name, verb->usage);
    return PT_CLI_EXIT_USAGE;
}

/* ---- connecting ----------------------------------------------------------------------------------------------- */

/* The token from flag, environment or file, in the arena; NULL when there is none. */
static enum pt_code read_token(struct ctl *ctl, const char **ret_token, struct pt_error *reterr)
{
    if (ctl->args->token[0] != '\0' || ctl->args->token_file[0] == '\0') {
        *ret_token = ctl->args->token[0] != '\0' ? ctl->args->token : NULL;
        return PT_OK;
    }
    PT_AUTO(secret) struct pt_buf text = {0};
    enum pt_code code = ctl_read_file(ctl->args->token_file, &text, reterr);
    if (code != PT_OK) {
        return pt_wrap(reterr, code, "the token");
    }
    *ret_token = pt_arena_strndup(ctl->arena, (const char *)text.data, strcspn((const char *)text.data, " \t\r\n"));
    return PT_OK;
}

enum pt_code ctl_connect(struct ctl *ctl, struct pt_error *reterr)
{
    const char *token = NULL;
    PT_TRY(read_token(ctl, &token, reterr));
    PT_AUTO(secret) struct pt_buf text = {0};
    enum pt_code code = ctl_read_file(ctl->args->credential, &text, reterr);
    if (code != PT_OK) {
        return pt_wrap(reterr, code, "the credential (give it with --credential or PATRONUS_CREDENTIAL)");
    }
    struct pt_cli_credential *credential = PT_NEW(ctl->arena, struct pt_cli_credential);
    code = pt_cli_credential_parse((const char *)text.data, token != NULL, credential, reterr);
    if (code != PT_OK) {
        return pt_wrap(reterr, code, "%.200s", ctl->args->credential);
    }
    const struct ctl_client_options options = {.servers = ctl->args->servers,
                                               .servers_len = ctl->args->servers_len,
                                               .credential = credential,
                                               .token = token,
                                               .timeout_ms = ctl->args->timeout_ms};
    code = ctl_client_new(&options, &ctl->client, reterr);
    if (code != PT_OK) {
        pt_cli_credential_fini(credential);
        return code;
    }
    ctl->credential = credential;
    return PT_OK;
}

void ctl_disconnect(struct ctl *ctl)
{
    ctl_client_free(ctl->client);
    if (ctl->credential != NULL) {
        pt_cli_credential_fini(ctl->credential);
    }
    ctl->client = NULL;
    ctl->credential = NULL;
}

/* ---- verbs that need no cluster ------------------------------------------------------------------------------- */

static int print_help(const struct pt_cli_verb *verb)
{
    PT_AUTO(buf) struct pt_buf text = {0};
    pt_cli_help(verb, &text);
    ctl_print(&text);
    return PT_CLI_EXIT_OK;
}

static int help(struct ctl *ctl)
{
    const struct pt_cli_verb *verb = ctl->args->words_len > 0 ? pt_cli_verb_find(ctl->args->words[0]) : NULL;
    if (ctl->args->words_len > 0 && verb == NULL) {
        return ctl_usage_text(ctl, "there is no verb '%s'", ctl->args->words[0]);
    }
    return print_help(verb);
}

static int version(struct ctl *ctl)
{
    (void)ctl;
    printf("patronusctl " PT_VERSION "\n");
    return PT_CLI_EXIT_OK;
}

static int explain(struct ctl *ctl)
{
    if (ctl_explains_traffic(ctl->args)) {
        return ctl_explain_traffic(ctl);
    }
    if (ctl->args->words_len != 1) {
        return ctl_usage_text(ctl, "one KIND or KIND.FIELD is needed");
    }
    PT_AUTO(buf) struct pt_buf text = {0};
    struct pt_error error = {0};
    if (pt_cli_explain(ctl->schema, ctl->args->words[0], &text, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    ctl_print(&text);
    return PT_CLI_EXIT_OK;
}

static int kinds(struct ctl *ctl)
{
    PT_AUTO(buf) struct pt_buf text = {0};
    pt_cli_kinds(ctl->schema, ctl->arena, &text);
    ctl_print(&text);
    return PT_CLI_EXIT_OK;
}

static int man(struct ctl *ctl)
{
    (void)ctl;
    PT_AUTO(buf) struct pt_buf text = {0};
    pt_cli_man(PT_VERSION, &text);
    ctl_print(&text);
    return PT_CLI_EXIT_OK;
}

/* ---- dispatch ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *verb;
    int (*run)(struct ctl *ctl);
} handlers[] = {
    {"get", ctl_get},
    {"list", ctl_list},
    {"create", ctl_create},
    {"update", ctl_update},
    {"delete", ctl_delete},
    {"undelete", ctl_undelete},
    {"edit", ctl_edit},
    {"apply", ctl_apply},
    {"wait", ctl_wait},
    {"watch", ctl_watch},
    {"export", ctl_export},
    {"explain", explain},
    {"kinds", kinds},
    {"tokens", ctl_tokens},
    {"api-keys", ctl_api_keys},
    {"audit", ctl_audit},
    {"cluster", ctl_cluster},
    {"backup", ctl_backup},
    {"models", ctl_models},
    {"controllers", ctl_controllers},
    {"cas", ctl_cas},
    {"doctor", ctl_doctor},
    {"sites", ctl_drain},
    {"links", ctl_drain},
    {"te", ctl_te},
    {"ping", ctl_ping},
    {"traceroute", ctl_traceroute},
    {"capture", ctl_capture},
    {"probe", ctl_probe},
    {"tf", ctl_tf},
    {"call", ctl_any_call},
    {"contexts", ctl_contexts},
    {"completion", ctl_completion},
    {"confirm", ctl_confirm},
    {"rollback", ctl_rollback},
    {"history", ctl_history},
    {"diff", ctl_diff},
    {"restore", ctl_restore},
    {"man", man},
    {"version", version},
    {"help", help},
};

static int run(struct ctl *ctl)
{
    struct pt_error error = {0};
    if (pt_cli_scope_init(ctl->schema, ctl->args->parent, ctl->arena, &ctl->scope, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (strcmp(handlers[i].verb, ctl->args->verb->name) == 0) {
            return handlers[i].run(ctl);
        }
    }
    return ctl_usage_text(ctl, "'%s' must be the first word", ctl->args->verb->name);
}

/* The schema of this program, or, where PATRONUS_SCHEMA names a descriptor set, that one: the kinds of a newer cluster,
 * or of one that has more of them. */
static enum pt_code load_schema(struct pt_schema **ret_schema, struct pt_error *reterr)
{
    const char *path = getenv("PATRONUS_SCHEMA");
    if (path == NULL || path[0] == '\0') {
        return pt_schema_new(pt_schema_embedded(), ret_schema, reterr);
    }
    PT_AUTO(buf) struct pt_buf set = {0};
    PT_TRY(ctl_read_file(path, &set, reterr));
    enum pt_code code = pt_schema_new(pt_buf_bytes(&set), ret_schema, reterr);
    return code == PT_OK ? PT_OK : pt_wrap(reterr, code, "PATRONUS_SCHEMA (%.150s)", path);
}

/* What flags leave open comes from the environment, then from a context, then it is the default. `contexts` itself
 * works on the file, and a broken file must not keep help away. */
static enum pt_code settle(struct pt_cli_args *args, struct pt_arena *arena, struct pt_error *reterr)
{
    static const char *const without[] = {"contexts", "help", "version", "man", "explain", "kinds"};
    bool used = true;
    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
        used = used && strcmp(args->verb->name, without[i]) != 0;
    }
    if (used || ctl_explains_traffic(args)) {
        struct pt_cli_contexts contexts;
        PT_TRY(ctl_contexts_read(args, arena, &contexts, reterr));
        PT_TRY(pt_cli_context_use(&contexts, args, reterr));
    }
    pt_cli_args_settle(args, getenv("HOME"), arena);
    return PT_OK;
}

static int run_arguments(int argc, char **argv, struct pt_arena *arena)
{
    struct pt_cli_args args;
    struct pt_error error = {0};
    if (pt_cli_args_parse(argc, argv, getenv, arena, &args, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (pt_cli_given(&args, PT_CLI_HELP)) {
        return print_help(args.verb);
    }
    if (args.verb == NULL) {
        (void)print_help(NULL);
        return PT_CLI_EXIT_USAGE;
    }
    struct pt_schema *schema = NULL;
    if (settle(&args, arena, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (load_schema(&schema, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    struct ctl ctl = {.args = &args, .schema = schema, .arena = arena};
    int status = run(&ctl);
    ctl_disconnect(&ctl);
    pt_schema_free(schema);
    return status;
}

int main(int argc, char **argv)
{
    /* The lab forks: it must come before anything that starts a thread. */
    if (argc > 1 && strcmp(argv[1], "lab") == 0) {
        return pt_cmd_lab(argc - 1, argv + 1);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc > 2 && strcmp(argv[1], "te") == 0 && strcmp(argv[2], "solve") == 0) {
        return pt_cmd_te_solve(argc - 1, argv + 1); /* flags of its own, and no cluster */
    }
    if (argc > 1 && strcmp(argv[1], "classify") == 0) {
        return pt_cmd_classify(argc - 1, argv + 1);
    }
    struct pt_arena arena;
    pt_arena_init(&arena);
    int status = run_arguments(argc, argv, &arena);
    pt_arena_fini(&arena);
    return status;
}
