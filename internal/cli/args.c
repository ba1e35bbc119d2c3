/*
 * Words and flags. A flag's value is its own word or stands behind '='; what a verb does not take is refused with what
 * it does take, so that a typing error never passes as "not given".
 */
#include "cli/args.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define COMMON_FLAGS (PT_CLI_BIT(PT_CLI_FILTER) - 1)

static const struct pt_cli_flag_info flags[PT_CLI_FLAGS_LEN] = {
    [PT_CLI_HELP] = {"--help", 'h', NULL, "explain the verb"},
    [PT_CLI_SERVER] = {"--server", 's', "HOST:PORT",
                       "a controller; several with ',' or by repeating: the next one is "
                       "tried when one is not available [PATRONUS_SERVER, then " PT_CLI_SERVER_DEFAULT "]"},
    [PT_CLI_CREDENTIAL] = {"--credential", 'c', "FILE",
                           "certificate, key and CA in one PEM file, as `patronusd init` "
                           "writes it [PATRONUS_CREDENTIAL, then "
                           "~/.config/patronus/admin.pem]"},
    [PT_CLI_OUTPUT] = {"--output", 'o', "FORM",
                       "how to print resources: table, json, yaml, name, or jsonpath=TEMPLATE, for example "
                       "'jsonpath={.items[*].name}' [table]"},
    [PT_CLI_TIMEOUT] = {"--timeout", 't', "TIME", "how long to try, for example 5s or 1m [15s]"},
    [PT_CLI_PARENT] = {"--parent", 'p', "NAME",
                       "what short names are relative to, for example organizations/acme or "
                       "acme [PATRONUS_PARENT]"},
    [PT_CLI_TOKEN] =
        {"--token", 0, "TOKEN",
         "an API key or a JWT, in place of the certificate; the credential then need hold no more than the "
         "CA. Others on this machine can read command lines: prefer the file [PATRONUS_TOKEN]"},
    [PT_CLI_TOKEN_FILE] = {"--token-file", 0, "FILE", "a file that holds the token [PATRONUS_TOKEN_FILE]"},
    [PT_CLI_CONTEXT] = {"--context", 0, "NAME",
                        "servers, credential and parent under a name, as `patronusctl contexts add` keeps them "
                        "[PATRONUS_CONTEXT, then the one in use]"},
    [PT_CLI_FILTER] = {"--filter", 0, "EXPRESSION", "for example 'region = \"eu\" AND labels.tier = \"gold\"'"},
    [PT_CLI_ORDER_BY] = {"--order-by", 0, "FIELD", "for example update_time or \"region desc\" [name]"},
    [PT_CLI_PAGE_SIZE] = {"--page-size", 0, "N", "resources per call, 1 to 1000; all pages are read [server's choice]"},
    [PT_CLI_STALE] = {"--stale", 0, NULL, "answer from that controller's own state, which may be behind"},
    [PT_CLI_FILE] = {"--file", 'f', "FILE", "YAML or JSON from a file, '-' for standard input"},
    [PT_CLI_ETAG] = {"--etag", 0, "ETAG", "fail with ABORTED when the resource changed since"},
    [PT_CLI_FORCE] = {"--force", 0, NULL, "delete what is below it too"},
    [PT_CLI_ALLOW_MISSING] = {"--allow-missing", 0, NULL, "update: create it when missing; delete: fine when missing"},
    [PT_CLI_DRY_RUN] = {"--dry-run", 'n', NULL, "check everything, change nothing"},
    [PT_CLI_INITIAL] = {"--initial", 0, NULL, "first an ADDED event for everything there is"},
    [PT_CLI_COUNT] = {"--count", 0, "N", "stop after N events"},
    [PT_CLI_RESUME] = {"--resume", 0, "TOKEN", "go on behind the event that carried this token"},
    [PT_CLI_ROLE] = {"--role", 0, "edge|voter|standby", "what the node becomes"},
    [PT_CLI_EDGE] = {"--edge", 0, "NAME", "for an edge: the resource that the node becomes"},
    [PT_CLI_ID] = {"--id", 0, "ID", "id of the token [random]"},
    [PT_CLI_EXPIRES] = {"--expires", 0, "TIME", "how long it can be used; a token at most 24h [10m]"},
    [PT_CLI_FORMAT] = {"--format", 0, "tf", "for which tool: tf is Terraform and OpenTofu"},
    [PT_CLI_WATCH] = {"--watch", 'w', NULL, "then go on and print each change"},
    [PT_CLI_PRUNE] = {"--prune", 0, NULL, "delete what --owner applied before and the files no longer have"},
    [PT_CLI_OWNER] = {"--owner", 0, "ID", "the set that the resources belong to: kept in the label applied-by"},
    [PT_CLI_YES] = {"--yes", 'y', NULL, "do not ask before deleting"},
    [PT_CLI_CONFIRM] = {"--confirm", 0, "TIME",
                        "all or nothing, and taken back after so long (at most 1h) unless confirmed"},
    [PT_CLI_TOGETHER] = {"--together", 0, NULL, "all or nothing, in one step"},
    [PT_CLI_WAIT] = {"--wait", 0, NULL, "return when it is done, and show how far it is"},
    [PT_CLI_REVISION] = {"--revision", 0, "N", "as it was, by a number that history shows"},
    [PT_CLI_TOOL] = {"--tool", 0, "FILE", "the terraform or tofu to run [the first in PATH]"},
    [PT_CLI_STATUS] = {"--status", 0, NULL, "show levels and versions, change nothing (the default)"},
    [PT_CLI_FINALIZE] = {"--finalize", 0, NULL, "raise the cluster level: older binaries stop from then on"},
    [PT_CLI_AT] = {"--at", 0, "TIME", "the moment: 2026-01-31T08:00:00Z, or how long ago, for example 90s or 5m [now]"},
    [PT_CLI_FOR] = {"--for", 0, "FIELD=VALUE|deleted|exists", "what to wait for"},
};

