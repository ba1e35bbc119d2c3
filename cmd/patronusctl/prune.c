/*
 * The order of deletion is the order of application backwards. A resource that changed since it was found is left, by
 * its etag: what somebody has just worked on is not swept away.
 */
#include "prune.h"

#include "base/map.h"
#include "cli/request.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LABEL "labels.applied-by"

/* ---- the label ------------------------------------------------------------------------------------------------ */

enum pt_code ctl_owner_label(struct ctl *ctl, struct pt_cli_documents *documents, struct pt_error *reterr)
{
    const char *owner = ctl->args->owner;
    if (!pt_cli_given(ctl->args, PT_CLI_OWNER)) {
        return PT_OK;
    }
    if (!pt_id_valid(owner)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "--owner",
                       "it is an id: a-z, 0-9 and '-', at most 63 of them");
    }
    const char *word = pt_arena_printf(ctl->arena, LABEL "=%s", owner);
    for (size_t i = 0; i < documents->len; i++) {
        struct pt_cli_document *document = &documents->items[i];
        bool named = false; /* all labels: one more path would name the same twice */
        for (size_t j = 0; j < document->mask.len; j++) {
            named = named || strcmp(document->mask.paths[j], "labels") == 0;
        }
        PT_TRY(pt_cli_assign(ctl->schema, word, document->msg, named ? NULL : &document->mask, ctl->arena, reterr));
    }
    return PT_OK;
}

enum pt_code ctl_owner_check(const struct ctl *ctl, const struct pt_msg *current, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf owner = {0};
    if (current == NULL || !pt_cli_given(ctl->args, PT_CLI_OWNER)) {
        return PT_OK;
    }
    PT_TRY(pt_msg_text(current, LABEL, &owner, reterr));
    if (owner.size == 0 || strcmp((const char *)owner.data, ctl->args->owner) == 0) {
        return PT_OK;
    }
    return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, LABEL,
                   "this belongs to '%.63s'; apply it there, or take it over with: patronusctl update NAME " LABEL "=",
                   (const char *)owner.data);
}

/* ---- what is to go -------------------------------------------------------------------------------------------- */

struct finding {
    struct ctl *ctl;
    struct ctl_prune *prune;
    struct pt_map declared;
    bool full;
};

static bool add(void *arg, const struct pt_msg *resource)
{
    struct finding *finding = arg;
    struct pt_cli_documents *documents = &finding->prune->documents;
    struct pt_arena *arena = finding->ctl->arena;
    const char *name = pt_msg_str(resource, "name");
    if (pt_map_get_str(&finding->declared, name) != NULL) {
        return true;
    }
    finding->full = documents->len == PT_CLI_DOCUMENTS_MAX;
    if (documents->len == documents->capacity && !finding->full) {
        size_t capacity = documents->capacity == 0 ? 64 : documents->capacity * 2;
        struct pt_cli_document *items = pt_arena_array(arena, capacity, sizeof(*items));
        if (documents->len > 0) {
            memcpy(items, documents->items, documents->len * sizeof(*items));
        }
        documents->items = items;
        documents->capacity = capacity;
    }
    if (!finding->full) {
        documents->items[documents->len++] = (struct pt_cli_document){
            .file = "the cluster", .kind = resource->type, .name = name, .msg = pt_msg_dup(resource, arena)};
    }
    return !finding->full;
}

/* Every kind that can be made and deleted. One that this caller may not list holds nothing that he applied. */
static enum pt_code find_all(struct finding *finding, struct pt_error *reterr)
{
    struct ctl *ctl = finding->ctl;
    size_t len = 0;
    const struct pt_message_type *const *kinds = pt_schema_kinds(ctl->schema, &len);
    const char *filter = pt_arena_printf(ctl->arena, LABEL " = \"%s\"", ctl->args->owner);
    for (size_t i = 0; i < len; i++) {
        if (pt_cli_method(ctl->schema, kinds[i], PT_VERB_CREATE) == NULL ||
            pt_cli_method(ctl->schema, kinds[i], PT_VERB_DELETE) == NULL ||
            pt_cli_method(ctl->schema, kinds[i], PT_VERB_LIST) == NULL) {
            continue;
        }
        const struct pt_cli_list_options options = {.parent = pt_cli_list_parent(&ctl->scope, kinds[i], ctl->arena),
                                                    .filter = filter,
                                                    .order_by = "",
                                                    .page_token = "",
                                                    .page_size = 1000};
        enum pt_code code = ctl_read_all(ctl, kinds[i], &options, ctl->arena, add, finding, reterr);
        if (code != PT_OK && code != PT_PERMISSION_DENIED) {
            return code;
        }
    }
    return finding->full ? pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, "--prune",
                                   "more than %d resources would be deleted", PT_CLI_DOCUMENTS_MAX)
                         : PT_OK;
}

