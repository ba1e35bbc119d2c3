/*
 * Verbs, flags, kinds, fields and methods all stand in tables of this program, so a word is completed without asking a
 * server; only names of resources are asked for, by the caller.
 */
#include "cli/complete.h"

#include "cli/args.h"
#include "cli/names.h"

#include <stdio.h>
#include <string.h>

struct line {
    const struct pt_schema *schema;
    const char *before; /* the word's beginning, where a flag's value is part of it: "--output=" */
    size_t before_len;
    const char *word;         /* the unfinished one */
    const char *const *given; /* verb and what follows it, without flags */
    size_t given_len;
    const struct pt_cli_verb *verb; /* NULL: none yet */
    struct pt_buf *out;
};

/* ---- candidates ----------------------------------------------------------------------------------------------- */

/* `tail` is put behind the word: "=", ".", or "". `what` may be NULL; its first line is taken. */
static void offer(const struct line *line, const char *word, const char *tail, const char *what)
{
    if (strncmp(word, line->word, strlen(line->word)) == 0) {
        pt_buf_printf(line->out, "%.*s%s%s\t", (int)line->before_len, line->before, word, tail);
        pt_buf_append(line->out, what != NULL ? what : "", what != NULL ? strcspn(what, "\n\t") : 0);
        pt_buf_append_u8(line->out, '\n');
    }
}

static void offer_all(const struct line *line, const char *words)
{
    while (*words != '\0') {
        char word[64];
        size_t size = strcspn(words, " ");
        (void)snprintf(word, sizeof(word), "%.*s", (int)size, words);
        offer(line, word, "", NULL);
        words += size + (words[size] == ' ');
    }
}

static void offer_verbs(const struct line *line)
{
    size_t len = 0;
    const struct pt_cli_verb *verbs = pt_cli_verbs(&len);
    for (size_t i = 0; i < len; i++) {
        offer(line, verbs[i].name, "", verbs[i].summary);
    }
}

/* Those of every verb, and of this one. */
static void offer_flags(const struct line *line)
{
    for (enum pt_cli_flag flag = 0; flag < PT_CLI_FLAGS_LEN; flag++) {
        struct pt_cli_flag_info info = pt_cli_flag_info(line->verb, flag);
        if (flag < PT_CLI_FILTER || line->verb == NULL || (line->verb->flags & PT_CLI_BIT(flag)) != 0) {
            offer(line, info.name, "", info.help);
        }
    }
}

static void offer_kinds(const struct line *line)
{
    size_t len = 0;
    const struct pt_message_type *const *kinds = pt_schema_kinds(line->schema, &len);
    for (size_t i = 0; i < len; i++) {
        offer(line, kinds[i]->resource->singular, "", kinds[i]->comment);
        offer(line, kinds[i]->resource->plural, "", kinds[i]->comment);
    }
}

/* Fields to be set: "region=", "labels." */
static void offer_assignments(const struct line *line, const struct pt_message_type *kind)
{
    for (size_t i = 0; kind != NULL && i < kind->fields_len; i++) {
        const struct pt_field_type *field = &kind->fields[i];
        bool word = kind->resource == NULL && field->rules.required; /* of a request: it has a place of its own */
        if (field->rules.output == PT_OUTPUT_USER && strcmp(field->name, "name") != 0 && !word) {
            offer(line, field->name, field->map ? "." : "=", field->comment);
        }
    }
}

/* "site.region", of the kind before the dot. */
static void offer_paths(const struct line *line)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(line->word, "."), line->word);
    const struct pt_message_type *kind = pt_cli_kind(line->schema, name);
    for (size_t i = 0; kind != NULL && i < kind->fields_len; i++) {
        char path[192];
        (void)snprintf(path, sizeof(path), "%s.%s", name, kind->fields[i].name);
        offer(line, path, "", kind->fields[i].comment);
    }
}

static void offer_methods(const struct line *line)
{
    size_t len = 0;
    const struct pt_method_type *const *methods = pt_schema_methods(line->schema, &len);
    for (size_t i = 0; i < len; i++) {
        char path[192];
        const char *dot = strrchr(methods[i]->service, '.');
        (void)snprintf(path, sizeof(path), "%s.%s", dot != NULL ? dot + 1 : methods[i]->service, methods[i]->name);
        offer(line, path, "", methods[i]->comment);
    }
}

