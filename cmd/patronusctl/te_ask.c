/*
 * Traffic engineering in a running cluster: sites and links drain, te what-if, explain, simulate, shadowed,
 * matrix, solutions, recompute.
 *
 * Answers are printed as tables of what matters first; -o json prints the whole message.
 */
#include "ctl.h"
#include "te.h"

#include "base/assert.h"
#include "cli/matrix.h"
#include "cli/path.h"
#include "cli/solution.h"
#include "wire/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define SERVICE "/patronus.v1.TrafficEngineeringService/"
#define STEERING "/patronus.v1.SteeringPolicyService/"
#define LINES_MAX 12 /* of a table, unless it is the only one */

static const struct pt_method_type *method_of(struct ctl *ctl, const char *name)
{
    const struct pt_method_type *method =
        pt_schema_method(ctl->schema, pt_arena_printf(ctl->arena, "%s%s", SERVICE, name));
    return method != NULL ? method : pt_schema_method(ctl->schema, pt_arena_printf(ctl->arena, "%s%s", STEERING, name));
}

/* Call a method; 0 or the exit code after an error was printed. */
static int call(struct ctl *ctl, const char *method_name, const struct pt_msg *request, struct pt_msg **ret_reply)
{
    struct pt_error error = {0};
    const struct pt_method_type *method = method_of(ctl, method_name);
    pt_assert(method != NULL);
    if (ctl_connect(ctl, &error) != PT_OK ||
        ctl_call(ctl->client, method, request, ctl->arena, ret_reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    return PT_CLI_EXIT_OK;
}

static struct pt_msg *new_request(struct ctl *ctl, const char *method_name)
{
    const struct pt_method_type *method = method_of(ctl, method_name);
    pt_assert(method != NULL);
    return pt_msg_new(ctl->arena, method->input);
}

static int print_json(struct ctl *ctl, const struct pt_msg *reply)
{
    PT_AUTO(buf) struct pt_buf out = {0};
    pt_json_write(ctl->schema, reply, PT_JSON_INDENT, &out);
    pt_buf_append_str(&out, "\n");
    return ctl_print_data(ctl, &out);
}

static const char *rate_text(struct ctl *ctl, uint64_t bps)
{
    return pt_cli_rate(bps, ctl->arena);
}

static const char *short_name(const struct ctl *ctl, const char *name)
{
    return pt_cli_short_name(&ctl->scope, name);
}

/* A name of a kind, as typed. */
static enum pt_code full_name(struct ctl *ctl, const char *kind, const char *word, const char **ret_name,
                              struct pt_error *reterr)
{
    return pt_cli_name(&ctl->scope, pt_cli_kind(ctl->schema, kind), word, ctl->arena, ret_name, NULL, reterr);
}

static size_t len_of(const struct pt_msg *msg, const char *field)
{
    return pt_msg_field(msg, field) != NULL ? pt_msg_field(msg, field)->len : 0;
}

static const struct pt_msg *item_of(const struct pt_msg *msg, const char *field, size_t index)
{
    return pt_msg_field(msg, field)->values[index].message;
}

/* ---- the effect of a change ----------------------------------------------------------------------------------- */

static void put_links(struct ctl *ctl, const struct pt_msg *effect, struct pt_buf *out)
{
    size_t len = len_of(effect, "links");
    if (len > 0) {
        pt_buf_printf(out, "\n%-44s %-5s %14s %14s %14s %8s\n", "LINK", "WAY", "CAPACITY", "NOW", "THEN", "THEN");
    }
    for (size_t i = 0; i < len && i < LINES_MAX; i++) {
        const struct pt_msg *link = item_of(effect, "links", i);
        uint64_t capacity = pt_msg_u64(link, "capacity_bps");
        pt_buf_printf(out, "%-44s %-5s %14s %14s %14s %7.1f%%\n", short_name(ctl, pt_msg_str(link, "link")),
                      pt_msg_bool(link, "up") ? "up" : "down", capacity > 0 ? rate_text(ctl, capacity) : "unknown",
                      rate_text(ctl, pt_msg_u64(link, "before_bps")), rate_text(ctl, pt_msg_u64(link, "after_bps")),
                      (double)pt_msg_u64(link, "after_ppm") / 1e4);
    }
    if (len > LINES_MAX) {
        pt_buf_printf(out, "... and %zu more: -o json\n", len - LINES_MAX);
    }
}

/* "sites/nyc/links/inet0 sites/nyc/links/mpls0", or what stands for none. */
static const char *names_of(struct ctl *ctl, const struct pt_msg *msg, const char *field, const char *none)
{
    const char *text = "";
    for (size_t i = 0; i < len_of(msg, field); i++) {
        const char *name = (const char *)pt_msg_field(msg, field)->values[i].bytes.data;
        text = pt_arena_printf(ctl->arena, "%s%s%s", text, i > 0 ? " " : "", short_name(ctl, name));
    }
    return text[0] != '\0' ? text : none;
}

static void put_moved(struct ctl *ctl, const struct pt_msg *effect, struct pt_buf *out)
{
    size_t len = len_of(effect, "moved");
    for (size_t i = 0; i < len && i < LINES_MAX; i++) {
        const struct pt_msg *moved = item_of(effect, "moved", i);
        pt_buf_printf(out, "%smoves: %s -> %s, %s: by %s, now by %s\n", i == 0 ? "\n" : "",
                      short_name(ctl, pt_msg_str(moved, "source_site")),
                      short_name(ctl, pt_msg_str(moved, "destination_site")),
                      rate_text(ctl, pt_msg_u64(moved, "rate_bps")), names_of(ctl, moved, "after", "nothing"),
                      names_of(ctl, moved, "before", "nothing"));
    }
    if (len > LINES_MAX) {
        pt_buf_printf(out, "... and %zu more: -o json\n", len - LINES_MAX);
    }
}

static void put_effect(struct ctl *ctl, const struct pt_msg *effect, struct pt_buf *out)
{
    pt_buf_printf(out,
                  "fullest link %.1f%% -> %.1f%%, %s of traffic, %s unmet, %" PRIu64 " pairs cut off, %" PRIu64
                  " pairs take another way\n",
                  (double)pt_msg_u64(effect, "before_ppm") / 1e4, (double)pt_msg_u64(effect, "after_ppm") / 1e4,
                  rate_text(ctl, pt_msg_u64(effect, "demand_bps")), rate_text(ctl, pt_msg_u64(effect, "unmet_bps")),
                  pt_msg_u64(effect, "cut_off"), pt_msg_u64(effect, "paths_moved"));
    for (size_t i = 0; i < len_of(effect, "classes"); i++) {
        const struct pt_msg *outcome = item_of(effect, "classes", i);
        if (pt_msg_u64(outcome, "unmet_bps") > 0) {
            pt_buf_printf(out, "%s: %s of %s unmet\n", pt_cli_value_name(outcome, "traffic_class"),
                          rate_text(ctl, pt_msg_u64(outcome, "unmet_bps")),
                          rate_text(ctl, pt_msg_u64(outcome, "demand_bps")));
        }
    }
    put_links(ctl, effect, out);
    put_moved(ctl, effect, out);
    for (size_t i = 0; i < len_of(effect, "sla_at_risk") && i < LINES_MAX; i++) {
        const struct pt_msg *risk = item_of(effect, "sla_at_risk", i);
        const char *profile = pt_msg_str(risk, "sla_profile");
        pt_buf_printf(out, "%sat risk: %s -> %s%s%s: %s\n", i == 0 ? "\n" : "",
                      short_name(ctl, pt_msg_str(risk, "source_site")),
                      short_name(ctl, pt_msg_str(risk, "destination_site")), profile[0] != '\0' ? ", " : "",
                      profile[0] != '\0' ? short_name(ctl, profile) : "", pt_msg_str(risk, "reason"));
    }
    for (size_t i = 0; i < len_of(effect, "shadow_prices"); i++) {
        const struct pt_msg *price = item_of(effect, "shadow_prices", i);
        pt_buf_printf(out, "%s+%s at %s (%s) relieves %s; the fullest link is then at %.1f%%\n", i == 0 ? "\n" : "",
                      rate_text(ctl, pt_msg_u64(price, "added_bps")), short_name(ctl, pt_msg_str(price, "link")),
                      pt_msg_bool(price, "up") ? "up" : "down", rate_text(ctl, pt_msg_u64(price, "relieved_bps")),
                      (double)pt_msg_u64(price, "max_utilization_ppm") / 1e4);
    }
}

/* ---- drain ---------------------------------------------------------------------------------------------------- */

int ctl_drain(struct ctl *ctl)
{
    const struct pt_cli_args *args = ctl->args;
    bool links = strcmp(args->verb->name, "links") == 0;
    const char *what = args->words_len > 0 ? args->words[0] : "";
    bool drain = strcmp(what, "drain") == 0;
    if (args->words_len != 2 || (!drain && strcmp(what, "undrain") != 0)) {
        return ctl_usage_text(ctl, "write %s drain NAME or %s undrain NAME", args->verb->name, args->verb->name);
    }
    const char *name = "";
    struct pt_error error = {0};
    if (full_name(ctl, links ? "link" : "site", args->words[1], &name, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    struct pt_msg *request = new_request(ctl, drain ? "Drain" : "Undrain");
    pt_msg_set_str(request, ctl->arena, "name", name);
    if (drain) {
        pt_msg_set_bool(request, ctl->arena, "force", pt_cli_given(args, PT_CLI_FORCE));
        pt_msg_set_bool(request, ctl->arena, "validate_only", pt_cli_given(args, PT_CLI_DRY_RUN));
    }
    struct pt_msg *reply = NULL;
    int status = call(ctl, drain ? "Drain" : "Undrain", request, &reply);
    if (status != PT_CLI_EXIT_OK || ctl_is_data(ctl)) {
        return status != PT_CLI_EXIT_OK ? status : print_json(ctl, reply);
    }
    PT_AUTO(buf) struct pt_buf out = {0};
    if (drain && pt_cli_given(args, PT_CLI_DRY_RUN)) {
        pt_buf_printf(&out, "%s could be drained; nothing was changed\n", short_name(ctl, name));
    } else {
        pt_buf_printf(&out, "%s is %s; %" PRIu64 " nodes forward by it after %" PRIu64 " ms\n", short_name(ctl, name),
                      drain ? "drained" : "coming back, a quarter at a time", pt_msg_u64(reply, "nodes"),
                      pt_msg_u64(reply, "took_ms"));
    }
    if (pt_msg_child(reply, "effect") != NULL) {
        put_effect(ctl, pt_msg_child(reply, "effect"), &out);
    }
    ctl_print(&out);
    return PT_CLI_EXIT_OK;
}

/* ---- what if -------------------------------------------------------------------------------------------------- */

enum pt_code ctl_te_rate(const char *text, uint64_t *ret_bps, struct pt_error *reterr)
{
    char *end = NULL;
    double value = strtod(text, &end);
    double unit = *end == 'k' ? 1e3 : *end == 'M' ? 1e6 : *end == 'G' ? 1e9 : 1;
    end += unit > 1 ? 1 : 0;
    if (end == text || *end != '\0' || !(value >= 0) || value * unit > 4e11) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, text,
                       "a rate is a number of bit/s with k, M or G behind it, at most 400G");
    }
    *ret_bps = (uint64_t)(value * unit);
    return PT_OK;
}

/* Cut "a,b,c" into at most parts_max; returns how many. */
static size_t cut(struct ctl *ctl, const char *text, const char **parts, size_t parts_max)
{
    size_t len = 0;
    while (len < parts_max) {
        size_t size = strcspn(text, ",");
        bool last = text[size] == '\0' || len + 1 == parts_max;
        parts[len++] = last ? text : pt_arena_strndup(ctl->arena, text, size);
        if (last) {
            break;
        }
        text += size + 1;
    }
    return len;
}

static enum pt_code set_number(struct ctl *ctl, struct pt_msg *request, const char *field, const char *value,
                               struct pt_error *reterr)
{
    char *end = NULL;
    unsigned long number = strtoul(value, &end, 10);
    if (value[0] == '\0' || *end != '\0' || number > UINT32_MAX) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, field, "'%.40s' is no number", value);
    }
    pt_msg_set_u64(request, ctl->arena, field, number);
    return PT_OK;
}

