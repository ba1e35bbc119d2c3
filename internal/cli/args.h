/*
 * The command line as a value: verb, words, flags.
 *
 * One table (verbs.c) says which verbs there are, what each one takes and how it explains itself; another (args.c) says
 * which flags there are. Flags and words may stand in any order; "--" ends the flags.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define PT_CLI_SERVERS_MAX 16
#define PT_CLI_SERVER_DEFAULT "127.0.0.1:7400"
#define PT_CLI_TIMEOUT_MS_DEFAULT 15000

/* Exit codes, as `patronusctl --help` says them. */
enum pt_cli_exit {
    PT_CLI_EXIT_OK = 0,
    PT_CLI_EXIT_FAILED = 1,
    PT_CLI_EXIT_USAGE = 2,
    PT_CLI_EXIT_NOT_FOUND = 3,
    PT_CLI_EXIT_UNAVAILABLE = 4
};

enum pt_cli_output { PT_CLI_TABLE, PT_CLI_JSON, PT_CLI_NAME, PT_CLI_YAML, PT_CLI_JSONPATH };

enum pt_cli_flag {
    /* every verb */
    PT_CLI_HELP,
    PT_CLI_SERVER,
    PT_CLI_CREDENTIAL,
    PT_CLI_OUTPUT,
    PT_CLI_TIMEOUT,
    PT_CLI_PARENT,
    PT_CLI_TOKEN,
    PT_CLI_TOKEN_FILE,
    PT_CLI_CONTEXT,
    /* some */
    PT_CLI_FILTER,
    PT_CLI_ORDER_BY,
    PT_CLI_PAGE_SIZE,
    PT_CLI_STALE,
    PT_CLI_FILE,
    PT_CLI_ETAG,
    PT_CLI_FORCE,
    PT_CLI_ALLOW_MISSING,
    PT_CLI_DRY_RUN,
    PT_CLI_INITIAL,
    PT_CLI_COUNT,
    PT_CLI_RESUME,
    PT_CLI_ROLE,
    PT_CLI_EDGE,
    PT_CLI_ID,
    PT_CLI_EXPIRES,
    PT_CLI_FORMAT,
    PT_CLI_WATCH,
    PT_CLI_PRUNE,
    PT_CLI_OWNER,
    PT_CLI_YES,
    PT_CLI_FOR,
    PT_CLI_CONFIRM,
    PT_CLI_TOGETHER,
    PT_CLI_REVISION,
    PT_CLI_TOOL,
    PT_CLI_WAIT,
    PT_CLI_STATUS,
    PT_CLI_FINALIZE,
    PT_CLI_AT,
    PT_CLI_FLAGS_LEN
};
#define PT_CLI_BIT(flag) (1ULL << (flag))

struct pt_cli_verb {
    const char *name;
    const char *usage;   /* what follows the name */
    const char *summary; /* half a line */
    const char *text;    /* the rest of its help */
    uint64_t flags;      /* PT_CLI_BIT of what it takes beyond the common ones */
};

struct pt_cli_args {
    const struct pt_cli_verb *verb; /* NULL: none was given */
    const char **words;             /* behind the verb */
    size_t words_len;
    uint64_t given;       /* PT_CLI_BIT of each flag that stood there */
    uint64_t environment; /* the same of what came from the environment instead */
    const char *servers[PT_CLI_SERVERS_MAX];
    size_t servers_len;
    const char *credential; /* "" when neither flag nor environment say */
    const char *token;      /* an API key or JWT; "" when there is none */
    const char *token_file; /* where it stands; "" when there is none */
    const char *parent;     /* as given; "" for none */
    const char *config;     /* the file of contexts; "" when there is no home */
    const char *context;    /* the context that was asked for; "": the current one */
    const char *jsonpath;   /* of PT_CLI_JSONPATH */
    enum pt_cli_output output;
    uint64_t timeout_ms;
    const char *filter, *order_by, *etag, *role, *edge, *id, *resume, *format, *owner, *until, *tool,
        *at; /* "" when not given */
    const char **files;
    size_t files_len;
    uint64_t page_size, count; /* 0: not given */
    uint64_t expires_s;        /* 0: not given */
    uint64_t confirm_s;        /* 0: not given */
    uint64_t revision;         /* 0: not given */
};

/* argv[0] is skipped; argv[1..] may hold global flags before the verb. `environment` is getenv or a test's. Strings are
 * argv's, the environment's or the arena's. PT_INVALID_ARGUMENT with the word or flag in `field`. */
PT_MUST enum pt_code pt_cli_args_parse(int argc, char **argv, char *(*environment)(const char *name),
                                       struct pt_arena *arena, struct pt_cli_args *ret_args, struct pt_error *reterr);
/* Defaults for what neither flag, environment nor context says: server, and the credential below `home` (may be NULL).
 */
void pt_cli_args_settle(struct pt_cli_args *args, const char *home, struct pt_arena *arena);
bool pt_cli_given(const struct pt_cli_args *args, enum pt_cli_flag flag);
/* "90s", "10m", "12h", "1d" or plain seconds. */
PT_MUST enum pt_code pt_cli_seconds(const char *text, const char *what, uint64_t *ret_seconds, struct pt_error *reterr);

const struct pt_cli_verb *pt_cli_verbs(size_t *ret_len);
const struct pt_cli_verb *pt_cli_verb_find(const char *name); /* NULL when there is none */
/* The flag's long name with "--". */
const char *pt_cli_flag_name(enum pt_cli_flag flag);
struct pt_cli_flag_info {
    const char *name;  /* long, with "--" */
    char letter;       /* 0: none */
    const char *value; /* NULL: takes none */
    const char *help;
};
/* As it is meant by the verb; NULL: by most. */
struct pt_cli_flag_info pt_cli_flag_info(const struct pt_cli_verb *verb, enum pt_cli_flag flag);
/* The manual page patronusctl(1), as roff. */
void pt_cli_man(const char *version, struct pt_buf *out);
/* Help for everything (verb NULL) or for one verb. */
void pt_cli_help(const struct pt_cli_verb *verb, struct pt_buf *out);
