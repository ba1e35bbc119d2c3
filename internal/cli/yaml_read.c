/*
 * One pass over the text with one place: a block's column is where its first key or dash stands, wherever that is; what
 * stands further left ends it. A key is told from a plain text by the colon behind it on the same line. JSON is put out
 * on the way; line ends are put out to keep up with the source.
 */
#include "cli/yaml.h"

#include "cli/fields.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct yaml {
    const char *file;
    const char *text, *end, *at;
    const char *line_begin;
    unsigned line, out_line;
    int depth;
    struct pt_buf *out;
    struct pt_error *reterr;
};

static enum pt_code refuse(const struct yaml *yaml, const char *text)
{
    char place[PT_ERROR_FIELD_SIZE];
    (void)snprintf(place, sizeof(place), "%.150s, line %u", yaml->file, yaml->line);
    return pt_fail(yaml->reterr, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, place, "%s", text);
}

/* ---- the place ------------------------------------------------------------------------------------------------ */

static char here(const struct yaml *yaml)
{
    return yaml->at < yaml->end ? *yaml->at : '\0';
}

static size_t column(const struct yaml *yaml)
{
    return (size_t)(yaml->at - yaml->line_begin);
}

/* strchr finds the NUL behind its set too; a document may hold one. */
static bool is_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void step(struct yaml *yaml)
{
    if (*yaml->at++ == '\n') {
        yaml->line++;
        yaml->line_begin = yaml->at;
    }
}

static void skip_spaces(struct yaml *yaml)
{
    while (here(yaml) == ' ' || here(yaml) == '\t' || here(yaml) == '\r') {
        yaml->at++;
    }
    bool comment = here(yaml) == '#' && (yaml->at == yaml->line_begin || is_blank(yaml->at[-1]));
    while (comment && yaml->at < yaml->end && *yaml->at != '\n') {
        yaml->at++;
    }
}

/* To the next thing that means something, on this line or below. */
static void skip_blank(struct yaml *yaml)
{
    for (skip_spaces(yaml); here(yaml) == '\n'; skip_spaces(yaml)) {
        step(yaml);
    }
}

static bool at_line_end(const struct yaml *yaml)
{
    return yaml->at >= yaml->end || *yaml->at == '\n';
}

static bool starts(const struct yaml *yaml, const char *mark)
{
    size_t size = strlen(mark);
    return (size_t)(yaml->end - yaml->at) >= size && memcmp(yaml->at, mark, size) == 0 &&
           (yaml->at + size == yaml->end || is_blank(yaml->at[size]));
}

static bool at_document_end(const struct yaml *yaml)
{
    return yaml->at >= yaml->end || (column(yaml) == 0 && (starts(yaml, "---") || starts(yaml, "...")));
}

static void sync(struct yaml *yaml)
{
    for (; yaml->out_line < yaml->line; yaml->out_line++) {
        pt_buf_append_u8(yaml->out, '\n');
    }
}

/* ---- scalars -------------------------------------------------------------------------------------------------- */

static bool is_number(const char *text, size_t size)
{
    size_t at = size > 0 && text[0] == '-' ? 1 : 0;
    size_t digits = at;
    while (at < size && isdigit((unsigned char)text[at])) {
        at++;
    }
    if (at == digits || (text[digits] == '0' && at - digits > 1)) {
        return false;
    }
    if (at < size && text[at] == '.') {
        digits = ++at;
        while (at < size && isdigit((unsigned char)text[at])) {
            at++;
        }
        if (at == digits) {
            return false;
        }
    }
    /* Without a sign it may be a hash: 12e5 is a text here, 12e+5 a number. */
    if (at + 2 < size && (text[at] == 'e' || text[at] == 'E') && is_of(text[at + 1], "+-")) {
        at += 2;
        while (at < size && isdigit((unsigned char)text[at])) {
            at++;
        }
    }
    return at == size;
}

static bool is_one_of(const char *text, size_t size, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strlen(*words) == size && memcmp(*words, text, size) == 0) {
            return true;
        }
    }
    return false;
}

static void put_plain(struct yaml *yaml, const char *text, size_t size, bool key)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    if (key) {
        pt_cli_quote(text, size, yaml->out);
    } else if (is_one_of(text, size, nulls)) {
        pt_buf_append_str(yaml->out, "null");
    } else if (is_one_of(text, size, trues)) {
        pt_buf_append_str(yaml->out, "true");
    } else if (is_one_of(text, size, falses)) {
        pt_buf_append_str(yaml->out, "false");
    } else if (is_number(text, size)) {
        pt_buf_append(yaml->out, text, size);
    } else {
        pt_cli_quote(text, size, yaml->out);
    }
}

