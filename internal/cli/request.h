/*
 * The requests of the five standard methods, for any kind. Their fields are found by name and type, as the conventions
 * of the API have it; messages live in the arena.
 */
#pragma once

#include "cli/fields.h"
#include "wire/msg.h"

/* NULL when the kind has no such method (views are read only). */
const struct pt_method_type *pt_cli_method(const struct pt_schema *schema, const struct pt_message_type *kind,
                                           enum pt_verb verb);
/* The same, or PT_UNIMPLEMENTED. */
PT_MUST enum pt_code pt_cli_method_find(const struct pt_schema *schema, const struct pt_message_type *kind,
                                        enum pt_verb verb, const struct pt_method_type **ret_method,
                                        struct pt_error *reterr);

struct pt_cli_list_options {
    const char *parent, *filter, *order_by, *page_token; /* "" for none */
    uint64_t page_size;                                  /* 0: the server's choice */
    bool stale;
};

struct pt_cli_write_options {
    const char *request_id;
    const char *etag; /* "" for none */
    bool dry_run, allow_missing, force;
};

struct pt_msg *pt_cli_request_get(const struct pt_method_type *method, const char *name, bool stale,
                                  struct pt_arena *arena);
struct pt_msg *pt_cli_request_list(const struct pt_method_type *method, const struct pt_cli_list_options *options,
                                   struct pt_arena *arena);
/* `resource` is moved into the request; its name is set to `name`. */
struct pt_msg *pt_cli_request_create(const struct pt_method_type *method, const char *name, struct pt_msg *resource,
                                     const struct pt_cli_write_options *options, struct pt_arena *arena);
struct pt_msg *pt_cli_request_update(const struct pt_method_type *method, const char *name, struct pt_msg *resource,
                                     const struct pt_cli_mask *mask, const struct pt_cli_write_options *options,
                                     struct pt_arena *arena);
struct pt_msg *pt_cli_request_delete(const struct pt_method_type *method, const char *name,
                                     const struct pt_cli_write_options *options, struct pt_arena *arena);
/* The resources of a List response; NULL when there are none. */
const struct pt_msg_field *pt_cli_list_items(const struct pt_method_type *method, const struct pt_msg *response);
