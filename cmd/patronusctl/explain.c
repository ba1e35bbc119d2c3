/*
 * explain flow and explain drop: what edges recorded, as text for people; -o json prints the whole message.
 */
#include "ctl.h"

#include "base/assert.h"
#include "cli/path.h"
#include "wire/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SERVICE "/patronus.v1.ExplainService/"

bool ctl_explains_traffic(const struct pt_cli_args *args)
{
    return args->verb != NULL && strcmp(args->verb->name, "explain") == 0 && args->words_len > 0 &&
           (strcmp(args->words[0], "flow") == 0 || strcmp(args->words[0], "drop") == 0);
}

/* ---- the question --------------------------------------------------------------------------------------------- */

static enum pt_code bad_word(const char *word, const char *text, struct pt_error *reterr)
{
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, word, "%s", text);
}

/* "10.1.0.10:443", "[fd00::1]:443", or an address alone. */
static enum pt_code set_end(struct ctl *ctl, struct pt_msg *request, const char *word, const char *address_field,
                            const char *port_field, struct pt_error *reterr)
{
    const char *colon = strrchr(word, ':');
    bool brackets = word[0] == '[', two = colon != NULL && strchr(word, ':') != colon;
    const char *address = word;
    unsigned long port = 0;
    if (colon != NULL && (!two || brackets)) {
        char *end = NULL;
        port = strtoul(colon + 1, &end, 10);
        if (colon[1] == '\0' || *end != '\0' || port > 65535 || (brackets && colon[-1] != ']')) {
            return bad_word(word, "write ADDRESS:PORT, or [ADDRESS]:PORT of IPv6", reterr);
        }
        size_t size = (size_t)(colon - word);
        address = pt_arena_strndup(ctl->arena, brackets ? word + 1 : word, brackets ? size - 2 : size);
    }
    struct pt_ip ip;
    if (pt_ip_parse(address, &ip, NULL) != PT_OK) {
        return bad_word(word, "write ADDRESS:PORT, or [ADDRESS]:PORT of IPv6", reterr);
    }
    pt_msg_set_str(request, ctl->arena, address_field, address);
    pt_msg_set_u64(request, ctl->arena, port_field, port);
    return PT_OK;
}

static enum pt_code set_protocol(struct ctl *ctl, struct pt_msg *request, const char *name, struct pt_error *reterr)
{
    static const struct {
        const char *name;
        unsigned number;
    } known[] = {{"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"icmp6", 58}, {"sctp", 132}};
    char *end = NULL;
    unsigned long number = strtoul(name, &end, 10);
    bool found = name[0] != '\0' && *end == '\0' && number <= 255;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].name, name) == 0) {
            number = known[i].number;
            found = true;
        }
    }
    pt_msg_set_u64(request, ctl->arena, "protocol", number);
    return found ? PT_OK : bad_word(name, "write tcp, udp, icmp, icmp6, sctp or a number behind the '/'", reterr);
}

static enum pt_code set_at(struct ctl *ctl, struct pt_msg *request, const char *text, struct pt_error *reterr)
{
    struct tm at = {0};
    uint64_t ago_s = 0;
    if (text[0] == '\0') {
        return PT_OK;
    }
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &at);
    if (rest == NULL) {
        PT_TRY(pt_cli_seconds(text, "--at", &ago_s, reterr));
        pt_msg_set_time(request, ctl->arena, "time", (int64_t)(time(NULL) - (time_t)ago_s) * 1000000000);
        return PT_OK;
    }
    double fraction = 0;
    char *end = NULL;
    if (*rest == '.') {
        fraction = strtod(rest, &end);
        rest = end;
    }
    if (strcmp(rest, "Z") != 0) {
        return bad_word("--at", "write the time in UTC, for example 2026-01-31T08:00:00Z", reterr);
    }
    pt_msg_set_time(request, ctl->arena, "time", (int64_t)timegm(&at) * 1000000000 + (int64_t)(fraction * 1e9));
    return PT_OK;
}

