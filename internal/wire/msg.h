/*
 * Messages as trees: any message of the schema, without generated code.
 *
 * A tree lives in an arena. Reading bytes into a tree is the limit-checking walk that every request passes before
 * anything else looks at it; writing a tree gives the canonical form: fields by number, map entries by key, proto3
 * defaults left out, no unknown fields. Equal trees have equal bytes.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "wire/schema.h"

struct pt_msg;

/* One value. Which member holds follows from the field's kind. */
union pt_value {
    bool boolean;
    int64_t i64;            /* INT*, SINT*, SFIXED*, ENUM */
    uint64_t u64;           /* UINT*, FIXED* */
    double number;          /* FLOAT, DOUBLE */
    struct pt_bytes bytes;  /* STRING (a NUL follows), BYTES */
    struct pt_msg *message; /* MESSAGE; map entries too */
};

/* A field that is present. Singular: len = 1. Scalars without presence that hold the default are absent. */
struct pt_msg_field {
    const struct pt_field_type *type;
    union pt_value *values;
    size_t len;
    size_t capacity;
};

struct pt_msg {
    const struct pt_message_type *type;
    struct pt_msg_field *fields; /* ascending by number */
    size_t fields_len;
    size_t fields_capacity;
};

struct pt_msg *pt_msg_new(struct pt_arena *arena, const struct pt_message_type *type);

/* ---- bytes ---------------------------------------------------------------------------------------------------- */

/* A tree takes at most this many times the bytes that it was read from, plus one arena block. */
#define PT_MSG_EXPANSION_MAX 128U

enum pt_unknown_fields { PT_UNKNOWN_REFUSE, PT_UNKNOWN_DROP };

/* Parse and check: size <= PT_MESSAGE_SIZE_MAX (unless size_max is given), depth <= PT_MESSAGE_DEPTH_MAX, valid UTF-8
 * without NUL, no duplicate map keys, no value of a wrong wire type, known enum numbers, sizes and counts within
 * max_size / max_items, one member of a oneof, a singular message once. Strings point into copies in the arena. Errors
 * are PT_INVALID_ARGUMENT with the field path. options may be NULL: refuse unknown fields. */
struct pt_parse_options {
    enum pt_unknown_fields unknown;
    size_t size_max; /* 0: PT_MESSAGE_SIZE_MAX */
};
PT_MUST enum pt_code pt_msg_parse(const struct pt_message_type *type, struct pt_bytes data,
                                  const struct pt_parse_options *options, struct pt_arena *arena,
                                  struct pt_msg **ret_msg, struct pt_error *reterr);
/* Append the canonical form. */
void pt_msg_encode(const struct pt_msg *msg, struct pt_buf *out);
/* The canonical form, in the arena. */
struct pt_bytes pt_msg_encode_in(const struct pt_msg *msg, struct pt_arena *arena);
/* Size of the canonical form. */
size_t pt_msg_encoded_size(const struct pt_msg *msg);

/* ---- access --------------------------------------------------------------------------------------------------- */

/* NULL when absent. */
const struct pt_msg_field *pt_msg_field(const struct pt_msg *msg, const char *name);
struct pt_msg_field *pt_msg_field_mutable(struct pt_msg *msg, const char *name);
bool pt_msg_has(const struct pt_msg *msg, const char *name);
/* "" when absent. Strings only. */
const char *pt_msg_str(const struct pt_msg *msg, const char *name);
struct pt_bytes pt_msg_bytes(const struct pt_msg *msg, const char *name); /* BYTES or STRING */
uint64_t pt_msg_u64(const struct pt_msg *msg, const char *name);          /* 0 when absent; unsigned kinds and BOOL */
int64_t pt_msg_i64(const struct pt_msg *msg, const char *name);           /* 0 when absent; signed kinds and ENUM */
bool pt_msg_bool(const struct pt_msg *msg, const char *name);
struct pt_msg *pt_msg_child(const struct pt_msg *msg, const char *name); /* NULL when absent */
/* Set a singular field; the name must exist with that kind (asserted). Defaults of fields without presence clear it.
 * Setting a member of a oneof clears the others. */
