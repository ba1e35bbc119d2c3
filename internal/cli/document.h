/*
 * Declared resources: JSON texts into messages with masks, and the order in which to apply them.
 */
#pragma once

#include "cli/fields.h"
#include "cli/names.h"

#define PT_CLI_DOCUMENTS_MAX 100000

struct pt_cli_document {
    const char *file;
    unsigned line; /* where the object begins, from 1 */
    const struct pt_message_type *kind;
    const char *name;        /* full */
    struct pt_msg *msg;      /* user's fields only */
    struct pt_cli_mask mask; /* the fields that the object names, cleared ones too */
    size_t *needs;           /* indices of documents that must come first */
    size_t needs_len, needs_capacity;
    bool failed; /* for whoever applies: skip what needs it */
};

struct pt_cli_documents {
    struct pt_cli_document *items;
    size_t len, capacity;
};

/* Append the objects of a text: one, several in a row, an array, or {"items": [...]}. Output fields are left aside.
 * PT_INVALID_ARGUMENT with "file, line L, column C". */
PT_MUST enum pt_code pt_cli_documents_read(const struct pt_cli_scope *scope, const char *file, const char *text,
                                           size_t size, struct pt_arena *arena, struct pt_cli_documents *documents,
                                           struct pt_error *reterr);
/* One object of a known kind (a "kind" in it must agree), whose name may be missing: then ret->name is "". */
PT_MUST enum pt_code pt_cli_document_read_one(const struct pt_cli_scope *scope, const struct pt_message_type *kind,
                                              const char *file, const char *text, size_t size, struct pt_arena *arena,
                                              struct pt_cli_document *ret_document, struct pt_error *reterr);
/* Find out what needs what, and give the indices in an order in which parents and what is referred to come first;
 * otherwise as in the files. Refuses two documents of one name. ret_order has room for `len`. */
PT_MUST enum pt_code pt_cli_documents_order(struct pt_cli_documents *documents, struct pt_arena *arena,
                                            size_t *ret_order, struct pt_error *reterr);
