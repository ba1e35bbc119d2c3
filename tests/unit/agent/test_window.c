/* Windows against a walk through the week, minute by minute; and numbers of SLAs. */
#include "agent/dp_bpf_table.h"
#include "plan/window.h"

#include <check.h>
#include <stdlib.h>
#include <time.h>

#define WEEK_S (7 * 86400)

static uint64_t state;

static uint32_t any(uint32_t below)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(state >> 33) % below;
}

/* By the C library's calendar: is the minute in a window that began today or yesterday? */
static bool naive(const Patronus__V1__RuleEntry *rule, int64_t wall_s)
{
    for (size_t i = 0; i < rule->n_windows; i++) {
        const Patronus__V1__RuleWindow *w = rule->windows[i];
        for (int back = 0; back <= 1; back++) {
            time_t at = (time_t)(wall_s + w->utc_offset_minutes * 60 - back * 86400);
            struct tm tm;
            (void)gmtime_r(&at, &tm);
            unsigned day = (unsigned)(tm.tm_wday + 6) % 7;
            int since = tm.tm_hour * 60 + tm.tm_min + back * 1440 - (int)w->first_minute;
            if ((w->days >> day & 1) != 0 && since >= 0 && since < (int)w->minutes) {
                return true;
            }
        }
    }
    return rule->n_windows == 0;
}

START_TEST(a_rule_is_in_force_in_its_windows_and_says_when_that_changes)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        Patronus__V1__RuleWindow windows[3];
        Patronus__V1__RuleWindow *pointers[3] = {&windows[0], &windows[1], &windows[2]};
        Patronus__V1__RuleEntry rule = PATRONUS__V1__RULE_ENTRY__INIT;
        state = seed;
        rule.n_windows = any(4);
        rule.windows = pointers;
        for (size_t i = 0; i < 3; i++) {
            patronus__v1__rule_window__init(&windows[i]);
            windows[i].days = any(128);
            windows[i].first_minute = any(1440);
            windows[i].minutes = 1 + any(1440);
            windows[i].utc_offset_minutes = (int32_t)any(1500) - 720;
        }
        int64_t begin_s = 1700000000 + any(WEEK_S);
        for (int64_t s = begin_s; s < begin_s + 2 * WEEK_S;) {
            int64_t due_s = INT64_MAX;
            bool in = pt_plan_rule_in_time(&rule, s, &due_s);
            ck_assert_int_eq(in, naive(&rule, s));
            ck_assert_int_gt(due_s, s);
            int64_t until_s = due_s < s + WEEK_S ? due_s : s + WEEK_S;
            for (int64_t t = s; t < until_s; t += 60) { /* nothing changes before it says so */
                ck_assert_int_eq(naive(&rule, t), in);
            }
            ck_assert_int_eq(naive(&rule, until_s - 1), in);
            s = until_s;
        }
    }
}
END_TEST

START_TEST(nonsense_is_never_in_force)
{
    Patronus__V1__RuleWindow window = PATRONUS__V1__RULE_WINDOW__INIT;
    Patronus__V1__RuleWindow *windows[] = {&window};
    Patronus__V1__RuleEntry rule = PATRONUS__V1__RULE_ENTRY__INIT;
    int64_t due_s = INT64_MAX;
    rule.n_windows = 1;
    rule.windows = windows;
    window.days = 0xffffffff;
    ck_assert(!pt_plan_rule_in_time(&rule, 1700000000, &due_s)); /* no length */
    window.minutes = 1441;
    ck_assert(!pt_plan_rule_in_time(&rule, 1700000000, &due_s));
    window.minutes = 1440;
    window.first_minute = 1440;
    ck_assert(!pt_plan_rule_in_time(&rule, 1700000000, &due_s));
    window.first_minute = 0;
    window.utc_offset_minutes = INT32_MIN;
    ck_assert(!pt_plan_rule_in_time(&rule, 1700000000, &due_s));
    ck_assert(due_s == INT64_MAX);
    window.utc_offset_minutes = 0;
    ck_assert(pt_plan_rule_in_time(&rule, -1, &due_s));
}
END_TEST

START_TEST(slas_keep_their_numbers_while_they_are_used)
{
    static struct pt_dp_slas slas;
    for (uint64_t id = 1; id <= PT_SLAS_MAX; id++) {
        ck_assert_int_eq(pt_dp_slas_take(&slas, id), (int)id - 1);
    }
    ck_assert_int_eq(pt_dp_slas_take(&slas, 5), 4);
    ck_assert_int_eq(pt_dp_slas_take(&slas, 1000), -1);
    pt_dp_slas_settle(&slas);
    ck_assert_int_eq(pt_dp_slas_take(&slas, 7), 6);
    pt_dp_slas_settle(&slas);
    ck_assert_int_eq(pt_dp_slas_get(&slas, 7), 6);
    ck_assert_int_eq(pt_dp_slas_get(&slas, 8), -1);
    ck_assert_int_eq(pt_dp_slas_get(&slas, 0), -1);
    int number = pt_dp_slas_take(&slas, 8);
    ck_assert(number >= 0 && number != 6);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent window");
    TCase *tcase = tcase_create("window");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_rule_is_in_force_in_its_windows_and_says_when_that_changes);
    tcase_add_test(tcase, nonsense_is_never_in_force);
    tcase_add_test(tcase, slas_keep_their_numbers_while_they_are_used);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
