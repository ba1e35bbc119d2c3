/*
 * doctor: look at everything that can be seen from here, and say what is wrong, the worst first, with what to do.
 *
 * Order of looking: this machine (as root), the credential, each controller by itself, then, if there is a leader, what
 * it knows of edges and tunnels. A check that cannot be made because an earlier one failed is left out: its cause is
 * already on the list.
 */
#include "doctor.h"

#include "cluster.h"

#include "base/assert.h"
#include "cli/request.h"
#include "cli/table.h"
#include "crypto/identity.h"
#include "wire/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY_NS (86400LL * 1000000000LL)
#define EXPIRY_NEAR_NS (14 * DAY_NS)
#define LAG_MAX 1000          /* log entries that a controller may be behind */
#define LOSS_PPM_MAX 10000    /* 1 % */
#define SILENT_NS 10000000000 /* since an edge was last heard */

void ctl_found(struct ctl_findings *findings, enum ctl_severity severity, const char *remedy, const char *format, ...)
{
    if (findings->len == CTL_FINDINGS_MAX) {
        findings->left_out++;
        return;
    }
    struct ctl_finding *finding = &findings->items[findings->len++];
    finding->severity = severity;
    (void)snprintf(finding->remedy, sizeof(finding->remedy), "%s", remedy);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(finding->text, sizeof(finding->text), format, args);
    va_end(args);
}

/* ---- credential ----------------------------------------------------------------------------------------------- */

static void check_credential(struct ctl *ctl, struct ctl_findings *findings)
{
    int64_t now = pt_sys_wall_ns(ctl_client_sys(ctl->client));
    struct pt_leaf_info info;
    struct pt_error error = {0};
    char age[16];
    findings->checks++;
    const char *cert = (const char *)ctl->credential->cert_pem.data;
    if (cert == NULL) {
        return; /* a token is used; whether it is good, the first call tells */
    }
    if (pt_leaf_read(cert, (const char *)ctl->credential->ca_pem.data, now, true, &info, &error) != PT_OK) {
        ctl_found(findings, CTL_BROKEN, "use the file that patronusd init wrote for this cluster",
                  "the credential %.150s is no good: %.150s", ctl->args->credential, error.text);
    } else if (info.not_after_ns < now) {
        ctl_found(findings, CTL_BROKEN, "ask another administrator of the cluster for a new credential",
                  "the credential %.200s expired %s ago", ctl->args->credential,
                  pt_cli_age(info.not_after_ns, now, age));
    } else if (info.not_after_ns - now < EXPIRY_NEAR_NS && strcmp(info.identity.role, "admin") == 0) {
        ctl_found(findings, CTL_WARNING, "get a new credential before that", "the credential %.200s expires in %s",
                  ctl->args->credential, pt_cli_age(now, info.not_after_ns, age));
    }
}

/* ---- controllers ---------------------------------------------------------------------------------------------- */

static void check_lag(const struct pt_msg *status, struct ctl_findings *findings)
{
    uint64_t commit = pt_msg_u64(status, "commit_index");
    const struct pt_msg_field *members = pt_msg_field(status, "controllers");
    for (size_t i = 0; members != NULL && i < members->len; i++) {
        const struct pt_msg *member = members->values[i].message;
        uint64_t match = pt_msg_u64(member, "match_index");
        findings->checks++;
        if (match + LAG_MAX < commit) {
            ctl_found(findings, CTL_WARNING, "is it running, and does its disk or its line keep up? see its log",
                      "controller %s is %" PRIu64 " log entries behind the leader",
                      pt_name_id(pt_msg_str(member, "name")), commit - match);
        }
    }
}

/* Two states at one log index must be equal. */
static void check_digests(const struct ctl_views *views, struct ctl_findings *findings)
{
    for (size_t i = 0; i < views->len; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct pt_msg *a = views->items[i].status;
            const struct pt_msg *b = views->items[j].status;
            if (a == NULL || b == NULL || pt_msg_u64(a, "applied_index") != pt_msg_u64(b, "applied_index")) {
                continue;
            }
            findings->checks++;
            if (strcmp(pt_msg_str(a, "state_digest"), pt_msg_str(b, "state_digest")) != 0) {
                ctl_found(findings, CTL_BROKEN, "stop the one that differs from the majority and join it anew",
                          "the states of %s and %s differ at log index %" PRIu64, pt_name_id(views->items[j].name),
                          pt_name_id(views->items[i].name), pt_msg_u64(a, "applied_index"));
            }
        }
    }
}

