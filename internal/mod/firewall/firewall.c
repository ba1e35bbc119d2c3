/*
 * Rules that can be meant: a scope that names what it needs, ports of protocols that have some, and no rule that says
 * of the same packets what an earlier one has said otherwise.
 */
#include "mod/firewall/firewall.h"

#include "base/net.h"
#include "patronus/v1/firewall.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PORT_MAX 65535
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_SCTP 132

static enum pt_code check_scope(const struct pt_msg *policy, const struct pt_msg *rule, size_t at,
                                struct pt_error *reterr)
{
    bool other = pt_msg_i64(rule, "scope") == PATRONUS__V1__FIREWALL_SCOPE__SEGMENT;
    const char *segment = pt_msg_str(rule, "to_segment");
    char path[96];
    (void)snprintf(path, sizeof(path), "rules[%zu].to_segment", at);
    if (other != (segment[0] != '\0')) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                       other ? "scope SEGMENT needs the segment's name" : "it goes with scope SEGMENT only");
    }
    if (other && strcmp(segment, pt_msg_str(policy, "segment")) == 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                       "is the policy's own segment; write scope WITHIN");
    }
    return PT_OK;
}

static enum pt_code check_ports(const struct pt_msg *rule, size_t at, struct pt_error *reterr)
{
    const struct pt_msg_field *ports = pt_msg_field(rule, "ports");
    uint64_t protocol = pt_msg_u64(rule, "protocol");
    char path[96];
    (void)snprintf(path, sizeof(path), "rules[%zu].ports", at);
    if (ports != NULL && pt_msg_has(rule, "protocol") && protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP &&
        protocol != PROTOCOL_SCTP) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                       "protocol %" PRIu64 " has no ports; only TCP (6), UDP (17) and SCTP (132) have", protocol);
    }
    for (size_t i = 0; ports != NULL && i < ports->len; i++) {
        uint64_t first = pt_msg_u64(ports->values[i].message, "first");
        uint64_t last = pt_msg_u64(ports->values[i].message, "last");
        if (first > last || last > PORT_MAX) {
            (void)snprintf(path, sizeof(path), "rules[%zu].ports[%zu]", at, i);
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                           "%" PRIu64 "-%" PRIu64 " is no range: ports ascend and end at %d", first, last, PORT_MAX);
        }
    }
    return PT_OK;
}

/* Bit 0: IPv4, bit 1: IPv6; of any prefixes both. */
static unsigned families(const struct pt_msg *rule, const char *field)
{
    const struct pt_msg_field *cidrs = pt_msg_field(rule, field);
    unsigned found = cidrs == NULL ? 3 : 0;
    for (size_t i = 0; cidrs != NULL && i < cidrs->len; i++) {
        struct pt_prefix prefix;
        if (pt_prefix_parse((const char *)cidrs->values[i].bytes.data, &prefix, NULL) == PT_OK) {
            found |= pt_ip_is_v4(&prefix.ip) ? 1 : 2;
        }
    }
    return found;
}

/* Equal but for what becomes of the packet. */
static bool same_packets(const struct pt_msg *a, const struct pt_msg *b)
{
    static const char *const texts[] = {"to_segment", "source_cidrs", "destination_cidrs"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const struct pt_msg_field *x = pt_msg_field(a, texts[i]), *y = pt_msg_field(b, texts[i]);
        size_t x_len = x != NULL ? x->len : 0, y_len = y != NULL ? y->len : 0;
        for (size_t j = 0; j < x_len && j < y_len; j++) {
            if (strcmp((const char *)x->values[j].bytes.data, (const char *)y->values[j].bytes.data) != 0) {
                return false;
            }
        }
        if (x_len != y_len) {
            return false;
        }
    }
    const struct pt_msg_field *x = pt_msg_field(a, "ports"), *y = pt_msg_field(b, "ports");
    size_t x_len = x != NULL ? x->len : 0, y_len = y != NULL ? y->len : 0;
    for (size_t j = 0; j < x_len && j < y_len; j++) {
        if (!pt_msg_equal(x->values[j].message, y->values[j].message)) {
            return false;
        }
    }
    return x_len == y_len && pt_msg_i64(a, "scope") == pt_msg_i64(b, "scope") &&
           pt_msg_has(a, "protocol") == pt_msg_has(b, "protocol") &&
           pt_msg_u64(a, "protocol") == pt_msg_u64(b, "protocol");
}

static enum pt_code check_rule(const struct pt_msg *policy, const struct pt_msg_field *rules, size_t at,
                               struct pt_error *reterr)
{
    const struct pt_msg *rule = rules->values[at].message;
    char path[96];
    PT_TRY(check_scope(policy, rule, at, reterr));
    PT_TRY(check_ports(rule, at, reterr));
    (void)snprintf(path, sizeof(path), "rules[%zu]", at);
    if ((families(rule, "source_cidrs") & families(rule, "destination_cidrs")) == 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                       "sources and destinations are of different families: no packet can match");
    }
    for (size_t i = 0; i < at; i++) {
        const struct pt_msg *earlier = rules->values[i].message;
        if (same_packets(earlier, rule)) {
            bool equal = pt_msg_i64(earlier, "action") == pt_msg_i64(rule, "action");
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                           "rules[%zu] %s about the same packets; it comes first and decides", i,
                           equal ? "says the same" : "says the contrary");
        }
    }
    return PT_OK;
}

static enum pt_code policy_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    (void)view;
    const struct pt_msg_field *rules = change->after != NULL ? pt_msg_field(change->after, "rules") : NULL;
    const char *seen[FIREWALL_REACH_MAX];
    size_t seen_len = 0;
    for (size_t i = 0; rules != NULL && i < rules->len; i++) {
        const char *to = pt_msg_str(rules->values[i].message, "to_segment");
        size_t j = 0;
        PT_TRY(check_rule(change->after, rules, i, reterr));
        while (j < seen_len && strcmp(seen[j], to) != 0) {
            j++;
        }
        if (to[0] == '\0' || j < seen_len) {
            continue;
        }
        if (seen_len == FIREWALL_REACH_MAX) {
            char path[96];
            (void)snprintf(path, sizeof(path), "rules[%zu].to_segment", i);
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_LIMIT_REACHED, path,
                           "a segment's rules lead to at most %d others", FIREWALL_REACH_MAX);
        }
        seen[seen_len++] = to;
    }
    return PT_OK;
}

static const struct pt_kind firewall_policy = {.message = "patronus.v1.FirewallPolicy", .check = policy_check};
static const struct pt_kind flood_guard = {.message = "patronus.v1.FloodGuard"};
static const struct pt_kind *const kinds[] = {&firewall_policy, &flood_guard, NULL};
static const char *const needs[] = {"site", "fabric", NULL};

const struct pt_mod pt_mod_firewall = {.name = "firewall", .needs = needs, .kinds = kinds};
