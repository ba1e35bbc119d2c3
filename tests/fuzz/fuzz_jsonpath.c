/* libs: pt_cli */
/*
 * Templates over one document that has every kind of value in it.
 */
#include "base/assert.h"
#include "cli/jsonpath.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char document[] = "{\"items\":[{\"name\":\"a\",\"n\":\"10\",\"adminState\":true},{\"l\":[1,2,[3]]}],"
                                   "\"labels\":{\"a.b\":null},\"x\":-1.5}";
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_error error = {0};
    const struct pt_cli_value *root = NULL;
    PT_AUTO(buf) struct pt_buf out = {0};
    pt_assert(pt_cli_value_read(document, strlen(document), &arena, &root, &error) == PT_OK);
    char *expression = pt_arena_strndup(&arena, (const char *)data, size);
    if (pt_cli_jsonpath(expression, root, &arena, &out, &error) != PT_OK) {
        pt_assert(error.code == PT_INVALID_ARGUMENT && error.text[0] != '\0');
    }
    pt_arena_fini(&arena);
    return 0;
}
