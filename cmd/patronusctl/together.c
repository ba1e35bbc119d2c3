/*
 * apply as one change set.
 *
 * Each document is read and compared as in any apply; what differs becomes a staged change that names the etag that was
 * read, so that nobody's change in between is overwritten. A dry run asks for the plan and stages nothing.
 */
#include "together.h"

#include "base/assert.h"
#include "changeset.h"
#include "patronus/v1/changeset.pb-c.h"
#include "prune.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANGES_MAX 512 /* as the schema has it */
#define SERVICE "/patronus.v1.ChangeSetService/"

struct together {
    struct ctl *ctl;
    const char *name; /* of the change set */
    const struct pt_method_type *plan;
    struct pt_msg *changes; /* a PlanChangeSetRequest that holds them */
    size_t unchanged;
};

bool ctl_apply_must_be_together(const struct ctl *ctl)
{
    return pt_cli_given(ctl->args, PT_CLI_CONFIRM) || pt_cli_given(ctl->args, PT_CLI_TOGETHER);
}

/* "organizations/acme" of a name below it; 0 when there is none. */
static size_t organization_size(const char *name)
{
    size_t size = strncmp(name, "organizations/", 14) == 0 ? 14 + strcspn(name + 14, "/") : 0;
    return name[size] == '/' ? size : 0;
}

bool ctl_apply_is_together(const struct ctl *ctl, const struct pt_cli_documents *documents)
{
    if (ctl_apply_must_be_together(ctl)) {
        return true;
    }
    bool fits = pt_cli_given(ctl->args, PT_CLI_DRY_RUN) && !pt_cli_given(ctl->args, PT_CLI_PRUNE) &&
                documents->len > 0 && documents->len <= CHANGES_MAX &&
                pt_schema_method(ctl->schema, SERVICE "PlanChangeSet") != NULL;
    size_t size = fits ? organization_size(documents->items[0].name) : 0;
    for (size_t i = 0; i < documents->len && fits; i++) {
        const struct pt_cli_document *document = &documents->items[i];
        fits = size > 0 && !document->kind->resource->unstaged &&
               strncmp(document->name, documents->items[0].name, size + 1) == 0;
    }
    return fits;
}

/* ---- staging -------------------------------------------------------------------------------------------------- */

static void stage(struct together *together, const struct pt_cli_document *document, const struct pt_msg *current)
{
    struct pt_arena *arena = together->ctl->arena;
    const struct pt_message_type *type = pt_message_field(together->changes->type, "changes")->message;
    struct pt_msg *change = pt_msg_new(arena, type);
    struct pt_msg *any = pt_msg_new(arena, pt_message_field(type, "resource")->message);
    PT_AUTO(buf) struct pt_buf bytes = {0};
    pt_msg_encode(document->msg, &bytes);
    pt_msg_set_str(any, arena, "type_url", pt_arena_printf(arena, "type.googleapis.com/%s", document->kind->full_name));
    pt_msg_set_bytes(any, arena, "value", pt_buf_bytes(&bytes));
    pt_msg_set_str(change, arena, "name", document->name);
    pt_msg_set_child(change, arena, "resource", any);
    pt_msg_set_i64(change, arena, "action",
                   current == NULL ? PATRONUS__V1__CHANGE_ACTION__CHANGE_CREATE
                                   : PATRONUS__V1__CHANGE_ACTION__CHANGE_UPDATE);
    if (current != NULL) {
        struct pt_msg *mask = pt_msg_new(arena, pt_message_field(type, "update_mask")->message);
        for (size_t i = 0; i < document->mask.len; i++) {
            const char *path = document->mask.paths[i];
            pt_msg_append(mask, arena, "paths", (union pt_value){.bytes = {(const uint8_t *)path, strlen(path)}});
        }
        pt_msg_set_child(change, arena, "update_mask", mask);
        pt_msg_set_str(change, arena, "etag", pt_msg_str(current, "etag"));
    }
    pt_msg_append(together->changes, arena, "changes", (union pt_value){.message = change});
}

