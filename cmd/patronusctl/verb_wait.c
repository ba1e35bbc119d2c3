/*
 * wait, and get --watch: both read the initial state and every change behind it from one watch, so that nothing that
 * happens between "look" and "follow" is missed. What is measured (SOFT fields, views) is in no watch, because it is
 * not in the log: wait reads that again and again.
 */
#include "ctl.h"

#include "base/map.h"
#include "cli/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- wait ----------------------------------------------------------------------------------------------------- */

enum wanted { WANT_FIELD, WANT_CONDITION, WANT_EXISTS, WANT_DELETED };

struct waiting {
    enum wanted wanted;
    const char *name;  /* of the resource */
    const char *field; /* WANT_FIELD: path; WANT_CONDITION: type */
    const char *value;
    bool seen; /* it is there */
    bool met;
    char last[200]; /* the value that was seen last */
};

static bool condition_is_true(const struct pt_msg *resource, const char *type)
{
    const struct pt_msg_field *conditions = pt_msg_field(resource, "conditions");
    for (size_t i = 0; conditions != NULL && i < conditions->len; i++) {
        const struct pt_msg *condition = conditions->values[i].message;
        if (strcasecmp(pt_msg_str(condition, "type"), type) == 0) {
            return pt_msg_bool(condition, "status");
        }
    }
    return false;
}

/* An absent value is its type's default. */
static bool field_is(struct waiting *waiting, const struct pt_msg *resource)
{
    PT_AUTO(buf) struct pt_buf text = {0};
    if (pt_msg_text(resource, waiting->field, &text, NULL) != PT_OK) {
        return false;
    }
    const char *found = text.size > 0 ? (const char *)text.data : "";
    bool absent = found[0] == '\0' || strcmp(found, "0") == 0 || strcmp(found, "false") == 0;
    bool wanted_absent =
        waiting->value[0] == '\0' || strcmp(waiting->value, "0") == 0 || strcasecmp(waiting->value, "false") == 0;
    (void)snprintf(waiting->last, sizeof(waiting->last), "%s", found[0] != '\0' ? found : "not set");
    return strcasecmp(found, waiting->value) == 0 || (absent && wanted_absent);
}

static bool is_met(struct waiting *waiting, const struct pt_msg *resource)
{
    return waiting->wanted == WANT_EXISTS ||
           (waiting->wanted == WANT_CONDITION && condition_is_true(resource, waiting->field)) ||
           (waiting->wanted == WANT_FIELD && field_is(waiting, resource));
}

static bool judge(void *arg, const struct ctl_event *event, struct pt_arena *arena)
{
    (void)arena;
    struct waiting *waiting = arg;
    if (strcmp(event->type, "BOOKMARK") == 0) { /* the initial state is over: what was not in it is not there */
        waiting->met = waiting->met || (waiting->wanted == WANT_DELETED && !waiting->seen);
        return !waiting->met;
    }
    if (strcmp(event->name, waiting->name) != 0) {
        return true;
    }
    waiting->seen = strcmp(event->type, "DELETED") != 0;
    waiting->met =
        waiting->seen ? event->resource != NULL && is_met(waiting, event->resource) : waiting->wanted == WANT_DELETED;
    return !waiting->met;
}

#define LOOK_AGAIN_MS 250

static enum pt_code look_until(struct ctl *ctl, const struct pt_message_type *kind, struct waiting *waiting,
                               uint64_t end_ms, struct pt_error *reterr)
{
    const struct pt_method_type *method = NULL;
    PT_TRY(pt_cli_method_find(ctl->schema, kind, PT_VERB_GET, &method, reterr));
    while (pt_sys_now_ms(ctl_client_sys(ctl->client)) < end_ms) {
        struct pt_arena arena;
        pt_arena_init(&arena);
        struct pt_msg *reply = NULL;
        enum pt_code code = ctl_call(ctl->client, method, pt_cli_request_get(method, waiting->name, false, &arena),
                                     &arena, &reply, reterr);
        waiting->seen = code == PT_OK;
        waiting->met = waiting->seen ? is_met(waiting, reply) : waiting->wanted == WANT_DELETED;
        pt_arena_fini(&arena);
        if ((code != PT_OK && code != PT_NOT_FOUND) || waiting->met) {
            return waiting->met ? PT_OK : code;
        }
        ctl_client_rest(ctl->client, LOOK_AGAIN_MS);
    }
    return pt_fail(reterr, PT_DEADLINE_EXCEEDED, PT_REASON_NONE, NULL, "the time is over");
}

