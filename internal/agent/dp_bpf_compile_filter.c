/*
 * Entries of the firewall, of protection against floods, and of rates.
 */
#include "agent/dp_bpf_compile.h"
#include "base/assert.h"

#include "bpf/abi/nat.h"
#include "bpf/abi/filter.h"
#include "bpf/abi/guard.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum pt_code pt_dp_compile_filter(struct pt_dp_compiler *c, const Patronus__V1__FilterEntry *filter,
                                  struct pt_error *reterr)
{
    struct pt_abi_filter value = {.drop = filter->drop != 0, .reach_len = (uint32_t)filter->n_reach};
    uint32_t vni = filter->vni;
    (void)snprintf(c->field, sizeof(c->field), "filter of VNI %u", vni);
    if (vni == 0 || vni > PT_VNI_MAX || filter->n_reach > PT_FILTER_REACH_MAX) {
        return PT_DP_REFUSE(c, reterr, "its VNI must be 1..%u, and it reaches at most %d segments", PT_VNI_MAX,
                            PT_FILTER_REACH_MAX);
    }
    for (size_t i = 0; i < filter->n_reach; i++) {
        if (filter->reach[i] == 0 || filter->reach[i] > PT_VNI_MAX) {
            return PT_DP_REFUSE(c, reterr, "it reaches VNI %u, which must be 1..%u", filter->reach[i], PT_VNI_MAX);
        }
        value.reach[i] = filter->reach[i];
    }
    (void)pt_dp_rows_add(&c->table->maps[PT_MAP_filters], &vni, &value);
    return PT_OK;
}

static enum pt_code read_side(struct pt_dp_compiler *c, const ProtobufCBinaryData *bytes, uint32_t len,
                              struct pt_abi_address *ret_prefix, struct pt_abi_address *ret_mask,
                              struct pt_error *reterr)
{
    struct pt_prefix prefix;
    if (bytes->len == 0) {
        return PT_OK;
    }
    if (!pt_dp_read_prefix(bytes, len, &prefix)) {
        return PT_DP_REFUSE(c, reterr, "its prefixes must be 16 bytes without host bits, their lengths fit the family");
    }
    *ret_prefix = pt_dp_to_abi(&prefix.ip);
    *ret_mask = pt_dp_mask(&prefix);
    return PT_OK;
}

enum pt_code pt_dp_compile_filter_rule(struct pt_dp_compiler *c, const Patronus__V1__FilterRuleEntry *rule,
                                       struct pt_error *reterr)
{
    struct pt_dp_rows *rows = &c->table->maps[PT_MAP_filters];
    struct pt_abi_filter_rule value = {.to = rule->to, .rule_id = rule->rule_id};
    size_t at = 0;
    (void)snprintf(c->field, sizeof(c->field), "filter rule %u of VNI %u", rule->order, rule->vni);
    while (at < rows->len && memcmp(pt_dp_rows_key(rows, at), &rule->vni, sizeof(rule->vni)) != 0) {
        at++;
    }
    if (at == rows->len || rule->order >= PT_FILTER_RULES_MAX) {
        return PT_DP_REFUSE(c, reterr, "its segment must have a filter entry, its order be 0..%d",
                            PT_FILTER_RULES_MAX - 1);
    }
    if (rule->protocol > PT_DP_PROTOCOL_ANY || rule->port_first > rule->port_last || rule->port_last > UINT16_MAX ||
        (rule->to > PT_VNI_MAX && rule->to != PT_FILTER_INTERNET)) {
        return PT_DP_REFUSE(c, reterr,
                            "protocols are 0..255 or 256 for any; ports ascend and end at 65535; it leads to "
                            "a VNI, 0, or %u",
                            PT_FILTER_INTERNET);
    }
    value.flags = (uint16_t)((rule->allow ? PT_FILTER_ALLOW : 0) |
                             (rule->protocol != PT_DP_PROTOCOL_ANY ? PT_FILTER_PROTOCOL : 0) |
                             (rule->port_first != 0 || rule->port_last != UINT16_MAX ? PT_FILTER_PORTS : 0));
    value.protocol = rule->protocol == PT_DP_PROTOCOL_ANY ? 0 : (uint16_t)rule->protocol;
    value.port_first = (uint16_t)rule->port_first;
    value.port_last = (uint16_t)rule->port_last;
    PT_TRY(read_side(c, &rule->source, rule->source_len, &value.source, &value.source_mask, reterr));
    PT_TRY(
        read_side(c, &rule->destination, rule->destination_len, &value.destination, &value.destination_mask, reterr));
    struct pt_abi_filter filter;
    memcpy(&filter, pt_dp_rows_value(rows, at), sizeof(filter));
    filter.rules[filter.len++] = value; /* orders differ, so there are no more than fit */
    memcpy(pt_dp_rows_value(rows, at), &filter, sizeof(filter));
    return PT_OK;
}

enum pt_code pt_dp_compile_guard(struct pt_dp_compiler *c, const Patronus__V1__GuardEntry *guard,
                                 struct pt_error *reterr)
{
    struct pt_abi_guard value = {.source_pps = guard->source_pps, .syns_ps = guard->syns_ps};
    uint32_t zero = 0;
    (void)reterr;
    (void)pt_dp_rows_add(&c->table->maps[PT_MAP_guards], &zero, &value);
    return PT_OK;
}