/* What a flag means to one verb, where that is something else; `value` NULL: as it stands above. */
static const struct {
    const char *verb;
    enum pt_cli_flag flag;
    const char *value, *help;
} meanings[] = {
    {"api-keys", PT_CLI_ID, NULL, "id of the key [random]"},
    {"api-keys", PT_CLI_EXPIRES, NULL, "how long the key is good [for ever]"},
    {"cas", PT_CLI_FORCE, NULL, "rotate: do not wait for edges that are offline, nor for credentials of people"},
    {"cas", PT_CLI_DRY_RUN, NULL, "rotate: say who would break, change nothing"},
    {"cas", PT_CLI_EXPIRES, NULL, "issue: how long the credential is good, 1h to 366d [90d]"},
    {"controllers", PT_CLI_ROLE, "voter|standby", "add: what the controller becomes [voter]"},
    {"controllers", PT_CLI_ID, NULL, "add, replace: id of the token [random]"},
    {"controllers", PT_CLI_EXPIRES, NULL, "add, replace: how long the token can be used, at most 24h [10m]"},
    {"links", PT_CLI_FORCE, NULL, "drain: though the rest lacks capacity"},
    {"sites", PT_CLI_FORCE, NULL, "drain: though the rest lacks capacity"},
};

const char *pt_cli_flag_name(enum pt_cli_flag flag)
{
    return flags[flag].name;
}

struct pt_cli_flag_info pt_cli_flag_info(const struct pt_cli_verb *verb, enum pt_cli_flag flag)
{
    struct pt_cli_flag_info info = flags[flag];
    for (size_t i = 0; verb != NULL && i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (meanings[i].flag == flag && strcmp(meanings[i].verb, verb->name) == 0) {
            info.value = meanings[i].value != NULL ? meanings[i].value : info.value;
            info.help = meanings[i].help;
        }
    }
    return info;
}

bool pt_cli_given(const struct pt_cli_args *args, enum pt_cli_flag flag)
{
    return (args->given & PT_CLI_BIT(flag)) != 0;
}

/* ---- values --------------------------------------------------------------------------------------------------- */

