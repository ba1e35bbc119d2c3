/* Applications describe something; a rule that drops says nothing about paths. */
#include "../table.h"

#define MATCH(match) "{'parent':'" A "','applicationId':'x','application':{'matches':[" match "]}}"
#define RULE(rule) \
    "{'parent':'" A "','steeringPolicyId':'x','steeringPolicy':{'segment':'" A "/segments/corp','rules':[" rule "]}}"

static const struct row applications[] = {
    {"CreateApplication", "{'parent':'" A "','applicationId':'x','application':{}}", PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_REQUIRED, "matches"},
    {"CreateApplication", MATCH("{'protocol':6},{}"), PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "matches[1]"},
    {"CreateApplication", MATCH("{'ports':[{'first':443,'last':80}]}"), PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID,
     "matches[0].ports[0]"},
    {"CreateApplication", MATCH("{'ports':[{'first':443,'last':65536}]}"), PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID,
     "matches[0].ports[0]"},
    {"CreateApplication", MATCH("{'protocol':1,'ports':[{'first':1,'last':2}]}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "matches[0].ports"},
    {"CreateApplication", MATCH("{'protocol':256}"), PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID,
     "matches[0].protocol"},
    {"CreateApplication", MATCH("{'ports':[{'first':0,'last':65535}]},{'protocol':0},{'dscps':[0]}")},
};
TABLE_TEST(applications_describe_something, applications)

static const struct row policies[] = {
    {"CreateSteeringPolicy", RULE("{'preference':'DENY','transports':['LTE']}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "rules[0].transports"},
    {"CreateSteeringPolicy", RULE("{'preference':'PREFER'},{'preference':'DENY','underlays':['mpls']}"),
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "rules[1].underlays"},
    {"CreateSteeringPolicy", RULE("{'preference':'DENY','slaProfile':'" A "/slaProfiles/voice'}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "rules[0].sla_profile"},
    {"CreateSteeringPolicy", RULE("{'applications':['" A "/applications/none'],'preference':'DENY'}"),
     PT_FAILED_PRECONDITION, PT_REASON_REFERENCE_NOT_FOUND, "rules[0].applications[0]"},
    {"CreateSteeringPolicy", RULE("{'transports':['LTE']}"), PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED,
     "rules[0].preference"},
    {"CreateSteeringPolicy", RULE("{'applications':['" A "/applications/web'],'preference':'DENY','destinationCidrs':"
                                  "['10.0.0.0/8']},{'preference':'REQUIRE','transports':['MPLS']}")},
};
TABLE_TEST(rules_make_sense, policies)

START_TEST(application_ids_are_numbered_and_kept)
{
    struct fixture fx;
    fx_init(&fx);
    fx_world(&fx);
    FX_OK(&fx, "CreateApplication", "%s", MATCH("{'protocol':17}"));
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "application_id"), 2);
    FX_OK(&fx, "UpdateApplication", "{'application':{'name':'" A "/applications/x','displayName':'x'}}");
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "application_id"), 2);
    fx_fini(&fx);
}
END_TEST

TABLE_MAIN("mod/policy", applications_describe_something, rules_make_sense, application_ids_are_numbered_and_kept)
