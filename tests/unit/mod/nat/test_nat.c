/* Policies of translation: what an edge could not do is refused, by place. */
#include "../table.h"

#include "mod/nat/nat.h"

#define POLICY(rest) "{'parent':'" A "','natPolicyId':'x','natPolicy':{'segment':'" A "/segments/corp'," rest "}}"
#define FORWARD(protocol, port, address) "{'protocol':" protocol ",'port':" port ",'address':'" address "'}"
#define MAP(inside, outside) "{'site':'" A "/sites/nyc','inside':'" inside "','outside':'" outside "'}"

static const struct row policies[] = {
    {"CreateNatPolicy", "{'parent':'" A "','natPolicyId':'x','natPolicy':{}}", PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_REQUIRED, "segment"},
    {"CreateNatPolicy", POLICY("'breakout':{'destinationCidrs':['2001:db8::/32']}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "breakout.destination_cidrs[0]"},
    {"CreateNatPolicy", POLICY("'breakout':{'udpTimeoutSeconds':3}"), PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID,
     "breakout.udp_timeout_seconds"},
    {"CreateNatPolicy", POLICY("'portForwards':[" FORWARD("7", "80", "10.1.0.5") "]"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "port_forwards[0].protocol"},
    {"CreateNatPolicy", POLICY("'portForwards':[" FORWARD("6", "80", "2001:db8::1") "]"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "port_forwards[0].address"},
    {"CreateNatPolicy",
     POLICY("'portForwards':[" FORWARD("6", "80", "10.1.0.5") "," FORWARD("6", "80", "10.1.0.6") "]"),
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "port_forwards[1].port"},
    {"CreateNatPolicy", POLICY("'prefixMaps':[" MAP("10.0.0.0/24", "172.16.0.0/16") "]"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "prefix_maps[0].outside"},
    {"CreateNatPolicy", POLICY("'breakout':{},'portForwards':[" FORWARD("6", "80", "10.1.0.5") "," FORWARD(
                            "17", "80", "10.1.0.6") "],"
                                                    "'prefixMaps':[" MAP("10.0.0.0/24", "172.16.1.0/24") "]")},
    {"DeleteSegment", "{'name':'" A "/segments/corp'}", PT_FAILED_PRECONDITION, PT_REASON_RESOURCE_IN_USE, "name"},
    {"DeleteNatPolicy", "{'name':'" A "/natPolicies/x'}"},
};
TABLE_TEST(what_cannot_be_translated_is_refused, policies)

TABLE_MAIN("mod/nat", what_cannot_be_translated_is_refused)
