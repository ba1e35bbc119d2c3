/*
 * edit: the resource as YAML in an editor, and what changed as an update with the etag that was read.
 *
 *   read -> write file -> editor -> nothing changed? done
 *                 ^                  refused? the reason on top of the file, and again
 *                 `------------------'
 *
 * Nobody loses what he typed: when it is not taken at last, the file stays and is named.
 */
#include "ctl.h"

#include "base/assert.h"
#include "cli/document.h"
#include "cli/request.h"
#include "cli/yaml.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct editing {
    struct ctl *ctl;
    const struct pt_message_type *kind;
    const char *name;
    const char *etag;
    struct pt_msg *before; /* fields of the user's only */
    char path[512];
    bool keep; /* the file stays */
};

/* ---- the file ------------------------------------------------------------------------------------------------- */

static enum pt_code make_file(struct editing *editing, struct pt_error *reterr)
{
    const char *folder = getenv("TMPDIR");
    (void)snprintf(editing->path, sizeof(editing->path), "%s/patronusctl-XXXXXX.yaml",
                   folder != NULL && folder[0] != '\0' && strlen(folder) < 400 ? folder : "/tmp");
    int fd = mkstemps(editing->path, 5);
    if (fd < 0) {
        return pt_fail_errno(reterr, errno, editing->path, "a file to edit cannot be made");
    }
    (void)close(fd); /* empty so far */
    return PT_OK;
}

/* Each line of what was wrong becomes a comment. */
static void put_comment(const char *text, struct pt_buf *out)
{
    pt_buf_append_str(out, "# ");
    for (; *text != '\0'; text++) {
        pt_buf_append_u8(out, (uint8_t)(*text == '\r' ? ' ' : *text));
        pt_buf_append_str(out, *text == '\n' ? "# " : "");
    }
    pt_buf_append_u8(out, '\n');
}

static enum pt_code write_file(const struct editing *editing, const struct pt_error *refused, const char *body,
                               struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf text = {0};
    if (refused != NULL) {
        put_comment("This was not taken:", &text);
        pt_buf_printf(&text, "#   %s%s", refused->field, refused->field[0] != '\0' ? ": " : "");
        put_comment(refused->text, &text);
        pt_buf_append_str(&text, "#\n");
    }
    put_comment(pt_arena_printf(editing->ctl->arena, "%s: save and leave the editor to change it.", editing->name),
                &text);
    put_comment("A field that you remove is cleared. Nothing happens when nothing is changed. Lines with # in front are"
                " comments.",
                &text);
    pt_buf_append_str(&text, body);
    FILE *file = fopen(editing->path, "we");
    bool good = file != NULL && fwrite(text.data, 1, text.size, file) == text.size;
    good = (file == NULL || fclose(file) == 0) && good;
    return good ? PT_OK : pt_fail_errno(reterr, errno, editing->path, "the file cannot be written");
}

/* What stands below the comments at the top. */
static const char *body_of(const char *text)
{
    while (text[0] == '#') {
        size_t size = strcspn(text, "\n");
        text += size + (text[size] == '\n');
    }
    return text;
}

static enum pt_code run_editor(const struct editing *editing, struct pt_error *reterr)
{
    static const char *const names[] = {"PATRONUS_EDITOR", "VISUAL", "EDITOR"};
    const char *editor = "vi";
    for (size_t i = sizeof(names) / sizeof(names[0]); i-- > 0;) {
        const char *value = getenv(names[i]);
        editor = value != NULL && value[0] != '\0' ? value : editor;
    }
    char *command = pt_arena_printf(editing->ctl->arena, "%s \"$@\"", editor);
    char shell[] = "sh";
    char flag[] = "-c";
    char *argv[] = {shell, flag, command, shell, pt_arena_strdup(editing->ctl->arena, editing->path), NULL};
    pid_t pid = 0;
    int status = 0;
    int failed = posix_spawnp(&pid, "sh", NULL, NULL, argv, environ);
    if (failed != 0) {
        return pt_fail_errno(reterr, failed, editor, "the editor cannot be started; name one in EDITOR");
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, editor,
                       "the editor failed; nothing was changed. Name another one in EDITOR");
    }
    return PT_OK;
}