static void check_controllers(const struct ctl_views *views, struct ctl_findings *findings)
{
    size_t reachable = 0;
    for (size_t i = 0; i < views->len; i++) {
        const struct ctl_view *view = &views->items[i];
        findings->checks++;
        reachable += view->status != NULL;
        if (view->status == NULL) {
            ctl_found(findings, CTL_BROKEN, "is patronusd running there, and is the port open from here?",
                      "controller %s%s%s does not answer: %.200s", view->name[0] != '\0' ? pt_name_id(view->name) : "",
                      view->name[0] != '\0' ? " at " : "", view->address, view->error.text);
        }
    }
    const struct ctl_view *leader = ctl_views_leader(views);
    findings->checks++;
    if (leader == NULL && reachable > 0) {
        ctl_found(findings, CTL_BROKEN,
                  "more than half of the voters must run and reach each other on their peer addresses",
                  "no controller leads: nothing can be changed, edges go on with what they have");
    }
    if (leader != NULL) {
        check_lag(leader->status, findings);
        check_digests(views, findings);
    }
    for (size_t i = 0; leader != NULL && i < views->len; i++) {
        const struct pt_msg *status = views->items[i].status;
        if (status != NULL &&
            strcmp(pt_msg_str(status, "software_version"), pt_msg_str(leader->status, "software_version")) != 0) {
            ctl_found(findings, CTL_NOTE, "finish the upgrade", "controller %s runs version %s, the leader %s",
                      pt_name_id(views->items[i].name), pt_msg_str(status, "software_version"),
                      pt_msg_str(leader->status, "software_version"));
        }
    }
}

/* ---- edges ---------------------------------------------------------------------------------------------------- */

struct looking {
    struct ctl *ctl;
    struct ctl_findings *findings;
    struct link_count *links;
    size_t links_len;
};

static bool check_edge(void *arg, const struct pt_msg *edge)
{
    struct looking *looking = arg;
    struct ctl *ctl = looking->ctl;
    const char *name = pt_msg_str(edge, "name");
    int64_t now = pt_sys_wall_ns(ctl_client_sys(ctl->client));
    int64_t seen = pt_msg_time(edge, "last_seen_time");
    char age[16];
    looking->findings->checks++;
    if (pt_msg_str(edge, "node_id")[0] == '\0') {
        char remedy[600];
        (void)snprintf(remedy, sizeof(remedy), "patronusctl tokens create --role edge --edge %s", name);
        ctl_found(looking->findings, CTL_WARNING, remedy, "edge %.300s never joined", name);
    } else if (!pt_msg_bool(edge, "connected")) {
        ctl_found(looking->findings, CTL_BROKEN,
                  "is patronusd running there, and can it reach a controller's agent address over any link?",
                  "edge %.300s is not connected (last seen: %s ago)", name, pt_cli_age(seen, now, age));
    } else if (pt_msg_u64(edge, "applied_generation") == 0 || pt_msg_bool(edge, "reconciling")) {
        /* Generations count over all nodes: an edge whose bundle did not change stays at an older one, rightly. */
        ctl_found(looking->findings, CTL_WARNING, "if it stays so, see the edge's log for what it refuses",
                  "edge %.250s has not applied what the leader planned for it (it is at generation %" PRIu64 ")", name,
                  pt_msg_u64(edge, "applied_generation"));
    } else if (seen != 0 && now - seen > SILENT_NS) {
        ctl_found(looking->findings, CTL_WARNING, "its line may be cut: see the link's loss and latency",
                  "edge %.300s was last heard %s ago", name, pt_cli_age(seen, now, age));
    }
    return true;
}

/* ---- tunnels, counted by the link that they leave by ---------------------------------------------------------- */

#define LINKS_MAX 10000

struct link_count {
    const char *name;
    size_t tunnels, down;
    uint64_t loss_ppm_max;
};

static struct link_count *find_link(struct looking *looking, const char *name)
{
    /* Tunnels come in order of name, which is a hash: a link may be anywhere. Thousands of links make this slow, not
     * wrong. */
    for (size_t i = 0; i < looking->links_len; i++) {
        if (strcmp(looking->links[i].name, name) == 0) {
            return &looking->links[i];
        }
    }
    if (looking->links_len == LINKS_MAX) {
        return NULL;
    }
    looking->links[looking->links_len] = (struct link_count){.name = name};
    return &looking->links[looking->links_len++];
}

static bool count_tunnel(void *arg, const struct pt_msg *tunnel)
{
    struct looking *looking = arg;
    struct link_count *link = find_link(looking, pt_msg_str(tunnel, "local_link"));
    if (link == NULL) {
        return false;
    }
    PT_AUTO(buf) struct pt_buf state = {0};
    pt_assert(pt_msg_text(tunnel, "oper_state", &state, NULL) == PT_OK); /* the field exists */
    link->tunnels++;
    link->down += state.size > 0 && strcmp((const char *)state.data, "DOWN") == 0;
    uint64_t loss_ppm = pt_msg_u64(tunnel, "loss_ppm");
    link->loss_ppm_max = loss_ppm > link->loss_ppm_max ? loss_ppm : link->loss_ppm_max;
    return true;
}