enum pt_code pt_dp_compile_denied(struct pt_dp_compiler *c, const Patronus__V1__DeniedEntry *denied,
                                  struct pt_error *reterr)
{
    struct pt_prefix prefix;
    uint32_t one = 1;
    (void)snprintf(c->field, sizeof(c->field), "denied source");
    if (!pt_dp_read_prefix(&denied->prefix, denied->prefix_len, &prefix)) {
        return PT_DP_REFUSE(c, reterr, "its prefix must be 16 bytes without host bits, its length fit the family");
    }
    struct pt_abi_denied_key key = {.prefix_len = pt_prefix_len128(&prefix), .address = pt_dp_to_abi(&prefix.ip)};
    (void)pt_dp_rows_add(&c->table->maps[PT_MAP_denied], &key, &one);
    return PT_OK;
}

/* ---- rates ---------------------------------------------------------------------------------------------------- */

#define BURST_NS_MIN 20000000ULL /* the programs' clock has the kernel's tick */
#define RATE_BPS_MIN 1000U

/* Limits come by id. A meter's number is its place among them, from 1; flows ask for it anew after each flip. */
static uint32_t meter_of(const struct pt_dp_compiler *c, uint64_t id)
{
    for (size_t i = 0; i < c->limits_len; i++) {
        if (c->limits[i] == id) {
            return (uint32_t)i + 1;
        }
    }
    return 0;
}

enum pt_code pt_dp_compile_limit(struct pt_dp_compiler *c, const Patronus__V1__LimitEntry *limit,
                                 struct pt_error *reterr)
{
    (void)snprintf(c->field, sizeof(c->field), "limit %016" PRIx64, limit->limit);
    if (limit->limit == 0 || limit->rate_bps < RATE_BPS_MIN || limit->site_label > PT_LABEL_MAX) {
        return PT_DP_REFUSE(c, reterr, "its id is 0, its rate below %u bit/s, or its site label above %u", RATE_BPS_MIN,
                            PT_LABEL_MAX);
    }
    if (c->limits_len + 1 >= PT_METERS_MAX) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, c->field, "a node has at most %u meters",
                       PT_METERS_MAX - 1);
    }
    uint64_t burst_ns = (uint64_t)limit->burst_ms * 1000000;
    struct pt_abi_meter value = {.ns_per_byte_q20 = (8000000000ULL << 20) / limit->rate_bps,
                                 .burst_ns = burst_ns < BURST_NS_MIN ? BURST_NS_MIN : burst_ns};
    c->parents[c->limits_len] = limit->parent;
    c->limits[c->limits_len++] = limit->limit;
    uint32_t number = (uint32_t)c->limits_len;
    (void)pt_dp_rows_add(&c->table->meters, &number, &value);
    for (size_t i = 0; i < limit->n_vnis; i++) {
        struct pt_abi_limit_key key = {.vni = limit->vnis[i], .site_label = limit->site_label};
        (void)pt_dp_rows_add(&c->table->maps[PT_MAP_limits], &key, &number);
    }
    return PT_OK;
}

enum pt_code pt_dp_compile_limits_end(struct pt_dp_compiler *c, struct pt_error *reterr)
{
    for (size_t i = 0; i < c->limits_len; i++) {
        struct pt_abi_meter value;
        uint8_t *at = pt_dp_rows_value(&c->table->meters, i);
        uint32_t parent = c->parents[i] == 0 ? 0 : meter_of(c, c->parents[i]);
        (void)snprintf(c->field, sizeof(c->field), "limit %016" PRIx64, c->limits[i]);
        if (c->parents[i] != 0 && (parent == 0 || parent == i + 1)) {
            return PT_DP_REFUSE(c, reterr, "its parent is not in the bundle, or itself");
        }
        memcpy(&value, at, sizeof(value));
        value.parent = parent;
        memcpy(at, &value, sizeof(value));
    }
    return PT_OK;
}

/* ---- what segments have --------------------------------------------------------------------------------------- */

static bool has_row(const struct pt_dp_rows *rows, uint32_t vni)
{
    for (size_t i = 0; i < rows->len; i++) {
        if (memcmp(pt_dp_rows_key(rows, i), &vni, sizeof(vni)) == 0) {
            return true; /* keys begin with the VNI */
        }
    }
    return false;
}

/* Do port forwards lead into the segment? Its hosts answer by them, breakout or not. */
static bool is_entered(const struct pt_dp_rows *forwards, uint32_t vni)
{
    for (size_t i = 0; i < forwards->len; i++) {
        struct pt_abi_forward_key key;
        memcpy(&key, pt_dp_rows_key(forwards, i), sizeof(key));
        if (key.inside != 0 && key.scope == vni) {
            return true;
        }
    }
    return false;
}

void pt_dp_compile_features(struct pt_dp_table *table)
{
    static const struct {
        enum pt_bundle_map map;
        uint8_t feature;
    } features[] = {{PT_MAP_filters, PT_LAN_FILTERED},
                    {PT_MAP_breakouts, PT_LAN_EXITS},
                    {PT_MAP_prefixes, PT_LAN_PREFIXES},
                    {PT_MAP_limits, PT_LAN_LIMITED}};
    struct pt_dp_rows *lans = &table->maps[PT_MAP_lans];
    for (size_t i = 0; i < lans->len; i++) {
        struct pt_abi_lan lan;
        memcpy(&lan, pt_dp_rows_value(lans, i), sizeof(lan));
        for (size_t k = 0; k < sizeof(features) / sizeof(features[0]); k++) {
            lan.features |= has_row(&table->maps[features[k].map], lan.vni) ? features[k].feature : 0;
        }
        lan.features |= is_entered(&table->maps[PT_MAP_forwards], lan.vni) ? PT_LAN_EXITS : 0;
        memcpy(pt_dp_rows_value(lans, i), &lan, sizeof(lan));
    }
}
