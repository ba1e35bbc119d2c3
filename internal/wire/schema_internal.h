/*
 * What the schema's files share. Private to this folder.
 */
#pragma once

#include "base/arena.h"
#include "base/limits.h"
#include "base/map.h"
#include "wire/schema.h"

#include "google/protobuf/descriptor.pb-c.h"

#define PT_FIELD_NUMBER_MAX 536870911U
#define PT_MAX_SIZE_DEFAULT 1024U
#define PT_MAX_ITEMS_DEFAULT 64U
#define PT_MAX_PER_PARENT_DEFAULT 10000U

struct pt_schema_file {
    const char *name;
    struct pt_bytes data; /* serialised, without source info */
    const char *const *imports;
    size_t imports_len;
};

/* Everything is in the arena and constant once pt_schema_new has returned. Maps are by name, without a leading dot. */
struct pt_schema {
    struct pt_arena arena;
    struct pt_map messages;               /* -> struct pt_message_type */
    struct pt_map enums;                  /* -> struct pt_enum_type */
    struct pt_map methods;                /* path -> struct pt_method_type */
    struct pt_map kind_names;             /* singular, plural and short names -> struct pt_message_type */
    struct pt_map files;                  /* -> struct pt_schema_file */
    struct pt_map symbols;                /* -> struct pt_schema_file that declares it */
    const struct pt_message_type **kinds; /* ascending by kind id */
    size_t kinds_len;
    const struct pt_method_type **method_list; /* ascending by path */
    size_t method_list_len;
    const char **services; /* ascending */
    size_t services_len;
};

/* Comments of one file: key is the path as an array of int32. */
struct pt_comments {
    struct pt_map by_path; /* -> char */
};

/* schema_read.c: the types. Declares every name of every file, then fills in what refers to names. */
PT_MUST enum pt_code pt_schema_declare(struct pt_schema *schema, const Google__Protobuf__FileDescriptorSet *set,
                                       struct pt_error *reterr);
PT_MUST enum pt_code pt_schema_define(struct pt_schema *schema, const Google__Protobuf__FileDescriptorSet *set,
                                      struct pt_error *reterr);
/* schema_comment.c */
void pt_comments_init(struct pt_comments *comments, struct pt_arena *arena,
                      const Google__Protobuf__FileDescriptorProto *file);
void pt_comments_fini(struct pt_comments *comments);
/* "" when there is none. */
const char *pt_comments_get(const struct pt_comments *comments, const int32_t *path, size_t len);
/* schema_rules.c: options into rules; then what only the whole can tell. */
PT_MUST enum pt_code pt_schema_read_resource(struct pt_schema *schema, const Google__Protobuf__MessageOptions *options,
                                             struct pt_message_type *type, struct pt_error *reterr);
PT_MUST enum pt_code pt_schema_read_rules(struct pt_schema *schema, const Google__Protobuf__FieldOptions *options,
                                          const char *type_name, struct pt_field_type *field, struct pt_error *reterr);
PT_MUST enum pt_code pt_schema_read_access(struct pt_schema *schema, const Google__Protobuf__MethodOptions *options,
                                           struct pt_method_type *method, bool *ret_found, struct pt_error *reterr);
/* schema_kind.c */
PT_MUST enum pt_code pt_schema_finish_kinds(struct pt_schema *schema, struct pt_error *reterr);
/* schema_method.c */
PT_MUST enum pt_code pt_schema_read_services(struct pt_schema *schema, const Google__Protobuf__FileDescriptorSet *set,
                                             struct pt_error *reterr);
/* schema_reflect.c: file contents and symbols. */
PT_MUST enum pt_code pt_schema_read_files(struct pt_schema *schema, Google__Protobuf__FileDescriptorSet *set,
                                          struct pt_error *reterr);

/* Fail with the place as field. */
PT_PRINTF(3, 4)
enum pt_code pt_schema_fail(struct pt_error *reterr, const char *place, const char *format, ...);
