/*
 * The schema as data: read once from the embedded descriptor set, then constant and shared by all threads.
 *
 * Everything generic (dispatch, validation, JSON, CLI, docs) works from these structures. They own their strings.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct pt_schema;
struct pt_message_type;
struct pt_enum_type;

enum pt_field_kind { /* wire representation and C meaning */
                     PT_FIELD_BOOL,
                     PT_FIELD_INT32,
                     PT_FIELD_INT64,
                     PT_FIELD_UINT32,
                     PT_FIELD_UINT64,
                     PT_FIELD_SINT32,
                     PT_FIELD_SINT64,
                     PT_FIELD_FIXED32,
                     PT_FIELD_FIXED64,
                     PT_FIELD_SFIXED32,
                     PT_FIELD_SFIXED64,
                     PT_FIELD_FLOAT,
                     PT_FIELD_DOUBLE,
                     PT_FIELD_ENUM,
                     PT_FIELD_STRING,
                     PT_FIELD_BYTES,
                     PT_FIELD_MESSAGE
};

enum pt_output { PT_OUTPUT_USER = 0, PT_OUTPUT_DERIVED = 1, PT_OUTPUT_SOFT = 2 };

/* As Format in options.proto. */
enum pt_format {
    PT_FORMAT_ANY = 0,
    PT_FORMAT_ID,
    PT_FORMAT_IP,
    PT_FORMAT_IP_PREFIX,
    PT_FORMAT_IP_INTERFACE,
    PT_FORMAT_HOST_PORT,
    PT_FORMAT_FQDN,
    PT_FORMAT_IFNAME,
    PT_FORMAT_SHA256_HEX
};

/* The rules of a map field also stand on its entry's fields: size on the key, everything about one value on the value.
 *
 * Limits are effective: the defaults of options.proto are filled in for every field that states rules, and for every
 * field of a kind or of a message within one. Other fields (page of a List response, PEM in a request) have
 * PT_LIMIT_NONE: there the size of the whole message is the bound. */
struct pt_field_rules {
    bool required, immutable, secret, set, has_range;
    enum pt_output output;
    enum pt_format format;
    int64_t min, max;
    uint32_t max_size;                            /* bytes */
    uint32_t max_items;                           /* elements or entries */
    const char *reference;                        /* singular of a kind, or NULL */
    const struct pt_message_type *reference_kind; /* the kind itself, or NULL */
    const char *unit;                             /* or NULL */
};
#define PT_LIMIT_NONE UINT32_MAX

struct pt_field_type {
    const char *name;      /* snake_case, as in the .proto */
    const char *json_name; /* lowerCamelCase */
    const char *comment;   /* leading comment: one line a paragraph, without markers; or "" */
    uint32_t number;
    enum pt_field_kind kind;
    bool repeated;                          /* also true for maps */
    bool map;                               /* message is the entry type: field 1 key, field 2 value */
    bool optional;                          /* proto3 optional: presence of a scalar */
    bool packed;                            /* encoded packed */
    int oneof_index;                        /* -1: none. A proto3 optional has none. */
    const char *oneof_name;                 /* or NULL */
    const struct pt_message_type *message;  /* for MESSAGE */
    const struct pt_enum_type *enumeration; /* for ENUM */
    struct pt_field_rules rules;
};

struct pt_resource_type {
    uint32_t kind_id;
    const char *singular, *plural, *parent;    /* parent "" for top level */
    const struct pt_message_type *parent_kind; /* NULL for top level */
    const char *pattern;                       /* "organizations/{organization}/sites/{site}" */
    bool view;
    uint32_t max_per_parent; /* effective */
    const char *const *columns;
    size_t columns_len;
    const char *const *short_names;
    size_t short_names_len;
    unsigned writers, readers; /* bits by BuiltinRole, defaults filled in; the admin role is not among them */
    const char *quota;         /* field of patronus.v1.Quotas that each one counts to; "" for none */
    bool unstaged;             /* below an organization, but not for ChangeSets */
};

/* Messages of google.protobuf that mean more than their fields say. */
enum pt_well_known {
    PT_WELL_KNOWN_NONE = 0,
    PT_WELL_KNOWN_TIMESTAMP,
    PT_WELL_KNOWN_DURATION,
    PT_WELL_KNOWN_FIELD_MASK,
    PT_WELL_KNOWN_ANY
};