enum pt_code ctl_prune_find(struct ctl *ctl, const struct pt_cli_documents *declared, struct ctl_prune *prune,
                            struct pt_error *reterr)
{
    struct finding finding = {.ctl = ctl, .prune = prune};
    pt_map_init(&finding.declared);
    for (size_t i = 0; i < declared->len; i++) {
        (void)pt_map_put_str(&finding.declared, declared->items[i].name, &declared->items[i]);
    }
    enum pt_code code = find_all(&finding, reterr);
    pt_map_fini(&finding.declared);
    return code;
}

int ctl_prune_confirm(struct ctl *ctl, const struct ctl_prune *prune)
{
    if (prune->documents.len == 0 || pt_cli_given(ctl->args, PT_CLI_YES) || pt_cli_given(ctl->args, PT_CLI_DRY_RUN)) {
        return PT_CLI_EXIT_OK;
    }
    fprintf(stderr, "To be deleted, because '%s' applied them and the files no longer have them:\n", ctl->args->owner);
    for (size_t i = 0; i < prune->documents.len; i++) {
        fprintf(stderr, "  %s\n", prune->documents.items[i].name);
    }
    if (!isatty(STDIN_FILENO)) {
        return ctl_usage_text(ctl, "nobody can be asked here: nothing was changed. --yes deletes without asking");
    }
    fprintf(stderr, "Apply, and delete these %zu? [y/N] ", prune->documents.len);
    char answer[16] = "";
    if (fgets(answer, sizeof(answer), stdin) == NULL || (answer[0] != 'y' && answer[0] != 'Y')) {
        fprintf(stderr, "patronusctl: nothing was changed\n");
        return PT_CLI_EXIT_FAILED;
    }
    return PT_CLI_EXIT_OK;
}

static enum pt_code delete_one(struct ctl *ctl, const struct pt_cli_document *document, struct pt_error *reterr)
{
    char request_id[33];
    ctl_random_id(ctl->client, request_id);
    const struct pt_method_type *method = NULL;
    const struct pt_cli_write_options options = {.request_id = request_id,
                                                 .etag = pt_msg_str(document->msg, "etag"),
                                                 .dry_run = pt_cli_given(ctl->args, PT_CLI_DRY_RUN),
                                                 .allow_missing = true};
    struct pt_msg *reply = NULL;
    PT_TRY(pt_cli_method_find(ctl->schema, document->kind, PT_VERB_DELETE, &method, reterr));
    return ctl_call(ctl->client, method, pt_cli_request_delete(method, document->name, &options, ctl->arena),
                    ctl->arena, &reply, reterr);
}

/* A dry run asks only about what nothing else to be deleted is below or refers to: the others cannot go yet. */
static bool may_ask(const struct ctl *ctl, const struct pt_cli_documents *documents, size_t index)
{
    for (size_t i = 0; i < documents->len && pt_cli_given(ctl->args, PT_CLI_DRY_RUN); i++) {
        for (size_t j = 0; j < documents->items[i].needs_len; j++) {
            if (documents->items[i].needs[j] == index) {
                return false;
            }
        }
    }
    return true;
}

int ctl_prune_delete(struct ctl *ctl, struct ctl_prune *prune)
{
    struct pt_cli_documents *documents = &prune->documents;
    struct pt_error error = {0};
    size_t *order = pt_arena_array(ctl->arena, documents->len + 1, sizeof(*order));
    if (documents->len == 0) {
        return PT_CLI_EXIT_OK;
    }
    if (pt_cli_documents_order(documents, ctl->arena, order, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    int status = PT_CLI_EXIT_OK;
    size_t deleted = 0;
    const char *dry = pt_cli_given(ctl->args, PT_CLI_DRY_RUN) ? " (dry run)" : "";
    for (size_t i = documents->len; i-- > 0 && status != PT_CLI_EXIT_UNAVAILABLE;) {
        const struct pt_cli_document *document = &documents->items[order[i]];
        if (may_ask(ctl, documents, order[i]) && delete_one(ctl, document, &error) != PT_OK) {
            fprintf(stderr, "patronusctl: %s was not deleted\n", document->name);
            status = ctl_fail(&error);
            continue;
        }
        printf("deleted %s%s\n", document->name, dry);
        deleted++;
    }
    printf("%zu deleted, %zu failed%s\n", deleted, documents->len - deleted, dry);
    return status;
}
