/*
 * The file is small and read whole; what it does not know of is refused, so that a typing error is no silent default.
 */
#include "cli/context.h"

#include "cli/fields.h"
#include "cli/value.h"
#include "wire/msg.h"

#include <string.h>

static enum pt_code refuse(struct pt_error *reterr, const char *file, const char *what, const char *text)
{
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, file, "%s: %s", what, text);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static enum pt_code read_servers(const char *file, const struct pt_cli_value *list, struct pt_cli_context *context,
                                 struct pt_error *reterr)
{
    if (list->kind != PT_CLI_VALUE_ARRAY || list->len > PT_CLI_SERVERS_MAX) {
        return refuse(reterr, file, "servers", "a list of at most 16 texts HOST:PORT is expected");
    }
    for (const struct pt_cli_value *server = list->first; server != NULL; server = server->next) {
        const char *colon = server->kind == PT_CLI_VALUE_STRING ? strrchr(server->text, ':') : NULL;
        if (colon == NULL || colon == server->text || colon[1] == '\0' || server->size > 270) {
            return refuse(reterr, file, "servers", "each is a text HOST:PORT, for example \"192.0.2.1:7400\"");
        }
        context->servers[context->servers_len++] = server->text;
    }
    return PT_OK;
}

static enum pt_code read_context(const char *file, const struct pt_cli_value *object, struct pt_cli_context *context,
                                 struct pt_error *reterr)
{
    *context = (struct pt_cli_context){.name = "", .credential = "", .token_file = "", .parent = ""};
    for (const struct pt_cli_value *member = object->first; member != NULL; member = member->next) {
        const char **place = NULL;
        if (object->kind != PT_CLI_VALUE_OBJECT) {
            break; /* has no name: refused below */
        }
        if (strcmp(member->key, "servers") == 0) {
            PT_TRY(read_servers(file, member, context, reterr));
            continue;
        }
        place = strcmp(member->key, "name") == 0 ? &context->name : place;
        place = strcmp(member->key, "credential") == 0 ? &context->credential : place;
        place = strcmp(member->key, "tokenFile") == 0 ? &context->token_file : place;
        place = strcmp(member->key, "parent") == 0 ? &context->parent : place;
        if (place == NULL || member->kind != PT_CLI_VALUE_STRING) {
            return refuse(reterr, file, member->key,
                          "a context has the texts name, credential, tokenFile and parent, and the list servers");
        }
        *place = member->text;
    }
    return pt_id_valid(context->name) ? PT_OK : refuse(reterr, file, "name", "a context needs one: a-z, 0-9 and '-'");
}