static enum pt_code add_name(struct ctl *ctl, struct pt_msg *request, const char *field, const char *kind,
                             const char *word, struct pt_error *reterr)
{
    const char *name = "";
    PT_TRY(full_name(ctl, kind, word, &name, reterr));
    pt_msg_append(request, ctl->arena, field,
                  (union pt_value){.bytes = {.data = (const uint8_t *)name, .size = strlen(name)}});
    return PT_OK;
}

static enum pt_code set_class(struct ctl *ctl, struct pt_msg *demand, const char *name, struct pt_error *reterr)
{
    const struct pt_enum_type *classes = pt_message_field(demand->type, "traffic_class")->enumeration;
    for (size_t i = 0; i < classes->values_len; i++) {
        if (classes->values[i].number != 0 && strcasecmp(classes->values[i].name, name) == 0) {
            pt_msg_set_i64(demand, ctl->arena, "traffic_class", classes->values[i].number);
            return PT_OK;
        }
    }
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "demand",
                   "'%.40s' is no class; write realtime, interactive, streaming, standard or bulk", name);
}

static enum pt_code add_demand(struct ctl *ctl, struct pt_msg *request, const char *text, struct pt_error *reterr)
{
    const char *parts[4];
    const char *source = "";
    const char *destination = "";
    uint64_t rate = 0;
    size_t len = cut(ctl, text, parts, 4);
    if (len < 3) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "demand",
                       "write demand=FROM,TO,RATE, and a class behind it when it is not standard: ,realtime");
    }
    PT_TRY(full_name(ctl, "site", parts[0], &source, reterr));
    PT_TRY(full_name(ctl, "site", parts[1], &destination, reterr));
    PT_TRY(ctl_te_rate(parts[2], &rate, reterr));
    struct pt_msg *demand = pt_msg_new(ctl->arena, pt_message_field(request->type, "demands")->message);
    pt_msg_set_str(demand, ctl->arena, "source_site", source);
    pt_msg_set_str(demand, ctl->arena, "destination_site", destination);
    pt_msg_set_u64(demand, ctl->arena, "rate_bps", rate);
    if (len == 4) {
        PT_TRY(set_class(ctl, demand, parts[3], reterr));
    }
    pt_msg_append(request, ctl->arena, "demands", (union pt_value){.message = demand});
    return PT_OK;
}