static bool is_measured(const struct pt_message_type *kind, const struct waiting *waiting)
{
    char first[64] = "";
    (void)sscanf(waiting->field, "%63[^.]", first);
    const struct pt_field_type *field =
        pt_message_field(kind, waiting->wanted == WANT_CONDITION ? "conditions" : first);
    return kind->resource->view || (field != NULL && field->rules.output == PT_OUTPUT_SOFT);
}

static enum pt_code read_wanted(struct ctl *ctl, const struct pt_message_type *kind, struct waiting *waiting,
                                struct pt_error *reterr)
{
    const char *until = ctl->args->until;
    const char *equals = strchr(until, '=');
    if (strcmp(until, "deleted") == 0 || strcmp(until, "exists") == 0) {
        waiting->wanted = until[0] == 'd' ? WANT_DELETED : WANT_EXISTS;
        return PT_OK;
    }
    if (equals == NULL || equals == until) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "--for",
                       "write FIELD=VALUE, condition=TYPE, exists or deleted");
    }
    waiting->field = pt_arena_strndup(ctl->arena, until, (size_t)(equals - until));
    waiting->value = equals + 1;
    if (strcmp(waiting->field, "condition") == 0) {
        waiting->wanted = WANT_CONDITION;
        waiting->field = waiting->value;
        return PT_OK;
    }
    PT_AUTO(buf) struct pt_buf text = {0};
    enum pt_code code = pt_msg_text(pt_msg_new(ctl->arena, kind), waiting->field, &text, reterr);
    return code == PT_OK ? PT_OK : pt_wrap(reterr, code, "--for");
}

static int late(const struct ctl *ctl, const struct waiting *waiting)
{
    fprintf(stderr, "patronusctl: %s: after %" PRIu64 " s ", waiting->name, ctl->args->timeout_ms / 1000);
    if (!waiting->seen) {
        fprintf(stderr, "it is not there");
    } else if (waiting->wanted == WANT_FIELD) {
        fprintf(stderr, "%s is %s, not %s", waiting->field, waiting->last, waiting->value);
    } else {
        fprintf(stderr, waiting->wanted == WANT_DELETED ? "it is still there" : "%s is not true", waiting->field);
    }
    fprintf(stderr, " (DEADLINE_EXCEEDED)\n  try: allow more time with --timeout\n");
    return PT_CLI_EXIT_FAILED;
}

static enum pt_code watch_until(struct ctl *ctl, const struct pt_message_type *kind, struct waiting *waiting,
                                uint64_t end_ms, struct pt_error *reterr)
{
    const char *plural = kind->resource->plural;
    const struct ctl_watch_options options = {.kinds = &plural,
                                              .kinds_len = 1,
                                              .parent = waiting->name,
                                              .filter = "",
                                              .resume = "",
                                              .initial = true,
                                              .end_ms = end_ms,
                                              .fn = judge,
                                              .arg = waiting};
    return ctl_follow(ctl, &options, reterr);
}

