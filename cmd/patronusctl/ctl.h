/*
 * What the verbs of patronusctl share. A verb is a function of the command line and the schema that prints and returns
 * the exit code; those that talk to a cluster make a client first.
 */
#pragma once

#include "cli/args.h"
#include "cli/names.h"
#include "client.h"

struct ctl {
    const struct pt_cli_args *args;
    const struct pt_schema *schema;
    struct pt_arena *arena; /* as long as the program runs */
    struct pt_cli_scope scope;
    struct ctl_client *client;            /* NULL until ctl_connect */
    struct pt_cli_credential *credential; /* the same */
};

/* Print the error and what to do; returns the exit code for a server's answer, or 2 for wrong usage. */
int ctl_fail(const struct pt_error *error);
int ctl_usage(const struct pt_error *error);
PT_PRINTF(2, 3)
int ctl_usage_text(const struct ctl *ctl, const char *format, ...);

/* Read the credential and make the client. Nothing is dialled yet. */
PT_MUST enum pt_code ctl_connect(struct ctl *ctl, struct pt_error *reterr);

/* ---- output.c */

struct ctl_output; /* resources on their way out: a table that waits for its widths, JSON, or names */
struct ctl_output *ctl_output_new(struct ctl *ctl, bool single);
void ctl_output_add(struct ctl_output *output, const struct pt_msg *resource);
void ctl_output_end(struct ctl_output *output);    /* prints and frees */
void ctl_output_cancel(struct ctl_output *output); /* frees */
void ctl_print(const struct pt_buf *text);
/* {"kind": "Site", ...}: what apply reads. */
void ctl_put_json(const struct ctl *ctl, const struct pt_msg *resource, struct pt_buf *out);
/* Width of the terminal behind standard output; 0 when it is none. */
size_t ctl_width(void);
/* A file or, for "-", standard input; the caller frees. Whole, with a NUL behind. */
PT_MUST enum pt_code ctl_read_file(const char *path, struct pt_buf *ret_text, struct pt_error *reterr);

/* ---- names on the command line */

struct ctl_target {
    const struct pt_message_type *kind;
    const char *name; /* full */
};

/* "KIND NAME..." or "NAME...". */
PT_MUST enum pt_code ctl_targets(struct ctl *ctl, const char *const *words, size_t words_len,
                                 struct ctl_target **ret_targets, size_t *ret_len, struct pt_error *reterr);

/* ---- verbs */

int ctl_get(struct ctl *ctl);
int ctl_list(struct ctl *ctl);
int ctl_create(struct ctl *ctl);
int ctl_update(struct ctl *ctl);
int ctl_delete(struct ctl *ctl);
int ctl_undelete(struct ctl *ctl);
int ctl_apply(struct ctl *ctl);
int ctl_watch(struct ctl *ctl);
int ctl_export(struct ctl *ctl);
int ctl_tokens(struct ctl *ctl);
int ctl_api_keys(struct ctl *ctl);
int ctl_audit(struct ctl *ctl);
int ctl_cluster(struct ctl *ctl);
int ctl_doctor(struct ctl *ctl);
int ctl_drain(struct ctl *ctl);
int ctl_te(struct ctl *ctl);

/* ---- reading whole collections, for verbs that need more than what is printed */

/* Calls fn for each resource, page by page; false stops. The messages live in `arena`. */
typedef bool (*ctl_resource_fn)(void *arg, const struct pt_msg *resource);
struct pt_cli_list_options;
PT_MUST enum pt_code ctl_read_all(struct ctl *ctl, const struct pt_message_type *kind,
                                  const struct pt_cli_list_options *options, struct pt_arena *arena, ctl_resource_fn fn,
                                  void *arg, struct pt_error *reterr);