static void judge_links(struct looking *looking)
{
    for (size_t i = 0; i < looking->links_len; i++) {
        const struct link_count *link = &looking->links[i];
        looking->findings->checks++;
        if (link->down == link->tunnels) {
            ctl_found(looking->findings, CTL_BROKEN, "look at the line itself: cable, modem, provider, gateway",
                      "link %.250s is down: none of its %zu tunnels works", link->name, link->tunnels);
        } else if (link->down > 0) {
            ctl_found(looking->findings, CTL_WARNING, "the far ends may be down: compare with their links",
                      "link %.250s: %zu of %zu tunnels are down", link->name, link->down, link->tunnels);
        } else if (link->loss_ppm_max > LOSS_PPM_MAX) {
            ctl_found(looking->findings, CTL_WARNING,
                      "drain it while the provider looks: patronusctl update LINK admin_state=DRAINED",
                      "link %.250s loses %.1f %% of packets on its worst tunnel", link->name,
                      (double)link->loss_ppm_max / 10000);
        }
    }
}

static void check_collection(struct looking *looking, const char *kind_name, ctl_resource_fn fn)
{
    struct ctl *ctl = looking->ctl;
    const struct pt_message_type *kind = pt_cli_kind(ctl->schema, kind_name);
    pt_assert(kind != NULL);
    const struct pt_cli_scope everything = {.schema = ctl->schema, .parent = ""};
    const struct pt_cli_list_options options = {
        .parent = pt_cli_list_parent(&everything, kind, ctl->arena), .filter = "", .order_by = "", .page_token = ""};
    struct pt_error error = {0};
    if (ctl_read_all(ctl, kind, &options, ctl->arena, fn, looking, &error) != PT_OK) {
        ctl_found(looking->findings, CTL_BROKEN, "see the leader's log", "%s cannot be listed: %.250s",
                  kind->resource->plural, error.text);
    }
}

/* ---- the report ----------------------------------------------------------------------------------------------- */

static const char *const severity_names[] = {"broken", "warning", "note"};

static void put_text(const struct ctl_findings *findings, struct pt_buf *out)
{
    size_t number = 0;
    size_t counts[3] = {0};
    for (enum ctl_severity severity = CTL_BROKEN; severity <= CTL_NOTE; severity++) {
        for (size_t i = 0; i < findings->len; i++) {
            if (findings->items[i].severity == severity) {
                pt_buf_printf(out, "%zu. %s: %s\n   do: %s\n", ++number, severity_names[severity],
                              findings->items[i].text, findings->items[i].remedy);
                counts[severity]++;
            }
        }
    }
    if (findings->left_out > 0) {
        pt_buf_printf(out, "... and %zu more\n", findings->left_out);
    }
    pt_buf_printf(out, "%zu checks: %zu broken, %zu warnings, %zu notes\n", findings->checks, counts[CTL_BROKEN],
                  counts[CTL_WARNING], counts[CTL_NOTE]);
}

static void put_json(const struct ctl_findings *findings, struct pt_buf *out)
{
    pt_buf_append_str(out, "{\"findings\":[");
    const char *comma = "";
    for (enum ctl_severity severity = CTL_BROKEN; severity <= CTL_NOTE; severity++) {
        for (size_t i = 0; i < findings->len; i++) {
            const struct ctl_finding *finding = &findings->items[i];
            if (finding->severity != severity) {
                continue;
            }
            pt_buf_printf(out, "%s{\"severity\":\"%s\",\"text\":", comma, severity_names[severity]);
            pt_cli_quote(finding->text, strlen(finding->text), out);
            pt_buf_append_str(out, ",\"remedy\":");
            pt_cli_quote(finding->remedy, strlen(finding->remedy), out);
            pt_buf_append_u8(out, '}');
            comma = ",";
        }
    }
    pt_buf_printf(out, "],\"checks\":%zu,\"leftOut\":%zu}\n", findings->checks, findings->left_out);
}

