/*
 * Resources to standard output. Tables wait for their last row; JSON is collected too, so that a failure in the middle
 * of a list never leaves half a document behind.
 */
#include "ctl.h"

#include "base/assert.h"
#include "cli/jsonpath.h"
#include "cli/table.h"
#include "cli/yaml.h"
#include "wire/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FILE_SIZE_MAX (64U << 20)

struct ctl_output {
    struct ctl *ctl;
    bool single; /* one resource is wanted: JSON without a list around it */
    struct pt_buf text;
    struct pt_cli_table table;
    const struct pt_message_type *kind; /* of the table that is being made */
    size_t len;
};

void ctl_print(const struct pt_buf *text)
{
    if (text->size > 0) {
        (void)fwrite(text->data, 1, text->size, stdout);
    }
    (void)fflush(stdout); /* a closed pipe ends us by SIGPIPE or is nobody's loss */
}

size_t ctl_width(void)
{
    struct winsize size;
    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void ctl_put_json(const struct ctl *ctl, const struct pt_msg *resource, struct pt_buf *out)
{
    pt_buf_printf(out, "{\n  \"kind\": \"%s\"", resource->type->name);
    size_t at = out->size;
    pt_json_write(ctl->schema, resource, PT_JSON_INDENT, out);
    /* Its own opening brace becomes the comma. A resource always has its name, so there is a member behind. */
    pt_assert(out->data[at] == '{' && out->size > at + 2);
    out->data[at] = ',';
}

bool ctl_is_data(const struct ctl *ctl)
{
    enum pt_cli_output form = ctl->args->output;
    return form == PT_CLI_JSON || form == PT_CLI_YAML || form == PT_CLI_JSONPATH;
}

enum pt_code ctl_convert(struct ctl *ctl, struct pt_bytes json, struct pt_buf *out, struct pt_error *reterr)
{
    const struct pt_cli_value *root = NULL;
    if (ctl->args->output != PT_CLI_YAML && ctl->args->output != PT_CLI_JSONPATH) {
        pt_buf_append(out, json.data, json.size);
        return PT_OK;
    }
    struct pt_arena arena;
    pt_arena_init(&arena);
    size_t before = out->size;
    enum pt_code code = pt_cli_value_read((const char *)json.data, json.size, &arena, &root, reterr);
    if (code == PT_OK && ctl->args->output == PT_CLI_YAML) {
        pt_cli_yaml_write(root, 0, out);
    } else if (code == PT_OK) {
        code = pt_cli_jsonpath(ctl->args->jsonpath, root, &arena, out, reterr);
        if (out->size > before && out->data[out->size - 1] != '\n') {
            pt_buf_append_u8(out, '\n');
        }
    }
    pt_arena_fini(&arena);
    return code;
}

int ctl_print_data(struct ctl *ctl, const struct pt_buf *json)
{
    PT_AUTO(buf) struct pt_buf out = {0};
    struct pt_error error = {0};
    if (ctl_convert(ctl, pt_buf_bytes(json), &out, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    ctl_print(&out);
    return PT_CLI_EXIT_OK;
}

struct ctl_output *ctl_output_new(struct ctl *ctl, bool single)
{
    struct ctl_output *output = calloc(1, sizeof(*output));
    pt_assert(output != NULL);
    *output = (struct ctl_output){.ctl = ctl, .single = single};
    return output;
}

static void end_table(struct ctl_output *output)
{
    if (output->kind != NULL) {
        pt_cli_table_render(&output->table, ctl_width(), &output->text);
        output->kind = NULL;
    }
}

static void add_row(struct ctl_output *output, const struct pt_msg *resource)
{
    if (output->kind != resource->type) {
        if (output->kind != NULL) {
            end_table(output);
            pt_buf_append_u8(&output->text, '\n');
        }
        pt_cli_table_init(&output->table, output->ctl->arena);
        pt_cli_table_kind(&output->table, resource->type);
        output->kind = resource->type;
    }
    pt_cli_table_resource(&output->table, &output->ctl->scope, resource,
                          pt_sys_wall_ns(ctl_client_sys(output->ctl->client)));
}

static void add_json(struct ctl_output *output, const struct pt_msg *resource)
{
    if (output->single) {
        ctl_put_json(output->ctl, resource, &output->text);
        pt_buf_append_u8(&output->text, '\n');
        return;
    }
    PT_AUTO(buf) struct pt_buf one = {0};
    ctl_put_json(output->ctl, resource, &one);
    pt_buf_append_str(&output->text, output->len == 0 ? "{\n  \"items\": [\n    " : ",\n    ");
    for (size_t i = 0; i < one.size; i++) {
        pt_buf_append_u8(&output->text, one.data[i]);
        if (one.data[i] == '\n') {
            pt_buf_append_str(&output->text, "    ");
        }
    }
}

void ctl_output_add(struct ctl_output *output, const struct pt_msg *resource)
{
    switch (output->ctl->args->output) {
    case PT_CLI_TABLE:
        add_row(output, resource);
        break;
    case PT_CLI_JSON:
    case PT_CLI_YAML:
    case PT_CLI_JSONPATH:
        add_json(output, resource);
        break;
    case PT_CLI_NAME:
        pt_buf_printf(&output->text, "%s\n", pt_msg_str(resource, "name"));
        break;
    }
    output->len++;
}

int ctl_output_end(struct ctl_output *output)
{
    int status = PT_CLI_EXIT_OK;
    if (output->ctl->args->output == PT_CLI_TABLE) {
        end_table(output);
        if (output->len == 0) {
            fputs("nothing found\n", stderr);
        }
    } else if (ctl_is_data(output->ctl) && !output->single) {
        pt_buf_append_str(&output->text, output->len == 0 ? "{\n  \"items\": []\n}\n" : "\n  ]\n}\n");
    }
    if (ctl_is_data(output->ctl)) {
        status = ctl_print_data(output->ctl, &output->text);
    } else {
        ctl_print(&output->text);
    }
    ctl_output_cancel(output);
    return status;
}

void ctl_output_cancel(struct ctl_output *output)
{
    pt_buf_fini(&output->text);
    free(output);
}

enum pt_code ctl_read_file(const char *path, struct pt_buf *ret_text, struct pt_error *reterr)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    if (file == NULL) {
        return pt_fail_errno(reterr, errno, path, "the file cannot be read");
    }
    struct pt_buf text = {0};
    size_t got = 0;
    do {
        got = fread(pt_buf_reserve(&text, 65536), 1, 65536, file);
        text.size += got;
    } while (got > 0 && text.size <= FILE_SIZE_MAX);
    bool failed = ferror(file) != 0;
    int number = errno;
    if (!standard) {
        (void)fclose(file); /* only read */
    }
    if (failed || text.size > FILE_SIZE_MAX) {
        bool large = text.size > FILE_SIZE_MAX;
        pt_buf_fini(&text);
        return large ? pt_fail(reterr, PT_EXHAUSTED, PT_REASON_MESSAGE_TOO_LARGE, path, "the file is over 64 MiB")
                     : pt_fail_errno(reterr, number, path, "the file cannot be read");
    }
    pt_buf_append_u8(&text, 0); /* a NUL that stays, also for an empty file */
    text.size--;
    *ret_text = text;
    return PT_OK;
}