static enum pt_code set_parent(struct ctl *ctl, struct pt_msg *request, struct pt_error *reterr)
{
    const char *parent = pt_cli_list_parent(&ctl->scope, pt_cli_kind(ctl->schema, "site"), ctl->arena);
    if (strchr(parent, '-') != NULL && strcmp(pt_name_id(parent), "-") == 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "parent",
                       "say which organization: -p acme");
    }
    pt_msg_set_str(request, ctl->arena, "parent", parent);
    return PT_OK;
}

static enum pt_code set_name(struct ctl *ctl, struct pt_msg *request, const char *kind, const char *word,
                             struct pt_error *reterr)
{
    const char *name = NULL;
    PT_TRY(pt_cli_name(&ctl->scope, pt_cli_kind(ctl->schema, kind), word, ctl->arena, &name, NULL, reterr));
    pt_msg_set_str(request, ctl->arena, kind, name);
    return PT_OK;
}

static struct pt_msg *new_request(struct ctl *ctl, const struct pt_method_type *method)
{
    pt_assert(method != NULL);
    return pt_msg_new(ctl->arena, method->input);
}

static enum pt_code flow_request(struct ctl *ctl, struct pt_msg *request, struct pt_error *reterr)
{
    const struct pt_cli_args *args = ctl->args;
    const char *slash = args->words_len >= 3 ? strrchr(args->words[2], '/') : NULL;
    if (slash == NULL) {
        return bad_word("explain flow", "write explain flow SRC:PORT DST:PORT/tcp [--at TIME]", reterr);
    }
    PT_TRY(set_parent(ctl, request, reterr));
    PT_TRY(set_end(ctl, request, args->words[1], "source", "source_port", reterr));
    const char *to = pt_arena_strndup(ctl->arena, args->words[2], (size_t)(slash - args->words[2]));
    PT_TRY(set_end(ctl, request, to, "destination", "destination_port", reterr));
    PT_TRY(set_protocol(ctl, request, slash + 1, reterr));
    for (size_t i = 3; i < args->words_len; i++) {
        bool site = strncmp(args->words[i], "site=", 5) == 0, segment = strncmp(args->words[i], "segment=", 8) == 0;
        if (!site && !segment) {
            return bad_word(args->words[i], "write site=NAME or segment=NAME", reterr);
        }
        PT_TRY(set_name(ctl, request, site ? "site" : "segment", args->words[i] + (site ? 5 : 8), reterr));
    }
    return set_at(ctl, request, args->at, reterr);
}

/* ---- the answer ----------------------------------------------------------------------------------------------- */

static const char *short_name(const struct ctl *ctl, const char *name)
{
    return name[0] != '\0' ? pt_cli_short_name(&ctl->scope, name) : "nowhere";
}

static size_t len_of(const struct pt_msg *msg, const char *field)
{
    return pt_msg_field(msg, field) != NULL ? pt_msg_field(msg, field)->len : 0;
}

static const struct pt_msg *item_of(const struct pt_msg *msg, const char *field, size_t index)
{
    return pt_msg_field(msg, field)->values[index].message;
}

static const char *time_text(struct ctl *ctl, const struct pt_msg *msg, const char *field)
{
    const struct pt_msg *at = pt_msg_child(msg, field);
    time_t seconds = at != NULL ? (time_t)pt_msg_i64(at, "seconds") : 0;
    struct tm utc;
    char text[32];
    if (at == NULL || gmtime_r(&seconds, &utc) == NULL || strftime(text, sizeof(text), "%FT%T", &utc) == 0) {
        return "-";
    }
    return pt_arena_printf(ctl->arena, "%s.%03dZ", text, (int)(pt_msg_i64(at, "nanos") / 1000000));
}

