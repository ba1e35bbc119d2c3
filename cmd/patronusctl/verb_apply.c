/*
 * apply: files -> documents -> order -> for each: get, compare, update with allow_missing. With --confirm or --together
 * they go as one change set instead (together.c), and a dry run is that change set's plan where it can be.
 *
 * A resource that already is as declared is not written. One that fails does not stop the others, except those that
 * need it: they are skipped and named. A dry run asks the server about each change by itself; a resource whose parent
 * or reference would only be made by this very run cannot be asked about, and is checked against the schema's rules
 * here.
 */
#include "ctl.h"

#include "prune.h"

#include "cli/document.h"
#include "cli/request.h"
#include "together.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct applying {
    struct ctl *ctl;
    struct pt_cli_documents documents;
    bool *absent; /* dry run: would be created by this run */
    size_t created, configured, unchanged, failed;
    bool dry_run;
};

/* ---- files ---------------------------------------------------------------------------------------------------- */

static enum pt_code read_file(struct applying *applying, const char *path, struct pt_error *reterr)
{
    struct ctl *ctl = applying->ctl;
    PT_AUTO(buf) struct pt_buf text = {0};
    PT_TRY(ctl_read_file(path, &text, reterr));
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    return pt_cli_documents_read(&ctl->scope, name, (const char *)text.data, text.size, ctl->arena,
                                 &applying->documents, reterr);
}

