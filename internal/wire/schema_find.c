/* Looking things up. The maps are built once; here they are only read, so any thread may. */
#include "wire/schema_internal.h"

#include <string.h>

const struct pt_message_type *pt_schema_message(const struct pt_schema *schema, const char *full_name)
{
    return pt_map_get_str(&schema->messages, full_name);
}

const struct pt_method_type *pt_schema_method(const struct pt_schema *schema, const char *path)
{
    return pt_map_get_str(&schema->methods, path);
}

const struct pt_message_type *pt_schema_kind_by_id(const struct pt_schema *schema, uint32_t kind_id)
{
    size_t low = 0;
    size_t high = schema->kinds_len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t at = schema->kinds[middle]->resource->kind_id;
        if (at == kind_id) {
            return schema->kinds[middle];
        }
        if (at < kind_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct pt_message_type *pt_schema_kind(const struct pt_schema *schema, const char *any_name)
{
    return pt_map_get_str(&schema->kind_names, any_name);
}

const struct pt_message_type *const *pt_schema_kinds(const struct pt_schema *schema, size_t *ret_len)
{
    *ret_len = schema->kinds_len;
    return schema->kinds;
}

const struct pt_method_type *const *pt_schema_methods(const struct pt_schema *schema, size_t *ret_len)
{
    *ret_len = schema->method_list_len;
    return schema->method_list;
}

struct pt_bytes pt_schema_file(const struct pt_schema *schema, const char *file_name)
{
    const struct pt_schema_file *file = pt_map_get_str(&schema->files, file_name);
    return file != NULL ? file->data : (struct pt_bytes){0};
}

struct pt_bytes pt_schema_file_of_symbol(const struct pt_schema *schema, const char *symbol)
{
    const struct pt_schema_file *file = pt_map_get_str(&schema->symbols, symbol);
    return file != NULL ? file->data : (struct pt_bytes){0};
}

const char *const *pt_schema_services(const struct pt_schema *schema, size_t *ret_len)
{
    *ret_len = schema->services_len;
    return schema->services;
}

const char *const *pt_schema_file_imports(const struct pt_schema *schema, const char *file_name, size_t *ret_len)
{
    const struct pt_schema_file *file = pt_map_get_str(&schema->files, file_name);
    *ret_len = file != NULL ? file->imports_len : 0;
    return file != NULL ? file->imports : NULL;
}

const struct pt_field_type *pt_message_field(const struct pt_message_type *type, const char *name)
{
    for (size_t i = 0; i < type->fields_len; i++) {
        if (type->fields[i].name[0] == name[0] && strcmp(type->fields[i].name, name) == 0) {
            return &type->fields[i];
        }
    }
    for (size_t i = 0; i < type->fields_len; i++) {
        if (strcmp(type->fields[i].json_name, name) == 0) {
            return &type->fields[i];
        }
    }
    return NULL;
}

const struct pt_field_type *pt_message_field_by_number(const struct pt_message_type *type, uint32_t number)
{
    if (number - 1 < type->fields_len && type->fields[number - 1].number == number) {
        return &type->fields[number - 1]; /* numbers begin with 1 and mostly have no gaps */
    }
    size_t low = 0;
    size_t high = type->fields_len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (type->fields[middle].number == number) {
            return &type->fields[middle];
        }
        if (type->fields[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct pt_enum_value *pt_enum_by_number(const struct pt_enum_type *type, int32_t number)
{
    for (size_t i = 0; i < type->values_len; i++) {
        if (type->values[i].number == number) {
            return &type->values[i];
        }
    }
    return NULL;
}

const struct pt_enum_value *pt_enum_by_name(const struct pt_enum_type *type, const char *name)
{
    for (size_t i = 0; i < type->values_len; i++) {
        if (strcmp(type->values[i].name, name) == 0) {
            return &type->values[i];
        }
    }
    return NULL;
}