static enum pt_code add_link(struct ctl *ctl, struct pt_msg *request, const char *text, struct pt_error *reterr)
{
    const char *parts[5];
    const char *name = "";
    uint64_t up = 0;
    uint64_t down = 0;
    size_t len = cut(ctl, text, parts, 5);
    if (len < 3) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "link",
                       "write link=NAME,UP,DOWN, for a new one ,UNDERLAY behind it, and ,COST when that changes");
    }
    PT_TRY(full_name(ctl, "link", parts[0], &name, reterr));
    PT_TRY(ctl_te_rate(parts[1], &up, reterr));
    PT_TRY(ctl_te_rate(parts[2], &down, reterr));
    struct pt_msg *link = pt_msg_new(ctl->arena, pt_message_field(request->type, "links")->message);
    pt_msg_set_str(link, ctl->arena, "link", name);
    pt_msg_set_u64(link, ctl->arena, "capacity_up_bps", up);
    pt_msg_set_u64(link, ctl->arena, "capacity_down_bps", down);
    if (len >= 4) {
        pt_msg_set_str(link, ctl->arena, "underlay", parts[3]);
    }
    if (len == 5) {
        PT_TRY(set_number(ctl, link, "cost", parts[4], reterr));
    }
    pt_msg_append(request, ctl->arena, "links", (union pt_value){.message = link});
    return PT_OK;
}

