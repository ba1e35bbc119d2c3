/*
 * Why a packet was dropped: every reason of the product, in one list. It gives the enum, the label of the metric, the
 * text, what to do about it (base/drop.h), and docs/drops.md (api/tools/parts/drops).
 *
 * Numbers are an interface: they stand in telemetry, dashboards and alarms. A reason that is no longer used keeps its
 * number; a new one goes to the end of its list.
 */
#pragma once

/* Of the programs: name, number, label, text, remedy */
#define PT_DROPS(X)                                                                                                    \
    X(NONE, 0, "none", "not dropped", "nothing is to be done")                                                         \
    X(NO_BUNDLE, 1, "no_bundle", "no bundle is in force yet",                                                          \
      "see that the edge reaches a controller: patronusctl get edges, then its log")                                   \
    X(UNKNOWN_LAN, 2, "unknown_lan", "the interface belongs to no segment",                                            \
      "name the interface in the edge's lan_interfaces")                                                               \
    X(MALFORMED, 3, "malformed", "a host's IP header is malformed", "find the host by a capture on the LAN")           \
    X(POLICY_DENY, 4, "policy_deny", "a steering rule denies it", "meant, or change the rule that explain flow names") \
    X(NO_ROUTE, 5, "no_route", "the segment has no route to the destination",                                          \
      "add the prefix to the lan_interfaces of its edge, or correct the host")                                         \
    X(NO_GROUP, 6, "no_group", "there is no next-hop group for the site",                                              \
      "see that both sites are in the segment's fabric and have a usable link")                                        \
    X(NO_PATH, 7, "no_path", "the next-hop group has no live path",                                                    \
      "get paths says which are down; look at links of both sites")                                                    \
    X(TOO_BIG, 8, "too_big", "larger than the path's MTU and without DF, so no one can be told",                       \
      "raise the link's MTU or lower the hosts'")                                                                      \
    X(TOO_BIG_REPORTED, 9, "too_big_reported", "larger than the path's MTU; the host was told by ICMP",                \
      "normal at a flow's start; if it goes on, the host filters ICMP")                                                \
    X(TTL_EXCEEDED, 10, "ttl_exceeded", "TTL or hop limit used up",                                                    \
      "traceroute, or a loop between routers of the LAN")                                                              \
    X(ENCAP_FAILED, 11, "encap_failed", "the kernel made no room for the outer header", "the machine lacks memory")    \
    X(OUTER_MALFORMED, 12, "outer_malformed", "the outer IP or UDP header is malformed",                               \
      "somebody sends rubbish to the Geneve port; filter it in the underlay")                                          \
    X(OUTER_FRAGMENT, 13, "outer_fragment", "the outer packet is a fragment; we never send one",                       \
      "the underlay fragments: lower the link's mtu to what it carries")                                               \
    X(GENEVE_MALFORMED, 14, "geneve_malformed", "the Geneve header or an option's length is malformed",                \
      "as outer_malformed; or the peer's software is broken")                                                          \
    X(UNKNOWN_OPTION, 15, "unknown_option", "a critical Geneve option that we do not know",                            \
      "bring both edges to one version")                                                                               \
    X(UNKNOWN_PEER, 16, "unknown_peer", "the outer source is no tunnel's far end on this link",                        \
      "a peer's address changed, or it has a bundle that is older: compare applied generations")                       \
    X(INNER_MALFORMED, 17, "inner_malformed", "the packet in the tunnel is malformed",                                 \
      "the peer's host sends rubbish; capture at its LAN")                                                             \
    X(WRONG_SEGMENT, 18, "wrong_segment", "the segment has no such prefix at this site",                               \
      "the sender's bundle is older, or a prefix moved; it ends when both have the newest")                            \
    X(NOT_LOCAL, 19, "not_local", "arrived with an empty path stack, but its destination is another site",             \
      "as wrong_segment")                                                                                              \
    X(NO_HEADROOM, 20, "no_headroom", "the driver leaves no room to rewrite the header",                               \
      "use generic XDP on that interface, or another driver")                                                          \
    X(NO_METADATA, 21, "no_metadata", "the driver cannot hand XDP metadata to tc; attach in generic mode",             \
      "attach in generic mode")                                                                                        \
    X(EGRESS_TOO_BIG, 22, "egress_too_big", "larger than the MTU of the interface it must leave by",                   \
      "make the LANs' MTUs alike")                                                                                     \
    X(OUTER_CHECKSUM, 23, "outer_checksum", "a control packet in transit whose UDP checksum was left to hardware",     \
      "switch transmit checksum offload of the sender's virtual link off")                                             \
    X(ECN_INVALID, 24, "ecn_invalid", "congestion marked outside on a packet that is not ECN-capable (RFC 6040)",      \
      "a router in the underlay marks what it must drop; tell its provider")                                           \
    X(PLAIN_REFUSED, 25, "plain_refused",                                                                              \
      "the segment requires encryption, and the path or the arriving packet is plain",                                 \
      "seal the link (plain: false), or let the segment be plain")                                                     \
    X(NO_TUNNEL, 26, "no_tunnel", "the path is sealed, and the tunnel's device is not there",                          \
      "the tunnel process is down: see the edge's log")                                                                \
    X(SLA_UNMET, 27, "sla_unmet", "the rule requires an SLA that no living path keeps",                                \
      "improve a link, relax the profile, or PREFER instead of REQUIRE")                                               \
    X(RATE_LIMITED, 28, "rate_limited", "above the rate that its meter allows", "meant, or raise the limit")           \
    X(FIREWALL, 29, "firewall", "no firewall rule allows it",                                                          \
      "meant, or add a rule to a FirewallPolicy of its segment")                                                       \
    X(NAT_EXHAUSTED, 30, "nat_exhausted", "every port of the exit is taken",                                           \
      "give the site another link, or shorten the timeouts of the NatPolicy")                                          \
    X(NAT_FRAGMENT, 31, "nat_fragment", "a fragment, whose ports cannot be translated", "lower the host's MTU")        \
    X(NAT_PROTOCOL, 32, "nat_protocol", "a protocol or ICMP message that cannot be translated",                        \
      "only TCP, UDP and ICMP queries leave by an exit")                                                               \
    X(NAT_FILTERED, 33, "nat_filtered", "from an address that the host of the mapping has not sent to",                \
      "meant, or take filtering ENDPOINT_INDEPENDENT")                                                                 \
    X(SOURCE_DENIED, 34, "source_denied", "its source is on the deny list",                                            \
      "meant, or take the prefix out of the FloodGuard")                                                               \
    X(SOURCE_RATE, 35, "source_rate", "more packets a second than one source may send",                                \
      "meant, or raise source_packets_per_second of the FloodGuard")                                                   \
    X(SYN_UNPROVEN, 36, "syn_unproven", "connections begin too fast, and the source has not asked twice yet",          \
      "look who floods; deny the source")

