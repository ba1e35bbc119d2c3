/*
 * call: any method of the API with JSON, for what no verb does. Replies of a stream are printed one by one.
 */
#include "ctl.h"

#include "base/limits.h"
#include "cli/jsonpath.h"
#include "cli/scan.h"
#include "cli/yaml.h"
#include "wire/json.h"

#include <stdio.h>
#include <string.h>

#define REQUESTS_MAX 10000
#define REPLY_SIZE_MAX (8U << 20)

/* ---- methods -------------------------------------------------------------------------------------------------- */

/* "SiteService.GetSite" of "/patronus.v1.SiteService/GetSite" */
static const char *short_path(const struct pt_method_type *method, struct pt_arena *arena)
{
    const char *dot = strrchr(method->service, '.');
    return pt_arena_printf(arena, "%s.%s", dot != NULL ? dot + 1 : method->service, method->name);
}

static int print_methods(struct ctl *ctl)
{
    size_t len = 0;
    const struct pt_method_type *const *methods = pt_schema_methods(ctl->schema, &len);
    for (size_t i = 0; i < len; i++) {
        const struct pt_method_type *method = methods[i];
        printf("%s\t%s%s -> %s%s\n", short_path(method, ctl->arena), method->client_streaming ? "stream " : "",
               method->input->name, method->server_streaming ? "stream " : "", method->output->name);
    }
    return PT_CLI_EXIT_OK;
}

/* By path, Service.Method or, where it is the only one, Method. */
static enum pt_code find_method(struct ctl *ctl, const char *word, const struct pt_method_type **ret_method,
                                struct pt_error *reterr)
{
    size_t len = 0;
    size_t found = 0;
    const struct pt_method_type *const *methods = pt_schema_methods(ctl->schema, &len);
    for (size_t i = 0; i < len; i++) {
        const char *name = short_path(methods[i], ctl->arena);
        if (strcmp(methods[i]->path, word) == 0 || strcmp(name, word) == 0 || strcmp(methods[i]->path + 1, word) == 0) {
            *ret_method = methods[i];
            return PT_OK;
        }
        if (strcmp(methods[i]->name, word) == 0) {
            *ret_method = methods[i];
            found++;
        }
    }
    if (found == 1) {
        return PT_OK;
    }
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_UNKNOWN, word,
                   found > 1 ? "several services have this method; write Service.Method"
                             : "there is no such method; patronusctl call without words lists them");
}

/* ---- requests ------------------------------------------------------------------------------------------------- */

struct requests {
    const struct pt_msg **items;
    size_t len;
};

static enum pt_code add_request(struct ctl *ctl, const struct pt_method_type *method, const char *text, size_t size,
                                struct requests *requests, struct pt_error *reterr)
{
    struct pt_msg *request = NULL;
    if (requests->len == REQUESTS_MAX) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_LIMIT_REACHED, method->name,
                       "at most 10,000 requests go into one call");
    }
    PT_TRY(pt_json_read(ctl->schema, method->input, text, size, ctl->arena, &request, reterr));
    if (pt_message_field(method->input, "request_id") != NULL && pt_msg_str(request, "request_id")[0] == '\0') {
        char request_id[33];
        ctl_random_id(ctl->client, request_id); /* so that a second try is not a second change */
        pt_msg_set_str(request, ctl->arena, "request_id", request_id);
    }
    requests->items[requests->len++] = request;
    return PT_OK;
}

