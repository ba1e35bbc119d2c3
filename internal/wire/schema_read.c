/*
 * Messages and enums. Names first (declare), contents second (define), because a field may name a type of a file that
 * comes later. Both passes walk the files and nested types in the same order.
 */
#include "wire/schema_internal.h"

#include <stdlib.h>
#include <string.h>

#define NESTED_PATH_LEN_MAX 80 /* two numbers a level, see NESTING_MAX in schema.c */

/* Where the walk is: the scope is the full name of the file's package or the enclosing message. */
struct place {
    struct pt_schema *schema;
    const struct pt_comments *comments; /* NULL while declaring */
    const char *scope;
    int32_t path[NESTED_PATH_LEN_MAX];
    size_t path_len;
    struct pt_error *reterr;
};

static const char *qualify(struct pt_arena *arena, const char *scope, const char *name)
{
    return scope[0] != '\0' ? pt_arena_printf(arena, "%s.%s", scope, name) : pt_arena_strdup(arena, name);
}

static struct place below(const struct place *place, const char *scope, int32_t number, size_t index)
{
    struct place inner = *place;
    inner.scope = scope;
    if (inner.path_len + 2 <= NESTED_PATH_LEN_MAX) {
        inner.path[inner.path_len++] = number;
        inner.path[inner.path_len++] = (int32_t)index;
    }
    return inner;
}

static const char *comment_at(const struct place *place, int32_t number, size_t index)
{
    struct place inner = below(place, place->scope, number, index);
    return pt_comments_get(place->comments, inner.path, inner.path_len);
}

/* ---- declare -------------------------------------------------------------------------------------------------- */

static enum pt_code declare_enum(struct place *place, const Google__Protobuf__EnumDescriptorProto *proto)
{
    struct pt_arena *arena = &place->schema->arena;
    if (proto->name == NULL || proto->name[0] == '\0' || proto->n_value == 0) {
        return pt_schema_fail(place->reterr, place->scope, "an enum has no name or no values");
    }
    struct pt_enum_type *type = PT_NEW(arena, struct pt_enum_type);
    type->full_name = qualify(arena, place->scope, proto->name);
    if (pt_map_put_str(&place->schema->enums, type->full_name, type) != NULL) {
        return pt_schema_fail(place->reterr, type->full_name, "the enum is declared twice");
    }
    return PT_OK;
}

static enum pt_well_known well_known_of(const char *full_name)
{
    static const struct {
        const char *name;
        enum pt_well_known what;
    } rows[] = {{"google.protobuf.Timestamp", PT_WELL_KNOWN_TIMESTAMP},
                {"google.protobuf.Duration", PT_WELL_KNOWN_DURATION},
                {"google.protobuf.FieldMask", PT_WELL_KNOWN_FIELD_MASK},
                {"google.protobuf.Any", PT_WELL_KNOWN_ANY}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].name, full_name) == 0) {
            return rows[i].what;
        }
    }
    return PT_WELL_KNOWN_NONE;
}

static enum pt_code declare_message(struct place *place, const Google__Protobuf__DescriptorProto *proto)
{
    struct pt_arena *arena = &place->schema->arena;
    if (proto->name == NULL || proto->name[0] == '\0') {
        return pt_schema_fail(place->reterr, place->scope, "a message has no name");
    }
    struct pt_message_type *type = PT_NEW(arena, struct pt_message_type);
    type->full_name = qualify(arena, place->scope, proto->name);
    type->name = pt_arena_strdup(arena, proto->name);
    type->comment = "";
    type->well_known = well_known_of(type->full_name);
    type->map_entry = proto->options != NULL && proto->options->has_map_entry && proto->options->map_entry;
    if (pt_map_put_str(&place->schema->messages, type->full_name, type) != NULL ||
        pt_map_get_str(&place->schema->enums, type->full_name) != NULL) {
        return pt_schema_fail(place->reterr, type->full_name, "the name is declared twice");
    }
    struct place inner = *place;
    inner.scope = type->full_name;
    for (size_t i = 0; i < proto->n_enum_type; i++) {
        PT_TRY(declare_enum(&inner, proto->enum_type[i]));
    }
    for (size_t i = 0; i < proto->n_nested_type; i++) {
        PT_TRY(declare_message(&inner, proto->nested_type[i]));
    }
    return PT_OK;
}