int ctl_wait(struct ctl *ctl)
{
    struct ctl_target *targets = NULL;
    size_t len = 0;
    struct pt_error error = {0};
    struct waiting waiting = {.field = "", .value = ""};
    if (ctl->args->words_len == 0 || ctl->args->until[0] == '\0') {
        return ctl_usage_text(ctl, "a NAME and --for are needed");
    }
    if (ctl_targets(ctl, ctl->args->words, ctl->args->words_len, &targets, &len, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (len != 1) {
        return ctl_usage_text(ctl, "one resource at a time");
    }
    waiting.name = targets[0].name;
    if (read_wanted(ctl, targets[0].kind, &waiting, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    uint64_t end_ms = pt_sys_now_ms(ctl_client_sys(ctl->client)) + ctl->args->timeout_ms;
    enum pt_code code = is_measured(targets[0].kind, &waiting)
                            ? look_until(ctl, targets[0].kind, &waiting, end_ms, &error)
                            : watch_until(ctl, targets[0].kind, &waiting, end_ms, &error);
    if (code == PT_DEADLINE_EXCEEDED && !waiting.met) {
        return late(ctl, &waiting);
    }
    if (code != PT_OK) {
        return ctl_fail(&error);
    }
    printf("%s %s\n", ctl->args->until, waiting.name);
    return PT_CLI_EXIT_OK;
}

/* ---- get --watch ---------------------------------------------------------------------------------------------- */

struct shown { /* what the list has shown */
    const char *name;
    uint64_t revision;
    bool seen;
};

struct ctl_shown {
    struct ctl *ctl;
    struct pt_map by_name; /* -> struct shown */
    struct shown *items;
    size_t len, capacity;
    bool initial_over;
    const struct ctl_target *targets; /* only these; NULL: all */
    size_t targets_len;
    uint64_t count;
    struct pt_error error;
};

static bool is_wanted(const struct ctl_shown *list, const char *name)
{
    for (size_t i = 0; i < list->targets_len; i++) {
        if (strcmp(list->targets[i].name, name) == 0) {
            return true;
        }
    }
    return list->targets_len == 0;
}

/* What was listed and is not in the initial state went away in between. */
static void say_gone(struct ctl_shown *list)
{
    for (size_t i = 0; i < list->len && !list->initial_over; i++) {
        if (!list->items[i].seen) {
            printf("DELETED   %s\n", pt_cli_short_name(&list->ctl->scope, list->items[i].name));
        }
    }
    list->initial_over = true;
}

static bool print_change(void *arg, const struct ctl_event *event, struct pt_arena *arena)
{
    (void)arena;
    struct ctl_shown *list = arg;
    const struct pt_cli_args *args = list->ctl->args;
    if (strcmp(event->type, "BOOKMARK") == 0) {
        say_gone(list);
        return true;
    }
    if (!is_wanted(list, event->name)) {
        return true;
    }
    struct shown *shown = pt_map_get_str(&list->by_name, event->name);
    if (shown != NULL && !list->initial_over) {
        shown->seen = true;
        if (shown->revision == pt_msg_u64(event->event, "revision")) {
            return true;
        }
    }
    if (ctl_print_event(list->ctl, event, &list->error) != PT_OK) {
        return false;
    }
    list->count++;
    return args->count == 0 || list->count < args->count;
}

struct ctl_shown *ctl_shown_new(struct ctl *ctl)
{
    struct ctl_shown *list = PT_NEW(ctl->arena, struct ctl_shown);
    list->ctl = ctl;
    pt_map_init(&list->by_name);
    return list;
}

void ctl_shown_add(struct ctl_shown *list, const struct pt_msg *resource)
{
    if (list->len == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        struct shown *items = pt_arena_array(list->ctl->arena, capacity, sizeof(*items));
        if (list->len > 0) {
            memcpy(items, list->items, list->len * sizeof(*items));
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->len++] =
        (struct shown){.name = pt_msg_str(resource, "name"), .revision = pt_msg_u64(resource, "revision")};
}

int ctl_shown_follow(struct ctl_shown *list, const struct pt_message_type *kind, const struct ctl_target *targets,
                     size_t targets_len)
{
    struct ctl *ctl = list->ctl;
    struct pt_error error = {0};
    for (size_t i = 0; i < list->len; i++) {
        (void)pt_map_put_str(&list->by_name, list->items[i].name, &list->items[i]);
    }
    list->targets = targets;
    list->targets_len = targets_len;
    const char **plurals = pt_arena_array(ctl->arena, targets_len + 1, sizeof(*plurals));
    for (size_t i = 0; i < targets_len; i++) {
        plurals[i] = targets[i].kind->resource->plural;
    }
    plurals[targets_len] = kind != NULL ? kind->resource->plural : "";
    const struct ctl_watch_options options = {.kinds = plurals,
                                              .kinds_len = targets_len + (kind != NULL),
                                              .parent = targets_len == 1 ? targets[0].name : ctl->scope.parent,
                                              .filter = ctl->args->filter,
                                              .resume = "",
                                              .initial = true,
                                              .fn = print_change,
                                              .arg = list};
    enum pt_code code = ctl_follow(ctl, &options, &error);
    pt_map_fini(&list->by_name);
    if (list->error.code != PT_OK) {
        return ctl_usage(&list->error);
    }
    return code == PT_OK ? PT_CLI_EXIT_OK : ctl_fail(&error);
}