/* Objects in a row; YAML is made JSON first. Nothing at all is an empty request. */
static enum pt_code read_requests(struct ctl *ctl, const struct pt_method_type *method, const char *text, size_t size,
                                  struct requests *requests, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf json = {0};
    struct pt_cli_scan scan = {.text = text, .size = size};
    char first = pt_cli_scan_peek(&scan);
    requests->items = pt_arena_array(ctl->arena, REQUESTS_MAX, sizeof(*requests->items));
    if (first == '\0') {
        return add_request(ctl, method, "{}", 2, requests, reterr);
    }
    if (first != '{') {
        PT_TRY(pt_cli_yaml_to_json("the request", text, size, &json, reterr));
        pt_buf_append_u8(&json, 0);
        scan = (struct pt_cli_scan){.text = (const char *)json.data, .size = json.size - 1};
    }
    while (pt_cli_scan_peek(&scan) != '\0') {
        struct pt_cli_span span;
        if (!pt_cli_scan_value(&scan, &span)) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, "the request",
                           "an object of JSON or YAML is expected");
        }
        PT_TRY(add_request(ctl, method, scan.text + span.begin, span.end - span.begin, requests, reterr));
    }
    if (requests->len != 1 && !method->client_streaming) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, method->name, "it takes one request");
    }
    return PT_OK;
}

/* ---- replies -------------------------------------------------------------------------------------------------- */

struct replies {
    struct ctl *ctl;
    const struct pt_method_type *method;
    uint64_t count;
    struct pt_error error;
};

static int print_reply(struct ctl *ctl, const struct pt_msg *reply, unsigned flags)
{
    PT_AUTO(buf) struct pt_buf json = {0};
    pt_json_write(ctl->schema, reply, flags, &json);
    pt_buf_append_u8(&json, '\n');
    return ctl_print_data(ctl, &json);
}

static bool on_reply(void *arg, struct pt_bytes message)
{
    struct replies *replies = arg;
    struct ctl *ctl = replies->ctl;
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *reply = NULL;
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_DROP, .size_max = REPLY_SIZE_MAX};
    enum pt_code code = pt_msg_parse(replies->method->output, message, &options, &arena, &reply, &replies->error);
    if (code == PT_OK) {
        if (ctl->args->output == PT_CLI_YAML) {
            printf("---\n");
        }
        (void)print_reply(ctl, reply, PT_JSON_COMPACT); /* a template that does not fit says so each time */
        replies->count++;
    }
    pt_arena_fini(&arena);
    return code == PT_OK && (ctl->args->count == 0 || replies->count < ctl->args->count);
}

static int call_stream(struct ctl *ctl, const struct pt_method_type *method, const struct requests *requests)
{
    struct pt_error error = {0};
    struct replies replies = {.ctl = ctl, .method = method};
    const struct ctl_stream_options options = {.method = method,
                                               .requests = requests->items,
                                               .requests_len = requests->len,
                                               .may_end = true,
                                               .on_message = on_reply,
                                               .arg = &replies};
    enum pt_code code = ctl_stream(ctl->client, &options, &error);
    if (replies.error.code != PT_OK) {
        return ctl_fail(&replies.error);
    }
    return code == PT_OK ? PT_CLI_EXIT_OK : ctl_fail(&error);
}

int ctl_any_call(struct ctl *ctl)
{
    const struct pt_cli_args *args = ctl->args;
    const struct pt_method_type *method = NULL;
    struct requests requests = {0};
    struct pt_error error = {0};
    PT_AUTO(buf) struct pt_buf text = {0};
    if (args->words_len == 0) {
        return print_methods(ctl);
    }
    if (args->words_len > 2 || args->files_len + args->words_len > 2) {
        return ctl_usage_text(ctl, "a METHOD and one request, as a word or with -f, are needed");
    }
    if (find_method(ctl, args->words[0], &method, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (args->files_len == 1 && ctl_read_file(args->files[0], &text, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (args->words_len == 2) {
        pt_buf_append_str(&text, args->words[1]);
    }
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    if (read_requests(ctl, method, text.size > 0 ? (const char *)text.data : "", text.size, &requests, &error) !=
        PT_OK) {
        return ctl_usage(&error);
    }
    if (method->server_streaming || method->client_streaming) {
        return call_stream(ctl, method, &requests);
    }
    struct pt_msg *reply = NULL;
    if (ctl_call(ctl->client, method, requests.items[0], ctl->arena, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    return print_reply(ctl, reply, PT_JSON_INDENT);
}
