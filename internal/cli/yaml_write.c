/*
 * The block form, two columns a level; lists stand at the column of their key's value. Empty lists and mappings are
 * [] and {}.
 */
#include "cli/yaml.h"

#include "cli/fields.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Readers of YAML 1.1 take these for something else than texts. */
static bool is_word_with_meaning(const char *text)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_plain(const char *text, size_t size)
{
    if (size == 0 || size > 200 || !(isalpha((unsigned char)text[0]) || text[0] == '_' || text[0] == '/') ||
        is_word_with_meaning(text)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        bool inner_space = text[i] == ' ' && i + 1 < size && text[i + 1] != ' ';
        if (!isalnum((unsigned char)text[i]) && (text[i] == '\0' || strchr("_./-@+=", text[i]) == NULL) &&
            !inner_space) {
            return false;
        }
    }
    return true;
}

static void put_text(const char *text, size_t size, struct pt_buf *out)
{
    if (is_plain(text, size)) {
        pt_buf_append(out, text, size);
    } else {
        pt_cli_quote(text, size, out);
    }
}

static bool is_block(const struct pt_cli_value *value)
{
    return (value->kind == PT_CLI_VALUE_OBJECT || value->kind == PT_CLI_VALUE_ARRAY) && value->len > 0;
}

static void put_inline(const struct pt_cli_value *value, struct pt_buf *out)
{
    switch (value->kind) {
    case PT_CLI_VALUE_STRING:
        put_text(value->text, value->size, out);
        break;
    case PT_CLI_VALUE_OBJECT:
        pt_buf_append_str(out, "{}");
        break;
    case PT_CLI_VALUE_ARRAY:
        pt_buf_append_str(out, "[]");
        break;
    default:
        pt_buf_append(out, value->text, value->size);
        break;
    }
    pt_buf_append_u8(out, '\n');
}

void pt_cli_yaml_write(const struct pt_cli_value *value, size_t indent, struct pt_buf *out)
{
    if (!is_block(value)) {
        put_inline(value, out);
        return;
    }
    for (const struct pt_cli_value *child = value->first; child != NULL; child = child->next) {
        if (child != value->first) {
            pt_buf_printf(out, "%*s", (int)indent, "");
        }
        if (value->kind == PT_CLI_VALUE_ARRAY) {
            pt_buf_append_str(out, "- ");
            pt_cli_yaml_write(child, indent + 2, out);
            continue;
        }
        put_text(child->key, strlen(child->key), out);
        pt_buf_append_str(out, is_block(child) ? ":\n" : ": ");
        if (is_block(child)) {
            pt_buf_printf(out, "%*s", (int)indent + 2, "");
        }
        pt_cli_yaml_write(child, indent + 2, out);
    }
}
