/* libs: pt_wire */
/*
 * The wire walker and everything that works on what it lets through. The first byte chooses the type: a kind id, or
 * else the request of a method; its top bit drops unknown fields instead of refusing them. The rest is the message.
 */
#include "base/assert.h"
#include "base/limits.h"
#include "wire/json.h"

#include <string.h>

static const struct pt_message_type *choose(const struct pt_schema *schema, uint8_t byte)
{
    size_t len = 0;
    const struct pt_method_type *const *methods = pt_schema_methods(schema, &len);
    const struct pt_message_type *kind = pt_schema_kind_by_id(schema, byte & 0x7f);
    return kind != NULL ? kind : methods[(byte & 0x7f) % len]->input;
}

static void count_reference(void *arg, const char *path, const char *kind, const char *name)
{
    pt_assert(path[0] != '\0' && kind[0] != '\0' && name[0] != '\0');
    ++*(size_t *)arg;
}

/* What holds for every tree that was let through. */
static void use(const struct pt_schema *schema, struct pt_msg *msg, struct pt_arena *arena)
{
    struct pt_buf once;
    struct pt_buf twice;
    pt_buf_init(&once);
    pt_buf_init(&twice);
    pt_msg_encode(msg, &once);
    struct pt_msg *back = NULL;
    struct pt_parse_options options = {.size_max = 2 * PT_MESSAGE_SIZE_MAX};
    struct pt_error error;
    pt_assert(pt_msg_parse(msg->type, pt_buf_bytes(&once), &options, arena, &back, &error) == PT_OK);
    pt_msg_encode(back, &twice);
    pt_assert(once.size == twice.size && (once.size == 0 || memcmp(once.data, twice.data, once.size) == 0));

    size_t references_len = 0;
    pt_msg_references(msg, count_reference, &references_len);
    /* Either verdict is fine, but a resource that may be created may also be updated. */
    bool creatable = pt_msg_check(msg, PT_RULE_CREATE, &error) == PT_OK;
    bool updatable = pt_msg_check(msg, PT_RULE_UPDATE, NULL) == PT_OK;
    pt_assert(updatable || !creatable);
    pt_json_write(schema, msg, PT_JSON_INDENT | PT_JSON_DEFAULTS, &twice);

    struct pt_msg *copy = pt_msg_new(arena, msg->type);
    for (size_t i = 0; i < msg->type->fields_len; i++) {
        pt_assert(pt_msg_copy_path(copy, msg, msg->type->fields[i].name, arena, &error) == PT_OK);
        pt_assert(pt_msg_text(msg, msg->type->fields[i].name, &twice, &error) == PT_OK);
    }
    pt_assert(pt_msg_equal(copy, msg));
    pt_msg_strip(copy, PT_OUTPUT_SOFT, true);
    pt_msg_strip(copy, PT_OUTPUT_DERIVED, false);
    pt_msg_encode(copy, &twice);
    pt_buf_fini(&once);
    pt_buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pt_schema *schema; /* read once: it is constant, and takes longer than a thousand inputs */
    if (schema == NULL && pt_schema_new(pt_schema_embedded(), &schema, NULL) != PT_OK) {
        pt_unreachable();
    }
    if (size == 0) {
        return 0;
    }
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_parse_options options = {.unknown = (data[0] & 0x80) != 0 ? PT_UNKNOWN_DROP : PT_UNKNOWN_REFUSE};
    struct pt_error error = {0};
    struct pt_msg *msg = NULL;
    struct pt_bytes bytes = {data + 1, size - 1};
    if (pt_msg_parse(choose(schema, data[0]), bytes, &options, &arena, &msg, &error) == PT_OK) {
        pt_assert(arena.total_size <= PT_MSG_EXPANSION_MAX * size + 8192);
        use(schema, msg, &arena);
    } else {
        pt_assert(msg == NULL && error.code == PT_INVALID_ARGUMENT && error.text[0] != '\0');
    }
    pt_arena_fini(&arena);
    return 0;
}