static enum pt_code read_single(struct yaml *yaml)
{
    PT_AUTO(buf) struct pt_buf text = {0};
    for (yaml->at++; !at_line_end(yaml); yaml->at++) {
        if (*yaml->at == '\'' && (yaml->at + 1 == yaml->end || yaml->at[1] != '\'')) {
            yaml->at++;
            pt_cli_quote(text.size > 0 ? (const char *)text.data : "", text.size, yaml->out);
            return PT_OK;
        }
        yaml->at += *yaml->at == '\'';
        pt_buf_append_u8(&text, (uint8_t)*yaml->at);
    }
    return refuse(yaml, "the closing ' is missing on this line");
}

/* Escapes are JSON's: what stands between the quotes is copied, and whoever reads the JSON judges it. */
static enum pt_code read_double(struct yaml *yaml)
{
    const char *begin = yaml->at;
    for (yaml->at++; !at_line_end(yaml); yaml->at++) {
        if (*yaml->at == '"') {
            yaml->at++;
            pt_buf_append(yaml->out, begin, (size_t)(yaml->at - begin));
            return PT_OK;
        }
        if (*yaml->at == '\\' && yaml->at + 1 < yaml->end && yaml->at[1] != '\n') {
            yaml->at++;
            if (!is_of(*yaml->at, "\"\\/bfnrtu")) {
                return refuse(yaml, "between double quotes \\ goes with one of \" \\ / b f n r t u");
            }
        }
    }
    return refuse(yaml, "the closing \" is missing on this line");
}

static enum pt_code check_first(const struct yaml *yaml)
{
    switch (here(yaml)) {
    case '&':
    case '*':
        return refuse(yaml, "anchors and aliases are not read here; quote a text that begins with & or *");
    case '!':
        return refuse(yaml, "tags are not read here; quote a text that begins with !");
    case '%':
    case '@':
    case '`':
        return refuse(yaml, "a text cannot begin with this character; quote it");
    default:
        return PT_OK;
    }
}

/* A plain text ends where a comment, a colon with a blank behind it, or within brackets one of ,]} stands. */
static enum pt_code read_plain(struct yaml *yaml, bool flow, bool key)
{
    const char *begin = yaml->at;
    PT_TRY(check_first(yaml));
    for (; !at_line_end(yaml); yaml->at++) {
        char c = *yaml->at;
        bool last = yaml->at + 1 == yaml->end || is_blank(yaml->at[1]) || (flow && is_of(yaml->at[1], ",]}"));
        if ((c == ':' && last) || (c == '#' && yaml->at > begin && is_blank(yaml->at[-1])) ||
            (flow && is_of(c, ",[]{}"))) {
            break;
        }
    }
    const char *stop = yaml->at;
    while (stop > begin && is_blank(stop[-1])) {
        stop--;
    }
    if (!key && !flow && here(yaml) == ':') {
        return refuse(yaml, "a second ': ' on this line; quote a text that holds one");
    }
    put_plain(yaml, begin, (size_t)(stop - begin), key);
    return PT_OK;
}

static enum pt_code read_scalar(struct yaml *yaml, bool flow, bool key)
{
    char c = here(yaml);
    return c == '\'' ? read_single(yaml) : c == '"' ? read_double(yaml) : read_plain(yaml, flow, key);
}

/* ---- | and > -------------------------------------------------------------------------------------------------- */

/* One line's indentation, and whether there is anything else on it. */
static size_t indent_of(const struct yaml *yaml, const char *line, bool *ret_empty)
{
    const char *at = line;
    while (at < yaml->end && *at == ' ') {
        at++;
    }
    *ret_empty = at >= yaml->end || *at == '\n' || *at == '\r';
    return (size_t)(at - line);
}

