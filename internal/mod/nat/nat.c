/*
 * Policies of translation: IPv4 only, and one meaning for each port and prefix. What is refused here is what an edge
 * could not do; whether a port is free and a host is there, only the edge knows.
 */
#include "mod/nat/nat.h"

#include "base/net.h"
#include "mod/site/site.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define TIMEOUT_MIN_S 10 /* edges look at a mapping's time every four seconds */

static enum pt_code refuse(struct pt_error *reterr, const char *path, const char *text)
{
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path, "%s", text);
}

static bool is_v4_prefix(const char *text, struct pt_prefix *ret_prefix)
{
    return pt_prefix_parse(text, ret_prefix, NULL) == PT_OK && pt_ip_is_v4(&ret_prefix->ip);
}

static enum pt_code check_breakout(const struct pt_msg *breakout, struct pt_error *reterr)
{
    static const char *const timeouts[] = {"udp_timeout_seconds", "tcp_timeout_seconds", "tcp_transitory_seconds",
                                           "icmp_timeout_seconds"};
    const struct pt_msg_field *cidrs = breakout != NULL ? pt_msg_field(breakout, "destination_cidrs") : NULL;
    char path[96];
    for (size_t i = 0; cidrs != NULL && i < cidrs->len; i++) {
        struct pt_prefix prefix;
        (void)snprintf(path, sizeof(path), "breakout.destination_cidrs[%zu]", i);
        if (!is_v4_prefix((const char *)cidrs->values[i].bytes.data, &prefix)) {
            return refuse(reterr, path, "only IPv4 is translated; IPv6 needs no translation");
        }
    }
    for (size_t i = 0; breakout != NULL && i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
        uint64_t seconds = pt_msg_u64(breakout, timeouts[i]);
        (void)snprintf(path, sizeof(path), "breakout.%s", timeouts[i]);
        if (seconds != 0 && seconds < TIMEOUT_MIN_S) {
            return refuse(reterr, path, "mappings last at least 10 seconds; 0 means the default");
        }
    }
    return PT_OK;
}

static enum pt_code check_forwards(const struct pt_msg *policy, struct pt_error *reterr)
{
    const struct pt_msg_field *forwards = pt_msg_field(policy, "port_forwards");
    char path[96];
    for (size_t i = 0; forwards != NULL && i < forwards->len; i++) {
        const struct pt_msg *forward = forwards->values[i].message;
        uint64_t protocol = pt_msg_u64(forward, "protocol"), port = pt_msg_u64(forward, "port");
        struct pt_ip ip;
        (void)snprintf(path, sizeof(path), "port_forwards[%zu].protocol", i);
        if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP) {
            return refuse(reterr, path, "write 6 (TCP) or 17 (UDP): others have no ports that could be forwarded");
        }
        (void)snprintf(path, sizeof(path), "port_forwards[%zu].address", i);
        if (pt_ip_parse(pt_msg_str(forward, "address"), &ip, NULL) != PT_OK || !pt_ip_is_v4(&ip)) {
            return refuse(reterr, path, "must be an IPv4 address");
        }
        for (size_t j = 0; j < i; j++) {
            const struct pt_msg *other = forwards->values[j].message;
            if (pt_msg_u64(other, "protocol") == protocol && pt_msg_u64(other, "port") == port) {
                (void)snprintf(path, sizeof(path), "port_forwards[%zu].port", i);
                return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                               "port %" PRIu64 " is forwarded by port_forwards[%zu] already", port, j);
            }
        }
    }
    return PT_OK;
}

static enum pt_code check_prefix_maps(const struct pt_msg *policy, struct pt_error *reterr)
{
    const struct pt_msg_field *maps = pt_msg_field(policy, "prefix_maps");
    char path[96];
    for (size_t i = 0; maps != NULL && i < maps->len; i++) {
        const struct pt_msg *map = maps->values[i].message;
        struct pt_prefix inside, outside;
        (void)snprintf(path, sizeof(path), "prefix_maps[%zu].outside", i);
        if (!is_v4_prefix(pt_msg_str(map, "inside"), &inside) || !is_v4_prefix(pt_msg_str(map, "outside"), &outside)) {
            return refuse(reterr, path, "only IPv4 is translated");
        }
        if (inside.len != outside.len) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                           "one to one needs equal lengths: inside has %u bits, outside %u", inside.len, outside.len);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(pt_msg_str(maps->values[j].message, "outside"), pt_msg_str(map, "outside")) == 0) {
                return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                               "%.49s is the outside of prefix_maps[%zu] already", pt_msg_str(map, "outside"), j);
            }
        }
    }
    return PT_OK;
}

static enum pt_code nat_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    if (change->after != NULL) {
        PT_TRY(check_breakout(pt_msg_child(change->after, "breakout"), reterr));
        PT_TRY(check_forwards(change->after, reterr));
        PT_TRY(check_prefix_maps(change->after, reterr));
    }
    return site_check_outsides(view, change, reterr);
}

static const struct pt_kind nat_policy = {.message = "patronus.v1.NatPolicy", .check = nat_check};
static const struct pt_kind *const kinds[] = {&nat_policy, NULL};
static const char *const needs[] = {"site", "fabric", NULL};

const struct pt_mod pt_mod_nat = {.name = "nat", .needs = needs, .kinds = kinds};