static void look(struct ctl *ctl, struct ctl_findings *findings)
{
    if (geteuid() == 0) {
        ctl_probe_kernel(findings);
    }
    struct pt_error error = {0};
    findings->checks++;
    if (ctl_connect(ctl, &error) != PT_OK) {
        ctl_found(findings, CTL_BROKEN, "name the file with --credential; patronusd init writes it", "%.100s: %.250s",
                  error.field, error.text);
        return;
    }
    check_credential(ctl, findings);
    struct ctl_views *views = PT_NEW(ctl->arena, struct ctl_views);
    ctl_views_read(ctl, views);
    check_controllers(views, findings);
    const struct ctl_view *leader = ctl_views_leader(views);
    if (leader == NULL) {
        return;
    }
    struct looking looking = {
        .ctl = ctl, .findings = findings, .links = pt_arena_array(ctl->arena, LINKS_MAX, sizeof(*looking.links))};
    check_collection(&looking, "edge", check_edge);
    check_collection(&looking, "tunnel", count_tunnel);
    judge_links(&looking);
}

/* ---- a site ---------------------------------------------------------------------------------------------------- */

static void put_site_finding(const struct pt_cli_scope *scope, const struct pt_msg *finding, struct pt_buf *out)
{
    static const char *const names[] = {"", "note", "warning", "broken"};
    int64_t severity = pt_msg_i64(finding, "severity");
    const struct pt_msg_field *evidence = pt_msg_field(finding, "evidence");
    pt_buf_printf(out, "%-8s %s: %s\n", severity >= 0 && severity < 4 ? names[severity] : "",
                  pt_cli_short_name(scope, pt_msg_str(finding, "resource")), pt_msg_str(finding, "summary"));
    for (size_t i = 0; evidence != NULL && i < evidence->len; i++) {
        pt_buf_printf(out, "         seen: %s\n", (const char *)evidence->values[i].bytes.data);
    }
    pt_buf_printf(out, "         do:   %s\n", pt_msg_str(finding, "remedy"));
}

/* What the leader concludes about one site. */
static int diagnose_site(struct ctl *ctl, const char *word)
{
    const struct pt_method_type *method = pt_schema_method(ctl->schema, "/patronus.v1.DiagnosticsService/DiagnoseSite");
    const char *name = NULL;
    struct pt_msg *reply = NULL;
    struct pt_error error = {0};
    PT_AUTO(buf) struct pt_buf out = {0};
    pt_assert(method != NULL);
    if (pt_cli_name(&ctl->scope, pt_cli_kind(ctl->schema, "site"), word, ctl->arena, &name, NULL, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    struct pt_msg *request = pt_msg_new(ctl->arena, method->input);
    pt_msg_set_str(request, ctl->arena, "name", name);
    if (ctl_connect(ctl, &error) != PT_OK ||
        ctl_call(ctl->client, method, request, ctl->arena, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    const struct pt_msg_field *findings = pt_msg_field(reply, "findings");
    bool broken = false;
    for (size_t i = 0; findings != NULL && i < findings->len; i++) {
        put_site_finding(&ctl->scope, findings->values[i].message, &out);
        broken = broken || pt_msg_i64(findings->values[i].message, "severity") == 3;
    }
    if (ctl_is_data(ctl)) {
        pt_buf_reset(&out);
        pt_json_write(ctl->schema, reply, PT_JSON_INDENT, &out);
        pt_buf_append_u8(&out, '\n');
        (void)ctl_print_data(ctl, &out); /* what was found decides the exit code */
    } else {
        pt_buf_append_str(&out, findings == NULL ? "nothing is wrong that the leader knows of; looked at:\n" : "");
        const struct pt_msg_field *checks = pt_msg_field(reply, "checks");
        for (size_t i = 0; findings == NULL && checks != NULL && i < checks->len; i++) {
            pt_buf_printf(&out, "  %s\n", (const char *)checks->values[i].bytes.data);
        }
        ctl_print(&out);
    }
    return broken ? PT_CLI_EXIT_FAILED : PT_CLI_EXIT_OK;
}

int ctl_doctor(struct ctl *ctl)
{
    if (ctl->args->words_len > 1) {
        return ctl_usage_text(ctl, "doctor takes a SITE, or no words");
    }
    if (ctl->args->words_len == 1) {
        return diagnose_site(ctl, ctl->args->words[0]);
    }
    struct ctl_findings *findings = PT_NEW(ctl->arena, struct ctl_findings);
    look(ctl, findings);
    PT_AUTO(buf) struct pt_buf out = {0};
    if (ctl_is_data(ctl)) {
        put_json(findings, &out);
        (void)ctl_print_data(ctl, &out); /* what was found decides the exit code */
    } else {
        put_text(findings, &out);
        ctl_print(&out);
    }
    for (size_t i = 0; i < findings->len; i++) {
        if (findings->items[i].severity == CTL_BROKEN) {
            return PT_CLI_EXIT_FAILED;
        }
    }
    return PT_CLI_EXIT_OK;
}