struct pt_message_type {
    const char *full_name; /* "patronus.v1.Site" */
    const char *name;      /* "Site" */
    const char *comment;
    const struct pt_field_type *fields; /* ascending by number */
    size_t fields_len;
    const struct pt_resource_type *resource; /* NULL when it is not a kind */
    enum pt_well_known well_known;
    bool map_entry; /* the entry type of a map field: field 1 is the key, field 2 the value */
};

struct pt_enum_value {
    const char *name;
    const char *comment;
    int32_t number;
};

struct pt_enum_type {
    const char *full_name;
    const char *comment;
    const struct pt_enum_value *values;
    size_t values_len;
};

struct pt_method_type {
    const char *path; /* "/patronus.v1.SiteService/CreateSite" */
    const char *name;
    const char *service; /* "patronus.v1.SiteService" */
    const char *comment;
    const struct pt_message_type *input, *output;
    bool client_streaming, server_streaming;
    /* CRUD methods: verb and kind follow from name and types; others: PT_VERB_CUSTOM. */
    enum pt_verb {
        PT_VERB_CUSTOM,
        PT_VERB_CREATE,
        PT_VERB_GET,
        PT_VERB_LIST,
        PT_VERB_UPDATE,
        PT_VERB_DELETE,
        PT_VERB_UNDELETE
    } verb;
    const struct pt_message_type *kind; /* the resource; NULL for custom */
    /* MethodRules; permission of a CRUD method is derived: "<plural>.<verb>". */
    const char *permission, *role; /* "" for none */
    bool anonymous, leader;
    bool authenticated; /* whoever is known may call */
    uint32_t level;     /* cluster level that it takes; 0: any */
    const char *scope;  /* field of the request whose organization decides; "" for the cluster */
    unsigned roles;     /* built-in roles with the permission, bits by BuiltinRole */
};

/* `set` is a serialised FileDescriptorSet with source info. Refuses (PT_INVALID_ARGUMENT, with the place): duplicate
 * kind ids, singulars, plurals or short names; unknown parents or references; a kind without the common fields; a
 * message that contains itself (google.protobuf excepted: descriptors do); a service method that is neither CRUD nor
 * carries access rules (services of package grpc excepted); and what protoc would not have written: dangling types,
 * wrong map entries, repeated numbers. */
PT_MUST enum pt_code pt_schema_new(struct pt_bytes set, struct pt_schema **ret_schema, struct pt_error *reterr);
void pt_schema_free(struct pt_schema *schema);
/* The descriptor set linked into this binary. */
struct pt_bytes pt_schema_embedded(void);

/* NULL when absent. */
const struct pt_message_type *pt_schema_message(const struct pt_schema *schema, const char *full_name);
const struct pt_method_type *pt_schema_method(const struct pt_schema *schema, const char *path);
/* Kinds by id, singular, plural or short name (any of them, case as declared); NULL when absent. */
const struct pt_message_type *pt_schema_kind_by_id(const struct pt_schema *schema, uint32_t kind_id);
const struct pt_message_type *pt_schema_kind(const struct pt_schema *schema, const char *any_name);
/* All kinds in ascending kind id; all methods in order of path. */
const struct pt_message_type *const *pt_schema_kinds(const struct pt_schema *schema, size_t *ret_len);
const struct pt_method_type *const *pt_schema_methods(const struct pt_schema *schema, size_t *ret_len);
/* For reflection: serialised FileDescriptorProto (without source info) by file name, or by a fully qualified symbol
 * (message, enum, service, method, extension). Empty when absent. Services in order of name. */
struct pt_bytes pt_schema_file(const struct pt_schema *schema, const char *file_name);
struct pt_bytes pt_schema_file_of_symbol(const struct pt_schema *schema, const char *symbol);
const char *const *pt_schema_services(const struct pt_schema *schema, size_t *ret_len);
/* Imports of a file, by name; NULL when the file is unknown. */
const char *const *pt_schema_file_imports(const struct pt_schema *schema, const char *file_name, size_t *ret_len);

const struct pt_field_type *pt_message_field(const struct pt_message_type *type, const char *name); /* snake or json */
const struct pt_field_type *pt_message_field_by_number(const struct pt_message_type *type, uint32_t number);
const struct pt_enum_value *pt_enum_by_number(const struct pt_enum_type *type, int32_t number);
const struct pt_enum_value *pt_enum_by_name(const struct pt_enum_type *type, const char *name);
