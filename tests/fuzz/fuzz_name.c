/* libs: pt_wire */
/*
 * Strings that name or address things: resource names, parents, field paths, and every format of a field. The input is
 * one string; what is behind a NUL is not looked at.
 */
#include "base/assert.h"
#include "base/limits.h"
#include "wire/msg_internal.h"

#include <stdlib.h>
#include <string.h>

/* A name that was accepted comes apart into an accepted parent and id. */
static void take_apart(const struct pt_schema *schema, const char *name)
{
    const struct pt_message_type *kind = NULL;
    struct pt_error error = {0};
    if (pt_name_parse(schema, name, &kind, &error) != PT_OK) {
        pt_assert(error.reason == PT_REASON_NAME_INVALID && error.text[0] != '\0');
        return;
    }
    char parent[PT_NAME_SIZE_MAX + 1];
    pt_name_parent(name, parent);
    pt_assert(pt_parent_parse(kind, parent, false, &error) == PT_OK);
    pt_assert(pt_id_valid(pt_name_id(name)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pt_schema *schema; /* read once: it is constant */
    if (schema == NULL && pt_schema_new(pt_schema_embedded(), &schema, NULL) != PT_OK) {
        pt_unreachable();
    }
    char *text = strndup((const char *)data, size);
    pt_assert(text != NULL);
    take_apart(schema, text);
    for (enum pt_format format = PT_FORMAT_ANY; format <= PT_FORMAT_SHA256_HEX; format++) {
        enum pt_code code = pt_format_check(format, text, NULL, NULL);
        pt_assert(code == PT_OK || (code == PT_INVALID_ARGUMENT && format != PT_FORMAT_ANY));
    }
    struct pt_arena arena;
    struct pt_buf out;
    pt_arena_init(&arena);
    pt_buf_init(&out);
    size_t len = 0;
    const struct pt_message_type *const *kinds = pt_schema_kinds(schema, &len);
    for (size_t i = 0; i < len; i++) {
        bool exact = pt_parent_parse(kinds[i], text, false, NULL) == PT_OK;
        bool wide = pt_parent_parse(kinds[i], text, true, NULL) == PT_OK;
        pt_assert(wide || !exact);
        struct pt_msg *empty = pt_msg_new(&arena, kinds[i]);
        struct pt_msg *other = pt_msg_new(&arena, kinds[i]);
        enum pt_code copied = pt_msg_copy_path(other, empty, text, &arena, NULL);
        pt_assert(copied == pt_msg_text(empty, text, &out, NULL)); /* the same paths exist for both */
    }
    pt_buf_fini(&out);
    pt_arena_fini(&arena);
    free(text);
    return 0;
}