enum pt_code pt_schema_declare(struct pt_schema *schema, const Google__Protobuf__FileDescriptorSet *set,
                               struct pt_error *reterr)
{
    for (size_t i = 0; i < set->n_file; i++) {
        const Google__Protobuf__FileDescriptorProto *file = set->file[i];
        struct place place = {.schema = schema, .scope = file->package != NULL ? file->package : "", .reterr = reterr};
        for (size_t j = 0; j < file->n_enum_type; j++) {
            PT_TRY(declare_enum(&place, file->enum_type[j]));
        }
        for (size_t j = 0; j < file->n_message_type; j++) {
            PT_TRY(declare_message(&place, file->message_type[j]));
        }
    }
    return PT_OK;
}

/* ---- define --------------------------------------------------------------------------------------------------- */

static enum pt_code define_enum(const struct place *place, const Google__Protobuf__EnumDescriptorProto *proto,
                                const char *comment)
{
    struct pt_arena *arena = &place->schema->arena;
    struct pt_enum_type *type = pt_map_get_str(&place->schema->enums, qualify(arena, place->scope, proto->name));
    struct pt_enum_value *values = pt_arena_array(arena, proto->n_value, sizeof(*values));
    for (size_t i = 0; i < proto->n_value; i++) {
        const Google__Protobuf__EnumValueDescriptorProto *value = proto->value[i];
        if (value->name == NULL || !value->has_number) {
            return pt_schema_fail(place->reterr, type->full_name, "value %zu has no name or no number", i);
        }
        values[i] = (struct pt_enum_value){
            .name = pt_arena_strdup(arena, value->name), .comment = comment_at(place, 2, i), .number = value->number};
    }
    type->comment = comment;
    type->values = values;
    type->values_len = proto->n_value;
    return PT_OK;
}

/* By FieldDescriptorProto.Type; -1 for what does not exist here (groups). */
static int kind_of(Google__Protobuf__FieldDescriptorProto__Type type)
{
    static const int kinds[] = {-1,
                                PT_FIELD_DOUBLE,
                                PT_FIELD_FLOAT,
                                PT_FIELD_INT64,
                                PT_FIELD_UINT64,
                                PT_FIELD_INT32,
                                PT_FIELD_FIXED64,
                                PT_FIELD_FIXED32,
                                PT_FIELD_BOOL,
                                PT_FIELD_STRING,
                                -1,
                                PT_FIELD_MESSAGE,
                                PT_FIELD_BYTES,
                                PT_FIELD_UINT32,
                                PT_FIELD_ENUM,
                                PT_FIELD_SFIXED32,
                                PT_FIELD_SFIXED64,
                                PT_FIELD_SINT32,
                                PT_FIELD_SINT64};
    return (int)type >= 0 && (size_t)type < sizeof(kinds) / sizeof(kinds[0]) ? kinds[type] : -1;
}

static enum pt_code resolve(const struct place *place, const Google__Protobuf__FieldDescriptorProto *proto,
                            struct pt_field_type *field)
{
    /* protoc writes fully qualified names with a leading dot. */
    const char *name = proto->type_name != NULL && proto->type_name[0] == '.' ? proto->type_name + 1 : "";
    if (field->kind == PT_FIELD_MESSAGE) {
        field->message = pt_map_get_str(&place->schema->messages, name);
        field->map = field->message != NULL && field->message->map_entry;
        if (field->map && !field->repeated) {
            return pt_schema_fail(place->reterr, place->scope, "field %s is a map but not repeated", field->name);
        }
    } else if (field->kind == PT_FIELD_ENUM) {
        field->enumeration = pt_map_get_str(&place->schema->enums, name);
    }
    if ((field->kind == PT_FIELD_MESSAGE && field->message == NULL) ||
        (field->kind == PT_FIELD_ENUM && field->enumeration == NULL)) {
        return pt_schema_fail(place->reterr, place->scope, "field %s has the unknown type '%s'", field->name,
                              proto->type_name != NULL ? proto->type_name : "");
    }
    return PT_OK;
}