static enum pt_code bad(struct pt_error *reterr, const char *what, const char *text)
{
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, what, "%s", text);
}

static enum pt_code number(const char *text, const char *what, uint64_t max, uint64_t *ret_value,
                           struct pt_error *reterr)
{
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value == 0 || value > max) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, what,
                       "'%.40s' is not a number from 1 to %llu", text, (unsigned long long)max);
    }
    *ret_value = value;
    return PT_OK;
}

enum pt_code pt_cli_seconds(const char *text, const char *what, uint64_t *ret_seconds, struct pt_error *reterr)
{
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    uint64_t unit = 0;
    if (*end == '\0' || strcmp(end, "s") == 0) {
        unit = 1;
    } else if (strcmp(end, "m") == 0) {
        unit = 60;
    } else if (strcmp(end, "h") == 0) {
        unit = 3600;
    } else if (strcmp(end, "d") == 0) {
        unit = 86400;
    }
    if (*text < '0' || *text > '9' || unit == 0 || value == 0 || value > 10000000) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, what,
                       "'%.40s' is not a time; write for example 30s, 10m, 12h or 1d", text);
    }
    *ret_seconds = value * unit;
    return PT_OK;
}

static enum pt_code add_servers(struct pt_cli_args *args, struct pt_arena *arena, const char *list, const char *what,
                                struct pt_error *reterr)
{
    for (const char *at = list; *at != '\0';) {
        size_t size = strcspn(at, ",");
        const char *server = pt_arena_strndup(arena, at, size);
        const char *colon = strrchr(server, ':');
        if (size == 0 || size > 270 || colon == NULL || colon == server || colon[1] == '\0') {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, what,
                           "'%.100s' is not HOST:PORT, for example 192.0.2.1:7400 or [2001:db8::1]:7400", server);
        }
        if (args->servers_len == PT_CLI_SERVERS_MAX) {
            return bad(reterr, what, "at most 16 servers can be given");
        }
        args->servers[args->servers_len++] = server;
        at += size + (at[size] == ',' ? 1 : 0);
    }
    return PT_OK;
}

static enum pt_code set_output(struct pt_cli_args *args, const char *text, struct pt_error *reterr)
{
    if (strcmp(text, "table") == 0) {
        args->output = PT_CLI_TABLE;
    } else if (strcmp(text, "json") == 0) {
        args->output = PT_CLI_JSON;
    } else if (strcmp(text, "name") == 0) {
        args->output = PT_CLI_NAME;
    } else if (strcmp(text, "yaml") == 0) {
        args->output = PT_CLI_YAML;
    } else if (strncmp(text, "jsonpath=", 9) == 0 && text[9] != '\0') {
        args->output = PT_CLI_JSONPATH;
        args->jsonpath = text + 9;
    } else {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "--output",
                       "'%.40s' is not a form; write table, json, yaml, name or jsonpath=TEMPLATE", text);
    }
    return PT_OK;
}

static const char **text_place(struct pt_cli_args *args, enum pt_cli_flag flag)
{
    switch (flag) {
    case PT_CLI_CREDENTIAL:
        return &args->credential;
    case PT_CLI_TOKEN:
        return &args->token;
    case PT_CLI_TOKEN_FILE:
        return &args->token_file;
    case PT_CLI_PARENT:
        return &args->parent;
    case PT_CLI_FILTER:
        return &args->filter;
    case PT_CLI_ORDER_BY:
        return &args->order_by;
    case PT_CLI_ETAG:
        return &args->etag;
    case PT_CLI_RESUME:
        return &args->resume;
    case PT_CLI_ROLE:
        return &args->role;
    case PT_CLI_EDGE:
        return &args->edge;
    case PT_CLI_ID:
        return &args->id;
    case PT_CLI_FORMAT:
        return &args->format;
    case PT_CLI_CONTEXT:
        return &args->context;
    case PT_CLI_OWNER:
        return &args->owner;
    case PT_CLI_FOR:
        return &args->until;
    case PT_CLI_TOOL:
        return &args->tool;
    case PT_CLI_AT:
        return &args->at;
    default:
        return NULL;
    }
}

