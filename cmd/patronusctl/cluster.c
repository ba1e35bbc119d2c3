/*
 * cluster status asks each controller itself: what one of them believes of the others is not what they are. A follower
 * that is behind, a second leader of an old term, a state that differs: all show only side by side.
 */
#include "cluster.h"

#include "base/assert.h"
#include "cli/request.h"
#include "cli/table.h"
#include "wire/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STATUS "/patronus.v1.ClusterService/GetClusterStatus"
#define TRANSFER "/patronus.v1.ClusterService/TransferLeadership"
#define FINALIZE "/patronus.v1.ClusterService/FinalizeUpgrade"
#define ASK_MS_MAX 3000

/* ---- collecting ----------------------------------------------------------------------------------------------- */

static struct ctl_view *find_view(struct ctl_views *views, const char *address)
{
    for (size_t i = 0; i < views->len; i++) {
        if (strcmp(views->items[i].address, address) == 0) {
            return &views->items[i];
        }
    }
    return NULL;
}

static struct ctl_view *add_view(struct ctl_views *views, const char *address)
{
    struct ctl_view *view = find_view(views, address);
    if (view == NULL && views->len < CTL_VIEWS_MAX) {
        view = &views->items[views->len++];
        *view = (struct ctl_view){.address = address, .name = ""};
    }
    return view;
}

static bool add_controller(void *arg, const struct pt_msg *controller)
{
    struct ctl_views *views = arg;
    const char *address = pt_msg_str(controller, "api_address");
    struct ctl_view *view = address[0] != '\0' ? add_view(views, address) : NULL;
    if (view != NULL) {
        view->name = pt_msg_str(controller, "name");
    }
    return views->len < CTL_VIEWS_MAX;
}

static void ask(struct ctl *ctl, struct ctl_view *view)
{
    const struct pt_method_type *method = pt_schema_method(ctl->schema, STATUS);
    pt_assert(method != NULL);
    uint64_t timeout_ms = ctl->args->timeout_ms < ASK_MS_MAX ? ctl->args->timeout_ms : ASK_MS_MAX;
    struct pt_msg *reply = NULL;
    enum pt_code code = ctl_call_at(ctl->client, view->address, timeout_ms, method,
                                    pt_msg_new(ctl->arena, method->input), ctl->arena, &reply, &view->error);
    if (code == PT_OK) {
        view->status = reply;
        view->name = pt_msg_str(reply, "controller");
    }
}

/* The same controller may be known by two addresses: what was typed and what it announces. */
static void drop_doubles(struct ctl_views *views)
{
    size_t kept = 0;
    for (size_t i = 0; i < views->len; i++) {
        bool double_of = false;
        for (size_t j = 0; j < kept && views->items[i].name[0] != '\0'; j++) {
            double_of = double_of ||
                        (strcmp(views->items[j].name, views->items[i].name) == 0 && views->items[j].status != NULL);
        }
        if (!double_of) {
            views->items[kept++] = views->items[i];
        }
    }
    views->len = kept;
}

void ctl_views_read(struct ctl *ctl, struct ctl_views *views)
{
    *views = (struct ctl_views){0};
    for (size_t i = 0; i < ctl->args->servers_len; i++) {
        (void)add_view(views, ctl->args->servers[i]);
    }
    for (size_t i = 0; i < views->len; i++) {
        ask(ctl, &views->items[i]);
    }
    size_t asked = views->len;
    const struct pt_message_type *kind = pt_cli_kind(ctl->schema, "controller");
    pt_assert(kind != NULL);
    /* Stale: it must answer without a leader too. */
    const struct pt_cli_list_options all = {
        .parent = "", .filter = "", .order_by = "", .page_token = "", .stale = true};
    bool any = false;
    for (size_t i = 0; i < asked; i++) {
        any = any || views->items[i].status != NULL;
    }
    if (any) {
        /* On failure list_error says why; what was named on the command line is still shown. */
        enum pt_code code = ctl_read_all(ctl, kind, &all, ctl->arena, add_controller, views, &views->list_error);
        pt_assert(code == PT_OK || views->list_error.code != PT_OK);
    } else {
        views->list_error = views->items[0].error;
    }
    for (size_t i = asked; i < views->len; i++) {
        ask(ctl, &views->items[i]);
    }
    drop_doubles(views);
}

const struct ctl_view *ctl_views_leader(const struct ctl_views *views)
{
    const struct ctl_view *leader = NULL;
    for (size_t i = 0; i < views->len; i++) {
        const struct pt_msg *status = views->items[i].status;
        if (status != NULL && strcmp(pt_msg_str(status, "raft_state"), "leader") == 0 &&
            (leader == NULL || pt_msg_u64(status, "term") > pt_msg_u64(leader->status, "term"))) {
            leader = &views->items[i];
        }
    }
    return leader;
}

