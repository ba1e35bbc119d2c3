/* The list of drop reasons: numbers and labels are unique, each has words, unknown numbers do no harm. */
#include "base/drop.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(every_reason_has_words_of_its_own)
{
    size_t found = 0;
    for (uint32_t i = 0; i < PT_DROP_REASONS_MAX; i++) {
        if (!pt_drop_exists(i)) {
            continue;
        }
        found++;
        ck_assert_uint_gt(strlen(pt_drop_label(i)), 0);
        ck_assert_uint_gt(strlen(pt_drop_text(i)), 0);
        ck_assert_uint_gt(strlen(pt_drop_remedy(i)), 0);
        ck_assert_uint_eq(strspn(pt_drop_label(i), "abcdefghijklmnopqrstuvwxyz_"), strlen(pt_drop_label(i)));
        ck_assert_uint_eq(i == 0 ? 0 : pt_drop_by_label(pt_drop_label(i)), i); /* no label twice */
    }
    size_t listed = 0;
#define COUNT(name, number, label, text, remedy) listed++;
    PT_DROPS(COUNT)
    PT_TUNNEL_DROPS(COUNT)
#undef COUNT
    ck_assert_uint_eq(found, listed); /* no number twice */
}
END_TEST

START_TEST(programs_and_tunnel_do_not_overlap)
{
#define BELOW(name, number, label, text, remedy) ck_assert_uint_lt(number, PT_DROP_LEN_MAX);
    PT_DROPS(BELOW)
#undef BELOW
#define ABOVE(name, number, label, text, remedy) ck_assert_uint_ge(number, PT_DROP_LEN_MAX);
    PT_TUNNEL_DROPS(ABOVE)
#undef ABOVE
}
END_TEST

START_TEST(what_is_unknown_says_so)
{
    ck_assert_str_eq(pt_drop_label(PT_DROP_REASONS_MAX), "unknown");
    ck_assert_str_eq(pt_drop_label(63), "unknown");
    ck_assert_uint_eq(pt_drop_by_label("no_such_reason"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("drop");
    TCase *tcase = tcase_create("drop");
    tcase_add_test(tcase, every_reason_has_words_of_its_own);
    tcase_add_test(tcase, programs_and_tunnel_do_not_overlap);
    tcase_add_test(tcase, what_is_unknown_says_so);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
