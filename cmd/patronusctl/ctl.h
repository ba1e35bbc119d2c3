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
void ctl_disconnect(struct ctl *ctl); /* also what was never connected */

/* ---- output.c */

struct ctl_output; /* resources on their way out: a table that waits for its widths, JSON, or names */
struct ctl_output *ctl_output_new(struct ctl *ctl, bool single);
void ctl_output_add(struct ctl_output *output, const struct pt_msg *resource);
int ctl_output_end(struct ctl_output *output);     /* prints and frees; the exit code */
void ctl_output_cancel(struct ctl_output *output); /* frees */
void ctl_print(const struct pt_buf *text);
/* Is the output for programs: JSON, YAML or JSONPath? */
bool ctl_is_data(const struct ctl *ctl);
/* JSON in the form that --output wants; an exit code. */
int ctl_print_data(struct ctl *ctl, const struct pt_buf *json);
PT_MUST enum pt_code ctl_convert(struct ctl *ctl, struct pt_bytes json, struct pt_buf *out, struct pt_error *reterr);
/* {"kind": "Site", ...}: what apply reads. */
void ctl_put_json(const struct ctl *ctl, const struct pt_msg *resource, struct pt_buf *out);
/* Width of the terminal behind standard output; 0 when it is none. */
size_t ctl_width(void);
/* A file or, for "-", standard input; the caller frees. Whole, with a NUL behind. */
PT_MUST enum pt_code ctl_read_file(const char *path, struct pt_buf *ret_text, struct pt_error *reterr);

/* ---- explain.c */
/* `explain flow` and `explain drop`, which ask a cluster; `explain KIND` does not. */
bool ctl_explains_traffic(const struct pt_cli_args *args);
int ctl_explain_traffic(struct ctl *ctl);

/* ---- names on the command line */

struct ctl_target {
    const struct pt_message_type *kind;
    const char *name; /* full */
};

/* "KIND NAME..." or "NAME...". */
PT_MUST enum pt_code ctl_targets(struct ctl *ctl, const char *const *words, size_t words_len,
                                 struct ctl_target **ret_targets, size_t *ret_len, struct pt_error *reterr);

/* The file of contexts; an empty set when there is none. */
struct pt_cli_contexts;
PT_MUST enum pt_code ctl_contexts_read(const struct pt_cli_args *args, struct pt_arena *arena,
                                       struct pt_cli_contexts *ret_contexts, struct pt_error *reterr);

/* ---- verbs */

int ctl_get(struct ctl *ctl);
/* The bytes of a ModelVersion into the directory, under their digest's name. */
PT_MUST enum pt_code ctl_fetch_artifact(struct ctl *ctl, const char *version, const char *directory,
                                        struct pt_error *reterr);
int ctl_list(struct ctl *ctl);
int ctl_create(struct ctl *ctl);
int ctl_update(struct ctl *ctl);
int ctl_delete(struct ctl *ctl);
int ctl_undelete(struct ctl *ctl);
int ctl_apply(struct ctl *ctl);
int ctl_confirm(struct ctl *ctl);
int ctl_rollback(struct ctl *ctl);
int ctl_history(struct ctl *ctl);
int ctl_diff(struct ctl *ctl);
int ctl_restore(struct ctl *ctl);
int ctl_watch(struct ctl *ctl);
int ctl_edit(struct ctl *ctl);
int ctl_wait(struct ctl *ctl);
int ctl_any_call(struct ctl *ctl);
int ctl_contexts(struct ctl *ctl);
int ctl_completion(struct ctl *ctl);
int ctl_export(struct ctl *ctl);
int ctl_tokens(struct ctl *ctl);
int ctl_api_keys(struct ctl *ctl);
int ctl_audit(struct ctl *ctl);
int ctl_cluster(struct ctl *ctl);
int ctl_backup(struct ctl *ctl);
int ctl_models(struct ctl *ctl);
int ctl_controllers(struct ctl *ctl);
int ctl_cas(struct ctl *ctl);
int ctl_doctor(struct ctl *ctl);
int ctl_drain(struct ctl *ctl);
int ctl_te(struct ctl *ctl);
int ctl_ping(struct ctl *ctl);
int ctl_traceroute(struct ctl *ctl);
int ctl_capture(struct ctl *ctl);
int ctl_probe(struct ctl *ctl);
int ctl_tf(struct ctl *ctl);

/* ---- watching, for verbs that follow what they have read */

/* Changes of kinds below a parent, going on at the next server after a disconnect, until fn says false (PT_OK), the
 * server refuses, or the time is over. */
struct ctl_event {
    const char *type; /* ADDED, MODIFIED, DELETED, BOOKMARK */
    const char *name;
    const struct pt_msg *resource; /* NULL in a BOOKMARK, or when its kind is not known here */
    const struct pt_msg *event;
};
typedef bool (*ctl_event_fn)(void *arg, const struct ctl_event *event, struct pt_arena *arena);
struct ctl_watch_options {
    const char *const *kinds; /* plurals; none: all */
    size_t kinds_len;
    const char *parent, *filter, *resume;
    bool initial;
    uint64_t end_ms; /* of the client's clock; 0: as long as someone answers */
    ctl_event_fn fn;
    void *arg;
};
PT_MUST enum pt_code ctl_follow(struct ctl *ctl, const struct ctl_watch_options *options, struct pt_error *reterr);
/* As `watch` prints it. */
PT_MUST enum pt_code ctl_print_event(struct ctl *ctl, const struct ctl_event *event, struct pt_error *reterr);

/* What a list has shown, and then every change of it: get --watch. kind NULL: of these targets only. */
struct ctl_shown;
struct ctl_shown *ctl_shown_new(struct ctl *ctl);
void ctl_shown_add(struct ctl_shown *shown, const struct pt_msg *resource); /* borrowed: lives in ctl's arena */
int ctl_shown_follow(struct ctl_shown *shown, const struct pt_message_type *kind, const struct ctl_target *targets,
                     size_t targets_len);

/* ---- reading whole collections, for verbs that need more than what is printed */

/* Calls fn for each resource, page by page; false stops. The messages live in `arena`. */
typedef bool (*ctl_resource_fn)(void *arg, const struct pt_msg *resource);
struct pt_cli_list_options;
PT_MUST enum pt_code ctl_read_all(struct ctl *ctl, const struct pt_message_type *kind,
                                  const struct pt_cli_list_options *options, struct pt_arena *arena, ctl_resource_fn fn,
                                  void *arg, struct pt_error *reterr);

/* verb_history.c: a resource as it was. */
PT_MUST enum pt_code ctl_get_revision(struct ctl *ctl, const struct pt_message_type *kind, const char *name,
                                      uint64_t revision, struct pt_msg **ret_resource, struct pt_error *reterr);
