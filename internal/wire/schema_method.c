/*
 * Services. A method is one of the standard verbs when its name and types say so, as AIP-131 to 135 write them:
 * CreateX, GetX and UpdateX return the kind X; ListXs returns a page of it; DeleteX has its name. Everything else is a
 * custom method and must state who may call it.
 */
#include "wire/schema_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *prefix;
    enum pt_verb verb;
    const char *permission;
} verbs[] = {{"Create", PT_VERB_CREATE, "create"}, {"Get", PT_VERB_GET, "get"},
             {"List", PT_VERB_LIST, "list"},       {"Update", PT_VERB_UPDATE, "update"},
             {"Delete", PT_VERB_DELETE, "delete"}, {"Undelete", PT_VERB_UNDELETE, "undelete"}};

static const struct pt_message_type *message_of(const struct pt_schema *schema, const char *type_name)
{
    return type_name != NULL && type_name[0] == '.' ? pt_map_get_str(&schema->messages, type_name + 1) : NULL;
}

/* The first repeated field that holds a kind: the page of a List response. */
static const struct pt_message_type *kind_of_page(const struct pt_message_type *response)
{
    for (size_t i = 0; i < response->fields_len; i++) {
        const struct pt_field_type *field = &response->fields[i];
        if (field->repeated && field->message != NULL && field->message->resource != NULL) {
            return field->message;
        }
    }
    return NULL;
}

static const struct pt_message_type *kind_of_name(const struct pt_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->kinds_len; i++) {
        if (strcmp(schema->kinds[i]->name, name) == 0) {
            return schema->kinds[i];
        }
    }
    return NULL;
}

/* "ListVersions" lists the kind with the plural "versions". */
static bool names_plural(const char *rest, const char *plural)
{
    return rest[0] == toupper((unsigned char)plural[0]) && strcmp(rest + 1, plural + 1) == 0;
}

static const struct pt_message_type *kind_of_method(const struct pt_schema *schema, const struct pt_method_type *method,
                                                    enum pt_verb verb, const char *rest)
{
    const struct pt_message_type *kind = NULL;
    switch (verb) {
    case PT_VERB_LIST:
        kind = kind_of_page(method->output);
        return kind != NULL && names_plural(rest, kind->resource->plural) ? kind : NULL;
    case PT_VERB_DELETE:
        return kind_of_name(schema, rest);
    default:
        kind = method->output;
        return kind->resource != NULL && strcmp(kind->name, rest) == 0 ? kind : NULL;
    }
}

/* Generic dispatch reads these fields of a request without looking twice. */
static enum pt_code check_request(const struct pt_method_type *method, struct pt_error *reterr)
{
    bool by_parent = method->verb == PT_VERB_CREATE || method->verb == PT_VERB_LIST;
    bool has_body = method->verb == PT_VERB_CREATE || method->verb == PT_VERB_UPDATE;
    const char *text = by_parent ? "parent" : "name";
    if (method->verb != PT_VERB_UPDATE) {
        const struct pt_field_type *field = pt_message_field(method->input, text);
        if (field == NULL || strcmp(field->name, text) != 0 || field->kind != PT_FIELD_STRING || field->repeated) {
            return pt_schema_fail(reterr, method->path, "the request %s must have a string `%s`",
                                  method->input->full_name, text);
        }
    }
    bool body_found = false;
    for (size_t i = 0; i < method->input->fields_len; i++) {
        body_found =
            body_found || (method->input->fields[i].message == method->kind && !method->input->fields[i].repeated);
    }
    if (has_body && !body_found) {
        return pt_schema_fail(reterr, method->path, "the request %s must hold a %s", method->input->full_name,
                              method->kind->full_name);
    }
    return PT_OK;
}

static enum pt_code derive_verb(struct pt_schema *schema, struct pt_method_type *method, struct pt_error *reterr)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        size_t len = strlen(verbs[i].prefix);
        if (strncmp(method->name, verbs[i].prefix, len) != 0 || method->client_streaming || method->server_streaming) {
            continue;
        }
        const struct pt_message_type *kind = kind_of_method(schema, method, verbs[i].verb, method->name + len);
        if (kind != NULL) {
            method->verb = verbs[i].verb;
            method->kind = kind;
            method->permission = pt_arena_printf(&schema->arena, "%s.%s", kind->resource->plural, verbs[i].permission);
            return check_request(method, reterr);
        }
    }
    return PT_OK;
}

