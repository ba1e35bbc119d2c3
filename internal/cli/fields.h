/*
 * FIELD=VALUE words into a message and its update mask.
 */
#pragma once

#include "base/arena.h"
#include "wire/msg.h"

struct pt_cli_mask { /* paths in snake_case, each once, in order of first use */
    const char **paths;
    size_t len, capacity;
};

void pt_cli_mask_add(struct pt_cli_mask *mask, struct pt_arena *arena, const char *path);

/* Set, or clear when nothing follows '=', what one word says; the path goes into the mask (which may be NULL). Output
 * fields and the name are refused. PT_INVALID_ARGUMENT with the path in `field` and what would be right. */
PT_MUST enum pt_code pt_cli_assign(const struct pt_schema *schema, const char *word, struct pt_msg *msg,
                                   struct pt_cli_mask *mask, struct pt_arena *arena, struct pt_error *reterr);
/* True when the word has the form of an assignment: a path of a-z, A-Z, 0-9, '_', '.' and so on, then '='. */
bool pt_cli_is_assignment(const char *word);
/* Append text as a JSON string, quotes included. */
void pt_cli_quote(const char *text, size_t size, struct pt_buf *out);
