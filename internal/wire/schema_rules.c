/*
 * Options. The descriptors know nothing of options.proto, so our extensions arrive as unknown fields of the *Options
 * messages: number, wire type, and the bytes with their length prefix. An extension may be given in pieces, which
 * protobuf merges by concatenation; so does this.
 */
#include "wire/schema_internal.h"
#include "base/buf.h"

#include "patronus/v1/options.pb-c.h"

#include <string.h>

#define EXTENSION_RESOURCE 51000U
#define EXTENSION_FIELD_RULES 51001U
#define EXTENSION_ACCESS 51002U

/* Append the contents of every occurrence of the extension; true when there is one. */
static bool find_extension(const ProtobufCMessage *options, uint32_t number, struct pt_buf *out)
{
    bool found = false;
    for (unsigned i = 0; options != NULL && i < options->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &options->unknown_fields[i];
        if (field->tag != number || field->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
            continue;
        }
        size_t prefix = 0;
        while (prefix < field->len && (field->data[prefix] & 0x80) != 0) {
            prefix++;
        }
        if (prefix < field->len) {
            pt_buf_append(out, field->data + prefix + 1, field->len - prefix - 1);
            found = true;
        }
    }
    return found;
}

static const char *const *dup_strings(struct pt_arena *arena, char **strings, size_t len)
{
    const char **copy = pt_arena_array(arena, len, sizeof(*copy));
    for (size_t i = 0; i < len; i++) {
        copy[i] = pt_arena_strdup(arena, strings[i]);
    }
    return copy;
}

/* Bits by number of the role. */
static unsigned role_bits(const Patronus__V1__BuiltinRole *roles, size_t len, unsigned none_given)
{
    unsigned bits = 0;
    for (size_t i = 0; i < len; i++) {
        bits |= (unsigned)roles[i] < 32 ? 1U << roles[i] : 0;
    }
    return len > 0 ? bits : none_given;
}

#define ROLE_BIT(role) (1U << PATRONUS__V1__BUILTIN_ROLE__ROLE_##role)

static enum pt_code read_resource(struct pt_schema *schema, const Patronus__V1__ResourceRules *rules,
                                  struct pt_message_type *type, struct pt_error *reterr)
{
    if (rules->kind_id < 1 || rules->kind_id > 65535 || rules->singular[0] == '\0' || rules->plural[0] == '\0') {
        return pt_schema_fail(reterr, type->full_name,
                              "a kind needs kind_id (1..65535), singular and plural; kind_id is %u", rules->kind_id);
    }
    struct pt_arena *arena = &schema->arena;
    struct pt_resource_type *resource = PT_NEW(arena, struct pt_resource_type);
    *resource = (struct pt_resource_type){
        .kind_id = rules->kind_id,
        .singular = pt_arena_strdup(arena, rules->singular),
        .plural = pt_arena_strdup(arena, rules->plural),
        .parent = pt_arena_strdup(arena, rules->parent),
        .pattern = "",
        .view = rules->view,
        .max_per_parent = rules->max_per_parent != 0 ? rules->max_per_parent : PT_MAX_PER_PARENT_DEFAULT,
        .columns = dup_strings(arena, rules->columns, rules->n_columns),
        .columns_len = rules->n_columns,
        .short_names = dup_strings(arena, rules->short_names, rules->n_short_names),
        .short_names_len = rules->n_short_names,
        .writers = role_bits(rules->writers, rules->n_writers, ROLE_BIT(OPERATOR)),
        .readers =
            role_bits(rules->readers, rules->n_readers, ROLE_BIT(VIEWER) | ROLE_BIT(OPERATOR) | ROLE_BIT(DEVELOPER)),
        .quota = pt_arena_strdup(arena, rules->quota),
        .unstaged = rules->unstaged,
    };
    type->resource = resource;
    return PT_OK;
}

