/*
 * Differences: both trees are walked side by side, down to what pt_msg_text can show in one line.
 */
#include "wire/diff.h"

#include "base/assert.h"

#include <string.h>

struct diff {
    const struct pt_msg *before, *after; /* the roots */
    void (*fn)(void *arg, const char *path, const char *before, const char *after);
    void *arg;
};

static void text_at(const struct pt_msg *root, const char *path, struct pt_buf *out)
{
    struct pt_error error = {0};
    if (root != NULL && pt_msg_text(root, path, out, &error) != PT_OK) {
        pt_buf_reset(out);
    }
    pt_buf_append_u8(out, 0);
}

static void compare(const struct diff *diff, const char *path)
{
    PT_AUTO(buf) struct pt_buf before = {0};
    PT_AUTO(buf) struct pt_buf after = {0};
    text_at(diff->before, path, &before);
    text_at(diff->after, path, &after);
    if (strcmp((const char *)before.data, (const char *)after.data) != 0) {
        diff->fn(diff->arg, path, (const char *)before.data, (const char *)after.data);
    }
}

static const char *key_at(const struct pt_msg_field *map, size_t at)
{
    return pt_msg_str(map->values[at].message, "key");
}

static bool has_key(const struct pt_msg_field *map, const char *key)
{
    for (size_t i = 0; map != NULL && i < map->len; i++) {
        if (strcmp(key_at(map, i), key) == 0) {
            return true;
        }
    }
    return false;
}

static void compare_maps(const struct diff *diff, const struct pt_msg_field *before, const struct pt_msg_field *after,
                         const char *path)
{
    const struct pt_msg_field *maps[] = {before, after};
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; maps[i] != NULL && j < maps[i]->len; j++) {
            const char *key = key_at(maps[i], j);
            if (i == 0 || !has_key(before, key)) {
                PT_AUTO(buf) struct pt_buf entry = {0};
                pt_buf_printf(&entry, "%s.%s", path, key);
                compare(diff, (const char *)entry.data);
            }
        }
    }
}

static void walk(const struct diff *diff, const struct pt_message_type *type, const struct pt_msg *before,
                 const struct pt_msg *after, const char *prefix)
{
    for (size_t i = 0; i < type->fields_len; i++) {
        const struct pt_field_type *field = &type->fields[i];
        const struct pt_msg_field *a = before != NULL ? pt_msg_field(before, field->name) : NULL;
        const struct pt_msg_field *b = after != NULL ? pt_msg_field(after, field->name) : NULL;
        bool name = prefix[0] == '\0' && strcmp(field->name, "name") == 0;
        if ((a == NULL && b == NULL) || name || field->rules.output != PT_OUTPUT_USER || field->rules.secret) {
            continue;
        }
        PT_AUTO(buf) struct pt_buf path = {0};
        pt_buf_printf(&path, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", field->name);
        const char *text = (const char *)path.data;
        bool message = field->message != NULL && field->message->well_known == PT_WELL_KNOWN_NONE;
        if (field->map && field->message->fields[0].kind == PT_FIELD_STRING) {
            compare_maps(diff, a, b, text);
        } else if (message && !field->repeated) {
            walk(diff, field->message, a != NULL ? a->values[0].message : NULL, b != NULL ? b->values[0].message : NULL,
                 text);
        } else {
            compare(diff, text);
        }
    }
}

void pt_msg_diff(const struct pt_message_type *type, const struct pt_msg *before, const struct pt_msg *after,
                 void (*fn)(void *arg, const char *path, const char *before, const char *after), void *arg)
{
    const struct diff diff = {.before = before, .after = after, .fn = fn, .arg = arg};
    walk(&diff, type, before, after, "");
}