static enum pt_code set_flag(struct pt_cli_args *args, struct pt_arena *arena, enum pt_cli_flag flag, const char *value,
                             struct pt_error *reterr)
{
    const char *name = flags[flag].name;
    uint64_t seconds = 0;
    args->given |= PT_CLI_BIT(flag);
    const char **place = text_place(args, flag);
    if (place != NULL) {
        *place = value;
        return PT_OK;
    }
    switch (flag) {
    case PT_CLI_SERVER:
        return add_servers(args, arena, value, name, reterr);
    case PT_CLI_OUTPUT:
        return set_output(args, value, reterr);
    case PT_CLI_TIMEOUT:
        PT_TRY(pt_cli_seconds(value, name, &seconds, reterr));
        args->timeout_ms = seconds * 1000;
        return PT_OK;
    case PT_CLI_EXPIRES:
        return pt_cli_seconds(value, name, &args->expires_s, reterr);
    case PT_CLI_CONFIRM:
        return pt_cli_seconds(value, name, &args->confirm_s, reterr);
    case PT_CLI_REVISION:
        return number(value, name, INT64_MAX, &args->revision, reterr);
    case PT_CLI_PAGE_SIZE:
        return number(value, name, 1000, &args->page_size, reterr);
    case PT_CLI_COUNT:
        return number(value, name, UINT32_MAX, &args->count, reterr);
    case PT_CLI_FILE:
        args->files[args->files_len++] = value;
        return PT_OK;
    default:
        return PT_OK; /* a switch: that it was given is all */
    }
}

/* ---- the walk ------------------------------------------------------------------------------------------------- */

/* The flag of a word "--name", "--name=value" or "-x"; PT_CLI_FLAGS_LEN when there is none. */
static enum pt_cli_flag find_flag(const char *word, const char **ret_value)
{
    *ret_value = NULL;
    size_t size = strcspn(word, "=");
    for (enum pt_cli_flag flag = 0; flag < PT_CLI_FLAGS_LEN; flag++) {
        if (strncmp(flags[flag].name, word, size) == 0 && flags[flag].name[size] == '\0') {
            *ret_value = word[size] == '=' ? word + size + 1 : NULL;
            return flag;
        }
        if (flags[flag].letter != 0 && word[1] == flags[flag].letter && word[2] == '\0') {
            return flag;
        }
    }
    return PT_CLI_FLAGS_LEN;
}

static enum pt_code take_flag(struct pt_cli_args *args, struct pt_arena *arena, int argc, char **argv, int *at,
                              struct pt_error *reterr)
{
    const char *word = argv[*at];
    const char *value = NULL;
    enum pt_cli_flag flag = find_flag(word, &value);
    if (flag == PT_CLI_FLAGS_LEN) {
        return bad(reterr, word, "there is no such flag; see --help");
    }
    if (flags[flag].value == NULL && value != NULL) {
        return bad(reterr, flags[flag].name, "the flag takes no value");
    }
    if (flags[flag].value != NULL && value == NULL) {
        if (*at + 1 >= argc) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, flags[flag].name,
                           "the flag needs a value: %s", flags[flag].value);
        }
        value = argv[++*at];
    }
    return set_flag(args, arena, flag, value, reterr);
}

static enum pt_code check_flags(const struct pt_cli_args *args, struct pt_error *reterr)
{
    uint64_t allowed = COMMON_FLAGS | (args->verb != NULL ? args->verb->flags : 0);
    for (enum pt_cli_flag flag = 0; flag < PT_CLI_FLAGS_LEN && args->verb != NULL; flag++) {
        if (pt_cli_given(args, flag) && (allowed & PT_CLI_BIT(flag)) == 0) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_UNKNOWN, flags[flag].name,
                           "%s does not take this flag; see patronusctl %s --help", args->verb->name, args->verb->name);
        }
    }
    return PT_OK;
}