enum pt_code pt_schema_read_resource(struct pt_schema *schema, const Google__Protobuf__MessageOptions *options,
                                     struct pt_message_type *type, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf bytes;
    pt_buf_init(&bytes);
    if (!find_extension((const ProtobufCMessage *)options, EXTENSION_RESOURCE, &bytes)) {
        return PT_OK;
    }
    Patronus__V1__ResourceRules *rules = patronus__v1__resource_rules__unpack(NULL, bytes.size, bytes.data);
    if (rules == NULL) {
        return pt_schema_fail(reterr, type->full_name, "the option `resource` is malformed");
    }
    enum pt_code code = read_resource(schema, rules, type, reterr);
    patronus__v1__resource_rules__free_unpacked(rules, NULL);
    return code;
}

enum pt_code pt_schema_read_rules(struct pt_schema *schema, const Google__Protobuf__FieldOptions *options,
                                  const char *type_name, struct pt_field_type *field, struct pt_error *reterr)
{
    field->rules = (struct pt_field_rules){.max_size = PT_LIMIT_NONE, .max_items = PT_LIMIT_NONE};
    PT_AUTO(buf) struct pt_buf bytes;
    pt_buf_init(&bytes);
    if (!find_extension((const ProtobufCMessage *)options, EXTENSION_FIELD_RULES, &bytes)) {
        return PT_OK;
    }
    Patronus__V1__FieldRules *rules = patronus__v1__field_rules__unpack(NULL, bytes.size, bytes.data);
    bool known = rules != NULL && (unsigned)rules->output <= PT_OUTPUT_SOFT &&
                 (unsigned)rules->format <= PT_FORMAT_SHA256_HEX && rules->base.n_unknown_fields == 0;
    if (!known) {
        patronus__v1__field_rules__free_unpacked(rules, NULL);
        return pt_schema_fail(reterr, type_name,
                              "the rules of field %s are malformed or newer than this program understands",
                              field->name);
    }
    field->rules = (struct pt_field_rules){
        .required = rules->required,
        .immutable = rules->immutable,
        .secret = rules->secret,
        .set = rules->set,
        .has_range = rules->has_range,
        .output = (enum pt_output)rules->output,
        .format = (enum pt_format)rules->format,
        .min = rules->min,
        .max = rules->max,
        .max_size = rules->max_size != 0 ? rules->max_size : PT_MAX_SIZE_DEFAULT,
        .max_items = rules->max_items != 0 ? rules->max_items : PT_MAX_ITEMS_DEFAULT,
        .reference = rules->reference[0] != '\0' ? pt_arena_strdup(&schema->arena, rules->reference) : NULL,
        .unit = rules->unit[0] != '\0' ? pt_arena_strdup(&schema->arena, rules->unit) : NULL,
    };
    patronus__v1__field_rules__free_unpacked(rules, NULL);
    return PT_OK;
}

enum pt_code pt_schema_read_access(struct pt_schema *schema, const Google__Protobuf__MethodOptions *options,
                                   struct pt_method_type *method, bool *ret_found, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf bytes;
    pt_buf_init(&bytes);
    *ret_found = find_extension((const ProtobufCMessage *)options, EXTENSION_ACCESS, &bytes);
    if (!*ret_found) {
        return PT_OK;
    }
    Patronus__V1__MethodRules *rules = patronus__v1__method_rules__unpack(NULL, bytes.size, bytes.data);
    if (rules == NULL) {
        return pt_schema_fail(reterr, method->path, "the option `access` is malformed");
    }
    method->permission = pt_arena_strdup(&schema->arena, rules->permission);
    method->role = pt_arena_strdup(&schema->arena, rules->role);
    method->anonymous = rules->anonymous;
    method->leader = rules->leader;
    method->authenticated = rules->authenticated;
    method->level = rules->level;
    method->scope = pt_arena_strdup(&schema->arena, rules->scope);
    method->roles = role_bits(rules->roles, rules->n_roles, 0);
    patronus__v1__method_rules__free_unpacked(rules, NULL);
    return PT_OK;
}