static enum pt_code add_word(struct ctl *ctl, struct pt_msg *request, const char *word, struct pt_error *reterr)
{
    const char *equals = strchr(word, '=');
    const char *value = equals != NULL ? equals + 1 : "";
    size_t size = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const char *key = pt_arena_strndup(ctl->arena, word, size);
    if (strcmp(key, "fail-link") == 0) {
        return add_name(ctl, request, "fail_links", "link", value, reterr);
    }
    if (strcmp(key, "fail-site") == 0) {
        return add_name(ctl, request, "fail_sites", "site", value, reterr);
    }
    if (strcmp(key, "demand") == 0) {
        return add_demand(ctl, request, value, reterr);
    }
    if (strcmp(key, "link") == 0) {
        return add_link(ctl, request, value, reterr);
    }
    if (strcmp(key, "planned") == 0) {
        pt_msg_set_bool(request, ctl->arena, "planned", true);
        return PT_OK;
    }
    char *end = NULL;
    unsigned long number = strtoul(value, &end, 10);
    bool is_number = value[0] != '\0' && *end == '\0' && number <= UINT32_MAX;
    if (strcmp(key, "fail-srlg") == 0 && is_number) {
        pt_msg_append(request, ctl->arena, "fail_srlgs", (union pt_value){.u64 = number});
        return PT_OK;
    }
    if (strcmp(key, "scale") == 0 && is_number && number > 0) {
        pt_msg_set_u64(request, ctl->arena, "scale_percent", number);
        return PT_OK;
    }
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, word,
                   "write fail-link=, fail-site=, fail-srlg=NUMBER, demand=, link=, scale=PERCENT or planned");
}

/* The organization that --parent names. */
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

static int what_if(struct ctl *ctl)
{
    struct pt_error error = {0};
    struct pt_msg *request = new_request(ctl, "WhatIf");
    enum pt_code code = set_parent(ctl, request, &error);
    for (size_t i = 1; i < ctl->args->words_len && code == PT_OK; i++) {
        code = add_word(ctl, request, ctl->args->words[i], &error);
    }
    if (code != PT_OK) {
        return ctl_usage(&error);
    }
    struct pt_msg *reply = NULL;
    int status = call(ctl, "WhatIf", request, &reply);
    if (status != PT_CLI_EXIT_OK || ctl_is_data(ctl)) {
        return status != PT_CLI_EXIT_OK ? status : print_json(ctl, reply);
    }
    PT_AUTO(buf) struct pt_buf out = {0};
    put_effect(ctl, reply, &out);
    ctl_print(&out);
    return PT_CLI_EXIT_OK;
}

/* ---- explain -------------------------------------------------------------------------------------------------- */