/* ---- places --------------------------------------------------------------------------------------------------- */

static bool is_one_of(const char *word, const char *words)
{
    size_t size = strlen(word);
    for (const char *at = words; (at = strstr(at, word)) != NULL; at += size) {
        if ((at == words || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0')) {
            return size > 0;
        }
    }
    return false;
}

/* The flag of a word that takes its value from the next one; PT_CLI_FLAGS_LEN when it does not. */
static enum pt_cli_flag flag_that_waits(const char *word)
{
    for (enum pt_cli_flag flag = 0; flag < PT_CLI_FLAGS_LEN && word[0] == '-'; flag++) {
        struct pt_cli_flag_info info = pt_cli_flag_info(NULL, flag);
        bool letter = info.letter != 0 && word[1] == info.letter && word[2] == '\0';
        if (info.value != NULL && (letter || strcmp(word, info.name) == 0)) {
            return flag;
        }
    }
    return PT_CLI_FLAGS_LEN;
}

static struct pt_cli_completion value_of(const struct line *line, enum pt_cli_flag flag)
{
    struct pt_cli_completion completion = {0};
    switch (flag) {
    case PT_CLI_OUTPUT:
        offer_all(line, "table json yaml name");
        offer(line, "jsonpath", "=", "a template, for example {.items[*].name}");
        break;
    case PT_CLI_ROLE:
        offer_all(line, "edge voter standby");
        break;
    case PT_CLI_FORMAT:
        offer_all(line, "tf");
        break;
    case PT_CLI_FOR:
        offer_all(line, "deleted exists");
        break;
    case PT_CLI_CONTEXT:
        completion.wanted = PT_CLI_WANT_CONTEXTS;
        break;
    case PT_CLI_PARENT:
        completion = (struct pt_cli_completion){PT_CLI_WANT_NAMES, pt_cli_kind(line->schema, "organization")};
        break;
    default:
        break;
    }
    return completion;
}

/* The method that a verb calls, whose fields are its words; NULL: it has none. */
static const struct pt_method_type *diagnostic_of(const struct line *line)
{
    static const struct {
        const char *verb, *path;
    } methods[] = {{"ping", "/patronus.v1.DiagnosticsService/Ping"},
                   {"traceroute", "/patronus.v1.DiagnosticsService/Traceroute"},
                   {"capture", "/patronus.v1.DiagnosticsService/Capture"},
                   {"probe", "/patronus.v1.DiagnosticsService/ProbePath"}};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(methods[i].verb, line->verb->name) == 0) {
            return pt_schema_method(line->schema, methods[i].path);
        }
    }
    return NULL;
}

/* The resource that some verbs are about, right behind them. */
static struct pt_cli_completion second_name(const struct line *line)
{
    const char *verb = line->verb->name;
    const char *kind = is_one_of(verb, "ping traceroute capture") ? "edge"
                       : strcmp(verb, "probe") == 0               ? "path"
                       : strcmp(verb, "doctor") == 0              ? "site"
                                                                  : NULL;
    return kind == NULL ? (struct pt_cli_completion){0}
                        : (struct pt_cli_completion){PT_CLI_WANT_NAMES, pt_cli_kind(line->schema, kind)};
}

/* What stands right behind a verb. */
static void second_word(const struct line *line)
{
    static const struct {
        const char *verb, *words;
    } words[] = {{"tokens", "create"},
                 {"api-keys", "create"},
                 {"cluster", "status transfer upgrade"},
                 {"contexts", "list add use remove"},
                 {"sites", "drain undrain"},
                 {"links", "drain undrain"},
                 {"audit", "export verify"},
                 {"completion", "bash zsh fish"},
                 {"te", "what-if explain simulate shadowed bandwidth matrix solutions solve"},
                 {"tf", "apply destroy"}};
    const char *verb = line->verb->name;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].verb, verb) == 0) {
            offer_all(line, words[i].words);
        }
    }
    if (strcmp(verb, "explain") == 0 && strchr(line->word, '.') != NULL) {
        offer_paths(line);
    } else if (is_one_of(verb, "get list create update delete undelete edit wait watch explain history diff restore")) {
        offer_kinds(line);
    } else if (strcmp(verb, "help") == 0) {
        offer_verbs(line);
    } else if (strcmp(verb, "call") == 0) {
        offer_methods(line);
    }
}