static enum pt_code stage_all(struct together *together, const struct pt_cli_documents *documents, const size_t *order,
                              struct pt_error *reterr)
{
    struct ctl *ctl = together->ctl;
    for (size_t i = 0; i < documents->len; i++) {
        const struct pt_cli_document *document = &documents->items[order[i]];
        struct pt_msg *current = NULL;
        PT_TRY(ctl_document_current(ctl, document, ctl->arena, &current, reterr));
        PT_TRY(ctl_owner_check(ctl, current, reterr));
        if (current != NULL && ctl_document_is(document, current, ctl->arena)) {
            together->unchanged++;
            continue;
        }
        stage(together, document, current);
    }
    const struct pt_msg_field *changes = pt_msg_field(together->changes, "changes");
    return changes == NULL || changes->len <= CHANGES_MAX
               ? PT_OK
               : pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_LIMIT_REACHED, "-f",
                         "these are %zu changes; one change set holds %d: apply them in parts", changes->len,
                         CHANGES_MAX);
}

/* ---- plans ---------------------------------------------------------------------------------------------------- */

static void print_change(const struct pt_msg *change)
{
    const char *reason = pt_msg_str(change, "error_reason");
    if (reason[0] != '\0') {
        fprintf(stderr, "patronusctl: %s: %s%s%s (%s)\n", pt_msg_str(change, "name"), pt_msg_str(change, "error_field"),
                pt_msg_str(change, "error_field")[0] != '\0' ? ": " : "", pt_msg_str(change, "error_message"), reason);
        return;
    }
    printf("%s %s (dry run)\n", ctl_change_word(pt_msg_i64(change, "action")), pt_msg_str(change, "name"));
    const struct pt_msg_field *fields = pt_msg_field(change, "fields");
    for (size_t i = 0; fields != NULL && i < fields->len; i++) {
        const struct pt_msg *field = fields->values[i].message;
        const char *before = pt_msg_str(field, "before");
        const char *after = pt_msg_str(field, "after");
        if (before[0] == '\0') {
            printf("  + %s: %s\n", pt_msg_str(field, "path"), after);
        } else if (after[0] == '\0') {
            printf("  - %s: %s\n", pt_msg_str(field, "path"), before);
        } else {
            printf("  ~ %s: %s -> %s\n", pt_msg_str(field, "path"), before, after);
        }
    }
}

static void print_quotas(const struct pt_msg *plan)
{
    const struct pt_msg_field *quotas = pt_msg_field(plan, "quotas");
    for (size_t i = 0; quotas != NULL && i < quotas->len; i++) {
        const struct pt_msg *quota = quotas->values[i].message;
        uint64_t limit = pt_msg_u64(quota, "limit");
        printf("quota %s: %" PRIu64 " -> %" PRIu64, pt_msg_str(quota, "metric"), pt_msg_u64(quota, "before"),
               pt_msg_u64(quota, "after"));
        printf(limit > 0 ? " of %" PRIu64 "\n" : "\n", limit);
    }
}

static void print_warnings(const struct pt_msg *plan)
{
    const struct pt_msg_field *warnings = pt_msg_field(plan, "warnings");
    for (size_t i = 0; warnings != NULL && i < warnings->len; i++) {
        printf("warning: %s\n", (const char *)warnings->values[i].bytes.data);
    }
}

static void print_forwarding(const struct pt_msg *plan)
{
    if (!pt_msg_bool(plan, "forwarding_planned")) {
        printf("forwarding was not planned: %s\n", pt_msg_str(plan, "forwarding_error"));
        return;
    }
    printf("forwarding changes at %" PRIu64 " edges, %" PRIu64 " next-hop groups\n", pt_msg_u64(plan, "nodes_affected"),
           pt_msg_u64(plan, "paths_moved"));
    print_warnings(plan);
    const struct pt_msg_field *nodes = pt_msg_field(plan, "nodes");
    for (size_t i = 0; nodes != NULL && i < nodes->len && i < 10; i++) {
        printf("  %s: %" PRIu64 " entries\n", pt_msg_str(nodes->values[i].message, "edge"),
               pt_msg_u64(nodes->values[i].message, "entries"));
    }
    if (nodes != NULL && nodes->len > 10) {
        printf("  ...\n");
    }
}