static char *json_name(struct pt_arena *arena, const char *name)
{
    char *json = pt_arena_strdup(arena, name);
    size_t at = 0;
    for (size_t i = 0; name[i] != '\0'; i++) {
        if (name[i] == '_' && name[i + 1] >= 'a' && name[i + 1] <= 'z') {
            json[at++] = (char)(name[++i] - 'a' + 'A');
        } else if (name[i] != '_') {
            json[at++] = name[i];
        }
    }
    json[at] = '\0';
    return json;
}

static enum pt_code define_field(const struct place *place, const Google__Protobuf__DescriptorProto *owner,
                                 size_t index, struct pt_field_type *field)
{
    struct pt_arena *arena = &place->schema->arena;
    const Google__Protobuf__FieldDescriptorProto *proto = owner->field[index];
    if (proto->name == NULL || proto->name[0] == '\0' || proto->number < 1 ||
        (uint32_t)proto->number > PT_FIELD_NUMBER_MAX || kind_of(proto->type) < 0) {
        return pt_schema_fail(place->reterr, place->scope, "field %s has no name, number or known type",
                              proto->name != NULL ? proto->name : "?");
    }
    field->name = pt_arena_strdup(arena, proto->name);
    field->json_name =
        proto->json_name != NULL ? pt_arena_strdup(arena, proto->json_name) : json_name(arena, proto->name);
    field->comment = comment_at(place, 2, index);
    field->number = (uint32_t)proto->number;
    field->kind = (enum pt_field_kind)kind_of(proto->type);
    field->repeated = proto->label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED;
    field->optional = proto->has_proto3_optional && proto->proto3_optional && !field->repeated;
    field->oneof_index = -1;
    if (proto->has_oneof_index && !field->optional) {
        if (proto->oneof_index < 0 || (size_t)proto->oneof_index >= owner->n_oneof_decl || field->repeated ||
            owner->oneof_decl[proto->oneof_index]->name == NULL) {
            return pt_schema_fail(place->reterr, place->scope, "field %s is in a oneof that does not exist",
                                  field->name);
        }
        field->oneof_index = proto->oneof_index;
        field->oneof_name = pt_arena_strdup(arena, owner->oneof_decl[proto->oneof_index]->name);
    }
    PT_TRY(resolve(place, proto, field));
    bool scalar = field->kind != PT_FIELD_MESSAGE && field->kind != PT_FIELD_STRING && field->kind != PT_FIELD_BYTES;
    field->packed =
        field->repeated && scalar && (proto->options == NULL || !proto->options->has_packed || proto->options->packed);
    return pt_schema_read_rules(place->schema, proto->options, place->scope, field, place->reterr);
}