static int explain(struct ctl *ctl)
{
    struct pt_error error = {0};
    const char *source = "";
    const char *destination = "";
    if (ctl->args->words_len < 3) {
        return ctl_usage_text(ctl,
                              "write te explain FROM TO, and constraints behind it: exclude=satellite max-delay=40ms");
    }
    if (full_name(ctl, "site", ctl->args->words[1], &source, &error) != PT_OK ||
        full_name(ctl, "site", ctl->args->words[2], &destination, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    struct pt_msg *request = new_request(ctl, "ExplainDemand");
    pt_msg_set_str(request, ctl->arena, "source_site", source);
    pt_msg_set_str(request, ctl->arena, "destination_site", destination);
    struct pt_msg *constraints = pt_msg_new(ctl->arena, pt_message_field(request->type, "constraints")->message);
    for (size_t i = 3; i < ctl->args->words_len; i++) {
        if (ctl_te_constraint(ctl->arena, constraints, ctl->args->words[i], &error) != PT_OK) {
            return ctl_usage(&error);
        }
    }
    if (ctl->args->words_len > 3) {
        pt_msg_set_child(request, ctl->arena, "constraints", constraints);
    }
    struct pt_msg *reply = NULL;
    int status = call(ctl, "ExplainDemand", request, &reply);
    if (status != PT_CLI_EXIT_OK || ctl_is_data(ctl)) {
        return status != PT_CLI_EXIT_OK ? status : print_json(ctl, reply);
    }
    PT_AUTO(buf) struct pt_buf out = {0};
    pt_buf_printf(&out,
                  "%s, epoch %" PRIu64 "; %" PRIu64 " failures are repaired by the node alone, %zu would cut it off\n",
                  rate_text(ctl, pt_msg_u64(reply, "rate_bps")), pt_msg_u64(reply, "epoch"),
                  pt_msg_u64(reply, "repaired_failures"), len_of(reply, "cutting_failures"));
    for (size_t i = 0; i < len_of(reply, "paths"); i++) {
        pt_cli_explained_path(&ctl->scope, item_of(reply, "paths", i), ctl->arena, &out);
    }
    if (len_of(reply, "paths") == 0) {
        const char *reason = pt_msg_str(reply, "no_path_reason");
        pt_buf_printf(&out, "%s\n",
                      reason[0] != '\0' ? reason : "there is no path: do the sites share a fabric and an underlay?");
    }
    ctl_print(&out);
    return PT_CLI_EXIT_OK;
}

/* ---- bandwidth ------------------------------------------------------------------------------------------------ */

static int bandwidth(struct ctl *ctl)
{
    struct pt_error error = {0};
    const char *path = "";
    if (ctl->args->words_len != 2) {
        return ctl_usage_text(ctl, "write te bandwidth PATH");
    }
    if (full_name(ctl, "path", ctl->args->words[1], &path, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    struct pt_msg *request = new_request(ctl, "MeasureBandwidth");
    pt_msg_set_str(request, ctl->arena, "name", path);
    struct pt_msg *reply = NULL;
    int status = call(ctl, "MeasureBandwidth", request, &reply);
    if (status != PT_CLI_EXIT_OK || ctl_is_data(ctl)) {
        return status != PT_CLI_EXIT_OK ? status : print_json(ctl, reply);
    }
    PT_AUTO(buf) struct pt_buf out = {0};
    uint64_t low = pt_msg_u64(reply, "low_bps"), high = pt_msg_u64(reply, "high_bps");
    const char *rate = rate_text(ctl, pt_msg_u64(reply, "rate_bps"));
    if (low == 0) {
        pt_buf_printf(&out, "%s: less than %s to spare", short_name(ctl, path), rate_text(ctl, high));
    } else if (high == 0) {
        pt_buf_printf(&out, "%s: at least %s to spare", short_name(ctl, path), rate);
    } else {
        pt_buf_printf(&out, "%s: %s to spare, between %s and %s", short_name(ctl, path), rate, rate_text(ctl, low),
                      rate_text(ctl, high));
    }
    pt_buf_printf(&out, " (%" PRIu64 " trains of probes, %" PRIu64 " kB, %.1f s)\n", pt_msg_u64(reply, "trains"),
                  pt_msg_u64(reply, "bytes") / 1000, (double)pt_msg_u64(reply, "duration_ms") / 1000);
    ctl_print(&out);
    return PT_CLI_EXIT_OK;
}

/* ---- matrix and solutions ------------------------------------------------------------------------------------- */

/* As a table; with -o json as Demand documents, of the rate that by= says. */
static int matrix(struct ctl *ctl)
{
    struct pt_error error = {0};
    const char *word = ctl->args->words_len == 1 ? "by=p95" : ctl->args->words[1];
    const char *field = strncmp(word, "by=", 3) == 0 ? pt_cli_matrix_field(word + 3) : NULL;
    if (field == NULL || ctl->args->words_len > 2 || (ctl->args->words_len == 2 && !ctl_is_data(ctl))) {
        return ctl_usage_text(ctl, "write te matrix, or te matrix by=p95 -o json (now, p50, p95, max, next or usual)");
    }
    struct pt_msg *request = new_request(ctl, "GetTrafficMatrix");
    if (set_parent(ctl, request, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    struct pt_msg *reply = NULL;
    int status = call(ctl, "GetTrafficMatrix", request, &reply);
    if (status != PT_CLI_EXIT_OK) {
        return status;
    }
    PT_AUTO(buf) struct pt_buf out = {0};
    if (ctl_is_data(ctl)) {
        pt_cli_matrix_demands(reply, pt_msg_str(request, "parent"), field, &out);
        return ctl_print_data(ctl, &out);
    }
    pt_cli_matrix_table(&ctl->scope, reply, ctl->arena, &out);
    ctl_print(&out);
    return PT_CLI_EXIT_OK;
}

static int ask_solutions(struct ctl *ctl, bool summary, uint64_t epoch, uint64_t part, struct pt_msg **ret_reply)
{
    struct pt_error error = {0};
    struct pt_msg *request = new_request(ctl, "ListSolutions");
    if (set_parent(ctl, request, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    pt_msg_set_bool(request, ctl->arena, "summary", summary);
    pt_msg_set_u64(request, ctl->arena, "epoch", epoch);
    pt_msg_set_u64(request, ctl->arena, "part", part);
    return call(ctl, "ListSolutions", request, ret_reply);
}

/* All parts of one; *ret_solution is NULL when the leader has dropped it meanwhile. */
static int fetch_solution(struct ctl *ctl, uint64_t epoch, struct pt_msg **ret_solution)
{
    struct pt_msg *reply = NULL, *whole = NULL;
    uint64_t parts = 1;
    int status = PT_CLI_EXIT_OK;
    *ret_solution = NULL;
    for (uint64_t part = 1; part <= parts; part++) {
        status = ask_solutions(ctl, false, epoch, part, &reply);
        parts = status == PT_CLI_EXIT_OK ? pt_msg_u64(reply, "parts") : 0;
        if (parts == 0 || len_of(reply, "solutions") == 0) {
            break;
        }
        struct pt_msg *solution = pt_msg_field(reply, "solutions")->values[0].message;
        if (whole == NULL) {
            whole = solution;
        } else {
            pt_cli_solution_join(whole, solution, ctl->arena);
        }
        *ret_solution = part == parts ? whole : NULL;
    }
    if (status == PT_CLI_EXIT_OK &&
        parts == 0) { /* nothing but what came out; or an older leader, which has no parts */
        status = ask_solutions(ctl, false, epoch, 0, &reply);
        bool found = status == PT_CLI_EXIT_OK && len_of(reply, "solutions") > 0;
        *ret_solution = found ? pt_msg_field(reply, "solutions")->values[0].message : NULL;
    }
    return status;
}

/* Whole, one after the other: all together are more than a reply holds when the network is large. */
static int fetch_solutions(struct ctl *ctl, struct pt_msg **ret_all)
{
    struct pt_msg *summaries = NULL, *solution = NULL;
    struct pt_msg *all = pt_msg_new(ctl->arena, method_of(ctl, "ListSolutions")->output);
    int status = ask_solutions(ctl, true, 0, 0, &summaries);
    for (size_t i = 0; status == PT_CLI_EXIT_OK && i < len_of(summaries, "solutions"); i++) {
        status = fetch_solution(ctl, pt_msg_u64(item_of(summaries, "solutions", i), "epoch"), &solution);
        if (status == PT_CLI_EXIT_OK && solution != NULL) {
            pt_msg_append(all, ctl->arena, "solutions", (union pt_value){.message = solution});
        }
    }
    *ret_all = all;
    return status;
}

/* One at a time, each in memory of its own: they may be large. */
static int recompute_all(struct ctl *ctl)
{
    struct pt_msg *summaries = NULL;
    struct pt_arena *arena = ctl->arena;
    int status = ask_solutions(ctl, true, 0, 0, &summaries), worst = status;
    for (size_t i = 0; status == PT_CLI_EXIT_OK && i < len_of(summaries, "solutions"); i++) {
        struct pt_arena own;
        struct pt_msg *solution = NULL;
        pt_arena_init(&own);
        ctl->arena = &own;
        status = fetch_solution(ctl, pt_msg_u64(item_of(summaries, "solutions", i), "epoch"), &solution);
        if (status == PT_CLI_EXIT_OK && solution != NULL && ctl_te_recompute(solution) != PT_CLI_EXIT_OK) {
            worst = PT_CLI_EXIT_FAILED;
        }
        ctl->arena = arena;
        pt_arena_fini(&own);
    }
    return status != PT_CLI_EXIT_OK ? status : worst;
}

static int recompute(struct ctl *ctl)
{
    struct pt_error error = {0};
    struct pt_msg *solutions = NULL;
    if (ctl->args->words_len < 2) {
        return recompute_all(ctl);
    }
    if (ctl_te_read_solutions(ctl, ctl->args->words[1], &solutions, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    int worst = PT_CLI_EXIT_OK;
    for (size_t i = 0; i < len_of(solutions, "solutions"); i++) {
        int status = ctl_te_recompute(item_of(solutions, "solutions", i));
        worst = status != PT_CLI_EXIT_OK ? status : worst;
    }
    return worst;
}

static int solutions(struct ctl *ctl)
{
    struct pt_msg *reply = NULL;
    int status = ctl_is_data(ctl) ? fetch_solutions(ctl, &reply) : ask_solutions(ctl, true, 0, 0, &reply);
    if (status != PT_CLI_EXIT_OK || ctl_is_data(ctl)) {
        return status != PT_CLI_EXIT_OK ? status : print_json(ctl, reply);
    }
    PT_AUTO(buf) struct pt_buf out = {0};
    for (size_t i = 0; i < len_of(reply, "solutions"); i++) {
        const struct pt_msg *solution = item_of(reply, "solutions", i);
        pt_buf_printf(&out, "epoch %" PRIu64 ": %s, fullest link %.1f%%, gap %.2f%%, %" PRIu64 " steps, %s\n",
                      pt_msg_u64(solution, "epoch"), pt_msg_str(solution, "kind"),
                      (double)pt_msg_u64(solution, "utilization_ppm") / 1e4,
                      (double)pt_msg_u64(solution, "gap_ppm") / 1e4, pt_msg_u64(solution, "steps"),
                      pt_msg_bool(solution, "promised") ? "no link too full on the way" : "no promise for the way");
    }
    ctl_print(&out);
    return PT_CLI_EXIT_OK;
}

/* ---- steering ------------------------------------------------------------------------------------------------- */

static enum pt_code add_packet_word(struct ctl *ctl, struct pt_msg *request, const char *word, struct pt_error *reterr)
{
    static const char *const numbers[][2] = {
        {"protocol", "protocol"}, {"port", "destination_port"}, {"source-port", "source_port"}, {"dscp", "dscp"}};
    const char *equals = strchr(word, '=');
    const char *value = equals != NULL ? equals + 1 : "";
    const char *key = pt_arena_strndup(ctl->arena, word, equals != NULL ? (size_t)(equals - word) : strlen(word));
    if (strcmp(key, "protocol") == 0 && (strcmp(value, "tcp") == 0 || strcmp(value, "udp") == 0)) {
        pt_msg_set_u64(request, ctl->arena, "protocol", value[0] == 't' ? 6 : 17);
        return PT_OK;
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(key, numbers[i][0]) == 0) {
            return set_number(ctl, request, numbers[i][1], value, reterr);
        }
    }
    if (strcmp(key, "source") == 0 || strcmp(key, "user") == 0) {
        pt_msg_set_str(request, ctl->arena, key, value);
        return PT_OK;
    }
    if (strcmp(key, "group") == 0) {
        pt_msg_append(request, ctl->arena, "groups",
                      (union pt_value){.bytes = {.data = (const uint8_t *)value, .size = strlen(value)}});
        return PT_OK;
    }
    struct tm at = {0};
    const char *rest = strcmp(key, "at") == 0 ? strptime(value, "%Y-%m-%dT%H:%M:%SZ", &at) : NULL;
    if (rest != NULL && *rest == '\0') {
        pt_msg_set_time(request, ctl->arena, "time", (int64_t)timegm(&at) * 1000000000);
        return PT_OK;
    }
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, word,
                   "write source=, protocol=tcp, port=, source-port=, dscp=, user=, group= or at=2026-01-31T08:00:00Z");
}

static void put_simulated(struct ctl *ctl, const struct pt_msg *reply, struct pt_buf *out)
{
    const char *policy = pt_msg_str(reply, "steering_policy"), *reason = pt_msg_str(reply, "reason");
    const char *site = pt_msg_str(reply, "destination_site"), *sla = pt_msg_str(reply, "sla_profile");
    pt_buf_printf(out, "%s%s%s, to %s\n", pt_cli_value_name(reply, "verdict"), reason[0] != '\0' ? ": " : "", reason,
                  site[0] != '\0' ? short_name(ctl, site) : "nowhere");
    if (reason[0] != '\0') {
        pt_buf_printf(out, "  %s\n", pt_msg_str(reply, "reason_text"));
    }
    if (policy[0] != '\0') {
        pt_buf_printf(out, "by %s, rule %" PRIu64 "%s%s\n", short_name(ctl, policy), pt_msg_u64(reply, "rule"),
                      sla[0] != '\0' ? ", " : "", sla[0] != '\0' ? short_name(ctl, sla) : "");
    } else {
        pt_buf_append_str(out, "no rule matches\n");
    }
    for (size_t i = 0; i < len_of(reply, "passed_rules"); i++) {
        const struct pt_msg *rule = item_of(reply, "passed_rules", i);
        pt_buf_printf(out, "  not %s, rule %" PRIu64 ": %s\n", short_name(ctl, pt_msg_str(rule, "steering_policy")),
                      pt_msg_u64(rule, "rule"), pt_msg_str(rule, "reason"));
    }
    for (size_t i = 0; i < len_of(reply, "paths"); i++) {
        const struct pt_msg *path = item_of(reply, "paths", i);
        pt_buf_printf(out, "%s %-36s ", pt_msg_bool(path, "chosen") ? "*" : " ",
                      short_name(ctl, pt_msg_str(path, "link")));
        if (pt_msg_bool(path, "measured")) {
            pt_buf_printf(out, "%.1f ms, %.2f %% lost", (double)pt_msg_u64(path, "rtt_us") / 1e3,
                          (double)pt_msg_u64(path, "loss_ppm") / 1e4);
        } else {
            pt_buf_append_str(out, "not measured");
        }
        if (pt_msg_i64(path, "sla_state") != 0) {
            pt_buf_printf(out, ", %s", pt_cli_value_name(path, "sla_state"));
        }
        const char *change = pt_msg_str(path, "change");
        pt_buf_printf(out, ": %s\n", pt_msg_str(path, "reason"));
        if (change[0] != '\0') {
            pt_buf_printf(out, "    would be taken if %s\n", change);
        }
    }
}

static int simulate(struct ctl *ctl)
{
    const struct pt_cli_args *args = ctl->args;
    struct pt_error error = {0};
    const char *site = "", *segment = "";
    if (args->words_len < 4) {
        return ctl_usage_text(ctl, "write te simulate SITE SEGMENT IP [WORD]...");
    }
    struct pt_msg *request = new_request(ctl, "SimulateSteering");
    enum pt_code code = full_name(ctl, "site", args->words[1], &site, &error);
    code = code == PT_OK ? full_name(ctl, "segment", args->words[2], &segment, &error) : code;
    pt_msg_set_str(request, ctl->arena, "site", site);
    pt_msg_set_str(request, ctl->arena, "segment", segment);
    pt_msg_set_str(request, ctl->arena, "destination", args->words[3]);
    for (size_t i = 4; i < args->words_len && code == PT_OK; i++) {
        code = add_packet_word(ctl, request, args->words[i], &error);
    }
    if (code != PT_OK) {
        return ctl_usage(&error);
    }
    struct pt_msg *reply = NULL;
    int status = call(ctl, "SimulateSteering", request, &reply);
    if (status != PT_CLI_EXIT_OK || ctl_is_data(ctl)) {
        return status != PT_CLI_EXIT_OK ? status : print_json(ctl, reply);
    }
    PT_AUTO(buf) struct pt_buf out = {0};
    put_simulated(ctl, reply, &out);
    ctl_print(&out);
    return PT_CLI_EXIT_OK;
}

static int shadowed(struct ctl *ctl)
{
    struct pt_error error = {0};
    struct pt_msg *request = new_request(ctl, "FindShadowedRules");
    if (set_parent(ctl, request, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    struct pt_msg *reply = NULL;
    int status = call(ctl, "FindShadowedRules", request, &reply);
    if (status != PT_CLI_EXIT_OK || ctl_is_data(ctl)) {
        return status != PT_CLI_EXIT_OK ? status : print_json(ctl, reply);
    }
    PT_AUTO(buf) struct pt_buf out = {0};
    for (size_t i = 0; i < len_of(reply, "rules"); i++) {
        const struct pt_msg *rule = item_of(reply, "rules", i);
        const char *by = pt_msg_str(rule, "by_steering_policy");
        pt_buf_printf(&out, "%s, rule %" PRIu64 ": %s", short_name(ctl, pt_msg_str(rule, "steering_policy")),
                      pt_msg_u64(rule, "rule"), pt_msg_str(rule, "reason"));
        if (by[0] != '\0') {
            pt_buf_printf(&out, ": %s, rule %" PRIu64, short_name(ctl, by), pt_msg_u64(rule, "by_rule"));
        }
        pt_buf_append_str(&out, "\n");
    }
    if (len_of(reply, "rules") == 0) {
        pt_buf_append_str(&out, "every rule can decide about some packet\n");
    }
    ctl_print(&out);
    return PT_CLI_EXIT_OK;
}

int ctl_te(struct ctl *ctl)
{
    const struct pt_cli_args *args = ctl->args;
    const char *what = args->words_len > 0 ? args->words[0] : "";
    if (strcmp(what, "what-if") == 0) {
        return what_if(ctl);
    }
    if (strcmp(what, "explain") == 0) {
        return explain(ctl);
    }
    if (strcmp(what, "bandwidth") == 0) {
        return bandwidth(ctl);
    }
    if (strcmp(what, "matrix") == 0) {
        return matrix(ctl);
    }
    if (strcmp(what, "solutions") == 0 && args->words_len == 1) {
        return solutions(ctl);
    }
    if (strcmp(what, "recompute") == 0 && args->words_len <= 2) {
        return recompute(ctl);
    }
    if (strcmp(what, "simulate") == 0) {
        return simulate(ctl);
    }
    if (strcmp(what, "shadowed") == 0 && args->words_len == 1) {
        return shadowed(ctl);
    }
    return ctl_usage_text(ctl, "write te what-if, explain FROM TO [CONSTRAINT]..., simulate SITE SEGMENT IP, shadowed, "
                               "bandwidth PATH, matrix, solutions, recompute [FILE] or solve FILE.te");
}