/* ---- the resource --------------------------------------------------------------------------------------------- */

static enum pt_code read_resource(struct editing *editing, struct pt_buf *ret_body, struct pt_error *reterr)
{
    struct ctl *ctl = editing->ctl;
    const struct pt_method_type *method = NULL;
    struct pt_msg *reply = NULL;
    PT_TRY(pt_cli_method_find(ctl->schema, editing->kind, PT_VERB_GET, &method, reterr));
    PT_TRY(ctl_call(ctl->client, method, pt_cli_request_get(method, editing->name, false, ctl->arena), ctl->arena,
                    &reply, reterr));
    editing->etag = pt_msg_str(reply, "etag");
    editing->before = pt_msg_dup(reply, ctl->arena);
    pt_msg_strip(editing->before, PT_OUTPUT_DERIVED, true);
    pt_msg_strip(editing->before, PT_OUTPUT_SOFT, true);
    PT_AUTO(buf) struct pt_buf json = {0};
    const struct pt_cli_value *value = NULL;
    ctl_put_json(ctl, editing->before, &json);
    PT_TRY(pt_cli_value_read((const char *)json.data, json.size, ctl->arena, &value, reterr));
    pt_cli_yaml_write(value, 0, ret_body);
    pt_buf_append_u8(ret_body, 0);
    return PT_OK;
}

static bool same_field(const struct editing *editing, const struct pt_msg *after, const char *field)
{
    struct pt_msg *a = pt_msg_new(editing->ctl->arena, editing->kind);
    struct pt_msg *b = pt_msg_new(editing->ctl->arena, editing->kind);
    bool copied = pt_msg_copy_path(a, editing->before, field, editing->ctl->arena, NULL) == PT_OK &&
                  pt_msg_copy_path(b, after, field, editing->ctl->arena, NULL) == PT_OK;
    pt_assert(copied); /* the field is the kind's own */
    PT_AUTO(buf) struct pt_buf bytes_a = {0};
    PT_AUTO(buf) struct pt_buf bytes_b = {0};
    pt_msg_encode(a, &bytes_a); /* canonical: the order of map entries does not matter */
    pt_msg_encode(b, &bytes_b);
    return bytes_a.size == bytes_b.size && (bytes_a.size == 0 || memcmp(bytes_a.data, bytes_b.data, bytes_a.size) == 0);
}

/* What stands in the file as an update; *ret_changed is false when it changes nothing. */
static enum pt_code send(struct editing *editing, const char *text, bool *ret_changed, struct pt_error *reterr)
{
    struct ctl *ctl = editing->ctl;
    struct pt_cli_document document;
    struct pt_cli_mask mask = {0};
    const struct pt_method_type *method = NULL;
    PT_TRY(pt_cli_document_read_one(&ctl->scope, editing->kind, "the file", text, strlen(text), ctl->arena, &document,
                                    reterr));
    if (document.name[0] != '\0' && strcmp(document.name, editing->name) != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_IMMUTABLE, "name", "a name cannot be changed");
    }
    for (size_t i = 0; i < editing->kind->fields_len; i++) {
        const struct pt_field_type *field = &editing->kind->fields[i];
        bool theirs = field->rules.output == PT_OUTPUT_USER && strcmp(field->name, "name") != 0;
        if (theirs && !same_field(editing, document.msg, field->name)) {
            pt_cli_mask_add(&mask, ctl->arena, field->name);
        }
    }
    *ret_changed = mask.len > 0;
    if (mask.len == 0) {
        return PT_OK;
    }
    char request_id[33];
    ctl_random_id(ctl->client, request_id);
    const struct pt_cli_write_options options = {
        .request_id = request_id, .etag = editing->etag, .dry_run = pt_cli_given(ctl->args, PT_CLI_DRY_RUN)};
    struct pt_msg *reply = NULL;
    PT_TRY(pt_cli_method_find(ctl->schema, editing->kind, PT_VERB_UPDATE, &method, reterr));
    return ctl_call(ctl->client, method,
                    pt_cli_request_update(method, editing->name, document.msg, &mask, &options, ctl->arena), ctl->arena,
                    &reply, reterr);
}

