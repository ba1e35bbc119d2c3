/*
 * Each object is cut out of its text, its "kind" (which is no field of the message) is blanked, and the rest goes to
 * the one reader of JSON; so lines and columns in errors are those of the file. The keys that stand there make the
 * mask: what an object does not name is not touched.
 */
#include "cli/document.h"

#include "cli/scan.h"
#include "cli/yaml.h"

#include "base/limits.h"
#include "base/map.h"
#include "wire/json.h"

#include <stdio.h>
#include <string.h>

struct source {
    const struct pt_cli_scope *scope;
    const char *file;
    struct pt_buf json; /* made from YAML; empty when the text is JSON */
    struct pt_cli_scan scan;
    struct pt_arena *arena;
    size_t counted_to; /* lines are counted once, from the front */
    unsigned counted_line;
};

static enum pt_code not_json(struct source *source, size_t offset, struct pt_error *reterr)
{
    char place[PT_ERROR_FIELD_SIZE];
    (void)snprintf(place, sizeof(place), "%.150s, line %u", source->file, pt_cli_scan_line(&source->scan, offset));
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, place,
                   "an object, an array of objects or {\"items\": [...]} is expected here, as YAML or as JSON with "
                   "commas between members and none behind the last");
}

static unsigned line_of(struct source *source, size_t offset)
{
    for (; source->counted_to < offset; source->counted_to++) {
        source->counted_line += source->scan.text[source->counted_to] == '\n';
    }
    return source->counted_line;
}

static bool span_is(const struct pt_cli_scan *scan, struct pt_cli_span span, const char *text)
{
    size_t size = strlen(text);
    return span.end - span.begin == size + 2 && memcmp(scan->text + span.begin + 1, text, size) == 0;
}

/* The content of a string without escapes; NULL when it is another value. */
static const char *plain_string(const struct source *source, struct pt_cli_span span)
{
    const char *text = source->scan.text + span.begin;
    size_t size = span.end - span.begin;
    if (size < 2 || text[0] != '"' || memchr(text, '\\', size) != NULL) {
        return NULL;
    }
    return pt_arena_strndup(source->arena, text + 1, size - 2);
}

/* ---- one object ----------------------------------------------------------------------------------------------- */

struct outline { /* what is known of an object before its kind is */
    const char *kind, *name;
    const char *keys[256];
    size_t keys_len;
    struct pt_cli_span kind_member; /* with one comma; empty when there is none */
};

/* A member with the comma behind it or, of the last one, the comma before it. */
static struct pt_cli_span with_comma(const struct pt_cli_scan *scan, size_t begin, size_t end, bool first)
{
    size_t next = end + strspn(scan->text + end, " \t\r\n"); /* the object's '}' is there at the latest */
    if (scan->text[next] == ',') {
        return (struct pt_cli_span){begin, next + 1};
    }
    while (!first && scan->text[begin] != ',') {
        begin--;
    }
    return (struct pt_cli_span){begin, end};
}

static enum pt_code read_outline(struct source *source, struct pt_cli_span object, struct outline *outline,
                                 struct pt_error *reterr)
{
    struct pt_cli_scan scan = {.text = source->scan.text, .size = object.end, .at = object.begin + 1};
    bool first = true;
    for (;;) {
        struct pt_cli_span key;
        struct pt_cli_span value;
        bool more = false;
        if (!pt_cli_scan_member(&scan, &key, &value, &more)) {
            return not_json(source, scan.at, reterr);
        }
        if (!more) {
            return PT_OK;
        }
        const char *name = plain_string(source, key);
        if (name != NULL && strcmp(name, "kind") == 0) {
            outline->kind = plain_string(source, value);
            outline->kind_member = with_comma(&scan, key.begin, value.end, first);
        } else if (name != NULL) {
            outline->name = strcmp(name, "name") == 0 ? plain_string(source, value) : outline->name;
            if (outline->keys_len == sizeof(outline->keys) / sizeof(outline->keys[0])) {
                return not_json(source, key.begin, reterr);
            }
            outline->keys[outline->keys_len++] = name;
        }
        first = false;
    }
}