/* A variable for a flag that did not stand there; NULL when there is none. */
static const char *variable(struct pt_cli_args *args, char *(*environment)(const char *name), enum pt_cli_flag flag,
                            const char *name)
{
    const char *value = pt_cli_given(args, flag) ? NULL : environment(name);
    if (value != NULL && value[0] != '\0') {
        args->environment |= PT_CLI_BIT(flag);
        return value;
    }
    return NULL;
}

static enum pt_code take_environment(struct pt_cli_args *args, char *(*environment)(const char *name),
                                     struct pt_arena *arena, struct pt_error *reterr)
{
    static const struct {
        enum pt_cli_flag flag;
        const char *name;
    } texts[] = {{PT_CLI_CREDENTIAL, "PATRONUS_CREDENTIAL"},
                 {PT_CLI_PARENT, "PATRONUS_PARENT"},
                 {PT_CLI_CONTEXT, "PATRONUS_CONTEXT"}};
    const char *value = variable(args, environment, PT_CLI_SERVER, "PATRONUS_SERVER");
    if (value != NULL) {
        PT_TRY(add_servers(args, arena, value, "PATRONUS_SERVER", reterr));
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        value = variable(args, environment, texts[i].flag, texts[i].name);
        *text_place(args, texts[i].flag) = value != NULL ? value : *text_place(args, texts[i].flag);
    }
    if (!pt_cli_given(args, PT_CLI_TOKEN) && !pt_cli_given(args, PT_CLI_TOKEN_FILE)) {
        value = variable(args, environment, PT_CLI_TOKEN, "PATRONUS_TOKEN");
        args->token = value != NULL ? value : "";
        value = variable(args, environment, PT_CLI_TOKEN_FILE, "PATRONUS_TOKEN_FILE");
        args->token_file = value != NULL ? value : "";
    }
    value = environment("PATRONUS_CONFIG");
    const char *home = environment("HOME");
    if (value != NULL && value[0] != '\0') {
        args->config = value;
    } else if (home != NULL) {
        args->config = pt_arena_printf(arena, "%s/.config/patronus/config.json", home);
    }
    return PT_OK;
}

void pt_cli_args_settle(struct pt_cli_args *args, const char *home, struct pt_arena *arena)
{
    if (args->servers_len == 0) {
        args->servers[args->servers_len++] = PT_CLI_SERVER_DEFAULT;
    }
    if (args->credential[0] == '\0' && home != NULL) {
        args->credential = pt_arena_printf(arena, "%s/.config/patronus/admin.pem", home);
    }
}

enum pt_code pt_cli_args_parse(int argc, char **argv, char *(*environment)(const char *name), struct pt_arena *arena,
                               struct pt_cli_args *ret_args, struct pt_error *reterr)
{
    pt_assert(argc >= 0);
    struct pt_cli_args args = {.credential = "",
                               .token = "",
                               .token_file = "",
                               .parent = "",
                               .filter = "",
                               .order_by = "",
                               .etag = "",
                               .role = "",
                               .edge = "",
                               .id = "",
                               .resume = "",
                               .format = "",
                               .config = "",
                               .context = "",
                               .jsonpath = "",
                               .owner = "",
                               .until = "",
                               .tool = "",
                               .at = "",
                               .timeout_ms = PT_CLI_TIMEOUT_MS_DEFAULT};
    args.words = pt_arena_array(arena, (size_t)argc + 1, sizeof(*args.words));
    args.files = pt_arena_array(arena, (size_t)argc + 1, sizeof(*args.files));
    bool flags_over = false;
    for (int at = 1; at < argc; at++) {
        const char *word = argv[at];
        if (!flags_over && strcmp(word, "--") == 0) {
            flags_over = true;
        } else if (!flags_over && word[0] == '-' && word[1] != '\0') {
            PT_TRY(take_flag(&args, arena, argc, argv, &at, reterr));
        } else if (args.verb == NULL) {
            args.verb = pt_cli_verb_find(word);
            if (args.verb == NULL) {
                return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_UNKNOWN, word,
                               "there is no such verb; patronusctl --help lists them");
            }
        } else {
            args.words[args.words_len++] = word;
        }
    }
    if (!pt_cli_given(&args, PT_CLI_HELP)) {
        PT_TRY(check_flags(&args, reterr));
        PT_TRY(take_environment(&args, environment, arena, reterr));
    }
    *ret_args = args;
    return PT_OK;
}