/* Slots of the per-CPU counter array: room for reasons to come, so that the map's layout stays. */
#define PT_DROP_LEN_MAX 64

/* Of the tunnel process (internal/tunnel/engine.h), after those. The same columns. */
#define PT_TUNNEL_DROPS(X)                                                                                          \
    X(NO_PATH, 64, "tunnel_no_path", "the verdict names a path that the tunnel does not have",                      \
      "passes within a second of a new bundle; if not, see the edge's log")                                         \
    X(NO_SESSION, 65, "tunnel_no_session", "there is no session with the peer yet",                                 \
      "passes within a second; if not, UDP between the links is blocked or the peer is down")                       \
    X(BAD_PACKET, 66, "tunnel_bad_packet", "a packet to be sealed is malformed", "as malformed")                    \
    X(SEND_FAILED, 67, "tunnel_send_failed", "the kernel did not take it: no route, link down",                     \
      "look at the link's carrier, address and gateway")                                                            \
    X(MALFORMED, 68, "tunnel_malformed", "a message from the WAN is malformed",                                     \
      "somebody sends rubbish to the port; filter it in the underlay")                                              \
    X(UNKNOWN_SESSION, 69, "tunnel_unknown_session", "no session has the index in the message",                     \
      "passes after a restart of either end")                                                                       \
    X(REPLAYED, 70, "tunnel_replayed", "the packet number was seen before or is older than the window",             \
      "an underlay that duplicates or delays by more than 2048 packets, or an attack")                              \
    X(NOT_AUTHENTIC, 71, "tunnel_not_authentic", "the seal does not open",                                          \
      "an attack, or an underlay that changes packets")                                                             \
    X(BAD_INNER, 72, "tunnel_bad_inner", "the opened packet is malformed", "as inner_malformed")                    \
    X(ECN_INVALID, 73, "tunnel_ecn_invalid", "congestion marked outside, not ECN-capable inside", "as ecn_invalid") \
    X(WRITE_FAILED, 74, "tunnel_write_failed", "the device did not take an opened packet",                          \
      "the machine is out of memory, or the device was removed")

enum pt_drop {
#define PT_DROP_ENUM(name, number, label, text, remedy) PT_DROP_##name = number,
#define PT_TUNNEL_DROP_ENUM(name, number, label, text, remedy) PT_DROP_TUNNEL_##name = number,
    PT_DROPS(PT_DROP_ENUM) PT_TUNNEL_DROPS(PT_TUNNEL_DROP_ENUM)
#undef PT_DROP_ENUM
#undef PT_TUNNEL_DROP_ENUM
};
