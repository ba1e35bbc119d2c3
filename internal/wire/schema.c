/*
 * The schema: from the bytes of a FileDescriptorSet to tables of types, kinds and methods.
 *
 * The set is the one that protoc made from api/patronus/v1; the build embeds it. Reading goes in passes, because types
 * refer to each other in any order: declare every message and enum by name, define their fields, read the services,
 * finish the kinds (parents, references, limits), keep each file for reflection. The unpacked descriptors are freed at
 * the end; the schema owns copies of what it needs, in one arena.
 *
 * The embedded set can be trusted, but the reader does not rely on it: a set from a file (tests, fuzzing, tools) must
 * not crash it either. protobuf-c unpacks by recursion without a limit, so nesting is walked first.
 */
#include "wire/schema_internal.h"
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NESTING_MAX 32

extern const uint8_t pt_descriptor_set[];
extern const uint8_t pt_descriptor_set_end[];

static bool read_varint(struct pt_bytes *in, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && in->size > 0; shift += 7) {
        uint8_t byte = *in->data;
        in->data++;
        in->size--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

/* True when every chain of length-delimited fields numbered `first`, then 3 (nested_type), ends within NESTING_MAX. */
static bool nesting_bounded(struct pt_bytes in, const uint32_t *numbers, unsigned depth)
{
    if (depth > NESTING_MAX) {
        return false;
    }
    while (in.size > 0) {
        uint64_t tag = 0;
        uint64_t value = 0;
        if (!read_varint(&in, &tag)) {
            return false;
        }
        size_t skip = 0;
        switch (tag & 7) {
        case 0:
            if (!read_varint(&in, &value)) {
                return false;
            }
            break;
        case 1:
            skip = 8;
            break;
        case 2:
            if (!read_varint(&in, &value) || value > in.size) {
                return false;
            }
            skip = (size_t)value;
            if (tag >> 3 == numbers[0] && !nesting_bounded((struct pt_bytes){in.data, skip},
                                                           numbers[1] != 0 ? numbers + 1 : numbers, depth + 1)) {
                return false;
            }
            break;
        case 5:
            skip = 4;
            break;
        default:
            return false; /* groups: protoc writes none */
        }
        if (skip > in.size) {
            return false;
        }
        in.data += skip;
        in.size -= skip;
    }
    return true;
}

static enum pt_code build(struct pt_schema *schema, Google__Protobuf__FileDescriptorSet *set, struct pt_error *reterr)
{
    PT_TRY(pt_schema_declare(schema, set, reterr));
    PT_TRY(pt_schema_define(schema, set, reterr));
    PT_TRY(pt_schema_finish_kinds(schema, reterr));
    PT_TRY(pt_schema_read_services(schema, set, reterr));
    return pt_schema_read_files(schema, set, reterr);
}

enum pt_code pt_schema_new(struct pt_bytes set, struct pt_schema **ret_schema, struct pt_error *reterr)
{
    /* FileDescriptorSet.file, FileDescriptorProto.message_type, DescriptorProto.nested_type for ever. */
    static const uint32_t chain[] = {1, 4, 3, 0};
    if (!nesting_bounded(set, chain, 0)) {
        return pt_schema_fail(reterr, NULL, "the descriptor set is malformed or nests types more than %d deep",
                              NESTING_MAX);
    }
    Google__Protobuf__FileDescriptorSet *files =
        google__protobuf__file_descriptor_set__unpack(NULL, set.size, set.data);
    if (files == NULL) {
        return pt_schema_fail(reterr, NULL,
                              "the bytes are not a FileDescriptorSet; make them with protoc "
                              "--include_imports --include_source_info --descriptor_set_out");
    }
    struct pt_schema *schema = calloc(1, sizeof(*schema));
    pt_assert(schema != NULL);
    pt_arena_init(&schema->arena);
    struct pt_map *maps[] = {&schema->messages,   &schema->enums, &schema->methods,
                             &schema->kind_names, &schema->files, &schema->symbols};
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        pt_map_init(maps[i]);
    }
    enum pt_code code = build(schema, files, reterr);
    google__protobuf__file_descriptor_set__free_unpacked(files, NULL);
    if (code != PT_OK) {
        pt_schema_free(schema);
        return code;
    }
    *ret_schema = schema;
    return PT_OK;
}

void pt_schema_free(struct pt_schema *schema)
{
    if (schema == NULL) {
        return;
    }
    pt_map_fini(&schema->messages);
    pt_map_fini(&schema->enums);
    pt_map_fini(&schema->methods);
    pt_map_fini(&schema->kind_names);
    pt_map_fini(&schema->files);
    pt_map_fini(&schema->symbols);
    pt_arena_fini(&schema->arena);
    free(schema);
}

struct pt_bytes pt_schema_embedded(void)
{
    return (struct pt_bytes){pt_descriptor_set, (size_t)(pt_descriptor_set_end - pt_descriptor_set)};
}

enum pt_code pt_schema_fail(struct pt_error *reterr, const char *place, const char *format, ...)
{
    if (reterr == NULL) {
        return PT_INVALID_ARGUMENT;
    }
    char text[PT_ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NONE, place, "schema: %s", text);
}