static enum pt_code read_message(struct source *source, struct pt_cli_span object, const struct outline *outline,
                                 struct pt_cli_document *document, struct pt_error *reterr)
{
    size_t size = object.end - object.begin;
    char *text = pt_arena_memdup(source->arena, source->scan.text + object.begin, size);
    for (size_t i = outline->kind_member.begin; i < outline->kind_member.end; i++) {
        char *c = &text[i - object.begin];
        *c = *c == '\n' ? '\n' : ' ';
    }
    enum pt_code code =
        pt_json_read(source->scope->schema, document->kind, text, size, source->arena, &document->msg, reterr);
    if (code != PT_OK && reterr != NULL) {
        unsigned line = 0;
        char rest[64] = "";
        if (sscanf(reterr->field, "line %u%60[^\n]", &line, rest) >= 1) {
            rest[0] = source->json.size > 0 ? '\0' : rest[0]; /* columns are not those of the YAML */
            (void)snprintf(reterr->field, sizeof(reterr->field), "%.100s, line %u%s", source->file,
                           line + document->line - 1, rest);
        }
    }
    return code;
}

static void make_mask(struct source *source, const struct outline *outline, struct pt_cli_document *document)
{
    for (size_t i = 0; i < outline->keys_len; i++) {
        const struct pt_field_type *field = pt_message_field(document->kind, outline->keys[i]);
        if (field != NULL && field->rules.output == PT_OUTPUT_USER && strcmp(field->name, "name") != 0) {
            pt_cli_mask_add(&document->mask, source->arena, field->name);
        }
    }
}

static enum pt_code read_object(struct source *source, struct pt_cli_span object, const struct pt_message_type *kind,
                                struct pt_cli_document *document, struct pt_error *reterr)
{
    struct outline outline = {0};
    PT_TRY(read_outline(source, object, &outline, reterr));
    *document =
        (struct pt_cli_document){.file = source->file, .line = line_of(source, object.begin), .kind = kind, .name = ""};
    char place[PT_ERROR_FIELD_SIZE];
    (void)snprintf(place, sizeof(place), "%.150s, line %u", source->file, document->line);
    const struct pt_message_type *said = outline.kind != NULL ? pt_cli_kind(source->scope->schema, outline.kind) : NULL;
    if (outline.kind != NULL && said == NULL) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, place,
                       "there is no kind '%.60s'; patronusctl kinds lists them", outline.kind);
    }
    if (kind == NULL && said == NULL) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, place,
                       "the object has no \"kind\"; write for example \"kind\": \"Site\"");
    }
    if (kind != NULL && said != NULL && said != kind) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                       "the object is a %s, where a %s is expected", said->name, kind->name);
    }
    document->kind = said != NULL ? said : kind;
    PT_TRY(read_message(source, object, &outline, document, reterr));
    if (outline.name != NULL && outline.name[0] != '\0') {
        enum pt_code code =
            pt_cli_name(source->scope, document->kind, outline.name, source->arena, &document->name, NULL, reterr);
        if (code != PT_OK) {
            return pt_wrap(reterr, code, "%.150s, line %u", source->file, document->line);
        }
        pt_msg_set_str(document->msg, source->arena, "name", document->name);
    } else if (kind == NULL) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, place, "the object has no \"name\"");
    }
    pt_msg_strip(document->msg, PT_OUTPUT_DERIVED, false);
    pt_msg_strip(document->msg, PT_OUTPUT_SOFT, false);
    pt_cli_expand_references(source->scope, document->name, document->msg, source->arena);
    make_mask(source, &outline, document);
    return PT_OK;
}

/* ---- whole texts ---------------------------------------------------------------------------------------------- */

static enum pt_code add_object(struct source *source, struct pt_cli_span object, struct pt_cli_documents *documents,
                               struct pt_error *reterr)
{
    if (source->scan.text[object.begin] != '{') {
        return not_json(source, object.begin, reterr);
    }
    if (documents->len == PT_CLI_DOCUMENTS_MAX) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_LIMIT_REACHED, source->file,
                       "more than %d objects at once; apply them in several runs", PT_CLI_DOCUMENTS_MAX);
    }
    if (documents->len == documents->capacity) {
        size_t capacity = documents->capacity == 0 ? 64 : documents->capacity * 2;
        struct pt_cli_document *items = pt_arena_array(source->arena, capacity, sizeof(*items));
        if (documents->len > 0) {
            memcpy(items, documents->items, documents->len * sizeof(*items));
        }
        documents->items = items;
        documents->capacity = capacity;
    }
    PT_TRY(read_object(source, object, NULL, &documents->items[documents->len], reterr));
    documents->len++;
    return PT_OK;
}

