/*
 * Contexts: servers, credential and parent under a name, kept in one file, so that several clusters take one word each.
 *
 *   {"current": "lab", "contexts": [{"name": "lab", "servers": ["127.0.0.1:7400"], "credential": "/srv/lab.pem",
 *                                    "tokenFile": "", "parent": "organizations/acme"}]}
 *
 * Flags win over a context that was asked for with --context, that over the environment, and that over the context in
 * use. No secret stands in the file: credential and tokenFile are paths.
 */
#pragma once

#include "cli/args.h"

#define PT_CLI_CONTEXTS_MAX 256

struct pt_cli_context {
    const char *name;
    const char *servers[PT_CLI_SERVERS_MAX];
    size_t servers_len;
    const char *credential, *token_file, *parent; /* "" when it does not say */
};

struct pt_cli_contexts {
    const char *current; /* "" for none */
    struct pt_cli_context *items;
    size_t len;
};

/* Texts live in the arena. An empty text is an empty set. PT_INVALID_ARGUMENT with `file` and what is wrong. */
PT_MUST enum pt_code pt_cli_contexts_read(const char *file, const char *text, size_t size, struct pt_arena *arena,
                                          struct pt_cli_contexts *ret_contexts, struct pt_error *reterr);
void pt_cli_contexts_write(const struct pt_cli_contexts *contexts, struct pt_buf *out);
struct pt_cli_context *pt_cli_context_find(const struct pt_cli_contexts *contexts, const char *name); /* or NULL */
/* The context of that name, made when there is none. A name is an id; PT_INVALID_ARGUMENT else, PT_EXHAUSTED when full.
 */
PT_MUST enum pt_code pt_cli_context_put(struct pt_cli_contexts *contexts, const char *name, struct pt_arena *arena,
                                        struct pt_cli_context **ret_context, struct pt_error *reterr);
void pt_cli_context_remove(struct pt_cli_contexts *contexts, struct pt_cli_context *context);
/* Fill in what flags and environment leave open, in the order of the head of this file. PT_NOT_FOUND when a context was
 * asked for that is not there. */
PT_MUST enum pt_code pt_cli_context_use(const struct pt_cli_contexts *contexts, struct pt_cli_args *args,
                                        struct pt_error *reterr);
