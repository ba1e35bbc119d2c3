/*
 * export: the running system as configuration for another tool. Everything is read first, because a resource is written
 * with references to the others.
 */
#include "ctl.h"

#include "cli/export.h"
#include "cli/request.h"

#include <string.h>

struct exporting {
    struct ctl *ctl;
    const struct pt_msg **items;
    size_t len, capacity;
    struct pt_map names;
};

static bool keep(void *arg, const struct pt_msg *resource)
{
    struct exporting *exporting = arg;
    if (exporting->len == exporting->capacity) {
        size_t capacity = exporting->capacity == 0 ? 256 : exporting->capacity * 2;
        const struct pt_msg **items = pt_arena_array(exporting->ctl->arena, capacity, sizeof(const struct pt_msg *));
        if (exporting->len > 0) {
            memcpy(items, exporting->items, exporting->len * sizeof(const struct pt_msg *));
        }
        exporting->items = items;
        exporting->capacity = capacity;
    }
    exporting->items[exporting->len++] = resource;
    (void)pt_map_put_str(&exporting->names, pt_msg_str(resource, "name"), exporting);
    return true;
}

/* Every kind that can be created: the others are made by the system. */
static enum pt_code read_everything(struct exporting *exporting, struct pt_error *reterr)
{
    struct ctl *ctl = exporting->ctl;
    size_t len = 0;
    const struct pt_message_type *const *kinds = pt_schema_kinds(ctl->schema, &len);
    for (size_t i = 0; i < len; i++) {
        const struct pt_method_type *create = NULL;
        if (kinds[i]->resource->view ||
            pt_cli_method_find(ctl->schema, kinds[i], PT_VERB_CREATE, &create, NULL) != PT_OK) {
            continue;
        }
        const char *parent = pt_cli_list_parent(&ctl->scope, kinds[i], ctl->arena);
        const struct pt_cli_list_options options = {
            .parent = parent, .filter = "", .order_by = "", .page_token = "", .page_size = 1000};
        PT_TRY(ctl_read_all(ctl, kinds[i], &options, ctl->arena, keep, exporting, reterr));
    }
    return PT_OK;
}

int ctl_export(struct ctl *ctl)
{
    if (strcmp(ctl->args->format, "tf") != 0) {
        return ctl_usage_text(ctl, "say which form: --format tf");
    }
    struct pt_error error = {0};
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    struct exporting exporting = {.ctl = ctl};
    pt_map_init(&exporting.names);
    enum pt_code code = read_everything(&exporting, &error);
    PT_AUTO(buf) struct pt_buf text = {0};
    pt_buf_append_str(
        &text, "terraform {\n  required_providers {\n    patronus = {\n      source = \"patronus-sdwan/patronus\"\n"
               "    }\n  }\n}\n\n");
    for (size_t i = 0; i < exporting.len; i++) {
        pt_cli_export_tf(exporting.items[i], &exporting.names, &text);
    }
    pt_map_fini(&exporting.names);
    if (code != PT_OK) {
        return ctl_fail(&error);
    }
    ctl_print(&text);
    return PT_CLI_EXIT_OK;
}
