/* libs: pt_cli */
/*
 * The readers of YAML and of JSON without types. What is read as JSON must come back the same through YAML.
 */
#include "base/assert.h"
#include "cli/context.h"
#include "cli/yaml.h"

#include <string.h>

static void round_trip(const struct pt_cli_value *value, struct pt_arena *arena)
{
    struct pt_error error = {0};
    const struct pt_cli_value *back = NULL;
    PT_AUTO(buf) struct pt_buf json = {0};
    PT_AUTO(buf) struct pt_buf yaml = {0};
    PT_AUTO(buf) struct pt_buf again = {0};
    PT_AUTO(buf) struct pt_buf end = {0};
    pt_cli_value_json(value, &json);
    pt_cli_yaml_write(value, 0, &yaml);
    enum pt_code code = pt_cli_yaml_to_json("f", (const char *)yaml.data, yaml.size, &again, &error);
    if (code != PT_OK) { /* YAML is read less deep than JSON */
        pt_assert(strstr(error.text, "too deep") != NULL);
        return;
    }
    pt_assert(pt_cli_value_read((const char *)again.data, again.size, arena, &back, &error) == PT_OK);
    pt_cli_value_json(back, &end);
    pt_assert(end.size == json.size && memcmp(end.data, json.data, end.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_error error = {0};
    const struct pt_cli_value *value = NULL;
    struct pt_cli_contexts contexts;
    PT_AUTO(buf) struct pt_buf json = {0};
    const char *text = size > 0 ? (const char *)data : "";
    if (pt_cli_value_read(text, size, &arena, &value, &error) == PT_OK) {
        round_trip(value, &arena);
    }
    if (pt_cli_yaml_to_json("f", text, size, &json, &error) == PT_OK && json.size > 0 &&
        pt_cli_value_read((const char *)json.data, json.size, &arena, &value, &error) == PT_OK) {
        round_trip(value, &arena);
    }
    if (pt_cli_contexts_read("f", text, size, &arena, &contexts, &error) == PT_OK) {
        PT_AUTO(buf) struct pt_buf written = {0};
        pt_cli_contexts_write(&contexts, &written);
        pt_assert(pt_cli_contexts_read("f", (const char *)written.data, written.size, &arena, &contexts, &error) ==
                  PT_OK);
    }
    pt_arena_fini(&arena);
    return 0;
}
