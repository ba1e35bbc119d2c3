/* libs: pt_wire */
/*
 * The JSON reader. The first byte chooses the type as in fuzz_msg; the rest is text. What is read must be written so
 * that it reads as the same message again.
 */
#include "base/assert.h"
#include "wire/json.h"

#include <string.h>

static const struct pt_message_type *choose(const struct pt_schema *schema, uint8_t byte)
{
    size_t len = 0;
    const struct pt_method_type *const *methods = pt_schema_methods(schema, &len);
    const struct pt_message_type *kind = pt_schema_kind_by_id(schema, byte & 0x7f);
    const struct pt_method_type *method = methods[(byte & 0x7f) % len];
    return kind != NULL ? kind : (byte & 0x80) != 0 ? method->output : method->input;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pt_schema *schema; /* read once: it is constant */
    if (schema == NULL && pt_schema_new(pt_schema_embedded(), &schema, NULL) != PT_OK) {
        pt_unreachable();
    }
    if (size == 0) {
        return 0;
    }
    struct pt_arena arena;
    pt_arena_init(&arena);
    const struct pt_message_type *type = choose(schema, data[0]);
    struct pt_error error = {0};
    struct pt_msg *msg = NULL;
    if (pt_json_read(schema, type, (const char *)data + 1, size - 1, &arena, &msg, &error) == PT_OK) {
        struct pt_buf json;
        pt_buf_init(&json);
        pt_json_write(schema, msg, (data[0] & 1) != 0 ? PT_JSON_INDENT : PT_JSON_COMPACT, &json);
        struct pt_msg *back = NULL;
        if (json.size <= PT_JSON_SIZE_MAX) {
            pt_assert(pt_json_read(schema, type, (const char *)json.data, json.size, &arena, &back, &error) == PT_OK);
            pt_assert(pt_msg_equal(msg, back));
        }
        pt_buf_fini(&json);
    } else {
        pt_assert(msg == NULL && error.code == PT_INVALID_ARGUMENT && error.text[0] != '\0');
    }
    pt_arena_fini(&arena);
    return 0;
}
