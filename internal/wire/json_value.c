/*
 * The tree is built bottom up: items of an array or object are collected in a list that grows by doubling in the arena,
 * which is bounded by the size of the text.
 */
#include "wire/json_value.h"

#include "wire/json_scan.h"

#include <string.h>

static enum pt_code read_value(struct pt_json_scan *scan, unsigned depth, struct pt_json_value *ret_value);

static enum pt_code refuse(struct pt_json_scan *scan, const char *text)
{
    return pt_json_fail(scan, scan->at, PT_REASON_MESSAGE_MALFORMED, NULL, "%s", text);
}

static enum pt_code add_item(struct pt_json_scan *scan, struct pt_json_value *list, size_t *capacity,
                             const struct pt_json_value *item)
{
    if (list->len == PT_JSON_VALUE_ITEMS_MAX) {
        return refuse(scan, "too many items");
    }
    struct pt_json_value *items = (struct pt_json_value *)(uintptr_t)list->items;
    if (list->len == *capacity) {
        size_t more = *capacity == 0 ? 8 : *capacity * 2;
        struct pt_json_value *grown = pt_arena_array(scan->arena, more, sizeof(*grown));
        if (list->len > 0) {
            memcpy(grown, items, list->len * sizeof(*grown));
        }
        items = grown;
        *capacity = more;
    }
    items[list->len++] = *item;
    list->items = items;
    return PT_OK;
}

static enum pt_code read_items(struct pt_json_scan *scan, unsigned depth, char end, struct pt_json_value *list)
{
    size_t capacity = 0;
    if (depth >= PT_JSON_VALUE_DEPTH_MAX) {
        return refuse(scan, "too deep");
    }
    scan->at++;
    if (pt_json_peek(scan) == end) {
        scan->at++;
        return PT_OK;
    }
    for (;;) {
        struct pt_json_value item = {0};
        const char *key = NULL;
        if (end == '}') {
            struct pt_bytes text;
            if (pt_json_peek(scan) != '"') {
                return refuse(scan, "a member needs a name");
            }
            PT_TRY(pt_json_string(scan, NULL, &text));
            PT_TRY(pt_json_expect(scan, ':', NULL));
            key = (const char *)text.data;
            if (pt_json_member(list, key) != NULL) {
                return refuse(scan, "a member stands there twice");
            }
        }
        PT_TRY(read_value(scan, depth + 1, &item));
        item.key = key;
        PT_TRY(add_item(scan, list, &capacity, &item));
        char next = pt_json_peek(scan);
        if (next != ',' && next != end) {
            return refuse(scan, "a comma or the end is wanted");
        }
        scan->at++;
        if (next == end) {
            return PT_OK;
        }
    }
}

static enum pt_code read_value(struct pt_json_scan *scan, unsigned depth, struct pt_json_value *ret_value)
{
    struct pt_json_value value = {0};
    struct pt_bytes text = {0};
    char first = pt_json_peek(scan);
    if (first == '{' || first == '[') {
        value.type = first == '{' ? PT_JSON_OBJECT : PT_JSON_ARRAY;
        PT_TRY(read_items(scan, depth, first == '{' ? '}' : ']', &value));
    } else if (first == '"') {
        value.type = PT_JSON_STRING;
        PT_TRY(pt_json_string(scan, NULL, &text));
        value.text = (const char *)text.data;
    } else if (pt_json_take_word(scan, "null")) {
        value.type = PT_JSON_NULL;
    } else if (pt_json_take_word(scan, "true") || pt_json_take_word(scan, "false")) {
        value.type = PT_JSON_BOOL;
        value.truth = first == 't';
    } else {
        value.type = PT_JSON_NUMBER;
        PT_TRY(pt_json_number(scan, NULL, &text));
        value.text = (const char *)text.data;
    }
    *ret_value = value;
    return PT_OK;
}

enum pt_code pt_json_value_read(struct pt_bytes json, struct pt_arena *arena, const struct pt_json_value **ret_value,
                                struct pt_error *reterr)
{
    if (json.size == 0 || json.size > PT_JSON_VALUE_SIZE_MAX) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, NULL,
                       "the document has %zu bytes; 1 to %u are read", json.size, PT_JSON_VALUE_SIZE_MAX);
    }
    const char *text = pt_arena_strndup(arena, (const char *)json.data, json.size);
    struct pt_json_scan scan = {.start = text, .at = text, .end = text + json.size, .arena = arena, .reterr = reterr};
    struct pt_json_value *value = pt_arena_alloc(arena, sizeof(*value));
    PT_TRY(read_value(&scan, 0, value));
    if (pt_json_peek(&scan) != 0 || scan.at != scan.end) {
        return refuse(&scan, "something follows the value");
    }
    *ret_value = value;
    return PT_OK;
}

const struct pt_json_value *pt_json_member(const struct pt_json_value *value, const char *key)
{
    for (size_t i = 0; value != NULL && value->type == PT_JSON_OBJECT && i < value->len; i++) {
        if (strcmp(value->items[i].key, key) == 0) {
            return &value->items[i];
        }
    }
    return NULL;
}

const char *pt_json_text(const struct pt_json_value *value, const char *key)
{
    const struct pt_json_value *member = pt_json_member(value, key);
    return member != NULL && member->type == PT_JSON_STRING ? member->text : "";
}

bool pt_json_whole(const struct pt_json_value *value, int64_t *ret_number)
{
    if (value == NULL || value->type != PT_JSON_NUMBER) {
        return false;
    }
    size_t size = strlen(value->text);
    if (size == 0 || size > 15 || strspn(value->text, "0123456789") != size) {
        return false;
    }
    int64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number = number * 10 + (value->text[i] - '0');
    }
    *ret_number = number;
    return true;
}
