/*
 * Files and symbols, for server reflection: each file is kept serialised, without its comments (which are most of it),
 * and each name that a client may ask for leads to the file that declares it.
 */
#include "wire/schema_internal.h"

static void add_symbol(struct pt_schema *schema, const struct pt_schema_file *file, const char *scope, const char *name)
{
    if (name != NULL) {
        const char *dot = scope[0] != '\0' ? "." : "";
        const char *symbol = pt_arena_printf(&schema->arena, "%s%s%s", scope, dot, name);
        (void)pt_map_put_str(&schema->symbols, symbol, (void *)(uintptr_t)file); /* names are unique */
    }
}

static void add_message(struct pt_schema *schema, const struct pt_schema_file *file, const char *scope,
                        const Google__Protobuf__DescriptorProto *proto)
{
    add_symbol(schema, file, scope, proto->name);
    const char *inner = pt_arena_printf(&schema->arena, "%s%s%s", scope, scope[0] != '\0' ? "." : "", proto->name);
    for (size_t i = 0; i < proto->n_enum_type; i++) {
        add_symbol(schema, file, inner, proto->enum_type[i]->name);
    }
    for (size_t i = 0; i < proto->n_extension; i++) {
        add_symbol(schema, file, inner, proto->extension[i]->name);
    }
    for (size_t i = 0; i < proto->n_nested_type; i++) {
        add_message(schema, file, inner, proto->nested_type[i]);
    }
}

static void add_symbols(struct pt_schema *schema, const struct pt_schema_file *file,
                        const Google__Protobuf__FileDescriptorProto *proto)
{
    const char *package = proto->package != NULL ? proto->package : "";
    for (size_t i = 0; i < proto->n_message_type; i++) {
        add_message(schema, file, package, proto->message_type[i]);
    }
    for (size_t i = 0; i < proto->n_enum_type; i++) {
        add_symbol(schema, file, package, proto->enum_type[i]->name);
    }
    for (size_t i = 0; i < proto->n_extension; i++) {
        add_symbol(schema, file, package, proto->extension[i]->name);
    }
    for (size_t i = 0; i < proto->n_service; i++) {
        const Google__Protobuf__ServiceDescriptorProto *service = proto->service[i];
        add_symbol(schema, file, package, service->name);
        const char *inner =
            pt_arena_printf(&schema->arena, "%s%s%s", package, package[0] != '\0' ? "." : "", service->name);
        for (size_t j = 0; j < service->n_method; j++) {
            add_symbol(schema, file, inner, service->method[j]->name);
        }
    }
}

static struct pt_bytes pack_without_comments(struct pt_arena *arena, Google__Protobuf__FileDescriptorProto *proto)
{
    Google__Protobuf__SourceCodeInfo *info = proto->source_code_info;
    proto->source_code_info = NULL;
    size_t size = google__protobuf__file_descriptor_proto__get_packed_size(proto);
    uint8_t *data = pt_arena_alloc(arena, size);
    (void)google__protobuf__file_descriptor_proto__pack(proto, data);
    proto->source_code_info = info;
    return (struct pt_bytes){data, size};
}

enum pt_code pt_schema_read_files(struct pt_schema *schema, Google__Protobuf__FileDescriptorSet *set,
                                  struct pt_error *reterr)
{
    struct pt_arena *arena = &schema->arena;
    for (size_t i = 0; i < set->n_file; i++) {
        Google__Protobuf__FileDescriptorProto *proto = set->file[i];
        if (proto->name == NULL) {
            return pt_schema_fail(reterr, NULL, "file %zu has no name", i);
        }
        struct pt_schema_file *file = PT_NEW(arena, struct pt_schema_file);
        file->name = pt_arena_strdup(arena, proto->name);
        file->data = pack_without_comments(arena, proto);
        const char **imports = pt_arena_array(arena, proto->n_dependency, sizeof(*imports));
        for (size_t j = 0; j < proto->n_dependency; j++) {
            imports[j] = pt_arena_strdup(arena, proto->dependency[j]);
        }
        file->imports = imports;
        file->imports_len = proto->n_dependency;
        if (pt_map_put_str(&schema->files, file->name, file) != NULL) {
            return pt_schema_fail(reterr, file->name, "the file is in the set twice");
        }
        add_symbols(schema, file, proto);
    }
    return PT_OK;
}
