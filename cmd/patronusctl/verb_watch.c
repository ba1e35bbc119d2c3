/*
 * watch: one line per event. The last resume token is kept; after a disconnect the stream is opened anew at the next
 * server behind it, so that nothing is lost or seen twice.
 */
#include "ctl.h"

#include "base/assert.h"
#include "wire/json.h"

#include <stdio.h>
#include <string.h>

#define METHOD "/patronus.v1.WatchService/Watch"
#define EVENT_SIZE_MAX (8U << 20)

struct watching {
    struct ctl *ctl;
    const struct pt_method_type *method;
    struct pt_buf resume_token;
    uint64_t count; /* events printed */
    bool broken;    /* an event could not be read */
    bool heard;     /* since the stream was opened */
    struct pt_error error;
};

/* The resource inside of an Any: {"@type": ..., its fields}. Columns of its kind say what to show. */
static void put_columns(struct watching *watching, const struct pt_msg *event, struct pt_arena *arena,
                        struct pt_buf *out)
{
    const struct pt_msg *any = pt_msg_child(event, "resource");
    const char *url = any != NULL ? pt_msg_str(any, "type_url") : "";
    const char *slash = strrchr(url, '/');
    const struct pt_message_type *type = slash != NULL ? pt_schema_message(watching->ctl->schema, slash + 1) : NULL;
    struct pt_msg *resource = NULL;
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_DROP, .size_max = EVENT_SIZE_MAX};
    if (type == NULL || type->resource == NULL ||
        pt_msg_parse(type, pt_msg_bytes(any, "value"), &options, arena, &resource, NULL) != PT_OK) {
        return;
    }
    for (size_t i = 0; i < type->resource->columns_len; i++) {
        PT_AUTO(buf) struct pt_buf text = {0};
        if (pt_msg_text(resource, type->resource->columns[i], &text, NULL) == PT_OK && text.size > 0) {
            pt_buf_printf(out, "  %s=%s", type->resource->columns[i],
                          pt_cli_short_name(&watching->ctl->scope, (const char *)text.data));
        }
    }
}

static void print_event(struct watching *watching, const struct pt_msg *event, struct pt_arena *arena)
{
    PT_AUTO(buf) struct pt_buf out = {0};
    if (watching->ctl->args->output == PT_CLI_JSON) {
        pt_json_write(watching->ctl->schema, event, PT_JSON_COMPACT, &out);
    } else if (watching->ctl->args->output == PT_CLI_NAME) {
        pt_buf_append_str(&out, pt_msg_str(event, "name"));
    } else {
        PT_AUTO(buf) struct pt_buf type = {0};
        pt_assert(pt_msg_text(event, "type", &type, NULL) == PT_OK); /* the field exists */
        pt_buf_printf(&out, "%-8s  %s  revision=%llu", type.size > 0 ? (const char *)type.data : "?",
                      pt_cli_short_name(&watching->ctl->scope, pt_msg_str(event, "name")),
                      (unsigned long long)pt_msg_u64(event, "revision"));
        put_columns(watching, event, arena, &out);
    }
    pt_buf_append_u8(&out, '\n');
    ctl_print(&out);
}

static bool on_event(void *arg, struct pt_bytes message)
{
    struct watching *watching = arg;
    const struct pt_cli_args *args = watching->ctl->args;
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *event = NULL;
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_DROP, .size_max = EVENT_SIZE_MAX};
    watching->heard = true;
    if (pt_msg_parse(watching->method->output, message, &options, &arena, &event, &watching->error) != PT_OK) {
        watching->broken = true;
        pt_arena_fini(&arena);
        return false;
    }
    const char *token = pt_msg_str(event, "resume_token");
    if (token[0] != '\0') {
        pt_buf_reset(&watching->resume_token);
        pt_buf_append_str(&watching->resume_token, token);
    }
    bool bookmark = pt_msg_child(event, "resource") == NULL;
    if (!bookmark || args->output == PT_CLI_JSON) { /* a bookmark's token is for programs */
        print_event(watching, event, &arena);
    }
    watching->count += !bookmark;
    pt_arena_fini(&arena);
    return args->count == 0 || watching->count < args->count;
}

static enum pt_code make_request(struct watching *watching, struct pt_arena *arena, struct pt_msg **ret_request,
                                 struct pt_error *reterr)
{
    struct ctl *ctl = watching->ctl;
    struct pt_msg *request = pt_msg_new(arena, watching->method->input);
    for (size_t i = 0; i < ctl->args->words_len; i++) {
        const struct pt_message_type *kind = NULL;
        PT_TRY(pt_cli_kind_find(ctl->schema, ctl->args->words[i], &kind, reterr));
        const char *plural = kind->resource->plural;
        pt_msg_append(request, arena, "kinds", (union pt_value){.bytes = {(const uint8_t *)plural, strlen(plural)}});
    }
    pt_msg_set_str(request, arena, "parent", ctl->scope.parent);
    pt_msg_set_str(request, arena, "filter", ctl->args->filter);
    if (watching->resume_token.size > 0) {
        pt_msg_set_str(request, arena, "resume_token", (const char *)watching->resume_token.data);
    } else {
        pt_msg_set_bool(request, arena, "send_initial", pt_cli_given(ctl->args, PT_CLI_INITIAL));
    }
    pt_msg_set_time(request, arena, "bookmark_interval", 1000000000);
    *ret_request = request;
    return PT_OK;
}

/* Until the count is reached, the server refuses, or nobody answers for the whole timeout. */
static enum pt_code watch(struct watching *watching, struct pt_error *reterr)
{
    struct ctl *ctl = watching->ctl;
    struct pt_sys *sys = ctl_client_sys(ctl->client);
    uint64_t silent_since_ms = pt_sys_now_ms(sys);
    for (;;) {
        struct pt_arena arena;
        pt_arena_init(&arena);
        struct pt_msg *request = NULL;
        watching->heard = false;
        enum pt_code code = make_request(watching, &arena, &request, reterr);
        if (code == PT_OK) {
            code = ctl_stream(ctl->client, watching->method, request, on_event, watching, reterr);
        }
        pt_arena_fini(&arena);
        if (watching->broken) {
            *reterr = watching->error;
            return reterr->code;
        }
        if (code != PT_UNAVAILABLE) {
            return code;
        }
        uint64_t now_ms = pt_sys_now_ms(sys);
        silent_since_ms = watching->heard ? now_ms : silent_since_ms;
        if (now_ms - silent_since_ms > ctl->args->timeout_ms) {
            return pt_wrap(reterr, code, "%s", ctl_client_server(ctl->client));
        }
        ctl_client_next(ctl->client);
        if (watching->heard) {
            fprintf(stderr, "patronusctl: disconnected (%s); going on at %s\n", reterr->text,
                    ctl_client_server(ctl->client));
        }
    }
}

int ctl_watch(struct ctl *ctl)
{
    struct watching watching = {.ctl = ctl, .method = pt_schema_method(ctl->schema, METHOD)};
    pt_assert(watching.method != NULL);
    struct pt_error error = {0};
    for (size_t i = 0; i < ctl->args->words_len; i++) {
        const struct pt_message_type *kind = NULL;
        if (pt_cli_kind_find(ctl->schema, ctl->args->words[i], &kind, &error) != PT_OK) {
            return ctl_usage(&error);
        }
    }
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    pt_buf_append_str(&watching.resume_token, ctl->args->resume);
    enum pt_code code = watch(&watching, &error);
    pt_buf_fini(&watching.resume_token);
    return code == PT_OK ? PT_CLI_EXIT_OK : ctl_fail(&error);
}