static void put_path(struct ctl *ctl, const struct pt_msg *path, struct pt_buf *out)
{
    pt_buf_printf(out, "%s %-36s ", pt_msg_bool(path, "chosen") ? "*" : " ", short_name(ctl, pt_msg_str(path, "link")));
    if (pt_msg_bool(path, "measured")) {
        pt_buf_printf(out, "%.1f ms, %.2f %% lost", (double)pt_msg_u64(path, "rtt_us") / 1e3,
                      (double)pt_msg_u64(path, "loss_ppm") / 1e4);
    } else {
        pt_buf_append_str(out, "not measured");
    }
    if (pt_msg_i64(path, "sla_state") != 0) {
        pt_buf_printf(out, ", %s", pt_cli_value_name(path, "sla_state"));
    }
    pt_buf_printf(out, ": %s\n", pt_msg_str(path, "reason"));
}

/* "nat       as 192.0.2.2:40123 of sites/nyc/links/inet0"; of what a port forward lets in "to 10.1.0.5:443, by ..." */
static void put_translation(struct ctl *ctl, const struct pt_msg *r, struct pt_buf *out)
{
    const struct pt_msg *to = pt_msg_child(r, "translation");
    if (pt_msg_u64(r, "nat_index") == 0) {
        return;
    }
    if (to == NULL) { /* of an edge that does not say */
        pt_buf_printf(out, "nat       translation %" PRIu64 "\n", pt_msg_u64(r, "nat_index"));
        return;
    }
    const char *source = pt_msg_str(to, "source"), *link = pt_msg_str(to, "link"), *segment = pt_msg_str(to, "segment");
    uint64_t port = pt_msg_u64(to, "source_port");
    pt_buf_append_str(out, "nat      ");
    if (source[0] != '\0') {
        pt_buf_printf(out, " as %s", source);
    }
    if (port != 0) {
        pt_buf_printf(out, ":%" PRIu64, port);
    }
    const char *destination = pt_msg_str(to, "destination");
    if (destination[0] != '\0') {
        pt_buf_printf(out, " to %s:%" PRIu64 ", by", destination, pt_msg_u64(to, "destination_port"));
    }
    if (link[0] != '\0') {
        pt_buf_printf(out, "%s %s", destination[0] != '\0' ? "" : " of", short_name(ctl, link));
    }
    if (segment[0] != '\0') {
        pt_buf_printf(out, " on in %s", short_name(ctl, segment));
    }
    pt_buf_append_str(out, "\n");
}

/* "program   applications/crm, 95 % sure, by the server name of TLS" */
static void put_application(struct ctl *ctl, const struct pt_msg *r, struct pt_buf *out)
{
    static const char *const words[] = {"",
                                        "its port",
                                        "its address",
                                        "its address, from a DNS answer",
                                        "another flow, which announced it",
                                        "the form of what was sent",
                                        "the name asked for in DNS",
                                        "the host of an HTTP request",
                                        "the server name of TLS",
                                        "the server name of QUIC",
                                        "its description"}; /* by Evidence */
    const char *name = pt_msg_str(r, "application_name");
    int64_t evidence = pt_msg_i64(r, "application_evidence");
    if (pt_msg_u64(r, "application_id") == 0) {
        return;
    }
    if (name[0] == '\0') {
        pt_buf_printf(out, "program   application %" PRIu64, pt_msg_u64(r, "application_id"));
    } else {
        pt_buf_printf(out, "program   %s", strchr(name, '/') != NULL ? short_name(ctl, name) : name);
    }
    pt_buf_printf(out, ", %" PRIu64 " %% sure", pt_msg_u64(r, "application_confidence"));
    if (evidence > 0 && evidence < (int64_t)(sizeof(words) / sizeof(words[0]))) {
        pt_buf_printf(out, ", by %s", words[evidence]);
    }
    pt_buf_append_str(out, "\n");
}