/* Words of the questions of traffic engineering; names of sites where these are due. */
static struct pt_cli_completion te_word(const struct line *line)
{
    static const struct {
        const char *question, *words;
    } words[] = {
        {"what-if", "fail-link= fail-site= fail-srlg= demand= link= scale= planned"},
        {"explain", "require= exclude= group= any-group= no-group= max-delay= max-loss= min-capacity="},
        {"simulate", "source= protocol= port= source-port= dscp= user= group= at="},
        {"matrix", "by=now by=p50 by=p95 by=max by=next by=usual"},
    };
    const char *question = line->given[1];
    size_t behind = line->given_len - 2; /* words between the question and this one */
    const char *kind = strcmp(question, "bandwidth") == 0  ? "path"
                       : strcmp(question, "explain") == 0  ? (behind < 2 ? "site" : NULL)
                       : strcmp(question, "simulate") != 0 ? NULL
                       : behind == 0                       ? "site"
                       : behind == 1                       ? "segment"
                                                           : NULL;
    if (kind != NULL) {
        return (struct pt_cli_completion){PT_CLI_WANT_NAMES, pt_cli_kind(line->schema, kind)};
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].question, question) == 0) {
            offer_all(line, words[i].words);
        }
    }
    return (struct pt_cli_completion){0};
}

static struct pt_cli_completion later_word(const struct line *line)
{
    const char *verb = line->verb->name;
    const struct pt_message_type *kind = pt_cli_kind(line->schema, line->given[1]);
    const struct pt_cli_completion names = {PT_CLI_WANT_NAMES, kind};
    if (strcmp(verb, "contexts") == 0 && strcmp(line->given[1], "add") != 0) {
        return (struct pt_cli_completion){.wanted = PT_CLI_WANT_CONTEXTS};
    }
    if (strcmp(verb, "te") == 0) {
        return te_word(line);
    }
    if (is_one_of(verb, "sites links")) {
        return (struct pt_cli_completion){PT_CLI_WANT_NAMES, pt_cli_kind(line->schema, verb)};
    }
    if (kind != NULL && (is_one_of(verb, "get delete undelete edit wait history diff restore") ||
                         (strcmp(verb, "update") == 0 && line->given_len == 2))) {
        return names;
    }
    if (strcmp(verb, "capture") == 0 && line->given_len == 2) {
        return (struct pt_cli_completion){PT_CLI_WANT_NAMES, pt_cli_kind(line->schema, "segment")};
    }
    if (diagnostic_of(line) != NULL) {
        offer_assignments(line, diagnostic_of(line)->input);
    }
    if (is_one_of(verb, "create update")) {
        offer_assignments(line, kind);
    }
    return (struct pt_cli_completion){0};
}

struct pt_cli_completion pt_cli_complete(const struct pt_schema *schema, const char *const *words, size_t words_len,
                                         struct pt_buf *out)
{
    struct pt_arena arena; /* of the words that are no flags */
    pt_arena_init(&arena);
    const char **given = pt_arena_array(&arena, words_len + 1, sizeof(*given));
    struct line line = {
        .schema = schema, .word = words_len > 0 ? words[words_len - 1] : "", .given = given, .out = out};
    enum pt_cli_flag waits = PT_CLI_FLAGS_LEN;
    for (size_t i = 0; i + 1 < words_len; i++) {
        bool value = waits != PT_CLI_FLAGS_LEN;
        waits = value ? PT_CLI_FLAGS_LEN : flag_that_waits(words[i]);
        if (!value && words[i][0] != '-') {
            given[line.given_len++] = words[i];
        }
    }
    line.verb = line.given_len > 0 ? pt_cli_verb_find(given[0]) : NULL;
    struct pt_cli_completion completion = {0};
    size_t size = strcspn(line.word, "=");
    if (waits == PT_CLI_FLAGS_LEN && line.word[0] == '-' && line.word[size] == '=') {
        char flag[64];
        (void)snprintf(flag, sizeof(flag), "%.*s", (int)size, line.word);
        waits = flag_that_waits(flag);
        line.before = line.word;
        line.before_len = size + 1;
        line.word += size + 1;
    }
    if (waits != PT_CLI_FLAGS_LEN) {
        completion = value_of(&line, waits);
    } else if (line.word[0] == '-') {
        offer_flags(&line);
    } else if (line.given_len == 0) {
        offer_verbs(&line);
    } else if (line.verb != NULL && line.given_len == 1) {
        second_word(&line);
        completion = second_name(&line);
    } else if (line.verb != NULL) {
        completion = later_word(&line);
    }
    completion.before = line.before_len;
    pt_arena_fini(&arena);
    return completion;
}

