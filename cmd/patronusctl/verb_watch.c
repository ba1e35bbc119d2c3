/*
 * watch: events as they come. After a disconnect the stream is opened anew at the next server behind the last event, so
 * that nothing is lost or seen twice. ctl_follow is that without the printing, for get --watch and wait.
 */
#include "ctl.h"

#include "base/assert.h"
#include "wire/json.h"

#include <stdio.h>
#include <string.h>

#define METHOD "/patronus.v1.WatchService/Watch"
#define EVENT_SIZE_MAX (8U << 20)

/* ---- following ------------------------------------------------------------------------------------------------ */

struct following {
    struct ctl *ctl;
    const struct ctl_watch_options *options;
    const struct pt_method_type *method;
    struct pt_buf resume_token;
    bool broken; /* an event could not be read */
    bool heard;  /* since the stream was opened */
    struct pt_error error;
};

/* The resource inside of an Any; NULL when its kind is not known here. */
static const struct pt_msg *open_resource(const struct ctl *ctl, const struct pt_msg *event, struct pt_arena *arena)
{
    const struct pt_msg *any = pt_msg_child(event, "resource");
    const char *url = any != NULL ? pt_msg_str(any, "type_url") : "";
    const char *slash = strrchr(url, '/');
    const struct pt_message_type *type = slash != NULL ? pt_schema_message(ctl->schema, slash + 1) : NULL;
    struct pt_msg *resource = NULL;
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_DROP, .size_max = EVENT_SIZE_MAX};
    if (type == NULL || type->resource == NULL ||
        pt_msg_parse(type, pt_msg_bytes(any, "value"), &options, arena, &resource, NULL) != PT_OK) {
        return NULL;
    }
    return resource;
}

static bool on_event(void *arg, struct pt_bytes message)
{
    struct following *following = arg;
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *event = NULL;
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_DROP, .size_max = EVENT_SIZE_MAX};
    following->heard = true;
    if (pt_msg_parse(following->method->output, message, &options, &arena, &event, &following->error) != PT_OK) {
        following->broken = true;
        pt_arena_fini(&arena);
        return false;
    }
    const char *token = pt_msg_str(event, "resume_token");
    if (token[0] != '\0') {
        pt_buf_reset(&following->resume_token);
        pt_buf_append_str(&following->resume_token, token);
    }
    PT_AUTO(buf) struct pt_buf type = {0};
    pt_assert(pt_msg_text(event, "type", &type, NULL) == PT_OK); /* the field exists */
    const struct ctl_event opened = {.type = type.size > 0 ? (const char *)type.data : "?",
                                     .name = pt_msg_str(event, "name"),
                                     .resource = open_resource(following->ctl, event, &arena),
                                     .event = event};
    bool more = following->options->fn(following->options->arg, &opened, &arena);
    pt_arena_fini(&arena);
    return more;
}

static struct pt_msg *make_request(const struct following *following, struct pt_arena *arena)
{
    const struct ctl_watch_options *options = following->options;
    struct pt_msg *request = pt_msg_new(arena, following->method->input);
    for (size_t i = 0; i < options->kinds_len; i++) {
        const struct pt_bytes plural = {(const uint8_t *)options->kinds[i], strlen(options->kinds[i])};
        pt_msg_append(request, arena, "kinds", (union pt_value){.bytes = plural});
    }
    pt_msg_set_str(request, arena, "parent", options->parent);
    pt_msg_set_str(request, arena, "filter", options->filter);
    if (following->resume_token.size > 0) {
        pt_msg_set_str(request, arena, "resume_token", (const char *)following->resume_token.data);
    } else {
        pt_msg_set_bool(request, arena, "send_initial", options->initial);
    }
    pt_msg_set_time(request, arena, "bookmark_interval", 1000000000);
    return request;
}

static enum pt_code follow(struct following *following, struct pt_error *reterr)
{
    struct ctl *ctl = following->ctl;
    struct pt_sys *sys = ctl_client_sys(ctl->client);
    uint64_t silent_since_ms = pt_sys_now_ms(sys);
    for (;;) {
        struct pt_arena arena;
        pt_arena_init(&arena);
        following->heard = false;
        const struct pt_msg *request = make_request(following, &arena);
        const struct ctl_stream_options options = {.method = following->method,
                                                   .requests = &request,
                                                   .requests_len = 1,
                                                   .end_ms = following->options->end_ms,
                                                   .on_message = on_event,
                                                   .arg = following};
        enum pt_code code = ctl_stream(ctl->client, &options, reterr);
        pt_arena_fini(&arena);
        if (following->broken) {
            *reterr = following->error;
            return reterr->code;
        }
        if (code != PT_UNAVAILABLE) {
            return code;
        }
        uint64_t now_ms = pt_sys_now_ms(sys);
        silent_since_ms = following->heard ? now_ms : silent_since_ms;
        bool over = following->options->end_ms != 0 && now_ms >= following->options->end_ms;
        if (over || now_ms - silent_since_ms > ctl->args->timeout_ms) {
            return pt_wrap(reterr, code, "%s", ctl_client_server(ctl->client));
        }
        ctl_client_next(ctl->client);
        if (following->heard) {
            fprintf(stderr, "patronusctl: disconnected (%s); going on at %s\n", reterr->text,
                    ctl_client_server(ctl->client));
        }
    }
}