/* ---- status --------------------------------------------------------------------------------------------------- */

static const char *number(struct ctl *ctl, const struct pt_msg *status, const char *field)
{
    return pt_arena_printf(ctl->arena, "%" PRIu64, pt_msg_u64(status, field));
}

static void add_row(struct ctl *ctl, struct pt_cli_table *table, const struct ctl_view *view)
{
    const struct pt_msg *status = view->status;
    const char *name = view->name[0] != '\0' ? pt_name_id(view->name) : "?";
    if (status == NULL) {
        const char *cells[] = {name, view->address, "unreachable", "", "", "", "", "", ""};
        pt_cli_table_row(table, cells);
        return;
    }
    const char *cells[] = {name,
                           view->address,
                           pt_msg_str(status, "raft_state"),
                           number(ctl, status, "term"),
                           number(ctl, status, "commit_index"),
                           number(ctl, status, "applied_index"),
                           pt_arena_printf(ctl->arena, "%.12s", pt_msg_str(status, "state_digest")),
                           pt_arena_printf(ctl->arena, "%" PRIu64, pt_msg_u64(status, "connected_edges")),
                           pt_msg_str(status, "software_version")};
    pt_cli_table_row(table, cells);
}

static void put_table(struct ctl *ctl, const struct ctl_views *views, struct pt_buf *out)
{
    static const char *const headers[] = {"CONTROLLER", "ADDRESS", "STATE", "TERM",   "COMMIT",
                                          "APPLIED",    "DIGEST",  "EDGES", "VERSION"};
    struct pt_cli_table table;
    pt_cli_table_init(&table, ctl->arena);
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        pt_cli_table_column(&table, headers[i]);
    }
    for (size_t i = 0; i < views->len; i++) {
        add_row(ctl, &table, &views->items[i]);
    }
    pt_cli_table_render(&table, ctl_width(), out);
}

static void put_json(struct ctl *ctl, const struct ctl_views *views, struct pt_buf *out)
{
    pt_buf_append_str(out, "{\"controllers\":[");
    for (size_t i = 0; i < views->len; i++) {
        const struct ctl_view *view = &views->items[i];
        pt_buf_printf(out, "%s{\"address\":\"%s\",\"name\":\"%s\",\"reachable\":%s", i > 0 ? "," : "", view->address,
                      view->name, view->status != NULL ? "true" : "false");
        if (view->status != NULL) {
            pt_buf_append_str(out, ",\"status\":");
            pt_json_write(ctl->schema, view->status, PT_JSON_COMPACT, out);
        }
        pt_buf_append_u8(out, '}');
    }
    pt_buf_append_str(out, "]}\n");
}

static int status(struct ctl *ctl)
{
    struct ctl_views *views = PT_NEW(ctl->arena, struct ctl_views);
    ctl_views_read(ctl, views);
    size_t reachable = 0;
    const struct pt_msg *any = NULL;
    for (size_t i = 0; i < views->len; i++) {
        reachable += views->items[i].status != NULL;
        any = views->items[i].status != NULL && any == NULL ? views->items[i].status : any;
    }
    if (any == NULL) {
        (void)pt_wrap(&views->items[0].error, views->items[0].error.code, "%s", views->items[0].address);
        return ctl_fail(&views->items[0].error);
    }
    const struct ctl_view *leader = ctl_views_leader(views);
    PT_AUTO(buf) struct pt_buf out = {0};
    if (ctl_is_data(ctl)) {
        put_json(ctl, views, &out);
        (void)ctl_print_data(ctl, &out); /* whether anyone leads decides the exit code */
    } else {
        pt_buf_printf(&out, "cluster %s, %zu of %zu controllers reachable, leader %s, generation %s\n\n",
                      pt_msg_str(any, "cluster_id"), reachable, views->len,
                      leader != NULL ? pt_name_id(leader->name) : "none",
                      leader != NULL ? number(ctl, leader->status, "generation") : "unknown");
        put_table(ctl, views, &out);
        ctl_print(&out);
    }
    return leader != NULL ? PT_CLI_EXIT_OK : PT_CLI_EXIT_UNAVAILABLE;
}

/* ---- transfer ------------------------------------------------------------------------------------------------- */