static void put_rule(struct ctl *ctl, const struct pt_msg *r, struct pt_buf *out)
{
    const char *steering = pt_msg_str(r, "steering_policy"), *sla = pt_msg_str(r, "sla_profile");
    const char *policy = steering[0] != '\0' ? steering : pt_msg_str(r, "firewall_policy");
    if (policy[0] == '\0') {
        pt_buf_append_str(out, "rule      none matched\n");
        return;
    }
    pt_buf_printf(out, "rule      %s, rule %" PRIu64, short_name(ctl, policy), pt_msg_u64(r, "rule"));
    if (pt_msg_u64(r, "rule_revision") != 0) {
        pt_buf_printf(out, " (as of revision %" PRIu64 ")", pt_msg_u64(r, "rule_revision"));
    }
    pt_buf_printf(out, "%s%s\n", sla[0] != '\0' ? ", " : "", sla[0] != '\0' ? short_name(ctl, sla) : "");
}

static void put_decision(struct ctl *ctl, const struct pt_msg *r, struct pt_buf *out)
{
    const char *reason = pt_msg_str(r, "reason"), *verdict = pt_cli_value_name(r, "verdict");
    bool exit = strcmp(verdict, "BY_EXIT") == 0;
    pt_buf_printf(out, "%s%s%s, to %s; decided %s by %s\n", verdict, reason[0] != '\0' ? ": " : "", reason,
                  exit ? "the internet" : short_name(ctl, pt_msg_str(r, "destination_site")),
                  time_text(ctl, r, "decide_time"), short_name(ctl, pt_msg_str(r, "edge")));
    if (reason[0] != '\0') {
        pt_buf_printf(out, "  %s\n", pt_msg_str(r, "reason_text"));
    }
    put_rule(ctl, r, out);
    pt_buf_printf(out,
                  "under     revision %" PRIu64 ", bundle %" PRIu64 ".%" PRIu64 ", traffic engineering %" PRIu64 "\n",
                  pt_msg_u64(r, "revision"), pt_msg_u64(r, "bundle_term"), pt_msg_u64(r, "bundle_generation"),
                  pt_msg_u64(r, "te_epoch"));
    pt_buf_printf(out, "class     %s (DSCP %" PRIu64 ")%s%s, %s\n", pt_cli_value_name(r, "traffic_class"),
                  pt_msg_u64(r, "dscp"), pt_msg_bool(r, "sealed") ? ", sealed" : "",
                  pt_msg_bool(r, "moved") ? ", moved since it began" : "", pt_cli_value_name(r, "move_mode"));
    put_application(ctl, r, out);
    put_translation(ctl, r, out);
}

static void put_flow(struct ctl *ctl, const struct pt_msg *r, struct pt_buf *out)
{
    put_decision(ctl, r, out);
    if (pt_msg_bool(r, "present")) {
        pt_buf_printf(out, "now       under way: %" PRIu64 " packets, %" PRIu64 " bytes, the last %s\n",
                      pt_msg_u64(r, "packets"), pt_msg_u64(r, "bytes"), time_text(ctl, r, "last_packet_time"));
    } else {
        pt_buf_append_str(out, "now       gone, or quiet for so long that others took its place\n");
    }
    if (len_of(r, "paths") > 0) {
        pt_buf_printf(out, "candidates, as measured %s\n", time_text(ctl, r, "measure_time"));
    }
    for (size_t i = 0; i < len_of(r, "paths"); i++) {
        put_path(ctl, item_of(r, "paths", i), out);
    }
    const struct pt_msg_field *changes = pt_msg_field(r, "changes");
    pt_buf_append_str(out, changes != NULL ? "it would be otherwise if\n" : "");
    for (size_t i = 0; changes != NULL && i < changes->len; i++) {
        pt_buf_printf(out, "  - %s\n", (const char *)changes->values[i].bytes.data);
    }
    for (size_t i = 0; i < len_of(r, "earlier"); i++) {
        const struct pt_msg *before = item_of(r, "earlier", i);
        const char *reason = pt_msg_str(before, "reason"), *link = pt_msg_str(before, "link");
        pt_buf_printf(out, "before    %s %s %s\n", time_text(ctl, before, "time"), pt_cli_value_name(before, "verdict"),
                      reason[0] != '\0' ? reason : short_name(ctl, link));
    }
}