/* ---- help ----------------------------------------------------------------------------------------------------- */

/* Text in lines of at most 100 columns, the following ones indented as the first one's text. */
static void wrap(const char *text, size_t indent, struct pt_buf *out)
{
    size_t column = indent;
    for (const char *at = text; *at != '\0';) {
        size_t size = strcspn(at, " ");
        if (column + 1 + size > 100 && column > indent) {
            pt_buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            pt_buf_append_u8(out, ' ');
            column++;
        }
        pt_buf_append(out, at, size);
        column += size;
        at += size + (at[size] == ' ' ? 1 : 0);
    }
    pt_buf_append_u8(out, '\n');
}

static void flag_help(const struct pt_cli_verb *verb, enum pt_cli_flag flag, struct pt_buf *out)
{
    size_t start = out->size;
    struct pt_cli_flag_info info = pt_cli_flag_info(verb, flag);
    if (info.letter != 0) {
        pt_buf_printf(out, "  -%c, %s", info.letter, info.name);
    } else {
        pt_buf_printf(out, "      %s", info.name);
    }
    if (info.value != NULL) {
        pt_buf_printf(out, " %s", info.value);
    }
    size_t used = out->size - start;
    if (used < 30) {
        pt_buf_printf(out, "%*s", (int)(30 - used), "");
    } else {
        pt_buf_printf(out, "\n%*s", 30, "");
    }
    wrap(info.help, 30, out);
}

static void general_help(struct pt_buf *out)
{
    pt_buf_append_str(out, "patronusctl: declare, read and watch a Patronus SD-WAN.\n\n"
                           "Usage: patronusctl VERB [WORD]... [FLAG]...\n\nVerbs:\n");
    size_t len = 0;
    const struct pt_cli_verb *verbs = pt_cli_verbs(&len);
    for (size_t i = 0; i < len; i++) {
        pt_buf_printf(out, "  %-12s%s\n", verbs[i].name, verbs[i].summary);
    }
    pt_buf_append_str(out, "\nFlags of every verb:\n");
    for (enum pt_cli_flag flag = 0; flag < PT_CLI_FILTER; flag++) {
        flag_help(NULL, flag, out);
    }
    pt_buf_append_str(
        out, "\nNames are given in full (organizations/acme/sites/nyc) or relative to --parent (sites/nyc). KIND is a\n"
             "singular, plural or short name in any case; `patronusctl kinds` lists them, `explain` their fields.\n\n"
             "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 not found, 4 no server available.\n\n"
             "First steps:\n"
             "  patronusctl create organization acme\n"
             "  patronusctl -p acme create site nyc region=us-east\n"
             "  patronusctl -p acme get sites\n"
             "  patronusctl explain link\n");
}

void pt_cli_help(const struct pt_cli_verb *verb, struct pt_buf *out)
{
    if (verb == NULL) {
        general_help(out);
        return;
    }
    pt_buf_printf(out, "Usage: patronusctl %s%s%s\n\n%s", verb->name, verb->usage[0] != '\0' ? " " : "", verb->usage,
                  verb->text);
    for (enum pt_cli_flag flag = PT_CLI_FILTER; flag < PT_CLI_FLAGS_LEN; flag++) {
        if ((verb->flags & PT_CLI_BIT(flag)) == 0) {
            continue;
        }
        if ((verb->flags & (PT_CLI_BIT(flag) - 1)) == 0) {
            pt_buf_append_str(out, "\nFlags:\n");
        }
        flag_help(verb, flag, out);
    }
    pt_buf_append_str(
        out, "\nFlags of every verb: --server, --credential, --token[-file], --context, --output,\n  --timeout, "
             "--parent; see patronusctl --help\n");
}
