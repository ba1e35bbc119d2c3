/*
 * Kinds and names as people type them: short, relative, in any case.
 *
 * A scope is what short names are relative to: the --parent, and everything above it. "sites/lon" below
 * organizations/acme/sites/nyc is organizations/acme/sites/lon.
 */
#pragma once

#include "base/arena.h"
#include "wire/msg.h"

struct pt_cli_scope {
    const struct pt_schema *schema;
    const char *parent; /* full name, ids may be "-"; "" for none */
};

/* By singular, plural, short or message name; case, '-' and '_' do not matter. NULL when absent. */
const struct pt_message_type *pt_cli_kind(const struct pt_schema *schema, const char *word);
/* The same, or PT_INVALID_ARGUMENT with the nearest names. */
PT_MUST enum pt_code pt_cli_kind_find(const struct pt_schema *schema, const char *word,
                                      const struct pt_message_type **ret_kind, struct pt_error *reterr);

/* `parent` is "", a full name, or the id of a resource that others stand below: "acme" means organizations/acme. */
PT_MUST enum pt_code pt_cli_scope_init(const struct pt_schema *schema, const char *parent, struct pt_arena *arena,
                                       struct pt_cli_scope *ret_scope, struct pt_error *reterr);
/* The full name that a word means. kind NULL: any, told by the word. */
PT_MUST enum pt_code pt_cli_name(const struct pt_cli_scope *scope, const struct pt_message_type *kind, const char *word,
                                 struct pt_arena *arena, const char **ret_name, const struct pt_message_type **ret_kind,
                                 struct pt_error *reterr);
/* The parent to list a kind below: the scope's, cut or filled up with "-". */
const char *pt_cli_list_parent(const struct pt_cli_scope *scope, const struct pt_message_type *kind,
                               struct pt_arena *arena);
/* The name as one may type it in this scope. Borrowed from `name`. */
const char *pt_cli_short_name(const struct pt_cli_scope *scope, const char *name);
/* Replace short names in fields that refer to other resources: relative to `name` first, then to the scope. What cannot
 * be resolved stays for the server to refuse. */
void pt_cli_expand_references(const struct pt_cli_scope *scope, const char *name, struct pt_msg *msg,
                              struct pt_arena *arena);
