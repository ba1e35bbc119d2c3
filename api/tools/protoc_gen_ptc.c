/*
 * protoc-gen-ptc: protoc-gen-c with proto3 `optional`.
 *
 * protoc-gen-c refuses a file that uses proto3 `optional`. This plugin stands between protoc and protoc-gen-c: it
 * clears `proto3_optional` in the request, so that C gets the synthetic one-member oneof as an ordinary one, and adds
 * to the answer that the feature is supported. Every other language's plugin sees the schema as written.
 */
#include "api/tools/plugin.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
    fprintf(stderr, "protoc-gen-ptc: %s\n", what);
    exit(1);
}

static uint8_t *read_all(int fd, size_t *ret_size)
{
    size_t size = 0;
    size_t capacity = 1 << 16;
    uint8_t *data = malloc(capacity);
    for (;;) {
        if (data == NULL) {
            die("out of memory");
        }
        ssize_t n = read(fd, data + size, capacity - size);
        if (n < 0) {
            die("read failed");
        }
        if (n == 0) {
            break;
        }
        size += (size_t)n;
        if (size == capacity) {
            capacity *= 2;
            data = realloc(data, capacity);
        }
    }
    *ret_size = size;
    return data;
}

static void write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n <= 0) {
            die("write failed");
        }
        data += n;
        size -= (size_t)n;
    }
}

static void clear_optional(Google__Protobuf__DescriptorProto *message)
{
    for (size_t i = 0; i < message->n_field; i++) {
        message->field[i]->has_proto3_optional = 0;
    }
    for (size_t i = 0; i < message->n_nested_type; i++) {
        clear_optional(message->nested_type[i]);
    }
}

/* Run protoc-gen-c with `request` on its standard input; the writer is a child, so that neither side can block. */
static uint8_t *run_generator(const uint8_t *request, size_t size, size_t *ret_size)
{
    int in[2];
    int out[2];
    if (pipe(in) != 0 || pipe(out) != 0) {
        die("pipe failed");
    }
    pid_t generator = fork();
    if (generator == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execl(PROTOC_GEN_C, "protoc-gen-c", (char *)NULL);
        _exit(127);
    }
    pid_t writer = fork();
    if (writer == 0) {
        close(out[0]);
        close(out[1]);
        write_all(in[1], request, size);
        _exit(0);
    }
    close(in[0]);
    close(in[1]);
    close(out[1]);
    uint8_t *answer = read_all(out[0], ret_size);
    close(out[0]);
    int status = 0;
    if (generator < 0 || writer < 0 || waitpid(generator, &status, 0) < 0 || status != 0) {
        die(PROTOC_GEN_C " failed");
    }
    (void)waitpid(writer, NULL, 0); /* its failure shows as the generator's */
    return answer;
}

int main(void)
{
    size_t size = 0;
    uint8_t *input = read_all(0, &size);
    Patronus__Tools__CodeGeneratorRequest *request = patronus__tools__code_generator_request__unpack(NULL, size, input);
    if (request == NULL) {
        die("the request is not a CodeGeneratorRequest");
    }
    for (size_t i = 0; i < request->n_proto_file; i++) {
        for (size_t j = 0; j < request->proto_file[i]->n_message_type; j++) {
            clear_optional(request->proto_file[i]->message_type[j]);
        }
    }
    size = patronus__tools__code_generator_request__get_packed_size(request);
    uint8_t *packed = malloc(size + 1);
    if (packed == NULL) {
        die("out of memory");
    }
    patronus__tools__code_generator_request__pack(request, packed);

    uint8_t *answer = run_generator(packed, size, &size);
    Patronus__Tools__CodeGeneratorResponse *response =
        patronus__tools__code_generator_response__unpack(NULL, size, answer);
    if (response == NULL) {
        die("the answer is not a CodeGeneratorResponse");
    }
    response->has_supported_features = 1;
    response->supported_features |= 1;
    size = patronus__tools__code_generator_response__get_packed_size(response);
    uint8_t *output = malloc(size + 1);
    if (output == NULL) {
        die("out of memory");
    }
    patronus__tools__code_generator_response__pack(response, output);
    write_all(1, output, size);

    free(output);
    free(answer);
    free(packed);
    free(input);
    patronus__tools__code_generator_response__free_unpacked(response, NULL);
    patronus__tools__code_generator_request__free_unpacked(request, NULL);
    return 0;
}