static int print_plan(struct together *together, const struct pt_msg *plan)
{
    size_t counts[4] = {0}, failed = 0;
    const struct pt_msg_field *changes = pt_msg_field(plan, "changes");
    for (size_t i = 0; changes != NULL && i < changes->len; i++) {
        const struct pt_msg *change = changes->values[i].message;
        bool refused = pt_msg_str(change, "error_reason")[0] != '\0';
        failed += refused;
        counts[pt_msg_i64(change, "action") & 3] += !refused;
        print_change(change);
    }
    print_quotas(plan);
    print_forwarding(plan);
    printf("%zu created, %zu configured, %zu unchanged, %zu failed (dry run: nothing was changed)\n",
           counts[PATRONUS__V1__CHANGE_ACTION__CHANGE_CREATE], counts[PATRONUS__V1__CHANGE_ACTION__CHANGE_UPDATE],
           together->unchanged + counts[0], failed);
    return pt_msg_bool(plan, "acceptable") ? PT_CLI_EXIT_OK : PT_CLI_EXIT_FAILED;
}

static int plan(struct together *together)
{
    struct ctl *ctl = together->ctl;
    struct pt_msg *reply = NULL;
    struct pt_error error = {0};
    if (!pt_msg_has(together->changes, "changes")) {
        printf("0 created, 0 configured, %zu unchanged, 0 failed (dry run: nothing was changed)\n",
               together->unchanged);
        return PT_CLI_EXIT_OK;
    }
    return ctl_call(ctl->client, together->plan, together->changes, ctl->arena, &reply, &error) == PT_OK
               ? print_plan(together, reply)
               : ctl_fail(&error);
}

/* ---- applying ------------------------------------------------------------------------------------------------- */

static void print_applied(const struct together *together, const struct pt_msg *change_set)
{
    size_t counts[4] = {0};
    ctl_change_set_print(change_set, counts);
    printf("%zu created, %zu configured, %zu unchanged, 0 failed: in force together as %s\n",
           counts[PATRONUS__V1__CHANGE_ACTION__CHANGE_CREATE], counts[PATRONUS__V1__CHANGE_ACTION__CHANGE_UPDATE],
           together->unchanged, together->name);
    ctl_change_set_print_wait(together->ctl, change_set);
}

static int apply(struct together *together)
{
    struct ctl *ctl = together->ctl;
    struct pt_msg *change_set = NULL;
    struct pt_error error = {0};
    if (!pt_msg_has(together->changes, "changes")) {
        printf("0 created, 0 configured, %zu unchanged, 0 failed\n", together->unchanged);
        return PT_CLI_EXIT_OK;
    }
    if (ctl_change_set_put(ctl, together->name, pt_msg_field(together->changes, "changes"), &change_set, &error) !=
        PT_OK) {
        return ctl_fail(&error);
    }
    if (ctl_change_set_apply(ctl, change_set, &change_set, &error) != PT_OK) {
        int status = ctl_fail(&error);
        if (ctl_change_set_refused(&error)) {
            ctl_change_set_drop(ctl, together->name);
        }
        return status;
    }
    print_applied(together, change_set);
    return PT_CLI_EXIT_OK;
}

int ctl_apply_together(struct ctl *ctl, struct pt_cli_documents *documents, const size_t *order)
{
    struct pt_error error = {0};
    char id[33];
    size_t size = documents->len > 0 ? organization_size(documents->items[0].name) : 0;
    if (size == 0) {
        return ctl_usage_text(ctl, "a change set holds what is below one organization");
    }
    ctl_random_id(ctl->client, id);
    struct together together = {.ctl = ctl, .plan = pt_schema_method(ctl->schema, SERVICE "PlanChangeSet")};
    pt_assert(together.plan != NULL);
    together.name = pt_arena_printf(ctl->arena, "%.*s/changeSets/apply-%.8s", (int)size, documents->items[0].name, id);
    together.changes = pt_msg_new(ctl->arena, together.plan->input);
    pt_msg_set_str(together.changes, ctl->arena, "name", together.name);
    if (stage_all(&together, documents, order, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    return pt_cli_given(ctl->args, PT_CLI_DRY_RUN) ? plan(&together) : apply(&together);
}