void pt_msg_set_str(struct pt_msg *msg, struct pt_arena *arena, const char *name, const char *value);
void pt_msg_set_bytes(struct pt_msg *msg, struct pt_arena *arena, const char *name, struct pt_bytes value);
void pt_msg_set_u64(struct pt_msg *msg, struct pt_arena *arena, const char *name, uint64_t value);
void pt_msg_set_i64(struct pt_msg *msg, struct pt_arena *arena, const char *name, int64_t value);
void pt_msg_set_bool(struct pt_msg *msg, struct pt_arena *arena, const char *name, bool value);
void pt_msg_set_child(struct pt_msg *msg, struct pt_arena *arena, const char *name, struct pt_msg *value);
/* Append to a repeated field. */
void pt_msg_append(struct pt_msg *msg, struct pt_arena *arena, const char *name, union pt_value value);
void pt_msg_clear(struct pt_msg *msg, const char *name);
/* google.protobuf.Timestamp and Duration in a field, as nanoseconds. */
void pt_msg_set_time(struct pt_msg *msg, struct pt_arena *arena, const char *name, int64_t time_ns);
int64_t pt_msg_time(const struct pt_msg *msg, const char *name);
struct pt_msg *pt_msg_dup(const struct pt_msg *msg, struct pt_arena *arena);
bool pt_msg_equal(const struct pt_msg *a, const struct pt_msg *b);

/* ---- paths and masks (AIP-161) -------------------------------------------------------------------------------- */

/* Copy the field at `path` ("a.b"; "labels.key" names a map entry) from one message to another of its type: absent in
 * `from` clears it. PT_INVALID_ARGUMENT for a path that does not exist. */
PT_MUST enum pt_code pt_msg_copy_path(struct pt_msg *to, const struct pt_msg *from, const char *path,
                                      struct pt_arena *arena, struct pt_error *reterr);
/* Value at a path as text for filters, ordering and tables: numbers decimal, enums by name, bool true/false, times
 * RFC 3339, repeated values joined by ','. Appends nothing when absent. */
PT_MUST enum pt_code pt_msg_text(const struct pt_msg *msg, const char *path, struct pt_buf *out,
                                 struct pt_error *reterr);

/* ---- rules ---------------------------------------------------------------------------------------------------- */

enum pt_rule_context {
    PT_RULE_CREATE, /* required fields must be there; output fields must be absent */
    PT_RULE_UPDATE  /* the merged resource: required fields must be there; output fields are not looked at */
};
/* Enforce the FieldRules of the .proto, recursively (references only in form: the kind layer looks them up).
 * PT_INVALID_ARGUMENT with the path and what would be right. */
PT_MUST enum pt_code pt_msg_check(const struct pt_msg *msg, enum pt_rule_context context, struct pt_error *reterr);
/* Remove every field with the given output class, recursively; PT_OUTPUT_USER removes none by class. Removes secrets
 * too when secrets. */
void pt_msg_strip(struct pt_msg *msg, enum pt_output output, bool secrets);
/* Calls fn for each non-empty value of a field with a reference rule, in field order. */
void pt_msg_references(const struct pt_msg *msg,
                       void (*fn)(void *arg, const char *path, const char *kind, const char *name), void *arg);

/* ---- names ---------------------------------------------------------------------------------------------------- */

/* Check a full resource name against the schema and give its kind: "organizations/acme/sites/nyc". */
PT_MUST enum pt_code pt_name_parse(const struct pt_schema *schema, const char *name,
                                   const struct pt_message_type **ret_kind, struct pt_error *reterr);
/* Check the parent of a kind's resources, as in Create and List: "" for a kind at the top level, else a full name of
 * the parent kind. With `wildcards`, ids may be "-": reading across collections. */
PT_MUST enum pt_code pt_parent_parse(const struct pt_message_type *kind, const char *parent, bool wildcards,
                                     struct pt_error *reterr);
/* Name of the parent ("" for top level) into `parent`, which has room for PT_NAME_SIZE_MAX + 1 bytes or for the name.
 * They may be the same memory. */
void pt_name_parent(const char *name, char parent[]);
/* Last segment. */
const char *pt_name_id(const char *name);
bool pt_id_valid(const char *id);
