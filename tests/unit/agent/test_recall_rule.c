/* What a rule's number means: one of steering or of the firewall, of the segment that it is of; and nothing else. */
#include "agent/recall_rule.h"

#include <check.h>

#define STEERING "organizations/o/steeringPolicies/p rules[1]"
#define FIREWALL "organizations/o/firewallPolicies/f rules[0]"

static struct pt_bundle *make_bundle(void)
{
    Patronus__V1__Entry entries[5];
    Patronus__V1__Entry *list[5];
    Patronus__V1__LinkEntry link = PATRONUS__V1__LINK_ENTRY__INIT;
    Patronus__V1__RuleEntry rules[2];
    Patronus__V1__FilterRuleEntry filters[2];
    for (uint32_t i = 0; i < 5; i++) {
        patronus__v1__entry__init(&entries[i]);
        list[i] = &entries[i];
    }
    for (uint32_t i = 0; i < 2; i++) {
        patronus__v1__rule_entry__init(&rules[i]);
        rules[i].vni = 7 + i;
        rules[i].rule_id = 3;
        rules[i].revision = 40 + i;
        rules[i].origin = (char *)STEERING;
        entries[i].entry_case = PATRONUS__V1__ENTRY__ENTRY_RULE;
        entries[i].rule = &rules[i];
        patronus__v1__filter_rule_entry__init(&filters[i]);
        filters[i].vni = 7;
        filters[i].order = i;
        filters[i].rule_id = 0x10000 + i;
        filters[i].origin = i == 1 ? (char *)FIREWALL : (char *)"another";
        entries[2 + i].entry_case = PATRONUS__V1__ENTRY__ENTRY_FILTER_RULE;
        entries[2 + i].filter_rule = &filters[i];
    }
    link.link = 1;
    entries[4].entry_case = PATRONUS__V1__ENTRY__ENTRY_LINK;
    entries[4].link = &link;
    return pt_bundle_new(list, 5);
}

START_TEST(a_number_is_a_rule_of_its_segment)
{
    struct pt_bundle *bundle = make_bundle();
    struct pt_recall_rule rule = pt_recall_rule_of(bundle, 8, 3);
    ck_assert_str_eq(rule.origin, STEERING);
    ck_assert_uint_eq(rule.revision, 41);
    rule = pt_recall_rule_of(bundle, 7, 0x10001);
    ck_assert_str_eq(rule.origin, FIREWALL);
    ck_assert_uint_eq(rule.revision, 0);
    pt_bundle_unref(bundle);
}
END_TEST

START_TEST(what_the_bundle_does_not_have_is_not_known)
{
    struct pt_bundle *bundle = make_bundle();
    ck_assert_str_eq(pt_recall_rule_of(bundle, 7, 0).origin, "");
    ck_assert_str_eq(pt_recall_rule_of(bundle, 7, 4).origin, "");
    ck_assert_str_eq(pt_recall_rule_of(bundle, 8, 0x10001).origin, "");
    ck_assert_str_eq(pt_recall_rule_of(bundle, 9, 3).origin, "");
    ck_assert_str_eq(pt_recall_rule_of(NULL, 7, 3).origin, "");
    pt_bundle_unref(bundle);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recall_rule");
    TCase *tcase = tcase_create("recall_rule");
    tcase_add_test(tcase, a_number_is_a_rule_of_its_segment);
    tcase_add_test(tcase, what_the_bundle_does_not_have_is_not_known);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
