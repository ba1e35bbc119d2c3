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

#define NYC A "/sites/nyc"
#define SFO A "/sites/sfo"
#define EDGE(site, prefix)                                                                         \
    "{'parent':'" site "','edgeId':'o','edge':{'lanInterfaces':[{'interface':'lan9','segment':'" A \
    "/segments/corp','prefixes':['" prefix "']}]}}"
#define OUTSIDE(site, inside, outside) "{'site':'" site "','inside':'" inside "','outside':'" outside "'}"
#define UPDATE(rest) "{'natPolicy':{'name':'" A "/natPolicies/x','segment':'" A "/segments/corp'," rest "}}"

/* Sites of one segment with equal prefixes: each known by another one, or not at all. */
static const struct row equals[] = {
    {"CreateEdge", EDGE(NYC, "10.77.0.0/24")},
    {"CreateEdge", EDGE(SFO, "10.77.0.0/24"), PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "lan_interfaces[0].prefixes"},
    /* One of the two is not enough: at the other's the route would lead home. */
    {"CreateNatPolicy", POLICY("'prefixMaps':[" OUTSIDE(SFO, "10.77.0.0/24", "172.16.2.0/24") "]")},
    {"CreateEdge", EDGE(SFO, "10.77.0.0/24"), PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "lan_interfaces[0].prefixes"},
    {"UpdateNatPolicy", UPDATE("'prefixMaps':[" OUTSIDE(SFO, "10.77.0.0/24", "172.16.2.0/24") "," OUTSIDE(
                            NYC, "10.77.0.0/24", "172.16.1.0/24") "]")},
    {"CreateEdge", EDGE(SFO, "10.77.0.0/24")},
    /* What is mapped is gone otherwise, and so is what maps it. */
    {"UpdateNatPolicy", UPDATE("'prefixMaps':[" OUTSIDE(SFO, "10.77.0.0/24", "172.16.2.0/24") "]"),
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "prefix_maps"},
    {"UpdateNatPolicy",
     UPDATE("'disabled':true,'prefixMaps':[" OUTSIDE(SFO, "10.77.0.0/24", "172.16.2.0/24") "," OUTSIDE(
         NYC, "10.77.0.0/24", "172.16.1.0/24") "]"),
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "prefix_maps"},
    {"DeleteNatPolicy", "{'name':'" A "/natPolicies/x'}", PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "prefix_maps"},
    /* A policy that comes before it by name takes its place at its sites. */
    {"CreateNatPolicy",
     "{'parent':'" A "','natPolicyId':'a','natPolicy':{'segment':'" A "/segments/corp','sites':['" NYC
     "'],'breakout':{}}}",
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "prefix_maps"},
    /* Nobody is known by what another one has. */
    {"UpdateNatPolicy",
     UPDATE("'prefixMaps':[" OUTSIDE(SFO, "10.77.0.0/24", "10.77.0.0/24") "," OUTSIDE(NYC, "10.77.0.0/24",
                                                                                      "172.16.1.0/24") "]"),
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "prefix_maps"},
    {"DeleteEdge", "{'name':'" SFO "/edges/o'}"},
    {"DeleteNatPolicy", "{'name':'" A "/natPolicies/x'}"},
};
TABLE_TEST(sites_with_equal_prefixes_are_known_by_others, equals)

TABLE_MAIN("mod/nat", what_cannot_be_translated_is_refused, sites_with_equal_prefixes_are_known_by_others)