static enum pt_code read_method(struct pt_schema *schema, const Google__Protobuf__MethodDescriptorProto *proto,
                                const char *service, const char *comment, struct pt_error *reterr)
{
    struct pt_arena *arena = &schema->arena;
    struct pt_method_type *method = PT_NEW(arena, struct pt_method_type);
    *method = (struct pt_method_type){
        .path = pt_arena_printf(arena, "/%s/%s", service, proto->name != NULL ? proto->name : ""),
        .name = pt_arena_strdup(arena, proto->name != NULL ? proto->name : ""),
        .service = service,
        .comment = comment,
        .input = message_of(schema, proto->input_type),
        .output = message_of(schema, proto->output_type),
        .client_streaming = proto->client_streaming,
        .server_streaming = proto->server_streaming,
        .permission = "",
        .role = "",
        .scope = "",
    };
    if (method->name[0] == '\0' || method->input == NULL || method->output == NULL) {
        return pt_schema_fail(reterr, method->path, "the method has no name, or its input or output type is unknown");
    }
    if (pt_map_put_str(&schema->methods, method->path, method) != NULL) {
        return pt_schema_fail(reterr, method->path, "the method is declared twice");
    }
    PT_TRY(derive_verb(schema, method, reterr));
    bool access_found = false;
    PT_TRY(pt_schema_read_access(schema, proto->options, method, &access_found, reterr));
    bool foreign = strncmp(service, "grpc.", 5) == 0; /* health, reflection: their access is serve's matter */
    if (method->verb == PT_VERB_CUSTOM && !access_found && !foreign) {
        return pt_schema_fail(reterr, method->path,
                              "the method is no standard verb of a kind; state who may call it with option (access)");
    }
    return PT_OK;
}

static int by_path(const void *a, const void *b)
{
    return strcmp((*(const struct pt_method_type *const *)a)->path, (*(const struct pt_method_type *const *)b)->path);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum pt_code read_file(struct pt_schema *schema, const Google__Protobuf__FileDescriptorProto *file,
                              const struct pt_comments *comments, struct pt_error *reterr)
{
    for (size_t i = 0; i < file->n_service; i++) {
        const Google__Protobuf__ServiceDescriptorProto *service = file->service[i];
        if (service->name == NULL || service->name[0] == '\0') {
            return pt_schema_fail(reterr, file->name, "a service has no name");
        }
        bool scoped = file->package != NULL && file->package[0] != '\0';
        const char *name =
            pt_arena_printf(&schema->arena, "%s%s%s", scoped ? file->package : "", scoped ? "." : "", service->name);
        schema->services[schema->services_len++] = name;
        for (size_t j = 0; j < service->n_method; j++) {
            const int32_t path[] = {6, (int32_t)i, 2, (int32_t)j};
            PT_TRY(read_method(schema, service->method[j], name, pt_comments_get(comments, path, 4), reterr));
        }
    }
    return PT_OK;
}

enum pt_code pt_schema_read_services(struct pt_schema *schema, const Google__Protobuf__FileDescriptorSet *set,
                                     struct pt_error *reterr)
{
    size_t services_len = 0;
    for (size_t i = 0; i < set->n_file; i++) {
        services_len += set->file[i]->n_service;
    }
    schema->services = pt_arena_array(&schema->arena, services_len, sizeof(*schema->services));
    for (size_t i = 0; i < set->n_file; i++) {
        struct pt_comments comments;
        pt_comments_init(&comments, &schema->arena, set->file[i]);
        enum pt_code code = read_file(schema, set->file[i], &comments, reterr);
        pt_comments_fini(&comments);
        PT_TRY(code);
    }
    qsort(schema->services, schema->services_len, sizeof(*schema->services), by_text);
    for (size_t i = 1; i < schema->services_len; i++) {
        if (strcmp(schema->services[i - 1], schema->services[i]) == 0) {
            return pt_schema_fail(reterr, schema->services[i], "the service is declared twice");
        }
    }
    schema->method_list = pt_arena_array(&schema->arena, schema->methods.count, sizeof(*schema->method_list));
    PT_MAP_FOREACH (entry, &schema->methods) {
        schema->method_list[schema->method_list_len++] = entry->value;
    }
    qsort(schema->method_list, schema->method_list_len, sizeof(*schema->method_list), by_path);
    return PT_OK;
}