enum pt_code pt_cli_contexts_read(const char *file, const char *text, size_t size, struct pt_arena *arena,
                                  struct pt_cli_contexts *ret_contexts, struct pt_error *reterr)
{
    struct pt_cli_contexts contexts = {
        .current = "", .items = pt_arena_array(arena, PT_CLI_CONTEXTS_MAX, sizeof(struct pt_cli_context))};
    const struct pt_cli_value *root = NULL;
    if (size > 0) {
        enum pt_code code = pt_cli_value_read(text, size, arena, &root, reterr);
        if (code != PT_OK) {
            return pt_wrap(reterr, code, "%.150s", file);
        }
        const struct pt_cli_value *list = pt_cli_value_member(root, "contexts");
        if (list == NULL || list->kind != PT_CLI_VALUE_ARRAY || list->len > PT_CLI_CONTEXTS_MAX) {
            return refuse(reterr, file, "contexts", "a list of at most 256 contexts is expected");
        }
        contexts.current = pt_cli_value_text(root, "current", "");
        for (const struct pt_cli_value *one = list->first; one != NULL; one = one->next) {
            struct pt_cli_context context;
            PT_TRY(read_context(file, one, &context, reterr));
            if (pt_cli_context_find(&contexts, context.name) != NULL) {
                return refuse(reterr, file, context.name, "this context stands twice");
            }
            contexts.items[contexts.len++] = context;
        }
    }
    *ret_contexts = contexts;
    return PT_OK;
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

static void put_member(const char *key, const char *text, struct pt_buf *out)
{
    if (text[0] != '\0') {
        pt_buf_printf(out, ", \"%s\": ", key);
        pt_cli_quote(text, strlen(text), out);
    }
}

void pt_cli_contexts_write(const struct pt_cli_contexts *contexts, struct pt_buf *out)
{
    pt_buf_append_str(out, "{\n  \"current\": ");
    pt_cli_quote(contexts->current, strlen(contexts->current), out);
    pt_buf_append_str(out, ",\n  \"contexts\": [");
    for (size_t i = 0; i < contexts->len; i++) {
        const struct pt_cli_context *context = &contexts->items[i];
        pt_buf_append_str(out, i > 0 ? ",\n    {\"name\": " : "\n    {\"name\": ");
        pt_cli_quote(context->name, strlen(context->name), out);
        pt_buf_append_str(out, ", \"servers\": [");
        for (size_t j = 0; j < context->servers_len; j++) {
            pt_buf_append_str(out, j > 0 ? ", " : "");
            pt_cli_quote(context->servers[j], strlen(context->servers[j]), out);
        }
        pt_buf_append_u8(out, ']');
        put_member("credential", context->credential, out);
        put_member("tokenFile", context->token_file, out);
        put_member("parent", context->parent, out);
        pt_buf_append_u8(out, '}');
    }
    pt_buf_append_str(out, contexts->len > 0 ? "\n  ]\n}\n" : "]\n}\n");
}

/* ---- use ------------------------------------------------------------------------------------------------------ */

struct pt_cli_context *pt_cli_context_find(const struct pt_cli_contexts *contexts, const char *name)
{
    for (size_t i = 0; i < contexts->len; i++) {
        if (strcmp(contexts->items[i].name, name) == 0) {
            return &contexts->items[i];
        }
    }
    return NULL;
}

enum pt_code pt_cli_context_put(struct pt_cli_contexts *contexts, const char *name, struct pt_arena *arena,
                                struct pt_cli_context **ret_context, struct pt_error *reterr)
{
    struct pt_cli_context *found = pt_cli_context_find(contexts, name);
    if (found == NULL) {
        if (!pt_id_valid(name)) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, name,
                           "a context's name has a-z, 0-9 and '-' only, at most 63 of them");
        }
        if (contexts->len == PT_CLI_CONTEXTS_MAX) {
            return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, name, "there are 256 contexts; remove one");
        }
        found = &contexts->items[contexts->len++];
        *found = (struct pt_cli_context){
            .name = pt_arena_strdup(arena, name), .credential = "", .token_file = "", .parent = ""};
    }
    *ret_context = found;
    return PT_OK;
}

void pt_cli_context_remove(struct pt_cli_contexts *contexts, struct pt_cli_context *context)
{
    if (strcmp(contexts->current, context->name) == 0) {
        contexts->current = "";
    }
    size_t index = (size_t)(context - contexts->items);
    memmove(context, context + 1, (contexts->len - index - 1) * sizeof(*context));
    contexts->len--;
}

/* Is what the environment or nobody said to give way? */
static bool is_open(const struct pt_cli_args *args, enum pt_cli_flag flag)
{
    bool asked = pt_cli_given(args, PT_CLI_CONTEXT);
    return !pt_cli_given(args, flag) && (asked || (args->environment & PT_CLI_BIT(flag)) == 0);
}

enum pt_code pt_cli_context_use(const struct pt_cli_contexts *contexts, struct pt_cli_args *args,
                                struct pt_error *reterr)
{
    const char *name = args->context[0] != '\0' ? args->context : contexts->current;
    if (name[0] == '\0') {
        return PT_OK;
    }
    const struct pt_cli_context *context = pt_cli_context_find(contexts, name);
    if (context == NULL) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_FIELD_INVALID, "--context",
                       "there is no context '%.63s' in %.150s; patronusctl contexts list shows what there is", name,
                       args->config);
    }
    if (is_open(args, PT_CLI_SERVER) && context->servers_len > 0) {
        memcpy(args->servers, context->servers, sizeof(args->servers));
        args->servers_len = context->servers_len;
    }
    /* Who calls is one thing: a context's token never speaks for whoever gave a credential of his own. */
    bool token_open =
        is_open(args, PT_CLI_TOKEN) && is_open(args, PT_CLI_TOKEN_FILE) && is_open(args, PT_CLI_CREDENTIAL);
    if (is_open(args, PT_CLI_CREDENTIAL) && context->credential[0] != '\0') {
        args->credential = context->credential;
    }
    if (token_open && (context->token_file[0] != '\0' || context->credential[0] != '\0')) {
        args->token = "";
        args->token_file = context->token_file;
    }
    if (is_open(args, PT_CLI_PARENT) && context->parent[0] != '\0') {
        args->parent = context->parent;
    }
    return PT_OK;
}
