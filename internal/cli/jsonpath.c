/*
 * A template is walked from left to right; a path is read into steps and then followed, step by step, over a set of
 * values. A range remembers where its body begins and walks it once for each value found. Sets are limited, because
 * `..*` inside of itself grows without end.
 */
#include "cli/jsonpath.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum step_kind { STEP_NAME, STEP_ALL, STEP_DEEP, STEP_INDEX, STEP_SLICE, STEP_FILTER };

struct step {
    enum step_kind kind;
    const char *names[8]; /* STEP_NAME: any of them; STEP_DEEP: one, or none for all */
    size_t names_len;
    long from, to; /* STEP_INDEX: from; STEP_SLICE */
    bool has_from, has_to;
    const char *filter; /* STEP_FILTER: behind "?(" */
};

struct set {
    const struct pt_cli_value **values;
    size_t len, capacity;
};

struct template
{
    const char *begin, *at;
    const struct pt_cli_value *root, *here;
    struct pt_arena *arena;
    struct pt_buf *out;
    struct pt_error *reterr;
    int depth; /* of ranges */
};

static enum pt_code refuse(const struct template *template, const char *text)
{
    return pt_fail(template->reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "--output",
                   "jsonpath, character %zu: %s", (size_t)(template->at - template->begin) + 1, text);
}

