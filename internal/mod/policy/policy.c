/*
 * Applications and policies: descriptions of packets must describe something, and a rule that drops has no use for the
 * criteria that choose a path.
 */
#include "mod/policy/policy.h"

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
                           "an empty match describes every packet; set protocol, ports, cidrs or dscps");
        }
        PT_TRY(check_ports(match, i, reterr));
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
    PT_TRY(pt_store_allocate(store, "application_id", 1, UINT32_MAX, &id, reterr));
    pt_msg_set_u64(after, arena, "application_id", id);
    return PT_OK;
}

/* ---- policies ------------------------------------------------------------------------------------------------- */

static enum pt_code steering_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    static const char *const path_criteria[] = {"transports", "underlays", "sla_profile"};
    (void)view;
    const struct pt_msg_field *rules = change->after != NULL ? pt_msg_field(change->after, "rules") : NULL;
    for (size_t i = 0; rules != NULL && i < rules->len; i++) {
        const struct pt_msg *rule = rules->values[i].message;
        if (pt_msg_i64(rule, "preference") != PATRONUS__V1__PREFERENCE__DENY) {
            continue;
        }
        for (size_t j = 0; j < sizeof(path_criteria) / sizeof(path_criteria[0]); j++) {
            if (pt_msg_has(rule, path_criteria[j])) {
                char path[96];
                (void)snprintf(path, sizeof(path), "rules[%zu].%s", i, path_criteria[j]);
                return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                               "%s chooses among paths, and a rule with DENY takes none; leave it out",
                               path_criteria[j]);
            }
        }
    }
    return PT_OK;
}

static const struct pt_kind application = {
    .message = "patronus.v1.Application", .check = application_check, .derive = application_derive};
static const struct pt_kind steering_policy = {.message = "patronus.v1.SteeringPolicy", .check = steering_check};
static const struct pt_kind *const kinds[] = {&application, &steering_policy, NULL};
static const char *const needs[] = {"site", "fabric", NULL};

const struct pt_mod pt_mod_policy = {.name = "policy", .needs = needs, .kinds = kinds};