/* ---- scripts -------------------------------------------------------------------------------------------------- */

/* bash splits words at '=': what belongs together is joined again, and of the answer only what follows it is shown. */
static const char bash[] =
    "# Completion of patronusctl for bash: source <(patronusctl completion bash)\n"
    "_patronusctl() {\n"
    "  local i joined=0 found words=()\n"
    "  for ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "    if ((${#words[@]} > 0)) && { ((joined)) || [[ ${COMP_WORDS[i]} == = ]]; }; then\n"
    "      words[${#words[@]}-1]+=${COMP_WORDS[i]}\n"
    "    else\n"
    "      words+=(\"${COMP_WORDS[i]}\")\n"
    "    fi\n"
    "    joined=0\n"
    "    [[ ${COMP_WORDS[i]} == = ]] && joined=1\n"
    "  done\n"
    "  COMPREPLY=()\n"
    "  while IFS=$'\\t' read -r found _; do\n"
    "    COMPREPLY+=(\"$found\")\n"
    "  done < <(patronusctl completion words -- \"${words[@]}\" 2>/dev/null)\n"
    "  [[ ${COMPREPLY[0]-} == *= || ${COMPREPLY[0]-} == *. ]] && compopt -o nospace 2>/dev/null\n"
    "  if ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[COMP_CWORD]} == = || ${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then\n"
    "    COMPREPLY=(\"${COMPREPLY[@]#*=}\")\n"
    "  fi\n"
    "  return 0\n"
    "}\n"
    "complete -o default -F _patronusctl patronusctl\n";

static const char zsh[] = "#compdef patronusctl\n"
                          "# Completion of patronusctl for zsh: source <(patronusctl completion zsh), or as "
                          "_patronusctl in a folder of fpath.\n"
                          "_patronusctl() {\n"
                          "  local line word\n"
                          "  local -a whole open\n"
                          "  while IFS= read -r line; do\n"
                          "    word=${line%%$'\\t'*}\n"
                          "    if [[ $word == *[=.] ]]; then\n"
                          "      open+=(\"${word//:/\\\\:}:${line#*$'\\t'}\")\n"
                          "    else\n"
                          "      whole+=(\"${word//:/\\\\:}:${line#*$'\\t'}\")\n"
                          "    fi\n"
                          "  done < <(patronusctl completion words -- \"${(@Q)words[2,CURRENT]}\" 2>/dev/null)\n"
                          "  if ((${#whole} + ${#open} == 0)); then\n"
                          "    _files\n"
                          "    return\n"
                          "  fi\n"
                          "  ((${#whole} == 0)) || _describe -t words word whole\n"
                          "  ((${#open} == 0)) || _describe -t words word open -S ''\n"
                          "}\n"
                          "if [[ ${funcstack[1]-} == _patronusctl ]]; then\n"
                          "  _patronusctl \"$@\"\n"
                          "elif ((${+functions[compdef]})); then\n"
                          "  compdef _patronusctl patronusctl\n"
                          "fi\n";

static const char fish[] = "# Completion of patronusctl for fish: patronusctl completion fish | source\n"
                           "function __patronusctl_words\n"
                           "    set -l words (commandline -opc)\n"
                           "    set -l word (commandline -ct)\n"
                           "    set -l found (patronusctl completion words -- $words[2..-1] \"$word\" 2>/dev/null)\n"
                           "    if test (count $found) -gt 0\n"
                           "        printf '%s\\n' $found\n"
                           "    else\n"
                           "        __fish_complete_path \"$word\"\n"
                           "    end\n"
                           "end\n"
                           "complete -c patronusctl -f -a '(__patronusctl_words)'\n";

bool pt_cli_completion_script(const char *shell, struct pt_buf *out)
{
    const char *text = strcmp(shell, "bash") == 0   ? bash
                       : strcmp(shell, "zsh") == 0  ? zsh
                       : strcmp(shell, "fish") == 0 ? fish
                                                    : NULL;
    pt_buf_append_str(out, text != NULL ? text : "");
    return text != NULL;
}