static enum pt_code add_array(struct source *source, struct pt_cli_span array, struct pt_cli_documents *documents,
                              struct pt_error *reterr)
{
    struct pt_cli_scan scan = {.text = source->scan.text, .size = array.end, .at = array.begin + 1};
    for (;;) {
        struct pt_cli_span value;
        bool more = false;
        if (!pt_cli_scan_element(&scan, &value, &more)) {
            return not_json(source, scan.at, reterr);
        }
        if (!more) {
            return PT_OK;
        }
        PT_TRY(add_object(source, value, documents, reterr));
    }
}

/* {"items": [...]}: true, and where the array is. */
static bool is_list(const struct source *source, struct pt_cli_span object, struct pt_cli_span *ret_items)
{
    struct pt_cli_scan scan = {.text = source->scan.text, .size = object.end, .at = object.begin + 1};
    bool found = false;
    struct pt_cli_span key;
    struct pt_cli_span value;
    bool more = true;
    while (pt_cli_scan_member(&scan, &key, &value, &more) && more) {
        if (span_is(&scan, key, "name")) {
            return false;
        }
        if (span_is(&scan, key, "items") && scan.text[value.begin] == '[') {
            *ret_items = value;
            found = true;
        }
    }
    return found;
}

/* What begins with a bracket is JSON, all else YAML, which is made JSON with the same lines first. */
static enum pt_code open_source(struct source *source, const char *text, size_t size, struct pt_error *reterr)
{
    source->scan = (struct pt_cli_scan){.text = text, .size = size};
    source->counted_line = 1;
    char first = pt_cli_scan_peek(&source->scan);
    if (first != '{' && first != '[' && first != '\0') {
        PT_TRY(pt_cli_yaml_to_json(source->file, text, size, &source->json, reterr));
        pt_buf_append_u8(&source->json, 0);
        source->scan = (struct pt_cli_scan){.text = (const char *)source->json.data, .size = source->json.size - 1};
    }
    return PT_OK;
}

static enum pt_code read_all(struct source *source, struct pt_cli_documents *documents, struct pt_error *reterr)
{
    while (pt_cli_scan_peek(&source->scan) != '\0') {
        struct pt_cli_span value;
        struct pt_cli_span items;
        size_t begin = source->scan.at;
        if (!pt_cli_scan_value(&source->scan, &value)) {
            return not_json(source, begin, reterr);
        }
        char first = source->scan.text[value.begin];
        if (first == '[') {
            PT_TRY(add_array(source, value, documents, reterr));
        } else if (first == '{' && is_list(source, value, &items)) {
            PT_TRY(add_array(source, items, documents, reterr));
        } else {
            PT_TRY(add_object(source, value, documents, reterr));
        }
    }
    return source->scan.at == source->scan.size ? PT_OK : not_json(source, source->scan.at, reterr);
}

enum pt_code pt_cli_documents_read(const struct pt_cli_scope *scope, const char *file, const char *text, size_t size,
                                   struct pt_arena *arena, struct pt_cli_documents *documents, struct pt_error *reterr)
{
    struct source source = {.scope = scope, .file = file, .arena = arena};
    enum pt_code code = open_source(&source, text, size, reterr);
    if (code == PT_OK) {
        code = read_all(&source, documents, reterr);
    }
    pt_buf_fini(&source.json);
    return code;
}

static enum pt_code read_only(struct source *source, const struct pt_message_type *kind,
                              struct pt_cli_document *ret_document, struct pt_error *reterr)
{
    struct pt_cli_scan *scan = &source->scan;
    struct pt_cli_span value;
    if (pt_cli_scan_peek(scan) != '{' || !pt_cli_scan_value(scan, &value) || pt_cli_scan_peek(scan) != '\0' ||
        scan->at != scan->size) {
        return not_json(source, scan->at, reterr);
    }
    return read_object(source, value, kind, ret_document, reterr);
}