static int transfer(struct ctl *ctl)
{
    const struct pt_method_type *method = pt_schema_method(ctl->schema, TRANSFER);
    pt_assert(method != NULL);
    struct pt_msg *request = pt_msg_new(ctl->arena, method->input);
    const char *name = "";
    struct pt_error error = {0};
    if (ctl->args->words_len == 2) {
        const struct pt_message_type *kind = pt_cli_kind(ctl->schema, "controller");
        if (pt_cli_name(&ctl->scope, kind, ctl->args->words[1], ctl->arena, &name, NULL, &error) != PT_OK) {
            return ctl_usage(&error);
        }
        pt_msg_set_str(request, ctl->arena, "controller", name);
    }
    if (ctl_connect(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    struct pt_msg *reply = NULL;
    if (ctl_call(ctl->client, method, request, ctl->arena, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    printf("leadership handed over%s%s\n", name[0] != '\0' ? " to " : "", name);
    return PT_CLI_EXIT_OK;
}

/* ---- upgrade -------------------------------------------------------------------------------------------------- */

static int upgrade_status(struct ctl *ctl)
{
    struct ctl_views *views = PT_NEW(ctl->arena, struct ctl_views);
    ctl_views_read(ctl, views);
    const struct ctl_view *leader = ctl_views_leader(views);
    struct pt_cli_table table;
    pt_cli_table_init(&table, ctl->arena);
    pt_cli_table_column(&table, "CONTROLLER");
    pt_cli_table_column(&table, "STATE");
    pt_cli_table_column(&table, "VERSION");
    pt_cli_table_column(&table, "SUPPORTS");
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < views->len; i++) {
        const struct ctl_view *view = &views->items[i];
        const struct pt_msg *status = view->status;
        uint64_t supports = status != NULL ? pt_msg_u64(status, "supported_level") : 0;
        supports = status != NULL && supports == 0 ? 1 : supports; /* a binary that does not say so yet */
        least = supports < least ? supports : least;
        const char *cells[] = {view->name[0] != '\0' ? pt_name_id(view->name) : view->address,
                               status != NULL ? pt_msg_str(status, "raft_state") : "unreachable",
                               status != NULL ? pt_msg_str(status, "software_version") : "",
                               status != NULL ? pt_arena_printf(ctl->arena, "%" PRIu64, supports) : ""};
        pt_cli_table_row(&table, cells);
    }
    if (leader == NULL) {
        (void)pt_wrap(&views->list_error, PT_UNAVAILABLE, "no leader answers");
        return ctl_fail(&views->list_error);
    }
    uint64_t level = pt_msg_u64(leader->status, "cluster_level");
    PT_AUTO(buf) struct pt_buf out = {0};
    const char *next = least == 0      ? "a controller does not answer"
                       : least > level ? "every controller supports more: patronusctl cluster upgrade --finalize"
                                       : "nothing to finalize";
    pt_buf_printf(&out, "cluster level %" PRIu64 "; %s\n\n", level, next);
    pt_cli_table_render(&table, ctl_width(), &out);
    ctl_print(&out);
    return PT_CLI_EXIT_OK;
}

static int finalize(struct ctl *ctl)
{
    const struct pt_method_type *method = pt_schema_method(ctl->schema, FINALIZE);
    pt_assert(method != NULL);
    struct pt_msg *request = pt_msg_new(ctl->arena, method->input);
    bool dry_run = pt_cli_given(ctl->args, PT_CLI_DRY_RUN);
    if (dry_run) {
        pt_msg_set_bool(request, ctl->arena, "validate_only", true);
    }
    struct pt_msg *reply = NULL;
    struct pt_error error = {0};
    if (ctl_call(ctl->client, method, request, ctl->arena, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    uint64_t level = pt_msg_u64(reply, "level");
    uint64_t before = pt_msg_u64(reply, "previous_level");
    if (level == before) {
        printf("the cluster is at level %" PRIu64 ": nothing to finalize\n", level);
    } else {
        printf("cluster level %" PRIu64 "%s%" PRIu64 "\n", before, dry_run ? " would become " : " is now ", level);
    }
    return PT_CLI_EXIT_OK;
}

int ctl_cluster(struct ctl *ctl)
{
    const struct pt_cli_args *args = ctl->args;
    const char *what = args->words_len > 0 ? args->words[0] : "";
    if (strcmp(what, "transfer") == 0 && args->words_len <= 2) {
        return transfer(ctl);
    }
    if (strcmp(what, "status") == 0 && args->words_len == 1) {
        struct pt_error error = {0};
        return ctl_connect(ctl, &error) == PT_OK ? status(ctl) : ctl_fail(&error);
    }
    if (strcmp(what, "upgrade") == 0 && args->words_len == 1) {
        struct pt_error error = {0};
        if (ctl_connect(ctl, &error) != PT_OK) {
            return ctl_fail(&error);
        }
        return pt_cli_given(args, PT_CLI_FINALIZE) ? finalize(ctl) : upgrade_status(ctl);
    }
    return ctl_usage_text(ctl, "write cluster status, cluster transfer or cluster upgrade");
}