static enum pt_code set_add(const struct template *template, struct set *set, const struct pt_cli_value *value)
{
    if (set->len == PT_CLI_JSONPATH_FOUND_MAX) {
        return refuse(template, "this finds more than a million values");
    }
    if (set->len == set->capacity) {
        size_t capacity = set->capacity == 0 ? 16 : set->capacity * 2;
        const struct pt_cli_value **values = pt_arena_array(template->arena, capacity, sizeof(*values));
        if (set->len > 0) {
            memcpy(values, set->values, set->len * sizeof(*values));
        }
        set->values = values;
        set->capacity = capacity;
    }
    set->values[set->len++] = value;
    return PT_OK;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static void skip_spaces(struct template *template)
{
    while (*template->at == ' ' || *template->at == '\t') {
        template->at++;
    }
}

static bool is_name_character(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || (unsigned char)c >= 0x80;
}

/* A quoted text with \n, \t, \r, \\ and the quotes. */
static enum pt_code read_quoted(struct template *template, const char **ret_text)
{
    char quote = *template->at++;
    PT_AUTO(buf) struct pt_buf text = {0};
    for (; *template->at != quote; template->at++) {
        char c = *template->at;
        if (c == '\0') {
            return refuse(template, "the closing quote is missing");
        }
        if (c == '\\' && template->at[1] != '\0') {
            c = *++template->at;
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
        }
        pt_buf_append_u8(&text, (uint8_t)c);
    }
    template->at++;
    pt_buf_append_u8(&text, 0);
    *ret_text = pt_arena_strdup(template->arena, (const char *)text.data);
    return PT_OK;
}

static bool read_long(struct template *template, long *ret_value)
{
    if (!isdigit((unsigned char)*template->at) && *template->at != '-') {
        return false;
    }
    char *end = NULL;
    *ret_value = strtol(template->at, &end, 10);
    bool good = end != template->at;
    template->at = end;
    return good;
}

static enum pt_code read_filter_end(struct template *template, struct step *step)
{
    step->kind = STEP_FILTER;
    template->at += 2;
    step->filter = template->at;
    int depth = 1;
    for (; depth > 0; template->at++) {
        char c = *template->at;
        if (c == '\0') {
            return refuse(template, "the closing )] is missing");
        }
        if (c == '"' || c == '\'') {
            const char *text = NULL;
            PT_TRY(read_quoted(template, &text));
            template->at--;
        }
        depth += c == '(';
        depth -= c == ')';
    }
    return PT_OK;
}

/* Behind '['. */
static enum pt_code read_bracket(struct template *template, struct step *step)
{
    skip_spaces(template);
    char c = *template->at;
    if (c == '*') {
        step->kind = STEP_ALL;
        template->at++;
    } else if (c == '?' && template->at[1] == '(') {
        PT_TRY(read_filter_end(template, step));
    } else if (c == '\'' || c == '"') {
        step->kind = STEP_NAME;
        for (bool more = true; more; skip_spaces(template)) {
            if (step->names_len == sizeof(step->names) / sizeof(step->names[0])) {
                return refuse(template, "at most eight names stand in one bracket");
            }
            if (*template->at != '\'' && *template->at != '"') {
                return refuse(template, "a quoted name is expected here");
            }
            PT_TRY(read_quoted(template, &step->names[step->names_len++]));
            skip_spaces(template);
            more = *template->at == ',';
            template->at += more;
        }
    } else {
        step->has_from = read_long(template, &step->from);
        step->kind = *template->at == ':' ? STEP_SLICE : STEP_INDEX;
        if (step->kind == STEP_SLICE) {
            template->at++;
            step->has_to = read_long(template, &step->to);
        } else if (!step->has_from) {
            return refuse(template, "a number, *, a quoted name or ?(...) is expected here");
        }
    }
    skip_spaces(template);
    if (*template->at != ']') {
        return refuse(template, "the closing ] is missing");
    }
    template->at++;
    return PT_OK;
}

/* Behind '.' or "..". */
static enum pt_code read_name(struct template *template, struct step *step)
{
    if (*template->at == '*') {
        template->at++;
        step->kind = step->kind == STEP_DEEP ? STEP_DEEP : STEP_ALL;
        return PT_OK;
    }
    const char *begin = template->at;
    while (is_name_character(*template->at)) {
        template->at++;
    }
    if (template->at == begin) {
        return refuse(template, "a name is expected behind the dot");
    }
    step->names[step->names_len++] = pt_arena_strndup(template->arena, begin, (size_t)(template->at - begin));
    return PT_OK;
}

/* Steps up to the first character that is none of a path's. */
static enum pt_code read_steps(struct template *template, struct step *steps, size_t *ret_len)
{
    size_t len = 0;
    while (*template->at == '.' || *template->at == '[') {
        if (*template->at == '.' && len == 0 && !is_name_character(template->at[1]) &&
            strchr(".[*", template->at[1]) == NULL) {
            template->at++; /* "." alone: the value itself */
            break;
        }
        if (*template->at == '.' && template->at[1] == '[') {
            template->at++;
        }
        if (len == PT_CLI_JSONPATH_STEPS_MAX) {
            return refuse(template, "the path has too many steps");
        }
        struct step *step = &steps[len++];
        *step = (struct step){.kind = STEP_NAME};
        bool bracket = *template->at++ == '[';
        if (bracket) {
            PT_TRY(read_bracket(template, step));
            continue;
        }
        if (*template->at == '.') {
            template->at++;
            step->kind = STEP_DEEP;
        }
        PT_TRY(read_name(template, step));
    }
    *ret_len = len;
    return PT_OK;
}

/* ---- following ------------------------------------------------------------------------------------------------ */

/* admin_state is the schema's name of adminState. */
static bool is_called(const char *key, const char *name)
{
    if (strcmp(key, name) == 0) {
        return true;
    }
    for (; *name != '\0'; name++, key++) {
        bool upper = *name == '_' && name[1] != '\0';
        name += upper;
        if (*key != (upper ? (char)toupper((unsigned char)*name) : *name)) {
            return false;
        }
    }
    return *key == '\0';
}

static enum pt_code follow_names(const struct template *template, const struct step *step,
                                 const struct pt_cli_value *value, struct set *found)
{
    if (value->kind != PT_CLI_VALUE_OBJECT) {
        return PT_OK;
    }
    for (size_t i = 0; i < step->names_len; i++) {
        for (const struct pt_cli_value *member = value->first; member != NULL; member = member->next) {
            if (is_called(member->key, step->names[i])) {
                PT_TRY(set_add(template, found, member));
                break;
            }
        }
    }
    return PT_OK;
}

static enum pt_code follow_deep(const struct template *template, const struct step *step,
                                const struct pt_cli_value *value, struct set *found)
{
    for (const struct pt_cli_value *child = value->first; child != NULL; child = child->next) {
        if (step->names_len == 0 || (child->key != NULL && is_called(child->key, step->names[0]))) {
            PT_TRY(set_add(template, found, child));
        }
        PT_TRY(follow_deep(template, step, child, found)); /* a tree is at most PT_CLI_VALUE_DEPTH_MAX deep */
    }
    return PT_OK;
}

static enum pt_code follow_places(const struct template *template, const struct step *step,
                                  const struct pt_cli_value *value, struct set *found)
{
    long len = (long)value->len;
    long from = step->has_from ? step->from : 0;
    from = from < 0 && from >= -len ? from + len : from;
    long to = step->kind == STEP_INDEX ? from + (from < len) : step->has_to ? step->to : len;
    to = to < 0 && step->kind == STEP_SLICE ? to + len : to;
    long index = 0;
    if (value->kind != PT_CLI_VALUE_ARRAY) {
        return PT_OK;
    }
    for (const struct pt_cli_value *child = value->first; child != NULL; child = child->next, index++) {
        if (index >= from && index < to) {
            PT_TRY(set_add(template, found, child));
        }
    }
    return PT_OK;
}

static enum pt_code holds(const struct template *template, const char *filter, const struct pt_cli_value *value,
                          bool *ret_holds);

static enum pt_code follow_children(const struct template *template, const struct step *step,
                                    const struct pt_cli_value *value, struct set *found)
{
    for (const struct pt_cli_value *child = value->first; child != NULL; child = child->next) {
        bool good = step->kind == STEP_ALL;
        if (!good) {
            PT_TRY(holds(template, step->filter, child, &good));
        }
        if (good) {
            PT_TRY(set_add(template, found, child));
        }
    }
    return PT_OK;
}

static enum pt_code follow(const struct template *template, const struct step *step, const struct pt_cli_value *value,
                           struct set *found)
{
    switch (step->kind) {
    case STEP_NAME:
        return follow_names(template, step, value, found);
    case STEP_DEEP:
        return follow_deep(template, step, value, found);
    case STEP_INDEX:
    case STEP_SLICE:
        return follow_places(template, step, value, found);
    case STEP_ALL:
    case STEP_FILTER:
        return follow_children(template, step, value, found);
    }
    return PT_OK;
}

/* A whole path from its first character on; `here` is what it is relative to. */
static enum pt_code find(struct template *template, const struct pt_cli_value *here, struct set *ret_found)
{
    struct step *steps = pt_arena_array(template->arena, PT_CLI_JSONPATH_STEPS_MAX, sizeof(*steps));
    size_t len = 0;
    struct set found = {0};
    bool whole = *template->at == '$';
    template->at += whole || *template->at == '@';
    PT_TRY(read_steps(template, steps, &len));
    PT_TRY(set_add(template, &found, whole ? template->root : here));
    for (size_t i = 0; i < len; i++) {
        struct set next = {0};
        for (size_t j = 0; j < found.len; j++) {
            PT_TRY(follow(template, &steps[i], found.values[j], &next));
        }
        found = next;
    }
    *ret_found = found;
    return PT_OK;
}

/* ---- filters -------------------------------------------------------------------------------------------------- */

/* Numbers by value (64-bit ones are texts in JSON), everything else by bytes. */
static int compare(const char *a, const char *b)
{
    char *end_a = NULL;
    char *end_b = NULL;
    double x = strtod(a, &end_a);
    double y = strtod(b, &end_b);
    if (*a != '\0' && *b != '\0' && *end_a == '\0' && *end_b == '\0') {
        return (x > y) - (x < y);
    }
    return strcmp(a, b);
}

static enum pt_code read_literal(struct template *template, const char **ret_text)
{
    skip_spaces(template);
    if (*template->at == '"' || *template->at == '\'') {
        return read_quoted(template, ret_text);
    }
    const char *begin = template->at;
    while (is_name_character(*template->at) || *template->at == '.' || *template->at == '+') {
        template->at++;
    }
    *ret_text = pt_arena_strndup(template->arena, begin, (size_t)(template->at - begin));
    return template->at > begin ? PT_OK : refuse(template, "a value is expected here: a quoted text, a number, true");
}

static enum pt_code holds(const struct template *template, const char *filter, const struct pt_cli_value *value,
                          bool *ret_holds)
{
    static const char *const operators[] = {"==", "!=", "<=", ">=", "<", ">"};
    struct template inner = *template;
    struct set found = {0};
    inner.at = filter;
    skip_spaces(&inner);
    if (*inner.at != '@' && *inner.at != '$' && *inner.at != '.') {
        return refuse(&inner, "a condition begins with a path: ?(@.region == \"eu\")");
    }
    PT_TRY(find(&inner, value, &found));
    skip_spaces(&inner);
    if (*inner.at == ')') {
        *ret_holds = found.len > 0;
        return PT_OK;
    }
    size_t which = 0;
    while (which < 6 && strncmp(inner.at, operators[which], strlen(operators[which])) != 0) {
        which++;
    }
    if (which == 6) {
        return refuse(&inner, "one of == != < <= > >= is expected here");
    }
    inner.at += strlen(operators[which]);
    const char *literal = NULL;
    PT_TRY(read_literal(&inner, &literal));
    skip_spaces(&inner);
    if (*inner.at != ')') {
        return refuse(&inner, "the closing )] is missing");
    }
    int order = found.len > 0 ? compare(found.values[0]->text, literal) : 0;
    const bool results[] = {order == 0, order != 0, order <= 0, order >= 0, order<0, order> 0};
    *ret_holds = found.len > 0 ? results[which] : which == 1;
    return PT_OK;
}

/* ---- the template --------------------------------------------------------------------------------------------- */

static void put(const struct set *found, struct pt_buf *out)
{
    for (size_t i = 0; i < found->len; i++) {
        const struct pt_cli_value *value = found->values[i];
        pt_buf_append_str(out, i > 0 ? " " : "");
        if (value->kind == PT_CLI_VALUE_STRING) {
            pt_buf_append(out, value->text, value->size);
        } else {
            pt_cli_value_json(value, out);
        }
    }
}

static bool take_word(struct template *template, const char *word)
{
    size_t size = strlen(word);
    if (strncmp(template->at, word, size) != 0 || is_name_character(template->at[size])) {
        return false;
    }
    template->at += size;
    return true;
}

static enum pt_code take_brace(struct template *template)
{
    skip_spaces(template);
    if (*template->at != '}') {
        return refuse(template, "the closing } is missing, or the path does not go on so");
    }
    template->at++;
    return PT_OK;
}

static enum pt_code walk(struct template *template, bool body, bool *ret_end);

/* Behind "{range": the path, then the body once for each value; with none, it is walked unseen to find its end. */
static enum pt_code walk_range(struct template *template)
{
    struct set found = {0};
    bool end = false;
    skip_spaces(template);
    PT_TRY(find(template, template->here, &found));
    PT_TRY(take_brace(template));
    if (template->depth == PT_CLI_JSONPATH_RANGES_MAX) {
        return refuse(template, "ranges stand too deep within each other");
    }
    static const struct pt_cli_value nothing = {.kind = PT_CLI_VALUE_NULL, .text = ""};
    const char *begin = template->at;
    size_t before = template->out->size;
    for (size_t i = 0; i < found.len || i == 0; i++) {
        struct template body = *template;
        body.depth++;
        body.at = begin;
        body.here = found.len > 0 ? found.values[i] : &nothing;
        PT_TRY(walk(&body, true, &end));
        if (!end) {
            return refuse(&body, "{end} of the range is missing");
        }
        template->at = body.at;
    }
    template->out->size = found.len > 0 ? template->out->size : before;
    return PT_OK;
}

/* Until the end of the text or, in a body, behind {end}. */
static enum pt_code walk(struct template *template, bool body, bool *ret_end)
{
    *ret_end = false;
    while (*template->at != '\0') {
        if (*template->at != '{') {
            pt_buf_append_u8(template->out, (uint8_t) * template->at++);
            continue;
        }
        template->at++;
        skip_spaces(template);
        if (take_word(template, "end")) {
            *ret_end = true;
            return body ? take_brace(template) : refuse(template, "{end} without a range");
        }
        if (take_word(template, "range")) {
            PT_TRY(walk_range(template));
            continue;
        }
        if (*template->at == '"' || *template->at == '\'') {
            const char *text = NULL;
            PT_TRY(read_quoted(template, &text));
            pt_buf_append_str(template->out, text);
        } else {
            struct set found = {0};
            PT_TRY(find(template, template->here, &found));
            put(&found, template->out);
        }
        PT_TRY(take_brace(template));
    }
    return PT_OK;
}

enum pt_code pt_cli_jsonpath(const char *expression, const struct pt_cli_value *root, struct pt_arena *arena,
                             struct pt_buf *out, struct pt_error *reterr)
{
    bool braces = strchr(expression, '{') != NULL;
    bool dot = expression[0] == '.' || expression[0] == '$' || expression[0] == '[' || expression[0] == '@';
    const char *text = braces ? expression : pt_arena_printf(arena, "{%s%s}", dot ? "" : ".", expression);
    struct template template = {
        .begin = text, .at = text, .root = root, .here = root, .arena = arena, .out = out, .reterr = reterr};
    bool end = false;
    return walk(&template, false, &end);
}
