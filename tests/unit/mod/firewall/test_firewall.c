/* Firewall policies: a rule says what it can mean, and no two say different things of the same packets. */
#include "../table.h"

#include "mod/firewall/firewall.h"

#define POLICY(rules) \
    "{'parent':'" A "','firewallPolicyId':'x','firewallPolicy':{'segment':'" A "/segments/corp','rules':[" rules "]}}"

static const struct row policies[] = {
    {"CreateFirewallPolicy", POLICY("{}"), PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "rules[0].action"},
    {"CreateFirewallPolicy", POLICY("{'action':'ALLOW','scope':'SEGMENT'}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "rules[0].to_segment"},
    {"CreateFirewallPolicy", POLICY("{'action':'ALLOW','scope':'SEGMENT','toSegment':'" A "/segments/corp'}"),
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "rules[0].to_segment"},
    {"CreateFirewallPolicy", POLICY("{'action':'ALLOW','protocol':47,'ports':[{'first':1,'last':2}]}"),
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "rules[0].ports"},
    {"CreateFirewallPolicy", POLICY("{'action':'ALLOW','ports':[{'first':2,'last':1}]}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "rules[0].ports[0]"},
    {"CreateFirewallPolicy",
     POLICY("{'action':'DROP','sourceCidrs':['10.0.0.0/8'],'destinationCidrs':['2001:db8::/32']}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "rules[0]"},
    {"CreateFirewallPolicy",
     POLICY("{'action':'ALLOW','protocol':6},{'action':'ALLOW'},{'action':'DROP','protocol':6}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "rules[2]"},
    {"CreateFirewallPolicy", POLICY("{'action':'ALLOW','protocol':6,'ports':[{'first':80,'last':80}]},"
                                    "{'action':'DROP','protocol':6,'ports':[{'first':80,'last':81}]}")},
    {"CreateFloodGuard", "{'parent':'" A "','floodGuardId':'x','floodGuard':{'deniedCidrs':['203.0.113.1/24']}}",
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "denied_cidrs[0]"},
    {"CreateFloodGuard",
     "{'parent':'" A
     "','floodGuardId':'x','floodGuard':{'deniedCidrs':['203.0.113.0/24'],'sourcePacketsPerSecond':9}}"},
};
TABLE_TEST(rules_can_be_meant, policies)

/* Who wrote a rule that can never decide is told which one does. */
START_TEST(a_contradiction_names_the_other_rule)
{
    struct fixture fx;
    fx_init(&fx);
    fx_world(&fx);
    ck_assert_int_eq(fx_call(&fx, "CreateFirewallPolicy", "%s",
                             POLICY("{'action':'ALLOW','protocol':17},{'action':'ALLOW','protocol':6},"
                                    "{'action':'DROP','scope':'INTERNET'},{'action':'DROP','protocol':6}")),
                     PT_INVALID_ARGUMENT);
    ck_assert_str_eq(fx.error.field, "rules[3]");
    ck_assert_msg(strstr(fx.error.text, "rules[1] says the contrary about the same packets") != NULL, "%s",
                  fx.error.text);
    ck_assert_int_eq(fx_call(&fx, "CreateFirewallPolicy", "%s",
                             POLICY("{'action':'DROP','protocol':6},{'action':'DROP','protocol':6}")),
                     PT_INVALID_ARGUMENT);
    ck_assert_str_eq(fx.error.field, "rules[1]");
    ck_assert_msg(strstr(fx.error.text, "rules[0] says the same about the same packets") != NULL, "%s", fx.error.text);
    fx_fini(&fx);
}
END_TEST

/* Of two policies of a segment each may say what it likes: order decides. */
START_TEST(policies_may_contradict_each_other)
{
    struct fixture fx;
    fx_init(&fx);
    fx_world(&fx);
    for (unsigned i = 0; i < 2; i++) {
        FX_OK(&fx, "CreateFirewallPolicy",
              "{'parent':'" A "','firewallPolicyId':'p%u','firewallPolicy':{'segment':'" A
              "/segments/corp','priority':%u,'rules':[{'action':'%s','protocol':6}]}}",
              i, i + 1, i == 0 ? "ALLOW" : "DROP");
    }
    fx_fini(&fx);
}
END_TEST

TABLE_MAIN("mod/firewall", rules_can_be_meant, a_contradiction_names_the_other_rule, policies_may_contradict_each_other)
