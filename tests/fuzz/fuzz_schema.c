/* libs: pt_wire */
/*
 * The schema reader on a hostile descriptor set. The embedded set can be trusted; a set that a tool reads from a file
 * cannot, and neither can the code that reads options out of unknown fields.
 */
#include "base/assert.h"
#include "wire/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_schema *schema = NULL;
    struct pt_error error = {0};
    if (pt_schema_new((struct pt_bytes){data, size}, &schema, &error) != PT_OK) {
        pt_assert(schema == NULL && error.code == PT_INVALID_ARGUMENT && error.text[0] != '\0');
        return 0;
    }
    size_t len = 0;
    const struct pt_message_type *const *kinds = pt_schema_kinds(schema, &len);
    for (size_t i = 0; i < len; i++) {
        pt_assert(pt_schema_kind(schema, kinds[i]->resource->singular) == kinds[i]);
        pt_assert(pt_schema_kind_by_id(schema, kinds[i]->resource->kind_id) == kinds[i]);
        struct pt_arena arena;
        pt_arena_init(&arena);
        struct pt_msg *msg = NULL;
        bool parsed = pt_msg_parse(kinds[i], (struct pt_bytes){data, size}, NULL, &arena, &msg, NULL) == PT_OK;
        pt_assert(parsed == (msg != NULL));
        pt_arena_fini(&arena);
    }
    const struct pt_method_type *const *methods = pt_schema_methods(schema, &len);
    for (size_t i = 0; i < len; i++) {
        pt_assert(pt_schema_method(schema, methods[i]->path) == methods[i]);
        pt_assert(methods[i]->input != NULL && methods[i]->output != NULL);
    }
    pt_schema_free(schema);
    return 0;
}
