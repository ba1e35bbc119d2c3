/*
 * The registry of metrics and its text: names are what Prometheus takes, unique, with their unit at the end; labels
 * cannot break a line.
 */
#include "base/metric.h"

#include "base/error.h"

#include <check.h>
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static const struct {
    const char *name, *type, *label, *help;
} metrics[] = {
#define ROW(id, name, type, label, help) {name, #type, label, help},
    PT_METRICS(ROW)
#undef ROW
};

START_TEST(names_are_good)
{
    for (size_t i = 0; i < PT_METRICS_LEN; i++) {
        const char *name = metrics[i].name;
        size_t len = strlen(name);
        ck_assert_str_eq(name, pt_metric_name((enum pt_metric)i));
        ck_assert_msg(strncmp(name, "patronus_", 9) == 0, "%s", name);
        for (const char *c = name; *c != '\0'; c++) {
            ck_assert_msg(islower((unsigned char)*c) || *c == '_', "%s", name);
        }
        bool total = len > 6 && strcmp(name + len - 6, "_total") == 0;
        ck_assert_msg(total == (strcmp(metrics[i].type, "COUNTER") == 0), "%s: a counter ends in _total", name);
        ck_assert_msg(strpbrk(metrics[i].help, "\n\\") == NULL && metrics[i].help[0] != '\0', "%s", name);
        for (size_t j = 0; j < i; j++) {
            ck_assert_str_ne(name, metrics[j].name);
        }
    }
}
END_TEST

START_TEST(values_are_written)
{
    PT_AUTO(buf) struct pt_buf out = {0};
    pt_metric_head(&out, PT_METRIC_RAFT_TERM);
    pt_metric_value(&out, PT_METRIC_RAFT_TERM, NULL, UINT64_MAX);
    pt_metric_value(&out, PT_METRIC_RPC_CALLS, "a\"b\\c\nd", 0);
    pt_metric_seconds(&out, PT_METRIC_RAFT_TIMEOUT, NULL, 1205);
    pt_metric_seconds(&out, PT_METRIC_CERTIFICATE_SECONDS, NULL, -7);
    pt_buf_append_u8(&out, 0);
    ck_assert_str_eq((const char *)out.data, "# HELP patronus_raft_term Term of consensus\n"
                                             "# TYPE patronus_raft_term gauge\n"
                                             "patronus_raft_term 18446744073709551615\n"
                                             "patronus_rpc_calls_total{code=\"a\\\"b\\\\c\\nd\"} 0\n"
                                             "patronus_raft_election_timeout_seconds 1.205\n"
                                             "patronus_certificate_remaining_seconds -0.007\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/metric");
    TCase *tests = tcase_create("metric");
    tcase_add_test(tests, names_are_good);
    tcase_add_test(tests, values_are_written);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
