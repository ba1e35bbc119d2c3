/*
 * Applications, profiles and policies: descriptions of packets must describe something, times must be times, and a rule
 * that drops has no use for the criteria that choose a path.
 */
#include "mod/policy/policy.h"

#include "dpi/catalog.h"
#include "patronus/v1/policy.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PORT_MAX 65535
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_SCTP 132

/* ---- applications --------------------------------------------------------------------------------------------- */

static enum pt_code check_ports(const struct pt_msg *match, size_t at, struct pt_error *reterr)
{
    const struct pt_msg_field *ports = pt_msg_field(match, "ports");
    char path[96];
    for (size_t i = 0; ports != NULL && i < ports->len; i++) {
        uint64_t first = pt_msg_u64(ports->values[i].message, "first");
        uint64_t last = pt_msg_u64(ports->values[i].message, "last");
        (void)snprintf(path, sizeof(path), "matches[%zu].ports[%zu]", at, i);
        if (last > PORT_MAX) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                           "port %" PRIu64 " does not exist; ports are 0 to %d", last, PORT_MAX);
        }
        if (first > last) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                           "the first port, %" PRIu64 ", is above the last, %" PRIu64, first, last);
        }
    }
    uint64_t protocol = pt_msg_u64(match, "protocol");
    if (ports != NULL && pt_msg_has(match, "protocol") && protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP &&
        protocol != PROTOCOL_SCTP) {
        (void)snprintf(path, sizeof(path), "matches[%zu].ports", at);
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                       "protocol %" PRIu64 " has no ports; only TCP (6), UDP (17) and SCTP (132) have", protocol);
    }
    return PT_OK;
}

static enum pt_code check_signatures(const struct pt_msg *match, size_t at, struct pt_error *reterr)
{
    const struct pt_msg_field *signatures = pt_msg_field(match, "signatures");
    for (size_t i = 0; signatures != NULL && i < signatures->len; i++) {
        const char *name = (const char *)signatures->values[i].bytes.data;
        if (pt_dpi_signature_number(name) == 0) {
            const char *near = pt_dpi_signature_near(name);
            char path[96];
            (void)snprintf(path, sizeof(path), "matches[%zu].signatures[%zu]", at, i);
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                           "there is no signature '%.32s'%s%s%s; `patronusctl classify --signatures` lists them", name,
                           near != NULL ? "; is it '" : "", near != NULL ? near : "", near != NULL ? "'" : "");
        }
    }
    return PT_OK;
}

static enum pt_code application_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    (void)view;
    const struct pt_msg_field *matches = change->after != NULL ? pt_msg_field(change->after, "matches") : NULL;
    for (size_t i = 0; matches != NULL && i < matches->len; i++) {
        const struct pt_msg *match = matches->values[i].message;
        if (match->fields_len == 0) {
            char path[96];
            (void)snprintf(path, sizeof(path), "matches[%zu]", i);
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                           "an empty match describes every packet; set protocol, ports, cidrs, dscps, hosts "
                           "or signatures");
        }
        PT_TRY(check_ports(match, i, reterr));
        PT_TRY(check_signatures(match, i, reterr));
    }
    return PT_OK;
}

static enum pt_code application_derive(struct pt_store *store, const struct pt_change *change, struct pt_msg *after,
                                       struct pt_arena *arena, struct pt_error *reterr)
{
    if (change->before != NULL) {
        return PT_OK; /* a number is kept for life */
    }
    uint64_t id = 0;
    PT_TRY(pt_store_allocate(store, "application_id", 1, PT_DPI_SIGNATURE - 1, &id, reterr));
    pt_msg_set_u64(after, arena, "application_id", id);
    return PT_OK;
}

/* ---- profiles ------------------------------------------------------------------------------------------------- */

static enum pt_code check_time(const struct pt_msg *profile, const char *field, int64_t least_ms, int64_t most_ms,
                               struct pt_error *reterr)
{
    const struct pt_msg *duration = pt_msg_child(profile, field);
    if (duration == NULL) {
        return PT_OK;
    }
    int64_t seconds = pt_msg_i64(duration, "seconds");
    int64_t ms = seconds < 0 || seconds > most_ms ? -1 : seconds * 1000 + pt_msg_i64(duration, "nanos") / 1000000;
    if (ms < least_ms || ms > most_ms) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, field,
                       "must be %" PRId64 " ms to %" PRId64 " s", least_ms, most_ms / 1000);
    }
    return PT_OK;
}

static bool same_time(const struct pt_msg *before, const struct pt_msg *after, const char *field)
{
    const struct pt_msg *a = before != NULL ? pt_msg_child(before, field) : NULL, *b = pt_msg_child(after, field);
    return a != NULL && b != NULL && pt_msg_i64(a, "seconds") == pt_msg_i64(b, "seconds") &&
           pt_msg_i64(a, "nanos") == pt_msg_i64(b, "nanos");
}

static enum pt_code sla_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    (void)view;
    if (change->after == NULL) {
        return PT_OK;
    }
    /* The first binaries took any window, and nodes were given the nearest that is allowed: logs may hold one, and a
     * profile that has one may keep it. */
    if (change->proposed && !same_time(change->before, change->after, "evaluation_window")) {
        PT_TRY(check_time(change->after, "evaluation_window", 200, 10000, reterr));
    }
    PT_TRY(check_time(change->after, "fast_down", 100, 10000, reterr));
    PT_TRY(check_time(change->after, "slow_up", 0, 3600000, reterr));
    return check_time(change->after, "dampening", 0, 3600000, reterr);
}

/* ---- policies ------------------------------------------------------------------------------------------------- */