/* The lines of a block further right than `parent`, without their indentation. */
static void take_lines(struct yaml *yaml, size_t parent, bool fold, struct pt_buf *out)
{
    size_t indent = 0;
    bool gap = true; /* nothing to fold with */
    while (yaml->at < yaml->end) {
        bool empty = false;
        size_t found = indent_of(yaml, yaml->at, &empty);
        indent = !empty && indent == 0 ? found : indent;
        if (!empty && (found <= parent || found < indent)) {
            return;
        }
        const char *line_end = memchr(yaml->at, '\n', (size_t)(yaml->end - yaml->at));
        const char *stop = line_end != NULL ? line_end : yaml->end;
        if (fold && !gap && !empty && out->size > 0) {
            out->data[out->size - 1] = ' ';
        }
        if (!empty) {
            size_t size = (size_t)(stop - yaml->at) - indent;
            size -= size > 0 && stop[-1] == '\r';
            pt_buf_append(out, yaml->at + indent, size);
        }
        pt_buf_append_u8(out, '\n');
        gap = empty;
        yaml->at = stop;
        if (line_end != NULL) {
            step(yaml);
        }
    }
}

static enum pt_code read_lines(struct yaml *yaml, size_t parent)
{
    bool fold = here(yaml) == '>';
    yaml->at++;
    char chomp = here(yaml) == '-' || here(yaml) == '+' ? *yaml->at++ : '\0';
    skip_spaces(yaml);
    if (!at_line_end(yaml)) {
        return refuse(yaml, "behind | or > stands nothing but - or +");
    }
    PT_AUTO(buf) struct pt_buf text = {0};
    if (yaml->at < yaml->end) {
        step(yaml);
        take_lines(yaml, parent, fold, &text);
    }
    size_t size = text.size;
    while (size > 0 && chomp != '+' && text.data[size - 1] == '\n') {
        size--;
    }
    size += chomp == '\0' && size > 0; /* one line end stays */
    pt_cli_quote(text.size > 0 ? (const char *)text.data : "", size, yaml->out);
    return PT_OK;
}

/* ---- [] and {} ------------------------------------------------------------------------------------------------ */

static enum pt_code read_flow(struct yaml *yaml);

static enum pt_code read_flow_list(struct yaml *yaml, char closing)
{
    pt_buf_append_u8(yaml->out, (uint8_t)*yaml->at++);
    const char *comma = "";
    for (;;) {
        skip_blank(yaml);
        sync(yaml);
        if (here(yaml) == closing) {
            pt_buf_append_u8(yaml->out, (uint8_t)*yaml->at++);
            return PT_OK;
        }
        if (yaml->at >= yaml->end) {
            return refuse(yaml, closing == ']' ? "the closing ] is missing" : "the closing } is missing");
        }
        pt_buf_append_str(yaml->out, comma);
        if (closing == '}') {
            PT_TRY(read_scalar(yaml, true, true));
            skip_blank(yaml);
            if (here(yaml) != ':') {
                return refuse(yaml, "within {} a key is followed by a colon and a value");
            }
            yaml->at++;
            pt_buf_append_u8(yaml->out, ':');
            skip_blank(yaml);
            sync(yaml);
        }
        PT_TRY(read_flow(yaml));
        skip_blank(yaml);
        if (here(yaml) == ',') {
            yaml->at++;
        } else if (here(yaml) != closing) {
            return refuse(yaml, closing == ']' ? "a comma or ] is expected" : "a comma or } is expected");
        }
        comma = ",";
    }
}

static enum pt_code read_flow(struct yaml *yaml)
{
    char c = here(yaml);
    if (c != '[' && c != '{') {
        return read_scalar(yaml, true, false);
    }
    if (yaml->depth == PT_CLI_YAML_DEPTH_MAX) {
        return refuse(yaml, "lists and mappings stand too deep within each other");
    }
    yaml->depth++;
    enum pt_code code = read_flow_list(yaml, c == '[' ? ']' : '}');
    yaml->depth--;
    return code;
}

/* ---- blocks --------------------------------------------------------------------------------------------------- */

static bool at_dash(const struct yaml *yaml)
{
    return here(yaml) == '-' && (yaml->at + 1 == yaml->end || is_blank(yaml->at[1]));
}

/* Does the line go on as `key:`? */
static bool at_key(const struct yaml *yaml)
{
    const char *at = yaml->at;
    if (at < yaml->end && is_of(*at, "[{")) {
        return false;
    }
    char quote = at < yaml->end && (*at == '"' || *at == '\'') ? *at : '\0';
    if (quote != '\0') {
        for (at++; at < yaml->end && *at != '\n' && *at != quote; at++) {
            at += quote == '"' && *at == '\\' && at + 1 < yaml->end;
        }
        at += at < yaml->end;
        while (at < yaml->end && (*at == ' ' || *at == '\t')) {
            at++;
        }
        return at < yaml->end && *at == ':' && (at + 1 == yaml->end || is_blank(at[1]));
    }
    for (; at < yaml->end && *at != '\n'; at++) {
        if (*at == '#' && at > yaml->at && is_blank(at[-1])) {
            return false;
        }
        if (*at == ':' && (at + 1 == yaml->end || is_blank(at[1]))) {
            return true;
        }
    }
    return false;
}