enum pt_code ctl_follow(struct ctl *ctl, const struct ctl_watch_options *options, struct pt_error *reterr)
{
    struct following following = {.ctl = ctl, .options = options, .method = pt_schema_method(ctl->schema, METHOD)};
    pt_assert(following.method != NULL);
    pt_buf_append_str(&following.resume_token, options->resume);
    enum pt_code code = follow(&following, reterr);
    pt_buf_fini(&following.resume_token);
    return code;
}

/* ---- printing ------------------------------------------------------------------------------------------------- */

/* Columns of its kind say what to show of a resource. */
static void put_columns(const struct ctl *ctl, const struct pt_msg *resource, struct pt_buf *out)
{
    const struct pt_resource_type *kind = resource->type->resource;
    for (size_t i = 0; i < kind->columns_len; i++) {
        PT_AUTO(buf) struct pt_buf text = {0};
        if (pt_msg_text(resource, kind->columns[i], &text, NULL) == PT_OK && text.size > 0) {
            pt_buf_printf(out, "  %s=%s", kind->columns[i], pt_cli_short_name(&ctl->scope, (const char *)text.data));
        }
    }
}

enum pt_code ctl_print_event(struct ctl *ctl, const struct ctl_event *event, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf out = {0};
    if (ctl_is_data(ctl)) {
        PT_AUTO(buf) struct pt_buf json = {0};
        pt_json_write(ctl->schema, event->event, PT_JSON_COMPACT, &json);
        pt_buf_append_str(&out, ctl->args->output == PT_CLI_YAML ? "---\n" : "");
        PT_TRY(ctl_convert(ctl, pt_buf_bytes(&json), &out, reterr));
    } else if (ctl->args->output == PT_CLI_NAME) {
        pt_buf_append_str(&out, event->name);
    } else {
        pt_buf_printf(&out, "%-8s  %s  revision=%llu", event->type, pt_cli_short_name(&ctl->scope, event->name),
                      (unsigned long long)pt_msg_u64(event->event, "revision"));
        if (event->resource != NULL) {
            put_columns(ctl, event->resource, &out);
        }
    }
    if (out.size > 0 && out.data[out.size - 1] != '\n') {
        pt_buf_append_u8(&out, '\n');
    }
    ctl_print(&out);
    return PT_OK;
}

struct watching {
    struct ctl *ctl;
    uint64_t count; /* events printed */
    struct pt_error error;
};

static bool print_one(void *arg, const struct ctl_event *event, struct pt_arena *arena)
{
    (void)arena;
    struct watching *watching = arg;
    const struct pt_cli_args *args = watching->ctl->args;
    bool bookmark = strcmp(event->type, "BOOKMARK") == 0;
    bool shown =
        !bookmark || args->output == PT_CLI_JSON || args->output == PT_CLI_YAML; /* its token is for programs */
    if (shown && ctl_print_event(watching->ctl, event, &watching->error) != PT_OK) {
        return false;
    }
    watching->count += !bookmark;
    return args->count == 0 || watching->count < args->count;
}

int ctl_watch(struct ctl *ctl)
{
    struct watching watching = {.ctl = ctl};
    struct pt_error error = {0};
    const char **plurals = pt_arena_array(ctl->arena, ctl->args->words_len + 1, sizeof(*plurals));
    for (size_t i = 0; i < ctl->args->words_len; i++) {
        const struct pt_message_type *kind = NULL;
        if (pt_cli_kind_find(ctl->schema, ctl->args->words[i], &kind, &error) != PT_OK) {
            return ctl_usage(&error);
        }
        plurals[i] = kind->resource->plural;
    }
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    const struct ctl_watch_options options = {.kinds = plurals,
                                              .kinds_len = ctl->args->words_len,
                                              .parent = ctl->scope.parent,
                                              .filter = ctl->args->filter,
                                              .resume = ctl->args->resume,
                                              .initial = pt_cli_given(ctl->args, PT_CLI_INITIAL),
                                              .fn = print_one,
                                              .arg = &watching};
    enum pt_code code = ctl_follow(ctl, &options, &error);
    if (watching.error.code != PT_OK) {
        return ctl_usage(&watching.error);
    }
    return code == PT_OK ? PT_CLI_EXIT_OK : ctl_fail(&error);
}