/* "HH:MM"; 24:00 only where a day ends. */
static bool is_time(const char *text, bool is_end)
{
    if (strlen(text) != 5 || text[2] != ':' || strspn(text, "0123456789") != 2 || strspn(text + 3, "0123456789") != 2) {
        return false;
    }
    int hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
    return minute < 60 && (hour < 24 || (is_end && hour == 24 && minute == 0));
}

static enum pt_code check_windows(const struct pt_msg *rule, size_t at, struct pt_error *reterr)
{
    static const char *const fields[] = {"start", "end"};
    const struct pt_msg_field *windows = pt_msg_field(rule, "windows");
    char path[96];
    for (size_t i = 0; windows != NULL && i < windows->len; i++) {
        const struct pt_msg *window = windows->values[i].message;
        const struct pt_msg_field *days = pt_msg_field(window, "days");
        for (size_t j = 0; j < 2; j++) {
            const char *text = pt_msg_str(window, fields[j]);
            if (text[0] != '\0' && !is_time(text, j == 1)) {
                (void)snprintf(path, sizeof(path), "rules[%zu].windows[%zu].%s", at, i, fields[j]);
                return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                               "write a time of the day as HH:MM, for example 08:30");
            }
        }
        for (size_t j = 0; days != NULL && j < days->len; j++) {
            if (days->values[j].i64 < PATRONUS__V1__DAY_OF_WEEK__MONDAY ||
                days->values[j].i64 > PATRONUS__V1__DAY_OF_WEEK__SUNDAY) {
                (void)snprintf(path, sizeof(path), "rules[%zu].windows[%zu].days[%zu]", at, i, j);
                return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path, "write MONDAY to SUNDAY");
            }
        }
    }
    return PT_OK;
}

static enum pt_code check_fallbacks(const struct pt_msg *rule, size_t at, struct pt_error *reterr)
{
    const struct pt_msg_field *fallbacks = pt_msg_field(rule, "fallbacks");
    int64_t preference = pt_msg_i64(rule, "preference");
    char path[96];
    if (fallbacks == NULL) {
        return PT_OK;
    }
    (void)snprintf(path, sizeof(path), "rules[%zu].fallbacks", at);
    if (preference != PATRONUS__V1__PREFERENCE__PREFER && preference != PATRONUS__V1__PREFERENCE__REQUIRE) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                       "only PREFER and REQUIRE have a first choice that others could come after");
    }
    for (size_t i = 0; i < fallbacks->len; i++) {
        const struct pt_msg *choice = fallbacks->values[i].message;
        if (!pt_msg_has(choice, "transports") && !pt_msg_has(choice, "underlays")) {
            (void)snprintf(path, sizeof(path), "rules[%zu].fallbacks[%zu]", at, i);
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                           "an empty choice is every path; set transports or underlays");
        }
    }
    return PT_OK;
}

/* A rule that drops chooses no path. */
static enum pt_code check_deny(const struct pt_msg *rule, size_t at, struct pt_error *reterr)
{
    static const char *const path_criteria[] = {"transports", "underlays", "sla_profile", "move_mode", "constraints"};
    if (pt_msg_i64(rule, "preference") != PATRONUS__V1__PREFERENCE__DENY) {
        return PT_OK;
    }
    for (size_t j = 0; j < sizeof(path_criteria) / sizeof(path_criteria[0]); j++) {
        if (pt_msg_has(rule, path_criteria[j])) {
            char path[96];
            (void)snprintf(path, sizeof(path), "rules[%zu].%s", at, path_criteria[j]);
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                           "%s chooses among paths, and a rule with DENY takes none; leave it out", path_criteria[j]);
        }
    }
    return PT_OK;
}

/* "key" or "key=value". */
static enum pt_code check_constraints(const struct pt_msg *rule, size_t at, struct pt_error *reterr)
{
    static const char *const fields[] = {"require_labels", "exclude_labels"};
    const struct pt_msg *constraints = pt_msg_child(rule, "constraints");
    for (size_t i = 0; constraints != NULL && i < 2; i++) {
        const struct pt_msg_field *labels = pt_msg_field(constraints, fields[i]);
        for (size_t j = 0; labels != NULL && j < labels->len; j++) {
            const char *label = (const char *)labels->values[j].bytes.data;
            if (label[0] == '\0' || label[0] == '=') {
                char path[96];
                (void)snprintf(path, sizeof(path), "rules[%zu].constraints.%s[%zu]", at, fields[i], j);
                return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                               "write a label as key or key=value, for example jurisdiction=eu");
            }
        }
    }
    return PT_OK;
}

static enum pt_code steering_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    (void)view;
    const struct pt_msg_field *rules = change->after != NULL ? pt_msg_field(change->after, "rules") : NULL;
    for (size_t i = 0; rules != NULL && i < rules->len; i++) {
        const struct pt_msg *rule = rules->values[i].message;
        PT_TRY(check_deny(rule, i, reterr));
        PT_TRY(check_windows(rule, i, reterr));
        PT_TRY(check_fallbacks(rule, i, reterr));
        PT_TRY(check_constraints(rule, i, reterr));
    }
    return PT_OK;
}

static const struct pt_kind application = {
    .message = "patronus.v1.Application", .check = application_check, .derive = application_derive};
static const struct pt_kind steering_policy = {.message = "patronus.v1.SteeringPolicy", .check = steering_check};
static const struct pt_kind sla_profile = {.message = "patronus.v1.SlaProfile", .check = sla_check};
static const struct pt_kind *const kinds[] = {&application, &sla_profile, &steering_policy, NULL};
static const char *const needs[] = {"site", "fabric", NULL};

const struct pt_mod pt_mod_policy = {.name = "policy", .needs = needs, .kinds = kinds};
