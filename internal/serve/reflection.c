/*
 * The standard reflection service, v1 and v1alpha: the same messages under two package names, so one code serves both
 * (the v1 types read and write both).
 *
 * A file is answered together with the files it imports, each once, so that a client needs one question.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "grpc/reflection/v1/reflection.pb-c.h"

#include <stdlib.h>
#include <string.h>

typedef Grpc__Reflection__V1__ServerReflectionRequest Request;
typedef Grpc__Reflection__V1__ServerReflectionResponse Response;

#define FILES_MAX 256

struct files {
    ProtobufCBinaryData data[FILES_MAX];
    const char *names[FILES_MAX];
    size_t len;
};

/* The file and, behind it, everything it imports. */
static void add_file(const struct pt_schema *schema, const char *name, struct files *files)
{
    for (size_t i = 0; i < files->len; i++) {
        if (strcmp(files->names[i], name) == 0) {
            return;
        }
    }
    struct pt_bytes file = pt_schema_file(schema, name);
    if (file.data == NULL || files->len == FILES_MAX) {
        return;
    }
    files->names[files->len] = name;
    files->data[files->len++] = (ProtobufCBinaryData){.len = file.size, .data = (uint8_t *)(uintptr_t)file.data};
    size_t imports_len = 0;
    const char *const *imports = pt_schema_file_imports(schema, name, &imports_len);
    for (size_t i = 0; i < imports_len; i++) {
        add_file(schema, imports[i], files);
    }
}

/* Name of the file that declares a symbol: FileDescriptorProto.name is field 1, a string, and stands first. */
static bool file_name_of(struct pt_bytes file, char name[256])
{
    if (file.size < 2 || file.data[0] != 0x0a || file.data[1] >= 0x80 || file.size - 2 < file.data[1]) {
        return false;
    }
    memcpy(name, file.data + 2, file.data[1]);
    name[file.data[1]] = '\0';
    return true;
}

static void send(struct pt_serve_call *call, Response *response)
{
    PT_AUTO(buf) struct pt_buf reply = {0};
    size_t size = grpc__reflection__v1__server_reflection_response__get_packed_size(response);
    (void)grpc__reflection__v1__server_reflection_response__pack(response, pt_buf_reserve(&reply, size));
    reply.size = size;
    if (call->rpc != NULL && !pt_rpc_call_send(call->rpc, pt_buf_bytes(&reply))) {
        pt_serve_refuse(call, PT_EXHAUSTED, PT_REASON_OVERLOADED, "read the answers before asking more");
    }
}

static void send_error(struct pt_serve_call *call, Response *response, enum pt_code code, const char *text)
{
    Grpc__Reflection__V1__ErrorResponse error = GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;
    error.error_code = pt_code_grpc(code);
    error.error_message = (char *)(uintptr_t)text;
    response->message_response_case = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    response->error_response = &error;
    send(call, response);
}

static void send_file(struct pt_serve_call *call, Response *response, const char *name)
{
    struct files *files = calloc(1, sizeof(*files));
    pt_assert(files != NULL);
    add_file(call->controller->schema, name, files);
    if (files->len == 0) {
        send_error(call, response, PT_NOT_FOUND, "there is no such file or symbol");
    } else {
        Grpc__Reflection__V1__FileDescriptorResponse answer = GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
        answer.file_descriptor_proto = files->data;
        answer.n_file_descriptor_proto = files->len;
        response->message_response_case =
            GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
        response->file_descriptor_response = &answer;
        send(call, response);
    }
    free(files);
}

static void send_symbol(struct pt_serve_call *call, Response *response, const char *symbol)
{
    char name[256];
    if (file_name_of(pt_schema_file_of_symbol(call->controller->schema, symbol), name)) {
        send_file(call, response, name);
    } else {
        send_error(call, response, PT_NOT_FOUND, "there is no such file or symbol");
    }
}

static void send_services(struct pt_serve_call *call, Response *response)
{
    size_t len = 0;
    const char *const *services = pt_schema_services(call->controller->schema, &len);
    struct pt_arena arena;
    pt_arena_init(&arena);
    Grpc__Reflection__V1__ServiceResponse **items = pt_arena_array(&arena, len, sizeof(*items));
    for (size_t i = 0; i < len; i++) {
        items[i] = pt_arena_alloc(&arena, sizeof(*items[i]));
        grpc__reflection__v1__service_response__init(items[i]);
        items[i]->name = (char *)(uintptr_t)services[i];
    }
    Grpc__Reflection__V1__ListServiceResponse answer = GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
    answer.service = items;
    answer.n_service = len;
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    response->list_services_response = &answer;
    send(call, response);
    pt_arena_fini(&arena);
}

static void reflection_message(struct pt_serve_call *call, struct pt_bytes message)
{
    Request *request = grpc__reflection__v1__server_reflection_request__unpack(NULL, message.size, message.data);
    if (request == NULL) {
        pt_serve_refuse(call, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, "the request cannot be read");
        return;
    }
    Response response = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    response.valid_host = request->host;
    response.original_request = request;
    switch (request->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        send_file(call, &response, request->file_by_filename);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        send_symbol(call, &response, request->file_containing_symbol);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        send_services(call, &response);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION: {
        /* Every extension that this server knows stands in one file. */
        uint32_t number = (uint32_t)request->file_containing_extension->extension_number;
        if (number >= 51000 && number <= 51099) {
            send_file(call, &response, "patronus/v1/options.proto");
        } else {
            send_error(call, &response, PT_NOT_FOUND, "there is no such extension");
        }
        break;
    }
    default:
        send_error(call, &response, PT_UNIMPLEMENTED, "this question is not answered");
        break;
    }
    grpc__reflection__v1__server_reflection_request__free_unpacked(request, NULL);
}

static void reflection_half_close(struct pt_serve_call *call)
{
    if (call->rpc != NULL) {
        pt_rpc_call_finish(call->rpc, NULL);
    }
}

const struct pt_serve_method pt_serve_reflection_v1 = {.path =
                                                           "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                                                       .on_message = reflection_message,
                                                       .on_half_close = reflection_half_close};
const struct pt_serve_method pt_serve_reflection_v1alpha = {
    .path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    .on_message = reflection_message,
    .on_half_close = reflection_half_close};