static int by_number(const void *a, const void *b)
{
    const struct pt_field_type *x = a;
    const struct pt_field_type *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static bool map_entry_valid(const struct pt_message_type *type)
{
    if (type->fields_len != 2 || type->fields[0].number != 1 || type->fields[1].number != 2) {
        return false;
    }
    enum pt_field_kind key = type->fields[0].kind;
    return !type->fields[0].repeated && !type->fields[1].repeated && !type->fields[1].map &&
           type->fields[0].oneof_index < 0 && type->fields[1].oneof_index < 0 && !type->fields[0].optional &&
           !type->fields[1].optional && key != PT_FIELD_FLOAT && key != PT_FIELD_DOUBLE && key != PT_FIELD_BYTES &&
           key != PT_FIELD_ENUM && key != PT_FIELD_MESSAGE;
}

/* The code that reads and prints well-known types relies on their fields 1 and 2. */
static bool well_known_valid(const struct pt_message_type *type)
{
    static const struct {
        size_t len;
        enum pt_field_kind kinds[2];
        bool repeated;
    } shapes[] = {
        [PT_WELL_KNOWN_TIMESTAMP] = {2, {PT_FIELD_INT64, PT_FIELD_INT32}, false},
        [PT_WELL_KNOWN_DURATION] = {2, {PT_FIELD_INT64, PT_FIELD_INT32}, false},
        [PT_WELL_KNOWN_FIELD_MASK] = {1, {PT_FIELD_STRING}, true},
        [PT_WELL_KNOWN_ANY] = {2, {PT_FIELD_STRING, PT_FIELD_BYTES}, false},
    };
    if (type->well_known == PT_WELL_KNOWN_NONE) {
        return true;
    }
    bool same = type->fields_len == shapes[type->well_known].len;
    for (size_t i = 0; same && i < type->fields_len; i++) {
        const struct pt_field_type *field = &type->fields[i];
        same = field->number == i + 1 && field->kind == shapes[type->well_known].kinds[i] &&
               field->repeated == shapes[type->well_known].repeated && !field->optional && field->oneof_index < 0;
    }
    return same;
}

static enum pt_code check_fields_distinct(const struct pt_message_type *type, struct pt_error *reterr)
{
    struct pt_map names;
    pt_map_init(&names);
    const struct pt_field_type *twin = NULL;
    for (size_t i = 0; i < type->fields_len && twin == NULL; i++) {
        if ((i > 0 && type->fields[i].number == type->fields[i - 1].number) ||
            pt_map_put_str(&names, type->fields[i].name, (void *)(uintptr_t)&type->fields[i]) != NULL) {
            twin = &type->fields[i];
        }
    }
    pt_map_fini(&names);
    return twin == NULL ? PT_OK
                        : pt_schema_fail(reterr, type->full_name, "field %s = %u has the name or number of another",
                                         twin->name, twin->number);
}

static enum pt_code define_message(const struct place *place, const Google__Protobuf__DescriptorProto *proto)
{
    struct pt_arena *arena = &place->schema->arena;
    struct pt_message_type *type = pt_map_get_str(&place->schema->messages, qualify(arena, place->scope, proto->name));
    struct place inner = *place;
    inner.scope = type->full_name;
    type->comment = pt_comments_get(place->comments, place->path, place->path_len);
    struct pt_field_type *fields = pt_arena_array(arena, proto->n_field, sizeof(*fields));
    for (size_t i = 0; i < proto->n_field; i++) {
        PT_TRY(define_field(&inner, proto, i, &fields[i]));
    }
    qsort(fields, proto->n_field, sizeof(*fields), by_number);
    type->fields = fields;
    type->fields_len = proto->n_field;
    PT_TRY(check_fields_distinct(type, place->reterr));
    if (type->map_entry && !map_entry_valid(type)) {
        return pt_schema_fail(place->reterr, type->full_name, "a map entry must have a scalar key = 1 and value = 2");
    }
    if (!well_known_valid(type)) {
        return pt_schema_fail(place->reterr, type->full_name, "the fields differ from those that Google defines");
    }
    PT_TRY(pt_schema_read_resource(place->schema, proto->options, type, place->reterr));
    for (size_t i = 0; i < proto->n_enum_type; i++) {
        struct place at = below(&inner, type->full_name, 4, i);
        PT_TRY(define_enum(&at, proto->enum_type[i], pt_comments_get(at.comments, at.path, at.path_len)));
    }
    for (size_t i = 0; i < proto->n_nested_type; i++) {
        struct place at = below(&inner, type->full_name, 3, i);
        PT_TRY(define_message(&at, proto->nested_type[i]));
    }
    return PT_OK;
}

static enum pt_code define_file(struct pt_schema *schema, const Google__Protobuf__FileDescriptorProto *file,
                                const struct pt_comments *comments, struct pt_error *reterr)
{
    const char *package = file->package != NULL ? file->package : "";
    struct place place = {.schema = schema, .comments = comments, .scope = package, .reterr = reterr};
    for (size_t i = 0; i < file->n_enum_type; i++) {
        struct place at = below(&place, package, 5, i);
        PT_TRY(define_enum(&at, file->enum_type[i], pt_comments_get(comments, at.path, at.path_len)));
    }
    for (size_t i = 0; i < file->n_message_type; i++) {
        struct place at = below(&place, package, 4, i);
        PT_TRY(define_message(&at, file->message_type[i]));
    }
    return PT_OK;
}

enum pt_code pt_schema_define(struct pt_schema *schema, const Google__Protobuf__FileDescriptorSet *set,
                              struct pt_error *reterr)
{
    for (size_t i = 0; i < set->n_file; i++) {
        struct pt_comments comments;
        pt_comments_init(&comments, &schema->arena, set->file[i]);
        enum pt_code code = define_file(schema, set->file[i], &comments, reterr);
        pt_comments_fini(&comments);
        PT_TRY(code);
    }
    return PT_OK;
}