static enum pt_code read_block(struct yaml *yaml);

/* A value that ends on its line, or at its closing bracket. */
static enum pt_code read_inline(struct yaml *yaml)
{
    bool flow = here(yaml) == '[' || here(yaml) == '{';
    if (here(yaml) == '|' || here(yaml) == '>') {
        return refuse(yaml, "| and > stand on the line of their key");
    }
    PT_TRY(flow ? read_flow(yaml) : read_scalar(yaml, false, false));
    skip_spaces(yaml);
    return at_line_end(yaml) ? PT_OK : refuse(yaml, "something stands behind the value");
}

/* What stands behind "key:" or "-" of a block at `parent`: on the same line, or as a block of its own. */
static enum pt_code read_behind(struct yaml *yaml, size_t parent, bool list)
{
    skip_spaces(yaml);
    bool same_line = !at_line_end(yaml);
    if (same_line && (here(yaml) == '|' || here(yaml) == '>')) {
        return read_lines(yaml, parent);
    }
    if (same_line && !(list && (at_dash(yaml) || at_key(yaml)))) {
        return read_inline(yaml);
    }
    skip_blank(yaml);
    bool deeper = !at_document_end(yaml) && column(yaml) > parent;
    bool beside = !list && !at_document_end(yaml) && column(yaml) == parent && at_dash(yaml);
    if (!deeper && !beside) {
        pt_buf_append_str(yaml->out, "null");
        return PT_OK;
    }
    return read_block(yaml);
}

static enum pt_code read_entries(struct yaml *yaml, bool list)
{
    size_t own = column(yaml);
    const char *comma = "";
    pt_buf_append_u8(yaml->out, list ? '[' : '{');
    while (!at_document_end(yaml) && column(yaml) == own && at_dash(yaml) == list) {
        sync(yaml);
        pt_buf_append_str(yaml->out, comma);
        comma = ",";
        if (list) {
            yaml->at++;
        } else {
            if (!at_key(yaml)) {
                return refuse(yaml, "a key with a colon behind it is expected here");
            }
            PT_TRY(read_scalar(yaml, false, true));
            skip_spaces(yaml);
            yaml->at++; /* the colon that at_key has seen */
            pt_buf_append_u8(yaml->out, ':');
        }
        PT_TRY(read_behind(yaml, own, list));
        skip_blank(yaml);
    }
    if (!at_document_end(yaml) && column(yaml) > own) {
        return refuse(yaml, "this stands further right than what it belongs to; a text over several lines needs quotes "
                            "or | before it");
    }
    pt_buf_append_u8(yaml->out, list ? ']' : '}');
    return PT_OK;
}

static enum pt_code read_block(struct yaml *yaml)
{
    sync(yaml);
    if (memchr(yaml->line_begin, '\t', column(yaml)) != NULL) {
        return refuse(yaml, "indent with spaces, not with tabs");
    }
    if (yaml->depth == PT_CLI_YAML_DEPTH_MAX) {
        return refuse(yaml, "lists and mappings stand too deep within each other");
    }
    if (!at_dash(yaml) && !at_key(yaml)) {
        return read_inline(yaml);
    }
    yaml->depth++;
    enum pt_code code = read_entries(yaml, at_dash(yaml));
    yaml->depth--;
    return code;
}

enum pt_code pt_cli_yaml_to_json(const char *file, const char *text, size_t size, struct pt_buf *out,
                                 struct pt_error *reterr)
{
    struct yaml yaml = {.file = file,
                        .text = text,
                        .end = text + size,
                        .at = text,
                        .line_begin = text,
                        .line = 1,
                        .out_line = 1,
                        .out = out,
                        .reterr = reterr};
    for (skip_blank(&yaml); yaml.at < yaml.end; skip_blank(&yaml)) {
        if (at_document_end(&yaml)) {
            yaml.at += 3;
            continue;
        }
        PT_TRY(read_block(&yaml));
        pt_buf_append_u8(out, ' ');
        skip_blank(&yaml);
        if (!at_document_end(&yaml)) {
            return refuse(&yaml, "this belongs to nothing above; look at the indentation");
        }
    }
    return PT_OK;
}
