/*
 * What the parts of the compiler from entries to map rows share. Private to dp_bpf_compile*.c.
 */
#pragma once

#include "agent/dp_bpf_table.h"
#include "base/limits.h"
#include "base/net.h"

#include "bpf/abi/flow.h"

#define PT_DP_LINK_MAX 64
#define PT_DP_PROTOCOL_ANY 256

struct pt_dp_known_link {
    const Patronus__V1__LinkEntry *entry;
    uint32_t ifindex;
    struct pt_ip address;
};

struct pt_dp_compiler {
    const struct pt_dp_compile_options *options;
    struct pt_dp_table *table;
    struct pt_arena arena;
    const Patronus__V1__NodeEntry *node;
    uint16_t geneve_port; /* network order */
    struct pt_dp_known_link links[PT_DP_LINK_MAX + 1];
    struct pt_map lans, tunnels, paths;
    uint64_t limits[PT_METERS_MAX], parents[PT_METERS_MAX];
    size_t limits_len;
    char absent[16];
    char field[PT_ERROR_FIELD_SIZE]; /* the entry at hand, for people */
};

#define PT_DP_REFUSE(c, reterr, ...) \
    pt_fail((reterr), PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, (c)->field, __VA_ARGS__)

/* 16 bytes. */
bool pt_dp_read_ip(const ProtobufCBinaryData *bytes, struct pt_ip *ret_ip);
/* A prefix without host bits. */
bool pt_dp_read_prefix(const ProtobufCBinaryData *bytes, uint32_t len, struct pt_prefix *ret_prefix);
struct pt_abi_address pt_dp_to_abi(const struct pt_ip *ip);
/* The prefix's bits as a mask over 16 bytes. */
struct pt_abi_address pt_dp_mask(const struct pt_prefix *prefix);

/* Translation, firewall and protection: entries of dp_bpf_compile_nat.c and dp_bpf_compile_filter.c. */
enum pt_code pt_dp_compile_exit(struct pt_dp_compiler *c, const Patronus__V1__ExitEntry *exit, struct pt_error *reterr);
enum pt_code pt_dp_compile_forward(struct pt_dp_compiler *c, const Patronus__V1__ForwardEntry *forward,
                                   struct pt_error *reterr);
enum pt_code pt_dp_compile_prefix_map(struct pt_dp_compiler *c, const Patronus__V1__PrefixMapEntry *map,
                                      struct pt_error *reterr);
enum pt_code pt_dp_compile_filter(struct pt_dp_compiler *c, const Patronus__V1__FilterEntry *filter,
                                  struct pt_error *reterr);
enum pt_code pt_dp_compile_filter_rule(struct pt_dp_compiler *c, const Patronus__V1__FilterRuleEntry *rule,
                                       struct pt_error *reterr);
enum pt_code pt_dp_compile_guard(struct pt_dp_compiler *c, const Patronus__V1__GuardEntry *guard,
                                 struct pt_error *reterr);
enum pt_code pt_dp_compile_denied(struct pt_dp_compiler *c, const Patronus__V1__DeniedEntry *denied,
                                  struct pt_error *reterr);
enum pt_code pt_dp_compile_limit(struct pt_dp_compiler *c, const Patronus__V1__LimitEntry *limit,
                                 struct pt_error *reterr);
/* All limits have come: name their parents. */
enum pt_code pt_dp_compile_limits_end(struct pt_dp_compiler *c, struct pt_error *reterr);
/* Tell each LAN what its segment has. */
void pt_dp_compile_features(struct pt_dp_table *table);