static void put_drops(struct ctl *ctl, const struct pt_msg *r, struct pt_buf *out)
{
    for (size_t i = 0; i < len_of(r, "drops"); i++) {
        const struct pt_msg *drop = item_of(r, "drops", i);
        pt_buf_printf(out, "%s: %s, %" PRIu64 " packets, %" PRIu64 " of them lately\n  %s\n  do: %s\n",
                      short_name(ctl, pt_msg_str(drop, "site")), pt_msg_str(drop, "reason"),
                      pt_msg_u64(drop, "packets"), pt_msg_u64(drop, "recent_packets"), pt_msg_str(drop, "text"),
                      pt_msg_str(drop, "remedy"));
        for (size_t j = 0; j < len_of(drop, "samples"); j++) {
            const struct pt_msg *p = item_of(drop, "samples", j);
            pt_buf_printf(out, "    %s %s:%" PRIu64 " -> %s:%" PRIu64 "/%" PRIu64 " %s%s%s\n",
                          time_text(ctl, p, "time"), pt_msg_str(p, "source"), pt_msg_u64(p, "source_port"),
                          pt_msg_str(p, "destination"), pt_msg_u64(p, "destination_port"), pt_msg_u64(p, "protocol"),
                          short_name(ctl, pt_msg_str(p, "segment")), pt_msg_str(p, "rule")[0] != '\0' ? " by " : "",
                          pt_msg_str(p, "rule"));
        }
    }
    if (len_of(r, "drops") == 0) {
        pt_buf_append_str(out, "nothing was dropped\n");
    }
}

/* ---- the verb ------------------------------------------------------------------------------------------------- */

/* A word is a reason when no site is called so: reasons have underscores or stand second. */
static enum pt_code drop_request(struct ctl *ctl, struct pt_msg *request, struct pt_error *reterr)
{
    const struct pt_cli_args *args = ctl->args;
    if (args->words_len > 3) {
        return bad_word(args->words[3], "write explain drop [SITE] [REASON]", reterr);
    }
    PT_TRY(set_parent(ctl, request, reterr));
    bool only_reason = args->words_len == 2 && strchr(args->words[1], '_') != NULL;
    if (args->words_len >= 2 && !only_reason) {
        PT_TRY(set_name(ctl, request, "site", args->words[1], reterr));
    }
    if (only_reason || args->words_len == 3) {
        pt_msg_set_str(request, ctl->arena, "reason", args->words[args->words_len - 1]);
    }
    return PT_OK;
}

int ctl_explain_traffic(struct ctl *ctl)
{
    bool flow = strcmp(ctl->args->words[0], "flow") == 0;
    const struct pt_method_type *method =
        pt_schema_method(ctl->schema, flow ? SERVICE "ExplainFlow" : SERVICE "ExplainDrop");
    struct pt_error error = {0};
    struct pt_msg *request = new_request(ctl, method), *reply = NULL;
    if ((flow ? flow_request(ctl, request, &error) : drop_request(ctl, request, &error)) != PT_OK) {
        return ctl_usage(&error);
    }
    if (ctl_connect(ctl, &error) != PT_OK ||
        ctl_call(ctl->client, method, request, ctl->arena, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    PT_AUTO(buf) struct pt_buf out = {0};
    if (ctl_is_data(ctl)) {
        pt_json_write(ctl->schema, reply, PT_JSON_INDENT, &out);
        pt_buf_append_str(&out, "\n");
        return ctl_print_data(ctl, &out);
    }
    if (flow) {
        put_flow(ctl, reply, &out);
    } else {
        put_drops(ctl, reply, &out);
    }
    ctl_print(&out);
    return PT_CLI_EXIT_OK;
}
