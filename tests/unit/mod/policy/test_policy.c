/* Applications describe something; a rule that drops says nothing about paths; a login says what a rule asks for. */
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
    {"CreateApplication", MATCH("{'protocol':6},{'signatures':['ssh','youtub']}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "matches[1].signatures[1]"},
    {"CreateApplication", MATCH("{'hosts':['no host']}"), PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID,
     "matches[0].hosts[0]"},
    {"CreateApplication", MATCH("{'ports':[{'first':0,'last':65535}]},{'protocol':0},{'dscps':[0]}")},
    {"CreateApplication",
     "{'parent':'" A "','applicationId':'y','application':{'trafficClass':'STREAMING','matches':["
     "{'hosts':['*.video.example','cdn.example']},{'signatures':['youtube','netflix'],'protocol':6}]}}"},
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
    {"CreateSteeringPolicy", RULE("{'preference':'DENY','moveMode':'FORCED'}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "rules[0].move_mode"},
    {"CreateSteeringPolicy", RULE("{'preference':'DENY','windows':[{'start':'24:00'}]}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "rules[0].windows[0].start"},
    {"CreateSteeringPolicy", RULE("{'preference':'DENY','windows':[{},{'end':'8:30'}]}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "rules[0].windows[1].end"},
    {"CreateSteeringPolicy", RULE("{'preference':'DENY','windows':[{'end':'08:60'}]}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "rules[0].windows[0].end"},
    {"CreateSteeringPolicy", RULE("{'preference':'AVOID','underlays':['lte'],'fallbacks':[{'underlays':['x']}]}"),
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "rules[0].fallbacks"},
    {"CreateSteeringPolicy", RULE("{'preference':'PREFER','underlays':['lte'],'fallbacks':[{}]}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "rules[0].fallbacks[0]"},
    {"CreateSteeringPolicy",
     "{'parent':'" A "','steeringPolicyId':'y','steeringPolicy':{'segment':'" A "/segments/corp','rules':["
     "{'preference':'PREFER','underlays':['lte'],'fallbacks':[{'transports':['MPLS']}],'moveMode':'GRACEFUL',"
     "'users':['ann'],'groups':['staff'],'windows':[{'days':['FRIDAY'],'start':'22:00','end':'24:00',"
     "'utcOffsetMinutes':60}]}]}}"},
    {"CreateSteeringPolicy", RULE("{'preference':'DENY','constraints':{'minCapacityBps':'1'}}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "rules[0].constraints"},
    {"CreateSteeringPolicy", RULE("{'preference':'REQUIRE','constraints':{'excludeLabels':['a','=b']}}"),
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "rules[0].constraints.exclude_labels[1]"},
    {"CreateSteeringPolicy", RULE("{'preference':'REQUIRE','constraints':{'includeAnyGroups':[256]}}"),
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "rules[0].constraints.include_any_groups[0]"},
    {"CreateSteeringPolicy", RULE("{'preference':'REQUIRE','constraints':{'maxLossPpm':1000001}}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "rules[0].constraints.max_loss_ppm"},
    {"CreateSteeringPolicy",
     "{'parent':'" A "','steeringPolicyId':'z','steeringPolicy':{'segment':'" A "/segments/corp','rules':["
     "{'preference':'REQUIRE','constraints':{'requireLabels':['jurisdiction=eu'],'excludeLabels':['satellite'],"
     "'includeAllGroups':[1],'includeAnyGroups':[2,3],'excludeGroups':[255],'maxLatencyUs':50000,'maxLossPpm':0,"
     "'minCapacityBps':'1000000'}}]}}"},
    {"CreateSlaProfile", "{'parent':'" A "','slaProfileId':'w','slaProfile':{'evaluationWindow':'0.200s'}}"},
    {"CreateSlaProfile", "{'parent':'" A "','slaProfileId':'v','slaProfile':{'evaluationWindow':'10s'}}"},
    {"CreateSlaProfile", "{'parent':'" A "','slaProfileId':'x','slaProfile':{'fastDown':'0.05s'}}", PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "fast_down"},
    {"CreateSlaProfile", "{'parent':'" A "','slaProfileId':'x','slaProfile':{'slowUp':'-1s'}}", PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "slow_up"},
    {"CreateSlaProfile", "{'parent':'" A "','slaProfileId':'x','slaProfile':{'dampening':'3601s'}}",
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "dampening"},
    {"CreateSlaProfile", "{'parent':'" A "','slaProfileId':'x','slaProfile':{'minMosMilli':5001}}", PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "min_mos_milli"},
    {"CreateSlaProfile", "{'parent':'" A "','slaProfileId':'x','slaProfile':{'maxLatencyUs':0}}", PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "max_latency_us"},
    {"CreateSlaProfile",
     "{'parent':'" A "','slaProfileId':'x','slaProfile':{'fastDown':'0.1s','slowUp':'0s','dampening':"
     "'0s'}}"},
    {"CreateSteeringPolicy", RULE("{'applications':['" A "/applications/web'],'preference':'DENY','destinationCidrs':"
                                  "['10.0.0.0/8']},{'preference':'REQUIRE','transports':['MPLS']}")},
};
TABLE_TEST(rules_make_sense, policies)

#define SESSION(fields) \
    "{'parent':'" A "','userSessionId':'x','userSession':{'expireTime':'2030-01-01T00:00:00Z'" fields "}}"
#define AT_NYC ",'site':'" A "/sites/nyc','segment':'" A "/segments/corp'"

static const struct row sessions[] = {
    {"CreateUserSession", SESSION(AT_NYC ",'addresses':['10.1.0.7']"), PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED,
     "user"},
    {"CreateUserSession", SESSION(",'user':'ann'" AT_NYC), PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "addresses"},
    {"CreateUserSession", SESSION(",'user':'ann'" AT_NYC ",'addresses':['10.1.0.7','10.1.0.0/24']"),
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "addresses[1]"},
    {"CreateUserSession", SESSION(",'user':'ann'" AT_NYC ",'addresses':['10.1.0.7','10.1.0.7']"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "addresses[1]"},
    {"CreateUserSession",
     SESSION(",'user':'ann','site':'" A "/sites/none','segment':'" A "/segments/corp','addresses':['10.1.0.7']"),
     PT_FAILED_PRECONDITION, PT_REASON_REFERENCE_NOT_FOUND, "site"},
    {"CreateUserSession",
     "{'parent':'" A "','userSessionId':'x','userSession':{'user':'ann'" AT_NYC ",'addresses':['10.1.0.7']}}",
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "expire_time"},
    {"CreateUserSession", SESSION(",'user':'ann','groups':['staff']" AT_NYC ",'addresses':['10.1.0.7','2001:db8::7']")},
    {"UpdateUserSession", "{'userSession':{'name':'" A "/userSessions/x'},'updateMask':'expire_time'}",
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "expire_time"},
    {"UpdateUserSession", "{'userSession':{'name':'" A
                          "/userSessions/x','expireTime':'2031-01-01T00:00:00Z'}}"}, /* the user is still there */
    {"DeleteUserSession", "{'name':'" A "/userSessions/x'}"},
    {"GetUserSession", "{'name':'" A "/userSessions/x'}", PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name"},
};
TABLE_TEST(a_login_says_who_where_and_until_when, sessions)

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

static void refused_window(struct fixture *fx, const char *method, const char *request)
{
    struct pt_digest before = fx_digest(fx);
    ck_assert_int_eq(fx_call(fx, method, "%s", request), PT_INVALID_ARGUMENT);
    ck_assert(!fx->proposed);
    ck_assert_str_eq(fx->error.field, "evaluation_window");
    ck_assert_str_eq(fx->error.text, "must be 200 ms to 10 s");
    struct pt_digest after = fx_digest(fx);
    ck_assert(pt_digest_equal(&before, &after));
}

/* A leader lets no window through that nodes would not keep to; but a log may hold one that an older leader let
 * through: it is applied, and the profile can be changed in all else. */
START_TEST(a_window_out_of_bounds_is_kept_and_not_made)
{
    struct fixture fx;
    fx_init(&fx);
    fx_world(&fx);
    refused_window(&fx, "CreateSlaProfile",
                   "{'parent':'" A "','slaProfileId':'x','slaProfile':{'evaluationWindow':'0.199s'}}");
    refused_window(&fx, "CreateSlaProfile",
                   "{'parent':'" A "','slaProfileId':'x','slaProfile':{'evaluationWindow':'10.001s'}}");
    refused_window(&fx, "CreateSlaProfile",
                   "{'parent':'" A "','slaProfileId':'x','slaProfile':{'evaluationWindow':'-1s'}}");
    const struct row old = {"CreateSlaProfile",
                            "{'parent':'" A "','slaProfileId':'x','slaProfile':{'evaluationWindow':'60s'}}", PT_OK,
                            PT_REASON_NONE, ""};
    ck_assert_int_eq(table_apply(&fx, &old), PT_OK);
    FX_OK(&fx, "UpdateSlaProfile",
          "{'slaProfile':{'name':'" A "/slaProfiles/x','maxLossPpm':5},'updateMask':'max_loss_ppm'}");
    refused_window(&fx, "UpdateSlaProfile", "{'slaProfile':{'name':'" A "/slaProfiles/x','evaluationWindow':'61s'}}");
    FX_OK(&fx, "UpdateSlaProfile", "{'slaProfile':{'name':'" A "/slaProfiles/x','evaluationWindow':'10s'}}");
    refused_window(&fx, "UpdateSlaProfile", "{'slaProfile':{'name':'" A "/slaProfiles/x','evaluationWindow':'60s'}}");
    fx_fini(&fx);
}
END_TEST

TABLE_MAIN("mod/policy", applications_describe_something, rules_make_sense, a_login_says_who_where_and_until_when,
           a_window_out_of_bounds_is_kept_and_not_made, application_ids_are_numbered_and_kept)