enum pt_code pt_cli_document_read_one(const struct pt_cli_scope *scope, const struct pt_message_type *kind,
                                      const char *file, const char *text, size_t size, struct pt_arena *arena,
                                      struct pt_cli_document *ret_document, struct pt_error *reterr)
{
    struct source source = {.scope = scope, .file = file, .arena = arena};
    enum pt_code code = open_source(&source, text, size, reterr);
    if (code == PT_OK) {
        code = read_only(&source, kind, ret_document, reterr);
    }
    pt_buf_fini(&source.json);
    return code;
}

/* ---- order ---------------------------------------------------------------------------------------------------- */

struct needs {
    struct pt_cli_documents *documents;
    struct pt_map *by_name; /* name -> document */
    struct pt_arena *arena;
    struct pt_cli_document *document;
};

static void add_need(struct needs *needs, const char *name)
{
    const struct pt_cli_document *needed = pt_map_get_str(needs->by_name, name);
    struct pt_cli_document *document = needs->document;
    if (needed == NULL || needed == document) {
        return;
    }
    if (document->needs_len == document->needs_capacity) {
        size_t capacity = document->needs_capacity == 0 ? 4 : document->needs_capacity * 2;
        size_t *grown = pt_arena_array(needs->arena, capacity, sizeof(*grown));
        if (document->needs_len > 0) {
            memcpy(grown, document->needs, document->needs_len * sizeof(*grown));
        }
        document->needs = grown;
        document->needs_capacity = capacity;
    }
    document->needs[document->needs_len++] = (size_t)(needed - needs->documents->items);
}

static void on_reference(void *arg, const char *path, const char *kind, const char *name)
{
    (void)path;
    (void)kind;
    add_need(arg, name);
}

static void find_needs(struct needs *needs)
{
    for (size_t i = 0; i < needs->documents->len; i++) {
        needs->document = &needs->documents->items[i];
        char parent[PT_NAME_SIZE_MAX + 1];
        (void)snprintf(parent, sizeof(parent), "%s", needs->document->name);
        while (parent[0] != '\0') {
            pt_name_parent(parent, parent);
            add_need(needs, parent);
        }
        pt_msg_references(needs->document->msg, on_reference, needs);
    }
}

static bool is_ready(const struct pt_cli_document *document, const bool *placed)
{
    for (size_t i = 0; i < document->needs_len; i++) {
        if (!placed[document->needs[i]]) {
            return false;
        }
    }
    return true;
}

/* Rounds over what is left, in the files' order; a chain of n levels takes at most n rounds. In a circle the first one
 * goes first: the server says what is wrong with it. */
static void place_all(const struct pt_cli_documents *documents, bool *placed, size_t *order)
{
    size_t len = 0;
    while (len < documents->len) {
        size_t before = len;
        size_t first_left = documents->len;
        for (size_t i = 0; i < documents->len; i++) {
            if (placed[i]) {
                continue;
            }
            first_left = first_left == documents->len ? i : first_left;
            if (is_ready(&documents->items[i], placed)) {
                placed[i] = true;
                order[len++] = i;
            }
        }
        if (len == before) {
            placed[first_left] = true;
            order[len++] = first_left;
        }
    }
}

enum pt_code pt_cli_documents_order(struct pt_cli_documents *documents, struct pt_arena *arena, size_t *ret_order,
                                    struct pt_error *reterr)
{
    struct pt_map by_name;
    pt_map_init(&by_name);
    enum pt_code code = PT_OK;
    for (size_t i = 0; i < documents->len && code == PT_OK; i++) {
        const struct pt_cli_document *document = &documents->items[i];
        const struct pt_cli_document *other = pt_map_put_str(&by_name, document->name, &documents->items[i]);
        if (other != NULL) {
            code = pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, document->name,
                           "stands twice: %.120s, line %u and %.120s, line %u", other->file, other->line,
                           document->file, document->line);
        }
    }
    if (code == PT_OK) {
        struct needs needs = {.documents = documents, .by_name = &by_name, .arena = arena};
        find_needs(&needs);
        place_all(documents, pt_arena_array(arena, documents->len, sizeof(bool)), ret_order);
    }
    pt_map_fini(&by_name);
    return code;
}
