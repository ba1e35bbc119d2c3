/*
 * Why a packet was dropped. One X-macro gives the enum, the text and the metric's label.
 *
 * Numbers are an interface: they stand in telemetry, dashboards and alarms. A reason that is no longer used keeps its
 * number; a new one goes to the end.
 */
#pragma once

/* name, number, label, text */
#define PT_DROPS(X)                                                                                                \
    X(NONE, 0, "none", "not dropped")                                                                              \
    X(NO_BUNDLE, 1, "no_bundle", "no bundle is in force yet")                                                      \
    X(UNKNOWN_LAN, 2, "unknown_lan", "the interface belongs to no segment")                                        \
    X(MALFORMED, 3, "malformed", "a host's IP header is malformed")                                                \
    X(POLICY_DENY, 4, "policy_deny", "a steering rule denies it")                                                  \
    X(NO_ROUTE, 5, "no_route", "the segment has no route to the destination")                                      \
    X(NO_GROUP, 6, "no_group", "there is no next-hop group for the site")                                          \
    X(NO_PATH, 7, "no_path", "the next-hop group has no live path")                                                \
    X(TOO_BIG, 8, "too_big", "larger than the path's MTU and without DF, so no one can be told")                   \
    X(TOO_BIG_REPORTED, 9, "too_big_reported", "larger than the path's MTU; the host was told by ICMP")            \
    X(TTL_EXCEEDED, 10, "ttl_exceeded", "TTL or hop limit used up")                                                \
    X(ENCAP_FAILED, 11, "encap_failed", "the kernel made no room for the outer header")                            \
    X(OUTER_MALFORMED, 12, "outer_malformed", "the outer IP or UDP header is malformed")                           \
    X(OUTER_FRAGMENT, 13, "outer_fragment", "the outer packet is a fragment; we never send one")                   \
    X(GENEVE_MALFORMED, 14, "geneve_malformed", "the Geneve header or an option's length is malformed")            \
    X(UNKNOWN_OPTION, 15, "unknown_option", "a critical Geneve option that we do not know")                        \
    X(UNKNOWN_PEER, 16, "unknown_peer", "the outer source is no tunnel's far end on this link")                    \
    X(INNER_MALFORMED, 17, "inner_malformed", "the packet in the tunnel is malformed")                             \
    X(WRONG_SEGMENT, 18, "wrong_segment", "the segment has no such prefix at this site")                           \
    X(NOT_LOCAL, 19, "not_local", "arrived with an empty path stack, but its destination is another site")         \
    X(NO_HEADROOM, 20, "no_headroom", "the driver leaves no room to rewrite the header")                           \
    X(NO_METADATA, 21, "no_metadata", "the driver cannot hand XDP metadata to tc; attach in generic mode")         \
    X(EGRESS_TOO_BIG, 22, "egress_too_big", "larger than the MTU of the interface it must leave by")               \
    X(OUTER_CHECKSUM, 23, "outer_checksum", "a control packet in transit whose UDP checksum was left to hardware") \
    X(ECN_INVALID, 24, "ecn_invalid", "congestion marked outside on a packet that is not ECN-capable (RFC 6040)")  \
    X(PLAIN_REFUSED, 25, "plain_refused",                                                                          \
      "the segment requires encryption, and the path or the arriving packet is plain")                             \
    X(NO_TUNNEL, 26, "no_tunnel", "the path is sealed, and the tunnel's device is not there")                      \
    X(SLA_UNMET, 27, "sla_unmet", "the rule requires an SLA that no living path keeps")                            \
    X(RATE_LIMITED, 28, "rate_limited", "above the rate that its meter allows")

enum pt_drop {
#define PT_DROP_ENUM(name, number, label, text) PT_DROP_##name = number,
    PT_DROPS(PT_DROP_ENUM)
#undef PT_DROP_ENUM
};

/* Slots of the per-CPU counter array: room for reasons to come, so that the map's layout stays. */
#define PT_DROP_LEN_MAX 64