/* ---- the round ------------------------------------------------------------------------------------------------ */

static bool worth_another_try(const struct pt_error *error)
{
    return error->code == PT_INVALID_ARGUMENT || error->code == PT_FAILED_PRECONDITION || error->code == PT_NOT_FOUND ||
           error->code == PT_EXHAUSTED;
}

/* Edit until it is taken, unchanged, or given up: a file that comes back as it was refused is given up. */
static enum pt_code edit(struct editing *editing, const char *body, bool *ret_changed, struct pt_error *reterr)
{
    const char *offered = body;
    PT_TRY(write_file(editing, NULL, body, reterr));
    for (bool refused = false;; refused = true) {
        PT_AUTO(buf) struct pt_buf text = {0};
        PT_TRY(run_editor(editing, reterr));
        PT_TRY(ctl_read_file(editing->path, &text, reterr));
        const char *found = body_of((const char *)text.data);
        bool empty = found[strspn(found, " \t\r\n")] == '\0';
        bool same = strcmp(found, offered) == 0;
        if (empty || (same && !refused)) {
            *ret_changed = false;
            return PT_OK;
        }
        editing->keep = true;
        if (same) {
            return reterr->code; /* of the round before */
        }
        enum pt_code code = send(editing, (const char *)text.data, ret_changed, reterr);
        if (code == PT_OK) {
            editing->keep = false;
            return PT_OK;
        }
        if (!worth_another_try(reterr)) {
            return code;
        }
        offered = pt_arena_strdup(editing->ctl->arena, found);
        struct pt_error why = *reterr;
        PT_TRY(write_file(editing, &why, offered, reterr));
        *reterr = why;
    }
}

int ctl_edit(struct ctl *ctl)
{
    struct ctl_target *targets = NULL;
    size_t len = 0;
    struct pt_error error = {0};
    if (ctl->args->words_len == 0) {
        return ctl_usage_text(ctl, "a NAME is needed");
    }
    if (ctl_targets(ctl, ctl->args->words, ctl->args->words_len, &targets, &len, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (len != 1) {
        return ctl_usage_text(ctl, "one resource at a time");
    }
    struct editing editing = {.ctl = ctl, .kind = targets[0].kind, .name = targets[0].name};
    const struct pt_method_type *method = NULL;
    PT_AUTO(buf) struct pt_buf body = {0};
    bool changed = false;
    if (ctl_connect(ctl, &error) != PT_OK ||
        pt_cli_method_find(ctl->schema, editing.kind, PT_VERB_UPDATE, &method, &error) != PT_OK ||
        read_resource(&editing, &body, &error) != PT_OK || make_file(&editing, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    enum pt_code code = edit(&editing, (const char *)body.data, &changed, &error);
    if (editing.keep && code != PT_OK) {
        fprintf(stderr, "patronusctl: what you wrote stays in %s\n", editing.path);
    } else {
        (void)unlink(editing.path); /* a temporary file */
    }
    if (code != PT_OK) {
        return ctl_fail(&error);
    }
    const char *dry = pt_cli_given(ctl->args, PT_CLI_DRY_RUN) ? " (dry run)" : "";
    printf("%s %s%s\n", changed ? "updated" : "unchanged", editing.name, changed ? dry : "");
    return PT_CLI_EXIT_OK;
}