static int is_declared(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && dot > entry->d_name && entry->d_name[0] != '.' &&
           (strcmp(dot, ".json") == 0 || strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static enum pt_code read_path(struct applying *applying, const char *path, struct pt_error *reterr)
{
    struct stat info;
    if (strcmp(path, "-") == 0 || stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
        return read_file(applying, path, reterr);
    }
    struct dirent **entries = NULL;
    int len = scandir(path, &entries, is_declared, alphasort);
    if (len < 0) {
        return pt_fail_errno(reterr, errno, path, "the directory cannot be read");
    }
    enum pt_code code = PT_OK;
    for (int i = 0; i < len; i++) {
        if (code == PT_OK) {
            code =
                read_file(applying, pt_arena_printf(applying->ctl->arena, "%s/%s", path, entries[i]->d_name), reterr);
        }
        free(entries[i]);
    }
    free(entries);
    return code;
}

/* ---- one document --------------------------------------------------------------------------------------------- */

enum pt_code ctl_document_current(struct ctl *ctl, const struct pt_cli_document *document, struct pt_arena *arena,
                                  struct pt_msg **ret_current, struct pt_error *reterr)
{
    const struct pt_method_type *method = NULL;
    PT_TRY(pt_cli_method_find(ctl->schema, document->kind, PT_VERB_GET, &method, reterr));
    enum pt_code code = ctl_call(ctl->client, method, pt_cli_request_get(method, document->name, false, arena), arena,
                                 ret_current, reterr);
    if (code == PT_NOT_FOUND) {
        *ret_current = NULL;
        return PT_OK;
    }
    return code;
}

/* Would the update change nothing? */
bool ctl_document_is(const struct pt_cli_document *document, const struct pt_msg *current, struct pt_arena *arena)
{
    struct pt_msg *after = pt_msg_dup(current, arena);
    for (size_t i = 0; i < document->mask.len; i++) {
        if (pt_msg_copy_path(after, document->msg, document->mask.paths[i], arena, NULL) != PT_OK) {
            return false;
        }
    }
    /* Canonical bytes: the order of map entries does not matter. */
    PT_AUTO(buf) struct pt_buf a = {0};
    PT_AUTO(buf) struct pt_buf b = {0};
    pt_msg_encode(after, &a);
    pt_msg_encode(current, &b);
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static enum pt_code write_document(struct ctl *ctl, struct pt_cli_document *document, bool create, bool dry_run,
                                   struct pt_arena *arena, struct pt_error *reterr)
{
    enum pt_verb verb = create ? PT_VERB_CREATE : PT_VERB_UPDATE;
    const struct pt_method_type *method = NULL;
    PT_TRY(pt_cli_method_find(ctl->schema, document->kind, verb, &method, reterr));
    char request_id[33];
    ctl_random_id(ctl->client, request_id);
    const struct pt_cli_write_options options = {
        .request_id = request_id, .etag = "", .dry_run = dry_run, .allow_missing = true};
    struct pt_msg *resource = pt_msg_dup(document->msg, arena);
    struct pt_msg *request =
        create ? pt_cli_request_create(method, document->name, resource, &options, arena)
               : pt_cli_request_update(method, document->name, resource, &document->mask, &options, arena);
    struct pt_msg *reply = NULL;
    enum pt_code code = ctl_call(ctl->client, method, request, arena, &reply, reterr);
    if (code == PT_ALREADY_EXISTS && create) { /* someone was faster: then it is a change */
        return write_document(ctl, document, false, dry_run, arena, reterr);
    }
    return code;
}

static bool needs_absent(const struct applying *applying, const struct pt_cli_document *document)
{
    for (size_t i = 0; i < document->needs_len; i++) {
        if (applying->absent[document->needs[i]]) {
            return true;
        }
    }
    return false;
}

static enum pt_code apply_one(struct applying *applying, size_t index, struct pt_arena *arena, const char **ret_done,
                              struct pt_error *reterr)
{
    struct ctl *ctl = applying->ctl;
    struct pt_cli_document *document = &applying->documents.items[index];
    struct pt_msg *current = NULL;
    PT_TRY(ctl_document_current(ctl, document, arena, &current, reterr));
    PT_TRY(ctl_owner_check(ctl, current, reterr));
    if (current != NULL && ctl_document_is(document, current, arena)) {
        applying->unchanged++;
        *ret_done = "unchanged";
        return PT_OK;
    }
    bool create = current == NULL;
    if (applying->dry_run && needs_absent(applying, document)) {
        struct pt_msg *merged = create ? document->msg : pt_msg_dup(current, arena);
        for (size_t i = 0; i < document->mask.len && !create; i++) {
            PT_TRY(pt_msg_copy_path(merged, document->msg, document->mask.paths[i], arena, reterr));
        }
        PT_TRY(pt_msg_check(merged, create ? PT_RULE_CREATE : PT_RULE_UPDATE, reterr));
    } else {
        PT_TRY(write_document(ctl, document, create, applying->dry_run, arena, reterr));
    }
    applying->absent[index] = create;
    applying->created += create;
    applying->configured += !create;
    *ret_done = create ? "created" : "configured";
    return PT_OK;
}

static const char *failed_need(const struct applying *applying, const struct pt_cli_document *document)
{
    for (size_t i = 0; i < document->needs_len; i++) {
        if (applying->documents.items[document->needs[i]].failed) {
            return applying->documents.items[document->needs[i]].name;
        }
    }
    return NULL;
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

static int apply_all(struct applying *applying, const size_t *order)
{
    int status = PT_CLI_EXIT_OK;
    for (size_t i = 0; i < applying->documents.len && status != PT_CLI_EXIT_UNAVAILABLE; i++) {
        struct pt_cli_document *document = &applying->documents.items[order[i]];
        const char *need = failed_need(applying, document);
        if (need != NULL) {
            fprintf(stderr, "patronusctl: skipped %s: it needs %s\n", document->name, need);
            document->failed = true;
            applying->failed++;
            continue;
        }
        struct pt_arena arena; /* of one document: thousands may follow */
        pt_arena_init(&arena);
        const char *done = NULL;
        struct pt_error error = {0};
        if (apply_one(applying, order[i], &arena, &done, &error) == PT_OK) {
            printf("%s %s%s\n", done, document->name, applying->dry_run ? " (dry run)" : "");
        } else {
            document->failed = true;
            applying->failed++;
            fprintf(stderr, "patronusctl: %s (%s, line %u) failed\n", document->name, document->file, document->line);
            status = ctl_fail(&error);
        }
        pt_arena_fini(&arena);
    }
    size_t done = applying->created + applying->configured + applying->unchanged + applying->failed;
    printf("%zu created, %zu configured, %zu unchanged, %zu failed%s", applying->created, applying->configured,
           applying->unchanged, applying->failed, applying->dry_run ? " (dry run: nothing was changed)" : "");
    if (done < applying->documents.len) {
        printf(", %zu not tried", applying->documents.len - done);
    }
    printf("\n");
    return applying->failed > 0 && status == PT_CLI_EXIT_OK ? PT_CLI_EXIT_FAILED : status;
}

/* Ask before anything is changed: whoever declines has changed nothing. */
static int prepare_prune(struct ctl *ctl, const struct applying *applying, struct ctl_prune *prune)
{
    struct pt_error error = {0};
    if (!pt_cli_given(ctl->args, PT_CLI_PRUNE)) {
        return PT_CLI_EXIT_OK;
    }
    if (ctl_prune_find(ctl, &applying->documents, prune, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    return ctl_prune_confirm(ctl, prune);
}

int ctl_apply(struct ctl *ctl)
{
    struct applying applying = {.ctl = ctl, .dry_run = pt_cli_given(ctl->args, PT_CLI_DRY_RUN)};
    struct pt_error error = {0};
    if (ctl->args->files_len == 0 || ctl->args->words_len > 0) {
        return ctl_usage_text(ctl, "name what to apply with -f");
    }
    if (pt_cli_given(ctl->args, PT_CLI_PRUNE) && ctl->args->owner[0] == '\0') {
        return ctl_usage_text(ctl, "--prune needs --owner: only what that owner applied before is deleted");
    }
    if (pt_cli_given(ctl->args, PT_CLI_PRUNE) && ctl_apply_must_be_together(ctl)) {
        return ctl_usage_text(ctl, "--prune deletes one by one; apply first, then prune");
    }
    for (size_t i = 0; i < ctl->args->files_len; i++) {
        if (read_path(&applying, ctl->args->files[i], &error) != PT_OK) {
            return ctl_usage(&error);
        }
    }
    if (ctl_owner_label(ctl, &applying.documents, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    size_t *order = pt_arena_array(ctl->arena, applying.documents.len, sizeof(*order));
    applying.absent = pt_arena_array(ctl->arena, applying.documents.len, sizeof(bool));
    if (pt_cli_documents_order(&applying.documents, ctl->arena, order, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    if (ctl_apply_is_together(ctl, &applying.documents)) {
        return ctl_apply_together(ctl, &applying.documents, order);
    }
    struct ctl_prune prune = {0};
    int status = prepare_prune(ctl, &applying, &prune);
    if (status != PT_CLI_EXIT_OK) {
        return status;
    }
    status = apply_all(&applying, order);
    if (status != PT_CLI_EXIT_OK && prune.documents.len > 0) {
        fprintf(stderr, "patronusctl: nothing was pruned, because something failed\n");
    }
    return status == PT_CLI_EXIT_OK ? ctl_prune_delete(ctl, &prune) : status;
}
